//! The links that virtual routers get for themselves and for their addresses: names, MACs, where addresses go (facts 1.28,
//! 9.1, 9.2, 9.7, 9.10, 9.12).

use super::{Builder, Plan};
use crate::conf::config::{Instance, RouterSettings, UseVmac, VmacAddress};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::net::{Cidr, Family, IfName, InterfaceStatus, LinkKind, Mac};
use crate::vrrp::Vrid;
use crate::vrrp::config::{FirewallConfig, LinkConfig, LinkLocal, OwnLink, OwnLinkKind};
use std::net::IpAddr;

/// Of both prefixes.
const DEFAULT_PREFIX: &str = "vrrp";

/// Where the addresses of a router go.
pub(super) struct Placing<'a> {
    pub(super) written: &'a Instance,
    pub(super) settings: &'a RouterSettings,
    pub(super) base: &'a IfName,
    pub(super) vrid: Vrid,
    pub(super) family: Family,
    /// The router's own link.
    pub(super) own: Option<OwnLink>,
}

/// The link that a router has for itself, if it wants one.
pub(super) fn own(builder: &mut Builder<'_>, place: &Placing<'_>, source: Option<IpAddr>) -> Option<OwnLink> {
    let settings = place.settings;
    let xmit_base = settings.vmac_xmit_base.is_some();
    let (kind, name, group, notify_parent) = match (&settings.use_vmac, &settings.use_ipvlan) {
        (Some(vmac), _) => {
            let UseVmac {
                name,
                mac: configured,
                netlink_notify_msg,
                group,
            } = &vmac.value;
            let kind = OwnLinkKind::Vmac(mac(*configured, place.family, place.vrid));
            (kind, name, *group, *netlink_notify_msg)
        }
        (None, Some(ipvlan)) => {
            let address = ipvlan.value.address.and_then(|(address, prefix)| {
                Cidr::new(
                    address,
                    prefix.unwrap_or_else(|| Family::of(&address).host_prefix()),
                )
            });
            let kind = OwnLinkKind::Ipvlan {
                mode: ipvlan.value.mode,
                address,
            };
            (kind, &ipvlan.value.name, ipvlan.value.group, false)
        }
        (None, None) => return None,
    };
    let configured = name.as_ref().and_then(|name| IfName::new(&name.value));
    let prefix = prefix(builder, false);
    let name = configured.or_else(|| free_name(builder, place, &prefix, place.family, place.base, &kind))?;
    let link_local = match (&kind, place.family, source) {
        (OwnLinkKind::Vmac(_), Family::V6, _) if xmit_base => None,
        (OwnLinkKind::Vmac(_), Family::V6, Some(IpAddr::V6(given))) if given.is_unicast_link_local() => {
            Some(LinkLocal::Given(given))
        }
        (OwnLinkKind::Vmac(_), Family::V6, _) => Some(LinkLocal::OfParent),
        (OwnLinkKind::Vmac(_) | OwnLinkKind::Ipvlan { .. }, _, _) => None,
    };
    let other = |line: &crate::conf::config::Spanned<crate::conf::config::AddressLine>| {
        line.value.cidr.family() != place.family
    };
    builder.links.push(LinkConfig {
        name: name.clone(),
        router: place.written.name.value.clone(),
        parent: place.base.clone(),
        kind,
        family: place.family,
        both: place.written.excluded.iter().any(other),
        link_local,
        group,
        notify_parent,
    });
    Some(OwnLink { name, xmit_base })
}

impl Placing<'_> {
    /// The interface of an address of `family` that is written with `dev`, if any.
    pub(super) fn of(
        &self,
        builder: &mut Builder<'_>,
        family: Family,
        dev: Option<IfName>,
        use_vmac: bool,
    ) -> IfName {
        let dev = dev.unwrap_or_else(|| self.base.clone());
        if let Some(own) = &self.own
            && dev == *self.base
            && family == self.family
        {
            return own.name.clone();
        }
        let everywhere = self.settings.use_vmac_addr && self.settings.use_vmac.is_some();
        if use_vmac || everywhere {
            return self.extra(builder, family, &dev).unwrap_or(dev);
        }
        dev
    }

    /// The VMAC on `parent` for addresses of `family`.
    fn extra(&self, builder: &mut Builder<'_>, family: Family, parent: &IfName) -> Option<IfName> {
        let router = &self.written.name.value;
        let of_ours = |link: &&LinkConfig| {
            link.router == *router && link.parent == *parent && link.family == family && !link.both
        };
        if let Some(link) = builder.links.iter().find(of_ours) {
            return Some(link.name.clone());
        }
        let configured = self.settings.use_vmac.as_ref().and_then(|vmac| vmac.value.mac);
        let kind = OwnLinkKind::Vmac(mac(configured, family, self.vrid));
        let prefix = prefix(builder, true);
        let name = free_name(builder, self, &prefix, family, parent, &kind)?;
        let vmac = self.settings.use_vmac.as_ref().map(|vmac| &vmac.value);
        builder.links.push(LinkConfig {
            name: name.clone(),
            router: router.clone(),
            parent: parent.clone(),
            kind,
            family,
            both: false,
            link_local: (family == Family::V6).then_some(LinkLocal::OfParent),
            group: vmac.and_then(|vmac| vmac.group),
            notify_parent: vmac.is_some_and(|vmac| vmac.netlink_notify_msg),
        });
        Some(name)
    }
}

/// The MAC of a VMAC (fact 9.1).
fn mac(configured: Option<VmacAddress>, family: Family, vrid: Vrid) -> Mac {
    let vrid = vrid.get();
    let octet = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    match configured {
        None => Mac([0, 0, 0x5e, 0, octet, vrid]),
        Some(VmacAddress::Whole(mac)) => mac,
        Some(VmacAddress::BeforeVrid([a, b, c, d, e])) => Mac([a, b, c, d, e, vrid]),
    }
}

fn prefix(builder: &Builder<'_>, address: bool) -> String {
    let global = &builder.config.global.shown.vrrp;
    let own = global.vmac_prefix.as_ref();
    let chosen = if address {
        global.vmac_addr_prefix.as_ref().or(own)
    } else {
        own
    };
    chosen.cloned().unwrap_or_else(|| DEFAULT_PREFIX.to_owned())
}

/// A name that nobody has: what an earlier run has left is taken over under its name (facts 9.2, 9.3).
fn free_name(
    builder: &Builder<'_>,
    place: &Placing<'_>,
    prefix: &str,
    family: Family,
    parent: &IfName,
    kind: &OwnLinkKind,
) -> Option<IfName> {
    let configured: Vec<&str> = builder
        .config
        .instances
        .iter()
        .filter(|other| other.name != place.written.name)
        .flat_map(configured_names)
        .collect();
    let used = |name: &IfName| {
        builder.links.iter().any(|link| link.name == *name) || configured.contains(&name.as_str())
    };
    let parent = builder.host.interface(parent).map(|parent| parent.index);
    let ours = |there: &InterfaceStatus| {
        let alike = match (kind, there.made.kind) {
            (OwnLinkKind::Vmac(mac), LinkKind::Macvlan { private: true }) => there.mac == Some(*mac),
            (OwnLinkKind::Ipvlan { mode, .. }, LinkKind::Ipvlan { l2 }) => l2 == Some(*mode),
            (OwnLinkKind::Vmac(_) | OwnLinkKind::Ipvlan { .. }, _) => false,
        };
        alike && parent.is_some() && there.made.parent == parent
    };
    let is_vmac = matches!(kind, OwnLinkKind::Vmac(_));
    // An ipvlan of that kind and parent may be anybody's.
    let left = builder
        .host
        .interfaces
        .iter()
        .filter(|there| is_vmac && ours(there));
    if let Some(left) = left.map(|there| &there.name).find(|name| !used(name)) {
        return Some(left.clone());
    }
    let six = (family == Family::V6).then(|| "6".to_owned());
    let numbers = (1..=u16::MAX).map(|number| number.to_string());
    [String::new()]
        .into_iter()
        .chain(six)
        .chain(numbers)
        .find_map(|number| {
            let tail = format!("{number}.{}", place.vrid);
            let room = IfName::MAX.saturating_sub(tail.len());
            let mut head = prefix;
            while head.len() > room {
                head = head.get(..head.len() - 1).or_else(|| head.get(..0))?;
            }
            let name = IfName::new(&format!("{head}{tail}"))?;
            let there = builder.host.interface(&name);
            (!used(&name) && there.is_none_or(ours)).then_some(name)
        })
}

fn configured_names(instance: &Instance) -> impl Iterator<Item = &str> {
    let settings = &instance.settings;
    let vmac = settings
        .use_vmac
        .iter()
        .filter_map(|vmac| vmac.value.name.as_ref());
    let ipvlan = settings
        .use_ipvlan
        .iter()
        .filter_map(|ipvlan| ipvlan.value.name.as_ref());
    vmac.chain(ipvlan).map(|name| name.value.as_str())
}

/// A link's addresses come and go with its router: another one may use it only together with it (fact 1.28).
pub(super) fn shared(builder: &mut Builder<'_>, plan: &mut Plan) {
    let together = |one: &str, other: &str| {
        let has = |members: &[String], name: &str| members.iter().any(|member| member == name);
        let mut groups = plan.vrrp.groups.iter();
        groups.any(|group| has(&group.members, one) && has(&group.members, other))
    };
    for router in &mut plan.vrrp.routers {
        let used = router
            .vips
            .iter()
            .chain(&router.excluded)
            .map(|spec| &spec.interface);
        let mut foreign = used.filter_map(|name| builder.links.iter().find(|link| link.name == *name));
        let Some(link) =
            foreign.find(|link| link.router != router.name && !together(&link.router, &router.name))
        else {
            continue;
        };
        let message = format!(
            "({}) and ({}) both use VMAC interface {} for addresses - disabling ({})",
            link.router, router.name, link.name, router.name
        );
        let place = builder
            .written(&router.name)
            .map(|written| written.name.place.clone());
        let diagnostic = Diagnostic::new(Class::General, place, message.clone()).about(Topic::VmacUnicast);
        builder.late.push(diagnostic);
        router.config_fault = Some(message);
    }
}

/// The packet filter's settings, and what is said of a choice that was not made (facts 1.17, 10.7).
pub(super) fn firewall(builder: &mut Builder<'_>, plan: &mut Plan) {
    let written = &builder.config.global.shown.firewall;
    let usual = FirewallConfig::default();
    plan.vrrp.firewall = FirewallConfig {
        table: written.nftables.clone().unwrap_or(usual.table),
        priority: written.nftables_priority.unwrap_or(usual.priority),
        counters: written.nftables_counters,
        by_index: written.nftables_ifindex,
        disable_local_igmp: written.disable_local_igmp,
        instead_of_iptables: written.nftables.is_none() && written.iptables.is_some(),
    };
    if plan.vrrp.uses_firewall() && written.nftables.is_none() && written.iptables.is_none() {
        let message = "use_vmac or no_accept/strict specified, but no firewall configured - using nftables";
        builder
            .diagnostics
            .push(Diagnostic::new(Class::Note, None, message));
    }
}
