//! Routes: what a line of `virtual_routes` or `static_routes` asks for.

use super::{Cidr, Family, IfName, Scope};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The origin that keepalived's routes and rules have in the kernel, by which they are told from others.
pub const PROTOCOL_KEEPALIVED: u8 = 18;

/// The kind of a route (`RTN_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKind(pub u8);

impl RouteKind {
    /// To another host (1).
    pub const UNICAST: Self = Self(1);

    /// The kinds that have names. `brd` is another word for `broadcast`.
    const NAMES: [(u8, &'static str); 11] = [
        (1, "unicast"),
        (2, "local"),
        (3, "broadcast"),
        (4, "anycast"),
        (5, "multicast"),
        (6, "blackhole"),
        (7, "unreachable"),
        (8, "prohibit"),
        (9, "throw"),
        (10, "nat"),
        (11, "xresolve"),
    ];

    /// The kind called `name`.
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == "brd" { "broadcast" } else { name };
        let found = Self::NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(number, _)| Self(*number))
    }

    /// Its name, if it has one.
    pub fn name(self) -> Option<&'static str> {
        let found = Self::NAMES.iter().find(|(number, _)| *number == self.0);
        found.map(|(_, name)| *name)
    }

    /// Whether packets are dropped or refused instead of sent: such a route has no way out.
    pub const fn is_refusal(self) -> bool {
        matches!(self.0, 6..=9)
    }
}

/// How a route is put among equal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Insertion {
    /// Before the others.
    Prepend,
    /// As `ip route add` does: only when there is none.
    Add,
    /// After the others.
    Append,
}

/// Realms of a route or rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realms {
    /// Where packets come from; 0: anywhere.
    pub source: u8,
    /// Where they go.
    pub destination: u8,
}

/// A value that the kernel may be told never to change by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lockable<T> {
    /// The value.
    pub value: T,
    /// `lock`
    pub locked: bool,
}

/// The outer header of a lightweight tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tunnel<A> {
    /// `id`
    pub id: Option<u64>,
    /// `dst`
    pub destination: Option<A>,
    /// `src`
    pub source: Option<A>,
    /// `tos` of IPv4, `tc` of IPv6.
    pub tos: Option<u8>,
    /// `ttl` of IPv4, `hoplimit` of IPv6.
    pub ttl: Option<u8>,
    /// `flags`
    pub flags: Option<u16>,
}

impl<A> Default for Tunnel<A> {
    fn default() -> Self {
        Self {
            id: None,
            destination: None,
            source: None,
            tos: None,
            ttl: None,
            flags: None,
        }
    }
}

/// What packets are wrapped in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encap {
    /// `ip`
    Ip(Tunnel<Ipv4Addr>),
    /// `ip6`
    Ip6(Tunnel<Ipv6Addr>),
    /// `mpls`: labels, the outermost first.
    Mpls(Vec<u32>),
    /// `ila`: the locator, the upper half of an address.
    Ila(u64),
}

/// What the kernel keeps of a route for the transport protocols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct RouteMetrics {
    pub mtu: Option<Lockable<u32>>,
    pub advmss: Option<Lockable<u32>>,
    pub reordering: Option<Lockable<u32>>,
    pub cwnd: Option<Lockable<u32>>,
    pub ssthresh: Option<Lockable<u32>>,
    pub window: Option<u32>,
    pub initcwnd: Option<u32>,
    pub initrwnd: Option<u32>,
    pub hoplimit: Option<u8>,
    /// Eighths of a millisecond.
    pub rtt: Option<Lockable<u32>>,
    /// Quarters of a millisecond.
    pub rttvar: Option<Lockable<u32>>,
    /// Milliseconds.
    pub rto_min: Option<Lockable<u32>>,
    /// `features ecn`
    pub ecn: bool,
    pub quickack: Option<bool>,
    pub fastopen_no_cookie: Option<bool>,
    pub congctl: Option<Lockable<String>>,
}

/// One of several ways of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NextHop {
    /// `via`
    pub gateway: Option<IpAddr>,
    /// `dev`
    pub interface: Option<IfName>,
    /// `weight`, 1 to 256.
    pub weight: u16,
    /// `onlink`
    pub onlink: bool,
    /// `encap`
    pub encap: Option<Encap>,
    /// `realms`
    pub realms: Option<Realms>,
}

impl Default for NextHop {
    fn default() -> Self {
        Self {
            gateway: None,
            interface: None,
            weight: 1,
            onlink: false,
            encap: None,
            realms: None,
        }
    }
}

/// A route with everything the kernel is told about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Its kind.
    pub kind: RouteKind,
    /// Where it leads; its family is the route's.
    pub destination: Cidr,
    /// `from`: only for packets from here, IPv6.
    pub from: Option<Cidr>,
    /// `src`: the address that packets of this host get.
    pub preferred_source: Option<IpAddr>,
    /// `via`
    pub gateway: Option<IpAddr>,
    /// `dev`
    pub interface: Option<IfName>,
    /// `onlink`
    pub onlink: bool,
    /// `tos`
    pub tos: Option<u8>,
    /// `table`; `None` is main.
    pub table: Option<u32>,
    /// `protocol`: its origin. A route that is watched has [`PROTOCOL_KEEPALIVED`].
    pub protocol: Option<u8>,
    /// `scope`
    pub scope: Scope,
    /// `metric`; `None` is the kernel's default.
    pub metric: Option<u32>,
    /// `encap`
    pub encap: Option<Encap>,
    /// `expires`: seconds, IPv6.
    pub expires: Option<u32>,
    /// `mtu` and the like.
    pub metrics: RouteMetrics,
    /// `realms`, IPv4.
    pub realms: Option<Realms>,
    /// `pref`: 0 medium, 1 high, 3 low, IPv6.
    pub preference: Option<u8>,
    /// `ttl-propagate`, MPLS.
    pub ttl_propagate: Option<bool>,
    /// `add`, `append`, `prepend`
    pub insertion: Insertion,
    /// `nexthop`: its ways, when there are several.
    pub nexthops: Vec<NextHop>,
    /// Its loss has consequences: no `no_track`.
    pub watched: bool,
    /// `track_group`: the static track group that it belongs to.
    pub track_group: Option<String>,
    /// `vrf`: the interface whose table it is in.
    pub vrf: Option<IfName>,
}

impl Route {
    /// Whether `other` is the same to the kernel, which is not told whether anybody minds that it goes.
    pub fn is(&self, other: &Self) -> bool {
        let seen = |one: &Self| Self {
            watched: true,
            track_group: None,
            ..one.clone()
        };
        self == other || seen(self) == seen(other)
    }

    /// A route to `destination` that says nothing else.
    pub fn to(kind: RouteKind, destination: Cidr) -> Self {
        Self {
            kind,
            destination,
            from: None,
            preferred_source: None,
            gateway: None,
            interface: None,
            onlink: false,
            tos: None,
            table: None,
            protocol: Some(PROTOCOL_KEEPALIVED),
            scope: Scope::GLOBAL,
            metric: None,
            encap: None,
            expires: None,
            metrics: RouteMetrics::default(),
            realms: None,
            preference: None,
            ttl_propagate: None,
            insertion: Insertion::Prepend,
            nexthops: Vec::new(),
            watched: true,
            track_group: None,
            vrf: None,
        }
    }

    /// Its family.
    pub const fn family(&self) -> Family {
        self.destination.family()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names_and_numbers() {
        for number in 0..=255 {
            let kind = RouteKind(number);
            if let Some(name) = kind.name() {
                assert_eq!(RouteKind::named(name), Some(kind));
            }
        }
        assert_eq!(RouteKind::named("brd"), Some(RouteKind(3)));
        assert_eq!(RouteKind::named("bogus"), None);
        let refusals = (0..=255).filter(|number| RouteKind(*number).is_refusal());
        let names: Vec<_> = refusals.map(|number| RouteKind(number).name()).collect();
        let wanted = ["blackhole", "unreachable", "prohibit", "throw"];
        assert_eq!(names, wanted.map(Some));
    }
}
