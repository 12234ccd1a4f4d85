//! Conditions, definitions, repetitions and substitution: from physical to logical lines (grammar 7 to 9).
//!
//! Owns the definitions. Every loop has a limit: what would make keepalived run for ever is an error here.

use super::ReadOptions;
use super::diag::{Class, Diagnostic, Place};
use super::sequence::{self, Step};
use super::source::{Checks, Reader};
use super::text::{Line, Text};
use super::token::{self, strip_comment};
use std::collections::HashMap;
use std::rc::Rc;

/// Physical lines of one reading, those of repetitions and definitions with them.
pub(super) const MAX_LINES: usize = 1_000_000;
/// Lines of one reading that repetitions and definitions made.
pub(super) const MAX_MADE: usize = 200_000;
/// Definitions that are known at one time.
pub(super) const MAX_DEFINITIONS: usize = 100_000;
/// Replacements in one line.
pub(super) const MAX_REPLACEMENTS: usize = 1_000;
/// Definitions of several lines and repetitions that stand in each other.
pub(super) const MAX_OPEN: usize = 1_000;
/// Octets that all replacements of one reading may copy.
pub(super) const MAX_COPIED: usize = 64 << 20;
/// Octets of a line after substitution (grammar 8.4).
pub(super) const MAX_EXPANDED: usize = 1_023;

/// The lines that a definition stands for.
type Value = Rc<[String]>;

/// What is to be read before the file goes on.
enum Pending {
    /// The later lines of a definition that was referred to.
    Value {
        value: Value,
        next: usize,
        /// Where it was referred to, without text.
        at: Line,
        column: u32,
    },
    /// A line that is read once for each step.
    Repeat {
        line: Line,
        steps: std::vec::IntoIter<Step>,
    },
}

/// Turns physical lines into logical ones.
pub(super) struct Expander<'o> {
    pub(super) reader: Reader,
    options: &'o ReadOptions,
    definitions: HashMap<String, Value>,
    /// The last one is read first.
    pending: Vec<Pending>,
    /// What stands after a brace on the line that was handed out last.
    rest: Option<Line>,
    random: u64,
    lines: usize,
    made: usize,
    copied: usize,
    full: bool,
}

impl<'o> Expander<'o> {
    pub(super) fn new(reader: Reader, options: &'o ReadOptions) -> Self {
        Self {
            reader,
            options,
            definitions: HashMap::new(),
            pending: Vec::new(),
            rest: None,
            // The generator would stay at 0.
            random: options.random_seed.max(1),
            lines: 0,
            made: 0,
            copied: 0,
            full: false,
        }
    }

    /// The next logical line: no comment, no condition, no definition, nothing left to replace.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let line = match self.rest.take() {
                Some(rest) => rest,
                None => {
                    let physical = self.physical()?;
                    match self.logical(physical) {
                        Some(line) => line,
                        None => continue,
                    }
                }
            };
            let line = self.before_include(line);
            if self.reader.include(&line) {
                continue;
            }
            if let Some(words) = line.text.as_str().strip_prefix("include_check") {
                self.include_check(&line, words);
            }
            return Some(line);
        }
    }

    /// What a physical line says; `None` when it is nothing, or something to remember.
    fn logical(&mut self, mut line: Line) -> Option<Line> {
        line.text = self.condition(strip_comment(line.text))?;
        if line.text.as_str().is_empty() || self.define(&line) || self.repeat(&line) {
            return None;
        }
        let line = self.substitute(line);
        (!line.text.as_str().is_empty()).then_some(line)
    }

    /// Includes may stand anywhere, also after a brace: what comes before is handed out first.
    fn before_include(&mut self, mut line: Line) -> Line {
        let text = line.text.as_str();
        if text.starts_with("include") {
            line.text = token::settle(line.text, true).0;
            return line;
        }
        let first = text.bytes().position(|byte| matches!(byte, b'{' | b'}'));
        let after = first.and_then(|first| text.get(first + 1..)).unwrap_or_default();
        if !after.contains("include") {
            return line;
        }
        let mut from = 0;
        while let Some((at, _)) = text.get(from..).and_then(token::brace) {
            from += at + 1;
            let rest = text.get(from..).unwrap_or_default();
            if rest.trim_start_matches([' ', '\t']).starts_with("include") {
                self.rest = Some(line.with(line.text.slice(from..text.len()).trimmed()));
                line.text = line.text.slice(0..from);
                break;
            }
        }
        line
    }

    /// The next physical line, or one that an expansion left.
    fn physical(&mut self) -> Option<Line> {
        if self.lines >= MAX_LINES {
            self.limit(
                None,
                format!("the configuration has more than {MAX_LINES} lines - ignoring the rest"),
            );
            return None;
        }
        self.lines += 1;
        loop {
            match self.pending.last_mut() {
                None => return self.reader.next(),
                Some(Pending::Value {
                    value,
                    next,
                    at,
                    column,
                }) => {
                    if let Some(text) = value.get(*next) {
                        *next += 1;
                        return Some(at.with(Text::at(*column, text)));
                    }
                    self.pending.pop();
                }
                Some(Pending::Repeat { line, steps }) => match steps.next() {
                    Some(Step { settings }) => {
                        for (name, value) in settings {
                            self.definitions.insert(name, Rc::from([value]));
                        }
                        return Some(line.clone());
                    }
                    None => drop(self.pending.pop()),
                },
            }
        }
    }

    fn report(&mut self, class: Class, place: Option<Place>, message: String) {
        self.reader
            .diagnostics
            .push(Diagnostic::new(class, place, message));
    }

    /// A limit of the whole reading was met: said once.
    fn limit(&mut self, place: Option<Place>, message: String) {
        if !std::mem::replace(&mut self.full, true) {
            self.report(Class::General, place, message);
        }
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
        let plain = |text: Text| token::settle(text, true).0.as_str().to_owned();
        let mut lines = Vec::new();
        let mut part = value.trim_matches([' ', '\t']).to_owned();
        if part.contains('\\') {
            part = plain(Text::at(1, &part));
        }
        while let Some(kept) = part.strip_suffix('\\') {
            let kept = kept.trim_matches([' ', '\t']);
            if !kept.is_empty() {
                lines.push(kept.to_owned());
            }
            // A blank line ends the value as the end of the file does.
            part = self
                .physical()
                .map_or_else(String::new, |next| plain(strip_comment(next.text)));
        }
        if !part.is_empty() || lines.is_empty() {
            lines.push(part);
        }
        if self.definitions.len() >= MAX_DEFINITIONS && !self.definitions.contains_key(name) {
            let message = format!("more than {MAX_DEFINITIONS} definitions - ignoring the others");
            self.limit(Some(line.whole()), message);
        } else {
            self.definitions.insert(name.to_owned(), lines.into());
        }
        true
    }

    /// `~SEQ`, `~LST` (grammar 9).
    fn repeat(&mut self, line: &Line) -> bool {
        let text = line.text.as_str();
        if !text.starts_with("~SEQ") && !text.starts_with("~LST") {
            return false;
        }
        // Numbers of the specification may be definitions; the text after it is replaced later, value by value.
        let split = text.find(')').map_or(text.len(), |at| at + 1);
        let rest = line.with(line.text.slice(split..text.len()).trimmed());
        let head = self.substitute(line.with(line.text.slice(0..split)));
        match sequence::steps(head.text.as_str()) {
            Ok(steps) if self.may_make(steps.len(), line) => self.pending.push(Pending::Repeat {
                line: rest,
                steps: steps.into_iter(),
            }),
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
        let message =
            format!("repetitions and definitions make more than {MAX_MADE} lines - ignoring the rest");
        self.limit(Some(line.whole()), message);
        false
    }

    /// Replaces references until none is left (grammar 8.2 to 8.8); what came with them may be a comment (3.5).
    fn substitute(&mut self, mut line: Line) -> Line {
        if !line.text.as_str().contains('$') {
            return line;
        }
        let mut from = 0;
        let mut replaced = 0;
        // Lines that come after this one; none when it has no end.
        let mut tails = Vec::new();
        let typed = line.text.clone();
        while let Some(found) = find_reference(line.text.as_str(), from) {
            let column = line.text.column(found.start);
            let Some(value) = self.value(&found, &line) else {
                from = found.start + 1;
                continue;
            };
            if value.len() > 1 && found.end != line.text.as_str().len() {
                let message = format!(
                    "multi-line definition {} must be at the end of the line",
                    found.name
                );
                self.report(
                    Class::General,
                    Some(line.place(&(found.start..found.end))),
                    message,
                );
                from = found.end;
                continue;
            }
            if value.len() > 1 && self.is_open(&value) {
                let message = format!("definition {} refers to itself", found.name);
                self.report(
                    Class::General,
                    Some(line.place(&(found.start..found.end))),
                    message,
                );
                from = found.end;
                continue;
            }
            replaced += 1;
            self.copied = self.copied.saturating_add(line.text.as_str().len());
            if replaced > MAX_REPLACEMENTS {
                let message = format!(
                    "definitions on line '{}' refer to each other without end",
                    typed.as_str()
                );
                self.report(Class::General, Some(line.with(typed.clone()).whole()), message);
                line.text = typed;
                return line;
            }
            if self.copied > MAX_COPIED {
                let message = "definitions are used more often than can be followed - ignoring the others";
                self.limit(Some(line.whole()), message.to_owned());
                break;
            }
            let first = value.first().map_or("", String::as_str);
            if line.text.as_str().len() - (found.end - found.start) + first.len() > MAX_EXPANDED {
                let message = format!(
                    "Parameter substitution on line '{}' would exceed maximum line length",
                    typed.as_str()
                );
                self.report(Class::General, Some(line.whole()), message);
                break;
            }
            let mut next = line.text.slice(0..found.start);
            next.append(&Text::at(column, first));
            next.append(&line.text.slice(found.end..line.text.as_str().len()));
            line.text = next;
            from = found.start;
            if value.len() > 1 {
                tails.push((value, column));
            }
        }
        let more = tails.iter().map(|(value, _)| value.len() - 1).sum();
        if self.pending.len() >= MAX_OPEN {
            let message =
                format!("definitions of several lines stand in each other more than {MAX_OPEN} deep");
            self.limit(Some(line.whole()), message);
        } else if more > 0 && self.may_make(more, &line) {
            let at = line.with(Text::default());
            self.pending
                .extend(tails.into_iter().map(|(value, column)| Pending::Value {
                    value,
                    next: 1,
                    at: at.clone(),
                    column,
                }));
        }
        if replaced > 0 {
            line.text = strip_comment(token::settle(line.text, true).0).trimmed();
        }
        line
    }

    /// Whether lines of `value` are being read already: then it would never end.
    fn is_open(&self, value: &Value) -> bool {
        self.pending.iter().any(|pending| match pending {
            Pending::Value { value: open, .. } => Rc::ptr_eq(open, value),
            Pending::Repeat { .. } => false,
        })
    }

    /// The lines that a reference stands for; `None` when it stays as it is.
    fn value(&mut self, found: &Reference, line: &Line) -> Option<Value> {
        if found.arguments.is_empty()
            && let Some(lines) = self.definitions.get(&found.name)
        {
            return Some(Rc::clone(lines));
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
            self.report(
                Class::General,
                Some(line.place(&(found.start..found.end))),
                message,
            );
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
        Some(Rc::from([text]))
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

    /// `include_check` in `global_defs` (grammar 10.6).
    fn include_check(&mut self, line: &Line, words: &str) {
        if !words.is_empty() && !words.starts_with([' ', '\t', '{', '}']) {
            return;
        }
        let words = words.split(['{', '}']).next().unwrap_or_default();
        let mut words = words.split_ascii_whitespace().peekable();
        if words.peek().is_none() {
            self.reader.set_checks(|_| Checks::ALL);
            return;
        }
        for (position, word) in words.enumerate() {
            let (sign, name) = match word.strip_prefix(['+', '-']) {
                Some(name) => (word.chars().next(), name),
                None => (None, word),
            };
            let mut duplicate = false;
            self.reader.set_checks(|mut checks| {
                let before = checks;
                if sign.is_none() && position == 0 {
                    checks = Checks {
                        read: true,
                        ..Checks::default()
                    };
                }
                // What is no check is named where the keyword is read into its type.
                let Some(check) = checks.named(name) else {
                    return before;
                };
                if sign.is_none() && position > 0 {
                    duplicate = true;
                    return before;
                }
                *check = sign != Some('-');
                checks
            });
            if duplicate {
                let message = format!("Duplicate include_check '{word}' specified - ignoring");
                self.report(Class::General, Some(line.whole()), message);
            }
        }
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
        if rest.starts_with('{') {
            if let Some(reference) = text.get(start..).and_then(token::braced_reference) {
                let mut words = reference
                    .get(2..reference.len() - 1)?
                    .split_ascii_whitespace()
                    .map(str::to_owned);
                return Some(Reference {
                    start,
                    end: start + reference.len(),
                    name: words.next()?,
                    arguments: words.collect(),
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
