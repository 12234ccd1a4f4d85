//! Blocks of the top level that nothing comes of yet and that are no virtual router.

use crate::conf::config::LinkbeatMethod;
use crate::net::IfName;
use std::time::Duration;

/// Groups for gratuitous ARP, what is tracked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterNet {
    /// `garp_group`
    pub garp_groups: Vec<GarpLimit>,
    /// `linkbeat_interfaces`
    pub linkbeat: Vec<(IfName, Option<LinkbeatMethod>)>,
    /// `interface_up_down_delays`: how long an interface must be down, and how long up.
    pub link_delays: Vec<(IfName, Duration, Duration)>,
}

/// `garp_group`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarpLimit {
    /// `garp_interval`
    pub garp_interval: Option<Duration>,
    /// `gna_interval`
    pub gna_interval: Option<Duration>,
    /// Those that share the limit.
    pub interfaces: Vec<IfName>,
}
