//! Lines of `track_interface` and `track_script`, resolved: what they name, own interfaces, address owners.

use super::Builder;
use crate::conf::config::{Instance, TrackLine};
use crate::conf::diag::Class;
use crate::net::IfName;
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{TrackedInterface, TrackedScript};
use std::collections::HashSet;

/// `track_interface` of an instance or a group; `own` is tracked anyway (fact 1.23).
pub(super) fn track_interfaces(
    builder: &mut Builder<'_>,
    name: &str,
    lines: &[TrackLine],
    own: Option<&IfName>,
) -> Vec<TrackedInterface> {
    let mut out: Vec<TrackedInterface> = Vec::new();
    for line in lines {
        let Some(interface) = builder.interface(&line.name, |interface| {
            format!("({name}) tracked interface {interface} doesn't exist")
        }) else {
            continue;
        };
        if own == Some(&interface) {
            let message = format!("({name}) Ignoring track_interface {interface} since own interface");
            builder.report(Class::General, &line.name.place, message);
        } else if out.iter().any(|tracked| tracked.interface == interface) {
            let message = format!("({name}) duplicate track_interface {interface} - ignoring");
            builder.report(Class::General, &line.name.place, message);
        } else {
            out.push(TrackedInterface {
                interface,
                weight: line.weight.unwrap_or(0),
                reverse: line.reverse.unwrap_or(false),
            });
        }
    }
    out
}

/// `track_script` of an instance or a group.
pub(super) fn track_scripts(
    builder: &mut Builder<'_>,
    name: &str,
    lines: &[TrackLine],
    scripts: &[TrackScriptConfig],
) -> Vec<TrackedScript> {
    let mut out: Vec<TrackedScript> = Vec::new();
    let mut seen = HashSet::new();
    for line in lines {
        let wanted = &line.name.value;
        let defined = builder.scripts.get(wanted.as_str()).copied();
        let runnable = builder.runnable.get(wanted.as_str());
        let removed = || {
            defined
                .and_then(|at| builder.config.scripts.get(at))
                .is_some_and(|script| script.script.is_some() || script.script_unreadable)
        };
        match (runnable.and_then(|at| scripts.get(*at)), defined) {
            (Some(script), Some(at)) => {
                if at >= line.known {
                    let message = format!(
                        "({name}) track script {wanted} is defined only later: keepalived would ignore it here"
                    );
                    builder.report(Class::General, &line.name.place, message);
                }
                if !seen.insert(wanted.as_str()) {
                    let message = format!("({name}) duplicate track_script {wanted} - ignoring");
                    builder.report(Class::General, &line.name.place, message);
                    continue;
                }
                out.push(TrackedScript {
                    script: wanted.clone(),
                    weight: line.weight.unwrap_or(script.weight),
                    reverse: line.reverse.unwrap_or(script.reverse),
                });
            }
            // One that may not be run has been said: where it is defined.
            (None, Some(_)) if removed() => {}
            (_, _) => {
                let message = format!("({name}) track script {wanted} not found, ignoring...");
                builder.report(Class::General, &line.name.place, message);
            }
        }
    }
    out
}

/// Trackers never change the priority of an address owner (fact 1.25).
pub(super) fn drop_weights(
    builder: &mut Builder<'_>,
    written: &Instance,
    interfaces: &mut Vec<TrackedInterface>,
    scripts: &mut Vec<TrackedScript>,
) {
    let name = &written.name.value;
    let weighted = interfaces.iter().filter(|tracked| tracked.weight != 0);
    let mut messages: Vec<String> = weighted
        .map(|tracked| {
            format!(
                "({name}) ignoring tracked interface {} with weight due to address_owner",
                tracked.interface
            )
        })
        .collect();
    let weighted = scripts.iter().filter(|tracked| tracked.weight != 0);
    messages.extend(weighted.map(|tracked| {
        format!(
            "({name}) ignoring tracked script {} with weights due to address_owner",
            tracked.script
        )
    }));
    for message in messages {
        builder.report(Class::General, &written.name.place, message);
    }
    interfaces.retain(|tracked| tracked.weight == 0);
    scripts.retain(|tracked| tracked.weight == 0);
}
