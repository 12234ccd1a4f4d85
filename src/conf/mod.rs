//! keepalived.conf: from text to typed values, with every mistake named at its place.
//!
//! `source` (files, includes) → `expand` (conditions, definitions) → `token` (words, braces) → `tree` (blocks) →
//! `audit` (is every keyword one?) → `lower` → [`config::Config`], one statement of the top level after the other, so
//! that a large tree never is in memory as a whole. Reading never aborts: it returns what could be understood and a list
//! of [`diag::Diagnostic`]s. What follows from several values together is [`crate::plan::build`]'s.

mod audit;
pub mod config;
pub mod diag;
mod expand;
pub mod fmt;
pub mod hint;
pub mod keyword;
mod lower;
pub mod names;
mod number;
pub mod report;
pub mod schema;
mod sequence;
mod source;
mod text;
mod token;
mod tree;

pub use source::{SourceFile, Sources};

use audit::Audit;
use config::Config;
use diag::Diagnostic;
use expand::Expander;
use lower::Lowering;
use names::Names;
use source::Reader;
use std::path::{Path, PathBuf};
use tree::{Builder, Statement};

/// How to read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// What `@ID` lines are compared with: `-i`, otherwise the host's name up to the first dot (grammar 7.2).
    pub config_id: String,
    /// `-e`: every include that fails counts.
    pub all_config: bool,
    /// `-t`: numbers with something after them are refused (grammar 6.2).
    pub test: bool,
    /// Nothing but the text itself is read: no include (each is a mistake), no table of names, no variable of the
    /// environment. For texts that nobody vouches for.
    pub alone: bool,
    /// What `${_RANDOM}` begins with; the caller takes it from a clock. 0 is taken for 1.
    pub random_seed: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            config_id: String::new(),
            all_config: false,
            test: false,
            alone: false,
            random_seed: 1,
        }
    }
}

/// What reading gave.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What was understood.
    pub config: Config,
    /// What was wrong, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// The files.
    pub sources: Sources,
    /// Whether the file of `-f` could be read at all: without it a daemon ends with status 6 (grammar 11.3).
    pub found: bool,
}

/// Reads the file of `-f`, which is a pattern, and all it includes.
pub fn read(path: &Path, options: &ReadOptions) -> Reading {
    read_from(options, |reader| reader.open_top(path, options.all_config))
}

/// Reads `text` as if it stood in the file `name`; includes are relative to that.
pub fn read_str(name: &Path, text: &str, options: &ReadOptions) -> Reading {
    read_bytes(name, text.as_bytes(), options)
}

/// Reads `bytes` as if they stood in the file `name`; includes are relative to that.
pub fn read_bytes(name: &Path, bytes: &[u8], options: &ReadOptions) -> Reading {
    read_from(options, |reader| {
        reader.open_bytes(name, bytes);
        true
    })
}

fn read_from(options: &ReadOptions, open: impl Fn(&mut Reader) -> bool) -> Reading {
    let (reading, folders) = pass(options, &open, &Folders::default());
    if options.alone || folders == Folders::default() {
        return reading;
    }
    // Only now it is known where the tables of names are, and their names may have been used before.
    pass(options, &open, &folders).0
}

/// Where `global_defs` says that iproute2's tables are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Folders {
    usr: Option<PathBuf>,
    etc: Option<PathBuf>,
}

impl Folders {
    fn note(&mut self, statement: &Statement) {
        for setting in statement.body.iter().flatten() {
            let [folder] = setting.args() else { continue };
            match setting.keyword() {
                "iproute_usr_dir" => self.usr = Some(PathBuf::from(&folder.text)),
                "iproute_etc_dir" => self.etc = Some(PathBuf::from(&folder.text)),
                _ => {}
            }
        }
    }

    fn names(&self, options: &ReadOptions) -> Names {
        if options.alone {
            return Names::default();
        }
        source::names::load(self.usr.as_deref(), self.etc.as_deref())
    }
}

/// Reads everything once, with the names of `folders`; gives the folders that it names itself.
fn pass(options: &ReadOptions, open: impl Fn(&mut Reader) -> bool, folders: &Folders) -> (Reading, Folders) {
    let mut reader = Reader::new(options);
    let found = open(&mut reader);
    let names = folders.names(options);
    let mut named = Folders::default();
    let mut expander = Expander::new(reader, options);
    let mut builder = Builder::default();
    let mut audit = Audit::new(options);
    let mut lowering = Lowering::new(options, &names);
    let mut understand = |statement: &Statement| {
        audit.statement(statement);
        lowering.statement(statement);
        if statement.keyword() == "global_defs" {
            named.note(statement);
        }
    };
    while let Some(line) = expander.next() {
        builder.line(line);
        builder.complete().iter().for_each(&mut understand);
    }
    let (rest, mut diagnostics) = builder.finish();
    rest.iter().for_each(&mut understand);
    diagnostics.extend(audit.diagnostics);
    let (config, more) = lowering.finish();
    diagnostics.extend(more);
    diagnostics.append(&mut expander.reader.diagnostics);
    let sources = expander.reader.sources;
    diag::sort(&mut diagnostics, &sources);
    hint::add(&mut diagnostics, &sources);
    let reading = Reading {
        config,
        diagnostics,
        sources,
        found,
    };
    (reading, named)
}

#[cfg(test)]
mod tests;
