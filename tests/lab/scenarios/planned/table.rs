//! What `plan` has said of IPVS, as what will be written: services, their servers, who serves, and the kernel's daemons.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::model::{State, end_of};
use super::said::{Object, Said, push, word};
use crate::site::Write;

/// Virtual servers whose sorry server serves, before and after.
pub struct Pools<'a> {
    pub before: &'a BTreeSet<String>,
    pub after: &'a BTreeSet<String>,
    /// Services that go from one virtual server to another: they stay in the kernel.
    pub moved: BTreeMap<String, (String, String)>,
}

/// Whose service is whose now.
pub fn moved(diff: &Value) -> BTreeMap<String, (String, String)> {
    let mut moved = BTreeMap::new();
    for object in diff["objects"].as_array().expect("objects") {
        for change in object["changes"].as_array().expect("changes") {
            let from = change["why"]
                .as_str()
                .and_then(|why| why.strip_prefix("moves here from "));
            if let Some(from) = from.filter(|_| is_key(change)) {
                let key = change["added"].as_str().expect("a service");
                moved.insert(key.into(), (from.into(), word(object, "name").into()));
            }
        }
    }
    moved
}

/// The same afterwards, of those before.
pub fn serving(diff: &Value, before: &BTreeSet<String>) -> BTreeSet<String> {
    let mut serving = before.clone();
    for object in diff["objects"].as_array().expect("objects") {
        let name = word(object, "name");
        for change in object["changes"].as_array().expect("changes") {
            if word(change, "keyword") == "sorry_server" {
                serving.remove(name);
                if change["to"] == "serves" {
                    serving.insert(name.to_owned());
                }
            }
        }
        if word(object, "kind") == "virtual_server" && word(object, "fate") == "goes" {
            serving.remove(name);
        }
    }
    serving
}

impl Pools<'_> {
    /// Whether its servers serve, before and after.
    fn is_usual(&self, service: &str) -> bool {
        !self.before.contains(service) && !self.after.contains(service)
    }

    /// Whoever served goes, and who serves comes: as a whole.
    pub fn turn(&self, said: &mut Said, before: &State, after: &State) {
        for name in self.before.union(self.after) {
            let old = served(before, name, self.before.contains(name));
            let new = served(after, name, self.after.contains(name));
            become_these(said, &old, &new);
        }
    }

    /// Services that have moved become what their new virtual server has.
    pub fn move_on(&self, said: &mut Said, before: &State, after: &State) {
        for (key, (from, to)) in &self.moved {
            let servers = |state: &State, name: &str| -> BTreeMap<String, u32> {
                let all = under(state, name, key).into_iter();
                all.map(|(end, weight)| (format!("{end} of {key}"), weight))
                    .collect()
            };
            become_these(said, &servers(before, from), &servers(after, to));
            if before.service(from).settings() != after.service(to).settings() {
                push(&mut said.writes, '~', format!("service {key}"));
            }
        }
    }
}

/// Servers that there were, with their weights, and those that there are.
fn become_these(said: &mut Said, old: &BTreeMap<String, u32>, new: &BTreeMap<String, u32>) {
    for (server, weight) in new {
        match old.get(server) {
            None => push(&mut said.writes, '+', format!("real {server} weight {weight}")),
            Some(old) if old != weight => {
                push(&mut said.writes, '~', format!("real {server} weight {weight}"));
            }
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|server| !new.contains_key(*server));
    gone.for_each(|server| push(&mut said.writes, '-', format!("real {server}")));
}

/// The servers of a virtual server in the kernel, and their weights.
fn served(state: &State, name: &str, sorry: bool) -> BTreeMap<String, u32> {
    let service = state.service(name);
    let reals = if sorry {
        let end = service.sorry().expect("a sorry server");
        vec![(format!("{end} of {name}"), 1)]
    } else {
        service.reals()
    };
    let ends = reals.into_iter().flat_map(|(real, weight)| {
        let ends = state.ends(&real).into_iter();
        ends.map(move |end| (end, weight))
    });
    ends.collect()
}

impl Object<'_> {
    pub fn service(&self, said: &mut Said, pools: &Pools<'_>) {
        let name = word(self.json, "name");
        match word(self.json, "fate") {
            "comes" => {
                let mut keys = self.after.keys(name);
                keys.retain(|key| !pools.moved.contains_key(key));
                keys.iter().for_each(|key| begin(said, self.after, name, key));
            }
            "goes" => {
                let mut keys = self.before.keys(name);
                keys.retain(|key| !pools.moved.contains_key(key));
                keys.iter().for_each(|key| end(said, self.before, name, key));
            }
            "changes" => {
                let stays = self.stay(name);
                let written = ["lvs_sched", "flags of lvs_sched", "persistence_timeout"];
                let is_written = |change: &Value| written.contains(&word(change, "keyword"));
                if self.changes().any(is_written) {
                    stays
                        .iter()
                        .for_each(|key| push(&mut said.writes, '~', format!("service {key}")));
                }
                assert!(pools.is_usual(name) || self.changes().all(|change| !is_key(change)));
                for change in self.changes().filter(|change| is_key(change)) {
                    let stays = |key: &&str| !pools.moved.contains_key(*key);
                    if let Some(key) = change["added"].as_str().filter(stays) {
                        begin(said, self.after, name, key);
                    }
                    if let Some(key) = change["removed"].as_str().filter(stays) {
                        end(said, self.before, name, key);
                    }
                }
            }
            fate => panic!("{fate}"),
        }
    }

    /// The services that it has before and after.
    fn stay(&self, name: &str) -> Vec<String> {
        let mut keys = self.before.keys(name);
        let new = self.after.keys(name);
        keys.retain(|key| new.contains(key));
        keys
    }

    pub fn server(&self, said: &mut Said, pools: &Pools<'_>) {
        let name = word(self.json, "name");
        let (own, service) = name.split_once(" of ").expect("a server's name");
        if !pools.is_usual(service) {
            return;
        }
        let ends = self.stay(service).into_iter();
        for end in ends.map(|key| format!("{} of {key}", end_of(own, &key))) {
            let real = |sign| Write {
                sign,
                what: format!("real {end} weight {}", self.after.weight(name)),
            };
            match word(self.json, "fate") {
                "comes" => said.writes.push(real('+')),
                "goes" => push(&mut said.writes, '-', format!("real {end}")),
                "changes" => {
                    let written = ["weight", "uthreshold", "lthreshold", "lvs_method"];
                    if self
                        .changes()
                        .any(|change| written.contains(&word(change, "keyword")))
                    {
                        said.writes.push(real('~'));
                    }
                }
                fate => panic!("{fate}"),
            }
        }
    }

    pub fn ipvs(&self, said: &mut Said) {
        let about = |keyword: &str| {
            self.changes()
                .any(|change| word(change, "keyword").starts_with(keyword))
        };
        if about("lvs_timeouts") {
            push(&mut said.writes, '~', "timeouts".into());
        }
        if about("lvs_sync_daemon") {
            let (old, new) = (daemons(self.before), daemons(self.after));
            for role in ["master", "backup"] {
                if old.get(role) == new.get(role) {
                    continue;
                }
                let what = format!("sync daemon {role}");
                if old.contains_key(role) {
                    push(&mut said.writes, '-', what.clone());
                }
                if new.contains_key(role) {
                    push(&mut said.writes, '+', what);
                }
            }
        }
    }
}

/// The kernel's daemons, and their settings: those of an instance follow a MASTER.
fn daemons(state: &State) -> BTreeMap<&'static str, String> {
    let mut lines = state.globals.iter();
    let Some(line) = lines.find_map(|line| line.strip_prefix("lvs_sync_daemon ")) else {
        return BTreeMap::new();
    };
    let (settings, roles) = match line.split_once(" inst ") {
        Some((settings, _)) => (settings, &["master"][..]),
        None => (line, &["master", "backup"][..]),
    };
    roles.iter().map(|role| (*role, settings.to_owned())).collect()
}

/// Whether it is about a service of a group.
fn is_key(change: &Value) -> bool {
    word(change, "keyword") == "virtual_server_group"
}

/// A service with all its servers.
fn begin(said: &mut Said, state: &State, name: &str, key: &str) {
    push(&mut said.writes, '+', format!("service {key}"));
    for (end, weight) in under(state, name, key) {
        push(
            &mut said.writes,
            '+',
            format!("real {end} of {key} weight {weight}"),
        );
    }
}

fn end(said: &mut Said, state: &State, name: &str, key: &str) {
    for (end, _) in under(state, name, key) {
        push(&mut said.writes, '-', format!("real {end} of {key}"));
    }
    push(&mut said.writes, '-', format!("service {key}"));
}

/// The servers under one service.
fn under(state: &State, name: &str, key: &str) -> Vec<(String, u32)> {
    let reals = state.service(name).reals().into_iter();
    let ends = reals.map(|(real, weight)| {
        let own = real.split_once(" of ").expect("a server's name").0;
        (end_of(own, key), weight)
    });
    ends.collect()
}
