//! IPVS tables beside keepalived's: both daemons start on each of many configurations, and their tables must be equal, octet
//! for octet as generic netlink shows them, and line for line as `ipvsadm` does.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::GLOBAL;
use super::expect::SOON;
use super::ipvs::{both, saved};
use crate::site::{Director, Kernel};
use crate::timeline::{Stamp, note};

/// A table that changes no more for so long is done.
const CALM: Duration = Duration::from_millis(300);

/// What a configuration is about, how many services it makes, and its text.
struct Case {
    name: String,
    services: usize,
    conf: String,
}

impl Case {
    fn new(name: impl Into<String>, services: usize, conf: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            services,
            conf: conf.into(),
        }
    }
}

/// Both daemons, and both kernels.
pub(super) struct Field {
    pub(super) directors: [Director; 2],
    kernels: [Kernel; 2],
}

impl Field {
    pub(super) fn new() -> Self {
        let directors = both();
        let kernels = directors.each_ref().map(|director| Kernel::of(director));
        Self { directors, kernels }
    }

    /// Starts both on each case and compares.
    fn play(mut self, cases: &[Case]) {
        let mut faults = String::new();
        for case in cases {
            self.start(&case.conf);
            let [theirs, ours] = self.settled();
            let count = ours.iter().filter(|line| !line.contains(" -> ")).count();
            note(
                "lab",
                format!("{}: {count} services, {} lines", case.name, ours.len()),
            );
            let mut fault = differences(&theirs, &ours);
            if fault.is_none() {
                let [theirs, ours] = self.directors.each_ref().map(|director| saved(director));
                fault = differences(&theirs, &ours);
            }
            if fault.is_none() && count != case.services {
                fault = Some(format!(
                    "{count} services instead of {}: {ours:#?}",
                    case.services
                ));
            }
            if let Some(fault) = fault {
                let _ = writeln!(faults, "{}: {fault}", case.name);
            }
            self.stop();
        }
        note("lab", format!("{} configurations", cases.len()));
        assert!(faults.is_empty(), "{faults}");
    }

    pub(super) fn start(&mut self, conf: &str) {
        let since = Stamp::now();
        for director in &mut self.directors {
            director.run_with(&format!("{GLOBAL}{conf}"));
        }
        for director in &self.directors {
            // keepalived says so when the process of its checkers has filled the table.
            director.log.wait("Startup complete", since, 3 * SOON);
        }
    }

    /// Both tables once they are equal and hold still, or neither becomes the other.
    fn settled(&self) -> [Vec<String>; 2] {
        let began = Stamp::now();
        let mut last = self.tables();
        let mut since = began;
        loop {
            sleep(Duration::from_millis(50));
            let tables = self.tables();
            if tables != last {
                (last, since) = (tables, Stamp::now());
            }
            let equal = last[0] == last[1] && !last[0].is_empty();
            if since.elapsed() > CALM && (equal || began.elapsed() > 2 * SOON) {
                return last;
            }
        }
    }

    pub(super) fn tables(&self) -> [Vec<String>; 2] {
        self.kernels.each_ref().map(Kernel::table)
    }

    /// Everything goes with the daemons.
    pub(super) fn stop(&mut self) {
        for director in &self.directors {
            director.signal(Signal::SIGTERM);
        }
        for director in &mut self.directors {
            assert_eq!(director.ended(3 * SOON), Some(0), "exit code");
        }
        assert_eq!(self.tables(), [const { Vec::<String>::new() }; 2], "left over");
    }
}

/// What is only in one of the tables; nothing if they are equal.
fn differences(theirs: &[String], ours: &[String]) -> Option<String> {
    let only = |these: &[String], those: &[String]| {
        let lines = these.iter().filter(|line| !those.contains(line));
        lines.map(|line| format!("\n  {line}")).collect::<String>()
    };
    let text = format!(
        "only keepalived's:{}\nonly ours:{}",
        only(theirs, ours),
        only(ours, theirs)
    );
    (theirs != ours).then_some(text)
}

/// A virtual server: its name, its lines, and servers with lines of their own.
pub(super) fn server(name: &str, lines: &str, servers: &[(&str, &str)]) -> String {
    let mut text = format!("virtual_server {name} {{\n{lines}\n");
    for (address, lines) in servers {
        let _ = writeln!(text, "real_server {address} {{\n{lines}\n}}");
    }
    text + "}\n"
}

/// Down from the start, and whenever it is asked.
pub(super) const DOWN: &str = "alpha\nMISC_CHECK {\nmisc_path /usr/bin/false\nwarmup 60\n}";
/// Up from the start, and whenever it is asked.
const UP: &str = "MISC_CHECK {\nmisc_path /usr/bin/true\nwarmup 60\n}";

/// Each scheduler with each flag, and flags where they mean nothing.
///
/// LVS facts: 2.1, 2.5, 2.6, 2.9
pub fn schedulers() {
    const FLAGS: [&str; 11] = [
        "",
        "flag-1",
        "flag-2",
        "flag-3",
        "flag-1\nflag-2\nflag-3",
        "sh-port",
        "sh-fallback",
        "mh-port",
        "mh-fallback",
        "sh-port\nsh-fallback\nmh-port\nmh-fallback",
        "hashed",
    ];
    let schedulers = [
        "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh",
    ];
    let case = |name: &str| {
        let mut conf = String::new();
        for (flags, number) in FLAGS.iter().zip(100..) {
            let lines = format!("lb_algo {name}\n{flags}\nlb_kind DR\nprotocol TCP");
            conf += &server(
                &format!("192.0.2.{number} 80"),
                &lines,
                &[("198.51.100.1 80", "")],
            );
        }
        // Before the scheduler they look at none; of two schedulers the last is used.
        let lines = format!("sh-port\nmh-fallback\nflag-2\nlb_algo {name}\nlb_kind NAT\nprotocol UDP\nops");
        conf += &server("2001:db8::100 53", &lines, &[("2001:db8::1 5353", "weight 7")]);
        let lines = format!("lb_algo sh\nsh-port\nlb_algo {name}\nops\nlb_kind DR\nprotocol SCTP");
        conf += &server("192.0.2.99 80", &lines, &[("198.51.100.1 80", "")]);
        Case::new(format!("scheduler {name}"), FLAGS.len() + 2, conf)
    };
    Field::new().play(&schedulers.map(case));
}

/// Each way to the servers, of the virtual server, of one server and of the sorry server, over both families.
///
/// LVS facts: 2.10, 2.11, 2.12, 2.13, 3.7
pub fn methods() {
    let methods = [
        "NAT",
        "NAT type gue port 6080",
        "DR",
        "TUN",
        "TUN type ipip nocsum",
        "TUN type gre",
        "TUN type gre nocsum",
        "TUN type gre csum",
        "TUN type gue port 6080",
        "TUN type gue port 65535 nocsum",
        "TUN type gue port 6080 csum",
        "TUN remcsum type gue port 6081",
    ];
    let case = |method: &str| {
        let default = format!("lb_algo rr\nlb_kind {method}\nprotocol TCP");
        let own = format!("lvs_method {method}");
        let sorry = |address: &str, other: &str| {
            format!(
                "lb_algo rr\nlb_kind {other}\nprotocol TCP\nsorry_server {address}\nsorry_server_lvs_method {method}"
            )
        };
        let four = [("198.51.100.1 80", ""), ("198.51.100.2 81", "weight 3")];
        let six = [("2001:db8::1 80", ""), ("2001:db8::2 81", "weight 0")];
        let both = [("198.51.100.1 80", ""), ("2001:db8::1 80", "lvs_method TUN")];
        let conf = [
            server("192.0.2.100 80", &default, &four),
            server("2001:db8::100 80", &default, &six),
            server("192.0.2.101 80", &default, &both),
            server(
                "192.0.2.102 80",
                "lb_algo rr\nlb_kind DR\nprotocol TCP",
                &[("198.51.100.1 80", &own), ("198.51.100.2 80", "")],
            ),
            // The method comes after a server that has none.
            format!(
                "virtual_server 192.0.2.103 80 {{\nlb_algo rr\nprotocol TCP\nreal_server 198.51.100.1 80 {{\n}}\nlb_kind {method}\n}}\n"
            ),
            server(
                "192.0.2.104 80",
                &sorry("198.51.100.9 80", "DR"),
                &[("198.51.100.1 80", DOWN)],
            ),
            server(
                "2001:db8::104 80",
                &sorry("2001:db8::9 8080", "TUN type gre"),
                &[("2001:db8::1 80", DOWN)],
            ),
            server("fwmark 9", &format!("lb_algo rr\nlb_kind {method}"), &four),
            server("fwmark 10", &format!("lb_algo rr\nlb_kind {method}"), &six),
        ];
        Case::new(method, 9, conf.concat())
    };
    Field::new().play(&methods.map(case));
}

/// Persistence in every form, for services of every kind.
///
/// LVS facts: 2.3, 2.6, 2.7, 2.8
pub fn persistence() {
    // Lines for IPv4, and for IPv6.
    let forms = [
        ("persistence_timeout", "persistence_timeout"),
        ("persistence_timeout 1", "persistence_timeout 2678400"),
        ("persistence_timeout 0", "persistence_timeout 2678401"),
        (
            "persistence_granularity 255.255.255.0",
            "persistence_granularity 64",
        ),
        (
            "persistence_granularity 255.255.255.255",
            "persistence_granularity 128",
        ),
        (
            "persistence_granularity 255.0.255.0\npersistence_timeout 20",
            "persistence_granularity 1",
        ),
        (
            "persistence_timeout 20\npersistence_granularity 0.0.0.0",
            "persistence_granularity 0",
        ),
        (
            "persistence_granularity 0.255.0.129",
            "persistence_granularity 129",
        ),
        ("persistence_engine sip", "persistence_engine sip"),
        (
            "persistence_engine sip\npersistence_timeout 7",
            "persistence_timeout 7\npersistence_engine sip",
        ),
        (
            "persistence_timeout 9\nops",
            "persistence_timeout 9\nops\npersistence_granularity 96",
        ),
    ];
    let case = |(four, six): (&str, &str)| {
        let mut conf = String::new();
        for (protocol, number) in ["TCP", "UDP", "SCTP"].iter().zip(100..) {
            let head = format!("lb_algo wlc\nlb_kind DR\nprotocol {protocol}\n");
            let v4 = [("198.51.100.1 80", "")];
            let v6 = [("2001:db8::1 80", "")];
            conf += &server(&format!("192.0.2.{number} 80"), &format!("{head}{four}"), &v4);
            conf += &server(&format!("2001:db8::{number} 80"), &format!("{head}{six}"), &v6);
        }
        let head = "lb_algo wlc\nlb_kind DR\n";
        let v4 = [("198.51.100.1", "")];
        let v6 = [("2001:db8::1", "")];
        conf += &server("fwmark 4", &format!("{head}ip_family inet\n{four}"), &v4);
        conf += &server("fwmark 6", &format!("{head}ip_family inet6\n{six}"), &v6);
        // Port 0 makes it persistent.
        conf += &server(
            "192.0.2.110 0",
            &format!("{head}protocol TCP\n{four}"),
            &[("198.51.100.1 0", "")],
        );
        conf += &server("2001:db8::110", &format!("{head}protocol UDP\n{six}"), &v6);
        Case::new(format!("{four:?}, {six:?}"), 10, conf)
    };
    Field::new().play(&forms.map(case));
}

/// What is there at the start, by what is down, what is inhibited, the quorum and the sorry server.
///
/// LVS facts: 2.16, 2.17, 3.7, 4.4
pub fn pools() {
    let mut cases = Vec::new();
    for (inhibit, sorry) in [
        ("", ""),
        ("inhibit_on_failure", ""),
        ("", "sorry_server 198.51.100.9 80"),
        ("inhibit_on_failure", "sorry_server 198.51.100.9 80"),
        ("", "sorry_server 198.51.100.9 80\nsorry_server_inhibit"),
        (
            "inhibit_on_failure",
            "sorry_server 198.51.100.9 80\nsorry_server_inhibit",
        ),
        ("", "sorry_server 198.51.100.1 80"),
        ("", "sorry_server 198.51.100.2 80\nsorry_server_inhibit"),
    ] {
        let mut conf = String::new();
        let pools = [[UP, UP], [UP, DOWN], [DOWN, DOWN]];
        for (pool, net) in pools.iter().zip(0..) {
            for (quorum, number) in ["", "quorum 2", "quorum 6\nhysteresis 2", "quorum 9"]
                .iter()
                .zip(100..)
            {
                let head = "lb_algo rr\nlb_kind DR\nprotocol TCP";
                let [first, second] = pool.map(|state| format!("weight 3\n{state}"));
                conf += &server(
                    &format!("192.0.{net}.{number} 80"),
                    &format!("{head}\n{inhibit}\n{sorry}\n{quorum}"),
                    &[("198.51.100.1 80", &first), ("198.51.100.2 80", &second)],
                );
            }
        }
        cases.push(Case::new(format!("{inhibit:?}, {sorry:?}"), 12, conf));
    }
    for (first, second) in [(0, 1), (1, 65_535), (65_534, 100), (0, 0)] {
        let mut conf = String::new();
        for (limits, number) in ["", "uthreshold 10", "uthreshold 10\nlthreshold 5", "lthreshold 5"]
            .iter()
            .zip(100..)
        {
            let head = format!("lb_algo wrr\nlb_kind NAT\nprotocol TCP\nweight {second}");
            conf += &server(
                &format!("192.0.2.{number} 80"),
                &head,
                &[
                    ("198.51.100.1 80", &format!("weight {first}\n{limits}")),
                    ("198.51.100.2 80", limits),
                    ("198.51.100.3 80", "uthreshold 2147483647"),
                ],
            );
        }
        cases.push(Case::new(format!("weights {first} and {second}"), 4, conf));
    }
    Field::new().play(&cases);
}

/// Services of every kind, groups, and what is put right with a warning.
///
/// LVS facts: 2.1, 2.2, 2.3, 2.4, 2.5, 2.9, 2.13, 2.14, 2.15, 2.16, 2.21, 2.22, 2.23, 2.24, 2.25
pub fn services() {
    let mut cases = vec![
        Case::new("schedulers and methods", 14, include_str!("ipvs/schedulers.conf")),
        Case::new("persistence", 9, include_str!("ipvs/persistence.conf")),
        Case::new("flags", 10, include_str!("ipvs/flags.conf")),
        Case::new("marks", 7, include_str!("ipvs/marks.conf")),
        Case::new(
            "sorry servers, alpha and inhibition",
            9,
            include_str!("ipvs/sorry.conf"),
        ),
        Case::new("ports and families", 10, include_str!("ipvs/ports.conf")),
        Case::new("groups", 18, include_str!("ipvs/groups.conf")),
        Case::new("mistakes", 8, include_str!("ipvs/mistakes.conf")),
    ];
    cases.extend(sections(include_str!("ipvs/more.conf")));
    Field::new().play(&cases);
}

/// Configurations one after another, each behind a line `#: NUMBER NAME` with its number of services.
fn sections(text: &str) -> Vec<Case> {
    let section = |section: &str| {
        let (head, conf) = section.split_once('\n').expect("a head and a body");
        let (number, name) = head.trim().split_once(' ').expect("a number and a name");
        Case::new(name, number.parse().expect("a number of services"), conf)
    };
    text.split("#:").skip(1).map(section).collect()
}

/// keepalived 2.2.7 tells the kernel no granularity of the services of a group; ours has it.
///
/// LVS facts: 2.7
pub fn granularity_of_groups() {
    let mut field = Field::new();
    let group = "virtual_server_group V {\n192.0.2.100-101 80\n}\n";
    let lines = "lb_algo rr\nlb_kind DR\nprotocol TCP\npersistence_granularity 255.255.255.0";
    field.start(&format!(
        "{group}{}",
        server("group V", lines, &[("198.51.100.1 80", "")])
    ));
    let began = Stamp::now();
    let shown = loop {
        let tables = field.tables();
        let masks = tables.map(|lines| {
            let services = lines.into_iter().filter(|line| !line.contains(" -> "));
            let masks = services.map(|line| line.split("netmask ").nth(1).map(ToOwned::to_owned));
            masks.collect::<Option<Vec<_>>>().expect("netmasks")
        });
        if masks.iter().all(|masks| masks.len() == 2) || began.elapsed() > SOON {
            break masks;
        }
        sleep(Duration::from_millis(20));
    };
    let theirs = ["ffffffff"; 2].map(ToOwned::to_owned).to_vec();
    let ours = ["ffffff00"; 2].map(ToOwned::to_owned).to_vec();
    if field.directors[1].daemon == crate::site::Daemon::Steadfast {
        assert_eq!(shown, [theirs, ours]);
    } else {
        assert_eq!(shown, [theirs.clone(), theirs]);
    }
    field.stop();
}
