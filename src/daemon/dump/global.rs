//! The section "Global definitions", with which every dump begins (fact cli 6.5).
//!
//! Settings that nothing comes of yet are shown as well: what the file says is what a dump is asked for. [`super::process`]
//! has the lines of processes, management and buffers.

use super::file::Kind;
use super::{Facts, Sheet, account, process, seconds, yes_no};
use crate::conf::config::{
    DumpSettings, FifoSettings, FirewallSettings, Global, Inherited, IpvsSettings, LifeScripts, Spanned,
    SyncDaemon, VrrpDefaults,
};
use crate::ipvs::config::FlushOnStop;
use crate::script::config::Command;
use crate::sys::child::Credentials;
use crate::vrrp::config::{GarpConfig, Version};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// A time limit of scripts at start and end, unless configured.
const LIFE_TIMEOUT: Duration = Duration::from_secs(10);
/// keepalived's name of an interface for addresses that name none.
const DEFAULT_INTERFACE: &str = "eth0";

/// The section as the dump of `kind` has it.
pub fn section(facts: &Facts<'_>, kind: Kind) -> String {
    let (global, later) = (&facts.plan.global, &facts.plan.later.global);
    let shown = &global.shown;
    let mut sheet = Sheet::default();
    sheet.heading("Global definitions");
    names(&mut sheet, facts);
    let keep = global.scripts.keep_links;
    let paths = if keep { "Keep" } else { "Replace" };
    sheet.line(1, format_args!("{paths} symlinks in script paths"));
    sheet.item("Router ID", global.router_id.as_deref().unwrap_or(facts.hostname));
    mail(&mut sheet, facts);
    sheet.item(
        "Checkers log all failures",
        global.inherited.checker_log_all_failures,
    );
    reload(&mut sheet, facts, kind);
    if let Some(Some(file)) = &global.upkeep.reload_file {
        sheet.item("Reload_file", file);
    }
    sheet.item("keep script symlinks", keep);
    if let Some(directory) = &global.reload.save_dir {
        sheet.item("config save directory", directory);
    }
    if global.dumps.data_use_instance == Some(true) {
        sheet.line(1, "Use instance name in data dumps");
    }
    life(&mut sheet, facts, &global.life);
    sheet.item("Dynamic interfaces", global.dynamic_interfaces);
    if global.mail.no_email_faults {
        sheet.line(1, "Send emails for fault transitions = off");
    }
    timeouts(&mut sheet, &shown.ipvs);
    if let (Kind::Vrrp, Some(interface)) = (kind, default_interface(facts)) {
        sheet.item("Default interface", interface);
    }
    sheet.item("Disable local IGMP", yes_no(shown.firewall.disable_local_igmp));
    let as_v2 = shown.vrrp.v3_checksum_as_v2;
    sheet.item("Use VRRPv2 checksum for VRRPv3 IPv4", yes_no(as_v2));
    ipvs(&mut sheet, &shown.ipvs);
    fifos(&mut sheet, facts);
    routers(&mut sheet, global);
    firewall(&mut sheet, &shown.firewall);
    checks(&mut sheet, &global.inherited, &shown.vrrp);
    process::priorities(&mut sheet, &global.processes);
    process::management(&mut sheet, &later.management);
    let security = if global.scripts.security {
        "enabled"
    } else {
        "disabled"
    };
    sheet.line(1, format_args!("Script security {security}"));
    if let Some(Credentials { uid, gid }) = facts.scripts.default_account() {
        sheet.line(1, format_args!("Default script uid:gid {uid}:{gid}"));
    }
    process::buffers(&mut sheet, global, later);
    sheet.item("umask", format_args!("0{:o}", facts.umask));
    last(&mut sheet, &shown.vrrp);
    dumps(&mut sheet, facts, &global.dumps);
    sheet.0
}

/// Of namespaces, the instance and processes.
fn names(sheet: &mut Sheet, facts: &Facts<'_>) {
    let global = &facts.plan.global;
    if let Some(directory) = &global.reload.save_dir {
        sheet.item("Config save dir", directory);
    }
    sheet.item("Network namespace", facts.namespace.unwrap_or("(default)"));
    let ipvs = match &global.net_namespace_ipvs {
        None => "(main namespace)",
        Some(None) => "(default)",
        Some(Some(name)) => name,
    };
    sheet.item("Network namespace ipvs", ipvs);
    if let Some(instance) = &global.instance {
        sheet.item("Instance name", instance);
    }
    process::names(sheet, &global.processes);
}

fn mail(sheet: &mut Sheet, facts: &Facts<'_>) {
    let mail = &facts.plan.global.mail;
    if let Some(Spanned { value: server, .. }) = &mail.server {
        sheet.item("Smtp server", &server.host);
        sheet.item("Smtp server port", server.port);
    }
    if let Some(name) = &mail.helo_name {
        sheet.item("Smtp HELO name", name);
    }
    if let Some(timeout) = mail.connect_timeout {
        sheet.item("Smtp server connection timeout", timeout.as_secs());
    }
    if let Some(from) = &mail.from {
        sheet.item("Email notification from", from);
    }
    if !mail.to.is_empty() {
        sheet.line(1, "Email notification to:");
    }
    mail.to.iter().for_each(|address| sheet.line(3, address));
    for (label, alert) in [
        ("Default smtp_alert", mail.alert),
        ("Default smtp_alert_vrrp", mail.alert_vrrp),
        ("Default smtp_alert_checker", mail.alert_checker),
    ] {
        let word = alert.map_or("unset", |alert| if alert { "on" } else { "off" });
        sheet.item(label, word);
    }
}

fn reload(sheet: &mut Sheet, facts: &Facts<'_>, kind: Kind) {
    let reload = &facts.plan.global.reload;
    match &reload.check_config {
        None => sheet.line(1, "No test config before reload"),
        Some(None) => sheet.line(1, "Test config before reload"),
        Some(Some(log)) => sheet.line(1, format_args!("Test config before reload, log to {log}")),
    }
    if let Some(file) = &reload.time_file {
        let repeat = if reload.repeat { " (repeat)" } else { "" };
        sheet.item("Reload time file", format_args!("{file}{repeat}"));
        // Who waits for the time is keepalived's parent.
        match facts.reload_due.filter(|_| kind == Kind::Parent) {
            Some(at) => sheet.line(1, format_args!("Reload scheduled for {}", at.local().numbers())),
            None => sheet.line(1, "No reload scheduled"),
        }
    }
}

/// The scripts at start and end; keepalived separates their limits in two ways.
fn life(sheet: &mut Sheet, facts: &Facts<'_>, life: &LifeScripts) {
    for (label, script, separator, timeout) in [
        ("Startup script", &life.startup, ",", life.startup_timeout),
        ("Shutdown script", &life.shutdown, "", life.shutdown_timeout),
    ] {
        if let Some(Spanned { value: command, .. }) = script {
            let timeout = timeout.unwrap_or(LIFE_TIMEOUT).as_secs();
            let command = with_account(facts, command);
            sheet.item(label, format_args!("{command}{separator} timeout {timeout}"));
        }
    }
}

fn with_account(facts: &Facts<'_>, command: &Command) -> String {
    let account = account(facts, command).map_or_else(String::new, |who| format!(", uid:gid {who}"));
    format!("{command}{account}")
}

/// keepalived labels the third like the first.
fn timeouts(sheet: &mut Sheet, ipvs: &IpvsSettings) {
    for (label, timeout) in [
        ("LVS TCP timeout", ipvs.tcp_timeout),
        ("LVS TCP FIN timeout", ipvs.tcpfin_timeout),
        ("LVS TCP timeout", ipvs.udp_timeout),
    ] {
        if let Some(timeout) = timeout {
            sheet.item(label, timeout.as_secs());
        }
    }
}

/// That of `default_interface`; otherwise keepalived's, if there is one of that name.
fn default_interface<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    let configured = facts.plan.global.shown.default_interface.as_deref();
    configured.or_else(|| {
        let mut interfaces = facts.interfaces.iter().map(|status| status.name.as_str());
        interfaces.find(|name| *name == DEFAULT_INTERFACE)
    })
}

fn ipvs(sheet: &mut Sheet, ipvs: &IpvsSettings) {
    if let Some(daemon) = &ipvs.sync_daemon {
        sync_daemon(sheet, &daemon.value);
    }
    sheet.item("LVS flush", ipvs.flush);
    let on_stop = match ipvs.flush_on_stop {
        FlushOnStop::No => "disabled",
        FlushOnStop::Table => "full",
        FlushOnStop::Services => "VS",
    };
    sheet.item("LVS flush on stop", on_stop);
}

fn sync_daemon(sheet: &mut Sheet, daemon: &SyncDaemon) {
    let SyncDaemon {
        interface,
        inst,
        id,
        maxlen,
        port,
        ttl,
        group,
    } = daemon;
    if let Some(instance) = inst {
        sheet.item("LVS syncd vrrp name", instance);
    }
    sheet.item("LVS syncd interface", interface);
    if let Some(id) = id {
        sheet.item("LVS syncd syncid", id);
    }
    if let Some(maxlen) = maxlen {
        sheet.item("LVS syncd maxlen", maxlen);
    }
    if let Some(group) = group {
        sheet.line(1, format_args!("LVS mcast group {group}"));
    }
    if let Some(port) = port {
        sheet.item("LVS syncd mcast port", port);
    }
    if let Some(ttl) = ttl {
        sheet.item("LVS syncd mcast ttl", ttl);
    }
}

fn fifos(sheet: &mut Sheet, facts: &Facts<'_>) {
    let fifos = &facts.plan.global.fifos;
    for (whose, fifo) in [("Global", &fifos.all), ("VRRP", &fifos.vrrp), ("LVS", &fifos.lvs)] {
        let FifoSettings { fifo, script } = fifo;
        if let Some(fifo) = fifo {
            sheet.item(&format!("{whose} notify fifo"), &fifo.path);
        }
        if let Some(Spanned { value: command, .. }) = script {
            let command = with_account(facts, command);
            sheet.item(&format!("{whose} notify fifo script"), command);
        }
    }
    let on_reload = fifos.write_vrrp_states_on_reload;
    sheet.item("FIFO write vrrp states on reload", on_reload);
    let priority_changes = fifos.notify_priority_changes.unwrap_or(false);
    sheet.item("VRRP notify priority changes", priority_changes);
}

/// Defaults of routers.
fn routers(sheet: &mut Sheet, global: &Global) {
    let inherited = &global.inherited;
    let group4 = inherited.mcast_group4.unwrap_or(Ipv4Addr::new(224, 0, 0, 18));
    sheet.item("VRRP IPv4 mcast group", group4);
    let group6 = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
    sheet.item("VRRP IPv6 mcast group", inherited.mcast_group6.unwrap_or(group6));
    let GarpConfig {
        delay,
        repeat,
        refresh,
        refresh_repeat,
        lower_prio_delay,
        lower_prio_repeat,
        garp_interval,
        gna_interval,
        extra: _,
    } = global.garp;
    sheet.item("Gratuitous ARP delay", seconds(delay));
    sheet.item("Gratuitous ARP repeat", repeat);
    sheet.item("Gratuitous ARP refresh timer", seconds(refresh));
    sheet.item("Gratuitous ARP refresh repeat", refresh_repeat);
    sheet.item("Gratuitous ARP lower priority delay", seconds(lower_prio_delay));
    sheet.item("Gratuitous ARP lower priority repeat", lower_prio_repeat);
    sheet.item(
        "Num adverts before down",
        inherited.down_timer_adverts.unwrap_or(3),
    );
    if let Some(repairs) = inherited.drift_repair {
        sheet.item("Drift repairs within a minute", repairs);
    }
    let (all, extra) = global
        .garp
        .extra
        .map_or((false, Duration::ZERO), |extra| (extra.all, extra.interval));
    let which = if all { "i/f" } else { "VMAC" };
    sheet.item(
        &format!("Gratuitous ARP for each secondary {which}"),
        format_args!("{}s", seconds(extra)),
    );
    sheet.item(
        "Send advert after receive lower priority advert",
        !inherited.lower_prio_no_advert,
    );
    sheet.item(
        "Send advert after receive higher priority advert",
        inherited.higher_prio_send_advert,
    );
    let fixed = |interval: Duration| format!("{}.{:06}", interval.as_secs(), interval.subsec_micros());
    sheet.item("Gratuitous ARP interval", fixed(garp_interval));
    sheet.item("Gratuitous NA interval", fixed(gna_interval));
    let version = global.vrrp_version.unwrap_or(Version::V2);
    sheet.item("VRRP default protocol version", version.number());
}

fn firewall(sheet: &mut Sheet, firewall: &FirewallSettings) {
    let FirewallSettings {
        iptables,
        nftables,
        nftables_priority,
        nftables_ifindex,
        nftables_counters,
        nftables_ipvs,
        nftables_ipvs_priority,
        nftables_ipvs_start_fwmark,
        disable_local_igmp: _,
    } = firewall;
    if let Some(chains) = iptables {
        sheet.item("Iptables input chain", &chains.input);
        if let Some(output) = &chains.output {
            sheet.item("Iptables output chain", output);
        }
    }
    if let Some(table) = nftables {
        sheet.item("nftables table name", table);
        if let Some(priority) = nftables_priority {
            sheet.item("nftables base chain priority", priority);
        }
        let not = if *nftables_ifindex { "" } else { "don't " };
        let line = format!("nftables {not}force use ifindex for link local IPv6");
        sheet.line(1, line);
    }
    if let Some(table) = nftables_ipvs {
        sheet.item("ipvs nftables table name", table);
        if let Some(priority) = nftables_ipvs_priority {
            sheet.item("ipvs nftables base chain priority", priority);
        }
        if let Some(mark) = nftables_ipvs_start_fwmark {
            sheet.item("ipvs nftables start fwmark", mark);
        }
    }
    let with = if *nftables_counters { "with" } else { "without" };
    sheet.line(1, format_args!("nftables {with} counters"));
}

/// How strictly adverts are looked at.
fn checks(sheet: &mut Sheet, inherited: &Inherited, defaults: &VrrpDefaults) {
    sheet.item("VRRP check unicast_src", inherited.check_unicast_src);
    sheet.item(
        "VRRP skip check advert addresses",
        defaults.skip_check_adv_addr.unwrap_or(false),
    );
    sheet.item("VRRP strict mode", defaults.strict.unwrap_or(false));
}

/// What is only there when it was set.
fn last(sheet: &mut Sheet, defaults: &VrrpDefaults) {
    if let Some(delay) = defaults.startup_delay {
        sheet.item("vrrp_startup_delay", seconds(delay));
    }
    if defaults.log_unknown_vrids {
        sheet.line(1, "log_unknown_vrids");
    }
    if defaults.owner_ignore_adverts == Some(true) {
        sheet.line(1, "vrrp_owner_ignore_adverts");
    }
    if let Some(prefix) = &defaults.vmac_prefix {
        sheet.item("VMAC prefix", prefix);
    }
    if let Some(prefix) = &defaults.vmac_addr_prefix {
        sheet.item("VMAC address prefix", prefix);
    }
}

fn dumps(sheet: &mut Sheet, facts: &Facts<'_>, dumps: &DumpSettings) {
    let DumpSettings {
        data_use_instance: _,
        json_version,
        state_dump_file,
        stats_dump_file,
        json_dump_file,
    } = dumps;
    sheet.line(1, format_args!("json_version {}", json_version.unwrap_or(1)));
    let files = &facts.plan.global.shown;
    for (which, directory) in [("usr", &files.iproute_usr_dir), ("etc", &files.iproute_etc_dir)] {
        let directory = directory.as_deref().unwrap_or("(none)");
        sheet.line(1, format_args!("iproute {which} directory {directory}"));
    }
    for (name, path) in [
        ("state", state_dump_file),
        ("stats", stats_dump_file),
        ("json", json_dump_file),
    ] {
        if let Some(path) = path {
            sheet.line(1, format_args!("{name} dump file {path}"));
        }
    }
}

#[cfg(test)]
mod tests;
