//! Sync groups: members that belong together on one director only, or that no director can hold together.

use super::super::view::{Router, list};
use super::super::{Code, Finding, Node};
use crate::conf::config::SyncGroup;
use std::collections::BTreeSet;

/// The routers that are one: of the first director and of the second.
type Matched<'m, 'a> = &'m [(Router<'a>, Router<'a>)];

pub(super) fn look(a: &Node, b: &Node, matched: Matched<'_, '_>, found: &mut Vec<Finding>) {
    let swapped: Vec<(Router<'_>, Router<'_>)> = matched.iter().map(|(one, other)| (*other, *one)).collect();
    for written in &a.config.groups {
        torn(written, matched, found);
        differs(written, b, matched, found);
    }
    for written in &b.config.groups {
        // Where both have a group of these members, the first director has said it.
        let theirs = members(written, &swapped);
        let known = theirs.iter().any(|(_, other)| other.group.is_some());
        if !known {
            torn(written, &swapped, found);
            differs(written, a, &swapped, found);
        }
    }
}

/// The members of a group that the other director has too.
fn members<'a>(written: &SyncGroup, matched: Matched<'_, 'a>) -> Vec<(Router<'a>, Router<'a>)> {
    let inside = |router: &Router<'_>| {
        let group = router.group.map(|(_, group)| group);
        group.is_some_and(|group| group.name == written.name)
    };
    matched.iter().filter(|(one, _)| inside(one)).copied().collect()
}

/// One member outranks its peer, another is outranked.
fn torn(written: &SyncGroup, matched: Matched<'_, '_>, found: &mut Vec<Finding>) {
    let members = members(written, matched);
    let higher = members
        .iter()
        .find(|(one, other)| one.priority() > other.priority());
    let lower = members
        .iter()
        .find(|(one, other)| one.priority() < other.priority());
    let (Some((up, up_peer)), Some((down, down_peer))) = (higher, lower) else {
        return;
    };
    let group = &written.name.value;
    let message = format!(
        "{group}: {} has more priority here ({} to {}) and {} in {} ({} to {})",
        up.name(),
        up.priority(),
        up_peer.priority(),
        down.name(),
        down_peer.node.name,
        down_peer.priority(),
        down.priority()
    );
    found.push(
        Finding::new(Code::SyncGroupTorn, format!("vrrp_sync_group {group}"), up.priority_place(), message)
            .label("more than there")
            .effect("the members must be master together, and neither director can win with all of them: the group goes back and forth")
            .fix("give one director the higher priority in all members")
            .also(down.priority_place(), "less than there")
            .also(up_peer.priority_place(), "there")
            .also(down_peer.priority_place(), "there"),
    );
}

/// The same members are not together on the other director.
fn differs(written: &SyncGroup, other: &Node, matched: Matched<'_, '_>, found: &mut Vec<Finding>) {
    let members = members(written, matched);
    if members.len() < 2 {
        return;
    }
    let groups: BTreeSet<Option<&str>> = members
        .iter()
        .map(|(_, peer)| peer.group.map(|(group, _)| group.name.as_str()))
        .collect();
    if groups.len() == 1 && !groups.contains(&None) {
        return;
    }
    let group = &written.name.value;
    let names: Vec<&str> = members.iter().map(|(one, _)| one.name()).collect();
    let message = format!(
        "{group}: {} are one sync group here and not in {}",
        list(&names),
        other.name
    );
    let alone = members
        .iter()
        .find(|(_, peer)| peer.group.is_none())
        .or_else(|| members.first());
    let mut finding = Finding::new(
        Code::SyncGroupDiffers,
        format!("vrrp_sync_group {group}"),
        &written.name.place,
        message,
    )
    .label("together here")
    .effect("a failure moves them apart there: one director is master of one and the other of the rest")
    .fix("write the same vrrp_sync_group in both");
    if let Some((_, peer)) = alone {
        finding = finding.also(peer.place(), "on its own there");
    }
    found.push(finding);
}
