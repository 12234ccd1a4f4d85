//! Hundreds of reloads leave nothing behind: memory, descriptors, threads, children, sockets, and what the kernel has.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use super::conf::vip;
use super::expect::{self, SOON};
use crate::guest::SHARED;
use crate::site::{self, Daemon, Director};
use crate::timeline::{Stamp, ms, note, wait_for};

/// When there is the first measure: by then everything was there once.
const WARM: usize = 50;
/// Unless `LAB_RELOADS` says otherwise: `make leaks` has a thousand.
const RELOADS: usize = 300;
/// The file by which the host tells the guest.
const ORDER: &str = "reloads";
/// Every so many reloads a virtual MAC is taken away, and comes back with the next.
const WITHOUT_VMAC: usize = 25;
/// How long one reload may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A reload after which nothing comes gives its memory back within this.
const GIVEN_BACK: Duration = Duration::from_secs(12);
/// What is measured is the least of so long, for probes and scripts come and go.
const LOOK: Duration = Duration::from_secs(3);
/// Octets of memory by which two measures of the same may differ: pages in which something small lives on are not given back.
const SLACK: usize = 400 << 10;
/// Octets of memory that a reload may cost beside that.
const TOLERANCE: usize = 256;

/// What a guest needs of the host.
pub fn bring(shared: &Path) {
    fs::write(shared.join(ORDER), reloads().to_string()).expect("the order of a scenario");
}

/// How long it may take longer than others: on a busy machine a reload takes a second.
pub fn more_time() -> Duration {
    Duration::from_secs(reloads() as u64)
}

fn reloads() -> usize {
    let given = std::env::var("LAB_RELOADS").ok().filter(|text| !text.is_empty());
    given.map_or(RELOADS, |text| text.parse().expect("LAB_RELOADS is a number"))
}

/// Two configurations that differ in every kind of object, by turns: what is taken of the host after the fiftieth reload is
/// what is taken after the last, the kernel has the same again, and the VIP that is in both was never away.
///
/// Facts: 18.5
/// LVS facts: 16.6
pub fn there_and_back() {
    let order = fs::read_to_string(format!("{SHARED}/{ORDER}")).expect("an order");
    let reloads: usize = order.parse().expect("a number");
    let reloads = reloads.next_multiple_of(2).max(2 * WARM);
    let (site, mut d1) = site::single(2);
    d1.daemon = Daemon::Steadfast;
    let servers = expect::addresses(&site);
    let at = |n: usize| servers[n].to_string();
    let (a, b) = (first(&at(0), &at(1)), second(&at(0), &at(1)));
    let without = b.replace("    use_vmac\n", "");
    assert_ne!(without, b);
    d1.run(&["sh", "-c", "echo 0 >/run/number"]);
    let started = Stamp::now();
    d1.run_with(&a);
    // The address is there before the log tells.
    d1.wait_state("VI_1", "MASTER", started, 2 * SOON);
    d1.wait_holds(vip(), SOON);
    let began = Stamp::now();
    let mut early = None;
    let mut since = began;
    for round in 1..=reloads {
        let odd = if round % WITHOUT_VMAC == 0 { &without } else { &b };
        reload(&d1, if round % 2 == 0 { &a } else { odd });
        if round % WARM == 0 {
            let each = since.elapsed() / WARM as u32;
            note("lab", format!("{round} reloads, {} each", ms(each)));
            since = Stamp::now();
        }
        if round == WARM {
            early = Some((settled(&d1), kernel(&d1)));
            since = Stamp::now();
        }
    }
    let (early, had) = early.expect("a measure");
    note("lab", format!("after {WARM}: {early:?}"));
    let more = reloads - WARM;
    // What is only on its way ends; a leak does not.
    let mut last = settled(&d1);
    let since = Stamp::now();
    while !last.beyond(&early, more).is_empty() && since.elapsed() < PATIENCE {
        last = last.least(usage(&d1));
        sleep(Duration::from_millis(100));
    }
    note("lab", format!("after {reloads}: {last:?}"));
    assert_eq!(
        last.beyond(&early, more),
        [""; 0],
        "left by {more} reloads: {last:?}, before {early:?}"
    );
    assert_eq!(kernel(&d1), had, "what the kernel has");
    // The kernel of a guest has no nftables for IPv4, and what is to be dropped changes with every reload.
    let refused = d1
        .log
        .count_since("cannot set nftables' tables", Stamp(Duration::ZERO));
    assert!(refused <= 1, "{}", d1.log.text());
    assert!(d1.holds(vip()));
    assert_eq!(d1.log.count_since("(VI_1) Entering", began), 0, "it stays MASTER");
    expect::weights(&d1, (vip(), 80).into(), &[(servers[0], 1), (servers[1], 1)]);
    assert_eq!(d1.stop(), Some(0));
}

#[track_caller]
fn reload(director: &Director, text: &str) {
    director.configure(text);
    let asked = Stamp::now();
    kill(director.main(), Signal::SIGHUP).expect("a running daemon");
    wait_for("the reload", PATIENCE, || {
        let kept = director.log.count_since("the running one is kept", asked);
        assert_eq!(kept, 0, "refused: {}", director.log.text());
        (director.log.count_since("Reload complete", asked) > 0).then_some(())
    });
}

fn first(one: &str, two: &str) -> String {
    format!(
        "global_defs {{
    router_id lab
    script_user root
    enable_script_security
}}
static_ipaddress {{
    192.0.2.201/24 dev eth0
}}
static_routes {{
    203.0.113.0/24 dev eth0
}}
vrrp_script S {{
    script /usr/bin/true
    interval 1
}}
track_file F {{
    file /run/number
}}
bfd_instance N {{
    neighbor_ip {one}
}}
vrrp_instance VI_1 {{
    version 3
    interface eth0
    virtual_router_id 51
    advert_int 0.5
    priority 100
    virtual_ipaddress {{
        {vip}/24
        192.0.2.101/24
    }}
    virtual_routes {{
        203.0.114.0/24 dev eth0
    }}
    track_script {{
        S weight 5
    }}
    track_file {{
        F weight 1
    }}
    notify /usr/bin/true
}}
vrrp_instance VI_2 {{
    interface eth0
    virtual_router_id 52
    priority 100
    use_vmac
    virtual_ipaddress {{
        192.0.2.102/24
    }}
}}
vrrp_instance VI_3 {{
    interface eth0
    virtual_router_id 53
    priority 100
    no_accept
    unicast_peer {{
        {two}
    }}
    virtual_ipaddress {{
        192.0.2.103/24
    }}
}}
vrrp_sync_group G {{
    group {{
        VI_2
        VI_3
    }}
}}
virtual_server_group W {{
    192.0.2.102 80
    fwmark 7
}}
virtual_server {vip} 80 {{
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server {one} 80 {{
        TCP_CHECK {{
            connect_timeout 1
        }}
    }}
    real_server {two} 80 {{
        TCP_CHECK {{
            connect_timeout 1
        }}
    }}
}}
virtual_server group W {{
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
    sorry_server {two} 80
    real_server {one} 80 {{
        MISC_CHECK {{
            misc_path /usr/bin/true
        }}
        HTTP_GET {{
            url {{
                path /
            }}
        }}
    }}
}}
",
        vip = vip()
    )
}

/// The same but for VI_1 with its first address, and its service.
fn second(one: &str, two: &str) -> String {
    let a = first(one, two);
    let changed = [
        (
            "static_ipaddress {\n    192.0.2.201/24",
            "static_ipaddress {\n    192.0.2.202/24",
        ),
        ("203.0.113.0/24", "203.0.115.0/24"),
        ("vrrp_script S", "vrrp_script R"),
        ("        S weight 5", "        R weight 6"),
        ("track_file F", "track_file E"),
        ("        F weight 1", "        E weight 2"),
        ("bfd_instance N", "bfd_instance M"),
        ("        192.0.2.101/24\n", ""),
        (
            "        192.0.2.103/24\n",
            "        192.0.2.103/24\n        192.0.2.101/24\n",
        ),
        ("virtual_router_id 53", "virtual_router_id 54"),
        ("203.0.114.0/24", "203.0.116.0/24"),
        ("fwmark 7", "fwmark 8"),
        ("                path /\n", "                path /other\n"),
    ];
    changed.iter().fold(a, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// What a daemon takes of the host.
#[derive(Clone, Debug, PartialEq)]
struct Usage {
    /// Octets.
    memory: usize,
    descriptors: usize,
    /// What inotify and epoll look at.
    watches: usize,
    threads: usize,
    children: usize,
    /// Netlink sockets of its network namespace.
    netlink: usize,
}

impl Usage {
    /// What is seen for a moment only is no leak.
    fn least(&self, now: Self) -> Self {
        Self {
            memory: self.memory.min(now.memory),
            descriptors: self.descriptors.min(now.descriptors),
            watches: self.watches.min(now.watches),
            threads: self.threads.min(now.threads),
            children: self.children.min(now.children),
            netlink: self.netlink.min(now.netlink),
        }
    }

    /// What is more than so many reloads may have added to what there was `before`.
    fn beyond(&self, before: &Self, reloads: usize) -> Vec<&'static str> {
        let limits = [
            ("memory", self.memory, before.memory + SLACK + TOLERANCE * reloads),
            ("descriptors", self.descriptors, before.descriptors),
            ("watches", self.watches, before.watches),
            // One that is lent for reading comes and goes.
            ("threads", self.threads, before.threads + 1),
            ("children", self.children, before.children),
            ("netlink sockets", self.netlink, before.netlink),
        ];
        let beyond = limits.into_iter().filter(|(_, now, limit)| now > limit);
        beyond.map(|(what, ..)| what).collect()
    }
}

/// Once memory was given back and what was on its way has ended: the least of what is seen for a while.
fn settled(director: &Director) -> Usage {
    sleep(GIVEN_BACK);
    let mut least = usage(director);
    let since = Stamp::now();
    while since.elapsed() < LOOK {
        least = least.least(usage(director));
        sleep(Duration::from_millis(50));
    }
    least
}

fn usage(director: &Director) -> Usage {
    let process = PathBuf::from(format!("/proc/{}", director.main()));
    let status = fs::read_to_string(process.join("status")).expect("a status");
    // What is mapped of files is no leak.
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes: Option<usize> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    let entries = |folder: &str| fs::read_dir(process.join(folder)).expect(folder).flatten();
    // Who ends meanwhile has nothing.
    let text = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let info: String = entries("fdinfo").map(|entry| text(entry.path())).collect();
    let children: String = entries("task")
        .map(|task| text(task.path().join("children")))
        .collect();
    let looks = |line: &&str| line.starts_with("inotify ") || line.starts_with("tfd:");
    let netlink = director.within(|| fs::read_to_string("/proc/thread-self/net/netlink").expect("sockets"));
    Usage {
        memory: kilobytes.expect("anonymous memory") * 1024,
        descriptors: entries("fd").count(),
        watches: info.lines().filter(looks).count(),
        threads: entries("task").count(),
        children: children.split_whitespace().count(),
        netlink: netlink.lines().count(),
    }
}

/// Addresses, links, routes and rules, without the numbers that count up.
fn kernel(director: &Director) -> Vec<String> {
    let shown = [
        "-br addr",
        "-br link",
        "route show table all",
        "-6 route show table all",
        "rule",
    ];
    let lines = shown.map(|what| {
        let words: Vec<&str> = ["ip"].into_iter().chain(what.split(' ')).collect();
        director.run(&words)
    });
    // In which order an interface has its addresses is of no matter.
    let sorted = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.sort_unstable();
        words.join(" ")
    };
    let mut lines: Vec<String> = lines.iter().flat_map(|text| text.lines()).map(sorted).collect();
    lines.sort();
    lines
}
