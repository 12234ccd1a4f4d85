//! What a router does with its addresses, routes and rules: hold, release, announce (facts 2.11, 2.13, 11).
//!
//! Orders carry a generation that counts up. The answer to an old one is of no interest: whatever it did has been
//! overtaken by a newer order.

use super::{Cx, Master, State, VirtualRouter};
use crate::net::{AddressSpec, Good, Goods, IfName};
use crate::vrrp::announce::Schedule;
use crate::vrrp::config::{ExtraGarp, RouterConfig, Transport};
use crate::vrrp::event::{Action, Completion, NotifyState, Order};
use crate::vrrp::telling::Says;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Whether the addresses are where they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// This order has not been answered yet.
    Pending {
        generation: u64,
        /// To be announced as soon as they are there; `None` when that was done.
        fresh: Option<Vec<AddressSpec>>,
    },
    /// All that the kernel took are there.
    Done,
}

/// Whether its loss matters: it has no `no_track`.
pub(super) const fn is_watched(good: &Good) -> bool {
    match good {
        Good::Address(address) => address.options.watched,
        Good::Route(route) => route.watched,
        Good::Rule(rule) => rule.watched,
    }
}

impl VirtualRouter {
    /// Becoming MASTER: everything is installed, in the configured order.
    pub(super) fn hold_all(&mut self, cx: &mut Cx<'_>) {
        let wanted = self.config.goods();
        self.claimed.clone_from(&wanted);
        if wanted.is_empty() {
            return self.notify(cx, NotifyState::Master);
        }
        self.say(cx, Says::SettingVips);
        let fresh = wanted.addresses.clone();
        self.hold(cx, wanted, fresh);
    }

    /// Ceasing to be MASTER: everything is removed, and nothing is announced any more.
    pub(in crate::vrrp) fn release_all(&mut self, cx: &mut Cx<'_>) {
        cx.pacer.forget(self.id);
        let goods = std::mem::take(&mut self.claimed);
        if !goods.is_empty() {
            self.say(cx, Says::RemovingVips);
            self.release(cx, goods);
        }
    }

    /// As [`Self::release_all`]; returns the order's generation, if one was needed.
    pub(in crate::vrrp) fn release_for_good(&mut self, cx: &mut Cx<'_>) -> Option<u64> {
        let before = self.generation;
        self.release_all(cx);
        (self.generation != before).then_some(self.generation)
    }

    /// Start: what a crash left on the interfaces goes away before anything else (fact 1.31), unless it is `in_use` by
    /// another router. To `adopt` it is to remove it only when it turns out not to be MASTER after all.
    pub(in crate::vrrp) fn clean_up(&mut self, cx: &mut Cx<'_>, in_use: &Goods, adopt: bool) {
        let mut addresses = cx.world.found(&self.config);
        let holds = |used: &AddressSpec, a: &AddressSpec| {
            used.interface == a.interface && used.cidr.addr == a.cidr.addr
        };
        addresses.retain(|a| !in_use.addresses.iter().any(|used| holds(used, a)));
        // The kernel worker knows of routes and rules: they are removed if they are there.
        let mut goods = Goods {
            addresses,
            routes: self.config.routes.clone(),
            rules: self.config.rules.clone(),
        };
        goods.without(in_use);
        if adopt {
            self.claimed = goods;
        } else if !goods.is_empty() {
            if !goods.addresses.is_empty() {
                self.say(cx, Says::RemovingVips);
            }
            cx.actions.push_back(Action::Release(Order {
                router: self.id,
                generation: 0,
                goods,
            }));
        }
    }

    /// What it holds, or is about to.
    pub(in crate::vrrp) const fn claims(&self) -> &Goods {
        &self.claimed
    }

    /// A reload's first half: addresses, routes and rules that are not wanted any more go.
    pub(in crate::vrrp) fn release_unwanted(&mut self, cx: &mut Cx<'_>, new: &RouterConfig) {
        let (kept, gone) = std::mem::take(&mut self.claimed).split(&new.goods());
        self.claimed = kept;
        if !gone.is_empty() {
            self.release(cx, gone);
        }
    }

    /// A reload's second half, as MASTER: what is new comes, and is announced.
    pub(in crate::vrrp) fn hold_missing(&mut self, cx: &mut Cx<'_>) {
        let State::Master(Master { hold, .. }) = &self.state else {
            return;
        };
        let wanted = self.config.goods();
        // The kernel has it, and whoever watches it has to know what its loss means from now on.
        let reworded = wanted.reworded(&self.claimed);
        let (_, missing) = wanted.clone().split(&self.claimed);
        match hold {
            Hold::Done => {
                self.claimed = wanted;
                if !reworded.is_empty() {
                    self.hold(cx, reworded, missing.addresses);
                }
            }
            Hold::Pending { generation, .. } if reworded.is_empty() && *generation == self.generation => {}
            // A release has overtaken the unanswered order: all is ordered anew.
            Hold::Pending { .. } => {
                self.claimed.clone_from(&wanted);
                if wanted.is_empty() {
                    self.announce_fresh(cx, &[]);
                    self.held_as_far_as_possible(cx);
                } else {
                    let fresh = wanted.addresses.clone();
                    self.hold(cx, wanted, fresh);
                }
            }
        }
    }

    /// The addresses of a hold are there: they are announced, whatever routes and rules will still take. What the kernel
    /// refused is told, and not announced.
    pub(in crate::vrrp) fn placed(&mut self, cx: &mut Cx<'_>, answer: Completion) {
        let fresh = match &mut self.state {
            State::Master(Master {
                hold: Hold::Pending { generation, fresh },
                ..
            }) if *generation == answer.generation => fresh.take(),
            State::Master(Master { mended, .. }) => match mended.get_mut(&answer.generation) {
                Some(fresh) => Some(std::mem::take(fresh)).filter(|fresh| !fresh.is_empty()),
                None => return,
            },
            State::Init(_) | State::Backup(_) | State::Fault => return,
        };
        for (good, why) in answer.failed {
            self.claimed.remove(&good);
            self.say(cx, Says::HoldFailed(good, why));
        }
        if let Some(mut fresh) = fresh {
            fresh.retain(|a| self.claimed.addresses.contains(a));
            self.announce_fresh(cx, &fresh);
        }
    }

    /// The answer to a hold: all is there that can be.
    pub(in crate::vrrp) fn held(&mut self, cx: &mut Cx<'_>, answer: Completion) {
        let ours = matches!(
            &self.state,
            State::Master(Master { hold: Hold::Pending { generation, .. }, .. }) if *generation == answer.generation
        );
        let generation = answer.generation;
        self.placed(cx, answer);
        if ours {
            self.held_as_far_as_possible(cx);
        } else if let State::Master(master) = &mut self.state {
            master.mended.remove(&generation);
        }
    }

    /// The answer to a release: nothing depends on it, but a refusal has to be known.
    pub(in crate::vrrp) fn released(&self, cx: &mut Cx<'_>, answer: Completion) {
        for (good, why) in answer.failed {
            self.say(cx, Says::ReleaseFailed(good, why));
        }
    }

    /// Somebody else removed an address: a MASTER that held it falls back (fact 2.21), unless it has `no_track` or is put
    /// back. Whether it wants to fall.
    pub(in crate::vrrp) fn robbed(&mut self, cx: &mut Cx<'_>, interface: &IfName, address: IpAddr) -> bool {
        if !matches!(self.state, State::Master(_)) {
            return false;
        }
        let ours = self.claimed.addresses.iter();
        let ours = ours.filter(|a| a.interface == *interface && a.cidr.addr == address);
        let taken = ours.cloned().map(Good::from).collect();
        self.bereft(cx, taken)
    }

    /// Somebody else removed a route or rule: likewise.
    pub(in crate::vrrp) fn lost(&mut self, cx: &mut Cx<'_>, good: &Good) -> bool {
        let ours = matches!(self.state, State::Master(_)) && self.claimed.contains(good);
        ours && self.bereft(cx, vec![good.clone()])
    }

    /// A burst because somebody with a lower priority thought to be master (fact 4.2), once the addresses are there.
    pub(in crate::vrrp) fn announce_lower_prio(&mut self, cx: &mut Cx<'_>) {
        let garp = self.config.garp;
        if garp.lower_prio_repeat == 0 {
            return;
        }
        if let State::Master(Master {
            hold: Hold::Done,
            schedule,
            ..
        }) = &mut self.state
            && schedule.lower_prio(cx.now, &garp)
        {
            self.announce_all(cx, garp.lower_prio_repeat);
        }
    }

    /// A burst of all addresses.
    pub(super) fn announce_all(&self, cx: &mut Cx<'_>, rounds: u32) {
        self.announce(cx, rounds, &self.claimed.addresses);
    }

    /// A unicast router that comes back shows its peers where it is (fact 2.16).
    pub(super) fn announce_source(&self, cx: &mut Cx<'_>) {
        let unicast = match self.config.transport {
            Transport::Multicast { .. } => false,
            Transport::Unicast { .. } => true,
        };
        let target = self
            .source
            .and_then(|source| cx.world.paced(&self.config.interface, source, &self.config.garp));
        if let Some(target) = target.filter(|_| unicast) {
            cx.pacer.submit(cx.now, self.id, 1, vec![target], cx.actions);
        }
    }

    /// One message by every further interface (fact 11.5).
    pub(super) fn announce_extra(&self, cx: &mut Cx<'_>, extra: ExtraGarp) {
        let own = self.config.wire();
        let mut seen = BTreeSet::from([own]);
        let mut first = Vec::new();
        for held in &self.claimed.addresses {
            if seen.insert(&held.interface) && (extra.all || cx.world.is_own_vmac(&held.interface)) {
                first.push(held.clone());
            }
        }
        self.announce(cx, 1, &first);
    }

    /// The link of an interface has come back, or has another MAC: what is on it is shown anew, if all is in place.
    pub(in crate::vrrp) fn announce_on(&self, cx: &mut Cx<'_>, interface: &IfName) {
        let in_place = matches!(&self.state, State::Master(Master { hold: Hold::Done, .. }));
        if in_place {
            let there = self
                .claimed
                .addresses
                .iter()
                .filter(|a| a.interface == *interface);
            let there: Vec<_> = there.cloned().collect();
            self.announce(cx, self.config.garp.repeat, &there);
        }
    }

    fn held_as_far_as_possible(&mut self, cx: &mut Cx<'_>) {
        if let State::Master(master) = &mut self.state {
            master.hold = Hold::Done;
        }
        self.notify(cx, NotifyState::Master);
    }

    /// The first burst of addresses that have just come, and the schedule of the others.
    fn announce_fresh(&mut self, cx: &mut Cx<'_>, fresh: &[AddressSpec]) {
        let garp = self.config.garp;
        let first = self.notified != Some(NotifyState::Master);
        if let State::Master(master) = &mut self.state
            && (first || !fresh.is_empty())
        {
            master.schedule = Schedule::started(cx.now, &garp);
        }
        self.announce(cx, garp.repeat, fresh);
    }

    fn announce(&self, cx: &mut Cx<'_>, rounds: u32, what: &[AddressSpec]) {
        let mut targets = Vec::new();
        for a in what {
            if let Some(target) = cx.world.paced(&a.interface, a.cidr.addr, &self.config.garp) {
                self.say(cx, Says::Announcing(a.interface.clone(), a.cidr.addr));
                targets.push(target);
            }
        }
        cx.pacer.submit(cx.now, self.id, rounds, targets, cx.actions);
    }

    /// Orders `goods`; the addresses that are `fresh` will be announced.
    fn hold(&mut self, cx: &mut Cx<'_>, goods: Goods, fresh: Vec<AddressSpec>) {
        self.generation += 1;
        let generation = self.generation;
        if let State::Master(master) = &mut self.state {
            master.hold = Hold::Pending {
                generation,
                fresh: Some(fresh),
            };
        }
        cx.actions.push_back(Action::Hold(Order {
            router: self.id,
            generation,
            goods,
        }));
    }

    fn release(&mut self, cx: &mut Cx<'_>, goods: Goods) {
        self.generation += 1;
        cx.actions.push_back(Action::Release(Order {
            router: self.id,
            generation: self.generation,
            goods,
        }));
    }
}
