//! MySQL and MariaDB: the greeting; with a user name the login; with a query the first row of its result.

use super::mysql_auth::Plugin;
use super::{Dialogue, MAX_MESSAGE, Step, said, wrong};
use crate::check::config::{Login, Sql};

mod capability {
    pub(super) const LONG_PASSWORD: u32 = 0x1;
    pub(super) const CONNECT_WITH_DB: u32 = 0x8;
    pub(super) const PROTOCOL_41: u32 = 0x200;
    pub(super) const SSL: u32 = 0x800;
    pub(super) const TRANSACTIONS: u32 = 0x2000;
    pub(super) const SECURE_CONNECTION: u32 = 0x8000;
    pub(super) const PLUGIN_AUTH: u32 = 0x8_0000;
}

/// utf8mb4
const CHARSET: u8 = 45;
const COM_QUIT: u8 = 1;
const COM_QUERY: u8 = 3;
/// The octets of a challenge.
const CHALLENGE: usize = 20;

enum State {
    Greeting,
    /// The request for TLS was sent.
    AskedTls(Greeting),
    /// TLS has begun.
    Secured(Greeting),
    LoggingIn(Plugin),
    Result,
    /// So many descriptions of columns are still to come, and their end.
    Columns(u64),
    Row,
}

struct Greeting {
    capabilities: u32,
    challenge: Vec<u8>,
    plugin: Option<Plugin>,
}

pub(super) struct Mysql {
    state: State,
    username: Option<String>,
    password: String,
    database: Option<String>,
    query: Option<String>,
    tls: bool,
    /// The number of the next packet that is sent.
    sequence: u8,
}

impl Mysql {
    pub(super) fn new(login: &Login, sql: &Sql, tls: bool) -> Self {
        Self {
            state: State::Greeting,
            username: login.username.clone(),
            password: login.secret().to_owned(),
            database: sql.database.clone(),
            query: sql.query.clone(),
            tls,
            sequence: 0,
        }
    }

    fn packet(&mut self, packet: &[u8]) -> Step {
        if let Some(text) = error(packet) {
            return wrong(text);
        }
        match std::mem::replace(&mut self.state, State::Result) {
            State::Greeting => match greeting(packet) {
                Some(greeting) => self.greeted(greeting),
                None => wrong("no greeting of MySQL's protocol 10"),
            },
            State::AskedTls(_) | State::Secured(_) => wrong("unasked words"),
            State::LoggingIn(plugin) => self.login_answer(plugin, packet),
            State::Result => match packet.first() {
                Some(0x00) => wrong("the query gives no rows"),
                Some(0xfb) | None => wrong("an answer that is none to a query"),
                Some(count) => {
                    // More columns than one octet can say have a wider number.
                    let count = match count {
                        0xfc => packet.get(1..3).map(little),
                        0xfd.. => None,
                        count => Some(u64::from(*count)),
                    };
                    match count {
                        Some(count) => {
                            self.state = State::Columns(count);
                            Step::More
                        }
                        None => wrong("more columns than are sensible"),
                    }
                }
            },
            State::Columns(0) => {
                self.state = State::Row;
                Step::More
            }
            State::Columns(left) => {
                self.state = State::Columns(left - 1);
                Step::More
            }
            State::Row => wrong("unasked words"),
        }
    }

    fn greeted(&mut self, greeting: Greeting) -> Step {
        if self.tls {
            if greeting.capabilities & capability::SSL == 0 {
                return wrong("it has no TLS");
            }
            let request = self.numbered(&self.head());
            self.state = State::AskedTls(greeting);
            return Step::Send(request);
        }
        if self.username.is_none() {
            return Step::Done(Vec::new());
        }
        self.log_in(greeting)
    }

    const fn capabilities(&self) -> u32 {
        let database = if self.database.is_some() {
            capability::CONNECT_WITH_DB
        } else {
            0
        };
        let tls = if self.tls { capability::SSL } else { 0 };
        capability::LONG_PASSWORD
            | capability::PROTOCOL_41
            | capability::TRANSACTIONS
            | capability::SECURE_CONNECTION
            | capability::PLUGIN_AUTH
            | database
            | tls
    }

    /// The beginning of a login, which alone asks for TLS.
    fn head(&self) -> Vec<u8> {
        let mut out = self.capabilities().to_le_bytes().to_vec();
        out.extend((1_u32 << 24).to_le_bytes());
        out.push(CHARSET);
        out.extend([0; 23]);
        out
    }

    fn log_in(&mut self, greeting: Greeting) -> Step {
        // What is not spoken is answered by a change of the plugin, if the account wants another one.
        let plugin = greeting
            .plugin
            .filter(|plugin| *plugin != Plugin::Clear)
            .unwrap_or(Plugin::Native);
        let answer = plugin.answer(&self.password, &greeting.challenge);
        let mut out = self.head();
        out.extend(self.username.as_deref().unwrap_or_default().as_bytes());
        out.push(0);
        out.push(u8::try_from(answer.len()).unwrap_or(0));
        out.extend(answer);
        if let Some(database) = &self.database {
            out.extend(database.as_bytes());
            out.push(0);
        }
        out.extend(plugin.name().as_bytes());
        out.push(0);
        self.state = State::LoggingIn(plugin);
        Step::Send(self.numbered(&out))
    }

    fn login_answer(&mut self, plugin: Plugin, packet: &[u8]) -> Step {
        match packet.split_first() {
            Some((0x00, _)) => match &self.query {
                None => Step::Done(self.command(COM_QUIT, "")),
                Some(query) => Step::Send(self.command(COM_QUERY, query)),
            },
            // Another plugin, with a challenge of its own.
            Some((0xfe, rest)) => {
                let mut parts = rest.splitn(2, |octet| *octet == 0);
                let name = parts.next().unwrap_or_default();
                let challenge = parts.next().unwrap_or_default();
                let challenge = challenge.get(..CHALLENGE).unwrap_or(challenge);
                match Plugin::of(name) {
                    None => wrong(format!("authentication by {} is not spoken here", said(name))),
                    Some(Plugin::Clear) if !self.tls => {
                        wrong("it wants the password in clear, which needs TLS")
                    }
                    Some(plugin) => {
                        self.state = State::LoggingIn(plugin);
                        Step::Send(self.numbered(&plugin.answer(&self.password, challenge)))
                    }
                }
            }
            // It knows the password, and a last word follows.
            Some((0x01, [3])) if plugin == Plugin::CachingSha2 => {
                self.state = State::LoggingIn(plugin);
                Step::More
            }
            // It has forgotten it and wants to see the password itself.
            Some((0x01, [4])) if plugin == Plugin::CachingSha2 => {
                if !self.tls {
                    return wrong("caching_sha2_password wants the password itself, which needs TLS");
                }
                self.state = State::LoggingIn(plugin);
                Step::Send(self.numbered(&Plugin::Clear.answer(&self.password, &[])))
            }
            _ => wrong("an answer that is none to a login"),
        }
    }

    fn numbered(&self, payload: &[u8]) -> Vec<u8> {
        framed(self.sequence, payload)
    }

    fn command(&self, command: u8, text: &str) -> Vec<u8> {
        framed(0, &[&[command], text.as_bytes()].concat())
    }

    /// Of a row only its beginning matters, however long it is.
    fn row(&self, input: &[u8]) -> Step {
        let (Some(length), Some(first)) = (input.get(..3).map(little), input.get(4)) else {
            return Step::More;
        };
        match first {
            0xfe if length < 9 => wrong("the query gives no rows"),
            // It is an error, which is read as any other.
            0xff => Step::More,
            _ => Step::Done(self.command(COM_QUIT, "")),
        }
    }
}

impl Dialogue for Mysql {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        self.state = match std::mem::replace(&mut self.state, State::Greeting) {
            State::AskedTls(greeting) => {
                self.state = State::Secured(greeting);
                return Step::StartTls;
            }
            State::Secured(_) if self.username.is_none() => return Step::Done(Vec::new()),
            State::Secured(greeting) => {
                self.sequence = 2;
                return self.log_in(greeting);
            }
            state => state,
        };
        loop {
            if matches!(self.state, State::Row) {
                let step = self.row(input);
                if step != Step::More || input.get(4) != Some(&0xff) {
                    return step;
                }
            }
            let Some(length) = input.get(..3).map(little) else {
                return Step::More;
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > MAX_MESSAGE {
                return wrong(format!("a packet of {length} octets"));
            }
            let (Some(sequence), Some(packet)) = (input.get(3), input.get(4..4 + length)) else {
                return Step::More;
            };
            self.sequence = sequence.wrapping_add(1);
            let packet = packet.to_vec();
            input.drain(..4 + length);
            match self.packet(&packet) {
                Step::More => {}
                step => return step,
            }
        }
    }
}

fn framed(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    let mut out = length.get(..3).unwrap_or_default().to_vec();
    out.push(sequence);
    out.extend(payload);
    out
}

fn little(octets: &[u8]) -> u64 {
    octets
        .iter()
        .rev()
        .fold(0, |sum, octet| sum << 8 | u64::from(*octet))
}

/// The words of an error.
fn error(packet: &[u8]) -> Option<String> {
    let rest = packet.strip_prefix(&[0xff])?;
    let code = rest.get(..2).map_or(0, little);
    let text = rest.get(2..).unwrap_or_default();
    let text = match text.strip_prefix(b"#") {
        Some(text) => text.get(5..).unwrap_or_default(),
        None => text,
    };
    Some(format!("error {code}: {}", said(text)))
}

fn greeting(packet: &[u8]) -> Option<Greeting> {
    let rest = packet.strip_prefix(&[10])?;
    let version = rest.iter().position(|octet| *octet == 0)?;
    // After the version: thread (4), challenge (8), a zero.
    let rest = rest.get(version + 1..)?;
    let mut challenge = rest.get(4..12)?.to_vec();
    let low = rest.get(13..15).map(little)?;
    // Character set (1), status (2).
    let high = rest.get(18..20).map(little)?;
    let capabilities = u32::try_from(high << 16 | low).ok()?;
    if capabilities & (capability::PROTOCOL_41 | capability::SECURE_CONNECTION)
        != capability::PROTOCOL_41 | capability::SECURE_CONNECTION
    {
        return None;
    }
    // Length of the challenge (1), reserved (10), the other part of it, a zero.
    let length = usize::from(*rest.get(20)?).saturating_sub(8).max(13);
    challenge.extend(rest.get(31..31 + length)?.get(..CHALLENGE - 8)?);
    let name = rest.get(31 + length..).unwrap_or_default();
    let name = name.split(|octet| *octet == 0).next().unwrap_or_default();
    Some(Greeting {
        capabilities,
        challenge,
        plugin: Plugin::of(name),
    })
}

#[cfg(test)]
mod tests;
