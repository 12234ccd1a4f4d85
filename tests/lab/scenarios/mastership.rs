//! Virtual servers that are there only while their instance is MASTER (`while_master`, which keepalived does not have).

use std::net::SocketAddr;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect::{self, LATE, SOON, late};
use crate::site::{self, Director, mac};
use crate::timeline::{Stamp, ms, note, wait_for};

/// The table moves with the address when the master ends in order, when it comes back and when it is lost; a client is
/// answered all along. What a crash has left is gone from who is backup then, and a reload may take the word away, or rename
/// the instance, which nobody notices.
pub fn follows() {
    let (site, mut d1, mut d2) = site::pair(2);
    site.servers.iter().for_each(|server| server.serve(vip()));
    let service = SocketAddr::new(vip(), 80);
    let servers = expect::addresses(&site);
    let both = [(servers[0], 1), (servers[1], 1)];
    // A backup waits longer than a busy machine stands still.
    let instance = |priority| Instance {
        priority,
        interval: 1000,
        ..Instance::default()
    };
    let text = |priority, more: &str| {
        let lvs = virtual_server(vip(), 80, &servers, TCP_CHECK, more);
        format!("{GLOBAL}{}{lvs}", instance(priority))
    };
    d1.run_with(&text(150, "while_master VI_1"));
    d2.run_with(&text(100, "while_master VI_1"));
    expect::settled(&site.wire, &d1, &d2, &instance(150), vip());
    expect::weights(&d1, service, &both);
    none(&d2);
    let probe = site.client.probe(service);
    let served = |number, since| {
        expect::served_by(&site.client, &probe, vip(), mac(0, number), &site.servers, since);
    };
    served(1, Stamp::now());

    let stopped = Stamp::now();
    assert_eq!(d1.stop(), Some(0), "exit code");
    let taken = expect::takeover(&site.wire, "d1", "d2", instance(100).skew(), vip());
    expect::weights(&d2, service, &both);
    none(&d1);
    served(2, taken);
    let gap = probe.gap(stopped);
    note("client", format!("was without service for {}", ms(gap)));
    assert!(
        gap <= instance(100).skew() + LATE + late(stopped, Stamp::now()),
        "without service for {gap:?}"
    );

    let restarted = Stamp::now();
    d1.start();
    let (preempted, _) = site.wire.next_advert("d1", restarted, 2 * SOON);
    expect::weights(&d1, service, &both);
    none(&d2);
    served(1, preempted);
    let gap = probe.gap(restarted);
    assert!(
        gap <= 2 * LATE + late(restarted, Stamp::now()),
        "without service for {gap:?} at the return of d1"
    );

    // A crash leaves the table; who comes back as backup has none.
    d1.kill();
    expect::weights(&d1, service, &both);
    let taken = expect::takeover(&site.wire, "d1", "d2", instance(100).down_time(), vip());
    expect::weights(&d2, service, &both);
    served(2, taken);
    d1.configure(&text(50, "while_master VI_1"));
    d1.start();
    none(&d1);

    d1.configure(&text(50, ""));
    d1.signal(Signal::SIGHUP);
    expect::weights(&d1, service, &both);
    d1.configure(&text(50, "while_master VI_1"));
    d1.signal(Signal::SIGHUP);
    none(&d1);
    served(2, Stamp::now());

    // Another name of the instance, for itself and for who follows it, is no restart.
    for name in ["VI_2", "VI_3", "VI_4", "VI_1"] {
        let since = Stamp::now();
        let lvs = virtual_server(vip(), 80, &servers, TCP_CHECK, &format!("while_master {name}"));
        let renamed = Instance {
            name,
            ..instance(100)
        };
        d2.configure(&format!("{GLOBAL}{renamed}{lvs}"));
        d2.signal(Signal::SIGHUP);
        let done = d2.log.wait("Reload complete", since, 2 * SOON);
        expect::weights(&d2, service, &both);
        served(2, done);
        let lines = d2.log.lines().into_iter().filter(|(at, _)| *at >= since);
        let turns: Vec<_> = lines.filter(|(_, line)| line.contains("served")).collect();
        assert!(turns.is_empty(), "{turns:?}");
        let gap = probe.gap(since);
        assert!(
            gap <= late(since, Stamp::now()),
            "without service for {gap:?} by another name"
        );
    }
}

/// Waits until a director has no virtual server.
#[track_caller]
fn none(director: &Director) {
    wait_for(
        format!("{} to have no virtual server", director.name),
        2 * SOON,
        || director.ipvs().services.is_empty().then_some(()),
    );
    note(&director.name, "IPVS: nothing");
}
