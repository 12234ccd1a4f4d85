//! `vrrp_script`.

use super::{Cx, track};
use crate::conf::config::{Config, VrrpScript};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use std::time::Duration;

/// The longest `interval` and `timeout`.
const MAX_SECONDS: i64 = 4_294;

/// A `vrrp_script` block; of two with one name the first is used (fact 1.29).
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(word) = statement.arg() else { return };
    let mut script = VrrpScript {
        name: Cx::spanned(statement, word, word.text.clone()),
        script: None,
        script_unreadable: false,
        init_fail: false,
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
            "script" => {
                let command = cx.script(statement);
                script.script_unreadable |= command.is_none();
                script.script = command.or(script.script);
            }
            "interval" => script.interval = time(cx, statement, &script.name.value).or(script.interval),
            "timeout" => script.timeout = time(cx, statement, &script.name.value).or(script.timeout),
            "weight" => {
                let called = format!("vrrp_script {}", script.name.value);
                if let Some((weight, reverse)) =
                    track::own_weight(cx, statement, track::Kind::Script.most(), &called)
                {
                    (script.weight, script.reverse) = (weight, reverse);
                }
            }
            "rise" => script.rise = cx.unsigned(block, statement).or(script.rise),
            "fall" => script.fall = cx.unsigned(block, statement).or(script.fall),
            "user" => script.user = Cx::run_as(statement),
            "init_fail" => script.init_fail = true,
            _ => {}
        }
    }
    if let Some(word) = statement.arg() {
        cx.first(Block::VrrpScript, statement, word);
    }
    config.scripts.push(script);
}

/// Seconds with three decimals, of which 0 becomes 1 with a message.
fn time(cx: &mut Cx<'_>, statement: &Statement, name: &str) -> Option<Duration> {
    let word = statement.arg()?;
    let read = number::decimal(&word.text, 3, 0, MAX_SECONDS * 1_000);
    let millis = cx.number(statement, word, read)?;
    if millis == 0 {
        let what = statement.keyword();
        let message = format!("({name}): vrrp script {what} must be greater than 0, setting to 1");
        cx.error(statement, message);
        return Some(Duration::from_secs(1));
    }
    u64::try_from(millis).ok().map(Duration::from_millis)
}
