//! What authentication, old checksums and the TTLs of peers make of packets, through all checks.

use super::*;
use crate::vrrp::config::{HmacConfig, HmacKey, PeerTtl, Replay};
use proptest::prelude::*;
use std::net::Ipv4Addr;

const NOW: Duration = Duration::from_secs(1_800_000_000);

fn with_ah(mut config: RouterConfig) -> RouterConfig {
    config.auth = Auth::Ah(*b"secret\0\0");
    config
}

fn with_hmac(mut config: RouterConfig, mode: HmacMode) -> RouterConfig {
    config.packets.hmac = Some(HmacConfig {
        keys: vec![HmacKey {
            id: 7,
            octets: vec![0x5a; 32],
        }],
        active: 7,
        mode,
        replay: Replay::Time {
            window: Duration::from_secs(5),
        },
    });
    config
}

/// `plain` as a peer with the configuration sends it.
fn authentic(config: &RouterConfig, plain: &Datagram, sequence: u32) -> Datagram {
    let at = NOW + Duration::from_millis(u64::from(sequence));
    sealed(config, plain, sequence, at)
}

fn hear(config: &RouterConfig, datagram: &Datagram, memory: &mut Memory) -> Result<(), &'static str> {
    super::super::accept(config, datagram, memory, NOW)
        .map(drop)
        .map_err(|discard| discard.name())
}

/// Facts: 6.2, 6.7, 7.5
#[test]
fn ah_is_wanted_or_not() {
    for config in [with_ah(router("A", 51)), with_ah(unicast(router("A", 51)))] {
        let plain = advert(&config, 100, "10.0.0.2");
        let good = authentic(&config, &plain, 5);
        let mut memory = Memory::default();
        assert_eq!(hear(&config, &plain, &mut memory), Err("auth-mismatch"));
        assert_eq!(hear(&config, &good, &mut memory), Ok(()));
        assert_eq!(hear(&config, &good, &mut memory), Err("ah"), "again");
        let next = authentic(&config, &plain, 6);
        assert_eq!(hear(&config, &next, &mut memory), Ok(()));
        assert_eq!(memory.ah.next(), 7, "own adverts go on from there");
        let mut other = config.clone();
        other.auth = Auth::Ah(*b"terces\0\0");
        assert_eq!(hear(&other, &next, &mut Memory::default()), Err("ah"));
        other.auth = Auth::Pass(*b"secret\0\0");
        assert_eq!(hear(&other, &next, &mut Memory::default()), Err("auth-mismatch"));
    }
}

/// Facts: 6.3, 7.3
#[test]
fn each_octet_of_an_ah_packet_counts() {
    let config = with_ah(router("A", 51));
    let good = authentic(&config, &advert(&config, 100, "10.0.0.2"), 5);
    for at in 0..good.payload.len() {
        let mut forged = good.clone();
        forged.payload[at] ^= 1;
        assert!(
            hear(&config, &forged, &mut Memory::default()).is_err(),
            "octet {at}"
        );
        let mut short = good.clone();
        short.payload.truncate(at);
        assert!(
            hear(&config, &short, &mut Memory::default()).is_err(),
            "{at} octets"
        );
    }
    let mut wrong = good.clone();
    wrong.id ^= 1;
    assert_eq!(hear(&config, &wrong, &mut Memory::default()), Err("ah"));
}

/// Facts: 6.3, 6.6, 8.5
#[test]
fn a_trailer_is_wanted_or_not() {
    for base in [
        router("A", 51),
        version_3(router("A", 51), 1_000),
        unicast(version_3(router("A", 51), 1_000)),
    ] {
        let enforcing = with_hmac(base.clone(), HmacMode::Enforce);
        let plain = advert(&base, 100, "10.0.0.2");
        let good = authentic(&enforcing, &plain, 0);
        let mut memory = Memory::default();
        assert_eq!(hear(&enforcing, &plain, &mut memory), Err("hmac-missing"));
        assert_eq!(hear(&enforcing, &good, &mut memory), Ok(()));
        assert_eq!(hear(&enforcing, &good, &mut memory), Err("hmac-replay"));
        assert_eq!(
            hear(&base, &good, &mut memory),
            Err("length"),
            "nobody asked for it"
        );
        for mode in [HmacMode::Permissive, HmacMode::ReceiveOnly] {
            let lax = with_hmac(base.clone(), mode);
            let mut memory = Memory::default();
            assert_eq!(hear(&lax, &plain, &mut memory), Ok(()));
            assert_eq!(hear(&lax, &good, &mut memory), Ok(()));
            assert_eq!(hear(&lax, &good, &mut memory), Err("hmac-replay"));
        }
        for length in 0..good.payload.len() {
            let mut short = good.clone();
            short.payload.truncate(length);
            assert!(
                hear(&enforcing, &short, &mut Memory::default()).is_err(),
                "{length}"
            );
        }
    }
}

/// Facts: 8.5
#[test]
fn a_stranger_has_no_trailer_to_be_looked_at() {
    let config = with_hmac(unicast(router("A", 51)), HmacMode::Enforce);
    let good = authentic(&config, &advert(&config, 100, "10.0.0.3"), 0);
    let mut memory = Memory::default();
    assert_eq!(hear(&config, &good, &mut memory), Err("unknown-peer"));
    assert_eq!(memory, Memory::default());
}

/// Facts: 8.3
#[test]
fn the_checksum_does_not_cover_the_trailer() {
    let config = with_hmac(version_3(router("A", 51), 1_000), HmacMode::Enforce);
    let mut good = authentic(&config, &advert(&config, 100, "10.0.0.2"), 0);
    good.payload[6] ^= 1;
    assert_eq!(hear(&config, &good, &mut Memory::default()), Err("checksum"));
}

/// Facts: 5.5, 5.6, 6.12
#[test]
fn old_checksums_count_and_are_learned() {
    let group = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
    let plain = unicast(version_3(router("A", 51), 1_000));
    let with = |covers| {
        let mut datagram = advert(&plain, 100, "10.0.0.2");
        datagram.payload[6..8].fill(0);
        let sum = checksum::over(covers, &datagram.payload);
        datagram.payload[6..8].copy_from_slice(&sum.to_be_bytes());
        datagram
    };
    let old = with(Covers::Addresses(ip("10.0.0.2"), group));
    let short = with(Covers::Packet);
    let listen = |config: &RouterConfig, datagram: &Datagram, memory: &mut Memory| {
        super::super::accept(config, datagram, memory, NOW).map(|received| received.old_checksum)
    };
    let bad = Err(Discard::Checksum { version: Version::V3 });
    let mut memory = Memory::default();
    assert_eq!(listen(&plain, &old, &mut memory), Ok(true), "said once");
    assert_eq!(listen(&plain, &old, &mut memory), Ok(false));
    assert!(memory.old_checksum);
    assert_eq!(listen(&plain, &short, &mut memory), bad);
    let mut never = plain.clone();
    never.packets.old_checksum = OldChecksum::Never;
    assert_eq!(listen(&never, &old, &mut Memory::default()), bad);
    let mut always = plain.clone();
    always.packets.old_checksum = OldChecksum::Always;
    assert_eq!(listen(&always, &old, &mut Memory::default()), Ok(false));
    let mut as_v2 = plain.clone();
    as_v2.packets.v3_checksum_as_v2 = true;
    assert_eq!(listen(&as_v2, &short, &mut Memory::default()), Ok(false));
    let multicast = version_3(router("A", 51), 1_000);
    let mut damaged = advert(&multicast, 100, "10.0.0.2");
    damaged.payload[7] ^= 1;
    as_v2.transport = multicast.transport.clone();
    assert_eq!(listen(&as_v2, &damaged, &mut Memory::default()), bad);
}

/// Facts: 6.17
#[test]
fn a_peer_may_be_so_far_away() {
    let mut config = unicast(router("A", 51));
    config.packets.peer_ttls = vec![PeerTtl {
        peer: ip("10.0.0.2"),
        least: 60,
        most: 64,
    }];
    for (ttl, outcome) in [
        (Some(59), Err("peer-ttl")),
        (Some(60), Ok(())),
        (Some(64), Ok(())),
        (Some(65), Err("peer-ttl")),
        (None, Err("peer-ttl")),
    ] {
        let mut datagram = advert(&config, 100, "10.0.0.2");
        datagram.ttl = ttl;
        assert_eq!(
            hear(&config, &datagram, &mut Memory::default()),
            outcome,
            "{ttl:?}"
        );
    }
    // With a limit on one peer every sender must be one.
    let stranger = advert(&config, 100, "10.0.0.3");
    assert_eq!(
        hear(&config, &stranger, &mut Memory::default()),
        Err("unknown-peer")
    );
    let mut counters = Counters::default();
    let discard = Discard::PeerTtl {
        received: Some(59),
        least: 60,
        most: 64,
    };
    *discard.counter(&mut counters) += 1;
    assert_eq!(counters.ip_ttl_err, 1);
}

/// Every kind of router.
fn any_router() -> impl Strategy<Value = RouterConfig> {
    let kind = (0..5_u8, any::<bool>(), any::<bool>());
    kind.prop_map(|(kind, peers, third)| {
        // Legacy authentication is of version 2 alone.
        let base = if third && kind != 1 && kind != 2 {
            version_3(router("A", 51), 1_000)
        } else {
            router("A", 51)
        };
        let base = if peers { unicast(base) } else { base };
        match kind {
            0 => base,
            1 => with_password(base),
            2 => with_ah(base),
            3 => with_hmac(base, HmacMode::Enforce),
            _ => with_hmac(base, HmacMode::Permissive),
        }
    })
}

proptest! {
    /// Any octets: no panic, and what has no authentication does not count where it is needed.
    ///
    /// Facts: 6.3
    #[test]
    fn any_octets(
        config in any_router(),
        payload in prop::collection::vec(any::<u8>(), 0..96),
        claimed_len in 0..96_usize,
        ttl in any::<Option<u8>>(),
        ah in any::<bool>(),
    ) {
        let mut datagram = advert(&config, 100, "10.0.0.2");
        datagram.carrier = if ah { Carrier::Ah } else { Carrier::Plain };
        (datagram.payload, datagram.claimed_len, datagram.ttl) = (payload, claimed_len, ttl);
        let mut memory = Memory::default();
        let heard = hear(&config, &datagram, &mut memory);
        let enforced = config.packets.hmac.as_ref().is_some_and(|hmac| hmac.mode == HmacMode::Enforce);
        if enforced || matches!(config.auth, Auth::Ah(_)) {
            prop_assert!(heard.is_err());
            prop_assert_eq!(memory, Memory::default());
        }
    }

    /// A good packet with one octet changed never counts where it is authenticated, but for the checksum's place.
    #[test]
    fn changed_packets(config in any_router(), at in any::<prop::sample::Index>(), with in 1..=255_u8) {
        let plain = advert(&config, 100, "10.0.0.2");
        let mut datagram = authentic(&config, &plain, 1);
        let at = at.index(datagram.payload.len());
        datagram.payload[at] ^= with;
        let authenticated = config.packets.hmac.is_some() || datagram.carrier == Carrier::Ah;
        if authenticated {
            prop_assert!(hear(&config, &datagram, &mut Memory::default()).is_err());
        }
    }
}
