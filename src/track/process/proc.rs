//! Processes as `/proc` shows them.

use super::count::{Look, Seen, by_command};
use crate::track::config::ProcessConfig;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

/// `stat` begins with the number, the name and the state; a name has at most 63 octets here.
const STAT: u64 = 128;

/// A directory like `/proc`.
#[derive(Debug)]
pub struct ProcFs {
    root: PathBuf,
}

impl ProcFs {
    /// The one at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// How much of a command line decides whether it is one of `processes`: the longest that is looked for, and one octet
    /// more, so that a longer one is seen to be longer. A last parameter that is only the beginning of one needs all of it.
    pub fn limit(&self, processes: &[ProcessConfig]) -> Option<usize> {
        let lines = processes.iter().filter(|config| by_command(config));
        let length = |config: &ProcessConfig| {
            let parameters: usize = config.parameters.iter().map(|word| word.len() + 1).sum();
            config.program.len() + 1 + parameters + 1
        };
        let longest = lines.clone().map(length).max()?;
        let partial = lines.into_iter().any(|config| config.param_match.is_some());
        Some(if partial { longest.max(LONGEST) } else { longest })
    }

    fn read(&self, pid: u32, file: &str, limit: u64) -> Option<Vec<u8>> {
        let path = self.root.join(pid.to_string()).join(file);
        let mut text = Vec::new();
        File::open(path).ok()?.take(limit).read_to_end(&mut text).ok()?;
        Some(text)
    }
}

/// So much is read of a command line of which only a part is told.
const LONGEST: usize = 128 * 1024;

impl Look for ProcFs {
    fn all(&self) -> Vec<u32> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).collect()
    }

    fn one(&self, pid: u32, limit: Option<usize>) -> Option<Seen> {
        let stat = self.read(pid, "stat", STAT)?;
        // A name may have brackets in it; nothing after the state has.
        let begin = stat.iter().position(|octet| *octet == b'(')? + 1;
        let end = stat.iter().rposition(|octet| *octet == b')')?;
        // One that has ended and waits for its parent is none.
        if matches!(stat.get(end + 2), Some(b'Z' | b'X')) {
            return None;
        }
        let name = stat.get(begin..end)?.to_vec();
        let command = match limit {
            None => Vec::new(),
            Some(limit) => words(&self.read(pid, "cmdline", u64::try_from(limit).unwrap_or(u64::MAX))?),
        };
        Some(Seen { name, command })
    }
}

fn words(line: &[u8]) -> Vec<Vec<u8>> {
    if line.is_empty() {
        return Vec::new();
    }
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    line.split(|octet| *octet == 0).map(<[u8]>::to_vec).collect()
}
