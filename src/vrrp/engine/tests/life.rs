//! Start, takeover, addresses, stop.

use crate::net::{Family, Mac};
use crate::vrrp::Priority;
use crate::vrrp::config::*;
use crate::vrrp::event::{Action, Completion, Event};
use crate::vrrp::testing::*;
use std::time::Duration;

/// Facts: 2.2, 2.10, 2.11, 2.12, 2.13
#[test]
fn from_start_to_master_and_back() {
    let mut bench = Bench::idle(one(router("VI_1", 51)));
    assert_eq!(
        bench.start(),
        [
            "log (VI_1) Entering BACKUP STATE (init)",
            "notify Instance(\"VI_1\") BACKUP 100"
        ]
    );
    assert_eq!(
        bench.pass(ms(4_700)),
        [
            "+3609375 log (VI_1) Receive advertisement timeout",
            "+3609375 send 51/100 to 224.0.0.18",
            "+3609375 log (VI_1) Entering MASTER STATE",
            "+3609375 log (VI_1) setting VIPs.",
            "+3609375 hold#1 10.0.0.151",
            "+3609375 log (VI_1) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.151",
            "+3609375 announce 10.0.0.151",
            "+3609375 notify Instance(\"VI_1\") MASTER 100",
            "+4609375 send 51/100 to 224.0.0.18",
        ]
    );
    assert_eq!(
        bench.hear(advert(&router("VI_1", 51), 101, "10.0.0.2")),
        [
            "log (VI_1) Master received advert from 10.0.0.2 with higher priority 101, ours 100",
            "log (VI_1) Entering BACKUP STATE",
            "log (VI_1) removing VIPs.",
            "release#2 10.0.0.151",
            "notify Instance(\"VI_1\") BACKUP 100",
        ]
    );
    assert_eq!(bench.timer("VI_1"), 3_609_375);
}

/// Facts: 2.12
#[test]
fn a_late_driver_keeps_the_advert_schedule() {
    let mut bench = Bench::master(one(router("A", 51)));
    let due = bench.timer("A");
    bench.now = bench.now + Duration::from_micros(u64::try_from(due).unwrap()) + ms(300);
    bench.engine.handle_timeout(bench.now);
    assert_eq!(bench.drain(), ["send 51/100 to 224.0.0.18"]);
    assert_eq!(bench.timer("A"), 700_000, "not 300 ms later for ever");
    bench.now += ms(5_000);
    bench.engine.handle_timeout(bench.now);
    assert_eq!(
        bench.drain(),
        ["send 51/100 to 224.0.0.18"],
        "one advert, not five"
    );
    assert_eq!(bench.timer("A"), 1_000_000);
}

/// Facts: 1.31
#[test]
fn left_over_addresses_go_before_anything_else() {
    let mut config = router("A", 51);
    config.excluded = vec![spec("10.1.0.77", "eth1")];
    let mut bench = Bench::idle(one(config));
    bench.handle(Event::Interface(interface(
        "eth0",
        1,
        &["10.0.0.1", "10.0.0.151"],
    )));
    bench.handle(Event::Interface(interface("eth1", 2, &["10.1.0.1", "10.1.0.77"])));
    assert_eq!(
        bench.start(),
        [
            "log (A) removing VIPs.",
            "release#0 10.0.0.151 10.1.0.77",
            "log (A) Entering BACKUP STATE (init)",
            "notify Instance(\"A\") BACKUP 100"
        ]
    );
    assert_eq!(bench.of("A").source, Some(ip("10.0.0.1")));
}

/// Facts: 2.4
#[test]
fn an_address_owner_is_master_at_once_and_keeps_its_address() {
    let mut config = router("A", 51);
    config.priority = Priority::OWNER;
    config.initial = InitialState::Master;
    config.vips = vec![spec("10.0.0.1", "eth0")];
    let mut bench = Bench::idle(one(config));
    assert_eq!(
        bench.start(),
        [
            "log (A) Entering BACKUP STATE (init)",
            "notify Instance(\"A\") BACKUP 255"
        ]
    );
    assert_eq!(bench.timer("A"), 1);
    assert_eq!(bench.pass(ms(1))[1], "+1 send 51/255 to 224.0.0.18");
    assert_eq!(bench.state("A"), "MASTER");
}

/// Facts: 1.31
#[test]
fn an_owner_removes_what_a_crash_left_when_it_cannot_rule() {
    let mut config = router("A", 51);
    config.priority = Priority::OWNER;
    config.initial = InitialState::Master;
    let crashed = |config: &RouterConfig| {
        let mut bench = Bench::idle(one(config.clone()));
        bench.handle(Event::Interface(interface(
            "eth0",
            1,
            &["10.0.0.1", "10.0.0.151"],
        )));
        let started = bench.start();
        assert!(!started.iter().any(|l| l.starts_with("release")), "{started:?}");
        bench
    };
    let released = "release#1 10.0.0.151".to_owned();
    let mut bench = crashed(&config);
    let mut down = interface("eth0", 1, &["10.0.0.1", "10.0.0.151"]);
    down.up = false;
    assert!(bench.handle(Event::Interface(down)).contains(&released));
    let mut bench = crashed(&config);
    assert!(bench.hear(advert(&config, 255, "10.0.0.2")).contains(&released));
    let mut bench = crashed(&config);
    assert!(stop(&mut bench, true).contains(&released));
}

/// Facts: 2.3
#[test]
fn state_master_without_the_owners_priority_changes_nothing() {
    let mut config = router("A", 51);
    config.initial = InitialState::Master;
    let mut bench = Bench::idle(one(config));
    bench.start();
    assert_eq!((bench.state("A"), bench.timer("A")), ("BACKUP", 3_609_375));
}

/// Facts: 2.6
#[test]
fn an_owner_that_shall_begin_as_backup_waits() {
    let mut config = router("A", 51);
    config.priority = Priority::OWNER;
    assert_eq!(Bench::new(one(config)).timer("A"), 3_003_906);
}

/// Facts: 2.11, 11.3, 11.4
#[test]
fn announcements_and_scripts_wait_for_the_addresses() {
    let mut config = router("A", 51);
    config.garp = GarpConfig {
        repeat: 2,
        refresh: Duration::from_secs(30),
        ..GarpConfig::default()
    };
    config.vips = vec![spec("10.0.0.151", "eth0"), spec("10.0.0.152", "eth0")];
    config.excluded = vec![spec("10.1.0.9", "eth1")];
    let mut bench = Bench::new(one(config));
    bench.obedient = false;
    let taken = bench.pass(ms(10_000));
    assert!(
        taken.contains(&"+3609375 hold#1 10.0.0.151 10.0.0.152 10.1.0.9".into()),
        "{taken:?}"
    );
    assert!(
        taken
            .iter()
            .all(|line| !line.contains("announce") && !line.contains("notify")),
        "{taken:?}"
    );
    assert_eq!(
        taken.iter().filter(|line| line.contains("send")).count(),
        7,
        "adverts go on meanwhile"
    );
    assert!(!bench.of("A").holding);

    let refused = vec![(spec("10.0.0.152", "eth0").into(), "Permission denied".to_owned())];
    let router = bench.of("A").id;
    let stale = Completion {
        router,
        generation: 0,
        failed: vec![],
    };
    assert_eq!(bench.handle(Event::Held(stale)), [""; 0]);
    assert_eq!(
        bench.handle(Event::Held(Completion {
            router,
            generation: 1,
            failed: refused
        })),
        [
            "log (A) cannot set 10.0.0.152 dev eth0 scope global: Permission denied",
            "log (A) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.151",
            "log (A) Sending/queueing gratuitous ARPs on eth1 for 10.1.0.9",
            "announce 10.0.0.151 10.1.0.9",
            "announce 10.0.0.151 10.1.0.9",
            "notify Instance(\"A\") MASTER 100",
        ]
    );
    assert!(bench.of("A").holding);
    let bursts: Vec<_> = bench
        .pass(ms(70_000))
        .into_iter()
        .filter(|line| line.contains("announce"))
        .collect();
    let expected = [
        "+5000000 announce 10.0.0.151 10.1.0.9",
        "+5000000 announce 10.0.0.151 10.1.0.9",
        "+35000000 announce 10.0.0.151 10.1.0.9",
        "+65000000 announce 10.0.0.151 10.1.0.9",
    ];
    assert_eq!(bursts, expected, "the second burst, and the refreshes");
}

#[test]
fn a_late_answer_after_a_release_is_ignored() {
    let mut bench = Bench::new(one(router("A", 51)));
    bench.obedient = false;
    bench.pass(ms(4_000));
    let id = bench.of("A").id;
    let lost = bench.hear(advert(&router("A", 51), 200, "10.0.0.2"));
    assert!(lost.contains(&"release#2 10.0.0.151".into()), "{lost:?}");
    assert!(
        !lost.iter().any(|line| line.starts_with("notify")),
        "scripts were never told of MASTER, so BACKUP is no news: {lost:?}"
    );
    let late = Completion {
        router: id,
        generation: 1,
        failed: vec![],
    };
    assert_eq!(bench.handle(Event::Held(late)), [""; 0]);
    assert!(!bench.of("A").holding);
    bench.pass(ms(4_000));
    let late = Completion {
        router: id,
        generation: 1,
        failed: vec![],
    };
    assert_eq!(
        bench.handle(Event::Held(late)),
        [""; 0],
        "nor as MASTER again: its order is the third"
    );
    assert!(!bench.of("A").holding);
    let right = Completion {
        router: id,
        generation: 3,
        failed: vec![],
    };
    assert!(
        bench
            .handle(Event::Held(right))
            .contains(&"announce 10.0.0.151".into())
    );
}

/// Facts: 11.7
#[test]
fn nothing_is_announced_on_interfaces_without_arp() {
    let mut config = router("A", 51);
    config.excluded = vec![spec("10.1.0.9", "eth1")];
    let mut bench = Bench::idle(one(config));
    let mut silent = interface("eth1", 2, &[]);
    silent.noarp = true;
    bench.handle(Event::Interface(silent));
    bench.start();
    let taken = bench.pass(ms(4_000));
    assert!(
        taken.contains(&"+3609375 announce 10.0.0.151".into()),
        "{taken:?}"
    );
}

#[test]
fn a_router_without_addresses_still_rules() {
    let mut config = router("A", 51);
    config.vips.clear();
    let mut bench = Bench::master(one(config));
    assert_eq!(bench.state("A"), "MASTER");
    assert!(bench.of("A").holding);
    bench.engine.stop(bench.now, true);
    assert!(bench.engine.is_stopped(), "nothing to wait for");
}

/// Facts: 5.6, 5.8
#[test]
fn unicast_adverts_go_to_every_peer_in_order() {
    let mut config = version_3(router("A", 51), 1_000);
    config.transport = Transport::Unicast {
        peers: vec![ip("10.0.0.3"), ip("10.0.0.2")],
        ttl: 64,
    };
    let mut bench = Bench::new(one(config));
    let mut sent = Vec::new();
    while sent.len() < 2 {
        bench.now = bench.engine.next_deadline().unwrap();
        bench.engine.handle_timeout(bench.now);
        while let Some(action) = bench.engine.poll_action() {
            if let Action::Send(transmit) = action {
                sent.push(transmit);
            }
        }
    }
    let destinations: Vec<_> = sent.iter().map(|t| (t.destination, t.ttl, t.source)).collect();
    assert_eq!(
        destinations,
        [
            (ip("10.0.0.3"), 64, ip("10.0.0.1")),
            (ip("10.0.0.2"), 64, ip("10.0.0.1"))
        ]
    );
    assert_ne!(
        sent[0].payload[6..8],
        sent[1].payload[6..8],
        "each with its own checksum"
    );
    assert_eq!(bench.of("A").counters.advert_sent, 1, "one logical advert");
}

/// Facts: 2.14, 5.7
#[test]
fn ipv6_leaves_from_a_link_local_address() {
    let mut config = version_3(router("A", 51), 1_000);
    config.family = Family::V6;
    config.transport = Transport::Multicast {
        group: ip("ff02::12"),
    };
    config.vips = vec![spec("fe80::51", "eth0"), spec("2001:db8::51", "eth0")];
    let mut bench = Bench::idle(one(config));
    let mut fresh = interface("eth0", 1, &["2001:db8::1", "fe80::51", "fe80::1"]);
    fresh.addresses[2].tentative = true;
    bench.handle(Event::Interface(fresh.clone()));
    let started = bench.start();
    assert!(
        !started
            .iter()
            .any(|l| l.contains("STATE") || l.contains("notify")),
        "booting is no fault that scripts hear of: {started:?}"
    );
    assert_eq!(
        bench.pass(ms(9_000)),
        [""; 0],
        "nor is a router without a source master"
    );
    fresh.addresses[2].tentative = false;
    let ready = bench.handle(Event::Interface(fresh.clone()));
    assert_eq!(ready[0], "log (A) Entering BACKUP STATE");
    // An address that is lost is a fault, though another may be on its way.
    fresh.addresses[2].tentative = true;
    let lost = bench.handle(Event::Interface(fresh.clone()));
    assert!(
        lost.contains(&"log (A) entering FAULT state (no source address on interface eth0)".into()),
        "{lost:?}"
    );
    assert_eq!(bench.handle(Event::Interface(fresh.clone())), [""; 0]);
    assert_eq!(bench.state("A"), "FAULT");
    fresh.addresses[2].tentative = false;
    let recovered = bench.handle(Event::Interface(fresh));
    assert_eq!(recovered[0], "log (A) Entering BACKUP STATE");
    assert_eq!(bench.of("A").source, Some(ip("fe80::1")));
    let taken = bench.pass(ms(4_000));
    assert!(
        taken.contains(&"+3609375 send 51/100 to ff02::12".into()),
        "{taken:?}"
    );
    assert!(
        taken.contains(&"+3609375 announce fe80::51 2001:db8::51".into()),
        "{taken:?}"
    );

    // Without a source there is nobody to say goodbye.
    let lost = bench.handle(Event::Interface(interface("eth0", 1, &["2001:db8::1"])));
    assert_eq!(
        lost,
        [
            "log (A) entering FAULT state (no source address on interface eth0)",
            "log (A) Entering FAULT STATE",
            "log (A) removing VIPs.",
            "release#2 fe80::51 2001:db8::51",
            "notify Instance(\"A\") FAULT 100",
        ]
    );
}

#[test]
fn an_announcement_names_interface_and_mac() {
    let mut bench = Bench::new(one(router("A", 51)));
    bench.obedient = false;
    bench.pass(ms(4_000));
    let id = bench.of("A").id;
    bench.engine.handle(
        bench.now,
        Event::Held(Completion {
            router: id,
            generation: 1,
            failed: vec![],
        }),
    );
    let targets = std::iter::from_fn(|| bench.engine.poll_action()).find_map(|action| match action {
        Action::Announce(announcement) => Some(announcement.targets),
        _ => None,
    });
    let targets = targets.unwrap();
    assert_eq!(
        (targets[0].interface.0, targets[0].mac),
        (1, Mac([2, 0, 0, 0, 0, 1]))
    );
}

/// Facts: 5.7
#[test]
fn the_source_address_stays_while_it_can() {
    let mut config = router("A", 51);
    config.vips = vec![spec("10.0.0.7", "eth0")];
    let mut bench = Bench::idle(one(config));
    let addresses = |bench: &mut Bench, list: &[&str]| {
        bench.handle(Event::Interface(interface("eth0", 1, list)));
        bench.of("A").source.map(|a| a.to_string()).unwrap_or_default()
    };
    addresses(&mut bench, &["10.0.0.1", "10.0.0.2"]);
    bench.start();
    assert_eq!(bench.of("A").source, Some(ip("10.0.0.1")));
    assert_eq!(
        addresses(&mut bench, &["10.0.0.9", "10.0.0.1", "10.0.0.2"]),
        "10.0.0.1"
    );
    assert_eq!(
        addresses(&mut bench, &["10.0.0.9", "10.0.0.2", "10.0.0.7"]),
        "10.0.0.2",
        "the last learned"
    );
    assert_eq!(bench.state("A"), "BACKUP");
    assert_eq!(
        addresses(&mut bench, &["10.0.0.7"]),
        "10.0.0.2",
        "kept for a last advert"
    );
    assert_eq!(bench.state("A"), "FAULT");
    assert_eq!(addresses(&mut bench, &["10.0.0.7", "10.0.0.3"]), "10.0.0.3");
    assert_eq!(bench.state("A"), "BACKUP");
}

fn stop(bench: &mut Bench, release: bool) -> Vec<String> {
    bench.engine.stop(bench.now, release);
    assert_eq!(bench.engine.next_deadline(), None);
    bench.drain()
}

/// Facts: 12.9
#[test]
fn stopping_says_so_before_it_removes() {
    let mut config = one(router("A", 51));
    config.routers.push(router("B", 52));
    config.routers.push(router("C", 53));
    config.groups = vec![group("G", &["B"])];
    let mut bench = Bench::master(config);
    bench.hear(advert(&router("C", 53), 200, "10.0.0.2"));
    bench.obedient = false;
    assert_eq!(
        stop(&mut bench, true),
        [
            "send 51/0 to 224.0.0.18",
            "log (A) sent 0 priority",
            "send 52/0 to 224.0.0.18",
            "log (B) sent 0 priority",
            "log (A) removing VIPs.",
            "release#2 10.0.0.151",
            "log (B) removing VIPs.",
            "release#2 10.0.0.152",
            "notify Instance(\"A\") STOP 100",
            "notify Instance(\"B\") STOP 100",
            "notify Instance(\"C\") STOP 100",
            "notify Group(\"G\") STOP 0",
        ]
    );
    let (a, b) = (bench.of("A").id, bench.of("B").id);
    let done = |router, generation| {
        Event::Released(Completion {
            router,
            generation,
            failed: vec![],
        })
    };
    assert!(!bench.engine.is_stopped());
    bench.handle(done(a, 2));
    bench.handle(done(b, 1));
    assert!(!bench.engine.is_stopped(), "that was an older order");
    assert_eq!(
        bench.hear(advert(&router("A", 51), 1, "10.0.0.2")),
        [""; 0],
        "deaf"
    );
    bench.handle(done(b, 2));
    assert!(bench.engine.is_stopped());
    assert_eq!(stop(&mut bench, true), [""; 0], "once");
}

/// Facts: 18.13
#[test]
fn stopping_without_release_leaves_everything() {
    let mut bench = Bench::master(one(router("A", 51)));
    assert_eq!(stop(&mut bench, false), ["notify Instance(\"A\") STOP 100"]);
    assert!(bench.engine.is_stopped());
}
