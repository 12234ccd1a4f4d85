//! A vector for every way in which a packet does not count, and the order of the checks.

use super::*;
use crate::net::IfIndex;
use crate::vrrp::Vrid;
use crate::vrrp::testing::*;

mod extended;

/// The checks of a router that remembers nothing, in 1970.
fn accept(router: &RouterConfig, datagram: &Datagram) -> Result<ReceivedAdvert, Discard> {
    super::accept(router, datagram, &mut Memory::default(), Duration::ZERO)
}

fn unicast(mut config: RouterConfig) -> RouterConfig {
    config.source = Some(ip("10.0.0.1"));
    config.transport = Transport::Unicast {
        peers: vec![ip("10.0.0.2")],
        ttl: 255,
    };
    config
}

fn with_password(mut config: RouterConfig) -> RouterConfig {
    config.auth = Auth::Pass(*b"secret\0\0");
    config
}

/// A good packet for `config`, with some of its octets changed and the checksum put right again.
fn patched(config: &RouterConfig, patch: &[(usize, u8)]) -> Datagram {
    let mut datagram = advert(config, 100, "10.0.0.2");
    for (at, octet) in patch {
        datagram.payload[*at] = *octet;
    }
    resum(config.version, &mut datagram);
    datagram
}

fn resum(version: Version, datagram: &mut Datagram) {
    datagram.payload[6..8].fill(0);
    let sum = checksum::of_packet(version, datagram.source, datagram.destination, &datagram.payload);
    datagram.payload[6..8].copy_from_slice(&sum.to_be_bytes());
}

/// Every discard, with the packet that makes it.
fn vectors() -> Vec<(&'static str, RouterConfig, Datagram)> {
    let v2 = router("A", 51);
    let v3 = version_3(router("A", 51), 1_000);
    let pass = with_password(v2.clone());
    let of = |config: &RouterConfig, change: fn(&mut Datagram)| {
        let mut datagram = advert(config, 100, "10.0.0.2");
        change(&mut datagram);
        datagram
    };
    let mut strict_peer = unicast(v2.clone());
    strict_peer.check_unicast_src = true;
    vec![
        ("length", v2.clone(), of(&v2, |d| d.payload.truncate(7))),
        ("length", v2.clone(), of(&v2, |d| d.payload.truncate(19))),
        ("length", v2.clone(), of(&v2, |d| d.payload.push(0))),
        ("length", v2.clone(), patched(&v2, &[(3, 2)])),
        ("length", v3.clone(), of(&v3, |d| d.payload.truncate(11))),
        ("ttl", v2.clone(), of(&v2, |d| d.ttl = Some(254))),
        ("ttl", v2.clone(), of(&v2, |d| d.ttl = None)),
        ("version", v2.clone(), patched(&v2, &[(0, 0x11)])),
        ("version", v3.clone(), {
            // Eight octets too long for version 3, were it not for its count.
            let mut d = patched(&v2, &[(3, 3)]);
            d.ttl = Some(255);
            d
        }),
        ("unknown-auth", v2.clone(), patched(&v2, &[(4, 3)])),
        ("auth-mismatch", v2.clone(), patched(&v2, &[(4, 1)])),
        ("auth-mismatch", pass.clone(), patched(&pass, &[(4, 0)])),
        ("auth-mismatch", pass.clone(), patched(&pass, &[(4, 2)])),
        ("password", pass.clone(), patched(&pass, &[(19, 1)])),
        ("interval", v2.clone(), patched(&v2, &[(5, 2)])),
        ("type", v2.clone(), patched(&v2, &[(0, 0x22)])),
        ("claimed-length", v2.clone(), of(&v2, |d| d.claimed_len += 4)),
        ("zero-interval", v3.clone(), patched(&v3, &[(4, 0xf0), (5, 0)])),
        ("checksum", v2.clone(), of(&v2, |d| d.payload[6] ^= 1)),
        ("checksum", v3.clone(), of(&v3, |d| d.payload[6] ^= 1)),
        // Version 3's covers the addresses of the IP header.
        (
            "checksum",
            v3,
            of(&version_3(router("A", 51), 1_000), |d| d.source = ip("10.0.0.3")),
        ),
        ("cast", v2.clone(), of(&v2, |d| d.destination = ip("10.0.0.1"))),
        ("cast", unicast(v2.clone()), advert(&v2, 100, "10.0.0.2")),
        (
            "unknown-peer",
            strict_peer.clone(),
            advert(&strict_peer, 100, "10.0.0.3"),
        ),
    ]
}

/// Facts: 6.3, 6.4, 6.5, 6.7, 6.8, 6.9, 6.10, 6.12, 6.13, 6.17
#[test]
fn every_discard_has_a_vector_a_counter_and_words() {
    let mut seen = std::collections::BTreeSet::new();
    for (n, (name, config, datagram)) in vectors().into_iter().enumerate() {
        let discard = accept(&config, &datagram).expect_err(name);
        assert_eq!(discard.name(), name, "vector {n}: {discard:?}");
        let mut counters = Counters::default();
        *discard.counter(&mut counters) += 1;
        assert_ne!(counters, Counters::default(), "{name} is counted");
        seen.insert(name);
    }
    let all = [
        "auth-mismatch",
        "cast",
        "checksum",
        "claimed-length",
        "interval",
        "length",
        "password",
        "ttl",
        "type",
        "unknown-auth",
        "unknown-peer",
        "version",
        "zero-interval",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

/// Facts: 6.3, 6.4, 6.8
#[test]
fn words_are_keepaliveds() {
    let v2 = router("A", 51);
    let words = |config: &RouterConfig, datagram: &Datagram| {
        let why = accept(config, datagram).unwrap_err();
        let says = crate::vrrp::telling::Says::Discarded {
            sender: datagram.source,
            why,
        };
        says.to_string()
    };
    let mut short = advert(&v2, 100, "10.0.0.2");
    short.payload.truncate(16);
    assert_eq!(
        words(&v2, &short),
        "vrrp packet too short, length 36 and expect 40"
    );
    let mut far = advert(&v2, 100, "10.0.0.2");
    far.ttl = Some(64);
    assert_eq!(words(&v2, &far), "invalid TTL/HL. Received 64 and expect 255");
    assert_eq!(
        words(&v2, &patched(&v2, &[(5, 9)])),
        "advertisement interval mismatch with 10.0.0.2 mine=1 rcv'd=9"
    );
    assert_eq!(
        words(&v2, &patched(&v2, &[(4, 1)])),
        "received a 1 auth, expecting 0!"
    );
    let mut damaged = advert(&v2, 100, "10.0.0.2");
    damaged.payload[7] ^= 1;
    assert_eq!(words(&v2, &damaged), "Invalid VRRPv2 checksum");
}

/// Facts: 6.17
#[test]
fn good_packets_of_every_kind_are_accepted() {
    let mut ipv6 = version_3(router("A", 51), 250);
    ipv6.family = Family::V6;
    ipv6.vips = vec![spec("fe80::51", "eth0"), spec("2001:db8::51", "eth0")];
    ipv6.transport = Transport::Multicast {
        group: ip("ff02::12"),
    };
    let v2 = router("A", 51);
    for (config, source) in [
        (v2.clone(), "10.0.0.2"),
        (with_password(v2.clone()), "10.0.0.2"),
        (unicast(v2.clone()), "10.0.0.2"),
        // Strangers are welcome unless check_unicast_src.
        (unicast(v2), "10.0.0.77"),
        (version_3(router("A", 51), 40_950), "10.0.0.2"),
        (unicast(version_3(router("A", 51), 10)), "10.0.0.2"),
        (ipv6, "fe80::2"),
    ] {
        let received = accept(&config, &advert(&config, 7, source)).unwrap();
        let expected = ReceivedAdvert {
            source: ip(source),
            priority: Priority(7),
            interval: config.advert_int,
            mismatch: None,
            skew: None,
            old_checksum: false,
        };
        assert_eq!(received, expected);
    }
}

/// Facts: 6.4
#[test]
fn a_unicast_packet_may_have_passed_routers() {
    let config = unicast(router("A", 51));
    let mut far = advert(&config, 100, "10.0.0.2");
    far.ttl = Some(3);
    assert!(accept(&config, &far).is_ok());
}

/// Facts: 6.3
#[test]
fn ethernet_padding_is_tolerated() {
    let config = router("A", 51);
    let mut padded = advert(&config, 100, "10.0.0.2");
    // 20 + 20 octets in a frame that carries at least 46.
    padded.payload.resize(26, 0xaa);
    assert!(accept(&config, &padded).is_ok());
    for wrong in [21, 23, 24, 25, 27] {
        let mut d = advert(&config, 100, "10.0.0.2");
        d.payload.resize(wrong, 0);
        assert_eq!(accept(&config, &d).unwrap_err().name(), "length", "{wrong}");
    }
    // A packet that fills the frame has no padding.
    let mut large = router("A", 51);
    large.vips = (1..=5).map(|n| spec(&format!("10.0.0.{n}"), "eth0")).collect();
    let mut d = advert(&large, 100, "10.0.0.2");
    d.payload.extend_from_slice(&[0, 0]);
    assert_eq!(accept(&large, &d).unwrap_err().name(), "length");
}

/// Facts: 6.3, 6.4, 6.5, 6.7, 6.8, 6.9, 6.10, 6.12, 6.13
#[test]
fn checks_come_in_keepaliveds_order() {
    // A packet with everything wrong, put right step by step.
    let mut config = with_password(router("A", 51));
    config.vips = vec![spec("10.0.0.151", "eth0")];
    let mut d = advert(&config, 100, "10.0.0.2");
    d.payload[0] = 0x42;
    d.payload[4] = 9;
    d.payload[5] = 77;
    d.payload[12] ^= 1;
    d.payload[6] ^= 1;
    d.ttl = Some(1);
    d.claimed_len += 8;
    d.destination = ip("10.0.0.1");
    d.payload.push(0);
    type Mend = fn(&mut Datagram);
    let steps: [(&str, Mend); 9] = [
        ("length", |d| d.payload.truncate(20)),
        ("ttl", |d| d.ttl = Some(255)),
        ("version", |d| d.payload[0] = 0x22),
        ("unknown-auth", |d| d.payload[4] = 2),
        ("auth-mismatch", |d| d.payload[4] = 1),
        ("password", |d| d.payload[12] ^= 1),
        ("interval", |d| d.payload[5] = 1),
        ("type", |d| d.payload[0] = 0x21),
        ("claimed-length", |d| d.claimed_len -= 8),
    ];
    for (name, mend) in steps {
        assert_eq!(accept(&config, &d).unwrap_err().name(), name);
        mend(&mut d);
    }
    assert_eq!(accept(&config, &d).unwrap_err().name(), "checksum");
    resum(Version::V2, &mut d);
    assert_eq!(accept(&config, &d).unwrap_err().name(), "cast");
    d.destination = ip("224.0.0.18");
    assert!(accept(&config, &d).is_ok());
}

/// Facts: 6.16
#[test]
fn other_addresses_are_remarked_but_accepted() {
    let mut ours = router("A", 51);
    ours.vips = vec![spec("10.0.0.1", "eth0"), spec("10.0.0.2", "eth0")];
    let theirs = |list: &[&str]| {
        let mut config = ours.clone();
        config.vips = list.iter().map(|a| spec(a, "eth0")).collect();
        accept(&ours, &advert(&config, 100, "10.0.0.9")).unwrap().mismatch
    };
    assert_eq!(theirs(&["10.0.0.1", "10.0.0.2"]), None);
    assert_eq!(
        theirs(&["10.0.0.2", "10.0.0.1"]),
        None,
        "the order is no difference"
    );
    assert_eq!(
        theirs(&["10.0.0.1"]),
        Some(AddressMismatch::Count {
            expected: 2,
            received: 1
        })
    );
    assert_eq!(
        theirs(&["10.0.0.1", "10.0.0.3"]),
        Some(AddressMismatch::Missing(ip("10.0.0.2")))
    );
}

#[test]
fn hostile_octets_do_no_harm() {
    use proptest::prelude::*;
    let configs = [
        router("A", 51),
        version_3(router("A", 51), 1_000),
        unicast(with_password(router("A", 51))),
    ];
    let octets = proptest::collection::vec(any::<u8>(), 0..80);
    proptest!(|(payload in octets, claimed_len in 0..100usize, ttl in any::<Option<u8>>())| {
        for config in &configs {
            let datagram = Datagram {
                interface: IfIndex(1),
                source: ip("10.0.0.2"),
                destination: ip("224.0.0.18"),
                ttl,
                claimed_len,
                id: 1,
                carrier: Carrier::Plain,
                payload: payload.clone(),
            };
            let _ = accept(config, &datagram);
        }
    });
    assert!(Vrid::new(0).is_none());
}
