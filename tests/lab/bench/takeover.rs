//! Takeover of many routers, and of many addresses: how long after the protocol's limit the last address is announced.
//!
//! A master is killed and the first gratuitous ARP of every address is awaited. The limit of a router is its last advert that
//! was seen plus the backup's master-down interval. Before, while nobody captures, processor time and memory are taken.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::figure::report;
use super::process::{processor_time, report_memory};
use crate::scenarios::conf::{GLOBAL, Instance};
use crate::site::{Daemon, Director, Node, Switch, port};
use crate::timeline::{Stamp, note, wait_for};
use crate::wire::{Capture, Content};

/// Interfaces of the sizes that are compared, with [`ON_EACH`] routers each.
pub const SIZES: [u8; 2] = [4, 16];
pub const ON_EACH: u8 = 250;
/// Virtual addresses of one router, of which half are excluded: an advert has no room for all.
pub const ADDRESSES: u16 = 500;

/// Then comes the number of routers.
pub const LATENESS: &str = "takeover-lateness-";
pub const CPU_MASTER: &str = "takeover-cpu-master-";
pub const CPU_BACKUP: &str = "takeover-cpu-backup-";
pub const MEMORY_MASTER: &str = "takeover-memory-master-";
pub const MEMORY_BACKUP: &str = "takeover-memory-backup-";
pub const LATENESS_ADDRESSES: &str = "takeover-lateness-addresses";

const INTERVAL: u32 = 1000;
/// How long processor time is counted.
const COUNTED: Duration = Duration::from_secs(10);
/// The second burst of announcements is over after this.
const CALM: Duration = Duration::from_secs(8);
/// Far above any start or takeover.
const LIMIT: Duration = Duration::from_secs(60);

pub fn run() {
    for daemon in super::DAEMONS {
        for interfaces in SIZES {
            routers(daemon, interfaces);
        }
        addresses(daemon);
    }
}

/// 250 routers on each interface.
fn routers(daemon: Daemon, interfaces: u8) {
    let mut field = Field::new(daemon, interfaces);
    let mut due = Vec::new();
    for interface in 0..interfaces {
        for router in 1..=ON_EACH {
            let address = Ipv4Addr::new(10, interface, 0, router);
            due.push((interface, router, address.into()));
        }
    }
    let config = |priority| {
        let mut text = GLOBAL.to_owned();
        for (interface, router, address) in &due {
            text += &Instance {
                name: &format!("VI_{interface}_{router}"),
                interface: &format!("eth{interface}"),
                vrid: *router,
                addresses: &[&format!("{address}/32")],
                ..instance(priority)
            }
            .to_string();
        }
        text
    };
    field.start(&config(150), &config(100), due.len());
    let count = due.len();
    sleep(CALM);
    let began = Instant::now();
    let before = [&field.master, &field.backup].map(processor_time);
    sleep(COUNTED);
    let after = [&field.master, &field.backup].map(processor_time);
    let seconds = began.elapsed().as_secs_f64();
    for ((name, before), after) in [CPU_MASTER, CPU_BACKUP].into_iter().zip(before).zip(after) {
        let used = after.saturating_sub(before).as_secs_f64();
        report(&format!("{name}{count}"), daemon, 1000.0 * used / seconds);
    }
    report_memory(&format!("{MEMORY_MASTER}{count}"), &field.master);
    report_memory(&format!("{MEMORY_BACKUP}{count}"), &field.backup);
    report(&format!("{LATENESS}{count}"), daemon, field.lose_master(&due));
}

/// One router with many addresses.
fn addresses(daemon: Daemon) {
    let mut field = Field::new(daemon, 1);
    let all: Vec<IpAddr> = (0..ADDRESSES)
        .map(|number| Ipv4Addr::new(10, 0, (number / 250) as u8, (number % 250) as u8 + 1).into())
        .collect();
    let (advertised, excluded) = all.split_at(all.len() / 2);
    let lines =
        |list: &[IpAddr]| -> Vec<String> { list.iter().map(|address| format!("{address}/32")).collect() };
    let (advertised, excluded) = (lines(advertised), lines(excluded).join("\n        "));
    let advertised: Vec<&str> = advertised.iter().map(String::as_str).collect();
    let more = format!("virtual_ipaddress_excluded {{\n        {excluded}\n    }}");
    let config = |priority| {
        let instance = Instance {
            addresses: &advertised,
            more: &more,
            ..instance(priority)
        };
        format!("{GLOBAL}{instance}")
    };
    field.start(&config(150), &config(100), all.len());
    sleep(CALM);
    let due: Vec<_> = all.iter().map(|address| (0, 51, *address)).collect();
    report(LATENESS_ADDRESSES, daemon, field.lose_master(&due));
}

/// Two directors on a switch of their own.
struct Field {
    switch: Switch,
    master: Director,
    backup: Director,
    interfaces: u8,
}

impl Field {
    fn new(daemon: Daemon, interfaces: u8) -> Self {
        let switch = Switch::new();
        let [first, second] = ["d1", "d2"].map(Node::new);
        switch.join(&[(&first, 1), (&second, 2)], interfaces);
        let [mut master, mut backup] = [first, second].map(Director::new);
        (master.daemon, backup.daemon) = (daemon, daemon);
        Self {
            switch,
            master,
            backup,
            interfaces,
        }
    }

    /// Starts both, and waits until the master has all addresses.
    fn start(&mut self, master: &str, backup: &str, addresses: usize) {
        let virtual_ones = |director: &Director| {
            let held = director.addresses();
            held.iter()
                .filter(|held| held.to_string().starts_with("10."))
                .count()
        };
        self.master.run_with(master);
        wait_for("the master to hold every address", LIMIT, || {
            (virtual_ones(&self.master) == addresses).then_some(())
        });
        self.backup.run_with(backup);
        sleep(Duration::from_secs(5));
        assert_eq!(virtual_ones(&self.backup), 0, "the backup hears the master");
    }

    /// Kills the master and cuts it off; how late the last of `due` (interface, VRID, address) was announced, in
    /// milliseconds.
    fn lose_master(&mut self, due: &[(u8, u8, IpAddr)]) -> f64 {
        let wire = self.switch.capture_quietly();
        sleep(Duration::from_millis(2500));
        let killed = Stamp::now();
        self.master.kill();
        for interface in 0..self.interfaces {
            self.switch.cut(&port("d1", interface));
        }
        let announced = wait_for("every address to be announced", LIMIT, || {
            sleep(Duration::from_millis(300));
            let announced = self.announced(&wire, killed);
            (announced.len() >= due.len()).then_some(announced)
        });
        let last = self.last_adverts(&wire);
        let down = instance(100).down_time();
        let late = |(interface, vrid, address): &(u8, u8, IpAddr)| {
            let limit = *last.get(&(*interface, *vrid)).expect("an advert of each router") + down;
            let at = announced.get(address).expect("an announcement of each address");
            1000.0 * (at.0.as_secs_f64() - limit.0.as_secs_f64())
        };
        let worst = due.iter().map(late).fold(f64::MIN, f64::max);
        note(
            "lab",
            format!("the last of {} addresses was {worst:.1} ms late", due.len()),
        );
        self.backup.kill();
        worst
    }

    /// The first announcement of each address by the backup.
    fn announced(&self, wire: &Capture, after: Stamp) -> HashMap<IpAddr, Stamp> {
        let mut first = HashMap::new();
        for interface in 0..self.interfaces {
            for seen in wire.from(&port("d2", interface)) {
                if let Content::Announcement { address, .. } = seen.content
                    && seen.at > after
                {
                    first.entry(address).or_insert(seen.at);
                }
            }
        }
        first
    }

    /// The last advert of each router of the master.
    fn last_adverts(&self, wire: &Capture) -> HashMap<(u8, u8), Stamp> {
        let mut last = HashMap::new();
        for interface in 0..self.interfaces {
            for (at, advert) in wire.adverts(&port("d1", interface)) {
                last.insert((interface, advert.vrid), at);
            }
        }
        last
    }
}

fn instance(priority: u8) -> Instance<'static> {
    Instance {
        priority,
        interval: INTERVAL,
        ..Instance::default()
    }
}
