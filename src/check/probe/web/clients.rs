//! The HTTP clients: one for all checkers that connect alike.
//!
//! A client has its own store of authorities when certificates are verified, so ten thousand checkers must not have as
//! many. Whom to connect to is therefore no part of it: the request's task says so, and a name means nobody else.

use super::super::secure::{private_key, usable};
use super::super::tls;
use crate::check::config::{Connection, ServiceTls};
use crate::check::event::Reason;
use crate::net::IfName;
use openssl::error::ErrorStack;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::tls::{Certificate, Identity};
use reqwest::{Client, ClientBuilder, redirect};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

tokio::task_local! {
    /// Whom the request of this task is for.
    static DESTINATION: SocketAddr;
}

/// Carries out `request` with the real server at `destination`.
pub(super) fn to<F: Future>(destination: SocketAddr, request: F) -> impl Future<Output = F::Output> {
    DESTINATION.scope(destination, request)
}

/// Whatever the name, it is the real server.
struct RealServer;

impl Resolve for RealServer {
    fn resolve(&self, _: Name) -> Resolving {
        let found = DESTINATION.try_with(|address| *address);
        Box::pin(async move {
            let addresses: Addrs = Box::new(std::iter::once(found?));
            Ok(addresses)
        })
    }
}

/// What makes clients differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    tls: Option<ServiceTls>,
    source: Option<IpAddr>,
    interface: Option<IfName>,
    timeout: Duration,
    http2: bool,
}

/// The clients of all settings that were used.
#[derive(Default)]
pub(in super::super) struct Clients(Mutex<HashMap<Kind, Client>>);

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clients")
    }
}

impl Clients {
    /// Makes all anew when they are needed, with the files as they then are.
    pub(in super::super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The client for these settings.
    pub(super) fn get(
        &self,
        connection: &Connection,
        tls: Option<&ServiceTls>,
        http2: bool,
    ) -> Result<Client, Reason> {
        let kind = Kind {
            // The name is the request's, the warning ours.
            tls: tls.map(|tls| ServiceTls {
                name: None,
                expiry_warning: None,
                ..tls.clone()
            }),
            source: connection.source.and_then(|(address, _)| address),
            interface: connection.interface.clone(),
            timeout: connection.timeout,
            http2,
        };
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let client = build(&kind)?;
        clients.insert(kind, client.clone());
        Ok(client)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn build(kind: &Kind) -> Result<Client, Reason> {
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .user_agent("steadfast")
        .dns_resolver(RealServer)
        // Every check is a new connection, as a client's is.
        .pool_max_idle_per_host(0)
        .connect_timeout(kind.timeout)
        .read_timeout(kind.timeout)
        .local_address(kind.source)
        .tls_info(true);
    if let Some(interface) = &kind.interface {
        builder = builder.interface(interface.as_str());
    }
    builder = match kind.http2 {
        true => builder
            .http2_prior_knowledge()
            .http2_max_header_list_size(16 * 1024),
        false => builder.http1_only(),
    };
    if let Some(tls) = &kind.tls {
        builder = secured(builder, tls)?;
    }
    builder.build().map_err(|error| Reason::Tls(words(&error)))
}

fn secured(mut builder: ClientBuilder, tls: &ServiceTls) -> Result<ClientBuilder, Reason> {
    if !tls.verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(path) = &tls.ca {
        let authorities = usable(path, || {
            let authorities = Certificate::from_pem_bundle(&read(path)?).map_err(|error| words(&error))?;
            match authorities.is_empty() {
                true => Err("there is no certificate in it".to_owned()),
                false => Ok(authorities),
            }
        })?;
        builder = builder.tls_certs_only(authorities);
    }
    if let Some(path) = &tls.certificate {
        let (_, key) = private_key(tls, path)?;
        builder = builder.identity(usable(path, || {
            // Of the forms that a key may have, reqwest takes one.
            let key = key
                .private_key_to_pem_pkcs8()
                .map_err(|error| error.to_string())?;
            Identity::from_pkcs8_pem(&read(path)?, &key).map_err(|error| words(&error))
        })?);
    }
    Ok(builder)
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| error.to_string())
}

/// What an error of a request says of the back-end, or of us.
pub(super) fn broken(error: &reqwest::Error) -> Reason {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    if error.is_timeout() {
        return match error.is_connect() {
            true => Reason::ConnectTimedOut,
            false => Reason::AnswerTimedOut,
        };
    }
    let text = words(error);
    // Before a connection is tried, the fault is of this host.
    let ours = |cause: &&&(dyn Error + 'static)| {
        let name = cause.to_string();
        ["tcp open", "tcp bind", "tcp set_"]
            .iter()
            .any(|begin| name.starts_with(begin))
    };
    if causes.iter().any(|cause| ours(&cause)) {
        return Reason::Socket(text);
    }
    if let Some(reason) = handshake(&causes) {
        return reason;
    }
    for cause in &causes {
        let Some(error) = cause.downcast_ref::<io::Error>() else {
            continue;
        };
        match error.kind() {
            io::ErrorKind::ConnectionRefused => return Reason::Refused,
            io::ErrorKind::TimedOut => return Reason::ConnectTimedOut,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => return Reason::Unreachable(error.to_string()),
            _ => {}
        }
    }
    Reason::Broken(text)
}

/// What TLS says. What is wrong with a certificate stands only in the text of who has OpenSSL's error, in brackets at
/// its end.
fn handshake(causes: &[&(dyn Error + 'static)]) -> Option<Reason> {
    let mut before = None;
    for cause in causes {
        if let Some(error) = cause.downcast_ref::<openssl::ssl::Error>() {
            return Some(Reason::Tls(tls::text(error)));
        }
        if let Some(stack) = cause.downcast_ref::<ErrorStack>() {
            let text: Option<String> = before.map(|cause: &&dyn Error| cause.to_string());
            let certificate = text
                .as_deref()
                .and_then(|text| text.strip_suffix(')')?.rsplit_once('('));
            return Some(Reason::Tls(match certificate {
                Some((_, why)) => format!("certificate: {why}"),
                None => tls::reasons(stack),
            }));
        }
        before = Some(cause);
    }
    None
}

/// The innermost cause, which is the one that says something.
fn words(error: &dyn Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    crate::check::dialogue::said(innermost.to_string().as_bytes())
}
