//! The trailer of `auth_hmac`: HMAC-SHA-256 with key numbers and protection against replay (facts 8).
//!
//! The wall clock is a value that is passed in. It may jump: in time mode a sender that finds itself far ahead of the
//! clock begins anew from it, and a receiver forgets a mark that the clock has left behind.

use super::auth::same;
use super::config::{HmacConfig, HmacKey, HmacMode, Replay, Version};
use super::{Vrid, advert};
use crate::net::Family;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::net::IpAddr;
use std::time::Duration;

/// Octets of the trailer.
pub const TRAILER_LEN: usize = 28;
/// HMAC-SHA-256, the first 128 bits.
const TYPE: u8 = 1;
/// Octets of the trailer before the HMAC.
const HEAD_LEN: usize = 12;
/// Octets of the HMAC.
const MAC_LEN: usize = TRAILER_LEN - HEAD_LEN;
/// Senders that a multicast router keeps marks of.
const MULTICAST_MARKS: usize = 4;

/// When an advert was sent: seconds, 1/65536 s and a counter, as one number (fact 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence(u64);

impl Sequence {
    /// At that time of the wall clock; of its seconds the lower 32 bits.
    pub fn at(wall: Duration) -> Self {
        let fraction = (u64::from(wall.subsec_nanos()) << 16) / 1_000_000_000;
        Self(((wall.as_secs() & 0xffff_ffff) << 32) | (fraction << 16))
    }

    /// Whether it is later (RFC 1982).
    const fn is_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }

    /// The one after it.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Seconds from the clock to this.
    fn ahead_of(self, wall: Duration) -> i64 {
        let seconds = |n: u64| u32::try_from(n & 0xffff_ffff).unwrap_or(u32::MAX);
        let (own, clock) = (seconds(self.0 >> 32), seconds(wall.as_secs()));
        i64::from(own.wrapping_sub(clock).cast_signed())
    }
}

/// What a packet is for, beside its octets: the pseudo header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// IPv4 or IPv6.
    pub family: Family,
    /// VRRP's version.
    pub version: Version,
    /// VRID.
    pub vrid: Vrid,
    /// IP source.
    pub source: IpAddr,
}

/// Why a packet does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No trailer, and one is needed.
    Missing,
    /// Another type, or what is reserved is used.
    Malformed,
    /// Too old, or of the future.
    Stale {
        /// Seconds that the sender is ahead of our clock.
        ahead: i64,
    },
    /// We have no such key.
    UnknownKey {
        /// Its number.
        id: u8,
    },
    /// The HMAC is wrong.
    Invalid,
    /// Not later than the last one of this sender.
    Replay,
}

/// What a router remembers of adverts sent and received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    sent: Option<Sequence>,
    /// The latest of each sender; who was heard last is last.
    marks: Vec<(IpAddr, Sequence)>,
}

impl Memory {
    /// What was received is forgotten: the configuration is read anew (fact 8.10).
    pub fn forget_received(&mut self) {
        self.marks.clear();
    }

    /// The sequence of the next advert (fact 8.4).
    pub fn next(&mut self, replay: Replay, wall: Duration) -> Sequence {
        let clock = Sequence::at(wall);
        let next = match self.sent {
            None => clock,
            Some(last) if clock.is_after(last) => clock,
            Some(last) => match replay {
                Replay::Time { window } if last.ahead_of(wall) > seconds(window) => clock,
                Replay::Time { .. } | Replay::Monotonic => last.next(),
            },
        };
        self.sent = Some(next);
        next
    }

    /// Checks the trailer of a packet; how far the sender's clock is ahead of ours, in seconds (fact 8.5).
    ///
    /// # Errors
    /// The first check that it does not pass.
    pub fn check(
        &mut self,
        config: &HmacConfig,
        about: About,
        packet: (&[u8], &[u8; TRAILER_LEN]),
        wall: Duration,
        most_marks: Option<usize>,
    ) -> Result<i64, Fault> {
        let (pdu, trailer) = packet;
        let &[kind, id, r1, r2, s1, s2, s3, s4, f1, f2, c1, c2, ref theirs @ ..] = trailer;
        if kind != TYPE || (r1, r2) != (0, 0) {
            return Err(Fault::Malformed);
        }
        let sequence = Sequence(u64::from_be_bytes([s1, s2, s3, s4, f1, f2, c1, c2]));
        let ahead = sequence.ahead_of(wall);
        if let Replay::Time { window } = config.replay
            && ahead.abs() > seconds(window)
        {
            return Err(Fault::Stale { ahead });
        }
        let key = config.keys.iter().find(|key| key.id == id);
        let key = key.ok_or(Fault::UnknownKey { id })?;
        let head: &[u8] = trailer.get(..HEAD_LEN).unwrap_or_default();
        if !same(&mac(key, about, pdu, head), theirs) {
            return Err(Fault::Invalid);
        }
        self.mark(config.replay, about.source, sequence, wall, most_marks)?;
        Ok(ahead)
    }

    /// Raises the sender's mark.
    fn mark(
        &mut self,
        replay: Replay,
        source: IpAddr,
        sequence: Sequence,
        wall: Duration,
        most: Option<usize>,
    ) -> Result<(), Fault> {
        if let Some(at) = self.marks.iter().position(|(sender, _)| *sender == source) {
            let (_, last) = self.marks.remove(at);
            // A clock that was set left the mark behind.
            let forgotten = match replay {
                Replay::Time { window } => last.ahead_of(wall).abs() > seconds(window),
                Replay::Monotonic => false,
            };
            if !forgotten && !sequence.is_after(last) {
                self.marks.insert(at, (source, last));
                return Err(Fault::Replay);
            }
        }
        if most.unwrap_or(MULTICAST_MARKS) <= self.marks.len() && !self.marks.is_empty() {
            self.marks.remove(0);
        }
        self.marks.push((source, sequence));
        Ok(())
    }
}

fn seconds(window: Duration) -> i64 {
    i64::try_from(window.as_secs()).unwrap_or(i64::MAX)
}

/// Whether a sender so far ahead of our clock, or behind it, is worth a word (fact 8.7).
pub fn is_skewed(replay: Replay, ahead: i64) -> bool {
    match replay {
        Replay::Time { window } => ahead.abs().saturating_mul(2) > seconds(window),
        Replay::Monotonic => false,
    }
}

/// The trailer of `pdu`; nothing where none is sent.
pub fn trailer(config: &HmacConfig, about: About, pdu: &[u8], sequence: Sequence) -> Vec<u8> {
    let key = config.keys.iter().find(|key| key.id == config.active);
    let Some(key) = key.filter(|_| config.mode != HmacMode::ReceiveOnly) else {
        return Vec::new();
    };
    let mut out = vec![TYPE, key.id, 0, 0];
    out.extend(sequence.0.to_be_bytes());
    let mac = mac(key, about, pdu, &out);
    out.extend(mac);
    out
}

/// Fact 8.2. The checksum counts as zero: it differs from peer to peer, and the kernel makes that of IPv6.
fn mac(key: &HmacKey, about: About, pdu: &[u8], head: &[u8]) -> [u8; MAC_LEN] {
    let number = match about.family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let mut pseudo = vec![number, about.version.number(), about.vrid.get(), 0];
    match about.source {
        IpAddr::V4(source) => {
            pseudo.extend(source.octets());
            pseudo.extend([0; 12]);
        }
        IpAddr::V6(source) => pseudo.extend(source.octets()),
    }
    let mut hmac = keyed(&key.octets);
    hmac.update(&pseudo);
    let (before, rest) = pdu.split_at(advert::CHECKSUM_OFFSET.min(pdu.len()));
    hmac.update(before);
    hmac.update(&[0; 2]);
    hmac.update(rest.get(2..).unwrap_or_default());
    hmac.update(head);
    hmac.update(&[0; MAC_LEN]);
    let mut out = [0; MAC_LEN];
    for (octet, value) in out.iter_mut().zip(hmac.finalize().into_bytes()) {
        *octet = value;
    }
    out
}

/// Keys are at most as long as SHA-256's block (fact 8.2).
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (octet, value) in block.iter_mut().zip(key) {
        *octet = *value;
    }
    Hmac::new(&block)
}

#[cfg(test)]
mod tests;
