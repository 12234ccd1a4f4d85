//! A back-end on the loopback that says what a healthy one says, or something else.

use super::healthy::Kind;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Stream,
    Datagrams,
}

/// What is different from a healthy one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    /// Octet by octet.
    Slow,
    /// It says nothing.
    Silent,
    /// After so many octets it ends the connection; a datagram has so many octets.
    Cut(u64),
    /// After so many octets it breaks the connection off.
    Reset(u64),
    /// After so many octets it says nothing more.
    Hold(u64),
    /// This again and again, without end.
    Flood(&'static [u8]),
    /// The same, once it was asked.
    Answer(&'static [u8]),
    /// Something, of this seed; then it ends the connection.
    Noise(u64),
    /// A good datagram, from another port.
    Foreign,
}

/// A port of the loopback that nobody listens on.
pub(super) fn nobody(way: Way) -> SocketAddr {
    let at = match way {
        Way::Stream => TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()),
        Way::Datagrams => UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()),
    };
    at.expect("a port")
}

/// One that is asked until it is dropped.
pub(super) struct BackEnd {
    pub at: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    talk: fn(usize, &[u8]) -> Option<Vec<u8>>,
    twist: Twist,
    sent: AtomicU64,
    over: AtomicBool,
}

impl BackEnd {
    /// One that says what a healthy one says; nothing for a kind whose healthy words we do not have.
    pub(super) fn healthy(kind: &Kind, twist: Twist) -> Option<Self> {
        kind.has_healthy.then(|| Self::start(kind, twist))
    }

    pub(super) fn start(kind: &Kind, twist: Twist) -> Self {
        let state = Arc::new(State {
            talk: kind.talk,
            twist,
            sent: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        let (at, thread) = match kind.way {
            Way::Stream => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
                let at = listener.local_addr().expect("an address");
                (at, thread::spawn(move || shared.listen(&listener)))
            }
            Way::Datagrams => {
                let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
                let at = socket.local_addr().expect("an address");
                (at, thread::spawn(move || shared.answer_all(&socket)))
            }
        };
        Self {
            at,
            state,
            thread: Some(thread),
        }
    }

    /// So many octets were taken from it.
    pub(super) fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::Relaxed)
    }
}

impl Drop for BackEnd {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        // Whoever waits for a connection or a datagram is woken.
        drop(TcpStream::connect(self.at));
        if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
            let _ = socket.send_to(b"over", self.at);
        }
        let ended = self.thread.take().map(JoinHandle::join);
        if let Some(Err(_)) = ended
            && !thread::panicking()
        {
            panic!("the back-end panicked");
        }
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn listen(&self, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            if self.is_over() {
                return;
            }
            // Who is asked is left by the other side, or by its end: both are errors here.
            let _ = self.converse(stream);
        }
    }

    /// One connection, to its end.
    fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        let mut left = match self.twist {
            Twist::Silent => return self.wait_for_end(stream),
            Twist::Flood(words) => return self.flood(stream, words),
            Twist::Answer(words) => {
                self.hear(&mut stream, &mut Vec::new())?;
                return self.flood(stream, words);
            }
            Twist::Noise(seed) => {
                self.say(&mut stream, &noise(seed))?;
                return self.hang_up(stream);
            }
            Twist::Cut(after) | Twist::Reset(after) | Twist::Hold(after) => after,
            Twist::None | Twist::Slow | Twist::Foreign => u64::MAX,
        };
        let mut heard = Vec::new();
        let mut number = 0;
        loop {
            if left == 0 {
                return match self.twist {
                    Twist::Reset(_) => socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
                    Twist::Hold(_) => self.wait_for_end(stream),
                    _ => self.hang_up(stream),
                };
            }
            let Some(answer) = (self.talk)(number, &heard) else {
                if !self.hear(&mut stream, &mut heard)? {
                    return Ok(());
                }
                continue;
            };
            // Nothing is what one says that has said everything, and ends.
            if answer.is_empty() {
                return self.hang_up(stream);
            }
            number += 1;
            heard.clear();
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(answer.len());
            self.say(&mut stream, answer.get(..count).unwrap_or_default())?;
            left -= count as u64;
        }
    }

    fn say(&self, stream: &mut TcpStream, words: &[u8]) -> io::Result<()> {
        let piece = if self.twist == Twist::Slow {
            1
        } else {
            words.len().max(1)
        };
        for piece in words.chunks(piece) {
            // Counted first: who was answered may look at once.
            self.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            stream.write_all(piece)?;
            if self.twist == Twist::Slow {
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Hears something more; false when the other side has ended, or all is over.
    fn hear(&self, stream: &mut TcpStream, heard: &mut Vec<u8>) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        while !self.is_over() {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    heard.extend(buffer.get(..count).unwrap_or_default());
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn wait_for_end(&self, mut stream: TcpStream) -> io::Result<()> {
        while self.hear(&mut stream, &mut Vec::new())? {}
        Ok(())
    }

    /// Ends the connection in good form: what was not heard would break it off.
    fn hang_up(&self, stream: TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)?;
        self.wait_for_end(stream)
    }

    fn flood(&self, mut stream: TcpStream, words: &[u8]) -> io::Result<()> {
        let many = words.repeat(4096 / words.len().max(1) + 1);
        while !self.is_over() {
            stream.write_all(&many)?;
            self.sent.fetch_add(many.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn answer_all(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        while let Ok((count, from)) = socket.recv_from(&mut buffer) {
            if self.is_over() {
                return;
            }
            self.answer(socket, buffer.get(..count).unwrap_or_default(), from);
        }
    }

    /// Sending fails when nobody listens any more.
    fn answer(&self, socket: &UdpSocket, heard: &[u8], from: SocketAddr) {
        let good = (self.talk)(0, heard).unwrap_or_default();
        let send = |words: &[u8]| {
            self.sent.fetch_add(words.len() as u64, Ordering::Relaxed);
            let _ = socket.send_to(words, from);
        };
        match self.twist {
            Twist::Silent | Twist::Hold(_) | Twist::Reset(_) => {}
            Twist::None | Twist::Slow => send(&good),
            Twist::Cut(after) => {
                let count = usize::try_from(after).unwrap_or(usize::MAX);
                send(good.get(..count).unwrap_or(&good));
            }
            Twist::Noise(seed) => send(&noise(seed)),
            Twist::Foreign => {
                if let Ok(other) = UdpSocket::bind("127.0.0.1:0") {
                    let _ = other.send_to(&good, from);
                }
            }
            Twist::Flood(words) | Twist::Answer(words) => {
                while !self.is_over() && socket.send_to(words, from).is_ok() {
                    thread::sleep(Duration::from_micros(100));
                }
            }
        }
    }
}

/// Noise: of all octets, of text, of small numbers, of what protocols are made of.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let length = 1 + usize::from(next()) * 4;
    let protocol = b"+-*$0123456789 OK\r\n:";
    (0..length)
        .map(|_| match (seed % 4, next()) {
            (0, octet) => octet,
            (1, octet) => octet & 0x7f,
            (2, octet) => octet & 3,
            (_, octet) => *protocol.get(usize::from(octet) % protocol.len()).unwrap_or(&0),
        })
        .collect()
}
