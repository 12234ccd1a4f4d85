//! `while_master`: virtual servers that are in IPVS only while a VRRP instance is MASTER here. keepalived has nothing of the kind.
//!
//! Only the table follows the instance. Checks go on, so that a new MASTER knows at once who is alive, and scripts, FIFOs
//! and mails tell of servers and quorums as always: of what is alive, not of who is asked.

use super::{Action, BTreeSet, Engine, Line, ServiceSaying};
use crate::check::config::VirtualServerConfig;
use crate::check::pool::VirtualServer;
use std::sync::Arc;

/// Whether IPVS is to have nothing of it.
pub(super) fn is_absent(masters: &BTreeSet<String>, config: &VirtualServerConfig) -> bool {
    let instance = config.while_master.as_ref();
    instance.is_some_and(|instance| !masters.contains(instance))
}

impl Engine {
    /// What comes and what goes from now on.
    pub(super) fn look_at_masters(&mut self) {
        for service in 0..self.virtual_servers.len() {
            let Some(vs) = self.virtual_servers.get_mut(service) else {
                continue;
            };
            let absent = is_absent(&self.reports.masters, &vs.config);
            if vs.absent != absent {
                vs.absent = absent;
                self.actions.push_back(turning(vs));
                self.want(service);
            }
        }
    }

    /// What an earlier run has left of a service that begins absent goes: a backup has none. To be done when all services
    /// have begun: what it shares with others has been wanted by them.
    pub(super) fn clear_absent(&mut self, service: usize) {
        if let Some(vs) = self.virtual_servers.get(service).filter(|vs| vs.absent) {
            self.actions.push_back(turning(vs));
            self.actions.push_back(Action::Clear(vs.config.target.services()));
        }
    }
}

/// The line of a service that comes or goes.
pub(super) fn turning(vs: &VirtualServer) -> Action {
    let saying = ServiceSaying::Served {
        yes: !vs.absent,
        instance: vs.config.while_master.clone(),
    };
    Action::Tell(Line::Service {
        vs: Arc::clone(&vs.name),
        saying,
    })
}
