//! The watch over the threads: each is asked to turn, and who does not is told; the service manager's watchdog is fed
//! only while all turn that must.
//!
//! It is a task beside control's own loop, on its thread: it goes on while control waits for a file or an answer, and
//! stands still when the thread does. How long control has been at one thing is watched as well.
//!
//! Time is counted in rounds of the task: a process that was stopped as a whole, or a host that slept, is no plane that
//! stands still.

use super::{Control, service_manager};
use crate::daemon::bfd_plane::BfdPlane;
use crate::daemon::check_plane::CheckPlane;
use crate::daemon::plane::{BfdCommand, CheckCommand, VrrpCommand};
use crate::daemon::pulse::{Pulse, Standing};
use crate::daemon::vrrp_plane::VrrpPlane;
use sd_notify::NotifyState;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

/// From one question to the next, unless the watchdog wants to be fed more often.
const BEAT: Duration = Duration::from_secs(1);
/// Who owes an answer for so long stands still. Much longer than a reload of the largest configuration takes.
const STILL: Duration = Duration::from_secs(5);
/// Control may be at one thing for so long: reading alone has a minute, its test and the answers of planes have seconds.
const AT_ONE_THING: Duration = Duration::from_secs(120);

/// The handle. Dropping it ends the watch.
#[derive(Debug)]
pub(super) struct Watch {
    watched: Shared,
    control: Arc<Rounds>,
    task: JoinHandle<()>,
}

type Shared = Arc<Mutex<Vec<Watched>>>;

impl Watch {
    /// Begins, on the runtime of control. `watchdog`: within which time it must be fed.
    pub(super) fn start(watchdog: Option<Duration>, feed: impl Fn() + Send + 'static) -> Self {
        let control = Arc::new(Rounds::default());
        let own = Watched {
            limit: AT_ONE_THING,
            ..Watched::new("control", "control plane", Asked::Control(Arc::clone(&control)))
        };
        let watched: Shared = Arc::new(Mutex::new(vec![own]));
        let guard = Guard {
            watched: Arc::clone(&watched),
            beat: watchdog.map_or(BEAT, |limit| BEAT.min(limit / 2)),
            hunger: Duration::ZERO,
            watchdog,
            feed,
        };
        Self {
            watched,
            control,
            task: tokio::spawn(guard.run()),
        }
    }

    /// The service manager's watchdog, as it has asked for it.
    pub(super) fn for_service_manager() -> Self {
        Self::start(sd_notify::watchdog_enabled(), || {
            service_manager(&[NotifyState::Watchdog]);
        })
    }

    /// Control begins something, or is done with it.
    pub(super) fn round(&self) {
        self.control.0.fetch_add(1, Relaxed);
    }

    /// These planes run from now on; whoever is known already goes on being watched.
    pub(super) fn follow(
        &self,
        vrrp: Option<&VrrpPlane>,
        check: Option<&CheckPlane>,
        bfd: Option<&BfdPlane>,
    ) {
        let mut wanted = Vec::new();
        if let Some(plane) = vrrp {
            let ask = command(&plane.commands, || VrrpCommand::Beat);
            wanted.push(Watched::plane("vrrp", "VRRP plane", &plane.pulse, ask));
            wanted.push(Watched::helper("kernel", "kernel worker", &plane.worker_pulse));
        }
        if let Some(plane) = check {
            let ask = command(&plane.commands, || CheckCommand::Beat);
            wanted.push(Watched::plane("check", "healthcheck plane", &plane.pulse, ask));
            wanted.push(Watched::helper("ipvs", "keeper of IPVS", &plane.keeper_pulse));
        }
        if let Some(plane) = bfd {
            let ask = command(&plane.commands, || BfdCommand::Beat);
            wanted.push(Watched::plane("bfd", "BFD plane", &plane.pulse, ask));
        }
        self.follow_all(wanted);
    }

    fn follow_all(&self, mut wanted: Vec<Watched>) {
        let mut watched = lock(&self.watched);
        watched.retain(|known| known.is_control() || wanted.iter().any(|it| it.is(known)));
        wanted.retain(|it| !watched.iter().any(|known| known.is(it)));
        watched.extend(wanted);
    }

    /// How everybody stands.
    pub(super) fn standing(&self) -> Vec<Standing> {
        let watched = lock(&self.watched);
        watched.iter().map(|it| it.standing.clone()).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Control {
    /// The planes that run are watched from now on.
    pub(super) fn watch_planes(&self) {
        self.watch
            .follow(self.vrrp.as_ref(), self.check.as_ref(), self.bfd.as_ref());
    }
}

/// Nothing panics under this lock; if something did, the list would still be whole.
fn lock(watched: &Shared) -> std::sync::MutexGuard<'_, Vec<Watched>> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A way to ask a plane that keeps it from ending no longer than its owner does. Whether the plane was asked.
fn command<C: Send + 'static>(commands: &Sender<C>, beat: fn() -> C) -> Ask {
    let commands = commands.downgrade();
    Box::new(move || match commands.upgrade() {
        Some(commands) => !matches!(commands.try_send(beat()), Err(TrySendError::Full(_))),
        // It ends, which its owner hears.
        None => true,
    })
}

type Ask = Box<dyn Fn() -> bool + Send>;

/// How often control has begun or ended something: odd while it is at something.
#[derive(Debug, Default)]
struct Rounds(AtomicU64);

/// How somebody is asked.
enum Asked {
    /// By a command, with the pulse that answers.
    Plane(Arc<Pulse>, Ask),
    /// By the plane that it works for.
    Helper(Arc<Pulse>),
    /// It is looked at.
    Control(Arc<Rounds>),
}

/// Somebody who is to turn.
struct Watched {
    /// In the log.
    name: &'static str,
    asked: Asked,
    /// The last question has found no room.
    unsent: bool,
    /// The last round of control's that was seen.
    round: u64,
    /// It owes an answer for so long.
    owed: Duration,
    /// When that is a standstill.
    limit: Duration,
    standing: Standing,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watched({}, owes for {:?})", self.name, self.owed)
    }
}

impl Watched {
    fn new(key: &'static str, name: &'static str, asked: Asked) -> Self {
        Self {
            name,
            asked,
            unsent: false,
            round: 0,
            owed: Duration::ZERO,
            limit: STILL,
            standing: Standing::new(key),
        }
    }

    fn plane(key: &'static str, name: &'static str, pulse: &Arc<Pulse>, ask: Ask) -> Self {
        Self::new(key, name, Asked::Plane(Arc::clone(pulse), ask))
    }

    fn helper(key: &'static str, name: &'static str, pulse: &Arc<Pulse>) -> Self {
        Self::new(key, name, Asked::Helper(Arc::clone(pulse)))
    }

    fn is(&self, other: &Self) -> bool {
        match (&self.asked, &other.asked) {
            (Asked::Plane(own, _) | Asked::Helper(own), Asked::Plane(pulse, _) | Asked::Helper(pulse)) => {
                Arc::ptr_eq(own, pulse)
            }
            _ => false,
        }
    }

    const fn is_control(&self) -> bool {
        matches!(self.asked, Asked::Control(_))
    }

    /// Whether the watchdog depends on it. A helper may wait for the kernel: for a lock that others hold, for a module that is
    /// being loaded. That is told, and a restart would not mend it.
    const fn counts(&self) -> bool {
        match self.asked {
            Asked::Plane(..) | Asked::Control(_) => true,
            Asked::Helper(_) => false,
        }
    }

    /// Looks at it once, `beat` after the last time, and asks again when it has answered.
    fn look(&mut self, beat: Duration) {
        let owes = match &self.asked {
            Asked::Plane(pulse, ask) => {
                if self.unsent {
                    self.unsent = !ask();
                } else if !pulse.owes() {
                    self.owed = Duration::ZERO;
                    pulse.ask();
                    pulse.hand_on();
                    self.unsent = !ask();
                    return;
                }
                true
            }
            Asked::Helper(pulse) => {
                let owes = pulse.owes();
                if !owes {
                    pulse.ask();
                }
                owes
            }
            Asked::Control(rounds) => {
                let round = rounds.0.load(Relaxed);
                let same = round % 2 == 1 && round == self.round;
                self.round = round;
                same
            }
        };
        self.owed = if owes { self.owed + beat } else { Duration::ZERO };
    }

    /// Tells what is new of it. `fed`: the watchdog is there, and is fed otherwise.
    fn tell(&mut self, fed: bool) {
        let name = self.name;
        let before = self.standing.still;
        self.standing
            .update(Some(self.owed).filter(|owed| *owed >= self.limit));
        match (before, self.standing.still) {
            (None, Some(still)) => {
                let still = still.as_secs();
                let unfed = if fed && self.counts() {
                    ": the service manager's watchdog is not fed until it turns again"
                } else {
                    ""
                };
                error!("The {name} has not turned for {still} s{unfed}");
            }
            (Some(still), None) => info!("The {name} turns again, after {} s", still.as_secs()),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }
}

/// The task.
struct Guard<F> {
    watched: Shared,
    beat: Duration,
    /// So long ago the watchdog was fed.
    hunger: Duration,
    watchdog: Option<Duration>,
    feed: F,
}

impl<F: Fn() + Send + 'static> Guard<F> {
    async fn run(mut self) {
        let mut beats = interval(self.beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            let well = self.look();
            self.hunger += self.beat;
            // With the next round it would be too late.
            if let Some(limit) = self.watchdog
                && well
                && self.hunger + self.beat > limit / 2
            {
                (self.feed)();
                self.hunger = Duration::ZERO;
            }
        }
    }

    /// Whether all turn that must.
    fn look(&self) -> bool {
        let mut watched = lock(&self.watched);
        for it in watched.iter_mut() {
            it.look(self.beat);
            it.tell(self.watchdog.is_some());
        }
        !watched
            .iter()
            .any(|it| it.counts() && it.standing.still.is_some())
    }
}

#[cfg(test)]
mod tests;
