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

/// What a piece of work costs that is done again and again: the cheaper of the last two times, since a virtual machine that stood
/// still once seems to have worked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    latest: Duration,
}

impl Cost {
    /// It took so much processor time now; what it costs.
    pub fn of(&mut self, spent: Duration) -> Duration {
        spent.min(std::mem::replace(&mut self.latest, spent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dear_time_costs_nothing_more_and_two_do() {
        let mut cost = Cost::default();
        let costs = [2, 2, 300, 2, 300, 400, 2].map(|ms| cost.of(Duration::from_millis(ms)).as_millis());
        assert_eq!(costs, [0, 2, 2, 2, 2, 300, 2]);
    }
}
