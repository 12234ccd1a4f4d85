//! RADIUS (RFC 2865, 2869, 5997): an Access-Request with the password hidden, or a Status-Server; the answer is ours
//! only when it was made with the secret.

use super::{Dialogue, Seed, Step, said, wrong};
use crate::check::config::{Login, Radius as Settings};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

const ACCESS_REQUEST: u8 = 1;
const ACCESS_ACCEPT: u8 = 2;
const ACCESS_REJECT: u8 = 3;
const ACCOUNTING_RESPONSE: u8 = 5;
const ACCESS_CHALLENGE: u8 = 11;
const STATUS_SERVER: u8 = 12;

const USER_NAME: u8 = 1;
const USER_PASSWORD: u8 = 2;
const REPLY_MESSAGE: u8 = 18;
const NAS_IDENTIFIER: u8 = 32;
const MESSAGE_AUTHENTICATOR: u8 = 80;

/// Code, identifier, length, authenticator.
const HEAD: usize = 20;
/// The longest packet (RFC 2865, 3).
const LONGEST: usize = 4096;

pub(super) struct Radius {
    secret: Vec<u8>,
    identifier: u8,
    authenticator: [u8; 16],
    /// What is to be sent; gone once it was.
    request: Option<Vec<u8>>,
    asks_access: bool,
}

impl Radius {
    pub(super) fn new(settings: &Settings, login: &Login, seed: &Seed) -> Self {
        let secret = settings.secret.0.as_bytes().to_vec();
        let [identifier, rest @ ..] = *seed;
        let mut authenticator = [0; 16];
        authenticator
            .iter_mut()
            .zip(rest)
            .for_each(|(to, from)| *to = from);
        let code = match login.username {
            Some(_) => ACCESS_REQUEST,
            None => STATUS_SERVER,
        };
        // First of all, so that a server need not read what nobody has vouched for.
        let mut attributes = attribute(MESSAGE_AUTHENTICATOR, &[0; 16]);
        if let Some(name) = &login.username {
            attributes.extend(attribute(USER_NAME, name.as_bytes()));
            let hidden = hide(login.secret().as_bytes(), &secret, &authenticator);
            attributes.extend(attribute(USER_PASSWORD, &hidden));
        }
        attributes.extend(attribute(NAS_IDENTIFIER, settings.nas_identifier.as_bytes()));
        let mut request = head(code, identifier, attributes.len(), &authenticator);
        request.extend(attributes);
        let proof = keyed(&secret, &[&request]);
        request
            .iter_mut()
            .skip(HEAD + 2)
            .zip(proof)
            .for_each(|(to, from)| *to = from);
        Self {
            secret,
            identifier,
            authenticator,
            request: Some(request),
            asks_access: login.username.is_some(),
        }
    }

    fn packet(&self, packet: &[u8]) -> Step {
        let [code, _, _, _, rest @ ..] = packet else {
            return wrong("a packet that is none");
        };
        let (authenticator, attributes) = rest.split_at(rest.len().min(16));
        let mut digest = Md5::new();
        digest.update(packet.get(..4).unwrap_or_default());
        digest.update(self.authenticator);
        digest.update(attributes);
        digest.update(&self.secret);
        if digest.finalize().as_slice() != authenticator {
            return wrong("an answer that was not made with the secret");
        }
        let Some(read) = read(attributes) else {
            return wrong("attributes that are none");
        };
        for (at, (kind, value)) in &read {
            if *kind == MESSAGE_AUTHENTICATOR && !self.vouched(packet, HEAD + at + 2, value) {
                return wrong("a Message-Authenticator that was not made with the secret");
            }
        }
        match *code {
            ACCESS_ACCEPT => Step::Done(Vec::new()),
            ACCOUNTING_RESPONSE if !self.asks_access => Step::Done(Vec::new()),
            ACCESS_REJECT => {
                let words = read.iter().find(|(_, (kind, _))| *kind == REPLY_MESSAGE);
                wrong(match words {
                    Some((_, (_, text))) => format!("access rejected: {}", said(text)),
                    None => "access rejected".into(),
                })
            }
            ACCESS_CHALLENGE => wrong("it wants more than a password"),
            other => wrong(format!("unexpected answer with code {other}")),
        }
    }

    /// Whether the proof at `at` is that of the packet with our authenticator and without the proof.
    fn vouched(&self, packet: &[u8], at: usize, proof: &[u8]) -> bool {
        let mut bare = packet.to_vec();
        bare.iter_mut()
            .skip(4)
            .zip(self.authenticator)
            .for_each(|(to, from)| *to = from);
        bare.iter_mut().skip(at).take(16).for_each(|octet| *octet = 0);
        keyed(&self.secret, &[&bare]) == proof
    }
}

impl Dialogue for Radius {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        if let Some(request) = self.request.take() {
            return Step::Send(request);
        }
        while let [_, identifier, high, low, ..] = **input {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if !(HEAD..=LONGEST).contains(&length) {
                return wrong(format!("a packet of {length} octets"));
            }
            if input.len() < length {
                break;
            }
            let packet: Vec<u8> = input.drain(..length).collect();
            // Another identifier: an answer to somebody who had our port before.
            if identifier == self.identifier {
                return self.packet(&packet);
            }
        }
        Step::More
    }
}

fn head(code: u8, identifier: u8, attributes: usize, authenticator: &[u8; 16]) -> Vec<u8> {
    let length = u16::try_from(HEAD + attributes).unwrap_or(u16::MAX);
    let mut out = vec![code, identifier];
    out.extend(length.to_be_bytes());
    out.extend(authenticator);
    out
}

/// Where it begins, its kind and its value.
type Attribute<'a> = (usize, (u8, &'a [u8]));

fn attribute(kind: u8, value: &[u8]) -> Vec<u8> {
    let value = value.get(..value.len().min(253)).unwrap_or_default();
    let mut out = vec![kind, u8::try_from(value.len() + 2).unwrap_or(2)];
    out.extend(value);
    out
}

/// The attributes with where they begin; nothing when they do not fill their place exactly.
fn read(mut rest: &[u8]) -> Option<Vec<Attribute<'_>>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let [kind, length, ..] = *rest {
        let length = usize::from(length);
        let value = rest.get(2..length)?;
        if kind == MESSAGE_AUTHENTICATOR && value.len() != 16 {
            return None;
        }
        out.push((at, (kind, value)));
        at += length;
        rest = rest.get(length..)?;
    }
    rest.is_empty().then_some(out)
}

/// A password as User-Password has it (RFC 2865, 5.2).
fn hide(password: &[u8], secret: &[u8], authenticator: &[u8; 16]) -> Vec<u8> {
    let mut padded = password
        .get(..password.len().min(128))
        .unwrap_or_default()
        .to_vec();
    padded.resize(padded.len().div_ceil(16).max(1) * 16, 0);
    let mut before = authenticator.to_vec();
    let mut out = Vec::new();
    for block in padded.chunks(16) {
        let mut digest = Md5::new();
        digest.update(secret);
        digest.update(&before);
        before = digest
            .finalize()
            .iter()
            .zip(block)
            .map(|(key, octet)| key ^ octet)
            .collect();
        out.extend(&before);
    }
    out
}

fn keyed(secret: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    // Keys of any length are taken.
    let Ok(mut mac) = <Hmac<Md5> as KeyInit>::new_from_slice(secret) else {
        return [0; 16];
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse, drip, hostile, login};
    use super::*;
    use crate::check::config::Password;

    const SEED: Seed = [7; 24];

    fn settings() -> Settings {
        Settings {
            secret: Password("xyzzy5461".into()),
            nas_identifier: "steadfast".into(),
        }
    }

    fn access() -> Radius {
        Radius::new(&settings(), &login(Some("nemo"), Some("arctangent")), &SEED)
    }

    /// What a server with this secret answers.
    fn reply(code: u8, secret: &str, attributes: &[u8], vouch: bool) -> Vec<u8> {
        let mut attributes = attributes.to_vec();
        if vouch {
            attributes.extend(attribute(MESSAGE_AUTHENTICATOR, &[0; 16]));
        }
        let mut packet = head(code, 7, attributes.len(), &[7; 16]);
        packet.extend(&attributes);
        if vouch {
            let proof = keyed(secret.as_bytes(), &[&packet]);
            let at = packet.len() - 16;
            packet[at..].copy_from_slice(&proof);
        }
        let mut digest = Md5::new();
        digest.update(&packet);
        digest.update(secret);
        let digest = digest.finalize();
        packet[4..20].copy_from_slice(&digest);
        packet
    }

    /// RFC 2865, 7.1: the password of its example.
    #[test]
    fn the_password_is_hidden_as_in_the_rfc() {
        let authenticator = [
            0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57, 0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a,
        ];
        let hidden = [
            0x0d, 0xbe, 0x70, 0x8d, 0x93, 0xd4, 0x13, 0xce, 0x31, 0x96, 0xe4, 0x3f, 0x78, 0x2a, 0x0a, 0xee,
        ];
        assert_eq!(hide(b"arctangent", b"xyzzy5461", &authenticator), hidden);
        assert_eq!(hide(b"", b"xyzzy5461", &authenticator).len(), 16);
        assert_eq!(hide(&[b'x'; 17], b"xyzzy5461", &authenticator).len(), 32);
    }

    #[test]
    fn access_is_granted() {
        for vouch in [false, true] {
            let ended = converse(access(), &[reply(2, "xyzzy5461", b"\x12\x04hi", vouch)]);
            assert_eq!(ended.outcome, Ok(()));
            let sent = &ended.sent[0];
            assert_eq!(usize::from(u16::from_be_bytes([sent[2], sent[3]])), sent.len());
            assert_eq!((sent[0], sent[1], &sent[4..20]), (1, 7, &[7; 16][..]));
            assert_eq!(sent[20..22], [80, 18]);
            assert!(!String::from_utf8_lossy(sent).contains("arctangent"));
            let mut bare = sent.clone();
            bare[22..38].fill(0);
            assert_eq!(keyed(b"xyzzy5461", &[&bare]), sent[22..38]);
        }
        let status = || Radius::new(&settings(), &Login::default(), &SEED);
        for code in [2, 5] {
            let ended = drip(status(), &[reply(code, "xyzzy5461", b"", false)]);
            assert_eq!(ended.outcome, Ok(()));
            assert_eq!(ended.sent[0][0], 12);
        }
        hostile(access);
        hostile(status);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let mut forged = reply(2, "xyzzy5461", b"", true);
        let at = forged.len() - 1;
        forged[at] ^= 1;
        let mut digest = Md5::new();
        digest.update(&forged[..4]);
        digest.update([7; 16]);
        digest.update(&forged[20..]);
        digest.update("xyzzy5461");
        let sum = digest.finalize();
        forged[4..20].copy_from_slice(&sum);
        for (answer, said) in [
            (
                reply(3, "xyzzy5461", b"\x12\x07go\x00on", true),
                "access rejected: go on",
            ),
            (reply(3, "xyzzy5461", b"", false), "access rejected"),
            (
                reply(11, "xyzzy5461", b"", false),
                "it wants more than a password",
            ),
            (reply(5, "xyzzy5461", b"", false), "unexpected answer with code 5"),
            (
                reply(2, "other", b"", false),
                "an answer that was not made with the secret",
            ),
            (
                forged,
                "a Message-Authenticator that was not made with the secret",
            ),
            (
                reply(2, "xyzzy5461", b"\x12\x01", false),
                "attributes that are none",
            ),
            (
                reply(2, "xyzzy5461", b"\x12\x09x", false),
                "attributes that are none",
            ),
            (vec![2, 7, 0, 19], "a packet of 19 octets"),
            (vec![2, 7, 0xff, 0xff], "a packet of 65535 octets"),
        ] {
            assert_eq!(converse(access(), &[answer]).failure(), said);
        }
        let mut other = reply(2, "xyzzy5461", b"", false);
        other[1] = 8;
        assert_eq!(
            converse(access(), &[other.clone()]).outcome,
            Err(Said::Unfinished)
        );
        let good = reply(2, "xyzzy5461", b"", false);
        assert_eq!(converse(access(), &[other, good]).outcome, Ok(()));
    }
}
