//! What a reload would do: the difference of two plans, object by object.
//!
//! Shown before it is done (`steadfast plan`), and true afterwards: the planes compare their parts by the same identities,
//! and what a change of a setting means is said where the setting lives (`absorb`).

mod check;
mod found;
mod json;
mod moves;
mod rest;
mod text;
mod vrrp;

use super::Plan;
use crate::change::{Changes, Effect};
pub use crate::conf::config::refusal;
use found::Found;

/// What a reload changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanDiff {
    /// The objects that are not the same, by their kinds, and in the order of the configuration.
    pub objects: Vec<ObjectDiff>,
    /// How many objects are the same: they are not touched.
    pub untouched: usize,
    /// Why the reload is refused as a whole, whatever else it would do.
    pub refused: Option<&'static str>,
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
    /// It is new. What others had before and it takes over is named.
    Comes(Changes),
    /// It is not there any more. What others take over of it is named.
    Goes(Changes),
    /// It stays, and these settings change.
    Changes(Changes),
    /// It is there before and after and yet begins anew.
    BeginsAnew {
        /// Why, in words.
        why: String,
        /// What that means.
        effect: Effect,
    },
}

/// The kinds of objects, in the order in which a reader looks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as the blocks and keywords")]
pub enum Kind {
    GlobalDefs,
    Notify,
    Static,
    Link,
    VrrpSyncGroup,
    VrrpInstance,
    VrrpScript,
    TrackFile,
    TrackProcess,
    BfdInstance,
    Ipvs,
    VirtualServerGroup,
    VirtualServer,
    SorryServer,
    RealServer,
    Checker,
}

impl Kind {
    /// The keyword, or a word where there is none.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GlobalDefs => "global_defs",
            Self::Notify => "notify",
            Self::Static => "static",
            Self::Link => "link",
            Self::VrrpSyncGroup => "vrrp_sync_group",
            Self::VrrpInstance => "vrrp_instance",
            Self::VrrpScript => "vrrp_script",
            Self::TrackFile => "track_file",
            Self::TrackProcess => "track_process",
            Self::BfdInstance => "bfd_instance",
            Self::Ipvs => "ipvs",
            Self::VirtualServerGroup => "virtual_server_group",
            Self::VirtualServer => "virtual_server",
            Self::SorryServer => "sorry_server",
            Self::RealServer => "real_server",
            Self::Checker => "checker",
        }
    }
}

impl ObjectDiff {
    /// The worst that comes of it.
    pub fn effect(&self) -> Effect {
        match &self.fate {
            Fate::Comes(changes) | Fate::Goes(changes) | Fate::Changes(changes) => {
                changes.effect().unwrap_or(Effect::Live)
            }
            Fate::BeginsAnew { effect, .. } => *effect,
        }
    }

    /// Whether anything of it is interrupted or begins anew.
    pub fn flaps(&self) -> bool {
        self.any(Effect::Flaps)
    }

    /// Whether peers must have the same.
    pub fn peer_must_follow(&self) -> bool {
        self.any(Effect::PeerMustFollow)
    }

    /// Whether anything of it has this very effect.
    pub fn any(&self, effect: Effect) -> bool {
        match &self.fate {
            Fate::Comes(changes) | Fate::Goes(changes) | Fate::Changes(changes) => {
                changes.iter().any(|changed| changed.effect == effect)
            }
            Fate::BeginsAnew { effect: own, .. } => *own == effect,
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
        let refused = self.refused.map(|_| Effect::Restart);
        self.objects.iter().map(ObjectDiff::effect).max().max(refused)
    }

    /// Nothing is interrupted, and nothing waits for a restart.
    pub fn is_hitless(&self) -> bool {
        self.effect() < Some(Effect::Flaps)
    }

    /// What would flap.
    pub fn flaps(&self) -> impl Iterator<Item = &ObjectDiff> {
        self.objects.iter().filter(|object| object.flaps())
    }
}

/// What a reload from `old` to `new` does.
pub fn diff(old: &Plan, new: &Plan) -> PlanDiff {
    let mut found = Found::default();
    rest::global(&mut found, old, new);
    rest::notify(&mut found, &old.notify, &new.notify);
    vrrp::all(&mut found, old, new);
    rest::tracked(&mut found, old, new);
    rest::bfd(&mut found, &old.bfd, &new.bfd);
    rest::ipvs(&mut found, &old.ipvs, &new.ipvs);
    check::all(&mut found, &old.check, &new.check);
    found.diff(refusal(&old.global, &new.global))
}

#[cfg(test)]
mod tests;
