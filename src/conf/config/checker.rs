//! How a real server is checked.

use super::{CheckSettings, Spanned};
use crate::check::config::HttpProtocol;
use crate::conf::diag::Place;
use crate::script::config::{Command, RunAs};
use std::net::IpAddr;
use std::time::Duration;

/// A checker as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checker {
    /// Its keyword's place.
    pub place: Place,
    /// Settings that it may inherit.
    pub checks: CheckSettings,
    /// `log_all_failures`
    pub log_all_failures: bool,
    /// How it connects.
    pub connection: ConnectSettings,
    /// What it asks.
    pub kind: CheckerKind,
}

/// How a checker over a socket connects, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct ConnectSettings {
    pub connect_ip: Option<Spanned<IpAddr>>,
    pub connect_port: Option<u16>,
    pub bindto: Option<Spanned<IpAddr>>,
    pub bind_port: Option<u16>,
    pub bind_if: Option<Spanned<String>>,
    pub fwmark: u32,
}

/// What a checker asks, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckerKind {
    /// `TCP_CHECK`
    Tcp,
    /// `HTTP_GET`, `SSL_GET`
    Http(HttpSettings),
    /// `MISC_CHECK`
    Misc(MiscSettings),
}

/// `HTTP_GET`, `SSL_GET` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct HttpSettings {
    /// `SSL_GET`
    pub tls: bool,
    pub http_protocol: Option<HttpProtocol>,
    pub enable_sni: bool,
    pub tls_compliant: bool,
    pub fast_recovery: bool,
    pub urls: Vec<Url>,
}

/// `url` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Url {
    pub path: String,
    pub virtualhost: Option<String>,
    pub status_code: Vec<(u16, u16)>,
    pub digest: Option<[u8; 16]>,
}

/// `MISC_CHECK` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct MiscSettings {
    pub misc_path: Spanned<Command>,
    pub misc_timeout: Option<Duration>,
    pub misc_dynamic: bool,
    pub user: Option<Spanned<RunAs>>,
}
