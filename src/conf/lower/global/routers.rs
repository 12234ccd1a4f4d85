//! Defaults of every virtual router, and what concerns all of them.

use super::Cx;
use crate::conf::config::{ExtraGarp, RxBufs, VrrpDefaults};
use crate::conf::diag::{Class, Topic};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use std::time::Duration;

/// From here on a delay at the start is worth a remark.
const LARGE_DELAY: Duration = Duration::from_secs(60);
/// The longest interval between announcements on extra interfaces, in seconds: a day.
const MAX_EXTRA_GARP: i64 = 86_400;

/// `false`: `statement` is none of these.
pub(super) fn keyword(cx: &mut Cx<'_>, vrrp: &mut VrrpDefaults, statement: &Statement) -> bool {
    match statement.keyword() {
        "vrrp_strict" => vrrp.strict = cx.boolean(statement).or(vrrp.strict),
        "vrrp_skip_check_adv_addr" => {
            vrrp.skip_check_adv_addr = cx.boolean(statement).or(vrrp.skip_check_adv_addr);
        }
        "vrrp_owner_ignore_adverts" => {
            vrrp.owner_ignore_adverts = cx.boolean(statement).or(vrrp.owner_ignore_adverts);
        }
        "log_unknown_vrids" => vrrp.log_unknown_vrids = true,
        "vrrp_startup_delay" => vrrp.startup_delay = delay(cx, statement).or(vrrp.startup_delay),
        "vrrp_delay_after_boot" => vrrp.delay_after_boot = delay(cx, statement).or(vrrp.delay_after_boot),
        "vrrp_garp_extra_if" | "vrrp_vmac_garp_intvl" => {
            vrrp.garp_extra_if = extra_garp(cx, statement, 1).or(vrrp.garp_extra_if);
        }
        "v3_checksum_as_v2" => vrrp.v3_checksum_as_v2 = true,
        "vmac_prefix" => first(cx, &mut vrrp.vmac_prefix, statement, "vmac prefix"),
        "vmac_addr_prefix" => first(cx, &mut vrrp.vmac_addr_prefix, statement, "vmac address prefix"),
        "vrrp_rx_bufs_policy" => vrrp.rx_bufs_policy = policy(cx, statement).or(vrrp.rx_bufs_policy),
        "vrrp_rx_bufs_multiplier" => {
            vrrp.rx_bufs_multiplier = cx
                .unsigned(Block::GlobalDefs, statement)
                .or(vrrp.rx_bufs_multiplier);
        }
        _ => return false,
    }
    true
}

fn delay(cx: &mut Cx<'_>, statement: &Statement) -> Option<Duration> {
    let delay = cx.seconds(Block::GlobalDefs, statement)?;
    if delay >= LARGE_DELAY {
        let message = format!("The {} is very large - {delay:?}", statement.keyword());
        cx.report(Class::Note, statement.place(), message);
    }
    Some(delay)
}

fn first(cx: &mut Cx<'_>, slot: &mut Option<String>, statement: &Statement, what: &str) {
    let Some(word) = statement.arg() else { return };
    if slot.is_none() {
        *slot = Some(word.text.clone());
    } else {
        let message = format!("{what} has already been specified - ignoring {}", word.text);
        cx.word_error_about(Topic::DuplicateDefinition, statement, word, message);
    }
}

/// `[all] SECONDS`, from `least` on.
pub(in crate::conf::lower) fn extra_garp(
    cx: &mut Cx<'_>,
    statement: &Statement,
    least: i64,
) -> Option<ExtraGarp> {
    let all = statement.arg().is_some_and(|word| word.text == "all");
    let Some(word) = statement.args().get(usize::from(all)) else {
        let message = format!("{} specified without time - ignoring", statement.keyword());
        cx.error_about(Topic::Garp, statement, message);
        return None;
    };
    let read = number::int(&word.text, least, MAX_EXTRA_GARP, !cx.options.test);
    let seconds = cx.number(statement, word, read)?;
    let interval = Duration::from_secs(u64::try_from(seconds).ok()?);
    Some(ExtraGarp { all, interval })
}

/// `MTU`, `ADVERT` or octets, in any case; of several a number counts most, then `MTU`.
fn policy(cx: &mut Cx<'_>, statement: &Statement) -> Option<RxBufs> {
    if statement.arg().is_none() {
        cx.error(statement, "vrrp_rx_bufs_policy missing");
    }
    let mut out: Option<RxBufs> = None;
    for word in statement.args() {
        let read = match word.text.to_ascii_lowercase().as_str() {
            "mtu" => RxBufs::Mtu,
            "advert" => RxBufs::Advert,
            _ => {
                let read = number::int(&word.text, 0, i64::from(u32::MAX), !cx.options.test);
                match cx.number(statement, word, read).map(u32::try_from) {
                    Some(Ok(bytes)) => RxBufs::Bytes(bytes),
                    Some(Err(_)) | None => continue,
                }
            }
        };
        out = Some(match (out, read) {
            (None, read) => read,
            (Some(RxBufs::Bytes(bytes)), _) | (Some(_), RxBufs::Bytes(bytes)) => {
                let message = "Cannot set vrrp_rx_bufs_policy size and policy, ignoring policy";
                cx.word_error(statement, word, message);
                RxBufs::Bytes(bytes)
            }
            (Some(RxBufs::Mtu | RxBufs::Advert), RxBufs::Mtu | RxBufs::Advert) if out == Some(read) => read,
            (Some(RxBufs::Mtu | RxBufs::Advert), RxBufs::Mtu | RxBufs::Advert) => {
                let message = "Cannot set both vrrp_rx_bufs_policy MTU and ADVERT, ignoring ADVERT";
                cx.word_error(statement, word, message);
                RxBufs::Mtu
            }
        });
    }
    out
}
