//! Settings of virtual servers and checkers that nothing comes of yet.

use crate::ipvs::model::ServerId;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Virtual servers, their groups and checkers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterLvs {
    /// More settings of the virtual servers.
    pub servers: BTreeMap<ServerId, LaterServer>,
}

/// More settings of a virtual server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterServer {
    /// `snmp_name`
    pub snmp_name: Option<String>,
    /// More settings of its real servers, by address and port as the plan has them; only those that have some.
    pub real_servers: BTreeMap<SocketAddr, LaterRealServer>,
}

/// More settings of a real server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterRealServer {
    /// `snmp_name`
    pub snmp_name: Option<String>,
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
