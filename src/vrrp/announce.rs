//! When addresses are announced: bursts, their repetitions, and the pace (facts 11.3 to 11.6).
//!
//! [`Schedule`] is a MASTER's own deadlines; [`Pacer`] belongs to all routers, because `garp_interval` limits what leaves
//! an interface or a `garp_group`, whoever sends it. Neither sends: they leave [`Action::Announce`]s.

use super::RouterId;
use super::config::GarpConfig;
use super::event::{Action, AnnounceTarget, Announcement};
use crate::clock::Instant;
use crate::net::{Family, IfIndex};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
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
    extra_at: Option<Instant>,
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
            extra_at: garp.extra.map(|extra| now + garp.delay + extra.interval),
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
        self.extra_at = garp.extra.map(|extra| now + extra.interval);
    }

    /// The next burst.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [
            self.second_at,
            self.refresh_at,
            self.extra_at,
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

    /// Whether further interfaces are due, which are not any more afterwards (fact 11.5).
    pub(super) fn extra_due(&mut self, now: Instant, garp: &GarpConfig) -> bool {
        let due = self.extra_at.filter(|at| *at <= now);
        if let (Some(at), Some(extra)) = (due, garp.extra) {
            let next = at + extra.interval;
            self.extra_at = Some(if next > now { next } else { now + extra.interval });
        }
        due.is_some()
    }
}

/// An address to be announced, and the limit that it is under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paced {
    pub(super) target: AnnounceTarget,
    pub(super) lane: Lane,
    /// Least time between two messages of the lane; zero: no limit.
    pub(super) interval: Duration,
}

/// What shares a limit: a `garp_group`, or an interface with the VMACs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// By its place in the configuration.
    Group(usize),
    Interface(IfIndex),
}

/// What may leave when, and what left last.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    lanes: BTreeMap<(Lane, Family), Queue>,
    /// When each address was announced last.
    announced: BTreeMap<RouterId, BTreeMap<IpAddr, Instant>>,
}

/// Gratuitous ARPs, or neighbour advertisements, of one lane.
#[derive(Debug, Default)]
struct Queue {
    free_at: Instant,
    /// Whose turn it is. A turn whose number is not that of the one who waits is void.
    turns: VecDeque<(Key, u64)>,
    waiting: BTreeMap<Key, Waiting>,
    numbers: u64,
}

type Key = (RouterId, IpAddr, IfIndex);

/// An address that waits for its turn.
#[derive(Debug)]
struct Waiting {
    target: AnnounceTarget,
    interval: Duration,
    rounds: u32,
    turn: u64,
}

impl Pacer {
    /// Sends `rounds` rounds of `targets` at once where there is no limit, and queues them where there is.
    pub(super) fn submit(
        &mut self,
        now: Instant,
        router: RouterId,
        rounds: u32,
        targets: Vec<Paced>,
        actions: &mut VecDeque<Action>,
    ) {
        if rounds == 0 {
            return;
        }
        let (free, paced): (Vec<_>, Vec<_>) = targets.into_iter().partition(|t| t.interval.is_zero());
        if !free.is_empty() {
            let targets: Vec<_> = free.into_iter().map(|paced| paced.target).collect();
            self.note(now, router, &targets);
            for round in 0..rounds {
                actions.push_back(Action::Announce(Announcement {
                    router,
                    targets: targets.clone(),
                    repeated: round > 0,
                }));
            }
        }
        for paced in paced {
            let lane = (paced.lane, paced.target.family());
            self.lanes.entry(lane).or_default().add(router, paced, rounds);
        }
        self.send_due(now, actions);
    }

    /// When the next queued message may leave.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lanes
            .values()
            .filter(|lane| !lane.waiting.is_empty())
            .map(|lane| lane.free_at)
            .min()
    }

    /// Sends what may leave now: one message for each lane that is free.
    pub(super) fn send_due(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        let mut sent = Vec::new();
        for queue in self.lanes.values_mut().filter(|queue| queue.free_at <= now) {
            sent.extend(queue.next(now));
        }
        for (router, target) in sent {
            let targets = vec![target];
            self.note(now, router, &targets);
            actions.push_back(Action::Announce(Announcement {
                router,
                targets,
                repeated: false,
            }));
        }
        self.lanes
            .retain(|_, queue| !queue.waiting.is_empty() || queue.free_at > now);
    }

    /// Drops what `router` has waiting: it is not MASTER any more.
    pub(super) fn forget(&mut self, router: RouterId) {
        self.lanes.values_mut().for_each(|queue| queue.forget(router));
    }

    /// `router` is no more.
    pub(super) fn dismiss(&mut self, router: RouterId) {
        self.forget(router);
        self.announced.remove(&router);
    }

    /// When each address of `router` was announced last.
    pub(super) fn announced(&self, router: RouterId) -> Vec<(IpAddr, Instant)> {
        let of = self.announced.get(&router).into_iter().flatten();
        of.map(|(address, at)| (*address, *at)).collect()
    }

    fn note(&mut self, now: Instant, router: RouterId, targets: &[AnnounceTarget]) {
        let announced = self.announced.entry(router).or_default();
        announced.extend(targets.iter().map(|target| (target.address, now)));
    }
}

impl Queue {
    fn add(&mut self, router: RouterId, paced: Paced, rounds: u32) {
        let Paced { target, interval, .. } = paced;
        let key = (router, target.address, target.interface);
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.rounds = waiting.rounds.max(rounds);
            waiting.target = target;
            return;
        }
        self.numbers += 1;
        let turn = self.numbers;
        self.turns.push_back((key, turn));
        self.waiting.insert(
            key,
            Waiting {
                target,
                interval,
                rounds,
                turn,
            },
        );
    }

    /// The one whose turn it is. The lane is taken for its interval, and it waits again if it has more rounds.
    fn next(&mut self, now: Instant) -> Option<(RouterId, AnnounceTarget)> {
        while let Some((key, turn)) = self.turns.pop_front() {
            let Some(waiting) = self.waiting.get_mut(&key).filter(|w| w.turn == turn) else {
                continue;
            };
            self.free_at = now + waiting.interval;
            waiting.rounds = waiting.rounds.saturating_sub(1);
            let target = waiting.target.clone();
            if waiting.rounds == 0 {
                self.waiting.remove(&key);
            } else {
                self.turns.push_back((key, turn));
            }
            return Some((key.0, target));
        }
        None
    }

    fn forget(&mut self, router: RouterId) {
        let least = (router, IpAddr::from([0, 0, 0, 0]), IfIndex(0));
        let theirs = self.waiting.range(least..).map(|(key, _)| *key);
        let theirs: Vec<_> = theirs.take_while(|key| key.0 == router).collect();
        for key in theirs {
            self.waiting.remove(&key);
        }
        if self.waiting.is_empty() {
            self.turns.clear();
        }
    }
}

#[cfg(test)]
mod tests;
