use super::*;
use crate::net::Mac;

const ETH0: IfIndex = IfIndex(2);

fn name(name: &str) -> IfName {
    IfName::new(name).unwrap()
}

fn status(index: IfIndex, at: &str, up: bool) -> InterfaceStatus {
    InterfaceStatus {
        name: name(at),
        index,
        mac: Some(Mac([2, 0, 0, 0, 0, 1])),
        mtu: 1500,
        up,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: Vec::new(),
        made: crate::net::LinkTraits::default(),
    }
}

fn link(index: IfIndex, at: &str, up: bool) -> Change {
    Change::Link {
        status: status(index, at, up),
        forwards_v6: None,
    }
}

fn cidr(text: &str) -> Cidr {
    let (addr, prefix) = text.split_once('/').unwrap();
    Cidr::new(addr.parse().unwrap(), prefix.parse().unwrap()).unwrap()
}

fn present(text: &str) -> InterfaceAddress {
    InterfaceAddress {
        cidr: cidr(text),
        tentative: false,
    }
}

fn address(text: &str) -> Change {
    Change::Address {
        interface: ETH0,
        address: present(text),
    }
}

fn gone(text: &str) -> Change {
    Change::AddressGone {
        interface: ETH0,
        cidr: cidr(text),
    }
}

fn told(status: InterfaceStatus) -> News {
    News::Interface {
        status,
        forwards_v6: false,
    }
}

fn with(mut status: InterfaceStatus, addresses: &[&str]) -> InterfaceStatus {
    status.addresses = addresses.iter().map(|a| present(a)).collect();
    status
}

fn removed(text: &str) -> News {
    News::AddressRemoved {
        interface: name("eth0"),
        address: text.parse().unwrap(),
    }
}

/// eth0, up, with 10.0.0.1/24, all told.
fn settled() -> Inventory {
    let mut inventory = Inventory::default();
    inventory.apply(link(ETH0, "eth0", true));
    inventory.apply(address("10.0.0.1/24"));
    assert_eq!(
        inventory.take_news(),
        [told(with(status(ETH0, "eth0", true), &["10.0.0.1/24"]))]
    );
    inventory
}

#[test]
fn only_differences_are_news() {
    let mut inventory = settled();
    // Wireless and statistics make link messages that change nothing for us.
    inventory.apply(link(ETH0, "eth0", true));
    inventory.apply(address("10.0.0.1/24"));
    assert_eq!(inventory.take_news(), []);
    inventory.apply(link(ETH0, "eth0", false));
    assert_eq!(
        inventory.take_news(),
        [told(with(status(ETH0, "eth0", false), &["10.0.0.1/24"]))]
    );
    assert_eq!(inventory.take_news(), []);
}

#[test]
fn an_address_that_ends_detection_is_news() {
    let mut inventory = settled();
    let mut fresh = present("fe80::1/64");
    fresh.tentative = true;
    inventory.apply(Change::Address {
        interface: ETH0,
        address: fresh,
    });
    assert_eq!(inventory.take_news().len(), 1);
    inventory.apply(address("fe80::1/64"));
    assert_eq!(
        inventory.take_news(),
        [told(with(
            status(ETH0, "eth0", true),
            &["10.0.0.1/24", "fe80::1/64"]
        ))]
    );
}

#[test]
fn an_interface_made_again_is_gone_first() {
    let mut inventory = settled();
    inventory.apply(Change::LinkGone(ETH0));
    inventory.apply(link(IfIndex(7), "eth0", true));
    assert_eq!(
        inventory.take_news(),
        [
            News::InterfaceGone(name("eth0")),
            told(status(IfIndex(7), "eth0", true))
        ]
    );
    assert_eq!(inventory.index_of(&name("eth0")), Some(IfIndex(7)));
}

#[test]
fn a_renamed_interface_is_another_one() {
    let mut inventory = settled();
    inventory.apply(link(ETH0, "lan", true));
    assert_eq!(
        inventory.take_news(),
        [
            News::InterfaceGone(name("eth0")),
            told(with(status(ETH0, "lan", true), &["10.0.0.1/24"]))
        ]
    );
    assert_eq!(inventory.index_of(&name("eth0")), None);
}

#[test]
fn another_s_removal_of_our_address_is_told_after_the_interface() {
    let mut inventory = settled();
    inventory.hold(ETH0, "10.0.0.100".parse().unwrap());
    inventory.apply(address("10.0.0.100/32"));
    inventory.take_news();
    inventory.apply(gone("10.0.0.100/32"));
    assert_eq!(
        inventory.take_news(),
        [
            told(with(status(ETH0, "eth0", true), &["10.0.0.1/24"])),
            removed("10.0.0.100")
        ]
    );
    assert_eq!(inventory.held().count(), 0, "told once");
}

#[test]
fn our_own_removal_is_not_told() {
    let mut inventory = settled();
    let vip = "10.0.0.100".parse().unwrap();
    inventory.hold(ETH0, vip);
    inventory.apply(address("10.0.0.100/32"));
    inventory.take_news();
    inventory.release(ETH0, vip);
    inventory.apply(gone("10.0.0.100/32"));
    let addresses_removed = |news: &[News]| news.iter().any(|n| matches!(n, News::AddressRemoved { .. }));
    assert!(!addresses_removed(&inventory.take_news()));
    // Removed and installed again before the messages were read: both are in the batch.
    inventory.hold(ETH0, vip);
    inventory.apply(address("10.0.0.100/32"));
    inventory.take_news();
    inventory.release(ETH0, vip);
    inventory.hold(ETH0, vip);
    inventory.apply(gone("10.0.0.100/32"));
    inventory.apply(address("10.0.0.100/32"));
    assert!(!addresses_removed(&inventory.take_news()));
}

#[test]
fn an_ipv6_address_that_the_kernel_tells_of_late_is_not_missed() {
    let mut inventory = settled();
    let vip = "fd00::100".parse().unwrap();
    inventory.hold(ETH0, vip);
    inventory.apply(link(ETH0, "eth0", false));
    assert!(!inventory.suspects_removal());
    assert_eq!(inventory.take_news().len(), 1, "the link's change only");
    inventory.apply(address("fd00::100/128"));
    inventory.take_news();
    inventory.apply(gone("fd00::100/128"));
    assert!(inventory.suspects_removal());
    // The dump finds it: it was removed and installed again, and the message of that is still to come.
    inventory.replace([
        link(ETH0, "eth0", false),
        address("10.0.0.1/24"),
        address("fd00::100/128"),
    ]);
    assert!(!inventory.suspects_removal());
    assert_eq!(inventory.take_news(), []);
    // Installed and removed before any message of it was read: it was seen all the same.
    inventory.release(ETH0, vip);
    inventory.hold(ETH0, "fd00::101".parse().unwrap());
    inventory.apply(address("fd00::101/128"));
    inventory.apply(gone("fd00::101/128"));
    assert!(inventory.suspects_removal());
    assert_eq!(inventory.take_news(), [removed("fd00::101")]);
}

#[test]
fn an_address_held_with_another_prefix_counts_as_there() {
    let mut inventory = settled();
    inventory.hold(ETH0, "10.0.0.1".parse().unwrap());
    inventory.apply(link(ETH0, "eth0", false));
    assert_eq!(inventory.take_news().len(), 1);
}

#[test]
fn a_lost_link_takes_our_addresses_without_further_words() {
    let mut inventory = settled();
    inventory.hold(ETH0, "10.0.0.100".parse().unwrap());
    inventory.apply(address("10.0.0.100/32"));
    inventory.take_news();
    inventory.apply(Change::LinkGone(ETH0));
    assert_eq!(inventory.take_news(), [News::InterfaceGone(name("eth0"))]);
    assert_eq!(inventory.held().count(), 0);
}

#[test]
fn a_dump_after_lost_messages_finds_every_difference() {
    let mut inventory = settled();
    inventory.apply(link(IfIndex(3), "eth1", true));
    inventory.hold(ETH0, "10.0.0.100".parse().unwrap());
    inventory.apply(address("10.0.0.100/32"));
    inventory.take_news();
    inventory.replace([
        link(ETH0, "eth0", false),
        link(IfIndex(4), "eth2", true),
        address("10.0.0.1/24"),
    ]);
    assert_eq!(
        inventory.take_news(),
        [
            News::InterfaceGone(name("eth1")),
            told(with(status(ETH0, "eth0", false), &["10.0.0.1/24"])),
            told(status(IfIndex(4), "eth2", true)),
            removed("10.0.0.100"),
        ]
    );
    inventory.replace([
        link(ETH0, "eth0", false),
        link(IfIndex(4), "eth2", true),
        address("10.0.0.1/24"),
    ]);
    assert_eq!(inventory.take_news(), [], "the same again is no news");
}

#[test]
fn forwarding_is_kept_when_a_message_does_not_say() {
    let mut inventory = Inventory::default();
    inventory.apply(Change::Link {
        status: status(ETH0, "eth0", true),
        forwards_v6: Some(true),
    });
    inventory.apply(link(ETH0, "eth0", true));
    assert_eq!(
        inventory.take_news(),
        [News::Interface {
            status: status(ETH0, "eth0", true),
            forwards_v6: true
        }]
    );
}

/// Moved to another namespace and back: nothing that was bound to it or held there is left, whatever it looks like.
#[test]
fn a_link_that_comes_back_under_its_index_was_gone() {
    let mut inventory = settled();
    inventory.apply(address("10.0.0.9/32"));
    inventory.hold(ETH0, "10.0.0.9".parse().unwrap());
    inventory.take_news();
    inventory.apply(Change::LinkGone(ETH0));
    inventory.apply(link(ETH0, "eth0", true));
    inventory.apply(address("10.0.0.1/24"));
    inventory.apply(address("10.0.0.9/32"));
    assert_eq!(
        inventory.take_news(),
        [
            News::InterfaceGone(name("eth0")),
            told(with(status(ETH0, "eth0", true), &["10.0.0.1/24", "10.0.0.9/32"]))
        ]
    );
    assert_eq!(inventory.held().count(), 0);
    assert_eq!(inventory.take_news(), []);
}
