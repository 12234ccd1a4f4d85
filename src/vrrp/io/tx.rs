//! Sending adverts: the IP header of IPv4 is made here, that of IPv6 by the kernel (facts 5.1, 5.5).

use super::socket::{Sockets, scoped};
use super::{PROTOCOL, TRAFFIC_CLASS};
use crate::vrrp::event::Transmit;
use libc::{in6_addr, in6_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, SockaddrIn6, sendmsg};
use pnet::packet::ip::IpNextHeaderProtocol;
use pnet::packet::ipv4::{MutableIpv4Packet, checksum};
use pnet::util::core_net;
use socket2::Socket;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

/// A send socket with its count of packets.
#[derive(Debug)]
pub struct Sender {
    socket: Socket,
    id: u16,
}

impl Sender {
    /// Sends by `socket`, which [`open`](super::socket::open) opened.
    pub const fn new(socket: Socket) -> Self {
        Self { socket, id: 0 }
    }

    /// Gives the socket back: closing it is the kernel worker's business.
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// Sends one packet, now or never: the call does not wait.
    ///
    /// # Errors
    /// The kernel's: `ENETDOWN`, `ENETUNREACH`, `ENOBUFS`, `EADDRNOTAVAIL` (IPv6, the source is gone), …
    pub fn send(&mut self, packet: &Transmit) -> io::Result<()> {
        // Never 0: the kernel would put in its own.
        self.id = self.id.checked_add(1).unwrap_or(1);
        send(&self.socket, packet, self.id)
    }
}

impl Sockets {
    /// Splits off the sending half.
    pub fn into_parts(self) -> (Socket, Sender) {
        (self.receive, Sender::new(self.send))
    }
}

/// Sends one packet by a socket of its family.
fn send(socket: &Socket, packet: &Transmit, id: u16) -> io::Result<()> {
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => send_v4(socket, packet, source, destination, id),
        (IpAddr::V6(source), IpAddr::V6(_)) => send_v6(socket, packet, source),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "mixed address families",
        )),
    }
}

fn send_v4(
    socket: &Socket,
    packet: &Transmit,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    id: u16,
) -> io::Result<()> {
    let header = header_v4(source, destination, packet.ttl, id, packet.payload.len())?;
    // Multicast stays on the link whatever the routing table says.
    let route = if destination.is_multicast() {
        MsgFlags::from_bits_retain(libc::MSG_DONTROUTE)
    } else {
        MsgFlags::empty()
    };
    sendmsg(
        socket.as_raw_fd(),
        &[IoSlice::new(&header), IoSlice::new(&packet.payload)],
        &[],
        MsgFlags::MSG_DONTWAIT | route,
        Some(&SockaddrIn::from(std::net::SocketAddrV4::new(destination, 0))),
    )?;
    Ok(())
}

/// An IPv4 header without options: network control, fragments allowed (fact 5.1).
fn header_v4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    ttl: u8,
    id: u16,
    payload: usize,
) -> io::Result<[u8; HEADER_V4]> {
    let too_long = || io::Error::from_raw_os_error(libc::EMSGSIZE);
    let total = u16::try_from(payload.saturating_add(HEADER_V4)).map_err(|_| too_long())?;
    let mut buffer = [0; HEADER_V4];
    let mut header = MutableIpv4Packet::new(&mut buffer).ok_or_else(too_long)?;
    header.set_version(4);
    header.set_header_length(5);
    header.set_dscp(TRAFFIC_CLASS >> 2);
    header.set_total_length(total);
    header.set_identification(id);
    header.set_ttl(ttl);
    header.set_next_level_protocol(IpNextHeaderProtocol(PROTOCOL));
    header.set_source(core_net::Ipv4Addr::from(source.octets()));
    header.set_destination(core_net::Ipv4Addr::from(destination.octets()));
    header.set_checksum(checksum(&header.to_immutable()));
    Ok(buffer)
}

const HEADER_V4: usize = 20;

fn send_v6(socket: &Socket, packet: &Transmit, source: Ipv6Addr) -> io::Result<()> {
    let SocketAddr::V6(to) = scoped(packet.destination, packet.interface) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let info = in6_pktinfo {
        ipi6_addr: in6_addr {
            s6_addr: source.octets(),
        },
        ipi6_ifindex: packet.interface.0,
    };
    let hop_limit = i32::from(packet.ttl);
    sendmsg(
        socket.as_raw_fd(),
        &[IoSlice::new(&packet.payload)],
        &[
            ControlMessage::Ipv6PacketInfo(&info),
            ControlMessage::Ipv6HopLimit(&hop_limit),
        ],
        MsgFlags::MSG_DONTWAIT,
        Some(&SockaddrIn6::from(to)),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_header_is_keepalived_s() {
        // Captured from keepalived 2.2.7: its first multicast and its first unicast advert.
        let multicast = header_v4([10, 9, 0, 1].into(), [224, 0, 0, 18].into(), 255, 1, 28).unwrap();
        assert_eq!(
            multicast,
            [
                0x45, 0xc0, 0x00, 0x30, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x80, 0x0a, 0x09, 0x00,
                0x01, 0xe0, 0x00, 0x00, 0x12
            ]
        );
        let unicast = header_v4([10, 9, 0, 1].into(), [10, 9, 0, 2].into(), 255, 1, 20).unwrap();
        assert_eq!(
            unicast[..12],
            [
                0x45, 0xc0, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xa6, 0x90
            ]
        );
        assert!(header_v4([10, 9, 0, 1].into(), [10, 9, 0, 2].into(), 255, 1, 65_516).is_err());
    }
}
