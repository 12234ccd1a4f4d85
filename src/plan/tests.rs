use super::*;
use crate::conf::{ReadOptions, read_str};
use crate::net::{Cidr, IfIndex, InterfaceAddress};
use std::path::Path;

fn host(names: &[&str]) -> Host {
    let interfaces = (1..).zip(names).map(|(index, name)| InterfaceStatus {
        name: IfName::new(name).unwrap(),
        index: IfIndex(index),
        mac: None,
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: vec![InterfaceAddress {
            cidr: Cidr::new("192.0.2.1".parse().unwrap(), 24).unwrap(),
            tentative: false,
        }],
    });
    Host {
        interfaces: interfaces.collect(),
        ..Host::default()
    }
}

/// The plan of `text`, and what is said about it.
fn plan(text: &str) -> (Plan, Vec<String>) {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = read_str(Path::new("t.conf"), text, &options);
    let (plan, more) = build(&reading.config, &host(&["eth0", "eth1"]));
    let said = reading
        .diagnostics
        .iter()
        .chain(&more)
        .map(ToString::to_string)
        .collect();
    (plan, said)
}

#[test]
fn a_simple_instance() {
    let (plan, said) = plan(
        "vrrp_instance VI_1 {\n state BACKUP\n interface eth0\n virtual_router_id 51\n priority 150\n \
         advert_int 2\n virtual_ipaddress {\n 192.0.2.9/24 dev eth1 label eth1:1\n }\n}\n",
    );
    assert_eq!(said, Vec::<String>::new());
    let router = &plan.vrrp.routers[0];
    assert_eq!(
        (router.name.as_str(), router.vrid.get(), router.priority.0),
        ("VI_1", 51, 150)
    );
    assert_eq!(router.advert_int, std::time::Duration::from_secs(2));
    assert_eq!(
        router.vips[0].to_string(),
        "192.0.2.9/24 dev eth1 scope global label eth1:1"
    );
}
