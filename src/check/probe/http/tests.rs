//! HTTP_GET and SSL_GET against real servers on the loopback, most of them hostile.

use super::*;
use crate::check::config::{CheckConfig, Regex, TlsConfig};
use crate::check::probe::testing::{LONG, SHORT, certificate, http, read_request, serve, url};
use md5::{Digest, Md5};
use openssl::hash::MessageDigest;
use openssl::ssl::{NameType, Ssl, SslContext, SslMethod, SslVersion};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_openssl::SslStream;

const GOOD: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn kit() -> Kit {
    Kit::of(&CheckConfig::default()).unwrap()
}

/// A server that reads the request, sends `pieces` with `pause` before each, and closes.
async fn pieces(pieces: Vec<Vec<u8>>, pause: Duration) -> SocketAddr {
    serve("127.0.0.1:0", move |mut stream| {
        let pieces = pieces.clone();
        async move {
            read_request(&mut stream).await;
            for piece in pieces {
                tokio::time::sleep(pause).await;
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

async fn asked(at: SocketAddr, timeout: Duration) -> Result<(), Reason> {
    let config = http(at, timeout, None);
    ask(&kit(), &config, &config.urls[0]).await.result
}

/// LVS facts: 10.1, 10.2
#[tokio::test]
async fn requests_are_exactly_keepalived_s() {
    let (sender, mut requests) = mpsc::channel(9);
    let record = move |mut stream: TcpStream| {
        let sender = sender.clone();
        async move {
            sender.send(read_request(&mut stream).await).await.unwrap();
            let _ = stream.write_all(GOOD).await;
        }
    };
    let at = serve("127.0.0.1:0", record).await;
    let port = at.port();
    for (protocol, host, wanted) in [
        (
            HttpProtocol::V10,
            None,
            format!("GET /a?b HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.0.1:{port}\r\n\r\n"),
        ),
        (
            HttpProtocol::V10Close,
            None,
            format!(
                "GET /a?b HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\n\
                 Host: 127.0.0.1:{port}\r\n\r\n"
            ),
        ),
        (
            HttpProtocol::V11,
            Some("www.example.com"),
            "GET /a?b HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\n\
             Host: www.example.com\r\n\r\n"
                .into(),
        ),
    ] {
        let mut config = http(at, LONG, None);
        config.protocol = protocol;
        let url = UrlConfig {
            host: host.map(Into::into),
            ..url("/a?b")
        };
        assert_eq!(ask(&kit(), &config, &url).await.result, Ok(()));
        assert_eq!(requests.recv().await.unwrap(), wanted);
    }
}

/// LVS facts: 10.2, 10.3
#[test]
fn ipv6_hosts_are_in_brackets_without_scope_and_requests_are_cut() {
    let at = SocketAddr::V6(std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 7));
    let text = String::from_utf8(request(HttpProtocol::V10, &url("/"), at)).unwrap();
    assert!(text.ends_with("\r\nHost: [fe80::1]:80\r\n\r\n"), "{text}");
    let long = request(HttpProtocol::V10, &url(&"x".repeat(5000)), at);
    assert_eq!(long.len(), 2047);
}

/// LVS facts: 10.4
#[tokio::test]
async fn only_a_single_wait_is_limited() {
    // Together they take far longer than the limit.
    let slow = GOOD.chunks(4).map(Into::into).collect();
    let at = pieces(slow, SHORT / 4).await;
    assert_eq!(asked(at, SHORT).await, Ok(()));
}

/// LVS facts: 10.4
#[tokio::test]
async fn a_silent_server_has_no_answer_in_time() {
    let at = serve("127.0.0.1:0", |stream| async move {
        tokio::time::sleep(LONG).await;
        drop(stream);
    })
    .await;
    assert_eq!(asked(at, SHORT).await, Err(Reason::AnswerTimedOut));
}

/// LVS facts: 10.4
#[tokio::test]
async fn a_connection_that_stays_open_is_no_end() {
    let at = serve("127.0.0.1:0", |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(GOOD).await.unwrap();
        tokio::time::sleep(LONG).await;
    })
    .await;
    assert_eq!(asked(at, SHORT).await, Err(Reason::AnswerTimedOut));
}

#[tokio::test]
async fn an_octet_now_and_then_does_not_last_for_ever() {
    let header = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
    let drip = std::iter::once(header)
        .chain(std::iter::repeat_n(b"x".to_vec(), 100_000))
        .collect();
    let at = pieces(drip, Duration::from_millis(5)).await;
    let config = http(at, LONG, None);
    let asked = ask_within(SHORT, &kit(), &config, &config.urls[0]).await;
    assert_eq!(asked.result, Err(Reason::Overdue));
    assert_eq!(limit(Duration::from_secs(5)), Duration::from_secs(60));
    assert_eq!(limit(Duration::from_secs(20)), Duration::from_secs(200));
    assert!(limit(Duration::MAX) >= MIN_LIMIT);
}

/// LVS facts: 10.5, 10.7
#[tokio::test]
async fn answers_that_are_none() {
    for (answer, wanted) in [
        (&b""[..], Reason::NoData),
        (b"HTTP/1.0 200 OK\r\nContent-Le", Reason::NoData),
        (b"\0\xff\xfe garbage \r\n\r\n", Reason::BadStatusLine),
        (b"HTTP/1.0 503 down\r\n\r\n", Reason::Status(503)),
    ] {
        let at = pieces(vec![answer.to_vec()], Duration::ZERO).await;
        assert_eq!(asked(at, LONG).await, Err(wanted));
    }
}

#[tokio::test]
async fn an_endless_header_ends_at_once() {
    let at = serve("127.0.0.1:0", |mut stream| async move {
        while stream.write_all(&[b'x'; 1000]).await.is_ok() {}
    })
    .await;
    assert_eq!(asked(at, LONG).await, Err(Reason::HeaderTooLong));
}

/// LVS facts: 10.9
#[tokio::test]
async fn a_truncated_or_longer_body_is_no_failure_but_reported() {
    for (announced, lengths) in [(9, (9, 5)), (2, (2, 5)), (5, (5, 5))] {
        let answer = format!("HTTP/1.0 200 OK\r\nContent-Length: {announced}\r\n\r\nhello");
        let at = pieces(vec![answer.into()], Duration::ZERO).await;
        let config = http(at, LONG, None);
        let asked = ask(&kit(), &config, &config.urls[0]).await;
        assert_eq!((asked.result, asked.lengths), (Ok(()), Some(lengths)));
    }
}

#[tokio::test]
async fn the_digest_decides() {
    let at = pieces(GOOD.chunks(1).map(Into::into).collect(), Duration::ZERO).await;
    let config = http(at, LONG, None);
    let hello: [u8; 16] = Md5::digest("hello").into();
    for (digest, wanted) in [(hello, Ok(())), ([7; 16], Err(Reason::Digest(hello)))] {
        let url = UrlConfig {
            digest: Some(digest),
            ..url("/")
        };
        assert_eq!(ask(&kit(), &config, &url).await.result, wanted);
    }
}

/// LVS facts: 10.7, 10.10
#[tokio::test]
async fn the_regex_decides_last() {
    let at = pieces(GOOD.chunks(1).map(Into::into).collect(), Duration::ZERO).await;
    let config = http(at, LONG, None);
    let hello: [u8; 16] = Md5::digest("hello").into();
    let absent = Err(Reason::Regex("the body does not match the regex"));
    for (pattern, digest, status, wanted) in [
        ("^hel+o$", hello, 200, Ok(())),
        ("^hell$", hello, 200, absent.clone()),
        // The header is none of the body.
        ("HTTP", hello, 200, absent),
        ("absent", [7; 16], 200, Err(Reason::Digest(hello))),
        ("absent", [7; 16], 201, Err(Reason::Status(200))),
    ] {
        let url = UrlConfig {
            digest: Some(digest),
            status: vec![(status, status)],
            regex: Some(Regex {
                pattern: pattern.to_owned(),
                ..Regex::default()
            }),
            ..url("/")
        };
        assert_eq!(ask(&kit(), &config, &url).await.result, wanted, "{pattern}");
    }
}

#[tokio::test]
async fn a_reset_is_a_broken_connection() {
    let at = serve("127.0.0.1:0", |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    })
    .await;
    let result = asked(at, LONG).await;
    assert!(matches!(result, Err(Reason::Broken(_))), "{result:?}");
}

#[tokio::test]
async fn a_refusing_host_refuses() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(asked(at, LONG).await, Err(Reason::Refused));
}

// ── SSL_GET ──

struct TlsServer {
    context: SslContext,
    names: Arc<Mutex<Vec<Option<String>>>>,
    fingerprint: String,
}

/// A server with a self-signed certificate, which nobody verifies.
fn tls_server(adjust: impl FnOnce(&mut openssl::ssl::SslContextBuilder)) -> TlsServer {
    let (certificate, key) = certificate();
    let fingerprint: Vec<String> = certificate
        .digest(MessageDigest::sha1())
        .unwrap()
        .iter()
        .map(|octet| format!("{octet:02X}"))
        .collect();
    let names = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&names);
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_certificate(&certificate).unwrap();
    context.set_private_key(&key).unwrap();
    context.set_servername_callback(move |ssl, _| {
        let name = ssl.servername(NameType::HOST_NAME).map(Into::into);
        record.lock().unwrap().push(name);
        Ok(())
    });
    adjust(&mut context);
    TlsServer {
        context: context.build(),
        names,
        fingerprint: fingerprint.join(":"),
    }
}

/// Serves GOOD under TLS; `alert`: with the close alert at the end.
async fn serve_tls(server: &TlsServer, alert: bool) -> SocketAddr {
    let context = server.context.clone();
    serve("127.0.0.1:0", move |stream| {
        let ssl = Ssl::new(&context).unwrap();
        async move {
            let mut stream = SslStream::new(ssl, stream).unwrap();
            if Pin::new(&mut stream).accept().await.is_err() {
                return;
            }
            read_request(&mut stream).await;
            stream.write_all(GOOD).await.unwrap();
            if alert {
                let _ = stream.shutdown().await;
            } else {
                let _ = stream.get_mut().shutdown().await;
            }
        }
    })
    .await
}

/// A server hears the close alert, and so knows that nobody has cut the connection.
#[tokio::test]
async fn a_connection_under_tls_ends_in_good_form() {
    let server = tls_server(|_| {});
    let context = server.context.clone();
    let (sender, mut heard) = mpsc::channel(1);
    let at = serve("127.0.0.1:0", move |stream| {
        let ssl = Ssl::new(&context).unwrap();
        let sender = sender.clone();
        async move {
            let mut stream = SslStream::new(ssl, stream).unwrap();
            Pin::new(&mut stream).accept().await.unwrap();
            read_request(&mut stream).await;
            stream.write_all(GOOD).await.unwrap();
            stream.shutdown().await.unwrap();
            // Without the alert this is an error.
            let ended = stream.read(&mut [0]).await;
            sender
                .send(ended.map_err(|error| error.to_string()))
                .await
                .unwrap();
        }
    })
    .await;
    let asked = asked_tls(at, TlsConfig::default(), LONG).await;
    assert_eq!(asked.result, Ok(()));
    assert_eq!(heard.recv().await, Some(Ok(0)));
}

async fn asked_tls(at: SocketAddr, settings: TlsConfig, timeout: Duration) -> Asked {
    let mut config = http(at, timeout, Some(settings));
    config.urls[0].sni = Some("www.example.com".into());
    ask(&kit(), &config, &config.urls[0]).await
}

/// LVS facts: 10.17
#[tokio::test]
async fn any_certificate_will_do_and_is_named() {
    let server = tls_server(|_| {});
    let at = serve_tls(&server, true).await;
    let asked = asked_tls(at, TlsConfig::default(), LONG).await;
    assert_eq!(asked.result, Ok(()));
    assert_eq!(asked.lengths, Some((5, 5)));
    assert_eq!(asked.certificate.unwrap().to_string(), server.fingerprint);
}

/// LVS facts: 10.18
#[tokio::test]
async fn the_close_alert_is_needed_only_with_tls_compliant() {
    let server = tls_server(|_| {});
    let compliant = TlsConfig {
        compliant: true,
        sni: false,
    };
    let polite = serve_tls(&server, true).await;
    assert_eq!(asked_tls(polite, compliant.clone(), LONG).await.result, Ok(()));
    let rude = serve_tls(&server, false).await;
    assert_eq!(asked_tls(rude, TlsConfig::default(), LONG).await.result, Ok(()));
    let result = asked_tls(rude, compliant, LONG).await.result;
    let cut = Err(Reason::Tls("connection closed without close alert".into()));
    assert_eq!(result, cut);
    // Said of one url, it is about that url.
    let mut config = http(rude, LONG, Some(TlsConfig::default()));
    assert_eq!(ask(&kit(), &config, &config.urls[0]).await.result, Ok(()));
    config.urls[0].tls_compliant = true;
    assert_eq!(ask(&kit(), &config, &config.urls[0]).await.result, cut);
}

/// LVS facts: 10.19
#[tokio::test]
async fn the_server_name_is_sent_only_when_enabled() {
    let server = tls_server(|_| {});
    let at = serve_tls(&server, true).await;
    let sni = |sni| TlsConfig {
        sni,
        compliant: false,
    };
    assert_eq!(asked_tls(at, sni(false), LONG).await.result, Ok(()));
    assert_eq!(asked_tls(at, sni(true), LONG).await.result, Ok(()));
    let names = server.names.lock().unwrap().clone();
    assert_eq!(names, [None, Some("www.example.com".into())]);
}

#[tokio::test]
async fn old_servers_that_openssl_accepts_are_accepted() {
    // No forward secrecy: rustls-based clients refuse these.
    for cipher in ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA"] {
        let server = tls_server(|context| {
            context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
            context.set_cipher_list(cipher).unwrap();
        });
        let at = serve_tls(&server, true).await;
        assert_eq!(
            asked_tls(at, TlsConfig::default(), LONG).await.result,
            Ok(()),
            "{cipher}"
        );
    }
}

#[tokio::test]
async fn handshakes_that_go_wrong() {
    let clear = pieces(vec![GOOD.to_vec()], Duration::ZERO).await;
    // It waits for an empty line that a TLS greeting does not have.
    let result = asked_tls(clear, TlsConfig::default(), SHORT).await.result;
    assert_eq!(result, Err(Reason::ConnectTimedOut));
    let greets = serve("127.0.0.1:0", |mut stream| async move {
        let _ = stream.write_all(b"220 mail.example.com ESMTP\r\n").await;
        tokio::time::sleep(LONG).await;
    })
    .await;
    let result = asked_tls(greets, TlsConfig::default(), LONG).await.result;
    assert!(matches!(result, Err(Reason::Tls(_))), "{result:?}");
    let closes = serve("127.0.0.1:0", |mut stream| async move {
        let mut greeting = [0; 5];
        let _ = stream.read_exact(&mut greeting).await;
    })
    .await;
    let result = asked_tls(closes, TlsConfig::default(), LONG).await.result;
    assert!(matches!(result, Err(Reason::Tls(_))), "{result:?}");
}
