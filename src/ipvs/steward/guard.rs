//! The steward's guard: what others do to our sync daemons and timeouts is seen, and put right.
//!
//! The kernel tells nobody of them either, so it is asked, twice a second while we have any. A daemon that somebody has stopped is
//! started again. One that somebody has started with other settings in the place of ours, and timeouts that somebody has
//! changed (`ipvsadm --set`), are told once, and put back only to repair.

use super::super::config::{Role, SyncDaemon, Timeouts};
use super::super::io::TalkError;
use super::super::patience::{LONGEST, MOST_REPAIRS, PATIENT, exceeded, grown};
use super::{Worker, word};
use crate::clock::Instant;
use crate::sys::clock::now;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the guard has put back since the start.
#[derive(Debug, Default)]
pub struct PutBack {
    daemons: AtomicU64,
    edits: AtomicU64,
}

impl PutBack {
    /// Daemons that were stopped; and what others had changed of daemons or timeouts.
    pub fn counts(&self) -> [u64; 2] {
        [&self.daemons, &self.edits].map(|count| count.load(Ordering::Relaxed))
    }
}

/// What the guard remembers between two looks.
pub(super) struct Guard {
    /// How long a pause is at least.
    pace: Duration,
    /// When to look next.
    due: Instant,
    /// Looks in a row that had something to put back.
    busy: u32,
    /// What others have made of it, and how often it was put back.
    edited: BTreeMap<Place, (Setting, u32)>,
    pub(super) put_back: Arc<PutBack>,
}

/// What has settings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Daemon(Role),
    Timeouts,
}

#[derive(Clone, PartialEq, Eq)]
enum Setting {
    Daemon(SyncDaemon),
    Timeouts(Timeouts),
}

impl Guard {
    pub(super) fn new(pace: Duration) -> Self {
        Self {
            pace,
            due: now(),
            busy: 0,
            edited: BTreeMap::new(),
            put_back: Arc::default(),
        }
    }

    /// Whether to put back what others have made of it.
    fn judge(&mut self, place: Place, found: Setting, change: &str, repair: bool) -> bool {
        let known = self.edited.get(&place).filter(|(known, _)| *known == found);
        let (fresh, repairs) = (known.is_none(), known.map_or(0, |(_, repairs)| *repairs));
        let repair = repair && repairs < MOST_REPAIRS;
        if fresh || repair {
            let end = if repair {
                "putting it back"
            } else {
                "left until something else is wanted of it"
            };
            tracing::warn!(target: "check", "IPVS: others have changed {change} - {end}");
        }
        self.edited.insert(place, (found, repairs + u32::from(repair)));
        repair
    }
}

/// What others have done to ours.
#[derive(Default)]
pub(super) struct Found {
    /// Daemons that they have stopped.
    stopped: BTreeSet<Role>,
    /// Settings that are put back.
    edits: u64,
}

impl Worker {
    /// How long until the guard looks; never while there is nothing of ours.
    pub(super) fn until_look(&self) -> Option<Duration> {
        let guarded = !self.running.is_empty() || self.before.is_some();
        guarded.then(|| self.guard.due.since(now()))
    }

    /// Looks, if it is time to. What was found is not known to be there any more, so that it is made anew.
    pub(super) fn look(&mut self, repair: bool) -> Option<Found> {
        if self.until_look()? > Duration::ZERO {
            return None;
        }
        let found = self.compare(repair).unwrap_or_else(|error| {
            tracing::error!(target: "check", "IPVS: {error}");
            // Opened anew; what there is of ours is not in doubt.
            self.kernel = None;
            Found::default()
        });
        let guard = &mut self.guard;
        let idle = found.stopped.is_empty() && found.edits == 0;
        guard.busy = if idle { 0 } else { guard.busy.saturating_add(1) };
        let pause = grown(guard.pace, exceeded(guard.busy));
        guard.due = now() + pause.min(LONGEST.max(guard.pace));
        (!idle).then_some(found)
    }

    fn compare(&mut self, repair: bool) -> Result<Found, TalkError> {
        let mut found = Found::default();
        let Some(kernel) = &mut self.kernel else {
            return Ok(found);
        };
        if !self.running.is_empty() {
            let there = kernel.daemons()?;
            for role in Role::ALL {
                let Some(ours) = self.running.get(&role) else {
                    self.guard.edited.remove(&Place::Daemon(role));
                    continue;
                };
                let Some(is) = there.get(&role) else {
                    found.stopped.insert(role);
                    continue;
                };
                if ours.is_told(is) {
                    self.guard.edited.remove(&Place::Daemon(role));
                    continue;
                }
                let change = of_daemon(role, ours, is);
                let place = Place::Daemon(role);
                if self
                    .guard
                    .judge(place, Setting::Daemon(is.clone()), &change, repair)
                {
                    found.edits += 1;
                    kernel.stop(role)?;
                    self.running.remove(&role);
                }
            }
        }
        if self.before.is_some() {
            let is = kernel.timeouts()?;
            if is == self.set {
                self.guard.edited.remove(&Place::Timeouts);
            } else {
                let change = of_timeouts(self.set, is);
                if self
                    .guard
                    .judge(Place::Timeouts, Setting::Timeouts(is), &change, repair)
                {
                    found.edits += 1;
                    self.set = is;
                }
            }
        }
        for role in &found.stopped {
            self.running.remove(role);
        }
        Ok(found)
    }

    /// After it was made anew, as far as that was possible.
    pub(super) fn tell(&self, found: Option<Found>, done: bool) {
        let Some(found) = found else {
            return;
        };
        let again: Vec<&str> = found
            .stopped
            .iter()
            .filter(|role| self.running.contains_key(role))
            .map(|role| word(*role))
            .collect();
        if !again.is_empty() {
            let s = if again.len() == 1 { "" } else { "s" };
            let names = again.join(", ");
            tracing::warn!(
                target: "check",
                "IPVS: others have stopped {} sync daemon{s}, put back: {names}", again.len()
            );
        }
        if !found.stopped.is_empty() && self.guard.busy == PATIENT {
            tracing::warn!(target: "check", "IPVS: others go on stopping it: it is looked at less often");
        }
        let count = u64::try_from(again.len()).unwrap_or(u64::MAX);
        let counts = &self.guard.put_back;
        counts.daemons.fetch_add(count, Ordering::Relaxed);
        counts
            .edits
            .fetch_add(if done { found.edits } else { 0 }, Ordering::Relaxed);
    }
}

/// What others have changed of a daemon.
fn of_daemon(role: Role, wanted: &SyncDaemon, is: &SyncDaemon) -> String {
    let SyncDaemon {
        interface,
        id,
        maxlen,
        port,
        ttl,
        group,
    } = wanted;
    let mut changes = Vec::new();
    if *interface != is.interface {
        changes.push(format!("{interface} -> {}", is.interface));
    }
    if *id != is.id {
        changes.push(format!("id {id} -> {}", is.id));
    }
    let numbers = [
        ("maxlen", *maxlen, is.maxlen),
        ("port", *port, is.port),
        ("ttl", ttl.map(Into::into), is.ttl.map(Into::into)),
    ];
    for (name, wanted, is) in numbers {
        if let (Some(wanted), Some(is)) = (wanted, is)
            && wanted != is
        {
            changes.push(format!("{name} {wanted} -> {is}"));
        }
    }
    if let (Some(wanted), Some(is)) = (group, is.group)
        && *wanted != is
    {
        changes.push(format!("group {wanted} -> {is}"));
    }
    format!("the {} sync daemon: {}", word(role), changes.join(", "))
}

/// What others have changed of the timeouts.
fn of_timeouts(wanted: Timeouts, is: Timeouts) -> String {
    let all = [
        ("tcp", wanted.tcp, is.tcp),
        ("tcpfin", wanted.tcpfin, is.tcpfin),
        ("udp", wanted.udp, is.udp),
    ];
    let changes = all.into_iter().filter(|(_, wanted, is)| wanted != is);
    let changes: Vec<String> = changes
        .map(|(name, wanted, is)| format!("{name} {wanted} -> {is}"))
        .collect();
    format!("timeouts: {}", changes.join(", "))
}
