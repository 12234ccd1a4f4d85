//! What the BFD plane runs: the sessions, every default filled in.

use crate::net::Family;
use std::net::IpAddr;
use std::time::Duration;

/// The whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BfdConfig {
    /// `bfd_instance`, in the order of the file.
    pub sessions: Vec<SessionConfig>,
}

/// A `bfd_instance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Its name.
    pub name: String,
    /// `neighbor_ip`: the other end.
    pub neighbor: IpAddr,
    /// `source_ip`; `None`: as the kernel chooses.
    pub source: Option<IpAddr>,
    /// `min_rx`: at most so often it shall be spoken to.
    pub min_rx: Duration,
    /// `min_tx`: at most so often it speaks.
    pub min_tx: Duration,
    /// `idle_tx`: how often it speaks while the session is not up.
    pub idle_tx: Duration,
    /// `multiplier`: so many packets missing in a row end the session.
    pub multiplier: u8,
    /// `passive`: silent until the other end is heard.
    pub passive: bool,
    /// `ttl`, `hoplimit`
    pub ttl: u8,
    /// `max_hops`: so many hops a packet may have come; `None`: any number.
    pub max_hops: Option<u8>,
    /// `multihop`
    pub multihop: bool,
    /// `weight`: of those that track it and say none.
    pub weight: i16,
    /// `weight … reverse`
    pub reverse: bool,
    /// Virtual routers hear of its state.
    pub vrrp: bool,
    /// Checkers hear of its state.
    pub checker: bool,
}

impl SessionConfig {
    /// Where it is heard.
    pub fn port(&self) -> ReceivePort {
        ReceivePort {
            family: Family::of(&self.neighbor),
            multihop: self.multihop,
        }
    }

    /// The least TTL or hop limit of a packet that is received (fact 24.3).
    pub fn least_ttl(&self) -> u8 {
        self.max_hops.map_or(0, |hops| self.ttl.saturating_sub(hops))
    }

    /// Whether `other` is the same session: a reload keeps its state (fact 24.9).
    pub fn same_session(&self, other: &Self) -> bool {
        self.name == other.name
            && self.neighbor == other.neighbor
            && self.source == other.source
            && self.multihop == other.multihop
    }
}

/// A receive socket, of which all sessions of a kind share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceivePort {
    /// The family of addresses.
    pub family: Family,
    /// 4784 instead of 3784.
    pub multihop: bool,
}

impl ReceivePort {
    /// The UDP port that packets are sent to (RFC 5881, 5883).
    pub fn number(self) -> u16 {
        if self.multihop { 4784 } else { 3784 }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Sessions for tests.

    use super::{Duration, Family, IpAddr, SessionConfig};

    /// A session with keepalived's defaults.
    pub(crate) fn session(name: &str, neighbor: IpAddr) -> SessionConfig {
        SessionConfig {
            name: name.to_owned(),
            neighbor,
            source: None,
            min_rx: Duration::from_millis(10),
            min_tx: Duration::from_millis(10),
            idle_tx: Duration::from_secs(1),
            multiplier: 5,
            passive: false,
            ttl: match Family::of(&neighbor) {
                Family::V4 => 255,
                Family::V6 => 64,
            },
            max_hops: Some(0),
            multihop: false,
            weight: 0,
            reverse: false,
            vrrp: true,
            checker: true,
        }
    }
}
