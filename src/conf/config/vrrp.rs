//! `vrrp_instance`, `vrrp_sync_group`, `vrrp_script` and what they share.

use super::{AddressLine, GroupSettings, LaterInstance, RouteLine, RouterSettings, RuleLine, Spanned};
use crate::conf::diag::Place;
use crate::script::config::{Command, RunAs};
use crate::vrrp::config::{InitialState, Version};
use std::net::IpAddr;
use std::time::Duration;

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
    pub init_fail: bool,
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
    /// With its script, if there is one. Instances only.
    pub deleted: Option<Option<Spanned<Command>>>,
    pub any: Option<Spanned<Command>>,
    /// Instances only.
    pub master_rx_lower_pri: Option<Spanned<Command>>,
    pub smtp_alert: Option<bool>,
    pub priority_changes: Option<bool>,
}

/// A line of `track_interface`, `track_script`, `track_file`, `track_process` or `track_bfd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackLine {
    /// Of what is tracked.
    pub name: Spanned<String>,
    /// `weight`
    pub weight: Option<i16>,
    /// `reverse` (true) or `noreverse` (false).
    pub reverse: Option<bool>,
    /// What it names was defined before this line: keepalived knows only that (grammar 5.10). Of an interface always.
    pub known: bool,
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
    pub settings: GroupSettings,
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
    pub native_ipv6: Option<Place>,
    pub auth_type: Option<Spanned<AuthType>>,
    pub auth_pass: Option<Spanned<Secret>>,
    /// It was longer than what counts.
    pub auth_pass_cut: bool,
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
    pub routes: Vec<Spanned<RouteLine>>,
    pub rules: Vec<Spanned<RuleLine>>,
    pub no_virtual_ipaddress: bool,
    pub track_interfaces: Vec<TrackLine>,
    pub track_scripts: Vec<TrackLine>,
    pub dont_track_primary: bool,
    pub lower_prio_no_advert: Option<Spanned<bool>>,
    pub higher_prio_send_advert: Option<Spanned<bool>>,
    pub down_timer_adverts: Option<Spanned<u8>>,
    /// Within: `None` is `off`.
    pub drift_repair: Option<Spanned<Option<u32>>>,
    /// The last `garp_lower_prio_repeat` and `garp_lower_prio_delay`.
    pub garp_lower_prio: [Option<Place>; 2],
    pub notify: NotifySettings,
    pub settings: RouterSettings,
    pub later: LaterInstance,
}

/// A password: never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("********")
    }
}
