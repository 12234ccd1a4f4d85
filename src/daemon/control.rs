//! The control plane: signals, reload, scripts, dumps, the service manager, and the watch over the other planes.
//!
//! It runs on the main thread with a current-thread runtime. It may be slow: nothing on the VRRP or check plane
//! waits for it. Every event it can get is one arm of [`Control::run`].

use super::bfd_plane::BfdPlane;
use super::check_plane::{self, Asker, CheckPlane};
use super::dump::{self, Facts, Live};
use super::exit::Exit;
use super::life;
use super::load::{self, Loaded};
use super::pace::{Paces, Planes};
use super::plane::{BfdCommand, BfdNotice, CheckCommand, CheckNotice, VrrpCommand, VrrpNotice};
use super::reload_mark::ReloadMark;
use super::signal::{Signal, Signals};
use super::start::take_umask;
use super::vrrp_plane::{PlaneEnd, PlaneOptions, VrrpPlane};
use crate::bfd::BfdConfig;
use crate::bfd::status::BfdStatus;
use crate::check::probe::Prober;
use crate::check::status::CheckStatus;
use crate::cli::Options;
use crate::net::InterfaceStatus;
use crate::netlink;
use crate::notify::teller::Teller;
use crate::plan::Plan;
use crate::script::Scripts;
use crate::sys::netns::Origin;
use crate::sys::wall;
use crate::track::config::{FileConfig, ProcessConfig};
use crate::track::file::{self, FileReport, FileWatcher};
use crate::track::process::count::Tally;
use crate::track::process::{ProcessReport, ProcessWatcher};
use crate::track::script::{ScriptReport, TrackRunner};
use crate::vrrp::config::{Tracked, TrackedObjects};
use crate::vrrp::event::Event;
use crate::vrrp::status::VrrpStatus;
use sd_notify::NotifyState;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{error, info, warn};

/// Results of track scripts that may wait; a runner whose result finds no room waits with it.
const REPORTS: usize = 256;

/// How long the planes may take to hand over and remove what they added, unless `child_wait_time` says otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How long STOP scripts may take (fact 12.9).
const STOP_SCRIPTS_LIMIT: Duration = Duration::from_secs(1);
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
    tracker: TrackRunner,
    reports: mpsc::Receiver<ScriptReport>,
    files: FileWatcher,
    processes: ProcessWatcher,
    /// Where the kernel tells of processes, if that is not here.
    origin: Option<Origin>,
    teller: Teller,
    /// What the check plane asks with; a reload changes the scripts in it.
    prober: Prober,
    /// The scripts of the running plan.
    scripts: Arc<Scripts>,
    /// How the threads run.
    paces: Paces,
    /// The check plane was started by a reload: if it cannot work, the daemon goes on without it.
    check_came_late: bool,
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
}

impl Control {
    /// Starts the planes that the plan has work for. Needs the control plane's runtime.
    ///
    /// # Errors
    ///
    /// The exit status when a plane cannot start; what was started before is stopped by its own end.
    pub(super) fn start(begin: Begin) -> Result<Self, Exit> {
        let (sender, reports) = mpsc::channel(REPORTS);
        let prober = Prober::new(Arc::clone(&begin.loaded.scripts)).map_err(|error| {
            error!("TLS cannot be used: {error}");
            Exit::Fatal
        })?;
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
            tracker: TrackRunner::new(sender),
            reports,
            files: FileWatcher::default(),
            processes: ProcessWatcher::default(),
            origin: None,
            teller: Teller::new(),
            prober,
            scripts: Arc::default(),
            paces: Paces::default(),
            check_came_late: false,
        };
        // At a start only: what others have written since is left to them at a reload.
        for wanted in tracked_files(&begin.loaded.plan) {
            if let Err(error) = file::init(&wanted) {
                let path = wanted.path.display();
                error!("Unable to write track file {} ({path}): {error}", wanted.name);
            }
        }
        control.adopt(begin.loaded)?;
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
        service_manager(&[NotifyState::Ready, NotifyState::MainPid(std::process::id())]);
        info!("Startup complete");
        loop {
            match self.wake(&mut signals).await {
                Wake::Signal(Signal::Stop) => return self.stop().await,
                Wake::Signal(Signal::Reload) => self.reload().await,
                Wake::Signal(Signal::Data) => self.dump_data().await,
                Wake::Signal(Signal::Stats) => self.dump_stats(false).await,
                Wake::Signal(Signal::StatsClear) => self.dump_stats(true).await,
                Wake::Signal(Signal::Json) => self.dump_json().await,
                Wake::Signal(Signal::TooLong) => self.paces.too_long(),
                Wake::Signal(Signal::Ignored) => {}
                #[cfg(debug_assertions)]
                Wake::Signal(Signal::Panic) => {
                    if let Some(vrrp) = &self.vrrp {
                        command(&vrrp.commands, VrrpCommand::Panic, "VRRP");
                    }
                }
                Wake::Vrrp(Some(notice)) => self.vrrp_notice(&notice),
                Wake::Check(Some(CheckNotice::Failed)) => {
                    self.check = None;
                    if !self.check_came_late {
                        self.stop().await;
                        return Exit::Fatal;
                    }
                    error!("No virtual server works; VRRP goes on");
                }
                Wake::Check(Some(notice)) => self.check_notice(&notice),
                Wake::Vrrp(None) => return self.vrrp_died().await,
                Wake::Check(None) => return self.check_died().await,
                Wake::Bfd(Some(BfdNotice::Stopped)) => self.bfd = None,
                Wake::Bfd(None) => return self.bfd_died().await,
                Wake::File(FileReport { name, value }) => self.tracked(Event::File { name, value }).await,
                Wake::Process(ProcessReport { name, good }) => {
                    self.tracked(Event::Process { name, good }).await;
                }
                Wake::Script(ScriptReport { name, outcome }) => {
                    if let Some(vrrp) = &self.vrrp {
                        command(&vrrp.commands, VrrpCommand::Script { name, outcome }, "VRRP");
                    }
                }
            }
        }
    }

    /// Tells the VRRP plane of a change that nothing else would tell it again.
    async fn tracked(&self, event: Event) {
        let Some(plane) = &self.vrrp else { return };
        let told = plane.commands.send(VrrpCommand::Tracked(vec![event]));
        if timeout(STATUS_LIMIT, told).await.is_err() {
            error!("The VRRP plane does not take what trackers report");
        }
    }

    /// `-d`: the configuration, labelled, to the log.
    pub(super) async fn dump_to_log(&self) {
        let checks = self.check_status().await;
        let host = load::host_name();
        for line in dump::configuration(&self.facts(&host), checks.as_ref()).lines() {
            info!("{line}");
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
        }
    }

    /// Makes the planes and runners follow what was loaded: starts what has work now and tells what runs already.
    fn adopt(&mut self, loaded: Loaded) -> Result<(), Exit> {
        self.torn = loaded.torn();
        let Loaded {
            plan,
            scripts,
            interfaces,
            origin,
            ..
        } = loaded;
        // A reload stays where the start went.
        self.origin = origin.or_else(|| self.origin.take());
        // A plane that has not taken the new plan yet asks by the old one, and what is removed is told so by its own
        // script: the old commands stay known until the next reload.
        let known = Arc::new(scripts.with_old(&self.scripts));
        // What the last reload ended is told before its configuration is forgotten.
        while let Some(Ok(notice)) = self.vrrp.as_mut().map(|plane| plane.notices.try_recv()) {
            self.vrrp_notice(&notice);
        }
        self.umask = take_umask(&self.options, plan.global.upkeep.umask);
        self.teller.apply(plan.notify.clone(), &known);
        self.prober.reload(known);
        let first = self.files.apply(&tracked_files(&plan)).into_iter();
        let mut first: Vec<Event> = first
            .map(|FileReport { name, value }| Event::File { name, value })
            .collect();
        let wanted = tracked_processes(&plan);
        let counted = self
            .processes
            .apply(&wanted, plan.process_buffer, self.origin.as_ref());
        first.extend(
            counted
                .into_iter()
                .map(|ProcessReport { name, good }| Event::Process { name, good }),
        );
        match (&self.vrrp, plan.vrrp.routers.is_empty()) {
            (Some(plane), _) => {
                command(&plane.commands, VrrpCommand::Tracked(first), "VRRP");
                command(
                    &plane.commands,
                    VrrpCommand::Reload(Box::new(plan.vrrp.clone())),
                    "VRRP",
                );
            }
            (None, false) => {
                let options = PlaneOptions {
                    address_monitoring: self.options.address_monitoring,
                    stop_within: stop_limit(&plan),
                };
                let plane = VrrpPlane::spawn(plan.vrrp.clone(), first, options);
                self.vrrp = Some(started("VRRP", plane)?);
            }
            (None, true) => {}
        }
        match (&self.check, plan.check.services.is_empty()) {
            (Some(plane), _) => {
                let reload = CheckCommand::Reload(Box::new(plan.check.clone()));
                command(&plane.commands, reload, "healthcheck");
            }
            (None, false) => {
                let plane = CheckPlane::spawn(plan.check.clone(), check_plane::Options::new(self.asker()));
                self.check = Some(started("healthcheck", plane)?);
            }
            (None, true) => {}
        }
        self.adopt_bfd(&plan.bfd)?;
        let planes = Planes {
            vrrp: self.vrrp.as_ref().map(|plane| Arc::clone(&plane.pace)),
            check: self.check.as_ref().map(|plane| Arc::clone(&plane.pace)),
            bfd: self.bfd.as_ref().map(|plane| Arc::clone(&plane.pace)),
        };
        self.paces.apply(&plan.global.processes, planes);
        self.tracker.apply(&plan.track_scripts, &scripts);
        self.scripts = scripts;
        if self.vrrp.is_none() && self.check.is_none() && self.bfd.is_none() {
            warn!("Warning - the configuration holds nothing to run");
        }
        self.plan = plan;
        self.interfaces = interfaces;
        Ok(())
    }

    /// The same for BFD. A VRRP plane that has just been started hears of the sessions.
    fn adopt_bfd(&mut self, config: &BfdConfig) -> Result<(), Exit> {
        match (&self.bfd, config.sessions.is_empty()) {
            (Some(plane), _) => {
                let reload = BfdCommand::Reload(Box::new(config.clone()));
                command(&plane.commands, reload, "BFD");
            }
            (None, false) => self.bfd = Some(started("BFD", BfdPlane::spawn(config.clone()))?),
            (None, true) => return Ok(()),
        }
        if let (Some(bfd), Some(vrrp)) = (&self.bfd, &mut self.vrrp)
            && let Some(reports) = vrrp.bfd_reports.take()
        {
            command(&bfd.commands, BfdCommand::Vrrp(reports), "BFD");
        }
        Ok(())
    }

    /// The check plane's way to its back-ends.
    fn asker(&self) -> Asker {
        let prober = self.prober.clone();
        check_plane::asker(move |order| prober.ask(order))
    }

    /// SIGHUP: reads the file again. A file that cannot be run changes nothing.
    async fn reload(&mut self) {
        info!("Reloading ...");
        let _mark = self.reload_mark();
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            service_manager(&[NotifyState::Reloading, now]);
        }
        let options = self.options.clone();
        // Reading files and asking the kernel may take a while: what runs on this runtime goes on meanwhile.
        match tokio::task::spawn_blocking(move || load::load(&options)).await {
            Ok(loaded) => {
                loaded.log();
                let objection = loaded.objection(self.torn);
                if let Some(why) = objection.or_else(|| loaded.needs_restart(&self.plan.global)) {
                    error!(
                        "{why} ({}): the running one is kept",
                        self.options.config.display()
                    );
                } else {
                    let had_checks = self.check.is_some();
                    // A plane that cannot start has said so; the others go on.
                    let _ = self.adopt(loaded);
                    self.check_came_late |= !had_checks && self.check.is_some();
                    info!("Reload complete");
                }
            }
            Err(panic) => error!("Reading the configuration failed ({panic}): the running one is kept"),
        }
        service_manager(&[NotifyState::Ready]);
    }

    /// SIGUSR1: the data dumps.
    async fn dump_data(&self) {
        info!("Printing data for process({}) on signal", std::process::id());
        let (status, checks) = (self.vrrp_status().await, self.check_status().await);
        let bfd = self.bfd_status().await;
        let (running, processes) = (self.tracker.running(), self.processes.tallies());
        let live = status.as_ref().map(|status| live(status, &running, &processes));
        let host = load::host_name();
        // As they are now; whatever keeps them from being read, those of the last reading are better than none.
        let interfaces = tokio::task::spawn_blocking(netlink::interfaces).await;
        let interfaces = interfaces.ok().and_then(Result::ok);
        let facts = Facts {
            interfaces: interfaces.as_deref().unwrap_or(&self.interfaces),
            ..self.facts(&host)
        };
        dump::write_data(&facts, live.as_ref(), checks.as_ref(), bfd.as_ref());
    }

    /// SIGUSR2: the statistics; with `clear` the counters start anew afterwards.
    async fn dump_stats(&self, clear: bool) {
        info!(
            "Printing VRRP stats for process({}) on signal",
            std::process::id()
        );
        if let Some(status) = self.vrrp_status().await {
            dump::write_stats(&self.facts(&load::host_name()), &status);
        }
        if let (true, Some(plane)) = (clear, &self.vrrp) {
            command(&plane.commands, VrrpCommand::ClearCounters, "VRRP");
        }
    }

    /// SIGRTMIN+2: the JSON dump.
    async fn dump_json(&self) {
        info!(
            "Printing VRRP as json for process({}) on signal",
            std::process::id()
        );
        if let Some(status) = self.vrrp_status().await {
            let (running, processes) = (self.tracker.running(), self.processes.tallies());
            dump::write_json(
                &self.facts(&load::host_name()),
                &live(&status, &running, &processes),
            );
        }
    }

    /// The file that exists while a reload lasts, if there shall be one.
    fn reload_mark(&self) -> Option<ReloadMark> {
        let configured = self.plan.global.upkeep.reload_file.as_ref()?;
        let path = match configured {
            Some(path) => path.into(),
            None => self.pid_file.as_ref()?.with_extension("reload"),
        };
        ReloadMark::set(path)
    }

    fn facts<'a>(&'a self, hostname: &'a str) -> Facts<'a> {
        Facts {
            plan: &self.plan,
            hostname,
            umask: self.umask,
            interfaces: &self.interfaces,
            namespace: self
                .options
                .namespace
                .as_deref()
                .or(self.plan.global.net_namespace.as_deref()),
            scripts: &self.scripts,
        }
    }

    async fn vrrp_status(&self) -> Option<VrrpStatus> {
        ask(&self.vrrp.as_ref()?.commands, VrrpCommand::Status).await
    }

    async fn check_status(&self) -> Option<CheckStatus> {
        ask(&self.check.as_ref()?.commands, CheckCommand::Status).await
    }

    async fn bfd_status(&self) -> Option<BfdStatus> {
        ask(&self.bfd.as_ref()?.commands, BfdCommand::Status).await
    }

    fn vrrp_notice(&mut self, notice: &VrrpNotice) {
        match notice {
            VrrpNotice::Notify(notification) => self.teller.notify(notification),
            VrrpNotice::Stopped => self.vrrp = None,
        }
    }

    fn check_notice(&mut self, notice: &CheckNotice) {
        match notice {
            CheckNotice::Run(script) => self.teller.run_detached(script),
            CheckNotice::Stopped | CheckNotice::Failed => self.check = None,
        }
    }

    /// Hands over, removes what was added, runs the STOP scripts.
    async fn stop(mut self) -> Exit {
        info!("Stopping");
        service_manager(&[NotifyState::Stopping]);
        drop(self.tracker);
        if let Some(plane) = &self.vrrp {
            let release = !self.options.dont_release_vrrp;
            command(&plane.commands, VrrpCommand::Stop { release }, "VRRP");
        }
        if let Some(plane) = &self.check {
            let release = !self.options.dont_release_ipvs;
            command(&plane.commands, CheckCommand::Stop { release }, "healthcheck");
        }
        if let Some(plane) = &self.bfd {
            command(&plane.commands, BfdCommand::Stop, "BFD");
        }
        let limit = stop_limit(&self.plan);
        let (vrrp, check, bfd) = (&mut self.vrrp, &mut self.check, &mut self.bfd);
        let teller = &mut self.teller;
        let stopped = timeout(limit, async {
            while vrrp.is_some() || check.is_some() || bfd.is_some() {
                tokio::select! {
                    notice = next_notice(vrrp.as_mut().map(|plane| &mut plane.notices)) => match notice {
                        Some(VrrpNotice::Notify(notification)) => teller.notify(&notification),
                        Some(VrrpNotice::Stopped) | None => *vrrp = None,
                    },
                    notice = next_notice(check.as_mut().map(|plane| &mut plane.notices)) => match notice {
                        Some(CheckNotice::Run(script)) => teller.run_detached(&script),
                        Some(CheckNotice::Stopped | CheckNotice::Failed) | None => *check = None,
                    },
                    _ended = next_notice(bfd.as_mut().map(|plane| &mut plane.notices)) => *bfd = None,
                }
            }
        })
        .await;
        if let (Err(_), Some(plane)) = (&stopped, self.vrrp.take()) {
            error!(
                "The VRRP plane did not stop within {} s: withdrawing what it holds",
                limit.as_secs()
            );
            plane.last_will.carry_out();
        }
        self.teller.close(STOP_SCRIPTS_LIMIT).await;
        life::shutdown(&self.plan.global.life, &self.scripts).await;
        if stopped.is_ok() {
            Exit::Normal
        } else {
            Exit::Internal
        }
    }

    /// The VRRP plane ended without being told to. Its last will has been carried out, or is now.
    async fn vrrp_died(mut self) -> Exit {
        if let Some(plane) = self.vrrp.take() {
            match plane.join() {
                PlaneEnd::Died(why) => error!("The VRRP plane died ({why}): it handed over and withdrew"),
                PlaneEnd::Stopped => error!("The VRRP plane stopped without being told to"),
            }
        }
        self.stop().await;
        Exit::Internal
    }

    /// Without it nobody would learn that a neighbor is gone.
    async fn bfd_died(mut self) -> Exit {
        error!("The BFD plane died");
        self.bfd = None;
        self.stop().await;
        Exit::Internal
    }

    async fn check_died(mut self) -> Exit {
        error!("The healthcheck plane died");
        self.check = None;
        self.stop().await;
        Exit::Internal
    }
}

/// How long the planes of this plan may take to stop.
fn stop_limit(plan: &Plan) -> Duration {
    let seconds = plan.global.upkeep.child_wait_time;
    seconds.map_or(STOP_LIMIT, |seconds| Duration::from_secs(seconds.into()))
}

/// What is known of an engine that runs.
fn live<'a>(
    status: &'a VrrpStatus,
    running: &'a BTreeSet<String>,
    processes: &'a BTreeMap<String, Tally>,
) -> Live<'a> {
    Live {
        status,
        wall: wall::now(),
        running,
        processes,
    }
}

/// The next notice of a plane that runs; for one that does not, never.
async fn next_notice<T>(notices: Option<&mut mpsc::Receiver<T>>) -> Option<T> {
    match notices {
        Some(notices) => notices.recv().await,
        None => std::future::pending().await,
    }
}

/// Gives a plane a command without waiting for it. A plane that has not taken any for so long is said.
fn command<T>(commands: &mpsc::Sender<T>, command: T, plane: &str) {
    if commands.try_send(command).is_err() {
        error!("The {plane} plane does not take commands: one is dropped");
    }
}

/// What a plane shows of itself; nothing when it does not answer.
async fn ask<C, S>(commands: &mpsc::Sender<C>, question: fn(oneshot::Sender<S>) -> C) -> Option<S> {
    let (reply, answer) = oneshot::channel();
    commands.try_send(question(reply)).ok()?;
    timeout(STATUS_LIMIT, answer).await.ok()?.ok()
}

fn started<T>(name: &str, plane: std::io::Result<T>) -> Result<T, Exit> {
    plane.map_err(|error| {
        error!("The {name} plane cannot start: {error}");
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            Exit::Permission
        } else {
            Exit::Fatal
        }
    })
}

/// Tells systemd, where it started us.
fn service_manager(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!("The service manager cannot be told: {error}");
    }
}

/// The files that a virtual router or a group tracks: the others are not even read (fact 1.30).
fn tracked_files(plan: &Plan) -> Vec<FileConfig> {
    let used = used(plan, |objects| &objects.files);
    let files = plan.track_files.iter();
    files
        .filter(|file| used.contains(file.name.as_str()))
        .cloned()
        .collect()
}

/// The processes that a virtual router or a group tracks.
fn tracked_processes(plan: &Plan) -> Vec<ProcessConfig> {
    let used = used(plan, |objects| &objects.processes);
    let processes = plan.track_processes.iter();
    processes
        .filter(|process| used.contains(process.name.as_str()))
        .cloned()
        .collect()
}

fn used(plan: &Plan, of: fn(&TrackedObjects) -> &Vec<Tracked>) -> BTreeSet<&str> {
    let routers = plan.vrrp.routers.iter().map(|router| &router.objects);
    let all = routers.chain(plan.vrrp.groups.iter().map(|group| &group.objects));
    all.flat_map(of).map(|tracked| tracked.name.as_str()).collect()
}
