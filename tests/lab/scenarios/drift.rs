//! What others change of what is ours, by hand: each event has the outcome that docs/drift.md tells.

use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{self, LATE, SOON};
use super::ipvs::{both, saved};
use crate::site::{self, Daemon, Director, Site, v4};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// Somebody else's service on the same kernel.
const FOREIGN: [&str; 2] = [
    "-A -t 203.0.113.9:80 -s wlc",
    "-a -t 203.0.113.9:80 -r 203.0.113.1:80 -m -w 5",
];
/// Somebody else's server in a service of ours.
const ADDED: &str = "-a -t 192.0.2.1:80 -r 198.51.100.77:80 -g -w 1";

fn ipvsadm(director: &Director, words: &str) {
    note("lab", format!("ipvsadm {words}"));
    let all = ["ipvsadm"].into_iter().chain(words.split(' '));
    director.run(&all.collect::<Vec<_>>());
}

/// Two services of two servers, which are always found good.
fn services() -> String {
    let server = |address: &str| {
        format!("real_server {address} 80 {{\nMISC_CHECK {{\nmisc_path /usr/bin/true\nwarmup 0\n}}\n}}\n")
    };
    let servers = [server("198.51.100.1"), server("198.51.100.2")].concat();
    let service = |address: &str| {
        format!(
            "virtual_server {address} 80 {{\ndelay_loop 60\nlb_algo rr\nlb_kind DR\nprotocol TCP\n{servers}}}\n"
        )
    };
    [service("192.0.2.1"), service("192.0.2.2")].concat()
}

/// Waits until the table has these lines, and gives how long that took.
#[track_caller]
fn is_again(director: &Director, table: &[String], since: Stamp) -> Duration {
    wait_for("the table to be as it was", SOON, || {
        let now = saved(director);
        table.iter().all(|line| now.contains(line)).then_some(())
    });
    since.elapsed()
}

/// A table that is emptied, a service and a server that are removed are there again within a second; what is drained by
/// hand stays so unless repair is wanted; what others have made is theirs.
pub fn ipvs() {
    let [_, mut d] = both();
    d.run_with(&format!("{GLOBAL}{}", services()));
    d.log.wait("Startup complete", Stamp(Duration::ZERO), SOON);
    let ours = wait_for("both services", SOON, || {
        let table = saved(&d);
        (table.len() == 6).then_some(table)
    });
    FOREIGN.iter().for_each(|words| ipvsadm(&d, words));
    ipvsadm(&d, ADDED);

    for (event, told) in [
        (
            "-D -t 192.0.2.1:80",
            "removed 1 virtual service, put back: [192.0.2.1]:tcp:80",
        ),
        (
            "-d -t 192.0.2.2:80 -r 198.51.100.2:80",
            "removed 1 real server, put back: [198.51.100.2]:tcp:80 of [192.0.2.2]:tcp:80",
        ),
        ("-C", "removed 2 virtual services, put back: "),
    ] {
        let since = Stamp::now();
        ipvsadm(&d, event);
        let done = Stamp::now();
        let at = d.log.wait(told, since, SOON);
        let took = is_again(&d, &ours, since);
        note(
            "lab",
            format!(
                "{event}: put back after {}, seen after {}",
                ms(at - done),
                ms(took)
            ),
        );
        assert!(
            at - done <= Duration::from_secs(1),
            "{event}: only after {:?}",
            at - done
        );
        if event != "-C" {
            let table = saved(&d);
            assert!(
                FOREIGN.iter().all(|line| table.iter().any(|it| it == line)),
                "{table:?}"
            );
        }
    }
    assert!(
        saved(&d).iter().all(|line| !FOREIGN.contains(&line.as_str())),
        "what is not ours stays gone"
    );
    FOREIGN.iter().for_each(|words| ipvsadm(&d, words));
    ipvsadm(&d, ADDED);

    let since = Stamp::now();
    ipvsadm(&d, "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 0");
    d.log
        .wait("[192.0.2.1]:tcp:80: weight 1 -> 0 - left", since, SOON);
    for_the_next(Duration::from_millis(1500), "it is drained", || {
        let table = saved(&d);
        table
            .iter()
            .any(|line| line == "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 0")
    });
    assert_eq!(d.log.count_since("weight 1 -> 0", since), 1, "told once");

    assert_eq!(d.stop(), Some(0), "exit code");
    assert_eq!(
        saved(&d),
        FOREIGN,
        "nothing of ours is left, and what is not ours is"
    );
}

const ROUTE: &str = "198.51.100.0/24";

/// Priorities as far apart as they can be: who has fallen back is MASTER again after its skew time, 4 ms, and the other
/// would be after 498 ms. Nearer ones would make the busy machine the judge of who is first.
const MASTER: u8 = 254;
const BACKUP: u8 = 1;

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

/// What others remove of a MASTER makes it fall back and rise again, as keepalived does; without its own address it is
/// in FAULT.
/// Facts: 2.21
pub fn fallback() {
    let (site, d1, _d2) = beside_keepalived("");
    for command in [
        "ip address delete 192.0.2.101/24 dev eth0",
        "ip route delete 198.51.100.0/24",
        "ip rule flush",
    ] {
        let since = Stamp::now();
        let done = by_hand(&d1, command);
        let zero = wait_for("priority 0", SOON, || fell(&site, "d1", since));
        assert!(zero - done <= LATE, "{command}: only after {:?}", zero - done);
        wait_for("d1 to be MASTER again", SOON, || {
            let after = site.wire.adverts_after("d1", zero);
            after
                .iter()
                .any(|(_, advert)| advert.priority == MASTER)
                .then_some(())
        });
        if command == "ip rule flush" {
            usual_rules(&d1);
            // As with keepalived the route went without the rules of the host, and comes with the next transition.
            by_hand(&d1, "ip address delete 192.0.2.101/24 dev eth0");
        }
        whole(&d1);
        assert!(
            site.wire.adverts_after("d2", since).is_empty(),
            "{command}: d2 took over"
        );
    }
    let since = Stamp::now();
    by_hand(&d1, "ip -4 address flush dev eth0");
    wait_for("priority 0", SOON, || fell(&site, "d1", since));
    d1.wait_state("VI_1", "FAULT", since, SOON);
    site.wire.next_advert("d2", since, SOON);
    let back = by_hand(&d1, "ip address add 192.0.2.1/24 dev eth0");
    site.wire.next_advert("d1", back, SOON);
    whole(&d1);
}

/// With `drift_repair` it is put back within a second and announced, and the MASTER stays; after so many repairs within a
/// minute it falls back.
pub fn repair() {
    let (site, d1, _d2) = beside_keepalived("drift_repair 5\n");
    let since = Stamp::now();
    for (command, told) in [
        (
            "ip address delete 192.0.2.101/24 dev eth0",
            "192.0.2.101/24 dev eth0 scope global has been removed by others, putting it back",
        ),
        ("ip route delete 198.51.100.0/24", "putting it back"),
        ("ip rule flush", "putting it back"),
        ("ip address delete 192.0.2.100/24 dev eth0", "putting it back"),
    ] {
        let before = Stamp::now();
        let done = by_hand(&d1, command);
        let at = d1.log.wait(told, before, SOON);
        note("lab", format!("{command}: told {} after it", ms(at - done)));
        assert!(
            at - before <= Duration::from_secs(1) + LATE,
            "{command}: only after {:?}",
            at - before
        );
        if command == "ip rule flush" {
            usual_rules(&d1);
        }
        whole(&d1);
        if command.starts_with("ip address") {
            let address = if command.contains(".101") {
                v4(0, 101)
            } else {
                vip()
            };
            site.wire.next_announcement("d1", address, before, SOON);
        }
        // Not one repair together with the next.
        for_the_next(Duration::from_millis(1100), "d1 is MASTER", || d1.holds(vip()));
    }
    assert_eq!(fell(&site, "d1", since), None, "it fell back");
    assert!(site.wire.adverts_after("d2", since).is_empty(), "d2 took over");

    by_hand(&d1, "ip address delete 192.0.2.101/24 dev eth0");
    whole(&d1);
    assert_eq!(fell(&site, "d1", since), None, "the fifth repair");
    let before = Stamp::now();
    by_hand(&d1, "ip address delete 192.0.2.101/24 dev eth0");
    d1.log
        .wait("(5 times within a minute) - falling back", before, SOON);
    wait_for("priority 0", SOON, || fell(&site, "d1", before));
    whole(&d1);
}
