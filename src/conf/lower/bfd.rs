//! `bfd_instance`.

use super::{Cx, host};
use crate::conf::config::{BfdSession, Config, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::{self, Args, Block};
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::net::Family;
use std::net::IpAddr;
use std::time::Duration;

/// The longest name, in octets.
const MAX_NAME: usize = 31;
/// The greatest weight.
const MAX_WEIGHT: i64 = 253;
/// Intervals above this, in microseconds, are remarked upon.
const SENSIBLE: u64 = 10_000_000;

/// A `bfd_instance` block.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(word) = statement.arg() else {
        // Said by the audit.
        return;
    };
    let name = word.text.as_str();
    if name.len() > MAX_NAME {
        let message =
            format!("BFD instance {name} name too long (maximum length is {MAX_NAME} characters) - ignoring");
        cx.word_error_about(Topic::Bfd, statement, word, message);
        return;
    }
    if let Some(first) = cx.first(Block::BfdInstance, statement, word) {
        let message = format!("BFD {name} already specified");
        cx.duplicate(statement, word, message, first);
        return;
    }
    let mut reader = Reader {
        name: Cx::spanned(statement, word, name.to_owned()),
        neighbor: None,
        unusable: false,
        source: None,
        min_rx: Duration::from_millis(10),
        min_tx: Duration::from_millis(10),
        idle_tx: Duration::from_secs(1),
        multiplier: 5,
        passive: false,
        ttl: None,
        max_hops: Some(0),
        multihop: false,
        weight: (0, false),
        vrrp: false,
        checker: false,
    };
    for inner in body {
        reader.keyword(cx, inner);
    }
    if let Some(session) = reader.finish(cx, config, statement) {
        config.bfd.push(session);
    }
}

struct Reader {
    name: Spanned<String>,
    neighbor: Option<IpAddr>,
    /// Why has been said.
    unusable: bool,
    source: Option<IpAddr>,
    min_rx: Duration,
    min_tx: Duration,
    idle_tx: Duration,
    multiplier: u8,
    passive: bool,
    ttl: Option<u8>,
    max_hops: Option<u8>,
    multihop: bool,
    weight: (i16, bool),
    vrrp: bool,
    checker: bool,
}

impl Reader {
    fn keyword(&mut self, cx: &mut Cx<'_>, statement: &Statement) {
        let word = statement.arg();
        match (statement.keyword(), word) {
            ("passive", _) => self.passive = true,
            ("vrrp", _) => self.vrrp = true,
            ("checker", _) => self.checker = true,
            ("multihop", _) => self.multihop = cx.boolean(statement).unwrap_or(self.multihop),
            ("neighbor_ip" | "neighbour_ip", Some(word)) => self.neighbor(cx, statement, word),
            ("source_ip", Some(word)) => {
                let source = host(&word.text);
                if source.is_none() {
                    let message = format!("has malformed source address {}, ignoring", word.text);
                    self.mistake(cx, statement, word, &message);
                }
                self.source = source.or(self.source);
            }
            ("min_rx", Some(word)) => self.min_rx = self.millis(cx, statement, word).unwrap_or(self.min_rx),
            ("min_tx", Some(word)) => self.min_tx = self.millis(cx, statement, word).unwrap_or(self.min_tx),
            ("idle_tx", Some(word)) => {
                self.idle_tx = self.millis(cx, statement, word).unwrap_or(self.idle_tx);
            }
            ("multiplier", Some(word)) => {
                let value = self.count(cx, statement, word, "multiplier");
                self.multiplier = value.unwrap_or(self.multiplier);
            }
            ("ttl" | "hoplimit", Some(word)) => {
                self.ttl = self.count(cx, statement, word, "ttl/hoplimit").or(self.ttl);
            }
            ("max_hops", Some(word)) => {
                if let Some(hops) = self.number(cx, statement, word, "max_hops") {
                    // -1 and 255: any number.
                    self.max_hops = u8::try_from(hops).ok().filter(|hops| *hops < u8::MAX);
                }
            }
            ("weight", Some(word)) => self.weight(cx, statement, word),
            _ => {}
        }
    }

    fn mistake(&self, cx: &mut Cx<'_>, statement: &Statement, word: &Word, message: &str) {
        let message = format!("BFD instance {} {message}", self.name.value);
        cx.word_error_about(Topic::Bfd, statement, word, message);
    }

    fn neighbor(&mut self, cx: &mut Cx<'_>, statement: &Statement, word: &Word) {
        let Some(address) = host(&word.text) else {
            let message = format!("has malformed neighbor address {}, ignoring instance", word.text);
            self.mistake(cx, statement, word, &message);
            self.unusable = true;
            return;
        };
        self.neighbor = Some(address);
    }

    /// Milliseconds with three decimals.
    fn millis(&self, cx: &mut Cx<'_>, statement: &Statement, word: &Word) -> Option<Duration> {
        let keyword = statement.keyword();
        let Args::Millis(least, most) = keyword::find(Block::BfdInstance, keyword)?.args else {
            return None;
        };
        match number::decimal(
            &word.text,
            3,
            least.saturating_mul(1_000),
            most.saturating_mul(1_000),
        ) {
            Ok((micros, warning)) => {
                let place = statement.place_of(word);
                if let Some(warning) = warning {
                    cx.number_error(place.clone(), &warning, warning.to_string());
                }
                let micros = u64::try_from(micros).ok()?;
                if micros > SENSIBLE {
                    let message = format!(
                        "BFD instance {} {keyword} value {} is larger than max sensible ({})",
                        self.name.value,
                        word.text,
                        SENSIBLE / 1_000
                    );
                    cx.report(Class::Note, place, message);
                }
                Some(Duration::from_micros(micros))
            }
            Err(error) => {
                let (number, text) = (error.to_string(), &word.text);
                cx.report(Class::InvalidNumber, statement.place_of(word), number);
                let message = format!(
                    "{keyword} value {text} is not valid (must be in range [{least}-{most}]), ignoring"
                );
                self.mistake(cx, statement, word, &message);
                None
            }
        }
    }

    /// A whole number within the table's bounds.
    fn number(&self, cx: &mut Cx<'_>, statement: &Statement, word: &Word, what: &str) -> Option<i64> {
        let bounds = match keyword::find(Block::BfdInstance, statement.keyword())?.args {
            Args::Strict(least, most) => (least, most),
            _ => (-MAX_WEIGHT, MAX_WEIGHT),
        };
        let lenient = statement.keyword() == "weight" && !cx.options.test;
        match number::int(&word.text, bounds.0, bounds.1, lenient) {
            Ok((value, warning)) => {
                if let Some(warning) = warning {
                    let message = format!("WARNING - {what}: {warning}");
                    cx.report(Class::InvalidNumber, statement.place_of(word), message);
                }
                Some(value)
            }
            Err(error) => {
                cx.number_error(statement.place_of(word), &error, error.to_string());
                let message = format!(
                    "{what} value {} not valid (must be in range [{}-{}]), ignoring",
                    word.text, bounds.0, bounds.1
                );
                self.mistake(cx, statement, word, &message);
                None
            }
        }
    }

    fn count(&self, cx: &mut Cx<'_>, statement: &Statement, word: &Word, what: &str) -> Option<u8> {
        let number = self.number(cx, statement, word, what)?;
        u8::try_from(number).ok()
    }

    /// `WEIGHT [reverse]`
    fn weight(&mut self, cx: &mut Cx<'_>, statement: &Statement, word: &Word) {
        let Some(weight) = self.number(cx, statement, word, "weight") else {
            return;
        };
        let reverse = match statement.args().get(1) {
            None => false,
            Some(option) if option.text == "reverse" => true,
            Some(option) => {
                let message = format!("unknown weight option {}", option.text);
                self.mistake(cx, statement, option, &message);
                false
            }
        };
        if let Ok(weight) = i16::try_from(weight) {
            self.weight = (weight, reverse);
        }
    }

    /// What the keywords mean together.
    fn finish(self, cx: &mut Cx<'_>, config: &Config, statement: &Statement) -> Option<BfdSession> {
        let name = self.name.value.as_str();
        let about = |cx: &mut Cx<'_>, message: String| cx.error_about(Topic::Bfd, statement, message);
        if self.unusable {
            return None;
        }
        let Some(neighbor) = self.neighbor else {
            let message = format!("BFD instance {name} has no neighbor address set, disabling instance");
            about(cx, message);
            return None;
        };
        let family = Family::of(&neighbor);
        if let Some(source) = self.source.filter(|source| Family::of(source) != family) {
            let message = format!(
                "BFD instance {name} source address {source} and neighbor address {neighbor} are not of the same \
                 family, disabling instance"
            );
            about(cx, message);
            return None;
        }
        let same = |other: &&BfdSession| other.neighbor == neighbor && other.source == self.source;
        if let Some(other) = config.bfd.iter().find(same) {
            let message = match self.source {
                Some(source) => format!(
                    "BFD instance {name} has duplicate source/neighbor address {source}/{neighbor}, ignoring instance"
                ),
                None => {
                    format!(
                        "BFD instance {name} has duplicate neighbor address {neighbor}, ignoring instance"
                    )
                }
            };
            let diagnostic = Diagnostic::new(Class::General, Some(statement.place()), message)
                .about(Topic::Bfd)
                .with_related(other.name.place.clone(), "the first one");
            cx.diagnostics.push(diagnostic);
            return None;
        }
        let ttl = self.ttl.unwrap_or(match family {
            Family::V4 => 255,
            Family::V6 => 64,
        });
        let max_hops = self.max_hops.map(|hops| {
            if hops > ttl {
                let message =
                    format!("BFD instance {name}: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit");
                about(cx, message);
            }
            hops.min(ttl)
        });
        let both = !self.vrrp && !self.checker;
        Some(BfdSession {
            neighbor,
            source: self.source,
            min_rx: self.min_rx,
            min_tx: self.min_tx,
            idle_tx: self.idle_tx,
            multiplier: self.multiplier,
            passive: self.passive,
            ttl,
            max_hops,
            multihop: self.multihop,
            weight: self.weight.0,
            reverse: self.weight.1,
            vrrp: self.vrrp || both,
            checker: self.checker || both,
            name: self.name,
        })
    }
}
