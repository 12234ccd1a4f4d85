//! Which routers are MASTER, for those who follow them.

use crate::vrrp::config::*;
use crate::vrrp::testing::*;
use std::time::Duration;

fn following(names: &[&str]) -> VrrpConfig {
    VrrpConfig {
        routers: vec![router("A", 51), router("B", 52)],
        followed: names.iter().map(|name| (*name).to_owned()).collect(),
        ..VrrpConfig::default()
    }
}

fn masters(bench: &mut Bench) -> Option<Vec<String>> {
    let names = bench.engine.new_masters()?;
    Some(names.into_iter().collect())
}

#[test]
fn only_those_that_are_followed_are_told_of_when_they_turn() {
    let mut bench = Bench::idle(following(&["A", "X"]));
    bench.start();
    assert_eq!(masters(&mut bench), None, "they begin as BACKUP");
    bench.pass(Duration::from_secs(10));
    assert_eq!((bench.state("A"), bench.state("B")), ("MASTER", "MASTER"));
    assert_eq!(masters(&mut bench), Some(vec!["A".to_owned()]));
    assert_eq!(masters(&mut bench), None, "once");
    bench.pass(Duration::from_secs(10));
    assert_eq!(masters(&mut bench), None);
    bench.link(interface("eth0", 1, &["10.0.0.1"]), false);
    assert_eq!(masters(&mut bench), Some(vec![]));
}

#[test]
fn a_reload_may_follow_others_name_them_anew_or_end_them() {
    let mut bench = Bench::master(following(&[]));
    assert_eq!(masters(&mut bench), None);
    let mut reload = |config: VrrpConfig| {
        bench.engine.reload(bench.now, config);
        bench.drain();
        masters(&mut bench)
    };
    assert_eq!(reload(following(&["A"])), Some(vec!["A".to_owned()]));
    assert_eq!(reload(following(&["A"])), None);
    let mut renamed = following(&["A", "Z"]);
    renamed.routers[0].name = "Z".into();
    assert_eq!(reload(renamed.clone()), Some(vec!["Z".to_owned()]));
    renamed.routers.remove(0);
    assert_eq!(reload(renamed), Some(vec![]));
}
