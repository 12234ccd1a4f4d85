//! What others change of what is ours, by hand: each event has the outcome that docs/drift.md tells.

use std::time::Duration;

use super::conf::GLOBAL;
use super::expect::SOON;
use super::ipvs::{both, saved};
use crate::site::Director;
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
