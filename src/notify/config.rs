//! Which scripts are told what.

use crate::script::config::Command;
use std::collections::BTreeMap;

/// The scripts of an instance or a group.
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
    /// `notify`: gets four more arguments: INSTANCE or GROUP, name, state, priority (fact 12.2).
    pub any: Option<Command>,
}

/// All of them, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyConfig {
    /// By the name of the instance.
    pub instances: BTreeMap<String, NotifyScripts>,
    /// By the name of the sync group.
    pub groups: BTreeMap<String, NotifyScripts>,
}
