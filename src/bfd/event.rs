//! What the engine hears and what it wants done.

use super::config::{ReceivePort, SessionConfig};
use super::packet::LEN;
use super::telling::Line;
use std::net::IpAddr;

/// A session, for as long as it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// What happens to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A datagram came.
    Datagram(Datagram),
    /// [`Action::Open`] was done.
    Opened(SessionId),
    /// [`Action::Open`] failed, and why.
    OpenFailed(SessionId, String),
}

/// A UDP datagram to one of our ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The socket.
    pub port: ReceivePort,
    /// Who sent it.
    pub source: IpAddr,
    /// To which of our addresses, as far as the kernel says.
    pub destination: Option<IpAddr>,
    /// With how many hops left, as far as the kernel says.
    pub ttl: Option<u8>,
    /// Its content; the first octets of one that is far too long.
    pub payload: Vec<u8>,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the session's send socket, in place of one that it may have; answer with [`Event::Opened`] or
    /// [`Event::OpenFailed`].
    Open(SessionId, Box<SessionConfig>),
    /// Send a packet from the session's socket.
    Send(SessionId, [u8; LEN]),
    /// Close the session's socket.
    Close(SessionId),
    /// Tell those whose business it is.
    Report(Report),
    /// Tell the log.
    Tell(Line),
}

/// A session came up or went down (fact 24.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The `bfd_instance`.
    pub name: String,
    /// Up.
    pub up: bool,
    /// Virtual routers are told.
    pub vrrp: bool,
    /// Checkers are told.
    pub checker: bool,
}
