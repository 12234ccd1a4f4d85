//! What a router's packets are like: `auth_hmac`, checksums of old versions, TTLs of peers, buffers (facts 5.5, 5.6, 5.11,
//! 6.17, 8).

use crate::conf::config::{self, AntiReplay, AuthHmac, Config, KeySource, RouterSettings, RxBufs, TtlRange};
use crate::net::Family;
use crate::vrrp::ah::AH_LEN;
use crate::vrrp::config::{
    Auth, HmacConfig, HmacKey, HmacMode, OldChecksum, PacketConfig, PeerTtl, Replay, RxBuffer, Version,
};
use crate::vrrp::hmac::TRAILER_LEN;
use std::time::Duration;

/// What decides the size of an advert.
pub(super) struct Advert {
    pub(super) family: Family,
    pub(super) version: Version,
    pub(super) auth: Auth,
    pub(super) vips: usize,
}

/// From the settings of an instance after their checks; those that are said in full by what comes out are taken away.
pub(super) fn packets(config: &Config, own: &mut RouterSettings, advert: &Advert) -> PacketConfig {
    let default = PacketConfig::default();
    let limits = std::mem::take(&mut own.peer_ttls).into_iter();
    let hmac = own.auth_hmac.take().and_then(|hmac| extension(hmac.value));
    PacketConfig {
        rx_buffer: rx_buffer(config, own, advert.length(hmac.is_some())),
        hmac,
        v3_checksum_as_v2: own
            .v3_checksum_as_v2
            .unwrap_or(config.global.shown.vrrp.v3_checksum_as_v2),
        old_checksum: match own.old_unicast_checksum.take() {
            None => OldChecksum::Auto,
            Some(config::OldChecksum::Always) => OldChecksum::Always,
            Some(config::OldChecksum::Never) => OldChecksum::Never,
        },
        old_checksum_group: config.global.mcast_group4.unwrap_or(default.old_checksum_group),
        peer_ttls: limits
            .map(|(peer, TtlRange { least, most })| PeerTtl { peer, least, most })
            .collect(),
    }
}

/// `None`: there is no such key, which has been said.
fn extension(written: AuthHmac) -> Option<HmacConfig> {
    let keys = written.keys.into_iter().filter_map(|key| match key.source.value {
        KeySource::Octets(secret) => Some(HmacKey {
            id: key.id,
            octets: secret.0,
        }),
        KeySource::File(_) => None,
    });
    let window = Duration::from_secs(written.time_window.map_or(0, u64::from));
    Some(HmacConfig {
        keys: keys.collect(),
        active: written.active_key?.value,
        mode: match written.mode {
            None | Some(config::HmacMode::Enforce) => HmacMode::Enforce,
            Some(config::HmacMode::Permissive) => HmacMode::Permissive,
            Some(config::HmacMode::ReceiveOnly) => HmacMode::ReceiveOnly,
        },
        replay: match written.anti_replay {
            None | Some(AntiReplay::Time) => Replay::Time { window },
            Some(AntiReplay::Monotonic) => Replay::Monotonic,
        },
    })
}

/// Fact 5.11; an advert has `length` octets.
fn rx_buffer(config: &Config, own: &RouterSettings, length: usize) -> RxBuffer {
    /// Packets that a buffer holds, unless configured.
    const MULTIPLIER: u32 = 3;
    let global = &config.global.shown.vrrp;
    let times = u64::from(global.rx_bufs_multiplier.unwrap_or(MULTIPLIER));
    let octets = |octets: u64| RxBuffer { octets, mtus: 0 };
    match (own.kernel_rx_buf_size, global.rx_bufs_policy) {
        (Some(size), _) => octets(size.into()),
        (None, None) => RxBuffer::default(),
        (None, Some(RxBufs::Bytes(size))) => octets(size.into()),
        (None, Some(RxBufs::Mtu)) => RxBuffer {
            octets: 0,
            mtus: times,
        },
        (None, Some(RxBufs::Advert)) => {
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            octets(times.saturating_mul(length))
        }
    }
}

impl Advert {
    /// With its IP header.
    fn length(&self, hmac: bool) -> usize {
        let ip = match self.family {
            Family::V4 => 20,
            Family::V6 => 40,
        };
        let authentication = match (self.version, self.family) {
            (Version::V2, Family::V4) => 8,
            (Version::V2, Family::V6) | (Version::V3, _) => 0,
        };
        let ah = if matches!(self.auth, Auth::Ah(_)) {
            AH_LEN
        } else {
            0
        };
        let trailer = if hmac { TRAILER_LEN } else { 0 };
        ip + ah + 8 + self.vips * self.family.address_len() + authentication + trailer
    }
}
