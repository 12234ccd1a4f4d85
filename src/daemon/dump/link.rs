//! Links of the daemon's own in a dump: of routers, of addresses, and as interfaces (fact 20.6).

use super::{Facts, Sheet};
use crate::conf::config::{RouterSettings, VmacAddress};
use crate::net::{AddressSpec, InterfaceStatus, IpvlanMode, LinkKind};
use crate::vrrp::config::{LinkConfig, OwnLinkKind, RouterConfig};

/// The router's own link, and the interface that it is on.
pub(super) fn of_router(
    sheet: &mut Sheet,
    facts: &Facts<'_>,
    config: &RouterConfig,
    settings: Option<&RouterSettings>,
) {
    let Some(own) = &config.link else {
        sheet.field("Interface", &config.interface);
        return;
    };
    let name = &own.name;
    let mut interfaces = facts.interfaces.iter();
    let up = interfaces.any(|status| status.name == *name && status.up);
    let link = facts.plan.vrrp.links.iter().find(|link| link.name == *name);
    let what = match link.map(|link| &link.kind) {
        Some(OwnLinkKind::Ipvlan { mode, address }) => {
            let address = address.map_or_else(String::new, |address| format!(", i/f address = {address}"));
            let mode = match mode {
                IpvlanMode::Bridge => "bridge",
                IpvlanMode::Private => "private",
                IpvlanMode::Vepa => "vepa",
            };
            sheet.line(
                3,
                format_args!("Use IPVLAN, i/f {name}, is_up = {up}{address}, type {mode}"),
            );
            "ipvlan"
        }
        Some(OwnLinkKind::Vmac(mac)) => {
            let xmit_base = own.xmit_base;
            sheet.line(
                3,
                format_args!("Use VMAC, i/f name {name}, is_up = {up}, xmit_base = {xmit_base}"),
            );
            let configured = settings.and_then(|settings| settings.use_vmac.as_ref()?.value.mac);
            match configured {
                None => {}
                Some(VmacAddress::Whole(_)) => sheet.line(5, format_args!("MAC = {mac}")),
                Some(VmacAddress::BeforeVrid(_)) => sheet.line(5, format_args!("MAC = {mac} (using VRID)")),
            }
            if settings.is_some_and(|settings| settings.use_vmac_addr) {
                sheet.line(3, "Use VMAC for VIPs on other interfaces");
            }
            "vmac"
        }
        None => "vmac",
    };
    let base = if own.xmit_base { ", xmit base i/f" } else { "" };
    sheet.field(
        "Interface",
        format_args!("{name}, {what} on {}{base}", config.interface),
    );
}

/// An address's line with the interface below its link, and whether its traffic is dropped now.
pub(super) fn with_parent(facts: &Facts<'_>, spec: &AddressSpec, line: String, dropped: bool) -> String {
    let links = &facts.plan.vrrp.links;
    let line = match links.iter().find(|link| link.name == spec.interface) {
        None => line,
        Some(LinkConfig { name, parent, .. }) => {
            line.replacen(&format!("dev {name} "), &format!("dev {name}@{parent} "), 1)
        }
    };
    if dropped { line + " nftable_set" } else { line }
}

/// What an interface is made of.
pub(super) fn of_interface(sheet: &mut Sheet, facts: &Facts<'_>, status: &InterfaceStatus) {
    let mut interfaces = facts.interfaces.iter();
    if status.made.kind == (LinkKind::Macvlan { private: true })
        && let Some(parent) = interfaces.find(|other| Some(other.index) == status.made.parent)
    {
        let name = &parent.name;
        let state = if parent.up {
            "UP, RUNNING"
        } else {
            "not UP, not RUNNING"
        };
        sheet.line(
            3,
            format_args!("VMAC type private, underlying interface = {name}, state = {state}"),
        );
    }
    if facts.plan.vrrp.links.iter().any(|link| link.name == status.name) {
        sheet.line(3, "I/f created by keepalived");
    }
}

#[cfg(test)]
mod tests {
    use crate::conf::{ReadOptions, read_str};
    use crate::daemon::dump::{Facts, vrrp};
    use crate::net::{IfIndex, IfName, InterfaceStatus, LinkKind, LinkTraits, Mac};
    use crate::plan::{Host, build};
    use crate::script::Scripts;
    use std::path::Path;

    fn interface(index: u32, name: &str, kind: LinkKind, parent: Option<u32>) -> InterfaceStatus {
        InterfaceStatus {
            name: IfName::new(name).unwrap(),
            index: IfIndex(index),
            mac: Some(Mac([0, 0, 0x5e, 0, 2, 52])),
            mtu: 1500,
            up: name != "iv1",
            multicast: true,
            noarp: false,
            loopback: false,
            addresses: Vec::new(),
            made: LinkTraits {
                kind,
                parent: parent.map(IfIndex),
                ..LinkTraits::default()
            },
        }
    }

    /// The lines are from keepalived 2.2.7's dump of the same file.
    ///
    /// Facts: 9.2, 9.10
    #[test]
    fn links_are_shown_as_keepalived_shows_them() {
        let text = "vrrp_instance V4 {\ninterface e0\nvirtual_router_id 51\nversion 3\nuse_ipvlan iv1 10.9.0.8/24\n\
             virtual_ipaddress {\n10.9.0.100/24\n}\n}\n\
             vrrp_instance V6 {\ninterface e0\nvirtual_router_id 53\nuse_vmac vm1 02:00:00:01:02\nvmac_xmit_base\n\
             virtual_ipaddress {\nfe80::100/64\nfd00::100/64 dev d1 use_vmac\n}\n}\n\
             vrrp_instance V6b {\ninterface e0\nvirtual_router_id 52\nuse_vmac\nuse_vmac_addr\n\
             virtual_ipaddress {\nfe80::200/64\nfd00::200/64 dev d1\n}\n\
             virtual_ipaddress_excluded {\n10.9.3.3/24\n10.9.3.4/24 dev d1\n}\n}\n";
        let vmac = LinkKind::Macvlan { private: true };
        let interfaces = [
            interface(3, "e0", LinkKind::Other, None),
            interface(4, "d1", LinkKind::Other, None),
            interface(6, "vm1", vmac, Some(3)),
            interface(8, "vrrp.52", vmac, Some(3)),
        ];
        let reading = read_str(Path::new("t.conf"), text, &ReadOptions::default());
        let host = Host {
            interfaces: interfaces[..2].to_vec(),
            ..Host::default()
        };
        let (plan, _) = build(&reading.config, &host);
        let dump = vrrp::sections(
            &Facts {
                plan: &plan,
                hostname: "host",
                umask: 0,
                interfaces: &interfaces,
                namespace: None,
                scripts: &Scripts::default(),
                reload_due: None,
            },
            None,
        );
        for line in [
            "   Use IPVLAN, i/f iv1, is_up = false, i/f address = 10.9.0.8/24, type bridge",
            "   Interface = iv1, ipvlan on e0",
            "   Using src_ip = 10.9.0.8 (from configuration)",
            "   Use VMAC, i/f name vm1, is_up = true, xmit_base = true",
            "     MAC = 02:00:00:01:02:35 (using VRID)",
            "   Interface = vm1, vmac on e0, xmit base i/f",
            "   Multicast address ff02::12, ifindex 3",
            "   Use VMAC, i/f name vrrp.52, is_up = true, xmit_base = false",
            "   Use VMAC for VIPs on other interfaces",
            "   Interface = vrrp.52, vmac on e0",
            "   Multicast address ff02::12, ifindex 8",
            "     fe80::200/64 dev vrrp.52@e0 scope global preferred_lft forever",
            "     fd00::200/64 dev vrrp6.52@d1 scope global preferred_lft forever",
            "     10.9.3.3/24 dev vrrp1.52@e0 scope global",
            "     10.9.3.4/24 dev vrrp2.52@d1 scope global",
            "   VMAC type private, underlying interface = e0, state = UP, RUNNING",
            "   I/f created by keepalived",
        ] {
            assert!(dump.lines().any(|found| found == line), "{line}\n{dump}");
        }
    }
}
