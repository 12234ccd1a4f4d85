//! Any history: operation sequences with invariants after every step.

use crate::net::{Family, InterfaceStatus};
use crate::vrrp::advert::{Advertisement, Packet};
use crate::vrrp::config::*;
use crate::vrrp::event::{Action, Completion, Event, NotifyState};
use crate::vrrp::status::StateName;
use crate::vrrp::testing::*;
use crate::vrrp::{Engine, Priority, RouterId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something that can happen.
#[derive(Clone, Debug)]
enum Op {
    /// Time passes, deadlines fire in time.
    Pass(u64),
    /// Time passes, the driver sleeps.
    Sleep(u64),
    /// An advert: router, priority, which sender, damaged.
    Advert(usize, u8, u8, bool),
    /// eth0 or eth1 becomes up or down, with or without an address.
    Link(usize, bool, bool),
    Gone(usize),
    Script(bool),
    /// The oldest unanswered order is answered, or refused.
    Answer(bool),
    Robbed(usize),
    /// Another configuration.
    Reload(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..5_000u64).prop_map(Op::Pass),
        1 => (0..20_000u64).prop_map(Op::Sleep),
        4 => (0..3usize, prop_oneof![Just(0), Just(100), any::<u8>()], 0..3u8, prop::bool::weighted(0.1))
            .prop_map(|(r, p, s, d)| Op::Advert(r, p, s, d)),
        2 => (0..2usize, any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(i, up, a)| Op::Link(i, up, a)),
        1 => (0..2usize).prop_map(Op::Gone),
        2 => any::<bool>().prop_map(Op::Script),
        3 => prop::bool::weighted(0.8).prop_map(Op::Answer),
        1 => (0..3usize).prop_map(Op::Robbed),
        1 => any::<u8>().prop_map(Op::Reload),
    ]
}

/// Three routers: A alone or with B in a group; each bit of `variant` changes something.
fn config(variant: u8) -> VrrpConfig {
    let bit = |n: u8| variant & (1 << n) != 0;
    let mut a = router("A", 51);
    let mut b = router("B", 52);
    let mut c = version_3(router("C", 53), 500);
    a.preempt_delay = Duration::from_secs(if bit(0) { 10 } else { 0 });
    a.track_scripts = vec![TrackedScript {
        script: "chk".into(),
        weight: if bit(1) { -40 } else { 0 },
        reverse: bit(0) && bit(1),
    }];
    b.interface = name("eth1");
    b.nopreempt = bit(2);
    b.vips = if bit(3) {
        vec![spec("10.1.0.1", "eth1"), spec("10.1.0.9", "eth1")]
    } else {
        vec![spec("10.1.0.9", "eth1"), spec("10.0.0.8", "eth0")]
    };
    c.garp = GarpConfig {
        garp_interval: Duration::from_millis(if bit(4) { 70 } else { 0 }),
        refresh: Duration::from_secs(4),
        ..GarpConfig::default()
    };
    if bit(5) {
        c.priority = Priority::OWNER;
        c.initial = InitialState::Master;
    }
    let mut routers = vec![a, b, c];
    if bit(6) {
        routers.remove(2);
    }
    let groups = if bit(7) {
        vec![group("G", &["A", "B"])]
    } else {
        Vec::new()
    };
    let scripts = vec![ScriptTracker {
        name: "chk".into(),
        rise: 1 + u32::from(bit(3)),
        fall: 2,
    }];
    let link_delays = bit(4).then(|| LinkDelay {
        interface: name("eth1"),
        down: ms(300),
        up: ms(700),
    });
    VrrpConfig {
        routers,
        groups,
        scripts,
        link_delays: link_delays.into_iter().collect(),
        ..VrrpConfig::default()
    }
}

/// A driver that keeps books on what it was told.
struct Books {
    bench: Bench,
    variant: u8,
    /// Orders not answered yet.
    open: Vec<(bool, Completion)>,
    /// What was ordered to be held, and not released since, by router.
    held: BTreeMap<RouterId, BTreeSet<String>>,
    generations: BTreeMap<RouterId, u64>,
    told: BTreeMap<String, NotifyState>,
}

impl Books {
    fn drain(&mut self) {
        while let Some(action) = self.bench.engine.poll_action() {
            match action {
                Action::Hold(order) => {
                    self.next_generation(order.router, order.generation);
                    let held = self.held.entry(order.router).or_default();
                    held.extend(order.goods.addresses.iter().map(ToString::to_string));
                    let answer = Completion {
                        router: order.router,
                        generation: order.generation,
                        failed: vec![],
                    };
                    self.open.push((true, answer));
                }
                Action::Release(order) => {
                    if order.generation > 0 {
                        self.next_generation(order.router, order.generation);
                    }
                    let held = self.held.entry(order.router).or_default();
                    for address in &order.goods.addresses {
                        held.remove(&address.to_string());
                    }
                    let answer = Completion {
                        router: order.router,
                        generation: order.generation,
                        failed: vec![],
                    };
                    self.open.push((false, answer));
                }
                Action::Announce(announcement) => {
                    assert!(!announcement.targets.is_empty());
                    let held = self.held.get(&announcement.router);
                    let routers = self.bench.engine.status(self.bench.now).routers;
                    let router = routers.iter().find(|r| r.id == announcement.router);
                    for target in &announcement.targets {
                        let address = format!("{} dev", target.address);
                        let ours = held.is_some_and(|h| h.iter().any(|a| a.starts_with(&address)));
                        let known = router.is_some_and(|r| r.state == StateName::Master);
                        assert!(ours && known, "announces {} without holding it", target.address);
                    }
                }
                Action::Notify(notification) if notification.state == NotifyState::MasterRxLowerPri => {}
                Action::Notify(notification) => {
                    let subject = format!("{:?}", notification.subject);
                    // A reload's other key under the same name is another router.
                    let before = self.told.insert(subject.clone(), notification.state);
                    assert!(
                        before != Some(notification.state),
                        "{subject} told {before:?} twice"
                    );
                }
                Action::Send(transmit) => {
                    let packet = Packet::new(&transmit.payload).expect("a header");
                    assert!(
                        Advertisement::parse(&packet, Family::V4).is_some(),
                        "{transmit:?}"
                    );
                }
                Action::Tell(line) => assert!(!line.to_string().is_empty()),
            }
        }
    }

    fn next_generation(&mut self, router: RouterId, generation: u64) {
        let before = self.generations.insert(router, generation);
        assert_eq!(
            generation,
            before.unwrap_or(0) + 1,
            "generations count up without a gap"
        );
    }

    fn apply(&mut self, op: &Op) {
        let now = self.bench.now;
        let config = config(self.variant);
        match *op {
            Op::Pass(millis) => {
                let (end, mut steps) = (now + ms(millis), 0);
                while let Some(at) = self.bench.engine.next_deadline().filter(|at| *at <= end) {
                    steps += 1;
                    assert!(steps < 2_000, "time does not pass: {at:?}");
                    self.bench.now = self.bench.now.max(at);
                    self.bench.engine.handle_timeout(self.bench.now);
                    self.drain();
                }
                self.bench.now = end;
            }
            Op::Sleep(millis) => {
                self.bench.now = now + ms(millis);
                // It listens before it acts, then acts until nothing is due.
                while self
                    .bench
                    .engine
                    .next_deadline()
                    .is_some_and(|at| at <= self.bench.now)
                {
                    self.bench.engine.handle_timeout(self.bench.now);
                }
            }
            Op::Advert(which, priority, sender, damaged) => {
                let Some(router) = config.routers.get(which) else {
                    return;
                };
                let net = if router.interface == name("eth1") { 1 } else { 0 };
                let mut datagram = advert(router, priority, &format!("10.{net}.0.{sender}"));
                datagram.interface.0 = net + 1;
                if damaged {
                    datagram.payload[7] ^= 0x55;
                }
                self.bench.engine.handle(now, Event::Datagram(datagram));
            }
            Op::Link(which, up, addressed) => {
                self.bench
                    .engine
                    .handle(now, Event::Interface(link(which, up, addressed)));
            }
            Op::Gone(which) => {
                self.bench
                    .engine
                    .handle(now, Event::InterfaceGone(link(which, true, true).name));
            }
            Op::Script(good) => {
                let outcome = crate::script::config::ScriptOutcome::Exited(u8::from(!good));
                self.bench.engine.handle(
                    now,
                    Event::Script {
                        name: "chk".into(),
                        outcome,
                    },
                );
            }
            Op::Answer(well) => {
                if !self.open.is_empty() {
                    let (hold, mut answer) = self.open.remove(0);
                    if !well {
                        answer.failed = vec![(spec("10.0.0.8", "eth0").into(), "no".into())];
                    }
                    let refused = hold && !well;
                    let (router, generation) = (answer.router, answer.generation);
                    let event = if hold {
                        Event::Held(answer)
                    } else {
                        Event::Released(answer)
                    };
                    let latest = self.generations.get(&router) == Some(&generation);
                    self.bench.engine.handle(now, event);
                    if refused
                        && latest
                        && let Some(held) = self.held.get_mut(&router)
                    {
                        held.retain(|a| !a.starts_with("10.0.0.8 "));
                    }
                }
            }
            Op::Robbed(which) => {
                if let Some(vip) = config.routers.get(which).and_then(|r| r.vips.first()) {
                    let (interface, address) = (vip.interface.clone(), vip.cidr.addr);
                    self.bench
                        .engine
                        .handle(now, Event::AddressRemoved { interface, address });
                }
            }
            Op::Reload(variant) => {
                self.variant = variant;
                self.bench.engine.reload(now, super::properties::config(variant));
                let there: BTreeSet<_> = self
                    .bench
                    .engine
                    .status(now)
                    .routers
                    .iter()
                    .map(|r| r.config.name.clone())
                    .collect();
                self.drain();
                self.told
                    .retain(|subject, _| there.iter().any(|name| subject.contains(&format!("\"{name}\""))));
                if variant & 0x80 == 0 {
                    self.told.retain(|subject, _| !subject.contains("Group"));
                }
            }
        }
        self.drain();
    }

    fn check(&self) {
        let now = self.bench.now;
        let status = self.bench.engine.status(now);
        let next = self.bench.engine.next_deadline();
        for router in &status.routers {
            let name = &router.config.name;
            let deadline = router.deadline;
            match router.state {
                StateName::Backup => {
                    let deadline = deadline.expect("a Backup has a deadline");
                    assert!(next.is_some_and(|n| n <= deadline));
                    let longest = router.config.preempt_delay + Duration::from_secs(500);
                    assert!(deadline <= now + longest, "{name} waits for ever");
                    assert_eq!(router.faults, [""; 0]);
                }
                StateName::Master => {
                    assert!(deadline.expect("a Master has a deadline") <= now + router.config.advert_int);
                    assert_eq!(router.faults, [""; 0], "{name}");
                }
                StateName::Fault => assert_eq!(deadline, None),
                StateName::Init => {
                    let waits = status.groups.iter().any(|g| g.members.contains(name));
                    assert!(waits && deadline.is_none(), "{name} is undecided without a cause");
                }
            }
            let held = self.held.get(&router.id).is_some_and(|h| !h.is_empty());
            assert!(
                !held || router.state == StateName::Master,
                "{name} is {:?} but holds",
                router.state
            );
            let range = if router.config.priority.is_owner() {
                254..=255
            } else {
                1..=254
            };
            assert!(range.contains(&router.effective_priority.0));
        }
        for group in &status.groups {
            let states: BTreeSet<_> = status
                .routers
                .iter()
                .filter(|r| group.members.contains(&r.config.name))
                .map(|r| r.state.word())
                .collect();
            // An undecided member is shown as FAULT while the other is still in INIT.
            let split = states.contains("MASTER") && states.len() > 1;
            assert!(!split, "group {} is split: {states:?}", group.name);
        }
    }
}

fn link(which: usize, up: bool, addressed: bool) -> InterfaceStatus {
    let (interface_name, index, address) = if which == 0 {
        ("eth0", 1, "10.0.0.1")
    } else {
        ("eth1", 2, "10.1.0.2")
    };
    let addresses: &[&str] = &[address];
    let mut status = interface(interface_name, index, if addressed { addresses } else { &[] });
    status.up = up;
    status
}

/// A fresh engine that is told what the other one knows agrees about faults and priorities.
fn recomputed(books: &Books, links: &BTreeMap<usize, Op>, script: &[bool]) {
    let mut fresh = Engine::new(config(books.variant));
    let now = books.bench.now;
    for which in 0..2 {
        match links.get(&which) {
            Some(Op::Link(_, up, addressed)) => {
                fresh.handle(now, Event::Interface(link(which, *up, *addressed)))
            }
            Some(_) => {}
            None => fresh.handle(now, Event::Interface(link(which, true, true))),
        }
    }
    for good in script {
        let outcome = crate::script::config::ScriptOutcome::Exited(u8::from(!good));
        fresh.handle(
            now,
            Event::Script {
                name: "chk".into(),
                outcome,
            },
        );
    }
    fresh.start(now);
    let (ours, theirs) = (books.bench.engine.status(now), fresh.status(now));
    for (a, b) in ours.routers.iter().zip(&theirs.routers) {
        assert_eq!(a.faults, b.faults, "{}", a.config.name);
        if !a.config.priority.is_owner() {
            assert_eq!(a.effective_priority, b.effective_priority, "{}", a.config.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_keeps_the_invariants(variant in any::<u8>(), ops in proptest::collection::vec(op(), 1..60)) {
        let mut bench = Bench { engine: Engine::new(config(variant)), now: Bench::new(one(router("X", 1))).now, obedient: false };
        for which in 0..2 {
            bench.engine.handle(bench.now, Event::Interface(link(which, true, true)));
        }
        bench.engine.start(bench.now);
        let mut books = Books {
            bench,
            variant,
            open: Vec::new(),
            held: BTreeMap::new(),
            generations: BTreeMap::new(),
            told: BTreeMap::new(),
        };
        books.drain();
        books.check();
        let (mut links, mut script, mut reloaded) = (BTreeMap::new(), Vec::new(), false);
        for op in &ops {
            books.apply(op);
            books.check();
            match op {
                Op::Link(which, ..) | Op::Gone(which) => drop(links.insert(*which, op.clone())),
                Op::Script(good) => script.push(*good),
                Op::Reload(_) => reloaded = true,
                _ => {}
            }
        }
        // Scripts that a reload brought in do not hold, and rise and fall may have been others.
        if !reloaded {
            // What is waited for has been seen by then.
            books.apply(&Op::Pass(1_000));
            books.check();
            recomputed(&books, &links, &script);
        }
        books.bench.engine.stop(books.bench.now, true);
        books.drain();
        for (router, held) in &books.held {
            prop_assert!(held.is_empty(), "{router:?} still holds {held:?} after stop");
        }
        for (_, answer) in std::mem::take(&mut books.open) {
            books.bench.engine.handle(books.bench.now, Event::Released(answer));
        }
        prop_assert!(books.bench.engine.is_stopped());
    }
}
