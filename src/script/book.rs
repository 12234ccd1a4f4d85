//! The scripts of a configuration, examined once when it was loaded: which command runs which file as whom.
//!
//! Runners look commands up here; a command that was refused, or never examined, is not run.

use super::config::{Command, ScriptOutcome, ScriptPolicy};
use super::run::run;
use super::safety::{Examined, Prepared, Refusal, Remark, examine};
use std::collections::HashMap;
use std::time::Duration;

/// Immutable: shared by all who run scripts, and replaced as a whole by a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scripts {
    prepared: HashMap<Command, Prepared>,
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
        let mut scripts = Self::default();
        let mut reports: Vec<Report> = Vec::new();
        for command in commands {
            let known = scripts.prepared.contains_key(command)
                || reports.iter().any(|report| report.command == *command);
            if known {
                continue;
            }
            let verdict = match examine(command, policy) {
                Ok(Examined { script, remarks }) => {
                    scripts.prepared.insert(command.clone(), script);
                    Ok(remarks)
                }
                Err(refusal) => Err(refusal),
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

    /// These scripts, and those of `earlier` that are not among them: for as long as somebody may still run one that a
    /// reload took out.
    #[must_use]
    pub fn and_earlier(&self, earlier: &Self) -> Self {
        let mut both = earlier.prepared.clone();
        both.extend(self.prepared.clone());
        Self { prepared: both }
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

    /// For tests: changes what is run for `command`.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, command: &Command, change: impl FnOnce(&mut Prepared)) {
        change(self.prepared.get_mut(command).unwrap());
    }
}
