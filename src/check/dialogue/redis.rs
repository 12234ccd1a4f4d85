//! Redis: `AUTH` when there is a password, `PING`, and `ROLE` when a role is wanted.

use super::{Dialogue, Step, said, take_line, wrong};
use crate::check::config::{Login, RedisRole};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Authenticating,
    Pinging,
    /// The reply to `ROLE` is an array: its head is awaited, then the length of its first word, then the word.
    RoleHead,
    RoleLength,
    RoleWord,
}

pub(super) struct Redis {
    state: State,
    /// Of `AUTH`; gone once it was sent.
    auth: Option<Vec<u8>>,
    role: Option<RedisRole>,
}

impl Redis {
    pub(super) fn new(login: &Login, role: Option<RedisRole>) -> Self {
        let auth = login.password.as_ref().map(|password| {
            let mut words = vec!["AUTH"];
            words.extend(login.username.as_deref());
            words.push(&password.0);
            command(&words)
        });
        Self {
            state: State::Start,
            auth,
            role,
        }
    }

    fn line(&mut self, line: &[u8]) -> Step {
        match self.state {
            State::Start => wrong("unasked words"),
            State::Authenticating if line == b"+OK" => {
                self.state = State::Pinging;
                Step::Send(command(&["PING"]))
            }
            State::Pinging if line == b"+PONG" => match self.role {
                None => Step::Done(command(&["QUIT"])),
                Some(_) => {
                    self.state = State::RoleHead;
                    Step::Send(command(&["ROLE"]))
                }
            },
            State::RoleHead if line.starts_with(b"*") && line != b"*0" => {
                self.state = State::RoleLength;
                Step::More
            }
            State::RoleLength if line.starts_with(b"$") => {
                self.state = State::RoleWord;
                Step::More
            }
            State::RoleWord => self.judge(line),
            State::Authenticating | State::Pinging | State::RoleHead | State::RoleLength => {
                let word = match line.split_first() {
                    Some((b'-' | b'+', text)) => said(text),
                    _ => format!("unexpected answer {}", said(line)),
                };
                wrong(word)
            }
        }
    }

    fn judge(&self, line: &[u8]) -> Step {
        // Its word for a replica is an older one.
        let found = match line {
            b"master" => Some(RedisRole::Master),
            b"slave" | b"replica" => Some(RedisRole::Replica),
            _ => None,
        };
        if self.role.is_some() && found == self.role {
            Step::Done(command(&["QUIT"]))
        } else {
            wrong(format!("its role is {}", said(line)))
        }
    }
}

impl Dialogue for Redis {
    fn step(&mut self, input: &mut Vec<u8>) -> Step {
        if self.state == State::Start {
            let auth = self.auth.take();
            self.state = match auth {
                Some(_) => State::Authenticating,
                None => State::Pinging,
            };
            return Step::Send(auth.unwrap_or_else(|| command(&["PING"])));
        }
        loop {
            match take_line(input) {
                Ok(Some(line)) => match self.line(&line) {
                    Step::More => {}
                    step => return step,
                },
                Ok(None) => return Step::More,
                Err(step) => return step,
            }
        }
    }
}

/// An array of strings.
fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len());
    for word in words {
        out.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse, hostile, login};
    use super::*;

    fn redis(password: Option<&str>, role: Option<RedisRole>) -> Redis {
        Redis::new(&login(None, password), role)
    }

    #[test]
    fn a_pong_is_enough() {
        let ended = converse(redis(None, None), &["+PONG\r\n"]);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(
            ended.sent_text(),
            ["*1\r\n$4\r\nPING\r\n", "*1\r\n$4\r\nQUIT\r\n"]
        );
        hostile(|| redis(Some("x"), Some(RedisRole::Master)));
    }

    #[test]
    fn a_password_and_a_role() {
        let good = ["+OK\r\n", "+PONG\r\n", "*3\r\n$6\r\nmaster\r\n:1\r\n*0\r\n"];
        let ended = converse(redis(Some("secret"), Some(RedisRole::Master)), &good);
        assert_eq!(ended.outcome, Ok(()));
        assert!(ended.sent_text()[0].starts_with("*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"));
        let ended = converse(redis(Some("secret"), Some(RedisRole::Replica)), &good);
        assert_eq!(ended.failure(), "its role is master");
        let named = Redis::new(&login(Some("me"), Some("p")), None);
        let ended = converse(named, &["+OK\r\n", "+PONG\r\n"]);
        assert!(ended.sent_text()[0].starts_with("*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$1\r\np\r\n"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (answers, said) in [
            (
                vec!["-WRONGPASS invalid username-password pair\r\n"],
                "WRONGPASS invalid username-password pair",
            ),
            (
                vec!["+OK\r\n", "-LOADING Redis is loading\r\n"],
                "LOADING Redis is loading",
            ),
            (vec!["220 mail ESMTP\r\n"], "unexpected answer 220 mail ESMTP"),
        ] {
            assert_eq!(converse(redis(Some("x"), None), &answers).failure(), said);
        }
        let endless = "+".repeat(9000);
        let ended = converse(redis(None, None), &[endless.as_str()]);
        assert_eq!(ended.failure(), "a line of more than 8192 octets");
        assert_eq!(
            converse(redis(None, None), &["+PON"]).outcome,
            Err(Said::Unfinished)
        );
    }
}
