//! What is announced when, by the engine as a whole (facts 11).

use crate::net::{IfIndex, LinkKind, LinkTraits};
use crate::vrrp::config::*;
use crate::vrrp::event::{Action, Event};
use crate::vrrp::testing::*;
use std::time::Duration;

fn announced(lines: &[String]) -> Vec<&str> {
    let lines = lines.iter().filter(|line| line.contains("announce "));
    lines.map(String::as_str).collect()
}

/// Facts: 11.3, 11.4
#[test]
fn a_master_announces_twice_and_refreshes() {
    let mut config = router("A", 51);
    config.excluded = vec![spec("10.0.0.9", "eth0")];
    config.garp = GarpConfig {
        delay: Duration::from_secs(2),
        repeat: 2,
        refresh: Duration::from_secs(10),
        refresh_repeat: 1,
        ..GarpConfig::default()
    };
    let mut bench = Bench::new(one(config));
    let all = bench.pass(Duration::from_micros(3_609_375 + 22_500_000));
    let at = |seconds: u64| {
        format!(
            "+{} announce 10.0.0.151 10.0.0.9",
            3_609_375 + seconds * 1_000_000
        )
    };
    assert_eq!(
        announced(&all),
        [at(0), at(0), at(2), at(2), at(12), at(22)],
        "every round is all addresses"
    );
    let status = bench.of("A");
    let last = bench.now - ms(500);
    assert_eq!(
        status.announced,
        [(ip("10.0.0.151"), last), (ip("10.0.0.9"), last)]
    );
}

/// eth1 is a VMAC on eth0.
fn with_vmac(all: bool, xmit_base: bool) -> Bench {
    let mut config = router("A", 51);
    config.link = Some(OwnLink {
        name: name("vrrp.51"),
        xmit_base,
    });
    config.vips = vec![
        spec("10.0.0.151", "vrrp.51"),
        spec("10.0.0.152", "vrrp.51"),
        spec("10.1.0.9", "eth1"),
        spec("10.0.0.9", "eth0"),
    ];
    config.garp.extra = Some(ExtraGarp {
        all,
        interval: Duration::from_secs(30),
    });
    let link = LinkConfig {
        name: name("vrrp.51"),
        router: "A".into(),
        parent: name("eth0"),
        kind: OwnLinkKind::Vmac(crate::net::Mac([0, 0, 0x5e, 0, 1, 51])),
        family: crate::net::Family::V4,
        both: false,
        link_local: None,
        group: None,
        notify_parent: false,
    };
    let mut bench = Bench::idle(VrrpConfig {
        links: vec![link],
        ..one(config)
    });
    let mut vmac = interface("vrrp.51", 9, &[]);
    vmac.made = LinkTraits {
        kind: LinkKind::Macvlan { private: true },
        parent: Some(IfIndex(1)),
        ..LinkTraits::default()
    };
    bench.handle(Event::Interface(vmac));
    bench.start();
    bench
}

/// Facts: 11.5
#[test]
fn further_interfaces_are_refreshed_by_one_message_each() {
    // all, vmac_xmit_base → whom
    let table: [(bool, bool, &[&str]); 4] = [
        (false, false, &[]),
        (false, true, &["10.0.0.151"]),
        (true, false, &["10.1.0.9", "10.0.0.9"]),
        (true, true, &["10.0.0.151", "10.1.0.9"]),
    ];
    for (all, xmit_base, wanted) in table {
        let mut bench = with_vmac(all, xmit_base);
        bench.pass(ms(5_000));
        assert_eq!(bench.state("A"), "MASTER");
        let lines = bench.pass(Duration::from_secs(60));
        let twice: Vec<String> = [28_609_375u64, 58_609_375]
            .iter()
            .filter(|_| !wanted.is_empty())
            .map(|at| format!("+{at} announce {}", wanted.join(" ")))
            .collect();
        assert_eq!(announced(&lines), twice, "{all} {xmit_base}");
    }
}

/// Facts: 11.6
#[test]
fn a_garp_group_is_a_limit_of_its_own() {
    let mut config = router("A", 51);
    config.vips = vec![spec("10.0.0.151", "eth0"), spec("10.1.0.9", "eth1")];
    config.garp.garp_interval = ms(10);
    let grouped = |interfaces: &[&str]| {
        let group = GarpLimit {
            garp_interval: Some(ms(70)),
            gna_interval: None,
            interfaces: interfaces.iter().map(|i| name(i)).collect(),
        };
        let mut bench = Bench::new(VrrpConfig {
            garp_groups: vec![group],
            ..one(config.clone())
        });
        bench.pass(ms(5_000))
    };
    let (both, first) = (grouped(&["eth0", "eth1"]), grouped(&["eth0"]));
    assert_eq!(
        announced(&both),
        ["+3609375 announce 10.0.0.151", "+3679375 announce 10.1.0.9"]
    );
    assert_eq!(
        announced(&first),
        ["+3609375 announce 10.1.0.9", "+3609375 announce 10.0.0.151"]
            .map(String::from)
            .iter()
            .rev()
            .collect::<Vec<_>>()
    );
}

/// Facts: 11.6
#[test]
fn a_vmac_shares_the_limit_of_the_interface_below_it() {
    let mut bench = with_vmac(false, true);
    let mut config = bench.of("A").config;
    config.garp.garp_interval = ms(100);
    config.garp.extra = None;
    bench.engine.reload(
        bench.now,
        VrrpConfig {
            ..one(config.clone())
        },
    );
    bench.drain();
    let lines = bench.pass(ms(5_000));
    assert_eq!(
        announced(&lines),
        [
            "+3609375 announce 10.0.0.151",
            "+3609375 announce 10.1.0.9",
            "+3709375 announce 10.0.0.152",
            "+3809375 announce 10.0.0.9",
        ]
    );
}

#[test]
fn a_link_that_returns_is_announced_on_by_who_stayed_master() {
    let mut config = router("A", 51);
    config.dont_track_primary = true;
    config.garp.repeat = 2;
    let mut bench = Bench::master(one(config));
    let eth0 = || interface("eth0", 1, &["10.0.0.1", "10.0.0.151"]);
    bench.handle(Event::Interface(eth0()));
    assert_eq!(announced(&bench.link(eth0(), false)), [""; 0]);
    assert_eq!(bench.state("A"), "MASTER");
    assert_eq!(announced(&bench.link(eth0(), true)), ["announce 10.0.0.151"; 2]);
    let mut other = eth0();
    other.mac = Some(crate::net::Mac([2, 0, 0, 0, 0, 99]));
    assert_eq!(
        announced(&bench.handle(Event::Interface(other.clone()))),
        ["announce 10.0.0.151"; 2],
        "another MAC"
    );
    assert_eq!(announced(&bench.handle(Event::Interface(other))), [""; 0]);
}

/// 500 addresses are one action for each round, so that they leave in a few system calls.
#[test]
fn many_addresses_are_few_actions() {
    let mut config = router("A", 51);
    config.excluded = (0..500u16)
        .map(|n| spec(&format!("10.2.{}.{}", n / 250, n % 250 + 1), "eth0"))
        .collect();
    config.garp.repeat = 5;
    let mut bench = Bench::new(one(config));
    bench.now += Duration::from_micros(3_609_375);
    bench.engine.handle_timeout(bench.now);
    let mut rounds = Vec::new();
    while let Some(action) = bench.engine.poll_action() {
        match action {
            Action::Announce(round) => rounds.push(round.targets.len()),
            Action::Hold(order) => {
                let answer = crate::vrrp::event::Completion {
                    router: order.router,
                    generation: order.generation,
                    failed: vec![],
                };
                bench.engine.handle(bench.now, Event::Placed(answer.clone()));
                bench.engine.handle(bench.now, Event::Held(answer));
            }
            _ => {}
        }
    }
    assert_eq!(rounds, [501; 5]);
}

/// Who shares the pace of an interface: a macvlan on it, not a VLAN on it nor the veth whose other end it is.
/// Facts: 11.6
#[test]
fn a_pace_is_that_of_the_base_interface() {
    for (kind, paced) in [
        (LinkKind::Macvlan { private: false }, true),
        (LinkKind::Ipvlan { l2: None }, true),
        (LinkKind::Other, false),
    ] {
        let mut config = router("A", 51);
        config.vips = vec![spec("10.2.0.9", "above")];
        let group = GarpLimit {
            garp_interval: Some(ms(70)),
            gna_interval: None,
            interfaces: vec![name("eth0")],
        };
        config.garp.repeat = 2;
        let mut bench = Bench::idle(VrrpConfig {
            garp_groups: vec![group],
            ..one(config)
        });
        let mut above = interface("above", 9, &[]);
        above.made = LinkTraits {
            kind,
            parent: Some(IfIndex(1)),
            ..LinkTraits::default()
        };
        bench.handle(Event::Interface(above));
        bench.start();
        let lines = bench.pass(ms(4_000));
        let second = if paced { 3_679_375 } else { 3_609_375 };
        let wanted = [3_609_375, second].map(|at| format!("+{at} announce 10.2.0.9"));
        assert_eq!(announced(&lines), wanted, "{kind:?}");
    }
}
