//! The addresses that only one of two directors holds, or holds otherwise.

use super::super::view::{Router, list};
use super::super::{Code, Finding};
use super::addresses;
use crate::conf::diag::Place;
use crate::net::{AddressSpec, Cidr};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

pub(super) fn look(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    if one.does.family != other.does.family {
        return;
    }
    sets(one, other, found);
    prefixes(one, other, found);
    peers(one, other, found);
    peers(other, one, found);
}

/// The place of an address as it was written.
fn place<'a>(router: &Router<'a>, cidr: Cidr) -> &'a Place {
    let mut lines = router.written.vips.iter().chain(&router.written.excluded);
    lines
        .find(|line| line.value.cidr == cidr)
        .map_or_else(|| router.vips_place(), |line| &line.place)
}

/// What `one` holds and `other` does not.
fn only<'a>(one: &Router<'a>, other: &Router<'_>) -> Vec<&'a AddressSpec> {
    let theirs = by_address(other);
    addresses(one)
        .filter(|vip| !theirs.contains_key(&vip.cidr.addr))
        .collect()
}

fn by_address<'a>(router: &Router<'a>) -> HashMap<IpAddr, &'a AddressSpec> {
    addresses(router).map(|vip| (vip.cidr.addr, vip)).collect()
}

fn words(vips: &[&AddressSpec]) -> String {
    let all: Vec<String> = vips.iter().map(|vip| vip.cidr.to_string()).collect();
    list(&all)
}

fn sets(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    let (here, there) = (only(one, other), only(other, one));
    let peer = &other.node.name;
    if here.is_empty() && there.is_empty() {
        kinds(one, other, found);
        return;
    }
    let first = here
        .first()
        .map_or_else(|| one.vips_place(), |vip| place(one, vip.cidr));
    let mut parts = Vec::new();
    if !here.is_empty() {
        parts.push(format!("{} only here", words(&here)));
    }
    if !there.is_empty() {
        parts.push(format!("{} only in {peer}", words(&there)));
    }
    let message = format!("{}: of the addresses, {}", one.name(), parts.join(" and "));
    let second = there
        .first()
        .map_or_else(|| other.vips_place(), |vip| place(other, vip.cidr));
    found.push(
        Finding::new(Code::VipsDiffer, one.about(), first, message)
            .label(if here.is_empty() { "the addresses here" } else { "only here" })
            .effect(
                "after a failover nobody holds them; keepalived before 2.3.3 discards the adverts too, so both are \
                 master",
            )
            .fix("write the same addresses in both, in the same order")
            .also(second, if there.is_empty() { "the addresses there" } else { "only there" }),
    );
}

/// An address in adverts on one side, and outside on the other.
fn kinds(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    let advertised = |router: &Router<'_>| -> HashSet<IpAddr> {
        router.does.vips.iter().map(|vip| vip.cidr.addr).collect()
    };
    let (ours, theirs) = (advertised(one), advertised(other));
    let moved = addresses(one).find(|vip| ours.contains(&vip.cidr.addr) != theirs.contains(&vip.cidr.addr));
    let Some(vip) = moved else {
        return;
    };
    let word = |advertised: &HashSet<IpAddr>| {
        if advertised.contains(&vip.cidr.addr) {
            "virtual_ipaddress"
        } else {
            "virtual_ipaddress_excluded"
        }
    };
    let message = format!(
        "{}: {} is in {} here and in {} in {}",
        one.name(),
        vip.cidr.addr,
        word(&ours),
        word(&theirs),
        other.node.name
    );
    let theirs = addresses(other).find(|theirs| theirs.cidr.addr == vip.cidr.addr);
    let theirs = theirs.map_or_else(|| other.vips_place(), |vip| place(other, vip.cidr));
    found.push(
        Finding::new(Code::VipsDiffer, one.about(), place(one, vip.cidr), message)
            .label("here")
            .effect(
                "the address lists of their adverts differ: steadfast warns, keepalived before 2.3.3 discards them, \
                 so both are master",
            )
            .fix("write it in the same block in both")
            .also(theirs, "there"),
    );
}

/// One address with two prefix lengths.
fn prefixes(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    let all = by_address(other);
    for vip in addresses(one) {
        let theirs = all.get(&vip.cidr.addr);
        let Some(theirs) = theirs.filter(|theirs| theirs.cidr.prefix != vip.cidr.prefix) else {
            continue;
        };
        let message = format!(
            "{}: {} has prefix length {} here and {} in {}",
            one.name(),
            vip.cidr.addr,
            vip.cidr.prefix,
            theirs.cidr.prefix,
            other.node.name
        );
        found.push(
            Finding::new(Code::VipPrefixDiffers, one.about(), place(one, vip.cidr), message)
                .label(format!("/{}", vip.cidr.prefix))
                .effect("what the master takes for its neighbours changes with the master")
                .fix(format!(
                    "write {}/{} in both, the prefix length of the segment",
                    vip.cidr.addr,
                    // A host's prefix is mostly one that was forgotten.
                    vip.cidr.prefix.min(theirs.cidr.prefix)
                ))
                .also(place(other, theirs.cidr), format!("/{}", theirs.cidr.prefix)),
        );
    }
}

/// A virtual address of `one` that is the other director's own. The owner may have it (RFC 5798).
fn peers(one: &Router<'_>, other: &Router<'_>, found: &mut Vec<Finding>) {
    let Some(source) = other.does.source.filter(|_| !other.does.priority.is_owner()) else {
        return;
    };
    let listed = one.written.peers.iter().any(|peer| peer.value == source);
    let Some(vip) = addresses(one).find(|vip| vip.cidr.addr == source && !listed) else {
        return;
    };
    let message = format!(
        "{}: the virtual address {source} is the source of adverts in {}",
        one.name(),
        other.node.name
    );
    found.push(
        Finding::new(Code::VipIsPeerAddress, one.about(), place(one, vip.cidr), message)
            .label("as virtual address")
            .effect("while this director is master both have the address")
            .fix("write an address as source there that stays on that director")
            .also(other.source_place(), "as source"),
    );
}
