//! Tracked processes: counted in `/proc` at first, then followed by the kernel's process events (fact 14.11).
//!
//! [`count`] decides who is counted and what a count means; [`events`] reads the kernel's messages; here is who waits for
//! them. Runs on the control plane: looking at `/proc` may take a while, and is bounded for each process.

pub mod count;
pub mod events;
mod proc;

use super::config::{ProcessConfig, ReceiveBuffer};
use crate::clock::Instant;
use crate::sys::{clock, netns::Origin};
use count::{Census, Tally};
use events::{Connector, ProcessEvent};
pub use proc::ProcFs;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;
use tokio::time::sleep;

/// After messages were lost: so long it may go on storming before all are counted anew.
const RECOUNT_AFTER: Duration = Duration::from_millis(100);

/// A tracked process gained or lost its quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessReport {
    /// Its name in the configuration.
    pub name: String,
    /// Whether there is a quorum.
    pub good: bool,
}

/// Follows processes. Needs a tokio runtime.
#[derive(Debug)]
pub struct ProcessWatcher {
    proc: ProcFs,
    connector: Option<Connector>,
    census: Census,
    recount_at: Option<Instant>,
    reports: VecDeque<ProcessReport>,
}

impl Default for ProcessWatcher {
    fn default() -> Self {
        Self {
            proc: ProcFs::new("/proc"),
            connector: None,
            census: Census::default(),
            recount_at: None,
            reports: VecDeque::new(),
        }
    }
}

impl ProcessWatcher {
    /// Follows exactly these from now on, and returns which of them have a quorum: none at all when the kernel does not
    /// tell of processes. `origin` is the network namespace that it tells in.
    pub fn apply(
        &mut self,
        processes: &[ProcessConfig],
        buffer: ReceiveBuffer,
        origin: Option<&Origin>,
    ) -> Vec<ProcessReport> {
        self.reports.clear();
        self.recount_at = None;
        // Listened first: who comes or goes between the two is seen.
        self.connector = None;
        if !processes.is_empty() {
            match Connector::open(buffer, origin) {
                Ok(connector) => self.connector = Some(connector),
                Err(error) => {
                    tracing::error!("Process events are not available, track_process is ignored: {error}");
                }
            }
        }
        let followed = if self.connector.is_some() { processes } else { &[] };
        self.census.configure(followed, self.proc.limit(followed));
        self.census.count(&self.proc);
        let first = self.census.begin();
        first
            .into_iter()
            .map(|(name, good)| ProcessReport { name, good })
            .collect()
    }

    /// How many there are of each, for dumps.
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.census.tallies()
    }

    /// Waits for the next quorum that is gained or lost. Cancel-safe.
    pub async fn next(&mut self) -> ProcessReport {
        loop {
            if let Some(report) = self.reports.pop_front() {
                return report;
            }
            let now = clock::now();
            if self.recount_at.take_if(|at| *at <= now).is_some() {
                self.census.count(&self.proc);
            }
            self.judge(now);
            if !self.reports.is_empty() {
                continue;
            }
            let Some(connector) = &self.connector else {
                return std::future::pending().await;
            };
            let deadline = [self.recount_at, self.census.next_deadline()];
            let wait = deadline.into_iter().flatten().min().map(|at| at.since(now));
            tokio::select! {
                events = connector.next() => match events {
                    Ok(events) => self.see(&events),
                    Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                        tracing::warn!("Process events were lost, all processes are counted anew");
                        self.recount_at.get_or_insert_with(|| clock::now() + RECOUNT_AFTER);
                    }
                    Err(error) => self.lost(&error),
                },
                () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    fn see(&mut self, events: &[ProcessEvent]) {
        for event in events {
            match *event {
                ProcessEvent::Changed(pid) => self.census.look(&self.proc, pid),
                ProcessEvent::Gone(pid) => self.census.gone(pid),
            }
        }
    }

    fn judge(&mut self, now: Instant) {
        for (name, good) in self.census.judge(now) {
            let what = if good { "gained" } else { "lost" };
            tracing::info!("Quorum {what} for tracked process {name}");
            self.reports.push_back(ProcessReport { name, good });
        }
    }

    /// Nothing is told any more: what was said last stays.
    fn lost(&mut self, error: &io::Error) {
        tracing::error!("Process events end, tracked processes stay what they are: {error}");
        self.connector = None;
    }
}

#[cfg(test)]
mod tests;
