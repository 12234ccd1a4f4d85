//! `sorry_server` and its two settings.

use super::method::{forward, tunnelled};
use super::{family_fits, socket};
use crate::conf::config::{SorryServer, VirtualServer};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// The last one that can be used counts.
pub(super) fn address(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let port = statement.args().get(1);
    let Some(address) = socket(cx, statement, word, port) else {
        let message = format!("Invalid sorry server IP address {} - skipping", word.text);
        super::address::refuse(cx, statement, word, port, message);
        return;
    };
    if let Some(before) = &server.sorry_server {
        let message = "the second sorry_server takes the place of the first";
        let found = Diagnostic::new(Class::Note, Some(statement.place_of(word)), message);
        cx.diagnostics
            .push(found.with_related(before.address.place.clone(), "the first"));
    }
    server.sorry_server = Some(SorryServer {
        address: Cx::spanned(statement, word, address),
        method: server.method,
        inhibit: false,
    });
}

pub(super) fn inhibit(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    match &mut server.sorry_server {
        Some(sorry) => sorry.inhibit = true,
        None => before_it(
            cx,
            statement,
            "Ignoring sorry_server inhibit used before or without sorry_server",
        ),
    }
}

pub(super) fn method(cx: &mut Cx<'_>, server: &mut VirtualServer, statement: &Statement) {
    let Some(sorry) = &mut server.sorry_server else {
        before_it(cx, statement, "sorry_server forwarding used without sorry_server");
        return;
    };
    sorry.method = forward(cx, statement, "sorry server", sorry.method).or(sorry.method);
}

fn before_it(cx: &mut Cx<'_>, statement: &Statement, message: &str) {
    let found = Diagnostic::new(Class::General, Some(statement.place()), message);
    cx.diagnostics
        .push(found.with_help("`sorry_server` on a line before it"));
}

/// At the end of the block: a sorry server of the wrong family is none (fact 2.13).
pub(super) fn settle(cx: &mut Cx<'_>, server: &mut VirtualServer) {
    let Some(sorry) = server.sorry_server.take() else {
        return;
    };
    if family_fits(server, tunnelled(sorry.method), sorry.address.value) {
        server.sorry_server = Some(sorry);
        return;
    }
    let message = format!(
        "Address family of virtual server and sorry server {} don't match - skipping sorry server.",
        sorry.address.value.ip()
    );
    let found = Diagnostic::new(Class::General, Some(sorry.address.place), message);
    cx.diagnostics.push(
        found
            .about(Topic::AddressFamilyMismatch)
            .with_help("only a server with `sorry_server_lvs_method TUN` may be of the other family"),
    );
}
