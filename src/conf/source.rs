//! The files of a configuration: opening, including, counting lines (grammar 1, 2 and 10).
//!
//! The only place of this room that touches files and the environment. Owns [`Sources`], the texts that were read, and
//! [`Reader`], which hands out physical lines one by one through nested includes, within hard limits.

mod glob;
pub(super) mod names;

use super::ReadOptions;
use super::diag::{Class, Diagnostic, Place, Topic};
use super::text::{Line, Text};
use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Includes within includes; deeper ones are refused.
pub(super) const MAX_DEPTH: usize = 32;
/// Files opened in one reading.
pub(super) const MAX_FILES: usize = 10_000;
/// Octets of one file.
pub(super) const MAX_FILE_SIZE: u64 = 64 << 20;
/// Octets of all files of one reading.
pub(super) const MAX_TOTAL_SIZE: u64 = 256 << 20;
/// Octets of a line with its newline (grammar 2.1).
pub(super) const MAX_LINE: usize = 1023;
/// Names looked at while the patterns of one reading are matched.
pub(super) const MAX_LOOKUPS: usize = 1_000_000;

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

    /// The check that is called `name`.
    pub(super) fn named(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "read" => Some(&mut self.read),
            "match" => Some(&mut self.matched),
            "wildcard_match" => Some(&mut self.wildcard),
            "brace_match" => Some(&mut self.brace),
            _ => None,
        }
    }

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

/// A file that an include found and whose turn has not come.
struct Waiting {
    path: PathBuf,
    place: Option<Place>,
    /// Of a failure.
    class: Class,
}

/// A file that is being read; the lowest one stands for the command line and has no text.
struct Frame {
    /// Its file, without links.
    real: PathBuf,
    /// What is read before its next line.
    waiting: VecDeque<Waiting>,
    dir: PathBuf,
    /// Its text, in [`Sources`].
    index: usize,
    /// The octet at which the next line begins; `None` at the end.
    next: Option<usize>,
    /// The number of the next line.
    number: u32,
    /// For a text that is no UTF-8, the octets that each line has in the file.
    lengths: Vec<usize>,
    checks: Checks,
}

/// Hands out physical lines.
pub(super) struct Reader {
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    frames: Vec<Frame>,
    default_checks: Checks,
    /// The limits that were met; each is said once.
    full: Vec<&'static str>,
    size: u64,
    lookups: usize,
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
            full: Vec::new(),
            size: 0,
            lookups: MAX_LOOKUPS,
            alone: options.alone,
        }
    }

    /// Opens the file of `-f`, which is a pattern (grammar 10.8). `false` when nothing could be read.
    pub(super) fn open_top(&mut self, path: &Path, all_config: bool) -> bool {
        let pattern = path.to_string_lossy();
        let mut found = Vec::new();
        for one in glob::alternatives(&pattern).unwrap_or_default() {
            found.extend(glob::glob(Path::new("."), &one, &mut self.lookups).unwrap_or_default());
        }
        // A relative pattern was looked up in "."; the name stays as the user gave it.
        let found: Vec<PathBuf> = found
            .into_iter()
            .map(|path| path.strip_prefix("./").map(Path::to_path_buf).unwrap_or(path))
            .collect();
        let class = if all_config {
            Class::FileNotFound
        } else {
            Class::Note
        };
        if found.is_empty() {
            let message = format!("Config files missing '{pattern}'.");
            self.diagnostics
                .push(Diagnostic::new(class, None, message).about(Topic::IncludeMissing));
        }
        if found.len() > 1 {
            let message = format!("multiple configuration file matches of {pattern}, using all of them");
            self.diagnostics
                .push(Diagnostic::new(Class::MultipleFiles, None, message));
        }
        self.frames.push(Frame {
            real: PathBuf::new(),
            waiting: found
                .into_iter()
                .map(|path| Waiting {
                    path,
                    place: None,
                    class,
                })
                .collect(),
            dir: PathBuf::from("."),
            index: usize::MAX,
            next: None,
            number: 1,
            lengths: Vec::new(),
            checks: self.default_checks,
        });
        while self.sources.files.is_empty()
            && let Some(next) = self.frames.last_mut().and_then(|frame| frame.waiting.pop_front())
        {
            self.open(&next);
        }
        !self.sources.files.is_empty()
    }

    /// Reads `bytes` as if they were the file `name`.
    pub(super) fn open_bytes(&mut self, name: &Path, bytes: &[u8]) {
        self.push_text(name, bytes.to_vec());
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
            if let Some(waiting) = frame.waiting.pop_front() {
                self.open(&waiting);
                continue;
            }
            let Some(file) = self.sources.files.get(frame.index) else {
                self.frames.pop();
                continue;
            };
            let Some(rest) = frame.next.and_then(|at| file.text.get(at..)) else {
                self.frames.pop();
                continue;
            };
            let number = frame.number;
            let end = rest.find('\n');
            let raw = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let before = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
            let length = frame.lengths.get(before).copied().unwrap_or(raw.len()) + usize::from(end.is_some());
            frame.next = end.and_then(|end| frame.next.map(|at| at + end + 1));
            frame.number = number.saturating_add(1);
            let message = if length > MAX_LINE {
                "line too long - ignoring"
            } else if raw.contains('\0') {
                "configuration appears to have embedded NULs - ignoring line"
            } else {
                return Some(Line {
                    file: Arc::clone(&file.name),
                    number,
                    text: Text::of_line(raw),
                });
            };
            let place = Place {
                file: Arc::clone(&file.name),
                line: number,
                column: 1,
                length: 0,
            };
            self.diagnostics
                .push(Diagnostic::new(Class::General, Some(place), message));
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
        if !text.starts_with("include") {
            return false;
        }
        // Without a blank and a name it is a word like any other (grammar 10.1).
        let Some((keyword, pattern)) = text.split_once([' ', '\t']) else {
            return false;
        };
        let default = self
            .frames
            .last()
            .map_or(self.default_checks, |frame| frame.checks);
        let Some(checks) = Checks::of_keyword(keyword, default) else {
            return false;
        };
        let pattern = pattern.trim_start_matches([' ', '\t']);
        let place = line.whole();
        if self.alone {
            let message = format!("no other files are read here - ignoring '{pattern}'");
            self.report(Class::General, Some(place), message);
        } else if self.depth() > MAX_DEPTH {
            let message = format!("includes are nested more than {MAX_DEPTH} deep - ignoring '{pattern}'");
            self.limit("depth", &place, message);
        } else {
            self.include_pattern(pattern, checks, &place);
        }
        true
    }

    /// How many files include the one that is read.
    fn depth(&self) -> usize {
        self.frames
            .iter()
            .filter(|frame| frame.index != usize::MAX)
            .count()
    }

    fn report(&mut self, class: Class, place: Option<Place>, message: String) {
        self.diagnostics.push(Diagnostic::new(class, place, message));
    }

    /// A limit was met: said once for each.
    fn limit(&mut self, which: &'static str, place: &Place, message: String) {
        if !self.full.contains(&which) {
            self.full.push(which);
            self.report(Class::General, Some(place.clone()), message);
        }
    }

    fn include_pattern(&mut self, pattern: &str, checks: Checks, place: &Place) {
        let dir = self
            .frames
            .last()
            .map_or_else(PathBuf::new, |frame| frame.dir.clone());
        let Some(alternatives) = glob::alternatives(pattern) else {
            let message = format!(
                "'{pattern}' has more than {} alternatives - ignoring it",
                glob::MAX_ALTERNATIVES
            );
            self.report(Class::General, Some(place.clone()), message);
            return;
        };
        let braces = alternatives.len() > 1;
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for one in &alternatives {
            let Some(matches) = glob::glob(&dir, one, &mut self.lookups) else {
                let message = format!(
                    "more than {MAX_LOOKUPS} names were looked at for includes - ignoring the others"
                );
                self.limit("lookups", place, message);
                return;
            };
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
            let mut diagnostic = Diagnostic::new(class, Some(place.clone()), message);
            // keepalived says nothing of a pattern without matches, if there is the directory to look in.
            if class != Class::Note || missing.iter().any(|one| !glob::has_directory(&dir, one)) {
                diagnostic = diagnostic.about(Topic::IncludeMissing);
            }
            // What is no mistake elsewhere on a line is a part of the name here (grammar 10.1).
            if pattern.contains('"') {
                diagnostic = diagnostic.with_help("quotes are a part of the name: write it without");
            } else if pattern.ends_with('}') && !pattern.contains('{') {
                diagnostic =
                    diagnostic.with_help("the whole rest of the line is the name: write `}` below it");
            }
            self.diagnostics.push(diagnostic);
        }
        let class = if checks.read {
            Class::IncludeFailed
        } else {
            Class::Note
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.waiting.extend(found.into_iter().map(|path| Waiting {
                path,
                place: Some(place.clone()),
                class,
            }));
        }
    }

    /// Whether `path` is being read: what includes itself would be read without end.
    fn is_open(&self, path: &Path) -> bool {
        std::fs::canonicalize(path).is_ok_and(|real| self.frames.iter().any(|frame| frame.real == real))
    }

    /// Opens one file.
    fn open(&mut self, waiting: &Waiting) {
        let Waiting { path, place, class } = waiting;
        if self.is_open(path) {
            let message = format!(
                "Configuration file '{}' includes itself - skipping",
                path.display()
            );
            return self.report(Class::General, place.clone(), message);
        }
        let shown = path.display();
        let failed = |error: io::Error| format!("Unable to open configuration file '{shown}': {error}");
        let left = MAX_TOTAL_SIZE.saturating_sub(self.size);
        let refused = match std::fs::metadata(path) {
            Err(error) => failed(error),
            Ok(meta) if meta.is_dir() => format!("Configuration file '{shown}' is a directory - skipping"),
            Ok(meta) if !meta.is_file() || meta.permissions().mode() & 0o111 != 0 => {
                format!("Configuration file '{shown}' is not a regular non-executable file - skipping")
            }
            Ok(_) if self.sources.files.len() >= MAX_FILES => {
                format!("more than {MAX_FILES} configuration files - skipping '{shown}'")
            }
            Ok(_) => match read_file(path, MAX_FILE_SIZE.min(left)) {
                Ok(bytes) => return self.push_text(path, bytes),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge && left < MAX_FILE_SIZE => {
                    format!(
                        "the configuration files together are larger than {} MiB - skipping '{shown}'",
                        MAX_TOTAL_SIZE >> 20
                    )
                }
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => format!(
                    "Configuration file '{shown}' is larger than {} MiB - skipping",
                    MAX_FILE_SIZE >> 20
                ),
                Err(error) => failed(error),
            },
        };
        self.report(*class, place.clone(), refused);
    }

    fn push_text(&mut self, path: &Path, bytes: Vec<u8>) {
        self.size = self
            .size
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let (text, lengths) = match String::from_utf8(bytes) {
            Ok(text) => (text, Vec::new()),
            Err(error) => {
                let bytes = error.as_bytes();
                let lengths = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).collect();
                (String::from_utf8_lossy(bytes).into_owned(), lengths)
            }
        };
        let dir = match path.parent() {
            Some(dir) if dir != Path::new("") => dir.to_path_buf(),
            _ => PathBuf::from("."),
        };
        // `include_check` holds for what is included as well, until its own file ends (grammar 10.6).
        let checks = self
            .frames
            .last()
            .map_or(self.default_checks, |frame| frame.checks);
        self.frames.push(Frame {
            real: std::fs::canonicalize(path).unwrap_or_default(),
            waiting: VecDeque::new(),
            dir,
            index: self.sources.files.len(),
            next: Some(0),
            number: 1,
            lengths,
            checks,
        });
        self.sources.files.push(SourceFile {
            name: Arc::new(path.to_path_buf()),
            text,
        });
    }
}
