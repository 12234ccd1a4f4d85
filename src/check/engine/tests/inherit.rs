//! A start that knows what an earlier run has found out.

use super::*;
use crate::check::follow::Reports;
use crate::check::verdict::{ServiceVerdicts, Verdicts, identity};

/// Three servers: tests of TCP, a script that says what it weighs, and one that nobody tests.
fn three() -> CheckConfig {
    let mut web = service(
        "10.0.0.2:80",
        vec![
            real_server("127.0.0.1:80", vec![tcp("127.0.0.1:80")]),
            real_server("127.0.0.2:80", vec![tcp("127.0.0.2:80"), misc(true)]),
            real_server("127.0.0.3:80", vec![]),
        ],
    );
    web.quorum = 2;
    web.hysteresis = 1;
    config(vec![web])
}

/// A run in which 1 has failed and 2 weighs 5.
fn earlier() -> World {
    let mut world = World::new(three());
    world.answer("127.0.0.1:80", 0, refused());
    world.answer("/usr/bin/check", 0, exit(7));
    world.seconds(10);
    assert_eq!(world.pool(), [("2".into(), 5), ("3".into(), 1)]);
    world
}

/// The next one, so long afterwards.
fn next(config: CheckConfig, left: Vec<ServiceVerdicts>, now: Instant) -> World {
    let mut world = World::new(CheckConfig::default());
    let reports = Reports {
        verdicts: Verdicts::new(left),
        ..Reports::default()
    };
    world.now = now;
    world.engine = Engine::knowing(now, config, 1, BTreeSet::new(), reports);
    world.answer("127.0.0.1:80", 0, refused());
    world.answer("/usr/bin/check", 0, exit(7));
    world.drain();
    world
}

#[test]
fn the_table_is_the_same_and_nobody_is_told() {
    let before = earlier();
    let later = before.now + Duration::from_secs(5);
    let mut world = next(three(), before.engine.verdicts(), later);
    assert_eq!(world.table, before.table);
    assert_eq!(world.news(), ["Taking over 3 of 3 verdicts of the previous run"]);
    world.seconds(1);
    assert_eq!(world.asked.len(), 3, "asked as soon as ever");
    world.seconds(10);
    assert_eq!(world.table, before.table);
    assert_eq!(world.news(), [""; 0]);
    world.answer("127.0.0.1:80", 0, ProbeOutcome::OK);
    world.seconds(4);
    assert!(
        world.news().contains(&"run up 127.0.0.1:80".into()),
        "a change is told"
    );
}

/// The last forgiven failure is not forgiven again.
#[test]
fn failures_count_on() {
    let mut before = World::new(three());
    before.seconds(4);
    before.answer("127.0.0.1:80", 0, refused());
    before.run_for(Duration::from_millis(1_500));
    let left = before.engine.verdicts();
    assert_eq!(left[0].servers[0].1[0].failures, 1);
    let mut world = next(three(), left, before.now);
    world.seconds(2);
    assert_eq!(world.pool().len(), 2, "{:#?}", world.news());
}

#[test]
fn what_is_old_or_another_question_is_not_believed() {
    let left = earlier().engine.verdicts();
    let now = Instant::from_micros(0) + Duration::from_secs(9);
    for (seconds, believed) in [(29, 3), (32, 0)] {
        let mut world = next(three(), left.clone(), now + Duration::from_secs(seconds));
        let line = format!("Taking over {believed} of 3 verdicts of the previous run");
        assert!(world.news().contains(&line), "{seconds}");
        let servers = if believed == 0 { 3 } else { 2 };
        assert_eq!(world.pool().len(), servers, "{seconds}");
    }
    // Three rounds are longer than that.
    let mut slow = three();
    for rs in &mut slow.services[0].real_servers {
        for checker in &mut rs.checkers {
            checker.delay_loop = Duration::from_secs(20);
        }
    }
    let mut world = next(slow, left.clone(), now + Duration::from_secs(55));
    assert!(world.news()[0].starts_with("Taking over 3 of 3"));
    // Another port is asked, or another server, or for another service.
    let mut other = three();
    other.services[0].real_servers[0].checkers = vec![tcp("127.0.0.1:81")];
    let mut world = next(other, left.clone(), now);
    let news = world.news();
    assert!(news.contains(&"Taking over 2 of 3 verdicts of the previous run".into()));
    assert!(
        news.contains(&"run quorum up".into()),
        "its quorum begins anew: {news:?}"
    );
    let mut world = next(
        config(vec![service(
            "10.0.0.9:80",
            three().services[0].real_servers.clone(),
        )]),
        left,
        now,
    );
    assert!(
        world
            .news()
            .contains(&"Taking over 0 of 3 verdicts of the previous run".into())
    );
}

/// A quorum that was lost and has not been gained again by the hysteresis is not gained by a restart.
#[test]
fn a_quorum_is_as_it_was() {
    let of = |quorum_up| {
        let mut left = earlier().engine.verdicts();
        left[0].quorum_up = quorum_up;
        let mut config = three();
        config.services[0].sorry_server = sorry("127.0.0.9:80", false);
        config.services[0].quorum = 6;
        next(config, left, Instant::from_micros(0) + Duration::from_secs(9))
    };
    // The weight is 6, and 7 would be needed.
    assert_eq!(of(false).pool(), [("9".into(), 1)]);
    assert_eq!(of(true).pool(), [("2".into(), 5), ("3".into(), 1)]);
}

#[test]
fn changes_are_known_without_a_look_at_everything() {
    let mut world = earlier();
    assert!(world.engine.take_changed());
    world.seconds(10);
    assert!(!world.engine.take_changed(), "the same answers");
    world.answer("127.0.0.1:80", 0, ProbeOutcome::OK);
    world.seconds(3);
    assert!(world.engine.take_changed());
    world.engine.reload(world.now, three());
    assert!(world.engine.take_changed());
}

#[test]
fn the_number_of_a_question_is_for_what_is_asked() {
    let of = |checker: CheckerConfig| identity(&checker.probe);
    assert_eq!(of(tcp("127.0.0.1:80")), of(tcp("127.0.0.1:80")));
    assert_ne!(of(tcp("127.0.0.1:80")), of(tcp("127.0.0.1:81")));
    assert_ne!(of(misc(false)), of(misc(true)));
    let limit = |seconds| {
        let CheckerConfig { probe, .. } = misc(false);
        let ProbeConfig::Misc(mut script) = (*probe).clone() else {
            panic!()
        };
        script.timeout = Duration::from_secs(seconds);
        identity(&ProbeConfig::Misc(script))
    };
    assert_eq!(limit(1), limit(2), "as at a reload");
}

/// A web server is asked for the url that had failed, and for no other before it works; forgiven failures are of the url that they
/// were of.
/// LVS facts: 10.13
#[test]
fn the_url_that_has_failed_is_waited_for() {
    const WEB: &str = "127.0.0.5:80";
    let web = || {
        let server = real_server(WEB, vec![http(WEB, &["/a", "/b", "/c"])]);
        config(vec![service("10.0.0.5:80", vec![server])])
    };
    let begun = |bad: usize, now: Instant, left: Vec<ServiceVerdicts>| {
        let mut world = World::new(CheckConfig::default());
        let reports = Reports {
            verdicts: Verdicts::new(left),
            ..Reports::default()
        };
        world.now = now;
        world.engine = Engine::knowing(now, web(), 1, BTreeSet::new(), reports);
        world.answer(WEB, bad, refused());
        world.drain();
        world
    };
    let urls = |world: &World| world.asked.iter().map(|(_, url)| *url).collect::<Vec<_>>();

    let mut before = World::new(web());
    before.seconds(7);
    before.answer(WEB, 1, refused());
    before.engine.take_changed();
    // Until it is down and the url alone is asked.
    while !before.engine.verdicts()[0].servers[0].1[0].url_failed {
        before.seconds(1);
    }
    assert!(before.engine.take_changed(), "worth being written");
    let mut world = begun(1, before.now, before.engine.verdicts());
    world.seconds(10);
    let asked = urls(&world);
    assert!(asked.len() > 2 && asked.iter().all(|url| *url == 1), "{asked:?}");
    world.answer(WEB, 1, ProbeOutcome::OK);
    world.seconds(12);
    let asked = urls(&world);
    let last = &asked[asked.len() - 4..];
    assert!(
        last.contains(&0) && last.contains(&1) && last.contains(&2),
        "{asked:?}"
    );
    assert_eq!(world.pool().len(), 1);

    // One failure of a url was forgiven: it is no failure of another one.
    let mut before = World::new(web());
    before.seconds(7);
    before.answer(WEB, 2, refused());
    while before.engine.verdicts()[0].servers[0].1[0].failures == 0 {
        before.run_for(Duration::from_millis(100));
    }
    let mut world = begun(0, before.now, before.engine.verdicts());
    world.run_for(Duration::from_millis(1_500));
    assert_eq!(urls(&world)[0], 2);
}
