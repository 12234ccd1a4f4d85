//! What was found so far.

use super::{Fate, Kind, ObjectDiff, PlanDiff};
use crate::change::{Changes, Effect};
use std::collections::BTreeMap;

/// Objects that differ, and how many do not.
#[derive(Debug, Default)]
pub(super) struct Found {
    objects: Vec<ObjectDiff>,
    untouched: usize,
}

impl Found {
    /// An object that is there before and after.
    pub(super) fn stays(&mut self, kind: Kind, name: impl FnOnce() -> String, changes: Changes) {
        if changes.is_empty() {
            self.untouched += 1;
        } else {
            self.push(kind, name(), Fate::Changes(changes));
        }
    }

    pub(super) fn comes(&mut self, kind: Kind, name: impl Into<String>) {
        self.push(kind, name.into(), Fate::Comes(Changes::default()));
    }

    pub(super) fn goes(&mut self, kind: Kind, name: impl Into<String>) {
        self.push(kind, name.into(), Fate::Goes(Changes::default()));
    }

    pub(super) fn begins_anew(&mut self, kind: Kind, name: impl Into<String>, why: String) {
        let effect = Effect::Flaps;
        self.push(kind, name.into(), Fate::BeginsAnew { why, effect });
    }

    pub(super) fn push(&mut self, kind: Kind, name: String, fate: Fate) {
        self.objects.push(ObjectDiff { kind, name, fate });
    }

    /// Objects that are the same, and were not even looked at one by one.
    pub(super) const fn untouched(&mut self, count: usize) {
        self.untouched += count;
    }

    /// Objects that are known by their names, which are unique.
    pub(super) fn named<'a, T>(
        &mut self,
        kind: Kind,
        old: impl IntoIterator<Item = &'a T>,
        new: impl IntoIterator<Item = &'a T>,
        name: impl Fn(&T) -> String,
        absorb: impl Fn(&T, &T) -> Changes,
    ) where
        T: 'a,
    {
        let mut before: BTreeMap<String, &T> = BTreeMap::new();
        let mut order = Vec::new();
        for one in old {
            order.push(name(one));
            before.entry(name(one)).or_insert(one);
        }
        let mut kept = Vec::new();
        for one in new {
            let own = name(one);
            kept.push((before.remove(&own), one, own));
        }
        for gone in order.iter().filter(|name| before.contains_key(*name)) {
            self.goes(kind, gone);
        }
        for (old, new, name) in kept {
            match old {
                None => self.comes(kind, name),
                Some(old) => self.stays(kind, || name, absorb(old, new)),
            }
        }
    }

    /// All of it. Within a kind the order stays.
    pub(super) fn diff(mut self, refused: Option<&'static str>) -> PlanDiff {
        self.objects.sort_by_key(|object| object.kind);
        PlanDiff {
            objects: self.objects,
            untouched: self.untouched,
            refused,
        }
    }
}
