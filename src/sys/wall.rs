//! Wall-clock time: for logs, dumps and what the operator wants at a time of the day. Nothing else is decided by it.

#![expect(
    unsafe_code,
    reason = "the time zone's rules are the C library's (localtime_r, mktime)"
)]

use crate::clock::Instant;
use nix::time::{ClockId, clock_gettime};
use std::fmt;
use std::time::Duration;

/// A moment since 1970, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall(pub Duration);

/// `CLOCK_REALTIME` now.
pub fn now() -> Wall {
    // The call cannot fail for this clock on Linux; an impossible failure reads as 1970.
    Wall(clock_gettime(ClockId::CLOCK_REALTIME).map_or(Duration::ZERO, Into::into))
}

impl Wall {
    /// When `then` was, if `self` is `now`.
    pub fn at(self, now: Instant, then: Instant) -> Self {
        if then > now {
            Self(self.0.saturating_add(then.since(now)))
        } else {
            Self(self.0.saturating_sub(now.since(then)))
        }
    }

    /// In the local time zone.
    pub fn local(self) -> Local {
        self.civil(false)
    }

    /// In UTC.
    pub fn utc(self) -> Local {
        self.civil(true)
    }

    fn civil(self, utc: bool) -> Local {
        let seconds = libc::time_t::try_from(self.0.as_secs()).unwrap_or(libc::time_t::MAX);
        // SAFETY: `tm` is plain data for which all zeros are valid; both only read `seconds` and write `tm`.
        let tm = unsafe {
            let mut tm: libc::tm = std::mem::zeroed();
            if utc {
                libc::gmtime_r(&raw const seconds, &raw mut tm);
            } else {
                libc::localtime_r(&raw const seconds, &raw mut tm);
            }
            tm
        };
        Local {
            year: tm.tm_year.saturating_add(1900),
            month: tm.tm_mon,
            weekday: tm.tm_wday,
            day: tm.tm_mday,
            hour: tm.tm_hour,
            minute: tm.tm_min,
            second: tm.tm_sec,
            micros: self.0.subsec_micros(),
            offset: tm.tm_gmtoff,
        }
    }
}

/// A date and a time as somebody wrote them. A day beyond the end of its month is one of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i32,
    /// Month, from 1.
    pub month: i32,
    /// Day of the month, from 1.
    pub day: i32,
    /// Hour.
    pub hour: i32,
    /// Minute.
    pub minute: i32,
    /// Second.
    pub second: i32,
}

impl Civil {
    /// When that is in the local time zone; for a time that is left out when clocks go forward, an hour before or after.
    /// Nothing before 1970.
    pub fn local(self) -> Option<Wall> {
        self.moment(false)
    }

    /// When that is in UTC. Nothing before 1970.
    pub fn utc(self) -> Option<Wall> {
        self.moment(true)
    }

    fn moment(self, utc: bool) -> Option<Wall> {
        // SAFETY: `tm` is plain data for which all zeros are valid; both only read and normalise it.
        let seconds = unsafe {
            let mut tm: libc::tm = std::mem::zeroed();
            tm.tm_year = self.year.saturating_sub(1900);
            tm.tm_mon = self.month.saturating_sub(1);
            tm.tm_mday = self.day;
            tm.tm_hour = self.hour;
            tm.tm_min = self.minute;
            tm.tm_sec = self.second;
            // Whether it is summer is for the zone to say.
            tm.tm_isdst = -1;
            if utc {
                libc::timegm(&raw mut tm)
            } else {
                libc::mktime(&raw mut tm)
            }
        };
        Some(Wall(Duration::from_secs(u64::try_from(seconds).ok()?)))
    }
}

/// `1795262448.407338 (Sat Nov 21 12:00:48.407338 2026)`: keepalived's form in data dumps.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.local();
        let (seconds, micros) = (self.0.as_secs(), local.micros);
        write!(
            f,
            "{seconds}.{micros:06} ({} {}.{micros:06} {})",
            local.date(),
            local.time(),
            local.year
        )
    }
}

/// A moment as people write it, in the C locale's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Year.
    pub year: i32,
    /// Month, from 0.
    pub month: i32,
    /// Day of the week, from 0 for Sunday.
    pub weekday: i32,
    /// Day of the month, from 1.
    pub day: i32,
    /// Hour.
    pub hour: i32,
    /// Minute.
    pub minute: i32,
    /// Second.
    pub second: i32,
    /// Microsecond.
    pub micros: u32,
    /// Seconds east of Greenwich.
    pub offset: i64,
}

impl Local {
    /// `Sat Nov 21 12:00:48 2026`: `%c` of the C locale.
    pub fn full(&self) -> String {
        format!("{} {} {}", self.date(), self.time(), self.year)
    }

    /// `2026-11-21 12:00:48`
    pub fn numbers(&self) -> String {
        let (year, month, day) = (self.year, self.month.saturating_add(1), self.day);
        format!("{year:04}-{month:02}-{day:02} {}", self.time())
    }

    /// `Nov 21 12:00:48`: syslog's (RFC 3164).
    pub fn syslog(&self) -> String {
        format!("{} {:>2} {}", self.month_word(), self.day, self.time())
    }

    /// `Sat, 21 Nov 2026 12:00:48 +0100`: mail's (RFC 5322).
    pub fn mail(&self) -> String {
        let minutes = self.offset.abs() / 60;
        format!(
            "{}, {:02} {} {} {} {}{:02}{:02}",
            self.weekday_word(),
            self.day,
            self.month_word(),
            self.year,
            self.time(),
            if self.offset < 0 { '-' } else { '+' },
            minutes / 60,
            minutes % 60
        )
    }

    fn date(&self) -> String {
        format!("{} {} {:>2}", self.weekday_word(), self.month_word(), self.day)
    }

    fn weekday_word(&self) -> &'static str {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        let day = usize::try_from(self.weekday)
            .ok()
            .and_then(|n| DAYS.get(n).copied());
        day.unwrap_or("???")
    }

    fn time(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    fn month_word(&self) -> &'static str {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let month = usize::try_from(self.month)
            .ok()
            .and_then(|n| MONTHS.get(n).copied());
        month.unwrap_or("???")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Local {
        Local {
            year: 2026,
            month: 10,
            weekday: 6,
            day: 1,
            hour: 2,
            minute: 0,
            second: 48,
            micros: 407_338,
            offset: -(3 * 3600 + 1800),
        }
    }

    #[test]
    fn forms() {
        assert_eq!(sample().full(), "Sat Nov  1 02:00:48 2026");
        assert_eq!(sample().numbers(), "2026-11-01 02:00:48");
        assert_eq!(sample().syslog(), "Nov  1 02:00:48");
        assert_eq!(sample().mail(), "Sat, 01 Nov 2026 02:00:48 -0330");
    }

    #[test]
    fn the_dump_form_holds_the_moment_twice() {
        let text = Wall(Duration::new(1_795_262_448, 407_338_999)).to_string();
        assert!(text.starts_with("1795262448.407338 ("), "{text}");
        assert!(text.contains(":48.407338 2026)"), "{text}");
    }

    #[test]
    fn moments_of_the_other_clock() {
        let (wall, now) = (Wall(Duration::from_secs(1000)), Instant::from_micros(50_000_000));
        assert_eq!(
            wall.at(now, Instant::from_micros(49_000_000)),
            Wall(Duration::from_secs(999))
        );
        assert_eq!(
            wall.at(now, Instant::from_micros(52_000_000)),
            Wall(Duration::from_secs(1002))
        );
    }

    #[test]
    fn there_and_back() {
        let day = Civil {
            year: 2026,
            month: 11,
            day: 31,
            hour: 23,
            minute: 59,
            second: 59,
        };
        assert_eq!(day.utc(), Some(Wall(Duration::from_secs(1_796_169_599))));
        assert_eq!(day.utc().unwrap().utc().full(), "Tue Dec  1 23:59:59 2026");
        assert_eq!(day.local().unwrap().local().full(), "Tue Dec  1 23:59:59 2026");
        assert_eq!(Civil { year: 1969, ..day }.utc(), None);
    }

    #[test]
    fn the_clock_runs() {
        assert!(now().0 > Duration::from_secs(1_700_000_000));
        assert!(now().local().year > 2023);
    }
}
