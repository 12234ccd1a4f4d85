//! What the commands share that keepalived does not have: `config`, `plan` and `reload`.
//!
//! Each is recognised only where its word is the very first argument, so that left-over words stay what they are to
//! keepalived (fact 1.3). Spelled as usual today: what is wrong with the words ends the program with 1 and says why.

use super::{Exit, Options};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::path::Path;

/// How a file is read, as the options of the same names say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `-i`
    pub config_id: Option<String>,
    /// `-s`
    pub namespace: Option<String>,
    /// `-e`
    pub all_config: bool,
}

impl Reading {
    /// The options of a test of `file`.
    pub fn as_tested(&self, file: &Path) -> Options {
        Options {
            config: file.to_owned(),
            config_id: self.config_id.clone(),
            namespace: self.namespace.clone(),
            all_config: self.all_config,
            config_test: Some(None),
            ..Options::default()
        }
    }
}

/// Understands the command line, if its first word after the program's name is `name`.
pub(super) fn understand<T>(
    args: &[OsString],
    name: &str,
    command: fn() -> Command,
    interpret: fn(&ArgMatches) -> Option<T>,
) -> Option<Result<T, Exit>> {
    let (_program, rest) = args.split_first()?;
    if rest.first().is_none_or(|word| word != name) {
        return None;
    }
    Some(match command().try_get_matches_from(rest) {
        Ok(matches) => interpret(&matches).ok_or_else(|| wrong(command().render_usage().to_string())),
        Err(error) => Err(match error.kind() {
            ErrorKind::DisplayHelp => Exit {
                code: 0,
                stdout: error.to_string(),
                stderr: String::new(),
            },
            _ => wrong(error.to_string()),
        }),
    })
}

fn wrong(stderr: String) -> Exit {
    Exit {
        code: 1,
        stdout: String::new(),
        stderr,
    }
}

/// What all have that read a file as the daemon would.
pub(super) fn reading(command: Command) -> Command {
    command
        .arg(
            Arg::new("config-id")
                .short('i')
                .long("config-id")
                .value_name("ID")
                .help("Identity for configuration lines that begin with @ID"),
        )
        .arg(
            Arg::new("namespace")
                .short('s')
                .long("namespace")
                .value_name("NAME")
                .help("Look at the interfaces of this network namespace"),
        )
        .arg(flag("all-config", "A missing configuration file is an error").short('e'))
}

pub(super) fn format() -> Arg {
    Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .value_parser(["text", "json"])
        .help("How to show what was found")
}

pub(super) fn flag(long: &'static str, help: &'static str) -> Arg {
    Arg::new(long).long(long).help(help).action(ArgAction::SetTrue)
}

pub(super) fn how(matches: &ArgMatches) -> Reading {
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    Reading {
        config_id: text("config-id"),
        namespace: text("namespace"),
        all_config: matches.get_flag("all-config"),
    }
}
