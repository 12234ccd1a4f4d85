//! From the tree to [`Config`]: each keyword that is acted on, read into its type.
//!
//! Owns the reading of single values and blocks. What keyword may stand where has been checked by `audit`; what
//! several values mean together is the plan's. A value that cannot be read is reported and left out.

mod address;
mod auth_hmac;
mod bfd;
mod checker;
mod encap;
mod garp_group;
mod global;
mod group;
mod interfaces;
mod line;
mod metric;
mod repair;
mod route;
mod router;
mod rule;
mod script;
mod server;
mod ssl;
mod statics;
mod sync;
mod track;
mod track_group;
mod track_object;
mod unicast;
mod vmac;
mod vrrp;

use super::ReadOptions;
use super::config::{Config, Spanned};
use super::diag::{Class, Diagnostic, Place, Topic};
use super::keyword::{self, Args, Block};
use super::names::Names;
use super::number;
use super::token::{self, Word};
use super::tree::Statement;
use crate::script::config::{Command, RunAs};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::time::Duration;

/// Lowers one statement of the top level after the other.
pub(super) struct Lowering<'o> {
    cx: Cx<'o>,
    config: Config,
}

impl<'o> Lowering<'o> {
    /// `names` are iproute2's.
    pub(super) fn new(options: &'o ReadOptions, names: &'o Names) -> Self {
        Self {
            cx: Cx {
                options,
                names,
                diagnostics: Vec::new(),
                preferences: (rule::FIRST_PREFERENCE, rule::FIRST_PREFERENCE),
                checkable: server::Checkable::default(),
                seen: HashMap::new(),
            },
            config: Config::default(),
        }
    }

    /// The next statement.
    pub(super) fn statement(&mut self, statement: &Statement) {
        let Self { cx, config } = self;
        let body = statement.body.as_deref().unwrap_or_default();
        cx.checkable.note(statement, body);
        match statement.keyword() {
            "global_defs" => global::lower(cx, &mut config.global, body),
            "net_namespace"
            | "instance"
            | "net_namespace_ipvs"
            | "namespace_with_ipsets"
            | "use_pid_dir"
            | "linkbeat_use_polling"
            | "child_wait_time" => global::root(cx, &mut config.global, statement),
            "track_file" | "vrrp_track_file" => track_object::file(cx, config, statement, body),
            "vrrp_track_process" => track_object::process(cx, config, statement, body),
            "vrrp_script" => script::lower(cx, config, statement, body),
            "vrrp_sync_group" => sync::lower(cx, config, statement, body),
            "vrrp_instance" => vrrp::lower(cx, config, statement, body),
            "static_ipaddress" | "static_routes" | "static_rules" => {
                statics::lower(cx, config, statement.keyword(), body);
            }
            "track_group" => track_group::lower(cx, config, statement, body),
            "garp_group" => garp_group::lower(cx, config, statement, body),
            "linkbeat_interfaces" => interfaces::linkbeat(cx, config, body),
            "interface_up_down_delays" => interfaces::delays(cx, config, body),
            "bfd_instance" => bfd::lower(cx, config, statement, body),
            "SSL" => ssl::lower(cx, config, statement, body),
            "virtual_server_group" => group::lower(cx, config, statement, body),
            "virtual_server" => server::lower(cx, config, statement, body),
            _ => {}
        }
    }

    /// What came of all.
    pub(super) fn finish(self) -> (Config, Vec<Diagnostic>) {
        (self.config, self.cx.diagnostics)
    }
}

/// What every part of lowering needs.
struct Cx<'o> {
    options: &'o ReadOptions,
    /// Of routing tables and the like.
    names: &'o Names,
    diagnostics: Vec<Diagnostic>,
    /// The next preference of an IPv4 and an IPv6 rule that has none.
    preferences: (u32, u32),
    /// What checkers may be about so far.
    checkable: server::Checkable,
    /// The names of blocks so far, and where they were defined.
    seen: HashMap<(Block, String), Place>,
}

impl Cx<'_> {
    /// Where a `block` named `word` was defined before; otherwise this one is the first.
    fn first(&mut self, block: Block, statement: &Statement, word: &Word) -> Option<Place> {
        match self.seen.entry((block, word.text.clone())) {
            Entry::Occupied(first) => Some(first.get().clone()),
            Entry::Vacant(place) => {
                place.insert(statement.place_of(word));
                None
            }
        }
    }

    /// Whether a `block` of this name was defined so far.
    fn defined(&self, block: Block, name: &str) -> bool {
        self.seen.contains_key(&(block, name.to_owned()))
    }

    /// Something given twice of which the first counts.
    fn duplicate(&mut self, statement: &Statement, word: &Word, message: impl Into<String>, first: Place) {
        let diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message)
            .about(Topic::DuplicateDefinition)
            .with_related(first, "first defined here");
        self.diagnostics.push(diagnostic);
    }

    fn report(&mut self, class: Class, place: Place, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::new(class, Some(place), message));
    }

    /// A general mistake about the keyword of `statement`.
    fn error(&mut self, statement: &Statement, message: impl Into<String>) {
        self.report(Class::General, statement.place(), message);
    }

    /// A general mistake about the keyword of `statement` that has a topic.
    fn error_about(&mut self, topic: Topic, statement: &Statement, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::new(Class::General, Some(statement.place()), message).about(topic));
    }

    /// A general mistake about `word` that has a topic.
    fn word_error_about(
        &mut self,
        topic: Topic,
        statement: &Statement,
        word: &Word,
        message: impl Into<String>,
    ) {
        self.diagnostics
            .push(Diagnostic::new(Class::General, Some(statement.place_of(word)), message).about(topic));
    }

    /// A general mistake about `word`.
    fn word_error(&mut self, statement: &Statement, word: &Word, message: impl Into<String>) {
        self.report(Class::General, statement.place_of(word), message);
    }

    /// The same for a word of which there are only few.
    fn choice_error(&mut self, statement: &Statement, word: &Word, message: String, choices: &[&str]) {
        self.choice_error_about(Topic::Other, statement, word, message, choices);
    }

    /// The same with a topic.
    fn choice_error_about(
        &mut self,
        topic: Topic,
        statement: &Statement,
        word: &Word,
        message: String,
        choices: &[&str],
    ) {
        let diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
        let help = format!("one of {}", choices.join(", "));
        self.diagnostics.push(diagnostic.about(topic).with_help(help));
    }

    /// The first argument as text; when there is none, that is a mistake.
    fn text(&mut self, statement: &Statement, missing: impl FnOnce() -> String) -> Option<String> {
        let text = Self::word(statement);
        if text.is_none() {
            self.error(statement, missing());
        }
        text
    }

    fn spanned<T>(statement: &Statement, word: &Word, value: T) -> Spanned<T> {
        Spanned {
            value,
            place: statement.place_of(word),
        }
    }

    /// The first argument as text.
    fn word(statement: &Statement) -> Option<String> {
        statement.arg().map(|word| word.text.clone())
    }

    /// The first argument as the whole number that the table of keywords says it is.
    fn int(&mut self, block: Block, statement: &Statement) -> Option<i64> {
        let word = statement.arg()?;
        let (least, most, lenient) = match keyword::find(block, statement.keyword())?.args {
            Args::Int(least, most) | Args::OptionalInt(least, most) => (least, most, !self.options.test),
            Args::Strict(least, most) | Args::OptionalStrict(least, most) => (least, most, false),
            _ => return None,
        };
        let read = number::int(&word.text, least, most, lenient);
        self.number(statement, word, read)
    }

    /// The same as an unsigned number; the table's bounds make it fit.
    fn unsigned<T: TryFrom<i64>>(&mut self, block: Block, statement: &Statement) -> Option<T> {
        self.int(block, statement)
            .and_then(|value| T::try_from(value).ok())
    }

    /// The first argument as seconds, within the table's bounds.
    fn seconds(&mut self, block: Block, statement: &Statement) -> Option<Duration> {
        let word = statement.arg()?;
        let Args::Seconds(least, most) = keyword::find(block, statement.keyword())?.args else {
            return self.unsigned(block, statement).map(Duration::from_secs);
        };
        let read = number::decimal(&word.text, 6, least, most);
        self.number(statement, word, read)
            .and_then(|micros| u64::try_from(micros).ok())
            .map(Duration::from_micros)
    }

    fn number(&mut self, statement: &Statement, word: &Word, read: number::Read<i64>) -> Option<i64> {
        let prefix = statement.keyword();
        let place = statement.place_of(word);
        match read {
            Ok((value, warning)) => {
                if let Some(warning) = warning {
                    let message = match &warning {
                        number::NumberError::Places(_) => format!("{prefix}: {warning}"),
                        _ => format!("WARNING - {prefix}: {warning}"),
                    };
                    self.number_error(place, &warning, message);
                }
                Some(value)
            }
            Err(error) => {
                let message = format!("{prefix}: {error}");
                self.number_error(place, &error, message);
                None
            }
        }
    }

    /// What is wrong with a number. One that is used, rounded, is about something else than one that is none.
    fn number_error(&mut self, place: Place, error: &number::NumberError, message: impl Into<String>) {
        let diagnostic = Diagnostic::new(Class::InvalidNumber, Some(place), message);
        self.diagnostics.push(match error {
            number::NumberError::Places(_) => diagnostic.about(Topic::Other),
            _ => diagnostic,
        });
    }

    /// A count of which 0 becomes 1 with a message.
    fn count(&mut self, block: Block, statement: &Statement) -> Option<u32> {
        let count: u32 = self.unsigned(block, statement)?;
        if count == 0 {
            let keyword = statement.keyword();
            let topic = match keyword.contains("garp") {
                true => Topic::Garp,
                false => Topic::Other,
            };
            self.error_about(
                topic,
                statement,
                format!("{keyword} must be greater than 0, setting to 1"),
            );
        }
        Some(count.max(1))
    }

    /// An optional boolean; nothing means true.
    fn boolean(&mut self, statement: &Statement) -> Option<bool> {
        let Some(word) = statement.arg() else {
            return Some(true);
        };
        let value = number::boolean(&word.text);
        if value.is_none() {
            let message = format!(
                "Invalid value '{}' for {} specified",
                word.text,
                statement.keyword()
            );
            self.word_error_about(Topic::BoolInvalid, statement, word, message);
        }
        value
    }

    /// The first argument as an address.
    fn address(&mut self, statement: &Statement) -> Option<Spanned<IpAddr>> {
        let word = statement.arg()?;
        match host(&word.text) {
            Some(address) => Some(Self::spanned(statement, word, address)),
            None => {
                let message = format!("{}: malformed address {}", statement.keyword(), word.text);
                self.word_error_about(Topic::InvalidAddress, statement, word, message);
                None
            }
        }
    }

    /// A command in script quoting with an optional user and group (grammar 4.5).
    fn script(&mut self, statement: &Statement) -> Option<Spanned<Command>> {
        let split = |text: &str, escapes| token::shell_words(text, escapes);
        let words = match split(statement.text.as_str(), false) {
            Ok(words) => words,
            Err(error) => {
                self.report(Class::UnmatchedQuote, statement.place(), error.to_string());
                return None;
            }
        };
        let command = words.get(1)?;
        let argv = match split(command, true) {
            Ok(argv) => argv,
            Err(error) => {
                self.error_about(Topic::UnmatchedQuote, statement, error.to_string());
                return None;
            }
        };
        if argv.first().is_none_or(String::is_empty) {
            self.error(statement, format!("{} has no command", statement.keyword()));
            return None;
        }
        let user = words.get(2).map(|user| RunAs {
            user: user.clone(),
            group: words.get(3).cloned(),
        });
        let place = statement
            .arg()
            .map_or_else(|| statement.place(), |word| statement.place_of(word));
        Some(Spanned {
            value: Command { argv, user },
            place,
        })
    }

    /// A command of which only the first one counts.
    fn script_once(&mut self, slot: &mut Option<Spanned<Command>>, statement: &Statement, owner: &str) {
        let Some(first) = slot.as_ref() else {
            *slot = self.script(statement);
            return;
        };
        if let Some(word) = statement.arg() {
            let keyword = statement.keyword();
            let message = format!("{owner}{keyword} already specified - ignoring {}", word.text);
            self.duplicate(statement, word, message, first.place.clone());
        }
    }

    /// USER [GROUP]
    fn run_as(statement: &Statement) -> Option<Spanned<RunAs>> {
        let word = statement.arg()?;
        let value = RunAs {
            user: word.text.clone(),
            group: statement.args().get(1).map(|group| group.text.clone()),
        };
        Some(Self::spanned(statement, word, value))
    }
}

/// An address of a host: what follows a slash is not looked at.
fn host(text: &str) -> Option<IpAddr> {
    text.split_once('/')
        .map_or(text, |(address, _)| address)
        .parse()
        .ok()
}
