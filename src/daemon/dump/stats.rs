//! `keepalived.stats`: the counters of every virtual router (facts cli 7.1, VRRP 20.8).

use crate::vrrp::status::{Counters, VrrpStatus};
use std::fmt::Write;

/// The whole file.
pub fn text(status: &VrrpStatus) -> String {
    let mut text = String::new();
    for router in &status.routers {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "VRRP Instance: {}", router.config.name);
        counters(&mut text, &router.counters);
    }
    text
}

fn counters(text: &mut String, counters: &Counters) {
    let Counters {
        advert_rcvd,
        advert_sent,
        become_master,
        release_master,
        packet_len_err,
        advert_interval_err,
        ip_ttl_err,
        invalid_type_rcvd,
        addr_list_err,
        invalid_authtype,
        authtype_mismatch,
        auth_failure,
        auth_ext_missing,
        auth_ext_malformed,
        auth_ext_unknown_key,
        auth_ext_invalid_hmac,
        auth_ext_stale,
        auth_ext_replay,
        pri_zero_rcvd,
        pri_zero_sent,
        // Ours: they are shown elsewhere, where no exporter stumbles over them.
        checksum_err: _,
        version_err: _,
        interval_mismatch: _,
        unknown_peer: _,
    } = counters;
    let _ = write!(
        text,
        "  Advertisements:\n    Received: {advert_rcvd}\n    Sent: {advert_sent}\n  \
         Became master: {become_master}\n  Released master: {release_master}\n  \
         Packet Errors:\n    Length: {packet_len_err}\n    TTL: {ip_ttl_err}\n    \
         Invalid Type: {invalid_type_rcvd}\n    Advertisement Interval: {advert_interval_err}\n    \
         Address List: {addr_list_err}\n  \
         Authentication Errors:\n    Invalid Type: {invalid_authtype}\n    \
         Type Mismatch: {authtype_mismatch}\n    Failure: {auth_failure}\n  \
         Authentication Extension Errors:\n    Missing: {auth_ext_missing}\n    \
         Malformed: {auth_ext_malformed}\n    Unknown Key: {auth_ext_unknown_key}\n    \
         Invalid HMAC: {auth_ext_invalid_hmac}\n    Stale: {auth_ext_stale}\n    \
         Replay: {auth_ext_replay}\n  \
         Priority Zero:\n    Received: {pri_zero_rcvd}\n    Sent: {pri_zero_sent}\n"
    );
}
