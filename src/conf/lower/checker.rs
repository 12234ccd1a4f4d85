//! The checkers of a real server: what they share here, each kind in a file of this folder.

mod bfd;
mod dns;
mod file;
mod http;
mod misc;
mod service;
mod smtp;
mod talk;
mod udp;
mod web;

use super::{Cx, server};
use crate::conf::config::{CheckSettings, Checker, CheckerKind, ConnectSettings, RealServer};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;
use crate::net::IfName;
use std::net::IpAddr;

/// The block that the keyword of a checker opens.
pub(super) fn block(keyword: &str) -> Option<Block> {
    Some(match keyword {
        "HTTP_GET" => Block::HttpGet,
        "SSL_GET" => Block::SslGet,
        "TCP_CHECK" => Block::TcpCheck,
        "UDP_CHECK" => Block::UdpCheck,
        "SMTP_CHECK" => Block::SmtpCheck,
        "DNS_CHECK" => Block::DnsCheck,
        "MISC_CHECK" => Block::MiscCheck,
        "PING_CHECK" => Block::PingCheck,
        "FILE_CHECK" => Block::FileCheck,
        "BFD_CHECK" => Block::BfdCheck,
        "FTP_CHECK" => Block::FtpCheck,
        "IMAP_CHECK" => Block::ImapCheck,
        "LDAP_CHECK" => Block::LdapCheck,
        "NNTP_CHECK" => Block::NntpCheck,
        "POP3_CHECK" => Block::Pop3Check,
        "MYSQL_CHECK" => Block::MysqlCheck,
        "PGSQL_CHECK" => Block::PgsqlCheck,
        "REDIS_CHECK" => Block::RedisCheck,
        "WEB_CHECK" => Block::WebCheck,
        "GRPC_CHECK" => Block::GrpcCheck,
        "WEBSOCKET_CHECK" => Block::WebSocketCheck,
        "RADIUS_CHECK" => Block::RadiusCheck,
        "SIP_CHECK" => Block::SipCheck,
        _ => return None,
    })
}

/// A checker block, put into `real` when it can be used; why it cannot has been reported.
pub(super) fn lower(cx: &mut Cx<'_>, real: &mut RealServer, block: Block, statement: &Statement) {
    let mut common = Common {
        block,
        server: real.address.value.ip(),
        checks: CheckSettings::default(),
        log_all_failures: false,
        connection: ConnectSettings::default(),
    };
    let body = statement.body.as_deref().unwrap_or_default();
    let kind = match block {
        Block::HttpGet | Block::SslGet => {
            http::lower(cx, &mut common, statement, body).map(CheckerKind::Http)
        }
        Block::MiscCheck => misc::lower(cx, &mut common, statement, body).map(CheckerKind::Misc),
        Block::SmtpCheck => {
            smtp::lower(cx, common, real, statement, body);
            return;
        }
        Block::DnsCheck => Some(CheckerKind::Dns(dns::lower(cx, &mut common, body))),
        Block::UdpCheck => Some(CheckerKind::Udp(udp::lower(cx, &mut common, statement, body))),
        Block::FtpCheck
        | Block::LdapCheck
        | Block::NntpCheck
        | Block::Pop3Check
        | Block::ImapCheck
        | Block::MysqlCheck
        | Block::PgsqlCheck
        | Block::RedisCheck
        | Block::WebCheck
        | Block::GrpcCheck
        | Block::WebSocketCheck
        | Block::RadiusCheck
        | Block::SipCheck => service::lower(cx, &mut common, statement, body)
            .map(|settings| CheckerKind::Service(Box::new(settings))),
        Block::FileCheck => file::lower(cx, statement, body).map(CheckerKind::File),
        Block::BfdCheck => bfd::lower(cx, &mut common, real, statement, body).map(CheckerKind::Bfd),
        _ => {
            for statement in body {
                common.keyword(cx, statement);
            }
            Some(if block == Block::PingCheck {
                CheckerKind::Ping
            } else {
                CheckerKind::Tcp
            })
        }
    };
    if let Some(kind) = kind {
        // Nearly always the only one.
        real.checkers.reserve_exact(1);
        real.checkers.push(common.checker(statement, kind));
    }
}

/// What all checkers share.
#[derive(Clone)]
struct Common {
    block: Block,
    /// The real server, whom a checker asks unless it says otherwise.
    server: IpAddr,
    checks: CheckSettings,
    log_all_failures: bool,
    connection: ConnectSettings,
}

impl Common {
    fn keyword(&mut self, cx: &mut Cx<'_>, statement: &Statement) {
        let block = self.block;
        let connection = &mut self.connection;
        match statement.keyword() {
            "connect_ip" => self.connect_ip(cx, statement),
            "connect_port" => {
                connection.connect_port = cx.unsigned(block, statement).or(connection.connect_port)
            }
            "bindto" => self.bindto(cx, statement),
            "bind_port" => connection.bind_port = cx.unsigned(block, statement).or(connection.bind_port),
            "bind_if" => self.bind_if(cx, statement),
            "fwmark" => connection.fwmark = cx.unsigned(block, statement).unwrap_or(connection.fwmark),
            "log_all_failures" => {
                self.log_all_failures = cx.boolean(statement).unwrap_or(self.log_all_failures);
            }
            _ => server::settings(cx, &mut self.checks, block, statement, block.name()),
        }
    }

    /// An address, which must be one.
    fn address(cx: &mut Cx<'_>, statement: &Statement) -> Option<IpAddr> {
        let word = statement.arg()?;
        let address = server::ip(cx, statement, word);
        if address.is_none() {
            let message = format!("Invalid {} address {} - ignoring", statement.keyword(), word.text);
            cx.word_error_about(Topic::InvalidAddress, statement, word, message);
        }
        address
    }

    /// Where to; of the family of `bindto` when that came before.
    fn connect_ip(&mut self, cx: &mut Cx<'_>, statement: &Statement) {
        let (Some(word), Some(to)) = (statement.arg(), Self::address(cx, statement)) else {
            return;
        };
        if let Some(from) = self.connection.bindto.as_ref()
            && from.value.is_ipv4() != to.is_ipv4()
        {
            let message =
                format!("connect_ip address {to} does not match address family of bindto - skipping");
            let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
            cx.diagnostics.push(
                found
                    .about(Topic::AddressFamilyMismatch)
                    .with_related(from.place.clone(), "bindto"),
            );
            return;
        }
        self.connection.connect_ip = Some(Cx::spanned(statement, word, to));
    }

    /// Where from; of the family of where to as far as that is known.
    fn bindto(&mut self, cx: &mut Cx<'_>, statement: &Statement) {
        let (Some(word), Some(from)) = (statement.arg(), Self::address(cx, statement)) else {
            return;
        };
        let to = self.connection.connect_ip.as_ref();
        if to.map_or(self.server, |to| to.value).is_ipv4() != from.is_ipv4() {
            let message =
                format!("bindto address {from} does not match address family of connect_ip - skipping");
            let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message)
                .about(Topic::AddressFamilyMismatch);
            cx.diagnostics.push(match to {
                Some(to) => found.with_related(to.place.clone(), "connect_ip"),
                None => found.with_help(format!(
                    "connect_ip is the real server's address, {}",
                    self.server
                )),
            });
            return;
        }
        self.connection.bindto = Some(Cx::spanned(statement, word, from));
    }

    fn bind_if(&mut self, cx: &mut Cx<'_>, statement: &Statement) {
        let Some(word) = statement.arg() else { return };
        if IfName::new(&word.text).is_none() {
            let message = format!("Interface name {} is too long - ignoring", word.text);
            let message = if word.text.len() > IfName::MAX {
                message
            } else {
                format!("'{}' is no name of an interface - ignoring", word.text)
            };
            cx.word_error_about(Topic::NameTooLong, statement, word, message);
            return;
        }
        self.connection.bind_if = Some(Cx::spanned(statement, word, word.text.clone()));
    }

    fn checker(self, statement: &Statement, kind: CheckerKind) -> Checker {
        Checker {
            place: statement.place(),
            checks: self.checks,
            log_all_failures: self.log_all_failures,
            connection: self.connection,
            kind,
        }
    }
}

/// Octets written as hexadecimal digits, with blanks between octets as one likes, each with the bits of it that count:
/// of an `x` none do, where `wild` allows it. A digit that stands alone is an octet.
fn hex(text: &str, wild: bool) -> Option<Vec<(u8, u8)>> {
    let digit = |c: char| match c {
        'x' | 'X' if wild => Some((0, 0)),
        _ => Some((u8::try_from(c.to_digit(16)?).ok()?, 0x0f)),
    };
    let mut out = Vec::new();
    for word in text.split_ascii_whitespace() {
        let digits: Vec<(u8, u8)> = word.chars().map(digit).collect::<Option<_>>()?;
        for pair in digits.chunks(2) {
            out.push(match pair {
                [(high, high_mask), (low, low_mask)] => (high << 4 | low, high_mask << 4 | low_mask),
                [(low, mask)] => (*low, 0xf0 | mask),
                _ => return None,
            });
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests;
