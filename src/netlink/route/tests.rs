//! Requests for routes.

use super::*;
use crate::net::{IfIndex, InterfaceStatus, LinkKind, LinkTraits, RouteKind};
use crate::netlink::Change;
use rtnetlink::packet_core::Emitable;

fn link(name: &str, index: u32, kind: LinkKind) -> Change {
    Change::Link {
        status: InterfaceStatus {
            name: IfName::new(name).unwrap(),
            index: IfIndex(index),
            mac: None,
            mtu: 1500,
            up: true,
            multicast: true,
            noarp: false,
            loopback: false,
            addresses: Vec::new(),
            made: LinkTraits {
                kind,
                ..LinkTraits::default()
            },
        },
        forwards_v6: None,
    }
}

fn links() -> Inventory {
    let mut links = Inventory::default();
    links.apply(link("eth0", 2, LinkKind::Other));
    links.apply(link("blue", 3, LinkKind::Vrf { table: 77 }));
    links
}

fn route(destination: &str, prefix: u8) -> Route {
    let destination = Cidr::new(destination.parse().unwrap(), prefix).unwrap();
    Route::to(RouteKind::UNICAST, destination)
}

/// Facts: 16.5
#[test]
fn a_route_says_where_it_leads_and_whose_it_is() {
    let mut wanted = route("10.20.0.0", 16);
    wanted.gateway = Some([10, 9, 0, 7].into());
    wanted.interface = IfName::new("eth0");
    wanted.metric = Some(5);
    let message = message(&wanted, &links()).unwrap();
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    assert_eq!(
        bytes,
        [
            2, 16, 0, 0, 254, 18, 0, 1, 0, 0, 0, 0, // table main, origin 18, global, unicast
            8, 0, 15, 0, 254, 0, 0, 0, // RTA_TABLE
            8, 0, 1, 0, 10, 20, 0, 0, // RTA_DST
            8, 0, 5, 0, 10, 9, 0, 7, // RTA_GATEWAY
            8, 0, 4, 0, 2, 0, 0, 0, // RTA_OIF
            8, 0, 6, 0, 5, 0, 0, 0, // RTA_PRIORITY
        ]
    );
    for (insertion, flags) in [
        (Insertion::Prepend, NLM_F_CREATE),
        (Insertion::Add, NLM_F_CREATE | NLM_F_EXCL),
        (Insertion::Append, NLM_F_CREATE | NLM_F_APPEND),
    ] {
        wanted.insertion = insertion;
        assert_eq!(add(&wanted, &links()).unwrap().flags, flags);
    }
}

#[test]
fn a_missing_interface_is_named_and_a_vrf_has_its_table() {
    let mut wanted = route("10.20.0.0", 16);
    wanted.vrf = IfName::new("blue");
    let attributes = message(&wanted, &links()).unwrap().attributes;
    assert!(attributes.contains(&RouteAttribute::Table(77)));
    wanted.interface = IfName::new("eth9");
    assert_eq!(message(&wanted, &links()), Err(IfName::new("eth9").unwrap()));
    wanted.interface = None;
    wanted.nexthops = vec![NextHop {
        interface: IfName::new("eth8"),
        ..NextHop::default()
    }];
    assert_eq!(add(&wanted, &links()), Err(IfName::new("eth8").unwrap()));
}

#[test]
fn metrics_are_locked_by_their_bits() {
    let locked = |value| Some(Lockable { value, locked: true });
    let all = RouteMetrics {
        mtu: locked(1400),
        advmss: locked(1360),
        rto_min: Some(Lockable {
            value: 200,
            locked: false,
        }),
        hoplimit: Some(9),
        ecn: true,
        quickack: Some(true),
        congctl: Some(Lockable {
            value: "reno".to_owned(),
            locked: true,
        }),
        ..RouteMetrics::default()
    };
    assert_eq!(
        metrics(&all),
        [
            RouteMetric::Lock(1 << 2 | 1 << 8 | 1 << 16),
            RouteMetric::Mtu(1400),
            RouteMetric::Advmss(1360),
            RouteMetric::RtoMin(200),
            RouteMetric::CcAlgo("reno".into()),
            RouteMetric::Hoplimit(9),
            RouteMetric::Features(1),
            RouteMetric::QuickAck(1),
        ]
    );
}

#[test]
fn ways_have_weights_gateways_of_either_family_and_labels() {
    let mut wanted = route("10.20.0.0", 16);
    wanted.nexthops = vec![
        NextHop {
            gateway: Some([10, 9, 0, 7].into()),
            weight: 3,
            onlink: true,
            ..NextHop::default()
        },
        NextHop {
            gateway: Some("fe80::1".parse().unwrap()),
            interface: IfName::new("eth0"),
            encap: Some(Encap::Mpls(vec![100, 200])),
            ..NextHop::default()
        },
    ];
    let message = message(&wanted, &links()).unwrap();
    let Some(RouteAttribute::MultiPath(ways)) = message.attributes.last() else {
        panic!("{message:?}");
    };
    assert_eq!((ways[0].hops, ways[0].flags), (2, RouteNextHopFlags::Onlink));
    assert_eq!(
        ways[0].attributes,
        [RouteAttribute::Gateway(Ipv4Addr::new(10, 9, 0, 7).into())]
    );
    assert_eq!((ways[1].hops, ways[1].interface_index), (0, 2));
    assert_eq!(
        ways[1].attributes[0],
        RouteAttribute::Via(RouteVia::Inet6("fe80::1".parse().unwrap()))
    );
    let labels = |label, bottom_of_stack| MplsLabel {
        label,
        traffic_class: 0,
        bottom_of_stack,
        ttl: 0,
    };
    let stack = RouteMplsIpTunnel::Destination(vec![labels(100, false), labels(200, true)]);
    assert_eq!(
        ways[1].attributes[1..],
        [
            RouteAttribute::EncapType(RouteLwEnCapType::Mpls),
            RouteAttribute::Encap(vec![RouteLwTunnelEncap::Mpls(stack)]),
        ]
    );
}

/// Facts: 2.21
#[test]
fn a_near_twin_is_not_ours() {
    let mut ours = route("10.20.0.0", 16);
    ours.gateway = Some([10, 9, 0, 7].into());
    ours.interface = IfName::new("eth0");
    ours.metric = Some(5);
    // The kernel tells more than it was asked for.
    let mut told = message(&ours, &links()).unwrap();
    told.attributes.push(RouteAttribute::Metrics(Vec::new()));
    assert!(is(&ours, &told, &links()));
    let twins: [fn(&mut Route); 7] = [
        |route| route.table = Some(7),
        |route| route.metric = Some(6),
        |route| route.gateway = Some([10, 9, 0, 8].into()),
        |route| route.interface = IfName::new("blue"),
        |route| route.destination = Cidr::new([10, 20, 0, 0].into(), 17).unwrap(),
        |route| route.tos = Some(16),
        |route| route.protocol = Some(99),
    ];
    for (number, change) in twins.into_iter().enumerate() {
        let mut twin = ours.clone();
        change(&mut twin);
        let told = message(&twin, &links()).unwrap();
        assert!(!is(&ours, &told, &links()), "twin {number}");
    }
    assert!(!is(&ours, &told, &Inventory::default()), "its interface is gone");
}
