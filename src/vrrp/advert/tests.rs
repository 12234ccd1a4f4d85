use super::*;
use proptest::prelude::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn v2(auth: Auth, addresses: &[&str]) -> Advertisement {
    Advertisement::V2(AdvertV2 {
        vrid: Vrid::new(51).unwrap(),
        priority: Priority(100),
        interval: Seconds::nearest(Duration::from_secs(1)),
        auth,
        addresses: Addresses::new(Family::V4, addresses.iter().map(|a| ip(a))),
    })
}

/// Facts: 5.2, 5.5, 7.1
#[test]
fn version_2_with_password_octet_by_octet() {
    let advert = v2(Auth::Pass(*b"qwaszx\0\0"), &["192.168.200.16"]);
    let octets = advert.emit(ip("192.168.200.1"), ip("224.0.0.18"));
    // 2133 + 6401 + 0101 + c0a8 + c810 + 7177 + 6173 + 7a78 = 35c4f → 5c52 → !5c52
    let by_hand = [
        0x21, 51, 100, 1, 1, 1, 0xa3, 0xad, 192, 168, 200, 16, b'q', b'w', b'a', b's', b'z', b'x', 0, 0,
    ];
    assert_eq!(octets, by_hand);
    assert_eq!(
        checksum::of_packet(Version::V2, ip("1.2.3.4"), ip("5.6.7.8"), &octets),
        0
    );
}

/// Facts: 5.2
#[test]
fn version_2_without_password_has_eight_zero_octets() {
    let octets = v2(Auth::None, &["10.0.0.1", "10.0.0.2"]).emit(ip("10.0.0.9"), ip("224.0.0.18"));
    assert_eq!(octets.len(), 8 + 2 * 4 + 8);
    assert_eq!(octets[4], 0);
    assert_eq!(&octets[16..], &[0; 8]);
}

/// Facts: 5.3, 5.5, 5.6
#[test]
fn version_3_checksum_depends_on_the_peer() {
    let advert = Advertisement::V3(AdvertV3 {
        vrid: Vrid::new(7).unwrap(),
        priority: Priority(200),
        interval: Centiseconds::nearest(Duration::from_millis(40_950)),
        addresses: Addresses::new(Family::V4, [ip("10.0.0.1")]),
    });
    let (me, group, peer) = (ip("10.0.0.9"), ip("224.0.0.18"), ip("10.0.0.8"));
    let to_group = advert.emit(me, group);
    let to_peer = advert.emit(me, peer);
    assert_eq!(&to_group[..6], &[0x31, 7, 200, 1, 0x0f, 0xff]);
    assert_ne!(to_group[6..8], to_peer[6..8]);
    assert_eq!(checksum::of_packet(Version::V3, me, group, &to_group), 0);
    assert_eq!(checksum::of_packet(Version::V3, me, peer, &to_peer), 0);
    assert_ne!(checksum::of_packet(Version::V3, me, peer, &to_group), 0);
}

/// Facts: 5.5
#[test]
fn ipv6_leaves_the_checksum_to_the_kernel() {
    let addresses = Addresses::new(Family::V6, [ip("fe80::10"), ip("2001:db8::10")]);
    let advert = Advertisement::V3(AdvertV3 {
        vrid: Vrid::new(1).unwrap(),
        priority: Priority(100),
        interval: Centiseconds::nearest(Duration::from_secs(1)),
        addresses: addresses.clone(),
    });
    let (me, group) = (ip("fe80::1"), ip("ff02::12"));
    let mut octets = advert.emit(me, group);
    assert_eq!((octets.len(), &octets[6..8]), (40, &[0u8, 0][..]));
    let sum = checksum::of_packet(Version::V3, me, group, &octets);
    octets[6..8].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(checksum::of_packet(Version::V3, me, group, &octets), 0);

    let old = Advertisement::V2(AdvertV2 {
        vrid: Vrid::new(1).unwrap(),
        priority: Priority(100),
        interval: Seconds::nearest(Duration::from_secs(1)),
        auth: Auth::None,
        addresses,
    });
    assert_eq!(
        old.emit(me, group).len(),
        40,
        "version 2 over IPv6 has no authentication data"
    );
}

#[test]
fn intervals_round_to_what_the_wire_can_say() {
    let ms = Duration::from_millis;
    for (asked, said) in [(0, 1_000), (1_499, 1_000), (1_500, 2_000), (400_000, 255_000)] {
        assert_eq!(Seconds::nearest(ms(asked)).duration(), ms(said), "{asked} ms");
    }
    for (asked, said) in [(0, 10), (14, 10), (15, 20), (1_000, 1_000), (50_000, 40_950)] {
        assert_eq!(
            Centiseconds::nearest(ms(asked)).duration(),
            ms(said),
            "{asked} ms"
        );
    }
}

#[test]
fn nonsense_has_no_meaning() {
    assert!(Packet::new(&[0x21; 7]).is_none());
    let parse = |octets: &[u8]| Advertisement::parse(&Packet::new(octets).unwrap(), Family::V4);
    assert_eq!(parse(&[0x21, 0, 100, 0, 0, 1, 0, 0]), None, "VRID 0");
    assert_eq!(parse(&[0x21, 1, 100, 0, 0, 0, 0, 0]), None, "interval 0");
    assert_eq!(
        parse(&[0x21, 1, 100, 0, 3, 1, 0, 0]),
        None,
        "authentication type 3"
    );
    assert_eq!(
        parse(&[0x31, 1, 100, 0, 0xf0, 0, 0, 0]),
        None,
        "interval 0, reserved bits set"
    );
    assert_eq!(parse(&[0x41, 1, 100, 0, 0, 1, 0, 0]), None, "version 4");
    assert_eq!(
        parse(&[0x31, 1, 100, 1, 0, 1, 0, 0, 10, 0, 0]),
        None,
        "half an address"
    );
}

fn advert_strategy() -> impl Strategy<Value = (Advertisement, Family)> {
    let v4 = proptest::collection::vec(any::<[u8; 4]>().prop_map(Ipv4Addr::from), 0..256)
        .prop_map(|list| (Addresses::V4(list), Family::V4));
    let v6 = proptest::collection::vec(any::<[u8; 16]>().prop_map(Ipv6Addr::from), 0..60)
        .prop_map(|list| (Addresses::V6(list), Family::V6));
    let auth = prop_oneof![Just(Auth::None), any::<[u8; 8]>().prop_map(Auth::Pass)];
    (
        1..=255u8,
        any::<u8>(),
        1..=4095u16,
        auth,
        any::<bool>(),
        prop_oneof![v4, v6],
    )
        .prop_map(|(vrid, priority, interval, auth, two, (addresses, family))| {
            let (vrid, priority) = (Vrid::new(vrid).unwrap(), Priority(priority));
            let advert = if two {
                // Over IPv6 there is no room for a password.
                let auth = if family == Family::V6 { Auth::None } else { auth };
                let interval = Seconds::nearest(Duration::from_secs(u64::from(interval)));
                Advertisement::V2(AdvertV2 {
                    vrid,
                    priority,
                    interval,
                    auth,
                    addresses,
                })
            } else {
                let interval = Centiseconds(NonZeroU16::new(interval).unwrap());
                Advertisement::V3(AdvertV3 {
                    vrid,
                    priority,
                    interval,
                    addresses,
                })
            };
            (advert, family)
        })
}

proptest! {
    #[test]
    fn what_is_emitted_is_parsed_again((advert, family) in advert_strategy()) {
        let (source, destination) = match family {
            Family::V4 => (ip("10.1.2.3"), ip("224.0.0.18")),
            Family::V6 => (ip("fe80::1"), ip("ff02::12")),
        };
        let octets = advert.emit(source, destination);
        let packet = Packet::new(&octets).unwrap();
        prop_assert_eq!(packet.expected_len(packet.version().unwrap(), family), octets.len());
        prop_assert_eq!(Advertisement::parse(&packet, family), Some(advert));
    }

    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(packet) = Packet::new(&octets) {
            let _ = Advertisement::parse(&packet, Family::V4);
            let _ = Advertisement::parse(&packet, Family::V6);
        }
    }
}
