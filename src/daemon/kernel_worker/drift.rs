//! What others change of what is ours: routes and rules that somebody removed, interfaces that come back, and static
//! entries, which are simply put again (fact 2.21).

use super::{End, Report, Worker};
use crate::daemon::plane::MOST_REFUSED;
use crate::net::{Good, Goods, IfName, InterfaceStatus};
use crate::netlink::message::Way;
use crate::netlink::{Change, route, rule};
use crate::vrrp::RouterId;
use crate::vrrp::event::{Event, Order};

/// Whose the static entries are, beside the routers.
pub(super) const STATICS: RouterId = RouterId(u32::MAX);

impl Worker {
    /// Routes and rules are listened for once there are some whose loss matters.
    pub(super) fn follow(&mut self, goods: &Goods) {
        let all = self.wanted.repairs;
        let watched = goods.routes.iter().any(|route| all || route.watched)
            || goods.rules.iter().any(|rule| all || rule.watched);
        if watched && let Err(error) = self.monitor.follow_routes() {
            tracing::error!(target: "vrrp", "routes and rules cannot be watched: {error}");
        }
    }

    /// Says which address another host has too: whoever has it lets go of it, and the log must say why.
    pub(super) fn name_duplicate(&self, change: &Change) {
        if let Change::Duplicate { interface, cidr } = change
            && let Some(link) = self
                .inventory
                .interfaces()
                .find(|status| status.index == *interface)
        {
            let (address, name) = (cidr.addr, &link.name);
            tracing::warn!(
                target: "vrrp",
                "address {address} on {name} is on another host too: duplicate address detection failed (dadfailed)"
            );
        }
    }

    /// Takes note of what is gone and was ours. What goes with its interface stays ours, and comes back with it.
    pub(super) fn note_lost(&mut self, lost: &[Way]) {
        if lost.is_empty() {
            return;
        }
        let mut ours = self.ours(lost);
        if ours.is_empty() {
            return;
        }
        // The kernel tells of routes before it tells that their interface is down.
        self.dump();
        ours.retain(|(_, good)| self.can_be(good));
        for (router, good) in ours {
            if let Some(held) = self.held.get_mut(&router) {
                held.remove(&good);
            }
            self.lost.push((router, good));
        }
    }

    fn ours(&self, lost: &[Way]) -> Vec<(RouterId, Good)> {
        let mut ours = Vec::new();
        let routers = self.held.iter().filter(|(router, _)| **router != STATICS);
        // A static entry is put again whoever had put it.
        for (router, goods) in routers.chain([(&STATICS, &self.wanted.statics)]) {
            for told in lost {
                let found: Option<Good> = match told {
                    Way::Route(told) => {
                        let mut routes = goods.routes.iter();
                        let found = routes.find(|one| route::is(one, told, &self.inventory));
                        found.cloned().map(Good::from)
                    }
                    Way::Rule(told) => {
                        let found = goods.rules.iter().find(|one| rule::is(one, told));
                        found.cloned().map(Good::from)
                    }
                };
                ours.extend(found.map(|good| (*router, good)));
            }
        }
        ours
    }

    /// Whether the interfaces that it needs are up.
    pub(super) fn can_be(&self, good: &Good) -> bool {
        let up = |name: &IfName| {
            let mut interfaces = self.inventory.interfaces();
            interfaces.any(|status| status.name == *name && status.up)
        };
        match good {
            Good::Address(address) => up(&address.interface),
            Good::Route(route) => {
                let mut ways = route.nexthops.iter().filter_map(|way| way.interface.as_ref());
                route.interface.as_ref().is_none_or(up) && ways.all(up)
            }
            Good::Rule(_) => true,
        }
    }

    /// Tells the engine what its routers have lost, and puts static entries again.
    pub(super) async fn tell_lost(&mut self) -> Result<(), End> {
        let mut again = Goods::default();
        for (router, good) in std::mem::take(&mut self.lost) {
            if router == STATICS {
                tracing::info!(target: "vrrp", "{good} has been removed, restoring it");
                again.add(good);
            } else {
                self.report(Report::Event(Event::Lost { router, good })).await?;
            }
        }
        self.put(STATICS, again);
        Ok(())
    }

    /// Messages were lost. Where they told of routes and rules, nobody knows who removed what, so it is all put again, and what
    /// is there stays; a dump could be of a million routes. Addresses are in the dump that was taken.
    pub(super) fn make_up_for_missed(&mut self) {
        if !std::mem::take(&mut self.missed) {
            return;
        }
        let ways = |goods: &Goods, all: bool| Goods {
            addresses: Vec::new(),
            routes: goods
                .routes
                .iter()
                .filter(|one| all || one.watched)
                .cloned()
                .collect(),
            rules: goods
                .rules
                .iter()
                .filter(|one| all || one.watched)
                .cloned()
                .collect(),
        };
        let routers = self.held.iter().filter(|(router, _)| **router != STATICS);
        let routers = routers.map(|(router, goods)| (*router, ways(goods, self.wanted.repairs)));
        let statics = (STATICS, ways(&self.wanted.statics, true));
        for (router, goods) in routers.chain([statics]).collect::<Vec<_>>() {
            self.put(router, goods);
        }
    }

    /// An address that somebody removed: a static one is put again.
    pub(super) fn address_removed(&mut self, interface: &IfName, address: std::net::IpAddr) {
        let mut statics = self.wanted.statics.addresses.iter();
        let found = statics.find(|one| one.interface == *interface && one.cidr.addr == address);
        if let Some(found) = found.cloned() {
            tracing::info!(target: "vrrp", "{found} has been removed, restoring it");
            self.put(STATICS, Good::from(found).into());
            self.reroute(interface, address);
        } else {
            self.note_stripped(interface, address);
        }
    }

    /// An interface is there, for the first time or again: what belongs on it is put again once it is up.
    pub(super) fn interface_seen(&mut self, status: &InterfaceStatus) {
        if !status.up {
            self.up.remove(&status.index);
            return;
        }
        if !self.up.insert(status.index) {
            return;
        }
        self.promote();
        let mut all: Vec<(RouterId, Goods)> = self
            .held
            .iter()
            .filter(|(router, _)| **router != STATICS)
            .map(|(router, goods)| (*router, goods.on(&status.name)))
            .collect();
        all.push((STATICS, self.wanted.statics.on(&status.name)));
        for (router, goods) in all {
            self.put(router, goods);
        }
    }

    /// Puts what is or shall be held; what is there already stays as it is. A static entry that was there before is
    /// somebody else's, and is not ours to remove.
    /// Gives what was not put by this.
    pub(super) fn put(&mut self, router: RouterId, goods: Goods) -> Vec<Good> {
        if goods.is_empty() {
            return Vec::new();
        }
        let order = Order {
            router,
            generation: u64::MAX,
            goods,
        };
        let before = self.static_ours();
        let outcome = self.install(&order);
        let mut not_put = outcome.found.clone();
        for (good, why) in outcome.failed {
            tracing::warn!(target: "vrrp", "cannot set {good}: {why}");
            not_put.push(good.clone());
            self.note_refused(&good, why);
        }
        if router == STATICS
            && let Some(held) = self.held.get_mut(&STATICS)
        {
            let others = outcome.found.iter().filter(|good| !before.contains(good));
            others.for_each(|good| held.remove(good));
        }
        not_put
    }

    /// The static entries that we have put.
    pub(super) fn static_ours(&self) -> Goods {
        self.held.get(&STATICS).cloned().unwrap_or_default()
    }

    /// A configuration: what is static in it, and was not in the one before, comes; what is not any more, goes. What an
    /// earlier run has left goes first (fact 1.31), or is ours as it is.
    pub(super) fn want_statics(&mut self, now: Goods, start: bool) {
        let before = std::mem::replace(&mut self.wanted.statics, now.clone());
        let resumes = start && self.wanted.resumes;
        if resumes {
            self.held.entry(STATICS).or_default().extend(now.clone());
        }
        let gone = if resumes {
            Goods::default()
        } else if start {
            now.clone()
        } else {
            self.static_ours().split(&now).1
        };
        let fresh = now.split(&before).1;
        self.remove_statics(gone);
        self.put(STATICS, fresh);
    }

    /// The configuration runs: what a router has let go of meanwhile may be static by now.
    pub(super) fn settle_statics(&mut self) {
        let (_, missing) = self.wanted.statics.clone().split(&self.static_ours());
        self.put(STATICS, missing);
    }

    /// Rules, routes, addresses (fact 16.7).
    pub(super) fn remove_statics(&mut self, goods: Goods) {
        if goods.is_empty() {
            return;
        }
        let order = Order {
            router: STATICS,
            generation: u64::MAX,
            goods,
        };
        let answers = self.release(&[order]);
        for (good, why) in answers.into_iter().flat_map(|answer| answer.failed) {
            tracing::warn!(target: "vrrp", "cannot remove {good}: {why}");
            self.note_refused(&good, why);
        }
    }

    fn note_refused(&mut self, good: &Good, why: String) {
        if self.refused.len() < MOST_REFUSED {
            self.refused.push((good.to_string(), why));
        }
    }
}
