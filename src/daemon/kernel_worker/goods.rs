//! Carrying out the orders: addresses, then routes, then rules; removed in the reverse order (facts 2.11, 2.13, 16.7).

use super::drift::STATICS;
use super::{End, Report, Worker};
use crate::net::{AddressSpec, Good, Goods, IfIndex, Route, Rule};
use crate::netlink::apply::{BATCH, Refusal, ways_there};
use crate::netlink::message::Request as Change;
use crate::netlink::{NetlinkError, route, rule};
use crate::vrrp::event::{Completion, Event, Order};
use std::borrow::Cow;
use std::slice;

/// What the kernel refused, and why.
pub(super) type Failed = Vec<(Good, String)>;

/// What became of an order.
#[derive(Default)]
pub(super) struct Outcome {
    /// What the kernel refused.
    pub(super) failed: Failed,
    /// What was there already.
    pub(super) found: Vec<Good>,
}

impl Worker {
    /// Installs what orders say, but for what newer releases of the same routers take back. More than one have nothing but
    /// addresses. An order without an answer had one before.
    pub(super) async fn hold(&mut self, orders: &[Order]) -> Result<(), End> {
        let mut outcomes = self.install_addresses(orders);
        if let ([order], [outcome]) = (orders, outcomes.as_mut_slice())
            && !(order.goods.routes.is_empty() && order.goods.rules.is_empty())
        {
            // They are announced while routes and rules are put.
            let placed = completion(order, std::mem::take(&mut outcome.failed));
            self.report(Report::Answers(vec![Event::Placed(placed)])).await?;
            self.install_ways(order, outcome);
        }
        self.reroute_after(orders);
        let outcomes = outcomes.into_iter().map(|outcome| outcome.failed);
        let held = orders.iter().zip(outcomes);
        let held = held.map(|(order, failed)| Event::Held(completion(order, failed)));
        self.report(Report::Answers(held.collect())).await
    }

    /// All of it at once, for what nobody announces.
    pub(super) fn install(&mut self, order: &Order) -> Outcome {
        let mut outcome = self
            .install_addresses(slice::from_ref(order))
            .pop()
            .unwrap_or_default();
        self.install_ways(order, &mut outcome);
        outcome
    }

    /// Few requests for many addresses, whosever they are. One outcome for each order.
    fn install_addresses(&mut self, orders: &[Order]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        outcomes.resize_with(orders.len(), Outcome::default);
        let all = orders.iter().enumerate();
        let all: Vec<(usize, &AddressSpec)> = all
            .flat_map(|(at, order)| order.goods.addresses.iter().map(move |spec| (at, spec)))
            .collect();
        for order in orders {
            let held = self.held.entry(order.router).or_default();
            if held.addresses.is_empty() {
                held.addresses.reserve_exact(order.goods.addresses.len());
            }
        }
        for part in all.chunks(BATCH) {
            self.hold_addresses(orders, part, &mut outcomes);
        }
        for (order, outcome) in orders.iter().zip(&mut outcomes) {
            self.not_held(order, &mut outcome.failed);
        }
        outcomes
    }

    fn install_ways(&mut self, order: &Order, outcome: &mut Outcome) {
        self.follow(&order.goods);
        for part in order.goods.routes.chunks(BATCH) {
            self.hold_routes(order, part, outcome);
        }
        for part in order.goods.rules.chunks(BATCH) {
            self.hold_rules(order, part, outcome);
        }
        self.not_held(order, &mut outcome.failed);
    }

    /// What is held is what the kernel took, and what waits for its interface: that comes with it.
    fn not_held(&mut self, order: &Order, failed: &mut Failed) {
        failed.retain(|(good, why)| {
            let waits = order.router != STATICS && !self.can_be(good);
            if waits {
                tracing::info!(target: "vrrp", "{good} waits for its interface: {why}");
            } else if let Some(held) = self.held.get_mut(&order.router) {
                held.remove(good);
            }
            !waits
        });
    }

    fn catch_up(&mut self) {
        self.look_at_requests();
        let heard = self.monitor.take();
        self.take_in(heard);
    }

    /// `part`: some addresses, each with the place of its order in `orders`, and so of its outcome.
    fn hold_addresses(&mut self, orders: &[Order], part: &[(usize, &AddressSpec)], outcomes: &mut [Outcome]) {
        self.catch_up();
        let mut wanted = Vec::with_capacity(part.len());
        for (at, spec) in part {
            let Some(order) = orders.get(*at) else { continue };
            if !self.queue.takes_back(order, |goods| goods.names_address(spec)) {
                let held = self.held.entry(order.router).or_default();
                let is_there = stands(&held.addresses, spec, AddressSpec::is);
                held.replace_address(spec);
                if !is_there {
                    wanted.push((*at, *spec));
                }
            }
        }
        // Before the addresses come (fact 10.8).
        self.mind_filter();
        let (mut places, mut found) = (Vec::new(), Vec::new());
        for (at, spec) in wanted {
            if let Some(index) = self.inventory.index_of(&spec.interface) {
                self.log.is_ours(index, spec.cidr.addr);
                places.push(at);
                found.push((spec.clone(), index));
            } else if let Some(outcome) = outcomes.get_mut(at) {
                outcome.failed.push((spec.clone().into(), no_interface(spec)));
            }
        }
        let answers = self.netlink.add(&found);
        let all = places.into_iter().zip(found);
        match answers {
            Ok(answers) => {
                for ((at, (spec, index)), answer) in all.zip(answers) {
                    let Some(outcome) = outcomes.get_mut(at) else {
                        continue;
                    };
                    match answer {
                        Ok(()) => self.inventory.hold(index, spec.cidr.addr),
                        Err(refusal) if refusal.exists() => {
                            self.inventory.hold(index, spec.cidr.addr);
                            outcome.found.push(spec.into());
                        }
                        Err(refusal) => outcome.failed.push((spec.into(), refusal.to_string())),
                    }
                }
            }
            Err(error) => {
                for (at, (spec, _)) in all {
                    if let Some(outcome) = outcomes.get_mut(at) {
                        outcome.failed.push((spec.into(), error.to_string()));
                    }
                }
            }
        }
    }

    fn hold_routes(&mut self, order: &Order, part: &[Route], outcome: &mut Outcome) {
        self.catch_up();
        let mut wanted = part.to_vec();
        wanted.retain(|route| !self.queue.takes_back(order, |goods| goods.names_route(route)));
        let part = Goods {
            routes: wanted.clone(),
            ..Goods::default()
        };
        let held = self.held.entry(order.router).or_default();
        wanted.retain(|route| !stands(&held.routes, route, Route::is));
        held.without(&part);
        held.extend(part);
        let mut changes = Vec::new();
        for one in wanted {
            match route::add(&one, &self.inventory) {
                Ok(change) => changes.push((one.into(), change)),
                Err(missing) => {
                    let why = format!("no interface {missing}");
                    outcome.failed.push((one.into(), why));
                }
            }
        }
        self.ask_for(changes, outcome);
    }

    fn hold_rules(&mut self, order: &Order, part: &[Rule], outcome: &mut Outcome) {
        self.catch_up();
        let mut wanted = part.to_vec();
        wanted.retain(|rule| !self.queue.takes_back(order, |goods| goods.names_rule(rule)));
        let part = Goods {
            rules: wanted.clone(),
            ..Goods::default()
        };
        let held = self.held.entry(order.router).or_default();
        wanted.retain(|rule| !stands(&held.rules, rule, Rule::is));
        held.without(&part);
        held.extend(part);
        let changes = wanted.into_iter().map(|one| {
            let change = rule::add(&one);
            (one.into(), change)
        });
        self.ask_for(changes.collect(), outcome);
    }

    /// Asks for routes or rules to be made.
    fn ask_for(&mut self, changes: Vec<(Good, Change)>, outcome: &mut Outcome) {
        let (goods, changes): (Vec<Good>, Vec<Change>) = changes.into_iter().unzip();
        match self.netlink.ask(changes) {
            Ok(answers) => {
                for (good, answer) in goods.into_iter().zip(answers) {
                    match answer {
                        Ok(()) => {}
                        Err(refusal) if refusal.exists() => outcome.found.push(good),
                        Err(refusal) => outcome.failed.push((good, refusal.to_string())),
                    }
                }
            }
            Err(error) => {
                let all = goods.into_iter().map(|good| (good, error.to_string()));
                outcome.failed.extend(all);
            }
        }
    }

    /// Removes what orders say. More than one have nothing but addresses. An answer for each.
    pub(super) fn release(&mut self, orders: &[Order]) -> Vec<Completion> {
        self.forget_stripped(orders);
        for order in orders {
            if let Some(held) = self.held.get_mut(&order.router) {
                held.without(&order.goods);
                if held.is_empty() {
                    self.held.remove(&order.router);
                }
            }
        }
        let heard = self.monitor.take();
        self.take_in(heard);
        let goods: Vec<Cow<'_, Goods>> = orders.iter().map(|order| self.to_remove(order)).collect();
        let failed = self.remove(&goods.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        self.mind_filter();
        let answers = orders.iter().zip(failed);
        answers.map(|(order, failed)| completion(order, failed)).collect()
    }

    /// Left-overs of a router that a reload brings are removed only as far as there are some: others may have made since
    /// what looks like them. At a start nobody looks.
    fn to_remove<'a>(&self, order: &'a Order) -> Cow<'a, Goods> {
        let goods = &order.goods;
        let is_left_over = order.generation == 0 && self.reloaded;
        if !is_left_over || (goods.routes.is_empty() && goods.rules.is_empty()) {
            return Cow::Borrowed(goods);
        }
        match ways_there(goods, &self.inventory) {
            Ok(there) => Cow::Owned(Goods {
                addresses: goods.addresses.clone(),
                ..there
            }),
            Err(error) => {
                tracing::warn!(target: "vrrp", "routes and rules cannot be looked for: {error}");
                Cow::Borrowed(goods)
            }
        }
    }

    /// Rules, then routes, then addresses. What of each could not be removed.
    fn remove(&mut self, all: &[&Goods]) -> Vec<Failed> {
        let mut failed = vec![Failed::new(); all.len()];
        let whose = || all.iter().enumerate();
        let rules = whose().flat_map(|(at, goods)| goods.rules.iter().rev().map(move |one| (at, one)));
        let rules = rules.map(|(at, one)| ((at, one.clone().into()), rule::delete(one)));
        let routes = whose().flat_map(|(at, goods)| goods.routes.iter().rev().map(move |one| (at, one)));
        // An interface that is gone took its routes and addresses along: no failure.
        let routes = routes.filter_map(|(at, one)| {
            let change = route::delete(one, &self.inventory).ok()?;
            Some(((at, one.clone().into()), change))
        });
        let (ways, changes): (Vec<(usize, Good)>, Vec<Change>) = rules.chain(routes).unzip();
        let answers = self.netlink.ask(changes);
        not_removed(ways, answers, &mut failed);
        let addresses = whose().flat_map(|(at, goods)| goods.addresses.iter().map(move |spec| (at, spec)));
        let (places, found): (Vec<usize>, Vec<(AddressSpec, IfIndex)>) = addresses
            .filter_map(|(at, spec)| Some((at, (spec.clone(), self.inventory.index_of(&spec.interface)?))))
            .unzip();
        for (spec, index) in &found {
            self.inventory.release(*index, spec.cidr.addr);
        }
        let answers = self.netlink.delete(&found);
        let found = found.into_iter().map(|(spec, _)| Good::from(spec));
        not_removed(places.into_iter().zip(found), answers, &mut failed);
        failed
    }

    /// Removes everything that is held: nobody sends adverts for it any more.
    pub(super) fn withdraw_all(&mut self) {
        let heard = self.monitor.take();
        self.take_in(heard);
        let held = std::mem::take(&mut self.held);
        let failed = self.remove(&held.values().collect::<Vec<_>>());
        for (good, why) in failed.into_iter().flatten() {
            tracing::error!(target: "vrrp", "cannot remove {good}: {why}");
        }
    }
}

/// Whether `one` is in the kernel already, and only what its loss means to us is another: nothing is to be written. In the very
/// same words it is ordered because it may be lost.
pub(super) fn stands<T: PartialEq>(held: &[T], one: &T, is: impl Fn(&T, &T) -> bool) -> bool {
    held.iter().any(|other| is(other, one) && other != one)
}

/// What could not be removed, beside what else of the same order could not; that it is not there is no failure.
fn not_removed(
    goods: impl IntoIterator<Item = (usize, Good)>,
    answers: Result<Vec<Result<(), Refusal>>, NetlinkError>,
    failed: &mut [Failed],
) {
    let mut add = |at: usize, good, why| {
        if let Some(failed) = failed.get_mut(at) {
            failed.push((good, why));
        }
    };
    match answers {
        Ok(answers) => {
            for ((at, good), answer) in goods.into_iter().zip(answers) {
                if let Err(refusal) = answer
                    && !refusal.not_there()
                {
                    add(at, good, refusal.to_string());
                }
            }
        }
        Err(error) => goods
            .into_iter()
            .for_each(|(at, good)| add(at, good, error.to_string())),
    }
}

fn no_interface(spec: &AddressSpec) -> String {
    format!("no interface {}", spec.interface)
}

fn completion(order: &Order, failed: Failed) -> Completion {
    Completion {
        router: order.router,
        generation: order.generation,
        failed,
    }
}
