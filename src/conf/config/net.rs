//! Lines of addresses, routes and rules, and blocks of the top level about interfaces.

use super::Spanned;
use crate::net::{AddressOptions, Cidr, Route, Rule, Scope};
use std::net::Ipv4Addr;
use std::time::Duration;

/// A line of `virtual_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct AddressLine {
    pub cidr: Cidr,
    pub dev: Option<Spanned<String>>,
    pub scope: Scope,
    pub label: Option<String>,
    pub broadcast: Option<Ipv4Addr>,
    pub options: AddressOptions,
}

/// A line of `virtual_routes` or `static_routes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteLine {
    /// The route.
    pub route: Route,
    /// The interfaces that it names, of its ways too: they must exist.
    pub interfaces: Vec<Spanned<String>>,
    /// `vrf`: it must exist.
    pub vrf: Option<Spanned<String>>,
}

/// A line of `virtual_rules` or `static_rules`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// The rule.
    pub rule: Rule,
    /// The interfaces that it names: they must exist.
    pub interfaces: Vec<Spanned<String>>,
}

/// `static_ipaddress`, `static_routes` and `static_rules`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Statics {
    pub addresses: Vec<Spanned<AddressLine>>,
    pub routes: Vec<Spanned<RouteLine>>,
    pub rules: Vec<Spanned<RuleLine>>,
}

/// `track_group`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackGroup {
    /// Its name.
    pub name: Spanned<String>,
    /// The instances that a static entry of the group takes with it.
    pub members: Vec<Spanned<String>>,
}

/// `garp_group`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GarpGroup {
    /// `garp_interval`
    pub garp_interval: Option<Duration>,
    /// `gna_interval`
    pub gna_interval: Option<Duration>,
    /// `interface`, `interfaces`
    pub interfaces: Vec<Spanned<String>>,
}

/// How the state of a link is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as the keywords")]
pub enum LinkbeatMethod {
    Mii,
    Ethtool,
    Ioctl,
}

/// A line of `linkbeat_interfaces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linkbeat {
    /// The interface.
    pub interface: Spanned<String>,
    /// How it is asked; `None`: what works.
    pub method: Option<LinkbeatMethod>,
}

/// A line of `interface_up_down_delays`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDelay {
    /// The interface.
    pub interface: Spanned<String>,
    /// How long it must be down.
    pub down: Duration,
    /// How long it must be up.
    pub up: Duration,
}
