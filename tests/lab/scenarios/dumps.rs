//! Dumps: what SIGUSR1, SIGUSR2 and SIGRTMAX-1 write, how safely, and in whose words.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use nix::libc;
use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use crate::site::{self, Daemon, Director};
use crate::timeline::{Stamp, note, wait_for};

const DATA: &str = "/tmp/keepalived.data";
const CHECK_DATA: &str = "/tmp/keepalived_check.data";
const PARENT_DATA: &str = "/tmp/keepalived_parent.data";
pub(super) const STATS: &str = "/tmp/keepalived.stats";
pub(super) const JSON: &str = "/tmp/keepalived.json";

const PASSWORD: &str = "s3cr3t";

/// A configuration with a bit of everything, and a password.
fn rich(servers: &[std::net::IpAddr]) -> String {
    let router = Instance {
        version: 2,
        interval: 1000,
        more: "preempt_delay 1
    authentication {
        auth_type PASS
        auth_pass s3cr3t
    }
    virtual_ipaddress_excluded {
        192.0.2.102/24
    }
    notify_master \"/bin/true master\"
    notify \"/bin/true any\"",
        ..Instance::default()
    };
    let unicast = Instance {
        name: "VI_2",
        vrid: 52,
        addresses: &["192.0.2.103/24 label eth0:three"],
        more: "unicast_peer {
        192.0.2.2
    }",
        ..Instance::default()
    };
    let v6 = Instance {
        name: "VI_6",
        vrid: 56,
        addresses: &["fe80::5101/64", "2001:db8::100/64"],
        more: "track_script {
        always
    }
    track_interface {
        lo weight 10
    }",
        ..Instance::default()
    };
    let tcp = virtual_server(
        vip(),
        80,
        servers,
        TCP_CHECK,
        &format!(
            "persistence_timeout 50\n    quorum 1\n    quorum_up \"/bin/true up\"\n    sorry_server {} 80",
            servers[1]
        ),
    );
    let http = virtual_server(
        site::v4(0, 101),
        80,
        servers,
        "HTTP_GET {
            url {
                path /
                status_code 200
                digest 0123456789abcdef0123456789abcdef
            }
            connect_timeout 1
            retry 1
            delay_before_retry 1
        }",
        "alpha",
    );
    let misc = virtual_server(
        site::v4(0, 102),
        80,
        servers,
        "MISC_CHECK {\n misc_path \"/bin/true x\"\n misc_timeout 5\n misc_dynamic\n }",
        "",
    );
    format!(
        "{GLOBAL}vrrp_script always {{
    script /bin/true
    interval 1
    weight 5
}}
vrrp_sync_group G {{
    group {{
        VI_1
        VI_2
    }}
    notify_backup \"/bin/true group\"
}}
{router}{unicast}{v6}{tcp}{http}{misc}"
    )
}

/// Waits for a whole new file at `path`; its text.
#[track_caller]
pub(super) fn fresh(d1: &Director, path: &str, last: &str) -> String {
    wait_for(format!("a new {path}"), 2 * SOON, || {
        let regular = fs::symlink_metadata(d1.path(path)).is_ok_and(|found| found.is_file());
        // keepalived writes it part by part.
        let whole = regular && d1.read(path).contains(last) && !is_open(path);
        whole.then(|| d1.read(path)).filter(|text| text.ends_with('\n'))
    })
}

/// Whether a process has a file open that it finds at `path`.
fn is_open(path: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("proc").flatten();
    let files = processes.filter_map(|process| fs::read_dir(process.path().join("fd")).ok());
    files
        .flat_map(Iterator::flatten)
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|file| file.as_os_str() == path)
}

/// The dumps are for their owner only, hold no password, and never go through a link that somebody planted.
pub fn files() {
    let (site, mut d1) = site::single(2);
    d1.daemon = Daemon::Steadfast;
    let wanted = [
        (DATA, "Interfaces"),
        (CHECK_DATA, "Health checkers"),
        (PARENT_DATA, "umask"),
        (STATS, "Priority Zero"),
        (JSON, "pri_zero_sent"),
    ];
    for (path, _) in wanted {
        d1.write("/run/precious", "precious");
        fs::rename(d1.path("/run/precious"), d1.path(&precious(path))).expect("a target");
        // As another process in the node sees it.
        symlink(precious(path), d1.path(path)).expect("a planted link");
    }
    d1.run_with(&rich(&expect::addresses(&site)));
    d1.wait_holds(vip(), 2 * SOON);
    for round in 1..=2 {
        d1.signal(Signal::SIGUSR1);
        d1.signal(Signal::SIGUSR2);
        d1.signal_number(libc::SIGRTMIN() + 2);
        for (path, last) in wanted {
            let text = fresh(&d1, path, last);
            note("d1", format!("{path}: {} lines", text.lines().count()));
            assert!(!text.contains(PASSWORD), "the password is in {path}");
            let mode = fs::metadata(d1.path(path)).expect(path).permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "mode of {path} in round {round}");
            assert_eq!(d1.read(&precious(path)), "precious", "{path} was a link to it");
            fs::remove_file(d1.path(path)).expect(path);
        }
    }
    let left: Vec<_> = fs::read_dir(d1.path("/tmp"))
        .expect("/tmp")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert!(left.is_empty(), "left over: {left:?}");
}

fn precious(path: &str) -> String {
    path.replace("/tmp/", "/run/precious-")
}

/// Labels of 2.4.3 that 2.2.7 does not have, or has in other words.
const NEWER: &[&str] = &[
    "   Number of tracker faults",
    "   Last advert sent",
    "   VS alive",
    "     set",
    "     alive",
    " Replace symlinks in script paths",
    " keep script symlinks",
    " Use VRRPv2 checksum for VRRPv3 IPv4",
    " SNMP VS stats update interval",
    " SNMP RS stats update interval",
    " json_version",
    "     tls_compliant unset",
    " iproute usr directory (none)",
    " iproute etc directory (none)",
];

/// Groups of one family, of both and of marks, with tunnels.
fn groups(servers: &[std::net::IpAddr]) -> String {
    let one = servers[0];
    let other = servers[1];
    let server = |head: &str, more: &str, port: &str| {
        format!(
            "virtual_server group {head} {{
    delay_loop 1
    lb_algo rr
    {more}
    real_server {one} {port} {{
        TCP_CHECK {{
            connect_port 80
        }}
    }}
}}
"
        )
    };
    let plain = server(
        "PLAIN",
        &format!(
            "lb_kind TUN type gue port 6080\n    protocol TCP\n    sorry_server {other} 80\n    connect_timeout 3"
        ),
        "80",
    );
    let mixed = server(
        "MIXED",
        &format!(
            "lb_kind TUN type gre\n    protocol UDP\n    sorry_server {other} 80\n    sorry_server_lvs_method TUN"
        ),
        "80",
    );
    let marks = server("MARKS", "lb_kind TUN", "");
    format!(
        "virtual_server_group PLAIN {{
    192.0.2.110 80
    192.0.2.111-112 81
}}
virtual_server_group MIXED {{
    192.0.2.120 80
    2001:db8::120-121 80
}}
virtual_server_group MARKS {{
    fwmark 7
}}
{plain}{mixed}{marks}"
    )
}

/// Every label of ours is one of keepalived's for the same configuration, or is known to be newer.
pub fn labels() {
    let (site, mut d1) = site::single(2);
    let servers = expect::addresses(&site);
    let text = rich(&servers) + &groups(&servers);
    let files = [
        (DATA, "Interfaces"),
        (CHECK_DATA, "Health checkers"),
        (PARENT_DATA, "umask"),
    ];
    let mut dump = |daemon: Daemon| {
        d1.daemon = daemon;
        d1.run_with(&text);
        d1.wait_holds(vip(), 2 * SOON);
        d1.wait_holds(site::v4(0, 103), 2 * SOON);
        d1.signal(Signal::SIGUSR1);
        let texts = files.map(|(path, last)| fresh(&d1, path, last));
        assert_eq!(d1.stop(), Some(0), "exit code");
        for (path, _) in files {
            fs::remove_file(d1.path(path)).expect(path);
        }
        texts
    };
    let theirs = dump(Daemon::Keepalived);
    let ours = dump(Daemon::Steadfast);
    for heading in ["Virtual server group", "VS GROUP"] {
        assert_eq!(lines_of(&ours[1], heading), lines_of(&theirs[1], heading));
    }
    for ((path, _), (ours, theirs)) in files.iter().zip(ours.iter().zip(&theirs)) {
        let (ours, theirs) = (shapes(ours), shapes(theirs));
        note(
            "lab",
            format!("{path}: {} labels, keepalived has {}", ours.len(), theirs.len()),
        );
        let own: Vec<&str> = ours
            .difference(&theirs)
            .map(String::as_str)
            .filter(|label| !NEWER.contains(label))
            .collect();
        assert!(
            own.is_empty(),
            "labels of {path} that keepalived does not know: {own:#?}"
        );
    }
}

/// The heads of groups and of virtual servers of groups: each heading with the lines below it, as far as both daemons mean them
/// to be alike.
fn lines_of(dump: &str, heading: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut inside = false;
    for line in dump.lines() {
        if line.contains("------<") {
            inside = line.contains(heading);
        }
        // Of a virtual server there is none but what names it.
        inside |= line.starts_with(&format!(" {heading} = "));
        let alike = [
            "Virtual Server Group",
            "VIP",
            "VS GROUP",
            "Alive: ",
            "Address family",
            "connection timeout",
            "FWMARK",
        ];
        // keepalived calls a mark without a family one of IPv6, whatever its servers are.
        let quirk = line.ends_with(" IPv6") && line.contains("Alive");
        if inside && !quirk && alike.iter().any(|label| line.trim_start().starts_with(label)) {
            out.push(line.to_owned());
        }
    }
    assert!(out.len() > 2, "{heading}: {dump}");
    out
}

/// The labels of a dump, with their indentation: what stands before the equals sign, or else the words before the first
/// with a digit (such are values) and before an account (which keepalived shows as a number).
fn shapes(dump: &str) -> BTreeSet<String> {
    let shape = |line: &str| match line.split_once(" = ") {
        Some((label, _)) => label.to_owned(),
        None => {
            let indent = line.len() - line.trim_start().len();
            let is_label = |word: &&str| !word.contains(|c: char| c.is_ascii_digit()) && *word != "root:root";
            let words: Vec<&str> = line.split_whitespace().take_while(is_label).collect();
            " ".repeat(indent) + &words.join(" ")
        }
    };
    dump.lines().map(shape).collect()
}

/// The counters agree with the wire, and start anew when they are told to.
pub fn statistics() {
    let (site, mut d1, mut d2) = site::pair(0);
    d1.daemon = Daemon::Steadfast;
    d2.daemon = Daemon::Steadfast;
    let master = Instance {
        priority: 150,
        interval: 1000,
        ..Instance::default()
    };
    // Until it hears d1 it counts by its own interval: it never becomes master before d1, however late that comes.
    let backup = Instance {
        priority: 100,
        interval: 10_000,
        ..master.clone()
    };
    // It hears the first advert already.
    d2.run_with(&format!("{GLOBAL}{backup}"));
    expect::listens(&d2, "VI_1");
    d1.run_with(&format!("{GLOBAL}{master}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    wait_for("eight adverts", 2 * SOON, || {
        (site.wire.adverts("d1").len() >= 8).then_some(())
    });

    // What a daemon counts lies between what was captured before it was asked and after it had answered, but for
    // adverts that are on their way in between.
    let captured = |port| site.wire.adverts(port).len();
    let ask = |director: &Director, signal: i32| {
        let before = ["d1", "d2"].map(captured);
        director.signal_number(signal);
        let text = fresh(director, STATS, "Priority Zero");
        fs::remove_file(director.path(STATS)).expect(STATS);
        let after = ["d1", "d2"].map(captured);
        let [from_d1, from_d2] = [0, 1].map(|n| before[n].saturating_sub(2)..=after[n] + 2);
        (text, from_d1, from_d2)
    };
    let agrees = |name: &str, stats: &str, label: &str, range: &RangeInclusive<usize>| {
        let count = value(stats, label);
        note(name, format!("{label} {count}, captured {range:?}"));
        assert!(
            range.contains(&count),
            "{name}, {label}: captured {range:?}, {stats}"
        );
    };
    let (stats, from_d1, from_d2) = ask(&d1, libc::SIGUSR2);
    assert!(stats.starts_with("VRRP Instance: VI_1\n"), "{stats}");
    agrees("d1", &stats, "Sent", &from_d1);
    agrees("d1", &stats, "Received", &from_d2);
    assert!(value(&stats, "Became master") >= 1, "{stats}");
    let (stats, from_d1, from_d2) = ask(&d2, libc::SIGUSR2);
    agrees("d2", &stats, "Received", &from_d1);
    agrees("d2", &stats, "Sent", &from_d2);

    // The last words of the old counters are written, then they are zero.
    let number = d1.run(&[d1.daemon.program(), "--signum=STATS_CLEAR"]);
    let number: i32 = number.trim().parse().expect("a number");
    let before = captured("d1");
    let (stats, from_d1, _) = ask(&d1, number);
    agrees("d1", &stats, "Sent", &from_d1);
    let (stats, ..) = ask(&d1, libc::SIGUSR2);
    agrees("d1", &stats, "Sent", &(0..=captured("d1") - before + 2));
    assert_eq!(value(&stats, "Became master"), 0, "{stats}");

    let told = Stamp::now();
    assert_eq!(d1.stop(), Some(0), "exit code");
    d2.wait_state("VI_1", "MASTER", told, 2 * SOON);
    let (stats, ..) = ask(&d2, libc::SIGUSR2);
    assert!(value(&stats, "Became master") >= 1, "{stats}");
    let (_, zero) = stats.split_once("Priority Zero:").expect("a section");
    assert!(value(zero, "Received") >= 1, "d1 has handed over: {stats}");
}

/// The first counter of that label.
#[track_caller]
pub(super) fn value(stats: &str, label: &str) -> usize {
    let label = format!("{label}: ");
    let found = stats.lines().find_map(|line| line.trim().strip_prefix(&label));
    found.expect(&label).parse().expect("a counter")
}
