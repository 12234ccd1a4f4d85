//! Receiving adverts: a raw socket's packets as [`Datagram`]s.
//!
//! IPv4 packets arrive with their header, which is read here; of IPv6 packets the kernel tells the parts that count
//! beside the payload. Nothing is checked that the engine counts.

use crate::net::{Family, IfIndex};
use crate::sys::watch::Watched;
use crate::vrrp::event::{Carrier, Datagram};
use libc::{in_pktinfo, in6_pktinfo};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
use socket2::Socket;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

/// More than any advert: 255 IPv6 addresses are 4,088 octets.
const LARGEST: usize = 8192;

/// A receive socket, watched by the runtime of this thread.
#[derive(Debug)]
pub struct Receiver {
    socket: Watched<Socket>,
    family: Family,
    index: IfIndex,
    buffer: Vec<u8>,
    control: Vec<u8>,
}

impl Receiver {
    /// Watches `socket`, which [`open`](super::socket::open) opened on the interface `index`.
    ///
    /// # Errors
    /// The runtime's, when it cannot watch another descriptor.
    pub fn new(socket: Socket, family: Family, index: IfIndex) -> io::Result<Self> {
        Ok(Self {
            socket: Watched::new(socket)?,
            family,
            index,
            buffer: vec![0; LARGEST],
            control: cmsg_space!(in_pktinfo, in6_pktinfo, i32),
        })
    }

    /// The socket itself.
    pub fn socket(&self) -> &Socket {
        self.socket.get()
    }

    /// Gives the socket back: closing it is the kernel worker's business.
    pub fn into_socket(self) -> Socket {
        self.socket.into_inner()
    }

    /// Takes all packets that are there into `inbox`; `Ready` when there were some, otherwise wakes when there are.
    ///
    /// # Errors
    /// The kernel's; the socket stays usable, and packets may have been taken all the same.
    pub fn poll_take(&mut self, cx: &mut Context<'_>, inbox: &mut Vec<Datagram>) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.socket.poll_readable(cx))?;
            let before = inbox.len();
            let (emptied, failed) = take(
                self.socket.get(),
                self.family,
                self.index,
                &mut self.buffer,
                &mut self.control,
                inbox,
            );
            let some = inbox.len() > before;
            // A socket that does nothing but fail must not keep us busy.
            if emptied || (failed.is_some() && !some) {
                ready.clear_ready();
            } else {
                ready.retain_ready();
            }
            match failed {
                Some(error) => return Poll::Ready(Err(error)),
                None if some => return Poll::Ready(Ok(())),
                None => {}
            }
        }
    }

    /// Takes all packets that are there now into `inbox`, whatever the runtime knows of it.
    ///
    /// # Errors
    /// The kernel's; the socket stays usable.
    pub fn take(&mut self, inbox: &mut Vec<Datagram>) -> io::Result<()> {
        let (_, failed) = take(
            self.socket.get(),
            self.family,
            self.index,
            &mut self.buffer,
            &mut self.control,
            inbox,
        );
        failed.map_or(Ok(()), Err)
    }
}

/// Most packets of a socket in one round: more than its buffer holds, so that only a flood meets the limit.
const MOST_A_ROUND: usize = 1024;

/// Whether the socket was emptied, and what it said of a failure meanwhile. By asking it was taken from the socket: what
/// came after it is still there, and the runtime would not tell of that again.
fn take(
    socket: &Socket,
    family: Family,
    index: IfIndex,
    buffer: &mut [u8],
    control: &mut [u8],
    inbox: &mut Vec<Datagram>,
) -> (bool, Option<io::Error>) {
    let mut failed = None;
    for _ in 0..MOST_A_ROUND {
        match receive(socket, family, buffer, control) {
            // Of another interface: it came before the socket was bound to its own.
            Ok(found) => inbox.extend(found.filter(|datagram| datagram.interface == index)),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return (true, failed),
            Err(error) => failed = Some(error.into()),
        }
    }
    (false, failed)
}

/// One packet; `None` when it lacks an address or an interface.
fn receive(
    socket: &Socket,
    family: Family,
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
    let mut envelope = Envelope {
        source: received.address.as_ref().and_then(source),
        ..Envelope::default()
    };
    for message in received.cmsgs()? {
        envelope.take(&message);
    }
    let length = received.bytes;
    Ok(buffer.get(..length).and_then(|packet| match family {
        Family::V4 => envelope
            .interface
            .and_then(|interface| read_v4(packet, interface)),
        Family::V6 => read_v6(packet, &envelope),
    }))
}

/// What the kernel tells beside the packet.
#[derive(Debug, Default)]
struct Envelope {
    source: Option<IpAddr>,
    interface: Option<IfIndex>,
    destination: Option<IpAddr>,
    hop_limit: Option<u8>,
}

impl Envelope {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nix's enum has a variant for every kind of message there is"
    )]
    fn take(&mut self, message: &ControlMessageOwned) {
        match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                self.interface = u32::try_from(info.ipi_ifindex).ok().map(IfIndex);
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                self.interface = Some(IfIndex(info.ipi6_ifindex));
                self.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
            }
            ControlMessageOwned::Ipv6HopLimit(limit) => self.hop_limit = u8::try_from(*limit).ok(),
            _ => {}
        }
    }
}

fn source(address: &SockaddrStorage) -> Option<IpAddr> {
    let six = address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip()));
    six.or_else(|| address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip())))
}

/// An IPv4 packet with its header, come in by `interface`; `None` when it is no whole one.
pub fn read_v4(packet: &[u8], interface: IfIndex) -> Option<Datagram> {
    let &[
        first,
        _,
        len_high,
        len_low,
        id_high,
        id_low,
        _,
        _,
        ttl,
        protocol,
        _,
        _,
        s1,
        s2,
        s3,
        s4,
        d1,
        d2,
        d3,
        d4,
    ] = packet.first_chunk::<20>()?;
    let header_len = usize::from(first & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([len_high, len_low]));
    Some(Datagram {
        interface,
        source: Ipv4Addr::new(s1, s2, s3, s4).into(),
        destination: Ipv4Addr::new(d1, d2, d3, d4).into(),
        ttl: Some(ttl),
        claimed_len: total.saturating_sub(header_len),
        id: u16::from_be_bytes([id_high, id_low]),
        carrier: if protocol == Carrier::Ah.protocol() {
            Carrier::Ah
        } else {
            Carrier::Plain
        },
        payload: packet.get(header_len..)?.to_vec(),
    })
}

fn read_v6(packet: &[u8], envelope: &Envelope) -> Option<Datagram> {
    Some(Datagram {
        interface: envelope.interface?,
        source: envelope.source?,
        destination: envelope.destination?,
        ttl: envelope.hop_limit,
        claimed_len: packet.len(),
        id: 0,
        carrier: Carrier::Plain,
        payload: packet.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ipv4_header_tells_addresses_ttl_and_length() {
        // Sent by keepalived 2.2.7 (version 2, PASS), with four octets of padding behind it.
        let packet = [
            0x45, 0xc0, 0x00, 0x30, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x80, 0x0a, 0x09, 0x00, 0x01,
            0xe0, 0x00, 0x00, 0x12, 0x21, 0x33, 0x64, 0x03, 0x01, 0x01, 0x0d, 0x1b, 0x0a, 0x09, 0x00, 0x64,
            0x0a, 0x09, 0x00, 0x65, 0x0a, 0x09, 0x00, 0x66, 0x71, 0x77, 0x61, 0x73, 0x7a, 0x78, 0x00, 0x00,
            0, 0, 0, 0,
        ];
        let datagram = read_v4(&packet, IfIndex(2)).unwrap();
        assert_eq!(datagram.source, IpAddr::from([10, 9, 0, 1]));
        assert_eq!(datagram.destination, IpAddr::from([224, 0, 0, 18]));
        assert_eq!(datagram.ttl, Some(255));
        assert_eq!(datagram.claimed_len, 28);
        assert_eq!(datagram.payload, packet[20..]);
        assert_eq!(read_v4(&packet[..19], IfIndex(2)), None);
        // A header that claims to be longer than the packet.
        let mut broken = packet;
        broken[0] = 0x4f;
        assert_eq!(read_v4(&broken[..24], IfIndex(2)), None);
    }

    #[test]
    fn ipv6_takes_the_envelope() {
        let envelope = Envelope {
            source: Some("fe80::1".parse().unwrap()),
            interface: Some(IfIndex(3)),
            destination: Some("ff02::12".parse().unwrap()),
            hop_limit: Some(255),
        };
        let datagram = read_v6(&[0x31, 51, 100, 0], &envelope).unwrap();
        assert_eq!((datagram.claimed_len, datagram.ttl), (4, Some(255)));
        assert_eq!(
            read_v6(
                &[0x31],
                &Envelope {
                    destination: None,
                    ..envelope
                }
            ),
            None
        );
    }

    /// However many packets of one router wait, a round takes all of them: nothing is decided before all is heard.
    /// Facts: 5.10
    #[test]
    fn a_round_takes_all_that_waits() {
        // What a raw socket gives with the IP header, another one gives as its payload.
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::Ipv4PacketInfo, &true).unwrap();
        let address = socket.local_addr().unwrap();
        let index = IfIndex(nix::net::if_::if_nametoindex("lo").unwrap());
        let mut packet = [0; 40];
        packet[..20].copy_from_slice(&[
            0x45, 0xc0, 0, 40, 0, 1, 0, 0, 0xff, 0x70, 0, 0, 10, 9, 0, 1, 0xe0, 0, 0, 0x12,
        ]);
        packet[20..22].copy_from_slice(&[0x21, 0x33]);
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for priority in [100, 101, 102] {
            packet[22] = priority;
            peer.send_to(&packet, address).unwrap();
        }
        let socket = Socket::from(socket);
        let mut inbox = Vec::new();
        let mut control = cmsg_space!(in_pktinfo, in6_pktinfo, i32);
        let (emptied, error) = take(
            &socket,
            Family::V4,
            index,
            &mut [0; LARGEST],
            &mut control,
            &mut inbox,
        );
        assert!(emptied && error.is_none(), "{error:?}");
        let priorities: Vec<u8> = inbox.iter().map(|datagram| datagram.payload[2]).collect();
        assert_eq!(priorities, [100, 101, 102]);
        assert!(inbox.iter().all(|datagram| datagram.payload[1] == 0x33));
    }
}
