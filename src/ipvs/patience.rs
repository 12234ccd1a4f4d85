//! What the guards of [`super::keeper`] and [`super::steward`] have in common: how often they look, and how they deal with
//! those who insist.

use std::time::Duration;

/// A guard looks so often.
pub(super) const PACE: Duration = Duration::from_millis(500);
/// The longest pause, for whatever reason.
pub(super) const LONGEST: Duration = Duration::from_secs(30);
/// An edit that comes back so often is left: somebody insists, or the kernel has its own way to say it.
pub(super) const MOST_REPAIRS: u32 = 3;
/// After so many looks in a row that had something to put back, somebody insists: the pauses grow.
pub(super) const PATIENT: u32 = 10;

/// Looks in a row by which patience is exceeded, of so many that had something to put back.
pub(super) const fn exceeded(busy: u32) -> u32 {
    busy.saturating_sub(PATIENT)
}

/// A pause that has grown so many times.
pub(super) fn grown(pause: Duration, times: u32) -> Duration {
    pause * 2_u32.saturating_pow(times.min(16))
}
