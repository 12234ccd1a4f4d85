//! Lines of `track_interface` and `track_script`, resolved: what they name, own interfaces, address owners.

use super::Builder;
use super::trackers::missing;
use crate::conf::config::{Instance, TrackLine};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::net::IfName;
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{TrackedInterface, TrackedScript};

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
            let diagnostic = Diagnostic::new(Class::General, Some(line.name.place.clone()), message)
                .about(Topic::TrackOwnInterface)
                .with_help("it is tracked anyway, unless dont_track_primary says otherwise");
            builder.late.push(diagnostic);
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
    for line in lines {
        let wanted = &line.name.value;
        let runnable = builder.runnable.get(wanted.as_str());
        match runnable.and_then(|at| scripts.get(*at)) {
            Some(script) if line.known => out.push(TrackedScript {
                script: wanted.clone(),
                weight: line.weight.unwrap_or(script.weight),
                reverse: line.reverse.unwrap_or(script.reverse),
            }),
            // One that may not be run has been said: where it is defined.
            None if line.known && builder.disabled.contains(wanted.as_str()) => {}
            _ => missing(builder, name, "script", line),
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
                "({name}) ignoring {} tracked interface due to address owner",
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
        let diagnostic = Diagnostic::new(Class::General, Some(written.name.place.clone()), message);
        builder.late.push(diagnostic.about(Topic::TrackWeightIgnored));
    }
    interfaces.retain(|tracked| tracked.weight == 0);
    scripts.retain(|tracked| tracked.weight == 0);
}
