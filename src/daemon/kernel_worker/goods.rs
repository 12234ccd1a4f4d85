//! Carrying out the orders: addresses, then routes, then rules; removed in the reverse order (facts 2.11, 2.13, 16.7).

use super::drift::STATICS;
use super::{End, Report, Request, Worker};
use crate::net::{AddressSpec, Good, Goods, IfIndex, Route, Rule};
use crate::netlink::apply::{BATCH, Refusal};
use crate::netlink::message::Request as Change;
use crate::netlink::{NetlinkError, route, rule};
use crate::vrrp::event::{Completion, Event, Order};
use std::collections::VecDeque;

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
    /// Installs what an order says, but for what a newer release of the same router takes back.
    pub(super) async fn hold(&mut self, order: &Order) -> Result<Completion, End> {
        let mut outcome = Outcome::default();
        self.install_addresses(order, &mut outcome);
        if !order.goods.routes.is_empty() || !order.goods.rules.is_empty() {
            // They are announced while routes and rules are put.
            let placed = completion(order, std::mem::take(&mut outcome.failed));
            self.report(Report::Event(Event::Placed(placed))).await?;
            self.install_ways(order, &mut outcome);
        }
        Ok(completion(order, outcome.failed))
    }

    /// All of it at once, for what nobody announces.
    pub(super) fn install(&mut self, order: &Order) -> Outcome {
        let mut outcome = Outcome::default();
        self.install_addresses(order, &mut outcome);
        self.install_ways(order, &mut outcome);
        outcome
    }

    fn install_addresses(&mut self, order: &Order, outcome: &mut Outcome) {
        for part in order.goods.addresses.chunks(BATCH) {
            self.hold_addresses(order, part, outcome);
        }
        self.not_held(order, &mut outcome.failed);
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

    fn hold_addresses(&mut self, order: &Order, part: &[AddressSpec], outcome: &mut Outcome) {
        self.catch_up();
        let mut wanted = part.to_vec();
        wanted.retain(|spec| !takes_back(&self.queue, order, |goods| goods.names_address(spec)));
        let part = Goods {
            addresses: wanted.clone(),
            ..Goods::default()
        };
        let held = self.held.entry(order.router).or_default();
        held.without(&part);
        held.extend(part);
        // Before the addresses come (fact 10.8).
        self.mind_filter();
        let found = self.resolve(wanted, &mut outcome.failed);
        for (spec, index) in &found {
            self.log.is_ours(*index, spec.cidr.addr);
        }
        match self.netlink.add(&found) {
            Ok(answers) => {
                for ((spec, index), answer) in found.into_iter().zip(answers) {
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
                outcome.failed.extend(
                    found
                        .into_iter()
                        .map(|(spec, _)| (spec.into(), error.to_string())),
                );
            }
        }
    }

    fn hold_routes(&mut self, order: &Order, part: &[Route], outcome: &mut Outcome) {
        self.catch_up();
        let mut wanted = part.to_vec();
        wanted.retain(|route| !takes_back(&self.queue, order, |goods| goods.routes.contains(route)));
        let part = Goods {
            routes: wanted.clone(),
            ..Goods::default()
        };
        let held = self.held.entry(order.router).or_default();
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
        wanted.retain(|rule| !takes_back(&self.queue, order, |goods| goods.rules.contains(rule)));
        let part = Goods {
            rules: wanted.clone(),
            ..Goods::default()
        };
        let held = self.held.entry(order.router).or_default();
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

    pub(super) fn release(&mut self, order: &Order) -> Completion {
        let mut failed = Vec::new();
        if let Some(held) = self.held.get_mut(&order.router) {
            held.without(&order.goods);
            if held.is_empty() {
                self.held.remove(&order.router);
            }
        }
        let heard = self.monitor.take();
        self.take_in(heard);
        self.remove(order.goods.clone(), &mut failed);
        self.mind_filter();
        completion(order, failed)
    }

    fn remove(&mut self, goods: Goods, failed: &mut Failed) {
        let Goods {
            addresses,
            routes,
            rules,
        } = goods;
        let rules = rules.into_iter().rev().map(|one| {
            let change = rule::delete(&one);
            (Good::from(one), change)
        });
        // An interface that is gone took its routes and addresses along: no failure.
        let routes = routes.into_iter().rev().filter_map(|one| {
            let change = route::delete(&one, &self.inventory).ok()?;
            Some((Good::from(one), change))
        });
        let changes: Vec<(Good, Change)> = rules.chain(routes).collect();
        let (goods, changes): (Vec<Good>, Vec<Change>) = changes.into_iter().unzip();
        let answers = self.netlink.ask(changes);
        not_removed(goods, answers, failed);
        let found = self.resolve(addresses, &mut Vec::new());
        for (spec, index) in &found {
            self.inventory.release(*index, spec.cidr.addr);
        }
        let answers = self.netlink.delete(&found);
        let goods: Vec<Good> = found.into_iter().map(|(spec, _)| spec.into()).collect();
        not_removed(goods, answers, failed);
    }

    /// The interfaces' indexes now; addresses without one fail.
    fn resolve(&self, addresses: Vec<AddressSpec>, failed: &mut Failed) -> Vec<(AddressSpec, IfIndex)> {
        let mut found = Vec::with_capacity(addresses.len());
        for spec in addresses {
            match self.inventory.index_of(&spec.interface) {
                Some(index) => found.push((spec, index)),
                None => {
                    let why = format!("no interface {}", spec.interface);
                    failed.push((spec.into(), why));
                }
            }
        }
        found
    }

    /// Removes everything that is held: nobody sends adverts for it any more.
    pub(super) fn withdraw_all(&mut self) {
        let heard = self.monitor.take();
        self.take_in(heard);
        let mut failed = Vec::new();
        for goods in std::mem::take(&mut self.held).into_values() {
            self.remove(goods, &mut failed);
        }
        for (good, why) in failed {
            tracing::error!(target: "vrrp", "cannot remove {good}: {why}");
        }
    }
}

/// What could not be removed; that it is not there is no failure.
fn not_removed(
    goods: Vec<Good>,
    answers: Result<Vec<Result<(), Refusal>>, NetlinkError>,
    failed: &mut Failed,
) {
    match answers {
        Ok(answers) => {
            let refused = goods.into_iter().zip(answers).filter_map(|(good, answer)| {
                let refusal = answer.err().filter(|refusal| !refusal.not_there())?;
                Some((good, refusal.to_string()))
            });
            failed.extend(refused);
        }
        Err(error) => failed.extend(goods.into_iter().map(|good| (good, error.to_string()))),
    }
}

/// Whether a release of the same router that waits in `queue`, newer than `order`, names something.
fn takes_back(queue: &VecDeque<Request>, order: &Order, names: impl Fn(&Goods) -> bool) -> bool {
    queue.iter().any(|request| match request {
        Request::Release(newer) => {
            newer.router == order.router && newer.generation > order.generation && names(&newer.goods)
        }
        Request::Prepare { .. }
        | Request::Settle
        | Request::Hold(_)
        | Request::Close(_)
        | Request::End { .. } => false,
    })
}

fn completion(order: &Order, failed: Failed) -> Completion {
    Completion {
        router: order.router,
        generation: order.generation,
        failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Cidr, IfName};
    use crate::vrrp::RouterId;

    fn spec(address: &str) -> AddressSpec {
        AddressSpec::new(Cidr::host(address.parse().unwrap()), IfName::new("eth0").unwrap())
    }

    fn order(router: u32, generation: u64, addresses: &[&str]) -> Order {
        Order {
            router: RouterId(router),
            generation,
            goods: Goods {
                addresses: addresses.iter().map(|a| spec(a)).collect(),
                ..Goods::default()
            },
        }
    }

    #[test]
    fn a_hold_that_a_newer_release_overtook_is_not_carried_out() {
        let hold = order(1, 5, &["10.0.0.1", "10.0.0.2"]);
        let taken = |release: Order| {
            let queue = VecDeque::from([Request::Release(release)]);
            hold.goods
                .addresses
                .iter()
                .map(|spec| takes_back(&queue, &hold, |goods| goods.names_address(spec)))
                .collect::<Vec<_>>()
        };
        assert_eq!(taken(order(1, 6, &["10.0.0.1", "10.0.0.2"])), [true, true]);
        assert_eq!(
            taken(order(1, 6, &["10.0.0.2"])),
            [false, true],
            "a reload takes one back"
        );
        assert_eq!(
            taken(order(1, 4, &["10.0.0.1", "10.0.0.2"])),
            [false, false],
            "an older one"
        );
        assert_eq!(
            taken(order(2, 9, &["10.0.0.1"])),
            [false, false],
            "another router's"
        );
        let mut labelled = order(1, 6, &["10.0.0.1"]);
        labelled.goods.addresses[0].label = Some("eth0:x".into());
        assert_eq!(taken(labelled), [true, false], "the label does not matter");
    }
}
