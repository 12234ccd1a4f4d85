//! `steadfast config …`: what keepalived does not have, about a configuration instead of a daemon.
//!
//! Recognised only where `config` is the very first argument, so that left-over words stay what they are to
//! keepalived (fact 1.3). Spelled as usual today: what is wrong with the words ends the program with 1 and says why.

use super::{DEFAULT_CONFIG, Exit, Format};
use clap::builder::PathBufValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::path::PathBuf;

/// The word that makes it such a command line.
const NAME: &str = "config";

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `config lint`: what is legal and yet not meant, in one file or between several.
    Lint {
        /// The files; at least one.
        files: Vec<PathBuf>,
        /// Every `-i`.
        ids: Vec<String>,
        /// How findings are shown.
        format: Format,
        /// How the files are read.
        how: Reading,
    },
    /// `config show`: the effective configuration.
    Show {
        /// The file.
        file: PathBuf,
        /// Passwords as they are.
        show_secrets: bool,
        /// How the file is read.
        how: Reading,
    },
    /// `config schema`: the language as a JSON Schema.
    Schema,
    /// `config fmt`: the same text in its usual form.
    Fmt {
        /// The files; none means from standard input to standard output.
        files: Vec<PathBuf>,
        /// What becomes of the result.
        then: Then,
    },
}

/// What `config fmt` does with what it has formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// On standard output.
    Print,
    /// `--check`: name the files that would change, and exit with 1 if there are any.
    Check,
    /// `--write`: into the files.
    Write,
}

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

/// Understands the command line, if it is one of these; the first word is the program's name.
pub fn parse(args: &[OsString]) -> Option<Result<Wanted, Exit>> {
    let (_program, rest) = args.split_first()?;
    if rest.first().is_none_or(|word| word != NAME) {
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

pub(super) fn wrong(stderr: String) -> Exit {
    Exit {
        code: 1,
        stdout: String::new(),
        stderr,
    }
}

/// The table of these commands.
pub fn command() -> Command {
    Command::new(NAME)
        .bin_name(format!("{} {NAME}", super::table::NAME))
        .about("Work on a configuration, without a daemon")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(
            reading(
                Command::new("lint")
                    .about("Say what is legal and yet cannot be meant, in one file or between the files of a pair")
                    .arg(files().required(true))
                    .arg(format().default_value("text")),
            )
            .mut_arg("config-id", |id| {
                id.action(ArgAction::Append)
                    .help("Identity for configuration lines that begin with @ID; once for each file, or for each reading of one")
            }),
        )
        .subcommand(reading(
            Command::new("show")
                .about("Print the effective configuration: everything included, inherited and defaulted spelled out")
                .arg(flag("show-secrets", "Print passwords as they are"))
                .arg(files().action(ArgAction::Set).num_args(1).default_value(DEFAULT_CONFIG)),
        ))
        .subcommand(Command::new("schema").about("Print the language as a JSON Schema (draft 2020-12)"))
        .subcommand(
            Command::new("fmt")
                .about("Format files; without one, from standard input to standard output")
                .arg(flag("check", "Name the files that would change; exit with 1 if there are any"))
                .arg(flag("write", "Write the result into the files").conflicts_with("check"))
                .arg(files()),
        )
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

fn files() -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .help("Configuration file")
        .action(ArgAction::Append)
        .num_args(0..)
        .value_parser(PathBufValueParser::new())
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

fn interpret(matches: &ArgMatches) -> Option<Wanted> {
    let (name, matches) = matches.subcommand()?;
    let files = |matches: &ArgMatches| -> Vec<PathBuf> {
        matches
            .get_many("file")
            .map(|files| files.cloned().collect())
            .unwrap_or_default()
    };
    Some(match name {
        "lint" => Wanted::Lint {
            files: files(matches),
            ids: matches
                .get_many("config-id")
                .map(|ids| ids.cloned().collect())
                .unwrap_or_default(),
            format: Format::named(matches.get_one::<String>("format")?)?,
            how: Reading {
                config_id: None,
                ..how(matches)
            },
        },
        "show" => Wanted::Show {
            file: files(matches).pop()?,
            show_secrets: matches.get_flag("show-secrets"),
            how: how(matches),
        },
        "schema" => Wanted::Schema,
        "fmt" => Wanted::Fmt {
            files: files(matches),
            then: match (matches.get_flag("check"), matches.get_flag("write")) {
                (true, _) => Then::Check,
                (false, true) => Then::Write,
                (false, false) => Then::Print,
            },
        },
        _ => return None,
    })
}

pub(super) fn how(matches: &ArgMatches) -> Reading {
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    Reading {
        config_id: text("config-id"),
        namespace: text("namespace"),
        all_config: matches.get_flag("all-config"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn run(line: &str) -> Option<Result<Wanted, Exit>> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words)
    }

    #[test]
    fn only_the_first_word_makes_it_one() {
        for line in [
            "steadfast",
            "steadfast -n config show",
            "steadfast configure",
            "config",
        ] {
            assert_eq!(run(line), None, "{line}");
        }
        let parsed = super::super::parse(["x", "-n", "config", "show"].map(OsString::from)).unwrap();
        assert_eq!(parsed.stdout, "Unexpected argument(s): config show \n");
    }

    #[test]
    fn every_command() {
        let ok = |line: &str| run(&format!("steadfast config {line}")).unwrap().unwrap();
        assert_eq!(
            ok("lint a b --format json -i lb1 -e"),
            Wanted::Lint {
                files: vec!["a".into(), "b".into()],
                ids: vec!["lb1".into()],
                format: Format::Json,
                how: Reading {
                    config_id: None,
                    namespace: None,
                    all_config: true
                }
            }
        );
        let Wanted::Show {
            file,
            show_secrets,
            how,
        } = ok("show -s blue")
        else {
            panic!()
        };
        assert_eq!((file.as_path(), show_secrets), (Path::new(DEFAULT_CONFIG), false));
        assert_eq!(how.namespace.as_deref(), Some("blue"));
        assert!(matches!(
            ok("show --show-secrets x"),
            Wanted::Show {
                show_secrets: true,
                ..
            }
        ));
        assert_eq!(ok("schema"), Wanted::Schema);
        for (line, count, then) in [
            ("fmt", 0, Then::Print),
            ("fmt --check a", 1, Then::Check),
            ("fmt --write a b", 2, Then::Write),
        ] {
            let Wanted::Fmt { files, then: found } = ok(line) else {
                panic!()
            };
            assert_eq!((files.len(), found), (count, then), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_said() {
        for line in [
            "",
            "lint",
            "paint",
            "show a b",
            "fmt --check --write x",
            "lint --format xml x",
        ] {
            let exit = run(format!("steadfast config {line}").trim_end())
                .unwrap()
                .unwrap_err();
            assert_eq!((exit.code, exit.stdout.as_str()), (1, ""), "{line}");
            let stderr = exit.stderr;
            assert!(
                stderr.contains("Usage: ") || stderr.contains("--help"),
                "{line}: {stderr}"
            );
        }
        let help = run("steadfast config fmt --help").unwrap().unwrap_err();
        assert_eq!((help.code, help.stderr.as_str()), (0, ""));
        assert!(help.stdout.contains("--check"));
    }
}
