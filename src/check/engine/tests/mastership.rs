//! `while_master`: IPVS has a virtual server only while its instance is MASTER.

use super::*;

fn masters(names: &[&str]) -> Event {
    Event::Masters(Arc::new(names.iter().map(|name| (*name).to_owned()).collect()))
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
    let mut absent = Engine::new(start, one(Some("V")), 1);
    assert_eq!(cleared(&mut absent), 1);
    let masters = Arc::new(BTreeSet::from(["V".to_owned()]));
    let reports = Reports {
        masters,
        ..Reports::default()
    };
    let mut there = Engine::knowing(start, one(Some("V")), 1, BTreeSet::new(), reports);
    assert_eq!(cleared(&mut there), 0, "what is there is adopted");
    let mut always = Engine::new(start, one(None), 1);
    assert_eq!(cleared(&mut always), 0);
}
