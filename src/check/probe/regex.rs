//! `regex`: a body that comes in parts, searched for a pattern (fact 10.10).
//!
//! What is kept of a body is what a match that has begun needs, and what the pattern may look back at, whatever comes.
//! How the network cuts a body does not matter: it is looked at in pieces of one size.

use crate::check::config::{CheckConfig, Regex};
use crate::check::event::Reason;
use crate::sys::clock;
use crate::sys::pcre2::{CompileError, Found, Pattern, Searcher, Subject};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Octets of a body that are looked at together.
const PIECE: usize = 4096;
/// What is kept for a match that has begun, in octets: as much as keepalived's buffer has.
const KEPT: usize = 4096;
/// The processor's time that the search of one body may take, so that a hostile one cannot keep it busy.
const PROCESSOR: Duration = Duration::from_secs(1);
/// Octets of the longest character in UTF-8.
const CHARACTER: usize = 4;

/// The patterns of all urls, compiled.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    compiled: HashMap<Regex, Arc<Pattern>>,
    /// The largest sizes of all `regex_stack`.
    stack: Option<(usize, usize)>,
}

/// Those that cannot be compiled, and why.
pub fn refused(wanted: Vec<Regex>) -> HashMap<Regex, CompileError> {
    let why = |regex: Regex| compile(&regex).err().map(|error| (regex, error));
    wanted.into_iter().filter_map(why).collect()
}

impl Patterns {
    /// All of `config`.
    pub(super) fn of(config: &CheckConfig) -> Self {
        let mut all = Self::default();
        let real_servers = config.services.iter().flat_map(|service| &service.real_servers);
        let checkers = real_servers.flat_map(|real| &real.checkers);
        let urls = checkers.flat_map(|checker| checker.probe.urls());
        for regex in urls.filter_map(|url| url.regex.as_ref()) {
            if let Some((start, most)) = regex.stack {
                let size = |size| usize::try_from(size).unwrap_or(usize::MAX);
                let (old_start, old_most) = all.stack.unwrap_or_default();
                all.stack = Some((old_start.max(size(start)), old_most.max(size(most))));
            }
            if !all.compiled.contains_key(regex)
                && let Ok(pattern) = compile(regex)
            {
                all.compiled.insert(regex.clone(), Arc::new(pattern));
            }
        }
        all
    }

    /// A search for `regex` that has seen nothing yet.
    pub(super) fn search(&self, regex: &Regex) -> Result<Search, Reason> {
        let pattern = match self.compiled.get(regex) {
            Some(pattern) => Arc::clone(pattern),
            // A checker may ask once more by the configuration before the last reload.
            None => Arc::new(compile(regex).map_err(|error| Reason::RegexGaveUp(error.to_string()))?),
        };
        Search::new(regex, pattern, self.stack)
    }
}

fn compile(regex: &Regex) -> Result<Pattern, CompileError> {
    let options = regex.options.iter().copied();
    Pattern::compile(&regex.pattern, options, regex.max_offset.is_some())
}

/// A search in a body that is coming in.
#[derive(Debug)]
pub(super) struct Search {
    searcher: Searcher,
    utf: bool,
    /// Octets before a match that the pattern may look at, at most.
    lookbehind: usize,
    min: u64,
    max: Option<u64>,
    no_match: bool,
    state: State,
    /// The end of what has come.
    window: Vec<u8>,
    /// Octets of the body before the window.
    before: u64,
    /// A match can begin here in the window, or later.
    from: usize,
    /// Octets until the next look.
    missing: usize,
    spent: Duration,
    too_long: bool,
}

#[derive(Debug)]
enum State {
    Looking,
    Found,
    /// It is too late for a match.
    Over,
    GaveUp(String),
}

/// What a search has come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SearchVerdict {
    pub(super) result: Result<(), Reason>,
    /// A match that had begun was given up, since too much would have had to be kept for it.
    pub(super) too_long: bool,
}

impl Search {
    fn new(regex: &Regex, pattern: Arc<Pattern>, stack: Option<(usize, usize)>) -> Result<Self, Reason> {
        let utf = pattern.is_utf();
        // What stands before the first octet of the window tells it from the beginning of the body: a line's end may be
        // two characters.
        let characters = pattern.lookbehind().max(2);
        let lookbehind = characters.saturating_mul(if utf { CHARACTER } else { 1 });
        let no_memory = || Reason::RegexGaveUp("no memory".to_owned());
        Ok(Self {
            searcher: Searcher::new(pattern, stack).ok_or_else(no_memory)?,
            utf,
            lookbehind: lookbehind.min(KEPT),
            min: regex.min_offset.into(),
            max: regex.max_offset.map(u64::from),
            no_match: regex.no_match,
            state: State::Looking,
            window: Vec::new(),
            before: 0,
            from: 0,
            missing: PIECE,
            spent: Duration::ZERO,
            too_long: false,
        })
    }

    /// Takes the next octets of the body.
    pub(super) fn take(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() && matches!(self.state, State::Looking) {
            let (now, later) = octets.split_at(self.missing.min(octets.len()));
            self.window.extend_from_slice(now);
            self.missing -= now.len();
            octets = later;
            if self.missing == 0 {
                self.missing = PIECE;
                self.look(Subject::Part);
            }
        }
    }

    /// Judges, after the end of the body.
    pub(super) fn finish(mut self) -> SearchVerdict {
        if matches!(self.state, State::Looking) {
            self.look(Subject::Whole);
        }
        let result = match (self.state, self.no_match) {
            (State::GaveUp(why), _) => Err(Reason::RegexGaveUp(why)),
            (State::Found, false) | (State::Looking | State::Over, true) => Ok(()),
            (State::Found, true) => Err(Reason::Regex("the body matches the regex")),
            (State::Looking | State::Over, false) => Err(Reason::Regex("the body does not match the regex")),
        };
        SearchVerdict {
            result,
            too_long: self.too_long,
        }
    }

    fn look(&mut self, subject: Subject) {
        let length = match subject {
            Subject::Whole => self.window.len(),
            Subject::Part => self.complete(),
        };
        let least = usize::try_from(self.min.saturating_sub(self.before)).unwrap_or(usize::MAX);
        let from = self.boundary(self.from.max(least));
        let limit = match self.max.map(|max| max.checked_sub(self.before)) {
            None => None,
            Some(Some(max)) if max >= from as u64 => Some(usize::try_from(max).unwrap_or(usize::MAX)),
            Some(_) => {
                self.state = State::Over;
                return;
            }
        };
        if self.spent >= PROCESSOR {
            self.state = State::GaveUp(format!("more than {} s of processor time", PROCESSOR.as_secs()));
            return;
        }
        let begun = clock::thread_time();
        let text = self.window.get(..length).unwrap_or_default();
        let found = self.searcher.search(text, from, limit, subject);
        self.spent += clock::thread_time().saturating_sub(begun);
        self.from = match found {
            Ok(Found::Match) => {
                self.state = State::Found;
                length
            }
            Ok(Found::Partial(at)) => at,
            Ok(Found::Nothing) => length,
            Err(error) => {
                self.state = State::GaveUp(error.to_string());
                length
            }
        };
        self.forget(length);
    }

    /// Forgets what is needed no more; of the window `length` octets have been looked at.
    fn forget(&mut self, length: usize) {
        let mut needed = self.from.saturating_sub(self.lookbehind);
        if length.saturating_sub(needed) > KEPT.max(self.lookbehind) {
            self.too_long = true;
            self.from = length;
            needed = length.saturating_sub(self.lookbehind);
        }
        needed = self.boundary(needed).min(self.from);
        self.window.drain(..needed);
        self.before = self.before.saturating_add(needed as u64);
        self.from -= needed;
    }

    /// The window's length without a character whose end is missing.
    fn complete(&self) -> usize {
        let length = self.window.len();
        if !self.utf {
            return length;
        }
        let tail = length.saturating_sub(CHARACTER - 1)..length;
        let begins = |at: &usize| self.window.get(*at).is_some_and(|octet| *octet >= 0xc0);
        match tail.rev().find(begins) {
            Some(at) if at + octets_of(self.window.get(at).copied()) > length => at,
            Some(_) | None => length,
        }
    }

    /// The first place at or after `at` where a character may begin.
    fn boundary(&self, at: usize) -> usize {
        if !self.utf {
            return at;
        }
        let continues = |at: usize| self.window.get(at).is_some_and(|octet| *octet & 0xc0 == 0x80);
        // What goes on longer is no character.
        let skipped = (0..CHARACTER).find(|skipped| !continues(at.saturating_add(*skipped)));
        at.saturating_add(skipped.unwrap_or(0))
    }
}

/// How many octets a character has that begins so.
const fn octets_of(first: Option<u8>) -> usize {
    match first {
        Some(0xf0..) => 4,
        Some(0xe0..) => 3,
        Some(0xc0..) => 2,
        Some(_) | None => 1,
    }
}

#[cfg(test)]
mod tests;
