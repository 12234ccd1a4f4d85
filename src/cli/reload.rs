//! `steadfast reload …`: asks the daemon that runs to reload, and says what became of it. keepalived does not have it.
//!
//! Recognised as [`super::ours`] says.

use super::ours::{flag, format, understand};
use super::{Exit, Format};
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches, Command};
use std::ffi::OsString;
use std::path::PathBuf;

/// The word that makes it such a command line.
const NAME: &str = "reload";

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `--require-hitless`: not if something would flap or needs a restart.
    pub require_hitless: bool,
    /// `--wait`: until it has been carried out.
    pub wait: bool,
    /// How the outcome is shown.
    pub format: Format,
    /// Who is asked.
    pub daemon: Daemon,
}

/// Which daemon is asked, of those that run on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daemon {
    /// `-p`: the one with this main pid file.
    pub pid_file: Option<PathBuf>,
    /// `--socket`: the one with this control socket.
    pub socket: Option<PathBuf>,
}

impl Daemon {
    /// The options that say so.
    pub fn arguments() -> [Arg; 2] {
        let path = |long: &'static str, help: &'static str| {
            Arg::new(long)
                .long(long)
                .value_name("PATH")
                .value_parser(PathBufValueParser::new())
                .help(help)
        };
        [
            path("pid", "Ask the daemon with this pid file").short('p'),
            path("socket", "Ask the daemon with this control socket").conflicts_with("pid"),
        ]
    }

    /// What was said by them.
    pub fn of(matches: &ArgMatches) -> Self {
        Self {
            pid_file: matches.get_one("pid").cloned(),
            socket: matches.get_one("socket").cloned(),
        }
    }
}

/// Understands the command line, if it is this one; the first word is the program's name.
pub fn parse(args: &[OsString]) -> Option<Result<Wanted, Exit>> {
    understand(args, NAME, command, interpret)
}

/// The table of its options.
pub fn command() -> Command {
    Command::new(NAME)
        .bin_name(format!("{} {NAME}", super::table::NAME))
        .about("Have the running daemon read its configuration again, and say what became of it")
        .arg(flag(
            "require-hitless",
            "Refuse, with status 3, if something would flap or needs a restart",
        ))
        .arg(flag(
            "wait",
            "Wait until it has been carried out, and say what the kernel has refused and who is in another state",
        ))
        .arg(format().default_value("text").help("How to show the outcome"))
        .args(Daemon::arguments())
}

fn interpret(matches: &ArgMatches) -> Option<Wanted> {
    Some(Wanted {
        require_hitless: matches.get_flag("require-hitless"),
        wait: matches.get_flag("wait"),
        format: Format::named(matches.get_one::<String>("format")?)?,
        daemon: Daemon::of(matches),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Option<Result<Wanted, Exit>> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words)
    }

    #[test]
    fn only_the_first_word_makes_it_one() {
        for line in ["steadfast", "steadfast -n reload", "steadfast reloads", "reload"] {
            assert_eq!(run(line), None, "{line}");
        }
    }

    #[test]
    fn every_option() {
        let ok = |line: &str| run(line).unwrap().unwrap();
        let plain = Wanted {
            require_hitless: false,
            wait: false,
            format: Format::Text,
            daemon: Daemon::default(),
        };
        assert_eq!(ok("steadfast reload"), plain);
        let daemon = Daemon {
            pid_file: Some("/run/a.pid".into()),
            socket: None,
        };
        assert_eq!(
            ok("steadfast reload --require-hitless --wait --format json -p /run/a.pid"),
            Wanted {
                require_hitless: true,
                wait: true,
                format: Format::Json,
                daemon
            }
        );
        let by_socket = ok("steadfast reload --socket /run/a.sock").daemon;
        assert_eq!(by_socket.socket, Some("/run/a.sock".into()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for line in [
            "steadfast reload x",
            "steadfast reload -p a --socket b",
            "steadfast reload --force",
            "steadfast reload --format xml",
        ] {
            let exit = run(line).unwrap().unwrap_err();
            assert_eq!((exit.code, exit.stdout.as_str()), (1, ""), "{line}");
            assert!(exit.stderr.contains("--help"), "{line}: {}", exit.stderr);
        }
        let help = run("steadfast reload --help").unwrap().unwrap_err();
        assert_eq!((help.code, help.stderr.as_str()), (0, ""));
        assert!(help.stdout.contains("--require-hitless"));
    }
}
