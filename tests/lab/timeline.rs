//! The timeline: what happened in a scenario, when, and whose doing it was.
//!
//! Time is the wall clock, because the kernel stamps captured frames with it; nothing sets the clock inside a guest.
//! One process runs one scenario, so there is one timeline, and it is written as it happens.

use std::fmt::{self, Display};
use std::ops::{Add, Sub};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Starts every timeline line on the guest's console, where the kernel writes too.
pub const MARK: &str = "@ ";

static BEGAN: OnceLock<Stamp> = OnceLock::new();
static WRITER: Mutex<()> = Mutex::new(());

/// A thread sleeps so long again and again, to see whether the guest stands still.
const BEAT: Duration = Duration::from_millis(20);

static STALLS: Mutex<Stalls> = Mutex::new(Stalls {
    beat: None,
    known: Vec::new(),
});

/// When the guest stood still, because the machine had no time for it or something in it took all of it.
struct Stalls {
    /// When the watching thread has last begun to sleep.
    beat: Option<Stamp>,
    known: Vec<(Stamp, Stamp)>,
}

/// A point in time, as a duration since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub Duration);

impl Stamp {
    pub fn now() -> Self {
        Self(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("a clock after 1970"),
        )
    }

    pub fn elapsed(self) -> Duration {
        Self::now() - self
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0 + later)
    }
}

impl Sub for Stamp {
    type Output = Duration;

    /// How long `self` is after `earlier`; nothing if it is not.
    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Display for Stamp {
    /// Seconds since the scenario began.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let began = *BEGAN.get_or_init(Self::now);
        write!(f, "{:7.3}", (*self - began).as_secs_f64())
    }
}

/// Starts the clock of this scenario, and whoever watches for times at which the guest stands still.
pub fn begin() {
    BEGAN.get_or_init(Stamp::now);
    thread::spawn(|| {
        loop {
            sleep(BEAT);
            let now = Stamp::now();
            let mut stalls = STALLS.lock().unwrap_or_else(PoisonError::into_inner);
            let stall = stalls.beat.and_then(|beat| stall(beat, now));
            stalls.known.extend(stall);
            stalls.beat = Some(now);
        }
    });
}

/// Since when and until when the guest stood still: a thread wanted to sleep for a moment at `beat`, and still does.
fn stall(beat: Stamp, now: Stamp) -> Option<(Stamp, Stamp)> {
    (now - beat > 2 * BEAT).then_some((beat + BEAT, now))
}

/// How long the guest stood still between `since` and `until`: so much later may anything be that it did meanwhile.
pub fn stalled(since: Stamp, until: Stamp) -> Duration {
    let stalls = STALLS.lock().unwrap_or_else(PoisonError::into_inner);
    // Whoever asks may have its turn before the watching thread has.
    let latest = stalls.beat.and_then(|beat| stall(beat, Stamp::now()));
    let all = stalls.known.iter().chain(&latest);
    all.map(|(began, ended)| until.min(*ended) - since.max(*began))
        .sum()
}

/// Notes that `who` did `what` just now.
pub fn note(who: &str, what: impl Display) {
    note_at(Stamp::now(), who, what);
}

pub fn note_at(at: Stamp, who: &str, what: impl Display) {
    let _whole_lines = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{MARK}{at} {who:<7} {what}");
}

/// A duration as people compare them here.
pub fn ms(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

/// Waits until `probe` gives something; panics when it has not by the end of `limit`, without the time for which the guest
/// stood still.
#[track_caller]
pub fn wait_for<T>(what: impl Display, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Stamp::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        let now = Stamp::now();
        assert!(
            now - began < limit + stalled(began, now).min(2 * limit),
            "waited {limit:?} in vain for: {what}"
        );
        sleep(Duration::from_millis(10));
    }
}

/// Waits until what `probe` gives has been the same for `time`, without that for which the guest stood still; panics when it
/// has not by the end of `limit`.
#[track_caller]
pub fn wait_quiet<T: PartialEq>(time: Duration, limit: Duration, mut probe: impl FnMut() -> T) {
    let (mut before, mut last) = (probe(), Stamp::now());
    wait_for(format!("quiet for {time:?}"), limit, || {
        let found = probe();
        let now = Stamp::now();
        if found != before {
            (before, last) = (found, now);
        }
        (now - last > time + stalled(last, now)).then_some(())
    });
}

/// Lets time pass while checking all along that `holds`: for things that must not happen.
#[track_caller]
pub fn for_the_next(time: Duration, what: impl Display, mut holds: impl FnMut() -> bool) {
    let began = Stamp::now();
    while began.elapsed() < time {
        assert!(holds(), "no longer true after {:?}: {what}", began.elapsed());
        sleep(Duration::from_millis(20));
    }
}
