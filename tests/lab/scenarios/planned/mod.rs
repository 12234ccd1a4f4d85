//! What `steadfast plan` says of an edit, and what comes of its reload: every write to the kernel, every announcement and every
//! advert, compared edit by edit.

mod model;
mod pairs;
mod routers;
mod said;
mod services;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use self::model::{Router, State};
use self::pairs::Edit;
use self::said::{Said, Words};
use super::expect::SOON;
use crate::site::{self, Daemon, Director, PID_FILES, Site, Tap, Write};
use crate::timeline::{Stamp, note, stalled, wait_for, wait_quiet};
use crate::wire::{Content, Control, Seen};

/// What a link of IPv6 sends adverts from: the address of the interface below it.
const OWN: &str = "address fe80::ff:fe00:1/64 dev ";

/// How long nothing more may come: longer than any interval.
const CALM: Duration = Duration::from_millis(250);

/// How long what was said may be on its way: longer than any interval, and than it takes to be MASTER.
const PATIENCE: Duration = Duration::from_secs(8);

/// Unicast peers and BFD neighbors.
const NEIGHBORS: [&str; 4] = ["192.0.2.41", "192.0.2.42", "2001:db8::41", "2001:db8::42"];

/// A director whose doings are recorded.
struct Stage {
    site: Site,
    d1: Director,
    tap: Tap,
    /// Virtual servers whose sorry server serves.
    sorry: BTreeSet<String>,
}

/// What was seen of one reload.
struct Record {
    writes: Vec<Write>,
    frames: Vec<Seen>,
    transitions: Value,
    done: Stamp,
}

/// The plain ones.
pub fn observed() {
    assert!(pairs::ALL.len() >= 50);
    each(pairs::base(), pairs::ALL);
}

/// What virtual routers have beside addresses of IPv4 on an interface.
pub fn routers() {
    each(routers::base(), routers::ALL);
}

/// What IPVS has beside services by their addresses.
pub fn services() {
    each(services::base(), services::ALL);
}

/// An instance that a reload brings finds what an earlier run of a daemon has left, and what somebody else has: the one goes,
/// as at a start, the other stays, and nothing is asked for that is not there.
///
/// Facts: 1.31
pub fn left_overs() {
    let mut state = routers::base();
    let stage = Stage::set(&state);
    for left in [
        "address add 192.0.2.140/24 dev eth0",
        "route add 10.60.0.0/16 via 192.0.2.7 dev eth0 proto 18",
        "rule add from 10.61.0.0/16 table 7 preference 160 protocol 18",
        // Of somebody else.
        "route add 10.62.0.0/16 via 192.0.2.7 dev eth0 proto static",
        "rule add from 10.63.0.0/16 table 7 preference 161",
    ] {
        stage.d1.ip(&format!("{left}\n"));
    }
    let mut router = Router::new("VI_L", 55, 100, &["192.0.2.140/24", "192.0.2.141/24"]);
    let ways = |entries: [&str; 3]| entries.map(Into::into).to_vec();
    router.goods.routes = ways([
        "10.60.0.0/16 via 192.0.2.7 dev eth0",
        "10.62.0.0/16 via 192.0.2.7 dev eth0",
        "10.64.0.0/16 via 192.0.2.7 dev eth0 table 9",
    ]);
    router.goods.rules = ways([
        "from 10.61.0.0/16 table 7 preference 160",
        "from 10.63.0.0/16 table 7 preference 161",
        "from 10.65.0.0/16 table 7 preference 162",
    ]);
    state.routers.push(router.clone());
    stage.d1.configure(&state.text());
    let count = stage.tap.count();
    let (status, answer) = stage.reload(&["--wait", "--require-hitless"]);
    assert_eq!(status, Some(0), "{answer}");
    let held = router.held();
    wait_for("it to be MASTER", 2 * SOON, || {
        is_put(&held, &stage.tap.since(count)).then_some(())
    });
    let mut gone: Vec<String> = stage
        .tap
        .since(count)
        .into_iter()
        .filter(|write| write.sign == '-')
        .map(|write| write.what)
        .collect();
    gone.sort();
    let left = [
        "address 192.0.2.140/24 dev eth0",
        "route 10.60.0.0/16 via 192.0.2.7 table 254",
        "rule 160 from 10.61.0.0/16 table 7",
    ];
    assert_eq!(gone, left);
}

/// Each edit of the table: `plan` is asked, the reload is recorded, and both say the same.
fn each(mut state: State, edits: &[Edit]) {
    let mut stage = Stage::set(&state);
    let mut wrong = Vec::new();
    for edit in edits {
        let before = state.clone();
        (edit.make)(&mut state);
        let asked = Stamp::now();
        let faults = stage.compare(&before, &state);
        note(
            edit.name,
            format!("{} ms, {faults:?}", asked.elapsed().as_millis()),
        );
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", edit.name)));
    }
    let count = edits.len();
    assert!(wrong.is_empty(), "of {count} pairs:\n{}", wrong.join("\n"));
}

impl Stage {
    /// One director, which runs `state` and is MASTER of all.
    fn set(state: &State) -> Self {
        let (site, mut d1) = site::single(0);
        d1.daemon = Daemon::Steadfast;
        d1.ip("link add dummy0 type dummy\nlink set dummy0 up\n");
        // Nobody answers there, and what is sent to them is seen all the same.
        for end in NEIGHBORS {
            d1.ip(&format!(
                "neigh add {end} lladdr 02:00:00:00:00:63 dev eth0 nud permanent\n"
            ));
        }
        let tap = Tap::on(&d1);
        d1.run_with(&state.text());
        let stage = Self {
            site,
            d1,
            tap,
            sorry: BTreeSet::new(),
        };
        stage.settle(state);
        stage
    }

    /// Waits until all routers are MASTER and all is in the kernel.
    fn settle(&self, state: &State) {
        wait_for("all to be MASTER", 2 * SOON, || {
            let heard = self.heard(Stamp(Duration::ZERO));
            let writes = self.tap.since(0);
            // The first advert may be before what a MASTER holds.
            let all = state
                .routers
                .iter()
                .all(|router| heard.contains_key(&router.vrid) && is_put(&router.held(), &writes));
            let services = state.services.iter();
            let reals: usize = services
                .map(|service| state.keys(&service.name()).len() * service.servers.len())
                .sum();
            let services = self.d1.ipvs().services;
            let there: usize = services.iter().map(|service| service.destinations.len()).sum();
            (all && there == reals).then_some(())
        });
        wait_quiet(CALM, 2 * SOON, || self.tap.count());
        let writes = self.tap.since(0);
        assert!(
            writes
                .iter()
                .any(|write| write.what.starts_with("address 192.0.2.100")),
            "the tap sees nothing: {writes:?}"
        );
    }

    /// The latest advert of each router since `since`.
    fn heard(&self, since: Stamp) -> BTreeMap<u8, Words> {
        let frames = self.site.wire.from("d1");
        let late = frames.iter().filter(|seen| seen.at > since);
        late.filter_map(Words::of).collect()
    }

    /// What was sent last in the BFD session with each neighbor, since `since`.
    fn controls(&self, since: Stamp) -> BTreeMap<IpAddr, Control> {
        let frames = self.site.wire.from("d1");
        let late = frames.iter().filter(|seen| seen.at > since);
        let controls = late.filter_map(|seen| match seen.content {
            Content::Control(control) => Some((control.destination, control)),
            Content::Advert(_) | Content::Announcement { .. } => None,
        });
        controls.collect()
    }

    /// What differs between what was said and what was seen.
    fn compare(&mut self, before: &State, after: &State) -> Vec<String> {
        self.d1.configure(&after.text());
        let diff = self.plan();
        let heard = self.heard(Stamp(Duration::ZERO));
        let heard = heard
            .into_iter()
            .filter(|(vrid, _)| before.routers.iter().any(|router| router.vrid == *vrid))
            .collect();
        let controls = self.controls(Stamp(Duration::ZERO));
        let said = said::all(&diff, before, after, &heard, &self.sorry);
        let mut faults = if said.hitless {
            Vec::new()
        } else {
            self.refused(&heard)
        };
        faults.extend(self.record(&said, |record| {
            let mut faults = judge(&said, record, &heard);
            faults.extend(sessions(&said, record, &controls));
            faults
        }));
        self.sorry.clone_from(&said.sorry);
        if !faults.is_empty() {
            faults.push(format!("the plan was {diff}"));
        }
        faults
    }

    fn plan(&self) -> Value {
        let daemon = self.d1.daemon.program();
        let words = [daemon, "plan", "--format", "json", "-p", PID_FILES[0]];
        let told = self.d1.attempt(20, &words);
        // With 5 there is something to be said of the file.
        assert!(matches!(told.status, Some(0 | 3 | 5)), "{told:?}");
        let diff: Value = serde_json::from_str(&told.stdout).expect("JSON");
        let flaps = diff["hitless"] == false;
        assert!(
            told.status == Some(5) || (told.status == Some(3)) == flaps,
            "{told:?}"
        );
        diff
    }

    /// What nobody may notice is refused, with the reason, and leaves everything as it was.
    fn refused(&self, heard: &BTreeMap<u8, Words>) -> Vec<String> {
        let (count, began) = (self.tap.count(), Stamp::now());
        let (status, answer) = self.reload(&["--require-hitless"]);
        std::thread::sleep(CALM);
        let mut faults = Vec::new();
        let why = answer["error"].as_str().unwrap_or_default();
        let named = why
            .strip_prefix("The reload would not be hitless: ")
            .is_some_and(|what| !what.is_empty());
        if status != Some(3) || answer["adopted"] != false || !named {
            faults.push(format!("it was to be refused: {status:?}, {answer}"));
        }
        let writes = self.tap.since(count);
        if !writes.is_empty() {
            faults.push(format!("refused, and yet {}", show(&writes)));
        }
        for seen in self.site.wire.from("d1") {
            let same = match &seen.content {
                Content::Advert(_) => {
                    Words::of(&seen).is_some_and(|(vrid, words)| heard.get(&vrid) == Some(&words))
                }
                Content::Announcement { .. } => false,
                Content::Control(_) => true,
            };
            if seen.at > began && !same {
                faults.push(format!("refused, and yet {:?}", seen.content));
            }
        }
        faults
    }

    fn reload(&self, more: &[&str]) -> (Option<i32>, Value) {
        let daemon = self.d1.daemon.program();
        let words = [&[daemon, "reload", "--format", "json", "-p", PID_FILES[0]], more].concat();
        let told = self.d1.attempt(20, &words);
        let answer = serde_json::from_str(&told.stdout);
        (
            told.status,
            answer.unwrap_or_else(|error| panic!("{error}: {told:?}")),
        )
    }

    /// Reloads, and records until all that was said has been seen, and for a while after that; the faults of what was seen.
    fn record(&self, said: &Said, faults: impl Fn(&Record) -> Vec<String>) -> Vec<String> {
        let (count, began) = (self.tap.count(), Stamp::now());
        // What is hitless passes where nothing else does.
        let gate: &[&str] = if said.hitless { &["--require-hitless"] } else { &[] };
        let (status, answer) = self.reload(&[&["--wait"], gate].concat());
        assert_eq!(status, Some(0), "{answer}\n{}", self.d1.log.text());
        let done = Stamp::now();
        let record = || {
            let frames = self.site.wire.from("d1");
            Record {
                writes: made(self.tap.since(count)),
                frames: frames.into_iter().filter(|seen| seen.at > began).collect(),
                transitions: answer["transitions"].clone(),
                done,
            }
        };
        // What is missing may be on its way.
        while done.elapsed() < PATIENCE + stalled(done, Stamp::now()) && !faults(&record()).is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(CALM);
        faults(&record())
    }
}

/// Whether all of this was put there.
fn is_put(held: &[String], writes: &[Write]) -> bool {
    let mut held = held.iter();
    held.all(|what| {
        let mut writes = writes.iter();
        writes.any(|write| write.sign == '+' && write.what == *what)
    })
}

fn judge(said: &Said, record: &Record, heard: &BTreeMap<u8, Words>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut writes = record.writes.clone();
    writes.sort();
    if writes != said.writes {
        let (seen, said) = (show(&record.writes), show(&said.writes));
        faults.push(format!("writes were {seen}, and said were {said}"));
    }
    if !is_in_order(record) {
        faults.push(format!("what goes was not first: {}", show(&record.writes)));
    }
    let announced: BTreeSet<_> = record
        .frames
        .iter()
        .filter_map(|seen| match &seen.content {
            Content::Announcement { address, .. } => Some(*address),
            Content::Advert(_) | Content::Control(_) => None,
        })
        .collect();
    if announced != said.announced {
        faults.push(format!(
            "announced was {announced:?}, and said was {:?}",
            said.announced
        ));
    }
    faults.extend(adverts(said, record, heard));
    let interrupted = interrupted(record);
    let moved = record.transitions.as_array().is_none_or(|all| !all.is_empty());
    if said.hitless && (interrupted || moved) {
        faults.push(format!(
            "nothing was to be interrupted, and {}",
            record.transitions
        ));
    }
    let begun_anew = !said.leave.is_empty() || !said.fresh.is_empty() || said.gives_way;
    if !said.hitless && !interrupted && !begun_anew {
        faults.push("something was to be interrupted, and nothing was".into());
    }
    faults
}

/// Every advert is as before or as it was to be, and those after the reload are as they were to be.
fn adverts(said: &Said, record: &Record, heard: &BTreeMap<u8, Words>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut left = BTreeSet::new();
    let mut changed = BTreeSet::new();
    let mut after = BTreeSet::new();
    for seen in &record.frames {
        let Some((vrid, words)) = Words::of(seen) else {
            continue;
        };
        if words.priority == 0 {
            left.insert(vrid);
            continue;
        }
        let late = seen.at > record.done;
        let before = heard.get(&vrid);
        let is_new = said.adverts.get(&vrid).is_some_and(|new| {
            let mut new = new.clone();
            if let Some(before) = before.filter(|_| said.secrets.contains(&vrid)) {
                if before.secret != words.secret {
                    changed.insert(vrid);
                }
                new.secret.clone_from(&words.secret);
            } else if new.version == 3 {
                new.secret.clear();
            }
            new == words
        });
        if late {
            after.insert(vrid);
        }
        if !is_new && (late || before != Some(&words)) {
            faults.push(format!(
                "{vrid} says {words:?}, and said was {:?}",
                said.adverts.get(&vrid)
            ));
        }
    }
    if left != said.leave {
        faults.push(format!("{left:?} left, and said was {:?}", said.leave));
    }
    for (vrid, said) in &said.destinations {
        let frames = record.frames.iter().filter(|seen| seen.at > record.done);
        let seen: BTreeSet<IpAddr> = frames
            .filter_map(|seen| match &seen.content {
                Content::Advert(advert) if advert.vrid == *vrid => Some(advert.destination),
                Content::Advert(_) | Content::Announcement { .. } | Content::Control(_) => None,
            })
            .collect();
        if seen != *said {
            faults.push(format!("{vrid} says it to {seen:?}, and said was {said:?}"));
        }
    }
    let silent: Vec<_> = said.adverts.keys().filter(|vrid| !after.contains(vrid)).collect();
    if !silent.is_empty() {
        faults.push(format!("{silent:?} are silent"));
    }
    let secret = said.secrets.iter().filter(|vrid| {
        let version = said.adverts.get(vrid).map(|words| words.version);
        version == Some(2) && !changed.contains(vrid)
    });
    faults.extend(secret.map(|vrid| format!("the secret of {vrid} is the old one")));
    faults
}

/// Sessions go on, begin and end as it was said.
fn sessions(said: &Said, record: &Record, before: &BTreeMap<IpAddr, Control>) -> Vec<String> {
    let mut after: BTreeMap<IpAddr, Control> = BTreeMap::new();
    for seen in record.frames.iter().filter(|seen| seen.at > record.done) {
        if let Content::Control(control) = seen.content {
            after.insert(control.destination, control);
        }
    }
    let multipliers: BTreeMap<IpAddr, u8> = after.iter().map(|(end, one)| (*end, one.multiplier)).collect();
    let mut faults = Vec::new();
    if multipliers != said.sessions {
        faults.push(format!(
            "sessions are {multipliers:?}, and said was {:?}",
            said.sessions
        ));
    }
    for (end, session) in after {
        let same = before
            .get(&end)
            .is_some_and(|before| before.session == session.session);
        if same == said.fresh.contains(&end) {
            faults.push(format!("the session with {end} goes on: {same}"));
        }
    }
    faults
}

/// A link is set up in several steps, and the packet filter for it: of which nobody is told one by one.
fn made(writes: Vec<Write>) -> Vec<Write> {
    let of = |write: &Write| write.what.strip_prefix("link ").map(str::to_owned);
    let new: BTreeSet<String> = writes
        .iter()
        .filter(|write| write.sign == '+')
        .filter_map(of)
        .collect();
    let mut set = BTreeSet::new();
    let mut is_step = |write: &Write| match of(write) {
        None if write.what.starts_with("nftables") => !new.is_empty(),
        Some(name) => write.sign == '~' && (new.contains(&name) || !set.insert(name)),
        None => (write.what.strip_prefix(OWN)).is_some_and(|name| write.sign == '+' && new.contains(name)),
    };
    writes.into_iter().filter(|write| !is_step(write)).collect()
}

/// Whether what routers and static entries hold was released before what comes was held.
fn is_in_order(record: &Record) -> bool {
    let kinds = ["address", "route", "rule"];
    let goods = |write: &&Write| kinds.iter().any(|kind| write.what.starts_with(kind));
    let signs: Vec<char> = record
        .writes
        .iter()
        .filter(goods)
        .map(|write| write.sign)
        .collect();
    signs.is_sorted_by_key(|sign| *sign == '+')
}

/// Whether something was removed and made again, in whatever form.
fn interrupted(record: &Record) -> bool {
    let name = |write: &Write| write.what.split('/').next().map(str::to_owned);
    let names = |sign: char| {
        let writes = record.writes.iter().filter(move |write| write.sign == sign);
        writes.filter_map(name)
    };
    let gone: BTreeSet<String> = names('-').collect();
    names('+').any(|name| gone.contains(&name))
}

fn show(writes: &[Write]) -> String {
    let all: Vec<String> = writes
        .iter()
        .map(|write| format!("{} {}", write.sign, write.what))
        .collect();
    format!("[{}]", all.join(", "))
}
