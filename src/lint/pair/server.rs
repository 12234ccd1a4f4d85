//! Virtual servers that only one director has, or has otherwise.

use super::super::server::Service;
use super::super::view::{Router, list};
use super::super::{Code, Finding, Node};
use super::addresses;
use crate::check::config::Target;
use crate::ipvs::model::{ServerId, ServiceKey};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

pub(super) fn look(a: &Node, b: &Node, matched: &[(Router<'_>, Router<'_>)], found: &mut Vec<Finding>) {
    let (ours, theirs) = (a.services(), b.services());
    let by_key = |all: &[Service<'_>]| -> HashSet<ServerId> {
        all.iter().map(|service| service.does.target.id()).collect()
    };
    let (our_keys, their_keys) = (by_key(&ours), by_key(&theirs));
    let shared = !our_keys.is_disjoint(&their_keys);
    let moved: HashSet<IpAddr> = matched
        .iter()
        .flat_map(|(one, other)| addresses(one).chain(addresses(other)))
        .map(|vip| vip.cidr.addr)
        .collect();
    for (node, services, others) in [(b, &ours, &their_keys), (a, &theirs, &our_keys)] {
        let lost: Vec<&Service<'_>> = services
            .iter()
            .filter(|service| !others.contains(&service.does.target.id()))
            // An address that fails over, or other services that both have, show that it is meant for both.
            .filter(|service| shared || address(&service.does.target).is_some_and(|ip| moved.contains(&ip)))
            .collect();
        missing(node, &lost, found);
    }
    let theirs: HashMap<ServerId, &Service<'_>> = theirs
        .iter()
        .map(|service| (service.does.target.id(), service))
        .collect();
    for one in &ours {
        if let Some(other) = theirs.get(&one.does.target.id()) {
            differs(one, other, b, found);
        }
    }
}

const fn address(target: &Target) -> Option<IpAddr> {
    match target {
        Target::Service(ServiceKey::Address { address, .. }) => Some(address.ip()),
        Target::Service(ServiceKey::FwMark { .. }) | Target::Group(_) => None,
    }
}

fn missing(node: &Node, lost: &[&Service<'_>], found: &mut Vec<Finding>) {
    let Some((first, rest)) = lost.split_first() else {
        return;
    };
    let names: Vec<String> = lost
        .iter()
        .map(|service| service.does.target.to_string())
        .collect();
    let message = format!("{} has no virtual_server {}", node.name, list(&names));
    let mut finding = Finding::new(
        Code::VirtualServerMissing,
        first.about(),
        &first.written.name.place,
        message,
    )
    .effect("after a failover nobody serves it there")
    .fix("write the same virtual servers in both");
    let (servers, routers) = (node.services(), node.routers());
    let last = servers
        .last()
        .map(|service| &service.written.name.place)
        .or_else(|| routers.last().map(Router::place));
    if let Some(last) = last {
        finding = finding.also(last, "it could stand behind this block");
    }
    for service in rest.iter().take(3) {
        finding = finding.also(&service.written.name.place, "this one neither");
    }
    found.push(finding);
}

fn differs(one: &Service<'_>, other: &Service<'_>, node: &Node, found: &mut Vec<Finding>) {
    let (here, there) = (one.does, other.does);
    let mut facts = Vec::new();
    let mut note = |what: &str, here: String, there: String| {
        if here != there {
            facts.push(format!("{what} is {here} here and {there} there"));
        }
    };
    note("lvs_sched", here.scheduler.0.clone(), there.scheduler.0.clone());
    let quorum = |does: &crate::check::config::VirtualServerConfig| does.quorum.to_string();
    note("quorum", quorum(here), quorum(there));
    let persistence = |does: &crate::check::config::VirtualServerConfig| {
        let timeout = does.persistence.as_ref().map(|p| p.timeout.as_secs().to_string());
        timeout.unwrap_or_else(|| "none".to_owned())
    };
    note("persistence_timeout", persistence(here), persistence(there));
    let sorry = |does: &crate::check::config::VirtualServerConfig| {
        let server = does.sorry_server.as_ref().map(|sorry| sorry.address.to_string());
        server.unwrap_or_else(|| "none".to_owned())
    };
    note("the sorry server", sorry(here), sorry(there));
    for real in &here.real_servers {
        if let Some(theirs) = there
            .real_servers
            .iter()
            .find(|theirs| theirs.address == real.address)
        {
            let name = real.address;
            note(
                &format!("the weight of {name}"),
                real.weight.to_string(),
                theirs.weight.to_string(),
            );
            note(
                &format!("lvs_method of {name}"),
                real.forward.to_string(),
                theirs.forward.to_string(),
            );
        }
    }
    let only = |does: &crate::check::config::VirtualServerConfig,
                not: &crate::check::config::VirtualServerConfig| {
        let theirs: HashSet<SocketAddr> = not.real_servers.iter().map(|real| real.address).collect();
        let mut own: Vec<SocketAddr> = does.real_servers.iter().map(|real| real.address).collect();
        own.retain(|real| !theirs.contains(real));
        own
    };
    for (side, own) in [("here", only(here, there)), ("there", only(there, here))] {
        if !own.is_empty() {
            facts.push(format!("{} only {side}", list(&own)));
        }
    }
    if facts.is_empty() {
        return;
    }
    let message = format!("{}: not as in {}: {}", here.target, node.name, list(&facts));
    found.push(
        Finding::new(
            Code::VirtualServerDiffers,
            one.about(),
            &one.written.name.place,
            message,
        )
        .label("here")
        .effect("after a failover clients are served otherwise than before")
        .fix("write the same virtual_server in both")
        .also(&other.written.name.place, "there"),
    );
}
