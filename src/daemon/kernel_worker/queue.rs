//! What the VRRP thread has asked for and is not carried out yet, in order.

use super::Request;
use crate::net::Goods;
use crate::netlink::apply::BATCH;
use crate::vrrp::RouterId;
use crate::vrrp::event::Order;
use std::collections::{BTreeMap, VecDeque};

/// Requests that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    requests: VecDeque<Request>,
    /// How many releases of each router wait: most have none, and of thousands not every order can look at every request.
    releases: BTreeMap<RouterId, usize>,
}

/// The kinds of orders.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Hold,
    Release,
}

impl Queue {
    pub(super) fn push(&mut self, request: Request) {
        if let Request::Release(order) = &request {
            *self.releases.entry(order.router).or_default() += 1;
        }
        self.requests.push_back(request);
    }

    pub(super) fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        if let Request::Release(order) = &request
            && let Some(count) = self.releases.get_mut(&order.router)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.releases.remove(&order.router);
            }
        }
        Some(request)
    }

    /// `first`, and the orders that come next and can be carried out with it: of the same kind, of addresses alone, and no
    /// more than one request to the kernel has room for.
    pub(super) fn with_next(&mut self, first: Order, kind: Kind) -> Vec<Order> {
        let mut room = BATCH.saturating_sub(first.goods.addresses.len());
        let alone = has_addresses_alone(&first.goods);
        let mut orders = vec![first];
        while alone && let Some(next) = self.requests.front() {
            let order = match (kind, next) {
                (Kind::Hold, Request::Hold(order)) | (Kind::Release, Request::Release(order)) => order,
                (Kind::Hold | Kind::Release, _) => break,
            };
            let count = order.goods.addresses.len();
            if count > room || !has_addresses_alone(&order.goods) {
                break;
            }
            room -= count;
            if let Some(Request::Hold(order) | Request::Release(order)) = self.pop() {
                orders.push(order);
            }
        }
        orders
    }

    /// Whether a release of the same router that waits, newer than `order`, names something.
    pub(super) fn takes_back(&self, order: &Order, names: impl Fn(&Goods) -> bool) -> bool {
        self.releases.contains_key(&order.router)
            && self.requests.iter().any(|request| match request {
                Request::Release(newer) => {
                    newer.router == order.router && newer.generation > order.generation && names(&newer.goods)
                }
                Request::Prepare { .. }
                | Request::Settle
                | Request::Reach
                | Request::Hold(_)
                | Request::Beat(_)
                | Request::Close(_)
                | Request::End { .. } => false,
            })
    }
}

/// Whether there are neither routes nor rules, which come after the addresses and go before them.
const fn has_addresses_alone(goods: &Goods) -> bool {
    goods.routes.is_empty() && goods.rules.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{AddressSpec, Cidr, Family, IfName, Rule, RuleAction};

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
            let mut queue = Queue::default();
            queue.push(Request::Release(release));
            let taken: Vec<bool> = (hold.goods.addresses.iter())
                .map(|spec| queue.takes_back(&hold, |goods| goods.names_address(spec)))
                .collect();
            queue.pop();
            let none = |spec| !queue.takes_back(&hold, |goods| goods.names_address(spec));
            assert!(hold.goods.addresses.iter().all(none), "it waits no more");
            taken
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

    /// Every other release of the router still counts when one has been carried out.
    #[test]
    fn releases_are_counted() {
        let mut queue = Queue::default();
        for generation in [6, 8] {
            queue.push(Request::Release(order(1, generation, &["10.0.0.1"])));
        }
        let takes_back = |queue: &Queue, generation| {
            let names = |goods: &Goods| goods.names_address(&spec("10.0.0.1"));
            queue.takes_back(&order(1, generation, &["10.0.0.1"]), names)
        };
        queue.pop();
        assert!(takes_back(&queue, 7));
        assert!(!takes_back(&queue, 8));
        queue.pop();
        assert!(!takes_back(&queue, 7));
    }

    #[test]
    fn orders_of_a_kind_go_together_as_far_as_there_is_room() {
        let mut queue = Queue::default();
        let many: Vec<String> = (0..BATCH - 2).map(|n| format!("10.0.1.{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut ruled = order(4, 1, &["10.0.0.4"]);
        ruled.goods.rules.push(Rule::new(Family::V4, RuleAction::Nop, 7));
        for request in [
            Request::Hold(order(2, 1, &["10.0.0.2"])),
            Request::Hold(order(3, 1, &many)),
            Request::Hold(ruled),
            Request::Hold(order(5, 1, &["10.0.0.5"])),
            Request::Release(order(5, 2, &["10.0.0.5"])),
            Request::Release(order(6, 1, &["10.0.0.6"])),
        ] {
            queue.push(request);
        }
        let mut next = |first: Order, kind| -> Vec<u32> {
            let orders = queue.with_next(first, kind);
            orders.iter().map(|order| order.router.0).collect()
        };
        assert_eq!(next(order(1, 1, &["10.0.0.1"]), Kind::Hold), [1, 2, 3]);
        assert_eq!(next(order(1, 1, &["10.0.0.1"]), Kind::Hold), [1], "no rules");
        let mut popped = || match queue.pop() {
            Some(Request::Hold(order)) => order,
            other => panic!("{other:?}"),
        };
        let (ruled, last) = (popped(), popped());
        assert!(!ruled.goods.rules.is_empty());
        assert_eq!(
            queue.with_next(last.clone(), Kind::Hold),
            [last],
            "a release is next"
        );
    }
}
