//! What checkers believe, as a value that outlives the process: a start takes over what an earlier run knew.
//!
//! A verdict is for the same question to the same real server of the same virtual server, as after a reload, and for as
//! long as the checker would believe it without asking again.

use super::checker::Checker;
use super::config::{CheckerConfig, ProbeConfig};
use super::pool::VirtualServer;
use crate::clock::Instant;
use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// A verdict is good for so many checks that were missed, and for this long at least.
const MISSED: u32 = 3;
const AT_LEAST: Duration = Duration::from_secs(30);

/// What one checker believes of its real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What it asks: [`identity`].
    pub identity: u64,
    /// The server is good.
    pub up: bool,
    /// Failures in a row that were forgiven so far.
    pub failures: u32,
    /// HTTP: which of its urls is asked next.
    pub url: usize,
    /// That one took it down, and is waited for.
    pub url_failed: bool,
    /// MISC_CHECK: the exit status of the last run, which may say what the server weighs.
    pub exit_status: Option<u8>,
    /// When it was asked last.
    pub at: Instant,
}

/// The verdicts of a virtual server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceVerdicts {
    /// Its identity (fact 16.2), in words.
    pub id: String,
    /// Whether its quorum is up, which with `hysteresis` depends on what was before.
    pub quorum_up: bool,
    /// Of each real server that has any.
    pub servers: Vec<(SocketAddr, Vec<Verdict>)>,
}

impl ServiceVerdicts {
    /// What is known of `vs`.
    pub fn of(vs: &VirtualServer) -> Self {
        let servers = vs.real_servers.iter().map(|rs| {
            let verdicts = rs.checkers.iter().filter_map(Checker::verdict);
            (rs.config.address, verdicts.collect())
        });
        Self {
            id: vs.config.target.id().to_string(),
            quorum_up: vs.quorum_up,
            servers: servers
                .filter(|(_, verdicts): &(_, Vec<_>)| !verdicts.is_empty())
                .collect(),
        }
    }
}

/// What an earlier run has left, to be taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    known: HashMap<(String, SocketAddr), Vec<Verdict>>,
    quorums: HashMap<String, bool>,
    /// How many there were.
    found: usize,
    taken: usize,
}

impl Verdicts {
    /// Of all virtual servers.
    pub fn new(services: Vec<ServiceVerdicts>) -> Self {
        let mut all = Self::default();
        for service in services {
            all.quorums.insert(service.id.clone(), service.quorum_up);
            for (address, verdicts) in service.servers {
                all.found += verdicts.len();
                let key = (service.id.clone(), address);
                all.known.entry(key).or_default().extend(verdicts);
            }
        }
        all
    }

    /// Whether there were none.
    pub const fn is_empty(&self) -> bool {
        self.found == 0
    }

    /// How many were taken, of how many.
    pub const fn figures(&self) -> (usize, usize) {
        (self.taken, self.found)
    }

    /// Whether the quorum of a virtual server was up, if it is known.
    pub(super) fn quorum(&self, service: &str) -> Option<bool> {
        self.quorums.get(service).copied()
    }

    /// The verdict for a checker of that real server, if there is one that is young enough. Each is given once.
    pub(super) fn take(
        &mut self,
        now: Instant,
        place: &(String, SocketAddr),
        identity: u64,
        config: &CheckerConfig,
    ) -> Option<Verdict> {
        let verdicts = self.known.get_mut(place)?;
        let at = verdicts.iter().position(|verdict| verdict.identity == identity)?;
        let verdict = verdicts.swap_remove(at);
        let young = now.since(verdict.at) <= (config.delay_loop * MISSED).max(AT_LEAST);
        self.taken += usize::from(young);
        young.then_some(verdict)
    }
}

/// What a checker asks, as a number that another run of the same program finds too. What `Debug` does not show, which is
/// everything secret, does not count.
pub fn identity(probe: &ProbeConfig) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    // A hash takes whatever is written.
    let _ = write!(hash, "{:?}", probe.identity());
    hash.0
}

/// FNV-1a.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for octet in text.bytes() {
            self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
