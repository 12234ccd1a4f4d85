//! The health engine: outcomes of probes in; probes to start, desired IPVS entries, scripts and log lines out.
//!
//! Owns every transition of real servers (facts 5), quorums and sorry servers (6), start (4) and stop (17). Reload is
//! in [`reload`]. Contract: `now` never goes back; after every call the caller drains [`Engine::poll_action`], in
//! order; [`Engine::handle_timeout`] is called when [`Engine::next_deadline`] has come, and every
//! [`Action::Start`] is answered by one [`Event::Outcome`].

mod inherit;
mod mastership;
mod reload;
mod report;
mod suspend;
mod watch;

use super::CheckerId;
use super::checker::{Checker, FIRST_CHECK, Phase, Turn};
use super::config::{CheckConfig, CheckerConfig, Notices, RealServerConfig, VirtualServerConfig};
use super::event::{Action, Event, ProbeOutcome};
use super::follow::{self, Followed, Report, Reports};
use super::letter::{self, Occasion};
use super::overdue::{Overdue, Punctuality};
use super::pool::{RealServer, VirtualServer, names, weight};
use super::quorum;
use super::status::CheckStatus;
use super::telling::{Line, Names, ServerSaying, ServiceSaying};
use crate::clock::Instant;
use crate::ipvs::config::FlushOnStop;
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Room that is kept for actions.
const MOST_KEPT_ACTIONS: usize = 256;

/// All virtual servers, their real servers and checkers.
#[derive(Debug)]
pub struct Engine {
    virtual_servers: Vec<VirtualServer>,
    /// Where each checker is.
    places: HashMap<CheckerId, Place>,
    /// Every waiting checker with its deadline.
    agenda: BTreeSet<(Instant, CheckerId)>,
    next_id: u32,
    /// Spreads first checks.
    random: Random,
    /// Who hears.
    notices: Notices,
    /// This host's addresses.
    local: BTreeSet<IpAddr>,
    /// What was reported last of files and sessions.
    reports: Reports,
    /// Who follows what.
    followers: HashMap<Followed, Vec<CheckerId>>,
    /// A verdict has changed, or who there is.
    changed: bool,
    /// Who was told to be overdue.
    overdue: BTreeMap<CheckerId, Overdue>,
    /// How late checks begin.
    punctuality: Punctuality,
    actions: VecDeque<Action>,
}

/// Indexes of a checker; made anew by a reload.
#[derive(Clone, Copy, Debug)]
struct Place {
    service: usize,
    server: usize,
    checker: usize,
}

impl Engine {
    /// Starts everything that `config` says. `seed` spreads the first checks over their `warmup`: any value does,
    /// the same one gives the same times.
    pub fn new(now: Instant, config: CheckConfig, seed: u64) -> Self {
        Self::knowing(now, config, seed, BTreeSet::new(), Reports::default())
    }

    /// The same on a host that has these addresses, with what is known of files and sessions.
    pub fn knowing(
        now: Instant,
        config: CheckConfig,
        seed: u64,
        local: BTreeSet<IpAddr>,
        reports: Reports,
    ) -> Self {
        let mut engine = Self {
            virtual_servers: Vec::new(),
            places: HashMap::new(),
            agenda: BTreeSet::new(),
            next_id: 0,
            random: Random::new(seed),
            notices: config.notices,
            local,
            reports,
            followers: HashMap::new(),
            changed: true,
            overdue: BTreeMap::new(),
            punctuality: Punctuality::default(),
            actions: VecDeque::new(),
        };
        for service in config.services {
            let vs = engine.new_service(now, service);
            engine.virtual_servers.push(vs);
        }
        engine.settle_places();
        for service in 0..engine.virtual_servers.len() {
            engine.open_service(service);
        }
        (0..engine.virtual_servers.len()).for_each(|service| engine.clear_absent(service));
        engine.tell_inherited();
        let lines: Vec<_> = engine.activations().collect();
        engine.actions.extend(lines);
        engine
    }

    /// Takes an event.
    pub fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Outcome {
                checker,
                url,
                outcome,
            } => self.outcome(now, checker, url, outcome),
            Event::Queued(checker) => {
                if let Some(checker) = self.checker_mut(checker) {
                    checker.wait_for_turn();
                }
            }
            Event::Begun(checker) => {
                if let Some(checker) = self.checker_mut(checker) {
                    checker.begin_turn(now);
                }
            }
            Event::Certificate { checker, ends } => {
                if let Some(checker) = self.checker_mut(checker) {
                    checker.saw_certificate(ends);
                }
            }
            Event::Addresses(local) => {
                self.local = local;
                self.look_at_addresses(now);
            }
            Event::Masters(masters) => {
                self.reports.masters = masters;
                self.look_at_masters();
            }
            Event::File { name, value } => {
                self.reports.files.insert(name.clone(), value);
                self.report(now, &Followed::File(name), Report::File(value));
            }
            Event::Session { name, up } => {
                self.reports.sessions.insert(name.clone(), up);
                self.report(now, &Followed::Session(name), Report::Session(up));
            }
        }
    }

    /// Starts every probe that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(due, id)) = self.agenda.first()
            && due <= now
        {
            self.agenda.pop_first();
            if self.is_resting(id) {
                if let Some(due) = self.checker_mut(id).map(|checker| checker.rest(now)) {
                    self.agenda.insert((due, id));
                }
                continue;
            }
            let order = self
                .place_mut(id)
                .and_then(|(names, checker)| checker.start(now, names));
            if let Some(order) = order {
                self.punctuality.began(now.since(due));
                self.actions.push_back(Action::Start(order));
            }
        }
    }

    /// When [`Self::handle_timeout`] is to be called next.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.agenda.first().map(|&(due, _)| due)
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            // After a start or a reload of thousands of servers it held as many.
            self.actions.shrink_to(MOST_KEPT_ACTIONS);
        }
        action
    }

    /// Ends everything. With `release` false (`-I`) nothing is removed and nobody told (fact 17.3).
    pub fn stop(&mut self, release: bool, flush: FlushOnStop) {
        self.agenda.clear();
        self.places.clear();
        for vs in std::mem::take(&mut self.virtual_servers) {
            if release {
                self.close_service(vs, flush);
            }
        }
    }

    /// What there is to see.
    pub fn status(&self, now: Instant) -> CheckStatus {
        CheckStatus {
            now,
            virtual_servers: self.virtual_servers.clone(),
            punctuality: self.punctuality,
        }
    }

    /// The virtual servers of the running configuration.
    pub fn services(&self) -> Vec<VirtualServerConfig> {
        self.virtual_servers
            .iter()
            .map(VirtualServer::whole_config)
            .collect()
    }

    /// Tells everybody who follows it.
    fn report(&mut self, now: Instant, followed: &Followed, report: Report) {
        for id in self.followers.get(followed).cloned().unwrap_or_default() {
            self.hear(now, id, report);
        }
    }

    /// A checker hears of what it follows, unless it rests: then it hears the newest when it wakes.
    fn hear(&mut self, now: Instant, id: CheckerId, report: Report) {
        if self.is_resting(id) {
            return;
        }
        if let Some(checker) = self.checker_mut(id) {
            let outcome = checker.hear(report);
            self.outcome(now, id, 0, outcome);
        }
    }

    fn outcome(&mut self, now: Instant, id: CheckerId, url: usize, outcome: ProbeOutcome) {
        let Some(&place) = self.places.get(&id) else {
            return;
        };
        let actions = &mut self.actions;
        let Some(vs) = self.virtual_servers.get_mut(place.service) else {
            return;
        };
        let Some(rs) = vs.real_servers.get_mut(place.server) else {
            return;
        };
        let Some(checker) = rs.checkers.get_mut(place.checker) else {
            return;
        };
        if vs.suspended {
            if matches!(checker.phase(), Phase::Asking { .. }) {
                self.agenda.insert((checker.rest(now), id));
            }
            return;
        }
        let first = !checker.has_run();
        let before = checker.belief();
        // keepalived tells a changed weight before the checker's own line.
        let mut lines = Vec::new();
        let turn = checker.finish(now, url, outcome, &rs.names, &mut |line| lines.push(line));
        if let Phase::Waiting { due } = checker.phase() {
            self.agenda.insert((due, id));
        }
        self.changed |= checker.belief() != before;
        // What a failing script had added goes without a word, as in keepalived (fact 11.3).
        let reweighed = if turn == Turn::Failed {
            rs.weight = rs.effective_weight();
            false
        } else {
            rs.tell_weight(actions)
        };
        actions.extend(lines.into_iter().map(Action::Tell));
        if turn == Turn::StillDown && !rs.alive {
            report::server(actions, self.notices, rs, false);
        }
        let changed = self.turn_server(place.service, place.server);
        if changed || reweighed {
            self.want(place.service);
            self.judge(place.service);
        }
        let vs = self.virtual_servers.get(place.service);
        if let Some(rs) = vs.and_then(|vs| vs.real_servers.get(place.server))
            && let Some(checker) = rs.checkers.get(place.checker)
        {
            report::checker(&mut self.actions, self.notices, rs, checker, turn, first, changed);
        }
    }

    /// Makes a real server's transition, if its checkers ask for one. Whether there was one.
    fn turn_server(&mut self, service: usize, server: usize) -> bool {
        let Some(vs) = self.virtual_servers.get_mut(service) else {
            return false;
        };
        let Some(rs) = vs.real_servers.get_mut(server) else {
            return false;
        };
        let good = rs.is_good();
        if good == rs.alive {
            return false;
        }
        rs.alive = good;
        rs.weight = rs.effective_weight();
        let inhibit = rs.config.inhibit_on_failure;
        let saying = if good {
            ServerSaying::Up { inhibit }
        } else {
            ServerSaying::Down { inhibit }
        };
        self.actions.push_back(Action::Tell(Line::Server {
            names: rs.names.clone(),
            saying,
        }));
        self.want(service);
        self.notify_server(service, server, good);
        true
    }

    fn notify_server(&mut self, service: usize, server: usize, up: bool) {
        let vs = self.virtual_servers.get(service);
        if let Some(rs) = vs.and_then(|vs| vs.real_servers.get(server)) {
            report::server(&mut self.actions, self.notices, rs, up);
        }
    }

    fn notify_service(&mut self, service: usize, occasion: Occasion) {
        if let Some(vs) = self.virtual_servers.get(service) {
            report::service(&mut self.actions, self.notices, vs, vs.quorum_up, occasion);
        }
    }

    /// Says what IPVS should hold for a service, if that has changed: nothing, while its instance is not MASTER.
    fn want(&mut self, service: usize) {
        let Some(vs) = self.virtual_servers.get_mut(service) else {
            return;
        };
        let wanted = (!vs.absent).then(|| Arc::new(vs.wants()));
        if vs.wanted != wanted {
            vs.wanted.clone_from(&wanted);
            self.actions.push_back(Action::Want {
                server: vs.config.target.id(),
                wanted,
            });
        }
    }

    /// Looks at a service's quorum, and acts when it turns (facts 6.2, 6.3).
    fn judge(&mut self, service: usize) {
        let Some(vs) = self.virtual_servers.get_mut(service) else {
            return;
        };
        let Some(turn) = vs.quorum().judge(vs.quorum_up, vs.live_weight()) else {
            return;
        };
        let figures = vs.figures();
        let sayings = match turn {
            quorum::Turn::Gained => {
                let sorry = vs
                    .active_sorry_server()
                    .map(|sorry| ServiceSaying::RemovingSorry {
                        server: vs.sorry_name(sorry),
                        inhibit: sorry.inhibit,
                    });
                let pool = sorry.is_some().then_some(ServiceSaying::AddingAlive);
                vs.quorum_up = true;
                [Some(ServiceSaying::Gained(figures)), sorry, pool]
            }
            quorum::Turn::Lost => {
                vs.quorum_up = false;
                let sorry = vs.active_sorry_server().map(|sorry| ServiceSaying::AddingSorry {
                    server: vs.sorry_name(sorry),
                    inhibit: sorry.inhibit,
                });
                let pool = sorry.is_some().then_some(ServiceSaying::RemovingAlive);
                [Some(ServiceSaying::Lost(figures)), sorry, pool]
            }
        };
        self.tell_service(service, sayings.into_iter().flatten());
        self.want(service);
        self.notify_service(service, Occasion::Turn(figures));
    }

    /// A service begins (facts 4.3 to 4.8): everything is in the table at once. Its quorum counts as down before, but
    /// no sorry server serves yet, so that a quorum that is there removes none.
    fn open_service(&mut self, service: usize) {
        if self.continue_service(service) {
            return;
        }
        let Some(vs) = self.virtual_servers.get_mut(service) else {
            return;
        };
        let figures = vs.figures();
        vs.quorum_up = vs.quorum().judge(false, figures.weight).is_some();
        let sayings = if vs.quorum_up {
            vec![ServiceSaying::Gained(figures)]
        } else if let Some(sorry) = vs.active_sorry_server() {
            let adding = ServiceSaying::AddingSorry {
                server: vs.sorry_name(sorry),
                inhibit: sorry.inhibit,
            };
            vec![
                ServiceSaying::StartingDown(figures),
                adding,
                ServiceSaying::RemovingAlive,
            ]
        } else {
            Vec::new()
        };
        let told = !sayings.is_empty();
        self.welcome_servers(service);
        self.tell_service(service, sayings.into_iter());
        self.want(service);
        if told {
            self.notify_service(service, Occasion::Start(figures));
        }
    }

    /// Servers that are up from the start are told of (fact 4.3).
    fn welcome_servers(&mut self, service: usize) {
        if !self.notices.at_start {
            return;
        }
        let vs = self.virtual_servers.get(service);
        for rs in vs.iter().flat_map(|vs| &vs.real_servers).filter(|rs| rs.alive) {
            report::server(&mut self.actions, self.notices, rs, true);
        }
    }

    fn tell_service(&mut self, service: usize, sayings: impl Iterator<Item = ServiceSaying>) {
        let Some(vs) = self.virtual_servers.get(service) else {
            return;
        };
        let lines = sayings.map(|saying| {
            Action::Tell(Line::Service {
                vs: Arc::clone(&vs.name),
                saying,
            })
        });
        self.actions.extend(lines);
    }

    /// A service ends with the daemon (facts 17.1, 17.2).
    /// Where services are removed as a whole, nothing is said of their servers (fact 17.4).
    fn close_service(&mut self, vs: VirtualServer, flush: FlushOnStop) {
        let whole = flush != FlushOnStop::No;
        for rs in vs.real_servers.iter().filter(|_| !whole) {
            let saying = ServerSaying::ShuttingDown {
                inhibited: rs.config.inhibit_on_failure && !rs.alive,
            };
            self.actions.push_back(Action::Tell(Line::Server {
                names: rs.names.clone(),
                saying,
            }));
        }
        // An empty table has none of it.
        if flush != FlushOnStop::Table {
            self.actions.push_back(Action::Want {
                server: vs.config.target.id(),
                wanted: None,
            });
        }
        if vs.config.omega {
            let (actions, notices) = (&mut self.actions, self.notices);
            for rs in vs.real_servers.iter().filter(|rs| rs.alive && !whole) {
                report::server(actions, notices, rs, false);
                report::parting(actions, notices, rs, letter::STOP);
            }
            report::service(actions, notices, &vs, false, Occasion::Stop);
        }
    }

    fn new_service(&mut self, now: Instant, mut config: VirtualServerConfig) -> VirtualServer {
        let servers = std::mem::take(&mut config.real_servers);
        let suspended = suspend::is_suspended(&self.local, &config);
        let judged = mastership::is_absent(self.reports.masters.as_ref(), &config);
        let name = config.target.to_string().into();
        VirtualServer {
            real_servers: servers
                .into_iter()
                .map(|rs| self.new_server(now, &name, &config, rs))
                .collect(),
            name,
            config,
            quorum_up: false,
            suspended,
            absent: judged.unwrap_or(true),
            unjudged: judged.is_none(),
            wanted: None,
        }
    }

    fn new_server(
        &mut self,
        now: Instant,
        name: &Arc<str>,
        service: &VirtualServerConfig,
        mut config: RealServerConfig,
    ) -> RealServer {
        let checkers = std::mem::take(&mut config.checkers);
        let mut checkers: Vec<_> = checkers.into_iter().map(|c| self.new_checker(now, c)).collect();
        let place = (service.target.id().to_string(), config.address);
        self.inherit(now, &place, &mut checkers);
        RealServer {
            names: names(name, &service.target, &config),
            alive: checkers.iter().all(Checker::is_up),
            weight: weight(config.weight, &checkers),
            checkers,
            config,
        }
    }

    fn new_checker(&mut self, now: Instant, config: CheckerConfig) -> Checker {
        let id = CheckerId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let warmup = u64::try_from(config.warmup.as_micros()).unwrap_or(u64::MAX - 1);
        let due = now + FIRST_CHECK + Duration::from_micros(self.random.below(warmup + 1));
        let mut checker = Checker::new(id, config, due);
        let followed = follow::followed(&checker.config().probe);
        if let Some(report) = followed.and_then(|followed| self.reports.of(&followed)) {
            checker.begin(report);
        }
        checker
    }

    fn checker(&self, id: CheckerId) -> Option<&Checker> {
        let place = self.places.get(&id)?;
        let vs = self.virtual_servers.get(place.service)?;
        vs.real_servers.get(place.server)?.checkers.get(place.checker)
    }

    fn checker_mut(&mut self, id: CheckerId) -> Option<&mut Checker> {
        self.place_mut(id).map(|(_, checker)| checker)
    }

    /// A checker, and the names of its servers.
    fn place_mut(&mut self, id: CheckerId) -> Option<(&Names, &mut Checker)> {
        let place = self.places.get(&id)?;
        let vs = self.virtual_servers.get_mut(place.service)?;
        let rs = vs.real_servers.get_mut(place.server)?;
        Some((&rs.names, rs.checkers.get_mut(place.checker)?))
    }

    /// Finds every checker's place and deadline anew.
    fn settle_places(&mut self) {
        self.places.clear();
        self.agenda.clear();
        self.followers.clear();
        for (service, vs) in self.virtual_servers.iter().enumerate() {
            for (server, rs) in vs.real_servers.iter().enumerate() {
                for (checker, it) in rs.checkers.iter().enumerate() {
                    self.places.insert(
                        it.id(),
                        Place {
                            service,
                            server,
                            checker,
                        },
                    );
                    if let Phase::Waiting { due } = it.phase() {
                        self.agenda.insert((due, it.id()));
                    }
                    if let Some(followed) = follow::followed(&it.config().probe) {
                        self.followers.entry(followed).or_default().push(it.id());
                    }
                }
            }
        }
    }

    /// The lines for every checker that has not run.
    fn activations(&self) -> impl Iterator<Item = Action> + '_ {
        self.virtual_servers.iter().flat_map(|vs| {
            vs.real_servers.iter().flat_map(|rs| {
                let fresh = rs.checkers.iter().filter(|checker| !checker.has_run());
                fresh.map(|_| {
                    let names = rs.names.clone();
                    Action::Tell(if vs.suspended {
                        Line::Deactivating(names)
                    } else {
                        Line::Activating(names)
                    })
                })
            })
        })
    }
}

impl RealServer {
    /// Tells a weight that has changed (fact 5.6). Whether it has.
    fn tell_weight(&mut self, actions: &mut VecDeque<Action>) -> bool {
        let (from, to) = (self.weight, self.effective_weight());
        if from == to {
            return false;
        }
        self.weight = to;
        let saying = ServerSaying::Weight {
            from,
            to,
            active: self.alive,
        };
        actions.push_back(Action::Tell(Line::Server {
            names: self.names.clone(),
            saying,
        }));
        true
    }
}

#[cfg(test)]
pub(crate) mod tests;
