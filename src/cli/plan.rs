//! `steadfast plan …`: what a reload would do, before it is done. keepalived does not have it.
//!
//! Recognised as [`super::ours`] says.

use super::ours::{flag, format, how, reading, understand};
use super::reload::Daemon;
use super::{Exit, Format, Reading};
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::path::PathBuf;

/// The word that makes it such a command line.
const NAME: &str = "plan";

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `--from`: the configuration that is taken for the running one; `None`: what the daemon runs.
    pub from: Option<PathBuf>,
    /// The new configuration; `None`: the file that the daemon reads.
    pub file: Option<PathBuf>,
    /// Who is asked what runs.
    pub daemon: Daemon,
    /// How it is shown.
    pub format: Format,
    /// Only what flaps, and what peers must follow.
    pub brief: bool,
    /// How files are read.
    pub how: Reading,
}

/// Understands the command line, if it is this one; the first word is the program's name.
pub fn parse(args: &[OsString]) -> Option<Result<Wanted, Exit>> {
    understand(args, NAME, command, interpret)
}

/// The table of its options.
pub fn command() -> Command {
    reading(
        Command::new(NAME)
            .bin_name(format!("{} {NAME}", super::table::NAME))
            .about("Say what a reload to a configuration would do, object by object")
            .arg(
                Arg::new("from")
                    .long("from")
                    .value_name("OLD")
                    .help("Start from this file instead of what the daemon runs")
                    .value_parser(PathBufValueParser::new()),
            )
            .arg(format().default_value("text"))
            .arg(flag(
                "brief",
                "Say only what would flap, what peers must follow, and the sum",
            ))
            .arg(
                Arg::new("file")
                    .value_name("FILE")
                    .help("The new configuration file; the daemon's own unless given")
                    .action(ArgAction::Set)
                    .num_args(1)
                    .value_parser(PathBufValueParser::new()),
            )
            .args(Daemon::arguments().map(|arg| arg.conflicts_with("from"))),
    )
    // The daemon reads as it was started.
    .mut_arg("config-id", |arg| arg.requires("from"))
    .mut_arg("namespace", |arg| arg.requires("from"))
    .mut_arg("all-config", |arg| arg.requires("from"))
}

fn interpret(matches: &ArgMatches) -> Option<Wanted> {
    Some(Wanted {
        from: matches.get_one("from").cloned(),
        file: matches.get_one("file").cloned(),
        daemon: Daemon::of(matches),
        format: Format::named(matches.get_one::<String>("format")?)?,
        brief: matches.get_flag("brief"),
        how: how(matches),
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
        for line in ["steadfast", "steadfast -n plan", "steadfast plans", "plan"] {
            assert_eq!(run(line), None, "{line}");
        }
    }

    #[test]
    fn from_a_file_or_from_what_runs() {
        let ok = |line: &str| run(line).unwrap().unwrap();
        let default = ok("steadfast plan");
        assert_eq!((default.from, default.brief), (None, false));
        assert_eq!(default.file, None);
        let asked = ok("steadfast plan -p /run/a.pid /x");
        assert_eq!(asked.daemon.pid_file.as_deref(), Some(Path::new("/run/a.pid")));
        assert_eq!(default.format, Format::Text);
        let offline = ok("steadfast plan --from a b --format json --brief -i lb1 -s blue -e");
        assert_eq!(
            offline,
            Wanted {
                from: Some("a".into()),
                file: Some("b".into()),
                daemon: Daemon::default(),
                format: Format::Json,
                brief: true,
                how: Reading {
                    config_id: Some("lb1".into()),
                    namespace: Some("blue".into()),
                    all_config: true,
                },
            }
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for line in [
            "steadfast plan a b",
            "steadfast plan --from",
            "steadfast plan --from a -p /run/a.pid b",
            "steadfast plan -i lb1 a",
            "steadfast plan --format xml a",
        ] {
            let exit = run(line).unwrap().unwrap_err();
            assert_eq!((exit.code, exit.stdout.as_str()), (1, ""), "{line}");
        }
        let help = run("steadfast plan --help").unwrap().unwrap_err();
        assert_eq!((help.code, help.stderr.as_str()), (0, ""));
        assert!(help.stdout.contains("--from"));
    }
}
