//! The dialogue of an SMTP_CHECK: greeting, HELO, QUIT (facts 9.21 to 9.23). Pure: octets in, what to say next out; its
//! memory is bounded whatever comes in.
//!
//! keepalived looks at the first line of what it has read, and so takes a server that greets with several lines, or
//! answers with a bare code, for dead. Here a reply is what RFC 5321 says: lines that begin with the same kind of code, a
//! `-` after all but the last.

use super::event::Reason;

/// The longest line, in octets, with its end.
const MAX_LINE: usize = 512;
/// The most lines of a reply.
const MAX_LINES: usize = 64;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Wait for more.
    Wait,
    /// Send HELO.
    Helo,
    /// Send QUIT.
    Quit,
    /// The server is good.
    Done,
}

/// A dialogue.
#[derive(Debug, Default)]
pub struct Dialogue {
    stage: Stage,
    /// The line that is coming in.
    line: Vec<u8>,
    /// Lines of this reply so far.
    lines: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Greeting,
    Helo,
    Quit,
}

impl Dialogue {
    /// Takes the next octets. What follows a whole reply was not asked for, and is left.
    ///
    /// # Errors
    /// A reply that is not a good one ends the check.
    pub fn take(&mut self, octets: &[u8]) -> Result<Step, Reason> {
        for octet in octets {
            if *octet != b'\n' {
                if self.line.len() >= MAX_LINE {
                    return Err(self.wrong());
                }
                self.line.push(*octet);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            match self.hear(&line)? {
                Step::Wait => {}
                step @ (Step::Helo | Step::Quit | Step::Done) => return Ok(step),
            }
        }
        Ok(Step::Wait)
    }

    fn hear(&mut self, line: &[u8]) -> Result<Step, Reason> {
        self.lines += 1;
        let expected = match self.stage {
            Stage::Greeting => b"220",
            Stage::Helo => b"250",
            // Any line will do.
            Stage::Quit => return Ok(Step::Done),
        };
        let rest = line.strip_prefix(expected).ok_or_else(|| self.wrong())?;
        match rest {
            [b'-', ..] if self.lines < MAX_LINES => Ok(Step::Wait),
            [] | [b'\r' | b' ', ..] => {
                self.lines = 0;
                Ok(match self.stage {
                    Stage::Greeting => {
                        self.stage = Stage::Helo;
                        Step::Helo
                    }
                    Stage::Helo | Stage::Quit => {
                        self.stage = Stage::Quit;
                        Step::Quit
                    }
                })
            }
            _ => Err(self.wrong()),
        }
    }

    /// The reply is not the one that is due.
    const fn wrong(&self) -> Reason {
        match self.stage {
            Stage::Greeting => Reason::Greeting,
            Stage::Helo | Stage::Quit => Reason::Helo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds a dialogue; what it wants done, to its end or its error.
    fn all(parts: &[&str]) -> (Vec<Step>, Option<Reason>) {
        let mut dialogue = Dialogue::default();
        let mut steps = Vec::new();
        for part in parts {
            match dialogue.take(part.as_bytes()) {
                Ok(step) => steps.push(step),
                Err(reason) => return (steps, Some(reason)),
            }
        }
        (steps, None)
    }

    /// LVS facts: 9.21, 9.22, 9.23
    #[test]
    fn a_good_server_is_greeted_asked_and_left() {
        let whole = (vec![Step::Helo, Step::Quit, Step::Done], None);
        assert_eq!(all(&["220 mx\r\n", "250 hello\r\n", "221 bye\r\n"]), whole);
        assert_eq!(all(&["220 mx\n", "250 x\n", "anything\n"]), whole);
        // What keepalived refuses: a bare code, several lines.
        assert_eq!(all(&["220\r\n", "250\r\n", "221\r\n"]), whole);
        assert_eq!(
            all(&["220-a\r\n220 b\r\n", "250-a\r\n250-b\r\n250 c\r\n", "x\n"]),
            whole
        );
        // What was not asked for does not count as the next answer.
        assert_eq!(all(&["220 mx\r\n250 early\r\n", "250 x\r\n", "221 x\r\n"]), whole);
    }

    /// LVS facts: 9.22
    #[test]
    fn another_code_is_a_failure() {
        for greeting in [
            "550 no\r\n",
            "2200 x\r\n",
            "22\r\n",
            " 220 x\r\n",
            "\r\n",
            "221 x\r\n",
            "220-a\r\n550 b\r\n",
        ] {
            assert_eq!(all(&[greeting]), (vec![], Some(Reason::Greeting)), "{greeting:?}");
        }
        for helo in ["550 who\r\n", "220 x\r\n", "25\r\n", "250x\r\n", "250-x\r\nx\r\n"] {
            let (steps, error) = all(&["220 mx\r\n", helo]);
            assert_eq!((steps, error), (vec![Step::Helo], Some(Reason::Helo)), "{helo:?}");
        }
    }

    /// LVS facts: 9.23
    #[test]
    fn endless_lines_and_replies_end() {
        let mut dialogue = Dialogue::default();
        let mut taken = 0;
        let error = loop {
            match dialogue.take(b"220 xxxxxxxxxxxx") {
                Ok(step) => assert_eq!(step, Step::Wait),
                Err(error) => break error,
            }
            taken += 1;
            assert!(taken < 100);
        };
        assert_eq!(error, Reason::Greeting);
        let mut dialogue = Dialogue::default();
        assert_eq!(
            (0..100).find_map(|_| dialogue.take(b"220-x\r\n").err()),
            Some(Reason::Greeting)
        );
    }

    proptest! {
        /// However it is cut into pieces, the same answer means the same.
        #[test]
        fn pieces_do_not_matter(text in "(2[25]0[- x]?[a-z]{0,3}\r?\n?){0,4}", at in 0usize..40) {
            let whole = Dialogue::default().take(text.as_bytes());
            let (head, tail) = text.as_bytes().split_at(at.min(text.len()));
            let mut dialogue = Dialogue::default();
            let pieces = match dialogue.take(head) {
                Ok(Step::Wait) => dialogue.take(tail),
                other => other,
            };
            prop_assert_eq!(whole, pieces);
        }
    }
}
