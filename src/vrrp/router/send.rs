//! The adverts of a router as they leave: plain, in AH, or with a trailer (facts 5, 7, 8).

use super::{Cx, VirtualRouter};
use crate::vrrp::Priority;
use crate::vrrp::accept::Memory;
use crate::vrrp::advert::{Addresses, AdvertV2, AdvertV3, Advertisement, Centiseconds, Seconds};
use crate::vrrp::ah;
use crate::vrrp::checksum::Covers;
use crate::vrrp::config::{Auth, OldChecksum, RouterConfig, Transport, Version};
use crate::vrrp::endpoint::MULTICAST_TTL;
use crate::vrrp::event::{Action, Transmit};
use crate::vrrp::hmac::{self, About, Sequence};
use std::net::IpAddr;

/// What all copies of an advert share (fact 5.8).
#[derive(Clone, Copy)]
struct Shared {
    source: IpAddr,
    ttl: u8,
    id: u16,
    /// Of AH; 0 without.
    ah_sequence: u32,
    /// Of `auth_hmac`.
    hmac_sequence: Option<Sequence>,
}

impl VirtualRouter {
    /// One logical advert, to the group or to every peer in order (fact 5.8). False when there is nowhere to send it
    /// from.
    pub(super) fn transmit(&mut self, cx: &mut Cx<'_>, priority: Priority) -> bool {
        let (Some(interface), Some(source)) = (self.index(cx.world), self.source) else {
            return false;
        };
        // Never 0: the kernel would put in its own.
        self.ip_id = self.ip_id.checked_add(1).unwrap_or(1);
        let config = &self.config;
        let (destinations, ttl) = match &config.transport {
            Transport::Multicast { group } => (std::slice::from_ref(group), MULTICAST_TTL),
            Transport::Unicast { peers, ttl } => (peers.as_slice(), *ttl),
        };
        let hmac = config.packets.hmac.as_ref();
        let shared = Shared {
            source,
            ttl,
            id: self.ip_id,
            ah_sequence: match config.auth {
                Auth::Ah(_) => self.memory.ah.next(),
                Auth::None | Auth::Pass(_) => 0,
            },
            hmac_sequence: hmac.map(|hmac| self.memory.hmac.next(hmac.replay, cx.wall)),
        };
        // Should its sender die, the next one is priority 0.
        let authentic = hmac.is_some() || matches!(config.auth, Auth::Ah(_));
        let last = Shared {
            ah_sequence: ah::Counter::after(shared.ah_sequence),
            hmac_sequence: shared.hmac_sequence.map(Sequence::next),
            ..shared
        };
        let goodbye = authentic && priority != Priority::RELEASE;
        for destination in destinations.iter().copied() {
            let packet = |priority, shared| payload(config, &self.memory, priority, shared, destination);
            cx.actions.push_back(Action::Send(Transmit {
                router: self.id,
                interface,
                source,
                destination,
                ttl,
                id: self.ip_id,
                carrier: config.carrier(),
                old_checksum: self.memory.old_checksum,
                payload: packet(priority, shared),
                goodbye: goodbye.then(|| packet(Priority::RELEASE, last)),
            }));
        }
        self.counters.advert_sent += 1;
        self.last_advert_sent = Some(cx.now);
        true
    }
}

/// What follows the IP header.
fn payload(
    config: &RouterConfig,
    memory: &Memory,
    priority: Priority,
    shared: Shared,
    destination: IpAddr,
) -> Vec<u8> {
    let covers = covers(config, memory, shared.source, destination);
    let mut pdu = advertisement(config, priority).emit_with(covers);
    if let (Auth::Ah(key), IpAddr::V4(source), IpAddr::V4(destination)) =
        (&config.auth, shared.source, destination)
    {
        let ip = ah::IpHeader {
            source,
            destination,
            ttl: shared.ttl,
            id: shared.id,
            payload_len: 0,
        };
        return ah::seal(key, ip, shared.ah_sequence, &pdu);
    }
    if let (Some(hmac), Some(sequence)) = (&config.packets.hmac, shared.hmac_sequence) {
        let about = About {
            family: config.family,
            version: config.version,
            vrid: config.vrid,
            source: shared.source,
        };
        let trailer = hmac::trailer(hmac, about, &pdu, sequence);
        pdu.extend(trailer);
    }
    pdu
}

/// What the checksum of IPv4 covers (facts 5.5, 5.6).
fn covers(config: &RouterConfig, memory: &Memory, source: IpAddr, destination: IpAddr) -> Covers {
    let packets = &config.packets;
    if config.version == Version::V2 || packets.v3_checksum_as_v2 {
        return Covers::Packet;
    }
    let old = match packets.old_checksum {
        OldChecksum::Always => true,
        OldChecksum::Auto => memory.old_checksum,
        OldChecksum::Never => false,
    };
    let destination = if old && destination.is_ipv4() && !destination.is_multicast() {
        packets.old_checksum_group.into()
    } else {
        destination
    };
    Covers::Addresses(source, destination)
}

fn advertisement(config: &RouterConfig, priority: Priority) -> Advertisement {
    let vips = config.vips.iter().map(|vip| vip.cidr.addr);
    let addresses = Addresses::new(config.family, vips);
    let vrid = config.vrid;
    match config.version {
        Version::V2 => Advertisement::V2(AdvertV2 {
            vrid,
            priority,
            interval: Seconds::nearest(config.advert_int),
            auth: config.auth,
            addresses,
        }),
        Version::V3 => Advertisement::V3(AdvertV3 {
            vrid,
            priority,
            interval: Centiseconds::nearest(config.advert_int),
            addresses,
        }),
    }
}
