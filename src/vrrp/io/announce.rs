//! Announcing addresses: gratuitous ARP (fact 11.1) and unsolicited neighbour advertisements (fact 11.2), as whole
//! Ethernet frames.
//!
//! When and how often is the engine's business. This makes the frames, sends a round with few system calls and, when
//! a queue of the kernel is full, tries the rest again a little later.

use crate::clock::Instant;
use crate::net::{IfIndex, Mac};
use crate::sys::packet::{self, BATCH, Frame};
use crate::vrrp::RouterId;
use crate::vrrp::event::{AnnounceTarget, Announcement};
use pnet::packet::Packet;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{MutableNeighborAdvertPacket, NdpOption, NdpOptionTypes};
use pnet::packet::icmpv6::{self, Icmpv6Code, Icmpv6Packet, Icmpv6Types};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::util::{MacAddr, core_net};
use socket2::Socket;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// From a full queue to the next attempt.
const RETRY_AFTER: Duration = Duration::from_millis(2);
/// Attempts before a frame is given up.
const MOST_ATTEMPTS: u8 = 50;
/// Frames that may wait for a full queue; more are given up, the oldest first.
const LONGEST_QUEUE: usize = 16_384;

/// What became of the frames so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnnounceCounters {
    /// Left.
    pub sent: u64,
    /// Attempts that met a full queue.
    pub retried: u64,
    /// Given up: refused, or the queue stayed full.
    pub dropped: u64,
}

/// Sends announcements.
#[derive(Debug)]
pub struct Announcer {
    socket: Socket,
    /// The first announcement of each address.
    first: VecDeque<Queued>,
    /// Its repetitions, which wait while there are first ones.
    repeats: VecDeque<Queued>,
    retry_at: Option<Instant>,
    counters: AnnounceCounters,
}

#[derive(Debug)]
struct Queued {
    router: RouterId,
    frame: Frame,
    attempts: u8,
}

impl Announcer {
    /// Opens the packet socket.
    ///
    /// # Errors
    /// `EPERM` without `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            socket: packet::open()?,
            first: VecDeque::new(),
            repeats: VecDeque::new(),
            retry_at: None,
            counters: AnnounceCounters::default(),
        })
    }

    /// Takes one round, to be sent by [`Self::send_first`] or [`Self::flush`].
    pub fn announce(&mut self, round: &Announcement) {
        for target in &round.targets {
            let Some(frame) = frame(target) else {
                self.counters.dropped += 1;
                continue;
            };
            if self.first.len() + self.repeats.len() >= LONGEST_QUEUE {
                // A repetition is missed least.
                if self.repeats.pop_front().is_none() {
                    self.first.pop_front();
                }
                self.counters.dropped += 1;
            }
            let queue = if round.repeated {
                &mut self.repeats
            } else {
                &mut self.first
            };
            queue.push_back(Queued {
                router: round.router,
                frame,
                attempts: 0,
            });
        }
    }

    /// Forgets what still waits of a router that is no longer master (fact 11.6).
    pub fn forget(&mut self, router: RouterId) {
        self.first.retain(|queued| queued.router != router);
        self.repeats.retain(|queued| queued.router != router);
        if self.is_idle() {
            self.retry_at = None;
        }
    }

    /// Whether nothing waits.
    pub fn is_idle(&self) -> bool {
        self.first.is_empty() && self.repeats.is_empty()
    }

    /// Whether repetitions wait, and nothing else does.
    pub fn has_repeats(&self) -> bool {
        self.first.is_empty() && !self.repeats.is_empty()
    }

    /// When to call [`Self::flush`] again because a queue of the kernel was full.
    pub const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// What became of the frames so far.
    pub const fn counters(&self) -> AnnounceCounters {
        self.counters
    }

    /// Sends what waits but for repetitions. Returns the first refusal, if any; full queues are none.
    pub fn send_first(&mut self, now: Instant) -> Option<io::Error> {
        if self.first.is_empty() {
            return None;
        }
        self.send(now, false)
    }

    /// Sends what waits. Returns as [`Self::send_first`].
    pub fn flush(&mut self, now: Instant) -> Option<io::Error> {
        self.send(now, true)
    }

    fn send(&mut self, now: Instant, all: bool) -> Option<io::Error> {
        self.retry_at = None;
        let mut refused = None;
        while let Some(queue) = next(&mut self.first, &mut self.repeats, all) {
            let batch: Vec<&Frame> = queue.iter().take(BATCH).map(|queued| &queued.frame).collect();
            match packet::send_frames(&self.socket, &batch) {
                Ok(count) => {
                    queue.drain(..count.min(queue.len()));
                    self.counters.sent += u64::try_from(count).unwrap_or(0);
                }
                Err(error) if is_full(&error) => {
                    self.counters.retried += 1;
                    if has_another_attempt(queue) {
                        self.retry_at = Some(now + RETRY_AFTER);
                        return refused;
                    }
                    self.counters.dropped += 1;
                }
                Err(error) => {
                    // The first frame's fault; the others get their turn.
                    queue.pop_front();
                    self.counters.dropped += 1;
                    refused.get_or_insert(error);
                }
            }
        }
        refused
    }
}

/// The queue whose turn it is.
fn next<'a>(
    first: &'a mut VecDeque<Queued>,
    repeats: &'a mut VecDeque<Queued>,
    all: bool,
) -> Option<&'a mut VecDeque<Queued>> {
    if !first.is_empty() {
        Some(first)
    } else if all && !repeats.is_empty() {
        Some(repeats)
    } else {
        None
    }
}

/// Whether the first frame, which met a full queue, has another attempt. It is given up otherwise.
fn has_another_attempt(queue: &mut VecDeque<Queued>) -> bool {
    let Some(first) = queue.front_mut() else {
        return false;
    };
    first.attempts += 1;
    let another = first.attempts < MOST_ATTEMPTS;
    if !another {
        queue.pop_front();
    }
    another
}

fn is_full(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS) || error.kind() == io::ErrorKind::WouldBlock
}

/// The frame that announces `target`; `None` only if pnet's sizes and ours disagreed.
pub fn frame(target: &AnnounceTarget) -> Option<Frame> {
    let bytes = match target.address {
        IpAddr::V4(address) => gratuitous_arp(address, target.mac),
        IpAddr::V6(address) => neighbour_advertisement(address, target.mac, target.router_flag),
    };
    bytes.map(|bytes| made(target.interface, bytes))
}

const fn made(interface: IfIndex, bytes: Vec<u8>) -> Frame {
    Frame { interface, bytes }
}

const ETHERNET_LEN: usize = 14;
const ARP_LEN: usize = 28;
const IPV6_LEN: usize = 40;
/// Header of 24 octets and one option of 8.
const ADVERTISEMENT_LEN: usize = 32;

/// `ff02::1`, to whom every node listens.
const ALL_NODES: core_net::Ipv6Addr = core_net::Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Its Ethernet form.
const ALL_NODES_MAC: MacAddr = MacAddr(0x33, 0x33, 0, 0, 0, 1);

/// An ARP request by `address` for itself, target hardware address broadcast (fact 11.1).
fn gratuitous_arp(address: Ipv4Addr, mac: Mac) -> Option<Vec<u8>> {
    let own = core_net::Ipv4Addr::from(address.octets());
    let mut bytes = vec![0; ETHERNET_LEN + ARP_LEN];
    let mut ethernet = MutableEthernetPacket::new(&mut bytes)?;
    ethernet.set_destination(MacAddr::broadcast());
    ethernet.set_source(mac_addr(mac));
    ethernet.set_ethertype(EtherTypes::Arp);
    let mut arp = MutableArpPacket::new(bytes.get_mut(ETHERNET_LEN..)?)?;
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(ArpOperations::Request);
    arp.set_sender_hw_addr(mac_addr(mac));
    arp.set_sender_proto_addr(own);
    arp.set_target_hw_addr(MacAddr::broadcast());
    arp.set_target_proto_addr(own);
    Some(bytes)
}

/// An unsolicited neighbour advertisement from `address` for itself to all nodes (fact 11.2; RFC 4861 §7.2.6).
fn neighbour_advertisement(address: Ipv6Addr, mac: Mac, router: bool) -> Option<Vec<u8>> {
    const OVERRIDE: u8 = 0x20;
    const ROUTER: u8 = 0x80;
    let own = core_net::Ipv6Addr::from(address.octets());
    let mut bytes = vec![0; ETHERNET_LEN + IPV6_LEN + ADVERTISEMENT_LEN];
    let mut ethernet = MutableEthernetPacket::new(&mut bytes)?;
    ethernet.set_destination(ALL_NODES_MAC);
    ethernet.set_source(mac_addr(mac));
    ethernet.set_ethertype(EtherTypes::Ipv6);
    let mut ip = MutableIpv6Packet::new(bytes.get_mut(ETHERNET_LEN..)?)?;
    ip.set_version(6);
    ip.set_payload_length(u16::try_from(ADVERTISEMENT_LEN).ok()?);
    ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
    ip.set_hop_limit(255);
    ip.set_source(own);
    ip.set_destination(ALL_NODES);
    let mut advert = MutableNeighborAdvertPacket::new(bytes.get_mut(ETHERNET_LEN + IPV6_LEN..)?)?;
    advert.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
    advert.set_icmpv6_code(Icmpv6Code(0));
    advert.set_flags(if router { OVERRIDE | ROUTER } else { OVERRIDE });
    advert.set_target_addr(own);
    advert.set_options(&[NdpOption {
        option_type: NdpOptionTypes::TargetLLAddr,
        length: 1,
        data: mac.0.to_vec(),
    }]);
    let sum = icmpv6::checksum(&Icmpv6Packet::new(advert.packet())?, &own, &ALL_NODES);
    advert.set_checksum(sum);
    Some(bytes)
}

fn mac_addr(mac: Mac) -> MacAddr {
    let [a, b, c, d, e, f] = mac.0;
    MacAddr(a, b, c, d, e, f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    fn bytes_of(address: &str, router_flag: bool) -> Vec<u8> {
        frame(&AnnounceTarget {
            address: address.parse().unwrap(),
            interface: IfIndex(2),
            mac: Mac([2, 0, 0, 0, 0, 0x0a]),
            router_flag,
        })
        .unwrap()
        .bytes
    }

    /// Captured from keepalived 2.2.7.
    /// Facts: 11.1
    #[test]
    fn gratuitous_arp_is_keepalived_s() {
        assert_eq!(
            bytes_of("10.9.0.100", false),
            hex("ffffffffffff02000000000a0806000108000604000102000000000a0a090064ffffffffffff0a090064")
        );
    }

    /// Captured from keepalived 2.2.7.
    /// Facts: 11.2
    #[test]
    fn neighbour_advertisement_is_keepalived_s() {
        assert_eq!(
            bytes_of("fe80::53", false),
            hex(concat!(
                "33330000000102000000000a86dd6000000000203afffe800000000000000000000000000053",
                "ff020000000000000000000000000001880056ee20000000fe80000000000000000000000000",
                "0053020102000000000a"
            ))
        );
        assert_eq!(
            bytes_of("fd00:9::54", false),
            hex(concat!(
                "33330000000102000000000a86dd6000000000203afffd000009000000000000000000000054",
                "ff020000000000000000000000000001880059da20000000fd00000900000000000000000000",
                "0054020102000000000a"
            ))
        );
    }

    /// Facts: 11.2
    #[test]
    fn a_forwarding_interface_says_router() {
        let (host, router) = (bytes_of("fd00:9::54", false), bytes_of("fd00:9::54", true));
        assert_eq!((host[58], router[58]), (0x20, 0xa0));
        // The sum over addresses, length, protocol and message is that of a packet whose checksum is right.
        let words = |octets: &[u8]| -> u32 {
            let pairs = octets
                .chunks(2)
                .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
            pairs.sum()
        };
        for frame in [host, router] {
            let sum = words(&frame[22..]) + 32 + 58;
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        }
    }
}
