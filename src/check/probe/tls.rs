//! TLS as SSL_GET speaks it: whatever the system's OpenSSL allows, no certificate is refused (facts 10.17 to 10.19). What
//! it shows of itself is in the `SSL` block, whose files are read when a configuration is loaded.
//!
//! The context is the library's default one, as keepalived's on the same system, so that what that accepts is accepted: a
//! newer version that the system's configuration wants is not heeded, an older one that it allows is.

use super::stream::Patient;
use crate::check::config::{CheckConfig, Ssl as Identity, TlsConfig, UrlConfig};
use crate::check::event::Reason;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode};
use openssl::x509::X509Ref;
use sha1::{Digest, Sha1};
use std::fmt;
use std::fs;
use std::io;
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// More than this is no certificate and no key. Bundles of authorities are some hundred thousand octets long.
const MAX_FILE: u64 = 16 << 20;

/// A connection under TLS.
pub(super) type TlsStream = SslStream<Patient<TcpStream>>;

/// What TLS of SSL_GET needs, made of an `SSL` block.
pub struct Tls {
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
    /// For what `config` asks. Its `SSL` block is not looked at when nothing needs it.
    pub fn of(config: &CheckConfig) -> Result<Self, TlsError> {
        Self::new(config.ssl.as_ref().filter(|_| config.has_ssl_get()))
    }

    /// Shows `identity` of itself, if there is one.
    pub(super) fn new(identity: Option<&Identity>) -> Result<Self, TlsError> {
        Ok(Self {
            lenient: context(SslOptions::IGNORE_UNEXPECTED_EOF, identity)?,
            compliant: context(SslOptions::empty(), identity)?,
        })
    }

    /// Shakes hands over `stream`.
    pub(super) async fn connect(
        &self,
        config: &TlsConfig,
        url: &UrlConfig,
        stream: Patient<TcpStream>,
    ) -> Result<TlsStream, Reason> {
        let context = if config.compliant || url.tls_compliant {
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
                // keepalived takes the handshake for a part of connecting.
                Ok(error) if error.kind() == io::ErrorKind::TimedOut => Reason::ConnectTimedOut,
                Ok(error) => Reason::Tls(error.to_string()),
                Err(error) if error.code() == ErrorCode::SYSCALL => {
                    Reason::Tls("connection closed during the handshake".into())
                }
                Err(error) => Reason::Tls(text(&error)),
            }),
        }
    }
}

/// TLS cannot be prepared; in keepalived's words, which end in those of the library.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The library fails.
    #[error("TLS cannot be used: {}", reasons(.0))]
    Library(#[from] ErrorStack),
    /// A file of `SSL` is of no use.
    #[error("SSL error : Cant load {what} file... ({path}: {why})")]
    #[expect(missing_docs, reason = "told by the text")]
    File {
        what: &'static str,
        path: String,
        why: String,
    },
}

fn context(options: SslOptions, identity: Option<&Identity>) -> Result<SslContext, TlsError> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_options(options);
    // keepalived does not read the system's configuration of OpenSSL (seen): what is stricter there keeps no server out.
    builder.set_min_proto_version(None)?;
    if let Some(identity) = identity {
        show(&mut builder, identity)?;
    }
    Ok(builder.build())
}

fn show(builder: &mut SslContextBuilder, identity: &Identity) -> Result<(), TlsError> {
    let Identity {
        password,
        ca,
        certificate,
        key,
    } = identity;
    if let Some(path) = certificate {
        usable("certificate", path, || {
            builder
                .set_certificate_chain_file(path)
                .map_err(|error| reasons(&error))
        })?;
    }
    if let Some(path) = key {
        usable("key", path, || {
            let text = fs::read(path).map_err(|error| error.to_string())?;
            // Without a pass phrase a key that needs one is refused: nobody is there to be asked.
            let password = password.as_ref().map_or("", |password| password.0.as_str());
            PKey::private_key_from_pem_passphrase(&text, password.as_bytes())
                .and_then(|key| builder.set_private_key(&key))
                .map_err(|error| reasons(&error))
        })?;
    }
    if let Some(path) = ca {
        usable("CA", path, || {
            builder.set_ca_file(path).map_err(|error| reasons(&error))
        })?;
    }
    Ok(())
}

/// Does `load` with the file at `path`, if that is one.
fn usable(what: &'static str, path: &str, load: impl FnOnce() -> Result<(), String>) -> Result<(), TlsError> {
    regular(path).and_then(|()| load()).map_err(|why| TlsError::File {
        what,
        path: path.to_owned(),
        why,
    })
}

/// Whether the file at `path` can be read to its end, else why not: a pipe would be waited for.
pub(super) fn regular(path: &str) -> Result<(), String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    match (found.is_file(), found.len() > MAX_FILE) {
        (false, _) => Err("no regular file".to_owned()),
        (true, true) => Err(format!("longer than {MAX_FILE} octets")),
        (true, false) => Ok(()),
    }
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
    let stack = error.ssl_error().filter(|stack| !stack.errors().is_empty());
    stack.map_or_else(|| error.to_string(), reasons)
}

/// OpenSSL's words without its addresses in the source.
pub(super) fn reasons(stack: &ErrorStack) -> String {
    let reasons: Vec<&str> = stack.errors().iter().filter_map(|error| error.reason()).collect();
    if reasons.is_empty() {
        return stack.to_string();
    }
    reasons.join(", ")
}

/// The SHA1 of a certificate, as certificate tools show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 20]);

impl Fingerprint {
    /// Of `certificate`.
    pub(super) fn of(certificate: &X509Ref) -> Option<Self> {
        let encoded = certificate.to_der().ok()?;
        Some(Self(Sha1::digest(&encoded).into()))
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

#[cfg(test)]
mod tests;
