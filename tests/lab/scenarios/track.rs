//! Tracking: scripts and interfaces move the master's priority or take it out of the race; sync groups move together.

use std::fs;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{self, SOON};
use crate::site::{self, Director, Site, v4};
use crate::timeline::{Stamp, note, wait_for};
use crate::wire::Capture;

/// On a busy machine a script may need more than the interval, which is the usual limit.
const SCRIPTS: &str = r#"
vrrp_script heavy {
    script "/etc/keepalived/absent /run/heavy"
    interval 1
    timeout 10
    fall 1
    rise 1
    weight -60
}
vrrp_script vital {
    script "/etc/keepalived/absent /run/vital"
    interval 1
    timeout 10
    fall 1
    rise 1
}
"#;

/// A weighted script lowers the priority it is announced with; one without weight means fault.
/// Facts: 2.14, 2.19, 14.1
pub fn script() {
    let (site, mut d1, mut d2) = site::pair(0);
    d1.script("/etc/keepalived/absent", "test ! -e $1");
    let more = "track_script {\n        heavy\n        vital\n    }";
    let backup = steady();
    let master = Instance {
        priority: 150,
        more,
        ..backup.clone()
    };
    d1.run_with(&format!("{GLOBAL}{SCRIPTS}{master}"));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());

    let weighed = fail(&d1, "/run/heavy");
    let (lowered, _) = wait_for("an advert of d1 with its lowered priority", 2 * SOON, || {
        site.wire
            .adverts_after("d1", weighed)
            .into_iter()
            .find(|(_, advert)| advert.priority == 90)
    });
    // d2 hears inferior adverts until its timer, set by the last of the former ones, ends.
    site.wire.next_advert("d2", lowered, 2 * SOON);
    d1.wait_state("VI_1", "BACKUP", lowered, SOON);
    assert!(
        no_farewell(&site.wire, "d1", lowered),
        "yielding to a higher priority needs no priority 0"
    );
    expect::settled(&site.wire, &d2, &d1, &backup, vip());
    recover(&d1, "/run/heavy");
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    assert_eq!(site.wire.last_advert("d1").1.priority, 150);

    let failed = fail(&d1, "/run/vital");
    d1.wait_state("VI_1", "FAULT", failed, 2 * SOON);
    let taken = fault(&site, &d1, failed, &backup);
    assert!(
        site.wire.adverts_after("d1", taken).is_empty(),
        "d1 speaks in fault"
    );
    let mended = recover(&d1, "/run/vital");
    d1.wait_state("VI_1", "BACKUP", mended, 2 * SOON);
    expect::settled(&site.wire, &d1, &d2, &master, vip());
}

const FILES: &str = r#"
track_file load {
    file /run/load
    weight -2
    init_file 5
}
vrrp_track_file vital {
    file /run/vital
    weight 0
}
"#;

/// The number in a file moves the priority; a file of weight 0, here of the group, is a fault.
/// Facts: 14.8, 14.9, 14.16
pub fn file() {
    let (site, mut d1, mut d2) = site::pair(0);
    let group = "vrrp_sync_group G {\n    group {\n        VI_1\n    }\n    sync_group_tracking_weight\n    \
                 track_file {\n        vital\n    }\n}\n";
    let more = "track_file {\n        load\n    }";
    let backup = steady();
    let master = Instance {
        priority: 150,
        more,
        ..backup.clone()
    };
    d1.run_with(&format!("{GLOBAL}{FILES}{group}{master}"));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    let priority = |wanted: u8, since: Stamp| {
        wait_for(format!("adverts of d1 with priority {wanted}"), 2 * SOON, || {
            let adverts = site.wire.adverts_after("d1", since);
            adverts
                .iter()
                .any(|(_, advert)| advert.priority == wanted)
                .then_some(())
        });
    };
    // init_file wrote the 5.
    d1.wait_holds(vip(), 2 * SOON);
    priority(140, Stamp::now());
    let number = |text: &str| {
        note("d1", format!("/run/load shall be {text:?}"));
        let written = Stamp::now();
        d1.write("/run/load", text);
        written
    };
    priority(110, number("20\n"));
    priority(170, number("-0xa\n"));
    // Out of range: as it was.
    priority(170, number("99999999999\n"));
    let gone = Stamp::now();
    fs::remove_file(d1.path("/run/load")).expect("/run/load");
    priority(150, gone);
    let lowered = number("40");
    d1.wait_state("VI_1", "BACKUP", lowered, 2 * SOON);
    let risen = number("0");
    d1.wait_state("VI_1", "MASTER", risen, 2 * SOON);
    expect::settled(&site.wire, &d1, &d2, &master, vip());

    let failed = Stamp::now();
    d1.write("/run/vital", "1");
    d1.wait_state("VI_1", "FAULT", failed, SOON);
    fault(&site, &d1, failed, &backup);
    let mended = Stamp::now();
    fs::remove_file(d1.path("/run/vital")).expect("/run/vital");
    d1.wait_state("VI_1", "BACKUP", mended, 2 * SOON);
    expect::settled(&site.wire, &d1, &d2, &master, vip());
}

const PROCESSES: &str = r#"
vrrp_track_process load {
    process sleep 86111
    weight 60
}
vrrp_track_process vital {
    process sleep 86112
}
"#;

/// A process that runs raises the priority; one of weight 0 that does not run is a fault. The kernel of the lab tells of
/// no processes, so they are counted.
/// Facts: 2.14, 14.11
pub fn process() {
    let (site, mut d1, mut d2) = site::pair(0);
    let more = "track_process {\n        load\n        vital weight 0\n    }";
    let backup = steady();
    let master = Instance {
        priority: 90,
        more,
        ..backup.clone()
    };
    let started = Stamp::now();
    d2.run_with(&format!("{GLOBAL}{backup}"));
    d1.run_with(&format!("{GLOBAL}{PROCESSES}{master}"));
    d1.wait_state("VI_1", "FAULT", started, 2 * SOON);
    d2.wait_holds(vip(), 2 * SOON);
    let run = |seconds: &str| (Stamp::now(), d1.spawn(&["sleep", seconds]));
    let end = |mut child: std::process::Child| {
        let ended = Stamp::now();
        child.kill().expect("a process that runs");
        child.wait().expect("its end");
        ended
    };
    let (since, vital) = run("86112");
    d1.wait_state("VI_1", "BACKUP", since, 2 * SOON);
    let (since, load) = run("86111");
    d1.wait_state("VI_1", "MASTER", since, 2 * SOON);
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    assert_eq!(site.wire.last_advert("d1").1.priority, 150);
    d1.wait_state("VI_1", "BACKUP", end(load), 2 * SOON);
    expect::settled(&site.wire, &d2, &d1, &backup, vip());
    let (since, load) = run("86111");
    d1.wait_state("VI_1", "MASTER", since, 2 * SOON);
    let failed = end(vital);
    d1.wait_state("VI_1", "FAULT", failed, 2 * SOON);
    fault(&site, &d1, failed, &backup);
    end(load);
}

/// A tracked interface, and then the instance's own, loses its carrier.
/// Facts: 2.14, 14.12
pub fn interface() {
    let (site, mut d1, mut d2) = site::pair_on(0, 2);
    let more = "track_interface {\n        eth1\n    }";
    let backup = steady();
    let master = Instance {
        priority: 150,
        more,
        ..backup.clone()
    };
    d1.run_with(&format!("{GLOBAL}{master}"));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());

    let failed = Stamp::now();
    site.switch.unplug("d1.1");
    d1.wait_state("VI_1", "FAULT", failed, SOON);
    fault(&site, &d1, failed, &backup);
    expect::settled(&site.wire, &d2, &d1, &backup, vip());
    let mended = Stamp::now();
    site.switch.replug("d1.1");
    d1.wait_state("VI_1", "BACKUP", mended, 2 * SOON);
    expect::settled(&site.wire, &d1, &d2, &master, vip());

    let failed = Stamp::now();
    site.switch.unplug("d1");
    d1.wait_state("VI_1", "FAULT", failed, SOON);
    d1.wait_lacks(vip(), SOON);
    // Nothing can be said through a dead interface: the full time passes.
    expect::takeover(&site.wire, "d1", "d2", backup.down_time(), vip());
    expect::settled(&site.wire, &d2, &d1, &backup, vip());
    site.switch.replug("d1");
    expect::settled(&site.wire, &d1, &d2, &master, vip());
}

/// Two instances on two segments: what happens to one happens to both.
/// Facts: 15.2, 15.3
pub fn sync_group() {
    let (site, mut d1, mut d2) = site::pair_on(0, 2);
    let inner = v4(1, 100);
    let group = "vrrp_sync_group G {\n    group {\n        OUTER\n        INNER\n    }\n}\n";
    let outer = |priority| Instance {
        name: "OUTER",
        priority,
        ..steady()
    };
    let inside = |priority| Instance {
        name: "INNER",
        interface: "eth1",
        vrid: 52,
        priority,
        addresses: &["198.51.100.100/24"],
        ..steady()
    };
    d1.run_with(&format!("{GLOBAL}{group}{}{}", outer(150), inside(150)));
    d2.run_with(&format!("{GLOBAL}{group}{}{}", outer(100), inside(100)));
    let whole = |holder: &Director, other: &Director| {
        wait_for(
            format!("both addresses on {} alone", holder.name),
            3 * SOON,
            || {
                let (here, there) = (holder.addresses(), other.addresses());
                let all = [vip(), inner];
                (all.iter().all(|a| here.contains(a)) && !all.iter().any(|a| there.contains(a))).then_some(())
            },
        );
        note(&holder.name, "has both addresses");
    };
    // Who takes over has heard d1.
    for (instance, port) in [("OUTER", "d1"), ("INNER", "d1.1")] {
        let since = expect::listens(&d2, instance);
        site.wire.next_advert(port, since, 2 * SOON);
    }
    whole(&d1, &d2);

    let failed = Stamp::now();
    site.switch.unplug("d1.1");
    d1.wait_state("INNER", "FAULT", failed, SOON);
    d1.wait_state("OUTER", "FAULT", failed, SOON);
    farewell(&site.wire, failed);
    whole(&d2, &d1);
    let (outer_taken, _) = site.wire.next_advert("d2", failed, SOON);
    let (inner_taken, _) = site.wire.next_advert("d2.1", failed, SOON);
    let (first, second) = (outer_taken.min(inner_taken), outer_taken.max(inner_taken));
    let apart = second - first;
    assert!(
        apart <= expect::late(first, second),
        "the members of d2 became master {apart:?} apart"
    );

    site.switch.replug("d1.1");
    whole(&d1, &d2);
}

/// A backup that does not take over when a busy machine's master is silent for a second.
fn steady() -> Instance<'static> {
    Instance {
        interval: 1000,
        ..Instance::default()
    }
}

fn fail(director: &Director, file: &str) -> Stamp {
    note(&director.name, format!("the script on {file} shall fail"));
    let failed = Stamp::now();
    director.write(file, "");
    failed
}

fn recover(director: &Director, file: &str) -> Stamp {
    note(&director.name, format!("the script on {file} shall succeed"));
    let mended = Stamp::now();
    fs::remove_file(director.path(file)).expect(file);
    mended
}

/// d1 goes into fault: it hands over with priority 0, and d2 takes over after its skew.
#[track_caller]
fn fault(site: &Site, d1: &Director, failed: Stamp, backup: &Instance<'_>) -> Stamp {
    farewell(&site.wire, failed);
    let taken = expect::takeover(&site.wire, "d1", "d2", backup.skew(), vip());
    d1.wait_lacks(vip(), SOON);
    taken
}

/// Waits for the advert by which d1 hands over.
#[track_caller]
fn farewell(wire: &Capture, failed: Stamp) {
    wait_for("priority 0 from d1", SOON, || {
        (!no_farewell(wire, "d1", failed)).then_some(())
    });
}

fn no_farewell(wire: &Capture, port: &str, since: Stamp) -> bool {
    wire.adverts_after(port, since)
        .iter()
        .all(|(_, advert)| advert.priority != 0)
}
