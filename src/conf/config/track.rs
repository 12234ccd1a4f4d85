//! What trackers refer to besides scripts: `track_file`, `vrrp_track_process`.

use super::Spanned;
pub use crate::track::config::{InitFile, ParamMatch};
use std::path::PathBuf;
use std::time::Duration;

/// `track_file`
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct TrackFile {
    pub name: Spanned<String>,
    /// Relative to the file that names it.
    pub file: Option<Spanned<PathBuf>>,
    /// 1 where none is written.
    pub weight: i16,
    pub reverse: bool,
    pub init_file: Option<InitFile>,
}

/// `vrrp_track_process`
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct TrackProcess {
    pub name: Spanned<String>,
    /// Its path and its parameters.
    pub process: Option<Spanned<Vec<String>>>,
    pub param_match: Option<ParamMatch>,
    pub weight: Option<i16>,
    pub reverse: bool,
    pub quorum: Option<u32>,
    pub quorum_max: Option<u32>,
    pub terminate_delay: Option<Duration>,
    pub fork_delay: Option<Duration>,
    pub full_command: bool,
}
