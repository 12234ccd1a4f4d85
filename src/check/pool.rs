//! Real servers and virtual servers: what is alive, what it weighs, and what IPVS should therefore hold.
//!
//! Values and pure readings of them; the [engine](super::engine) makes the transitions. The desired entry of a
//! virtual service is derived from this state alone (facts 4.4, 5.2, 5.3, 6.2 to 6.5), never from what was done before.

use super::checker::Checker;
use super::config::{RealServerConfig, SorryServerConfig, Target, VirtualServerConfig};
use super::quorum::Quorum;
use super::telling::{Names, QuorumFigures};
use crate::ipvs::model::{Destination, VirtualService, Wanted, real_server_name};
use std::sync::Arc;

/// The weight that the kernel takes at most (fact 2.10).
const MAX_WEIGHT: i64 = 0x7fff_ffff;

/// One real server.
#[derive(Clone, Debug)]
pub struct RealServer {
    /// Its settings; the checkers' are with the checkers.
    pub config: RealServerConfig,
    /// Its names in the log.
    pub names: Names,
    /// Its checkers, in the order of the file.
    pub checkers: Vec<Checker>,
    /// Whether it counts: the last transition that was made. After every event it is what [`Self::is_good`] says.
    pub alive: bool,
    /// The weight that was told last.
    pub weight: u32,
}

impl RealServer {
    /// Its settings, those of its checkers included.
    fn whole_config(&self) -> RealServerConfig {
        let checkers = self.checkers.iter().map(|checker| checker.config().clone());
        RealServerConfig {
            checkers: checkers.collect(),
            ..self.config.clone()
        }
    }

    /// Whether no checker has failed (fact 5.1).
    pub fn is_good(&self) -> bool {
        self.checkers.iter().all(Checker::is_up)
    }

    /// Its configured weight and what its checkers add (fact 5.5).
    pub fn effective_weight(&self) -> u32 {
        weight(self.config.weight, &self.checkers)
    }

    /// The destination, with this weight.
    fn destination(&self, weight: u32) -> Destination {
        Destination {
            forward: self.config.forward,
            weight,
            upper: self.config.upper,
            lower: self.config.lower,
        }
    }
}

/// One virtual server with its real servers.
#[derive(Clone, Debug)]
pub struct VirtualServer {
    /// Its settings; the real servers' are with them.
    pub config: VirtualServerConfig,
    /// Its name in the log.
    pub name: Arc<str>,
    /// Its real servers, in the order of the file.
    pub real_servers: Vec<RealServer>,
    /// Whether the quorum is up.
    pub quorum_up: bool,
    /// Its checkers rest: `ha_suspend`, and none of its addresses is here (fact 7.1).
    pub suspended: bool,
    /// `while_master`: its instance is not MASTER, so that IPVS has nothing of it.
    pub absent: bool,
    /// It has begun absent because it is not known yet who is MASTER: what an earlier run has left waits for that too.
    pub unjudged: bool,
    /// What was wanted last.
    pub wanted: Option<Arc<Wanted>>,
}

impl VirtualServer {
    /// Its settings, those of its real servers included.
    pub fn whole_config(&self) -> VirtualServerConfig {
        VirtualServerConfig {
            real_servers: self.real_servers.iter().map(RealServer::whole_config).collect(),
            ..self.config.clone()
        }
    }

    /// Its quorum.
    pub const fn quorum(&self) -> Quorum {
        Quorum {
            quorum: self.config.quorum,
            hysteresis: self.config.hysteresis,
        }
    }

    /// The figures for a quorum line.
    pub fn figures(&self) -> QuorumFigures {
        QuorumFigures {
            quorum: self.config.quorum,
            hysteresis: self.config.hysteresis,
            weight: self.live_weight(),
        }
    }

    /// The weight of its live servers (fact 6.1).
    pub fn live_weight(&self) -> u64 {
        self.real_servers
            .iter()
            .filter(|rs| rs.alive)
            .map(|rs| u64::from(rs.effective_weight()))
            .sum()
    }

    /// The sorry server, while it serves.
    pub const fn active_sorry_server(&self) -> Option<&SorryServerConfig> {
        if self.quorum_up {
            None
        } else {
            self.config.sorry_server.as_ref()
        }
    }

    /// The sorry server's name.
    pub fn sorry_name(&self, sorry: &SorryServerConfig) -> String {
        real_server_name(self.config.target.protocol(), sorry.address)
    }

    /// What IPVS should hold for it.
    ///
    /// A live server is there with its weight, unless the sorry server serves; one that `inhibit_on_failure` keeps is
    /// always there, with weight 0 when it does not serve. The sorry server has weight 1 while it serves; with
    /// `sorry_server_inhibit` it is there with weight 0 otherwise.
    pub fn wants(&self) -> Wanted {
        let sorry = self.config.sorry_server.as_ref();
        let sorry_serves = self.active_sorry_server().is_some();
        let mut servers = Vec::with_capacity(self.real_servers.len() + 1);
        let sorry_destination = |sorry: &SorryServerConfig| {
            let server = Destination {
                forward: sorry.forward,
                weight: u32::from(sorry_serves),
                upper: 0,
                lower: 0,
            };
            (sorry.address, server)
        };
        servers.extend(sorry.filter(|_| sorry_serves).map(sorry_destination));
        for rs in &self.real_servers {
            if sorry_serves && sorry.is_some_and(|sorry| sorry.address == rs.config.address) {
                // A sorry server that is a real server too (fact 2.17): it serves.
                continue;
            }
            if rs.alive && !sorry_serves {
                servers.push((rs.config.address, rs.destination(rs.effective_weight())));
            } else if rs.config.inhibit_on_failure {
                servers.push((rs.config.address, rs.destination(0)));
            }
        }
        // Behind a real server at the same address, whose settings count.
        let kept = sorry.filter(|sorry| sorry.inhibit && !sorry_serves);
        servers.extend(kept.map(sorry_destination));
        Wanted {
            services: self.config.target.services(),
            settings: VirtualService {
                scheduler: self.config.scheduler.clone(),
                flags: self.config.flags,
                persistence: self.config.persistence.clone(),
            },
            servers,
            marks: self.config.target.marks(),
        }
    }
}

/// The weight that a server has: `initial` and what its checkers add.
pub fn weight(initial: u32, checkers: &[Checker]) -> u32 {
    let added: i64 = checkers.iter().map(|checker| checker.contribution(initial)).sum();
    u32::try_from((i64::from(initial) + added).clamp(0, MAX_WEIGHT)).unwrap_or(0)
}

/// The names of a real server and its virtual server, whose own is `vs`.
pub fn names(vs: &Arc<str>, target: &Target, server: &RealServerConfig) -> Names {
    Names {
        rs: real_server_name(target.protocol(), server.address).into(),
        vs: Arc::clone(vs),
    }
}
