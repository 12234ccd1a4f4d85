//! `drift_repair`: what others take away is put back without a transition, so often within a minute; after that the router
//! falls back as if nothing were to be repaired.

use super::orders::is_watched;
use super::{Cx, Fall, State, VirtualRouter};
use crate::clock::Instant;
use crate::net::{Good, Goods};
use crate::vrrp::event::{Action, Order};
use crate::vrrp::telling::Says;
use std::collections::VecDeque;
use std::time::Duration;

/// Repairs are counted within the last minute.
const WINDOW: Duration = Duration::from_secs(60);
/// What is taken away in this time is one repair, unless the same is taken twice: a flush takes all at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// When a router has repaired. Lives through states and reloads.
#[derive(Clone, Debug, Default)]
pub(super) struct Repairs {
    /// Within the last minute, the oldest first: at most as many as are allowed.
    begun: VecDeque<Instant>,
    /// What the last of them has put back.
    latest: Goods,
}

impl Repairs {
    /// Counts a repair, if one more is allowed.
    fn allow(&mut self, now: Instant, most: u32, taken: &[Good]) -> bool {
        while self.begun.front().is_some_and(|at| now.since(*at) >= WINDOW) {
            self.begun.pop_front();
        }
        let last = self.begun.back();
        let goes_on = last.is_some_and(|at| now.since(*at) < AT_ONCE)
            && !taken.iter().any(|good| self.latest.contains(good));
        if !goes_on {
            if self.begun.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
                return false;
            }
            self.begun.push_back(now);
            self.latest = Goods::default();
        }
        taken.iter().for_each(|good| self.latest.add(good.clone()));
        true
    }
}

impl VirtualRouter {
    /// Others have taken this away, which it claimed as MASTER. Whether it wants to fall: not if it was put back, nor
    /// if none of it is watched.
    pub(super) fn bereft(&mut self, cx: &mut Cx<'_>, taken: Vec<Good>) -> bool {
        if taken.is_empty() {
            return false;
        }
        let most = self.config.drift_repair;
        if let Some(most) = most
            && self.repairs.allow(cx.now, most, &taken)
        {
            self.put_back(cx, taken);
            return false;
        }
        let falls = taken.iter().any(is_watched);
        if falls {
            if let Some(most) = most {
                self.say(cx, Says::TooManyRepairs(most));
            }
            self.fall = Some(Fall::Robbed);
        }
        falls
    }

    /// An order of its own, beside the one that may still be unanswered.
    fn put_back(&mut self, cx: &mut Cx<'_>, taken: Vec<Good>) {
        let mut goods = Goods::default();
        for good in taken {
            self.say(cx, Says::PuttingBack(good.clone()));
            goods.add(good);
        }
        self.generation += 1;
        if let State::Master(master) = &mut self.state {
            master.mended.insert(self.generation, goods.addresses.clone());
        }
        cx.actions.push_back(Action::Hold(Order {
            router: self.id,
            generation: self.generation,
            goods,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Family, Rule, RuleAction};

    fn good(number: u32) -> Good {
        Rule::new(Family::V4, RuleAction::Nop, number).into()
    }

    fn at(ms: u64) -> Instant {
        Instant::from_micros(1_000_000_000) + Duration::from_millis(ms)
    }

    #[test]
    fn what_goes_at_once_is_one_repair_and_what_goes_twice_is_two() {
        let mut repairs = Repairs::default();
        for number in 0..50 {
            assert!(repairs.allow(at(u64::from(number)), 2, &[good(number)]));
        }
        assert_eq!(repairs.begun.len(), 1);
        assert!(repairs.allow(at(60), 2, &[good(7)]), "it was put back by then");
        assert!(repairs.allow(at(70), 2, &[good(8)]));
        assert!(!repairs.allow(at(80), 2, &[good(8)]));
        assert_eq!(repairs.begun.len(), 2);
    }

    #[test]
    fn a_minute_later_it_is_forgotten() {
        let mut repairs = Repairs::default();
        assert!(repairs.allow(at(0), 2, &[good(1)]));
        assert!(repairs.allow(at(30_000), 2, &[good(1)]));
        assert!(!repairs.allow(at(59_999), 2, &[good(1)]));
        assert!(repairs.allow(at(60_000), 2, &[good(1)]), "the window slides");
        assert!(!repairs.allow(at(89_999), 2, &[good(1)]));
        assert!(repairs.allow(at(90_000), 2, &[good(1)]));
    }
}
