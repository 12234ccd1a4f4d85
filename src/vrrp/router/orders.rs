//! What a router does with its addresses: hold, release, announce (facts 2.11, 2.13, 11).
//!
//! Orders carry a generation that counts up. The answer to an old one is of no interest: whatever it did has been
//! overtaken by a newer order.

use super::{Cx, Fall, Master, State, VirtualRouter};
use crate::net::{AddressSpec, IfName};
use crate::vrrp::announce::Schedule;
use crate::vrrp::config::{RouterConfig, Transport};
use crate::vrrp::event::{Action, AddressOrder, Completion, NotifyState};
use crate::vrrp::telling::Says;
use crate::vrrp::world::addresses;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Whether the addresses are where they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// This order has not been answered yet.
    Pending {
        generation: u64,
        /// To be announced as soon as they are there.
        fresh: Vec<AddressSpec>,
    },
    /// All that the kernel took are there.
    Done,
}

impl VirtualRouter {
    /// Becoming MASTER: everything is installed, in the configured order.
    pub(super) fn hold_all(&mut self, cx: &mut Cx<'_>) {
        let wanted: Vec<_> = addresses(&self.config).cloned().collect();
        self.claimed.clone_from(&wanted);
        if wanted.is_empty() {
            return self.notify(cx, NotifyState::Master);
        }
        self.say(cx, Says::SettingVips);
        self.hold(cx, wanted.clone(), wanted);
    }

    /// Ceasing to be MASTER: everything is removed, and nothing is announced any more.
    pub(in crate::vrrp) fn release_all(&mut self, cx: &mut Cx<'_>) {
        cx.pacer.forget(self.id);
        let addresses = std::mem::take(&mut self.claimed);
        if !addresses.is_empty() {
            self.say(cx, Says::RemovingVips);
            self.release(cx, addresses);
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
    pub(in crate::vrrp) fn clean_up(
        &mut self,
        cx: &mut Cx<'_>,
        in_use: &BTreeSet<(IfName, IpAddr)>,
        adopt: bool,
    ) {
        let mut addresses = cx.world.found(&self.config);
        addresses.retain(|a| !in_use.contains(&(a.interface.clone(), a.cidr.addr)));
        if adopt {
            self.claimed = addresses;
        } else if !addresses.is_empty() {
            self.say(cx, Says::RemovingVips);
            cx.actions.push_back(Action::Release(AddressOrder {
                router: self.id,
                generation: 0,
                addresses,
            }));
        }
    }

    /// The addresses that it holds, or is about to.
    pub(in crate::vrrp) fn claims(&self) -> impl Iterator<Item = (IfName, IpAddr)> + '_ {
        self.claimed.iter().map(|a| (a.interface.clone(), a.cidr.addr))
    }

    /// A reload's first half: addresses that are not wanted any more go.
    pub(in crate::vrrp) fn release_unwanted(&mut self, cx: &mut Cx<'_>, new: &RouterConfig) {
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.claimed)
            .into_iter()
            .partition(|held| addresses(new).any(|a| a == held));
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
        let missing: Vec<_> = addresses(&self.config)
            .filter(|a| !self.claimed.contains(a))
            .cloned()
            .collect();
        match hold {
            Hold::Done => {
                if !missing.is_empty() {
                    self.claimed.extend(missing.iter().cloned());
                    self.hold(cx, missing.clone(), missing);
                }
            }
            Hold::Pending { generation, .. } if missing.is_empty() && *generation == self.generation => {}
            // A release has overtaken the unanswered order: all is ordered anew.
            Hold::Pending { .. } => {
                let wanted: Vec<_> = addresses(&self.config).cloned().collect();
                self.claimed.clone_from(&wanted);
                if wanted.is_empty() {
                    self.held_as_far_as_possible(cx, Vec::new());
                } else {
                    self.hold(cx, wanted.clone(), wanted);
                }
            }
        }
    }

    /// The answer to a hold. What the kernel refused is told, and not announced.
    pub(in crate::vrrp) fn held(&mut self, cx: &mut Cx<'_>, answer: Completion) {
        let fresh = match &mut self.state {
            State::Master(Master {
                hold: Hold::Pending { generation, fresh },
                ..
            }) if *generation == answer.generation => std::mem::take(fresh),
            State::Init | State::Backup(_) | State::Master(_) | State::Fault => return,
        };
        let refused = |a: &AddressSpec| answer.failed.iter().any(|(failed, _)| failed == a);
        self.claimed.retain(|a| !refused(a));
        let fresh: Vec<_> = fresh.into_iter().filter(|a| !refused(a)).collect();
        for (address, why) in answer.failed {
            self.say(cx, Says::HoldFailed(address, why));
        }
        self.held_as_far_as_possible(cx, fresh);
    }

    /// The answer to a release: nothing depends on it, but a refusal has to be known.
    pub(in crate::vrrp) fn released(&self, cx: &mut Cx<'_>, answer: Completion) {
        for (address, why) in answer.failed {
            self.say(cx, Says::ReleaseFailed(address, why));
        }
    }

    /// Somebody else removed an address: a MASTER that held it falls back (fact 2.21).
    pub(in crate::vrrp) fn robbed(&mut self, interface: &IfName, address: IpAddr) -> bool {
        let mut ours = self.claimed.iter();
        let robbed = matches!(self.state, State::Master(_))
            && ours.any(|a| a.interface == *interface && a.cidr.addr == address);
        if robbed {
            self.fall = Some(Fall::Robbed);
        }
        robbed
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
        self.announce(cx, rounds, &self.claimed);
    }

    /// A unicast router that comes back shows its peers where it is (fact 2.16).
    pub(super) fn announce_source(&self, cx: &mut Cx<'_>) {
        let unicast = match self.config.transport {
            Transport::Multicast { .. } => false,
            Transport::Unicast { .. } => true,
        };
        let target = self
            .source
            .and_then(|source| cx.world.target(&self.config.interface, source));
        if let Some(target) = target.filter(|_| unicast) {
            cx.pacer
                .submit(cx.now, self.id, 1, vec![target], &self.config.garp, cx.actions);
        }
    }

    fn held_as_far_as_possible(&mut self, cx: &mut Cx<'_>, fresh: Vec<AddressSpec>) {
        let garp = self.config.garp;
        let first = self.notified != Some(NotifyState::Master);
        if let State::Master(master) = &mut self.state {
            master.hold = Hold::Done;
            if first || !fresh.is_empty() {
                master.schedule = Schedule::started(cx.now, &garp);
            }
        }
        self.announce(cx, garp.repeat, &fresh);
        self.notify(cx, NotifyState::Master);
    }

    fn announce(&self, cx: &mut Cx<'_>, rounds: u32, what: &[AddressSpec]) {
        let mut targets = Vec::new();
        for a in what {
            if let Some(target) = cx.world.target(&a.interface, a.cidr.addr) {
                self.say(cx, Says::Announcing(a.interface.clone(), a.cidr.addr));
                targets.push(target);
            }
        }
        cx.pacer
            .submit(cx.now, self.id, rounds, targets, &self.config.garp, cx.actions);
    }

    fn hold(&mut self, cx: &mut Cx<'_>, order: Vec<AddressSpec>, fresh: Vec<AddressSpec>) {
        self.generation += 1;
        let generation = self.generation;
        cx.actions.push_back(Action::Hold(AddressOrder {
            router: self.id,
            generation,
            addresses: order,
        }));
        if let State::Master(master) = &mut self.state {
            master.hold = Hold::Pending { generation, fresh };
        }
    }

    fn release(&mut self, cx: &mut Cx<'_>, addresses: Vec<AddressSpec>) {
        self.generation += 1;
        let generation = self.generation;
        cx.actions.push_back(Action::Release(AddressOrder {
            router: self.id,
            generation,
            addresses,
        }));
    }
}
