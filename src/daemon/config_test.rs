//! `-t`: reads the configuration, says what is wrong with it, and exits with keepalived's status.
//!
//! Starts nothing and writes nothing but its messages (cli reference, section 3). With `-d` the effective
//! configuration goes to standard output.

use super::exit::Exit;
use super::load::load_and_enter;
use crate::cli::Parsed;
use crate::conf::diag;
use crate::plan;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// keepalived's exit status for mistakes that do not keep the daemon from running.
const CONFIGURATION_ERRORS: u8 = 5;

/// Runs the test; messages go to `log_file`, or to standard error.
pub(super) fn run(parsed: &Parsed, log_file: Option<&Path>) -> ExitCode {
    let options = &parsed.options;
    let mut log: Box<dyn Write> = match log_file {
        None => Box::new(io::stderr()),
        Some(path) => match OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o644)
            .open(path)
        {
            Ok(file) => Box::new(file),
            Err(error) => {
                // Nobody is left to be told when standard error is closed too.
                let _ = writeln!(io::stderr(), "Cannot open {}: {error}", path.display());
                return Exit::Fatal.into();
            }
        },
    };
    let loaded = match load_and_enter(options) {
        Ok(loaded) => loaded,
        Err(error) => {
            // keepalived ends here in silence with this very status.
            let _ = writeln!(log, "{error}; the configuration was not tested");
            return Exit::Normal.into();
        }
    };
    let mut log = BufWriter::new(log);
    let told =
        diag::render_terminal(&loaded.diagnostics, &loaded.sources, &mut log).and_then(|()| log.flush());
    let shown = if options.dump_conf {
        io::stdout().write_all(plan::print::print(&loaded.plan, false).as_bytes())
    } else {
        Ok(())
    };
    if let Err(error) = told.and(shown) {
        let _ = writeln!(io::stderr(), "The result cannot be written: {error}");
        return Exit::Fatal.into();
    }
    // A bad value on the command line counts as a configuration error, but for worse ones.
    match plan::exit_code(&loaded.diagnostics) {
        0 if parsed.faulty => ExitCode::from(CONFIGURATION_ERRORS),
        status => ExitCode::from(status),
    }
}
