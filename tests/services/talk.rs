//! Servers of gRPC, WebSocket, RADIUS and SIP.

use super::server::Server;
use super::site::{self, Site};
use super::{bad, gone, good};

/// A server of ours in Python: its port, that with TLS, and itself.
fn python(site: &Site, name: &str, text: &str) -> (u16, Server) {
    let (clear, secured) = (site::port(), site::port());
    let dir = site.dir();
    site.write(name, text);
    let arguments = format!("{dir}/{name} {clear} {secured} {dir}/server.key {dir}/server.pem");
    (
        secured,
        Server::start(site, clear, "/usr/bin/python3", &arguments),
    )
}

/// TLS as it shall be, and with another name.
fn verified(site: &Site) -> (String, String) {
    let tls = format!("tls\nverify\nca {}/ca.pem\nname", site.dir());
    (format!("{tls} db.example\n"), format!("{tls} other.example\n"))
}

pub(crate) fn grpc() {
    let site = Site::new();
    let (secured, server) = python(&site, "grpc_server.py", include_str!("grpc_server.py"));
    let port = server.port;
    good("GRPC_CHECK", port, "");
    good("GRPC_CHECK", port, "service shop\nvirtualhost shop.example");
    bad("GRPC_CHECK", port, "service down", "its status is NOT_SERVING");
    bad(
        "GRPC_CHECK",
        port,
        "service none",
        "grpc-status 5 (NOT_FOUND) unknown service",
    );
    let (verified, other) = verified(&site);
    good("GRPC_CHECK", secured, &verified);
    good("GRPC_CHECK", secured, "tls\nservice shop\nbindto 127.0.0.1");
    bad("GRPC_CHECK", secured, &other, "ostname mismatch");
    bad("GRPC_CHECK", secured, "connect_timeout 1", "");
    bad("GRPC_CHECK", port, "tls", "TLS: ");
    bad("WEBSOCKET_CHECK", port, "connect_timeout 1", "");
    gone("GRPC_CHECK", server, "");
}

pub(crate) fn websocket() {
    let site = Site::new();
    let (secured, server) = python(&site, "websocket_server.py", include_str!("websocket_server.py"));
    let port = server.port;
    good("WEBSOCKET_CHECK", port, "");
    let talk = "header X-Token t7\nping\nexpect";
    good("WEBSOCKET_CHECK", port, &format!("{talk} \"welcome t7\""));
    good(
        "WEBSOCKET_CHECK",
        port,
        &format!("{talk} \"echo hello\"\nsend hello\nsubprotocol chat"),
    );
    bad(
        "WEBSOCKET_CHECK",
        port,
        &format!("{talk} other\nconnect_timeout 1"),
        "no answer in time",
    );
    bad(
        "WEBSOCKET_CHECK",
        port,
        "subprotocol other",
        "it agreed on no subprotocol",
    );
    bad("WEBSOCKET_CHECK", port, "path /down", "status code 503");
    bad(
        "WEBSOCKET_CHECK",
        port,
        "path /closing\nping",
        "it closed with 1013 try again later",
    );
    let (verified, other) = verified(&site);
    good(
        "WEBSOCKET_CHECK",
        secured,
        &format!("{verified}{talk} \"echo hello\"\nsend hello"),
    );
    bad("WEBSOCKET_CHECK", secured, &other, "ostname mismatch");
    bad("GRPC_CHECK", port, "connect_timeout 1", "");
    gone("WEBSOCKET_CHECK", server, "");
}

pub(crate) fn freeradius() {
    let site = Site::new();
    let port = site::port();
    let dir = site.dir();
    site.write("users", "me Cleartext-Password := \"right\"\n");
    site.write("dictionary", "$INCLUDE /usr/share/freeradius/dictionary\n");
    site.write(
        "radiusd.conf",
        &format!(
            "name = freeradius\nlogdir = {dir}\nrun_dir = {dir}\nlibdir = /usr/lib/freeradius\n\
             security {{\nstatus_server = yes\nreject_delay = 0\nmax_attributes = 200\n}}\n\
             client local {{\nipaddr = 127.0.0.1\nsecret = shared\n}}\n\
             modules {{\npap {{\n}}\nfiles {{\nusersfile = {dir}/users\n}}\n}}\n\
             server default {{\nlisten {{\ntype = auth\nipaddr = 127.0.0.1\nport = {port}\n}}\n\
             authorize {{\nfiles\npap\n}}\nauthenticate {{\nAuth-Type PAP {{\npap\n}}\n}}\n}}\n"
        ),
    );
    let arguments = format!("-d {dir} -D /usr/share/freeradius -n radiusd -f -l stdout");
    let server = Server::start(&site, port, "freeradius", &arguments);
    good("RADIUS_CHECK", port, "secret shared");
    good(
        "RADIUS_CHECK",
        port,
        "secret shared\nusername me\npassword right\nnas_identifier lb1",
    );
    bad(
        "RADIUS_CHECK",
        port,
        "secret shared\nusername me\npassword wrong",
        "access rejected",
    );
    bad(
        "RADIUS_CHECK",
        port,
        "secret shared\nusername nobody",
        "access rejected",
    );
    // A request that was not made with the secret is none to it.
    bad(
        "RADIUS_CHECK",
        port,
        "secret other\nconnect_timeout 1",
        "no answer in time",
    );
    bad("SIP_CHECK", port, "connect_timeout 1", "no answer in time");
    gone("RADIUS_CHECK", server, "secret shared");
}

pub(crate) fn kamailio() {
    let site = Site::new();
    let port = site::port();
    let dir = site.dir();
    site.write(
        "kamailio.cfg",
        &format!(
            "log_stderror=yes\nchildren=1\ntcp_children=1\nauto_aliases=no\nlisten=udp:127.0.0.1:{port}\n\
             listen=tcp:127.0.0.1:{port}\nloadmodule \"sl.so\"\nrequest_route {{\n\
             if (method != \"OPTIONS\") {{ sl_send_reply(\"405\", \"Only OPTIONS\"); exit; }}\n\
             if (uri =~ \"down\") {{ sl_send_reply(\"503\", \"Down\"); exit; }}\n\
             if (uri =~ \"silent\") {{ exit; }}\nsl_send_reply(\"200\", \"Well\");\n}}\n"
        ),
    );
    let arguments = format!("-DD -E -m 16 -M 4 -f {dir}/kamailio.cfg -Y {dir} -P {dir}/pid");
    let server = Server::start(&site, port, "kamailio", &arguments);
    for transport in ["udp", "tcp"] {
        let by = format!("connect_timeout 1\ntransport {transport}\n");
        good("SIP_CHECK", port, &by);
        good(
            "SIP_CHECK",
            port,
            &format!("{by}uri sip:ping@sip.example\nfrom sip:lb@example.org"),
        );
        bad(
            "SIP_CHECK",
            port,
            &format!("{by}uri sip:down@sip.example"),
            "SIP status 503 Down",
        );
        good(
            "SIP_CHECK",
            port,
            &format!("{by}uri sip:down@sip.example\nstatus 200 500-599"),
        );
        bad(
            "SIP_CHECK",
            port,
            &format!("{by}uri sip:silent@sip.example"),
            "no answer in time",
        );
    }
    bad("SIP_CHECK", port, "tls\nconnect_timeout 1", "");
    bad(
        "RADIUS_CHECK",
        port,
        "secret s\nconnect_timeout 1",
        "no answer in time",
    );
    gone("SIP_CHECK", server, "");
}
