use super::*;
use proptest::prelude::*;

/// What keepalived's defaults look like on the way up.
fn packet() -> ControlPacket {
    ControlPacket {
        diagnostic: Diagnostic::TimeExpired,
        state: State::Init,
        poll: true,
        final_: false,
        control_plane_independent: false,
        demand: false,
        detect_mult: 5,
        my_discriminator: 0x0102_0304,
        your_discriminator: 0x1122_3344,
        desired_min_tx: 1_000_000,
        required_min_rx: 10_000,
        required_min_echo_rx: 0,
    }
}

const BYTES: [u8; LEN] = [
    0x21, 0xa0, 5, 24, 1, 2, 3, 4, 0x11, 0x22, 0x33, 0x44, 0x00, 0x0f, 0x42, 0x40, 0, 0, 0x27, 0x10, 0, 0, 0,
    0,
];

/// Facts: 24.1
#[test]
fn the_octets_are_those_of_the_rfc() {
    assert_eq!(packet().bytes(), BYTES);
    assert_eq!(ControlPacket::read(&BYTES), Ok(packet()));
}

/// Facts: 24.1, 24.3
#[test]
fn what_is_wrong_with_a_packet_has_a_name() {
    let with = |at: usize, octet: u8| {
        let mut bytes = BYTES;
        bytes[at] = octet;
        ControlPacket::read(&bytes)
    };
    assert_eq!(ControlPacket::read(&BYTES[..23]), Err(Discard::TooShort));
    assert_eq!(ControlPacket::read(&[]), Err(Discard::TooShort));
    assert_eq!(with(3, 23), Err(Discard::Length));
    assert_eq!(with(3, 25), Err(Discard::Length));
    let longer = [BYTES.as_slice(), &[0]].concat();
    assert_eq!(ControlPacket::read(&longer), Err(Discard::Length));
    for version in [0, 2, 7] {
        assert_eq!(with(0, version << 5), Err(Discard::Version), "{version}");
    }
    assert_eq!(with(1, 0xa4), Err(Discard::Authentication));
    assert_eq!(with(2, 0), Err(Discard::DetectMult));
    assert_eq!(with(1, 0xa1), Err(Discard::Multipoint));
    assert_eq!(with(1, 0xb0), Err(Discard::PollAndFinal));
    for code in 0..=8 {
        assert_eq!(
            with(0, 0x20 | code).map(|found| found.diagnostic.code()),
            Ok(code)
        );
    }
    for code in [9, 31] {
        assert_eq!(with(0, 0x20 | code), Err(Discard::Diagnostic), "{code}");
    }
    let mut anonymous = BYTES;
    anonymous[4..8].fill(0);
    assert_eq!(ControlPacket::read(&anonymous), Err(Discard::NoMyDiscriminator));
    let mut unheard = BYTES;
    unheard[8..12].fill(0);
    for (state, good) in [(0, true), (1, true), (2, false), (3, false)] {
        unheard[1] = state << 6;
        let read = ControlPacket::read(&unheard);
        assert_eq!(read.is_ok(), good, "{state}");
        assert!(good || read == Err(Discard::NoYourDiscriminator), "{state}");
    }
}

/// A packet with authentication is longer, and known as such.
#[test]
fn authentication_is_named_whatever_follows() {
    let mut bytes = BYTES.to_vec();
    bytes[1] |= AUTHENTICATION;
    bytes[3] = 33;
    bytes.extend([1, 9, 1, b's', b'e', b'c', b'r', b'e', b't']);
    assert_eq!(ControlPacket::read(&bytes), Err(Discard::Authentication));
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_what_is_good_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = ControlPacket::read(&bytes);
    }

    #[test]
    fn a_good_header_comes_back(mut bytes in any::<[u8; LEN]>()) {
        bytes[0] = 0x20 | (bytes[0] % 9);
        bytes[3] = 24;
        if let Ok(packet) = ControlPacket::read(&bytes) {
            prop_assert_eq!(packet.bytes(), bytes);
        }
    }
}
