//! The runner of `vrrp_script`s: each is run at once and then every `interval`, from start to start; its outcomes are
//! reported, never judged (facts 14.2, 14.4).
//!
//! One task a script, so at most one run of it exists: a run that still goes on at its next turn lets that turn pass,
//! with a log line. Which outcome is good, and after how many, is decided in `vrrp`. Reports go through a bounded
//! queue; when it is full the script waits with its report and lets turns pass, so that no outcome is lost and nothing
//! piles up.

use super::config::TrackScriptConfig;
use crate::script::Scripts;
use crate::script::config::ScriptOutcome;
use crate::script::run::Running;
use crate::script::safety::Prepared;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

/// A run of a track script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptReport {
    /// The script's name.
    pub name: String,
    /// How.
    pub outcome: ScriptOutcome,
}

/// Runs track scripts. Needs a tokio runtime; dropping it kills what runs.
#[derive(Debug)]
pub struct TrackRunner {
    reports: mpsc::Sender<ScriptReport>,
    scripts: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    script: Option<Prepared>,
    timing: watch::Sender<Timing>,
    running: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What a reload may change under a script that keeps running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timing {
    interval: Duration,
    timeout: Duration,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TrackRunner {
    /// Reports to `reports`.
    pub fn new(reports: mpsc::Sender<ScriptReport>) -> Self {
        Self {
            reports,
            scripts: HashMap::new(),
        }
    }

    /// Runs exactly these from now on. A script with the same name, file, arguments and user runs on undisturbed, with
    /// its new times; one that is gone or another is killed. One that was refused never succeeds: it is reported as
    /// not started at every turn.
    pub fn apply(&mut self, configs: &[TrackScriptConfig], scripts: &Scripts) {
        let mut old = std::mem::take(&mut self.scripts);
        for config in configs {
            let script = scripts.get(&config.command);
            let kept = old
                .remove(&config.name)
                .filter(|entry| entry.script.as_ref() == script && !entry.task.is_finished());
            let entry = match kept {
                Some(entry) => {
                    let wanted = Timing::of(config);
                    entry.timing.send_if_modified(|timing| {
                        let changed = *timing != wanted;
                        *timing = wanted;
                        changed
                    });
                    entry
                }
                None => self.start(config, script.cloned()),
            };
            self.scripts.insert(config.name.clone(), entry);
        }
    }

    /// The names of those that are running at this moment.
    pub fn running(&self) -> BTreeSet<String> {
        let running = |entry: &Entry| entry.running.load(Ordering::Relaxed);
        let scripts = self.scripts.iter();
        scripts
            .filter(|(_, entry)| running(entry))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn start(&self, config: &TrackScriptConfig, script: Option<Prepared>) -> Entry {
        let (timing, changes) = watch::channel(Timing::of(config));
        let running = Arc::new(AtomicBool::new(false));
        let turns = Turns {
            name: config.name.clone(),
            running: Arc::clone(&running),
            script: script.clone(),
            timing: changes,
            reports: self.reports.clone(),
        };
        Entry {
            script,
            timing,
            running,
            task: tokio::spawn(turns.take()),
        }
    }
}

impl Timing {
    fn of(config: &TrackScriptConfig) -> Self {
        Self {
            // A period of zero would be no period.
            interval: config.interval.max(Duration::from_millis(1)),
            timeout: config.timeout,
        }
    }

    fn turns_from(self, first: Instant) -> Interval {
        let mut turns = interval_at(first, self.interval);
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        turns
    }
}

/// The life of one script.
struct Turns {
    name: String,
    script: Option<Prepared>,
    running: Arc<AtomicBool>,
    timing: watch::Receiver<Timing>,
    reports: mpsc::Sender<ScriptReport>,
}

impl Turns {
    async fn take(mut self) {
        let mut timing = *self.timing.borrow_and_update();
        let mut turns = timing.turns_from(Instant::now());
        loop {
            tokio::select! {
                changed = self.timing.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    timing = *self.timing.borrow_and_update();
                    turns = timing.turns_from(Instant::now() + timing.interval);
                }
                _ = turns.tick() => {
                    self.running.store(true, Ordering::Relaxed);
                    let outcome = self.run(timing.timeout, &mut turns).await;
                    self.running.store(false, Ordering::Relaxed);
                    let report = ScriptReport { name: self.name.clone(), outcome };
                    if self.reports.send(report).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// One run; turns that come meanwhile pass.
    async fn run(&self, timeout: Duration, turns: &mut Interval) -> ScriptOutcome {
        let started = self.script.as_ref().map(Running::start);
        let mut running = match started {
            Some(Ok(running)) => running,
            Some(Err(error)) => {
                tracing::warn!("Cannot run track script {}: {error}", self.name);
                return ScriptOutcome::NotStarted;
            }
            None => return ScriptOutcome::NotStarted,
        };
        let limit = Instant::now() + timeout;
        loop {
            tokio::select! {
                biased;
                outcome = running.ended() => return outcome,
                () = sleep_until(limit) => break,
                _ = turns.tick() => tracing::info!(
                    "Track script {} is already running, expect idle - skipping run", self.name
                ),
            }
        }
        let end = running.end();
        tokio::pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => return ScriptOutcome::TimedOut,
                _ = turns.tick() => tracing::info!(
                    "Track script {} is being timed out, expect idle - skipping run", self.name
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests;
