//! Settings of `global_defs` and of the top level that nothing comes of yet.
//!
//! Values as written and checked; what was not given is `None` or `false`. Their defaults stand beside the keywords in
//! the manual, and come true in the room that will act on them.

use super::FifoSettings;
pub use crate::vrrp::config::ExtraGarp;
use std::net::IpAddr;
use std::time::Duration;

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct LaterGlobal {
    pub root: RootSettings,
    pub checker_mail: CheckerMail,
    /// `lvs_notify_fifo`, `lvs_notify_fifo_script`
    pub lvs_fifo: FifoSettings,
    pub firewall: FirewallSettings,
    pub ipvs: IpvsSettings,
    pub vrrp: VrrpDefaults,
    pub management: ManagementSettings,
    pub buffers: BufferSettings,
    pub reload: ReloadSettings,
    pub files: FileSettings,
    pub default_interface: Option<String>,
    pub disable_local_igmp: bool,
    pub rs_init_notifies: Option<bool>,
}

/// Keywords of the top level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct RootSettings {
    pub linkbeat_use_polling: bool,
    pub namespace_with_ipsets: bool,
    /// A name, or the namespace that the daemon was started in.
    pub net_namespace_ipvs: Option<Option<String>>,
}

/// Mail alerts of checkers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct CheckerMail {
    pub alert: Option<bool>,
    pub no_checker_emails: Option<bool>,
}

/// Packet filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct FirewallSettings {
    pub iptables: Option<IptablesChains>,
    /// Empty: no ipsets. Fewer than six: the others derive from the first.
    pub ipsets: Option<Vec<String>>,
    pub nftables: Option<String>,
    pub nftables_priority: Option<i32>,
    pub nftables_ifindex: bool,
    pub nftables_counters: bool,
    pub nftables_ipvs: Option<String>,
    pub nftables_ipvs_priority: Option<i32>,
    pub nftables_ipvs_start_fwmark: Option<u32>,
}

/// `vrrp_iptables`
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as they say")]
pub struct IptablesChains {
    pub input: String,
    /// `None`: no rules for what is sent.
    pub output: Option<String>,
}

/// The kernel's IPVS as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct IpvsSettings {
    pub tcp_timeout: Option<Duration>,
    pub tcpfin_timeout: Option<Duration>,
    pub udp_timeout: Option<Duration>,
    pub flush: bool,
    pub flush_on_stop: Option<FlushOnStop>,
    pub sync_daemon: Option<SyncDaemon>,
}

/// `lvs_flush_on_stop`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushOnStop {
    /// Everything.
    All,
    /// `VS`: what is configured here.
    Configured,
}

/// `lvs_sync_daemon`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the options")]
pub struct SyncDaemon {
    pub interface: String,
    /// The instance that decides between master and backup.
    pub inst: Option<String>,
    pub id: Option<u8>,
    pub maxlen: Option<u16>,
    pub port: Option<u16>,
    pub ttl: Option<u8>,
    pub group: Option<IpAddr>,
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

/// Receive buffers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords without `_rcv_bufs`")]
pub struct BufferSettings {
    pub vrrp_netlink_cmd: BufferSize,
    pub vrrp_netlink_monitor: BufferSize,
    pub lvs_netlink_cmd: BufferSize,
    pub lvs_netlink_monitor: BufferSize,
    pub process_monitor: BufferSize,
}

/// One receive buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BufferSize {
    /// Octets.
    pub size: Option<u32>,
    /// Beyond what the kernel allows.
    pub force: Option<bool>,
}

/// Reloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ReloadSettings {
    /// With the file for its messages, if one is named.
    pub check_config: Option<Option<String>>,
    pub time_file: Option<String>,
    pub repeat: bool,
}

/// Files and directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct FileSettings {
    pub random_seed: Option<u32>,
    pub config_save_dir: Option<String>,
    pub iproute_usr_dir: Option<String>,
    pub iproute_etc_dir: Option<String>,
    pub tmp_config_directory: Option<String>,
}
