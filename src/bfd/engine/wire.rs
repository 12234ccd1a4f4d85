//! Two engines over a virtual wire that loses, delays and reorders: they agree in the end.

use super::*;
use crate::bfd::config::testing::session;
use crate::bfd::event::Report;
use crate::bfd::packet::State;
use proptest::prelude::*;
use std::time::Duration;

struct World {
    now: Instant,
    ends: [Engine; 2],
    /// Arrival, number, to whom, what.
    flying: BTreeSet<(Instant, u64, usize, Vec<u8>)>,
    count: u64,
    chance: Random,
    /// Packets that get lost, of 100.
    loss: [u64; 2],
    reported: [Option<bool>; 2],
}

fn address(end: usize) -> IpAddr {
    [192, 0, 2, u8::try_from(end).unwrap() + 1].into()
}

impl World {
    fn new(configs: [SessionConfig; 2], seed: u64) -> Self {
        let now = Instant::from_micros(5_000_000);
        let [a, b] = configs;
        let engine = |config, seed| {
            Engine::new(
                now,
                BfdConfig {
                    sessions: vec![config],
                },
                seed,
            )
        };
        Self {
            now,
            ends: [engine(a, seed), engine(b, seed ^ 1)],
            flying: BTreeSet::new(),
            count: 0,
            chance: Random::new(seed ^ 2),
            loss: [0, 0],
            reported: [None, None],
        }
    }

    fn settle(&mut self) {
        for end in 0..2 {
            while let Some(action) = self.ends[end].poll_action() {
                match action {
                    Action::Open(id, _) => self.ends[end].handle(self.now, Event::Opened(id)),
                    Action::Send(_, bytes) if self.chance.below(100) >= self.loss[end] => {
                        let delay = Duration::from_micros(100 + self.chance.below(4_000));
                        self.count += 1;
                        self.flying
                            .insert((self.now + delay, self.count, 1 - end, bytes.to_vec()));
                    }
                    Action::Report(Report { up, .. }) => self.reported[end] = Some(up),
                    Action::Send(..) | Action::Close(_) | Action::Tell(_) => {}
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        loop {
            let arrival = self.flying.first().map(|(at, ..)| *at);
            let deadlines = self.ends.iter().filter_map(Engine::next_deadline).min();
            let Some(next) = [arrival, deadlines]
                .into_iter()
                .flatten()
                .min()
                .filter(|at| *at <= end)
            else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, _, to, payload) = self.flying.pop_first().unwrap();
                let datagram = Datagram {
                    port: session("x", address(0)).port(),
                    source: address(1 - to),
                    destination: Some(address(to)),
                    ttl: Some(255),
                    payload,
                };
                self.ends[to].handle(self.now, Event::Datagram(datagram));
            } else {
                let now = self.now;
                self.ends.iter_mut().for_each(|end| end.handle_timeout(now));
            }
            self.settle();
        }
        self.now = end;
    }

    fn states(&self) -> [State; 2] {
        [0, 1].map(|end| self.ends[end].status(self.now).sessions[0].state)
    }
}

fn any_session(name: &'static str, end: usize) -> impl Strategy<Value = SessionConfig> {
    (1_u64..200, 1_u64..200, 2_u8..8).prop_map(move |(rx, tx, multiplier)| SessionConfig {
        min_rx: Duration::from_millis(rx),
        // Delays of up to 4 ms are no reason to think that somebody is gone.
        min_tx: Duration::from_millis(tx + 5),
        multiplier,
        ..session(name, address(end))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happened before: over a good wire both are up, over a cut one both are down, and both have said so.
    #[test]
    fn both_come_up_and_go_down_together(
        a in any_session("a", 1),
        b in any_session("b", 0),
        passive in any::<bool>(),
        seed in any::<u64>(),
        history in proptest::collection::vec((0_u64..=100, 0_u64..=100, 1_u64..3_000), 0..6),
    ) {
        let mut world = World::new([SessionConfig { passive, ..a }, b], seed);
        for (there, back, time) in history {
            world.loss = [there, back];
            world.pass(Duration::from_millis(time));
        }
        world.loss = [0, 0];
        world.pass(Duration::from_secs(20));
        prop_assert_eq!(world.states(), [State::Up, State::Up]);
        prop_assert_eq!(world.reported, [Some(true), Some(true)]);
        // A cut in one direction is enough.
        let cut = usize::from(seed % 2 == 0);
        world.loss[cut] = 100;
        world.pass(Duration::from_secs(20));
        prop_assert!(!world.states().contains(&State::Up), "{:?}", world.states());
        prop_assert_eq!(world.reported, [Some(false), Some(false)]);
    }

    /// Any events in any order: no panic, no deadline that is never served, and a report is always news.
    #[test]
    fn any_events_in_any_order(
        seed in any::<u64>(),
        events in proptest::collection::vec(
            (0_u8..5, any::<[u8; 12]>(), any::<u8>(), 0_u64..2_000_000),
            1..200,
        ),
    ) {
        let mut now = Instant::from_micros(1);
        let config = |passive| BfdConfig {
            sessions: vec![SessionConfig { passive, ..session("a", address(1)) }],
        };
        let mut engine = Engine::new(now, config(false), seed);
        let mut last = None;
        for (kind, bytes, ttl, wait) in events {
            now += Duration::from_micros(wait);
            match kind {
                0 | 1 => {
                    let mut payload = bytes.to_vec();
                    payload.resize(24, 0);
                    payload[0] = 0x20 | (payload[0] % 16);
                    payload[3] = 24;
                    if kind == 0 {
                        let ours = engine.status(now).sessions[0].discriminator;
                        payload[8..12].copy_from_slice(&ours.to_be_bytes());
                    }
                    let port = session("x", address(0)).port();
                    let ttl = Some(ttl | 0xf0);
                    let datagram = Datagram { port, source: address(1), destination: None, ttl, payload };
                    engine.handle(now, Event::Datagram(datagram));
                }
                2 => engine.handle(now, Event::OpenFailed(SessionId(0), "x".into())),
                3 => engine.reload(now, config(ttl % 2 == 0)),
                _ => {}
            }
            let mut rounds = 0;
            while engine.next_deadline().is_some_and(|at| at <= now) {
                engine.handle_timeout(now);
                rounds += 1;
                prop_assert!(rounds < 8, "deadlines are served in a few rounds");
            }
            while let Some(action) = engine.poll_action() {
                match action {
                    Action::Open(id, _) if ttl % 3 != 0 => engine.handle(now, Event::Opened(id)),
                    Action::Report(Report { up, .. }) => {
                        // After AdminDown of the other end, Up may be said again.
                        prop_assert!(up || last == Some(true), "down was not up");
                        last = Some(up);
                    }
                    _ => {}
                }
            }
        }
    }
}
