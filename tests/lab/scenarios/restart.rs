//! A restart that nobody notices: the master is killed, or told to leave everything, and comes back in time; and what
//! keeps the next start from going on.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde_json::Value;

use super::conf::{GLOBAL, Instance, PATIENT_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use crate::site::{self, Daemon, Director, Node, PID_FILES, Site, Talk, Transport, answer, v4};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// By direct routing, to a server that works and one that does not.
const DIRECT: u16 = 7000;
/// By NAT, to a server behind the director.
const NAT: u16 = 7001;
/// To a sorry server, since the only one does not work.
const SORRY: u16 = 7002;
/// Checked as long as its address is here.
const SUSPENDABLE: u16 = 7003;
/// Milliseconds: a guest on a busy machine takes its time to start a program.
const PATIENT: u32 = 4000;
/// Where it does not matter whether it starts in time.
const QUICK: u32 = 1000;

const GOES_ON: &str = "taking over MASTER of the previous run, whose last advert left";
const REFUSED: &str = "not taking over MASTER of the previous run";
const UNREAD: &str = "Nothing is taken over from";

fn instance(priority: u8, interval: u32) -> Instance<'static> {
    Instance {
        priority,
        interval,
        more: "nopreempt",
        ..Instance::default()
    }
}

/// A file beside the pid file.
fn beside(extension: &str) -> String {
    PID_FILES[0].replace("pid", extension)
}

struct Stage {
    site: Site,
    d1: Director,
    d2: Director,
    talks: Vec<(Talk, String)>,
    /// As `ipvsadm` saves it.
    table: String,
}

/// Our master and its backup, which is keepalived, with connections through them.
fn stage(options: &'static [&'static str]) -> Stage {
    let (site, mut d1, mut d2) = site::pair_on(3, 2);
    d1.daemon = Daemon::Steadfast;
    d1.options = options;
    d2.daemon = Daemon::Keepalived;
    let [works, fails, behind] = [v4(0, 11), v4(0, 12), v4(1, 13)];
    site.servers[0].serve(vip());
    answer(&site.servers[0], DIRECT, &[]);
    let gateway = v4(1, 1);
    site.servers[2].ip(&format!("link set eth0 down\nroute add default via {gateway}\n"));
    answer(&site.servers[2], NAT, &[]);
    d1.run(&["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    let direct = virtual_server(vip(), DIRECT, &[works, fails], PATIENT_CHECK, "");
    let nat = virtual_server(vip(), NAT, &[behind], PATIENT_CHECK, "").replace("lb_kind DR", "lb_kind NAT");
    let others = others(works, fails);
    let text = |priority| format!("{GLOBAL}{}{direct}{nat}{others}", instance(priority, PATIENT));
    d1.run_with(&text(150));
    d1.wait_holds(vip(), 3 * SOON);
    d2.run_with(&text(100));
    expect::settled(&site.wire, &d1, &d2, &instance(150, PATIENT), vip());
    for (port, server) in [
        (DIRECT, works),
        (NAT, behind),
        (SORRY, works),
        (SUSPENDABLE, works),
    ] {
        expect::weights(&d1, SocketAddr::new(vip(), port), &[(server, 1)]);
    }
    wait_for("the verdicts in a file", 2 * SOON, || {
        let file = d1.read(&beside("checks"));
        let found = file.matches("\"up\":false").count() == 2 && file.matches("\"up\":true").count() == 4;
        found.then_some(())
    });
    let mut talks = Vec::new();
    for port in [DIRECT, NAT] {
        talks.extend((0..4).map(|_| converse(&site.client, SocketAddr::new(vip(), port))));
    }
    let table = saved(&d1);
    for part in ["-a -f 5 -r ", "-a -t 192.0.2.200:7003 -r "] {
        assert!(table.contains(part), "{part} in {table}");
    }
    Stage {
        site,
        d1,
        d2,
        talks,
        table,
    }
}

/// By a firewall mark, with a sorry server in place, and checked only while its address is here, of which one is not.
fn others(works: IpAddr, fails: IpAddr) -> String {
    let works = [works];
    let port = |service: String| {
        service.replace(
            "TCP_CHECK {",
            &format!("TCP_CHECK {{\n            connect_port {DIRECT}"),
        )
    };
    let group = virtual_server(vip(), DIRECT, &works, PATIENT_CHECK, "");
    let group = group.replace(
        &format!("virtual_server {} {DIRECT}", vip()),
        "virtual_server group MARKED",
    );
    let sorry = format!("sorry_server {} {SORRY}", works[0]);
    let sorry = virtual_server(vip(), SORRY, &[fails], PATIENT_CHECK, &sorry);
    let here = port(virtual_server(
        vip(),
        SUSPENDABLE,
        &works,
        PATIENT_CHECK,
        "ha_suspend",
    ));
    let elsewhere = port(virtual_server(
        v4(0, 200),
        SUSPENDABLE,
        &works,
        PATIENT_CHECK,
        "ha_suspend",
    ));
    format!("virtual_server_group MARKED {{\n    fwmark 5\n}}\n{group}{sorry}{here}{elsewhere}")
}

fn saved(director: &Director) -> String {
    director.run(&["ipvsadm", "-S", "-n"])
}

/// Waits until the state file has so many claims, each with an advert of the last interval: from then on a start has all the
/// rest of a backup's patience.
#[track_caller]
pub(super) fn recorded(director: &Director, count: usize) {
    wait_for(format!("{count} new claims in the state file"), 6 * SOON, || {
        let file: Value = serde_json::from_str(&director.read(&beside("state"))).ok()?;
        let routers = file["routers"].as_array()?;
        let now = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).expect("a clock"));
        let is_new = |router: &Value| {
            let time = |member: &str| router[member].as_u64().map(Duration::from_micros);
            let (advert, patience) = (time("advert"), time("master_down"));
            // Of three intervals.
            advert
                .zip(patience)
                .is_some_and(|(at, three)| now < at + three / 3)
        };
        (routers.len() == count && routers.iter().all(is_new)).then_some(())
    });
}

fn converse(client: &Node, service: SocketAddr) -> (Talk, String) {
    let mut talk = Talk::open(client, Transport::Tcp, service).expect("a conversation");
    let server = talk.say().expect("an answer");
    (talk, server)
}

impl Stage {
    #[track_caller]
    fn talk(&mut self, moment: &str) {
        for (talk, server) in &mut self.talks {
            assert_eq!(talk.say().as_ref(), Ok(&*server), "{moment}");
        }
        note(
            "client",
            format!("{} conversations go on {moment}", self.talks.len()),
        );
    }

    /// The daemon is gone since then; it comes back, and nobody has noticed anything.
    #[track_caller]
    fn comes_back(&mut self, gone: Stamp) {
        assert!(self.d1.holds(vip()), "left by the daemon that is gone");
        self.talk("without a daemon");
        let started = Stamp::now();
        self.d1.start();
        let took = self.d1.log.wait(GOES_ON, gone, 2 * SOON);
        note("d1", format!("goes on {} after its start", ms(took - started)));
        self.d1.log.wait("Taking over 6 of 6 verdicts", gone, 2 * SOON);
        self.talk("after the next start");
        let (d1, table) = (&self.d1, &self.table);
        // Longer than the backup is patient, and than the first checks take.
        let patience = instance(100, PATIENT).down_time() + Duration::from_secs(1);
        for_the_next(patience, "the same table on one master", || {
            d1.holds(vip()) && saved(d1) == *table
        });
        assert_eq!(self.site.wire.adverts_after("d2", gone), [], "a second master");
        let adverts = self.site.wire.adverts_after("d1", gone);
        assert!(adverts.len() >= 3, "{adverts:?}");
        for (_, advert) in &adverts {
            assert_eq!(advert.priority, 150, "{adverts:?}");
        }
        for state in ["BACKUP", "FAULT"] {
            let line = format!("Entering {state} STATE");
            assert_eq!(self.d1.log.count_since(&line, gone), 0, "{line}");
        }
        assert_eq!(self.d1.log.count_since("removing VIPs", gone), 0);
        self.talk("in the end");
        let service = SocketAddr::new(vip(), DIRECT);
        self.talks.push(converse(&self.site.client, service));
    }
}

/// Killed twice: what was taken over is written down, and taken over again.
/// LVS facts: 17.6
pub fn killed() {
    let mut stage = stage(&[]);
    for _ in 0..2 {
        recorded(&stage.d1, 1);
        let gone = Stamp::now();
        stage.d1.kill();
        stage.comes_back(gone);
    }
    // An ordinary stop is noticed, once, and leaves nothing that could be taken over.
    let stopped = Stamp::now();
    assert_eq!(stage.d1.stop(), Some(0), "exit code");
    expect::handed_over(&stage.site.wire, "d1");
    stage.d2.wait_state("VI_1", "MASTER", stopped, 2 * SOON);
    // Its address comes after that.
    stage.d2.wait_holds(vip(), SOON);
    for extension in ["state", "checks"] {
        let path = stage.d1.path(&beside(extension));
        assert!(!path.exists(), "{path:?}");
    }
    let started = Stamp::now();
    stage.d1.start();
    stage.d1.wait_state("VI_1", "BACKUP", started, SOON);
    // Nor does the restart of a backup disturb the master.
    stage.d1.kill();
    let started = Stamp::now();
    stage.d1.start();
    stage.d1.wait_state("VI_1", "BACKUP", started, SOON);
    for_the_next(
        instance(150, PATIENT).down_time(),
        "the other one is master",
        || stage.d2.holds(vip()) && !stage.d1.holds(vip()),
    );
    assert_eq!(stage.site.wire.adverts_after("d1", started), []);
}

/// A stop that hands over to nobody.
pub fn handover_none() {
    let mut stage = stage(&["--handover=none"]);
    let gone = Stamp::now();
    assert_eq!(stage.d1.stop(), Some(0), "exit code");
    stage.comes_back(gone);
}

/// The backup has taken over meanwhile: what was left goes, and nobody is disturbed. And files that are not believed.
/// Facts: 1.31
pub fn refused() {
    let (site, mut d1, mut d2) = site::pair(0);
    (d1.daemon, d2.daemon) = (Daemon::Steadfast, Daemon::Keepalived);
    d1.run_with(&format!("{GLOBAL}{}", instance(150, QUICK)));
    d1.wait_holds(vip(), 2 * SOON);
    spoilt(&mut d1);

    let came = Stamp::now();
    d2.run_with(&format!("{GLOBAL}{}", instance(100, QUICK)));
    d2.wait_state("VI_1", "BACKUP", came, SOON);
    // Which it has heard.
    site.wire.next_advert("d1", Stamp::now(), SOON);
    let gone = Stamp::now();
    d1.kill();
    expect::takeover(&site.wire, "d1", "d2", instance(100, QUICK).down_time(), vip());
    assert!(d1.holds(vip()), "left over");
    let started = Stamp::now();
    d1.start();
    d1.log.wait(
        "not taking over MASTER of the previous run: its last advert left",
        started,
        SOON,
    );
    d1.wait_state("VI_1", "BACKUP", started, SOON);
    d1.wait_lacks(vip(), SOON);
    for_the_next(
        instance(100, QUICK).down_time(),
        "the other one is master",
        || d2.holds(vip()),
    );
    assert_eq!(site.wire.adverts_after("d1", started), [], "since {gone}");

    // A better one has come while d1 is away, which says so five times a second: more often, and a busy machine would make d1
    // believe that it is gone. And d1 has such patience from now on that its second word is far away.
    assert_eq!(d2.stop(), Some(0));
    d1.wait_holds(vip(), 2 * SOON);
    d1.kill();
    d1.configure(&format!("{GLOBAL}{}", instance(150, PATIENT)));
    let better = Instance {
        priority: 200,
        interval: 200,
        ..instance(200, QUICK)
    };
    d2.run_with(&format!("{GLOBAL}{better}"));
    d2.wait_holds(vip(), SOON);
    let started = Stamp::now();
    d1.start();
    d1.wait_state("VI_1", "BACKUP", started, SOON);
    d1.wait_lacks(vip(), SOON);
    let claims = site.wire.adverts_after("d1", started).len();
    note("d1", format!("said {claims} times that it was master"));
    // One, where none of the five came before it had begun.
    assert!(claims <= 1, "{claims}");
    assert!(d2.holds(vip()));
}

/// What may have become of the file or the address meanwhile, and what the log says then.
fn spoilt(d1: &mut Director) {
    type Spoil = fn(&Director);
    let cases: [(&str, Spoil, Option<&str>); 5] = [
        (
            "another boot",
            |director| {
                change(director, |text| {
                    let own = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot");
                    text.replace(own.trim(), "00000000-0000-4000-8000-000000000000")
                });
            },
            None,
        ),
        (
            "a damaged file",
            |director| change(director, |text| text[..text.len() / 2].to_owned()),
            Some(UNREAD),
        ),
        (
            "an old file",
            |director| {
                change(director, |text| {
                    let (before, advert) = text.split_once("\"advert\":").expect(text);
                    let (micros, after) = advert.split_once(',').expect(text);
                    let old = micros.parse::<u64>().expect(text) - 6_000_000;
                    format!("{before}\"advert\":{old},{after}")
                });
            },
            Some(REFUSED),
        ),
        (
            "a link",
            |director| {
                let path = director.path(&beside("state"));
                fs::rename(&path, path.with_extension("elsewhere")).expect("the state file");
                std::os::unix::fs::symlink("/run/one.elsewhere", &path).expect("a link");
            },
            Some(UNREAD),
        ),
        (
            "no address",
            |director| director.ip(&format!("address del {}/24 dev eth0\n", vip())),
            Some(REFUSED),
        ),
    ];
    for (what, spoil, says) in cases {
        wait_for("a claim in the state file", SOON, || {
            d1.read(&beside("state")).contains("\"MASTER\"").then_some(())
        });
        note("d1", what);
        d1.kill();
        spoil(d1);
        let started = Stamp::now();
        d1.start();
        d1.wait_state("VI_1", "BACKUP", started, SOON);
        d1.wait_lacks(vip(), SOON);
        assert_eq!(d1.log.count_since(GOES_ON, started), 0, "{what}");
        if let Some(says) = says {
            d1.log.wait(says, started, SOON);
            assert_eq!(d1.log.count_since(says, started), 1, "{what}");
        }
        d1.wait_holds(vip(), 2 * SOON);
    }
    let elsewhere = d1.read("/run/one.elsewhere");
    assert!(
        elsewhere.contains("\"MASTER\""),
        "what the link named is untouched: {elsewhere}"
    );
}

fn change(director: &Director, change: impl Fn(&str) -> String) {
    let path = director.path(&beside("state"));
    let text = fs::read_to_string(&path).expect("a state file");
    fs::write(&path, change(&text)).expect("the state file");
}
