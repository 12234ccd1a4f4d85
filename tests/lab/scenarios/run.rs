//! How the daemon runs: niceness, real time, processors, names and memory of its threads, and that no script inherits any.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::Signal;

use super::conf::Instance;
use super::expect::{LATE, SOON};
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
            out.insert(name, how);
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

const USUAL: [i64; 3] = [0, 0, 0];
const RR: i64 = 2;

/// Threads run as configured, scripts as usual, and a reload gives everything back.
///
/// Facts: 12.13
/// LVS facts: 19.2
pub fn priorities() {
    let (_site, mut d1, _d2) = site::pair(0);
    let seen = "cat /proc/self/stat >/run/stat.new; grep -h VmLck /proc/self/status >/run/lck; mv /run/stat.new /run/stat";
    d1.script("/etc/keepalived/seen", seen);
    d1.run_with(&file(SETTINGS));
    d1.wait_holds(v4(0, 100), LATE + SOON);
    let has = threads(&d1);
    note(&d1.name, format!("{has:?}"));
    assert_eq!(has["router"], [-7, 12, RR]);
    assert_eq!(has["keepalived_bfd"], [4, 0, 0]);
    assert_eq!(has["kernel"], [-7, 0, 0]);
    for usual in ["lbd", "log"] {
        assert_eq!(has[usual], USUAL, "{usual}");
    }
    assert!(locked(&d1), "memory is locked");
    assert_eq!(rttime(&d1), "2000000");

    wait_for("the script's word", SOON, || {
        (!d1.read("/run/stat").is_empty()).then_some(())
    });
    assert_eq!(read(&d1.read("/run/stat")).1, USUAL, "a script runs as usual");
    assert!(d1.read("/run/lck").contains(" 0 kB"), "{}", d1.read("/run/lck"));

    // Whoever ran for too long goes on without real time.
    d1.signal_number(libc::SIGXCPU);
    wait_for("no real time", SOON, || {
        (threads(&d1)["router"] == [-7, 0, 0]).then_some(())
    });
    reload(&mut d1, SETTINGS);
    assert_eq!(threads(&d1)["router"], [-7, 12, RR]);

    reload(&mut d1, "");
    let has = threads(&d1);
    note(&d1.name, format!("{has:?}"));
    for usual in ["vrrp", "check", "bfd", "kernel", "log"] {
        assert_eq!(has[usual], USUAL, "{usual}");
    }
    assert!(!has.contains_key("lbd"), "{has:?}");
    assert!(!locked(&d1), "memory is not locked any more");
    assert_eq!(rttime(&d1), "unlimited");

    reload(&mut d1, OF_CHECKS);
    let has = threads(&d1);
    note(&d1.name, format!("{has:?}"));
    assert_eq!((has["lb"], has["vrrp"]), ([-3, 5, RR], USUAL));
    assert!(locked(&d1), "memory is locked for checks");
    assert_eq!(rttime(&d1), "1500000");
    for file in ["/run/stat", "/run/lck"] {
        d1.write(file, "");
    }
    wait_for("a check's word", SOON, || {
        (!d1.read("/run/stat").is_empty()).then_some(())
    });
    assert_eq!(read(&d1.read("/run/stat")).1, USUAL, "a check runs as usual");
    reload(&mut d1, "");
    assert_eq!(threads(&d1)["check"], USUAL);

    raises_itself(&mut d1);
    d1.signal(Signal::SIGTERM);
    assert_eq!(d1.ended(SOON), Some(0), "exit code");
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
            (threads(director)["vrrp"][1] >= level).then_some(())
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
    director.log.wait("Reload complete", begun, SOON);
}
