//! The links of our own, VMACs and ipvlans: made, taken over, put right, made again and removed (facts 9).
//!
//! A link that somebody removes is made again as soon as the interface below it is there; the routers on it are in FAULT
//! meanwhile. What the kernel refuses is said once and tried again when something changes.

use crate::net::{Family, IfIndex, IfName, InterfaceStatus, LinkKind, Mac};
use crate::netfilter::Vmac;
use crate::netlink::link::{self, NewKind};
use crate::netlink::sysctl::Sysctls;
use crate::netlink::{Inventory, Requests};
use crate::vrrp::config::{LinkConfig, LinkLocal, OwnLinkKind};
use nix::net::if_::if_nametoindex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv6Addr};

/// The owner of settings that all VMACs need.
const ALL: &str = "all";
/// What new interfaces get.
const DEFAULT: &str = "default";

/// The links that are wanted, and those that there are.
#[derive(Debug, Default)]
pub(super) struct Links {
    wanted: Vec<LinkConfig>,
    /// The addresses of routers: none of them is a parent's own.
    virtuals: BTreeSet<(IfName, IpAddr)>,
    /// Set up by us: as what, and under which index.
    made: BTreeMap<IfName, (LinkConfig, IfIndex)>,
    sysctls: Sysctls,
    /// A refusal was said.
    complained: BTreeSet<IfName>,
}

/// What is there under a link's name.
enum Found {
    Nothing,
    /// The link itself, maybe with another MAC.
    Itself(IfIndex),
    /// One of the kind, but on another interface or in another mode.
    Misplaced(IfIndex),
    /// Something else.
    Foreign,
}

impl Links {
    /// A new configuration is coming: what it needs is made, and nothing that the running one needs is lost. A link that
    /// becomes another one under its name has to wait for [`Self::settle`].
    pub(super) fn expect(&mut self, new: &[LinkConfig], virtuals: &BTreeSet<(IfName, IpAddr)>) {
        self.virtuals.extend(virtuals.iter().cloned());
        for link in new {
            match self.wanted.iter_mut().find(|old| old.name == link.name) {
                Some(old) if old.becomes(link) => *old = link.clone(),
                Some(_) => {}
                None => self.wanted.push(link.clone()),
            }
        }
    }

    /// The configuration runs: what only the former one needed goes.
    pub(super) fn settle(
        &mut self,
        netlink: &mut Requests,
        new: &[LinkConfig],
        virtuals: &BTreeSet<(IfName, IpAddr)>,
    ) {
        self.virtuals.clone_from(virtuals);
        let gone: Vec<IfName> = self
            .made
            .iter()
            .filter(|(name, (made, _))| !new.iter().any(|link| link.name == **name && made.becomes(link)))
            .map(|(name, _)| name.clone())
            .collect();
        self.wanted = new.to_vec();
        for name in gone {
            self.remove(netlink, &name);
        }
        self.restore_unused();
    }

    /// Makes or puts right every wanted link whose parent is there. Whether anything was done.
    pub(super) fn mind(&mut self, netlink: &mut Requests, inventory: &Inventory) -> bool {
        let mut done = false;
        for link in self.wanted.clone() {
            let Some(parent) = find(inventory, &link.parent).cloned() else {
                continue;
            };
            match self.see_to(netlink, inventory, &link, &parent) {
                Ok(changed) => {
                    done |= changed;
                    self.complained.remove(&link.name);
                }
                Err(error) => {
                    if self.complained.insert(link.name.clone()) {
                        let what = describe(&link);
                        tracing::error!(
                            target: "vrrp",
                            "({}): Unable to create {what} interface {}: {error}", link.router, link.name,
                        );
                    }
                }
            }
        }
        done
    }

    /// Removes all that was made, and restores what was set for it.
    pub(super) fn remove_all(&mut self, netlink: &mut Requests) {
        self.wanted.clear();
        let names: Vec<IfName> = self.made.keys().cloned().collect();
        for name in names {
            self.remove(netlink, &name);
        }
        self.restore_unused();
    }

    /// The virtual MACs that there are, for the packet filter.
    pub(super) fn vmacs(&self, inventory: &Inventory) -> BTreeSet<Vmac> {
        let vmac = |(link, index): &(LinkConfig, IfIndex)| {
            let parent = find(inventory, &link.parent)?;
            matches!(link.kind, OwnLinkKind::Vmac(_)).then_some(Vmac {
                index: *index,
                parent: parent.index,
                v4: link.carries(Family::V4),
                v6: link.carries(Family::V6),
                parent_link_local: link_local_of(parent, &self.virtuals),
            })
        };
        self.made.values().filter_map(vmac).collect()
    }

    fn see_to(
        &mut self,
        netlink: &mut Requests,
        inventory: &Inventory,
        link: &LinkConfig,
        parent: &InterfaceStatus,
    ) -> io::Result<bool> {
        let there = find(inventory, &link.name);
        let index = match look(link, there, parent.index) {
            Found::Itself(index) if self.made.get(&link.name) == Some(&(link.clone(), index)) => {
                let mac_is_right = match link.kind {
                    OwnLinkKind::Vmac(mac) => there.and_then(|there| there.mac) == Some(mac),
                    OwnLinkKind::Ipvlan { .. } => true,
                };
                if mac_is_right {
                    return Ok(false);
                }
                index
            }
            Found::Itself(index) => {
                tracing::info!(
                    target: "vrrp",
                    "({}): using the {} interface {} that is there", link.router, describe(link), link.name,
                );
                index
            }
            Found::Misplaced(index) => {
                netlink.delete_link(link::about(index))?;
                create(netlink, inventory, link, parent)?
            }
            Found::Nothing => create(netlink, inventory, link, parent)?,
            Found::Foreign => return Err(io::Error::other("there is another interface of that name")),
        };
        self.set_up(netlink, link, index, parent)?;
        self.made.insert(link.name.clone(), (link.clone(), index));
        Ok(true)
    }

    /// Settings, addresses, and up: the same for a new link and for one that was there.
    fn set_up(
        &mut self,
        netlink: &mut Requests,
        link: &LinkConfig,
        index: IfIndex,
        parent: &InterfaceStatus,
    ) -> io::Result<()> {
        if let OwnLinkKind::Vmac(mac) = link.kind {
            netlink.set_link(link::set_mac(index, mac))?;
            // A kernel without IPv6 has nothing to generate.
            let _ = netlink.set_link(link::no_generated_address(index));
        }
        netlink.set_link(link::set_group(index, link.group.unwrap_or(parent.made.group)))?;
        self.configure(link, parent)?;
        netlink.set_link(link::up(index))?;
        let wanted = link.link_local;
        if let Some(address) = wanted.and_then(|wanted| link_local(wanted, parent, &self.virtuals)) {
            netlink.add_address(link::link_local(index, address))?;
        }
        if let OwnLinkKind::Ipvlan {
            address: Some(address),
            ..
        } = &link.kind
        {
            netlink.add_address(link::own_address(index, address))?;
        }
        if link.notify_parent {
            netlink.set_link(link::set_group(parent.index, parent.made.group))?;
        }
        Ok(())
    }

    /// Facts 9.5, 9.6.
    fn configure(&mut self, link: &LinkConfig, parent: &InterfaceStatus) -> io::Result<()> {
        let disable = i64::from(!link.carries(Family::V6));
        self.sysctls
            .set(&format!("ipv6/conf/{}/disable_ipv6", link.name), disable)?;
        if link.family != Family::V4 {
            return Ok(());
        }
        self.loosen_rp_filter()?;
        for (setting, value) in [
            ("arp_ignore", 1),
            ("accept_local", 1),
            ("rp_filter", 0),
            ("promote_secondaries", 1),
        ] {
            self.sysctls
                .set(&format!("ipv4/conf/{}/{setting}", link.name), value)?;
        }
        for setting in ["arp_ignore", "arp_filter"] {
            let setting = format!("ipv4/conf/{}/{setting}", parent.name);
            if self.sysctls.get(&setting) == Some(0) {
                self.sysctls.borrow(parent.name.as_str(), &setting, 1)?;
            }
        }
        Ok(())
    }

    /// The kernel takes the stricter of an interface's `rp_filter` and that of all: that of all is given to each, so that
    /// VMACs can do without.
    fn loosen_rp_filter(&mut self) -> io::Result<()> {
        let Some(strictness) = self.sysctls.get(&rp_filter(ALL)).filter(|value| *value > 0) else {
            return Ok(());
        };
        let ours: BTreeSet<&str> = self.wanted.iter().map(|link| link.name.as_str()).collect();
        for name in self.sysctls.interfaces() {
            let setting = rp_filter(&name);
            let lower = self.sysctls.get(&setting).is_some_and(|value| value < strictness);
            if name != ALL && !ours.contains(name.as_str()) && lower {
                let before = self.sysctls.borrow(ALL, &setting, strictness)?;
                if name == DEFAULT {
                    tell_set(&setting, before, strictness);
                }
            }
        }
        let before = self.sysctls.borrow(ALL, &rp_filter(ALL), 0)?;
        tell_set(&rp_filter(ALL), before, 0);
        Ok(())
    }

    /// What was set for links that are no more is as before.
    fn restore_unused(&mut self) {
        let used: BTreeSet<&IfName> = self
            .made
            .values()
            .filter(|(link, _)| link.family == Family::V4)
            .map(|(link, _)| &link.parent)
            .collect();
        let mut unused: Vec<String> = self
            .sysctls
            .owners()
            .filter(|owner| *owner != ALL && !used.iter().any(|parent| parent.as_str() == *owner))
            .map(str::to_owned)
            .collect();
        if used.is_empty() {
            unused.push(ALL.to_owned());
        }
        for owner in unused {
            for (setting, value) in self.sysctls.restore(&owner) {
                let told = [ALL, DEFAULT].map(rp_filter).contains(&setting);
                if told {
                    tracing::info!(target: "vrrp", "NOTICE: resetting sysctl {} to {value}", dotted(&setting));
                }
            }
        }
    }

    fn remove(&mut self, netlink: &mut Requests, name: &IfName) {
        let Some((link, index)) = self.made.remove(name) else {
            return;
        };
        // Only the one that was made: the index may be another's by now.
        let there = if_nametoindex(name.as_str()).is_ok_and(|now| now == index.0);
        if !there {
            return;
        }
        match netlink.delete_link(link::about(index)) {
            Ok(()) => tracing::info!(
                target: "vrrp", "({}) Success removing {} interface {name}", link.router, describe(&link),
            ),
            Err(error) => tracing::error!(
                target: "vrrp", "({}) cannot remove {} interface {name}: {error}", link.router, describe(&link),
            ),
        }
    }
}

fn rp_filter(interface: &str) -> String {
    format!("ipv4/conf/{interface}/rp_filter")
}

fn tell_set(setting: &str, before: Option<i64>, now: i64) {
    if let Some(before) = before {
        tracing::info!(
            target: "vrrp", "NOTICE: setting sysctl {} from {before} to {now}", dotted(setting),
        );
    }
}

fn dotted(setting: &str) -> String {
    format!("net.{}", setting.replace('/', "."))
}

const fn describe(link: &LinkConfig) -> &'static str {
    match link.kind {
        OwnLinkKind::Vmac(_) => "VMAC",
        OwnLinkKind::Ipvlan { .. } => "ipvlan",
    }
}

fn find<'a>(inventory: &'a Inventory, name: &IfName) -> Option<&'a InterfaceStatus> {
    inventory.interfaces().find(|status| status.name == *name)
}

/// What `there` is to `link` (fact 9.3).
fn look(link: &LinkConfig, there: Option<&InterfaceStatus>, parent: IfIndex) -> Found {
    let Some(there) = there else {
        return Found::Nothing;
    };
    let placed = there.made.parent == Some(parent);
    match (&link.kind, there.made.kind) {
        (OwnLinkKind::Vmac(_), LinkKind::Macvlan { private: true }) if placed => Found::Itself(there.index),
        (OwnLinkKind::Vmac(_), LinkKind::Macvlan { private: true }) => Found::Misplaced(there.index),
        (OwnLinkKind::Ipvlan { mode, .. }, LinkKind::Ipvlan { l2: Some(found) }) => {
            if placed && found == *mode {
                Found::Itself(there.index)
            } else {
                Found::Misplaced(there.index)
            }
        }
        (OwnLinkKind::Vmac(_) | OwnLinkKind::Ipvlan { .. }, _) => Found::Foreign,
    }
}

fn create(
    netlink: &mut Requests,
    inventory: &Inventory,
    link: &LinkConfig,
    parent: &InterfaceStatus,
) -> io::Result<IfIndex> {
    let kind = match link.kind {
        OwnLinkKind::Vmac(mac) => NewKind::Macvlan(mac),
        OwnLinkKind::Ipvlan { mode, .. } => NewKind::Ipvlan(mode),
    };
    let group = link.group.unwrap_or(parent.made.group);
    // A bridge or a bond takes the parent's frames; a VRF is of routing, which the link has a part in too.
    let vrf = inventory.interfaces().find(|status| {
        Some(status.index) == parent.made.master && matches!(status.made.kind, LinkKind::Vrf { .. })
    });
    let vrf = vrf.map(|status| status.index);
    netlink.create_link(link::create(&link.name, parent.index, kind, group, vrf))?;
    let index = IfIndex(if_nametoindex(link.name.as_str())?);
    tracing::info!(
        target: "vrrp", "({}): Success creating {} interface {}", link.router, describe(link), link.name,
    );
    Ok(index)
}

/// Where `link` sends from.
fn link_local(
    wanted: LinkLocal,
    parent: &InterfaceStatus,
    virtuals: &BTreeSet<(IfName, IpAddr)>,
) -> Option<Ipv6Addr> {
    match wanted {
        LinkLocal::Given(address) => Some(address),
        LinkLocal::OfParent => link_local_of(parent, virtuals).or_else(|| parent.mac.map(eui64)),
    }
}

fn link_local_of(parent: &InterfaceStatus, virtuals: &BTreeSet<(IfName, IpAddr)>) -> Option<Ipv6Addr> {
    let addresses = parent.addresses.iter().map(|address| address.cidr.addr);
    let mut own = addresses.filter(|address| !virtuals.contains(&(parent.name.clone(), *address)));
    own.find_map(|address| match address {
        IpAddr::V6(address) => Some(address).filter(Ipv6Addr::is_unicast_link_local),
        IpAddr::V4(_) => None,
    })
}

/// The link-local address that an Ethernet address makes (RFC 4291, appendix A).
fn eui64(mac: Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Cidr, InterfaceAddress, LinkTraits};

    /// Facts: 9.7
    #[test]
    fn a_link_local_address_of_a_mac() {
        let address = eui64(Mac([0x22, 0x4c, 0x70, 0x83, 0xf5, 0x24]));
        assert_eq!(address, "fe80::204c:70ff:fe83:f524".parse::<Ipv6Addr>().unwrap());
    }

    /// Those of routers are no source of a link's own address, wherever they were left.
    /// Facts: 9.7
    #[test]
    fn a_virtual_address_is_not_the_parents_own() {
        let address = |text: &str| InterfaceAddress {
            cidr: Cidr::host(text.parse().unwrap()),
            tentative: false,
        };
        let name = IfName::new("eth0").unwrap();
        let parent = InterfaceStatus {
            name: name.clone(),
            index: IfIndex(1),
            mac: None,
            mtu: 1500,
            up: true,
            multicast: true,
            noarp: false,
            loopback: false,
            addresses: ["10.0.0.1", "fe80::51", "2001:db8::1", "fe80::1"]
                .map(address)
                .into(),
            made: LinkTraits::default(),
        };
        let virtuals = BTreeSet::from([(name, "fe80::51".parse().unwrap())]);
        assert_eq!(link_local_of(&parent, &virtuals), "fe80::1".parse().ok());
        assert_eq!(link_local_of(&parent, &BTreeSet::new()), "fe80::51".parse().ok());
    }
}
