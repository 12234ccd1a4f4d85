//! The daemon: planes, supervision, signals, reload, shutdown. The top of the house; no room imports it.
//!
//! [`main`] is all that the binary calls. `start` goes from the command line to running planes; `control` is the
//! loop of the control plane until the end; `config_test` is `-t`, `config_command` what else there is to do
//! with a configuration, `plan_command` says what a reload would do; `ask_command` asks the daemon that runs, by its
//! `socket`; `genhash` asks for a web page.

mod appointment;
mod ask_command;
pub mod bfd_plane;
pub mod check_plane;
mod config_command;
mod config_test;
mod control;
mod core_pattern;
pub mod dump;
mod exit;
mod expiry;
mod genhash;
mod holder;
pub mod kernel_worker;
pub mod last_will;
mod life;
mod limits;
mod load;
mod local_addresses;
pub mod log;
mod pace;
mod paths;
pub mod pidfile;
mod ping_range;
mod plan_command;
pub mod plane;
pub mod pulse;
mod reload_clock;
mod reload_mark;
mod resolve;
pub mod signal;
mod socket;
mod start;
mod state;
mod trial;
pub mod version;
pub mod vrrp_plane;

use crate::cli::{self, Ended};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program and returns its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    match cli::config::parse(&args) {
        Some(Ok(wanted)) => return config_command::run(&wanted),
        Some(Err(exit)) => return exit.finish(),
        None => {}
    }
    match cli::plan::parse(&args) {
        Some(Ok(wanted)) => return plan_command::run(&wanted),
        Some(Err(exit)) => return exit.finish(),
        None => {}
    }
    match cli::reload::parse(&args) {
        Some(Ok(wanted)) => return ask_command::reload(&wanted),
        Some(Err(exit)) => return exit.finish(),
        None => {}
    }
    match cli::parse(args.iter().cloned()) {
        Err(Ended::Exit(exit)) => exit.finish(),
        Err(Ended::Genhash { wanted, stderr }) => {
            cli::print("", &stderr);
            genhash::run(&wanted)
        }
        Ok(parsed) => {
            cli::print(&parsed.stdout, &parsed.stderr);
            match &parsed.options.config_test {
                Some(log_file) => config_test::run(&parsed, log_file.as_deref()),
                None => start::run(parsed.options, &args).into(),
            }
        }
    }
}
