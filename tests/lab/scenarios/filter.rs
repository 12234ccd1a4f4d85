//! `no_accept` and the packet filter: what is dropped, and with which rules.
//!
//! The kernel of `user-mode-linux` has no nftables for IP, so these need root and run on the host's kernel, which may have
//! no bridges: a director and a client at the two ends of a cable.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{SOON, late};
use nix::sys::signal::Signal;

use crate::site::{Daemon, Director, Node, v4};
use crate::timeline::{Stamp, for_the_next, wait_for};

/// Whether `node` gets an answer from `address`: its kernel says that nobody is at that port.
pub fn answers(node: &Node, address: IpAddr) -> bool {
    node.within(|| {
        let any: SocketAddr = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }
            .parse()
            .expect("any");
        let socket = UdpSocket::bind(any).expect("a socket");
        socket.connect((address, 9)).expect("an address");
        socket
            .set_read_timeout(Some(Duration::from_secs(1)))
            .expect("a limit");
        let _ = socket.send(b"?");
        let mut buffer = [0];
        socket
            .recv(&mut buffer)
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    })
}

/// The client is not answered by an address that does not accept, and everything is as before when the daemon has ended.
///
/// Facts: 1.16, 1.17, 10.1, 10.2, 10.3
pub fn no_accept() {
    let (mut d1, client) = cabled();
    let instance = Instance {
        more: "no_accept",
        ..Instance::default()
    };
    // Of an earlier run.
    d1.run(&["nft", "add", "table", "ip", "keepalived"]);
    d1.run(&["nft", "add", "chain", "ip", "keepalived", "old"]);
    d1.run_with(&format!("{GLOBAL}{instance}"));
    d1.wait_holds(vip(), 2 * SOON);
    wait_for("its own address to answer", SOON, || {
        answers(&client, v4(0, 1)).then_some(())
    });
    for_the_next(Duration::from_secs(1), "no answer", || !answers(&client, vip()));
    assert!(rules(&d1).contains("192.0.2.100") && !rules(&d1).contains("chain old"));

    for foreign in [None, Some("flush")] {
        d1.configure(&format!("{GLOBAL}{}", Instance::default()));
        d1.signal(Signal::SIGHUP);
        wait_for("an answer when it accepts", SOON, || {
            answers(&client, vip()).then_some(())
        });
        // Somebody else empties the filter.
        foreign.map(|word| d1.run(&["nft", word, "ruleset"]));
        d1.configure(&format!("{GLOBAL}{instance}"));
        d1.signal(Signal::SIGHUP);
        wait_for("the address in the filter", SOON, || {
            rules(&d1).contains("192.0.2.100").then_some(())
        });
        for_the_next(Duration::from_secs(1), "no answer", || !answers(&client, vip()));
    }
    // Somebody else empties it while it is wanted: it is there again within a second, and only it.
    let full = rules(&d1);
    for _ in 0..2 {
        let since = Stamp::now();
        d1.run(&["nft", "flush", "ruleset"]);
        let done = Stamp::now();
        let told = "others have removed nftables' tables keepalived, put back";
        let at = d1.log.wait(told, since, SOON);
        assert!(
            at - done <= Duration::from_secs(1) + late(done, at),
            "after {:?}",
            at - done
        );
        assert_eq!(rules(&d1), full);
        for_the_next(Duration::from_secs(1), "no answer", || !answers(&client, vip()));
        assert_eq!(d1.log.count_since(told, since), 1, "told once");
    }
    assert_eq!(d1.stop(), Some(0), "exit code");
    assert_eq!(rules(&d1), "", "nothing is left");
}

/// A director whose `eth0` is at the other end of the client's.
fn cabled() -> (Director, Node) {
    let (director, client) = (Node::new("d1"), Node::new("client"));
    director.ip(&format!(
        "link add eth0 type veth peer name eth0 netns {}\naddr add 192.0.2.1/24 dev eth0\nlink set eth0 up\n",
        client.pid()
    ));
    client.ip("addr add 192.0.2.9/24 dev eth0\nlink set eth0 up\n");
    (Director::new(director), client)
}

fn rules(node: &Node) -> String {
    node.run(&["nft", "list", "ruleset"])
}

/// The tables are keepalived's, for the same file.
///
/// Facts: 9.13, 10.3, 10.4, 10.5, 10.6
pub fn ruleset() {
    let (mut d1, _client) = cabled();
    for global in [
        "",
        "nftables mine\n    nftables_counters\n    nftables_priority -5\n    nftables_ifindex",
    ] {
        let conf = configuration(global);
        d1.daemon = Daemon::under_test();
        let ours = while_master(&mut d1, &conf);
        d1.daemon = Daemon::Keepalived;
        let theirs = while_master(&mut d1, &conf);
        assert_eq!(ours, theirs, "{global}");
        for part in ["vips_link_local", "vmac_map", "nd-router-solicit"] {
            assert!(ours.iter().any(|line| line.contains(part)), "{part}: {ours:?}");
        }
    }
}

fn configuration(global: &str) -> String {
    let instance = |name, vrid, addresses, more| Instance {
        name,
        vrid,
        addresses,
        more,
        ..Instance::default()
    };
    let all = [
        instance("FOUR", 51, &["192.0.2.100/24", "192.0.2.101/24"][..], "no_accept"),
        instance("SIX", 52, &["fe80::100/64", "2001:db8::100/64"][..], "no_accept"),
        instance(
            "NAMED",
            53,
            &["fe80::200/64"][..],
            "no_accept\n    dont_track_primary",
        ),
        instance("VMAC", 54, &["192.0.2.104/24"][..], "use_vmac"),
        instance("VMAC6", 55, &["fe80::105/64"][..], "use_vmac"),
    ];
    let global = GLOBAL.replace("router_id", &format!("{global}\n    router_id"));
    all.iter()
        .fold(global, |text, instance| format!("{text}{instance}"))
}

/// The rules while all are master, line by line and sorted: the order of tables and sets means nothing.
fn while_master(director: &mut Director, conf: &str) -> Vec<String> {
    director.run_with(conf);
    director.wait_holds(v4(0, 104), 2 * SOON);
    director.wait_holds("fe80::200".parse().expect("an address"), SOON);
    let text = wait_for("the last address in the tables", SOON, || {
        let text = rules(director);
        (text.contains("192.0.2.101") && text.contains("fe80::200")).then_some(text)
    });
    assert_eq!(director.stop(), Some(0), "exit code");
    let packets = |word: &str| word.bytes().all(|octet| octet.is_ascii_digit());
    let mut lines: Vec<String> = without_what_is_newer(&text)
        .lines()
        .map(|line| {
            // Counters count.
            let words = line
                .split_whitespace()
                .map(|word| if packets(word) { "N" } else { word });
            words.collect::<Vec<_>>().join(" ")
        })
        .filter(|line| !line.is_empty() && line != "}")
        .collect();
    lines.sort();
    lines
}

/// keepalived 2.2.7 knows one kind of reports, where 2.4.3 has a set of two; and it does not keep neighbour
/// advertisements from VMACs (fact 10.5).
fn without_what_is_newer(text: &str) -> String {
    let mut out = String::new();
    let mut newer = false;
    for line in text.lines() {
        newer |= ["set mld-report {", "set parent_link_local {"].contains(&line.trim());
        if !newer && !line.contains("@parent_link_local") {
            out += &line.replace("@mld-report", "mld2-listener-report");
            out.push('\n');
        }
        newer &= line.trim() != "}";
    }
    out
}
