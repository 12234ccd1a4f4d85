//! The way to the kernel's nftables: batches over netlink, each carried out as a whole or not at all.

use crate::netfilter::wire::{Message, TableFamily, batch, get_table, question};
use crate::sys::netns::Home;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{ReceiveTimeout, SndBuf, SndBufForce};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
    socket,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// An answer that does not come in this time is lost.
const ANSWER_WITHIN_SECONDS: i64 = 10;
/// A batch is one datagram: room for some ten thousand addresses.
const SEND_BUFFER: usize = 4 << 20;

/// A socket, opened when it is needed.
#[derive(Debug, Default)]
pub(super) struct Channel {
    /// Where: usually in the network namespace of the thread.
    home: Home,
    socket: Option<OwnedFd>,
    sequence: u32,
}

impl Channel {
    pub(super) fn within(home: Home) -> Self {
        Self {
            home,
            ..Self::default()
        }
    }

    /// Has a batch carried out; of nothing nothing is said.
    ///
    /// # Errors
    /// The kernel's refusal of all of it.
    pub(super) fn carry_out(&mut self, messages: &[Message]) -> io::Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let (datagram, last) = batch(messages, self.sequence.wrapping_add(1));
        let done = self.send_whole(&datagram, last);
        if done.is_err() {
            // Answers to the rest of the batch may still come: they are nobody's.
            self.socket = None;
        }
        done
    }

    /// Whether there is such a table.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub(super) fn has_table(&mut self, family: TableFamily, table: &str) -> io::Result<bool> {
        let number = self.sequence.wrapping_add(1);
        let datagram = question(&get_table(family, table), number);
        match self.send_whole(&datagram, number) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => {
                self.socket = None;
                Err(error)
            }
        }
    }

    /// Sends messages and waits until the `last` is acknowledged, or one refused.
    fn send_whole(&mut self, datagram: &[u8], last: u32) -> io::Result<()> {
        self.sequence = last.wrapping_add(1);
        let socket = match &self.socket {
            Some(socket) => socket,
            None => self.socket.insert(self.home.within(open)??),
        };
        retried(|| send(socket.as_raw_fd(), datagram, MsgFlags::empty()))?;
        let mut buffer = [0; 16 * 1024];
        loop {
            let length = retried(|| recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()))?;
            for (sequence, code) in answers(buffer.get(..length).unwrap_or_default()) {
                if code != 0 {
                    return Err(io::Error::from_raw_os_error(code.saturating_neg()));
                }
                if sequence == last {
                    return Ok(());
                }
            }
        }
    }
}

fn open() -> io::Result<OwnedFd> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkNetFilter,
    )?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    setsockopt(&socket, ReceiveTimeout, &TimeVal::seconds(ANSWER_WITHIN_SECONDS))?;
    // `net.core.wmem_max` is for those without privileges, and much less.
    setsockopt(&socket, SndBufForce, &SEND_BUFFER).or_else(|_| setsockopt(&socket, SndBuf, &SEND_BUFFER))?;
    Ok(socket)
}

fn retried(mut call: impl FnMut() -> nix::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            done => return done.map_err(Into::into),
        }
    }
}

/// The numbers of the messages that a datagram answers, each with its error, 0 for none.
fn answers(datagram: &[u8]) -> Vec<(u32, i32)> {
    /// `NLMSG_ERROR`
    const ERROR: u16 = 2;
    let mut out = Vec::new();
    let mut rest = datagram;
    while let Some((header, behind)) = rest.split_first_chunk::<16>() {
        let [l0, l1, l2, l3, k0, k1, _, _, s0, s1, s2, s3, ..] = *header;
        if u16::from_ne_bytes([k0, k1]) == ERROR
            && let Some(code) = behind.first_chunk::<4>()
        {
            out.push((u32::from_ne_bytes([s0, s1, s2, s3]), i32::from_ne_bytes(*code)));
        }
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3]))
            .unwrap_or(0)
            .max(16);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_to_their_end_and_no_further() {
        let mut datagram = Vec::new();
        for (sequence, code) in [(3_u32, -1_i32), (4, 0)] {
            datagram.extend(36_u32.to_ne_bytes());
            datagram.extend([2, 0, 0, 0]);
            datagram.extend(sequence.to_ne_bytes());
            datagram.extend([0; 4]);
            datagram.extend(code.to_ne_bytes());
            datagram.extend([0; 16]);
        }
        assert_eq!(answers(&datagram), [(3, -1), (4, 0)]);
        assert_eq!(answers(&datagram[..17]), [], "cut");
        assert_eq!(answers(&[0; 64]), [], "a length of zero ends");
    }
}
