//! Nothing is swallowed: every keyword of our own table, written into its block, either changes what the daemon
//! shall do (the plan, and the effective configuration that `-t --dump-conf` prints) or is named in a warning with
//! its place. `samples` says what right and wrong values of each give, `reference` that no keyword is forgotten.

#![expect(clippy::unwrap_used, reason = "a test that fails here has found something")]

mod checkers;
mod reference;
mod round_trip;
mod samples;
mod servers;
mod site;

use site::{load, places, site};
use steadfast::conf::config::{Inherited, ShownSettings};
use steadfast::conf::diag::Class;
use steadfast::conf::keyword::{self, Args, Block, Keyword, Status};
use steadfast::plan::diff::diff;
use steadfast::plan::later::Later;
use steadfast::plan::{self, Plan};

/// Checkers over a socket.
const SOCKETS: [&str; 8] = [
    "TcpCheck",
    "HttpGet",
    "SslGet",
    "UdpCheck",
    "SmtpCheck",
    "SmtpHost",
    "DnsCheck",
    "PingCheck",
];

/// Those that keepalived does not have.
const SERVICES: [&str; 13] = [
    "FtpCheck",
    "NntpCheck",
    "Pop3Check",
    "ImapCheck",
    "LdapCheck",
    "MysqlCheck",
    "PgsqlCheck",
    "RedisCheck",
    "WebCheck",
    "GrpcCheck",
    "WebSocketCheck",
    "RadiusCheck",
    "SipCheck",
];

fn services_but(others: &[&str]) -> Vec<&'static str> {
    SERVICES
        .into_iter()
        .filter(|block| !others.contains(block))
        .collect()
}

/// The blocks of the file in which the keywords of `block` may stand.
fn hosts(block: Block) -> Vec<&'static str> {
    match block {
        Block::Root => vec!["Root"],
        Block::GlobalDefs => vec!["GlobalDefs"],
        Block::TrackGroup => vec!["TrackGroup"],
        Block::SyncGroup => vec!["SyncGroup"],
        Block::GarpGroup => vec!["GarpGroup"],
        Block::Instance => vec!["Instance"],
        Block::Authentication => vec!["Authentication"],
        Block::AuthHmac => vec!["AuthHmac"],
        Block::VrrpScript => vec!["VrrpScript"],
        Block::TrackProcess => vec!["TrackProcess"],
        Block::TrackFile => vec!["TrackFile"],
        Block::BfdInstance => vec!["BfdInstance"],
        Block::Ssl => vec!["Ssl"],
        Block::VirtualServer => vec!["VirtualServer"],
        Block::RealServer => vec!["RealServer"],
        Block::HttpGet => vec!["HttpGet", "SslGet"],
        Block::HttpUrl => vec!["HttpUrl", "SslUrl"],
        Block::SslGet => vec!["SslGet"],
        Block::SslUrl => vec!["SslUrl"],
        Block::TcpCheck => vec!["TcpCheck"],
        Block::UdpCheck => vec!["UdpCheck"],
        Block::SmtpCheck => vec!["SmtpCheck"],
        Block::SmtpHost => vec!["SmtpHost"],
        Block::DnsCheck => vec!["DnsCheck"],
        Block::MiscCheck => vec!["MiscCheck"],
        Block::PingCheck => vec!["PingCheck"],
        Block::FileCheck => vec!["FileCheck"],
        Block::BfdCheck => vec!["BfdCheck"],
        Block::FtpCheck => vec!["FtpCheck"],
        Block::ImapCheck => vec!["ImapCheck"],
        Block::LdapCheck => vec!["LdapCheck"],
        Block::NntpCheck => vec!["NntpCheck"],
        Block::Pop3Check => vec!["Pop3Check"],
        Block::MysqlCheck => vec!["MysqlCheck"],
        Block::PgsqlCheck => vec!["PgsqlCheck"],
        Block::RedisCheck => vec!["RedisCheck"],
        Block::WebCheck => vec!["WebCheck"],
        Block::GrpcCheck => vec!["GrpcCheck"],
        Block::WebSocketCheck => vec!["WebSocketCheck"],
        Block::RadiusCheck => vec!["RadiusCheck"],
        Block::SipCheck => vec!["SipCheck"],
        Block::Sql => vec!["MysqlCheck", "PgsqlCheck"],
        Block::StartTls => vec!["FtpCheck", "ImapCheck", "LdapCheck", "NntpCheck", "Pop3Check"],
        Block::Login => services_but(&["GrpcCheck", "WebSocketCheck", "SipCheck"]),
        Block::ServiceTls => services_but(&["RadiusCheck"]),
        Block::TrackEntry => vec!["TrackEntry"],
        Block::AddressEntry => vec!["AddressEntry"],
        Block::Connect => SOCKETS.iter().chain(&SERVICES).copied().collect(),
        Block::Timing => SOCKETS
            .iter()
            .chain(&SERVICES)
            .copied()
            .chain(["MiscCheck"])
            .collect(),
        // Their blocks are not looked into yet, and are named as a whole; lists have no keywords.
        Block::RouteEntry | Block::RuleEntry | Block::Words | Block::Lines | Block::GroupEntry => Vec::new(),
    }
}

/// A key of `auth_hmac`.
const KEY: &str = "fedcba9876543210fedcba9876543210";

/// Blocks of which all is in the plan, also what nothing comes of yet.
const PLANNED: &[Block] = &[
    Block::SyncGroup,
    Block::Instance,
    Block::AuthHmac,
    Block::VrrpScript,
    Block::TrackProcess,
    Block::TrackFile,
    Block::TrackEntry,
];

/// Lines with the keyword; the first part of each stands in the file that it is compared with, too.
fn lines(keyword: &Keyword) -> Vec<(String, String)> {
    let name = keyword.name;
    let one = |value: &str| vec![(String::new(), format!("{name} {value}"))];
    let after = |before: &str, value: &str| vec![(format!("{before}\n"), format!("{name} {value}"))];
    let body = |value: &str| vec![(String::new(), format!("{name} {{\n{value}\n}}"))];
    match (keyword.block, name) {
        (Block::Instance, "preempt") => after("nopreempt", ""),
        (Block::Instance, "state") => one("MASTER"),
        (Block::Instance | Block::GarpGroup, "interface") => one("eth2"),
        (Block::Instance, "authentication") => body("auth_type PASS\nauth_pass two"),
        (Block::Instance, "mcast_src_ip" | "unicast_src_ip") => one("192.0.2.33"),
        (Block::Instance, "mcast_dst_ip") => one("224.0.0.77"),
        (Block::Instance, "unicast_peer") => body("192.0.2.44"),
        (Block::Instance, "unicast_fault_no_peer") => after("unicast_src_ip 192.0.2.33", ""),
        (Block::Instance, "vmac_xmit_base") => after("use_vmac", ""),
        (Block::Instance, "virtual_ipaddress") => body("192.0.2.55/24"),
        (Block::Instance, "virtual_ipaddress_excluded") => body("192.0.2.55/24"),
        (Block::Instance | Block::SyncGroup, "track_interface") => body("eth2 weight 3"),
        (Block::SyncGroup, "track_script") => body("S weight 6"),
        (Block::SyncGroup | Block::Instance, "track_file") => body("F"),
        (Block::Root, "vrrp_track_process") => {
            vec![(String::new(), format!("{name} V {{\nprocess worker\n}}"))]
        }
        (Block::SyncGroup | Block::Instance, "track_process") => body("P"),
        (Block::SyncGroup | Block::Instance, "track_bfd") => body("N"),
        (Block::RealServer, "FILE_CHECK") => body("track_file F"),
        (Block::RealServer, "BFD_CHECK") => body("name N"),
        (Block::FileCheck, "track_file") => one("F"),
        (Block::GlobalDefs, "reload_time_file") => one("/run/when"),
        (Block::FileCheck, "weight") => after("track_file F", "5"),
        (Block::BfdCheck, "name") => one("N"),
        (Block::BfdCheck, "alpha") => after("name N", "on"),
        (Block::UdpCheck, "payload") => one("0102"),
        (Block::DnsCheck, "type") => one("MX"),
        (Block::Root, "static_ipaddress") => body("192.0.2.240"),
        (Block::Root, "static_routes") => body("203.0.113.0/24 via 192.0.2.254"),
        (Block::Root, "static_rules") => body("from 203.0.113.0/24 table 7 preference 9"),
        (Block::TrackGroup, "group") => body("A"),
        (Block::AddressEntry, "track_group") => one("U"),
        (Block::Instance, "virtual_routes") => body("203.0.113.0/24 via 192.0.2.254"),
        (Block::Instance, "virtual_rules") => body("from 203.0.113.0/24 table 7 preference 9"),
        (Block::Instance, "use_ipvlan") => one("192.0.2.88"),
        (Block::Instance, "garp_extra_if" | "vmac_garp_intvl")
        | (Block::GlobalDefs, "vrrp_garp_extra_if" | "vrrp_vmac_garp_intvl") => one("60"),
        (Block::Root, "interface_up_down_delays") => body("eth2 1"),
        (Block::Root, "garp_group") => body("garp_interval 1\ninterface eth2"),
        (Block::GarpGroup, "interfaces") => body("eth2"),
        (Block::Instance, "timer_expired_backup" | "thread_timer_expired") => after("nopreempt", ""),
        (Block::Instance, "accept") => after("strict_mode", ""),
        (Block::Instance, "owner_ignore_adverts") => after("priority 255", ""),
        (Block::Instance, "use_vmac_addr") => {
            after("use_vmac\nvirtual_ipaddress {\n192.0.2.99 dev eth2\n}", "")
        }
        (Block::Instance, "track_src_ip") => after("mcast_src_ip 192.0.2.33", ""),
        (Block::Instance, "auth_hmac") => body(&format!("key 1 {KEY}\nactive_key 1")),
        (Block::AuthHmac, "key") => one(&format!("2 {KEY}")),
        (Block::AuthHmac, "active_key") => after(&format!("key 2 {KEY}"), "2"),
        (Block::AuthHmac, "anti_replay") => one("monotonic"),
        (Block::AuthHmac, "mode") => one("permissive"),
        (Block::Instance, "track_script") => body("S"),
        (Block::GlobalDefs, "umask") => one("022"),
        (Block::GlobalDefs, "notification_email") => body("one@example.com"),
        (Block::GlobalDefs, "notification_email_from") => one("lab@example.com"),
        (Block::GlobalDefs, "notify_fifo" | "vrrp_notify_fifo" | "lvs_notify_fifo") => one("/run/events"),
        (Block::GlobalDefs, "vrrp_mcast_group4") => one("224.0.0.77"),
        (Block::GlobalDefs, "vrrp_mcast_group6") => one("ff02::77"),
        (Block::GlobalDefs, "script_user") => one("root"),
        (Block::GlobalDefs, "nftables") => one("mine"),
        (Block::GlobalDefs, "nftables_ipvs") => one("mine"),
        (Block::GlobalDefs, "nftables_ipvs_priority" | "nftables_ipvs_start_fwmark") => {
            after("nftables_ipvs", "7")
        }
        (Block::GlobalDefs, "lvs_sync_daemon") => one("eth2 inst A"),
        (Block::GlobalDefs, "lvs_flush_on_stop" | "lvs_flush_onstop") => one("VS"),
        (Block::GlobalDefs, "lvs_timeouts") => one("tcp 77"),
        (Block::Instance, "lvs_sync_daemon_interface") => one("eth2"),
        (Block::GlobalDefs, "vmac_prefix") => after(&beside("use_vmac", ""), "word"),
        (Block::GlobalDefs, "vmac_addr_prefix") => after(&beside("", "dev eth2 use_vmac"), "word"),
        (Block::GlobalDefs, "vrrp_owner_ignore_adverts") => after(&beside("priority 255", ""), ""),
        (Block::Authentication, "auth_pass") => one("two"),
        (Block::Authentication, "auth_type") => one("AH"),
        (Block::VirtualServer, "ip_family") => one("inet6"),
        (Block::VirtualServer, "lb_algo" | "lvs_sched") => one("nq"),
        (Block::VirtualServer, "lb_kind") => one("DR"),
        (Block::VirtualServer | Block::RealServer, "lvs_method") => one("DR"),
        (Block::VirtualServer, "sorry_server_lvs_method") => after("sorry_server 198.51.100.9", "DR"),
        (Block::VirtualServer, "sorry_server_inhibit") => after("sorry_server 198.51.100.9", ""),
        (Block::VirtualServer, "persistence_granularity") => one("255.255.255.0"),
        (Block::VirtualServer, "persistence_engine") => after("persistence_timeout 9", "sip"),
        (Block::VirtualServer, "protocol") => one("UDP"),
        (Block::VirtualServer, "sorry_server") => one("198.51.100.8 80"),
        (Block::GlobalDefs | Block::Instance, "drift_repair") => one("7"),
        (Block::VirtualServer, "while_master") => one("A"),
        (Block::VirtualServer, "hysteresis") => after("quorum 3", "1"),
        (Block::VirtualServer, "real_server") => one("198.51.100.7 80 {\n}"),
        (Block::RealServer, "HTTP_GET" | "SSL_GET") => body("url {\npath /new\n}"),
        (Block::HttpGet | Block::SslGet, "url") => body("path /new"),
        (Block::RealServer, "MISC_CHECK") => body("misc_path /usr/bin/false"),
        (Block::HttpGet, "http_protocol") => one("1.1"),
        (Block::HttpUrl, "regex_no_match") => after("regex a", ""),
        (Block::HttpUrl, "regex_options") => after("regex a", "caseless"),
        (Block::HttpUrl, "regex_stack") => after("regex a", "1000 2000"),
        (Block::HttpUrl, "regex_min_offset" | "regex_max_offset") => after("regex a", "5"),
        (Block::HttpUrl, "digest") => one("0123456789abcdef0123456789abcdef"),
        (Block::HttpUrl, "status_code") => one("203"),
        (Block::Connect, "bindto" | "connect_ip") => one("192.0.2.66"),
        (Block::Connect, "bind_if") => one("eth2"),
        (Block::Root, "vrrp_instance") => {
            one("N {\ninterface eth2\nvirtual_router_id 9\nvirtual_ipaddress {\n192.0.2.99\n}\n}")
        }
        (Block::Root, "virtual_server_group") => one("V {\n192.0.2.77 80\n}"),
        (Block::Root, "vrrp_sync_group") => one("H {\ngroup {\nC\n}\n}"),
        (Block::Root, "vrrp_script") => one(
            "Q {\nscript /usr/bin/false\n}\nvrrp_instance N {\ninterface eth2\nvirtual_router_id 9\n\
             virtual_ipaddress {\n192.0.2.99\n}\ntrack_script {\nQ\n}\n}",
        ),
        (Block::Root, "track_file" | "vrrp_track_file") => one("V {\nfile /run/v\n}"),
        (Block::Root, "virtual_server") => {
            one("192.0.2.81 80 {\nprotocol TCP\nlb_kind DR\nlb_algo rr\nreal_server 192.0.2.7 80 {\n}\n}")
        }
        (Block::Root, "bfd_instance") => one("V {\nneighbor_ip 192.0.2.77\n}"),
        (Block::Root, "global_defs") => body("router_id other"),
        (Block::AddressEntry, "dev") => one("eth2"),
        (Block::AddressEntry, "scope") => one("link"),
        (Block::AddressEntry, "brd" | "broadcast") => one("192.0.2.255"),
        (Block::AddressEntry, "label") => one("eth0:x"),
        (Block::AddressEntry, "preferred_lft") => one("0"),
        (Block::TrackEntry, "reverse" | "noreverse") => {
            vec![("weight 5 ".to_owned(), format!("weight 5 {name}"))]
        }
        (Block::GlobalDefs, "vrrp_rx_bufs_policy") => one("4096"),
        (Block::GlobalDefs, "vrrp_rx_bufs_multiplier") => after("vrrp_rx_bufs_policy MTU", "7"),
        (Block::MiscCheck, "user") => one("nobody"),
        (Block::VrrpScript, "script") => one("/usr/bin/false"),
        (Block::Login, "username") => after("password p", "word"),
        (Block::Login, "password") => after("username u", "word"),
        (Block::Sql, _) | (Block::FtpCheck, _) => after("username u", "word"),
        (Block::RedisCheck, "role") => one("master"),
        (Block::RealServer, "RADIUS_CHECK") => body("secret s"),
        (Block::WebCheck | Block::WebSocketCheck, "path") => one("/new"),
        (Block::WebCheck | Block::WebSocketCheck, "header") => one("X-A b"),
        (Block::SipCheck, "transport") => one("tcp"),
        (Block::SipCheck, "uri" | "from") => one("sip:a@b.example"),
        (Block::SipCheck, "status") => one("404"),
        (Block::WebCheck, "json") => one("/status UP"),
        (Block::WebCheck, "status") => one("203"),
        (Block::LdapCheck, "scope") => after("base dc=x", "sub"),
        (Block::LdapCheck, "filter") => after("base dc=x", "(cn=a)"),
        (Block::ServiceTls, "ca") => after("tls\nverify", "/ca.pem"),
        (Block::ServiceTls, "key" | "key_password") => after("tls\ncertificate /c.pem", "/k.pem"),
        (Block::ServiceTls, "tls") | (Block::StartTls, _) => one(""),
        (Block::ServiceTls, "verify") => after("tls", ""),
        (Block::ServiceTls, "expiry_warning") => after("tls", "14"),
        (Block::ServiceTls, _) => after("tls", "word"),
        (Block::Connect, "bind_port") => after("bindto 192.0.2.66", "7"),
        _ => generic(keyword)
            .into_iter()
            .map(|value| (String::new(), format!("{name} {value}")))
            .collect(),
    }
}

/// Between two `global_defs`: an instance with `setting`, whose address has `options`.
fn beside(setting: &str, options: &str) -> String {
    format!(
        "}}\nvrrp_instance V {{\ninterface eth0\nvirtual_router_id 99\n{setting}\nvirtual_ipaddress {{\n\
         192.0.2.98 {options}\n}}\n}}\nglobal_defs {{"
    )
}

/// Values by what a keyword takes.
fn generic(keyword: &Keyword) -> Vec<String> {
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    match keyword.args {
        Args::Nothing | Args::Free => texts(&[""]),
        Args::OneOrMore => texts(&["7", "nobody"]),
        Args::Word | Args::OptionalWord => texts(&["word"]),
        Args::Address => texts(&["192.0.2.66"]),
        Args::Bool => texts(&["", "false"]),
        Args::Int(least, most)
        | Args::OptionalInt(least, most)
        | Args::Strict(least, most)
        | Args::OptionalStrict(least, most) => {
            let fits = [3, 2, 7, 61].into_iter().filter(|n| (least..=most).contains(n));
            fits.map(|n: i64| n.to_string()).collect()
        }
        Args::Seconds(least, most) => {
            let micros = |n: &i64| (least..=most).contains(&(n * 1_000_000));
            [7, 0]
                .into_iter()
                .filter(micros)
                .map(|n: i64| n.to_string())
                .collect()
        }
        Args::Millis(..) => texts(&["100", "2000"]),
        Args::Script => texts(&["/usr/bin/false"]),
        Args::Block(Block::TrackFile | Block::TrackProcess | Block::TrackGroup) => texts(&["V {\n}"]),
        Args::Block(_) | Args::Values(_) => texts(&["{\n}"]),
    }
}

/// Keywords that act while the file is read, on warnings only, or only where they stand alone: other tests show it.
fn elsewhere(keyword: &Keyword) -> bool {
    keyword.name.starts_with("include")
        || matches!(
            (keyword.block, keyword.name),
            (Block::SyncGroup, "group")
                | (Block::Root, "SSL")
                | (Block::Instance, "no_virtual_ipaddress")
                | (Block::GlobalDefs, "iproute_etc_dir" | "iproute_usr_dir")
        )
}

#[test]
fn every_keyword_is_acted_on_or_named() {
    let mut problems = Vec::new();
    for keyword in keyword::all().filter(|keyword| !elsewhere(keyword)) {
        for block in hosts(keyword.block) {
            // TLS has no meaning for HTTP_GET; keepalived accepts it there as well.
            if (keyword.name, block) == ("enable_sni", "HttpGet") {
                continue;
            }
            // It cannot, which is named.
            if !samples::can(block, keyword.name) {
                continue;
            }
            if let Err(problem) = check(keyword, block) {
                problems.push(format!(
                    "{:?} {} in {block}: {problem}",
                    keyword.block, keyword.name
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn check(keyword: &Keyword, block: &str) -> Result<(), String> {
    let (mut acted, mut planned) = (false, false);
    let mut seen = Vec::new();
    for nth in 0..places(block) {
        for (before, line) in lines(keyword) {
            let whole = if before.ends_with('\n') {
                format!("{before}{line}")
            } else {
                line.clone()
            };
            let text = site(block, nth, &whole);
            let (plan, said) = load(&text);
            let (base, already) = load(&site(block, nth, &before));
            if let Some(unknown) = said.iter().find(|found| found.class == Class::UnknownKeyword) {
                return Err(unknown.to_string());
            }
            planned |= plan::print::print(&plan, true) != plan::print::print(&base, true);
            // `steadfast plan` and the gate of a reload know nothing else.
            if judged(plan.clone()) != judged(base.clone()) && diff(&base, &plan).is_empty() {
                return Err(format!("the difference of the plans does not have {whole:?}"));
            }
            acted |= planned && acting(plan) != acting(base);
            seen.extend(said.into_iter().filter(|found| !already.contains(found)));
        }
    }
    let named = seen.iter().any(|found| {
        found.class == Class::Unheeded && found.place.is_some() && found.message.contains(keyword.name)
    });
    match keyword.status {
        // All that it ever does is to be shown.
        Status::Acted if (keyword.block, keyword.name) == (Block::Instance, "debug") && planned => Ok(()),
        Status::Acted if !acted => Err(format!("the plan is the same; said: {seen:?}")),
        Status::NotYet if acted => Err("the daemon acts on it".into()),
        Status::NotYet if !planned && PLANNED.contains(&keyword.block) => {
            Err(format!("the plan for later is the same; said: {seen:?}"))
        }
        Status::NotYet if !named && !inside_what_is_named(keyword.block) => {
            Err(format!("it is not named; said: {seen:?}"))
        }
        Status::Acted | Status::NotYet => Ok(()),
    }
}

/// What of a plan the daemon acts on.
fn acting(mut plan: Plan) -> Plan {
    plan.later = Later::default();
    plan.shown.clear();
    plan.global.shown = ShownSettings::default();
    plan.global.inherited = Inherited::default();
    plan
}

/// What of that is no mere beginning of something else: mails, FIFOs and instances are in the plan as they will be.
fn judged(plan: Plan) -> Plan {
    let mut plan = acting(plan);
    plan.global.mail = Default::default();
    plan.global.vrrp_version = None;
    plan.global.fifos.notify_priority_changes = None;
    let fifos = &mut plan.global.fifos;
    for fifo in [&mut fifos.all, &mut fifos.vrrp, &mut fifos.lvs] {
        *fifo = Default::default();
    }
    plan
}

/// Blocks that nothing comes of yet: they are named as a whole, not every line of them.
fn inside_what_is_named(block: Block) -> bool {
    keyword::all().any(|keyword| {
        keyword.status == Status::NotYet
            && matches!(keyword.args, Args::Block(inner) | Args::Values(inner) if inner == block)
    }) || block == Block::SmtpHost
}
