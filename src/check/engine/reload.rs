//! Another configuration for a running engine (facts 16): what stays keeps its state.
//!
//! A virtual server is the same when its identity is, a real server when its address is, a checker when its probe is. Only
//! then do verdict, retry count and weight carry over; `alpha`, `retry` and the delays come from the new file.

use super::{Engine, mastership, report, suspend};
use crate::check::checker::Checker;
use crate::check::config::{CheckConfig, CheckerConfig, RealServerConfig, Target, VirtualServerConfig};
use crate::check::event::Action;
use crate::check::letter::{self, Occasion};
use crate::check::pool::{RealServer, VirtualServer, names};
use crate::check::telling::{Line, ServerSaying, ServiceSaying};
use crate::clock::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

/// What a reload changes of the servers of a service that stays.
struct Change {
    left: Vec<RealServer>,
    came: BTreeSet<SocketAddr>,
    /// Its checkers do not rest any more.
    woke: bool,
    /// It began before it was known who is MASTER, and now that is known.
    judged: bool,
}

impl Engine {
    /// Runs `config` from now on.
    pub fn reload(&mut self, now: Instant, config: CheckConfig) {
        self.notices = config.notices;
        self.changed = true;
        let mut old: BTreeMap<_, _> = std::mem::take(&mut self.virtual_servers)
            .into_iter()
            .map(|vs| (vs.config.target.id(), vs))
            .collect();
        let mut changes = Vec::new();
        for service in config.services {
            let (vs, change) = match old.remove(&service.target.id()) {
                Some(vs) => {
                    let (vs, change) = self.merge_service(now, vs, service);
                    (vs, Some(change))
                }
                None => (self.new_service(now, service), None),
            };
            self.virtual_servers.push(vs);
            changes.push(change);
        }
        old.values().for_each(|vs| self.drop_service(vs));
        self.settle_places();
        let mut fresh = Vec::new();
        for (service, change) in changes.into_iter().enumerate() {
            match change {
                None => {
                    self.open_service(service);
                    fresh.push(service);
                }
                Some(change) => {
                    self.settle_service(service, &change);
                    if change.woke {
                        self.catch_up(now, service);
                    }
                    if change.judged {
                        fresh.push(service);
                    }
                }
            }
        }
        fresh.into_iter().for_each(|service| self.clear_absent(service));
        let lines: Vec<_> = self.activations().collect();
        self.actions.extend(lines);
    }

    /// The servers of a kept service make the transitions that their checkers now ask for. Who left and who came is told
    /// (facts 16.4, 16.8).
    fn settle_service(&mut self, service: usize, change: &Change) {
        self.want(service);
        for rs in change.left.iter().filter(|rs| rs.alive) {
            report::server(&mut self.actions, self.notices, rs, false);
            report::parting(&mut self.actions, self.notices, rs, letter::REMOVED);
        }
        let vs = self.virtual_servers.get(service);
        let came = vs.iter().flat_map(|vs| &vs.real_servers);
        for rs in came.filter(|rs| rs.alive && change.came.contains(&rs.config.address)) {
            if self.notices.at_start {
                report::server(&mut self.actions, self.notices, rs, true);
            }
        }
        let servers = self
            .virtual_servers
            .get(service)
            .map_or(0, |vs| vs.real_servers.len());
        for server in 0..servers {
            self.turn_server(service, server);
            if let Some(rs) = self
                .virtual_servers
                .get_mut(service)
                .and_then(|vs| vs.real_servers.get_mut(server))
            {
                rs.tell_weight(&mut self.actions);
            }
        }
        self.judge(service);
        self.want(service);
    }

    fn merge_service(
        &mut self,
        now: Instant,
        mut old: VirtualServer,
        mut config: VirtualServerConfig,
    ) -> (VirtualServer, Change) {
        let servers = std::mem::take(&mut config.real_servers);
        let mut known: BTreeMap<_, _> = std::mem::take(&mut old.real_servers)
            .into_iter()
            .map(|rs| (rs.config.address, rs))
            .collect();
        let mut real_servers = Vec::with_capacity(servers.len());
        let mut came = BTreeSet::new();
        for server in servers {
            real_servers.push(if let Some(rs) = known.remove(&server.address) {
                self.merge_server(now, &old.name, &config, rs, server)
            } else {
                came.insert(server.address);
                self.new_server(now, &old.name, &config, server)
            });
        }
        let left: Vec<_> = known.into_values().collect();
        left.iter().for_each(|rs| self.drop_server(rs));
        let suspended = suspend::is_suspended(&self.local, &config);
        let judged = mastership::is_absent(self.reports.masters.as_ref(), &config);
        let absent = judged.unwrap_or(old.absent);
        let unjudged = old.unjudged && judged.is_none();
        let turned = suspended != old.suspended;
        let vs = VirtualServer {
            config,
            name: old.name,
            real_servers,
            quorum_up: old.quorum_up,
            suspended,
            absent,
            unjudged,
            wanted: old.wanted,
        };
        if turned {
            self.actions.extend(suspend::turning(&vs));
        }
        if absent != old.absent {
            self.actions.push_back(mastership::turning(&vs));
        }
        let woke = turned && !suspended;
        let judged = old.unjudged && !unjudged;
        let change = Change {
            left,
            came,
            woke,
            judged,
        };
        (vs, change)
    }

    fn merge_server(
        &mut self,
        now: Instant,
        name: &Arc<str>,
        service: &VirtualServerConfig,
        mut old: RealServer,
        mut config: RealServerConfig,
    ) -> RealServer {
        // A new alpha checker is believed in if the server was tested by another one and found good (fact 16.7).
        let tested = old.checkers.iter().any(Checker::has_run) && old.checkers.iter().all(Checker::is_up);
        let checkers = std::mem::take(&mut config.checkers);
        let mut kept = match_checkers(&mut old.checkers, &checkers);
        let checkers = checkers
            .into_iter()
            .enumerate()
            .map(|(at, config)| self.merge_checker(now, kept.remove(&at), tested, config))
            .collect();
        RealServer {
            names: names(name, &service.target, &config),
            checkers,
            alive: old.alive,
            weight: old.weight,
            config,
        }
    }

    fn merge_checker(
        &mut self,
        now: Instant,
        kept: Option<Checker>,
        tested: bool,
        config: CheckerConfig,
    ) -> Checker {
        if let Some(mut checker) = kept {
            checker.adopt(now, config);
            return checker;
        }
        let mut checker = self.new_checker(now, config);
        // One that follows what was reported has judged already.
        if tested && !checker.has_run() {
            checker.trust();
        }
        checker
    }

    /// A real server that the new file does not have (fact 16.4).
    fn drop_server(&mut self, rs: &RealServer) {
        let inhibit = rs.config.inhibit_on_failure;
        for saying in [
            ServerSaying::NoLongerExists,
            ServerSaying::Down {
                inhibit: inhibit && !rs.alive,
            },
        ] {
            self.actions.push_back(Action::Tell(Line::Server {
                names: rs.names.clone(),
                saying,
            }));
        }
    }

    /// A virtual server that the new file does not have (fact 16.3).
    fn drop_service(&mut self, vs: &VirtualServer) {
        let group = match &vs.config.target {
            Target::Group(group) => Some(Arc::clone(&group.name)),
            Target::Service(_) => None,
        };
        let line = Line::Service {
            vs: Arc::clone(&vs.name),
            saying: ServiceSaying::Removing { group },
        };
        self.actions.push_back(Action::Tell(line));
        for rs in vs
            .real_servers
            .iter()
            .filter(|rs| rs.alive || rs.config.inhibit_on_failure)
        {
            self.actions.push_back(Action::Tell(Line::Server {
                names: rs.names.clone(),
                saying: ServerSaying::Down { inhibit: false },
            }));
        }
        self.actions.push_back(Action::Want {
            server: vs.config.target.id(),
            wanted: None,
        });
        for rs in vs.real_servers.iter().filter(|rs| rs.alive) {
            report::server(&mut self.actions, self.notices, rs, false);
            report::parting(&mut self.actions, self.notices, rs, letter::REMOVED);
        }
        if vs.quorum_up {
            let gone = Occasion::Removed(vs.figures());
            report::service(&mut self.actions, self.notices, vs, false, gone);
        }
    }
}

/// For the places in `new` the old checkers that they are. Who asks exactly the same as before comes first: what is new
/// beside it has no part in what is known.
fn match_checkers(old: &mut Vec<Checker>, new: &[CheckerConfig]) -> BTreeMap<usize, Checker> {
    let mut kept = BTreeMap::new();
    for (at, config) in new.iter().enumerate() {
        let same = |checker: &Checker| checker.config().probe == config.probe;
        if let Some(found) = old.iter().position(same) {
            kept.insert(at, old.remove(found));
        }
    }
    for (at, config) in new.iter().enumerate() {
        if old.is_empty() || kept.contains_key(&at) {
            continue;
        }
        let wanted = config.probe.identity();
        let same = |checker: &Checker| checker.config().probe.identity() == wanted;
        if let Some(found) = old.iter().position(same) {
            kept.insert(at, old.remove(found));
        }
    }
    kept
}
