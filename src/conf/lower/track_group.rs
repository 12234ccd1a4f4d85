//! `track_group`: instances that static entries take with them.

use super::Cx;
use crate::conf::config::{Config, TrackGroup};
use crate::conf::diag::{Class, Topic};
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;

/// A `track_group` block; of two with one name the second is skipped.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let [_, word] = statement.words.as_slice() else {
        // No name, or more than one: said by the audit.
        return;
    };
    if let Some(first) = cx.first(Block::TrackGroup, statement, word) {
        let message = format!("track_group {} already defined", word.text);
        cx.duplicate(statement, word, message, first);
        return;
    }
    let mut group = TrackGroup {
        name: Cx::spanned(statement, word, word.text.clone()),
        members: Vec::new(),
    };
    let mut lists = 0_usize;
    for inner in body.iter().filter(|inner| inner.keyword() == "group") {
        lists += 1;
        if lists > 1 {
            let message = format!("Group list already specified for track group {}", word.text);
            cx.error_about(Topic::DuplicateDefinition, inner, message);
            continue;
        }
        members(cx, &mut group, inner);
    }
    config.track_groups.push(group);
}

fn members(cx: &mut Cx<'_>, group: &mut TrackGroup, list: &Statement) {
    let lines = list.body.as_deref().unwrap_or_default();
    for line in lines {
        for word in &line.words {
            group.members.push(Cx::spanned(line, word, word.text.clone()));
        }
    }
    if group.members.is_empty() {
        let message = format!("Warning - track group {} has empty group block", group.name.value);
        cx.report(Class::Warning, list.place(), message);
    }
}
