//! A start that goes on where an earlier run was killed or told to leave everything: who was MASTER stays it.
//!
//! Before [`Engine::start`] claims are handed in, and adverts are heard for those who have one. At the start a whole team
//! (a sync group, or a router alone) becomes MASTER at once, or none of it: then what was left over goes, as ever. A team
//! that waits for a script's first word keeps its claim and its addresses for as long as the claim lasts.

use super::{Engine, Phase};
use crate::clock::Instant;
use crate::vrrp::RouterId;
use crate::vrrp::claim::{Claim, Estate, Refusal};
use crate::vrrp::event::Datagram;
use crate::vrrp::router::VirtualRouter;
use std::collections::BTreeMap;

impl Engine {
    /// Hands in what an earlier run has left. To be called before [`Self::start`]; claims of routers that this
    /// configuration does not have are dropped.
    pub fn resume(&mut self, now: Instant, claims: Vec<Claim>) {
        if self.phase != Phase::Waiting {
            return;
        }
        let mut by_key: BTreeMap<_, Vec<RouterId>> = BTreeMap::new();
        for router in self.routers.values() {
            by_key.entry(router.config.key()).or_default().push(router.id);
        }
        for claim in claims {
            let ids = by_key.get(&claim.key).cloned().unwrap_or_default();
            for id in &ids {
                self.with(now, *id, |router, cx| {
                    router.inherit(claim.clone());
                    if ids.len() > 1 {
                        router.disinherit(cx, Refusal::Ambiguous);
                    }
                });
            }
        }
    }

    /// What is worth being written down of each router, in no order.
    pub fn estates(&self) -> impl Iterator<Item = Estate> {
        let routers = self.routers.values();
        routers.map(|router| Estate::of(router.id, &router.config))
    }

    /// An advert that came before the start.
    pub(super) fn hear_early(&mut self, now: Instant, datagram: &Datagram) {
        if let Some(id) = self.addressee(datagram) {
            self.with(now, id, |router, cx| router.hear_as_heir(cx, datagram));
        }
    }

    /// Refuses the claims of every team that cannot be MASTER as a whole.
    pub(super) fn judge_claims(&mut self, now: Instant) {
        for at in 0..self.teams.len() {
            self.judge_claims_of(now, at);
        }
    }

    /// The same for one team, whose claims may be pending; costs nothing where there are none.
    pub(super) fn judge_claims_of(&mut self, now: Instant, at: usize) {
        let is_heir = |id: &RouterId| self.routers.get(id).is_some_and(VirtualRouter::is_heir);
        let team = self.teams.get(at);
        if !team.is_some_and(|team| team.members.iter().any(is_heir)) {
            return;
        }
        let members = self.members(at);
        let mut refused = !members.iter().all(is_heir);
        let mut objections = Vec::new();
        for id in members {
            let objection = self.with(now, id, |router, cx| router.objection(cx)).flatten();
            refused |= objection.is_some();
            objections.push((id, objection));
        }
        for (id, objection) in objections.into_iter().filter(|_| refused) {
            let why = objection.unwrap_or(Refusal::Group);
            self.with(now, id, |router, cx| router.disinherit(cx, why));
        }
    }

    /// Addresses of the earlier run that nobody is to have any more go, where it goes on: whoever began anew would not know
    /// of them.
    pub(super) fn release_strays(&mut self, now: Instant) {
        for id in self.order.clone() {
            if self.routers.get(&id).is_some_and(VirtualRouter::is_heir) {
                let statics = self.config.statics.addresses.clone();
                self.with(now, id, |router, cx| router.release_strays(cx, &statics));
            }
        }
    }

    /// The configuration is another one: what was claimed and is not settled yet is given up.
    pub(super) fn forget_claims(&mut self, now: Instant) {
        for id in self.order.clone() {
            self.with(now, id, |router, cx| router.disinherit(cx, Refusal::Reloaded));
        }
    }
}
