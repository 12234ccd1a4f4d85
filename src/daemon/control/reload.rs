//! SIGHUP: the file is read again, and what runs follows it, or stays.
//!
//! A reload is done as a whole or not at all: what may fail is tried before anything that runs is touched.

use super::{Control, STATUS_LIMIT, foretold, service_manager};
use crate::cli::Options;
use crate::conf::Sources;
use crate::conf::diag::Diagnostic;
use crate::daemon::load::{self, Loaded};
use crate::daemon::reload_mark::ReloadMark;
use crate::ipvs::keeper::Opener;
use crate::plan::Plan;
use crate::plan::diff::{PlanDiff, diff};
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use sd_notify::NotifyState;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{error, info, warn};

/// How long reading may take: much longer than any file needs, and not for ever.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// How a reload has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reloaded {
    /// The daemon goes on, with the new configuration or with the old one.
    GoOn,
    /// It is told to stop meanwhile.
    Stop,
}

/// What may yet keep a configuration that could run from being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing.
    Open,
    /// Something that flaps, or needs a restart.
    Hitless,
}

/// What a reload has come to, for whoever asked for it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The new configuration runs.
    Adopted {
        /// What is to be said of it.
        said: Said,
        /// What it changes; nothing where that is not known.
        diff: Option<PlanDiff>,
    },
    /// The old one goes on.
    Kept(Kept),
    /// The daemon is told to stop.
    Stop,
}

/// Why the running configuration is kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// In words.
    pub why: String,
    /// What is to be said of the new one, if it was read.
    pub said: Option<Box<Said>>,
    /// What it would have changed, where that is the reason.
    pub diff: Option<Box<PlanDiff>>,
}

/// What is to be said of a configuration.
#[derive(Debug)]
pub(super) struct Said {
    pub diagnostics: Vec<Diagnostic>,
    pub sources: Sources,
    /// Whether there was a file at all.
    pub found: bool,
}

impl Said {
    pub(super) fn of(loaded: &mut Loaded) -> Self {
        Self {
            diagnostics: loaded.diagnostics.clone(),
            sources: std::mem::take(&mut loaded.sources),
            found: loaded.found(),
        }
    }
}

impl From<String> for Kept {
    fn from(why: String) -> Self {
        Self {
            why,
            said: None,
            diff: None,
        }
    }
}

impl From<&str> for Kept {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

/// A configuration that may be adopted.
struct Prepared {
    loaded: Loaded,
    /// For a check plane that is to be started.
    ipvs: Opener,
    /// What it changes; nothing where that is not known.
    diff: Option<PlanDiff>,
}

impl Control {
    /// Reads the file again. One that cannot be run changes nothing. A `stop` is not kept waiting.
    pub(super) async fn reload(&mut self, stop: impl Future<Output = ()>) -> Reloaded {
        match self.reload_through(Gate::Open, stop).await {
            Outcome::Adopted { .. } | Outcome::Kept(_) => Reloaded::GoOn,
            Outcome::Stop => Reloaded::Stop,
        }
    }

    /// The same, of what passes the gate.
    pub(super) async fn reload_through(&mut self, gate: Gate, stop: impl Future<Output = ()>) -> Outcome {
        info!("Reloading ...");
        let _mark = self.reload_mark();
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            service_manager(&[NotifyState::Reloading, now]);
        }
        self.reloads = self.reloads.saturating_add(1);
        let prepared = tokio::select! {
            biased;
            () = stop => return Outcome::Stop,
            prepared = self.prepare(gate) => prepared,
        };
        self.save_planes("pre").await;
        let done = match prepared {
            Ok(prepared) => self.take(prepared),
            Err(kept) => Err(kept),
        };
        let outcome = match done {
            Ok((said, diff)) => {
                self.save_planes("post").await;
                info!("Reload complete");
                Outcome::Adopted { said, diff }
            }
            Err(kept) => {
                error!(
                    "{} ({}): the running one is kept",
                    kept.why,
                    self.options.config.display()
                );
                Outcome::Kept(kept)
            }
        };
        service_manager(&[NotifyState::Ready]);
        outcome
    }

    fn take(&mut self, prepared: Prepared) -> Result<(Said, Option<PlanDiff>), Kept> {
        let Prepared {
            mut loaded,
            ipvs,
            diff,
        } = prepared;
        let said = Said::of(&mut loaded);
        match self.adopt(loaded, ipvs) {
            Ok(()) => Ok((said, diff)),
            Err(_) => Err(Kept {
                said: Some(said.into()),
                ..Kept::from("A part that the new configuration needs cannot start")
            }),
        }
    }

    /// Reads the configuration and judges it. What the daemon is to follow, and IPVS; or why it goes on as it is.
    async fn prepare(&self, gate: Gate) -> Result<Prepared, Kept> {
        let check = self.plan.global.reload.check_config.as_ref();
        let passed = match check {
            None => true,
            Some(log_file) => self.test(log_file.as_deref()).await?,
        };
        let mut loaded = read(self.options.clone()).await?;
        loaded.log();
        let directory = [&loaded.plan.global, &self.plan.global]
            .into_iter()
            .find_map(|global| global.reload.save_dir.as_deref());
        self.save_configuration(directory, &loaded.sources);
        match self.prepare_loaded(&mut loaded, passed, gate).await {
            Ok((ipvs, diff)) => Ok(Prepared { loaded, ipvs, diff }),
            Err(kept) => Err(Kept {
                said: Some(Said::of(&mut loaded).into()),
                ..kept
            }),
        }
    }

    /// What follows of a configuration that was read; the file has `passed` its test, if it was tested.
    async fn prepare_loaded(
        &self,
        loaded: &mut Loaded,
        passed: bool,
        gate: Gate,
    ) -> Result<(Opener, Option<PlanDiff>), Kept> {
        let running = self.running().await;
        if let Some(why) = objection(loaded, &self.plan, passed, self.torn) {
            return Err(why.into());
        }
        (self.host.privileged)(&loaded.plan)?;
        match &running {
            Some(running) => loaded.plan.keep_marks(running),
            None if loaded.plan.ipvs.marks.is_some() => {
                return Err("The healthcheck plane does not answer".into());
            }
            None => {}
        }
        let diff = running.map(|running| diff(&running, &loaded.plan));
        if gate == Gate::Hitless {
            let diff = diff.clone().ok_or("The healthcheck plane does not answer")?;
            if !diff.is_hitless() {
                let why = format!("The reload would not be hitless: {}", diff.obstacles());
                return Err(Kept {
                    diff: Some(diff.into()),
                    ..Kept::from(why)
                });
            }
        }
        let mut opener = (self.host.ipvs)(self.ipvs_home.clone());
        if self.check.is_none() && !loaded.plan.check.services.is_empty() {
            // A module may have to be loaded.
            let opened = spawn_blocking(move || opened(opener)).await;
            opener = opened.map_err(|panic| format!("Asking for IPVS failed: {panic}"))??;
        }
        self.all_listen().await?;
        if let Some(diff) = &diff {
            foretold::tell(diff);
        }
        Ok((opener, diff))
    }

    /// `reload_check_config`: whether a process of its own finds nothing wrong with the file. What it finds is in
    /// `log_file`, and nothing else is.
    async fn test(&self, log_file: Option<&str>) -> Result<bool, String> {
        info!("validate conf before Reload");
        let log_file = log_file.map(Path::new);
        if let Some(path) = log_file {
            forget(path);
        }
        let status = self.host.tester.test(&self.options, log_file).await?;
        if status.code().is_none() {
            return Err(format!("The test of the new configuration died: {status}"));
        }
        Ok(status.success())
    }

    /// Whether every plane that runs takes commands. Control alone gives any: what there is room for now, there still is
    /// afterwards.
    async fn all_listen(&self) -> Result<(), String> {
        if let Some(plane) = &self.vrrp {
            // What is tracked, and the configuration.
            listens(&plane.commands, 2, "VRRP").await?;
        }
        if let Some(plane) = &self.check {
            // What the tracked files have, and the configuration.
            listens(&plane.commands, 2, "healthcheck").await?;
        }
        if let Some(plane) = &self.bfd {
            // The configuration, and where new VRRP and check planes hear of sessions.
            listens(&plane.commands, 3, "BFD").await?;
        }
        Ok(())
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
}

/// Reads the configuration that `options` name, for a daemon that runs. Reading files and asking the kernel may take a
/// while: what runs on this runtime goes on meanwhile.
pub(super) async fn read(options: Options) -> Result<Loaded, String> {
    let loaded = timeout(READ_LIMIT, spawn_blocking(move || load::load(&options))).await;
    let loaded = loaded.map_err(|_| "Reading the configuration takes too long".to_owned())?;
    loaded.map_err(|panic| format!("Reading the configuration failed: {panic}"))
}

/// Why a daemon that runs `running` would not take what was loaded.
pub(super) fn objection(loaded: &Loaded, running: &Plan, passed: bool, torn: bool) -> Option<String> {
    // The file may have changed since it was tested: what is judged is what will run.
    if let Some(log_file) = &running.global.reload.check_config
        && !(passed && loaded.is_faultless())
    {
        let see = log_file.as_ref().map(|path| format!(", see {path} for details"));
        return Some(format!("New config failed validation{}", see.unwrap_or_default()));
    }
    let objection = loaded.objection(torn);
    let why = objection.or_else(|| loaded.needs_restart(&running.global));
    why.map(ToOwned::to_owned)
}

/// Empties the file of an earlier test, if it is one.
fn forget(path: &Path) {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .truncate(true)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            warn!("Unable to empty {}: {error}", path.display());
        }
        _ => {}
    }
}

/// IPVS, asked whether it is there at all. The first who opens it gets what was opened here.
fn opened(mut opener: Opener) -> Result<Opener, String> {
    let mut first = Some(opener().map_err(|error| error.to_string())?);
    Ok(Box::new(move || first.take().map_or_else(&mut opener, Ok)))
}

async fn listens<T>(commands: &mpsc::Sender<T>, room: usize, plane: &str) -> Result<(), String> {
    match timeout(STATUS_LIMIT, commands.reserve_many(room)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(format!("The {plane} plane does not take commands")),
    }
}
