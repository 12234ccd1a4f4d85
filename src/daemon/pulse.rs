//! Whether a thread turns: it is asked now and then, and answers when its loop comes around. Shared by who asks and who
//! answers; nobody waits for the other.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// One thread's.
#[derive(Debug, Default)]
pub struct Pulse {
    /// The number of the last question.
    asked: AtomicU64,
    /// The last question that was handed to the thread.
    handed: AtomicU64,
    /// The last one that it has answered.
    answered: AtomicU64,
}

impl Pulse {
    /// A question more.
    pub fn ask(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    /// Whether there is a question that was not handed to the thread yet: it is now.
    pub fn hand_on(&self) -> bool {
        let asked = self.asked.load(Relaxed);
        self.handed.swap(asked, Relaxed) != asked
    }

    /// The thread turns: on itself.
    pub fn turned(&self) {
        self.answered.store(self.handed.load(Relaxed), Relaxed);
    }

    /// Whether the thread owes an answer.
    pub fn owes(&self) -> bool {
        self.handed.load(Relaxed) != self.answered.load(Relaxed)
    }
}

/// Makes the calling thread stand still, for the tests of what is told of that.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "a thread that hangs waits for nothing")]
pub fn stand_still(time: Duration) {
    std::thread::sleep(time);
}

/// How a thread stands, for dumps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The thread's usual name.
    pub key: &'static str,
    /// For how long it has stood still; nothing while it turns.
    pub still: Option<Duration>,
    /// How often it has stood still.
    pub standstills: u64,
    /// The longest time of that.
    pub longest: Duration,
}

impl Standing {
    /// One that turns.
    pub const fn new(key: &'static str) -> Self {
        Self {
            key,
            still: None,
            standstills: 0,
            longest: Duration::ZERO,
        }
    }

    /// It has stood still for so long, or turns.
    pub fn update(&mut self, still: Option<Duration>) {
        if self.still.is_none() && still.is_some() {
            self.standstills = self.standstills.saturating_add(1);
        }
        self.longest = self.longest.max(still.unwrap_or_default());
        self.still = still;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_not_asked_owes_nothing_and_a_question_is_handed_on_once() {
        let pulse = Pulse::default();
        assert!(!pulse.owes() && !pulse.hand_on());
        pulse.ask();
        assert!(!pulse.owes(), "nobody has told it");
        assert!(pulse.hand_on() && !pulse.hand_on());
        assert!(pulse.owes());
        pulse.turned();
        assert!(!pulse.owes());
    }
}
