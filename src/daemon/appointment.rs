//! The time in `reload_time_file` (fact VRRP 18.10): how it is written, and when it comes next. Pure but for the rules of
//! the local time zone, which are the C library's.

use crate::sys::wall::{Civil, Wall};

/// A time of the day, or of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Appointment {
    /// Year, month and day; without, every day.
    date: Option<(i32, i32, i32)>,
    /// Hour, minute and second.
    time: (i32, i32, i32),
    /// In UTC, rather than in the local time zone.
    utc: bool,
}

impl Appointment {
    /// Reads `HH:MM:SS`, `YY-MM-DD HH:MM:SS` or `YYYY-MM-DD HH:MM:SS`, each with `Z` for UTC or without, and nothing else.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (line, utc) = line.strip_suffix('Z').map_or((line, false), |line| (line, true));
        let (date, time) = match line.split_once(' ') {
            Some((date, time)) => (Some(read_date(date)?), time),
            None => (None, line),
        };
        let [hour, minute, second] = three(time, ':')?;
        let time = (
            within(hour, 0, 23)?,
            within(minute, 0, 59)?,
            within(second, 0, 59)?,
        );
        Some(Self { date, time, utc })
    }

    /// When it comes, if it is still to come after `now`.
    pub(super) fn after(&self, now: Wall) -> Option<Wall> {
        if let Some(date) = self.date {
            return self.on(date).filter(|at| *at > now);
        }
        let today = if self.utc { now.utc() } else { now.local() };
        let (year, month) = (today.year, today.month + 1);
        // The day that follows, or one more: what the zone's rules make of a time that a day does not have may be past.
        (0..=2)
            .filter_map(|days| self.on((year, month, today.day + days)))
            .find(|at| *at > now)
    }

    fn on(&self, (year, month, day): (i32, i32, i32)) -> Option<Wall> {
        let (hour, minute, second) = self.time;
        let civil = Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        };
        if self.utc { civil.utc() } else { civil.local() }
    }
}

fn read_date(text: &str) -> Option<(i32, i32, i32)> {
    let (year, rest) = text.split_once('-')?;
    let century = match year.len() {
        2 => 2000,
        4 => 0,
        _ => return None,
    };
    let [month, day] = two(rest, '-')?;
    let year = century + digits(year)?;
    let day = within(day, 1, days(year, within(month, 1, 12)?))?;
    Some((year, month, day))
}

const fn days(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn three(text: &str, separator: char) -> Option<[i32; 3]> {
    let (first, rest) = text.split_once(separator)?;
    let [second, third] = two(rest, separator)?;
    Some([pair(first)?, second, third])
}

fn two(text: &str, separator: char) -> Option<[i32; 2]> {
    let (first, second) = text.split_once(separator)?;
    Some([pair(first)?, pair(second)?])
}

/// Two digits.
fn pair(text: &str) -> Option<i32> {
    if text.len() == 2 { digits(text) } else { None }
}

fn digits(text: &str) -> Option<i32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn within(number: i32, least: i32, most: i32) -> Option<i32> {
    (least..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// 2026-11-27 12:00:00 UTC
    const NOON: u64 = 1_795_780_800;

    fn after(line: &str, now: u64) -> Option<u64> {
        let now = Wall(Duration::from_secs(now));
        let at = Appointment::read(line).unwrap().after(now)?;
        assert_eq!(at.0.subsec_nanos(), 0);
        Some(at.0.as_secs())
    }

    /// Facts: 18.10
    #[test]
    fn only_these_forms_are_times() {
        for line in [
            "12:00:00",
            "00:00:00Z",
            "23:59:59",
            "30-02-28 10:00:00",
            "2028-02-29 10:00:00Z",
            "2000-02-29 10:00:00",
        ] {
            assert!(Appointment::read(line).is_some(), "{line}");
        }
        for line in [
            "",
            "Z",
            "12:00",
            "1:00:00",
            " 12:00:00",
            "12:00:00 ",
            "12:00:00z",
            "12:00:00ZZ",
            "24:00:00",
            "12:60:00",
            "12:00:60",
            "+1:00:00",
            "2030-02-29 10:00:00",
            "2100-02-29 10:00:00",
            "2030-02-28  10:00:00",
            "2030-2-28 10:00:00",
            "030-02-28 10:00:00",
            "2030-13-01 10:00:00",
            "2030-00-01 10:00:00",
            "2030-01-00 10:00:00",
            "2030-01-01",
            "2030-01-01T10:00:00",
            "12:00:00\0",
            "\u{661}2:00:00",
        ] {
            assert_eq!(Appointment::read(line), None, "{line:?}");
        }
    }

    /// Facts: 18.10
    #[test]
    fn a_time_of_the_day_comes_every_day() {
        for (line, seconds) in [
            ("12:00:01Z", 1),
            ("11:59:59Z", 86_399),
            ("12:00:00Z", 86_400),
            ("00:00:00Z", 43_200),
            ("23:59:59Z", 43_199),
        ] {
            assert_eq!(after(line, NOON), Some(NOON + seconds), "{line}");
        }
        // Over the end of a month, a year and February.
        for midnight in [
            1_796_083_200, // 2026-12-01
            1_798_761_600, // 2027-01-01
            1_803_859_200, // 2027-03-01
        ] {
            assert_eq!(after("00:00:00Z", midnight - 3_600), Some(midnight));
        }
    }

    /// Facts: 18.10
    #[test]
    fn a_day_comes_once() {
        for line in ["2026-11-27 12:00:01Z", "26-11-27 12:00:01Z"] {
            assert_eq!(after(line, NOON), Some(NOON + 1));
            assert_eq!(after(line, NOON + 1), None, "it is past");
        }
        assert_eq!(after("9999-12-31 23:59:59Z", NOON), Some(253_402_300_799));
        assert_eq!(after("0000-01-01 00:00:00Z", NOON), None);
    }

    #[test]
    fn without_a_letter_it_is_local_time() {
        let now = Wall(Duration::from_secs(NOON));
        let then = Appointment::read("10:20:30").unwrap().after(now).unwrap();
        let local = then.local();
        assert_eq!((local.hour, local.minute, local.second), (10, 20, 30));
        let far = Appointment::read("2030-06-01 10:20:30")
            .unwrap()
            .after(now)
            .unwrap();
        assert_eq!(far.local().full(), "Sat Jun  1 10:20:30 2030");
    }
}
