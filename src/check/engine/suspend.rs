//! `ha_suspend` (facts 7): checkers that work only while an address of their virtual server is on this host.

use super::{Action, BTreeSet, CheckerId, Engine, Instant, IpAddr, Line, follow};
use crate::check::config::VirtualServerConfig;
use crate::check::pool::VirtualServer;

/// Whether its checkers rest. keepalived lets those of a group rest for ever (fact 7.2); any address of it will do.
pub(super) fn is_suspended(local: &BTreeSet<IpAddr>, config: &VirtualServerConfig) -> bool {
    config.ha_suspend && !config.addresses().any(|address| local.contains(&address))
}

impl Engine {
    /// Whether a checker rests.
    pub(super) fn is_resting(&self, id: CheckerId) -> bool {
        let place = self.places.get(&id);
        let vs = place.and_then(|place| self.virtual_servers.get(place.service));
        vs.is_some_and(|vs| vs.suspended)
    }

    /// Whose checkers rest or work from now on.
    pub(super) fn look_at_addresses(&mut self, now: Instant) {
        let mut awake = Vec::new();
        for (service, vs) in self.virtual_servers.iter_mut().enumerate() {
            let suspended = is_suspended(&self.local, &vs.config);
            if vs.suspended != suspended {
                vs.suspended = suspended;
                self.actions.extend(turning(vs));
                if !suspended {
                    awake.push(service);
                }
            }
        }
        awake.into_iter().for_each(|service| self.catch_up(now, service));
    }

    /// Those that follow and ask nobody hear what was reported while they rested.
    pub(super) fn catch_up(&mut self, now: Instant, service: usize) {
        let vs = self.virtual_servers.get(service);
        let all = vs
            .iter()
            .flat_map(|vs| &vs.real_servers)
            .flat_map(|rs| &rs.checkers);
        let reported: Vec<_> = all
            .filter_map(|checker| {
                let followed = follow::followed(&checker.config().probe)?;
                Some((checker.id(), self.reports.of(&followed)?))
            })
            .collect();
        for (id, report) in reported {
            self.hear(now, id, report);
        }
    }
}

/// The lines of checkers that begin or end to rest.
pub(super) fn turning(vs: &VirtualServer) -> impl Iterator<Item = Action> + '_ {
    vs.real_servers.iter().flat_map(|rs| {
        rs.checkers.iter().map(|_| {
            let names = rs.names.clone();
            Action::Tell(if vs.suspended {
                Line::Suspending(names)
            } else {
                Line::Activating(names)
            })
        })
    })
}
