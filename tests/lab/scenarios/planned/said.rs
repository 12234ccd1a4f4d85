//! What `plan` has said, object by object, as what will be seen: writes to the kernel, announcements, adverts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::model::{Router, State};
use crate::site::Write;
use crate::wire::{Advert, Content, Seen};

/// What an advert has, beside its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub version: u8,
    pub priority: u8,
    pub interval: Duration,
    pub addresses: BTreeSet<IpAddr>,
    /// Kind and secret of version 2.
    pub secret: Vec<u8>,
}

/// What is expected.
#[derive(Debug, Default)]
pub struct Said {
    /// Sorted.
    pub writes: Vec<Write>,
    /// Addresses that are announced.
    pub announced: BTreeSet<IpAddr>,
    /// Of every VRID that is heard afterwards.
    pub adverts: BTreeMap<u8, Words>,
    /// Routers whose secret is another one.
    pub secrets: BTreeSet<u8>,
    /// Routers that say priority 0.
    pub leave: BTreeSet<u8>,
    /// Nothing is interrupted.
    pub hitless: bool,
}

impl Words {
    /// Of a frame, if it is an advert: of which VRID.
    pub fn of(seen: &Seen) -> Option<(u8, Self)> {
        let Content::Advert(advert) = &seen.content else {
            return None;
        };
        let Advert {
            version,
            priority,
            interval,
            addresses,
            ..
        } = advert.clone();
        let body = seen.bytes.get(34..)?;
        let secret = match version {
            2 => [&body[4..5], body.get(8 + 4 * addresses.len()..)?].concat(),
            _ => Vec::new(),
        };
        let words = Self {
            version,
            priority,
            interval,
            addresses: addresses.into_iter().collect(),
            secret,
        };
        Some((advert.vrid, words))
    }

    /// Those of a router of version 3 that has just come.
    fn first(router: &Router) -> Self {
        assert_eq!(router.version, 3, "{}", router.name);
        let seconds: f64 = router.interval.parse().expect("seconds");
        Self {
            version: 3,
            priority: router.priority,
            interval: Duration::from_secs_f64(seconds),
            addresses: router.goods.addresses.iter().map(|one| host(one)).collect(),
            secret: Vec::new(),
        }
    }
}

/// An object of the difference, and the configurations on both sides.
struct Object<'a> {
    json: &'a Value,
    before: &'a State,
    after: &'a State,
}

/// All that `diff` says; `heard` is what was in the adverts until now.
pub fn all(diff: &Value, before: &State, after: &State, heard: &BTreeMap<u8, Words>) -> Said {
    let mut said = Said {
        adverts: heard.clone(),
        hitless: diff["hitless"].as_bool().expect("hitless"),
        ..Said::default()
    };
    for json in diff["objects"].as_array().expect("objects") {
        let object = Object { json, before, after };
        match word(json, "kind") {
            "vrrp_instance" => object.router(&mut said),
            "static" => {
                let changes = object.changes();
                changes.for_each(|change| entry(&mut said, change));
            }
            "virtual_server" => object.service(&mut said),
            "real_server" => object.server(&mut said),
            "ipvs" => object.ipvs(&mut said),
            // Nothing is written for these.
            "global_defs" | "notify" | "vrrp_sync_group" | "vrrp_script" | "sorry_server" | "checker" => {
                assert_ne!(word(json, "effect"), "flaps", "{json}");
            }
            kind => panic!("no pair is about {kind}: {json}"),
        }
    }
    said.writes.sort();
    said
}

impl Object<'_> {
    fn changes(&self) -> impl Iterator<Item = &Value> {
        self.json["changes"].as_array().expect("changes").iter()
    }

    fn router(&self, said: &mut Said) {
        let name = word(self.json, "name");
        match word(self.json, "fate") {
            "comes" => self.comes(said),
            "goes" => goes(said, self.before.router(name)),
            "begins_anew" => {
                goes(said, self.before.router(name));
                self.comes(said);
            }
            "changes" => {
                let vrid = self.after.router(name).vrid;
                let staying = self.staying();
                for change in self.changes() {
                    setting(said, vrid, change, &staying);
                }
            }
            fate => panic!("{fate}"),
        }
    }

    /// Addresses that go from one list of the router to the other: they are not touched.
    fn staying(&self) -> Vec<&str> {
        let all = |member: &'static str| {
            let lists = ["virtual_ipaddress", "virtual_ipaddress_excluded"];
            self.changes()
                .filter(move |change| lists.contains(&word(change, "keyword")))
                .filter_map(move |change| change.get(member).and_then(Value::as_str))
        };
        all("added")
            .filter(|one| all("removed").any(|other| other == *one))
            .collect()
    }

    fn comes(&self, said: &mut Said) {
        let router = self.after.router(word(self.json, "name"));
        for what in router.held() {
            add(said, what);
        }
        said.adverts.insert(router.vrid, Words::first(router));
    }

    fn service(&self, said: &mut Said) {
        let name = word(self.json, "name");
        match word(self.json, "fate") {
            "comes" => {
                push(&mut said.writes, '+', format!("service {name}"));
                for (real, weight) in self.after.service(name).reals() {
                    push(&mut said.writes, '+', format!("real {real} weight {weight}"));
                }
            }
            "goes" => {
                for (real, _) in self.before.service(name).reals() {
                    push(&mut said.writes, '-', format!("real {real}"));
                }
                push(&mut said.writes, '-', format!("service {name}"));
            }
            "changes" => {
                let written = ["lvs_sched", "flags of lvs_sched", "persistence_timeout"];
                if self
                    .changes()
                    .any(|change| written.contains(&word(change, "keyword")))
                {
                    push(&mut said.writes, '~', format!("service {name}"));
                }
            }
            fate => panic!("{fate}"),
        }
    }

    fn server(&self, said: &mut Said) {
        let name = word(self.json, "name");
        let real = |sign, state: &State| Write {
            sign,
            what: format!("real {name} weight {}", state.weight(name)),
        };
        match word(self.json, "fate") {
            "comes" => said.writes.push(real('+', self.after)),
            "goes" => push(&mut said.writes, '-', format!("real {name}")),
            "changes" => {
                let written = ["weight", "uthreshold", "lthreshold", "lvs_method"];
                if self
                    .changes()
                    .any(|change| written.contains(&word(change, "keyword")))
                {
                    said.writes.push(real('~', self.after));
                }
            }
            fate => panic!("{fate}"),
        }
    }

    fn ipvs(&self, said: &mut Said) {
        let timeouts = |change: &Value| word(change, "keyword").starts_with("lvs_timeouts");
        assert!(self.changes().all(timeouts), "{}", self.json);
        push(&mut said.writes, '~', "timeouts".into());
    }
}

fn goes(said: &mut Said, router: &Router) {
    for what in router.held() {
        push(&mut said.writes, '-', what);
    }
    said.adverts.remove(&router.vrid);
    said.leave.insert(router.vrid);
}

/// A setting of a router that stays.
fn setting(said: &mut Said, vrid: u8, change: &Value, staying: &[&str]) {
    let keyword = word(change, "keyword");
    let words = said.adverts.get_mut(&vrid).expect("a router that is heard");
    let to = || change["to"].as_str().expect("a new value");
    match keyword {
        "priority" => words.priority = to().parse().expect("a priority"),
        "version" => words.version = to().parse().expect("a version"),
        "advert_int" => {
            let seconds = to().trim_end_matches(" s").parse().expect("seconds");
            words.interval = Duration::from_secs_f64(seconds);
        }
        "authentication" => drop(said.secrets.insert(vrid)),
        // Its interface is up.
        "track_interface" => {
            let weight = |entry: &Value| -> u8 {
                let weight = entry.as_str().and_then(|entry| after(entry, "weight"));
                let weight = weight.expect("a weight").trim_start_matches('+');
                weight.parse().expect("a number")
            };
            match (change.get("added"), change.get("removed")) {
                (Some(entry), None) => words.priority += weight(entry),
                (None, Some(entry)) => words.priority -= weight(entry),
                _ => panic!("{change}"),
            }
        }
        "virtual_ipaddress" => {
            let of = |member: &str| change.get(member).and_then(Value::as_str).map(host);
            for gone in ["removed", "from"].into_iter().filter_map(of) {
                words.addresses.remove(&gone);
            }
            words.addresses.extend(["added", "to"].into_iter().filter_map(of));
            held(said, change, staying);
        }
        "virtual_ipaddress_excluded" => held(said, change, staying),
        "virtual_routes" | "virtual_rules" => entry(said, change),
        _ => assert_ne!(word(change, "effect"), "flaps", "{change}"),
    }
}

/// An address of a router.
fn held(said: &mut Said, change: &Value, staying: &[&str]) {
    let text = change
        .get("added")
        .or_else(|| change.get("removed"))
        .and_then(Value::as_str);
    if !text.is_some_and(|text| staying.contains(&text)) {
        entry(said, change);
    }
}

/// An entry of a list of addresses, routes or rules.
fn entry(said: &mut Said, change: &Value) {
    let form = match word(change, "keyword") {
        "virtual_ipaddress" | "virtual_ipaddress_excluded" | "static_ipaddress" => address,
        "virtual_routes" | "static_routes" => route,
        "virtual_rules" | "static_rules" => rule,
        keyword => panic!("{keyword}"),
    };
    let text = |member: &str| change.get(member).and_then(Value::as_str).map(form);
    // What takes another form only for us is not written.
    if text("from").is_some() && word(change, "effect") != "flaps" {
        return;
    }
    for gone in ["removed", "from"].into_iter().filter_map(text) {
        push(&mut said.writes, '-', gone);
    }
    for new in ["added", "to"].into_iter().filter_map(text) {
        if word(change, "keyword").starts_with("static") {
            push(&mut said.writes, '+', new);
        } else {
            add(said, new);
        }
    }
}

/// Something that a MASTER holds: addresses are announced.
fn add(said: &mut Said, what: String) {
    if let Some(address) = what.strip_prefix("address ") {
        said.announced.insert(host(address));
    }
    push(&mut said.writes, '+', what);
}

fn push(writes: &mut Vec<Write>, sign: char, what: String) {
    writes.push(Write { sign, what });
}

fn word<'a>(json: &'a Value, member: &str) -> &'a str {
    json[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member}: {json}"))
}

/// The address at the beginning of a text.
fn host(text: &str) -> IpAddr {
    let first = text.split([' ', '/']).next().expect("a word");
    first.parse().unwrap_or_else(|_| panic!("no address: {text}"))
}

/// The word that follows another.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let mut words = text.split_whitespace();
    words.find(|one| *one == word)?;
    words.next()
}

/// An address, in the words of the tap.
pub fn address(text: &str) -> String {
    let first = text.split_whitespace().next().expect("an address");
    format!("address {first} dev {}", after(text, "dev").unwrap_or("eth0"))
}

/// A route, in the words of the tap.
pub fn route(text: &str) -> String {
    let to = text.split_whitespace().find(|word| word.contains('/'));
    let via = after(text, "inet").or_else(|| after(text, "via"));
    let via = via.map_or_else(String::new, |via| format!(" via {via}"));
    let table = after(text, "table").unwrap_or("254");
    format!("route {}{via} table {table}", to.expect("a destination"))
}

/// A rule, in the words of the tap.
pub fn rule(text: &str) -> String {
    let find = |one: &str, other: &str| after(text, one).or_else(|| after(text, other)).map(str::to_owned);
    let priority = find("priority", "preference").expect("a priority");
    let (from, table) = (find("from", "from"), find("lookup", "table"));
    format!(
        "rule {priority} from {} table {}",
        from.expect("a source"),
        table.expect("a table")
    )
}
