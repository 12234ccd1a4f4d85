//! Everything the BFD engine can say to the log, in the words of a running keepalived 2.2.7.

use super::packet::{Diagnostic, State};
use std::fmt;
use std::time::Duration;

/// A line of the log about a session: `(NAME) …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The session.
    pub session: String,
    /// What.
    pub says: Says,
}

/// What is said of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// `Entering Down state (Local diagnostic - …, Remote diagnostic - …)`
    Entering {
        /// The new state.
        state: State,
        /// Why it was last down.
        local: Diagnostic,
        /// Why the other end was.
        remote: Diagnostic,
    },
    /// `Expired after 50 ms (109 usec overdue)`
    Expired {
        /// The detection time.
        after: Duration,
        /// How late it was noticed.
        overdue: Duration,
    },
    /// `Starting poll sequence`
    Polling,
    /// `Unable to open output socket, disabling instance`, and why.
    NoSocket {
        /// Why.
        why: String,
        /// From now until it is tried again.
        retry: Duration,
    },
}

impl Line {
    /// For `-D` only.
    pub fn is_detail(&self) -> bool {
        match &self.says {
            Says::Entering { state, .. } => *state == State::Init,
            Says::Polling => true,
            Says::Expired { .. } | Says::NoSocket { .. } => false,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) ", self.session)?;
        match &self.says {
            Says::Entering {
                state: state @ State::Down,
                local,
                remote,
            } => write!(
                f,
                "Entering {state} state (Local diagnostic - {local}, Remote diagnostic - {remote})"
            ),
            Says::Entering { state, .. } => write!(f, "Entering {state} state"),
            Says::Expired { after, overdue } => write!(
                f,
                "Expired after {} ms ({} usec overdue)",
                after.as_millis(),
                overdue.as_micros()
            ),
            Says::Polling => f.write_str("Starting poll sequence"),
            Says::NoSocket { why, retry } => write!(
                f,
                "Unable to open output socket ({why}), disabling instance for {} s",
                retry.as_secs()
            ),
        }
    }
}
