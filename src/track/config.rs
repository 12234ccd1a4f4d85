//! What the trackers' runners need to know.

mod absorb;

use crate::script::config::Command;
use std::path::PathBuf;
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

/// A `track_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// Its name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Default weight of entries that give none; kept for dumps.
    pub weight: i16,
    /// `weight … reverse`
    pub reverse: bool,
    /// What is written into it at start.
    pub init: Option<InitFile>,
}

/// `init_file`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InitFile {
    /// What is written into it.
    pub value: i32,
    /// Even if there is one.
    pub overwrite: bool,
}

/// A `vrrp_track_process`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessConfig {
    /// Its name.
    pub name: String,
    /// What is counted: its path or name.
    pub program: String,
    /// The parameters that it must have.
    pub parameters: Vec<String>,
    /// How they are compared; `None`: they are not.
    pub param_match: Option<ParamMatch>,
    /// Compare with the command line's first word instead of the kernel's name.
    pub full_command: bool,
    /// Default weight of entries that give none; kept for dumps.
    pub weight: i16,
    /// `weight … reverse`
    pub reverse: bool,
    /// At least so many make a quorum.
    pub quorum: u32,
    /// More are too many.
    pub quorum_max: Option<u32>,
    /// How long a loss must last.
    pub terminate_delay: Duration,
    /// How long a gain must last.
    pub fork_delay: Duration,
}

/// `process_monitor_rcv_bufs`: the buffer of process events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveBuffer {
    /// Octets; the kernel's default without.
    pub size: Option<u32>,
    /// Beyond what the kernel allows.
    pub force: bool,
}

/// `param_match`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamMatch {
    /// All of them as they are.
    Exact,
    /// `initial`: there may be more.
    Initial,
    /// `partial`: the last one may be longer.
    Partial,
}
