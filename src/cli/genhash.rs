//! The options of `genhash`, which gives the value for a url's `digest`: keepalived's, with its words for what is
//! wrong with them (facts 21.1 and 21.4).
//!
//! It is asked for by the program's name, by the first word `genhash`, which is ours, and by `-T`.

use super::words::{self, Word};
use super::{Exit, table};
use crate::check::config::HttpProtocol;
use clap::builder::{StringValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The word that makes it such a command line, as the program's name does.
pub(super) const NAME: &str = "genhash";

/// Without `-t`, where keepalived's waits for ever.
const DEFAULT_TIMEOUT: u32 = 60;

/// The page that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `-s`, `-p`
    pub server: SocketAddr,
    /// `-u`: the path.
    pub url: String,
    /// `-S`
    pub tls: bool,
    /// `-I`: name the virtual host in the handshake.
    pub sni: bool,
    /// `-V`
    pub virtualhost: Option<String>,
    /// `-m`; 0: none.
    pub mark: u32,
    /// `-P`
    pub protocol: HttpProtocol,
    /// `-t`: for the connection, and for each wait.
    pub timeout: Duration,
    /// `-v`
    pub verbose: bool,
}

/// Understands the words after the program's name; `called` is how it is called in the usage.
///
/// # Errors
/// What is wrong with them, with the usage; so is `-h`.
pub fn parse(called: &str, args: impl Iterator<Item = OsString>) -> Result<Wanted, Exit> {
    let command = command();
    let mut canonical = vec![OsString::from(NAME)];
    let mut complaints = String::new();
    let mut strays = String::new();
    for word in words::scan(&command, args) {
        match word {
            Word::Option { long: "help", .. } => return Err(refused(called, complaints)),
            Word::Option { long, value } => canonical.push(words::canonical(long, value)),
            Word::Stray(text) => {
                strays.push(' ');
                strays.push_str(&text.to_string_lossy());
            }
            // It has no genhash of its own.
            Word::Genhash { .. } => {}
            Word::Bad(text) => {
                complaints.push_str(&text);
                complaints.push('\n');
            }
        }
    }
    if !strays.is_empty() {
        complaints.push_str(&format!("Unexpected argument(s):{strays}\n"));
    }
    let matches = match command.try_get_matches_from(canonical) {
        Ok(matches) => matches,
        Err(error) => return Err(refused(called, complaints + &error.to_string())),
    };
    let wanted = interpret(&matches, &mut complaints);
    match wanted {
        Some(wanted) if complaints.is_empty() => Ok(wanted),
        _ => Err(refused(called, complaints)),
    }
}

/// Every value that is wrong is named; nothing when one that must be there is missing.
fn interpret(matches: &ArgMatches, complaints: &mut String) -> Option<Wanted> {
    let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let mut complain = |what: String| {
        complaints.push_str(&what);
        complaints.push('\n');
    };
    let server = text("server").map(|word| word.parse::<IpAddr>().map_err(|_| word));
    if let Some(Err(word)) = server {
        complain(format!("server should be an IP, not {word}"));
    }
    let port = text("port").map(|word| word.parse().ok().filter(|port| *port != 0).ok_or(word));
    if let Some(Err(word)) = port {
        complain(format!("invalid port number '{word}'"));
    }
    let mark = text("fwmark").map(|word| word.parse().map_err(|_| word));
    if let Some(Err(word)) = mark {
        complain(format!("invalid fwmark '{word}'"));
    }
    let timeout = text("timeout").map(|word| word.parse().ok().filter(|seconds| *seconds != 0).ok_or(word));
    if let Some(Err(word)) = timeout {
        complain(format!("invalid timeout '{word}'"));
    }
    let protocol = text("protocol").map(|word| protocol(word).ok_or(word));
    if let Some(Err(word)) = protocol {
        complain(format!("invalid HTTP protocol version '{word}'"));
    }
    Some(Wanted {
        server: SocketAddr::new(server?.ok()?, port?.ok()?),
        url: text("url")?.to_owned(),
        tls: matches.get_flag("use-ssl"),
        sni: matches.get_flag("use-sni"),
        virtualhost: text("use-virtualhost").map(str::to_owned),
        mark: mark.and_then(Result::ok).unwrap_or_default(),
        protocol: protocol.and_then(Result::ok).unwrap_or(HttpProtocol::V10),
        timeout: Duration::from_secs(timeout.and_then(Result::ok).unwrap_or(DEFAULT_TIMEOUT).into()),
        verbose: matches.get_flag("verbose"),
    })
}

fn protocol(word: &str) -> Option<HttpProtocol> {
    match word {
        "1.0" => Some(HttpProtocol::V10),
        "1.0c" | "1.0C" => Some(HttpProtocol::V10Close),
        "1.1" => Some(HttpProtocol::V11),
        _ => None,
    }
}

/// The complaints and the usage (fact 21.4: on standard error, status 1, asked for or not).
fn refused(called: &str, complaints: String) -> Exit {
    Exit {
        code: 1,
        stdout: String::new(),
        stderr: complaints + &usage(called),
    }
}

fn usage(called: &str) -> String {
    let mut text = format!(
        "Usage: {called} COMMAND [OPTIONS]\nCommands:\n   -s server-address -p port -u url\n   \
         -S -s server-address -p port -u url\n   -h\n\nOptions:\nEither long or short options are allowed.\n"
    );
    for arg in command().get_arguments() {
        let (Some(long), Some(short), Some(help)) = (arg.get_long(), arg.get_short(), arg.get_help()) else {
            continue;
        };
        let help = help.to_string().replace('\n', &format!("\n{:32}", ""));
        text.push_str(&format!("   --{long:<15} -{short}       {help}\n"));
    }
    text
}

/// The table of options, in keepalived's order and words.
pub fn command() -> Command {
    let mut command = Command::new(NAME)
        .about("MD5 of a web page: the value for a digest")
        .override_usage(format!(
            "{NAME} [OPTION...] -s ADDRESS -p PORT -u PATH\n       {} {NAME} ...\n       {} -T ...",
            table::NAME,
            table::NAME
        ))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .args([
            flag('S', "use-ssl", "Use SSL connection to remote server."),
            flag(
                'I',
                "use-sni",
                "Use SNI during SSL handshake (uses virtualhost setting; see -V).",
            ),
            value('s', "server", "ADDRESS", "Use the specified remote server address."),
            value('p', "port", "PORT", "Use the specified remote server port."),
            value('u', "url", "PATH", "Use the specified remote server url."),
            value(
                'V',
                "use-virtualhost",
                "NAME",
                "Use the specified virtualhost in GET query.",
            ),
            flag('v', "verbose", "Use verbose mode output."),
            flag('h', "help", "Display this short inlined help screen."),
            value('m', "fwmark", "MARK", "Use the specified FW mark."),
            value(
                'P',
                "protocol",
                "VERSION",
                "Use the specified HTTP protocol - '1.0', 1.0c', '1.1'.\n1.0c means 1.0 with 'Connection: close'",
            ),
            value('t', "timeout", "SECONDS", "Timeout in seconds"),
        ]);
    command.build();
    command
}

fn flag(short: char, long: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(long).short(short).long(long).help(help);
    arg.action(ArgAction::SetTrue)
}

fn value(short: char, long: &'static str, name: &'static str, help: &'static str) -> Arg {
    flag(short, long, help)
        .action(ArgAction::Set)
        .value_name(name)
        .value_parser(ValueParser::from(StringValueParser::new()))
        .allow_hyphen_values(true)
}

#[cfg(test)]
mod tests;
