//! The usual pair: one virtual router and some virtual services with checked real servers; its memory.

use std::net::{IpAddr, SocketAddr};
use std::thread::sleep;
use std::time::Duration;

use super::process::report_memory;
use crate::scenarios::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use crate::site::{Daemon, Plan, Site, v4};
use crate::timeline::wait_for;

pub const MEMORY: &str = "memory-pair";

/// Services, each with every real server behind it.
pub const SERVICES: usize = ADDRESSES.len();
pub const SERVERS: u8 = 4;

const ADDRESSES: [&str; 4] = ["192.0.2.100", "192.0.2.101", "192.0.2.102", "192.0.2.103"];
const PORT: u16 = 80;

/// Long enough for every checker to have run several times.
const SETTLED: Duration = Duration::from_secs(4);
const LIMIT: Duration = Duration::from_secs(20);

pub fn run() {
    for daemon in super::DAEMONS {
        measure(daemon);
    }
}

fn measure(daemon: Daemon) {
    let mut site = Site::new(Plan {
        directors: 1,
        servers: SERVERS,
        segments: 1,
    });
    let mut director = site.directors.pop().expect("a director");
    director.daemon = daemon;
    director.run_with(&config());
    director.wait_holds(vip(), LIMIT);
    wait_for("every service with every server", LIMIT, || {
        let table = director.ipvs();
        let full = |service| table.weights(service).len() == usize::from(SERVERS);
        services().all(full).then_some(())
    });
    sleep(SETTLED);
    report_memory(MEMORY, &director);
    director.kill();
}

fn config() -> String {
    let router = Instance {
        addresses: &ADDRESSES,
        ..Instance::default()
    };
    let servers: Vec<IpAddr> = (1..=SERVERS).map(|number| v4(0, 10 + number)).collect();
    let balanced: String = services()
        .map(|service| virtual_server(service.ip(), service.port(), &servers, TCP_CHECK, ""))
        .collect();
    format!("{GLOBAL}{router}{balanced}")
}

fn services() -> impl Iterator<Item = SocketAddr> {
    ADDRESSES
        .map(|address| SocketAddr::new(address.parse().expect("an address"), PORT))
        .into_iter()
}
