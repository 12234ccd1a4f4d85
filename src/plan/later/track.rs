//! What virtual routers may track and nothing comes of yet.

use crate::conf::config::{TrackFile, TrackProcess};
use std::collections::BTreeSet;

/// Files, processes, and how scripts begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaterTracked {
    /// `track_file`
    pub files: Vec<TrackFile>,
    /// `vrrp_track_process`
    pub processes: Vec<TrackProcess>,
    /// The scripts with `init_fail`.
    pub init_fail: BTreeSet<String>,
}
