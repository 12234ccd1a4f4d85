//! Diagnostics: what is wrong, where, and what would be right.

mod topic;

pub use topic::Topic;

use super::source::Sources;
use codespan_reporting::diagnostic::{Diagnostic as Report, Label, Severity};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More than this is not shown on a terminal: a file with so many mistakes is none of ours.
const MAX_SHOWN: usize = 10_000;
/// Octets of a line that is shown; longer ones are not read either.
const MAX_SHOWN_LINE: usize = 1_023;

/// A place in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<PathBuf>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Length in characters of what is meant; 0: the whole line.
    pub length: u32,
}

/// `FILE:LINE:COLUMN`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// keepalived's classes of errors (grammar 11.2); the order is the one that decides the exit status of `-t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Changes no exit status: what only we say, and a missing include that does not count (grammar 10.7).
    Note,
    /// What is asked for is not done (not yet, or a script is missing), and keepalived's status does not tell: a
    /// warning that changes no exit status.
    Unheeded,
    /// A file is missing.
    FileNotFound,
    /// An interface is missing or of the wrong kind.
    BadInterface,
    /// The daemon cannot run with this.
    Fatal,
    /// The top-level pattern matched several files.
    MultipleFiles,
    /// Unknown keyword.
    UnknownKeyword,
    /// `{` where none may stand.
    UnexpectedOpen,
    /// `{` is missing.
    MissingOpen,
    /// `}` where none may stand.
    UnexpectedClose,
    /// `}` is missing.
    MissingClose,
    /// A quote is not closed.
    UnmatchedQuote,
    /// A mandatory argument is missing: keepalived ends at once with status 2 (grammar 6.6).
    MissingParameter,
    /// A number is malformed or out of range.
    InvalidNumber,
    /// Anything else that is wrong.
    General,
    /// A warning.
    Warning,
    /// Deprecated.
    Deprecated,
    /// Scripts without `enable_script_security`, unsafe scripts.
    Security,
    /// An include that fails and counts (grammar 10.7).
    IncludeFailed,
}

impl Class {
    /// What a reader of a terminal shall take it for.
    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Note => Severity::Note,
            Self::Unheeded | Self::Warning | Self::Deprecated | Self::Security | Self::MultipleFiles => {
                Severity::Warning
            }
            Self::FileNotFound
            | Self::BadInterface
            | Self::Fatal
            | Self::UnknownKeyword
            | Self::UnexpectedOpen
            | Self::MissingOpen
            | Self::UnexpectedClose
            | Self::MissingClose
            | Self::UnmatchedQuote
            | Self::MissingParameter
            | Self::InvalidNumber
            | Self::General
            | Self::IncludeFailed => Severity::Error,
        }
    }
}

/// One mistake or remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its class.
    pub class: Class,
    /// What it is about.
    pub topic: Topic,
    /// Where; `None` for what belongs to no line.
    pub place: Option<Place>,
    /// What is wrong, in keepalived's words where it has some.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// Other places that matter, and what is there: of two definitions the first.
    pub related: Vec<(Place, String)>,
}

impl Diagnostic {
    /// A mistake of `class` at `place`.
    pub fn new(class: Class, place: Option<Place>, message: impl Into<String>) -> Self {
        Self {
            class,
            topic: Topic::of(class),
            place,
            message: message.into(),
            help: None,
            related: Vec::new(),
        }
    }

    /// About `topic`, which is more than its class tells.
    #[must_use]
    pub const fn about(mut self, topic: Topic) -> Self {
        self.topic = topic;
        self
    }

    /// With another place that matters, and what is there.
    #[must_use]
    pub fn with_related(mut self, place: Place, what: impl Into<String>) -> Self {
        self.related.push((place, what.into()));
        self
    }

    /// With a word on what would be right.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// One line for the daemon's log: keepalived's shape, `(FILE: Line N) text` (grammar 11.1), and after it what
    /// would be right and `[FILE:LINE:COLUMN]`.
    pub fn log_line(&self) -> String {
        let help = self
            .help
            .as_ref()
            .map_or_else(String::new, |help| format!(" - {help}"));
        match &self.place {
            Some(place) => format!(
                "({file}: Line {line}) {message}{help} [{file}:{line}:{column}]",
                file = place.file.display(),
                line = place.line,
                column = place.column,
                message = self.message,
            ),
            None => format!("{}{help}", self.message),
        }
    }

    /// Whether the log shall have it as a warning: everything but remarks.
    pub fn is_warning(&self) -> bool {
        self.class != Class::Note
    }
}

/// `FILE:LINE:COLUMN: text`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Sorts by place, files in the order they were read; what has no place comes last, in its order.
pub fn sort(diagnostics: &mut [Diagnostic], sources: &Sources) {
    let mut order: HashMap<&Path, usize> = HashMap::new();
    for (position, file) in sources.files.iter().enumerate() {
        order.entry(file.name.as_path()).or_insert(position);
    }
    let file = |place: &Place| order.get(place.file.as_path()).copied().unwrap_or(usize::MAX);
    diagnostics.sort_by_cached_key(|diagnostic| match &diagnostic.place {
        Some(place) => (0, file(place), place.line, place.column),
        None => (1, 0, 0, 0),
    });
}

/// What has no effect yet is said once, at its first place, however often it is written.
pub fn name_once(diagnostics: &mut Vec<Diagnostic>) {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut more: Vec<usize> = Vec::new();
    diagnostics.retain(|found| {
        if found.topic != Topic::NoEffectYet {
            more.push(0);
            return true;
        }
        if let Some(before) = first.get(&found.message).and_then(|at| more.get_mut(*at)) {
            *before += 1;
            return false;
        }
        first.insert(found.message.clone(), more.len());
        more.push(0);
        true
    });
    for (found, more) in diagnostics.iter_mut().zip(more) {
        if more > 0 {
            let places = if more == 1 { "place" } else { "places" };
            let also = format!("also in {more} more {places}");
            found.help = Some(match found.help.take() {
                Some(help) => format!("{help}; {also}"),
                None => also,
            });
        }
    }
}

/// Writes every diagnostic with `FILE:LINE:COLUMN`, the line it is about and what would be right.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn render_terminal(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let shown = diagnostics.len().min(MAX_SHOWN);
    render(diagnostics.iter().take(shown).map(Excerpt::of), sources, out)?;
    match diagnostics.len() - shown {
        0 => Ok(()),
        more => writeln!(out, "... and {more} more, not shown"),
    }
}

/// How loud a message is.
pub use codespan_reporting::diagnostic::Severity as Level;

/// A message with the lines that it is about, to be shown on a terminal.
#[derive(Clone, Debug)]
pub struct Excerpt<'a> {
    /// How loud.
    pub level: Level,
    /// A stable word for what it is, if it has one.
    pub code: Option<&'a str>,
    /// The message.
    pub message: String,
    /// The line it is about.
    pub place: Option<&'a Place>,
    /// What stands there; may be empty.
    pub label: &'a str,
    /// Other lines, and what stands there.
    pub related: &'a [(Place, String)],
    /// What is said below the lines.
    pub notes: Vec<String>,
}

impl<'a> Excerpt<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            level: diagnostic.class.severity(),
            code: match diagnostic.topic {
                Topic::Lint(code) => Some(code),
                _ => None,
            },
            message: diagnostic.message.clone(),
            place: diagnostic.place.as_ref(),
            label: "",
            related: &diagnostic.related,
            notes: diagnostic
                .help
                .iter()
                .map(|help| format!("help: {help}"))
                .collect(),
        }
    }
}

/// Writes every message with `FILE:LINE:COLUMN` and its lines; `sources` may be those of several configurations.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn render<'a>(
    excerpts: impl Iterator<Item = Excerpt<'a>>,
    sources: &Sources,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut files = SimpleFiles::new();
    let mut known: HashMap<&Path, (usize, Lines<'_>)> = HashMap::new();
    for file in &sources.files {
        // One that is included twice is shown once.
        known.entry(file.name.as_path()).or_insert_with(|| {
            let id = files.add(file.name.display().to_string(), file.text.as_str());
            (id, Lines::of(&file.text))
        });
    }
    let config = term::Config {
        chars: term::Chars::ascii(),
        ..term::Config::default()
    };
    let span = |place: &Place| {
        let (id, lines) = known.get(place.file.as_path())?;
        Some((*id, lines.span(place)?))
    };
    for excerpt in excerpts {
        let mut report = Report::new(excerpt.level);
        if let Some(code) = excerpt.code {
            report = report.with_code(code);
        }
        let labels = match excerpt.place.and_then(span) {
            Some((id, range)) => {
                report = report.with_message(&excerpt.message);
                let mut labels = vec![Label::primary(id, range).with_message(excerpt.label)];
                labels.extend(excerpt.related.iter().filter_map(|(place, what)| {
                    let (id, range) = span(place)?;
                    Some(Label::secondary(id, range).with_message(what))
                }));
                labels
            }
            // A place without a text to show is still said.
            None => {
                let place = excerpt
                    .place
                    .map(|place| format!("{place}: "))
                    .unwrap_or_default();
                report = report.with_message(place + &excerpt.message);
                Vec::new()
            }
        };
        let report = report.with_labels(labels).with_notes(excerpt.notes);
        term::emit_to_io_write(out, &config, &files, &report).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Where the lines of a file are.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(after.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The bytes that `place` means; `None` when its line is too long to be shown.
    fn span(&self, place: &Place) -> Option<Range<usize>> {
        let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
        let start = *self.starts.get(index)?;
        let line = self.text.get(start..)?.lines().next().unwrap_or("");
        if line.len() > MAX_SHOWN_LINE {
            return None;
        }
        let byte = |column: u32| {
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
        };
        let (first, last) = match place.length {
            0 => (0, line.len()),
            length => {
                let first = place.column.saturating_sub(1);
                (byte(first), byte(first.saturating_add(length)))
            }
        };
        Some(start + first..start + last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::source::SourceFile;

    #[test]
    fn what_has_no_effect_is_named_once() {
        let unheeded =
            |word: &str| Diagnostic::new(Class::Unheeded, None, format!("accepted, no effect yet: {word}"));
        let other = Diagnostic::new(Class::General, None, "wrong");
        let mut all = vec![
            unheeded("a"),
            other.clone(),
            unheeded("b"),
            unheeded("a"),
            other.clone(),
            unheeded("a"),
        ];
        name_once(&mut all);
        let wanted = [
            unheeded("a").with_help("also in 2 more places"),
            other.clone(),
            unheeded("b"),
            other,
        ];
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_terminal_sees_place_line_and_help() {
        let file = Arc::new(PathBuf::from("a.conf"));
        let sources = Sources {
            files: vec![SourceFile {
                name: Arc::clone(&file),
                text: "x\n\tprioritty 10\n".to_owned(),
            }],
        };
        let place = Place {
            file,
            line: 2,
            column: 2,
            length: 9,
        };
        let diagnostic = Diagnostic::new(Class::UnknownKeyword, Some(place), "Unknown keyword 'prioritty'")
            .with_help("did you mean `priority`?");
        assert_eq!(
            diagnostic.log_line(),
            "(a.conf: Line 2) Unknown keyword 'prioritty' - did you mean `priority`? [a.conf:2:2]"
        );
        let mut out = Vec::new();
        render_terminal(&[diagnostic], &sources, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("error: Unknown keyword 'prioritty'"), "{out}");
        assert!(out.contains("a.conf:2:2"), "{out}");
        assert!(out.contains("^^^^^^^^^\n"), "{out}");
        assert!(out.contains("did you mean `priority`?"), "{out}");
    }
}
