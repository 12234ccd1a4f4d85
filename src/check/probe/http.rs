//! HTTP_GET and SSL_GET: the request, and the reading of the answer to the end of the connection (facts 10).
//!
//! Owns the request's octets and the limits of time: `connect_timeout` for every single wait, as keepalived has it, and
//! a limit for the whole, which it has not: [`limit`]. What an answer means is [`super::answer`]'s.

use super::Kit;
use super::answer::{Answer, Verdict};
use super::secure;
use super::service::within;
use super::stream::Patient;
use super::tcp;
use super::tls::{self, Fingerprint};
use crate::check::config::{HttpConfig, HttpProtocol, UrlConfig};
use crate::check::event::Reason;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest request, in octets; the rest is not sent (fact 10.3).
const MAX_REQUEST: usize = 2047;

/// The least limit for a whole check.
const MIN_LIMIT: Duration = Duration::from_secs(60);

/// What was learned by asking for a url.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) result: Result<(), Reason>,
    /// The announced and the received length of the body, if one was announced.
    pub(super) lengths: Option<(u64, u64)>,
    /// The certificate that answered.
    pub(super) certificate: Option<Fingerprint>,
    /// When it ends, in seconds since 1970.
    pub(super) certificate_ends: Option<i64>,
    /// A match of the regex that had begun was given up.
    pub(super) too_long: bool,
}

/// How long a check may take as a whole, so that a back-end which sends an octet now and then does not occupy us for
/// ever: ten times `connect_timeout`, at least a minute.
pub(super) fn limit(connect_timeout: Duration) -> Duration {
    connect_timeout.saturating_mul(10).max(MIN_LIMIT)
}

/// Asks for `url`.
pub(super) async fn ask(kit: &Kit, config: &HttpConfig, url: &UrlConfig) -> Asked {
    ask_within(limit(config.connection.timeout), kit, config, url).await
}

async fn ask_within(whole: Duration, kit: &Kit, config: &HttpConfig, url: &UrlConfig) -> Asked {
    let mut asked = Asked {
        result: Ok(()),
        lengths: None,
        certificate: None,
        certificate_ends: None,
        too_long: false,
    };
    asked.result = within(whole, talk(kit, config, url, &mut asked)).await;
    asked
}

async fn talk(kit: &Kit, config: &HttpConfig, url: &UrlConfig, asked: &mut Asked) -> Result<(), Reason> {
    let connection = &config.connection;
    let search = url.regex.as_ref().map(|regex| kit.patterns.search(regex));
    let answer = Answer::new(url).searched(search.transpose()?);
    let stream = Patient::new(tcp::connect(connection).await?, connection.timeout);
    let request = request(config.protocol, url, connection.destination);
    let verdict = match &config.tls {
        None => {
            let mut stream = stream;
            exchange(&mut stream, &request, url, answer)
                .await
                .map_err(broken)?
        }
        Some(settings) => {
            let mut stream = kit.tls.connect(settings, url, stream).await?;
            let shown = stream.ssl().peer_certificate();
            asked.certificate = shown.as_deref().and_then(Fingerprint::of);
            asked.certificate_ends = shown.as_deref().and_then(secure::ends);
            let verdict = exchange(&mut stream, &request, url, answer)
                .await
                .map_err(tls::broken)?;
            let compliant = settings.compliant || url.tls_compliant;
            let was_cut = compliant && verdict.is_ok() && !tls::was_closed(&mut stream).await;
            // The close alert is polite, and changes nothing any more.
            let _ = stream.shutdown().await;
            if was_cut {
                return Err(Reason::Tls("connection closed without close alert".into()));
            }
            verdict
        }
    };
    let Verdict {
        result,
        lengths,
        too_long,
    } = verdict?;
    asked.lengths = lengths;
    asked.too_long = too_long;
    result
}

/// Sends the request and reads the answer. The outer error is that of the stream, the inner one of an answer that is
/// not worth reading to its end.
async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
    url: &UrlConfig,
    mut answer: Answer,
) -> io::Result<Result<Verdict, Reason>> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut buffer = vec![0; 8192];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(Ok(answer.finish(url)));
        }
        if let Err(reason) = answer.take(buffer.get(..count).unwrap_or_default()) {
            return Ok(Err(reason));
        }
    }
}

/// The octets of a request (facts 10.1 to 10.3).
pub(super) fn request(protocol: HttpProtocol, url: &UrlConfig, destination: SocketAddr) -> Vec<u8> {
    let (version, close) = match protocol {
        HttpProtocol::V10 => ("1.0", ""),
        HttpProtocol::V10Close => ("1.0", "Connection: close\r\n"),
        HttpProtocol::V11 => ("1.1", "Connection: close\r\n"),
    };
    let host = url.host.clone().unwrap_or_else(|| match destination {
        SocketAddr::V4(v4) => v4.to_string(),
        // Without the scope that the standard form adds to link-local addresses.
        SocketAddr::V6(v6) => format!("[{}]:{}", v6.ip(), v6.port()),
    });
    let mut request = format!(
        "GET {} HTTP/{version}\r\nUser-Agent: KeepAliveClient\r\n{close}Host: {host}\r\n\r\n",
        url.path
    )
    .into_bytes();
    request.truncate(MAX_REQUEST);
    request
}

/// An error of reading or writing in clear.
fn broken(error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::TimedOut => Reason::AnswerTimedOut,
        _ => Reason::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
