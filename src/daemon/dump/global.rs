//! The section "Global definitions", with which every dump begins (fact cli 6.5).

use super::{Facts, Sheet, seconds};
use crate::vrrp::config::{GarpConfig, Version};
use std::time::Duration;

/// The section.
pub fn section(facts: &Facts<'_>) -> String {
    let global = &facts.plan.global;
    let mut sheet = Sheet::default();
    sheet.heading("Global definitions");
    sheet.item(
        "Network namespace",
        global.net_namespace.as_deref().unwrap_or("(default)"),
    );
    if let Some(instance) = &global.instance {
        sheet.item("Instance name", instance);
    }
    sheet.item("Router ID", global.router_id.as_deref().unwrap_or(facts.hostname));
    sheet.item("Dynamic interfaces", global.dynamic_interfaces);
    garp(&mut sheet, &global.garp);
    let version = global.vrrp_version.unwrap_or(Version::V2);
    sheet.item("VRRP default protocol version", version.number());
    sheet.line(
        1,
        if global.scripts.security {
            "Script security enabled"
        } else {
            "Script security disabled"
        },
    );
    if let Some(user) = &global.scripts.default_user {
        let group = user.group.as_deref().unwrap_or(&user.user);
        sheet.line(1, format_args!("Default script uid:gid {}:{group}", user.user));
    }
    sheet.item("umask", format_args!("0{:o}", facts.umask));
    sheet.0
}

fn garp(sheet: &mut Sheet, garp: &GarpConfig) {
    sheet.item("Gratuitous ARP delay", seconds(garp.delay));
    sheet.item("Gratuitous ARP repeat", garp.repeat);
    sheet.item("Gratuitous ARP refresh timer", seconds(garp.refresh));
    sheet.item("Gratuitous ARP refresh repeat", garp.refresh_repeat);
    sheet.item(
        "Gratuitous ARP lower priority delay",
        seconds(garp.lower_prio_delay),
    );
    sheet.item("Gratuitous ARP lower priority repeat", garp.lower_prio_repeat);
    let fixed = |interval: Duration| format!("{}.{:06}", interval.as_secs(), interval.subsec_micros());
    sheet.item("Gratuitous ARP interval", fixed(garp.garp_interval));
    sheet.item("Gratuitous NA interval", fixed(garp.gna_interval));
}
