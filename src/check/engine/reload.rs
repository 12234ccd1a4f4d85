//! Another configuration for a running engine (facts 16): what stays keeps its state.
//!
//! A virtual server is the same when its key is, a real server when its address is, a checker when its probe is. Only
//! then do verdict, retry count and weight carry over; `alpha`, `retry` and the delays come from the new file.

use super::{Engine, run};
use crate::check::checker::Checker;
use crate::check::config::{CheckConfig, CheckerConfig, RealServerConfig, VirtualServerConfig};
use crate::check::event::Action;
use crate::check::pool::{RealServer, VirtualServer, names};
use crate::check::telling::{Line, ServerSaying, ServiceSaying};
use crate::clock::Instant;
use std::sync::Arc;

impl Engine {
    /// Runs `config` from now on.
    pub fn reload(&mut self, now: Instant, config: CheckConfig) {
        let mut old = std::mem::take(&mut self.virtual_servers);
        let mut fresh = Vec::new();
        for service in config.services {
            let vs = match old.iter().position(|vs| vs.config.key == service.key) {
                Some(found) => {
                    let vs = old.swap_remove(found);
                    self.merge_service(now, vs, service)
                }
                None => {
                    fresh.push(self.virtual_servers.len());
                    self.new_service(now, service)
                }
            };
            self.virtual_servers.push(vs);
        }
        old.sort_by_key(|vs| vs.config.key);
        old.into_iter().for_each(|vs| self.drop_service(&vs));
        self.settle_places();
        for service in 0..self.virtual_servers.len() {
            if fresh.contains(&service) {
                self.open_service(service);
            } else {
                self.settle_service(service);
            }
        }
        let lines: Vec<_> = self.activations().collect();
        self.actions.extend(lines);
    }

    /// The servers of a kept service make the transitions that their checkers now ask for.
    fn settle_service(&mut self, service: usize) {
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
    ) -> VirtualServer {
        let servers = std::mem::take(&mut config.real_servers);
        let mut real_servers = Vec::with_capacity(servers.len());
        for server in servers {
            let found = old
                .real_servers
                .iter()
                .position(|rs| rs.config.address == server.address);
            real_servers.push(match found {
                Some(found) => {
                    let rs = old.real_servers.remove(found);
                    self.merge_server(now, &config, rs, server)
                }
                None => self.new_server(now, &config, server),
            });
        }
        for rs in &old.real_servers {
            self.drop_server(rs);
        }
        VirtualServer {
            config,
            name: old.name,
            real_servers,
            quorum_up: old.quorum_up,
            wanted: old.wanted,
        }
    }

    fn merge_server(
        &mut self,
        now: Instant,
        service: &VirtualServerConfig,
        mut old: RealServer,
        mut config: RealServerConfig,
    ) -> RealServer {
        // A new alpha checker is believed in if the server was tested by another one and found good (fact 16.7).
        let tested = old.checkers.iter().any(Checker::has_run) && old.checkers.iter().all(Checker::is_up);
        let checkers = std::mem::take(&mut config.checkers);
        let checkers = checkers
            .into_iter()
            .map(|c| self.merge_checker(now, &mut old.checkers, tested, Arc::new(c)))
            .collect();
        RealServer {
            names: names(&service.key, &config),
            checkers,
            alive: old.alive,
            weight: old.weight,
            config,
        }
    }

    fn merge_checker(
        &mut self,
        now: Instant,
        old: &mut Vec<Checker>,
        tested: bool,
        config: Arc<CheckerConfig>,
    ) -> Checker {
        if let Some(found) = old
            .iter()
            .position(|checker| checker.config().probe == config.probe)
        {
            let mut checker = old.remove(found);
            checker.adopt(now, config);
            return checker;
        }
        let mut checker = self.new_checker(now, config);
        if tested {
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
        if rs.alive {
            run(&mut self.actions, rs.config.notify_down.as_ref());
        }
    }

    /// A virtual server that the new file does not have (fact 16.3).
    fn drop_service(&mut self, vs: &VirtualServer) {
        let line = Line::Service {
            vs: vs.name.clone(),
            saying: ServiceSaying::Removing,
        };
        self.actions.push_back(Action::Tell(line));
        self.actions.push_back(Action::Want {
            service: vs.config.key,
            entry: None,
        });
        for rs in vs.real_servers.iter().filter(|rs| rs.alive) {
            run(&mut self.actions, rs.config.notify_down.as_ref());
        }
        if vs.quorum_up {
            run(&mut self.actions, vs.config.quorum_down.as_ref());
        }
    }
}
