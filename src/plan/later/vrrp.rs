//! Settings of virtual routers and sync groups that nothing comes of yet.

use crate::conf::config::{GroupSettings, RouterSettings};
use crate::net::{AddressOptions, IfName, Route, Rule};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Of a `vrrp_instance`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterInstance {
    /// Single keywords and what is tracked.
    pub settings: RouterSettings,
    /// `virtual_routes`
    pub routes: Vec<Route>,
    /// `virtual_rules`
    pub rules: Vec<Rule>,
    /// Options of addresses, by address and interface, of those that have any.
    pub addresses: BTreeMap<(IpAddr, IfName), AddressOptions>,
}

/// Of a `vrrp_sync_group`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterGroup {
    /// All of it.
    pub settings: GroupSettings,
}
