//! Whether a received packet counts: keepalived's checks in keepalived's order (facts 6.3 to 6.18).
//!
//! A packet that does not count is a [`Discard`], which has a name, a counter and words; nothing else happens because of
//! it. In particular it never touches a timer: a stream of bad packets does not silence a MASTER, as it does with
//! keepalived (fact 4.3). Finding the router that a packet is for (6.1, 6.2) is the engine's part.

use super::advert::{Addresses, Advertisement, HEADER_LEN, Packet, TYPE_ADVERTISEMENT};
use super::auth::same;
use super::checksum::Covers;
use super::claim::Manner;
use super::config::{Auth, HmacMode, OldChecksum, RouterConfig, Transport, Version};
use super::endpoint::MULTICAST_TTL;
use super::event::{Carrier, Datagram};
use super::hmac::{About, Fault, TRAILER_LEN};
use super::status::Counters;
use super::{Priority, ah, checksum, hmac};
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
    /// The sender's clock is that many seconds ahead of ours, which is worth a word (fact 8.7).
    pub skew: Option<i64>,
    /// Its checksum is the first of the old kind: ours are from now on (fact 5.6).
    pub old_checksum: bool,
}

/// What a router remembers of packets, for those that come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Of AH.
    pub ah: ah::Counter,
    /// Of `auth_hmac`.
    pub hmac: hmac::Memory,
    /// A peer has the old unicast checksum.
    pub old_checksum: bool,
}

impl Memory {
    /// The earlier run's adverts, that this one goes on with, were like this.
    pub fn resume(&mut self, manner: Manner) {
        let Manner {
            ah_sequence,
            old_checksum,
        } = manner;
        self.ah.resume(ah_sequence);
        self.old_checksum |= old_checksum;
    }

    /// A configuration was read anew: what has to live through that does (facts 7.6, 8.10).
    pub fn reloaded(&mut self) {
        self.hmac.forget_received();
        self.old_checksum = false;
    }
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
    /// 7.5: the ICV, the SPI or the sequence number of AH is not right.
    Ah,
    /// 8.5: the trailer of `auth_hmac`.
    Hmac(Fault),
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
    /// 6.17: nearer or farther than `min_ttl` and `max_ttl` of the peer say.
    PeerTtl {
        /// As received.
        received: Option<u8>,
        /// `min_ttl`
        least: u8,
        /// `max_ttl`
        most: u8,
    },
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
            Self::Ah => "ah",
            Self::Hmac(fault) => match fault {
                Fault::Missing => "hmac-missing",
                Fault::Malformed => "hmac-malformed",
                Fault::Stale { .. } => "hmac-stale",
                Fault::UnknownKey { .. } => "hmac-unknown-key",
                Fault::Invalid => "hmac-invalid",
                Fault::Replay => "hmac-replay",
            },
            Self::Interval { .. } => "interval",
            Self::PacketType { .. } => "type",
            Self::ClaimedLength { .. } => "claimed-length",
            Self::ZeroInterval => "zero-interval",
            Self::Checksum { .. } => "checksum",
            Self::Cast { .. } => "cast",
            Self::UnknownPeer => "unknown-peer",
            Self::PeerTtl { .. } => "peer-ttl",
        }
    }

    /// Its counter.
    pub const fn counter<'c>(&self, counters: &'c mut Counters) -> &'c mut u64 {
        match self {
            Self::Length { .. } | Self::ClaimedLength { .. } => &mut counters.packet_len_err,
            Self::Ttl { .. } | Self::PeerTtl { .. } => &mut counters.ip_ttl_err,
            Self::Version { .. } => &mut counters.version_err,
            Self::UnknownAuth { .. } => &mut counters.invalid_authtype,
            Self::AuthMismatch { .. } => &mut counters.authtype_mismatch,
            Self::Password | Self::Ah => &mut counters.auth_failure,
            Self::Hmac(fault) => match fault {
                Fault::Missing => &mut counters.auth_ext_missing,
                Fault::Malformed => &mut counters.auth_ext_malformed,
                Fault::Stale { .. } => &mut counters.auth_ext_stale,
                Fault::UnknownKey { .. } => &mut counters.auth_ext_unknown_key,
                Fault::Invalid => &mut counters.auth_ext_invalid_hmac,
                Fault::Replay => &mut counters.auth_ext_replay,
            },
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
            Self::Ah => write!(f, "received an invalid AH header from {sender}"),
            Self::Hmac(fault) => {
                write!(f, "authentication extension of advert from {sender} ")?;
                match fault {
                    Fault::Missing => f.write_str("is missing"),
                    Fault::Malformed => f.write_str("is malformed"),
                    Fault::Stale { ahead } => write!(f, "is stale (clock differs by {ahead} seconds)"),
                    Fault::UnknownKey { id } => write!(f, "has unknown key id {id}"),
                    Fault::Invalid => f.write_str("has an invalid HMAC"),
                    Fault::Replay => f.write_str("is a replay"),
                }
            }
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
            Self::PeerTtl {
                received,
                least,
                most,
            } => write!(
                f,
                "received TTL {} from unicast peer {sender} outside {least} to {most}",
                received.map_or_else(|| "none".to_owned(), |ttl| ttl.to_string())
            ),
        }
    }
}

/// Checks `datagram` for `router`, which it is addressed to by interface, family and VRID. `wall` is the wall clock.
///
/// # Errors
/// The first check that it does not pass.
pub fn accept(
    router: &RouterConfig,
    datagram: &Datagram,
    memory: &mut Memory,
    wall: Duration,
) -> Result<ReceivedAdvert, Discard> {
    let family = router.family;
    check_carrier(router, datagram)?;
    let before = Sizes::of(datagram);
    let received = before.received(datagram);
    let Some(packet) = Packet::new(datagram.pdu()) else {
        return Err(Discard::Length {
            received,
            expected: before.all() + HEADER_LEN,
        });
    };
    let length = packet.expected_len(router.version, family);
    let expected = before.all() + length;
    let trailer = router.packets.hmac.as_ref().and_then(|_| {
        let rest: &[u8] = datagram.pdu().get(length..)?;
        <&[u8; TRAILER_LEN]>::try_from(rest).ok()
    });
    if trailer.is_none() && !fits(expected, received, family) {
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
    let whole = datagram.pdu().get(..length).unwrap_or_default();
    let skew = check_hmac(router, datagram, (whole, trailer), memory, wall)?;
    let ah_sequence = if router.version == Version::V2 {
        check_version_2(router, datagram, &packet, memory.ah)?
    } else {
        None
    };
    if packet.packet_type() != TYPE_ADVERTISEMENT {
        return Err(Discard::PacketType {
            received: packet.packet_type(),
        });
    }
    let claimed = before.ip + datagram.claimed_len;
    if family == Family::V4 && !fits(claimed, received, family) {
        return Err(Discard::ClaimedLength { claimed, received });
    }
    let advert = Advertisement::parse(&packet, family).ok_or(Discard::ZeroInterval)?;
    let old_checksum = check_sum(router, datagram, whole, memory.old_checksum)?;
    if datagram.destination.is_multicast() == unicast {
        return Err(Discard::Cast { unicast });
    }
    check_peer(router, datagram)?;
    memory.old_checksum |= old_checksum;
    if let Some(sequence) = ah_sequence {
        memory.ah.heard(sequence);
    }
    Ok(ReceivedAdvert {
        source: datagram.source,
        priority: advert.priority(),
        interval: advert.interval(),
        mismatch: mismatch(router, advert.addresses()),
        skew,
        old_checksum,
    })
}

/// Octets before the VRRP packet.
struct Sizes {
    ip: usize,
    carrier: usize,
}

impl Sizes {
    fn of(datagram: &Datagram) -> Self {
        Self {
            ip: match Family::of(&datagram.source) {
                Family::V4 => 20,
                Family::V6 => 0,
            },
            carrier: datagram.carrier.header_len(),
        }
    }

    const fn all(&self) -> usize {
        self.ip + self.carrier
    }

    const fn received(&self, datagram: &Datagram) -> usize {
        self.ip + datagram.payload.len()
    }
}

/// Fact 6.2.
fn check_carrier(router: &RouterConfig, datagram: &Datagram) -> Result<(), Discard> {
    if datagram.carrier == router.carrier() {
        return Ok(());
    }
    /// AH by its number among the authentication types.
    const AH: u8 = 2;
    let plain = Packet::new(datagram.pdu()).map_or(0, |packet| packet.auth_type());
    Err(Discard::AuthMismatch {
        received: match datagram.carrier {
            Carrier::Plain => plain,
            Carrier::Ah => AH,
        },
        expected: router.auth.wire_type(),
    })
}

/// Fact 8.5; the clock's difference when it is worth a word.
fn check_hmac(
    router: &RouterConfig,
    datagram: &Datagram,
    (whole, trailer): (&[u8], Option<&[u8; TRAILER_LEN]>),
    memory: &mut Memory,
    wall: Duration,
) -> Result<Option<i64>, Discard> {
    let Some(config) = &router.packets.hmac else {
        return Ok(None);
    };
    let Some(trailer) = trailer else {
        return match config.mode {
            HmacMode::Enforce => Err(Discard::Hmac(Fault::Missing)),
            HmacMode::Permissive | HmacMode::ReceiveOnly => Ok(None),
        };
    };
    let most_marks = match &router.transport {
        Transport::Multicast { .. } => None,
        // A mark for each, so nobody but a peer may have one.
        Transport::Unicast { peers, .. } if peers.contains(&datagram.source) => Some(peers.len()),
        Transport::Unicast { .. } => return Err(Discard::UnknownPeer),
    };
    let about = About {
        family: router.family,
        version: router.version,
        vrid: router.vrid,
        source: datagram.source,
    };
    let ahead = memory
        .hmac
        .check(config, about, (whole, trailer), wall, most_marks)
        .map_err(Discard::Hmac)?;
    Ok(hmac::is_skewed(config.replay, ahead).then_some(ahead))
}

/// Facts 6.12, 5.5 and 5.6: whether the checksum is the first of the old kind. The kernel has verified those of IPv6.
fn check_sum(
    router: &RouterConfig,
    datagram: &Datagram,
    whole: &[u8],
    old_known: bool,
) -> Result<bool, Discard> {
    if router.family == Family::V6 {
        return Ok(false);
    }
    let packets = &router.packets;
    let source = datagram.source;
    let right = |covers| checksum::over(covers, whole) == 0;
    let usual = Covers::Addresses(source, datagram.destination);
    let good = match router.version {
        Version::V2 => right(Covers::Packet),
        Version::V3 => right(usual) || (packets.v3_checksum_as_v2 && right(Covers::Packet)),
    };
    if good {
        return Ok(false);
    }
    let unicast = matches!(router.transport, Transport::Unicast { .. });
    let old = Covers::Addresses(source, packets.old_checksum_group.into());
    if router.version == Version::V3 && unicast && packets.old_checksum != OldChecksum::Never && right(old) {
        return Ok(packets.old_checksum == OldChecksum::Auto && !old_known);
    }
    Err(Discard::Checksum {
        version: router.version,
    })
}

/// Fact 6.17.
fn check_peer(router: &RouterConfig, datagram: &Datagram) -> Result<(), Discard> {
    let Transport::Unicast { peers, .. } = &router.transport else {
        return Ok(());
    };
    let ttls = &router.packets.peer_ttls;
    if !router.check_unicast_src && ttls.is_empty() {
        return Ok(());
    }
    if !peers.contains(&datagram.source) {
        return Err(Discard::UnknownPeer);
    }
    let Some(limit) = ttls.iter().find(|limit| limit.peer == datagram.source) else {
        return Ok(());
    };
    let (least, most) = (limit.least, limit.most);
    let received = datagram.ttl;
    if received.is_some_and(|ttl| (least..=most).contains(&ttl)) {
        Ok(())
    } else {
        Err(Discard::PeerTtl {
            received,
            least,
            most,
        })
    }
}

/// Facts 6.7 and 6.8; the sequence number of AH.
fn check_version_2(
    router: &RouterConfig,
    datagram: &Datagram,
    packet: &Packet<'_>,
    counter: ah::Counter,
) -> Result<Option<u32>, Discard> {
    /// AH.
    const LAST_KNOWN_AUTH: u8 = 2;
    let received = packet.auth_type();
    let expected = router.auth.wire_type();
    if received > LAST_KNOWN_AUTH {
        return Err(Discard::UnknownAuth { received });
    }
    if received != expected {
        return Err(Discard::AuthMismatch { received, expected });
    }
    let sequence = match &router.auth {
        Auth::None => None,
        Auth::Pass(ours) => {
            // Over IPv6 there is nothing to compare.
            let theirs = packet.auth_data(router.family);
            if theirs.is_some_and(|theirs| !same(ours, &theirs)) {
                return Err(Discard::Password);
            }
            None
        }
        Auth::Ah(key) => Some(open_ah(router, datagram, packet, key, counter).ok_or(Discard::Ah)?),
    };
    let (ours, theirs) = (router.advert_int.as_secs(), u64::from(packet.interval_v2()));
    if ours != theirs {
        return Err(Discard::Interval { ours, theirs });
    }
    Ok(sequence)
}

/// Fact 7.5.
fn open_ah(
    router: &RouterConfig,
    datagram: &Datagram,
    packet: &Packet<'_>,
    key: &[u8; 8],
    counter: ah::Counter,
) -> Option<u32> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (datagram.source, datagram.destination) else {
        return None;
    };
    let ip = ah::IpHeader {
        source,
        destination,
        ttl: datagram.ttl?,
        id: datagram.id,
        payload_len: datagram.claimed_len,
    };
    let length = ah::AH_LEN + packet.expected_len(router.version, router.family);
    ah::open(key, ip, &datagram.payload, length, counter)
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
