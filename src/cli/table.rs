//! The one list of options, with their help (fact cli 2).
//!
//! An option's clap id is its long name. Options of builds that we do not have (log files aside, which are refused
//! with a reason) are unknown, as they are to keepalived.

use clap::builder::{OsStringValueParser, PathBufValueParser, StringValueParser, ValueParser};
use clap::{Arg, ArgAction, Command};

/// Our name.
pub(super) const NAME: &str = "steadfast";

/// Options that keepalived does not have. They are spelled in full, so that what it reads as an unknown or an ambiguous
/// option stays one.
pub(super) const OURS: &[&str] = &["format", "handover", "strict"];

/// The table of options, ready for lookups.
pub fn command() -> Command {
    let mut command = Command::new(NAME)
        .about("VRRP failover and IPVS health checking: a drop-in successor of keepalived")
        .override_usage(format!(
            "{NAME} [OPTION...]\n       {NAME} config lint|show|schema|fmt ... (see {NAME} config --help)\n       \
             {NAME} plan [OPTION...] [FILE] (see {NAME} plan --help)\n       \
             {NAME} reload [OPTION...] (see {NAME} reload --help)\n       \
             {NAME} genhash [OPTION...] (see {NAME} genhash --help)"
        ))
        .help_template("{about}\n\nUsage: {usage}\n\n{options}\n")
        .term_width(110)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .args(running())
        .args(logging())
        .args(stopping())
        .args(files())
        .args(telling());
    command.build();
    command
}

/// The list of options for people.
pub(super) fn help() -> String {
    command().render_help().to_string()
}

fn flag(short: impl Into<Option<char>>, long: &'static str, help: &'static str) -> Arg {
    named(short.into(), long, help).action(ArgAction::SetTrue)
}

fn value(
    short: impl Into<Option<char>>,
    long: &'static str,
    name: &'static str,
    parser: impl Into<ValueParser>,
    help: &'static str,
) -> Arg {
    named(short.into(), long, help)
        .action(ArgAction::Set)
        .value_name(name)
        .value_parser(parser.into())
        .allow_hyphen_values(true)
}

fn optional(arg: Arg) -> Arg {
    arg.num_args(0..=1).require_equals(true)
}

fn named(short: Option<char>, long: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(long).long(long).help(help);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

fn path() -> PathBufValueParser {
    PathBufValueParser::new()
}

fn text() -> StringValueParser {
    StringValueParser::new()
}

fn running() -> Vec<Arg> {
    vec![
        value(
            'f',
            "use-file",
            "FILE",
            path(),
            "Configuration file; default /etc/keepalived/keepalived.conf",
        ),
        flag('P', "vrrp", "Run VRRP only: no health checks"),
        flag('C', "check", "Run health checks only: no VRRP"),
        flag('B', "no_bfd", "Run no BFD"),
        flag(None, "all", "Run every part: undoes the -P, -C and -B before it"),
        flag('n', "dont-fork", "Stay in the foreground"),
        flag('R', "dont-respawn", "Stop when a part died (always so)"),
        value('s', "namespace", "NAME", text(), "Run in this network namespace"),
        value(
            'i',
            "config-id",
            "ID",
            text(),
            "Identity for configuration lines that begin with @ID",
        ),
        flag('e', "all-config", "A missing configuration file is an error"),
        flag(None, "ignore-sigint", "Do not stop on SIGINT"),
        flag('x', "snmp", "Start SNMP (no effect yet)"),
        value(
            'A',
            "snmp-agent-socket",
            "ADDRESS",
            text(),
            "Socket of the SNMP master agent (no effect yet)",
        ),
        flag('m', "core-dump", "Allow core dumps"),
        optional(value(
            'M',
            "core-dump-pattern",
            "PATTERN",
            text(),
            "Allow core dumps, and let the kernel name them so while the daemon runs; core unless given",
        )),
    ]
}

fn logging() -> Vec<Arg> {
    vec![
        flag('l', "log-console", "Log to standard error too (with -n)"),
        named(Some('D'), "log-detail", "Log more; given twice, still more").action(ArgAction::Count),
        value(
            'S',
            "log-facility",
            "FACILITY",
            text(),
            "Syslog facility: 0-7, local0-local7, user, daemon (default)",
        ),
        flag('G', "no-syslog", "Do not log to syslog"),
        optional(value('g', "log-file", "FILE", path(), "Log to a file").hide(true)),
        flag(
            'd',
            "dump-conf",
            "Log the configuration at start and reload; with -t, print it on standard output",
        ),
        flag(
            'a',
            "address-monitoring",
            "Log every address that is added to or removed from this host",
        ),
    ]
}

fn stopping() -> Vec<Arg> {
    vec![
        flag(
            'X',
            "release-vips",
            "Drop addresses when a signal ends a state: so it is without it, but for -V",
        ),
        flag('V', "dont-release-vrrp", "Leave addresses in place on stop"),
        flag('I', "dont-release-ipvs", "Leave the IPVS table in place on stop"),
        value(
            None,
            "handover",
            "WHOM",
            text(),
            "Who has the service after a stop: peer (default), or none: everything stays for a start that follows at once",
        ),
    ]
}

fn files() -> Vec<Arg> {
    vec![
        value('p', "pid", "FILE", path(), "Pid file"),
        value('r', "vrrp_pid", "FILE", path(), "Pid file of VRRP"),
        value(
            'c',
            "checkers_pid",
            "FILE",
            path(),
            "Pid file of the health checks",
        ),
        value('b', "bfd_pid", "FILE", path(), "Pid file of BFD"),
        value(
            'u',
            "umask",
            "MASK",
            text(),
            "Mask for the creation of files: 0177 unless given",
        ),
        value(
            None,
            "config-fd",
            "N",
            OsStringValueParser::new(),
            "Internal to keepalived",
        )
        .hide(true),
    ]
}

fn telling() -> Vec<Arg> {
    vec![
        optional(value(
            't',
            "config-test",
            "LOGFILE",
            path(),
            "Examine the configuration and exit: 0 when nothing is wrong with it",
        )),
        value(
            None,
            "format",
            "FORMAT",
            text(),
            "With -t: messages as text (default) or as one json document on standard output",
        ),
        flag(
            None,
            "strict",
            "With -t: exit with 5 for what keepalived would not object to, too",
        ),
        value(
            None,
            "signum",
            "NAME",
            text(),
            "Print the number of the signal for STOP, RELOAD, DATA, STATS, STATS_CLEAR or JSON",
        ),
        flag(
            'T',
            "genhash",
            "Print the MD5 of a web page; what follows are options of genhash (see genhash(1))",
        ),
        flag('v', "version", "Print the version"),
        flag('h', "help", "Print this list"),
    ]
}
