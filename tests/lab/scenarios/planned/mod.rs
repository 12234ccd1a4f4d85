//! What `steadfast plan` says of an edit, and what comes of its reload: every write to the kernel, every announcement and every
//! advert, compared edit by edit.

mod model;
mod pairs;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use self::model::State;
use self::said::{Said, Words};
use super::expect::SOON;
use crate::site::{self, Daemon, Director, PID_FILES, Site, Tap, Write};
use crate::timeline::{Stamp, note, wait_for};
use crate::wire::{Content, Seen};

/// How long nothing more may come: longer than any interval.
const CALM: Duration = Duration::from_millis(250);

/// A director whose doings are recorded.
struct Stage {
    site: Site,
    d1: Director,
    tap: Tap,
}

/// What was seen of one reload.
struct Record {
    writes: Vec<Write>,
    frames: Vec<Seen>,
    transitions: Value,
    done: Stamp,
}

/// Each edit of the table: `plan` is asked, the reload is recorded, and both say the same.
pub fn observed() {
    let (site, mut d1) = site::single(0);
    d1.daemon = Daemon::Steadfast;
    d1.ip("link add dummy0 type dummy\nlink set dummy0 up\n");
    let tap = Tap::on(&d1);
    let mut state = pairs::base();
    d1.run_with(&state.text());
    let stage = Stage { site, d1, tap };
    stage.settle(&state);
    let mut wrong = Vec::new();
    for edit in pairs::ALL {
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
    let count = pairs::ALL.len();
    assert!(count >= 50, "{count} pairs");
    assert!(wrong.is_empty(), "of {count} pairs:\n{}", wrong.join("\n"));
}

impl Stage {
    /// Waits until all routers are MASTER and all is in the kernel.
    fn settle(&self, state: &State) {
        wait_for("all to be MASTER", SOON, || {
            let heard = self.heard(Stamp(Duration::ZERO));
            let all = state
                .routers
                .iter()
                .all(|router| heard.contains_key(&router.vrid));
            let reals: usize = state.services.iter().map(|service| service.servers.len()).sum();
            let services = self.d1.ipvs().services;
            let there: usize = services.iter().map(|service| service.destinations.len()).sum();
            (all && there == reals).then_some(())
        });
        wait_for("calm", SOON, || {
            let count = self.tap.count();
            std::thread::sleep(CALM);
            (self.tap.count() == count).then_some(())
        });
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

    /// What differs between what was said and what was seen.
    fn compare(&self, before: &State, after: &State) -> Vec<String> {
        self.d1.configure(&after.text());
        let diff = self.plan();
        let heard = self.heard(Stamp(Duration::ZERO));
        let heard = heard
            .into_iter()
            .filter(|(vrid, _)| before.routers.iter().any(|router| router.vrid == *vrid))
            .collect();
        let said = said::all(&diff, before, after, &heard);
        let record = self.record(&said);
        let mut faults = judge(&said, &record, &heard);
        if !faults.is_empty() {
            faults.push(format!("the plan was {diff}"));
        }
        faults
    }

    fn plan(&self) -> Value {
        let daemon = self.d1.daemon.program();
        let words = [daemon, "plan", "--format", "json", "-p", PID_FILES[0]];
        let told = self.d1.attempt(20, &words);
        assert!(matches!(told.status, Some(0 | 3)), "{told:?}");
        let diff: Value = serde_json::from_str(&told.stdout).expect("JSON");
        let flaps = diff["hitless"] == false;
        assert_eq!(told.status == Some(3), flaps, "{told:?}");
        diff
    }

    /// Reloads, and records until all that was said has been seen, and for a while after that.
    fn record(&self, said: &Said) -> Record {
        let (count, began) = (self.tap.count(), Stamp::now());
        let daemon = self.d1.daemon.program();
        let words = [daemon, "reload", "--wait", "--format", "json", "-p", PID_FILES[0]];
        let told = self.d1.attempt(20, &words);
        assert_eq!(told.status, Some(0), "{told:?}\n{}", self.d1.log.text());
        let answer: Value = serde_json::from_str(&told.stdout).expect("JSON");
        let done = Stamp::now();
        let limit = done + Duration::from_secs(3);
        while Stamp::now() < limit {
            let heard = self.heard(done);
            let all = said.adverts.keys().all(|vrid| heard.contains_key(vrid));
            if all && self.tap.count() - count >= said.writes.len() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(CALM);
        let frames = self.site.wire.from("d1");
        Record {
            writes: self.tap.since(count),
            frames: frames.into_iter().filter(|seen| seen.at > began).collect(),
            transitions: answer["transitions"].clone(),
            done,
        }
    }
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
            Content::Advert(_) => None,
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
    if !said.hitless && !interrupted && said.leave.is_empty() {
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
