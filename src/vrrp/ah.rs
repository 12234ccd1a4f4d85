//! IPsec AH around a version 2 advert (RFC 2402, RFC 2403; facts 7.2 to 7.6): the header, its ICV, the counter.
//!
//! A private use of AH: the key is the password, and nothing of the kernel's IPsec takes part.

use super::auth::{AUTH_LEN, same};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use std::net::Ipv4Addr;

/// Octets between the IP header and the VRRP packet.
pub const AH_LEN: usize = 24;
/// Octets of the ICV.
const ICV_LEN: usize = 12;
/// Where it begins.
const ICV_OFFSET: usize = AH_LEN - ICV_LEN;
/// An IPv4 header without options.
const IP_LEN: usize = 20;
/// VRRP is what follows.
const NEXT_HEADER: u8 = 112;
/// The header's length in words of 32 bits, less 2.
const PAYLOAD_LEN: u8 = 4;
/// AH's own number.
const PROTOCOL: u8 = 51;
/// Above this the counter stands still (fact 7.4).
const LAST_SEQUENCE: u32 = 0xFFFF_FFFD;

/// What the ICV covers of the IP header; the rest of it counts as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpHeader {
    /// Source.
    pub source: Ipv4Addr,
    /// Destination; of a group, the TTL counts too.
    pub destination: Ipv4Addr,
    /// TTL.
    pub ttl: u8,
    /// Identification.
    pub id: u16,
    /// The length by the header, without the header.
    pub payload_len: usize,
}

/// The highest sequence number sent or received: one counter for both, so that who takes over goes on where the other
/// ended (fact 7.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter(u32);

impl Counter {
    /// The number of the next advert.
    pub const fn next(&mut self) -> u32 {
        if self.0 <= LAST_SEQUENCE {
            self.0 += 1;
        }
        self.0
    }

    /// The number after this one.
    pub const fn after(sequence: u32) -> u32 {
        sequence.saturating_add(1)
    }

    /// A MASTER whose counter has come to its end begins anew (fact 7.4).
    pub const fn become_master(&mut self) {
        if self.0 > LAST_SEQUENCE {
            self.0 = 0;
        }
    }

    /// The earlier run's ended there. What was heard since may be further.
    pub const fn resume(&mut self, sequence: u32) {
        if sequence > self.0 {
            self.0 = sequence;
        }
    }

    /// An advert with this number counted.
    pub const fn heard(&mut self, sequence: u32) {
        self.0 = sequence;
    }
}

/// `pdu` behind an AH header. `ip.payload_len` is not looked at.
pub fn seal(key: &[u8; AUTH_LEN], ip: IpHeader, sequence: u32, pdu: &[u8]) -> Vec<u8> {
    let mut packet = vec![NEXT_HEADER, PAYLOAD_LEN, 0, 0];
    packet.extend(ip.source.octets());
    packet.extend(sequence.to_be_bytes());
    packet.extend([0; ICV_LEN]);
    packet.extend(pdu);
    let ip = IpHeader {
        payload_len: packet.len(),
        ..ip
    };
    let value = icv(key, ip, &packet);
    for (octet, value) in packet.iter_mut().skip(ICV_OFFSET).zip(value) {
        *octet = value;
    }
    packet
}

/// The sequence number of a packet that begins with an AH header, of which `length` octets count.
///
/// `None`: the ICV, the SPI or the sequence number is not right.
pub fn open(
    key: &[u8; AUTH_LEN],
    ip: IpHeader,
    packet: &[u8],
    length: usize,
    counter: Counter,
) -> Option<u32> {
    let packet = packet.get(..length)?;
    let &[next, words, _, _, s1, s2, s3, s4, n1, n2, n3, n4, ref theirs @ ..] =
        packet.first_chunk::<AH_LEN>()?;
    let ours = icv(key, ip, packet);
    let good = same(&ours, theirs) & (next == NEXT_HEADER) & (words == PAYLOAD_LEN);
    let sequence = u32::from_be_bytes([n1, n2, n3, n4]);
    (good && Ipv4Addr::new(s1, s2, s3, s4) == ip.source && sequence > counter.0).then_some(sequence)
}

/// The sequence number of a packet that begins with an AH header.
pub fn sequence(packet: &[u8]) -> Option<u32> {
    packet
        .get(8..ICV_OFFSET)
        .and_then(|octets| octets.try_into().ok())
        .map(u32::from_be_bytes)
}

/// HMAC-MD5-96 over the IP header, as far as it does not change on the way, and the packet without the ICV.
fn icv(key: &[u8; AUTH_LEN], ip: IpHeader, packet: &[u8]) -> [u8; ICV_LEN] {
    let total = u16::try_from(IP_LEN + ip.payload_len).unwrap_or(u16::MAX);
    let [len_high, len_low] = total.to_be_bytes();
    let [id_high, id_low] = ip.id.to_be_bytes();
    let ttl = if ip.destination.is_multicast() { ip.ttl } else { 0 };
    let mut hmac = keyed(key);
    hmac.update(&[
        0x45, 0, len_high, len_low, id_high, id_low, 0, 0, ttl, PROTOCOL, 0, 0,
    ]);
    hmac.update(&ip.source.octets());
    hmac.update(&ip.destination.octets());
    let (before, rest) = packet.split_at(ICV_OFFSET.min(packet.len()));
    hmac.update(before);
    hmac.update(&[0; ICV_LEN]);
    hmac.update(rest.get(ICV_LEN..).unwrap_or_default());
    let mut out = [0; ICV_LEN];
    for (octet, value) in out.iter_mut().zip(hmac.finalize().into_bytes()) {
        *octet = value;
    }
    out
}

/// A key shorter than MD5's block is as good as one with zeros behind it.
fn keyed(key: &[u8; AUTH_LEN]) -> Hmac<Md5> {
    let mut block = hmac::digest::Key::<Hmac<Md5>>::default();
    for (octet, value) in block.iter_mut().zip(key) {
        *octet = *value;
    }
    Hmac::new(&block)
}

#[cfg(test)]
mod tests;
