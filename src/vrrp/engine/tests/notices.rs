//! What is told besides changes of state: priorities, lower adverts, departures, reminders after a reload.

use crate::vrrp::config::*;
use crate::vrrp::testing::*;
use std::time::Duration;

fn told(lines: Vec<String>) -> Vec<String> {
    let told = |line: &String| line.split_once("notify ").map(|(_, told)| told.to_owned());
    lines.iter().filter_map(told).collect()
}

fn telling(name: &str, vrid: u8) -> RouterConfig {
    RouterConfig {
        notices: Notices {
            deleted: false,
            priority_changes: true,
        },
        track_interfaces: vec![TrackedInterface {
            interface: crate::net::IfName::new("eth1").unwrap(),
            weight: 6,
            reverse: false,
        }],
        ..router(name, vrid)
    }
}

/// Facts: 12.4, 12.6
#[test]
fn priorities_are_told_when_they_change_and_at_the_start() {
    let mut config = one(telling("A", 51));
    config.groups = vec![SyncGroupConfig {
        name: "G".into(),
        members: vec!["A".into()],
        track_interfaces: vec![],
        track_scripts: vec![],
        objects: Default::default(),
    }];
    let mut bench = Bench::idle(config);
    let mut lines = bench.start();
    lines.extend(bench.pass(Duration::from_secs(20)));
    assert_eq!(
        told(lines),
        [
            r#"Instance("A") BACKUP_PRIORITY 106"#,
            r#"Group("G") BACKUP 0"#,
            r#"Instance("A") BACKUP 106"#,
            r#"Instance("A") MASTER 106"#,
            r#"Group("G") MASTER 0"#,
        ]
    );
    let eth1 = || interface("eth1", 2, &["10.1.0.1"]);
    let lost = bench.link(eth1(), false);
    assert_eq!(told(lost), [r#"Instance("A") MASTER_PRIORITY 100"#]);

    let mut silent = Bench::idle(one(RouterConfig {
        notices: Notices::default(),
        ..telling("A", 51)
    }));
    let mut lines = silent.start();
    lines.extend(silent.link(eth1(), false));
    assert_eq!(
        told(lines),
        [r#"Instance("A") BACKUP 106"#],
        "unless it is asked for"
    );
}

/// Facts: 12.4
#[test]
fn in_fault_it_is_a_backup_s_priority() {
    let mut bench = Bench::master(one(telling("A", 51)));
    bench.link(interface("eth0", 1, &["10.0.0.1", "fe80::1"]), false);
    let lost = bench.link(interface("eth1", 2, &["10.1.0.1"]), false);
    assert_eq!(told(lost), [r#"Instance("A") BACKUP_PRIORITY 100"#]);
}

/// Facts: 4.2, 12.4
#[test]
fn a_master_tells_of_every_lower_advert() {
    let config = router("A", 51);
    let mut bench = Bench::master(one(config.clone()));
    for _ in 0..2 {
        let heard = bench.hear(advert(&config, 90, "10.0.0.2"));
        assert_eq!(told(heard), [r#"Instance("A") MASTER_RX_LOWER_PRI 100"#]);
    }
    let quiet = RouterConfig {
        lower_prio_no_advert: true,
        ..config.clone()
    };
    let mut bench = Bench::master(one(quiet));
    let heard = bench.hear(advert(&config, 90, "10.0.0.2"));
    assert_eq!(told(heard), [r#"Instance("A") MASTER_RX_LOWER_PRI 100"#]);
}

fn deleted(config: RouterConfig, down: bool) -> Vec<String> {
    let mut bench = Bench::master(one(config));
    if down {
        bench.link(interface("eth0", 1, &["10.0.0.1", "fe80::1"]), false);
    }
    bench.engine.reload(bench.now, VrrpConfig::default());
    told(bench.drain())
}

/// Facts: 12.8
#[test]
fn what_a_reload_ends_is_deleted_or_at_fault() {
    let marked = RouterConfig {
        notices: Notices {
            deleted: true,
            priority_changes: false,
        },
        ..router("A", 51)
    };
    assert_eq!(deleted(marked.clone(), false), [r#"Instance("A") DELETED 100"#]);
    assert_eq!(
        deleted(marked, true),
        [r#"Instance("A") DELETED 100"#],
        "also from FAULT"
    );
    assert_eq!(deleted(router("A", 51), false), [r#"Instance("A") FAULT 100"#]);
    assert_eq!(deleted(router("A", 51), true), [""; 0], "told already");
}

/// Facts: 12.12
#[test]
fn a_reload_repeats_what_has_not_changed_when_asked() {
    let config = |names: &[(&str, u8)], repeat: bool| VrrpConfig {
        routers: names.iter().map(|(name, vrid)| router(name, *vrid)).collect(),
        groups: vec![SyncGroupConfig {
            name: "G".into(),
            members: vec!["A".into()],
            track_interfaces: vec![],
            track_scripts: vec![],
            objects: Default::default(),
        }],
        states_on_reload: repeat,
        ..VrrpConfig::default()
    };
    let both = [("A", 51), ("B", 52)];
    let mut bench = Bench::master(config(&both, false));
    bench.engine.reload(bench.now, config(&both, false));
    assert_eq!(told(bench.drain()), [""; 0]);
    bench
        .engine
        .reload(bench.now, config(&[("A", 51), ("B", 52), ("C", 53)], true));
    assert_eq!(
        told(bench.drain()),
        [
            r#"Instance("C") BACKUP 100"#,
            r#"Group("G") MASTER 0"#,
            r#"Instance("A") MASTER 100"#,
            r#"Instance("B") MASTER 100"#,
        ]
    );
}
