//! The interfaces and addresses that the kernel has, as its messages tell it, and which addresses of them are ours.
//!
//! Pure. After a batch of changes (or a whole dump, when messages were lost) [`Inventory::take_news`] says what
//! differs from what was told before: whole interfaces, so that nobody has to add up changes.

use crate::net::{Cidr, IfIndex, IfName, InterfaceAddress, InterfaceStatus};
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
    held: BTreeSet<(IfIndex, IpAddr)>,
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
            }
            Change::Address { interface, address } => self.address(interface, address),
            Change::AddressGone { interface, cidr } => {
                if let Some(link) = self.links.get_mut(&interface) {
                    link.status.addresses.retain(|a| a.cidr != cidr);
                    self.changed.insert(interface);
                }
            }
        }
    }

    /// Forgets what is known and takes a whole dump: links first, then addresses.
    pub fn replace(&mut self, dump: impl IntoIterator<Item = Change>) {
        self.changed.extend(self.links.keys());
        self.links.clear();
        for change in dump {
            self.apply(change);
        }
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

    /// We installed `address`, or found it installed when we wanted to.
    ///
    /// The kernel's own message about it may come later; take in all messages that wait before asking for news.
    pub fn hold(&mut self, interface: IfIndex, address: IpAddr) {
        self.held.insert((interface, address));
    }

    /// We are about to remove `address`: its absence is no news.
    pub fn release(&mut self, interface: IfIndex, address: IpAddr) {
        self.held.remove(&(interface, address));
    }

    /// What is ours, with the name of the interface where it still has one.
    pub fn held(&self) -> impl Iterator<Item = (IfIndex, IpAddr)> {
        self.held.iter().copied()
    }

    /// What differs from what was told before: lost interfaces first, then the state of those that changed, then
    /// our addresses that somebody removed.
    pub fn take_news(&mut self) -> Vec<News> {
        let changed = std::mem::take(&mut self.changed);
        let mut gone = Vec::new();
        let mut fresh = Vec::new();
        let mut removed = Vec::new();
        for index in changed {
            let (old, new) = (self.told.get(&index), self.links.get(&index));
            let renamed = |old: &Link| new.is_none_or(|new| new.status.name != old.status.name);
            if let Some(old) = old.filter(|old| renamed(old)) {
                gone.push(News::InterfaceGone(old.status.name.clone()));
            }
            if let Some(new) = new
                && old != Some(new)
            {
                fresh.push(News::Interface {
                    status: new.status.clone(),
                    forwards_v6: new.forwards_v6,
                });
            }
            removed.extend(lost(&mut self.held, index, new));
            match new.cloned() {
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
    }
}

/// Takes out of `held` what `link` does not have any more; tells of it only if the link is still there.
fn lost(held: &mut BTreeSet<(IfIndex, IpAddr)>, index: IfIndex, link: Option<&Link>) -> Vec<News> {
    let has = |address: &IpAddr| {
        link.is_some_and(|link| link.status.addresses.iter().any(|a| a.cidr.addr == *address))
    };
    let missing: Vec<IpAddr> = held
        .iter()
        .filter(|(at, address)| *at == index && !has(address))
        .map(|(_, address)| *address)
        .collect();
    for address in &missing {
        held.remove(&(index, *address));
    }
    let name = link.map(|link| link.status.name.clone());
    let told = name.map(|interface| {
        let removed = missing.into_iter().map(move |address| News::AddressRemoved {
            interface: interface.clone(),
            address,
        });
        removed.collect()
    });
    told.unwrap_or_default()
}

#[cfg(test)]
mod tests;
