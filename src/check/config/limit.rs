//! How long a probe may take as a whole, by its settings. Whoever runs it gives it up then; whoever watches it knows that
//! something is wrong when it goes on for longer.

use super::ProbeConfig;
use crate::script::config::KILL_AFTER;
use std::time::Duration;

/// Beyond a probe's own limits.
const MARGIN: Duration = Duration::from_secs(5);
/// What asks in several steps may take so many times its `connect_timeout`, and so long at least.
const STEPS: (u32, Duration) = (10, Duration::from_secs(60));

impl ProbeConfig {
    /// When a probe is given up as a whole. Its own limits come first, but for a web server that sends an endless
    /// answer in drops: keepalived waits for that for ever.
    pub fn limit(&self) -> Duration {
        let steps = |timeout: Duration| timeout.saturating_mul(STEPS.0).max(STEPS.1);
        match self {
            Self::Tcp(connection) | Self::Ping(connection) => connection.timeout + MARGIN,
            Self::Dns(dns) => dns.connection.timeout + MARGIN,
            Self::Udp(udp) => udp.connection.timeout + MARGIN,
            // The connection, and three answers.
            Self::Smtp(smtp) => smtp.connection.timeout * 4 + MARGIN,
            Self::Http(http) => steps(http.connection.timeout),
            // They ask nobody.
            Self::File(_) | Self::Bfd(_) => MARGIN,
            Self::Service(service) => steps(service.connection.timeout),
            // SIGTERM at its limit, SIGKILL later, and some time for the kernel to end it.
            Self::Misc(misc) => misc.timeout + KILL_AFTER + MARGIN * 3,
        }
    }
}
