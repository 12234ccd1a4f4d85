//! Whole frames out of an interface: `AF_PACKET` with protocol 0, which sends and never receives.
#![expect(
    unsafe_code,
    reason = "sockaddr_ll and sendmmsg have no safe wrapper that takes an interface index"
)]

use crate::net::IfIndex;
use socket2::{Domain, Socket, Type};
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::AsRawFd;

/// A frame with its link header, and where it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The interface.
    pub interface: IfIndex,
    /// Destination, source, type, payload.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// The type field of the Ethernet header.
    fn ether_type(&self) -> u16 {
        match self.bytes.get(12..14) {
            Some(&[high, low]) => u16::from_be_bytes([high, low]),
            _ => 0,
        }
    }
}

/// Most frames that one call of [`send_frames`] takes.
pub const BATCH: usize = 64;

/// Opens a non-blocking socket that sends frames out of any interface and receives nothing.
///
/// # Errors
/// `EPERM` without `CAP_NET_RAW`.
pub fn open() -> io::Result<Socket> {
    // Protocol 0 registers no receive hook.
    let socket = Socket::new(Domain::PACKET, Type::RAW.cloexec().nonblocking(), None)?;
    Ok(socket)
}

/// Sends up to [`BATCH`] frames with one system call and returns how many left.
///
/// # Errors
/// The first frame's: `ENOBUFS` when a queue is full, `ENETDOWN` and `ENXIO` for the interface, `WouldBlock` when
/// the socket's buffer is full.
pub fn send_frames(socket: &Socket, frames: &[&Frame]) -> io::Result<usize> {
    let frames = frames.get(..BATCH.min(frames.len())).unwrap_or(frames);
    let mut addresses = frames
        .iter()
        .map(|frame| address(frame))
        .collect::<io::Result<Vec<_>>>()?;
    let mut parts: Vec<libc::iovec> = frames
        .iter()
        .map(|frame| libc::iovec {
            iov_base: frame.bytes.as_ptr().cast_mut().cast(),
            iov_len: frame.bytes.len(),
        })
        .collect();
    let mut messages: Vec<libc::mmsghdr> = addresses
        .iter_mut()
        .zip(parts.iter_mut())
        .map(|(address, part)| {
            // SAFETY: `mmsghdr` is plain data; all zeros is a valid empty one.
            let mut message: libc::mmsghdr = unsafe { zeroed() };
            message.msg_hdr.msg_name = std::ptr::from_mut(address).cast();
            message.msg_hdr.msg_namelen = ADDRESS_LEN;
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message
        })
        .collect();
    let count = libc::c_uint::try_from(messages.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the headers point into `addresses`, `parts` and `frames`, which all outlive the call; the kernel only
    // reads the frames.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            messages.as_mut_ptr(),
            count,
            libc::MSG_DONTWAIT,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

const ADDRESS_LEN: libc::socklen_t = {
    let len = size_of::<libc::sockaddr_ll>();
    assert!(len == 20);
    20
};

fn address(frame: &Frame) -> io::Result<libc::sockaddr_ll> {
    // SAFETY: `sockaddr_ll` is plain data; all zeros is a valid value.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).map_err(|_| io::ErrorKind::InvalidInput)?;
    address.sll_protocol = frame.ether_type().to_be();
    address.sll_ifindex =
        libc::c_int::try_from(frame.interface.0).map_err(|_| io::Error::from_raw_os_error(libc::ENXIO))?;
    address.sll_halen = 6;
    for (octet, destination) in address.sll_addr.iter_mut().zip(frame.bytes.iter().take(6)) {
        *octet = *destination;
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_carries_interface_type_and_destination() {
        let mut bytes = vec![0xff; 6];
        bytes.extend([2, 0, 0, 0, 0, 1, 0x08, 0x06, 0, 1]);
        let address = address(&Frame {
            interface: IfIndex(7),
            bytes,
        })
        .unwrap();
        assert_eq!(address.sll_ifindex, 7);
        assert_eq!(address.sll_protocol, 0x0806_u16.to_be());
        assert_eq!(address.sll_addr, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    }
}
