//! The checkers that keepalived does not have: which service they ask for what, how they log in, and their TLS.

use super::talk::{Grpc, Radius, Sip, WebSocket};
use super::web::Web;
use super::{Connection, LdapFilter};
use std::fmt;

/// A checker that speaks a service's own protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Connection; its timeout is that of every wait.
    pub connection: Connection,
    /// What it asks, and how.
    pub settings: ServiceSettings,
}

/// What is asked of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// The question.
    pub question: Question,
    /// `username`, `password`
    pub login: Login,
    /// `tls` and what belongs to it.
    pub tls: Option<ServiceTls>,
}

/// Who asks. Whether both are needed is the protocol's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Login {
    pub username: Option<String>,
    pub password: Option<Password>,
}

impl Login {
    /// Name and password; nothing where nobody logs in.
    pub fn both(&self) -> Option<(String, String)> {
        let username = self.username.clone()?;
        Some((username, self.secret().to_owned()))
    }

    /// The password; empty where there is none.
    pub fn secret(&self) -> &str {
        self.password.as_ref().map_or("", |password| password.0.as_str())
    }
}

/// A password: never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// TLS of a service: its certificate is taken as it comes unless `verify` says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServiceTls {
    /// `starttls`: it begins by words of the protocol, not with the connection.
    pub starttls: bool,
    /// `verify`: the certificate must be valid, and that of `name`, else of the address.
    pub verify: bool,
    /// `ca`: the file of those who may sign it; otherwise the system's.
    pub ca: Option<String>,
    /// `certificate`: the file of ours.
    pub certificate: Option<String>,
    /// `key`: the file of its key; otherwise that of the certificate.
    pub key: Option<String>,
    /// `key_password`: the pass phrase of that file.
    pub key_password: Option<Password>,
    /// `name`: whom to ask for (SNI), and whose the certificate shall be.
    pub name: Option<String>,
    /// `expiry_warning`: from so many days before its end the certificate is warned of.
    pub expiry_warning: Option<u32>,
}

impl ServiceSettings {
    /// Whether TLS begins by words of the protocol.
    pub fn starttls(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.starttls)
    }
}

/// The services, each with what may be asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// `FTP_CHECK`
    Ftp {
        /// `path`: what must be there; a directory when it ends with a slash.
        path: Option<String>,
    },
    /// `IMAP_CHECK`
    Imap,
    /// `LDAP_CHECK`; without a search it only binds.
    Ldap(Option<LdapSearch>),
    /// `NNTP_CHECK`
    Nntp {
        /// `group`: which one must be there.
        group: Option<String>,
    },
    /// `POP3_CHECK`
    Pop3,
    /// `REDIS_CHECK`
    Redis {
        /// `role`: which one it must have.
        role: Option<RedisRole>,
    },
    /// `MYSQL_CHECK`
    Mysql(Sql),
    /// `PGSQL_CHECK`
    Pgsql(Sql),
    /// `WEB_CHECK`
    Web(Box<Web>),
    /// `GRPC_CHECK`
    Grpc(Grpc),
    /// `WEBSOCKET_CHECK`
    WebSocket(WebSocket),
    /// `RADIUS_CHECK`
    Radius(Radius),
    /// `SIP_CHECK`
    Sip(Sip),
}

/// What a data base is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sql {
    /// `database`
    pub database: Option<String>,
    /// `query`: must give at least one row.
    pub query: Option<String>,
}

/// An entry that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapSearch {
    /// `base`: its name, or that of one above it.
    pub base: String,
    /// `scope`
    pub scope: LdapScope,
    /// `filter`; otherwise any entry will do.
    pub filter: Option<LdapFilter>,
}

/// How far from its base a search goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the words that they stand for")]
pub enum LdapScope {
    #[default]
    Base,
    One,
    Sub,
}

impl LdapScope {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Base, Self::One, Self::Sub];

    /// The configuration's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::One => "one",
            Self::Sub => "sub",
        }
    }

    /// On the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Base => 0,
            Self::One => 1,
            Self::Sub => 2,
        }
    }
}

/// `role` of a `REDIS_CHECK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the words that they stand for")]
pub enum RedisRole {
    Master,
    Replica,
}

impl RedisRole {
    /// All that there are.
    pub const ALL: [Self; 2] = [Self::Master, Self::Replica];

    /// The configuration's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "replica",
        }
    }
}

impl Question {
    /// The checker's keyword.
    pub const fn keyword(&self) -> &'static str {
        match self {
            Self::Ftp { .. } => "FTP_CHECK",
            Self::Imap => "IMAP_CHECK",
            Self::Ldap(_) => "LDAP_CHECK",
            Self::Nntp { .. } => "NNTP_CHECK",
            Self::Pop3 => "POP3_CHECK",
            Self::Redis { .. } => "REDIS_CHECK",
            Self::Mysql(_) => "MYSQL_CHECK",
            Self::Pgsql(_) => "PGSQL_CHECK",
            Self::Web(_) => "WEB_CHECK",
            Self::Grpc(_) => "GRPC_CHECK",
            Self::WebSocket(_) => "WEBSOCKET_CHECK",
            Self::Radius(_) => "RADIUS_CHECK",
            Self::Sip(_) => "SIP_CHECK",
        }
    }
}

/// A setting as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'a> {
    /// Alone.
    Flag,
    /// With a word.
    Word(&'a str),
    /// With a number.
    Number(u32),
    /// With a word that is not to be shown.
    Secret(&'a Password),
    /// With two words.
    Pair(&'a str, &'a str),
    /// With two words, the second of which is not to be shown.
    SecretPair(&'a str, &'a Password),
    /// With ranges of numbers.
    Ranges(&'a [(u16, u16)]),
}

/// Ranges of numbers as they are written.
pub fn ranges(all: &[(u16, u16)]) -> String {
    let one = |(low, high): &(u16, u16)| match low == high {
        true => low.to_string(),
        false => format!("{low}-{high}"),
    };
    all.iter().map(one).collect::<Vec<_>>().join(" ")
}

impl ServiceSettings {
    /// Every setting, by its keyword: for the effective configuration and for dumps.
    pub fn written(&self) -> Vec<(&'static str, Written<'_>)> {
        let mut out = List(self.question.written());
        let Login { username, password } = &self.login;
        out.word("username", username.as_deref());
        out.secret("password", password.as_ref());
        if let Some(tls) = &self.tls {
            out.tls(tls);
        }
        out.0
    }
}

impl Question {
    fn written(&self) -> Vec<(&'static str, Written<'_>)> {
        let mut out = List(Vec::new());
        match self {
            Self::Ftp { path } => out.word("path", path.as_deref()),
            Self::Imap | Self::Pop3 | Self::Ldap(None) => {}
            Self::Ldap(Some(search)) => out.search(search),
            Self::Nntp { group } => out.word("group", group.as_deref()),
            Self::Redis { role } => out.word("role", role.map(RedisRole::word)),
            Self::Mysql(Sql { database, query }) | Self::Pgsql(Sql { database, query }) => {
                out.word("database", database.as_deref());
                out.word("query", query.as_deref());
            }
            Self::Web(web) => web.written(&mut out),
            Self::Grpc(grpc) => grpc.written(&mut out),
            Self::WebSocket(socket) => socket.written(&mut out),
            Self::Radius(radius) => radius.written(&mut out),
            Self::Sip(sip) => sip.written(&mut out),
        }
        out.0
    }
}

/// A list of settings that grows.
pub(super) struct List<'a>(Vec<(&'static str, Written<'a>)>);

impl<'a> List<'a> {
    pub(super) fn word(&mut self, keyword: &'static str, word: Option<&'a str>) {
        self.0.extend(word.map(|word| (keyword, Written::Word(word))));
    }

    pub(super) fn secret(&mut self, keyword: &'static str, secret: Option<&'a Password>) {
        self.0
            .extend(secret.map(|secret| (keyword, Written::Secret(secret))));
    }

    pub(super) fn pair(&mut self, keyword: &'static str, first: &'a str, second: &'a str) {
        self.0.push((keyword, Written::Pair(first, second)));
    }

    pub(super) fn secret_pair(&mut self, keyword: &'static str, word: &'a str, secret: &'a Password) {
        self.0.push((keyword, Written::SecretPair(word, secret)));
    }

    pub(super) fn ranges(&mut self, keyword: &'static str, ranges: &'a [(u16, u16)]) {
        self.0.push((keyword, Written::Ranges(ranges)));
    }

    pub(super) fn flag(&mut self, keyword: &'static str, set: bool) {
        self.0.extend(set.then_some((keyword, Written::Flag)));
    }

    fn search(&mut self, LdapSearch { base, scope, filter }: &'a LdapSearch) {
        self.word("base", Some(base));
        self.word("scope", Some(scope.word()));
        self.word("filter", filter.as_ref().map(|filter| filter.text.as_str()));
    }

    fn tls(&mut self, tls: &'a ServiceTls) {
        let ServiceTls {
            starttls,
            verify,
            ca,
            certificate,
            key,
            key_password,
            name,
            expiry_warning,
        } = tls;
        self.flag(if *starttls { "starttls" } else { "tls" }, true);
        self.flag("verify", *verify);
        self.word("ca", ca.as_deref());
        self.word("certificate", certificate.as_deref());
        self.word("key", key.as_deref());
        self.secret("key_password", key_password.as_ref());
        self.word("name", name.as_deref());
        self.0
            .extend(expiry_warning.map(|days| ("expiry_warning", Written::Number(days))));
    }
}
