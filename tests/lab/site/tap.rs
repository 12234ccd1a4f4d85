//! A tap on a node's netlink: every request that would change something, and what it would change, as the kernel gets it.
//!
//! A link of kind `nlmon` shows all messages of its network namespace to packet sockets. Requests are read by a parser of its
//! own, of the little that scenarios ask for, so that the daemon's mistakes are not repeated by its judge.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, sleep};
use std::time::Duration;

use nix::net::if_::if_nameindex;
use nix::poll::PollTimeout;
use nix::sys::socket::{
    AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket, sockopt,
};

use super::{Kernel, Node};
use crate::modules;
use crate::wire::readable;

/// The link through which it is seen.
const LINK: &str = "nlmon0";
/// What asks the kernel has this flag, and what makes something new this one.
const REQUEST: u16 = 0x1;
const CREATE: u16 = 0x400;
/// Families of netlink: links, addresses, routes, rules; nftables; IPVS.
const ROUTE: u16 = 0;
const NETFILTER: u16 = 12;
const GENERIC: u16 = 16;

/// An attribute: its number, and its value.
type Attribute<'a> = (u16, &'a [u8]);

/// `+` makes, `-` removes, `~` changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Write {
    pub sign: char,
    pub what: String,
}

#[derive(Clone)]
pub struct Tap {
    socket: Arc<OwnedFd>,
    writes: Arc<Mutex<Vec<Write>>>,
}

/// What numbers mean in the node.
struct Names {
    interfaces: HashMap<u32, String>,
    ipvs: u16,
}

impl Tap {
    pub fn on(node: &Node) -> Self {
        modules::bring(&["nlmon"]);
        node.ip(&format!("link add {LINK} type nlmon\nlink set {LINK} up\n"));
        let ipvs = Kernel::of(node).family();
        let tap = Self {
            socket: Arc::new(node.within(listen)),
            writes: Arc::default(),
        };
        let (keeper, pid) = (tap.clone(), node.pid());
        thread::spawn(move || {
            super::enter(pid);
            let mut names = Names {
                interfaces: HashMap::new(),
                ipvs,
            };
            let mut buffer = vec![0; 1 << 18];
            loop {
                while !readable(&keeper.socket, PollTimeout::NONE) {}
                // Who asks finds a request in the kernel or among those read.
                let mut found = keeper.writes.lock().expect("writes");
                let Ok((length, from)) = recvfrom::<LinkAddr>(keeper.socket.as_raw_fd(), &mut buffer) else {
                    continue;
                };
                let Some(family) = from.map(|from| u16::from_be(from.protocol())) else {
                    continue;
                };
                for message in messages(&buffer[..length]) {
                    found.extend(write(family, message, &mut names));
                }
            }
        });
        tap
    }

    /// How many there were so far.
    pub fn count(&self) -> usize {
        self.writes().len()
    }

    /// Those since there were so many.
    pub fn since(&self, count: usize) -> Vec<Write> {
        self.writes()[count..].to_vec()
    }

    /// Those that were read, with all that there were when it was asked for.
    fn writes(&self) -> MutexGuard<'_, Vec<Write>> {
        loop {
            let writes = self.writes.lock().expect("writes");
            if !readable(&self.socket, PollTimeout::ZERO) {
                return writes;
            }
            drop(writes);
            sleep(Duration::from_millis(1));
        }
    }
}

fn listen() -> OwnedFd {
    let socket = socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::EthAll,
    );
    let socket = socket.expect("a packet socket");
    setsockopt(&socket, sockopt::RcvBufForce, &(8 << 20)).expect("a large buffer");
    setsockopt(&socket, sockopt::BindToDevice, &LINK.into()).expect("the link");
    socket
}

fn messages(mut octets: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while octets.len() >= 16 {
        let length = number(octets, 0) as usize;
        let Some(message) = octets.get(..length).filter(|message| message.len() >= 16) else {
            break;
        };
        all.push(message);
        octets = &octets[length.next_multiple_of(4).min(octets.len())..];
    }
    all
}

/// What a request changes; nothing of questions, answers and news.
fn write(family: u16, message: &[u8], names: &mut Names) -> Option<Write> {
    let (kind, flags) = (short(message, 4), short(message, 6));
    (flags & REQUEST != 0 && kind >= 16).then_some(())?;
    let body = &message[16..];
    match family {
        ROUTE => {
            let sign = match (kind - 16) % 4 {
                0 if kind == 16 && flags & CREATE == 0 => '~',
                0 => '+',
                1 => '-',
                3 => '~',
                _ => return None,
            };
            let what = match (kind - 16) / 4 {
                0 => link(body, names),
                1 => address(body, names),
                2 => route(body),
                4 => rule(body),
                _ => format!("request {kind}"),
            };
            Some(Write { sign, what })
        }
        GENERIC if kind == names.ipvs => ipvs(body),
        // Without its questions.
        NETFILTER if kind >> 8 == 10 && ![1, 4, 7, 10, 13, 16, 19, 21, 23].contains(&(kind & 0xff)) => {
            Some(Write {
                sign: '~',
                what: format!("nftables {}", kind & 0xff),
            })
        }
        _ => None,
    }
}

fn link(body: &[u8], names: &mut Names) -> String {
    let all = attributes(&body[16..]);
    let name = value(&all, 3).map_or_else(|| names.of(number(body, 4)), text);
    format!("link {name}")
}

fn address(body: &[u8], names: &mut Names) -> String {
    let all = attributes(&body[8..]);
    let address = ip(value(&all, 2).or_else(|| value(&all, 1)).expect("an address"));
    let interface = names.of(number(body, 4));
    format!("address {address}/{} dev {interface}", body[1])
}

fn route(body: &[u8]) -> String {
    let all = attributes(&body[12..]);
    let to = value(&all, 1).map_or_else(|| "default".into(), |to| format!("{}/{}", ip(to), body[1]));
    let via = value(&all, 5).map_or_else(String::new, |via| format!(" via {}", ip(via)));
    format!("route {to}{via} table {}", table(&all, body[4]))
}

fn rule(body: &[u8]) -> String {
    let all = attributes(&body[12..]);
    let from = value(&all, 2).map_or_else(|| "all".into(), |from| format!("{}/{}", ip(from), body[2]));
    let priority = value(&all, 6).map_or(0, |priority| number(priority, 0));
    format!("rule {priority} from {from} table {}", table(&all, body[4]))
}

fn table(all: &[Attribute<'_>], short: u8) -> u32 {
    value(all, 15).map_or_else(|| short.into(), |table| number(table, 0))
}

fn ipvs(body: &[u8]) -> Option<Write> {
    let all = attributes(&body[4..]);
    let service = || {
        let service = attributes(value(&all, 1).expect("a service"));
        match value(&service, 5) {
            Some(mark) => format!("FWM {}", number(mark, 0)),
            None => end(
                value(&service, 1),
                value(&service, 3),
                value(&service, 4),
                value(&service, 2),
            ),
        }
    };
    let real = |weighed: bool| {
        let dest = attributes(value(&all, 2).expect("a destination"));
        let kept = attributes(value(&all, 1).expect("a service"));
        let family = value(&dest, 11).or_else(|| value(&kept, 1));
        let name = end(family, value(&dest, 1), value(&dest, 2), value(&kept, 2));
        let weight = value(&dest, 4).filter(|_| weighed);
        let weight = weight.map_or_else(String::new, |weight| format!(" weight {}", number(weight, 0)));
        format!("real {name} of {}{weight}", service())
    };
    let (sign, what) = match body[0] {
        1 => ('+', format!("service {}", service())),
        2 => ('~', format!("service {}", service())),
        3 => ('-', format!("service {}", service())),
        5 => ('+', real(true)),
        6 => ('~', real(true)),
        7 => ('-', real(false)),
        9 => ('+', daemon(&all)),
        10 => ('-', daemon(&all)),
        12 => ('~', "timeouts".into()),
        4 | 8 | 11 | 13 | 15 => return None,
        other => ('~', format!("IPVS command {other}")),
    };
    Some(Write { sign, what })
}

/// One of the kernel's daemons that tell of connections.
fn daemon(all: &[Attribute<'_>]) -> String {
    let daemon = attributes(value(all, 3).expect("a daemon"));
    match value(&daemon, 1).map(|role| number(role, 0)) {
        Some(1) => "sync daemon master".into(),
        Some(2) => "sync daemon backup".into(),
        role => format!("sync daemon {role:?}"),
    }
}

/// keepalived's name of an end.
fn end(
    family: Option<&[u8]>,
    address: Option<&[u8]>,
    port: Option<&[u8]>,
    protocol: Option<&[u8]>,
) -> String {
    let length = match family.map(|family| short(family, 0)) {
        Some(10) => 16,
        _ => 4,
    };
    let address = ip(&address.expect("an address")[..length]);
    let port = port.expect("a port");
    let protocol = match protocol.map(|protocol| short(protocol, 0)) {
        Some(6) => "tcp",
        Some(17) => "udp",
        _ => "none",
    };
    format!(
        "[{address}]:{protocol}:{}",
        u16::from_be_bytes([port[0], port[1]])
    )
}

impl Names {
    /// An interface may have been made since they were looked up.
    fn of(&mut self, index: u32) -> String {
        if !self.interfaces.contains_key(&index) {
            let all = if_nameindex().expect("interfaces");
            self.interfaces = all
                .iter()
                .map(|one| (one.index(), one.name().to_string_lossy().into_owned()))
                .collect();
        }
        self.interfaces
            .get(&index)
            .cloned()
            .unwrap_or_else(|| format!("#{index}"))
    }
}

fn attributes(mut octets: &[u8]) -> Vec<Attribute<'_>> {
    let mut all = Vec::new();
    while octets.len() >= 4 {
        let length = usize::from(short(octets, 0));
        let Some(value) = octets.get(4..length) else { break };
        all.push((short(octets, 2) & 0x3fff, value));
        octets = &octets[length.next_multiple_of(4).min(octets.len())..];
    }
    all
}

fn value<'a>(all: &[Attribute<'a>], kind: u16) -> Option<&'a [u8]> {
    all.iter()
        .find(|(found, _)| *found == kind)
        .map(|(_, value)| *value)
}

fn ip(octets: &[u8]) -> IpAddr {
    match <[u8; 16]>::try_from(octets) {
        Ok(octets) => Ipv6Addr::from(octets).into(),
        Err(_) => Ipv4Addr::from(<[u8; 4]>::try_from(octets).expect("an address")).into(),
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).trim_end_matches('\0').to_owned()
}

fn short(octets: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([octets[at], octets[at + 1]])
}

fn number(octets: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(octets[at..at + 4].try_into().expect("four octets"))
}
