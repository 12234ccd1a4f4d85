//! Any address, route and rule: its line, read again, is the same.

use super::*;
use crate::conf::config::Config;
use crate::conf::{self, ReadOptions};
use crate::net::{Cidr, FwMark};
use proptest::option::of;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// What the file with `line` in `block` is, which has no mistakes.
fn read(block: &str, line: &str) -> Config {
    let text = format!("track_group T {{\n group {{\n A\n }}\n}}\n{block} {{\n {line}\n}}\n");
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = conf::read_str(Path::new("a.conf"), &text, &options);
    let mistakes: Vec<_> = reading
        .diagnostics
        .iter()
        .filter(|found| found.topic != conf::diag::Topic::NoEffectYet)
        .collect();
    assert!(mistakes.is_empty(), "{line}\n{mistakes:#?}");
    reading.config
}

fn v4() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits)
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(Ipv6Addr::from_bits)
}

fn ip(family: Family) -> BoxedStrategy<IpAddr> {
    match family {
        Family::V4 => v4().prop_map(IpAddr::V4).boxed(),
        Family::V6 => v6().prop_map(IpAddr::V6).boxed(),
    }
}

fn prefix(family: Family, least: u8) -> impl Strategy<Value = Cidr> {
    (ip(family), least..=family.host_prefix()).prop_map(|(addr, prefix)| Cidr { addr, prefix })
}

fn family() -> impl Strategy<Value = Family> {
    prop::sample::select(vec![Family::V4, Family::V6])
}

fn name() -> impl Strategy<Value = IfName> {
    "[a-z][a-z0-9.]{0,14}".prop_map(|name| IfName::new(&name).unwrap())
}

fn lockable<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Lockable<T>> {
    (value, any::<bool>()).prop_map(|(value, locked)| Lockable { value, locked })
}

fn realms() -> impl Strategy<Value = Realms> {
    any::<(u8, u8)>().prop_map(|(source, destination)| Realms { source, destination })
}

fn tunnel<A: std::fmt::Debug + Clone>(address: impl Strategy<Value = A>) -> impl Strategy<Value = Tunnel<A>> {
    let rest = any::<(Option<u64>, Option<u8>, Option<u8>, Option<u16>)>();
    (address, rest).prop_map(|(destination, (id, tos, ttl, flags))| Tunnel {
        id,
        destination: Some(destination),
        source: None,
        tos,
        ttl,
        flags,
    })
}

fn encap() -> impl Strategy<Value = Encap> {
    prop_oneof![
        tunnel(v4()).prop_map(Encap::Ip),
        tunnel(v6()).prop_map(Encap::Ip6),
        prop::collection::vec(0..=0xf_ffff_u32, 1..=15).prop_map(Encap::Mpls),
        any::<u64>().prop_map(Encap::Ila),
    ]
}

fn metrics() -> impl Strategy<Value = RouteMetrics> {
    let numbers = (
        of(lockable(any::<u32>())),
        of(lockable(any::<u32>())),
        of(lockable(any::<u32>())),
        of(lockable(any::<u32>())),
        of(lockable(any::<u32>())),
        any::<[Option<u32>; 3]>(),
        any::<Option<u8>>(),
    );
    let rest = (
        of(lockable(1_600..=960_000_u32)),
        of(lockable(800..=480_000_u32)),
        of(lockable(200..=120_000_u32)),
        any::<bool>(),
        any::<[Option<bool>; 2]>(),
        of(lockable("[a-km-z]{1,8}")),
    );
    (numbers, rest).prop_map(
        |(
            (mtu, advmss, reordering, cwnd, ssthresh, [window, initcwnd, initrwnd], hoplimit),
            (rtt, rttvar, rto_min, ecn, [quickack, fastopen_no_cookie], congctl),
        )| RouteMetrics {
            mtu,
            advmss,
            reordering,
            cwnd,
            ssthresh,
            window,
            initcwnd,
            initrwnd,
            hoplimit,
            rtt,
            rttvar,
            rto_min,
            ecn,
            quickack,
            fastopen_no_cookie,
            congctl,
        },
    )
}

fn nexthop(family: Family) -> impl Strategy<Value = NextHop> {
    let parts = (
        of(ip(family)),
        of(name()),
        1..=256_u16,
        any::<bool>(),
        of(encap()),
        of(realms()),
    );
    parts.prop_map(|(gateway, interface, weight, onlink, encap, realms)| NextHop {
        gateway,
        interface,
        weight,
        onlink,
        encap,
        realms,
    })
}

/// A route as the reader makes them: what is only for one family is not there for the other.
fn routes() -> impl Strategy<Value = Route> {
    family().prop_flat_map(|family| {
        let ways = (
            prefix(family, 0),
            of(prefix(Family::V6, 0)),
            of(ip(family)),
            of(ip(family)),
            of(name()),
            prop::collection::vec(nexthop(family), 0..3),
        );
        let values = (
            any::<[Option<u8>; 3]>(),
            any::<[Option<u32>; 3]>(),
            any::<[u8; 2]>(),
            of(encap()),
            metrics(),
            of(realms()),
            prop::sample::select(vec![Insertion::Prepend, Insertion::Add, Insertion::Append]),
        );
        let flags = (any::<[bool; 3]>(), any::<Option<bool>>(), of(name()));
        (ways, values, flags).prop_map(move |(ways, values, flags)| {
            let (destination, from, preferred_source, gateway, interface, nexthops) = ways;
            let ([tos, protocol, preference], [table, metric, expires], [kind, scope], ..) = values;
            let (.., encap, metrics, realms, insertion) = values;
            let ([onlink, watched, grouped], ttl_propagate, vrf) = flags;
            let v6 = family == Family::V6;
            Route {
                from: from.filter(|_| v6),
                preferred_source,
                gateway,
                onlink,
                tos,
                table,
                protocol: if watched { Some(18) } else { protocol },
                scope: Scope(scope),
                metric,
                encap,
                expires: expires.filter(|_| v6),
                metrics,
                realms: realms.filter(|_| !v6),
                preference: preference.filter(|_| v6),
                ttl_propagate,
                insertion,
                watched,
                track_group: (grouped && interface.is_some()).then(|| "T".to_owned()),
                interface,
                vrf,
                nexthops,
                ..Route::to(RouteKind(kind), destination)
            }
        })
    })
}

fn actions() -> impl Strategy<Value = RuleAction> {
    prop_oneof![
        (1..=u32::MAX).prop_map(RuleAction::Table),
        Just(RuleAction::L3mdev),
        (1..=u32::MAX).prop_map(RuleAction::Goto),
        Just(RuleAction::Nop),
        Just(RuleAction::Blackhole),
        Just(RuleAction::Unreachable),
        Just(RuleAction::Prohibit),
    ]
}

/// A rule as the reader makes them.
fn rules() -> impl Strategy<Value = Rule> {
    family().prop_flat_map(|family| {
        let matches = (
            of(prefix(family, 1)),
            of(prefix(family, 1)),
            of(name()),
            of(name()),
            any::<(Option<u32>, Option<u32>)>(),
            of(realms()),
        );
        let numbers = any::<(
            [Option<u8>; 3],
            u32,
            Option<u64>,
            Option<u32>,
            Option<(u32, u32)>,
            [Option<(u16, u16)>; 2],
        )>();
        let suppress = of(0..=i32::MAX.unsigned_abs());
        let flags = any::<[bool; 3]>();
        (matches, numbers, suppress, actions(), flags).prop_map(
            move |(matches, numbers, prefixlength, action, [inverted, watched, grouped])| {
                let (from, to, iif, oif, (mark, mask), realms) = matches;
                let ([tos, protocol, ip_protocol], preference, tunnel_id, group, uids, [sport, dport]) =
                    numbers;
                let table = matches!(action, RuleAction::Table(_) | RuleAction::L3mdev);
                let preference = match action {
                    RuleAction::Goto(target) => preference % target,
                    _ => preference,
                };
                Rule {
                    inverted,
                    from,
                    to,
                    tos,
                    fwmark: mark.map(|mark| FwMark { mark, mask }),
                    realms: realms.filter(|_| table && family == Family::V4),
                    suppress_prefixlength: prefixlength.filter(|_| table),
                    suppress_group: group.filter(|_| table),
                    track_group: (grouped && iif.is_some()).then(|| "T".to_owned()),
                    iif,
                    oif,
                    tunnel_id,
                    uids: uids.map(ordered),
                    protocol: if watched { Some(18) } else { protocol },
                    ip_protocol,
                    source_ports: sport.map(ordered),
                    destination_ports: dport.map(ordered),
                    watched,
                    ..Rule::new(family, action, preference)
                }
            },
        )
    })
}

fn ordered<T: Ord + Copy>((a, b): (T, T)) -> (T, T) {
    (a.min(b), a.max(b))
}

/// An address as the reader makes them.
fn addresses() -> impl Strategy<Value = AddressSpec> {
    family().prop_flat_map(|family| {
        let lifetime = prop_oneof![Just(Lifetime::Forever), any::<u32>().prop_map(Lifetime::Seconds)];
        let parts = (
            prefix(family, 0),
            of(ip(family)),
            name(),
            any::<u8>(),
            of("[a-z0-9:]{1,15}"),
            of(v4()),
            lifetime,
            any::<[bool; 7]>(),
        );
        parts.prop_map(
            move |(cidr, peer, interface, scope, label, broadcast, lifetime, flags)| {
                let v4 = family == Family::V4;
                let [home, dad, mngtmpaddr, noprefixroute, autojoin, watched, grouped] = flags;
                let cidr = if peer.is_some() {
                    Cidr::host(cidr.addr)
                } else {
                    cidr
                };
                let options = AddressOptions {
                    peer,
                    home,
                    dad,
                    mngtmpaddr,
                    noprefixroute,
                    autojoin,
                    preferred: (!v4).then_some(lifetime),
                    watched,
                    track_group: grouped.then(|| "T".to_owned()),
                    use_vmac: false,
                };
                AddressSpec {
                    cidr,
                    interface,
                    scope: if v4 { Scope(scope) } else { Scope::GLOBAL },
                    label: label.filter(|_| v4),
                    broadcast: broadcast.filter(|_| v4 && peer.is_none()),
                    options,
                }
            },
        )
    })
}

proptest! {
    #[test]
    fn a_route_read_again_is_the_same(wanted in routes()) {
        let config = read("static_routes", &route(&wanted));
        prop_assert_eq!(config.statics.routes.len(), 1);
        prop_assert_eq!(&config.statics.routes[0].value.route, &wanted);
    }

    #[test]
    fn a_rule_read_again_is_the_same(wanted in rules()) {
        let config = read("static_rules", &rule(&wanted));
        prop_assert_eq!(config.statics.rules.len(), 1);
        prop_assert_eq!(&config.statics.rules[0].value.rule, &wanted);
    }

    #[test]
    fn an_address_read_again_is_the_same(spec in addresses()) {
        let config = read("static_ipaddress", &address(&spec, None));
        prop_assert_eq!(config.statics.addresses.len(), 1);
        let line = &config.statics.addresses[0].value;
        let AddressSpec { cidr, interface, scope, label, broadcast, options } = spec;
        let dev = line.dev.as_ref().map(|dev| dev.value.as_str());
        prop_assert_eq!(dev, Some(interface.as_str()));
        prop_assert_eq!(
            (line.cidr, line.scope, &line.label, line.broadcast),
            (cidr, scope, &label, broadcast)
        );
        prop_assert_eq!(&line.options, &options);
    }
}

/// Words of lines, right and wrong ones, in any order.
fn words() -> impl Strategy<Value = String> {
    let keywords = conf::keyword::all()
        .filter(|keyword| {
            use conf::keyword::Block::{AddressEntry, RouteEntry, RuleEntry};
            matches!(keyword.block, AddressEntry | RouteEntry | RuleEntry)
        })
        .map(|keyword| keyword.name.to_owned());
    let values = "10.0.0.0/8 192.0.2.1 fd00::1 fd00::/64 default all blackhole local 6 255 256 1/2 0x10/0xff 1-9 9-1 eth0 T lock \
                  ip ip6 mpls ila id dst 1:2:3:4 300ms 2s ecn low enabled + - forever main link 0 -1 x";
    let all: Vec<String> = keywords.chain(values.split(' ').map(str::to_owned)).collect();
    prop::collection::vec(prop::sample::select(all), 1..12).prop_map(|words| words.join(" "))
}

/// What is left of `line` in `block`, mistakes or not.
fn leave(block: &str, line: &str) -> Config {
    let text = format!("track_group T {{\n group {{\n A\n }}\n}}\n{block} {{\n {line}\n}}\n");
    conf::read_str(Path::new("a.conf"), &text, &ReadOptions::default()).config
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_left_of_any_line_is_the_same_again(line in words(), after in words()) {
        let route_line = format!("10.1.0.0/16 dev eth0 {line}");
        for line in [&line, &route_line] {
            for found in leave("static_routes", line).statics.routes {
                let again = leave("static_routes", &route(&found.value.route)).statics.routes;
                prop_assert_eq!(&again[0].value.route, &found.value.route, "{}", line);
            }
        }
        let rule_line = format!("from 10.0.0.0/8 {line} table 9 {after}");
        for line in [&line, &rule_line] {
            for found in leave("static_rules", line).statics.rules {
                let again = leave("static_rules", &rule(&found.value.rule)).statics.rules;
                prop_assert_eq!(&again[0].value.rule, &found.value.rule, "{}", line);
            }
        }
        for first in ["10.0.0.1", "10.0.0.1/24", "fd00::1", "fd00::1/64"] {
            let line = format!("{first} dev eth0 {line}");
            for found in leave("static_ipaddress", &line).statics.addresses {
                let found = found.value;
                let spec = AddressSpec {
                    cidr: found.cidr,
                    interface: IfName::new("eth0").unwrap(),
                    scope: found.scope,
                    label: found.label.clone(),
                    broadcast: found.broadcast,
                    options: found.options.clone(),
                };
                let again = leave("static_ipaddress", &address(&spec, None));
                prop_assert_eq!(&again.statics.addresses[0].value, &found, "{}", line);
            }
        }
    }
}
