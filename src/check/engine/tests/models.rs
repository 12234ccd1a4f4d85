//! The engine against small models: every combination of a little pool, and random histories of a larger one.

use super::*;
use crate::check::pool::VirtualServer;
use crate::ipvs::config::FlushOnStop;
use crate::ipvs::model::ServiceEntry;
use proptest::prelude::*;

/// What a pool of `(alive, inhibit, weight)` servers should be, written down independently: destinations by index,
/// the sorry server's index being 9.
fn reference(
    servers: &[(bool, bool, u32)],
    sorry: Option<bool>,
    quorum: u32,
    hysteresis: u32,
    was_up: bool,
) -> (bool, BTreeMap<usize, u32>) {
    let live: u32 = servers
        .iter()
        .filter(|(alive, ..)| *alive)
        .map(|(.., weight)| weight)
        .sum();
    let up = if was_up {
        live > 0 && live + hysteresis >= quorum
    } else {
        live > 0 && live >= quorum + hysteresis
    };
    let sorry_serves = sorry.is_some() && !up;
    let mut pool = BTreeMap::new();
    for (index, (alive, inhibit, weight)) in servers.iter().enumerate() {
        match (*alive && !sorry_serves, *inhibit) {
            (true, _) => pool.insert(index, *weight),
            (false, true) => pool.insert(index, 0),
            (false, false) => None,
        };
    }
    match sorry {
        Some(_) if sorry_serves => pool.insert(9, 1),
        Some(true) => pool.insert(9, 0),
        Some(false) | None => None,
    };
    (up, pool)
}

fn address(index: usize) -> String {
    format!("192.0.2.{}:80", index + 1)
}

fn indexes(entry: &ServiceEntry) -> BTreeMap<usize, u32> {
    let all = (0..10)
        .map(|index| (address(index).parse::<SocketAddr>().unwrap(), index))
        .collect::<BTreeMap<_, _>>();
    entry
        .destinations
        .iter()
        .map(|(at, server)| (all[at], server.weight))
        .collect()
}

/// Every pool of three servers (dead or alive, inhibited or not) with every quorum and hysteresis, before and after
/// any one server turns.
///
/// LVS facts: 4.4, 4.7, 5.1
#[test]
fn every_small_pool_is_as_the_reference_has_it() {
    let mut cases = 0;
    for (quorum, hysteresis) in (1..=6u32).flat_map(|q| (0..q).map(move |h| (q, h))) {
        for sorry_kind in [None, Some(false), Some(true)] {
            for inhibits in 0..8u32 {
                for alive in 0..8u32 {
                    check_pool(quorum, hysteresis, sorry_kind, inhibits, alive);
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 21 * 3 * 64);
}

fn check_pool(quorum: u32, hysteresis: u32, sorry_kind: Option<bool>, inhibits: u32, alive: u32) {
    let mut state: Vec<_> = (0..3u32)
        .map(|n| (alive >> n & 1 == 1, inhibits >> n & 1 == 1, n + 1))
        .collect();
    let servers = state.iter().enumerate().map(|(n, (alive, inhibit, weight))| {
        let mut checker = tcp(&address(n));
        checker.alpha = !alive;
        checker.retry = 0;
        let mut rs = real_server(&address(n), vec![checker]);
        (rs.inhibit_on_failure, rs.weight) = (*inhibit, *weight);
        rs
    });
    let mut vs = service("10.0.0.1:80", servers.collect());
    (vs.quorum, vs.hysteresis) = (quorum, hysteresis);
    vs.sorry_server = sorry_kind.and_then(|inhibit| sorry(&address(9), inhibit));
    let mut world = World::new(config(vec![vs]));
    let name = format!("{quorum}±{hysteresis} sorry {sorry_kind:?} {state:?}");
    let (mut up, pool) = reference(&state, sorry_kind, quorum, hysteresis, false);
    assert_eq!(held(&world), (up, pool), "start of {name}");

    // One after the other turns over, twice, so that the quorum is met from both sides.
    for turn in [0, 1, 2, 0, 1, 2] {
        state[turn].0 = !state[turn].0;
        for (n, (alive, ..)) in state.iter().enumerate() {
            world.answer(&address(n), 0, if *alive { ProbeOutcome::OK } else { refused() });
        }
        world.seconds(2);
        let expected = reference(&state, sorry_kind, quorum, hysteresis, up);
        up = expected.0;
        assert_eq!(held(&world), expected, "turn {turn} of {name}");
    }
}

fn held(world: &World) -> (bool, BTreeMap<usize, u32>) {
    let entry = world.table.services.values().next().unwrap();
    (world.engine.virtual_servers[0].quorum_up, indexes(entry))
}

/// What a server of the exhaustive model does: fails, or asks for a weight.
const STATES: [Option<u32>; 4] = [None, Some(0), Some(1), Some(2)];

/// A walk over all states of three servers, one server changing at a time to its next state: every such change once
/// (an Eulerian circuit, by Hierholzer's algorithm). Numbers of servers.
fn circuit() -> Vec<usize> {
    let mut left = [[true; 3]; 64];
    let mut path = vec![(0_usize, None)];
    let mut out = Vec::new();
    while let Some(&(at, by)) = path.last() {
        if let Some(server) = (0..3).find(|server| left[at][*server]) {
            left[at][server] = false;
            let digit = 1 << (2 * server);
            let next = if at / digit % 4 == 3 {
                at - 3 * digit
            } else {
                at + digit
            };
            path.push((next, Some(server)));
        } else {
            path.pop();
            out.extend(by);
        }
    }
    out.reverse();
    out
}

/// Three servers × failing or of weight 0, 1, 2 × inhibit × no sorry server, one, an inhibited one × every quorum that the
/// weights allow × every hysteresis: every change of one server, from both sides of the quorum as history has it.
///
/// LVS facts: 5.2, 5.3, 5.6, 5.7, 6.1, 6.2, 6.3, 6.4, 6.5, 6.6
#[test]
fn every_change_of_every_pool_is_as_the_reference_has_it() {
    let circuit = circuit();
    assert_eq!(circuit.len(), 192);
    for (quorum, hysteresis) in (1..=6u32).flat_map(|q| (0..q).map(move |h| (q, h))) {
        for sorry_kind in [None, Some(false), Some(true)] {
            for inhibits in 0..8u32 {
                walk(&circuit, quorum, hysteresis, sorry_kind, inhibits);
            }
        }
    }
}

fn walk(circuit: &[usize], quorum: u32, hysteresis: u32, sorry_kind: Option<bool>, inhibits: u32) {
    let program = |n: usize| format!("/usr/bin/check{n}");
    let servers = (0..3).map(|n| {
        let mut checker = misc(true);
        checker.retry = 0;
        if let ProbeConfig::Misc(misc) = Arc::make_mut(&mut checker.probe) {
            misc.command = command(&program(n));
        }
        let mut rs = real_server(&address(n), vec![checker]);
        (rs.notify_up, rs.notify_down) = (None, None);
        rs.inhibit_on_failure = inhibits >> n & 1 == 1;
        rs
    });
    let mut vs = service("10.0.0.1:80", servers.collect());
    (vs.quorum, vs.hysteresis) = (quorum, hysteresis);
    vs.sorry_server = sorry_kind.and_then(|inhibit| sorry(&address(9), inhibit));
    let mut world = World::new(config(vec![vs]));
    let pool = |states: &[usize; 3]| {
        let one = |n: usize| {
            let state = STATES[states[n]];
            (state.is_some(), inhibits >> n & 1 == 1, state.unwrap_or(1))
        };
        [0, 1, 2].map(one)
    };
    let name = format!("{quorum}±{hysteresis} sorry {sorry_kind:?} inhibits {inhibits:b}");
    // All have their configured weight of 1, then all fail.
    let (mut up, held_at_start) = reference(&pool(&[2; 3]), sorry_kind, quorum, hysteresis, false);
    assert_eq!(held(&world), (up, held_at_start), "start of {name}");
    let mut states = [2; 3];
    let all_fail = [(0, 0), (1, 0), (2, 0)];
    let changes = circuit.iter().map(|server| (*server, 1));
    for (server, step) in all_fail.into_iter().chain(changes) {
        states[server] = if step == 0 { 0 } else { (states[server] + 1) % 4 };
        let status = STATES[states[server]].map_or(1, |weight| u8::try_from(weight + 2).unwrap());
        world.answer(&program(server), 0, exit(status));
        world.seconds(2);
        let expected = reference(&pool(&states), sorry_kind, quorum, hysteresis, up);
        up = expected.0;
        assert_eq!(held(&world), expected, "{states:?} of {name}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u16),
    /// The n-th probe in flight ends so.
    Answer(prop::sample::Index, ProbeOutcome),
    /// An answer that nobody asked for.
    Stray(u32, ProbeOutcome),
    Reload(CheckConfig),
}

fn outcomes() -> impl Strategy<Value = ProbeOutcome> {
    prop_oneof![
        4 => Just(ProbeOutcome::OK),
        2 => (0u8..9).prop_map(exit),
        4 => Just(refused()),
        1 => Just(ProbeOutcome::Failure(Reason::Socket("EMFILE".into()))),
        1 => Just(ProbeOutcome::Failure(Reason::Panicked)),
    ]
}

fn checkers() -> impl Strategy<Value = CheckerConfig> {
    let kinds = prop_oneof![
        (0u16..3).prop_map(|port| tcp(&format!("192.0.2.1:{port}"))),
        Just(http("192.0.2.1:8", &["/a", "/b"])),
        any::<bool>().prop_map(misc),
    ];
    (kinds, any::<bool>(), 0u32..3, 0u64..3).prop_map(|(mut checker, alpha, retry, warmup)| {
        checker.alpha = alpha;
        checker.retry = retry;
        checker.warmup = Duration::from_secs(warmup);
        checker
    })
}

/// Servers by number, quorum, hysteresis, sorry server, `omega`.
type Pool = (
    BTreeMap<usize, (Vec<CheckerConfig>, bool, u32)>,
    u32,
    u32,
    Option<(usize, bool)>,
    bool,
);

fn configs() -> impl Strategy<Value = CheckConfig> {
    let server = (prop::collection::vec(checkers(), 0..3), any::<bool>(), 0u32..4);
    let servers = prop::collection::btree_map(0usize..5, server, 1..4);
    let pool = (
        servers,
        1u32..5,
        0u32..3,
        prop::option::of((0usize..7, any::<bool>())),
        any::<bool>(),
    );
    let services = prop::collection::btree_map(1u8..4, pool, 0..3);
    services.prop_map(|services| {
        let service = |(n, (servers, quorum, hysteresis, extra, omega)): (u8, Pool)| {
            let servers = servers.into_iter().map(|(n, (checkers, inhibit, weight))| {
                let mut rs = real_server(&address(n), checkers);
                (rs.inhibit_on_failure, rs.weight) = (inhibit, weight);
                rs
            });
            let mut vs = service(&format!("10.0.0.{n}:80"), servers.collect());
            (vs.quorum, vs.hysteresis, vs.omega) = (quorum, hysteresis, omega);
            vs.sorry_server = extra.and_then(|(n, inhibit): (usize, bool)| sorry(&address(n), inhibit));
            vs
        };
        config(services.into_iter().map(service).collect())
    })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u16..4000).prop_map(Step::Wait),
        12 => (any::<prop::sample::Index>(), outcomes()).prop_map(|(which, how)| Step::Answer(which, how)),
        1 => (0u32..20, outcomes()).prop_map(|(id, how)| Step::Stray(id, how)),
        1 => configs().prop_map(Step::Reload),
    ]
}

/// What must hold whenever the engine is at rest.
fn at_rest(world: &World) -> Result<(), TestCaseError> {
    let engine = &world.engine;
    let waiting: BTreeMap<_, _> = engine.agenda.iter().map(|(due, id)| (*id, *due)).collect();
    prop_assert_eq!(waiting.len(), engine.agenda.len(), "a checker waits once");
    let mut count = 0;
    for vs in &engine.virtual_servers {
        for rs in &vs.real_servers {
            prop_assert_eq!(rs.alive, rs.is_good());
            for checker in &rs.checkers {
                count += 1;
                match checker.phase() {
                    Phase::Waiting { due } => prop_assert_eq!(waiting.get(&checker.id()), Some(&due)),
                    Phase::Following => panic!("nobody follows here"),
                    Phase::Asking { url, .. } => {
                        prop_assert!(!waiting.contains_key(&checker.id()));
                        let flight = world
                            .in_flight
                            .iter()
                            .filter(|order| order.checker == checker.id());
                        prop_assert_eq!(flight.map(|order| order.url).collect::<Vec<_>>(), [url]);
                    }
                }
            }
        }
        prop_assert_eq!(settled_quorum(vs), None, "the quorum was judged");
    }
    prop_assert_eq!(engine.places.len(), count);
    let wanted = engine.virtual_servers.iter().flat_map(|vs| {
        let wanted = vs.wants();
        let keys = wanted.services.to_vec();
        keys.into_iter().map(move |key| (key, wanted.entry(&key)))
    });
    prop_assert_eq!(
        &world.table.services,
        &wanted.collect(),
        "what was wanted adds up to the state"
    );
    Ok(())
}

fn settled_quorum(vs: &VirtualServer) -> Option<quorum::Turn> {
    vs.quorum().judge(vs.quorum_up, vs.live_weight())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_history_loses_a_checker_or_the_table(start in configs(), steps in prop::collection::vec(steps(), 0..80)) {
        let mut world = World::new(start);
        at_rest(&world)?;
        for step in steps {
            match step {
                Step::Wait(millis) => {
                    world.now += Duration::from_millis(u64::from(millis));
                    world.engine.handle_timeout(world.now);
                    world.drain();
                    prop_assert!(world.engine.next_deadline().is_none_or(|due| due > world.now));
                }
                Step::Answer(which, outcome) if !world.in_flight.is_empty() => {
                    let order = world.in_flight.swap_remove(which.index(world.in_flight.len()));
                    world.reply(&order, outcome);
                }
                Step::Answer(..) => {}
                Step::Stray(id, outcome) => {
                    if world.in_flight.iter().all(|order| order.checker != CheckerId(id)) {
                        let event = Event::Outcome { checker: CheckerId(id), url: 0, outcome };
                        world.engine.handle(world.now, event);
                        prop_assert_eq!(world.engine.poll_action(), None);
                    }
                }
                Step::Reload(config) => {
                    world.engine.reload(world.now, config);
                    world.drain();
                }
            }
            at_rest(&world)?;
        }
        world.engine.stop(true, FlushOnStop::No);
        world.drain();
        prop_assert_eq!(world.table, Table::default());
    }

    /// State must not creep into the table: what a cold start of the same configuration wants, once every server is
    /// found good, a reloaded engine wants too. (Without hysteresis, which is a memory by purpose.)
    #[test]
    fn a_reload_ends_where_a_cold_start_ends(before in configs(), mut after in configs()) {
        after.services.iter_mut().for_each(|vs| vs.hysteresis = 0);
        let mut reloaded = World::new(before);
        reloaded.seconds(10);
        reloaded.engine.reload(reloaded.now, after.clone());
        reloaded.drain();
        reloaded.seconds(30);
        let mut cold = World::new(after);
        cold.seconds(30);
        prop_assert_eq!(reloaded.table, cold.table);
    }
}
