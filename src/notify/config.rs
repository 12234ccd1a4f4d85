//! Who is told what: scripts, FIFOs, mail.

mod absorb;

use crate::script::config::{Command, RunAs};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What is told of an instance or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyScripts {
    /// `notify_master`
    pub master: Option<Command>,
    /// `notify_backup`
    pub backup: Option<Command>,
    /// `notify_fault`
    pub fault: Option<Command>,
    /// `notify_stop`
    pub stop: Option<Command>,
    /// `notify_deleted`; of instances only.
    pub deleted: Option<Command>,
    /// `notify`: gets four more arguments: INSTANCE or GROUP, name, state, priority (fact 12.2).
    pub any: Option<Command>,
    /// `notify_master_rx_lower_pri`; of instances only.
    pub master_rx_lower_pri: Option<Command>,
    /// `smtp_alert`: mail is sent.
    pub smtp_alert: bool,
    /// `notify_priority_changes` of a group; of an instance it is the router's.
    pub priority_changes: bool,
}

impl NotifyScripts {
    /// All of its scripts.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        let Self {
            master,
            backup,
            fault,
            stop,
            deleted,
            any,
            master_rx_lower_pri,
            smtp_alert: _,
            priority_changes: _,
        } = self;
        [master, backup, fault, stop, deleted, any, master_rx_lower_pri]
            .into_iter()
            .flatten()
    }
}

/// All of them, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyConfig {
    /// By the name of the instance.
    pub instances: BTreeMap<String, NotifyScripts>,
    /// By the name of the sync group.
    pub groups: BTreeMap<String, NotifyScripts>,
    /// What happens is written to these, in this order.
    pub fifos: Vec<FifoConfig>,
    /// Mail, if there is somebody to send it to and a relay.
    pub mail: Option<MailConfig>,
}

/// `notify_fifo`, `vrrp_notify_fifo`, `lvs_notify_fifo`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FifoConfig {
    /// Where it is, or shall be.
    pub path: PathBuf,
    /// Whose it is when it is made; otherwise whose scripts are.
    pub owner: Option<RunAs>,
    /// The program that reads it.
    pub script: Option<Command>,
    /// What is written to it.
    pub hears: Hears,
}

/// What a FIFO is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hears {
    /// States of instances and groups.
    pub vrrp: bool,
    /// Real servers and quorums.
    pub health: bool,
}

/// Mail alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailConfig {
    /// `smtp_server`: an address or a name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `smtp_helo_name`; otherwise the host's name.
    pub helo_name: Option<String>,
    /// `smtp_connect_timeout`: for the connection, and for every answer.
    pub timeout: Duration,
    /// `notification_email_from`; otherwise the user at the host.
    pub from: Option<String>,
    /// `notification_email`; not empty.
    pub to: Vec<String>,
    /// `router_id`, in subjects; otherwise the host's name.
    pub router_id: Option<String>,
    /// `no_email_faults`
    pub no_faults: bool,
}
