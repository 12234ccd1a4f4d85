//! Stories, told as keepalived tells them: most lines and orders below are from a log of keepalived 2.2.7.

use super::*;
use crate::ipvs::config::FlushOnStop;

fn pool(pairs: &[(&str, u32)]) -> Vec<(String, u32)> {
    pairs
        .iter()
        .map(|(name, weight)| ((*name).into(), *weight))
        .collect()
}

fn two_kinds() -> CheckConfig {
    let mut web2 = real_server("127.0.0.2:8080", vec![tcp("127.0.0.2:8080")]);
    web2.weight = 2;
    let mut web3 = real_server("127.0.0.3:8080", vec![http("127.0.0.3:8080", &["/a"])]);
    web3.inhibit_on_failure = true;
    web3.checkers[0].retry = 2;
    let mut vs = service("10.0.0.1:80", vec![web2, web3]);
    vs.sorry_server = sorry("127.0.0.9:80", false);
    config(vec![vs])
}

fn one(checkers: Vec<CheckerConfig>) -> CheckConfig {
    config(vec![service(
        "10.0.0.2:80",
        vec![real_server("127.0.0.5:80", checkers)],
    )])
}

/// LVS facts: 5.2, 6.2, 6.3, 9.1
#[test]
fn a_pool_loses_all_and_comes_back_as_keepalived_has_it() {
    let mut world = World::new(two_kinds());
    assert_eq!(
        world.news(),
        [
            "Gained quorum 1+0=1 <= 3 for VS [10.0.0.1]:tcp:80",
            "run quorum up",
            "Activating healthchecker for service [127.0.0.2]:tcp:8080 for VS [10.0.0.1]:tcp:80",
            "Activating healthchecker for service [127.0.0.3]:tcp:8080 for VS [10.0.0.1]:tcp:80",
        ]
    );
    assert_eq!(
        world.pool(),
        pool(&[("2", 2), ("3", 1)]),
        "both serve before they were ever asked"
    );
    world.seconds(1);
    assert_eq!(
        world.news(),
        [
            "TCP connection to [127.0.0.2]:tcp:8080 success.",
            "Remote Web server [127.0.0.3]:tcp:8080 succeed on service.",
        ]
    );

    world.answer("127.0.0.2:8080", 0, refused());
    world.seconds(4);
    assert_eq!(
        world.news(),
        [
            "TCP_CHECK on service [127.0.0.2]:tcp:8080 failed after 1 retries.",
            "Removing service [127.0.0.2]:tcp:8080 from VS [10.0.0.1]:tcp:80",
            "run down 127.0.0.2:8080",
        ]
    );
    assert_eq!(world.pool(), pool(&[("3", 1)]));

    world.answer("127.0.0.3:8080", 0, status(500));
    world.seconds(6);
    assert_eq!(
        world.news(),
        [
            "HTTP_CHECK on service [127.0.0.3]:tcp:8080 failed after 2 retries.",
            "Disabling service [127.0.0.3]:tcp:8080 of VS [10.0.0.1]:tcp:80",
            "run down 127.0.0.3:8080",
            "Lost quorum 1-0=1 > 0 for VS [10.0.0.1]:tcp:80",
            "Adding sorry server [127.0.0.9]:tcp:80 to VS [10.0.0.1]:tcp:80",
            "Removing alive servers from the pool for VS [10.0.0.1]:tcp:80",
            "run quorum down",
        ]
    );
    assert_eq!(world.pool(), pool(&[("3", 0), ("9", 1)]));

    // The first success only ends the waiting for the url; a complete pass brings the server back.
    world.answer("127.0.0.3:8080", 0, ProbeOutcome::OK);
    world.seconds(4);
    assert_eq!(
        world.news(),
        [
            "HTTP status code success to [127.0.0.3]:tcp:8080 url(/a)",
            "HTTP status code success to [127.0.0.3]:tcp:8080 url(/a)",
            "Remote Web server [127.0.0.3]:tcp:8080 succeed on service.",
            "Enabling service [127.0.0.3]:tcp:8080 of VS [10.0.0.1]:tcp:80",
            "run up 127.0.0.3:8080",
            "Gained quorum 1+0=1 <= 1 for VS [10.0.0.1]:tcp:80",
            "Removing sorry server [127.0.0.9]:tcp:80 from VS [10.0.0.1]:tcp:80",
            "Adding alive servers to the pool for VS [10.0.0.1]:tcp:80",
            "run quorum up",
        ]
    );
    assert_eq!(world.pool(), pool(&[("3", 1)]));

    world.answer("127.0.0.2:8080", 0, ProbeOutcome::OK);
    world.seconds(2);
    assert_eq!(
        world.news(),
        [
            "TCP connection to [127.0.0.2]:tcp:8080 success.",
            "Adding service [127.0.0.2]:tcp:8080 to VS [10.0.0.1]:tcp:80",
            "run up 127.0.0.2:8080",
        ]
    );
    assert_eq!(world.pool(), pool(&[("2", 2), ("3", 1)]));
}

/// LVS facts: 11.1, 11.3
#[test]
fn a_dynamic_script_sets_the_weight_as_keepalived_has_it() {
    let mut rs = real_server("127.0.0.6:80", vec![misc(true)]);
    rs.weight = 7;
    let mut world = World::new(config(vec![service("10.0.0.3:80", vec![rs])]));
    world.answer("/usr/bin/check", 0, exit(0));
    world.seconds(1);
    assert_eq!(
        world.news().last().unwrap(),
        "Misc check for [[127.0.0.6]:tcp:80 VS [10.0.0.3]:tcp:80] by [/usr/bin/check] succeeded."
    );
    world.answer("/usr/bin/check", 0, exit(5));
    world.seconds(4);
    assert_eq!(
        world.news(),
        ["Changing weight from 7 to 3 for active service [127.0.0.6]:tcp:80 of VS [10.0.0.3]:tcp:80"]
    );
    assert_eq!(world.pool(), pool(&[("6", 3)]));
    world.answer("/usr/bin/check", 0, exit(1));
    world.seconds(3);
    assert_eq!(
        world.news(),
        [
            "Misc check for [[127.0.0.6]:tcp:80 VS [10.0.0.3]:tcp:80] by [/usr/bin/check] failed after 1 retry \
             (exited with status 1).",
            "Removing service [127.0.0.6]:tcp:80 from VS [10.0.0.3]:tcp:80",
            "run down 127.0.0.6:80",
            "Lost quorum 1-0=1 > 0 for VS [10.0.0.3]:tcp:80",
            "run quorum down",
        ]
    );
    assert_eq!(world.pool(), []);
    world.answer("/usr/bin/check", 0, exit(2));
    world.seconds(2);
    assert_eq!(
        world.news(),
        [
            "Changing weight from 7 to 0 for inactive service [127.0.0.6]:tcp:80 of VS [10.0.0.3]:tcp:80",
            "Misc check for [[127.0.0.6]:tcp:80 VS [10.0.0.3]:tcp:80] by [/usr/bin/check] succeeded.",
            "Adding service [127.0.0.6]:tcp:80 to VS [10.0.0.3]:tcp:80",
            "run up 127.0.0.6:80",
        ]
    );
    assert_eq!(world.pool(), pool(&[("6", 0)]));
    world.answer("/usr/bin/check", 0, exit(0));
    world.seconds(2);
    assert_eq!(
        world.news(),
        [
            "Changing weight from 0 to 7 for active service [127.0.0.6]:tcp:80 of VS [10.0.0.3]:tcp:80",
            "Gained quorum 1+0=1 <= 7 for VS [10.0.0.3]:tcp:80",
            "run quorum up",
        ]
    );
    assert_eq!(world.pool(), pool(&[("6", 7)]));
}

/// LVS facts: 11.2
#[test]
fn the_same_status_again_changes_nothing() {
    let mut rs = real_server("127.0.0.6:80", vec![misc(true)]);
    rs.weight = 7;
    let mut world = World::new(config(vec![service("10.0.0.3:80", vec![rs])]));
    world.answer("/usr/bin/check", 0, exit(5));
    world.seconds(2);
    assert_eq!(world.pool(), pool(&[("6", 3)]));
    world.news();
    let asked = world.asked.len();
    world.seconds(20);
    assert!(world.asked.len() > asked + 5);
    assert_eq!(world.news(), [""; 0]);
    assert_eq!(world.pool(), pool(&[("6", 3)]));
}

/// LVS facts: 4.4, 4.11
#[test]
fn an_alpha_server_waits_for_its_first_success() {
    let mut alpha = one(vec![tcp("127.0.0.5:80")]);
    alpha.services[0].real_servers[0].checkers[0].alpha = true;
    let mut world = World::new(alpha.clone());
    assert_eq!(world.pool(), []);
    assert_eq!(
        world.news().len(),
        1,
        "no quorum, no sorry server: only the checker's line"
    );
    world.answer("127.0.0.5:80", 0, refused());
    world.seconds(1);
    assert_eq!(
        world.news(),
        [
            "TCP_CHECK on service [127.0.0.5]:tcp:80 failed.",
            "run down 127.0.0.5:80"
        ],
        "told once although nothing changed"
    );
    world.seconds(6);
    assert_eq!(world.news(), [""; 0]);
    world.answer("127.0.0.5:80", 0, ProbeOutcome::OK);
    world.seconds(2);
    assert_eq!(world.pool(), pool(&[("5", 1)]));
    assert_eq!(
        world.news()[..2],
        [
            "TCP connection to [127.0.0.5]:tcp:80 success.",
            "Adding service [127.0.0.5]:tcp:80 to VS [10.0.0.2]:tcp:80",
        ]
    );

    alpha.services[0].real_servers[0].inhibit_on_failure = true;
    assert_eq!(
        World::new(alpha).pool(),
        pool(&[("5", 0)]),
        "inhibited: there with weight 0"
    );
}

/// LVS facts: 4.11
#[test]
fn an_alpha_web_server_says_nothing_at_its_first_failure() {
    let mut alpha = one(vec![http("127.0.0.5:80", &["/"])]);
    alpha.services[0].real_servers[0].checkers[0].alpha = true;
    let mut world = World::new(alpha);
    world.news();
    world.answer("127.0.0.5:80", 0, refused());
    world.seconds(5);
    assert_eq!(world.news(), [""; 0]);
}

/// LVS facts: 4.8
#[test]
fn too_little_at_the_start_brings_the_sorry_server() {
    let mut little = one(vec![]);
    little.services[0].quorum = 2;
    little.services[0].hysteresis = 1;
    little.services[0].sorry_server = sorry("127.0.0.9:80", true);
    let mut world = World::new(little);
    assert_eq!(
        world.news(),
        [
            "Starting with quorum down 2-1=3 > 1 for VS [10.0.0.2]:tcp:80",
            "Enabling sorry server [127.0.0.9]:tcp:80 to VS [10.0.0.2]:tcp:80",
            "Removing alive servers from the pool for VS [10.0.0.2]:tcp:80",
            "run quorum down",
        ]
    );
    assert_eq!(world.pool(), pool(&[("9", 1)]));
}

/// LVS facts: 4.9
#[test]
fn the_first_failure_of_all_is_not_forgiven() {
    for (mut checker, whom) in [
        (tcp("127.0.0.5:80"), "127.0.0.5:80"),
        (http("127.0.0.5:80", &["/"]), "127.0.0.5:80"),
        (misc(false), "/usr/bin/check"),
    ] {
        checker.retry = 3;
        let mut world = World::new(one(vec![checker]));
        world.answer(whom, 0, ProbeOutcome::Failure(Reason::Exited(1)));
        world.seconds(1);
        assert_eq!(world.pool(), [], "{whom}");
    }
}

/// LVS facts: 8.1, 8.2
#[test]
fn attempts_come_at_the_times_of_the_configuration() {
    let times = |world: &World| world.asked.iter().map(|(tenths, _)| *tenths).collect::<Vec<_>>();
    let mut checker = tcp("127.0.0.5:80");
    checker.delay_loop = Duration::from_secs(6);
    checker.delay_before_retry = Duration::from_millis(1500);
    checker.retry = 2;
    let mut world = World::new(one(vec![checker]));
    world.seconds(2);
    world.answer("127.0.0.5:80", 0, refused());
    world.seconds(18);
    assert_eq!(
        times(&world),
        [10, 70, 85, 100, 160],
        "retries at 8.5 and 10, then every 6"
    );

    let mut web = http("127.0.0.5:80", &["/a"]);
    web.delay_before_retry = Duration::from_secs(3);
    let mut world = World::new(one(vec![web]));
    world.seconds(2);
    world.answer("127.0.0.5:80", 0, refused());
    world.seconds(12);
    assert_eq!(
        times(&world),
        [10, 30, 60, 90, 120],
        "down: the longer of delay_loop and delay_before_retry"
    );
}

/// LVS facts: 11.5
#[test]
fn a_script_keeps_its_rhythm_from_start_to_start() {
    let mut world = World::new(one(vec![misc(false)]));
    let order = |world: &mut World| {
        let due = world.engine.next_deadline().unwrap();
        world.now = world.now.max(due);
        world.engine.handle_timeout(world.now);
        world.drain();
        (due.as_micros() / 100_000, world.in_flight.pop().unwrap())
    };
    let (at, first) = order(&mut world);
    assert_eq!(at, 10);
    world.now += Duration::from_millis(500);
    world.reply(&first, exit(0));
    let (at, second) = order(&mut world);
    assert_eq!(at, 30, "2 s after the start of the first");
    assert_eq!(world.engine.next_deadline(), None, "runs never overlap");
    world.now += Duration::from_secs(5);
    world.reply(&second, exit(0));
    assert_eq!(order(&mut world).0, 80, "late: at once");
}

/// LVS facts: 10.11, 10.12, 10.13
#[test]
fn several_urls_are_asked_one_a_cycle() {
    let mut world = World::new(one(vec![http("127.0.0.4:80", &["/a", "/b", "/c"])]));
    world.news();
    world.seconds(5);
    assert_eq!(world.asked, [(10, 0), (30, 1), (50, 2)]);
    assert_eq!(
        world.news(),
        ["Remote Web server [127.0.0.5]:tcp:80 succeed on service."],
        "a full pass"
    );
    world.answer("127.0.0.4:80", 1, status(500));
    world.seconds(7);
    assert_eq!(
        world.asked[3..],
        [(70, 0), (90, 1), (100, 1), (120, 1)],
        "only the failed url"
    );
    assert_eq!(world.pool(), []);
    world.answer("127.0.0.4:80", 1, ProbeOutcome::OK);
    world.news();
    world.seconds(8);
    assert_eq!(world.asked[7..], [(140, 1), (160, 0), (180, 1), (200, 2)]);
    assert_eq!(
        world.news()[..5],
        [
            "HTTP status code success to [127.0.0.5]:tcp:80 url(/b)",
            "HTTP status code success to [127.0.0.5]:tcp:80 url(/a)",
            "HTTP status code success to [127.0.0.5]:tcp:80 url(/b)",
            "HTTP status code success to [127.0.0.5]:tcp:80 url(/c)",
            "Remote Web server [127.0.0.5]:tcp:80 succeed on service.",
        ]
    );
    assert_eq!(world.pool(), pool(&[("5", 1)]));
}

/// LVS facts: 10.14
#[test]
fn fast_recovery_does_not_wait_between_urls() {
    let mut checker = http("127.0.0.4:80", &["/a", "/b"]);
    if let ProbeConfig::Http(http) = Arc::make_mut(&mut checker.probe) {
        http.fast_recovery = true;
    }
    let mut world = World::new(one(vec![checker]));
    world.seconds(1);
    assert_eq!(world.asked, [(10, 0), (10, 1)], "the first pass");
    world.answer("127.0.0.4:80", 0, status(500));
    world.seconds(3);
    assert_eq!(world.asked[2..], [(30, 0), (40, 0)], "down");
    world.answer("127.0.0.4:80", 0, ProbeOutcome::OK);
    world.seconds(5);
    assert_eq!(
        world.asked[4..],
        [(60, 0), (60, 0), (60, 1), (80, 0)],
        "and up again"
    );
}

/// LVS facts: 9.2
#[test]
fn a_local_mishap_is_no_verdict() {
    let mut world = World::new(one(vec![tcp("127.0.0.5:80")]));
    world.news();
    world.answer(
        "127.0.0.5:80",
        0,
        ProbeOutcome::Failure(Reason::Socket("Too many open files".into())),
    );
    world.seconds(60);
    assert_eq!(world.pool(), pool(&[("5", 1)]));
    let news = world.news();
    assert_eq!(news.len(), 30);
    assert!(
        news.iter()
            .all(|line| line == "TCP socket bind failed. Rescheduling.")
    );
    assert_eq!(world.asked.len(), 30, "still asked every 2 s");
}

#[test]
fn a_crashed_probe_counts_as_failure_and_is_told() {
    let mut world = World::new(one(vec![tcp("127.0.0.5:80")]));
    world.news();
    world.answer("127.0.0.5:80", 0, ProbeOutcome::Failure(Reason::Panicked));
    world.seconds(1);
    assert_eq!(
        world.news()[..2],
        [
            "TCP_CHECK of [127.0.0.5]:tcp:80 for VS [10.0.0.2]:tcp:80: the check itself crashed; \
             it counts as a failure",
            "TCP_CHECK on service [127.0.0.5]:tcp:80 failed.",
        ]
    );
}

/// LVS facts: 5.1, 19.3
#[test]
fn a_server_is_up_only_when_all_its_checkers_are() {
    let mut world = World::new(one(vec![tcp("127.0.0.5:80"), tcp("127.0.0.5:81")]));
    world.answer("127.0.0.5:80", 0, refused());
    world.answer("127.0.0.5:81", 0, refused());
    world.seconds(2);
    assert_eq!(
        world
            .news()
            .iter()
            .filter(|line| line.starts_with("Removing"))
            .count(),
        1
    );
    world.answer("127.0.0.5:80", 0, ProbeOutcome::OK);
    world.seconds(2);
    assert_eq!(world.pool(), []);
    world.answer("127.0.0.5:81", 0, ProbeOutcome::OK);
    world.seconds(2);
    assert_eq!(world.pool(), pool(&[("5", 1)]));
}

/// The lines of a checker that fails, is down, and fails on, from its start and after a success.
fn failures_told(mut checker: CheckerConfig, whom: &str, outcome: ProbeOutcome) -> Vec<Vec<String>> {
    checker.log_all_failures = true;
    checker.retry = 2;
    [0, 1]
        .map(|good| {
            let mut world = World::new(one(vec![checker.clone()]));
            world.seconds(good);
            world.news();
            world.answer(whom, 0, outcome.clone());
            world.seconds(12);
            let mut lines = world.news();
            let end = lines
                .iter()
                .position(|line| line.starts_with("Removing"))
                .unwrap();
            let later = lines.split_off(end);
            assert!(
                !later.iter().any(|line| line.contains("failed")),
                "down, and silent: {later:?}"
            );
            let short = |line: String| {
                line.replace("Misc check for [[127.0.0.5]:tcp:80 VS [10.0.0.2]:tcp:80] by ", "")
            };
            lines.into_iter().map(short).collect()
        })
        .into()
}

/// LVS facts: 8.5, 9.1, 9.3, 10.15, 11.6
#[test]
fn with_log_all_failures_attempts_are_told_as_keepalived_tells_them() {
    assert_eq!(
        failures_told(misc(false), "/usr/bin/check", exit(1)),
        [
            vec!["[/usr/bin/check] failed after 2 retries (exited with status 1)."],
            vec![
                "[/usr/bin/check] failed, will do 2 retries (exited with status 1).",
                "[/usr/bin/check] failed on retry 1/2 (exited with status 1).",
                "[/usr/bin/check] failed after 2 retries (exited with status 1).",
            ]
        ]
    );
    let failed = "TCP connection to [127.0.0.5]:tcp:80 failed.";
    assert_eq!(
        failures_told(tcp("127.0.0.5:80"), "127.0.0.5:80", refused()),
        [
            vec![failed, "TCP_CHECK on service [127.0.0.5]:tcp:80 failed."],
            vec![
                failed,
                failed,
                failed,
                "TCP_CHECK on service [127.0.0.5]:tcp:80 failed after 2 retries."
            ],
        ]
    );
    let failed = "Connection failed server [127.0.0.5]:tcp:80.";
    let down = "HTTP_CHECK on service [127.0.0.5]:tcp:80 failed after 2 retries.";
    assert_eq!(
        failures_told(http("127.0.0.5:80", &["/"]), "127.0.0.5:80", refused()),
        [vec![failed, down], vec![failed, failed, failed, down]]
    );
}

/// LVS facts: 11.6
#[test]
fn a_script_that_is_ended_is_told_with_its_stage() {
    let told = |retry, reason| {
        let mut checker = misc(false);
        checker.retry = retry;
        let mut world = World::new(one(vec![checker]));
        world.news();
        world.answer("/usr/bin/check", 0, ProbeOutcome::Failure(reason));
        world.seconds(1);
        world
            .news()
            .remove(0)
            .split_once("[/usr/bin/check] ")
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(told(1, Reason::ScriptTimedOut), "timed out after 1 retry.");
    assert_eq!(
        told(0, Reason::Signalled(9)),
        "failed with retry disabled (due to signal 9)."
    );
    assert_eq!(
        told(0, Reason::NotStarted),
        "failed with retry disabled (could not be started)."
    );
}

/// LVS facts: 17.1, 17.3
#[test]
fn stop_removes_and_omega_tells() {
    let mut vs = two_kinds().services.remove(0);
    vs.omega = true;
    let mut world = World::new(config(vec![vs.clone()]));
    world.answer("127.0.0.3:8080", 0, refused());
    world.seconds(1);
    world.news();
    world.engine.stop(true, FlushOnStop::No);
    world.drain();
    assert_eq!(
        world.news(),
        [
            "Shutting down service [127.0.0.2]:tcp:8080 from VS [10.0.0.1]:tcp:80",
            "Shutting down (inhibited) service [127.0.0.3]:tcp:8080 from VS [10.0.0.1]:tcp:80",
            "run down 127.0.0.2:8080",
            "run quorum down",
        ]
    );
    assert_eq!(world.table, Table::default());
    assert_eq!(world.engine.next_deadline(), None);

    let mut world = World::new(config(vec![vs]));
    world.news();
    let before = world.table.clone();
    world.engine.stop(false, FlushOnStop::No);
    world.drain();
    assert_eq!(
        (world.news(), &world.table),
        (vec![], &before),
        "-I: nothing at all"
    );
}

/// LVS facts: 16.2, 16.5, 16.6, 16.11
#[test]
fn a_reload_keeps_what_stays() {
    let mut world = World::new(two_kinds());
    world.answer("127.0.0.2:8080", 0, refused());
    world.seconds(3);
    world.news();
    let asked = world.asked.len();
    world.engine.reload(world.now, two_kinds());
    world.drain();
    assert_eq!(world.news(), [""; 0], "nothing changes");
    assert_eq!(world.pool(), pool(&[("3", 1)]), "what is down stays down");
    world.seconds(2);
    assert!(world.asked.len() > asked);

    // Another weight, another server, one server less.
    let mut other = two_kinds();
    other.services[0].real_servers[0].weight = 5;
    other.services[0].real_servers.remove(1);
    other.services[0]
        .real_servers
        .push(real_server("127.0.0.4:80", vec![tcp("127.0.0.4:80")]));
    world.engine.reload(world.now, other);
    world.drain();
    assert_eq!(world.pool(), pool(&[("4", 1)]));
    assert_eq!(
        world.news(),
        [
            "service [127.0.0.3]:tcp:8080 no longer exist",
            "Removing service [127.0.0.3]:tcp:8080 from VS [10.0.0.1]:tcp:80",
            "run down 127.0.0.3:8080",
            "Changing weight from 2 to 5 for inactive service [127.0.0.2]:tcp:8080 of VS [10.0.0.1]:tcp:80",
            "Activating healthchecker for service [127.0.0.4]:tcp:80 for VS [10.0.0.1]:tcp:80",
        ]
    );

    world.engine.reload(world.now, CheckConfig::default());
    world.drain();
    assert_eq!(world.table, Table::default());
    assert_eq!(
        world.news(),
        [
            "Removing Virtual Server [10.0.0.1]:tcp:80",
            "Removing service [127.0.0.4]:tcp:80 from VS [10.0.0.1]:tcp:80",
            "run down 127.0.0.4:80",
            "run quorum down"
        ]
    );
}

#[test]
fn an_answer_to_a_checker_that_is_gone_changes_nothing() {
    let mut world = World::new(two_kinds());
    world.now += Duration::from_secs(1);
    world.engine.handle_timeout(world.now);
    world.drain();
    let order = world.in_flight.pop().unwrap();
    let mut other = two_kinds();
    for rs in &mut other.services[0].real_servers {
        rs.checkers = vec![tcp("127.0.0.77:1")];
    }
    world.engine.reload(world.now, other);
    world.drain();
    let before = world.table.clone();
    world.news();
    world.reply(&order, refused());
    assert_eq!((world.news(), &world.table), (vec![], &before));
}

/// LVS facts: 4.2
#[test]
fn warmup_spreads_the_first_checks_the_same_way_every_time() {
    let mut checker = tcp("127.0.0.5:80");
    checker.warmup = Duration::from_secs(60);
    let servers = (1..=200)
        .map(|n| real_server(&format!("127.0.0.{n}:80"), vec![checker.clone()]))
        .collect();
    let all = config(vec![service("10.0.0.2:80", servers)]);
    let firsts = |seed| {
        let engine = Engine::new(Instant::from_micros(0), all.clone(), seed);
        engine
            .agenda
            .iter()
            .map(|(due, _)| due.as_micros())
            .collect::<Vec<_>>()
    };
    let (one, two) = (firsts(1), firsts(2));
    assert_eq!(one, firsts(1));
    assert_ne!(one, two);
    for times in [one, two] {
        assert!(
            times
                .iter()
                .all(|micros| (1_000_000..=61_000_000).contains(micros))
        );
        let halves = times.iter().filter(|micros| **micros < 31_000_000).count();
        assert!((70..=130).contains(&halves), "{halves} of 200 in the first half");
    }
}
