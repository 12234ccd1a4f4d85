//! Virtual addresses that are no good as such, or not on their interface.

use super::view::{Router, list};
use super::{Code, Finding, Node};
use crate::conf::config::{AddressLine, Spanned};
use crate::conf::diag::Place;
use crate::net::{AddressSpec, Cidr, Family, InterfaceStatus};
use crate::vrrp::config::Transport;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn look(node: &Node, alone: bool, found: &mut Vec<Finding>) {
    let here = may_be_for_this_host(node) && (alone || is_for_this_host(node));
    let routers = node.routers();
    let virtual_ones: HashSet<IpAddr> = routers
        .iter()
        .flat_map(|router| router.does.vips.iter().chain(&router.does.excluded))
        .map(|vip| vip.cidr.addr)
        .collect();
    for router in routers {
        own_address(&router, found);
        peer_address(&router, found);
        network_address(&router, found);
        if here {
            prefixes(&router, &virtual_ones, found);
        }
    }
}

/// All addresses of a router, as they were written.
fn lines<'a>(router: &Router<'a>) -> impl Iterator<Item = &'a Spanned<AddressLine>> + use<'a> {
    router.written.vips.iter().chain(&router.written.excluded)
}

/// Peers cannot answer to an address that they hold themselves. The owner may have it (RFC 5798), and multicast adverts
/// may come from it.
fn own_address(router: &Router<'_>, found: &mut Vec<Finding>) {
    let Some(source) = &router.written.source else {
        return;
    };
    if router.does.priority.is_owner() || matches!(router.does.transport, Transport::Multicast { .. }) {
        return;
    }
    let Some(vip) = lines(router).find(|vip| vip.value.cidr.addr == source.value) else {
        return;
    };
    let message = format!(
        "{}: {} is a virtual address and the source of adverts",
        router.name(),
        source.value
    );
    found.push(
        Finding::new(Code::VipIsOwnAddress, router.about(), &vip.place, message)
            .label("as virtual address")
            .effect("a peer that is master holds the address itself, so nothing it sends there arrives here: two masters")
            .fix("write an address as source that stays on this director")
            .also(&source.place, "as source"),
    );
}

fn peer_address(router: &Router<'_>, found: &mut Vec<Finding>) {
    for peer in &router.written.peers {
        let Some(vip) = lines(router).find(|vip| vip.value.cidr.addr == peer.value) else {
            continue;
        };
        let message = format!(
            "{}: {} is a virtual address and a peer",
            router.name(),
            peer.value
        );
        found.push(
            Finding::new(Code::VipIsPeerAddress, router.about(), &vip.place, message)
                .label("as virtual address")
                .effect(
                    "a master holds the address itself, so its adverts never reach that peer: two masters",
                )
                .fix("write the address in unicast_peer that stays on the other director")
                .also(&peer.place, "as peer"),
        );
    }
}

fn network_address(router: &Router<'_>, found: &mut Vec<Finding>) {
    for vip in lines(router) {
        let Cidr {
            addr: IpAddr::V4(address),
            prefix: prefix @ 1..=30,
        } = vip.value.cidr
        else {
            continue;
        };
        let hosts = u32::MAX >> prefix;
        let what = match address.to_bits() & hosts {
            0 => "the address of the network itself",
            bits if bits == hosts => "the broadcast address of its network",
            _ => continue,
        };
        let network = address.to_bits() & !hosts;
        let (first, last) = (network + 1, (network | hosts) - 1);
        let message = format!("{}: {} is {what}", router.name(), vip.value.cidr);
        found.push(
            Finding::new(Code::VipIsNetworkAddress, router.about(), &vip.place, message)
                .effect("hosts of the segment do not talk to it as to a host")
                .fix(format!(
                    "write an address from {} to {}, or /32 if it stands alone",
                    Ipv4Addr::from_bits(first),
                    Ipv4Addr::from_bits(last)
                )),
        );
    }
}

/// The file of another host says nothing of this one's interfaces: all that it names must be here.
fn may_be_for_this_host(node: &Node) -> bool {
    let interfaces = &node.host.interfaces;
    let holds = |address: IpAddr| {
        interfaces
            .iter()
            .flat_map(|found| &found.addresses)
            .any(|found| found.cidr.addr == address)
    };
    !interfaces.is_empty()
        && node.routers().iter().all(|router| {
            let interface = interfaces.iter().any(|found| found.name == router.does.interface);
            interface
                && router
                    .written
                    .source
                    .as_ref()
                    .is_none_or(|source| holds(source.value))
        })
}

/// Of the files of a site only one can be this host's: it has a source or an address that is here.
fn is_for_this_host(node: &Node) -> bool {
    let here = |address: IpAddr| {
        let mut all = node.host.interfaces.iter().flat_map(|found| &found.addresses);
        all.any(|found| found.cidr.addr == address)
    };
    node.routers().iter().any(|router| {
        let source = router.written.source.as_ref().map(|source| source.value);
        let vips = router.does.vips.iter().map(|vip| vip.cidr.addr);
        vips.chain(source).any(here)
    })
}

/// Addresses and the prefixes of their interface.
fn prefixes(router: &Router<'_>, virtual_ones: &HashSet<IpAddr>, found: &mut Vec<Finding>) {
    let mut outside: Vec<(Cidr, &InterfaceStatus)> = Vec::new();
    for spec in router.does.vips.iter().chain(&router.does.excluded) {
        let interfaces = &router.node.host.interfaces;
        let Some(interface) = interfaces.iter().find(|found| found.name == spec.interface) else {
            continue;
        };
        let link_local = matches!(spec.cidr.addr, IpAddr::V6(address) if address.is_unicast_link_local());
        if interface.loopback || interface.noarp || link_local {
            continue;
        }
        let own = own_prefixes(interface, spec, virtual_ones);
        if own.is_empty() {
            continue;
        }
        let matching: Vec<&Cidr> = own.iter().filter(|own| contains(own, spec.cidr.addr)).collect();
        if matching.is_empty() {
            outside.push((spec.cidr, interface));
        }
        if let Some(narrow) = matching.iter().min_by_key(|own| own.prefix)
            && spec.cidr.prefix < narrow.prefix
        {
            let message = format!(
                "{}: {} is wider than {} on {} of this host",
                router.name(),
                spec.cidr,
                network(narrow),
                interface.name
            );
            found.push(
                Finding::new(
                    Code::VipWiderThanInterface,
                    router.about(),
                    place_of(router, spec.cidr),
                    message,
                )
                .effect(format!(
                    "a master takes all of {} for neighbours and no longer reaches those behind a router",
                    network(&spec.cidr)
                ))
                .fix(format!("write {}/{}", spec.cidr.addr, narrow.prefix)),
            );
        }
    }
    let Some((first, interface)) = outside.first() else {
        return;
    };
    let family = |own: &&crate::net::InterfaceAddress| own.cidr.family() == first.family();
    let own = interface.addresses.iter().find(family);
    let own = own.map_or(*first, |own| network(&own.cidr));
    let all: Vec<String> = outside.iter().map(|(cidr, _)| cidr.to_string()).collect();
    let message = format!(
        "{}: no prefix of {} of this host has {}",
        router.name(),
        interface.name,
        list(&all)
    );
    found.push(
        Finding::new(Code::VipOutsidePrefix, router.about(), place_of(router, *first), message)
            .effect("while this director is backup it is in no network of the address, and hosts of the segment reach the address only by a route")
            .fix(format!("write an address of the segment, such as one of {own}, if its hosts shall use it")),
    );
}

/// The prefixes that an interface has by itself: virtual addresses that it holds now do not count.
fn own_prefixes(
    interface: &InterfaceStatus,
    spec: &AddressSpec,
    virtual_ones: &HashSet<IpAddr>,
) -> Vec<Cidr> {
    interface
        .addresses
        .iter()
        .map(|address| address.cidr)
        .filter(|cidr| cidr.family() == spec.cidr.family() && !virtual_ones.contains(&cidr.addr))
        .filter(|cidr| !matches!(cidr.addr, IpAddr::V6(address) if address.is_unicast_link_local()))
        .collect()
}

fn place_of<'a>(router: &Router<'a>, cidr: Cidr) -> &'a Place {
    lines(router)
        .find(|line| line.value.cidr == cidr)
        .map_or_else(|| router.vips_place(), |line| &line.place)
}

/// Whether the network of `cidr` has `address`.
fn contains(cidr: &Cidr, address: IpAddr) -> bool {
    Family::of(&address) == cidr.family() && masked(cidr.addr, cidr.prefix) == masked(address, cidr.prefix)
}

/// The network of `cidr`, as `192.0.2.0/24`.
fn network(cidr: &Cidr) -> Cidr {
    Cidr {
        addr: masked(cidr.addr, cidr.prefix),
        prefix: cidr.prefix,
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shr(prefix).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & !mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shr(prefix).unwrap_or(0);
            IpAddr::V6((address.to_bits() & !mask).into())
        }
    }
}
