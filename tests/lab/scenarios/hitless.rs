//! Hundreds of reloads under traffic: whoever is served through what did not change notices none of them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, PATIENT_CHECK, vip};
use super::expect::{self, SOON};
use crate::modules;
use crate::site::{Daemon, Director, Load, Plan, Site, Wish, echo, v4};
use crate::timeline::{Stamp, ms, note, wait_for};

/// Where the client is served.
const PORT: u16 = 7000;
/// Where its servers listen.
const REAL: u16 = 8000;
const SERVERS: u8 = 3;
const RELOADS: usize = 200;
const CONNECTIONS: usize = 50;
/// A second.
const REQUESTS: u32 = 200;
/// So many of them were answered for each reload, however long a machine takes for both: with fewer nothing would be shown.
const LEAST: u64 = 10;
/// From the end of one reload to the next. The guest has one processor for both directors, the client, its servers and the
/// captures: with reload upon reload it would have time for nothing else.
const PAUSE: Duration = Duration::from_millis(100);
/// As far from each other as they can be, so that the backup waits for nearly four seconds: it is to be the reloads that do not
/// silence a master for so long, and not how busy the machine is.
const MASTER: Instance<'_> = Instance {
    version: 3,
    name: "VI_1",
    interface: "eth0",
    vrid: 51,
    priority: 254,
    interval: 1000,
    addresses: &["192.0.2.100/24"],
    more: "",
};

/// With 200 reloads that edit everything else a client with 50 connections, over which data goes all the time, and 200
/// requests a second loses nothing; adverts go on, and the backup, which is keepalived, never becomes master.
pub fn under_traffic() {
    modules::bring(modules::TRAFFIC);
    let mut site = Site::new(Plan {
        directors: 2,
        servers: SERVERS,
        segments: 2,
    });
    let mut d2 = site.directors.pop().expect("a director");
    let mut d1 = site.directors.pop().expect("a director");
    d1.daemon = Daemon::Steadfast;
    d2.daemon = Daemon::Keepalived;
    lay(&site, &d1);
    let backup = Instance {
        priority: 1,
        ..MASTER
    };
    d2.run_with(&format!("{GLOBAL}{backup}"));
    let started = Stamp::now();
    d1.run_with(&Edit(0).text());
    expect::settled(&site.wire, &d1, &d2, &MASTER, vip());
    // The address is there before the log tells.
    d1.wait_state("VI_1", "MASTER", started, SOON);
    let service = SocketAddr::new(vip(), PORT);
    let all: Vec<_> = (1..=SERVERS).map(|number| (v4(1, 10 + number), 1)).collect();
    expect::weights(&d1, service, &all);

    let load = Load::begin(
        &site.client,
        Wish {
            target: service,
            connections: CONNECTIONS,
            pause: Duration::from_millis(500),
            requests: REQUESTS,
        },
    );
    wait_for("the client to be served", 3 * SOON, || {
        (load.tally.words.load(Relaxed) >= CONNECTIONS as u64).then_some(())
    });
    let began = Stamp::now();
    for number in 1..=RELOADS {
        reload(&mut d1, &Edit(number).text());
        sleep(PAUSE);
    }
    let ended = Stamp::now();
    load.finish();
    let tally = &load.tally;
    let took = ended - began;
    note(
        "lab",
        format!(
            "{RELOADS} reloads in {}, {} each",
            ms(took),
            ms(took / RELOADS as u32)
        ),
    );
    note(
        "client",
        format!(
            "{} requests ({:.0} a second) and {} words were answered, the slowest after {}",
            tally.answered.load(Relaxed),
            load.rate(),
            tally.words.load(Relaxed),
            ms(tally.slowest())
        ),
    );
    assert_eq!(tally.lost(), [""; 0], "lost");
    let each = tally.answered.load(Relaxed) / RELOADS as u64;
    assert!(each >= LEAST, "{each} requests for each reload");

    let gap = site.wire.longest_gap("d1", began, ended);
    note("d1", format!("its adverts were {gap:.0} ms apart at most"));
    assert!(
        gap < backup.down_time().as_secs_f64() * 1000.0,
        "it was silent for {gap} ms"
    );
    let others = site.wire.adverts_after("d2", began);
    let ours: Vec<_> = others
        .iter()
        .filter(|(_, advert)| advert.vrid == backup.vrid)
        .collect();
    assert!(ours.is_empty(), "the backup spoke: {ours:?}");
    assert_eq!(d2.log.count_since("Entering MASTER STATE", began), 0);
    assert_eq!(
        d1.log.count_since("(VI_1) Entering", began),
        0,
        "{}",
        d1.log.text()
    );
    assert_eq!(d1.log.count_since("overdue", began), 0, "{}", d1.log.text());
    assert_eq!(
        d1.log.count_since("has not turned", began),
        0,
        "{}",
        d1.log.text()
    );
    assert!(d1.holds(vip()));
    expect::weights(&d1, service, &all);
    assert_eq!(d1.stop(), Some(0), "exit code");
}

/// Servers behind the first director, which rewrites addresses and ports.
fn lay(site: &Site, director: &Director) {
    director.within(|| {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("forwarding");
    });
    for server in &site.servers {
        server.ip(&format!(
            "link set eth0 down\nroute add default via {}\n",
            v4(1, 1)
        ));
        echo(server, REAL);
    }
}

#[track_caller]
fn reload(director: &mut Director, text: &str) {
    director.configure(text);
    let asked = Stamp::now();
    let done = director.log.count_since("Reload complete", Stamp(Duration::ZERO));
    nix::sys::signal::kill(director.main(), Signal::SIGHUP).expect("a running daemon");
    wait_for("the reload", 3 * SOON, || {
        let kept = director.log.count_since("the running one is kept", asked);
        assert_eq!(kept, 0, "refused: {}", director.log.text());
        let now = director.log.count_since("Reload complete", Stamp(Duration::ZERO));
        (now > done).then_some(())
    });
}

/// The configuration of reload number so: the client's service and its router are always the same, the rest is not.
struct Edit(usize);

impl Edit {
    /// Of the choices of some setting the one whose turn it is: it changes every `every` reloads.
    fn of<'a>(&self, every: usize, choices: &[&'a str]) -> &'a str {
        choices[self.0 / every % choices.len()]
    }

    fn text(&self) -> String {
        let mut text = GLOBAL.replacen('{', &format!("{{\n    router_id {}", self.of(7, &["a", "b"])), 1);
        text = text.replacen("    router_id lab\n", "", 1);
        let track = "vrrp_track_file F {\n    file /run/tracked\n    weight 1\n    init_file 0\n}\n";
        text += self.of(5, &["", track]);
        text += "vrrp_script S {\n    script /bin/true\n    interval ";
        text += self.of(3, &["1", "2"]);
        text += "\n    weight 2\n}\n";
        let _ = writeln!(text, "{MASTER}");
        text += &self.other_router();
        text += &self.service(PORT, REAL, &[(1, "1"), (2, "1"), (3, "1")], "");
        text += &self.others();
        text
    }

    /// Priority, addresses, trackers, notify and announcements of another instance; now and then there is none.
    fn other_router(&self) -> String {
        if self.0 % 25 == 24 {
            return String::new();
        }
        let tracked = if self.of(5, &["", "F"]).is_empty() {
            ""
        } else {
            "track_file {\n        F\n    }"
        };
        let more = [
            self.of(2, &["garp_master_refresh 10", "garp_master_repeat 2"]),
            self.of(4, &["", "notify_master /bin/true", "notify /bin/true"]),
            self.of(3, &["track_script {\n        S\n    }", ""]),
            tracked,
        ];
        let priority = [100, 120, 90][self.0 % 3];
        let sets: [&[&str]; 4] = [
            &["192.0.2.111/24"],
            &["192.0.2.111/24", "192.0.2.112/24"],
            &["192.0.2.112/24", "192.0.2.113/24"],
            &["192.0.2.113/24"],
        ];
        Instance {
            name: self.of(11, &["VI_2", "VI_RENAMED"]),
            vrid: 52,
            priority,
            addresses: sets[self.0 / 2 % sets.len()],
            more: &more.join("\n    "),
            ..Instance::default()
        }
        .to_string()
    }

    /// Other virtual servers: their settings, their weights, their servers, and whether they are there.
    fn others(&self) -> String {
        let mut text = String::new();
        for number in 0..3 {
            if (self.0 + number) % 7 == 6 {
                continue;
            }
            let weights = self.of(1, &["1", "2", "5", "0"]);
            let both = [(1, weights), (2, "1")];
            let count = 1 + (self.0 / 2 + number) % 2;
            let more = self.of(6, &["quorum 1", "quorum 2", "sorry_server 198.51.100.13 8000"]);
            text += &self.service(PORT + 1 + number as u16, REAL, &both[..count], more);
        }
        text
    }

    fn service(&self, port: u16, real: u16, servers: &[(u8, &str)], more: &str) -> String {
        let check = PATIENT_CHECK.replace('{', "{\n            connect_port 80");
        let server = |(number, weight): &(u8, &str)| {
            format!(
                "    real_server {} {real} {{\n        weight {weight}\n        {check}\n    }}\n",
                v4(1, 10 + number)
            )
        };
        let servers: String = servers.iter().map(server).collect();
        format!(
            "virtual_server {} {port} {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n    {more}\n{servers}}}\n",
            vip()
        )
    }
}
