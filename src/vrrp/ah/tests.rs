//! AH against an implementation of its own, written from RFC 2104, 2402 and 2403.

use super::*;
use md5::Digest;

const KEY: [u8; 8] = *b"qwaszx\0\0";
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const PDU: [u8; 20] = [
    0x21, 0x33, 0x64, 1, 2, 1, 0xaa, 0xbb, 10, 9, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// RFC 2104 with MD5, the plain way.
fn hmac_md5(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> {
        (0..64)
            .map(|at| key.get(at).copied().unwrap_or(0) ^ with)
            .collect()
    };
    let digest = |parts: &[&[u8]]| Md5::digest(parts.concat()).to_vec();
    digest(&[&pad(0x5c), &digest(&[&pad(0x36), text])])
}

fn header(destination: Ipv4Addr) -> IpHeader {
    IpHeader {
        source: SOURCE,
        destination,
        ttl: 255,
        id: 0x1234,
        payload_len: 44,
    }
}

/// RFC 2202's first two cases prove the independent half.
#[test]
fn the_reference_is_right() {
    let hex = |octets: Vec<u8>| octets.iter().map(|o| format!("{o:02x}")).collect::<String>();
    assert_eq!(
        hex(hmac_md5(&[0x0b; 16], b"Hi There")),
        "9294727a3638bb1c13f48ef8158bfc9d"
    );
    assert_eq!(
        hex(hmac_md5(b"Jefe", b"what do ya want for nothing?")),
        "750c783e6ab0b503eaa86e310a5db738"
    );
}

/// Facts: 7.2, 7.3
#[test]
fn a_sealed_packet_is_the_one_of_the_rfcs() {
    for (destination, ttl) in [(GROUP, 255), (Ipv4Addr::new(10, 9, 0, 2), 0)] {
        let packet = seal(&KEY, header(destination), 7, &PDU);
        let mut expected = vec![112, 4, 0, 0, 10, 9, 0, 1, 0, 0, 0, 7];
        let mut covered = vec![0x45, 0, 0, 64, 0x12, 0x34, 0, 0, ttl, 51, 0, 0, 10, 9, 0, 1];
        covered.extend(destination.octets());
        covered.extend(&expected);
        covered.extend([0; 12]);
        covered.extend(PDU);
        expected.extend(&hmac_md5(&KEY, &covered)[..12]);
        expected.extend(PDU);
        assert_eq!(packet, expected, "{destination}");
        assert_eq!(open(&KEY, header(destination), &packet, 44, Counter(6)), Some(7));
    }
}

/// Facts: 7.3, 7.5
#[test]
fn every_octet_is_protected() {
    let packet = seal(&KEY, header(GROUP), 7, &PDU);
    let good = |ip: IpHeader, packet: &[u8]| open(&KEY, ip, packet, 44, Counter(0)).is_some();
    assert!(good(header(GROUP), &packet));
    for at in 0..packet.len() {
        let mut forged = packet.clone();
        forged[at] ^= 1;
        assert!(!good(header(GROUP), &forged), "octet {at}");
    }
    for cut in 0..packet.len() {
        assert!(!good(header(GROUP), &packet[..cut]));
    }
    let other = Ipv4Addr::new(10, 9, 0, 3);
    let ip = header(GROUP);
    for forged in [
        IpHeader { source: other, ..ip },
        IpHeader {
            destination: other,
            ..ip
        },
        IpHeader { ttl: 254, ..ip },
        IpHeader { id: 1, ..ip },
        IpHeader {
            payload_len: 45,
            ..ip
        },
    ] {
        assert!(!good(forged, &packet), "{forged:?}");
    }
    assert_eq!(open(b"12345678", ip, &packet, 44, Counter(0)), None);
    // Padding behind it does not count, but the IP header's length does.
    let mut padded = packet;
    padded.extend([9; 2]);
    assert!(good(header(GROUP), &padded));
}

/// Unicast packets may cross routers.
///
/// Facts: 7.3
#[test]
fn the_ttl_of_unicast_is_free() {
    let ip = header(Ipv4Addr::new(10, 9, 0, 2));
    let packet = seal(&KEY, ip, 1, &PDU);
    assert_eq!(
        open(&KEY, IpHeader { ttl: 60, ..ip }, &packet, 44, Counter(0)),
        Some(1)
    );
}

/// Facts: 7.5
#[test]
fn a_sequence_number_is_good_once() {
    let packet = seal(&KEY, header(GROUP), 7, &PDU);
    for (seen, good) in [(0, true), (6, true), (7, false), (8, false), (u32::MAX, false)] {
        let opened = open(&KEY, header(GROUP), &packet, 44, Counter(seen));
        assert_eq!(opened.is_some(), good, "{seen}");
    }
}

/// Facts: 7.4
#[test]
fn the_counter_ends_and_begins_anew_with_a_master() {
    let mut counter = Counter::default();
    assert_eq!((counter.next(), counter.next()), (1, 2));
    counter.heard(9);
    assert_eq!(counter.next(), 10, "one counter for both directions");
    counter.become_master();
    assert_eq!(counter.next(), 11);
    counter.heard(0xFFFF_FFFC);
    assert_eq!(counter.next(), 0xFFFF_FFFD);
    assert_eq!(counter.next(), 0xFFFF_FFFE);
    assert_eq!(counter.next(), 0xFFFF_FFFE, "it stands still");
    counter.become_master();
    assert_eq!(counter.next(), 1);
}
