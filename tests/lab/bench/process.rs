//! What the kernel knows of a daemon's processes: their memory and their processor time.

use std::fs;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

use super::figure::report;
use crate::site::Director;

/// Reports the memory of all processes of a director's daemon, in MiB: `NAME` is its proportional share of every page
/// (PSS), `NAME-anonymous` the part of it that belongs to no file, which no neighbour can share and make smaller.
pub fn report_memory(name: &str, director: &Director) {
    let family = family(director);
    let total = |field: &str| -> f64 {
        family
            .iter()
            .map(|process| kibibytes(*process, field))
            .sum::<f64>()
            / 1024.0
    };
    report(name, director.daemon, total("Pss:"));
    report(&format!("{name}-anonymous"), director.daemon, total("Pss_Anon:"));
}

/// User and system time that all processes of a director's daemon have had so far.
///
/// The same quantity as `utime` + `stime` of `/proc/PID/stat`, from the process's clock because that counts nanoseconds
/// where the file counts hundredths of a second.
pub fn processor_time(director: &Director) -> Duration {
    let of = |process: Pid| {
        let time = ClockId::pid_cpu_clock_id(process).and_then(ClockId::now);
        Duration::from(
            time.unwrap_or_else(|error| panic!("process {process} ended while it was measured: {error}")),
        )
    };
    family(director).into_iter().map(of).sum()
}

/// Every process in a director's network: there is nothing but its daemon, however that came to be there.
fn family(director: &Director) -> Vec<Pid> {
    let network = |task: &str| fs::read_link(format!("/proc/{task}/ns/net")).ok();
    let own = network(&director.pid().to_string()).expect("a director's network");
    let family: Vec<Pid> = fs::read_dir("/proc")
        .expect("proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process: &i32| network(&process.to_string()).as_ref() == Some(&own))
        .map(Pid::from_raw)
        .collect();
    assert!(!family.is_empty(), "{} runs no daemon", director.name);
    family
}

fn kibibytes(process: Pid, field: &str) -> f64 {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path).expect(&path);
    let line = text
        .lines()
        .find(|line| line.starts_with(field))
        .unwrap_or_else(|| panic!("no {field} in {path}"));
    let value = line.split_whitespace().nth(1).expect("a value");
    value.parse().expect("a number")
}
