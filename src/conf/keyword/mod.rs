//! The keywords: every word of the language of keepalived 2.4.3, where it may stand and what it takes.
//!
//! One table, [`vrrp`], [`lvs`] and what is our own in [`services`], one line a keyword, from which *unknown* and *not acted on yet* are told apart.
//! Ranges are those of the facts; lowering reads them from here. Knows no meaning.

pub mod help;
mod lvs;
mod services;
mod vrrp;

use Block::*;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// The greatest 32-bit unsigned number.
const U32: i64 = u32::MAX as i64;
/// The greatest 32-bit signed number.
const I32: i64 = i32::MAX as i64;

/// Where keywords stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as the blocks that they stand for")]
pub enum Block {
    Root,
    GlobalDefs,
    TrackGroup,
    SyncGroup,
    GarpGroup,
    Instance,
    Authentication,
    AuthHmac,
    VrrpScript,
    TrackProcess,
    TrackFile,
    BfdInstance,
    Ssl,
    VirtualServer,
    RealServer,
    HttpGet,
    HttpUrl,
    SslGet,
    SslUrl,
    TcpCheck,
    UdpCheck,
    SmtpCheck,
    SmtpHost,
    DnsCheck,
    MiscCheck,
    PingCheck,
    FileCheck,
    BfdCheck,
    FtpCheck,
    ImapCheck,
    LdapCheck,
    NntpCheck,
    Pop3Check,
    MysqlCheck,
    PgsqlCheck,
    RedisCheck,
    WebCheck,
    GrpcCheck,
    WebSocketCheck,
    RadiusCheck,
    SipCheck,
    /// What is asked of a data base.
    Sql,
    /// Who asks a service.
    Login,
    /// TLS that begins by words of the protocol.
    StartTls,
    /// TLS of a checker of a service.
    ServiceTls,
    /// Options of a line of `track_interface`, `track_script`, …
    TrackEntry,
    /// Options of a line of `virtual_ipaddress`, …
    AddressEntry,
    /// Options of a line of `virtual_routes`, `static_routes`.
    RouteEntry,
    /// Options of a line of `virtual_rules`, `static_rules`.
    RuleEntry,
    /// What all checkers over a socket share.
    Connect,
    /// What all checkers share.
    Timing,
    /// A list of words.
    Words,
    /// A list of lines.
    Lines,
    /// A list of addresses, ranges and marks.
    GroupEntry,
}

impl Block {
    /// As its user knows it.
    pub const fn name(self) -> &'static str {
        match self {
            Root => "the top level",
            GlobalDefs => "global_defs",
            TrackGroup => "track_group",
            SyncGroup => "vrrp_sync_group",
            GarpGroup => "garp_group",
            Instance => "vrrp_instance",
            Authentication => "authentication",
            AuthHmac => "auth_hmac",
            VrrpScript => "vrrp_script",
            TrackProcess => "vrrp_track_process",
            TrackFile => "track_file",
            BfdInstance => "bfd_instance",
            Ssl => "SSL",
            VirtualServer => "virtual_server",
            RealServer => "real_server",
            HttpGet => "HTTP_GET",
            SslGet => "SSL_GET",
            HttpUrl => "url",
            SslUrl => "url of SSL_GET",
            TcpCheck => "TCP_CHECK",
            UdpCheck => "UDP_CHECK",
            SmtpCheck => "SMTP_CHECK",
            SmtpHost => "host",
            DnsCheck => "DNS_CHECK",
            MiscCheck => "MISC_CHECK",
            PingCheck => "PING_CHECK",
            FileCheck => "FILE_CHECK",
            BfdCheck => "BFD_CHECK",
            FtpCheck => "FTP_CHECK",
            ImapCheck => "IMAP_CHECK",
            LdapCheck => "LDAP_CHECK",
            NntpCheck => "NNTP_CHECK",
            Pop3Check => "POP3_CHECK",
            MysqlCheck => "MYSQL_CHECK",
            PgsqlCheck => "PGSQL_CHECK",
            RedisCheck => "REDIS_CHECK",
            WebCheck => "WEB_CHECK",
            GrpcCheck => "GRPC_CHECK",
            WebSocketCheck => "WEBSOCKET_CHECK",
            RadiusCheck => "RADIUS_CHECK",
            SipCheck => "SIP_CHECK",
            Sql => "a checker of a data base",
            Login => "a checker that logs in",
            StartTls => "a checker that may begin TLS later",
            ServiceTls => "a checker over TLS",
            Connect => "a checker over a socket",
            Timing => "a checker",
            TrackEntry => "a line of what is tracked",
            AddressEntry => "a line of addresses",
            RouteEntry => "a line of routes",
            RuleEntry => "a line of rules",
            Words => "a list of words",
            Lines => "a list of lines",
            GroupEntry => "a line of virtual_server_group",
        }
    }

    /// Blocks whose keywords this one has too.
    pub const fn includes(self) -> &'static [Self] {
        match self {
            SslGet => &[HttpGet, Connect, Timing],
            HttpGet | TcpCheck | UdpCheck | SmtpCheck | SmtpHost | DnsCheck | PingCheck => &[Connect, Timing],
            FtpCheck | ImapCheck | LdapCheck | NntpCheck | Pop3Check => {
                &[Login, StartTls, ServiceTls, Connect, Timing]
            }
            MysqlCheck | PgsqlCheck => &[Sql, Login, ServiceTls, Connect, Timing],
            RedisCheck | WebCheck => &[Login, ServiceTls, Connect, Timing],
            GrpcCheck | WebSocketCheck | SipCheck => &[ServiceTls, Connect, Timing],
            RadiusCheck => &[Login, Connect, Timing],
            MiscCheck => &[Timing],
            SslUrl => &[HttpUrl],
            _ => &[],
        }
    }
}

/// What a keyword takes. Numbers are inclusive bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Args {
    /// Nothing; further words are ignored (grammar 4.7).
    Nothing,
    /// Any number of words.
    Free,
    /// At least one word.
    OneOrMore,
    /// One word.
    Word,
    /// One word, which the keyword itself misses with a message.
    OptionalWord,
    /// One IP address.
    Address,
    /// `true`, `on`, `yes`, `false`, `off`, `no` or nothing, which is true.
    Bool,
    /// A whole number, read leniently (grammar 6.2).
    Int(i64, i64),
    /// A whole number or nothing.
    OptionalInt(i64, i64),
    /// A whole number, read strictly.
    Strict(i64, i64),
    /// A whole number read strictly, or nothing.
    OptionalStrict(i64, i64),
    /// Seconds with up to six decimals; the bounds are microseconds.
    Seconds(i64, i64),
    /// Milliseconds with up to three decimals; the bounds are milliseconds.
    Millis(i64, i64),
    /// A command in script quoting (grammar 4.5), user and group.
    Script,
    /// A block of keywords.
    Block(Block),
    /// A block of entries, one a line.
    Values(Block),
}

impl Args {
    /// Whether keepalived stops when the first argument is missing (grammar 6.6).
    pub(super) const fn mandatory(self) -> bool {
        match self {
            Self::OneOrMore
            | Self::Word
            | Self::Address
            | Self::Int(..)
            | Self::Strict(..)
            | Self::Seconds(..)
            | Self::Millis(..)
            | Self::Script => true,
            // The others check for themselves: see `named`.
            Self::Block(block) => matches!(
                block,
                VrrpScript | TrackProcess | TrackFile | VirtualServer | RealServer
            ),
            Self::Values(block) => matches!(block, GroupEntry),
            Self::Nothing
            | Self::Free
            | Self::OptionalWord
            | Self::Bool
            | Self::OptionalInt(..)
            | Self::OptionalStrict(..) => false,
        }
    }
}

/// Whether a block has a name of one word, without which it is skipped.
pub(super) const fn named(block: Block) -> bool {
    matches!(
        block,
        TrackGroup | SyncGroup | Instance | VrrpScript | TrackProcess | TrackFile | BfdInstance | GroupEntry
    )
}

/// Whether anything comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The daemon does what it says.
    Acted,
    /// Known, checked, and named in a warning.
    NotYet,
}

/// One keyword.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// Where.
    pub block: Block,
    /// Its word.
    pub name: &'static str,
    /// What it takes.
    pub args: Args,
    /// Whether anything comes of it.
    pub status: Status,
}

const fn k(block: Block, name: &'static str, args: Args, status: Status) -> Keyword {
    Keyword {
        block,
        name,
        args,
        status,
    }
}

/// All keywords.
pub fn all() -> impl Iterator<Item = &'static Keyword> {
    vrrp::VRRP.iter().chain(lvs::LVS).chain(services::SERVICES)
}

/// Those that keepalived does not have.
pub fn own() -> impl Iterator<Item = &'static Keyword> {
    services::SERVICES.iter()
}

/// The keyword `name` of `block`.
pub(super) fn find(block: Block, name: &str) -> Option<&'static Keyword> {
    BY_BLOCK.get(block as usize)?.get(name).copied()
}

/// Keywords by name.
type Index = HashMap<&'static str, &'static Keyword, BuildHasherDefault<Fnv>>;

/// For each block its keywords, those of the blocks that it includes with them: every word of a configuration is looked
/// up here several times.
static BY_BLOCK: LazyLock<Vec<Index>> = LazyLock::new(|| {
    // Some blocks have only keywords that they share.
    let named = all().flat_map(|keyword| match keyword.args {
        Args::Block(inner) | Args::Values(inner) => [keyword.block, inner],
        _ => [keyword.block, keyword.block],
    });
    let mut blocks: Vec<Index> = Vec::new();
    for block in named {
        let at = block as usize;
        blocks.resize_with(blocks.len().max(at + 1), Index::default);
        let Some(index) = blocks.get_mut(at).filter(|index| index.is_empty()) else {
            continue;
        };
        for one in std::iter::once(block).chain(block.includes().iter().copied()) {
            for keyword in all().filter(|keyword| keyword.block == one) {
                index.entry(keyword.name).or_insert(keyword);
            }
        }
    }
    blocks
});

/// The FNV hash: quick for short words, and the table that is asked is not the user's.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a block opened by `name` in `block` holds.
pub(super) fn opens(block: Block, name: &str) -> Option<Block> {
    match find(block, name)?.args {
        Args::Block(inner) | Args::Values(inner) => Some(inner),
        Args::Nothing
        | Args::Free
        | Args::OneOrMore
        | Args::Word
        | Args::OptionalWord
        | Args::Address
        | Args::Bool
        | Args::Int(..)
        | Args::OptionalInt(..)
        | Args::Strict(..)
        | Args::OptionalStrict(..)
        | Args::Seconds(..)
        | Args::Millis(..)
        | Args::Script => None,
    }
}

/// Whether the entries of `block` are values, not keywords.
pub(super) const fn holds_values(block: Block) -> bool {
    matches!(
        block,
        TrackEntry | AddressEntry | RouteEntry | RuleEntry | Words | Lines | GroupEntry
    )
}

/// Whether it opens a block that says how a real server is checked.
pub(super) const fn is_checker(keyword: &Keyword) -> bool {
    matches!(keyword.block, RealServer) && matches!(keyword.args, Args::Block(_))
}

/// What stands for a keyword now of which `-t` says that it is deprecated.
pub(super) fn replacement(block: Block, name: &str) -> Option<&'static str> {
    Some(match (block, name) {
        (GlobalDefs, "lvs_process_name") => "checker_process_name",
        (GlobalDefs, "lvs_flush_onstop") => "lvs_flush_on_stop",
        (GlobalDefs, "vrrp_vmac_garp_intvl") => "vrrp_garp_extra_if",
        (GlobalDefs, "vrrp_rlimit_rtime") => "vrrp_rlimit_rttime",
        (GlobalDefs, "checker_rlimit_rtime") => "checker_rlimit_rttime",
        (GlobalDefs, "bfd_rlimit_rtime") => "bfd_rlimit_rttime",
        (GlobalDefs, "enable_snmp_keepalived") => "enable_snmp_vrrp",
        (SyncGroup, "global_tracking") => "sync_group_tracking_weight",
        (Instance, "lvs_sync_daemon_interface") => "lvs_sync_daemon in global_defs",
        (Instance, "linkbeat_use_polling") => "linkbeat_interfaces",
        (Instance, "vmac_garp_intvl") => "garp_extra_if",
        (Instance, "thread_timer_expired") => "timer_expired_backup",
        (HttpGet | SslGet, "nb_get_retry") => "retry",
        _ => return None,
    })
}

/// Whether keepalived takes an old name without a word.
pub(super) fn is_quietly_old(name: &str) -> bool {
    matches!(
        name,
        "lvs_process_name"
            | "lvs_flush_onstop"
            | "vrrp_rlimit_rtime"
            | "checker_rlimit_rtime"
            | "bfd_rlimit_rtime"
            | "enable_snmp_keepalived"
    )
}

/// The keyword of `block` that looks most like `typed`, if one is near enough to be meant.
pub(super) fn nearest(block: Block, typed: &str) -> Option<&'static str> {
    // What people believe to be the name, and what no distance would find.
    let believed = match (block, typed) {
        (RealServer, "HTTP_CHECK") => Some("HTTP_GET"),
        (RealServer, "SSL_CHECK" | "HTTPS_GET" | "HTTPS_CHECK") => Some("SSL_GET"),
        (RealServer, "SCRIPT_CHECK") => Some("MISC_CHECK"),
        (Instance, "auth") => Some("authentication"),
        (Instance, "vip" | "vips" | "virtual_ip" | "virtual_ips") => Some("virtual_ipaddress"),
        (Instance, "vrid" | "router_id") => Some("virtual_router_id"),
        (Instance, "prio") => Some("priority"),
        (TcpCheck | HttpGet | SslGet | SmtpCheck | DnsCheck | UdpCheck | PingCheck, "timeout") => {
            Some("connect_timeout")
        }
        (MiscCheck, "timeout") => Some("misc_timeout"),
        (MiscCheck, "script") => Some("misc_path"),
        (VirtualServer, "scheduler" | "algo") => Some("lb_algo"),
        (VirtualServer | RealServer, "interval") => Some("delay_loop"),
        _ => None,
    };
    if believed.is_some() {
        return believed;
    }
    let limit = match typed.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    all()
        .filter(|k| k.block == block || block.includes().contains(&k.block))
        .map(|k| (distance(&typed.to_lowercase(), &k.name.to_lowercase()), k.name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, x) in a.chars().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        row.push(i + 1);
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], n: usize| row.get(n).copied().unwrap_or(usize::MAX - 1);
            let mut best = (left + 1)
                .min(at(&last, j + 1) + 1)
                .min(at(&last, j) + usize::from(x != *y));
            if j > 0 && previous == Some(*y) && b.get(j - 1) == Some(&x) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
            left = best;
        }
        before = last;
        last = row;
        previous = Some(x);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

/// Blocks, as their user knows them, in which a word would be right: no more are named.
const MOST_NAMED: usize = 3;

/// The blocks in which `name` would be right, in words.
pub(super) fn elsewhere(name: &str) -> Option<String> {
    let mut blocks: Vec<&str> = all()
        .filter(|k| k.name == name && !holds_values(k.block))
        .map(|k| k.block.name())
        .collect();
    blocks.dedup();
    let more = blocks.len() > MOST_NAMED;
    blocks.truncate(MOST_NAMED);
    if more {
        blocks.push("others");
    }
    let (last, first) = blocks.split_last()?;
    Some(match first {
        [] => (*last).to_owned(),
        _ => format!("{} and {last}", first.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_nothing_twice() {
        for table in [vrrp::VRRP, lvs::LVS, services::SERVICES] {
            for pair in table.windows(2) {
                let [a, b] = pair else { panic!() };
                assert!((a.block, a.name) < (b.block, b.name), "{} {}", a.name, b.name);
            }
        }
        assert!(all().count() > 500);
    }

    #[test]
    fn blocks_share_keywords() {
        assert!(find(TcpCheck, "connect_port").is_some());
        assert!(find(SslGet, "connect_port").is_some());
        assert!(find(SslGet, "virtualhost").is_some());
        assert!(find(HttpGet, "tls_compliant").is_none());
        assert!(find(MiscCheck, "connect_port").is_none());
        assert_eq!(opens(RealServer, "HTTP_GET"), Some(HttpGet));
        assert_eq!(opens(Instance, "priority"), None);
    }

    #[test]
    fn what_was_meant_is_guessed_with_care() {
        assert_eq!(nearest(Instance, "prioritty"), Some("priority"));
        assert_eq!(nearest(Instance, "advert_itn"), Some("advert_int"));
        assert_eq!(nearest(RealServer, "tcp_check"), Some("TCP_CHECK"));
        assert_eq!(nearest(RealServer, "HTTP_CHECK"), Some("HTTP_GET"));
        assert_eq!(nearest(Instance, "weather"), None);
        assert_eq!(elsewhere("lb_algo").as_deref(), Some("virtual_server"));
        assert_eq!(
            elsewhere("track_script").as_deref(),
            Some("vrrp_sync_group and vrrp_instance")
        );
        assert_eq!(distance("ab", "ba"), 1);
    }
}
