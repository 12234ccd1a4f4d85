//! The operator: reloads, configuration tests, a paused daemon, an address deleted by hand.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{self, SOON, late};
use crate::site::{self, Daemon, Director, mac, v4};
use crate::timeline::{Stamp, for_the_next, note, stalled, wait_for};

/// A configuration as found in the wild.
const SAMPLE: &str = include_str!("../sample.conf");

/// A reload, of the same file and of a changed one: the master stays master all along.
/// Facts: 18.5
pub fn reload() {
    let (site, mut d1, mut d2) = site::pair(0);
    let more: &[&str] = &["192.0.2.100/24", "192.0.2.101/24"];
    // A busy machine may need more than a second for the one's reload after the other's.
    let backup = Instance {
        interval: 1000,
        ..Instance::default()
    };
    let master = Instance {
        priority: 150,
        ..backup.clone()
    };
    d1.run_with(&format!("{GLOBAL}{master}"));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    let settled = Stamp::now();

    let stays = |d1: &Director| {
        for_the_next(master.down_time(), "the master stays master", || {
            d1.holds(vip()) && site.wire.adverts_after("d2", settled).is_empty()
        });
    };
    d1.signal(Signal::SIGHUP);
    d2.signal(Signal::SIGHUP);
    stays(&d1);

    note("lab", "both get a second address");
    let changed = Stamp::now();
    d1.configure(&format!(
        "{GLOBAL}{}",
        Instance {
            addresses: more,
            ..master.clone()
        }
    ));
    d2.configure(&format!(
        "{GLOBAL}{}",
        Instance {
            addresses: more,
            ..backup.clone()
        }
    ));
    d2.signal(Signal::SIGHUP);
    d1.signal(Signal::SIGHUP);
    d1.wait_holds(v4(0, 101), 2 * SOON);
    site.wire.next_announcement("d1", v4(0, 101), changed, SOON);
    stays(&d1);
    assert_eq!(site.wire.last_advert("d1").1.addresses, [vip(), v4(0, 101)]);

    note("lab", "the second address goes again");
    d1.configure(&format!("{GLOBAL}{master}"));
    d2.configure(&format!("{GLOBAL}{backup}"));
    d2.signal(Signal::SIGHUP);
    d1.signal(Signal::SIGHUP);
    d1.wait_lacks(v4(0, 101), 2 * SOON);
    stays(&d1);
    let adverts = site.wire.adverts_after("d1", settled);
    assert!(
        adverts.iter().all(|(_, advert)| advert.priority == 150),
        "d1 never handed over"
    );
    let silence = adverts
        .windows(2)
        .map(|pair| (pair[0].0, pair[1].0))
        .map(|(one, next)| (next - one).saturating_sub(stalled(one, next)))
        .max()
        .expect("adverts");
    assert!(silence < backup.down_time(), "d1 was silent for {silence:?}");
}

/// The configuration test gives keepalived's exit code on a file as people write them, and on a broken one.
pub fn config_test() {
    let (_site, d1, _d2) = site::pair_on(0, 2);
    let plain = format!("{GLOBAL}{}", Instance::default());
    for (name, text) in [
        ("sample", SAMPLE.to_owned()),
        (
            "sample with mistakes",
            SAMPLE.replace(
                "virtual_router_id 51",
                "virtual_router_id 351\n\tno_such_keyword 1",
            ),
        ),
        ("plain", plain.clone()),
        (
            "unknown keyword",
            plain.replace("advert_int", "no_such_keyword 1\n    advert_int"),
        ),
        ("unknown interface", plain.replace("eth0", "eth7")),
        ("missing argument", plain.replace("priority 100", "priority")),
        ("bad number", plain.replace("priority 100", "priority 1000")),
        ("missing brace", plain.replacen('}', "", 1)),
        ("empty", String::new()),
    ] {
        d1.configure(&text);
        let code = |daemon: Daemon| {
            let words = [daemon.program(), "-t", "-f", "/etc/keepalived/keepalived.conf"];
            let output = d1
                .within(|| Command::new(words[0]).args(&words[1..]).output())
                .expect(words[0]);
            let said = String::from_utf8_lossy(&output.stderr);
            note(
                "d1",
                format!("{name}: {daemon:?} -t exits with {:?}", output.status.code()),
            );
            said.lines().for_each(|line| note("d1", format!("    {line}")));
            output.status.code()
        };
        let (wanted, given) = (code(Daemon::Keepalived), code(Daemon::under_test()));
        assert_eq!(given, wanted, "exit code of -t on the {name} file");
    }
}

/// A paused master that wakes up under a superior one listens before it speaks.
pub fn paused() {
    let (site, mut d1, mut d2) = site::pair(0);
    let inferior = Instance {
        interval: 1000,
        ..Instance::default()
    };
    let superior = Instance {
        priority: 150,
        more: "nopreempt",
        ..inferior.clone()
    };
    d1.run_with(&format!("{GLOBAL}{inferior}"));
    expect::settled(&site.wire, &d1, &d2, &inferior, vip());
    let began = Stamp::now();
    d2.run_with(&format!("{GLOBAL}{superior}"));
    let listening = d2.wait_state("VI_1", "BACKUP", began, SOON);
    site.client.resolve(vip());
    site.wire.next_advert("d1", listening, SOON);

    d1.pause();
    expect::takeover(&site.wire, "d1", "d2", superior.down_time(), vip());
    site.client.wait_neighbour(vip(), mac(0, 2), SOON);
    for_the_next(
        Duration::from_secs(5) - superior.down_time(),
        "d2 is master",
        || d2.holds(vip()),
    );
    let awake = Stamp::now();
    d1.resume();
    d1.wait_state("VI_1", "BACKUP", awake, SOON);
    d1.wait_lacks(vip(), SOON);
    for_the_next(Duration::from_secs(1), "the client stays with d2", || {
        site.client.neighbour(vip()) == Some(mac(0, 2).to_string())
    });
    let stale = site.wire.adverts_after("d1", awake);
    assert!(stale.is_empty(), "d1 spoke before it had listened: {stale:?}");
}

/// The operator deletes the master's virtual address: it steps down, and the election gives it back.
/// Facts: 2.21
pub fn vip_deleted() {
    let (site, mut d1, mut d2) = site::pair(0);
    let master = Instance {
        priority: 150,
        interval: 1000,
        ..Instance::default()
    };
    // It waits much longer than d1 after the advert of priority 0.
    let backup = Instance {
        priority: 10,
        ..master.clone()
    };
    d1.run_with(&format!("{GLOBAL}{master}"));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());

    let deleted = Stamp::now();
    note("d1", "the operator deletes the virtual address");
    d1.ip(&format!("address delete {}/24 dev eth0\n", vip()));
    let done = Stamp::now();
    d1.wait_state("VI_1", "BACKUP", deleted, SOON);
    let (released, _) = wait_for("priority 0 from d1", SOON, || {
        site.wire
            .adverts_after("d1", deleted)
            .into_iter()
            .find(|(_, advert)| advert.priority == 0)
    });
    assert!(
        released - done <= late(deleted, released),
        "priority 0 came only {:?} later",
        released - done
    );
    let (again, _) = wait_for("d1 to be elected again", SOON, || {
        site.wire
            .adverts_after("d1", released)
            .into_iter()
            .find(|(_, advert)| advert.priority == 150)
    });
    assert!(
        again - released <= master.skew() + late(released, again),
        "elected only {:?} later",
        again - released
    );
    d1.wait_holds(vip(), SOON);
    expect::announced(&site.wire, "d1", vip(), released, again);
    expect::settled(&site.wire, &d1, &d2, &master, vip());
}
