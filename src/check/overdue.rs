//! Checkers that do not do their work in time: how that is told from waiting, asking and resting, and how late checks begin.
//!
//! keepalived has checkers that fall out of its scheduler and are never heard of again. Here every checker has a moment by
//! which it must have done its next step, and the engine looks at all of them, whatever its agenda says.

use super::checker::{Checker, Phase};
use crate::clock::Instant;
use std::time::Duration;

/// A step may be so late before it is overdue: a machine that is busy is.
pub const GRACE: Duration = Duration::from_secs(5);

/// What an overdue checker has not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It waits, although it is time to ask.
    Begin,
    /// It is to ask, and waits for its turn: as many as may ask at a time are asking.
    Turn,
    /// It asks for longer than its probe may ever take.
    End {
        /// How long that is.
        limit: Duration,
    },
}

/// A checker that is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// With what.
    pub step: Step,
    /// When that was due: when it began, for one that does not end.
    pub since: Instant,
}

impl Checker {
    /// Whether it is late by now.
    pub fn overdue(&self, now: Instant) -> Option<Overdue> {
        let (step, since, limit) = match (self.phase(), self.limit()) {
            (Phase::Following, _) => return None,
            (Phase::Waiting { due }, _) => (Step::Begin, due, Duration::ZERO),
            (Phase::Asking { since, .. }, None) => (Step::Turn, since, Duration::ZERO),
            (Phase::Asking { since, .. }, Some(limit)) => (Step::End { limit }, since, limit),
        };
        (now > since + limit + GRACE).then_some(Overdue { step, since })
    }
}

/// How late checks begin, since it was measured anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Punctuality {
    /// How late the last one began.
    pub last: Duration,
    /// How late the latest one began.
    pub most: Duration,
    /// How many have begun.
    pub checks: u64,
}

impl Punctuality {
    /// One more has begun.
    pub(super) fn began(&mut self, late: Duration) {
        self.last = late;
        self.most = self.most.max(late);
        self.checks = self.checks.saturating_add(1);
    }
}
