//! `-t`: reads the configuration, says what is wrong with it, and exits with keepalived's status.
//!
//! Starts nothing and writes nothing but its messages (cli reference, section 3). With `-d` the effective
//! configuration goes to standard output. `--format json` makes one document of both.

use super::exit::Exit;
use super::load::{Loaded, load_and_enter};
use crate::cli::{Format, Parsed};
use crate::conf::diag::{self, Class, Diagnostic, Topic};
use crate::conf::report;
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
            let message = format!("{error}; the configuration was not tested");
            let _ = match options.format {
                Format::Text => writeln!(log, "{message}"),
                Format::Json => {
                    let found = Diagnostic::new(Class::Unheeded, None, message);
                    let document = report::json(&[found.about(Topic::NetNamespaceAbsent)], 0, None);
                    match log_file {
                        Some(_) => log.write_all(document.as_bytes()),
                        None => io::stdout().write_all(document.as_bytes()),
                    }
                }
            };
            return Exit::Normal.into();
        }
    };
    let status = status(&loaded, parsed);
    let printed = options.dump_conf.then(|| plan::print::print(&loaded.plan, false));
    let written = match options.format {
        Format::Text => tell(&loaded, &mut log)
            .and_then(|()| io::stdout().write_all(printed.unwrap_or_default().as_bytes())),
        Format::Json => {
            let document = report::json(&loaded.diagnostics, status, printed.as_deref());
            match log_file {
                Some(_) => log.write_all(document.as_bytes()),
                None => io::stdout().write_all(document.as_bytes()),
            }
        }
    };
    match written {
        Ok(()) => ExitCode::from(status),
        Err(error) => {
            let _ = writeln!(io::stderr(), "The result cannot be written: {error}");
            Exit::Fatal.into()
        }
    }
}

/// Shows what is to be said of a configuration to people.
pub(super) fn tell(loaded: &Loaded, to: &mut dyn Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    diag::render_terminal(&loaded.diagnostics, &loaded.sources, &mut to)?;
    to.flush()
}

/// keepalived's status. A bad value on the command line counts as a configuration error, but for worse ones; with
/// `--strict` so does everything that was said.
fn status(loaded: &Loaded, parsed: &Parsed) -> u8 {
    let strict = parsed.options.strict && !loaded.diagnostics.is_empty();
    match plan::exit_code(&loaded.diagnostics) {
        0 if parsed.faulty || strict => CONFIGURATION_ERRORS,
        status => status,
    }
}
