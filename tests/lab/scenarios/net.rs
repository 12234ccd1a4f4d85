//! Addresses, routes and rules beside keepalived's: both daemons run on the same configurations, each in a node of its
//! own, and what `ip` shows of their hosts must be equal.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance};
use super::expect::SOON;
use crate::site::{Daemon, Director, Node};
use crate::timeline::{Stamp, note, wait_for};

/// Two lonely nodes with equal interfaces.
fn both() -> [Director; 2] {
    [("oracle", Daemon::Keepalived), ("subject", Daemon::under_test())].map(|(name, daemon)| {
        let node = Node::new(name);
        node.ip("link set lo up\n\
             link add eth0 address 02:00:00:00:00:01 type veth peer name x0 address 02:00:00:00:00:11\n\
             link add eth1 address 02:00:00:00:00:02 type veth peer name x1 address 02:00:00:00:00:12\n\
             link set eth0 addrgenmode none\nlink set eth1 addrgenmode none\n\
             link set x0 addrgenmode none up\nlink set x1 addrgenmode none up\n\
             address add 192.0.2.1/24 dev eth0\naddress add 198.51.100.1/24 dev eth1\n\
             address add 2001:db8::1/64 dev eth0 nodad\naddress add fe80::1/64 dev eth0 nodad\n\
             link set eth0 up\nlink set eth1 up\n");
        let mut director = Director::new(node);
        director.daemon = daemon;
        director.options = &["--vrrp"];
        director
    })
}

/// What `ip` shows of everything.
fn shown(node: &Node) -> Vec<String> {
    const QUESTIONS: [&[&str]; 5] = [
        &["ip", "-d", "address"],
        &["ip", "-4", "-d", "route", "show", "table", "all"],
        &["ip", "-6", "-d", "route", "show", "table", "all"],
        &["ip", "-4", "-d", "rule"],
        &["ip", "-6", "-d", "rule"],
    ];
    // A new process takes long in a guest: those that poll leave some time to the daemons.
    sleep(Duration::from_millis(100));
    let mut lines = Vec::new();
    for words in QUESTIONS {
        lines.extend(node.run(words).lines().map(line));
    }
    lines
}

/// A line without what differs by itself: seconds that run, and the origin of an address, which keepalived 2.2.7 does
/// not tell the kernel.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match *word {
            "expires" => {
                out.push("expires N");
                at += 1;
            }
            "preferred_lft" if words.get(at + 1).is_some_and(|w| *w != "forever" && *w != "0sec") => {
                out.push("preferred_lft N");
                at += 1;
            }
            "proto" if text.trim_start().starts_with("inet") => at += 1,
            word => out.push(word),
        }
        at += 1;
    }
    out.join(" ")
}

/// What is shown once it holds still, for three looks.
fn settled(director: &Director) -> Vec<String> {
    let (mut last, mut same) = (shown(director), 1);
    wait_for(
        format!("{}'s host to hold still", director.name),
        3 * SOON,
        || {
            let now = shown(director);
            same = if now == last { same + 1 } else { 1 };
            last = now;
            (same == 3).then_some(())
        },
    );
    last
}

/// What is only in one of them.
fn difference(theirs: &[String], ours: &[String]) -> Option<String> {
    let only = |these: &[String], those: &[String]| {
        let lines = these.iter().filter(|line| !those.contains(line));
        lines.map(|line| format!("\n  {line}")).collect::<String>()
    };
    (theirs != ours).then(|| {
        format!(
            "only keepalived's:{}\nonly ours:{}",
            only(theirs, ours),
            only(ours, theirs)
        )
    })
}

/// Every kind of address, route and rule while MASTER; nothing is left when the daemon stops.
///
/// Facts: 16.1, 16.2, 16.5, 16.6
pub fn tables() {
    let mut directors = both();
    let bare = wait_for("both hosts to be alike", 3 * SOON, || {
        let bare = directors.each_ref().map(settled);
        difference(&bare[0], &bare[1]).is_none().then_some(bare)
    });
    let mut faults = String::new();
    for (what, more, entries) in CASES {
        let since = Stamp::now();
        let instance = Instance {
            more,
            ..Instance::default()
        };
        for director in &mut directors {
            director.run_with(&format!("{GLOBAL}{instance}"));
        }
        for director in &directors {
            director.wait_state("VI_1", "MASTER", since, 2 * SOON);
        }
        // A busy daemon may make a pause on its way.
        let began = Stamp::now();
        let (theirs, ours, made) = loop {
            let [theirs, ours] = directors.each_ref().map(settled);
            let made = ours.iter().filter(|line| !bare[1].contains(line)).count();
            let done = made >= *entries && difference(&theirs, &ours).is_none();
            if done || began.elapsed() > 2 * SOON {
                break (theirs, ours, made);
            }
        };
        note("lab", format!("{what}: {made} lines"));
        if let Some(difference) = difference(&theirs, &ours) {
            faults += &format!("{what}: {difference}\n");
        } else if made < *entries {
            faults += &format!("{what}: {made} lines instead of {entries}: {ours:#?}\n");
        }
        for (director, bare) in directors.iter_mut().zip(&bare) {
            assert_eq!(director.stop(), Some(0), "exit code");
            if director.daemon == Daemon::Keepalived {
                continue;
            }
            if let Some(difference) = difference(bare, &settled(director)) {
                faults += &format!("{what}: left over by {}: {difference}\n", director.name);
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// Whether `ip` with these words shows a line that has all of `parts`.
fn shows(node: &Node, words: &[&str], parts: &str) -> bool {
    let text = node.run(words);
    let has = |line: &str| {
        parts
            .split(' ')
            .all(|part| line.split_whitespace().any(|word| word == part))
    };
    text.lines().any(has)
}

const ADDRESS: &[&str] = &["ip", "-o", "address"];
const ROUTE: &[&str] = &["ip", "route", "show", "table", "all"];
const RULE: &[&str] = &["ip", "rule"];

fn wait_shows(node: &Node, words: &[&str], parts: &str) {
    wait_for(format!("{words:?} to show {parts}"), 2 * SOON, || {
        sleep(Duration::from_millis(50));
        shows(node, words, parts).then_some(())
    });
}

fn wait_gone(node: &Node, words: &[&str], parts: &str) {
    wait_for(format!("{words:?} to show {parts} no more"), 2 * SOON, || {
        sleep(Duration::from_millis(50));
        (!shows(node, words, parts)).then_some(())
    });
}

/// Entries of a master, with the options of each.
const HELD: &str = "promote_secondaries
    virtual_routes {
        10.20.0.0/16 via 192.0.2.7 dev eth0
        10.21.0.0/16 via 192.0.2.7 dev eth0 no_track
        10.22.0.0/16 via 198.51.100.7 dev eth1
    }
    virtual_rules {
        from 10.30.0.0/16 table 7 preference 100
        from 10.31.0.0/16 table 7 preference 101 no_track
    }";

/// What is there whoever is master; `more` are further routes.
fn statics(more: &str) -> String {
    format!(
        "track_group T {{\n group {{\n VI_1\n }}\n}}
        static_ipaddress {{\n 10.50.0.1/24 dev eth0\n 10.51.0.1/24 dev eth2 track_group T\n }}
        static_routes {{\n 10.52.0.0/16 via 192.0.2.7 dev eth0\n {more}\n }}
        static_rules {{\n from 10.53.0.0/16 table 9 preference 200\n }}\n"
    )
}

/// Others remove what is ours, interfaces go and come back, a reload changes what is static.
///
/// Facts: 2.21, 16.3, 16.4
pub fn drift() {
    let [_, mut director] = both();
    let promotes = |node: &Node| node.run(&["cat", "/proc/sys/net/ipv4/conf/eth0/promote_secondaries"]);
    director.ip("link add eth2 type veth peer name x2\nlink set eth2 up\nlink set x2 up\n");
    let instance = Instance {
        more: HELD,
        ..Instance::default()
    };
    let start = Stamp::now();
    let conf = |more: &str| format!("{GLOBAL}{}{instance}", statics(more));
    director.run_with(&conf("10.54.0.0/16 dev eth1"));
    director.wait_state("VI_1", "MASTER", start, 2 * SOON);
    wait_shows(&director, RULE, "101: 10.31.0.0/16");
    assert_eq!(promotes(&director).trim(), "1");

    // A tracked entry: down and up again, with everything.
    for (removal, words, entry) in [
        ("route delete 10.20.0.0/16", ROUTE, "10.20.0.0/16"),
        ("rule delete preference 100", RULE, "100:"),
        (
            "address delete 192.0.2.100/24 dev eth0",
            ADDRESS,
            "192.0.2.100/24",
        ),
    ] {
        let since = Stamp::now();
        note("lab", removal);
        director.ip(&format!("{removal}\n"));
        let fallen = director.wait_state("VI_1", "BACKUP", since, SOON);
        director.wait_state("VI_1", "MASTER", fallen, 2 * SOON);
        wait_shows(&director, words, entry);
        wait_shows(&director, RULE, "101: 10.31.0.0/16");
    }

    // With `no_track` nothing happens, and static entries are put again.
    let since = Stamp::now();
    director.ip("route delete 10.21.0.0/16\nrule delete preference 101\n");
    for (removal, words, entry) in [
        ("address delete 10.50.0.1/24 dev eth0", ADDRESS, "10.50.0.1/24"),
        ("route delete 10.52.0.0/16", ROUTE, "10.52.0.0/16"),
        ("rule delete preference 200", RULE, "200:"),
    ] {
        note("lab", removal);
        director.ip(&format!("{removal}\n"));
        wait_shows(&director, words, entry);
    }
    assert!(!shows(&director, ROUTE, "10.21.0.0/16"), "not put again");
    let falls = director.log.count_since("Entering BACKUP STATE", since);
    assert_eq!(falls, 0, "fell back without cause");

    // The kernel forgets routes of an interface that is down: they come back with it.
    director.ip("link set eth1 down\n");
    assert!(!shows(&director, ROUTE, "10.22.0.0/16"));
    director.ip("link set eth1 up\n");
    wait_shows(&director, ROUTE, "10.22.0.0/16");
    wait_shows(&director, ROUTE, "10.54.0.0/16");

    // A reload: what is the same stays.
    director.configure(&conf("10.55.0.0/16 dev eth1"));
    director.signal(Signal::SIGHUP);
    wait_shows(&director, ROUTE, "10.55.0.0/16");
    wait_gone(&director, ROUTE, "10.54.0.0/16");
    assert!(shows(&director, ROUTE, "10.52.0.0/16"));

    // The interface of a static entry with a `track_group` takes the instance along.
    let since = Stamp::now();
    director.ip("link set eth2 down\n");
    let fault = director.wait_state("VI_1", "FAULT", since, SOON);
    // The log tells before it is done.
    wait_gone(&director, RULE, "100:");
    director.ip("link set eth2 up\n");
    director.wait_state("VI_1", "MASTER", fault, 2 * SOON);
    wait_shows(&director, RULE, "100:");

    assert_eq!(director.stop(), Some(0), "exit code");
    assert_eq!(promotes(&director).trim(), "0", "as it was");
    for (words, entry) in [
        (ADDRESS, "10.50.0.1/24"),
        (ROUTE, "10.52.0.0/16"),
        (RULE, "200:"),
        (RULE, "100:"),
    ] {
        assert!(!shows(&director, words, entry), "{entry} is left over");
    }
}

/// All addresses of a master go at once: it says priority 0, takes over again and puts everything anew. An interface that is
/// deleted and made again is a FAULT by name, and then all is as before.
///
/// Facts: 2.21
pub fn flushed() {
    let [_, mut director] = both();
    let held = HELD.replace("promote_secondaries", "");
    let instance = Instance {
        more: &held,
        ..Instance::default()
    };
    let start = Stamp::now();
    let global = GLOBAL.replace("router_id", "dynamic_interfaces\n    router_id");
    director.run_with(&format!("{global}{instance}"));
    director.wait_state("VI_1", "MASTER", start, 2 * SOON);
    wait_shows(&director, RULE, "101: 10.31.0.0/16");

    // What a manager of networks does at a restart: its own address comes back, ours is gone.
    let since = Stamp::now();
    director.ip("address flush dev eth0\naddress add 192.0.2.1/24 dev eth0\n");
    let fallen = director.wait_state("VI_1", "BACKUP", since, SOON);
    director.wait_state("VI_1", "MASTER", fallen, 2 * SOON);
    wait_shows(&director, ADDRESS, "192.0.2.100/24");
    wait_shows(&director, ROUTE, "10.20.0.0/16");

    let since = Stamp::now();
    director.ip("link delete eth0\n");
    let fault = director.wait_state("VI_1", "FAULT", since, SOON);
    director.log.wait("eth0", since, SOON);
    director.ip(
        "link add eth0 address 02:00:00:00:00:01 type veth peer name x0\nlink set x0 up\n\
         address add 192.0.2.1/24 dev eth0\nlink set eth0 up\n",
    );
    director.wait_state("VI_1", "MASTER", fault, 2 * SOON);
    wait_shows(&director, ADDRESS, "192.0.2.100/24");
    wait_shows(&director, ROUTE, "10.20.0.0/16");
    assert_eq!(director.stop(), Some(0), "exit code");
    assert!(!shows(&director, ADDRESS, "192.0.2.100/24"), "left over");
}

/// What the kernel tells of addresses, routes and rules, a line each.
const CHANGES: &str = "/run/changes";

/// Whether the kernel told of these in this order, coming or going.
fn told_in_order(node: &Node, entries: &[&str], going: bool) {
    let first = |text: &str, entry: &str| {
        let names = |line: &str| line.split_whitespace().any(|word| word == entry);
        let mut lines = text.lines();
        lines.position(|line| line.starts_with("Deleted") == going && names(line))
    };
    let places = wait_for(format!("messages of {entries:?}"), 2 * SOON, || {
        let text = node.read(CHANGES);
        let places = entries.iter().map(|entry| first(&text, entry));
        places.collect::<Option<Vec<usize>>>()
    });
    assert!(places.is_sorted(), "{entries:?} at {places:?}");
}

/// In which order things come and go, as the kernel tells it.
///
/// Facts: 2.11, 2.13, 16.7
pub fn order() {
    const STATICS: [&str; 3] = ["10.50.0.1/24", "10.52.0.0/16", "200:"];
    const VIRTUAL: [&str; 5] = [
        "192.0.2.100/24",
        "10.58.0.1/24",
        "10.57.0.1/24",
        "10.20.0.0/16",
        "100:",
    ];
    let [_, mut director] = both();
    let script = format!("exec ip monitor address route rule >{CHANGES}");
    let mut monitor = director.spawn(&["sh", "-c", &script]);
    wait_for("the monitor to listen", 2 * SOON, || {
        director.ip("address add 10.99.0.1/32 dev lo\naddress delete 10.99.0.1/32 dev lo\n");
        director.read(CHANGES).contains("10.99.0.1").then_some(())
    });
    let more = format!("{HELD}\n virtual_ipaddress_excluded {{\n 10.58.0.1/24\n 10.57.0.1/24\n }}");
    let instance = Instance {
        more: &more,
        ..Instance::default()
    };
    let statics = "static_rules {\n from 10.53.0.0/16 table 9 preference 200\n }
        static_routes {\n 10.52.0.0/16 via 192.0.2.7 dev eth0\n }
        static_ipaddress {\n 10.50.0.1/24 dev eth0\n }\n";
    director.run_with(&format!("{GLOBAL}{statics}{instance}"));
    told_in_order(&director, &STATICS, false);
    told_in_order(&director, &VIRTUAL, false);
    assert_eq!(director.stop(), Some(0), "exit code");
    let [vip, second, third, route, rule] = VIRTUAL;
    told_in_order(&director, &[rule, route, vip, second, third], true);
    let [address, route, rule] = STATICS;
    told_in_order(&director, &[rule, route, address], true);
    monitor.kill().expect("a child of ours");
    monitor.wait().expect("a child of ours");
}

/// So many messages of the kernel that some are lost, and with them that routes and rules are gone.
pub fn overrun() {
    let [_, mut director] = both();
    director.ip("link add eth2 type veth peer name x2\nlink set eth2 up\nlink set x2 up\n");
    let instance = Instance {
        more: HELD,
        ..Instance::default()
    };
    let start = Stamp::now();
    director.run_with(&format!("{GLOBAL}{}{instance}", statics("10.54.0.0/16 dev eth1")));
    director.wait_state("VI_1", "MASTER", start, 2 * SOON);
    wait_shows(&director, RULE, "101: 10.31.0.0/16");
    director.pause();
    let flood: String = (0..12_000)
        .map(|n| format!("route add 10.99.{}.{} dev eth1\n", n >> 8, n & 255))
        .collect();
    director.ip(&flood);
    director.ip(
        "route delete 10.20.0.0/16\nroute delete 10.52.0.0/16\nrule delete preference 100\n\
         rule delete preference 101\nrule delete preference 200\n",
    );
    director.resume();
    for (words, entry) in [
        (ROUTE, "10.20.0.0/16"),
        (ROUTE, "10.52.0.0/16"),
        (RULE, "100:"),
        (RULE, "200:"),
    ] {
        wait_shows(&director, words, entry);
    }
    assert!(!shows(&director, RULE, "101:"), "no_track");
    assert_eq!(director.stop(), Some(0), "exit code");
}

/// The interface of a route is down when its router becomes MASTER: the route comes with it, and goes with its router.
pub fn late() {
    let [_, mut director] = both();
    director.ip("link set eth1 down\n");
    let instance = Instance {
        more: HELD,
        ..Instance::default()
    };
    let start = Stamp::now();
    director.run_with(&format!("{GLOBAL}{instance}"));
    director.wait_state("VI_1", "MASTER", start, 2 * SOON);
    wait_shows(&director, RULE, "101: 10.31.0.0/16");
    assert!(!shows(&director, ROUTE, "10.22.0.0/16"));
    director.ip("link set eth1 up\n");
    wait_shows(&director, ROUTE, "10.22.0.0/16");
    let falls = director.log.count_since("Entering BACKUP STATE", start);
    assert_eq!(falls, 1, "only at the start");
    assert_eq!(director.stop(), Some(0), "exit code");
    assert!(!shows(&director, ROUTE, "10.22.0.0/16"), "left over");
}

/// A static entry that somebody else had put before is left to him; a virtual address that becomes static stays.
///
/// Facts: 16.3
pub fn others() {
    let [_, mut director] = both();
    let conf = |statics: &str, excluded: &str| {
        let more = format!("virtual_ipaddress_excluded {{\n {excluded}\n }}");
        let instance = Instance {
            more: &more,
            ..Instance::default()
        };
        format!("{GLOBAL}{statics}{instance}")
    };
    let start = Stamp::now();
    director.run_with(&conf("", "10.58.0.1/24"));
    director.wait_state("VI_1", "MASTER", start, 2 * SOON);
    wait_shows(&director, ADDRESS, "10.58.0.1/24");
    director.ip("address add 10.56.0.1/24 dev eth0\n\
         rule add from 10.53.0.0/16 table 9 preference 200 protocol 18\n");
    let statics =
        "static_ipaddress {\n 10.56.0.1/24 dev eth0\n 10.57.0.1/24 dev eth0\n 10.58.0.1/24 dev eth0\n }
        static_rules {\n from 10.53.0.0/16 table 9 preference 200\n }\n";
    director.configure(&conf(statics, "10.59.0.1/24"));
    director.signal(Signal::SIGHUP);
    // Once this one is there, the other one was released.
    wait_shows(&director, ADDRESS, "10.59.0.1/24");
    for ours in ["10.57.0.1/24", "10.58.0.1/24"] {
        wait_shows(&director, ADDRESS, ours);
    }
    // What is put again is ours.
    director.ip("rule delete preference 200\n");
    wait_shows(&director, RULE, "200:");
    assert_eq!(director.stop(), Some(0), "exit code");
    assert!(shows(&director, ADDRESS, "10.56.0.1/24"), "it was there before");
    for (words, ours) in [
        (ADDRESS, "10.57.0.1/24"),
        (ADDRESS, "10.58.0.1/24"),
        (RULE, "200:"),
    ] {
        assert!(!shows(&director, words, ours), "{ours} is left over");
    }
}

/// A virtual address with duplicate address detection, which another host has: it is named, the master lets go, and holds it once
/// the other has gone.
///
/// Facts: 16.1, 2.21
pub fn duplicate() {
    let [_, mut director] = both();
    // The other end of the cable stands for the other host.
    director.ip("address add 2001:db8::200/128 dev x0 nodad\n");
    director.run(&["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad"]);
    let instance = Instance {
        more: "virtual_ipaddress_excluded {\n 2001:db8::200/64 -nodad\n }",
        ..Instance::default()
    };
    let start = Stamp::now();
    director.run_with(&format!("{GLOBAL}{instance}"));
    let master = director.wait_state("VI_1", "MASTER", start, 2 * SOON);
    let named = "address 2001:db8::200 on eth0 is on another host too";
    director.log.wait(named, master, SOON);
    director.wait_state("VI_1", "BACKUP", master, SOON);
    let since = Stamp::now();
    director.ip("address delete 2001:db8::200/128 dev x0\n");
    director.wait_state("VI_1", "MASTER", since, 2 * SOON);
    wait_for("the address to be good", 2 * SOON, || {
        sleep(Duration::from_millis(50));
        let text = director.run(&["ip", "-o", "-6", "address", "show", "dev", "eth0"]);
        let mut lines = text.lines().filter(|line| line.contains("2001:db8::200/64"));
        lines
            .any(|line| !line.contains("tentative") && !line.contains("dadfailed"))
            .then_some(())
    });
    assert_eq!(director.stop(), Some(0), "exit code");
}

/// A name, what stands in the instance, and how many lines of `ip` it makes at least.
const CASES: &[(&str, &str, usize)] = &[
    (
        "addresses",
        "virtual_ipaddress_excluded {
            192.0.2.101/24 brd + label eth0:one
            192.0.2.102/24 brd - scope link
            192.0.2.103 brd 192.0.2.255
            10.1.0.1/24 dev eth1 scope site noprefixroute
            10.1.0.9 peer 10.2.0.9/32 dev eth1
            10.3.0.1/24 dev eth1 no_track
            2001:db8::101
            2001:db8::102/64
            2001:db8::103/64 preferred_lft 0
            2001:db8::104/64 preferred_lft 600 noprefixroute
            2001:db8::105/64 home
            2001:db8::106/128 preferred_lft forever
            2001:db8::107/64 mngtmpaddr
            2001:db8:1::1/64 dev eth1 -nodad
        }",
        14,
    ),
    (
        "routes",
        "virtual_routes {
            10.20.0.0/16 via 192.0.2.7 dev eth0
            10.21.0.0/16 via 192.0.2.7 dev eth0 metric 5 table 7
            10.22.0.0/16 dev eth0 scope link src 192.0.2.100
            10.23.0.0/16 via 203.0.113.7 dev eth0 onlink
            10.24.0.0/16 via 192.0.2.7 dev eth0 tos 16
            10.25.0.0/16 via 192.0.2.7 dev eth0 no_track
            10.26.0.0/16 via 192.0.2.7 dev eth0 protocol 99 no_track
            blackhole 10.27.0.0/16
            unreachable 10.28.0.0/16
            prohibit 10.29.0.0/16 metric 9
            throw 10.30.0.0/16 table 8
            add 10.31.0.0/16 via 192.0.2.7 dev eth0
            append 10.31.0.0/16 via 192.0.2.8 dev eth0
            10.33.0.0/16 nexthop via 192.0.2.7 dev eth0 weight 2 nexthop via 198.51.100.7 dev eth1 weight 5
            2001:db8:20::/48 via 2001:db8::7 dev eth0
            2001:db8:21::/48 via 2001:db8::7 dev eth0 metric 7 pref high
            2001:db8:22::/48 via 2001:db8::7 dev eth0 expires 500
            2001:db8:23::/48 dev eth0 table 9
            blackhole 2001:db8:24::/48
        }",
        19,
    ),
    (
        "metrics",
        "virtual_routes {
            10.20.0.0/16 via 192.0.2.7 dev eth0 mtu 1400 advmss 1360 window 5000 hoplimit 9
            10.21.0.0/16 via 192.0.2.7 dev eth0 mtu lock 1400 cwnd lock 9 ssthresh 8 reordering 4
            10.22.0.0/16 via 192.0.2.7 dev eth0 rtt 20 rttvar 30 rto_min 40 initcwnd 11 initrwnd 12
            10.23.0.0/16 via 192.0.2.7 dev eth0 features ecn quickack 1 congctl lock reno
            10.24.0.0/16 via 192.0.2.7 dev eth0 fastopen_no_cookie 1 realms 3/4
        }",
        5,
    ),
    (
        "rules",
        "virtual_rules {
            from 10.30.0.0/16 table 7
            from 10.31.0.0/16 table 8
            to 10.32.0.0/16 table 9 preference 100
            from 10.30.0.0/16 to 10.33.0.0/16 iif eth0 oif eth1 lookup 300 preference 101
            fwmark 5/0xff table 7 preference 102
            fwmark 6 tos 16 table 7 preference 103
            not from 10.34.0.0/16 table 7 preference 104
            from 10.35.0.0/16 blackhole preference 105
            from 10.35.0.0/16 unreachable preference 106
            from 10.35.0.0/16 prohibit preference 107
            from 10.36.0.0/16 goto 120 preference 108
            from 10.37.0.0/16 suppress_prefixlength 0 table 7 preference 109
            from 10.38.0.0/16 uidrange 1-2 table 7 preference 110
            from 10.39.0.0/16 ipproto tcp sport 1-2 dport 3-4 table 7 preference 111
            from 10.40.0.0/16 table 7 preference 112 no_track
            from 10.41.0.0/16 tunnel-id 5 table 7 preference 113
            from 10.42.0.0/16 realms 3/4 table 7 preference 114
            from 2001:db8:30::/48 table 7
            from 2001:db8:31::/48 table 8
            from 2001:db8:32::/48 iif eth0 table 9 preference 50
        }",
        20,
    ),
];
