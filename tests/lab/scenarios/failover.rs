//! Failover: the master is lost in three ways, and the service goes on.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect::{self, LATE, SOON, late};
use crate::site::{self, Director, Probe, Site, mac};
use crate::timeline::{Stamp, for_the_next, ms, note};

const MASTER: u8 = 150;
const BACKUP: u8 = 100;

/// A pair that balances a virtual service over two servers, and a client that asks for it.
pub struct Pair {
    pub site: Site,
    pub d1: Director,
    pub d2: Director,
    pub probe: Probe,
    pub backup: Instance<'static>,
}

pub fn pair(more: &'static str) -> Pair {
    let (site, mut d1, mut d2) = site::pair(2);
    site.servers.iter().for_each(|server| server.serve(vip()));
    let service = SocketAddr::new(vip(), 80);
    let servers = expect::addresses(&site);
    let lvs = virtual_server(vip(), 80, &servers, TCP_CHECK, "");
    // A backup waits longer than a busy machine stands still.
    let master = Instance {
        priority: MASTER,
        interval: 1000,
        more,
        ..Instance::default()
    };
    let backup = Instance {
        priority: BACKUP,
        ..master.clone()
    };
    d1.run_with(&format!("{GLOBAL}{master}{lvs}"));
    d2.run_with(&format!("{GLOBAL}{backup}{lvs}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    let balanced: Vec<_> = servers.iter().map(|server| (*server, 1)).collect();
    expect::weights(&d1, service, &balanced);
    expect::weights(&d2, service, &balanced);
    let probe = site.client.probe(service);
    expect::served_by(
        &site.client,
        &probe,
        vip(),
        mac(0, 1),
        &site.servers,
        Stamp::now(),
    );
    Pair {
        site,
        d1,
        d2,
        probe,
        backup,
    }
}

/// The master's host is lost: its port is cut and its daemon is no more.
/// Facts: 2.10, 11.3
pub fn host() {
    let Pair {
        site,
        mut d1,
        probe,
        backup,
        d2: _d2,
    } = pair("");
    let lost = Stamp::now();
    site.lose(&mut d1);
    let taken = expect::takeover(&site.wire, "d1", "d2", backup.down_time(), vip());
    expect::served_by(&site.client, &probe, vip(), mac(0, 2), &site.servers, taken);
    let gap = probe.gap(lost);
    note("client", format!("was without service for {}", ms(gap)));
    assert!(
        gap <= backup.down_time() + LATE + late(lost, Stamp::now()),
        "the client was without service for {gap:?}"
    );
}

/// The master's daemon alone is lost; its addresses stay behind on a host that answers for them.
/// Facts: 1.31
pub fn daemon() {
    let Pair {
        site,
        mut d1,
        d2,
        probe,
        backup,
    } = pair("");
    let watch = site.client.watch(vip());
    d1.kill();
    assert!(d1.holds(vip()), "the address is left over on d1");
    let taken = expect::takeover(&site.wire, "d1", "d2", backup.down_time(), vip());
    expect::served_by(&site.client, &probe, vip(), mac(0, 2), &site.servers, taken);

    let restarted = Stamp::now();
    d1.start();
    d1.wait_state("VI_1", "BACKUP", restarted, SOON);
    // Until its time has come, 3 s later.
    d1.wait_lacks(vip(), SOON);
    note("d1", format!("no longer has the left-over {}", vip()));
    // d1 has the higher priority and preempts when its time has come.
    let (preempted, _) = site.wire.next_advert("d1", restarted, 2 * SOON);
    expect::served_by(&site.client, &probe, vip(), mac(0, 1), &site.servers, preempted);
    d2.wait_lacks(vip(), SOON);
    let gap = probe.gap(restarted);
    assert!(
        gap <= 2 * LATE + late(restarted, Stamp::now()),
        "the client was without service for {gap:?} at the return of d1"
    );
    // From the one takeover to the other the client never strayed to d1 and what was left over there.
    let master = Some(mac(0, 2).to_string());
    let beliefs = watch.beliefs(taken);
    let found = beliefs.iter().position(|(_, belief)| *belief == master);
    let found = found.expect("the client's finding d2");
    for (at, belief) in &beliefs[found..] {
        assert!(
            *belief == master || *at >= preempted,
            "the client's entry at {at}: {belief:?}"
        );
    }
}

/// The master is stopped in order: it says so, and the backup need not wait.
/// Facts: 18.12
pub fn term() {
    let Pair {
        site,
        mut d1,
        d2,
        probe,
        backup,
    } = pair("");
    let stopped = Stamp::now();
    assert_eq!(d1.stop(), Some(0), "exit code");
    let released = expect::handed_over(&site.wire, "d1");
    assert!(
        released - stopped <= late(stopped, released),
        "priority 0 came only after {:?}",
        released - stopped
    );
    let taken = expect::takeover(&site.wire, "d1", "d2", backup.skew(), vip());
    assert!(!d1.holds(vip()), "d1 removes what it added");
    assert!(
        d1.ipvs().services.is_empty(),
        "d1 empties the IPVS table: {:?}",
        d1.ipvs()
    );
    d2.wait_holds(vip(), SOON);
    expect::served_by(&site.client, &probe, vip(), mac(0, 2), &site.servers, taken);
    note(
        "client",
        format!("was without service for {}", ms(probe.gap(stopped))),
    );
}

/// Loss in one direction makes two masters, who agree again when it ends.
pub fn one_way() {
    let Pair {
        site,
        d1,
        d2,
        probe,
        backup,
    } = pair("");
    // What d1 says is lost; it hears d2, and stays master against its lower priority.
    let muted = Stamp::now();
    site.switch.mute("d1");
    d2.wait_state("VI_1", "MASTER", muted, 2 * SOON);
    // Said before the address is there.
    d2.wait_holds(vip(), SOON);
    for_the_next(backup.down_time(), "both are masters", || {
        d1.holds(vip()) && d2.holds(vip())
    });
    one_again(&site, "d1", &d1, &d2, &probe);

    // What is said to d2 is lost; d1 hears it and answers, in vain.
    let deaf = Stamp::now();
    site.switch.deafen("d2");
    let (claimed, _) = site.wire.next_advert("d2", deaf, 2 * SOON);
    let (answered, answer) = site.wire.next_advert("d1", claimed, SOON);
    assert!(
        answered - claimed <= late(claimed, answered),
        "d1 contradicts only {:?} later",
        answered - claimed
    );
    assert_eq!(answer.priority, MASTER);
    one_again(&site, "d2", &d1, &d2, &probe);
}

/// Ends the loss; d2 gives way to d1, and the client is with d1.
#[track_caller]
fn one_again(site: &Site, port: &str, d1: &Director, d2: &Director, probe: &Probe) {
    let healed = Stamp::now();
    site.switch.heal(port);
    d2.wait_state("VI_1", "BACKUP", healed, SOON);
    d2.wait_lacks(vip(), SOON);
    let yielded = Stamp::now();
    // Cut off from the servers, d1 may have taken them out; a check that was under way when the loss ended may still
    // do so, until its second is over.
    sleep((Duration::from_secs(1) + LATE).saturating_sub(healed.elapsed()));
    let balanced: Vec<_> = expect::addresses(site)
        .into_iter()
        .map(|server| (server, 1))
        .collect();
    expect::weights(d1, SocketAddr::new(vip(), 80), &balanced);
    let whole = Stamp::now();
    expect::served_by(&site.client, probe, vip(), mac(0, 1), &site.servers, whole);
    assert!(d1.holds(vip()));
    let late: Vec<_> = site.wire.adverts_after("d2", yielded);
    assert!(late.is_empty(), "d2 still speaks: {late:?}");
}
