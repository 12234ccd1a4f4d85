//! SIGHUP: the file is read again, and what runs follows it, or stays.
//!
//! A reload is done as a whole or not at all: what may fail is tried before anything that runs is touched.

use super::{Control, STATUS_LIMIT, foretold, service_manager};
use crate::daemon::load::{self, Loaded};
use crate::daemon::reload_mark::ReloadMark;
use crate::ipvs::keeper::Opener;
use crate::plan::diff::diff;
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

impl Control {
    /// Reads the file again. One that cannot be run changes nothing. A `stop` is not kept waiting.
    pub(super) async fn reload(&mut self, stop: impl Future<Output = ()>) -> Reloaded {
        info!("Reloading ...");
        let _mark = self.reload_mark();
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            service_manager(&[NotifyState::Reloading, now]);
        }
        self.reloads = self.reloads.saturating_add(1);
        let prepared = tokio::select! {
            biased;
            () = stop => return Reloaded::Stop,
            prepared = self.prepare() => prepared,
        };
        self.save_planes("pre").await;
        let done = match prepared {
            Ok((loaded, ipvs)) => self
                .adopt(loaded, ipvs)
                .map_err(|_| "A part that the new configuration needs cannot start".into()),
            Err(why) => Err(why),
        };
        match done {
            Ok(()) => {
                self.save_planes("post").await;
                info!("Reload complete");
            }
            Err(why) => error!(
                "{why} ({}): the running one is kept",
                self.options.config.display()
            ),
        }
        service_manager(&[NotifyState::Ready]);
        Reloaded::GoOn
    }

    /// Reads the configuration and judges it. What the daemon is to follow, and IPVS; or why it goes on as it is.
    async fn prepare(&self) -> Result<(Loaded, Opener), String> {
        let check = self.plan.global.reload.check_config.as_ref();
        let passed = match check {
            None => true,
            Some(log_file) => self.test(log_file.as_deref()).await?,
        };
        let options = self.options.clone();
        // Reading files and asking the kernel may take a while: what runs on this runtime goes on meanwhile.
        let loaded = timeout(READ_LIMIT, spawn_blocking(move || load::load(&options))).await;
        let loaded = loaded.map_err(|_| "Reading the configuration takes too long".to_owned())?;
        let mut loaded = loaded.map_err(|panic| format!("Reading the configuration failed: {panic}"))?;
        loaded.log();
        let directory = [&loaded.plan.global, &self.plan.global]
            .into_iter()
            .find_map(|global| global.reload.save_dir.as_deref());
        self.save_configuration(directory, &loaded.sources);
        // The file may have changed since it was tested: what is judged is what will run.
        if let Some(log_file) = check
            && !(passed && loaded.is_faultless())
        {
            let see = log_file.as_ref().map(|path| format!(", see {path} for details"));
            return Err(format!("New config failed validation{}", see.unwrap_or_default()));
        }
        let objection = loaded.objection(self.torn);
        if let Some(why) = objection.or_else(|| loaded.needs_restart(&self.plan.global)) {
            return Err(why.to_owned());
        }
        (self.host.privileged)(&loaded.plan)?;
        let running = self.running().await;
        let running = running.ok_or("The healthcheck plane does not answer")?;
        if let Some(marks) = &loaded.plan.ipvs.marks {
            (loaded.plan.check).hand_out_marks(marks.start, Some(&running.check));
        }
        let mut opener = (self.host.ipvs)(self.ipvs_home.clone());
        if self.check.is_none() && !loaded.plan.check.services.is_empty() {
            // A module may have to be loaded.
            let opened = spawn_blocking(move || opened(opener)).await;
            opener = opened.map_err(|panic| format!("Asking for IPVS failed: {panic}"))??;
        }
        self.all_listen().await?;
        foretold::tell(&diff(&running, &loaded.plan));
        Ok((loaded, opener))
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
