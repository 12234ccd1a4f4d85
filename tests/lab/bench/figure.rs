//! Figures: what a part has measured, on its way from the guest to the table.
//!
//! They travel as lines of the timeline, so that `--show bench-failover` shows them where they arise.

use crate::site::Daemon;
use crate::timeline::note;

/// Who says a figure in the timeline.
const WHO: &str = "figure";

/// A part's word to the outside: `daemon` has this `value` of `name`.
pub fn report(name: &str, daemon: Daemon, value: f64) {
    note(WHO, format!("{name} {daemon:?} {value}"));
}

/// Every figure that was reported, in order.
#[derive(Default)]
pub struct Figures(Vec<(String, Daemon, f64)>);

impl Figures {
    /// Takes the figure out of a line of the timeline, if it has one.
    pub fn read(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, WHO, name, daemon, value] = words.as_slice() else {
            return;
        };
        let named = |known: &Daemon| format!("{known:?}") == *daemon;
        let daemon = super::DAEMONS.into_iter().find(named).expect("a daemon we know");
        let value = value.parse().expect("a number");
        self.0.push(((*name).to_owned(), daemon, value));
    }

    pub fn push(&mut self, name: &str, daemon: Daemon, value: f64) {
        self.0.push((name.to_owned(), daemon, value));
    }

    pub fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// All samples of `name` from `daemon`, the least first.
    pub fn samples(&self, name: &str, daemon: Daemon) -> Vec<f64> {
        let mut samples: Vec<f64> = self
            .0
            .iter()
            .filter(|(known, whose, _)| known == name && *whose == daemon)
            .map(|(.., value)| *value)
            .collect();
        samples.sort_by(f64::total_cmp);
        samples
    }

    pub fn median(&self, name: &str, daemon: Daemon) -> Option<f64> {
        let samples = self.samples(name, daemon);
        let upper = *samples.get(samples.len() / 2)?;
        let lower = *samples.get(samples.len().checked_sub(1)? / 2)?;
        Some(f64::midpoint(lower, upper))
    }

    pub fn greatest(&self, name: &str, daemon: Daemon) -> Option<f64> {
        self.samples(name, daemon).last().copied()
    }
}
