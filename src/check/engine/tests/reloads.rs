//! What a reload does to checkers, servers and sorry servers that change.

use super::*;

fn vs(servers: Vec<RealServerConfig>, change: impl FnOnce(&mut VirtualServerConfig)) -> CheckConfig {
    let mut vs = service("10.0.0.1:80", servers);
    change(&mut vs);
    config(vec![vs])
}

fn server(n: u8, checkers: Vec<CheckerConfig>) -> RealServerConfig {
    real_server(&format!("192.0.2.{n}:80"), checkers)
}

fn pool(world: &World) -> Vec<String> {
    world.pool().into_iter().map(|(name, _)| name).collect()
}

fn reload(world: &mut World, config: CheckConfig) {
    world.engine.reload(world.now, config);
    world.drain();
}

/// LVS facts: 4.5
#[test]
fn a_server_without_checkers_is_always_up() {
    let mut world = World::new(vs(vec![server(1, vec![])], |_| {}));
    world.seconds(600);
    assert_eq!((pool(&world), world.asked.len()), (vec!["1".to_owned()], 0));
}

/// LVS facts: 16.7
#[test]
fn without_its_failed_checker_a_server_comes_up_and_a_new_alpha_one_is_believed() {
    let both = || vec![tcp("192.0.2.1:80"), tcp("192.0.2.1:81")];
    let mut world = World::new(vs(vec![server(1, both())], |_| {}));
    world.answer("192.0.2.1:81", 0, refused());
    world.seconds(2);
    assert_eq!(pool(&world), [""; 0]);
    world.news();
    reload(&mut world, vs(vec![server(1, vec![tcp("192.0.2.1:80")])], |_| {}));
    assert_eq!(pool(&world), ["1"]);
    let news = world.news();
    assert!(news.contains(&"Adding service [192.0.2.1]:tcp:80 to VS [10.0.0.1]:tcp:80".into()));

    // Tested and found good by the other one: a new alpha checker takes nothing away.
    let alpha = |port: u16| CheckerConfig {
        alpha: true,
        ..tcp(&format!("192.0.2.1:{port}"))
    };
    let more = vec![tcp("192.0.2.1:80"), alpha(82)];
    reload(&mut world, vs(vec![server(1, more)], |_| {}));
    assert_eq!(pool(&world), ["1"]);
    // Of a server that nobody has tested, it does.
    let untested = vec![alpha(83)];
    reload(
        &mut world,
        vs(vec![server(1, vec![]), server(2, untested)], |_| {}),
    );
    assert_eq!(pool(&world), ["1"]);
}

/// LVS facts: 16.9
#[test]
fn another_sorry_server_takes_over_and_without_one_the_live_come_back() {
    let with = |sorry_server: Option<SorryServerConfig>| {
        let servers = [1, 2].map(|n| server(n, vec![tcp(&format!("192.0.2.{n}:80"))]));
        vs(servers.into(), |vs| {
            vs.quorum = 2;
            vs.sorry_server = sorry_server;
        })
    };
    let mut world = World::new(with(sorry("192.0.2.9:80", false)));
    world.answer("192.0.2.1:80", 0, refused());
    world.seconds(2);
    assert_eq!(pool(&world), ["9"]);
    reload(&mut world, with(sorry("192.0.2.8:80", false)));
    assert_eq!(pool(&world), ["8"]);
    reload(&mut world, with(sorry("192.0.2.8:80", true)));
    assert_eq!(world.pool(), [("8".to_owned(), 1)]);
    reload(&mut world, with(None));
    assert_eq!(pool(&world), ["2"]);
    reload(&mut world, with(sorry("192.0.2.9:80", false)));
    assert_eq!(pool(&world), ["9"]);
}

/// A weight, a forwarding method and thresholds reach the table with the reload; keepalived forgets thresholds alone.
///
/// LVS facts: 16.5
#[test]
fn settings_of_a_server_that_stays_reach_the_table() {
    let with = |upper: u32, forward: ForwardMethod| {
        let mut rs = server(1, vec![tcp("192.0.2.1:80")]);
        (rs.upper, rs.forward) = (upper, forward);
        vs(vec![rs], |_| {})
    };
    let mut world = World::new(with(0, ForwardMethod::Nat));
    world.seconds(2);
    let held = |world: &World| {
        let entry = world.table.services.values().next().unwrap();
        let (_, server) = entry.destinations.iter().next().unwrap();
        (server.upper, server.forward)
    };
    reload(&mut world, with(7, ForwardMethod::Nat));
    assert_eq!(held(&world), (7, ForwardMethod::Nat));
    reload(&mut world, with(7, ForwardMethod::Dr));
    assert_eq!(held(&world), (7, ForwardMethod::Dr));
}
