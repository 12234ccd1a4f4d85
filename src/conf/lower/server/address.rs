//! Addresses and ports of virtual and real servers.

use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::lower::Cx;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use std::net::{IpAddr, SocketAddr};

/// An address. A prefix length or the end of a range is forgiven, as keepalived does, and said.
pub(in crate::conf::lower) fn ip(cx: &mut Cx<'_>, statement: &Statement, word: &Word) -> Option<IpAddr> {
    if let Ok(address) = word.text.parse() {
        return Some(address);
    }
    let (address, rest) = word.text.split_once(['/', '-'])?;
    let address = address.parse().ok()?;
    let message = format!("{address} is one address here - ignoring what follows it, '{rest}'");
    cx.report(Class::Note, statement.place_of(word), message);
    Some(address)
}

/// `IP [PORT]`; no port is port 0.
pub(in crate::conf::lower) fn socket(
    cx: &mut Cx<'_>,
    statement: &Statement,
    address: &Word,
    port: Option<&Word>,
) -> Option<SocketAddr> {
    let port = match port {
        None => 0,
        Some(word) => self::port(word)?,
    };
    Some(SocketAddr::new(ip(cx, statement, address)?, port))
}

/// A port; 0: every one.
pub(in crate::conf::lower) fn port(word: &Word) -> Option<u16> {
    let (port, _) = number::int(&word.text, 0, 65_535, false).ok()?;
    u16::try_from(port).ok()
}

/// Says that an address, or the port after it, cannot be used.
pub(super) fn refuse(
    cx: &mut Cx<'_>,
    statement: &Statement,
    address: &Word,
    port: Option<&Word>,
    message: String,
) {
    let bad_port = port.filter(|word| self::port(word).is_none());
    let found = match bad_port {
        Some(port) => Diagnostic::new(Class::InvalidNumber, Some(statement.place_of(port)), message)
            .with_help("a port from 1 to 65535, after a blank"),
        None => Diagnostic::new(Class::General, Some(statement.place_of(address)), message)
            .about(Topic::InvalidAddress)
            .with_help("an IPv4 or IPv6 address, and a port after a blank"),
    };
    cx.diagnostics.push(found);
}
