//! The daemon: planes, supervision, signals, reload, shutdown. The top of the house; no room imports it.

pub mod check_plane;
pub mod plane;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program and returns its exit status.
pub fn main(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
