//! FILE_CHECK and BFD_CHECK: checkers that ask nobody, and follow what others report: the number in a tracked file, the
//! state of a BFD session (facts 12). Pure.

use super::config::{FileCheckConfig, ProbeConfig};
use super::event::{ProbeOutcome, Reason};
use super::verdict::Verdicts;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was reported last, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// The numbers in tracked files.
    pub files: BTreeMap<String, i32>,
    /// Whether BFD sessions are up.
    pub sessions: BTreeMap<String, bool>,
    /// The instances that are MASTER, of those that virtual servers follow, by their names in the running configuration;
    /// nothing, while that is not known.
    pub masters: Option<Arc<BTreeSet<String>>>,
    /// What an earlier run has found out; for the start only.
    pub verdicts: Verdicts,
}

impl Reports {
    /// What is known of something. A file of which nothing was reported cannot be read: its number is 0 (fact 12.1).
    pub(super) fn of(&self, followed: &Followed) -> Option<Report> {
        match followed {
            Followed::File(name) => Some(Report::File(self.files.get(name).copied().unwrap_or(0))),
            Followed::Session(name) => self.sessions.get(name).copied().map(Report::Session),
        }
    }
}

/// What is reported to a checker that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The number in the file.
    File(i32),
    /// The session is up.
    Session(bool),
}

impl Report {
    /// What it means: the verdict, and what a good one adds to the weight.
    pub(super) fn judge(self, probe: &ProbeConfig) -> (ProbeOutcome, i64) {
        match (self, probe) {
            (Self::File(value), ProbeConfig::File(file)) => match measure(file, value) {
                Some(added) => (ProbeOutcome::OK, added),
                None => (ProbeOutcome::Failure(Reason::File(value)), 0),
            },
            (Self::Session(false), _) => (ProbeOutcome::Failure(Reason::SessionDown), 0),
            (Self::Session(true) | Self::File(_), _) => (ProbeOutcome::OK, 0),
        }
    }
}

/// What a file's number adds to the weight; nothing: the server is down (facts 12.2, 12.3).
fn measure(file: &FileCheckConfig, value: i32) -> Option<i64> {
    if file.weight == 0 {
        return ((value != 0) == file.reverse).then_some(0);
    }
    let product = i64::from(value) * i64::from(file.weight);
    let added = if file.reverse { -product } else { product };
    (added > i64::from(i32::MIN)).then_some(added.min(i64::from(i32::MAX)))
}

/// What a checker follows instead of asking.
pub(super) fn followed(probe: &ProbeConfig) -> Option<Followed> {
    match probe {
        ProbeConfig::File(file) => Some(Followed::File(file.track_file.clone())),
        ProbeConfig::Bfd(name) => Some(Followed::Session(name.clone())),
        ProbeConfig::Tcp(_)
        | ProbeConfig::Http(_)
        | ProbeConfig::Misc(_)
        | ProbeConfig::Smtp(_)
        | ProbeConfig::Dns(_)
        | ProbeConfig::Udp(_)
        | ProbeConfig::Ping(_)
        | ProbeConfig::Service(_) => None,
    }
}

/// Something that checkers follow, by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Followed {
    /// `track_file`
    File(String),
    /// `bfd_instance`
    Session(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LVS facts: 12.2, 12.3
    #[test]
    fn the_weight_says_what_a_number_means() {
        for (weight, reverse, value, added) in [
            (3, false, 2, Some(6)),
            (3, true, 2, Some(-6)),
            (-3, false, 2, Some(-6)),
            (1, false, i32::MIN, None),
            (1, false, i32::MIN + 1, Some(-i64::from(i32::MAX))),
            (1, true, i32::MAX, Some(-i64::from(i32::MAX))),
            (2, false, -1 << 30, None),
            (-2, true, -1 << 30, None),
            (i32::MAX, false, i32::MAX, Some(i64::from(i32::MAX))),
            (-i32::MAX, false, i32::MAX, None),
            (0, false, 0, Some(0)),
            (0, false, -1, None),
            (0, true, 0, None),
            (0, true, 7, Some(0)),
        ] {
            let file = FileCheckConfig {
                track_file: "F".into(),
                weight,
                reverse,
            };
            assert_eq!(measure(&file, value), added, "{weight} {reverse} {value}");
        }
    }
}
