//! What others change of the table of IPVS: back within a second, or told and left; and what is not ours survives everything.

use std::time::Duration;

use super::super::conf::GLOBAL;
use super::super::expect::SOON;
use super::super::ipvs::{both, saved};
use super::{ADDED, FOREIGN, GUARDED, PROMPT, ipvsadm, services, told_in_time};
use crate::site::Director;
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// Waits until the table has these lines, and gives how long that took.
#[track_caller]
fn is_again(director: &Director, table: &[String], since: Stamp) -> Duration {
    wait_for("the table to be as it was", 2 * SOON, || {
        let now = saved(director);
        table.iter().all(|line| now.contains(line)).then_some(())
    });
    since.elapsed()
}

/// When the guard has told of it.
#[track_caller]
fn names(director: &Director, words: &str, since: Stamp) -> Stamp {
    wait_for(format!("a line of the guard with {words}"), GUARDED, || {
        let lines = director.log.lines();
        let mut lines = lines.iter().filter(|(at, _)| *at >= since);
        let line = lines.find(|(_, line)| line.contains("IPVS: others have removed") && line.contains(words));
        line.map(|(at, _)| *at)
    })
}

/// A table that is emptied, a service and a server that are removed are there again within a second; what is drained by
/// hand stays so unless repair is wanted; what others have made is theirs.
pub fn ipvs() {
    let [_, mut d] = both();
    d.run_with(&format!("{GLOBAL}{}", services()));
    d.log.wait("Startup complete", Stamp(Duration::ZERO), 2 * SOON);
    let ours = wait_for("both services", 2 * SOON, || {
        let table = saved(&d);
        (table.len() == 6).then_some(table)
    });
    FOREIGN.iter().for_each(|words| ipvsadm(&d, words));
    ipvsadm(&d, ADDED);

    let mut quickest = Duration::MAX;
    for (event, told) in [
        (
            "-D -t 192.0.2.1:80",
            &["removed 1 virtual service, put back: [192.0.2.1]:tcp:80"][..],
        ),
        (
            "-d -t 192.0.2.2:80 -r 198.51.100.2:80",
            &["removed 1 real server, put back: [198.51.100.2]:tcp:80 of [192.0.2.2]:tcp:80"],
        ),
        // In one line or, in the middle of a look, two.
        ("-C", &["[192.0.2.1]:tcp:80", "[192.0.2.2]:tcp:80"]),
    ] {
        let since = Stamp::now();
        ipvsadm(&d, event);
        let done = Stamp::now();
        let at = told.iter().map(|words| names(&d, words, since)).max();
        let at = at.expect("something is told");
        let took = is_again(&d, &ours, since);
        note(
            "lab",
            format!(
                "{event}: put back after {}, seen after {}",
                ms(at - done),
                ms(took)
            ),
        );
        told_in_time(event, done, at);
        quickest = quickest.min(at - done);
        if event != "-C" {
            let table = saved(&d);
            assert!(
                FOREIGN.iter().all(|line| table.iter().any(|it| it == line)),
                "{table:?}"
            );
        }
    }
    assert!(quickest <= PROMPT, "only after {quickest:?}");
    assert!(
        saved(&d).iter().all(|line| !FOREIGN.contains(&line.as_str())),
        "what is not ours stays gone"
    );
    FOREIGN.iter().for_each(|words| ipvsadm(&d, words));
    ipvsadm(&d, ADDED);

    let since = Stamp::now();
    ipvsadm(&d, "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 0");
    d.log
        .wait("[192.0.2.1]:tcp:80: weight 1 -> 0 - left", since, GUARDED);
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
