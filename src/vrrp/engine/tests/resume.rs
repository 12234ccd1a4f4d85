//! A start that goes on where an earlier run ended: who was MASTER stays it, or what was left over goes.

use crate::clock::Instant;
use crate::vrrp::claim::{Claim, Manner, patience};
use crate::vrrp::config::*;
use crate::vrrp::event::{Action, Datagram, Event, Transmit};
use crate::vrrp::testing::*;
use crate::vrrp::{Engine, Priority};
use std::time::Duration;

/// What a run with this configuration left, whose last advert left so long before `now`.
fn claim(config: &RouterConfig, now: Instant, age: Duration) -> Claim {
    let addresses = config.vips.iter().chain(&config.excluded);
    Claim {
        key: config.key(),
        advert_at: now - age,
        patience: patience(config),
        held: addresses
            .map(|spec| (spec.interface.clone(), spec.cidr.addr))
            .collect(),
        manner: Manner::default(),
    }
}

/// Not started, on a host where the addresses were left.
fn left(config: VrrpConfig, age: Duration) -> Bench {
    let claims: Vec<_> = config.routers.clone();
    let mut bench = Bench::idle(config);
    bench.handle(Event::Interface(interface(
        "eth0",
        1,
        &["10.0.0.1", "10.0.0.151", "10.0.0.152"],
    )));
    let claims = claims
        .iter()
        .map(|router| claim(router, bench.now, age))
        .collect();
    bench.engine.resume(bench.now, claims);
    bench
}

fn refused(lines: &[String]) -> Option<&str> {
    let prefix = "log (A) not taking over MASTER of the previous run: ";
    lines.iter().find_map(|line| line.strip_prefix(prefix))
}

#[test]
fn a_master_goes_on_and_nothing_is_removed() {
    let mut bench = left(one(router("A", 51)), ms(1_234));
    assert_eq!(
        bench.start(),
        [
            "log (A) taking over MASTER of the previous run, whose last advert left 1.234 s ago",
            "send 51/100 to 224.0.0.18",
            "log (A) Entering MASTER STATE",
            "log (A) setting VIPs.",
            "hold#1 10.0.0.151",
            "log (A) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.151",
            "announce 10.0.0.151",
            "notify Instance(\"A\") MASTER 100",
        ]
    );
    assert_eq!(bench.engine.take_turns(), [("A".to_owned(), true)]);
    assert_eq!(bench.timer("A"), 1_000_000);
}

/// What speaks against it, and that the address goes then as after any crash.
/// Facts: 1.31, 2.8
#[test]
fn who_may_not_goes_the_usual_way() {
    let config = || one(router("A", 51));
    let heard = |bench: &mut Bench, priority, sender| {
        let packet = advert(&router("A", 51), priority, sender);
        assert_eq!(bench.hear(packet), [""; 0]);
    };
    type Spoil<'a> = &'a dyn Fn(&mut Bench);
    let table: &[(VrrpConfig, u64, Spoil<'_>, &str)] = &[
        // 3 s of patience, less the margin.
        (config(), 2_950, &|_| {}, "its last advert left 2.950 s ago"),
        (
            config(),
            500,
            &|bench| {
                bench.handle(Event::Interface(interface("eth0", 1, &["10.0.0.1"])));
            },
            "10.0.0.151 is not there any more",
        ),
        (
            config(),
            500,
            &|bench| heard(bench, 101, "10.0.0.2"),
            "10.0.0.2 is master with priority 101",
        ),
        (
            config(),
            500,
            &|bench| {
                heard(bench, 100, "10.0.0.2");
                heard(bench, 90, "10.0.0.3");
            },
            "10.0.0.2 is master with priority 100",
        ),
        (
            {
                let mut router = router("A", 51);
                router.nopreempt = true;
                one(router)
            },
            500,
            &|bench| heard(bench, 90, "10.0.0.2"),
            "10.0.0.2 is master with priority 90",
        ),
        (
            {
                let mut router = router("A", 51);
                router.config_fault = Some("nonsense".into());
                one(router)
            },
            500,
            &|_| {},
            "nonsense",
        ),
        (
            VrrpConfig {
                start_delay: StartDelay {
                    after_start: ms(10),
                    ..StartDelay::default()
                },
                ..config()
            },
            500,
            &|_| {},
            "the start is delayed",
        ),
    ];
    for (config, age, spoil, why) in table {
        let mut bench = left(config.clone(), ms(*age));
        spoil(&mut bench);
        let lines = bench.start();
        assert_eq!(refused(&lines), Some(*why), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.starts_with("send")), "{lines:#?}");
        let there = !why.ends_with("not there any more");
        assert_eq!(
            lines.contains(&"release#0 10.0.0.151".to_owned()),
            there,
            "{lines:#?}"
        );
        assert_ne!(bench.state("A"), "MASTER");
    }
}

/// What does not count, does not count here either: no stranger keeps a router from going on.
#[test]
fn what_is_no_better_claim() {
    let packets: [fn() -> Datagram; 4] = [
        || advert(&router("A", 51), 99, "10.0.0.2"),
        || advert(&router("A", 51), 0, "10.0.0.2"),
        || Datagram {
            ttl: Some(254),
            ..advert(&router("A", 51), 200, "10.0.0.2")
        },
        || advert(&router("A", 52), 200, "10.0.0.2"),
    ];
    for packet in packets {
        let mut bench = left(one(router("A", 51)), ms(500));
        bench.hear(packet());
        bench.start();
        assert_eq!(bench.state("A"), "MASTER");
    }
}

#[test]
fn the_shorter_patience_and_the_common_addresses_count() {
    let mut slow = router("A", 51);
    slow.advert_int = Duration::from_secs(2);
    slow.vips.push(spec("10.0.0.200", "eth0"));
    // Another interval before or now, and an address that is new or that nobody wants any more.
    for (before, now) in [(router("A", 51), slow.clone()), (slow, router("A", 51))] {
        for (age, goes_on) in [(2_900, true), (3_100, false)] {
            let mut bench = left(one(now.clone()), ms(0));
            bench.engine = Engine::new(one(now.clone()));
            bench.handle(Event::Interface(interface(
                "eth0",
                1,
                &["10.0.0.1", "10.0.0.151"],
            )));
            let claim = claim(&before, bench.now, ms(age));
            bench.engine.resume(bench.now, vec![claim]);
            bench.start();
            assert_eq!(bench.state("A") == "MASTER", goes_on, "{age}");
        }
    }
    // Nothing of what was held is wanted now.
    let mut bench = left(one(router("A", 51)), ms(0));
    let mut other = claim(&router("A", 51), bench.now, ms(10));
    other.held = vec![(name("eth0"), ip("10.0.0.9"))];
    bench.engine.resume(bench.now, vec![other]);
    bench.start();
    assert_eq!(bench.state("A"), "BACKUP");
}

/// An address that the new configuration does not have would stay for ever; one that moved, or is static now, stays.
#[test]
fn what_nobody_is_to_have_any_more_goes() {
    let mut config = one(router("A", 51));
    config.routers.push(router("B", 52));
    config.statics.addresses.push(spec("10.0.0.154", "eth0"));
    let mut bench = Bench::idle(config);
    let there = ["10.0.0.1", "10.0.0.151", "10.0.0.152", "10.0.0.153", "10.0.0.154"];
    bench.handle(Event::Interface(interface("eth0", 1, &there)));
    let mut before = router("A", 51);
    before
        .vips
        .extend(["10.0.0.152", "10.0.0.153", "10.0.0.154", "10.0.0.155"].map(|one| spec(one, "eth0")));
    let claim = claim(&before, bench.now, ms(10));
    bench.engine.resume(bench.now, vec![claim]);
    let lines = bench.start();
    let said = "log (A) removing 10.0.0.153 dev eth0 of the previous run, which is not configured any more";
    assert!(lines.iter().any(|line| line == said), "{lines:#?}");
    let released = lines.iter().filter(|line| line.starts_with("release"));
    // B begins as BACKUP.
    assert_eq!(
        released.collect::<Vec<_>>(),
        ["release#0 10.0.0.153", "release#0 10.0.0.152"]
    );
    assert_eq!(bench.state("A"), "MASTER");
}

#[test]
fn others_are_not_concerned() {
    // Another VRID, another interface.
    for config in [router("A", 52), {
        let mut router = router("A", 51);
        router.interface = name("eth1");
        router
    }] {
        let mut bench = Bench::idle(one(config));
        let claim = claim(&router("A", 51), bench.now, ms(10));
        bench.engine.resume(bench.now, vec![claim]);
        assert_eq!(refused(&bench.start()), None);
        assert_eq!(bench.state("A"), "BACKUP");
    }
    // After the start it is too late.
    let mut bench = Bench::new(one(router("A", 51)));
    let claim = claim(&router("A", 51), bench.now, ms(10));
    bench.engine.resume(bench.now, vec![claim]);
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 15.2
#[test]
fn a_group_goes_on_as_a_whole_or_not_at_all() {
    let config = || VrrpConfig {
        routers: vec![router("A", 51), router("B", 52)],
        groups: vec![group("G", &["A", "B"])],
        ..VrrpConfig::default()
    };
    let mut bench = left(config(), ms(500));
    bench.start();
    assert_eq!([bench.state("A"), bench.state("B")], ["MASTER"; 2]);

    let mut bench = left(config(), ms(500));
    bench.hear(advert(&router("B", 52), 200, "10.0.0.2"));
    let lines = bench.start();
    assert_eq!(refused(&lines), Some("not all of its sync group can be MASTER"));
    assert!(lines.contains(&"release#0 10.0.0.151".to_owned()));
    assert!(lines.contains(&"release#0 10.0.0.152".to_owned()));
    assert_eq!([bench.state("A"), bench.state("B")], ["BACKUP"; 2]);

    // B was no MASTER.
    let mut bench = left(config(), ms(500));
    bench.engine = Engine::new(config());
    bench.handle(Event::Interface(interface(
        "eth0",
        1,
        &["10.0.0.1", "10.0.0.151"],
    )));
    let claim = claim(&router("A", 51), bench.now, ms(500));
    bench.engine.resume(bench.now, vec![claim]);
    assert_eq!(
        refused(&bench.start()),
        Some("not all of its sync group can be MASTER")
    );
}

fn scripted() -> VrrpConfig {
    let mut config = router("A", 51);
    config.track_scripts = vec![TrackedScript {
        script: "chk".into(),
        weight: 0,
        reverse: false,
    }];
    VrrpConfig {
        scripts: vec![ScriptTracker {
            name: "chk".into(),
            rise: 1,
            fall: 1,
        }],
        ..one(config)
    }
}

/// Facts: 2.7
#[test]
fn a_script_is_waited_for_as_long_as_the_claim_lasts() {
    let begun = || {
        let mut bench = left(scripted(), ms(500));
        assert_eq!(bench.start(), [""; 0], "nothing is removed yet");
        bench
    };
    let mut bench = begun();
    bench.script("chk", 0);
    assert_eq!(bench.state("A"), "MASTER");

    let mut bench = begun();
    let lines = bench.script("chk", 1);
    assert_eq!(refused(&lines), Some("tracked script chk"));
    assert!(lines.contains(&"release#1 10.0.0.151".to_owned()), "{lines:#?}");
    assert_eq!(bench.state("A"), "FAULT");

    let mut bench = begun();
    let lines = bench.pass(ms(3_000));
    assert_eq!(
        lines,
        [
            "+2450000 log (A) not taking over MASTER of the previous run: its last advert left 2.950 s ago",
            "+2450000 log (A) removing VIPs.",
            "+2450000 release#1 10.0.0.151",
        ]
    );
    bench.script("chk", 0);
    assert_eq!(bench.state("A"), "BACKUP");

    let mut bench = begun();
    let lines = bench.hear(advert(&router("A", 51), 101, "10.0.0.2"));
    assert_eq!(refused(&lines), Some("10.0.0.2 is master with priority 101"));
    assert!(lines.contains(&"release#1 10.0.0.151".to_owned()), "{lines:#?}");

    let mut bench = begun();
    bench.engine.reload(bench.now, scripted());
    let lines = bench.drain();
    assert_eq!(refused(&lines), Some("the configuration was read anew"));
    bench.script("chk", 0);
    assert_eq!(bench.state("A"), "BACKUP");

    let mut bench = begun();
    bench.engine.stop(bench.now, true);
    assert_eq!(
        bench.drain()[..2],
        ["log (A) removing VIPs.", "release#1 10.0.0.151"]
    );
    assert!(bench.engine.is_stopped());
}

/// Its trackers say how good it is now: with less priority than the one that was heard it does not go on.
#[test]
fn the_priority_is_that_of_now() {
    let mut config = scripted();
    config.routers[0].track_scripts[0].weight = 20;
    for (status, state) in [(0, "MASTER"), (1, "BACKUP")] {
        let mut bench = left(config.clone(), ms(500));
        bench.script("chk", status);
        bench.hear(advert(&router("A", 51), 110, "10.0.0.2"));
        bench.start();
        assert_eq!(bench.state("A"), state);
    }
    let mut owner = router("A", 51);
    owner.priority = Priority::OWNER;
    let mut bench = left(one(owner), ms(500));
    bench.hear(advert(&router("A", 51), 254, "10.0.0.2"));
    bench.start();
    assert_eq!(bench.state("A"), "MASTER");
}

/// Of a host where an earlier run left the address, after adverts like that; what was heard before the start; the first advert.
fn first_advert(config: &RouterConfig, manner: Manner, heard: &[Datagram]) -> Transmit {
    let mut bench = left(one(config.clone()), ms(0));
    bench.engine = Engine::new(one(config.clone()));
    bench.handle(Event::Interface(interface(
        "eth0",
        1,
        &["10.0.0.1", "10.0.0.151"],
    )));
    let claim = Claim {
        manner,
        ..claim(config, bench.now, ms(500))
    };
    bench.engine.resume(bench.now, vec![claim]);
    for datagram in heard {
        bench.hear(datagram.clone());
    }
    bench.engine.start(bench.now);
    let adverts = std::iter::from_fn(|| bench.engine.poll_action());
    let mut adverts = adverts.filter_map(|action| match action {
        Action::Send(advert) => Some(advert),
        _ => None,
    });
    adverts.next().unwrap()
}

/// Peers discard what is not above the number that they heard last: some may have left since the last one was written down.
/// Facts: 7.4
#[test]
fn the_numbers_of_ah_go_on() {
    let mut config = router("A", 51);
    config.auth = Auth::Ah(*b"secret\0\0");
    let number = |ah_sequence, heard: &[Datagram]| {
        let manner = Manner {
            ah_sequence,
            ..Manner::default()
        };
        first_advert(&config, manner, heard).manner().ah_sequence
    };
    assert_eq!(number(1_000, &[]), 1_000 + 3 + 16 + 1);
    assert_eq!(number(0, &[]), 1);
    // A lower one was heard meanwhile, who is further.
    let lower = advert(&config, 50, "10.0.0.2");
    let lower = sealed(&config, &lower, 5_000, Duration::ZERO);
    assert_eq!(number(1_000, &[lower]), 5_001);
    // Who does not go on listens to whoever has taken over: with the number after the last.
    let mut bench = left(one(config.clone()), ms(0));
    bench.engine = Engine::new(one(config.clone()));
    bench.handle(Event::Interface(interface("eth0", 1, &["10.0.0.1"])));
    let claim = Claim {
        manner: Manner {
            ah_sequence: 1_000,
            ..Manner::default()
        },
        ..claim(&config, bench.now, ms(500))
    };
    bench.engine.resume(bench.now, vec![claim]);
    bench.start();
    let better = advert(&config, 200, "10.0.0.2");
    bench.hear(sealed(&config, &better, 1_001, Duration::ZERO));
    assert_eq!(bench.of("A").counters.advert_rcvd, 1);
}

/// What was found out of the peers before counts at once.
/// Facts: 5.6
#[test]
fn the_old_checksum_goes_on() {
    let mut config = router("A", 51);
    config.transport = Transport::Unicast {
        peers: vec![ip("10.0.0.2")],
        ttl: 255,
    };
    config.version = Version::V3;
    config.packets.old_checksum = OldChecksum::Auto;
    let checksum = |old_checksum| {
        let manner = Manner {
            old_checksum,
            ..Manner::default()
        };
        let advert = first_advert(&config, manner, &[]);
        assert_eq!(advert.manner(), manner);
        advert.payload[6..8].to_vec()
    };
    assert_ne!(checksum(false), checksum(true));
}
