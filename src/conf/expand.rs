//! Conditions, definitions, repetitions and substitution: from physical to logical lines (grammar 7 to 9).
//!
//! Owns the definitions. Every loop has a limit: what would make keepalived run for ever is an error here.

use super::ReadOptions;
use super::diag::{Class, Diagnostic, Place};
use super::sequence::{self, Step};
use super::source::Reader;
use super::text::{Line, Text};
use super::token::strip_comment;
use std::collections::{HashMap, VecDeque};

/// Logical lines of one reading.
const MAX_LINES: usize = 1_000_000;
/// Lines of one reading that repetitions and definitions made.
const MAX_MADE: usize = 200_000;
/// Replacements in one line.
const MAX_REPLACEMENTS: usize = 1_000;
/// Octets of a line after substitution (grammar 8.4).
const MAX_EXPANDED: usize = 1_023;

/// What is to be read before the file goes on.
enum Pending {
    /// A line of a definition or of a repetition.
    Line(Line),
    /// A repetition's variable takes its next value.
    Define(String, String),
}

/// Turns physical lines into logical ones.
pub(super) struct Expander<'o> {
    pub(super) reader: Reader,
    options: &'o ReadOptions,
    definitions: HashMap<String, Vec<String>>,
    pending: VecDeque<Pending>,
    random: u64,
    lines: usize,
    made: usize,
}

impl<'o> Expander<'o> {
    pub(super) fn new(reader: Reader, options: &'o ReadOptions) -> Self {
        Self {
            reader,
            options,
            definitions: HashMap::new(),
            pending: VecDeque::new(),
            random: options.random_seed,
            lines: 0,
            made: 0,
        }
    }

    /// The next logical line: no comment, no condition, no definition, nothing left to replace.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let raw = self.physical()?;
            let text = strip_comment(&raw.text);
            let Some(text) = self.condition(text) else {
                continue;
            };
            if text.as_str().is_empty() {
                continue;
            }
            let line = raw.with(text);
            if self.define(&line) || self.repeat(&line) {
                continue;
            }
            let line = self.substitute(line);
            let line = line.with(strip_comment(&line.text));
            if line.text.as_str().is_empty() || self.reader.include(&line) {
                continue;
            }
            if let Some(words) = line.text.as_str().strip_prefix("include_check") {
                self.include_check(words);
            }
            return Some(line);
        }
    }

    /// The next physical line, or one that an expansion left.
    fn physical(&mut self) -> Option<Line> {
        loop {
            self.lines += 1;
            if self.lines > MAX_LINES {
                if self.lines == MAX_LINES + 1 {
                    self.report(
                        Class::General,
                        None,
                        "the configuration has more than 1000000 lines - ignoring the rest".to_owned(),
                    );
                }
                return None;
            }
            match self.pending.pop_front() {
                Some(Pending::Line(line)) => return Some(line),
                Some(Pending::Define(name, value)) => {
                    self.definitions.insert(name, vec![value]);
                }
                None => return self.reader.next(),
            }
        }
    }

    fn report(&mut self, class: Class, place: Option<Place>, message: String) {
        self.reader
            .diagnostics
            .push(Diagnostic::new(class, place, message));
    }

    /// `@ID text`, `@^ID text` (grammar 7): the text, or `None` when the line is for others.
    fn condition(&self, text: Text) -> Option<Text> {
        let Some(rest) = text.as_str().strip_prefix('@') else {
            return Some(text);
        };
        let (negated, rest) = rest.strip_prefix('^').map_or((false, rest), |rest| (true, rest));
        let (id, _) = rest.split_once([' ', '\t'])?;
        let start = text.as_str().len() - rest.len() + id.len();
        ((id == self.options.config_id) != negated).then(|| text.slice(start..text.as_str().len()).trimmed())
    }

    /// `$NAME=VALUE` (grammar 8.1, 8.6).
    fn define(&mut self, line: &Line) -> bool {
        let text = line.text.as_str();
        let Some((name, value)) = text.strip_prefix('$').and_then(|rest| rest.split_once('=')) else {
            return false;
        };
        if !is_name(name) {
            return false;
        }
        let mut lines = Vec::new();
        let mut part = value.trim().to_owned();
        while let Some(kept) = part.strip_suffix('\\') {
            if !kept.trim().is_empty() {
                lines.push(kept.trim().to_owned());
            }
            // A blank line ends the value as the end of the file does.
            part = match self.physical() {
                Some(next) => strip_comment(&next.text).as_str().to_owned(),
                None => String::new(),
            };
        }
        if !part.is_empty() || lines.is_empty() {
            lines.push(part);
        }
        self.definitions.insert(name.to_owned(), lines);
        true
    }

    /// `~SEQ`, `~LST` (grammar 9).
    fn repeat(&mut self, line: &Line) -> bool {
        if !line.text.as_str().starts_with("~SEQ") && !line.text.as_str().starts_with("~LST") {
            return false;
        }
        // Numbers of the specification may be definitions; the text after it is replaced later, value by value.
        let split = line.text.as_str().find(')').map_or(0, |at| at + 1);
        let head = self.substitute(line.with(line.text.slice(0..split)));
        let rest = line.text.slice(split..line.text.as_str().len()).trimmed();
        match sequence::steps(head.text.as_str()) {
            Ok(steps) if self.may_make(steps.len(), line) => {
                for step in steps.into_iter().rev() {
                    self.pending.push_front(Pending::Line(line.with(rest.clone())));
                    let Step { settings } = step;
                    for (name, value) in settings {
                        self.pending.push_front(Pending::Define(name, value));
                    }
                }
            }
            Ok(_) => {}
            Err(error) => self.report(Class::General, Some(line.whole()), error.to_string()),
        }
        true
    }

    /// Whether `count` lines more may be made; said once when not. Definitions of several lines that refer to each
    /// other would make lines for ever.
    fn may_make(&mut self, count: usize, line: &Line) -> bool {
        let before = self.made;
        self.made = before.saturating_add(count);
        if self.made <= MAX_MADE {
            return true;
        }
        if before <= MAX_MADE {
            let message =
                format!("repetitions and definitions make more than {MAX_MADE} lines - ignoring the rest");
            self.report(Class::General, Some(line.whole()), message);
        }
        false
    }

    /// Replaces references until none is left (grammar 8.2 to 8.8).
    fn substitute(&mut self, line: Line) -> Line {
        let mut text = line.text.clone();
        let mut from = 0;
        // Lines that come after this one; none when it has no end.
        let mut tails = Vec::new();
        for _ in 0..MAX_REPLACEMENTS {
            let Some(found) = find_reference(text.as_str(), from) else {
                if tails.is_empty() || self.may_make(tails.len(), &line) {
                    for tail in tails {
                        self.pending.push_front(Pending::Line(tail));
                    }
                }
                return line.with(text);
            };
            let column = text.column(found.start);
            let Some(values) = self.value(&found, &line) else {
                from = found.start + 1;
                continue;
            };
            let (first, others) = match values.split_first() {
                Some((first, others)) => (first.as_str(), others),
                None => ("", [].as_slice()),
            };
            let at_end = found.end == text.as_str().len();
            if !others.is_empty() && !at_end {
                let message = format!(
                    "multi-line definition {} must be at the end of the line",
                    found.name
                );
                self.report(Class::General, Some(line.place(&(0..0))), message);
                from = found.start + 1;
                continue;
            }
            let mut next = text.slice(0..found.start);
            next.push_str(first, column);
            next.append(&text.slice(found.end..text.as_str().len()));
            if next.as_str().len() > MAX_EXPANDED {
                let message = format!(
                    "Parameter substitution on line '{}' would exceed maximum line length",
                    line.text.as_str()
                );
                self.report(Class::General, Some(line.whole()), message);
                return line.with(text);
            }
            for other in others.iter().rev() {
                let mut tail = Text::default();
                tail.push_str(other, column);
                tails.push(line.with(tail));
            }
            from = found.start;
            text = next;
        }
        let message = format!(
            "definitions on line '{}' refer to each other without end",
            line.text.as_str()
        );
        self.report(Class::General, Some(line.whole()), message);
        line
    }

    /// The lines that a reference stands for; `None` when it stays as it is.
    fn value(&mut self, found: &Reference, line: &Line) -> Option<Vec<String>> {
        if found.arguments.is_empty()
            && let Some(lines) = self.definitions.get(&found.name)
        {
            return Some(lines.clone());
        }
        let most = match found.name.as_str() {
            "_PWD" | "_INSTANCE" | "_HASH" | "_BANG" => 0,
            "_ENV" => 1,
            "_RANDOM" => 2,
            _ => return None,
        };
        let least = usize::from(found.name == "_ENV");
        if found.arguments.len() > most || found.arguments.len() < least {
            let message = format!(
                "Definition {} requires between {least} and {most} parameters, {} specified.",
                found.name,
                found.arguments.len()
            );
            self.report(Class::General, Some(line.whole()), message);
            return None;
        }
        let text = match (found.name.as_str(), found.arguments.as_slice()) {
            ("_PWD", _) => self.reader.directory().to_string_lossy().into_owned(),
            ("_INSTANCE", _) => self.options.config_id.clone(),
            ("_HASH", _) => "#".to_owned(),
            ("_BANG", _) => "!".to_owned(),
            ("_ENV", [name, ..]) => self.reader.environment(name),
            (_, bounds) => self.random(bounds, line)?,
        };
        Some(vec![text])
    }

    /// `${_RANDOM [MIN [MAX]]}`
    fn random(&mut self, bounds: &[String], line: &Line) -> Option<String> {
        let mut numbers = bounds.iter().map(|word| word.parse::<u32>());
        let (low, high) = match (numbers.next(), numbers.next()) {
            (None, _) => (0, 32_767),
            (Some(Ok(low)), None) => (low, 32_767),
            (Some(Ok(low)), Some(Ok(high))) => (low, high),
            _ => {
                let message = "Definition _RANDOM requires numeric parameters only.".to_owned();
                self.report(Class::General, Some(line.whole()), message);
                return None;
            }
        };
        if low > high {
            let message = format!("${{_RANDOM}}: min {low} exceeds max {high}, using {low}");
            self.report(Class::General, Some(line.whole()), message);
            return Some(low.to_string());
        }
        // xorshift: spread is all that is asked for.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let span = u64::from(high - low) + 1;
        Some((u64::from(low) + self.random % span).to_string())
    }

    /// `include_check` in `global_defs` (grammar 10.6); its words are checked like every keyword's later.
    fn include_check(&mut self, words: &str) {
        if !words.is_empty() && !words.starts_with([' ', '\t']) {
            return;
        }
        let words: Vec<&str> = words.split_whitespace().collect();
        self.reader.set_checks(|now| {
            let mut checks = match words.first() {
                None => return super::source::Checks::ALL,
                Some(first) if first.starts_with(['+', '-']) => now,
                Some(_) => super::source::Checks::default(),
            };
            for word in &words {
                let (name, on) = word.strip_prefix('-').map_or_else(
                    || (word.strip_prefix('+').unwrap_or(word), true),
                    |name| (name, false),
                );
                match name {
                    "read" => checks.read = on,
                    "match" => checks.matched = on,
                    "wildcard_match" => checks.wildcard = on,
                    "brace_match" => checks.brace = on,
                    _ => {}
                }
            }
            checks.read |= words.first().is_some_and(|first| !first.starts_with(['+', '-']));
            checks
        });
    }
}

/// A reference to a definition.
#[derive(Debug, PartialEq, Eq)]
struct Reference {
    start: usize,
    end: usize,
    name: String,
    arguments: Vec<String>,
}

/// Whether `name` can be that of a definition.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The first reference at or after `from` (grammar 8.2).
fn find_reference(text: &str, from: usize) -> Option<Reference> {
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find('$')?;
        let rest = text.get(start + 1..)?;
        if let Some(inside) = rest.strip_prefix('{') {
            if let Some((inside, _)) = inside.split_once('}')
                && let mut words = inside.split_whitespace()
                && let Some(name) = words.next()
                && is_name(name)
                && !inside.ends_with(char::is_whitespace)
            {
                return Some(Reference {
                    start,
                    end: start + 3 + inside.len(),
                    name: name.to_owned(),
                    arguments: words.map(str::to_owned).collect(),
                });
            }
        } else {
            let len = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(len)?;
            let ends = after.is_empty() || after.starts_with([' ', '\t', ',', ')']);
            if is_name(name) && ends {
                return Some(Reference {
                    start,
                    end: start + 1 + len,
                    name: name.to_owned(),
                    arguments: Vec::new(),
                });
            }
        }
        at = start + 1;
    }
}

#[cfg(test)]
mod tests;
