//! The edge that asks the back-ends: one question, one [`ProbeOutcome`]. What an outcome means is decided in
//! [`crate::check`].
//!
//! Owns connections, TLS, and what is said once about a url (its certificate, a wrong Content-Length). Holds no
//! verdict and no schedule. A back-end is hostile until proven healthy: whatever it sends, a probe ends in bounded
//! time and memory.

pub mod answer;
mod dns;
mod http;
pub mod page;
mod ping;
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

use super::config::{MiscConfig, ProbeConfig, Question, ServiceConfig};
use super::event::{ProbeOrder, ProbeOutcome, Reason};
use crate::script::Scripts;
use http::Asked;
use secure::{Certificate, Contexts};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tls::Fingerprint;
pub use tls::{Tls, TlsError};

/// Asks back-ends. Clones are the same prober: the check plane asks, the control plane reloads.
#[derive(Clone, Debug)]
pub struct Prober {
    scripts: Arc<Mutex<Arc<Scripts>>>,
    tls: Arc<Mutex<Arc<Tls>>>,
    contexts: Arc<Contexts>,
    clients: Arc<web::Clients>,
    said: Arc<Mutex<Said>>,
    certificates: Arc<Mutex<Certificates>>,
}

impl Prober {
    /// Asks by `tls`; `scripts` are those that MISC_CHECK may run.
    pub fn new(scripts: Arc<Scripts>, tls: Arc<Tls>) -> Self {
        Self {
            scripts: Arc::new(Mutex::new(scripts)),
            tls: Arc::new(Mutex::new(tls)),
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

    /// From now on SSL_GET shows this of itself.
    pub fn show(&self, tls: Arc<Tls>) {
        *self.tls.lock().unwrap_or_else(PoisonError::into_inner) = tls;
    }

    /// Asks. The future is the whole probe: dropping it closes the connection or kills the script.
    pub fn ask(&self, order: &ProbeOrder) -> impl Future<Output = ProbeOutcome> + Send + use<> {
        let this = self.clone();
        let probe = Arc::clone(&order.probe);
        let (url, number) = (order.url, order.number);
        async move { this.run(&probe, url, number).await }
    }

    async fn run(&self, probe: &ProbeConfig, url: usize, number: u32) -> ProbeOutcome {
        let result = match probe {
            ProbeConfig::Misc(config) => return self.misc(config).await,
            ProbeConfig::Tcp(connection) => tcp::connect(connection).await.map(drop),
            ProbeConfig::Http(config) => match config.urls.get(url) {
                Some(asked) => {
                    let tls = Arc::clone(&self.tls.lock().unwrap_or_else(PoisonError::into_inner));
                    let asked = http::ask(&tls, config, asked).await;
                    self.say(probe.keyword(), config.connection.destination, url, &asked);
                    asked.result
                }
                None => Err(Reason::Broken(format!("there is no url number {url}"))),
            },
            ProbeConfig::Smtp(config) => smtp::ask(config).await,
            ProbeConfig::Dns(config) => dns::ask(config).await,
            ProbeConfig::Udp(config) => udp::ask(config).await,
            ProbeConfig::Ping(connection) => ping::ask(connection, number).await,
            // They ask nobody.
            ProbeConfig::File(_) | ProbeConfig::Bfd(_) => return ProbeOutcome::Failure(Reason::Panicked),
            ProbeConfig::Service(config) => self.service(config).await,
        };
        match result {
            Ok(()) => ProbeOutcome::OK,
            Err(reason) => ProbeOutcome::Failure(reason),
        }
    }

    /// MISC_CHECK (facts 11): the program's exit status is the answer.
    async fn misc(&self, config: &MiscConfig) -> ProbeOutcome {
        let scripts = Arc::clone(&self.scripts.lock().unwrap_or_else(PoisonError::into_inner));
        let outcome = scripts.run(&config.command, config.timeout).await;
        ProbeOutcome::of_script(config.dynamic, outcome)
    }

    async fn service(&self, config: &ServiceConfig) -> Result<(), Reason> {
        let service::Asked { result, certificate } = match &config.settings.question {
            Question::Web(question) => web::ask(&self.clients, config, question).await,
            _ => service::ask(&self.contexts, config).await,
        };
        if let Some(certificate) = certificate {
            let mut certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
            certificates.seen(config, certificate);
        }
        result
    }

    /// Logs what is remarkable and new about a url.
    fn say(&self, keyword: &str, destination: SocketAddr, url: usize, asked: &Asked) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("[{}]:tcp:{}", destination.ip(), destination.port());
        for remark in said.news(destination, url, asked) {
            tracing::info!("{keyword} {name} url({}): {remark}", asked.path);
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
struct Said(HashMap<(SocketAddr, usize), Remarkable>);

#[derive(Debug, Default)]
struct Remarkable {
    certificate: Option<Fingerprint>,
    lengths: Option<(u64, u64)>,
    tls_error: Option<String>,
}

impl Said {
    /// Reloads may bring ever new urls: beyond this many, everything may be said once more.
    const MAX: usize = 4096;

    fn news(&mut self, destination: SocketAddr, url: usize, asked: &Asked) -> Vec<String> {
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        let last = self.0.entry((destination, url)).or_default();
        let mut news = Vec::new();
        if let Some(certificate) = asked.certificate
            && last.certificate != Some(certificate)
        {
            news.push(format!("certificate with SHA1 fingerprint {certificate}"));
            last.certificate = Some(certificate);
        }
        if let Some((announced, received)) = asked.lengths {
            if announced != received && last.lengths != asked.lengths {
                news.push(format!(
                    "content_length ({announced}) does not match received bytes ({received})"
                ));
            }
            last.lengths = asked.lengths;
        }
        let tls_error = match &asked.result {
            Err(Reason::Tls(text)) => Some(text.clone()),
            Ok(()) | Err(_) => None,
        };
        if let Some(error) = &tls_error
            && last.tls_error != tls_error
        {
            news.push(format!("TLS error: {error}"));
        }
        // A failure of another kind in between does not make the same error news.
        if tls_error.is_some() || asked.result.is_ok() {
            last.tls_error = tls_error;
        }
        news
    }
}

#[cfg(test)]
mod tests;
