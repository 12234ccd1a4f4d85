//! The interfaces and addresses that the kernel has, as its messages tell it, and which addresses of them are ours.
//!
//! Pure. After a batch of changes (or a whole dump, when messages were lost) [`Inventory::take_news`] says what
//! differs from what was told before: whole interfaces, so that nobody has to add up changes.

use crate::net::{Cidr, IfIndex, IfName, InterfaceAddress, InterfaceStatus, LinkKind};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A change that the kernel told, or a part of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A link is there, in this state. The addresses of the value are not looked at.
    Link {
        /// The link.
        status: InterfaceStatus,
        /// Whether it forwards IPv6; `None` when the message does not say.
        forwards_v6: Option<bool>,
    },
    /// A link is gone.
    LinkGone(IfIndex),
    /// An address is there.
    Address {
        /// Where.
        interface: IfIndex,
        /// Which.
        address: InterfaceAddress,
    },
    /// An address is there, and on another host too, as detection has found: nobody may use it.
    Duplicate {
        /// Where.
        interface: IfIndex,
        /// Which.
        cidr: Cidr,
    },
    /// An address is gone.
    AddressGone {
        /// From where.
        interface: IfIndex,
        /// Which.
        cidr: Cidr,
    },
}

/// What differs from what was told before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// An interface is new or has changed.
    Interface {
        /// Its whole state.
        status: InterfaceStatus,
        /// Whether it forwards IPv6.
        forwards_v6: bool,
    },
    /// An interface is gone, or has another name or index now.
    InterfaceGone(IfName),
    /// An address that we hold was removed by somebody else, from an interface that is still there.
    AddressRemoved {
        /// From where.
        interface: IfName,
        /// Which.
        address: IpAddr,
    },
}

/// Links, their addresses, and the addresses of ours among them.
#[derive(Debug, Default)]
pub struct Inventory {
    links: BTreeMap<IfIndex, Link>,
    /// What the last [`Self::take_news`] left the reader with.
    told: BTreeMap<IfIndex, Link>,
    /// Links that may differ from `told`.
    changed: BTreeSet<IfIndex>,
    /// Links that went away since: one that is there again under its old index (back from another namespace) has
    /// lost what was bound to it all the same.
    gone: BTreeSet<IfIndex>,
    held: BTreeMap<(IfIndex, IpAddr), Sighting>,
}

/// Whether the kernel has told of an address of ours since we installed it: it tells of an IPv6 address later than it
/// answers the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sighting {
    NotYet,
    Seen,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    status: InterfaceStatus,
    forwards_v6: bool,
}

impl Inventory {
    /// Takes a change in.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Link { status, forwards_v6 } => self.link(status, forwards_v6),
            Change::LinkGone(index) => {
                self.links.remove(&index);
                self.changed.insert(index);
                self.gone.insert(index);
            }
            Change::Address { interface, address } => self.address(interface, address),
            Change::AddressGone { interface, cidr } | Change::Duplicate { interface, cidr } => {
                if let Some(link) = self.links.get_mut(&interface) {
                    link.status.addresses.retain(|a| a.cidr != cidr);
                    self.changed.insert(interface);
                }
            }
        }
    }

    /// Forgets what is known and takes a whole dump: links first, then addresses. What it lacks is not there.
    pub fn replace(&mut self, dump: impl IntoIterator<Item = Change>) {
        self.changed.extend(self.links.keys());
        self.links.clear();
        for change in dump {
            self.apply(change);
        }
        for sighting in self.held.values_mut() {
            *sighting = Sighting::Seen;
        }
    }

    /// Whether an address of ours seems to be gone from a link that is there. The message that it is there again may
    /// still be to come: take a dump before [`Self::take_news`] tells.
    pub fn suspects_removal(&self) -> bool {
        let there = |index: &IfIndex| self.links.contains_key(index);
        let mut changed = self.changed.iter().filter(|index| there(index));
        changed.any(|index| !self.missing(*index).is_empty())
    }

    /// The interfaces, by index.
    pub fn interfaces(&self) -> impl Iterator<Item = &InterfaceStatus> {
        self.links.values().map(|link| &link.status)
    }

    /// The index that the interface `name` has now.
    pub fn index_of(&self, name: &IfName) -> Option<IfIndex> {
        self.interfaces()
            .find(|status| status.name == *name)
            .map(|s| s.index)
    }

    /// The routing table of the VRF `name`.
    pub fn table_of(&self, name: &IfName) -> Option<u32> {
        let found = self.interfaces().find(|status| status.name == *name)?;
        match found.made.kind {
            LinkKind::Vrf { table } => Some(table),
            LinkKind::Other | LinkKind::Macvlan { .. } | LinkKind::Ipvlan { .. } => None,
        }
    }

    /// We installed `address`, or found it installed when we wanted to.
    pub fn hold(&mut self, interface: IfIndex, address: IpAddr) {
        let sighting = if self.has(interface, &address) {
            Sighting::Seen
        } else {
            Sighting::NotYet
        };
        self.held.insert((interface, address), sighting);
    }

    /// We are about to remove `address`: its absence is no news.
    pub fn release(&mut self, interface: IfIndex, address: IpAddr) {
        self.held.remove(&(interface, address));
    }

    /// What is ours.
    pub fn held(&self) -> impl Iterator<Item = (IfIndex, IpAddr)> {
        self.held.keys().copied()
    }

    /// What differs from what was told before: lost interfaces first, then the state of those that changed, then
    /// our addresses that somebody removed.
    pub fn take_news(&mut self) -> Vec<News> {
        let changed = std::mem::take(&mut self.changed);
        let left = std::mem::take(&mut self.gone);
        let mut gone = Vec::new();
        let mut fresh = Vec::new();
        let mut removed = Vec::new();
        for index in changed {
            let new = self.links.get(&index);
            let stayed = |old: &Link| {
                !left.contains(&index) && new.is_some_and(|new| new.status.name == old.status.name)
            };
            let old = self.told.get(&index);
            if let Some(old) = old.filter(|old| !stayed(old)) {
                gone.push(News::InterfaceGone(old.status.name.clone()));
            }
            // Who was told that it is gone has to be told everything.
            let old = old.filter(|old| stayed(old));
            if left.contains(&index) {
                self.held.retain(|(at, _), _| *at != index);
            }
            if let Some(new) = new
                && old != Some(new)
            {
                fresh.push(News::Interface {
                    status: new.status.clone(),
                    forwards_v6: new.forwards_v6,
                });
            }
            let new = new.cloned();
            let missing = self.missing(index);
            for address in &missing {
                self.held.remove(&(index, *address));
            }
            match &new {
                Some(new) => removed.extend(missing.into_iter().map(|address| News::AddressRemoved {
                    interface: new.status.name.clone(),
                    address,
                })),
                // The link took them along.
                None => self.held.retain(|(at, _), _| *at != index),
            }
            match new {
                Some(new) => self.told.insert(index, new),
                None => self.told.remove(&index),
            };
        }
        gone.extend(fresh);
        gone.extend(removed);
        gone
    }

    fn link(&mut self, mut status: InterfaceStatus, forwards_v6: Option<bool>) {
        let index = status.index;
        let known = self.links.get(&index);
        status.addresses = known.map_or_else(Vec::new, |link| link.status.addresses.clone());
        let forwards_v6 = forwards_v6
            .or_else(|| known.map(|link| link.forwards_v6))
            .unwrap_or(false);
        self.links.insert(index, Link { status, forwards_v6 });
        self.changed.insert(index);
    }

    fn address(&mut self, interface: IfIndex, address: InterfaceAddress) {
        // An address of an unknown link belongs to one that is gone already: its message is still to come.
        let Some(link) = self.links.get_mut(&interface) else {
            return;
        };
        let addresses = &mut link.status.addresses;
        match addresses.iter_mut().find(|known| known.cidr == address.cidr) {
            Some(known) => *known = address,
            None => addresses.push(address),
        }
        self.changed.insert(interface);
        if let Some(sighting) = self.held.get_mut(&(interface, address.cidr.addr)) {
            *sighting = Sighting::Seen;
        }
    }

    fn has(&self, index: IfIndex, address: &IpAddr) -> bool {
        let link = self.links.get(&index);
        link.is_some_and(|link| link.status.addresses.iter().any(|a| a.cidr.addr == *address))
    }

    /// Addresses of ours that were on the link and are not any more.
    fn missing(&self, index: IfIndex) -> Vec<IpAddr> {
        let ours = self.ours_on(index);
        let mut seen = ours
            .filter(|(_, sighting)| *sighting == Sighting::Seen)
            .peekable();
        if seen.peek().is_none() {
            return Vec::new();
        }
        let there = self.links.get(&index).into_iter();
        let there: BTreeSet<IpAddr> = there
            .flat_map(|link| link.status.addresses.iter().map(|a| a.cidr.addr))
            .collect();
        seen.map(|(address, _)| address)
            .filter(|address| !there.contains(address))
            .collect()
    }

    /// Addresses of ours that belong on the link.
    fn ours_on(&self, index: IfIndex) -> impl Iterator<Item = (IpAddr, Sighting)> {
        // The least of all addresses.
        let first = (index, IpAddr::from([0, 0, 0, 0]));
        let from = self.held.range(first..);
        from.take_while(move |((at, _), _)| *at == index)
            .map(|((_, address), sighting)| (*address, *sighting))
    }
}

#[cfg(test)]
mod tests;
