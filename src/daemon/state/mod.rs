//! The state files: what a daemon that was killed, or told to leave everything, has left for the next start.
//!
//! Two, beside the main pid file: `.state` says who was MASTER and when its last advert left, and is written several
//! times within a master down interval; `.checks` has the verdicts of the checkers, and is written when one of them
//! changes, once a second at most, and every ten seconds. Both are JSON; what a reader does not know it skips, so that
//! later versions may add to it (`overlays`, weights that an operator has set, is a name that is kept for that). Reading
//! is in [`file`], [`routers`] and [`checks`] and believes nothing: whatever is in a file, the worst that it does is that
//! the daemon begins as if there were none.

mod checks;
mod file;
mod routers;
mod writer;

pub(super) use writer::{Leave, Slot, Writer};

use crate::check::verdict::ServiceVerdicts;
use crate::clock::Instant;
use crate::sys::clock;
use crate::vrrp::claim::Claim;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::warn;

/// Where the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    routers: PathBuf,
    checks: PathBuf,
}

impl Paths {
    /// Beside the main pid file, with its name.
    pub(super) fn beside(pid_file: &Path) -> Self {
        Self {
            routers: pid_file.with_extension("state"),
            checks: pid_file.with_extension("checks"),
        }
    }
}

/// What an earlier run has left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Routers that were MASTER.
    pub(super) claims: Vec<Claim>,
    /// What the checkers knew.
    pub(super) verdicts: Vec<ServiceVerdicts>,
}

impl Left {
    /// Reads both files. What is wrong with one is said in the log.
    pub(super) fn read(paths: &Paths) -> Self {
        let clocks = Clocks::now();
        let claims = of(&paths.routers, |body| routers::read(body, clocks));
        let verdicts = of(&paths.checks, |body| checks::read(body, clocks));
        Self { claims, verdicts }
    }
}

fn of<T>(path: &Path, read: impl FnOnce(&serde_json::Value) -> Option<Vec<T>>) -> Vec<T> {
    let found = file::read(path).and_then(|body| match body {
        None => Ok(Vec::new()),
        Some(body) => read(&body).ok_or_else(|| "it is not what this version writes".into()),
    });
    found.unwrap_or_else(|why| {
        warn!("Nothing is taken over from {}: {why}", path.display());
        Vec::new()
    })
}

/// The same moment by the planes' clock and by the one that goes on while the machine sleeps.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    now: Instant,
    since_boot: Duration,
}

impl Clocks {
    fn now() -> Self {
        Self {
            now: clock::now(),
            since_boot: clock::since_boot(),
        }
    }

    /// In microseconds since the boot.
    fn write(self, at: Instant) -> u64 {
        let age = self.now.since(at);
        u64::try_from(self.since_boot.saturating_sub(age).as_micros()).unwrap_or(u64::MAX)
    }

    /// Nothing for what is still to come.
    fn read(self, micros: u64) -> Option<Instant> {
        let age = self.since_boot.checked_sub(Duration::from_micros(micros))?;
        Some(self.now - age)
    }
}

#[cfg(test)]
mod tests;
