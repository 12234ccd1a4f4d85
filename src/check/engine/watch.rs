//! The watch over checkers: who is overdue is told once, and so is the end of it.

use super::{Action, CheckerId, Engine, Line};
use crate::check::overdue::Overdue;
use crate::check::telling::OverdueSaying;
use crate::clock::Instant;
use std::collections::BTreeMap;

/// So many are told by name at a time: when all of thousands are late, that is one thing to be said.
const BY_NAME: usize = 8;

impl Engine {
    /// Looks at every checker, whatever the agenda says, and tells who is overdue and who no longer. To be called about every
    /// second: it is no deadline of its own, for it must not depend on them.
    pub fn look_for_overdue(&mut self, now: Instant) {
        let mut late = BTreeMap::new();
        let mut lines = Vec::new();
        let (mut begins, mut ends) = (0, 0);
        for rs in self.virtual_servers.iter().flat_map(|vs| &vs.real_servers) {
            for checker in &rs.checkers {
                let (known, found) = (self.overdue.get(&checker.id()), checker.overdue(now));
                let (count, saying) = match (known, found) {
                    (None, None) => continue,
                    (Some(known), Some(_)) => {
                        late.insert(checker.id(), *known);
                        continue;
                    }
                    (None, Some(Overdue { step, since })) => {
                        late.insert(checker.id(), Overdue { step, since });
                        let since = now.since(since);
                        (&mut begins, OverdueSaying::Begins { step, since })
                    }
                    (Some(known), None) => {
                        let after = now.since(known.since);
                        (&mut ends, OverdueSaying::Ends { after })
                    }
                };
                *count += 1;
                if *count <= BY_NAME {
                    lines.push(Line::Overdue {
                        names: rs.names.clone(),
                        keyword: checker.config().probe.keyword(),
                        saying,
                    });
                }
            }
        }
        for (count, begins) in [(begins, true), (ends, false)] {
            if count > BY_NAME {
                let count = count - BY_NAME;
                lines.push(Line::MoreOverdue { count, begins });
            }
        }
        self.overdue = late;
        self.actions.extend(lines.into_iter().map(Action::Tell));
    }

    /// How late checks begin is measured anew.
    pub fn clear_counters(&mut self) {
        self.punctuality = Default::default();
    }

    /// Whether an answer is waited for.
    pub fn awaits(&self, checker: CheckerId) -> bool {
        self.checker(checker).is_some_and(|checker| checker.is_asking())
    }
}
