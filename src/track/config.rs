//! What a track script's runner needs to know.

use crate::script::config::Command;
use std::time::Duration;

/// A `vrrp_script`: run at once, then every `interval`; a run still going at its next turn is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackScriptConfig {
    /// Its name.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// From start to start. Default 1 s.
    pub interval: Duration,
    /// A run that takes longer is killed and counts as failed. Default: `interval`.
    pub timeout: Duration,
    /// Default weight of `track_script` entries that give none; kept for dumps.
    pub weight: i16,
    /// `weight … reverse`
    pub reverse: bool,
    /// Consecutive successes that make it good.
    pub rise: u32,
    /// Consecutive failures that make it bad.
    pub fall: u32,
}
