//! The sections of VRRP: topology, sync groups, scripts, interfaces (facts cli 6.8, VRRP 20.4 to 20.7).

use super::interface::{garp_delays, interface};
use super::json::wanted;
use super::later::{self, More};
use super::net;
use super::{Facts, Live, Sheet, account, enabled, link, seconds, weight, yes_no};
use crate::net::Family;
use crate::notify::config::NotifyScripts;
use crate::script::config::Command;
use crate::sys::wall::Wall;
use crate::track::config::TrackScriptConfig;
use crate::vrrp::config::{
    Auth, GarpConfig, RouterConfig, SyncGroupConfig, TrackedInterface, TrackedScript, Transport, Version,
};
use crate::vrrp::status::{RouterStatus, StateName};
use crate::vrrp::timing::Timing;
use std::time::Duration;

/// All sections that have content, in order. With `live` what is running, without it what is configured.
pub fn sections(facts: &Facts<'_>, live: Option<&Live<'_>>) -> String {
    let mut sheet = Sheet::default();
    let vrrp = &facts.plan.vrrp;
    garp_delays(&mut sheet, facts);
    net::statics(&mut sheet, &facts.plan.vrrp);
    if !vrrp.routers.is_empty() {
        sheet.heading("VRRP Topology");
    }
    match live {
        Some(live) => {
            for router in &live.status.routers {
                instance(&mut sheet, facts, &router.config, Some((router, live)));
            }
        }
        None => {
            for router in &vrrp.routers {
                instance(&mut sheet, facts, router, None);
            }
        }
    }
    if !vrrp.groups.is_empty() {
        sheet.heading("VRRP Sync groups");
    }
    for config in &vrrp.groups {
        group(&mut sheet, facts, config, live);
    }
    if !facts.plan.track_scripts.is_empty() {
        sheet.heading("VRRP Scripts");
    }
    for config in &facts.plan.track_scripts {
        script(&mut sheet, facts, config, live);
    }
    later::sections(&mut sheet, facts, live);
    if !facts.interfaces.is_empty() {
        sheet.heading("Interfaces");
    }
    for status in facts.interfaces {
        interface(&mut sheet, facts, status);
    }
    sheet.0
}

fn instance(
    sheet: &mut Sheet,
    facts: &Facts<'_>,
    config: &RouterConfig,
    live: Option<(&RouterStatus, &Live<'_>)>,
) {
    sheet.item("VRRP Instance", &config.name);
    sheet.field("VRRP Version", config.version.number());
    let groups = &facts.plan.vrrp.groups;
    if let Some(group) = groups.iter().find(|group| group.members.contains(&config.name)) {
        sheet.field("Sync group", &group.name);
    }
    if config.family == Family::V6 {
        sheet.line(3, "Using Native IPv6");
    }
    if let Some((status, _)) = live {
        sheet.field("State", status.state.word());
        if let (StateName::Backup, Some((address, priority))) = (status.state, status.master) {
            sheet.field("Master router", address);
            sheet.field("Master priority", priority);
            if config.version == Version::V3 {
                let interval = status.interval.as_millis();
                sheet.field("Master advert interval", format_args!("{interval} milli-sec"));
            }
        }
    }
    let more = More::of(facts, config);
    flags(sheet, config, &more);
    sheet.field("Wantstate", wanted(config, live.map(|(status, _)| status)).word());
    sheet.field("Number of config faults", u8::from(config.config_fault.is_some()));
    if let Some((status, live)) = live {
        progress(sheet, status, live);
    }
    link::of_router(sheet, facts, config, facts.plan.shown.get(&config.name));
    more.about_adverts(sheet);
    let source = live.map_or(config.source, |(status, _)| status.source);
    let from = if config.source.is_some() && source == config.source {
        " (from configuration)"
    } else {
        ""
    };
    let source = source.map_or_else(|| "(none)".to_owned(), |source| source.to_string());
    sheet.field("Using src_ip", source + from);
    if let Transport::Multicast { group } = &config.transport {
        let mut interfaces = facts.interfaces.iter();
        let index = interfaces.find(|status| status.name == *config.wire() && group.is_ipv6());
        let index = index.map_or_else(String::new, |status| format!(", ifindex {}", status.index.0));
        sheet.line(3, format_args!("Multicast address {group}{index}"));
    }
    garp(sheet, &config.garp);
    settings(
        sheet,
        &more,
        config,
        live.map(|(status, _)| status),
        live.map(|(_, live)| live),
    );
    let held = live.is_some_and(|(status, _)| status.holding);
    sheet.line(3, format_args!("Virtual IP ({}):", config.vips.len()));
    let address = |vip| link::with_parent(facts, vip, net::address(vip, held), held && config.no_accept);
    config.vips.iter().for_each(|vip| sheet.line(5, address(vip)));
    sheet.list("Virtual IP Excluded :", config.excluded.iter().map(address));
    if let Transport::Unicast { peers, ttl } = &config.transport {
        sheet.field("Unicast TTL", ttl);
        sheet.line(
            3,
            format_args!("Check unicast src : {}", yes_no(config.check_unicast_src)),
        );
        sheet.list("Unicast Peer :", peers.iter().map(|peer| more.peer(peer)));
        sheet.field("Unicast checksum compatibility", more.checksum_compatibility());
    }
    sheet.list("Virtual Routes :", &config.routes);
    sheet.list("Virtual Rules :", &config.rules);
    tracked(sheet, &config.track_interfaces, &config.track_scripts);
    more.tracked(sheet);
    let none = NotifyScripts::default();
    let scripts = facts.plan.notify.instances.get(&config.name);
    let scripts = scripts.unwrap_or(&none);
    sheet.field("Using smtp notification", yes_no(scripts.smtp_alert));
    let deleted = if config.notices.deleted {
        "Deleted"
    } else {
        "Fault"
    };
    sheet.field("Notify deleted", deleted);
    notify(sheet, facts, scripts);
    sheet.field("Notify priority changes", config.notices.priority_changes);
}

/// The moving parts of an instance.
fn progress(sheet: &mut Sheet, status: &RouterStatus, live: &Live<'_>) {
    let config = &status.config;
    let tracker_faults: Vec<_> = status
        .faults
        .iter()
        .filter(|fault| Some(*fault) != config.config_fault.as_ref())
        .collect();
    sheet.field("Number of tracker faults", tracker_faults.len());
    sheet.list("Faults :", tracker_faults);
    let undecided = |tracked: &&TrackedScript| {
        let mut scripts = live.status.scripts.iter();
        scripts.any(|script| script.name == tracked.script && script.good.is_none())
    };
    sheet.field(
        "Number of track scripts init",
        config.track_scripts.iter().filter(undecided).count(),
    );
    let at = |moment| live.wall.at(live.status.now, moment);
    sheet.field(
        "Last transition",
        status.last_transition.map_or(Wall(Duration::ZERO), at),
    );
    match status.deadline {
        Some(deadline) => sheet.field("Read timeout", at(deadline)),
        None => sheet.field("Read timeout", "DISABLED"),
    }
    let timer = Timing::of(config, status.effective_priority, status.interval).master_down_interval();
    sheet.field("Master down timer", format_args!("{} usecs", timer.as_micros()));
}

/// What is out of the ordinary; keepalived has words for some of it only.
fn flags(sheet: &mut Sheet, config: &RouterConfig, more: &More<'_>) {
    let unicast = matches!(config.transport, Transport::Unicast { .. });
    let out_of_the_ordinary = unicast
        || config.nopreempt
        || config.dont_track_primary
        || config.source.is_some()
        || more.skip_check_adv_addr()
        || more.promote_secondaries();
    if !out_of_the_ordinary {
        sheet.line(3, "Flags: none");
        return;
    }
    sheet.line(3, "Flags:");
    if unicast {
        sheet.line(5, "Using unicast");
    }
}

fn garp(sheet: &mut Sheet, garp: &GarpConfig) {
    // Exporters read a whole number here.
    sheet.field("Gratuitous ARP delay", garp.delay.as_secs());
    sheet.field("Gratuitous ARP repeat", garp.repeat);
    sheet.field("Gratuitous ARP refresh", seconds(garp.refresh));
    sheet.field("Gratuitous ARP refresh repeat", garp.refresh_repeat);
    sheet.field(
        "Gratuitous ARP lower priority delay",
        seconds(garp.lower_prio_delay),
    );
    sheet.field("Gratuitous ARP lower priority repeat", garp.lower_prio_repeat);
}

fn settings(
    sheet: &mut Sheet,
    more: &More<'_>,
    config: &RouterConfig,
    status: Option<&RouterStatus>,
    live: Option<&Live<'_>>,
) {
    sheet.field("Down timer adverts", config.down_timer_adverts);
    if let Some(repairs) = config.drift_repair {
        sheet.field("Drift repairs within a minute", repairs);
    }
    sheet.field(
        "Send advert after receive lower priority advert",
        !config.lower_prio_no_advert,
    );
    sheet.field(
        "Send advert after receive higher priority advert",
        config.higher_prio_send_advert,
    );
    more.owner(sheet);
    sheet.field("Virtual Router ID", config.vrid);
    sheet.field("Priority", config.priority);
    if let Some(status) = status {
        sheet.field("Effective priority", status.effective_priority);
        sheet.field("Total priority", status.effective_priority);
    }
    match config.version {
        Version::V2 => sheet.field(
            "Advert interval",
            format_args!("{} sec", seconds(config.advert_int)),
        ),
        Version::V3 => sheet.field(
            "Advert interval",
            format_args!("{} milli-sec", config.advert_int.as_millis()),
        ),
    }
    if let (Some(live), Some(sent)) = (live, status.and_then(|status| status.last_advert_sent)) {
        let sent = live.wall.at(live.status.now, sent).0;
        sheet.field(
            "Last advert sent",
            format_args!("{}.{:06}", sent.as_secs(), sent.subsec_micros()),
        );
    }
    sheet.field("Accept", enabled(more.accept()));
    sheet.field("Preempt", enabled(!config.nopreempt));
    if !config.preempt_delay.is_zero() {
        sheet.field(
            "Preempt delay",
            format_args!("{} secs", seconds(config.preempt_delay)),
        );
    }
    sheet.field("Promote_secondaries", enabled(more.promote_secondaries()));
    match (config.version, config.auth) {
        (Version::V2, Auth::None) => sheet.field("Authentication type", "none"),
        (Version::V2 | Version::V3, Auth::Pass(_)) => {
            sheet.field("Authentication type", "SIMPLE_PASSWORD");
            sheet.field("Password", "********");
        }
        (Version::V2 | Version::V3, Auth::Ah(_)) => {
            sheet.field("Authentication type", "IPSEC_AH");
            sheet.field("Password", "********");
        }
        (Version::V3, Auth::None) => {}
    }
    more.about_packets(sheet);
}

fn tracked(sheet: &mut Sheet, interfaces: &[TrackedInterface], scripts: &[TrackedScript]) {
    let interfaces = interfaces
        .iter()
        .map(|t| format!("{} {}", t.interface, weight(t.weight, t.reverse)));
    sheet.list("Tracked interfaces :", interfaces);
    let scripts = scripts
        .iter()
        .map(|t| format!("{} {}", t.script, weight(t.weight, t.reverse)));
    sheet.list("Tracked scripts :", scripts);
}

fn notify(sheet: &mut Sheet, facts: &Facts<'_>, scripts: &NotifyScripts) {
    let NotifyScripts {
        master,
        backup,
        fault,
        stop,
        deleted,
        any,
        master_rx_lower_pri,
        smtp_alert: _,
        priority_changes: _,
    } = scripts;
    let named = [
        ("Backup", backup.as_ref()),
        ("Master", master.as_ref()),
        ("Fault", fault.as_ref()),
        ("Stop", stop.as_ref()),
        ("Deleted", deleted.as_ref()),
        ("Generic", any.as_ref()),
        ("Master rx lower pri", master_rx_lower_pri.as_ref()),
    ];
    for (name, command) in named {
        transition(sheet, facts, name, command);
    }
}

fn transition(sheet: &mut Sheet, facts: &Facts<'_>, name: &str, command: Option<&Command>) {
    if let Some(command) = command {
        let run_as = account(facts, command).map_or_else(String::new, |who| format!(", uid:gid {who}"));
        sheet.line(
            3,
            format_args!("{name} state transition script = {command}{run_as}"),
        );
    }
}

fn group(sheet: &mut Sheet, facts: &Facts<'_>, config: &SyncGroupConfig, live: Option<&Live<'_>>) {
    let status = live.and_then(|live| live.status.groups.iter().find(|group| group.name == config.name));
    let state = status.map_or(StateName::Init, |status| status.state);
    sheet.item(
        "VRRP Sync Group",
        format_args!("{}, {}", config.name, state.word()),
    );
    if let Some(live) = live {
        let count = |state| {
            let members = live
                .status
                .routers
                .iter()
                .filter(|router| config.members.contains(&router.config.name));
            members.filter(|router| router.state == state).count()
        };
        let (fault, init) = (count(StateName::Fault), count(StateName::Init));
        sheet.line(
            3,
            format_args!("Num member fault {fault}, num member init {init}"),
        );
    }
    sheet.list("VRRP member instances :", &config.members);
    later::group(sheet, facts, &config.name);
    tracked(sheet, &config.track_interfaces, &config.track_scripts);
    later::tracked_by_group(sheet, facts, &config.name);
    if let Some(scripts) = facts.plan.notify.groups.get(&config.name) {
        notify(sheet, facts, scripts);
    }
}

fn script(sheet: &mut Sheet, facts: &Facts<'_>, config: &TrackScriptConfig, live: Option<&Live<'_>>) {
    let TrackScriptConfig {
        name,
        command,
        interval,
        timeout,
        weight: default,
        reverse,
        rise,
        fall,
    } = config;
    let status = live.and_then(|live| live.status.scripts.iter().find(|script| script.name == *name));
    sheet.item("VRRP Script", name);
    sheet.field("Command", command);
    sheet.field("Interval", format_args!("{} sec", seconds(*interval)));
    sheet.field("Timeout", format_args!("{} sec", seconds(*timeout)));
    sheet.field(
        "Weight",
        format_args!("{default}{}", if *reverse { " reverse" } else { "" }),
    );
    sheet.field("Rise", rise);
    sheet.field("Fall", fall);
    if let Some(status) = status {
        sheet.field("Result", status.result);
        sheet.field(
            "Init state",
            if status.good.is_none() { "INIT" } else { "unknown" },
        );
        sheet.field("Status", if status.good == Some(true) { "GOOD" } else { "BAD" });
    }
    if let Some(run_as) = account(facts, command) {
        sheet.field("Script uid:gid", run_as);
    }
    sheet.line(3, "VRRP instances :");
    let vrrp = &facts.plan.vrrp;
    let routers = vrrp
        .routers
        .iter()
        .map(|router| (&router.name, &router.track_scripts));
    // What a group tracks, each of its members does.
    let members = vrrp.groups.iter().flat_map(|group| {
        let members = group.members.iter();
        members.map(|member| (member, &group.track_scripts))
    });
    let tracking = routers.chain(members).flat_map(|(who, tracked)| {
        let ours = tracked.iter().filter(|tracked| tracked.script == *name);
        ours.map(move |tracked| format!("{who}, {}", weight(tracked.weight, tracked.reverse)))
    });
    sheet.list("Tracking instances :", tracking);
    if let Some(live) = live {
        let running = live.running.contains(name);
        sheet.field("State", if running { "running" } else { "idle" });
    }
}
