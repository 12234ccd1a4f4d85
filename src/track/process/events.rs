//! The kernel's process events: a netlink connector (`linux/cn_proc.h`), its messages and its socket.

use crate::sys::clock;
use crate::sys::netns::Namespace;
use crate::sys::watch::Watched;
use crate::track::config::ReceiveBuffer;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, NetlinkAddr, bind, recvfrom, sendto, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// The group and the number of process events among connectors.
const CN_IDX_PROC: u32 = 1;
const CN_VAL_PROC: u32 = 1;
const LISTEN: u32 = 1;
const IGNORE: u32 = 2;
/// Lengths of a netlink header, of a connector's and of an event's.
const NLMSG: usize = 16;
const CN: usize = 20;
const EVENT: usize = 16;
const NLMSG_DONE: u16 = 3;

const NONE: u32 = 0;
const FORK: u32 = 1;
const EXEC: u32 = 2;
const COMM: u32 = 0x200;
const EXIT: u32 = 0x8000_0000;

/// So many messages are taken before others have their turn.
const AT_ONCE: usize = 256;
/// So long the kernel may take to say that it will tell.
const ANSWER: Duration = Duration::from_millis(500);

/// What happened to a process; threads are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessEvent {
    /// It is new, runs another program or has another name.
    Changed(u32),
    /// It has ended.
    Gone(u32),
}

/// A message of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// An event that matters here.
    Event(ProcessEvent),
    /// The answer to the wish to listen: 0 or an error number.
    Answer(u32),
}

/// Reads one message; `None` for one that is something else or cut off.
pub fn parse(message: &[u8]) -> Option<Message> {
    let number = |at: usize| {
        let octets = message.get(at..at + 4)?;
        Some(u32::from_ne_bytes(octets.try_into().ok()?))
    };
    if number(NLMSG)? != CN_IDX_PROC || number(NLMSG + 4)? != CN_VAL_PROC {
        return None;
    }
    let event = NLMSG + CN;
    let field = |nth: usize| number(event + EVENT + 4 * nth);
    Some(match number(event)? {
        NONE => Message::Answer(field(0)?),
        // Of the parent, then of the child: a number and that of its process.
        FORK => Message::Event(ProcessEvent::Changed(whole(field(2)?, field(3)?)?)),
        EXEC | COMM => Message::Event(ProcessEvent::Changed(whole(field(0)?, field(1)?)?)),
        EXIT => Message::Event(ProcessEvent::Gone(whole(field(0)?, field(1)?)?)),
        _ => return None,
    })
}

/// The number of a process, `None` for one of its other threads.
fn whole(pid: u32, process: u32) -> Option<u32> {
    (pid == process).then_some(pid)
}

/// The wish to listen, or not to any longer.
fn wish(wish: u32) -> Vec<u8> {
    let mut message = Vec::new();
    let length = u32::try_from(NLMSG + CN + 4).unwrap_or_default();
    message.extend(length.to_ne_bytes());
    message.extend(NLMSG_DONE.to_ne_bytes());
    message.extend([0; 10]);
    for number in [CN_IDX_PROC, CN_VAL_PROC, 0, 0] {
        message.extend(number.to_ne_bytes());
    }
    message.extend(4_u16.to_ne_bytes());
    message.extend(0_u16.to_ne_bytes());
    message.extend(wish.to_ne_bytes());
    message
}

/// The socket, watched by a tokio runtime.
#[derive(Debug)]
pub struct Connector(Watched<Socket>);

impl Connector {
    /// Opens it in the network namespace `origin`, and hears that the kernel will tell.
    ///
    /// # Errors
    /// When the kernel cannot, or may not, tell of processes.
    pub fn open(buffer: ReceiveBuffer, origin: Option<&Namespace>) -> io::Result<Self> {
        let socket = match origin {
            Some(origin) => origin.within(socket)??,
            None => socket()?,
        };
        if let Some(size) = buffer.size.filter(|size| *size != 0) {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if buffer.force {
                setsockopt(&socket, sockopt::RcvBufForce, &size)?;
            } else {
                socket.set_recv_buffer_size(size)?;
            }
        }
        send(&socket, LISTEN)?;
        let end = clock::now() + ANSWER;
        loop {
            match take(&socket) {
                Ok(Some(Message::Answer(0))) => break,
                Ok(Some(Message::Answer(error))) => {
                    return Err(io::Error::from_raw_os_error(
                        i32::try_from(error).unwrap_or(libc::EPERM),
                    ));
                }
                // Others listen already: theirs is told to us as well.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = end.since(clock::now());
                    let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
                    if poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], left)? == 0 {
                        return Err(io::Error::new(
                            io::ErrorKind::Unsupported,
                            "the kernel does not answer",
                        ));
                    }
                }
                Err(error) => return Err(error),
            }
            if clock::now() >= end {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "the kernel does not answer",
                ));
            }
        }
        Ok(Self(Watched::new(socket)?))
    }

    /// Waits for events. Cancel-safe.
    ///
    /// # Errors
    /// `ENOBUFS` when some were lost.
    pub async fn next(&self) -> io::Result<Vec<ProcessEvent>> {
        loop {
            let mut guard = self.0.readable().await?;
            let mut events = Vec::new();
            for _ in 0..AT_ONCE {
                match take(self.0.get()) {
                    Ok(Some(Message::Event(event))) => events.push(event),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        guard.clear_ready();
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // What was read before is looked at anew with all the others.
                    Err(error) => return Err(error),
                }
            }
            if !events.is_empty() {
                return Ok(events);
            }
            drop(guard);
            tokio::task::yield_now().await;
        }
    }
}

/// Older kernels go on building messages for a listener that has only closed its socket.
impl Drop for Connector {
    fn drop(&mut self) {
        // Newer ones know; nothing else can be done.
        let _ = send(self.0.get(), IGNORE);
    }
}

fn send(socket: &Socket, what: u32) -> io::Result<()> {
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &wish(what), &kernel, MsgFlags::empty())?;
    Ok(())
}

fn socket() -> io::Result<Socket> {
    let kind = Type::DGRAM.nonblocking().cloexec();
    let protocol = Protocol::from(libc::NETLINK_CONNECTOR);
    let socket = Socket::new(Domain::from(libc::AF_NETLINK), kind, Some(protocol))?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, CN_IDX_PROC))?;
    Ok(socket)
}

fn take(socket: &Socket) -> io::Result<Option<Message>> {
    let mut buffer = [0; 256];
    let (length, from) = recvfrom::<NetlinkAddr>(socket.as_raw_fd(), &mut buffer)?;
    // Any process may send to a netlink socket; only the kernel is 0.
    if from.is_none_or(|from| from.pid() != 0) {
        return Ok(None);
    }
    Ok(buffer.get(..length).and_then(parse))
}
