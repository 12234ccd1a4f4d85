//! Between rtnetlink's messages and our values. Pure: reads and makes messages, sends none.
//!
//! Address requests are made here by hand: the crate's own builder would add a broadcast address that keepalived
//! does not set (fact 16.2).

use super::Change;
use crate::net::{
    AddressSpec, Cidr, Family, IfIndex, IfName, InterfaceAddress, InterfaceStatus, Lifetime, Mac,
};
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol, CacheInfo,
};
use rtnetlink::packet_route::link::{
    AfSpecInet6, AfSpecUnspec, LinkAttribute, LinkFlags, LinkLayerType, LinkMessage,
};
use rtnetlink::packet_route::route::RouteMessage;
use rtnetlink::packet_route::rule::RuleMessage;
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;

/// keepalived's number in `rt_protos`; marks the addresses that this daemon made (fact 16.1).
pub const PROTOCOL: u8 = 18;

/// For ever, in an address's lifetimes.
const FOREVER: u32 = u32::MAX;

/// A change to be asked of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub message: RouteNetlinkMessage,
    /// How, beside the flags of every request.
    pub flags: u16,
}

/// A route or a rule, as the kernel tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A route.
    Route(Box<RouteMessage>),
    /// A rule.
    Rule(Box<RuleMessage>),
}

/// What a message of the kernel says of routes and rules that are gone.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate's enum has a variant for every kind of message there is"
)]
pub fn lost(message: &RouteNetlinkMessage) -> Option<Way> {
    match message {
        RouteNetlinkMessage::DelRoute(route) => Some(Way::Route(Box::new(route.clone()))),
        RouteNetlinkMessage::DelRule(rule) => Some(Way::Rule(Box::new(rule.clone()))),
        _ => None,
    }
}

/// What a message of the kernel says of routes and rules that are there.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate's enum has a variant for every kind of message there is"
)]
pub fn there(message: &RouteNetlinkMessage) -> Option<Way> {
    match message {
        RouteNetlinkMessage::NewRoute(route) => Some(Way::Route(Box::new(route.clone()))),
        RouteNetlinkMessage::NewRule(rule) => Some(Way::Rule(Box::new(rule.clone()))),
        _ => None,
    }
}

/// What a message of the kernel says, if it is about links or addresses.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate's enum has a variant for every kind of message there is"
)]
pub fn read(message: &RouteNetlinkMessage) -> Option<Change> {
    match message {
        RouteNetlinkMessage::NewLink(link) => read_link(link),
        RouteNetlinkMessage::DelLink(link) => {
            plain(link).then_some(Change::LinkGone(IfIndex(link.header.index)))
        }
        RouteNetlinkMessage::NewAddress(address) => read_address(address).map(|found| {
            let interface = IfIndex(address.header.index);
            if is_duplicate(address) {
                Change::Duplicate {
                    interface,
                    cidr: found.cidr,
                }
            } else {
                Change::Address {
                    interface,
                    address: found,
                }
            }
        }),
        RouteNetlinkMessage::DelAddress(address) => read_address(address).map(|found| Change::AddressGone {
            interface: IfIndex(address.header.index),
            cidr: found.cidr,
        }),
        _ => None,
    }
}

/// The request that installs `spec` on the interface `index` (facts 16.1, 16.2).
pub fn add(spec: &AddressSpec, index: IfIndex) -> AddressMessage {
    let mut message = naming(spec, index);
    message.header.scope = spec.scope.0.into();
    let attributes = &mut message.attributes;
    if let Some(broadcast) = spec.broadcast {
        attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    if let Some(label) = &spec.label {
        attributes.push(AddressAttribute::Label(label.clone()));
    }
    let flags = flags(spec);
    if !flags.is_empty() {
        // Those that fit into the header's eight bits are in both, as in keepalived's requests.
        message.header.flags =
            AddressHeaderFlags::from_bits_truncate(u8::try_from(flags.bits() & 0xff).unwrap_or(0));
        attributes.push(AddressAttribute::Flags(flags));
    }
    let preferred = match spec.options.preferred {
        None | Some(Lifetime::Forever) => FOREVER,
        Some(Lifetime::Seconds(seconds)) => seconds,
    };
    if preferred != FOREVER {
        // With 0 it is deprecated: never chosen as a source by itself.
        let mut lifetimes = CacheInfo::default();
        lifetimes.ifa_preferred = preferred;
        lifetimes.ifa_valid = FOREVER;
        attributes.push(AddressAttribute::CacheInfo(lifetimes));
    }
    attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)));
    message
}

/// The options that are flags of the kernel's.
fn flags(spec: &AddressSpec) -> AddressFlags {
    let options = &spec.options;
    let mut flags = AddressFlags::empty();
    flags.set(
        AddressFlags::Nodad,
        spec.cidr.family() == Family::V6 && !options.dad,
    );
    flags.set(AddressFlags::Homeaddress, options.home);
    flags.set(AddressFlags::Managetempaddr, options.mngtmpaddr);
    flags.set(AddressFlags::Noprefixroute, options.noprefixroute);
    flags.set(AddressFlags::Mcautojoin, options.autojoin);
    flags
}

/// The request that removes `spec` from the interface `index`.
pub fn delete(spec: &AddressSpec, index: IfIndex) -> AddressMessage {
    naming(spec, index)
}

/// The part of a request that names the address.
fn naming(spec: &AddressSpec, index: IfIndex) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match spec.cidr.family() {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    };
    message.header.prefix_len = spec.cidr.prefix;
    message.header.index = index.0;
    message.attributes = vec![
        AddressAttribute::Local(spec.cidr.addr),
        AddressAttribute::Address(spec.options.peer.unwrap_or(spec.cidr.addr)),
    ];
    message
}

/// Whether the message is about a link as such, and not about its part in a bridge.
fn plain(link: &LinkMessage) -> bool {
    link.header.interface_family == AddressFamily::Unspec
}

fn read_link(link: &LinkMessage) -> Option<Change> {
    if !plain(link) {
        return None;
    }
    let (mut name, mut address, mut mtu, mut forwards_v6) = (None, None, 0, None);
    for attribute in &link.attributes {
        if let LinkAttribute::IfName(text) = attribute {
            name = IfName::new(text);
        } else if let LinkAttribute::Address(octets) = attribute {
            address = octets.first_chunk::<6>().filter(|mac| octets.len() == mac.len());
        } else if let LinkAttribute::Mtu(octets) = attribute {
            mtu = *octets;
        } else if let LinkAttribute::AfSpecUnspec(families) = attribute {
            forwards_v6 = families.iter().find_map(forwarding);
        }
    }
    let flags = link.header.flags;
    let ethernet = link.header.link_layer_type == LinkLayerType::Ether;
    let status = InterfaceStatus {
        name: name?,
        index: IfIndex(link.header.index),
        mac: address
            .filter(|mac| ethernet && **mac != [0; 6])
            .map(|mac| Mac(*mac)),
        mtu,
        up: flags.contains(LinkFlags::Up | LinkFlags::Running),
        multicast: flags.contains(LinkFlags::Multicast),
        noarp: flags.contains(LinkFlags::Noarp),
        loopback: flags.contains(LinkFlags::Loopback),
        addresses: Vec::new(),
        made: super::link::traits(link),
    };
    Some(Change::Link { status, forwards_v6 })
}

fn forwarding(family: &AfSpecUnspec) -> Option<bool> {
    let AfSpecUnspec::Inet6(parts) = family else {
        return None;
    };
    parts.iter().find_map(|part| {
        if let AfSpecInet6::DevConf(conf) = part {
            Some(conf.forwarding != 0)
        } else {
            None
        }
    })
}

/// Whether detection found the address on another host: the kernel keeps it, but nobody may use it.
fn is_duplicate(message: &AddressMessage) -> bool {
    let failed = |a: &AddressAttribute| matches!(a, AddressAttribute::Flags(flags) if flags.contains(AddressFlags::Dadfailed));
    message.attributes.iter().any(failed)
}

fn read_address(message: &AddressMessage) -> Option<InterfaceAddress> {
    let (mut local, mut peer, mut flags) = (None, None, AddressFlags::empty());
    for attribute in &message.attributes {
        if let AddressAttribute::Local(address) = attribute {
            local = Some(*address);
        } else if let AddressAttribute::Address(address) = attribute {
            peer = Some(*address);
        } else if let AddressAttribute::Flags(bits) = attribute {
            flags = *bits;
        }
    }
    // With a peer, IFA_ADDRESS is the peer's; IPv6 has IFA_LOCAL only then.
    let address: IpAddr = local.or(peer)?;
    Some(InterfaceAddress {
        cidr: Cidr::new(address, message.header.prefix_len)?,
        tentative: flags.contains(AddressFlags::Tentative) && !flags.contains(AddressFlags::Optimistic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Scope;
    use rtnetlink::packet_core::Emitable;

    fn spec(cidr: &str) -> AddressSpec {
        let (addr, prefix) = cidr.split_once('/').unwrap();
        let cidr = Cidr::new(addr.parse().unwrap(), prefix.parse().unwrap()).unwrap();
        AddressSpec::new(cidr, IfName::new("eth0").unwrap())
    }

    fn bytes(message: &AddressMessage) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        bytes
    }

    #[test]
    fn ipv4_gets_what_is_configured_and_no_broadcast() {
        let plain = bytes(&add(&spec("10.9.0.100/24"), IfIndex(2)));
        assert_eq!(
            plain,
            [
                2, 24, 0, 0, 2, 0, 0, 0, // header
                8, 0, 2, 0, 10, 9, 0, 100, // IFA_LOCAL
                8, 0, 1, 0, 10, 9, 0, 100, // IFA_ADDRESS
                5, 0, 11, 0, 18, 0, 0, 0, // IFA_PROTO
            ]
        );
        let mut full = spec("10.9.0.100/24");
        full.label = Some("eth0:x".into());
        full.broadcast = Some([10, 9, 0, 255].into());
        full.scope = Scope::LINK;
        let message = add(&full, IfIndex(2));
        assert_eq!(u8::from(message.header.scope), 253);
        assert!(
            message
                .attributes
                .contains(&AddressAttribute::Label("eth0:x".into()))
        );
        assert!(
            message
                .attributes
                .contains(&AddressAttribute::Broadcast([10, 9, 0, 255].into()))
        );
    }

    #[test]
    fn ipv6_skips_detection_and_a_host_address_is_deprecated() {
        let lifetimes = |message: &AddressMessage| {
            message.attributes.iter().find_map(|a| match a {
                AddressAttribute::CacheInfo(info) => Some((info.ifa_preferred, info.ifa_valid)),
                _ => None,
            })
        };
        let host = add(&spec("fd00::5/128"), IfIndex(2));
        let subnet = add(&spec("fd00::5/64"), IfIndex(2));
        for message in [&host, &subnet] {
            assert!(
                message
                    .attributes
                    .contains(&AddressAttribute::Flags(AddressFlags::Nodad))
            );
        }
        assert_eq!(lifetimes(&host), Some((0, u32::MAX)));
        assert_eq!(lifetimes(&subnet), None);
    }

    #[test]
    fn a_removal_only_names_the_address() {
        let mut full = spec("10.9.0.100/32");
        full.label = Some("eth0:x".into());
        assert_eq!(
            bytes(&delete(&full, IfIndex(2))),
            [
                2, 32, 0, 0, 2, 0, 0, 0, 8, 0, 2, 0, 10, 9, 0, 100, 8, 0, 1, 0, 10, 9, 0, 100
            ]
        );
    }

    #[test]
    fn a_link_is_up_when_it_runs() {
        let mut link = LinkMessage::default();
        link.header.index = 5;
        link.header.link_layer_type = LinkLayerType::Ether;
        link.header.flags = LinkFlags::Up | LinkFlags::Multicast;
        link.attributes = vec![
            LinkAttribute::IfName("eth0".into()),
            LinkAttribute::Mtu(9000),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
        ];
        let read_status = |link: &LinkMessage| match read(&RouteNetlinkMessage::NewLink(link.clone())) {
            Some(Change::Link { status, .. }) => status,
            other => panic!("{other:?}"),
        };
        let status = read_status(&link);
        assert_eq!(
            (status.up, status.multicast, status.mtu),
            (false, true, 9000),
            "up without a carrier is not up"
        );
        assert_eq!(status.mac, Some(Mac([2, 0, 0, 0, 0, 1])));
        link.header.flags |= LinkFlags::Running;
        assert!(read_status(&link).up);
        link.header.link_layer_type = LinkLayerType::Loopback;
        assert_eq!(read_status(&link).mac, None);
        link.header.interface_family = AddressFamily::Bridge;
        assert_eq!(
            read(&RouteNetlinkMessage::DelLink(link)),
            None,
            "left a bridge only"
        );
    }

    #[test]
    fn the_local_address_counts_not_the_peer() {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = 32;
        message.header.index = 5;
        message.attributes = vec![
            AddressAttribute::Address([10, 0, 0, 2].into()),
            AddressAttribute::Local([10, 0, 0, 1].into()),
            AddressAttribute::Flags(AddressFlags::Permanent),
        ];
        assert_eq!(
            read(&RouteNetlinkMessage::DelAddress(message)),
            Some(Change::AddressGone {
                interface: IfIndex(5),
                cidr: Cidr::host([10, 0, 0, 1].into())
            })
        );
    }

    #[test]
    fn an_ipv6_address_under_detection_is_tentative() {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet6;
        message.header.prefix_len = 64;
        let mut tentative = |flags| {
            message.attributes = vec![
                AddressAttribute::Address("fe80::1".parse().unwrap()),
                AddressAttribute::Flags(flags),
            ];
            match read(&RouteNetlinkMessage::NewAddress(message.clone())) {
                Some(Change::Address { address, .. }) => address.tentative,
                other => panic!("{other:?}"),
            }
        };
        assert!(tentative(AddressFlags::Tentative));
        assert!(!tentative(AddressFlags::Tentative | AddressFlags::Optimistic));
        assert!(!tentative(AddressFlags::Permanent));
        message.attributes.truncate(1);
        let flags = AddressFlags::Tentative | AddressFlags::Dadfailed;
        message.attributes.push(AddressAttribute::Flags(flags));
        assert!(
            matches!(
                read(&RouteNetlinkMessage::NewAddress(message)),
                Some(Change::Duplicate { .. })
            ),
            "another host has it"
        );
    }
}
