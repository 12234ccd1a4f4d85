//! The life of real servers and quorums: what the log, FIFOs, scripts and mails say of the same acts, and what IPVS then
//! holds, beside keepalived.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::expect::{SOON, weights};
use crate::site::{self, Daemon, Director, Relay, v4};
use crate::timeline::{Stamp, for_the_next, note, wait_for, wait_quiet};

const TELL: &str = r#"line=; for word in "$@"; do line="$line [$word]"; done; echo "$line" >>/run/told"#;
const READER: &str = r#"echo "$@" >/run/reader; exec cat "$2" >>/run/lvs.lines"#;
const CHECK: &str = "echo >>/run/ran.$1; exit $(cat /run/check.$1)";

/// How many checkers run each check.
const CHECKERS: [(&str, usize); 4] = [("a", 5), ("b", 3), ("c", 1), ("dead", 2)];
/// So often each of them shall have run after an act: once that began before it, a failure and its retry, and one more.
const RUNS: usize = 4;

/// What has not been told by then is not told.
const QUIET: Duration = Duration::from_secs(3);

const FILES: [&str; 3] = ["/run/all.lines", "/run/lvs.lines", "/run/told"];

/// Lines of the log that tell of servers and quorums.
const NEWS: [&str; 14] = [
    "Adding ",
    "Removing ",
    "Enabling ",
    "Disabling ",
    "Gained ",
    "Lost ",
    "Starting with quorum",
    "Changing weight",
    "Shutting down",
    "Misc check for",
    "Activating healthchecker for",
    "no longer exist",
    "TCP_CHECK on",
    "Deactivating",
];

fn global(more: &str) -> String {
    format!(
        "global_defs {{
    router_id lab
    script_user root
    enable_script_security
    notify_fifo /run/all.fifo
    lvs_notify_fifo /run/lvs.fifo
    lvs_notify_fifo_script \"/etc/keepalived/reader one\"
    notification_email {{
        one@example.com
    }}
    notification_email_from lab@example.com
    smtp_server 127.0.0.1 2525
    smtp_connect_timeout 5
    smtp_alert_checker
    {more}
}}
"
    )
}

/// A real server that is checked by scripts, one for each of `checks`.
fn server(service: u8, number: u8, more: &str, checks: &[&str]) -> String {
    let checks: String = checks
        .iter()
        .map(|check| {
            let dynamic = if *check == "c" { "misc_dynamic" } else { "" };
            format!(
                "        MISC_CHECK {{
            misc_path \"/etc/keepalived/check {check}\"
            {dynamic}
            misc_timeout 30
            warmup 0
            retry 1
            delay_before_retry 1
        }}
"
            )
        })
        .collect();
    format!(
        "    real_server 198.51.100.{number} 80 {{
        {more}
        notify_up \"/etc/keepalived/tell {service} {number} up\"
        notify_down \"/etc/keepalived/tell {service} {number} down\"
{checks}    }}
"
    )
}

fn service(number: u8, more: &str, servers: &str) -> String {
    format!(
        "virtual_server 192.0.2.{number} 80 {{
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
    quorum_up \"/etc/keepalived/tell {number} quorum up\"
    quorum_down \"/etc/keepalived/tell {number} quorum down\"
    {more}
{servers}}}
"
    )
}

/// Five services: a quorum with a sorry server; hysteresis and inhibition, without one; alpha with a sorry server; alpha
/// without one; and one whose only server has two checkers.
fn services(second_pool: &str) -> String {
    [
        service(
            101,
            "quorum 2\n    sorry_server 198.51.100.9 80",
            &[
                server(101, 1, "", &["a"]),
                server(101, 2, "", &["b"]),
                server(101, 3, "weight 2", &["c"]),
            ]
            .concat(),
        ),
        service(
            102,
            "quorum 3\n    hysteresis 1\n    sorry_server 198.51.100.9 80\n    sorry_server_inhibit",
            second_pool,
        ),
        service(
            103,
            "alpha\n    quorum 1\n    sorry_server 198.51.100.9 80",
            &[server(103, 1, "", &["a"]), server(103, 2, "", &["dead"])].concat(),
        ),
        service(
            104,
            "alpha\n    quorum 2",
            &[
                server(104, 1, "", &["a"]),
                server(104, 2, "inhibit_on_failure", &["dead"]),
            ]
            .concat(),
        ),
        service(105, "omega", &server(105, 1, "", &["a", "b"])),
    ]
    .concat()
}

fn inhibited() -> [String; 2] {
    [
        server(102, 1, "weight 3\n        inhibit_on_failure", &["a"]),
        server(102, 2, "weight 3\n        inhibit_on_failure", &["b"]),
    ]
}

/// Everything that was told up to now, and what IPVS holds then.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    log: Vec<String>,
    all: Vec<String>,
    lvs: Vec<String>,
    scripts: Vec<String>,
    mails: Vec<Vec<String>>,
    table: Vec<String>,
}

struct Stage {
    d1: Director,
    relay: Relay,
    taken: usize,
    since: Stamp,
    /// How often checks shall have run before an act has had its effect.
    awaited: Vec<(&'static str, usize)>,
}

/// The acts, told by keepalived and by the daemon.
///
/// LVS facts: 4.3, 4.4, 4.6, 4.8, 4.10, 4.11, 5.1, 5.2, 5.3, 5.4, 5.6, 6.2, 6.3, 6.4, 6.5, 6.7
/// LVS facts: 11.7, 13.1, 14.1, 14.2, 14.4, 15.2, 15.3, 15.4, 15.5, 15.6, 16.3, 16.4, 16.8, 17.2
pub fn acts() {
    compare("", true);
}

/// The first acts, with servers that are told of at the start and mails of servers only.
///
/// LVS facts: 4.3, 15.6
pub fn start() {
    compare("rs_init_notifies\n    no_checker_emails", false);
}

fn compare(more: &str, whole: bool) {
    let [theirs, ours] = [false, true].map(|is_ours| play(is_ours, more, whole));
    assert_eq!(ours.len(), theirs.len());
    for ((act, theirs), (_, ours)) in theirs.iter().zip(&ours) {
        assert_eq!(ours.log, theirs.log, "log of {act}");
        assert_eq!(ours, theirs, "{act}");
    }
}

fn play(is_ours: bool, more: &str, whole: bool) -> Vec<(&'static str, Told)> {
    let (_site, mut d1) = site::single(0);
    let under_test = Daemon::under_test();
    d1.daemon = if is_ours { under_test } else { Daemon::Keepalived };
    let relay = Relay::listen(&d1, 2525);
    let mut stage = Stage {
        d1,
        relay,
        taken: 0,
        since: Stamp::now(),
        awaited: Vec::new(),
    };
    let mut told = stage.acts(more, whole);
    // At a stop keepalived kills the reader of its FIFO and sends no mail.
    if let Some((_, stop)) = told.iter_mut().find(|(act, _)| *act == "stop") {
        if is_ours && under_test == Daemon::Steadfast {
            assert_eq!(stop.lvs, stop.all, "readers hear of the stop too");
            assert_eq!(stop.mails.len(), 2, "mails of the stop: {:#?}", stop.mails);
        }
        (stop.lvs, stop.mails) = Default::default();
    }
    // 2.2.7 tells at every reload of all checkers that they are activated, 2.4.3 of new ones (fact 16.11).
    for (act, told) in &mut told {
        if act.starts_with("reload") {
            told.log.retain(|line| !line.starts_with("Activating"));
        }
    }
    told
}

impl Stage {
    fn acts(&mut self, more: &str, whole: bool) -> Vec<(&'static str, Told)> {
        let mut told = Vec::new();
        let d1 = &mut self.d1;
        d1.script("/etc/keepalived/tell", TELL);
        d1.script("/etc/keepalived/reader", READER);
        d1.script("/etc/keepalived/check", CHECK);
        d1.run(&["mkfifo", "/run/all.fifo"]);
        let mut reader = d1.spawn(&["sh", "-c", "exec cat <>/run/all.fifo >>/run/all.lines"]);
        self.exit(&[("a", 0), ("b", 0), ("c", 0), ("dead", 1)]);
        let pool = inhibited();
        self.d1
            .run_with(&format!("{}{}", global(more), services(&pool.concat())));
        let mut start = self.told();
        // Which of a service's checkers comes first is chance.
        for lines in [&mut start.log, &mut start.all, &mut start.lvs] {
            lines.sort();
        }
        told.push(("start", start));
        self.exit(&[("b", 1)]);
        told.push(("a server dies", self.told()));
        if !whole {
            self.exit(&[("b", 0)]);
            told.push(("it is back", self.told()));
            let _ = reader.kill();
            let _ = reader.wait();
            return told;
        }
        self.exit(&[("c", 1)]);
        told.push(("a quorum is lost", self.told()));
        self.exit(&[("a", 1)]);
        told.push(("and the last server", self.told()));
        self.exit(&[("c", 6)]);
        told.push(("one comes back with weight 4", self.told()));
        self.exit(&[("c", 3)]);
        told.push(("which falls to 1", self.told()));
        self.exit(&[("b", 0)]);
        told.push(("another one", self.told()));
        self.exit(&[("a", 0)]);
        told.push(("all are back", self.told()));
        self.exit(&[("dead", 0)]);
        told.push(("the dead live", self.told()));

        // keepalived takes the weight away at a reload when the status was 0 (fact 11.11).
        self.exit(&[("c", 4)]);
        told.push(("the same weight", self.told()));
        // A server less and one more; a service less.
        let [one, _] = inhibited();
        let pool = format!("{one}{}", server(102, 4, "", &["a"]));
        let text = services(&pool);
        let gone = text.find("virtual_server 192.0.2.105").expect("the last service");
        let kept = text.get(..gone).expect("what is before it");
        self.reload(&format!("{}{kept}", global(more)));
        told.push(("reload", self.told()));
        self.reload(&format!("{}{text}", global(more)));
        told.push(("reload back", self.told()));
        self.d1.stop();
        told.push(("stop", self.told()));
        let _ = reader.kill();
        let _ = reader.wait();
        told
    }

    /// From now on the checks of these end so.
    fn exit(&mut self, whom: &[(&'static str, u8)]) {
        self.awaited.clear();
        for (who, status) in whom {
            let file = format!("/run/check.{who}");
            self.d1.write(&format!("{file}.new"), &format!("{status}\n"));
            fs::rename(self.d1.path(&format!("{file}.new")), self.d1.path(&file)).expect("a status");
            self.wait_for_check(who);
        }
        note("lab", format!("checks exit with {whom:?}"));
    }

    /// Another configuration from now on. Those who are new in it run the checks `a` and `b`.
    fn reload(&mut self, text: &str) {
        self.d1.configure(text);
        self.d1.signal(Signal::SIGHUP);
        self.awaited.clear();
        self.wait_for_check("a");
        self.wait_for_check("b");
    }

    /// Before an act has had its effect all that run this check shall have run it.
    fn wait_for_check(&mut self, check: &'static str) {
        let checkers = CHECKERS.iter().find(|(it, _)| *it == check);
        let (_, checkers) = checkers.expect("a check that somebody runs");
        self.awaited.push((check, self.runs(check) + RUNS * checkers));
    }

    /// How often a check has run.
    fn runs(&self, check: &str) -> usize {
        runs(&self.d1, check)
    }

    /// What the log said since the last time of servers and quorums.
    fn news(&self) -> Vec<String> {
        let lines = self.d1.log.lines().into_iter();
        lines
            .filter(|(at, line)| *at >= self.since && NEWS.iter().any(|word| line.contains(word)))
            .map(|(_, line)| line)
            .collect()
    }

    /// What came since the last time, when nothing more comes.
    fn told(&mut self) -> Told {
        for (check, runs) in std::mem::take(&mut self.awaited) {
            wait_for(format!("run {runs} of check {check}"), 6 * SOON, || {
                (self.runs(check) >= runs).then_some(())
            });
        }
        wait_quiet(QUIET, 6 * SOON, || {
            let mut now: Vec<String> = FILES.iter().map(|file| self.d1.read(file)).collect();
            now.push(self.relay.letters().len().to_string());
            now.push(self.news().len().to_string());
            now
        });
        let letters = self.relay.letters();
        let mut mails: Vec<_> = letters
            .into_iter()
            .skip(self.taken)
            .map(|letter| {
                let mut text = letter.text;
                text.retain(|line| !line.starts_with("Date: "));
                text
            })
            .collect();
        self.taken += mails.len();
        mails.sort();
        let lines = |file: &str| -> Vec<String> {
            let lines = self.d1.read(file).lines().map(ToOwned::to_owned).collect();
            self.d1.write(file, "");
            lines
        };
        let mut scripts = lines("/run/told");
        scripts.sort();
        let by_service = |mut lines: Vec<String>| {
            lines.sort_by_key(|line| service_of(line));
            lines
        };
        let log = self.news();
        self.since = Stamp::now();
        let table = self.d1.run(&["ipvsadm", "--save", "--numeric"]);
        let mut table: Vec<String> = table.lines().map(ToOwned::to_owned).collect();
        table.sort();
        Told {
            log: by_service(log),
            all: by_service(lines("/run/all.lines")),
            lvs: by_service(lines("/run/lvs.lines")),
            scripts,
            mails,
            table,
        }
    }
}

fn runs(d1: &Director, check: &str) -> usize {
    fs::read(d1.path(&format!("/run/ran.{check}"))).map_or(0, |runs| runs.len())
}

/// `ha_suspend`: checks run while the virtual address is here, from the start and when it comes and goes.
///
/// LVS facts: 7.1
pub fn suspend() {
    for daemon in [Daemon::Keepalived, Daemon::under_test()] {
        let (_site, mut d1) = site::single(0);
        d1.daemon = daemon;
        d1.script("/etc/keepalived/tell", TELL);
        d1.script("/etc/keepalived/check", CHECK);
        d1.write("/run/check.a", "1\n");
        let text = service(150, "ha_suspend", &server(150, 1, "", &["a"]));
        d1.run_with(&format!(
            "global_defs {{\n    script_user root\n    enable_script_security\n}}\n{text}"
        ));
        let began = Stamp::now();
        let served = SocketAddr::new(v4(0, 150), 80);
        let there = [(IpAddr::from([198, 51, 100, 1]), 1)];
        weights(&d1, served, &there);
        for_the_next(
            Duration::from_secs(4),
            "nobody is asked while the address is elsewhere",
            || d1.ipvs().weights(served) == there,
        );
        d1.ip("address add 192.0.2.150/32 dev eth0\n");
        weights(&d1, served, &[]);
        let words = |word: &str| {
            format!("{word} healthchecker for service [198.51.100.1]:tcp:80 for VS [192.0.2.150]:tcp:80")
        };
        d1.log.wait(&words("Activating"), began, SOON);
        let before = Stamp::now();
        d1.ip("address del 192.0.2.150/32 dev eth0\n");
        d1.log.wait(&words("Suspending"), before, SOON);
        // One that was under way ends.
        wait_quiet(QUIET, 2 * SOON, || runs(&d1, "a"));
        d1.write("/run/check.a", "0\n");
        for_the_next(Duration::from_secs(4), "what was found stays", || {
            d1.ipvs().weights(served).is_empty()
        });
        d1.ip("address add 192.0.2.150/32 dev eth0\n");
        weights(&d1, served, &there);
        d1.stop();
    }
}

/// Which of five services that wait for the same moment comes first is chance.
fn service_of(line: &str) -> String {
    let at = line.find("[192.0.2.").map(|at| line.get(at..at + 13));
    at.flatten().unwrap_or_default().to_owned()
}
