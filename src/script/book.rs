//! The scripts of a configuration, examined once when it was loaded: which command runs which file as whom.
//!
//! Runners look commands up here; a command that was refused, or never examined, is not run.

use super::config::{Command, ScriptOutcome, ScriptPolicy};
use super::run::run;
use super::safety::{Examined, Prepared, Refusal, Remark, default_account, examine};
use crate::sys::child::Credentials;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Immutable: shared by all who run scripts, and replaced as a whole by a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scripts {
    prepared: HashMap<Command, Prepared>,
    /// Examined, and not to be run.
    refused: HashSet<Command>,
    /// Whose scripts are run that name nobody, when that can be said.
    default_account: Option<Credentials>,
}

/// What the examination of one command came to, for the log and for `-t`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The command.
    pub command: Command,
    /// Its remarks, or why it will not be run.
    pub verdict: Result<Vec<Remark>, Refusal>,
}

impl Scripts {
    /// Examines every command, each different one once, and reports all that there is to say, in their order.
    pub fn examine<'a>(
        commands: impl IntoIterator<Item = &'a Command>,
        policy: &ScriptPolicy,
    ) -> (Self, Vec<Report>) {
        let mut scripts = Self {
            default_account: default_account(policy),
            ..Self::default()
        };
        let mut reports: Vec<Report> = Vec::new();
        for command in commands {
            if scripts.prepared.contains_key(command) || scripts.refused.contains(command) {
                continue;
            }
            let verdict = match examine(command, policy) {
                Ok(Examined { script, remarks }) => {
                    scripts.prepared.insert(command.clone(), script);
                    Ok(remarks)
                }
                Err(refusal) => {
                    scripts.refused.insert(command.clone());
                    Err(refusal)
                }
            };
            if !matches!(&verdict, Ok(remarks) if remarks.is_empty()) {
                reports.push(Report {
                    command: command.clone(),
                    verdict,
                });
            }
        }
        (scripts, reports)
    }

    /// These and those of `old` that were not examined again: what a reload removes is told its end by a script that
    /// only the old configuration has. One that is refused by now is not run for that either.
    pub fn with_old(&self, old: &Self) -> Self {
        let mut both = self.clone();
        for (command, script) in &old.prepared {
            if !both.refused.contains(command) {
                let command = command.clone();
                both.prepared.entry(command).or_insert_with(|| script.clone());
            }
        }
        both
    }

    /// As whom scripts are run that name nobody, when that can be said.
    pub const fn default_account(&self) -> Option<Credentials> {
        self.default_account
    }

    /// What is run for `command`.
    pub fn get(&self, command: &Command) -> Option<&Prepared> {
        self.prepared.get(command)
    }

    /// Runs `command`, at most for `limit`. Cancel-safe: when dropped, its process group is killed.
    pub async fn run(&self, command: &Command, limit: Duration) -> ScriptOutcome {
        match self.get(command) {
            Some(script) => run(script, limit).await,
            None => ScriptOutcome::NotStarted,
        }
    }

    /// For tests: a command that was examined and found good.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, command: Command, script: Prepared) {
        self.default_account = Some(script.who);
        self.prepared.insert(command, script);
    }

    /// For tests: changes what is run for `command`.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, command: &Command, change: impl FnOnce(&mut Prepared)) {
        change(self.prepared.get_mut(command).unwrap());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::testing::sh_command;

    #[test]
    fn what_only_the_old_configuration_has_can_still_be_run() {
        let policy = ScriptPolicy::default();
        let [both, gone, refused] = ["exit 0", "exit 1", "exit 2"].map(sh_command);
        let nowhere = Command {
            argv: vec!["/nonexistent".into()],
            user: None,
        };
        let (mut old, _) = Scripts::examine([&both, &gone, &refused], &policy);
        let (mut new, reports) = Scripts::examine([&both, &nowhere, &nowhere], &policy);
        let refusals = reports.iter().filter(|report| report.verdict.is_err());
        assert_eq!(refusals.count(), 1, "said once: {reports:?}");
        old.replace(&both, |script| script.program = "/old".into());
        new.refused.insert(refused.clone());
        let merged = new.with_old(&old);
        assert_eq!(merged.get(&both), new.get(&both), "the new one counts");
        assert_eq!(merged.get(&gone), old.get(&gone));
        assert_eq!(merged.get(&refused), None);
        assert_eq!(merged.get(&nowhere), None);
        // Not carried on for ever: the next reload starts from its predecessor alone.
        assert_eq!(new.with_old(&Scripts::default()), new);
    }
}
