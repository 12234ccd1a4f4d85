//! `vrrp_script`.

use super::{Cx, track};
use crate::conf::config::{Config, VrrpScript};
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;

/// A `vrrp_script` block; of two with one name the first is used (fact 1.29).
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(word) = statement.arg() else { return };
    let mut script = VrrpScript {
        name: Cx::spanned(statement, word, word.text.clone()),
        script: None,
        interval: None,
        timeout: None,
        weight: 0,
        reverse: false,
        rise: None,
        fall: None,
        user: None,
    };
    let block = Block::VrrpScript;
    for statement in body {
        match statement.keyword() {
            "script" => script.script = cx.script(statement).or(script.script),
            "interval" => script.interval = time(cx, statement).or(script.interval),
            "timeout" => script.timeout = time(cx, statement).or(script.timeout),
            "weight" => {
                if let Some(word) = statement.arg()
                    && let Some(weight) = track::weight(cx, statement, word)
                {
                    script.weight = weight;
                }
                match statement.args().get(1) {
                    Some(word) if word.text == "reverse" => script.reverse = true,
                    Some(word) => {
                        let message = format!("unknown weight option {}", word.text);
                        cx.word_error(statement, word, message);
                    }
                    None => {}
                }
            }
            "rise" => script.rise = cx.unsigned(block, statement).or(script.rise),
            "fall" => script.fall = cx.unsigned(block, statement).or(script.fall),
            "user" => script.user = Cx::run_as(statement),
            _ => {}
        }
    }
    config.scripts.push(script);
}

/// Seconds of which 0 becomes 1 with a message.
fn time(cx: &mut Cx<'_>, statement: &Statement) -> Option<std::time::Duration> {
    let time = cx.seconds(Block::VrrpScript, statement)?;
    if time.is_zero() {
        cx.error(
            statement,
            format!("{} must be greater than 0, using 1", statement.keyword()),
        );
        return Some(std::time::Duration::from_secs(1));
    }
    Some(time)
}
