//! What each kind of checker says and how often it asks, on virtual time; the lines are from a log of keepalived 2.2.7.

use super::*;

/// The only server of the only service, checked by this kind, with so many retries and all failures logged.
fn world(probe: ProbeConfig, retry: u32) -> World {
    let checker = CheckerConfig {
        probe: probe.into(),
        retry,
        log_all_failures: true,
        ..tcp("127.0.0.5:80")
    };
    let mut world = World::new(config(vec![service(
        "10.0.0.2:80",
        vec![real_server("127.0.0.5:80", vec![checker])],
    )]));
    world.news();
    world
}

pub(crate) fn udp() -> ProbeConfig {
    ProbeConfig::Udp(Box::new(UdpConfig {
        connection: connection("127.0.0.5:80"),
        payload: None,
        reply: None,
        min_reply_length: 0,
        max_reply_length: 255,
    }))
}

pub(crate) fn ping() -> ProbeConfig {
    ProbeConfig::Ping(connection("127.0.0.5:80"))
}

pub(crate) fn dns() -> ProbeConfig {
    ProbeConfig::Dns(DnsConfig {
        connection: connection("127.0.0.5:80"),
        kind: DnsType::Soa,
        name: None,
    })
}

pub(crate) fn smtp() -> ProbeConfig {
    ProbeConfig::Smtp(SmtpConfig {
        connection: connection("127.0.0.5:80"),
        helo_name: "x".into(),
    })
}

fn bad(reason: Reason) -> ProbeOutcome {
    ProbeOutcome::Failure(reason)
}

/// A server that is fine for a check, then fails in this way, then is fine again: the checker's own lines, and the tenths
/// of seconds of its questions.
fn story(probe: ProbeConfig, retry: u32, reason: Reason) -> (Vec<String>, Vec<u64>) {
    let mut world = world(probe, retry);
    world.seconds(2);
    world.answer("127.0.0.5:80", 0, bad(reason));
    world.seconds(10);
    world.answer("127.0.0.5:80", 0, ProbeOutcome::OK);
    world.seconds(3);
    let own = |line: &String| !line.contains("for VS") && !line.contains("VS [") && !line.starts_with("run ");
    let lines = world.news().into_iter().filter(own).collect();
    (lines, world.asked.iter().map(|(at, _)| *at).collect())
}

/// LVS facts: 8.1, 8.2, 8.5, 9.6, 9.8
#[test]
fn udp_tells_each_attempt_and_the_end() {
    let (lines, asked) = story(udp(), 2, Reason::AnswerTimedOut);
    assert_eq!(
        lines,
        [
            "UDP connection to [127.0.0.5]:tcp:80 success.",
            "UDP connection to [127.0.0.5]:tcp:80 failed.",
            "UDP connection to [127.0.0.5]:tcp:80 failed.",
            "UDP connection to [127.0.0.5]:tcp:80 failed.",
            "UDP_CHECK on service [127.0.0.5]:tcp:80 failed after 2 retries.",
            "UDP connection to [127.0.0.5]:tcp:80 success.",
        ]
    );
    // Good at 1, bad at 3, 4 and 5 s: down; then every delay_loop.
    assert_eq!(asked, [10, 30, 40, 50, 70, 90, 110, 130, 150]);
    let (lines, _) = story(udp(), 0, Reason::Mismatch("other octets"));
    assert_eq!(
        lines[1..3],
        [
            "UDP check to [127.0.0.5]:tcp:80 reply data mismatch.",
            "UDP_CHECK on service [127.0.0.5]:tcp:80 failed.",
        ]
    );
    let (lines, _) = story(udp(), 0, Reason::NotSent("no route".into()));
    assert_eq!(lines[1], "UDP_CHECK on service [127.0.0.5]:tcp:80 failed.");
}

/// LVS facts: 9.15
#[test]
fn ping_names_the_virtual_server_when_it_has_tried_again() {
    let mut world = world(ping(), 1);
    world.seconds(2);
    world.answer("127.0.0.5:80", 0, bad(Reason::AnswerTimedOut));
    world.seconds(3);
    let lines = world.news();
    assert_eq!(
        lines[..4],
        [
            "ICMP connection to [127.0.0.5]:tcp:80 success.",
            "ICMP connection to address [127.0.0.5]:tcp:80 timeout.",
            "ICMP connection to address [127.0.0.5]:tcp:80 timeout.",
            "ICMP CHECK on service [127.0.0.5]:tcp:80 of [10.0.0.2]:tcp:80 failed after 1 retries.",
        ]
    );
    let (lines, _) = story(ping(), 0, Reason::Mismatch("no echo reply"));
    assert_eq!(lines[1], "ICMP CHECK on service [127.0.0.5]:tcp:80 failed.");
}

/// LVS facts: 9.17, 9.18
#[test]
fn dns_says_nothing_of_success_and_names_its_trouble() {
    let (lines, asked) = story(dns(), 2, Reason::Rcode(3));
    assert_eq!(
        lines,
        [
            "DNS_CHECK ([127.0.0.5]:tcp:80) read error occurred. (rcode = 3)",
            "DNS_CHECK ([127.0.0.5]:tcp:80) read error occurred. (rcode = 3)",
            "DNS_CHECK ([127.0.0.5]:tcp:80) read error occurred. (rcode = 3) after 2 retries",
        ]
    );
    assert_eq!(asked[..5], [10, 30, 40, 50, 70]);
    for (reason, words) in [
        (Reason::AnswerTimedOut, "read timeout from socket"),
        (
            Reason::Refused,
            "failed to read socket; errno 111 (Connection refused)",
        ),
        (
            Reason::Unreachable("x".into()),
            "network unreachable for [127.0.0.5]:80",
        ),
    ] {
        let mut world = world(dns(), 2);
        world.answer("127.0.0.5:80", 0, bad(reason));
        world.seconds(1);
        assert_eq!(world.news()[0], format!("DNS_CHECK ([127.0.0.5]:tcp:80) {words}"));
    }
}

/// LVS facts: 8.3, 9.22, 9.24
#[test]
fn smtp_makes_all_its_attempts_whenever_it_asks() {
    let (lines, asked) = story(smtp(), 2, Reason::Greeting);
    let failed = "SMTP_CHECK Bad greeting banner from server [127.0.0.5]:80";
    let good = "Remote SMTP server [127.0.0.5]:tcp:80 succeed on service.";
    assert_eq!(lines, [good, failed, failed, failed, good]);
    // Down at 5 s; each cycle of delay_loop has three attempts all the same.
    assert_eq!(asked, [10, 30, 40, 50, 70, 80, 90, 110, 120, 130, 150]);
    for (reason, words) in [
        (
            Reason::ConnectTimedOut,
            "Connection timeout to server [127.0.0.5]:80",
        ),
        (Reason::Refused, "Could not connect to server [127.0.0.5]:80"),
        (Reason::Helo, "Bad HELO response from server [127.0.0.5]:80"),
        (Reason::AnswerTimedOut, "Read timeout from server [127.0.0.5]:80"),
        (Reason::NoData, "Read failure from server [127.0.0.5]:80"),
        (
            Reason::NotSent("x".into()),
            "Write failure to server [127.0.0.5]:80",
        ),
        (Reason::NotTaken, "Write timeout to server [127.0.0.5]:80"),
        (
            Reason::Unreachable("x".into()),
            "Network unreachable for server 127.0.0.5 - real server [127.0.0.5]:80",
        ),
    ] {
        let (lines, _) = story(smtp(), 0, reason);
        assert_eq!(lines[1], format!("SMTP_CHECK {words}"));
    }
}

/// LVS facts: 4.9
#[test]
fn the_first_run_forgives_nothing_but_with_smtp() {
    for (probe, reason) in [
        (ProbeConfig::Tcp(connection("127.0.0.5:80")), Reason::Refused),
        (udp(), Reason::Refused),
        (ping(), Reason::AnswerTimedOut),
        (dns(), Reason::Rcode(2)),
        (smtp(), Reason::Greeting),
    ] {
        let keyword = probe.keyword();
        let mut world = world(probe, 2);
        world.answer("127.0.0.5:80", 0, bad(reason));
        let down = |news: Vec<String>| news.iter().any(|line| line.contains("Removing service"));
        world.run_for(Duration::from_millis(1500));
        assert_eq!(down(world.news()), keyword != "SMTP_CHECK", "{keyword}");
        if keyword == "SMTP_CHECK" {
            world.run_for(Duration::from_millis(1000));
            assert!(!down(world.news()));
            world.run_for(Duration::from_millis(1000));
            assert!(down(world.news()), "the third attempt");
        }
    }
}

/// LVS facts: 9.2, 9.20
#[test]
fn what_this_host_cannot_do_changes_nothing() {
    for (probe, words) in [
        (ProbeConfig::Tcp(connection("127.0.0.5:80")), "TCP"),
        (smtp(), "SMTP_CHECK"),
        (dns(), "UDP"),
        (ping(), "ICMP"),
    ] {
        let mut world = world(probe, 0);
        world.answer("127.0.0.5:80", 0, bad(Reason::Socket("no".into())));
        world.seconds(3);
        let line = format!("{words} socket bind failed. Rescheduling.");
        assert_eq!(world.news(), [line.clone(), line]);
    }
}

/// Each question has a number of its own, for PING_CHECK.
///
/// LVS facts: 9.11
#[test]
fn questions_are_numbered_from_one() {
    let mut engine = world(ping(), 0).engine;
    let at = |second: u64| Instant::from_micros(second * 1_000_000);
    let mut numbers = Vec::new();
    for second in [1, 3, 5] {
        engine.handle_timeout(at(second));
        while let Some(action) = engine.poll_action() {
            let Action::Start(order) = action else { continue };
            numbers.push(order.number);
            let event = Event::Outcome {
                checker: order.checker,
                url: 0,
                outcome: ProbeOutcome::OK,
            };
            engine.handle(at(second), event);
        }
    }
    assert_eq!(numbers, [1, 2, 3]);
}

/// Lines name the real server, whatever is asked; SMTP's errors, and DNS's of an unreachable network, name who is asked.
///
/// LVS facts: 1.3
#[test]
fn lines_name_the_real_server_whoever_is_asked() {
    let lines = |probe: ProbeConfig, reason: Reason| {
        let checker = CheckerConfig {
            probe: probe.into(),
            retry: 0,
            ..tcp("192.0.2.99:8080")
        };
        let mut world = World::new(config(vec![service(
            "[2001:db8::80]:80",
            vec![real_server("[2001:db8::5]:80", vec![checker])],
        )]));
        world.news();
        world.answer("192.0.2.99:8080", 0, bad(reason));
        world.seconds(2);
        world.news().into_iter().next().unwrap_or_default()
    };
    let elsewhere = || connection("192.0.2.99:8080");
    assert_eq!(
        lines(ProbeConfig::Tcp(elsewhere()), Reason::Refused),
        "TCP_CHECK on service [2001:db8::5]:tcp:80 failed."
    );
    let ProbeConfig::Udp(udp) = udp() else { panic!() };
    let udp = UdpConfig {
        connection: elsewhere(),
        ..*udp
    };
    assert_eq!(
        lines(ProbeConfig::Udp(Box::new(udp)), Reason::Refused),
        "UDP_CHECK on service [2001:db8::5]:tcp:80 failed."
    );
    let ProbeConfig::Dns(dns) = dns() else { panic!() };
    let dns = || {
        ProbeConfig::Dns(DnsConfig {
            connection: elsewhere(),
            ..dns.clone()
        })
    };
    let said = lines(dns(), Reason::AnswerTimedOut);
    assert!(said.starts_with("DNS_CHECK ([2001:db8::5]:tcp:80) "), "{said}");
    let said = lines(dns(), Reason::Unreachable("Network is unreachable".into()));
    assert!(said.contains("[192.0.2.99]:8080"), "{said}");
    let ProbeConfig::Smtp(smtp) = smtp() else { panic!() };
    let smtp = SmtpConfig {
        connection: elsewhere(),
        ..smtp
    };
    assert_eq!(
        lines(ProbeConfig::Smtp(smtp), Reason::Refused),
        "SMTP_CHECK Could not connect to server [192.0.2.99]:8080"
    );
}
