//! When addresses are announced: bursts, their repetitions, and the pace (facts 11.3 to 11.6).
//!
//! [`Schedule`] is a MASTER's own deadlines; [`Pacer`] belongs to all routers, because `garp_interval` limits what leaves
//! an interface, whoever sends it. Neither sends: they leave [`Action::Announce`]s.

use super::RouterId;
use super::config::GarpConfig;
use super::event::{Action, AnnounceTarget, Announcement};
use crate::clock::Instant;
use crate::net::{Family, IfIndex};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Between two bursts because of lower-priority adverts. One advert costs its sender one packet and us
/// repeat × addresses: without a limit a burst of them would hold up every other router of this host. A burst that
/// comes too soon is put off, never left out.
const LOWER_PRIO_GAP: Duration = Duration::from_millis(100);

/// The bursts that a MASTER still owes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    second_at: Option<Instant>,
    refresh_at: Option<Instant>,
    lower_prio_at: Option<Instant>,
    /// The last first burst because of a lower-priority advert.
    lower_prio_sent: Option<Instant>,
    /// The next one, put off.
    lower_prio_put_off: Option<Instant>,
}

impl Schedule {
    /// The first burst has just been sent.
    pub(super) fn started(now: Instant, garp: &GarpConfig) -> Self {
        Self {
            second_at: (!garp.delay.is_zero()).then(|| now + garp.delay),
            refresh_at: (!garp.refresh.is_zero()).then(|| now + garp.delay + garp.refresh),
            lower_prio_at: None,
            lower_prio_sent: None,
            lower_prio_put_off: None,
        }
    }

    /// A lower-priority advert was heard. True: the burst is to be sent now; otherwise it is too soon after the last,
    /// and owed.
    pub(super) fn lower_prio(&mut self, now: Instant, garp: &GarpConfig) -> bool {
        let free_at = self.lower_prio_sent.map(|at| at + LOWER_PRIO_GAP);
        if let Some(at) = free_at.filter(|at| now < *at) {
            self.lower_prio_put_off = Some(at);
            return false;
        }
        self.lower_prio_begun(now, garp);
        true
    }

    /// The first burst leaves now; the second is owed.
    fn lower_prio_begun(&mut self, now: Instant, garp: &GarpConfig) {
        self.lower_prio_sent = Some(now);
        self.lower_prio_put_off = None;
        self.lower_prio_at = (!garp.lower_prio_delay.is_zero()).then(|| now + garp.lower_prio_delay);
    }

    /// Takes over a new configuration's refresh; what is owed stays owed.
    pub(super) fn retuned(&mut self, now: Instant, garp: &GarpConfig) {
        self.refresh_at = (!garp.refresh.is_zero()).then(|| now + garp.refresh);
    }

    /// The next burst.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [
            self.second_at,
            self.refresh_at,
            self.lower_prio_at,
            self.lower_prio_put_off,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The rounds that are due, which are none any more afterwards.
    pub(super) fn due(&mut self, now: Instant, garp: &GarpConfig) -> u32 {
        let is_due = |at: &Instant| *at <= now;
        let mut rounds = 0;
        if self.second_at.take_if(|at| is_due(at)).is_some() {
            rounds += garp.repeat;
        }
        if self.lower_prio_at.take_if(|at| is_due(at)).is_some() {
            rounds += garp.lower_prio_repeat;
        }
        if self.lower_prio_put_off.is_some_and(|at| is_due(&at)) {
            self.lower_prio_begun(now, garp);
            rounds += garp.lower_prio_repeat;
        }
        if let Some(at) = self.refresh_at.filter(is_due) {
            rounds += garp.refresh_repeat;
            let next = at + garp.refresh;
            self.refresh_at = Some(if next > now { next } else { now + garp.refresh });
        }
        rounds
    }
}

/// What may leave an interface when.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    lanes: BTreeMap<(IfIndex, Family), Lane>,
}

/// Gratuitous ARPs, or neighbour advertisements, of one interface.
#[derive(Debug, Default)]
struct Lane {
    free_at: Instant,
    queue: VecDeque<Waiting>,
}

/// An address that waits for its turn.
#[derive(Debug)]
struct Waiting {
    router: RouterId,
    target: AnnounceTarget,
    interval: Duration,
    rounds: u32,
}

impl Pacer {
    /// Sends `rounds` rounds of `targets` at once where there is no limit, and queues them where there is.
    pub(super) fn submit(
        &mut self,
        now: Instant,
        router: RouterId,
        rounds: u32,
        targets: Vec<AnnounceTarget>,
        garp: &GarpConfig,
        actions: &mut VecDeque<Action>,
    ) {
        let interval = |target: &AnnounceTarget| match target.family() {
            Family::V4 => garp.garp_interval,
            Family::V6 => garp.gna_interval,
        };
        if rounds == 0 {
            return;
        }
        let (free, paced): (Vec<_>, Vec<_>) = targets.into_iter().partition(|t| interval(t).is_zero());
        if !free.is_empty() {
            for _ in 0..rounds {
                actions.push_back(Action::Announce(Announcement {
                    router,
                    targets: free.clone(),
                }));
            }
        }
        for target in paced {
            let interval = interval(&target);
            let lane = self.lanes.entry((target.interface, target.family())).or_default();
            let same = |w: &&mut Waiting| w.router == router && w.target.address == target.address;
            match lane.queue.iter_mut().find(same) {
                Some(waiting) => {
                    waiting.rounds = waiting.rounds.max(rounds);
                    waiting.target = target;
                }
                None => lane.queue.push_back(Waiting {
                    router,
                    target,
                    interval,
                    rounds,
                }),
            }
        }
        self.send_due(now, actions);
    }

    /// When the next queued message may leave.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lanes
            .values()
            .filter(|lane| !lane.queue.is_empty())
            .map(|lane| lane.free_at)
            .min()
    }

    /// Sends what may leave now: one message for each lane that is free.
    pub(super) fn send_due(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        for lane in self.lanes.values_mut().filter(|lane| lane.free_at <= now) {
            let Some(mut next) = lane.queue.pop_front() else {
                continue;
            };
            lane.free_at = now + next.interval;
            actions.push_back(Action::Announce(Announcement {
                router: next.router,
                targets: vec![next.target.clone()],
            }));
            next.rounds -= 1;
            if next.rounds > 0 {
                lane.queue.push_back(next);
            }
        }
    }

    /// Drops what `router` has waiting: it is not MASTER any more.
    pub(super) fn forget(&mut self, router: RouterId) {
        for lane in self.lanes.values_mut() {
            lane.queue.retain(|w| w.router != router);
        }
    }
}

#[cfg(test)]
mod tests;
