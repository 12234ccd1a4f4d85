use super::*;
use crate::vrrp::config::ExtraGarp;
use crate::vrrp::testing::*;
use std::time::Duration;

fn garp(delay: u64, repeat: u32, refresh: u64) -> GarpConfig {
    GarpConfig {
        delay: Duration::from_secs(delay),
        repeat,
        refresh: Duration::from_secs(refresh),
        refresh_repeat: 2,
        lower_prio_delay: Duration::from_secs(3),
        lower_prio_repeat: 7,
        ..GarpConfig::default()
    }
}

fn at(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

/// Facts: 11.3, 11.4
#[test]
fn second_burst_and_refreshes() {
    // delay, refresh → (second, rounds) …
    type Bursts = &'static [(u64, u32)];
    let table: [(u64, u64, Bursts); 4] = [
        (5, 0, &[(5, 5)]),
        (0, 0, &[]),
        (0, 10, &[(10, 2), (20, 2), (30, 2)]),
        (5, 10, &[(5, 5), (15, 2), (25, 2)]),
    ];
    for (delay, refresh, bursts) in table {
        let garp = garp(delay, 5, refresh);
        let mut schedule = Schedule::started(at(0), &garp);
        for (second, rounds) in bursts {
            assert_eq!(schedule.deadline(), Some(at(*second)), "{delay} {refresh}");
            assert_eq!(schedule.due(at(*second), &garp), *rounds);
            assert_eq!(schedule.due(at(*second), &garp), 0);
        }
        assert_eq!(schedule.deadline().is_some(), refresh > 0);
    }
}

#[test]
fn a_late_driver_does_not_catch_up_on_refreshes() {
    let garp = garp(0, 5, 10);
    let mut schedule = Schedule::started(at(0), &garp);
    assert_eq!(schedule.due(at(57), &garp), 2);
    assert_eq!(schedule.deadline(), Some(at(67)));
}

/// Facts: 4.2
#[test]
fn a_lower_priority_advert_brings_a_burst_of_its_own() {
    let garp = garp(5, 5, 0);
    let mut schedule = Schedule::started(at(0), &garp);
    schedule.lower_prio(at(1), &garp);
    assert_eq!(schedule.deadline(), Some(at(4)));
    assert_eq!(schedule.due(at(4), &garp), 7);
    assert_eq!(schedule.deadline(), Some(at(5)));
}

fn target(address: &str, interface: u32) -> AnnounceTarget {
    AnnounceTarget {
        address: ip(address),
        interface: IfIndex(interface),
        mac: crate::net::Mac([2; 6]),
        router_flag: false,
    }
}

/// Under a limit of its interface.
fn paced(address: &str, interface: u32) -> Paced {
    Paced {
        lane: Lane::Interface(IfIndex(interface)),
        interval: ms(100),
        target: target(address, interface),
    }
}

fn free(address: &str, interface: u32) -> Paced {
    Paced {
        interval: Duration::ZERO,
        ..paced(address, interface)
    }
}

fn drain(actions: &mut VecDeque<Action>) -> Vec<String> {
    actions.drain(..).map(|a| text(&a)).collect()
}

/// Facts: 11.3
#[test]
fn without_a_limit_all_rounds_leave_at_once() {
    let (mut pacer, mut actions) = (Pacer::default(), VecDeque::new());
    let targets = vec![free("10.0.0.1", 1), free("10.0.0.2", 1)];
    pacer.submit(at(0), RouterId(0), 3, targets, &mut actions);
    assert_eq!(drain(&mut actions), ["announce 10.0.0.1 10.0.0.2"; 3]);
    assert_eq!(pacer.deadline(), None);
}

/// Facts: 11.6
#[test]
fn a_limit_makes_addresses_take_turns_on_each_interface() {
    let (mut pacer, mut actions) = (Pacer::default(), VecDeque::new());
    let targets = vec![
        paced("10.0.0.1", 1),
        paced("10.0.0.2", 1),
        paced("10.1.0.1", 2),
        free("fe80::1", 1),
    ];
    pacer.submit(at(0), RouterId(0), 2, targets, &mut actions);
    assert_eq!(
        drain(&mut actions),
        [
            "announce fe80::1",
            "announce fe80::1",
            "announce 10.0.0.1",
            "announce 10.1.0.1"
        ],
        "IPv6 has no limit; each lane sends its first"
    );
    // The same addresses again, before they were sent: no more than the repeat count waits.
    pacer.submit(at(0), RouterId(0), 2, vec![paced("10.0.0.2", 1)], &mut actions);
    pacer.submit(at(0), RouterId(1), 1, vec![paced("10.0.0.2", 1)], &mut actions);
    let mut sent = Vec::new();
    while let Some(now) = pacer.deadline() {
        pacer.send_due(now, &mut actions);
        sent.extend(
            drain(&mut actions)
                .into_iter()
                .map(|a| format!("{} {a}", now.as_micros() / 1000)),
        );
    }
    assert_eq!(
        sent,
        [
            "100 announce 10.0.0.2",
            "100 announce 10.1.0.1",
            "200 announce 10.0.0.1",
            "300 announce 10.0.0.2",
            "400 announce 10.0.0.2",
        ]
    );
}

/// Facts: 2.13, 11.6
#[test]
fn who_is_not_master_any_more_announces_nothing() {
    let (mut pacer, mut actions) = (Pacer::default(), VecDeque::new());
    for id in [0, 1] {
        let targets = vec![paced(&format!("10.0.0.{id}"), 1)];
        pacer.submit(at(0), RouterId(id), 9, targets, &mut actions);
    }
    drain(&mut actions);
    pacer.forget(RouterId(0));
    pacer.send_due(at(1), &mut actions);
    pacer.send_due(at(2), &mut actions);
    assert_eq!(drain(&mut actions), ["announce 10.0.0.1"; 2]);
}

/// Facts: 11.6
#[test]
fn interfaces_of_one_group_share_the_limit() {
    let (mut pacer, mut actions) = (Pacer::default(), VecDeque::new());
    let grouped = |address, interface| Paced {
        lane: Lane::Group(0),
        ..paced(address, interface)
    };
    let targets = vec![
        grouped("10.0.0.1", 1),
        grouped("10.1.0.1", 2),
        paced("10.2.0.1", 3),
    ];
    pacer.submit(at(0), RouterId(0), 1, targets, &mut actions);
    assert_eq!(drain(&mut actions), ["announce 10.0.0.1", "announce 10.2.0.1"]);
    assert_eq!(pacer.deadline(), Some(at(0) + ms(100)));
    pacer.send_due(at(0) + ms(100), &mut actions);
    assert_eq!(drain(&mut actions), ["announce 10.1.0.1"]);
    assert_eq!(pacer.deadline(), None);
}

/// Facts: 11.5
#[test]
fn further_interfaces_have_a_schedule_of_their_own() {
    let mut garp = garp(5, 5, 0);
    garp.extra = Some(ExtraGarp {
        all: true,
        interval: Duration::from_secs(20),
    });
    let mut schedule = Schedule::started(at(0), &garp);
    assert!(!schedule.extra_due(at(24), &garp));
    for second in [25, 45, 65] {
        assert!(schedule.extra_due(at(second), &garp));
        assert!(!schedule.extra_due(at(second), &garp));
    }
    assert!(schedule.extra_due(at(200), &garp), "once, however late");
    assert!(!schedule.extra_due(at(219), &garp));
}
