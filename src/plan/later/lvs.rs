//! Settings of virtual servers and checkers that nothing comes of yet.

use crate::check::config::{RealServerConfig, SorryServerConfig, VirtualServerConfig};
use crate::conf::config::{GroupEntry, Regex, Ssl, Tunnel};
use crate::ipvs::model::{ForwardMethod, Persistence, Protocol, Scheduler, ServiceFlags, ServiceKey};
use crate::net::Family;
use crate::script::config::Command;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Virtual servers, their groups and checkers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterLvs {
    /// `SSL`
    pub ssl: Option<Ssl>,
    /// `virtual_server_group`, in the order of the file, names unique.
    pub groups: Vec<LaterServerGroup>,
    /// Virtual servers on groups, none of which is served.
    pub group_servers: Vec<LaterGroupServer>,
    /// More settings of the virtual servers that are served.
    pub servers: BTreeMap<ServiceKey, LaterServer>,
}

/// `virtual_server_group`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaterServerGroup {
    /// Its name.
    pub name: String,
    /// Addresses and marks; not empty.
    pub entries: Vec<GroupEntry>,
}

/// `virtual_server group NAME`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaterGroupServer {
    /// The group's name.
    pub group: String,
    /// How many virtual servers of this group stand before (fact 1.2).
    pub number: u32,
    /// Of the addresses; none when both are there.
    pub family: Option<Family>,
    /// Of the addresses; none when there are marks only.
    pub protocol: Option<Protocol>,
    /// What every virtual server has.
    pub settings: ServerSettings,
    /// More of it.
    pub later: LaterServer,
}

/// All of a [`VirtualServerConfig`] but its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in VirtualServerConfig")]
pub struct ServerSettings {
    pub scheduler: Scheduler,
    pub flags: ServiceFlags,
    pub persistence: Option<Persistence>,
    pub forward: ForwardMethod,
    pub delay_loop: Duration,
    pub alpha: bool,
    pub omega: bool,
    pub quorum: u32,
    pub hysteresis: u32,
    pub quorum_up: Option<Command>,
    pub quorum_down: Option<Command>,
    pub smtp_alert: bool,
    pub ha_suspend: bool,
    pub sorry_server: Option<SorryServerConfig>,
    pub real_servers: Vec<RealServerConfig>,
}

impl ServerSettings {
    /// The virtual server of `key`.
    pub fn with_key(self, key: ServiceKey) -> VirtualServerConfig {
        VirtualServerConfig {
            key,
            scheduler: self.scheduler,
            flags: self.flags,
            persistence: self.persistence,
            forward: self.forward,
            delay_loop: self.delay_loop,
            alpha: self.alpha,
            omega: self.omega,
            quorum: self.quorum,
            hysteresis: self.hysteresis,
            quorum_up: self.quorum_up,
            quorum_down: self.quorum_down,
            smtp_alert: self.smtp_alert,
            ha_suspend: self.ha_suspend,
            sorry_server: self.sorry_server,
            real_servers: self.real_servers,
        }
    }
}

/// More settings of a virtual server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterServer {
    /// `snmp_name`
    pub snmp_name: Option<String>,
    /// Of `lvs_method`; servers have theirs.
    pub tunnel: Tunnel,
    /// Of `sorry_server_lvs_method`.
    pub sorry_tunnel: Tunnel,
    /// `persistence_granularity` with holes; until it works the whole address counts.
    pub granularity: Option<Ipv4Addr>,
    /// More settings of its real servers, by address and port as the plan has them; only those that have some.
    pub real_servers: BTreeMap<SocketAddr, LaterRealServer>,
}

/// More settings of a real server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterRealServer {
    /// `snmp_name`
    pub snmp_name: Option<String>,
    /// Of `lvs_method`.
    pub tunnel: Tunnel,
    /// By the number of the checker among those that work, and of its url: more settings of the url.
    pub urls: BTreeMap<(usize, usize), LaterUrl>,
}

/// More settings of a `url`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterUrl {
    /// `regex` and what belongs to it.
    pub regex: Option<Regex>,
    /// `tls_compliant`, when the checker does not say it.
    pub tls_compliant: bool,
}

/// When a checker runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in CheckerConfig")]
pub struct CheckerTiming {
    pub alpha: bool,
    pub delay_loop: Duration,
    pub retry: u32,
    pub delay_before_retry: Duration,
    pub warmup: Duration,
    pub log_all_failures: bool,
}
