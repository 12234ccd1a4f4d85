//! Calls over the loopback, to a server of h2 and to others.

use super::super::testing::{LONG, SHORT, connection, serve};
use super::*;
use crate::check::config::{Login, Question, ServiceSettings, ServiceTls};
use http::Response;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;

fn config(destination: SocketAddr) -> ServiceConfig {
    ServiceConfig {
        connection: connection(destination, LONG),
        settings: ServiceSettings {
            question: Question::Grpc(Grpc::default()),
            login: Login::default(),
            tls: None,
        },
    }
}

async fn asked(config: &ServiceConfig) -> Result<(), Reason> {
    let asked = Grpc {
        service: Some("shop".into()),
        virtualhost: "shop.example.org".into(),
    };
    ask(&Contexts::default(), config, &asked).await.result
}

/// A server that answers each call with this.
async fn answering(
    status: u16,
    kind: &'static str,
    body: &'static [u8],
    trailers: &'static [(&'static str, &'static str)],
) -> SocketAddr {
    serve("127.0.0.1:0", move |stream| async move {
        let Ok(mut connection) = h2::server::handshake(stream).await else {
            return;
        };
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            assert_eq!(request.uri().path(), PATH);
            assert_eq!(request.uri().host(), Some("shop.example.org"));
            let mut head = Response::builder().status(status).header("content-type", kind);
            let mut map = HeaderMap::new();
            for (name, value) in trailers {
                map.insert(*name, value.parse().unwrap());
                if body.is_empty() {
                    head = head.header(*name, *value);
                }
            }
            let mut stream = respond
                .send_response(head.body(()).unwrap(), body.is_empty())
                .unwrap();
            if !body.is_empty() {
                stream.send_data(Bytes::from_static(body), false).unwrap();
                stream.send_trailers(map).unwrap();
            }
        }
    })
    .await
}

const SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];
const GRPC: &str = "application/grpc+proto";

#[tokio::test]
async fn what_a_server_says_of_its_health() {
    static LONG_BODY: [u8; MOST + 1] = [0; MOST + 1];
    let ok: &[(&str, &str)] = &[("grpc-status", "0")];
    let at = answering(200, GRPC, SERVING, ok).await;
    assert_eq!(asked(&config(at)).await, Ok(()));
    for (status, kind, body, trailers, said) in [
        (
            200,
            GRPC,
            &[0, 0, 0, 0, 2, 8, 2][..],
            ok,
            "its status is NOT_SERVING",
        ),
        (
            200,
            GRPC,
            &[],
            &[("grpc-status", "12"), ("grpc-message", "no%20health")][..],
            "grpc-status 12 (UNIMPLEMENTED) no%20health",
        ),
        (200, GRPC, SERVING, &[], "an answer without grpc-status"),
        (200, "text/html", SERVING, ok, "an answer that is not of gRPC"),
        (503, GRPC, SERVING, ok, "HTTP status code 503"),
        (200, GRPC, &LONG_BODY, ok, "a body of more than 65536 octets"),
    ] {
        let at = answering(status, kind, body, trailers).await;
        assert_eq!(asked(&config(at)).await.unwrap_err().to_string(), said);
    }
}

#[tokio::test]
async fn others_than_grpc_servers() {
    for hostile in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "",
        "\0\0\0\u{4}\0\0\0\0\0",
        "SSH-2.0\r\n",
    ] {
        let at = serve("127.0.0.1:0", move |mut stream| async move {
            let _ = stream.write_all(hostile.as_bytes()).await;
        })
        .await;
        assert!(asked(&config(at)).await.is_err(), "{hostile}");
    }
    let silent = serve("127.0.0.1:0", |stream| async move {
        tokio::time::sleep(LONG).await;
        drop(stream);
    })
    .await;
    let mut silent = config(silent);
    silent.connection.timeout = SHORT;
    assert_eq!(asked(&silent).await, Err(Reason::AnswerTimedOut));
    silent.settings.tls = Some(ServiceTls::default());
    assert_eq!(asked(&silent).await, Err(Reason::AnswerTimedOut));
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(asked(&config(unused)).await, Err(Reason::Refused));
}
