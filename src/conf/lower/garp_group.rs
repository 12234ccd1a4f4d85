//! `garp_group`: interfaces that share a limit for gratuitous ARP.

use super::Cx;
use crate::conf::config::{Config, GarpGroup};
use crate::conf::diag::{Class, Topic};
use crate::conf::keyword::{self, Args, Block};
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use std::time::Duration;

/// A `garp_group` block; one without an interval is of no use.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let mut group = GarpGroup::default();
    for inner in body {
        match inner.keyword() {
            "garp_interval" => group.garp_interval = interval(cx, inner).or(group.garp_interval),
            "gna_interval" => group.gna_interval = interval(cx, inner).or(group.gna_interval),
            "interface" => {
                if let Some(word) = inner.arg() {
                    interface(cx, config, &mut group, inner, word);
                }
            }
            "interfaces" => {
                for line in inner.body.as_deref().unwrap_or_default() {
                    for word in &line.words {
                        interface(cx, config, &mut group, line, word);
                    }
                }
            }
            _ => {}
        }
    }
    if group.garp_interval.is_none() && group.gna_interval.is_none() {
        let number = config.garp_groups.len();
        let message = format!("garp group {number} does not have any delay set - removing");
        cx.error_about(Topic::Garp, statement, message);
        return;
    }
    config.garp_groups.push(group);
}

/// Seconds. What is no number is said once; what is one, but not within bounds, is said to be invalid too.
fn interval(cx: &mut Cx<'_>, statement: &Statement) -> Option<Duration> {
    let word = statement.arg()?;
    let keyword = statement.keyword();
    let Args::Seconds(least, most) = keyword::find(Block::GarpGroup, keyword)?.args else {
        return None;
    };
    match number::decimal(&word.text, 6, least, most) {
        Ok((micros, warning)) => {
            if let Some(warning) = warning {
                cx.number_error(statement.place_of(word), &warning, warning.to_string());
            }
            u64::try_from(micros).ok().map(Duration::from_micros)
        }
        Err(error) => {
            let place = statement.place_of(word);
            let message = format!("{keyword}: {error}");
            cx.report(Class::InvalidNumber, place, message);
            if !matches!(error, number::NumberError::Invalid(_)) {
                let message = format!("garp_group {keyword} '{}' invalid", word.text);
                cx.word_error_about(Topic::Garp, statement, word, message);
            }
            None
        }
    }
}

/// An interface is in one group only.
fn interface(cx: &mut Cx<'_>, config: &Config, group: &mut GarpGroup, line: &Statement, word: &Word) {
    let mut taken = config
        .garp_groups
        .iter()
        .flat_map(|group| &group.interfaces)
        .chain(&group.interfaces);
    if taken.any(|name| name.value == word.text) {
        let message = format!("garp_group already specified for {} - ignoring", word.text);
        cx.word_error_about(Topic::DuplicateDefinition, line, word, message);
        return;
    }
    group.interfaces.push(Cx::spanned(line, word, word.text.clone()));
}
