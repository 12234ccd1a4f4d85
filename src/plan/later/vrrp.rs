//! Settings of virtual routers and sync groups that nothing comes of yet.

use crate::conf::config::{GroupSettings, RouterSettings};

/// Of a `vrrp_instance`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterInstance {
    /// Single keywords and what is tracked.
    pub settings: RouterSettings,
}

/// Of a `vrrp_sync_group`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterGroup {
    /// All of it.
    pub settings: GroupSettings,
}
