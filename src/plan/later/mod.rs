//! What is read, checked and printed, and what no part of the daemon acts on yet.
//!
//! Every setting here belongs to a keyword of [`crate::conf::keyword::Status::NotYet`], which is named in a warning. No
//! plane is handed any of it, so a reload that changes only this changes nothing. Who makes a setting work moves it to the
//! configuration of the room that acts on it.

mod lvs;
mod net;

pub use crate::conf::config::{LaterGlobal, LaterInstance};
pub use lvs::{CheckerTiming, LaterLvs, LaterRealServer, LaterServer};
pub use net::LaterNet;

use std::collections::{BTreeMap, BTreeSet};

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Later {
    /// `global_defs` and single keywords of the top level.
    pub global: LaterGlobal,
    /// Blocks of the top level that are no virtual router.
    pub net: LaterNet,
    /// The track scripts with `init_fail`.
    pub init_fail: BTreeSet<String>,
    /// By the name of the instance.
    pub instances: BTreeMap<String, LaterInstance>,
    /// Virtual servers and checkers.
    pub lvs: LaterLvs,
}
