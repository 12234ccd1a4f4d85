//! Sync groups: who belongs to which, and what their trackers may do (facts 1.25, 1.26, 15).

use super::track::{track_interfaces, track_scripts};
use super::trackers::{self, Objects};
use super::{Builder, Plan};
use crate::conf::config::SyncGroup;
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{InitialState, RouterConfig, SyncGroupConfig, TrackedInterface, TrackedObjects};
use std::collections::HashSet;

/// The groups, after the routers.
pub(super) fn build(
    builder: &mut Builder<'_>,
    plan: &mut Plan,
    scripts: &[TrackScriptConfig],
    objects: &Objects,
) {
    let mut taken: HashSet<String> = HashSet::new();
    let built = plan
        .vrrp
        .routers
        .iter()
        .map(|router| router.name.clone())
        .collect();
    for written in &builder.config.groups {
        let (members, listed) = members(builder, written, &built, &mut taken);
        let name = &written.name.value;
        if listed == 0 {
            let message = if written.members.is_empty() {
                format!("Sync group {name} has no virtual router(s). removing")
            } else {
                format!("Sync group {name}, no matching virtual router found in group declaration - removing")
            };
            about(builder, &written.name.place, message);
            continue;
        }
        if members.is_empty() {
            continue;
        }
        if listed == 1 {
            let message =
                format!("Sync group {name} has only 1 virtual router(s) - this probably isn't what you want");
            about(builder, &written.name.place, message);
        }
        if !written.tracking_weight {
            for router in plan
                .vrrp
                .routers
                .iter_mut()
                .filter(|router| members.contains(&router.name))
            {
                drop_weights(builder, written, router);
                if let (Some(settings), Some(member)) =
                    (plan.shown.get_mut(&router.name), builder.written(&router.name))
                {
                    trackers::drop_weights(builder, &member.name, "SYNC group", settings);
                }
            }
        }
        let owner = |router: &&RouterConfig| members.contains(&router.name) && router.priority.is_owner();
        let owners = plan.vrrp.routers.iter().filter(owner).count();
        if owners > 0 && owners < members.len() {
            let message = format!("({name}) sync group has address owners and others. This won't work.");
            about(builder, &written.name.place, message);
        }
        let mut group = SyncGroupConfig {
            name: name.clone(),
            members,
            track_interfaces: track_interfaces(builder, name, &written.track_interfaces, None),
            track_scripts: track_scripts(builder, name, &written.track_scripts, scripts),
            objects: TrackedObjects::default(),
        };
        if owners > 0 {
            group_weights(builder, written, &mut group);
        }
        tracked_twice(builder, &plan.vrrp.routers, &group);
        let mut settings = written.settings.clone();
        trackers::of_group(builder, objects, &written.name, owners > 0, &mut settings);
        group.objects = trackers::tracked_by_group(settings);
        plan.vrrp.groups.push(group);
    }
}

/// The members that were built, and how many there would be.
fn members(
    builder: &mut Builder<'_>,
    written: &SyncGroup,
    built: &HashSet<String>,
    taken: &mut HashSet<String>,
) -> (Vec<String>, usize) {
    let group = &written.name.value;
    let mut out = Vec::new();
    let mut listed = 0;
    for member in &written.members {
        let name = &member.value;
        if builder.written(name).is_none() {
            let message =
                format!("Virtual router {name} specified in sync group {group} doesn't exist - ignoring");
            about(builder, &member.place, message);
        } else if taken.contains(name) {
            let message =
                format!("Virtual router {name} cannot exist in more than one sync group; ignoring {group}");
            about(builder, &member.place, message);
        } else {
            listed += 1;
            taken.insert(name.clone());
            // One that could not be built has been reported already.
            if built.contains(name.as_str()) {
                out.push(name.clone());
            }
        }
    }
    (out, listed)
}

fn about(builder: &mut Builder<'_>, place: &Place, message: String) {
    builder.late_about(Topic::SyncGroup, place, message);
}

fn ignored(builder: &mut Builder<'_>, place: &Place, message: String) {
    let diagnostic = Diagnostic::new(Class::General, Some(place.clone()), message)
        .about(Topic::TrackWeightIgnored)
        .with_help("sync_group_tracking_weight in the group allows weights");
    builder.late.push(diagnostic);
}

/// Members of a group have no weights of their own unless the group allows it (fact 1.25).
fn drop_weights(builder: &mut Builder<'_>, written: &SyncGroup, router: &mut RouterConfig) {
    let name = router.name.clone();
    let member = builder.written(&name).map(|member| &member.name.place);
    let place = member.unwrap_or(&written.name.place);
    router.track_scripts.retain(|tracked| {
        if tracked.weight != 0 {
            let message = format!(
                "({name}) ignoring tracked script {} with weights due to SYNC group",
                tracked.script
            );
            ignored(builder, place, message);
        }
        tracked.weight == 0
    });
    for tracked in router
        .track_interfaces
        .iter_mut()
        .filter(|tracked| tracked.weight != 0)
    {
        let message = format!(
            "({name}) ignoring {} tracked interface weight due to SYNC group",
            tracked.interface
        );
        ignored(builder, place, message);
        tracked.weight = 0;
    }
}

/// A group with an address owner has no weights (fact 1.26).
fn group_weights(builder: &mut Builder<'_>, written: &SyncGroup, group: &mut SyncGroupConfig) {
    let scripts = group
        .track_scripts
        .iter_mut()
        .map(|tracked| ("script", tracked.script.clone(), &mut tracked.weight));
    let interfaces = group
        .track_interfaces
        .iter_mut()
        .map(|tracked| ("interface", tracked.interface.to_string(), &mut tracked.weight));
    for (kind, what, weight) in scripts.chain(interfaces).filter(|(_, _, weight)| **weight != 0) {
        *weight = 0;
        let message = format!(
            "({}) Cannot have weighted track {kind} '{what}' with member having priority 255 - clearing weight",
            group.name
        );
        let diagnostic = Diagnostic::new(Class::General, Some(written.name.place.clone()), message);
        builder.late.push(diagnostic.about(Topic::TrackWeightIgnored));
    }
}

/// An interface that a member and its group track.
fn tracked_twice(builder: &mut Builder<'_>, routers: &[RouterConfig], group: &SyncGroupConfig) {
    for router in routers
        .iter()
        .filter(|router| group.members.contains(&router.name))
    {
        for tracked in &router.track_interfaces {
            let both = |other: &TrackedInterface| other.interface == tracked.interface;
            if !group.track_interfaces.iter().any(both) {
                continue;
            }
            let message = format!(
                "({}) track_interface {} is configured on VRRP instance and sync group. Remove vrrp instance or sync \
                 group config",
                router.name, tracked.interface
            );
            let line = builder.written(&router.name).and_then(|written| {
                let mut lines = written.track_interfaces.iter();
                lines.find(|line| tracked.interface.as_str() == line.name.value)
            });
            let place = line.map(|line| line.name.place.clone());
            builder
                .late
                .push(Diagnostic::new(Class::General, place, message).about(Topic::TrackOwnInterface));
        }
    }
}

/// Whether the file asks that a router begins as master.
pub(super) fn wants_master(state: Option<InitialState>) -> bool {
    state == Some(InitialState::Master)
}
