//! The demonstration: a pair at work, a server lost, the master lost, and the client's view of it all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip, virtual_server};
use super::expect::{self, LATE};
use crate::site::{self, Mode, Probe, mac};
use crate::timeline::{Stamp, ms, note, stalled};

/// A web page every second.
const HTTP_GET: &str = "HTTP_GET {
            url {
                path /
                status_code 200
            }
            connect_timeout 1
            retry 1
            delay_before_retry 1
        }";

pub fn run() {
    title("two directors, three real servers and a client on a switch");
    let (site, mut d1, mut d2) = site::pair(3);
    site.servers.iter().for_each(|server| server.serve(vip()));
    let service = SocketAddr::new(vip(), 80);
    let servers = expect::addresses(&site);
    let lvs = virtual_server(vip(), 80, &servers, HTTP_GET, "");
    let master = Instance {
        priority: 150,
        ..Instance::default()
    };
    let backup = Instance::default();
    let all: Vec<_> = servers.iter().map(|server| (*server, 1)).collect();
    d1.run_with(&format!("{GLOBAL}{master}{lvs}"));
    d2.run_with(&format!("{GLOBAL}{backup}{lvs}"));
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    expect::weights(&d1, service, &all);
    expect::weights(&d2, service, &all);

    title("the client's requests to the virtual address are balanced");
    let probe = site.client.probe(service);
    let began = Stamp::now();
    expect::served_by(&site.client, &probe, vip(), mac(0, 1), &site.servers, began);
    shares(&probe, began);

    title("a real server fails: it leaves the table, and comes back");
    let [_, r2, _] = site.servers.as_slice() else {
        panic!("three servers")
    };
    let failing = Stamp::now();
    r2.set(Mode::Status(500));
    expect::weights(&d1, service, &[all[0], all[2]]);
    expect::weights(&d2, service, &[all[0], all[2]]);
    shares(&probe, failing);
    let without = Stamp::now();
    let answers = probe.wait_served(12, without, expect::SOON);
    assert!(
        answers.iter().all(|server| *server != r2.name),
        "r2 still answers: {answers:?}"
    );
    shares(&probe, without);
    r2.set(Mode::Fine);
    expect::weights(&d1, service, &all);
    expect::weights(&d2, service, &all);

    title("the master's host is lost");
    let lost = Stamp::now();
    site.lose(&mut d1);
    let taken = expect::takeover(&site.wire, "d1", "d2", backup.down_time(), vip());
    expect::served_by(&site.client, &probe, vip(), mac(0, 2), &site.servers, taken);
    let outage = probe.gap(lost);
    note("client", format!("was without service for {}", ms(outage)));
    assert!(
        outage <= backup.down_time() + LATE + expect::late(lost, Stamp::now()),
        "the client was without service for {outage:?}"
    );
    shares(&probe, taken);

    title("the old master returns");
    let back = Stamp::now();
    // It has been started anew: nothing of its former life is left.
    d1.ip(&format!("address delete {}/24 dev eth0\n", vip()));
    d1.run(&["ipvsadm", "--clear"]);
    site.switch.mend("d1", 0);
    d1.start();
    expect::settled(&site.wire, &d1, &d2, &master, vip());
    let settled = Stamp::now();
    expect::served_by(&site.client, &probe, vip(), mac(0, 1), &site.servers, settled);
    let returning = probe.gap(back);
    note(
        "client",
        format!("waited {} for an answer at most", ms(returning)),
    );
    assert!(
        returning <= Duration::from_secs(1) + stalled(back, Stamp::now()),
        "the return cost the client {returning:?}"
    );
    shares(&probe, settled);

    title("all of it happened");
    note(
        "demo",
        format!(
            "longest wait of the client: {} when the master was lost,",
            ms(outage)
        ),
    );
    note("demo", format!("{} when it returned", ms(returning)));
}

fn title(text: &str) {
    note("demo", format!("--- {text} ---"));
}

/// How many requests each server has answered since.
fn shares(probe: &Probe, since: Stamp) {
    let mut shares = BTreeMap::new();
    for shot in probe.shots().into_iter().filter(|shot| shot.at > since) {
        *shares.entry(shot.server).or_insert(0) += 1;
    }
    let share = |(server, count): (Option<String>, i32)| match server {
        Some(server) => format!("{count} answered by {server}"),
        None => format!("{count} failed"),
    };
    let shares: Vec<String> = shares.into_iter().map(share).collect();
    note("client", format!("requests: {}", shares.join(", ")));
}
