//! Sync groups in action; the orders themselves are a table beside `sync`.

use crate::vrrp::config::*;
use crate::vrrp::event::{Completion, Event};
use crate::vrrp::testing::*;

/// A on eth0 and B on eth1, in group G.
fn pair() -> VrrpConfig {
    let a = router("A", 51);
    let mut b = router("B", 52);
    b.interface = name("eth1");
    b.vips = vec![spec("10.1.0.152", "eth1")];
    VrrpConfig {
        routers: vec![a, b],
        groups: vec![group("G", &["A", "B"])],
        ..VrrpConfig::default()
    }
}

fn from_peer(config: &RouterConfig, priority: u8) -> crate::vrrp::event::Datagram {
    let b = config.name == "B";
    let mut datagram = advert(config, priority, if b { "10.1.0.2" } else { "10.0.0.2" });
    datagram.interface.0 = if b { 2 } else { 1 };
    datagram
}

fn logs(lines: Vec<String>) -> Vec<String> {
    lines
        .into_iter()
        .filter(|l| !l.contains("setting") && !l.contains("queueing"))
        .collect()
}

/// Facts: 15.2, 15.4, 15.6
#[test]
fn a_group_starts_and_rises_together() {
    let mut bench = Bench::idle(pair());
    assert_eq!(
        bench.start(),
        [
            "log (A) Entering BACKUP STATE (init)",
            "notify Group(\"G\") BACKUP 0",
            "notify Instance(\"A\") BACKUP 100",
            "log (B) Entering BACKUP STATE (init)",
            "notify Instance(\"B\") BACKUP 100",
        ]
    );
    bench.pass(ms(1_000));
    bench.hear(from_peer(&pair().routers[1], 150));
    assert_eq!(
        logs(bench.pass(ms(5_000))),
        [
            "+2609375 log (A) Receive advertisement timeout",
            "+3609375 log (B) Receive advertisement timeout",
            "+3609375 send 52/100 to 224.0.0.18",
            "+3609375 log (B) Entering MASTER STATE",
            "+3609375 hold#1 10.1.0.152",
            "+3609375 log VRRP_Group(G) Syncing instances to MASTER state",
            "+3609375 send 51/100 to 224.0.0.18",
            "+3609375 log (A) Entering MASTER STATE",
            "+3609375 hold#1 10.0.0.151",
            "+3609375 announce 10.1.0.152",
            "+3609375 notify Instance(\"B\") MASTER 100",
            "+3609375 announce 10.0.0.151",
            "+3609375 notify Instance(\"A\") MASTER 100",
            "+3609375 notify Group(\"G\") MASTER 0",
            "+4609375 send 51/100 to 224.0.0.18",
            "+4609375 send 52/100 to 224.0.0.18",
        ]
    );
}

/// Facts: 15.2
#[test]
fn a_member_that_waits_for_its_group_keeps_a_deadline_and_forgets_when_it_hears() {
    let mut bench = Bench::new(pair());
    let config = pair();
    for _ in 0..10 {
        bench.hear(from_peer(&config.routers[1], 150));
        bench.pass(ms(1_000));
        assert_eq!((bench.state("A"), bench.state("B")), ("BACKUP", "BACKUP"));
    }
    // A's timer ran out long ago, but its master is back.
    bench.hear(from_peer(&config.routers[0], 150));
    bench.pass(ms(3_000));
    assert_eq!(
        (bench.state("A"), bench.state("B")),
        ("BACKUP", "BACKUP"),
        "B alone is due now"
    );
    bench.pass(ms(700));
    assert_eq!((bench.state("A"), bench.state("B")), ("MASTER", "MASTER"));
}

/// Facts: 15.3
#[test]
fn one_that_yields_takes_all_along() {
    let mut bench = Bench::master(pair());
    assert_eq!(
        bench.hear(from_peer(&pair().routers[1], 150)),
        [
            "log (B) Master received advert from 10.1.0.2 with higher priority 150, ours 100",
            "log (B) Entering BACKUP STATE",
            "log (B) removing VIPs.",
            "release#2 10.1.0.152",
            "notify Instance(\"B\") BACKUP 100",
            "log VRRP_Group(G) Syncing instances to BACKUP state",
            "log (A) Entering BACKUP STATE",
            "log (A) removing VIPs.",
            "release#2 10.0.0.151",
            "notify Instance(\"A\") BACKUP 100",
            "notify Group(\"G\") BACKUP 0",
        ]
    );
}

/// Facts: 2.14, 15.3
#[test]
fn one_fault_is_everybodys() {
    let mut bench = Bench::master(pair());
    let failed = bench.link(interface("eth1", 2, &["10.1.0.1"]), false);
    assert_eq!(
        failed,
        [
            "log Netlink reports eth1 down",
            "log (B) entering FAULT state (interface eth1 is down)",
            "log (B) Entering FAULT STATE",
            "send 52/0 to 224.0.0.18",
            "log (B) sent 0 priority",
            "send 52/0 to 224.0.0.18",
            "log (B) sent 0 priority",
            "log (B) removing VIPs.",
            "release#2 10.1.0.152",
            "notify Instance(\"B\") FAULT 100",
            "log VRRP_Group(G) Syncing instances to FAULT state",
            "log (A) Entering FAULT STATE",
            "send 51/0 to 224.0.0.18",
            "log (A) sent 0 priority",
            "log (A) removing VIPs.",
            "release#2 10.0.0.151",
            "notify Instance(\"A\") FAULT 100",
            "notify Group(\"G\") FAULT 0",
        ]
    );
    assert_eq!(
        bench.link(interface("eth0", 1, &["10.0.0.1"]), false).len(),
        1,
        "told of the link only"
    );
    bench.link(interface("eth1", 2, &["10.1.0.1"]), true);
    assert_eq!(bench.state("B"), "FAULT");
    bench.link(interface("eth0", 1, &["10.0.0.1"]), true);
    assert_eq!((bench.state("A"), bench.state("B")), ("BACKUP", "BACKUP"));
}

/// Facts: 2.21
#[test]
fn one_robbed_takes_all_along_with_their_skews() {
    let mut bench = Bench::master(pair());
    let done = bench.handle(Event::AddressRemoved {
        interface: name("eth0"),
        address: ip("10.0.0.151"),
    });
    let sent: Vec<_> = done.iter().filter(|l| l.starts_with("send")).collect();
    assert_eq!(
        sent,
        ["send 51/0 to 224.0.0.18", "send 52/0 to 224.0.0.18"],
        "fact 2.21: a release each"
    );
    assert_eq!((bench.timer("A"), bench.timer("B")), (609_375, 609_375));
    bench.pass(ms(700));
    assert_eq!((bench.state("A"), bench.state("B")), ("MASTER", "MASTER"));
}

/// Facts: 15.4
#[test]
fn a_groups_scripts_hear_of_master_when_all_addresses_are_held() {
    let mut bench = Bench::new(pair());
    bench.obedient = false;
    bench.pass(ms(4_000));
    let ids = [bench.of("A").id, bench.of("B").id];
    let held = |router| {
        Event::Held(Completion {
            router,
            generation: 1,
            failed: vec![],
        })
    };
    let first = bench.handle(held(ids[0]));
    assert_eq!(first.last().unwrap(), "notify Instance(\"A\") MASTER 100");
    let second = bench.handle(held(ids[1]));
    assert_eq!(second.last().unwrap(), "notify Group(\"G\") MASTER 0");
}

/// Facts: 4.2
#[test]
fn lower_priority_adverts_make_the_whole_group_announce() {
    let mut config = pair();
    for member in &mut config.routers {
        member.garp.lower_prio_repeat = 1;
    }
    let mut bench = Bench::master(config.clone());
    let done = bench.hear(from_peer(&config.routers[0], 1));
    let announced: Vec<_> = done.iter().filter(|l| l.starts_with("announce")).collect();
    assert_eq!(announced, ["announce 10.0.0.151", "announce 10.1.0.152"]);
}

/// Facts: 2.5, 15.5
#[test]
fn an_owner_among_others_waits_for_them() {
    let mut config = pair();
    config.routers[0].priority = crate::vrrp::Priority::OWNER;
    config.routers[0].initial = InitialState::Master;
    let bench = Bench::new(config.clone());
    assert_eq!(bench.timer("A"), 1_003_906, "fact 2.5");
    config.routers[1].priority = crate::vrrp::Priority::OWNER;
    config.routers[1].initial = InitialState::Master;
    let mut bench = Bench::new(config);
    bench.pass(ms(1));
    assert_eq!((bench.state("A"), bench.state("B")), ("MASTER", "MASTER"));
}
