//! What the VRRP engine is told to do: typed, checked values that cannot be wrong by themselves.
//!
//! `conf` lowers keepalived's blocks into these; the numbered facts are those of keepalived's behaviour.

mod absorb;
mod election;
mod link;
mod matching;
mod packets;

pub use absorb::{EXCLUDED, VIRTUAL};
pub use election::{ElectionRules, ExtraGarp, GarpLimit, StartDelay};
pub use link::{FirewallConfig, LinkConfig, LinkDelay, LinkLocal, OwnLink, OwnLinkKind};
pub use matching::{Matched, match_routers};
pub use packets::{
    Auth, HmacConfig, HmacKey, HmacMode, OldChecksum, PacketConfig, PeerTtl, Replay, RxBuffer,
};

use super::event::Carrier;
use super::{Priority, Vrid};
use crate::net::{AddressSpec, Family, Goods, IfName, Route, Rule};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// Everything the VRRP plane runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VrrpConfig {
    /// The virtual routers, in the order of the file.
    pub routers: Vec<RouterConfig>,
    /// The sync groups; every member names a router above, and no router is in two groups.
    pub groups: Vec<SyncGroupConfig>,
    /// The scripts that trackers refer to, with what turns exits into good and bad.
    pub scripts: Vec<ScriptTracker>,
    /// The links to be made, names unique.
    pub links: Vec<LinkConfig>,
    /// The packet filter, whether it is needed or not.
    pub firewall: FirewallConfig,
    /// `log_unknown_vrids`
    pub log_unknown_vrids: bool,
    /// `fifo_write_vrrp_states_on_reload`
    pub states_on_reload: bool,
    /// `static_ipaddress`, `static_routes`, `static_rules`: held whoever is MASTER.
    pub statics: Goods,
    /// `track_group`
    pub track_groups: Vec<StaticGroup>,
    /// `vrrp_startup_delay`, `vrrp_delay_after_boot`
    pub start_delay: StartDelay,
    /// `garp_group`
    pub garp_groups: Vec<GarpLimit>,
    /// `promote_secondaries`: the interfaces of the instances that have it.
    pub promote_secondaries: Vec<IfName>,
    /// `interface_up_down_delays`
    pub link_delays: Vec<LinkDelay>,
}

/// `track_group`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticGroup {
    /// Its name.
    pub name: String,
    /// The instances that a static entry of the group takes with it.
    pub members: Vec<String>,
}

impl VrrpConfig {
    /// The interfaces of static entries whose loss is a fault of the router `name` (fact 2.21).
    pub fn static_interfaces(&self, name: &str) -> impl Iterator<Item = &IfName> {
        let mut groups = BTreeSet::new();
        for group in &self.track_groups {
            if group.members.iter().any(|member| member == name) {
                groups.insert(group.name.as_str());
            }
        }
        let found = self.statics.interfaces();
        found.filter_map(move |(group, interface)| groups.contains(group?).then_some(interface))
    }

    /// Whether something is to be filtered (fact 1.17).
    pub fn uses_firewall(&self) -> bool {
        let vmac = |link: &LinkConfig| matches!(link.kind, OwnLinkKind::Vmac(_));
        self.routers.iter().any(|router| router.no_accept) || self.links.iter().any(vmac)
    }
}

/// VRRP's version, which rules packet layout and timer units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// RFC 3768: intervals in seconds, authentication data.
    V2,
    /// RFC 5798, 9568: intervals in centiseconds, IPv6.
    V3,
}

impl Version {
    /// 2 or 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// `state`: where keepalived's user wants the router to begin. Below priority 255 it decides nothing but the
/// rules of `nopreempt` and `preempt_delay` (fact 2.3), which lowering has applied already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InitialState {
    /// `state MASTER`
    Master,
    /// `state BACKUP`
    Backup,
}

/// One `vrrp_instance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterConfig {
    /// Its name in logs, scripts and dumps. Not its identity: see [`RouterConfig::key`].
    pub name: String,
    /// `virtual_router_id`
    pub vrid: Vrid,
    /// The family of adverts and of [`Self::vips`].
    pub family: Family,
    /// The packet version.
    pub version: Version,
    /// `interface`: adverts leave and arrive here, or by the link on it: see [`Self::wire`].
    pub interface: IfName,
    /// `use_vmac` or `use_ipvlan`: the link that it has for itself.
    pub link: Option<OwnLink>,
    /// `state`
    pub initial: InitialState,
    /// `priority`: the base that trackers add to.
    pub priority: Priority,
    /// `advert_int`: version 2 whole seconds 1 to 255, version 3 10 ms to 40.95 s in steps of 10 ms (fact 1.20).
    pub advert_int: Duration,
    /// Adverts that may be missed before a takeover; 3 unless configured.
    pub down_timer_adverts: u8,
    /// `nopreempt`: a lower-priority master is left alone.
    pub nopreempt: bool,
    /// `preempt_delay`: how long a lower-priority master is left alone; zero: not at all.
    pub preempt_delay: Duration,
    /// `authentication`
    pub auth: Auth,
    /// `mcast_src_ip` or `unicast_src_ip`; otherwise the interface's first address (IPv6: link-local).
    pub source: Option<IpAddr>,
    /// Where adverts go.
    pub transport: Transport,
    /// When and how often the addresses are announced.
    pub garp: GarpConfig,
    /// A MASTER does not answer a lower-priority advert with its own.
    pub lower_prio_no_advert: bool,
    /// A MASTER that yields sends its own advert first.
    pub higher_prio_send_advert: bool,
    /// `virtual_ipaddress`: in adverts, in this order. All of [`Self::family`].
    pub vips: Vec<AddressSpec>,
    /// `virtual_ipaddress_excluded`: held and announced, never in adverts. Either family.
    pub excluded: Vec<AddressSpec>,
    /// `virtual_routes`
    pub routes: Vec<Route>,
    /// `virtual_rules`
    pub rules: Vec<Rule>,
    /// Interfaces whose loss is a fault (weight 0) or moves the priority. The own interface is always tracked
    /// with weight 0 unless [`Self::dont_track_primary`].
    pub track_interfaces: Vec<TrackedInterface>,
    /// Scripts whose failure is a fault (weight 0) or moves the priority.
    pub track_scripts: Vec<TrackedScript>,
    /// `track_file`, `track_process`, `track_bfd`
    pub objects: TrackedObjects,
    /// `dont_track_primary`
    pub dont_track_primary: bool,
    /// Rules of the election that are off unless they are asked for.
    pub election: ElectionRules,
    /// What is told besides states.
    pub notices: Notices,
    /// Discard an advert whose source is no configured peer (`vrrp_check_unicast_src` / `check_unicast_src`).
    pub check_unicast_src: bool,
    /// `drift_repair`: so often within a minute what others remove is put back without a transition; `None`: never.
    pub drift_repair: Option<u32>,
    /// `no_accept`: traffic of the addresses is dropped.
    pub no_accept: bool,
    /// What its packets are like beside that.
    pub packets: PacketConfig,
    /// A problem found when the file was read that keeps the router in FAULT for ever (fact 2.17), in words.
    pub config_fault: Option<String>,
}

/// What a router tells besides its states, and in which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// `notify_deleted`: a reload that removes it is told as DELETED, otherwise as FAULT.
    pub deleted: bool,
    /// `notify_priority_changes`: its own, its group's or the default.
    pub priority_changes: bool,
}

/// A reload's identity of a virtual router: the protocol's key, not the name (fact 18.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceKey {
    /// VRID.
    pub vrid: Vrid,
    /// Family of the adverts.
    pub family: Family,
    /// Interface.
    pub interface: IfName,
    /// Unicast: the configured source address. Multicast: the group.
    pub endpoint: Option<IpAddr>,
    /// Whether adverts are unicast.
    pub unicast: bool,
}

impl RouterConfig {
    /// What it holds while MASTER.
    pub fn goods(&self) -> Goods {
        Goods {
            addresses: self.vips.iter().chain(&self.excluded).cloned().collect(),
            routes: self.routes.clone(),
            rules: self.rules.clone(),
        }
    }

    /// Where adverts leave and arrive.
    pub fn wire(&self) -> &IfName {
        match &self.link {
            Some(link) if !link.xmit_base => &link.name,
            Some(_) | None => &self.interface,
        }
    }

    /// The interface whose addresses adverts may come from (facts 9.7, 9.9): a link of its own only has link-local ones.
    pub fn source_interface(&self) -> &IfName {
        match self.family {
            Family::V4 => &self.interface,
            Family::V6 => self.wire(),
        }
    }

    /// What its adverts travel in.
    pub const fn carrier(&self) -> Carrier {
        match self.auth {
            Auth::Ah(_) => Carrier::Ah,
            Auth::None | Auth::Pass(_) => Carrier::Plain,
        }
    }

    /// What makes this router the same one after a reload.
    pub fn key(&self) -> InstanceKey {
        let (endpoint, unicast) = match &self.transport {
            Transport::Multicast { group } => (Some(*group), false),
            Transport::Unicast { .. } => (self.source, true),
        };
        InstanceKey {
            vrid: self.vrid,
            family: self.family,
            interface: self.interface.clone(),
            endpoint,
            unicast,
        }
    }
}

/// Where adverts go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The segment's group: 224.0.0.18 or ff02::12 unless configured.
    Multicast {
        /// The group.
        group: IpAddr,
    },
    /// Every peer, in this order.
    Unicast {
        /// `unicast_peer`; not empty.
        peers: Vec<IpAddr>,
        /// `unicast_ttl`: 255 unless configured.
        ttl: u8,
    },
}

/// When gratuitous ARP (IPv4) or unsolicited neighbour advertisements (IPv6) are sent (facts 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GarpConfig {
    /// `garp_master_delay`: from the first burst to the second; zero: no second. Default 5 s.
    pub delay: Duration,
    /// `garp_master_repeat`: rounds of a burst. Default 5.
    pub repeat: u32,
    /// `garp_master_refresh`: a burst every so often while MASTER; zero: never.
    pub refresh: Duration,
    /// `garp_master_refresh_repeat`: rounds of a refresh. Default 1.
    pub refresh_repeat: u32,
    /// `garp_lower_prio_delay`: to the second burst after a lower-priority advert; zero: none. Default: `delay`.
    pub lower_prio_delay: Duration,
    /// `garp_lower_prio_repeat`: rounds after a lower-priority advert; 0: none. Default: `repeat`.
    pub lower_prio_repeat: u32,
    /// `vrrp_garp_interval`: least time between two gratuitous ARPs on an interface; zero: no limit.
    pub garp_interval: Duration,
    /// `vrrp_gna_interval`: the same for neighbour advertisements.
    pub gna_interval: Duration,
    /// `garp_extra_if`: further interfaces; its interval is never zero.
    pub extra: Option<ExtraGarp>,
}

impl Default for GarpConfig {
    fn default() -> Self {
        let delay = Duration::from_secs(5);
        Self {
            delay,
            repeat: 5,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_delay: delay,
            lower_prio_repeat: 5,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            extra: None,
        }
    }
}

/// An entry of `track_interface`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedInterface {
    /// The interface.
    pub interface: IfName,
    /// 0: down means FAULT. Positive: added while up. Negative: added while down. `reverse` is folded in by
    /// [`Self::reverse`]. −253 to 253.
    pub weight: i16,
    /// Exchange up and down.
    pub reverse: bool,
}

/// An entry of `track_script`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedScript {
    /// The name of a [`ScriptTracker`].
    pub script: String,
    /// 0: failure means FAULT. Positive: added while good. Negative: added while bad. −253 to 253.
    pub weight: i16,
    /// Exchange good and bad.
    pub reverse: bool,
}

/// What is tracked besides interfaces and scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackedObjects {
    /// `track_file`: the weight multiplies the number in the file (fact 14.9).
    pub files: Vec<Tracked>,
    /// `track_process`: good is a quorum.
    pub processes: Vec<Tracked>,
    /// `track_bfd`: good is a session that is Up.
    pub sessions: Vec<Tracked>,
}

/// An entry of `track_file`, `track_process` or `track_bfd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// What is tracked.
    pub name: String,
    /// 0: bad means FAULT. Positive: added while good. Negative: added while bad. A file's is a factor.
    pub weight: i16,
    /// Exchange good and bad.
    pub reverse: bool,
}

/// How the exits of a `vrrp_script` become good and bad (facts 14.2, 14.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptTracker {
    /// Its name.
    pub name: String,
    /// Consecutive successes that make it good; at least 1.
    pub rise: u32,
    /// Consecutive failures that make it bad; at least 1.
    pub fall: u32,
}

/// One `vrrp_sync_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroupConfig {
    /// Its name.
    pub name: String,
    /// Names of its routers.
    pub members: Vec<String>,
    /// `track_interface` of the group: acts on every member.
    pub track_interfaces: Vec<TrackedInterface>,
    /// `track_script` of the group: acts on every member.
    pub track_scripts: Vec<TrackedScript>,
    /// `track_file`, `track_process`, `track_bfd` of the group: they act on every member.
    pub objects: TrackedObjects,
}
