//! SIP (RFC 3261): `OPTIONS`, and the final status of the answer with our Call-ID. Over datagrams and streams alike.

use super::{Dialogue, Seed, Step, said, take_line, wrong};
use crate::check::config::Sip as Settings;

/// The most octets of a head, and of a body.
const MOST: usize = 64 * 1024;

/// What has come of a message.
#[derive(Default)]
struct Head {
    /// None for a request of theirs.
    code: Option<u16>,
    words: String,
    ours: bool,
    body: usize,
    octets: usize,
}

pub(super) struct Sip {
    request: Option<Vec<u8>>,
    call: String,
    good: Vec<(u16, u16)>,
    head: Option<Head>,
    /// Octets of a body that are of no interest.
    skip: usize,
}

impl Sip {
    pub(super) fn new(settings: &Settings, secured: bool, seed: &Seed) -> Self {
        let hex = |part: &[u8]| {
            part.iter()
                .map(|octet| format!("{octet:02x}"))
                .collect::<String>()
        };
        let (call, rest) = seed.split_at(12);
        let (tag, branch) = rest.split_at(4);
        let call = hex(call);
        let transport = match (secured, settings.stream) {
            (true, _) => "TLS",
            (false, true) => "TCP",
            (false, false) => "UDP",
        };
        let Settings { uri, from, .. } = settings;
        // The answer comes to where the request came from (RFC 3581), so the name in Via is nobody's.
        let request = format!(
            "OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} steadfast.invalid;branch=z9hG4bK{};rport\r\n\
             Max-Forwards: 70\r\nFrom: <{from}>;tag={}\r\nTo: <{uri}>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\n\
             Contact: <{from}>\r\nAccept: application/sdp\r\nUser-Agent: steadfast\r\nContent-Length: 0\r\n\r\n",
            hex(branch),
            hex(tag),
        );
        Self {
            request: Some(request.into_bytes()),
            call,
            good: settings.status.clone(),
            head: None,
            skip: 0,
        }
    }

    /// Takes a line of a head; what comes of the message when it was the last.
    fn line(&mut self, line: &[u8]) -> Option<Step> {
        let Some(head) = &mut self.head else {
            // Empty lines keep connections alive.
            if !line.is_empty() {
                match first(line) {
                    Some(head) => self.head = Some(head),
                    None => return Some(wrong(format!("unexpected answer {}", said(line)))),
                }
            }
            return None;
        };
        head.octets += line.len();
        if head.octets > MOST {
            return Some(wrong(format!("a head of more than {MOST} octets")));
        }
        if !line.is_empty() {
            let text = String::from_utf8_lossy(line);
            let (name, value) = text.split_once(':').unwrap_or((&text, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "call-id" | "i" => head.ours = value.trim() == self.call,
                "content-length" | "l" => match value.trim().parse() {
                    Ok(length) if length <= MOST => head.body = length,
                    _ => return Some(wrong(format!("a body of {} octets", said(value.as_bytes())))),
                },
                _ => {}
            }
            return None;
        }
        let head = self.head.take()?;
        self.skip = head.body;
        // Somebody else's, a request, or not the last word.
        let code = head.code.filter(|code| head.ours && *code >= 200)?;
        if self.good.iter().any(|(low, high)| (*low..=*high).contains(&code)) {
            return Some(Step::Done(Vec::new()));
        }
        Some(wrong(
            format!("SIP status {code} {}", head.words).trim_end().to_owned(),
        ))
    }
}

impl Dialogue for Sip {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        if let Some(request) = self.request.take() {
            return Step::Send(request);
        }
        loop {
            let skipped = self.skip.min(input.len());
            input.drain(..skipped);
            self.skip -= skipped;
            if self.skip > 0 {
                return Step::More;
            }
            match take_line(input) {
                Ok(Some(line)) => {
                    if let Some(step) = self.line(&line) {
                        return step;
                    }
                }
                Ok(None) => return Step::More,
                Err(step) => return step,
            }
        }
    }
}

/// The first line of a message: `SIP/2.0 200 OK`, or one of a request.
fn first(line: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(line).ok()?;
    if text.ends_with(" SIP/2.0") {
        return Some(Head::default());
    }
    let rest = text.strip_prefix("SIP/2.0 ")?;
    let (code, words) = rest.split_once(' ').unwrap_or((rest, ""));
    let code = code.parse().ok().filter(|code| (100..700).contains(code))?;
    Some(Head {
        code: Some(code),
        words: said(words.as_bytes()),
        ..Head::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse, drip, hostile};
    use super::*;

    fn sip(stream: bool) -> Sip {
        let settings = Settings {
            stream,
            uri: "sip:192.0.2.1:5060".into(),
            from: "sip:steadfast@steadfast.invalid".into(),
            status: vec![(200, 200), (404, 405)],
        };
        Sip::new(&settings, false, &[0xab; 24])
    }

    const OURS: &str = "Call-ID: abababababababababababab\r\n";

    #[test]
    fn options_and_the_answer() {
        let answers = [
            "SIP/2.0 100 Trying\r\ni:abababababababababababab\r\nl: 3\r\n\r\nxyz",
            "\r\n",
            "OPTIONS sip:me SIP/2.0\r\nCall-ID: x\r\n\r\n",
            "SIP/2.0 500 Other\r\nCall-ID: x\r\n\r\n",
            "SIP/2.0 200 OK\r\nVia: x\r\nCall-ID : abababababababababababab\r\nContent-Length: 0\r\n\r\n",
        ];
        for ended in [converse(sip(false), &answers), drip(sip(false), &answers)] {
            assert_eq!(ended.outcome, Ok(()));
            let sent = &ended.sent_text()[0];
            assert!(
                sent.starts_with("OPTIONS sip:192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP "),
                "{sent}"
            );
            assert!(sent.contains(";rport\r\n") && sent.contains(OURS) && sent.ends_with("\r\n\r\n"));
        }
        let ended = converse(sip(true), &[format!("SIP/2.0 404 Not Found\r\n{OURS}\r\n")]);
        assert_eq!(ended.outcome, Ok(()));
        assert!(ended.sent_text()[0].contains("SIP/2.0/TCP "));
        hostile(|| sip(false));
        hostile(|| sip(true));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (answer, said) in [
            (
                format!("SIP/2.0 503 Service Unavailable\r\n{OURS}\r\n"),
                "SIP status 503 Service Unavailable",
            ),
            (format!("SIP/2.0 486\r\n{OURS}\r\n"), "SIP status 486"),
            (
                "HTTP/1.1 200 OK\r\n\r\n".into(),
                "unexpected answer HTTP/1.1 200 OK",
            ),
            ("SIP/2.0 9999 OK\r\n".into(), "unexpected answer SIP/2.0 9999 OK"),
            (
                "SIP/2.0 200 OK\r\nl: 99999999\r\n".into(),
                "a body of 99999999 octets",
            ),
            (
                format!("SIP/2.0 200 OK\r\n{}", "a: b\r\n".repeat(20_000)),
                "a head of more than 65536 octets",
            ),
        ] {
            assert_eq!(converse(sip(false), &[answer]).failure(), said);
        }
        let other = "SIP/2.0 200 OK\r\nCall-ID: other\r\n\r\n";
        assert_eq!(converse(sip(false), &[other]).outcome, Err(Said::Unfinished));
    }
}
