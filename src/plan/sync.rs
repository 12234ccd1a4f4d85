//! Sync groups: who belongs to which, and what their trackers may do (facts 1.25, 1.26, 15).

use super::track::{track_interfaces, track_scripts};
use super::{Builder, Plan};
use crate::conf::config::SyncGroup;
use crate::conf::diag::Class;
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{InitialState, RouterConfig, SyncGroupConfig};
use std::collections::HashSet;

/// The groups, after the routers.
pub(super) fn build(builder: &mut Builder<'_>, plan: &mut Plan, scripts: &[TrackScriptConfig]) {
    let mut taken: HashSet<String> = HashSet::new();
    let built = plan
        .vrrp
        .routers
        .iter()
        .map(|router| router.name.clone())
        .collect();
    for written in &builder.config.groups {
        let members = members(builder, written, &built, &mut taken);
        let name = &written.name.value;
        if members.is_empty() {
            let message = format!("Sync group {name} has no virtual router(s) - removing");
            builder.report(Class::General, &written.name.place, message);
            continue;
        }
        if members.len() == 1 {
            let message =
                format!("Sync group {name} has only 1 virtual router(s) - this probably isn't what you want");
            builder.report(Class::General, &written.name.place, message);
        }
        if !written.tracking_weight {
            for router in plan
                .vrrp
                .routers
                .iter_mut()
                .filter(|router| members.contains(&router.name))
            {
                drop_weights(builder, written, router);
            }
        }
        let owner = |router: &&RouterConfig| members.contains(&router.name) && router.priority.is_owner();
        let owners = plan.vrrp.routers.iter().filter(owner).count();
        if owners > 0 && owners < members.len() {
            let message = format!("({name}) sync group has address owners and others. This won't work.");
            builder.report(Class::General, &written.name.place, message);
        }
        let mut group = SyncGroupConfig {
            name: name.clone(),
            members,
            track_interfaces: track_interfaces(builder, name, &written.track_interfaces, None),
            track_scripts: track_scripts(builder, name, &written.track_scripts, scripts),
        };
        if owners > 0 {
            group_weights(builder, written, &mut group);
        }
        plan.vrrp.groups.push(group);
    }
}

fn members(
    builder: &mut Builder<'_>,
    written: &SyncGroup,
    built: &HashSet<String>,
    taken: &mut HashSet<String>,
) -> Vec<String> {
    let group = &written.name.value;
    let mut out = Vec::new();
    for member in &written.members {
        let name = &member.value;
        // One that could not be built has been reported already.
        if builder.written(name).is_none() {
            let message =
                format!("Virtual router {name} specified in sync group {group} doesn't exist - ignoring");
            builder.report(Class::General, &member.place, message);
        } else if taken.contains(name) {
            let message =
                format!("Virtual router {name} is already in a sync group - ignoring it in {group}");
            builder.report(Class::General, &member.place, message);
        } else if built.contains(name.as_str()) {
            taken.insert(name.clone());
            out.push(name.clone());
        }
    }
    out
}

/// Members of a group have no weights of their own unless the group allows it (fact 1.25).
fn drop_weights(builder: &mut Builder<'_>, written: &SyncGroup, router: &mut RouterConfig) {
    let name = router.name.clone();
    router.track_scripts.retain(|tracked| {
        if tracked.weight != 0 {
            let message = format!(
                "({name}) ignoring tracked script {} with weights due to SYNC group",
                tracked.script
            );
            builder.report(Class::General, &written.name.place, message);
        }
        tracked.weight == 0
    });
    for tracked in router
        .track_interfaces
        .iter_mut()
        .filter(|tracked| tracked.weight != 0)
    {
        let message = format!(
            "({name}) ignoring weight of tracked interface {} due to SYNC group",
            tracked.interface
        );
        builder.report(Class::General, &written.name.place, message);
        tracked.weight = 0;
    }
}

/// A group with an address owner has no weights (fact 1.26).
fn group_weights(builder: &mut Builder<'_>, written: &SyncGroup, group: &mut SyncGroupConfig) {
    let scripts = group.track_scripts.iter_mut().map(|tracked| &mut tracked.weight);
    let interfaces = group
        .track_interfaces
        .iter_mut()
        .map(|tracked| &mut tracked.weight);
    let mut cleared = false;
    for weight in scripts.chain(interfaces).filter(|weight| **weight != 0) {
        *weight = 0;
        cleared = true;
    }
    if cleared {
        let message = format!(
            "({}) group has an address owner: weights of its trackers become 0",
            group.name
        );
        builder.report(Class::General, &written.name.place, message);
    }
}

/// Whether the file asks that a router begins as master.
pub(super) fn wants_master(state: Option<InitialState>) -> bool {
    state == Some(InitialState::Master)
}
