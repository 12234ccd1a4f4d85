//! The commands of a configuration: which there are, as whom they run, and which may.

use super::{Builder, ScriptRefusal};
use crate::conf::config::{CheckerKind, Config, MiscSettings, NotifySettings, Spanned, VrrpScript};
use crate::conf::diag::{Class, Topic};
use crate::script::config::{Command, RunAs, ScriptPolicy};

/// `script_user` and `enable_script_security`.
pub fn policy(config: &Config) -> ScriptPolicy {
    ScriptPolicy {
        default_user: config.global.script_user.as_ref().map(|user| user.value.clone()),
        security: config.global.enable_script_security,
        keep_links: config.global.use_symlink_paths.unwrap_or(false),
    }
}

/// Every command that the plan of `config` may hold: what is to be examined for [`super::Host::refused`].
pub fn commands(config: &Config) -> Vec<Command> {
    let mut out: Vec<Command> = Vec::new();
    out.extend(super::global::commands(config).map(|command| command.value.clone()));
    out.extend(config.scripts.iter().filter_map(tracked));
    let notifies = config.instances.iter().map(|instance| &instance.notify);
    for notify in notifies.chain(config.groups.iter().map(|group| &group.notify)) {
        out.extend(
            slots(notify)
                .into_iter()
                .flatten()
                .map(|command| command.value.clone()),
        );
    }
    for server in &config.servers {
        let own = [&server.quorum_up, &server.quorum_down];
        let reals = server
            .real_servers
            .iter()
            .flat_map(|real| [&real.notify_up, &real.notify_down]);
        out.extend(
            own.into_iter()
                .chain(reals)
                .flatten()
                .map(|command| command.value.clone()),
        );
        let checkers = server.real_servers.iter().flat_map(|real| &real.checkers);
        out.extend(checkers.filter_map(|checker| match &checker.kind {
            CheckerKind::Misc(settings) => Some(misc(settings)),
            _ => None,
        }));
    }
    let mut seen = std::collections::HashSet::new();
    out.retain(|command| seen.insert(command.clone()));
    out
}

/// The accounts that a configuration names for its scripts: what [`super::Host::unknown_accounts`] is asked about.
pub fn accounts(config: &Config) -> Vec<RunAs> {
    config
        .global
        .script_user
        .iter()
        .map(|user| user.value.clone())
        .collect()
}

/// The command of a `vrrp_script` with its user.
pub(super) fn tracked(script: &VrrpScript) -> Option<Command> {
    let mut command = script.script.as_ref()?.value.clone();
    command.user = script
        .user
        .as_ref()
        .map(|user| user.value.clone())
        .or(command.user);
    Some(command)
}

/// The command of a MISC_CHECK with its user.
pub(super) fn misc(settings: &MiscSettings) -> Command {
    let mut command = settings.misc_path.value.clone();
    command.user = settings.user.as_ref().map(|user| user.value.clone());
    command
}

/// The commands of an instance or a group, in the order of [`crate::notify::config::NotifyScripts`].
pub(super) fn slots(notify: &NotifySettings) -> [Option<&Spanned<Command>>; 7] {
    let NotifySettings {
        master,
        backup,
        fault,
        stop,
        deleted,
        any,
        master_rx_lower_pri,
        smtp_alert: _,
        priority_changes: _,
    } = notify;
    let deleted = deleted.as_ref().and_then(Option::as_ref);
    let [master, backup, fault, stop, any, lower] =
        [master, backup, fault, stop, any, master_rx_lower_pri].map(Option::as_ref);
    [master, backup, fault, stop, deleted, any, lower]
}

impl Builder<'_> {
    /// A notify script that may be run; otherwise it is left out and said.
    pub(super) fn notify(&mut self, command: Option<&Spanned<Command>>, owner: &str) -> Option<Command> {
        let command = command?;
        let Some(refusal) = self.host.refused.get(&command.value) else {
            return Some(command.value.clone());
        };
        let program = command.value.program();
        let (class, topic, message) = match refusal {
            // keepalived logs this one, but -t does not count it.
            ScriptRefusal::NotFound => (
                Class::Unheeded,
                Topic::ScriptNotFound,
                format!("{owner}script {program} not found or not executable - ignoring"),
            ),
            ScriptRefusal::NoUser => (
                Class::Unheeded,
                Topic::ScriptUser,
                format!("{owner}Unable to set uid/gid for script '{program}' - ignoring"),
            ),
            ScriptRefusal::NoDefaultUser => (
                Class::General,
                Topic::ScriptUser,
                format!("{owner}Unable to set default user for script {program} - ignoring"),
            ),
            ScriptRefusal::Unsafe => (
                Class::Unheeded,
                Topic::SecurityViolation,
                format!("{owner}Unsafe permissions found for script '{program}' - disabling"),
            ),
        };
        self.refuse(class, topic, &command.place, message, &command.value);
        None
    }
}
