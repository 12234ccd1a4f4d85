//! Mastership that is taken over in every shape that an instance has: families, peers by name, links of its own, groups,
//! routes and rules, authentication; with keepalived as every one's backup.

use std::net::IpAddr;
use std::process::Child;
use std::time::Duration;

use super::conf::{GLOBAL, Instance};
use super::expect::SOON;
use super::restart::recorded;
use crate::site::{self, Daemon, Director, Log, PID_FILES, Site, v4, v6};
use crate::timeline::{Stamp, for_the_next, note, wait_for};

/// Milliseconds: a guest on a busy machine takes its time to start a program.
const PATIENT: u32 = 4000;
/// Of version 2: so short that its adverts are many before one of version 3 is missed. A start may take two of them, since
/// the last advert before the end is one old at most.
const OFTEN: u32 = 3000;
/// Adverts with AH before the end: a number that begins anew is not noticed by who has heard two or three.
const NUMBERED: usize = 6;
const GOES_ON: &str = "taking over MASTER of the previous run, whose last advert left";
const REFUSED: &str = "not taking over MASTER of the previous run";
/// What `ip monitor` is asked for.
const WATCHED: [&str; 4] = ["address", "route", "rule", "link"];

/// An instance of one shape.
struct Shape {
    name: &'static str,
    vrid: u8,
    version: u8,
    addresses: &'static [&'static str],
    /// Lines of both directors; `OWN` and `PEER` are the last numbers of their addresses.
    more: &'static str,
}

const SHAPES: &[Shape] = &[
    shape("SIX", 51, 3, &["fe80::151", "2001:db8::151/64"], ""),
    shape(
        "PEER",
        52,
        3,
        &["192.0.2.152/24"],
        "unicast_src_ip 192.0.2.OWN\n    unicast_peer {\n        192.0.2.PEER\n    }",
    ),
    shape(
        "PEER_SIX",
        53,
        3,
        &["2001:db8::153/64"],
        "unicast_src_ip 2001:db8::OWN\n    unicast_peer {\n        2001:db8::PEER\n    }",
    ),
    shape("VMAC", 54, 3, &["192.0.2.154/24"], "use_vmac"),
    shape(
        "VMAC_BASE",
        55,
        3,
        &["192.0.2.155/24"],
        "use_vmac\n    vmac_xmit_base",
    ),
    shape("VMAC_SIX", 56, 3, &["fe80::156", "2001:db8::156/64"], "use_vmac"),
    shape("G1", 57, 3, &["192.0.2.157/24"], ""),
    shape("G2", 58, 3, &["198.51.100.158/24"], ""),
    shape(
        "WAYS",
        59,
        3,
        &["192.0.2.159/24"],
        "virtual_routes {
        10.9.0.0/16 via 192.0.2.9 dev eth0
        2001:db8:9::/48 via 2001:db8::9 dev eth0
    }
    virtual_rules {
        from 10.9.0.0/16 table 9 preference 1000
        from 2001:db8:9::/48 table 9 preference 1001
    }",
    ),
    shape("LOWER", 60, 3, &["192.0.2.160/24"], "nopreempt"),
    shape(
        "PASS",
        61,
        2,
        &["192.0.2.161/24"],
        "authentication {\n        auth_type PASS\n        auth_pass qwaszx\n    }",
    ),
    shape(
        "AH",
        62,
        2,
        &["192.0.2.162/24"],
        "authentication {\n        auth_type AH\n        auth_pass qwaszx\n    }",
    ),
    shape(
        "AH_PEER",
        63,
        2,
        &["192.0.2.163/24"],
        "authentication {\n        auth_type AH\n        auth_pass qwaszx\n    }
    unicast_src_ip 192.0.2.OWN\n    unicast_peer {\n        192.0.2.PEER\n    }",
    ),
];

const fn shape(
    name: &'static str,
    vrid: u8,
    version: u8,
    addresses: &'static [&'static str],
    more: &'static str,
) -> Shape {
    Shape {
        name,
        vrid,
        version,
        addresses,
        more,
    }
}

impl Shape {
    /// The first is master: by its priority, or because it came first.
    fn priority(&self, own: u8) -> u8 {
        match (own, self.name) {
            (1, "LOWER") => 90,
            (1, _) => 150,
            _ => 100,
        }
    }

    fn text(&self, own: u8) -> String {
        let more = self.more.replace("OWN", &own.to_string());
        Instance {
            name: self.name,
            version: self.version,
            interface: if self.name == "G2" { "eth1" } else { "eth0" },
            vrid: self.vrid,
            priority: self.priority(own),
            interval: if self.version == 2 { OFTEN } else { PATIENT },
            addresses: self.addresses,
            more: &more.replace("PEER", &(3 - own).to_string()),
        }
        .to_string()
    }

    fn held(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(|address| {
            let address = address.split('/').next().expect("an address");
            address.parse().expect("an address")
        })
    }
}

fn config(own: u8) -> String {
    let instances: String = SHAPES.iter().map(|shape| shape.text(own)).collect();
    format!("{GLOBAL}vrrp_sync_group G {{\n    group {{\n        G1\n        G2\n    }}\n}}\n{instances}")
}

/// How long a backup of any of them is patient, and a second.
fn patience() -> Duration {
    let backup = Instance {
        interval: PATIENT,
        ..Instance::default()
    };
    backup.down_time() + Duration::from_secs(1)
}

/// What has become of the host's addresses, links, routes and rules since it was begun.
struct Monitor {
    log: Log,
    child: Child,
}

impl Monitor {
    fn on(director: &Director) -> Self {
        let words = [&["ip", "-o", "monitor"], WATCHED.as_slice()].concat();
        let mut child = director.spawn(&words);
        let log = Log::default();
        log.follow("monitor", child.stdout.take().expect("a pipe"));
        wait_for("the monitor to listen", SOON, || {
            director.ip("address add 10.255.255.1/32 dev lo\naddress del 10.255.255.1/32 dev lo\n");
            log.text().contains("10.255.255.1").then_some(())
        });
        Self { log, child }
    }

    /// What is new or gone. That a link was told once more says nothing.
    fn changes(&self) -> Vec<String> {
        let lines = self.log.lines().into_iter().map(|(_, line)| line);
        let noise = |line: &String| {
            let link = line.contains("link/ether") || line.contains("mtu ");
            line.contains("10.255.255.1") || (link && !line.starts_with("Deleted"))
        };
        lines.filter(|line| !noise(line)).collect()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The host's numbers of its links, and all that is on them.
fn seen(director: &Director) -> String {
    let numbers = director.run(&["ip", "-o", "link"]);
    let numbers = numbers.lines().filter_map(|line| line.split('<').next());
    let mut seen: String = numbers.map(|line| format!("{line}\n")).collect();
    for what in [
        ["-o", "address"].as_slice(),
        &["-4", "route", "show", "table", "all"],
        &["-6", "route", "show", "table", "all"],
        &["-4", "rule"],
        &["-6", "rule"],
    ] {
        seen += &director.run(&[["ip"].as_slice(), what].concat());
    }
    seen
}

struct Stage {
    site: Site,
    d1: Director,
    d2: Director,
}

fn stage() -> Stage {
    let (site, mut d1, mut d2) = site::pair_on(0, 2);
    (d1.daemon, d2.daemon) = (Daemon::Steadfast, Daemon::Keepalived);
    d1.run_with(&config(1));
    for address in SHAPES.iter().flat_map(Shape::held) {
        d1.wait_holds(address, 3 * SOON);
    }
    let came = Stamp::now();
    d2.run_with(&config(2));
    for shape in SHAPES {
        d2.wait_state(shape.name, "BACKUP", came, 2 * SOON);
    }
    let stage = Stage { site, d1, d2 };
    // Each has heard its master, and knows how long it has to be patient.
    stage.heard(Stamp::now());
    for shape in SHAPES.iter().filter(|shape| shape.name.starts_with("AH")) {
        wait_for(format!("{NUMBERED} adverts of {}", shape.name), 4 * SOON, || {
            let said = stage.said("d1", came);
            let its = said.iter().filter(|(vrid, _)| *vrid == shape.vrid);
            (its.count() >= NUMBERED).then_some(())
        });
    }
    stage
}

impl Stage {
    /// Every instance says an advert after that.
    #[track_caller]
    fn heard(&self, after: Stamp) {
        for shape in SHAPES {
            wait_for(format!("an advert of {}", shape.name), 2 * SOON, || {
                self.said("d1", after)
                    .contains(&(shape.vrid, shape.priority(1)))
                    .then_some(())
            });
        }
    }

    /// VRID and priority of every advert.
    fn said(&self, who: &str, after: Stamp) -> Vec<(u8, u8)> {
        let ports = [0, 1].map(|segment| site::port(who, segment));
        let adverts = ports
            .iter()
            .flat_map(|port| self.site.wire.adverts_after(port, after));
        adverts
            .map(|(_, advert)| (advert.vrid, advert.priority))
            .collect()
    }

    #[track_caller]
    fn recorded(&self) {
        recorded(&self.d1, SHAPES.len());
    }

    /// All of `shapes` go on where they were.
    #[track_caller]
    fn go_on(&self, gone: Stamp, shapes: &[&Shape]) {
        for shape in shapes {
            let line = format!("({}) {GOES_ON}", shape.name);
            self.d1.log.wait(&line, gone, 2 * SOON);
            for address in shape.held() {
                let port = if shape.name == "G2" { "d1.1" } else { "d1" };
                self.site.wire.next_announcement(port, address, gone, 2 * SOON);
            }
        }
    }
}

/// Killed and started in time: nobody's backup notices, nothing is removed or put anew, and all is announced. And a group
/// of which one member cannot go on: none of it does, and all others do.
/// Facts: 15.2
pub fn shapes() {
    let mut stage = stage();
    let before = seen(&stage.d1);
    let monitor = Monitor::on(&stage.d1);
    let all: Vec<&Shape> = SHAPES.iter().collect();

    stage.recorded();
    let gone = Stamp::now();
    stage.d1.kill();
    stage.d1.start();
    stage.go_on(gone, &all);
    for_the_next(patience(), "one master of each", || {
        stage.said("d2", gone).is_empty()
    });
    assert_eq!(stage.d2.log.count_since("STATE", gone), 0, "keepalived's states");
    for (vrid, priority) in stage.said("d1", gone) {
        let shape = SHAPES.iter().find(|shape| shape.vrid == vrid).expect("a shape");
        assert_eq!(priority, shape.priority(1), "{}", shape.name);
    }
    assert_eq!(monitor.changes(), Vec::<String>::new());
    assert_eq!(seen(&stage.d1), before);

    half_a_group(&mut stage);
}

fn half_a_group(stage: &mut Stage) {
    stage.heard(Stamp::now());
    stage.recorded();
    let gone = Stamp::now();
    stage.d1.kill();
    note("d1", "one address of the group is taken away");
    stage.d1.ip("address del 198.51.100.158/24 dev eth1\n");
    stage.d1.start();
    let (group, others): (Vec<&Shape>, Vec<&Shape>) = SHAPES
        .iter()
        .partition(|shape| ["G1", "G2"].contains(&shape.name));
    stage.go_on(gone, &others);
    for (name, why) in [
        ("G1", "not all of its sync group can be MASTER"),
        ("G2", "198.51.100.158 is not there any more"),
    ] {
        let line = format!("({name}) {REFUSED}: {why}");
        stage.d1.log.wait(&line, gone, SOON);
        stage.d1.wait_state(name, "BACKUP", gone, SOON);
    }
    stage.d1.wait_lacks(v4(0, 157), SOON);
    // The backup's patience has begun before d1's, but is longer: either may be the first.
    wait_for("a MASTER of the whole group", patience() + SOON, || {
        let mut both = [&stage.d1, &stage.d2].into_iter();
        both.find(|director| director.holds(v4(0, 157)) && director.holds(v4(1, 158)))
    });
    let theirs = stage.said("d2", gone);
    let group: Vec<u8> = group.iter().map(|shape| shape.vrid).collect();
    assert!(theirs.iter().all(|(vrid, _)| group.contains(vrid)), "{theirs:?}");
    assert!(stage.d1.holds(v6(0, 151)), "the others stay");
}

/// Who is killed keeps its locks and sockets until the kernel has taken it apart: the next one is there before that.
pub fn at_once() {
    const TIMES: usize = 20;
    let (site, mut d1) = site::single(0);
    d1.daemon = Daemon::Steadfast;
    let shapes = SHAPES
        .iter()
        .filter(|shape| shape.version == 3 && shape.name != "G1" && shape.name != "G2");
    let shapes: Vec<&Shape> = shapes.collect();
    let instances: String = shapes.iter().map(|shape| shape.text(1)).collect();
    d1.run_with(&format!("{GLOBAL}{instances}"));
    for address in shapes.iter().flat_map(|shape| shape.held()) {
        d1.wait_holds(address, 3 * SOON);
    }
    let began = Stamp::now();
    for _ in 0..TIMES {
        recorded(&d1, shapes.len());
        let gone = Stamp::now();
        d1.supplant();
        for shape in &shapes {
            d1.log
                .wait(&format!("({}) {GOES_ON}", shape.name), gone, 2 * SOON);
        }
        // Its own socket, too: that of the one before is nobody's. It is made when the routers are at work already.
        d1.log.wait("Startup complete", gone, 2 * SOON);
        let asked = d1.attempt(30, &[Daemon::Steadfast.program(), "plan", "-p", PID_FILES[0]]);
        assert_eq!(asked.status, Some(0), "{asked:?}");
    }
    assert_eq!(d1.log.count_since("already running", began), 0);
    assert_eq!(d1.log.count_since(REFUSED, began), 0);
    drop(site);
}
