//! Rules of the election that have to be asked for, and the start delay.

use crate::net::{InterfaceAddress, InterfaceStatus};
use crate::vrrp::Priority;
use crate::vrrp::config::*;
use crate::vrrp::event::Event;
use crate::vrrp::testing::*;
use std::time::Duration;

fn ruled(change: impl FnOnce(&mut RouterConfig)) -> VrrpConfig {
    let mut config = router("A", 51);
    change(&mut config);
    one(config)
}

/// What the bench's clock shows when it begins.
const BOOTED_FOR: Duration = Duration::from_secs(1_000);

fn delayed(after_start: u64, after_boot: u64, config: VrrpConfig) -> VrrpConfig {
    VrrpConfig {
        start_delay: StartDelay {
            after_start: Duration::from_secs(after_start),
            after_boot: Duration::from_secs(after_boot),
        },
        ..config
    }
}

/// Facts: 2.8
#[test]
fn a_start_delay_is_deaf_and_its_timers_begin_at_its_end() {
    // after start, after boot → how long it lasts
    for (start, boot, lasts) in [(10, 0, 10), (0, 1_007, 7), (10, 1_007, 10), (3, 1_007, 7)] {
        let mut bench = Bench::idle(delayed(start, boot, one(router("A", 51))));
        let begun = bench.start();
        assert_eq!(begun[0], format!("log Delaying startup for {lasts} seconds"));
        assert_eq!(bench.state("A"), "BACKUP");
        let end = Duration::from_secs(lasts);
        assert_eq!(bench.timer("A"), end.as_micros() + 3_609_375);
        assert_eq!(bench.hear(advert(&router("A", 51), 0, "10.0.0.2")), [""; 0]);
        assert_eq!(bench.timer("A"), end.as_micros() + 3_609_375, "unheard");
        assert_eq!(bench.of("A").counters.advert_rcvd, 0);
        let all = bench.pass(end + ms(5_000));
        assert_eq!(
            all[0],
            format!("+{} log Delayed start completed", end.as_micros())
        );
        let master = end.as_micros() + 3_609_375;
        assert!(
            all.contains(&format!("+{master} log (A) Entering MASTER STATE")),
            "{all:?}"
        );
    }
    let mut bench = Bench::idle(delayed(0, BOOTED_FOR.as_secs(), one(router("A", 51))));
    assert!(!bench.start()[0].contains("Delaying"), "the boot is long ago");
    assert_eq!(bench.timer("A"), 3_609_375);
}

/// Facts: 2.8
#[test]
fn an_owner_waits_for_the_start_delay_and_holds_nothing_meanwhile() {
    let config = ruled(|c| {
        c.priority = Priority::OWNER;
        c.initial = InitialState::Master;
    });
    let mut bench = Bench::idle(delayed(10, 0, config));
    bench.handle(Event::Interface(interface(
        "eth0",
        1,
        &["10.0.0.1", "10.0.0.151"],
    )));
    let begun = bench.start();
    assert!(begun.contains(&"release#0 10.0.0.151".into()), "{begun:?}");
    assert_eq!(bench.timer("A"), 10_000_001);
    assert!(!bench.pass(ms(9_999)).iter().any(|l| l.contains("send")));
    bench.pass(ms(2));
    assert_eq!(bench.state("A"), "MASTER");
}

/// Facts: 2.8
#[test]
fn a_reload_adapts_a_start_delay_that_lasts() {
    // The new delay, 2 s after the start → the timer.
    for (delay, timer) in [(20, 18_000_000), (5, 3_000_000), (1, 0), (0, 0)] {
        let mut bench = Bench::new(delayed(10, 0, one(router("A", 51))));
        bench.pass(ms(2_000));
        bench
            .engine
            .reload(bench.now, delayed(delay, 0, one(router("A", 51))));
        bench.drain();
        assert_eq!(bench.timer("A"), timer + 3_609_375, "{delay}");
        let ended = bench.pass(Duration::from_micros(u64::try_from(timer).unwrap()));
        assert_eq!(ended, [format!("+{timer} log Delayed start completed")]);
        assert_eq!(bench.timer("A"), 3_609_375);
    }
    let mut bench = Bench::new(one(router("A", 51)));
    bench
        .engine
        .reload(bench.now, delayed(10, 0, one(router("A", 51))));
    assert_eq!(bench.timer("A"), 3_609_375, "what has begun is not put off");
}

/// Facts: 4.8, 6.14
#[test]
fn an_owner_that_does_not_listen_is_never_moved() {
    let config = ruled(|c| {
        c.priority = Priority::OWNER;
        c.initial = InitialState::Master;
        c.election.owner_ignores_adverts = true;
    });
    let mut bench = Bench::new(config);
    bench.pass(ms(400));
    let timer = bench.timer("A");
    let other = || advert(&router("A", 51), 255, "10.0.0.9");
    assert_eq!(
        bench.hear(other()),
        ["log (A) is address owner - ignoring advert from 10.0.0.9"]
    );
    assert_eq!(bench.hear(other()), [""; 0], "said once");
    assert_eq!(bench.hear(advert(&router("A", 51), 0, "10.0.0.9")), [""; 0]);
    assert_eq!((bench.state("A"), bench.timer("A")), ("MASTER", timer));
    let mut bad = other();
    bad.payload[6] ^= 1;
    bench.hear(bad);
    assert_eq!(bench.of("A").counters.checksum_err, 1, "after the checks");
}

/// Facts: 3.9
#[test]
fn addresses_are_compared_only_of_a_new_sender() {
    let theirs = |source: &str| {
        let mut other = router("A", 51);
        other.vips.clear();
        advert(&other, 150, source)
    };
    // skip_check_adv_addr → mismatches after two adverts of one and one of another sender
    for (skip, counted) in [(false, 3), (true, 2)] {
        let mut bench = Bench::new(ruled(|c| c.election.skip_check_adv_addr = skip));
        for source in ["10.0.0.2", "10.0.0.2", "10.0.0.3"] {
            bench.hear(theirs(source));
        }
        assert_eq!(bench.of("A").counters.addr_list_err, counted, "{skip}");
    }
}

/// Facts: 2.20
#[test]
fn a_master_that_was_held_up_for_too_long_falls_back_unheard() {
    let peer = |priority| {
        ruled(|c| {
            c.nopreempt = true;
            c.election.timer_expired_backup = priority;
        })
    };
    // The timer is due after 1 s, and skew(200) is 218.75 ms.
    let (limit, p200) = (3_218_750, Some(Priority(200)));
    for (priority, sleeps, falls) in [
        (p200, limit, false),
        (p200, limit + 1, true),
        (Some(Priority(254)), limit, true),
        (None, 60_000_000, false),
    ] {
        for hears in [false, true] {
            let mut bench = Bench::new(peer(priority));
            bench.pass(Duration::from_micros(3_609_375));
            assert_eq!((bench.state("A"), bench.timer("A")), ("MASTER", 1_000_000));
            bench.now += Duration::from_micros(sleeps);
            let done = if hears {
                bench.hear(advert(&router("A", 51), 90, "10.0.0.2"))
            } else {
                bench.engine.handle_timeout(bench.now);
                bench.drain()
            };
            let sent = done.iter().any(|l| l.starts_with("send"));
            let wanted = if falls { "BACKUP" } else { "MASTER" };
            assert_eq!(
                (bench.state("A"), sent),
                (wanted, !falls),
                "{priority:?} {sleeps} {done:?}"
            );
            let words = "log (A) VRRP thread timer expired 2.218751 seconds ago";
            assert_eq!(done[0] == words, falls && priority == p200, "{done:?}");
            if falls {
                assert_eq!(bench.timer("A"), 3_609_375);
            }
        }
    }
}

/// Facts: 1.22
#[test]
fn a_tracked_source_address_must_be_there() {
    let with = |tentative: Option<bool>| {
        let mut eth0 = interface("eth0", 1, &["10.0.0.1"]);
        eth0.addresses.extend(tentative.map(|tentative| InterfaceAddress {
            tentative,
            ..interface("x", 1, &["10.0.0.7"]).addresses.remove(0)
        }));
        eth0
    };
    let there = |bench: &mut Bench, status: InterfaceStatus| bench.handle(Event::Interface(status));
    let config = |tracked| {
        ruled(|c| {
            c.source = Some(ip("10.0.0.7"));
            c.election.track_src_ip = tracked;
        })
    };
    let mut bench = Bench::idle(config(true));
    bench.start();
    assert_eq!(bench.of("A").faults, ["no source address on interface eth0"]);
    there(&mut bench, with(Some(true)));
    assert_eq!(bench.state("A"), "FAULT", "it may be a duplicate");
    there(&mut bench, with(Some(false)));
    assert_eq!(bench.state("A"), "BACKUP");
    bench.pass(ms(5_000));
    let lost = there(&mut bench, with(None));
    assert_eq!(bench.state("A"), "FAULT");
    assert!(lost.contains(&"release#2 10.0.0.151".into()), "{lost:?}");

    let mut bench = Bench::idle(config(false));
    bench.start();
    assert_eq!(bench.state("A"), "BACKUP", "only where it is asked for");
}
