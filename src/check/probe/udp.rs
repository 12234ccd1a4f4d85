//! UDP_CHECK: a datagram, and what comes back of it or of the network (facts 9.4 to 9.8).

use super::socket::{self, Refused};
use crate::check::config::{ReplyPattern, UdpConfig};
use crate::check::event::Reason;
use socket2::Protocol;
use tokio::time::timeout;

/// What is sent when the configuration has no `payload`.
pub(super) const PAYLOAD: &[u8; 32] = b"keepalived check - keepalived ch";

pub(super) async fn ask(config: &UdpConfig) -> Result<(), Reason> {
    // Whatever cannot be done here counts as a failure, as keepalived has it (fact 9.8).
    let socket = socket::datagrams(&config.connection, Protocol::UDP).map_err(|refused| match refused {
        Refused::Here(error) | Refused::Way(error) => Reason::NotSent(error.to_string()),
    })?;
    let payload = config.payload.as_deref().unwrap_or(PAYLOAD);
    socket
        .send(payload)
        .await
        .map_err(|error| Reason::NotSent(error.to_string()))?;
    // One octet more than what may come tells what is too long.
    let mut buffer = vec![0; room(config)];
    let received = match timeout(config.connection.timeout, socket.recv(&mut buffer)).await {
        Ok(Ok(length)) => buffer.get(..length).unwrap_or_default(),
        Ok(Err(error)) => return Err(socket::answer(&error)),
        // Silence is good where no reply is wanted.
        Err(_) if config.reply.is_none() => return Ok(()),
        Err(_) => return Err(Reason::AnswerTimedOut),
    };
    judge(config, received)
}

fn room(config: &UdpConfig) -> usize {
    let pattern = config
        .reply
        .as_ref()
        .map_or(0, |ReplyPattern(octets)| octets.len());
    (usize::from(config.max_reply_length) + 1).max(pattern)
}

/// Whether a reply is good (facts 9.6, 9.7).
fn judge(config: &UdpConfig, reply: &[u8]) -> Result<(), Reason> {
    let Some(ReplyPattern(pattern)) = config.reply.as_ref().filter(|pattern| !pattern.0.is_empty()) else {
        return Ok(());
    };
    if reply.len() < usize::from(config.min_reply_length) {
        return Err(Reason::Mismatch("too short"));
    }
    if reply.len() > usize::from(config.max_reply_length) {
        return Err(Reason::Mismatch("too long"));
    }
    let differs = |(octet, (value, mask)): (&u8, &(u8, u8))| (octet ^ value) & mask != 0;
    if reply.iter().zip(pattern).any(differs) {
        return Err(Reason::Mismatch("other octets"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
