//! `virtual_server`, `real_server` and `sorry_server`.

use super::{Cx, checker};
use crate::conf::config::{
    CheckSettings, Config, Misread, RealServer, ServerName, SorryServer, Spanned, VirtualServer,
};
use crate::conf::diag::Class;
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::ipvs::model::{ForwardMethod, Protocol, Scheduler, ServiceFlags};
use crate::net::Family;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The schedulers that keepalived knows.
const SCHEDULERS: [&str; 14] = [
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "mh", "dh", "fo", "ovf", "sed", "nq", "twos",
];
/// The octets of a persistence engine's name that count (fact 2.8).
const MAX_ENGINE: usize = 15;
/// `persistence_timeout` without a value.
const DEFAULT_PERSISTENCE: Duration = Duration::from_secs(360);

/// A `virtual_server` block.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(name) = name(cx, statement) else { return };
    let mut server = VirtualServer {
        name,
        ip_family: None,
        checks: CheckSettings::default(),
        scheduler: None,
        flags: ServiceFlags::default(),
        ops: None,
        forward: None,
        persistence_engine: None,
        persistence_timeout: None,
        persistence_granularity: None,
        protocol: None,
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
    config.servers.push(server);
}

/// `IP [PORT]`, `fwmark N`
fn name(cx: &mut Cx<'_>, statement: &Statement) -> Option<Spanned<ServerName>> {
    let word = statement.arg()?;
    let next = statement.args().get(1);
    match word.text.as_str() {
        "group" => {
            let message = "accepted, no effect yet: virtual_server group - it is not served";
            cx.report(Class::Unheeded, statement.place(), message);
            let mut body = statement.body.iter().flatten();
            if !body.any(|statement| statement.keyword() == "real_server") {
                let name = next.map_or("", |name| name.text.as_str());
                cx.error(
                    statement,
                    format!("Virtual server [{name}]:0 has no real servers - ignoring"),
                );
            }
            None
        }
        "fwmark" => {
            let Some(value) = next else {
                let message = "*** Configuration line starting `virtual_server` is missing a parameter after keyword `fwmark` at word position 3";
                cx.report(Class::MissingParameter, statement.place_of(word), message);
                return None;
            };
            match number::int(&value.text, 0, i64::from(u32::MAX), !cx.options.test) {
                Ok((mark, _)) => {
                    let mark = u32::try_from(mark).unwrap_or(u32::MAX);
                    Some(Cx::spanned(statement, word, ServerName::FwMark(mark)))
                }
                Err(error) => {
                    cx.word_error(
                        statement,
                        value,
                        format!("Invalid fwmark: {error} - skipping virtual server"),
                    );
                    None
                }
            }
        }
        _ => match socket(word, next) {
            Some(address) => Some(Cx::spanned(statement, word, ServerName::Address(address))),
            None => {
                let message = format!(
                    "Invalid virtual server IP address{} {}{} - skipping",
                    if next.is_some() { "/port" } else { "" },
                    word.text,
                    next.map_or_else(String::new, |port| format!("/{}", port.text)),
                );
                cx.word_error(statement, word, message);
                None
            }
        },
    }
}

/// `IP [PORT]`; no port is port 0.
fn socket(ip: &Word, port: Option<&Word>) -> Option<SocketAddr> {
    let ip: IpAddr = ip.text.parse().ok()?;
    let port = match port {
        None => 0,
        Some(word) => number::int(&word.text, 0, 65_535, false)
            .ok()
            .and_then(|(port, _)| u16::try_from(port).ok())?,
    };
    Some(SocketAddr::new(ip, port))
}

fn keyword(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let block = Block::VirtualServer;
    match statement.keyword() {
        "ip_family" => family(cx, server, statement),
        "lb_algo" | "lvs_sched" => {
            if let Some(word) = statement.arg() {
                if SCHEDULERS.contains(&word.text.as_str()) {
                    server.scheduler = Some(Scheduler(word.text.clone()));
                } else {
                    let message = format!("Invalid lvs_scheduler '{}' - ignoring", word.text);
                    cx.choice_error(statement, word, message, &SCHEDULERS);
                    server.misread.scheduler = true;
                }
            }
        }
        "lb_kind" | "lvs_method" => {
            let forward = forward(cx, statement);
            server.misread.forward |= forward.is_none();
            server.forward = forward.or(server.forward);
        }
        "ops" => server.ops = Some(statement.place()),
        "flag-1" => server.flags.0 |= ServiceFlags::SCHED1,
        "flag-2" => server.flags.0 |= ServiceFlags::SCHED2,
        "flag-3" => server.flags.0 |= ServiceFlags::SCHED3,
        "hashed" | "sh-port" | "sh-fallback" | "mh-port" | "mh-fallback" => hash_flag(cx, server, statement),
        "persistence_engine" => {
            if let Some(word) = statement.arg() {
                let mut engine = word.text.clone();
                if engine.len() > MAX_ENGINE {
                    cx.word_error(
                        statement,
                        word,
                        format!("persistence_engine {engine} too long - truncating"),
                    );
                    engine = engine.chars().take(MAX_ENGINE).collect();
                }
                server.persistence_engine = Some(engine);
            }
        }
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
        "alpha" => server.checks.alpha = Some(true),
        "omega" => server.omega = true,
        "inhibit_on_failure" => server.inhibit_on_failure = true,
        "quorum_up" => cx.script_once(&mut server.quorum_up, statement, ""),
        "quorum_down" => cx.script_once(&mut server.quorum_down, statement, ""),
        "quorum" => server.quorum = cx.unsigned(block, statement).or(Some(1)),
        "hysteresis" => server.hysteresis = cx.unsigned(block, statement).or(server.hysteresis),
        "weight" => server.weight = cx.unsigned(block, statement).or(server.weight),
        "sorry_server" => sorry_server(cx, server, statement),
        "sorry_server_inhibit" => match &mut server.sorry_server {
            Some(sorry) => sorry.inhibit = true,
            None => cx.error(
                statement,
                "Ignoring sorry_server_inhibit used before or without sorry_server",
            ),
        },
        "sorry_server_lvs_method" => {
            let method = forward(cx, statement);
            match &mut server.sorry_server {
                Some(sorry) => sorry.forward = method.or(sorry.forward),
                None => cx.error(
                    statement,
                    "sorry_server_lvs_method used before or without sorry_server",
                ),
            }
        }
        "real_server" => real_server(cx, server, statement),
        _ => settings(cx, &mut server.checks, block, statement),
    }
}

/// What virtual servers, real servers and checkers may all say (facts 3).
pub(super) fn settings(cx: &mut Cx<'_>, checks: &mut CheckSettings, block: Block, statement: &Statement) {
    match statement.keyword() {
        "alpha" => checks.alpha = cx.boolean(statement).or(checks.alpha),
        "retry" | "nb_get_retry" => checks.retry = cx.unsigned(block, statement).or(checks.retry),
        "delay_before_retry" => {
            checks.delay_before_retry = cx.seconds(block, statement).or(checks.delay_before_retry);
        }
        "warmup" => checks.warmup = cx.seconds(block, statement).or(checks.warmup),
        "delay_loop" => checks.delay_loop = cx.seconds(block, statement).or(checks.delay_loop),
        "connect_timeout" => checks.connect_timeout = cx.seconds(block, statement).or(checks.connect_timeout),
        "virtualhost" => checks.virtualhost = Cx::word(statement).or_else(|| checks.virtualhost.take()),
        _ => {}
    }
}

fn family(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let family = match word.text.as_str() {
        "inet" => Family::V4,
        "inet6" => Family::V6,
        other => {
            cx.word_error(statement, word, format!("unknown address family {other}"));
            return;
        }
    };
    match server.name.value {
        ServerName::Address(address) if Family::of(&address.ip()) != family => {
            let message = format!(
                "Virtual server {} family does not match ip_family {}",
                address.ip(),
                word.text
            );
            cx.word_error(statement, word, message);
        }
        ServerName::Address(_) | ServerName::FwMark(_) => {
            server.ip_family = Some(Cx::spanned(statement, word, family));
        }
    }
}

fn forward(cx: &mut Cx<'_>, statement: &Statement) -> Option<ForwardMethod> {
    let word = statement.arg()?;
    let method = match word.text.as_str() {
        "NAT" => ForwardMethod::Nat,
        "DR" => ForwardMethod::Dr,
        "TUN" => ForwardMethod::Tun,
        other => {
            let message = format!("PARSER : unknown [{other}] routing method.");
            cx.choice_error(statement, word, message, &["NAT", "DR", "TUN"]);
            return None;
        }
    };
    if let Some(option) = statement.args().get(1) {
        let plain = statement
            .args()
            .get(1..)
            .unwrap_or_default()
            .iter()
            .map(|word| word.text.as_str());
        // ipip without checksums is what every tunnel is; the rest comes with the tunnel types.
        if !(method == ForwardMethod::Tun && plain.eq(["type", "ipip"])) {
            let message = format!("accepted, no effect yet: {} options", statement.keyword());
            cx.report(Class::Unheeded, statement.place_of(option), message);
        }
    }
    Some(method)
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
            }
        }
        Some(_) | None => cx.error(
            statement,
            format!("{name} only applies to sh scheduler - ignoring"),
        ),
    }
}

/// A netmask or a prefix length (fact 2.7).
fn granularity(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let prefix = if let Ok(mask) = word.text.parse::<std::net::Ipv4Addr>() {
        let bits = mask.to_bits();
        (bits.leading_ones() + bits.trailing_zeros() == u32::BITS || bits == u32::MAX)
            .then(|| bits.leading_ones())
    } else {
        word.text
            .parse::<u32>()
            .ok()
            .filter(|prefix| (1..=128).contains(prefix))
    };
    if prefix.is_none() && word.text.parse::<std::net::Ipv4Addr>().is_ok() {
        let message = "accepted, no effect yet: persistence_granularity with a mask that is not contiguous";
        cx.report(Class::Unheeded, statement.place_of(word), message);
        return;
    }
    match prefix.and_then(|prefix| u8::try_from(prefix).ok()) {
        Some(prefix) => {
            server.persistence_granularity = Some(prefix);
            server.persistence_timeout.get_or_insert(DEFAULT_PERSISTENCE);
        }
        None => {
            let message = format!("Invalid persistence_granularity specified - {}", word.text);
            cx.word_error(statement, word, message);
        }
    }
}

fn protocol(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let protocol = match word.text.to_ascii_uppercase().as_str() {
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => {
            let message = format!("Unknown protocol {} - ignoring", word.text);
            cx.choice_error(statement, word, message, &["TCP", "UDP", "SCTP"]);
            server.misread.protocol = true;
            return;
        }
    };
    server.protocol = Some(Cx::spanned(statement, word, protocol));
}

/// Whether a server of `family` may stand here: tunnels may cross families (fact 2.13).
fn family_fits(server: &VirtualServer, forward: Option<ForwardMethod>, address: SocketAddr) -> bool {
    match server.name.value {
        ServerName::Address(own) => own.is_ipv4() == address.is_ipv4() || forward == Some(ForwardMethod::Tun),
        ServerName::FwMark(_) => {
            server
                .ip_family
                .as_ref()
                .is_none_or(|family| family.value == Family::of(&address.ip()))
                || forward == Some(ForwardMethod::Tun)
        }
    }
}

fn sorry_server(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let Some(address) = socket(word, statement.args().get(1)) else {
        cx.word_error(
            statement,
            word,
            format!("Invalid sorry server IP address/port {}", word.text),
        );
        return;
    };
    if !family_fits(server, server.forward, address) {
        let message = format!(
            "Address family of virtual server and sorry server {} don't match - skipping sorry server.",
            address.ip()
        );
        cx.word_error(statement, word, message);
        return;
    }
    server.sorry_server = Some(SorryServer {
        address: Cx::spanned(statement, word, address),
        forward: server.forward,
        inhibit: false,
    });
}

fn real_server(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let Some(address) = socket(word, statement.args().get(1)) else {
        cx.word_error(
            statement,
            word,
            format!("Invalid real server ip address/port {} - ignoring", word.text),
        );
        return;
    };
    let mut real = RealServer {
        address: Cx::spanned(statement, word, address),
        forward: None,
        weight: None,
        inhibit_on_failure: None,
        upper: 0,
        lower: 0,
        notify_up: None,
        notify_down: None,
        checks: CheckSettings::default(),
        checkers: Vec::new(),
    };
    let block = Block::RealServer;
    for statement in statement.body.as_deref().unwrap_or_default() {
        match statement.keyword() {
            "weight" => real.weight = cx.unsigned(block, statement).or(real.weight),
            "lvs_method" => real.forward = forward(cx, statement).or(real.forward),
            "uthreshold" => real.upper = cx.unsigned(block, statement).unwrap_or(real.upper),
            "lthreshold" => real.lower = cx.unsigned(block, statement).unwrap_or(real.lower),
            "inhibit_on_failure" => {
                real.inhibit_on_failure = cx.boolean(statement).or(real.inhibit_on_failure)
            }
            "notify_up" => cx.script_once(&mut real.notify_up, statement, ""),
            "notify_down" => cx.script_once(&mut real.notify_down, statement, ""),
            "HTTP_GET" | "SSL_GET" | "TCP_CHECK" | "MISC_CHECK" => {
                if let Some(checker) = checker::lower(cx, statement) {
                    // Nearly always the only one.
                    real.checkers.reserve_exact(1);
                    real.checkers.push(checker);
                }
            }
            _ => settings(cx, &mut real.checks, block, statement),
        }
    }
    if !family_fits(server, real.forward.or(server.forward), address) {
        let message = format!(
            "Address family of virtual server and real server {} don't match - skipping real server.",
            address.ip()
        );
        cx.word_error(statement, word, message);
        return;
    }
    // The service's method so far; one that comes later is for the servers that found none (fact 3.7).
    real.forward = real.forward.or(server.forward);
    server.real_servers.push(real);
}
