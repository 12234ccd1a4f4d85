//! What `plan` has said, object by object, as what will be seen: writes to the kernel, announcements, adverts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::model::{Router, State};
use super::table;
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
    /// Where the adverts of each go.
    pub destinations: BTreeMap<u8, BTreeSet<IpAddr>>,
    /// The multipliers of BFD sessions by their neighbors, and those that are not the sessions from before.
    pub sessions: BTreeMap<IpAddr, u8>,
    pub fresh: BTreeSet<IpAddr>,
    /// Virtual servers whose sorry server serves.
    pub sorry: BTreeSet<String>,
    /// Servers make room for one.
    pub gives_way: bool,
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
pub struct Object<'a> {
    pub json: &'a Value,
    pub before: &'a State,
    pub after: &'a State,
}

/// All that `diff` says; `heard` is what was in the adverts until now, and of `sorry` the sorry server serves.
pub fn all(
    diff: &Value,
    before: &State,
    after: &State,
    heard: &BTreeMap<u8, Words>,
    sorry: &BTreeSet<String>,
) -> Said {
    let routers = before.routers.iter();
    let sessions = before.sessions.iter();
    let mut said = Said {
        adverts: heard.clone(),
        destinations: routers.map(|one| (one.vrid, one.destinations())).collect(),
        sessions: sessions
            .map(|one| (host(&one.neighbor), one.multiplier))
            .collect(),
        hitless: diff["hitless"].as_bool().expect("hitless"),
        sorry: table::serving(diff, sorry),
        gives_way: !table::serving(diff, sorry).is_subset(sorry),
        ..Said::default()
    };
    let pools = table::Pools {
        before: sorry,
        after: &said.sorry.clone(),
        moved: table::moved(diff),
    };
    for json in diff["objects"].as_array().expect("objects") {
        let object = Object { json, before, after };
        match word(json, "kind") {
            "vrrp_instance" => object.router(&mut said),
            "static" => {
                let changes = object.changes();
                changes.for_each(|change| entry(&mut said, change));
            }
            "link" => object.link(&mut said),
            "bfd_instance" => object.session(&mut said),
            "virtual_server" => object.service(&mut said, &pools),
            "real_server" => object.server(&mut said, &pools),
            "ipvs" => object.ipvs(&mut said),
            // Nothing is written for these.
            "global_defs"
            | "notify"
            | "vrrp_sync_group"
            | "vrrp_script"
            | "track_file"
            | "sorry_server"
            | "virtual_server_group"
            | "checker" => {
                assert_ne!(word(json, "effect"), "flaps", "{json}");
            }
            kind => panic!("no pair is about {kind}: {json}"),
        }
    }
    pools.turn(&mut said, before, after);
    pools.move_on(&mut said, before, after);
    said.writes.sort();
    said
}

impl Object<'_> {
    pub fn changes(&self) -> impl Iterator<Item = &Value> {
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
        said.destinations.insert(router.vrid, router.destinations());
    }

    /// A link of a router's own, whatever is set of it.
    fn link(&self, said: &mut Said) {
        let what = format!("link {}", word(self.json, "name"));
        let signs = match word(self.json, "fate") {
            "comes" => "+",
            "goes" => "-",
            "changes" => "~",
            "begins_anew" => "-+",
            fate => panic!("{fate}"),
        };
        signs
            .chars()
            .for_each(|sign| push(&mut said.writes, sign, what.clone()));
    }

    fn session(&self, said: &mut Said) {
        let name = word(self.json, "name");
        let find = |state: &State| {
            let found = state.sessions.iter().find(|one| one.name == name);
            found.map(|one| (host(&one.neighbor), one.multiplier))
        };
        let (old, new) = (find(self.before), find(self.after));
        if let Some((neighbor, _)) = old {
            said.sessions.remove(&neighbor);
        }
        said.sessions.extend(new);
        if word(self.json, "fate") != "changes" {
            said.fresh.extend(new.map(|(neighbor, _)| neighbor));
        }
    }
}

fn goes(said: &mut Said, router: &Router) {
    for what in router.held() {
        push(&mut said.writes, '-', what);
    }
    said.adverts.remove(&router.vrid);
    said.destinations.remove(&router.vrid);
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
        "track_interface" => weigh(words, change, |weight| weight > 0),
        // Its session is down.
        "track_bfd" => weigh(words, change, |weight| weight < 0),
        "unicast_peer" => {
            let peers = said.destinations.get_mut(&vrid).expect("a router");
            let of = |member: &str| change.get(member).and_then(Value::as_str).map(host);
            if let Some(gone) = of("removed") {
                peers.remove(&gone);
            }
            peers.extend(of("added"));
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
        // It is in FAULT until its link is there.
        "use_vmac" => {
            if word(change, "effect") == "flaps" {
                said.leave.insert(vrid);
            }
        }
        _ => assert_ne!(word(change, "effect"), "flaps", "{change}"),
    }
}

/// What is tracked comes or goes; its weight counts if it `acts` as things are.
fn weigh(words: &mut Words, change: &Value, acts: fn(i16) -> bool) {
    let weight = |entry: &Value| -> i16 {
        let weight = entry.as_str().and_then(|entry| after(entry, "weight"));
        let weight = weight.expect("a weight").trim_start_matches('+');
        let weight = weight.parse().expect("a number");
        if acts(weight) { weight } else { 0 }
    };
    let weight = match (change.get("added"), change.get("removed")) {
        (Some(entry), None) => weight(entry),
        (None, Some(entry)) => -weight(entry),
        _ => panic!("{change}"),
    };
    words.priority = u8::try_from(i16::from(words.priority) + weight).expect("a priority");
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
    let form: fn(&str) -> String = match word(change, "keyword") {
        "virtual_ipaddress" | "virtual_ipaddress_excluded" | "static_ipaddress" => {
            |text: &str| address(text, "eth0")
        }
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

pub fn push(writes: &mut Vec<Write>, sign: char, what: String) {
    writes.push(Write { sign, what });
}

pub fn word<'a>(json: &'a Value, member: &str) -> &'a str {
    json[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member}: {json}"))
}

/// The address at the beginning of a text.
pub fn host(text: &str) -> IpAddr {
    let first = text.split([' ', '/']).next().expect("a word");
    first.parse().unwrap_or_else(|_| panic!("no address: {text}"))
}

/// The word that follows another.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let mut words = text.split_whitespace();
    words.find(|one| *one == word)?;
    words.next()
}

/// An address, in the words of the tap; it is on `device` if it does not say.
pub fn address(text: &str, device: &str) -> String {
    let first = text.split_whitespace().next().expect("an address");
    format!("address {first} dev {}", after(text, "dev").unwrap_or(device))
}

/// A route, in the words of the tap.
pub fn route(text: &str) -> String {
    let to = text.split_whitespace().find(|word| word.contains('/'));
    let via = after(text, "inet")
        .or_else(|| after(text, "inet6"))
        .or_else(|| after(text, "via"));
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
