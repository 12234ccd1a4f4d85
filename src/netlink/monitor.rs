//! The kernel's messages about links and addresses, as they come. Asynchronous; for the kernel worker's thread.

use super::apply::{NetlinkError, open_socket, split};
use super::message::Way;
use super::{Change, message};
use crate::sys::sockopt::join_netlink_group;
use crate::sys::watch::Watched;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce};
use nix::sys::socket::{MsgFlags, SockFlag, recv, setsockopt};
use rtnetlink::packet_core::NetlinkPayload;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// The groups of messages: links, IPv4 addresses, IPv6 addresses (`RTMGRP_*`).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// `RTNLGRP_IPV4_ROUTE`, `RTNLGRP_IPV4_RULE`, `RTNLGRP_IPV6_ROUTE`, `RTNLGRP_IPV6_RULE`: only for those who have some, for a
/// router of the Internet has a million routes.
const ROUTES: [i32; 4] = [7, 8, 11, 19];
/// Room for a burst of messages; a full buffer costs a whole dump.
const RECEIVE_BUFFER: usize = 1 << 20;
/// More than the kernel puts into one datagram.
const LARGEST: usize = 64 * 1024;

/// What came in.
#[derive(Debug, Default)]
pub struct Heard {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// Routes and rules that are gone, if they are listened for.
    pub lost: Vec<Way>,
    /// Messages were lost: only a dump tells the truth.
    pub overrun: bool,
}

impl Heard {
    /// Takes in a datagram of the kernel.
    pub fn read(&mut self, datagram: &[u8]) {
        for parsed in split(datagram) {
            match parsed.map(|message| message.payload) {
                Ok(NetlinkPayload::InnerMessage(inner)) => {
                    self.lost.extend(message::lost(&inner));
                    self.changes.extend(message::read(&inner));
                }
                Ok(NetlinkPayload::Overrun(_)) => self.overrun = true,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(target: "kernel", "netlink message not understood: {error}");
                }
            }
        }
    }
}

/// A socket that hears about every link and address of this network namespace.
#[derive(Debug)]
pub struct Monitor {
    socket: Watched<OwnedFd>,
    buffer: Vec<u8>,
    /// Routes and rules are listened for.
    routes: bool,
}

impl Monitor {
    /// Subscribes. Dump afterwards: what changes between is heard.
    ///
    /// # Errors
    /// When the kernel or the runtime refuses the socket.
    pub fn open() -> Result<Self, NetlinkError> {
        let socket = open_socket(SockFlag::SOCK_NONBLOCK, GROUPS)?;
        // Beyond the system's limit with CAP_NET_ADMIN, up to it without.
        if setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, RcvBuf, &RECEIVE_BUFFER).map_err(|e| NetlinkError::Socket(e.into()))?;
        }
        Ok(Self {
            socket: Watched::new(socket).map_err(NetlinkError::Socket)?,
            buffer: vec![0; LARGEST],
            routes: false,
        })
    }

    /// From now on routes and rules that go are heard of, too.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn follow_routes(&mut self) -> Result<(), NetlinkError> {
        if !self.routes {
            for group in ROUTES {
                join_netlink_group(self.socket.get(), group).map_err(NetlinkError::Socket)?;
            }
            self.routes = true;
        }
        Ok(())
    }

    /// Waits for messages and takes all that are there.
    ///
    /// # Errors
    /// When the socket is broken.
    pub async fn hear(&mut self) -> Result<Heard, NetlinkError> {
        loop {
            let mut ready = self.socket.readable().await.map_err(NetlinkError::Socket)?;
            let heard = take(self.socket.get(), &mut self.buffer)?;
            // All was read, so readiness is to be asked for anew.
            ready.clear_ready();
            if heard.overrun || !heard.changes.is_empty() || !heard.lost.is_empty() {
                return Ok(heard);
            }
        }
    }

    /// Takes all messages that are there now, without waiting.
    ///
    /// # Errors
    /// When the socket is broken.
    pub fn take(&mut self) -> Result<Heard, NetlinkError> {
        take(self.socket.get(), &mut self.buffer)
    }
}

/// Reads until nothing is left: an address that we hold must not be taken for removed because the message that it is
/// there was not read yet.
fn take(socket: &OwnedFd, buffer: &mut [u8]) -> Result<Heard, NetlinkError> {
    let mut heard = Heard::default();
    loop {
        match recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => heard.read(buffer.get(..length).unwrap_or_default()),
            Err(Errno::EAGAIN) => return Ok(heard),
            Err(Errno::EINTR) => {}
            Err(Errno::ENOBUFS) => heard.overrun = true,
            Err(error) => return Err(NetlinkError::Socket(io::Error::from(error))),
        }
    }
}
