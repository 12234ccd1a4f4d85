//! All sessions: which one a datagram is for, who is due next, and what a reload changes.

use super::config::{BfdConfig, SessionConfig};
use super::event::{Action, Datagram, Event, SessionId};
use super::packet::{ControlPacket, Discard};
use super::session::{Cx, Session};
use super::status::BfdStatus;
use crate::clock::Instant;
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

/// The BFD engine. Pure: whoever drives it passes the time in and carries its actions out.
pub struct Engine {
    sessions: BTreeMap<SessionId, Session>,
    /// The order of the file.
    order: Vec<SessionId>,
    next_id: u32,
    discriminators: HashMap<u32, SessionId>,
    /// Sessions by the neighbor's address, for packets that do not know our discriminator.
    neighbors: HashMap<(bool, IpAddr), Vec<SessionId>>,
    due: BTreeSet<(Instant, SessionId)>,
    filed: HashMap<SessionId, Instant>,
    random: Random,
    actions: VecDeque<Action>,
    discarded: BTreeMap<Discard, u64>,
}

impl Engine {
    /// An engine whose random numbers come from `seed`.
    pub fn new(now: Instant, config: BfdConfig, seed: u64) -> Self {
        let mut engine = Self {
            sessions: BTreeMap::new(),
            order: Vec::new(),
            next_id: 0,
            discriminators: HashMap::new(),
            neighbors: HashMap::new(),
            due: BTreeSet::new(),
            filed: HashMap::new(),
            random: Random::new(seed),
            actions: VecDeque::new(),
            discarded: BTreeMap::new(),
        };
        engine.reload(now, config);
        engine
    }

    /// Takes a new configuration: sessions whose name and addresses remain go on as they are (fact 24.9).
    pub fn reload(&mut self, now: Instant, config: BfdConfig) {
        let mut before = std::mem::take(&mut self.order);
        let same = |engine: &Self, id: &SessionId, wanted: &SessionConfig| {
            let session = engine.sessions.get(id);
            session.is_some_and(|session| session.config.same_session(wanted))
        };
        let kept: Vec<Option<SessionId>> = config
            .sessions
            .iter()
            .map(|wanted| {
                let at = before.iter().position(|id| same(self, id, wanted))?;
                Some(before.swap_remove(at))
            })
            .collect();
        // Those that are no more go first: a new one may have their addresses.
        for id in before {
            self.touch(now, id, |session, cx| session.stop(cx));
            self.sessions.remove(&id);
            self.file(id);
        }
        for (wanted, kept) in config.sessions.into_iter().zip(kept) {
            let id = match kept {
                Some(id) => {
                    self.touch(now, id, |session, cx| session.reconfigure(wanted, cx));
                    id
                }
                None => self.add(now, wanted),
            };
            self.order.push(id);
        }
        self.neighbors.clear();
        for (id, session) in &self.sessions {
            let key = (session.config.multihop, session.config.neighbor);
            self.neighbors.entry(key).or_default().push(*id);
        }
    }

    fn add(&mut self, now: Instant, config: SessionConfig) -> SessionId {
        let id = SessionId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let session = Session::new(
            config,
            &mut Cx {
                now,
                id,
                random: &mut self.random,
                actions: &mut self.actions,
                discriminators: &mut self.discriminators,
            },
        );
        self.sessions.insert(id, session);
        self.file(id);
        id
    }

    /// Takes note of what happened.
    pub fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Datagram(datagram) => {
                if let Err(why) = self.hear(now, &datagram) {
                    *self.discarded.entry(why).or_default() += 1;
                }
            }
            Event::Opened(id) => {
                self.touch(now, id, |session, cx| session.opened(cx));
            }
            Event::OpenFailed(id, why) => {
                self.touch(now, id, |session, cx| session.open_failed(why, cx));
            }
        }
    }

    fn hear(&mut self, now: Instant, datagram: &Datagram) -> Result<(), Discard> {
        let packet = ControlPacket::read(&datagram.payload)?;
        let id = self.find(datagram, &packet).ok_or(Discard::UnknownSession)?;
        let heard = self.touch(now, id, |session, cx| session.hear(&packet, datagram.ttl, cx));
        heard.unwrap_or(Err(Discard::UnknownSession))
    }

    /// By our discriminator if the sender knows it, otherwise by the addresses (fact 24.3).
    fn find(&self, datagram: &Datagram, packet: &ControlPacket) -> Option<SessionId> {
        let fits = |id: &SessionId| {
            let config = self.sessions.get(id).map(|session| &session.config);
            config.filter(|config| config.port() == datagram.port)
        };
        if packet.your_discriminator != 0 {
            let id = self.discriminators.get(&packet.your_discriminator)?;
            return fits(id).map(|_| *id);
        }
        let key = (datagram.port.multihop, datagram.source);
        let candidates = self.neighbors.get(&key)?;
        let ours = |id: &&SessionId, any: bool| {
            fits(id).is_some_and(|config| match config.source {
                Some(source) => datagram.destination == Some(source),
                None => any,
            })
        };
        // One that is bound to the address goes before one that takes what comes.
        let exact = candidates.iter().find(|id| ours(id, false));
        exact
            .or_else(|| candidates.iter().find(|id| ours(id, true)))
            .copied()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Whoever is due now; what they plan is later, or served at the next call.
        let mut due = Vec::new();
        for (at, id) in &self.due {
            if *at > now {
                break;
            }
            due.push(*id);
        }
        for id in due {
            self.touch(now, id, |session, cx| session.handle_timeout(cx));
        }
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The next thing to be done.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Ends all sessions.
    pub fn stop(&mut self, now: Instant) {
        self.reload(now, BfdConfig::default());
        // Whoever listens ends as well.
        self.actions.retain(|action| !matches!(action, Action::Report(_)));
    }

    /// How everything is.
    pub fn status(&self, now: Instant) -> BfdStatus {
        BfdStatus {
            now,
            sessions: self
                .order
                .iter()
                .filter_map(|id| self.sessions.get(id))
                .map(Session::status)
                .collect(),
            discarded: self.discarded.iter().map(|(why, count)| (*why, *count)).collect(),
        }
    }

    fn touch<T>(
        &mut self,
        now: Instant,
        id: SessionId,
        act: impl FnOnce(&mut Session, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let session = self.sessions.get_mut(&id)?;
        let result = act(
            session,
            &mut Cx {
                now,
                id,
                random: &mut self.random,
                actions: &mut self.actions,
                discriminators: &mut self.discriminators,
            },
        );
        self.file(id);
        Some(result)
    }

    /// Keeps the queue of deadlines true.
    fn file(&mut self, id: SessionId) {
        let deadline = self.sessions.get(&id).and_then(Session::deadline);
        let before = match deadline {
            Some(at) => self.filed.insert(id, at),
            None => self.filed.remove(&id),
        };
        if before != deadline {
            if let Some(before) = before {
                self.due.remove(&(before, id));
            }
            if let Some(at) = deadline {
                self.due.insert((at, id));
            }
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire;
