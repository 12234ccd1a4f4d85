//! BFD: sessions with keepalived and with BIRD, and what virtual routers make of them.

use std::net::SocketAddr;
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance};
use super::expect::{SOON, late, weights};
use crate::site::{self, Daemon, Director, v4};
use crate::timeline::{Stamp, for_the_next, ms, note, stalled, wait_for};

/// A `bfd_instance`: intervals that a busy machine can keep, silence noticed after 3 s: longer than it stands still.
fn session(name: &str, neighbor: &str, more: &str) -> String {
    format!(
        "bfd_instance {name} {{\n    neighbor_ip {neighbor}\n    min_rx 500\n    min_tx 500\n    multiplier 6\n    {more}\n}}\n"
    )
}

const INTERVAL: Duration = Duration::from_millis(500);
/// Six times that: what the sessions above come to.
const DETECTION: Duration = Duration::from_millis(3000);

#[track_caller]
fn wait_up(director: &Director, session: &str, since: Stamp) -> Stamp {
    director
        .log
        .wait(&format!("({session}) Entering Up state"), since, 2 * SOON)
}

/// Waits until a session is up at both ends: before it is, the other one has promised no more than a packet a second.
#[track_caller]
fn both_up(d1: &Director, d2: &Director, since: Stamp) {
    for director in [d1, d2] {
        wait_up(director, "one", since);
    }
}

/// Waits until the session is down, and checks that this was noticed in time and not before.
#[track_caller]
fn wait_lost(director: &Director, session: &str, lost: Stamp) {
    let down = format!("({session}) Entering Down state (Local diagnostic - Control Detection Time Expired");
    let at = director.log.wait(&down, lost, SOON);
    let noticed = at - lost;
    note(&director.name, format!("{session} is down after {}", ms(noticed)));
    // The last packet was at most an interval before, unless nothing was sent because the guest stood still.
    let still = stalled(Stamp(lost.0 - DETECTION), lost);
    let least = DETECTION.saturating_sub(INTERVAL + INTERVAL / 5 + still);
    assert!(
        (least..DETECTION + late(lost, at)).contains(&noticed),
        "{session}: {}",
        ms(noticed)
    );
}

/// Sessions over IPv4 and IPv6, single hop and passive, with keepalived: up, lost in time when it is killed, up again.
///
/// Facts: 24.1, 24.2, 24.5, 24.7
pub fn keepalived() {
    let (_site, mut d1, mut d2) = site::pair(0);
    d2.daemon = Daemon::Keepalived;
    let sessions = |peer: u8, passive: &str| {
        let four = session("four", &format!("192.0.2.{peer}"), passive);
        let six = session("six", &format!("2001:db8::{peer}"), "");
        format!("{GLOBAL}{four}{six}")
    };
    // A passive end needs one that is not.
    d1.run_with(&sessions(2, "passive"));
    let begun = Stamp::now();
    for_the_next(Duration::from_secs(2), "nobody to talk to", || {
        d1.log.count_since("Entering Up state", begun) == 0
    });
    let started = Stamp::now();
    d2.run_with(&sessions(1, ""));
    for name in ["four", "six"] {
        wait_up(&d1, name, started);
        wait_up(&d2, name, started);
    }
    let settled = Stamp::now();
    for_the_next(Duration::from_secs(3), "the sessions stay up", || {
        [&d1, &d2]
            .iter()
            .all(|end| end.log.count_since("Entering Down state", settled) == 0)
    });

    let lost = Stamp::now();
    d2.kill();
    for name in ["four", "six"] {
        wait_lost(&d1, name, lost);
    }
    let back = Stamp::now();
    d2.start();
    for name in ["four", "six"] {
        wait_up(&d1, name, back);
        wait_up(&d2, name, back);
    }

    // A stop says nothing, so that the other end notices: keepalived's does not either.
    let stopped = Stamp::now();
    assert_eq!(d1.stop(), Some(0));
    for name in ["four", "six"] {
        wait_lost(&d2, name, stopped);
    }
}

/// BIRD on a node, with static sessions; killed with the value.
struct Bird(Child);

impl Bird {
    fn start(node: &Director, neighbors: &str) -> Self {
        let config = format!(
            "log stderr all;\nrouter id 192.0.2.2;\nprotocol device {{}}\nprotocol bfd {{\n    \
             interface \"*\" {{ min rx interval 500 ms; min tx interval 500 ms; idle tx interval 1 s; multiplier 6; }};\n    \
             multihop {{ min rx interval 500 ms; min tx interval 500 ms; idle tx interval 1 s; multiplier 6; }};\n    {neighbors}\n}}\n"
        );
        node.write("/run/bird.conf", &config);
        note(&node.name, "BIRD starts");
        let mut child = node.spawn(&[
            "/usr/sbin/bird",
            "-f",
            "-c",
            "/run/bird.conf",
            "-s",
            "/run/bird.ctl",
            "-P",
            "/run/bird.pid",
        ]);
        let said = child.stderr.take().expect("a pipe");
        node.log.follow(&node.name, said);
        Self(child)
    }

    fn kill(mut self) {
        note("d2", "BIRD is killed");
        self.0.kill().expect("a child of ours");
        self.0.wait().expect("a child of ours");
    }
}

/// Sessions with BIRD over IPv4 and IPv6, single hop and multihop: up, lost in time when it is killed, up again.
///
/// Facts: 24.1, 24.2, 24.4, 24.5
pub fn bird() {
    let (_site, mut d1, d2) = site::pair(0);
    let four = session("four", "192.0.2.2", "source_ip 192.0.2.1");
    // RFC 5881 wants 255; keepalived's default for IPv6 is 64.
    let six = session("six", "2001:db8::2", "source_ip 2001:db8::1\n    hoplimit 255");
    let far = session(
        "far",
        "2001:db8::2",
        "source_ip 2001:db8::77\n    multihop\n    max_hops -1",
    );
    d1.ip("addr add 2001:db8::77/128 dev lo nodad");
    d2.ip("route add 2001:db8::77/128 via 2001:db8::1");
    d1.run_with(&format!("{GLOBAL}{four}{six}{far}"));
    let neighbors = "neighbor 192.0.2.1;\n    neighbor 2001:db8::1;\n    \
                     neighbor 2001:db8::77 local 2001:db8::2 multihop on;";
    let started = Stamp::now();
    let bird = Bird::start(&d2, neighbors);
    for name in ["four", "six", "far"] {
        wait_up(&d1, name, started);
    }
    // A session is up at one end before it is at the other.
    let shown = wait_for("BIRD's three sessions to be up", SOON, || {
        let shown = d2.run(&[
            "/usr/sbin/birdc",
            "-s",
            "/run/bird.ctl",
            "show",
            "bfd",
            "sessions",
        ]);
        (shown.matches("Up").count() == 3).then_some(shown)
    });
    note("d2", &shown);
    let settled = Stamp::now();
    for_the_next(Duration::from_secs(3), "the sessions stay up", || {
        d1.log.count_since("Entering Down state", settled) == 0
    });
    let lost = Stamp::now();
    bird.kill();
    for name in ["four", "six", "far"] {
        wait_lost(&d1, name, lost);
    }
    let back = Stamp::now();
    let _bird = Bird::start(&d2, neighbors);
    for name in ["four", "six", "far"] {
        wait_up(&d1, name, back);
    }
}

/// A session that is up is worth its weight to one router, and keeps another out of FAULT.
///
/// Facts: 14.15, 24.6, 24.10
pub fn track() {
    let (_site, mut d1, mut d2) = site::pair(0);
    d2.daemon = Daemon::Keepalived;
    let weighed = Instance {
        name: "WEIGHED",
        more: "track_bfd {\n        one weight 20\n    }",
        ..Instance::default()
    };
    let vital = Instance {
        name: "VITAL",
        vrid: 52,
        addresses: &["192.0.2.101/24"],
        more: "track_bfd {\n        one\n    }",
        ..Instance::default()
    };
    let one = session("one", "192.0.2.2", "vrrp");
    let begun = Stamp::now();
    d1.run_with(&format!("{GLOBAL}{one}{weighed}{vital}"));
    d1.wait_state("WEIGHED", "MASTER", begun, SOON);
    d1.wait_state("VITAL", "FAULT", begun, SOON);
    for_the_next(
        Duration::from_secs(3),
        "a session that is not up means fault",
        || d1.log.count_since("(VITAL) Entering MASTER", begun) == 0,
    );
    d2.configure(&format!("{GLOBAL}{}", session("one", "192.0.2.1", "")));
    for _ in 0..2 {
        let started = Stamp::now();
        d2.start();
        both_up(&d1, &d2, started);
        let raised = "(WEIGHED) Changing effective priority from 100 to 120";
        d1.log.wait(raised, started, SOON);
        d1.wait_state("VITAL", "MASTER", started, 2 * SOON);
        d1.wait_holds(v4(0, 101), SOON);

        let lost = Stamp::now();
        d2.kill();
        wait_lost(&d1, "one", lost);
        let lowered = "(WEIGHED) Changing effective priority from 120 to 100";
        d1.log.wait(lowered, lost, SOON);
        d1.wait_state("VITAL", "FAULT", lost, SOON);
        d1.wait_lacks(v4(0, 101), SOON);
    }
    // What a reload adds is told of sessions that came up before.
    let started = Stamp::now();
    d2.start();
    wait_up(&d1, "one", started);
    let late = Instance {
        name: "LATE",
        vrid: 53,
        addresses: &["192.0.2.102/24"],
        ..vital.clone()
    };
    let reloaded = Stamp::now();
    d1.configure(&format!("{GLOBAL}{one}{weighed}{vital}{late}"));
    d1.signal(Signal::SIGHUP);
    d1.wait_state("LATE", "MASTER", reloaded, 2 * SOON);
    assert_eq!(
        d1.log.count_since("(one) Entering", reloaded),
        0,
        "the session goes on"
    );
}

/// What the log tells of the server that follows a session.
const FOLLOWED: [&str; 5] = ["BFD check of", "Adding ", "Removing ", "Gained ", "Lost "];

/// BFD_CHECK beside keepalived's: a real server comes and goes with its session, one without stays.
///
/// LVS facts: 4.12, 12.5
pub fn check() {
    let told = [Daemon::Keepalived, Daemon::under_test()].map(followed);
    assert_eq!(told[1], told[0]);
    note("lab", format!("{} lines are alike", told[1].len()));
}

/// What `daemon` tells as a director, while the session of a real server comes and goes twice.
fn followed(daemon: Daemon) -> Vec<String> {
    let (_site, mut d1, mut d2) = site::pair(0);
    d1.daemon = daemon;
    d1.script("/etc/keepalived/tell", "echo \"$@\" >>/run/told");
    let service = SocketAddr::new(v4(0, 100), 80);
    d2.configure(&format!("{GLOBAL}{}", session("one", "192.0.2.1", "")));
    let begun = Stamp::now();
    d1.run_with(&format!(
        "{GLOBAL}{}virtual_server {} {} {{
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.0.2.2 80 {{
        notify_up \"/etc/keepalived/tell up\"
        notify_down \"/etc/keepalived/tell down\"
        BFD_CHECK {{
            name one
        }}
    }}
    real_server 192.0.2.9 80 {{
    }}
}}
",
        session("one", "192.0.2.2", ""),
        service.ip(),
        service.port()
    ));
    let [followed, alone] = [(v4(0, 2), 1), (v4(0, 9), 1)];
    let turned = |state: &str| format!("BFD check of [one] RS([192.0.2.2]:tcp:80) is {state}");
    // Scripts run beside the log, and beside each other.
    let mut words = 0;
    let mut told = |d1: &Director| {
        words += 1;
        wait_for("the script", SOON, || {
            (d1.read("/run/told").lines().count() == words).then_some(())
        });
    };
    d1.log.wait(&turned("DOWN"), begun, SOON);
    weights(&d1, service, &[alone]);
    told(&d1);
    for _ in 0..2 {
        let started = Stamp::now();
        d2.start();
        both_up(&d1, &d2, started);
        d1.log.wait(&turned("UP"), started, SOON);
        weights(&d1, service, &[followed, alone]);
        d1.log.wait("Adding service", started, SOON);
        told(&d1);

        let lost = Stamp::now();
        d2.kill();
        wait_lost(&d1, "one", lost);
        let out = d1.log.wait(&turned("DOWN"), lost, SOON) - lost;
        note("d1", format!("the server is out after {}", ms(out)));
        weights(&d1, service, &[alone]);
        // The kernel knows before the log tells.
        d1.log.wait("Removing service", lost, SOON);
        told(&d1);
    }
    let mut lines: Vec<String> = d1.log.lines().into_iter().map(|(_, line)| line).collect();
    lines.retain(|line| FOLLOWED.iter().any(|words| line.contains(words)));
    lines.extend(d1.read("/run/told").lines().map(str::to_owned));
    assert_eq!(d1.stop(), Some(0));
    lines
}
