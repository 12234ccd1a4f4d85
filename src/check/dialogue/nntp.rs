//! NNTP: the greeting; TLS by STARTTLS; with a user name the login; with a group whether it is there.

use super::lines::{Reply, command, each, quit, reply};
use super::{Dialogue, Step, said, wrong};
use crate::check::config::Login;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    /// A server that takes articles in hands over to the one for readers.
    Reading,
    AskedTls,
    /// TLS has begun.
    Secured,
    Naming,
    LoggingIn,
    Looking,
}

pub(super) struct Nntp {
    state: State,
    /// Gone once it was sent.
    login: Option<(String, String)>,
    group: Option<String>,
    starttls: bool,
}

impl Nntp {
    pub(super) fn new(login: &Login, group: Option<&str>, starttls: bool) -> Self {
        Self {
            state: State::Greeting,
            login: login.both(),
            group: group.map(str::to_owned),
            starttls,
        }
    }

    fn command(&mut self, state: State, words: &[&str]) -> Step {
        self.state = state;
        Step::Send(command(words))
    }

    fn line(&mut self, line: &[u8]) -> Step {
        let Some(Reply { code, last: true }) = reply(line) else {
            return wrong(format!("unexpected answer {}", said(line)));
        };
        match (self.state, code) {
            (State::Greeting, 200 | 201) => {
                if self.starttls || self.login.is_some() || self.group.is_some() {
                    // It is not allowed any more after TLS or a login.
                    self.command(State::Reading, &["MODE", "READER"])
                } else {
                    quit()
                }
            }
            // It wants a login or TLS for that too, or knows no modes.
            (State::Reading, 200 | 201 | 480 | 483 | 500 | 501) => {
                if self.starttls {
                    self.command(State::AskedTls, &["STARTTLS"])
                } else {
                    self.log_in()
                }
            }
            (State::AskedTls, 382) => {
                self.state = State::Secured;
                Step::StartTls
            }
            (State::Naming, 381) => {
                let (_, password) = self.login.take().unwrap_or_default();
                self.command(State::LoggingIn, &["AUTHINFO", "PASS", &password])
            }
            (State::Naming | State::LoggingIn, 281) => self.look(),
            (State::Looking, 211) => quit(),
            _ => wrong(said(line)),
        }
    }

    fn log_in(&mut self) -> Step {
        match &self.login {
            Some((username, _)) => {
                let username = username.clone();
                self.command(State::Naming, &["AUTHINFO", "USER", &username])
            }
            None => self.look(),
        }
    }

    fn look(&mut self) -> Step {
        match self.group.take() {
            Some(group) => self.command(State::Looking, &["GROUP", &group]),
            None => quit(),
        }
    }
}

impl Dialogue for Nntp {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        if self.state == State::Secured {
            return self.log_in();
        }
        each(input, |line| self.line(line))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TLS, converse, drip, hostile, login};
    use super::*;

    fn nntp(password: Option<&str>, group: Option<&str>, starttls: bool) -> Nntp {
        Nntp::new(&login(password.map(|_| "probe"), password), group, starttls)
    }

    #[test]
    fn the_greeting_is_enough_without_more() {
        for greeting in ["200 posting allowed\r\n", "201 reading only\r\n"] {
            let ended = drip(nntp(None, None, false), &[greeting]);
            assert_eq!(ended.outcome, Ok(()));
            assert_eq!(ended.sent_text(), ["QUIT\r\n"]);
        }
        for (greeting, words) in [
            ("400 not now\r\n", "400 not now"),
            ("502 not you\r\n", "502 not you"),
            ("200-many\r\n200 lines\r\n", "unexpected answer 200-many"),
            ("+OK POP3\r\n", "unexpected answer +OK POP3"),
        ] {
            assert_eq!(converse(nntp(None, None, false), &[greeting]).failure(), words);
        }
    }

    #[test]
    fn a_login_and_a_group() {
        let good = [
            "200 hi\r\n",
            "200 hi, reader\r\n",
            "381 password?\r\n",
            "281 hello\r\n",
            "211 3 1 3 misc.test\r\n",
        ];
        let ended = drip(nntp(Some("p"), Some("misc.test"), false), &good);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(
            ended.sent_text(),
            [
                "MODE READER\r\n",
                "AUTHINFO USER probe\r\n",
                "AUTHINFO PASS p\r\n",
                "GROUP misc.test\r\n",
                "QUIT\r\n"
            ]
        );
        // No password is asked for, and modes are not known.
        let easy = ["200 hi\r\n", "500 what?\r\n", "281 hello\r\n"];
        assert_eq!(converse(nntp(Some("p"), None, false), &easy).outcome, Ok(()));
        let group = ["201 hi\r\n", "201 hi\r\n", "411 no such group\r\n"];
        let ended = converse(nntp(None, Some("misc.none"), false), &group);
        assert_eq!(ended.failure(), "411 no such group");
        for (last, words) in [
            ("481 wrong\r\n", "481 wrong"),
            ("483 TLS first\r\n", "483 TLS first"),
        ] {
            let answers = ["200 hi\r\n", "200 hi\r\n", last];
            assert_eq!(converse(nntp(Some("p"), None, false), &answers).failure(), words);
        }
        let gone = ["200 hi\r\n", "502 not you\r\n"];
        assert_eq!(
            converse(nntp(Some("p"), None, false), &gone).failure(),
            "502 not you"
        );
    }

    #[test]
    fn tls_begins_before_the_login() {
        let good = [
            "200 hi\r\n",
            "483 TLS first\r\n",
            "382 go on\r\n",
            "381 password?\r\n",
            "281 hello\r\n",
        ];
        let ended = drip(nntp(Some("p"), None, true), &good);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text()[1], "STARTTLS\r\n");
        assert_eq!(ended.sent[2], TLS);
        let none = ["200 hi\r\n", "200 hi\r\n", "580 no\r\n"];
        let ended = converse(nntp(Some("p"), None, true), &none);
        assert_eq!(ended.failure(), "580 no");
        assert_eq!(ended.sent.len(), 2, "and no password");
    }

    #[test]
    fn a_hostile_server_gets_nowhere() {
        hostile(|| nntp(Some("p"), Some("x"), false));
        hostile(|| nntp(None, None, true));
    }
}
