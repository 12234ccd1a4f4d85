//! The daemon: planes, supervision, signals, reload, shutdown. The top of the house; no room imports it.

pub mod kernel_worker;
pub mod last_will;
pub mod plane;
pub mod vrrp_plane;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program and returns its exit status.
pub fn main(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
