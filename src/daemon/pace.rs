//! How the planes' threads run: niceness, real time, processors, names (fact 19.6), set from the control plane.
//!
//! Only what a configuration asks for is touched, and what a new one asks for no more is given back. The threads that
//! work for a plane (the kernel worker, the keeper of IPVS, the steward of it) get its niceness and processors and never real time: they
//! wait for others, and nobody waits for them on time.

use crate::conf::config::{ProcessSettings, ProcessesSettings};
use crate::sys::sched::{self, ThreadId};
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tracing::{info, warn};

/// How long a real-time thread may compute without a pause, unless configured.
pub(super) const RTTIME: Duration = Duration::from_micros(10_000);
/// How late a timer may be before the priority is raised, unless configured.
pub(super) const LATENESS: Duration = Duration::from_secs(1);

/// The threads of one plane: who they are, how they run, and how far the plane's own may raise itself.
#[derive(Debug, Default)]
pub struct Pace {
    own: OnceLock<ThreadId>,
    helper: OnceLock<ThreadId>,
    /// The real-time priority that it has; 0: none.
    level: AtomicU8,
    /// `max_auto_priority`; 0: it does not raise itself.
    most: AtomicU8,
    /// `min_auto_priority_delay`, in microseconds.
    lateness: AtomicU64,
    /// What control has set.
    set: Mutex<Terms>,
}

/// What a configuration asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Terms {
    name: Option<String>,
    nice: i8,
    real_time: u8,
    most: u8,
    lateness: Duration,
    processors: Vec<u32>,
}

impl Pace {
    /// The thread that calls is the plane's own.
    pub fn take_seat(&self) {
        let _ = self.own.set(ThreadId::own());
    }

    /// The thread that works for the plane.
    pub fn set_helper(&self, helper: ThreadId) {
        let _ = self.helper.set(helper);
    }

    /// A timer was served, so late: on the plane's own thread.
    pub fn served(&self, late: Duration) {
        let most = self.most.load(Relaxed);
        let level = self.level.load(Relaxed);
        if level >= most || late.as_micros() < u128::from(self.lateness.load(Relaxed)) {
            return;
        }
        let higher = level.saturating_add(1);
        let late = late.as_micros();
        match ThreadId::own().set_real_time(Some(higher)) {
            Ok(()) => {
                self.level.store(higher, Relaxed);
                info!("A timer was {late} usecs late: real-time priority is now {higher}");
            }
            Err(why) => {
                // It will be refused again.
                self.most.store(0, Relaxed);
                warn!("A timer was {late} usecs late, and real-time priority is refused: {why}");
            }
        }
    }

    /// Makes `thread`, which has no plane, run like one that works for the plane of `wanted`.
    fn attend(&self, thread: ThreadId, wanted: &ProcessSettings) {
        let _ = self.own.set(thread);
        let terms = Terms {
            nice: wanted.priority.unwrap_or(0),
            processors: wanted.cpu_affinity.clone(),
            ..Terms::default()
        };
        self.apply("IPVS", "ipvs-whole", terms);
    }

    /// Makes the threads run as `wanted`. `usual` is the name of the plane's thread.
    fn apply(&self, label: &str, usual: &str, mut wanted: Terms) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        // The first thing that the thread does.
        let own = *self.own.wait();
        let tell = |what: &str, result: io::Result<()>| {
            if let Err(why) = result {
                warn!("{label}: {what} cannot be set: {why}");
            }
        };
        if set.name != wanted.name {
            let name = wanted.name.as_deref().unwrap_or(usual);
            tell("the process name", own.set_name(name));
        }
        for thread in [Some(own), self.helper.get().copied()].into_iter().flatten() {
            if set.nice != wanted.nice {
                tell("the priority", thread.set_nice(wanted.nice));
            }
            if set.processors != wanted.processors {
                tell("the CPU affinity", thread.set_processors(&wanted.processors));
            }
        }
        self.lateness.store(
            u64::try_from(wanted.lateness.as_micros()).unwrap_or(u64::MAX),
            Relaxed,
        );
        self.most.store(wanted.most, Relaxed);
        let changed = set.real_time != wanted.real_time;
        if (changed || (set.most, set.lateness) != (wanted.most, wanted.lateness))
            && !self.change_level(own, wanted.real_time, |result| tell("real-time priority", result))
        {
            // So that the next reload tries again.
            wanted.real_time = set.real_time;
        }
        *set = wanted;
    }

    /// Gives `thread` this real-time priority, if it has another one. Whether it has it now.
    fn change_level(&self, thread: ThreadId, level: u8, tell: impl FnOnce(io::Result<()>)) -> bool {
        let before = self.level.swap(level, Relaxed);
        if before == level {
            return true;
        }
        let result = thread.set_real_time((level > 0).then_some(level));
        let done = result.is_ok();
        if !done {
            // It runs as before, unless it has raised itself meanwhile.
            let _ = self.level.compare_exchange(level, before, Relaxed, Relaxed);
        }
        tell(result);
        done
    }
}

/// The planes, as control has them. `None`: it does not run.
#[derive(Clone, Debug, Default)]
pub(super) struct Planes {
    pub vrrp: Option<Arc<Pace>>,
    pub check: Option<Arc<Pace>>,
    pub bfd: Option<Arc<Pace>>,
    /// The thread that keeps IPVS as a whole: it may run without a plane.
    pub steward: Option<ThreadId>,
}

/// What control has set of the whole process.
#[derive(Debug, Default)]
pub(super) struct Paces {
    planes: Planes,
    steward: Pace,
    /// The name of the process before it was given another.
    own_name: Option<String>,
    locked: bool,
    limit: Option<u64>,
}

impl Paces {
    /// Makes the process and its planes run as `wanted`.
    pub(super) fn apply(&mut self, wanted: &ProcessesSettings, planes: Planes) {
        self.name(wanted.process_name.as_deref());
        let all = [
            ("VRRP", "vrrp", "keepalived_vrrp", &planes.vrrp, &wanted.vrrp),
            (
                "Checker",
                "check",
                "keepalived_lvs",
                &planes.check,
                &wanted.checker,
            ),
            ("BFD", "bfd", "keepalived_bfd", &planes.bfd, &wanted.bfd),
        ];
        let (mut lock, mut limit) = (false, None);
        for (label, usual, given, pace, own) in all {
            let Some(pace) = pace else { continue };
            let terms = terms(wanted, own, given);
            lock |= own.no_swap;
            if terms.real_time > 0 || terms.most > 0 {
                limit = limit.max(u64::try_from(own.rlimit_rttime.unwrap_or(RTTIME).as_micros()).ok());
            }
            pace.apply(label, usual, terms);
        }
        if let Some(thread) = planes.steward {
            self.steward.attend(thread, &wanted.checker);
        }
        self.planes = planes;
        if self.locked != lock {
            match sched::lock_memory(lock) {
                Ok(()) => self.locked = lock,
                Err(why) => warn!("The process cannot be locked in memory: {why}"),
            }
        }
        if self.limit != limit {
            match sched::limit_real_time(limit) {
                Ok(()) => self.limit = limit,
                Err(why) => warn!("RLIMIT_RTTIME cannot be set: {why}"),
            }
        }
    }

    /// SIGXCPU: a thread has computed for longer than its real-time limit. Which one is not said; none of them is
    /// worth a router that dies while it is master, so all go on without real time until the next reload that sets it.
    pub(super) fn too_long(&mut self) {
        warn!("A real-time thread ran for longer than its limit allows: no real-time priority from now on");
        // The kernel has lifted the limit by a second.
        self.limit = None;
        let planes = [&self.planes.vrrp, &self.planes.check, &self.planes.bfd];
        for pace in planes.into_iter().flatten() {
            let mut set = pace.set.lock().unwrap_or_else(PoisonError::into_inner);
            pace.most.store(0, Relaxed);
            if let Some(own) = pace.own.get() {
                pace.change_level(*own, 0, |result| {
                    if let Err(why) = result {
                        warn!("Real-time priority cannot be given up: {why}");
                    }
                });
            }
            // So that the next reload sets it again.
            (set.real_time, set.most) = (0, 0);
        }
    }

    fn name(&mut self, wanted: Option<&str>) {
        let main = ThreadId::main();
        let result = match (wanted, &self.own_name) {
            (None, None) => return,
            (Some(name), own) => {
                if own.is_none() {
                    self.own_name = main.name().ok();
                }
                main.set_name(name)
            }
            (None, Some(own)) => {
                let result = main.set_name(own);
                self.own_name = None;
                result
            }
        };
        if let Err(why) = result {
            warn!("The process name cannot be set: {why}");
        }
    }
}

fn terms(all: &ProcessesSettings, own: &ProcessSettings, given: &str) -> Terms {
    let named = || all.process_names.then(|| given.to_owned());
    Terms {
        name: own.process_name.clone().or_else(named),
        nice: own.priority.unwrap_or(0),
        real_time: own.rt_priority.unwrap_or(0),
        // -1 is none, too.
        most: u8::try_from(all.max_auto_priority.unwrap_or(0)).unwrap_or(0),
        lateness: all.min_auto_priority_delay.unwrap_or(LATENESS),
        processors: own.cpu_affinity.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::resource::{Resource, getrlimit};
    use std::sync::mpsc;

    #[test]
    fn names_and_limits_come_of_the_settings() {
        let mut all = ProcessesSettings::default();
        assert_eq!(terms(&all, &all.vrrp, "keepalived_vrrp").name, None);
        all.process_names = true;
        all.checker.process_name = Some("lb".into());
        all.max_auto_priority = Some(-1);
        let vrrp = terms(&all, &all.vrrp, "keepalived_vrrp");
        assert_eq!((vrrp.name.as_deref(), vrrp.most), (Some("keepalived_vrrp"), 0));
        assert_eq!(vrrp.lateness, Duration::from_secs(1));
        let checker = terms(&all, &all.checker, "keepalived_lvs");
        assert_eq!(checker.name.as_deref(), Some("lb"));
    }

    #[test]
    fn a_thread_is_named_and_gets_its_name_back() {
        let (quit, wait) = mpsc::channel::<()>();
        let pace = Arc::new(Pace::default());
        let seated = Arc::clone(&pace);
        let thread = std::thread::spawn(move || {
            seated.take_seat();
            let _ = wait.recv();
        });
        let mut paces = Paces::default();
        let mut settings = ProcessesSettings::default();
        let planes = Planes {
            vrrp: Some(Arc::clone(&pace)),
            ..Planes::default()
        };
        settings.vrrp.process_name = Some("router".into());
        paces.apply(&settings, planes.clone());
        let own = *pace.own.wait();
        assert_eq!(own.name().unwrap(), "router");
        settings.vrrp.process_name = None;
        paces.apply(&settings, planes);
        assert_eq!(own.name().unwrap(), "vrrp");
        drop(quit);
        thread.join().unwrap();
    }

    /// The steward's thread, which may be the only one.
    #[test]
    fn a_thread_without_a_plane_runs_as_that_of_checks() {
        let (quit, wait) = mpsc::channel::<()>();
        let (seat, seated) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            seat.send(ThreadId::own()).unwrap();
            let _ = wait.recv();
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let fields = stat.rsplit(") ").next().unwrap();
            fields.split(' ').nth(16).unwrap().to_owned()
        });
        let own = seated.recv().unwrap();
        let planes = Planes {
            steward: Some(own),
            ..Planes::default()
        };
        let mut settings = ProcessesSettings::default();
        settings.checker.priority = Some(7);
        settings.checker.rt_priority = Some(9);
        let mut paces = Paces::default();
        paces.apply(&settings, planes);
        let set = paces.steward.set.lock().unwrap().clone();
        assert_eq!((set.nice, set.real_time, set.most), (7, 0, 0));
        drop(quit);
        assert_eq!(thread.join().unwrap(), "7", "its niceness");
    }

    #[test]
    fn a_priority_that_is_refused_is_not_taken_for_the_one_that_there_is() {
        let pace = Arc::new(Pace::default());
        let seated = Arc::clone(&pace);
        // What is set of a thread that is no more is refused.
        std::thread::spawn(move || seated.take_seat()).join().unwrap();
        let wanted = Terms {
            real_time: 5,
            ..Terms::default()
        };
        pace.apply("VRRP", "vrrp", wanted);
        assert_eq!(pace.level.load(Relaxed), 0);
        assert_eq!(pace.set.lock().unwrap().real_time, 0, "it is tried again");
    }

    #[test]
    fn only_a_late_timer_raises_and_only_up_to_the_limit() {
        let pace = Pace::default();
        pace.served(Duration::from_secs(60));
        assert_eq!(pace.level.load(Relaxed), 0);
        pace.most.store(3, Relaxed);
        pace.level.store(3, Relaxed);
        pace.lateness.store(1_000, Relaxed);
        pace.served(Duration::from_secs(60));
        assert_eq!(pace.level.load(Relaxed), 3);
        pace.level.store(0, Relaxed);
        pace.served(Duration::from_micros(999));
        assert_eq!((pace.level.load(Relaxed), pace.most.load(Relaxed)), (0, 3));
    }

    #[test]
    fn after_a_thread_ran_too_long_the_limit_is_set_again() {
        let pace = Arc::new(Pace::default());
        let seated = Arc::clone(&pace);
        let (quit, wait) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            seated.take_seat();
            let _ = wait.recv();
        });
        let limit = || getrlimit(Resource::RLIMIT_RTTIME).unwrap().0;
        let mut paces = Paces::default();
        let planes = Planes {
            vrrp: Some(pace),
            ..Planes::default()
        };
        let mut settings = ProcessesSettings {
            max_auto_priority: Some(1),
            ..ProcessesSettings::default()
        };
        paces.apply(&settings, planes.clone());
        assert_eq!(limit(), 10_000);
        // What the kernel does when it sends SIGXCPU.
        sched::limit_real_time(Some(1_010_000)).unwrap();
        paces.too_long();
        paces.apply(&settings, planes.clone());
        assert_eq!(limit(), 10_000);
        settings.max_auto_priority = None;
        paces.apply(&settings, planes);
        assert_eq!(limit(), getrlimit(Resource::RLIMIT_RTTIME).unwrap().1);
        drop(quit);
        thread.join().unwrap();
    }
}
