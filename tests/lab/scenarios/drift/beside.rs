//! What others do to a MASTER by hand, beside keepalived: each event has the outcome that the table of docs/drift.md tells, and
//! the services of IPVS on the same director do not notice, whoever has made them.

use std::time::Duration;

use super::super::conf::{GLOBAL, Instance, vip};
use super::super::expect::{self, EARLY, SOON};
use super::super::ipvs::saved;
use super::documented::{self, Column, Outcome, columns};
use super::{
    BACKUP, FOREIGN, MASTER, beside_ipvs, by_hand, fell, ipvsadm, prompt, services, usual_rules, vmac,
};
use crate::site::{self, Daemon, Director, Site, v4};
use crate::timeline::{Stamp, ms, note, wait_for};

/// Something that others do.
pub struct Event {
    /// As its row begins.
    pub row: &'static str,
    /// Each is tried by itself.
    commands: &'static [Command],
}

/// What is done, what is gone then (as `ip` shows it), and what undoes it.
type Command = (&'static str, &'static str, &'static str);

const ADDRESS: Event = Event {
    row: "`ip address delete` of a virtual address",
    commands: &[
        ("ip address delete 192.0.2.101/24 dev eth0", "192.0.2.101/24", ""),
        (
            "ip address delete 203.0.113.100/24 dev vips",
            "203.0.113.100/24",
            "",
        ),
    ],
};

pub const EVENTS: &[Event] = &[
    ADDRESS,
    Event {
        row: "`ip address flush dev` of an interface that has virtual addresses only",
        commands: &[("ip -4 address flush dev vips", "203.0.113.100/24", "")],
    },
    Event {
        row: "`ip address flush dev` of the interface that adverts leave from",
        commands: &[(
            "ip -4 address flush dev eth0",
            "192.0.2.100/24",
            "ip address add 192.0.2.1/24 dev eth0",
        )],
    },
    Event {
        row: "`ip route delete` of a virtual route",
        commands: &[
            ("ip route delete 198.51.100.0/24", "198.51.100.0/24", ""),
            // The kernel removes it with the last address of the interface, and tells nobody.
            ("ip route delete 10.60.0.0/16", "10.60.0.0/16", ""),
            // And this one with its source.
            ("ip route delete 10.61.0.0/16", "10.61.0.0/16", ""),
        ],
    },
    Event {
        row: "`ip rule flush`",
        commands: &[("ip rule flush", "lookup 77", RULES)],
    },
    Event {
        row: "interface down, and up again",
        commands: &[("ip link set eth0 down", "192.0.2.100/24", "ip link set eth0 up")],
    },
    Event {
        row: "a static entry is removed",
        commands: &[
            ("ip address delete 10.50.0.1/24 dev still", "10.50.0.1/24", ""),
            ("ip route delete 10.52.0.0/16", "10.52.0.0/16", ""),
            ("ip rule delete priority 5100", "lookup 78", ""),
        ],
    },
    Event {
        row: "a static address is removed that was the last one of its interface: the kernel removes the routes there, and tells nobody",
        commands: &[(
            "ip address delete 10.51.0.1/24 dev bare",
            "10.54.0.0/16",
            "ip route add 10.54.0.0/16 dev bare",
        )],
    },
];

/// Stands for those of every host.
const RULES: &str = "the usual rules";

const STATICS: &str = "static_ipaddress {
    10.50.0.1/24 dev still
    10.51.0.1/24 dev bare
}
static_routes {
    10.52.0.0/16 dev still
    10.54.0.0/16 dev bare
}
static_rules {
    from 10.53.0.0/16 table 78 priority 5100
}
";

fn instance(priority: u8) -> Instance<'static> {
    Instance {
        priority,
        more: "virtual_routes {
        198.51.100.0/24 via 192.0.2.12 dev eth0
        10.60.0.0/16 dev vips
        10.61.0.0/16 dev eth0 src 192.0.2.101
    }
    virtual_rules {
        from 203.0.113.0/24 table 77 priority 5000
    }",
        addresses: &["192.0.2.100/24", "192.0.2.101/24", "203.0.113.100/24 dev vips"],
        // So long the other one has patience with who has fallen back.
        interval: 1000,
        ..Instance::default()
    }
}

/// What does not come back by then stays away: longer than a second that a guest stands still meanwhile.
const LONG: Duration = Duration::from_secs(5);

struct Stage {
    site: Site,
    d1: Director,
    d2: Director,
    /// The table of IPVS.
    services: Vec<String>,
}

/// Facts: 2.14, 2.16, 2.21
pub fn master() {
    let columns = columns();
    let mut stage = stage();
    let mut seen: Vec<(&str, Vec<Outcome>)> = Vec::new();
    for column in &columns {
        note("lab", format!("-- column {}", column.name));
        stage.begin(column);
        for event in EVENTS {
            let mut outcomes = event.commands.iter().map(|command| stage.see(command));
            let outcome = outcomes.next().expect("a command");
            for other in outcomes {
                assert_eq!(other, outcome, "{}", event.row);
            }
            note("lab", format!("{}, {}: {outcome}", event.row, column.name));
            match seen.iter_mut().find(|(row, _)| *row == event.row) {
                Some((_, outcomes)) => outcomes.push(outcome),
                None => seen.push((event.row, vec![outcome])),
            }
        }
        stage.end();
    }
    let elsewhere = beside_ipvs::EVENTS.iter().map(|event| event.row);
    documented::compare(&seen, &columns, &Vec::from_iter(elsewhere.chain([vmac::ROW])));
}

/// The BACKUP at work, and the director whose daemon is to come.
fn stage() -> Stage {
    let (site, d1, mut d2) = site::pair(0);
    for director in [&d1, &d2] {
        director.ip(
            "link add vips type dummy\nlink set vips up\nlink add bare type dummy\nlink set bare up\n\
                 link add still type dummy\nlink set still up\naddress add 10.49.0.1/24 dev still\n",
        );
    }
    d2.daemon = Daemon::Keepalived;
    d2.run_with(&format!("{GLOBAL}{}", instance(BACKUP)));
    FOREIGN.iter().for_each(|words| ipvsadm(&d1, words));
    Stage {
        site,
        d1,
        d2,
        services: Vec::new(),
    }
}

impl Stage {
    /// The daemon of this column becomes MASTER.
    fn begin(&mut self, column: &Column) {
        let Self { site, d1, d2, .. } = self;
        d1.daemon = column.daemon;
        let global = GLOBAL.replacen("{", &format!("{{\n    {}", column.global), 1);
        d1.run_with(&format!("{global}{STATICS}{}{}", instance(MASTER), services()));
        expect::settled(&site.wire, d1, d2, &instance(MASTER), vip());
        self.services = wait_for("all services", 2 * SOON, || {
            let table = saved(d1);
            (table.len() == 6 + FOREIGN.len()).then_some(table)
        });
        self.whole();
    }

    /// What is not ours is all that is left.
    fn end(&mut self) {
        assert_eq!(self.d1.stop(), Some(0), "exit code");
        assert_eq!(saved(&self.d1), FOREIGN, "left by {:?}", self.d1.daemon);
        self.d2.wait_holds(vip(), SOON);
    }

    fn shown(&self) -> String {
        let all = "ip -4 -o address; ip -4 route show; ip -4 rule show";
        self.d1.run(&["sh", "-c", all])
    }

    #[track_caller]
    fn whole(&self) {
        let mut last = Vec::new();
        wait_for("everything that it has", 2 * SOON, || {
            let shown = self.shown();
            let all = EVENTS.iter().flat_map(|event| event.commands);
            let missing = all.map(|(_, entry, _)| *entry);
            let missing = Vec::from_iter(missing.filter(|entry| !shown.contains(entry)));
            if missing != last {
                note("lab", format!("missing: {missing:?}"));
            }
            last = missing;
            last.is_empty().then_some(())
        });
    }

    /// Does it, sees what comes of it, and undoes it.
    fn see(&self, command: &Command) -> Outcome {
        let (words, entry, undo) = *command;
        let Self { site, d1, .. } = self;
        let since = Stamp::now();
        let done = by_hand(d1, words);
        let (mut missed, mut there) = (done, None);
        let (outcome, at) = wait_for(format!("the outcome of {words}"), 2 * SOON, || {
            if there.is_none() {
                let asked = Stamp::now();
                if self.shown().contains(entry) {
                    // On a busy machine a look takes long: it came after the one before had begun.
                    there = Some((missed, asked));
                } else {
                    missed = asked;
                }
            }
            self.outcome(since, missed, there)
        });
        note("lab", format!("{words}: {outcome}, {} after it", ms(at - done)));
        assert!(
            at - done <= prompt(done, at),
            "{words}: {outcome} only after {:?}",
            at - done
        );
        if outcome == Outcome::Fault {
            self.other_takes_over(since);
        }
        match undo {
            _ if outcome == Outcome::PutBack && undo != RULES => {}
            "" => {}
            _ if outcome == Outcome::StaysGone => drop(by_hand(d1, undo)),
            RULES => usual_rules(d1),
            _ => {
                let begun = Stamp::now();
                let back = by_hand(d1, undo);
                let (again, _) = site.wire.next_advert("d1", back, 2 * SOON);
                let due = instance(MASTER).down_time();
                note("lab", format!("{undo}: MASTER {} after it", ms(again - back)));
                assert!(
                    again - begun + EARLY >= due,
                    "{undo}: MASTER after {:?}",
                    again - begun
                );
                assert!(
                    again - back <= due + prompt(back, again),
                    "{undo}: MASTER after {:?}",
                    again - back
                );
            }
        }
        if undo == RULES && outcome == Outcome::FallsBack {
            // The route through a gateway went with the rules of the host, and comes with the next transition.
            d1.wait_holds(v4(0, 101), SOON);
            by_hand(d1, ADDRESS.commands[0].0);
        }
        self.whole();
        if outcome != Outcome::Fault {
            let taken = site.wire.adverts_after("d2", since);
            assert!(taken.is_empty(), "{words}: d2 took over");
        }
        assert_eq!(saved(d1), self.services, "{words}");
        outcome
    }

    /// The other one is MASTER, and has told everybody.
    fn other_takes_over(&self, since: Stamp) {
        let (first, _) = self.site.wire.next_advert("d2", since, 2 * SOON);
        match fell(&self.site, "d1", since) {
            Some(zero) => note("lab", format!("d2 spoke {} after priority 0", ms(first - zero))),
            None => note("lab", "no priority 0 was heard"),
        }
        self.d2.wait_holds(vip(), SOON);
        self.d1.wait_lacks(vip(), SOON);
    }

    /// What has come of it, and when, once that is known. What was removed was `missed` in a look that began then; it is
    /// `there` again since the first of these, and was seen in a look that began with the second.
    fn outcome(
        &self,
        since: Stamp,
        missed: Stamp,
        there: Option<(Stamp, Stamp)>,
    ) -> Option<(Outcome, Stamp)> {
        let Self { site, d1, .. } = self;
        let lines = d1.log.lines();
        let fault = lines
            .iter()
            .find(|(at, line)| *at >= since && line.contains("(VI_1) Entering FAULT STATE"));
        if let Some((at, _)) = fault {
            return Some((Outcome::Fault, *at));
        }
        if there.is_none() && missed - since > LONG {
            return Some((Outcome::StaysGone, since));
        }
        // Two adverts of a MASTER on: it had its time to say 0. Who has said it is MASTER again with one.
        let (there, seen) = there?;
        let adverts = site.wire.adverts_after("d1", seen);
        let spoken = adverts.iter().filter(|(_, advert)| advert.priority == MASTER);
        match (spoken.count(), fell(site, "d1", since)) {
            (1.., Some(zero)) => Some((Outcome::FallsBack, zero)),
            (2.., None) => Some((Outcome::PutBack, there)),
            _ => None,
        }
    }
}
