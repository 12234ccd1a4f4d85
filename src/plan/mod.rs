//! The plan: one immutable value that says everything the daemon shall do, built and checked before anything is touched.

use crate::check::CheckConfig;
use crate::conf::config::Global;
use crate::net::InterfaceStatus;
use crate::notify::config::NotifyConfig;
use crate::track::config::TrackScriptConfig;
use crate::vrrp::VrrpConfig;

/// Everything the daemon shall do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Settings of the whole daemon.
    pub global: Global,
    /// The VRRP plane's part.
    pub vrrp: VrrpConfig,
    /// The scripts that VRRP tracks.
    pub track_scripts: Vec<TrackScriptConfig>,
    /// Who is told what.
    pub notify: NotifyConfig,
    /// The check plane's part.
    pub check: CheckConfig,
}

/// What a plan must know of the host it is for.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The interfaces of the network namespace.
    pub interfaces: Vec<InterfaceStatus>,
}
