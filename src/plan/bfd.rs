//! The BFD plane's part: the sessions, which are complete when they were read.

use crate::bfd::{BfdConfig, SessionConfig};
use crate::conf::config::{BfdSession, Config};

pub(super) fn build(config: &Config) -> BfdConfig {
    let session = |written: &BfdSession| SessionConfig {
        name: written.name.value.clone(),
        neighbor: written.neighbor,
        source: written.source,
        min_rx: written.min_rx,
        min_tx: written.min_tx,
        idle_tx: written.idle_tx,
        multiplier: written.multiplier,
        passive: written.passive,
        ttl: written.ttl,
        max_hops: written.max_hops,
        multihop: written.multihop,
        weight: written.weight,
        reverse: written.reverse,
        vrrp: written.vrrp,
        checker: written.checker,
    };
    BfdConfig {
        sessions: config.bfd.iter().map(session).collect(),
    }
}
