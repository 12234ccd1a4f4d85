//! The kernel's IPVS as a whole: timeouts, flushing, the sync daemon.

use super::Cx;
use crate::conf::config::{IpvsSettings, Spanned, SyncDaemon};
use crate::conf::diag::{Class, Topic};
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::ipvs::config::FlushOnStop;
use std::net::IpAddr;
use std::time::Duration;

/// The greatest timeout, in seconds: 31 days.
const MAX_TIMEOUT: i64 = 2_678_400;
/// The longest message of the sync daemon, in octets: what fits into UDP over IPv4.
const MAX_LENGTH: i64 = 65_507;

/// `false`: `statement` is none of these.
pub(super) fn keyword(cx: &mut Cx<'_>, ipvs: &mut IpvsSettings, statement: &Statement) -> bool {
    match statement.keyword() {
        "lvs_timeouts" => timeouts(cx, ipvs, statement),
        "lvs_flush" => ipvs.flush = true,
        "lvs_flush_on_stop" | "lvs_flush_onstop" => match statement.arg() {
            None => ipvs.flush_on_stop = FlushOnStop::Table,
            Some(word) if word.text == "VS" => ipvs.flush_on_stop = FlushOnStop::Services,
            Some(word) => {
                let message = format!("Unknown {} type {}", statement.keyword(), word.text);
                cx.choice_error(statement, word, message, &["VS", "nothing"]);
            }
        },
        "lvs_sync_daemon" => {
            if ipvs.sync_daemon.is_some() {
                let message = "lvs_sync_daemon has already been specified - ignoring";
                cx.error_about(Topic::DuplicateDefinition, statement, message);
            } else {
                ipvs.sync_daemon = sync_daemon(cx, statement);
            }
        }
        _ => return false,
    }
    true
}

fn timeouts(cx: &mut Cx<'_>, ipvs: &mut IpvsSettings, statement: &Statement) {
    let mut words = statement.args().iter();
    let mut any = false;
    while let Some(option) = words.next() {
        let slot = match option.text.as_str() {
            "tcp" => &mut ipvs.tcp_timeout,
            "tcpfin" => &mut ipvs.tcpfin_timeout,
            "udp" => &mut ipvs.udp_timeout,
            other => {
                let message = format!("Unknown option {other} specified for lvs_timeouts");
                cx.choice_error(statement, option, message, &["tcp", "tcpfin", "udp"]);
                // What follows is its value, and no mistake of its own.
                words.next();
                any = true;
                continue;
            }
        };
        let Some(value) = words.next() else { break };
        any = true;
        let read = number::int(&value.text, 0, MAX_TIMEOUT, false);
        if let Some(seconds) = cx
            .number(statement, value, read)
            .and_then(|n| u64::try_from(n).ok())
        {
            *slot = Some(Duration::from_secs(seconds));
        }
    }
    if !any {
        cx.error(statement, "lvs_timeouts requires at least one option");
    }
}

/// `IFACE [[inst] INSTANCE] [id N] …`; the older form has INSTANCE and the id by their positions.
fn sync_daemon(cx: &mut Cx<'_>, statement: &Statement) -> Option<Spanned<SyncDaemon>> {
    let Some(interface) = Cx::word(statement) else {
        cx.error(statement, "lvs_sync_daemon requires interface");
        return None;
    };
    let mut daemon = SyncDaemon {
        interface,
        ..SyncDaemon::default()
    };
    let mut words = statement.args().iter().skip(1);
    while let Some(option) = words.next() {
        match option.text.as_str() {
            "inst" | "id" | "maxlen" | "port" | "ttl" | "group" => {
                let Some(value) = words.next() else {
                    let message = format!("No value specified for lvs_sync_daemon {}", option.text);
                    cx.word_error(statement, option, message);
                    break;
                };
                sync_option(cx, &mut daemon, statement, option, value);
            }
            name if daemon.inst.is_none() => daemon.inst = Some(name.to_owned()),
            other if daemon.id.is_none() && other.bytes().all(|b| b.is_ascii_digit()) => {
                let message = "Please use keyword \"id\" before lvs_sync_daemon SYNCID";
                cx.report(Class::Deprecated, statement.place_of(option), message);
                sync_number(cx, statement, option, 0, 255, &mut daemon.id);
            }
            other => {
                let message = format!("Unknown option {other} specified for lvs_sync_daemon");
                let choices = ["inst", "id", "maxlen", "port", "ttl", "group"];
                cx.choice_error(statement, option, message, &choices);
            }
        }
    }
    Some(Spanned {
        value: daemon,
        place: statement.place(),
    })
}

fn sync_option(cx: &mut Cx<'_>, daemon: &mut SyncDaemon, statement: &Statement, option: &Word, value: &Word) {
    match option.text.as_str() {
        "inst" => daemon.inst = Some(value.text.clone()),
        "id" => sync_number(cx, statement, value, 0, 255, &mut daemon.id),
        "maxlen" => sync_number(cx, statement, value, 1, MAX_LENGTH, &mut daemon.maxlen),
        "port" => sync_number(cx, statement, value, 1, 65_535, &mut daemon.port),
        "ttl" => sync_number(cx, statement, value, 1, 255, &mut daemon.ttl),
        _ => match value.text.parse::<IpAddr>() {
            Ok(group) if group.is_multicast() => daemon.group = Some(group),
            Ok(group) => {
                let message = format!("lvs_sync_daemon group address {group} is not multicast - ignoring");
                cx.word_error_about(Topic::InvalidAddress, statement, value, message);
            }
            Err(_) => {
                let message = format!("Invalid lvs_sync_daemon group ({}) - ignoring", value.text);
                cx.word_error_about(Topic::InvalidAddress, statement, value, message);
            }
        },
    }
}

fn sync_number<T: TryFrom<i64>>(
    cx: &mut Cx<'_>,
    statement: &Statement,
    value: &Word,
    least: i64,
    most: i64,
    slot: &mut Option<T>,
) {
    let read = number::int(&value.text, least, most, false);
    if let Some(number) = cx.number(statement, value, read) {
        *slot = T::try_from(number).ok();
    }
}
