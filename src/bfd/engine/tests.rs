//! The sessions' rules, one after the other.

use super::*;
use crate::bfd::config::testing::session;
use crate::bfd::event::Report;
use crate::bfd::packet::{Diagnostic, LEN, State};
use crate::bfd::status::SessionStatus;
use std::time::Duration;

const PEER: [u8; 4] = [192, 0, 2, 2];
const MS: Duration = Duration::from_millis(1);

fn peer() -> IpAddr {
    PEER.into()
}

/// An engine with one session, and a hand at its clock.
struct Bench {
    engine: Engine,
    now: Instant,
}

impl Bench {
    fn new(config: SessionConfig) -> Self {
        Self::of(vec![config])
    }

    fn of(sessions: Vec<SessionConfig>) -> Self {
        let now = Instant::from_micros(1_000_000);
        let mut bench = Self {
            engine: Engine::new(now, BfdConfig { sessions }, 7),
            now,
        };
        bench.open(true);
        bench
    }

    /// Answers all wishes for sockets; what else there was to do.
    fn open(&mut self, good: bool) -> Vec<Action> {
        let mut out = Vec::new();
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Open(id, _) if good => self.engine.handle(self.now, Event::Opened(id)),
                Action::Open(id, _) => self.engine.handle(self.now, Event::OpenFailed(id, "no".into())),
                other => out.push(other),
            }
        }
        out
    }

    fn status(&self) -> SessionStatus {
        self.engine.status(self.now).sessions.remove(0)
    }

    /// Hears a packet of the peer, which knows our discriminator; what comes of it.
    fn hear(&mut self, state: State, change: impl FnOnce(&mut ControlPacket)) -> Vec<Action> {
        let mut packet = ControlPacket {
            diagnostic: Diagnostic::None,
            state,
            poll: false,
            final_: false,
            control_plane_independent: false,
            demand: false,
            detect_mult: 3,
            my_discriminator: 99,
            your_discriminator: self.status().discriminator,
            desired_min_tx: 20_000,
            required_min_rx: 10_000,
            required_min_echo_rx: 0,
        };
        change(&mut packet);
        self.receive(packet.bytes().to_vec(), Some(255))
    }

    fn receive(&mut self, payload: Vec<u8>, ttl: Option<u8>) -> Vec<Action> {
        let config = self.status().config;
        let datagram = Datagram {
            port: config.port(),
            source: config.neighbor,
            destination: Some([192, 0, 2, 1].into()),
            ttl,
            payload,
        };
        self.engine.handle(self.now, Event::Datagram(datagram));
        self.open(true)
    }

    /// Serves all deadlines until `time` has passed; what came of it, and when.
    fn pass(&mut self, time: Duration) -> Vec<(Duration, Action)> {
        let (start, end) = (self.now, self.now + time);
        let mut out = Vec::new();
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= end) {
            assert!(at >= self.now, "a deadline in the past: {at:?} at {:?}", self.now);
            self.now = at;
            self.engine.handle_timeout(at);
            out.extend(
                self.open(true)
                    .into_iter()
                    .map(|action| (at.since(start), action)),
            );
        }
        self.now = end;
        out
    }

    /// Brings the session up as a peer would that answers polls.
    fn up(&mut self) {
        self.hear(State::Down, |packet| packet.your_discriminator = 0);
        self.hear(State::Init, |_| {});
        self.hear(State::Up, |packet| packet.final_ = true);
        assert_eq!(self.status().state, State::Up);
        assert!(!self.status().polling);
    }

    fn discarded(&self, why: Discard) -> u64 {
        let status = self.engine.status(self.now);
        status
            .discarded
            .iter()
            .find(|(found, _)| *found == why)
            .map_or(0, |(_, count)| *count)
    }
}

fn sent(actions: &[Action]) -> Vec<ControlPacket> {
    let packet = |bytes: &[u8; LEN]| ControlPacket::read(bytes).expect("our own packets are good");
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Send(_, bytes) => Some(packet(bytes)),
            _ => None,
        })
        .collect()
}

fn reports(actions: &[Action]) -> Vec<bool> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Report(Report { up, .. }) => Some(*up),
            _ => None,
        })
        .collect()
}

fn times(actions: &[(Duration, Action)]) -> Vec<Duration> {
    let sends = actions
        .iter()
        .filter(|(_, action)| matches!(action, Action::Send(..)));
    sends.map(|(at, _)| *at).collect()
}

/// RFC 5880 section 6.8.6, all of it.
///
/// Facts: 24.4, 24.5, 24.6
#[test]
fn the_state_machine_is_that_of_the_rfc() {
    use State::{AdminDown, Down, Init, Up};
    let table = [
        // (we, heard, we then, diagnostic, reports)
        (Down, AdminDown, Down, Diagnostic::None, None),
        (Down, Down, Init, Diagnostic::None, None),
        (Down, Init, Up, Diagnostic::None, Some(true)),
        (Down, Up, Down, Diagnostic::None, None),
        (Init, AdminDown, Down, Diagnostic::NeighborDown, None),
        (Init, Down, Init, Diagnostic::None, None),
        (Init, Init, Up, Diagnostic::None, Some(true)),
        (Init, Up, Up, Diagnostic::None, Some(true)),
        (Up, AdminDown, Down, Diagnostic::NeighborDown, None),
        (Up, Down, Down, Diagnostic::NeighborDown, Some(false)),
        (Up, Init, Up, Diagnostic::None, None),
        (Up, Up, Up, Diagnostic::None, None),
    ];
    for (we, heard, then, diagnostic, report) in table {
        let mut bench = Bench::new(session("a", peer()));
        match we {
            Up => bench.up(),
            Init => drop(bench.hear(Down, |_| {})),
            Down | AdminDown => {}
        }
        assert_eq!(bench.status().state, we);
        let done = bench.hear(heard, |_| {});
        let status = bench.status();
        assert_eq!(
            (status.state, status.diagnostic),
            (then, diagnostic),
            "{we} hears {heard}"
        );
        assert_eq!(reports(&done), Vec::from_iter(report), "{we} hears {heard}");
        // A new state is told at once.
        let told: Vec<State> = sent(&done).iter().map(|packet| packet.state).collect();
        let expected = if we == then { Vec::new() } else { vec![then] };
        assert_eq!(told, expected, "{we} hears {heard}");
    }
}

/// Facts: 24.5, 24.6, 24.7
#[test]
fn silence_ends_the_session_after_the_detection_time() {
    // The peer's multiplier, times the slower of what we want and what it offers.
    for (ours, theirs, detection) in [(10, 20, 60), (50, 20, 150)] {
        let mut bench = Bench::new(SessionConfig {
            min_rx: ours * MS,
            ..session("a", peer())
        });
        bench.up();
        assert_eq!(bench.status().detection_time, Some(detection * MS));
        let before = bench.status().discriminator;
        bench.hear(State::Up, |packet| packet.desired_min_tx = theirs * 1_000);
        bench.pass((detection - 1) * MS);
        assert_eq!(bench.status().state, State::Up);
        let done: Vec<Action> = bench.pass(MS).into_iter().map(|(_, action)| action).collect();
        let status = bench.status();
        assert_eq!(
            (status.state, status.diagnostic),
            (State::Down, Diagnostic::TimeExpired)
        );
        assert_eq!(reports(&done), [false]);
        assert_ne!(status.discriminator, before, "a new one after each loss");
        // The other end is told under its old number, and forgotten after a further detection time.
        assert_eq!(
            sent(&done).last().map(|packet| packet.your_discriminator),
            Some(99)
        );
        bench.pass((detection - 1) * MS);
        assert_eq!(bench.status().remote_discriminator, 99);
        bench.pass(MS);
        assert_eq!(bench.status().remote_discriminator, 0);
    }
}

/// As long as it says so. One that then falls silent, or does not come up again, is lost like any other.
///
/// Facts: 24.6
#[test]
fn a_peer_that_is_switched_off_is_reported_down_only_when_it_no_longer_says_so() {
    let mut bench = Bench::new(session("a", peer()));
    bench.up();
    for _ in 0..50 {
        let mut done = bench.hear(State::AdminDown, |_| {});
        let time = bench.status().detection_time.unwrap();
        done.extend(bench.pass(time - MS).into_iter().map(|(_, action)| action));
        assert!(reports(&done).is_empty());
        assert_eq!(bench.status().state, State::Down);
    }
    let said = bench.pass(Duration::from_secs(10));
    let said: Vec<Action> = said.into_iter().map(|(_, action)| action).collect();
    assert_eq!(reports(&said), [false]);

    // It is switched on again, but does not hear us.
    let mut bench = Bench::new(session("a", peer()));
    bench.up();
    bench.hear(State::AdminDown, |_| {});
    let mut done = bench.hear(State::Down, |_| {});
    assert_eq!(bench.status().state, State::Init);
    for _ in 0..500 {
        done.extend(bench.pass(10 * MS).into_iter().map(|(_, action)| action));
        done.extend(bench.hear(State::Down, |_| {}));
    }
    assert_eq!(reports(&done), [false]);

    // It comes up again in time.
    let mut bench = Bench::new(session("a", peer()));
    bench.up();
    bench.hear(State::AdminDown, |_| {});
    let mut done = bench.hear(State::Init, |_| {});
    done.extend(bench.hear(State::Up, |_| {}));
    assert_eq!(bench.status().state, State::Up);
    assert_eq!(reports(&done), [true], "once more, which changes nothing");
}

/// Facts: 24.4
#[test]
fn intervals_are_idle_unless_up_and_cut_by_10_to_25_percent() {
    let mut bench = Bench::new(SessionConfig {
        min_tx: 40 * MS,
        idle_tx: 2_000 * MS,
        ..session("a", peer())
    });
    let idle = times(&bench.pass(Duration::from_secs(600)));
    let gaps: Vec<Duration> = idle.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        gaps.iter().all(|gap| (1_500 * MS..=1_800 * MS).contains(gap)),
        "{gaps:?}"
    );
    let spread = *gaps.iter().max().unwrap() - *gaps.iter().min().unwrap();
    assert!(spread > 200 * MS, "{spread:?}");

    bench.up();
    let mut live = Vec::new();
    for _ in 0..200 {
        live.extend(times(&bench.pass(40 * MS)));
        bench.hear(State::Up, |_| {});
    }
    // 8 s at 30 to 36 ms.
    assert!((8_000 / 36..=8_000 / 30).contains(&live.len()), "{}", live.len());
    // The peer's own limit counts when it is the slower one; 0 is silence.
    bench.hear(State::Up, |packet| packet.required_min_rx = 1_000_000);
    assert_eq!(bench.status().tx_interval, 1_000 * MS);
    bench.hear(State::Up, |packet| packet.required_min_rx = 0);
    assert_eq!(times(&bench.pass(59 * MS)), Vec::<Duration>::new());
}

/// Facts: 24.4
#[test]
fn after_up_the_new_interval_is_asked_for_until_it_is_answered() {
    let mut bench = Bench::new(session("a", peer()));
    bench.hear(State::Down, |_| {});
    let first = sent(&bench.hear(State::Init, |_| {}));
    assert!(
        first
            .iter()
            .all(|packet| packet.poll && packet.desired_min_tx == 10_000),
        "{first:?}"
    );
    let asking = bench.pass(30 * MS);
    assert!(!asking.is_empty());
    assert!(
        sent(&asking.into_iter().map(|(_, action)| action).collect::<Vec<_>>())
            .iter()
            .all(|packet| packet.poll)
    );
    bench.hear(State::Up, |packet| packet.final_ = true);
    let calm: Vec<Action> = bench
        .pass(30 * MS)
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert!(sent(&calm).iter().all(|packet| !packet.poll));

    // Nothing changes, so nothing is asked.
    let mut even = Bench::new(SessionConfig {
        min_tx: 1_000 * MS,
        ..session("a", peer())
    });
    even.hear(State::Down, |_| {});
    even.hear(State::Init, |_| {});
    assert!(!even.status().polling);
}

/// Facts: 24.4
#[test]
fn a_poll_is_answered_at_once_and_demand_is_honoured() {
    let mut bench = Bench::new(session("a", peer()));
    bench.up();
    let answer = sent(&bench.hear(State::Up, |packet| packet.poll = true));
    assert_eq!(answer.len(), 1);
    assert!(answer[0].final_ && !answer[0].poll);
    // An answer holds while we ask ourselves.
    bench.hear(State::Up, |packet| packet.demand = true);
    assert_eq!(times(&bench.pass(50 * MS)), Vec::<Duration>::new());
    let answer = sent(&bench.hear(State::Up, |packet| (packet.demand, packet.poll) = (true, true)));
    assert_eq!(answer.len(), 1, "even then");
    bench.hear(State::Up, |_| {});
    assert!(!times(&bench.pass(50 * MS)).is_empty());
}

/// Facts: 24.7
#[test]
fn a_passive_session_waits_to_be_spoken_to() {
    let mut bench = Bench::new(SessionConfig {
        passive: true,
        ..session("a", peer())
    });
    assert_eq!(
        times(&bench.pass(Duration::from_secs(60))),
        Vec::<Duration>::new()
    );
    let answer = sent(&bench.hear(State::Down, |packet| packet.your_discriminator = 0));
    assert_eq!(answer.first().map(|packet| packet.state), Some(State::Init));
    bench.hear(State::Init, |_| {});
    assert_eq!(bench.status().state, State::Up);
    // And falls silent when the other end is forgotten.
    bench.pass(Duration::from_secs(60));
    assert_eq!(
        times(&bench.pass(Duration::from_secs(60))),
        Vec::<Duration>::new()
    );
}

/// Facts: 24.8
#[test]
fn without_a_socket_it_is_off_and_tried_again_every_minute() {
    let mut engine = Bench::new(session("a", peer()));
    engine.up();
    let mut bench = Bench {
        engine: Engine::new(
            engine.now,
            BfdConfig {
                sessions: vec![session("a", peer())],
            },
            1,
        ),
        now: engine.now,
    };
    let said = bench.open(false);
    assert!(said.iter().any(|action| matches!(action, Action::Tell(_))));
    assert_eq!(bench.status().state, State::AdminDown);
    // A packet does not wake it.
    bench.hear(State::Down, |_| {});
    assert_eq!(
        (bench.status().state, bench.discarded(Discard::AdminDown)),
        (State::AdminDown, 1)
    );
    let opened = |bench: &mut Bench, good: bool| {
        assert_eq!(
            bench.engine.next_deadline(),
            Some(bench.now + Duration::from_secs(60))
        );
        bench.now += Duration::from_secs(60);
        bench.engine.handle_timeout(bench.now);
        bench.open(good)
    };
    opened(&mut bench, false);
    assert_eq!(bench.status().state, State::AdminDown);
    let done = opened(&mut bench, true);
    assert_eq!(bench.status().state, State::Down);
    assert_eq!(sent(&done).len(), 1);
}

/// Facts: 24.9
#[test]
fn a_reload_keeps_a_session_with_the_same_name_and_addresses() {
    let mut bench = Bench::new(session("a", peer()));
    bench.up();
    let before = bench.status();
    let reload = |bench: &mut Bench, sessions: Vec<SessionConfig>| {
        bench.engine.reload(bench.now, BfdConfig { sessions });
        bench.open(true)
    };
    let done = reload(
        &mut bench,
        vec![session("b", [192, 0, 2, 3].into()), session("a", peer())],
    );
    let status = bench.engine.status(bench.now).sessions;
    assert_eq!(status[1], before, "as if nothing had been");
    assert_eq!(status[0].config.name, "b");
    assert!(reports(&done).is_empty());

    for other in [
        SessionConfig {
            name: "c".into(),
            ..session("a", peer())
        },
        SessionConfig {
            source: Some([192, 0, 2, 1].into()),
            ..session("a", peer())
        },
        SessionConfig {
            multihop: true,
            ..session("a", peer())
        },
        session("a", [192, 0, 2, 9].into()),
    ] {
        let mut bench = Bench::new(session("a", peer()));
        bench.up();
        let done = reload(&mut bench, vec![other]);
        assert_eq!(bench.status().state, State::Down, "a new session");
        assert_eq!(reports(&done), [false], "the old one is not up any more");
        assert!(sent(&done).is_empty(), "the old one ends in silence");
    }
}

/// RFC 5880 section 6.8.3: the other end knows before we are slower.
///
/// Facts: 24.4
#[test]
fn slower_intervals_wait_for_the_answer() {
    let mut bench = Bench::new(SessionConfig {
        min_rx: 100 * MS,
        ..session("a", peer())
    });
    bench.up();
    let slower = SessionConfig {
        min_tx: 200 * MS,
        min_rx: 30 * MS,
        ..session("a", peer())
    };
    bench.engine.reload(
        bench.now,
        BfdConfig {
            sessions: vec![slower],
        },
    );
    bench.open(true);
    let status = bench.status();
    assert!(status.polling);
    assert_eq!(status.desired_min_tx, 200 * MS, "is told");
    assert_eq!(
        (status.tx_interval, status.detection_time),
        (10 * MS, Some(300 * MS)),
        "but not done"
    );
    bench.hear(State::Up, |packet| packet.final_ = true);
    let status = bench.status();
    assert_eq!(
        (status.tx_interval, status.detection_time),
        (200 * MS, Some(90 * MS))
    );
}

/// Facts: 24.3
#[test]
fn packets_find_their_session() {
    let sixth = |last: u8| IpAddr::from([192, 0, 2, last]);
    let exact = SessionConfig {
        source: Some(sixth(1)),
        ..session("exact", peer())
    };
    let any = session("any", peer());
    let far = SessionConfig {
        multihop: true,
        ..session("far", peer())
    };
    let bench = || Bench::of(vec![any.clone(), exact.clone(), far.clone()]);
    let send = |to: u8, from: u8, multihop: bool, discriminator: Option<usize>| {
        let mut bench = bench();
        let ids: Vec<u32> = bench
            .engine
            .status(bench.now)
            .sessions
            .iter()
            .map(|s| s.discriminator)
            .collect();
        let mut bytes = [0_u8; LEN];
        bytes[..8].copy_from_slice(&[0x20, 0x40, 3, 24, 0, 0, 0, 9]);
        if let Some(at) = discriminator {
            bytes[8..12].copy_from_slice(&ids.get(at).copied().unwrap_or(1).to_be_bytes());
        }
        let datagram = Datagram {
            port: SessionConfig {
                multihop,
                ..any.clone()
            }
            .port(),
            source: sixth(from),
            destination: Some(sixth(to)),
            ttl: Some(255),
            payload: bytes.to_vec(),
        };
        bench.engine.handle(bench.now, Event::Datagram(datagram));
        let heard = bench
            .engine
            .status(bench.now)
            .sessions
            .into_iter()
            .find(|s| s.received > 0);
        assert_eq!(heard.is_none(), bench.discarded(Discard::UnknownSession) == 1);
        heard.map(|session| session.config.name)
    };
    assert_eq!(send(1, 2, false, None).as_deref(), Some("exact"));
    assert_eq!(send(7, 2, false, None).as_deref(), Some("any"));
    assert_eq!(send(1, 2, true, None).as_deref(), Some("far"));
    assert_eq!(send(1, 3, false, None), None);
    assert_eq!(
        send(7, 2, false, Some(1)).as_deref(),
        Some("exact"),
        "the discriminator counts"
    );
    assert_eq!(send(1, 2, false, Some(9)), None, "even an unknown one");
    assert_eq!(send(1, 2, false, Some(2)), None, "on its own port only");
}

/// Facts: 24.3
#[test]
fn a_packet_from_too_far_is_discarded() {
    for (ttl, max_hops, least) in [
        (255, Some(0), 255),
        (64, Some(3), 61),
        (64, None, 0),
        (5, Some(5), 0),
    ] {
        let mut bench = Bench::new(SessionConfig {
            ttl,
            max_hops,
            ..session("a", peer())
        });
        let mut bytes = [0_u8; LEN];
        bytes[..8].copy_from_slice(&[0x20, 0x40, 3, 24, 0, 0, 0, 9]);
        if least > 0 {
            bench.receive(bytes.to_vec(), Some(least - 1));
            bench.receive(bytes.to_vec(), None);
            assert_eq!((bench.discarded(Discard::Ttl), bench.status().received), (2, 0));
        }
        bench.receive(bytes.to_vec(), Some(least));
        assert_eq!(bench.status().received, 1, "{ttl} {max_hops:?}");
    }
}

/// A stop is silent, as keepalived's is, and nothing is left to do.
#[test]
fn a_stop_is_silent() {
    let mut bench = Bench::new(session("a", peer()));
    bench.up();
    bench.engine.stop(bench.now);
    let done = bench.open(true);
    assert!(sent(&done).is_empty());
    assert!(matches!(done.as_slice(), [Action::Close(_)]), "{done:?}");
    assert!(reports(&done).is_empty());
    assert_eq!(bench.engine.next_deadline(), None);
}
