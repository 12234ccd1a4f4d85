//! `drift_repair`: what others take away is put back without a transition, a few times within a minute.

use crate::net::{Family, Good, Rule, RuleAction};
use crate::vrrp::config::*;
use crate::vrrp::event::{Completion, Event};
use crate::vrrp::testing::*;

fn repairing(most: u32) -> RouterConfig {
    let mut config = router("A", 51);
    config.drift_repair = Some(most);
    config.vips.push(spec("10.0.0.152", "eth0"));
    config
}

fn rule(watched: bool) -> Rule {
    let mut rule = Rule::new(Family::V4, RuleAction::Nop, 7);
    rule.watched = watched;
    rule
}

fn removed(address: &str) -> Event {
    Event::AddressRemoved {
        interface: name("eth0"),
        address: ip(address),
    }
}

fn lost(bench: &Bench, rule: Rule) -> Event {
    Event::Lost {
        router: bench.of("A").id,
        good: rule.into(),
    }
}

#[test]
fn an_address_is_put_back_and_announced_and_its_router_stays_master() {
    let mut bench = Bench::master(one(repairing(10)));
    assert_eq!(
        bench.handle(removed("10.0.0.151")),
        [
            "log (A) 10.0.0.151 dev eth0 scope global has been removed by others, putting it back",
            "hold#2 10.0.0.151",
            "log (A) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.151",
            "announce 10.0.0.151",
        ]
    );
    assert_eq!(bench.state("A"), "MASTER");
    assert_eq!(bench.handle(removed("10.0.0.9")), [""; 0], "not ours");
    bench.hear(advert(&repairing(10), 200, "10.0.0.2"));
    assert_eq!(bench.state("A"), "BACKUP");
    assert_eq!(bench.handle(removed("10.0.0.151")), [""; 0], "not while BACKUP");
}

#[test]
fn who_goes_on_removing_makes_the_router_fall_back() {
    let mut bench = Bench::master(one(repairing(2)));
    for _ in 0..2 {
        assert!(
            bench
                .handle(removed("10.0.0.151"))
                .iter()
                .any(|line| line.starts_with("hold"))
        );
    }
    let told = bench.handle(removed("10.0.0.151"));
    assert_eq!(
        told[..3],
        [
            "log (A) others go on removing what is put back (2 times within a minute) - falling back",
            "log Netlink reflector reports IP 10.0.0.151 removed from eth0",
            "log (A) Entering BACKUP STATE",
        ]
    );
    assert!(told.contains(&"send 51/0 to 224.0.0.18".into()), "{told:?}");
    bench.pass(ms(700));
    assert_eq!(bench.state("A"), "MASTER");
    bench.handle(removed("10.0.0.151"));
    assert_eq!(bench.state("A"), "BACKUP", "the minute is not over");
    bench.pass(ms(61_000));
    bench.handle(removed("10.0.0.151"));
    assert_eq!(bench.state("A"), "MASTER");
}

/// What goes at once is one repair, and is ordered beside what is unanswered.
#[test]
fn a_flush_is_one_repair_each_part_of_which_is_ordered_once() {
    let mut bench = Bench::master(one(repairing(1)));
    bench.obedient = false;
    let orders =
        |lines: Vec<String>| Vec::from_iter(lines.into_iter().filter(|line| line.starts_with("hold")));
    assert_eq!(orders(bench.handle(removed("10.0.0.151"))), ["hold#2 10.0.0.151"]);
    assert_eq!(orders(bench.handle(removed("10.0.0.152"))), ["hold#3 10.0.0.152"]);
    assert_eq!(bench.state("A"), "MASTER");
    let router = bench.of("A").id;
    let mut answer = |generation, failed| {
        let answer = Completion {
            router,
            generation,
            failed,
        };
        bench.handle(Event::Held(answer))
    };
    let good = Good::from(spec("10.0.0.151", "eth0"));
    assert_eq!(
        answer(2, vec![(good, "no room".into())]),
        ["log (A) cannot set 10.0.0.151 dev eth0 scope global: no room"],
        "and nothing is announced"
    );
    assert!(answer(3, vec![]).contains(&"announce 10.0.0.152".into()));
    assert_eq!(answer(3, vec![]), [""; 0], "an answer counts once");
}

/// Entries with `no_track` are put back too, and never make the router fall.
#[test]
fn what_is_not_watched_is_put_back_and_then_ignored() {
    let mut config = repairing(1);
    config.rules = vec![rule(false)];
    let mut bench = Bench::master(one(config.clone()));
    let event = lost(&bench, rule(false));
    assert_eq!(
        bench.handle(event.clone())[1],
        "hold#2 ",
        "the order has the rule alone"
    );
    assert_eq!(bench.handle(event), [""; 0]);
    assert_eq!(bench.state("A"), "MASTER");
    config.rules = vec![rule(true)];
    let mut bench = Bench::master(one(config));
    let event = lost(&bench, rule(true));
    bench.handle(event.clone());
    assert_eq!(bench.state("A"), "MASTER");
    bench.handle(event);
    assert_eq!(bench.state("A"), "BACKUP");
}

/// A reload turns it on and off without touching anything.
#[test]
fn a_reload_may_change_it() {
    let mut bench = Bench::master(one(repairing(5)));
    let mut plain = repairing(5);
    plain.drift_repair = None;
    bench.engine.reload(bench.now, one(plain));
    let touched = |line: &String| line.starts_with("hold") || line.starts_with("release");
    assert!(!bench.drain().iter().any(touched));
    assert_eq!(bench.state("A"), "MASTER");
    bench.handle(removed("10.0.0.151"));
    assert_eq!(bench.state("A"), "BACKUP");
}
