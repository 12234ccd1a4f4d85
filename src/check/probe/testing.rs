//! Back-ends for tests: on the loopback, behaving as they are told.

use crate::check::config::{Connection, HttpConfig, HttpProtocol, TlsConfig, UrlConfig};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// Generous: a loaded machine is no failure.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// Short enough to wait for, long enough for a loaded machine to answer in.
pub(super) const SHORT: Duration = Duration::from_millis(400);

/// A server that does `handler` with every connection.
pub(super) async fn serve<F, H>(address: &str, handler: H) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
    H: Fn(TcpStream) -> F + Send + 'static,
{
    let listener = TcpListener::bind(address).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(handler(stream));
        }
    });
    at
}

/// Reads a request to its empty line, or to the end.
pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => request.push(octet),
            Err(_) => break,
        }
    }
    String::from_utf8(request).unwrap()
}

pub(super) fn connection(destination: SocketAddr, timeout: Duration) -> Connection {
    Connection {
        destination,
        source: None,
        interface: None,
        mark: 0,
        timeout,
    }
}

pub(super) fn http(destination: SocketAddr, timeout: Duration, tls: Option<TlsConfig>) -> HttpConfig {
    HttpConfig {
        connection: connection(destination, timeout),
        tls,
        protocol: HttpProtocol::V10,
        urls: vec![url("/")],
        fast_recovery: false,
    }
}

pub(super) fn url(path: &str) -> UrlConfig {
    UrlConfig {
        path: path.into(),
        host: None,
        sni: None,
        status: vec![(200, 299)],
        digest: None,
        regex: None,
        tls_compliant: false,
    }
}

/// A server that answers every datagram with what `answer` makes of it.
pub(super) async fn answering(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            if let Some(reply) = answer(&buffer[..length]) {
                socket.send_to(&reply, from).await.unwrap();
            }
        }
    });
    at
}

/// When [`certificate`] ends, in seconds since 1970.
pub(super) const ENDS: i64 = 4_102_444_799;

/// A certificate that its own key has signed, and the key.
pub(super) fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "not the host you asked for")
        .unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    certificate
        .set_not_after(&Asn1Time::from_unix(ENDS).unwrap())
        .unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    (certificate.build(), key)
}
