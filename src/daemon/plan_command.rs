//! `steadfast plan`: carries out what [`crate::cli::plan`] has understood.
//!
//! Starts nothing and changes nothing. Files are read as `-t` reads them, for this host.

use super::ask_command;
use super::config_test::tell;
use super::exit::{FAILED, FLAPS, NO_FILE};
use super::load::{Judgement, Loaded, load, load_and_enter};
use super::socket::protocol::Request;
use crate::cli::plan::Wanted;
use crate::cli::{self, DEFAULT_CONFIG, Format};
use crate::plan;
use crate::plan::diff::{PlanDiff, diff};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Does it, and gives the exit status.
pub(super) fn run(wanted: &Wanted) -> ExitCode {
    let status = match &wanted.from {
        Some(from) => offline(from, wanted).map(ExitCode::from),
        None => request(wanted).map(|request| ask_command::ask(&wanted.daemon, &request, wanted.format)),
    };
    status.unwrap_or_else(|why| {
        cli::print("", &format!("{why}\n"));
        ExitCode::from(FAILED)
    })
}

/// What the daemon is asked. It reads the file itself, where it is.
fn request(wanted: &Wanted) -> Result<Request, String> {
    let file = wanted.file.as_ref().map(std::path::absolute).transpose();
    Ok(Request::Plan {
        file: file.map_err(|error| format!("The file cannot be named: {error}"))?,
        brief: wanted.brief,
    })
}

/// Between two files: what a daemon that runs `from` would do.
fn offline(from: &Path, wanted: &Wanted) -> Result<u8, String> {
    let file = wanted
        .file
        .as_deref()
        .unwrap_or_else(|| Path::new(DEFAULT_CONFIG));
    // The daemon stays in the network namespace of its start.
    let old = load_and_enter(&wanted.how.as_tested(from)).map_err(|error| error.to_string())?;
    let mut new = load(&wanted.how.as_tested(file));
    let told = tell(&old, &mut io::stderr()).and_then(|()| tell(&new, &mut io::stderr()));
    told.map_err(|error| format!("What is wrong cannot be said: {error}"))?;
    if old.judge() != Judgement::Runnable {
        return Err(format!(
            "{} cannot be run: nothing can be compared with it",
            from.display()
        ));
    }
    if let Some(status) = unusable(&new) {
        return Ok(status);
    }
    new.plan.keep_marks(&old.plan);
    let diff = diff(&old.plan, &new.plan);
    let shown = shown(&diff, wanted);
    let written = io::stdout().write_all(shown.as_bytes());
    written.map_err(|error| format!("The result cannot be written: {error}"))?;
    Ok(status(&diff, &new))
}

/// The status of a file that no reload would take.
fn unusable(new: &Loaded) -> Option<u8> {
    if !new.found() {
        return Some(NO_FILE);
    }
    (new.judge() != Judgement::Runnable).then(|| plan::exit_code(&new.diagnostics).max(FAILED))
}

/// The status of `-t` counts first: who asks in a script has to look at the file before anything else.
fn status(diff: &PlanDiff, new: &Loaded) -> u8 {
    match plan::exit_code(&new.diagnostics) {
        0 if !diff.is_hitless() => FLAPS,
        status => status,
    }
}

/// For people or for programs.
pub(super) fn shown(diff: &PlanDiff, wanted: &Wanted) -> String {
    match wanted.format {
        Format::Text if wanted.brief => diff.brief(),
        Format::Text => diff.text(),
        Format::Json => format!("{:#}\n", diff.json()),
    }
}
