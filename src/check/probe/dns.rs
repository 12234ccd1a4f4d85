//! DNS_CHECK: one question over UDP, and the first answer to it (facts 9.16, 9.17, 9.20).

use super::socket::{self, Refused};
use crate::check::config::DnsConfig;
use crate::check::dns;
use crate::check::event::Reason;
use socket2::Protocol;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// More than a header is not looked at.
const ROOM: usize = 512;

pub(super) async fn ask(config: &DnsConfig) -> Result<(), Reason> {
    let socket = socket::datagrams(&config.connection, Protocol::UDP).map_err(|refused| match refused {
        Refused::Here(error) => Reason::Socket(error.to_string()),
        Refused::Way(error) => Reason::Unreachable(error.to_string()),
    })?;
    match timeout(config.connection.timeout, exchange(&socket, config)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Reason::AnswerTimedOut),
    }
}

async fn exchange(socket: &UdpSocket, config: &DnsConfig) -> Result<(), Reason> {
    let id = random();
    let question = dns::question(id, config.kind, config.name.as_deref());
    socket
        .send(&question)
        .await
        .map_err(|error| Reason::NotSent(error.to_string()))?;
    let mut buffer = [0; ROOM];
    loop {
        let length = socket
            .recv(&mut buffer)
            .await
            .map_err(|error| socket::answer(&error))?;
        match dns::response_code(id, buffer.get(..length).unwrap_or_default()) {
            Some(0) => return Ok(()),
            Some(code) => return Err(Reason::Rcode(code)),
            // A late answer to an earlier question, or nonsense.
            None => {}
        }
    }
}

/// A number that nobody can foresee: the standard library seeds its maps from the system.
fn random() -> u16 {
    let [high, low, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests;
