//! Lines of `track_interface` and `track_script`.

use super::Cx;
use crate::conf::config::TrackLine;
use crate::conf::diag::Class;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;

/// The greatest weight of an interface or a script.
const MAX_WEIGHT: i64 = 253;

/// The entries of a block; `known` scripts stand before it.
pub(super) fn lines(cx: &mut Cx<'_>, body: &[Statement], known: usize) -> Vec<TrackLine> {
    body.iter()
        .filter_map(|statement| line(cx, statement, known))
        .collect()
}

/// NAME [weight N] [reverse|noreverse]
fn line(cx: &mut Cx<'_>, statement: &Statement, known: usize) -> Option<TrackLine> {
    let name = statement.words.first()?;
    let mut out = TrackLine {
        name: Cx::spanned(statement, name, name.text.clone()),
        weight: None,
        reverse: None,
        known,
    };
    let mut words = statement.args().iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "weight" => match words.next() {
                Some(value) => out.weight = weight(cx, statement, value),
                None => cx.word_error(statement, word, format!("weight without value for {}", name.text)),
            },
            "reverse" => out.reverse = Some(true),
            "noreverse" => out.reverse = Some(false),
            other => {
                let message = format!("unknown track option {other} for {} - ignoring", name.text);
                cx.word_error(statement, word, message);
            }
        }
    }
    Some(out)
}

/// −253 to 253
pub(super) fn weight(cx: &mut Cx<'_>, statement: &Statement, word: &Word) -> Option<i16> {
    match number::int(&word.text, -MAX_WEIGHT, MAX_WEIGHT, !cx.options.test) {
        Ok((value, warning)) => {
            if let Some(warning) = warning {
                let message = format!("WARNING - weight: {warning}");
                cx.report(Class::InvalidNumber, statement.place_of(word), message);
            }
            i16::try_from(value).ok()
        }
        Err(error) => {
            let message = format!("weight: {error}");
            cx.report(Class::InvalidNumber, statement.place_of(word), message);
            None
        }
    }
}
