//! When what the checkers know is written down: soon after a verdict has changed, seldom otherwise.

use crate::check::Engine;
use crate::daemon::state::Slot;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// From one time to the next, whatever changes.
const AT_LEAST: Duration = Duration::from_secs(1);
/// The age of what has not changed grows, too.
const AT_MOST: Duration = Duration::from_secs(10);

/// Puts what the checkers know where it is written down.
#[derive(Debug)]
pub(super) struct Record {
    /// Nothing where nobody writes.
    slot: Option<Arc<Slot>>,
    last: Instant,
    changed: bool,
}

impl Record {
    pub(super) fn new(slot: Option<Arc<Slot>>) -> Self {
        Self {
            slot,
            last: Instant::now(),
            changed: false,
        }
    }

    /// The engine has done something.
    pub(super) const fn look(&mut self, engine: &mut Engine) {
        self.changed |= engine.take_changed();
    }

    /// When it is time.
    pub(super) async fn due(&self) {
        match self.slot {
            Some(_) => sleep_until(self.last + if self.changed { AT_LEAST } else { AT_MOST }).await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn write(&mut self, engine: &Engine) {
        if let Some(slot) = &self.slot {
            slot.put(engine.verdicts());
        }
        self.last = Instant::now();
        self.changed = false;
    }
}
