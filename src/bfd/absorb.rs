//! What a reload changes of a BFD session (fact 24.9).

use super::config::SessionConfig;
use crate::change::Changes;

impl SessionConfig {
    /// What changes of a session that goes on ([`Self::same_session`]).
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            // It is the same session.
            name: _,
            neighbor: _,
            source: _,
            multihop: _,
            min_rx,
            min_tx,
            idle_tx,
            multiplier,
            passive,
            ttl,
            max_hops,
            weight,
            reverse,
            vrrp,
            checker,
        } = self;
        let Self {
            name: _,
            neighbor: _,
            source: _,
            multihop: _,
            min_rx: new_min_rx,
            min_tx: new_min_tx,
            idle_tx: new_idle_tx,
            multiplier: new_multiplier,
            passive: new_passive,
            ttl: new_ttl,
            max_hops: new_max_hops,
            weight: new_weight,
            reverse: new_reverse,
            vrrp: new_vrrp,
            checker: new_checker,
        } = new;
        let mut changes = Changes::default();
        // The other end is told of times, and both keep to the old ones until it has agreed.
        changes.live("min_rx", min_rx, new_min_rx);
        changes.live("min_tx", min_tx, new_min_tx);
        changes.live("idle_tx", idle_tx, new_idle_tx);
        changes.live("multiplier", multiplier, new_multiplier);
        changes.live("passive", passive, new_passive);
        changes.live("ttl", ttl, new_ttl);
        changes.live("max_hops", max_hops, new_max_hops);
        changes.live("weight", weight, new_weight);
        changes.live("reverse", reverse, new_reverse);
        changes.live("vrrp", vrrp, new_vrrp);
        changes.live("checker", checker, new_checker);
        changes
    }

    /// What keeps `new` from being the same session; nothing if it is.
    pub fn differs(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        changes.live("bfd_instance", &self.name, &new.name);
        changes.live("neighbor_ip", &self.neighbor, &new.neighbor);
        changes.live("source_ip", &self.source, &new.source);
        changes.live("multihop", &self.multihop, &new.multihop);
        changes
    }
}
