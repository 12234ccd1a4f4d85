//! The table of IPVS as a value.

use crate::net::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
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

    /// The protocol of an address; a mark has none.
    pub const fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Address { protocol, .. } => Some(*protocol),
            Self::FwMark { .. } => None,
        }
    }

    /// Where the kernel shall find a server of this service: at its own port for NAT, at the packet's otherwise, which
    /// is 0 for a mark (facts 2.12, 2.25). IPVS knows no scope of an IPv6 address.
    pub const fn server_address(&self, forward: ForwardMethod, server: SocketAddr) -> SocketAddr {
        let port = match (forward, self) {
            (ForwardMethod::Nat, _) => server.port(),
            (ForwardMethod::Dr | ForwardMethod::Tun(_), Self::Address { address, .. }) => address.port(),
            (ForwardMethod::Dr | ForwardMethod::Tun(_), Self::FwMark { .. }) => 0,
        };
        SocketAddr::new(server.ip(), port)
    }
}

/// keepalived's name of a service (fact 1.2): `[192.0.2.1]:tcp:80` or `FWM 5`.
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

/// Which virtual server: after a reload the same one is the one with the same of these (fact 16.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerId {
    /// One that stands for this service.
    Service(ServiceKey),
    /// One that stands for a group.
    Group {
        /// The group.
        name: Arc<str>,
        /// Its number among those of the same group, from 0.
        number: u32,
    },
}

/// keepalived's name of a virtual server (fact 1.2): that of its service, or `[web]:0`.
impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(key) => key.fmt(f),
            Self::Group { name, number } => write!(f, "[{name}]:{number}"),
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
    /// `persistence_granularity`
    pub granularity: Granularity,
    /// `persistence_engine`, such as `sip`.
    pub engine: Option<String>,
}

/// Which clients are one to a persistent service.
///
/// Each has one form: a mask or prefix that is all of the address is [`Granularity::Address`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// Each address is a client of its own.
    #[default]
    Address,
    /// IPv4: those whose addresses have these bits in common. A mask may have holes.
    Mask(Ipv4Addr),
    /// IPv6: those whose addresses have so many leading bits in common.
    Prefix(u8),
}

impl Granularity {
    /// That of an IPv4 service with this mask.
    pub fn mask(mask: Ipv4Addr) -> Self {
        if mask == Ipv4Addr::BROADCAST {
            Self::Address
        } else {
            Self::Mask(mask)
        }
    }

    /// That of an IPv6 service with this prefix length.
    pub const fn prefix(length: u8) -> Self {
        if length >= Family::V6.host_prefix() {
            Self::Address
        } else {
            Self::Prefix(length)
        }
    }

    /// What a service of this family has of it: the other family's is no part of it.
    pub const fn of(self, family: Family) -> Self {
        match (self, family) {
            (Self::Mask(_), Family::V4) | (Self::Prefix(_), Family::V6) => self,
            _ => Self::Address,
        }
    }
}

/// keepalived's form.
impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("none"),
            Self::Mask(mask) => mask.fmt(f),
            Self::Prefix(length) => length.fmt(f),
        }
    }
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

impl VirtualService {
    /// The same for a service of this family.
    pub fn of(&self, family: Family) -> Self {
        let mut own = self.clone();
        if let Some(persistence) = &mut own.persistence {
            persistence.granularity = persistence.granularity.of(family);
        }
        own
    }
}

/// How packets reach a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForwardMethod {
    /// `NAT`: address translation.
    Nat,
    /// `DR`: the frame is sent on to the server's MAC.
    Dr,
    /// `TUN`: the packet is wrapped for the server.
    Tun(Tunnel),
}

impl ForwardMethod {
    /// The kernel's connection flag: 0, 3, 2.
    pub const fn number(self) -> u32 {
        match self {
            Self::Nat => 0,
            Self::Tun(_) => 2,
            Self::Dr => 3,
        }
    }

    /// The configuration's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nat => "NAT",
            Self::Dr => "DR",
            Self::Tun(_) => "TUN",
        }
    }
}

/// How packets are wrapped for a real server behind a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// `type`
    pub kind: TunnelKind,
    /// `nocsum`, `csum`, `remcsum`; IP in IP has none.
    pub checksum: TunnelChecksum,
}

/// `type` of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// IP in IP.
    #[default]
    Ipip,
    /// Generic UDP encapsulation, to this port, never 0.
    Gue(u16),
    /// Generic routing encapsulation.
    Gre,
}

/// Checksums of a tunnel's own header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TunnelChecksum {
    /// `nocsum`
    #[default]
    None,
    /// `csum`
    Full,
    /// `remcsum`: remote checksum offload.
    Remote,
}

/// The configuration's words after `TUN`; none for IP in IP.
impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TunnelKind::Ipip => {}
            TunnelKind::Gue(port) => write!(f, " type gue port {port}")?,
            TunnelKind::Gre => f.write_str(" type gre")?,
        }
        f.write_str(match self.checksum {
            TunnelChecksum::None => "",
            TunnelChecksum::Full => " csum",
            TunnelChecksum::Remote => " remcsum",
        })
    }
}

/// The configuration's words for a method.
impl fmt::Display for ForwardMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Nat | Self::Dr => Ok(()),
            Self::Tun(tunnel) => tunnel.fmt(f),
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

/// What gives packets the mark of a service: all that is sent to these addresses and this port (fact 2.26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MarkRule {
    /// What it is sent by.
    pub protocol: Protocol,
    /// The first address.
    pub first: IpAddr,
    /// The last, of the same family.
    pub last: IpAddr,
    /// 0: every port.
    pub port: u16,
    /// The mark, never 0.
    pub mark: u32,
}

impl MarkRule {
    /// The service that the mark stands for.
    pub const fn service(&self) -> ServiceKey {
        ServiceKey::FwMark {
            family: Family::of(&self.first),
            mark: self.mark,
        }
    }

    /// The services without marks, one for each address, if there are no more than `room`.
    pub fn by_address(&self, room: usize) -> Option<impl Iterator<Item = ServiceKey>> {
        let Self { protocol, port, .. } = *self;
        let key = move |address| ServiceKey::Address {
            protocol,
            address: SocketAddr::new(address, port),
        };
        Some(walk(self.first, self.last, room)?.map(key))
    }
}

/// The addresses from the first to the last, if there are no more than `room`.
pub fn walk(first: IpAddr, last: IpAddr, room: usize) -> Option<impl Iterator<Item = IpAddr>> {
    let bits = |address| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let address = move |bits: u128| match first {
        IpAddr::V4(_) => Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(bits).into(),
    };
    let (first, last) = (bits(first), bits(last));
    let more = usize::try_from(last.checked_sub(first)?).ok()?;
    (more < room).then(|| (first..=last).map(address))
}

/// A group has this many services at most: a prefix of IPv6 may have more addresses than any memory.
pub const MOST_SERVICES: usize = 262_144;

/// What a virtual server wants of IPVS: all its services alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its services, each once; more than one when it stands for a group.
    pub services: Arc<[ServiceKey]>,
    /// Their settings.
    pub settings: VirtualService,
    /// The servers, by address and port as the virtual server has them.
    pub servers: Vec<(SocketAddr, Destination)>,
    /// What gives packets the marks of its services.
    pub marks: Arc<[MarkRule]>,
}

impl Wanted {
    /// What it wants of one of its services.
    pub fn entry(&self, key: &ServiceKey) -> ServiceEntry {
        let mut entry = ServiceEntry {
            service: self.settings.of(key.family()),
            destinations: BTreeMap::new(),
        };
        self.join(key, &mut entry);
        entry
    }

    /// The same without marks: every address is a service. Ranges that are too large for that have none.
    #[must_use]
    pub fn by_address(self) -> Self {
        if self.marks.is_empty() {
            return self;
        }
        let mut services = BTreeSet::new();
        for rule in &*self.marks {
            let room = MOST_SERVICES.saturating_sub(services.len());
            services.extend(rule.by_address(room).into_iter().flatten());
        }
        Self {
            services: services.into_iter().collect(),
            marks: Arc::new([]),
            ..self
        }
    }

    /// Adds its servers to a service that others want too (fact 2.22). Of two that the kernel cannot tell apart the one
    /// that takes more is there, the first of equals.
    pub fn join(&self, key: &ServiceKey, entry: &mut ServiceEntry) {
        for (address, server) in &self.servers {
            let address = key.server_address(server.forward, *address);
            let there = entry.destinations.entry(address).or_insert(*server);
            if there.weight < server.weight {
                *there = *server;
            }
        }
    }
}

/// keepalived's name of a real server (fact 1.1): `[192.0.2.5]:tcp:80`, with `none` where no protocol is.
pub fn real_server_name(protocol: Option<Protocol>, address: SocketAddr) -> String {
    let protocol = protocol.map_or("none", Protocol::word);
    format!("[{}]:{protocol}:{}", address.ip(), address.port())
}
