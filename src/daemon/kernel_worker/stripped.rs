//! Routes that the kernel removes and tells nobody of: with the last IPv4 address of their interface, and with the address that they
//! give packets as source. Once an address of ours that others have removed is there again, its routes are put again; those
//! that are there stay as they are.

use super::Worker;
use super::drift::STATICS;
use crate::net::{Good, Goods, IfName};
use crate::vrrp::RouterId;
use crate::vrrp::event::Order;
use std::net::IpAddr;

impl Worker {
    /// Others have removed an address of a router: where it comes back, so shall its routes.
    pub(super) fn note_stripped(&mut self, interface: &IfName, address: IpAddr) {
        if address.is_ipv4() {
            self.stripped.insert((interface.clone(), address));
        }
    }

    /// Orders were carried out that may have put such an address back.
    pub(super) fn reroute_after(&mut self, orders: &[Order]) {
        for spec in self.stripped_among(orders) {
            self.stripped.remove(&spec);
            self.reroute(&spec.0, spec.1);
        }
    }

    /// These are let go of: the routes go with them.
    pub(super) fn forget_stripped(&mut self, orders: &[Order]) {
        for spec in self.stripped_among(orders) {
            self.stripped.remove(&spec);
        }
    }

    fn stripped_among(&self, orders: &[Order]) -> Vec<(IfName, IpAddr)> {
        if self.stripped.is_empty() {
            return Vec::new();
        }
        let addresses = orders.iter().flat_map(|order| &order.goods.addresses);
        let all = addresses.map(|spec| (spec.interface.clone(), spec.cidr.addr));
        all.filter(|spec| self.stripped.contains(spec)).collect()
    }

    /// The routes that an address of ours may have taken along.
    pub(super) fn reroute(&mut self, interface: &IfName, address: IpAddr) {
        let all = self.wanted.repairs;
        let routers = self.held.iter().filter(|(router, _)| **router != STATICS);
        let routers = routers.map(|(router, goods)| (*router, goods, all));
        let statics = (STATICS, &self.wanted.statics, true);
        let routes: Vec<(RouterId, Goods)> = routers
            .chain([statics])
            .map(|(router, goods, all)| {
                let mut routes = goods.on(interface).routes;
                let named = goods
                    .routes
                    .iter()
                    .filter(|one| one.preferred_source == Some(address));
                let more: Vec<_> = named.filter(|one| !routes.contains(one)).cloned().collect();
                routes.extend(more);
                routes.retain(|one| (all || one.watched) && one.destination.addr.is_ipv4());
                let goods = Goods {
                    routes,
                    ..Goods::default()
                };
                (router, goods)
            })
            .collect();
        for (router, goods) in routes {
            let wanted = goods.routes.clone();
            let found = self.put(router, goods);
            for route in wanted {
                let route = Good::from(route);
                if !found.contains(&route) {
                    tracing::info!(target: "vrrp", "{route} went with {address} on {interface}, restoring it");
                }
            }
        }
    }
}
