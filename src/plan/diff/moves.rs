//! What goes from one object to another in one reload. Addresses, routes and rules are released by the one before the other
//! holds them, and so interrupted; a service of IPVS stays in the kernel.

use crate::change::{Changed, Changes, Effect, What};
use std::collections::BTreeMap;

/// A thing that may move: an address, a route, a rule, a service of IPVS.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    /// Of the list that it stands in.
    pub(super) keyword: &'static str,
    /// What it is, whoever has it.
    pub(super) key: String,
    /// As the list shows it.
    pub(super) text: String,
}

/// What objects no longer have, and what they have got, by the objects' places.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lost: BTreeMap<String, (usize, Thing)>,
    got: Vec<(usize, Thing)>,
}

impl Ledger {
    /// What an object had (`old`) and has (`new`); it may be there on one side only. `old_at` and `new_at` are its places.
    pub(super) fn compare(&mut self, (old_at, old): (usize, Vec<Thing>), (new_at, new): (usize, Vec<Thing>)) {
        let keys = |all: &[Thing]| -> std::collections::BTreeSet<String> {
            all.iter().map(|thing| thing.key.clone()).collect()
        };
        let (before, after) = (keys(&old), keys(&new));
        let lost = old.into_iter().filter(|thing| !after.contains(&thing.key));
        for thing in lost {
            self.lost.entry(thing.key.clone()).or_insert((old_at, thing));
        }
        let got = new.into_iter().filter(|thing| !before.contains(&thing.key));
        self.got.extend(got.map(|thing| (new_at, thing)));
    }

    /// Who has got what of whom: the places of the old and of the new object.
    pub(super) fn moves(self) -> Vec<Move> {
        let Self { mut lost, got } = self;
        let moved = got.into_iter().filter_map(|(to, came)| {
            let (from, went) = lost.remove(&came.key)?;
            Some(Move { from, went, to, came })
        });
        moved.collect()
    }
}

/// It was one object's and is another's.
#[derive(Debug)]
pub(super) struct Move {
    /// The place of the one that had it.
    pub(super) from: usize,
    /// As that one had it.
    pub(super) went: Thing,
    /// The place of the one that has it.
    pub(super) to: usize,
    /// As this one has it.
    pub(super) came: Thing,
}

/// Says of what an object has got whom it is from, and what that means.
pub(super) fn mark_came(changes: &mut Changes, thing: &Thing, from: &str, effect: Effect) {
    let what = What::Added(thing.text.clone());
    mark(
        changes,
        thing.keyword,
        what,
        effect,
        format!("moves here from {from}"),
    );
}

/// Says of what an object has lost who has it now: an interruption is said there.
pub(super) fn mark_went(changes: &mut Changes, thing: &Thing, to: &str) {
    let what = What::Removed(thing.text.clone());
    mark(
        changes,
        thing.keyword,
        what,
        Effect::Live,
        format!("moves to {to}"),
    );
}

fn mark(changes: &mut Changes, keyword: &'static str, what: What, effect: Effect, why: String) {
    let known = changes
        .iter_mut()
        .find(|changed| changed.keyword == keyword && changed.what == what);
    match known {
        Some(changed) => {
            changed.effect = changed.effect.max(effect);
            changed.why = Some(why.into());
        }
        None => changes.add(Changed {
            keyword,
            what,
            effect,
            why: Some(why.into()),
        }),
    }
}
