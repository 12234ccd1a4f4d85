//! Of what a router's packets are like: what peers must have alike.

use super::*;

impl PacketConfig {
    /// What changes of it.
    pub(super) fn absorb(&self, new: &Self) -> Changes {
        let Self {
            hmac,
            v3_checksum_as_v2,
            old_checksum,
            old_checksum_group,
            peer_ttls,
            rx_buffer,
        } = self;
        let Self {
            hmac: new_hmac,
            v3_checksum_as_v2: new_v3_checksum_as_v2,
            old_checksum: new_old_checksum,
            old_checksum_group: new_old_checksum_group,
            peer_ttls: new_peer_ttls,
            rx_buffer: new_rx_buffer,
        } = new;
        let mut changes = match (hmac, new_hmac) {
            (None, None) => Changes::default(),
            (Some(old), Some(new)) => old.absorb(new),
            (old, new) => {
                let mut changes = Changes::default();
                let mode = |hmac: &Option<HmacConfig>| hmac.as_ref().map(|hmac| hmac.mode);
                // Who only receives says nothing of it, and takes what has none.
                let only = [old, new].into_iter().flatten();
                let quiet = only.clone().all(|hmac| hmac.mode == HmacMode::ReceiveOnly);
                let effect = if quiet {
                    Effect::Live
                } else {
                    Effect::PeerMustFollow
                };
                changes.note("auth_hmac", &mode(old), &mode(new), effect);
                changes
            }
        };
        changes.peers("v3_checksum_as_v2", v3_checksum_as_v2, new_v3_checksum_as_v2);
        changes.peers("old_unicast_checksum", old_checksum, new_old_checksum);
        let effect = match new_old_checksum {
            OldChecksum::Always => Effect::PeerMustFollow,
            OldChecksum::Auto | OldChecksum::Never => Effect::Live,
        };
        changes.note(
            "vrrp_mcast_group4",
            old_checksum_group,
            new_old_checksum_group,
            effect,
        );
        changes.list("unicast_peer", peer_ttls, new_peer_ttls);
        changes.live("kernel_rx_buf_size", rx_buffer, new_rx_buffer);
        changes
    }
}

impl HmacConfig {
    /// What changes of it: a key that is added is good on receipt and harms nobody.
    pub fn absorb(&self, new: &Self) -> Changes {
        let Self {
            keys,
            active,
            mode,
            replay,
        } = self;
        let Self {
            keys: new_keys,
            active: new_active,
            mode: new_mode,
            replay: new_replay,
        } = new;
        let mut changes = Changes::default();
        for HmacKey { id, octets } in keys {
            match new_keys.iter().find(|key| key.id == *id) {
                None => {
                    let what = What::Removed(format!("key {id}"));
                    changes.push("auth_hmac", what, Effect::PeerMustFollow);
                }
                Some(HmacKey { id: _, octets: new }) => {
                    changes.hidden("auth_hmac key", octets, new, Effect::PeerMustFollow);
                }
            }
        }
        for HmacKey { id, octets: _ } in new_keys {
            if !keys.iter().any(|key| key.id == *id) {
                changes.push("auth_hmac", What::Added(format!("key {id}")), Effect::Live);
            }
        }
        changes.peers("active_key", active, new_active);
        changes.peers("mode of auth_hmac", mode, new_mode);
        let effect = match (replay, new_replay) {
            (Replay::Time { window: _ }, Replay::Time { window: _ }) => Effect::Live,
            (Replay::Time { .. } | Replay::Monotonic, Replay::Time { .. } | Replay::Monotonic) => {
                Effect::PeerMustFollow
            }
        };
        changes.note("anti_replay", replay, new_replay, effect);
        changes
    }
}

impl Show for HmacMode {
    fn show(&self) -> String {
        match self {
            Self::Enforce => "enforce",
            Self::Permissive => "permissive",
            Self::ReceiveOnly => "receive-only",
        }
        .to_owned()
    }
}

impl Show for Replay {
    fn show(&self) -> String {
        match self {
            Self::Time { window } => format!("time, time_window {}", window.show()),
            Self::Monotonic => "monotonic".to_owned(),
        }
    }
}

impl Show for OldChecksum {
    fn show(&self) -> String {
        match self {
            Self::Auto => "as the peer has it",
            Self::Always => "always",
            Self::Never => "never",
        }
        .to_owned()
    }
}

impl Show for PeerTtl {
    fn show(&self) -> String {
        let Self { peer, least, most } = self;
        format!("{peer} min_ttl {least} max_ttl {most}")
    }
}

impl Show for RxBuffer {
    fn show(&self) -> String {
        match self {
            Self { octets: 0, mtus: 0 } => "the system's".to_owned(),
            Self { octets, mtus: 0 } => format!("{octets} octets"),
            Self { octets, mtus } => format!("{octets} octets and {mtus} MTUs"),
        }
    }
}
