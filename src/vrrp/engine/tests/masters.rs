//! Which routers are MASTER, for those who follow them.

use crate::vrrp::config::*;
use crate::vrrp::testing::*;
use std::time::Duration;

fn two() -> VrrpConfig {
    VrrpConfig {
        routers: vec![router("A", 51), router("B", 52)],
        ..VrrpConfig::default()
    }
}

fn turns(master: bool) -> [(String, bool); 2] {
    ["A", "B"].map(|name| (name.to_owned(), master))
}

/// At once, whether their addresses are there yet or not.
#[test]
fn every_turn_is_told_once() {
    let mut bench = Bench::idle(two());
    bench.start();
    assert_eq!(bench.engine.take_turns(), [], "they begin as BACKUP");
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.engine.take_turns(), turns(true));
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.engine.take_turns(), [], "nobody turns");
    bench.link(interface("eth0", 1, &["10.0.0.1"]), false);
    assert_eq!(bench.engine.take_turns(), turns(false));
    assert_eq!(bench.engine.masters().count(), 0);
}

#[test]
fn a_reload_may_name_them_anew_or_end_them() {
    let mut bench = Bench::master(two());
    bench.engine.take_turns();
    let mut masters = |config: VrrpConfig| -> Vec<String> {
        bench.engine.reload(bench.now, config);
        bench.drain();
        bench.engine.masters().map(ToOwned::to_owned).collect()
    };
    assert_eq!(masters(two()), ["A", "B"]);
    let mut renamed = two();
    renamed.routers[0].name = "Z".into();
    assert_eq!(masters(renamed.clone()), ["Z", "B"]);
    renamed.routers.remove(0);
    assert_eq!(masters(renamed), ["B"]);
}
