//! TCP connections to back-ends, and so the whole of TCP_CHECK (facts 9.1 to 9.3).
//!
//! Owns `connect_timeout`. A socket that cannot be made, marked or bound
//! is no verdict ([`Reason::Socket`], fact 9.2); every error of connecting is.

use super::socket;
use crate::check::config::Connection;
use crate::check::event::Reason;
use socket2::{Protocol, Type};
use std::io;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Connects within `connect_timeout`.
pub(super) async fn connect(connection: &Connection) -> Result<TcpStream, Reason> {
    let socket = socket::open(connection, Type::STREAM, Protocol::TCP)
        .map_err(|error| Reason::Socket(error.to_string()))?;
    let socket = TcpSocket::from_std_stream(socket.into());
    match timeout(connection.timeout, socket.connect(connection.destination)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Reason::ConnectTimedOut),
    }
}

fn refusal(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Reason::Refused,
        io::ErrorKind::TimedOut => Reason::ConnectTimedOut,
        // No source address to reach it from (IPv6) is also a way of not reaching it.
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Reason::Unreachable(error.to_string()),
        _ => Reason::Broken(error.to_string()),
    }
}
