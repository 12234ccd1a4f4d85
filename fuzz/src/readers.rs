//! What must hold for whatever a back-end sends: reading ends, in bounded memory, and the cut into pieces, which the
//! network makes, changes nothing.
//!
//! Each input begins with a few octets that choose the checker and the cut.

use std::path::Path;
use std::sync::OnceLock;
use steadfast::check::config::{DnsType, ProbeConfig, ServiceSettings, UrlConfig};
use steadfast::check::dialogue::{self, MAX_MESSAGE, Step};
use steadfast::check::event::Reason;
use steadfast::check::probe::answer::{Answer, MAX_HEADER, Verdict};
use steadfast::check::{dns as question, smtp as mail};
use steadfast::conf::{self, ReadOptions};
use steadfast::plan::{self, Host};

/// The checkers of a real server.
fn probes(checkers: &str) -> Vec<ProbeConfig> {
    let text = format!(
        "virtual_server 192.0.2.1 80 {{\nlvs_sched rr\nlvs_method DR\nprotocol TCP\nreal_server 192.0.2.2 80 {{\n{checkers}\n}}\n}}\n"
    );
    let options = ReadOptions {
        alone: true,
        ..ReadOptions::default()
    };
    let reading = conf::read_bytes(Path::new("fuzz.conf"), text.as_bytes(), &options);
    let (plan, more) = plan::build(&reading.config, &Host::default());
    let told: Vec<_> = reading.diagnostics.iter().chain(&more).collect();
    assert!(told.is_empty(), "{told:?}");
    let servers = plan
        .check
        .services
        .into_iter()
        .flat_map(|service| service.real_servers);
    servers
        .flat_map(|server| server.checkers)
        .map(|checker| ProbeConfig::clone(&checker.probe))
        .collect()
}

/// `octets` in pieces of lengths that `seed` gives: from 1 to 256, or whole.
fn pieces(octets: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut all = Vec::new();
    let mut rest = octets;
    let mut length = usize::from(seed);
    while !rest.is_empty() {
        length = (length * 31 + 7) % 256;
        let (piece, after) = rest.split_at((length + 1).min(rest.len()));
        all.push(piece);
        rest = after;
    }
    all
}

const URLS: &str = "HTTP_GET {\nurl {\npath /\n}\nurl {\npath /\ndigest 5d41402abc4b2a76b9719d911017c592\n}\n\
    url {\npath /\nstatus_code 200-204 404\n}\n}";

/// An answer of a web server to the end of its connection.
pub fn http(input: &[u8]) {
    static PROBES: OnceLock<Vec<ProbeConfig>> = OnceLock::new();
    let [which, seed, octets @ ..] = input else {
        return;
    };
    let urls = PROBES.get_or_init(|| probes(URLS))[0].urls();
    let url = &urls[usize::from(*which) % urls.len()];
    let read = |pieces: &[&[u8]]| {
        let mut answer = Answer::new(url);
        for piece in pieces {
            answer.take(piece)?;
        }
        Ok(answer.finish(url))
    };
    let whole: Result<Verdict, Reason> = read(&[octets]);
    assert_eq!(whole, read(&pieces(octets, *seed)), "{octets:?}");

    let end = octets.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.map(|at| at + 4).filter(|end| *end <= MAX_HEADER);
    match (end, whole) {
        (None, Err(_)) => assert!(octets.len() >= MAX_HEADER),
        (None, Ok(verdict)) => {
            assert!(octets.len() < MAX_HEADER);
            assert!(verdict.result.is_err() && verdict.lengths.is_none());
        }
        (Some(end), Ok(verdict)) => judged(url, &octets[..end], (octets.len() - end) as u64, &verdict),
        (Some(_), Err(reason)) => panic!("{reason}"),
    }
}

fn judged(url: &UrlConfig, header: &[u8], received: u64, verdict: &Verdict) {
    let announced = header
        .split(|octet| *octet == b'\n')
        .skip(1)
        .any(|line| line.starts_with(b"Content-Length:"));
    match verdict.lengths {
        None => {}
        Some((_, counted)) => assert!(announced && counted == received),
    }
    if verdict.result.is_ok() {
        // Some accepted status stands in the first line.
        let line = header.split(|octet| *octet == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let accepted = |status: u16| {
            url.status
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&status))
        };
        assert!((100..600).any(|status| accepted(status) && line.contains(&status.to_string())));
    }
}

/// A datagram in answer to a question; and a question for any name.
pub fn dns(input: &[u8]) {
    let [high, low, kind, datagram @ ..] = input else {
        return;
    };
    let id = u16::from_be_bytes([*high, *low]);
    if let Some(code) = question::response_code(id, datagram) {
        assert!(code < 16 && datagram.len() >= 12 && datagram[..2] == [*high, *low]);
    }
    let kind = DnsType::ALL[usize::from(*kind) % DnsType::ALL.len()];
    let name = String::from_utf8_lossy(datagram);
    let mut asked = question::question(id, kind, Some(&name));
    assert_eq!(
        question::response_code(id, &asked),
        None,
        "a question is no answer"
    );
    asked[2] |= 0x80;
    assert_eq!(question::response_code(id, &asked), Some(0));
    assert_eq!(question::response_code(id ^ 1, &asked), None);
    let mut rest = &asked[12..];
    while let [length @ 1..=63, after @ ..] = rest {
        rest = &after[usize::from(*length)..];
    }
    assert!(rest.len() == 5 && rest[0] == 0, "{asked:?}");
}

/// The replies of a mail server.
pub fn smtp(input: &[u8]) {
    // What comes behind a reply before we speak is left out: each line comes alone here.
    let by_lines = converse(input.split_inclusive(|octet| *octet == b'\n'));
    assert_eq!(by_lines, converse(input.chunks(1)), "{input:?}");
    let steps: Vec<_> = by_lines.iter().flatten().collect();
    let all = [mail::Step::Helo, mail::Step::Quit, mail::Step::Done];
    assert!(steps.iter().zip(&all).all(|(step, wanted)| *step == wanted));
    assert!(steps.len() <= all.len());
}

/// What is to be done, one after the other, to the end or an error.
fn converse<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<mail::Step, String>> {
    let mut dialogue = mail::Dialogue::default();
    let mut steps = Vec::new();
    for piece in pieces {
        match dialogue.take(piece) {
            Ok(mail::Step::Wait) => {}
            Ok(step) => {
                steps.push(Ok(step));
                if step == mail::Step::Done {
                    break;
                }
            }
            Err(reason) => {
                steps.push(Err(reason.to_string()));
                break;
            }
        }
    }
    steps
}

/// Each question of each service, in clear and under TLS: whoever adds one adds it here, as `tests/found.rs` wants.
pub const SERVICES: &str = "REDIS_CHECK {\n}\nREDIS_CHECK {\nusername me\npassword secret\nrole master\n}\n\
    WEBSOCKET_CHECK {\n}\nWEBSOCKET_CHECK {\nping\nsend hello\nexpect world\nsubprotocol chat\n}\n\
    RADIUS_CHECK {\nsecret s\n}\nRADIUS_CHECK {\nsecret s\nusername me\npassword secret\n}\n\
    SIP_CHECK {\n}\nSIP_CHECK {\ntransport tcp\n}\n\
    MYSQL_CHECK {\n}\nMYSQL_CHECK {\nusername me\npassword secret\ndatabase shop\nquery \"SELECT 1\"\n}\n\
    MYSQL_CHECK {\nusername me\npassword secret\ntls\n}\n\
    PGSQL_CHECK {\n}\nPGSQL_CHECK {\nusername me\npassword secret\nquery \"SELECT 1\"\n}\n\
    PGSQL_CHECK {\nusername me\npassword secret\ntls\n}\n\
    FTP_CHECK {\nusername me\npassword secret\npath /x\n}\nFTP_CHECK {\nusername ftp\npath x/\nstarttls\n}\n\
    LDAP_CHECK {\nusername cn=me\npassword secret\nbase dc=x\nfilter cn=*\n}\nLDAP_CHECK {\nstarttls\n}\n\
    NNTP_CHECK {\nusername me\npassword secret\ngroup x\n}\nNNTP_CHECK {\ngroup x\nstarttls\n}\n\
    POP3_CHECK {\nusername me\npassword secret\n}\nPOP3_CHECK {\nstarttls\n}\nFTP_CHECK {\n}\n\
    IMAP_CHECK {\n}\nIMAP_CHECK {\nusername me\npassword secret\n}\nIMAP_CHECK {\nusername me\npassword secret\nstarttls\n}";

/// What a service of another protocol says.
pub fn dialogue(input: &[u8]) {
    static PROBES: OnceLock<Vec<ServiceSettings>> = OnceLock::new();
    let settings = PROBES.get_or_init(|| {
        let settings = |probe| match probe {
            ProbeConfig::Service(config) => config.settings,
            other => panic!("{other:?}"),
        };
        probes(SERVICES).into_iter().map(settings).collect()
    });
    let [which, seed, octets @ ..] = input else {
        return;
    };
    let settings = &settings[usize::from(*which) % settings.len()];
    let whole = talk(settings, &[octets]);
    let cut = talk(settings, &pieces(octets, *seed));
    // What came before TLS began is refused, and that it did is a matter of time.
    let secured = |conversation: &Conversation| conversation.sent.contains(&None);
    if !secured(&whole) && !secured(&cut) {
        assert_eq!(whole, cut, "{settings:?} {octets:?}");
    }
}

/// What was said to a service, `None` for the beginning of TLS; and whether it is well, once that is known.
#[derive(Debug, PartialEq, Eq)]
struct Conversation {
    sent: Vec<Option<Vec<u8>>>,
    outcome: Option<Result<(), String>>,
}

fn talk(settings: &ServiceSettings, pieces: &[&[u8]]) -> Conversation {
    let mut dialogue = dialogue::begin(settings, &[7; 24]).expect("a conversation");
    let mut pieces = pieces.iter();
    let mut input = Vec::new();
    let mut sent = Vec::new();
    // Each word of ours but the first two answers one of theirs.
    let mut left = 2 + pieces.as_slice().iter().map(|piece| piece.len()).sum::<usize>();
    let outcome = loop {
        match dialogue.step(&mut input) {
            Step::More => {
                assert!(input.len() <= MAX_MESSAGE + 16, "{} octets are kept", input.len());
                match pieces.next() {
                    Some(piece) => input.extend_from_slice(piece),
                    None => break None,
                }
                continue;
            }
            Step::Send(octets) => sent.push(Some(octets)),
            Step::StartTls if input.is_empty() => sent.push(None),
            Step::StartTls => {
                sent.push(None);
                break Some(Err("words before TLS".to_owned()));
            }
            Step::Done(last) => {
                sent.push(Some(last));
                break Some(Ok(()));
            }
            Step::Failed(reason) => break Some(Err(reason.to_string())),
        }
        assert!(left > 0, "it speaks without end: {sent:?}");
        left -= 1;
    };
    Conversation { sent, outcome }
}
