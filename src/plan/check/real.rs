//! The real servers of a virtual server.

use super::target::Aim;
use super::{Builder, Followed, LaterServer, checker};
use crate::check::config::RealServerConfig;
use crate::conf::config::{RealServer, VirtualServer};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::ipvs::model::{ForwardMethod, ServiceKey};
use crate::plan::later::LaterRealServer;
use std::collections::HashMap;
use std::net::SocketAddr;

/// The virtual server that a server stands in.
pub(super) struct Around<'s, 'a> {
    pub(super) server: &'s VirtualServer,
    pub(super) target: &'s Aim<'a>,
    /// The method of servers that have none.
    pub(super) method: ForwardMethod,
    pub(super) followed: &'s Followed<'s>,
}

/// The real servers, each address and port once.
pub(super) fn all(
    builder: &mut Builder<'_>,
    around: &Around<'_, '_>,
    later: &mut LaterServer,
) -> Vec<RealServerConfig> {
    let target = around.target;
    let mut out: Vec<RealServerConfig> = Vec::with_capacity(around.server.real_servers.len());
    let mut written: HashMap<SocketAddr, &Place> = HashMap::new();
    let mut settled: HashMap<SocketAddr, &Place> = HashMap::new();
    for real in &around.server.real_servers {
        let place = &real.address.place;
        if let Some(first) = written.insert(real.address.value, place) {
            // Of three the first stays the first.
            written.insert(real.address.value, first);
            let name = target.real(real.address.value);
            let message = format!("VS {target}: real server {name} is duplicated - removing second rs");
            let found = Diagnostic::new(Class::General, Some(place.clone()), message);
            builder.diagnostics.push(
                found
                    .about(Topic::DuplicateDefinition)
                    .with_related(first.clone(), "the first"),
            );
            continue;
        }
        let (config, more) = build(builder, around, real);
        if let Some(first) = settled.get(&config.address) {
            let name = target.real(config.address);
            let message = format!("real server {name} is there already - using the first");
            let found = Diagnostic::new(Class::Note, Some(place.clone()), message);
            builder.diagnostics.push(
                found
                    .about(Topic::DuplicateDefinition)
                    .with_related((*first).clone(), "the first"),
            );
            continue;
        }
        settled.insert(config.address, place);
        if more != LaterRealServer::default() {
            later.real_servers.insert(config.address, more);
        }
        out.push(config);
    }
    out
}

fn build(
    builder: &mut Builder<'_>,
    around: &Around<'_, '_>,
    written: &RealServer,
) -> (RealServerConfig, LaterRealServer) {
    let forward = written.method.unwrap_or(around.method);
    let own = written.address.value;
    let place = &written.address.place;
    let address = around.target.kernel_address(forward, own);
    port_mismatch(builder, around.target, forward, written, address);
    let more = LaterRealServer {
        snmp_name: written.snmp_name.clone(),
    };
    let mut checkers = Vec::with_capacity(written.checkers.len());
    for checker in &written.checkers {
        checker::build(builder, around, written, checker, &mut checkers);
    }
    if checkers.is_empty() && !written.checkers.is_empty() {
        let message = "the real server is left without a checker, so it counts as always up";
        builder.report(Class::Unheeded, place, message);
    }
    let config = RealServerConfig {
        address,
        forward,
        weight: written.weight.or(around.server.weight).unwrap_or(1),
        inhibit_on_failure: written
            .inhibit_on_failure
            .unwrap_or(around.server.inhibit_on_failure),
        upper: written.upper,
        lower: written.lower,
        notify_up: builder.check_notify(written.notify_up.as_ref()).map(Box::new),
        notify_down: builder.check_notify(written.notify_down.as_ref()).map(Box::new),
        // That of the virtual server is not inherited (fact 3.9).
        smtp_alert: written
            .smtp_alert
            .or_else(|| builder.smtp_alert())
            .unwrap_or(true),
        virtualhost: written.checks.virtualhost.clone(),
        checkers,
    };
    (config, more)
}

/// A port that does not count is named (fact 2.12).
fn port_mismatch(
    builder: &mut Builder<'_>,
    target: &Aim<'_>,
    forward: ForwardMethod,
    written: &RealServer,
    address: SocketAddr,
) {
    let own = written.address.value;
    if own.port() == 0 {
        return;
    }
    let name = target.real(own);
    let word = forward.word();
    let found = match target {
        Aim::Group(group) => group.port_mismatch(forward, &name, own.port()),
        Aim::Key(_) if own.port() == address.port() => None,
        Aim::Key(key @ ServiceKey::Address { address, .. }) => Some(
            Diagnostic::new(
                Class::Warning,
                None,
                format!(
                    "WARNING - virtual server {key} and real server {name} ports don't match - resetting"
                ),
            )
            .with_help(match address.port() {
                0 => format!("no port: with {word} the packet's port cannot change"),
                port => format!("port {port}, or none: with {word} the packet's port cannot change"),
            }),
        ),
        Aim::Key(key @ ServiceKey::FwMark { .. }) => Some(
            Diagnostic::new(
                Class::Warning,
                None,
                format!(
                    "WARNING - fwmark virtual server {key}, real server {name} has port specified - clearing"
                ),
            )
            .with_help(format!("no port: with {word} the packet's port cannot change")),
        ),
    };
    if let Some(mut found) = found {
        found.place = Some(written.address.place.clone());
        builder.diagnostics.push(found.about(Topic::LvsPortMismatch));
    }
}
