//! What the health engine is told to do: every inherited setting resolved, every default filled in (facts 3).

mod absorb;
mod filter;
pub mod host;
mod limit;
mod marks;
mod regex;
mod service;
mod talk;
mod web;

use crate::ipvs::model::{
    ForwardMethod, MarkRule, Persistence, Protocol, Scheduler, ServerId, ServiceFlags, ServiceKey,
};
use crate::net::Family;
use crate::script::config::Command;
pub use filter::{LdapComparison, LdapFilter, LdapTest};
pub use regex::Regex;
pub use service::{
    LdapScope, LdapSearch, Login, Password, Question, RedisRole, ServiceConfig, ServiceSettings, ServiceTls,
    Sql, Written, ranges,
};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
pub use talk::{Grpc, Radius, Sip, WebSocket};
pub use web::Web;

/// Everything the check plane runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckConfig {
    /// Who hears of all of it.
    pub notices: Notices,
    /// Which connections the kernel ends.
    pub expiry: Expiry,
    /// What others change in IPVS is put back.
    pub repair: bool,
    /// The groups, in the order of the file, names unique; for dumps.
    pub groups: Vec<ServerGroupConfig>,
    /// `SSL`
    pub ssl: Option<Ssl>,
    /// The virtual servers, in the order of the file, identities unique.
    pub services: Vec<VirtualServerConfig>,
}

/// `SSL`: what every SSL_GET shows of itself. The files as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct Ssl {
    /// Of `key`.
    pub password: Option<Password>,
    /// Nothing is verified by it.
    pub ca: Option<String>,
    pub certificate: Option<String>,
    pub key: Option<String>,
}

/// Who hears of virtual servers and real servers, beside scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// A FIFO.
    pub fifo: bool,
    /// Somebody by mail.
    pub mail: bool,
    /// `rs_init_notifies`: servers that are up at their start are told of.
    pub at_start: bool,
    /// `no_checker_emails`: a checker's mail is written only when its server turns too.
    pub server_mails_only: bool,
}

/// Whether the kernel ends what belongs to a real server that new connections do not get any more; nothing: as it is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// `lvs_expire_nodest_conn`: connections of one that was removed, with their next packet.
    pub connections: Option<bool>,
    /// `lvs_expire_quiescent_template`: the memory of persistence that has one of weight 0.
    pub templates: Option<bool>,
}

/// `virtual_server_group`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerGroupConfig {
    /// Its name.
    pub name: Arc<str>,
    /// Its lines; not empty.
    pub entries: Vec<GroupEntry>,
}

/// A line of `virtual_server_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEntry {
    /// Addresses from the first to the last, of one family; often there is one only.
    Addresses {
        /// The first.
        first: IpAddr,
        /// The last.
        last: IpAddr,
        /// 0: every port.
        port: u16,
    },
    /// `fwmark`
    FwMark {
        /// The mark.
        mark: u32,
        /// `inet`, `inet6`
        family: Option<Family>,
    },
}

impl GroupEntry {
    /// Its family, if it has one of its own.
    pub const fn family(&self) -> Option<Family> {
        match self {
            Self::Addresses {
                first: IpAddr::V4(_), ..
            } => Some(Family::V4),
            Self::Addresses {
                first: IpAddr::V6(_), ..
            } => Some(Family::V6),
            Self::FwMark { family, .. } => *family,
        }
    }
}

/// What a virtual server stands for, and is called by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One service.
    Service(ServiceKey),
    /// All of a group.
    Group(GroupTarget),
}

/// The group of a virtual server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTarget {
    /// Its name.
    pub name: Arc<str>,
    /// How many virtual servers of the same group stand before.
    pub number: u32,
    /// Of its services; none when both are there.
    pub family: Option<Family>,
    /// Of its addresses; none when there are marks only.
    pub protocol: Option<Protocol>,
    /// Its services, each once.
    pub services: Arc<[ServiceKey]>,
    /// `nftables_ipvs`: what gives packets the marks of the services, in the order of the file.
    pub marks: Arc<[MarkRule]>,
}

impl Target {
    /// Which virtual server it is.
    pub fn id(&self) -> ServerId {
        match self {
            Self::Service(key) => ServerId::Service(*key),
            Self::Group(group) => ServerId::Group {
                name: Arc::clone(&group.name),
                number: group.number,
            },
        }
    }

    /// The services, each once.
    pub fn keys(&self) -> &[ServiceKey] {
        match self {
            Self::Service(key) => std::slice::from_ref(key),
            Self::Group(group) => &group.services,
        }
    }

    /// The same, to be kept.
    pub fn services(&self) -> Arc<[ServiceKey]> {
        match self {
            Self::Service(key) => Arc::new([*key]),
            Self::Group(group) => Arc::clone(&group.services),
        }
    }

    /// What gives packets the marks of its services.
    pub fn marks(&self) -> Arc<[MarkRule]> {
        match self {
            Self::Service(_) => Arc::new([]),
            Self::Group(group) => Arc::clone(&group.marks),
        }
    }

    /// The family, if there is one only.
    pub const fn family(&self) -> Option<Family> {
        match self {
            Self::Service(key) => Some(key.family()),
            Self::Group(group) => group.family,
        }
    }

    /// The protocol in names of servers.
    pub const fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Service(key) => key.protocol(),
            Self::Group(group) => group.protocol,
        }
    }
}

/// keepalived's name of the virtual server (fact 1.2).
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().fmt(f)
    }
}

/// One `virtual_server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualServerConfig {
    /// What it stands for, and its name.
    pub target: Target,
    /// `lb_algo`
    pub scheduler: Scheduler,
    /// `ops` and scheduler flags.
    pub flags: ServiceFlags,
    /// `persistence_timeout`, …
    pub persistence: Option<Persistence>,
    /// The default forwarding method, for dumps; servers have theirs.
    pub forward: ForwardMethod,
    /// `connect_timeout` of the virtual server; for dumps.
    pub connect_timeout: Duration,
    /// `delay_loop` of the virtual server; for dumps.
    pub delay_loop: Duration,
    /// Default of its checkers: start as down. For dumps.
    pub alpha: bool,
    /// `omega`: notify on stop.
    pub omega: bool,
    /// `quorum`: weight of live servers that is needed. Default 1.
    pub quorum: u32,
    /// `hysteresis`
    pub hysteresis: u32,
    /// `quorum_up`
    pub quorum_up: Option<Command>,
    /// `quorum_down`
    pub quorum_down: Option<Command>,
    /// `smtp_alert`: mails of the quorum.
    pub smtp_alert: bool,
    /// `ha_suspend`: its checkers work only while one of its addresses is on this host.
    pub ha_suspend: bool,
    /// `while_master`: its services are in IPVS only while this instance is MASTER.
    pub while_master: Option<String>,
    /// `sorry_server`
    pub sorry_server: Option<SorryServerConfig>,
    /// The real servers, in the order of the file, address and port unique, not empty.
    pub real_servers: Vec<RealServerConfig>,
}

impl VirtualServerConfig {
    /// The addresses that it serves; a mark has none.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.target.keys().iter().filter_map(|key| match key {
            ServiceKey::Address { address, .. } => Some(address.ip()),
            ServiceKey::FwMark { .. } => None,
        })
    }
}

impl CheckConfig {
    /// Whether anything asks by TLS as `SSL` says.
    pub fn has_ssl_get(&self) -> bool {
        let real_servers = self.services.iter().flat_map(|service| &service.real_servers);
        let mut checkers = real_servers.flat_map(|real| &real.checkers);
        checkers.any(|checker| matches!(&*checker.probe, ProbeConfig::Http(http) if http.tls.is_some()))
    }

    /// Whether anything depends on the addresses of this host.
    pub fn suspends(&self) -> bool {
        self.services.iter().any(|service| service.ha_suspend)
    }
}

/// `sorry_server`: takes over when the quorum is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SorryServerConfig {
    /// Address and port as the kernel shall have them; in a group with DR or TUN the port is the service's.
    pub address: SocketAddr,
    /// Forwarding method.
    pub forward: ForwardMethod,
    /// `sorry_server_inhibit`: always configured, only its weight changes.
    pub inhibit: bool,
}

/// One `real_server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealServerConfig {
    /// Address and port as the kernel shall have them, and as names show them (fact 2.12); in a group with DR or TUN
    /// the kernel has the service's port.
    pub address: SocketAddr,
    /// Forwarding method.
    pub forward: ForwardMethod,
    /// `weight`: 0 to 65535 in the file. Default 1.
    pub weight: u32,
    /// `inhibit_on_failure`: weight 0 instead of removal.
    pub inhibit_on_failure: bool,
    /// `uthreshold`
    pub upper: u32,
    /// `lthreshold`
    pub lower: u32,
    /// `notify_up`
    pub notify_up: Option<Box<Command>>,
    /// `notify_down`
    pub notify_down: Option<Box<Command>>,
    /// `smtp_alert`: mails of its checkers.
    pub smtp_alert: bool,
    /// `virtualhost` of the real server; for dumps.
    pub virtualhost: Option<String>,
    /// Its checkers; none: always up.
    pub checkers: Vec<CheckerConfig>,
}

/// One checker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckerConfig {
    /// What it asks; shared with whoever asks.
    pub probe: Arc<ProbeConfig>,
    /// `alpha`: down until it has succeeded.
    pub alpha: bool,
    /// `delay_loop`: from check to check.
    pub delay_loop: Duration,
    /// `retry`: failures that are forgiven. Default 1, MISC_CHECK 0.
    pub retry: u32,
    /// `delay_before_retry`: from a forgiven failure to the next attempt. Default 1 s, HTTP_GET and SSL_GET 3 s.
    pub delay_before_retry: Duration,
    /// `warmup`: the first check comes within this time. Default `delay_loop`.
    pub warmup: Duration,
    /// `log_all_failures`
    pub log_all_failures: bool,
}

/// The kinds of checker, each with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeConfig {
    /// `TCP_CHECK`
    Tcp(Connection),
    /// `HTTP_GET` and `SSL_GET`
    Http(HttpConfig),
    /// `MISC_CHECK`
    Misc(MiscConfig),
    /// `SMTP_CHECK`
    Smtp(SmtpConfig),
    /// `DNS_CHECK`
    Dns(DnsConfig),
    /// `UDP_CHECK`
    Udp(Box<UdpConfig>),
    /// `PING_CHECK`; the port has no meaning.
    Ping(Connection),
    /// `FILE_CHECK`: asks nobody, follows a tracked file.
    File(FileCheckConfig),
    /// `BFD_CHECK`: asks nobody, follows the session of this `bfd_instance`.
    Bfd(String),
    /// Those that keepalived does not have.
    Service(Box<ServiceConfig>),
}

impl ProbeConfig {
    /// What makes it the same checker after a reload (fact 16.6): of its settings, those that say who is asked for what.
    /// The others are taken from the new file, and what is known of the server stays.
    pub fn identity(&self) -> Self {
        let mut own = self.clone();
        match &mut own {
            Self::Http(http) => {
                http.protocol = HttpProtocol::V10;
                http.fast_recovery = false;
                // HTTP_GET and SSL_GET are one kind.
                http.tls = None;
                for url in &mut http.urls {
                    (url.sni, url.tls_compliant) = (None, false);
                }
            }
            Self::Misc(misc) => misc.timeout = Duration::ZERO,
            Self::Udp(udp) => {
                (udp.payload, udp.reply) = (None, None);
                (udp.min_reply_length, udp.max_reply_length) = (0, 0);
            }
            // A warning asks nobody.
            Self::Service(service) => {
                if let Some(tls) = &mut service.settings.tls {
                    tls.expiry_warning = None;
                }
            }
            Self::Tcp(_) | Self::Smtp(_) | Self::Dns(_) | Self::Ping(_) | Self::File(_) | Self::Bfd(_) => {}
        }
        own
    }

    /// keepalived's keyword.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "TCP_CHECK",
            Self::Http(HttpConfig { tls: None, .. }) => "HTTP_GET",
            Self::Http(HttpConfig { tls: Some(_), .. }) => "SSL_GET",
            Self::Misc(_) => "MISC_CHECK",
            Self::Smtp(_) => "SMTP_CHECK",
            Self::Dns(_) => "DNS_CHECK",
            Self::Udp(_) => "UDP_CHECK",
            Self::Ping(_) => "PING_CHECK",
            Self::File(_) => "FILE_CHECK",
            Self::Bfd(_) => "BFD_CHECK",
            Self::Service(config) => config.settings.question.keyword(),
        }
    }

    /// How it reaches its back-end, if it asks over a socket.
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Tcp(connection) | Self::Ping(connection) => Some(connection),
            Self::Http(config) => Some(&config.connection),
            Self::Smtp(config) => Some(&config.connection),
            Self::Dns(config) => Some(&config.connection),
            Self::Udp(config) => Some(&config.connection),
            Self::Service(config) => Some(&config.connection),
            Self::Misc(_) | Self::File(_) | Self::Bfd(_) => None,
        }
    }

    /// The urls that it asks for, one at a time.
    pub fn urls(&self) -> &[UrlConfig] {
        match self {
            Self::Http(config) => &config.urls,
            Self::Tcp(_)
            | Self::Misc(_)
            | Self::Smtp(_)
            | Self::Dns(_)
            | Self::Udp(_)
            | Self::Ping(_)
            | Self::Service(_)
            | Self::File(_)
            | Self::Bfd(_) => &[],
        }
    }
}

/// How a checker reaches its back-end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `connect_ip`, `connect_port`; the real server's by default.
    pub destination: SocketAddr,
    /// `bindto`, `bind_port`
    pub source: Option<(Option<IpAddr>, u16)>,
    /// `bind_if`
    pub interface: Option<crate::net::IfName>,
    /// `fwmark`; 0: none.
    pub mark: u32,
    /// `connect_timeout`: for the connection, and for every wait for data. Default 5 s.
    pub timeout: Duration,
}

/// `HTTP_GET` / `SSL_GET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Connection.
    pub connection: Connection,
    /// `SSL_GET`
    pub tls: Option<TlsConfig>,
    /// `http_protocol`
    pub protocol: HttpProtocol,
    /// The urls, asked one a cycle; not empty.
    pub urls: Vec<UrlConfig>,
    /// `fast_recovery`
    pub fast_recovery: bool,
}

/// TLS settings of `SSL_GET`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// `enable_sni`
    pub sni: bool,
    /// `tls_compliant`: a connection that ends without the close alert is an error.
    pub compliant: bool,
}

/// `http_protocol`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpProtocol {
    /// `1.0`
    V10,
    /// `1.0C`, `1.0K`: with a connection header.
    V10Close,
    /// `1.1`
    V11,
}

/// One `url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlConfig {
    /// `path`, sent as it is.
    pub path: String,
    /// The `Host` header, resolved: url, checker, real server, virtual server; `None`: address and port.
    pub host: Option<String>,
    /// The name for SNI, resolved (fact 3.8).
    pub sni: Option<String>,
    /// `status_code`: inclusive ranges; default 200 to 299.
    pub status: Vec<(u16, u16)>,
    /// `digest`: MD5 of the body.
    pub digest: Option<[u8; 16]>,
    /// `regex` and what belongs to it.
    pub regex: Option<Regex>,
    /// `tls_compliant` of this url; that of the checker is enough.
    pub tls_compliant: bool,
}

/// `MISC_CHECK`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiscConfig {
    /// `misc_path`
    pub command: Command,
    /// `misc_timeout`; default: the virtual server's `delay_loop` (fact 3.10).
    pub timeout: Duration,
    /// `misc_dynamic`: exit statuses 2 to 255 set the weight to status − 2.
    pub dynamic: bool,
}

/// `SMTP_CHECK`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpConfig {
    /// Connection; its timeout is that of every wait.
    pub connection: Connection,
    /// `helo_name`
    pub helo_name: String,
}

/// `DNS_CHECK`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsConfig {
    /// Connection; its timeout is that of the whole.
    pub connection: Connection,
    /// `type`
    pub kind: DnsType,
    /// `name`; nothing: the root.
    pub name: Option<String>,
}

/// `type` of a `DNS_CHECK`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the words that they stand for")]
pub enum DnsType {
    A,
    Ns,
    Cname,
    #[default]
    Soa,
    Mx,
    Txt,
    Aaaa,
    Rrsig,
    Dnskey,
}

impl DnsType {
    /// All that may be asked for.
    pub const ALL: [Self; 9] = [
        Self::A,
        Self::Ns,
        Self::Cname,
        Self::Soa,
        Self::Mx,
        Self::Txt,
        Self::Aaaa,
        Self::Rrsig,
        Self::Dnskey,
    ];

    /// The configuration's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Ns => "NS",
            Self::Cname => "CNAME",
            Self::Soa => "SOA",
            Self::Mx => "MX",
            Self::Txt => "TXT",
            Self::Aaaa => "AAAA",
            Self::Rrsig => "RRSIG",
            Self::Dnskey => "DNSKEY",
        }
    }
}

/// `UDP_CHECK`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// Connection; its timeout is that of the whole.
    pub connection: Connection,
    /// `payload`; nothing: keepalived's text.
    pub payload: Option<Vec<u8>>,
    /// `require_reply`; nothing: silence is good.
    pub reply: Option<ReplyPattern>,
    /// `min_reply_length`; counts when there is a pattern only.
    pub min_reply_length: u16,
    /// `max_reply_length`; the same. Default 255.
    pub max_reply_length: u16,
}

/// What a reply begins with: of each octet its value, and the bits of it that count. Empty: any reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyPattern(pub Vec<(u8, u8)>);

/// `FILE_CHECK`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCheckConfig {
    /// The `track_file`, by its name.
    pub track_file: String,
    /// `weight`: the number is multiplied by it; 0: the file decides up or down.
    pub weight: i32,
    /// `weight … reverse`
    pub reverse: bool,
}
