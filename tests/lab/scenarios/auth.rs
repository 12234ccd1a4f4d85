//! Authenticated adverts on a real wire: AH with keepalived as the other half, `auth_hmac` between two of our own.

use std::net::IpAddr;
use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::SOON;
use crate::site::{self, Daemon, Director, v4};
use crate::timeline::{note, wait_for};

/// A backup waits longer than a busy machine stands still.
const PATIENT: u32 = 1000;

/// The instances of director `own` with AH: to the group, and to its peer.
fn ah(own: u8, priority: u8) -> String {
    let auth = "authentication {\n        auth_type AH\n        auth_pass qwaszx\n    }";
    let peer = format!(
        "{auth}\n    unicast_src_ip {}\n    unicast_peer {{\n        {}\n    }}",
        v4(0, own),
        v4(0, 3 - own)
    );
    let base = Instance {
        version: 2,
        interval: PATIENT,
        priority,
        ..Instance::default()
    };
    let group = Instance {
        name: "GROUP",
        more: auth,
        ..base.clone()
    };
    let unicast = Instance {
        name: "PEER",
        vrid: 52,
        addresses: &["192.0.2.152/24"],
        more: &peer,
        ..base
    };
    format!("{GLOBAL}{group}{unicast}")
}

/// keepalived is the master with AH, the daemon under test its backup.
///
/// Facts: 5.1, 7.2, 7.3, 7.5
pub fn ah_backup() {
    ah_pair(Daemon::Keepalived, Daemon::under_test());
}

/// The daemon under test is the master with AH, keepalived its backup.
///
/// Facts: 5.1, 7.2, 7.3, 7.4
pub fn ah_master() {
    ah_pair(Daemon::under_test(), Daemon::Keepalived);
}

fn ah_pair(first: Daemon, second: Daemon) {
    let (site, mut d1, mut d2) = site::pair(0);
    (d1.daemon, d2.daemon) = (first, second);
    let all = [vip(), v4(0, 152)];
    d1.run_with(&ah(1, 150));
    d2.run_with(&ah(2, 100));
    only(&d1, &d2, &all);

    note(
        "lab",
        "the master goes in order, and comes again with a counter of 0",
    );
    assert_eq!(d1.stop(), Some(0), "exit code");
    only(&d2, &d1, &all);
    d1.start();
    only(&d1, &d2, &all);

    note("lab", "the master is lost, and comes again");
    site.lose(&mut d1);
    held(&d2, &all);
    site.switch.mend("d1", 0);
    d1.start();
    only(&d1, &d2, &all);
}

/// Waits until `master` has all of them and `backup` has none, and sees that it stays so for some adverts.
#[track_caller]
fn only(master: &Director, backup: &Director, all: &[IpAddr]) {
    let right = || {
        let (has, lacks) = (master.addresses(), backup.addresses());
        all.iter().all(|a| has.contains(a)) && !all.iter().any(|a| lacks.contains(a))
    };
    wait_for(format!("{} to be the only master", master.name), 3 * SOON, || {
        right().then_some(())
    });
    std::thread::sleep(Duration::from_secs(5));
    assert!(right(), "two masters, or none, while both are there");
}

#[track_caller]
fn held(director: &Director, all: &[IpAddr]) {
    wait_for(format!("{} to have all", director.name), 2 * SOON, || {
        let has = director.addresses();
        all.iter().all(|a| has.contains(a)).then_some(())
    });
}

fn hmac(priority: u8, keys: &[u8], active: u8, mode: &str) -> String {
    let keys: String = keys
        .iter()
        .map(|id| format!("        key {id} {}\n", format!("{id}").repeat(32)))
        .collect();
    let more = format!(
        "auth_hmac {{\n{keys}        active_key {active}\n        mode {mode}\n        time_window 5\n    }}"
    );
    let instance = Instance {
        priority,
        interval: PATIENT,
        more: &more,
        ..Instance::default()
    };
    format!("{GLOBAL}{instance}")
}

/// `auth_hmac` on both, a new key without a moment of two masters, and a director that has no key.
///
/// Facts: 8.1, 8.5, 8.8
pub fn hmac_pair() {
    let (_site, mut d1, mut d2) = site::pair(0);
    let all = [vip()];
    d1.run_with(&hmac(150, &[1], 1, "enforce"));
    d2.run_with(&hmac(100, &[1], 1, "enforce"));
    only(&d1, &d2, &all);
    for (keys, active) in [(&[1, 2][..], 1), (&[1, 2], 2), (&[2], 2)] {
        note("lab", format!("keys {keys:?}, {active} signs"));
        for (director, priority) in [(&d2, 100), (&d1, 150)] {
            director.configure(&hmac(priority, keys, active, "enforce"));
            director.signal(nix::sys::signal::Signal::SIGHUP);
        }
        only(&d1, &d2, &all);
    }
    note(
        "lab",
        "the backup expects another key: it does not believe the master",
    );
    d2.configure(&hmac(100, &[3], 3, "enforce"));
    d2.signal(nix::sys::signal::Signal::SIGHUP);
    held(&d2, &all);
    assert!(d1.holds(vip()), "nor the master it");
    note("lab", "and does again");
    d2.configure(&hmac(100, &[2], 2, "permissive"));
    d2.signal(nix::sys::signal::Signal::SIGHUP);
    only(&d1, &d2, &all);
    assert_eq!(d1.stop(), Some(0), "exit code");
    only(&d2, &d1, &all);
}

/// A peer whose adverts come from too far away is no master to us.
///
/// Facts: 6.17
pub fn peer_ttl() {
    let (_site, mut d1, mut d2) = site::pair(0);
    let conf = |own: u8, priority: u8, ttl: u8, limits: &str| {
        let more = format!(
            "unicast_ttl {ttl}\n    unicast_peer {{\n        {}{limits}\n    }}",
            v4(0, 3 - own)
        );
        let instance = Instance {
            priority,
            interval: PATIENT,
            more: &more,
            ..Instance::default()
        };
        format!("{GLOBAL}{instance}")
    };
    d1.run_with(&conf(1, 150, 60, ""));
    d2.run_with(&conf(2, 100, 255, " min_ttl 60 max_ttl 64"));
    only(&d1, &d2, &[vip()]);
    d2.configure(&conf(2, 100, 255, " min_ttl 61 max_ttl 64"));
    d2.signal(nix::sys::signal::Signal::SIGHUP);
    held(&d2, &[vip()]);
}
