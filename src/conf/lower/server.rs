//! `virtual_server`; its parts are in the files of this folder.

mod address;
mod method;
mod real;
mod sorry;

use super::{Cx, checker};
use crate::conf::config::{CheckSettings, Config, Misread, ServerName, Spanned, VirtualServer};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use crate::ipvs::model::{Granularity, Protocol, Scheduler, ServiceFlags};
use crate::net::Family;
use crate::script::config::Command;
use method::forward;
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

pub(super) use address::{ip, port, socket};

/// The schedulers that keepalived knows.
const SCHEDULERS: [&str; 14] = [
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq", "twos",
];
/// The octets of a persistence engine's name that count (fact 2.8).
const MAX_ENGINE: usize = 15;
/// `persistence_timeout` without a value.
const DEFAULT_PERSISTENCE: Duration = Duration::from_secs(360);

/// What checkers may be about: only what was defined before counts.
#[derive(Default)]
pub(super) struct Checkable {
    /// Names of `track_file` blocks with a file.
    files: HashSet<String>,
    /// Names of `bfd_instance` blocks that checkers may follow.
    bfds: HashSet<String>,
}

impl Checkable {
    /// Takes note of a block of the top level.
    pub(super) fn note(&mut self, statement: &Statement, body: &[Statement]) {
        let Some(name) = statement.arg() else { return };
        let has = |wanted: &[&str]| body.iter().any(|line| wanted.contains(&line.keyword()));
        match statement.keyword() {
            "track_file" | "vrrp_track_file" if has(&["file"]) => {
                self.files.insert(name.text.clone());
            }
            // Without either word both halves follow it.
            "bfd_instance" if has(&["checker"]) || !has(&["vrrp"]) => {
                self.bfds.insert(name.text.clone());
            }
            _ => {}
        }
    }

    pub(super) fn file(&self, name: &str) -> bool {
        self.files.contains(name)
    }

    pub(super) fn bfd(&self, name: &str) -> bool {
        self.bfds.contains(name)
    }
}

/// A `virtual_server` block.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(name) = name(cx, statement) else { return };
    let family = match &name.value {
        ServerName::Address(address) => Some(Family::of(&address.ip())),
        ServerName::FwMark(_) | ServerName::Group(_) => None,
    };
    let mut server = VirtualServer {
        name,
        family,
        checks: CheckSettings::default(),
        scheduler: None,
        flags: ServiceFlags::default(),
        ops: None,
        method: None,
        persistence_engine: None,
        persistence_timeout: None,
        persistence_granularity: None,
        protocol: None,
        ha_suspend: None,
        while_master: None,
        smtp_alert: None,
        snmp_name: None,
        omega: false,
        quorum: None,
        hysteresis: None,
        quorum_up: None,
        quorum_down: None,
        weight: None,
        inhibit_on_failure: false,
        sorry_server: None,
        real_servers: Vec::new(),
        misread: Misread::default(),
    };
    for statement in body {
        keyword(cx, &mut server, statement);
    }
    sorry::settle(cx, &mut server);
    config.servers.push(server);
}

/// `IP [PORT]`, `fwmark N`, `group NAME`
fn name(cx: &mut Cx<'_>, statement: &Statement) -> Option<Spanned<ServerName>> {
    let word = statement.arg()?;
    let next = statement.args().get(1);
    let kind = word.text.as_str();
    let Some(value) = next.filter(|_| matches!(kind, "group" | "fwmark")) else {
        if matches!(kind, "group" | "fwmark") {
            let message = format!(
                "*** Configuration line starting `virtual_server` is missing a parameter after keyword `{kind}` at word position 3"
            );
            cx.report(Class::MissingParameter, statement.place_of(word), message);
            return None;
        }
        let address = socket(cx, statement, word, next);
        if address.is_none() {
            let message = match next {
                Some(port) => {
                    format!(
                        "Invalid virtual server IP address/port {}/{} - skipping",
                        word.text, port.text
                    )
                }
                None => format!("Invalid virtual server IP address {} - skipping", word.text),
            };
            address::refuse(cx, statement, word, next, message);
        }
        return address.map(|address| Cx::spanned(statement, word, ServerName::Address(address)));
    };
    if kind == "group" {
        return Some(Cx::spanned(
            statement,
            value,
            ServerName::Group(value.text.clone()),
        ));
    }
    match number::int(&value.text, 0, i64::from(u32::MAX), false) {
        Ok((mark, _)) => {
            let mark = u32::try_from(mark).unwrap_or(u32::MAX);
            Some(Cx::spanned(statement, word, ServerName::FwMark(mark)))
        }
        Err(_) => {
            let message = format!(
                "virtual server fwmark '{}' must be in [0, 4294967295] - ignoring",
                value.text
            );
            let found = Diagnostic::new(Class::InvalidNumber, Some(statement.place_of(value)), message);
            cx.diagnostics.push(found);
            None
        }
    }
}

fn keyword(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let block = Block::VirtualServer;
    match statement.keyword() {
        "ip_family" => family(cx, server, statement),
        "lb_algo" | "lvs_sched" => scheduler(cx, server, statement),
        "lb_kind" | "lvs_method" => {
            let method = forward(cx, statement, "virtual server", server.method);
            if method.is_none() {
                server.misread.method = statement.arg().map(|word| statement.place_of(word));
            }
            server.method = method.or(server.method);
        }
        "ops" => server.ops = Some(statement.place()),
        "flag-1" => server.flags.0 |= ServiceFlags::SCHED1,
        "flag-2" => server.flags.0 |= ServiceFlags::SCHED2,
        "flag-3" => server.flags.0 |= ServiceFlags::SCHED3,
        "hashed" | "sh-port" | "sh-fallback" | "mh-port" | "mh-fallback" => hash_flag(cx, server, statement),
        "persistence_engine" => engine(cx, server, statement),
        "persistence_timeout" => {
            server.persistence_timeout = match statement.arg() {
                None => Some(DEFAULT_PERSISTENCE),
                Some(_) => cx
                    .unsigned(block, statement)
                    .map(Duration::from_secs)
                    .or(server.persistence_timeout),
            }
        }
        "persistence_granularity" => granularity(cx, server, statement),
        "protocol" => protocol(cx, server, statement),
        "ha_suspend" => server.ha_suspend = Some(statement.place()),
        "while_master" => {
            let named = |word| Cx::spanned(statement, word, word.text.clone());
            server.while_master = statement.arg().map(named).or_else(|| server.while_master.take());
        }
        "smtp_alert" => server.smtp_alert = cx.boolean(statement).or(server.smtp_alert),
        "snmp_name" => {
            server.snmp_name = snmp_name(cx, statement, "virtual server").or_else(|| server.snmp_name.take())
        }
        "alpha" => server.checks.alpha = Some(true),
        "omega" => server.omega = true,
        "inhibit_on_failure" => server.inhibit_on_failure = true,
        "quorum_up" => notify(cx, &mut server.quorum_up, statement),
        "quorum_down" => notify(cx, &mut server.quorum_down, statement),
        "quorum" => {
            let value = cx.unsigned(block, statement).unwrap_or(1);
            server.quorum = spanned(statement, value);
        }
        "hysteresis" => {
            if let Some(value) = cx.unsigned(block, statement) {
                server.hysteresis = spanned(statement, value);
            }
        }
        "weight" => server.weight = cx.unsigned(block, statement).or(server.weight),
        "sorry_server" => sorry::address(cx, server, statement),
        "sorry_server_inhibit" => sorry::inhibit(cx, server, statement),
        "sorry_server_lvs_method" => sorry::method(cx, server, statement),
        "real_server" => real::lower(cx, server, statement),
        _ => settings(cx, &mut server.checks, block, statement, "virtual server"),
    }
}

/// A notify script, the first of which counts. keepalived's test says nothing of an empty command.
fn notify(cx: &mut Cx<'_>, slot: &mut Option<Spanned<Command>>, statement: &Statement) {
    let empty = statement.unmatched.is_none() && statement.arg().is_some_and(|word| word.text.is_empty());
    if slot.is_none() && empty {
        let message = format!("{} has no command", statement.keyword());
        cx.report(Class::Unheeded, statement.place(), message);
        return;
    }
    cx.script_once(slot, statement, "");
}

/// A value with the place of its line's first argument.
fn spanned<T>(statement: &Statement, value: T) -> Option<Spanned<T>> {
    statement.arg().map(|word| Cx::spanned(statement, word, value))
}

/// What virtual servers, real servers and checkers may all say (facts 3).
pub(super) fn settings(
    cx: &mut Cx<'_>,
    checks: &mut CheckSettings,
    block: Block,
    statement: &Statement,
    owner: &str,
) {
    match statement.keyword() {
        "alpha" => checks.alpha = cx.boolean(statement).or(checks.alpha),
        "retry" | "nb_get_retry" => checks.retry = cx.unsigned(block, statement).or(checks.retry),
        "delay_before_retry" => {
            checks.delay_before_retry = cx.seconds(block, statement).or(checks.delay_before_retry);
        }
        "warmup" => checks.warmup = cx.seconds(block, statement).or(checks.warmup),
        "delay_loop" => checks.delay_loop = cx.seconds(block, statement).or(checks.delay_loop),
        "connect_timeout" => checks.connect_timeout = cx.seconds(block, statement).or(checks.connect_timeout),
        "virtualhost" => {
            let host = cx.text(statement, || format!("{owner} virtualhost missing"));
            checks.virtualhost = host.or_else(|| checks.virtualhost.take());
        }
        _ => {}
    }
}

/// `snmp_name`: exactly one word.
fn snmp_name(cx: &mut Cx<'_>, statement: &Statement, owner: &str) -> Option<String> {
    match statement.args() {
        [name] => Some(name.text.clone()),
        _ => {
            cx.error(
                statement,
                format!("{owner} snmp_name missing or extra parameters"),
            );
            None
        }
    }
}

fn family(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let family = match word.text.as_str() {
        "inet" => Family::V4,
        "inet6" => Family::V6,
        other => {
            let message = format!("unknown address family {other}");
            let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
            cx.diagnostics.push(found.with_help("inet or inet6"));
            return;
        }
    };
    if server.family.is_some_and(|known| known != family) {
        let message = format!(
            "Virtual server specified family {} conflicts with server family",
            word.text
        );
        let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
        let name = server.name.place.clone();
        cx.diagnostics.push(
            found
                .about(Topic::IpFamilyConflict)
                .with_related(name, "its family comes from here or from the lines before"),
        );
        return;
    }
    server.family = Some(family);
}

fn scheduler(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    if SCHEDULERS.contains(&word.text.as_str()) {
        server.scheduler = Some(Scheduler(word.text.clone()));
        return;
    }
    let message = format!("Invalid lvs_scheduler '{}' - ignoring", word.text);
    cx.choice_error_about(Topic::LvsScheduler, statement, word, message, &SCHEDULERS);
    server.misread.scheduler = Some(statement.place_of(word));
}

/// Flags that look at the scheduler seen so far (fact 2.9).
fn hash_flag(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let name = statement.keyword();
    let scheduler = server.scheduler.as_ref().map(|scheduler| scheduler.0.as_str());
    let flag = match name {
        "sh-port" | "mh-port" => ServiceFlags::SCHED2,
        "sh-fallback" | "mh-fallback" => ServiceFlags::SCHED1,
        _ => 0,
    };
    match scheduler {
        Some(scheduler @ ("sh" | "mh")) => {
            if name.starts_with(scheduler) {
                server.flags.0 |= flag;
            } else if flag != 0 {
                let message = format!("{name} has no effect with the scheduler {scheduler}");
                cx.report(Class::Note, statement.place(), message);
            }
        }
        Some(_) | None => {
            let message = format!("{name} only applies to sh scheduler - ignoring");
            let found = Diagnostic::new(Class::General, Some(statement.place()), message);
            let wanted = name.get(..2).filter(|prefix| *prefix == "mh").unwrap_or("sh");
            let help = format!("`lvs_sched {wanted}` on a line before it");
            cx.diagnostics
                .push(found.about(Topic::LvsScheduler).with_help(help));
        }
    }
}

fn engine(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let mut engine = word.text.clone();
    if engine.len() > MAX_ENGINE {
        let message = format!("persistence_name too long, truncating - {engine}");
        // Of one character too many keepalived says nothing.
        let class = match engine.len() - MAX_ENGINE {
            1 => Class::Note,
            _ => Class::General,
        };
        let found = Diagnostic::new(class, Some(statement.place_of(word)), message);
        let help = format!("at most {MAX_ENGINE} characters");
        cx.diagnostics
            .push(found.about(Topic::NameTooLong).with_help(help));
        while engine.len() > MAX_ENGINE {
            engine.pop();
        }
    }
    server.persistence_engine = Some(engine);
}

/// A netmask or a prefix length (fact 2.7). While the family is not known the form of the value settles it.
fn granularity(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let text = word.text.as_str();
    let family = match server.family {
        Some(family) => family,
        None if text.contains('.') => Family::V4,
        None => Family::V6,
    };
    let value = match family {
        Family::V4 => mask(cx, statement),
        Family::V6 => number::int(text, 1, 128, false)
            .ok()
            .and_then(|(prefix, _)| u8::try_from(prefix).ok())
            .map(Granularity::prefix),
    };
    let Some(value) = value else {
        let (version, help) = match family {
            Family::V4 => ("IPv4", "a mask such as 255.255.255.0"),
            Family::V6 => ("IPv6", "a prefix length from 1 to 128"),
        };
        let message = format!("Invalid {version} persistence_granularity specified - {text}");
        let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
        cx.diagnostics
            .push(found.about(Topic::InvalidNumber).with_help(help));
        return;
    };
    server.family = Some(family);
    server.persistence_granularity = Some(value);
    server.persistence_timeout.get_or_insert(DEFAULT_PERSISTENCE);
}

/// The mask of an IPv4 service.
fn mask(cx: &mut Cx<'_>, statement: &Statement) -> Option<Granularity> {
    let word = statement.arg()?;
    // keepalived takes a plain number for the last octet of a mask, which nobody means.
    if let Ok(prefix @ 1..=32) = word.text.parse::<u8>() {
        let mask = Ipv4Addr::from_bits(!u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0));
        let message = format!("persistence_granularity {prefix} of an IPv4 service is taken for {mask}");
        cx.report(Class::Note, statement.place_of(word), message);
        return Some(Granularity::mask(mask));
    }
    short_address(&word.text).map(Granularity::mask)
}

/// An IPv4 address of which octets may be missing before the last number, which then is larger: an old notation.
fn short_address(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = text
        .split('.')
        .map(|part| {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| digits)
        })
        .collect::<Option<_>>()?;
    let (last, octets) = numbers.split_last().filter(|(_, octets)| octets.len() < 4)?;
    let mut bytes = [0; 4];
    for (byte, octet) in bytes.iter_mut().zip(octets) {
        *byte = u8::try_from(*octet).ok()?;
    }
    let used = u32::try_from(octets.len()).ok()? * 8;
    let room = u32::MAX.checked_shr(used)?;
    (*last <= room).then(|| Ipv4Addr::from_bits(u32::from_be_bytes(bytes) | last))
}

fn protocol(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let protocol = match word.text.to_ascii_uppercase().as_str() {
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => {
            let message = format!("Unknown protocol {} - ignoring", word.text);
            cx.choice_error_about(Topic::Other, statement, word, message, &["TCP", "UDP", "SCTP"]);
            server.misread.protocol = Some(statement.place_of(word));
            return;
        }
    };
    server.protocol = Some(Cx::spanned(statement, word, protocol));
}

/// Whether a server at `address` that is not behind a tunnel may stand here; the first one settles the family of a
/// service that has none yet (fact 2.13).
fn family_fits(server: &mut VirtualServer, tunnelled: bool, address: SocketAddr) -> bool {
    let own = Family::of(&address.ip());
    tunnelled || *server.family.get_or_insert(own) == own
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As keepalived 2.2.7 takes them.
    #[test]
    fn masks_may_be_short() {
        for (text, mask) in [
            ("255.255.255.0", "255.255.255.0"),
            ("255.255.255", "255.255.0.255"),
            ("24.0", "24.0.0.0"),
            ("255.65535", "255.0.255.255"),
            ("129", "0.0.0.129"),
            ("4294967295", "255.255.255.255"),
        ] {
            assert_eq!(short_address(text), mask.parse().ok(), "{text}");
        }
        for bad in [
            "",
            "x",
            ".",
            "255.",
            ".255",
            "256.0",
            "255.255.255.256",
            "1.2.3.4.5",
            "-1",
            "+1",
            "4294967296",
        ] {
            assert_eq!(short_address(bad), None, "{bad}");
        }
    }
}
