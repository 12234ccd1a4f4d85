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

// The goldens are for little-endian hosts.
#[cfg(target_endian = "little")]
#[test]
fn a_service_with_persistence_is_these_octets() {
    let service = VirtualService {
        scheduler: Scheduler("wlc".into()),
        flags: ServiceFlags(ServiceFlags::SCHED1),
        persistence: Some(Persistence {
            timeout: Duration::from_secs(50),
            prefix: 24,
            engine: Some("sip".into()),
        }),
    };
    assert_eq!(
        bytes(&Message::change(&Op::AddService(web(), service))),
        hex("5c00 0180
             0600 0100 0200 0000
             0600 0200 0600 0000
             1400 0300 c0000201 00000000 00000000 00000000
             0600 0400 0050 0000
             0800 0600 776c6300
             0c00 0700 09000000 ffffffff
             0800 0800 32000000
             0800 0900 ffffff00
             0800 0b00 73697000")
    );
}

#[cfg(target_endian = "little")]
#[test]
fn an_ipv6_mark_has_no_address_and_a_prefix_as_netmask() {
    let key = ServiceKey::FwMark {
        family: Family::V6,
        mark: 0x0102,
    };
    let service = VirtualService {
        scheduler: Scheduler("rr".into()),
        flags: ServiceFlags(0),
        persistence: None,
    };
    assert_eq!(
        bytes(&Message::change(&Op::EditService(key, service))),
        hex("3800 0180
             0600 0100 0a00 0000
             0800 0500 02010000
             0700 0600 72720000
             0c00 0700 00000000 ffffffff
             0800 0800 00000000
             0800 0900 80000000")
    );
    assert_eq!(
        Message::change(&Op::DeleteService(key)).command,
        command::DEL_SERVICE
    );
}

#[cfg(target_endian = "little")]
#[test]
fn a_tunnelled_ipv6_destination_of_an_ipv4_service_names_its_family() {
    let server = Destination {
        forward: ForwardMethod::Tun,
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

/// What the kernel (6.1) sent for `ipvsadm -A -t 10.0.0.3:80 -s wrr -p 50` and `-a … -r 127.0.0.6:80 -g -w 7`,
/// statistics shortened.
#[cfg(target_endian = "little")]
#[test]
fn the_kernels_answers_are_understood() {
    let service = read(
        command::NEW_SERVICE,
        &hex("6000 0100
             0600 0100 0200 0000
             0600 0200 0600 0000
             1400 0300 0a000003 00000000 00000000 00000000
             0600 0400 0050 0000
             0800 0600 77727200
             0c00 0700 03000000 ffffffff
             0800 0800 32000000
             0800 0900 ffffffff
             0c00 0a00 0800 0100 00000000"),
    );
    let (key, settings) = service.service().unwrap();
    assert_eq!(key.to_string(), "[10.0.0.3]:tcp:80");
    assert_eq!(
        settings,
        VirtualService {
            scheduler: Scheduler("wrr".into()),
            flags: ServiceFlags(0),
            persistence: Some(Persistence {
                timeout: Duration::from_secs(50),
                prefix: 32,
                engine: None
            }),
        }
    );
    let server = read(
        command::NEW_DEST,
        &hex("5c00 0200
             1400 0100 7f000006 00000000 00000000 00000000
             0600 0200 0050 0000
             0800 0300 03000000
             0800 0400 07000000
             0800 0500 00000000
             0800 0600 00000000
             0800 0700 00000000
             0600 0b00 0200 0000
             0c00 0d00 05000000 00000000"),
    );
    let (address, settings) = server.destination(Family::V4).unwrap();
    assert_eq!(address, "127.0.0.6:80".parse().unwrap());
    assert_eq!(
        settings,
        Destination {
            forward: ForwardMethod::Dr,
            weight: 7,
            upper: 0,
            lower: 0
        }
    );
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

#[test]
fn netmasks_are_prefixes() {
    for bits in 0..=32 {
        assert_eq!(prefix(Family::V4, Some(&netmask(Family::V4, bits))), bits);
    }
    for bits in 0..=128 {
        assert_eq!(prefix(Family::V6, Some(&netmask(Family::V6, bits))), bits);
    }
}

proptest! {
    #[test]
    fn services_go_there_and_back(key in any::keys(), service in any::services()) {
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
