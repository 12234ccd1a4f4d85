//! How a real server is checked.

use super::{CheckSettings, Spanned};
pub use crate::check::config::Regex;
use crate::check::config::{DnsType, HttpProtocol, ServiceSettings};
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
    /// `SMTP_CHECK`
    Smtp(SmtpSettings),
    /// `DNS_CHECK`
    Dns(DnsSettings),
    /// `UDP_CHECK`
    Udp(UdpSettings),
    /// `PING_CHECK`
    Ping,
    /// `FILE_CHECK`
    File(FileCheckSettings),
    /// Those that keepalived does not have.
    Service(Box<ServiceSettings>),
    /// `BFD_CHECK`, by the name of the `bfd_instance`.
    Bfd(Spanned<String>),
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
    /// At its pattern.
    pub regex: Option<Spanned<Regex>>,
    pub tls_compliant: bool,
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

/// `SMTP_CHECK` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct SmtpSettings {
    pub helo_name: Option<String>,
}

/// `DNS_CHECK` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct DnsSettings {
    pub kind: DnsType,
    /// Default: the root.
    pub name: Option<String>,
}

/// `UDP_CHECK` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct UdpSettings {
    pub payload: Option<Vec<u8>>,
    pub require_reply: bool,
    /// Of each octet of `require_reply` its value and the bits of it that count.
    pub reply: Vec<(u8, u8)>,
    pub min_reply_length: u16,
    pub max_reply_length: Option<u16>,
}

/// `FILE_CHECK` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct FileCheckSettings {
    pub track_file: Spanned<String>,
    /// Default: that of the file.
    pub weight: Option<FileWeight>,
}

/// `weight` of a `FILE_CHECK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileWeight {
    /// The number in the file is multiplied by it; 0: the file decides up or down.
    pub weight: i32,
    /// `reverse`
    pub reverse: bool,
}
