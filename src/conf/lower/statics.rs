//! `static_ipaddress`, `static_routes`, `static_rules`, and the track groups that their entries may belong to.

use super::{Cx, address, route, rule};
use crate::conf::config::{Config, TrackGroup};
use crate::conf::diag::Topic;
use crate::conf::token::Word;
use crate::conf::tree::Statement;

/// The entries of one of the three blocks.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, keyword: &str, body: &[Statement]) {
    let groups = Some(config.track_groups.as_slice());
    let statics = &mut config.statics;
    for line in body {
        match keyword {
            "static_ipaddress" => statics.addresses.extend(address::line(cx, line, groups)),
            "static_routes" => statics.routes.extend(route::line(cx, line, groups)),
            _ => statics.rules.extend(rule::line(cx, line, groups)),
        }
    }
}

/// `track_group NAME` of an entry: one that was defined before (grammar 5.10), and only one.
pub(super) fn group(
    cx: &mut Cx<'_>,
    slot: &mut Option<String>,
    groups: &[TrackGroup],
    topic: Topic,
    statement: &Statement,
    word: &Word,
) {
    let name = word.text.as_str();
    if slot.is_some() {
        let message = format!("track_group {name} is a duplicate");
        cx.word_error_about(topic, statement, word, message);
    } else if groups.iter().any(|group| group.name.value == name) {
        *slot = Some(name.to_owned());
    } else {
        let message = format!("track_group {name} not found");
        cx.word_error_about(topic, statement, word, message);
    }
}
