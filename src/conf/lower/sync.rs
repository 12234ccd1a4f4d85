//! `vrrp_sync_group`.

use super::{Cx, track};
use crate::conf::config::{Config, NotifySettings, SyncGroup};
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;

/// A `vrrp_sync_group` block; of two with one name the second is skipped (fact 1.29).
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(word) = statement.arg() else { return };
    if !cx.first(Block::SyncGroup, &word.text) {
        cx.word_error(
            statement,
            word,
            format!("vrrp sync group {} already defined", word.text),
        );
        return;
    }
    let known = config.scripts.len();
    let mut group = SyncGroup {
        name: Cx::spanned(statement, word, word.text.clone()),
        members: Vec::new(),
        track_interfaces: Vec::new(),
        track_scripts: Vec::new(),
        tracking_weight: false,
        notify: NotifySettings::default(),
    };
    for statement in body {
        let inner = statement.body.as_deref().unwrap_or_default();
        match statement.keyword() {
            "group" => {
                if group.members.is_empty() {
                    for line in inner {
                        let words = line.words.iter();
                        group
                            .members
                            .extend(words.map(|word| Cx::spanned(line, word, word.text.clone())));
                    }
                } else {
                    let message = format!("({}) group already specified - ignoring", group.name.value);
                    cx.error(statement, message);
                }
            }
            "track_interface" => group.track_interfaces.extend(track::lines(cx, inner, known)),
            "track_script" => group.track_scripts.extend(track::lines(cx, inner, known)),
            "sync_group_tracking_weight" | "global_tracking" => group.tracking_weight = true,
            _ => notify(cx, &mut group.notify, statement, &group.name.value),
        }
    }
    config.groups.push(group);
}

/// The notify keywords that groups and instances share.
pub(super) fn notify(cx: &mut Cx<'_>, notify: &mut NotifySettings, statement: &Statement, name: &str) {
    let slot = match statement.keyword() {
        "notify_master" => &mut notify.master,
        "notify_backup" => &mut notify.backup,
        "notify_fault" => &mut notify.fault,
        "notify_stop" => &mut notify.stop,
        "notify" => &mut notify.any,
        _ => return,
    };
    cx.script_once(slot, statement, &format!("({name}) "));
}
