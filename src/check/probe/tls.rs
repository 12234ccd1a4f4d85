//! TLS as SSL_GET speaks it: whatever the system's OpenSSL allows, no certificate is refused (facts 10.17 to 10.19).
//!
//! The context is the library's default one, as keepalived's on the same system, so that both accept the same
//! back-ends: nothing is lowered, nothing raised.

use super::stream::Patient;
use crate::check::config::{TlsConfig, UrlConfig};
use crate::check::event::Reason;
use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslVerifyMode};
use sha1::{Digest, Sha1};
use std::fmt;
use std::io;
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// A connection under TLS.
pub(super) type TlsStream = SslStream<Patient<TcpStream>>;

/// The contexts of all connections.
pub(super) struct Tls {
    /// A connection that ends without the close alert has ended.
    lenient: SslContext,
    /// `tls_compliant`: it was cut.
    compliant: SslContext,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    pub(super) fn new() -> Result<Self, ErrorStack> {
        Ok(Self {
            lenient: context(SslOptions::IGNORE_UNEXPECTED_EOF)?,
            compliant: context(SslOptions::empty())?,
        })
    }

    /// Shakes hands over `stream`.
    pub(super) async fn connect(
        &self,
        config: &TlsConfig,
        url: &UrlConfig,
        stream: Patient<TcpStream>,
    ) -> Result<TlsStream, Reason> {
        let context = if config.compliant {
            &self.compliant
        } else {
            &self.lenient
        };
        let local = |error: ErrorStack| Reason::Tls(error.to_string());
        let mut ssl = Ssl::new(context).map_err(local)?;
        if let Some(name) = url.sni.as_ref().filter(|_| config.sni) {
            ssl.set_hostname(name).map_err(local)?;
        }
        let mut stream = SslStream::new(ssl, stream).map_err(local)?;
        match Pin::new(&mut stream).connect().await {
            Ok(()) => Ok(stream),
            Err(error) => Err(match error.into_io_error() {
                Ok(error) if error.kind() == io::ErrorKind::TimedOut => Reason::AnswerTimedOut,
                Ok(error) => Reason::Tls(error.to_string()),
                Err(error) if error.code() == ErrorCode::SYSCALL => {
                    Reason::Tls("connection closed during the handshake".into())
                }
                Err(error) => Reason::Tls(text(&error)),
            }),
        }
    }
}

fn context(options: SslOptions) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_options(options);
    Ok(builder.build())
}

/// An error of reading or writing under TLS.
pub(super) fn broken(error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::TimedOut => Reason::AnswerTimedOut,
        _ => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(inner) => Reason::Tls(text(inner)),
            None => Reason::Broken(error.to_string()),
        },
    }
}

/// Whether the end of data was announced by the close alert; without it the connection may have been cut.
pub(super) async fn was_closed(stream: &mut TlsStream) -> bool {
    // Reading itself reports both as the end; looking once more tells them apart.
    match Pin::new(stream).peek(&mut [0]).await {
        Ok(_) => true,
        Err(error) => error.code() == ErrorCode::ZERO_RETURN,
    }
}

/// OpenSSL's words without its addresses in the source.
pub(super) fn text(error: &openssl::ssl::Error) -> String {
    let reasons = error.ssl_error().map(|stack| {
        let reasons: Vec<&str> = stack.errors().iter().filter_map(|error| error.reason()).collect();
        reasons.join(", ")
    });
    reasons
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| error.to_string())
}

/// The SHA1 of a certificate, as certificate tools show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 20]);

impl Fingerprint {
    /// Of the certificate that answered.
    pub(super) fn of(stream: &TlsStream) -> Option<Self> {
        let encoded = stream.ssl().peer_certificate()?.to_der().ok()?;
        Some(Self::of_der(&encoded))
    }

    /// Of a certificate in its usual encoding.
    pub(super) fn of_der(encoded: &[u8]) -> Self {
        Self(Sha1::digest(encoded).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, octet) in self.0.iter().enumerate() {
            let colon = if n > 0 { ":" } else { "" };
            write!(f, "{colon}{octet:02X}")?;
        }
        Ok(())
    }
}
