//! The daemon: planes, supervision, signals, reload, shutdown. The top of the house; no room imports it.

pub mod dump;
pub mod kernel_worker;
pub mod last_will;
pub mod log;
pub mod pidfile;
pub mod plane;
pub mod signal;
pub mod version;
pub mod vrrp_plane;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program and returns its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match crate::cli::parse(args) {
        Err(exit) => exit.finish(),
        Ok(parsed) => {
            crate::cli::print(&parsed.stdout, &parsed.stderr);
            ExitCode::SUCCESS
        }
    }
}
