//! Settings beside keepalived's: both daemons read the same file, both dump what they made of it, and the dumps must
//! agree, line for line: addresses, priorities, intervals, weights, checkers and what they inherit.
//!
//! Only what [`Rule`] names with its reason may differ.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nix::libc;
use nix::sys::signal::Signal;
use serde_json::Value;

use super::expect::SOON;
use crate::guest::SHARED;
use crate::site::{Daemon, Director, Node};
use crate::timeline::{Stamp, note, wait_for};

/// A file of `tests/lab/dumps` by its name.
macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../dumps/", $name, ".conf")))
    };
}

type File = (&'static str, &'static str);

const VRRP: &[File] = &[
    file!("vrrp/many"),
    file!("vrrp/plain"),
    file!("vrrp/password"),
    file!("vrrp/addresses"),
    file!("vrrp/version3"),
    file!("vrrp/inet6"),
    file!("vrrp/default_version"),
    file!("vrrp/unicast"),
    file!("vrrp/unicast6"),
    file!("vrrp/unicast_check"),
    file!("vrrp/preemption"),
    file!("vrrp/garp_global"),
    file!("vrrp/garp_follow"),
    file!("vrrp/garp_least"),
    file!("vrrp/adverts"),
    file!("vrrp/groups_and_sources"),
    file!("vrrp/track_interface"),
    file!("vrrp/track_script"),
    file!("vrrp/sync_group"),
    file!("vrrp/sync_weights"),
    file!("vrrp/notify"),
    file!("vrrp/owner"),
    file!("vrrp/language"),
    file!("vrrp/statics"),
    file!("vrrp/more"),
];

const LVS: &[File] = &[
    file!("lvs/schedulers"),
    file!("lvs/flags"),
    file!("lvs/methods"),
    file!("lvs/persistence"),
    file!("lvs/protocols"),
    file!("lvs/quorum"),
    file!("lvs/sorry"),
    file!("lvs/weights"),
    file!("lvs/tcp"),
    file!("lvs/inheritance"),
    file!("lvs/http"),
    file!("lvs/hosts"),
    file!("lvs/tls"),
    file!("lvs/scripts"),
    file!("lvs/notify"),
    file!("lvs/mixed"),
    file!("lvs/more"),
];

/// Scripts shall be run, as whoever the file says.
const PREFACE: &str = "global_defs {
    router_id lab
    script_user root
    enable_script_security
}
";

const VRRP_DUMP: &str = "/tmp/keepalived.data";
const JSON_DUMP: &str = "/tmp/keepalived.json";

/// What the VRRP half says of every file.
pub fn vrrp() {
    compare(VRRP, VRRP_DUMP);
}

/// What the checkers' half says of every file.
pub fn lvs() {
    compare(LVS, "/tmp/keepalived_check.data");
}

/// So many pairs of directors work side by side.
const PAIRS: usize = 3;

fn compare(files: &[File], dump: &str) {
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(String::new());
    thread::scope(|scope| {
        for pair in 1..=PAIRS.min(files.len()) {
            let (next, faults) = (&next, &faults);
            scope.spawn(move || {
                let mut directors = both(pair);
                while let Some((name, text)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = differences(&mut directors, name, text, dump);
                    faults.lock().expect("faults").push_str(&found);
                }
            });
        }
    });
    let faults = faults.into_inner().expect("faults");
    assert!(faults.is_empty(), "{faults}");
}

/// Two directors on networks of their own that are alike: same interfaces, same addresses.
fn both(pair: usize) -> [Director; 2] {
    [("oracle", Daemon::Keepalived), ("subject", Daemon::under_test())].map(|(name, daemon)| {
        let node = Node::new(&format!("{name}{pair}"));
        let mut lines = "link set lo up\n".to_owned();
        for n in 0..2 {
            lines += &format!(
                "link add eth{n} address 02:00:00:00:00:0{n} type veth peer name far{n} address 02:00:00:00:01:0{n}\n\
                 link set far{n} addrgenmode none up\nlink set eth{n} up\n"
            );
        }
        lines += "address add 192.0.2.1/24 dev eth0\naddress add 2001:db8::1/64 dev eth0\n\
                  address add 198.51.100.250/24 dev eth1\naddress add 2001:db8:1::250/64 dev eth1\n";
        node.ip(&lines);
        let mut director = Director::new(node);
        director.daemon = daemon;
        director
    })
}

/// What differs in the dumps of `text`, in words; nothing if they agree.
fn differences(directors: &mut [Director; 2], name: &str, text: &str, dump: &str) -> String {
    let since = Stamp::now();
    for director in directors.iter_mut() {
        director.run_with(&format!("{PREFACE}{text}"));
    }
    for director in directors.iter() {
        // Six daemons start at once.
        director.log.wait("Startup complete", since, 3 * SOON);
        if dump == VRRP_DUMP {
            // Its routers have looked at their interfaces.
            director.log.wait(" Entering ", since, 3 * SOON);
        }
        director.signal(Signal::SIGUSR1);
    }
    for director in directors.iter() {
        whole(director, dump);
    }
    let json = (dump == VRRP_DUMP).then(|| {
        for director in directors.iter() {
            director.signal_number(libc::SIGRTMIN() + 2);
        }
        directors.each_ref().map(json)
    });
    for director in directors.iter() {
        director.signal(Signal::SIGTERM);
    }
    for director in directors.iter_mut() {
        assert_eq!(
            director.ended(3 * SOON),
            Some(0),
            "exit code of {}",
            director.name
        );
    }
    // Who has ended has written all of it.
    let texts = directors.each_ref().map(|director| director.read(dump));
    for director in directors.iter() {
        fs::remove_file(director.path(dump)).expect(dump);
    }
    let [theirs, ours] =
        [(&texts[0], Side::Theirs), (&texts[1], Side::Ours)].map(|(text, side)| settings(text, side));
    note("lab", format!("{name}: {} lines compared", ours.len()));
    let (only_theirs, only_ours) = (without(&theirs, &ours), without(&ours, &theirs));
    if theirs != ours {
        let file = name.replace('/', "-");
        for (text, whose) in texts.iter().zip(["keepalived", "steadfast"]) {
            // For whoever looks into it.
            let _ = fs::write(format!("{SHARED}/{file}.{whose}"), text);
        }
    }
    if !only_theirs.is_empty() || !only_ours.is_empty() {
        return format!("{name}\n  only keepalived's:{only_theirs}\n  only ours:{only_ours}\n");
    }
    if let Some([theirs, ours]) = json
        && theirs != ours
    {
        return format!("{name}, JSON\n  keepalived: {theirs}\n  we: {ours}\n");
    }
    match theirs.iter().zip(&ours).find(|(theirs, ours)| theirs != ours) {
        Some((theirs, ours)) => format!("{name}: keepalived says first {theirs}, we {ours}\n"),
        None => String::new(),
    }
}

/// What the JSON dump says of every instance, without what happened since the start.
#[track_caller]
fn json(director: &Director) -> Value {
    let mut dump: Value = wait_for(format!("{JSON_DUMP} of {}", director.name), 2 * SOON, || {
        serde_json::from_str(&director.read(JSON_DUMP)).ok()
    });
    fs::remove_file(director.path(JSON_DUMP)).expect(JSON_DUMP);
    for instance in dump.as_array_mut().expect("instances") {
        let instance = instance.as_object_mut().expect("an instance");
        assert!(
            instance
                .remove("stats")
                .is_some_and(|stats| stats["advert_sent"].is_u64())
        );
        let data = instance["data"].as_object_mut().expect("its data");
        for key in [
            "last_transition",
            "state",
            "wantstate",
            "master_priority",
            "master_adver_int",
            "effective_priority",
            "vipset",
        ] {
            assert!(data.remove(key).is_some(), "{key} is missing");
        }
        // 2.2.7 shows passwords.
        if let Some(password) = data.get_mut("auth_data") {
            *password = "********".into();
        }
        for key in ["vips", "evips"] {
            for address in data
                .get_mut(key)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                *address = normal(address.as_str().expect("an address")).into();
            }
        }
    }
    dump
}

/// Waits for a dump that seems to be written to its end.
#[track_caller]
fn whole(director: &Director, path: &str) {
    let mut last = String::new();
    wait_for(format!("{path} of {}", director.name), 2 * SOON, || {
        let text = director.read(path);
        let done = !text.is_empty() && text.ends_with('\n') && text == last;
        last = text;
        done.then_some(())
    });
}

/// The lines of `these` that `those` do not have as often.
fn without(these: &[String], those: &[String]) -> String {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in those {
        *left.entry(line).or_default() += 1;
    }
    let mut out = String::new();
    for line in these {
        match left.get_mut(line.as_str()) {
            Some(count) if *count > 0 => *count -= 1,
            Some(_) | None => out += &format!("\n    {line}"),
        }
    }
    out
}

/// Whose dump.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Theirs,
    Ours,
}

/// Lines that are not compared: where they stand, how they begin, and why.
struct Rule {
    /// What stands above it, from the section on, holds this; after a slash and a blank: what stands right above begins so.
    under: &'static str,
    label: &'static str,
    why: Why,
}

/// Why a line is not compared.
enum Why {
    /// It shows what happened since the start, or a handle of the process.
    RunTime,
    /// 2.4.3 has it, or has it in other words than the 2.2.7 beside us.
    Newer,
    /// Keepalived alone has it, for this reason.
    #[expect(dead_code, reason = "for the reader")]
    Theirs(&'static str),
    /// Both have it and it may differ, for this reason.
    #[expect(dead_code, reason = "for the reader")]
    Differs(&'static str),
}

impl Rule {
    const fn new(under: &'static str, label: &'static str, why: Why) -> Self {
        Self { under, label, why }
    }

    fn skips(&self, side: Side, place: &str, text: &str) -> bool {
        let applies = !matches!(self.why, Why::Theirs(_)) || side == Side::Theirs;
        let there = match self.under.strip_prefix("/ ") {
            None => place.contains(self.under),
            Some(parent) => {
                let above = place.trim_end_matches(" / ");
                above
                    .rsplit(" / ")
                    .next()
                    .is_some_and(|above| above.starts_with(parent))
            }
        };
        applies && there && text.starts_with(self.label)
    }
}

const GLOBAL: &str = "< Global definitions >";
const TOPOLOGY: &str = "< VRRP Topology >";
const SCRIPTS: &str = "< VRRP Scripts >";
const INTERFACES: &str = "< Interfaces >";
const SERVERS: &str = "< LVS Topology >";
/// Why defaults of checkers have no line.
const INHERITED: &str = "what checkers inherit is shown with them";
const CHECKERS: &str = "< Health checkers >";

#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule::new(GLOBAL, "Replace symlinks in script paths", Why::Newer),
    Rule::new(GLOBAL, "keep script symlinks", Why::Newer),
    Rule::new(GLOBAL, "Use VRRPv2 checksum for VRRPv3 IPv4", Why::Newer),
    Rule::new(GLOBAL, "SNMP VS stats update interval", Why::Newer),
    Rule::new(GLOBAL, "SNMP RS stats update interval", Why::Newer),
    Rule::new(GLOBAL, "json_version", Why::Newer),
    Rule::new(GLOBAL, "iproute ", Why::Newer),
    Rule::new(GLOBAL, "Max auto priority", Why::Newer),
    Rule::new(GLOBAL, "libnftnl version", Why::Theirs("we do not link it")),
    Rule::new(GLOBAL, "Gratuitous ARP lower priority", Why::Differs("we show what applies when nothing is set, they 4294967295")),

    Rule::new(TOPOLOGY, "State = ", Why::RunTime),
    Rule::new(TOPOLOGY, "Wantstate = ", Why::RunTime),
    Rule::new(TOPOLOGY, "Master router", Why::RunTime),
    Rule::new(TOPOLOGY, "Master priority", Why::RunTime),
    Rule::new(TOPOLOGY, "Master advert int", Why::RunTime),
    Rule::new(TOPOLOGY, "Number of interface and track script faults", Why::Newer),
    Rule::new(TOPOLOGY, "Number of tracker faults", Why::Newer),
    Rule::new(TOPOLOGY, "Number of track scripts init", Why::RunTime),
    Rule::new(TOPOLOGY, "Faults :", Why::RunTime),
    Rule::new("Faults :", "", Why::RunTime),
    Rule::new(TOPOLOGY, "Last transition", Why::RunTime),
    Rule::new(TOPOLOGY, "Read timeout", Why::RunTime),
    Rule::new(TOPOLOGY, "Master down timer", Why::RunTime),
    Rule::new(TOPOLOGY, "Effective priority", Why::RunTime),
    Rule::new(TOPOLOGY, "Total priority", Why::RunTime),
    Rule::new(TOPOLOGY, "Highest other priority", Why::RunTime),
    Rule::new(TOPOLOGY, "Last advert sent", Why::Newer),
    Rule::new(TOPOLOGY, "fd_in", Why::RunTime),
    Rule::new("VRRP Instance = ALL", "Check unicast src", Why::Newer),
    Rule::new("VRRP Instance = VI_6", "Unicast TTL", Why::Differs("we show the hop limit that is used, they nothing")),
    Rule::new("", "------< VRRP Sockpool >------", Why::Theirs("our sockets are shared otherwise")),
    Rule::new("< VRRP Sockpool >", "", Why::Theirs("our sockets are shared otherwise")),
    Rule::new("< VRRP Sync groups >", "Num member fault", Why::RunTime),

    Rule::new("< VRRP Sync groups >", "sync group tracking weight", Why::Theirs("its effect is in the lists of what is tracked")),

    Rule::new("VRRP Script = plain", "Timeout", Why::Differs("we show the limit that applies when none is set, they 0")),

    Rule::new(SCRIPTS, "Result", Why::RunTime),
    Rule::new(SCRIPTS, "Init state", Why::RunTime),
    Rule::new(SCRIPTS, "Status", Why::RunTime),
    Rule::new(SCRIPTS, "State", Why::RunTime),
    Rule::new(SCRIPTS, "Insecure", Why::Theirs("an insecure script is named when the file is read")),
    Rule::new("< VRRP Track files >", "Status", Why::RunTime),
    Rule::new("", "GARP next time", Why::RunTime),
    Rule::new("", "GNA next time", Why::RunTime),

    Rule::new(INTERFACES, "B, weight 255", Why::Theirs("it does not track its interface: dont_track_primary")),
    Rule::new(INTERFACES, "State", Why::Differs("they say that lo has no broadcast")),
    Rule::new(INTERFACES, "MAC broadcast", Why::Theirs("it is not asked for")),
    Rule::new(INTERFACES, "HW Type = ETHERNET", Why::Theirs("it is not asked for")),
    Rule::new(INTERFACES, "Seen up", Why::RunTime),
    Rule::new(INTERFACES, "Delayed state change running", Why::RunTime),
    Rule::new(INTERFACES, "Up debounce timer", Why::Theirs("there is none yet")),
    Rule::new(INTERFACES, "Down debounce timer", Why::Theirs("there is none yet")),
    Rule::new(INTERFACES, "NIC netlink status update", Why::Theirs("there is no other way")),
    Rule::new(INTERFACES, "rp_filter", Why::Theirs("no setting of an interface is changed")),
    Rule::new(INTERFACES, "Reset ", Why::Theirs("no setting of an interface is changed")),
    Rule::new(INTERFACES, "Original ", Why::Theirs("no setting of an interface is changed")),

    Rule::new("< Real server >", "connection timeout", Why::Theirs(INHERITED)),
    Rule::new(SERVERS, "Delay loop", Why::Theirs(INHERITED)),
    Rule::new(SERVERS, "Retry ", Why::Theirs(INHERITED)),
    Rule::new(SERVERS, "Warmup", Why::Theirs(INHERITED)),
    Rule::new(SERVERS, "VirtualHost = vs.", Why::Theirs(INHERITED)),
    Rule::new("/ VS ", "Inhibit on failure is", Why::Theirs(INHERITED)),
    Rule::new("< Real server >", "Alpha is", Why::Differs("we show whether any of its checkers begins as down")),
    Rule::new("< Real server >", "Using smtp notification", Why::Differs("2.2.7 says yes when nothing is set")),
    Rule::new(SERVERS, "alive", Why::Newer),
    Rule::new(SERVERS, "set", Why::Newer),
    Rule::new(SERVERS, "VS alive", Why::Newer),
    Rule::new(SERVERS, "quorum_state_up", Why::RunTime),
    Rule::new(SERVERS, "effective weight", Why::RunTime),
    Rule::new(SERVERS, "previous effective_weight", Why::RunTime),
    Rule::new(SERVERS, "num failed checkers", Why::RunTime),
    Rule::new(SERVERS, "RS set", Why::RunTime),
    Rule::new(SERVERS, "reloaded", Why::RunTime),
    Rule::new(CHECKERS, "Enabled", Why::RunTime),
    Rule::new(CHECKERS, "Up =", Why::RunTime),
    Rule::new(CHECKERS, "Has run", Why::RunTime),
    Rule::new(CHECKERS, "Current weight", Why::RunTime),
    Rule::new(CHECKERS, "Retries iterations", Why::RunTime),
    Rule::new(CHECKERS, "Failed URL", Why::RunTime),
    Rule::new(CHECKERS, "Last ", Why::RunTime),
    Rule::new(CHECKERS, "tls_compliant", Why::Newer),
    Rule::new(CHECKERS, "Virtualhost", Why::Theirs("each url shows the name that it asks for")),
    Rule::new(CHECKERS, "Virtual host", Why::Differs("each url shows the name that it asks for")),
    Rule::new(CHECKERS, "timeout = ", Why::Differs("we show the limit that applies when none is set, they 0")),
    Rule::new(CHECKERS, "Log all failures", Why::Differs("we show what applies, they what the checker says itself")),
];

/// The lines of a dump that show settings, each with what stands above it.
fn settings(dump: &str, side: Side) -> Vec<String> {
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut out = Vec::new();
    for line in dump.lines() {
        let text = line.trim_start();
        let heading = text.starts_with("------<");
        // A heading stands above everything that follows but deeper headings, whatever its indentation.
        let depth = line.len() - text.len() + if heading { 0 } else { 4 };
        while above.last().is_some_and(|(other, _)| *other >= depth) {
            above.pop();
        }
        let place: String = above.iter().map(|(_, text)| format!("{text} / ")).collect();
        above.push((depth, normal(text)));
        if !RULES.iter().any(|rule| rule.skips(side, &place, text)) {
            out.push(format!("{place}{}", normal(text)));
        }
    }
    out
}

/// The same setting in the same words.
fn normal(text: &str) -> String {
    if text.starts_with("Password ") {
        // 2.2.7 shows it, 2.4.3 and we do not.
        return "Password".to_owned();
    }
    if let Some((group, _state)) = text
        .strip_prefix("VRRP Sync Group = ")
        .and_then(|rest| rest.split_once(", "))
    {
        return format!("VRRP Sync Group = {group}");
    }
    // Whether an address or a route is there yet is a matter of time.
    let text = text
        .split_once(" [installed ifindex")
        .map_or(text, |(text, _)| text);
    text.strip_suffix(" set").unwrap_or(text).to_owned()
}
