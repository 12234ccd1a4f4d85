//! `virtual_server`, `real_server` and `sorry_server`.

use super::{Checker, Spanned};
use crate::conf::diag::Place;
use crate::ipvs::model::{ForwardMethod, Protocol, Scheduler, ServiceFlags};
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
