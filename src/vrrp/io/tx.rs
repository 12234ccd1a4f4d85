//! Sending adverts: the IP header of IPv4 is made here, that of IPv6 by the kernel (facts 5.1, 5.5).

use super::TRAFFIC_CLASS;
use super::socket::{Sockets, scoped};
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

/// A send socket.
#[derive(Debug)]
pub struct Sender {
    socket: Socket,
}

impl Sender {
    /// Sends by `socket`, which [`open`](super::socket::open) opened.
    pub const fn new(socket: Socket) -> Self {
        Self { socket }
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
        send(&self.socket, packet)
    }
}

impl Sockets {
    /// Splits off the sending half.
    pub fn into_parts(self) -> (Socket, Sender) {
        (self.receive, Sender::new(self.send))
    }
}

/// Sends one packet by a socket of its family.
fn send(socket: &Socket, packet: &Transmit) -> io::Result<()> {
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => send_v4(socket, packet, source, destination),
        (IpAddr::V6(source), IpAddr::V6(_)) => send_v6(socket, packet, source),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "mixed address families",
        )),
    }
}

fn send_v4(socket: &Socket, packet: &Transmit, source: Ipv4Addr, destination: Ipv4Addr) -> io::Result<()> {
    let header = header_v4(source, destination, packet)?;
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
fn header_v4(source: Ipv4Addr, destination: Ipv4Addr, packet: &Transmit) -> io::Result<[u8; HEADER_V4]> {
    let too_long = || io::Error::from_raw_os_error(libc::EMSGSIZE);
    let total = u16::try_from(packet.payload.len().saturating_add(HEADER_V4)).map_err(|_| too_long())?;
    let mut buffer = [0; HEADER_V4];
    let mut header = MutableIpv4Packet::new(&mut buffer).ok_or_else(too_long)?;
    header.set_version(4);
    header.set_header_length(5);
    header.set_dscp(TRAFFIC_CLASS >> 2);
    header.set_total_length(total);
    header.set_identification(packet.id);
    header.set_ttl(packet.ttl);
    header.set_next_level_protocol(IpNextHeaderProtocol(packet.carrier.protocol()));
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
    use crate::net::IfIndex;
    use crate::vrrp::RouterId;
    use crate::vrrp::event::Carrier;

    fn packet(destination: [u8; 4], carrier: Carrier, payload: usize) -> Transmit {
        Transmit {
            router: RouterId(0),
            interface: IfIndex(2),
            source: [10, 9, 0, 1].into(),
            destination: destination.into(),
            ttl: 255,
            id: 1,
            carrier,
            old_checksum: false,
            payload: vec![0; payload],
            goodbye: None,
        }
    }

    fn header(destination: [u8; 4], carrier: Carrier, payload: usize) -> io::Result<[u8; HEADER_V4]> {
        let packet = packet(destination, carrier, payload);
        header_v4([10, 9, 0, 1].into(), destination.into(), &packet)
    }

    /// Facts: 5.1
    #[test]
    fn ipv4_header_is_keepalived_s() {
        // Captured from keepalived 2.2.7: its first multicast and its first unicast advert.
        let multicast = header([224, 0, 0, 18], Carrier::Plain, 28).unwrap();
        assert_eq!(
            multicast,
            [
                0x45, 0xc0, 0x00, 0x30, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x80, 0x0a, 0x09, 0x00,
                0x01, 0xe0, 0x00, 0x00, 0x12
            ]
        );
        let unicast = header([10, 9, 0, 2], Carrier::Plain, 20).unwrap();
        assert_eq!(
            unicast[..12],
            [
                0x45, 0xc0, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xa6, 0x90
            ]
        );
        assert_eq!(header([10, 9, 0, 2], Carrier::Ah, 44).unwrap()[9], 51);
        assert!(header([10, 9, 0, 2], Carrier::Plain, 65_516).is_err());
    }
}
