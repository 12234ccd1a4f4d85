//! Interoperation: the daemon under test and keepalived as the two halves of a pair, in every dialect at once:
//! versions 2 and 3, IPv4 and IPv6, multicast and unicast, with and without a password.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use super::conf::{GLOBAL, Instance};
use super::expect::{EARLY, SOON, late};
use crate::site::{self, Daemon, Director, Site, v4, v6};
use crate::timeline::{Stamp, ms, note, wait_for};
use crate::wire::Advert;

/// What neither half must say about the other.
const COMPLAINTS: &[&str] = &[
    "hecksum",
    "mismatch",
    "uthentication",
    "nvalid",
    "ogus",
    "ength",
    "TTL",
    "VIP",
    "expected",
    "not match",
    "differ",
];

/// Lines that have such a word for another reason.
const INNOCENT: &[&str] = &["setting VIPs", "removing VIPs", "remov"];

/// A weight that takes a master below its backup. A busy machine may need more than the interval, which is the usual limit,
/// to run its script.
const BURDEN: &str = r#"
vrrp_script burden {
    script "/etc/keepalived/absent /run/burden"
    interval 1
    timeout 10
    fall 1
    rise 1
    weight -60
}
"#;
const BURDENED: &str = "track_script {\n        burden\n    }";
const PASS: &str = "authentication {\n        auth_type PASS\n        auth_pass qwaszx\n    }";

/// One way of speaking VRRP.
struct Dialect {
    name: &'static str,
    vrid: u8,
    version: u8,
    unicast: bool,
    /// The host that decides the virtual address, and further lines.
    addresses: &'static [&'static str],
    more: &'static str,
}

/// Every version, family and kind of destination, and PASS where there is such a thing: over IPv6 keepalived refuses even
/// its own.
const DIALECTS: &[Dialect] = &[
    multicast("PASS", 51, 2, &["192.0.2.151/24"], PASS),
    multicast("PLAIN", 52, 2, &["192.0.2.152/24", "192.0.2.162/24"], ""),
    multicast("THREE", 53, 3, &["192.0.2.153/24", "192.0.2.163/24"], ""),
    multicast("SIX", 54, 3, &["fe80::154", "2001:db8::154/64"], ""),
    multicast("SIX_TWO", 56, 2, &["fe80::156", "2001:db8::156/64"], ""),
    unicast("PEER_PASS", 71, 2, &["192.0.2.171/24"], PASS),
    unicast("PEER_PLAIN", 72, 2, &["192.0.2.172/24"], ""),
    unicast("PEER_THREE", 73, 3, &["192.0.2.173/24", "192.0.2.183/24"], ""),
    unicast("PEER_SIX", 74, 3, &["2001:db8::174/64"], ""),
    unicast("PEER_SIX_TWO", 75, 2, &["2001:db8::175/64"], ""),
];

const fn multicast(
    name: &'static str,
    vrid: u8,
    version: u8,
    addresses: &'static [&'static str],
    more: &'static str,
) -> Dialect {
    Dialect {
        name,
        vrid,
        version,
        unicast: false,
        addresses,
        more,
    }
}

const fn unicast(
    name: &'static str,
    vrid: u8,
    version: u8,
    addresses: &'static [&'static str],
    more: &'static str,
) -> Dialect {
    Dialect {
        unicast: true,
        ..multicast(name, vrid, version, addresses, more)
    }
}

impl Dialect {
    /// Its last address, which is a global one.
    fn holding(&self) -> IpAddr {
        let last = self.addresses.last().expect("an address");
        let (address, _) = last.split_once('/').expect("a length");
        address.parse().expect("an address")
    }

    fn instance(&self, priority: u8) -> Instance<'static> {
        Instance {
            name: self.name,
            vrid: self.vrid,
            version: self.version,
            // A backup waits longer than a busy machine stands still.
            interval: 1000,
            priority,
            addresses: self.addresses,
            ..Instance::default()
        }
    }

    /// As host `own` has it, whose peer is host `other`.
    fn text(&self, priority: u8, own: u8, other: u8) -> String {
        let host = if self.holding().is_ipv6() { v6 } else { v4 };
        let (own_address, peer) = (host(0, own), host(0, other));
        let peers = format!("unicast_src_ip {own_address}\n    unicast_peer {{\n        {peer}\n    }}");
        let peers = if self.unicast { peers.as_str() } else { "" };
        let burden = if own == 1 { BURDENED } else { "" };
        let more = [self.more, peers, burden].join("\n    ");
        Instance {
            more: &more,
            ..self.instance(priority)
        }
        .to_string()
    }
}

/// Equal priorities: between two masters, the higher address of the sender decides.
const TIE: Instance<'_> = Instance {
    name: "TIE",
    version: 3,
    interface: "eth0",
    vrid: 55,
    priority: 120,
    interval: 1000,
    addresses: &["192.0.2.155/24"],
    more: "",
};

/// What a director has, of which priority decides all but [`TIE`].
fn configuration(priority: u8, own: u8, other: u8) -> String {
    let dialects: String = DIALECTS
        .iter()
        .map(|dialect| dialect.text(priority, own, other))
        .collect();
    format!("{GLOBAL}{BURDEN}{dialects}{TIE}")
}

/// An address of each dialect.
fn holdings() -> Vec<IpAddr> {
    DIALECTS.iter().map(Dialect::holding).collect()
}

/// keepalived is the master, the daemon under test its backup.
/// Facts: 1.4, 4.4, 4.6, 5.2, 5.3, 5.5
pub fn backup() {
    meet(Daemon::Keepalived, Daemon::under_test());
}

/// The daemon under test is the master, keepalived its backup.
/// Facts: 1.4, 4.4, 4.6, 5.2, 5.3, 5.5
pub fn master() {
    meet(Daemon::under_test(), Daemon::Keepalived);
}

fn meet(first: Daemon, second: Daemon) {
    let (site, mut d1, mut d2) = site::pair(0);
    (d1.daemon, d2.daemon) = (first, second);
    for director in [&d1, &d2] {
        director.script("/etc/keepalived/absent", "test ! -e $1");
    }
    d1.run_with(&configuration(150, 1, 2));
    d2.run_with(&configuration(100, 2, 1));
    elected(&d1, &d2);

    note("lab", "a partition makes both masters of everything");
    let tie = v4(0, 155);
    let all = [holdings(), vec![tie]].concat();
    site.switch.cut("d2");
    wait_for("all addresses on both", 2 * SOON, || {
        [&d1, &d2]
            .iter()
            .all(|director| held(director, &all))
            .then_some(())
    });
    site.switch.mend("d2", 0);
    elected(&d1, &d2);
    wait_for("the equal instance at the higher address", 2 * SOON, || {
        (held(&d2, &[tie]) && !held(&d1, &[tie])).then_some(())
    });

    note("lab", "the master loses priority, and has it back");
    d1.write("/run/burden", "");
    elected(&d2, &d1);
    fs::remove_file(d1.path("/run/burden")).expect("the burden");
    elected(&d1, &d2);
    no_complaints(&[&d1, &d2]);

    note("lab", "the master goes in order");
    let stopped = Stamp::now();
    assert_eq!(d1.stop(), Some(0), "exit code");
    taken_over(&site, stopped, |instance| instance.skew());
    d1.start();
    elected(&d1, &d2);

    note("lab", "the master is lost");
    let lost = Stamp::now();
    site.lose(&mut d1);
    taken_over(&site, lost, |instance| instance.down_time());
    no_complaints(&[&d1, &d2]);
}

/// Waits until `master` is master of all that priority decides, alone.
#[track_caller]
fn elected(master: &Director, other: &Director) {
    let decided = holdings();
    wait_for("the right election in every dialect", 3 * SOON, || {
        let there = other.addresses();
        (held(master, &decided) && !decided.iter().any(|address| there.contains(address))).then_some(())
    });
    note(
        "lab",
        format!("{} is master of all that priority decides", master.name),
    );
}

fn held(director: &Director, addresses: &[IpAddr]) -> bool {
    let held = director.addresses();
    addresses.iter().all(|address| held.contains(address))
}

/// Checks on the wire that d2 took over each instance of d1 when it was due.
#[track_caller]
fn taken_over(site: &Site, since: Stamp, due: impl Fn(&Instance<'_>) -> Duration) {
    for instance in DIALECTS.iter().map(|dialect| dialect.instance(100)) {
        let of = |advert: &Advert| advert.vrid == instance.vrid;
        let (next, _) = wait_for(format!("d2 to take over {}", instance.name), 2 * SOON, || {
            site.wire
                .adverts_after("d2", since)
                .into_iter()
                .find(|(_, advert)| of(advert))
        });
        let mut said = site.wire.adverts("d1").into_iter();
        let last = said.rfind(|(at, advert)| of(advert) && *at <= next);
        let (last, _) = last.expect("adverts of d1");
        let (took, due) = (next - last, due(&instance));
        note(
            "lab",
            format!(
                "d2 took over {} after {}, {} were due",
                instance.name,
                ms(took),
                ms(due)
            ),
        );
        assert!(
            took + EARLY >= due && took <= due + late(last, next),
            "{}: {took:?} instead of {due:?}",
            instance.name
        );
    }
}

/// Neither has anything to say against what it heard.
#[track_caller]
fn no_complaints(directors: &[&Director]) {
    for director in directors {
        for (at, line) in director.log.lines() {
            let guilty = COMPLAINTS.iter().any(|word| line.contains(word));
            let innocent = INNOCENT.iter().any(|word| line.contains(word));
            assert!(
                !guilty || innocent,
                "{:?} on {} complains at {at}: {line}",
                director.daemon,
                director.name
            );
        }
    }
}
