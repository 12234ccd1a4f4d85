//! Requests that install and remove routes. Pure: makes messages, sends none.

use super::inventory::Inventory;
use super::message::Request;
use crate::net::{
    Cidr, Encap, Family, IfName, Insertion, Lockable, NextHop, PROTOCOL_KEEPALIVED, Realms, Route,
    RouteMetrics, Tunnel,
};
use rtnetlink::packet_core::{DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use rtnetlink::packet_route::route::{
    MplsLabel, RouteAddress, RouteAttribute, RouteFlags, RouteIp6Tunnel, RouteIp6TunnelFlags, RouteIpTunnel,
    RouteIpTunnelFlags, RouteLwEnCapType, RouteLwTunnelEncap, RouteMessage, RouteMetric, RouteMplsIpTunnel,
    RouteNextHop, RouteNextHopFlags, RouteRealm, RouteVia,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The table of routes that name none.
const MAIN: u32 = 254;
/// `RTAX_FEATURE_ECN`
const FEATURE_ECN: u32 = 1;
/// `ILA_ATTR_LOCATOR`
const ILA_LOCATOR: u16 = 1;

/// The request that installs `route`.
///
/// # Errors
/// The name of an interface that it needs and that is not there.
pub fn add(route: &Route, links: &Inventory) -> Result<Request, IfName> {
    let flags = match route.insertion {
        Insertion::Add => NLM_F_CREATE | NLM_F_EXCL,
        Insertion::Append => NLM_F_CREATE | NLM_F_APPEND,
        Insertion::Prepend => NLM_F_CREATE,
    };
    Ok(Request {
        message: RouteNetlinkMessage::NewRoute(message(route, links)?),
        flags,
    })
}

/// The request that removes `route`.
///
/// # Errors
/// As [`add`]: then it is gone with the interface.
pub fn delete(route: &Route, links: &Inventory) -> Result<Request, IfName> {
    let mut message = message(route, links)?;
    // What can change while it is there is not compared.
    message
        .attributes
        .retain(|attribute| !matches!(attribute, RouteAttribute::Expires(_)));
    Ok(Request {
        message: RouteNetlinkMessage::DelRoute(message),
        flags: 0,
    })
}

/// The request for all routes of the same family, table and protocol.
///
/// # Errors
/// As [`add`]: then it is gone with the interface.
pub fn question(route: &Route, links: &Inventory) -> Result<RouteNetlinkMessage, IfName> {
    let ours = message(route, links)?.header;
    let mut message = RouteMessage::default();
    message.header.address_family = ours.address_family;
    message.header.protocol = ours.protocol;
    message.attributes = vec![RouteAttribute::Table(table(route, links)?)];
    Ok(RouteNetlinkMessage::GetRoute(message))
}

/// Whether the kernel's message is about `route`: what the kernel adds by itself does not matter.
pub fn is(route: &Route, told: &RouteMessage, links: &Inventory) -> bool {
    let Ok(ours) = message(route, links) else {
        return false;
    };
    let same_header = ours.header.address_family == told.header.address_family
        && ours.header.destination_prefix_length == told.header.destination_prefix_length
        && ours.header.protocol == told.header.protocol
        && ours.header.tos == told.header.tos
        && ours.header.kind == told.header.kind;
    let names = |attribute: &&RouteAttribute| {
        matches!(
            attribute,
            RouteAttribute::Destination(_)
                | RouteAttribute::Table(_)
                | RouteAttribute::Gateway(_)
                | RouteAttribute::Oif(_)
                | RouteAttribute::Priority(_)
        )
    };
    let mut ours = ours.attributes.iter().filter(names);
    same_header && ours.all(|attribute| told.attributes.contains(attribute))
}

/// The table that `route` is in.
fn table(route: &Route, links: &Inventory) -> Result<u32, IfName> {
    match (&route.vrf, route.table) {
        (_, Some(table)) => Ok(table),
        (Some(vrf), None) => links.table_of(vrf).ok_or_else(|| vrf.clone()),
        (None, None) => Ok(MAIN),
    }
}

fn message(route: &Route, links: &Inventory) -> Result<RouteMessage, IfName> {
    let index = |name: &IfName| links.index_of(name).map(|i| i.0).ok_or_else(|| name.clone());
    let table = table(route, links)?;
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(route.family());
    header.destination_prefix_length = route.destination.prefix;
    header.tos = route.tos.unwrap_or(0);
    header.table = u8::try_from(table).unwrap_or(0);
    header.protocol = route.protocol.unwrap_or(PROTOCOL_KEEPALIVED).into();
    header.scope = route.scope.0.into();
    header.kind = route.kind.0.into();
    header.flags.set(RouteFlags::Onlink, route.onlink);
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(table));
    attributes.extend(prefix(&route.destination).map(RouteAttribute::Destination));
    if let Some(from) = &route.from {
        header.source_prefix_length = from.prefix;
        attributes.extend(prefix(from).map(RouteAttribute::Source));
    }
    let source = route.preferred_source.map(RouteAddress::from);
    attributes.extend(source.map(RouteAttribute::PrefSource));
    attributes.extend(route.gateway.map(|via| gateway(route.family(), via)));
    if let Some(name) = &route.interface {
        attributes.push(RouteAttribute::Oif(index(name)?));
    }
    attributes.extend(route.metric.map(RouteAttribute::Priority));
    attributes.extend(route.encap.as_ref().map(encapsulation).unwrap_or_default());
    attributes.extend(route.expires.map(RouteAttribute::Expires));
    let metrics = metrics(&route.metrics);
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    attributes.extend(route.realms.map(realms));
    attributes.extend(route.preference.map(|p| RouteAttribute::Preference(p.into())));
    let propagate = route.ttl_propagate.map(|on| u8::from(on).into());
    attributes.extend(propagate.map(RouteAttribute::TtlPropagate));
    if !route.nexthops.is_empty() {
        let mut ways = Vec::with_capacity(route.nexthops.len());
        for way in &route.nexthops {
            let at = way.interface.as_ref().map(index).transpose()?;
            ways.push(nexthop(route.family(), way, at.unwrap_or(0)));
        }
        attributes.push(RouteAttribute::MultiPath(ways));
    }
    Ok(message)
}

fn family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

/// Nothing for the prefix that is everything.
fn prefix(cidr: &Cidr) -> Option<RouteAddress> {
    (cidr.prefix > 0).then(|| cidr.addr.into())
}

/// The next router, which may be of another family than the route.
fn gateway(of: Family, via: IpAddr) -> RouteAttribute {
    if Family::of(&via) == of {
        RouteAttribute::Gateway(via.into())
    } else {
        RouteAttribute::Via(RouteVia::from(via))
    }
}

fn realms(Realms { source, destination }: Realms) -> RouteAttribute {
    RouteAttribute::Realm(RouteRealm {
        source: source.into(),
        destination: destination.into(),
    })
}

fn nexthop(of: Family, way: &NextHop, index: u32) -> RouteNextHop {
    let mut hop = RouteNextHop::default();
    hop.interface_index = index;
    hop.hops = u8::try_from(way.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    hop.flags.set(RouteNextHopFlags::Onlink, way.onlink);
    let attributes = &mut hop.attributes;
    attributes.extend(way.gateway.map(|via| gateway(of, via)));
    attributes.extend(way.encap.as_ref().map(encapsulation).unwrap_or_default());
    attributes.extend(way.realms.map(realms));
    hop
}

fn encapsulation(encap: &Encap) -> Vec<RouteAttribute> {
    let (kind, parts) = match encap {
        Encap::Ip(header) => (RouteLwEnCapType::Ip, tunnel4(header)),
        Encap::Ip6(header) => (RouteLwEnCapType::Ip6, tunnel6(header)),
        Encap::Mpls(labels) => {
            let bottom = labels.len().saturating_sub(1);
            let stack = labels.iter().enumerate().map(|(at, label)| MplsLabel {
                label: *label,
                traffic_class: 0,
                bottom_of_stack: at == bottom,
                ttl: 0,
            });
            let stack = RouteMplsIpTunnel::Destination(stack.collect());
            (RouteLwEnCapType::Mpls, vec![RouteLwTunnelEncap::Mpls(stack)])
        }
        Encap::Ila(locator) => {
            let locator = DefaultNla::new(ILA_LOCATOR, locator.to_be_bytes().to_vec());
            (RouteLwEnCapType::Ila, vec![RouteLwTunnelEncap::Other(locator)])
        }
    };
    vec![RouteAttribute::EncapType(kind), RouteAttribute::Encap(parts)]
}

fn tunnel4(header: &Tunnel<Ipv4Addr>) -> Vec<RouteLwTunnelEncap> {
    let Tunnel {
        id,
        destination,
        source,
        tos,
        ttl,
        flags,
    } = *header;
    let parts = [
        id.map(RouteIpTunnel::Id),
        destination.map(RouteIpTunnel::Destination),
        source.map(RouteIpTunnel::Source),
        tos.map(RouteIpTunnel::Tos),
        ttl.map(RouteIpTunnel::Ttl),
        flags.map(|bits| RouteIpTunnel::Flags(RouteIpTunnelFlags::from_bits_retain(bits))),
    ];
    parts.into_iter().flatten().map(RouteLwTunnelEncap::Ip).collect()
}

fn tunnel6(header: &Tunnel<Ipv6Addr>) -> Vec<RouteLwTunnelEncap> {
    let Tunnel {
        id,
        destination,
        source,
        tos,
        ttl,
        flags,
    } = *header;
    let parts = [
        id.map(RouteIp6Tunnel::Id),
        destination.map(RouteIp6Tunnel::Destination),
        source.map(RouteIp6Tunnel::Source),
        tos.map(RouteIp6Tunnel::Tc),
        ttl.map(RouteIp6Tunnel::Hoplimit),
        flags.map(|bits| RouteIp6Tunnel::Flags(RouteIp6TunnelFlags::from_bits_retain(bits))),
    ];
    parts.into_iter().flatten().map(RouteLwTunnelEncap::Ip6).collect()
}

/// Makes the attribute of a value.
type Metric = fn(u32) -> RouteMetric;

/// What the kernel keeps for the transport protocols, and which of it it may not change (`RTAX_LOCK`).
fn metrics(metrics: &RouteMetrics) -> Vec<RouteMetric> {
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
    let mut out = Vec::new();
    let mut locked = 0;
    // The numbers are those of `RTAX_*`, which are the bits of the lock.
    let lockable: [(u32, &Option<Lockable<u32>>, Metric); 8] = [
        (2, mtu, RouteMetric::Mtu),
        (4, rtt, RouteMetric::Rtt),
        (5, rttvar, RouteMetric::RttVar),
        (6, ssthresh, RouteMetric::SsThresh),
        (7, cwnd, RouteMetric::Cwnd),
        (8, advmss, RouteMetric::Advmss),
        (9, reordering, RouteMetric::Reordering),
        (13, rto_min, RouteMetric::RtoMin),
    ];
    for (number, value, metric) in lockable {
        if let Some(Lockable { value, locked: lock }) = value {
            out.push(metric(*value));
            locked |= u32::from(*lock) << number;
        }
    }
    if let Some(Lockable { value, locked: lock }) = congctl {
        out.push(RouteMetric::CcAlgo(value.clone()));
        locked |= u32::from(*lock) << 16;
    }
    out.extend(window.map(RouteMetric::Window));
    out.extend(hoplimit.map(|hops| RouteMetric::Hoplimit(hops.into())));
    out.extend(initcwnd.map(RouteMetric::InitCwnd));
    out.extend(initrwnd.map(RouteMetric::InitRwnd));
    out.extend(ecn.then_some(RouteMetric::Features(FEATURE_ECN)));
    out.extend(quickack.map(|on| RouteMetric::QuickAck(on.into())));
    out.extend(fastopen_no_cookie.map(|on| RouteMetric::FastopenNoCookie(on.into())));
    if locked != 0 {
        out.insert(0, RouteMetric::Lock(locked));
    }
    out
}

#[cfg(test)]
mod tests;
