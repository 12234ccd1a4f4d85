//! A reload touches what changed.

use crate::vrrp::Priority;
use crate::vrrp::config::*;
use crate::vrrp::event::{Completion, Event};
use crate::vrrp::testing::*;
use std::time::Duration;

fn reload(bench: &mut Bench, config: VrrpConfig) -> Vec<String> {
    bench.engine.reload(bench.now, config);
    bench.drain()
}

fn with(change: impl FnOnce(&mut RouterConfig)) -> VrrpConfig {
    let mut config = router("A", 51);
    change(&mut config);
    one(config)
}

/// Facts: 18.5
#[test]
fn the_same_configuration_changes_nothing() {
    let mut bench = Bench::master(one(router("A", 51)));
    let before = (bench.of("A").id, bench.of("A").counters.become_master);
    assert_eq!(
        reload(&mut bench, one(router("A", 51))),
        ["send 51/100 to 224.0.0.18"],
        "fact 18.5"
    );
    assert_eq!((bench.of("A").id, bench.of("A").counters.become_master), before);
    let mut backup = Bench::new(one(router("A", 51)));
    backup.pass(ms(1_000));
    assert_eq!(reload(&mut backup, one(router("A", 51))), [""; 0]);
    assert_eq!(
        backup.timer("A"),
        2_609_375,
        "a reload does not prolong the silence"
    );
}

/// Facts: 18.5
#[test]
fn a_master_absorbs_addresses() {
    let mut bench = Bench::master(with(|c| {
        c.vips = vec![spec("10.0.0.11", "eth0"), spec("10.0.0.12", "eth0")]
    }));
    let done = reload(
        &mut bench,
        with(|c| {
            c.vips = vec![spec("10.0.0.12", "eth0"), spec("10.0.0.13", "eth0")];
            c.excluded = vec![spec("10.1.0.4", "eth1")];
        }),
    );
    assert_eq!(
        done,
        [
            "release#2 10.0.0.11",
            "send 51/100 to 224.0.0.18",
            "hold#3 10.0.0.13 10.1.0.4",
            "log (A) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.13",
            "log (A) Sending/queueing gratuitous ARPs on eth1 for 10.1.0.4",
            "announce 10.0.0.13 10.1.0.4",
        ]
    );
    bench.engine.stop(bench.now, true);
    assert!(
        bench
            .drain()
            .contains(&"release#4 10.0.0.12 10.0.0.13 10.1.0.4".into())
    );
}

#[test]
fn an_unanswered_hold_is_repeated_when_a_release_overtakes_it() {
    let both = vec![spec("10.0.0.11", "eth0"), spec("10.0.0.12", "eth0")];
    let mut bench = Bench::new(with(|c| c.vips.clone_from(&both)));
    bench.obedient = false;
    bench.pass(ms(4_000));
    let done = reload(&mut bench, with(|c| c.vips = vec![spec("10.0.0.12", "eth0")]));
    assert_eq!(
        done,
        [
            "release#2 10.0.0.11",
            "send 51/100 to 224.0.0.18",
            "hold#3 10.0.0.12"
        ]
    );
    let router = bench.of("A").id;
    let old = Completion {
        router,
        generation: 1,
        failed: vec![],
    };
    assert_eq!(bench.handle(Event::Held(old)), [""; 0]);
    let held = bench.handle(Event::Held(Completion {
        router,
        generation: 3,
        failed: vec![],
    }));
    assert_eq!(
        held[1..],
        ["announce 10.0.0.12", "notify Instance(\"A\") MASTER 100"]
    );
    // And when nothing was released, it is left in peace.
    let mut bench = Bench::new(with(|c| c.vips.clone_from(&both)));
    bench.obedient = false;
    bench.pass(ms(4_000));
    assert_eq!(
        reload(&mut bench, with(|c| c.vips.clone_from(&both))),
        ["send 51/100 to 224.0.0.18"]
    );
}

/// Facts: 18.4, 18.5, 18.6
#[test]
fn a_master_absorbs_everything_but_its_key() {
    type Change = fn(&mut RouterConfig);
    let changes: [(&str, Change); 8] = [
        ("name", |c| c.name = "B".into()),
        ("priority", |c| c.priority = Priority(1)),
        ("interval", |c| c.advert_int = Duration::from_secs(5)),
        ("authentication", |c| c.auth = Auth::Pass(*b"12345678")),
        ("version", |c| c.version = Version::V3),
        ("nopreempt", |c| c.nopreempt = true),
        ("garp", |c| c.garp.refresh = Duration::from_secs(9)),
        ("source", |c| c.source = Some(ip("10.0.0.77"))),
    ];
    for (what, change) in changes {
        let mut bench = Bench::master(one(router("A", 51)));
        let done = reload(&mut bench, with(change));
        let name = if what == "name" { "B" } else { "A" };
        assert_eq!(bench.state(name), "MASTER", "{what}");
        assert_eq!(
            done.iter().filter(|l| l.starts_with("send")).count(),
            1,
            "{what}: {done:?}"
        );
        assert!(
            !done.iter().any(|l| l.contains("hold") || l.contains("release")),
            "{what}: {done:?}"
        );
        assert!(!done.iter().any(|l| l.contains("notify")), "{what}: {done:?}");
    }
}

/// Facts: 18.4, 18.7
#[test]
fn a_changed_key_is_another_router() {
    let mut bench = Bench::master(one(router("A", 51)));
    let old = bench.of("A").id;
    assert_eq!(
        reload(&mut bench, one(router("A", 52))),
        [
            "send 51/0 to 224.0.0.18",
            "log (A) sent 0 priority",
            "log (A) removing VIPs.",
            "release#2 10.0.0.151",
            "notify Instance(\"A\") FAULT 100",
            "log (A) Entering BACKUP STATE (init)",
            "notify Instance(\"A\") BACKUP 100",
        ]
    );
    assert_ne!(bench.of("A").id, old, "numbers are not used again");
}

/// What the old router lets go is no left-over of an earlier run.
#[test]
fn what_goes_with_the_old_router_goes_once() {
    let mut bench = Bench::master(one(router("A", 51)));
    let there = interface("eth0", 1, &["10.0.0.1", "10.0.0.151"]);
    bench.handle(Event::Interface(there));
    let mut other = router("A", 52);
    other.vips = router("A", 51).vips;
    let mut released = reload(&mut bench, one(other));
    released.retain(|line| line.starts_with("release"));
    assert_eq!(released, ["release#2 10.0.0.151"]);
}

#[test]
fn an_address_that_moves_is_released_before_it_is_held() {
    let two = |a: &[&str], b: &[&str]| {
        let list = |l: &[&str]| l.iter().map(|x| spec(x, "eth0")).collect::<Vec<_>>();
        let mut config = one(router("A", 51));
        config.routers.push(router("B", 52));
        config.routers[0].vips = list(a);
        config.routers[1].vips = list(b);
        config
    };
    let mut bench = Bench::master(two(&["10.0.0.11"], &["10.0.0.12", "10.0.0.13"]));
    let done = reload(&mut bench, two(&["10.0.0.11", "10.0.0.13"], &["10.0.0.12"]));
    let orders: Vec<_> = done
        .iter()
        .filter(|l| l.starts_with("hold") || l.starts_with("rel"))
        .collect();
    assert_eq!(orders, ["release#2 10.0.0.13", "hold#2 10.0.0.13"]);
}

#[test]
fn a_backups_timer_moves_with_its_settings() {
    let mut bench = Bench::new(one(router("A", 51)));
    bench.pass(ms(1_000));
    reload(&mut bench, with(|c| c.priority = Priority(228)));
    assert_eq!(bench.timer("A"), 2_609_375 - 500_000);
    reload(&mut bench, with(|c| c.advert_int = Duration::from_secs(2)));
    assert_eq!(bench.timer("A"), 2_609_375 + 3_000_000);
}

#[test]
fn a_newcomer_joins_the_group_that_rules() {
    let mut config = one(router("A", 51));
    config.groups = vec![group("G", &["A"])];
    let mut bench = Bench::master(config.clone());
    config.routers.push(router("B", 52));
    config.groups = vec![group("G", &["A", "B"])];
    let done = reload(&mut bench, config);
    assert_eq!((bench.state("A"), bench.state("B")), ("MASTER", "MASTER"));
    assert!(
        !done.iter().any(|l| l.contains("BACKUP") || l.contains("Group")),
        "no transition: {done:?}"
    );
}

/// Its scripts were told already; who is reminded is reminded of the new name.
#[test]
fn a_group_under_another_name_is_told_nothing_again() {
    let mut config = one(router("A", 51));
    config.groups = vec![group("G", &["A"])];
    let mut bench = Bench::master(config.clone());
    let mut told = |name, remind| {
        config.groups = vec![group(name, &["A"])];
        config.states_on_reload = remind;
        let mut done = reload(&mut bench, config.clone());
        done.retain(|line| line.contains("Group"));
        done
    };
    assert_eq!(told("H", false), [""; 0]);
    assert_eq!(told("I", true), ["notify Group(\"I\") MASTER 0"]);
}

#[test]
fn mixed_states_put_into_a_group_fall_back() {
    let mut config = one(router("A", 51));
    config.routers.push(router("B", 52));
    let mut bench = Bench::master(config.clone());
    bench.hear(advert(&router("B", 52), 200, "10.0.0.12"));
    assert_eq!((bench.state("A"), bench.state("B")), ("MASTER", "BACKUP"));
    config.groups = vec![group("G", &["A", "B"])];
    reload(&mut bench, config);
    assert_eq!((bench.state("A"), bench.state("B")), ("BACKUP", "BACKUP"));
}

/// Facts: 18.8
#[test]
fn a_new_script_does_not_hold_a_running_router() {
    let mut bench = Bench::master(one(router("A", 51)));
    let mut config = with(|c| {
        c.track_scripts = vec![TrackedScript {
            script: "chk".into(),
            weight: 0,
            reverse: false,
        }];
    });
    config.scripts = vec![ScriptTracker {
        name: "chk".into(),
        rise: 1,
        fall: 1,
    }];
    reload(&mut bench, config.clone());
    assert_eq!(bench.state("A"), "MASTER");
    bench.script("chk", 1);
    assert_eq!(bench.state("A"), "FAULT");
    reload(&mut bench, config.clone());
    assert_eq!(bench.state("A"), "FAULT", "the verdict survives");
    config.routers[0].track_scripts.clear();
    reload(&mut bench, config);
    assert_eq!(bench.state("A"), "BACKUP");
}

#[test]
fn a_new_router_clears_its_left_overs_but_no_others() {
    let mut config = one(router("A", 51));
    let mut bench = Bench::master(config.clone());
    bench.handle(Event::Interface(interface(
        "eth0",
        1,
        &["10.0.0.1", "10.0.0.151", "10.0.0.152"],
    )));
    config.routers.push(router("B", 52));
    config.routers[1].excluded = vec![spec("10.0.0.151", "eth0")];
    let done = reload(&mut bench, config);
    assert!(done.contains(&"release#0 10.0.0.152".into()), "{done:?}");
}

#[test]
fn before_the_start_a_reload_replaces() {
    let mut bench = Bench::idle(one(router("A", 51)));
    assert_eq!(reload(&mut bench, one(router("B", 52))), [""; 0]);
    let mut config = router("B", 52);
    config.priority = Priority(120);
    reload(&mut bench, one(config));
    assert_eq!(bench.start()[1], "notify Instance(\"B\") BACKUP 120");
}

/// Facts: 4.7
#[test]
fn an_owner_that_gave_in_and_is_none_any_more_has_its_own_priority() {
    let owner = |c: &mut RouterConfig| {
        c.priority = Priority::OWNER;
        c.initial = InitialState::Master;
        c.source = Some(ip("10.0.0.9"));
    };
    let mut bench = Bench::new(one({
        let mut config = router("A", 51);
        owner(&mut config);
        config
    }));
    let rival = || advert(&router("A", 51), 255, "10.0.0.2");
    bench.pass(ms(100));
    for _ in 0..2 {
        bench.hear(rival());
        bench.pass(ms(1_000));
    }
    bench.hear(rival());
    assert_eq!(bench.of("A").effective_priority, Priority(254), "fact 4.7");
    reload(&mut bench, one(router("A", 51)));
    assert_eq!(bench.of("A").effective_priority, Priority(100));
}

/// `no_track` and `track_group` are nothing that the kernel is told: nothing is removed for them, nothing announced. Who
/// watches for losses hears of them by an order that changes nothing.
///
/// Facts: 2.21, 18.5
#[test]
fn whose_loss_matters_changes_in_place() {
    let vip = |watched| {
        let mut vip = spec("10.0.0.11", "eth0");
        vip.options.watched = watched;
        vip
    };
    let mut bench = Bench::master(with(|c| c.vips = vec![vip(true), spec("10.0.0.12", "eth0")]));
    let changed = with(|c| c.vips = vec![vip(false), spec("10.0.0.12", "eth0")]);
    assert_eq!(
        reload(&mut bench, changed.clone()),
        ["send 51/100 to 224.0.0.18", "hold#2 10.0.0.11"]
    );
    assert_eq!(
        reload(&mut bench, changed),
        ["send 51/100 to 224.0.0.18"],
        "it is known"
    );
    let removed = |address: &str| Event::AddressRemoved {
        interface: name("eth0"),
        address: address.parse().unwrap(),
    };
    bench.engine.handle(bench.now, removed("10.0.0.11"));
    bench.drain();
    assert_eq!(bench.state("A"), "MASTER");
    bench.engine.handle(bench.now, removed("10.0.0.12"));
    bench.drain();
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 18.6
#[test]
fn a_preempt_delay_goes_on_unless_its_instance_changes() {
    let delayed = |change: fn(&mut RouterConfig)| {
        with(|c| {
            c.preempt_delay = Duration::from_secs(30);
            change(c);
        })
    };
    let hear = |bench: &mut Bench| bench.hear(advert(&router("A", 51), 50, "10.0.0.2"));
    let begins = |lines: &[String]| lines.iter().any(|line| line.contains("start preempt delay"));
    for (change, anew) in [
        ((|_| {}) as fn(&mut RouterConfig), false),
        (|c| c.lower_prio_no_advert = true, true),
    ] {
        let mut bench = Bench::new(delayed(|_| {}));
        assert!(begins(&hear(&mut bench)));
        for _ in 0..20 {
            bench.pass(ms(1_000));
            assert!(!begins(&hear(&mut bench)));
        }
        reload(&mut bench, delayed(change));
        assert_eq!(begins(&hear(&mut bench)), anew);
        for _ in 0..15 {
            bench.pass(ms(1_000));
            hear(&mut bench);
        }
        // 35 s after the first lower advert; what is left is the down time.
        assert_eq!(bench.state("A"), if anew { "BACKUP" } else { "MASTER" });
    }
}

/// Not its addresses, nor when they were announced.
#[test]
fn who_goes_leaves_nothing_behind() {
    let mut bench = Bench::master(one(router("A", 51)));
    let told = |bench: &Bench| format!("{:?}", bench.engine).matches("10.0.0.151").count();
    assert!(told(&bench) > 0);
    reload(&mut bench, VrrpConfig::default());
    assert_eq!(told(&bench), 0, "{:?}", bench.engine);
}
