//! Settings of virtual routers and sync groups that nothing comes of yet.

/// Of a `vrrp_instance`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterInstance {}

/// Of a `vrrp_sync_group`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterGroup {}
