//! Random faults of a mixed pair: after each round exactly one master holds each address, and it is the right one.
//!
//! `LAB_SEED` repeats a run's choices (not its timing), `LAB_TIME` says how many seconds it takes: `make soak` has both.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::conf::{GLOBAL, Instance};
use super::expect::late;
use crate::guest::SHARED;
use crate::site::{self, Daemon, Director, Site, v4, v6};
use crate::timeline::{Stamp, for_the_next, note, wait_for};

/// How long it takes unless `LAB_TIME` says otherwise.
const TIME: Duration = Duration::from_secs(60);
/// After the last fault: version 2 takes over in less than 4 seconds, a restarted director's interfaces and scripts are
/// ready in one, and a busy machine may need several times as long.
const QUIET: Duration = Duration::from_secs(30);
/// So long nobody else has said that he is master, and all is as it should be.
const CALM: Duration = Duration::from_secs(1);
const GOES_ON: &str = "taking over MASTER of the previous run, whose last advert left";
/// The file by which the host tells the guest.
const ORDER: &str = "chaos";

/// What the host gives the guest: seed and seconds.
pub fn bring(shared: &Path) {
    let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let seed = given("LAB_SEED").unwrap_or_else(|| Stamp::now().0.subsec_nanos().to_string());
    let time = given("LAB_TIME").unwrap_or_else(|| TIME.as_secs().to_string());
    fs::write(shared.join(ORDER), format!("{seed} {time}")).expect("the order of a scenario");
}

/// The pair: steadfast has the higher priority in half of the instances, keepalived in the other half.
pub fn mixed() {
    let order = fs::read_to_string(format!("{SHARED}/{ORDER}")).expect("an order");
    let (seed, time) = order.split_once(' ').expect("seed and time");
    let seed: u64 = seed.parse().expect("LAB_SEED is a number");
    let time = Duration::from_secs(time.parse().expect("LAB_TIME is a number"));
    note("lab", format!("seed {seed}"));
    let mut pair = Pair::start();
    let mut random = Random(seed);
    let began = Stamp::now();
    let mut round = 0;
    pair.settle("the beginning");
    while began.elapsed() < time {
        round += 1;
        let name = format!("round {round} of seed {seed}");
        note("lab", &name);
        for _ in 0..=random.below(4) {
            pair.disturb(&mut random);
            sleep(Duration::from_millis(random.below(2500)));
        }
        pair.judge(&name);
        pair.repair();
        pair.settle(&name);
        if random.below(2) == 0 {
            pair.restart(0);
            pair.settle(&name);
        }
        pair.site.wire.forget();
    }
    let resumed = pair.directors[0].log.text().matches(GOES_ON).count();
    note(
        "lab",
        format!("seed {seed}: {round} rounds, {resumed} times an instance went on"),
    );
    for director in &pair.directors {
        let text = director.log.text();
        assert!(!text.contains("panicked"), "{}: {text}", director.name);
    }
}

struct Pair {
    site: Site,
    directors: [Director; 2],
    states: [Condition; 2],
}

/// What is wrong with a director.
#[derive(Clone, Copy, Default)]
struct Condition {
    dead: bool,
    paused: bool,
    cut: bool,
    lossy: bool,
}

impl Condition {
    fn runs(self) -> bool {
        !self.dead && !self.paused
    }

    fn connected(self) -> bool {
        !self.cut && !self.lossy
    }
}

/// An instance: whose priority is higher, and its lines.
struct Contest {
    winner: usize,
    instance: Instance<'static>,
    /// Whether it speaks to its peer's address only.
    unicast: bool,
    address: IpAddr,
}

fn contests() -> Vec<Contest> {
    let contest = |winner, name, vrid, version, addresses, unicast, address| Contest {
        winner,
        instance: Instance {
            name,
            vrid,
            version,
            // A backup waits longer than a busy machine stands still.
            interval: if version == 2 { 1000 } else { 800 },
            addresses,
            ..Instance::default()
        },
        unicast,
        address,
    };
    vec![
        contest(0, "TWO", 51, 2, &["192.0.2.151/24"], false, v4(0, 151)),
        contest(1, "TWO_PEER", 52, 2, &["192.0.2.152/24"], true, v4(0, 152)),
        contest(1, "THREE", 53, 3, &["192.0.2.153/24"], false, v4(0, 153)),
        contest(0, "THREE_PEER", 54, 3, &["192.0.2.154/24"], true, v4(0, 154)),
        contest(
            0,
            "SIX",
            55,
            3,
            &["fe80::155", "2001:db8::155/64"],
            false,
            v6(0, 155),
        ),
        contest(
            1,
            "SIX_OTHER",
            56,
            3,
            &["fe80::156", "2001:db8::156/64"],
            false,
            v6(0, 156),
        ),
    ]
}

fn configuration(own: usize) -> String {
    let host = |which: usize| v4(0, if which == 0 { 1 } else { 2 });
    let mut text = GLOBAL.to_owned();
    for contest in contests() {
        let peers = format!(
            "unicast_src_ip {}\n    unicast_peer {{\n        {}\n    }}",
            host(own),
            host(1 - own)
        );
        let instance = Instance {
            priority: if contest.winner == own { 150 } else { 100 },
            more: if contest.unicast { &peers } else { "" },
            ..contest.instance
        };
        text += &instance.to_string();
    }
    text
}

/// Starts the daemon and waits until it has begun, as BACKUP or where it was: a signal before would end it as it ends any program.
#[track_caller]
fn begin(director: &mut Director) {
    let since = Stamp::now();
    director.start();
    director.log.wait(") Entering ", since, QUIET);
}

impl Pair {
    fn start() -> Self {
        let (site, mut d1, mut d2) = site::pair(0);
        (d1.daemon, d2.daemon) = (Daemon::under_test(), Daemon::Keepalived);
        d1.run_with(&configuration(0));
        d2.run_with(&configuration(1));
        Self {
            site,
            directors: [d1, d2],
            states: [Condition::default(); 2],
        }
    }

    /// One more fault, or the end of one.
    fn disturb(&mut self, random: &mut Random) {
        let which = random.below(2) as usize;
        let (director, state) = (&mut self.directors[which], &mut self.states[which]);
        let port = director.name.clone();
        match random.below(9) {
            7 | 8 if state.runs() => self.restart(which),
            0 | 1 if state.runs() => {
                director.kill();
                state.dead = true;
            }
            0 | 1 if state.dead => {
                begin(director);
                state.dead = false;
            }
            2 if state.runs() => {
                assert_eq!(director.stop(), Some(0), "exit code of {port}");
                state.dead = true;
            }
            3 if state.runs() => {
                director.pause();
                state.paused = true;
            }
            3 if state.paused => {
                director.resume();
                state.paused = false;
            }
            4 if !state.cut => {
                self.site.switch.cut(&port);
                state.cut = true;
            }
            4 => {
                self.site.switch.mend(&port, 0);
                state.cut = false;
            }
            5 if !state.lossy => {
                self.site.switch.mute(&port);
                state.lossy = true;
            }
            6 if !state.lossy => {
                self.site.switch.deafen(&port);
                state.lossy = true;
            }
            _ => {}
        }
    }

    /// Killed, and started at once. What ours goes on with in time nobody else has said that it is master of.
    #[track_caller]
    fn restart(&mut self, which: usize) {
        let director = &mut self.directors[which];
        if director.daemon == Daemon::Keepalived {
            director.kill();
            return begin(director);
        }
        let calm = self.states.iter().all(|state| state.runs() && state.connected());
        let before = Stamp(Stamp::now().0.saturating_sub(CALM));
        let held = self.directors[which].addresses();
        let mut settled = contests();
        settled.retain(|contest| {
            let alone = self.said(1 - which, contest, before).is_empty();
            calm && alone && contest.winner == which && held.contains(&contest.address)
        });
        let director = &mut self.directors[which];
        let gone = Stamp::now();
        director.supplant();
        for contest in contests() {
            let entering = format!("({}) Entering ", contest.instance.name);
            director.log.wait(&entering, gone, QUIET);
        }
        for contest in &settled {
            self.judge_restart(which, contest, gone);
        }
    }

    #[track_caller]
    fn judge_restart(&self, which: usize, contest: &Contest, gone: Stamp) {
        let name = contest.instance.name;
        let line = format!("({name}) {GOES_ON}");
        let lines = self.directors[which].log.lines();
        let Some(age) = lines
            .iter()
            .rev()
            .take_while(|(at, _)| *at >= gone)
            .find_map(|(_, text)| {
                let (_, age) = text.split_once(&line)?;
                age.trim().strip_suffix(" s ago")?.parse::<f64>().ok()
            })
        else {
            // It was too late.
            return;
        };
        let first = wait_for(format!("an advert of {name}"), QUIET, || {
            self.said(which, contest, gone).first().copied()
        });
        let mut before = self.said(which, contest, Stamp(Duration::ZERO)).into_iter();
        let last = before.rfind(|at| *at <= gone);
        // As long as it takes a busy backup to hear it, a backup may be of another opinion: not if half of its patience was left.
        let patience = contest.instance.down_time();
        let from = if last.is_some_and(|last| first - last < patience / 2) {
            gone
        } else {
            first + late(first, Stamp::now())
        };
        for_the_next(
            ((from + patience) - Stamp::now()).max(CALM / 3),
            format!("{name} goes on after {age} s alone"),
            || self.said(1 - which, contest, from).is_empty(),
        );
        note("lab", format!("{name} went on after {age} s"));
    }

    /// When a director said since then that it is master of that.
    fn said(&self, which: usize, contest: &Contest, since: Stamp) -> Vec<Stamp> {
        let adverts = self.site.wire.adverts_after(&self.directors[which].name, since);
        let adverts = adverts
            .into_iter()
            .filter(|(_, advert)| advert.vrid == contest.instance.vrid);
        adverts.map(|(at, _)| at).collect()
    }

    /// With whatever is wrong now: who runs alone, or hears nobody, holds everything.
    fn judge(&self, round: &str) {
        let [first, second] = self.states;
        for (which, own, other) in [(0, first, second), (1, second, first)] {
            let alone = !other.runs() || own.cut || other.cut;
            if own.runs() && alone {
                let director = &self.directors[which];
                wait_for(
                    format!("{round}: {} alone to hold everything", director.name),
                    QUIET,
                    || {
                        let held = director.addresses();
                        contests()
                            .iter()
                            .all(|contest| held.contains(&contest.address))
                            .then_some(())
                    },
                );
            }
        }
        if first.runs() && second.runs() && first.connected() && second.connected() {
            self.settle(round);
        }
    }

    fn repair(&mut self) {
        for (director, state) in self.directors.iter_mut().zip(&mut self.states) {
            let port = director.name.clone();
            if state.cut {
                self.site.switch.mend(&port, 0);
            }
            if state.lossy {
                self.site.switch.heal(&port);
            }
            if state.paused {
                director.resume();
            }
            if state.dead {
                begin(director);
            }
            *state = Condition::default();
        }
    }

    /// Waits until each address is held, and said to be held, by the director of the higher priority alone; for a second.
    #[track_caller]
    fn settle(&self, round: &str) {
        let mut since = None;
        wait_for(
            format!("{round}: one master of each instance, the right one"),
            QUIET,
            || {
                let began = *since.get_or_insert_with(Stamp::now);
                let good = self.right() && self.quiet(began);
                if !good {
                    since = None;
                }
                (good && began.elapsed() > Duration::from_secs(1)).then_some(())
            },
        );
    }

    fn right(&self) -> bool {
        let held = [0, 1].map(|which| self.directors[which].addresses());
        contests().iter().all(|contest| {
            let address = &contest.address;
            held[contest.winner].contains(address) && !held[1 - contest.winner].contains(address)
        })
    }

    /// Whether nobody but the masters has spoken since.
    fn quiet(&self, since: Stamp) -> bool {
        self.directors.iter().enumerate().all(|(which, director)| {
            let said = self.site.wire.adverts_after(&director.name, since);
            said.iter().all(|(_, advert)| {
                contests()
                    .iter()
                    .any(|contest| contest.instance.vrid == advert.vrid && contest.winner == which)
            })
        })
    }
}

/// Numbers that follow from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
