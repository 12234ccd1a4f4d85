//! Elections under hardship: a paused master, a link that flaps, strangers with the same VRID, a start that is delayed.

use std::fs;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{self, LATE, ON_ITS_WAY, SOON};
use crate::site::{self, Director, v4, v6};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// How long a master is stopped.
const PAUSE: Duration = Duration::from_secs(5);

/// Waits until `winner` has each of `addresses` and `loser` none, and sees that it stays so.
#[track_caller]
fn one_holds(winner: &Director, loser: &Director, addresses: &[IpAddr]) {
    let alone = || {
        let (held, lost) = (winner.addresses(), loser.addresses());
        addresses
            .iter()
            .all(|address| held.contains(address) && !lost.contains(address))
    };
    wait_for(
        format!("{} to hold everything alone", winner.name),
        2 * SOON,
        || alone().then_some(()),
    );
    for_the_next(
        Duration::from_secs(2),
        format!("{} holds everything alone", winner.name),
        alone,
    );
}

/// A master that is stopped for five seconds has many adverts in its queues and all its deadlines behind it. Whatever
/// the version, the family and the way of sending, it hears what came meanwhile before it says a word; under
/// a superior it gives way without one, above an inferior it is the only master again.
/// Facts: 2.10, 3.3, 4.4
pub fn sigstop() {
    let (site, mut d1, mut d2) = site::pair(0);
    let addresses = [v4(0, 151), v4(0, 152), v4(0, 153), v6(0, 154)];
    d1.run_with(&many(1, 100, ""));
    let lone = Stamp::now();
    addresses
        .iter()
        .for_each(|address| d1.wait_holds(*address, 2 * SOON));
    d2.run_with(&many(2, 150, "nopreempt"));
    for name in ["TWO", "THREE", "PEER", "SIX"] {
        d2.wait_state(name, "BACKUP", lone, SOON);
    }
    one_holds(&d1, &d2, &addresses);

    pause(&d1, &d2, &addresses);
    let awake = Stamp::now();
    d1.resume();
    for name in ["TWO", "THREE", "PEER", "SIX"] {
        d1.wait_state(name, "BACKUP", awake, SOON);
    }
    one_holds(&d2, &d1, &addresses);
    let stale = site.wire.adverts_after("d1", awake);
    assert!(stale.is_empty(), "d1 spoke under a superior: {stale:?}");

    // Now the superior is paused; what the inferior said meanwhile changes nothing.
    pause(&d2, &d1, &addresses);
    let awake = Stamp::now();
    d2.resume();
    one_holds(&d2, &d1, &addresses);
    wait_for("d1 to be quiet", SOON, || {
        let recent = site.wire.last_advert("d1").0.elapsed();
        (recent > Duration::from_secs(2)).then_some(())
    });
    assert!(!site.wire.adverts_after("d2", awake).is_empty(), "d2 is master");
}

/// Pauses `master` for [`PAUSE`] and until `other` holds everything.
#[track_caller]
fn pause(master: &Director, other: &Director, addresses: &[IpAddr]) {
    let began = Stamp::now();
    master.pause();
    addresses
        .iter()
        .for_each(|address| other.wait_holds(*address, SOON));
    sleep(PAUSE.saturating_sub(began.elapsed()));
    note(
        "lab",
        format!("{} was paused for {}", master.name, ms(began.elapsed())),
    );
}

/// Director `own` with an instance of each version, family and way of sending.
fn many(own: u8, priority: u8, more: &str) -> String {
    let peer = format!(
        "{more}\n    unicast_src_ip {}\n    unicast_peer {{\n        {}\n    }}",
        v4(0, own),
        v4(0, 3 - own)
    );
    let instance = |name, vrid, version, interval, addresses| Instance {
        name,
        vrid,
        version,
        interval,
        addresses,
        priority,
        more,
        ..Instance::default()
    };
    let two = instance("TWO", 51, 2, 1000, &["192.0.2.151/24"]);
    let three = instance("THREE", 52, 3, 100, &["192.0.2.152/24"]);
    let unicast = Instance {
        more: &peer,
        ..instance("PEER", 53, 3, 100, &["192.0.2.153/24"])
    };
    let six = instance("SIX", 54, 3, 300, &["fe80::154", "2001:db8::154/64"]);
    format!("{GLOBAL}{two}{three}{unicast}{six}")
}

/// The master's link flaps ten times a second for ten seconds: in the end it is master again, alone, has the
/// addresses it had, and has kept nothing of all the coming and going.
/// Facts: 2.2, 2.10
pub fn link_flap() {
    let (site, mut d1, mut d2) = site::pair(0);
    let addresses = [v4(0, 100), v4(0, 101)];
    let instance = |priority| Instance {
        priority,
        addresses: &["192.0.2.100/24", "192.0.2.101/24"],
        ..Instance::default()
    };
    d1.run_with(&format!("{GLOBAL}{}", instance(150)));
    d2.run_with(&format!("{GLOBAL}{}", instance(100)));
    expect::settled(&site.wire, &d1, &d2, &instance(150), vip());
    let before = Upkeep::of(&d1);

    let began = Stamp::now();
    for flap in 1..=100 {
        site.switch.unplug("d1");
        sleep(
            (Duration::from_millis(100) * flap).saturating_sub(began.elapsed() + Duration::from_millis(50)),
        );
        site.switch.replug("d1");
        sleep((Duration::from_millis(100) * flap).saturating_sub(began.elapsed()));
    }
    note("lab", format!("100 flaps took {}", ms(began.elapsed())));
    one_holds(&d1, &d2, &addresses);
    expect::settled(&site.wire, &d1, &d2, &instance(150), vip());
    assert!(
        d1.holds(v4(0, 1)) && d2.holds(v4(0, 2)),
        "the hosts' own addresses"
    );
    for address in addresses {
        let count = d1.addresses().iter().filter(|held| **held == address).count();
        assert_eq!(count, 1, "{address} on d1");
    }
    // Threads for blocking work end when they have had nothing to do for a while.
    wait_for(format!("d1 to need no more than {before:?}"), 3 * SOON, || {
        let now = Upkeep::of(&d1);
        (now.descriptors <= before.descriptors && now.threads <= before.threads).then_some(())
    });
    assert_eq!(d1.stop(), Some(0), "exit code");
}

/// What a daemon's main process has open and running.
#[derive(Debug)]
struct Upkeep {
    descriptors: usize,
    threads: usize,
}

impl Upkeep {
    fn of(director: &Director) -> Self {
        let count = |what: &str| {
            let path = format!("/proc/{}/{what}", director.main());
            fs::read_dir(path).expect("a process of ours").count()
        };
        Self {
            descriptors: count("fd"),
            threads: count("task"),
        }
    }
}

/// With `vrrp_startup_delay` nobody is master before it has run out, and a backup counts its time from its end.
/// Facts: 2.8
pub fn startup_delay() {
    let (site, mut d1, _d2) = site::pair(0);
    let instance = Instance::default();
    let delay = Duration::from_secs(4);
    let began = Stamp::now();
    d1.run_with(&format!(
        "{}{instance}",
        GLOBAL.replace("}\n", "    vrrp_startup_delay 4\n}\n")
    ));
    let told = d1.log.wait("Delaying startup for 4", began, SOON);
    let over = d1.log.wait("Delayed start completed", told, SOON);
    let (first, _) = site.wire.next_advert("d1", began, SOON);
    note(
        "lab",
        format!(
            "delay {}, first advert {} after it",
            ms(over - told),
            ms(first - over)
        ),
    );
    assert!(
        over - told + ON_ITS_WAY >= delay && over - told <= delay + LATE,
        "the delay took {:?}",
        over - told
    );
    let due = instance.down_time();
    assert!(
        first - over + ON_ITS_WAY >= due && first - over <= due + LATE,
        "the first advert came {:?} after the delay, {due:?} were due",
        first - over
    );
    d1.wait_holds(vip(), SOON);
}
