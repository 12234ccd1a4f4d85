//! Interoperation: the daemon under test and keepalived as the two halves of a pair, in every dialect at once.

use std::net::IpAddr;
use std::time::Duration;

use super::conf::{GLOBAL, Instance};
use super::expect::{EARLY, LATE, SOON};
use crate::site::{self, Daemon, Director, Site, v4, v6};
use crate::timeline::{Stamp, ms, note, wait_for};
use crate::wire::Advert;

/// What keepalived must not say about the other half.
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

/// The instances of a director whose rank in those that are decided by priority is `priority`.
fn dialects(priority: u8) -> Vec<Instance<'static>> {
    let pass = "authentication {\n        auth_type PASS\n        auth_pass qwaszx\n    }";
    let v2 = Instance {
        version: 2,
        interval: 1000,
        priority,
        ..Instance::default()
    };
    let v3 = Instance {
        priority,
        ..Instance::default()
    };
    vec![
        Instance {
            name: "PASS",
            vrid: 51,
            more: pass,
            addresses: &["192.0.2.151/24"],
            ..v2.clone()
        },
        Instance {
            name: "PLAIN",
            vrid: 52,
            addresses: &["192.0.2.152/24", "192.0.2.162/24"],
            ..v2
        },
        Instance {
            name: "THREE",
            vrid: 53,
            addresses: &["192.0.2.153/24", "192.0.2.163/24"],
            ..v3.clone()
        },
        Instance {
            name: "SIX",
            vrid: 54,
            addresses: &["fe80::154", "2001:db8::154/64"],
            ..v3.clone()
        },
        // Equal priorities: between two masters, the higher address of the sender decides.
        Instance {
            name: "TIE",
            vrid: 55,
            priority: 120,
            addresses: &["192.0.2.155/24"],
            ..v3
        },
    ]
}

/// An address of each instance.
fn holdings() -> [IpAddr; 5] {
    [v4(0, 151), v4(0, 152), v4(0, 153), v6(0, 154), v4(0, 155)]
}

/// keepalived is the master, the daemon under test its backup.
/// Facts: 4.4, 4.6, 5.2, 5.3, 5.5
pub fn backup() {
    meet(Daemon::Keepalived, Daemon::under_test());
}

/// The daemon under test is the master, keepalived its backup.
/// Facts: 4.4, 4.6, 5.2, 5.3, 5.5
pub fn master() {
    meet(Daemon::under_test(), Daemon::Keepalived);
}

fn meet(first: Daemon, second: Daemon) {
    let (site, mut d1, mut d2) = site::pair(0);
    (d1.daemon, d2.daemon) = (first, second);
    let conf = |priority| {
        dialects(priority)
            .iter()
            .map(ToString::to_string)
            .collect::<String>()
    };
    d1.run_with(&format!("{GLOBAL}{}", conf(150)));
    d2.run_with(&format!("{GLOBAL}{}", conf(100)));
    elected(&d1, &d2);

    note("lab", "a partition makes both masters of everything");
    site.switch.cut("d2");
    wait_for("all addresses on both", SOON, || {
        [&d1, &d2]
            .iter()
            .all(|director| held(director, &holdings()))
            .then_some(())
    });
    site.switch.mend("d2", 0);
    elected(&d1, &d2);
    let [.., tie] = holdings();
    wait_for("the equal instance at the higher address", SOON, || {
        (held(&d2, &[tie]) && !held(&d1, &[tie])).then_some(())
    });
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

/// Waits until d1 is master of all that priority decides.
#[track_caller]
fn elected(d1: &Director, d2: &Director) {
    let [decided @ .., _] = holdings();
    wait_for("the right election in every dialect", 2 * SOON, || {
        let there = d2.addresses();
        (held(d1, &decided) && !decided.iter().any(|address| there.contains(address))).then_some(())
    });
    note("lab", "d1 is master of all that priority decides");
}

fn held(director: &Director, addresses: &[IpAddr]) -> bool {
    let held = director.addresses();
    addresses.iter().all(|address| held.contains(address))
}

/// Checks on the wire that d2 took over each instance of d1 when it was due.
#[track_caller]
fn taken_over(site: &Site, since: Stamp, due: impl Fn(&Instance<'_>) -> Duration) {
    for instance in dialects(100).iter().filter(|instance| instance.name != "TIE") {
        let of = |advert: &Advert| advert.vrid == instance.vrid;
        let last = site
            .wire
            .adverts("d1")
            .into_iter()
            .rfind(|(_, advert)| of(advert))
            .expect("adverts of d1")
            .0;
        let next = wait_for(format!("d2 to take over {}", instance.name), SOON, || {
            site.wire
                .adverts_after("d2", since)
                .into_iter()
                .find(|(at, advert)| of(advert) && *at > last)
        });
        let (took, due) = (next.0 - last, due(instance));
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
            took + EARLY >= due && took <= due + LATE,
            "{}: {took:?} instead of {due:?}",
            instance.name
        );
    }
}

/// keepalived has nothing to say against what it heard.
#[track_caller]
fn no_complaints(directors: &[&Director]) {
    for director in directors
        .iter()
        .filter(|director| director.daemon == Daemon::Keepalived)
    {
        for (at, line) in director.log.lines() {
            let guilty = COMPLAINTS.iter().any(|word| line.contains(word));
            let innocent = INNOCENT.iter().any(|word| line.contains(word));
            assert!(
                !guilty || innocent,
                "keepalived on {} complains at {at}: {line}",
                director.name
            );
        }
    }
}
