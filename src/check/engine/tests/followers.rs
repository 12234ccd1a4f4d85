//! FILE_CHECK and BFD_CHECK; the lines are from a log of keepalived 2.2.7.

use super::*;
use crate::check::follow::Reports;

fn following(probe: ProbeConfig) -> CheckConfig {
    let checker = CheckerConfig {
        probe: probe.into(),
        ..tcp("127.0.0.5:80")
    };
    config(vec![service(
        "10.0.0.2:80",
        vec![real_server("127.0.0.5:80", vec![checker])],
    )])
}

fn file(weight: i32) -> ProbeConfig {
    ProbeConfig::File(FileCheckConfig {
        track_file: "F".into(),
        weight,
        reverse: false,
    })
}

/// A world in which F has this number from the start.
fn knowing(probe: ProbeConfig, value: i32) -> World {
    let mut reports = Reports::default();
    reports.files.insert("F".into(), value);
    let mut world = World::new(CheckConfig::default());
    world.engine = Engine::knowing(world.now, following(probe), 1, BTreeSet::new(), reports);
    world.drain();
    world
}

impl World {
    fn tell(&mut self, event: Event) {
        self.engine.handle(self.now, event);
        self.drain();
    }

    fn file(&mut self, value: i32) {
        self.tell(Event::File {
            name: "F".into(),
            value,
        });
    }

    fn session(&mut self, up: bool) {
        self.tell(Event::Session { name: "B".into(), up });
    }
}

/// LVS facts: 5.6, 12.2
#[test]
fn a_file_moves_the_weight() {
    let mut world = knowing(file(3), 0);
    assert_eq!(
        world.news()[0],
        "Gained quorum 1+0=1 <= 1 for VS [10.0.0.2]:tcp:80"
    );
    world.file(2);
    assert_eq!(
        world.news(),
        ["Changing weight from 1 to 7 for active service [127.0.0.5]:tcp:80 of VS [10.0.0.2]:tcp:80"]
    );
    assert_eq!(world.pool(), [("5".into(), 7)]);
    world.file(2);
    assert_eq!(world.news(), [""; 0]);
    world.file(-1);
    assert_eq!(
        world.news()[..2],
        [
            "Changing weight from 7 to 0 for active service [127.0.0.5]:tcp:80 of VS [10.0.0.2]:tcp:80",
            "Lost quorum 1-0=1 > 0 for VS [10.0.0.2]:tcp:80",
        ]
    );
    // Another file is none of its business.
    world.tell(Event::File {
        name: "G".into(),
        value: 9,
    });
    assert_eq!(world.news(), [""; 0]);
    // It asks nobody.
    assert_eq!(world.engine.next_deadline(), None);
    // What was known before the start counts from the start.
    assert_eq!(knowing(file(3), 2).pool(), [("5".into(), 7)]);
}

/// LVS facts: 4.1, 4.3, 12.3, 12.4
#[test]
fn a_file_takes_a_server_down() {
    for (probe, bad, good) in [(file(0), 1, 0), (file(-i32::MAX), 2, 0)] {
        let mut world = knowing(probe.clone(), good);
        world.news();
        world.file(bad);
        assert_eq!(
            world.news()[..2],
            [
                "Removing service [127.0.0.5]:tcp:80 from VS [10.0.0.2]:tcp:80",
                "run down 127.0.0.5:80",
            ]
        );
        assert_eq!(world.pool(), []);
        world.file(good);
        assert_eq!(
            world.news()[..2],
            [
                "Adding service [127.0.0.5]:tcp:80 to VS [10.0.0.2]:tcp:80",
                "run up 127.0.0.5:80",
            ]
        );
        let mut world = knowing(probe, bad);
        assert_eq!(world.news(), [""; 0], "down from the start, and nobody is told");
        assert_eq!(world.pool(), []);
    }
}

/// A reload keeps what is known; a checker that is new to a file hears of it.
///
/// LVS facts: 12.4
#[test]
fn reloads_know_the_files() {
    let mut world = knowing(file(3), 2);
    world.engine.reload(world.now, following(file(3)));
    world.drain();
    assert_eq!(world.pool(), [("5".into(), 7)]);
    world.engine.reload(world.now, following(file(5)));
    world.drain();
    assert_eq!(world.pool(), [("5".into(), 11)]);
    world.engine.reload(world.now, following(file(0)));
    world.drain();
    assert_eq!(world.pool(), []);
}

/// LVS facts: 4.12, 12.5
#[test]
fn a_session_decides_about_everybody_who_names_it() {
    let both = |alpha: bool| {
        let checker = |to: &str| CheckerConfig {
            probe: ProbeConfig::Bfd("B".into()).into(),
            alpha,
            ..tcp(to)
        };
        let server = |to: &str| real_server(to, vec![checker(to)]);
        config(vec![service(
            "10.0.0.2:80",
            vec![server("127.0.0.5:80"), server("127.0.0.6:80")],
        )])
    };
    let mut world = World::new(both(false));
    assert_eq!(world.pool().len(), 2, "until the session reports");
    world.news();
    world.session(false);
    let news = world.news();
    assert_eq!(
        news[..2],
        [
            "BFD check of [B] RS([127.0.0.5]:tcp:80) is DOWN",
            "Removing service [127.0.0.5]:tcp:80 from VS [10.0.0.2]:tcp:80",
        ]
    );
    assert_eq!(world.pool(), []);
    world.session(true);
    assert_eq!(world.news()[0], "BFD check of [B] RS([127.0.0.5]:tcp:80) is UP");
    assert_eq!(world.pool().len(), 2);
    let mut world = World::new(both(true));
    assert_eq!(world.pool().len(), 0);
    world.session(true);
    assert_eq!(world.pool().len(), 2);
}

/// A file that changes while its checker rests changes nothing then, and is minded as soon as the checker wakes.
///
/// LVS facts: 7.1
#[test]
fn what_a_follower_slept_through_it_hears_when_it_wakes() {
    let mut all = following(file(3));
    all.services[0].ha_suspend = true;
    let mut world = World::new(CheckConfig::default());
    world.engine = Engine::knowing(world.now, all.clone(), 1, BTreeSet::new(), Reports::default());
    world.drain();
    world.file(2);
    assert_eq!(world.pool(), [("5".to_owned(), 1)], "it rests");
    world.engine.reload(world.now, all.clone());
    world.drain();
    assert_eq!(
        world.pool(),
        [("5".to_owned(), 1)],
        "and a reload does not wake it"
    );
    world.tell(Event::Addresses(["10.0.0.2".parse().unwrap()].into()));
    assert_eq!(world.pool(), [("5".to_owned(), 7)]);

    world.tell(Event::Addresses(BTreeSet::new()));
    world.file(1);
    assert_eq!(world.pool(), [("5".to_owned(), 7)]);
    all.services[0].ha_suspend = false;
    world.engine.reload(world.now, all);
    world.drain();
    assert_eq!(world.pool(), [("5".to_owned(), 4)], "woken by a reload");
}
