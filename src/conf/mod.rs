//! keepalived.conf: from text to typed values, with every mistake named at its place.
//!
//! `source` (files, includes) → `expand` (conditions, definitions) → `token` (words, braces) → `tree` (blocks) →
//! `audit` (is every keyword one?) → `lower` → [`config::Config`]. Reading never aborts: it returns what could be
//! understood and a list of [`diag::Diagnostic`]s. What follows from several values together is
//! [`crate::plan::build`]'s.

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

use config::Config;
use diag::Diagnostic;
use expand::Expander;
use source::Reader;
use std::path::Path;

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
    let mut reader = Reader::new(options);
    let found = reader.open_top(path, options.all_config);
    finish(reader, options, found)
}

/// Reads `text` as if it stood in the file `name`; includes are relative to that.
pub fn read_str(name: &Path, text: &str, options: &ReadOptions) -> Reading {
    read_bytes(name, text.as_bytes(), options)
}

/// Reads `bytes` as if they stood in the file `name`; includes are relative to that.
pub fn read_bytes(name: &Path, bytes: &[u8], options: &ReadOptions) -> Reading {
    let mut reader = Reader::new(options);
    reader.open_bytes(name, bytes);
    finish(reader, options, true)
}

fn finish(reader: Reader, options: &ReadOptions, found: bool) -> Reading {
    let mut expander = Expander::new(reader, options);
    let (tree, mut diagnostics) = tree::build(std::iter::from_fn(|| expander.next()));
    diagnostics.extend(audit::audit(&tree, options));
    let names = iproute_names(&tree, options);
    let (config, more) = lower::lower(&tree, options, &names);
    diagnostics.extend(more);
    diagnostics.append(&mut expander.reader.diagnostics);
    let sources = expander.reader.sources;
    diag::sort(&mut diagnostics, &sources);
    hint::add(&mut diagnostics, &sources);
    Reading {
        config,
        diagnostics,
        sources,
        found,
    }
}

/// iproute2's names, from where `global_defs` says that they are.
fn iproute_names(tree: &[tree::Statement], options: &ReadOptions) -> names::Names {
    if options.alone {
        return names::Names::default();
    }
    let globals = tree
        .iter()
        .filter(|statement| statement.keyword() == "global_defs")
        .flat_map(|statement| statement.body.as_deref().unwrap_or_default());
    let (mut usr, mut etc) = (None, None);
    for statement in globals {
        let dir = match statement.args() {
            [dir] => Some(Path::new(&dir.text)),
            _ => continue,
        };
        match statement.keyword() {
            "iproute_usr_dir" => usr = dir,
            "iproute_etc_dir" => etc = dir,
            _ => {}
        }
    }
    source::names::load(usr, etc)
}

#[cfg(test)]
mod tests;
