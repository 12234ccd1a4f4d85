//! Requests and answers over the loopback.

use super::super::secure::Contexts;
use super::super::testing::{LONG, SHORT, certificate, connection, read_request, serve};
use super::*;
use crate::check::config::{Login, Password, Question, ServiceSettings, ServiceTls};
use crate::sys::testing::TempDir;
use openssl::symm::Cipher;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

fn config(destination: SocketAddr, web: Web) -> ServiceConfig {
    ServiceConfig {
        connection: connection(destination, LONG),
        settings: ServiceSettings {
            question: Question::Web(Box::new(web)),
            login: Login::default(),
            tls: None,
        },
    }
}

async fn asked(config: &ServiceConfig) -> Result<(), Reason> {
    with(&Clients::default(), config).await
}

async fn with(clients: &Clients, config: &ServiceConfig) -> Result<(), Reason> {
    let Question::Web(web) = &config.settings.question else {
        panic!();
    };
    ask(clients, config, web).await.result
}

/// A server that gives this answer, and the requests that it gets.
async fn answering(answer: impl Into<Vec<u8>>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let answer = answer.into();
    let (tell, told) = mpsc::unbounded_channel();
    let at = serve("127.0.0.1:0", move |mut stream| {
        let (answer, tell) = (answer.clone(), tell.clone());
        async move {
            let request = read_request(&mut stream).await;
            let _ = tell.send(request);
            let _ = stream.write_all(&answer).await;
        }
    })
    .await;
    (at, told)
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn the_request_is_as_it_is_written() {
    let (at, mut told) = answering(answer("200 OK", "")).await;
    let mut config = config(
        at,
        Web {
            path: "/health?full=1".into(),
            method: "PUT".into(),
            headers: vec![("X-Token".into(), Password("hunter2".into()))],
            body: Some("{}".into()),
            virtualhost: Some("www.example.org:8080".into()),
            ..Web::default()
        },
    );
    config.settings.login = Login {
        username: Some("me".into()),
        password: Some(Password("p".into())),
    };
    assert_eq!(asked(&config).await, Ok(()));
    let request = told.recv().await.unwrap().to_lowercase();
    assert!(
        request.starts_with("put /health?full=1 http/1.1\r\n"),
        "{request}"
    );
    for line in [
        "host: www.example.org:8080",
        "x-token: hunter2",
        "authorization: basic bwu6ca==",
        "content-length: 2",
        "user-agent: steadfast",
    ] {
        assert_eq!(
            request.matches(&format!("{line}\r\n")).count(),
            1,
            "{line} in {request}"
        );
    }
    assert!(!request.contains("accept-encoding"), "{request}");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[tokio::test]
async fn whom_is_asked_for() {
    let at: SocketAddr = "192.0.2.1:8443".parse().unwrap();
    let tls = |name: Option<&str>| ServiceTls {
        name: name.map(str::to_owned),
        ..ServiceTls::default()
    };
    let cases = [
        (None, None, false, "192.0.2.1:8443", Some("192.0.2.1:8443")),
        (
            Some("a.example:1"),
            None,
            false,
            "192.0.2.1:8443",
            Some("a.example:1"),
        ),
        (
            None,
            Some(tls(None)),
            false,
            "192.0.2.1:8443",
            Some("192.0.2.1:8443"),
        ),
        (
            None,
            Some(tls(Some("n.example"))),
            false,
            "n.example",
            Some("n.example"),
        ),
        (
            Some("a.example"),
            Some(tls(None)),
            false,
            "a.example",
            Some("a.example"),
        ),
        (
            Some("10.0.0.1"),
            Some(tls(None)),
            false,
            "192.0.2.1:8443",
            Some("10.0.0.1"),
        ),
        (
            Some("a.example"),
            Some(tls(Some("n.example"))),
            false,
            "n.example",
            Some("a.example"),
        ),
        (
            Some("a.example"),
            Some(tls(Some("192.0.2.1"))),
            false,
            "192.0.2.1:8443",
            Some("a.example"),
        ),
        (None, None, true, "192.0.2.1:8443", None),
        (
            Some("a.example"),
            Some(tls(Some("a.example"))),
            true,
            "a.example",
            None,
        ),
        (None, Some(tls(Some("n.example"))), true, "n.example", None),
    ];
    for (virtualhost, tls, http2, authority, named) in cases {
        let web = Web {
            virtualhost: virtualhost.map(str::to_owned),
            http2,
            ..Web::default()
        };
        let mut config = config(at, web.clone());
        config.settings.tls = tls;
        let found = addressed(&config, &web);
        assert_eq!(
            (found.0.as_str(), found.1.as_deref()),
            (authority, named),
            "{web:?}"
        );
    }
}

#[tokio::test]
async fn status_and_redirects() {
    let (at, _told) =
        answering("HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(asked(&config(at, Web::default())).await, Err(Reason::Status(302)));
    let found = Web {
        status: vec![(200, 200), (300, 399)],
        ..Web::default()
    };
    assert_eq!(asked(&config(at, found)).await, Ok(()));
}

#[test]
fn bodies_are_judged() {
    let json = |pointer: &str, value: &str| Web {
        json: vec![(pointer.into(), value.into())],
        ..Web::default()
    };
    let body = br#"{"status":"UP","n":[1,true,null],"a/b":{"~":"x"},"one":1.5}"#;
    for (pointer, value) in [
        ("/status", "UP"),
        ("/n/0", "1"),
        ("/n/1", "true"),
        ("/n/2", "null"),
        ("/n", "[1, true, null]"),
        ("/a~1b/~0", "x"),
        ("/one", "1.5"),
    ] {
        assert_eq!(judge(&json(pointer, value), body), Ok(()), "{pointer} {value}");
    }
    for (pointer, value, said) in [
        ("/status", "DOWN", "the body has \"UP\" at /status"),
        ("/n/0", "one", "the body has 1 at /n/0"),
        ("/none", "UP", "the body has nothing at /none"),
    ] {
        assert_eq!(judge(&json(pointer, value), body).unwrap_err().to_string(), said);
    }
    let deep = "[".repeat(100_000);
    for no_json in [&b"UP"[..], b"", b"{", b"\xff\xfe", deep.as_bytes()] {
        let said = judge(&json("/status", "UP"), no_json).unwrap_err().to_string();
        assert_eq!(said, "the body is not JSON");
    }
    let contains = Web {
        contains: Some("pong".into()),
        ..Web::default()
    };
    assert_eq!(judge(&contains, b"ping pong"), Ok(()));
    assert!(judge(&contains, b"pon").is_err());
}

#[tokio::test]
async fn hostile_answers_end() {
    let reading = Web {
        contains: Some("x".into()),
        ..Web::default()
    };
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "y".repeat(MOST + 1));
    let header = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "y".repeat(1024 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(5000));
    for hostile in [
        endless.as_str(),
        header.as_str(),
        many.as_str(),
        "",
        "\0\u{1}\u{2}",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
    ] {
        let (at, _told) = answering(hostile).await;
        let ended = asked(&config(at, reading.clone())).await;
        assert!(ended.is_err(), "{:?}", hostile.get(..60));
        let two = Web {
            http2: true,
            ..reading.clone()
        };
        assert!(asked(&config(at, two)).await.is_err());
    }
}

#[tokio::test]
async fn silence_and_nobody() {
    let silent = serve("127.0.0.1:0", |mut stream| async move {
        read_request(&mut stream).await;
        tokio::time::sleep(LONG).await;
        drop(stream);
    })
    .await;
    let mut silent = config(silent, Web::default());
    silent.connection.timeout = SHORT;
    assert_eq!(asked(&silent).await, Err(Reason::AnswerTimedOut));
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(asked(&config(unused, Web::default())).await, Err(Reason::Refused));
    assert_eq!(
        asked(&config("127.0.0.1:0".parse().unwrap(), Web::default())).await,
        Err(Reason::Refused)
    );
    let mut elsewhere = config(unused, Web::default());
    elsewhere.connection.source = Some((Some("192.0.2.77".parse().unwrap()), 0));
    // An address that is not ours says nothing about the server.
    assert!(!asked(&elsewhere).await.unwrap_err().is_verdict());
}

#[tokio::test]
async fn those_who_connect_alike_share_a_client() {
    let clients = Clients::default();
    for _ in 0..3 {
        for name in ["a.example", "b.example"] {
            let (at, _told) = answering(answer("200 OK", "")).await;
            let named = Web {
                virtualhost: Some(name.into()),
                ..Web::default()
            };
            assert_eq!(with(&clients, &config(at, named)).await, Ok(()));
        }
    }
    assert_eq!(clients.count(), 1);
    let (at, _told) = answering(answer("200 OK", "")).await;
    let mut bound = config(at, Web::default());
    bound.connection.source = Some((Some("127.0.0.1".parse().unwrap()), 0));
    assert_eq!(with(&clients, &bound).await, Ok(()));
    assert_eq!(clients.count(), 2);
    clients.forget();
    assert_eq!(clients.count(), 0);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let at = "127.0.0.1:9".parse().unwrap();
    for tls in [
        ServiceTls {
            verify: true,
            ca: Some("/no/such".into()),
            ..ServiceTls::default()
        },
        ServiceTls {
            certificate: Some("/no/such".into()),
            ..ServiceTls::default()
        },
    ] {
        let mut config = config(at, Web::default());
        config.settings.tls = Some(tls);
        let Err(Reason::Tls(why)) = asked(&config).await else {
            panic!();
        };
        assert!(why.starts_with("/no/such cannot be used: "), "{why}");
    }
}

/// Nobody is asked for a pass phrase: what is not the one of the configuration fails the check.
#[tokio::test]
async fn a_key_may_have_a_pass_phrase() {
    let dir = TempDir::new();
    let (own, key) = certificate();
    let locked = key
        .private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"open sesame")
        .unwrap();
    dir.file("own.pem", std::str::from_utf8(&own.to_pem().unwrap()).unwrap());
    dir.file("locked.key", std::str::from_utf8(&locked).unwrap());
    let path = |name: &str| Some(dir.path(name).to_str().unwrap().to_owned());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (password, good) in [(Some("open sesame"), true), (Some("other"), false), (None, false)] {
        let mut config = config(nobody, Web::default());
        config.settings.tls = Some(ServiceTls {
            certificate: path("own.pem"),
            key: path("locked.key"),
            key_password: password.map(|word| Password(word.to_owned())),
            ..ServiceTls::default()
        });
        match asked(&config).await {
            Err(Reason::Refused) => assert!(good, "{password:?}"),
            Err(Reason::Tls(why)) => {
                assert!(!good && why.contains("locked.key cannot be used: "), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A pipe would be waited for, and nobody else be asked meanwhile.
#[tokio::test]
async fn a_pipe_is_not_read() {
    let dir = TempDir::new();
    let pipe = dir.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let pipe = Some(pipe.to_str().unwrap().to_owned());
    for tls in [
        ServiceTls {
            verify: true,
            ca: pipe.clone(),
            ..ServiceTls::default()
        },
        ServiceTls {
            certificate: pipe.clone(),
            ..ServiceTls::default()
        },
    ] {
        let mut config = config("127.0.0.1:9".parse().unwrap(), Web::default());
        config.settings.tls = Some(tls.clone());
        let web = asked(&config).await;
        let other = Contexts::default().prepare(&tls, [127, 0, 0, 1].into()).map(drop);
        for result in [web, other] {
            let Err(Reason::Tls(why)) = result else { panic!() };
            assert!(why.ends_with("pipe cannot be used: no regular file"), "{why}");
        }
    }
}
