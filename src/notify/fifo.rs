//! FIFOs: every event as a line, for a program that reads them (facts 12.3 to 12.6, 12.10 to 12.12; of LVS 14).
//!
//! A FIFO is opened for reading and writing, so that it holds its lines while nobody reads it, and never blocks: what finds it
//! full is lost, counted, and said once. A FIFO that was removed or replaced behind our back is opened again. What was
//! made here is removed at the end. A FIFO that a reload leaves as it is stays open, with its reader; keepalived makes it
//! anew, and readers lose the line.

use super::config::{FifoConfig, Hears};
use crate::script::Scripts;
use crate::script::run::Running;
use crate::script::safety::{Prepared, account};
use crate::sys::child::Credentials;
use crate::vrrp::event::Notification;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, lstat};
use nix::unistd::{Gid, Uid, fchownat, mkfifo, unlink, write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// A FIFO takes as much in one piece (POSIX, and Linux).
const PIPE_BUF: usize = 4096;

/// All FIFOs that are written to. Needs a tokio runtime. Dropping it ends the readers that it started.
#[derive(Debug, Default)]
pub struct Fifos {
    all: Vec<Fifo>,
    lost: u64,
}

impl Fifos {
    /// Writes to these from now on. What has not changed stays open.
    pub fn apply(&mut self, configs: &[FifoConfig], scripts: &Scripts) {
        let (mut old, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.all)
            .into_iter()
            .partition(|fifo| configs.iter().any(|config| fifo.is_for(config, scripts)));
        drop(gone);
        for config in configs {
            let at = old.iter().position(|fifo| fifo.is_for(config, scripts));
            let mut fifo = at.map_or_else(|| Fifo::new(config, scripts), |at| old.swap_remove(at));
            fifo.read();
            self.all.push(fifo);
        }
    }

    /// Writes a line of VRRP to each that hears of it. Never waits.
    pub fn notify(&mut self, notification: &Notification) {
        if !self.all.is_empty() {
            self.write(&line(notification), |hears| hears.vrrp);
        }
    }

    /// The same with a line of the health checks.
    pub fn health(&mut self, line: &str) {
        self.write(line, |hears| hears.health);
    }

    fn write(&mut self, line: &str, hears: fn(Hears) -> bool) {
        for fifo in self.all.iter_mut().filter(|fifo| hears(fifo.config.hears)) {
            if !fifo.write(line.as_bytes()) {
                self.lost = self.lost.saturating_add(1);
            }
        }
    }

    /// Lines that found no room.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The end: readers see it when they have read all, and have until `limit` to do so.
    pub async fn close(self, limit: Duration) {
        let end = Instant::now() + limit;
        let readers: Vec<_> = self.all.into_iter().filter_map(Fifo::close).collect();
        for mut reader in readers {
            // Either way nobody is waited for any more.
            let _ = timeout_at(end, &mut reader.0).await;
        }
    }
}

/// `INSTANCE "NAME" STATE PRIORITY`
fn line(notification: &Notification) -> String {
    let (kind, name) = notification.subject.words();
    let (state, priority) = (notification.state.word(), notification.priority);
    format!("{kind} \"{name}\" {state} {priority}\n")
}

/// One of them.
#[derive(Debug)]
struct Fifo {
    config: FifoConfig,
    owner: Credentials,
    script: Option<Prepared>,
    open: Option<Open>,
    /// It was made here, and goes with us.
    made: bool,
    reader: Option<Reader>,
    /// Lines that were lost since one was written; the first was said.
    losing: u64,
}

#[derive(Debug)]
struct Open {
    file: OwnedFd,
    device: u64,
    inode: u64,
}

/// The program that reads it. Dropping it sends SIGTERM.
#[derive(Debug)]
struct Reader(JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Fifo {
    fn new(config: &FifoConfig, scripts: &Scripts) -> Self {
        let mut fifo = Self {
            config: config.clone(),
            owner: owner(config, scripts),
            script: program(config, scripts),
            open: None,
            made: false,
            reader: None,
            losing: 0,
        };
        fifo.open();
        fifo
    }

    fn is_for(&self, config: &FifoConfig, scripts: &Scripts) -> bool {
        self.config == *config
            && self.owner == owner(config, scripts)
            && self.script == program(config, scripts)
    }

    fn path(&self) -> &Path {
        &self.config.path
    }

    /// Makes it where there is none, and opens it if it can be trusted.
    fn open(&mut self) {
        self.open = None;
        match self.try_open() {
            Ok(open) => self.open = Some(open),
            Err(why) => tracing::warn!("{why}"),
        }
    }

    fn try_open(&mut self) -> Result<Open, String> {
        let path = self.config.path.as_path();
        let shown = path.display();
        match mkfifo(path, Mode::from_bits_truncate(0o644)) {
            Ok(()) => {
                self.made = true;
                let (uid, gid) = (Uid::from_raw(self.owner.uid), Gid::from_raw(self.owner.gid));
                let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
                if let Err(error) = fchownat(nix::fcntl::AT_FDCWD, path, Some(uid), Some(gid), flags) {
                    tracing::warn!("Unable to give notify fifo {shown} to {uid}:{gid}: {error}");
                }
            }
            Err(Errno::EEXIST) => {}
            Err(error) => return Err(format!("Unable to create notify fifo {shown}: {error}")),
        }
        // Looked at before, since opening a device may do something, and after, since it may have been replaced.
        let cannot = |error| format!("Unable to open notify fifo {shown} - {error}");
        let before = lstat(path).map_err(cannot)?;
        self.check(&before)?;
        let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = open(path, flags, Mode::empty()).map_err(cannot)?;
        let status = fstat(&file).map_err(cannot)?;
        self.check(&status)?;
        Ok(Open {
            file,
            device: status.st_dev,
            inode: status.st_ino,
        })
    }

    /// Fact 12.10: a FIFO, and ours or its user's.
    fn check(&self, status: &FileStat) -> Result<(), String> {
        let is_fifo = SFlag::from_bits_truncate(status.st_mode).contains(SFlag::S_IFIFO)
            && status.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFIFO.bits();
        let ours = [Credentials::own().uid, self.owner.uid].contains(&status.st_uid);
        if is_fifo && ours {
            return Ok(());
        }
        let shown = self.path().display();
        let what = if is_fifo {
            format!("its owner is uid {}", status.st_uid)
        } else {
            "it is something else".into()
        };
        Err(format!("{shown} is not a fifo we own - not using: {what}"))
    }

    /// Whether the path still leads to what is open.
    fn is_current(&self) -> bool {
        let status = lstat(self.path());
        let same = |open: &Open| {
            status
                .as_ref()
                .is_ok_and(|status| (status.st_dev, status.st_ino) == (open.device, open.inode))
        };
        self.open.as_ref().is_some_and(same)
    }

    /// `false`: the line is lost.
    fn write(&mut self, line: &[u8]) -> bool {
        if self.open.is_some() && !self.is_current() {
            tracing::info!(
                "notify fifo {} was replaced: opening it again",
                self.path().display()
            );
            self.made = false;
            self.open();
            self.read();
        }
        let Some(Open { file, .. }) = &self.open else {
            return false;
        };
        let shown = self.config.path.display();
        let why = if line.len() > PIPE_BUF {
            "the line is too long for one piece".to_owned()
        } else {
            match write(file, line) {
                Ok(_) => {
                    if self.losing > 0 {
                        tracing::info!("notify fifo {shown} takes lines again; {} were lost", self.losing);
                        self.losing = 0;
                    }
                    return true;
                }
                Err(Errno::EAGAIN) => "it is full".to_owned(),
                Err(error) => error.to_string(),
            }
        };
        if self.losing == 0 {
            tracing::warn!("notify fifo {shown}: a line is lost: {why}");
        }
        self.losing = self.losing.saturating_add(1);
        false
    }

    /// Starts the program that reads it, unless one runs. One that ends is not started again before a reload (fact 12.11).
    fn read(&mut self) {
        let runs = self.reader.as_ref().is_some_and(|reader| !reader.0.is_finished());
        let Some(script) = self.script.as_ref().filter(|_| self.open.is_some() && !runs) else {
            return;
        };
        let program = script.program.display().to_string();
        match Running::start(script) {
            Ok(running) => {
                let mut running = running.gently();
                self.reader = Some(Reader(tokio::spawn(async move {
                    let outcome = running.ended().await;
                    tracing::warn!("notify fifo script {program} has ended: {outcome:?}");
                })));
            }
            Err(error) => tracing::warn!("Cannot run notify fifo script {program}: {error}"),
        }
    }

    /// Its reader, which finds the end of the lines.
    fn close(mut self) -> Option<Reader> {
        self.reader.take()
    }
}

/// Removes what was made here.
impl Drop for Fifo {
    fn drop(&mut self) {
        if self.made
            && self.is_current()
            && let Err(error) = unlink(self.path())
        {
            tracing::warn!("Unable to remove notify fifo {}: {error}", self.path().display());
        }
    }
}

/// The user of scripts, unless the FIFO names its own; ours where neither is known.
fn owner(config: &FifoConfig, scripts: &Scripts) -> Credentials {
    let named = config.owner.as_ref().and_then(|user| {
        account(user)
            .inspect_err(|why| tracing::warn!("notify fifo {}: {why}", config.path.display()))
            .ok()
    });
    named
        .or_else(|| scripts.default_account())
        .unwrap_or_else(Credentials::own)
}

/// The path of the FIFO is the last argument.
fn program(config: &FifoConfig, scripts: &Scripts) -> Option<Prepared> {
    let mut script = scripts.get(config.script.as_ref()?)?.clone();
    script.argv.push(config.path.clone().into_os_string());
    Some(script)
}

#[cfg(test)]
mod tests;
