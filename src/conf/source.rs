//! The files of a configuration: opening, including, counting lines (grammar 1, 2 and 10).
//!
//! The only place of this room that touches files and the environment. Owns [`Sources`], the texts that were read, and
//! [`Reader`], which hands out physical lines one by one through nested includes, within hard limits.

mod glob;
pub(super) mod names;

use super::ReadOptions;
use super::diag::{Class, Diagnostic, Place};
use super::text::{Line, Text};
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Includes within includes; deeper ones are refused, which ends a file that includes itself.
const MAX_DEPTH: usize = 32;
/// Files opened in one reading.
const MAX_FILES: usize = 10_000;
/// Octets of one file.
const MAX_FILE_SIZE: u64 = 64 << 20;
/// Octets of a line with its newline (grammar 2.1).
const MAX_LINE: usize = 1023;

/// The octets of a file, which may be one that says less of its size than it holds, or one that would wait (as some of
/// `/proc` and a pipe that took the place of the file do).
fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::FileTooLarge.into())
    }
}

/// One file, as it was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As it was named.
    pub name: Arc<PathBuf>,
    /// Its text; what is no UTF-8 is replaced.
    pub text: String,
}

/// All files of a reading, in the order in which they were opened.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files. One that is included twice is here twice.
    pub files: Vec<SourceFile>,
}

/// What makes an include that fails count (grammar 10.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checks {
    pub(super) read: bool,
    pub(super) matched: bool,
    pub(super) wildcard: bool,
    pub(super) brace: bool,
}

impl Checks {
    pub(super) const ALL: Self = Self {
        read: true,
        matched: true,
        wildcard: true,
        brace: true,
    };

    /// The checks of an include keyword; `None` when it is none.
    fn of_keyword(keyword: &str, default: Self) -> Option<Self> {
        let none = Self::default();
        match keyword {
            "include" => Some(default),
            "includer" => Some(Self { read: true, ..none }),
            "includem" => Some(Self {
                read: true,
                matched: true,
                ..none
            }),
            "includew" => Some(Self {
                brace: false,
                ..Self::ALL
            }),
            "includeb" => Some(Self {
                read: true,
                brace: true,
                ..none
            }),
            "includea" => Some(Self::ALL),
            _ => None,
        }
    }
}

struct Frame {
    /// Its file, without links.
    real: PathBuf,
    dir: PathBuf,
    lines: std::vec::IntoIter<Line>,
    checks: Checks,
}

/// Hands out physical lines.
pub(super) struct Reader {
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    frames: Vec<Frame>,
    default_checks: Checks,
    full: bool,
    alone: bool,
}

impl Reader {
    pub(super) fn new(options: &ReadOptions) -> Self {
        Self {
            sources: Sources::default(),
            diagnostics: Vec::new(),
            frames: Vec::new(),
            default_checks: if options.all_config {
                Checks::ALL
            } else {
                Checks::default()
            },
            full: false,
            alone: options.alone,
        }
    }

    /// Opens the file of `-f`, which is a pattern (grammar 10.8). `false` when nothing could be read.
    pub(super) fn open_top(&mut self, path: &Path, all_config: bool) -> bool {
        let pattern = path.to_string_lossy();
        let mut found = Vec::new();
        for one in glob::alternatives(&pattern) {
            found.extend(glob::glob(Path::new("."), &one));
        }
        // A relative pattern was looked up in "."; the name stays as the user gave it.
        let found: Vec<PathBuf> = found
            .into_iter()
            .map(|path| path.strip_prefix("./").map(Path::to_path_buf).unwrap_or(path))
            .collect();
        let class = if all_config {
            Class::IncludeFailed
        } else {
            Class::Note
        };
        if found.is_empty() {
            let message = format!("Config files missing '{pattern}'.");
            self.diagnostics.push(Diagnostic::new(class, None, message));
        }
        if found.len() > 1 {
            let message = format!("multiple configuration file matches of {pattern}, using all of them");
            self.diagnostics
                .push(Diagnostic::new(Class::MultipleFiles, None, message));
        }
        let before = self.sources.files.len();
        // The last file pushed is read first.
        for path in found.iter().rev() {
            self.open(path, None, class);
        }
        self.sources.files.len() > before
    }

    /// Reads `text` as if it were the file `name`.
    pub(super) fn open_text(&mut self, name: &Path, text: &str) {
        self.push_text(name, text.as_bytes());
    }

    /// The directory of the file that is being read.
    pub(super) fn directory(&self) -> PathBuf {
        let dir = self
            .frames
            .last()
            .map_or_else(|| PathBuf::from("."), |frame| frame.dir.clone());
        std::fs::canonicalize(&dir).unwrap_or(dir)
    }

    /// A variable of the environment; empty when there is none.
    pub(super) fn environment(&self, name: &str) -> String {
        if self.alone {
            return String::new();
        }
        std::env::var_os(name)
            .map(|value| value.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// The next physical line.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let frame = self.frames.last_mut()?;
            if let Some(line) = frame.lines.next() {
                return Some(line);
            }
            self.frames.pop();
        }
    }

    /// `include_check`: the checks of plain includes until the end of this file.
    pub(super) fn set_checks(&mut self, change: impl FnOnce(Checks) -> Checks) {
        if let Some(frame) = self.frames.last_mut() {
            frame.checks = change(frame.checks);
        }
    }

    /// Carries out `line` when it is an include; `false` when it is something else.
    pub(super) fn include(&mut self, line: &Line) -> bool {
        let text = line.text.as_str();
        let (keyword, pattern) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let default = self
            .frames
            .last()
            .map_or(self.default_checks, |frame| frame.checks);
        let Some(checks) = Checks::of_keyword(keyword, default) else {
            return false;
        };
        let pattern = pattern.trim();
        let place = line.whole();
        if pattern.is_empty() {
            let message = format!("{keyword} has no file name");
            self.diagnostics
                .push(Diagnostic::new(Class::MissingParameter, Some(place), message));
            return true;
        }
        if self.alone {
            let message = format!("no other files are read here - ignoring '{pattern}'");
            self.diagnostics
                .push(Diagnostic::new(Class::General, Some(place), message));
            return true;
        }
        if self.frames.len() >= MAX_DEPTH || self.sources.files.len() >= MAX_FILES {
            if !self.full {
                let message = format!("too many nested includes - ignoring '{pattern}'");
                self.diagnostics
                    .push(Diagnostic::new(Class::General, Some(place), message));
            }
            self.full = true;
            return true;
        }
        self.include_pattern(pattern, checks, &place);
        true
    }

    fn include_pattern(&mut self, pattern: &str, checks: Checks, place: &Place) {
        let dir = self
            .frames
            .last()
            .map_or_else(PathBuf::new, |frame| frame.dir.clone());
        let alternatives = glob::alternatives(pattern);
        let braces = alternatives.len() > 1;
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for one in &alternatives {
            let matches = glob::glob(&dir, one);
            if matches.is_empty() {
                missing.push(one.as_str());
            }
            found.extend(matches);
        }
        if !missing.is_empty() {
            let wildcard = glob::has_wildcard(pattern);
            let counts = (braces && checks.brace)
                || (found.is_empty() && if wildcard { checks.wildcard } else { checks.matched });
            let class = if counts { Class::IncludeFailed } else { Class::Note };
            let message = format!("Config files missing '{}'.", missing.join("', '"));
            self.diagnostics
                .push(Diagnostic::new(class, Some(place.clone()), message));
        }
        let class = if checks.read {
            Class::IncludeFailed
        } else {
            Class::Note
        };
        for path in found.iter().rev() {
            if self.is_open(path) {
                let message = format!(
                    "Configuration file '{}' includes itself - skipping",
                    path.display()
                );
                self.diagnostics
                    .push(Diagnostic::new(Class::General, Some(place.clone()), message));
            } else {
                self.open(path, Some(place), class);
            }
        }
    }

    /// Whether `path` is being read: what includes itself would be read without end.
    fn is_open(&self, path: &Path) -> bool {
        std::fs::canonicalize(path).is_ok_and(|real| self.frames.iter().any(|frame| frame.real == real))
    }

    /// Opens one file; `class` is that of a failure.
    fn open(&mut self, path: &Path, place: Option<&Place>, class: Class) {
        let failed = match std::fs::metadata(path) {
            Err(error) => Some(format!(
                "Unable to open configuration file '{}': {error}",
                path.display()
            )),
            Ok(meta) if meta.is_dir() => Some(format!(
                "Configuration file '{}' is a directory - skipping",
                path.display()
            )),
            Ok(meta) if !meta.is_file() || meta.permissions().mode() & 0o111 != 0 => Some(format!(
                "Configuration file '{}' is not a regular non-executable file - skipping",
                path.display()
            )),
            Ok(_) => match read_file(path, MAX_FILE_SIZE) {
                Ok(bytes) => {
                    self.push_text(path, &bytes);
                    None
                }
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Some(format!(
                    "Configuration file '{}' is larger than 64 MiB - skipping",
                    path.display()
                )),
                Err(error) => Some(format!(
                    "Unable to open configuration file '{}': {error}",
                    path.display()
                )),
            },
        };
        if let Some(message) = failed {
            self.diagnostics
                .push(Diagnostic::new(class, place.cloned(), message));
        }
    }

    fn push_text(&mut self, path: &Path, bytes: &[u8]) {
        let name = Arc::new(path.to_path_buf());
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut lines = Vec::new();
        for (number, raw) in (1..).zip(text.split('\n')) {
            let refused = if raw.len() >= MAX_LINE {
                Some("line too long - ignoring")
            } else if raw.contains('\0') {
                Some("configuration appears to have embedded NULs - ignoring line")
            } else {
                None
            };
            match refused {
                Some(message) => {
                    let place = Place {
                        file: Arc::clone(&name),
                        line: number,
                        column: 1,
                        length: 0,
                    };
                    self.diagnostics
                        .push(Diagnostic::new(Class::General, Some(place), message));
                }
                None => lines.push(Line {
                    file: Arc::clone(&name),
                    number,
                    text: Text::of_line(raw.trim_end_matches('\r')),
                }),
            }
        }
        let dir = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        self.frames.push(Frame {
            real: std::fs::canonicalize(path).unwrap_or_default(),
            dir,
            lines: lines.into_iter(),
            checks: self.default_checks,
        });
        self.sources.files.push(SourceFile { name, text });
    }
}
