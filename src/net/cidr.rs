//! An address with a prefix length.

use super::Family;
use std::fmt;
use std::net::IpAddr;

/// An address with its prefix length in bits (0 to 32, or 0 to 128). Host bits may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    /// The address.
    pub addr: IpAddr,
    /// The prefix length in bits.
    pub prefix: u8,
}

impl Cidr {
    /// `addr/prefix`; `None` when the prefix is longer than the family allows.
    pub fn new(addr: IpAddr, prefix: u8) -> Option<Self> {
        (prefix <= Family::of(&addr).host_prefix()).then_some(Self { addr, prefix })
    }

    /// The single host `addr`.
    pub const fn host(addr: IpAddr) -> Self {
        Self {
            addr,
            prefix: Family::of(&addr).host_prefix(),
        }
    }

    /// The family of the address.
    pub const fn family(&self) -> Family {
        Family::of(&self.addr)
    }
}

/// keepalived's form: the prefix is omitted when it is that of a host.
impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == self.family().host_prefix() {
            write!(f, "{}", self.addr)
        } else {
            write!(f, "{}/{}", self.addr, self.prefix)
        }
    }
}
