//! `-a`: the log hears of every address that comes to this host or goes from it, but for those that are ours.

use crate::net::{IfIndex, IfName};
use crate::netlink::{Change, Inventory};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What the log is told, in keepalived's words.
#[derive(Debug, Default)]
pub(super) struct AddressLog {
    /// Whether it is told anything.
    wanted: bool,
    /// What we install ourselves: VRRP tells of that.
    ours: BTreeSet<(IfIndex, IpAddr)>,
}

/// Addresses, with the names of their interfaces.
type Addresses = BTreeSet<(IfIndex, IfName, IpAddr)>;

impl AddressLog {
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            ours: BTreeSet::new(),
        }
    }

    /// From now on this is one of ours.
    pub(super) fn is_ours(&mut self, interface: IfIndex, address: IpAddr) {
        if self.wanted {
            self.ours.insert((interface, address));
        }
    }

    /// Tells of a change that `inventory` is about to take in.
    pub(super) fn change(&self, inventory: &Inventory, change: &Change) {
        if let Some(line) = self.line(inventory, change) {
            tracing::info!(target: "vrrp", "{line}");
        }
    }

    /// Takes in a whole dump, and tells what is different after it.
    pub(super) fn replace(&self, inventory: &mut Inventory, dump: impl IntoIterator<Item = Change>) {
        if !self.wanted {
            return inventory.replace(dump);
        }
        let before = self.there(inventory);
        inventory.replace(dump);
        let after = self.there(inventory);
        for (_, name, address) in before.difference(&after) {
            tracing::info!(target: "vrrp", "{}", removed(*address, name));
        }
        for (_, name, address) in after.difference(&before) {
            tracing::info!(target: "vrrp", "{}", added(*address, name));
        }
    }

    fn line(&self, inventory: &Inventory, change: &Change) -> Option<String> {
        if !self.wanted {
            return None;
        }
        let (index, address, comes) = match change {
            Change::Address { interface, address } => (*interface, address.cidr.addr, true),
            Change::AddressGone { interface, cidr } | Change::Duplicate { interface, cidr } => {
                (*interface, cidr.addr, false)
            }
            Change::Link { .. } | Change::LinkGone(_) => return None,
        };
        let link = inventory.interfaces().find(|status| status.index == index)?;
        let there = link.addresses.iter().any(|known| known.cidr.addr == address);
        // What only changes (the end of duplicate address detection) neither comes nor goes.
        if there == comes || self.ours.contains(&(index, address)) {
            return None;
        }
        Some(if comes {
            added(address, &link.name)
        } else {
            removed(address, &link.name)
        })
    }

    fn there(&self, inventory: &Inventory) -> Addresses {
        inventory
            .interfaces()
            .flat_map(|status| {
                let on = |address: IpAddr| (status.index, status.name.clone(), address);
                status.addresses.iter().map(move |known| on(known.cidr.addr))
            })
            .filter(|(index, _, address)| !self.ours.contains(&(*index, *address)))
            .collect()
    }
}

fn added(address: IpAddr, interface: &IfName) -> String {
    format!("Netlink reflector reports IP {address} added to {interface}")
}

fn removed(address: IpAddr, interface: &IfName) -> String {
    format!("Netlink reflector reports IP {address} removed from {interface}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Cidr, InterfaceAddress, InterfaceStatus};

    fn cidr(text: &str) -> Cidr {
        Cidr::new(text.parse().unwrap(), 24).unwrap()
    }

    fn comes(text: &str, tentative: bool) -> Change {
        Change::Address {
            interface: IfIndex(2),
            address: InterfaceAddress {
                cidr: cidr(text),
                tentative,
            },
        }
    }

    fn goes(text: &str) -> Change {
        Change::AddressGone {
            interface: IfIndex(2),
            cidr: cidr(text),
        }
    }

    fn link() -> Inventory {
        let mut inventory = Inventory::default();
        let status = InterfaceStatus {
            name: IfName::new("eth0").unwrap(),
            index: IfIndex(2),
            mac: None,
            mtu: 1500,
            up: true,
            multicast: true,
            noarp: false,
            loopback: false,
            addresses: Vec::new(),
            made: crate::net::LinkTraits::default(),
        };
        inventory.apply(Change::Link {
            status,
            forwards_v6: None,
        });
        inventory
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let log = AddressLog::new(true);
        let mut inventory = link();
        let mut tell = |change: Change| {
            let line = log.line(&inventory, &change);
            inventory.apply(change);
            line
        };
        let added = "Netlink reflector reports IP fe80::1 added to eth0";
        assert_eq!(tell(comes("fe80::1", true)).as_deref(), Some(added));
        assert_eq!(tell(comes("fe80::1", false)), None);
        let removed = "Netlink reflector reports IP fe80::1 removed from eth0";
        assert_eq!(tell(goes("fe80::1")).as_deref(), Some(removed));
        assert_eq!(tell(goes("fe80::1")), None);
    }

    #[test]
    fn ours_are_not_told_and_nothing_is_unless_it_is_wanted() {
        let mut log = AddressLog::new(true);
        log.is_ours(IfIndex(2), "192.0.2.9".parse().unwrap());
        assert_eq!(log.line(&link(), &comes("192.0.2.9", false)), None);
        assert!(log.line(&link(), &comes("192.0.2.8", false)).is_some());
        assert_eq!(
            AddressLog::new(false).line(&link(), &comes("192.0.2.8", false)),
            None
        );
    }
}
