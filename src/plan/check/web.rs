//! Checkers that name a host: whom they name; and what WEB_CHECK's way of asking cannot do: said, and left out.

use super::Builder;
use crate::check::config::{Connection, Question, ServiceSettings, ServiceTls, Web, host};
use crate::conf::config::Checker;
use crate::conf::diag::{Class, Topic};
use std::net::SocketAddr;

/// Completes the settings; `host` is the `virtualhost` that counts.
pub(super) fn complete(
    builder: &mut Builder<'_>,
    written: &Checker,
    settings: &mut ServiceSettings,
    connection: &mut Connection,
    host: Option<String>,
) {
    let destination = connection.destination;
    let host = host.filter(|host| !host.is_empty());
    let tls = settings.tls.as_mut();
    match &mut settings.question {
        Question::Grpc(grpc) => grpc.virtualhost = named(host, tls, destination),
        Question::WebSocket(socket) => socket.virtualhost = named(host, tls, destination),
        Question::Sip(sip) if sip.uri.is_empty() => sip.uri = format!("sip:{destination}"),
        Question::Web(web) => web_check(builder, written, web, tls, connection, host),
        _ => {}
    }
}

/// Whom a request is for, and whom TLS asks for when nothing says so.
fn named(host: Option<String>, tls: Option<&mut ServiceTls>, destination: SocketAddr) -> String {
    if let Some(tls) = tls {
        let name = host
            .as_deref()
            .and_then(host::parts)
            .map(|(name, _)| name.to_owned());
        tls.name = tls.name.take().or(name);
        return host
            .or_else(|| tls.name.clone())
            .unwrap_or_else(|| destination.to_string());
    }
    host.unwrap_or_else(|| destination.to_string())
}

fn web_check(
    builder: &mut Builder<'_>,
    written: &Checker,
    web: &mut Web,
    tls: Option<&mut ServiceTls>,
    connection: &mut Connection,
    host: Option<String>,
) {
    let mut refuse = |what: &str| {
        let message = format!("WEB_CHECK: {what} - ignoring");
        builder.say(Class::General, Topic::Other, &written.place, message);
    };
    if connection.mark != 0 {
        refuse("fwmark cannot be set for its connections");
        connection.mark = 0;
    }
    if let Some((_, port)) = &mut connection.source
        && *port != 0
    {
        refuse("bind_port cannot be set for its connections");
        *port = 0;
    }
    let destination = connection.destination;
    web.virtualhost = host;
    if web.http2
        && let Some(host) = &mut web.virtualhost
    {
        // HTTP/2 has no Host beside the one whom the connection is for.
        match host::parts(host) {
            Some((_, Some(port))) if port != destination.port() => {
                refuse("with http2 the port of virtualhost is that of the connection");
                host.truncate(host.rfind(':').unwrap_or(host.len()));
            }
            Some(_) => {}
            None => {
                refuse("with http2 a virtualhost must be a name");
                web.virtualhost = None;
            }
        }
    }
    let Some(tls) = tls else { return };
    let Some(name) = &tls.name else { return };
    let host = web.virtualhost.as_deref().and_then(host::parts);
    if !host::is_name(name) && name.parse() != Ok(destination.ip()) {
        refuse("name must be a name, or the address that is connected to");
        tls.name = None;
    } else if web.http2 && host.is_some_and(|(host, _)| host != name) {
        refuse("with http2 name and virtualhost must be the same, so name");
        tls.name = None;
    }
}
