//! IPVS beside keepalived's while servers come and go: both daemons run on the same configuration, each in a node of its
//! own, and their tables must be equal at every step.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::GLOBAL;
use super::expect::{SOON, said};
use crate::site::{Daemon, Director, Node};
use crate::timeline::{Stamp, note, wait_for};

/// A daemon that changes nothing for so long has done what it had to do.
const CALM: Duration = Duration::from_millis(400);

/// Two lonely nodes: what is compared is what the kernel was told, no packet is sent.
pub(super) fn both() -> [Director; 2] {
    [("oracle", Daemon::Keepalived), ("subject", Daemon::under_test())].map(|(name, daemon)| {
        let node = Node::new(name);
        node.ip("link set lo up\naddress add 192.0.2.1/24 dev lo\n");
        let mut director = Director::new(node);
        director.daemon = daemon;
        director.options = &["--check"];
        director
    })
}

/// The commands that would make this table, sorted: `ipvsadm` shows services in the order of a hash.
pub(super) fn saved(node: &Node) -> Vec<String> {
    // A new process takes long in a guest: those that poll leave some time to the daemons.
    sleep(Duration::from_millis(100));
    let text = node.run(&["ipvsadm", "--save", "--numeric"]);
    let mut lines: Vec<_> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.sort();
    lines
}

/// The table once it holds still.
pub(super) fn settled(director: &Director) -> Vec<String> {
    let mut last = saved(director);
    let mut since = Stamp::now();
    wait_for(format!("{}'s table to hold still", director.name), SOON, || {
        let table = saved(director);
        if table != last {
            last = table;
            since = Stamp::now();
        }
        (since.elapsed() > CALM).then_some(())
    });
    last
}

/// What is only in one of the tables, nothing if they are equal; and ours.
fn compare(directors: &[Director; 2]) -> (Option<String>, Vec<String>) {
    let [theirs, ours] = directors.each_ref().map(settled);
    let only = |these: &[String], those: &[String]| {
        let lines = these.iter().filter(|line| !those.contains(line));
        lines.map(|line| format!("\n  {line}")).collect::<String>()
    };
    let difference = format!(
        "only keepalived's:{}\nonly ours:{}",
        only(&theirs, &ours),
        only(&ours, &theirs)
    );
    ((theirs != ours).then_some(difference), ours)
}

/// Somebody else's service on the same kernel.
const FOREIGN: [&str; 2] = [
    "-A -t 203.0.113.9:80 -s wlc",
    "-a -t 203.0.113.9:80 -r 203.0.113.1:80 -m -w 5",
];

/// Servers of the pool in [`first`] and [`second`], D of the marked service alone.
const A: &str = "198.51.100.1";
const B: &str = "198.51.100.2";
const C: &str = "198.51.100.3";
const D: &str = "198.51.100.4";
const E: &str = "198.51.100.5";
/// What the line of a server in alpha mode has.
const ALPHA: &str = "192.0.2.101:80 -r";

/// The line of a server of the pool.
fn web(server: &str, weight: u32) -> String {
    format!("-a -t 192.0.2.100:80 -r {server}:80 -g -w {weight}")
}

/// The line of the sorry server while it serves.
fn sorry() -> String {
    web("198.51.100.9", 1)
}

/// The line of the server in alpha mode.
fn alpha() -> String {
    "-a -t 192.0.2.101:80 -r 198.51.100.1:8080 -m -w 1".to_owned()
}

/// The line of a server of the marked service.
fn marked(server: &str) -> String {
    format!("-a -f 7 -r {server}:0 -g -w 1")
}

/// Both daemons at work on [`first`], every server found good, and the service of somebody else beside theirs.
fn at_work() -> [Director; 2] {
    let mut directors = both();
    for director in &directors {
        for command in FOREIGN {
            let words = ["ipvsadm"].into_iter().chain(command.split(' '));
            director.run(&words.collect::<Vec<_>>());
        }
        director.script(
            "/etc/keepalived/check",
            "read status </run/check.$1; exit $status",
        );
        director.script("/etc/keepalived/tell", "echo \"$@\" >>/run/told");
    }
    exit_statuses(&directors, &[("a", 0), ("b", 0), ("c", 0), ("d", 0)]);
    for director in &mut directors {
        director.run_with(&first());
    }
    step(
        &directors,
        "start",
        &[web(A, 3), web(B, 3), web(C, 1), alpha(), marked(A), marked(D)],
        &[&sorry()],
    );
    // From the first success on failures are forgiven once.
    for director in &directors {
        wait_for("six checks that succeeded", 2 * SOON, || {
            let count = director
                .log
                .count_since("/check] succeeded", Stamp(Duration::ZERO));
            (count == 6).then_some(())
        });
    }
    directors
}

/// Everything of ours goes at the end, nothing of others.
fn ends(mut directors: [Director; 2]) {
    for director in &mut directors {
        assert_eq!(director.stop(), Some(0), "exit code");
        assert_eq!(saved(director), FOREIGN, "left by {}", director.name);
    }
}

/// Failures and recoveries: removal, inhibition, quorum, sorry server, dynamic weights.
pub fn changes() {
    let directors = at_work();
    let sorry = sorry();
    exit_statuses(&directors, &[("a", 1)]);
    // Each service has a checker of its own, and they fail one after the other.
    step(
        &directors,
        "one fails",
        &[web(A, 0), web(B, 3), web(C, 1), marked(D)],
        &[&sorry, ALPHA, &marked(A)],
    );
    exit_statuses(&directors, &[("b", 1)]);
    step(
        &directors,
        "the quorum is lost",
        &[web(A, 0), sorry.clone()],
        &[B, C],
    );
    exit_statuses(&directors, &[("c", 12)]);
    step(
        &directors,
        "weight enough",
        &[web(A, 0), web(C, 10)],
        &[B, &sorry],
    );
    exit_statuses(&directors, &[("c", 0)]);
    step(&directors, "and not", &[web(A, 0), sorry.clone()], &[B, C]);
    exit_statuses(&directors, &[("a", 0), ("b", 0), ("c", 5)]);
    let all = [web(A, 3), web(B, 3), web(C, 3), alpha(), marked(A), marked(D)];
    step(&directors, "all are back", &all, &[&sorry]);
    ends(directors);
}

/// Reloads touch what they change, a crash leaves the table, a restart adopts it.
pub fn survives() {
    let mut directors = at_work();
    let sorry = sorry();
    let all = [web(A, 3), web(B, 3), web(C, 3), alpha(), marked(A), marked(D)];
    // keepalived takes the weight away at a reload when the status was 0 (fact 11.11).
    exit_statuses(&directors, &[("c", 5)]);
    step(&directors, "a dynamic weight", &all, &[&sorry]);
    let before = settled(&directors[1]);
    let since = Stamp::now();
    for director in &directors {
        director.signal(Signal::SIGHUP);
    }
    // The table is as it shall be before they have begun.
    said(&directors, "Reload complete", since);
    assert_eq!(step(&directors, "reload of the same", &all, &[&sorry]), before);
    let since = Stamp::now();
    for director in &directors {
        director.configure(&second());
        director.signal(Signal::SIGHUP);
    }
    said(&directors, "Reload complete", since);
    let changed = [web(A, 7), web(E, 2), marked(A), marked(D)];
    let after = step(&directors, "reload", &changed, &[B, C, "192.0.2.101", &sorry]);

    for director in &mut directors {
        director.kill();
        assert_eq!(saved(director), after, "what a crash leaves");
    }
    let since = Stamp::now();
    for director in &mut directors {
        // Without its verdicts ours tells the scripts of what it finds, as keepalived does.
        director.run(&["sh", "-c", "rm -f /run/*.checks"]);
        director.start();
    }
    said(&directors, "Startup complete", since);
    let unchanged = step(&directors, "restart after a crash", &changed, &[B, &sorry]);
    assert_eq!(unchanged, after);
    if directors[1].daemon == Daemon::Steadfast {
        adopt(&mut directors[1], &after);
    }

    ends(directors);
}

/// A group leaves with its services: what the log says of it is what keepalived's says.
/// LVS facts: 16.3
pub fn group_removed() {
    let group = "virtual_server_group web {\n    192.0.2.102 80\n    192.0.2.103 80\n    fwmark 9\n}\n";
    let service = |target: &str| {
        let pool =
            [A, B].map(|address| format!("    real_server {address} 80 {{\n        weight 1\n    }}\n"));
        let sorry = "sorry_server 198.51.100.9 80";
        format!(
            "virtual_server {target} {{\n    lb_algo rr\n    lb_kind DR\n    protocol TCP\n    {sorry}\n{}}}\n",
            pool.concat()
        )
    };
    let kept = service("192.0.2.100 80");
    let mut directors = both();
    for director in &mut directors {
        director.run_with(&format!("{GLOBAL}{group}{}{kept}", service("group web")));
        wait_for("the services of the group", 2 * SOON, || {
            (saved(director).len() == 12).then_some(())
        });
    }
    let (difference, before) = compare(&directors);
    assert_eq!((difference, before.len()), (None, 12), "{before:#?}");
    let since = Stamp::now();
    for director in &directors {
        director.configure(&format!("{GLOBAL}{kept}"));
        director.signal(Signal::SIGHUP);
        director.log.wait("Removing Virtual Server", since, 2 * SOON);
        wait_for("the services of the group to go", 2 * SOON, || {
            (saved(director).len() == 3).then_some(())
        });
    }
    let (difference, after) = compare(&directors);
    assert_eq!((difference, after.len()), (None, 3), "{after:#?}");
    // What is said of a table may come after it.
    said(&directors, "Reload complete", since);
    let limit = Stamp::now() + SOON;
    let [theirs, ours] = loop {
        let said = directors.each_ref().map(|director| {
            let lines = director.log.lines().into_iter();
            let words = ["Remov", "Shutting", "no longer", "uorum"];
            let lines =
                lines.filter(|(at, line)| *at >= since && words.iter().any(|word| line.contains(word)));
            lines.map(|(_, line)| line).collect::<Vec<_>>()
        });
        if said[0] == said[1] || Stamp::now() > limit {
            break said;
        }
        sleep(Duration::from_millis(20));
    };
    assert_eq!(ours, theirs, "what the log says of the group");
    note("lab", ours.join("; "));
    for director in &mut directors {
        assert_eq!(director.stop(), Some(0), "exit code");
    }
}

/// What the last crash left is adopted without a change, with the verdicts; what somebody changed before the restart is put
/// right, where keepalived leaves what exists as it is.
fn adopt(director: &mut Director, table: &[String]) {
    for changes in [
        &[][..],
        &[
            "-e -t 192.0.2.100:80 -r 198.51.100.1:80 -g -w 99",
            "-d -t 192.0.2.100:80 -r 198.51.100.5:80",
            "-a -f 7 -r 198.51.100.77:0 -g",
        ],
    ] {
        wait_for("the verdicts of all four checkers", 2 * SOON, || {
            let written = director.run(&["sh", "-c", "cat /run/*.checks || true"]);
            (written.matches("probe").count() == 4).then_some(())
        });
        director.kill();
        for command in changes {
            let words = ["ipvsadm"].into_iter().chain(command.split(' '));
            director.run(&words.collect::<Vec<_>>());
        }
        director.write("/run/told", "");
        let restarted = Stamp::now();
        director.start();
        // It says what it is going to do.
        director.log.wait("IPVS: ", restarted, 2 * SOON);
        wait_for("the table to be as it was", 2 * SOON, || {
            (saved(director) == table).then_some(())
        });
        assert_eq!(settled(director), table, "after {changes:?}");
        assert_eq!(
            director.read("/run/told"),
            "",
            "verdicts are taken over: nobody is told"
        );
        let lines = director
            .log
            .lines()
            .into_iter()
            .filter(|(at, _)| *at >= restarted);
        let made: usize = lines.filter_map(|(_, line)| changes_made(&line)).sum();
        assert_eq!(
            made,
            changes.len(),
            "what was right is left alone, after {changes:?}"
        );
    }
}

/// How much the daemon changed in the kernel, by its log.
fn changes_made(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("IPVS: ")?;
    rest.strip_suffix(" changes")?.parse().ok()
}

/// A virtual server with sorry server, inhibition and dynamic weights, one of a mark with the same server, one in
/// alpha mode.
fn first() -> String {
    let web = [
        server("198.51.100.1 80", "a", "weight 3\n        inhibit_on_failure", ""),
        server("198.51.100.2 80", "b", "weight 3", ""),
        server("198.51.100.3 80", "c", "", "misc_dynamic"),
    ];
    let alpha = server("198.51.100.1 8080", "a", "", "");
    format!(
        "{GLOBAL}{}virtual_server 192.0.2.101 80 {{
    delay_loop 1
    lb_algo rr
    lb_kind NAT
    protocol TCP
    alpha
    quorum_down \"/etc/keepalived/tell 101 quorum down\"
{alpha}}}
",
        rest(&web.concat(), "wrr")
    )
}

/// The same after the operator's work: weights, a server less, one more, another scheduler, a service less.
fn second() -> String {
    let web = [
        server("198.51.100.1 80", "a", "weight 7\n        inhibit_on_failure", ""),
        server("198.51.100.5 80", "d", "weight 2", ""),
    ];
    format!("{GLOBAL}{}", rest(&web.concat(), "wlc"))
}

// At a quorum of 4 keepalived would lose and regain it within the reload to `second` (fact 16.4).
fn rest(web: &str, scheduler: &str) -> String {
    let marked = [
        server("198.51.100.1", "a", "", ""),
        server("198.51.100.4", "d", "", ""),
    ]
    .concat();
    format!(
        "virtual_server 192.0.2.100 80 {{
    delay_loop 1
    lb_algo {scheduler}
    lb_kind DR
    protocol TCP
    persistence_timeout 30
    quorum 3
    sorry_server 198.51.100.9 80
    quorum_up \"/etc/keepalived/tell 100 quorum up\"
    quorum_down \"/etc/keepalived/tell 100 quorum down\"
{web}}}
virtual_server fwmark 7 {{
    delay_loop 1
    lb_algo rr
    lb_kind DR
{marked}}}
"
    )
}

/// A real server whose checks and notifications are scripts.
fn server(address: &str, who: &str, more: &str, check: &str) -> String {
    format!(
        "    real_server {address} {{
        {more}
        notify_up \"/etc/keepalived/tell {address} up\"
        notify_down \"/etc/keepalived/tell {address} down\"
        MISC_CHECK {{
            misc_path \"/etc/keepalived/check {who}\"
            {check}
            misc_timeout 30
            warmup 0
            retry 1
            delay_before_retry 1
        }}
    }}
"
    )
}

/// From now on the checks of these end so.
fn exit_statuses(directors: &[Director; 2], whom: &[(&str, u8)]) {
    for director in directors {
        for (who, status) in whom {
            let file = format!("/run/check.{who}");
            director.write(&format!("{file}.new"), &format!("{status}\n"));
            fs::rename(director.path(&format!("{file}.new")), director.path(&file)).expect("a status");
        }
    }
    note("lab", format!("checks exit with {whom:?}"));
}

/// Waits until both tables have `wanted` lines and no line with a word of `unwanted`; then they must be equal, the foreign
/// service untouched, and the scripts must have said the same.
#[track_caller]
fn step(directors: &[Director; 2], what: &str, wanted: &[String], unwanted: &[&str]) -> Vec<String> {
    wait_for(format!("{what}: {wanted:?}"), 3 * SOON, || {
        let reached = |director: &Director| {
            let table = saved(director);
            wanted.iter().all(|line| table.contains(line))
                && !table
                    .iter()
                    .any(|line| unwanted.iter().any(|word| line.contains(word)))
        };
        directors.iter().all(reached).then_some(())
    });
    let (difference, table) = compare(directors);
    assert!(difference.is_none(), "{what}: {}", difference.unwrap_or_default());
    for line in FOREIGN {
        assert!(
            table.iter().any(|found| found == line),
            "{what}: {line} is gone: {table:#?}"
        );
    }
    // A script may be late. What was said before is compared again: it does no harm.
    let mut told = [Vec::new(), Vec::new()];
    let limit = Stamp::now() + 2 * SOON;
    while told[0] != told[1] || told[0].is_empty() {
        told = directors.each_ref().map(|director| {
            let text = director.read("/run/told");
            let mut lines: Vec<_> = text.lines().map(ToOwned::to_owned).collect();
            lines.sort();
            lines
        });
        assert!(
            Stamp::now() < limit,
            "{what}: scripts said, keepalived's and ours: {told:#?}"
        );
        sleep(Duration::from_millis(20));
    }
    note(
        "lab",
        format!(
            "{what}: {} equal lines, {} words of scripts",
            table.len(),
            told[1].len()
        ),
    );
    table
}
