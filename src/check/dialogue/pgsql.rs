//! PostgreSQL: is it ready for connections; with a user name the login; with a query the first row of its result.

use super::scram::Scram;
use super::{Dialogue, MAX_MESSAGE, Seed, Step, base64, said, wrong};
use crate::check::config::{Login, Sql};
use md5::{Digest, Md5};

/// Who asks whether it is ready, when nobody is named.
const NOBODY: &str = "steadfast";
const PROTOCOL: u32 = 196_608;
const TLS_REQUEST: u32 = 80_877_103;
const MECHANISM: &str = "SCRAM-SHA-256";

enum State {
    Start,
    AskedTls,
    Secured,
    LoggingIn,
    /// SCRAM: the first message was sent.
    Scram(Scram),
    /// SCRAM: the proof was sent, and the service owes this one.
    Proven(String),
    LoggedIn,
    Asked,
}

pub(super) struct Pgsql {
    state: State,
    username: Option<String>,
    password: String,
    database: Option<String>,
    query: Option<String>,
    tls: bool,
    nonce: String,
}

impl Pgsql {
    pub(super) fn new(login: &Login, sql: &Sql, tls: bool, seed: &Seed) -> Self {
        Self {
            state: State::Start,
            username: login.username.clone(),
            password: login.secret().to_owned(),
            database: sql.database.clone(),
            query: sql.query.clone(),
            tls,
            nonce: base64::encode(seed),
        }
    }

    fn startup(&mut self) -> Step {
        self.state = State::LoggingIn;
        let user = self.username.as_deref().unwrap_or(NOBODY);
        let mut out = PROTOCOL.to_be_bytes().to_vec();
        let mut pairs = vec![("user", user), ("application_name", "steadfast")];
        pairs.extend(self.database.as_deref().map(|database| ("database", database)));
        for (name, value) in pairs {
            out.extend([name.as_bytes(), &[0], value.as_bytes(), &[0]].concat());
        }
        out.push(0);
        Step::Send(counted(&out))
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Step {
        match (kind, &self.state) {
            (b'E', State::LoggingIn) if self.username.is_none() => match field(body, b'C') {
                // Starting, stopping or recovering; too many connections.
                Some(b"57P03" | b"53300") => wrong(error(body)),
                Some(_) => Step::Done(Vec::new()),
                None => wrong(error(body)),
            },
            (b'E', _) => wrong(error(body)),
            // Notices and settings.
            (b'N' | b'S' | b'K', _) => Step::More,
            (b'R', State::LoggingIn) if self.username.is_none() => Step::Done(terminate()),
            (b'R', _) => self.authentication(body),
            (b'Z', State::LoggedIn) => match &self.query {
                None => Step::Done(terminate()),
                Some(query) => {
                    let ask = tagged(b'Q', &[query.as_bytes(), &[0]].concat());
                    self.state = State::Asked;
                    Step::Send(ask)
                }
            },
            (b'T', State::Asked) => Step::More,
            (b'C' | b'I', State::Asked) => wrong("the query gives no rows"),
            _ => wrong(format!(
                "an unexpected message of kind {}",
                char::from(kind).escape_default()
            )),
        }
    }

    fn authentication(&mut self, body: &[u8]) -> Step {
        let (Some(kind), Some(rest)) = (body.get(..4).map(big), body.get(4..)) else {
            return wrong("a short message");
        };
        match (kind, std::mem::replace(&mut self.state, State::LoggingIn)) {
            // Who has proven itself to us, or was not asked to, lets us in.
            (0, State::LoggingIn) => {
                self.state = State::LoggedIn;
                Step::More
            }
            (3, State::LoggingIn) if self.tls => Step::Send(password(self.password.as_bytes())),
            (3, State::LoggingIn) => wrong("it wants the password in clear, which needs TLS"),
            (5, State::LoggingIn) => {
                Step::Send(password(self.md5(rest.get(..4).unwrap_or_default()).as_bytes()))
            }
            (10, State::LoggingIn) => self.scram(rest),
            (11, State::Scram(scram)) => match scram.answer(&self.password, &String::from_utf8_lossy(rest)) {
                Ok((proof, verifier)) => {
                    self.state = State::Proven(verifier);
                    Step::Send(tagged(b'p', proof.as_bytes()))
                }
                Err(why) => wrong(why),
            },
            (12, State::Proven(verifier)) if verifier.as_bytes() == rest => Step::More,
            (12, _) => wrong("SCRAM: it does not know the password either"),
            (kind, _) => wrong(format!("authentication of kind {kind} is not spoken here")),
        }
    }

    fn md5(&self, salt: &[u8]) -> String {
        let hex = |octets: &[u8]| -> String { octets.iter().map(|octet| format!("{octet:02x}")).collect() };
        let user = self.username.as_deref().unwrap_or_default();
        let inner = hex(&Md5::digest([self.password.as_bytes(), user.as_bytes()].concat()));
        format!("md5{}", hex(&Md5::digest([inner.as_bytes(), salt].concat())))
    }

    fn scram(&mut self, mechanisms: &[u8]) -> Step {
        if !mechanisms
            .split(|octet| *octet == 0)
            .any(|name| name == MECHANISM.as_bytes())
        {
            return wrong("it does not speak SCRAM-SHA-256");
        }
        // The name is that of the start; the service does not look at this one.
        let scram = Scram::new("", self.nonce.clone());
        let first = scram.first();
        let mut out = [MECHANISM.as_bytes(), &[0]].concat();
        out.extend(u32::try_from(first.len()).unwrap_or(0).to_be_bytes());
        out.extend(first.as_bytes());
        self.state = State::Scram(scram);
        Step::Send(tagged(b'p', &out))
    }
}

impl Dialogue for Pgsql {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        match self.state {
            State::Start if self.tls => {
                self.state = State::AskedTls;
                return Step::Send(counted(&TLS_REQUEST.to_be_bytes()));
            }
            State::Start | State::Secured => return self.startup(),
            State::AskedTls => {
                return match input.as_slice() {
                    [] => Step::More,
                    [b'S'] => {
                        input.clear();
                        self.state = State::Secured;
                        Step::StartTls
                    }
                    [b'N', ..] => wrong("it has no TLS"),
                    _ => wrong("an answer that is none to the request for TLS"),
                };
            }
            State::LoggingIn | State::Scram(_) | State::Proven(_) | State::LoggedIn | State::Asked => {}
        }
        loop {
            let (Some(kind), Some(length)) = (input.first().copied(), input.get(1..5).map(big)) else {
                return Step::More;
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            // A row is one, however long.
            if kind == b'D' && matches!(self.state, State::Asked) {
                return Step::Done(terminate());
            }
            if !(4..=MAX_MESSAGE).contains(&length) {
                return wrong(format!("a message of {length} octets"));
            }
            let Some(body) = input.get(5..length + 1) else {
                return Step::More;
            };
            let body = body.to_vec();
            input.drain(..=length);
            match self.message(kind, &body) {
                Step::More => {}
                step => return step,
            }
        }
    }
}

fn counted(body: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(body.len() + 4).unwrap_or(0).to_be_bytes().to_vec();
    out.extend(body);
    out
}

fn tagged(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(counted(body));
    out
}

fn password(text: &[u8]) -> Vec<u8> {
    tagged(b'p', &[text, &[0]].concat())
}

fn terminate() -> Vec<u8> {
    tagged(b'X', &[])
}

fn big(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet))
}

/// A field of an error.
fn field(body: &[u8], code: u8) -> Option<&[u8]> {
    body.split(|octet| *octet == 0)
        .find_map(|field| field.strip_prefix(&[code]))
}

fn error(body: &[u8]) -> String {
    let text = field(body, b'M').unwrap_or_default();
    match field(body, b'C') {
        Some(code) => format!("{} ({})", said(text), said(code)),
        None => said(text),
    }
}

#[cfg(test)]
mod tests;
