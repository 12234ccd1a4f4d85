//! FAULT, trackers and what they do to a running router (facts 2.14 to 2.21, 14).

use crate::net::InterfaceStatus;
use crate::vrrp::config::*;
use crate::vrrp::event::Event;
use crate::vrrp::testing::*;

fn eth0() -> InterfaceStatus {
    interface("eth0", 1, &["10.0.0.1"])
}

fn tracking(weight: i16) -> VrrpConfig {
    let mut config = router("A", 51);
    config.track_scripts = vec![TrackedScript {
        script: "chk".into(),
        weight,
        reverse: false,
    }];
    let scripts = vec![ScriptTracker {
        name: "chk".into(),
        rise: 1,
        fall: 2,
    }];
    VrrpConfig {
        scripts,
        ..one(config)
    }
}

/// Facts: 2.14, 2.16
#[test]
fn a_master_whose_interface_goes_down() {
    let mut bench = Bench::master(one(router("A", 51)));
    assert_eq!(
        bench.link(eth0(), false),
        [
            "log Netlink reports eth0 down",
            "log (A) entering FAULT state (interface eth0 is down)",
            "log (A) Entering FAULT STATE",
            "send 51/0 to 224.0.0.18",
            "log (A) sent 0 priority",
            "send 51/0 to 224.0.0.18",
            "log (A) sent 0 priority",
            "log (A) removing VIPs.",
            "release#2 10.0.0.151",
            "notify Instance(\"A\") FAULT 100",
        ]
    );
    assert_eq!(bench.of("A").faults, ["interface eth0 is down"]);
    assert_eq!(bench.engine.next_deadline(), None);
    assert_eq!(
        bench.link(eth0(), true),
        [
            "log Netlink reports eth0 up",
            "log (A) Entering BACKUP STATE",
            "notify Instance(\"A\") BACKUP 100",
        ]
    );
    assert_eq!(bench.timer("A"), 3_609_375);
}

/// Facts: 2.17
#[test]
fn all_causes_must_clear() {
    let mut config = tracking(0);
    config.routers[0].track_interfaces = vec![TrackedInterface {
        interface: name("eth1"),
        weight: 0,
        reverse: false,
    }];
    let mut bench = Bench::new(config);
    bench.script("chk", 0);
    assert_eq!(bench.state("A"), "BACKUP");
    bench.link(eth0(), false);
    bench.link(interface("eth1", 2, &[]), false);
    bench.script("chk", 1);
    bench.script("chk", 1);
    bench.handle(Event::Interface(interface("eth0", 1, &[])));
    assert_eq!(
        bench.of("A").faults,
        [
            "no source address on interface eth0",
            "tracked interface eth1",
            "tracked script chk"
        ]
    );
    bench.link(eth0(), true);
    bench.script("chk", 0);
    assert_eq!(bench.state("A"), "FAULT");
    bench.link(interface("eth1", 2, &[]), true);
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 14.14
#[test]
fn a_deleted_interface_may_come_back_under_another_index() {
    let mut bench = Bench::master(one(router("A", 51)));
    let gone = bench.handle(Event::InterfaceGone(name("eth0")));
    assert_eq!(gone[0], "log Interface eth0 deleted");
    assert!(
        !gone.iter().any(|l| l.starts_with("send")),
        "there is no interface to send from: {gone:?}"
    );
    assert_eq!(bench.of("A").faults, ["interface eth0 does not exist"]);
    bench.handle(Event::Interface(interface("eth0", 9, &["10.0.0.1"])));
    assert_eq!(bench.state("A"), "BACKUP");
    assert_eq!(
        bench.hear(advert(&router("A", 51), 200, "10.0.0.2")),
        [""; 0],
        "the old index is a stranger"
    );
    let mut packet = advert(&router("A", 51), 200, "10.0.0.2");
    packet.interface.0 = 9;
    assert_eq!(bench.hear(packet), ["log (A) master set to 10.0.0.2"]);
}

/// Facts: 2.7, 14.5
#[test]
fn an_undecided_script_holds_the_router_back_silently() {
    let mut bench = Bench::idle(tracking(0));
    assert_eq!(bench.start(), [""; 0]);
    assert_eq!(bench.state("A"), "FAULT", "shown so");
    assert_eq!(bench.engine.next_deadline(), None);
    assert_eq!(
        bench.script("chk", 0),
        [
            "log VRRP_Script(chk) succeeded",
            "log (A) Entering BACKUP STATE",
            "notify Instance(\"A\") BACKUP 100",
        ]
    );
    let mut bench = Bench::idle(tracking(0));
    bench.start();
    assert_eq!(
        bench.script("chk", 7),
        [
            "log Script `chk` now returning 7",
            "log VRRP_Script(chk) failed (exited with status 7)",
            "log (A) entering FAULT state (tracked script chk)",
            "log (A) Entering FAULT STATE",
            "notify Instance(\"A\") FAULT 100",
        ]
    );
}

/// Facts: 2.18, 14.1
#[test]
fn a_weight_moves_the_timer_by_the_skew() {
    let mut bench = Bench::new(tracking(-50));
    bench.pass(ms(1_000));
    assert_eq!(bench.timer("A"), 2_609_375);
    assert_eq!(
        bench.script("chk", 1),
        [
            "log Script `chk` now returning 1",
            "log VRRP_Script(chk) failed (exited with status 1)",
            "log (A) Changing effective priority from 100 to 50",
        ]
    );
    assert_eq!(bench.timer("A"), 2_609_375 + 195_312, "50/256 s more");
    bench.script("chk", 0);
    assert_eq!(bench.timer("A"), 2_609_375);
}

/// Facts: 2.19
#[test]
fn a_master_with_less_priority_stays_until_it_hears_more() {
    let mut bench = Bench::master(tracking(-50));
    assert_eq!(
        bench.script("chk", 1).last().unwrap(),
        "log (A) Changing effective priority from 100 to 50"
    );
    assert_eq!(bench.state("A"), "MASTER");
    assert!(bench.pass(ms(1_000))[0].ends_with("send 51/50 to 224.0.0.18"));
    bench.hear(advert(&router("A", 51), 51, "10.0.0.0"));
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 2.21
#[test]
fn a_robbed_master_tries_again_after_the_skew() {
    let mut bench = Bench::master(one(router("A", 51)));
    assert_eq!(
        bench.handle(Event::AddressRemoved {
            interface: name("eth1"),
            address: ip("10.0.0.151")
        }),
        [""; 0],
        "not on that interface"
    );
    assert_eq!(
        bench.handle(Event::AddressRemoved {
            interface: name("eth0"),
            address: ip("10.0.0.151")
        }),
        [
            "log Netlink reflector reports IP 10.0.0.151 removed from eth0",
            "log (A) Entering BACKUP STATE",
            "send 51/0 to 224.0.0.18",
            "log (A) sent 0 priority",
            "log (A) removing VIPs.",
            "release#2 10.0.0.151",
            "notify Instance(\"A\") BACKUP 100",
        ]
    );
    let again = bench.pass(ms(700));
    assert!(again.contains(&"+609375 hold#3 10.0.0.151".into()), "{again:?}");
    let quiet = bench.handle(Event::AddressRemoved {
        interface: name("eth0"),
        address: ip("10.0.0.1"),
    });
    assert_eq!(quiet, [""; 0], "not a virtual address");
}

/// Facts: 2.16
#[test]
fn a_recovered_unicast_router_announces_its_own_address() {
    let mut config = router("A", 51);
    config.transport = Transport::Unicast {
        peers: vec![ip("10.0.0.2")],
        ttl: 255,
    };
    let mut bench = Bench::new(one(config));
    bench.link(eth0(), false);
    let back = bench.link(eth0(), true);
    assert_eq!(back[1], "announce 10.0.0.1", "{back:?}");
}

/// Facts: 2.16
#[test]
fn a_recovered_owner_takes_over_after_one_interval() {
    let mut config = router("A", 51);
    config.priority = crate::vrrp::Priority::OWNER;
    config.initial = InitialState::Master;
    let mut bench = Bench::new(one(config));
    bench.pass(ms(100));
    bench.link(eth0(), false);
    bench.link(eth0(), true);
    assert_eq!(bench.timer("A"), 1_003_906);
}

/// Facts: 2.2, 2.17
#[test]
fn a_fault_of_the_configuration_never_clears() {
    let mut config = router("A", 51);
    config.config_fault = Some("interface eth0 does not support multicast".into());
    let mut bench = Bench::idle(one(config));
    assert_eq!(
        bench.start(),
        [
            "log (A) entering FAULT state (interface eth0 does not support multicast)",
            "log (A) Entering FAULT STATE (init)",
            "notify Instance(\"A\") FAULT 100",
        ]
    );
    bench.link(eth0(), false);
    bench.link(eth0(), true);
    assert_eq!(bench.state("A"), "FAULT");
}
