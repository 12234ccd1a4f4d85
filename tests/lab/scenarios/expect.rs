//! What scenarios expect again and again, checked on the wire.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::conf::Instance;
use crate::site::{Client, Director, Probe, Server, Site};
use crate::timeline::{Stamp, ms, note, wait_for};
use crate::wire::{Capture, Mac};

/// Clocks and captures disagree by this much at most: nobody takes over earlier than the protocol says.
pub const EARLY: Duration = Duration::from_millis(20);
/// A guest with one processor on a busy machine may be late by this much.
pub const LATE: Duration = Duration::from_millis(800);
/// How long a line of a log may be on its way to whoever reads it.
pub const ON_ITS_WAY: Duration = Duration::from_millis(100);
/// For things that come in their own time.
pub const SOON: Duration = Duration::from_secs(10);

/// Waits until `master` sends adverts and holds `address` while `backup` is quiet.
#[track_caller]
pub fn settled(
    wire: &Capture,
    master: &Director,
    backup: &Director,
    instance: &Instance<'_>,
    address: IpAddr,
) {
    wait_for(
        format!("{} to be master alone", master.name),
        Duration::from_secs(20),
        || {
            let calm = Duration::from_millis(instance.interval.into()) * 2;
            let recent = |port: &str| {
                wire.adverts(port)
                    .last()
                    .is_some_and(|(at, _)| at.elapsed() < calm)
            };
            (recent(&master.name) && !recent(&backup.name)).then_some(())
        },
    );
    master.wait_holds(address, SOON);
    backup.wait_lacks(address, SOON);
}

/// Waits for the advert by which `from` hands over, and gives when it came: the capture may be behind a daemon that has ended.
#[track_caller]
pub fn handed_over(wire: &Capture, from: &str) -> Stamp {
    wait_for(format!("the last advert of {from} to hand over"), SOON, || {
        let (at, advert) = wire.last_advert(from);
        (advert.priority == 0).then_some(at)
    })
}

/// Waits for the takeover by `to` and checks that it came `due` after the last advert of `from`, with an announcement of
/// `address`; gives when it came.
#[track_caller]
pub fn takeover(wire: &Capture, from: &str, to: &str, due: Duration, address: IpAddr) -> Stamp {
    let (last, _) = wire.last_advert(from);
    let (first, _) = wire.next_advert(to, last, due + SOON);
    let took = first - last;
    note(
        "lab",
        format!(
            "{to} took over {} after the last advert of {from}, {} were due",
            ms(took),
            ms(due)
        ),
    );
    assert!(
        took + EARLY >= due,
        "{to} took over after {took:?}, earlier than {due:?}"
    );
    assert!(
        took <= due + LATE,
        "{to} took over after {took:?}, much later than {due:?}"
    );
    let (announced, _) = wire.next_announcement(to, address, last, SOON);
    assert!(
        announced - first <= LATE,
        "{to} announced {address} only {:?} later",
        announced - first
    );
    first
}

/// Waits until the client finds `address` at `station` and is served there by every one of `servers`.
#[track_caller]
pub fn served_by(
    client: &Client,
    probe: &Probe,
    address: IpAddr,
    station: Mac,
    servers: &[Server],
    since: Stamp,
) {
    client.wait_neighbour(address, station, SOON);
    let answers = probe.wait_served(4 * servers.len(), since, SOON);
    for server in servers {
        let count = answers.iter().filter(|answer| **answer == server.name).count();
        assert!(
            count >= 2,
            "{} answered {count} of {} requests: {answers:?}",
            server.name,
            answers.len()
        );
    }
}

/// Waits until the IPVS service at `address` has exactly these destinations and weights.
#[track_caller]
pub fn weights(director: &Director, address: SocketAddr, wanted: &[(IpAddr, u32)]) {
    let list = wanted
        .iter()
        .map(|(server, weight)| format!("{server}={weight}"))
        .collect::<Vec<_>>()
        .join(" ");
    wait_for(
        format!("{}'s IPVS service {address} to be {list}", director.name),
        2 * SOON,
        || (director.ipvs().weights(address) == wanted).then_some(()),
    );
    note(&director.name, format!("IPVS {address}: {list}"));
}

/// The addresses of the site's servers.
pub fn addresses(site: &Site) -> Vec<IpAddr> {
    (1..=site.servers.len() as u8)
        .map(|number| crate::site::v4(0, 10 + number))
        .collect()
}
