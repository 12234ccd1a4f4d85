//! What becomes of static entries, routes, rules and options of addresses, where interfaces are missing and where not.

use crate::conf::{ReadOptions, read_str};
use crate::net::{IfIndex, IfName, InterfaceStatus, Lifetime};
use crate::plan::{Host, Plan, build, exit_code};
use std::path::Path;

/// The plan of `text` for a host with eth1 alone, and the exit status of `-t`.
fn plan(text: &str) -> (Plan, u8) {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let host = Host {
        interfaces: vec![InterfaceStatus {
            name: IfName::new("eth1").unwrap(),
            index: IfIndex(1),
            mac: None,
            mtu: 1500,
            up: true,
            multicast: true,
            noarp: false,
            loopback: false,
            addresses: Vec::new(),
            made: crate::net::LinkTraits::default(),
        }],
        ..Host::default()
    };
    let reading = read_str(Path::new("t.conf"), text, &options);
    let (plan, more) = build(&reading.config, &host);
    let said: Vec<_> = reading.diagnostics.into_iter().chain(more).collect();
    (plan, exit_code(&said))
}

/// How many of what `text` has are in the plan, and the exit status, without and with `dynamic_interfaces`.
fn both(text: &str, count: impl Fn(&Plan) -> usize) -> [(usize, u8); 2] {
    ["", "global_defs {\n dynamic_interfaces\n}\n"].map(|before| {
        let (plan, exit) = plan(&format!("{before}{text}"));
        (count(&plan), exit)
    })
}

#[test]
fn what_names_a_missing_interface_waits_for_it_only_when_that_is_said() {
    let net = |plan: &Plan| {
        let net = &plan.later.net;
        let groups: usize = plan
            .vrrp
            .garp_groups
            .iter()
            .map(|group| group.interfaces.len())
            .sum();
        plan.vrrp.statics.addresses.len()
            + plan.vrrp.statics.routes.len()
            + plan.vrrp.statics.rules.len()
            + net.linkbeat.len()
            + plan.vrrp.link_delays.len()
            + groups
    };
    for (text, exit) in [
        ("static_ipaddress {\n 192.0.2.1 dev eth0\n}\n", 5),
        ("static_ipaddress {\n 192.0.2.1\n}\n", 4),
        ("static_routes {\n 192.0.2.0/24 dev eth0\n}\n", 5),
        (
            "static_routes {\n 192.0.2.0/24 nexthop dev eth1 nexthop dev eth0\n}\n",
            5,
        ),
        ("static_rules {\n iif eth1 oif eth0 table 9 preference 9\n}\n", 5),
        ("garp_group {\n garp_interval 1\n interface eth0\n}\n", 5),
        ("linkbeat_interfaces {\n eth0\n}\n", 4),
        ("interface_up_down_delays {\n eth0 1\n}\n", 4),
    ] {
        assert_eq!(both(text, net), [(0, exit), (1, 0)], "{text}");
        let there = text
            .replace("eth0", "eth1")
            .replace("192.0.2.1\n", "192.0.2.1 dev eth1\n");
        assert_eq!(both(&there, net), [(1, 0), (1, 0)], "{there}");
    }
}

#[test]
fn default_interface_is_that_of_static_addresses() {
    let (plan, exit) = plan("global_defs {\n default_interface eth1\n}\nstatic_ipaddress {\n 192.0.2.1\n}\n");
    assert_eq!(exit, 0);
    assert_eq!(plan.vrrp.statics.addresses[0].interface.as_str(), "eth1");
}

#[test]
fn an_instance_has_its_routes_rules_and_the_options_of_its_addresses() {
    let (plan, exit) = plan(
        "vrrp_instance A {\n interface eth1\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.9 no_track\n \
         192.0.2.9 home\n 192.0.2.10\n }\n virtual_ipaddress_excluded {\n 2001:db8::1/64\n \
         2001:db8::2/64 preferred_lft 5\n }\n virtual_routes {\n default via 192.0.2.1\n }\n virtual_rules {\n \
         from 192.0.2.9 table 9 preference 9\n }\n}\n",
    );
    // The second 192.0.2.9 is one too many, and its option goes with it.
    assert_eq!(exit, 5);
    let router = &plan.vrrp.routers[0];
    assert_eq!((router.routes.len(), router.rules.len()), (1, 1));
    let addresses = router.vips.iter().chain(&router.excluded);
    let options: Vec<_> = addresses
        .map(|spec| {
            let options = &spec.options;
            let address = spec.cidr.addr.to_string();
            (address, options.watched, options.home, options.preferred)
        })
        .collect();
    assert_eq!(
        options,
        [
            ("192.0.2.9".to_owned(), false, false, None),
            ("192.0.2.10".to_owned(), true, false, None),
            ("2001:db8::1".to_owned(), true, false, Some(Lifetime::Forever)),
            ("2001:db8::2".to_owned(), true, false, Some(Lifetime::Seconds(5))),
        ]
    );
}
