//! What the operator's own programs meet: readers that go and come back, scripts of the start and the end, unsafe scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::SOON;
use crate::site;
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
    d1.wait_holds(vip(), SOON);
    let read = "exec timeout 2 cat /run/events >>/run/lines";
    d1.attempt(5, &["sh", "-c", read]);
    assert_eq!(
        d1.read("/run/lines"),
        "INSTANCE \"VI_1\" BACKUP 100\nINSTANCE \"VI_1\" MASTER 100\n"
    );
    site.switch.unplug("d1");
    d1.wait_lacks(vip(), SOON);
    site.switch.replug("d1");
    d1.wait_holds(vip(), SOON);
    d1.attempt(5, &["sh", "-c", read]);
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
        d1.log
            .wait("notify fifo /run/events: a line is lost: it is full", full, SOON);
    }
    assert_eq!(d1.stop(), Some(0));
    assert_eq!(
        d1.attempt(5, &["test", "-e", "/run/events"]).status,
        Some(1),
        "it is gone"
    );
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
        "startup_script /etc/keepalived/start\n    startup_script_timeout 1\n    \
         shutdown_script \"/etc/keepalived/say shutdown\"",
    );
    let instance = Instance {
        more: "notify_backup \"/etc/keepalived/say backup\"\n    notify_stop \"/etc/keepalived/say stop\"",
        ..Instance::default()
    };
    let started = Stamp::now();
    d1.run_with(&format!("{global}{instance}"));
    d1.wait_holds(vip(), SOON);
    let waited = d1.log.wait("Entering BACKUP STATE (init)", started, SOON) - started;
    assert!(waited >= Duration::from_secs(1), "the start is waited for");
    assert_eq!(d1.stop(), Some(0));
    assert_eq!(d1.read("/run/said"), "begin\nbackup\nstop\nshutdown\n");
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
    d1.wait_holds(vip(), SOON);
    wait_for("the good script", SOON, || {
        (d1.read("/run/said") == "good\ngood\n").then_some(())
    });
    for script in ["open", "theirs"] {
        let line = format!("Unsafe permissions found for script '/etc/keepalived/{script}'");
        assert!(d1.log.count_since(&line, started) > 0, "{line}");
    }
    if d1.daemon == site::Daemon::Steadfast {
        for remedy in [
            "'/etc/keepalived/open' has owner root (0), group 0, mode 0777: chmod go-w '/etc/keepalived/open'",
            "'/etc/keepalived/theirs' has owner nobody (65534), group 0, mode 0755: chown root '/etc/keepalived/theirs'",
        ] {
            assert!(
                d1.log.count_since(remedy, started) > 0,
                "{remedy}\n{}",
                d1.log.text()
            );
        }
    }
    assert_eq!(d1.stop(), Some(0));
    assert_eq!(d1.read("/run/said"), "good\ngood\ngood\n");
}
