//! The kernel's IPVS as a whole, as written.

use super::Spanned;
use crate::ipvs::config::FlushOnStop;
use std::net::IpAddr;
use std::time::Duration;

/// `lvs_…` of `global_defs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct IpvsSettings {
    pub tcp_timeout: Option<Duration>,
    pub tcpfin_timeout: Option<Duration>,
    pub udp_timeout: Option<Duration>,
    pub flush: bool,
    pub flush_on_stop: FlushOnStop,
    pub sync_daemon: Option<Spanned<SyncDaemon>>,
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
