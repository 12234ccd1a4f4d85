//! A mail relay that takes every letter and keeps it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::Node;
use crate::timeline::note;

/// One dialogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// What the sender said before its text, one line each.
    pub envelope: Vec<String>,
    /// Headers, an empty line, and the body, as they came.
    pub text: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Relay {
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl Relay {
    /// Listens on a port of this node's loopback interface.
    pub fn listen(node: &Node, port: u16) -> Self {
        let relay = Self::default();
        let listener = node.within(|| TcpListener::bind(("127.0.0.1", port)).expect("a port for mail"));
        let taken = relay.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let relay = taken.clone();
                thread::spawn(move || relay.serve(stream));
            }
        });
        relay
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().expect("letters").clone()
    }

    /// A client that goes away has no letter.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut out = stream.try_clone().ok()?;
        let mut say = |words: &str| out.write_all(format!("{words}\r\n").as_bytes()).ok();
        let mut lines = BufReader::new(stream)
            .split(b'\n')
            .map_while(Result::ok)
            .map(|line| {
                let text = String::from_utf8_lossy(&line).into_owned();
                text.strip_suffix('\r')
                    .map_or_else(|| format!("{text} (no CR)"), ToOwned::to_owned)
            });
        let mut letter = Letter::default();
        say("220 lab ESMTP")?;
        loop {
            let line = lines.next()?;
            match line.as_str() {
                "DATA" => {
                    say("354 go on")?;
                    letter.text = lines.by_ref().take_while(|line| line != ".").collect();
                    note(
                        "relay",
                        format!(
                            "took {:?}",
                            letter.text.iter().find(|line| line.starts_with("Subject"))
                        ),
                    );
                    say("250 taken")?;
                }
                "QUIT" => {
                    say("221 bye")?;
                    letter.envelope.push(line);
                    self.letters.lock().expect("letters").push(letter);
                    return Some(());
                }
                _ if line.starts_with("EHLO") => say("250-lab\r\n250 8BITMIME")?,
                _ => say("250 well")?,
            }
            letter.envelope.push(line);
        }
    }
}
