//! The control plane: signals, reload, scripts, dumps, the service manager, and the watch over the other planes.
//!
//! It runs on the main thread with a current-thread runtime. It may be slow: nothing on the VRRP or check plane
//! waits for it. Every event it can get is one arm of [`Control::run`]; what follows of each is in the files beside:
//! [`reload`] and what it [`adopt`]s, what it is [`asked`] by its socket, what it [`show`]s, how it [`stop`]s.

mod adopt;
mod asked;
mod foretold;
mod reload;
mod saved;
mod settled;
mod show;
mod stop;
mod tidy;
mod watch;

use super::bfd_plane::BfdPlane;
use super::check_plane::CheckPlane;
use super::exit::Exit;
use super::load::Loaded;
use super::pace::Paces;
use super::ping_range::PingRange;
use super::plane::{BfdNotice, CheckCommand, CheckNotice, MasterNews, VrrpCommand, VrrpNotice};
use super::reload_clock::ReloadClock;
use super::signal::{Signal, Signals};
use super::socket::{self, Asked, ControlSocket};
use super::start::privileged;
use super::state::{Left, Paths, Writer};
use super::trial::Tester;
use super::vrrp_plane::{Register, VrrpPlane};
use crate::check::event::Notification;
use crate::check::probe::Prober;
use crate::cli::Options;
use crate::ipvs::keeper::{self, Opener};
use crate::ipvs::steward::{self, Steward};
use crate::net::InterfaceStatus;
use crate::notify::teller::Teller;
use crate::plan::Plan;
use crate::script::Scripts;
use crate::sys::memory;
use crate::sys::netns::{Home, Namespace};
use crate::track::file::{self, FileReport, FileWatcher};
use crate::track::process::{ProcessReport, ProcessWatcher};
use crate::track::script::{ScriptReport, TrackRunner};
use crate::vrrp::event::Event;
use adopt::tracked_files;
use reload::Reloaded;
use sd_notify::NotifyState;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tidy::Tidy;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tracing::{error, info, warn};
use watch::Watch;

/// Results of track scripts that may wait; a runner whose result finds no room waits with it.
const REPORTS: usize = 256;

/// How long the planes may take to hand over and remove what they added, unless `child_wait_time` says otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How long a plane may take to show itself.
const STATUS_LIMIT: Duration = Duration::from_secs(2);

/// What a control plane begins with.
pub(super) struct Begin {
    /// The command line.
    pub options: Options,
    /// The configuration.
    pub loaded: Loaded,
    /// The main one, of which `reload_file` has its name.
    pub pid_file: Option<PathBuf>,
}

/// The control plane's state.
pub(super) struct Control {
    options: Options,
    pid_file: Option<PathBuf>,
    /// The file creation mask, for dumps.
    umask: u32,
    plan: Plan,
    /// The file that the plan is from has mistakes that a reload would not take in a better one's place.
    torn: bool,
    interfaces: Vec<InterfaceStatus>,
    vrrp: Option<VrrpPlane>,
    check: Option<CheckPlane>,
    bfd: Option<BfdPlane>,
    /// Which instances are MASTER: from the VRRP plane to those who follow them.
    masters: MasterNews,
    /// The number of the configuration that was tried last: each has its own, whether it could be run or not.
    number: u64,
    /// When their last adverts left.
    register: Arc<Register>,
    /// What an earlier run has left for the planes that are started.
    left: Left,
    /// Who writes down what the next run may take over.
    state: Option<Writer>,
    /// While IPVS has to be more than virtual servers, and from then on.
    steward: Option<Steward>,
    tracker: TrackRunner,
    reports: mpsc::Receiver<ScriptReport>,
    files: FileWatcher,
    processes: ProcessWatcher,
    /// When a reload is due by itself.
    clock: ReloadClock,
    /// How many reloads were asked for.
    reloads: u64,
    /// Where the kernel tells of processes, if that is not here.
    origin: Option<Namespace>,
    /// Where IPVS is; settled at the start (fact 16.12).
    ipvs_home: Home,
    teller: Teller,
    /// What the check plane asks with; a reload changes the scripts in it.
    prober: Prober,
    /// The scripts of the running plan.
    scripts: Arc<Scripts>,
    /// Who may open PING_CHECK's sockets.
    ping_range: PingRange,
    tidy: Tidy,
    /// Where programs ask; none where it cannot be made.
    socket: Option<ControlSocket>,
    /// Who is allowed to read a configuration for somebody who asks: one at a time.
    readers: Arc<Semaphore>,
    /// How the threads run.
    paces: Paces,
    /// Whether all threads turn.
    watch: Watch,
    host: Host,
}

/// What control asks of the host before it starts a plane, or a test's imitation of it.
struct Host {
    ipvs: fn(Home) -> Opener,
    /// The same as a whole.
    whole: fn(Home) -> steward::Opener,
    /// Who tests a new configuration.
    tester: Tester,
    /// Whether a plan can be run with the capabilities of the process.
    privileged: fn(&Plan) -> Result<(), String>,
}

/// What woke the control plane.
enum Wake {
    Signal(Signal),
    Vrrp(Option<VrrpNotice>),
    Check(Option<CheckNotice>),
    Bfd(Option<BfdNotice>),
    Script(ScriptReport),
    File(FileReport),
    Process(ProcessReport),
    /// The time for a reload has come.
    Due,
    /// Memory is to be given back.
    Tidy,
    /// Somebody asks by the socket.
    Asked(Asked),
}

impl Control {
    /// Starts the planes that the plan has work for. Needs the control plane's runtime.
    ///
    /// # Errors
    ///
    /// The exit status when a plane cannot start; what was started before is stopped by its own end.
    pub(super) fn start(begin: Begin) -> Result<Self, Exit> {
        let (sender, reports) = mpsc::channel(REPORTS);
        let kit = begin.loaded.kit.as_ref().map_err(|error| {
            error!("{error}");
            Exit::Fatal
        })?;
        let prober = Prober::new(Arc::clone(&begin.loaded.scripts), Arc::clone(kit));
        let mut control = Self {
            options: begin.options,
            pid_file: begin.pid_file,
            umask: 0,
            plan: Plan::default(),
            torn: false,
            interfaces: Vec::new(),
            vrrp: None,
            check: None,
            bfd: None,
            masters: MasterNews::default(),
            number: 0,
            register: Arc::default(),
            left: Left::default(),
            state: None,
            steward: None,
            tracker: TrackRunner::new(sender),
            reports,
            files: FileWatcher::default(),
            processes: ProcessWatcher::default(),
            clock: ReloadClock::default(),
            reloads: 0,
            origin: None,
            ipvs_home: begin.loaded.ipvs_home.clone(),
            teller: Teller::new(),
            prober,
            scripts: Arc::default(),
            ping_range: PingRange::default(),
            tidy: Tidy::default(),
            socket: None,
            readers: Arc::new(Semaphore::new(1)),
            paces: Paces::default(),
            watch: Watch::for_service_manager(),
            host: Host {
                ipvs: keeper::kernel,
                whole: steward::kernel,
                tester: Tester::default(),
                privileged,
            },
        };
        // At a start only: what others have written since is left to them at a reload.
        for wanted in tracked_files(&begin.loaded.plan) {
            if let Err(error) = file::init(&wanted) {
                let path = wanted.path.display();
                error!("Unable to write track file {} ({path}): {error}", wanted.name);
            }
        }
        let directory = begin.loaded.plan.global.reload.save_dir.as_deref();
        control.save_configuration(directory, &begin.loaded.sources);
        if let Some(paths) = control.pid_file.as_deref().map(Paths::beside) {
            control.left = Left::read(&paths);
            let writer = Writer::spawn(paths, Arc::clone(&control.register));
            control.state = writer
                .map_err(|error| warn!("The state files cannot be written: {error}"))
                .ok();
        }
        let ipvs = (control.host.ipvs)(control.ipvs_home.clone());
        control.adopt(begin.loaded, ipvs)?;
        // -1 silences it.
        if matches!(control.plan.global.processes.max_auto_priority, None | Some(0)) {
            info!(
                "NOTICE: setting config option max_auto_priority should result in better keepalived performance"
            );
        }
        Ok(control)
    }

    /// Runs until the daemon ends.
    pub(super) async fn run(mut self, mut signals: Signals) -> Exit {
        self.listen();
        service_manager(&[NotifyState::Ready, NotifyState::MainPid(std::process::id())]);
        info!("Startup complete");
        loop {
            let wake = self.wake(&mut signals).await;
            self.watch.round();
            match wake {
                Wake::Signal(Signal::Stop) => return self.stop().await,
                Wake::Signal(Signal::Reload) | Wake::Due => {
                    if self.reload(signals.stop()).await == Reloaded::Stop {
                        return self.stop().await;
                    }
                }
                Wake::Asked(asked) => {
                    if self.asked(asked, signals.stop()).await == Reloaded::Stop {
                        return self.stop().await;
                    }
                }
                Wake::Signal(Signal::Data) => self.dump_data().await,
                Wake::Signal(Signal::Stats) => self.dump_stats(false).await,
                Wake::Signal(Signal::StatsClear) => self.dump_stats(true).await,
                Wake::Signal(Signal::Json) => self.dump_json().await,
                Wake::Signal(Signal::TooLong) => self.paces.too_long(),
                Wake::Signal(Signal::Ignored) => {}
                #[cfg(debug_assertions)]
                Wake::Signal(Signal::Hang) => self.hang(),
                #[cfg(debug_assertions)]
                Wake::Signal(Signal::Panic) => {
                    if let Some(vrrp) = &self.vrrp {
                        command(&vrrp.commands, VrrpCommand::Panic, "VRRP");
                    }
                }
                Wake::Vrrp(Some(notice)) => self.vrrp_notice(&notice),
                Wake::Check(Some(CheckNotice::Failed)) => {
                    self.check = None;
                    self.stop().await;
                    return Exit::Fatal;
                }
                Wake::Check(Some(notice)) => self.check_notice(&notice),
                Wake::Vrrp(None) => return self.vrrp_died().await,
                Wake::Check(None) => return self.check_died().await,
                Wake::Bfd(Some(BfdNotice::Stopped)) => self.bfd = None,
                Wake::Bfd(None) => return self.bfd_died().await,
                Wake::File(report) => self.file(report).await,
                Wake::Process(ProcessReport { name, good }) => {
                    self.tracked(Event::Process { name, good }).await;
                }
                Wake::Tidy => memory::give_back(),
                Wake::Script(ScriptReport { name, outcome }) => {
                    if let Some(vrrp) = &self.vrrp {
                        command(&vrrp.commands, VrrpCommand::Script { name, outcome }, "VRRP");
                    }
                }
            }
            self.watch.round();
        }
    }

    /// Makes the VRRP plane stand still, or that of checks where there is none, for the tests of what is told of that.
    #[cfg(debug_assertions)]
    fn hang(&self) {
        const TIME: Duration = Duration::from_secs(15);
        if let Some(vrrp) = &self.vrrp {
            command(&vrrp.commands, VrrpCommand::Hang(TIME), "VRRP");
        } else if let Some(check) = &self.check {
            command(&check.commands, CheckCommand::Hang(TIME), "healthcheck");
        }
    }

    /// Tells both planes of a file's number: nothing else would tell them again.
    async fn file(&self, report: FileReport) {
        if let Some(plane) = &self.check {
            let told = plane.commands.send(CheckCommand::Files(vec![report.clone()]));
            if timeout(STATUS_LIMIT, told).await.is_err() {
                error!("The healthcheck plane does not take what tracked files report");
            }
        }
        let FileReport { name, value } = report;
        self.tracked(Event::File { name, value }).await;
    }

    /// Tells the VRRP plane of a change that nothing else would tell it again.
    async fn tracked(&self, event: Event) {
        let Some(plane) = &self.vrrp else { return };
        let told = plane.commands.send(VrrpCommand::Tracked(vec![event]));
        if timeout(STATUS_LIMIT, told).await.is_err() {
            error!("The VRRP plane does not take what trackers report");
        }
    }

    /// Waits for whatever comes first. Stop signals are looked at first, and scripts last.
    async fn wake(&mut self, signals: &mut Signals) -> Wake {
        tokio::select! {
            biased;
            signal = signals.next() => Wake::Signal(signal),
            notice = next_notice(self.vrrp.as_mut().map(|plane| &mut plane.notices)) => Wake::Vrrp(notice),
            notice = next_notice(self.check.as_mut().map(|plane| &mut plane.notices)) => Wake::Check(notice),
            notice = next_notice(self.bfd.as_mut().map(|plane| &mut plane.notices)) => Wake::Bfd(notice),
            Some(report) = self.reports.recv() => Wake::Script(report),
            report = self.files.next() => Wake::File(report),
            report = self.processes.next() => Wake::Process(report),
            () = self.clock.next() => Wake::Due,
            () = self.tidy.due() => Wake::Tidy,
            asked = next_asked(self.socket.as_mut()) => Wake::Asked(asked),
        }
    }

    /// Makes the socket, beside the main pid file.
    fn listen(&mut self) {
        let Some(pid_file) = &self.pid_file else { return };
        let path = socket::beside(pid_file);
        match ControlSocket::open(&path) {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => warn!("Unable to create control socket {}: {error}", path.display()),
        }
    }

    fn vrrp_notice(&mut self, notice: &VrrpNotice) {
        match notice {
            VrrpNotice::Notify(notification) => self.teller.notify(notification),
            VrrpNotice::Stopped => self.vrrp = None,
        }
    }

    fn check_notice(&mut self, notice: &CheckNotice) {
        match notice {
            CheckNotice::Notify(notification) => tell_health(&mut self.teller, notification),
            CheckNotice::Eased => self.tidy.soon(),
            CheckNotice::Stopped | CheckNotice::Failed => self.check = None,
        }
    }
}

/// Tells of a real server or a quorum: the script first, then FIFOs (fact 5.4 of LVS).
fn tell_health(teller: &mut Teller, notification: &Notification) {
    if let Some(script) = notification.script() {
        teller.run_detached(script);
    }
    if let Some(line) = notification.line() {
        teller.health_line(&line);
    }
    if let Notification::Mail(letter) = notification {
        teller.write(&letter.title, &letter.body);
    }
}

/// How long the planes of this plan may take to stop. In no time at all nothing can be handed over: 0 sets no limit of
/// its own.
fn stop_limit(plan: &Plan) -> Duration {
    let seconds = plan.global.upkeep.child_wait_time;
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds.map_or(STOP_LIMIT, |seconds| Duration::from_secs(seconds.into()))
}

/// The next notice of a plane that runs; for one that does not, never.
async fn next_notice<T>(notices: Option<&mut mpsc::Receiver<T>>) -> Option<T> {
    match notices {
        Some(notices) => notices.recv().await,
        None => std::future::pending().await,
    }
}

/// The next request; without a socket, never.
async fn next_asked(socket: Option<&mut ControlSocket>) -> Asked {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

/// Gives a plane a command without waiting for it. A plane that has not taken any for so long is said.
fn command<T>(commands: &mpsc::Sender<T>, command: T, plane: &str) {
    if commands.try_send(command).is_err() {
        error!("The {plane} plane does not take commands: one is dropped");
    }
}

/// Tells systemd, where it started us.
fn service_manager(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!("The service manager cannot be told: {error}");
    }
}

#[cfg(test)]
mod tests;
