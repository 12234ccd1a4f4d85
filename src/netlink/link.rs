//! Links of our own, macvlans and ipvlans: what the kernel's messages say of them, and the requests that make, change and
//! remove them. Pure (facts 9.1, 9.3, 9.4, 9.12).

use super::message::PROTOCOL;
use crate::net::{Cidr, Family, IfIndex, IfName, IpvlanMode, LinkKind, LinkLayer, LinkTraits, Mac};
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, CacheInfo,
};
use rtnetlink::packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoIpVlan, InfoKind, InfoMacVlan, InfoVrf,
    IpVlanFlags, IpVlanMode, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, MacVlanMode,
};
use std::net::{IpAddr, Ipv6Addr};

/// What a link to be made is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKind {
    /// A macvlan in private mode with this MAC.
    Macvlan(Mac),
    /// An ipvlan in L2 mode.
    Ipvlan(IpvlanMode),
}

/// What `link` is made of.
pub(super) fn traits(link: &LinkMessage) -> LinkTraits {
    let mut traits = LinkTraits {
        layer: match link.header.link_layer_type {
            LinkLayerType::Ether => LinkLayer::Ethernet,
            _ => LinkLayer::Other,
        },
        ..LinkTraits::default()
    };
    for attribute in &link.attributes {
        if let LinkAttribute::Link(index) = attribute {
            traits.parent = Some(IfIndex(*index)).filter(|index| index.0 != 0);
        } else if let LinkAttribute::Controller(index) = attribute {
            traits.master = Some(IfIndex(*index)).filter(|index| index.0 != 0);
        } else if let LinkAttribute::Group(group) = attribute {
            traits.group = *group;
        } else if let LinkAttribute::LinkInfo(parts) = attribute {
            traits.kind = kind(parts);
        }
    }
    // Of another network namespace: the number is none of ours.
    let elsewhere = |attribute: &LinkAttribute| matches!(attribute, LinkAttribute::LinkNetNsId(_));
    if link.attributes.iter().any(elsewhere) {
        traits.parent = None;
    }
    traits
}

fn kind(parts: &[LinkInfo]) -> LinkKind {
    let data = parts.iter().find_map(|part| {
        if let LinkInfo::Data(data) = part {
            Some(data)
        } else {
            None
        }
    });
    let named = |kind: &InfoKind| {
        parts
            .iter()
            .any(|part| matches!(part, LinkInfo::Kind(k) if k == kind))
    };
    if named(&InfoKind::MacVlan) {
        let private = matches!(data, Some(InfoData::MacVlan(settings))
            if settings.iter().any(|s| matches!(s, InfoMacVlan::Mode(MacVlanMode::Private))));
        return LinkKind::Macvlan { private };
    }
    if named(&InfoKind::IpVlan) {
        return LinkKind::Ipvlan { l2: ipvlan(data) };
    }
    if named(&InfoKind::Vrf)
        && let Some(InfoData::Vrf(settings)) = data
    {
        let table = settings.iter().find_map(|setting| match setting {
            InfoVrf::TableId(table) => Some(*table),
            _ => None,
        });
        return LinkKind::Vrf {
            table: table.unwrap_or(0),
        };
    }
    LinkKind::Other
}

fn ipvlan(data: Option<&InfoData>) -> Option<IpvlanMode> {
    let Some(InfoData::IpVlan(settings)) = data else {
        return None;
    };
    let l2 = settings
        .iter()
        .any(|setting| matches!(setting, InfoIpVlan::Mode(IpVlanMode::L2)));
    let flags = settings.iter().find_map(|setting| match setting {
        InfoIpVlan::Flags(flags) => Some(*flags),
        _ => None,
    });
    let flags = flags.unwrap_or_default();
    l2.then_some(if flags.contains(IpVlanFlags::Private) {
        IpvlanMode::Private
    } else if flags.contains(IpVlanFlags::Vepa) {
        IpvlanMode::Vepa
    } else {
        IpvlanMode::Bridge
    })
}

/// The request that makes a link on `parent`, down, without IPv6 addresses of its own making.
pub fn create(
    name: &IfName,
    parent: IfIndex,
    kind: NewKind,
    group: u32,
    vrf: Option<IfIndex>,
) -> LinkMessage {
    let mut message = LinkMessage::default();
    let (kind, data, mac) = match kind {
        NewKind::Macvlan(mac) => (
            InfoKind::MacVlan,
            InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Private)]),
            Some(mac),
        ),
        NewKind::Ipvlan(mode) => (InfoKind::IpVlan, InfoData::IpVlan(ipvlan_settings(mode)), None),
    };
    message.attributes = vec![
        LinkAttribute::IfName(name.as_str().to_owned()),
        LinkAttribute::Link(parent.0),
        LinkAttribute::Group(group),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]),
    ];
    if let Some(mac) = mac {
        message.attributes.push(LinkAttribute::Address(mac.0.to_vec()));
    }
    if let Some(vrf) = vrf {
        message.attributes.push(LinkAttribute::Controller(vrf.0));
    }
    message
}

fn ipvlan_settings(mode: IpvlanMode) -> Vec<InfoIpVlan> {
    let flags = match mode {
        IpvlanMode::Bridge => IpVlanFlags::empty(),
        IpvlanMode::Private => IpVlanFlags::Private,
        IpvlanMode::Vepa => IpVlanFlags::Vepa,
    };
    vec![InfoIpVlan::Mode(IpVlanMode::L2), InfoIpVlan::Flags(flags)]
}

/// The request after which the kernel gives `index` no IPv6 address by itself.
pub fn no_generated_address(index: IfIndex) -> LinkMessage {
    let mut message = about(index);
    let inet6 = AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]);
    message.attributes = vec![LinkAttribute::AfSpecUnspec(vec![inet6])];
    message
}

/// The request that sets a macvlan's MAC.
pub fn set_mac(index: IfIndex, mac: Mac) -> LinkMessage {
    let mut message = about(index);
    message.attributes = vec![LinkAttribute::Address(mac.0.to_vec())];
    message
}

/// The request that puts a link into `group`. The kernel tells of it even when it was there already (fact 9.4).
pub fn set_group(index: IfIndex, group: u32) -> LinkMessage {
    let mut message = about(index);
    message.attributes = vec![LinkAttribute::Group(group)];
    message
}

/// The request that takes a link up.
pub fn up(index: IfIndex) -> LinkMessage {
    let mut message = about(index);
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message
}

/// The request for an address that adverts are sent from; deprecated, so that nothing else is (fact 9.7).
pub fn link_local(index: IfIndex, address: Ipv6Addr) -> AddressMessage {
    let mut message = address_message(index, IpAddr::V6(address), 64);
    let mut lifetimes = CacheInfo::default();
    lifetimes.ifa_preferred = 0;
    lifetimes.ifa_valid = u32::MAX;
    message
        .attributes
        .push(AddressAttribute::Flags(AddressFlags::Nodad));
    message.attributes.push(AddressAttribute::CacheInfo(lifetimes));
    message
}

/// The request for an ipvlan's own address (fact 9.12).
pub fn own_address(index: IfIndex, address: &Cidr) -> AddressMessage {
    let mut message = address_message(index, address.addr, address.prefix);
    if address.family() == Family::V6 {
        message
            .attributes
            .push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    message
}

fn address_message(index: IfIndex, address: IpAddr, prefix: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match Family::of(&address) {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    };
    message.header.prefix_len = prefix;
    message.header.index = index.0;
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
        AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)),
    ];
    message
}

/// The request that names a link: to remove it, or to change it.
pub fn about(index: IfIndex) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index.0;
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for is what is read back: the kernel returns the same attributes.
    #[test]
    fn what_is_made_is_known_again() {
        let name = IfName::new("vrrp.51").unwrap();
        let mac = Mac([0, 0, 0x5e, 0, 1, 51]);
        let mut made = create(&name, IfIndex(3), NewKind::Macvlan(mac), 7, Some(IfIndex(9)));
        made.header.link_layer_type = LinkLayerType::Ether;
        assert_eq!(
            traits(&made),
            LinkTraits {
                kind: LinkKind::Macvlan { private: true },
                layer: LinkLayer::Ethernet,
                parent: Some(IfIndex(3)),
                master: Some(IfIndex(9)),
                group: 7,
            }
        );
        assert!(made.attributes.contains(&LinkAttribute::Address(mac.0.to_vec())));
        for mode in [IpvlanMode::Bridge, IpvlanMode::Private, IpvlanMode::Vepa] {
            let made = create(&name, IfIndex(3), NewKind::Ipvlan(mode), 0, None);
            assert_eq!(traits(&made).kind, LinkKind::Ipvlan { l2: Some(mode) });
        }
    }

    #[test]
    fn the_other_end_in_another_namespace_is_no_parent() {
        let mut link = about(IfIndex(2));
        let parts = vec![LinkInfo::Kind(InfoKind::Veth)];
        link.attributes = vec![LinkAttribute::LinkInfo(parts), LinkAttribute::Link(3)];
        assert_eq!(traits(&link).parent, Some(IfIndex(3)));
        link.attributes.push(LinkAttribute::LinkNetNsId(0));
        assert_eq!(traits(&link).parent, None);
    }

    #[test]
    fn other_kinds_and_modes_are_told_apart() {
        let with = |parts: Vec<LinkInfo>| {
            let mut link = about(IfIndex(2));
            link.header.link_layer_type = LinkLayerType::None;
            link.attributes = vec![LinkAttribute::LinkInfo(parts), LinkAttribute::Link(0)];
            traits(&link)
        };
        let bridge_mode = InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Bridge)]);
        let macvlan = with(vec![
            LinkInfo::Kind(InfoKind::MacVlan),
            LinkInfo::Data(bridge_mode),
        ]);
        assert_eq!(macvlan.kind, LinkKind::Macvlan { private: false });
        assert_eq!((macvlan.layer, macvlan.parent), (LinkLayer::Other, None));
        let l3 = InfoData::IpVlan(vec![InfoIpVlan::Mode(IpVlanMode::L3)]);
        let ipvlan = with(vec![LinkInfo::Kind(InfoKind::IpVlan), LinkInfo::Data(l3)]);
        assert_eq!(ipvlan.kind, LinkKind::Ipvlan { l2: None });
        let table = InfoData::Vrf(vec![InfoVrf::TableId(10)]);
        let vrf = with(vec![LinkInfo::Kind(InfoKind::Vrf), LinkInfo::Data(table)]);
        assert_eq!(vrf.kind, LinkKind::Vrf { table: 10 });
        assert_eq!(with(vec![LinkInfo::Kind(InfoKind::Veth)]).kind, LinkKind::Other);
    }
}
