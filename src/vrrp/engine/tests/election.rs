//! What adverts do, state by state (facts 3 and 4).

use crate::vrrp::Priority;
use crate::vrrp::config::*;
use crate::vrrp::event::Datagram;
use crate::vrrp::testing::*;
use std::time::Duration;

/// A change to a configuration.
type Tweak = fn(&mut RouterConfig);
const PLAIN: Tweak = |_| {};
const NOPREEMPT: Tweak = |c| c.nopreempt = true;
const DELAY: Tweak = |c| c.preempt_delay = Duration::from_secs(30);

fn tweaked(tweak: Tweak) -> RouterConfig {
    let mut config = router("A", 51);
    tweak(&mut config);
    config
}

/// What the other director sends: priority and address.
fn other(priority: u8, source: &str) -> Datagram {
    advert(&router("A", 51), priority, source)
}

/// Facts: 3.2, 3.3, 3.4, 3.5
#[test]
fn backup_hears() {
    const FULL: u128 = 3_609_375;
    const SKEW: u128 = 609_375;
    // 1 s into the timer: who sends → the timer afterwards (full again, untouched, skew).
    let table: [(&str, Tweak, u8, u128); 10] = [
        ("higher", PLAIN, 101, FULL),
        ("equal", PLAIN, 100, FULL),
        ("lower", PLAIN, 99, FULL - 1_000_000),
        ("release", PLAIN, 0, SKEW),
        ("lower, nopreempt", NOPREEMPT, 1, FULL),
        ("higher, nopreempt", NOPREEMPT, 101, FULL),
        ("release, nopreempt", NOPREEMPT, 0, SKEW),
        ("lower, preempt_delay", DELAY, 1, FULL),
        ("higher, preempt_delay", DELAY, 101, FULL),
        ("release, preempt_delay", DELAY, 0, SKEW),
    ];
    for (what, tweak, priority, timer) in table {
        for source in ["10.0.0.0", "10.0.0.2"] {
            let mut bench = Bench::new(one(tweaked(tweak)));
            bench.pass(ms(1_000));
            bench.hear(other(priority, source));
            assert_eq!(bench.timer("A"), timer, "{what} from {source}");
            assert_eq!(bench.state("A"), "BACKUP");
        }
    }
}

/// Facts: 2.13, 4.1, 4.2, 4.4, 4.5, 4.6
#[test]
fn master_hears() {
    // Who sends → the state afterwards, whether it answered at once, and the next advert or timeout.
    let lower_quiet: Tweak = |c| c.lower_prio_no_advert = true;
    let loud: Tweak = |c| c.higher_prio_send_advert = true;
    let table: [(&str, Tweak, u8, &str, &str, bool, u128); 9] = [
        ("higher", PLAIN, 101, "10.0.0.0", "BACKUP", false, 3_609_375),
        (
            "higher, told before",
            loud,
            101,
            "10.0.0.0",
            "BACKUP",
            true,
            3_609_375,
        ),
        (
            "equal, higher address",
            PLAIN,
            100,
            "10.0.0.2",
            "BACKUP",
            false,
            3_609_375,
        ),
        (
            "equal, lower address",
            PLAIN,
            100,
            "10.0.0.0",
            "MASTER",
            true,
            1_000_000,
        ),
        (
            "equal, our address",
            PLAIN,
            100,
            "10.0.0.1",
            "MASTER",
            false,
            600_000,
        ),
        ("lower", PLAIN, 99, "10.0.0.2", "MASTER", true, 1_000_000),
        (
            "lower, not answered",
            lower_quiet,
            99,
            "10.0.0.2",
            "MASTER",
            false,
            600_000,
        ),
        ("release", PLAIN, 0, "10.0.0.2", "MASTER", true, 1_000_000),
        (
            "release, not answered",
            lower_quiet,
            0,
            "10.0.0.2",
            "MASTER",
            true,
            1_000_000,
        ),
    ];
    for (what, tweak, priority, source, state, answers, deadline) in table {
        let mut bench = Bench::new(one(tweaked(tweak)));
        // 400 ms after an advert.
        bench.pass(Duration::from_micros(3_609_375 + 2_400_000));
        assert_eq!(bench.timer("A"), 600_000);
        let done = bench.hear(other(priority, source));
        assert_eq!(bench.state("A"), state, "{what}");
        assert_eq!(
            done.iter().any(|l| l == "send 51/100 to 224.0.0.18"),
            answers,
            "{what}: {done:?}"
        );
        assert_eq!(bench.timer("A"), deadline, "{what}");
        assert!(
            !done.iter().any(|l| l.starts_with("send 51/0")),
            "{what}: no release while yielding"
        );
    }
}

/// Facts: 3.4, 3.8, 4.2, 4.4, 4.5
#[test]
fn words_of_an_election() {
    let mut bench = Bench::master(one(router("A", 51)));
    let first = |bench: &mut Bench, datagram| bench.hear(datagram).first().cloned().unwrap_or_default();
    assert_eq!(
        first(&mut bench, other(99, "10.0.0.2")),
        "log (A) Received advert from 10.0.0.2 with lower priority 99, ours 100, forcing new election"
    );
    assert_eq!(
        first(&mut bench, other(100, "10.0.0.1")),
        "log (A) WARNING - equal priority advert received from remote host with our IP address."
    );
    assert_eq!(
        first(&mut bench, other(100, "10.0.0.2")),
        "log (A) Master received advert from 10.0.0.2 with same priority 100 but higher IP address than ours"
    );
    assert_eq!(
        first(&mut bench, other(99, "10.0.0.2")),
        "log (A) received lower priority (99) advert from 10.0.0.2 - discarding"
    );
    assert_eq!(
        first(&mut bench, other(120, "10.0.0.3")),
        "log (A) master changed from 10.0.0.2 to 10.0.0.3"
    );
    assert_eq!(first(&mut bench, other(120, "10.0.0.3")), "");
    assert_eq!(bench.of("A").master, Some((ip("10.0.0.3"), Priority(120))));
}

/// Facts: 2.15
#[test]
fn faults_and_beginners_hear_nothing() {
    let mut bench = Bench::idle(one(router("A", 51)));
    assert_eq!(bench.hear(other(0, "10.0.0.2")), [""; 0], "before the start");
    let mut down = interface("eth0", 1, &["10.0.0.1"]);
    down.up = false;
    bench.handle(crate::vrrp::Event::Interface(down));
    bench.start();
    assert_eq!(bench.state("A"), "FAULT");
    assert_eq!(bench.hear(other(0, "10.0.0.2")), [""; 0]);
    assert_eq!(bench.of("A").counters, crate::vrrp::status::Counters::default());
}

/// Facts: 3.1, 4.3, 6.15, 6.19
#[test]
fn bad_packets_touch_no_timer() {
    let mut bad = other(200, "10.0.0.2");
    bad.payload[6] ^= 1;
    let mut bench = Bench::new(one(router("A", 51)));
    bench.pass(ms(1_000));
    assert_eq!(bench.hear(bad.clone()), ["log (A) Invalid VRRPv2 checksum"]);
    assert_eq!(bench.hear(bad.clone()), [""; 0], "told once");
    assert_eq!(bench.timer("A"), 2_609_375);
    bench.hear(other(200, "10.0.0.3"));
    assert_eq!(
        bench.hear(bad.clone()).len(),
        1,
        "told again after another master was accepted"
    );

    // Faster than the interval, they would silence a keepalived that is MASTER (fact 4.3).
    bench.pass(ms(4_000));
    let before = bench.of("A").counters.advert_sent;
    for _ in 0..20 {
        bench.hear(bad.clone());
        bench.pass(ms(500));
    }
    let counters = bench.of("A").counters;
    assert_eq!(counters.advert_sent - before, 10);
    assert_eq!(counters.checksum_err, 23);
    assert_eq!(counters.advert_rcvd, 1);
}

/// Facts: 6.18, 6.20
#[test]
fn priority_zero_is_counted_and_another_interval_is_not() {
    let mut bench = Bench::new(one(router("A", 51)));
    bench.hear(other(0, "10.0.0.2"));
    let mut slow = router("B", 51);
    slow.advert_int = Duration::from_secs(5);
    bench.hear(advert(&slow, 200, "10.0.0.2"));
    let counters = bench.of("A").counters;
    assert_eq!((counters.pri_zero_rcvd, counters.advert_interval_err), (1, 0));
}

/// `log_unknown_vrids`: each interface and VRID once a second, whatever arrives.
///
/// Facts: 6.1
#[test]
fn strangers_do_not_flood_the_log() {
    let mut config = one(router("A", 51));
    config.log_unknown_vrids = true;
    let mut bench = Bench::new(config);
    let stranger = |vrid| advert(&router("B", vrid), 200, "10.0.0.2");
    let told = bench.hear(stranger(52));
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("Unknown VRID(52)"), "{told:?}");
    assert_eq!(bench.hear(stranger(52)), [""; 0], "told already");
    assert_eq!(bench.hear(stranger(53)).len(), 1, "another");
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.hear(stranger(52)).len(), 1, "a second later");
}

/// Facts: 6.1
#[test]
fn strangers_are_counted_only() {
    let mut bench = Bench::new(one(router("A", 51)));
    assert_eq!(bench.hear(advert(&router("B", 52), 200, "10.0.0.2")), [""; 0]);
    let mut elsewhere = other(200, "10.0.0.2");
    elsewhere.interface.0 = 2;
    bench.hear(elsewhere);
    let mut short = other(200, "10.0.0.2");
    short.payload.truncate(1);
    bench.hear(short);
    assert_eq!(bench.engine.status(bench.now).unknown_vrid, 3);
    bench.engine.clear_counters();
    assert_eq!(bench.engine.status(bench.now).unknown_vrid, 0);
}

/// Facts: 3.4
#[test]
fn preemption_comes_with_the_timer() {
    let mut bench = Bench::new(one(router("A", 51)));
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.extend(bench.hear(other(50, "10.0.0.2")));
        taken.extend(bench.pass(ms(1_000)));
    }
    assert!(
        taken.contains(&"+609375 log (A) Entering MASTER STATE".into()),
        "{taken:?}"
    );
}

/// Facts: 3.6
#[test]
fn preempt_delay_runs_once_and_is_cancelled_by_a_better_master() {
    let mut bench = Bench::new(one(tweaked(DELAY)));
    assert_eq!(
        bench.hear(other(50, "10.0.0.2"))[0],
        "log (A) start preempt delay (30.000000)"
    );
    for _ in 0..20 {
        bench.pass(ms(1_000));
        bench.hear(other(50, "10.0.0.2"));
    }
    assert_eq!(
        bench.hear(other(150, "10.0.0.3"))[0],
        "log (A) stop preempt delay"
    );
    assert_eq!(
        bench.hear(other(50, "10.0.0.2"))[0],
        "log (A) start preempt delay (30.000000)"
    );
    for second in 1..=29 {
        bench.pass(ms(1_000));
        bench.hear(other(50, "10.0.0.2"));
        assert_eq!(bench.timer("A"), 3_609_375, "second {second}");
    }
    // It has run out: the remaining down time runs too.
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.extend(bench.pass(ms(1_000)));
        taken.extend(bench.hear(other(50, "10.0.0.2")));
    }
    assert!(taken.iter().any(|l| l.ends_with("discarding")), "{taken:?}");
    assert!(
        taken.contains(&"+609375 log (A) Entering MASTER STATE".into()),
        "{taken:?}"
    );
}

/// Facts: 3.6
#[test]
fn a_preempt_delay_does_not_delay_a_takeover_from_silence() {
    let mut bench = Bench::new(one(tweaked(DELAY)));
    bench.hear(other(50, "10.0.0.2"));
    let taken = bench.pass(ms(4_000));
    assert!(
        taken.contains(&"+3609375 log (A) Entering MASTER STATE".into()),
        "{taken:?}"
    );
}

/// Facts: 3.3, 3.7, 6.11
#[test]
fn version_3_learns_the_masters_interval() {
    let config = version_3(router("A", 51), 1_000);
    let mut bench = Bench::new(one(config.clone()));
    let slow = version_3(router("A", 51), 2_000);
    assert_eq!(
        bench.hear(advert(&slow, 150, "10.0.0.2")),
        [
            "log (A) advertisement interval mismatch with 10.0.0.2 mine=1000ms rcv'd=2000ms",
            "log (A) advertisement interval updated from 1000ms to 2000ms by master",
            "log (A) master set to 10.0.0.2",
        ]
    );
    assert_eq!(bench.timer("A"), 2 * 3_609_375);
    bench.hear(advert(&slow, 0, "10.0.0.2"));
    assert_eq!(
        bench.timer("A"),
        2 * 609_375,
        "the skew too is that of the master's interval"
    );
    bench.pass(ms(1_300));
    assert_eq!(bench.state("A"), "MASTER");
    assert!(
        bench.timer("A") <= 1_000_000,
        "the own interval rules the own adverts"
    );
    bench.hear(advert(&slow, 150, "10.0.0.2"));
    assert_eq!((bench.state("A"), bench.timer("A")), ("BACKUP", 2 * 3_609_375));
    // A release says nothing about intervals, and the lower one is discarded unlearned.
    bench.hear(advert(&config, 1, "10.0.0.3"));
    bench.hear(advert(&slow, 0, "10.0.0.2"));
    assert_eq!(bench.timer("A"), 2 * 609_375);
}

/// Facts: 4.2
#[test]
fn lower_priority_adverts_bring_announcements() {
    let config = tweaked(|c| {
        c.garp.lower_prio_repeat = 2;
        c.garp.lower_prio_delay = Duration::from_secs(3);
    });
    let mut bench = Bench::master(one(config));
    let done = bench.hear(other(1, "10.0.0.2"));
    assert_eq!(
        done.iter().filter(|l| *l == "announce 10.0.0.151").count(),
        2,
        "{done:?}"
    );
    let later: Vec<_> = bench
        .pass(ms(9_000))
        .into_iter()
        .filter(|l| l.contains("announce"))
        .collect();
    assert_eq!(later, ["+3000000 announce 10.0.0.151"; 2]);
}

fn owner(source: &str) -> RouterConfig {
    let mut config = router("A", 51);
    config.priority = Priority::OWNER;
    config.initial = InitialState::Master;
    config.source = Some(ip(source));
    config
}

/// Facts: 4.7
#[test]
fn of_two_owners_the_lower_address_yields() {
    let mut bench = Bench::new(one(owner("10.0.0.1")));
    bench.pass(ms(100));
    let done = bench.hear(other(255, "10.0.0.2"));
    assert_eq!(
        done[0],
        "log (A) CONFIGURATION ERROR: local instance and 10.0.0.2 are both configured as address owner, please resolve"
    );
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 4.7
#[test]
fn the_higher_owner_gives_in_to_one_that_does_not_yield() {
    let mut bench = Bench::new(one(owner("10.0.0.9")));
    bench.pass(ms(100));
    for _ in 0..2 {
        bench.hear(other(255, "10.0.0.2"));
        assert_eq!(bench.state("A"), "MASTER");
        bench.pass(ms(1_000));
    }
    let done = bench.hear(other(255, "10.0.0.2"));
    assert!(
        done[0].contains("is still advertising as address owner"),
        "{done:?}"
    );
    assert_eq!(bench.state("A"), "BACKUP");
    assert_eq!(bench.of("A").effective_priority, Priority(254));
    assert_eq!(bench.timer("A"), 3_003_906, "an owner's skew all the same");
    // Its silence restores us.
    bench.pass(ms(3_100));
    assert_eq!(bench.state("A"), "MASTER");
    assert_eq!(bench.of("A").effective_priority, Priority::OWNER);
}

/// Facts: 4.7
#[test]
fn a_rogue_owner_that_goes_silent_is_forgotten() {
    let mut bench = Bench::new(one(owner("10.0.0.9")));
    bench.pass(ms(100));
    bench.hear(other(255, "10.0.0.2"));
    let quiet = bench.pass(ms(5_000));
    assert!(
        quiet
            .iter()
            .any(|l| l.ends_with("log (A): rogue address owner appears to have stopped advertising")),
        "{quiet:?}"
    );
    assert_eq!(bench.state("A"), "MASTER");
}

/// Facts: 1.27
#[test]
fn unicast_routers_of_one_vrid_are_told_apart_by_their_peers() {
    let with_peer = |name: &str, peer: &str| {
        let mut config = router(name, 51);
        config.source = Some(ip("10.0.0.1"));
        config.transport = Transport::Unicast {
            peers: vec![ip(peer)],
            ttl: 255,
        };
        config
    };
    let mut config = one(with_peer("A", "10.0.0.2"));
    config.routers.push(with_peer("B", "10.0.0.3"));
    let mut bench = Bench::new(config);
    bench.hear(advert(&with_peer("B", "10.0.0.3"), 150, "10.0.0.3"));
    assert_eq!(
        (bench.of("A").master, bench.of("B").master.map(|m| m.0)),
        (None, Some(ip("10.0.0.3")))
    );
    bench.hear(advert(&with_peer("A", "10.0.0.2"), 150, "10.0.0.2"));
    assert_eq!(bench.of("A").master.map(|m| m.0), Some(ip("10.0.0.2")));
}

/// 600 such packets, answered one by one for 250 addresses, would hold up every other router for seconds.
/// Facts: 4.2
#[test]
fn a_flood_of_lower_priority_adverts_brings_few_announcements() {
    let config = tweaked(|c| {
        c.garp.lower_prio_repeat = 2;
        c.garp.lower_prio_delay = Duration::from_secs(3);
    });
    let announced = |lines: &[String]| lines.iter().filter(|l| l.contains("announce")).count();
    let mut bench = Bench::master(one(config));
    let mut at_once = 0;
    let mut adverts = 0;
    for _ in 0..200 {
        let done = bench.hear(other(1, "10.0.0.2"));
        at_once += announced(&done);
        adverts += done.iter().filter(|l| l.starts_with("send ")).count();
    }
    assert_eq!(
        (at_once, adverts),
        (2, 200),
        "every one gets its answer (fact 4.2)"
    );
    let later: Vec<_> = bench
        .pass(ms(9_000))
        .into_iter()
        .filter(|l| l.contains("announce"))
        .collect();
    assert_eq!(
        later,
        [
            "+100000 announce 10.0.0.151",
            "+100000 announce 10.0.0.151",
            "+3100000 announce 10.0.0.151",
            "+3100000 announce 10.0.0.151"
        ],
        "put off, not left out"
    );
}
