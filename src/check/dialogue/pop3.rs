//! POP3: the greeting; TLS by STLS; with a user name the login.

use super::lines::{command, each, quit};
use super::{Dialogue, Step, said, wrong};
use crate::check::config::Login;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    AskedTls,
    /// TLS has begun.
    Secured,
    Naming,
    LoggingIn,
    Checking,
}

pub(super) struct Pop3 {
    state: State,
    /// Gone once it was sent.
    login: Option<(String, String)>,
    starttls: bool,
}

impl Pop3 {
    pub(super) fn new(login: &Login, starttls: bool) -> Self {
        Self {
            state: State::Greeting,
            login: login.both(),
            starttls,
        }
    }

    fn command(&mut self, state: State, words: &[&str]) -> Step {
        self.state = state;
        Step::Send(command(words))
    }

    fn line(&mut self, line: &[u8]) -> Step {
        match line.split_first_chunk() {
            Some((b"+OK", rest)) if rest.is_empty() || rest.starts_with(b" ") => self.agreed(),
            Some((b"-ER", rest)) if rest.starts_with(b"R") => wrong(said(line.get(1..).unwrap_or_default())),
            _ => wrong(format!("unexpected answer {}", said(line))),
        }
    }

    fn agreed(&mut self) -> Step {
        match self.state {
            State::Greeting if self.starttls => self.command(State::AskedTls, &["STLS"]),
            State::Greeting => self.log_in(),
            State::AskedTls => {
                self.state = State::Secured;
                Step::StartTls
            }
            State::Naming => {
                let (_, password) = self.login.take().unwrap_or_default();
                self.command(State::LoggingIn, &["PASS", &password])
            }
            State::LoggingIn => self.command(State::Checking, &["NOOP"]),
            State::Checking => quit(),
            State::Secured => wrong("unasked words"),
        }
    }

    fn log_in(&mut self) -> Step {
        match &self.login {
            Some((username, _)) => {
                let username = username.clone();
                self.command(State::Naming, &["USER", &username])
            }
            None => quit(),
        }
    }
}

impl Dialogue for Pop3 {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        if self.state == State::Secured {
            return self.log_in();
        }
        each(input, |line| self.line(line))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, TLS, converse, drip, hostile, login};
    use super::*;

    fn pop3(password: Option<&str>, starttls: bool) -> Pop3 {
        Pop3::new(&login(password.map(|_| "probe"), password), starttls)
    }

    #[test]
    fn the_greeting_is_enough_without_a_user() {
        let ended = drip(pop3(None, false), &["+OK ready <1.2@mail>\r\n"]);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text(), ["QUIT\r\n"]);
        assert_eq!(converse(pop3(None, false), &["+OK\r\n"]).outcome, Ok(()));
        let ended = converse(pop3(None, false), &["-ERR [SYS/TEMP] busy\r\n"]);
        assert_eq!(ended.failure(), "ERR [SYS/TEMP] busy");
        for words in ["+OKAY\r\n", "* OK IMAP\r\n", "-E\r\n", "\r\n"] {
            let ended = converse(pop3(None, false), &[words]);
            assert!(ended.failure().starts_with("unexpected answer"));
        }
    }

    #[test]
    fn a_login_with_and_without_tls() {
        let good = ["+OK hi\r\n", "+OK\r\n", "+OK 3 messages\r\n", "+OK\r\n"];
        let ended = drip(pop3(Some("two words"), false), &good);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(
            ended.sent_text(),
            ["USER probe\r\n", "PASS two words\r\n", "NOOP\r\n", "QUIT\r\n"]
        );
        let good = ["+OK hi\r\n", "+OK go on\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n"];
        let ended = drip(pop3(Some("p"), true), &good);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text()[0], "STLS\r\n");
        assert_eq!(ended.sent[1], TLS);
        assert_eq!(ended.sent_text()[2], "USER probe\r\n");
        let none = converse(pop3(Some("p"), true), &["+OK hi\r\n", "-ERR unknown\r\n"]);
        assert_eq!(none.failure(), "ERR unknown");
        assert_eq!(none.sent_text(), ["STLS\r\n"], "and no password");
        for count in 1..good.len() {
            let ended = converse(pop3(Some("p"), true), &good[..count]);
            assert_eq!(ended.outcome, Err(Said::Unfinished), "{count}");
        }
        let denied = ["+OK hi\r\n", "+OK\r\n", "-ERR [AUTH] no\r\n"];
        assert_eq!(
            converse(pop3(Some("p"), false), &denied).failure(),
            "ERR [AUTH] no"
        );
    }

    #[test]
    fn a_hostile_server_gets_nowhere() {
        hostile(|| pop3(Some("p"), false));
        hostile(|| pop3(Some("p"), true));
    }
}
