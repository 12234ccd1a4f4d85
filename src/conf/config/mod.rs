//! The configuration as written: typed values with their places, nothing inherited, nothing defaulted.
//!
//! [`crate::plan::build`] makes a plan of it. One file for each part of the language: the daemon, VRRP, addresses, virtual
//! servers, checkers. Also [`Global`], the settings of the whole daemon in a plan.

mod absorb;
mod bfd;
mod checker;
mod global;
mod ipvs;
mod later;
mod net;
mod outlet;
mod router;
mod server;
mod track;
mod vrrp;

pub use absorb::refusal;
pub use bfd::*;
pub use checker::*;
pub use global::*;
pub use ipvs::*;
pub use later::*;
pub use net::*;
pub use outlet::*;
pub use router::*;
pub use server::*;
pub use track::*;
pub use vrrp::*;

use super::diag::Place;

/// A value and the place that gave it. Two are equal when their values are: the same configuration may be written in
/// other places.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Place,
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

/// A whole configuration as written, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `global_defs` and the keywords of the top level.
    pub global: GlobalDefs,
    /// `vrrp_script`
    pub scripts: Vec<VrrpScript>,
    /// `track_file`, `vrrp_track_file`
    pub track_files: Vec<TrackFile>,
    /// `vrrp_track_process`
    pub track_processes: Vec<TrackProcess>,
    /// `vrrp_sync_group`
    pub groups: Vec<SyncGroup>,
    /// `vrrp_instance`
    pub instances: Vec<Instance>,
    /// `static_ipaddress`, `static_routes`, `static_rules`
    pub statics: Statics,
    /// `track_group`
    pub track_groups: Vec<TrackGroup>,
    /// `garp_group`
    pub garp_groups: Vec<GarpGroup>,
    /// `linkbeat_interfaces`
    pub linkbeat: Vec<Linkbeat>,
    /// `interface_up_down_delays`
    pub link_delays: Vec<LinkDelay>,
    /// `bfd_instance`, those that are no good left out.
    pub bfd: Vec<BfdSession>,
    /// `SSL`
    pub ssl: Option<Ssl>,
    /// `virtual_server_group`
    pub server_groups: Vec<ServerGroup>,
    /// `virtual_server`
    pub servers: Vec<VirtualServer>,
}
