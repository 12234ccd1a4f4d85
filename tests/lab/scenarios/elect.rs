//! Elections under hardship: a paused master, a link that flaps, strangers with the same VRID, a start that is delayed.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, vip};
use super::dumps::{self, STATS};
use super::expect::{self, EARLY, SOON, late};
use super::stranger::{Forged, Stranger};
use crate::site::{self, Director, Site, v4, v6};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// How long a master is stopped at least while another one speaks.
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

/// A master that is stopped for five seconds and more has adverts in its queues and all its deadlines behind it. Whatever
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
        d1.wait_state(name, "BACKUP", awake, 2 * SOON);
    }
    one_holds(&d2, &d1, &addresses);
    let stale = site.wire.adverts_after("d1", awake);
    assert!(stale.is_empty(), "d1 spoke under a superior: {stale:?}");

    // Now the superior is paused; what the inferior said meanwhile changes nothing.
    pause(&d2, &d1, &addresses);
    let awake = Stamp::now();
    d2.resume();
    one_holds(&d2, &d1, &addresses);
    wait_for("d1 to be quiet", 2 * SOON, || {
        let recent = site.wire.last_advert("d1").0.elapsed();
        (recent > Duration::from_secs(2)).then_some(())
    });
    site.wire.next_advert("d2", awake, SOON);
}

/// Pauses `master` until `other` holds everything, and [`PAUSE`] longer.
#[track_caller]
fn pause(master: &Director, other: &Director, addresses: &[IpAddr]) {
    let began = Stamp::now();
    master.pause();
    addresses
        .iter()
        .for_each(|address| other.wait_holds(*address, 2 * SOON));
    sleep(PAUSE);
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
    // A backup that believed its master gone because the machine stands still would not give way again.
    let instance = |name, vrid, version, addresses| Instance {
        name,
        vrid,
        version,
        interval: 1000,
        addresses,
        priority,
        more,
        ..Instance::default()
    };
    let two = instance("TWO", 51, 2, &["192.0.2.151/24"]);
    let three = instance("THREE", 52, 3, &["192.0.2.152/24"]);
    let unicast = Instance {
        more: &peer,
        ..instance("PEER", 53, 3, &["192.0.2.153/24"])
    };
    let six = instance("SIX", 54, 3, &["fe80::154", "2001:db8::154/64"]);
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
        interval: 1000,
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
    let faults = wait_for("d1 to have noticed 10 of 100 flaps", SOON, || {
        let faults = d1.log.count_since("(VI_1) Entering FAULT STATE", began);
        (faults >= 10).then_some(faults)
    });
    note(
        "lab",
        format!("{faults} of 100 flaps noticed; they took {}", ms(began.elapsed())),
    );
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
    let over = d1.log.wait("Delayed start completed", told, 2 * SOON);
    let (first, _) = site.wire.next_advert("d1", began, SOON);
    note(
        "lab",
        format!(
            "delay {}, first advert {} after it",
            ms(over - told),
            ms(first - over)
        ),
    );
    // A line may be read long after it was written: what is too early is early since the start.
    assert!(
        over - began >= delay && over - told <= delay + late(told, over),
        "the delay took {:?}",
        over - told
    );
    let due = instance.down_time();
    assert!(
        first - began >= delay + due && first - over <= due + late(over, first),
        "the first advert came {:?} after the delay, {due:?} were due",
        first - over
    );
    d1.wait_holds(vip(), SOON);
}

/// A stranger's adverts with VRIDs of ours: those that do not pass the checks are counted and silence nobody, other
/// addresses are remarked once and change nothing about the election, our own address is warned of, and a superior wins.
/// Facts: 2.13, 4.2, 4.3, 4.4, 4.5, 6.3, 6.7, 6.16, 6.19
pub fn duplicate_vrid() {
    let (site, mut d1, _d2) = site::pair(0);
    // The kernel drops what comes from an own address unless it is told otherwise.
    for setting in ["eth0/accept_local=1", "eth0/rp_filter=0", "all/rp_filter=0"] {
        let (name, value) = setting.split_once('=').expect("a setting");
        d1.run(&[
            "sh",
            "-c",
            &format!("echo {value} > /proc/sys/net/ipv4/conf/{name}"),
        ]);
    }
    let three = Instance::default();
    let two = Instance {
        name: "TWO",
        vrid: 52,
        version: 2,
        interval: 1000,
        addresses: &["192.0.2.152/24"],
        ..Instance::default()
    };
    let started = Stamp::now();
    d1.run_with(&format!("{GLOBAL}{three}{two}"));
    // The addresses are there before the log has told everything.
    for (name, address) in [("VI_1", "192.0.2.100"), ("TWO", "192.0.2.152")] {
        d1.wait_state(name, "MASTER", started, 2 * SOON);
        let announced = format!("({name}) Sending/queueing gratuitous ARPs on eth0 for {address}");
        d1.log.wait(&announced, started, SOON);
    }
    d1.wait_holds(vip(), SOON);
    d1.wait_holds(v4(0, 152), SOON);
    let stranger = Stranger::at(&site.client);
    let ours = |priority| Forged {
        source: Ipv4Addr::new(192, 0, 2, 9),
        address: Ipv4Addr::new(192, 0, 2, 100),
        vrid: 51,
        version: 3,
        priority,
        auth: 0,
    };

    note("client", "equal priority, from d1's own address");
    let since = Stamp::now();
    stranger.say(&Forged {
        source: Ipv4Addr::new(192, 0, 2, 1),
        ..ours(100)
    });
    let warning = "(VI_1) WARNING - equal priority advert received from remote host with our IP address.";
    d1.log.wait(warning, since, SOON);
    wait_for("d1 to go on", SOON, || goes_on(&site, since, 51).then_some(()));
    // Beside the second round of announcements, which comes in its own time.
    let about = d1.log.count_since("(VI_1)", since);
    let rounds = d1.log.count_since("(VI_1) Sending/queueing", since);
    assert_eq!(about - rounds, 1, "{}", d1.log.text());

    note("client", "a lower priority, other addresses");
    let since = Stamp::now();
    for count in 1..=3 {
        stranger.say(&Forged {
            address: Ipv4Addr::new(192, 0, 2, 77),
            ..ours(50)
        });
        // Each of them is answered.
        wait_for("an election", SOON, || {
            (d1.log.count_since("with lower priority 50, ours 100", since) >= count).then_some(())
        });
    }
    counted(&d1, "VI_1", "Address List", 3);
    assert_eq!(
        d1.log.count_since("not present in MASTER advert", since),
        1,
        "{}",
        d1.log.text()
    );

    note("client", "another version, faster than d1's interval");
    let since = Stamp::now();
    let other = Forged {
        version: 2,
        ..ours(200)
    };
    let sent = stranger.insist(&other, || goes_on(&site, since, 51));
    // Judged by the length that version 3 has, before the version is looked at.
    counted(&d1, "VI_1", "Length", sent);
    assert_eq!(
        d1.log.count_since("vrrp packet too long", since),
        1,
        "{}",
        d1.log.text()
    );

    note("client", "another authentication, faster than d1's interval");
    let since = Stamp::now();
    let other = Forged {
        vrid: 52,
        version: 2,
        auth: 1,
        address: Ipv4Addr::new(192, 0, 2, 152),
        ..ours(200)
    };
    let sent_two = stranger.insist(&other, || goes_on(&site, since, 52));
    counted(&d1, "TWO", "Type Mismatch", sent_two);
    assert_eq!(
        d1.log.count_since("received a 1 auth", since),
        1,
        "{}",
        d1.log.text()
    );
    assert!(d1.holds(vip()) && d1.holds(v4(0, 152)), "d1 is master of both");
    note("lab", format!("{sent} and {sent_two} adverts silenced nobody"));

    note("client", "a higher priority, other addresses");
    let since = Stamp::now();
    let superior = Forged {
        address: Ipv4Addr::new(192, 0, 2, 77),
        ..ours(200)
    };
    let yields = [
        "with higher priority 200, ours 100",
        "(VI_1) Entering BACKUP STATE",
    ];
    // Its time as a backup does not begin before it was seen as one.
    stranger.insist(&superior, || {
        yields.iter().all(|line| d1.log.count_since(line, since) > 0) && !d1.holds(vip())
    });
    let yielded = d1.wait_state("VI_1", "BACKUP", since, SOON);
    assert!(d1.holds(v4(0, 152)), "only VI_1 yields");
    let back = wait_for("d1 to be master again", SOON, || {
        let adverts = site.wire.adverts_after("d1", yielded);
        adverts
            .iter()
            .find(|(_, advert)| advert.vrid == 51)
            .map(|(at, _)| *at)
    });
    let mut forged = site.wire.adverts("client").into_iter();
    let (last, _) = forged.rfind(|(at, _)| *at < back).expect("the stranger's last");
    let due = three.down_time();
    assert!(
        back - last + EARLY >= due && back - last <= due + late(last, back),
        "back after {:?}, {due:?} were due",
        back - last
    );
    d1.wait_holds(vip(), SOON);
}

/// Whether d1 has gone on speaking for `vrid`, three times.
fn goes_on(site: &Site, since: Stamp, vrid: u8) -> bool {
    let adverts = site.wire.adverts_after("d1", since);
    adverts.iter().filter(|(_, advert)| advert.vrid == vrid).count() >= 3
}

/// Waits until the counter `label` of `instance` is `wanted`.
#[track_caller]
fn counted(director: &Director, instance: &str, label: &str, wanted: usize) {
    let title = format!("VRRP Instance: {instance}\n");
    wait_for(format!("{label} of {instance} to be {wanted}"), SOON, || {
        let _ = fs::remove_file(director.path(STATS));
        director.signal(Signal::SIGUSR2);
        let text = dumps::fresh(director, STATS, "VRRP Instance: TWO");
        let (_, own) = text.split_once(&title)?;
        (dumps::value(own, label) == wanted).then_some(())
    });
}
