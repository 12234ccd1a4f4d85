//! What is said to a service in its own protocol: octets in, octets and a verdict out.
//!
//! Each [`Dialogue`] is a state machine that never waits: it is given what has come, and says what is to be sent, that
//! more is needed, or how it ended. Whatever comes is hostile: what is kept of it is bounded, and no length that it names is
//! believed before so much is there. Who connects, shakes hands and minds the time is [`super::probe`]'s.

mod base64;
mod ber;
mod ftp;
pub(super) mod grpc;
mod imap;
mod ldap;
mod lines;
mod mysql;
mod mysql_auth;
mod nntp;
mod pgsql;
mod pop3;
mod radius;
mod redis;
mod scram;
mod sip;
#[cfg(test)]
mod testing;
mod websocket;

use super::config::{Question, ServiceSettings, Written};
use super::event::Reason;

/// One conversation with a service.
pub trait Dialogue: Send {
    /// What is next. `input` has what has come and was not taken yet; what is understood is taken from its front.
    fn step(&mut self, input: &mut Vec<u8>) -> Step;
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// More has to come.
    More,
    /// This is to be sent; then ask again.
    Send(Vec<u8>),
    /// From now on all is under TLS; then ask again.
    StartTls,
    /// The service is well; this is a last word that nobody waits for an answer to.
    Done(Vec<u8>),
    /// It is not.
    Failed(Reason),
}

/// Whether the conversation itself is under TLS from its beginning.
pub(super) fn begins_secured(settings: &ServiceSettings) -> bool {
    settings.tls.is_some()
        && match settings.question {
            // These change to TLS by words of their own, always.
            Question::Mysql(_) | Question::Pgsql(_) => false,
            Question::Redis { .. }
            | Question::Web(_)
            | Question::Grpc(_)
            | Question::WebSocket(_)
            | Question::Radius(_)
            | Question::Sip(_) => true,
            Question::Ftp { .. }
            | Question::Imap
            | Question::Ldap(_)
            | Question::Nntp { .. }
            | Question::Pop3 => !settings.starttls(),
        }
}

/// Whether it is said in datagrams, each of which is a whole message.
pub(super) fn by_datagrams(settings: &ServiceSettings) -> bool {
    match &settings.question {
        Question::Radius(_) => true,
        Question::Sip(sip) => !sip.stream,
        _ => false,
    }
}

/// Whether either side waits for the other: an answer that came before its question belongs to another one.
pub(super) fn in_turn(settings: &ServiceSettings) -> bool {
    match settings.question {
        Question::Redis { .. }
        | Question::Pop3
        | Question::Ftp { .. }
        | Question::Nntp { .. }
        | Question::Mysql(_) => true,
        // The service may speak unasked.
        Question::Imap
        | Question::Ldap(_)
        | Question::Pgsql(_)
        | Question::WebSocket(_)
        | Question::Radius(_)
        | Question::Sip(_)
        | Question::Web(_)
        | Question::Grpc(_) => false,
    }
}

/// The most octets of one message; a conversation with a healthy service has none that is longer.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Numbers that nobody can guess, for challenges.
pub type Seed = [u8; 24];

/// The conversation that `settings` want; none where it is not ours to say the words.
pub fn begin(settings: &ServiceSettings, seed: &Seed) -> Option<Box<dyn Dialogue>> {
    Some(match &settings.question {
        Question::Imap => Box::new(imap::Imap::new(&settings.login, settings.starttls())),
        Question::Ldap(search) => {
            let search = search.as_ref();
            Box::new(ldap::Ldap::new(&settings.login, search, settings.starttls()))
        }
        Question::Pop3 => Box::new(pop3::Pop3::new(&settings.login, settings.starttls())),
        Question::Ftp { path } => {
            let path = path.as_deref();
            Box::new(ftp::Ftp::new(&settings.login, path, settings.starttls()))
        }
        Question::Nntp { group } => {
            let group = group.as_deref();
            Box::new(nntp::Nntp::new(&settings.login, group, settings.starttls()))
        }
        Question::Redis { role } => Box::new(redis::Redis::new(&settings.login, *role)),
        Question::Mysql(sql) => Box::new(mysql::Mysql::new(&settings.login, sql, settings.tls.is_some())),
        Question::Pgsql(sql) => Box::new(pgsql::Pgsql::new(
            &settings.login,
            sql,
            settings.tls.is_some(),
            seed,
        )),
        Question::WebSocket(socket) => Box::new(websocket::WebSocket::new(socket, seed)),
        Question::Radius(radius) => Box::new(radius::Radius::new(radius, &settings.login, seed)),
        Question::Sip(sip) => Box::new(sip::Sip::new(sip, settings.tls.is_some(), seed)),
        Question::Web(_) | Question::Grpc(_) => return None,
    })
}

/// An answer that is not the one of a healthy service.
fn wrong(what: impl Into<String>) -> Step {
    Step::Failed(Reason::Answer(what.into()))
}

/// What a service said, as it may stand in a log: short, and nothing but plain text.
pub(super) fn said(octets: &[u8]) -> String {
    const MOST: usize = 120;
    let text = String::from_utf8_lossy(octets.get(..octets.len().min(MOST * 4)).unwrap_or_default());
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(plain).take(MOST).collect()
}

/// The same without our secrets: some services say again what they were told and did not understand.
pub(super) fn discreet(settings: &ServiceSettings, reason: Reason) -> Reason {
    let Reason::Answer(mut text) = reason else {
        return reason;
    };
    let mut secrets: Vec<String> = settings
        .written()
        .into_iter()
        .filter_map(|(_, written)| match written {
            Written::Secret(secret) | Written::SecretPair(_, secret) => Some(secret.0.clone()),
            _ => None,
        })
        .collect();
    if let Some((username, password)) = settings.login.both() {
        // As IMAP and HTTP have them.
        for pair in [
            format!("\0{username}\0{password}"),
            format!("{username}:{password}"),
        ] {
            secrets.push(base64::encode(pair.as_bytes()));
        }
    }
    // The longest first: another one may be a part of it.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "********");
    }
    Reason::Answer(text)
}

/// Takes a line from the front, without its end; nothing while it is not whole.
fn take_line(input: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Step> {
    const MOST: usize = 8192;
    let Some(end) = input.iter().take(MOST).position(|octet| *octet == b'\n') else {
        return if input.len() >= MOST {
            Err(wrong(format!("a line of more than {MOST} octets")))
        } else {
            Ok(None)
        };
    };
    let mut line: Vec<u8> = input.drain(..=end).collect();
    line.pop();
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}
