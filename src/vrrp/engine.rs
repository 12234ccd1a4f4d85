//! The VRRP engine: all virtual routers and sync groups of the daemon, as one value that hears events and leaves actions.
//!
//! Pure: it opens nothing and reads no clock; every call gets `now`. Nothing in it depends on who drives it.
//!
//! # Protocol with the driver
//!
//! 1. [`Engine::new`], then [`Event::Interface`] for every interface there is, then [`Engine::start`]. Before `start`
//!    events are only noted; datagrams are dropped, but for those that speak against a claim. `start` first releases
//!    addresses that a crash left behind (generation 0), then lets every router enter its first state: MASTER, where
//!    [`Engine::resume`] has brought a claim that holds.
//! 2. Then, for ever: wait for the earlier of an event and [`Engine::next_deadline`]; call [`Engine::handle`] or
//!    [`Engine::handle_timeout`]; carry out everything that [`Engine::poll_action`] yields, in order. A driver that finds
//!    itself late hands in all waiting datagrams before it calls `handle_timeout`.
//! 3. Every [`Action::Hold`] is answered by [`Event::Held`] and every [`Action::Release`] by [`Event::Released`], with the
//!    order's generation; announcements and scripts of a new MASTER wait for the former. An order that a newer Release
//!    of the same router overtook may be left unanswered.
//! 4. [`Engine::stop`]; carry out the actions; go on until [`Engine::is_stopped`]. The limit of that wait is the
//!    driver's. After `stop` only `Released` is heard.

mod index;
mod masters;
mod reload;
mod resume;
mod settle;

use super::announce::Pacer;
use super::config::{SyncGroupConfig, Transport, VrrpConfig};
use super::debounce::Debounce;
use super::event::{Action, Completion, Datagram, Event, NotifyState};
use super::router::{Cx, Heard, VirtualRouter};
use super::status::{GroupStatus, RouterStatus, ScriptStatus, VrrpStatus};
use super::telling::{Line, Says};
use super::world::World;
use super::{RouterId, Vrid};
use crate::clock::Instant;
use crate::net::{Family, Good, IfIndex, IfName, InterfaceStatus};
use crate::script::config::ScriptOutcome;
use index::{Index, Object};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// Routers that one call of [`Engine::handle_timeout`] serves.
pub const AT_ONCE: usize = 64;
/// From a packet for an unknown VRID that was told to the next that is.
const UNKNOWN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// All virtual routers and what they share.
#[derive(Debug)]
pub struct Engine {
    config: VrrpConfig,
    world: World,
    debounce: Debounce,
    routers: BTreeMap<RouterId, VirtualRouter>,
    /// Their numbers, in the order of the configuration.
    order: Vec<RouterId>,
    /// Sync groups, and groups of one, in the order of the configuration.
    teams: Vec<Team>,
    /// Each router's place in `teams`.
    team_of: BTreeMap<RouterId, usize>,
    next_id: u32,
    index: Index,
    /// When [`Self::start`] was called.
    started: Instant,
    /// The start delay lasts until then (fact 2.8).
    delayed_until: Option<Instant>,
    pacer: Pacer,
    /// Who became MASTER, or ceased to be, and was not told of yet.
    turns: Vec<(String, bool)>,
    phase: Phase,
    unknown_vrid: u64,
    /// From when on packets of an interface and VRID that no router has are told again.
    unknown_told: BTreeMap<(IfIndex, u8), Instant>,
    /// What the wall clock said, and when.
    wall: (Instant, Duration),
    actions: VecDeque<Action>,
}

/// Routers that move together.
#[derive(Clone, Debug)]
struct Team {
    /// In the order of the configuration; never empty.
    members: Vec<RouterId>,
    /// `None` for a router without a group.
    group: Option<Group>,
}

impl Team {
    /// That of its group.
    fn name(&self) -> Option<&str> {
        self.group.as_ref().map(|group| group.config.name.as_str())
    }
}

/// What a sync group is beyond its members.
#[derive(Clone, Debug)]
struct Group {
    config: SyncGroupConfig,
    notified: Option<NotifyState>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Interfaces are being told.
    Waiting,
    Running,
    /// These releases have not been answered yet.
    Stopping(BTreeSet<(RouterId, u64)>),
}

impl Engine {
    /// An engine for `config` that does nothing before [`Self::start`].
    pub fn new(config: VrrpConfig) -> Self {
        let mut engine = Self {
            config: VrrpConfig::default(),
            world: World::default(),
            debounce: Debounce::default(),
            routers: BTreeMap::new(),
            order: Vec::new(),
            teams: Vec::new(),
            team_of: BTreeMap::new(),
            next_id: 0,
            index: Index::default(),
            started: Instant::default(),
            delayed_until: None,
            pacer: Pacer::default(),
            turns: Vec::new(),
            phase: Phase::Waiting,
            unknown_vrid: 0,
            unknown_told: BTreeMap::new(),
            wall: (Instant::default(), Duration::ZERO),
            actions: VecDeque::new(),
        };
        engine.world.configure(&config, false);
        engine.debounce.configure(&config);
        for router in &config.routers {
            let id = engine.take_id();
            engine.routers.insert(id, VirtualRouter::new(id, router.clone()));
            engine.order.push(id);
        }
        engine.config = config;
        engine.form_teams();
        engine
    }

    /// The wall clock, since 1970, at `now`: for `auth_hmac` alone. To be told whenever the engine is given something to
    /// decide, for the clock may be set at any time; it goes on from there meanwhile.
    pub const fn wall_clock(&mut self, now: Instant, wall: Duration) {
        self.wall = (now, wall);
    }

    /// All interfaces have been told: cleans up and lets every router enter its first state.
    pub fn start(&mut self, now: Instant) {
        if self.phase != Phase::Waiting {
            return;
        }
        self.phase = Phase::Running;
        self.started = now;
        self.delayed_until = Some(self.config.start_delay.ends(now)).filter(|end| *end > now);
        if let Some(end) = self.delayed_until {
            self.actions
                .push_back(Action::Tell(Line::StartDelayed(end.since(now))));
        }
        self.assess_all(now, true);
        for id in self.order.clone() {
            self.with(now, id, |router, cx| router.tell_initial_priority(cx));
        }
        self.judge_claims(now);
        self.release_strays(now);
        self.release_leftovers(now, &self.order.clone());
        self.settle_all(now, true);
    }

    /// Something happened.
    pub fn handle(&mut self, now: Instant, event: Event) {
        match (&self.phase, event) {
            (Phase::Stopping(_), Event::Released(answer)) => self.released(now, answer),
            (Phase::Stopping(_), _) => {}
            (Phase::Waiting, Event::Interface(status)) => {
                self.world.insert(status);
            }
            (Phase::Waiting, Event::InterfaceGone(name)) => {
                self.world.remove(&name);
            }
            (Phase::Waiting, Event::Script { name, outcome }) => {
                self.script_ended(&name, outcome);
            }
            (Phase::Waiting, Event::File { name, value }) => {
                self.world.files.insert(name, value);
            }
            (Phase::Waiting, Event::Process { name, good }) => {
                self.world.processes.insert(name, good);
            }
            (Phase::Waiting, Event::Bfd { name, up }) => {
                self.world.sessions.insert(name, up);
            }
            (Phase::Waiting, Event::Datagram(datagram)) => self.hear_early(now, &datagram),
            (Phase::Waiting, _) => {}
            (Phase::Running, event) => self.handle_running(now, event),
        }
    }

    /// Does what is due, in the order of the deadlines, for [`AT_ONCE`] routers at most: to be called again until
    /// [`Self::next_deadline`] is to come. Thousands may be due at once, and the driver listens and acts in between.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.phase != Phase::Running {
            return;
        }
        if self.delayed_until.take_if(|end| *end <= now).is_some() {
            self.actions.push_back(Action::Tell(Line::StartCompleted));
        }
        for name in self.debounce.due(now) {
            self.debounced(now, &name);
        }
        for id in self.index.due(now, AT_ONCE) {
            // A router that its group has moved meanwhile has other deadlines.
            self.mind_lateness(now, id);
            self.with(now, id, |router, cx| router.handle_timeout(cx));
            self.settle_around(now, id);
        }
        self.pacer.send_due(now, &mut self.actions);
    }

    /// When [`Self::handle_timeout`] has to be called at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.phase != Phase::Running {
            return None;
        }
        [
            self.index.next_deadline(),
            self.pacer.deadline(),
            self.delayed_until,
            self.debounce.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The next thing to be done.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Ends: every MASTER says priority 0, then addresses go, then scripts are told (facts 12.9, 18.12). With `release`
    /// false nothing is sent and nothing removed (fact 18.13).
    pub fn stop(&mut self, now: Instant, release: bool) {
        match self.phase {
            Phase::Stopping(_) => return,
            Phase::Waiting | Phase::Running => {}
        }
        let all = self.order.clone();
        let mut waiting = BTreeSet::new();
        if release {
            for id in &all {
                self.with(now, *id, |router, cx| router.abdicate(cx));
            }
            for id in &all {
                let order = self.with(now, *id, |router, cx| router.release_for_good(cx));
                waiting.extend(order.flatten().map(|generation| (*id, generation)));
            }
        }
        for id in &all {
            self.with(now, *id, |router, cx| router.notify(cx, NotifyState::Stop));
        }
        for at in 0..self.teams.len() {
            self.notify_group(at, NotifyState::Stop);
        }
        self.phase = Phase::Stopping(waiting);
    }

    /// Whether everything that [`Self::stop`] ordered has been done.
    pub fn is_stopped(&self) -> bool {
        match &self.phase {
            Phase::Waiting | Phase::Running => false,
            Phase::Stopping(waiting) => waiting.is_empty(),
        }
    }

    /// Everything at this moment.
    pub fn status(&self, now: Instant) -> VrrpStatus {
        let groups = self.teams.iter().filter_map(|team| {
            let group = team.group.as_ref()?;
            Some(GroupStatus {
                name: group.config.name.clone(),
                state: self.team_state(team),
                members: group.config.members.clone(),
            })
        });
        let scripts = self.config.scripts.iter().filter_map(|tracker| {
            let script = self.world.scripts.get(&tracker.name)?;
            Some(ScriptStatus {
                name: tracker.name.clone(),
                result: script.result(),
                good: script.good(),
            })
        });
        VrrpStatus {
            now,
            routers: self
                .order
                .iter()
                .filter_map(|id| Some(self.status_of(self.routers.get(id)?)))
                .collect(),
            groups: groups.collect(),
            scripts: scripts.collect(),
            unknown_vrid: self.unknown_vrid,
        }
    }

    fn status_of(&self, router: &VirtualRouter) -> RouterStatus {
        let at: BTreeMap<IpAddr, Instant> = self.pacer.announced(router.id).into_iter().collect();
        let addresses = super::world::addresses(&router.config).map(|a| a.cidr.addr);
        RouterStatus {
            announced: addresses.filter_map(|a| Some((a, *at.get(&a)?))).collect(),
            ..router.status()
        }
    }

    /// Sets all counters to zero.
    pub fn clear_counters(&mut self) {
        self.routers.values_mut().for_each(VirtualRouter::clear_counters);
        self.unknown_vrid = 0;
    }

    fn handle_running(&mut self, now: Instant, event: Event) {
        match event {
            Event::Datagram(datagram) => self.hear(now, &datagram),
            Event::Interface(status) => self.interface_told(now, status),
            Event::InterfaceGone(name) => self.interface_gone(now, name),
            Event::AddressRemoved { interface, address } => self.address_removed(now, &interface, address),
            Event::Lost { router, good } => self.good_lost(now, router, good),
            Event::Script { name, outcome } => {
                if self.script_ended(&name, outcome) {
                    self.object_changed(now, Object::Script, &name);
                }
            }
            Event::Placed(answer) => {
                let id = answer.router;
                self.with(now, id, |router, cx| router.placed(cx, answer));
            }
            Event::File { name, value } => {
                self.world.files.insert(name.clone(), value);
                self.object_changed(now, Object::File, &name);
            }
            Event::Process { name, good } => {
                self.world.processes.insert(name.clone(), good);
                self.object_changed(now, Object::Process, &name);
            }
            Event::Bfd { name, up } => {
                self.world.sessions.insert(name.clone(), up);
                self.object_changed(now, Object::Session, &name);
            }
            Event::Held(answer) => {
                let id = answer.router;
                self.with(now, id, |router, cx| router.held(cx, answer));
                self.settle_around(now, id);
            }
            Event::Released(answer) => self.released(now, answer),
        }
    }

    fn hear(&mut self, now: Instant, datagram: &Datagram) {
        if self.delayed_until.is_some() {
            // Unseen (fact 2.8).
            return;
        }
        let Some(id) = self.addressee(datagram) else {
            self.unknown_vrid += 1;
            self.tell_unknown_vrid(now, datagram);
            return;
        };
        self.mind_lateness(now, id);
        match self.with(now, id, |router, cx| router.hear(cx, datagram)) {
            Some(Heard::Lower) => {
                let group = self
                    .team_of
                    .get(&id)
                    .map(|at| self.members(*at))
                    .unwrap_or_default();
                for member in group {
                    self.with(now, member, |router, cx| router.announce_lower_prio(cx));
                }
            }
            Some(Heard::Nothing) | None => {}
        }
        self.cut_delays(id);
        self.settle_around(now, id);
    }

    /// `log_unknown_vrids` (fact 6.1), each once a second at most: whoever floods the segment shall not flood the log.
    /// Without it the packet filter knows our VRIDs only.
    fn tell_unknown_vrid(&mut self, now: Instant, datagram: &Datagram) {
        if !self.config.log_unknown_vrids {
            return;
        }
        if let (Some(vrid), Some(interface)) = (datagram.pdu().get(1), self.world.name(datagram.interface)) {
            let told = self.unknown_told.entry((datagram.interface, *vrid));
            let next = told.or_insert(now);
            if *next > now {
                return;
            }
            *next = now + UNKNOWN_AGAIN_AFTER;
            self.actions.push_back(Action::Tell(Line::UnknownVrid {
                vrid: *vrid,
                interface: interface.clone(),
            }));
        }
    }

    /// The router that a packet is for: by interface, family and VRID; where several unicast routers share these, by the
    /// destination and then by the sender (fact 1.27).
    fn addressee(&self, datagram: &Datagram) -> Option<RouterId> {
        let vrid = Vrid::new(*datagram.pdu().get(1)?)?;
        let family = Family::of(&datagram.source);
        let interface = self.world.name(datagram.interface)?;
        let ours = self.index.on_wire(interface, family, vrid).iter();
        let ours = ours.filter_map(|id| self.routers.get(id));
        let fit = |router: &&VirtualRouter| {
            let carrier = 4 * u8::from(router.config.carrier() == datagram.carrier);
            carrier
                + match &router.config.transport {
                    Transport::Multicast { group } => 2 * u8::from(*group == datagram.destination),
                    Transport::Unicast { peers, .. } => {
                        2 * u8::from(router.source() == Some(datagram.destination))
                            + u8::from(peers.contains(&datagram.source))
                    }
                }
        };
        ours.max_by_key(fit).map(|router| router.id)
    }

    fn object_changed(&mut self, now: Instant, kind: Object, name: &str) {
        let concerned = self.index.on_object(kind, name).to_vec();
        self.reassess_some(now, &concerned);
    }

    fn interface_gone(&mut self, now: Instant, name: IfName) {
        self.debounce.forget(&name);
        let Some(gone) = self.world.remove(&name) else {
            return;
        };
        self.unknown_told.retain(|(index, _), _| *index != gone.index);
        let concerned = self.index.on_interface(&name).to_vec();
        if !concerned.is_empty() {
            self.actions
                .push_back(Action::Tell(Line::InterfaceDeleted { interface: name }));
        }
        self.reassess_some(now, &concerned);
    }

    /// Its routers see it as it was, as far as its state goes, until a delay is over.
    fn interface_told(&mut self, now: Instant, mut status: InterfaceStatus) {
        let seen = self.world.interface(&status.name);
        // One of another number is another interface.
        let seen = seen.filter(|seen| seen.index == status.index).map(|seen| seen.up);
        match seen {
            None => self.debounce.forget(&status.name),
            Some(seen) => {
                let routers = &self.routers;
                let index = &self.index;
                let limit = |base: &IfName| {
                    let concerned = index.on_interface(base).iter();
                    let concerned = concerned.filter_map(|id| routers.get(id));
                    let on_it = concerned.filter(|router| router.config.interface == *base);
                    on_it.map(VirtualRouter::longest_link_delay).min()
                };
                let change = (seen, status.up);
                if self.debounce.holds_back(now, &status.name, change, limit) {
                    status.up = seen;
                }
            }
        }
        self.interface_changed(now, status);
    }

    /// The delay of a change is over.
    fn debounced(&mut self, now: Instant, name: &IfName) {
        self.debounce.forget(name);
        if let Some(status) = self.world.interface(name) {
            let status = InterfaceStatus {
                up: !status.up,
                ..status.clone()
            };
            self.interface_changed(now, status);
        }
    }

    /// A master's interval may be shorter than what a delay was cut to (fact 1.21).
    fn cut_delays(&mut self, id: RouterId) {
        if let Some(router) = self.routers.get(&id).filter(|_| !self.debounce.is_idle()) {
            let limit = router.longest_link_delay();
            self.debounce.cut(&router.config.interface, limit);
        }
    }

    fn interface_changed(&mut self, now: Instant, status: InterfaceStatus) {
        // Renamed: those that know it by its old name have lost it.
        let renamed = self.world.name(status.index).filter(|old| **old != status.name);
        if let Some(old) = renamed.cloned() {
            self.interface_gone(now, old);
        }
        let (name, up, mac) = (status.name.clone(), status.up, status.mac);
        let real = self.world.real(&name).to_vec();
        let without_addresses = |status: &InterfaceStatus| InterfaceStatus {
            addresses: Vec::new(),
            ..status.clone()
        };
        let bare = without_addresses(&status);
        let before = self.world.insert(status);
        let concerned = self.index.on_interface(&name).to_vec();
        if before.as_ref().map(|b| b.up) != Some(up) && !concerned.is_empty() {
            let interface = name.clone();
            self.actions
                .push_back(Action::Tell(Line::InterfaceReported { interface, up }));
        }
        // Virtual addresses that come and go mean something to few.
        let same = before.as_ref().map(without_addresses) == Some(bare) && self.world.real(&name) == real;
        let minds = |id: &RouterId| {
            let router = self.routers.get(id).map(|router| &router.config);
            !same || router.is_some_and(|r| r.priority.is_owner() || r.election.track_src_ip)
        };
        let minding: Vec<RouterId> = concerned.iter().copied().filter(minds).collect();
        self.reassess_some(now, &minding);
        if before.is_some_and(|b| up && (!b.up || b.mac != mac)) {
            for id in concerned {
                self.with(now, id, |router, cx| router.announce_on(cx, &name));
            }
        }
    }

    fn address_removed(&mut self, now: Instant, interface: &IfName, address: IpAddr) {
        let concerned = self.index.on_interface(interface).to_vec();
        let mut robbed = Vec::new();
        for id in concerned {
            if self.with(now, id, |router, cx| router.robbed(cx, interface, address)) == Some(true) {
                robbed.push(id);
            }
        }
        if !robbed.is_empty() {
            let interface = interface.clone();
            self.actions
                .push_back(Action::Tell(Line::AddressRemoved { interface, address }));
        }
        for id in robbed {
            self.settle_around(now, id);
        }
    }

    fn good_lost(&mut self, now: Instant, id: RouterId, good: Good) {
        if self.with(now, id, |router, cx| router.lost(cx, &good)) == Some(true) {
            self.with(now, id, |router, cx| router.say(cx, Says::Lost(good)));
            self.settle_around(now, id);
        }
    }

    /// A MASTER that was held up for too long falls back before it hears or says anything (fact 2.20).
    fn mind_lateness(&mut self, now: Instant, id: RouterId) {
        if self.with(now, id, |router, cx| router.notice_lateness(cx)) == Some(true) {
            self.settle_around(now, id);
        }
    }

    /// Whether its verdict is another one.
    fn script_ended(&mut self, name: &str, outcome: ScriptOutcome) -> bool {
        let Some(script) = self.world.scripts.get_mut(name) else {
            return false;
        };
        let verdict = script.ended(outcome);
        let script = name.to_owned();
        if let Some(status) = verdict.status {
            self.actions.push_back(Action::Tell(Line::ScriptReturning {
                script: script.clone(),
                status,
            }));
        }
        match verdict.good {
            Some(true) => self
                .actions
                .push_back(Action::Tell(Line::ScriptSucceeded { script })),
            Some(false) => self
                .actions
                .push_back(Action::Tell(Line::ScriptFailed { script, outcome })),
            None => {}
        }
        verdict.good.is_some()
    }

    fn released(&mut self, now: Instant, answer: Completion) {
        let order = (answer.router, answer.generation);
        self.with(now, answer.router, |router, cx| router.released(cx, answer));
        if let Phase::Stopping(waiting) = &mut self.phase {
            // Orders of a router are carried out in order: the last one answers for all.
            waiting.retain(|(router, generation)| *router != order.0 || *generation > order.1);
        }
    }

    fn with<T>(
        &mut self,
        now: Instant,
        id: RouterId,
        step: impl FnOnce(&mut VirtualRouter, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let wall = self.wall_at(now);
        let begins = self.begins(now);
        let Self {
            routers,
            world,
            pacer,
            actions,
            index,
            turns,
            ..
        } = self;
        let router = routers.get_mut(&id)?;
        let was_master = router.is_master();
        let out = step(
            router,
            &mut Cx {
                now,
                wall,
                begins,
                world,
                pacer,
                actions,
            },
        );
        index.set_deadline(id, router.deadline());
        if router.is_master() != was_master {
            turns.push((router.config.name.clone(), router.is_master()));
        }
        Some(out)
    }

    /// When timers begin that do so now.
    fn begins(&self, now: Instant) -> Instant {
        self.delayed_until.map_or(now, |end| end.max(now))
    }

    fn wall_at(&self, now: Instant) -> Duration {
        let (at, wall) = self.wall;
        if now > at {
            wall.saturating_add(now.since(at))
        } else {
            wall
        }
    }

    fn take_id(&mut self) -> RouterId {
        let id = RouterId(self.next_id);
        self.next_id += 1;
        id
    }
}

#[cfg(test)]
mod tests;
