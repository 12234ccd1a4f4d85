//! A VRRP advertisement and its octets, versions 2 and 3 (RFC 2338 §5.3, RFC 3768 §5.3, RFC 5798 §5.2, facts 5.2 to 5.6).
//!
//! Two levels: [`Packet`] looks at received octets without judging them, so that `accept` can check them in its order;
//! [`Advertisement`] is the meaning, in which nothing illegal can be said.

use super::auth::AUTH_LEN;
use super::checksum::{self, Covers};
use super::config::{Auth, Version};
use super::{Priority, Vrid};
use crate::net::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU8, NonZeroU16};
use std::time::Duration;

/// Octets before the addresses, in either version.
pub const HEADER_LEN: usize = 8;
/// The type of the only packet there is.
pub const TYPE_ADVERTISEMENT: u8 = 1;
/// Where the checksum is; for `IPV6_CHECKSUM`.
pub const CHECKSUM_OFFSET: usize = 6;

/// What a master says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advertisement {
    /// Version 2.
    V2(AdvertV2),
    /// Version 3.
    V3(AdvertV3),
}

/// A version 2 advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertV2 {
    /// Whose.
    pub vrid: Vrid,
    /// The sender's priority.
    pub priority: Priority,
    /// The sender's interval.
    pub interval: Seconds,
    /// Authentication. IPv6 carries its type only.
    pub auth: Auth,
    /// The virtual addresses.
    pub addresses: Addresses,
}

/// A version 3 advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertV3 {
    /// Whose.
    pub vrid: Vrid,
    /// The sender's priority.
    pub priority: Priority,
    /// The sender's interval.
    pub interval: Centiseconds,
    /// The virtual addresses.
    pub addresses: Addresses,
}

/// Version 2's interval: 1 to 255 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(NonZeroU8);

/// Version 3's interval: 1 to 4095 hundredths of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Centiseconds(NonZeroU16);

/// Virtual addresses of one family, at most 255, in the order of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// IPv4.
    V4(Vec<Ipv4Addr>),
    /// IPv6.
    V6(Vec<Ipv6Addr>),
}

impl Advertisement {
    /// The octets of the packet, as they follow the IP header. The checksum of IPv6 is left zero for the kernel.
    pub fn emit(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        let covers = match self {
            Self::V2(_) => Covers::Packet,
            Self::V3(_) => Covers::Addresses(source, destination),
        };
        self.emit_with(covers)
    }

    /// The same with a checksum over what `covers` says.
    pub fn emit_with(&self, covers: Covers) -> Vec<u8> {
        let (version, vrid, priority, addresses) = match self {
            Self::V2(a) => (Version::V2, a.vrid, a.priority, &a.addresses),
            Self::V3(a) => (Version::V3, a.vrid, a.priority, &a.addresses),
        };
        let [high, low] = match self {
            Self::V2(a) => [a.auth.wire_type(), a.interval.0.get()],
            Self::V3(a) => a.interval.0.get().to_be_bytes(),
        };
        let mut octets = vec![
            version.number() << 4 | TYPE_ADVERTISEMENT,
            vrid.get(),
            priority.0,
            addresses.count(),
            high,
            low,
            0,
            0,
        ];
        addresses.emit(&mut octets);
        if let (Self::V2(a), Addresses::V4(_)) = (self, addresses) {
            octets.extend_from_slice(&a.auth.wire_data());
        }
        if matches!(addresses, Addresses::V4(_)) {
            let sum = checksum::over(covers, &octets).to_be_bytes();
            for (octet, value) in octets.iter_mut().skip(CHECKSUM_OFFSET).zip(sum) {
                *octet = value;
            }
        }
        octets
    }

    /// The meaning of a packet of `family`; `None` when it has none. The checksum is `accept`'s business.
    pub fn parse(packet: &Packet<'_>, family: Family) -> Option<Self> {
        let vrid = packet.vrid()?;
        let priority = packet.priority();
        let addresses = packet.addresses(family)?;
        match packet.version()? {
            Version::V2 => Some(Self::V2(AdvertV2 {
                vrid,
                priority,
                interval: Seconds(NonZeroU8::new(packet.interval_v2())?),
                auth: match (packet.auth_type(), packet.auth_data(family)) {
                    (0, _) => Auth::None,
                    (1, data) => Auth::Pass(data.unwrap_or_default()),
                    // The key is not in the packet.
                    (2, _) => Auth::Ah([0; AUTH_LEN]),
                    _ => return None,
                },
                addresses,
            })),
            Version::V3 => Some(Self::V3(AdvertV3 {
                vrid,
                priority,
                interval: Centiseconds(NonZeroU16::new(packet.interval_v3())?),
                addresses,
            })),
        }
    }

    /// The sender's priority.
    pub const fn priority(&self) -> Priority {
        match self {
            Self::V2(a) => a.priority,
            Self::V3(a) => a.priority,
        }
    }

    /// The sender's interval.
    pub fn interval(&self) -> Duration {
        match self {
            Self::V2(a) => a.interval.duration(),
            Self::V3(a) => a.interval.duration(),
        }
    }

    /// The virtual addresses.
    pub const fn addresses(&self) -> &Addresses {
        match self {
            Self::V2(a) => &a.addresses,
            Self::V3(a) => &a.addresses,
        }
    }
}

impl Addresses {
    /// Those of `addresses` that are of `family`, at most 255.
    pub fn new(family: Family, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let addresses = addresses.into_iter();
        match family {
            Family::V4 => Self::V4(
                addresses
                    .filter_map(|a| match a {
                        IpAddr::V4(a) => Some(a),
                        IpAddr::V6(_) => None,
                    })
                    .take(255)
                    .collect(),
            ),
            Family::V6 => Self::V6(
                addresses
                    .filter_map(|a| match a {
                        IpAddr::V6(a) => Some(a),
                        IpAddr::V4(_) => None,
                    })
                    .take(255)
                    .collect(),
            ),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let (v4, v6): (&[Ipv4Addr], &[Ipv6Addr]) = match self {
            Self::V4(list) => (list, &[]),
            Self::V6(list) => (&[], list),
        };
        v4.iter()
            .copied()
            .map(IpAddr::V4)
            .chain(v6.iter().copied().map(IpAddr::V6))
    }

    /// How many.
    pub fn count(&self) -> u8 {
        let n = match self {
            Self::V4(list) => list.len(),
            Self::V6(list) => list.len(),
        };
        u8::try_from(n).unwrap_or(u8::MAX)
    }

    fn emit(&self, octets: &mut Vec<u8>) {
        match self {
            Self::V4(list) => list.iter().for_each(|a| octets.extend_from_slice(&a.octets())),
            Self::V6(list) => list.iter().for_each(|a| octets.extend_from_slice(&a.octets())),
        }
    }
}

impl Seconds {
    /// The nearest interval that version 2 can say.
    pub fn nearest(interval: Duration) -> Self {
        let rounded = (interval + Duration::from_millis(500)).as_secs().clamp(1, 255);
        Self(
            u8::try_from(rounded)
                .ok()
                .and_then(NonZeroU8::new)
                .unwrap_or(NonZeroU8::MIN),
        )
    }

    /// As a time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0.get()))
    }
}

impl Centiseconds {
    /// The nearest interval that version 3 can say.
    pub fn nearest(interval: Duration) -> Self {
        let rounded = ((interval + Duration::from_millis(5)).as_millis() / 10).clamp(1, 4095);
        Self(
            u16::try_from(rounded)
                .ok()
                .and_then(NonZeroU16::new)
                .unwrap_or(NonZeroU16::MIN),
        )
    }

    /// As a time.
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0.get()) * 10)
    }
}

/// Received octets of at least a header's length, not judged.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER_LEN],
    rest: &'a [u8],
}

impl<'a> Packet<'a> {
    /// `None` when there is no whole header.
    pub fn new(octets: &'a [u8]) -> Option<Self> {
        let (header, rest) = octets.split_first_chunk()?;
        Some(Self { header, rest })
    }

    /// The upper half of the first octet, as it is.
    pub const fn version_number(&self) -> u8 {
        self.header[0] >> 4
    }

    /// The version, when it is one that we know.
    pub const fn version(&self) -> Option<Version> {
        match self.version_number() {
            2 => Some(Version::V2),
            3 => Some(Version::V3),
            _ => None,
        }
    }

    /// The lower half of the first octet; 1 for an advertisement.
    pub const fn packet_type(&self) -> u8 {
        self.header[0] & 0x0f
    }

    /// Whose; `None` for the illegal 0.
    pub const fn vrid(&self) -> Option<Vrid> {
        Vrid::new(self.header[1])
    }

    /// The priority.
    pub const fn priority(&self) -> Priority {
        Priority(self.header[2])
    }

    /// How many addresses it claims to have.
    pub const fn count(&self) -> u8 {
        self.header[3]
    }

    /// Version 2: the authentication type.
    pub const fn auth_type(&self) -> u8 {
        self.header[4]
    }

    /// Version 2: seconds.
    pub const fn interval_v2(&self) -> u8 {
        self.header[5]
    }

    /// Version 3: centiseconds, the lower 12 bits.
    pub const fn interval_v3(&self) -> u16 {
        u16::from_be_bytes([self.header[4], self.header[5]]) & 0x0fff
    }

    /// The length it should have by its own count, in octets.
    pub fn expected_len(&self, version: Version, family: Family) -> usize {
        let auth = match (version, family) {
            (Version::V2, Family::V4) => AUTH_LEN,
            (Version::V2, Family::V6) | (Version::V3, _) => 0,
        };
        HEADER_LEN + usize::from(self.count()) * family.address_len() + auth
    }

    /// The addresses; `None` when they are not all there.
    pub fn addresses(&self, family: Family) -> Option<Addresses> {
        let list = self
            .rest
            .get(..usize::from(self.count()) * family.address_len())?;
        Some(match family {
            Family::V4 => Addresses::V4(
                list.as_chunks::<4>()
                    .0
                    .iter()
                    .copied()
                    .map(Ipv4Addr::from)
                    .collect(),
            ),
            Family::V6 => Addresses::V6(
                list.as_chunks::<16>()
                    .0
                    .iter()
                    .copied()
                    .map(Ipv6Addr::from)
                    .collect(),
            ),
        })
    }

    /// Version 2 over IPv4: the eight octets after the addresses; `None` when they are not there.
    pub fn auth_data(&self, family: Family) -> Option<[u8; AUTH_LEN]> {
        match family {
            Family::V4 => {
                let after = self
                    .rest
                    .get(usize::from(self.count()) * family.address_len()..)?;
                after.first_chunk().copied()
            }
            Family::V6 => None,
        }
    }
}

#[cfg(test)]
mod tests;
