use super::*;
use crate::ipvs::diff::tests as any;
use proptest::prelude::*;

fn bytes(message: &Message) -> Vec<u8> {
    let mut buffer = vec![0; message.buffer_len()];
    message.emit(&mut buffer);
    buffer
}

fn read(command: u8, buffer: &[u8]) -> Message {
    Message::parse_with_param(
        buffer,
        GenlHeader {
            cmd: command,
            version: 1,
        },
    )
    .unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|n| u8::from_str_radix(&digits[n..n + 2], 16).unwrap())
        .collect()
}

fn web() -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: "192.0.2.1:80".parse().unwrap(),
    }
}

/// The messages of this name in the capture.
fn captured(name: &str) -> Vec<Vec<u8>> {
    let lines = include_str!("vectors.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let found = lines
        .filter_map(|line| line.split_once(' '))
        .filter(|(found, _)| *found == name);
    let messages: Vec<_> = found.map(|(_, digits)| hex(digits)).collect();
    assert!(!messages.is_empty(), "{name}");
    messages
}

/// The message behind the generic netlink header.
fn message(octets: &[u8]) -> Message {
    assert_eq!(octets[1..4], [VERSION, 0, 0]);
    read(octets[0], &octets[4..])
}

fn persistent(engine: Option<&str>) -> VirtualService {
    let timeout = Duration::from_secs(50);
    VirtualService {
        scheduler: Scheduler("wlc".into()),
        flags: ServiceFlags(ServiceFlags::SCHED1),
        persistence: Some(Persistence {
            timeout,
            granularity: Granularity::Mask(Ipv4Addr::new(255, 255, 255, 0)),
            engine: engine.map(Into::into),
        }),
    }
}

fn plain() -> VirtualService {
    VirtualService {
        scheduler: Scheduler("rr".into()),
        flags: ServiceFlags(0),
        persistence: None,
    }
}

fn dns() -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Udp,
        address: "192.0.2.1:80".parse().unwrap(),
    }
}

const MARK: ServiceKey = ServiceKey::FwMark {
    family: Family::V6,
    mark: 258,
};

fn tunnelled() -> (SocketAddr, Destination) {
    let server = Destination {
        forward: ForwardMethod::Tun(Tunnel::default()),
        weight: 7,
        upper: 9,
        lower: 8,
    };
    ("[2001:db8::5]:80".parse().unwrap(), server)
}

fn routed() -> (SocketAddr, Destination) {
    let server = Destination {
        forward: ForwardMethod::Dr,
        weight: 7,
        upper: 0,
        lower: 0,
    };
    ("127.0.0.6:80".parse().unwrap(), server)
}

// The captures and goldens are of little-endian hosts.
#[cfg(target_endian = "little")]
#[test]
fn services_are_asked_for_in_ipvsadms_octets() {
    for (name, key, service) in [
        ("add-service-tcp", web(), persistent(Some("sip"))),
        ("add-service-udp", dns(), persistent(None)),
        ("add-service-mark", MARK, plain()),
    ] {
        let ours = Message::change(&Op::AddService(key, service));
        let theirs = captured(name).remove(0);
        assert_eq!(
            (ours.command, bytes(&ours)),
            (theirs[0], theirs[4..].to_vec()),
            "{name}"
        );
    }
}

#[cfg(target_endian = "little")]
#[test]
fn destinations_mean_what_ipvsadms_mean() {
    for (name, server) in [
        ("add-destination-tun6", tunnelled()),
        ("add-destination-dr", routed()),
    ] {
        let theirs = message(&captured(name)[0]);
        assert_eq!(theirs.command, command::NEW_DEST);
        assert_eq!(theirs.destination(Family::V4), Some(server), "{name}");
    }
}

#[cfg(target_endian = "little")]
#[test]
fn the_kernels_answers_are_understood() {
    let services: Vec<_> = captured("answer-service")
        .iter()
        .map(|octets| message(octets).service().unwrap())
        .collect();
    assert_eq!(
        services,
        [
            (dns(), persistent(None)),
            (web(), persistent(Some("sip"))),
            (MARK, plain())
        ]
    );
    let servers: Vec<_> = captured("answer-destination")
        .iter()
        .map(|octets| message(octets).destination(Family::V4).unwrap())
        .collect();
    assert_eq!(servers, [tunnelled(), routed()]);
    assert_eq!(
        message(&captured("answer-version")[0]).version_told(),
        Some((1, 2, 1))
    );
}

#[cfg(target_endian = "little")]
#[test]
fn a_tunnelled_ipv6_destination_of_an_ipv4_service_names_its_family() {
    let server = Destination {
        forward: ForwardMethod::Tun(Tunnel::default()),
        weight: 7,
        upper: 9,
        lower: 8,
    };
    let op = Op::AddDestination(web(), "[2001:db8::5]:8080".parse().unwrap(), server);
    assert_eq!(
        bytes(&Message::change(&op)),
        hex("3000 0180
             0600 0100 0200 0000
             0600 0200 0600 0000
             1400 0300 c0000201 00000000 00000000 00000000
             0600 0400 0050 0000
             4800 0280
             0600 0b00 0a00 0000
             1400 0100 20010db8 00000000 00000000 00000005
             0600 0200 1f90 0000
             0800 0300 02000000
             0800 0400 07000000
             0800 0500 09000000
             0800 0600 08000000")
    );
}

/// A tunnel of each kind has its numbers, the port in network order; IP in IP is what is told by saying nothing.
///
/// LVS facts: 2.10, 2.11
#[test]
fn tunnels_are_asked_for_by_kind_port_and_checksum() {
    use {TunnelChecksum as C, TunnelKind as K};
    let tail = |kind, checksum| {
        let server = Destination {
            forward: ForwardMethod::Tun(Tunnel { kind, checksum }),
            weight: 1,
            upper: 0,
            lower: 0,
        };
        destination(&"192.0.2.5:80".parse().unwrap(), Some(&server))
            .into_iter()
            .skip(7)
            .map(|attribute| (attribute.kind, attribute.value))
            .collect::<Vec<_>>()
    };
    let numbers = |kind: u8, port: u16, checksum: u16| {
        vec![
            (13, vec![kind]),
            (14, port.to_be_bytes().to_vec()),
            (15, checksum.to_ne_bytes().to_vec()),
        ]
    };
    assert_eq!(tail(K::Ipip, C::None), []);
    assert_eq!(tail(K::Gue(0x1234), C::None), numbers(1, 0x1234, 0));
    assert_eq!(tail(K::Gue(6080), C::Full), numbers(1, 6080, 1));
    assert_eq!(tail(K::Gue(6080), C::Remote), numbers(1, 6080, 2));
    assert_eq!(tail(K::Gre, C::None), numbers(2, 0, 0));
    assert_eq!(tail(K::Gre, C::Full), numbers(2, 0, 1));
    let methods = [
        ForwardMethod::Nat,
        ForwardMethod::Tun(Tunnel::default()),
        ForwardMethod::Dr,
    ];
    assert_eq!(methods.map(ForwardMethod::number), [0, 2, 3]);
}

/// What a newer kernel may have is left alone, not taken for something else.
#[test]
fn tunnels_of_unknown_kinds_are_passed_over() {
    let read = |attribute: Attribute| {
        let server = tunnelled().1;
        let mut inner = destination(&"192.0.2.5:80".parse().unwrap(), Some(&server));
        inner.push(attribute);
        let message = Message {
            command: command::NEW_DEST,
            attributes: vec![nested(attr::DEST, &inner)],
        };
        message.destination(Family::V4).is_some()
    };
    assert!(read(Attribute::new(dest::TUN_TYPE, vec![2])));
    assert!(!read(Attribute::new(dest::TUN_TYPE, vec![3])));
    assert!(
        !read(Attribute::new(dest::TUN_TYPE, vec![1])),
        "GUE without a port"
    );
    assert!(!read(Attribute::new(dest::TUN_FLAGS, 3_u16.to_ne_bytes().into())));
}

#[test]
fn what_the_model_does_not_have_is_passed_over() {
    let mut message = Message::destinations(&web());
    assert_eq!(message.service(), None, "no settings");
    assert_eq!(message.destination(Family::V4), None, "no destination");
    message.attributes.clear();
    assert_eq!(message.service(), None);
    // Forwarding method 1 is the kernel's own "local node".
    let server = Destination {
        forward: ForwardMethod::Nat,
        weight: 1,
        upper: 0,
        lower: 0,
    };
    let mut inner = destination(&"192.0.2.5:80".parse().unwrap(), Some(&server));
    inner.retain(|attribute| attribute.kind != dest::FWD_METHOD);
    inner.push(Attribute::new(dest::FWD_METHOD, 1u32.to_ne_bytes().into()));
    let message = Message {
        command: command::NEW_DEST,
        attributes: vec![nested(attr::DEST, &inner)],
    };
    assert_eq!(message.destination(Family::V4), None);
}

/// IPv4 has a mask in network order, with holes or without; IPv6 the length of a prefix as a number. What is of the other
/// family is the whole address, there and back, so that no comparison finds a difference.
///
/// LVS facts: 2.7
#[test]
fn granularity_is_a_mask_or_a_prefix_of_the_services_own_family() {
    use Granularity::{Address, Mask, Prefix};
    let holes = Ipv4Addr::new(255, 0, 255, 0);
    assert_eq!(netmask(Family::V4, Mask(holes)), [255, 0, 255, 0]);
    assert_eq!(netmask(Family::V4, Address), [255; 4]);
    assert_eq!(netmask(Family::V6, Prefix(64)), 64_u32.to_ne_bytes());
    assert_eq!(netmask(Family::V6, Address), 128_u32.to_ne_bytes());
    let there_and_back = |family, value| granularity(family, Some(&netmask(family, value)));
    for value in [Address, Mask(holes), Mask(Ipv4Addr::UNSPECIFIED), Prefix(64)] {
        for family in [Family::V4, Family::V6] {
            assert_eq!(there_and_back(family, value), value.of(family));
        }
    }
    assert_eq!(Mask(holes).of(Family::V6), Address);
    assert_eq!(Prefix(64).of(Family::V4), Address);
    assert_eq!(granularity(Family::V6, None), Address);
}

proptest! {
    #[test]
    fn services_go_there_and_back(key in any::keys(), service in any::services()) {
        let service = service.of(key.family());
        let message = Message::change(&Op::AddService(key, service.clone()));
        let back = read(message.command, &bytes(&message)).service();
        prop_assert_eq!(back, Some((key, service)));
    }

    #[test]
    fn destinations_go_there_and_back(
        key in any::keys(), address in any::addresses(), server in any::destinations(),
    ) {
        let message = Message::change(&Op::EditDestination(key, address, server));
        let back = read(message.command, &bytes(&message)).destination(key.family());
        prop_assert_eq!(back, Some((address, server)));
    }

    #[test]
    fn no_octets_are_too_strange(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::parse_with_param(&octets, GenlHeader { cmd: 1, version: 1 }) {
            let _ = (message.service(), message.destination(Family::V6), message.version_told());
        }
    }
}
