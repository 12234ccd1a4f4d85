//! A real server: HTTP and HTTPS in Rust, which answers with its name and fails in the way one asks for.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::{X509, X509Name};

use super::Node;
use crate::timeline::note;

/// How a server behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Status 200 and the server's name.
    Fine,
    /// Another status.
    Status(u16),
    /// Status 200 and another body.
    Body(String),
    /// The connection is refused: nobody listens.
    Refuse,
    /// The answer comes late.
    Slow(Duration),
}

pub struct Server {
    node: Arc<Node>,
    mode: Arc<Mutex<Mode>>,
}

impl Server {
    /// A server on port 80, and with TLS on port 443.
    pub fn new(node: Node) -> Self {
        let server = Self {
            node: Arc::new(node),
            mode: Arc::new(Mutex::new(Mode::Fine)),
        };
        server.listen(80, None);
        server
    }

    /// Serves HTTPS too.
    pub fn with_tls(&self) {
        self.listen(443, Some(acceptor()));
    }

    /// Accepts what comes for a virtual address as its own, without answering ARP for it (direct routing).
    pub fn serve(&self, address: IpAddr) {
        self.node.within(|| {
            for (setting, value) in [("arp_ignore", "1"), ("arp_announce", "2")] {
                fs::write(format!("/proc/sys/net/ipv4/conf/all/{setting}"), value).expect(setting);
            }
        });
        let length = if address.is_ipv4() { 32 } else { 128 };
        self.node.ip(&format!("address add {address}/{length} dev lo\n"));
    }

    pub fn set(&self, mode: Mode) {
        note(&self.name, format!("is now {mode:?}"));
        *self.mode.lock().expect("mode") = mode;
    }

    fn mode(&self) -> Mode {
        self.mode.lock().expect("mode").clone()
    }

    fn listen(&self, port: u16, tls: Option<SslAcceptor>) {
        let this = Self {
            node: self.node.clone(),
            mode: self.mode.clone(),
        };
        let mut listener = Some(this.open(port));
        thread::spawn(move || {
            loop {
                match (&listener, this.mode()) {
                    (Some(_), Mode::Refuse) => listener = None,
                    (None, Mode::Refuse) => sleep(Duration::from_millis(20)),
                    (None, _) => listener = Some(this.open(port)),
                    (Some(open), mode) => match open.accept() {
                        Ok((stream, _)) => this.answer(stream, mode, tls.clone()),
                        Err(_) => wait_a_little(open),
                    },
                }
            }
        });
    }

    fn open(&self, port: u16) -> TcpListener {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let listener = self.node.within(|| TcpListener::bind(any)).expect("a listener");
        listener.set_nonblocking(true).expect("a polled listener");
        listener
    }

    fn answer(&self, stream: TcpStream, mode: Mode, tls: Option<SslAcceptor>) {
        let name = self.name.clone();
        thread::spawn(move || {
            stream.set_nonblocking(false).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
            match tls {
                Some(acceptor) => {
                    let mut stream = acceptor.accept(stream).ok()?;
                    respond(&mut stream, &name, mode)?;
                    stream.shutdown().ok().map(drop)
                }
                None => respond(&mut &stream, &name, mode),
            }
        });
    }
}

/// Until somebody connects, or it is time to look at the mode again.
fn wait_a_little(listener: &TcpListener) {
    let _ = poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], 50_u8);
}

fn respond<S: Read + Write>(stream: &mut S, name: &str, mode: Mode) -> Option<()> {
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&part[..length]);
    }
    let (status, body) = match mode {
        Mode::Fine | Mode::Refuse => (200, name.to_owned()),
        Mode::Status(status) => (status, name.to_owned()),
        Mode::Body(body) => (200, body),
        Mode::Slow(delay) => {
            sleep(delay);
            (200, name.to_owned())
        }
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Lab\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).ok()
}

/// TLS with a certificate that its own key signed.
fn acceptor() -> SslAcceptor {
    let key: PKey<Private> = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
    let mut name = X509Name::builder().expect("a name");
    name.append_entry_by_text("CN", "lab").expect("a name");
    let name = name.build();
    let mut certificate = X509::builder().expect("a certificate");
    certificate.set_version(2).expect("a version");
    certificate.set_subject_name(&name).expect("a subject");
    certificate.set_issuer_name(&name).expect("an issuer");
    certificate.set_pubkey(&key).expect("a public key");
    certificate
        .set_not_before(&Asn1Time::days_from_now(0).expect("a date"))
        .expect("a beginning");
    certificate
        .set_not_after(&Asn1Time::days_from_now(1).expect("a date"))
        .expect("an end");
    certificate
        .sign(&key, MessageDigest::sha256())
        .expect("a signature");
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).expect("TLS");
    acceptor.set_private_key(&key).expect("a key");
    acceptor
        .set_certificate(&certificate.build())
        .expect("a certificate");
    acceptor.build()
}

impl Deref for Server {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}
