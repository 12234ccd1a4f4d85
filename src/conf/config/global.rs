//! `global_defs` and the settings of the top level.

use super::{FifosSettings, GarpSettings, IpvsSettings, LaterGlobal, LifeScripts, MailSettings, Spanned};
pub use crate::check::config::Expiry;
use crate::script::config::{RunAs, ScriptPolicy};
pub use crate::vrrp::config::ExtraGarp;
use crate::vrrp::config::{GarpConfig, Version};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// `global_defs`, as far as the daemon acts on it, every default filled in.
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
    /// `net_namespace_ipvs`: a name, or the namespace that the daemon was started in.
    pub net_namespace_ipvs: Option<Option<String>>,
    /// `instance`
    pub instance: Option<String>,
    /// Where dumps are written and in which form.
    pub dumps: DumpSettings,
    /// Mail, as written; whoever sends it has its own of it.
    pub mail: MailSettings,
    /// The scripts of the daemon's own start and end.
    pub life: LifeScripts,
    /// FIFOs for events.
    pub fifos: FifosSettings,
    /// The one process, its end and its files.
    pub upkeep: UpkeepSettings,
    /// When and how the configuration is read again.
    pub reload: ReloadSettings,
    /// How the planes run.
    pub processes: ProcessesSettings,
    /// What instances and checkers have inherited; shown, and not acted on once more.
    pub inherited: Inherited,
    /// What the parts of the plan were made of, as written; shown, and not acted on once more.
    pub shown: ShownSettings,
}

/// What concerns the planes, each of which is a process in keepalived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ProcessesSettings {
    pub process_names: bool,
    pub process_name: Option<String>,
    pub vrrp: ProcessSettings,
    pub checker: ProcessSettings,
    pub bfd: ProcessSettings,
    /// -1 or 0: none.
    pub max_auto_priority: Option<i8>,
    pub min_auto_priority_delay: Option<Duration>,
}

/// `vrrp_…`, `checker_…` and `bfd_…` of one plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ProcessSettings {
    pub process_name: Option<String>,
    /// Nice value, -20 to 19.
    pub priority: Option<i8>,
    pub no_swap: bool,
    /// 1 to 99.
    pub rt_priority: Option<u8>,
    pub cpu_affinity: Vec<u32>,
    pub rlimit_rttime: Option<Duration>,
}

/// Settings of `global_defs` that are defaults of other blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords without `vrrp_`")]
pub struct Inherited {
    pub mcast_group4: Option<Ipv4Addr>,
    pub mcast_group6: Option<Ipv6Addr>,
    pub lower_prio_no_advert: bool,
    pub higher_prio_send_advert: bool,
    pub down_timer_adverts: Option<u8>,
    pub check_unicast_src: bool,
    pub checker_log_all_failures: bool,
    pub rs_init_notifies: bool,
    pub expiry: Expiry,
    pub drift_repair: Option<u32>,
}

/// Where dumps are written and in which form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct DumpSettings {
    pub data_use_instance: Option<bool>,
    pub json_version: Option<u8>,
    pub state_dump_file: Option<String>,
    pub stats_dump_file: Option<String>,
    pub json_dump_file: Option<String>,
}

/// The process as a whole: its end and its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct UpkeepSettings {
    /// Seconds.
    pub child_wait_time: Option<u32>,
    pub use_pid_dir: bool,
    pub umask: Option<u16>,
    /// With its path, if one is named.
    pub reload_file: Option<Option<String>>,
}

/// Reloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ReloadSettings {
    /// With the file for its messages, if one is named.
    pub check_config: Option<Option<String>>,
    pub time_file: Option<String>,
    pub repeat: bool,
    /// `config_save_dir`
    pub save_dir: Option<String>,
}

/// Settings that parts of the plan are made of, in forms of their own, and that dumps and the effective configuration
/// show as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ShownSettings {
    pub vrrp: VrrpDefaults,
    pub firewall: FirewallSettings,
    pub ipvs: IpvsSettings,
    /// `process_monitor_rcv_bufs`, `process_monitor_rcv_bufs_force`
    pub process_monitor: BufferSize,
    pub default_interface: Option<String>,
    pub iproute_usr_dir: Option<String>,
    pub iproute_etc_dir: Option<String>,
}

/// Defaults of every instance, and what concerns all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords without `vrrp_`")]
pub struct VrrpDefaults {
    pub strict: Option<bool>,
    pub skip_check_adv_addr: Option<bool>,
    pub owner_ignore_adverts: Option<bool>,
    pub log_unknown_vrids: bool,
    pub startup_delay: Option<Duration>,
    pub delay_after_boot: Option<Duration>,
    pub garp_extra_if: Option<ExtraGarp>,
    pub v3_checksum_as_v2: bool,
    pub vmac_prefix: Option<String>,
    pub vmac_addr_prefix: Option<String>,
    pub rx_bufs_policy: Option<RxBufs>,
    pub rx_bufs_multiplier: Option<u32>,
}

/// `vrrp_rx_bufs_policy`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxBufs {
    /// `MTU`
    Mtu,
    /// `ADVERT`
    Advert,
    /// A number.
    Bytes(u32),
}

/// Packet filters of virtual routers, and that of firewall marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct FirewallSettings {
    pub iptables: Option<IptablesChains>,
    pub nftables: Option<String>,
    pub nftables_priority: Option<i32>,
    pub nftables_ifindex: bool,
    pub nftables_counters: bool,
    pub nftables_ipvs: Option<String>,
    pub nftables_ipvs_priority: Option<i32>,
    pub nftables_ipvs_start_fwmark: Option<u32>,
    pub disable_local_igmp: bool,
}

/// `vrrp_iptables`
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as they say")]
pub struct IptablesChains {
    pub input: String,
    /// `None`: no rules for what is sent.
    pub output: Option<String>,
}

/// One receive buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BufferSize {
    /// Octets.
    pub size: Option<u32>,
    /// Beyond what the kernel allows.
    pub force: Option<bool>,
}

/// `global_defs` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct GlobalDefs {
    pub router_id: Option<String>,
    pub vrrp_version: Option<Version>,
    pub script_user: Option<Spanned<RunAs>>,
    pub enable_script_security: bool,
    pub garp: GarpSettings,
    pub garp_interval: Option<Duration>,
    pub gna_interval: Option<Duration>,
    pub min_garp: bool,
    pub dynamic_interfaces: bool,
    pub mcast_group4: Option<Ipv4Addr>,
    pub mcast_group6: Option<Ipv6Addr>,
    pub lower_prio_no_advert: bool,
    pub higher_prio_send_advert: bool,
    pub down_timer_adverts: Option<u8>,
    pub check_unicast_src: bool,
    pub checker_log_all_failures: bool,
    pub rs_init_notifies: bool,
    pub expiry: Expiry,
    pub drift_repair: Option<u32>,
    pub net_namespace: Option<String>,
    pub net_namespace_ipvs: Option<Option<String>>,
    pub instance: Option<String>,
    pub dumps: DumpSettings,
    pub use_symlink_paths: Option<bool>,
    pub upkeep: UpkeepSettings,
    pub reload: ReloadSettings,
    pub processes: ProcessesSettings,
    pub mail: MailSettings,
    pub life: LifeScripts,
    pub fifos: FifosSettings,
    pub shown: ShownSettings,
    pub later: LaterGlobal,
}
