//! A router that was MASTER in an earlier run of the daemon, until it is MASTER again or its claim is refused.

use super::{Cx, State, VirtualRouter};
use crate::vrrp::Priority;
use crate::vrrp::accept::accept;
use crate::vrrp::claim::{Claim, Heritage, Refusal};
use crate::vrrp::event::Datagram;
use crate::vrrp::priority::Standing;
use crate::vrrp::telling::Says;
use std::cmp::Ordering;

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
