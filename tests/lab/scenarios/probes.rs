//! Each checker beside keepalived's, against the same back-ends: the same verdicts after as many attempts, told in the
//! same words.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use socket2::SockRef;

use super::expect::SOON;
use crate::site::{Daemon, Director, Node, Relay};
use crate::timeline::{Stamp, note, wait_for};

/// What a back-end does with a connection or a datagram.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Each part is said after a line was read, the first at once; then the connection is closed.
    Say(&'static [&'static str]),
    /// An HTTP answer: said after the request.
    Web(&'static str),
    /// Breaks the connection off after the request.
    Reset,
    /// Nothing more is said after these, and the connection is held.
    Hang(&'static [&'static str]),
    /// Nobody listens.
    Absent,
    /// The datagram is answered with what comes of it.
    Datagram(fn(&[u8]) -> Option<Vec<u8>>),
    /// An address that is there, for pings.
    Address,
    /// A network that swallows everything.
    Swallow,
    /// A network that there is no way to.
    NoRoute,
}

struct Case {
    name: &'static str,
    protocol: &'static str,
    checker: &'static str,
    /// So many attempts are answered well,
    fine: usize,
    good: Act,
    /// and so many badly after that, in turns.
    bad: usize,
    ill: Act,
}

/// Mails of every checker, to a relay beside the director.
const GLOBAL: &str = "global_defs {
    router_id lab
    script_user root
    enable_script_security
    notification_email {
        one@example.com
    }
    notification_email_from lab@example.com
    smtp_server 127.0.0.1 2525
    smtp_connect_timeout 60
    smtp_alert_checker
}
";

/// An attempt is given up after a time that a busy machine does not reach otherwise, and is told.
const TIMING: &str = "connect_timeout 4
retry 2
delay_before_retry 1
warmup 0
log_all_failures";

/// From one attempt to the next it takes less, also on a busy machine: what has been told of no more has come to its end.
const QUIET: Duration = Duration::from_secs(8);

const SMTP: Act = Act::Say(&["220 lab\r\n", "250 hello\r\n", "221 bye\r\n"]);

fn dns_with(query: &[u8], flags: [u8; 2]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2..4].copy_from_slice(&flags);
    answer
}

const DNS: Act = Act::Datagram(|query| Some(dns_with(query, [0x81, 0x80])));
const ECHO: Act = Act::Datagram(|query| Some(query.to_vec()));
const SILENT: Act = Act::Datagram(|_| None);
const OK: Act = Act::Web("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine");

const fn case(name: &'static str, checker: &'static str, good: Act, ill: Act) -> Case {
    Case {
        name,
        protocol: "TCP",
        checker,
        fine: 2,
        good,
        bad: 3,
        ill,
    }
}

const fn udp(name: &'static str, checker: &'static str, good: Act, ill: Act) -> Case {
    Case {
        protocol: "UDP",
        ..case(name, checker, good, ill)
    }
}

/// One that is bad from the first attempt on, for so many attempts.
const fn from_the_start(bad: usize, case: Case) -> Case {
    Case { fine: 0, bad, ..case }
}

const CASES: &[Case] = &[
    from_the_start(
        usize::MAX,
        case("tcp refused", "TCP_CHECK", Act::Absent, Act::Absent),
    ),
    case("smtp silent", "SMTP_CHECK", SMTP, Act::Hang(&[])),
    case(
        "smtp greeting",
        "SMTP_CHECK",
        SMTP,
        Act::Say(&["550 no\r\n", "250 x\r\n"]),
    ),
    case(
        "smtp helo",
        "SMTP_CHECK",
        SMTP,
        Act::Say(&["220 lab\r\n", "550 who\r\n", "x\r\n"]),
    ),
    case(
        "smtp silent after helo",
        "SMTP_CHECK",
        SMTP,
        Act::Hang(&["220 lab\r\n"]),
    ),
    case("smtp closes", "SMTP_CHECK", SMTP, Act::Say(&[])),
    from_the_start(
        usize::MAX,
        case("smtp refused", "SMTP_CHECK", Act::Absent, Act::Absent),
    ),
    from_the_start(
        3,
        case("smtp bad at first", "SMTP_CHECK", SMTP, Act::Say(&["550 no\r\n"])),
    ),
    udp(
        "dns rcode",
        "DNS_CHECK",
        DNS,
        Act::Datagram(|query| Some(dns_with(query, [0x81, 0x83]))),
    ),
    udp("dns silent", "DNS_CHECK", DNS, SILENT),
    udp("dns not an answer", "DNS_CHECK", DNS, ECHO),
    udp(
        "dns short",
        "DNS_CHECK",
        DNS,
        Act::Datagram(|query| Some(query[..5].to_vec())),
    ),
    from_the_start(
        usize::MAX,
        udp("dns refused", "DNS_CHECK", Act::Absent, Act::Absent),
    ),
    from_the_start(
        3,
        udp(
            "dns bad at first",
            "DNS_CHECK",
            DNS,
            Act::Datagram(|query| Some(dns_with(query, [0x81, 0x82]))),
        ),
    ),
    udp("udp reply", "UDP_CHECK {require_reply", ECHO, SILENT),
    udp(
        "udp pattern",
        "UDP_CHECK {require_reply 6b65xx70",
        ECHO,
        Act::Datagram(|_| Some(b"kexq".to_vec())),
    ),
    udp(
        "udp length",
        "UDP_CHECK {require_reply 6b65\nmin_reply_length 3",
        ECHO,
        Act::Datagram(|_| Some(b"ke".to_vec())),
    ),
    from_the_start(
        usize::MAX,
        udp(
            "udp empty reply",
            "UDP_CHECK {require_reply 6b65",
            ECHO,
            Act::Datagram(|_| Some(vec![])),
        ),
    ),
    from_the_start(
        usize::MAX,
        udp("udp refused", "UDP_CHECK", Act::Absent, Act::Absent),
    ),
    from_the_start(usize::MAX, udp("udp none needed", "UDP_CHECK", SILENT, SILENT)),
    from_the_start(
        usize::MAX,
        udp("dns no route", "DNS_CHECK", Act::NoRoute, Act::NoRoute),
    ),
    from_the_start(
        usize::MAX,
        case("ping fine", "PING_CHECK", Act::Address, Act::Address),
    ),
    from_the_start(
        usize::MAX,
        case("ping swallowed", "PING_CHECK", Act::Swallow, Act::Swallow),
    ),
    from_the_start(
        usize::MAX,
        case("ping no route", "PING_CHECK", Act::NoRoute, Act::NoRoute),
    ),
    from_the_start(
        usize::MAX,
        case("smtp no route", "SMTP_CHECK", Act::NoRoute, Act::NoRoute),
    ),
    from_the_start(
        usize::MAX,
        case("smtp swallowed", "SMTP_CHECK", Act::Swallow, Act::Swallow),
    ),
    case(
        "http status",
        "HTTP_GET {url {\npath /\n}",
        OK,
        Act::Web("HTTP/1.0 500 No\r\n\r\n"),
    ),
    case("http silent", "HTTP_GET {url {\npath /\n}", OK, Act::Hang(&[])),
    case(
        "http no data",
        "HTTP_GET {url {\npath /\n}",
        OK,
        Act::Web("HTTP/1.0 200 OK\r\n"),
    ),
    from_the_start(
        usize::MAX,
        case(
            "file",
            "FILE_CHECK {track_file D\nweight 0",
            Act::Address,
            Act::Address,
        ),
    ),
    case("http closes", "HTTP_GET {url {\npath /\n}", OK, Act::Web("")),
    case(
        "http regex",
        "HTTP_GET {url {\npath /\nregex f[a-z]ne\n}",
        OK,
        Act::Web("HTTP/1.0 200 OK\r\n\r\nfive"),
    ),
    case(
        "http regex reversed",
        "HTTP_GET {url {\npath /\nregex five\nregex_no_match\n}",
        OK,
        Act::Web("HTTP/1.0 200 OK\r\n\r\nfive"),
    ),
    case(
        "http regex options",
        "HTTP_GET {url {\npath /\nregex ^FINE\nregex_options caseless multiline\nregex_stack 40000 80000\n}",
        Act::Web("HTTP/1.0 200 OK\r\n\r\nnot\nfine"),
        Act::Web("HTTP/1.0 200 OK\r\n\r\nnot fine"),
    ),
    case(
        "http digest before regex",
        "HTTP_GET {url {\npath /\ndigest fff25994ee3941b225ba898fd17d186f\nregex fine\n}",
        OK,
        Act::Web("HTTP/1.0 200 OK\r\n\r\nfinest"),
    ),
    case(
        "http length",
        "HTTP_GET {url {\npath /a\n}",
        Act::Web("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nfine"),
        Act::Web("HTTP/1.0 500 No\r\nContent-Length: 4\r\n\r\nfine"),
    ),
    case(
        "http length, virtual host",
        "HTTP_GET {url {\npath /a\nvirtualhost www.example.com\n}",
        Act::Web("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nfine"),
        Act::Web("HTTP/1.0 500 No\r\n\r\n"),
    ),
    from_the_start(
        3,
        case(
            "http bad at first",
            "HTTP_GET {url {\npath /\n}",
            OK,
            Act::Web("HTTP/1.0 500 No\r\n\r\n"),
        ),
    ),
    case("http resets", "HTTP_GET {url {\npath /\n}", OK, Act::Reset),
    case(
        "http no code",
        "HTTP_GET {url {\npath /\n}",
        OK,
        Act::Web("HTTP/1.0 hello\r\n\r\nx"),
    ),
    from_the_start(
        usize::MAX,
        case(
            "http refused",
            "HTTP_GET {url {\npath /\n}",
            Act::Absent,
            Act::Absent,
        ),
    ),
    from_the_start(
        usize::MAX,
        case(
            "http swallowed",
            "HTTP_GET {url {\npath /\n}",
            Act::Swallow,
            Act::Swallow,
        ),
    ),
];

/// Every failed attempt is told, so equal words are equal numbers of attempts; and each mail has the checker's words.
///
/// LVS facts: 8.1, 8.3, 8.5, 9.3, 9.5, 9.6, 9.7, 9.15, 9.18, 9.24, 10.7, 10.9, 10.10, 10.12, 10.13, 10.15, 12.3, 12.4
/// LVS facts: 15.3, 15.4
pub fn beside_keepalived() {
    let daemons = [("oracle", Daemon::Keepalived), ("subject", Daemon::under_test())];
    let mut relays = Vec::new();
    let mut sides: Vec<Director> = daemons
        .into_iter()
        .map(|(name, daemon)| {
            let node = Node::new(name);
            node.ip("link set lo up
link add hole type dummy
address add 198.18.0.1/15 dev hole
link set hole up
");
            let mut director = Director::new(node);
            director.daemon = daemon;
            director.options = &["--check"];
            relays.push(Relay::listen(&director, 2525));
            director.write("/run/d", "0");
            for (n, case) in CASES.iter().enumerate() {
                serve(&director, n, case);
            }
            let services: String = CASES
                .iter()
                .enumerate()
                .map(|(n, case)| service(n, case))
                .collect();
            director.run_with(&format!("{GLOBAL}track_file D {{\nfile /run/d\n}}\n{services}"));
            director
        })
        .collect();
    for director in &sides {
        director
            .log
            .wait("ICMP connection to", Stamp(Duration::ZERO), 3 * SOON);
        director.write("/run/d", "1");
        let fault = "tracked file D now FAULT state";
        director.log.wait(fault, Stamp(Duration::ZERO), 2 * SOON);
        director.write("/run/d", "0");
    }
    for (n, case) in CASES.iter().enumerate() {
        let server = format!("[{}]", at(n, case).ip());
        let returns = case.bad < usize::MAX || case.name == "file";
        let told = |director: &Director| told(director, &server, returns);
        let [theirs, ours] = wait_for(format!("{}: the end of the story", case.name), 9 * SOON, || {
            Some([told(&sides[0])?, told(&sides[1])?])
        });
        assert_eq!(theirs, ours, "{}", case.name);
        // A mail takes its way after the line.
        let mails = || [0, 1].map(|side| mails(&relays[side], &server));
        let due = ours.iter().filter(|line| turns(line)).count();
        // FILE_CHECK sends none (fact 15.5).
        let due = if case.name == "file" { 0 } else { due };
        let lines = ours.len();
        let [theirs, ours] = wait_for(format!("{}: mails", case.name), 6 * SOON, || {
            let mut mails = mails();
            let all = mails.iter().all(|mails| mails.len() >= due);
            mails.iter_mut().for_each(|mails| mails.truncate(due));
            all.then_some(mails)
        });
        assert_eq!(theirs, ours, "{}", case.name);
        note(
            "lab",
            format!("{}: {lines} lines, {} mails", case.name, ours.len()),
        );
    }
    for director in &mut sides {
        assert_eq!(director.stop(), Some(0), "exit code");
    }
}

/// Whether a mail follows.
fn turns(line: &str) -> bool {
    ["Adding service", "Removing service"]
        .iter()
        .any(|words| line.contains(words))
}

/// The subject and the text of each mail of a server.
fn mails(relay: &Relay, server: &str) -> Vec<[String; 2]> {
    let letters = relay.letters();
    let told = letters.iter().filter_map(|letter| {
        let subject = letter.text.iter().find(|line| line.starts_with("Subject: "))?;
        // 2.2.7 knows no SSL here (fact 15.4).
        let text = letter.text.iter().rfind(|line| !line.is_empty())?;
        let text = text.replace(": HTTP request failed", ": HTTP/SSL request failed");
        subject.contains(server).then(|| [subject.clone(), text])
    });
    told.collect()
}

/// What was told of a server, once all is told: it went down and, if it `returns`, came back; or nothing more comes.
fn told(director: &Director, server: &str, returns: bool) -> Option<Vec<String>> {
    // Ours says why, at detail.
    let own =
        |line: &String| line.contains(server) && !line.contains("Activating") && !line.contains(" of [");
    let named = |line: &String| own(line) || (line.contains(server) && line.contains("ICMP CHECK"));
    let all = director.log.lines().into_iter();
    let (times, mut lines): (Vec<Stamp>, Vec<String>) = all.filter(|(_, line)| named(line)).unzip();
    let position = |what: &str| lines.iter().position(|line| line.contains(what));
    let (down, up) = (position("Removing service"), position("Adding service"));
    let whole = if returns {
        // The story is over: what a machine that is too busy tells of later is none of it.
        lines.truncate(up.map_or(lines.len(), |up| up + 1));
        down.is_some() && up > down
    } else {
        times.last().is_some_and(|last| last.elapsed() > QUIET)
    };
    whole.then_some(lines)
}

fn at(n: usize, case: &Case) -> SocketAddr {
    let n = n as u8 + 1;
    let ip: [u8; 4] = match case.good {
        Act::Swallow => [198, 18, 1, n],
        Act::NoRoute => [203, 0, 113, n],
        _ => [127, 0, 1, n],
    };
    SocketAddr::new(ip.into(), 1000)
}

fn service(n: usize, case: &Case) -> String {
    let (at, number, protocol) = (at(n, case), n + 1, case.protocol);
    let checker = if case.checker.contains('{') {
        case.checker.replacen('{', "{\n", 1)
    } else {
        format!("{} {{", case.checker)
    };
    let timing = if case.checker.starts_with("FILE_CHECK") {
        ""
    } else {
        TIMING
    };
    format!(
        "virtual_server 192.0.2.{number} 1000 {{
    delay_loop 1
    lb_algo rr
    lb_kind TUN
    protocol {protocol}
    real_server {} {} {{
        {checker}
            {timing}
        }}
    }}
}}
",
        at.ip(),
        at.port()
    )
}

fn serve(director: &Director, n: usize, case: &'static Case) {
    let count = Arc::new(AtomicUsize::new(0));
    let next = move || {
        let n = count.fetch_add(1, Ordering::Relaxed);
        if n >= case.fine && n - case.fine < case.bad {
            case.ill
        } else {
            case.good
        }
    };
    let at = at(n, case);
    match case.good {
        Act::Say(_) | Act::Web(_) | Act::Reset | Act::Hang(_) => {
            let listener = director.within(|| TcpListener::bind(at)).expect("a listener");
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let act = next();
                    thread::spawn(move || talk(stream, act));
                }
            });
        }
        Act::Datagram(_) => {
            let socket = director.within(|| UdpSocket::bind(at)).expect("a socket");
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    if let Act::Datagram(reply) = next()
                        && let Some(answer) = reply(&buffer[..length])
                    {
                        let _ = socket.send_to(&answer, from);
                    }
                }
            });
        }
        Act::Absent | Act::Address | Act::Swallow | Act::NoRoute => {}
    }
}

fn talk(stream: TcpStream, act: Act) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    let mut line = String::new();
    match act {
        Act::Say(parts) | Act::Hang(parts) => {
            for (n, part) in parts.iter().enumerate() {
                if n > 0 {
                    lines.read_line(&mut line).ok()?;
                }
                stream.write_all(part.as_bytes()).ok()?;
            }
            if let Act::Hang(_) = act {
                sleep(Duration::from_secs(10));
            }
        }
        Act::Web(answer) => {
            while lines.read_line(&mut line).ok()? > 2 {}
            stream.write_all(answer.as_bytes()).ok()?;
        }
        Act::Reset => {
            while lines.read_line(&mut line).ok()? > 2 {}
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).ok()?;
        }
        _ => {}
    }
    Some(())
}
