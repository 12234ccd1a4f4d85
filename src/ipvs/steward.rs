//! The thread that keeps what concerns the kernel's IPVS as a whole: timeouts, and the daemons that tell other kernels of
//! connections.
//!
//! Owns a socket of its own, what the timeouts were before, which daemons it has started, and the second try after a
//! refusal. It follows the newest configuration and, where an instance decides which daemon runs, who is MASTER: nobody
//! waits for it, and it misses nothing but what is over.
//!
//! At its end the timeouts are as they were, and the daemons that it has started do not run (facts 17.5, 18.3, 18.5).
//! keepalived leaves the daemon running whose line a reload has removed, if it followed an instance; here it is stopped.

mod guard;

use super::config::{IpvsConfig, Role, SyncDaemon, Timeouts};
use super::io::{Client, OpenError, TalkError};
use super::patience;
use crate::masters::Masters;
use crate::sys::clock::now;
use crate::sys::netns::Home;
use crate::sys::sched::ThreadId;
use guard::Guard;
pub use guard::PutBack;
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// The second try comes after the first of these; every further one waits twice as long, up to the last.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What a steward speaks to: IPVS, or a test's imitation.
pub trait Whole: Send {
    /// The timeouts.
    fn timeouts(&mut self) -> Result<Timeouts, TalkError>;
    /// Changes those that are not 0.
    fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), TalkError>;
    /// The daemons that run, whoever has started them.
    fn daemons(&mut self) -> Result<BTreeMap<Role, SyncDaemon>, TalkError>;
    /// Starts a daemon.
    fn start(&mut self, role: Role, daemon: &SyncDaemon) -> Result<(), TalkError>;
    /// Stops a daemon.
    fn stop(&mut self, role: Role) -> Result<(), TalkError>;
}

impl Whole for Client {
    fn timeouts(&mut self) -> Result<Timeouts, TalkError> {
        Self::timeouts(self)
    }

    fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), TalkError> {
        Self::set_timeouts(self, timeouts)
    }

    fn daemons(&mut self) -> Result<BTreeMap<Role, SyncDaemon>, TalkError> {
        Self::daemons(self)
    }

    fn start(&mut self, role: Role, daemon: &SyncDaemon) -> Result<(), TalkError> {
        self.start_daemon(role, daemon)
    }

    fn stop(&mut self, role: Role) -> Result<(), TalkError> {
        self.stop_daemon(role)
    }
}

/// Opens the kernel, on the steward's thread, when it is first needed and after a dialogue has broken off.
pub type Opener = Box<dyn FnMut() -> Result<Box<dyn Whole>, OpenError> + Send>;

/// Opens the kernel's IPVS in the network namespace `home`.
pub fn kernel(home: Home) -> Opener {
    Box::new(move || Ok(Box::new(Client::open_in(&home)?)))
}

/// What a steward is told.
#[derive(Clone, Debug, Default)]
struct Order {
    config: IpvsConfig,
    /// Of the configuration.
    number: u64,
    end: bool,
}

/// The handle of the thread. Dropping it ends the thread, in good order but unattended.
#[derive(Debug)]
pub struct Steward {
    orders: watch::Sender<Order>,
    id: ThreadId,
    put_back: Arc<PutBack>,
    thread: JoinHandle<()>,
}

impl Steward {
    /// Starts the thread, with nothing to do.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn spawn(open: Opener, masters: watch::Receiver<Masters>) -> io::Result<Self> {
        Self::with_pace(open, masters, patience::PACE)
    }

    /// As [`Self::spawn`], with a guard that looks so often.
    fn with_pace(open: Opener, masters: watch::Receiver<Masters>, pace: Duration) -> io::Result<Self> {
        let (orders, heard) = watch::channel(Order::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let worker = Worker {
            open,
            kernel: None,
            before: None,
            set: Timeouts::default(),
            running: BTreeMap::new(),
            surveyed: false,
            guard: Guard::new(pace),
        };
        let put_back = Arc::clone(&worker.guard.put_back);
        let (seat, seated) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("ipvs-whole".into())
            .spawn(move || {
                let _ = seat.send(ThreadId::own());
                runtime.block_on(worker.work(heard, masters));
            })?;
        let gone = |_| io::Error::other("the steward ended before it began");
        Ok(Self {
            orders,
            id: seated.recv().map_err(gone)?,
            put_back,
            thread,
        })
    }

    /// The thread, for whoever sets how it runs.
    pub const fn thread_id(&self) -> ThreadId {
        self.id
    }

    /// What its guard has put back so far.
    pub const fn put_back(&self) -> &Arc<PutBack> {
        &self.put_back
    }

    /// Follow this configuration from now on, which has that number.
    pub fn follow(&self, number: u64, config: IpvsConfig) {
        self.orders.send_replace(Order {
            config,
            number,
            end: false,
        });
    }

    /// Puts everything back and ends; [`Self::join`] waits for it.
    pub fn finish(&self) {
        self.orders.send_modify(|order| order.end = true);
    }

    /// Waits for the end.
    pub fn join(self) {
        drop(self.orders);
        if self.thread.join().is_err() {
            tracing::error!(target: "check", "IPVS: the thread that keeps daemons and timeouts has crashed");
        }
    }
}

struct Worker {
    open: Opener,
    kernel: Option<Box<dyn Whole>>,
    /// The timeouts before the first change.
    before: Option<Timeouts>,
    /// What they were changed to.
    set: Timeouts,
    /// The daemons that were started.
    running: BTreeMap<Role, SyncDaemon>,
    /// Daemons that others have left were stopped.
    surveyed: bool,
    guard: Guard,
}

impl Worker {
    async fn work(mut self, mut orders: watch::Receiver<Order>, mut masters: watch::Receiver<Masters>) {
        let mut wait = RETRY.0;
        let mut retry = None;
        let mut news = true;
        loop {
            let order = orders.borrow_and_update().clone();
            // Who has dropped the handle wants the same as one who finishes.
            if order.end || orders.has_changed().is_err() {
                self.put_right(&IpvsConfig::default(), &[]);
                return;
            }
            // The news is not kept: who has the next one would wait for the kernel too.
            let roles = {
                let news = masters.borrow_and_update();
                let running = self.running.keys().copied();
                order.config.roles(news.of(order.number), running)
            };
            let found = self.look(order.config.repair);
            if news || found.is_some() || retry.is_some_and(|at| at <= now()) {
                let done = self.put_right(&order.config, &roles);
                retry = (!done).then(|| now() + wait);
                wait = if done { RETRY.0 } else { (wait * 2).min(RETRY.1) };
                self.tell(found, done);
            }
            let pauses = [retry.map(|at| at.since(now())), self.until_look()];
            news = tokio::select! {
                _ = orders.changed() => true,
                Ok(()) = masters.changed() => true,
                () = elapsed(pauses.into_iter().flatten().min()) => false,
            };
            if news {
                wait = RETRY.0;
            }
        }
    }

    /// Makes it so, as far as the kernel does it. Whether nothing is left to be done.
    fn put_right(&mut self, config: &IpvsConfig, roles: &[Role]) -> bool {
        let daemons = match &config.sync {
            None => BTreeMap::new(),
            Some(sync) => {
                let roles = roles.iter();
                roles.map(|role| (*role, sync.daemon.clone())).collect()
            }
        };
        let idle = daemons.is_empty() && self.running.is_empty();
        let untouched = config.timeouts == Timeouts::default() && self.before.is_none();
        if idle && untouched {
            return true;
        }
        if self.kernel.is_none() {
            match (self.open)() {
                Ok(kernel) => self.kernel = Some(kernel),
                Err(error) => {
                    tracing::error!(target: "check", "IPVS: {error}");
                    return false;
                }
            }
        }
        let timed = self.become_timed(config.timeouts);
        let synchronized = self.become_synchronized(&daemons);
        for error in [&timed, &synchronized]
            .into_iter()
            .filter_map(|done| done.as_ref().err())
        {
            tracing::error!(target: "check", "{error}");
            if !matches!(error.why, TalkError::Refused(_)) {
                // What the kernel has done by then is unknown.
                self.kernel = None;
                self.surveyed = false;
            }
        }
        timed.is_ok() && synchronized.is_ok()
    }

    /// The old values are put back and the new ones set (fact 16.1): in one go.
    fn become_timed(&mut self, timeouts: Timeouts) -> Result<(), Refusal> {
        if timeouts == Timeouts::default() && self.before.is_none() {
            return Ok(());
        }
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        let refused = |why| Refusal {
            command: ("IP_VS_SO_SET_TIMEOUT", 1162),
            about: String::new(),
            why,
        };
        let before = match self.before {
            Some(before) => before,
            None => *self.before.insert(kernel.timeouts().map_err(refused)?),
        };
        let wanted = timeouts.over(before);
        if self.set != wanted {
            kernel.set_timeouts(wanted).map_err(refused)?;
            self.set = wanted;
        }
        if timeouts == Timeouts::default() {
            self.before = None;
            self.set = Timeouts::default();
        }
        Ok(())
    }

    /// Those that go are stopped before others start: settings change as a whole (fact 18.3).
    fn become_synchronized(&mut self, wanted: &BTreeMap<Role, SyncDaemon>) -> Result<(), Refusal> {
        let survey = !self.surveyed && !wanted.is_empty();
        let there = match &mut self.kernel {
            Some(kernel) if survey => match kernel.daemons() {
                Ok(daemons) => daemons.into_keys().collect(),
                // Who cannot be asked may have any.
                Err(_) => Role::ALL.to_vec(),
            },
            Some(_) | None => Vec::new(),
        };
        for role in Role::ALL {
            let started = self.running.get(&role);
            if there.contains(&role) || (started.is_some() && started != wanted.get(&role)) {
                self.stop(role)?;
            }
        }
        self.surveyed |= survey;
        let mut done = Ok(());
        for (role, daemon) in wanted {
            if !self.running.contains_key(role)
                && let Err(refusal) = self.start(*role, daemon)
            {
                done = Err(refusal);
            }
        }
        done
    }

    fn start(&mut self, role: Role, daemon: &SyncDaemon) -> Result<(), Refusal> {
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        let done = match kernel.start(role, daemon) {
            // Somebody else was faster, with who knows which settings.
            Err(TalkError::Refused(Errno::EEXIST)) => {
                kernel.stop(role).and_then(|()| kernel.start(role, daemon))
            }
            done => done,
        };
        done.map_err(|why| Refusal {
            command: ("IP_VS_SO_SET_STARTDAEMON", 1163),
            about: format!(" ({} on {})", word(role), daemon.interface),
            why,
        })?;
        tracing::debug!(target: "check", "IPVS: the {} sync daemon runs on {}", word(role), daemon.interface);
        self.running.insert(role, daemon.clone());
        Ok(())
    }

    fn stop(&mut self, role: Role) -> Result<(), Refusal> {
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        match kernel.stop(role) {
            Ok(()) | Err(TalkError::Refused(Errno::ESRCH)) => {
                self.running.remove(&role);
                Ok(())
            }
            Err(why) => Err(Refusal {
                command: ("IP_VS_SO_SET_STOPDAEMON", 1164),
                about: format!(" ({})", word(role)),
                why,
            }),
        }
    }
}

/// What the kernel has not done.
#[derive(Debug, thiserror::Error)]
#[error("IPVS cmd {}({}) error: {}{about}", command.0, command.1, why.told())]
struct Refusal {
    command: (&'static str, u32),
    /// What keepalived does not say: which daemon.
    about: String,
    why: TalkError,
}

const fn word(role: Role) -> &'static str {
    match role {
        Role::Master => "master",
        Role::Backup => "backup",
    }
}

async fn elapsed(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
