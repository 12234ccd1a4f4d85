//! `GRPC_CHECK`, `WEBSOCKET_CHECK`, `RADIUS_CHECK`, `SIP_CHECK`: what is asked, and what must be heard.

use super::{http, web};
use crate::check::config::{Grpc, Password, Question, Radius, Sip, WebSocket};
use crate::conf::keyword::Block;
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// The most octets of a user's name, and of an attribute's value (RFC 2865, 5).
const MOST_VALUE: usize = 253;
/// The most octets of a password (RFC 2865, 5.2).
const MOST_PASSWORD: usize = 128;

/// What is written.
#[derive(Default)]
pub(super) struct Written {
    grpc: Grpc,
    socket: WebSocket,
    secret: Option<Password>,
    nas_identifier: Option<String>,
    stream: Option<bool>,
    uri: Option<String>,
    from: Option<String>,
    status: Vec<(u16, u16)>,
}

impl Written {
    /// Takes a keyword that is not one of all checkers.
    pub(super) fn keyword(&mut self, cx: &mut Cx<'_>, block: Block, statement: &Statement) -> bool {
        let socket = &mut self.socket;
        let slot = match (block, statement.keyword()) {
            (Block::GrpcCheck, "service") => &mut self.grpc.service,
            (Block::WebSocketCheck, "send") => &mut socket.send,
            (Block::WebSocketCheck, "expect") => &mut socket.expect,
            (Block::WebSocketCheck, "subprotocol") => {
                socket.subprotocol = web::token(cx, statement).or_else(|| socket.subprotocol.take());
                return true;
            }
            (Block::WebSocketCheck, "path") => {
                socket.path = web::path(cx, statement).unwrap_or_else(|| std::mem::take(&mut socket.path));
                return true;
            }
            (Block::WebSocketCheck, "header") => {
                socket.headers.extend(web::header(cx, block, statement));
                return true;
            }
            (Block::WebSocketCheck, "ping") => {
                socket.ping = cx.boolean(statement).unwrap_or(socket.ping);
                return true;
            }
            (Block::RadiusCheck, "secret") => {
                self.secret = Cx::word(statement).map(Password).or_else(|| self.secret.take());
                return true;
            }
            (Block::RadiusCheck, "nas_identifier") => &mut self.nas_identifier,
            (Block::SipCheck, "transport") => {
                self.stream = transport(cx, statement).or(self.stream);
                return true;
            }
            (Block::SipCheck, "uri") => {
                self.uri = uri(cx, statement).or_else(|| self.uri.take());
                return true;
            }
            (Block::SipCheck, "from") => {
                self.from = uri(cx, statement).or_else(|| self.from.take());
                return true;
            }
            (Block::SipCheck, "status") => {
                http::status_codes(cx, block.name(), 200..=699, &mut self.status, statement);
                return true;
            }
            _ => return false,
        };
        *slot = Cx::word(statement).or_else(|| slot.take());
        true
    }

    /// The question; nothing, which is said, when something is missing that it cannot be without. `login` is whether
    /// there is a user, with what length of name and password.
    pub(super) fn finish(
        mut self,
        cx: &mut Cx<'_>,
        block: Block,
        header: &Statement,
        secured: bool,
        login: (usize, usize),
    ) -> Option<Question> {
        Some(match block {
            Block::GrpcCheck => Question::Grpc(self.grpc),
            Block::WebSocketCheck => {
                if self.socket.path.is_empty() {
                    self.socket.path = "/".into();
                }
                Question::WebSocket(self.socket)
            }
            Block::RadiusCheck => Question::Radius(self.radius(cx, header, login)?),
            _ => Question::Sip(self.sip(cx, header, secured)),
        })
    }

    fn radius(self, cx: &mut Cx<'_>, header: &Statement, login: (usize, usize)) -> Option<Radius> {
        let nas_identifier = self.nas_identifier.unwrap_or_else(|| "steadfast".into());
        let secret = self.secret.filter(|secret| !secret.0.is_empty());
        let (name, password) = login;
        let missing = if secret.is_none() {
            "it needs the secret that it shares with the server"
        } else if name > MOST_VALUE || nas_identifier.len() > MOST_VALUE {
            "a name of more than 253 octets"
        } else if password > MOST_PASSWORD {
            "a password of more than 128 octets"
        } else {
            return Some(Radius {
                secret: secret?,
                nas_identifier,
            });
        };
        cx.error(header, format!("RADIUS_CHECK: {missing} - ignoring checker"));
        None
    }

    fn sip(self, cx: &mut Cx<'_>, header: &Statement, secured: bool) -> Sip {
        if secured && self.stream == Some(false) {
            cx.error(
                header,
                "SIP_CHECK: tls is over TCP, transport udp - ignoring transport",
            );
        }
        Sip {
            stream: secured || self.stream == Some(true),
            uri: self.uri.unwrap_or_default(),
            from: self
                .from
                .unwrap_or_else(|| "sip:steadfast@steadfast.invalid".into()),
            status: match self.status.is_empty() {
                true => vec![(200, 200)],
                false => self.status,
            },
        }
    }
}

fn transport(cx: &mut Cx<'_>, statement: &Statement) -> Option<bool> {
    let word = statement.arg()?;
    match word.text.as_str() {
        "udp" => Some(false),
        "tcp" => Some(true),
        other => {
            let message = format!("Unknown transport {other} - ignoring");
            cx.choice_error(statement, word, message, &["udp", "tcp"]);
            None
        }
    }
}

/// `sip:…` or `sips:…`, in one line without what ends it.
fn uri(cx: &mut Cx<'_>, statement: &Statement) -> Option<String> {
    let word = statement.arg()?;
    let fits = |c: char| c.is_ascii_graphic() && !"<>\"".contains(c);
    let is_uri =
        (word.text.starts_with("sip:") || word.text.starts_with("sips:")) && word.text.chars().all(fits);
    if !is_uri {
        let message = format!("'{}' is no SIP URI - ignoring", word.text);
        cx.word_error(statement, word, message);
    }
    is_uri.then(|| word.text.clone())
}
