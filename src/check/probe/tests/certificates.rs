//! The end of the certificate that a back-end has shown, by whatever checker and however it went on.

use super::super::testing::{ENDS, certificate};
use super::*;
use crate::check::config::{Grpc, Login, ServiceSettings, ServiceTls, Sql, TlsConfig};
use openssl::ssl::{Ssl, SslContext, SslMethod};
use std::pin::Pin;
use tokio::io::AsyncWriteExt;
use tokio_openssl::SslStream;

/// A back-end that begins TLS after these words, reads once, says `answer` and hangs up.
async fn secured(greeting: &'static str, consent: &'static str, answer: &'static str) -> SocketAddr {
    let (certificate, key) = certificate();
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_certificate(&certificate).unwrap();
    context.set_private_key(&key).unwrap();
    let context = context.build();
    serve("127.0.0.1:0", move |mut stream| {
        let ssl = Ssl::new(&context).unwrap();
        async move {
            let mut heard = [0; 1024];
            stream.write_all(greeting.as_bytes()).await.unwrap();
            if !consent.is_empty() {
                assert_ne!(stream.read(&mut heard).await.unwrap(), 0);
                stream.write_all(consent.as_bytes()).await.unwrap();
            }
            let mut stream = SslStream::new(ssl, stream).unwrap();
            Pin::new(&mut stream).accept().await.unwrap();
            // Who hangs up before it has read all may be heard as a reset.
            let _ = stream.read(&mut heard).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

fn service(question: Question, starttls: bool) -> impl Fn(SocketAddr) -> ProbeConfig {
    move |at| {
        ProbeConfig::Service(Box::new(ServiceConfig {
            connection: connection(at, LONG),
            settings: ServiceSettings {
                question: question.clone(),
                login: Login::default(),
                tls: Some(ServiceTls {
                    starttls,
                    ..ServiceTls::default()
                }),
            },
        }))
    }
}

fn page(at: SocketAddr) -> ProbeConfig {
    let tls = TlsConfig {
        sni: false,
        compliant: false,
    };
    ProbeConfig::Http(http(at, LONG, Some(tls)))
}

async fn heard(probe: ProbeConfig) -> Heard {
    prober(Arc::default()).ask(&order(probe)).await
}

#[tokio::test]
async fn the_end_of_a_certificate_is_told_of_the_healthy_and_of_those_who_fail_after_it() {
    const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const SORRY: &str = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    let web = || service(Question::Web(Box::default()), false);
    let redis = || service(Question::Redis { role: None }, false);
    let pop3 = || service(Question::Pop3, true);
    let grpc = Grpc {
        virtualhost: "shop.example.org".into(),
        ..Grpc::default()
    };
    type Who = Box<dyn Fn(SocketAddr) -> ProbeConfig>;
    let cases: [(Who, [&'static str; 3], bool); 9] = [
        (Box::new(page), ["", "", PAGE], true),
        (Box::new(page), ["", "", SORRY], false),
        (Box::new(web()), ["", "", PAGE], true),
        (Box::new(web()), ["", "", SORRY], false),
        (Box::new(redis()), ["", "", "+PONG\r\n"], true),
        (Box::new(redis()), ["", "", "-NO\r\n"], false),
        // The end of the conversation comes with the handshake.
        (Box::new(pop3()), ["+OK\r\n", "+OK\r\n", ""], true),
        (
            Box::new(service(Question::Pgsql(Sql::default()), false)),
            ["", "S", "no"],
            false,
        ),
        // It speaks no HTTP/2.
        (
            Box::new(service(Question::Grpc(grpc), false)),
            ["", "", ""],
            false,
        ),
    ];
    for (who, [greeting, consent, answer], good) in cases {
        let probe = who(secured(greeting, consent, answer).await);
        let what = format!("{} {answer:?}", probe.keyword());
        let Heard {
            outcome,
            certificate_ends,
        } = heard(probe).await;
        assert_eq!(outcome == ProbeOutcome::OK, good, "{what}: {outcome:?}");
        assert_eq!(certificate_ends, Some(ENDS), "{what}: {outcome:?}");
    }
}

#[tokio::test]
async fn without_a_handshake_there_is_no_certificate() {
    let clear = serve("127.0.0.1:0", |mut stream| async move {
        let _ = stream.write_all(b"+OK\r\n-ERR\r\n").await;
    })
    .await;
    for probe in [
        page(clear),
        service(Question::Web(Box::default()), false)(clear),
        service(Question::Redis { role: None }, false)(clear),
        service(Question::Pop3, true)(clear),
        ProbeConfig::Tcp(connection(clear, LONG)),
    ] {
        let what = probe.keyword();
        assert_eq!(heard(probe).await.certificate_ends, None, "{what}");
    }
}
