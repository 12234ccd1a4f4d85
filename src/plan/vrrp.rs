//! The VRRP half of the plan: defaults of the daemon, track scripts, instances, duplicates among them.

use super::{Builder, Plan, ScriptRefusal, instance, links, outlet, scripts, sync, trackers};
use crate::conf::config::{Config, GarpSettings, Global, Inherited};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::net::Family;
use crate::script::config::ScriptPolicy;
use crate::track::config::ReceiveBuffer;
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{GarpConfig, RouterConfig, ScriptTracker, StartDelay, Transport};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// `global_defs`, resolved.
pub(super) fn global(config: &Config, policy: &ScriptPolicy) -> Global {
    let written = &config.global;
    Global {
        router_id: written.router_id.clone(),
        vrrp_version: written.vrrp_version,
        scripts: policy.clone(),
        garp: global_garp(config),
        dynamic_interfaces: written.dynamic_interfaces,
        net_namespace: written.net_namespace.clone(),
        net_namespace_ipvs: written.net_namespace_ipvs.clone(),
        instance: written.instance.clone(),
        dumps: written.dumps.clone(),
        mail: written.mail.clone(),
        life: written.life.clone(),
        fifos: written.fifos.clone(),
        upkeep: written.upkeep.clone(),
        reload: written.reload.clone(),
        processes: written.processes.clone(),
        inherited: Inherited {
            mcast_group4: written.mcast_group4,
            mcast_group6: written.mcast_group6,
            lower_prio_no_advert: written.lower_prio_no_advert,
            higher_prio_send_advert: written.higher_prio_send_advert,
            down_timer_adverts: written.down_timer_adverts,
            check_unicast_src: written.check_unicast_src,
            checker_log_all_failures: written.checker_log_all_failures,
            rs_init_notifies: written.rs_init_notifies,
            expiry: written.expiry,
            drift_repair: written.drift_repair,
        },
        shown: written.shown.clone(),
    }
}

/// `vrrp_garp_*`; `vrrp_min_garp` changes what is still at its default.
fn global_garp(config: &Config) -> GarpConfig {
    let written = &config.global;
    let mut garp = GarpConfig::default();
    if written.min_garp {
        garp.delay = Duration::ZERO;
        garp.repeat = 1;
        garp.refresh = Duration::ZERO;
        garp.refresh_repeat = 0;
    }
    garp.garp_interval = written.garp_interval.unwrap_or_default();
    garp.gna_interval = written.gna_interval.unwrap_or_default();
    garp.extra = written.shown.vrrp.garp_extra_if;
    // The lower-priority burst follows the ordinary one of `global_defs`, not of the instance (seen in dumps).
    garp.lower_prio_delay = written.garp.master_delay.unwrap_or(garp.delay);
    garp.lower_prio_repeat = written.garp.master_repeat.unwrap_or(garp.repeat);
    resolve_garp(&garp, &written.garp)
}

/// `base` with `written` over it.
pub(super) fn resolve_garp(base: &GarpConfig, written: &GarpSettings) -> GarpConfig {
    GarpConfig {
        delay: written.master_delay.unwrap_or(base.delay),
        repeat: written.master_repeat.unwrap_or(base.repeat),
        refresh: written.master_refresh.unwrap_or(base.refresh),
        refresh_repeat: written.master_refresh_repeat.unwrap_or(base.refresh_repeat),
        lower_prio_delay: written.lower_prio_delay.unwrap_or(base.lower_prio_delay),
        lower_prio_repeat: written.lower_prio_repeat.unwrap_or(base.lower_prio_repeat),
        garp_interval: base.garp_interval,
        gna_interval: base.gna_interval,
        extra: base.extra,
    }
}

/// Instances, groups, scripts and who is told.
pub(super) fn build(builder: &mut Builder<'_>, plan: &mut Plan) {
    plan.vrrp.log_unknown_vrids = builder.config.global.shown.vrrp.log_unknown_vrids;
    let defaults = &builder.config.global.shown.vrrp;
    plan.vrrp.start_delay = StartDelay {
        after_start: defaults.startup_delay.unwrap_or_default(),
        after_boot: defaults.delay_after_boot.unwrap_or_default(),
    };
    plan.vrrp.states_on_reload = builder.config.global.fifos.write_vrrp_states_on_reload;
    let scripts = track_scripts(builder);
    let objects;
    (objects, plan.track_files, plan.track_processes) = trackers::definitions(builder);
    let buffer = &builder.config.global.shown.process_monitor;
    plan.process_buffer = ReceiveBuffer {
        size: buffer.size.filter(|size| *size != 0),
        force: buffer.force.unwrap_or_default(),
    };
    let known = instance::Known {
        global: &plan.global,
        scripts: &scripts,
        objects: &objects,
    };
    for written in &builder.config.instances {
        if let Some((router, settings)) = instance::build(builder, written, &known) {
            if settings.promote_secondaries.is_some() {
                plan.vrrp.promote_secondaries.push(router.interface.clone());
            }
            plan.shown.insert(router.name.clone(), settings);
            let later = written.later.clone();
            plan.later.instances.insert(router.name.clone(), later);
            plan.vrrp.routers.push(router);
        }
    }
    duplicates(builder, &plan.vrrp.routers);
    sync::build(builder, plan, &scripts, &objects);
    trackers::hand_over(plan);
    links::shared(builder, plan);
    plan.vrrp.links = std::mem::take(&mut builder.links);
    links::firewall(builder, plan);
    // Scripts that nobody tracks are not run (fact 1.30).
    let routers = plan.vrrp.routers.iter().flat_map(|router| &router.track_scripts);
    let groups = plan.vrrp.groups.iter().flat_map(|group| &group.track_scripts);
    let used: HashSet<&str> = routers
        .chain(groups)
        .map(|tracked| tracked.script.as_str())
        .collect();
    for script in scripts {
        let at = builder.scripts.get(script.name.as_str());
        let Some(written) = at.and_then(|at| builder.config.scripts.get(*at)) else {
            continue;
        };
        if written.init_fail {
            plan.later.init_fail.insert(script.name.clone());
        }
        if !used.contains(script.name.as_str()) {
            let message = format!("Warning - script {} is not used", script.name);
            builder.report(Class::Note, &written.name.place, message);
            continue;
        }
        plan.vrrp.scripts.push(ScriptTracker {
            name: script.name.clone(),
            rise: script.rise,
            fall: script.fall,
        });
        plan.track_scripts.push(script);
    }
    outlet::subjects(builder, plan);
}

/// The track scripts that can be run; of two with one name the first (fact 1.29).
fn track_scripts(builder: &mut Builder<'_>) -> Vec<TrackScriptConfig> {
    let mut out: Vec<TrackScriptConfig> = Vec::new();
    for written in &builder.config.scripts {
        let name = &written.name.value;
        if builder.runnable.contains_key(name.as_str()) {
            continue;
        }
        let Some(command) = scripts::tracked(written) else {
            if written.script_unreadable {
                builder.disabled.insert(name.as_str());
                continue;
            }
            let message = format!("No script set for vrrp_script {name} - removing");
            let diagnostic = Diagnostic::new(Class::General, Some(written.name.place.clone()), message);
            builder
                .diagnostics
                .push(diagnostic.about(Topic::TrackObjectEmpty));
            continue;
        };
        if let Some(refusal) = builder.host.refused.get(&command) {
            let program = command.program();
            let message = match refusal {
                ScriptRefusal::NotFound => {
                    format!("Disabling track script {name} since not found/accessible")
                }
                ScriptRefusal::NoUser => format!("Unable to set uid/gid for script '{program}'"),
                ScriptRefusal::NoDefaultUser => {
                    format!("Unable to set default user for vrrp script {name} - removing")
                }
                ScriptRefusal::Unsafe => {
                    format!("Unsafe permissions found for script '{program}' - disabling track script {name}")
                }
            };
            let (place, topic) = match refusal {
                ScriptRefusal::NotFound => (&written.name.place, Topic::ScriptNotFound),
                ScriptRefusal::NoUser => (
                    written
                        .user
                        .as_ref()
                        .map_or(&written.name.place, |user| &user.place),
                    Topic::ScriptUser,
                ),
                ScriptRefusal::NoDefaultUser => (&written.name.place, Topic::ScriptUser),
                ScriptRefusal::Unsafe => (&written.name.place, Topic::SecurityViolation),
            };
            // Without its user it is as if it was never there; otherwise it is only never run.
            if topic != Topic::ScriptUser {
                builder.disabled.insert(name.as_str());
            }
            let mut diagnostic = Diagnostic::new(Class::General, Some(place.clone()), message).about(topic);
            diagnostic.help = builder.host.reasons.get(&command).cloned();
            if topic == Topic::ScriptUser {
                builder.diagnostics.push(diagnostic);
            } else {
                builder.late.push(diagnostic);
            }
            continue;
        }
        // It counts even when nobody tracks it.
        // What the shell alone does, `</path`, is no script (fact 13.8).
        builder.vrrp_scripts |= !command.program().starts_with('<');
        builder.runnable.insert(name, out.len());
        let interval = written.interval.unwrap_or(Duration::from_secs(1));
        out.push(TrackScriptConfig {
            name: name.clone(),
            command,
            interval,
            timeout: written.timeout.unwrap_or(interval),
            weight: written.weight,
            reverse: written.reverse,
            rise: written.rise.unwrap_or(1),
            fall: written.fall.unwrap_or(1),
        });
    }
    out
}

/// Two routers that would take each other's adverts for their own (fact 1.27).
fn duplicates(builder: &mut Builder<'_>, routers: &[RouterConfig]) {
    let mut alike: HashMap<_, Vec<&RouterConfig>> = HashMap::new();
    for second in routers {
        let before = alike
            .entry((second.vrid, second.family, &second.interface))
            .or_default();
        // One that clashes is said once, not once for each of the others.
        let clashing = before.iter().copied().find(|first| clash(first, second));
        before.push(second);
        let Some(first) = clashing else { continue };
        let family = match second.family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let message = format!(
            "{} and {} both use VRID {} with {family} on interface {}",
            first.name, second.name, second.vrid, second.interface
        );
        let written = builder.written(&second.name);
        let place = written
            .and_then(|written| written.vrid.as_ref())
            .map(|vrid| vrid.place.clone());
        let mut diagnostic = Diagnostic::new(Class::Fatal, place, message)
            .about(Topic::VridDuplicate)
            .with_help("another virtual_router_id; on one segment each virtual router has its own");
        let first = builder
            .written(&first.name)
            .and_then(|written| written.vrid.as_ref());
        if let Some(vrid) = first {
            diagnostic = diagnostic.with_related(vrid.place.clone(), "used here");
        }
        builder.late.push(diagnostic);
    }
}

/// Whether two of one VRID, family and interface would mistake each other.
fn clash(a: &RouterConfig, b: &RouterConfig) -> bool {
    match (&a.transport, &b.transport) {
        (Transport::Multicast { group: one }, Transport::Multicast { group: other }) => one == other,
        (Transport::Unicast { peers: one, .. }, Transport::Unicast { peers: other, .. }) => {
            a.source == b.source && one.iter().any(|peer| other.contains(peer))
        }
        (Transport::Multicast { .. }, Transport::Unicast { .. })
        | (Transport::Unicast { .. }, Transport::Multicast { .. }) => false,
    }
}
