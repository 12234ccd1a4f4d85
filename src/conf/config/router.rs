//! Settings of virtual routers and sync groups that their configuration in a plan is made of: as written, and after the
//! plan's checks, to be shown.

use super::{ExtraGarp, Secret, Spanned, TrackLine};
use crate::net::{IpvlanMode, Mac};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Of a `vrrp_instance`. What was not given is `None`, empty or `false`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct RouterSettings {
    pub use_vmac: Option<Spanned<UseVmac>>,
    pub use_vmac_addr: bool,
    pub vmac_xmit_base: Option<Spanned<()>>,
    pub use_ipvlan: Option<Spanned<UseIpvlan>>,
    pub vrf: Option<Spanned<String>>,
    pub lvs_sync_daemon_interface: Option<Spanned<String>>,
    /// `min_ttl` and `max_ttl` of a line of `unicast_peer`.
    pub peer_ttls: BTreeMap<IpAddr, TtlRange>,
    pub old_unicast_checksum: Option<OldChecksum>,
    pub track_src_ip: Option<Spanned<()>>,
    pub promote_secondaries: Option<Spanned<()>>,
    pub v3_checksum_as_v2: Option<bool>,
    /// `accept` or `no_accept`
    pub accept: Option<Spanned<bool>>,
    pub skip_check_adv_addr: Option<bool>,
    pub strict_mode: Option<bool>,
    /// Shown only, as in keepalived.
    pub debug: Option<u8>,
    pub garp_extra_if: Option<ExtraGarp>,
    pub timer_expired_backup: Option<Spanned<u8>>,
    pub owner_ignore_adverts: Option<Spanned<bool>>,
    pub kernel_rx_buf_size: Option<u32>,
    pub auth_hmac: Option<Spanned<AuthHmac>>,
    pub track_files: Vec<TrackLine>,
    pub track_processes: Vec<TrackLine>,
    pub track_bfds: Vec<TrackLine>,
}

/// Of a `vrrp_sync_group`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct GroupSettings {
    pub track_files: Vec<TrackLine>,
    pub track_processes: Vec<TrackLine>,
    pub track_bfds: Vec<TrackLine>,
}

/// `use_vmac`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the options")]
pub struct UseVmac {
    /// Of the interface; otherwise `vmac_prefix` and the VRID.
    pub name: Option<Spanned<String>>,
    /// Otherwise the one of RFC 5798.
    pub mac: Option<VmacAddress>,
    pub netlink_notify_msg: bool,
    pub group: Option<u32>,
}

/// The MAC of `use_vmac`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmacAddress {
    /// All of it.
    Whole(Mac),
    /// Its first five octets; the VRID is the last.
    BeforeVrid([u8; 5]),
}

/// `use_ipvlan`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the options")]
pub struct UseIpvlan {
    /// Of the interface; otherwise `vmac_prefix` and the VRID.
    pub name: Option<Spanned<String>>,
    /// With its prefix, if one is written.
    pub address: Option<(IpAddr, Option<u8>)>,
    pub mode: IpvlanMode,
    pub group: Option<u32>,
}

/// Of the adverts of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as they say")]
pub struct TtlRange {
    pub least: u8,
    pub most: u8,
}

/// `old_unicast_checksum`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldChecksum {
    /// Always.
    Always,
    /// `never`, not even when a peer does it so.
    Never,
}

/// `auth_hmac`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct AuthHmac {
    pub keys: Vec<HmacKey>,
    pub active_key: Option<Spanned<u8>>,
    /// Seconds.
    pub time_window: Option<u16>,
    pub anti_replay: Option<AntiReplay>,
    pub mode: Option<HmacMode>,
}

/// A `key` of `auth_hmac`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacKey {
    /// 1 to 255.
    pub id: u8,
    /// Where it comes from; after its checks always [`KeySource::Octets`].
    pub source: Spanned<KeySource>,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// As they are, from text or `hex:`.
    Octets(Secret),
    /// `file:PATH`, relative to the file that names it.
    File(PathBuf),
}

impl KeySource {
    /// A key as text or `hex:` and digits.
    ///
    /// # Errors
    /// Why it is none, in words: its length must be right.
    pub fn octets(text: &[u8]) -> Result<Vec<u8>, String> {
        let octets = match text.strip_prefix(b"hex:") {
            Some(digits) => hex(digits).ok_or("not hexadecimal digits in pairs")?,
            None => text.to_vec(),
        };
        match octets.len() {
            32..=64 => Ok(octets),
            length => Err(format!("its length is {length} octets and must be 32 to 64")),
        }
    }
}

/// Pairs of digits with blanks between them; a single digit before a blank is an octet (grammar 6.5).
fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for word in digits.split(u8::is_ascii_whitespace) {
        let text = std::str::from_utf8(word).ok()?;
        if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for pair in word.chunks(2) {
            let pair = std::str::from_utf8(pair).ok()?;
            out.push(u8::from_str_radix(pair, 16).ok()?);
        }
    }
    Some(out)
}

/// `anti_replay`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AntiReplay {
    /// `time`
    Time,
    /// `monotonic`
    Monotonic,
}

/// `mode` of `auth_hmac`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacMode {
    /// `enforce`
    Enforce,
    /// `permissive`
    Permissive,
    /// `receive-only`
    ReceiveOnly,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_text_or_hexadecimal() {
        let text = "0123456789abcdef0123456789abcdef";
        assert_eq!(KeySource::octets(text.as_bytes()), Ok(text.as_bytes().to_vec()));
        let hex = format!("hex:{}", "0a".repeat(32));
        assert_eq!(KeySource::octets(hex.as_bytes()), Ok(vec![10; 32]));
        let blanks = format!("hex:{}f", "0a ".repeat(31));
        let mut wanted = vec![10; 31];
        wanted.push(15);
        assert_eq!(KeySource::octets(blanks.as_bytes()), Ok(wanted));
        for wrong in [
            "short",
            "hex:0a",
            &format!("hex:{}", "xy".repeat(32)),
            &"a".repeat(65),
        ] {
            assert!(KeySource::octets(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
