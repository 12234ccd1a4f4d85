//! The planes' clock.

use crate::clock::Instant;
use nix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` now. Only planes call this; deciding code is given the value.
pub fn now() -> Instant {
    // The call cannot fail for this clock on Linux; an impossible failure reads as the origin.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(std::time::Duration::ZERO, Into::into);
    Instant::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}
