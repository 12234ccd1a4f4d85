//! The settings of `global_defs`, typed.

use crate::script::config::ScriptPolicy;
use crate::vrrp::config::{GarpConfig, Version};

/// `global_defs`, as far as the daemon acts on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Global {
    /// `router_id`; default: the host's name.
    pub router_id: Option<String>,
    /// `vrrp_version`; default 2.
    pub vrrp_version: Option<Version>,
    /// `script_user`, `enable_script_security`
    pub scripts: ScriptPolicy,
    /// `vrrp_garp_*`: defaults of every instance.
    pub garp: GarpConfig,
    /// `dynamic_interfaces`
    pub dynamic_interfaces: bool,
    /// `net_namespace`; the command line's `-s` wins.
    pub net_namespace: Option<String>,
    /// `instance`
    pub instance: Option<String>,
}
