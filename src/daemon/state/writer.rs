//! The thread that writes the state files, which no plane has to wait for.
//!
//! Of the routers it looks at atomic numbers that the VRRP plane sets, several times within the shortest interval of those
//! that are MASTER, and at once when one becomes MASTER or ceases to be. What the checkers know is put into its slot.

use super::{Clocks, Paths, checks, file, routers};
use crate::check::verdict::ServiceVerdicts;
use crate::clock::Instant;
use crate::daemon::vrrp_plane::{Register, Seat};
use crate::sys::clock::{Cost, thread_time};
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, Thread, park_timeout, sleep};
use std::time::Duration;

/// How often it looks at the adverts: so many times in the shortest interval, and within these limits.
const LOOKS: u32 = 4;
const PERIOD: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Whatever writing costs: it has at most one of so many parts of the thread's time.
const SHARE: u32 = 50;
/// With nobody MASTER it is woken when there is something to do.
const IDLE: Duration = Duration::from_secs(3600);
/// Between two rounds: many routers may turn at once.
const PAUSE: Duration = Duration::from_millis(10);

/// What stays at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct Leave {
    /// Mastership goes on.
    pub(in crate::daemon) routers: bool,
    /// IPVS stays as it is.
    pub(in crate::daemon) checks: bool,
}

/// The thread's handle.
#[derive(Debug)]
pub(in crate::daemon) struct Writer {
    slot: Arc<Slot>,
    thread: JoinHandle<()>,
}

/// What the thread is told.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Slot {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The newest, until it is written.
    verdicts: Option<Vec<ServiceVerdicts>>,
    end: Option<Leave>,
    thread: Option<Thread>,
}

impl Slot {
    /// What the checkers know now.
    pub(in crate::daemon) fn put(&self, verdicts: Vec<ServiceVerdicts>) {
        self.change(|inner| inner.verdicts = Some(verdicts));
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut inner);
        if let Some(thread) = &inner.thread {
            thread.unpark();
        }
    }

    fn take(&self) -> (Option<Vec<ServiceVerdicts>>, Option<Leave>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.verdicts.take(), inner.end)
    }
}

impl Writer {
    /// Starts the thread. What an earlier run has left must have been read.
    pub(in crate::daemon) fn spawn(paths: Paths, register: Arc<Register>) -> io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let work = Work {
            paths,
            register: Arc::clone(&register),
            slot: Arc::clone(&slot),
            written: None,
            cost: Cost::default(),
            complained: false,
        };
        let thread = std::thread::Builder::new()
            .name("state".into())
            .spawn(move || work.work())?;
        register.tell(thread.thread().clone());
        slot.change(|inner| inner.thread = Some(thread.thread().clone()));
        Ok(Self { slot, thread })
    }

    /// Where the check plane puts what it knows.
    pub(in crate::daemon) fn slot(&self) -> Arc<Slot> {
        Arc::clone(&self.slot)
    }

    /// Ends the thread. What is left for the next start is written, what is not is removed.
    pub(in crate::daemon) fn finish(self, leave: Leave) {
        self.slot.change(|inner| inner.end = Some(leave));
        if self.thread.join().is_err() {
            tracing::error!("The thread that writes the state files has crashed");
        }
    }
}

struct Work {
    paths: Paths,
    register: Arc<Register>,
    slot: Arc<Slot>,
    /// Who was MASTER, and the last advert of each, when that was written last.
    written: Option<Vec<Instant>>,
    /// Of writing that.
    cost: Cost,
    /// A failure was said, and nothing was written since.
    complained: bool,
}

impl Work {
    #[expect(
        clippy::disallowed_methods,
        reason = "several turns within the pause are one write, and nobody waits for this thread"
    )]
    fn work(mut self) {
        loop {
            let (verdicts, end) = self.slot.take();
            if let Some(verdicts) = verdicts {
                self.write_checks(&verdicts);
            }
            let period = self.write_routers();
            if let Some(leave) = end {
                return self.end(leave);
            }
            sleep(PAUSE);
            park_timeout(period);
        }
    }

    /// Writes who is MASTER if there is something new. When to look again.
    fn write_routers(&mut self) -> Duration {
        let begun = thread_time();
        let seats = self.register.seats();
        let masters: Vec<(&Seat, Instant)> = seats
            .iter()
            .filter_map(|seat| Some((&**seat, seat.advert_at()?)))
            .collect();
        let shortest = masters.iter().map(|(seat, _)| seat.estate.advert_int).min();
        let now: Vec<Instant> = masters.iter().map(|(_, at)| *at).collect();
        let mut cost = Duration::ZERO;
        // Before the plane has begun, an earlier run's word stands.
        if self.written.as_ref() != Some(&now) && !seats.is_empty() {
            let clocks = Clocks::now();
            let list = masters.iter();
            let list = list.map(|(seat, at)| routers::write(&seat.estate, *at, seat.manner(), clocks));
            let list = list.collect();
            self.write(clocks, "routers", list);
            self.written = Some(now);
            cost = self.cost.of(thread_time().saturating_sub(begun));
        }
        shortest.map_or(IDLE, |shortest| {
            (shortest / LOOKS).clamp(PERIOD.0, PERIOD.1).max(cost * SHARE)
        })
    }

    fn write_checks(&mut self, verdicts: &[ServiceVerdicts]) {
        let clocks = Clocks::now();
        let list = verdicts.iter().map(|service| checks::write(service, clocks));
        let list = list.collect();
        self.write(clocks, "virtual_servers", list);
    }

    fn write(&mut self, clocks: Clocks, name: &str, list: Vec<Value>) {
        let path = match name {
            "routers" => &self.paths.routers,
            _ => &self.paths.checks,
        };
        let done = file::write(path, clocks.write(clocks.now), name, list);
        complain(&mut self.complained, path, "written", done);
    }

    fn end(self, leave: Leave) {
        let Leave { routers, checks } = leave;
        let mut complained = false;
        let routers = (!routers).then_some(&self.paths.routers);
        let checks = (!checks).then_some(&self.paths.checks);
        for path in routers.into_iter().chain(checks) {
            complain(&mut complained, path, "removed", file::remove(path));
        }
    }
}

/// Says a failure, the first of several in a row.
fn complain(complained: &mut bool, path: &Path, what: &str, done: io::Result<()>) {
    if let Err(error) = &done
        && !*complained
    {
        tracing::warn!(
            "{} cannot be {what}: {error}; a restart may be noticed",
            path.display()
        );
    }
    *complained = done.is_err();
}
