//! How the daemon runs: niceness, real time, processors, names and memory of its threads, and that no script inherits any.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::Signal;

use super::conf::Instance;
use super::expect::SOON;
use crate::site::{self, Director, v4};
use crate::timeline::{Stamp, for_the_next, note, wait_for};

const BFD: &str = "bfd_instance B {\n    neighbor_ip 192.0.2.2\n    passive\n}\n";

const SETTINGS: &str = "process_name lbd
    vrrp_process_name router
    process_names
    vrrp_priority -7
    vrrp_rt_priority 12
    vrrp_cpu_affinity 0
    vrrp_no_swap
    vrrp_rlimit_rttime 2000000
    bfd_priority 4";

const OF_CHECKS: &str = "checker_process_name lb
    checker_priority -3
    checker_rt_priority 5
    checker_cpu_affinity 0
    checker_no_swap
    checker_rlimit_rttime 1500000";

const CHECKED: &str = "virtual_server 192.0.2.101 80 {
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.0.2.9 80 {
        MISC_CHECK {
            misc_path \"/etc/keepalived/seen\"
            misc_timeout 20
            warmup 0
        }
    }
}
";

fn file(settings: &str) -> String {
    let instance = Instance {
        more: "notify \"/etc/keepalived/seen\"",
        ..Instance::default()
    };
    format!(
        "global_defs {{\n    router_id lab\n    script_user root\n    enable_script_security\n    {settings}\n}}\n{BFD}{instance}{CHECKED}"
    )
}

/// Of every thread, by its name: nice value, real-time priority, policy.
fn threads(director: &Director) -> BTreeMap<String, [i64; 3]> {
    let tasks = fs::read_dir(format!("/proc/{}/task", director.main())).expect("tasks");
    let mut out = BTreeMap::new();
    for task in tasks {
        let stat = task.expect("a task").path().join("stat");
        // A helper may have ended meanwhile.
        if let Ok(text) = fs::read_to_string(stat) {
            let (name, how) = read(&text);
            // A thread that has just begun still has the name of the one that began it, which is older.
            out.entry(name).or_insert(how);
        }
    }
    out
}

fn read(stat: &str) -> (String, [i64; 3]) {
    let (before, after) = stat.rsplit_once(") ").expect("a stat line");
    let name = before.split_once('(').expect("a name").1.to_owned();
    let fields: Vec<&str> = after.split(' ').collect();
    // Fields 19, 40 and 41 of proc(5); the first of these is field 3.
    let how = [19, 40, 41].map(|number| fields[number - 3].parse().expect("a number"));
    (name, how)
}

fn locked(director: &Director) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", director.main())).expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmLck:"));
    !line.expect("VmLck").contains(" 0 kB")
}

fn rttime(director: &Director) -> String {
    let limits = fs::read_to_string(format!("/proc/{}/limits", director.main())).expect("limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max realtime timeout"));
    let words: Vec<&str> = line.expect("a limit").split_whitespace().collect();
    words[3].to_owned()
}

/// Waits until threads of these names run so: each sees to itself, in its own time.
#[track_caller]
fn run_so(director: &Director, wanted: &[(&str, [i64; 3])]) {
    let mut last = None;
    wait_for(format!("threads to run as {wanted:?}"), SOON, || {
        let has = threads(director);
        let all = wanted.iter().all(|(name, how)| has.get(*name) == Some(how));
        if last.as_ref() != Some(&has) {
            note(&director.name, format!("{has:?}"));
            last = Some(has);
        }
        all.then_some(())
    });
}

/// Waits until memory is locked, or is not, and for the limit of real time.
#[track_caller]
fn has(director: &Director, is_locked: bool, limit: &str) {
    wait_for(
        format!("memory locked: {is_locked}, limit of real time: {limit}"),
        SOON,
        || (locked(director) == is_locked && rttime(director) == limit).then_some(()),
    );
}

/// What a script has seen of itself: how it runs, and how much of its memory is locked.
#[track_caller]
fn word(director: &Director) -> ([i64; 3], String) {
    let text = wait_for("a script's word", 2 * SOON, || {
        Some(director.read("/run/seen")).filter(|text| !text.is_empty())
    });
    let (stat, lock) = text.split_once('\n').expect("two lines");
    (read(stat).1, lock.to_owned())
}

const USUAL: [i64; 3] = [0, 0, 0];
const RR: i64 = 2;

/// Threads run as configured, scripts as usual, and a reload gives everything back.
///
/// Facts: 12.13
/// LVS facts: 19.2
pub fn priorities() {
    let (_site, mut d1, _d2) = site::pair(0);
    // Several may run at once.
    let seen =
        "cat /proc/self/stat >/run/$$; grep -h VmLck /proc/self/status >>/run/$$; mv /run/$$ /run/seen";
    d1.script("/etc/keepalived/seen", seen);
    d1.run_with(&file(SETTINGS));
    d1.wait_holds(v4(0, 100), 2 * SOON);
    run_so(
        &d1,
        &[
            ("router", [-7, 12, RR]),
            ("keepalived_bfd", [4, 0, 0]),
            ("kernel", [-7, 0, 0]),
            ("lbd", USUAL),
            ("log", USUAL),
        ],
    );
    has(&d1, true, "2000000");

    let (how, lock) = word(&d1);
    assert_eq!(how, USUAL, "a script runs as usual");
    assert!(lock.contains(" 0 kB"), "{lock}");

    // Whoever ran for too long goes on without real time.
    d1.signal_number(libc::SIGXCPU);
    run_so(&d1, &[("router", [-7, 0, 0])]);
    reload(&mut d1, SETTINGS);
    run_so(&d1, &[("router", [-7, 12, RR])]);

    reload(&mut d1, "");
    run_so(
        &d1,
        &["vrrp", "check", "bfd", "kernel", "log"].map(|name| (name, USUAL)),
    );
    wait_for("the usual name", SOON, || {
        (!threads(&d1).contains_key("lbd")).then_some(())
    });
    has(&d1, false, "unlimited");

    reload(&mut d1, OF_CHECKS);
    run_so(&d1, &[("lb", [-3, 5, RR]), ("vrrp", USUAL)]);
    has(&d1, true, "1500000");
    d1.write("/run/seen", "");
    let (how, _) = word(&d1);
    assert_eq!(how, USUAL, "a check runs as usual");
    reload(&mut d1, "");
    run_so(&d1, &[("check", USUAL)]);

    raises_itself(&mut d1);
    d1.signal(Signal::SIGTERM);
    assert_eq!(d1.ended(2 * SOON), Some(0), "exit code");
}

/// Each late timer raises a plane by one, up to the limit.
fn raises_itself(director: &mut Director) {
    let settings = "max_auto_priority 2\n    min_auto_priority_delay 300000\n    vrrp_rlimit_rttime 2000000";
    reload(director, settings);
    for level in [1, 2, 2] {
        director.pause();
        std::thread::sleep(Duration::from_millis(1200));
        director.resume();
        wait_for("a higher priority", SOON, || {
            threads(director)
                .get("vrrp")
                .filter(|how| how[1] >= level)
                .map(drop)
        });
    }
    let begun = Stamp::now();
    for_the_next(Duration::from_secs(2), "no more than the limit", || {
        threads(director)["vrrp"] == [0, 2, RR] && director.log.count_since("is now 3", begun) == 0
    });
}

fn reload(director: &mut Director, settings: &str) {
    director.configure(&file(settings));
    let begun = Stamp::now();
    director.signal(Signal::SIGHUP);
    director.log.wait("Reload complete", begun, 2 * SOON);
}
