//! Diagnostics: what is wrong, where, and what would be right.

use std::path::PathBuf;
use std::sync::Arc;

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

/// keepalived's classes of errors (grammar 11.2); the order is the one that decides the exit status of `-t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Only we say it: it never changes the exit status.
    Note,
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
    /// An argument is missing.
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
}

/// One mistake or remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its class.
    pub class: Class,
    /// Where; `None` for what belongs to no line.
    pub place: Option<Place>,
    /// What is wrong, in keepalived's words where it has some.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}
