//! TLS of the services: as the configuration wants it, and the certificate that answered.
//!
//! A certificate is refused only where `verify` says so. Files are read when a setting is used for the first time after a
//! reload, so a renewed certificate of ours or of an authority counts from the next reload on.

use super::stream::Patient;
use super::tls::{self, Fingerprint};
use crate::check::config::ServiceTls;
use crate::check::event::Reason;
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslVerifyMode};
use openssl::x509::{X509Ref, X509VerifyResult};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// A connection under TLS.
pub(super) type SecureStream = SslStream<Patient<TcpStream>>;

/// The contexts of all settings that were used.
#[derive(Default)]
pub(super) struct Contexts(Mutex<HashMap<ServiceTls, SslContext>>);

impl fmt::Debug for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contexts")
    }
}

impl Contexts {
    /// Reads all files anew when they are needed.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Shakes hands with the service at `ip` over `stream`.
    pub(super) async fn connect(
        &self,
        tls: &ServiceTls,
        ip: IpAddr,
        stream: Patient<TcpStream>,
    ) -> Result<SecureStream, Reason> {
        self.connect_for(tls, ip, stream, None).await
    }

    /// The same, to speak one of `protocols` (ALPN) over it.
    pub(super) async fn connect_for(
        &self,
        tls: &ServiceTls,
        ip: IpAddr,
        stream: Patient<TcpStream>,
        protocols: Option<&[u8]>,
    ) -> Result<SecureStream, Reason> {
        let mut ssl = self.prepare(tls, ip)?;
        let local = |error: ErrorStack| Reason::Tls(error.to_string());
        if let Some(protocols) = protocols {
            ssl.set_alpn_protos(protocols).map_err(local)?;
        }
        let mut stream = SslStream::new(ssl, stream).map_err(local)?;
        match Pin::new(&mut stream).connect().await {
            Ok(()) => Ok(stream),
            Err(error) => {
                let verified = stream.ssl().verify_result();
                if tls.verify && verified != X509VerifyResult::OK {
                    return Err(Reason::Tls(format!("certificate: {}", verified.error_string())));
                }
                Err(match error.into_io_error() {
                    Ok(error) if error.kind() == io::ErrorKind::TimedOut => Reason::AnswerTimedOut,
                    Ok(error) => Reason::Tls(error.to_string()),
                    Err(error) if error.code() == ErrorCode::SYSCALL => {
                        Reason::Tls("connection closed during the handshake".into())
                    }
                    Err(error) => Reason::Tls(tls::text(&error)),
                })
            }
        }
    }

    pub(super) fn prepare(&self, tls: &ServiceTls, ip: IpAddr) -> Result<Ssl, Reason> {
        let local = |error: ErrorStack| Reason::Tls(error.to_string());
        let mut ssl = {
            let mut contexts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match contexts.get(tls) {
                Some(context) => Ssl::new(context),
                None => {
                    let context = context(tls)?;
                    let ssl = Ssl::new(&context);
                    contexts.insert(tls.clone(), context);
                    ssl
                }
            }
        }
        .map_err(local)?;
        // A name that is an address is none for SNI.
        match tls.name.as_deref().map(|name| (name, name.parse::<IpAddr>())) {
            Some((_, Ok(ip))) => ssl.param_mut().set_ip(ip),
            Some((name, Err(_))) => {
                ssl.set_hostname(name).map_err(local)?;
                ssl.param_mut().set_host(name)
            }
            None => ssl.param_mut().set_ip(ip),
        }
        .map_err(local)?;
        Ok(ssl)
    }
}

fn context(tls: &ServiceTls) -> Result<SslContext, Reason> {
    let local = |error: ErrorStack| Reason::Tls(error.to_string());
    let mut builder = SslContext::builder(SslMethod::tls_client()).map_err(local)?;
    builder.set_options(SslOptions::IGNORE_UNEXPECTED_EOF);
    if tls.verify {
        builder.set_verify(SslVerifyMode::PEER);
        match &tls.ca {
            Some(path) => usable(path, || {
                builder.set_ca_file(path).map_err(|error| tls::reasons(&error))
            })?,
            None => builder.set_default_verify_paths().map_err(local)?,
        }
    } else {
        builder.set_verify(SslVerifyMode::NONE);
    }
    if let Some(path) = &tls.certificate {
        usable(path, || {
            builder
                .set_certificate_chain_file(path)
                .map_err(|error| tls::reasons(&error))
        })?;
        let (path, key) = private_key(tls, path)?;
        usable(path, || {
            builder
                .set_private_key(&key)
                .map_err(|error| tls::reasons(&error))
        })?;
    }
    Ok(builder.build())
}

/// Does `load` with the file at `path`; the reason names it.
pub(super) fn usable<T>(path: &str, load: impl FnOnce() -> Result<T, String>) -> Result<T, Reason> {
    tls::regular(path)
        .and_then(|()| load())
        .map_err(|why| Reason::Tls(format!("{path} cannot be used: {why}")))
}

/// The key of our `certificate`, and the file that has it.
pub(super) fn private_key<'a>(
    tls: &'a ServiceTls,
    certificate: &'a str,
) -> Result<(&'a str, PKey<Private>), Reason> {
    let path = tls.key.as_deref().unwrap_or(certificate);
    // Nobody is there to be asked for the pass phrase of a key that has one.
    let password = tls.key_password.as_ref().map_or("", |password| &password.0);
    let key = usable(path, || {
        let text = std::fs::read(path).map_err(|error| error.to_string())?;
        PKey::private_key_from_pem_passphrase(&text, password.as_bytes())
            .map_err(|error| tls::reasons(&error))
    })?;
    Ok((path, key))
}

/// What there is to know of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) fingerprint: Fingerprint,
    /// Whole days until its end; negative when that has passed.
    pub(super) days: i32,
    /// Its end, as OpenSSL writes it.
    pub(super) end: String,
    /// The same in seconds since 1970.
    pub(super) ends: i64,
}

/// When `certificate` ends, in seconds since 1970.
pub(super) fn ends(certificate: &X509Ref) -> Option<i64> {
    let after = Asn1Time::from_unix(0).ok()?.diff(certificate.not_after()).ok()?;
    Some(i64::from(after.days) * 86_400 + i64::from(after.secs))
}

impl Certificate {
    /// Of the service that answered.
    pub(super) fn of(stream: &SecureStream) -> Option<Self> {
        Self::read(stream.ssl().peer_certificate()?.as_ref())
    }

    /// What `certificate` says.
    pub(super) fn read(certificate: &X509Ref) -> Option<Self> {
        let end = certificate.not_after();
        let left = Asn1Time::days_from_now(0).ok()?.diff(end).ok()?;
        Some(Self {
            fingerprint: Fingerprint::of(certificate)?,
            days: left.days - i32::from(left.secs < 0),
            end: end.to_string(),
            ends: ends(certificate)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::x509::X509;

    fn certificate(seconds: i64) -> Certificate {
        certificate_until(i64::try_from(crate::sys::wall::now().0.as_secs()).unwrap() + seconds)
    }

    fn certificate_until(end: i64) -> Certificate {
        let mut builder = X509::builder().unwrap();
        let key = PKey::from_ec_key(
            openssl::ec::EcKey::generate(
                &openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap(),
            )
            .unwrap(),
        )
        .unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(end).unwrap()).unwrap();
        builder
            .sign(&key, openssl::hash::MessageDigest::sha256())
            .unwrap();
        Certificate::read(&builder.build()).unwrap()
    }

    #[test]
    fn whole_days_are_counted() {
        const DAY: i64 = 86_400;
        assert_eq!(certificate(14 * DAY + DAY / 2).days, 14);
        assert_eq!(certificate(DAY / 2).days, 0);
        assert_eq!(certificate(-DAY / 2).days, -1);
        assert_eq!(certificate(-DAY - DAY / 2).days, -2);
        assert_eq!(certificate_until(-DAY - 1).ends, -DAY - 1);
        // Beyond what 32 bits hold.
        assert_eq!(certificate_until(4_102_444_799).ends, 4_102_444_799);
    }
}
