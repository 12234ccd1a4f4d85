//! Lines of addresses, routes and rules, and the blocks of the top level about them and about interfaces.

use super::{Printer, seconds, word};
use crate::conf::config::LinkbeatMethod;
use crate::net::{
    AddressOptions, AddressSpec, Encap, Family, Goods, IfName, Insertion, Lifetime, Lockable, NextHop,
    Realms, Route, RouteKind, RouteMetrics, Rule, RuleAction, Scope, Tunnel, Words,
};
use crate::plan::later::LaterNet;
use crate::vrrp::config::{GarpLimit, LinkDelay, StaticGroup};
use std::fmt::Display;

impl Printer {
    /// What is static, and the groups that its entries name.
    pub(super) fn statics(&mut self, statics: &Goods, track_groups: &[StaticGroup]) {
        let Goods {
            addresses,
            routes,
            rules,
        } = statics;
        for StaticGroup { name, members } in track_groups {
            self.block(&format!("track_group {}", word(name)), |out| {
                out.lines("group", members.iter().map(|member| word(member)));
            });
        }
        self.lines(
            "static_ipaddress",
            addresses.iter().map(|spec| address(spec, None)),
        );
        self.lines("static_routes", routes.iter().map(route));
        self.lines("static_rules", rules.iter().map(rule));
    }

    /// What must stand before instances: they may name it.
    pub(super) fn net(&mut self, net: &LaterNet, link_delays: &[LinkDelay], garp_groups: &[GarpLimit]) {
        let LaterNet { linkbeat } = net;
        for group in garp_groups {
            self.garp_group(group);
        }
        let methods = linkbeat.iter().map(|(name, method)| match method {
            None => name.to_string(),
            Some(LinkbeatMethod::Mii) => format!("{name} MII"),
            Some(LinkbeatMethod::Ethtool) => format!("{name} ETHTOOL"),
            Some(LinkbeatMethod::Ioctl) => format!("{name} IOCTL"),
        });
        self.lines("linkbeat_interfaces", methods);
        let delays = link_delays.iter().map(|LinkDelay { interface, down, up }| {
            format!("{interface} {} {}", seconds(*down), seconds(*up))
        });
        self.lines("interface_up_down_delays", delays);
    }

    /// A block of entries, if there are any.
    pub(super) fn lines(&mut self, keyword: &str, lines: impl Iterator<Item = String>) {
        let mut lines = lines.peekable();
        if lines.peek().is_some() {
            self.block(keyword, |out| lines.for_each(|line| out.line(&line)));
        }
    }

    fn garp_group(&mut self, group: &GarpLimit) {
        let GarpLimit {
            garp_interval,
            gna_interval,
            interfaces,
        } = group;
        self.block("garp_group", |out| {
            for (keyword, gap) in [("garp_interval", garp_interval), ("gna_interval", gna_interval)] {
                if let Some(gap) = gap {
                    out.set(keyword, seconds(*gap));
                }
            }
            out.lines("interfaces", interfaces.iter().map(ToString::to_string));
        });
    }
}

/// An address; one on the interface `own` does not name it.
pub(super) fn address(address: &AddressSpec, own: Option<&IfName>) -> String {
    let AddressSpec {
        cidr,
        interface,
        scope,
        label,
        broadcast,
        options,
    } = address;
    let mut out = Words::default();
    if options.peer.is_some() {
        // The prefix is that of the other end, and may not be given.
        out.push(cidr.addr);
    } else {
        out.push(format!("{}/{}", cidr.addr, cidr.prefix));
    }
    out.some("brd", *broadcast);
    out.some("dev", Some(interface).filter(|interface| Some(*interface) != own));
    out.some("scope", Some(scope).filter(|scope| **scope != Scope::GLOBAL));
    out.some("label", label.as_deref().map(word));
    let AddressOptions {
        peer,
        home,
        dad,
        mngtmpaddr,
        noprefixroute,
        autojoin,
        preferred,
        watched,
        track_group,
        use_vmac,
    } = options;
    out.some("peer", *peer);
    for (keyword, on) in [
        ("home", *home),
        ("-nodad", *dad),
        ("mngtmpaddr", *mngtmpaddr),
        ("noprefixroute", *noprefixroute),
        ("autojoin", *autojoin),
        ("no_track", !*watched),
        ("use_vmac", *use_vmac),
    ] {
        out.flag(keyword, on);
    }
    let unusual = preferred.filter(|_| *preferred != AddressOptions::of(cidr).preferred);
    let preferred = unusual.map(|lifetime| match lifetime {
        Lifetime::Forever => "forever".to_owned(),
        Lifetime::Seconds(seconds) => seconds.to_string(),
    });
    out.some("preferred_lft", preferred);
    out.some("track_group", track_group.as_deref().map(word));
    out.0
}

/// A route.
pub(super) fn route(route: &Route) -> String {
    let Route {
        kind,
        destination,
        from,
        preferred_source,
        gateway,
        interface,
        onlink,
        tos,
        table,
        protocol,
        scope,
        metric,
        encap,
        expires,
        metrics,
        realms,
        preference,
        ttl_propagate,
        insertion,
        nexthops,
        watched,
        track_group,
        vrf,
    } = route;
    let mut out = Words::default();
    if *kind != RouteKind::UNICAST {
        match kind.name() {
            Some(name) => out.push(name),
            None => out.push(kind.0),
        }
    }
    out.push(format!("{}/{}", destination.addr, destination.prefix));
    out.some("from", from.map(|from| format!("{}/{}", from.addr, from.prefix)));
    out.some("src", *preferred_source);
    out.some("via", *gateway);
    out.some("dev", interface.as_ref());
    out.flag("onlink", *onlink);
    out.some("tos", *tos);
    out.some("table", *table);
    out.some("protocol", *protocol);
    out.some("scope", Some(scope.0).filter(|scope| *scope != Scope::GLOBAL.0));
    out.some("metric", *metric);
    // `hoplimit` after `encap ip6` would be its own.
    metrics_of(&mut out, metrics);
    encapsulation(&mut out, encap.as_ref());
    out.some("expires", *expires);
    out.some("realms", realms.map(realms_of));
    out.some("pref", *preference);
    let propagate = |on: bool| if on { "enabled" } else { "disabled" };
    out.some("ttl-propagate", ttl_propagate.map(propagate));
    out.push(match insertion {
        Insertion::Prepend => "prepend",
        Insertion::Add => "add",
        Insertion::Append => "append",
    });
    out.flag("no_track", !*watched);
    out.some("track_group", track_group.as_deref().map(word));
    out.some("vrf", vrf.as_ref());
    for way in nexthops {
        nexthop(&mut out, way);
    }
    out.0
}

fn metrics_of(out: &mut Words, metrics: &RouteMetrics) {
    let RouteMetrics {
        mtu,
        advmss,
        reordering,
        cwnd,
        ssthresh,
        window,
        initcwnd,
        initrwnd,
        hoplimit,
        rtt,
        rttvar,
        rto_min,
        ecn,
        quickack,
        fastopen_no_cookie,
        congctl,
    } = metrics;
    out.lockable("mtu", mtu.as_ref(), "");
    out.lockable("advmss", advmss.as_ref(), "");
    out.lockable("reordering", reordering.as_ref(), "");
    out.lockable("cwnd", cwnd.as_ref(), "");
    out.lockable("ssthresh", ssthresh.as_ref(), "");
    out.some("window", *window);
    out.some("initcwnd", *initcwnd);
    out.some("initrwnd", *initrwnd);
    out.some("hoplimit", *hoplimit);
    out.lockable("rtt", rtt.as_ref(), "");
    out.lockable("rttvar", rttvar.as_ref(), "");
    out.lockable("rto_min", rto_min.as_ref(), "");
    out.flag("features ecn", *ecn);
    out.some("quickack", quickack.map(u8::from));
    out.some("fastopen_no_cookie", fastopen_no_cookie.map(u8::from));
    let congctl = congctl.as_ref().map(|Lockable { value, locked }| Lockable {
        value: word(value),
        locked: *locked,
    });
    out.lockable("congctl", congctl.as_ref(), "");
}

fn realms_of(Realms { source, destination }: Realms) -> String {
    match source {
        0 => destination.to_string(),
        source => format!("{source}/{destination}"),
    }
}

fn nexthop(out: &mut Words, way: &NextHop) {
    let NextHop {
        gateway,
        interface,
        weight,
        onlink,
        encap,
        realms,
    } = way;
    out.push("nexthop");
    out.some("via", *gateway);
    out.some("dev", interface.as_ref());
    out.some("weight", Some(weight));
    out.flag("onlink", *onlink);
    encapsulation(out, encap.as_ref());
    out.some("realms", realms.map(realms_of));
}

fn encapsulation(out: &mut Words, encap: Option<&Encap>) {
    let Some(encap) = encap else { return };
    out.push("encap");
    match encap {
        Encap::Ip(tunnel) => outer(out, "ip", ["tos", "ttl"], tunnel),
        Encap::Ip6(tunnel) => outer(out, "ip6", ["tc", "hoplimit"], tunnel),
        Encap::Mpls(labels) => {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            out.some("mpls", Some(labels.join("/")));
        }
        Encap::Ila(locator) => {
            let groups = [48, 32, 16, 0].map(|shift| format!("{:x}", (locator >> shift) & 0xffff));
            out.some("ila", Some(groups.join(":")));
        }
    }
}

fn outer<A: Display + Copy>(out: &mut Words, kind: &str, names: [&str; 2], tunnel: &Tunnel<A>) {
    let Tunnel {
        id,
        destination,
        source,
        tos,
        ttl,
        flags,
    } = tunnel;
    let [tos_name, ttl_name] = names;
    out.push(kind);
    out.some("id", *id);
    out.some("dst", *destination);
    out.some("src", *source);
    out.some(tos_name, *tos);
    out.some(ttl_name, *ttl);
    out.some("flags", *flags);
}

/// A rule. One of IPv6 without a prefix says its family with one of no length.
pub(super) fn rule(rule: &Rule) -> String {
    let Rule {
        family,
        action,
        preference,
        inverted,
        from,
        to,
        tos,
        fwmark,
        realms,
        suppress_prefixlength,
        suppress_group,
        iif,
        oif,
        tunnel_id,
        uids,
        protocol,
        ip_protocol,
        source_ports,
        destination_ports,
        watched,
        track_group,
    } = rule;
    let mut out = Words::default();
    out.flag("not", *inverted);
    match (from, to, family) {
        (None, None, Family::V6) => out.push("from ::/0"),
        _ => out.some("from", *from),
    }
    out.some("to", *to);
    out.some("tos", *tos);
    let mark = fwmark.map(|fwmark| match fwmark.mask {
        Some(mask) => format!("0x{:x}/0x{mask:x}", fwmark.mark),
        None => format!("0x{:x}", fwmark.mark),
    });
    out.some("fwmark", mark);
    out.some("iif", iif.as_ref());
    out.some("oif", oif.as_ref());
    out.some("tunnel-id", *tunnel_id);
    out.some("uidrange", uids.map(|(first, last)| format!("{first}-{last}")));
    out.some("ipproto", *ip_protocol);
    out.some(
        "sport",
        source_ports.map(|(first, last)| format!("{first}-{last}")),
    );
    out.some(
        "dport",
        destination_ports.map(|(first, last)| format!("{first}-{last}")),
    );
    match action {
        RuleAction::Table(table) => out.some("table", Some(table)),
        RuleAction::L3mdev => out.push("l3mdev"),
        RuleAction::Goto(target) => out.some("goto", Some(target)),
        RuleAction::Nop => out.push("nop"),
        RuleAction::Blackhole => out.push("blackhole"),
        RuleAction::Unreachable => out.push("unreachable"),
        RuleAction::Prohibit => out.push("prohibit"),
    }
    out.some("realms", realms.map(realms_of));
    out.some("suppress_prefixlength", *suppress_prefixlength);
    out.some("suppress_ifgroup", *suppress_group);
    out.some("preference", Some(preference));
    out.some("protocol", *protocol);
    out.flag("no_track", !*watched);
    out.some("track_group", track_group.as_deref().map(word));
    out.0
}

#[cfg(test)]
mod tests;
