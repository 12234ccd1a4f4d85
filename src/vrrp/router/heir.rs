//! A router that was MASTER in an earlier run of the daemon, until it is MASTER again or its claim is refused.

use super::{Cx, State, VirtualRouter};
use crate::net::{AddressSpec, Goods, IfName};
use crate::vrrp::Priority;
use crate::vrrp::accept::accept;
use crate::vrrp::claim::{Claim, Heritage, Refusal};
use crate::vrrp::event::{Action, Datagram, Order};
use crate::vrrp::priority::Standing;
use crate::vrrp::telling::Says;
use std::cmp::Ordering;
use std::net::IpAddr;

impl VirtualRouter {
    /// It was MASTER before it began.
    pub(in crate::vrrp) fn inherit(&mut self, claim: Claim) {
        let heritage = Heritage::new(claim, &self.config);
        if let State::Init(own) = &mut self.state {
            *own = Some(Box::new(heritage));
        }
    }

    /// What it may take over.
    pub(super) const fn heritage(&self) -> Option<&Heritage> {
        match &self.state {
            State::Init(Some(heritage)) => Some(heritage),
            State::Init(None) | State::Backup(_) | State::Master(_) | State::Fault => None,
        }
    }

    /// Whether it may take something over.
    pub(in crate::vrrp) const fn is_heir(&self) -> bool {
        self.heritage().is_some()
    }

    /// What speaks against its being MASTER at once. Whoever waits for a script's word may still be, when that is good.
    pub(in crate::vrrp) fn objection(&self, cx: &Cx<'_>) -> Option<Refusal> {
        let heritage = self.heritage()?;
        if cx.begins > cx.now {
            return Some(Refusal::StartDelayed);
        }
        if heritage.until <= cx.now {
            let age = cx.now.since(heritage.advert_at);
            return Some(Refusal::TooOld { age });
        }
        if Standing::of(&self.causes) == Standing::Faulty {
            let cause = self.causes.iter().next().map(ToString::to_string);
            return Some(Refusal::Fault(cause.unwrap_or_default()));
        }
        if let Some(refusal) = self.rival(heritage) {
            return Some(refusal);
        }
        let there: Vec<_> = (cx.world.found(&self.config).into_iter())
            .map(|spec| (spec.interface, spec.cidr.addr))
            .collect();
        heritage.missing(&self.config, &there).map(Refusal::Missing)
    }

    /// What it held in the earlier run and is neither anybody's now nor among `statics` goes, if it is there.
    pub(in crate::vrrp) fn release_strays(&self, cx: &mut Cx<'_>, statics: &[AddressSpec]) {
        let Some(heritage) = self.heritage() else { return };
        let is_static = |(interface, address): &&(IfName, IpAddr)| {
            let mut all = statics.iter();
            all.any(|one| one.interface == *interface && one.cidr.addr == *address)
        };
        let held = heritage.held().iter().filter(|held| !is_static(held));
        let strays = cx.world.strays(held);
        if strays.is_empty() {
            return;
        }
        for stray in &strays {
            self.say(cx, Says::RemovingStray(stray.clone()));
        }
        cx.actions.push_back(Action::Release(Order {
            router: self.id,
            generation: 0,
            goods: Goods {
                addresses: strays,
                ..Goods::default()
            },
        }));
    }

    /// Another master, to whom it would have to yield, or who would not have to yield to it.
    fn rival(&self, heritage: &Heritage) -> Option<Refusal> {
        let (priority, sender) = heritage.rival()?;
        let address = self.source.map_or(Ordering::Less, |own| sender.cmp(&own));
        let better = priority.cmp(&self.priority()).then(address) == Ordering::Greater;
        let theirs = self.source != Some(sender);
        (theirs && (better || self.config.nopreempt)).then_some(Refusal::Rival { sender, priority })
    }

    /// An advert came before it is decided what it is: whether somebody else is MASTER counts.
    pub(in crate::vrrp) fn hear_as_heir(&mut self, cx: &Cx<'_>, datagram: &Datagram) {
        let State::Init(Some(heritage)) = &mut self.state else {
            return;
        };
        if let Ok(advert) = accept(&self.config, datagram, &mut self.memory, cx.wall)
            && advert.priority != Priority::RELEASE
        {
            heritage.hear(advert.priority, advert.source);
        }
    }

    /// It takes nothing over: what it was to hold goes, if that was not settled before.
    pub(in crate::vrrp) fn disinherit(&mut self, cx: &mut Cx<'_>, why: Refusal) {
        if let State::Init(heritage @ Some(_)) = &mut self.state {
            *heritage = None;
            self.say(cx, Says::NotResumed(why));
            self.release_all(cx);
        }
    }
}
