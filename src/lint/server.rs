//! What one `virtual_server` says against itself.

use super::view::{list, seconds};
use super::{Code, Finding, Node};
use crate::check::config::{Question, Target, VirtualServerConfig};
use crate::conf::config::{
    CheckSettings, Checker, CheckerKind, RealServer, ServerName, Spanned, VirtualServer,
};
use crate::ipvs::model::{Protocol, ServiceFlags, ServiceKey};
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// `delay_loop` that nobody set.
const DELAY_LOOP: Duration = Duration::from_secs(60);
/// Where TLS is spoken.
const HTTPS: u16 = 443;

/// A virtual server: what it does, and what was written.
#[derive(Clone, Copy)]
pub(super) struct Service<'a> {
    pub(super) does: &'a VirtualServerConfig,
    pub(super) written: &'a VirtualServer,
}

impl Node {
    /// The virtual servers of a director, in the order of the file.
    pub(super) fn services(&self) -> Vec<Service<'_>> {
        // One mark may stand for a service of each family.
        let mut written: HashMap<String, VecDeque<&VirtualServer>> = HashMap::new();
        for server in &self.config.servers {
            let protocol = server.protocol.as_ref();
            let protocol = protocol.map_or(Protocol::Udp, |protocol| protocol.value);
            let name = if let ServerName::Address(address) = server.name.value {
                format!("{} {address}", protocol.word())
            } else if let ServerName::FwMark(mark) = server.name.value {
                format!("fwmark {mark}")
            } else if let ServerName::Group(group) = &server.name.value {
                format!("group {group}")
            } else {
                continue;
            };
            written.entry(name).or_default().push_back(server);
        }
        let mut of = |target: &Target| {
            let name = match target {
                Target::Service(ServiceKey::Address { protocol, address }) => {
                    format!("{} {address}", protocol.word())
                }
                Target::Service(ServiceKey::FwMark { mark, .. }) => format!("fwmark {mark}"),
                Target::Group(group) => format!("group {}", group.name),
            };
            written.get_mut(&name)?.pop_front()
        };
        let services = self.plan.check.services.iter();
        services
            .filter_map(|does| {
                let written = of(&does.target)?;
                Some(Service { does, written })
            })
            .collect()
    }
}

impl Service<'_> {
    pub(super) fn about(&self) -> String {
        format!("virtual_server {}", self.does.target)
    }
}

pub(super) fn look(node: &Node, found: &mut Vec<Finding>) {
    let mut slow_ones = HashSet::new();
    for service in node.services() {
        quorum(&service, found);
        sorry_server(&service, found);
        checkers(&service, found);
        duplicates(&service, found);
        slow(&service, &mut slow_ones, found);
        plain_http(&service, found);
        tls_at_once(&service, found);
        one_packet(&service, found);
    }
    homeless(node, found);
}

/// Facts 2.16 and 6.1.
fn quorum(service: &Service<'_>, found: &mut Vec<Finding>) {
    let Service { does, written } = service;
    let place = written
        .quorum
        .as_ref()
        .or(written.hysteresis.as_ref())
        .map_or_else(|| &written.name.place, |value| &value.place);
    let (name, reals) = (&does.target, &does.real_servers);
    let total = reals
        .iter()
        .fold(0_u32, |sum, real| sum.saturating_add(real.weight));
    let wanted = written.quorum.as_ref().map_or(1, |quorum| quorum.value);
    if wanted > total {
        let message =
            format!("{name}: quorum {wanted} is more than all its real servers weigh together, {total}");
        found.push(
            Finding::new(Code::QuorumOverWeight, service.about(), place, message)
                .effect(if total == 0 {
                    "no server of it is ever used".to_owned()
                } else {
                    format!("the quorum counts as {total}, so it is lost with the first server that fails")
                })
                .fix(match total {
                    0 => "write a weight of at least 1 for a real server".to_owned(),
                    1 => "remove the quorum, or give the real servers more weight".to_owned(),
                    _ => format!("write a quorum below {total}, or give the real servers more weight"),
                }),
        );
    }
    let hysteresis = written.hysteresis.as_ref().map_or(0, |value| value.value);
    if hysteresis > 0 && hysteresis >= does.quorum {
        let message = format!(
            "{name}: hysteresis {hysteresis} is not below the quorum, {}",
            does.quorum
        );
        found.push(
            Finding::new(
                Code::HysteresisOverQuorum,
                service.about(),
                written.hysteresis.as_ref().map_or(place, |value| &value.place),
                message,
            )
            .effect(format!("it counts as {}", does.hysteresis))
            .fix(format!("write a hysteresis below {}", does.quorum)),
        );
    }
    let dynamic = written
        .real_servers
        .iter()
        .flat_map(|real| &real.checkers)
        .any(|checker| matches!(&checker.kind, CheckerKind::Misc(misc) if misc.misc_dynamic));
    let needed = does.quorum.saturating_add(does.hysteresis);
    // Without a sorry server and scripts nothing comes of it.
    let effect = if written.sorry_server.is_some() {
        "the quorum is never reached, not even with all servers up: clients get the sorry server for ever"
    } else if written.quorum_up.is_some() {
        "the quorum is never reached, not even with all servers up: quorum_up never runs"
    } else {
        return;
    };
    if needed > total && total > 0 && !dynamic {
        let message = format!(
            "{name}: quorum {} and hysteresis {} make {needed}, more than all its real servers weigh together, {total}",
            does.quorum, does.hysteresis
        );
        found.push(
            Finding::new(Code::QuorumNeverRegained, service.about(), place, message)
                .effect(effect)
                .fix(format!(
                    "write a quorum and a hysteresis that make {total} or less together"
                )),
        );
    }
}

/// Without any consequence a quorum is only a line in the log (fact 6.4).
fn sorry_server(service: &Service<'_>, found: &mut Vec<Finding>) {
    let Service { does, written } = service;
    let consequence =
        written.sorry_server.is_some() || written.quorum_up.is_some() || written.quorum_down.is_some();
    let quorum = written.quorum.as_ref().map(|quorum| quorum.value);
    let Some(quorum) = quorum.filter(|quorum| *quorum > 1 && !consequence) else {
        return;
    };
    let message = format!(
        "{}: quorum {quorum}, but no sorry_server and no script for the case that it is lost",
        does.target
    );
    found.push(
        Finding::new(
            Code::SorryServerMissing,
            service.about(),
            written
                .quorum
                .as_ref()
                .map_or(&written.name.place, |quorum| &quorum.place),
            message,
        )
        .effect("below the quorum the servers that are left go on as before; only the log tells")
        .fix("write a sorry_server, or quorum_up and quorum_down, or remove the quorum"),
    );
}

/// A server that nobody checks is up for ever.
fn checkers(service: &Service<'_>, found: &mut Vec<Finding>) {
    let Service { does, written } = service;
    let weight = |real: &RealServer| real.weight.or(written.weight).unwrap_or(1);
    let bare: Vec<&RealServer> = written
        .real_servers
        .iter()
        .filter(|real| is_unchecked(real) && weight(real) > 0)
        .collect();
    let Some(first) = bare.first() else {
        return;
    };
    let names: Vec<String> = bare.iter().map(|real| name(&real.address)).collect();
    let message = format!("{}: nothing checks {}", does.target, list(&names));
    found.push(
        Finding::new(Code::NoCheckers, service.about(), &first.address.place, message)
            .effect("such a server counts as up for ever: while it is down its share of the clients fails")
            .fix(match does.target.protocol() {
                Some(Protocol::Tcp) => "give each real server a checker, TCP_CHECK at least",
                Some(Protocol::Udp | Protocol::Sctp) | None => {
                    "give each real server a checker, MISC_CHECK if no other fits"
                }
            }),
    );
}

fn is_unchecked(real: &RealServer) -> bool {
    real.checkers.is_empty()
}

fn name(address: &Spanned<std::net::SocketAddr>) -> String {
    match address.value.port() {
        0 => address.value.ip().to_string(),
        _ => address.value.to_string(),
    }
}

/// Fact 2.15.
fn duplicates(service: &Service<'_>, found: &mut Vec<Finding>) {
    let Service { does, written } = service;
    for (at, real) in written.real_servers.iter().enumerate() {
        let mut before = written.real_servers.iter().take(at);
        let Some(first) = before.find(|first| first.address.value == real.address.value) else {
            continue;
        };
        let message = format!(
            "{}: the real server {} is there twice",
            does.target,
            name(&real.address)
        );
        found.push(
            Finding::new(
                Code::RealServerDuplicate,
                service.about(),
                &real.address.place,
                message,
            )
            .label("this one is left out")
            .effect("it gets the share of one server")
            .fix("remove one of the two, or correct its address")
            .also(&first.address.place, "the first one"),
        );
    }
}

/// Checks of one server never overlap, so a limit above the interval makes checks rarer when they matter.
fn slow(
    service: &Service<'_>,
    said: &mut HashSet<(&'static str, Duration, Duration)>,
    found: &mut Vec<Finding>,
) {
    let Service { does, written } = service;
    for real in &written.real_servers {
        for checker in &real.checkers {
            let levels = [&checker.checks, &real.checks, &written.checks];
            let pick =
                |get: fn(&CheckSettings) -> Option<Duration>| levels.iter().find_map(|level| get(level));
            let interval = pick(|checks| checks.delay_loop).unwrap_or(DELAY_LOOP);
            let (word, limit) = match &checker.kind {
                CheckerKind::Misc(misc) => ("misc_timeout", misc.misc_timeout),
                _ => ("connect_timeout", pick(|checks| checks.connect_timeout)),
            };
            let Some(limit) = limit.filter(|limit| *limit > interval && !interval.is_zero()) else {
                continue;
            };
            if !said.insert((word, limit, interval)) {
                continue;
            }
            let message = format!(
                "{}: {word} {} is longer than delay_loop {}",
                does.target,
                seconds(limit),
                seconds(interval)
            );
            found.push(
                Finding::new(Code::CheckSlowerThanInterval, service.about(), &checker.place, message)
                    .effect(format!(
                        "a server that does not answer is asked no more often than every {} seconds, so its failure is noticed later",
                        seconds(limit)
                    ))
                    .fix(format!("write {word} {} or less, or a longer delay_loop", seconds(interval))),
            );
        }
    }
}

/// A TLS port answers plain HTTP with an error at best.
fn plain_http(service: &Service<'_>, found: &mut Vec<Finding>) {
    let Service { does, written } = service;
    let plain = |real: &&RealServer, checker: &&Checker| {
        let port = checker
            .connection
            .connect_port
            .unwrap_or_else(|| real.address.value.port());
        port == HTTPS
            && matches!(&checker.kind, CheckerKind::Http(http) if !http.tls && answers_errors(http).is_none())
    };
    let checks = written
        .real_servers
        .iter()
        .flat_map(|real| real.checkers.iter().map(move |checker| (real, checker)));
    let mut plain = checks.filter(|(real, checker)| plain(real, checker));
    let Some((_, first)) = plain.next() else {
        return;
    };
    let message = format!("{}: HTTP_GET asks port {HTTPS} without TLS", does.target);
    found.push(
        Finding::new(Code::PlainHttpToTlsPort, service.about(), &first.place, message)
            .effect("a server that speaks TLS there answers with an error or not at all, and counts as down")
            .fix("write SSL_GET"),
    );
}

/// Where a service speaks in clear first, and TLS begins by words of the protocol.
fn port_of_starttls(question: &Question) -> Option<u16> {
    Some(match question {
        Question::Ftp { .. } => 21,
        Question::Imap => 143,
        Question::Ldap(_) => 389,
        Question::Nntp { .. } => 119,
        Question::Pop3 => 110,
        _ => return None,
    })
}

/// A handshake where words are awaited.
fn tls_at_once(service: &Service<'_>, found: &mut Vec<Finding>) {
    let Service { does, written } = service;
    let wrong = |(real, checker): (&RealServer, &Checker)| {
        let CheckerKind::Service(settings) = &checker.kind else {
            return None;
        };
        let port = port_of_starttls(&settings.question)?;
        let asked = checker.connection.connect_port;
        let at_once = settings.tls.is_some() && !settings.starttls();
        let hit = at_once && asked.unwrap_or_else(|| real.address.value.port()) == port;
        hit.then(|| (checker.place.clone(), settings.question.keyword(), port))
    };
    let mut checks = written
        .real_servers
        .iter()
        .flat_map(|real| real.checkers.iter().map(move |checker| (real, checker)));
    let Some((place, keyword, port)) = checks.find_map(wrong) else {
        return;
    };
    let message = format!("{}: {keyword} begins TLS at once on port {port}", does.target);
    found.push(
        Finding::new(Code::TlsToStarttlsPort, service.about(), &place, message)
            .effect("a server that speaks in clear first there does not understand, and counts as down")
            .fix("write starttls instead of tls, or the port where TLS comes first"),
    );
}

/// An url that expects a status of 400 or more means it.
fn answers_errors(http: &crate::conf::config::HttpSettings) -> Option<u16> {
    let codes = http.urls.iter().flat_map(|url| &url.status_code);
    codes.map(|(_, last)| *last).find(|last| *last >= 400)
}

/// Two settings of opposite intent.
fn one_packet(service: &Service<'_>, found: &mut Vec<Finding>) {
    let Service { does, written } = service;
    if does.flags.0 & ServiceFlags::ONE_PACKET == 0 || does.persistence.is_none() {
        return;
    }
    let place = written.ops.as_ref().unwrap_or(&written.name.place);
    let message = format!(
        "{}: ops schedules every packet, yet it is persistent",
        does.target
    );
    found.push(
        Finding::new(Code::OpsWithPersistence, service.about(), place, message)
            .effect("all packets of a client go to one server all the same")
            .fix("remove ops, or persistence_timeout"),
    );
}

/// Addresses that nothing in this file brings here, when its routers hold others.
fn homeless(node: &Node, found: &mut Vec<Finding>) {
    let routers = node.routers();
    let mut held: HashSet<IpAddr> = routers
        .iter()
        .flat_map(|router| router.does.vips.iter().chain(&router.does.excluded))
        .map(|vip| vip.cidr.addr)
        .collect();
    if held.is_empty() {
        return;
    }
    let statics = &node.config.statics.addresses;
    held.extend(statics.iter().map(|line| line.value.cidr.addr));
    let here: HashSet<IpAddr> = node
        .host
        .interfaces
        .iter()
        .flat_map(|interface| &interface.addresses)
        .map(|address| address.cidr.addr)
        .collect();
    let mut said = HashSet::new();
    for service in node.services() {
        let Target::Service(ServiceKey::Address { address, .. }) = service.does.target else {
            continue;
        };
        let ip = address.ip();
        if held.contains(&ip) || here.contains(&ip) || ip.is_unspecified() || !said.insert(ip) {
            continue;
        }
        let place = &service.written.name.place;
        let message = format!(
            "{}: no vrrp_instance of this file holds {ip}",
            service.does.target
        );
        found.push(
            Finding::new(Code::VirtualServerWithoutVip, service.about(), place, message)
                .effect(
                    "packets for it arrive here only if something else brings the address to this director",
                )
                .fix(format!(
                    "add {ip} to virtual_ipaddress, if it shall move with the others"
                )),
        );
    }
}
