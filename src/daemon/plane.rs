//! What the control plane and the other planes say to each other. All queues are bounded.

use crate::bfd::BfdConfig;
use crate::bfd::status::BfdStatus;
use crate::check::CheckConfig;
use crate::check::config::VirtualServerConfig;
use crate::check::event::Notification;
use crate::check::status::CheckStatus;
use crate::ipvs::config::FlushOnStop;
use crate::masters::Masters;
use crate::script::config::ScriptOutcome;
use crate::track::file::FileReport;
use crate::vrrp::VrrpConfig;
use crate::vrrp::event::{Event, Notification as VrrpNotification};
use crate::vrrp::status::VrrpStatus;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Where the VRRP plane tells which instances are MASTER. It waits for nobody: who listens has the newest, and does not look for long.
pub type MasterNews = watch::Sender<Masters>;

/// What was refused, and why.
pub type Refusals = Vec<(String, String)>;
/// So many are kept for whoever asks.
pub const MOST_REFUSED: usize = 1000;

/// Control to the VRRP plane.
#[derive(Debug)]
pub enum VrrpCommand {
    /// Run this configuration from now on.
    Reload {
        /// Its number, in whose names is told who is MASTER.
        number: u64,
        /// The configuration.
        config: Box<VrrpConfig>,
    },
    /// A track script ended.
    Script {
        /// Its name.
        name: String,
        /// How.
        outcome: ScriptOutcome,
    },
    /// What trackers report: the newest of each.
    Tracked(Vec<Event>),
    /// Show yourself.
    Status(oneshot::Sender<VrrpStatus>),
    /// Say when all that was ordered before is carried out, and what the kernel has refused since the last reload.
    Settled(oneshot::Sender<Refusals>),
    /// Set the counters to zero.
    ClearCounters,
    /// Say that you turn: by the pulse.
    Beat,
    /// Stand still for so long: for the tests of what happens then.
    #[cfg(debug_assertions)]
    Hang(Duration),
    /// Die of a panic: for the tests of what happens then.
    #[cfg(debug_assertions)]
    Panic,
    /// Hand over and end. With `release` false (`-V`) nothing is sent or removed.
    Stop {
        /// Send priority 0 and remove the addresses.
        release: bool,
        /// How long it may wait for the addresses to be removed.
        within: Duration,
    },
}

/// The VRRP plane to control.
#[derive(Debug)]
pub enum VrrpNotice {
    /// Tell the scripts.
    Notify(VrrpNotification),
    /// It has ended: everything was handed over and removed.
    Stopped,
}

/// Control to the check plane.
#[derive(Debug)]
pub enum CheckCommand {
    /// Run this configuration from now on.
    Reload {
        /// Its number, for whose instances news of who is MASTER is meant.
        number: u64,
        /// The configuration.
        config: Box<CheckConfig>,
    },
    /// These tracked files have these numbers.
    Files(Vec<FileReport>),
    /// Show yourself.
    Status(oneshot::Sender<CheckStatus>),
    /// Say when all that was wanted before was tried, and what of IPVS is not as it should be.
    Settled(oneshot::Sender<Refusals>),
    /// Say what virtual servers you were told to run.
    Services(oneshot::Sender<Vec<VirtualServerConfig>>),
    /// Set the counters to zero.
    ClearCounters,
    /// Say that you turn: by the pulse.
    Beat,
    /// Stand still for so long: for the tests of what happens then.
    #[cfg(debug_assertions)]
    Hang(Duration),
    /// Remove what was added and end. With `release` false (`-I`) nothing is removed.
    Stop {
        /// Remove our services.
        release: bool,
        /// How.
        flush: FlushOnStop,
    },
}

/// The check plane to control.
#[derive(Debug)]
pub enum CheckNotice {
    /// Tell the operator (real server up or down, quorum up or down).
    Notify(Notification),
    /// Of many probes that were on their way few are left: the memory that they took is free.
    Eased,
    /// It cannot work, has said why, and has ended: a daemon that just started ends with status 1 (fact 2.18).
    Failed,
    /// It has ended.
    Stopped,
}

/// Control to the BFD plane.
#[derive(Debug)]
pub enum BfdCommand {
    /// Run this configuration from now on.
    Reload(Box<BfdConfig>),
    /// A VRRP plane that wants to hear of the sessions: of all at once, then of changes.
    Vrrp(mpsc::Sender<BfdReport>),
    /// A check plane that wants the same.
    Check(mpsc::Sender<BfdReport>),
    /// Show yourself.
    Status(oneshot::Sender<BfdStatus>),
    /// Say that you turn: by the pulse.
    Beat,
    /// End.
    Stop,
}

/// The BFD plane to control.
#[derive(Debug)]
pub enum BfdNotice {
    /// It has ended.
    Stopped,
}

/// The BFD plane to the VRRP plane and the check plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdReport {
    /// The `bfd_instance`.
    pub name: String,
    /// Its session is up.
    pub up: bool,
}
