//! The first results of a checker of each kind, with everybody being told.

use super::*;
use crate::check::engine::tests::kinds::{dns, ping, smtp, udp};

const VS: &str = "[10.0.0.2]:tcp:80";
const RS: &str = "[127.0.0.5]:tcp:80";

/// The only server of the only service with this checker, without retries; who is told is in the diary.
fn world(probe: &ProbeConfig, alpha: bool) -> World {
    let checker = CheckerConfig {
        probe: probe.clone().into(),
        alpha,
        retry: 0,
        ..tcp("127.0.0.5:80")
    };
    let mut rs = real_server("127.0.0.5:80", vec![checker]);
    rs.smtp_alert = true;
    let mut world = World::new(CheckConfig {
        notices: Notices {
            fifo: true,
            mail: true,
            at_start: false,
            server_mails_only: false,
        },
        ..config(vec![service("10.0.0.2:80", vec![rs])])
    });
    world.news();
    world
}

/// The first result, a second after the start.
fn first(world: &mut World, probe: &ProbeConfig, outcome: &ProbeOutcome) -> Vec<String> {
    if let ProbeConfig::Bfd(name) = probe {
        let up = matches!(outcome, ProbeOutcome::Success { .. });
        let name = name.clone();
        world.engine.handle(world.now, Event::Session { name, up });
        world.drain();
    } else {
        for whom in ["127.0.0.5:80", "/usr/bin/check"] {
            world.answer(whom, 0, outcome.clone());
        }
        world.seconds(1);
    }
    world.news()
}

fn web() -> ProbeConfig {
    ProbeConfig::clone(&http("127.0.0.5:80", &["/"]).probe)
}

/// Each kind, a way for it to fail, and its line at a success.
fn kinds() -> [(ProbeConfig, Reason, Option<String>); 8] {
    let line = |what: &str, end: &str| Some(format!("{what} {RS} {end}"));
    let script = ProbeConfig::clone(&misc(false).probe);
    let misc_line = format!("Misc check for [{RS} VS {VS}] by [/usr/bin/check] succeeded.");
    [
        (
            ProbeConfig::Tcp(connection("127.0.0.5:80")),
            Reason::Refused,
            line("TCP connection to", "success."),
        ),
        (udp(), Reason::Refused, line("UDP connection to", "success.")),
        (
            ping(),
            Reason::AnswerTimedOut,
            line("ICMP connection to", "success."),
        ),
        (dns(), Reason::Rcode(2), None),
        (
            smtp(),
            Reason::Greeting,
            line("Remote SMTP server", "succeed on service."),
        ),
        (
            web(),
            Reason::Status(500),
            line("Remote Web server", "succeed on service."),
        ),
        (script, Reason::Exited(1), Some(misc_line)),
        (
            ProbeConfig::Bfd("B".into()),
            Reason::SessionDown,
            Some(format!("BFD check of [B] RS({RS}) is UP")),
        ),
    ]
}

/// A line, and a mail of a script; otherwise nobody hears of it.
///
/// LVS facts: 4.10, 11.7
#[test]
fn the_first_success_is_a_line_and_with_alpha_the_whole_way_up() {
    for (probe, _, line) in kinds() {
        let bfd = matches!(probe, ProbeConfig::Bfd(_));
        let mail = |body: &str| format!("mail Realserver {RS} of virtual server {VS} - UP: {body}");
        let body = letter::of_checker(&probe, None).unwrap();
        let mut own: Vec<String> = line.iter().cloned().collect();
        if matches!(probe, ProbeConfig::Misc(_)) {
            own.push(mail(&body));
        }
        if !bfd {
            let news = first(&mut world(&probe, false), &probe, &ProbeOutcome::OK);
            assert_eq!(news, own, "{probe:?}");
        }
        let mut world = world(&probe, true);
        assert_eq!(world.pool(), [], "{probe:?}");
        let news = first(&mut world, &probe, &ProbeOutcome::OK);
        // Down until then, it tells of each good url.
        let url = format!("HTTP status code success to {RS} url(/)");
        let page = matches!(probe, ProbeConfig::Http(_)).then_some(url);
        let mut whole: Vec<String> = page.into_iter().chain(line).collect();
        whole.extend([
            format!("Adding service {RS} to VS {VS}"),
            "run up 127.0.0.5:80".to_owned(),
            format!("RS {RS} {VS} UP"),
            format!("Gained quorum 1+0=1 <= 1 for VS {VS}"),
            "run quorum up".to_owned(),
            format!("VS {VS} UP"),
            mail(&body),
        ]);
        assert_eq!(news, whole, "{probe:?}");
    }
}

/// It was down and is: the script, the FIFO and nobody else; of HTTP_GET not even those.
///
/// LVS facts: 4.11
#[test]
fn the_first_failure_of_an_alpha_checker_is_told_once_but_not_of_a_page() {
    for (probe, reason, _) in kinds() {
        let mut world = world(&probe, true);
        let failed = ProbeOutcome::Failure(reason);
        let mut news = first(&mut world, &probe, &failed);
        let silent = matches!(probe, ProbeConfig::Http(_));
        assert_eq!(news.is_empty(), silent, "{probe:?}: {news:?}");
        news.retain(|line| !line.contains("failed") && !line.contains("DOWN") || line.starts_with("RS "));
        news.retain(|line| !line.starts_with("SMTP_CHECK") && !line.starts_with("DNS_CHECK"));
        let told = ["run down 127.0.0.5:80".to_owned(), format!("RS {RS} {VS} DOWN")];
        let wanted = if silent { &[][..] } else { &told };
        assert_eq!(news, wanted, "{probe:?}");
        world.seconds(10);
        assert_eq!(first(&mut world, &probe, &failed), [""; 0], "{probe:?}");
    }
}
