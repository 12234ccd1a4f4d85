//! Random configurations with every kind of block, small, so that names and addresses of two of them collide.

use crate::catalogue::{option, setting};
use crate::rng::Rng;
use crate::tree::Node;

const INTERFACES: [&str; 3] = ["eth0", "eth1", "eth2"];
const INSTANCES: [&str; 6] = ["A", "B", "C", "D", "E", "I"];
/// The checkers, and what each must have.
pub(crate) const CHECKERS: [(&str, &str); 23] = [
    ("TCP_CHECK", ""),
    ("HTTP_GET", "url {\npath /\n}"),
    ("SSL_GET", "url {\npath /\n}\nurl {\npath /a\n}"),
    ("MISC_CHECK", "misc_path /usr/bin/true"),
    ("UDP_CHECK", ""),
    ("SMTP_CHECK", ""),
    ("DNS_CHECK", ""),
    ("PING_CHECK", ""),
    ("FILE_CHECK", "track_file F"),
    ("BFD_CHECK", "name N"),
    ("FTP_CHECK", ""),
    ("IMAP_CHECK", ""),
    ("LDAP_CHECK", ""),
    ("NNTP_CHECK", ""),
    ("POP3_CHECK", ""),
    ("MYSQL_CHECK", ""),
    ("PGSQL_CHECK", ""),
    ("REDIS_CHECK", ""),
    ("WEB_CHECK", ""),
    ("GRPC_CHECK", ""),
    ("WEBSOCKET_CHECK", ""),
    ("RADIUS_CHECK", "secret S"),
    ("SIP_CHECK", ""),
];
/// What a virtual server may be for.
pub(crate) const TARGETS: [&str; 7] = [
    "192.0.2.80 80",
    "192.0.2.81 80",
    "2001:db8::80 80",
    "fwmark 7",
    "fwmark 8",
    "group W",
    "group X",
];

fn one<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.pick(all.len())]
}

/// A whole configuration.
pub(crate) fn configuration(rng: &mut Rng) -> Vec<Node> {
    let mut all = Vec::new();
    for _ in 0..rng.below(3) {
        all.extend(global(rng));
    }
    all.extend(["S", "R"].map(|name| script(name, rng)));
    all.extend(["F", "H"].map(|name| file(name, rng)));
    all.extend(["P", "Q"].map(|name| process(name, rng)));
    all.extend(["N", "M"].map(|name| session(name, rng)));
    for _ in 0..rng.below(3) {
        all.push(statics(rng));
    }
    for name in INSTANCES.iter().take(1 + rng.pick(4)) {
        all.push(instance(name, rng));
    }
    for _ in 0..rng.below(3) {
        all.push(group(rng));
    }
    all.extend(["W", "X"].map(|name| server_group(name, rng)));
    for _ in 0..rng.below(4) {
        all.push(server(rng));
    }
    all
}

/// A block that may be added to any configuration.
pub(crate) fn any_block(rng: &mut Rng) -> Vec<Node> {
    let block = match rng.below(13) {
        10 => process(["P", "Q", "U"][rng.pick(3)], rng),
        11 | 12 => server_group(["W", "X", "V"][rng.pick(3)], rng),
        0 => return global(rng),
        1 => statics(rng),
        2 | 3 => {
            let name = one(rng, &INSTANCES);
            instance(name, rng)
        }
        4 => group(rng),
        5 => script(["S", "R", "V"][rng.pick(3)], rng),
        6 => file(["F", "H", "K"][rng.pick(3)], rng),
        7 => session(["N", "M", "O"][rng.pick(3)], rng),
        _ => server(rng),
    };
    vec![block]
}

/// `most` settings at most for the block of this keyword.
fn some(keyword: &str, most: u64, rng: &mut Rng) -> Vec<Node> {
    let count = rng.below(most + 1);
    (0..count)
        .filter_map(|_| setting(keyword, rng))
        .flatten()
        .collect()
}

fn global(rng: &mut Rng) -> Vec<Node> {
    let mut lines = some("global_defs", 3, rng);
    lines.insert(0, Node::line("script_user nobody"));
    let mut all = vec![Node::block("global_defs", lines)];
    match rng.below(8) {
        6 => all.push(Node::line("child_wait_time 2")),
        7 => all.push(Node::line("use_pid_dir")),
        0 => all.extend(setting("SSL", rng).map(|lines| Node::block("SSL", lines))),
        1 => all.push(Node::list(
            "garp_group",
            vec!["interface eth1".into(), "garp_interval 0.1".into()],
        )),
        2 => all.push(Node::block(
            "track_group T",
            vec![Node::list("group", vec!["A".into(), "B".into()])],
        )),
        3 => all.push(Node::list("interface_up_down_delays", vec!["eth1 1".into()])),
        _ => {}
    }
    all
}

fn script(name: &str, rng: &mut Rng) -> Node {
    let mut lines = vec![Node::line("script /usr/bin/true")];
    lines.extend(some("vrrp_script", 2, rng));
    Node::block(&format!("vrrp_script {name}"), lines)
}

fn file(name: &str, rng: &mut Rng) -> Node {
    let keyword = ["track_file", "vrrp_track_file"][rng.pick(2)];
    let mut lines = vec![Node::line(&format!("file /run/{name}"))];
    lines.extend(some("track_file", 1, rng));
    Node::block(&format!("{keyword} {name}"), lines)
}

fn process(name: &str, rng: &mut Rng) -> Node {
    let mut lines = vec![Node::line("process sshd")];
    lines.extend(some("vrrp_track_process", 2, rng));
    Node::block(&format!("vrrp_track_process {name}"), lines)
}

fn session(name: &str, rng: &mut Rng) -> Node {
    let neighbor = ["10.0.0.2", "10.0.1.2", "10.0.2.2"][rng.pick(3)];
    let mut lines = vec![Node::line(&format!("neighbor_ip {neighbor}"))];
    lines.extend(some("bfd_instance", 2, rng));
    Node::block(&format!("bfd_instance {name}"), lines)
}

fn statics(rng: &mut Rng) -> Node {
    let track = if rng.chance(1, 3) { " track_group T" } else { "" };
    let dev = one(rng, &INTERFACES);
    match rng.below(3) {
        0 => Node::list(
            "static_ipaddress",
            vec![format!("192.0.2.{}/24 dev {dev}{track}", 50 + rng.below(9))],
        ),
        1 => Node::block(
            "static_routes",
            vec![with_option(
                "static_routes",
                &format!("{} dev {dev}{track}", route(rng)),
                rng,
            )],
        ),
        _ => Node::block("static_rules", vec![with_option("static_rules", &rule(rng), rng)]),
    }
}

/// A line of the list with this keyword, sometimes with one of all options that there are.
fn with_option(keyword: &str, line: &str, rng: &mut Rng) -> Node {
    let mut line = Node::line(line);
    if rng.chance(1, 2) {
        line.words.extend(option(keyword, rng).unwrap_or_default());
    }
    line
}

/// A line for the list with this keyword.
pub(crate) fn entry(keyword: &str, rng: &mut Rng) -> Option<Node> {
    let dev = one(rng, &INTERFACES);
    let line = match keyword {
        "virtual_ipaddress" | "virtual_ipaddress_excluded" if rng.chance(1, 5) => vip6(rng),
        "virtual_ipaddress" | "virtual_ipaddress_excluded" => vip(rng),
        "static_ipaddress" => format!("192.0.2.{} dev {dev}", 50 + rng.below(9)),
        "virtual_routes" | "static_routes" => format!("{} dev {dev}", route(rng)),
        "virtual_rules" | "static_rules" => rule(rng),
        "unicast_peer" => format!("10.0.0.{}", 2 + rng.below(4)),
        "group" => one(rng, &INSTANCES).to_owned(),
        "virtual_server_group" => one(rng, &GROUP_LINES).to_owned(),
        "track_interface" => dev.to_owned(),
        "track_script" => one(rng, &["S", "R"]).to_owned(),
        "track_file" => one(rng, &["F", "H"]).to_owned(),
        "track_process" => one(rng, &["P", "Q"]).to_owned(),
        "track_bfd" => one(rng, &["N", "M"]).to_owned(),
        _ => return None,
    };
    Some(with_option(keyword, &line, rng))
}

fn route(rng: &mut Rng) -> String {
    format!("203.0.{}.0/24", 113 + rng.below(4))
}

fn rule(rng: &mut Rng) -> String {
    let n = rng.below(4);
    format!("from 203.0.{}.0/24 table {} preference {}", 113 + n, 7 + n, 9 + n)
}

/// A line of `virtual_ipaddress` over IPv4.
pub(crate) fn vip(rng: &mut Rng) -> String {
    const WITH: [&str; 9] = [
        "",
        "",
        "",
        " dev eth1",
        " dev eth2 no_track",
        " label eth0:1",
        " scope link",
        " brd 192.0.2.255",
        " no_track",
    ];
    let prefix = if rng.chance(1, 3) { "/24" } else { "" };
    format!("192.0.2.{}{prefix}{}", 50 + rng.below(9), one(rng, &WITH))
}

fn vip6(rng: &mut Rng) -> String {
    format!("2001:db8::{}", 50 + rng.below(4))
}

fn instance(name: &str, rng: &mut Rng) -> Node {
    let v6 = rng.chance(1, 5);
    let interface = one(rng, &INTERFACES);
    let mut lines = vec![
        Node::line(&format!("interface {interface}")),
        Node::line(&format!("virtual_router_id {}", 1 + rng.below(7))),
    ];
    let net = INTERFACES.iter().position(|i| *i == interface).unwrap();
    if !v6 && rng.chance(1, 4) {
        if rng.chance(2, 3) {
            lines.push(Node::line(&format!("unicast_src_ip 10.0.{net}.1")));
        }
        let peers = (0..=rng.below(2)).map(|n| format!("10.0.{net}.{}", 2 + n));
        lines.push(Node::list("unicast_peer", peers.collect()));
    }
    let count = 1 + rng.below(3);
    let vips: Vec<String> = if v6 {
        let others = (1..count).map(|_| vip6(rng));
        std::iter::once(format!("fe80::{}", 50 + count))
            .chain(others)
            .collect()
    } else {
        (0..count).map(|_| vip(rng)).collect()
    };
    let vips = vips.iter().map(|vip| match rng.below(8) {
        0 => with_option("virtual_ipaddress", vip, rng),
        _ => Node::line(vip),
    });
    lines.push(Node::block("virtual_ipaddress", vips.collect()));
    if rng.chance(1, 4) {
        lines.push(Node::list(
            "virtual_ipaddress_excluded",
            vec![vip6(rng), vip(rng)],
        ));
    }
    if rng.chance(1, 3) {
        let tail = ["", " no_track"][rng.pick(2)];
        let dev = format!("{} dev {interface}{tail}", route(rng));
        let line = with_option("virtual_routes", &dev, rng);
        lines.push(Node::block("virtual_routes", vec![line]));
    }
    if rng.chance(1, 3) {
        let line = with_option("virtual_rules", &rule(rng), rng);
        lines.push(Node::block("virtual_rules", vec![line]));
    }
    lines.extend(some("vrrp_instance", 4, rng));
    Node::block(&format!("vrrp_instance {name}"), lines)
}

fn group(rng: &mut Rng) -> Node {
    let first = rng.pick(4);
    let members = INSTANCES[first..].iter().take(1 + rng.pick(3));
    let members = members.map(|name| (*name).to_owned()).collect();
    let mut lines = vec![Node::list("group", members)];
    lines.extend(some("vrrp_sync_group", 2, rng));
    Node::block(&format!("vrrp_sync_group {}", ["G", "L"][rng.pick(2)]), lines)
}

const GROUP_LINES: [&str; 7] = [
    "192.0.2.80 80",
    "192.0.2.82-84 80",
    "2001:db8::80 80",
    "fwmark 7",
    "fwmark 9",
    "fwmark 9 inet6",
    "192.0.2.85 53",
];

fn server_group(name: &str, rng: &mut Rng) -> Node {
    let lines = (0..=rng.below(2)).map(|_| one(rng, &GROUP_LINES).to_owned());
    Node::list(&format!("virtual_server_group {name}"), lines.collect())
}

fn server(rng: &mut Rng) -> Node {
    let mut lines = ["protocol TCP", "lvs_method TUN", "lvs_sched rr", "delay_loop 5"]
        .map(Node::line)
        .to_vec();
    lines.extend(some("virtual_server", 4, rng));
    lines.extend((0..=rng.below(3)).map(|_| real_server(rng)));
    Node::block(&format!("virtual_server {}", one(rng, &TARGETS)), lines)
}

/// A `real_server`.
pub(crate) fn real_server(rng: &mut Rng) -> Node {
    let address = ["198.51.100.1", "198.51.100.2", "198.51.100.3", "2001:db8:1::1"][rng.pick(4)];
    let mut lines = some("real_server", 2, rng);
    lines.extend((0..rng.below(3)).map(|_| checker(rng)));
    Node::block(&format!("real_server {address} 80"), lines)
}

/// A checker.
pub(crate) fn checker(rng: &mut Rng) -> Node {
    let (keyword, needed) = CHECKERS[rng.pick(CHECKERS.len())];
    let mut lines = Node::read(needed);
    lines.extend(some(keyword, 2, rng));
    for url in lines
        .iter_mut()
        .filter(|line| ["url", "host"].contains(&line.keyword()))
    {
        let more = some(url.keyword(), 1, rng);
        url.inner.get_or_insert_default().extend(more);
    }
    Node::block(keyword, lines)
}
