//! A page as `genhash` sees it: the request and the reading of HTTP_GET, and of the answer its parts and its MD5,
//! whatever its status (facts 21).

use super::answer::{self, Header, MAX_HEADER};
use super::http;
use super::stream::Patient;
use super::tcp;
use super::tls::Tls;
use crate::check::config::{HttpConfig, UrlConfig};
use crate::check::event::Reason;
use md5::{Digest, Md5};
use std::io;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Octets of a read, as keepalived's: the verbose output shows each read by itself.
const ROOM: usize = 4096;

/// What is heard of an answer, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Something has come.
    Begun,
    /// The header, with the empty line that ends it.
    Header(&'a [u8]),
    /// So much of the body as counts: at most what was announced.
    Body(&'a [u8]),
}

/// Why there is no MD5; the text is keepalived's line.
#[derive(Debug, Error)]
pub enum Failure {
    /// No connection.
    #[error("Connection failed")]
    Connect(Reason),
    /// No connection in time.
    #[error("Timeout connecting")]
    ConnectTimedOut,
    /// No TLS.
    #[error("SSL handshake/communication error connecting to")]
    Handshake(Reason),
    /// Nothing in time.
    #[error("Timeout WEB read")]
    ReadTimedOut,
    /// The request could not be sent in time.
    #[error("Timeout WEB write")]
    WriteTimedOut,
    /// The connection broke.
    #[error("Read error with")]
    Read(Reason),
    /// The connection under TLS broke.
    #[error("SSL read error from")]
    TlsRead(Reason),
    /// The answer ended before its header did, or the header is too long.
    #[error("no data received from remote webserver")]
    NoData,
}

impl Failure {
    /// What keepalived's line leaves out.
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Connect(reason) | Self::Handshake(reason) | Self::Read(reason) | Self::TlsRead(reason) => {
                Some(reason)
            }
            Self::ConnectTimedOut | Self::ReadTimedOut | Self::WriteTimedOut | Self::NoData => None,
        }
    }
}

/// Asks for `url` as a checker of these settings would, and gives the MD5 of the body: the value for `digest`.
///
/// # Errors
/// Whatever keeps the answer from being read to its end.
pub async fn fetch(
    config: &HttpConfig,
    url: &UrlConfig,
    hear: &mut impl FnMut(Piece<'_>),
) -> Result<[u8; 16], Failure> {
    let connection = &config.connection;
    let stream = tcp::connect(connection).await.map_err(|reason| match reason {
        Reason::ConnectTimedOut => Failure::ConnectTimedOut,
        reason => Failure::Connect(reason),
    })?;
    let mut stream = Patient::new(stream, connection.timeout);
    let request = http::request(config.protocol, url, connection.destination);
    let Some(settings) = &config.tls else {
        let broken = |error: io::Error| Failure::Read(Reason::Broken(error.to_string()));
        return exchange(&mut stream, &request, hear, broken).await;
    };
    let tls = Tls::new(None).map_err(|error| Failure::Handshake(Reason::Tls(error.to_string())))?;
    let mut stream = tls
        .connect(settings, url, stream)
        .await
        .map_err(Failure::Handshake)?;
    let broken = |error| Failure::TlsRead(super::tls::broken(error));
    exchange(&mut stream, &request, hear, broken).await
}

/// Sends the request and reads to the end of the connection.
async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
    hear: &mut impl FnMut(Piece<'_>),
    broken: impl Fn(io::Error) -> Failure,
) -> Result<[u8; 16], Failure> {
    let sent = async {
        stream.write_all(request).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => Failure::WriteTimedOut,
        _ => broken(error),
    })?;
    let mut page = Page::default();
    let mut buffer = vec![0; ROOM];
    loop {
        let count = stream
            .read(&mut buffer)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => Failure::ReadTimedOut,
                _ => broken(error),
            })?;
        if count == 0 {
            return page.finish().ok_or(Failure::NoData);
        }
        page.take(buffer.get(..count).unwrap_or_default(), hear)?;
    }
}

/// An answer that is coming in.
#[derive(Debug, Default)]
struct Page {
    begun: bool,
    /// What has come of it, until it is whole.
    header: Vec<u8>,
    /// Once the header is whole: how much of the body counts, if it says so.
    counts: Option<Option<u64>>,
    digest: Md5,
}

impl Page {
    /// An answer that cannot become one any more ends it at once.
    fn take(&mut self, octets: &[u8], hear: &mut impl FnMut(Piece<'_>)) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.begun, true) {
            hear(Piece::Begun);
        }
        if self.counts.is_some() {
            self.take_body(octets, hear);
            return Ok(());
        }
        let before = self.header.len();
        let (fits, beyond) = octets.split_at(octets.len().min(MAX_HEADER.saturating_sub(before)));
        self.header.extend_from_slice(fits);
        let Some(end) = answer::end_of_header(&self.header, before) else {
            return if self.header.len() < MAX_HEADER {
                Ok(())
            } else {
                Err(Failure::NoData)
            };
        };
        let mut body = self.header.split_off(end);
        body.extend_from_slice(beyond);
        hear(Piece::Header(&self.header));
        self.counts = Some(Header::parse(&self.header).content_length);
        self.take_body(&body, hear);
        Ok(())
    }

    fn take_body(&mut self, octets: &[u8], hear: &mut impl FnMut(Piece<'_>)) {
        let Some(counts) = &mut self.counts else {
            return;
        };
        let counted = match counts {
            None => octets,
            Some(left) => {
                let count = usize::try_from(*left).map_or(octets.len(), |left| left.min(octets.len()));
                *left = left.saturating_sub(count as u64);
                octets.get(..count).unwrap_or(octets)
            }
        };
        if !counted.is_empty() {
            hear(Piece::Body(counted));
            self.digest.update(counted);
        }
    }

    /// After the end of the connection.
    fn finish(self) -> Option<[u8; 16]> {
        self.counts.map(|_| self.digest.finalize().into())
    }
}

#[cfg(test)]
mod tests;
