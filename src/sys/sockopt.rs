//! Socket options that neither socket2 nor nix sets.
#![expect(unsafe_code, reason = "setsockopt with values that no crate wraps")]

use crate::net::IfIndex;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

/// `IP_MULTICAST_IF` by index: multicasts leave through this interface whatever its addresses are.
///
/// # Errors
/// `ENODEV`: there is no such interface (any more).
pub fn set_multicast_if_v4(socket: &impl AsFd, interface: IfIndex) -> io::Result<()> {
    set(
        socket,
        libc::IPPROTO_IP,
        libc::IP_MULTICAST_IF,
        &libc::ip_mreqn {
            imr_multiaddr: libc::in_addr { s_addr: 0 },
            imr_address: libc::in_addr { s_addr: 0 },
            imr_ifindex: index(interface)?,
        },
    )
}

/// `SO_BINDTOIFINDEX`: only packets of this interface, whatever its name becomes.
///
/// # Errors
/// `ENODEV` when the interface is gone, `ENOPROTOOPT` on a kernel before 5.0.
pub fn bind_to_interface(socket: &impl AsFd, interface: IfIndex) -> io::Result<()> {
    set(
        socket,
        libc::SOL_SOCKET,
        libc::SO_BINDTOIFINDEX,
        &index(interface)?,
    )
}

/// `IPV6_CHECKSUM`: the kernel writes the checksum at `offset` of what is sent, and verifies it in what is received.
///
/// # Errors
/// `EINVAL` for an odd offset.
pub fn set_ipv6_checksum(socket: &impl AsFd, offset: libc::c_int) -> io::Result<()> {
    set(socket, libc::IPPROTO_IPV6, libc::IPV6_CHECKSUM, &offset)
}

/// `IP_RECVTTL`: the kernel tells with how many hops left a datagram came.
///
/// # Errors
/// None is known for an IPv4 socket.
pub fn set_recv_ttl_v4(socket: &impl AsFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    set(socket, libc::IPPROTO_IP, libc::IP_RECVTTL, &on)
}

/// `NETLINK_CAP_ACK` and `NETLINK_EXT_ACK`: answers leave out the request's body and carry the kernel's own words.
///
/// # Errors
/// `ENOPROTOOPT` on a kernel before 4.12.
pub fn set_netlink_acks(socket: &impl AsFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    set(socket, libc::SOL_NETLINK, libc::NETLINK_CAP_ACK, &on)?;
    set(socket, libc::SOL_NETLINK, libc::NETLINK_EXT_ACK, &on)
}

/// `NETLINK_GET_STRICT_CHK`: the kernel reads what a dump is asked for, and tells nothing else.
///
/// # Errors
/// `ENOPROTOOPT` on a kernel before 4.20.
pub fn set_netlink_strict(socket: &impl AsFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    set(socket, libc::SOL_NETLINK, libc::NETLINK_GET_STRICT_CHK, &on)
}

/// Joins a group of netlink's messages by its number.
///
/// # Errors
/// When the kernel does not have the group.
pub fn join_netlink_group(socket: &impl AsFd, group: libc::c_int) -> io::Result<()> {
    set(socket, libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, &group)
}

fn index(interface: IfIndex) -> io::Result<libc::c_int> {
    libc::c_int::try_from(interface.0).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))
}

fn set<T: Copy>(socket: &impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<T>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the descriptor is borrowed for the call, and `value` points to `len` readable octets.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            len,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Protocol, Socket, Type};

    #[test]
    fn multicast_interface_by_index() {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        set_multicast_if_v4(&socket, IfIndex(1)).unwrap();
        assert!(set_multicast_if_v4(&socket, IfIndex(u32::MAX)).is_err());
    }
}
