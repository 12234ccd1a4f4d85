//! `real_server`.

use super::method::tunnelled;
use super::{checker, family_fits, forward, notify, settings, snmp_name, socket};
use crate::conf::config::{CheckSettings, RealServer, VirtualServer};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// A `real_server` block, put into `server` when it can be used.
pub(super) fn lower(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let port = statement.args().get(1);
    let Some(address) = socket(cx, statement, word, port) else {
        let text = port.map_or("0", |port| port.text.as_str());
        let message = format!(
            "Invalid real server ip address/port {}/{text} - skipping",
            word.text
        );
        super::address::refuse(cx, statement, word, port, message);
        return;
    };
    let mut real = RealServer {
        address: Cx::spanned(statement, word, address),
        method: None,
        weight: None,
        inhibit_on_failure: None,
        upper: 0,
        lower: 0,
        notify_up: None,
        notify_down: None,
        smtp_alert: None,
        snmp_name: None,
        checks: CheckSettings::default(),
        checkers: Vec::new(),
    };
    for statement in statement.body.as_deref().unwrap_or_default() {
        keyword(cx, &mut real, statement);
    }
    // The service's method so far; one that comes later is for the servers that found none (fact 3.7).
    real.method = real.method.or(server.method);
    if family_fits(server, tunnelled(real.method), address) {
        server.real_servers.push(real);
        return;
    }
    let message = format!(
        "Address family of virtual server and real server {} don't match - skipping real server.",
        address.ip()
    );
    let found = Diagnostic::new(Class::General, Some(real.address.place), message);
    cx.diagnostics.push(
        found
            .about(Topic::AddressFamilyMismatch)
            .with_help("only a server with `lvs_method TUN` may be of the other family"),
    );
}

fn keyword(cx: &mut Cx<'_>, real: &mut RealServer, statement: &Statement) {
    let block = Block::RealServer;
    match statement.keyword() {
        "weight" => real.weight = cx.unsigned(block, statement).or(real.weight),
        "lvs_method" => real.method = forward(cx, statement, "real server", real.method).or(real.method),
        "uthreshold" => real.upper = cx.unsigned(block, statement).unwrap_or(real.upper),
        "lthreshold" => real.lower = cx.unsigned(block, statement).unwrap_or(real.lower),
        "inhibit_on_failure" => real.inhibit_on_failure = cx.boolean(statement).or(real.inhibit_on_failure),
        "notify_up" => notify(cx, &mut real.notify_up, statement),
        "notify_down" => notify(cx, &mut real.notify_down, statement),
        "smtp_alert" => real.smtp_alert = cx.boolean(statement).or(real.smtp_alert),
        "snmp_name" => {
            real.snmp_name = snmp_name(cx, statement, "real server").or_else(|| real.snmp_name.take())
        }
        _ => match checker::block(statement.keyword()) {
            Some(block) => checker::lower(cx, real, block, statement),
            None => settings(cx, &mut real.checks, block, statement, "real server"),
        },
    }
}
