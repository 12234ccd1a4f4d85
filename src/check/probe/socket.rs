//! Sockets as the connection settings of a checker want them: `bindto`, `bind_port`, `bind_if`, `fwmark`.

use crate::check::config::Connection;
use crate::check::event::Reason;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::UdpSocket;

/// A socket that is not connected yet.
pub(super) fn open(connection: &Connection, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let domain = Domain::for_address(connection.destination);
    let socket = Socket::new(domain, kind.nonblocking(), Some(protocol))?;
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
        // An echo request's port would be its identifier, which the kernel chooses.
        let port = if is_icmp(protocol) { 0 } else { port };
        if port != 0 {
            // The port of the previous check may still be in TIME_WAIT: we close first.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&SocketAddr::new(address.unwrap_or(any), port).into())?;
    }
    Ok(socket)
}

/// A datagram socket that hears of its destination alone, and of what the network says of it. Datagrams find their way
/// or do not: what is refused here is [`Refused::Here`], what the network refuses [`Refused::Way`].
pub(super) fn datagrams(connection: &Connection, protocol: Protocol) -> Result<UdpSocket, Refused> {
    let socket = open(connection, Type::DGRAM, protocol).map_err(Refused::Here)?;
    let told = match connection.destination {
        SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true),
        SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true),
    };
    told.map_err(|error| Refused::Here(error.into()))?;
    socket
        .connect(&connection.destination.into())
        .map_err(Refused::Way)?;
    UdpSocket::from_std(socket.into()).map_err(Refused::Here)
}

/// A datagram socket that there is not.
#[derive(Debug)]
pub(super) enum Refused {
    /// It could not be made or bound.
    Here(io::Error),
    /// There is no way to the destination.
    Way(io::Error),
}

/// What an error of a connected datagram socket says of the back-end.
pub(super) fn answer(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Reason::Refused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            Reason::Unreachable(error.to_string())
        }
        _ => Reason::Broken(error.to_string()),
    }
}

fn is_icmp(protocol: Protocol) -> bool {
    protocol == Protocol::ICMPV4 || protocol == Protocol::ICMPV6
}
