//! What the directors of a site do not agree in: who is who's peer, and what only one of them says.

mod address;
mod election;
mod group;
mod server;
mod wire;

use super::view::{Router, list};
use super::{Code, Finding, Node};
use crate::net::{AddressSpec, Family, IfName};
use crate::vrrp::Vrid;
use crate::vrrp::config::Transport;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Everything between every two of `nodes`.
pub(super) fn look(nodes: &[&Node], found: &mut Vec<Finding>) {
    for (at, a) in nodes.iter().enumerate() {
        for b in nodes.iter().skip(at + 1) {
            let matched = matches(a, b);
            for (one, other) in &matched {
                wire::look(one, other, found);
                address::look(one, other, found);
                election::look(one, other, nodes.len() > 2, found);
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
    // The team of a director's router.
    let mut team_of: HashMap<(usize, &str), usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for (before, earlier) in nodes.iter().enumerate().take(at) {
            for (one, other) in matches(earlier, node) {
                let known = team_of.get(&(before, one.name())).copied();
                if team_of.contains_key(&(at, other.name())) {
                    continue;
                }
                if let Some(number) = known
                    && let Some(team) = teams.get_mut(number)
                    && team.iter().all(|(member, _)| *member != at)
                {
                    team.push((at, other));
                    team_of.insert((at, other.name()), number);
                }
            }
        }
        for router in node.routers() {
            team_of.entry((at, router.name())).or_insert_with(|| {
                teams.push(vec![(at, router)]);
                teams.len() - 1
            });
        }
    }
    teams
}

/// What two routers may have in common.
type Key<'a> = (Option<&'a str>, Option<Vrid>, Option<Family>, Option<IpAddr>);

/// The ways of being the same router, the surest first: name and VRID, VRID and address, address, name.
const PASSES: [for<'a> fn(&Router<'a>) -> Vec<Key<'a>>; 5] = [
    |router| {
        vec![(
            Some(router.name()),
            Some(router.does.vrid),
            Some(router.does.family),
            None,
        )]
    },
    |router| {
        let key = |vip: &AddressSpec| {
            (
                None,
                Some(router.does.vrid),
                Some(router.does.family),
                Some(vip.cidr.addr),
            )
        };
        addresses(router).map(key).collect()
    },
    |router| {
        let key = |vip: &AddressSpec| (None, None, Some(router.does.family), Some(vip.cidr.addr));
        addresses(router).map(key).collect()
    },
    |router| vec![(Some(router.name()), None, None, None)],
    |router| vec![(None, Some(router.does.vrid), Some(router.does.family), None)],
];

/// Which router of `a` is which of `b`.
fn matches<'a>(a: &'a Node, b: &'a Node) -> Vec<(Router<'a>, Router<'a>)> {
    let mut left = a.routers();
    let mut theirs: Vec<Option<Router<'a>>> = b.routers().into_iter().map(Some).collect();
    let mut out = Vec::new();
    for (number, keys) in PASSES.iter().enumerate() {
        let mut known: HashMap<Key<'_>, Vec<usize>> = HashMap::new();
        for (at, router) in theirs.iter().enumerate() {
            for key in router.iter().flat_map(keys) {
                known.entry(key).or_default().push(at);
            }
        }
        // A VRID alone tells only where there are no addresses.
        let weak = number + 1 == PASSES.len();
        left.retain(|one| {
            let keys = keys(one);
            let mut candidates = keys.iter().filter_map(|key| known.get(key)).flatten();
            let found = candidates.find_map(|at| {
                let slot = theirs.get_mut(*at)?;
                slot.take_if(|other| !weak || is_bare(one) || is_bare(other))
            });
            match found {
                Some(other) => {
                    out.push((*one, other));
                    false
                }
                None => true,
            }
        });
    }
    out
}

fn is_bare(router: &Router<'_>) -> bool {
    addresses(router).next().is_none()
}

/// All that a router holds.
fn addresses<'a>(router: &Router<'a>) -> impl Iterator<Item = &'a AddressSpec> + use<'a> {
    router.does.vips.iter().chain(&router.does.excluded)
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
    let ears: Vec<HashSet<Ear<'_>>> = nodes
        .iter()
        .map(|node| node.routers().iter().filter_map(hears).collect())
        .collect();
    let last: Vec<Option<Router<'_>>> = nodes.iter().map(|node| node.routers().pop()).collect();
    for team in teams {
        let [(at, router)] = team.as_slice() else {
            continue;
        };
        // One that is taken for another is said to be so.
        let taken = ears.iter().enumerate().any(|(other, ears)| {
            let heard = hears(router).is_some_and(|ear| ears.contains(&ear));
            other != *at && heard
        });
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
        let mut finding = Finding::new(Code::InstanceMissing, router.about(), router.place(), message)
            .effect(effect)
            .fix(format!(
                "add it there with virtual_router_id {}, the same addresses and another priority",
                router.does.vrid
            ));
        let elsewhere = last
            .iter()
            .enumerate()
            .filter(|(other, _)| other != at && sharing.contains(other));
        for router in elsewhere.filter_map(|(_, last)| last.as_ref()) {
            finding = finding.also(router.place(), "it could stand behind this block");
        }
        found.push(finding);
    }
}

/// One VRID for two things on one segment.
fn collisions(a: &Node, b: &Node, matched: &[(Router<'_>, Router<'_>)], found: &mut Vec<Finding>) {
    let mut heard: HashMap<Ear<'_>, Vec<Router<'_>>> = HashMap::new();
    for other in b.routers() {
        if let Some(ear) = hears(&other) {
            heard.entry(ear).or_default().push(other);
        }
    }
    let pairs: HashSet<(&str, &str)> = matched.iter().map(|(x, y)| (x.name(), y.name())).collect();
    // Of one that has a peer of another VRID, `vrid-differs` tells already.
    let differing = || matched.iter().filter(|(x, y)| x.does.vrid != y.does.vrid);
    let ours: HashSet<&str> = differing().map(|(x, _)| x.name()).collect();
    let theirs: HashSet<&str> = differing().map(|(_, y)| y.name()).collect();
    for one in a.routers() {
        let others = hears(&one).and_then(|ear| heard.get(&ear));
        for other in others.into_iter().flatten() {
            let told = ours.contains(one.name()) || theirs.contains(other.name());
            if !told && !pairs.contains(&(one.name(), other.name())) {
                found.push(collision(&one, other));
            }
        }
    }
}

fn collision(one: &Router<'_>, other: &Router<'_>) -> Finding {
    let message = format!(
        "VRID {} on {} is {} here and {} in {}, with other addresses",
        one.does.vrid,
        one.does.interface,
        one.name(),
        other.name(),
        other.node.name
    );
    Finding::new(Code::VridCollision, one.about(), one.vrid_place(), message)
        .label("here")
        .effect("they take each other for one virtual router: the addresses of the one that is backup are held nowhere")
        .fix("if they are one, give them the same addresses; otherwise give one of them a VRID of its own")
        .also(other.vrid_place(), "there")
}

/// Where a router hears adverts.
type Ear<'a> = (Vrid, Family, &'a IfName, IpAddr);

/// `None` for unicast, which only its peers send to.
fn hears<'a>(router: &Router<'a>) -> Option<Ear<'a>> {
    match &router.does.transport {
        Transport::Multicast { group } => Some((
            router.does.vrid,
            router.does.family,
            &router.does.interface,
            *group,
        )),
        Transport::Unicast { .. } => None,
    }
}

/// The same names of interfaces, the other way round. That names differ may be because the hosts do.
fn interfaces(matched: &[(Router<'_>, Router<'_>)], found: &mut Vec<Finding>) {
    let pairs: HashSet<(&IfName, &IfName)> = matched
        .iter()
        .map(|(x, y)| (&x.does.interface, &y.does.interface))
        .collect();
    for (one, other) in matched {
        let (here, there) = (&one.does.interface, &other.does.interface);
        if here == there || !pairs.contains(&(there, here)) {
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
