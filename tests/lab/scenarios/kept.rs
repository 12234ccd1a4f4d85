//! What makes a checker the same at a reload, beside keepalived: a server that it has found down stays down, and the
//! server of a checker that asks something else is up until that has failed.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::GLOBAL;
use super::expect::SOON;
use crate::site::{Daemon, Director, Node};
use crate::timeline::{Stamp, note, wait_for, wait_quiet};

/// Checkers that always fail, before the reload and after it.
const CASES: &[(&str, &str, &str)] = &[
    ("nothing", "TCP_CHECK {", "TCP_CHECK {"),
    ("connect_timeout", "TCP_CHECK {", "TCP_CHECK {\nconnect_timeout 2"),
    ("bindto", "TCP_CHECK {", "TCP_CHECK {\nbindto 127.0.0.1"),
    ("fwmark", "TCP_CHECK {", "TCP_CHECK {\nfwmark 7"),
    ("retry", "TCP_CHECK {", "TCP_CHECK {\nretry 1"),
    ("alpha", "TCP_CHECK {", "TCP_CHECK {\nalpha"),
    ("delay_loop", "TCP_CHECK {", "TCP_CHECK {\ndelay_loop 2"),
    ("kind", "TCP_CHECK {", "SMTP_CHECK {"),
    (
        "misc_timeout",
        MISC,
        "MISC_CHECK {\nmisc_timeout 27\nmisc_path \"/bin/false a\"",
    ),
    (
        "misc_path",
        MISC,
        "MISC_CHECK {\nmisc_timeout 20\nmisc_path \"/bin/false b\"",
    ),
    (
        "misc_dynamic",
        MISC,
        "MISC_CHECK {\nmisc_timeout 20\nmisc_path \"/bin/false a\"\nmisc_dynamic",
    ),
    (
        "user",
        MISC,
        "MISC_CHECK {\nmisc_timeout 20\nmisc_path \"/bin/false a\"\nuser nobody nogroup",
    ),
    ("path", WEB, "HTTP_GET {\nurl {\npath /b\n}"),
    (
        "status_code",
        WEB,
        "HTTP_GET {\nurl {\npath /\nstatus_code 200\n}",
    ),
    (
        "digest",
        WEB,
        "HTTP_GET {\nurl {\npath /\ndigest 5d41402abc4b2a76b9719d911017c592\n}",
    ),
    ("regex", WEB, "HTTP_GET {\nurl {\npath /\nregex x\n}"),
    (
        "virtualhost of a url",
        WEB,
        "HTTP_GET {\nurl {\npath /\nvirtualhost x\n}",
    ),
    ("virtualhost", WEB, "HTTP_GET {\nvirtualhost x\nurl {\npath /\n}"),
    (
        "one more url",
        WEB,
        "HTTP_GET {\nurl {\npath /\n}\nurl {\npath /b\n}",
    ),
    (
        "http_protocol",
        WEB,
        "HTTP_GET {\nhttp_protocol 1.1\nurl {\npath /\n}",
    ),
    (
        "fast_recovery",
        WEB,
        "HTTP_GET {\nfast_recovery\nurl {\npath /\n}",
    ),
    ("TLS", WEB, "SSL_GET {\nurl {\npath /\n}"),
    (
        "enable_sni",
        "SSL_GET {\nurl {\npath /\nvirtualhost x\n}",
        "SSL_GET {\nenable_sni\nurl {\npath /\nvirtualhost x\n}",
    ),
    (
        "helo_name",
        "SMTP_CHECK {\nhelo_name a",
        "SMTP_CHECK {\nhelo_name b",
    ),
    ("type", "DNS_CHECK {\ntype SOA", "DNS_CHECK {\ntype MX"),
    (
        "name",
        "DNS_CHECK {\nname a.example",
        "DNS_CHECK {\nname b.example",
    ),
    (
        "payload",
        "UDP_CHECK {\nrequire_reply",
        "UDP_CHECK {\nrequire_reply\npayload 01",
    ),
    (
        "min_reply_length",
        "UDP_CHECK {\nrequire_reply",
        "UDP_CHECK {\nrequire_reply\nmin_reply_length 3",
    ),
];

/// What 2.2.7 does not compare, and 2.4.3 does.
const OF_LATER: [&str; 2] = ["name", "user"];

/// Without a time of its own it has the one second of `delay_loop`, and 2.2.7 may never judge, or at a reload kill everybody,
/// once that was not enough.
const MISC: &str = "MISC_CHECK {\nmisc_timeout 20\nmisc_path \"/bin/false a\"";
const WEB: &str = "HTTP_GET {\nurl {\npath /\n}";

fn services(pick: impl Fn(&(&'static str, &'static str, &'static str)) -> &'static str) -> String {
    let service = |(n, case)| {
        let (checker, n): (&str, usize) = (pick(case), n + 1);
        let timing = ["delay_before_retry 1", "retry 0", "warmup 0", "connect_timeout 1"]
            .into_iter()
            .filter(|line| {
                let word = line.split(' ').next().unwrap_or_default();
                let of_sockets = word == "connect_timeout" && checker.starts_with("MISC");
                !(of_sockets || checker.contains(word))
            })
            .collect::<Vec<_>>()
            .join("\n");
        format!(
            "virtual_server 192.0.2.{n} 1000 {{
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 127.0.1.{n} 1000 {{
{checker}
{timing}
        }}
    }}
}}
"
        )
    };
    let services: String = CASES.iter().enumerate().map(service).collect();
    format!("{GLOBAL}{services}")
}

/// Whose servers were found down since then.
fn fell(director: &Director, since: Stamp) -> BTreeSet<&'static str> {
    CASES
        .iter()
        .enumerate()
        .filter(|(n, _)| {
            let line = format!("Removing service [127.0.1.{}]:", n + 1);
            director.log.count_since(&line, since) > 0
        })
        .map(|(_, (name, ..))| *name)
        .collect()
}

/// LVS facts: 16.6
pub fn beside_keepalived() {
    let daemons = [("oracle", Daemon::Keepalived), ("subject", Daemon::under_test())];
    let mut sides = daemons.map(|(name, daemon)| {
        let node = Node::new(name);
        node.ip("link set lo up\n");
        let mut director = Director::new(node);
        director.daemon = daemon;
        director.options = &["--check"];
        director.run_with(&services(|(_, before, _)| before));
        director
    });
    let start = Stamp(Duration::ZERO);
    wait_for("everybody to be down", 4 * SOON, || {
        let all = sides.iter().all(|side| fell(side, start).len() == CASES.len());
        all.then_some(())
    });
    let reloaded = sides.each_ref().map(|director| {
        director.configure(&services(|(_, _, after)| after));
        let now = Stamp::now();
        director.signal(Signal::SIGHUP);
        now
    });
    let fallen = || [0, 1].map(|side| fell(&sides[side], reloaded[side]));
    wait_for("what is new to have failed", 4 * SOON, || {
        fallen().iter().all(|fell| fell.len() > 9).then_some(())
    });
    wait_quiet(Duration::from_secs(6), 4 * SOON, fallen);
    let [mut theirs, ours] = fallen();
    note(
        "lab",
        format!("new to ours: {ours:?}, to keepalived's: {theirs:?}"),
    );
    theirs.extend(OF_LATER);
    assert_eq!(ours, theirs);
    for director in &mut sides {
        assert_eq!(director.stop(), Some(0), "exit code");
    }
}
