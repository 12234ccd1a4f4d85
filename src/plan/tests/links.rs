//! Links of routers' own: their names, MACs and places (facts 1.17, 1.28, 9).

use super::*;
use crate::net::{Family, Mac};
use crate::vrrp::config::{LinkConfig, LinkLocal, OwnLinkKind};

fn router(name: &str, vrid: u8, lines: &str) -> String {
    format!("vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\n{lines}\n}}\n")
}

fn vips(addresses: &str) -> String {
    format!("virtual_ipaddress {{\n{addresses}\n}}")
}

fn names(plan: &Plan) -> Vec<(String, String)> {
    let pair = |link: &LinkConfig| (link.name.to_string(), link.parent.to_string());
    plan.vrrp.links.iter().map(pair).collect()
}

/// Seen of keepalived: IPv6 tries a 6, then both count.
///
/// Facts: 9.1, 9.2, 9.7
#[test]
fn names_are_the_prefix_and_the_vrid_unless_taken() {
    let text = router("A", 51, &format!("use_vmac\n{}", vips("192.0.2.9")))
        + &router("B", 51, &format!("use_vmac\n{}", vips("fe80::9")))
        + &router("C", 52, &format!("use_vmac vrrp.53\n{}", vips("192.0.2.10")))
        + &router(
            "D",
            53,
            &format!("use_vmac 02:00:00:00:01\n{}", vips("192.0.2.11")),
        );
    let (plan, _) = plan(&text);
    let found: Vec<String> = names(&plan).into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, ["vrrp.51", "vrrp6.51", "vrrp.53", "vrrp1.53"]);
    let kind = |at: usize| plan.vrrp.links[at].kind.clone();
    assert_eq!(kind(0), OwnLinkKind::Vmac(Mac([0, 0, 0x5e, 0, 1, 51])));
    assert_eq!(kind(1), OwnLinkKind::Vmac(Mac([0, 0, 0x5e, 0, 2, 51])));
    assert_eq!(kind(3), OwnLinkKind::Vmac(Mac([2, 0, 0, 0, 1, 53])));
    let local = |at: usize| plan.vrrp.links[at].link_local;
    assert_eq!((local(0), local(1)), (None, Some(LinkLocal::OfParent)));

    let long = "global_defs {\nvmac_prefix averylongprefix\nvmac_addr_prefix other\n}\n".to_owned()
        + &router(
            "A",
            251,
            &format!(
                "use_vmac\nuse_vmac_addr\n{}",
                vips("192.0.2.9\n192.0.2.10 dev eth1")
            ),
        );
    let found = names(&super::plan(&long).0);
    let pair = |name: &str, parent: &str| (name.to_owned(), parent.to_owned());
    assert_eq!(
        found,
        [pair("averylongpr.251", "eth0"), pair("other.251", "eth1")]
    );
}

/// A VMAC of an earlier run is taken over under its name; one of another kind is left alone.
///
/// Facts: 9.2, 9.3
#[test]
fn what_is_there_decides_on_the_name() {
    let text = router("A", 51, &format!("use_vmac\n{}", vips("192.0.2.9")));
    let reading = read_str(Path::new("t.conf"), &text, &ReadOptions::default());
    let name_on = |kind, parent: u32, mac: [u8; 6], there: &str| {
        let mut host = host(&["eth0", "eth1", there]);
        let eth0 = host.interfaces[0].index;
        let link = &mut host.interfaces[2];
        link.mac = Some(Mac(mac));
        link.made.kind = kind;
        link.made.parent = Some(IfIndex(eth0.0 + parent));
        names(&build(&reading.config, &host).0)[0].0.clone()
    };
    let ours = LinkKind::Macvlan { private: true };
    let mac = [0, 0, 0x5e, 0, 1, 51];
    assert_eq!(name_on(ours, 0, mac, "vrrp7.51"), "vrrp7.51", "taken over");
    assert_eq!(name_on(ours, 0, mac, "vrrp.51"), "vrrp.51");
    assert_eq!(
        name_on(ours, 1, mac, "vrrp.51"),
        "vrrp1.51",
        "on another interface"
    );
    assert_eq!(
        name_on(LinkKind::Other, 0, mac, "vrrp.51"),
        "vrrp1.51",
        "no macvlan"
    );
    assert_eq!(
        name_on(LinkKind::Macvlan { private: false }, 0, mac, "vrrp.51"),
        "vrrp1.51"
    );
}

/// Facts: 9.8, 9.10, 9.12
#[test]
fn addresses_and_adverts_have_their_places() {
    let excluded = "virtual_ipaddress_excluded {\nfd00::1\n}";
    let lines = |more: &str| {
        format!(
            "use_vmac\n{more}\n{}\n{excluded}",
            vips("192.0.2.9\n192.0.2.10 dev eth1\n192.0.2.11 dev eth0")
        )
    };
    let places = |more: &str| {
        let (plan, _) = plan(&router("A", 51, &lines(more)));
        let router = &plan.vrrp.routers[0];
        let all = router.vips.iter().chain(&router.excluded);
        let found: Vec<String> = all.map(|spec| spec.interface.to_string()).collect();
        (found, router.wire().to_string(), plan)
    };
    let (found, wire, plan) = places("");
    assert_eq!(found, ["vrrp.51", "eth1", "vrrp.51", "eth0"]);
    assert_eq!(wire, "vrrp.51");
    assert!(
        plan.vrrp.links[0].both,
        "IPv6 is not switched off: the router has such addresses"
    );
    let (found, wire, _) = places("use_vmac_addr\nvmac_xmit_base");
    assert_eq!(found, ["vrrp.51", "vrrp1.51", "vrrp.51", "vrrp6.51"]);
    assert_eq!(wire, "eth0");

    let ipvlan = router(
        "A",
        51,
        &format!("use_ipvlan 192.0.2.50/24 vepa\n{}", vips("192.0.2.9")),
    );
    let (plan, _) = super::plan(&ipvlan);
    let router = &plan.vrrp.routers[0];
    assert_eq!(router.source, "192.0.2.50".parse().ok());
    assert_eq!(
        (plan.vrrp.links[0].family, router.wire().as_str()),
        (Family::V4, "vrrp.51")
    );
    assert_eq!(super::plan(&print::print(&plan, true)).0, plan);
}

/// Facts: 1.28
#[test]
fn one_link_is_for_one_router_or_for_one_group() {
    let text = router("A", 51, &format!("use_vmac mine\n{}", vips("192.0.2.9")))
        + &router("B", 52, &vips("192.0.2.10 dev mine"));
    let fault = |text: &str| plan(text).0.vrrp.routers[1].config_fault.is_some();
    assert!(fault(&text));
    assert!(!fault(&format!(
        "{text}vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n}}\n"
    )));
}

/// Facts: 1.16, 1.17, 10.7, 10.9
#[test]
fn the_packet_filter_is_switched_on_by_who_needs_it() {
    let with = |global: &str, lines: &str| {
        let text = format!("global_defs {{\n{global}\n}}\n")
            + &router("A", 51, &format!("{lines}\n{}", vips("192.0.2.9")));
        plan(&text)
    };
    let said = |found: &[String]| {
        found
            .iter()
            .any(|line| line.contains("no firewall configured - using nftables"))
    };
    for (lines, needed) in [
        ("", false),
        ("no_accept", true),
        ("no_accept\npriority 255", false),
        ("use_vmac", true),
        ("strict_mode\nversion 3", true),
        ("strict_mode\nversion 3\naccept", false),
    ] {
        let (plan, found) = with("", lines);
        assert_eq!(plan.vrrp.uses_firewall(), needed, "{lines}");
        assert_eq!(said(&found), needed, "{lines}: {found:?}");
        assert_eq!(plan.vrrp.firewall.table, "keepalived");
    }
    let (plan, found) = with(
        "nftables mine\nnftables_priority -7\ndisable_local_igmp",
        "no_accept",
    );
    let firewall = &plan.vrrp.firewall;
    assert_eq!((firewall.table.as_str(), firewall.priority), ("mine", -7));
    assert!(firewall.disable_local_igmp && !firewall.instead_of_iptables && !said(&found));
    let iptables = |global: &str| with(global, "no_accept").0.vrrp.firewall.instead_of_iptables;
    assert!(iptables("vrrp_iptables"));
    assert!(!iptables("vrrp_iptables\nnftables"), "both: nftables");
}
