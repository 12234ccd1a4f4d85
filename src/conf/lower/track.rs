//! Lines of `track_interface`, `track_script`, `track_file`, `track_process` and `track_bfd`, and weights.

use super::Cx;
use crate::conf::config::TrackLine;
use crate::conf::diag::{Class, Topic};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;

/// What can be tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Interface,
    Script,
    File,
    Process,
    Bfd,
}

impl Kind {
    /// What the block of `keyword` lists.
    pub(super) fn of(keyword: &str) -> Option<Self> {
        Some(match keyword {
            "track_interface" => Self::Interface,
            "track_script" => Self::Script,
            "track_file" => Self::File,
            "track_process" => Self::Process,
            "track_bfd" => Self::Bfd,
            _ => return None,
        })
    }

    /// The greatest weight.
    pub(super) const fn most(self) -> i64 {
        match self {
            Self::Interface | Self::Script | Self::Bfd => 253,
            Self::File | Self::Process => 254,
        }
    }

    /// What is taken for the greatest weight, with a message.
    const fn taken(self) -> i64 {
        match self {
            Self::Interface | Self::Script => 254,
            Self::File | Self::Process | Self::Bfd => self.most(),
        }
    }

    /// The block that defines one; interfaces are the kernel's.
    const fn block(self) -> Option<Block> {
        match self {
            Self::Interface => None,
            Self::Script => Some(Block::VrrpScript),
            Self::File => Some(Block::TrackFile),
            Self::Process => Some(Block::TrackProcess),
            Self::Bfd => Some(Block::BfdInstance),
        }
    }

    /// As keepalived calls `name`.
    fn called(self, name: &str) -> String {
        match self {
            Self::Interface => format!("track_interface {name}"),
            Self::Script => format!("track script {name}"),
            Self::File => format!("track file {name}"),
            Self::Process => format!("track process {name}"),
            Self::Bfd => format!("track bfd {name}"),
        }
    }
}

/// Adds the entries of a block of `owner` to `lines`. Of two for one thing the first counts.
pub(super) fn lines(
    cx: &mut Cx<'_>,
    lines: &mut Vec<TrackLine>,
    owner: &str,
    kind: Kind,
    body: &[Statement],
) {
    for statement in body {
        let Some(name) = statement.words.first() else {
            continue;
        };
        let known = kind.block().is_none_or(|block| cx.defined(block, &name.text));
        // Another one of what is not known is said as such, once for each.
        if known && let Some(first) = lines.iter().find(|line| line.name.value == name.text) {
            let kind = match kind {
                Kind::Interface => "track_interface",
                Kind::Script => "track_script",
                Kind::File => "track_file",
                Kind::Process => "track_process",
                Kind::Bfd => "track_bfd",
            };
            let message = format!("({owner}) duplicate {kind} {} - ignoring", name.text);
            cx.duplicate(statement, name, message, first.name.place.clone());
            continue;
        }
        let mut line = TrackLine {
            name: Cx::spanned(statement, name, name.text.clone()),
            weight: None,
            reverse: None,
            known,
        };
        // Nothing is said of the options of what is not there.
        if known {
            options(cx, &mut line, owner, kind, statement);
        }
        lines.push(line);
    }
}

/// `[weight N [reverse|noreverse]]`
fn options(cx: &mut Cx<'_>, line: &mut TrackLine, owner: &str, kind: Kind, statement: &Statement) {
    let called = kind.called(&line.name.value);
    let [option, rest @ ..] = statement.args() else {
        return;
    };
    if option.text != "weight" {
        let message = format!("({owner}) unknown {called} option {} - ignoring", option.text);
        cx.choice_error(statement, option, message, &["weight"]);
        return;
    }
    let [value, rest @ ..] = rest else {
        let message = format!("({owner}) weight without value specified for {called} - ignoring");
        cx.word_error(statement, option, message);
        return;
    };
    let whose = format!("({owner}) {called}: ");
    let Some(weight) = weight_up_to(cx, statement, value, (kind.most(), kind.taken()), &whose) else {
        return;
    };
    let most = i16::try_from(kind.most()).unwrap_or(i16::MAX);
    if weight.abs() > most {
        let name = &line.name.value;
        let message = format!(
            "({owner}) weight for {name} cannot be +/-{}. Setting to +/-{most}",
            weight.abs()
        );
        cx.report(Class::General, statement.place_of(value), message);
    }
    line.weight = Some(weight.clamp(-most, most));
    match rest.first() {
        None => {}
        Some(word) if word.text == "reverse" => line.reverse = Some(true),
        Some(word) if word.text == "noreverse" && kind != Kind::Interface => line.reverse = Some(false),
        Some(word) => {
            let message = format!(
                "({owner}) unknown {called} weight option {} - ignoring",
                word.text
            );
            let choices: &[&str] = match kind {
                Kind::Interface => &["reverse"],
                _ => &["reverse", "noreverse"],
            };
            cx.choice_error(statement, word, message, choices);
        }
    }
}

/// From `-most` to `most`; what is none is said of `whose`.
fn weight(cx: &mut Cx<'_>, statement: &Statement, word: &Word, most: i64, whose: &str) -> Option<i16> {
    weight_up_to(cx, statement, word, (most, most), whose)
}

/// The same, but with what is `taken` although it is more.
fn weight_up_to(
    cx: &mut Cx<'_>,
    statement: &Statement,
    word: &Word,
    (most, taken): (i64, i64),
    whose: &str,
) -> Option<i16> {
    let lenient = !cx.options.test;
    let read = number::int(&word.text, -most, most, lenient)
        .or_else(|error| number::int(&word.text, -taken, taken, lenient).map_err(|_| error));
    let (message, value) = match read {
        Ok((value, None)) => return i16::try_from(value).ok(),
        Ok((value, Some(warning))) => (format!("WARNING - {whose}weight: {warning}"), Some(value)),
        Err(error) => (format!("{whose}weight: {error}"), None),
    };
    cx.report(Class::InvalidNumber, statement.place_of(word), message);
    i16::try_from(value?).ok()
}

/// `WEIGHT [reverse]` of what is tracked; `called` is how keepalived calls it.
pub(super) fn own_weight(
    cx: &mut Cx<'_>,
    statement: &Statement,
    most: i64,
    called: &str,
) -> Option<(i16, bool)> {
    let word = statement.arg()?;
    let weight = weight(cx, statement, word, most, &format!("{called} "))?;
    let reverse = match statement.args().get(1) {
        Some(word) if word.text == "reverse" => true,
        Some(word) => {
            let message = format!("{called} unknown weight option {}", word.text);
            cx.choice_error_about(Topic::Other, statement, word, message, &["reverse"]);
            false
        }
        None => false,
    };
    Some((weight, reverse))
}
