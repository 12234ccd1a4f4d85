//! Routes and rules in keepalived's text form (fact 16.8), for dumps and the log.

use super::{
    Encap, FwMark, Insertion, Lockable, NextHop, Realms, Route, RouteKind, RouteMetrics, Rule, RuleAction,
    Scope, Tunnel, Words,
};
use std::fmt;
use std::fmt::Display;
use std::net::IpAddr;

impl Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&route(self))
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rule(self))
    }
}

/// A route.
fn route(route: &Route) -> String {
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
        encap: wrapped,
        expires,
        metrics: values,
        realms: through,
        preference,
        ttl_propagate,
        insertion,
        nexthops,
        watched,
        track_group,
        vrf,
    } = route;
    let mut out = Words::default();
    out.push(match insertion {
        Insertion::Prepend => "prepend",
        Insertion::Add => "add",
        Insertion::Append => "append",
    });
    if *kind != RouteKind::UNICAST {
        match kind.name() {
            Some(name) => out.push(name),
            None => out.push(kind.0),
        }
    }
    out.push(destination);
    // keepalived writes the prefix of the default route only.
    if destination.prefix == 0 && !out.0.ends_with("/0") {
        out.0.push_str("/0");
    }
    out.some("from", from.as_ref());
    out.some("src", *preferred_source);
    out.some("tos", *tos);
    encap(&mut out, wrapped.as_ref());
    via(&mut out, *gateway);
    out.some("dev", interface.as_ref());
    out.some("table", *table);
    out.some("proto", *protocol);
    if *scope != Scope::GLOBAL {
        out.push(format_args!("scope {}", scope.0));
    }
    out.some("metric", *metric);
    out.flag("onlink", *onlink);
    realms(&mut out, *through);
    metrics(&mut out, values);
    if let Some(seconds) = expires {
        out.push(format_args!("expires {seconds}sec"));
    }
    out.some(
        "pref",
        preference.map(|preference| match preference {
            1 => "high",
            3 => "low",
            _ => "medium",
        }),
    );
    out.some("ttl-propagate", ttl_propagate.map(u8::from));
    nexthops.iter().for_each(|hop| nexthop(&mut out, hop));
    out.some("vrf", vrf.as_ref());
    out.some("track_group", track_group.as_ref());
    // One that names no interface cannot be watched.
    out.flag("no_track", !watched || interface.is_none());
    out.0
}

fn via(out: &mut Words, gateway: Option<IpAddr>) {
    match gateway {
        None => {}
        Some(gateway @ IpAddr::V4(_)) => out.push(format_args!("via inet {gateway}")),
        Some(gateway @ IpAddr::V6(_)) => out.push(format_args!("via inet6 {gateway}")),
    }
}

fn realms(out: &mut Words, realms: Option<Realms>) {
    match realms {
        None => {}
        Some(Realms {
            source: 0,
            destination,
        }) => out.push(format_args!("realm {destination}")),
        Some(Realms { source, destination }) => out.push(format_args!("realms {source}/{destination}")),
    }
}

/// What the kernel keeps for the transport protocols.
fn metrics(out: &mut Words, metrics: &RouteMetrics) {
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
    let scaled = |value: &Option<Lockable<u32>>, unit: u32| {
        value.map(|Lockable { value, locked }| Lockable {
            value: value / unit,
            locked,
        })
    };
    out.lockable("congctl", congctl.as_ref(), "");
    out.lockable("rtt", scaled(rtt, 8).as_ref(), "ms");
    out.lockable("rttvar", scaled(rttvar, 4).as_ref(), "ms");
    out.lockable("rto_min", rto_min.as_ref(), "ms");
    out.flag("features ecn", *ecn);
    out.lockable("mtu", mtu.as_ref(), "");
    out.some("window", *window);
    out.lockable("ssthresh", ssthresh.as_ref(), "");
    out.lockable("cwnd", cwnd.as_ref(), "");
    out.lockable("advmss", advmss.as_ref(), "");
    out.lockable("reordering", reordering.as_ref(), "");
    out.some("hoplimit", *hoplimit);
    out.some("initcwnd", *initcwnd);
    out.some("initrwnd", *initrwnd);
    out.some("quickack", quickack.map(u8::from));
    out.some("fastopen_no_cookie", fastopen_no_cookie.map(u8::from));
}

fn nexthop(out: &mut Words, hop: &NextHop) {
    let NextHop {
        gateway,
        interface,
        weight,
        onlink,
        encap: wrapped,
        realms: through,
    } = hop;
    out.push("nexthop");
    via(out, *gateway);
    out.some("dev", interface.as_ref());
    if *weight > 1 {
        out.push(format_args!("weight {weight}"));
    }
    out.flag("onlink", *onlink);
    realms(out, *through);
    encap(out, wrapped.as_ref());
}

fn encap(out: &mut Words, wrapped: Option<&Encap>) {
    match wrapped {
        None => {}
        Some(Encap::Ip(header)) => tunnel(out, "ip", header, ["tos", "ttl"]),
        Some(Encap::Ip6(header)) => tunnel(out, "ip6", header, ["tc", "hoplimit"]),
        Some(Encap::Mpls(labels)) => {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            out.push(format_args!("encap mpls {}", labels.join("/")));
        }
        Some(Encap::Ila(locator)) => {
            let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (locator >> shift) & 0xffff);
            out.push(format_args!("encap ila {a:x}:{b:x}:{c:x}:{d:x}"));
        }
    }
}

fn tunnel<A: Display>(out: &mut Words, kind: &str, header: &Tunnel<A>, [tos_word, ttl_word]: [&str; 2]) {
    let Tunnel {
        id,
        destination,
        source,
        tos,
        ttl,
        flags,
    } = header;
    out.push(format_args!("encap {kind}"));
    out.some("id", *id);
    out.some("dst", destination.as_ref());
    out.some("src", source.as_ref());
    out.some(tos_word, *tos);
    out.some(ttl_word, *ttl);
    if let Some(flags) = flags {
        out.push(format_args!("flags 0x{flags:x}"));
    }
}

/// A rule.
fn rule(rule: &Rule) -> String {
    let Rule {
        family: _,
        action,
        preference,
        inverted,
        from,
        to,
        tos,
        fwmark,
        realms: through,
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
    match from {
        None => out.push("from all"),
        Some(from) => out.push(format_args!("from {from}")),
    }
    out.some("to", to.as_ref());
    out.push(format_args!("priority {preference} tos 0x{:x}", tos.unwrap_or(0)));
    if let Some(FwMark { mark, mask }) = fwmark {
        let mask = mask.map_or_else(String::new, |mask| format!("/0x{mask:x}"));
        out.push(format_args!("fwmark 0x{mark:x}{mask}"));
    }
    out.some("iif", iif.as_ref());
    out.some("oif", oif.as_ref());
    out.some("suppress_prefixlen", *suppress_prefixlength);
    out.some("suppress_ifgroup", *suppress_group);
    out.some("tunnel-id", *tunnel_id);
    if let Some((first, last)) = uids {
        out.push(format_args!("uidrange {first}-{last}"));
    }
    out.flag("l3mdev", *action == RuleAction::L3mdev);
    out.some("protocol", *protocol);
    out.some("ipproto", *ip_protocol);
    for (word, ports) in [("sport", source_ports), ("dport", destination_ports)] {
        if let Some((first, last)) = ports {
            out.push(format_args!("{word} {first}-{last}"));
        }
    }
    realms(&mut out, *through);
    match action {
        RuleAction::Table(table) => out.push(format_args!("lookup {table}")),
        RuleAction::L3mdev => {}
        RuleAction::Goto(rule) => out.push(format_args!("goto {rule}")),
        RuleAction::Nop => out.push("nop"),
        RuleAction::Blackhole => out.push("type blackhole"),
        RuleAction::Unreachable => out.push("type unreachable"),
        RuleAction::Prohibit => out.push("type prohibit"),
    }
    out.some("track_group", track_group.as_ref());
    out.flag("no_track", !watched);
    out.0
}
