//! IPVS in generic netlink: requests and answers as attributes, to and from the model.
//!
//! Numbers are the kernel's interface, `linux/ip_vs.h`. Ports, addresses and IPv4 netmasks are in network order,
//! everything else in the host's. Attributes that are not known, and answers that make no sense, are passed over:
//! other kernels send more, and a foreign service may be of a kind that the model does not have.

mod daemon;
mod stats;

use super::diff::Op;
use super::model::{
    Destination, ForwardMethod, Granularity, Persistence, Protocol, Scheduler, ServiceFlags, ServiceKey,
    Tunnel, TunnelChecksum, TunnelKind, VirtualService,
};
use crate::net::Family;
use netlink_packet_core::{
    DecodeError, Emitable, NLA_F_NESTED, Nla, NlaBuffer, NlasIterator, ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The family's name; asking for it makes the kernel load `ip_vs`.
pub const FAMILY: &str = "IPVS";
const VERSION: u8 = 1;

/// Commands.
pub mod command {
    /// Add a service.
    pub const NEW_SERVICE: u8 = 1;
    /// Change a service.
    pub const SET_SERVICE: u8 = 2;
    /// Delete a service.
    pub const DEL_SERVICE: u8 = 3;
    /// Dump the services.
    pub const GET_SERVICE: u8 = 4;
    /// Add a destination.
    pub const NEW_DEST: u8 = 5;
    /// Change a destination.
    pub const SET_DEST: u8 = 6;
    /// Delete a destination.
    pub const DEL_DEST: u8 = 7;
    /// Dump a service's destinations.
    pub const GET_DEST: u8 = 8;
    /// Start a daemon.
    pub const NEW_DAEMON: u8 = 9;
    /// Stop a daemon.
    pub const DEL_DAEMON: u8 = 10;
    /// Dump the sync daemons.
    pub const GET_DAEMON: u8 = 11;
    /// Change the timeouts; the answer to `GET_CONFIG`.
    pub const SET_CONFIG: u8 = 12;
    /// Ask for the timeouts.
    pub const GET_CONFIG: u8 = 13;
    /// The answer to `GET_INFO`.
    pub const SET_INFO: u8 = 14;
    /// Ask for the version.
    pub const GET_INFO: u8 = 15;
    /// Empty the table.
    pub const FLUSH: u8 = 17;
}

/// Attributes of a message.
mod attr {
    pub(super) const SERVICE: u16 = 1;
    pub(super) const DEST: u16 = 2;
    pub(super) const INFO_VERSION: u16 = 1;
}

/// Attributes of a service.
mod svc {
    pub(super) const AF: u16 = 1;
    pub(super) const PROTOCOL: u16 = 2;
    pub(super) const ADDR: u16 = 3;
    pub(super) const PORT: u16 = 4;
    pub(super) const FWMARK: u16 = 5;
    pub(super) const SCHED_NAME: u16 = 6;
    pub(super) const FLAGS: u16 = 7;
    pub(super) const TIMEOUT: u16 = 8;
    pub(super) const NETMASK: u16 = 9;
    pub(super) const PE_NAME: u16 = 11;
}

/// Attributes of a destination.
mod dest {
    pub(super) const ADDR: u16 = 1;
    pub(super) const PORT: u16 = 2;
    pub(super) const FWD_METHOD: u16 = 3;
    pub(super) const WEIGHT: u16 = 4;
    pub(super) const U_THRESH: u16 = 5;
    pub(super) const L_THRESH: u16 = 6;
    pub(super) const ADDR_FAMILY: u16 = 11;
    pub(super) const TUN_TYPE: u16 = 13;
    pub(super) const TUN_PORT: u16 = 14;
    pub(super) const TUN_FLAGS: u16 = 15;
}

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
/// The part of a connection's flags that is the forwarding method.
const FORWARD_MASK: u32 = 0x7;
/// The flags of a service that configuration can set; the kernel adds "hashed" (0x2).
const FLAG_MASK: u32 =
    ServiceFlags::ONE_PACKET | ServiceFlags::SCHED1 | ServiceFlags::SCHED2 | ServiceFlags::SCHED3;

/// A message of the family: a command and its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One of [`command`].
    pub command: u8,
    /// First-level attributes.
    pub attributes: Vec<Attribute>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    kind: u16,
    /// Its value is attributes; the kernel may or may not say so.
    nested: bool,
    value: Vec<u8>,
}

impl Attribute {
    const fn new(kind: u16, value: Vec<u8>) -> Self {
        Self {
            kind,
            nested: false,
            value,
        }
    }
}

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        self.value.len()
    }

    fn kind(&self) -> u16 {
        if self.nested {
            self.kind | NLA_F_NESTED
        } else {
            self.kind
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.value);
    }
}

impl Message {
    /// The request for a change.
    pub fn change(op: &Op) -> Self {
        match op {
            Op::AddService(key, service) => Self::about(
                command::NEW_SERVICE,
                service_key(key),
                Some(service_settings(key, service)),
                None,
            ),
            Op::EditService(key, service) => Self::about(
                command::SET_SERVICE,
                service_key(key),
                Some(service_settings(key, service)),
                None,
            ),
            Op::DeleteService(key) => Self::about(command::DEL_SERVICE, service_key(key), None, None),
            Op::AddDestination(key, address, server) => {
                let server = destination(address, Some(server));
                Self::about(command::NEW_DEST, service_key(key), None, Some(server))
            }
            Op::EditDestination(key, address, server) => {
                let server = destination(address, Some(server));
                Self::about(command::SET_DEST, service_key(key), None, Some(server))
            }
            Op::DeleteDestination(key, address) => Self::about(
                command::DEL_DEST,
                service_key(key),
                None,
                Some(destination(address, None)),
            ),
        }
    }

    /// The request for all services; to be sent as a dump.
    pub const fn services() -> Self {
        Self {
            command: command::GET_SERVICE,
            attributes: Vec::new(),
        }
    }

    /// The request for a service's destinations; to be sent as a dump.
    pub fn destinations(key: &ServiceKey) -> Self {
        Self::about(command::GET_DEST, service_key(key), None, None)
    }

    /// The request for the version.
    pub const fn info() -> Self {
        Self {
            command: command::GET_INFO,
            attributes: Vec::new(),
        }
    }

    fn about(
        command: u8,
        mut service: Vec<Attribute>,
        settings: Option<Vec<Attribute>>,
        server: Option<Vec<Attribute>>,
    ) -> Self {
        service.extend(settings.unwrap_or_default());
        let mut attributes = vec![nested(attr::SERVICE, &service)];
        attributes.extend(server.map(|server| nested(attr::DEST, &server)));
        Self { command, attributes }
    }

    /// The service that this message describes, if it describes one of a kind that we know.
    pub fn service(&self) -> Option<(ServiceKey, VirtualService)> {
        let service = self.inner(attr::SERVICE)?;
        let family = family(number16(&service, svc::AF)?)?;
        let key = match number32(&service, svc::FWMARK) {
            Some(mark) => ServiceKey::FwMark { family, mark },
            None => {
                let protocol = protocol(number16(&service, svc::PROTOCOL)?)?;
                let address = address(family, value(&service, svc::ADDR)?)?;
                let port = port(&service, svc::PORT)?;
                ServiceKey::Address {
                    protocol,
                    address: SocketAddr::new(address, port),
                }
            }
        };
        let flags = first32(value(&service, svc::FLAGS)?)?;
        let persistence = (flags & ServiceFlags::PERSISTENT != 0).then(|| Persistence {
            timeout: Duration::from_secs(u64::from(number32(&service, svc::TIMEOUT).unwrap_or(0))),
            granularity: granularity(family, value(&service, svc::NETMASK)),
            engine: text(&service, svc::PE_NAME),
        });
        let scheduler = Scheduler(text(&service, svc::SCHED_NAME).unwrap_or_default());
        Some((
            key,
            VirtualService {
                scheduler,
                flags: ServiceFlags(flags & FLAG_MASK),
                persistence,
            },
        ))
    }

    /// The destination that this message describes, if it describes one of a kind that we know. `service` is the
    /// family of its service, which an old kernel means when it gives none.
    pub fn destination(&self, service: Family) -> Option<(SocketAddr, Destination)> {
        let server = self.inner(attr::DEST)?;
        let family = match number16(&server, dest::ADDR_FAMILY) {
            Some(af) if af != 0 => family(af)?,
            Some(_) | None => service,
        };
        let address = SocketAddr::new(
            address(family, value(&server, dest::ADDR)?)?,
            port(&server, dest::PORT)?,
        );
        let forward = match number32(&server, dest::FWD_METHOD)? & FORWARD_MASK {
            0 => ForwardMethod::Nat,
            2 => ForwardMethod::Tun(tunnel(&server)?),
            3 => ForwardMethod::Dr,
            // Local node and bypass: the kernel's own.
            _ => return None,
        };
        let server = Destination {
            forward,
            weight: number32(&server, dest::WEIGHT)?,
            upper: number32(&server, dest::U_THRESH).unwrap_or(0),
            lower: number32(&server, dest::L_THRESH).unwrap_or(0),
        };
        Some((address, server))
    }

    /// The version that this message tells: major, minor, patch.
    pub fn version_told(&self) -> Option<(u8, u8, u8)> {
        let [_, major, minor, patch] = number32(&self.attributes, attr::INFO_VERSION)?.to_be_bytes();
        Some((major, minor, patch))
    }

    fn inner(&self, kind: u16) -> Option<Vec<Attribute>> {
        parse_all(value(&self.attributes, kind)?).ok()
    }
}

impl GenlFamily for Message {
    fn family_name() -> &'static str {
        FAMILY
    }

    fn command(&self) -> u8 {
        self.command
    }

    fn version(&self) -> u8 {
        VERSION
    }
}

impl Emitable for Message {
    fn buffer_len(&self) -> usize {
        self.attributes.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attributes.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Message {
    fn parse_with_param(buffer: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        Ok(Self {
            command: header.cmd,
            attributes: parse_all(buffer)?,
        })
    }
}

/// What the kernel finds a service by.
fn service_key(key: &ServiceKey) -> Vec<Attribute> {
    let af = Attribute::new(svc::AF, af(key.family()).to_ne_bytes().into());
    match key {
        ServiceKey::Address { protocol, address } => vec![
            af,
            Attribute::new(svc::PROTOCOL, protocol.number().to_ne_bytes().into()),
            Attribute::new(svc::ADDR, octets(address.ip())),
            Attribute::new(svc::PORT, address.port().to_be_bytes().into()),
        ],
        ServiceKey::FwMark { mark, .. } => vec![af, Attribute::new(svc::FWMARK, mark.to_ne_bytes().into())],
    }
}

/// Everything else of a service; the kernel wants all of it in every add and edit.
fn service_settings(key: &ServiceKey, service: &VirtualService) -> Vec<Attribute> {
    let persistence = service.persistence.as_ref();
    let persistent = persistence.map_or(0, |_| ServiceFlags::PERSISTENT);
    let flags = (service.flags.0 & FLAG_MASK) | persistent;
    // Flags and the mask of those that are meant: all.
    let flags = [flags.to_ne_bytes(), u32::MAX.to_ne_bytes()].concat();
    let timeout = persistence.map_or(0, |p| u32::try_from(p.timeout.as_secs()).unwrap_or(u32::MAX));
    let engine = persistence.and_then(|p| p.engine.as_deref());
    let mut settings = vec![Attribute::new(svc::SCHED_NAME, terminated(&service.scheduler.0))];
    settings.extend(engine.map(|engine| Attribute::new(svc::PE_NAME, terminated(engine))));
    settings.extend([
        Attribute::new(svc::FLAGS, flags),
        Attribute::new(svc::TIMEOUT, timeout.to_ne_bytes().into()),
        Attribute::new(
            svc::NETMASK,
            netmask(
                key.family(),
                persistence.map_or_else(Granularity::default, |p| p.granularity),
            ),
        ),
    ]);
    settings
}

fn destination(address: &SocketAddr, server: Option<&Destination>) -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::new(
            dest::ADDR_FAMILY,
            af(Family::of(&address.ip())).to_ne_bytes().into(),
        ),
        Attribute::new(dest::ADDR, octets(address.ip())),
        Attribute::new(dest::PORT, address.port().to_be_bytes().into()),
    ];
    if let Some(server) = server {
        attributes.extend([
            Attribute::new(dest::FWD_METHOD, server.forward.number().to_ne_bytes().into()),
            Attribute::new(dest::WEIGHT, server.weight.to_ne_bytes().into()),
            Attribute::new(dest::U_THRESH, server.upper.to_ne_bytes().into()),
            Attribute::new(dest::L_THRESH, server.lower.to_ne_bytes().into()),
        ]);
        if let ForwardMethod::Tun(tunnel) = server.forward {
            attributes.extend(tunnel_settings(tunnel));
        }
    }
    attributes
}

/// What makes a tunnel of another kind than IP in IP, which is what a kernel takes that is told nothing.
fn tunnel_settings(tunnel: Tunnel) -> Vec<Attribute> {
    if tunnel == Tunnel::default() {
        return Vec::new();
    }
    let (kind, port): (u8, u16) = match tunnel.kind {
        TunnelKind::Ipip => (0, 0),
        TunnelKind::Gue(port) => (1, port),
        TunnelKind::Gre => (2, 0),
    };
    let checksum: u16 = match tunnel.checksum {
        TunnelChecksum::None => 0,
        TunnelChecksum::Full => 1,
        TunnelChecksum::Remote => 2,
    };
    vec![
        Attribute::new(dest::TUN_TYPE, vec![kind]),
        Attribute::new(dest::TUN_PORT, port.to_be_bytes().into()),
        Attribute::new(dest::TUN_FLAGS, checksum.to_ne_bytes().into()),
    ]
}

/// The tunnel to a destination, if it is of a kind that we know. A kernel before 5.3 has one kind and tells none.
fn tunnel(server: &[Attribute]) -> Option<Tunnel> {
    let kind = match value(server, dest::TUN_TYPE).and_then(<[u8]>::first) {
        None | Some(0) => TunnelKind::Ipip,
        Some(1) => TunnelKind::Gue(port(server, dest::TUN_PORT)?),
        Some(2) => TunnelKind::Gre,
        Some(_) => return None,
    };
    let checksum = match number16(server, dest::TUN_FLAGS) {
        None | Some(0) => TunnelChecksum::None,
        Some(1) => TunnelChecksum::Full,
        Some(2) => TunnelChecksum::Remote,
        Some(_) => return None,
    };
    Some(Tunnel { kind, checksum })
}

fn nested(kind: u16, attributes: &[Attribute]) -> Attribute {
    let mut buffer = vec![0; attributes.buffer_len()];
    attributes.emit(&mut buffer);
    Attribute {
        kind,
        nested: true,
        value: buffer,
    }
}

fn parse_all(buffer: &[u8]) -> Result<Vec<Attribute>, DecodeError> {
    let plain = |nla: NlaBuffer<&[u8]>| Attribute {
        kind: nla.kind(),
        nested: false,
        value: nla.value().into(),
    };
    NlasIterator::new(buffer).map(|nla| nla.map(plain)).collect()
}

/// The value of the first attribute of this kind.
fn value(attributes: &[Attribute], kind: u16) -> Option<&[u8]> {
    attributes
        .iter()
        .find(|attribute| attribute.kind == kind)
        .map(|attribute| attribute.value.as_slice())
}

const fn af(family: Family) -> u16 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

const fn family(af: u16) -> Option<Family> {
    match af {
        AF_INET => Some(Family::V4),
        AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

fn protocol(number: u16) -> Option<Protocol> {
    [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
        .into_iter()
        .find(|protocol| protocol.number() == number)
}

/// The kernel's union of addresses: 16 octets, an IPv4 address in the first 4.
fn octets(address: IpAddr) -> Vec<u8> {
    let mut union = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    union.resize(16, 0);
    union
}

fn address(family: Family, octets: &[u8]) -> Option<IpAddr> {
    Some(match family {
        Family::V4 => Ipv4Addr::from(*octets.first_chunk::<4>()?).into(),
        Family::V6 => Ipv6Addr::from(*octets.first_chunk::<16>()?).into(),
    })
}

/// IPv4: a mask in network order. IPv6: the length of the prefix, as a number.
fn netmask(family: Family, granularity: Granularity) -> Vec<u8> {
    match (family, granularity) {
        (Family::V4, Granularity::Mask(mask)) => mask.octets().into(),
        (Family::V4, _) => Ipv4Addr::BROADCAST.octets().into(),
        (Family::V6, Granularity::Prefix(length)) => u32::from(length).to_ne_bytes().into(),
        (Family::V6, _) => u32::from(Family::V6.host_prefix()).to_ne_bytes().into(),
    }
}

fn granularity(family: Family, mask: Option<&[u8]>) -> Granularity {
    let Some(mask) = mask.and_then(<[u8]>::first_chunk::<4>) else {
        return Granularity::Address;
    };
    match family {
        Family::V4 => Granularity::mask(Ipv4Addr::from(*mask)),
        Family::V6 => Granularity::prefix(u8::try_from(u32::from_ne_bytes(*mask)).unwrap_or(u8::MAX)),
    }
}

fn terminated(text: &str) -> Vec<u8> {
    let mut octets = text.as_bytes().to_vec();
    octets.push(0);
    octets
}

fn text(attributes: &[Attribute], kind: u16) -> Option<String> {
    let octets = value(attributes, kind)?;
    let end = octets
        .iter()
        .position(|&octet| octet == 0)
        .unwrap_or(octets.len());
    Some(String::from_utf8_lossy(octets.get(..end)?).into_owned())
}

fn number16(attributes: &[Attribute], kind: u16) -> Option<u16> {
    Some(u16::from_ne_bytes(*value(attributes, kind)?.first_chunk()?))
}

fn number32(attributes: &[Attribute], kind: u16) -> Option<u32> {
    first32(value(attributes, kind)?)
}

fn first32(octets: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(*octets.first_chunk()?))
}

fn port(attributes: &[Attribute], kind: u16) -> Option<u16> {
    Some(u16::from_be_bytes(*value(attributes, kind)?.first_chunk()?))
}

#[cfg(test)]
mod tests;
