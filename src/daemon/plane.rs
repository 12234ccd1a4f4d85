//! What the control plane and the other planes say to each other. All queues are bounded.

use crate::check::CheckConfig;
use crate::check::status::CheckStatus;
use crate::script::config::{Command, ScriptOutcome};
use crate::vrrp::VrrpConfig;
use crate::vrrp::event::Notification;
use crate::vrrp::status::VrrpStatus;
use tokio::sync::oneshot;

/// Control to the VRRP plane.
#[derive(Debug)]
pub enum VrrpCommand {
    /// Run this configuration from now on.
    Reload(Box<VrrpConfig>),
    /// A track script ended.
    Script {
        /// Its name.
        name: String,
        /// How.
        outcome: ScriptOutcome,
    },
    /// Show yourself.
    Status(oneshot::Sender<VrrpStatus>),
    /// Set the counters to zero.
    ClearCounters,
    /// Die of a panic: for the tests of what happens then.
    #[cfg(debug_assertions)]
    Panic,
    /// Hand over and end. With `release` false (`-V`) nothing is sent or removed.
    Stop {
        /// Send priority 0 and remove the addresses.
        release: bool,
    },
}

/// The VRRP plane to control.
#[derive(Debug)]
pub enum VrrpNotice {
    /// Tell the scripts.
    Notify(Notification),
    /// It has ended: everything was handed over and removed.
    Stopped,
}

/// Control to the check plane.
#[derive(Debug)]
pub enum CheckCommand {
    /// Run this configuration from now on.
    Reload(Box<CheckConfig>),
    /// Show yourself.
    Status(oneshot::Sender<CheckStatus>),
    /// Remove what was added and end. With `release` false (`-I`) nothing is removed.
    Stop {
        /// Remove our services.
        release: bool,
    },
}

/// The check plane to control.
#[derive(Debug)]
pub enum CheckNotice {
    /// Run this notify script (real server up or down, quorum up or down).
    Run(Command),
    /// It cannot work, has said why, and has ended: a daemon that just started ends with status 1 (fact 2.18).
    Failed,
    /// It has ended.
    Stopped,
}
