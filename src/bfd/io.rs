//! BFD's UDP sockets: one to receive for each family and port, and one to send for each session (RFC 5881 section 4, fact
//! 24.2).

use super::config::{ReceivePort, SessionConfig};
use super::event::Datagram;
use crate::net::Family;
use crate::sys::sockopt;
use crate::sys::watch::Watched;
use libc::{in_pktinfo, in6_pktinfo};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt as nix_sockopt,
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

/// Longer than any packet: the length field has one octet.
const LARGEST: usize = 256;
/// Most packets of a socket in one round, so that a flood does not hold up the timers.
const MOST_A_ROUND: usize = 256;
/// CS6, as routing protocols have it.
const TRAFFIC_CLASS: u32 = 0xc0;
/// Where the source ports are (RFC 5881 section 4).
const SOURCE_PORTS: RangeInclusive<u16> = 49152..=65535;
/// With fewer ports of the system's range in there, that range counts as a whole (fact 24.2).
const ENOUGH_PORTS: u16 = 1024;
/// Ports that are tried before giving up.
const ATTEMPTS: u16 = 64;

/// A receive socket, watched by the runtime of this thread.
#[derive(Debug)]
pub struct Receiver {
    socket: Watched<Socket>,
    port: ReceivePort,
    buffer: Vec<u8>,
    control: Vec<u8>,
}

impl Receiver {
    /// Opens the socket.
    ///
    /// # Errors
    /// The kernel's: `EADDRINUSE` when another BFD daemon runs.
    pub fn open(port: ReceivePort) -> io::Result<Self> {
        Self::open_at(port, port.number())
    }

    fn open_at(port: ReceivePort, number: u16) -> io::Result<Self> {
        let socket = udp(port.family)?;
        let any = match port.family {
            Family::V4 => {
                setsockopt(&socket, nix_sockopt::Ipv4PacketInfo, &true)?;
                sockopt::set_recv_ttl_v4(&socket)?;
                Ipv4Addr::UNSPECIFIED.into()
            }
            Family::V6 => {
                setsockopt(&socket, nix_sockopt::Ipv6RecvPacketInfo, &true)?;
                socket.set_recv_hoplimit_v6(true)?;
                Ipv6Addr::UNSPECIFIED.into()
            }
        };
        socket.bind(&address(any, number))?;
        Ok(Self {
            socket: Watched::new(socket)?,
            port,
            buffer: vec![0; LARGEST],
            control: cmsg_space!(in_pktinfo, in6_pktinfo, i32, i32),
        })
    }

    /// What it hears.
    pub fn port(&self) -> ReceivePort {
        self.port
    }

    /// Takes the datagrams that are there into `inbox`; `Ready` when there were some, otherwise wakes when there are.
    ///
    /// # Errors
    /// The kernel's, when there was nothing else; the socket stays usable.
    pub fn poll_take(&mut self, cx: &mut Context<'_>, inbox: &mut Vec<Datagram>) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.socket.poll_readable(cx))?;
            let before = inbox.len();
            let (mut emptied, mut failed) = (false, None);
            for _ in 0..MOST_A_ROUND {
                match receive(self.socket.get(), self.port, &mut self.buffer, &mut self.control) {
                    Ok(datagram) => inbox.extend(datagram),
                    Err(Errno::EINTR) => {}
                    Err(Errno::EAGAIN) => {
                        emptied = true;
                        break;
                    }
                    // By asking it was taken from the socket; what came after it is still there, and nobody will wake
                    // us for that again.
                    Err(error) => failed = Some(error),
                }
            }
            let some = inbox.len() > before;
            // A socket that does nothing but fail must not keep us busy.
            if emptied || (failed.is_some() && !some) {
                ready.clear_ready();
            } else {
                ready.retain_ready();
            }
            if some {
                return Poll::Ready(Ok(()));
            }
            if let Some(error) = failed {
                return Poll::Ready(Err(error.into()));
            }
        }
    }
}

fn receive(
    socket: &Socket,
    port: ReceivePort,
    buffer: &mut [u8],
    control: &mut [u8],
) -> Result<Option<Datagram>, Errno> {
    let mut parts = [IoSliceMut::new(buffer)];
    let received = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut parts,
        Some(control),
        MsgFlags::MSG_DONTWAIT,
    )?;
    let (mut destination, mut ttl) = (None, None);
    for message in received.cmsgs()? {
        take(&message, &mut destination, &mut ttl);
    }
    let (source, length) = (received.address.as_ref().and_then(source), received.bytes);
    Ok(source.and_then(|source| {
        Some(Datagram {
            port,
            source,
            destination,
            ttl,
            payload: buffer.get(..length)?.to_vec(),
        })
    }))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nix's enum has a variant for every kind of message there is"
)]
fn take(message: &ControlMessageOwned, destination: &mut Option<IpAddr>, ttl: &mut Option<u8>) {
    match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            *destination = Some(Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes()).into());
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => {
            *destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
        }
        ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) => {
            *ttl = u8::try_from(*hops).ok();
        }
        _ => {}
    }
}

fn source(address: &SockaddrStorage) -> Option<IpAddr> {
    let six = address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip()));
    six.or_else(|| address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip())))
}

/// A session's send socket.
#[derive(Debug)]
pub struct Sender {
    socket: Socket,
    to: SockAddr,
}

impl Sender {
    /// Opens the socket. `random` chooses the source port.
    ///
    /// # Errors
    /// The kernel's: `EADDRNOTAVAIL` when the source address is not there (yet).
    pub fn open(config: &SessionConfig, random: u16) -> io::Result<Self> {
        let port = config.port();
        let socket = udp(port.family)?;
        match port.family {
            Family::V4 => {
                socket.set_ttl_v4(config.ttl.into())?;
                socket.set_tos_v4(TRAFFIC_CLASS)?;
            }
            Family::V6 => {
                socket.set_unicast_hops_v6(config.ttl.into())?;
                socket.set_tclass_v6(TRAFFIC_CLASS)?;
            }
        }
        // Nobody sends to it.
        socket.set_recv_buffer_size(0)?;
        let any = match port.family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        bind(&socket, config.source.unwrap_or(any), random)?;
        Ok(Self {
            socket,
            to: address(config.neighbor, port.number()),
        })
    }

    /// Sends a packet.
    ///
    /// # Errors
    /// The kernel's; the socket stays usable.
    pub fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.socket.send_to(packet, &self.to).map(|_sent| ())
    }
}

/// Binds to a port that the RFC allows, the first that is free from a random one on.
fn bind(socket: &Socket, source: IpAddr, random: u16) -> io::Result<()> {
    let system = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let ports = source_ports(system.ok().as_deref().and_then(port_range));
    let (first, last) = (u32::from(*ports.start()), u32::from(*ports.end()));
    let count = last - first + 1;
    let mut result = Ok(());
    for step in 0..ATTEMPTS {
        let port = first + (u32::from(random) + u32::from(step)) % count;
        result = socket.bind(&address(source, u16::try_from(port).unwrap_or(u16::MAX)));
        match &result {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            _ => break,
        }
    }
    result
}

fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut words = text.split_whitespace().map(str::parse);
    let (first, last) = (words.next()?.ok()?, words.next()?.ok()?);
    (first <= last).then_some(first..=last)
}

/// The system's range as far as the RFC allows it, if there is enough of it (fact 24.2).
fn source_ports(system: Option<RangeInclusive<u16>>) -> RangeInclusive<u16> {
    let Some(system) = system else {
        return SOURCE_PORTS;
    };
    let (first, last) = (*system.start().max(SOURCE_PORTS.start()), *system.end());
    if last
        .checked_sub(first)
        .is_some_and(|more| more >= ENOUGH_PORTS - 1)
    {
        first..=last
    } else {
        system
    }
}

fn udp(family: Family) -> io::Result<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let kind = Type::DGRAM.nonblocking().cloexec();
    let socket = Socket::new(domain, kind, Some(Protocol::UDP))?;
    if family == Family::V6 {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn address(address: IpAddr, port: u16) -> SockAddr {
    SocketAddr::new(address, port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts: 24.2
    #[test]
    fn source_ports_are_those_of_the_rfc_unless_few_are_left() {
        let range = |text: &str| source_ports(port_range(text));
        assert_eq!(range("32768\t60999\n"), 49152..=60999);
        assert_eq!(range("1024 65535"), 49152..=65535);
        assert_eq!(range("50000 65000"), 50000..=65000);
        assert_eq!(range("32768 50175"), 49152..=50175, "1024 are left");
        assert_eq!(range("32768 50174"), 32768..=50174, "1023 are left");
        assert_eq!(range("1024 2048"), 1024..=2048);
        for odd in ["", "x y", "5", "9 3", "70000 80000"] {
            assert_eq!(range(odd), SOURCE_PORTS, "{odd}");
        }
    }

    #[test]
    fn a_datagram_is_received_with_its_addresses_and_ttl() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let both: [(IpAddr, Family); 2] = [
            (Ipv4Addr::LOCALHOST.into(), Family::V4),
            (Ipv6Addr::LOCALHOST.into(), Family::V6),
        ];
        for (local, family) in both {
            let config = SessionConfig {
                source: Some(local),
                ttl: 77,
                ..crate::bfd::config::testing::session("a", local)
            };
            // A free port instead of 3784: another test, or a daemon, may have that one.
            let found = runtime.block_on(async {
                let mut receiver = Receiver::open_at(config.port(), 0).unwrap();
                let port = receiver
                    .socket
                    .get()
                    .local_addr()
                    .unwrap()
                    .as_socket()
                    .unwrap()
                    .port();
                let mut sender = Sender::open(&config, 7).unwrap();
                let own = sender.socket.local_addr().unwrap().as_socket().unwrap();
                assert_eq!(own.ip(), local);
                sender.to = address(local, port);
                sender.send(b"hello").unwrap();
                let mut inbox = Vec::new();
                std::future::poll_fn(|cx| receiver.poll_take(cx, &mut inbox))
                    .await
                    .unwrap();
                inbox
            });
            let expected = Datagram {
                port: ReceivePort {
                    family,
                    multihop: false,
                },
                source: local,
                destination: Some(local),
                ttl: Some(77),
                payload: b"hello".to_vec(),
            };
            assert_eq!(found, [expected]);
        }
    }

    #[test]
    fn what_came_behind_an_error_is_received() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let local = Ipv4Addr::LOCALHOST;
        let port = crate::bfd::config::testing::session("a", local.into()).port();
        let found = runtime.block_on(async {
            let mut receiver = Receiver::open_at(port, 0).unwrap();
            let peer = std::net::UdpSocket::bind((local, 0)).unwrap();
            let theirs = peer.local_addr().unwrap();
            drop(peer);
            // Nobody is there, which the kernel reports.
            let socket = receiver.socket.get();
            socket.connect(&theirs.into()).unwrap();
            socket.send(b"x").unwrap();
            let ours = socket.local_addr().unwrap().as_socket().unwrap();
            let peer = std::net::UdpSocket::bind(theirs).unwrap();
            peer.send_to(b"hello", ours).unwrap();
            let mut inbox = Vec::new();
            std::future::poll_fn(|cx| receiver.poll_take(cx, &mut inbox))
                .await
                .unwrap();
            inbox
        });
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].payload, b"hello");
    }

    #[test]
    fn a_source_that_is_not_there_is_refused() {
        let config = SessionConfig {
            source: Some([192, 0, 2, 1].into()),
            ..crate::bfd::config::testing::session("a", [192, 0, 2, 2].into())
        };
        let error = Sender::open(&config, 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
