//! `virtual_server`, `real_server`, `sorry_server` and `virtual_server_group`; `SSL` is as its checkers have it.

use super::{Checker, Spanned};
pub use crate::check::config::{GroupEntry, Ssl};
use crate::conf::diag::Place;
use crate::ipvs::model::{ForwardMethod, Granularity, Protocol, Scheduler, ServiceFlags};
use crate::net::Family;
use crate::script::config::Command;
use std::net::SocketAddr;
use std::time::Duration;

/// What a `virtual_server` is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// An address and a port; port 0: all.
    Address(SocketAddr),
    /// `fwmark N`
    FwMark(u32),
    /// `group NAME`
    Group(String),
}

/// `virtual_server_group` as written, without entries that cannot be used; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerGroup {
    /// Its name.
    pub name: Spanned<String>,
    /// One for each line.
    pub entries: Vec<Spanned<GroupEntry>>,
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
    /// That of the address, of `ip_family`, or what its servers have settled (fact 2.13).
    pub family: Option<Family>,
    pub checks: CheckSettings,
    pub scheduler: Option<Scheduler>,
    pub flags: ServiceFlags,
    pub ops: Option<Place>,
    pub method: Option<ForwardMethod>,
    pub persistence_engine: Option<String>,
    pub persistence_timeout: Option<Duration>,
    pub persistence_granularity: Option<Granularity>,
    pub protocol: Option<Spanned<Protocol>>,
    pub ha_suspend: Option<Place>,
    pub while_master: Option<Spanned<String>>,
    pub smtp_alert: Option<bool>,
    pub snmp_name: Option<String>,
    pub omega: bool,
    pub quorum: Option<Spanned<u32>>,
    pub hysteresis: Option<Spanned<u32>>,
    pub quorum_up: Option<Spanned<Command>>,
    pub quorum_down: Option<Spanned<Command>>,
    pub weight: Option<u32>,
    pub inhibit_on_failure: bool,
    pub sorry_server: Option<SorryServer>,
    pub real_servers: Vec<RealServer>,
    pub misread: Misread,
}

/// Where something stands in a `virtual_server` that could not be read: that it then has its default is no second
/// mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Misread {
    pub protocol: Option<Place>,
    pub scheduler: Option<Place>,
    pub method: Option<Place>,
}

/// `sorry_server` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct SorryServer {
    pub address: Spanned<SocketAddr>,
    pub method: Option<ForwardMethod>,
    pub inhibit: bool,
}

/// `real_server` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct RealServer {
    pub address: Spanned<SocketAddr>,
    pub method: Option<ForwardMethod>,
    pub weight: Option<u32>,
    pub inhibit_on_failure: Option<bool>,
    pub upper: u32,
    pub lower: u32,
    pub notify_up: Option<Spanned<Command>>,
    pub notify_down: Option<Spanned<Command>>,
    pub smtp_alert: Option<bool>,
    pub snmp_name: Option<String>,
    pub checks: CheckSettings,
    pub checkers: Vec<Checker>,
}
