//! The `SSL` block: what it makes SSL_GET show, and what is wrong with it.

use super::*;
use crate::check::config::{Password, ProbeConfig};
use crate::check::probe::regex::Patterns;
use crate::check::probe::testing::{LONG, certificate, http as config, read_request, serve};
use crate::check::probe::{Kit, http};
use crate::sys::testing::TempDir;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslVersion};
use openssl::symm::Cipher;
use openssl::x509::X509;
use tokio::io::AsyncWriteExt as _;

const SECRET: &str = "open sesame";

/// A certificate and a key of it behind a pass phrase, in files.
struct Site {
    dir: TempDir,
    certificate: X509,
}

impl Site {
    fn new() -> Self {
        let dir = TempDir::new();
        let (certificate, key) = certificate();
        let pem = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        dir.file("own.pem", &pem(certificate.to_pem().unwrap()));
        dir.file("own.key", &pem(key.private_key_to_pem_pkcs8().unwrap()));
        let locked = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), SECRET.as_bytes());
        dir.file("locked.key", &pem(locked.unwrap()));
        let (_, other): (X509, PKey<Private>) = super::super::testing::certificate();
        dir.file("other.key", &pem(other.private_key_to_pem_pkcs8().unwrap()));
        dir.file("garbage", "none\n");
        Self { dir, certificate }
    }

    fn path(&self, name: &str) -> Option<String> {
        let path = self.dir.path(name);
        (!name.is_empty()).then(|| path.to_str().unwrap().to_owned())
    }

    fn identity(&self, certificate: &str, key: &str, password: &str, ca: &str) -> Identity {
        Identity {
            password: (!password.is_empty()).then(|| Password(password.to_owned())),
            ca: self.path(ca),
            certificate: self.path(certificate),
            key: self.path(key),
        }
    }
}

/// LVS facts: 10.17
#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_that_of_the_block() {
    let site = Site::new();
    let (own, key) = certificate();
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&own).unwrap();
    // With TLS 1.3 a client hears of its refusal after the handshake only.
    acceptor.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    acceptor
        .cert_store_mut()
        .add_cert(site.certificate.clone())
        .unwrap();
    let context = acceptor.build().into_context();
    let at = serve("127.0.0.1:0", move |stream| {
        let ssl = Ssl::new(&context).unwrap();
        async move {
            let mut stream = SslStream::new(ssl, stream).unwrap();
            if Pin::new(&mut stream).accept().await.is_ok() {
                read_request(&mut stream).await;
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        }
    })
    .await;
    let config = config(at, LONG, Some(TlsConfig::default()));
    let ask = async |identity: Option<Identity>| {
        let kit = Kit {
            tls: Tls::new(identity.as_ref()).unwrap(),
            patterns: Patterns::default(),
        };
        http::ask(&kit, &config, &config.urls[0]).await.result
    };
    for identity in [
        site.identity("own.pem", "own.key", "", ""),
        // A pass phrase that is not needed does no harm; an authority that the server is not of does neither.
        site.identity("own.pem", "own.key", SECRET, "own.pem"),
        site.identity("own.pem", "locked.key", SECRET, ""),
    ] {
        assert_eq!(ask(Some(identity.clone())).await, Ok(()), "{identity:?}");
    }
    for identity in [
        None,
        // Neither half is shown alone.
        Some(site.identity("own.pem", "", "", "")),
        Some(site.identity("", "own.key", "", "")),
    ] {
        let result = ask(identity.clone()).await;
        assert!(matches!(result, Err(Reason::Tls(_))), "{identity:?}: {result:?}");
    }
}

/// LVS facts: 10.17
#[test]
fn a_broken_block_is_named_in_keepalived_s_words() {
    let site = Site::new();
    for (identity, wanted) in [
        (site.identity("none", "own.key", "", ""), "certificate file... ("),
        (
            site.identity("garbage", "own.key", "", ""),
            "certificate file... (",
        ),
        (site.identity("own.pem", "none", "", ""), "key file... ("),
        (site.identity("own.pem", "garbage", "", ""), "key file... ("),
        (
            site.identity("own.pem", "other.key", "", ""),
            "key values mismatch",
        ),
        (site.identity("own.pem", "locked.key", "", ""), "key file... ("),
        (
            site.identity("own.pem", "locked.key", "mistaken", ""),
            "key file... (",
        ),
        (site.identity("", "", "", "none"), "CA file... ("),
        (site.identity("", "", "", "garbage"), "CA file... ("),
        (site.identity("", "", "", "."), "no regular file"),
    ] {
        let error = Tls::new(Some(&identity)).unwrap_err().to_string();
        assert!(error.starts_with("SSL error : Cant load "), "{error}");
        assert!(error.contains(wanted), "{wanted}: {error}");
        assert!(
            !error.contains("mistaken") && !error.contains("routines"),
            "{error}"
        );
    }
    assert!(Tls::new(Some(&site.identity("", "", SECRET, ""))).is_ok());
}

#[test]
fn a_block_that_nobody_needs_is_not_looked_at() {
    let site = Site::new();
    let mut all = CheckConfig {
        ssl: Some(site.identity("none", "none", "", "none")),
        ..CheckConfig::default()
    };
    assert!(Tls::of(&all).is_ok());
    let text =
        "virtual_server 192.0.2.1 443 {\nreal_server 192.0.2.2 443 {\nSSL_GET {\nurl {\npath /\n}\n}\n}\n}\n";
    let at = std::path::Path::new("site.conf");
    let reading = crate::conf::read_str(at, text, &crate::conf::ReadOptions::default());
    let (plan, _) = crate::plan::build(&reading.config, &crate::plan::Host::default());
    all.services = plan.check.services;
    assert!(all.has_ssl_get());
    assert!(matches!(
        *all.services[0].real_servers[0].checkers[0].probe,
        ProbeConfig::Http(_)
    ));
    assert!(Tls::of(&all).is_err());
}

#[test]
fn the_pass_phrase_is_not_shown() {
    let identity = Site::new().identity("own.pem", "locked.key", SECRET, "");
    assert!(!format!("{identity:?}").contains(SECRET));
}
