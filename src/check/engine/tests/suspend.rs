//! `ha_suspend`: checkers rest while their address is elsewhere.

use super::*;

fn held(addresses: &[&str]) -> Event {
    Event::Addresses(addresses.iter().map(|address| address.parse().unwrap()).collect())
}

fn one() -> CheckConfig {
    let mut vs = service(
        "10.0.0.1:80",
        vec![real_server("192.0.2.1:80", vec![tcp("192.0.2.1:80")])],
    );
    vs.ha_suspend = true;
    config(vec![vs])
}

fn line(word: &str) -> String {
    format!("{word} healthchecker for service [192.0.2.1]:tcp:80 for VS [10.0.0.1]:tcp:80")
}

/// LVS facts: 7.1
#[test]
fn checkers_work_only_while_their_address_is_here() {
    let mut world = World::new(one());
    world.answer("192.0.2.1:80", 0, refused());
    assert!(world.news().contains(&line("Deactivating")));
    world.seconds(10);
    assert_eq!(world.asked, [], "nobody is asked");
    assert_eq!(world.pool(), [("1".to_owned(), 1)], "what is believed stays");

    world.engine.handle(world.now, held(&["10.0.0.9"]));
    world.drain();
    assert_eq!(world.news(), [""; 0], "another address");
    world.engine.handle(world.now, held(&["10.0.0.9", "10.0.0.1"]));
    world.drain();
    assert_eq!(world.news(), [line("Activating")]);
    world.seconds(3);
    assert_eq!(world.pool(), []);

    world.engine.handle(world.now, held(&[]));
    world.drain();
    assert_eq!(world.news().last(), Some(&line("Suspending")));
    let asked = world.asked.len();
    world.answer("192.0.2.1:80", 0, ProbeOutcome::OK);
    world.seconds(20);
    assert_eq!((world.asked.len(), world.pool()), (asked, vec![]));
    world.engine.handle(world.now, held(&["10.0.0.1"]));
    world.drain();
    world.seconds(3);
    assert_eq!(world.pool(), [("1".to_owned(), 1)]);
}

/// LVS facts: 7.1
#[test]
fn an_answer_that_comes_when_the_address_has_gone_changes_nothing() {
    let mut world = World::new(one());
    world.engine.handle(world.now, held(&["10.0.0.1"]));
    world.now += Duration::from_secs(3);
    world.engine.handle_timeout(world.now);
    world.drain();
    let order = world.in_flight.pop().unwrap();
    world.engine.handle(world.now, held(&[]));
    world.reply(&order, refused());
    assert_eq!(world.pool(), [("1".to_owned(), 1)]);
    assert!(
        world.engine.next_deadline().is_some(),
        "it goes on when the address comes back"
    );
    world.engine.handle(world.now, held(&["10.0.0.1"]));
    world.drain();
    world.seconds(3);
    assert_eq!(world.asked.len(), 1);
}

/// A reload that takes the word away, or gives it, is followed.
///
/// LVS facts: 7.1
#[test]
fn a_reload_changes_who_rests() {
    let mut world = World::new(one());
    world.news();
    let mut awake = one();
    awake.services[0].ha_suspend = false;
    world.engine.reload(world.now, awake);
    world.drain();
    assert!(world.news().contains(&line("Activating")));
    world.seconds(3);
    let asked = world.asked.len();
    assert!(asked > 0);
    world.engine.reload(world.now, one());
    world.drain();
    assert_eq!(world.news().last(), Some(&line("Suspending")));
    world.seconds(20);
    assert_eq!(world.asked.len(), asked);
}

/// A group is here while any address of it is; marks have none (keepalived's checks of a group rest for ever).
///
/// LVS facts: 7.2
#[test]
fn a_group_is_here_while_any_address_of_it_is() {
    let mut all = one();
    let key = |address: &str| ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: address.parse().unwrap(),
    };
    all.services[0].target = Target::Group(GroupTarget {
        name: "G".into(),
        number: 0,
        family: None,
        protocol: Some(Protocol::Tcp),
        services: [key("10.0.0.1:80"), key("[2001:db8::1]:443"), key("10.0.0.2:80")].into(),
        marks: [].into(),
    });
    let mut world = World::new(all);
    world.seconds(10);
    assert_eq!(world.asked, []);
    for addresses in [&["2001:db8::1"][..], &["10.0.0.2", "10.0.0.9"]] {
        world.engine.handle(world.now, held(addresses));
        world.drain();
        let asked = world.asked.len();
        world.seconds(3);
        assert!(world.asked.len() > asked, "{addresses:?}");
    }
    world.engine.handle(world.now, held(&["10.0.0.9"]));
    world.drain();
    let asked = world.asked.len();
    world.seconds(10);
    assert_eq!(world.asked.len(), asked);
}
