//! `steadfast config …`: carries out what [`crate::cli::config`] has understood.
//!
//! Starts nothing; a file is read as `-t` reads it, for this host.

mod format;
mod lint;

pub(super) use lint::remarks;

use super::config_test::tell;
use super::exit::{FAILED, NO_FILE};
use super::load::load_and_enter;
use crate::cli::config::Wanted;
use crate::cli::{self, Options, Reading};
use crate::conf::schema;
use crate::plan;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Does it, and gives the exit status.
pub(super) fn run(wanted: &Wanted) -> ExitCode {
    ExitCode::from(match wanted {
        Wanted::Show {
            file,
            show_secrets,
            how,
        } => show(file, *show_secrets, how),
        Wanted::Lint {
            files,
            ids,
            format,
            how,
        } => match lint::directors(files, ids) {
            Ok(directors) => {
                let each = directors.into_iter().map(|(file, config_id)| Options {
                    config_id,
                    ..how.as_tested(&file)
                });
                lint::run(&each.collect::<Vec<_>>(), *format)
            }
            Err(why) => lint::refuse(&why),
        },
        Wanted::Schema => print_schema(),
        Wanted::Fmt { files, then } => format::run(files, *then),
    })
}

fn print_schema() -> u8 {
    match io::stdout().write_all(schema::text().as_bytes()) {
        Ok(()) => 0,
        Err(error) => failed(&format!("The result cannot be written: {error}")),
    }
}

/// The effective configuration on standard output, what is wrong with it on standard error, and `-t`'s status.
fn show(file: &Path, show_secrets: bool, how: &Reading) -> u8 {
    let loaded = match load_and_enter(&how.as_tested(file)) {
        Ok(loaded) => loaded,
        Err(error) => return failed(&error.to_string()),
    };
    let written = tell(&loaded, &mut io::stderr())
        .and_then(|()| io::stdout().write_all(plan::print::print(&loaded.plan, show_secrets).as_bytes()));
    match written {
        Err(error) => failed(&format!("The result cannot be written: {error}")),
        Ok(()) if !loaded.found() => NO_FILE,
        Ok(()) => plan::exit_code(&loaded.diagnostics),
    }
}

fn failed(why: &str) -> u8 {
    cli::print("", &format!("{why}\n"));
    FAILED
}
