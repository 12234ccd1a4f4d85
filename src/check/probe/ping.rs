//! PING_CHECK: an echo request over an unprivileged ICMP socket (facts 9.10 to 9.14).
//!
//! The kernel chooses the identifier, writes the checksum, and gives us the replies to our own requests only.

use super::socket::{self, Refused};
use super::udp::PAYLOAD;
use crate::check::config::Connection;
use crate::check::event::Reason;
use pnet::packet::icmp::IcmpTypes;
use pnet::packet::icmpv6::Icmpv6Types;
use socket2::Protocol;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Octets of a header: type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;
/// So often the text comes in a request.
const TIMES: usize = 4;

/// Asks for the `number`th time.
pub(super) async fn ask(connection: &Connection, number: u32) -> Result<(), Reason> {
    // A port has no meaning here; one in an ICMP socket's address would be refused.
    let connection = Connection {
        destination: match connection.destination {
            SocketAddr::V4(to) => SocketAddr::new((*to.ip()).into(), 0),
            SocketAddr::V6(mut to) => {
                to.set_port(0);
                to.into()
            }
        },
        ..connection.clone()
    };
    let (protocol, request, reply) = match connection.destination {
        SocketAddr::V4(_) => (Protocol::ICMPV4, IcmpTypes::EchoRequest.0, IcmpTypes::EchoReply.0),
        SocketAddr::V6(_) => (
            Protocol::ICMPV6,
            Icmpv6Types::EchoRequest.0,
            Icmpv6Types::EchoReply.0,
        ),
    };
    let socket = socket::datagrams(&connection, protocol).map_err(|refused| match refused {
        Refused::Here(error) => Reason::Socket(error.to_string()),
        Refused::Way(error) => Reason::Unreachable(error.to_string()),
    })?;
    exchange(&socket, connection.timeout, (request, reply), number).await
}

/// Sends a request of the first kind, and judges the first thing that comes: it should be of the second.
async fn exchange(
    socket: &UdpSocket,
    patience: Duration,
    (request, reply): (u8, u8),
    number: u32,
) -> Result<(), Reason> {
    let [_, _, high, low] = number.to_be_bytes();
    socket
        .send(&echo(request, [high, low]))
        .await
        .map_err(|error| Reason::NotSent(error.to_string()))?;
    let mut buffer = [0; HEADER];
    match timeout(patience, socket.recv(&mut buffer)).await {
        Ok(Ok(HEADER)) => judge(buffer, reply, [high, low]),
        Ok(Ok(_)) => Err(Reason::Mismatch("too short")),
        Ok(Err(error)) => Err(socket::answer(&error)),
        Err(_) => Err(Reason::AnswerTimedOut),
    }
}

/// A request; the kernel sets checksum and identifier.
fn echo(request: u8, [high, low]: [u8; 2]) -> Vec<u8> {
    let header = [request, 0, 0, 0, 0, 0, high, low];
    [&header, PAYLOAD.repeat(TIMES).as_slice()].concat()
}

fn judge([kind, _, _, _, _, _, high, low]: [u8; HEADER], reply: u8, number: [u8; 2]) -> Result<(), Reason> {
    if kind != reply {
        Err(Reason::Mismatch("no echo reply"))
    } else if [high, low] != number {
        Err(Reason::Mismatch("the reply to another request"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
