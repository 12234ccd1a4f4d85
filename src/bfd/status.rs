//! How the sessions are, for dumps.

use super::config::SessionConfig;
use super::packet::{Diagnostic, Discard, State};
use crate::clock::Instant;
use std::time::Duration;

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BfdStatus {
    /// When it was so.
    pub now: Instant,
    /// The sessions, in the order of the file.
    pub sessions: Vec<SessionStatus>,
    /// Discarded packets, by the reason; none that is 0.
    pub discarded: Vec<(Discard, u64)>,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// What it was configured with.
    pub config: SessionConfig,
    /// Its state.
    pub state: State,
    /// The other end's, as last heard.
    pub remote_state: State,
    /// Why it was last down.
    pub diagnostic: Diagnostic,
    /// Why the other end was.
    pub remote_diagnostic: Diagnostic,
    /// Our discriminator.
    pub discriminator: u32,
    /// The other end's; 0 when it is not known.
    pub remote_discriminator: u32,
    /// `DesiredMinTxInterval` as we tell it.
    pub desired_min_tx: Duration,
    /// How often we send.
    pub tx_interval: Duration,
    /// How long nothing may be heard; `None`: nothing was heard yet.
    pub detection_time: Option<Duration>,
    /// The other end's `RequiredMinRxInterval`.
    pub remote_min_rx: Duration,
    /// The other end's `DesiredMinTxInterval`.
    pub remote_min_tx: Duration,
    /// The other end's multiplier.
    pub remote_detect_mult: u8,
    /// The other end wants no packets while up.
    pub remote_demand: bool,
    /// A poll sequence is under way.
    pub polling: bool,
    /// Since when it is in this state.
    pub since: Instant,
    /// When something was last heard of it.
    pub last_heard: Option<Instant>,
    /// Packets sent.
    pub sent: u64,
    /// Packets received and not discarded.
    pub received: u64,
}
