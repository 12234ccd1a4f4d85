//! What the engine shows of itself: values for dumps and, later, the status socket.

use super::overdue::Punctuality;
use super::pool::VirtualServer;
use crate::clock::Instant;

/// The whole engine at one moment.
#[derive(Clone, Debug)]
pub struct CheckStatus {
    /// The moment.
    pub now: Instant,
    /// The virtual servers with all they have, in the order of the configuration.
    pub virtual_servers: Vec<VirtualServer>,
    /// How late checks begin.
    pub punctuality: Punctuality,
}
