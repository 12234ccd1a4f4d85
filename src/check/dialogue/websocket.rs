//! WebSocket (RFC 6455): the upgrade with its proof, a ping that comes back, a message there and one back, the end.

use super::{Dialogue, MAX_MESSAGE, Seed, Step, base64, said, take_line, wrong};
use crate::check::config::WebSocket as Settings;
use crate::check::event::Reason;
use sha1::{Digest, Sha1};

/// What makes a key the server's proof (RFC 6455, 1.3).
const PROOF: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The most octets of the answer's head.
const MOST_HEAD: usize = 64 * 1024;
/// The most octets of a message of theirs.
const MOST: usize = MAX_MESSAGE - 16;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Status,
    Head,
    Talk,
    Pong,
    Message,
}

/// What the answer's head has said.
#[derive(Default)]
struct Head {
    upgrade: bool,
    connection: bool,
    accept: Option<String>,
    subprotocol: Option<String>,
    octets: usize,
}

pub(super) struct WebSocket {
    settings: Settings,
    state: State,
    key: String,
    /// What makes up masks, and the ping.
    seed: Seed,
    head: Head,
    pinged: bool,
    sent: bool,
    /// The message so far, when its end has not come.
    message: Option<Vec<u8>>,
}

impl WebSocket {
    pub(super) fn new(settings: &Settings, seed: &Seed) -> Self {
        Self {
            settings: settings.clone(),
            state: State::Start,
            key: base64::encode(seed.get(..16).unwrap_or_default()),
            seed: *seed,
            head: Head::default(),
            pinged: false,
            sent: false,
            message: None,
        }
    }

    fn request(&self) -> Vec<u8> {
        let Settings {
            path,
            virtualhost,
            headers,
            subprotocol,
            ..
        } = &self.settings;
        let path = path.replace(' ', "%20");
        let mut out = format!(
            "GET {path} HTTP/1.1\r\nHost: {virtualhost}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n",
            self.key
        );
        if let Some(subprotocol) = subprotocol {
            out.push_str(&format!("Sec-WebSocket-Protocol: {subprotocol}\r\n"));
        }
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("user-agent"))
        {
            out.push_str("User-Agent: steadfast\r\n");
        }
        for (name, value) in headers {
            out.push_str(&format!("{name}: {}\r\n", value.0));
        }
        out.push_str("\r\n");
        out.into_bytes()
    }

    /// Takes a line of the answer's head.
    fn line(&mut self, line: &[u8]) -> Result<(), Step> {
        let text = String::from_utf8_lossy(line);
        if self.state == State::Status {
            self.state = State::Head;
            let rest = text.strip_prefix("HTTP/1.1 ");
            let code = rest
                .and_then(|rest| rest.get(..3))
                .and_then(|code| code.parse().ok());
            return match code {
                Some(101) => Ok(()),
                Some(code) => Err(Step::Failed(Reason::Status(code))),
                None => Err(wrong(format!("unexpected answer {}", said(line)))),
            };
        }
        self.head.octets += line.len() + 2;
        if self.head.octets > MOST_HEAD {
            return Err(wrong(format!("a head of more than {MOST_HEAD} octets")));
        }
        if line.is_empty() {
            return self.opened();
        }
        let (name, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.trim();
        let lists = |word: &str| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(word));
        match name.trim().to_ascii_lowercase().as_str() {
            "upgrade" => self.head.upgrade |= value.eq_ignore_ascii_case("websocket"),
            "connection" => self.head.connection |= lists("upgrade"),
            "sec-websocket-accept" => self.head.accept = Some(value.to_owned()),
            "sec-websocket-protocol" => self.head.subprotocol = Some(value.to_owned()),
            "sec-websocket-extensions" if !value.is_empty() => {
                return Err(wrong("it speaks an extension that nobody asked for"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the head says all that it has to.
    fn opened(&mut self) -> Result<(), Step> {
        let head = &self.head;
        if !head.upgrade || !head.connection {
            return Err(wrong("it did not upgrade to WebSocket"));
        }
        let proof = Sha1::digest(format!("{}{PROOF}", self.key));
        if head.accept.as_deref() != Some(base64::encode(&proof).as_str()) {
            return Err(wrong("its Sec-WebSocket-Accept is not that of our key"));
        }
        if head.subprotocol != self.settings.subprotocol {
            return Err(wrong(match &head.subprotocol {
                Some(other) => format!("its subprotocol is {}", said(other.as_bytes())),
                None => "it agreed on no subprotocol".to_owned(),
            }));
        }
        self.state = State::Talk;
        Ok(())
    }

    /// What we say next, once the WebSocket is open.
    fn talk(&mut self) -> Step {
        if self.settings.ping && !self.pinged {
            self.pinged = true;
            self.state = State::Pong;
            return Step::Send(self.frame(PING, &self.seed));
        }
        if let Some(text) = self.settings.send.as_ref().filter(|_| !self.sent) {
            let frame = self.frame(TEXT, text.as_bytes());
            self.sent = true;
            return Step::Send(frame);
        }
        if self.settings.expect.is_some() {
            self.state = State::Message;
            return Step::More;
        }
        Step::Done(self.frame(CLOSE, &1000_u16.to_be_bytes()))
    }

    /// A whole message of ours, which has to be masked.
    fn frame(&self, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0x80 | opcode];
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(short), _) if short < 126 => out.push(0x80 | short),
            (_, Ok(length)) => {
                out.push(0x80 | 126);
                out.extend(length.to_be_bytes());
            }
            _ => {
                out.push(0x80 | 127);
                out.extend(u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
            }
        }
        let mask: Vec<u8> = self
            .seed
            .iter()
            .skip(16)
            .take(4)
            .map(|octet| octet ^ opcode)
            .collect();
        out.extend(&mask);
        out.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(octet, mask)| octet ^ mask),
        );
        out
    }

    /// Takes a frame of theirs; what we do about it.
    fn take(&mut self, frame: Frame) -> Option<Step> {
        match frame.opcode {
            PING => return Some(Step::Send(self.frame(PONG, &frame.payload))),
            PONG => {
                if self.state == State::Pong && frame.payload == self.seed {
                    self.state = State::Talk;
                }
            }
            CLOSE => {
                return Some(wrong(match frame.payload.split_first_chunk() {
                    Some((code, words)) => {
                        let text = format!("it closed with {} {}", u16::from_be_bytes(*code), said(words));
                        text.trim_end().to_owned()
                    }
                    None => "it closed before the end".to_owned(),
                }));
            }
            TEXT | BINARY | CONTINUATION => {
                if (frame.opcode == CONTINUATION) != self.message.is_some() {
                    return Some(wrong("a part of a message that does not follow the last one"));
                }
                let message = self.message.get_or_insert_default();
                message.extend(frame.payload);
                if message.len() > MOST {
                    return Some(wrong(format!("a message of more than {MOST} octets")));
                }
                if frame.last {
                    let message = self.message.take()?;
                    self.judge(&message);
                }
            }
            other => return Some(wrong(format!("a frame of the unknown kind {other}"))),
        }
        None
    }

    /// Notes what is expected: whenever it comes, or after what we send. Other messages are not for us.
    fn judge(&mut self, message: &[u8]) {
        let Some(text) = self.settings.expect.as_deref().map(str::as_bytes) else {
            return;
        };
        let there = text.is_empty() || message.windows(text.len()).any(|part| part == text);
        if there && (self.sent || self.settings.send.is_none()) {
            self.settings.expect = None;
            if self.state == State::Message {
                self.state = State::Talk;
            }
        }
    }
}

impl Dialogue for WebSocket {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        loop {
            match self.state {
                State::Start => {
                    self.state = State::Status;
                    return Step::Send(self.request());
                }
                State::Status | State::Head => match take_line(input) {
                    Ok(Some(line)) => {
                        if let Err(step) = self.line(&line) {
                            return step;
                        }
                    }
                    Ok(None) => return Step::More,
                    Err(step) => return step,
                },
                State::Talk => match self.talk() {
                    Step::More => {}
                    step => return step,
                },
                State::Pong | State::Message => match Frame::read(input) {
                    Ok(Some(frame)) => {
                        if let Some(step) = self.take(frame) {
                            return step;
                        }
                    }
                    Ok(None) => return Step::More,
                    Err(step) => return step,
                },
            }
        }
    }
}

struct Frame {
    last: bool,
    opcode: u8,
    payload: Vec<u8>,
}

impl Frame {
    /// Takes a frame from the front; nothing while it is not whole.
    fn read(input: &mut Vec<u8>) -> Result<Option<Self>, Step> {
        let [first, second, ..] = **input else {
            return Ok(None);
        };
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 || second & 0x80 != 0 {
            return Err(wrong("a frame that is none"));
        }
        if opcode >= CLOSE && (!last || second > 125) {
            return Err(wrong("a control frame that is none"));
        }
        let wide = match second {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some(octets) = input.get(2..2 + wide) else {
            return Ok(None);
        };
        let length = match wide {
            0 => u64::from(second),
            _ => octets
                .iter()
                .fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet)),
        };
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= MOST) else {
            return Err(wrong(format!("a frame of {length} octets")));
        };
        let end = 2 + wide + length;
        if input.len() < end {
            return Ok(None);
        }
        let payload = input.drain(..end).skip(2 + wide).collect();
        Ok(Some(Self {
            last,
            opcode,
            payload,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse, drip, hostile};
    use super::*;
    use crate::check::config::Password;

    const SEED: Seed = [9; 24];

    fn settings() -> Settings {
        Settings {
            path: "/chat?x=1".into(),
            virtualhost: "www.example.org".into(),
            headers: vec![("Origin".into(), Password("https://www.example.org".into()))],
            subprotocol: None,
            ping: true,
            send: Some("hello".into()),
            expect: Some("world".into()),
        }
    }

    fn socket() -> WebSocket {
        WebSocket::new(&settings(), &SEED)
    }

    fn accept() -> String {
        base64::encode(&Sha1::digest(format!("{}{PROOF}", base64::encode(&[9; 16]))))
    }

    fn opened() -> Vec<u8> {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            accept()
        )
        .into_bytes()
    }

    fn theirs(first: u8, payload: &[u8]) -> Vec<u8> {
        [&[first, u8::try_from(payload.len()).unwrap()][..], payload].concat()
    }

    /// RFC 6455, 1.3: its example of a proof.
    #[test]
    fn the_proof_is_that_of_the_rfc() {
        let proof = Sha1::digest(format!("dGhlIHNhbXBsZSBub25jZQ=={PROOF}"));
        assert_eq!(base64::encode(&proof), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_talk() {
        let answers = [
            opened(),
            theirs(0x81, b"unasked world"),
            theirs(0x8a, b"other pong"),
            theirs(0x8a, &SEED),
            theirs(0x89, b"are you there"),
            theirs(0x01, b"wor"),
            theirs(0x89, b""),
            theirs(0x80, b"ld"),
        ];
        let ended = converse(socket(), &answers);
        assert_eq!(ended.outcome, Ok(()));
        let sent = &ended.sent;
        let request = &ended.sent_text()[0];
        assert!(
            request.starts_with("GET /chat?x=1 HTTP/1.1\r\nHost: www.example.org\r\n"),
            "{request}"
        );
        assert!(request.contains("Sec-WebSocket-Key: CQkJCQkJCQkJCQkJCQkJCQ==\r\n"));
        assert!(request.contains("Origin: https://www.example.org\r\n") && request.ends_with("\r\n\r\n"));
        let kinds: Vec<u8> = sent[1..].iter().map(|frame| frame[0] & 0x0f).collect();
        assert_eq!(kinds, [PING, TEXT, PONG, PONG, CLOSE]);
        // Every frame of ours is masked.
        assert!(sent[1..].iter().all(|frame| frame[1] & 0x80 != 0));
        let mask = &sent[2][2..6];
        let text: Vec<u8> = sent[2][6..]
            .iter()
            .zip(mask.iter().cycle())
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(text, b"hello");
        let dripped = drip(socket(), &answers);
        assert_eq!((dripped.outcome, &dripped.sent), (Ok(()), sent));
        hostile(socket);
        assert!(!format!("{:?}", settings()).contains("https://"));
    }

    #[test]
    fn a_greeting_may_come_before_the_pong() {
        let greeted = Settings {
            send: None,
            ..settings()
        };
        let answers = [opened(), theirs(0x81, b"hello world"), theirs(0x8a, &SEED)];
        assert_eq!(
            converse(WebSocket::new(&greeted, &SEED), &answers).outcome,
            Ok(())
        );
    }

    #[test]
    fn an_open_socket_is_enough() {
        let bare = Settings {
            ping: false,
            send: None,
            expect: None,
            subprotocol: Some("chat".into()),
            ..settings()
        };
        let with = |line: &str| {
            let head = String::from_utf8(opened()).unwrap();
            head.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"))
        };
        let new = || WebSocket::new(&bare, &SEED);
        assert_eq!(
            converse(new(), &[with("Sec-WebSocket-Protocol: chat")]).outcome,
            Ok(())
        );
        assert_eq!(
            converse(new(), &[opened()]).failure(),
            "it agreed on no subprotocol"
        );
        assert_eq!(
            converse(new(), &[with("Sec-WebSocket-Protocol: other")]).failure(),
            "its subprotocol is other"
        );
        // Noise has no proof of our key.
        hostile(new);
        let long = Settings {
            send: Some("x".repeat(70_000)),
            ..settings()
        };
        let frame = WebSocket::new(&long, &SEED).frame(TEXT, &[b'x'; 70_000]);
        assert_eq!(frame[1..10], [0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        assert_eq!(
            WebSocket::new(&long, &SEED).frame(TEXT, &[b'x'; 300])[1..4],
            [0xfe, 1, 44]
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        let head = String::from_utf8(opened()).unwrap();
        for (answer, said) in [
            (
                "HTTP/1.1 404 Not Found\r\n\r\n".to_owned(),
                "HTTP status code 404",
            ),
            ("SSH-2.0\r\n".into(), "unexpected answer SSH-2.0"),
            (
                head.replace("Upgrade: WebSocket", "A: b"),
                "it did not upgrade to WebSocket",
            ),
            (
                head.replace(&accept(), "x"),
                "its Sec-WebSocket-Accept is not that of our key",
            ),
            (
                head.replace("Upgrade: WebSocket", "Sec-WebSocket-Extensions: x"),
                "it speaks an extension that nobody asked for",
            ),
        ] {
            assert_eq!(converse(socket(), &[answer]).failure(), said);
        }
        for (frame, said) in [
            (theirs(0x88, b"\x03\xf1overload"), "it closed with 1009 overload"),
            (theirs(0x88, b""), "it closed before the end"),
            (theirs(0xc1, b"x"), "a frame that is none"),
            (theirs(0x09, b"x"), "a control frame that is none"),
            (theirs(0x83, b"x"), "a frame of the unknown kind 3"),
            (
                theirs(0x80, b"x"),
                "a part of a message that does not follow the last one",
            ),
            (
                [&[0x82, 127][..], &[0xff; 8]].concat(),
                "a frame of 18446744073709551615 octets",
            ),
            (
                theirs(0x81, b"x").into_iter().map(|octet| octet | 0x80).collect(),
                "a frame that is none",
            ),
        ] {
            assert_eq!(converse(socket(), &[opened(), frame]).failure(), said);
        }
        let part = [&[0x01, 126, 0xff, 0][..], &[b'x'; 0xff00]].concat();
        let more = [&[0x00, 126, 0xff, 0][..], &[b'x'; 0xff00]].concat();
        assert_eq!(
            converse(socket(), &[opened(), part, more]).failure(),
            format!("a message of more than {MOST} octets")
        );
        assert_eq!(converse(socket(), &[opened()]).outcome, Err(Said::Unfinished));
    }
}
