//! A director's host: its interfaces and what else can be tracked, as the kernel has it, and the books on what was ordered.

use crate::agenda::interface_status;
use crate::rng::Rng;
use crate::setting::interface;
use crate::wish::{FILES, PROCESSES, ROUTERS, SCRIPTS, SESSIONS, spare};
use std::collections::{BTreeMap, BTreeSet};
use steadfast::clock::Instant;
use steadfast::net::*;
use steadfast::script::config::ScriptOutcome;
use steadfast::vrrp::event::{Event, Order};
use steadfast::vrrp::status::StateName;
use steadfast::vrrp::{Engine, RouterId, VrrpConfig};

pub(crate) const PORTS: usize = 3;

/// An interface.
pub(crate) struct Port {
    pub(crate) name: IfName,
    pub(crate) index: u32,
    pub(crate) there: bool,
    pub(crate) up: bool,
    pub(crate) addressed: bool,
    /// The virtual addresses on it.
    pub(crate) held: BTreeSet<Cidr>,
}

pub(crate) struct Host {
    node: usize,
    pub(crate) engine: Option<Engine>,
    pub(crate) config: VrrpConfig,
    pub(crate) ports: Vec<Port>,
    pub(crate) files: BTreeMap<&'static str, i32>,
    pub(crate) processes: BTreeMap<&'static str, bool>,
    pub(crate) sessions: BTreeMap<&'static str, bool>,
    /// What scripts said in this life.
    pub(crate) outcomes: Vec<(&'static str, bool)>,
    /// Whether there was a reload in this life.
    pub(crate) reloaded: bool,
    pub(crate) paused_until: Option<Instant>,
    pub(crate) waiting: Vec<Event>,
    pub(crate) life: u32,
    pub(crate) busy_until: Instant,
    pub(crate) books: BTreeMap<RouterId, Book>,
}

/// What a router ordered.
#[derive(Default)]
pub(crate) struct Book {
    generation: u64,
    pub(crate) released: u64,
    /// What is to be held.
    pub(crate) goods: Vec<(String, Good)>,
}

impl Host {
    pub(crate) fn new(node: usize, config: VrrpConfig) -> Self {
        let port = |n: usize| Port {
            name: interface(n),
            index: u32::try_from(n).unwrap() + 1,
            there: true,
            up: true,
            addressed: true,
            held: BTreeSet::new(),
        };
        Self {
            node,
            engine: None,
            config,
            ports: (0..PORTS).map(port).collect(),
            files: BTreeMap::new(),
            processes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            outcomes: Vec::new(),
            reloaded: false,
            paused_until: None,
            waiting: Vec::new(),
            life: 0,
            busy_until: Instant::default(),
            books: BTreeMap::new(),
        }
    }

    pub(crate) fn runs(&self) -> bool {
        self.engine.is_some() && self.paused_until.is_none()
    }

    pub(crate) fn has_address(&self, net: usize) -> bool {
        let port = &self.ports[net];
        port.there && port.up && port.addressed
    }

    /// What the monitor says of a port.
    pub(crate) fn report(&self, n: usize) -> Event {
        let port = &self.ports[n];
        if !port.there {
            return Event::InterfaceGone(port.name.clone());
        }
        Event::Interface(interface_status(
            (n, self.node),
            (port.name.clone(), IfIndex(port.index)),
            (port.up, port.addressed),
            port.held.iter().copied(),
        ))
    }

    /// What else there is to be known, as the trackers say it to whoever is new.
    pub(crate) fn objects(&self) -> Vec<Event> {
        let files = self.files.iter().map(|(name, value)| Event::File {
            name: (*name).into(),
            value: *value,
        });
        let processes = self.processes.iter().map(|(name, good)| Event::Process {
            name: (*name).into(),
            good: *good,
        });
        let sessions = self.sessions.iter().map(|(name, up)| Event::Bfd {
            name: (*name).into(),
            up: *up,
        });
        files.chain(processes).chain(sessions).collect()
    }

    /// Faults and priorities by a daemon that has just been started in this world.
    pub(crate) fn recomputed(&self, now: Instant) -> Engine {
        let mut fresh = Engine::new(self.config.clone());
        for n in 0..PORTS {
            fresh.handle(now, self.report(n));
        }
        for event in self.objects() {
            fresh.handle(now, event);
        }
        if self.reloaded {
            // Scripts that have said nothing yet do not hold anybody up any more.
            fresh.start(now);
            fresh.reload(now, self.config.clone());
        }
        for (name, good) in &self.outcomes {
            fresh.handle(now, script(name, *good));
        }
        fresh.start(now);
        fresh
    }

    /// The engine's view of itself is the one that its world implies; groups are in one state.
    pub(crate) fn check(&self, now: Instant, told: &str) {
        let Some(engine) = self.engine.as_ref().filter(|_| self.paused_until.is_none()) else {
            return;
        };
        let (ours, fresh) = (engine.status(now), self.recomputed(now).status(now));
        assert_eq!(ours.routers.len(), ROUTERS, "{told}");
        for (a, b) in ours.routers.iter().zip(&fresh.routers) {
            let told = format!("{told}: {} of node {}", a.config.name, self.node);
            assert_eq!(a.faults, b.faults, "{told}");
            assert_eq!(a.effective_priority, b.effective_priority, "{told}");
            let fit = a.faults.is_empty();
            assert!(fit || a.state != StateName::Master, "{told} is unfit and MASTER");
        }
        for group in &ours.groups {
            let members = ours
                .routers
                .iter()
                .filter(|r| group.members.contains(&r.config.name));
            let states: BTreeSet<_> = members.map(|r| r.state.word()).collect();
            assert!(
                !states.contains("MASTER") || states.len() == 1,
                "{told}: {} is split: {states:?}",
                group.name
            );
        }
    }

    /// Enters an order; generations count up.
    pub(crate) fn enter(&mut self, hold: bool, order: &Order, told: &str) {
        let book = self.books.entry(order.router).or_default();
        if order.generation > 0 || hold {
            assert!(order.generation > book.generation, "{told}: an old generation");
            book.generation = order.generation;
        }
        let addresses = order.goods.addresses.iter().cloned().map(Good::from);
        let routes = order.goods.routes.iter().cloned().map(Good::from);
        for good in addresses.chain(routes) {
            let key = format!("{good:?}");
            book.goods.retain(|(other, _)| *other != key);
            if hold {
                book.goods.push((key, good));
            }
        }
        if !hold {
            book.released = book.released.max(order.generation);
        }
    }

    /// The kernel's part of an order; what could not be done.
    pub(crate) fn carry_out(&mut self, hold: bool, order: &Order) -> Vec<(Good, String)> {
        let released = self.books.get(&order.router).map_or(0, |book| book.released);
        let mut failed = Vec::new();
        if hold && order.generation < released {
            return failed;
        }
        for spec in &order.goods.addresses {
            match self
                .ports
                .iter_mut()
                .find(|p| p.there && p.name == spec.interface)
            {
                Some(port) if hold => drop(port.held.insert(spec.cidr)),
                Some(port) => drop(port.held.remove(&spec.cidr)),
                None if hold => failed.push((spec.clone().into(), "no such device".into())),
                None => {}
            }
        }
        failed
    }

    /// Something about this host changes: what its daemon hears.
    pub(crate) fn change(&mut self, rng: &mut Rng) -> Vec<Event> {
        let n = rng.pick(PORTS);
        match rng.below(10) {
            0 => self.ports[n].up = rng.chance(1, 2),
            1 => {
                let port = &mut self.ports[n];
                port.there = !port.there;
                port.index += 10;
                port.held.clear();
            }
            2 => self.ports[n].addressed = rng.chance(1, 2),
            3 => {
                // A renamed interface keeps its index.
                let port = &mut self.ports[2];
                port.name = if port.name == spare() {
                    IfName::new("other").unwrap()
                } else {
                    spare()
                };
                port.held.clear();
                return if port.there { vec![self.report(2)] } else { vec![] };
            }
            4 | 5 => {
                let (name, good) = (SCRIPTS[rng.pick(2)], rng.chance(1, 2));
                if self.engine.is_some() {
                    self.outcomes.push((name, good));
                }
                return vec![script(name, good)];
            }
            6 => {
                let (name, value) = (FILES[rng.pick(2)], [-60, 0, 0, 10, 100, 300][rng.pick(6)]);
                self.files.insert(name, value);
                return self.objects();
            }
            7 => {
                self.processes.insert(PROCESSES[rng.pick(2)], rng.chance(1, 2));
                return self.objects();
            }
            8 => {
                self.sessions.insert(SESSIONS[0], rng.chance(1, 2));
                return self.objects();
            }
            _ => return self.rob(rng),
        }
        vec![self.report(n)]
    }

    /// Somebody removes something that a router holds.
    fn rob(&mut self, rng: &mut Rng) -> Vec<Event> {
        let all: Vec<_> = self
            .books
            .iter()
            .flat_map(|(id, book)| book.goods.iter().map(|(_, good)| (*id, good.clone())))
            .collect();
        if all.is_empty() {
            return Vec::new();
        }
        let (router, good) = all[rng.pick(all.len())].clone();
        let Good::Address(spec) = &good else {
            return vec![Event::Lost { router, good }];
        };
        let port = self.ports.iter_mut().position(|p| p.name == spec.interface);
        let Some(n) = port.filter(|n| self.ports[*n].held.remove(&spec.cidr)) else {
            return Vec::new();
        };
        let robbed = Event::AddressRemoved {
            interface: spec.interface.clone(),
            address: spec.cidr.addr,
        };
        vec![self.report(n), robbed]
    }

    /// All that can be tracked is as one would have it.
    pub(crate) fn heal(&mut self) -> Vec<Event> {
        for n in 0..PORTS {
            let port = &mut self.ports[n];
            (port.there, port.up, port.addressed, port.name) = (true, true, true, interface(n));
        }
        self.files.extend(FILES.map(|name| (name, 0)));
        self.processes.extend(PROCESSES.map(|name| (name, true)));
        self.sessions.extend(SESSIONS.map(|name| (name, true)));
        (0..PORTS).map(|n| self.report(n)).chain(self.objects()).collect()
    }

    /// Every script says something.
    pub(crate) fn decide(&mut self, good: bool) -> Vec<Event> {
        let twice = SCRIPTS.into_iter().chain(SCRIPTS);
        twice
            .map(|name| {
                self.outcomes.push((name, good));
                script(name, good)
            })
            .collect()
    }
}

fn script(name: &str, good: bool) -> Event {
    Event::Script {
        name: name.into(),
        outcome: ScriptOutcome::Exited(u8::from(!good)),
    }
}
