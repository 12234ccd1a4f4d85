//! Pages in every cut; what is hashed is what a `digest` compares; failures, each with its line.

use super::*;
use crate::check::config::TlsConfig;
use crate::check::probe::answer::Answer;
use crate::check::probe::testing::{LONG, SHORT, http, read_request, serve, url};
use proptest::prelude::*;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// What is heard, and what comes of it.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<u8>, Option<[u8; 16]>) {
    let (mut header, mut body, mut begun) = (Vec::new(), Vec::new(), 0);
    let mut page = Page::default();
    let mut hear = |piece: Piece<'_>| match piece {
        Piece::Begun => begun += 1,
        Piece::Header(octets) => header.extend_from_slice(octets),
        Piece::Body(octets) => body.extend_from_slice(octets),
    };
    let mut some = false;
    let mut failed = false;
    for piece in pieces {
        some = true;
        failed = page.take(piece, &mut hear).is_err();
        if failed {
            break;
        }
    }
    assert_eq!(begun, u32::from(some));
    (header, body, page.finish().filter(|_| !failed))
}

/// LVS facts: 21.2
#[test]
fn the_hash_is_of_the_body_as_far_as_it_was_announced() {
    for (header, wanted) in [
        ("HTTP/1.0 200 OK", "hello, world"),
        ("HTTP/1.0 500 no status is looked at", "hello, world"),
        ("no status line at all", "hello, world"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 12", "hello, world"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5", "hello"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 500", "hello, world"),
    ] {
        let octets = format!("{header}\r\n\r\nhello, world").into_bytes();
        let (head, body, hash) = read(octets.chunks(7));
        assert_eq!(head, format!("{header}\r\n\r\n").into_bytes());
        assert_eq!(body, wanted.as_bytes());
        assert_eq!(hash, Some(Md5::digest(wanted).into()), "{header}");
    }
}

/// LVS facts: 21.4
#[test]
fn without_a_whole_header_there_is_no_hash() {
    for octets in [
        &b""[..],
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.0 200 OK\n\nx",
        &[b'x'; 9000],
    ] {
        assert_eq!(read(octets.chunks(1000)).2, None);
    }
}

proptest! {
    /// LVS facts: 21.2
    #[test]
    fn a_digest_accepts_what_is_hashed(
        header in "[ -~]{0,20}(\r\n(Content-Length: ?[0-9]{0,3}|[A-Za-z-]{1,9}: [0-9a-z\r\n]{0,9})){0,3}",
        body in proptest::collection::vec(any::<u8>(), 0..60),
        size in 1_usize..90,
    ) {
        let octets = [b"HTTP/1.0 200 OK", header.as_bytes(), b"\r\n\r\n", &body].concat();
        let (_, _, hash) = read(octets.chunks(size));
        prop_assert!(hash.is_some());
        let mut url = url("/");
        url.digest = hash;
        let mut answer = Answer::new(&url);
        prop_assert_eq!(answer.take(&octets), Ok(()));
        prop_assert_eq!(answer.finish(&url).result, Ok(()));
    }

    #[test]
    fn any_octets_in_any_cut(octets in proptest::collection::vec(any::<u8>(), 0..9000), size in 1_usize..5000) {
        prop_assert_eq!(read(octets.chunks(size)), read(octets.chunks(octets.len().max(1))));
    }
}

async fn fetched(at: SocketAddr, timeout: Duration, tls: Option<TlsConfig>) -> Result<[u8; 16], Failure> {
    fetch(&http(at, timeout, tls), &url("/"), &mut |_| ()).await
}

/// A server that reads the request and sends this.
async fn sending(octets: &'static [u8]) -> SocketAddr {
    serve("127.0.0.1:0", move |mut stream| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(octets).await;
    })
    .await
}

#[tokio::test]
async fn a_page_is_fetched() {
    let at = sending(b"HTTP/1.0 404 no\r\n\r\nhello").await;
    let wanted: [u8; 16] = Md5::digest("hello").into();
    assert_eq!(fetched(at, LONG, None).await.unwrap(), wanted);
}

/// LVS facts: 21.4
#[tokio::test]
async fn each_failure_has_keepalived_s_line() {
    let line = |result: Result<[u8; 16], Failure>| result.unwrap_err().to_string();
    let nothing = sending(b"").await;
    assert_eq!(
        line(fetched(nothing, LONG, None).await),
        "no data received from remote webserver"
    );
    let tls = Some(TlsConfig::default());
    let failed = fetched(nothing, SHORT, tls.clone()).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "SSL handshake/communication error connecting to"
    );
    assert!(failed.reason().is_some());
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap();
    assert_eq!(line(fetched(at, SHORT, None).await), "Timeout WEB read");
    // keepalived waits for ever here.
    assert_eq!(
        line(fetched(at, SHORT, tls).await),
        "SSL handshake/communication error connecting to"
    );
    drop(silent);
    let failed = fetched(at, LONG, None).await.unwrap_err();
    assert_eq!(failed.to_string(), "Connection failed");
    assert_eq!(failed.reason(), Some(&Reason::Refused));
    let broken = serve("127.0.0.1:0", |stream| async move {
        // What is unread is answered by a reset.
        let _ = stream.readable().await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    assert_eq!(line(fetched(broken, LONG, None).await), "Read error with");
}
