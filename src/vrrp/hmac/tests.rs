//! The trailer against an implementation of its own, written from RFC 2104 and the facts; replay, and clocks that jump.

use super::*;
use sha2::Digest;

const PDU: [u8; 12] = [0x31, 51, 100, 1, 0, 100, 0xaa, 0xbb, 10, 0, 0, 100];
const NOW: Duration = Duration::new(1_800_000_000, 500_000_000);
const WINDOW: Duration = Duration::from_secs(5);
const HOUR: u64 = 3_600;
const TEN_YEARS: u64 = 10 * 365 * 24 * HOUR;

fn key(id: u8, length: u8) -> HmacKey {
    HmacKey {
        id,
        octets: (0..length).map(|n| n.wrapping_mul(7) ^ id).collect(),
    }
}

fn config(replay: Replay) -> HmacConfig {
    HmacConfig {
        keys: vec![key(1, 32), key(2, 64)],
        active: 1,
        mode: HmacMode::Enforce,
        replay,
    }
}

fn timed() -> HmacConfig {
    config(Replay::Time { window: WINDOW })
}

fn about(source: &str) -> About {
    let source: IpAddr = source.parse().unwrap();
    About {
        family: Family::of(&source),
        version: Version::V3,
        vrid: Vrid::new(51).unwrap(),
        source,
    }
}

/// RFC 2104 with SHA-256, the plain way.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> {
        (0..64)
            .map(|at| key.get(at).copied().unwrap_or(0) ^ with)
            .collect()
    };
    let digest = |parts: &[&[u8]]| Sha256::digest(parts.concat()).to_vec();
    digest(&[&pad(0x5c), &digest(&[&pad(0x36), text])])
}

fn sealed(config: &HmacConfig, source: &str, sequence: Sequence) -> [u8; TRAILER_LEN] {
    trailer(config, about(source), &PDU, sequence).try_into().unwrap()
}

fn check(
    memory: &mut Memory,
    config: &HmacConfig,
    source: &str,
    trailer: &[u8; TRAILER_LEN],
    wall: Duration,
) -> Result<i64, Fault> {
    memory.check(config, about(source), (&PDU, trailer), wall, None)
}

/// RFC 4231's second case proves the independent half.
#[test]
fn the_reference_is_right() {
    let octets = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
    let hex: String = octets.iter().map(|o| format!("{o:02x}")).collect();
    assert_eq!(
        hex,
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

/// Facts: 8.1, 8.2
#[test]
fn the_trailer_is_the_one_of_the_facts() {
    for (source, id) in [("10.0.0.1", 1), ("fe80::1", 2)] {
        let mut config = timed();
        config.active = id;
        let about = about(source);
        let out = trailer(&config, about, &PDU, Sequence::at(NOW));
        assert_eq!(out.len(), 28);
        // 1,800,000,000 s and 0x8000/65536 s.
        let head = [1, id, 0, 0, 0x6b, 0x49, 0xd2, 0x00, 0x80, 0x00, 0, 0];
        assert_eq!(out[..12], head);
        let mut text = match about.source {
            IpAddr::V4(a) => [&[4, 3, 51, 0][..], &a.octets(), &[0; 12]].concat(),
            IpAddr::V6(a) => [&[6, 3, 51, 0][..], &a.octets()].concat(),
        };
        assert_eq!(text.len(), 20);
        text.extend([0x31, 51, 100, 1, 0, 100, 0, 0, 10, 0, 0, 100]);
        text.extend(head);
        text.extend([0; 16]);
        let key = &config.keys[usize::from(id) - 1].octets;
        assert_eq!(out[12..], hmac_sha256(key, &text)[..16], "{source}");
    }
}

/// Facts: 8.2, 8.5
#[test]
fn every_octet_is_protected() {
    let config = timed();
    let good = sealed(&config, "10.0.0.1", Sequence::at(NOW));
    let fresh = Memory::default;
    assert_eq!(check(&mut fresh(), &config, "10.0.0.1", &good, NOW), Ok(0));
    for at in 0..TRAILER_LEN {
        let mut forged = good;
        forged[at] ^= 1;
        let fault = check(&mut fresh(), &config, "10.0.0.1", &forged, NOW).unwrap_err();
        let expected = match at {
            0 | 2 | 3 => Fault::Malformed,
            // 1 ^ 1 is no key.
            1 => Fault::UnknownKey { id: 0 },
            4..=6 => Fault::Stale {
                ahead: match fault {
                    Fault::Stale { ahead } => ahead,
                    _ => 0,
                },
            },
            _ => Fault::Invalid,
        };
        assert_eq!(fault, expected, "octet {at}");
    }
    for at in 0..PDU.len() {
        let mut pdu = PDU;
        pdu[at] ^= 1;
        let outcome = fresh().check(&config, about("10.0.0.1"), (&pdu, &good), NOW, None);
        // Only the checksum, which has a meaning of its own, is free.
        assert_eq!(outcome.is_ok(), at == 6 || at == 7, "octet {at}");
    }
    assert_eq!(
        check(&mut fresh(), &config, "10.0.0.2", &good, NOW),
        Err(Fault::Invalid)
    );
    let mut other = about("10.0.0.1");
    other.vrid = Vrid::new(52).unwrap();
    assert_eq!(
        fresh().check(&config, other, (&PDU, &good), NOW, None),
        Err(Fault::Invalid)
    );
    // The other key's number with this key's HMAC.
    let mut forged = good;
    forged[1] = 2;
    assert_eq!(
        check(&mut fresh(), &config, "10.0.0.1", &forged, NOW),
        Err(Fault::Invalid)
    );
}

/// Facts: 8.5, 8.6
#[test]
fn a_fault_leaves_no_mark() {
    let config = timed();
    let mut memory = Memory::default();
    let mut forged = sealed(&config, "10.0.0.1", Sequence::at(NOW + Duration::from_secs(4)));
    forged[20] ^= 1;
    assert!(check(&mut memory, &config, "10.0.0.1", &forged, NOW).is_err());
    assert_eq!(memory, Memory::default());
}

/// Facts: 8.8
#[test]
fn any_key_is_good_on_receipt_and_keys_roll_over() {
    let mut config = timed();
    let mut memory = Memory::default();
    let mut sender = Memory::default();
    for active in [1, 2, 1] {
        let mut theirs = config.clone();
        theirs.active = active;
        let sequence = sender.next(theirs.replay, NOW);
        let packet = sealed(&theirs, "10.0.0.1", sequence);
        assert_eq!(check(&mut memory, &config, "10.0.0.1", &packet, NOW), Ok(0));
    }
    config.mode = HmacMode::ReceiveOnly;
    assert!(trailer(&config, about("10.0.0.1"), &PDU, Sequence::at(NOW)).is_empty());
}

/// Facts: 8.5
#[test]
fn replays_are_found() {
    let config = timed();
    let mut sender = Memory::default();
    let mut memory = Memory::default();
    let packets: Vec<_> = (0..3)
        .map(|_| sealed(&config, "10.0.0.1", sender.next(config.replay, NOW)))
        .collect();
    for packet in &packets {
        assert_eq!(check(&mut memory, &config, "10.0.0.1", packet, NOW), Ok(0));
    }
    for packet in &packets {
        assert_eq!(
            check(&mut memory, &config, "10.0.0.1", packet, NOW),
            Err(Fault::Replay)
        );
    }
    let late = NOW + Duration::from_secs(6);
    assert_eq!(
        check(&mut memory, &config, "10.0.0.1", &packets[2], late),
        Err(Fault::Stale { ahead: -6 })
    );
    memory.forget_received();
    assert_eq!(
        check(&mut memory, &config, "10.0.0.1", &packets[0], NOW),
        Ok(0),
        "8.10"
    );
}

/// Facts: 8.4
#[test]
fn a_sender_never_repeats_itself() {
    let replay = Replay::Time { window: WINDOW };
    let mut sender = Memory::default();
    assert_eq!(sender.next(replay, NOW), Sequence::at(NOW));
    assert_eq!(sender.next(replay, NOW), Sequence(Sequence::at(NOW).0 + 1));
    // A clock that is a little back goes on counting.
    assert_eq!(
        sender.next(replay, NOW - Duration::from_secs(3)),
        Sequence(Sequence::at(NOW).0 + 2)
    );
    // The counter carries into the fraction.
    let mut full = Memory {
        sent: Some(Sequence(0xffff)),
        ..Memory::default()
    };
    assert_eq!(full.next(Replay::Monotonic, Duration::ZERO), Sequence(0x1_0000));
}

/// Two directors whose clocks are set alike hear each other again at once, and nothing old counts meanwhile.
///
/// Facts: 8.4, 8.6
#[test]
fn clock_steps_recover_in_time_mode() {
    let steps = [HOUR, TEN_YEARS].map(Duration::from_secs);
    for (step, back) in steps.into_iter().flat_map(|step| [(step, false), (step, true)]) {
        let config = timed();
        let (mut sender, mut memory) = (Memory::default(), Memory::default());
        let mut hear = |memory: &mut Memory, sent_at, heard_at| {
            let packet = sealed(&config, "10.0.0.1", sender.next(config.replay, sent_at));
            (packet, check(memory, &config, "10.0.0.1", &packet, heard_at))
        };
        let (old, first) = hear(&mut memory, NOW, NOW);
        assert_eq!(first, Ok(0));
        let then = if back { NOW - step } else { NOW + step };
        let ahead = if back { -1 } else { 1 } * i64::try_from(step.as_secs()).unwrap();
        // The sender's clock alone: stale until the other's follows.
        let (_, alone) = hear(&mut memory, then, NOW);
        assert_eq!(alone, Err(Fault::Stale { ahead }), "{step:?} {back}");
        let second = Duration::from_secs(1);
        let (_, both) = hear(&mut memory, then + second, then + second);
        assert_eq!(both, Ok(0), "{step:?} {back}");
        assert_eq!(
            check(&mut memory, &config, "10.0.0.1", &old, then + second),
            Err(Fault::Stale { ahead: -ahead - 1 })
        );
        // And back to where they were.
        let later = NOW + 20 * second;
        let (_, again) = hear(&mut memory, later, later);
        assert_eq!(again, Ok(0), "{step:?} {back}");
    }
}

/// Facts: 8.4
#[test]
fn monotonic_never_goes_back() {
    let config = config(Replay::Monotonic);
    for step in [HOUR, TEN_YEARS].map(Duration::from_secs) {
        let (mut sender, mut memory) = (Memory::default(), Memory::default());
        for wall in [NOW, NOW - step, NOW + step, NOW - step, NOW] {
            let packet = sealed(&config, "10.0.0.1", sender.next(config.replay, wall));
            // The receiver's clock is of no interest.
            assert!(check(&mut memory, &config, "10.0.0.1", &packet, Duration::ZERO).is_ok());
            assert_eq!(
                check(&mut memory, &config, "10.0.0.1", &packet, NOW),
                Err(Fault::Replay)
            );
        }
    }
}

/// Facts: 8.6
#[test]
fn marks_are_kept_per_sender_and_the_oldest_goes() {
    let config = timed();
    let mut memory = Memory::default();
    let packet = |n: u8| sealed(&config, &format!("10.0.0.{n}"), Sequence::at(NOW));
    let mut hear = |n: u8| check(&mut memory, &config, &format!("10.0.0.{n}"), &packet(n), NOW);
    for n in 1..=4 {
        assert_eq!(hear(n), Ok(0));
    }
    for n in 1..=4 {
        assert_eq!(hear(n), Err(Fault::Replay));
    }
    assert_eq!(hear(5), Ok(0));
    assert_eq!(hear(2), Err(Fault::Replay));
    assert_eq!(hear(1), Ok(0), "the first was forgotten for the fifth");
    // Unicast: as many as there are peers.
    let mut unicast = Memory::default();
    for round in [Ok(0), Err(Fault::Replay)] {
        for n in 1..=20 {
            let source = format!("10.0.0.{n}");
            let heard = unicast.check(&config, about(&source), (&PDU, &packet(n)), NOW, Some(20));
            assert_eq!(heard, round, "{n}");
        }
    }
}

/// Facts: 8.7
#[test]
fn half_the_window_is_worth_a_word() {
    let replay = Replay::Time { window: WINDOW };
    let told: Vec<i64> = (-5..=5).filter(|ahead| is_skewed(replay, *ahead)).collect();
    assert_eq!(told, [-5, -4, -3, 3, 4, 5]);
    assert!(!is_skewed(Replay::Monotonic, 1_000));
}

/// Seconds are 32 bits: the year 2106 is passed as any other moment.
///
/// Facts: 8.4, 8.5
#[test]
fn seconds_may_wrap() {
    let config = timed();
    let (mut sender, mut memory) = (Memory::default(), Memory::default());
    let end = Duration::from_secs(1 << 32);
    for wall in [end - Duration::from_secs(1), end, end + Duration::from_secs(1)] {
        let packet = sealed(&config, "10.0.0.1", sender.next(config.replay, wall));
        assert_eq!(check(&mut memory, &config, "10.0.0.1", &packet, wall), Ok(0));
    }
}
