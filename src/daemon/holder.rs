//! Whoever a pid file names: whether it lives, dies, or has ended.
//!
//! Who was killed is not gone at once. Until its last thread has closed its files it keeps locks and sockets, and a start
//! right after a SIGKILL (a service manager's, or a script's) finds them taken: it waits, but only for the dying.

use crate::clock::Instant;
use crate::sys::clock;
use std::time::Duration;

/// How long the dying are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// For so long nobody's word is taken: a process that was killed shows no sign of it just before it begins to end.
const GLANCE: Duration = Duration::from_millis(20);
/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(2);
/// `PF_EXITING`
const EXITING: u64 = 0x4;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// As far as can be seen.
    Lives,
    /// Killed, or at its end, and not done with that.
    Dies,
    /// There is nothing of it, or nobody but its parent needs what there is.
    Ended,
}

impl Fate {
    /// Of the process of that number.
    pub(super) fn of(pid: i32) -> Self {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
        let Ok(stat) = read("stat") else {
            return Self::Ended;
        };
        let others = || {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
            tasks.is_ok_and(|tasks| tasks.count() > 1)
        };
        match judge(&stat, &read("status").unwrap_or_default()) {
            // Its other threads have the same files.
            Self::Ended if others() => Self::Dies,
            fate => fate,
        }
    }
}

/// By `stat` and `status` of its first thread.
fn judge(stat: &str, status: &str) -> Fate {
    // Its name may contain anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut fields = fields.split_whitespace();
    let (state, flags) = (fields.next().unwrap_or_default(), fields.nth(5));
    if matches!(state, "Z" | "X") {
        return Fate::Ended;
    }
    let exits = flags.and_then(|flags| flags.parse().ok());
    let exits = exits.is_some_and(|flags: u64| flags & EXITING != 0);
    let killed = ["SigPnd:", "ShdPnd:"].into_iter().any(|name| {
        let mut lines = status.lines();
        let signals = lines.find_map(|line| line.strip_prefix(name));
        let signals = signals.and_then(|signals| u64::from_str_radix(signals.trim(), 16).ok());
        signals.is_some_and(|signals| signals & (1 << (libc::SIGKILL - 1)) != 0)
    });
    if exits || killed { Fate::Dies } else { Fate::Lives }
}

/// A wait for who dies.
#[derive(Debug)]
pub(super) struct Vigil(Instant);

impl Vigil {
    pub(super) fn begin() -> Self {
        Self(clock::now())
    }

    /// Whether it is worth looking once more at what `holder` has, which it does after a moment.
    #[expect(
        clippy::disallowed_methods,
        reason = "a start that nobody depends on yet, and the end of another's process is no event"
    )]
    pub(super) fn goes_on(&self, holder: Option<i32>) -> bool {
        let waited = clock::now().since(self.0);
        let dies = || holder.is_some_and(|pid| Fate::of(pid) != Fate::Lives);
        let goes_on = waited < GLANCE || waited < PATIENCE && dies();
        if goes_on {
            std::thread::sleep(PAUSE);
        }
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn signs_of_the_end() {
        let stat = |state: &str, flags: u32| format!("7 (a) R 1) {state} 1 7 7 0 -1 {flags} 100");
        let status = |own: &str, shared: &str| format!("Name:\ta\nSigPnd:\t{own}\nShdPnd:\t{shared}\n");
        let none = status("0000000000000000", "0000000000000000");
        assert_eq!(judge(&stat("S", 0x0040_0040), &none), Fate::Lives);
        assert_eq!(judge(&stat("D", 0x0040_0044), &none), Fate::Dies);
        assert_eq!(judge(&stat("Z", 0x0040_0044), &none), Fate::Ended);
        let killed = "0000000000000100";
        for status in [
            status(killed, "0000000000000000"),
            status("0000000000000000", killed),
        ] {
            assert_eq!(judge(&stat("S", 0x0040_0040), &status), Fate::Dies);
        }
        let told_to_stop = status("0000000000000000", "0000000000004000");
        assert_eq!(judge(&stat("S", 0x0040_0040), &told_to_stop), Fate::Lives);
        assert_eq!(judge("", ""), Fate::Lives);
    }

    #[test]
    fn a_process_lives_and_ends() {
        assert_eq!(Fate::of(i32::try_from(std::process::id()).unwrap()), Fate::Lives);
        let mut sleep = Command::new("/bin/sleep")
            .arg("60")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(sleep.id()).unwrap();
        assert_eq!(Fate::of(pid), Fate::Lives);
        sleep.kill().unwrap();
        assert_ne!(Fate::of(pid), Fate::Lives, "at once");
        let vigil = Vigil::begin();
        while Fate::of(pid) == Fate::Dies {
            assert!(vigil.goes_on(Some(pid)));
        }
        assert_eq!(Fate::of(pid), Fate::Ended, "a zombie");
        sleep.wait().unwrap();
        assert_eq!(Fate::of(pid), Fate::Ended);
    }
}
