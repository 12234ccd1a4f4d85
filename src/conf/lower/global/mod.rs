//! `global_defs` and the settings of the top level: what is acted on here, the rest in one file a theme.

mod events;
mod firewall;
mod host;
mod ipvs;
mod mail;
mod process;
pub(super) mod routers;

use super::{Cx, repair};
use crate::conf::config::{GarpSettings, GlobalDefs, LaterGlobal, ShownSettings};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::vrrp::config::Version;
use std::net::IpAddr;
use std::time::Duration;

/// From here on a gap between announcements is worth a remark.
const LARGE_GAP: Duration = Duration::from_secs(1);

/// A keyword of the top level.
pub(super) fn root(cx: &mut Cx<'_>, global: &mut GlobalDefs, statement: &Statement) {
    match statement.keyword() {
        "net_namespace" => first(cx, &mut global.net_namespace, statement),
        "instance" => first(cx, &mut global.instance, statement),
        "net_namespace_ipvs" => match (&global.net_namespace_ipvs, statement.arg()) {
            (Some(_), Some(word)) => duplicate(cx, statement, word),
            // keepalived looks for the name of what it refuses, and ends.
            (Some(_), None) => {
                let message = "*** Configuration line starting `net_namespace_ipvs` is missing a parameter after \
                               keyword `net_namespace_ipvs` at word position 2";
                cx.report(Class::MissingParameter, statement.place(), message);
            }
            (None, _) => global.net_namespace_ipvs = Some(Cx::word(statement)),
        },
        "namespace_with_ipsets" => global.later.root.namespace_with_ipsets = true,
        "use_pid_dir" => global.upkeep.use_pid_dir = true,
        "linkbeat_use_polling" => global.later.root.linkbeat_use_polling = true,
        "child_wait_time" => {
            let upkeep = &mut global.upkeep;
            upkeep.child_wait_time = cx.unsigned(Block::Root, statement).or(upkeep.child_wait_time);
        }
        _ => {}
    }
}

/// A name that is given once.
fn first(cx: &mut Cx<'_>, slot: &mut Option<String>, statement: &Statement) {
    let name = statement.keyword();
    match (statement.arg(), &slot) {
        (None, _) => cx.error(statement, format!("{name} name missing - ignoring")),
        (Some(word), Some(_)) => duplicate(cx, statement, word),
        (Some(word), None) => *slot = Some(word.text.clone()),
    }
}

fn duplicate(cx: &mut Cx<'_>, statement: &Statement, word: &Word) {
    let message = format!(
        "Duplicate {} definition {} - ignoring",
        statement.keyword(),
        word.text
    );
    cx.word_error_about(Topic::DuplicateDefinition, statement, word, message);
}

/// A `global_defs` block; later values win.
pub(super) fn lower(cx: &mut Cx<'_>, global: &mut GlobalDefs, body: &[Statement]) {
    for statement in body {
        let block = Block::GlobalDefs;
        match statement.keyword() {
            "include_check" => include_check(cx, statement),
            "default_interface" => match Cx::word(statement) {
                Some(name) => global.shown.default_interface = Some(name),
                None => cx.error(statement, "default_interface requires interface name"),
            },
            "disable_local_igmp" => global.shown.firewall.disable_local_igmp = true,
            "rs_init_notifies" => {
                global.rs_init_notifies = cx.boolean(statement).unwrap_or(global.rs_init_notifies);
            }
            "router_id" => match Cx::word(statement) {
                Some(name) => global.router_id = Some(name),
                None => cx.error(statement, "routerid name missing - ignoring"),
            },
            "lvs_expire_nodest_conn" => {
                let connections = &mut global.expiry.connections;
                *connections = cx.boolean(statement).or(*connections);
            }
            "lvs_expire_quiescent_template" => {
                let templates = &mut global.expiry.templates;
                *templates = cx.boolean(statement).or(*templates);
            }
            "vrrp_version" => {
                if let Some(version) = version(cx, block, statement) {
                    global.vrrp_version = Some(version);
                }
            }
            "script_user" => match Cx::run_as(statement) {
                Some(user) => global.script_user = Some(user),
                None => cx.error_about(Topic::ScriptUser, statement, "No script username specified"),
            },
            "enable_script_security" => global.enable_script_security = true,
            "use_symlink_paths" => {
                global.use_symlink_paths = cx.boolean(statement).or(global.use_symlink_paths);
            }
            "vrrp_garp_interval" => gap(cx, &mut global.garp_interval, statement),
            "vrrp_gna_interval" => gap(cx, &mut global.gna_interval, statement),
            "vrrp_min_garp" => global.min_garp = cx.boolean(statement).unwrap_or(global.min_garp),
            "dynamic_interfaces" => {
                global.dynamic_interfaces = true;
                match statement.arg() {
                    None => {}
                    Some(word) if word.text == "allow_if_changes" => {
                        let message = "accepted, no effect yet: allow_if_changes";
                        cx.report(Class::Unheeded, statement.place_of(word), message);
                    }
                    Some(word) => {
                        let message = format!("Unknown dynamic_interfaces option '{}'", word.text);
                        cx.word_error(statement, word, message);
                    }
                }
            }
            "vrrp_mcast_group4" | "vrrp_mcast_group6" => group(cx, global, statement),
            "vrrp_lower_prio_no_advert" => {
                global.lower_prio_no_advert = cx.boolean(statement).unwrap_or(global.lower_prio_no_advert);
            }
            "vrrp_higher_prio_send_advert" => {
                global.higher_prio_send_advert =
                    cx.boolean(statement).unwrap_or(global.higher_prio_send_advert);
            }
            "vrrp_down_timer_adverts" => {
                global.down_timer_adverts = cx.unsigned(block, statement).or(global.down_timer_adverts);
            }
            "drift_repair" => {
                global.drift_repair = repair::lower(cx, statement).unwrap_or(global.drift_repair);
            }
            "vrrp_check_unicast_src" => global.check_unicast_src = true,
            "checker_log_all_failures" => {
                global.checker_log_all_failures =
                    cx.boolean(statement).unwrap_or(global.checker_log_all_failures);
            }
            name => {
                if !host::dumps(cx, &mut global.dumps, statement)
                    && !host::upkeep(cx, &mut global.upkeep, statement)
                    && !host::reload(cx, &mut global.reload, statement)
                    && !process::keyword(cx, &mut global.processes, statement)
                    && !mail::keyword(cx, &mut global.mail, statement)
                    && !events::life(cx, &mut global.life, statement)
                    && !events::fifo(cx, &mut global.fifos, statement)
                    && !shown(cx, &mut global.shown, statement)
                    && !later(cx, &mut global.later, statement)
                    && let Some(name) = name.strip_prefix("vrrp_garp_")
                {
                    garp(cx, &mut global.garp, block, statement, name);
                }
            }
        }
    }
}

/// `include_check`: the reader has acted on it where it stands; here its words are looked at.
fn include_check(cx: &mut Cx<'_>, statement: &Statement) {
    const CHECKS: [&str; 4] = ["read", "match", "wildcard_match", "brace_match"];
    for word in statement.args() {
        let check = word.text.trim_start_matches(['+', '-']);
        if !CHECKS.contains(&check) {
            let message = format!("Unknown include_check type '{}' - ignoring", word.text);
            cx.choice_error(statement, word, message, &CHECKS);
        }
    }
}

/// What parts of the plan are made of. `false`: `statement` is none of these.
fn shown(cx: &mut Cx<'_>, shown: &mut ShownSettings, statement: &Statement) -> bool {
    let ShownSettings {
        vrrp,
        firewall,
        ipvs,
        process_monitor,
        default_interface: _,
        iproute_usr_dir,
        iproute_etc_dir,
    } = shown;
    match statement.keyword() {
        "iproute_usr_dir" => host::one_word(cx, iproute_usr_dir, statement),
        "iproute_etc_dir" => host::one_word(cx, iproute_etc_dir, statement),
        _ => {
            return routers::keyword(cx, vrrp, statement)
                || firewall::keyword(cx, firewall, statement)
                || ipvs::keyword(cx, ipvs, statement)
                || host::buffer(cx, "process_monitor", process_monitor, statement);
        }
    }
    true
}

/// What nothing comes of yet. `false`: `statement` is none of these.
fn later(cx: &mut Cx<'_>, later: &mut LaterGlobal, statement: &Statement) -> bool {
    let LaterGlobal {
        root: _,
        firewall,
        management,
        buffers,
        files,
    } = later;
    firewall::later(cx, firewall, statement)
        || host::management(cx, management, statement)
        || host::buffers(cx, buffers, statement)
        || host::files(cx, files, statement)
}

/// `2` or `3`
pub(super) fn version(cx: &mut Cx<'_>, block: Block, statement: &Statement) -> Option<Version> {
    cx.int(block, statement)
        .map(|number| if number == 2 { Version::V2 } else { Version::V3 })
}

/// The keywords that `vrrp_garp_…` of `global_defs` and `garp_…` of an instance share, named without the prefix.
pub(super) fn garp(
    cx: &mut Cx<'_>,
    garp: &mut GarpSettings,
    block: Block,
    statement: &Statement,
    name: &str,
) {
    match name {
        "master_delay" => garp.master_delay = cx.seconds(block, statement).or(garp.master_delay),
        "master_repeat" => garp.master_repeat = cx.count(block, statement).or(garp.master_repeat),
        "master_refresh" => garp.master_refresh = cx.seconds(block, statement).or(garp.master_refresh),
        "master_refresh_repeat" => {
            garp.master_refresh_repeat = cx.count(block, statement).or(garp.master_refresh_repeat);
        }
        "lower_prio_delay" => garp.lower_prio_delay = cx.seconds(block, statement).or(garp.lower_prio_delay),
        "lower_prio_repeat" => {
            garp.lower_prio_repeat = cx.unsigned(block, statement).or(garp.lower_prio_repeat)
        }
        _ => {}
    }
}

fn gap(cx: &mut Cx<'_>, slot: &mut Option<Duration>, statement: &Statement) {
    let Some(gap) = cx.seconds(Block::GlobalDefs, statement) else {
        return;
    };
    if gap >= LARGE_GAP {
        let message = format!("The {} is very large - {gap:?}", statement.keyword());
        cx.report(Class::Note, statement.place(), message);
    }
    *slot = Some(gap);
}

fn group(cx: &mut Cx<'_>, global: &mut GlobalDefs, statement: &Statement) {
    let Some(address) = cx.address(statement) else {
        return;
    };
    match (statement.keyword(), address.value) {
        ("vrrp_mcast_group4", IpAddr::V4(group)) if group.is_multicast() => global.mcast_group4 = Some(group),
        ("vrrp_mcast_group6", IpAddr::V6(group)) if group.is_multicast() => {
            if group.segments()[0] & 0xf != 2 {
                let message = format!("vrrp_mcast_group6 [{group}] should be link-local multicast.");
                cx.report(Class::Warning, address.place, message);
            }
            global.mcast_group6 = Some(group);
        }
        (name, other) => {
            let message = format!("{name} [{other}] is not multicast. Skipping");
            let diagnostic = Diagnostic::new(Class::General, Some(address.place), message);
            cx.diagnostics.push(diagnostic.about(Topic::InvalidAddress));
        }
    }
}
