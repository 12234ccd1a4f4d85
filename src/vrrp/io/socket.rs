//! Opening the sockets of an endpoint (facts 5.10, 5.1). Runs on the kernel worker: joins take the RTNL lock.
//!
//! The receive socket has its packet filter before it can get anything, is bound to its interface by index, joins
//! only its own group and hears nothing of what others joined. The send socket receives nothing.

use super::{TRAFFIC_CLASS, filter};
use crate::net::{Family, IfIndex, IfName};
use crate::sys::sockopt;
use crate::vrrp::endpoint::{Endpoint, EndpointKind};
use crate::vrrp::event::Carrier;
use nix::sys::socket::{setsockopt, sockopt as nix_sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, SockFilter, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// The sockets of an endpoint on one interface.
#[derive(Debug)]
pub struct Sockets {
    /// Receives adverts of the endpoint's VRIDs.
    pub receive: Socket,
    /// Sends adverts.
    pub send: Socket,
}

/// An endpoint's sockets could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("VRRP on {interface}: cannot {what}: {source}")]
pub struct OpenError {
    /// Where.
    pub interface: IfName,
    /// The step that failed.
    pub what: &'static str,
    /// Why.
    pub source: io::Error,
}

/// `TC_PRIO_CONTROL`: before all other traffic in the interface's queue. Not seen on the wire.
const QUEUE_PRIORITY: u32 = 7;

/// Where the kernel writes the checksum of IPv6 adverts (fact 5.5).
const CHECKSUM_OFFSET: i32 = 6;

type Step<T> = Result<T, (&'static str, io::Error)>;

/// Names a step, for [`OpenError`].
trait Named<T> {
    fn step(self, what: &'static str) -> Step<T>;
}

impl<T, E: Into<io::Error>> Named<T> for Result<T, E> {
    fn step(self, what: &'static str) -> Step<T> {
        self.map_err(|error| (what, error.into()))
    }
}

/// Opens both sockets of `endpoint` on the interface that has `index` and `mtu` now.
///
/// # Errors
/// The first step that failed, with the kernel's reason; `EPERM` without `CAP_NET_RAW`.
pub fn open(endpoint: &Endpoint, index: IfIndex, mtu: u32) -> Result<Sockets, OpenError> {
    let opened = open_receive(endpoint, index, mtu).and_then(|receive| {
        open_send(endpoint.family, endpoint.carrier, index).map(|send| Sockets { receive, send })
    });
    opened.map_err(|(what, source)| OpenError {
        interface: endpoint.interface.clone(),
        what,
        source,
    })
}

/// Lets adverts of the endpoint's VRIDs into `socket`, instead of those before. Takes no lock but the socket's.
///
/// # Errors
/// `ENOMEM` when the filter does not fit the socket's option memory.
pub fn refilter(socket: &Socket, endpoint: &Endpoint) -> io::Result<()> {
    attach(
        socket,
        &filter::accept(endpoint.family, endpoint.carrier, &endpoint.vrids),
    )
}

/// Opens a socket that only sends: also for the last words of a plane that died.
///
/// # Errors
/// As [`open`], by step.
pub(crate) fn open_send(family: Family, carrier: Carrier, index: IfIndex) -> Step<Socket> {
    let socket = raw(family, carrier)?;
    attach(&socket, &filter::drop_all()).step("attach the packet filter")?;
    socket.set_recv_buffer_size(0).step("shrink the receive buffer")?;
    sockopt::bind_to_interface(&socket, index).step("bind to the interface")?;
    match family {
        Family::V4 => {
            socket.set_multicast_all_v4(false).step("set IP_MULTICAST_ALL")?;
            socket.set_header_included_v4(true).step("set IP_HDRINCL")?;
            socket.set_tos_v4(u32::from(TRAFFIC_CLASS)).step("set IP_TOS")?;
            sockopt::set_multicast_if_v4(&socket, index).step("set IP_MULTICAST_IF")?;
            socket
                .set_multicast_loop_v4(false)
                .step("set IP_MULTICAST_LOOP")?;
        }
        Family::V6 => {
            socket
                .set_multicast_all_v6(false)
                .step("set IPV6_MULTICAST_ALL")?;
            sockopt::set_ipv6_checksum(&socket, CHECKSUM_OFFSET).step("set IPV6_CHECKSUM")?;
            socket
                .set_tclass_v6(u32::from(TRAFFIC_CLASS))
                .step("set IPV6_TCLASS")?;
            socket
                .set_multicast_if_v6(index.0)
                .step("set IPV6_MULTICAST_IF")?;
            socket
                .set_multicast_loop_v6(false)
                .step("set IPV6_MULTICAST_LOOP")?;
        }
    }
    // After IP_TOS, which sets the priority too.
    socket.set_priority(QUEUE_PRIORITY).step("set SO_PRIORITY")?;
    Ok(socket)
}

fn open_receive(endpoint: &Endpoint, index: IfIndex, mtu: u32) -> Step<Socket> {
    let socket = raw(endpoint.family, endpoint.carrier)?;
    size_buffer(&socket, endpoint, mtu).step("size the receive buffer")?;
    refilter(&socket, endpoint).step("attach the packet filter")?;
    sockopt::bind_to_interface(&socket, index).step("bind to the interface")?;
    match endpoint.family {
        Family::V4 => {
            socket.set_multicast_all_v4(false).step("set IP_MULTICAST_ALL")?;
            setsockopt(&socket, nix_sockopt::Ipv4PacketInfo, &true).step("set IP_PKTINFO")?;
            // The source may be configured before it exists.
            socket.set_freebind_v4(true).step("set IP_FREEBIND")?;
        }
        Family::V6 => {
            socket
                .set_multicast_all_v6(false)
                .step("set IPV6_MULTICAST_ALL")?;
            setsockopt(&socket, nix_sockopt::Ipv6RecvPacketInfo, &true).step("set IPV6_RECVPKTINFO")?;
            socket.set_recv_hoplimit_v6(true).step("set IPV6_RECVHOPLIMIT")?;
            sockopt::set_ipv6_checksum(&socket, CHECKSUM_OFFSET).step("set IPV6_CHECKSUM")?;
            socket.set_freebind_v6(true).step("set IPV6_FREEBIND")?;
        }
    }
    if let Some(address) = local(endpoint, index) {
        socket.bind(&address).step("bind to the address")?;
    }
    match endpoint.kind {
        EndpointKind::Multicast { group } => join(&socket, group, index).step("join the multicast group")?,
        EndpointKind::Unicast { .. } => {}
    }
    drain(&socket);
    Ok(socket)
}

/// Sets the receive buffer that the endpoint asks for, if it asks (fact 5.11).
///
/// # Errors
/// The kernel's.
pub fn size_buffer(socket: &Socket, endpoint: &Endpoint, mtu: u32) -> io::Result<()> {
    match endpoint.rx_buffer.size(mtu) {
        Some(size) => socket.set_recv_buffer_size(size),
        None => Ok(()),
    }
}

fn raw(family: Family, carrier: Carrier) -> Step<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let kind = Type::RAW.cloexec().nonblocking();
    Socket::new(domain, kind, Some(Protocol::from(i32::from(carrier.protocol())))).step("open a raw socket")
}

fn attach(socket: &Socket, program: &[filter::Instruction]) -> io::Result<()> {
    let program: Vec<SockFilter> = program.iter().map(|i| SockFilter::from(*i)).collect();
    socket.attach_filter(&program)
}

/// The address that the receive socket is bound to: the group, or the unicast source where it is configured.
fn local(endpoint: &Endpoint, index: IfIndex) -> Option<SockAddr> {
    let address = match endpoint.kind {
        EndpointKind::Multicast { group } => group,
        EndpointKind::Unicast { source } => source?,
    };
    Some(scoped(address, index).into())
}

/// `address` with the scope that link-local and group addresses need.
pub(super) fn scoped(address: IpAddr, index: IfIndex) -> SocketAddr {
    match address {
        IpAddr::V4(address) => SocketAddr::from((address, 0)),
        IpAddr::V6(address) => {
            let scope = if needs_scope(address) { index.0 } else { 0 };
            SocketAddrV6::new(address, 0, 0, scope).into()
        }
    }
}

fn needs_scope(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local() || address.is_multicast()
}

fn join(socket: &Socket, group: IpAddr, index: IfIndex) -> io::Result<()> {
    match group {
        IpAddr::V4(group) => join_v4(socket, group, index),
        IpAddr::V6(group) => socket.join_multicast_v6(&group, index.0),
    }
}

fn join_v4(socket: &Socket, group: Ipv4Addr, index: IfIndex) -> io::Result<()> {
    socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index.0))
}

/// Throws away what came in while the socket was not yet set up: it may be of any interface.
fn drain(socket: &Socket) {
    const MOST: usize = 4096;
    let mut buffer = [0_u8; 1];
    for _ in 0..MOST {
        if nix::sys::socket::recv(
            std::os::fd::AsRawFd::as_raw_fd(socket),
            &mut buffer,
            nix::sys::socket::MsgFlags::MSG_DONTWAIT,
        )
        .is_err()
        {
            return;
        }
    }
}
