//! What the engine shows of itself: values for dumps and, later, the status socket.

use super::config::RouterConfig;
use super::{Priority, RouterId};
use crate::clock::Instant;
use std::net::IpAddr;
use std::time::Duration;

/// The whole engine at one moment.
#[derive(Clone, Debug)]
pub struct VrrpStatus {
    /// The moment.
    pub now: Instant,
    /// The routers, in the order of the configuration.
    pub routers: Vec<RouterStatus>,
    /// The sync groups, in the order of the configuration.
    pub groups: Vec<GroupStatus>,
    /// The scripts, in the order of the configuration.
    pub scripts: Vec<ScriptStatus>,
    /// Packets that no router here is addressed by (fact 6.1).
    pub unknown_vrid: u64,
}

/// A router's state by name (fact 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateName {
    /// Before the first decision.
    Init,
    /// BACKUP
    Backup,
    /// MASTER
    Master,
    /// FAULT
    Fault,
}

impl StateName {
    /// keepalived's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        }
    }
}

/// A virtual router at one moment.
#[derive(Clone, Debug)]
pub struct RouterStatus {
    /// Its number.
    pub id: RouterId,
    /// What it was told to do.
    pub config: RouterConfig,
    /// State.
    pub state: StateName,
    /// The causes of FAULT, in words; empty otherwise.
    pub faults: Vec<String>,
    /// Base and trackers together.
    pub effective_priority: Priority,
    /// The source address in use.
    pub source: Option<IpAddr>,
    /// BACKUP: the master it heard last, and its priority.
    pub master: Option<(IpAddr, Priority)>,
    /// From advert to advert: a BACKUP of version 3 has it from its master (fact 4.4).
    pub interval: Duration,
    /// When the state was entered.
    pub last_transition: Option<Instant>,
    /// When the last own advert was sent.
    pub last_advert_sent: Option<Instant>,
    /// The deadline in force: master down or the next advert.
    pub deadline: Option<Instant>,
    /// Whether the addresses are installed.
    pub holding: bool,
    /// When each of its addresses was announced last, in the order of the addresses.
    pub announced: Vec<(IpAddr, Instant)>,
    /// Counters since start.
    pub counters: Counters,
}

/// Counters of a router, in the order and meaning of keepalived's statistics (fact 20.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Adverts received that passed the checks.
    pub advert_rcvd: u64,
    /// Adverts sent.
    pub advert_sent: u64,
    /// Times it became MASTER.
    pub become_master: u64,
    /// Times it ceased to be MASTER.
    pub release_master: u64,
    /// Packets of a wrong length.
    pub packet_len_err: u64,
    /// Never increased, as in keepalived (fact 6.20).
    pub advert_interval_err: u64,
    /// Packets with a TTL below 255.
    pub ip_ttl_err: u64,
    /// Packets of another type than advertisement.
    pub invalid_type_rcvd: u64,
    /// Packets with other addresses than ours, or another kind of destination.
    pub addr_list_err: u64,
    /// Unknown authentication types.
    pub invalid_authtype: u64,
    /// Another authentication type than ours.
    pub authtype_mismatch: u64,
    /// Wrong passwords, or AH headers that are not right.
    pub auth_failure: u64,
    /// `auth_hmac`: no trailer.
    pub auth_ext_missing: u64,
    /// `auth_hmac`: no trailer that we understand.
    pub auth_ext_malformed: u64,
    /// `auth_hmac`: a key that we do not have.
    pub auth_ext_unknown_key: u64,
    /// `auth_hmac`: a wrong HMAC.
    pub auth_ext_invalid_hmac: u64,
    /// `auth_hmac`: too old, or of the future.
    pub auth_ext_stale: u64,
    /// `auth_hmac`: heard before.
    pub auth_ext_replay: u64,
    /// Adverts with priority 0 received.
    pub pri_zero_rcvd: u64,
    /// Adverts with priority 0 sent.
    pub pri_zero_sent: u64,
    /// Packets with a wrong checksum (ours; keepalived does not count them).
    pub checksum_err: u64,
    /// Packets of another version (ours).
    pub version_err: u64,
    /// Version 2 packets with another interval (ours).
    pub interval_mismatch: u64,
    /// Unicast packets of a stranger (ours).
    pub unknown_peer: u64,
}

/// A sync group at one moment.
#[derive(Clone, Debug)]
pub struct GroupStatus {
    /// Its name.
    pub name: String,
    /// State.
    pub state: StateName,
    /// Names of its members.
    pub members: Vec<String>,
}

/// A track script at one moment.
#[derive(Clone, Debug)]
pub struct ScriptStatus {
    /// Its name.
    pub name: String,
    /// 0 to rise + fall − 1; good from `rise` on.
    pub result: u32,
    /// `None` before the first outcome.
    pub good: Option<bool>,
}
