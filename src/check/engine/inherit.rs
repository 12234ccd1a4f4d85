//! A start that goes on with what an earlier run knew: verdicts first, then the quorums that they made.

use super::{Checker, Engine};
use crate::check::event::Action;
use crate::check::telling::Line;
use crate::check::verdict::ServiceVerdicts;
use crate::clock::Instant;
use std::net::SocketAddr;

impl Engine {
    /// What is known now, for a later run. Costs something for each checker.
    pub fn verdicts(&self) -> Vec<ServiceVerdicts> {
        self.virtual_servers.iter().map(ServiceVerdicts::of).collect()
    }

    /// Whether a verdict has changed, or who there is, since this was asked last.
    pub const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// A new checker of that real server begins with what was known of it.
    pub(super) fn inherit(&mut self, now: Instant, place: &(String, SocketAddr), checkers: &mut [Checker]) {
        if self.reports.verdicts.is_empty() {
            return;
        }
        for checker in checkers.iter_mut().filter(|checker| !checker.has_run()) {
            let verdicts = &mut self.reports.verdicts;
            if let Some(verdict) = verdicts.take(now, place, checker.identity(), checker.config()) {
                checker.inherit(&verdict);
            }
        }
    }

    /// A service of whose servers everything is known goes on: its quorum is as it was, and nobody is told. Whether it
    /// is one.
    pub(super) fn continue_service(&mut self, service: usize) -> bool {
        let verdicts = &self.reports.verdicts;
        let Some(vs) = self.virtual_servers.get_mut(service) else {
            return false;
        };
        let mut checkers = vs.real_servers.iter().flat_map(|rs| &rs.checkers).peekable();
        let known = !verdicts.is_empty() && checkers.peek().is_some() && checkers.all(Checker::has_run);
        let quorum = verdicts.quorum(&vs.config.target.id().to_string());
        let Some(quorum_up) = quorum.filter(|_| known) else {
            return false;
        };
        vs.quorum_up = quorum_up;
        self.want(service);
        // Weights or the quorum itself may be others in the file.
        self.judge(service);
        true
    }

    /// Everything has begun: how much was known.
    pub(super) fn tell_inherited(&mut self) {
        let verdicts = std::mem::take(&mut self.reports.verdicts);
        if !verdicts.is_empty() {
            let (taken, found) = verdicts.figures();
            self.actions
                .push_back(Action::Tell(Line::Inherited { taken, found }));
        }
    }
}
