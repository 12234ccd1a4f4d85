//! The command line: keepalived's options, as values.
//!
//! [`parse`] is pure: what would be printed comes back as text. [`table`] is the one list of options (with their
//! help), [`words`] spells them the way getopt does, this file gives them their meaning. Facts: cli 1 to 5. What an option does
//! is the daemon's business; one that has no effect yet is named by [`Options::without_effect`], never swallowed.
//! [`config`], [`plan`] and [`reload`] have the commands that keepalived does not have, [`genhash`] the options of the program of
//! that name.

pub mod config;
pub mod genhash;
mod ours;
pub mod plan;
pub mod reload;
mod table;
#[cfg(test)]
mod tests;
mod words;

use crate::daemon::{signal, version};
use clap::ArgMatches;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use words::Word;

/// The configuration that is read without `-f`.
pub const DEFAULT_CONFIG: &str = "/etc/keepalived/keepalived.conf";

pub use ours::Reading;
pub use table::command;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `-f`: the configuration file.
    pub config: PathBuf,
    /// Without `-C`: run the VRRP half.
    pub vrrp: bool,
    /// Without `-P`: run the check half.
    pub check: bool,
    /// Without `-B`: run the BFD half.
    pub bfd: bool,
    /// `--all`: run every half, even without configuration for it.
    pub all: bool,
    /// `-n`: stay in the foreground.
    pub dont_fork: bool,
    /// `-l`: log to standard error too.
    pub log_console: bool,
    /// `-D`: how many times.
    pub log_detail: u8,
    /// `-S`: syslog facility, 0 to 23 as syslog numbers them. Default daemon (3).
    pub log_facility: u8,
    /// `-G`: no syslog.
    pub no_syslog: bool,
    /// `-R`
    pub dont_respawn: bool,
    /// `-d`: dump the configuration to the log; with `-t`: print it on standard output.
    pub dump_conf: bool,
    /// `-p`
    pub pid_file: Option<PathBuf>,
    /// `-r`
    pub vrrp_pid_file: Option<PathBuf>,
    /// `-c`
    pub checkers_pid_file: Option<PathBuf>,
    /// `-b`
    pub bfd_pid_file: Option<PathBuf>,
    /// `-t`: test the configuration; with a file, messages are appended to it.
    pub config_test: Option<Option<PathBuf>>,
    /// `--format`, with `-t`: how messages are shown.
    pub format: Format,
    /// `--strict`, with `-t`: what only we say counts as well.
    pub strict: bool,
    /// `-V`: leave addresses on stop.
    pub dont_release_vrrp: bool,
    /// `-I`: leave IPVS on stop.
    pub dont_release_ipvs: bool,
    /// `--handover`: what a stop does.
    pub handover: Handover,
    /// `-X`: drop addresses when a signal ends the state. They are dropped without it too, and `-V` wins, as watched with
    /// 2.2.7: nothing is to be done about it.
    pub release_vips: bool,
    /// `-i`: identity for `@ID` lines.
    pub config_id: Option<String>,
    /// `-s`: network namespace.
    pub namespace: Option<String>,
    /// `-e`: a missing file is an error.
    pub all_config: bool,
    /// `-u`: file creation mask.
    pub umask: Option<u32>,
    /// `--ignore-sigint`
    pub ignore_sigint: bool,
    /// `-a`: log every address added or removed.
    pub address_monitoring: bool,
    /// `-m`: allow core dumps.
    pub core_dump: bool,
    /// `-M`: allow core dumps, and name them so.
    pub core_dump_pattern: Option<String>,
    /// `-x`
    pub snmp: bool,
    /// `-A`
    pub snmp_agent_socket: Option<String>,
    /// `--config-fd`
    pub config_fd: bool,
}

/// What a stop does with what the daemon holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handover {
    /// It says priority 0 and removes everything, but for what `-V` and `-I` leave.
    #[default]
    Peer,
    /// It leaves everything to the next start, which is to come at once.
    None,
}

impl Handover {
    /// The one of this name.
    fn named(word: &str) -> Option<Self> {
        match word {
            "peer" => Some(Self::Peer),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// How messages about a configuration are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, each with the line it is about.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

impl Format {
    /// The one of this name.
    fn named(word: &str) -> Option<Self> {
        match word {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// A command line without options.
impl Default for Options {
    fn default() -> Self {
        Self {
            config: DEFAULT_CONFIG.into(),
            vrrp: true,
            check: true,
            bfd: true,
            all: false,
            dont_fork: false,
            log_console: false,
            log_detail: 0,
            log_facility: DAEMON_FACILITY,
            no_syslog: false,
            dont_respawn: false,
            dump_conf: false,
            pid_file: None,
            vrrp_pid_file: None,
            checkers_pid_file: None,
            bfd_pid_file: None,
            config_test: None,
            format: Format::Text,
            strict: false,
            dont_release_vrrp: false,
            dont_release_ipvs: false,
            handover: Handover::Peer,
            release_vips: false,
            config_id: None,
            namespace: None,
            all_config: false,
            umask: None,
            ignore_sigint: false,
            address_monitoring: false,
            core_dump: false,
            core_dump_pattern: None,
            snmp: false,
            snmp_agent_socket: None,
            config_fd: false,
        }
    }
}

impl Options {
    /// Whether a stop leaves addresses, routes and rules, and says nothing.
    pub fn leaves_vrrp(&self) -> bool {
        self.dont_release_vrrp || self.handover == Handover::None
    }

    /// Whether a stop leaves IPVS.
    pub fn leaves_ipvs(&self) -> bool {
        self.dont_release_ipvs || self.handover == Handover::None
    }

    /// Options that were given and that this version accepts without doing anything: to be named at the start.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let given = [
            (self.snmp, "-x (--snmp)"),
            (self.snmp_agent_socket.is_some(), "-A (--snmp-agent-socket)"),
            (self.config_fd, "--config-fd"),
        ];
        given
            .into_iter()
            .filter_map(|(given, name)| given.then_some(name))
            .collect()
    }
}

/// A command line that starts the daemon or a configuration test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What it asks for.
    pub options: Options,
    /// To be printed on standard output before anything else (left-over words, fact 1.3).
    pub stdout: String,
    /// To be printed on standard error before anything else (values that were ignored).
    pub stderr: String,
    /// A value was refused in a way that makes `-t` exit with 5.
    pub faulty: bool,
}

/// A command line that ends the program at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Exit status.
    pub code: u8,
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
}

/// A command line that starts no daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The program ends at once.
    Exit(Exit),
    /// `genhash`
    Genhash {
        /// The page.
        wanted: Box<genhash::Wanted>,
        /// To be printed on standard error before anything else.
        stderr: String,
    },
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

impl Exit {
    /// Prints both texts (a closed pipe is no reason to complain) and gives the exit status.
    pub fn finish(&self) -> ExitCode {
        print(&self.stdout, &self.stderr);
        ExitCode::from(self.code)
    }
}

/// Writes to standard output and standard error; failures are nobody's business any more.
pub fn print(stdout: &str, stderr: &str) {
    let _ = std::io::stdout().write_all(stdout.as_bytes());
    let _ = std::io::stderr().write_all(stderr.as_bytes());
}

/// Understands a command line; the first word is the program's name.
///
/// Options take effect in their order as far as that shows: `-h`, `-v`, `--signum` and `-T` end the program where
/// they stand, after the bad options before them were named. All bad options are named (fact 1.2).
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed, Ended> {
    let mut args = args.into_iter().peekable();
    let program = args.next().unwrap_or_default();
    let command = command();
    let mut stderr = String::new();
    let by_name = Path::new(&program)
        .file_name()
        .is_some_and(|name| name == genhash::NAME);
    if by_name {
        return Err(page(genhash::NAME, args, stderr));
    }
    if args.next_if(|word| word == genhash::NAME).is_some() {
        return Err(page(&format!("{} {}", table::NAME, genhash::NAME), args, stderr));
    }

    let (mut canonical, mut strays) = (vec![OsString::from(table::NAME)], String::new());
    let mut refused = false;
    for word in words::scan(&command, args) {
        match word {
            Word::Bad(text) => {
                stderr.push_str(&text);
                stderr.push('\n');
                refused = true;
            }
            Word::Stray(text) => {
                strays.push_str(&text.to_string_lossy());
                strays.push(' ');
            }
            Word::Genhash { spelled, rest } => {
                if canonical.len() > 1 {
                    stderr.push_str(&format!(
                        "Warning -- `{spelled}` not used as first option, previous options ignored\n"
                    ));
                }
                let called = format!("{} --{}", table::NAME, genhash::NAME);
                return Err(page(&called, rest.into_iter(), stderr));
            }
            Word::Option { long, value } => {
                if let Some(exit) = immediate(long, value.as_ref(), &mut stderr) {
                    return Err(exit.into());
                }
                canonical.push(words::canonical(long, value));
            }
        }
    }
    if refused {
        return Err(failed(stderr));
    }
    let stdout = if strays.is_empty() {
        strays
    } else {
        format!("Unexpected argument(s): {strays}\n")
    };
    match command.try_get_matches_from(canonical) {
        Ok(matches) => match misused(&matches) {
            None => Ok(interpret(&matches, stdout, stderr)),
            Some(complaint) => Err(failed(stderr + &complaint)),
        },
        Err(error) => Err(failed(stderr + &error.to_string())),
    }
}

const fn failed(stderr: String) -> Ended {
    Ended::Exit(Exit {
        code: 1,
        stdout: String::new(),
        stderr,
    })
}

/// The options that end the program where they stand (fact 1.4).
fn immediate(long: &str, value: Option<&OsString>, stderr: &mut String) -> Option<Exit> {
    let said = std::mem::take(stderr);
    match long {
        "help" => Some(Exit {
            code: 0,
            stdout: String::new(),
            stderr: said + &table::help(),
        }),
        "version" => Some(Exit {
            code: 0,
            stdout: String::new(),
            stderr: said + &version::text(),
        }),
        "signum" => {
            let name = value.map(|value| value.to_string_lossy()).unwrap_or_default();
            Some(match signal::signum(&name) {
                Some(number) => Exit {
                    code: 0,
                    stdout: format!("{number}\n"),
                    stderr: said,
                },
                None => Exit {
                    code: 1,
                    stdout: String::new(),
                    stderr: format!("{said}Unknown sigfunc {name}\n"),
                },
            })
        }
        "log-file" => Some(Exit {
            code: 1,
            stdout: String::new(),
            stderr: said + "-g requires configure option --enable-log-file\n",
        }),
        _ => {
            *stderr = said;
            None
        }
    }
}

/// What is wrong with options that keepalived does not have: those need no leniency.
fn misused(matches: &ArgMatches) -> Option<String> {
    let format = matches.get_one::<String>("format");
    if let Some(word) = format.filter(|word| Format::named(word).is_none()) {
        return Some(format!("Unknown format '{word}': it is text or json\n"));
    }
    let handover = matches.get_one::<String>("handover");
    if let Some(word) = handover.filter(|word| Handover::named(word).is_none()) {
        return Some(format!("Unknown handover '{word}': it is peer or none\n"));
    }
    let tested = matches.contains_id("config-test");
    let given = [
        (format.is_some(), "--format"),
        (matches.get_flag("strict"), "--strict"),
    ];
    given
        .into_iter()
        .find(|(given, _)| *given && !tested)
        .map(|(_, option)| format!("{option} needs -t\n"))
}

/// What words of genhash ask for, after what was `said` before them.
fn page(called: &str, args: impl Iterator<Item = OsString>, stderr: String) -> Ended {
    match genhash::parse(called, args) {
        Ok(wanted) => Ended::Genhash {
            wanted: Box::new(wanted),
            stderr,
        },
        Err(exit) => Ended::Exit(Exit {
            stderr: stderr + &exit.stderr,
            ..exit
        }),
    }
}

/// From what clap read to our own type.
fn interpret(matches: &ArgMatches, stdout: String, mut stderr: String) -> Parsed {
    let flag = |id: &str| matches.get_flag(id);
    let path = |id: &str| matches.get_one::<PathBuf>(id).cloned();
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    // `--all` undoes the -P, -C and -B that stand before it.
    let last = |id: &str| {
        if flag(id) {
            matches.indices_of(id).and_then(Iterator::max)
        } else {
            None
        }
    };
    let excluded = |id: &str| last(id) > last("all");

    let facility = text("log-facility").map(|word| facility(&word).ok_or(word));
    let faulty = matches!(facility, Some(Err(_)));
    if let Some(Err(word)) = &facility {
        stderr.push_str(&format!("Invalid log facility '{word}'\n"));
    }
    let umask = text("umask").map(|word| mask(&word).ok_or(word));
    if let Some(Err(word)) = &umask {
        stderr.push_str(&format!("Invalid --umask option {word}\n"));
    }

    let options = Options {
        config: path("use-file").unwrap_or_else(|| DEFAULT_CONFIG.into()),
        vrrp: !excluded("check"),
        check: !excluded("vrrp"),
        bfd: !excluded("no_bfd"),
        all: flag("all"),
        dont_fork: flag("dont-fork"),
        log_console: flag("log-console"),
        log_detail: matches.get_count("log-detail"),
        log_facility: facility.and_then(Result::ok).unwrap_or(DAEMON_FACILITY),
        no_syslog: flag("no-syslog"),
        dont_respawn: flag("dont-respawn"),
        dump_conf: flag("dump-conf"),
        pid_file: path("pid"),
        vrrp_pid_file: path("vrrp_pid"),
        checkers_pid_file: path("checkers_pid"),
        bfd_pid_file: path("bfd_pid"),
        config_test: matches.contains_id("config-test").then(|| path("config-test")),
        format: text("format")
            .and_then(|word| Format::named(&word))
            .unwrap_or_default(),
        strict: flag("strict"),
        dont_release_vrrp: flag("dont-release-vrrp"),
        dont_release_ipvs: flag("dont-release-ipvs"),
        handover: text("handover")
            .and_then(|word| Handover::named(&word))
            .unwrap_or_default(),
        release_vips: flag("release-vips"),
        config_id: text("config-id"),
        namespace: text("namespace"),
        all_config: flag("all-config"),
        umask: umask.and_then(Result::ok),
        ignore_sigint: flag("ignore-sigint"),
        address_monitoring: flag("address-monitoring"),
        core_dump: flag("core-dump") || matches.contains_id("core-dump-pattern"),
        core_dump_pattern: matches
            .contains_id("core-dump-pattern")
            .then(|| text("core-dump-pattern").unwrap_or_else(|| "core".to_owned())),
        snmp: flag("snmp"),
        snmp_agent_socket: text("snmp-agent-socket"),
        config_fd: matches.contains_id("config-fd"),
    };
    Parsed {
        options,
        stdout,
        stderr,
        faulty,
    }
}

/// LOG_DAEMON
const DAEMON_FACILITY: u8 = 3;
/// LOG_LOCAL0
const LOCAL0_FACILITY: u8 = 16;

/// `0`-`7`, `local0`-`local7`, `user`, `daemon` as syslog numbers them.
fn facility(word: &str) -> Option<u8> {
    match word {
        "user" => Some(1),
        "daemon" => Some(DAEMON_FACILITY),
        _ => match word.strip_prefix("local").unwrap_or(word).as_bytes() {
            [digit @ b'0'..=b'7'] => Some(LOCAL0_FACILITY + (digit - b'0')),
            _ => None,
        },
    }
}

/// A file creation mask as C writes numbers: octal after `0`, hexadecimal after `0x`, else decimal (T, 2.2.7).
fn mask(word: &str) -> Option<u32> {
    let (digits, radix) = match word.strip_prefix('0') {
        None => (word, 10),
        Some("") => (word, 10),
        Some(rest) => match rest.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (rest, 8),
        },
    };
    // from_str_radix would take a sign.
    let plain = digits.starts_with(|c: char| c.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, radix).ok()?;
    (plain && number <= 0o777).then_some(number)
}
