//! A run of a script: a child in its own process group, with a limit of time, that leaves nothing behind.
//!
//! Owns starting by exec without a shell, waiting, and ending: SIGTERM to the group at the limit, SIGKILL
//! [`KILL_AFTER`] later and again until the leader is dead (facts 11.4 and 14.4), then once more for what it left in
//! the group. The group is only ever signalled while its leader is not reaped, so its number cannot be somebody
//! else's. A script that ends by itself may leave processes running: that is how operators start services.
//! A file that is neither a program nor begins with `#!` is given to the shell by the C library (fact 12.14).
//!
//! A child gets SIGTERM when the thread that started it ends; start scripts on threads that live as long as they may.

use super::config::{KILL_AFTER, ScriptOutcome};
use super::safety::Prepared;
use crate::sys::child;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// From one SIGKILL to the next.
const KILL_AGAIN: Duration = Duration::from_secs(10);

/// How often a group that was told to end is looked at. A signal would be quicker, but waiting for one reaps.
const LOOK: Duration = Duration::from_millis(10);

/// After SIGTERM has ended the leader, the rest of its group gets this long to clear up.
const REST: Duration = Duration::from_millis(200);

/// Runs `script`, at most for `limit`. Cancel-safe: when dropped, the whole group is killed.
pub async fn run(script: &Prepared, limit: Duration) -> ScriptOutcome {
    match Running::start(script) {
        Ok(mut running) => match timeout(limit, running.ended()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                running.end().await;
                ScriptOutcome::TimedOut
            }
        },
        Err(error) => {
            tracing::warn!("Cannot run script {}: {error}", script.program.display());
            ScriptOutcome::NotStarted
        }
    }
}

/// A script that runs. Dropping it kills its process group at once.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Pid,
    at_drop: Signal,
}

impl Running {
    /// Starts `script`: standard files on `/dev/null`, our environment without IFS, LD_PRELOAD and LD_LIBRARY_PATH,
    /// its user, a process group of its own.
    pub fn start(script: &Prepared) -> io::Result<Self> {
        let mut command = Command::new(&script.program);
        if let Some((name, arguments)) = script.argv.split_first() {
            command.arg0(name).args(arguments);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for variable in ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"] {
            command.env_remove(variable);
        }
        child::isolate(command.as_std_mut(), script.who);
        let child = command.spawn()?;
        let number = child.id().and_then(|pid| i32::try_from(pid).ok());
        let group = Pid::from_raw(number.ok_or(io::ErrorKind::Other)?);
        Ok(Self {
            child,
            group,
            at_drop: Signal::SIGKILL,
        })
    }

    /// From now on dropping it sends SIGTERM and lets it clear up, unattended.
    pub fn gently(self) -> Self {
        let mut this = self;
        this.at_drop = Signal::SIGTERM;
        this
    }

    /// Waits until it ends by itself. Cancel-safe.
    pub async fn ended(&mut self) -> ScriptOutcome {
        match self.child.wait().await {
            Ok(status) => outcome(status),
            Err(error) => {
                tracing::warn!("Cannot wait for script process {}: {error}", self.group);
                ScriptOutcome::NotStarted
            }
        }
    }

    /// Ends it, and waits until it and its group are gone.
    pub async fn end(&mut self) {
        for (n, (signal, patience)) in orders().enumerate() {
            self.signal(signal);
            if self.is_dead_within(patience).await {
                if signal == Signal::SIGTERM {
                    sleep(REST).await;
                }
                break;
            }
            // Once.
            if n == 1 {
                tracing::warn!("Script process {} survives SIGKILL", self.group);
            }
        }
        self.signal(Signal::SIGKILL);
        // It is dead already; this reaps it.
        let _ = self.child.wait().await;
    }

    /// Signals the group, unless the leader is reaped: then the number is nobody's, or somebody else's.
    fn signal(&self, signal: Signal) {
        if self.child.id().is_some() {
            // The only error is that nobody is left.
            let _ = killpg(self.group, signal);
        }
    }

    /// Whether the leader dies within `patience`. It is not reaped.
    async fn is_dead_within(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
            match waitid(Id::Pid(self.group), flags) {
                Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => {}
                // Somebody else reaped it: it is dead as well.
                Ok(_) | Err(_) => return true,
            }
            if Instant::now() >= until {
                return false;
            }
            sleep(LOOK).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The runtime reaps the leader afterwards.
        self.signal(self.at_drop);
    }
}

/// What a group is told until its leader is dead, each with the time that it has for it.
fn orders() -> impl Iterator<Item = (Signal, Duration)> {
    let term = (Signal::SIGTERM, KILL_AFTER);
    std::iter::once(term).chain(std::iter::repeat((Signal::SIGKILL, KILL_AGAIN)))
}

fn outcome(status: ExitStatus) -> ScriptOutcome {
    let exited = status.code().and_then(|code| u8::try_from(code).ok());
    let signalled = status.signal().and_then(|signal| u8::try_from(signal).ok());
    match (exited, signalled) {
        (Some(code), _) => ScriptOutcome::Exited(code),
        (None, Some(signal)) => ScriptOutcome::Signalled(signal),
        (None, None) => ScriptOutcome::NotStarted,
    }
}

#[cfg(test)]
mod tests;
