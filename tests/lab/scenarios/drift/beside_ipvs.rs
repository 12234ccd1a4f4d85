//! What others do to the table of IPVS, beside keepalived: each event has the outcome that the table of docs/drift.md tells.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::super::conf::GLOBAL;
use super::super::expect::SOON;
use super::super::ipvs::saved;
use super::documented::{self, Column, Outcome, columns};
use super::{ADDED, BAD, FOREIGN, GUARDED, PROMPT, beside, by_hand, services, told_in_time, vmac};
use crate::site::{Daemon, Director, Node};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// Something that others do.
pub struct Event {
    /// As its row begins.
    pub row: &'static str,
    /// Each is tried by itself.
    commands: &'static [&'static str],
}

pub const EVENTS: &[Event] = &[
    Event {
        row: "a service, or a real server in ours, of somebody else",
        commands: &[
            "ipvsadm -A -t 203.0.113.9:80 -s wlc",
            "ipvsadm -a -t 203.0.113.9:80 -r 203.0.113.1:80 -m -w 5",
            "ipvsadm -a -t 192.0.2.1:80 -r 198.51.100.77:80 -g -w 1",
        ],
    },
    Event {
        row: "`ipvsadm -D`, `-d` of one of ours",
        commands: &[
            "ipvsadm -D -t 192.0.2.1:80",
            "ipvsadm -d -t 192.0.2.2:80 -r 198.51.100.2:80",
        ],
    },
    Event {
        row: "`ipvsadm -e -w 0` of one of ours",
        commands: &["ipvsadm -e -t 192.0.2.2:80 -r 198.51.100.1:80 -g -w 0"],
    },
    Event {
        row: "a sync daemon of ours is stopped (`ipvsadm --stop-daemon`)",
        commands: &["ipvsadm --stop-daemon master"],
    },
    Event {
        row: "timeouts are changed (`ipvsadm --set`)",
        commands: &["ipvsadm --set 900 120 300"],
    },
    Event {
        row: "`ipvsadm -C`",
        commands: &["ipvsadm -C"],
    },
];

/// For what does not happen: twice as long as the guard may take. And for what it does once it has told.
const LONG: Duration = Duration::from_secs(2);

pub fn all() {
    let columns = columns();
    let mut stages: Vec<Stage> = columns.iter().map(Stage::begin).collect();
    let seen = EVENTS.iter().map(|event| {
        let outcomes = stages.iter_mut().map(|stage| {
            let mut outcomes = event.commands.iter().map(|command| stage.see(command));
            let outcome = outcomes.next().expect("a command");
            for other in outcomes {
                assert_eq!(other, outcome, "{}", event.row);
            }
            note("lab", format!("{}, {}: {outcome}", event.row, stage.d.name));
            outcome
        });
        (event.row, outcomes.collect())
    });
    let seen: Vec<(&str, Vec<Outcome>)> = seen.collect();
    for stage in stages {
        stage.end();
    }
    let elsewhere = beside::EVENTS.iter().map(|event| event.row);
    documented::compare(&seen, &columns, &Vec::from_iter(elsewhere.chain([vmac::ROW])));
}

struct Stage {
    d: Director,
    /// What is wanted, as [`shown`] has it.
    ours: Vec<String>,
    repairs: bool,
    /// How long it took the guard at best to tell of an event.
    quickest: Duration,
}

/// The table as `ipvsadm` saves it, sync daemons, and timeouts.
fn shown(director: &Director) -> Vec<String> {
    let mut lines = saved(director);
    for what in ["--daemon", "--timeout"] {
        let text = director.run(&["ipvsadm", "--list", what]);
        lines.extend(text.lines().map(|line| line.trim().to_owned()));
    }
    lines
}

impl Stage {
    fn begin(column: &Column) -> Self {
        let node = Node::new(column.name);
        node.ip(
            "link set lo up\nlink add eth0 type dummy\nlink set eth0 multicast on up\n\
             address add 192.0.2.1/24 dev eth0\n",
        );
        let mut d = Director::new(node);
        d.daemon = column.daemon;
        d.options = &["--check"];
        let json = match column.daemon {
            Daemon::Steadfast => "json_version 2\n    ",
            Daemon::Keepalived => "",
        };
        let settings = "lvs_sync_daemon eth0 id 4\n    lvs_timeouts tcp 100 tcpfin 11 udp 7";
        let global = GLOBAL.replacen("{", &format!("{{\n    {}{json}{settings}", column.global), 1);
        d.run_with(&format!("{global}{}", services()));
        let ours = wait_for("services, daemons and timeouts", 2 * SOON, || {
            let table = shown(&d);
            (table.len() == 9 && table[8].ends_with(": 100 11 7")).then_some(table)
        });
        let repairs = column.global.contains("drift_repair");
        Self {
            d,
            ours,
            repairs,
            quickest: Duration::MAX,
        }
    }

    /// Which of our lines are missing.
    fn missing(&self) -> Vec<String> {
        let table = shown(&self.d);
        let ours = self.ours.iter().filter(|line| !table.contains(line));
        ours.cloned().collect()
    }

    fn see(&mut self, command: &str) -> Outcome {
        let since = Stamp::now();
        let done = by_hand(&self.d, command);
        let words = command.trim_start_matches("ipvsadm ");
        if words.starts_with("-A") || words.starts_with("-a") {
            for_the_next(LONG, "it is left", || {
                saved(&self.d).iter().any(|line| line == words)
            });
            assert_eq!(self.missing(), [""; 0], "{command}");
            assert_eq!(self.d.log.count_since("others have", since), 0, "{command}");
            return Outcome::Left;
        }
        // What is to be put back is told of, however late the guard looks: from then on it counts.
        let told = "IPVS: others have ";
        if self.d.daemon == Daemon::Steadfast {
            // `ipvsadm` takes longer than the guard on a busy machine.
            let at = self.d.log.wait(told, since, GUARDED);
            told_in_time(command, done, at);
            self.quickest = self.quickest.min(at - done);
        }
        // One look more when the time is over: on a busy machine a look takes long, and its beginning counts.
        let begun = Stamp::now();
        let missing = loop {
            let last = begun.elapsed() >= LONG;
            let missing = self.missing();
            if missing.is_empty() || last {
                break missing;
            }
        };
        let changed = words.starts_with("-e") || words.starts_with("--set");
        let outcome = match (missing.is_empty(), changed) {
            (true, _) => Outcome::PutBack,
            (false, true) => Outcome::Stays,
            (false, false) => Outcome::StaysGone,
        };
        note(
            &self.d.name,
            format!("{command}: {outcome}, seen {} after it", ms(done.elapsed())),
        );
        if self.d.daemon == Daemon::Steadfast {
            let count = self.d.log.count_since(told, since);
            // In the middle of a look the table is emptied for the next one, too.
            let most = if words == "-C" { 2 } else { 1 };
            assert!(count <= most, "{command}: {count} lines tell of it");
        } else if outcome == Outcome::StaysGone {
            self.stays_gone(words, &missing);
        }
        self.restore(words, &missing);
        outcome
    }

    /// Neither what checks find nor a reload brings it back.
    fn stays_gone(&self, words: &str, missing: &[String]) {
        let since = Stamp::now();
        for (command, told) in [("touch", "Removing"), ("rm", "Adding")] {
            self.d.run(&[command, BAD]);
            for service in ["192.0.2.1", "192.0.2.2"] {
                let line = format!("{told} service [198.51.100.1]:tcp:80 ");
                let of = format!(" VS [{service}]:tcp:80");
                wait_for(format!("{line}...{of}"), 2 * SOON, || {
                    let lines = self.d.log.lines();
                    let mut lines = lines.iter().filter(|(at, _)| *at >= since);
                    lines
                        .any(|(_, l)| l.contains(&line) && l.contains(&of))
                        .then_some(())
                });
            }
        }
        self.d.signal(Signal::SIGHUP);
        if words.starts_with("--stop-daemon") {
            // A reload begins them anew.
            return wait_for("the daemon after a reload", SOON, || {
                self.missing().is_empty().then_some(())
            });
        }
        for_the_next(LONG, format!("{words}: stays gone"), || {
            let now = self.missing();
            missing.iter().all(|line| now.contains(line))
        });
        // The server that has recovered has no service to be added to.
        let refused = "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error";
        if missing.iter().any(|line| line.starts_with("-A")) {
            self.d.log.wait(refused, since, SOON);
        } else {
            assert_eq!(self.d.log.count_since(refused, since), 0, "{words}");
        }
    }

    /// What is not ours has survived; everything is as it was for the next event.
    fn restore(&self, words: &str, missing: &[String]) {
        let table = saved(&self.d);
        let went: Vec<&str> = FOREIGN
            .into_iter()
            .chain([ADDED])
            .filter(|line| !table.iter().any(|one| one == line))
            .collect();
        let may: &[&str] = match words {
            "-C" => &[FOREIGN[0], FOREIGN[1], ADDED],
            "-D -t 192.0.2.1:80" => &[ADDED],
            _ => &[],
        };
        assert_eq!(went, may, "{words}: what is not ours");
        for line in missing.iter().map(String::as_str).chain(went) {
            let again = match line.split(' ').next() {
                Some("Timeout") => "--set 100 11 7".to_owned(),
                Some("master") => "--start-daemon master --mcast-interface eth0 --syncid 4".to_owned(),
                _ if words.starts_with("-e") => line.replacen("-a", "-e", 1),
                _ => line.to_owned(),
            };
            // keepalived may be faster by now.
            let all = Vec::from_iter(["ipvsadm"].into_iter().chain(again.split(' ')));
            let _ = self.d.attempt(10, &all);
        }
        wait_for(format!("everything to be as before {words}"), 2 * SOON, || {
            let table = saved(&self.d);
            let theirs = FOREIGN
                .iter()
                .chain([&ADDED])
                .all(|line| table.iter().any(|one| one == line));
            (theirs && self.missing().is_empty()).then_some(())
        });
    }

    /// What the JSON dump says was put back: by `-D`, `-C`, `-d` and `--stop-daemon`, and to repair `-e` and `--set`.
    fn counted(&self) {
        let file = "/tmp/keepalived.json";
        self.d.signal_number(libc::SIGRTMIN() + 2);
        let dump: serde_json::Value =
            wait_for("the dump", SOON, || serde_json::from_str(&self.d.read(file)).ok());
        let changes = if self.repairs { 2 } else { 0 };
        let counts = serde_json::json!({
            "services": 3, "real_servers": 1, "sync_daemons": 1, "changes": changes
        });
        assert_eq!(dump["ipvs_put_back"], counts, "{}", self.d.name);
    }

    fn end(mut self) {
        if self.d.daemon == Daemon::Steadfast {
            self.counted();
            let quickest = self.quickest;
            assert!(quickest <= PROMPT, "{}: only after {quickest:?}", self.d.name);
        }
        assert_eq!(self.d.stop(), Some(0), "exit code");
        assert_eq!(saved(&self.d), FOREIGN, "left by {}", self.d.name);
    }
}
