//! TCP connections to back-ends, and so the whole of TCP_CHECK (facts 9.1 to 9.3).
//!
//! Owns `bindto`, `bind_port`, `bind_if`, `fwmark` and `connect_timeout`. A socket that cannot be made, marked or bound
//! is no verdict ([`Reason::Socket`], fact 9.2); every error of connecting is.

use crate::check::config::Connection;
use crate::check::event::Reason;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Connects within `connect_timeout`.
pub(super) async fn connect(connection: &Connection) -> Result<TcpStream, Reason> {
    let socket = socket(connection).map_err(|error| Reason::Socket(error.to_string()))?;
    match timeout(connection.timeout, socket.connect(connection.destination)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(Reason::ConnectTimedOut),
    }
}

fn socket(connection: &Connection) -> io::Result<TcpSocket> {
    let domain = Domain::for_address(connection.destination);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if connection.mark != 0 {
        socket.set_mark(connection.mark)?;
    }
    if let Some(interface) = &connection.interface {
        socket.bind_device(Some(interface.as_str().as_bytes()))?;
    }
    if let Some((address, port)) = connection.source {
        let any = match connection.destination {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        if port != 0 {
            // The port of the previous check may still be in TIME_WAIT: we close first.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&SocketAddr::new(address.unwrap_or(any), port).into())?;
    }
    Ok(TcpSocket::from_std_stream(socket.into()))
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
