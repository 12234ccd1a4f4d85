//! Receiving adverts: a raw socket's packets as [`Datagram`]s.
//!
//! IPv4 packets arrive with their header, which is read here; of IPv6 packets the kernel tells the parts that count
//! beside the payload. Nothing is checked that the engine counts.

use crate::net::{Family, IfIndex};
use crate::sys::watch::{Fd, Watched};
use crate::vrrp::event::Datagram;
use libc::{in_pktinfo, in6_pktinfo};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
use socket2::Socket;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};
use tokio::io::unix::AsyncFdReadyGuard;

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

    /// Ready when there may be packets; clear the guard only after [`Self::receive`] found none.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'_, Fd<Socket>>>> {
        self.socket.poll_readable(cx)
    }

    /// The next packet; `None` when there is none now. Packets that are none (no address, another interface's) are
    /// passed over.
    ///
    /// # Errors
    /// The kernel's; the socket stays usable.
    pub fn receive(&mut self) -> io::Result<Option<Datagram>> {
        loop {
            match self.receive_one() {
                Ok(Some(datagram)) if datagram.interface == self.index => return Ok(Some(datagram)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn receive_one(&mut self) -> Result<Option<Datagram>, Errno> {
        let mut parts = [IoSliceMut::new(&mut self.buffer)];
        let received = recvmsg::<SockaddrStorage>(
            self.socket.get().as_raw_fd(),
            &mut parts,
            Some(&mut self.control),
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
        Ok(self.buffer.get(..length).and_then(|packet| match self.family {
            Family::V4 => read_v4(packet, &envelope),
            Family::V6 => read_v6(packet, &envelope),
        }))
    }
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

fn read_v4(packet: &[u8], envelope: &Envelope) -> Option<Datagram> {
    let &[
        first,
        _,
        len_high,
        len_low,
        _,
        _,
        _,
        _,
        ttl,
        _,
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
        interface: envelope.interface?,
        source: Ipv4Addr::new(s1, s2, s3, s4).into(),
        destination: Ipv4Addr::new(d1, d2, d3, d4).into(),
        ttl: Some(ttl),
        claimed_len: total.saturating_sub(header_len),
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
        let envelope = Envelope {
            interface: Some(IfIndex(2)),
            ..Envelope::default()
        };
        let datagram = read_v4(&packet, &envelope).unwrap();
        assert_eq!(datagram.source, IpAddr::from([10, 9, 0, 1]));
        assert_eq!(datagram.destination, IpAddr::from([224, 0, 0, 18]));
        assert_eq!(datagram.ttl, Some(255));
        assert_eq!(datagram.claimed_len, 28);
        assert_eq!(datagram.payload, packet[20..]);
        assert_eq!(read_v4(&packet[..19], &envelope), None);
        assert_eq!(read_v4(&packet, &Envelope::default()), None, "no interface told");
        // A header that claims to be longer than the packet.
        let mut broken = packet;
        broken[0] = 0x4f;
        assert_eq!(read_v4(&broken[..24], &envelope), None);
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
}
