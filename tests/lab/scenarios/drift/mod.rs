//! What others change of what is ours, by hand: each event has the outcome that docs/drift.md tells.

pub mod beside;
pub mod beside_ipvs;
mod documented;
pub mod foreign;
pub mod master;
pub mod table;
pub mod vmac;

use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{self, LATE, SOON, STALL, late};
use crate::site::{self, Daemon, Director, Site, v4};
use crate::timeline::{Stamp, note, stalled, wait_for};

/// Somebody else's service on the same kernel.
const FOREIGN: [&str; 2] = [
    "-A -t 203.0.113.9:80 -s wlc",
    "-a -t 203.0.113.9:80 -r 203.0.113.1:80 -m -w 5",
];
/// Somebody else's server in a service of ours.
const ADDED: &str = "-a -t 192.0.2.1:80 -r 198.51.100.77:80 -g -w 1";

/// Two services of two servers. The checks of the first server have the status of a file, those of the second one are good. They
/// have more time than the second of `delay_loop`, after which 2.2.7 may kill everybody.
fn services() -> String {
    let server = |address: &str, check: &str| {
        format!(
            "real_server {address} 80 {{
MISC_CHECK {{
misc_path \"{check}\"
misc_timeout 20
warmup 0
delay_loop 1
}}
}}
"
        )
    };
    let servers = [
        server("198.51.100.1", CHECK),
        server("198.51.100.2", "/usr/bin/true"),
    ]
    .concat();
    let service = |address: &str| {
        format!(
            "virtual_server {address} 80 {{\ndelay_loop 60\nlb_algo rr\nlb_kind DR\nprotocol TCP\n{servers}}}\n"
        )
    };
    [service("192.0.2.1"), service("192.0.2.2")].concat()
}

/// Fails while there is a certain file.
const CHECK: &str = "/usr/bin/test ! -e /run/bad";
/// That one.
const BAD: &str = "/run/bad";

fn ipvsadm(director: &Director, words: &str) {
    note("lab", format!("ipvsadm {words}"));
    let all = ["ipvsadm"].into_iter().chain(words.split(' '));
    director.run(&all.collect::<Vec<_>>());
}

const ROUTE: &str = "198.51.100.0/24";

/// Priorities as far apart as they can be: who has fallen back is MASTER again after its skew time, which is nearly nothing,
/// and the other would be after a whole interval. Nearer ones would make the busy machine the judge of who is first.
const MASTER: u8 = 254;
const BACKUP: u8 = 1;
/// Milliseconds: so long the other one has patience with who has fallen back.
const INTERVAL: u32 = 2000;

/// How late what was `done` may have had its effect `at` that time: within a second, says docs/drift.md.
fn prompt(done: Stamp, at: Stamp) -> Duration {
    Duration::from_secs(1) + late(done, at)
}

/// The quickest answer of the guard of IPVS takes no longer: the others wait for its pauses, which have nineteen twentieths of
/// its thread's time.
const PROMPT: Duration = Duration::from_secs(1).saturating_add(LATE).saturating_add(STALL);
/// What it tells comes by then: its longest pause is half a minute.
const GUARDED: Duration = SOON.saturating_mul(4);

/// It has told of `event` long before its longest pause would have ended, unless the guest stood still in the middle of looks,
/// which makes a pause twenty times as long.
#[track_caller]
fn told_in_time(event: &str, done: Stamp, told: Stamp) {
    let held_up = stalled(Stamp(done.0 - GUARDED), told);
    assert!(
        told - done <= SOON + 20 * held_up,
        "{event}: told only after {:?}",
        told - done
    );
}

/// A MASTER with two addresses, a route and a rule beside keepalived, which has the same.
fn beside_keepalived(global: &str) -> (Site, Director, Director) {
    let (site, mut d1, mut d2) = site::pair(0);
    d2.daemon = Daemon::Keepalived;
    let more = "virtual_routes {
        198.51.100.0/24 via 192.0.2.12 dev eth0
    }
    virtual_rules {
        from 203.0.113.0/24 table 77 priority 5000
    }";
    let master = Instance {
        priority: MASTER,
        more,
        addresses: &["192.0.2.100/24", "192.0.2.101/24"],
        interval: INTERVAL,
        ..Instance::default()
    };
    let backup = Instance {
        priority: BACKUP,
        ..master.clone()
    };
    d1.run_with(&format!(
        "{}{master}",
        GLOBAL.replacen("{", &format!("{{\n    {global}"), 1)
    ));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    whole(&d1);
    (site, d1, d2)
}

fn by_hand(director: &Director, command: &str) -> Stamp {
    note("lab", format!("by hand: {command}"));
    director.run(&command.split(' ').collect::<Vec<_>>());
    Stamp::now()
}

/// Waits until all that the instance has is there.
#[track_caller]
fn whole(director: &Director) {
    wait_for("the addresses, the route and the rule", SOON, || {
        let ways = director.run(&["sh", "-c", "ip -4 route show; ip -4 rule show"]);
        let all = ways.contains(ROUTE) && ways.contains("from 203.0.113.0/24 lookup 77");
        (all && director.holds(vip()) && director.holds(v4(0, 101))).then_some(())
    });
}

/// The guest's own rules, after a flush.
fn usual_rules(director: &Director) {
    for rule in ["priority 32766 table main", "priority 32767 table default"] {
        let words = format!("ip rule add {rule}");
        director.run(&words.split(' ').collect::<Vec<_>>());
    }
}

/// Whether `director` has said priority 0 since then.
fn fell(site: &Site, director: &str, since: Stamp) -> Option<Stamp> {
    let adverts = site.wire.adverts_after(director, since);
    adverts
        .iter()
        .find(|(_, advert)| advert.priority == 0)
        .map(|(at, _)| *at)
}
