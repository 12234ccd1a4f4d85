//! What GRPC_CHECK, WEBSOCKET_CHECK, RADIUS_CHECK and SIP_CHECK ask, and what they want to hear.

use super::service::{List, Password};

/// `GRPC_CHECK`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grpc {
    /// `service`: which of the server's; otherwise the server as a whole.
    pub service: Option<String>,
    /// `virtualhost`
    pub virtualhost: String,
}

/// `WEBSOCKET_CHECK`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSocket {
    /// `path`
    pub path: String,
    /// `virtualhost`
    pub virtualhost: String,
    /// `header`: names and values, which are nobody else's business.
    pub headers: Vec<(String, Password)>,
    /// `subprotocol`: the one to agree on.
    pub subprotocol: Option<String>,
    /// `ping`: it must come back.
    pub ping: bool,
    /// `send`: a text.
    pub send: Option<String>,
    /// `expect`: text in a message of the server.
    pub expect: Option<String>,
}

/// `RADIUS_CHECK`: with a user an Access-Request, else a Status-Server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Radius {
    /// `secret`
    pub secret: Password,
    /// `nas_identifier`
    pub nas_identifier: String,
}

/// `SIP_CHECK`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sip {
    /// `transport tcp`, or TLS; otherwise UDP.
    pub stream: bool,
    /// `uri`: whom the request is for.
    pub uri: String,
    /// `from`: who we are.
    pub from: String,
    /// `status`: codes that are good, from the first to the last of each range.
    pub status: Vec<(u16, u16)>,
}

impl Grpc {
    pub(super) fn written<'a>(&'a self, out: &mut List<'a>) {
        out.word("service", self.service.as_deref());
        out.word("virtualhost", Some(&self.virtualhost));
    }
}

impl WebSocket {
    pub(super) fn written<'a>(&'a self, out: &mut List<'a>) {
        out.word("path", Some(&self.path));
        out.word("virtualhost", Some(&self.virtualhost));
        for (name, value) in &self.headers {
            out.secret_pair("header", name, value);
        }
        out.word("subprotocol", self.subprotocol.as_deref());
        out.flag("ping", self.ping);
        out.word("send", self.send.as_deref());
        out.word("expect", self.expect.as_deref());
    }
}

impl Radius {
    pub(super) fn written<'a>(&'a self, out: &mut List<'a>) {
        out.secret("secret", Some(&self.secret));
        out.word("nas_identifier", Some(&self.nas_identifier));
    }
}

impl Sip {
    pub(super) fn written<'a>(&'a self, out: &mut List<'a>) {
        out.word("transport", Some(if self.stream { "tcp" } else { "udp" }));
        out.word("uri", Some(&self.uri));
        out.word("from", Some(&self.from));
        out.ranges("status", &self.status);
    }
}
