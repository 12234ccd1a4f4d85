//! The dialogue with the kernel's IPVS over a generic netlink socket of its own.
//!
//! Everything here blocks, for as long as the kernel takes: loading a scheduler's module takes tens of milliseconds.
//! It belongs on a thread of its own. The socket may be in another network namespace than the checks (fact 2.20).
//!
//! Several operations travel in one datagram, each with a number of its own, so that a refusal has a name. An
//! "exists already" or "not there" that only means that somebody was faster is put right on the spot (fact 2.19).

mod counted;
mod whole;

use super::datagram::{Part, each};
use super::diff::Op;
use super::model::{Destination, ServiceEntry, ServiceKey, Table, VirtualService};
use super::wire::{self, Message};
use crate::sys::netns::Home;
use netlink_packet_core::{
    DecodeError, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
    NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_packet_generic::GenlMessage;
use netlink_packet_generic::ctrl::nlas::GenlCtrlAttrs;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, connect, recv, send,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};

/// Operations in one datagram: all their acknowledgements fit into the default receive buffer.
const BATCH: usize = 64;
/// A dump part is at most 32 KiB.
const BUFFER: usize = 64 * 1024;
/// An answer that takes longer was lost: the kernel answers before `send` returns.
const PATIENCE_SECONDS: i64 = 10;
/// A dump that others change while it is read is begun anew, so many times.
const DUMP_ATTEMPTS: usize = 5;

/// Why there is no IPVS to speak to.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The kernel has no `ip_vs`, and it could not be loaded.
    #[error("Can't initialize ipvs: {0} (is the module ip_vs there, and may we load it?)")]
    NoIpvs(String),
    /// It shall be in a network namespace that cannot be entered.
    #[error("Can't initialize ipvs: its network namespace cannot be entered: {0}")]
    Namespace(#[from] io::Error),
    /// No netlink at all.
    #[error("Can't initialize ipvs: {0}")]
    Talk(#[from] TalkError),
}

/// Why a dialogue broke off. What the kernel has done so far is then unknown: open anew and dump.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// No socket.
    #[error("netlink socket: {0}")]
    Socket(Errno),
    /// The request did not leave.
    #[error("netlink send: {0}")]
    Send(Errno),
    /// The answer did not come, or not all of it.
    #[error("netlink receive: {0}")]
    Receive(Errno),
    /// The answer is no netlink.
    #[error("netlink answer: {0}")]
    Malformed(#[from] DecodeError),
    /// The kernel refused a question (not an operation).
    #[error("{0}")]
    Refused(Errno),
    /// The table changed under every attempt to read it.
    #[error("the table of IPVS does not hold still")]
    Restless,
}

impl TalkError {
    /// As keepalived tells it: an error of the kernel in the words of the C library, with its number (fact 2.19).
    pub(super) fn told(&self) -> String {
        match self {
            Self::Refused(errno) => format!("{}({})", words(*errno), *errno as i32),
            other => other.to_string(),
        }
    }
}

/// An operation that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub op: Op,
    /// Why.
    pub errno: Errno,
}

/// keepalived's line (fact 2.19).
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, errno } = self;
        let (name, number) = command_name(op);
        let text = meaning(op, *errno);
        write!(
            f,
            "IPVS cmd {name}({number}) error: {text}({}) ({}",
            *errno as i32,
            CommandTarget(op.service())
        )?;
        match op {
            Op::AddService(..) | Op::EditService(..) | Op::DeleteService(_) => f.write_str(")"),
            Op::AddDestination(_, address, _)
            | Op::EditDestination(_, address, _)
            | Op::DeleteDestination(_, address) => write!(f, " -> {}:{})", address.ip(), address.port()),
        }
    }
}

/// A service as keepalived names it in these lines only: `192.0.2.1:tcp:80`, `Fwm 5`.
struct CommandTarget<'a>(&'a ServiceKey);

impl fmt::Display for CommandTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ServiceKey::Address { protocol, address } => {
                write!(f, "{}:{}:{}", address.ip(), protocol.word(), address.port())
            }
            ServiceKey::FwMark { mark, .. } => write!(f, "Fwm {mark}"),
        }
    }
}

impl Refusal {
    /// What may be missing, in words for whoever can mend it.
    pub fn help(&self) -> Option<String> {
        let (Op::AddService(_, service) | Op::EditService(_, service)) = &self.op else {
            return None;
        };
        if self.errno != Errno::ENOENT {
            return None;
        }
        let scheduler = &service.scheduler.0;
        let engine = service.persistence.as_ref().and_then(|it| it.engine.as_ref());
        let engine = engine.map_or_else(String::new, |name| format!(" and ip_vs_pe_{name}"));
        Some(format!(
            "the kernel could not load a module: ip_vs_{scheduler}{engine} must be there; it is tried again"
        ))
    }

    /// Whether it only says that the service that it was about is not there.
    pub fn is_for_want_of_the_service(&self) -> bool {
        self.errno == Errno::ESRCH
    }
}

/// A netlink socket to IPVS.
#[derive(Debug)]
pub struct Client {
    socket: OwnedFd,
    family: u16,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Client {
    /// Opens the dialogue in the network namespace `home`.
    pub fn open_in(home: &Home) -> Result<Self, OpenError> {
        home.within(Self::open)?
    }

    /// Opens the dialogue in the calling thread's network namespace, and loads `ip_vs` if need be.
    pub fn open() -> Result<Self, OpenError> {
        let mut client = Self {
            socket: netlink_socket()?,
            family: 0,
            sequence: 0,
            buffer: vec![0; BUFFER],
        };
        // The question itself makes the kernel load the module, where it can.
        client.family = match client.resolve() {
            Err(TalkError::Refused(Errno::ENOENT)) => {
                load_module().map_err(OpenError::NoIpvs)?;
                match client.resolve() {
                    Err(TalkError::Refused(errno)) => return Err(OpenError::NoIpvs(errno.desc().into())),
                    other => other?,
                }
            }
            other => other?,
        };
        Ok(client)
    }

    /// The version of the kernel's IPVS.
    pub fn version(&mut self) -> Result<(u8, u8, u8), TalkError> {
        let mut version = None;
        self.ask(Message::info(), 0, |message| {
            version = version.or_else(|| message.version_told())
        })?;
        version.ok_or(TalkError::Refused(Errno::ENODATA))
    }

    /// Reads all services, without their destinations.
    pub fn services(&mut self) -> Result<BTreeMap<ServiceKey, VirtualService>, TalkError> {
        Ok(self
            .dump(Message::services(), Message::service)?
            .into_iter()
            .collect())
    }

    /// Reads the destinations of a service; one that is not there has none.
    pub fn destinations(&mut self, key: &ServiceKey) -> Result<BTreeMap<SocketAddr, Destination>, TalkError> {
        let servers = self.dump(Message::destinations(key), |m| m.destination(key.family()));
        match servers {
            Err(TalkError::Refused(_)) => Ok(BTreeMap::new()),
            servers => Ok(servers?.into_iter().collect()),
        }
    }

    /// Reads the services of `owned` with their destinations.
    pub fn read(&mut self, owned: &BTreeSet<ServiceKey>) -> Result<Table, TalkError> {
        let mut table = Table::default();
        for (key, service) in self.dump(Message::services(), Message::service)? {
            if owned.contains(&key) {
                let servers = self.dump(Message::destinations(&key), |m| m.destination(key.family()));
                let destinations = match servers {
                    // It was deleted in between.
                    Err(TalkError::Refused(_)) => continue,
                    other => other?.into_iter().collect(),
                };
                table.services.insert(
                    key,
                    ServiceEntry {
                        service,
                        destinations,
                    },
                );
            }
        }
        Ok(table)
    }

    /// Carries out `ops` in order. A refused one does not stop those after it.
    pub fn carry_out(&mut self, ops: &[Op]) -> Result<Vec<Refusal>, TalkError> {
        let mut refusals = Vec::new();
        for batch in ops.chunks(BATCH) {
            for (op, errno) in self.send_batch(batch)? {
                match remedy(&op, errno) {
                    Remedy::Fine => {}
                    Remedy::Refused => refusals.push(Refusal { op, errno }),
                    Remedy::Instead(other) => {
                        let again = self.send_batch(std::slice::from_ref(&other))?;
                        refusals.extend(again.into_iter().map(|(op, errno)| Refusal { op, errno }));
                    }
                }
            }
        }
        Ok(refusals)
    }

    /// Sends operations in one datagram; the refused ones with their errors. The kernel carries them out in order and
    /// answers a refusal always: of those that went well only the last need say so, which it does when all are done.
    fn send_batch(&mut self, ops: &[Op]) -> Result<Vec<(Op, Errno)>, TalkError> {
        let first = self.sequence.wrapping_add(1);
        let mut datagram = Vec::new();
        let Some(last) = ops.len().checked_sub(1) else {
            return Ok(Vec::new());
        };
        for (at, op) in ops.iter().enumerate() {
            let ack = if at == last { NLM_F_ACK } else { 0 };
            datagram.extend(self.request(Message::change(op), NLM_F_REQUEST | ack));
        }
        self.send(&datagram)?;
        let mut refused = Vec::new();
        let mut open = true;
        while open {
            open = self.receive::<Message>(|header, part| {
                let Some((at, op)) = position(header, first).and_then(|at| Some((at, ops.get(at)?))) else {
                    return Ok(true);
                };
                let Part::Verdict(refusal) = part else {
                    return Ok(true);
                };
                refused.extend(refusal.map(|code| (op.clone(), Errno::from_raw(code))));
                Ok(at < last)
            })?;
        }
        Ok(refused)
    }

    fn dump<T>(
        &mut self,
        question: Message,
        read: impl Fn(&Message) -> Option<T>,
    ) -> Result<Vec<T>, TalkError> {
        for _ in 0..DUMP_ATTEMPTS {
            let mut found = Vec::new();
            let whole = self.ask(question.clone(), NLM_F_DUMP, |message| {
                found.extend(read(message))
            })?;
            if whole {
                return Ok(found);
            }
        }
        Err(TalkError::Restless)
    }

    /// Asks, and shows every answer. Whether nothing changed while they came.
    fn ask(
        &mut self,
        question: Message,
        flags: u16,
        mut show: impl FnMut(&Message),
    ) -> Result<bool, TalkError> {
        let sequence = self.sequence.wrapping_add(1);
        let dump = flags & NLM_F_DUMP != 0;
        let flags = if dump {
            NLM_F_REQUEST | flags
        } else {
            NLM_F_REQUEST | NLM_F_ACK
        };
        let datagram = self.request(question, flags);
        self.send(&datagram)?;
        let (mut whole, mut open) = (true, true);
        while open {
            open = self.receive::<Message>(|header, part| {
                if header.sequence_number != sequence {
                    return Ok(true);
                }
                whole &= header.flags & NLM_F_DUMP_INTR == 0;
                match part {
                    Part::Message(message) => show(&message),
                    Part::Done | Part::Verdict(None) => return Ok(false),
                    Part::Verdict(Some(code)) => return Err(TalkError::Refused(Errno::from_raw(code))),
                    Part::Other => {}
                }
                Ok(true)
            })?;
        }
        Ok(whole)
    }

    /// Asks the controller for the family's number.
    fn resolve(&mut self) -> Result<u16, TalkError> {
        let name = GenlCtrlAttrs::FamilyName(wire::FAMILY.into());
        let question = GenlMessage::from_payload(GenlCtrl {
            cmd: GenlCtrlCmd::GetFamily,
            nlas: vec![name],
        });
        let datagram = self.number(question, NLM_F_REQUEST | NLM_F_ACK);
        self.send(&datagram)?;
        let (mut family, mut open) = (None, true);
        while open {
            open = self.receive::<GenlCtrl>(|_, part| match part {
                Part::Message(message) => {
                    let nlas = message.nlas.iter();
                    family = nlas.fold(family, |found, nla| match nla {
                        GenlCtrlAttrs::FamilyId(id) => Some(*id),
                        _ => found,
                    });
                    Ok(true)
                }
                Part::Verdict(None) => Ok(false),
                Part::Verdict(Some(code)) => Err(TalkError::Refused(Errno::from_raw(code))),
                Part::Done | Part::Other => Ok(true),
            })?;
        }
        family.ok_or(TalkError::Refused(Errno::ENOENT))
    }

    fn request(&mut self, message: Message, flags: u16) -> Vec<u8> {
        let mut message = GenlMessage::from_payload(message);
        message.set_resolved_family_id(self.family);
        self.number(message, flags)
    }

    /// A whole netlink message with the next sequence number.
    fn number<M: NetlinkSerializable>(&mut self, message: M, flags: u16) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        message.finalize();
        let mut octets = vec![0; message.buffer_len()];
        message.serialize(&mut octets);
        octets
    }

    fn send(&self, datagram: &[u8]) -> Result<(), TalkError> {
        match send(self.socket.as_raw_fd(), datagram, MsgFlags::empty()) {
            Ok(_) => Ok(()),
            Err(errno) => Err(TalkError::Send(errno)),
        }
    }

    /// Receives one datagram and shows its messages until one ends the dialogue. Whether it goes on.
    fn receive<F>(
        &mut self,
        show: impl FnMut(&NetlinkHeader, Part<F>) -> Result<bool, TalkError>,
    ) -> Result<bool, TalkError>
    where
        GenlMessage<F>: NetlinkDeserializable,
        F: fmt::Debug,
    {
        let length = loop {
            match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_TRUNC) {
                Ok(length) => break length,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(TalkError::Receive(errno)),
            }
        };
        let datagram = self
            .buffer
            .get(..length)
            .ok_or(TalkError::Receive(Errno::EMSGSIZE))?;
        each(datagram, show)
    }
}

/// Where the answer's question is among those that begin at `first`.
fn position(header: &NetlinkHeader, first: u32) -> Option<usize> {
    usize::try_from(header.sequence_number.wrapping_sub(first)).ok()
}

fn netlink_socket() -> Result<OwnedFd, TalkError> {
    let open = || {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            Some(SockProtocol::NetlinkGeneric),
        )?;
        let patience = TimeVal::new(PATIENCE_SECONDS, 0);
        setsockopt(&fd, sockopt::ReceiveTimeout, &patience)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        connect(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(fd)
    };
    open().map_err(TalkError::Socket)
}

/// Runs the host's `modprobe ip_vs`; why it did not help.
fn load_module() -> Result<(), String> {
    let program = std::fs::read_to_string("/proc/sys/kernel/modprobe").unwrap_or_default();
    let program = match program.trim() {
        "" => "modprobe",
        path => path,
    };
    let modprobe = Command::new(program)
        .args(["-q", "--", "ip_vs"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match modprobe {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{}; {program} cannot load ip_vs", Errno::ENOENT.desc())),
        Err(error) => Err(format!("{}; {program}: {error}", Errno::ENOENT.desc())),
    }
}

/// What to do about a refusal.
#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    /// It is as it should be.
    Fine,
    /// This is what was meant.
    Instead(Op),
    /// Nothing; tell.
    Refused,
}

/// Somebody may have been faster: an add of what exists becomes an edit, an edit of a destination that is not there an
/// add, and what is gone already is gone. But for the service of what is changed: all its destinations are gone with it.
fn remedy(op: &Op, errno: Errno) -> Remedy {
    let missing = matches!(errno, Errno::ENOENT | Errno::ESRCH);
    match op {
        Op::AddService(key, service) if errno == Errno::EEXIST => {
            Remedy::Instead(Op::EditService(*key, service.clone()))
        }
        Op::AddDestination(key, address, server) if errno == Errno::EEXIST => {
            Remedy::Instead(Op::EditDestination(*key, *address, *server))
        }
        // ESRCH: the service itself is not there; then an add would not help.
        Op::EditDestination(key, address, server) if errno == Errno::ENOENT => {
            Remedy::Instead(Op::AddDestination(*key, *address, *server))
        }
        Op::DeleteService(_) if missing => Remedy::Fine,
        Op::DeleteDestination(..) if errno == Errno::ENOENT => Remedy::Fine,
        Op::AddService(..)
        | Op::EditService(..)
        | Op::DeleteService(_)
        | Op::AddDestination(..)
        | Op::EditDestination(..)
        | Op::DeleteDestination(..) => Remedy::Refused,
    }
}

/// The kernel's error in the words of IPVS tools.
fn meaning(op: &Op, errno: Errno) -> String {
    let text = match (op, errno) {
        (Op::AddService(..) | Op::EditService(..), Errno::ENOENT) => {
            "Scheduler or persistence engine not found"
        }
        (Op::EditService(..) | Op::DeleteService(_), Errno::ESRCH)
        | (Op::AddDestination(..) | Op::EditDestination(..) | Op::DeleteDestination(..), Errno::ESRCH) => {
            "No such service"
        }
        (Op::EditDestination(..) | Op::DeleteDestination(..), Errno::ENOENT) => "No such destination",
        (_, errno) => return words(errno),
    };
    text.to_owned()
}

/// The C library's words: nix has others for some.
fn words(errno: Errno) -> String {
    let text = io::Error::from(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The socket option that keepalived names, and its number.
const fn command_name(op: &Op) -> (&'static str, u32) {
    match op {
        Op::AddService(..) => ("IP_VS_SO_SET_ADD", 1154),
        Op::EditService(..) => ("IP_VS_SO_SET_EDIT", 1155),
        Op::DeleteService(_) => ("IP_VS_SO_SET_DEL", 1156),
        Op::AddDestination(..) => ("IP_VS_SO_SET_ADDDEST", 1159),
        Op::DeleteDestination(..) => ("IP_VS_SO_SET_DELDEST", 1160),
        Op::EditDestination(..) => ("IP_VS_SO_SET_EDITDEST", 1161),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipvs::model::{
        Destination, ForwardMethod, Persistence, Protocol, Scheduler, ServiceFlags, VirtualService,
    };
    use crate::net::Family;

    fn key() -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "192.0.2.1:80".parse().unwrap(),
        }
    }

    fn service() -> VirtualService {
        VirtualService {
            scheduler: Scheduler("rr".into()),
            flags: ServiceFlags::default(),
            persistence: None,
        }
    }

    fn server() -> Destination {
        Destination {
            forward: ForwardMethod::Nat,
            weight: 1,
            upper: 0,
            lower: 0,
        }
    }

    /// LVS facts: 2.19
    #[test]
    fn refusals_name_service_and_destination() {
        let address = "[2001:db8::5]:80".parse().unwrap();
        let refusal = Refusal {
            op: Op::AddDestination(key(), address, server()),
            errno: Errno::EINVAL,
        };
        assert_eq!(
            refusal.to_string(),
            "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Invalid argument(22) \
             (192.0.2.1:tcp:80 -> 2001:db8::5:80)"
        );
        let refusal = Refusal {
            op: Op::DeleteService(key()),
            errno: Errno::EPERM,
        };
        assert_eq!(
            refusal.to_string(),
            "IPVS cmd IP_VS_SO_SET_DEL(1156) error: Operation not permitted(1) (192.0.2.1:tcp:80)"
        );
        let refusal = Refusal {
            op: Op::AddService(key(), service()),
            errno: Errno::ERANGE,
        };
        assert_eq!(
            refusal.to_string(),
            "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Numerical result out of range(34) (192.0.2.1:tcp:80)"
        );
    }

    /// LVS facts: 2.19
    #[test]
    fn commands_have_the_names_and_numbers_of_socket_options() {
        let address = "192.0.2.5:80".parse().unwrap();
        let named = [
            Op::AddService(key(), service()),
            Op::EditService(key(), service()),
            Op::DeleteService(key()),
            Op::AddDestination(key(), address, server()),
            Op::DeleteDestination(key(), address),
            Op::EditDestination(key(), address, server()),
        ]
        .map(|op| command_name(&op));
        assert_eq!(
            named,
            [
                ("IP_VS_SO_SET_ADD", 1154),
                ("IP_VS_SO_SET_EDIT", 1155),
                ("IP_VS_SO_SET_DEL", 1156),
                ("IP_VS_SO_SET_ADDDEST", 1159),
                ("IP_VS_SO_SET_DELDEST", 1160),
                ("IP_VS_SO_SET_EDITDEST", 1161),
            ]
        );
    }

    /// LVS facts: 2.19
    #[test]
    fn a_module_that_may_be_missing_is_named() {
        let refusal = |engine: Option<&str>, errno| {
            let persistence = engine.map(|name| Persistence {
                timeout: std::time::Duration::from_secs(5),
                granularity: Default::default(),
                engine: Some(name.into()),
            });
            let service = VirtualService {
                persistence,
                ..service()
            };
            let op = Op::AddService(
                ServiceKey::FwMark {
                    family: Family::V4,
                    mark: 5,
                },
                service,
            );
            Refusal { op, errno }
        };
        let plain = refusal(None, Errno::ENOENT);
        assert_eq!(
            plain.to_string(),
            "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (Fwm 5)"
        );
        assert!(plain.help().unwrap().contains("ip_vs_rr must"));
        let engine = refusal(Some("dns"), Errno::ENOENT);
        assert!(engine.help().unwrap().contains("ip_vs_rr and ip_vs_pe_dns must"));
        assert_eq!(refusal(None, Errno::EPERM).help(), None);
    }

    /// LVS facts: 2.19
    #[test]
    fn who_was_faster_is_put_right() {
        let address = "192.0.2.5:80".parse().unwrap();
        let add = Op::AddDestination(key(), address, server());
        let edit = Op::EditDestination(key(), address, server());
        let delete = Op::DeleteDestination(key(), address);
        assert_eq!(remedy(&add, Errno::EEXIST), Remedy::Instead(edit.clone()));
        assert_eq!(remedy(&edit, Errno::ENOENT), Remedy::Instead(add.clone()));
        assert_eq!(remedy(&edit, Errno::ESRCH), Remedy::Refused);
        assert_eq!(remedy(&delete, Errno::ENOENT), Remedy::Fine);
        let edit = Op::EditService(key(), service());
        assert_eq!(remedy(&edit, Errno::ESRCH), Remedy::Refused, "all of it is gone");
        assert_eq!(
            remedy(&delete, Errno::ESRCH),
            Remedy::Refused,
            "all of it is gone"
        );
        assert_eq!(remedy(&Op::DeleteService(key()), Errno::ESRCH), Remedy::Fine);
        assert_eq!(remedy(&add, Errno::EPERM), Remedy::Refused);
        assert_eq!(remedy(&delete, Errno::EPERM), Remedy::Refused);
    }
}
