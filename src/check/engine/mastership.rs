//! `while_master`: virtual servers that are in IPVS only while a VRRP instance is MASTER here. keepalived has nothing of the kind.
//!
//! Only the table follows the instance. Checks go on, so that a new MASTER knows at once who is alive, and scripts, FIFOs
//! and mails tell of servers and quorums as always: of what is alive, not of who is asked.
//!
//! While it is not known who is MASTER (the VRRP plane does not run this configuration yet, whose names may be others)
//! what is served stays, and what is not stays too.

use super::{Action, BTreeSet, Engine, Line, ServiceSaying};
use crate::check::config::VirtualServerConfig;
use crate::check::pool::VirtualServer;
use std::sync::Arc;

/// Whether IPVS is to have nothing of it, as far as that is known.
pub(super) fn is_absent(
    masters: Option<&Arc<BTreeSet<String>>>,
    config: &VirtualServerConfig,
) -> Option<bool> {
    let Some(instance) = &config.while_master else {
        return Some(false);
    };
    masters.map(|masters| !masters.contains(instance))
}

impl Engine {
    /// The same as [`Event::Masters`](super::Event::Masters), by the names of the configuration that is reloaded next:
    /// nothing is judged by them before.
    pub fn know_masters(&mut self, masters: Option<Arc<BTreeSet<String>>>) {
        self.reports.masters = masters;
    }

    /// What comes and what goes from now on.
    pub(super) fn look_at_masters(&mut self) {
        let mut judged = Vec::new();
        for service in 0..self.virtual_servers.len() {
            let Some(vs) = self.virtual_servers.get_mut(service) else {
                continue;
            };
            let Some(absent) = is_absent(self.reports.masters.as_ref(), &vs.config) else {
                continue;
            };
            if std::mem::take(&mut vs.unjudged) {
                judged.push(service);
            }
            if vs.absent != absent {
                vs.absent = absent;
                self.actions.push_back(turning(vs));
                self.want(service);
            }
        }
        judged.into_iter().for_each(|service| self.clear_absent(service));
    }

    /// What an earlier run has left of a service that begins absent goes: a backup has none. To be done when all services
    /// have begun: what it shares with others has been wanted by them.
    pub(super) fn clear_absent(&mut self, service: usize) {
        let vs = self.virtual_servers.get(service);
        if let Some(vs) = vs.filter(|vs| vs.absent && !vs.unjudged) {
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
