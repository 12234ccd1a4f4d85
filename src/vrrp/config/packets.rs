//! What a router's packets are like beside the election: `auth_hmac`, checksums of old versions, TTLs of peers, buffers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// `authentication`, version 2 only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// None.
    None,
    /// `auth_type PASS`: at most 8 octets, zero padded, sent in clear.
    Pass([u8; 8]),
    /// `auth_type AH`: the key of the ICV, zero padded. IPv4 only.
    Ah([u8; 8]),
}

/// The password never reaches a log.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Pass(_) => "Pass(********)",
            Self::Ah(_) => "Ah(********)",
        })
    }
}

/// Of one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketConfig {
    /// `auth_hmac`
    pub hmac: Option<HmacConfig>,
    /// `v3_checksum_as_v2`: version 3 over IPv4 without a pseudo header.
    pub v3_checksum_as_v2: bool,
    /// `old_unicast_checksum`
    pub old_checksum: OldChecksum,
    /// The group that stands for the peer in an old unicast checksum.
    pub old_checksum_group: Ipv4Addr,
    /// `min_ttl` and `max_ttl` of peers that have them.
    pub peer_ttls: Vec<PeerTtl>,
    /// Its share of the socket's receive buffer.
    pub rx_buffer: RxBuffer,
}

impl Default for PacketConfig {
    fn default() -> Self {
        Self {
            hmac: None,
            v3_checksum_as_v2: false,
            old_checksum: OldChecksum::default(),
            old_checksum_group: Ipv4Addr::new(224, 0, 0, 18),
            peer_ttls: Vec::new(),
            rx_buffer: RxBuffer::default(),
        }
    }
}

/// Version 3 over IPv4 unicast with the group's address in the pseudo header, as keepalived once had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldChecksum {
    /// When a peer does it so.
    #[default]
    Auto,
    /// `old_unicast_checksum`
    Always,
    /// `old_unicast_checksum never`
    Never,
}

/// The TTLs that adverts of a peer may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerTtl {
    /// The peer.
    pub peer: IpAddr,
    /// `min_ttl`
    pub least: u8,
    /// `max_ttl`
    pub most: u8,
}

/// A receive buffer's size: octets, and multiples of the interface's MTU. Nothing of either: the system's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RxBuffer {
    /// `kernel_rx_buf_size`, or `vrrp_rx_bufs_policy` with a number or ADVERT.
    pub octets: u64,
    /// `vrrp_rx_bufs_policy MTU`
    pub mtus: u64,
}

impl RxBuffer {
    /// What two routers on one socket need together.
    pub const fn with(self, other: Self) -> Self {
        Self {
            octets: self.octets.saturating_add(other.octets),
            mtus: self.mtus.saturating_add(other.mtus),
        }
    }

    /// In octets, on an interface with that MTU; `None`: as the system has it.
    pub fn size(self, mtu: u32) -> Option<usize> {
        let all = self.octets.saturating_add(self.mtus.saturating_mul(mtu.into()));
        // The kernel's own limit is an `int`.
        let most = u64::try_from(i32::MAX).unwrap_or(u64::MAX);
        usize::try_from(all.min(most)).ok().filter(|size| *size > 0)
    }
}

/// `auth_hmac`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacConfig {
    /// All of them are good on receipt; each number once.
    pub keys: Vec<HmacKey>,
    /// The one that signs; among [`Self::keys`].
    pub active: u8,
    /// `mode`
    pub mode: HmacMode,
    /// `anti_replay` and `time_window`
    pub replay: Replay,
}

/// `key` of `auth_hmac`
#[derive(Clone, PartialEq, Eq)]
pub struct HmacKey {
    /// 1 to 255.
    pub id: u8,
    /// 32 to 64.
    pub octets: Vec<u8>,
}

/// The key never reaches a log.
impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacKey({}, ********)", self.id)
    }
}

/// `mode` of `auth_hmac`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacMode {
    /// Adverts without a trailer do not count.
    Enforce,
    /// They count.
    Permissive,
    /// They count, and own adverts have none.
    ReceiveOnly,
}

/// `anti_replay` of `auth_hmac`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// `time`: clocks may differ by so much.
    Time {
        /// `time_window`, in whole seconds.
        window: Duration,
    },
    /// `monotonic`
    Monotonic,
}
