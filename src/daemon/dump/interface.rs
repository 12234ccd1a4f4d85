//! Interfaces, who minds them, and how often announcements may leave through them (facts cli 6.8, VRRP 20.4).

use super::{Facts, Sheet, link, seconds, weight};
use crate::net::{IfName, InterfaceStatus};
use crate::vrrp::VrrpConfig;
use crate::vrrp::config::{GarpConfig, RouterConfig};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// Interfaces that share a limit of announcements.
struct Limit<'a> {
    /// 0 unless several interfaces were put together.
    number: usize,
    garp: Duration,
    gna: Duration,
    interfaces: Vec<&'a IfName>,
}

/// `garp_group`, and all other interfaces that have a router, which `vrrp_garp_interval` and `vrrp_gna_interval` are for.
fn limits<'a>(facts: &Facts<'a>) -> Vec<Limit<'a>> {
    let later = &facts.plan.vrrp.garp_groups;
    let mut limits: Vec<Limit<'_>> = Vec::new();
    let mut several = 0;
    for group in later {
        let number = if group.interfaces.len() > 1 {
            several += 1;
            several
        } else {
            0
        };
        limits.push(Limit {
            number,
            garp: group.garp_interval.unwrap_or_default(),
            gna: group.gna_interval.unwrap_or_default(),
            interfaces: group.interfaces.iter().collect(),
        });
    }
    let GarpConfig {
        garp_interval: garp,
        gna_interval: gna,
        ..
    } = facts.plan.global.garp;
    let routers = facts.plan.vrrp.routers.iter().map(|router| &router.interface);
    let others = routers.filter(|name| !later.iter().any(|group| group.interfaces.contains(name)));
    let interfaces: BTreeSet<_> = others.collect();
    let limited = !garp.is_zero() || !gna.is_zero();
    if limited && !interfaces.is_empty() {
        limits.push(Limit {
            number: 0,
            garp,
            gna,
            interfaces: interfaces.into_iter().collect(),
        });
    }
    limits
}

/// Section "Gratuitous ARP delays".
pub(super) fn garp_delays(sheet: &mut Sheet, facts: &Facts<'_>) {
    let limits = limits(facts);
    if !limits.is_empty() {
        sheet.heading("Gratuitous ARP delays");
    }
    for limit in &limits {
        sheet.heading(&format!("GARP delay group {}", limit.number));
        for (label, interval) in [("GARP interval", limit.garp), ("GNA interval", limit.gna)] {
            if !interval.is_zero() {
                sheet.item(label, seconds(interval));
            }
        }
        sheet.line(1, "Interfaces");
        limit.interfaces.iter().for_each(|name| sheet.line(2, name));
    }
}

/// One interface.
pub(super) fn interface(sheet: &mut Sheet, facts: &Facts<'_>, status: &InterfaceStatus) {
    let InterfaceStatus {
        name,
        index,
        mac,
        mtu,
        up,
        multicast,
        noarp: _,
        loopback,
        addresses,
        made: _,
    } = status;
    let vrrp = &facts.plan.vrrp;
    sheet.item("Name", name);
    sheet.field("index", index.0);
    let vips = |router: &RouterConfig, addr: &IpAddr| {
        let mut vips = router.vips.iter().chain(&router.excluded);
        vips.any(|vip| vip.cidr.addr == *addr && vip.interface == *name)
    };
    // Those that come and go with the daemon are no addresses of the interface.
    let ours = |addr: &IpAddr| {
        let mut statics = vrrp.statics.addresses.iter();
        statics.any(|own| own.cidr.addr == *addr && own.interface == *name)
            || vrrp.routers.iter().any(|router| vips(router, addr))
    };
    let of = |wanted: fn(&IpAddr) -> bool| {
        addresses
            .iter()
            .map(|a| a.cidr.addr)
            .filter(wanted)
            .filter(|addr| !ours(addr))
            .collect::<Vec<_>>()
    };
    // keepalived only minds the IPv6 addresses that adverts can come from.
    let link_local = |addr: &IpAddr| matches!(addr, IpAddr::V6(v6) if v6.is_unicast_link_local());
    for (family, found) in [("IPv4", of(IpAddr::is_ipv4)), ("IPv6", of(link_local))] {
        let first = found
            .first()
            .map_or_else(|| "(none)".to_owned(), IpAddr::to_string);
        sheet.field(&format!("{family} address"), first);
        sheet.list(&format!("Additional {family} addresses :"), found.iter().skip(1));
    }
    if let Some(mac) = mac {
        sheet.field("MAC", mac);
    }
    let mut state = if *up { "UP, RUNNING" } else { "not UP, not RUNNING" }.to_owned();
    if *loopback {
        state.push_str(", loopback");
    }
    if !multicast {
        state.push_str(", no multicast");
    }
    sheet.field("State", state);
    let mut delays = facts.plan.vrrp.link_delays.iter();
    if let Some(delay) = delays.find(|delay| delay.interface == *name) {
        sheet.field("Up debounce timer", format_args!("{}us", delay.up.as_micros()));
        sheet.field(
            "Down debounce timer",
            format_args!("{}us", delay.down.as_micros()),
        );
    }
    link::of_interface(sheet, facts, status);
    sheet.field("MTU", mtu);
    if *loopback {
        sheet.field("HW Type", "LOOPBACK");
    }
    let limits = limits(facts);
    if let Some(limit) = limits.iter().find(|limit| limit.interfaces.contains(&name)) {
        for (label, interval) in [
            ("Gratuitous ARP interval", limit.garp),
            ("Gratuitous NA interval", limit.gna),
        ] {
            if !interval.is_zero() {
                sheet.line(3, format_args!("{label} {}ms", interval.as_millis()));
            }
        }
        if limit.number > 0 {
            let line = format!("Gratuitous ARP aggregation group {}", limit.number);
            sheet.line(3, line);
        }
    }
    sheet.list("Tracking VRRP instances :", tracking(vrrp, name));
}

/// The routers that mind an interface, with the weight that it has for them: 0 means FAULT.
fn tracking(vrrp: &VrrpConfig, name: &IfName) -> Vec<String> {
    let mut out = Vec::new();
    for router in &vrrp.routers {
        let group = vrrp
            .groups
            .iter()
            .find(|group| group.members.contains(&router.name));
        let entries = group.into_iter().flat_map(|group| &group.track_interfaces);
        let explicit = entries
            .chain(&router.track_interfaces)
            .find(|tracked| tracked.interface == *name)
            .map(|tracked| weight(tracked.weight, tracked.reverse));
        let mut vips = router.vips.iter().chain(&router.excluded);
        let own = router.interface == *name && !router.dont_track_primary;
        let needed = own || vips.any(|vip| vip.interface == *name && vip.interface != router.interface);
        if let Some(weight) = explicit.or_else(|| needed.then(|| weight(0, false))) {
            out.push(format!("{}, {weight}", router.name));
        }
    }
    out
}
