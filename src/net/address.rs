//! An address to be installed on an interface: what a line of `virtual_ipaddress` asks for.

use super::{Cidr, IfName};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// A route or address scope (`rt_scopes`): 0 global, 200 site, 253 link, 254 host, 255 nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Scope(pub u8);

impl Scope {
    /// Valid everywhere (0).
    pub const GLOBAL: Self = Self(0);
    /// Valid on this link (253).
    pub const LINK: Self = Self(253);
    /// Valid in this host (254).
    pub const HOST: Self = Self(254);
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("global"),
            200 => f.write_str("site"),
            253 => f.write_str("link"),
            254 => f.write_str("host"),
            255 => f.write_str("nowhere"),
            n => write!(f, "{n}"),
        }
    }
}

/// An address with everything the kernel is told about it. The interface is resolved: a VIP without `dev` has its
/// instance's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressSpec {
    /// Address and prefix; keepalived's default prefix is that of a host.
    pub cidr: Cidr,
    /// The interface that shall hold it.
    pub interface: IfName,
    /// `scope`.
    pub scope: Scope,
    /// `label`: IPv4 only, at most 15 octets, by custom the interface's name, a colon and a word.
    pub label: Option<String>,
    /// `brd` / `broadcast`: IPv4 only; none is set by default (fact 16.2).
    pub broadcast: Option<Ipv4Addr>,
    /// What else the line says.
    pub options: AddressOptions,
}

impl AddressSpec {
    /// An address that says nothing else.
    pub fn new(cidr: Cidr, interface: IfName) -> Self {
        Self {
            cidr,
            interface,
            scope: Scope::GLOBAL,
            label: None,
            broadcast: None,
            options: AddressOptions::of(&cidr),
        }
    }

    /// Whether `other` is the same to the kernel, which is not told whether anybody minds that it goes, nor why it is on
    /// its interface.
    pub fn is(&self, other: &Self) -> bool {
        let seen = |options: &AddressOptions| AddressOptions {
            watched: true,
            track_group: None,
            use_vmac: false,
            ..options.clone()
        };
        self.cidr == other.cidr
            && self.interface == other.interface
            && self.scope == other.scope
            && self.label == other.label
            && self.broadcast == other.broadcast
            && (self.options == other.options || seen(&self.options) == seen(&other.options))
    }
}

/// How long an address is preferred as a source (`preferred_lft`); 0 seconds: it is deprecated from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifetime {
    /// Always.
    Forever,
    /// So many seconds.
    Seconds(u32),
}

/// What else a line of addresses may say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressOptions {
    /// `peer`: the other end of a point-to-point link, of the same family.
    pub peer: Option<IpAddr>,
    /// `home`
    pub home: bool,
    /// `-nodad`: IPv6 duplicate address detection stays on.
    pub dad: bool,
    /// `mngtmpaddr`
    pub mngtmpaddr: bool,
    /// `noprefixroute`
    pub noprefixroute: bool,
    /// `autojoin`
    pub autojoin: bool,
    /// `preferred_lft`: IPv6 only.
    pub preferred: Option<Lifetime>,
    /// Its loss has consequences: no `no_track`.
    pub watched: bool,
    /// `track_group`: the static track group that it belongs to.
    pub track_group: Option<String>,
    /// `use_vmac`: it is put on a VMAC.
    pub use_vmac: bool,
}

impl AddressOptions {
    /// What holds for `cidr` without a word. keepalived deprecates a single IPv6 address (fact 16.1), so that it is no
    /// source of new connections.
    pub fn of(cidr: &Cidr) -> Self {
        let preferred = match (cidr.addr, cidr.prefix) {
            (IpAddr::V4(_), _) => None,
            (IpAddr::V6(_), 128) => Some(Lifetime::Seconds(0)),
            (IpAddr::V6(_), _) => Some(Lifetime::Forever),
        };
        Self {
            peer: None,
            home: false,
            dad: false,
            mngtmpaddr: false,
            noprefixroute: false,
            autojoin: false,
            preferred,
            watched: true,
            track_group: None,
            use_vmac: false,
        }
    }
}

/// keepalived's text form in dumps (fact 16.8), without the trailing `set`.
impl fmt::Display for AddressSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cidr)?;
        if let Some(broadcast) = self.broadcast {
            write!(f, " brd {broadcast}")?;
        }
        write!(f, " dev {} scope {}", self.interface, self.scope)?;
        if let Some(label) = &self.label {
            write!(f, " label {label}")?;
        }
        Ok(())
    }
}
