//! The bench: the daemon under test and keepalived side by side in one run, to be read as ratios.
//!
//! A guest's kernel is slow and shares its processor, so only the comparison means something.

use std::time::Duration;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use crate::site::{self, Daemon, Director, Usage};
use crate::timeline::{Stamp, for_the_next, note, wait_for};

const ROUNDS: usize = 10;
const ROUTERS: u8 = 200;
/// How long CPU time is measured.
const SPAN: Duration = Duration::from_secs(10);

/// Takeover times, and the memory of a small pair.
pub fn takeover() {
    let [ours, theirs] = [Daemon::under_test(), Daemon::Keepalived].map(takeovers);
    let median = |late: &[f64]| late[late.len() / 2];
    let worst = |late: &[f64]| *late.last().expect("rounds");
    heading();
    row(
        "takeover past the limit, median",
        median(&ours.0),
        median(&theirs.0),
        "ms",
    );
    row(
        "takeover past the limit, worst",
        worst(&ours.0),
        worst(&theirs.0),
        "ms",
    );
    row(
        "memory (PSS), one router and two servers",
        mib(ours.1),
        mib(theirs.1),
        "MiB",
    );
}

/// Memory and CPU time with many routers.
pub fn load() {
    let [ours, theirs] = [Daemon::under_test(), Daemon::Keepalived].map(many_routers);
    heading();
    row(
        &format!("memory (PSS), {ROUTERS} routers"),
        mib(ours.0),
        mib(theirs.0),
        "MiB",
    );
    row(
        &format!("CPU a second, master of {ROUTERS} routers"),
        ours.1,
        theirs.1,
        "ms",
    );
    row(
        &format!("CPU a second, backup of {ROUTERS} routers"),
        ours.2,
        theirs.2,
        "ms",
    );
}

fn heading() {
    note(
        "bench",
        format!("{:<44}{:>12}{:>12}{:>8}", "", "steadfast", "keepalived", "ratio"),
    );
}

fn row(what: &str, ours: f64, theirs: f64, unit: &str) {
    let (ratio, ours, theirs) = (
        ours / theirs,
        format!("{ours:.1} {unit}"),
        format!("{theirs:.1} {unit}"),
    );
    note("bench", format!("{what:<44}{ours:>12}{theirs:>12}{ratio:>8.2}"));
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Kills the master again and again; how late its successor was, and the memory of the pair's master.
fn takeovers(daemon: Daemon) -> (Vec<f64>, u64) {
    let (site, mut d1, mut d2) = site::pair(2);
    (d1.daemon, d2.daemon) = (daemon, daemon);
    let master = Instance {
        priority: 150,
        interval: 100,
        ..Instance::default()
    };
    let backup = Instance {
        interval: 100,
        ..Instance::default()
    };
    let lvs = virtual_server(vip(), 80, &expect::addresses(&site), TCP_CHECK, "");
    d1.run_with(&format!("{GLOBAL}{master}{lvs}"));
    d2.run_with(&format!("{GLOBAL}{backup}{lvs}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    for_the_next(Duration::from_secs(3), "the pair is at rest", || true);
    let memory = d1.usage().memory;
    let mut late = Vec::new();
    for _ in 0..ROUNDS {
        d1.kill();
        let (last, _) = site.wire.last_advert("d1");
        let (announced, _) = site.wire.next_announcement("d2", vip(), last, SOON);
        late.push(
            (announced - last)
                .as_secs_f64()
                .mul_add(1e3, -(backup.down_time().as_secs_f64() * 1e3)),
        );
        d1.start();
        expect::settled(&site.wire, &d1, &d2, &master, vip());
    }
    late.sort_by(f64::total_cmp);
    (late, memory)
}

/// Many routers on one interface; memory of the master, CPU time of the master and of the backup.
fn many_routers(daemon: Daemon) -> (u64, f64, f64) {
    let (_site, mut d1, mut d2) = site::pair(0);
    (d1.daemon, d2.daemon) = (daemon, daemon);
    let conf = |priority: u8| -> String {
        let router = |vrid: u8| {
            let (name, address) = (format!("VI_{vrid}"), format!("10.0.{vrid}.1/24"));
            let addresses = [address.as_str()];
            Instance {
                name: &name,
                vrid,
                priority,
                interval: 1000,
                addresses: &addresses,
                ..Instance::default()
            }
            .to_string()
        };
        (1..=ROUTERS).map(router).collect()
    };
    d1.run_with(&format!("{GLOBAL}{}", conf(150)));
    d2.run_with(&format!("{GLOBAL}{}", conf(100)));
    let held = |director: &Director| {
        director
            .addresses()
            .iter()
            .filter(|address| address.to_string().starts_with("10.0."))
            .count()
    };
    wait_for(format!("d1 to be master of {ROUTERS} routers"), 6 * SOON, || {
        (held(&d1) == ROUTERS.into() && held(&d2) == 0).then_some(())
    });
    // The second burst of announcements comes five seconds after the first.
    for_the_next(Duration::from_secs(7), "the pair is at rest", || true);
    let before = [d1.usage(), d2.usage()];
    let began = Stamp::now();
    for_the_next(SPAN, "the pair is at rest", || true);
    let (after, time) = ([d1.usage(), d2.usage()], began.elapsed());
    let spent = |index: usize| {
        let (Usage { cpu: before, .. }, Usage { cpu: after, .. }) = (&before[index], &after[index]);
        (*after - *before).as_secs_f64() * 1e3 / time.as_secs_f64()
    };
    (after[0].memory, spent(0), spent(1))
}
