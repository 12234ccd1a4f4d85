//! FTP, over its control connection alone: the greeting; TLS by AUTH; with a user name the login; with a path whether it
//! is there.

use super::lines::{Reply, command, each, quit, reply};
use super::{Dialogue, Step, said, wrong};
use crate::check::config::Login;

/// What an anonymous user gives for a password when none is set.
const ANONYMOUS: &str = "steadfast@";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    AskedTls,
    /// TLS has begun.
    Secured,
    Naming,
    LoggingIn,
    /// A size is one of octets only for binary files.
    SettingType,
    Looking,
}

pub(super) struct Ftp {
    state: State,
    /// Gone once it was sent.
    login: Option<(String, String)>,
    path: Option<String>,
    starttls: bool,
    /// A reply of several lines is being read, with this code.
    open: Option<u16>,
}

impl Ftp {
    pub(super) fn new(login: &Login, path: Option<&str>, starttls: bool) -> Self {
        let login = login.username.as_ref().map(|username| {
            let anonymous = ["anonymous", "ftp"].contains(&username.to_ascii_lowercase().as_str());
            let secret = match &login.password {
                None if anonymous => ANONYMOUS,
                _ => login.secret(),
            };
            (username.clone(), secret.to_owned())
        });
        Self {
            state: State::Greeting,
            login,
            path: path.map(str::to_owned),
            starttls,
            open: None,
        }
    }

    fn command(&mut self, state: State, words: &[&str]) -> Step {
        self.state = state;
        Step::Send(command(words))
    }

    fn line(&mut self, line: &[u8]) -> Step {
        match (reply(line), self.open) {
            // All between the first line and the last one is text, whatever it looks like.
            (Some(Reply { code, last: true }), Some(open)) if code == open => {
                self.open = None;
                self.answered(code, line)
            }
            (_, Some(_)) => Step::More,
            (Some(Reply { code, last: true }), None) => self.answered(code, line),
            (Some(Reply { code, last: false }), None) => {
                self.open = Some(code);
                Step::More
            }
            (None, None) => wrong(format!("unexpected answer {}", said(line))),
        }
    }

    fn answered(&mut self, code: u16, line: &[u8]) -> Step {
        match (self.state, code) {
            // It will be ready soon.
            (State::Greeting, 120) => Step::More,
            (State::Greeting, 220) if self.starttls => self.command(State::AskedTls, &["AUTH", "TLS"]),
            (State::Greeting, 220) => self.log_in(),
            (State::AskedTls, 234) => {
                self.state = State::Secured;
                Step::StartTls
            }
            (State::Naming, 331) => {
                let (_, password) = self.login.take().unwrap_or_default();
                self.command(State::LoggingIn, &["PASS", &password])
            }
            (State::Naming, 230 | 232) | (State::LoggingIn, 230 | 202) => match &self.path {
                None => quit(),
                Some(path) if path.ends_with('/') => {
                    let path = path.clone();
                    self.command(State::Looking, &["CWD", &path])
                }
                Some(_) => self.command(State::SettingType, &["TYPE", "I"]),
            },
            (State::SettingType, 200) => {
                let path = self.path.take().unwrap_or_default();
                self.command(State::Looking, &["SIZE", &path])
            }
            (State::Looking, 213 | 250) => quit(),
            _ => wrong(said(line)),
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

impl Dialogue for Ftp {
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

    fn ftp(password: Option<&str>, path: Option<&str>, starttls: bool) -> Ftp {
        Ftp::new(&login(password.map(|_| "probe"), password), path, starttls)
    }

    #[test]
    fn a_greeting_may_have_many_lines() {
        for greeting in [
            "220 ready\r\n",
            "220\r\n",
            "220-Welcome\r\n  to\r\n230 this is text\r\n220-still\r\n220 ready\r\n",
            "120 in a minute\r\n220 ready\r\n",
        ] {
            let ended = drip(ftp(None, None, false), &[greeting]);
            assert_eq!(ended.outcome, Ok(()), "{greeting}");
            assert_eq!(ended.sent_text(), ["QUIT\r\n"]);
        }
        for (greeting, words) in [
            ("421 too many users\r\n", "421 too many users"),
            ("421-too many\r\n421 users\r\n", "421 users"),
            ("SSH-2.0-OpenSSH_9.2\r\n", "unexpected answer SSH-2.0-OpenSSH_9.2"),
            ("2200 x\r\n", "unexpected answer 2200 x"),
            ("99 x\r\n", "unexpected answer 99 x"),
        ] {
            assert_eq!(converse(ftp(None, None, false), &[greeting]).failure(), words);
        }
    }

    #[test]
    fn a_login_and_a_path() {
        let login = ["220 hi\r\n", "331 password?\r\n", "230-hello\r\n230 welcome\r\n"];
        let ended = drip(ftp(Some("p"), None, false), &login);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text(), ["USER probe\r\n", "PASS p\r\n", "QUIT\r\n"]);
        let file = [&login[..], &["200 binary\r\n", "213 17\r\n"]].concat();
        let ended = drip(ftp(Some("p"), Some("/pub/a b"), false), &file);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text()[2..4], ["TYPE I\r\n", "SIZE /pub/a b\r\n"]);
        let missing = [&login[..], &["200 binary\r\n", "550 no such file\r\n"]].concat();
        let ended = converse(ftp(Some("p"), Some("/pub/x"), false), &missing);
        assert_eq!(ended.failure(), "550 no such file");
        let folder = [&login[..], &["250 here\r\n"]].concat();
        let ended = converse(ftp(Some("p"), Some("/pub/"), false), &folder);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text()[2], "CWD /pub/\r\n");
        // No password is asked for.
        let ended = converse(ftp(Some("p"), None, false), &["220 hi\r\n", "230 hello\r\n"]);
        assert_eq!(ended.outcome, Ok(()));
        for (answers, words) in [
            (vec!["220 hi\r\n", "530 no\r\n"], "530 no"),
            (vec!["220 hi\r\n", "331 p?\r\n", "530 wrong\r\n"], "530 wrong"),
            (
                vec!["220 hi\r\n", "331 p?\r\n", "332 account?\r\n"],
                "332 account?",
            ),
        ] {
            assert_eq!(converse(ftp(Some("p"), None, false), &answers).failure(), words);
        }
    }

    #[test]
    fn anonymous_users_have_a_password() {
        for (password, sent) in [(None, "PASS steadfast@\r\n"), (Some("me@x"), "PASS me@x\r\n")] {
            let who = Ftp::new(&login(Some("Anonymous"), password), None, false);
            let ended = converse(who, &["220 hi\r\n", "331 mail address?\r\n", "230 hello\r\n"]);
            assert_eq!(ended.sent_text()[1], sent);
        }
    }

    #[test]
    fn tls_begins_before_the_login() {
        let good = ["220 hi\r\n", "234 go on\r\n", "331 p?\r\n", "230 hello\r\n"];
        let ended = drip(ftp(Some("p"), None, true), &good);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text()[0], "AUTH TLS\r\n");
        assert_eq!(ended.sent[1], TLS);
        let ended = converse(ftp(Some("p"), None, true), &["220 hi\r\n", "502 what?\r\n"]);
        assert_eq!(ended.failure(), "502 what?");
        assert_eq!(ended.sent_text(), ["AUTH TLS\r\n"], "and no password");
    }

    #[test]
    fn a_hostile_server_gets_nowhere() {
        hostile(|| ftp(Some("p"), Some("x"), false));
        hostile(|| ftp(None, None, true));
        let endless = "220-more\r\n".repeat(100_000);
        let ended = converse(ftp(None, None, false), &[endless]);
        assert!(ended.outcome.is_err());
    }
}
