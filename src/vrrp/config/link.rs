//! The links that virtual routers need and that this daemon makes (facts 9), and the packet filter (facts 10).

use crate::net::{Cidr, Family, IfName, IpvlanMode, Mac};
use std::net::Ipv6Addr;
use std::time::Duration;

/// The link that a router has for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLink {
    /// Its name: one of [`LinkConfig`].
    pub name: IfName,
    /// `vmac_xmit_base`: adverts leave and arrive by the interface below it.
    pub xmit_base: bool,
}

/// A link to be made, on an interface that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// Its name.
    pub name: IfName,
    /// The router that it is for.
    pub router: String,
    /// The interface below it.
    pub parent: IfName,
    /// What it is.
    pub kind: OwnLinkKind,
    /// Of the router's adverts, or of the addresses that it is for.
    pub family: Family,
    /// It may have addresses of the other family too.
    pub both: bool,
    /// A link-local IPv6 address of it, so that something may be sent from it.
    pub link_local: Option<LinkLocal>,
    /// `ip link`'s group; none: that of the interface below (fact 9.4).
    pub group: Option<u32>,
    /// `netlink_notify_msg`
    pub notify_parent: bool,
}

/// The kinds of links that are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnLinkKind {
    /// A macvlan in private mode with a virtual MAC.
    Vmac(Mac),
    /// An ipvlan in L2 mode.
    Ipvlan {
        /// Whom its users reach.
        mode: IpvlanMode,
        /// Its own address.
        address: Option<Cidr>,
    },
}

/// Where a link-local address comes from (fact 9.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkLocal {
    /// It is configured.
    Given(Ipv6Addr),
    /// The parent's, or one made of the parent's MAC.
    OfParent,
}

impl LinkConfig {
    /// Whether it has addresses of `family`.
    pub fn carries(&self, family: Family) -> bool {
        self.both || self.family == family
    }

    /// Whether `other` can be had by changing this one, and need not be made anew.
    pub fn becomes(&self, other: &Self) -> bool {
        let same_kind = match (&self.kind, &other.kind) {
            (OwnLinkKind::Vmac(_), OwnLinkKind::Vmac(_)) => true,
            (OwnLinkKind::Ipvlan { mode, .. }, OwnLinkKind::Ipvlan { mode: new, .. }) => mode == new,
            (OwnLinkKind::Vmac(_), OwnLinkKind::Ipvlan { .. })
            | (OwnLinkKind::Ipvlan { .. }, OwnLinkKind::Vmac(_)) => false,
        };
        same_kind && self.name == other.name && self.parent == other.parent
    }
}

/// `interface_up_down_delays`: how long a link must be in a state before it is seen so (fact 14.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDelay {
    /// The interface.
    pub interface: IfName,
    /// How long it must be down.
    pub down: Duration,
    /// How long it must be up.
    pub up: Duration,
}

/// The packet filter's tables (facts 1.17, 10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirewallConfig {
    /// `nftables`
    pub table: String,
    /// `nftables_priority`
    pub priority: i32,
    /// `nftables_counters`
    pub counters: bool,
    /// `nftables_ifindex`: link-local addresses are always told apart by the number of their interface.
    pub by_index: bool,
    /// `disable_local_igmp`: the kernel sends no IGMP for groups of the link.
    pub disable_local_igmp: bool,
    /// Only iptables is configured: it is said that this is used instead.
    pub instead_of_iptables: bool,
}

impl Default for FirewallConfig {
    fn default() -> Self {
        Self {
            table: "keepalived".to_owned(),
            priority: -1,
            counters: false,
            by_index: false,
            disable_local_igmp: false,
            instead_of_iptables: false,
        }
    }
}
