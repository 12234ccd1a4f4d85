//! The edge that asks the back-ends: one question, one [`ProbeOutcome`]. What an outcome means is decided in
//! [`crate::check`].
//!
//! Owns connections, TLS, and what is said once about a url (its certificate, a wrong Content-Length). Holds no
//! verdict and no schedule. A back-end is hostile until proven healthy: whatever it sends, a probe ends in bounded
//! time and memory.

pub mod answer;
mod dns;
mod grpc;
mod http;
pub mod page;
mod ping;
pub mod regex;
mod secure;
mod service;
mod smtp;
mod socket;
mod stream;
mod tcp;
#[cfg(test)]
mod testing;
mod tls;
mod udp;
mod web;

use super::CheckerId;
use super::config::{CheckConfig, HttpConfig, MiscConfig, ProbeConfig, Question, ServiceConfig, UrlConfig};
use super::dialogue;
use super::event::{Heard, ProbeOrder, ProbeOutcome, Reason};
use super::telling::Names;
use crate::script::Scripts;
use http::Asked;
use regex::Patterns;
use secure::{Certificate, Contexts};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tls::Fingerprint;
pub use tls::{Tls, TlsError};

/// What HTTP_GET and SSL_GET ask with: made of a configuration once, for all that it asks.
#[derive(Debug)]
pub struct Kit {
    tls: Tls,
    patterns: Patterns,
}

impl Kit {
    /// For what `config` asks.
    ///
    /// # Errors
    /// When a file of its `SSL` block is of no use, and needed.
    pub fn of(config: &CheckConfig) -> Result<Self, TlsError> {
        Ok(Self {
            tls: Tls::of(config)?,
            patterns: Patterns::of(config),
        })
    }
}

/// Asks back-ends. Clones are the same prober: the check plane asks, the control plane reloads.
#[derive(Clone, Debug)]
pub struct Prober {
    scripts: Arc<Mutex<Arc<Scripts>>>,
    kit: Arc<Mutex<Arc<Kit>>>,
    contexts: Arc<Contexts>,
    clients: Arc<web::Clients>,
    said: Arc<Mutex<Said>>,
    certificates: Arc<Mutex<Certificates>>,
}

impl Prober {
    /// Asks with `kit`; `scripts` are those that MISC_CHECK may run.
    pub fn new(scripts: Arc<Scripts>, kit: Arc<Kit>) -> Self {
        Self {
            scripts: Arc::new(Mutex::new(scripts)),
            kit: Arc::new(Mutex::new(kit)),
            contexts: Arc::default(),
            clients: Arc::default(),
            said: Arc::default(),
            certificates: Arc::default(),
        }
    }

    /// From now on MISC_CHECK may run these scripts. A command that is not among them fails, so until the check plane
    /// has taken its new configuration the book should hold the commands of both.
    pub fn reload(&self, scripts: Arc<Scripts>) {
        self.contexts.forget();
        self.clients.forget();
        *self.scripts.lock().unwrap_or_else(PoisonError::into_inner) = scripts;
    }

    /// From now on HTTP_GET and SSL_GET ask with this.
    pub fn equip(&self, kit: Arc<Kit>) {
        *self.kit.lock().unwrap_or_else(PoisonError::into_inner) = kit;
    }

    /// Asks. The future is the whole probe: dropping it closes the connection or kills the script.
    pub fn ask(&self, order: &ProbeOrder) -> impl Future<Output = Heard> + Send + use<> {
        let this = self.clone();
        let order = order.clone();
        async move { this.run(&order).await }
    }

    /// Ten thousand TCP_CHECKs may be on their way at once, and this future takes the room of the largest kind that it
    /// holds itself: all others are behind a pointer.
    async fn run(&self, order: &ProbeOrder) -> Heard {
        let probe: &ProbeConfig = &order.probe;
        let result = match probe {
            ProbeConfig::Misc(config) => return Box::pin(self.misc(config)).await.into(),
            ProbeConfig::Tcp(connection) => tcp::connect(connection).await.map(drop),
            ProbeConfig::Http(config) => match config.urls.get(order.url) {
                Some(url) => return Box::pin(self.http(order, config, url)).await,
                None => Err(Reason::Broken(format!("there is no url number {}", order.url))),
            },
            ProbeConfig::Smtp(config) => Box::pin(smtp::ask(config)).await,
            ProbeConfig::Dns(config) => Box::pin(dns::ask(config)).await,
            ProbeConfig::Udp(config) => Box::pin(udp::ask(config)).await,
            ProbeConfig::Ping(connection) => Box::pin(ping::ask(connection, order.number)).await,
            // They ask nobody.
            ProbeConfig::File(_) | ProbeConfig::Bfd(_) => Err(Reason::Panicked),
            ProbeConfig::Service(config) => return self.service(config).await,
        };
        ProbeOutcome::from(result).into()
    }

    /// MISC_CHECK (facts 11): the program's exit status is the answer.
    async fn misc(&self, config: &MiscConfig) -> ProbeOutcome {
        let scripts = Arc::clone(&self.scripts.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome = scripts.run(&config.command, config.timeout).await;
        ProbeOutcome::of_script(config.dynamic, outcome)
    }

    async fn service(&self, config: &ServiceConfig) -> Heard {
        let service::Asked { result, certificate } = match &config.settings.question {
            Question::Web(question) => Box::pin(web::ask(&self.clients, config, question)).await,
            Question::Grpc(question) => Box::pin(grpc::ask(&self.contexts, config, question)).await,
            _ => Box::pin(service::ask(&self.contexts, config)).await,
        };
        let certificate_ends = certificate.as_ref().map(|certificate| certificate.ends);
        if let Some(certificate) = certificate {
            let mut certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
            certificates.seen(config, certificate);
        }
        let result = result.map_err(|reason| dialogue::discreet(&config.settings, reason));
        Heard {
            outcome: result.into(),
            certificate_ends,
        }
    }

    /// Logs what is remarkable and new about a url.
    async fn http(&self, order: &ProbeOrder, config: &HttpConfig, url: &UrlConfig) -> Heard {
        let kit = Arc::clone(&self.kit.lock().unwrap_or_else(PoisonError::into_inner));
        let asked = http::ask(&kit, config, url).await;
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for remark in said.news((order.checker, order.url), &asked) {
            tracing::info!("{}", remark.of(&order.names, order.probe.keyword(), url));
        }
        Heard {
            outcome: asked.result.into(),
            certificate_ends: asked.certificate_ends,
        }
    }
}

/// The certificates of services, so that only news are said of them.
#[derive(Debug, Default)]
struct Certificates(HashMap<(SocketAddr, &'static str), Certificate>);

impl Certificates {
    /// Reloads may bring ever new services: beyond this many, everything may be said once more.
    const MAX: usize = 4096;

    /// Logs a certificate that is new, and every day that one is near its end.
    fn seen(&mut self, config: &ServiceConfig, certificate: Certificate) {
        let (destination, keyword) = (config.connection.destination, config.settings.question.keyword());
        let name = format!("{keyword} [{}]:tcp:{}", destination.ip(), destination.port());
        let last = self.0.get(&(destination, keyword));
        if last == Some(&certificate) {
            return;
        }
        let Certificate {
            fingerprint,
            days,
            end,
            ends: _,
        } = &certificate;
        if last.is_none_or(|last| last.fingerprint != *fingerprint) {
            tracing::info!(
                "{name}: certificate with SHA1 fingerprint {fingerprint} ends on {end}, in {days} days"
            );
        }
        let limit = config.settings.tls.as_ref().and_then(|tls| tls.expiry_warning);
        if limit.is_some_and(|limit| i64::from(*days) <= i64::from(limit)) {
            tracing::warn!("{name}: certificate ends in {days} days, on {end}");
        }
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        self.0.insert((destination, keyword), certificate);
    }
}

/// What was said last about each url, so that only news are said.
#[derive(Debug, Default)]
struct Said(HashMap<(CheckerId, usize), Remarkable>);

#[derive(Debug, Default)]
struct Remarkable {
    certificate: Option<Fingerprint>,
    lengths: Option<(u64, u64)>,
    /// Of TLS, or of the search for a regex.
    trouble: Option<Reason>,
    too_long: bool,
}

/// What is remarkable.
#[derive(Debug, PartialEq, Eq)]
enum Remark {
    Certificate(Fingerprint),
    /// Announced, received.
    Lengths(u64, u64),
    Trouble(Reason),
    TooLong,
}

impl Remark {
    /// As a line of the log; those that keepalived has are in its words (facts 10.9, 10.10).
    fn of(&self, Names { rs, vs }: &Names, keyword: &str, url: &UrlConfig) -> String {
        let UrlConfig { path, host, .. } = url;
        match self {
            Self::Certificate(fingerprint) => {
                format!("{keyword} {rs} url({path}): certificate with SHA1 fingerprint {fingerprint}")
            }
            Self::Lengths(announced, received) => {
                let host = host.as_deref().unwrap_or("");
                format!(
                    "http_check for RS {rs} VS {vs} url {host}{path}: content_length ({announced}) does not match received bytes ({received})"
                )
            }
            Self::Trouble(reason) => format!("{keyword} {rs} url({path}): {reason}"),
            Self::TooLong => {
                format!("{keyword} {rs} url({path}): Regex partial match preserve too large - discarding")
            }
        }
    }
}

impl Said {
    /// Reloads bring ever new checkers: beyond this many, everything may be said once more.
    const MAX: usize = 4096;

    fn news(&mut self, url: (CheckerId, usize), asked: &Asked) -> Vec<Remark> {
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        let last = self.0.entry(url).or_default();
        let mut news = Vec::new();
        if let Some(certificate) = asked.certificate
            && last.certificate != Some(certificate)
        {
            news.push(Remark::Certificate(certificate));
            last.certificate = Some(certificate);
        }
        if let Some((announced, received)) = asked.lengths {
            // One that fits in between does not make the same difference news (seen).
            if announced != received && last.lengths != asked.lengths {
                news.push(Remark::Lengths(announced, received));
                last.lengths = asked.lengths;
            }
        }
        if asked.too_long && !last.too_long {
            news.push(Remark::TooLong);
        }
        let trouble = match &asked.result {
            Err(reason @ (Reason::Tls(_) | Reason::RegexGaveUp(_))) => Some(reason.clone()),
            Ok(()) | Err(_) => None,
        };
        if let Some(reason) = &trouble
            && last.trouble != trouble
        {
            news.push(Remark::Trouble(reason.clone()));
        }
        // A failure of another kind in between does not make the same trouble news.
        if trouble.is_some() || asked.result.is_ok() {
            last.trouble = trouble;
            last.too_long = asked.too_long;
        }
        news
    }
}

#[cfg(test)]
mod tests;
