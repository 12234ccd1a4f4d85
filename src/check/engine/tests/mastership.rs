//! `while_master`: IPVS has a virtual server only while its instance is MASTER.

use super::*;

fn known(names: &[&str]) -> Option<Arc<BTreeSet<String>>> {
    let names = names.iter().map(|name| (*name).to_owned());
    Some(Arc::new(names.collect()))
}

fn masters(names: &[&str]) -> Event {
    Event::Masters(known(names))
}

fn one(instance: Option<&str>) -> CheckConfig {
    let mut vs = service(
        "10.0.0.1:80",
        vec![
            real_server("192.0.2.1:80", vec![tcp("192.0.2.1:80")]),
            real_server("192.0.2.2:80", vec![tcp("192.0.2.2:80")]),
        ],
    );
    vs.while_master = instance.map(Into::into);
    config(vec![vs])
}

fn hear(world: &mut World, event: Event) {
    world.engine.handle(world.now, event);
    world.drain();
}

fn served(instance: &str, not: &str) -> String {
    format!("({instance}) is{not} MASTER: virtual server [10.0.0.1]:tcp:80 is{not} served")
}

fn one_and_two() -> [(String, u32); 2] {
    [("1".to_owned(), 1), ("2".to_owned(), 1)]
}

#[test]
fn the_table_follows_the_instance_and_checks_do_not() {
    let mut world = World::new(one(Some("V")));
    assert_eq!(world.table, Table::default());
    assert!(
        !world.news().iter().any(|line| line.contains("served")),
        "not known"
    );
    hear(&mut world, masters(&[]));
    assert!(world.news().contains(&served("V", " not")));
    world.answer("192.0.2.2:80", 0, refused());
    world.seconds(10);
    assert_eq!(world.table, Table::default(), "whatever the checks find");
    let news = world.news();
    assert!(
        news.contains(&"run down 192.0.2.2:80".to_owned()),
        "scripts tell of what is alive: {news:?}"
    );

    hear(&mut world, masters(&["W"]));
    assert_eq!((world.news(), world.table.services.len()), (vec![], 0));
    hear(&mut world, masters(&["V", "W"]));
    assert_eq!(
        world.pool(),
        [("1".to_owned(), 1)],
        "as the checks know it, at once"
    );
    assert_eq!(world.news(), [served("V", "")], "no quorum has turned");
    world.answer("192.0.2.2:80", 0, ProbeOutcome::OK);
    world.seconds(3);
    assert_eq!(world.pool(), one_and_two());
    world.news();

    hear(&mut world, masters(&["W"]));
    assert_eq!(
        (world.table.clone(), world.news()),
        (Table::default(), vec![served("V", " not")])
    );
    let asked = world.asked.len();
    world.seconds(10);
    assert!(world.asked.len() > asked);
}

#[test]
fn a_reload_changes_whom_it_follows() {
    let mut world = World::new(one(Some("V")));
    // All have run: a reload says nothing of their beginning.
    world.seconds(10);
    hear(&mut world, masters(&["W"]));
    for (instance, there) in [
        (Some("W"), true),
        (Some("V"), false),
        (None, true),
        (Some("V"), false),
    ] {
        world.news();
        world.engine.reload(world.now, one(instance));
        world.drain();
        assert_eq!(!world.table.services.is_empty(), there, "{instance:?}");
        let said = match instance {
            Some(instance) => served(instance, if there { "" } else { " not" }),
            None => "virtual server [10.0.0.1]:tcp:80 is served".to_owned(),
        };
        assert_eq!(world.news(), [said]);
    }
    world.engine.reload(world.now, one(Some("V")));
    world.drain();
    assert_eq!(world.news(), [""; 0], "nothing new");
}

/// Before a service that begins absent is in the table of a new daemon, an earlier one's is taken away.
#[test]
fn what_an_earlier_run_has_left_goes() {
    let cleared = |engine: &mut Engine| {
        let actions = std::iter::from_fn(|| engine.poll_action());
        actions
            .filter(|action| matches!(action, Action::Clear(_)))
            .count()
    };
    let start = Instant::from_micros(0);
    let knowing = |instance, names: &[&str]| {
        let reports = Reports {
            masters: known(names),
            ..Reports::default()
        };
        Engine::knowing(start, one(instance), 1, BTreeSet::new(), reports)
    };
    let mut absent = knowing(Some("V"), &[]);
    assert_eq!(cleared(&mut absent), 1);
    let mut there = knowing(Some("V"), &["V"]);
    assert_eq!(cleared(&mut there), 0, "what is there is adopted");
    there.handle(start, masters(&[]));
    assert_eq!(cleared(&mut there), 0, "and removed as a whole");
    let mut always = Engine::new(start, one(None), 1);
    assert_eq!(cleared(&mut always), 0);
    // As long as nobody knows who is MASTER it stays.
    for (names, removed) in [(&[][..], 1), (&["V"], 0)] {
        for reload in [false, true] {
            let mut unjudged = Engine::new(start, one(Some("V")), 1);
            unjudged.handle(start, Event::Masters(None));
            unjudged.reload(start, one(Some("V")));
            assert_eq!(cleared(&mut unjudged), 0);
            if reload {
                unjudged.know_masters(known(names));
                unjudged.reload(start, one(Some("V")));
            } else {
                unjudged.handle(start, masters(names));
            }
            assert_eq!(cleared(&mut unjudged), removed, "{names:?}");
            unjudged.handle(start, masters(names));
            unjudged.handle(start, masters(&["V"]));
            unjudged.handle(start, masters(&[]));
            assert_eq!(cleared(&mut unjudged), 0, "once");
        }
    }
}

/// A reload renames the instance, or follows another one, before it is known who is MASTER by the new names.
#[test]
fn what_is_served_stays_until_the_new_names_mean_something() {
    for (before, after) in [(true, true), (false, false), (true, false), (false, true)] {
        let mut world = World::new(one(Some("V")));
        world.seconds(10);
        hear(&mut world, masters(if before { &["V"] } else { &["X"] }));
        let there = |world: &World| !world.table.services.is_empty();
        world.news();
        world.engine.know_masters(None);
        world.engine.reload(world.now, one(Some("W")));
        world.drain();
        world.seconds(10);
        assert_eq!((there(&world), world.news()), (before, vec![]));
        // The same once more, and the rest of the new configuration counts.
        world.engine.reload(world.now, {
            let mut one = one(Some("W"));
            one.services[0].real_servers.truncate(1);
            one
        });
        world.drain();
        assert_eq!(there(&world), before);
        if before {
            assert_eq!(world.pool(), [("1".to_owned(), 1)]);
        }
        world.news();
        hear(&mut world, masters(if after { &["W"] } else { &["V"] }));
        let told = if after == before {
            vec![]
        } else {
            vec![served("W", if after { "" } else { " not" })]
        };
        assert_eq!((there(&world), world.news()), (after, told));
    }
}

/// The other order: who is MASTER by the new names is known first.
#[test]
fn new_names_are_not_taken_for_old_ones() {
    let mut world = World::new(one(Some("V")));
    world.seconds(10);
    hear(&mut world, masters(&["V"]));
    world.news();
    world.engine.know_masters(known(&["W"]));
    world.drain();
    assert_eq!((world.pool(), world.news()), (one_and_two().into(), vec![]));
    world.engine.reload(world.now, one(Some("W")));
    world.drain();
    assert_eq!((world.pool(), world.news()), (one_and_two().into(), vec![]));
    world.engine.know_masters(known(&["V"]));
    world.engine.reload(world.now, one(Some("W")));
    world.drain();
    assert_eq!(
        (world.table.services.len(), world.news()),
        (0, vec![served("W", " not")])
    );
}
