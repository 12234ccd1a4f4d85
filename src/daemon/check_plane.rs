//! The check plane: a thread with its own runtime that drives the health engine, and the thread that keeps IPVS.
//!
//! Owns the clock, the probes in flight and the order of things: what the engine says goes to the log after the
//! table's thread has its work, a notify script is handed on after the table was changed. Probes run as tasks, at most so many at a time; each has a
//! limit that no sum of its own limits reaches, and a panic in one is contained, counted and taken for a failure of
//! the check. Decides nothing about servers: that is [`crate::check::Engine`]'s.

mod followed;
mod marks;
mod record;
mod turns;

use super::expiry::ExpirySettings;
use super::limits;
use super::local_addresses::{self, Addresses};
use super::pace::Pace;
use super::plane::{BfdReport, CheckCommand, CheckNotice, MasterNews};
#[cfg(debug_assertions)]
use super::pulse;
use super::pulse::Pulse;
use super::state::Slot;
use crate::check::config::Expiry;
use crate::check::event::{Action, Event, Heard, ProbeOrder, ProbeOutcome, Reason};
use crate::check::follow::Reports;
use crate::check::verdict::Verdicts;
use crate::check::{CheckConfig, CheckerId, Engine};
use crate::clock::Instant;
use crate::ipvs::config::FlushOnStop;
use crate::ipvs::io::OpenError;
use crate::ipvs::keeper::{self, Keeper, PutBack};
use crate::masters::Masters;
use crate::sys::clock::now;
use crate::sys::netns::Home;
use crate::track::file::FileReport;
use followed::Followed;
pub(in crate::daemon) use marks::marker;
use record::Record;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use turns::{Kind, Turns};

/// Commands that may wait.
const COMMANDS: usize = 64;
/// Notices that may wait: when a whole rack fails, each server has a script or line, and a mail.
const NOTICES: usize = 65_536;
/// Reports of BFD sessions that may wait.
const BFD_REPORTS: usize = 256;
/// Open files that are kept for everything but connections: a script's child is one, and three while it starts.
const OTHER_FILES: usize = 768;
/// Scripts of MISC_CHECKs that run at a time.
const MOST_SCRIPTS: usize = 512;

/// So many probes on their way at once take memory that is worth giving back, and when so small a part of them is left.
const FLOOD: (usize, usize) = (1000, 8);

/// From one look for overdue checkers to the next.
const LOOK: Duration = Duration::from_secs(1);

/// Answers taken before anything else has its turn.
const ANSWERS_AT_ONCE: usize = 64;

/// Asks a back-end. The future is the whole probe; dropping it ends it.
pub type Asker = Arc<dyn Fn(&ProbeOrder) -> Pin<Box<dyn Future<Output = Heard> + Send>> + Send + Sync>;

/// Makes an [`Asker`] of a function that returns a future.
pub fn asker<A, F>(ask: A) -> Asker
where
    A: Fn(&ProbeOrder) -> F + Send + Sync + 'static,
    F: Future<Output = Heard> + Send + 'static,
{
    Arc::new(move |order| Box::pin(ask(order)))
}

/// What the plane works with.
pub struct Options {
    /// The probes.
    pub asker: Asker,
    /// IPVS.
    pub kernel: keeper::Opener,
    /// The network namespace that it is in.
    pub ipvs_home: Home,
    /// What sets firewall marks, where groups are told by them.
    pub marker: Option<Box<dyn keeper::Marker>>,
    /// Everything that IPVS has is removed first.
    pub flush: bool,
    /// So many probes over the network run at a time; the others wait.
    pub most_connections: usize,
    /// The same for scripts: those that hang hold up no connection.
    pub most_scripts: usize,
    /// Spreads the first checks; any value.
    pub seed: u64,
    /// What is known of tracked files.
    pub files: Vec<FileReport>,
    /// The number of the configuration.
    pub number: u64,
    /// Which instances are MASTER.
    pub masters: watch::Receiver<Masters>,
    /// What an earlier run has found out.
    pub verdicts: Verdicts,
    /// Where to put what is found out.
    pub(in crate::daemon) slot: Option<Arc<Slot>>,
}

impl Options {
    /// The host's IPVS, as many connections as may be open beside everything else, first checks spread anew at every
    /// start. Whole racks that do not answer must not make the others wait, so no other limit is put to connections.
    pub fn new(asker: Asker) -> Self {
        Self {
            asker,
            kernel: keeper::kernel(Home::Here),
            ipvs_home: Home::Here,
            marker: None,
            flush: false,
            most_connections: limits::open_files().saturating_sub(OTHER_FILES),
            most_scripts: MOST_SCRIPTS,
            seed: now().as_micros(),
            files: Vec::new(),
            number: 0,
            masters: MasterNews::default().subscribe(),
            verdicts: Verdicts::default(),
            slot: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("most_connections", &self.most_connections)
            .field("most_scripts", &self.most_scripts)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// What went wrong on the plane itself, since its start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Probes that panicked.
    pub panics: AtomicU64,
    /// Probes that were given up because they did not end.
    pub overdue: AtomicU64,
    /// Scripts, FIFO lines and mails that were not handed on because a queue was full.
    pub dropped: AtomicU64,
}

impl Counters {
    /// Says so each time that the number doubles: whoever floods us shall not flood the log too.
    fn drop_script(&self) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if dropped.is_power_of_two() {
            tracing::warn!(target: "check", "Too many notifications wait: {dropped} were left out so far");
        }
    }
}

/// The handle of a running check plane.
#[derive(Debug)]
pub struct CheckPlane {
    /// Its orders. When all senders are gone it ends as after `Stop { release: true }`.
    pub commands: mpsc::Sender<CheckCommand>,
    /// What it says. [`CheckNotice::Stopped`] or [`CheckNotice::Failed`] comes last; a queue that closes without
    /// either means that the plane has crashed.
    pub notices: mpsc::Receiver<CheckNotice>,
    /// Where the BFD plane tells of sessions; to be taken by it.
    pub bfd_reports: Option<mpsc::Sender<BfdReport>>,
    /// What went wrong.
    pub counters: Arc<Counters>,
    /// What others had removed or changed.
    pub put_back: Arc<PutBack>,
    /// How its threads run.
    pub pace: Arc<Pace>,
    /// Whether its own thread turns.
    pub pulse: Arc<Pulse>,
    /// Whether that of the keeper does.
    pub keeper_pulse: Arc<Pulse>,
    thread: JoinHandle<()>,
}

impl CheckPlane {
    /// Starts the plane's threads. They inherit the caller's network namespace.
    pub fn spawn(config: CheckConfig, options: Options) -> io::Result<Self> {
        let (commands, orders) = mpsc::channel(COMMANDS);
        let (say, notices) = mpsc::channel(NOTICES);
        let (bfd_sender, sessions) = mpsc::channel(BFD_REPORTS);
        let counters = Arc::new(Counters::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (fail, failure) = mpsc::channel(1);
        // The queue holds the one failure that there can be.
        let keeper = Keeper::spawn(options.kernel, move |error| drop(fail.try_send(error)))?;
        if let Some(marker) = options.marker {
            keeper.mark_with(marker);
        }
        if options.flush {
            keeper.flush();
        }
        keeper.repair(config.repair);
        let put_back = Arc::clone(keeper.put_back());
        let pace = Arc::new(Pace::default());
        pace.set_helper(keeper.thread_id());
        let seat = Arc::clone(&pace);
        let (local, first) = if config.suspends() {
            let (local, first) = local_addresses::follow_from_now()?;
            (Some(local), first)
        } else {
            (None, BTreeSet::new())
        };
        let mut followed = Followed::new(options.number, &config, options.masters);
        let files = options.files.into_iter();
        let known = Reports {
            files: files.map(|file| (file.name, file.value)).collect(),
            masters: followed.masters(),
            verdicts: options.verdicts,
            ..Reports::default()
        };
        let expiry = config.expiry;
        let (pulse, keeper_pulse) = (Arc::new(Pulse::default()), Arc::new(Pulse::default()));
        let plane = Plane {
            pace: Arc::clone(&pace),
            engine: Engine::knowing(now(), config, options.seed, first, known),
            local,
            followed,
            expiry: ExpirySettings::of(options.ipvs_home),
            keeper,
            say,
            counters: Arc::clone(&counters),
            asker: options.asker,
            turns: Turns::new(options.most_connections, options.most_scripts),
            pulse: Arc::clone(&pulse),
            keeper_pulse: Arc::clone(&keeper_pulse),
            keeper_unasked: false,
            probes: JoinSet::new(),
            asked: HashMap::new(),
            most: 0,
            record: Record::new(options.slot),
        };
        let thread = std::thread::Builder::new().name("check".into()).spawn(move || {
            seat.take_seat();
            runtime.block_on(as_a_task(plane.drive(expiry, orders, failure, sessions)));
        })?;
        Ok(Self {
            commands,
            notices,
            bfd_reports: Some(bfd_sender),
            counters,
            put_back,
            pace,
            pulse,
            keeper_pulse,
            thread,
        })
    }

    /// Waits for the end. Whether it was an orderly one; the panic of a crash was told when it happened.
    pub fn join(self) -> bool {
        drop(self.commands);
        self.thread.join().is_ok()
    }
}

struct Plane {
    pace: Arc<Pace>,
    engine: Engine,
    /// The host's addresses, while anything depends on them.
    local: Option<Addresses>,
    followed: Followed,
    expiry: ExpirySettings,
    keeper: Keeper,
    say: mpsc::Sender<CheckNotice>,
    counters: Arc<Counters>,
    asker: Asker,
    turns: Turns,
    pulse: Arc<Pulse>,
    keeper_pulse: Arc<Pulse>,
    /// The keeper's queue had no room for the question: it is asked with the next one.
    keeper_unasked: bool,
    probes: JoinSet<Heard>,
    /// Who is asked by which task.
    asked: HashMap<Id, Asked>,
    /// The most that were on their way since control was told that few are.
    most: usize,
    record: Record,
}

/// Who is asked by a task.
#[derive(Clone, Copy)]
struct Asked {
    checker: CheckerId,
    url: usize,
    kind: Kind,
}

/// How the plane ends.
enum End {
    Stop { release: bool, flush: FlushOnStop },
    NoIpvs(OpenError),
}

impl Plane {
    async fn drive(
        mut self,
        expiry: Expiry,
        mut commands: mpsc::Receiver<CheckCommand>,
        mut failure: mpsc::Receiver<OpenError>,
        mut sessions: mpsc::Receiver<BfdReport>,
    ) {
        self.carry_out();
        if expiry != Expiry::default() {
            self.expiry.apply(&self.keeper, expiry);
        }
        // One timer, which is set anew only when the deadline is another: most answers leave it as it is.
        let mut alarm = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        let mut set_for = None;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let end = loop {
            let deadline = self.engine.next_deadline();
            if let Some(due) = deadline.filter(|_| set_for != deadline) {
                let after = due.since(now());
                alarm.as_mut().reset(tokio::time::Instant::now() + after);
            }
            set_for = deadline;
            tokio::select! {
                Some(error) = failure.recv() => break End::NoIpvs(error),
                command = commands.recv() => match command {
                    Some(CheckCommand::Reload { number, config }) => self.reload(number, *config),
                    Some(CheckCommand::Files(files)) => self.hear_of(files),
                    // Who asked may have gone; then nobody misses the answer.
                    Some(CheckCommand::Status(reply)) => drop(reply.send(self.engine.status(now()))),
                    Some(CheckCommand::Settled(reply)) => {
                        self.keeper.settled(move |refused| drop(reply.send(refused)));
                    }
                    Some(CheckCommand::Services(reply)) => drop(reply.send(self.engine.services())),
                    Some(CheckCommand::ClearCounters) => self.engine.clear_counters(),
                    Some(CheckCommand::Beat) => self.beat(),
                    #[cfg(debug_assertions)]
                    Some(CheckCommand::Hang(time)) => pulse::stand_still(time),
                    Some(CheckCommand::Stop { release, flush }) => break End::Stop { release, flush },
                    None => break End::Stop { release: true, flush: FlushOnStop::No },
                },
                Some(BfdReport { name, up }) = sessions.recv() => {
                    self.engine.handle(now(), Event::Session { name, up });
                }
                Some(ended) = self.probes.join_next_with_id() => self.answers(ended),
                addresses = local_addresses::changed(self.local.as_mut()) => {
                    self.engine.handle(now(), Event::Addresses(addresses));
                }
                () = self.followed.changed() => self.hear_of_masters(),
                () = self.record.due() => self.record.write(&self.engine),
                _ = look.tick() => self.engine.look_for_overdue(now()),
                () = alarm.as_mut(), if deadline.is_some() => {
                    self.serve_deadline(deadline);
                    set_for = None;
                }
            }
            self.carry_out();
        };
        self.end(end).await;
    }

    fn reload(&mut self, number: u64, config: CheckConfig) {
        if !config.suspends() {
            self.local = None;
        } else if self.local.is_none() {
            match local_addresses::follow() {
                Ok(local) => self.local = Some(local),
                Err(error) => {
                    tracing::error!(target: "check", "The host's addresses cannot be followed: {error}");
                }
            }
        }
        self.expiry.apply(&self.keeper, config.expiry);
        self.keeper.repair(config.repair);
        // If the VRRP plane does not run this configuration yet, everything waits for its news.
        self.followed.follow(number, &config);
        self.engine.know_masters(self.followed.masters());
        self.engine.reload(now(), config);
    }

    /// This thread turns. The keeper says so too, once it has done what it was told.
    fn beat(&mut self) {
        self.pulse.turned();
        if self.keeper_pulse.hand_on() || self.keeper_unasked {
            let pulse = Arc::clone(&self.keeper_pulse);
            self.keeper_unasked = !self.keeper.after(move || pulse.turned());
        }
    }

    fn hear_of_masters(&mut self) {
        let masters = Event::Masters(self.followed.masters());
        self.engine.handle(now(), masters);
    }

    fn hear_of(&mut self, files: Vec<FileReport>) {
        for FileReport { name, value } in files {
            self.engine.handle(now(), Event::File { name, value });
        }
    }

    fn serve_deadline(&mut self, deadline: Option<Instant>) {
        let at = now();
        if let Some(deadline) = deadline {
            self.pace.served(at.since(deadline));
        }
        self.engine.handle_timeout(at);
    }

    /// Ends: probes first, so that nothing is decided any more, then the table.
    async fn end(mut self, end: End) {
        self.probes.shutdown().await;
        let last = match end {
            End::Stop { release, flush } => {
                match flush {
                    FlushOnStop::Table if release => self.keeper.empty_for_good(),
                    FlushOnStop::Services => self.keeper.services_only(),
                    FlushOnStop::No | FlushOnStop::Table => {}
                }
                if !release {
                    self.record.write(&self.engine);
                }
                self.engine.stop(release, flush);
                self.carry_out();
                if release {
                    self.expiry.restore(&self.keeper);
                }
                CheckNotice::Stopped
            }
            End::NoIpvs(error) => {
                tracing::error!(target: "check", "IPVS: {error}");
                CheckNotice::Failed
            }
        };
        let Self { keeper, say, .. } = self;
        keeper.finish();
        // Nobody listens any more: then nobody waits for it.
        let _ = say.send(last).await;
    }

    /// Does everything that the engine wants done. The log hears of it last: its thread takes the processor from the one
    /// that keeps the table, where there is one processor only.
    fn carry_out(&mut self) {
        let mut lines = Vec::new();
        let together = self.keeper.together();
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Start(order) => self.ask(order),
                Action::Want { server, wanted } => self.keeper.want(server, wanted),
                Action::Clear(services) => self.keeper.clear(services),
                Action::Notify(notification) => {
                    let (say, counters) = (self.say.clone(), Arc::clone(&self.counters));
                    let room = self.keeper.after(move || {
                        if say.try_send(CheckNotice::Notify(notification)).is_err() {
                            counters.drop_script();
                        }
                    });
                    if !room {
                        self.counters.drop_script();
                    }
                }
                Action::Tell(line) => lines.push(line),
            }
        }
        drop(together);
        self.record.look(&mut self.engine);
        for line in lines {
            if line.is_error() {
                tracing::error!(target: "check", "{line}");
            } else if line.is_detail() {
                tracing::debug!(target: "check", "{line}");
            } else {
                tracing::info!(target: "check", "{line}");
            }
        }
    }

    fn ask(&mut self, order: ProbeOrder) {
        let checker = order.checker;
        match self.turns.enter(order) {
            Some(order) => self.start(order),
            None => self.engine.handle(now(), Event::Queued(checker)),
        }
    }

    fn start(&mut self, order: ProbeOrder) {
        let asked = Asked {
            checker: order.checker,
            url: order.url,
            kind: Kind::of(&order.probe),
        };
        let task = self.probes.spawn(probe(Arc::clone(&self.asker), order));
        self.asked.insert(task.id(), asked);
        self.most = self.most.max(self.asked.len());
    }

    /// A probe has ended: another one may begin.
    fn pass_turn(&mut self, kind: Kind) {
        let engine = &self.engine;
        if let Some(order) = self.turns.leave(kind, |order| engine.awaits(order.checker)) {
            self.engine.handle(now(), Event::Begun(order.checker));
            self.start(order);
        }
    }

    /// Takes an answer, and those that have come with it.
    fn answers(&mut self, first: Result<(Id, Heard), JoinError>) {
        self.answer(first);
        for _ in 1..ANSWERS_AT_ONCE {
            let Some(ended) = self.probes.try_join_next_with_id() else {
                break;
            };
            self.answer(ended);
        }
        self.ease();
    }

    /// Tells control when of many probes few are left.
    fn ease(&mut self) {
        let (many, part) = FLOOD;
        let left = self.asked.len();
        if self.most >= many && left <= self.most / part {
            self.most = left;
            self.asked.shrink_to_fit();
            // A full queue is no hour for it.
            let _ = self.say.try_send(CheckNotice::Eased);
        }
    }

    fn answer(&mut self, ended: Result<(Id, Heard), JoinError>) {
        let (task, heard) = match ended {
            Ok((task, heard)) => (task, heard),
            Err(error) => {
                self.counters.panics.fetch_add(1, Ordering::Relaxed);
                (error.id(), ProbeOutcome::Failure(Reason::Panicked).into())
            }
        };
        let Heard {
            outcome,
            certificate_ends,
        } = heard;
        if outcome == ProbeOutcome::Failure(Reason::Overdue) {
            self.counters.overdue.fetch_add(1, Ordering::Relaxed);
        }
        let Some(Asked { checker, url, kind }) = self.asked.remove(&task) else {
            return;
        };
        if let Some(ends) = certificate_ends {
            self.engine.handle(now(), Event::Certificate { checker, ends });
        }
        self.engine.handle(
            now(),
            Event::Outcome {
                checker,
                url,
                outcome,
            },
        );
        self.pass_turn(kind);
    }
}

/// A probe as a task, within the limit that no probe reaches by itself.
async fn probe(asker: Asker, order: ProbeOrder) -> Heard {
    // Even a panic while the future is made is in here.
    tokio::time::timeout(order.probe.limit(), async { asker(&order).await })
        .await
        .unwrap_or_else(|_| ProbeOutcome::Failure(Reason::Overdue).into())
}

/// Runs the plane as a task of its runtime. A runtime's main future is woken by a system call each time, even by a task
/// on the same thread: with every answer that comes in. A panic goes on as if it were that future's own.
async fn as_a_task(plane: impl Future<Output = ()> + Send + 'static) {
    if let Err(error) = tokio::spawn(plane).await
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests;
