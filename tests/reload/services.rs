//! The health engine, the keeper with its thread, and the table of an imitated kernel.

use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use steadfast::check::checker::Phase;
use steadfast::check::config::CheckerConfig;
use steadfast::check::event::{Action, Event};
use steadfast::check::follow::Reports;
use steadfast::check::status::CheckStatus;
use steadfast::check::{CheckConfig, Engine};
use steadfast::clock::Instant;
use steadfast::ipvs::diff::{Misfit, Op};
use steadfast::ipvs::io::{Refusal, TalkError};
use steadfast::ipvs::keeper::{Keeper, Kernel};
use steadfast::ipvs::model::{Destination, ServiceKey, Table, VirtualService};

/// The kernel's table, and what was done to it.
#[derive(Debug, Default)]
struct Site {
    table: Table,
    ops: Vec<Op>,
}

#[derive(Clone, Debug, Default)]
struct Imitation(Arc<Mutex<Site>>);

impl Kernel for Imitation {
    fn read(&mut self, owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        let site = self.0.lock().unwrap();
        let all = site.table.services.iter();
        let found = all.filter(|(key, _)| owned.contains(key));
        Ok(Table {
            services: found.map(|(key, entry)| (*key, entry.clone())).collect(),
        })
    }

    fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        let mut site = self.0.lock().unwrap();
        for op in ops {
            // Nothing that is not true may be believed of the kernel.
            let done: Result<(), Misfit> = site.table.apply(op);
            assert_eq!(done, Ok(()), "{op:?}");
            site.ops.push(op.clone());
        }
        Ok(Vec::new())
    }

    fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError> {
        let site = self.0.lock().unwrap();
        let all = site.table.services.iter();
        Ok(all.map(|(key, entry)| (*key, entry.service.clone())).collect())
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError> {
        let site = self.0.lock().unwrap();
        let found = site.table.services.get(key);
        Ok(found.map(|entry| entry.destinations.clone()).unwrap_or_default())
    }

    fn flush(&mut self) -> Result<(), TalkError> {
        self.0.lock().unwrap().table.services.clear();
        Ok(())
    }
}

pub(crate) struct Services {
    pub(crate) engine: Engine,
    keeper: Keeper,
    site: Imitation,
    /// Probes on their way.
    asked: BTreeMap<(Instant, u32), Event>,
    number: u32,
}

/// A checker that stays, and what it believes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Belief {
    up: bool,
    has_run: bool,
    failures: u32,
    failed_url: Option<usize>,
    exit_status: Option<u8>,
}

impl Services {
    pub(crate) fn start(
        config: &CheckConfig,
        world: &World,
        now: Instant,
        local: BTreeSet<std::net::IpAddr>,
        masters: BTreeSet<String>,
    ) -> Self {
        let site = Imitation::default();
        let kernel = site.clone();
        let open = Box::new(move || Ok(Box::new(kernel.clone()) as Box<dyn Kernel>));
        let reports = Reports {
            files: World::file_names()
                .map(|name| (name.to_owned(), world.file(name)))
                .collect(),
            masters: Some(Arc::new(masters)),
            ..Reports::default()
        };
        let mut services = Self {
            engine: Engine::knowing(now, config.clone(), 7, local, reports),
            keeper: Keeper::spawn(open, |error| panic!("{error}")).unwrap(),
            site,
            asked: BTreeMap::new(),
            number: 0,
        };
        services.carry_out(world, now);
        services.tell_sessions(world, now);
        services
    }

    /// `masters`: who is MASTER by the new names, if that is known already.
    pub(crate) fn reload(
        &mut self,
        config: &CheckConfig,
        world: &World,
        now: Instant,
        masters: Option<BTreeSet<String>>,
    ) {
        self.tell_files(world, now);
        self.engine.know_masters(masters.map(Arc::new));
        self.engine.reload(now, config.clone());
        self.carry_out(world, now);
        self.tell_sessions(world, now);
    }

    pub(crate) fn tell(&mut self, event: Event, world: &World, now: Instant) {
        self.engine.handle(now, event);
        self.carry_out(world, now);
    }

    pub(crate) fn tell_sessions(&mut self, world: &World, now: Instant) {
        for (name, up) in world.session_states() {
            let name = name.to_owned();
            self.tell(Event::Session { name, up }, world, now);
        }
    }

    pub(crate) fn tell_files(&mut self, world: &World, now: Instant) {
        for name in World::file_names() {
            let value = world.file(name);
            let name = name.to_owned();
            self.tell(Event::File { name, value }, world, now);
        }
    }

    fn carry_out(&mut self, world: &World, now: Instant) {
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Start(order) => {
                    self.number += 1;
                    let at = now + Duration::from_millis(10 + u64::from(self.number % 7) * 50);
                    let outcome = world.outcome(&order);
                    let event = Event::Outcome {
                        checker: order.checker,
                        url: order.url,
                        outcome,
                    };
                    self.asked.insert((at, self.number), event);
                }
                Action::Want { server, wanted } => self.keeper.want(server, wanted),
                Action::Clear(services) => self.keeper.clear(services),
                Action::Notify(_) | Action::Tell(_) => {}
            }
        }
    }

    /// Answers and deadlines until `end`, or until `done`.
    pub(crate) fn run(
        &mut self,
        world: &World,
        now: &mut Instant,
        end: Instant,
        mut done: impl FnMut(&Engine) -> bool,
    ) {
        loop {
            let answer = self.asked.first_key_value().map(|((at, _), _)| *at);
            let due = self.engine.next_deadline();
            let Some(next) = [answer, due].into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            *now = (*now).max(next);
            if answer.is_some_and(|at| at <= *now) {
                let (_, event) = self.asked.pop_first().unwrap();
                self.tell(event, world, *now);
            } else {
                self.engine.handle_timeout(*now);
                self.carry_out(world, *now);
            }
            if done(&self.engine) {
                return;
            }
        }
        *now = (*now).max(end);
    }

    /// Runs until every checker has come to the verdict that the world gives it.
    pub(crate) fn settle(&mut self, world: &World, now: &mut Instant) {
        let start = *now;
        // Long enough for a pass over all urls after the last failure that is forgiven.
        let mut length = Duration::ZERO;
        for checker in checkers(&self.engine.status(start)) {
            let config: &CheckerConfig = checker.config();
            let rounds = 2 + config.retry + 2 * u32::try_from(config.probe.urls().len()).unwrap();
            let round = config.delay_loop.max(config.delay_before_retry) + Duration::from_secs(1);
            length = length.max(config.warmup + round * rounds);
        }
        self.run(world, now, start + length, |_| false);
        *now = start + length;
    }

    /// Whether a probe is on its way.
    pub(crate) fn asks(&self) -> bool {
        !self.asked.is_empty()
    }

    /// The table, once everything wanted so far was tried.
    pub(crate) fn table(&self) -> Table {
        self.sync();
        self.site.0.lock().unwrap().table.clone()
    }

    pub(crate) fn take_ops(&self) -> Vec<Op> {
        self.sync();
        std::mem::take(&mut self.site.0.lock().unwrap().ops)
    }

    fn sync(&self) {
        let (done, waiting) = channel();
        assert!(self.keeper.after(move || done.send(()).unwrap()));
        waiting.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    /// What every checker believes, with who it is: service, server, and all of its settings.
    pub(crate) fn beliefs(&self, now: Instant) -> Vec<(String, CheckerConfig, Belief)> {
        let status = self.engine.status(now);
        let mut all = Vec::new();
        for vs in &status.virtual_servers {
            for rs in &vs.real_servers {
                for checker in &rs.checkers {
                    let belief = Belief {
                        up: checker.is_up(),
                        has_run: checker.has_run(),
                        failures: checker.failures(),
                        failed_url: checker.failed_url(),
                        exit_status: checker.exit_status(),
                    };
                    let place = format!("{} of {:?}", rs.config.address, vs.config.target.id());
                    all.push((place, checker.config().clone(), belief));
                }
            }
        }
        all
    }

    /// Every checker waits for a moment to come, for an answer that is on its way, or for what it follows.
    pub(crate) fn judge(&self, now: Instant, told: &str) {
        let asked: BTreeSet<_> = self
            .asked
            .values()
            .filter_map(|event| match event {
                Event::Outcome { checker, .. } => Some(*checker),
                _ => None,
            })
            .collect();
        let deadline = self.engine.next_deadline();
        for checker in checkers(&self.engine.status(now)) {
            match checker.phase() {
                Phase::Waiting { due } => {
                    assert!(
                        deadline.is_some_and(|at| at <= due),
                        "{told}: a checker is not scheduled"
                    );
                }
                Phase::Asking { .. } => {
                    assert!(
                        asked.contains(&checker.id()),
                        "{told}: a checker waits for nothing"
                    );
                }
                Phase::Following => {}
            }
        }
    }
}

fn checkers(status: &CheckStatus) -> Vec<&steadfast::check::checker::Checker> {
    let services = status.virtual_servers.iter();
    let servers = services.flat_map(|vs| &vs.real_servers);
    servers.flat_map(|rs| &rs.checkers).collect()
}
