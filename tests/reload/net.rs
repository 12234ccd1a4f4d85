//! The kernel as VRRP's worker has it: links, addresses, routes, rules and sockets, and every change that was made.

use crate::world::{World, own_addresses, port, status};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use steadfast::net::*;
use steadfast::vrrp::config::{LinkConfig, OwnLinkKind};
use steadfast::vrrp::event::Order;
use steadfast::vrrp::{Endpoint, RouterId, VrrpConfig, endpoints};

/// Whose the static entries are, as in the worker.
const STATICS: RouterId = RouterId(u32::MAX);

/// A change of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Add(Good),
    Delete(Good),
    Link(IfName),
    NoLink(IfName),
    Open(Endpoint),
    Close(Endpoint),
}

#[derive(Default)]
pub(crate) struct Net {
    pub(crate) addresses: BTreeMap<(IfName, Cidr), AddressSpec>,
    pub(crate) routes: Vec<Route>,
    pub(crate) rules: Vec<Rule>,
    /// The links that were made, with their indexes.
    pub(crate) links: BTreeMap<IfName, (LinkConfig, u32)>,
    pub(crate) sockets: Vec<Endpoint>,
    pub(crate) writes: Vec<Write>,
    /// What each router holds by its orders, and what is static.
    held: BTreeMap<RouterId, Goods>,
    wanted_links: Vec<LinkConfig>,
    statics: Goods,
    next_index: u32,
}

impl Net {
    /// The interfaces there are.
    pub(crate) fn interfaces(&self, world: &World) -> Vec<InterfaceStatus> {
        let mut all: Vec<_> = (0..3)
            .map(|n| {
                let index = u32::try_from(n).unwrap() + 1;
                let own = own_addresses(n).into_iter();
                let name = port(n);
                let more = self.on(&name);
                status(
                    port(n),
                    index,
                    world.up[n],
                    own.chain(more),
                    LinkTraits::default(),
                )
            })
            .collect();
        for (name, (link, index)) in &self.links {
            let parent = (0..3).find(|n| port(*n) == link.parent).unwrap();
            let local = IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 1, u16::try_from(parent).unwrap()]);
            let own = Cidr::new(local, 64).into_iter();
            let kind = match &link.kind {
                OwnLinkKind::Vmac(_) => LinkKind::Macvlan { private: true },
                OwnLinkKind::Ipvlan { mode, .. } => LinkKind::Ipvlan { l2: Some(*mode) },
            };
            let made = LinkTraits {
                kind,
                parent: Some(IfIndex(u32::try_from(parent).unwrap() + 1)),
                ..LinkTraits::default()
            };
            let mut status = status(
                name.clone(),
                *index,
                world.up[parent],
                own.chain(self.on(name)),
                made,
            );
            if let OwnLinkKind::Vmac(mac) = link.kind {
                status.mac = Some(mac);
            }
            all.push(status);
        }
        all
    }

    fn on(&self, name: &IfName) -> impl Iterator<Item = Cidr> {
        let all = self.addresses.keys();
        all.filter(move |(interface, _)| interface == name)
            .map(|(_, cidr)| *cidr)
    }

    /// All addresses of this host.
    pub(crate) fn local(&self) -> BTreeSet<IpAddr> {
        let own = (0..3).flat_map(own_addresses).map(|cidr| cidr.addr);
        own.chain(self.addresses.keys().map(|(_, cidr)| cidr.addr))
            .collect()
    }

    /// A configuration is coming: its links are made, its sockets opened, its static entries put.
    pub(crate) fn prepare(&mut self, config: &VrrpConfig, start: bool) {
        for link in &config.links {
            match self.wanted_links.iter_mut().find(|old| old.name == link.name) {
                Some(old) if old.becomes(link) => *old = link.clone(),
                Some(_) => {}
                None => self.wanted_links.push(link.clone()),
            }
        }
        self.make_links();
        for wanted in endpoints(config) {
            match self.sockets.iter_mut().find(|open| open.same_socket(&wanted)) {
                Some(open) => *open = wanted,
                None => {
                    self.writes.push(Write::Open(wanted.clone()));
                    self.sockets.push(wanted);
                }
            }
        }
        let now = config.statics.clone();
        let before = std::mem::replace(&mut self.statics, now.clone());
        let ours = self.held.get(&STATICS).cloned().unwrap_or_default();
        let gone = if start { now.clone() } else { ours.split(&now).1 };
        self.release(&Order {
            router: STATICS,
            generation: 0,
            goods: gone,
        });
        self.put_statics(now.split(&before).1);
    }

    /// The configuration runs: what only the former one needed goes.
    pub(crate) fn settle(&mut self, config: &VrrpConfig) -> Vec<IfName> {
        let wanted = endpoints(config);
        let unwanted = |open: &mut Endpoint| !wanted.iter().any(|wanted| wanted.same_socket(open));
        let closed: Vec<_> = self.sockets.extract_if(.., unwanted).collect();
        self.writes.extend(closed.into_iter().map(Write::Close));
        let stays = |name: &IfName, made: &LinkConfig| {
            let mut new = config.links.iter();
            new.any(|link| link.name == *name && made.becomes(link))
        };
        let all = self.links.iter();
        let gone = all.filter(|(name, (made, _))| !stays(name, made));
        let gone: Vec<IfName> = gone.map(|(name, _)| name.clone()).collect();
        self.wanted_links.clone_from(&config.links);
        for name in &gone {
            self.links.remove(name);
            // They go with it, and come with the next of that name.
            self.addresses.retain(|(interface, _), _| interface != name);
            self.writes.push(Write::NoLink(name.clone()));
        }
        self.make_links();
        let ours = self.held.get(&STATICS).cloned().unwrap_or_default();
        self.put_statics(self.statics.clone().split(&ours).1);
        gone
    }

    fn make_links(&mut self) {
        for link in self.wanted_links.clone() {
            let made = self.links.get(&link.name);
            if made.is_some_and(|(made, _)| *made == link) {
                continue;
            }
            let index = made.map(|(_, index)| *index).unwrap_or_else(|| {
                self.next_index += 1;
                100 + self.next_index
            });
            let name = link.name.clone();
            self.writes.push(Write::Link(name.clone()));
            self.links.insert(name.clone(), (link, index));
            for goods in self
                .held
                .values()
                .map(|goods| goods.on(&name))
                .collect::<Vec<_>>()
            {
                goods.addresses.into_iter().for_each(|one| self.add_address(&one));
            }
        }
    }

    fn put_statics(&mut self, goods: Goods) {
        for address in &goods.addresses {
            // What was there is somebody else's.
            if !self
                .addresses
                .contains_key(&(address.interface.clone(), address.cidr))
            {
                let good = Good::from(address.clone());
                self.held.entry(STATICS).or_default().add(good);
            }
            self.add_address(address);
        }
        for good in ways(&goods) {
            if self.add_way(&good) {
                self.held.entry(STATICS).or_default().add(good);
            }
        }
    }

    fn there(&self, interface: &IfName) -> bool {
        (0..3).any(|n| port(n) == *interface) || self.links.contains_key(interface)
    }

    fn add_address(&mut self, address: &AddressSpec) {
        let key = (address.interface.clone(), address.cidr);
        if self.there(&address.interface) && !self.addresses.contains_key(&key) {
            let seen = seen(address);
            self.writes.push(Write::Add(seen.clone().into()));
            self.addresses.insert(key, seen);
        }
    }

    /// Whether it was not there.
    fn add_way(&mut self, good: &Good) -> bool {
        let good = seen_good(good);
        match &good {
            Good::Route(route) if !self.routes.contains(route) => self.routes.push((**route).clone()),
            Good::Rule(rule) if !self.rules.contains(rule) => self.rules.push((**rule).clone()),
            _ => return false,
        }
        self.writes.push(Write::Add(good));
        true
    }

    /// Installs what an order says; what could not be.
    pub(crate) fn hold(&mut self, order: &Order) -> Vec<(Good, String)> {
        let mut failed = Vec::new();
        for address in &order.goods.addresses {
            let held = self.held.entry(order.router).or_default();
            held.replace_address(address);
            if self.there(&address.interface) {
                self.add_address(address);
            } else {
                failed.push((address.clone().into(), "no interface".to_owned()));
            }
        }
        for good in ways(&order.goods) {
            let held = self.held.entry(order.router).or_default();
            held.remove(&good);
            held.add(good.clone());
            self.add_way(&good);
        }
        // They wait for their interface.
        failed.clear();
        failed
    }

    /// Removes what an order says.
    pub(crate) fn release(&mut self, order: &Order) {
        if let Some(held) = self.held.get_mut(&order.router) {
            held.without(&order.goods);
            if held.is_empty() {
                self.held.remove(&order.router);
            }
        }
        for good in ways(&order.goods) {
            let good = seen_good(&good);
            let (routes, rules) = (self.routes.len(), self.rules.len());
            match &good {
                Good::Route(route) => self.routes.retain(|one| one != &**route),
                Good::Rule(rule) => self.rules.retain(|one| one != &**rule),
                Good::Address(_) => {}
            }
            if (routes, rules) != (self.routes.len(), self.rules.len()) {
                self.writes.push(Write::Delete(good));
            }
        }
        for address in &order.goods.addresses {
            let key = (address.interface.clone(), address.cidr);
            if let Some(gone) = self.addresses.remove(&key) {
                self.writes.push(Write::Delete(gone.into()));
            }
        }
    }
}

fn ways(goods: &Goods) -> Vec<Good> {
    let routes = goods.routes.iter().cloned().map(Good::from);
    routes
        .chain(goods.rules.iter().cloned().map(Good::from))
        .collect()
}

/// What the kernel is told of an address: whose loss matters is ours to know.
pub(crate) fn seen(address: &AddressSpec) -> AddressSpec {
    let mut seen = address.clone();
    seen.options.watched = true;
    seen.options.track_group = None;
    seen.options.use_vmac = false;
    seen
}

pub(crate) fn seen_good(good: &Good) -> Good {
    match good {
        Good::Address(address) => seen(address).into(),
        Good::Route(route) => {
            let mut route = (**route).clone();
            (route.watched, route.track_group) = (true, None);
            route.into()
        }
        Good::Rule(rule) => {
            let mut rule = (**rule).clone();
            (rule.watched, rule.track_group) = (true, None);
            rule.into()
        }
    }
}
