//! What scenarios expect again and again, checked on the wire.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::conf::Instance;
use crate::site::{Client, Director, Probe, Server, Site};
use crate::timeline::{Stamp, ms, note, stalled, wait_for};
use crate::wire::{Capture, Mac};

/// Clocks and captures disagree by this much at most: nobody takes over earlier than the protocol says.
pub const EARLY: Duration = Duration::from_millis(20);
/// A guest with one processor on a busy machine may be late by this much.
pub const LATE: Duration = Duration::from_millis(800);
/// So long it may stand still as a whole, now and then, which is nobody's doing in it.
pub const STALL: Duration = Duration::from_secs(2);
/// For things that come in their own time.
pub const SOON: Duration = Duration::from_secs(10);

/// How late what began at `since` may have been done at `until`: a guest that stood still meanwhile did nothing.
pub fn late(since: Stamp, until: Stamp) -> Duration {
    LATE + stalled(since, until)
}

/// Waits until an instance of a daemon that was started has its first state: from then on it hears others.
#[track_caller]
pub fn listens(director: &Director, instance: &str) -> Stamp {
    director
        .log
        .wait(&format!("({instance}) Entering "), director.started(), 2 * SOON)
}

/// Waits until each of `directors` has said so.
#[track_caller]
pub fn said(directors: &[Director], what: &str, since: Stamp) {
    for director in directors {
        director.log.wait(what, since, 2 * SOON);
    }
}

/// Waits until `master` sends adverts and holds `address` while `backup` is quiet, which hears them if it runs.
#[track_caller]
pub fn settled(
    wire: &Capture,
    master: &Director,
    backup: &Director,
    instance: &Instance<'_>,
    address: IpAddr,
) {
    if backup.runs() {
        let since = listens(backup, instance.name);
        wire.next_advert(&master.name, since, 2 * SOON);
    }
    wait_for(format!("{} to be master alone", master.name), 2 * SOON, || {
        let calm = Duration::from_millis(instance.interval.into()) * 2;
        let recent = |port: &str| {
            wire.adverts(port)
                .last()
                .is_some_and(|(at, _)| at.elapsed() < calm)
        };
        (recent(&master.name) && !recent(&backup.name)).then_some(())
    });
    master.wait_holds(address, SOON);
    backup.wait_lacks(address, SOON);
}

/// Waits for the advert by which `from` hands over, and gives when it came.
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
    let (known, _) = wire.last_advert(from);
    let (first, _) = wire.next_advert(to, known, due + SOON);
    // The capture may have been behind the end of `from`.
    let mut adverts = wire.adverts(from).into_iter();
    let (last, _) = adverts.rfind(|(at, _)| *at <= first).expect("its last advert");
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
        took <= due + late(last, first),
        "{to} took over after {took:?}, much later than {due:?}"
    );
    announced(wire, to, address, last, first);
    first
}

/// Waits until `port` announces `address` after `since`, and checks that it does as soon as it is master, which it says `first`
/// at that time.
#[track_caller]
pub fn announced(wire: &Capture, port: &str, address: IpAddr, since: Stamp, first: Stamp) {
    let (at, _) = wire.next_announcement(port, address, since, SOON);
    assert!(
        at - first <= late(first, at),
        "{port} announced {address} only {:?} later",
        at - first
    );
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
    client.wait_neighbour(address, station, 2 * SOON);
    // A server whose check was late may be away for a moment.
    let count = 4 * servers.len();
    wait_for(
        format!("{count} answered requests in a row, 2 by every server"),
        2 * SOON,
        || {
            let mut shots = probe.shots();
            shots.retain(|shot| shot.at > since);
            let latest = shots.get(shots.len().checked_sub(count)?..)?;
            let by = |server: &Server| {
                let answers = latest.iter().filter_map(|shot| shot.server.as_ref());
                answers.filter(|answer| **answer == server.name).count()
            };
            let answered = latest.iter().all(|shot| shot.server.is_some());
            (answered && servers.iter().all(|server| by(server) >= 2)).then_some(())
        },
    );
}

/// What is waited for, and what there was instead when it was looked at last.
struct Sought {
    wanted: String,
    latest: RefCell<Vec<(IpAddr, u32)>>,
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; it is {:?}", self.wanted, self.latest.borrow())
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
    let what = Sought {
        wanted: format!("{}'s IPVS service {address} to be {list}", director.name),
        latest: RefCell::default(),
    };
    wait_for(&what, 2 * SOON, || {
        let weights = director.ipvs().weights(address);
        let is_so = weights == wanted;
        *what.latest.borrow_mut() = weights;
        is_so.then_some(())
    });
    note(&director.name, format!("IPVS {address}: {list}"));
}

/// The addresses of the site's servers.
pub fn addresses(site: &Site) -> Vec<IpAddr> {
    (1..=site.servers.len() as u8)
        .map(|number| crate::site::v4(0, 10 + number))
        .collect()
}
