//! What a virtual server stands for: a service of IPVS, or a group of them.

use super::group::Group;
use super::{Builder, default_taken, no_real_servers};
use crate::check::config::Target;
use crate::conf::config::{ServerGroup, ServerName, VirtualServer};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::ipvs::model::{ForwardMethod, Protocol, ServiceKey, real_server_name};
use crate::net::Family;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The key of a service, or a group.
pub(super) enum Aim<'a> {
    /// One service.
    Key(ServiceKey),
    /// As many as the group has addresses and marks.
    Group(Group<'a>),
}

/// keepalived's name of a virtual server (fact 1.2).
impl fmt::Display for Aim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Group(group) => group.fmt(f),
        }
    }
}

impl<'a> Aim<'a> {
    /// What `written` stands for; `None` when that is nothing, which has been said.
    pub(super) fn of(
        builder: &mut Builder<'a>,
        written: &'a VirtualServer,
        groups: &HashMap<&str, &'a ServerGroup>,
        numbers: &HashMap<Arc<str>, u32>,
    ) -> Option<Self> {
        let place = &written.name.place;
        if let ServerName::Group(name) = &written.name.value {
            let own = numbers.get(name.as_str()).copied().unwrap_or(0);
            if written.real_servers.is_empty() {
                no_real_servers(builder, &format!("[{name}]:{own}"), place);
                return None;
            }
            return Group::of(builder, written, name, own, groups).map(Self::Group);
        }
        if written.real_servers.is_empty() {
            no_real_servers(builder, &raw_name(written), place);
            return None;
        }
        key(builder, written).map(Self::Key)
    }

    pub(super) const fn family(&self) -> Option<Family> {
        match self {
            Self::Key(key) => Some(key.family()),
            Self::Group(group) => group.family,
        }
    }

    /// Of a service by address.
    pub(super) const fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Key(ServiceKey::Address { protocol, .. }) => Some(*protocol),
            Self::Key(ServiceKey::FwMark { .. }) => None,
            Self::Group(group) => group.protocol,
        }
    }

    /// Whether a mark is among what it stands for.
    pub(super) fn has_mark(&self) -> bool {
        match self {
            Self::Key(key) => matches!(key, ServiceKey::FwMark { .. }),
            Self::Group(group) => group.has_mark(),
        }
    }

    /// Whether an address of it is taken with all ports.
    pub(super) fn has_every_port(&self) -> bool {
        match self {
            Self::Key(key) => matches!(key, ServiceKey::Address { address, .. } if address.port() == 0),
            Self::Group(group) => group.has_every_port(),
        }
    }

    /// keepalived's name of a real server (fact 1.1).
    pub(super) fn real(&self, address: SocketAddr) -> String {
        real_server_name(self.protocol(), address)
    }

    /// Where the kernel shall find a server: its own port for NAT, the service's otherwise (fact 2.12). In a group, where
    /// services have their own ports, it stays as written.
    pub(super) fn kernel_address(&self, forward: ForwardMethod, written: SocketAddr) -> SocketAddr {
        match (self, forward) {
            (Self::Key(ServiceKey::Address { address, .. }), ForwardMethod::Nat) if written.port() == 0 => {
                SocketAddr::new(written.ip(), address.port())
            }
            (Self::Key(key), _) => key.server_address(forward, written),
            (Self::Group(_), _) => written,
        }
    }

    /// What the plan has of it.
    pub(super) fn settle(&self, builder: &mut Builder<'_>, written: &VirtualServer) -> Target {
        match self {
            Self::Key(key) => Target::Service(*key),
            Self::Group(group) => Target::Group(group.settle(builder, written)),
        }
    }
}

/// The name before the protocol is settled.
fn raw_name(written: &VirtualServer) -> String {
    match &written.name.value {
        ServerName::Address(address) => {
            let protocol = written
                .protocol
                .as_ref()
                .map_or("none", |protocol| protocol.value.word());
            format!("[{}]:{protocol}:{}", address.ip(), address.port())
        }
        ServerName::FwMark(mark) => format!("FWM {mark}"),
        ServerName::Group(name) => format!("[{name}]"),
    }
}

/// Facts 2.1, 2.2, 2.13.
fn key(builder: &mut Builder<'_>, written: &VirtualServer) -> Option<ServiceKey> {
    let place = &written.name.place;
    match written.name.value {
        ServerName::Address(address) => {
            let protocol = protocol(builder, written, &raw_name(written));
            Some(ServiceKey::Address { protocol, address })
        }
        ServerName::FwMark(0) => {
            builder.report(
                Class::General,
                place,
                "fwmark 0 cannot be a virtual server - ignoring",
            );
            None
        }
        ServerName::FwMark(mark) => {
            no_protocol(builder, written, &raw_name(written));
            Some(ServiceKey::FwMark {
                family: mark_family(written),
                mark,
            })
        }
        ServerName::Group(_) => None,
    }
}

/// The protocol of addresses: UDP unless it is said.
pub(super) fn protocol(builder: &mut Builder<'_>, written: &VirtualServer, name: &str) -> Protocol {
    if let Some(protocol) = &written.protocol {
        return protocol.value;
    }
    let message = format!("Virtual server {name}: no protocol set - defaulting to UDP");
    default_taken(builder, written, written.misread.protocol.as_ref(), message);
    Protocol::Udp
}

/// Marks have none.
pub(super) fn no_protocol(builder: &mut Builder<'_>, written: &VirtualServer, name: &str) {
    if let Some(protocol) = &written.protocol {
        let message = format!(
            "Warning: Virtual server {name}: protocol specified for fwmark - protocol will be ignored"
        );
        let found = Diagnostic::new(Class::Warning, Some(protocol.place.clone()), message);
        let help = "without the line it is the same: the mark decides";
        builder
            .diagnostics
            .push(found.about(Topic::LvsFwmarkProtocol).with_help(help));
    }
}

/// What is known, otherwise the family that all servers behind tunnels have, otherwise IPv4.
pub(super) fn mark_family(written: &VirtualServer) -> Family {
    written
        .family
        .or_else(|| common_family(written))
        .unwrap_or(Family::V4)
}

/// The family of all real servers and the sorry server, if they have one.
fn common_family(written: &VirtualServer) -> Option<Family> {
    let reals = written.real_servers.iter().map(|real| real.address.value.ip());
    let sorry = written.sorry_server.iter().map(|sorry| sorry.address.value.ip());
    let mut families = reals.chain(sorry).map(|address: IpAddr| Family::of(&address));
    let first = families.next()?;
    families.all(|family| family == first).then_some(first)
}
