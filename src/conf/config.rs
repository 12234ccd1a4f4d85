//! The configuration as written: typed values with their places, nothing inherited, nothing defaulted.
//!
//! [`crate::plan::build`] makes a plan of it. Also [`Global`], the settings of the whole daemon in a plan.

use super::diag::Place;
use crate::check::config::HttpProtocol;
use crate::ipvs::model::{ForwardMethod, Protocol, Scheduler, ServiceFlags};
use crate::net::{Cidr, Family, Scope};
use crate::script::config::{Command, RunAs, ScriptPolicy};
use crate::vrrp::config::{GarpConfig, InitialState, Version};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
    /// `instance`
    pub instance: Option<String>,
}

/// A value and the place that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Place,
}

/// A whole configuration as written, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `global_defs` and the keywords of the top level.
    pub global: GlobalDefs,
    /// `vrrp_script`
    pub scripts: Vec<VrrpScript>,
    /// `vrrp_sync_group`
    pub groups: Vec<SyncGroup>,
    /// `vrrp_instance`
    pub instances: Vec<Instance>,
    /// `virtual_server`
    pub servers: Vec<VirtualServer>,
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
    pub net_namespace: Option<String>,
    pub instance: Option<String>,
}

/// The `garp_*` keywords of `global_defs` and of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct GarpSettings {
    pub master_delay: Option<Duration>,
    pub master_repeat: Option<u32>,
    pub master_refresh: Option<Duration>,
    pub master_refresh_repeat: Option<u32>,
    pub lower_prio_delay: Option<Duration>,
    pub lower_prio_repeat: Option<u32>,
}

/// `vrrp_script` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct VrrpScript {
    pub name: Spanned<String>,
    pub script: Option<Spanned<Command>>,
    /// There is a `script` that could not be read, which has been said.
    pub script_unreadable: bool,
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
    pub weight: i16,
    pub reverse: bool,
    pub rise: Option<u32>,
    pub fall: Option<u32>,
    pub user: Option<Spanned<RunAs>>,
}

/// The notify keywords of an instance or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct NotifySettings {
    pub master: Option<Spanned<Command>>,
    pub backup: Option<Spanned<Command>>,
    pub fault: Option<Spanned<Command>>,
    pub stop: Option<Spanned<Command>>,
    pub any: Option<Spanned<Command>>,
}

/// A line of `track_interface` or `track_script`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackLine {
    /// Of the interface or the script.
    pub name: Spanned<String>,
    /// `weight`
    pub weight: Option<i16>,
    /// `reverse` (true) or `noreverse` (false).
    pub reverse: Option<bool>,
    /// How many `vrrp_script` blocks stood before this line: keepalived knows only those (grammar 5.10).
    pub known: usize,
}

/// `vrrp_sync_group` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct SyncGroup {
    pub name: Spanned<String>,
    pub members: Vec<Spanned<String>>,
    pub track_interfaces: Vec<TrackLine>,
    pub track_scripts: Vec<TrackLine>,
    pub tracking_weight: bool,
    pub notify: NotifySettings,
}

/// A line of `virtual_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct AddressLine {
    pub cidr: Cidr,
    pub dev: Option<Spanned<String>>,
    pub scope: Scope,
    pub label: Option<String>,
    pub broadcast: Option<Ipv4Addr>,
}

/// `auth_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthType {
    /// `PASS`
    Pass,
    /// `AH`
    Ah,
}

/// `vrrp_instance` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Instance {
    pub name: Spanned<String>,
    pub state: Option<Spanned<InitialState>>,
    pub interface: Option<Spanned<String>>,
    pub vrid: Option<Spanned<u8>>,
    pub priority: Option<Spanned<u8>>,
    pub version: Option<Spanned<Version>>,
    pub advert_int: Option<Spanned<Duration>>,
    pub native_ipv6: bool,
    pub auth_type: Option<Spanned<AuthType>>,
    pub auth_pass: Option<Spanned<Secret>>,
    pub nopreempt: Option<Place>,
    pub preempt_delay: Option<Spanned<Duration>>,
    pub garp: GarpSettings,
    pub source: Option<Spanned<IpAddr>>,
    /// `unicast_src_ip` or `unicast_peer` stands here.
    pub unicast: Option<Place>,
    pub peers: Vec<Spanned<IpAddr>>,
    pub mcast_dst: Option<Spanned<IpAddr>>,
    pub unicast_ttl: Option<Spanned<u8>>,
    pub unicast_fault_no_peer: bool,
    pub check_unicast_src: bool,
    pub vips: Vec<Spanned<AddressLine>>,
    pub excluded: Vec<Spanned<AddressLine>>,
    pub no_virtual_ipaddress: bool,
    pub track_interfaces: Vec<TrackLine>,
    pub track_scripts: Vec<TrackLine>,
    pub dont_track_primary: bool,
    pub lower_prio_no_advert: Option<bool>,
    pub higher_prio_send_advert: Option<bool>,
    pub down_timer_adverts: Option<u8>,
    pub notify: NotifySettings,
}

/// A password: never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("********")
    }
}

/// What a `virtual_server` is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// An address and a port; port 0: all.
    Address(SocketAddr),
    /// `fwmark N`
    FwMark(u32),
}

/// Settings of checkers that a virtual server, a real server and a checker may give (facts 3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct CheckSettings {
    pub alpha: Option<bool>,
    pub retry: Option<u32>,
    pub delay_before_retry: Option<Duration>,
    pub warmup: Option<Duration>,
    pub delay_loop: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    pub virtualhost: Option<String>,
}

/// `virtual_server` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct VirtualServer {
    pub name: Spanned<ServerName>,
    pub ip_family: Option<Spanned<Family>>,
    pub checks: CheckSettings,
    pub scheduler: Option<Scheduler>,
    pub flags: ServiceFlags,
    pub ops: Option<Place>,
    pub forward: Option<ForwardMethod>,
    pub persistence_engine: Option<String>,
    pub persistence_timeout: Option<Duration>,
    /// As a prefix length.
    pub persistence_granularity: Option<u8>,
    pub protocol: Option<Spanned<Protocol>>,
    pub omega: bool,
    pub quorum: Option<u32>,
    pub hysteresis: Option<u32>,
    pub quorum_up: Option<Spanned<Command>>,
    pub quorum_down: Option<Spanned<Command>>,
    pub weight: Option<u32>,
    pub inhibit_on_failure: bool,
    pub sorry_server: Option<SorryServer>,
    pub real_servers: Vec<RealServer>,
    pub misread: Misread,
}

/// What stands in a `virtual_server` but could not be read: that it then has its default is no second mistake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Misread {
    pub protocol: bool,
    pub scheduler: bool,
    pub forward: bool,
}

/// `sorry_server` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct SorryServer {
    pub address: Spanned<SocketAddr>,
    pub forward: Option<ForwardMethod>,
    pub inhibit: bool,
}

/// `real_server` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct RealServer {
    pub address: Spanned<SocketAddr>,
    pub forward: Option<ForwardMethod>,
    pub weight: Option<u32>,
    pub inhibit_on_failure: Option<bool>,
    pub upper: u32,
    pub lower: u32,
    pub notify_up: Option<Spanned<Command>>,
    pub notify_down: Option<Spanned<Command>>,
    pub checks: CheckSettings,
    pub checkers: Vec<Checker>,
}

/// A checker as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checker {
    /// Its keyword's place.
    pub place: Place,
    /// Settings that it may inherit.
    pub checks: CheckSettings,
    /// `log_all_failures`
    pub log_all_failures: bool,
    /// How it connects.
    pub connection: ConnectSettings,
    /// What it asks.
    pub kind: CheckerKind,
}

/// How a checker over a socket connects, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ConnectSettings {
    pub connect_ip: Option<Spanned<IpAddr>>,
    pub connect_port: Option<u16>,
    pub bindto: Option<Spanned<IpAddr>>,
    pub bind_port: Option<u16>,
    pub bind_if: Option<Spanned<String>>,
    pub fwmark: u32,
}

/// What a checker asks, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckerKind {
    /// `TCP_CHECK`
    Tcp,
    /// `HTTP_GET`, `SSL_GET`
    Http(HttpSettings),
    /// `MISC_CHECK`
    Misc(MiscSettings),
}

/// `HTTP_GET`, `SSL_GET` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct HttpSettings {
    /// `SSL_GET`
    pub tls: bool,
    pub http_protocol: Option<HttpProtocol>,
    pub enable_sni: bool,
    pub tls_compliant: bool,
    pub fast_recovery: bool,
    pub urls: Vec<Url>,
}

/// `url` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Url {
    pub path: String,
    pub virtualhost: Option<String>,
    pub status_code: Vec<(u16, u16)>,
    pub digest: Option<[u8; 16]>,
}

/// `MISC_CHECK` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct MiscSettings {
    pub misc_path: Spanned<Command>,
    pub misc_timeout: Option<Duration>,
    pub misc_dynamic: bool,
    pub user: Option<Spanned<RunAs>>,
}
