//! What a daemon says: its log lines with the time they were read.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, RwLock, RwLockWriteGuard};
use std::thread::{self, sleep};
use std::time::Duration;

use nix::poll::PollTimeout;

use crate::timeline::{Stamp, note_at, wait_for};
use crate::wire::readable;

/// Lines worth a place in the timeline have one of these,
const NEWS: &[&str] = &[
    "STATE",
    "priority",
    "uorum",
    "sorry",
    "ervice ",
    "Stopp",
    "hecksum",
    "uthentication",
    "mismatch",
    "panic",
    "rror",
    "arning",
];
/// and none of these.
const NOISE: &[&str] = &["NOTICE", "discarding", "Activating", "Shutting down service"];

/// Who asks what a daemon has said waits so long at most for what is on its way.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Default)]
pub struct Log {
    lines: Arc<Mutex<Vec<(Stamp, String)>>>,
    /// Where it comes from. Held while something is between there and the lines.
    sources: Arc<Mutex<Vec<Arc<OwnedFd>>>>,
    /// Held for writing while nobody is to read on.
    gate: Arc<RwLock<()>>,
}

impl Log {
    /// Reads `stream` to its end on a thread, on behalf of `who`.
    pub fn follow(&self, who: &str, mut stream: impl Read + AsFd + Send + 'static) {
        let (log, who) = (self.clone(), who.to_owned());
        let source = Arc::new(stream.as_fd().try_clone_to_owned().expect("a stream"));
        self.sources.lock().expect("sources").push(source.clone());
        thread::spawn(move || {
            let (mut part, mut rest) = ([0; 8192], Vec::new());
            loop {
                while !readable(&source, PollTimeout::NONE) {}
                let mut sources = log.sources.lock().expect("sources");
                let length = stream.read(&mut part).unwrap_or(0);
                rest.extend_from_slice(&part[..length]);
                if length == 0 {
                    sources.retain(|other| !Arc::ptr_eq(other, &source));
                }
                let news = log.push(&mut rest, length == 0);
                drop(sources);
                for (at, line) in news {
                    note_at(at, &who, line);
                }
                if length == 0 {
                    break;
                }
                drop(log.gate.read().expect("gate"));
            }
        });
    }

    /// Takes the whole lines of what was read, or all of it at its end; those worth a place in the timeline.
    fn push(&self, rest: &mut Vec<u8>, over: bool) -> Vec<(Stamp, String)> {
        let whole = match rest.iter().rposition(|octet| *octet == b'\n') {
            _ if over => rest.len(),
            Some(end) => end + 1,
            None => 0,
        };
        let text: Vec<u8> = rest.drain(..whole).collect();
        let mut lines = self.lines.lock().expect("log");
        let now = Stamp::now();
        let mut news = Vec::new();
        for line in String::from_utf8_lossy(&text).split_terminator('\n') {
            let line = without_date(line).to_owned();
            let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
            if has(NEWS) && !has(NOISE) {
                news.push((now, line.clone()));
            }
            lines.push((now, line));
        }
        news
    }

    /// Waits until what was said up to now is among the lines, unless nobody reads on.
    fn catch_up(&self) {
        let asked = Stamp::now();
        let behind = || {
            let sources = self.sources.lock().expect("sources");
            sources.iter().any(|source| readable(source, PollTimeout::ZERO))
        };
        while behind() && self.gate.try_read().is_ok() && asked.elapsed() < PATIENCE {
            sleep(Duration::from_millis(1));
        }
    }

    /// Nobody reads on, after what can be read at once, as long as the guard lives.
    pub fn freeze(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().expect("gate")
    }

    pub fn lines(&self) -> Vec<(Stamp, String)> {
        self.catch_up();
        self.lines.lock().expect("log").clone()
    }

    pub fn count_since(&self, text: &str, since: Stamp) -> usize {
        self.catch_up();
        // Of a long log only the end is looked at.
        let lines = self.lines.lock().expect("log");
        let recent = lines.iter().rev().take_while(|(at, _)| *at >= since);
        recent.filter(|(_, line)| line.contains(text)).count()
    }

    /// When a line with `text` was first read after `since`, waiting for it if need be.
    #[track_caller]
    pub fn wait(&self, text: &str, since: Stamp, limit: Duration) -> Stamp {
        wait_for(format!("the log line {text:?}"), limit, || {
            self.lines()
                .iter()
                .find(|(at, line)| *at >= since && line.contains(text))
                .map(|(at, _)| *at)
        })
    }

    pub fn text(&self) -> String {
        self.lines()
            .iter()
            .map(|(at, line)| format!("{at} {line}\n"))
            .collect()
    }
}

/// A line on a console begins with a date like `Tue Nov 21 11:46:00 2023: `.
fn without_date(line: &str) -> &str {
    match line.split_at_checked(24) {
        Some((date, rest)) if date.as_bytes()[13] == b':' && date.as_bytes()[16] == b':' => {
            rest.trim_start_matches(": ")
        }
        _ => line,
    }
}
