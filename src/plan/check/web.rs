//! `WEB_CHECK` and what its way of asking cannot do: named, and left out.

use super::Builder;
use crate::check::config::{Connection, Question, ServiceSettings, host};
use crate::conf::config::Checker;
use crate::conf::diag::{Class, Topic};

/// Completes the settings; `host` is the `virtualhost` that counts.
pub(super) fn complete(
    builder: &mut Builder<'_>,
    written: &Checker,
    settings: &mut ServiceSettings,
    connection: &mut Connection,
    host: Option<String>,
) {
    let Question::Web(web) = &mut settings.question else {
        return;
    };
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
    web.virtualhost = host.filter(|host| !host.is_empty());
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
    let Some(tls) = &mut settings.tls else { return };
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
