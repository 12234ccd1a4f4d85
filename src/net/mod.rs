//! The network's vocabulary without I/O: families, interfaces, prefixes, addresses, routes and rules to be installed.
//!
//! Layer 0: every room speaks these words; nothing here opens anything.

mod absorb;
mod address;
mod cidr;
mod goods;
mod iface;
mod route;
mod rule;
mod text;
mod words;

pub use absorb::{Keywords, REMADE, entries, ways};
pub use address::{AddressOptions, AddressSpec, Lifetime, Scope};
pub use cidr::Cidr;
pub use goods::{Good, Goods};
pub use iface::{
    IfIndex, IfName, InterfaceAddress, InterfaceStatus, IpvlanMode, LinkKind, LinkLayer, LinkTraits, Mac,
};
pub use route::{
    Encap, Insertion, Lockable, NextHop, PROTOCOL_KEEPALIVED, Realms, Route, RouteKind, RouteMetrics, Tunnel,
};
pub use rule::{FwMark, Rule, RuleAction};
pub use words::Words;

use std::fmt;
use std::net::IpAddr;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of `addr`.
    pub const fn of(addr: &IpAddr) -> Self {
        match addr {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Length of a host prefix, in bits: 32 or 128.
    pub const fn host_prefix(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// Length of an address, in octets: 4 or 16.
    pub const fn address_len(self) -> usize {
        match self {
            Self::V4 => 4,
            Self::V6 => 16,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}
