//! `nftables_ipvs`: groups of addresses told by firewall marks.
//!
//! keepalived 2.2.7 needs IPVS before it says a word to nftables, and hardly a kernel of tests has both. So what it made was
//! recorded, and here its messages are the program's own, on the host's kernel; a guest's kernel refuses them.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use steadfast::netfilter::Marker;
use steadfast::netfilter::marks::{MarkSettings, Marked, Transport};
use steadfast::sys::netns::Home;

use super::conf::GLOBAL;
use super::expect::SOON;
use super::ipvs::{both, saved, settled};
use crate::site::{Daemon, Node};
use crate::timeline::{Stamp, wait_for};

/// What `nft list ruleset` shows of keepalived 2.2.7 with these groups.
const KEEPALIVED: &str = "table ip marks {
    map udp_map {
        type ipv4_addr . inet_service : mark
        flags interval
        elements = { 10.0.0.1 . 80 : 0x000001f4,
                 10.0.0.10-10.0.0.20 . 81 : 0x000001f4,
                 10.1.0.0/24 . 82 : 0x000001f4 }
    }
    map sctp_map {
        type ipv4_addr . inet_service : mark
        flags interval
        elements = { 10.0.0.1 . 80 : 0x000001f5,
                 10.0.0.10-10.0.0.20 . 81 : 0x000001f5,
                 10.1.0.0/24 . 82 : 0x000001f5 }
    }
    map tcp_map {
        type ipv4_addr . inet_service : mark
        flags interval
        elements = { 10.4.0.1 . 80 : 0x000001f6 }
    }
    chain in {
        type filter hook input priority filter - 7; policy accept;
        meta mark set ip daddr . udp dport map @udp_map return
        meta mark set ip daddr . sctp dport map @sctp_map return
        meta mark set ip daddr . tcp dport map @tcp_map return
    }
}
table ip6 marks {
    map tcp_map {
        type ipv6_addr . inet_service : mark
        flags interval
        elements = { 2001:db8:4::1 . 80 : 0x000001f6,
                 2001:db8::10-2001:db8::20 . 81 : 0x000001f6 }
    }
    chain in {
        type filter hook input priority filter - 7; policy accept;
        meta mark set ip6 daddr . tcp dport map @tcp_map return
    }
}";

fn marked(transport: Transport, first: &str, last: &str, port: u16, mark: u32) -> Marked {
    Marked {
        transport,
        first: first.parse().expect("an address"),
        last: last.parse().expect("an address"),
        port,
        mark,
    }
}

fn udp(first: &str, last: &str, port: u16, mark: u32) -> Marked {
    marked(Transport::Udp, first, last, port, mark)
}

fn groups() -> Vec<Marked> {
    let first = |transport, mark| {
        [
            marked(transport, "10.0.0.1", "10.0.0.1", 80, mark),
            marked(transport, "10.0.0.10", "10.0.0.20", 81, mark),
            marked(transport, "10.1.0.0", "10.1.0.255", 82, mark),
        ]
    };
    let mut all = first(Transport::Udp, 500).to_vec();
    all.extend(first(Transport::Sctp, 501));
    all.push(marked(Transport::Tcp, "10.4.0.1", "10.4.0.1", 80, 502));
    all.push(marked(Transport::Tcp, "2001:db8:4::1", "2001:db8:4::1", 80, 502));
    all.push(marked(Transport::Tcp, "2001:db8::10", "2001:db8::20", 81, 502));
    all
}

/// The tables of that name, line by line and sorted: the order of tables and elements means nothing.
fn lines(ruleset: &str) -> Vec<String> {
    let clean = |line: &str| {
        let line = line
            .trim()
            .trim_start_matches("elements = {")
            .trim_end_matches('}');
        line.trim().trim_end_matches(',').to_owned()
    };
    let mut lines: Vec<String> = ruleset
        .lines()
        .map(clean)
        .filter(|line| !line.is_empty())
        .collect();
    lines.sort();
    lines
}

/// What comes with which mark: a table drops the packets that have it. A port where nobody is answers otherwise.
fn comes_with(client: &Node, director: &Node, mark: u32, address: &str, port: u16) -> bool {
    director.run(&["nft", "flush", "chain", "ip", "probe", "in"]);
    let rule = format!("add rule ip probe in meta mark {mark} drop");
    let words = ["nft"].into_iter().chain(rule.split(' '));
    director.run(&words.collect::<Vec<_>>());
    !answers(client, address.parse().expect("an address"), port)
}

fn answers(node: &Node, address: IpAddr, port: u16) -> bool {
    node.within(|| {
        let any: SocketAddr = "0.0.0.0:0".parse().expect("any");
        let socket = UdpSocket::bind(any).expect("a socket");
        socket.connect((address, port)).expect("an address");
        let limit = Some(Duration::from_millis(300));
        socket.set_read_timeout(limit).expect("a limit");
        let _ = socket.send(b"?");
        socket
            .recv(&mut [0])
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    })
}

/// The tables, and what packets have of them: ranges to their ends, ranges that overlap, every port, changes. What an
/// earlier run left is replaced, and nothing is left in the end.
///
/// LVS facts: 2.26, 17.5
pub fn tables() {
    let (director, client) = (Node::new("d1"), Node::new("client"));
    let mut batch = format!(
        "link add eth0 type veth peer name eth0 netns {}\naddr add 192.0.2.1/24 dev eth0\nlink set eth0 up\n",
        client.pid()
    );
    for address in ["10.0.0.1", "10.0.0.10", "10.0.0.20", "10.0.0.21", "10.1.0.255"] {
        batch += &format!("addr add {address}/32 dev eth0\n");
    }
    director.ip(&batch);
    client.ip("addr add 192.0.2.9/24 dev eth0\nlink set eth0 up\nroute add 10.0.0.0/8 via 192.0.2.1\n");
    for family in ["ip", "ip6"] {
        director.run(&["nft", "add", "table", family, "marks"]);
        director.run(&["nft", "add", "chain", family, "marks", "old"]);
    }
    let settings = MarkSettings {
        table: "marks".into(),
        priority: -7,
        counters: false,
    };
    let mut marker = Marker::new(settings, Home::Here);
    let mut set = |rules: &[Marked]| {
        director
            .within(|| marker.set(rules))
            .expect("the kernel to agree")
    };
    let ruleset = || director.run(&["nft", "list", "ruleset"]);
    set(&groups()[..1]);
    assert!(
        !ruleset().contains("old") && !ruleset().contains("ip6"),
        "{}",
        ruleset()
    );
    set(&[]);
    assert_eq!(ruleset().trim(), "");
    set(&groups());
    assert_eq!(lines(&ruleset()), lines(KEEPALIVED));

    director.run(&["nft", "add", "table", "ip", "probe"]);
    let chain = "{ type filter hook input priority 0; }";
    director.run(&["nft", "add", "chain", "ip", "probe", "in", chain]);
    wait_for("an answer of a port that has no mark", SOON, || {
        answers(&client, "10.0.0.1".parse().expect("an address"), 9).then_some(())
    });
    let is = |mark, address, port| comes_with(&client, &director, mark, address, port);
    for (address, port) in [
        ("10.0.0.1", 80),
        ("10.0.0.10", 81),
        ("10.0.0.20", 81),
        ("10.1.0.255", 82),
    ] {
        assert!(is(500, address, port), "{address} {port}");
    }
    for (address, port) in [("10.0.0.1", 81), ("10.0.0.21", 81), ("10.0.0.20", 80)] {
        assert!(is(0, address, port), "{address} {port}");
    }
    // Wider, and another group that overlaps, with every port.
    set(&[
        udp("10.0.0.10", "10.0.0.21", 81, 500),
        udp("10.0.0.20", "10.0.0.30", 81, 501),
        udp("10.0.0.1", "10.0.0.20", 0, 502),
        udp("10.0.0.20", "10.0.0.21", 0, 503),
    ]);
    for (mark, address, port) in [
        (500, "10.0.0.21", 81),
        (500, "10.0.0.20", 81),
        (502, "10.0.0.1", 80),
        (502, "10.0.0.20", 80),
        (502, "10.0.0.20", 65535),
        (503, "10.0.0.21", 82),
        (0, "10.1.0.255", 82),
    ] {
        assert!(is(mark, address, port), "{mark} {address} {port}");
    }
    // Narrower again, in the same breath as others come.
    set(&[
        udp("10.0.0.10", "10.0.0.20", 81, 500),
        udp("10.0.0.21", "10.0.0.30", 81, 501),
    ]);
    assert!(is(500, "10.0.0.20", 81) && is(501, "10.0.0.21", 81) && is(0, "10.0.0.1", 80));
    // Somebody else has removed a table, and changed the other.
    director.run(&["nft", "delete", "table", "ip", "marks"]);
    set(&groups()[..1]);
    assert!(is(500, "10.0.0.1", 80), "{}", ruleset());
    director.run(&["nft", "flush", "map", "ip", "marks", "udp_map"]);
    set(&groups()[1..2]);
    assert!(is(500, "10.0.0.20", 81) && is(0, "10.0.0.1", 80), "{}", ruleset());
    director.run(&["nft", "delete", "table", "ip", "probe"]);
    set(&groups());
    assert_eq!(lines(&ruleset()), lines(KEEPALIVED));
    // More than an ordinary socket may send at once.
    let many: Vec<Marked> = (0..20_000_u32)
        .map(|n| {
            let address = IpAddr::V4((0x0a08_0000 + 2 * n).into());
            Marked {
                transport: Transport::Udp,
                first: address,
                last: address,
                port: 80,
                mark: 500,
            }
        })
        .collect();
    set(&many);
    director.run(&["nft", "delete", "table", "ip", "marks"]);
    set(&[]);
    assert!(!ruleset().contains("marks"));
}

/// Whether the kernel has nftables for IP.
fn marks_packets(node: &Node) -> bool {
    node.within(|| {
        let nft = |verb| Command::new("nft").args([verb, "table", "ip", "probe"]).output();
        let made = nft("add").is_ok_and(|done| done.status.success());
        made && nft("delete").is_ok_and(|done| done.status.success())
    })
}

const GROUP: &str = "virtual_server_group G {
    192.0.2.100-192.0.2.103 80
    192.0.2.110 81
}
virtual_server group G {
    lb_algo rr
    lb_kind NAT
    protocol TCP
    real_server 198.51.100.1 80 {
    }
    real_server 198.51.100.2 80 {
        weight 3
    }
}
";

/// Where marks are refused, that is said, and the table is the one of keepalived without `nftables_ipvs`: no address is
/// without its service. A kernel that marks has one service.
pub fn or_addresses() {
    let [mut theirs, mut ours] = both();
    let conf = |more: &str| {
        format!(
            "{}{GROUP}",
            GLOBAL.replace("router_id", &format!("{more}\n    router_id"))
        )
    };
    theirs.run_with(&conf(""));
    let began = Stamp::now();
    ours.run_with(&conf("nftables_ipvs\n    nftables_ipvs_start_fwmark 77"));
    if marks_packets(&ours) {
        wait_for("the service of a mark", 2 * SOON, || {
            saved(&ours).contains(&"-A -f 77 -s rr".to_owned()).then_some(())
        });
    } else {
        // keepalived's own services have marks that no packet has.
        let lines = if ours.daemon == Daemon::Steadfast { 15 } else { 3 };
        for (director, lines) in [(&theirs, 15), (&ours, lines)] {
            wait_for(
                format!("{lines} lines in the table of {}", director.name),
                2 * SOON,
                || (saved(director).len() == lines).then_some(()),
            );
        }
        let tables = [&theirs, &ours].map(settled);
        if ours.daemon == Daemon::Steadfast {
            let said = "cannot set nftables' tables keepalived_ipvs: ";
            ours.log.wait(said, began, SOON);
            assert_eq!(tables[0], tables[1]);
        } else {
            assert_eq!(tables[1].len(), 3, "{tables:?}");
        }
    }
    for mut director in [theirs, ours] {
        director.stop();
        assert_eq!(saved(&director), [""; 0]);
    }
}
