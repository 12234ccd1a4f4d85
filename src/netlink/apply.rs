//! Asking the kernel: dumps, and addresses installed and removed, many with one system call. Blocking.
//!
//! A send sleeps while somebody else holds the RTNL lock, so this is for the kernel worker's thread, for start-up and
//! for last words.

mod ways;

pub use ways::ways_there;

use super::message::Request;
use super::{Change, message};
use crate::net::{AddressSpec, IfIndex};
use crate::sys::sockopt::set_netlink_acks;
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
    socket,
};
use nix::sys::time::{TimeVal, TimeValLike};
use rtnetlink::packet_core::{
    DecodeError, ErrorMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_EXCL,
    NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::AddressMessage;
use rtnetlink::packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Requests in one datagram: their answers must fit into the socket's buffer at once.
pub const BATCH: usize = 64;
/// An answer that does not come in this time is lost; the kernel answers before the send returns.
const ANSWER_WITHIN_SECONDS: i64 = 10;
/// More than the kernel puts into one datagram.
const LARGEST: usize = 64 * 1024;
/// Dumps that were interrupted by a change before we take what we have.
const MOST_DUMPS: usize = 8;

/// The kernel cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket cannot be opened or used.
    #[error("netlink socket: {0}")]
    Socket(#[source] io::Error),
    /// The kernel refused a dump.
    #[error("netlink dump: {0}")]
    Dump(#[source] io::Error),
}

/// Why the kernel did not do as told.
#[derive(Debug, thiserror::Error)]
#[error("{error}{}", words.as_deref().map(|w| format!(" ({w})")).unwrap_or_default())]
pub struct Refusal {
    /// The error number.
    pub error: io::Error,
    /// The kernel's own words, where it has some.
    pub words: Option<String>,
}

impl Refusal {
    /// Installing: it is there already (fact 16.1).
    pub fn exists(&self) -> bool {
        self.error.raw_os_error() == Some(libc::EEXIST)
    }

    /// Removing: it is not there, or its interface is not (fact 16.1).
    pub fn not_there(&self) -> bool {
        matches!(
            self.error.raw_os_error(),
            Some(libc::EADDRNOTAVAIL | libc::ENODEV | libc::ENXIO | libc::ESRCH | libc::ENOENT)
        )
    }
}

/// A socket for requests.
#[derive(Debug)]
pub struct Requests {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Requests {
    /// Opens a socket in the network namespace of this thread.
    ///
    /// # Errors
    /// When the kernel has no memory for it.
    pub fn open() -> Result<Self, NetlinkError> {
        let socket = open_socket(SockFlag::empty(), 0)?;
        let limit = TimeVal::seconds(ANSWER_WITHIN_SECONDS);
        setsockopt(&socket, ReceiveTimeout, &limit).map_err(|e| NetlinkError::Socket(e.into()))?;
        // Without it the answers are longer and have no words: no reason not to run.
        if let Err(error) = set_netlink_acks(&socket) {
            tracing::debug!(target: "kernel", "netlink answers without words: {error}");
        }
        Ok(Self {
            socket,
            sequence: 0,
            buffer: vec![0; LARGEST],
        })
    }

    /// Installs addresses, in this order. One answer for each.
    ///
    /// # Errors
    /// When the socket fails; then nothing is known of those not answered.
    pub fn add(
        &mut self,
        wanted: &[(AddressSpec, IfIndex)],
    ) -> Result<Vec<Result<(), Refusal>>, NetlinkError> {
        let request = |(spec, index): &(AddressSpec, IfIndex)| Request {
            message: RouteNetlinkMessage::NewAddress(message::add(spec, *index)),
            flags: NLM_F_CREATE | NLM_F_EXCL,
        };
        self.ask(wanted.iter().map(request).collect())
    }

    /// Removes addresses, in this order. One answer for each.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn delete(
        &mut self,
        unwanted: &[(AddressSpec, IfIndex)],
    ) -> Result<Vec<Result<(), Refusal>>, NetlinkError> {
        let request = |(spec, index): &(AddressSpec, IfIndex)| Request {
            message: RouteNetlinkMessage::DelAddress(message::delete(spec, *index)),
            flags: 0,
        };
        self.ask(unwanted.iter().map(request).collect())
    }

    /// Makes a link that is not there.
    ///
    /// # Errors
    /// The kernel's refusal, with its words where it has some.
    pub fn create_link(&mut self, link: LinkMessage) -> io::Result<()> {
        self.tell(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Changes a link.
    ///
    /// # Errors
    /// As [`Self::create_link`].
    pub fn set_link(&mut self, link: LinkMessage) -> io::Result<()> {
        // As `ip link` does: some changes are only heard of in a message that could make a link.
        self.tell(RouteNetlinkMessage::NewLink(link), 0)
    }

    /// Removes a link.
    ///
    /// # Errors
    /// As [`Self::create_link`].
    pub fn delete_link(&mut self, link: LinkMessage) -> io::Result<()> {
        self.tell(RouteNetlinkMessage::DelLink(link), 0)
    }

    /// Installs an address of a link of ours; that it is there is no failure.
    ///
    /// # Errors
    /// As [`Self::create_link`].
    pub fn add_address(&mut self, address: AddressMessage) -> io::Result<()> {
        match self.tell(
            RouteNetlinkMessage::NewAddress(address),
            NLM_F_CREATE | NLM_F_EXCL,
        ) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    }

    fn tell(&mut self, request: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let answers = self
            .ask(vec![Request {
                message: request,
                flags,
            }])
            .map_err(io::Error::other)?;
        match answers.into_iter().next() {
            Some(Err(Refusal {
                error,
                words: Some(words),
            })) => Err(io::Error::new(error.kind(), format!("{error} ({words})"))),
            Some(Err(refusal)) => Err(refusal.error),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// All links, then all addresses.
    ///
    /// # Errors
    /// When the socket fails or the kernel refuses.
    pub fn dump(&mut self) -> Result<Vec<Change>, NetlinkError> {
        let mut links = LinkMessage::default();
        let brief = LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]);
        links.attributes.push(brief);
        let addresses = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let mut changes = self.dump_one(&RouteNetlinkMessage::GetLink(links), message::read)?;
        changes.extend(self.dump_one(&addresses, message::read)?);
        Ok(changes)
    }

    /// Makes the requests, in this order. One answer for each.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn ask(&mut self, requests: Vec<Request>) -> Result<Vec<Result<(), Refusal>>, NetlinkError> {
        let mut answers = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            let first = self.sequence.wrapping_add(1);
            let mut datagram = Vec::new();
            for Request { message, flags } in batch {
                self.sequence = self.sequence.wrapping_add(1);
                let flags = NLM_F_REQUEST | NLM_F_ACK | flags;
                datagram.extend(serialize(message.clone(), flags, self.sequence));
            }
            self.send(&datagram)?;
            answers.extend(self.answers(first, batch.len())?);
        }
        Ok(answers)
    }

    /// Collects the answers to `count` requests numbered from `first`.
    fn answers(&mut self, first: u32, count: usize) -> Result<Vec<Result<(), Refusal>>, NetlinkError> {
        let mut answers: Vec<Answer> = Vec::new();
        answers.resize_with(count, || None);
        while answers.iter().any(Option::is_none) {
            let length = self.receive_some()?;
            read_answers(self.buffer.get(..length).unwrap_or_default(), first, &mut answers);
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// What `read` makes of the answers.
    fn dump_one<T>(
        &mut self,
        request: &RouteNetlinkMessage,
        read: impl Fn(&RouteNetlinkMessage) -> Option<T>,
    ) -> Result<Vec<T>, NetlinkError> {
        for last in (0..MOST_DUMPS).rev() {
            let (changes, interrupted) = self.dump_once(request, &read)?;
            if !interrupted || last == 0 {
                return Ok(changes);
            }
        }
        Ok(Vec::new())
    }

    fn dump_once<T>(
        &mut self,
        request: &RouteNetlinkMessage,
        read: &impl Fn(&RouteNetlinkMessage) -> Option<T>,
    ) -> Result<(Vec<T>, bool), NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let datagram = serialize(request.clone(), NLM_F_REQUEST | NLM_F_DUMP, self.sequence);
        self.send(&datagram)?;
        let (mut changes, mut interrupted) = (Vec::new(), false);
        loop {
            for parsed in self.receive()? {
                let part = match parsed {
                    Ok(part) if part.header.sequence_number == self.sequence => part,
                    Ok(_) => continue,
                    Err(error) => {
                        tracing::warn!(target: "kernel", "netlink message not understood: {error}");
                        continue;
                    }
                };
                interrupted |= part.header.flags & NLM_F_DUMP_INTR != 0;
                match part.payload {
                    NetlinkPayload::InnerMessage(inner) => changes.extend(read(&inner)),
                    NetlinkPayload::Done(_) => return Ok((changes, interrupted)),
                    NetlinkPayload::Error(error) => return Err(NetlinkError::Dump(error_of(&error))),
                    _ => {}
                }
            }
        }
    }

    fn send(&self, datagram: &[u8]) -> Result<(), NetlinkError> {
        loop {
            match send(self.socket.as_raw_fd(), datagram, MsgFlags::empty()) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(NetlinkError::Socket(error.into())),
            }
        }
    }

    fn receive(&mut self) -> Result<Vec<Result<Message, DecodeError>>, NetlinkError> {
        let length = self.receive_some()?;
        Ok(split(self.buffer.get(..length).unwrap_or_default()).collect())
    }

    fn receive_some(&mut self) -> Result<usize, NetlinkError> {
        loop {
            match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Ok(length) => return Ok(length),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(NetlinkError::Socket(error.into())),
            }
        }
    }
}

/// The kernel's answer to a request; `None` before it came.
pub type Answer = Option<Result<(), Refusal>>;

/// Notes the answers in `datagram` to the requests that were numbered from `first`.
pub fn read_answers(datagram: &[u8], first: u32, answers: &mut [Answer]) {
    for answer in split(datagram).flatten() {
        let at = usize::try_from(answer.header.sequence_number.wrapping_sub(first)).unwrap_or(usize::MAX);
        if let (Some(slot), NetlinkPayload::Error(told)) = (answers.get_mut(at), &answer.payload) {
            *slot = Some(refusal(told, answer.header.flags));
        }
    }
}

/// A message of the routing family.
pub(super) type Message = NetlinkMessage<RouteNetlinkMessage>;

/// Opens a routing socket that hears `groups`.
pub(super) fn open_socket(flags: SockFlag, groups: u32) -> Result<OwnedFd, NetlinkError> {
    let open = || -> Result<OwnedFd, Errno> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            flags | SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(socket)
    };
    open().map_err(|error| NetlinkError::Socket(error.into()))
}

/// The messages of a datagram.
pub(super) fn split(datagram: &[u8]) -> impl Iterator<Item = Result<Message, DecodeError>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = rest
            .first_chunk::<4>()
            .map(|octets| u32::from_ne_bytes(*octets))?;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length >= HEADER_LEN)?;
        let message = rest.get(..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message::deserialize(message))
    })
}

const HEADER_LEN: usize = 16;

fn serialize(request: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
    message.finalize();
    let length = message.buffer_len();
    // Messages of a datagram begin at multiples of four.
    let mut bytes = vec![0; length.next_multiple_of(4)];
    message.serialize(&mut bytes);
    bytes
}

fn refusal(told: &ErrorMessage, flags: u16) -> Result<(), Refusal> {
    if told.code.is_none() {
        return Ok(());
    }
    Err(Refusal {
        error: error_of(told),
        words: words(&told.header, flags),
    })
}

/// The crate's own conversion overflows at the least of all numbers.
fn error_of(told: &ErrorMessage) -> io::Error {
    io::Error::from_raw_os_error(told.code.map_or(0, |code| code.get().saturating_abs()))
}

/// The kernel's words: attribute 1 behind the header of the request, where the flags say there are attributes.
fn words(behind_code: &[u8], flags: u16) -> Option<String> {
    /// `NLM_F_CAPPED`: the body of the request is left out.
    const CAPPED: u16 = 0x100;
    /// `NLM_F_ACK_TLVS`
    const ATTRIBUTES: u16 = 0x200;
    if flags & (CAPPED | ATTRIBUTES) != CAPPED | ATTRIBUTES {
        return None;
    }
    let mut rest = behind_code.get(HEADER_LEN..)?;
    loop {
        let [l0, l1, k0, k1] = *rest.first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = rest.get(4..length)?;
        if u16::from_ne_bytes([k0, k1]) & 0x3fff == 1 {
            let text = String::from_utf8_lossy(value);
            return Some(text.trim_end_matches('\0').to_owned());
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Cidr, IfName};

    #[test]
    fn a_datagram_of_many_requests_splits_into_them() {
        let mut spec = AddressSpec::new(Cidr::host([10, 0, 0, 1].into()), IfName::new("eth0").unwrap());
        spec.label = Some("eth0:abc".into());
        let mut datagram = Vec::new();
        for sequence in 1..=3 {
            let request = RouteNetlinkMessage::NewAddress(message::add(&spec, IfIndex(2)));
            datagram.extend(serialize(request, NLM_F_REQUEST, sequence));
        }
        let sequences: Vec<u32> = split(&datagram)
            .map(|message| message.unwrap().header.sequence_number)
            .collect();
        assert_eq!(sequences, [1, 2, 3]);
        assert_eq!(
            split(&datagram[..datagram.len() - 4]).count(),
            2,
            "a cut one is left out"
        );
        assert_eq!(split(&[0; 16]).count(), 0, "a length of zero ends it");
    }

    #[test]
    fn an_answer_belongs_to_its_own_request_whatever_number_it_has() {
        let told = |sequence: u32, code: i32| {
            let mut bytes = Vec::from(36_u32.to_ne_bytes());
            bytes.extend(2_u16.to_ne_bytes());
            bytes.extend([0; 2]);
            bytes.extend(sequence.to_ne_bytes());
            bytes.extend([0; 4]);
            bytes.extend(code.to_ne_bytes());
            bytes.extend([0; 16]);
            bytes
        };
        let mut answers: Vec<Answer> = vec![None, None, None];
        let datagram = [
            told(8, 0),
            told(9, -libc::EPERM),
            told(7, i32::MIN),
            told(6, 0),
            told(10, 0),
        ];
        read_answers(&datagram.concat(), 7, &mut answers);
        let codes: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.unwrap().map_err(|refusal| refusal.error.raw_os_error()))
            .collect();
        assert_eq!(codes, [Err(Some(i32::MAX)), Ok(()), Err(Some(libc::EPERM))]);
    }

    #[test]
    fn the_kernel_s_words_are_found() {
        let mut behind = vec![0; 16];
        behind.extend(8_u16.to_ne_bytes());
        behind.extend(2_u16.to_ne_bytes());
        behind.extend([0; 4]);
        behind.extend(13_u16.to_ne_bytes());
        behind.extend(1_u16.to_ne_bytes());
        behind.extend(b"bad mask\0\0\0\0");
        assert_eq!(words(&behind, 0x300).as_deref(), Some("bad mask"));
        assert_eq!(words(&behind, 0x200), None, "the request's body stands between");
        assert_eq!(words(&behind[..16], 0x300), None);
    }

    #[test]
    fn what_is_no_failure() {
        let refusal = |errno| Refusal {
            error: io::Error::from_raw_os_error(errno),
            words: None,
        };
        assert!(refusal(libc::EEXIST).exists());
        assert!(refusal(libc::EADDRNOTAVAIL).not_there());
        assert!(!refusal(libc::EPERM).not_there() && !refusal(libc::EPERM).exists());
        let mut told = refusal(libc::EINVAL);
        told.words = Some("IPv4: Invalid prefix length".into());
        assert!(
            told.to_string().ends_with("(IPv4: Invalid prefix length)"),
            "{told}"
        );
    }
}
