//! The table of IPVS as a value.

use crate::net::Family;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A transport protocol of a virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP (6).
    Tcp,
    /// UDP (17).
    Udp,
    /// SCTP (132).
    Sctp,
}

impl Protocol {
    /// The IP protocol number.
    pub const fn number(self) -> u16 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// keepalived's lower-case word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// What names a virtual service in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// An address, a protocol and a port; port 0 means all ports.
    Address {
        /// Protocol.
        protocol: Protocol,
        /// Virtual address and port.
        address: SocketAddr,
    },
    /// A firewall mark.
    FwMark {
        /// The family of the packets that it takes.
        family: Family,
        /// The mark, never 0.
        mark: u32,
    },
}

impl ServiceKey {
    /// The family of the service.
    pub const fn family(&self) -> Family {
        match self {
            Self::Address {
                address: SocketAddr::V4(_),
                ..
            } => Family::V4,
            Self::Address {
                address: SocketAddr::V6(_),
                ..
            } => Family::V6,
            Self::FwMark { family, .. } => *family,
        }
    }

    /// The protocol word in names of servers: `none` for a mark.
    pub const fn protocol_word(&self) -> &'static str {
        match self {
            Self::Address { protocol, .. } => protocol.word(),
            Self::FwMark { .. } => "none",
        }
    }
}

/// keepalived's name of a virtual server (fact 1.2): `[192.0.2.1]:tcp:80` or `FWM 5`.
impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, address } => {
                write!(f, "[{}]:{}:{}", address.ip(), protocol.word(), address.port())
            }
            Self::FwMark { mark, .. } => write!(f, "FWM {mark}"),
        }
    }
}

/// The name of a kernel scheduler, such as `wlc`: 1 to 15 octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheduler(pub String);

/// Flags of a virtual service as the kernel numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ServiceFlags(pub u32);

impl ServiceFlags {
    /// Persistent.
    pub const PERSISTENT: u32 = 0x1;
    /// One-packet scheduling.
    pub const ONE_PACKET: u32 = 0x4;
    /// `flag-1`, `sh-fallback`, `mh-fallback`
    pub const SCHED1: u32 = 0x8;
    /// `flag-2`, `sh-port`, `mh-port`
    pub const SCHED2: u32 = 0x10;
    /// `flag-3`
    pub const SCHED3: u32 = 0x20;
}

/// Connections of a client stay with a real server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Persistence {
    /// `persistence_timeout`, whole seconds, at least 1.
    pub timeout: Duration,
    /// `persistence_granularity`: clients that share this many leading bits are one; 32 or 128 by default.
    pub prefix: u8,
    /// `persistence_engine`, such as `sip`.
    pub engine: Option<String>,
}

/// The settings of a virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualService {
    /// Scheduler.
    pub scheduler: Scheduler,
    /// Flags other than [`ServiceFlags::PERSISTENT`], which [`Self::persistence`] implies.
    pub flags: ServiceFlags,
    /// Persistence.
    pub persistence: Option<Persistence>,
}

/// How packets reach a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForwardMethod {
    /// `NAT`: address translation.
    Nat,
    /// `DR`: the frame is sent on to the server's MAC.
    Dr,
    /// `TUN`: IP in IP.
    Tun,
}

impl ForwardMethod {
    /// The kernel's connection flag: 0, 3, 2.
    pub const fn number(self) -> u32 {
        match self {
            Self::Nat => 0,
            Self::Tun => 2,
            Self::Dr => 3,
        }
    }

    /// The configuration's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nat => "NAT",
            Self::Dr => "DR",
            Self::Tun => "TUN",
        }
    }
}

/// The settings of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Forwarding method.
    pub forward: ForwardMethod,
    /// 0: no new connections. To 2147483647.
    pub weight: u32,
    /// `uthreshold`: no new connections above; 0: no limit.
    pub upper: u32,
    /// `lthreshold`
    pub lower: u32,
}

/// A service with its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Settings.
    pub service: VirtualService,
    /// By address and port as the kernel has them. A mark's destinations have port 0 unless NAT.
    pub destinations: BTreeMap<SocketAddr, Destination>,
}

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// By key.
    pub services: BTreeMap<ServiceKey, ServiceEntry>,
}

/// keepalived's name of a real server of a service (fact 1.1): `[192.0.2.5]:tcp:80`.
pub fn real_server_name(service: &ServiceKey, address: IpAddr, port: u16) -> String {
    format!("[{address}]:{}:{port}", service.protocol_word())
}
