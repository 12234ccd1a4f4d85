//! What the engine knows of the host: interfaces with their addresses, and what scripts and other trackers last said.
//!
//! Owns the choice of an advert's source address (facts 5.7, 1.31) and the lookup of announcement targets. Whole values
//! come in, nothing is computed ahead: what they mean for a router is asked anew after each change.

use super::announce::{Lane, Paced};
use super::config::{GarpConfig, GarpLimit, OwnLinkKind, RouterConfig, Tracked, TrackedObjects, VrrpConfig};
use super::event::AnnounceTarget;
use super::priority::Script;
use crate::net::{AddressSpec, Family, IfIndex, IfName, InterfaceAddress, InterfaceStatus, LinkKind};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Interfaces, and what trackers reported.
#[derive(Debug, Default)]
pub(super) struct World {
    interfaces: BTreeMap<IfName, InterfaceStatus>,
    by_index: BTreeMap<IfIndex, IfName>,
    /// The addresses of each interface that are no virtual ones.
    real: BTreeMap<IfName, Vec<InterfaceAddress>>,
    /// By name.
    pub(super) scripts: BTreeMap<String, Script>,
    /// The number in each tracked file.
    pub(super) files: BTreeMap<String, i32>,
    /// Whether each process has its quorum; one that cannot be watched is not here.
    pub(super) processes: BTreeMap<String, bool>,
    /// Whether each BFD session is up; sessions start down (fact 14.15).
    pub(super) sessions: BTreeMap<String, bool>,
    /// The virtual addresses of all routers, which are never a source (fact 1.31).
    virtuals: BTreeSet<(IfName, IpAddr)>,
    /// The interfaces of static entries whose `track_group` a router is in.
    statics: BTreeMap<String, BTreeSet<IfName>>,
    garp_groups: Vec<GarpLimit>,
    /// The place of an interface's group.
    garp_group_of: BTreeMap<IfName, usize>,
    /// The VMACs that this daemon made.
    vmacs: BTreeSet<IfName>,
}

impl World {
    /// Takes over what `config` says; scripts of the same name keep what they said.
    pub(super) fn configure(&mut self, config: &VrrpConfig, reload: bool) {
        let mut old = std::mem::take(&mut self.scripts);
        for tracker in &config.scripts {
            let script = match old.remove(&tracker.name) {
                Some(script) => script.retuned(tracker),
                None => Script::new(tracker, !reload),
            };
            self.scripts.insert(tracker.name.clone(), script);
        }
        // Those that come with `config` may have been reported before it.
        let of = |kind: fn(&TrackedObjects) -> &Vec<Tracked>| -> BTreeSet<&str> {
            let routers = config.routers.iter().map(|router| &router.objects);
            let all = routers.chain(config.groups.iter().map(|group| &group.objects));
            all.flat_map(kind).map(|tracked| tracked.name.as_str()).collect()
        };
        let (files, processes, sessions) = (of(|o| &o.files), of(|o| &o.processes), of(|o| &o.sessions));
        self.files.retain(|name, _| files.contains(name.as_str()));
        self.processes.retain(|name, _| processes.contains(name.as_str()));
        self.sessions.retain(|name, _| sessions.contains(name.as_str()));
        let statics = |name: &str| config.static_interfaces(name).cloned().collect();
        let routers = config.routers.iter();
        self.statics = routers.map(|r| (r.name.clone(), statics(&r.name))).collect();
        self.virtuals = config
            .routers
            .iter()
            .flat_map(addresses)
            .map(|a| (a.interface.clone(), a.cidr.addr))
            .collect();
        self.garp_groups.clone_from(&config.garp_groups);
        let groups = config.garp_groups.iter().enumerate();
        self.garp_group_of = groups
            .flat_map(|(at, group)| group.interfaces.iter().map(move |name| (name.clone(), at)))
            .collect();
        let vmacs = config
            .links
            .iter()
            .filter(|link| matches!(link.kind, OwnLinkKind::Vmac(_)));
        self.vmacs = vmacs.map(|link| link.name.clone()).collect();
        let interfaces = std::mem::take(&mut self.interfaces);
        for status in interfaces.into_values() {
            self.insert(status);
        }
    }

    /// The interfaces of static entries that take `router` with them (fact 2.21).
    pub(super) fn statics(&self, router: &str) -> impl Iterator<Item = &IfName> {
        self.statics.get(router).into_iter().flatten()
    }

    /// The interface of that name, if it exists.
    pub(super) fn interface(&self, name: &IfName) -> Option<&InterfaceStatus> {
        self.interfaces.get(name)
    }

    /// Notes `status` and returns what was known before.
    pub(super) fn insert(&mut self, status: InterfaceStatus) -> Option<InterfaceStatus> {
        // An index is never shared: a renamed interface is gone under its old name.
        if let Some(old) = self.by_index.insert(status.index, status.name.clone())
            && old != status.name
        {
            self.remove(&old);
            self.by_index.insert(status.index, status.name.clone());
        }
        let real = status
            .addresses
            .iter()
            .filter(|a| !self.virtuals.contains(&(status.name.clone(), a.cidr.addr)));
        self.real.insert(status.name.clone(), real.cloned().collect());
        let before = self.interfaces.insert(status.name.clone(), status);
        if let Some(before) = &before {
            let moved = self.interfaces.get(&before.name).map(|now| now.index) != Some(before.index);
            if moved && self.by_index.get(&before.index) == Some(&before.name) {
                self.by_index.remove(&before.index);
            }
        }
        before
    }

    /// Forgets the interface and returns what was known of it.
    pub(super) fn remove(&mut self, name: &IfName) -> Option<InterfaceStatus> {
        let gone = self.interfaces.remove(name)?;
        self.real.remove(name);
        self.by_index.remove(&gone.index);
        Some(gone)
    }

    /// Its addresses that are no virtual ones.
    pub(super) fn real(&self, name: &IfName) -> &[InterfaceAddress] {
        self.real.get(name).map_or(&[], Vec::as_slice)
    }

    /// The name of the interface with that index.
    pub(super) fn name(&self, index: IfIndex) -> Option<&IfName> {
        self.by_index.get(&index)
    }

    /// Whether the interface exists and is up and running.
    pub(super) fn is_up(&self, name: &IfName) -> bool {
        self.interface(name).is_some_and(|i| i.up)
    }

    /// The virtual addresses of `router` that its interfaces hold, as they are found there.
    pub(super) fn found(&self, router: &RouterConfig) -> Vec<AddressSpec> {
        let mut found = Vec::new();
        for wanted in addresses(router) {
            let there = self
                .interface(&wanted.interface)
                .into_iter()
                .flat_map(|i| &i.addresses);
            for present in there.filter(|a| a.cidr.addr == wanted.cidr.addr) {
                found.push(AddressSpec {
                    cidr: present.cidr,
                    ..wanted.clone()
                });
            }
        }
        found
    }

    /// Of what was `held` what is there and no router is to have.
    pub(super) fn strays<'a>(&self, held: impl Iterator<Item = &'a (IfName, IpAddr)>) -> Vec<AddressSpec> {
        let stray = held.filter(|held| !self.virtuals.contains(*held));
        let there = stray.flat_map(|(interface, address)| {
            let all = self.interface(interface).into_iter().flat_map(|i| &i.addresses);
            all.filter(move |present| present.cidr.addr == *address)
                .map(|present| AddressSpec::new(present.cidr, interface.clone()))
        });
        there.collect()
    }

    /// The source address of `router`'s adverts: the configured one; else `current` while the interface has it; else
    /// the first, or, when one was lost, the last that the interface has.
    pub(super) fn source(&self, router: &RouterConfig, current: Option<IpAddr>) -> Option<IpAddr> {
        if router.source.is_some() {
            return router.source;
        }
        let on = router.source_interface();
        let interface = self.interface(on)?;
        let usable = || {
            interface
                .addresses
                .iter()
                .filter(|a| !a.tentative && fit(router.family, &a.cidr.addr))
        };
        let real = self.real(on).iter();
        let real = real.filter(|a| !a.tentative && fit(router.family, &a.cidr.addr));
        let candidates: Vec<IpAddr> = real.map(|a| a.cidr.addr).collect();
        let chosen = match (router.family, current) {
            (_, Some(current)) if candidates.contains(&current) => Some(current),
            (Family::V4, Some(_)) => candidates.last().copied(),
            _ => candidates.first().copied(),
        };
        // The address owner is the one whose virtual address is its real one.
        let own = || usable().map(|a| a.cidr.addr).find(|_| router.priority.is_owner());
        chosen.or_else(own)
    }

    /// Whether an address that could be the source of `router`'s adverts is still under detection.
    pub(super) fn awaits_source(&self, router: &RouterConfig) -> bool {
        let on = router.source_interface();
        let mut real = self.real(on).iter();
        real.any(|a| a.tentative && fit(router.family, &a.cidr.addr))
    }

    /// The configured source address of `router`, if it has to be there: whether it is, `None` while it is under detection.
    pub(super) fn has_tracked_source(&self, router: &RouterConfig) -> Option<bool> {
        let Some(source) = router.source.filter(|_| router.election.track_src_ip) else {
            return Some(true);
        };
        let on = self.interface(router.source_interface());
        let mut addresses = on.into_iter().flat_map(|i| &i.addresses);
        match addresses.find(|a| a.cidr.addr == source) {
            Some(found) => (!found.tentative).then_some(true),
            None => Some(false),
        }
    }

    /// An announcement with the limit that it is under (fact 11.6).
    pub(super) fn paced(&self, interface: &IfName, address: IpAddr, garp: &GarpConfig) -> Option<Paced> {
        let target = self.target(interface, address)?;
        let base = self.base(interface).unwrap_or(interface);
        let group = [interface, base]
            .into_iter()
            .find_map(|name| self.garp_group_of.get(name));
        let limits = group.and_then(|at| self.garp_groups.get(*at));
        let (own, default) = match target.family() {
            Family::V4 => (limits.and_then(|limit| limit.garp_interval), garp.garp_interval),
            Family::V6 => (limits.and_then(|limit| limit.gna_interval), garp.gna_interval),
        };
        Some(Paced {
            lane: match (own, group) {
                (Some(_), Some(at)) => Lane::Group(*at),
                _ => Lane::Interface(self.index(base).unwrap_or(target.interface)),
            },
            interval: own.unwrap_or(default),
            target,
        })
    }

    /// What a macvlan or ipvlan is on. A VLAN has a queue of its own, and the other end of a veth is no base.
    fn base(&self, interface: &IfName) -> Option<&IfName> {
        let made = self.interface(interface)?.made;
        match made.kind {
            LinkKind::Macvlan { .. } | LinkKind::Ipvlan { .. } => self.name(made.parent?),
            LinkKind::Vrf { .. } | LinkKind::Other => None,
        }
    }

    /// Whether this daemon made it as a VMAC.
    pub(super) fn is_own_vmac(&self, interface: &IfName) -> bool {
        self.vmacs.contains(interface)
    }

    /// What has to be sent to announce `address`; `None` where nothing can or shall be (fact 11.7).
    pub(super) fn target(&self, interface: &IfName, address: IpAddr) -> Option<AnnounceTarget> {
        let status = self
            .interface(interface)
            .filter(|i| i.up && !i.noarp && !i.loopback)?;
        Some(AnnounceTarget {
            address,
            interface: status.index,
            mac: status.mac?,
            router_flag: false,
        })
    }

    /// The index of the interface of that name.
    pub(super) fn index(&self, name: &IfName) -> Option<IfIndex> {
        self.interface(name).map(|i| i.index)
    }
}

/// All addresses that `router` holds while MASTER, in the order of installation (fact 2.11).
pub(super) fn addresses(router: &RouterConfig) -> impl Iterator<Item = &AddressSpec> {
    router.vips.iter().chain(&router.excluded)
}

/// Adverts over IPv6 leave from a link-local address.
fn fit(family: Family, address: &IpAddr) -> bool {
    match (family, address) {
        (Family::V4, IpAddr::V4(_)) => true,
        (Family::V6, IpAddr::V6(a)) => a.is_unicast_link_local(),
        (Family::V4, IpAddr::V6(_)) | (Family::V6, IpAddr::V4(_)) => false,
    }
}
