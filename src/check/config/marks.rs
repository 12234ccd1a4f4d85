//! Which groups have which firewall marks (fact 2.26).

use super::{CheckConfig, GroupTarget, Target};
use crate::ipvs::model::{MarkRule, Protocol, ServiceKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Marks by group and protocol.
type Marks = BTreeMap<(Arc<str>, Protocol), u32>;

impl CheckConfig {
    /// Gives every group that is to be told by a mark one for each protocol, from `start` on. A group keeps the one that
    /// it had `before`, so that a reload leaves its connections alone, and new ones are behind all of those. A mark that
    /// the file has for something else is left out.
    pub fn hand_out_marks(&mut self, start: u32, before: Option<&Self>) {
        let taken = self.written_marks();
        let former = before.map(Self::marks).unwrap_or_default();
        let busy: BTreeSet<u32> = taken.iter().chain(former.values()).copied().collect();
        let highest = former.values().max().copied();
        let mut next = highest.map_or(start, |mark| after(mark).max(start));
        let mut given: Marks = Marks::new();
        for group in self.groups_with_marks() {
            let Some(protocol) = group.protocol else { continue };
            let mark = *given
                .entry((Arc::clone(&group.name), protocol))
                .or_insert_with_key(|key| {
                    let kept = former.get(key).filter(|mark| !taken.contains(mark));
                    kept.copied().unwrap_or_else(|| {
                        while busy.contains(&next) {
                            next = after(next);
                        }
                        let mark = next;
                        next = after(next);
                        mark
                    })
                });
            group.marks = group
                .marks
                .iter()
                .map(|rule| MarkRule { mark, ..*rule })
                .collect();
            let services: BTreeSet<ServiceKey> = group.marks.iter().map(MarkRule::service).collect();
            group.services = services.into_iter().collect();
        }
    }

    /// Which marks groups have.
    fn marks(&self) -> Marks {
        let groups = self.services.iter().filter_map(|service| match &service.target {
            Target::Group(group) => Some(group),
            Target::Service(_) => None,
        });
        let mark = |group: &GroupTarget| {
            let mark = group.marks.first()?.mark;
            Some(((Arc::clone(&group.name), group.protocol?), mark))
        };
        groups.filter_map(mark).collect()
    }

    fn groups_with_marks(&mut self) -> impl Iterator<Item = &mut GroupTarget> {
        self.services
            .iter_mut()
            .filter_map(|service| match &mut service.target {
                Target::Group(group) if !group.marks.is_empty() => Some(group),
                Target::Group(_) | Target::Service(_) => None,
            })
    }

    /// Those of `fwmark` in the file.
    fn written_marks(&self) -> BTreeSet<u32> {
        let targets = self.services.iter().map(|service| &service.target);
        let others = targets.filter(|target| target.marks().is_empty());
        let marks = others
            .flat_map(|target| target.keys())
            .filter_map(|key| match key {
                ServiceKey::FwMark { mark, .. } => Some(*mark),
                ServiceKey::Address { .. } => None,
            });
        marks.collect()
    }
}

/// The mark after this one: 0 is none.
const fn after(mark: u32) -> u32 {
    match mark.checked_add(1) {
        Some(next) => next,
        None => 1,
    }
}

#[cfg(test)]
mod tests;
