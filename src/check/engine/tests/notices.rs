//! Who is told what, in which order: log, FIFO lines, scripts, mails.

use super::*;
use crate::ipvs::config::FlushOnStop;

const VS: &str = "[10.0.0.1]:tcp:80";

fn rs(n: u8) -> String {
    format!("[192.0.2.{n}]:tcp:80")
}

/// Servers .1 to .n with a TCP_CHECK, without scripts, everybody being told.
fn told(n: u8, change: impl FnOnce(&mut VirtualServerConfig)) -> CheckConfig {
    let servers = (1..=n).map(|n| {
        let address = format!("192.0.2.{n}:80");
        RealServerConfig {
            notify_up: None,
            notify_down: None,
            smtp_alert: true,
            ..real_server(&address, vec![tcp(&address)])
        }
    });
    let mut vs = VirtualServerConfig {
        quorum_up: None,
        quorum_down: None,
        smtp_alert: true,
        ..service("10.0.0.1:80", servers.collect())
    };
    change(&mut vs);
    CheckConfig {
        notices: Notices {
            fifo: true,
            mail: true,
            at_start: true,
            server_mails_only: false,
        },
        ..config(vec![vs])
    }
}

fn server_mail(n: u8, up: bool, body: &str) -> String {
    let word = if up { "UP" } else { "DOWN" };
    format!(
        "mail Realserver {} of virtual server {VS} - {word}: {body}",
        rs(n)
    )
}

fn quorum_mail(up: bool, body: &str) -> String {
    let word = if up { "UP" } else { "DOWN" };
    format!("mail Virtualserver {VS} - {word}: {body}")
}

fn without_activations(world: &mut World) -> Vec<String> {
    let mut news = world.news();
    news.retain(|line| !line.starts_with("Activating"));
    news
}

/// LVS facts: 4.3, 4.6, 14.1
#[test]
fn at_the_start_servers_are_told_then_the_quorum() {
    let mut world = World::new(told(2, |_| {}));
    assert_eq!(
        without_activations(&mut world),
        [
            format!("RS {} {VS} UP", rs(1)),
            format!("RS {} {VS} UP", rs(2)),
            format!("Gained quorum 1+0=1 <= 2 for VS {VS}"),
            format!("VS {VS} UP"),
            quorum_mail(true, "=> Starting with quorum up 1+0=1 <= 2 <="),
        ]
    );

    let mut silent = told(2, |_| {});
    silent.notices.at_start = false;
    let mut world = World::new(silent);
    let news = without_activations(&mut world);
    assert!(!news.iter().any(|line| line.starts_with("RS")), "{news:?}");
}

/// LVS facts: 4.8
#[test]
fn a_quorum_that_is_missing_at_the_start_is_told_where_there_is_a_sorry_server() {
    let missing = |vs: &mut VirtualServerConfig| {
        (vs.quorum, vs.hysteresis) = (3, 1);
    };
    let mut world = World::new(told(2, missing));
    let news = without_activations(&mut world);
    assert!(news.iter().all(|line| line.starts_with("RS ")), "{news:?}");

    let mut world = World::new(told(2, |vs| {
        missing(vs);
        vs.sorry_server = sorry("192.0.2.9:80", false);
    }));
    let news = without_activations(&mut world);
    assert!(news.contains(&format!("Starting with quorum down 3-1=4 > 2 for VS {VS}")));
    assert_eq!(
        news[news.len() - 2..],
        [
            format!("VS {VS} DOWN"),
            quorum_mail(false, "=> Starting with quorum down 3+1=4 <= 2 <="),
        ]
    );
}

/// LVS facts: 5.4, 6.3, 6.7
#[test]
fn a_change_is_told_in_keepalived_s_order() {
    let mut world = World::new(told(1, |vs| {
        vs.sorry_server = sorry("192.0.2.9:80", false);
        vs.quorum_down = Some(command("quorum down"));
        vs.real_servers[0].notify_down = Some(command("server down").into());
    }));
    world.seconds(2);
    world.news();
    world.answer("192.0.2.1:80", 0, refused());
    world.seconds(4);
    assert_eq!(
        world.news(),
        [
            format!("TCP_CHECK on service {} failed after 1 retries.", rs(1)),
            format!("Removing service {} from VS {VS}", rs(1)),
            "run server down".to_owned(),
            format!("RS {} {VS} DOWN", rs(1)),
            format!("Lost quorum 1-0=1 > 0 for VS {VS}"),
            format!("Adding sorry server {} to VS {VS}", rs(9)),
            format!("Removing alive servers from the pool for VS {VS}"),
            "run quorum down".to_owned(),
            format!("VS {VS} DOWN"),
            quorum_mail(false, "=> Lost quorum 1+0=1 <= 0 <="),
            server_mail(1, false, "=> TCP CHECK failed on service <="),
        ]
    );
}

/// LVS facts: 4.11
#[test]
fn the_first_failure_of_an_alpha_checker_is_told_without_a_mail() {
    let mut world = World::new(told(2, |vs| {
        vs.real_servers[0].checkers[0].alpha = true;
    }));
    world.news();
    world.answer("192.0.2.1:80", 0, refused());
    world.seconds(5);
    let mut news = world.news();
    news.retain(|line| line.starts_with("RS ") || line.starts_with("mail"));
    assert_eq!(news, [format!("RS {} {VS} DOWN", rs(1))], "once");
}

/// Mails of a server with two checkers that fail one after the other and recover together.
fn mails(server_mails_only: bool) -> Vec<String> {
    let mut config = told(1, |vs| {
        vs.real_servers[0].checkers.push(tcp("192.0.2.1:81"));
        vs.smtp_alert = false;
    });
    config.notices.server_mails_only = server_mails_only;
    let mut world = World::new(config);
    world.seconds(2);
    world.news();
    for port in [80, 81] {
        world.answer(&format!("192.0.2.1:{port}"), 0, refused());
        world.seconds(4);
    }
    for port in [80, 81] {
        world.answer(&format!("192.0.2.1:{port}"), 0, ProbeOutcome::OK);
        world.seconds(4);
    }
    let mut news = world.news();
    news.retain(|line| line.starts_with("mail"));
    news
}

/// LVS facts: 15.6
#[test]
fn a_mail_tells_of_the_checker_or_with_no_checker_emails_of_the_server() {
    let down = server_mail(1, false, "=> TCP CHECK failed on service <=");
    let up = server_mail(1, true, "=> TCP CHECK succeed on service <=");
    // The subject is the server's (seen): it is down until both are back.
    let half = server_mail(1, false, "=> TCP CHECK succeed on service <=");
    assert_eq!(mails(false), [&down, &down, &half, &up].map(Clone::clone));
    assert_eq!(mails(true), [down, up]);
}

/// LVS facts: 11.7, 15.4
#[test]
fn only_a_script_s_first_success_is_written_of() {
    let first = |checker: CheckerConfig, only: bool| {
        let mut config = told(1, |vs| {
            vs.real_servers[0].checkers = vec![checker];
            vs.smtp_alert = false;
        });
        config.notices.server_mails_only = only;
        let mut world = World::new(config);
        world.news();
        world.seconds(6);
        let mut news = world.news();
        news.retain(|line| line.starts_with("mail"));
        news
    };
    assert_eq!(first(tcp("192.0.2.1:80"), false), [""; 0]);
    assert_eq!(
        first(misc(false), false),
        [server_mail(1, true, "=> MISC CHECK succeeded on service <=")]
    );
    assert_eq!(first(misc(false), true), [""; 0], "the server has not turned");
}

#[test]
fn who_wants_no_mail_gets_none() {
    let mut silent = told(1, |vs| {
        vs.smtp_alert = false;
        vs.real_servers[0].smtp_alert = false;
    });
    silent.notices.fifo = false;
    let mut world = World::new(silent);
    world.answer("192.0.2.1:80", 0, refused());
    world.seconds(4);
    world.engine.stop(true, FlushOnStop::No);
    world.drain();
    let news = world.news();
    assert!(!news.iter().any(|line| line.starts_with("mail")), "{news:?}");
}

/// LVS facts: 17.4
#[test]
fn a_stop_that_removes_whole_services_tells_of_those_alone() {
    for flush in [FlushOnStop::Table, FlushOnStop::Services] {
        let mut world = World::new(told(2, |vs| vs.omega = true));
        world.seconds(2);
        world.drain();
        world.news();
        world.engine.stop(true, flush);
        let mut removed = 0;
        let mut told = Vec::new();
        while let Some(action) = world.engine.poll_action() {
            match action {
                Action::Want { wanted: None, .. } => removed += 1,
                Action::Notify(notification) => told.extend(notification.line()),
                other => panic!("{flush:?}: {other:?}"),
            }
        }
        assert_eq!(removed, usize::from(flush == FlushOnStop::Services));
        assert_eq!(told, [format!("VS {VS} DOWN\n")], "{flush:?}");
    }
}

/// LVS facts: 16.3, 16.4, 16.8, 15.5
#[test]
fn a_reload_tells_who_left_and_who_came() {
    let mut world = World::new(told(2, |vs| vs.quorum = 2));
    world.seconds(2);
    world.news();
    let other = |change: fn(&mut VirtualServerConfig)| {
        told(3, |vs| {
            vs.quorum = 2;
            vs.real_servers.remove(1);
            change(vs);
        })
    };
    world.engine.reload(world.now, other(|_| {}));
    world.drain();
    assert_eq!(
        without_activations(&mut world),
        [
            format!("service {} no longer exist", rs(2)),
            format!("Removing service {} from VS {VS}", rs(2)),
            format!("RS {} {VS} DOWN", rs(2)),
            server_mail(2, false, "=> Removing <="),
            format!("RS {} {VS} UP", rs(3)),
        ]
    );
    // One with an alpha checker is down at first.
    world.engine.reload(
        world.now,
        other(|vs| {
            let alpha = CheckerConfig {
                alpha: true,
                ..tcp("192.0.2.4:80")
            };
            vs.real_servers.push(real_server("192.0.2.4:80", vec![alpha]));
        }),
    );
    world.drain();
    assert_eq!(without_activations(&mut world), [""; 0]);

    world.engine.reload(
        world.now,
        CheckConfig {
            notices: told(1, |_| {}).notices,
            ..CheckConfig::default()
        },
    );
    world.drain();
    assert_eq!(
        world.news(),
        [
            format!("Removing Virtual Server {VS}"),
            format!("Removing service {} from VS {VS}", rs(1)),
            format!("Removing service {} from VS {VS}", rs(3)),
            format!("RS {} {VS} DOWN", rs(1)),
            server_mail(1, false, "=> Removing <="),
            format!("RS {} {VS} DOWN", rs(3)),
            server_mail(3, false, "=> Removing <="),
            format!("VS {VS} DOWN"),
            quorum_mail(false, "=> Lost quorum 2+0=2 <= 0 <="),
        ]
    );
}

/// LVS facts: 17.2
#[test]
fn a_stop_is_told_with_omega_only() {
    for omega in [false, true] {
        let mut world = World::new(told(2, |vs| vs.omega = omega));
        world.answer("192.0.2.2:80", 0, refused());
        world.seconds(2);
        world.news();
        world.engine.stop(true, FlushOnStop::No);
        world.drain();
        let mut news = world.news();
        news.retain(|line| !line.starts_with("Shutting down"));
        let all = [
            format!("RS {} {VS} DOWN", rs(1)),
            server_mail(1, false, "=> Shutting down <="),
            format!("VS {VS} DOWN"),
            quorum_mail(false, "=> Shutting down <="),
        ];
        let wanted = if omega { all.to_vec() } else { Vec::new() };
        assert_eq!(news, wanted, "omega {omega}");
    }
}
