//! `auth_hmac`: keys and how they are used (facts 8).

use super::{Cx, track_object};
use crate::conf::config::{AntiReplay, AuthHmac, HmacKey, HmacMode, Instance, KeySource, Secret, Spanned};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;

/// An `auth_hmac` block.
pub(super) fn lower(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement, body: &[Statement]) {
    let name = instance.name.value.clone();
    let place = statement.place();
    let old = instance.settings.auth_hmac.take().map(|hmac| hmac.value);
    let mut hmac: AuthHmac = old.unwrap_or_default();
    for statement in body {
        let Some(word) = statement.arg() else { continue };
        match statement.keyword() {
            "key" => key(cx, &mut hmac, &name, statement, word),
            "active_key" => {
                if let Some(id) = id(cx, statement, word) {
                    hmac.active_key = Some(Cx::spanned(statement, word, id));
                }
            }
            "time_window" => {
                hmac.time_window = cx.unsigned(Block::AuthHmac, statement).or(hmac.time_window);
            }
            "anti_replay" => match word.text.as_str() {
                "time" => hmac.anti_replay = Some(AntiReplay::Time),
                "monotonic" => hmac.anti_replay = Some(AntiReplay::Monotonic),
                other => {
                    let message = format!("({name}) unknown auth_hmac anti_replay '{other}' - ignoring");
                    cx.choice_error(statement, word, message, &["time", "monotonic"]);
                }
            },
            "mode" => match word.text.as_str() {
                "enforce" => hmac.mode = Some(HmacMode::Enforce),
                "permissive" => hmac.mode = Some(HmacMode::Permissive),
                "receive-only" => hmac.mode = Some(HmacMode::ReceiveOnly),
                other => {
                    let message = format!("({name}) unknown auth_hmac mode '{other}' - ignoring");
                    cx.choice_error(
                        statement,
                        word,
                        message,
                        &["enforce", "permissive", "receive-only"],
                    );
                }
            },
            _ => {}
        }
    }
    instance.settings.auth_hmac = Some(Spanned { value: hmac, place });
}

/// 1 to 255
fn id(cx: &mut Cx<'_>, statement: &Statement, word: &Word) -> Option<u8> {
    let read = number::int(&word.text, 1, 255, false);
    cx.number(statement, word, read)
        .and_then(|id| u8::try_from(id).ok())
}

/// `ID VALUE`; of two with one id the first counts.
fn key(cx: &mut Cx<'_>, hmac: &mut AuthHmac, name: &str, statement: &Statement, word: &Word) {
    let Some(id) = id(cx, statement, word) else { return };
    let Some(value) = statement.args().get(1) else {
        cx.word_error(
            statement,
            word,
            format!("({name}) auth_hmac key {id} has no value - ignoring"),
        );
        return;
    };
    if let Some(first) = hmac.keys.iter().find(|key| key.id == id) {
        let message = format!("({name}) duplicate auth_hmac key {id} - ignoring");
        cx.duplicate(statement, word, message, first.source.place.clone());
        return;
    }
    let source = match value.text.strip_prefix("file:") {
        Some(path) => KeySource::File(track_object::beside(statement, path)),
        None => match KeySource::octets(value.text.as_bytes()) {
            Ok(octets) => KeySource::Octets(Secret(octets)),
            Err(why) => {
                let message = format!("({name}) auth_hmac key {id}: {why} - ignoring");
                cx.word_error(statement, value, message);
                return;
            }
        },
    };
    let source = Cx::spanned(statement, value, source);
    hmac.keys.push(HmacKey { id, source });
}
