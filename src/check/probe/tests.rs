//! The prober as a whole: TCP_CHECK, MISC_CHECK, and what is said once.

mod certificates;

use super::testing::{LONG, SHORT, connection, http, serve, url};
use super::*;
use crate::check::config::Connection;
use crate::check::event::CheckerId;
use crate::net::IfName;
use crate::script::config::ScriptPolicy;
use crate::script::testing::{TempDir, sh_command, until_dead};
use std::net::{IpAddr, Ipv4Addr};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

fn order(probe: ProbeConfig) -> ProbeOrder {
    ProbeOrder {
        checker: CheckerId(1),
        probe: Arc::new(probe),
        url: 0,
        number: 1,
        names: names(),
    }
}

fn names() -> Names {
    Names {
        rs: "[192.0.2.5]:tcp:80".into(),
        vs: "[192.0.2.1]:tcp:80".into(),
    }
}

fn prober(scripts: Arc<Scripts>) -> Prober {
    Prober::new(scripts, Arc::new(Kit::of(&CheckConfig::default()).unwrap()))
}

async fn ask(probe: ProbeConfig) -> ProbeOutcome {
    let prober = prober(Arc::default());
    prober.ask(&order(probe)).await.outcome
}

/// There may be ten thousand on their way: what only other kinds need is not there for a TCP_CHECK.
#[tokio::test]
async fn a_probe_on_its_way_is_small() {
    let prober = prober(Arc::default());
    let at = (Ipv4Addr::LOCALHOST, 9).into();
    let size = size_of_val(&prober.ask(&order(ProbeConfig::Tcp(connection(at, LONG)))));
    assert!(size <= 400, "{size}");
}

/// LVS facts: 9.2
#[tokio::test]
async fn a_connection_is_enough_for_tcp_check() {
    let at = serve("127.0.0.1:0", |_| async {}).await;
    assert_eq!(
        ask(ProbeConfig::Tcp(connection(at, LONG))).await,
        ProbeOutcome::OK
    );
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(
        ask(ProbeConfig::Tcp(connection(unused, LONG))).await,
        ProbeOutcome::Failure(Reason::Refused)
    );
}

/// LVS facts: 9.1
#[tokio::test]
async fn tcp_check_says_nothing_and_hangs_up_at_once() {
    let (sender, mut heard) = mpsc::channel(1);
    let at = serve("127.0.0.1:0", move |mut stream| {
        let sender = sender.clone();
        async move {
            let mut all = Vec::new();
            let ended = stream.read_to_end(&mut all).await;
            sender.send((ended.is_ok(), all)).await.unwrap();
        }
    })
    .await;
    assert_eq!(
        ask(ProbeConfig::Tcp(connection(at, LONG))).await,
        ProbeOutcome::OK
    );
    assert_eq!(heard.recv().await, Some((true, Vec::new())));
}

/// LVS facts: 9.2
#[tokio::test]
async fn a_host_that_does_not_answer_times_out() {
    // A listener that accepts nothing: when its queue is full, greetings are dropped.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let at = socket.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = tcp::connect(&connection(at, SHORT)).await {
        held.push(stream);
        assert!(held.len() < 100, "the queue never fills");
    }
    assert_eq!(
        ask(ProbeConfig::Tcp(connection(at, SHORT))).await,
        ProbeOutcome::Failure(Reason::ConnectTimedOut)
    );
}

#[tokio::test]
async fn bindto_and_bind_port_choose_the_source() {
    let (sender, mut peers) = mpsc::channel(9);
    let at = serve("127.0.0.1:0", move |stream| {
        let sender = sender.clone();
        async move { sender.send(stream.peer_addr().unwrap()).await.unwrap() }
    })
    .await;
    let source: IpAddr = Ipv4Addr::new(127, 0, 0, 9).into();
    let port = {
        let free = std::net::TcpListener::bind((source, 0)).unwrap();
        free.local_addr().unwrap().port()
    };
    for (bound, wanted) in [
        ((Some(source), 0), None),
        ((Some(source), port), Some(port)),
        ((None, port), Some(port)),
    ] {
        let probe = ProbeConfig::Tcp(Connection {
            source: Some(bound),
            ..connection(at, LONG)
        });
        assert_eq!(ask(probe).await, ProbeOutcome::OK);
        let peer = peers.recv().await.unwrap();
        assert_eq!(peer.ip(), bound.0.unwrap_or_else(|| at.ip()));
        assert!(wanted.is_none_or(|port| port == peer.port()), "{peer}");
    }
}

/// LVS facts: 9.2
#[tokio::test]
async fn what_this_host_cannot_do_is_no_verdict() {
    let at = serve("127.0.0.1:0", |_| async {}).await;
    let foreign = Connection {
        source: Some((Some(Ipv4Addr::new(192, 0, 2, 1).into()), 0)),
        ..connection(at, LONG)
    };
    let no_such_interface = Connection {
        interface: IfName::new("nosuchif0"),
        ..connection(at, LONG)
    };
    for probe in [foreign, no_such_interface] {
        let outcome = ask(ProbeConfig::Tcp(probe)).await;
        let ProbeOutcome::Failure(reason) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(!reason.is_verdict(), "{reason:?}");
    }
}

#[tokio::test]
async fn fwmark_and_bind_if_are_set_where_permitted() {
    let at = serve("127.0.0.1:0", |_| async {}).await;
    for probe in [
        Connection {
            mark: 7,
            ..connection(at, LONG)
        },
        Connection {
            interface: IfName::new("lo"),
            ..connection(at, LONG)
        },
    ] {
        let outcome = ask(ProbeConfig::Tcp(probe)).await;
        if nix::unistd::Uid::effective().is_root() {
            assert_eq!(outcome, ProbeOutcome::OK);
        } else {
            let told = matches!(
                outcome,
                ProbeOutcome::OK | ProbeOutcome::Failure(Reason::Socket(_))
            );
            assert!(told, "{outcome:?}");
        }
    }
}

/// LVS facts: 11.1
#[tokio::test]
async fn misc_check_means_what_its_script_says() {
    let commands = [
        sh_command("exit 0"),
        sh_command("exit 12"),
        sh_command("sleep 1000"),
    ];
    let (scripts, _) = Scripts::examine(&commands, &ScriptPolicy::default());
    let prober = prober(Arc::new(scripts));
    let run = async |command: &crate::script::config::Command, dynamic, timeout| {
        let config = MiscConfig {
            command: command.clone(),
            timeout,
            dynamic,
        };
        prober.ask(&order(ProbeConfig::Misc(config))).await.outcome
    };
    let success = |status| ProbeOutcome::Success {
        exit_status: Some(status),
    };
    assert_eq!(run(&commands[0], false, LONG).await, success(0));
    assert_eq!(run(&commands[1], true, LONG).await, success(12));
    assert_eq!(
        run(&commands[1], false, LONG).await,
        ProbeOutcome::Failure(Reason::Exited(12))
    );
    assert_eq!(
        run(&commands[2], false, SHORT).await,
        ProbeOutcome::Failure(Reason::ScriptTimedOut)
    );
    // Never examined, or not any more: not run.
    assert_eq!(
        run(&sh_command("exit 00"), false, LONG).await,
        ProbeOutcome::Failure(Reason::NotStarted)
    );
    prober.clone().reload(Arc::default());
    assert_eq!(
        run(&commands[0], false, LONG).await,
        ProbeOutcome::Failure(Reason::NotStarted)
    );
}

/// Scripts that print without end, leave somebody behind, do not obey, or end in an unusual way: each ends in time, says
/// why, and what is left is what was meant to be.
///
/// LVS facts: 11.1, 11.4
#[tokio::test]
async fn scripts_that_mean_it_ill_end() {
    let dir = TempDir::new();
    let pids = dir.path("pids").display().to_string();
    let failed = ProbeOutcome::Failure;
    let late = || failed(Reason::ScriptTimedOut);
    let cases = [
        (format!("echo $$ >> {pids}; exec yes"), SHORT, late()),
        (
            format!("echo $$ >> {pids}; yes >&2 & echo $! >> {pids}; wait"),
            SHORT,
            late(),
        ),
        // Its child has all that it had open, and nobody waits for that.
        ("sleep 2 & exit 3".to_owned(), LONG, failed(Reason::Exited(3))),
        (
            format!("trap '' TERM HUP INT; echo $$ >> {pids}; while :; do sleep 1; done"),
            SHORT,
            late(),
        ),
        (
            format!("echo $$ >> {pids}; kill -STOP $$; sleep 1000"),
            SHORT,
            late(),
        ),
        ("kill -SEGV $$".to_owned(), LONG, failed(Reason::Signalled(11))),
        ("kill -KILL $$".to_owned(), LONG, failed(Reason::Signalled(9))),
        ("exit 255".to_owned(), LONG, failed(Reason::Exited(255))),
        (
            "exec /no/such/program".to_owned(),
            LONG,
            failed(Reason::Exited(127)),
        ),
    ];
    let commands: Vec<_> = cases.iter().map(|(text, ..)| sh_command(text)).collect();
    let (scripts, _) = Scripts::examine(&commands, &ScriptPolicy::default());
    let prober = prober(Arc::new(scripts));
    for (command, (text, timeout, wanted)) in commands.into_iter().zip(cases) {
        let config = MiscConfig {
            command,
            timeout,
            dynamic: false,
        };
        assert_eq!(
            prober.ask(&order(ProbeConfig::Misc(config))).await.outcome,
            wanted,
            "{text}"
        );
    }
    until_dead(&dir.pids("pids", 5).await).await;
}

/// LVS facts: 11.1, 11.2
#[tokio::test]
async fn every_status_of_a_dynamic_script_is_heard() {
    let statuses = [0, 1, 2, 3, 128, 254, 255];
    let commands = statuses.map(|status: u8| sh_command(&format!("exit {status}")));
    let (scripts, _) = Scripts::examine(&commands, &ScriptPolicy::default());
    let prober = prober(Arc::new(scripts));
    for (command, status) in commands.into_iter().zip(statuses) {
        let config = MiscConfig {
            command,
            timeout: LONG,
            dynamic: true,
        };
        let wanted = match status {
            1 => ProbeOutcome::Failure(Reason::Exited(1)),
            status => ProbeOutcome::Success {
                exit_status: Some(status),
            },
        };
        let heard = prober.ask(&order(ProbeConfig::Misc(config))).await;
        assert_eq!(heard, wanted.into());
    }
}

#[tokio::test]
async fn an_unknown_url_is_a_failure() {
    let at = serve("127.0.0.1:0", |_| async {}).await;
    let order = ProbeOrder {
        url: 1,
        ..order(ProbeConfig::Http(http(at, LONG, None)))
    };
    let outcome = prober(Arc::default()).ask(&order).await.outcome;
    assert!(
        matches!(outcome, ProbeOutcome::Failure(Reason::Broken(_))),
        "{outcome:?}"
    );
}

/// LVS facts: 10.9, 10.18
#[test]
fn only_news_are_said() {
    let mut said = Said::default();
    let mut news = |result: Result<(), Reason>, lengths, too_long| {
        let asked = Asked {
            result,
            lengths,
            certificate: None,
            certificate_ends: None,
            too_long,
        };
        let remarks = said.news((CheckerId(7), 0), &asked);
        let url = UrlConfig {
            host: Some("www.example.com".into()),
            ..url("/a")
        };
        remarks
            .iter()
            .map(|remark| remark.of(&names(), "SSL_GET", &url))
            .collect::<Vec<_>>()
    };
    let wrong = |received: u64| {
        [format!(
            "http_check for RS [192.0.2.5]:tcp:80 VS [192.0.2.1]:tcp:80 url www.example.com/a: \
             content_length (5) does not match received bytes ({received})"
        )]
    };
    assert_eq!(news(Ok(()), Some((5, 5)), false), [""; 0]);
    assert_eq!(news(Ok(()), Some((5, 7)), false), wrong(7));
    assert_eq!(news(Ok(()), Some((5, 7)), false), [""; 0]);
    assert_eq!(news(Ok(()), Some((5, 8)), false), wrong(8));
    assert_eq!(news(Ok(()), Some((5, 5)), false), [""; 0]);
    assert_eq!(news(Ok(()), Some((5, 8)), false), [""; 0]);
    assert_eq!(news(Ok(()), Some((5, 7)), false), wrong(7));
    let tls = |text: &str| Err(Reason::Tls(text.into()));
    let line = |what: &str| [format!("SSL_GET [192.0.2.5]:tcp:80 url(/a): {what}")];
    assert_eq!(news(tls("a"), None, false), line("TLS: a"));
    assert_eq!(news(Err(Reason::Refused), None, false), [""; 0]);
    assert_eq!(news(tls("a"), None, false), [""; 0]);
    assert_eq!(news(tls("b"), None, false), line("TLS: b"));
    assert_eq!(news(Ok(()), None, false), [""; 0]);
    assert_eq!(news(tls("b"), None, false), line("TLS: b"));
    let gave_up = Err(Reason::RegexGaveUp("match limit exceeded".into()));
    let words = "the search for the regex was given up: match limit exceeded";
    assert_eq!(news(gave_up.clone(), None, false), line(words));
    assert_eq!(news(gave_up, None, false), [""; 0]);
    let words = "Regex partial match preserve too large - discarding";
    assert_eq!(news(Ok(()), None, true), line(words));
    assert_eq!(news(Ok(()), None, true), [""; 0]);
}
