//! Marks as they are wanted: set after the services are there, tried again when they are refused. A kernel that has never
//! taken any cannot mark: then groups are told by their addresses, as if no marks were wanted.

use super::super::model::{MOST_SERVICES, MarkRule, Wanted};
use super::{Marker, Worker};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// What gives packets their marks.
pub(super) struct Marking {
    marker: Box<dyn Marker>,
    /// The marks are not as wanted; at first what an earlier run has left may have to go.
    wrong: bool,
    /// Some were set.
    works: bool,
    /// The refusal that was told.
    told: Option<String>,
}

impl Marking {
    pub(super) fn new(marker: Box<dyn Marker>) -> Self {
        Self {
            marker,
            wrong: true,
            works: false,
            told: None,
        }
    }

    fn set(&mut self, rules: &[MarkRule]) -> io::Result<()> {
        self.marker.set(rules)?;
        self.wrong = false;
        self.works |= !rules.is_empty();
        if self.told.take().is_some() {
            tracing::info!(target: "check", "{} are as they should be again", self.marker.name());
        }
        Ok(())
    }

    /// Says a refusal once.
    fn refused(&mut self, error: &io::Error) {
        let line = format!("cannot set {}: {error}", self.marker.name());
        if self.told.as_ref() != Some(&line) {
            tracing::error!(target: "check", "{line}");
            self.told = Some(line);
        }
    }
}

impl Worker {
    /// Whether there are any that somebody could remove.
    pub(super) fn has_marks(&self) -> bool {
        let set = self.marking.as_ref().is_some_and(|it| it.works && !it.wrong);
        set && self.wanted.values().any(|wanted| !wanted.marks.is_empty())
    }

    /// What others have removed is set anew.
    pub(super) fn look_at_marks(&mut self) {
        if !self.has_marks() {
            return;
        }
        let Some(marking) = &mut self.marking else { return };
        match marking.marker.is_there() {
            Ok(true) => {}
            Ok(false) => {
                let name = marking.marker.name();
                tracing::warn!(target: "check", "others have removed {name}, putting them back");
                marking.wrong = true;
                self.mark();
            }
            Err(error) => {
                tracing::debug!(target: "check", "{} cannot be looked at: {error}", marking.marker.name());
            }
        }
    }

    /// The marks have to be set anew.
    pub(super) fn marks_differ(&mut self) {
        if let Some(marking) = &mut self.marking {
            marking.wrong = true;
        }
    }

    /// Makes the marks as they are wanted, as far as the kernel does it. Whether to go on.
    pub(super) fn mark(&mut self) -> bool {
        let Some(marking) = self.marking.as_mut().filter(|marking| marking.wrong) else {
            return true;
        };
        match marking.set(&rules(self.wanted.values())) {
            Ok(()) if self.wrong.is_empty() && !self.unflushed => self.retry = None,
            Ok(()) => {}
            Err(error) => {
                marking.refused(&error);
                if !marking.works {
                    return self.go_by_address();
                }
                if self.wrong.is_empty() {
                    self.try_later();
                }
            }
        }
        true
    }

    fn go_by_address(&mut self) -> bool {
        tracing::error!(target: "check", "IPVS: every address of a group is a service of its own instead");
        self.marking = None;
        self.by_address = true;
        for (server, wanted) in self.wanted.clone() {
            for rule in wanted
                .marks
                .iter()
                .filter(|it| it.by_address(MOST_SERVICES).is_none())
            {
                let MarkRule { first, last, .. } = rule;
                tracing::error!(
                    target: "check",
                    "{server}: {first}-{last} is too large for a service of each address - ignoring",
                );
            }
            self.take(server, Some(wanted));
        }
        self.wrong.is_empty() || self.put_right()
    }
}

/// All rules. Marks are handed out in the order of the file: of two that overlap the older goes first.
fn rules<'a>(wanted: impl Iterator<Item = &'a Arc<Wanted>>) -> Vec<MarkRule> {
    let rules: BTreeSet<MarkRule> = wanted.flat_map(|wanted| wanted.marks.iter().copied()).collect();
    let mut rules = Vec::from_iter(rules);
    rules.sort_by_key(|rule| rule.mark);
    rules
}
