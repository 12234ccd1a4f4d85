//! Conversations: servers that answer each word of a client with their own name, over TCP and UDP, on ports of their own.
//!
//! Unlike a request over HTTP a conversation lasts: it shows what becomes of an established connection.

use std::fmt::{self, Display};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use super::Node;
use crate::timeline::Stamp;

/// How long an answer is awaited: a busy machine may be that slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer that has not come by then is not on its way.
const SILENCE: Duration = Duration::from_millis(600);

/// The next client's port over UDP. None is used twice: a director remembers a conversation for minutes after the client has
/// left it, and would take another one from its port for the same, even where its server is gone by then.
static PORT: AtomicU16 = AtomicU16::new(20_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// Answers on `port` of a node with its name: TCP at every address, UDP at `addresses`, from which it answers too.
pub fn answer(node: &Node, port: u16, addresses: &[IpAddr]) {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let listener = node.within(|| TcpListener::bind(any)).expect("a listener");
    let name = node.name.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let name = name.clone();
            thread::spawn(move || {
                let mut out = stream.try_clone().ok()?;
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    out.write_all(format!("{name} {line}\n").as_bytes()).ok()?;
                }
                Some(())
            });
        }
    });
    for address in addresses {
        let socket = node
            .within(|| UdpSocket::bind((*address, port)))
            .expect("a socket of the address");
        let name = node.name.clone();
        thread::spawn(move || {
            let mut word = [0; 64];
            loop {
                // What a network says of an earlier answer is no end.
                if let Ok((length, from)) = socket.recv_from(&mut word) {
                    let _ = socket.send_to(&[name.as_bytes(), b" ", &word[..length]].concat(), from);
                }
            }
        });
    }
}

/// A client's end of a conversation.
pub struct Talk {
    end: End,
    words: u32,
}

enum End {
    Tcp(BufReader<TcpStream>),
    Udp(UdpSocket),
}

impl Talk {
    /// Opens one from `node`; nothing if it is refused or nobody answers.
    pub fn open(node: &Node, transport: Transport, target: SocketAddr) -> Result<Self, ErrorKind> {
        let end = node.within(|| match transport {
            Transport::Tcp => {
                let stream = TcpStream::connect_timeout(&target, PATIENCE)?;
                stream.set_nodelay(true)?;
                Ok(End::Tcp(BufReader::new(stream)))
            }
            Transport::Udp => {
                let any: IpAddr = if target.is_ipv4() {
                    Ipv4Addr::UNSPECIFIED.into()
                } else {
                    Ipv6Addr::UNSPECIFIED.into()
                };
                let socket = UdpSocket::bind((any, PORT.fetch_add(1, Ordering::Relaxed)))?;
                socket.connect(target)?;
                Ok(End::Udp(socket))
            }
        });
        let end = end.map_err(|error: std::io::Error| error.kind())?;
        Ok(Self { end, words: 0 })
    }

    /// Says a word; the name of who answers, or why nobody does: `WouldBlock` is silence.
    pub fn say(&mut self) -> Result<String, ErrorKind> {
        self.speak(PATIENCE)
    }

    /// Says a word, and whether nobody answers it.
    pub fn is_ignored(&mut self) -> bool {
        self.speak(SILENCE) == Err(ErrorKind::WouldBlock)
    }

    fn speak(&mut self, limit: Duration) -> Result<String, ErrorKind> {
        self.words += 1;
        let word = self.words.to_string();
        match &mut self.end {
            End::Tcp(stream) => writeln!(stream.get_mut(), "{word}"),
            End::Udp(socket) => socket.send(word.as_bytes()).map(drop),
        }
        .map_err(|error| error.kind())?;
        self.hear(&word, limit)
    }

    /// Waits for the answer to the last word.
    pub fn listen(&mut self) -> Result<String, ErrorKind> {
        let word = self.words.to_string();
        self.hear(&word, PATIENCE)
    }

    /// Earlier answers may come first.
    fn hear(&mut self, word: &str, limit: Duration) -> Result<String, ErrorKind> {
        let until = Stamp::now() + limit;
        while Stamp::now() < until {
            let left = Some(until - Stamp::now()).filter(|left| !left.is_zero());
            match &self.end {
                End::Tcp(stream) => stream.get_ref().set_read_timeout(left),
                End::Udp(socket) => socket.set_read_timeout(left),
            }
            .map_err(|error| error.kind())?;
            let mut text = String::new();
            match &mut self.end {
                End::Tcp(stream) => stream.read_line(&mut text).map(drop),
                End::Udp(socket) => {
                    let mut answer = [0; 128];
                    socket.recv(&mut answer).map(|length| {
                        text = String::from_utf8_lossy(&answer[..length]).into_owned();
                    })
                }
            }
            .map_err(|error| error.kind())?;
            match text.trim_end().split_once(' ') {
                Some((name, answered)) if answered == word => return Ok(name.to_owned()),
                Some(_) => {}
                None => return Err(ErrorKind::UnexpectedEof),
            }
        }
        Err(ErrorKind::WouldBlock)
    }
}
