//! Whether a received packet counts: keepalived's checks in keepalived's order (facts 6.3 to 6.18).
//!
//! A packet that does not count is a [`Discard`], which has a name, a counter and words; nothing else happens because of
//! it. In particular it never touches a timer: a stream of bad packets does not silence a MASTER, as it does with
//! keepalived (fact 4.3). Finding the router that a packet is for (6.1, 6.2) is the engine's part.

use super::advert::{Addresses, Advertisement, HEADER_LEN, Packet, TYPE_ADVERTISEMENT};
use super::auth::same_password;
use super::config::{Auth, RouterConfig, Transport, Version};
use super::endpoint::MULTICAST_TTL;
use super::event::Datagram;
use super::status::Counters;
use super::{Priority, checksum};
use crate::net::Family;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// An advert that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedAdvert {
    /// The sender.
    pub source: IpAddr,
    /// Its priority.
    pub priority: Priority,
    /// Its interval.
    pub interval: Duration,
    /// Its addresses are not ours (fact 6.16: told and counted, but accepted).
    pub mismatch: Option<AddressMismatch>,
}

/// How the address list of an advert differs from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressMismatch {
    /// Another number of addresses.
    Count {
        /// Ours.
        expected: usize,
        /// Theirs.
        received: usize,
    },
    /// This one of ours is not among them.
    Missing(IpAddr),
}

/// Why a packet did not count. Lengths are in octets and include the IPv4 header, as keepalived's words have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// 6.3: shorter or longer than its own address count says.
    Length {
        /// As received.
        received: usize,
        /// As it should be.
        expected: usize,
    },
    /// 6.4: it passed a router (or the kernel did not say that it did not).
    Ttl {
        /// As received.
        received: Option<u8>,
    },
    /// 6.5: another version than ours.
    Version {
        /// As received.
        received: u8,
        /// Ours.
        expected: u8,
    },
    /// 6.7: an unknown authentication type.
    UnknownAuth {
        /// As received.
        received: u8,
    },
    /// 6.7: another authentication type than ours.
    AuthMismatch {
        /// As received.
        received: u8,
        /// Ours.
        expected: u8,
    },
    /// 6.7: a wrong password.
    Password,
    /// 6.8: version 2 requires one interval on all routers.
    Interval {
        /// Ours, in seconds.
        ours: u64,
        /// Theirs, in seconds.
        theirs: u64,
    },
    /// 6.9: no advertisement.
    PacketType {
        /// As received.
        received: u8,
    },
    /// 6.10: the IPv4 header claims another length.
    ClaimedLength {
        /// By the header.
        claimed: usize,
        /// As received.
        received: usize,
    },
    /// Version 3 with an interval of zero, which RFC 5798 has no meaning for.
    ZeroInterval,
    /// 6.12: damaged.
    Checksum {
        /// Ours.
        version: Version,
    },
    /// 6.13: multicast for a unicast router, or the other way round.
    Cast {
        /// Whether ours is unicast.
        unicast: bool,
    },
    /// 6.17: a stranger.
    UnknownPeer,
}

impl Discard {
    /// Its name, as tests and the once-only rule (fact 6.19) know it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Length { .. } => "length",
            Self::Ttl { .. } => "ttl",
            Self::Version { .. } => "version",
            Self::UnknownAuth { .. } => "unknown-auth",
            Self::AuthMismatch { .. } => "auth-mismatch",
            Self::Password => "password",
            Self::Interval { .. } => "interval",
            Self::PacketType { .. } => "type",
            Self::ClaimedLength { .. } => "claimed-length",
            Self::ZeroInterval => "zero-interval",
            Self::Checksum { .. } => "checksum",
            Self::Cast { .. } => "cast",
            Self::UnknownPeer => "unknown-peer",
        }
    }

    /// Its counter.
    pub const fn counter<'c>(&self, counters: &'c mut Counters) -> &'c mut u64 {
        match self {
            Self::Length { .. } | Self::ClaimedLength { .. } => &mut counters.packet_len_err,
            Self::Ttl { .. } => &mut counters.ip_ttl_err,
            Self::Version { .. } => &mut counters.version_err,
            Self::UnknownAuth { .. } => &mut counters.invalid_authtype,
            Self::AuthMismatch { .. } => &mut counters.authtype_mismatch,
            Self::Password => &mut counters.auth_failure,
            Self::Interval { .. } | Self::ZeroInterval => &mut counters.interval_mismatch,
            Self::PacketType { .. } => &mut counters.invalid_type_rcvd,
            Self::Checksum { .. } => &mut counters.checksum_err,
            Self::Cast { .. } => &mut counters.addr_list_err,
            Self::UnknownPeer => &mut counters.unknown_peer,
        }
    }

    /// keepalived's words for it.
    pub(super) fn words(&self, f: &mut fmt::Formatter<'_>, sender: IpAddr) -> fmt::Result {
        match *self {
            Self::Length { received, expected } => {
                let which = if received < expected { "short" } else { "long" };
                write!(
                    f,
                    "vrrp packet too {which}, length {received} and expect {expected}"
                )
            }
            Self::Ttl { received } => write!(
                f,
                "invalid TTL/HL. Received {} and expect {MULTICAST_TTL}",
                received.map_or_else(|| "none".to_owned(), |ttl| ttl.to_string())
            ),
            Self::Version { received, expected } => {
                write!(f, "wrong version. Received {received} and expect {expected}")
            }
            Self::UnknownAuth { received } => write!(f, "Invalid auth type: {received}"),
            Self::AuthMismatch { received, expected } => {
                write!(f, "received a {received} auth, expecting {expected}!")
            }
            Self::Password => f.write_str("received an invalid passwd!"),
            Self::Interval { ours, theirs } => {
                write!(
                    f,
                    "advertisement interval mismatch with {sender} mine={ours} rcv'd={theirs}"
                )
            }
            Self::PacketType { received } => {
                write!(
                    f,
                    "Invalid packet type. {received} and expect {TYPE_ADVERTISEMENT}"
                )
            }
            Self::ClaimedLength { claimed, received } => {
                write!(
                    f,
                    "ip_tot_len mismatch against received length. {claimed} and received {received}"
                )
            }
            Self::ZeroInterval => write!(f, "advertisement interval 0 received from {sender}"),
            Self::Checksum { version } => write!(f, "Invalid VRRPv{} checksum", version.number()),
            Self::Cast { unicast } => {
                let (ours, theirs) = if unicast { ("un", "mult") } else { ("mult", "un") };
                write!(f, "Expected {ours}icast packet but received {theirs}icast packet")
            }
            Self::UnknownPeer => write!(f, "unicast source address {sender} not a unicast peer"),
        }
    }
}

/// Checks `datagram` for `router`, which it is addressed to by interface, family and VRID.
///
/// # Errors
/// The first check that it does not pass.
pub fn accept(router: &RouterConfig, datagram: &Datagram) -> Result<ReceivedAdvert, Discard> {
    let family = router.family;
    let ip_header = match family {
        Family::V4 => 20,
        Family::V6 => 0,
    };
    let received = ip_header + datagram.payload.len();
    let Some(packet) = Packet::new(&datagram.payload) else {
        return Err(Discard::Length {
            received,
            expected: ip_header + HEADER_LEN,
        });
    };
    let expected = ip_header + packet.expected_len(router.version, family);
    if !fits(expected, received, family) {
        return Err(Discard::Length { received, expected });
    }
    let unicast = match &router.transport {
        Transport::Multicast { .. } => false,
        Transport::Unicast { .. } => true,
    };
    if !unicast && datagram.ttl != Some(MULTICAST_TTL) {
        return Err(Discard::Ttl {
            received: datagram.ttl,
        });
    }
    if packet.version() != Some(router.version) {
        return Err(Discard::Version {
            received: packet.version_number(),
            expected: router.version.number(),
        });
    }
    if router.version == Version::V2 {
        check_version_2(router, &packet)?;
    }
    if packet.packet_type() != TYPE_ADVERTISEMENT {
        return Err(Discard::PacketType {
            received: packet.packet_type(),
        });
    }
    let claimed = ip_header + datagram.claimed_len;
    if family == Family::V4 && !fits(claimed, received, family) {
        return Err(Discard::ClaimedLength { claimed, received });
    }
    let advert = Advertisement::parse(&packet, family).ok_or(Discard::ZeroInterval)?;
    let whole = datagram.payload.get(..expected - ip_header).unwrap_or_default();
    // The kernel has verified those of IPv6.
    let sum = || checksum::of_packet(router.version, datagram.source, datagram.destination, whole);
    if family == Family::V4 && sum() != 0 {
        return Err(Discard::Checksum {
            version: router.version,
        });
    }
    if datagram.destination.is_multicast() == unicast {
        return Err(Discard::Cast { unicast });
    }
    if let Transport::Unicast { peers, .. } = &router.transport
        && router.check_unicast_src
        && !peers.contains(&datagram.source)
    {
        return Err(Discard::UnknownPeer);
    }
    Ok(ReceivedAdvert {
        source: datagram.source,
        priority: advert.priority(),
        interval: advert.interval(),
        mismatch: mismatch(router, advert.addresses()),
    })
}

/// Facts 6.7 and 6.8.
fn check_version_2(router: &RouterConfig, packet: &Packet<'_>) -> Result<(), Discard> {
    /// AH is known by number, but never ours.
    const LAST_KNOWN_AUTH: u8 = 2;
    let received = packet.auth_type();
    let expected = router.auth.wire_type();
    if received > LAST_KNOWN_AUTH {
        return Err(Discard::UnknownAuth { received });
    }
    if received != expected {
        return Err(Discard::AuthMismatch { received, expected });
    }
    // Over IPv6 there is nothing to compare.
    if let (Auth::Pass(ours), Some(theirs)) = (&router.auth, packet.auth_data(router.family))
        && !same_password(ours, &theirs)
    {
        return Err(Discard::Password);
    }
    let (ours, theirs) = (router.advert_int.as_secs(), u64::from(packet.interval_v2()));
    if ours != theirs {
        return Err(Discard::Interval { ours, theirs });
    }
    Ok(())
}

/// Equal, or longer by the padding of a short Ethernet frame (fact 6.3).
fn fits(expected: usize, received: usize, family: Family) -> bool {
    const SHORTEST_PAYLOAD: usize = 46;
    let padded = family == Family::V4
        && expected < SHORTEST_PAYLOAD
        && received > expected
        && (received - expected) % 4 == SHORTEST_PAYLOAD % 4;
    received == expected || padded
}

/// Fact 6.16: the number first, then whether each of ours is there.
fn mismatch(router: &RouterConfig, theirs: &Addresses) -> Option<AddressMismatch> {
    let (expected, received) = (router.vips.len(), usize::from(theirs.count()));
    if expected != received {
        return Some(AddressMismatch::Count { expected, received });
    }
    // Nearly always the same order: looked up only where it is not.
    let in_order = router.vips.iter().zip(theirs.iter());
    in_order
        .filter(|(ours, theirs)| ours.cidr.addr != *theirs)
        .map(|(ours, _)| ours.cidr.addr)
        .find(|ours| theirs.iter().all(|a| a != *ours))
        .map(AddressMismatch::Missing)
}

#[cfg(test)]
mod tests;
