//! `GRPC_CHECK`: one call over HTTP/2 on a connection of our own, so that all settings of a connection hold.

use super::http::limit;
use super::secure::{Certificate, Contexts};
use super::service::{self, Asked};
use super::stream::Patient;
use super::{tcp, tls};
use crate::check::config::{Grpc, ServiceConfig};
use crate::check::dialogue::grpc::{MOST, PATH, judge, question};
use crate::check::event::Reason;
use bytes::Bytes;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use http::{HeaderMap, Request};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// The most octets that are received, frames of every kind: some of them may come without end.
const RECEIVED: u64 = 1 << 20;

/// How long a connection may take to end in good form.
const GOODBYE: Duration = Duration::from_secs(1);

/// Asks a gRPC server for its health.
pub(super) async fn ask(contexts: &Contexts, config: &ServiceConfig, asked: &Grpc) -> Asked {
    let mut certificate = None;
    let whole = limit(config.connection.timeout);
    let result = service::within(whole, talk(contexts, config, asked, &mut certificate)).await;
    Asked { result, certificate }
}

async fn talk(
    contexts: &Contexts,
    config: &ServiceConfig,
    asked: &Grpc,
    certificate: &mut Option<Certificate>,
) -> Result<(), Reason> {
    let connection = &config.connection;
    let scheme = if config.settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let request = Request::post(format!("{scheme}://{}{PATH}", asked.virtualhost))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", "steadfast")
        .body(())
        .map_err(|_| Reason::NotSent("virtualhost cannot be sent".into()))?;
    let stream = Patient::new(tcp::connect(connection).await?, connection.timeout).at_most(RECEIVED);
    let Some(tls) = &config.settings.tls else {
        return call(stream, connection.timeout, request, asked).await;
    };
    let ip = connection.destination.ip();
    let stream = contexts.connect_for(tls, ip, stream, Some(b"\x02h2")).await?;
    *certificate = Certificate::of(&stream);
    if stream.ssl().selected_alpn_protocol() != Some(b"h2") {
        return Err(Reason::Tls("it does not speak HTTP/2".into()));
    }
    call(stream, connection.timeout, request, asked).await
}

/// Makes the call while the connection is driven, then ends it.
async fn call(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    patience: Duration,
    request: Request<()>,
    asked: &Grpc,
) -> Result<(), Reason> {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .max_header_list_size(16 * 1024)
        .initial_window_size(65_535);
    let (sender, connection) = within(patience, builder.handshake::<_, Bytes>(stream)).await?;
    let mut connection = pin!(connection);
    let mut exchange = pin!(exchange(sender, patience, request, asked));
    let result = tokio::select! {
        result = &mut exchange => result,
        ended = &mut connection => {
            // What has come is heard to its end.
            return match (exchange.await, ended) {
                (Err(Reason::Broken(_)), Err(error)) => Err(broken(error)),
                (result, _) => result,
            };
        }
    };
    // What comes of the farewell is of no interest, but why a connection broke is known there.
    match (result, timeout(GOODBYE, connection).await) {
        (Err(Reason::Broken(_)), Ok(Err(error))) => Err(broken(error)),
        (result, _) => result,
    }
}

/// Waits for a step of the call. The stream's own limit is for one wait at a time, and here are two: to read and to write.
async fn within<T>(
    patience: Duration,
    step: impl Future<Output = Result<T, h2::Error>>,
) -> Result<T, Reason> {
    match timeout(patience, step).await {
        Ok(done) => done.map_err(broken),
        Err(_) => Err(Reason::AnswerTimedOut),
    }
}

async fn exchange(
    sender: SendRequest<Bytes>,
    patience: Duration,
    request: Request<()>,
    asked: &Grpc,
) -> Result<(), Reason> {
    let mut sender = within(patience, sender.ready()).await?;
    let (response, mut body) = sender.send_request(request, false).map_err(broken)?;
    body.send_data(question(asked.service.as_deref()).into(), true)
        .map_err(broken)?;
    let (head, stream) = within(patience, response).await?.into_parts();
    if head.status != 200 {
        return Err(Reason::Status(head.status.as_u16()));
    }
    let kind = head.headers.get("content-type").map(|value| value.as_bytes());
    if !kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        return Err(Reason::Answer("an answer that is not of gRPC".into()));
    }
    let (body, trailers) = read(stream, patience).await?;
    // An answer without a body has all in its head.
    let trailers = trailers.unwrap_or(head.headers);
    let get = |name: &str| trailers.get(name).map(|value| value.as_bytes());
    judge(get("grpc-status"), get("grpc-message").unwrap_or_default(), &body).map_err(Reason::Answer)
}

/// The body and what follows it.
async fn read(mut stream: RecvStream, patience: Duration) -> Result<(Vec<u8>, Option<HeaderMap>), Reason> {
    let mut body = Vec::new();
    while let Some(part) = within(patience, async { stream.data().await.transpose() }).await? {
        if body.len() + part.len() > MOST {
            return Err(Reason::Answer(format!("a body of more than {MOST} octets")));
        }
        body.extend_from_slice(&part);
        stream
            .flow_control()
            .release_capacity(part.len())
            .map_err(broken)?;
    }
    Ok((body, within(patience, stream.trailers()).await?))
}

fn broken(error: h2::Error) -> Reason {
    match error.get_io() {
        Some(inner) if inner.kind() == io::ErrorKind::TimedOut => Reason::AnswerTimedOut,
        Some(_) => match error.into_io() {
            Some(inner) => tls::broken(inner),
            None => Reason::Broken("HTTP/2".into()),
        },
        None => Reason::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
