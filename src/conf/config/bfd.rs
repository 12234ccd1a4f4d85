//! `bfd_instance`.

use super::Spanned;
use std::net::IpAddr;
use std::time::Duration;

/// A BFD session, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdSession {
    /// Its name.
    pub name: Spanned<String>,
    /// `neighbor_ip`: the other end.
    pub neighbor: IpAddr,
    /// `source_ip`; `None`: as the kernel chooses.
    pub source: Option<IpAddr>,
    /// `min_rx`: at most so often it shall be spoken to.
    pub min_rx: Duration,
    /// `min_tx`: at most so often it speaks.
    pub min_tx: Duration,
    /// `idle_tx`: how often it speaks while the session is down.
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
    /// Its state is VRRP's business.
    pub vrrp: bool,
    /// Its state is the checkers' business.
    pub checker: bool,
}
