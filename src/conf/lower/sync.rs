//! `vrrp_sync_group`.

use super::{Cx, track};
use crate::conf::config::{Config, GroupSettings, NotifySettings, SyncGroup};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;

/// A `vrrp_sync_group` block; of two with one name the second is skipped (fact 1.29).
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(word) = statement.arg() else { return };
    if let Some(first) = cx.first(Block::SyncGroup, statement, word) {
        let message = format!("vrrp sync group {} already defined", word.text);
        cx.duplicate(statement, word, message, first);
        return;
    }
    let mut group = SyncGroup {
        name: Cx::spanned(statement, word, word.text.clone()),
        members: Vec::new(),
        track_interfaces: Vec::new(),
        track_scripts: Vec::new(),
        tracking_weight: false,
        notify: NotifySettings::default(),
        settings: GroupSettings::default(),
    };
    for statement in body {
        keyword(cx, &mut group, statement);
    }
    config.groups.push(group);
}

fn keyword(cx: &mut Cx<'_>, group: &mut SyncGroup, statement: &Statement) {
    let inner = statement.body.as_deref().unwrap_or_default();
    let settings = &mut group.settings;
    match statement.keyword() {
        "group" => match group.members.first() {
            None => {
                for line in inner {
                    let words = line.words.iter();
                    group
                        .members
                        .extend(words.map(|word| Cx::spanned(line, word, word.text.clone())));
                }
            }
            Some(first) => {
                let message = format!("Group list already specified for sync group {}", group.name.value);
                let diagnostic = Diagnostic::new(Class::General, Some(statement.place()), message)
                    .about(Topic::DuplicateDefinition)
                    .with_related(first.place.clone(), "the first list");
                cx.diagnostics.push(diagnostic);
            }
        },
        "sync_group_tracking_weight" | "global_tracking" => group.tracking_weight = true,
        keyword => match track::Kind::of(keyword) {
            Some(kind) => {
                let lines = match kind {
                    track::Kind::Interface => &mut group.track_interfaces,
                    track::Kind::Script => &mut group.track_scripts,
                    track::Kind::File => &mut settings.track_files,
                    track::Kind::Process => &mut settings.track_processes,
                    track::Kind::Bfd => &mut settings.track_bfds,
                };
                track::lines(cx, lines, &group.name.value, kind, inner);
            }
            None => {
                notify(cx, &mut group.notify, statement, &group.name.value);
            }
        },
    }
}

/// The notify keywords that groups and instances share; `false`: `statement` is none of them.
pub(super) fn notify(
    cx: &mut Cx<'_>,
    notify: &mut NotifySettings,
    statement: &Statement,
    name: &str,
) -> bool {
    let slot = match statement.keyword() {
        "notify_master" => &mut notify.master,
        "notify_backup" => &mut notify.backup,
        "notify_fault" => &mut notify.fault,
        "notify_stop" => &mut notify.stop,
        "notify" => &mut notify.any,
        "smtp_alert" => {
            notify.smtp_alert = cx.boolean(statement).or(notify.smtp_alert);
            return true;
        }
        "notify_priority_changes" => {
            notify.priority_changes = cx.boolean(statement).or(notify.priority_changes);
            return true;
        }
        _ => return false,
    };
    cx.script_once(slot, statement, &format!("({name}) "));
    true
}
