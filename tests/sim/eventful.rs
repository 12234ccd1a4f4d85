//! Eventful histories: three directors with sync groups and trackers, to whom everything happens that the engine can hear
//! of. After each event faults and priorities are those of a daemon that has just been started in the same world; in the
//! end everything held has been released.
//!
//! `SIM_SEED=n cargo test --test sim eventful` runs one history, `SIM_SEEDS=n` the first `n`.

use crate::agenda::{Agenda, Next, arrived};
use crate::host::{Host, PORTS};
use crate::lan::Weather;
use crate::rng::Rng;
use crate::setting::address;
use crate::wish::{ROUTERS, Wish, net_of};
use std::time::Duration;
use steadfast::clock::Instant;
use steadfast::net::IfIndex;
use steadfast::vrrp::Engine;
use steadfast::vrrp::event::*;
use steadfast::vrrp::status::{StateName, VrrpStatus};

const NODES: usize = 3;
const MS: Duration = Duration::from_millis(1);

/// Something that will happen.
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
        order: Order,
    },
}

struct Lan {
    seed: u64,
    now: Instant,
    rng: Rng,
    weather: Weather,
    hosts: Vec<Host>,
    agenda: Agenda<Coming>,
    /// What happened last, for the verdict.
    last: String,
}

/// One history: events, calm, the verdict, and the end of all daemons.
pub(crate) fn history(seed: u64) {
    let mut rng = Rng::new(seed ^ 0x0e7e_0000);
    let wish = Wish::random(&mut rng);
    let mut lan = Lan {
        seed,
        now: Instant::from_micros(1_000_000_000),
        weather: Weather::calm(&mut rng, NODES),
        hosts: (0..NODES)
            .map(|node| Host::new(node, wish.config(node, &mut rng, true)))
            .collect(),
        agenda: Agenda::new(),
        last: String::new(),
        rng,
    };
    (0..NODES).for_each(|node| lan.boot(node));
    for _ in 0..3 + lan.rng.below(6) {
        if lan.rng.chance(1, 2) {
            lan.weather = Weather::foul(&mut lan.rng, NODES);
        }
        for _ in 0..lan.rng.below(6) {
            lan.disturb(&wish);
        }
        let time = MS * u32::try_from(lan.rng.below(2_500)).unwrap();
        lan.run(time);
    }
    lan.calm(&wish);
    lan.judge(&wish);
    (0..NODES).for_each(|node| lan.stop(node));
}

impl Lan {
    fn told(&self) -> String {
        format!("seed {}, after {}", self.seed, self.last)
    }

    /// Something happens to a director.
    fn disturb(&mut self, wish: &Wish) {
        let node = self.rng.pick(NODES);
        match self.rng.below(24) {
            0 => self.crash(node),
            1 if self.hosts[node].runs() => self.stop(node),
            1 | 2 => self.boot(node),
            3 => {
                let time = MS * u32::try_from(self.rng.below(6_000)).unwrap();
                if self.hosts[node].engine.is_some() {
                    self.hosts[node].paused_until = Some(self.now + time);
                }
            }
            4 | 5 => self.reload(node, wish, false),
            _ => {
                let events = self.hosts[node].change(&mut self.rng);
                self.tell_all(node, events);
            }
        }
    }

    fn tell_all(&mut self, node: usize, events: Vec<Event>) {
        for event in events {
            self.last = format!("{event:?}");
            self.tell(node, event);
        }
        // All of them are true already: only when all were heard can the engine know.
        self.hosts[node].check(self.now, &self.told());
    }

    fn boot(&mut self, node: usize) {
        let host = &mut self.hosts[node];
        if host.engine.is_some() {
            return;
        }
        host.life += 1;
        host.books.clear();
        (host.reloaded, host.outcomes) = (false, Vec::new());
        host.engine = Some(Engine::new(host.config.clone()));
        let ports = (0..PORTS).map(|n| host.report(n));
        for event in ports.chain(host.objects()).collect::<Vec<_>>() {
            self.tell(node, event);
        }
        self.step(node, |engine, now| engine.start(now));
        self.last = "a start".into();
        self.hosts[node].check(self.now, &self.told());
    }

    fn crash(&mut self, node: usize) {
        let host = &mut self.hosts[node];
        (host.engine, host.paused_until) = (None, None);
        host.waiting.clear();
    }

    /// The daemon ends: every order is answered, and nothing is held any more.
    fn stop(&mut self, node: usize) {
        self.resume(node);
        self.step(node, |engine, now| engine.stop(now, true));
        let ordered = |coming: &Coming| matches!(coming, Coming::Carried { node: of, .. } if *of == node);
        for coming in self.agenda.take(ordered) {
            self.happen(coming);
        }
        let told = format!("{}, node {node} stopped", self.told());
        let host = &self.hosts[node];
        if let Some(engine) = &host.engine {
            assert!(engine.is_stopped(), "{told}");
            for (router, book) in &host.books {
                assert!(book.goods.is_empty(), "{told}: {router:?} holds {:?}", book.goods);
            }
        }
        self.crash(node);
    }

    fn reload(&mut self, node: usize, wish: &Wish, loyal: bool) {
        if !self.hosts[node].runs() {
            return;
        }
        let config = wish.config(node, &mut self.rng, loyal);
        let host = &mut self.hosts[node];
        host.config = config.clone();
        host.reloaded = true;
        self.step(node, |engine, now| engine.reload(now, config));
        for event in self.hosts[node].objects() {
            self.tell(node, event);
        }
        self.last = "a reload".into();
        self.hosts[node].check(self.now, &self.told());
    }

    /// The process wakes: it listens to all that waits before it acts.
    fn resume(&mut self, node: usize) {
        if self.hosts[node].paused_until.take().is_some() {
            for event in std::mem::take(&mut self.hosts[node].waiting) {
                self.step(node, |engine, now| engine.handle(now, event));
            }
            self.last = "a pause".into();
            self.hosts[node].check(self.now, &self.told());
        }
    }

    /// No more losses; what is broken may stay so.
    fn calm(&mut self, wish: &Wish) {
        let stray = self.weather.greatest_delay;
        self.weather = Weather::calm(&mut self.rng, NODES);
        self.weather.join();
        for node in 0..NODES {
            self.resume(node);
            if self.rng.chance(3, 4) {
                self.boot(node);
            }
            self.reload(node, wish, true);
            if self.rng.chance(2, 3) {
                let events = self.hosts[node].heal();
                self.tell_all(node, events);
            }
            if self.hosts[node].runs() {
                let good = self.rng.chance(3, 4);
                let events = self.hosts[node].decide(good);
                self.tell_all(node, events);
            }
        }
        // Three down intervals and a preempt delay.
        self.run(stray + Duration::from_secs(15));
    }

    /// One master for each router among those that are fit, one state in each group, and only masters hold.
    fn judge(&self, wish: &Wish) {
        let all: Vec<Option<VrrpStatus>> = self
            .hosts
            .iter()
            .map(|host| Some(host.engine.as_ref()?.status(self.now)))
            .collect();
        let told = format!("seed {}: {:?}", self.seed, wish.groups);
        for (host, status) in self.hosts.iter().zip(&all) {
            host.check(self.now, &format!("{told}, calm"));
            for group in status.iter().flat_map(|status| &status.groups) {
                assert_ne!(group.state, StateName::Init, "{told}: {group:?}");
            }
        }
        for n in 0..ROUTERS {
            let alone = vec![n];
            let team = wish
                .groups
                .iter()
                .find(|team| team.contains(&n))
                .unwrap_or(&alone);
            let of = |node: &usize, n: usize| all[*node].as_ref().map(|status| &status.routers[n]);
            let runs = |node: &usize| all[*node].is_some();
            let fit = |node: &usize| {
                team.iter()
                    .all(|n| of(node, *n).is_some_and(|r| r.faults.is_empty()))
            };
            let fit: Vec<usize> = (0..NODES).filter(fit).collect();
            let rules = |node: &usize| of(node, n).is_some_and(|r| r.state == StateName::Master);
            let masters: Vec<usize> = (0..NODES).filter(rules).collect();
            let told = format!("{told}: masters of {n}: {masters:?} among {fit:?}");
            assert_eq!(masters.len(), usize::from(!fit.is_empty()), "{told}");
            for node in (0..NODES).filter(runs) {
                let host = &self.hosts[node];
                let rules = masters.contains(&node);
                assert!(!rules || fit.contains(&node), "{told}");
                let vip = host.config.routers[n].vips[0].cidr;
                let held = host.ports[net_of(n)].held.contains(&vip);
                assert_eq!(held, rules, "{told}: held by node {node}");
            }
            let rank = |node: &usize| of(node, n).map(|r| r.effective_priority);
            let open = |node: &usize| !self.hosts[*node].config.routers[n].nopreempt;
            if let [master] = masters[..] {
                let better = |node: &&usize| open(node) && rank(node) > rank(&master);
                assert_eq!(fit.iter().find(better), None, "{told}: should be master");
            }
        }
    }

    /// Lets `time` pass.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let daemons = self.hosts.iter();
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

    fn happen(&mut self, coming: Coming) {
        match coming {
            Coming::Packet {
                to,
                net,
                mut datagram,
            } => {
                let port = &self.hosts[to].ports[net];
                let meant = datagram.destination.is_multicast() || port.addressed;
                if port.there && port.up && meant {
                    datagram.interface = IfIndex(port.index);
                    self.tell(to, Event::Datagram(datagram));
                }
            }
            Coming::Carried {
                node,
                life,
                hold,
                order,
            } => {
                let host = &mut self.hosts[node];
                if life != host.life || host.engine.is_none() {
                    return;
                }
                let failed = host.carry_out(hold, &order);
                let answer = Completion {
                    router: order.router,
                    generation: order.generation,
                    failed,
                };
                let reports: Vec<_> = (0..PORTS)
                    .filter(|n| {
                        let name = &host.ports[*n].name;
                        host.ports[*n].there
                            && order.goods.addresses.iter().any(|spec| spec.interface == *name)
                    })
                    .map(|n| host.report(n))
                    .collect();
                for report in reports {
                    self.tell(node, report);
                }
                let event = if hold { Event::Held } else { Event::Released };
                self.tell(node, event(answer));
            }
        }
    }

    fn tell(&mut self, node: usize, event: Event) {
        let host = &mut self.hosts[node];
        if host.paused_until.is_some() {
            host.waiting.push(event);
        } else {
            self.step(node, |engine, now| engine.handle(now, event));
        }
    }

    fn step(&mut self, node: usize, step: impl FnOnce(&mut Engine, Instant)) {
        let now = self.now;
        let Some(engine) = &mut self.hosts[node].engine else {
            return;
        };
        step(engine, now);
        let actions: Vec<_> = std::iter::from_fn(|| engine.poll_action()).collect();
        for action in actions {
            match action {
                Action::Send(transmit) => self.send(node, &transmit),
                Action::Hold(order) => self.order(node, true, order),
                Action::Release(order) => self.order(node, false, order),
                Action::Announce(announcement) => assert!(!announcement.targets.is_empty()),
                Action::Tell(_) | Action::Notify(_) => {}
            }
        }
    }

    fn order(&mut self, node: usize, hold: bool, order: Order) {
        let told = self.told();
        let wait = Duration::from_micros(self.rng.below(1_000));
        let host = &mut self.hosts[node];
        host.enter(hold, &order, &told);
        host.busy_until = host.busy_until.max(self.now) + wait;
        let coming = Coming::Carried {
            node,
            life: host.life,
            hold,
            order,
        };
        let at = host.busy_until;
        self.agenda.plan(at, coming);
    }

    fn send(&mut self, from: usize, transmit: &Transmit) {
        let host = &self.hosts[from];
        let by = host
            .ports
            .iter()
            .position(|p| IfIndex(p.index) == transmit.interface);
        let Some(net) = by.filter(|net| host.has_address(*net)) else {
            return;
        };
        for to in (0..NODES).filter(|to| *to != from) {
            let meant = transmit.destination.is_multicast() || transmit.destination == address(net, to);
            let lost = self.rng.chance(self.weather.loss, 100);
            if !meant || !self.weather.reach[from][to] || lost {
                continue;
            }
            let greatest = u64::try_from(self.weather.greatest_delay.as_micros()).unwrap();
            let at = self.now + Duration::from_micros(self.rng.below(greatest + 1));
            let datagram = arrived(transmit);
            self.agenda.plan(at, Coming::Packet { to, net, datagram });
        }
    }
}
