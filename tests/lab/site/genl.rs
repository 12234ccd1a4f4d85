//! The IPVS table of a node over generic netlink, octet for octet: `ipvsadm` and /proc do not show all of it.

use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, connect, recv, send, socket,
};

use super::Node;

const REQUEST_AND_ACK: u16 = 0x5;
const REQUEST_DUMP: u16 = 0x301;
/// Something changed while the dump was made.
const INTERRUPTED: u16 = 0x10;
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// The controller's number, its question for a family and its attributes.
const CONTROLLER: (u16, u8) = (0x10, 3);
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// Questions to IPVS.
const GET_SERVICE: u8 = 4;
const GET_DEST: u8 = 8;

/// Names of attributes in the order of their numbers, from 1. Those without a name count, so they are no settings.
const SERVICE: [&str; 12] = [
    "family",
    "protocol",
    "address",
    "port",
    "mark",
    "scheduler",
    "flags",
    "timeout",
    "netmask",
    "",
    "pe",
    "",
];
const DEST: [&str; 15] = [
    "address",
    "port",
    "method",
    "weight",
    "upper",
    "lower",
    "",
    "",
    "",
    "",
    "family",
    "",
    "tunnel",
    "tunnel port",
    "tunnel flags",
];

/// A socket to the IPVS of a node.
pub struct Kernel {
    socket: OwnedFd,
    family: u16,
}

/// An attribute: its number, and its value.
type Attribute = (u16, Vec<u8>);

impl Kernel {
    pub fn of(node: &Node) -> Self {
        let socket = node.within(|| {
            let protocol = SockProtocol::NetlinkGeneric;
            let socket = socket(
                AddressFamily::Netlink,
                SockType::Raw,
                SockFlag::SOCK_CLOEXEC,
                protocol,
            );
            let socket = socket.expect("a netlink socket");
            connect(socket.as_raw_fd(), &NetlinkAddr::new(0, 0)).expect("the kernel");
            socket
        });
        let mut kernel = Self { socket, family: 0 };
        let (controller, question) = CONTROLLER;
        kernel.family = controller;
        let answers = kernel.ask(REQUEST_AND_ACK, question, &attribute(FAMILY_NAME, b"IPVS\0"));
        let id = value(&answers.expect("no dump")[0], FAMILY_ID).expect("IPVS");
        kernel.family = u16::from_ne_bytes(id.try_into().expect("two octets"));
        kernel
    }

    /// The number by which netlink knows IPVS.
    pub const fn family(&self) -> u16 {
        self.family
    }

    /// A line for each service and destination, sorted.
    pub fn table(&self) -> Vec<String> {
        loop {
            if let Some(lines) = self.attempt() {
                return lines;
            }
        }
    }

    /// Nothing when it changed meanwhile.
    fn attempt(&self) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        for answer in self.ask(REQUEST_DUMP, GET_SERVICE, &[])? {
            let service = attributes(&value(&answer, 1).expect("a service"));
            let name = told(&service, &SERVICE);
            let key: Vec<u8> = service
                .iter()
                .filter(|(kind, _)| *kind <= 5)
                .flat_map(|(kind, value)| attribute(*kind, value))
                .collect();
            for answer in self.ask(REQUEST_DUMP, GET_DEST, &attribute(1, &key))? {
                let dest = attributes(&value(&answer, 2).expect("a destination"));
                lines.push(format!("{name} -> {}", told(&dest, &DEST)));
            }
            lines.push(name);
        }
        lines.sort();
        Some(lines)
    }

    /// The attributes of every answer; nothing when what was asked for changed meanwhile.
    fn ask(&self, flags: u16, command: u8, more: &[u8]) -> Option<Vec<Vec<Attribute>>> {
        let length = (20 + more.len()) as u32;
        let mut question = length.to_ne_bytes().to_vec();
        question.extend(self.family.to_ne_bytes());
        question.extend(flags.to_ne_bytes());
        question.extend([0; 8]);
        question.extend([command, 1, 0, 0]);
        question.extend(more);
        send(self.socket.as_raw_fd(), &question, MsgFlags::empty()).expect("a question");
        let (mut answers, mut whole) = (Vec::new(), true);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()).expect("an answer");
            let mut rest = &buffer[..length];
            while !rest.is_empty() {
                let length = u32::from_ne_bytes(rest[..4].try_into().expect("four octets")) as usize;
                let kind = u16::from_ne_bytes([rest[4], rest[5]]);
                whole &= u16::from_ne_bytes([rest[6], rest[7]]) & INTERRUPTED == 0;
                match kind {
                    DONE => return whole.then_some(answers),
                    ERROR => {
                        // A service that has gone in between is a change too.
                        let fine = rest[16..20] == [0; 4];
                        return (fine && whole).then_some(answers);
                    }
                    _ => answers.push(attributes(&rest[20..length])),
                }
                rest = &rest[length.next_multiple_of(4).min(rest.len())..];
            }
        }
    }
}

/// Everything that has a name, in the order of numbers; text as text, numbers as their octets.
fn told(all: &[Attribute], names: &[&str]) -> String {
    let mut words = Vec::new();
    for (name, kind) in names.iter().zip(1..) {
        if let Some(value) = value(all, kind).filter(|_| !name.is_empty()) {
            let text = value
                .strip_suffix(&[0])
                .filter(|_| matches!(*name, "scheduler" | "pe"));
            let value = match text {
                Some(text) => String::from_utf8_lossy(text).into_owned(),
                None => value.iter().map(|octet| format!("{octet:02x}")).collect(),
            };
            words.push(format!("{name} {value}"));
        }
    }
    words.join(", ")
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut octets = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
    octets.extend(kind.to_ne_bytes());
    octets.extend(value);
    octets.resize(octets.len().next_multiple_of(4), 0);
    octets
}

fn attributes(mut octets: &[u8]) -> Vec<Attribute> {
    let mut all = Vec::new();
    while octets.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([octets[0], octets[1]]));
        let kind = u16::from_ne_bytes([octets[2], octets[3]]) & 0x3fff;
        all.push((kind, octets[4..length].to_vec()));
        octets = &octets[length.next_multiple_of(4).min(octets.len())..];
    }
    all
}

fn value(all: &[Attribute], kind: u16) -> Option<Vec<u8>> {
    let mut found = all.iter().filter(|(found, _)| *found == kind);
    found.next().map(|(_, value)| value.clone())
}
