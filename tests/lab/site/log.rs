//! What a daemon says: its log lines with the time they were read.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::timeline::{Stamp, note_at, wait_for};

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

#[derive(Clone, Default)]
pub struct Log {
    lines: Arc<Mutex<Vec<(Stamp, String)>>>,
    /// Held while nobody is to read on.
    gate: Arc<Mutex<()>>,
}

impl Log {
    /// Reads `stream` to its end on a thread, on behalf of `who`.
    pub fn follow(&self, who: &str, stream: impl Read + Send + 'static) {
        let (log, who) = (self.clone(), who.to_owned());
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                let line = without_date(&line).to_owned();
                let now = Stamp::now();
                let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
                if has(NEWS) && !has(NOISE) {
                    note_at(now, &who, &line);
                }
                log.lines.lock().expect("log").push((now, line));
                drop(log.gate.lock().expect("gate"));
            }
        });
    }

    /// Nobody reads on, after a line at most, as long as the guard lives.
    pub fn freeze(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().expect("gate")
    }

    pub fn lines(&self) -> Vec<(Stamp, String)> {
        self.lines.lock().expect("log").clone()
    }

    pub fn count_since(&self, text: &str, since: Stamp) -> usize {
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
