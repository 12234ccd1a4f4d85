//! What the targets of packets and kernel messages begin with: the VRRP plane of a configuration, and its host.

use std::path::Path;
use steadfast::conf::{self, ReadOptions};
use steadfast::net::{Cidr, IfIndex, IfName, InterfaceAddress, InterfaceStatus, LinkTraits, Mac};
use steadfast::plan::{self, Host};
use steadfast::vrrp::VrrpConfig;

/// eth0, index 2, up, with one address of each family that ends in `host`.
pub fn interface(host: u8) -> InterfaceStatus {
    let address = |text: String| InterfaceAddress {
        cidr: Cidr::host(text.parse().expect("an address")),
        tentative: false,
    };
    InterfaceStatus {
        name: IfName::new("eth0").expect("a name"),
        index: IfIndex(2),
        mac: Some(Mac([2, 0, 0, 0, 0, host])),
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: vec![
            address(format!("10.0.0.{host}")),
            address(format!("fe80::{host}")),
        ],
        made: LinkTraits::default(),
    }
}

/// What `text` says of VRRP on a host with that interface.
pub fn vrrp(text: &str, interface: InterfaceStatus) -> VrrpConfig {
    let options = ReadOptions {
        alone: true,
        ..ReadOptions::default()
    };
    let reading = conf::read_bytes(Path::new("fuzz.conf"), text.as_bytes(), &options);
    let host = Host {
        interfaces: vec![interface],
        ..Host::default()
    };
    plan::build(&reading.config, &host).0.vrrp
}
