//! Tracked processes: counted in `/proc` at first, then followed by the kernel's process events (fact 14.11), or counted
//! every second where there are none.
//!
//! [`count`] decides who is counted and what a count means; [`events`] reads the kernel's messages; here is who waits for
//! them. Runs on the control plane: looking at `/proc` may take a while, and is bounded for each process.

pub mod count;
pub mod events;
mod proc;

use super::config::{ProcessConfig, ReceiveBuffer};
use crate::clock::Instant;
use crate::sys::{clock, netns::Namespace};
use count::{Census, Tally};
use events::{Connector, ProcessEvent};
pub use proc::ProcFs;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;
use tokio::time::sleep;

/// After messages were lost: so long it may go on storming before all are counted anew.
const RECOUNT_AFTER: Duration = Duration::from_millis(100);
/// Where the kernel does not tell of processes, in a container for example, all are counted so often.
const COUNT_EVERY: Duration = Duration::from_secs(1);

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
    /// Follows exactly these from now on, and returns which of them have a quorum. `origin` is the network namespace that
    /// the kernel tells of processes in; where it does not, they are counted every second.
    pub fn apply(
        &mut self,
        processes: &[ProcessConfig],
        buffer: ReceiveBuffer,
        origin: Option<&Namespace>,
    ) -> Vec<ProcessReport> {
        self.connector = None;
        let mut connector = None;
        if !processes.is_empty() {
            connector = Connector::open(buffer, origin)
                .inspect_err(|error| {
                    tracing::warn!(
                        "Process events are not available, processes are counted every second: {error}"
                    );
                })
                .ok();
        }
        self.follow(processes, connector)
    }

    /// Who comes or goes while all are counted is told by the connector, which was opened before.
    fn follow(&mut self, processes: &[ProcessConfig], connector: Option<Connector>) -> Vec<ProcessReport> {
        self.reports.clear();
        let counts = connector.is_none() && !processes.is_empty();
        self.recount_at = counts.then(|| clock::now() + COUNT_EVERY);
        self.connector = connector;
        self.census.configure(processes, self.proc.limit(processes));
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
                self.recount_at = self.connector.is_none().then(|| now + COUNT_EVERY);
            }
            self.judge(now);
            if !self.reports.is_empty() {
                continue;
            }
            let deadline = [self.recount_at, self.census.next_deadline()];
            let wait = deadline.into_iter().flatten().min().map(|at| at.since(now));
            tokio::select! {
                events = told(self.connector.as_ref()) => match events {
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

    /// Nothing is told any more.
    fn lost(&mut self, error: &io::Error) {
        tracing::error!("Process events end, processes are counted every second: {error}");
        self.connector = None;
        self.recount_at = Some(clock::now() + COUNT_EVERY);
    }
}

async fn told(connector: Option<&Connector>) -> io::Result<Vec<ProcessEvent>> {
    match connector {
        Some(connector) => connector.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
