//! The Internet checksum of VRRP packets (RFC 1071; RFC 5798 §5.2.8, fact 5.5).
//!
//! Version 2 covers the packet alone, version 3 a pseudo header too. IPv6 is version 3's business here as well, but
//! senders leave it to the kernel; [`of_packet`] can verify it.

use super::config::Version;
use std::net::IpAddr;

/// VRRP's protocol number.
const PROTOCOL: u8 = 112;

/// A sum of 16-bit words in one's complement; odd tails are padded with a zero octet.
#[derive(Default)]
struct Sum(u64);

impl Sum {
    fn add(&mut self, octets: &[u8]) {
        for pair in octets.chunks(2) {
            self.0 += match *pair {
                [high, low] => u64::from(u16::from_be_bytes([high, low])),
                [high] => u64::from(u16::from_be_bytes([high, 0])),
                _ => 0,
            };
        }
    }

    fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap_or(u16::MAX)
    }
}

/// What a checksum covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// The packet alone.
    Packet,
    /// A pseudo header of source and destination too.
    Addresses(IpAddr, IpAddr),
}

/// The checksum over `packet`: 0 when the one inside is right, and what has to be put inside when that is zero.
pub fn of_packet(version: Version, source: IpAddr, destination: IpAddr, packet: &[u8]) -> u16 {
    let covers = match (source, destination, version) {
        (IpAddr::V4(_), IpAddr::V4(_), Version::V2) => Covers::Packet,
        // The kernel's sum of an IPv6 raw socket covers the pseudo header, whatever the version.
        _ => Covers::Addresses(source, destination),
    };
    over(covers, packet)
}

/// The same over what `covers` says.
pub fn over(covers: Covers, packet: &[u8]) -> u16 {
    let mut sum = Sum::default();
    match covers {
        Covers::Packet => {}
        Covers::Addresses(source, destination) => {
            for address in [source, destination] {
                match address {
                    IpAddr::V4(a) => sum.add(&a.octets()),
                    IpAddr::V6(a) => sum.add(&a.octets()),
                }
            }
            let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
            sum.add(&length.to_be_bytes());
            sum.add(&[0, PROTOCOL]);
        }
    }
    sum.add(packet);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_lengths_and_carries() {
        let v4 = IpAddr::from([10, 0, 0, 1]);
        assert_eq!(of_packet(Version::V2, v4, v4, &[]), 0xffff);
        assert_eq!(of_packet(Version::V2, v4, v4, &[0xff, 0xff, 0x00, 0x01]), !0x0001);
        assert_eq!(
            of_packet(Version::V2, v4, v4, &[0x12, 0x34, 0x56]),
            !(0x1234 + 0x5600)
        );
    }

    /// Facts: 5.5
    #[test]
    fn pseudo_headers_count_in_version_3_only() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([224, 0, 0, 18]));
        let packet = [0x31, 1, 100, 0, 0, 100, 0, 0];
        let plain = 0x3101 + 0x6400 + 0x0064;
        assert_eq!(of_packet(Version::V2, a, b, &packet), !plain);
        let pseudo = 0x0a00 + 0x0001 + 0xe000 + 0x0012 + 8 + 112;
        let all = u32::from(plain) + pseudo;
        assert_eq!(
            u32::from(!of_packet(Version::V3, a, b, &packet)),
            (all & 0xffff) + (all >> 16)
        );
    }
}
