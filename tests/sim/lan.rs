//! Two segments with three directors on them, and a clock that jumps from event to event.

use crate::agenda::{Agenda, Next, arrived, interface_status};
use crate::rng::Rng;
use crate::setting::{Setting, address, index, instance, interface};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::Duration;
use steadfast::clock::Instant;
use steadfast::net::InterfaceStatus;
use steadfast::vrrp::advert::Packet;
use steadfast::vrrp::event::*;
use steadfast::vrrp::status::StateName;
use steadfast::vrrp::telling::{Line, Says};
use steadfast::vrrp::{Engine, RouterId};

const NETS: usize = 2;

/// What the network does to packets. Both segments have the same weather.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    /// Lost, of a hundred.
    pub(crate) loss: u64,
    /// Sent twice, of a hundred.
    pub(crate) duplication: u64,
    pub(crate) greatest_delay: Duration,
    /// A packet may overtake another one.
    pub(crate) reordering: bool,
    /// `reach[from][to]`
    pub(crate) reach: Vec<Vec<bool>>,
}

impl Weather {
    /// Loss, delay, duplication, and holes in any direction.
    pub(crate) fn foul(rng: &mut Rng, nodes: usize) -> Self {
        let holes = rng.below(4);
        let mut weather = Self {
            loss: [0, 5, 30, 70][rng.pick(4)],
            duplication: rng.below(20),
            greatest_delay: Duration::from_micros(rng.below(200_000)),
            reordering: true,
            reach: vec![vec![true; nodes]; nodes],
        };
        for _ in 0..holes {
            let (from, to) = (rng.pick(nodes), rng.pick(nodes));
            weather.reach[from][to] = false;
        }
        weather
    }

    /// No loss, no reordering, small delays; sometimes two parts that do not hear each other.
    pub(crate) fn calm(rng: &mut Rng, nodes: usize) -> Self {
        let mut weather = Self {
            loss: 0,
            duplication: 0,
            greatest_delay: Duration::from_micros(1 + rng.below(20_000)),
            reordering: false,
            reach: vec![vec![true; nodes]; nodes],
        };
        if rng.chance(1, 3) {
            weather.isolate(rng.pick(nodes));
        }
        weather
    }

    pub(crate) fn limit_delay(&mut self, limit: Duration) {
        self.greatest_delay = self.greatest_delay.min(limit);
    }

    pub(crate) fn isolate(&mut self, node: usize) {
        for other in (0..self.reach.len()).filter(|other| *other != node) {
            self.reach[node][other] = false;
            self.reach[other][node] = false;
        }
    }

    pub(crate) fn join(&mut self) {
        self.reach.iter_mut().flatten().for_each(|r| *r = true);
    }
}

/// A director's host.
struct Node {
    engine: Option<Engine>,
    config: steadfast::vrrp::VrrpConfig,
    links: [bool; NETS],
    /// It was stopped by the scheduler until then; packets wait.
    paused_until: Option<Instant>,
    waiting: Vec<Event>,
    /// Counts boots: answers to an earlier life are dropped.
    life: u32,
    /// What the kernel holds, by segment.
    held: [bool; NETS],
    generations: BTreeMap<RouterId, u64>,
    /// The kernel worker does one order after the other.
    busy_until: Instant,
    states: [Option<StateName>; NETS],
}

/// Something that will happen.
#[derive(Debug)]
enum Coming {
    Packet {
        to: usize,
        net: usize,
        datagram: Datagram,
    },
    Carried {
        node: usize,
        life: u32,
        hold: bool,
        net: usize,
        answer: Completion,
    },
}

pub(crate) struct Lan {
    now: Instant,
    rng: Rng,
    pub(crate) weather: Weather,
    nodes: Vec<Node>,
    agenda: Agenda<Coming>,
    /// When the last packet from one to another on a segment arrives.
    arrivals: BTreeMap<(usize, usize, usize), Instant>,
    pub(crate) transitions: u64,
    hash: DefaultHasher,
    became: BTreeMap<(usize, usize), Instant>,
    ceased: BTreeMap<(usize, usize), Instant>,
    sent: BTreeMap<(usize, usize), Instant>,
    heard: BTreeMap<(usize, usize), Instant>,
}

impl Lan {
    pub(crate) fn new(seed: u64, setting: &Setting) -> Self {
        let mut rng = Rng::new(seed ^ 0xa5a5_0000);
        let nodes: Vec<_> = (0..3)
            .map(|node| Node {
                engine: None,
                config: setting.config(node),
                links: [true; NETS],
                paused_until: None,
                waiting: Vec::new(),
                life: 0,
                held: [false; NETS],
                generations: BTreeMap::new(),
                busy_until: Instant::default(),
                states: [None; NETS],
            })
            .collect();
        Self {
            now: Instant::from_micros(1_000_000_000 + rng.below(1_000_000)),
            weather: Weather::foul(&mut rng, nodes.len()),
            rng,
            nodes,
            agenda: Agenda::new(),
            arrivals: BTreeMap::new(),
            transitions: 0,
            hash: DefaultHasher::new(),
            became: BTreeMap::new(),
            ceased: BTreeMap::new(),
            sent: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Starts the daemon, unless it runs; the kernel may still hold what a crash left.
    pub(crate) fn boot(&mut self, node: usize) {
        let host = &mut self.nodes[node];
        if host.engine.is_some() {
            return;
        }
        host.life += 1;
        host.generations.clear();
        host.engine = Some(Engine::new(host.config.clone()));
        for net in 0..NETS {
            let status = self.interface(node, net);
            self.tell(node, Event::Interface(status));
        }
        self.step(node, |engine, now| engine.start(now));
    }

    /// The daemon is killed; what the kernel holds stays.
    pub(crate) fn crash(&mut self, node: usize) {
        let host = &mut self.nodes[node];
        (host.engine, host.paused_until) = (None, None);
        host.waiting.clear();
        self.note_states(node);
    }

    /// The daemon is asked to stop; its actions are carried out.
    pub(crate) fn stop(&mut self, node: usize) {
        if self.nodes[node].paused_until.is_some() || self.nodes[node].engine.is_none() {
            return;
        }
        self.step(node, |engine, now| engine.stop(now, true));
        self.crash(node);
        self.nodes[node].held = [false; NETS];
    }

    /// What `node` will be configured as from its next boot.
    pub(crate) fn reconfigure(&mut self, node: usize, setting: &Setting) {
        self.nodes[node].config = setting.config(node);
    }

    /// The process sleeps.
    pub(crate) fn pause(&mut self, node: usize, time: Duration) {
        if self.nodes[node].engine.is_some() {
            self.nodes[node].paused_until = Some(self.now + time);
        }
    }

    /// The process wakes: it listens to all that waits before it acts.
    pub(crate) fn resume(&mut self, node: usize) {
        if self.nodes[node].paused_until.take().is_some() {
            for event in std::mem::take(&mut self.nodes[node].waiting) {
                self.step(node, |engine, now| engine.handle(now, event));
            }
        }
    }

    pub(crate) fn set_links(&mut self, node: usize, up: bool) {
        (0..NETS).for_each(|net| self.set_link(node, net, up));
    }

    pub(crate) fn set_link(&mut self, node: usize, net: usize, up: bool) {
        if self.nodes[node].links[net] != up {
            self.nodes[node].links[net] = up;
            let status = self.interface(node, net);
            self.tell(node, Event::Interface(status));
        }
    }

    /// Somebody removes the virtual address of segment 0, if it is there.
    pub(crate) fn rob(&mut self, node: usize) {
        if std::mem::take(&mut self.nodes[node].held[0]) {
            let address = self.nodes[node].config.routers[0].vips[0].cidr.addr;
            self.tell(
                node,
                Event::AddressRemoved {
                    interface: interface(0),
                    address,
                },
            );
        }
    }

    /// Lets `time` pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let daemons = self.nodes.iter();
            let daemons = daemons.map(|host| (host.engine.as_ref(), host.paused_until));
            let Some((at, what)) = self.agenda.next(end, daemons) else {
                break;
            };
            self.now = self.now.max(at);
            match what {
                Next::Coming(coming) => self.happen(coming),
                Next::Deadline(node) => self.step(node, |engine, now| engine.handle_timeout(now)),
                Next::Wake(node) => self.resume(node),
            }
        }
        self.now = end;
    }

    /// The masters of segment `net`.
    pub(crate) fn masters(&self, net: usize) -> Vec<usize> {
        let rules = |node: &usize| self.nodes[*node].states[net] == Some(StateName::Master);
        (0..self.len()).filter(rules).collect()
    }

    pub(crate) fn became_master(&self, node: usize, net: usize) -> Option<Instant> {
        self.became.get(&(node, net)).copied()
    }

    pub(crate) fn ceased_to_be_master(&self, node: usize, net: usize) -> Option<Instant> {
        self.ceased.get(&(node, net)).copied()
    }

    /// When `node` last sent an advert that was none of release.
    pub(crate) fn last_sent(&self, node: usize, net: usize) -> Instant {
        self.sent[&(node, net)]
    }

    /// When the last packet reached `node`.
    pub(crate) fn last_heard(&self, node: usize, net: usize) -> Instant {
        self.heard[&(node, net)]
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.hash.finish()
    }

    /// Exactly one master in each connected part with a healthy director, the right one, and nobody else holds anything.
    pub(crate) fn judge(&self, seed: u64, setting: &Setting) {
        for part in self.parts() {
            for net in 0..NETS {
                let healthy: Vec<usize> = part
                    .iter()
                    .copied()
                    .filter(|node| self.is_healthy(*node, net, setting.grouped))
                    .collect();
                let masters: Vec<usize> = self
                    .masters(net)
                    .into_iter()
                    .filter(|node| part.contains(node))
                    .collect();
                let told = format!(
                    "seed {seed}, {}: {masters:?} of {healthy:?}: {setting:?}",
                    instance(net)
                );
                assert_eq!(masters.len(), usize::from(!healthy.is_empty()), "{told}");
                for master in masters {
                    assert!(healthy.contains(&master), "{told}");
                    let usurper = healthy.iter().find(|node| setting.preempts(**node, master));
                    assert_eq!(usurper, None, "should be master; {told}");
                }
            }
        }
        for (node, host) in self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, host)| host.engine.is_some())
        {
            for net in 0..NETS {
                let rules = host.states[net] == Some(StateName::Master);
                assert_eq!(
                    host.held[net], rules,
                    "seed {seed}: node {node} holds what it should: {setting:?}"
                );
            }
        }
    }

    /// The parts of the network that hear each other, both ways.
    fn parts(&self) -> BTreeSet<Vec<usize>> {
        let hears = |a: usize, b: usize| a == b || (self.weather.reach[a][b] && self.weather.reach[b][a]);
        (0..self.len())
            .map(|a| (0..self.len()).filter(|b| hears(a, *b)).collect())
            .collect()
    }

    fn is_healthy(&self, node: usize, net: usize, grouped: bool) -> bool {
        let host = &self.nodes[node];
        let links = if grouped {
            host.links.iter().all(|up| *up)
        } else {
            host.links[net]
        };
        host.engine.is_some() && links
    }

    fn interface(&self, node: usize, net: usize) -> InterfaceStatus {
        let host = &self.nodes[node];
        let vip = host.config.routers[net].vips[0].cidr;
        interface_status(
            (net, node),
            (interface(net), index(net)),
            (host.links[net], true),
            host.held[net].then_some(vip).into_iter(),
        )
    }

    fn happen(&mut self, coming: Coming) {
        match coming {
            Coming::Packet { to, net, datagram } => {
                if self.nodes[to].engine.is_some() && self.nodes[to].links[net] {
                    self.heard.insert((to, net), self.now);
                    self.tell(to, Event::Datagram(datagram));
                }
            }
            Coming::Carried {
                node,
                life,
                hold,
                net,
                answer,
            } => {
                let host = &mut self.nodes[node];
                if life != host.life || host.engine.is_none() {
                    return;
                }
                // A hold that a newer release overtook is not carried out any more.
                let newest = host.generations.get(&answer.router).copied();
                if !hold || newest == Some(answer.generation) {
                    host.held[net] = hold;
                }
                self.tell(
                    node,
                    if hold {
                        Event::Held(answer)
                    } else {
                        Event::Released(answer)
                    },
                );
            }
        }
    }

    fn tell(&mut self, node: usize, event: Event) {
        let host = &mut self.nodes[node];
        if host.paused_until.is_some() {
            host.waiting.push(event);
        } else if host.engine.is_some() {
            self.step(node, |engine, now| engine.handle(now, event));
        }
    }

    fn step(&mut self, node: usize, step: impl FnOnce(&mut Engine, Instant)) {
        let now = self.now;
        let Some(engine) = &mut self.nodes[node].engine else {
            return;
        };
        step(engine, now);
        let actions: Vec<_> = std::iter::from_fn(|| engine.poll_action()).collect();
        let mut moved = false;
        for action in actions {
            match action {
                Action::Send(transmit) => self.send(node, &transmit),
                Action::Hold(order) => self.order(node, true, order),
                Action::Release(order) => self.order(node, false, order),
                Action::Tell(line) => {
                    moved |= matches!(
                        &line,
                        Line::Instance {
                            says: Says::EnteringMaster
                                | Says::EnteringBackup { .. }
                                | Says::EnteringFault { .. },
                            ..
                        }
                    );
                    (node, now.as_micros(), line.to_string()).hash(&mut self.hash);
                }
                Action::Announce(announcement) => assert!(!announcement.targets.is_empty()),
                Action::Notify(_) => {}
            }
        }
        if moved {
            self.note_states(node);
        }
    }

    fn note_states(&mut self, node: usize) {
        let status = self.nodes[node]
            .engine
            .as_ref()
            .map(|engine| engine.status(self.now));
        for net in 0..NETS {
            let state = status.as_ref().map(|s| s.routers[net].state);
            let before = std::mem::replace(&mut self.nodes[node].states[net], state);
            if before != state {
                self.transitions += 1;
            }
            let key = (node, net);
            match (
                before == Some(StateName::Master),
                state == Some(StateName::Master),
            ) {
                (false, true) => drop(self.became.insert(key, self.now)),
                (true, false) => drop(self.ceased.insert(key, self.now)),
                _ => {}
            }
        }
        for group in status.iter().flat_map(|s| &s.groups) {
            let states = &self.nodes[node].states;
            assert!(
                states.iter().all(|s| *s == states[0]),
                "{} of node {node} is split: {states:?}",
                group.name
            );
        }
    }

    fn send(&mut self, from: usize, transmit: &Transmit) {
        let net = (0..NETS).find(|net| index(*net) == transmit.interface).unwrap();
        if !self.nodes[from].links[net] {
            return;
        }
        if Packet::new(&transmit.payload).unwrap().priority().0 != 0 {
            self.sent.insert((from, net), self.now);
        }
        for to in 0..self.len() {
            let meant = transmit.destination.is_multicast() || transmit.destination == address(net, to);
            if to == from || !meant || !self.weather.reach[from][to] {
                continue;
            }
            let copies = 1 + u64::from(self.rng.chance(self.weather.duplication, 100));
            for _ in 0..copies {
                if self.rng.chance(self.weather.loss, 100) {
                    continue;
                }
                let greatest = u64::try_from(self.weather.greatest_delay.as_micros()).unwrap();
                let mut at = self.now + Duration::from_micros(self.rng.below(greatest + 1));
                let last = self.arrivals.entry((from, to, net)).or_default();
                if !self.weather.reordering {
                    at = at.max(*last);
                }
                *last = at.max(*last);
                let datagram = arrived(transmit);
                self.agenda.plan(at, Coming::Packet { to, net, datagram });
            }
        }
    }

    fn order(&mut self, node: usize, hold: bool, order: Order) {
        let net = (0..NETS)
            .find(|net| interface(*net) == order.goods.addresses[0].interface)
            .unwrap();
        if order.generation > 0 {
            self.nodes[node]
                .generations
                .insert(order.router, order.generation);
        }
        let answer = Completion {
            router: order.router,
            generation: order.generation,
            failed: Vec::new(),
        };
        let life = self.nodes[node].life;
        let host = &mut self.nodes[node];
        let at = host.busy_until.max(self.now) + Duration::from_micros(self.rng.below(1_000));
        host.busy_until = at;
        self.agenda.plan(
            at,
            Coming::Carried {
                node,
                life,
                hold,
                net,
                answer,
            },
        );
    }
}
