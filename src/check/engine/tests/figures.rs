//! How often is asked, what is forgiven, and what weights come to.

use super::*;
use crate::check::engine::tests::kinds::{dns, ping, smtp, udp};
use crate::check::follow::Reports;
use crate::ipvs::config::FlushOnStop;

/// The kinds that ask somebody, with whom.
fn kinds() -> Vec<(ProbeConfig, &'static str)> {
    let of = |checker: CheckerConfig| ProbeConfig::clone(&checker.probe);
    let at = "127.0.0.5:80";
    vec![
        (ProbeConfig::Tcp(connection(at)), at),
        (udp(), at),
        (ping(), at),
        (dns(), at),
        (smtp(), at),
        (of(http(at, &["/"])), at),
        (of(misc(false)), "/usr/bin/check"),
    ]
}

/// The only server of the only service, with two retries.
fn world(probe: ProbeConfig) -> World {
    let checker = CheckerConfig {
        probe: probe.into(),
        retry: 2,
        ..tcp("127.0.0.5:80")
    };
    let server = real_server("127.0.0.5:80", vec![checker]);
    World::new(config(vec![service("10.0.0.2:80", vec![server])]))
}

fn failed() -> ProbeOutcome {
    ProbeOutcome::Failure(Reason::AnswerTimedOut)
}

/// Until so many more questions have been answered.
fn questions(world: &mut World, more: usize) {
    let wanted = world.asked.len() + more;
    while world.asked.len() < wanted {
        world.run_for(Duration::from_millis(100));
    }
}

/// Two failures, a success, two failures, and so on, are forgiven for ever; three in a row are not.
///
/// LVS facts: 8.1
#[test]
fn a_success_clears_the_count_of_every_kind() {
    for (probe, whom) in kinds() {
        let mut world = world(probe.clone());
        questions(&mut world, 1);
        for _ in 0..4 {
            world.answer(whom, 0, failed());
            questions(&mut world, 2);
            world.answer(whom, 0, ProbeOutcome::OK);
            questions(&mut world, 1);
            assert_eq!(world.pool().len(), 1, "{probe:?}");
        }
        world.answer(whom, 0, failed());
        questions(&mut world, 2);
        assert_eq!(world.pool().len(), 1, "{probe:?}");
        questions(&mut world, 1);
        assert_eq!(world.pool(), [], "{probe:?}");
    }
}

/// What is logged without `log_all_failures` is the end of it.
///
/// LVS facts: 8.2, 8.5
#[test]
fn once_down_one_success_is_enough_and_only_changes_are_told() {
    for (probe, whom) in kinds() {
        if matches!(probe, ProbeConfig::Smtp(_) | ProbeConfig::Http(_)) {
            continue;
        }
        let mut world = world(probe.clone());
        questions(&mut world, 1);
        world.news();
        world.answer(whom, 0, failed());
        questions(&mut world, 2);
        assert_eq!(world.news(), [""; 0], "{probe:?}: forgiven");
        questions(&mut world, 1);
        assert_eq!(world.pool(), [], "{probe:?}");
        assert!(!world.news().is_empty());
        let before = world.asked.len();
        questions(&mut world, 4);
        let times: Vec<u64> = world.asked[before - 1..]
            .iter()
            .map(|(tenths, _)| *tenths)
            .collect();
        assert!(
            times.windows(2).all(|pair| pair[1] - pair[0] == 20),
            "{probe:?}: {times:?}"
        );
        assert_eq!(world.news(), [""; 0], "{probe:?}: down already");
        world.answer(whom, 0, ProbeOutcome::OK);
        questions(&mut world, 1);
        assert_eq!(world.pool().len(), 1, "{probe:?}");
    }
}

/// SMTP_CHECK tries again while its server is down, too: each round has its retries, since going down clears the count.
///
/// LVS facts: 8.1
#[test]
fn a_mail_server_that_is_down_has_its_retries_in_every_round() {
    let mut world = world(smtp());
    world.answer("127.0.0.5:80", 0, failed());
    questions(&mut world, 9);
    let times: Vec<u64> = world.asked.iter().map(|(tenths, _)| *tenths).collect();
    let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [10, 10, 20, 10, 10, 20, 10, 10]);
}

/// `retry` × (`delay_before_retry` + what an attempt takes), for attempts that take no time.
///
/// LVS facts: 8.4
#[test]
fn a_removal_takes_as_long_as_the_retries() {
    for (probe, whom) in kinds() {
        if matches!(probe, ProbeConfig::Misc(_)) {
            // From start to start (fact 11.5).
            continue;
        }
        let mut world = world(probe.clone());
        questions(&mut world, 1);
        world.answer(whom, 0, failed());
        questions(&mut world, 1);
        let first = world.now;
        while !world.pool().is_empty() {
            world.run_for(Duration::from_millis(100));
        }
        assert_eq!(world.now.since(first).as_millis(), 2000, "{probe:?}");
    }
}

/// LVS facts: 9.3, 10.13
#[test]
fn a_connection_that_times_out_and_a_page_under_tls_have_their_own_words() {
    let told = |probe: ProbeConfig| {
        let checker = CheckerConfig {
            probe: probe.into(),
            log_all_failures: true,
            ..tcp("127.0.0.5:80")
        };
        let server = real_server("127.0.0.5:80", vec![checker]);
        let mut world = World::new(config(vec![service("10.0.0.2:80", vec![server])]));
        questions(&mut world, 1);
        world.news();
        world.answer("127.0.0.5:80", 0, ProbeOutcome::Failure(Reason::ConnectTimedOut));
        questions(&mut world, 2);
        world.news()[..3].to_vec()
    };
    assert_eq!(
        told(ProbeConfig::Tcp(connection("127.0.0.5:80"))),
        [
            "TCP connection to [127.0.0.5]:tcp:80 timeout.",
            "TCP connection to [127.0.0.5]:tcp:80 timeout.",
            "TCP_CHECK on service [127.0.0.5]:tcp:80 failed after 1 retries.",
        ]
    );
    let ProbeConfig::Http(mut page) = ProbeConfig::clone(&http("127.0.0.5:80", &["/"]).probe) else {
        panic!()
    };
    page.tls = Some(TlsConfig::default());
    assert_eq!(
        told(ProbeConfig::Http(page))[2],
        "SSL_CHECK on service [127.0.0.5]:tcp:80 failed after 1 retries."
    );
}

/// LVS facts: 11.5
#[test]
fn a_script_s_retries_count_from_its_start_too() {
    let mut checker = misc(false);
    checker.retry = 2;
    checker.delay_loop = Duration::from_secs(9);
    checker.delay_before_retry = Duration::from_secs(4);
    let server = real_server("127.0.0.5:80", vec![checker]);
    let mut world = World::new(config(vec![service("10.0.0.2:80", vec![server])]));
    questions(&mut world, 1);
    let mut starts = Vec::new();
    for _ in 0..3 {
        let due = world.engine.next_deadline().unwrap();
        world.now = due;
        world.engine.handle_timeout(due);
        world.drain();
        starts.push(due.as_micros() / 1_000_000);
        world.now += Duration::from_secs(1);
        let order = world.in_flight.pop().unwrap();
        world.reply(&order, exit(1));
    }
    assert_eq!(starts, [10, 14, 18]);
}

/// Every server is told of, whether it is there or not, and a quorum that is down already is told of again.
///
/// LVS facts: 17.1, 17.2
#[test]
fn a_stop_tells_of_every_server_and_of_a_quorum_that_is_down() {
    let mut vs = service(
        "10.0.0.2:80",
        [5, 6]
            .map(|n| real_server(&format!("127.0.0.{n}:80"), vec![tcp(&format!("127.0.0.{n}:80"))]))
            .into(),
    );
    (vs.quorum, vs.omega) = (2, true);
    let mut world = World::new(config(vec![vs]));
    world.answer("127.0.0.6:80", 0, refused());
    world.seconds(2);
    world.news();
    world.engine.stop(true, FlushOnStop::No);
    world.drain();
    assert_eq!(
        world.news(),
        [
            "Shutting down service [127.0.0.5]:tcp:80 from VS [10.0.0.2]:tcp:80",
            "Shutting down service [127.0.0.6]:tcp:80 from VS [10.0.0.2]:tcp:80",
            "run down 127.0.0.5:80",
            "run quorum down",
        ]
    );
}

fn file(name: &str, weight: i32) -> CheckerConfig {
    let probe = ProbeConfig::File(FileCheckConfig {
        track_file: name.into(),
        weight,
        reverse: false,
    });
    CheckerConfig {
        probe: probe.into(),
        ..tcp("127.0.0.5:80")
    }
}

/// LVS facts: 5.5
#[test]
fn contributions_add_up_and_the_sum_is_limited() {
    let mut rs = real_server("127.0.0.5:80", vec![file("F", 1), file("G", 2), misc(true)]);
    rs.weight = 7;
    let mut other = real_server("127.0.0.6:80", vec![]);
    other.notify_up = None;
    let mut vs = service("10.0.0.2:80", vec![rs, other]);
    vs.quorum = 5;
    let mut reports = Reports::default();
    reports.files.extend([("F".into(), 3), ("G".into(), -1)]);
    let mut world = World::new(CheckConfig::default());
    world.engine = Engine::knowing(world.now, config(vec![vs]), 1, BTreeSet::new(), reports);
    world.drain();
    assert_eq!(world.pool()[0].1, 7 + 3 - 2);
    // The script wants 10.
    world.answer("/usr/bin/check", 0, exit(12));
    world.seconds(1);
    assert_eq!(world.pool()[0].1, 7 + 3 - 2 + (10 - 7));
    let mut set = |name: &str, value| {
        let name = name.to_owned();
        world.engine.handle(world.now, Event::File { name, value });
        world.drain();
        let quorum_up = world.engine.virtual_servers[0].quorum_up;
        (world.pool()[0].1, quorum_up)
    };
    assert_eq!(
        set("F", -9),
        (0, false),
        "never less than nothing, for the quorum too"
    );
    assert_eq!(set("F", -3), (5, true));
    assert_eq!(
        set("F", i32::MAX),
        (2_147_483_647, true),
        "nor more than the kernel takes"
    );
}

/// LVS facts: 6.2, 6.3, 6.5
#[test]
fn a_sorry_server_that_stays_is_enabled_and_disabled() {
    let mut rs = real_server("127.0.0.5:80", vec![tcp("127.0.0.5:80")]);
    rs.inhibit_on_failure = true;
    let mut vs = service("10.0.0.2:80", vec![rs, real_server("127.0.0.6:80", vec![])]);
    vs.quorum = 2;
    vs.sorry_server = sorry("127.0.0.9:80", true);
    let mut world = World::new(config(vec![vs]));
    let pool = |world: &World| {
        world
            .pool()
            .into_iter()
            .map(|(_, weight)| weight)
            .collect::<Vec<_>>()
    };
    assert_eq!(pool(&world), [1, 1, 0]);
    world.seconds(1);
    world.news();
    world.answer("127.0.0.5:80", 0, refused());
    world.seconds(4);
    let vs = "VS [10.0.0.2]:tcp:80";
    assert_eq!(
        world.news(),
        [
            "TCP_CHECK on service [127.0.0.5]:tcp:80 failed after 1 retries.".to_owned(),
            format!("Disabling service [127.0.0.5]:tcp:80 of {vs}"),
            "run down 127.0.0.5:80".to_owned(),
            format!("Lost quorum 2-0=2 > 1 for {vs}"),
            format!("Enabling sorry server [127.0.0.9]:tcp:80 to {vs}"),
            format!("Removing alive servers from the pool for {vs}"),
            "run quorum down".to_owned(),
        ]
    );
    assert_eq!(world.pool(), [("5".to_owned(), 0), ("9".to_owned(), 1)]);
    world.answer("127.0.0.5:80", 0, ProbeOutcome::OK);
    world.seconds(2);
    assert_eq!(
        world.news(),
        [
            "TCP connection to [127.0.0.5]:tcp:80 success.".to_owned(),
            format!("Enabling service [127.0.0.5]:tcp:80 of {vs}"),
            "run up 127.0.0.5:80".to_owned(),
            format!("Gained quorum 2+0=2 <= 2 for {vs}"),
            format!("Disabling sorry server [127.0.0.9]:tcp:80 from {vs}"),
            format!("Adding alive servers to the pool for {vs}"),
            "run quorum up".to_owned(),
        ]
    );
    assert_eq!(pool(&world), [1, 1, 0]);
}
