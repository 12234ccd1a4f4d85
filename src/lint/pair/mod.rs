//! What the directors of a site do not agree in: who is who's peer, and what only one of them says.

mod address;
mod election;
mod group;
mod server;
mod wire;

use super::view::{Router, list};
use super::{Code, Finding, Node};
use crate::net::AddressSpec;
use std::collections::HashSet;
use std::net::IpAddr;

/// Everything between every two of `nodes`.
pub(super) fn look(nodes: &[&Node], found: &mut Vec<Finding>) {
    for (at, a) in nodes.iter().enumerate() {
        for b in nodes.iter().skip(at + 1) {
            let matched = matches(a, b);
            for (one, other) in &matched {
                wire::look(one, other, found);
                address::look(one, other, found);
                election::look(one, other, found);
            }
            interfaces(&matched, found);
            group::look(a, b, &matched, found);
            server::look(a, b, &matched, found);
            collisions(a, b, &matched, found);
            if matched.is_empty() {
                nothing_shared(a, b, found);
            }
        }
    }
    missing(nodes, found);
}

/// The routers that are one and the same on several directors, with the director's number.
pub(super) fn paired<'a>(nodes: &[&'a Node]) -> HashSet<(usize, &'a str)> {
    let teams = numbered(nodes).into_iter().filter(|team| team.len() > 1);
    teams.flatten().map(|(at, router)| (at, router.name())).collect()
}

/// The routers that are one and the same, those of one director alone included.
pub(super) fn teams<'a>(nodes: &[&'a Node]) -> Vec<Vec<Router<'a>>> {
    numbered(nodes)
        .into_iter()
        .map(|team| team.into_iter().map(|(_, router)| router).collect())
        .collect()
}

fn numbered<'a>(nodes: &[&'a Node]) -> Vec<Vec<(usize, Router<'a>)>> {
    let mut teams: Vec<Vec<(usize, Router<'a>)>> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let mut left = node.routers();
        for (before, earlier) in nodes.iter().enumerate().take(at) {
            for (one, other) in matches(earlier, node) {
                let Some(position) = left.iter().position(|router| router.name() == other.name()) else {
                    continue;
                };
                let team = teams.iter_mut().find(|team| {
                    let mut all = team.iter();
                    all.any(|(number, router)| *number == before && router.name() == one.name())
                });
                if let Some(team) = team
                    && team.iter().all(|(number, _)| *number != at)
                {
                    team.push((at, left.remove(position)));
                }
            }
        }
        teams.extend(left.into_iter().map(|router| vec![(at, router)]));
    }
    teams
}

/// Which router of `a` is which of `b`: by VRID and address, by address, by name, and last by VRID where no
/// addresses tell.
fn matches<'a>(a: &'a Node, b: &'a Node) -> Vec<(Router<'a>, Router<'a>)> {
    let mut left = a.routers();
    let mut theirs = b.routers();
    let mut out = Vec::new();
    let family = |one: &Router<'_>, other: &Router<'_>| one.does.family == other.does.family;
    let vrid = |one: &Router<'_>, other: &Router<'_>| one.does.vrid == other.does.vrid && family(one, other);
    let bare = |router: &Router<'_>| addresses(router).next().is_none();
    type Same<'f> = &'f dyn Fn(&Router<'_>, &Router<'_>) -> bool;
    let passes: [Same<'_>; 4] = [
        &|one, other| vrid(one, other) && overlap(one, other),
        &|one, other| family(one, other) && overlap(one, other),
        &|one, other| one.name() == other.name(),
        &|one, other| vrid(one, other) && (bare(one) || bare(other)),
    ];
    for same in passes {
        left.retain(|one| match theirs.iter().position(|other| same(one, other)) {
            Some(at) => {
                out.push((*one, theirs.remove(at)));
                false
            }
            None => true,
        });
    }
    out
}

/// All that a router holds.
fn addresses<'a>(router: &Router<'a>) -> impl Iterator<Item = &'a AddressSpec> + use<'a> {
    router.does.vips.iter().chain(&router.does.excluded)
}

fn overlap(one: &Router<'_>, other: &Router<'_>) -> bool {
    let theirs: HashSet<IpAddr> = addresses(other).map(|vip| vip.cidr.addr).collect();
    addresses(one).any(|vip| theirs.contains(&vip.cidr.addr))
}

/// Two files of one site that have nothing to do with each other.
fn nothing_shared(a: &Node, b: &Node, found: &mut Vec<Finding>) {
    let (ours, theirs) = (a.routers(), b.routers());
    let (Some(one), Some(other)) = (ours.first(), theirs.first()) else {
        return;
    };
    let message = format!(
        "{} and {} share no virtual router: neither VRID and address nor name is the same",
        a.name, b.name
    );
    found.push(
        Finding::new(Code::NothingShared, one.about(), one.place(), message)
            .label(format!("VRID {}", one.does.vrid))
            .effect("neither takes over what the other holds")
            .fix("compare the files of directors of one site")
            .also(other.place(), format!("VRID {}", other.does.vrid)),
    );
}

/// Routers of one director alone, where others share some.
fn missing(nodes: &[&Node], found: &mut Vec<Finding>) {
    let teams = numbered(nodes);
    let sharing: HashSet<usize> = teams
        .iter()
        .filter(|team| team.len() > 1)
        .flatten()
        .map(|(at, _)| *at)
        .collect();
    for team in teams {
        let [(at, router)] = team.as_slice() else {
            continue;
        };
        // One that is taken for another is said to be so.
        let taken = nodes
            .iter()
            .enumerate()
            .filter(|(other, _)| other != at)
            .any(|(_, node)| node.routers().iter().any(|other| collide(router, other)));
        if !sharing.contains(at) || taken {
            continue;
        }
        let others: Vec<&str> = nodes
            .iter()
            .enumerate()
            .filter(|(other, _)| other != at && sharing.contains(other))
            .map(|(_, node)| node.name.as_str())
            .collect();
        let message = format!(
            "{}: there is no such vrrp_instance in {}",
            router.name(),
            list(&others)
        );
        let held: Vec<String> = addresses(router).map(|vip| vip.cidr.to_string()).collect();
        let effect = if held.is_empty() {
            "nobody takes over when this director fails".to_owned()
        } else {
            format!("nobody takes over {} when this director fails", list(&held))
        };
        found.push(
            Finding::new(Code::InstanceMissing, router.about(), router.place(), message)
                .effect(effect)
                .fix(format!(
                    "add it there with virtual_router_id {}, the same addresses and another priority",
                    router.does.vrid
                )),
        );
    }
}

/// One VRID for two things on one segment.
fn collisions(a: &Node, b: &Node, matched: &[(Router<'_>, Router<'_>)], found: &mut Vec<Finding>) {
    for one in a.routers() {
        for other in b.routers() {
            let known = matched.iter().any(|(x, y)| {
                let (ours, theirs) = (x.name() == one.name(), y.name() == other.name());
                // Of one that has a peer of another VRID, `vrid-differs` tells already.
                (ours && theirs) || ((ours || theirs) && x.does.vrid != y.does.vrid)
            });
            if known || !collide(&one, &other) {
                continue;
            }
            let message = format!(
                "VRID {} on {} is {} here and {} in {}, with other addresses",
                one.does.vrid,
                one.does.interface,
                one.name(),
                other.name(),
                b.name
            );
            found.push(
                Finding::new(Code::VridCollision, one.about(), one.vrid_place(), message)
                    .label("here")
                    .effect("they take each other for one virtual router: the addresses of the one that is backup are held nowhere")
                    .fix("if they are one, give them the same addresses; otherwise give one of them a VRID of its own")
                    .also(other.vrid_place(), "there"),
            );
        }
    }
}

/// Whether two routers would hear each other.
fn collide(one: &Router<'_>, other: &Router<'_>) -> bool {
    one.does.vrid == other.does.vrid
        && one.does.family == other.does.family
        && one.does.interface == other.does.interface
        && is_multicast(one)
        && is_multicast(other)
}

fn is_multicast(router: &Router<'_>) -> bool {
    matches!(
        router.does.transport,
        crate::vrrp::config::Transport::Multicast { .. }
    )
}

/// The same names of interfaces, the other way round. That names differ may be because the hosts do.
fn interfaces(matched: &[(Router<'_>, Router<'_>)], found: &mut Vec<Finding>) {
    for (one, other) in matched {
        let (here, there) = (&one.does.interface, &other.does.interface);
        let crossed = here != there
            && matched
                .iter()
                .any(|(x, y)| x.does.interface == *there && y.does.interface == *here);
        if !crossed {
            continue;
        }
        let message = format!(
            "{}: it is on {here} here and on {there} in {}, and another one the other way round",
            one.name(),
            other.node.name
        );
        let place = |router: &Router<'_>| {
            let written = router.written.interface.as_ref();
            written.map_or_else(|| router.place().clone(), |interface| interface.place.clone())
        };
        found.push(
            Finding::new(Code::InterfacesSwapped, one.about(), &place(one), message)
                .label("here")
                .effect("if the interfaces are cabled alike, neither hears the other: both are master")
                .fix(format!("write interface {here} there, or {there} here"))
                .also(&place(other), "there"),
        );
    }
}
