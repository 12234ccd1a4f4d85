//! IMAP: the greeting and what the server can; TLS by STARTTLS; with a user name the login.
//!
//! A login is `AUTHENTICATE PLAIN` where the server has it, which takes any name and password, else `LOGIN`.

use super::lines::{command, each};
use super::{Dialogue, Step, base64, said, wrong};
use crate::check::config::Login;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Capabilities,
    AskedTls,
    /// TLS has begun.
    Secured,
    /// The server is to invite the answer of `AUTHENTICATE PLAIN`.
    Invited,
    LoggingIn,
}

pub(super) struct Imap {
    state: State,
    /// Gone once it was sent.
    login: Option<(String, String)>,
    starttls: bool,
    /// How many commands were sent: the tag of the last one.
    sent: u32,
    can: Can,
}

/// What of the capabilities matters.
#[derive(Default)]
struct Can {
    imap4: bool,
    starttls: bool,
    plain: bool,
    no_login: bool,
}

impl Imap {
    pub(super) fn new(login: &Login, starttls: bool) -> Self {
        Self {
            state: State::Greeting,
            login: login.both(),
            starttls,
            sent: 0,
            can: Can::default(),
        }
    }

    fn command(&mut self, state: State, words: &[&str]) -> Step {
        self.state = state;
        self.sent += 1;
        let tag = format!("s{}", self.sent);
        Step::Send(command(&[&[tag.as_str()], words].concat()))
    }

    fn capabilities(&mut self) -> Step {
        self.can = Can::default();
        self.command(State::Capabilities, &["CAPABILITY"])
    }

    fn line(&mut self, line: &[u8]) -> Step {
        let line = String::from_utf8_lossy(line);
        let (mark, rest) = line.split_once(' ').unwrap_or((&line, ""));
        if self.state == State::Greeting {
            return self.greeted(mark, rest);
        }
        match mark {
            "*" => self.untagged(rest),
            "+" if self.state == State::Invited => self.answer(),
            tag if tag == format!("s{}", self.sent) && status(rest).0 == "OK" => self.agreed(),
            tag if tag == format!("s{}", self.sent) => wrong(said(rest.as_bytes())),
            _ => unexpected(&line),
        }
    }

    fn greeted(&mut self, mark: &str, rest: &str) -> Step {
        let (word, text) = status(rest);
        match word.as_str() {
            _ if mark != "*" => unexpected(&format!("{mark} {rest}")),
            "OK" => self.capabilities(),
            // Who is logged in already gets no TLS any more, and no password is looked at.
            "PREAUTH" if self.starttls || self.login.is_some() => wrong("it is logged in by the greeting"),
            "PREAUTH" => self.capabilities(),
            "BYE" => wrong(said(text.as_bytes())),
            _ => unexpected(&format!("{mark} {rest}")),
        }
    }

    fn untagged(&mut self, rest: &str) -> Step {
        let (word, text) = status(rest);
        match word.as_str() {
            "BYE" => return wrong(said(text.as_bytes())),
            "CAPABILITY" if self.state == State::Capabilities => {
                for word in text.split_ascii_whitespace() {
                    match word.to_ascii_uppercase().as_str() {
                        "STARTTLS" => self.can.starttls = true,
                        "AUTH=PLAIN" => self.can.plain = true,
                        "LOGINDISABLED" => self.can.no_login = true,
                        word => self.can.imap4 |= word.starts_with("IMAP4"),
                    }
                }
            }
            _ => {}
        }
        Step::More
    }

    /// The last command was carried out.
    fn agreed(&mut self) -> Step {
        match self.state {
            State::Capabilities if !self.can.imap4 => wrong("it does not speak IMAP4"),
            State::Capabilities if self.starttls => {
                if !self.can.starttls {
                    return wrong("it has no STARTTLS");
                }
                self.starttls = false;
                self.command(State::AskedTls, &["STARTTLS"])
            }
            State::Capabilities => self.log_in(),
            State::AskedTls => {
                self.state = State::Secured;
                Step::StartTls
            }
            State::LoggingIn => self.end(),
            State::Greeting | State::Secured | State::Invited => wrong("unasked words"),
        }
    }

    fn log_in(&mut self) -> Step {
        let Some((username, password)) = &self.login else {
            return self.end();
        };
        if self.can.plain {
            return self.command(State::Invited, &["AUTHENTICATE", "PLAIN"]);
        }
        if self.can.no_login {
            return wrong("it allows no login without TLS");
        }
        let (username, password) = (quoted(username), quoted(password));
        self.login = None;
        self.command(State::LoggingIn, &["LOGIN", &username, &password])
    }

    fn answer(&mut self) -> Step {
        let (username, password) = self.login.take().unwrap_or_default();
        self.state = State::LoggingIn;
        let words = format!("\0{username}\0{password}");
        Step::Send(command(&[&base64::encode(words.as_bytes())]))
    }

    /// All was well.
    fn end(&mut self) -> Step {
        match self.command(State::Secured, &["LOGOUT"]) {
            Step::Send(last) => Step::Done(last),
            step => step,
        }
    }
}

impl Dialogue for Imap {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        // What was said before TLS counts no more.
        if self.state == State::Secured {
            return self.capabilities();
        }
        each(input, |line| self.line(line))
    }
}

/// The first word in upper case, and the rest.
fn status(text: &str) -> (String, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word.to_ascii_uppercase(), rest)
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

fn unexpected(line: &str) -> Step {
    wrong(format!("unexpected answer {}", said(line.as_bytes())))
}

#[cfg(test)]
mod tests;
