//! A virtual server that stands for a group (facts 2.21 to 2.25).

use super::Builder;
use super::target::{mark_family, no_protocol, protocol};
use crate::check::config::GroupTarget;
use crate::conf::config::{GroupEntry, ServerGroup, Spanned, VirtualServer};
use crate::conf::diag::{Class, Diagnostic, Place, Topic};
use crate::ipvs::model::{ForwardMethod, MOST_SERVICES, MarkRule, Protocol, ServiceKey, walk};
use crate::net::Family;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The group of a virtual server.
pub(super) struct Group<'a> {
    written: &'a ServerGroup,
    has_mark: bool,
    has_every_port: bool,
    /// The first entry with a port, and the first with another one: no server's port fits both.
    ports: [Option<Entry<'a>>; 2],
    /// How many virtual servers of this group stand before.
    pub(super) number: u32,
    pub(super) family: Option<Family>,
    pub(super) protocol: Option<Protocol>,
}

/// An entry with addresses.
#[derive(Clone, Copy)]
struct Entry<'a> {
    place: &'a Place,
    first: IpAddr,
    last: IpAddr,
    port: u16,
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]:{}", self.name(), self.number)
    }
}

impl<'a> Group<'a> {
    /// The group `name`; `None` when there is none that fits, which keepalived says in its log only.
    pub(super) fn of(
        builder: &mut Builder<'a>,
        written: &'a VirtualServer,
        name: &str,
        number: u32,
        groups: &HashMap<&str, &'a ServerGroup>,
    ) -> Option<Self> {
        let place = &written.name.place;
        let own = format!("[{name}]:{number}");
        let Some(group) = groups.get(name).copied() else {
            let message = format!(
                "Virtual server group {name} specified but not configured - ignoring virtual server {own}"
            );
            let found = Diagnostic::new(Class::Unheeded, Some(place.clone()), message);
            let help = format!("a block `virtual_server_group {name}`");
            builder
                .diagnostics
                .push(found.about(Topic::LvsGroup).with_help(help));
            return None;
        };
        let of = |family| {
            group
                .entries
                .iter()
                .any(|entry| entry.value.family() == Some(family))
        };
        let (v4, v6) = (of(Family::V4), of(Family::V6));
        let family = match (v4, v6) {
            (true, true) => None,
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            // Marks are of the family of the virtual server.
            (false, false) => written.family,
        };
        if written.family.is_some() && written.family != family {
            let families = match family {
                None => "IPv4 & IPv6",
                Some(Family::V4) => "IPv4",
                Some(Family::V6) => "IPv6",
            };
            let message = format!(
                "{name}: virtual server group with {families} doesn't match virtual server {own} - ignoring"
            );
            let found = Diagnostic::new(Class::Unheeded, Some(place.clone()), message).about(Topic::LvsGroup);
            let help = "only servers behind tunnels (TUN) may be of another family than the group";
            let found = found.with_help(help);
            let group = group.name.place.clone();
            builder.diagnostics.push(found.with_related(group, "the group"));
            return None;
        }
        let protocol = if entries(group).next().is_some() {
            Some(protocol(builder, written, &own))
        } else {
            no_protocol(builder, written, &own);
            None
        };
        let first = entries(group).next();
        let other = first.and_then(|first| entries(group).find(|entry| entry.port != first.port));
        let mark = |entry: &Spanned<GroupEntry>| matches!(entry.value, GroupEntry::FwMark { .. });
        Some(Self {
            written: group,
            has_mark: group.entries.iter().any(mark),
            has_every_port: entries(group).any(|entry| entry.port == 0),
            ports: [first, other],
            number,
            family,
            protocol,
        })
    }

    fn name(&self) -> &str {
        &self.written.name.value
    }

    /// What the plan has of it: every address of every entry is a service (fact 2.21), or all of them together are one,
    /// whose mark is handed out later (fact 2.26). keepalived does the latter for groups that have no marks of their own.
    pub(super) fn settle(&self, builder: &mut Builder<'_>, written: &VirtualServer) -> GroupTarget {
        let target = GroupTarget {
            name: self.name().into(),
            number: self.number,
            family: self.family,
            protocol: self.protocol,
            services: Arc::new([]),
            marks: Arc::new([]),
        };
        let marks = builder.config.global.shown.firewall.nftables_ipvs.is_some();
        if let Some(protocol) = self.protocol.filter(|_| marks && !self.has_mark) {
            let rule = |entry: Entry<'_>| MarkRule {
                protocol,
                first: entry.first,
                last: entry.last,
                port: entry.port,
                mark: 0,
            };
            return GroupTarget {
                marks: entries(self.written).map(rule).collect(),
                ..target
            };
        }
        let mut seen = HashSet::new();
        let mut services = Vec::new();
        for entry in &self.written.entries {
            let room = MOST_SERVICES.saturating_sub(services.len());
            match self.keys(&entry.value, written, room) {
                Ok(keys) => services.extend(keys.into_iter().filter(|key| seen.insert(*key))),
                Err(message) => {
                    let found = Diagnostic::new(Class::Unheeded, Some(entry.place.clone()), message);
                    builder.diagnostics.push(found.about(Topic::LvsGroup));
                }
            }
        }
        GroupTarget {
            services: services.into(),
            ..target
        }
    }

    /// The services of one entry, if there is room for them.
    fn keys(
        &self,
        entry: &GroupEntry,
        written: &VirtualServer,
        room: usize,
    ) -> Result<Vec<ServiceKey>, String> {
        match *entry {
            GroupEntry::FwMark { mark: 0, .. } => Err(format!("{self}: fwmark 0 is no mark - ignoring")),
            GroupEntry::FwMark { mark, family } => Ok(vec![ServiceKey::FwMark {
                family: family.or(self.family).unwrap_or_else(|| mark_family(written)),
                mark,
            }]),
            GroupEntry::Addresses { first, last, port } => {
                let protocol = self.protocol.unwrap_or(Protocol::Udp);
                let all = walk(first, last, room).ok_or_else(|| {
                    format!("{self}: {first}-{last} is too large for a service of each address - ignoring; a fwmark serves any number")
                })?;
                let key = |address| ServiceKey::Address {
                    protocol,
                    address: SocketAddr::new(address, port),
                };
                Ok(all.map(key).collect())
            }
        }
    }

    pub(super) const fn has_mark(&self) -> bool {
        self.has_mark
    }

    pub(super) const fn has_every_port(&self) -> bool {
        self.has_every_port
    }

    /// An entry with another port.
    fn other_than(&self, port: u16) -> Option<Entry<'a>> {
        self.ports.into_iter().flatten().find(|entry| entry.port != port)
    }

    /// What is to be said of the port of the real server `name` (`port` is not 0): it cannot be chosen behind DR and
    /// TUN. One message a server, however many entries have another port.
    pub(super) fn port_mismatch(&self, forward: ForwardMethod, name: &str, port: u16) -> Option<Diagnostic> {
        if forward == ForwardMethod::Nat {
            return None;
        }
        if self.has_mark {
            let message = format!(
                "WARNING - fwmark virtual server {self}, real server {name} has port specified - port will be ignored"
            );
            return Some(Diagnostic::new(Class::Warning, None, message));
        }
        let Entry {
            place,
            first,
            last,
            port: other,
        } = self.other_than(port)?;
        let range = if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        };
        let message =
            format!("virtual server {self}:[{range},{other}] and real server {name} ports don't match");
        let found = Diagnostic::new(Class::Warning, None, message);
        Some(found.with_related(place.clone(), "the entry of the group"))
    }

    /// The same for a sorry server.
    pub(super) fn sorry_mismatch(&self, port: u16) -> Option<String> {
        if self.has_mark {
            return Some(format!(
                "WARNING - fwmark virtual server {self}, sorry server has port specified - port will be ignored"
            ));
        }
        self.other_than(port)?;
        Some(format!(
            "WARNING - virtual server {self}, sorry server has port specified - port will be ignored"
        ))
    }
}

/// The entries of a group that are addresses.
fn entries(group: &ServerGroup) -> impl Iterator<Item = Entry<'_>> {
    group.entries.iter().filter_map(|entry| match entry.value {
        GroupEntry::Addresses { first, last, port } => Some(Entry {
            place: &entry.place,
            first,
            last,
            port,
        }),
        GroupEntry::FwMark { .. } => None,
    })
}
