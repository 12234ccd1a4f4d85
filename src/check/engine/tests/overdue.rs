//! Checkers that are late with their next step: told once, with what, and so is the end.

use super::*;
use crate::check::overdue::GRACE;

const SECOND: Duration = Duration::from_secs(1);

fn world(servers: u8) -> World {
    let server = |n: u8| {
        let address = format!("192.0.2.{n}:80");
        RealServerConfig {
            notify_up: None,
            notify_down: None,
            ..real_server(&address, vec![tcp(&address)])
        }
    };
    let mut service = service("10.0.0.1:80", (1..=servers).map(server).collect());
    (service.quorum_up, service.quorum_down) = (None, None);
    let mut world = World::new(config(vec![service]));
    world.news();
    world
}

impl World {
    /// Looks so much later; what is told.
    fn look_after(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.engine.look_for_overdue(self.now);
        self.drain();
        self.news()
    }

    /// Starts what is due, and takes it.
    fn begin(&mut self) -> Vec<ProbeOrder> {
        self.engine.handle_timeout(self.now);
        self.drain();
        std::mem::take(&mut self.in_flight)
    }

    fn hear_of(&mut self, event: Event) {
        self.engine.handle(self.now, event);
        self.drain();
    }
}

/// The name that a line is about is cut off.
fn about(lines: &[String]) -> Vec<&str> {
    let cut = |line: &String| line.find(" is ").map_or(0, |at| at + 4);
    lines.iter().map(|line| &line[cut(line)..]).collect()
}

#[test]
fn one_that_does_not_begin_is_told_once_and_so_is_its_end() {
    let mut world = world(1);
    // Due after a second.
    assert_eq!(world.look_after(SECOND + GRACE), [""; 0]);
    let told = world.look_after(SECOND);
    let who = "TCP_CHECK of [192.0.2.1]:tcp:80 for VS [10.0.0.1]:tcp:80 is";
    assert_eq!(told, [format!("{who} overdue: it should have begun 6 s ago")]);
    assert_eq!(world.look_after(SECOND), [""; 0]);
    let [order] = &world.begin()[..] else {
        panic!("one probe")
    };
    assert_eq!(
        world.look_after(SECOND),
        [format!("{who} no longer overdue, after 8 s")]
    );
    let figures = world.engine.status(world.now).punctuality;
    assert_eq!(
        (figures.last, figures.most, figures.checks),
        (7 * SECOND, 7 * SECOND, 1)
    );
    world.reply(order, ProbeOutcome::OK);
    world.now += 2 * SECOND;
    world.begin();
    let figures = world.engine.status(world.now).punctuality;
    assert_eq!(
        (figures.last, figures.most, figures.checks),
        (Duration::ZERO, 7 * SECOND, 2)
    );
    world.engine.clear_counters();
    assert_eq!(world.engine.status(world.now).punctuality, Default::default());
}

#[test]
fn one_that_does_not_end_is_overdue_after_all_that_its_probe_may_take() {
    let mut world = world(1);
    world.now += SECOND;
    let limit = tcp("192.0.2.1:80").probe.limit();
    let order = world.begin().remove(0);
    assert_eq!(world.look_after(limit + SECOND + GRACE), [""; 0]);
    let told = world.look_after(SECOND);
    assert_eq!(
        about(&told),
        ["overdue: it has asked for 17 s, and may take 11 s"]
    );
    world.reply(&order, ProbeOutcome::OK);
    world.news();
    assert_eq!(
        about(&world.look_after(Duration::ZERO)),
        ["no longer overdue, after 17 s"]
    );
}

/// From when its turn has come the time of the probe counts.
#[test]
fn one_that_waits_for_its_turn_is_told_as_that() {
    let mut world = world(1);
    world.now += SECOND;
    let checker = world.begin()[0].checker;
    world.hear_of(Event::Queued(checker));
    let told = world.look_after(GRACE + SECOND);
    assert_eq!(
        about(&told),
        ["overdue: it has waited for its turn for 6 s, since too many checks are on their way"]
    );
    world.hear_of(Event::Begun(checker));
    assert_eq!(about(&world.look_after(SECOND)), ["no longer overdue, after 7 s"]);
    assert_eq!(world.look_after(Duration::from_secs(15)), [""; 0]);
    assert_eq!(world.look_after(SECOND).len(), 1);
}

#[test]
fn of_a_crowd_some_are_named_and_the_others_counted() {
    let mut world = world(100);
    let told = world.look_after(SECOND + GRACE + SECOND);
    assert_eq!(told.len(), 9);
    assert_eq!(told[8], "92 more checks are overdue");
    world.begin();
    let told = world.look_after(SECOND);
    assert_eq!(told[8], "92 more checks are no longer overdue");
    assert_eq!(told.len(), 9);
}

/// What a reload takes away is not overdue any more, and says nothing; what it leaves is told no second time.
#[test]
fn a_reload_neither_repeats_nor_invents() {
    let mut world = world(2);
    assert_eq!(world.look_after(SECOND + GRACE + SECOND).len(), 2);
    let mut less = service(
        "10.0.0.1:80",
        vec![real_server("192.0.2.1:80", vec![tcp("192.0.2.1:80")])],
    );
    less.quorum_up = None;
    world.engine.reload(world.now, config(vec![less]));
    world.drain();
    world.news();
    assert_eq!(world.look_after(SECOND), [""; 0]);
    world.begin();
    assert_eq!(world.look_after(SECOND).len(), 1);
}

/// While all goes well nobody is overdue, whatever the back-ends do; checkers that follow or rest never are.
#[test]
fn nobody_is_overdue_while_all_goes_well() {
    let mut world = world(5);
    for n in 1..=3 {
        world.answer(&format!("192.0.2.{n}:80"), 0, refused());
    }
    for _ in 0..200 {
        world.seconds(1);
        world.engine.look_for_overdue(world.now);
        world.drain();
    }
    let told = world.news();
    assert!(!told.iter().any(|line| line.contains("overdue")), "{told:?}");
    let mut followers = service(
        "10.0.0.1:80",
        vec![real_server(
            "192.0.2.1:80",
            vec![CheckerConfig {
                probe: ProbeConfig::Bfd("S".into()).into(),
                ..tcp("192.0.2.1:80")
            }],
        )],
    );
    followers.ha_suspend = true;
    let mut world = World::new(config(vec![followers]));
    world.news();
    assert_eq!(world.look_after(100 * SECOND), [""; 0]);
}
