//! Vectors: what keepalived 2.2.7 sends for a configuration, recorded once, and what the daemon under test sends for it.
//!
//! Each case has a director on a wire of its own, so all run side by side with the same addresses.

use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::guest::SHARED;
use crate::site::{Daemon, Director, Node, Switch, mac, v4, v6};
use crate::timeline::{Stamp, note, wait_for};
use crate::wire::{Advert, Capture, Content, Seen};

struct Case {
    name: &'static str,
    conf: &'static str,
    advert: &'static str,
    garp: &'static str,
    stop: &'static str,
}

macro_rules! cases {
    ($($name:literal)*) => {
        &[$(Case {
            name: $name,
            conf: include_str!(concat!("../../vectors/", $name, "/keepalived.conf")),
            advert: include_str!(concat!("../../vectors/", $name, "/advert.hex")),
            garp: include_str!(concat!("../../vectors/", $name, "/garp.hex")),
            stop: include_str!(concat!("../../vectors/", $name, "/stop.hex")),
        }),*]
    };
}

const CASES: &[Case] = cases! {
    "v2-plain" "v2-pass" "v2-pass-long" "v2-addresses" "v2-unicast" "v2-owner" "v2-source"
    "v3-ipv4" "v3-addresses" "v3-unicast" "v3-slow" "v3-ipv6" "v3-ipv6-unicast"
};

/// What was sent in a case.
struct Sent {
    /// The adverts of becoming master: the first for each destination.
    adverts: Vec<Seen>,
    /// The first burst of gratuitous ARPs and neighbour advertisements.
    announcements: Vec<Seen>,
    /// The priority-0 adverts of a stop.
    stop: Vec<Seen>,
}

pub fn capture() {
    for (case, sent) in record(Daemon::Keepalived) {
        let directory = format!("{SHARED}/vectors/{}", case.name);
        fs::create_dir_all(&directory).expect("a directory");
        for (file, frames) in [
            ("advert", sent.adverts),
            ("garp", sent.announcements),
            ("stop", sent.stop),
        ] {
            let lines: String = frames.iter().map(|frame| hex(&frame.bytes) + "\n").collect();
            fs::write(format!("{directory}/{file}.hex"), lines).expect("a vector");
        }
    }
}

/// Facts: 5.1, 5.2, 5.3, 5.4, 5.5, 11.1, 11.2
pub fn compare() {
    let mut differences = String::new();
    for (case, sent) in record(Daemon::under_test()) {
        for (file, wanted, frames) in [
            ("advert", case.advert, sent.adverts),
            ("garp", case.garp, sent.announcements),
            ("stop", case.stop, sent.stop),
        ] {
            let wanted: Vec<String> = wanted.lines().map(masked).collect();
            let sent: Vec<String> = frames.iter().map(|frame| masked(&hex(&frame.bytes))).collect();
            if wanted != sent {
                let _ = writeln!(
                    differences,
                    "{}/{file}: wanted {wanted:#?}\nsent {sent:#?}",
                    case.name
                );
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// Runs every case to mastership and a stop.
fn record(daemon: Daemon) -> Vec<(&'static Case, Sent)> {
    let switch = Switch::new();
    let wire = switch.capture();
    let mut directors: Vec<Director> = CASES.iter().map(|case| director(case, daemon, &switch)).collect();
    directors.iter_mut().for_each(Director::start);
    for case in CASES {
        wait_for(
            format!("{}: announcements", case.name),
            Duration::from_secs(20),
            || (announcements(&wire, case).len() >= burst(case)).then_some(()),
        );
    }
    let stopping = Stamp::now();
    directors
        .iter()
        .for_each(|director| director.signal(Signal::SIGTERM));
    for director in &mut directors {
        assert_eq!(
            director.ended(Duration::from_secs(10)),
            Some(0),
            "exit code of {}",
            director.name
        );
    }
    note("lab", "all directors have stopped");
    let last_words = |case| adverts(&wire, case, |advert, at| advert.priority == 0 && at > stopping);
    for case in CASES {
        // The capture is read a moment after the fact.
        let wanted = case.stop.lines().count().max(1);
        wait_for(
            format!("{}: priority 0", case.name),
            Duration::from_secs(5),
            || (last_words(case).len() >= wanted).then_some(()),
        );
    }
    let sent = |case| {
        let stop = last_words(case);
        let peers = stop.len().max(1);
        let mut adverts = adverts(&wire, case, |advert, _| advert.priority != 0);
        adverts.truncate(peers);
        let mut announcements = announcements(&wire, case);
        announcements.truncate(burst(case));
        Sent {
            adverts,
            announcements,
            stop,
        }
    };
    CASES.iter().map(|case| (case, sent(case))).collect()
}

fn director(case: &Case, daemon: Daemon, switch: &Switch) -> Director {
    let node = Node::new(case.name);
    switch.watch(&node, 1);
    // Peers that need no asking for.
    for peer in [2, 3] {
        for address in [v4(0, peer), v6(0, peer)] {
            node.ip(&format!(
                "neighbour add {address} lladdr {} dev eth0 nud permanent\n",
                mac(0, peer)
            ));
        }
    }
    let mut director = Director::new(node);
    director.daemon = daemon;
    director.configure(case.conf);
    director
}

fn adverts(wire: &Capture, case: &Case, wanted: impl Fn(&Advert, Stamp) -> bool) -> Vec<Seen> {
    let matches = |seen: &Seen| match &seen.content {
        Content::Advert(advert) => wanted(advert, seen.at),
        Content::Announcement { .. } | Content::Control(_) => false,
    };
    wire.from(case.name).into_iter().filter(matches).collect()
}

fn announcements(wire: &Capture, case: &Case) -> Vec<Seen> {
    let matches = |seen: &Seen| matches!(seen.content, Content::Announcement { .. });
    wire.from(case.name).into_iter().filter(matches).collect()
}

/// The announcements of the first burst: five rounds over all addresses, excluded ones too.
fn burst(case: &Case) -> usize {
    let (_, blocks) = case.conf.split_once("virtual_ipaddress").expect("addresses");
    let first = blocks.lines().filter_map(|line| line.split_whitespace().next());
    let addresses = first.filter(|word| {
        word.split('/')
            .next()
            .is_some_and(|word| word.parse::<IpAddr>().is_ok())
    });
    5 * addresses.count()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A frame without what may differ from run to run: the identification of an IPv4 header and its checksum, and the
/// flow label of an IPv6 header.
fn masked(frame: &str) -> String {
    // In hexadecimal digits.
    let hidden: &[(usize, usize)] = match frame.get(24..28) {
        Some("0800") => &[(36, 40), (48, 52)],
        Some("86dd") => &[(31, 36)],
        _ => &[],
    };
    let mut text = frame.to_owned();
    for (from, to) in hidden {
        text.replace_range(*from..*to, &".".repeat(to - from));
    }
    text
}
