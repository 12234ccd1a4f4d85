//! The VRRP plane: the thread that runs the engine, and what the rest of the daemon holds of it.
//!
//! The thread has its own runtime and does packets, timers and queues only; see [`driver`]. If it dies, its last will
//! is carried out before anybody is told: no dead plane holds an address.

mod driver;
mod metrics;
mod register;

pub use metrics::{PlaneMetrics, PlaneNumbers};
pub use register::{Register, Seat};

use super::kernel_worker::{self, Wanted};
use super::last_will::LastWill;
use super::pace::Pace;
use super::plane::{BfdReport, MasterNews, VrrpCommand, VrrpNotice};
use super::pulse::Pulse;
use crate::vrrp::VrrpConfig;
use crate::vrrp::claim::Claim;
use crate::vrrp::event::Event;
use driver::Driver;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc as blocking};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;

/// Commands that may wait.
const COMMANDS: usize = 64;
/// Notices that may wait; further notifications are dropped and counted.
const NOTICES: usize = 1024;
/// Reports of BFD that may wait; the BFD plane offers again what found no room.
const BFD_REPORTS: usize = 256;
/// How long the end waits for the kernel worker to finish what it is at.
const WORKER_ENDS_WITHIN: Duration = Duration::from_secs(3);

/// How the plane runs.
#[derive(Clone, Debug, Default)]
pub struct PlaneOptions {
    /// `-a`: the log hears of every address that comes to this host or goes from it.
    pub address_monitoring: bool,
    /// The number of the configuration.
    pub number: u64,
    /// Others hear here which instances are MASTER.
    pub masters: MasterNews,
    /// Here is seen when their last adverts left.
    pub register: Arc<Register>,
    /// Who was MASTER in an earlier run.
    pub claims: Vec<Claim>,
}

/// How the plane ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaneEnd {
    /// As told.
    Stopped,
    /// By itself. Priority 0 was sent for every master and what it held was removed; the process should end with 70.
    Died(String),
}

/// A running VRRP plane.
#[derive(Debug)]
pub struct VrrpPlane {
    /// Tells it what to do. Dropping all senders is a [`VrrpCommand::Stop`] with release.
    pub commands: mpsc::Sender<VrrpCommand>,
    /// What it tells. Closes when the plane has ended; without [`VrrpNotice::Stopped`] before, it died.
    pub notices: mpsc::Receiver<VrrpNotice>,
    /// Its numbers, readable at any time.
    pub metrics: Arc<PlaneMetrics>,
    /// What is to be done should it die and its own thread not be able to.
    pub last_will: Arc<LastWill>,
    /// For the BFD plane, which is to report here; until it is taken.
    pub bfd_reports: Option<mpsc::Sender<BfdReport>>,
    /// How its threads run.
    pub pace: Arc<Pace>,
    /// Whether its own thread turns.
    pub pulse: Arc<Pulse>,
    /// Whether that of the kernel worker does.
    pub worker_pulse: Arc<Pulse>,
    thread: JoinHandle<PlaneEnd>,
}

impl VrrpPlane {
    /// Starts the plane's threads in the network namespace of this one. Returns when the sockets are being opened,
    /// before the first decision, which knows what trackers reported `first`.
    ///
    /// # Errors
    /// When threads, netlink or the packet socket (`CAP_NET_RAW`) are refused. A single interface or endpoint that
    /// does not work is no error: it is tried again.
    pub fn spawn(config: VrrpConfig, first: Vec<Event>, options: PlaneOptions) -> io::Result<Self> {
        let (command_sender, commands) = mpsc::channel(COMMANDS);
        let (notice_sender, notices) = mpsc::channel(NOTICES);
        let (bfd_sender, bfd_reports) = mpsc::channel(BFD_REPORTS);
        let metrics = Arc::new(PlaneMetrics::default());
        let last_will = Arc::new(LastWill::default());
        let (started_sender, started) = blocking::sync_channel(1);
        let pace = Arc::new(Pace::default());
        let (pulse, worker_pulse) = (Arc::new(Pulse::default()), Arc::new(Pulse::default()));
        let plane = Plane {
            pulse: Arc::clone(&pulse),
            worker_pulse: Arc::clone(&worker_pulse),
            pace: Arc::clone(&pace),
            config,
            first,
            options,
            commands,
            bfd_reports,
            notices: notice_sender,
            metrics: Arc::clone(&metrics),
            will: Arc::clone(&last_will),
        };
        let thread = std::thread::Builder::new()
            .name("vrrp".into())
            .spawn(move || plane.live(&started_sender))?;
        let gone = |_| io::Error::other("the VRRP plane ended before it began");
        started.recv().map_err(gone)??;
        Ok(Self {
            commands: command_sender,
            notices,
            metrics,
            last_will,
            bfd_reports: Some(bfd_sender),
            pace,
            pulse,
            worker_pulse,
            thread,
        })
    }

    /// Waits for the end. Blocks: call it after [`Self::notices`] has closed.
    pub fn join(self) -> PlaneEnd {
        self.thread.join().unwrap_or_else(|panic| {
            // The thread contains its panics; one that escapes was in its last words.
            self.last_will.carry_out();
            PlaneEnd::Died(words_of(&*panic))
        })
    }
}

/// What the thread takes along.
struct Plane {
    pulse: Arc<Pulse>,
    worker_pulse: Arc<Pulse>,
    pace: Arc<Pace>,
    config: VrrpConfig,
    first: Vec<Event>,
    options: PlaneOptions,
    commands: mpsc::Receiver<VrrpCommand>,
    bfd_reports: mpsc::Receiver<BfdReport>,
    notices: mpsc::Sender<VrrpNotice>,
    metrics: Arc<PlaneMetrics>,
    will: Arc<LastWill>,
}

type Started = blocking::SyncSender<io::Result<()>>;

impl Plane {
    /// The thread's life.
    fn live(self, started: &Started) -> PlaneEnd {
        self.pace.take_seat();
        let will = Arc::clone(&self.will);
        // Kept until everything is done: its closing tells that the plane is gone.
        let notices = self.notices.clone();
        let (ended_sender, ended) = blocking::sync_channel(1);
        let body = AssertUnwindSafe(move || self.run(started, &ended_sender));
        let end = match catch_unwind(body) {
            Ok(Ok(())) => PlaneEnd::Stopped,
            Ok(Err(error)) => PlaneEnd::Died(error.to_string()),
            Err(panic) => PlaneEnd::Died(words_of(&*panic)),
        };
        match &end {
            PlaneEnd::Stopped => will.clear(),
            PlaneEnd::Died(why) => {
                will.carry_out();
                tracing::error!(target: "vrrp", "the VRRP plane has died: {why}");
            }
        }
        // The worker finishes, or removes what a dead plane holds: also what was on its way when it died.
        if let Ok(worker_ended) = ended.try_recv() {
            let worker_ended: blocking::Receiver<()> = worker_ended;
            if worker_ended.recv_timeout(WORKER_ENDS_WITHIN) == Err(blocking::RecvTimeoutError::Timeout) {
                tracing::error!(target: "vrrp", "the kernel worker does not end");
            }
        }
        if end == PlaneEnd::Stopped {
            // Nothing else is to be done here: this may wait.
            let _ = notices.blocking_send(VrrpNotice::Stopped);
        }
        end
    }

    fn run(self, started: &Started, ended: &blocking::SyncSender<blocking::Receiver<()>>) -> io::Result<()> {
        let setup = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()?;
            let wanted = Wanted {
                resumes: !self.options.claims.is_empty(),
                ..Wanted::of(&self.config)
            };
            let worker = kernel_worker::spawn(wanted, self.options.address_monitoring)?;
            Ok::<_, io::Error>((runtime, worker))
        };
        let (runtime, worker) = match setup() {
            Ok(made) => made,
            Err(error) => return refuse(started, error),
        };
        let _ = ended.send(worker.ended);
        self.pace.set_helper(worker.thread);
        runtime.block_on(async {
            let made = Driver::new(driver::Parts {
                config: self.config,
                first: self.first,
                requests: worker.requests,
                reports: worker.reports,
                commands: self.commands,
                bfd_reports: self.bfd_reports,
                notices: self.notices,
                metrics: self.metrics,
                pace: self.pace,
                pulse: self.pulse,
                worker_pulse: self.worker_pulse,
                will: self.will,
                number: self.options.number,
                masters: self.options.masters,
                register: self.options.register,
                claims: self.options.claims,
            });
            let driver = match made {
                Ok(driver) => driver,
                Err(error) => return refuse(started, error),
            };
            let _ = started.send(Ok(()));
            driver.run().await
        })
    }
}

/// Hands the reason to the one who waits for the start.
fn refuse(started: &Started, error: io::Error) -> io::Result<()> {
    let why = error.to_string();
    let _ = started.send(Err(error));
    Err(io::Error::other(why))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "panic".to_owned())
}
