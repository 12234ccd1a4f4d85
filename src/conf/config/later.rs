//! Settings of `global_defs`, of the top level and of instances that nothing comes of yet.
//!
//! Values as written and checked; what was not given is `None` or `false`. Their defaults stand beside the keywords in
//! the manual, and come true in the room that will act on them.

use super::BufferSize;
use std::time::Duration;

/// Those of `global_defs` and of the top level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct LaterGlobal {
    pub root: RootSettings,
    pub firewall: LaterFirewall,
    pub management: ManagementSettings,
    pub buffers: BufferSettings,
    pub files: FileSettings,
}

/// Of a `vrrp_instance`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct LaterInstance {
    pub linkbeat_use_polling: bool,
}

/// Keywords of the top level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct RootSettings {
    pub linkbeat_use_polling: bool,
    pub namespace_with_ipsets: bool,
}

/// Packet filters, and what of those of virtual routers has no counterpart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterFirewall {
    /// Empty: no ipsets. Fewer than six: the others derive from the first.
    pub ipsets: Option<Vec<String>>,
}

/// SNMP and D-Bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ManagementSettings {
    pub snmp_socket: Option<String>,
    pub enable_traps: bool,
    pub enable_snmp_vrrp: bool,
    pub enable_snmp_rfcv2: bool,
    pub enable_snmp_rfcv3: bool,
    pub enable_snmp_checker: bool,
    pub snmp_vs_stats_update_interval: Option<Duration>,
    pub snmp_rs_stats_update_interval: Option<Duration>,
    pub enable_dbus: bool,
    pub dbus_service_name: Option<String>,
    pub dbus_no_interface_name: Option<String>,
}

/// Receive buffers of netlink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords without `_rcv_bufs`")]
pub struct BufferSettings {
    pub vrrp_netlink_cmd: BufferSize,
    pub vrrp_netlink_monitor: BufferSize,
    pub lvs_netlink_cmd: BufferSize,
    pub lvs_netlink_monitor: BufferSize,
}

/// Files and directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct FileSettings {
    pub random_seed: Option<u32>,
    pub tmp_config_directory: Option<String>,
}
