//! `steadfast config …`: what keepalived does not have, about a configuration instead of a daemon.
//!
//! Recognised as [`super::ours`] says.

use super::ours::{flag, format, how, reading, understand};
use super::{DEFAULT_CONFIG, Exit, Format, Reading};
use clap::builder::PathBufValueParser;
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

/// Understands the command line, if it is one of these; the first word is the program's name.
pub fn parse(args: &[OsString]) -> Option<Result<Wanted, Exit>> {
    understand(args, NAME, command, interpret)
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

fn files() -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .help("Configuration file")
        .action(ArgAction::Append)
        .num_args(0..)
        .value_parser(PathBufValueParser::new())
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
