//! Settings of virtual routers that nothing comes of yet.

use crate::conf::config::RouterSettings;

/// Of a `vrrp_instance`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterInstance {
    /// Single keywords and what is tracked.
    pub settings: RouterSettings,
}
