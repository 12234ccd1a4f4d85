//! Entries of a value block, one a line: their words read one after the other, and what is said of words that do not fit.

use super::Cx;
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::{self, Block};
use crate::conf::number::{self, NumberError};
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::net::Cidr;
use std::net::IpAddr;

/// A line, and how far it has been read.
pub(super) struct Line<'s> {
    pub(super) statement: &'s Statement,
    next: usize,
    /// What is said of its words is about this.
    topic: Topic,
}

impl<'s> Line<'s> {
    pub(super) const fn new(statement: &'s Statement, topic: Topic) -> Self {
        Self {
            statement,
            next: 0,
            topic,
        }
    }

    /// The next word, if there is one.
    pub(super) fn next(&mut self) -> Option<&'s Word> {
        let word = self.statement.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    /// The next word without taking it.
    pub(super) fn peek(&self) -> Option<&'s str> {
        self.statement.words.get(self.next).map(|word| word.text.as_str())
    }

    /// Takes the next word if it is `text`.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.peek() == Some(text);
        self.next += usize::from(found);
        found
    }

    /// The word that `after` must have; keepalived ends at once where it is missing (grammar 6.6).
    pub(super) fn value(&mut self, cx: &mut Cx<'_>, after: &Word) -> Option<&'s Word> {
        let value = self.next();
        if value.is_none() {
            let message = format!(
                "*** Configuration line starting `{}` is missing a parameter after keyword `{}` at word position {}",
                self.statement.keyword(),
                after.text,
                self.next + 1
            );
            cx.report(Class::MissingParameter, self.statement.place_of(after), message);
        }
        value
    }

    /// A mistake about `word`.
    pub(super) fn mistake(&self, cx: &mut Cx<'_>, word: &Word, message: impl Into<String>) {
        cx.word_error_about(self.topic, self.statement, word, message);
    }

    /// A number read strictly, within bounds; what it is no good for is said after why.
    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        cx: &mut Cx<'_>,
        word: &Word,
        (least, most): (i64, i64),
        message: impl FnOnce(&str) -> String,
    ) -> Option<T> {
        match number::int(&word.text, least, most, false) {
            Ok((value, _)) => T::try_from(value).ok(),
            Err(error) => {
                self.not_a_number(cx, word, &error);
                self.mistake(cx, word, message(&word.text));
                None
            }
        }
    }

    /// What is wrong with a number.
    pub(super) fn not_a_number(&self, cx: &mut Cx<'_>, word: &Word, error: &NumberError) {
        cx.number_error(self.statement.place_of(word), error, error.to_string());
    }

    /// What is wrong with an address.
    pub(super) fn not_an_address(&self, cx: &mut Cx<'_>, word: &Word) {
        let message = format!("VRRP parsed invalid IP {}. skipping IP...", word.text);
        cx.word_error_about(Topic::InvalidAddress, self.statement, word, message);
    }

    /// An address; what it is no good for is said after that it is none.
    pub(super) fn address(
        &self,
        cx: &mut Cx<'_>,
        word: &Word,
        message: impl FnOnce(&str) -> String,
    ) -> Option<IpAddr> {
        let address = word.text.parse().ok();
        if address.is_none() {
            self.not_an_address(cx, word);
            self.mistake(cx, word, message(&word.text));
        }
        address
    }

    /// `ADDRESS[/PREFIX]`. A prefix that is none is reported, and the one of a host is used; `None` when the address is
    /// none, which nobody has said.
    pub(super) fn cidr(&self, cx: &mut Cx<'_>, word: &Word) -> Option<Cidr> {
        let (text, prefix) = match word.text.split_once('/') {
            Some((text, prefix)) => (text, Some(prefix).filter(|prefix| !prefix.is_empty())),
            None => (word.text.as_str(), None),
        };
        let host = Cidr::host(text.parse().ok()?);
        let Some(prefix) = prefix else {
            return Some(host);
        };
        match number::int(prefix, 0, i64::from(host.prefix), false) {
            Ok((value, _)) => u8::try_from(value)
                .ok()
                .and_then(|value| Cidr::new(host.addr, value)),
            Err(error) => {
                let message = format!(
                    "Invalid address prefix len {prefix} for address {} - using {}: {error}",
                    word.text, host.prefix
                );
                cx.report(Class::InvalidNumber, self.statement.place_of(word), message);
                Some(host)
            }
        }
    }

    /// A word that is no option of `block`, with what may have been meant.
    pub(super) fn unknown(
        &self,
        cx: &mut Cx<'_>,
        block: Block,
        word: &Word,
        message: String,
    ) -> Option<&'static str> {
        let meant = keyword::nearest(block, &word.text);
        let mut diagnostic =
            Diagnostic::new(Class::General, Some(self.statement.place_of(word)), message).about(self.topic);
        diagnostic.help = meant.map(|meant| format!("did you mean `{meant}`?"));
        cx.diagnostics.push(diagnostic);
        meant
    }
}
