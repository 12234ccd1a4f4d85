use super::*;
use crate::ipvs::model::{
    ForwardMethod, Granularity, Persistence, Protocol, Scheduler, ServiceFlags, Tunnel, TunnelChecksum,
    TunnelKind,
};
use crate::net::Family;
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Any table over a small set of keys, so that pairs of tables overlap.
pub(crate) fn tables() -> impl Strategy<Value = Table> {
    prop::collection::btree_map(keys(), entries(), 0..5).prop_map(|services| Table { services })
}

pub(crate) fn keys() -> impl Strategy<Value = ServiceKey> {
    prop_oneof![
        (
            prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::Sctp)],
            addresses()
        )
            .prop_map(|(protocol, address)| ServiceKey::Address { protocol, address }),
        (prop_oneof![Just(Family::V4), Just(Family::V6)], 1u32..3)
            .prop_map(|(family, mark)| ServiceKey::FwMark { family, mark }),
    ]
}

pub(crate) fn addresses() -> impl Strategy<Value = SocketAddr> {
    prop::sample::select(vec![
        "192.0.2.1:80",
        "192.0.2.2:0",
        "[2001:db8::1]:80",
        "[2001:db8::2]:65535",
    ])
    .prop_map(|text| text.parse().unwrap())
}

fn entries() -> impl Strategy<Value = ServiceEntry> {
    (
        services(),
        prop::collection::btree_map(addresses(), destinations(), 0..4),
    )
        .prop_map(|(service, destinations)| ServiceEntry {
            service,
            destinations,
        })
}

pub(crate) fn granularities() -> impl Strategy<Value = Granularity> {
    prop_oneof![
        Just(Granularity::Address),
        any::<u32>().prop_map(|bits| Granularity::mask(Ipv4Addr::from_bits(bits))),
        (1u8..=128).prop_map(Granularity::prefix),
    ]
}

pub(crate) fn services() -> impl Strategy<Value = VirtualService> {
    let persistence = (1u64..3, granularities(), prop::option::of(Just("sip".to_owned()))).prop_map(
        |(seconds, granularity, engine)| Persistence {
            timeout: Duration::from_secs(seconds),
            granularity,
            engine,
        },
    );
    (
        prop::sample::select(vec!["wlc", "rr"]),
        0u32..4,
        prop::option::of(persistence),
    )
        .prop_map(|(scheduler, flags, persistence)| VirtualService {
            scheduler: Scheduler(scheduler.into()),
            flags: ServiceFlags(flags << 2),
            persistence,
        })
}

pub(crate) fn destinations() -> impl Strategy<Value = Destination> {
    use TunnelKind::{Gre, Gue, Ipip};
    let tunnels = [
        (Ipip, TunnelChecksum::None),
        (Gue(6080), TunnelChecksum::None),
        (Gue(6081), TunnelChecksum::Full),
        (Gue(6080), TunnelChecksum::Remote),
        (Gre, TunnelChecksum::None),
        (Gre, TunnelChecksum::Full),
    ];
    let tunnels = tunnels.map(|(kind, checksum)| ForwardMethod::Tun(Tunnel { kind, checksum }));
    let methods = prop::sample::select([&[ForwardMethod::Nat, ForwardMethod::Dr], &tunnels[..]].concat());
    (methods, 0u32..3, 0u32..2, 0u32..2).prop_map(|(forward, weight, upper, lower)| Destination {
        forward,
        weight,
        upper,
        lower,
    })
}

proptest! {
    #[test]
    fn applying_the_difference_gives_what_is_desired_and_leaves_the_rest(
        desired in tables(), actual in tables(), chosen in prop::collection::vec(any::<bool>(), 10),
    ) {
        let all: BTreeSet<_> = desired.services.keys().chain(actual.services.keys()).copied().collect();
        let mut choice = chosen.into_iter();
        let owned: BTreeSet<_> = all.iter().copied().filter(|_| choice.next().unwrap_or(true)).collect();
        let mut table = actual.clone();
        for op in diff(&desired, &actual, &owned) {
            prop_assert!(owned.contains(op.service()));
            prop_assert_eq!(table.apply(&op), Ok(()), "{:?}", op);
        }
        for key in &all {
            let expected = if owned.contains(key) { &desired } else { &actual };
            prop_assert_eq!(table.services.get(key), expected.services.get(key));
        }
    }

    #[test]
    fn nothing_changes_what_is_right(table in tables()) {
        let owned: BTreeSet<_> = table.services.keys().copied().collect();
        prop_assert_eq!(diff(&table, &table, &owned), vec![]);
    }

    #[test]
    fn what_stays_is_never_deleted_and_nothing_is_done_twice(desired in tables(), actual in tables()) {
        let owned: BTreeSet<_> = desired.services.keys().chain(actual.services.keys()).copied().collect();
        let mut seen = std::collections::HashSet::new();
        for op in diff(&desired, &actual, &owned) {
            let here = |key: &ServiceKey, address: &SocketAddr| {
                desired.services.get(key).is_some_and(|entry| entry.destinations.contains_key(address))
            };
            match &op {
                Op::DeleteService(key) => prop_assert!(!desired.services.contains_key(key)),
                Op::DeleteDestination(key, address) => prop_assert!(!here(key, address)),
                Op::AddService(..) | Op::EditService(..) => {}
                Op::AddDestination(..) | Op::EditDestination(..) => {}
            }
            let text = format!("{op:?}");
            prop_assert!(seen.insert(text));
        }
    }
}

#[test]
fn a_sorry_server_comes_before_the_last_server_goes() {
    let key = ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.1:80".parse().unwrap(),
    };
    let service = VirtualService {
        scheduler: Scheduler("rr".into()),
        flags: ServiceFlags::default(),
        persistence: None,
    };
    let server = Destination {
        forward: ForwardMethod::Nat,
        weight: 1,
        upper: 0,
        lower: 0,
    };
    let entry = |address: &str| ServiceEntry {
        service: service.clone(),
        destinations: [(address.parse().unwrap(), server)].into(),
    };
    let mut ops = Vec::new();
    diff_service(
        &key,
        Some(&entry("192.0.2.9:80")),
        Some(&entry("192.0.2.5:80")),
        &mut ops,
    );
    assert_eq!(
        ops,
        [
            Op::AddDestination(key, "192.0.2.9:80".parse().unwrap(), server),
            Op::DeleteDestination(key, "192.0.2.5:80".parse().unwrap()),
        ]
    );
}
