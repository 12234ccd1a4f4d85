//! Blocks of the top level that nothing comes of yet and that are no virtual router.

use crate::conf::config::LinkbeatMethod;
use crate::net::IfName;
use std::time::Duration;

/// What is tracked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterNet {
    /// `linkbeat_interfaces`
    pub linkbeat: Vec<(IfName, Option<LinkbeatMethod>)>,
    /// `interface_up_down_delays`: how long an interface must be down, and how long up.
    pub link_delays: Vec<(IfName, Duration, Duration)>,
}
