//! Two hundred virtual routers on one segment: the memory of their master, the processor time of master and backup.
//!
//! Nobody captures here: a capture would be charged to the daemon that sends. Instead the interfaces' own counters tell
//! whether the master sent what it should and the backup nothing.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::figure::report;
use super::process::{processor_time, report_memory};
use crate::scenarios::conf::{GLOBAL, Instance};
use crate::site::{Daemon, Director};
use crate::timeline::{Stamp, wait_for};

pub const MEMORY: &str = "memory-routers";
/// Milliseconds of processor time a second; then comes the interval.
pub const CPU_MASTER: &str = "cpu-master-";
pub const CPU_BACKUP: &str = "cpu-backup-";
/// Frames sent a second; then comes the interval.
pub const SENT_MASTER: &str = "sent-master-";
pub const SENT_BACKUP: &str = "sent-backup-";

pub const ROUTERS: u8 = 200;
/// Intervals between adverts, in milliseconds.
pub const INTERVALS: [u32; 2] = [1000, 100];

/// The virtual addresses begin with this and end with the router's number.
const NETWORK: &str = "198.51.100.";
/// How long processor time is counted.
const COUNTED: Duration = Duration::from_secs(20);
/// The second burst of announcements (`garp_master_delay`, 5 seconds) is over after this.
const CALM: Duration = Duration::from_secs(7);
/// A master's memory is measured after its first burst.
const SETTLED: Duration = Duration::from_secs(2);
/// Far above any start.
const LIMIT: Duration = Duration::from_secs(20);

pub fn run() {
    for daemon in super::DAEMONS {
        memory(daemon);
    }
    for interval in INTERVALS {
        processor(interval);
    }
}

/// One daemon alone: a second one would share, and so halve, what belongs to files.
fn memory(daemon: Daemon) {
    let (_switch, mut master, _) = super::directors(daemon, ["d1", "d2"]);
    master.run_with(&config(150, INTERVALS[0]));
    mastered(&master);
    sleep(SETTLED);
    report_memory(MEMORY, &master);
    master.kill();
}

/// Both daemons' pairs at the same time, each on a switch of its own, so that whatever else this machine does
/// hits both alike.
fn processor(interval: u32) {
    let mut pairs = super::DAEMONS.map(|daemon| {
        let (switch, mut master, mut backup) = super::directors(daemon, ["d1", "d2"]);
        master.run_with(&config(150, interval));
        mastered(&master);
        let started = Stamp::now();
        backup.run_with(&config(100, interval));
        for router in 1..=ROUTERS {
            backup.wait_state(&name(router), "BACKUP", started, LIMIT);
        }
        (switch, master, backup)
    });
    sleep(CALM);
    let began = Instant::now();
    let state = |director: &Director| (processor_time(director), frames_sent(director));
    let states = || {
        pairs
            .each_ref()
            .map(|(_, master, backup)| [state(master), state(backup)])
    };
    let before = states();
    sleep(COUNTED);
    let (after, seconds) = (states(), began.elapsed().as_secs_f64());
    for ((daemon, before), after) in super::DAEMONS.into_iter().zip(before).zip(after) {
        let names = [(CPU_MASTER, SENT_MASTER), (CPU_BACKUP, SENT_BACKUP)];
        for ((cpu, sent), (before, after)) in names.into_iter().zip(before.into_iter().zip(after)) {
            let used = after.0.saturating_sub(before.0).as_secs_f64();
            report(&format!("{cpu}{interval}"), daemon, 1000.0 * used / seconds);
            report(
                &format!("{sent}{interval}"),
                daemon,
                (after.1 - before.1) / seconds,
            );
        }
    }
    for (_, master, backup) in &mut pairs {
        master.kill();
        backup.kill();
    }
}

/// Waits until a director is master of every router.
fn mastered(director: &Director) {
    wait_for("the master holds every address", LIMIT, || {
        let held = director.addresses();
        let held = held
            .iter()
            .filter(|held| held.to_string().starts_with(NETWORK))
            .count();
        (held == usize::from(ROUTERS)).then_some(())
    });
}

fn frames_sent(director: &Director) -> f64 {
    let text = director.read("/sys/class/net/eth0/statistics/tx_packets");
    text.trim().parse().expect("the interface's counter")
}

fn config(priority: u8, interval: u32) -> String {
    let mut text = GLOBAL.to_owned();
    for router in 1..=ROUTERS {
        let instance = Instance {
            name: &name(router),
            vrid: router,
            priority,
            interval,
            addresses: &[&format!("{NETWORK}{router}/32")],
            ..Instance::default()
        };
        text += &instance.to_string();
    }
    text
}

fn name(router: u8) -> String {
    format!("VI_{router}")
}
