//! What may stand in which block: the right samples of the keywords' own tests, and a few of ours with short times.

use crate::checkers::CHECKERS;
use crate::rng::Rng;
use crate::tree::Node;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const TABLES: [&str; 5] = [
    include_str!("../keywords/global.tsv"),
    include_str!("../keywords/net.tsv"),
    include_str!("../keywords/lvs.tsv"),
    include_str!("../keywords/vrrp.tsv"),
    include_str!("../keywords/services.tsv"),
];

/// Keywords that are not taken from the samples: names and times that the generator chooses, what only a restart
/// changes, and what would end the history before anything is settled.
const OURS: &[&str] = &[
    "timer_expired_backup",
    "thread_timer_expired",
    "interface",
    "virtual_router_id",
    "virtual_ipaddress",
    "use_vmac",
    "vmac_xmit_base",
    "use_ipvlan",
    "advert_int",
    "version",
    "state",
    "priority",
    "unicast_peer",
    "unicast_src_ip",
    "mcast_src_ip",
    "mcast_dst_ip",
    "delay_loop",
    "warmup",
    "delay_before_retry",
    "retry",
    "real_server",
    "sorry_server",
    "net_namespace",
    "net_namespace_ipvs",
    "instance",
    "nftables_ipvs",
    "nftables_ipvs_priority",
    "nftables_ipvs_start_fwmark",
    "neighbor_ip",
];

/// Ours, with times that pass soon.
const SHORT: &[(&str, &[&str])] = &[
    (
        "Instance",
        &[
            "advert_int 1",
            "advert_int 2",
            "advert_int 0.5",
            "version 2",
            "version 3",
            "state MASTER",
            "state BACKUP",
            "priority 50",
            "priority 100",
            "priority 150",
            "priority 254",
            "priority 255",
            "mcast_src_ip 10.0.0.7",
            "mcast_dst_ip 224.0.0.77",
            "use_vmac",
            "use_vmac\nvmac_xmit_base",
            "use_vmac vrx1",
            "use_ipvlan ipv1",
            "preempt_delay 3",
            "auth_hmac {\nkey 1 fedcba9876543210fedcba9876543210\nactive_key 1\nanti_replay monotonic\n}",
            "auth_hmac {\nkey 1 fedcba9876543210fedcba9876543210\nmode receive-only\ntime_window 7\n}",
            "track_interface {\neth2\n}",
            "track_interface {\neth1 weight 20\neth2 weight -30\n}",
            "track_script {\nS\n}",
            "track_script {\nS weight -20\nR\n}",
            "track_script {\nR weight 10 reverse\n}",
            "track_file {\nF\n}",
            "track_file {\nF weight 2\nH weight -1\n}",
            "track_process {\nP\n}",
            "track_process {\nP weight -5\nQ weight 7\n}",
            "track_bfd {\nN\n}",
            "track_bfd {\nN weight 30\nM weight -2\n}",
        ],
    ),
    (
        "SyncGroup",
        &[
            "track_interface {\neth2\n}",
            "track_script {\nS\n}",
            "track_script {\nR weight 10\n}",
            "track_file {\nF\n}",
            "track_process {\nQ\n}",
            "track_bfd {\nN\n}",
        ],
    ),
    (
        "VirtualServer",
        &[
            "delay_loop 3",
            "delay_loop 6",
            "warmup 0",
            "warmup 2",
            "retry 0",
            "retry 2",
            "delay_before_retry 1",
            "sorry_server 198.51.100.9 80",
            "sorry_server 198.51.100.8 80\nsorry_server_inhibit",
            "while_master A",
            "while_master B",
            "while_master C",
        ],
    ),
    (
        "RealServer",
        &["delay_loop 4", "warmup 1", "retry 1", "delay_before_retry 2"],
    ),
    (
        "TcpCheck",
        &[
            "delay_loop 4",
            "warmup 1",
            "retry 1",
            "alpha",
            "delay_before_retry 2",
        ],
    ),
    ("HttpGet", &["delay_loop 4", "url {\npath /b\n}", "retry 1"]),
    ("HttpUrl", &["tls_compliant"]),
    ("SyncGroup", &["group {\nA\nC\n}"]),
];

static SAMPLES: LazyLock<BTreeMap<&'static str, Vec<Vec<Node>>>> = LazyLock::new(samples);

fn samples() -> BTreeMap<&'static str, Vec<Vec<Node>>> {
    let mut out: BTreeMap<&'static str, Vec<Vec<Node>>> = BTreeMap::new();
    for line in TABLES.iter().flat_map(|table| table.lines()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [block, keyword, "valid", text, said] = fields[..] else {
            continue;
        };
        // What is remarked on is done all the same.
        if said != "ok"
            && !["deprecated", "address-owner", "track-weight", "security"]
                .iter()
                .any(|topic| said.starts_with(topic))
        {
            continue;
        }
        let block = block.split_once('/').map_or(block, |(block, _)| block);
        let nodes = Node::read(&text.replace("\\n", "\n"));
        if block.ends_with("Entry") || !OURS.contains(&keyword) {
            out.entry(block).or_default().push(nodes);
        }
    }
    for (block, lines) in SHORT {
        let ours = lines.iter().map(|line| Node::read(line));
        out.entry(block).or_default().extend(ours);
    }
    for (shared, blocks) in SHARED {
        let lines = out.get(shared).cloned().unwrap_or_default();
        for block in *blocks {
            out.entry(block).or_default().extend(lines.clone());
        }
    }
    out
}

/// Samples that several checkers have, which are under a name of their own in the tables.
const SHARED: &[(&str, &[&str])] = &[
    (
        "StartTls",
        &["FtpCheck", "ImapCheck", "LdapCheck", "NntpCheck", "Pop3Check"],
    ),
    ("Sql", &["MysqlCheck", "PgsqlCheck"]),
    (
        "Service",
        &[
            "FtpCheck",
            "ImapCheck",
            "LdapCheck",
            "NntpCheck",
            "Pop3Check",
            "MysqlCheck",
            "PgsqlCheck",
            "RedisCheck",
            "WebCheck",
            "GrpcCheck",
            "WebSocketCheck",
            "RadiusCheck",
            "SipCheck",
        ],
    ),
];

/// Words for the end of a line of the list with this keyword.
pub(crate) fn option(keyword: &str, rng: &mut Rng) -> Option<Vec<String>> {
    let (entries, _) = ENTRIES.iter().find(|(_, lists)| lists.contains(&keyword))?;
    let all = SAMPLES.get(entries)?;
    Some(all[rng.pick(all.len())].first()?.words.clone())
}

/// The blocks whose settings are in the tables, by their keywords, beside checkers.
const BLOCKS: &[(&str, &str)] = &[
    ("global_defs", "GlobalDefs"),
    ("vrrp_instance", "Instance"),
    ("vrrp_sync_group", "SyncGroup"),
    ("vrrp_script", "VrrpScript"),
    ("vrrp_track_process", "TrackProcess"),
    ("track_file", "TrackFile"),
    ("bfd_instance", "BfdInstance"),
    ("garp_group", "GarpGroup"),
    ("track_group", "TrackGroup"),
    ("authentication", "Authentication"),
    ("auth_hmac", "AuthHmac"),
    ("url", "HttpUrl"),
    ("host", "SmtpHost"),
    ("SSL", "Ssl"),
    ("virtual_server", "VirtualServer"),
    ("real_server", "RealServer"),
];

/// A setting for the block of this keyword; usually one line.
pub(crate) fn setting(keyword: &str, rng: &mut Rng) -> Option<Vec<Node>> {
    let (_, block) = BLOCKS
        .iter()
        .chain(&CHECKERS)
        .find(|(known, _)| *known == keyword)?;
    let all = SAMPLES.get(block)?;
    Some(all[rng.pick(all.len())].clone())
}

/// The block that opens with `keyword` within another.
pub(crate) fn block_of(keyword: &str, within: &str) -> Option<&'static str> {
    // `track_file` is a list and the file itself.
    let lists = ENTRIES.iter().find(|(_, lists)| lists.contains(&keyword));
    if let Some((entries, _)) = lists.filter(|_| within != "Root" || keyword != "track_file") {
        return Some(entries);
    }
    match (keyword, within) {
        ("url", "SslGet") => Some("SslUrl"),
        _ => {
            let mut all = BLOCKS.iter().chain(&CHECKERS);
            all.find(|(known, _)| *known == keyword).map(|(_, block)| *block)
        }
    }
}

/// The lists, and the words at the end of their lines.
const ENTRIES: &[(&str, &[&str])] = &[
    (
        "AddressEntry",
        &[
            "virtual_ipaddress",
            "virtual_ipaddress_excluded",
            "static_ipaddress",
        ],
    ),
    ("RouteEntry", &["virtual_routes", "static_routes"]),
    ("RuleEntry", &["virtual_rules", "static_rules"]),
    (
        "TrackEntry",
        &[
            "track_interface",
            "track_script",
            "track_file",
            "track_process",
            "track_bfd",
        ],
    ),
];
