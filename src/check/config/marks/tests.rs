//! Who gets which mark.

use super::*;
use crate::check::engine::tests::{config, service};
use crate::net::Family;

/// A virtual server of a group of addresses.
fn group(name: &str, number: u32, protocol: Protocol, addresses: &[&str]) -> Target {
    let rule = |address: &&str| MarkRule {
        protocol,
        first: address.parse().unwrap(),
        last: address.parse().unwrap(),
        port: 80,
        mark: 0,
    };
    Target::Group(GroupTarget {
        name: name.into(),
        number,
        family: None,
        protocol: Some(protocol),
        services: [].into(),
        marks: addresses.iter().map(rule).collect(),
    })
}

fn file(targets: Vec<Target>, start: u32, before: Option<&CheckConfig>) -> CheckConfig {
    let server = |target| {
        let mut server = service("192.0.2.1:80", Vec::new());
        server.target = target;
        server
    };
    let mut config = config(targets.into_iter().map(server).collect());
    config.hand_out_marks(start, before);
    config
}

fn marks(config: &CheckConfig) -> Vec<Vec<ServiceKey>> {
    let targets = config.services.iter().map(|service| &service.target);
    targets.map(|target| target.keys().to_vec()).collect()
}

fn v4(mark: u32) -> ServiceKey {
    ServiceKey::FwMark {
        family: Family::V4,
        mark,
    }
}

fn v6(mark: u32) -> ServiceKey {
    ServiceKey::FwMark {
        family: Family::V6,
        mark,
    }
}

/// As 2.2.7 was seen to count, but for the mark of the file, which it gives to two.
///
/// LVS facts: 2.26
#[test]
fn a_group_has_a_mark_for_each_protocol_counted_from_the_start() {
    let targets = vec![
        group("G", 0, Protocol::Udp, &["10.0.0.1", "10.0.0.2"]),
        group("G", 1, Protocol::Tcp, &["10.0.0.1", "10.0.0.2"]),
        Target::Service(v4(502)),
        group("G", 2, Protocol::Tcp, &["10.0.0.1", "10.0.0.2"]),
        group("B", 0, Protocol::Tcp, &["10.4.0.1", "2001:db8::1"]),
    ];
    let config = file(targets, 500, None);
    let all = vec![
        vec![v4(500)],
        vec![v4(501)],
        vec![v4(502)],
        vec![v4(501)],
        vec![v4(503), v6(503)],
    ];
    assert_eq!(marks(&config), all);
    let rules = config.services[4].target.marks();
    assert_eq!(rules.iter().map(|rule| rule.mark).collect::<Vec<_>>(), [503, 503]);
}

/// LVS facts: 2.26
#[test]
fn a_reload_leaves_marks_where_they_are() {
    let tcp = |name| group(name, 0, Protocol::Tcp, &["10.0.0.1"]);
    let first = file(vec![tcp("A"), tcp("B"), tcp("C")], 1000, None);
    let second = file(vec![tcp("new"), tcp("C"), tcp("B")], 1000, Some(&first));
    let all = vec![vec![v4(1003)], vec![v4(1002)], vec![v4(1001)]];
    assert_eq!(marks(&second), all);
    // A mark that the file now has for itself is not kept.
    let taken = vec![tcp("C"), Target::Service(v4(1002)), tcp("B")];
    let third = file(taken, 1000, Some(&second));
    let all = vec![vec![v4(1004)], vec![v4(1002)], vec![v4(1001)]];
    assert_eq!(marks(&third), all);
}

#[test]
fn no_mark_is_zero() {
    let tcp = |name| group(name, 0, Protocol::Tcp, &["10.0.0.1"]);
    let config = file(vec![tcp("A"), tcp("B")], u32::MAX, None);
    assert_eq!(marks(&config), vec![vec![v4(u32::MAX)], vec![v4(1)]]);
}
