//! What the operator's own programs meet: readers that go and come back, scripts of the start and the end, unsafe scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread::sleep;
use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::SOON;
use crate::site::{self, Director, Log};
use crate::timeline::{Stamp, wait_for};

fn with(global: &str) -> String {
    GLOBAL.replacen('{', &format!("{{\n    {global}"), 1)
}

/// A reader of a FIFO is lost: the daemon does not wait, keeps what fits, and the next reader has it.
///
/// Facts: 12.5, 12.10
pub fn fifo() {
    let (site, mut d1) = site::single(0);
    d1.script("/etc/keepalived/tell", "echo \"$4\" >>/run/states");
    let global = with("notify_fifo /run/events");
    let instance = Instance {
        more: "notify /etc/keepalived/tell",
        ..Instance::default()
    };
    d1.run_with(&format!("{global}{instance}"));
    d1.wait_holds(vip(), 2 * SOON);
    read_lines(&d1, 2);
    assert_eq!(
        d1.read("/run/lines"),
        "INSTANCE \"VI_1\" BACKUP 100\nINSTANCE \"VI_1\" MASTER 100\n"
    );
    site.switch.unplug("d1");
    d1.wait_lacks(vip(), SOON);
    site.switch.replug("d1");
    d1.wait_holds(vip(), SOON);
    read_lines(&d1, 5);
    let lines = d1.read("/run/lines");
    let lines: Vec<_> = lines.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "INSTANCE \"VI_1\" FAULT 100",
            "INSTANCE \"VI_1\" BACKUP 100",
            "INSTANCE \"VI_1\" MASTER 100"
        ],
        "what was told while nobody read"
    );

    // Nobody reads until it is full, and the daemon goes on.
    d1.run(&[
        "sh",
        "-c",
        "head -c 65536 /dev/zero | dd of=/run/events oflag=nonblock 2>/dev/null; true",
    ]);
    let full = Stamp::now();
    site.switch.unplug("d1");
    d1.wait_lacks(vip(), SOON);
    site.switch.replug("d1");
    d1.wait_holds(vip(), SOON);
    if d1.daemon == site::Daemon::Steadfast {
        d1.log.wait(
            "notify fifo /run/events: a line is lost: it is full",
            full,
            2 * SOON,
        );
    }
    assert_eq!(d1.stop(), Some(0));
    assert!(!d1.path("/run/events").exists(), "it is gone");
}

/// Somebody reads the FIFO until there are so many lines, and a little longer.
#[track_caller]
fn read_lines(director: &Director, number: usize) {
    let mut reader = director.spawn(&["sh", "-c", "exec cat /run/events >>/run/lines"]);
    wait_for(format!("{number} lines of the FIFO"), 2 * SOON, || {
        (director.read("/run/lines").lines().count() >= number).then_some(())
    });
    sleep(Duration::from_secs(1));
    reader.kill().expect("a reader");
    reader.wait().expect("a child of ours");
}

/// Stops the daemon; then its scripts have said this in all. What is said of the stop has a second for it, which may be too
/// little on a busy machine: then that alone may be missing.
#[track_caller]
fn stop_and_hear(director: &mut Director, before: &str, of_the_stop: &str, after: &str) {
    wait_for(format!("scripts to say {before:?}"), 2 * SOON, || {
        (director.read("/run/said") == before).then_some(())
    });
    let began = Stamp::now();
    assert_eq!(director.stop(), Some(0));
    let had_a_second = began.elapsed() >= Duration::from_secs(1);
    let said = director.read("/run/said");
    let wanted = format!("{before}{of_the_stop}{after}");
    let cut_off = had_a_second && said == format!("{before}{after}");
    assert!(said == wanted || cut_off, "said {said:?}, not {wanted:?}");
}

/// The scripts of the start and the end: in which order, and what becomes of one that takes too long.
///
/// Facts: 18.12
pub fn life() {
    let (_site, mut d1) = site::single(0);
    d1.script("/etc/keepalived/say", "echo \"$@\" >>/run/said");
    d1.script(
        "/etc/keepalived/start",
        "echo begin >>/run/said; sleep 100; echo never >>/run/said",
    );
    let global = with(
        "startup_script /etc/keepalived/start\n    startup_script_timeout 5\n    \
         shutdown_script \"/etc/keepalived/say shutdown\"",
    );
    let instance = Instance {
        more: "notify_backup \"/etc/keepalived/say backup\"\n    notify_stop \"/etc/keepalived/say stop\"",
        ..Instance::default()
    };
    let started = Stamp::now();
    d1.run_with(&format!("{global}{instance}"));
    d1.wait_holds(vip(), 2 * SOON);
    let waited = d1.log.wait("Entering BACKUP STATE (init)", started, SOON) - started;
    assert!(waited >= Duration::from_secs(5), "the start is waited for");
    stop_and_hear(&mut d1, "begin\nbackup\n", "stop\n", "shutdown\n");
}

/// A script that others could change is named with owner, mode and the remedy, and not run by root.
///
/// Facts: 13.3
pub fn unsafe_scripts() {
    let (_site, mut d1) = site::single(0);
    d1.script("/etc/keepalived/good", "echo good >>/run/said");
    d1.script("/etc/keepalived/open", "echo open >>/run/said");
    d1.script("/etc/keepalived/theirs", "echo theirs >>/run/said");
    let open = d1.path("/etc/keepalived/open");
    fs::set_permissions(open, fs::Permissions::from_mode(0o777)).expect("chmod");
    d1.run(&["chown", "nobody", "/etc/keepalived/theirs"]);
    let instance = Instance {
        more: "notify_backup /etc/keepalived/open\n    notify_master /etc/keepalived/theirs\n    \
               notify /etc/keepalived/good",
        ..Instance::default()
    };
    let started = Stamp::now();
    d1.run_with(&format!("{GLOBAL}{instance}"));
    d1.wait_holds(vip(), 2 * SOON);
    wait_for("the good script", 2 * SOON, || {
        (d1.read("/run/said") == "good\ngood\n").then_some(())
    });
    for script in ["open", "theirs"] {
        let line = format!("Unsafe permissions found for script '/etc/keepalived/{script}'");
        assert!(d1.log.count_since(&line, started) > 0, "{line}");
    }
    if d1.daemon == site::Daemon::Steadfast {
        for remedy in [
            "'/etc/keepalived/open' has owner root (0), group 0, mode 0777: chmod o-w '/etc/keepalived/open'",
            "'/etc/keepalived/theirs' has owner nobody (65534), group 0, mode 0755: chown root '/etc/keepalived/theirs'",
        ] {
            assert!(
                d1.log.count_since(remedy, started) > 0,
                "{remedy}\n{}",
                d1.log.text()
            );
        }
    }
    stop_and_hear(&mut d1, "good\ngood\n", "good\n", "");
}

/// The process and its files: the directory of pid files, the file creation mask, the mark of a reload.
///
/// Facts: 18.10
pub fn upkeep() {
    let (_site, d1) = site::single(0);
    let text = |mask: &str, mark: &str| {
        let global = with(&format!(
            "umask {mask}\n    reload_file {mark}\n    notify_fifo /run/events"
        ));
        format!("use_pid_dir\n{global}{}", Instance::default())
    };
    d1.configure(&text("0", "/run/missing/mark"));
    let mut daemon = d1.spawn(&[d1.daemon.program(), "--dont-fork", "--log-console", "--no-syslog"]);
    let log = Log::default();
    log.follow("d1", daemon.stdout.take().expect("a pipe"));
    log.follow("d1", daemon.stderr.take().expect("a pipe"));
    let mode = |wanted: &str| {
        wait_for(format!("a FIFO of mode {wanted}"), 2 * SOON, || {
            let mode = d1.attempt(5, &["stat", "-c", "%a", "/run/events"]).stdout;
            (mode.trim() == wanted).then_some(())
        });
    };
    mode("644");
    log.wait("Startup complete", Stamp(Duration::ZERO), 2 * SOON);
    let pid = || d1.read("/run/keepalived/keepalived.pid").trim().to_owned();
    assert_eq!(pid(), daemon.id().to_string());
    let before = Stamp::now();
    d1.configure(&text("066", "/run/mark"));
    d1.run(&["rm", "/run/events"]);
    d1.run(&["kill", "-HUP", &pid()]);
    log.wait("Reload complete", before, 2 * SOON);
    if d1.daemon == site::Daemon::Steadfast {
        log.wait("Unable to create reload file /run/missing/mark", before, SOON);
    }
    // What was removed is made again when it is needed, with the new mask.
    d1.run(&["ip", "link", "set", "eth0", "down"]);
    mode("600");
    d1.run(&["kill", &pid()]);
    assert_eq!(daemon.wait().expect("a child of ours").code(), Some(0));
    assert!(!d1.path("/run/keepalived").exists(), "nothing is left");
}
