//! The planes' clock.

use crate::clock::Instant;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// `CLOCK_MONOTONIC` now. Only planes call this; deciding code is given the value.
pub fn now() -> Instant {
    // The call cannot fail for this clock on Linux; an impossible failure reads as the origin.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Into::into);
    Instant::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// `CLOCK_BOOTTIME`: since the boot, with the time that the machine slept.
pub fn since_boot() -> Duration {
    // As above.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Into::into)
}

/// The processor's time that the calling thread has had.
pub fn thread_time() -> Duration {
    // As above.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Into::into)
}
