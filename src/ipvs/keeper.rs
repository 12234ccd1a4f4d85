//! The thread that keeps the kernel's table as it is wanted.
//!
//! Owns the socket, what it believes of the kernel, which services several virtual servers share, and the second try
//! after a refusal. Whoever wants something leaves the newest value for a virtual server and goes on: a kernel that is
//! slow (a scheduler's module being loaded) delays nobody's checks. Values that came meanwhile are made true in one go.
//!
//! A service that is wanted for the first time is looked up before anything is done to it: what an earlier run of the
//! daemon left is adopted and only put right, so that its connections live on. Services that nobody wanted are never
//! touched.
//!
//! Where groups of addresses are told by firewall marks, the thread has them set too, after the services are there.
//!
//! What others remove of all this is put back by the guard, on the same thread, when there is nothing else to do.
//!
//! keepalived leaves its state as it was when the kernel refuses a command (fact 5.3). Here the checks decide the
//! state, a refusal is told by name (fact 2.19), and the service is looked up and put right again later: all of them,
//! where it shows that somebody has emptied the table.

use super::diff::{Op, diff_service};
use super::io::{Client, OpenError, Refusal, TalkError};
use super::model::{
    Destination, MarkRule, ServerId, ServiceEntry, ServiceKey, Table, VirtualService, Wanted,
};
use super::patience;
use crate::clock::Instant;
use crate::sys::clock::now;
use crate::sys::netns::Home;
use crate::sys::sched::ThreadId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

mod guard;
mod marking;

use guard::Guard;
pub use guard::PutBack;
use marking::Marking;

/// Notifications that may wait for the kernel; more are dropped and counted.
const MOST_AFTERS: usize = 8192;
/// The second try comes after the first of these; every further one waits twice as long, up to the last.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What a keeper speaks to: IPVS, or a test's imitation.
pub trait Kernel: Send {
    /// Reads the services of `owned`.
    fn read(&mut self, owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError>;
    /// Reads all services, without their destinations.
    fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError>;
    /// Reads the destinations of a service; one that is not there has none.
    fn destinations(&mut self, key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError>;
    /// Carries out operations in order; the refused ones come back.
    fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError>;
    /// Removes every service, whoever has made it.
    fn flush(&mut self) -> Result<(), TalkError>;
}

impl Kernel for Client {
    fn read(&mut self, owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        Self::read(self, owned)
    }

    fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError> {
        Self::services(self)
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError> {
        Self::destinations(self, key)
    }

    fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        Self::carry_out(self, ops)
    }

    fn flush(&mut self) -> Result<(), TalkError> {
        Self::flush(self)
    }
}

/// What gives packets their marks: the kernel's packet filter, or a test's imitation.
pub trait Marker: Send {
    /// Makes it so that these rules are there, the first of those that overlap, and no other of ours.
    fn set(&mut self, rules: &[MarkRule]) -> io::Result<()>;
    /// Whether what was set is still there, as far as can be seen at little cost; if not, the next [`Self::set`] begins
    /// from nothing.
    fn is_there(&mut self) -> io::Result<bool>;
    /// What it is called in the log.
    fn name(&self) -> String;
}

/// Opens the kernel, on the keeper's thread, when it is first needed and after a dialogue has broken off.
pub type Opener = Box<dyn FnMut() -> Result<Box<dyn Kernel>, OpenError> + Send>;

/// Opens the kernel's IPVS in the network namespace `home`.
pub fn kernel(home: Home) -> Opener {
    Box::new(move || Ok(Box::new(Client::open_in(&home)?)))
}

/// Something to be done after the table is as it was wanted by then.
type After = Box<dyn FnOnce() + Send>;

/// Somebody who wants to know which services are not as they should be, and why.
type Settled = Box<dyn FnOnce(Vec<(String, String)>) + Send>;

/// The handle of the thread. Dropping it without [`Keeper::finish`] leaves the thread to end on its own.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    id: ThreadId,
    put_back: Arc<PutBack>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread. `failed` is called, once, if the kernel has no IPVS at the first contact; nothing is tried
    /// after that.
    pub fn spawn(open: Opener, failed: impl FnOnce(OpenError) + Send + 'static) -> io::Result<Self> {
        Self::guarding(patience::PACE, open, failed)
    }

    /// The same with another pace of the guard.
    fn guarding(
        pace: Duration,
        open: Opener,
        failed: impl FnOnce(OpenError) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let guard = Guard::new(pace);
        let put_back = Arc::clone(&guard.put_back);
        let worker = Worker::new(Arc::clone(&shared), open, Box::new(failed), guard);
        let (seat, seated) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("ipvs".into()).spawn(move || {
            let _ = seat.send(ThreadId::own());
            worker.work();
        })?;
        let gone = |_| io::Error::other("the keeper ended before it began");
        Ok(Self {
            id: seated.recv().map_err(gone)?,
            shared,
            put_back,
            thread: Some(thread),
        })
    }

    /// What the guard has put back so far.
    pub const fn put_back(&self) -> &Arc<PutBack> {
        &self.put_back
    }

    /// Whether what others change, and do not remove, is put back as well.
    pub fn repair(&self, repair: bool) {
        self.shared.lock().repair = Some(repair);
        self.shared.wake.notify_one();
    }

    /// The thread, for whoever sets how it runs.
    pub const fn thread_id(&self) -> ThreadId {
        self.id
    }

    /// The services of a virtual server shall be like this; `None`: it wants none.
    pub fn want(&self, server: ServerId, wanted: Option<Arc<Wanted>>) {
        self.shared.lock().wants.insert(server, wanted);
        self.shared.wake.notify_one();
    }

    /// What is wanted until the end of the returned value is one change: a service that goes from one virtual server to
    /// another stays in the kernel.
    pub fn together(&self) -> Together {
        self.shared.lock().gathering = true;
        Together(Arc::clone(&self.shared))
    }

    /// These services are not to be there unless a virtual server wants them: what an earlier run has left goes.
    pub fn clear(&self, services: Arc<[ServiceKey]>) {
        self.shared.lock().clear.push(services);
        self.shared.wake.notify_one();
    }

    /// Marks are set by this. To be said before anything is wanted.
    pub fn mark_with(&self, marker: Box<dyn Marker>) {
        self.shared.lock().marker = Some(marker);
    }

    /// The table shall be empty, before anything that is wanted later.
    pub fn flush(&self) {
        self.shared.lock().flush = true;
        self.shared.wake.notify_one();
    }

    /// The table shall be empty, and nobody wants anything any more.
    pub fn empty_for_good(&self) {
        let mut queue = self.shared.lock();
        queue.wants.clear();
        queue.flush = true;
        queue.forget = true;
        drop(queue);
        self.shared.wake.notify_one();
    }

    /// From now on a service goes without its servers being removed first: the kernel removes them.
    pub fn services_only(&self) {
        self.shared.lock().services_only = true;
    }

    /// `act` is to be done after everything wanted so far was tried. Whether there was room for it.
    pub fn after(&self, act: impl FnOnce() + Send + 'static) -> bool {
        let mut queue = self.shared.lock();
        let room = queue.afters.len() < MOST_AFTERS;
        if room {
            queue.afters.push_back(Box::new(act));
            self.shared.wake.notify_one();
        }
        room
    }

    /// `tell` hears, after everything wanted so far was tried, which services are not as they should be, and why.
    pub fn settled(&self, tell: impl FnOnce(Vec<(String, String)>) + Send + 'static) {
        self.shared.lock().settled.push(Box::new(tell));
        self.shared.wake.notify_one();
    }

    /// Waits until everything wanted was tried once, and ends the thread.
    pub fn finish(mut self) {
        self.shared.lock().finish = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(target: "check", "IPVS: the thread that keeps the table has crashed");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.lock().finish = true;
        self.shared.wake.notify_one();
    }
}

/// As long as it is there the keeper waits for what else is wanted.
#[derive(Debug)]
#[must_use]
pub struct Together(Arc<Shared>);

impl Drop for Together {
    fn drop(&mut self) {
        self.0.lock().gathering = false;
        self.0.wake.notify_one();
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl Shared {
    /// Nothing panics under this lock; if something did, the queue would still be whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came since the last round. Bounded: a virtual server has one value and clears its services when it begins, and
/// notifications are counted.
#[derive(Default)]
struct Queue {
    wants: BTreeMap<ServerId, Option<Arc<Wanted>>>,
    clear: Vec<Arc<[ServiceKey]>>,
    afters: VecDeque<After>,
    settled: Vec<Settled>,
    flush: bool,
    /// Before that, what was wanted so far.
    forget: bool,
    services_only: bool,
    finish: bool,
    /// More is to come that belongs to it.
    gathering: bool,
    repair: Option<bool>,
    marker: Option<Box<dyn Marker>>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Queue({} wants, {} afters)",
            self.wants.len(),
            self.afters.len()
        )
    }
}

struct Worker {
    shared: Arc<Shared>,
    open: Opener,
    /// Taken by the first contact.
    failed: Option<Box<dyn FnOnce(OpenError) + Send>>,
    kernel: Option<Box<dyn Kernel>>,
    /// What the kernel has of a service: what these have wanted of it. One that is not here is looked up.
    known: BTreeMap<ServiceKey, Vec<Arc<Wanted>>>,
    /// What each virtual server wants.
    wanted: BTreeMap<ServerId, Arc<Wanted>>,
    /// Who wants a service: never nobody (fact 2.22).
    owners: BTreeMap<ServiceKey, BTreeSet<ServerId>>,
    /// Services that are not as wanted.
    wrong: BTreeSet<ServiceKey>,
    /// What was told of refusals, of services that are still wrong.
    told: BTreeMap<ServiceKey, BTreeSet<String>>,
    /// Services go without their servers being removed first.
    services_only: bool,
    /// The table could not be emptied.
    unflushed: bool,
    /// When to try again, and how long was waited for that.
    retry: Option<(Instant, Duration)>,
    marking: Option<Marking>,
    /// Marks cannot be set: every address is a service.
    by_address: bool,
    guard: Guard,
}

impl Worker {
    fn new(
        shared: Arc<Shared>,
        open: Opener,
        failed: Box<dyn FnOnce(OpenError) + Send>,
        guard: Guard,
    ) -> Self {
        Self {
            shared,
            open,
            failed: Some(failed),
            kernel: None,
            known: BTreeMap::new(),
            wanted: BTreeMap::new(),
            owners: BTreeMap::new(),
            wrong: BTreeSet::new(),
            told: BTreeMap::new(),
            services_only: false,
            unflushed: false,
            retry: None,
            marking: None,
            by_address: false,
            guard,
        }
    }

    fn work(mut self) {
        loop {
            let Some(queue) = self.wait() else {
                self.look();
                continue;
            };
            if !self.round(queue) {
                return;
            }
            // Who always wants something is guarded all the same.
            if self.look_due().is_some_and(|at| at <= now()) {
                self.look();
            }
        }
    }

    /// Does what has come, and what is due. Whether to go on.
    fn round(&mut self, queue: Queue) -> bool {
        let Queue {
            wants,
            clear,
            afters,
            settled,
            flush,
            forget,
            services_only,
            finish,
            gathering: _,
            repair,
            marker,
        } = queue;
        self.guard.repair = repair.unwrap_or(self.guard.repair);
        self.marking = marker.map(Marking::new).or_else(|| self.marking.take());
        self.services_only |= services_only;
        if forget {
            self.wanted.clear();
            self.owners.clear();
            self.wrong.clear();
            self.retry = None;
            self.marks_differ();
        }
        if (flush || self.unflushed) && !self.empty() {
            return false;
        }
        for (server, wanted) in wants {
            self.take(server, wanted);
        }
        self.unflushed &= self.owners.is_empty();
        self.wrong
            .extend(clear.iter().flat_map(|services| services.iter()));
        if !self.wrong.is_empty() && !self.put_right() {
            return false;
        }
        if !self.mark() {
            return false;
        }
        if self.unflushed && self.retry.is_none_or(|(at, _)| at <= now()) {
            self.try_later();
        }
        afters.into_iter().for_each(|act| act());
        settled.into_iter().for_each(|tell| tell(self.refusals()));
        !finish
    }

    /// A virtual server wants something else.
    fn take(&mut self, server: ServerId, wanted: Option<Arc<Wanted>>) {
        let wanted = wanted.map(|it| if self.by_address { by_address(it) } else { it });
        let old = self.wanted.remove(&server);
        if old.as_ref().map_or(&[][..], |it| &it.marks) != wanted.as_ref().map_or(&[][..], |it| &it.marks) {
            self.marks_differ();
        }
        for key in old.iter().flat_map(|old| old.services.iter()) {
            self.wrong.insert(*key);
            if let Some(owners) = self.owners.get_mut(key) {
                owners.remove(&server);
                if owners.is_empty() {
                    self.owners.remove(key);
                }
            }
        }
        let Some(wanted) = wanted else { return };
        for key in &*wanted.services {
            self.wrong.insert(*key);
            self.owners.entry(*key).or_default().insert(server.clone());
        }
        self.wanted.insert(server, wanted);
    }

    /// What its owners want of a service.
    fn wants(&self, key: &ServiceKey) -> Vec<Arc<Wanted>> {
        let owners = self.owners.get(key).into_iter().flatten();
        owners
            .filter_map(|owner| self.wanted.get(owner))
            .cloned()
            .collect()
    }

    /// The services that are not as wanted, and why.
    fn refusals(&self) -> Vec<(String, String)> {
        let wrong = self.wrong.iter().map(|key| {
            let told = self.told.get(key).into_iter().flatten();
            let why = told.cloned().collect::<Vec<_>>().join("; ");
            (key.to_string(), why)
        });
        wrong.collect()
    }

    /// Waits for something to do; `None`: nothing but to look.
    fn wait(&self) -> Option<Queue> {
        let mut queue = self.shared.lock();
        loop {
            let now = now();
            let retry = self.retry.map(|(at, _)| at.since(now));
            let look = self.look_due().map(|at| at.since(now));
            let idle = queue.wants.is_empty()
                && queue.clear.is_empty()
                && queue.afters.is_empty()
                && queue.repair.is_none()
                && queue.settled.is_empty()
                && !queue.flush
                && !queue.finish;
            let gathering = queue.gathering && !queue.finish;
            if !gathering && (!idle || retry.is_some_and(|left| left.is_zero())) {
                let finish = queue.finish;
                let fresh = Queue {
                    finish,
                    ..Queue::default()
                };
                return Some(Queue {
                    finish,
                    ..std::mem::replace(&mut *queue, fresh)
                });
            }
            if look.is_some_and(|left| left.is_zero()) {
                return None;
            }
            let retry = retry.filter(|_| !gathering);
            queue = match retry.into_iter().chain(look).min() {
                Some(left) => {
                    self.shared
                        .wake
                        .wait_timeout(queue, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .shared
                    .wake
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Empties the table: over a new dialogue, if the first breaks off, and later again while nobody wants anything, for
    /// then it takes nothing away. What was ours goes in any case. Whether to go on.
    fn empty(&mut self) -> bool {
        let mut emptied = false;
        for _ in 0..2 {
            if !self.open() {
                return false;
            }
            emptied = self.flush();
            if emptied {
                break;
            }
        }
        if !emptied {
            self.wrong.extend(self.known.keys().copied());
        }
        self.known.clear();
        self.wrong.extend(self.owners.keys().copied());
        self.unflushed = !emptied;
        if emptied && self.wrong.is_empty() {
            self.retry = None;
        }
        true
    }

    fn flush(&mut self) -> bool {
        let Some(kernel) = &mut self.kernel else {
            return false;
        };
        let done = kernel.flush();
        if let Err(error) = &done {
            tracing::error!(target: "check", "{}", not_emptied(error));
            self.kernel = None;
        }
        done.is_ok()
    }

    /// Makes everything that is wrong right, as far as the kernel does it. Whether to go on.
    fn put_right(&mut self) -> bool {
        if !self.open() {
            return false;
        }
        if let Err(error) = self.reconcile() {
            tracing::error!(target: "check", "IPVS: {error}");
            // What the kernel has done by then is unknown.
            self.kernel = None;
            self.known.clear();
        }
        if !self.wrong.is_empty() {
            self.try_later();
        } else if !self.unflushed {
            self.retry = None;
        }
        true
    }

    fn try_later(&mut self) {
        let wait = self
            .retry
            .map_or(RETRY.0, |(_, waited)| (waited * 2).min(RETRY.1));
        self.retry = Some((now() + wait, wait));
    }

    /// Opens the kernel where it is not. Whether to go on: at the first contact there must be IPVS.
    fn open(&mut self) -> bool {
        if self.kernel.is_none() {
            match (self.open)() {
                Ok(kernel) => self.kernel = Some(kernel),
                Err(error) => {
                    if let Some(failed) = self.failed.take() {
                        failed(error);
                        return false;
                    }
                    tracing::error!(target: "check", "IPVS: {error}");
                }
            }
        }
        self.failed = None;
        true
    }

    fn reconcile(&mut self) -> Result<(), TalkError> {
        let wanted: Vec<_> = self.wrong.iter().map(|key| (*key, self.wants(key))).collect();
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        let unknown: BTreeSet<_> = self
            .wrong
            .iter()
            .filter(|key| !self.known.contains_key(*key))
            .copied()
            .collect();
        let mut found = if unknown.is_empty() {
            Table::default()
        } else {
            kernel.read(&unknown)?
        };
        let mut ops = Vec::new();
        for (key, wants) in &wanted {
            let known = self.known.get(key).and_then(|known| joined(key, known));
            let known = known.or_else(|| {
                let mut found = found.services.remove(key)?;
                found
                    .destinations
                    .retain(|address, _| !self.guard.is_foreign(key, address));
                Some(found)
            });
            match (joined(key, wants), known) {
                (None, Some(_)) if self.services_only => ops.push(Op::DeleteService(*key)),
                (wanted, known) => diff_service(key, wanted.as_ref(), known.as_ref(), &mut ops),
            }
        }
        tracing::debug!(target: "check", "IPVS: {} changes", ops.len());
        let refusals = kernel.carry_out(&ops)?;
        self.wrong.clear();
        let round: Vec<_> = wanted.iter().map(|(key, _)| *key).collect();
        for (key, wants) in wanted {
            // What is not to be there and is not need not be remembered.
            if wants.is_empty() {
                self.known.remove(&key);
            } else {
                self.known.insert(key, wants);
            }
        }
        self.refused(&round, refusals);
        Ok(())
    }

    /// What was refused of the services of `round` is to be tried again. It is told once, however often it is tried, and
    /// so is its end; that a refused service has no destinations goes without saying, nor that one which goes is gone. A
    /// service that is wanted and was there is not any more: somebody has emptied the table, so all of it is looked up.
    fn refused(&mut self, round: &[ServiceKey], refusals: Vec<Refusal>) {
        let services = refusals.iter().filter(|it| matches!(it.op, Op::AddService(..)));
        let services: BTreeSet<_> = services.map(|it| *it.op.service()).collect();
        let mut told: BTreeMap<ServiceKey, BTreeSet<String>> = BTreeMap::new();
        let mut emptied = false;
        for refusal in refusals {
            let key = *refusal.op.service();
            let is_gone = refusal.is_for_want_of_the_service();
            if is_gone && !self.owners.contains_key(&key) {
                continue;
            }
            self.known.remove(&key);
            self.wrong.insert(key);
            if is_gone && services.contains(&key) {
                continue;
            }
            emptied |= is_gone;
            let line = refusal.to_string();
            if !self.told.get(&key).is_some_and(|told| told.contains(&line)) {
                tracing::error!(target: "check", "{line}");
                if let Some(help) = refusal.help() {
                    tracing::error!(target: "check", "IPVS: {help}");
                }
            }
            told.entry(key).or_default().insert(line);
        }
        for key in round {
            if self.told.remove(key).is_some() && !told.contains_key(key) {
                tracing::info!(target: "check", "IPVS: {key} is as it should be again");
            }
        }
        self.told.extend(told);
        if emptied {
            self.known.clear();
            self.wrong.extend(self.owners.keys());
        }
    }
}

/// The same without marks.
fn by_address(wanted: Arc<Wanted>) -> Arc<Wanted> {
    if wanted.marks.is_empty() {
        return wanted;
    }
    Arc::unwrap_or_clone(wanted).by_address().into()
}

/// A service that all of these want: the settings of the first, and everybody's servers.
fn joined(key: &ServiceKey, wants: &[Arc<Wanted>]) -> Option<ServiceEntry> {
    let (first, others) = wants.split_first()?;
    let mut entry = first.entry(key);
    others.iter().for_each(|wanted| wanted.join(key, &mut entry));
    Some(entry)
}

/// keepalived's line (fact 2.19).
fn not_emptied(why: &TalkError) -> String {
    format!("IPVS cmd IP_VS_SO_SET_FLUSH(1157) error: {}", why.told())
}

#[cfg(test)]
mod tests;
