//! The two times that rule an election, exact to the microsecond (RFC 3768 §6.1, RFC 5798 §6.1, fact 2.9).

use super::Priority;
use super::config::{RouterConfig, Version};
use std::time::Duration;

/// What a BACKUP's timer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Version 2 counts the skew in 1/256 s, version 3 in 1/256 of the master's interval.
    pub version: Version,
    /// The own priority: 255 for a configured owner, the effective one otherwise.
    pub priority: Priority,
    /// The master's interval: version 2 the own one, version 3 the learned one.
    pub interval: Duration,
    /// `down_timer_adverts`
    pub down_timer_adverts: u8,
}

impl Timing {
    /// The timing of `config` at `effective` priority while a master announces `interval`.
    pub fn of(config: &RouterConfig, effective: Priority, interval: Duration) -> Self {
        Self {
            version: config.version,
            priority: if config.priority.is_owner() {
                config.priority
            } else {
                effective
            },
            interval: match config.version {
                Version::V2 => config.advert_int,
                Version::V3 => interval,
            },
            down_timer_adverts: config.down_timer_adverts,
        }
    }

    /// The part of the master down interval that lets the highest priority act first.
    pub fn skew_time(&self) -> Duration {
        let unit = match self.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => self.interval,
        };
        whole_micros(unit * (256 - u32::from(self.priority.0)) / 256)
    }

    /// The silence after which a BACKUP takes over.
    pub fn master_down_interval(&self) -> Duration {
        self.interval * u32::from(self.down_timer_adverts) + self.skew_time()
    }

    /// The longest delay of an interface's change that leaves time to act within the silence that peers bear (fact 1.21).
    pub fn longest_link_delay(&self) -> Duration {
        match u32::from(self.down_timer_adverts).saturating_sub(1) {
            0 => Duration::ZERO,
            adverts => whole_micros(self.interval * adverts - self.interval / 256),
        }
    }

    /// The shorter wait of an owner that shall be master but must not act at once (facts 2.5, 2.16).
    pub fn owner_wait(&self) -> Duration {
        self.interval
            + Self {
                priority: Priority::OWNER,
                ..*self
            }
            .skew_time()
    }
}

/// Instants count whole microseconds, so durations are cut to them, as keepalived's are.
fn whole_micros(d: Duration) -> Duration {
    Duration::new(d.as_secs(), d.subsec_micros() * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts: 2.9
    #[test]
    fn values_of_the_rfcs() {
        // version, priority, interval in ms, adverts, skew in µs, master down in µs
        let table = [
            (Version::V2, 100, 1_000, 3, 609_375, 3_609_375),
            (Version::V2, 254, 1_000, 3, 7_812, 3_007_812),
            (Version::V2, 255, 1_000, 3, 3_906, 3_003_906),
            (Version::V2, 1, 1_000, 3, 996_093, 3_996_093),
            (Version::V2, 150, 5_000, 3, 414_062, 15_414_062),
            (Version::V2, 150, 255_000, 3, 414_062, 765_414_062),
            (Version::V2, 100, 1_000, 1, 609_375, 1_609_375),
            (Version::V3, 100, 1_000, 3, 609_375, 3_609_375),
            (Version::V3, 100, 100, 3, 60_937, 360_937),
            (Version::V3, 254, 10, 3, 78, 30_078),
            (Version::V3, 1, 40_950, 3, 40_790_039, 163_640_039),
            (Version::V3, 200, 2_000, 5, 437_500, 10_437_500),
        ];
        for (version, priority, ms, adverts, skew, down) in table {
            let timing = Timing {
                version,
                priority: Priority(priority),
                interval: Duration::from_millis(ms),
                down_timer_adverts: adverts,
            };
            assert_eq!(timing.skew_time(), Duration::from_micros(skew), "{timing:?}");
            assert_eq!(
                timing.master_down_interval(),
                Duration::from_micros(down),
                "{timing:?}"
            );
        }
    }

    /// Facts: 1.21
    #[test]
    fn how_long_a_link_may_be_waited_for() {
        for (version, ms, adverts, longest) in [
            (Version::V2, 1_000, 3, 1_996_093),
            (Version::V2, 1_000, 2, 996_093),
            (Version::V3, 10, 3, 19_960),
            (Version::V3, 1_000, 1, 0),
        ] {
            let timing = Timing {
                version,
                priority: Priority(100),
                interval: Duration::from_millis(ms),
                down_timer_adverts: adverts,
            };
            assert_eq!(
                timing.longest_link_delay(),
                Duration::from_micros(longest),
                "{timing:?}"
            );
        }
    }

    /// Facts: 2.5, 2.16
    #[test]
    fn an_owner_waits_one_interval_and_the_least_skew() {
        let timing = Timing {
            version: Version::V3,
            priority: Priority(10),
            interval: Duration::from_millis(100),
            down_timer_adverts: 3,
        };
        assert_eq!(timing.owner_wait(), Duration::from_micros(100_390));
    }
}
