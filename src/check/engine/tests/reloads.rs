//! What a reload does to checkers, servers and sorry servers that change.

use super::*;

fn vs(servers: Vec<RealServerConfig>, change: impl FnOnce(&mut VirtualServerConfig)) -> CheckConfig {
    let mut vs = service("10.0.0.1:80", servers);
    change(&mut vs);
    config(vec![vs])
}

fn server(n: u8, checkers: Vec<CheckerConfig>) -> RealServerConfig {
    real_server(&format!("192.0.2.{n}:80"), checkers)
}

fn pool(world: &World) -> Vec<String> {
    world.pool().into_iter().map(|(name, _)| name).collect()
}

fn reload(world: &mut World, config: CheckConfig) {
    world.engine.reload(world.now, config);
    world.drain();
}

/// LVS facts: 4.5
#[test]
fn a_server_without_checkers_is_always_up() {
    let mut world = World::new(vs(vec![server(1, vec![])], |_| {}));
    world.seconds(600);
    assert_eq!((pool(&world), world.asked.len()), (vec!["1".to_owned()], 0));
}

/// LVS facts: 11.11
#[test]
fn the_weight_of_a_dynamic_script_stays() {
    let config = || {
        let mut weighed = server(1, vec![misc(true)]);
        weighed.weight = 7;
        vs(vec![weighed, server(2, vec![])], |_| {})
    };
    for (status, weight) in [(0, 7), (5, 3)] {
        let mut world = World::new(config());
        world.answer("/usr/bin/check", 0, exit(status));
        world.seconds(3);
        let weights = |world: &World| world.pool().first().cloned();
        assert_eq!(weights(&world), Some(("1".to_owned(), weight)));
        world.news();
        reload(&mut world, config());
        world.seconds(20);
        assert_eq!(weights(&world), Some(("1".to_owned(), weight)));
        let news = world.news();
        assert!(!news.iter().any(|line| line.contains("weight")), "{news:?}");
    }
}

/// LVS facts: 16.7
#[test]
fn without_its_failed_checker_a_server_comes_up_and_a_new_alpha_one_is_believed() {
    let both = || vec![tcp("192.0.2.1:80"), tcp("192.0.2.1:81")];
    let mut world = World::new(vs(vec![server(1, both())], |_| {}));
    world.answer("192.0.2.1:81", 0, refused());
    world.seconds(2);
    assert_eq!(pool(&world), [""; 0]);
    world.news();
    reload(&mut world, vs(vec![server(1, vec![tcp("192.0.2.1:80")])], |_| {}));
    assert_eq!(pool(&world), ["1"]);
    let news = world.news();
    assert!(news.contains(&"Adding service [192.0.2.1]:tcp:80 to VS [10.0.0.1]:tcp:80".into()));

    // Tested and found good by the other one: a new alpha checker takes nothing away.
    let alpha = |port: u16| CheckerConfig {
        alpha: true,
        ..tcp(&format!("192.0.2.1:{port}"))
    };
    let more = vec![tcp("192.0.2.1:80"), alpha(82)];
    reload(&mut world, vs(vec![server(1, more)], |_| {}));
    assert_eq!(pool(&world), ["1"]);
    // Of a server that nobody has tested, it does.
    let untested = vec![alpha(83)];
    reload(
        &mut world,
        vs(vec![server(1, vec![]), server(2, untested)], |_| {}),
    );
    assert_eq!(pool(&world), ["1"]);
}

/// LVS facts: 16.9
#[test]
fn another_sorry_server_takes_over_and_without_one_the_live_come_back() {
    let with = |sorry_server: Option<SorryServerConfig>| {
        let servers = [1, 2].map(|n| server(n, vec![tcp(&format!("192.0.2.{n}:80"))]));
        vs(servers.into(), |vs| {
            vs.quorum = 2;
            vs.sorry_server = sorry_server;
        })
    };
    let mut world = World::new(with(sorry("192.0.2.9:80", false)));
    world.answer("192.0.2.1:80", 0, refused());
    world.seconds(2);
    assert_eq!(pool(&world), ["9"]);
    reload(&mut world, with(sorry("192.0.2.8:80", false)));
    assert_eq!(pool(&world), ["8"]);
    reload(&mut world, with(sorry("192.0.2.8:80", true)));
    assert_eq!(world.pool(), [("8".to_owned(), 1)]);
    reload(&mut world, with(None));
    assert_eq!(pool(&world), ["2"]);
    reload(&mut world, with(sorry("192.0.2.9:80", false)));
    assert_eq!(pool(&world), ["9"]);
}

/// A weight, a forwarding method and thresholds reach the table with the reload; keepalived forgets thresholds alone.
///
/// LVS facts: 16.5
#[test]
fn settings_of_a_server_that_stays_reach_the_table() {
    let with = |upper: u32, forward: ForwardMethod| {
        let mut rs = server(1, vec![tcp("192.0.2.1:80")]);
        (rs.upper, rs.forward) = (upper, forward);
        vs(vec![rs], |_| {})
    };
    let mut world = World::new(with(0, ForwardMethod::Nat));
    world.seconds(2);
    let held = |world: &World| {
        let entry = world.table.services.values().next().unwrap();
        let (_, server) = entry.destinations.iter().next().unwrap();
        (server.upper, server.forward)
    };
    reload(&mut world, with(7, ForwardMethod::Nat));
    assert_eq!(held(&world), (7, ForwardMethod::Nat));
    reload(&mut world, with(7, ForwardMethod::Dr));
    assert_eq!(held(&world), (7, ForwardMethod::Dr));
}

/// Down, so that whether it is still known shows: who is forgotten begins as up.
fn down(target: Target, probe: ProbeConfig) -> (World, CheckConfig) {
    let checker = CheckerConfig {
        probe: probe.into(),
        ..tcp("192.0.2.1:80")
    };
    let mut vs = service("10.0.0.1:80", vec![real_server("192.0.2.1:80", vec![checker])]);
    vs.target = target;
    let all = config(vec![vs]);
    let mut world = World::new(all.clone());
    for url in 0..2 {
        world.answer("192.0.2.1:80", url, refused());
    }
    world.seconds(10);
    assert!(!alive(&world));
    (world, all)
}

fn alive(world: &World) -> bool {
    world.engine.status(world.now).virtual_servers[0].real_servers[0].alive
}

fn by_address(address: &str, protocol: Protocol) -> Target {
    Target::Service(ServiceKey::Address {
        protocol,
        address: address.parse().unwrap(),
    })
}

fn by_mark(family: crate::net::Family, mark: u32) -> Target {
    Target::Service(ServiceKey::FwMark { family, mark })
}

fn by_group(name: &str, number: u32, address: &str) -> Target {
    Target::Group(GroupTarget {
        name: name.into(),
        number,
        family: None,
        protocol: Some(Protocol::Tcp),
        services: by_address(address, Protocol::Tcp).services(),
        marks: [].into(),
    })
}

/// A service that stays is changed in place.
///
/// LVS facts: 16.2
#[test]
fn a_virtual_server_is_known_by_what_it_stands_for() {
    use crate::net::Family::{V4, V6};
    let tcp80 = || by_address("10.0.0.1:80", Protocol::Tcp);
    for (before, after, same) in [
        (tcp80(), tcp80(), true),
        (tcp80(), by_address("10.0.0.1:81", Protocol::Tcp), false),
        (tcp80(), by_address("10.0.0.1:80", Protocol::Udp), false),
        (tcp80(), by_address("10.0.0.2:80", Protocol::Tcp), false),
        (by_mark(V4, 5), by_mark(V4, 5), true),
        (by_mark(V4, 5), by_mark(V4, 6), false),
        (by_mark(V4, 5), by_mark(V6, 5), false),
        (
            by_group("G", 0, "10.0.0.1:80"),
            by_group("G", 0, "10.0.0.9:80"),
            true,
        ),
        (
            by_group("G", 0, "10.0.0.1:80"),
            by_group("G", 1, "10.0.0.1:80"),
            false,
        ),
        (
            by_group("G", 0, "10.0.0.1:80"),
            by_group("H", 0, "10.0.0.1:80"),
            false,
        ),
    ] {
        let (mut world, mut all) = down(before.clone(), ProbeConfig::Tcp(connection("192.0.2.1:80")));
        all.services[0].target = after.clone();
        all.services[0].scheduler = Scheduler("sh".into());
        all.services[0].flags = ServiceFlags(ServiceFlags::SCHED1);
        world.engine.reload(world.now, all);
        world.drain();
        assert_eq!(!alive(&world), same, "{before:?} {after:?}");
        let services = world.table.services.values();
        let settings: Vec<_> = services
            .map(|entry| (&*entry.service.scheduler.0, entry.service.flags))
            .collect();
        assert_eq!(settings, [("sh", ServiceFlags(ServiceFlags::SCHED1))]);
    }
}

/// What a checker asks makes it the same; how often, and what it forgives, is taken from the new file.
///
/// LVS facts: 16.6
#[test]
fn a_checker_is_known_by_what_it_asks() {
    let plain = || connection("192.0.2.1:80");
    let tcp_of = |change: fn(&mut Connection)| {
        let mut to = plain();
        change(&mut to);
        ProbeConfig::Tcp(to)
    };
    let web = |change: fn(&mut HttpConfig)| {
        let ProbeConfig::Http(mut web) = (*http("192.0.2.1:80", &["/", "/more"]).probe).clone() else {
            panic!()
        };
        change(&mut web);
        ProbeConfig::Http(web)
    };
    let smtp_of = |name: &str| {
        ProbeConfig::Smtp(SmtpConfig {
            connection: plain(),
            helo_name: name.into(),
        })
    };
    let dns_of = |kind| {
        ProbeConfig::Dns(DnsConfig {
            connection: plain(),
            kind,
            name: None,
        })
    };
    let dns_named = |name: &str| {
        ProbeConfig::Dns(DnsConfig {
            connection: plain(),
            kind: DnsType::Soa,
            name: Some(name.into()),
        })
    };
    let udp_of = |change: fn(&mut UdpConfig)| {
        let mut udp = UdpConfig {
            connection: plain(),
            payload: None,
            reply: None,
            min_reply_length: 0,
            max_reply_length: 255,
        };
        change(&mut udp);
        ProbeConfig::Udp(Box::new(udp))
    };
    let redis_of = |change: fn(&mut ServiceTls)| {
        let mut tls = ServiceTls::default();
        change(&mut tls);
        ProbeConfig::Service(Box::new(ServiceConfig {
            connection: plain(),
            settings: ServiceSettings {
                question: Question::Redis { role: None },
                login: Login::default(),
                tls: Some(tls),
            },
        }))
    };
    let tcp_plain = || tcp_of(|_| {});
    let web_plain = || web(|_| {});
    for (before, after, same) in [
        (tcp_plain(), tcp_plain(), true),
        (tcp_plain(), tcp_of(|to| to.destination.set_port(81)), false),
        (tcp_plain(), tcp_of(|to| to.source = Some((None, 7))), false),
        (
            tcp_plain(),
            tcp_of(|to| to.interface = crate::net::IfName::new("eth0")),
            false,
        ),
        (
            tcp_plain(),
            tcp_of(|to| to.timeout = Duration::from_secs(7)),
            false,
        ),
        (tcp_plain(), tcp_of(|to| to.mark = 7), false),
        (tcp_plain(), ProbeConfig::Ping(plain()), false),
        (web_plain(), web_plain(), true),
        (web_plain(), web(|web| drop(web.urls.pop())), false),
        (web_plain(), web(|web| web.urls[0].path = "/other".into()), false),
        (
            web_plain(),
            web(|web| web.urls[0].host = Some("other".into())),
            false,
        ),
        (web_plain(), web(|web| web.urls[0].digest = Some([7; 16])), false),
        (
            web_plain(),
            web(|web| web.urls[0].status = vec![(200, 299)]),
            false,
        ),
        (smtp_of("a"), smtp_of("a"), true),
        (smtp_of("a"), smtp_of("b"), false),
        (dns_of(DnsType::Soa), dns_of(DnsType::Soa), true),
        (dns_of(DnsType::Soa), dns_of(DnsType::Mx), false),
        (dns_of(DnsType::Soa), dns_named("example.com"), false),
        (
            web_plain(),
            web(|web| {
                web.urls[0].regex = Some(Regex {
                    pattern: "x".into(),
                    ..Regex::default()
                })
            }),
            false,
        ),
        // Of these keepalived takes the new ones, and keeps what it knows.
        (web_plain(), web(|web| web.protocol = HttpProtocol::V11), true),
        (web_plain(), web(|web| web.fast_recovery = true), true),
        (web_plain(), web(|web| web.urls[0].tls_compliant = true), true),
        (web_plain(), web(|web| web.tls = Some(TlsConfig::default())), true),
        (udp_of(|_| {}), udp_of(|udp| udp.payload = Some(vec![1])), true),
        (udp_of(|_| {}), udp_of(|udp| udp.max_reply_length = 9), true),
        (udp_of(|_| {}), udp_of(|udp| udp.connection.mark = 7), false),
        (redis_of(|_| {}), redis_of(|tls| tls.verify = true), false),
        // Who wants to be warned of a certificate asks as before.
        (
            redis_of(|_| {}),
            redis_of(|tls| tls.expiry_warning = Some(14)),
            true,
        ),
    ] {
        let target = by_address("10.0.0.1:80", Protocol::Tcp);
        let (mut world, mut all) = down(target, before.clone());
        let checker = &mut all.services[0].real_servers[0].checkers[0];
        checker.probe = after.clone().into();
        checker.retry = 7;
        checker.delay_before_retry = Duration::from_secs(9);
        checker.delay_loop = Duration::from_secs(1);
        world.engine.reload(world.now, all);
        world.drain();
        assert_eq!(!alive(&world), same, "{before:?} {after:?}");
        let asked = world.asked.len();
        world.seconds(10);
        let more = world.asked.len() - asked;
        // Once down, every `delay_loop`; HTTP (unless it is in a hurry) and SMTP after `delay_before_retry`, which is longer.
        let patient = matches!(after, ProbeConfig::Http(_) | ProbeConfig::Smtp(_));
        let due = if patient { 1..=2 } else { 8..=11 };
        assert!(!same || due.contains(&more), "{after:?}: {more}");
    }
}

/// LVS facts: 16.6
#[test]
fn a_script_is_known_by_its_command_and_a_session_by_its_name() {
    let script = |change: fn(&mut MiscConfig)| {
        let mut config = MiscConfig {
            command: command("/usr/bin/check it"),
            timeout: Duration::from_secs(1),
            dynamic: false,
        };
        change(&mut config);
        ProbeConfig::Misc(config)
    };
    let session = |name: &str| ProbeConfig::Bfd(name.into());
    for (before, after, same) in [
        (script(|_| {}), script(|_| {}), true),
        (
            script(|_| {}),
            script(|misc| misc.timeout = Duration::from_secs(7)),
            true,
        ),
        (script(|_| {}), script(|misc| misc.dynamic = true), false),
        (
            script(|_| {}),
            script(|misc| misc.command.argv.push("more".into())),
            false,
        ),
        (session("B"), session("B"), true),
        (session("B"), session("C"), false),
    ] {
        let with = |probe: ProbeConfig| {
            let checker = CheckerConfig {
                probe: probe.into(),
                retry: 0,
                ..tcp("192.0.2.1:80")
            };
            vs(vec![server(1, vec![checker])], |_| {})
        };
        let mut world = World::new(with(before.clone()));
        world.answer("/usr/bin/check", 0, exit(1));
        world.seconds(3);
        let down = Event::Session {
            name: "B".into(),
            up: false,
        };
        world.engine.handle(world.now, down);
        world.drain();
        assert!(!alive(&world), "{before:?}");
        reload(&mut world, with(after.clone()));
        assert_eq!(!alive(&world), same, "{before:?} {after:?}");
    }
}

/// A count of failures goes on after a reload, with the retries of the new file; the next question comes in the time of
/// a start, at the latest.
///
/// LVS facts: 16.6, 16.11
#[test]
fn a_count_goes_on_and_the_next_question_comes_as_at_a_start() {
    let with = |retry: u32, delay_loop: u64| {
        let checker = CheckerConfig {
            retry,
            delay_loop: Duration::from_secs(delay_loop),
            ..tcp("192.0.2.1:80")
        };
        vs(vec![server(1, vec![checker])], |_| {})
    };
    let mut world = World::new(with(3, 600));
    world.seconds(2);
    world.answer("192.0.2.1:80", 0, refused());
    reload(&mut world, with(3, 1));
    let asked = world.asked.len();
    world.seconds(1);
    assert_eq!(world.asked.len(), asked + 1, "not after 600 s");
    world.seconds(1);
    assert_eq!(pool(&world), ["1"], "two failures");
    world.news();
    reload(&mut world, with(2, 1));
    assert_eq!(world.news(), [""; 0], "it has run");
    world.seconds(1);
    assert_eq!(pool(&world), [""; 0], "the third");
}

/// The quorum is judged with the servers that are left.
///
/// LVS facts: 16.4
#[test]
fn a_quorum_that_a_reload_loses_is_told_once() {
    let with = |numbers: &[u8]| {
        let servers = numbers
            .iter()
            .map(|n| server(*n, vec![tcp(&format!("192.0.2.{n}:80"))]));
        vs(servers.collect(), |vs| {
            vs.quorum = 3;
            vs.hysteresis = 1;
            vs.sorry_server = sorry("192.0.2.9:80", false);
        })
    };
    let mut world = World::new(with(&[1, 2, 3, 4]));
    world.seconds(2);
    world.news();
    reload(&mut world, with(&[1]));
    assert_eq!(pool(&world), ["9"]);
    let mut news = world.news();
    news.retain(|line| !line.contains("service [") && !line.starts_with("run down"));
    let vs = "VS [10.0.0.1]:tcp:80";
    assert_eq!(
        news,
        [
            format!("Lost quorum 3-1=2 > 1 for {vs}"),
            format!("Adding sorry server [192.0.2.9]:tcp:80 to {vs}"),
            format!("Removing alive servers from the pool for {vs}"),
            "run quorum down".to_owned(),
        ]
    );
    world.seconds(20);
    assert_eq!(world.news(), [""; 0]);
}

/// 2.2.7 forgets it at a reload.
///
/// LVS facts: 22.4
#[test]
fn the_url_that_has_failed_is_remembered() {
    let mut all = config(vec![service(
        "10.0.0.1:80",
        vec![real_server(
            "192.0.2.1:80",
            vec![http("192.0.2.1:80", &["/", "/bad", "/more"])],
        )],
    )]);
    let mut world = World::new(all.clone());
    world.answer("192.0.2.1:80", 1, status(500));
    world.seconds(20);
    assert!(!alive(&world));
    all.services[0].quorum_up = None;
    world.engine.reload(world.now, all);
    world.drain();
    let asked = world.asked.len();
    world.seconds(10);
    let urls: Vec<usize> = world.asked[asked..].iter().map(|(_, url)| *url).collect();
    assert!(!urls.is_empty() && urls.iter().all(|url| *url == 1), "{urls:?}");
}

/// HTTP_GET and SSL_GET of one url are one checker: yet who asks exactly as before keeps what it knows, whatever comes
/// before it in the file.
///
/// LVS facts: 16.6
#[test]
fn a_new_checker_takes_nothing_from_one_that_stays() {
    let plain = || http("192.0.2.1:80", &["/"]);
    let secure = || {
        let mut checker = plain();
        if let ProbeConfig::Http(http) = Arc::make_mut(&mut checker.probe) {
            http.tls = Some(TlsConfig::default());
        }
        checker
    };
    let mut world = World::new(vs(vec![server(1, vec![secure()])], |_| {}));
    world.answer("192.0.2.1:80", 0, refused());
    world.seconds(10);
    let beliefs = |world: &World| -> Vec<(bool, bool)> {
        let status = world.engine.status(world.now);
        let checkers = status.virtual_servers[0].real_servers[0].checkers.iter();
        checkers.map(|it| (it.is_up(), it.has_run())).collect()
    };
    assert_eq!(beliefs(&world), [(false, true)]);
    reload(&mut world, vs(vec![server(1, vec![plain(), secure()])], |_| {}));
    assert_eq!(beliefs(&world), [(true, false), (false, true)]);
    reload(&mut world, vs(vec![server(1, vec![plain()])], |_| {}));
    assert_eq!(beliefs(&world), [(true, false)], "its own");
    let mut world = World::new(vs(vec![server(1, vec![secure()])], |_| {}));
    world.answer("192.0.2.1:80", 0, refused());
    world.seconds(10);
    reload(&mut world, vs(vec![server(1, vec![plain()])], |_| {}));
    assert_eq!(beliefs(&world), [(false, true)], "it becomes the other kind");
}
