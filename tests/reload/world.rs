//! What is outside of the daemon and the same for who reloads and for who starts: interfaces, trackers, back-ends.

use crate::rng::Rng;
use crate::tree::{Node, text};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use steadfast::check::config::ProbeConfig;
use steadfast::check::event::{ProbeOrder, ProbeOutcome, Reason};
use steadfast::conf::{self, ReadOptions};
use steadfast::net::*;
use steadfast::plan::{self, Host, Plan};
use steadfast::script::config::ScriptOutcome;
use steadfast::vrrp::Event;

/// The interfaces that are always there.
pub(crate) const PORTS: [&str; 3] = ["eth0", "eth1", "eth2"];

#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Of [`PORTS`].
    pub(crate) up: [bool; 3],
    files: BTreeMap<&'static str, i32>,
    processes: BTreeMap<&'static str, bool>,
    sessions: BTreeMap<&'static str, bool>,
    scripts: BTreeMap<&'static str, bool>,
    /// Which real servers are well.
    salt: u64,
}

/// Who is there under which name; what is not told of here has its default.
const FILES: [&str; 7] = ["F", "H", "K", "Y1", "Y2", "A", "B"];
const PROCESSES: [&str; 6] = ["P", "Q", "Y1", "Y2", "A", "B"];
const SESSIONS: [&str; 7] = ["N", "M", "O", "Y1", "Y2", "A", "B"];
const SCRIPTS: [&str; 7] = ["S", "R", "V", "Y1", "Y2", "A", "B"];

impl World {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self {
            up: [true, true, rng.chance(4, 5)],
            files: BTreeMap::new(),
            processes: BTreeMap::new(),
            sessions: SESSIONS.map(|name| (name, rng.chance(3, 4))).into(),
            scripts: SCRIPTS.map(|name| (name, rng.chance(4, 5))).into(),
            salt: rng.next(),
        }
    }

    /// Something happens: what the VRRP engine hears of it, but for interfaces.
    pub(crate) fn change(&mut self, rng: &mut Rng) -> Vec<Event> {
        match rng.below(6) {
            0 => {
                let n = rng.pick(3);
                self.up[n] = rng.chance(2, 3);
                Vec::new()
            }
            1 => {
                self.files.insert(FILES[rng.pick(2)], [0, 0, 5, 30][rng.pick(4)]);
                self.tracked()
            }
            2 => {
                self.processes.insert(PROCESSES[rng.pick(2)], rng.chance(3, 4));
                self.tracked()
            }
            3 => {
                self.sessions.insert(SESSIONS[rng.pick(2)], rng.chance(3, 4));
                self.sessions()
            }
            4 => {
                let name = SCRIPTS[rng.pick(2)];
                self.scripts.insert(name, rng.chance(3, 4));
                vec![self.script(name)]
            }
            _ => {
                self.salt = rng.next();
                Vec::new()
            }
        }
    }

    /// What control tells of files and processes before a configuration.
    pub(crate) fn tracked(&self) -> Vec<Event> {
        let files = FILES.iter().map(|name| Event::File {
            name: (*name).into(),
            value: self.file(name),
        });
        let processes = PROCESSES.iter().map(|name| Event::Process {
            name: (*name).into(),
            good: self.processes.get(name).copied().unwrap_or(true),
        });
        files.chain(processes).collect()
    }

    pub(crate) fn file(&self, name: &str) -> i32 {
        self.files.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn file_names() -> impl Iterator<Item = &'static str> {
        FILES.into_iter()
    }

    pub(crate) fn session_states(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.sessions.iter().map(|(name, up)| (*name, *up))
    }

    pub(crate) fn sessions(&self) -> Vec<Event> {
        let all = self.session_states();
        all.map(|(name, up)| Event::Bfd {
            name: name.into(),
            up,
        })
        .collect()
    }

    /// Every script says the same so often that there is a verdict.
    pub(crate) fn scripts(&self) -> Vec<Event> {
        let all = SCRIPTS.iter().map(|name| self.script(name));
        all.flat_map(|event| std::iter::repeat_n(event, 4)).collect()
    }

    fn script(&self, name: &str) -> Event {
        Event::Script {
            name: name.into(),
            outcome: ScriptOutcome::Exited(u8::from(!self.scripts[name])),
        }
    }

    /// What becomes of a probe.
    pub(crate) fn outcome(&self, order: &ProbeOrder) -> ProbeOutcome {
        let kind = match order.probe.keyword() {
            "SSL_GET" => "HTTP_GET",
            other => other,
        };
        let server = order.names.rs.bytes().chain(kind.bytes());
        let sum = server.fold(self.salt, |sum, octet| {
            (sum ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
        });
        let good = (sum >> 40) % 4 != 0;
        match &*order.probe {
            ProbeConfig::Misc(misc) => {
                let status = match (good, misc.dynamic) {
                    (true, true) => 9,
                    (true, false) => 0,
                    (false, _) => 1,
                };
                ProbeOutcome::of_script(misc.dynamic, ScriptOutcome::Exited(status))
            }
            _ if good => ProbeOutcome::OK,
            _ => ProbeOutcome::Failure(Reason::Refused),
        }
    }
}

/// The host's own address of a port, by family.
pub(crate) fn own_addresses(port: usize) -> [Cidr; 2] {
    let octet = u8::try_from(port).unwrap();
    let v4 = Cidr::new(IpAddr::from([10, 0, octet, 1]), 24).unwrap();
    let v6 = format!("fe80::{}", port + 1).parse().unwrap();
    [v4, Cidr::new(v6, 64).unwrap()]
}

pub(crate) fn port(n: usize) -> IfName {
    IfName::new(PORTS[n]).unwrap()
}

/// An interface as the monitor tells of it.
pub(crate) fn status(
    name: IfName,
    index: u32,
    up: bool,
    addresses: impl Iterator<Item = Cidr>,
    made: LinkTraits,
) -> InterfaceStatus {
    let low = u8::try_from(index % 256).unwrap();
    InterfaceStatus {
        name,
        index: IfIndex(index),
        mac: Some(Mac([2, 0, 0, 0, 0, low])),
        mtu: 1500,
        up,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: addresses
            .map(|cidr| InterfaceAddress {
                cidr,
                tentative: false,
            })
            .collect(),
        made,
    }
}

/// The plan of a file, if it is one that a daemon runs.
pub(crate) fn plan_of(blocks: &[Node]) -> Option<Plan> {
    let options = ReadOptions {
        test: true,
        ..ReadOptions::default()
    };
    let reading = conf::read_str(Path::new("reload.conf"), &text(blocks), &options);
    let ports = (0..3).map(|n| {
        let index = u32::try_from(n).unwrap() + 1;
        status(
            port(n),
            index,
            true,
            own_addresses(n).into_iter(),
            LinkTraits::default(),
        )
    });
    let host = Host {
        interfaces: ports.collect(),
        ..Host::default()
    };
    let (plan, more) = plan::build(&reading.config, &host);
    let fatal = plan::is_fatal(&reading.diagnostics) || plan::is_fatal(&more);
    (!fatal && !contradicts(&plan)).then_some(plan)
}

/// Whether two of one file claim the same address, route or rule: whoever lets go of it takes it from the other, in
/// keepalived as here, and the order of events decides.
fn contradicts(plan: &Plan) -> bool {
    let mut addresses = BTreeSet::new();
    let mut others = BTreeSet::new();
    let routers = plan.vrrp.routers.iter().map(|router| router.goods());
    routers.chain([plan.vrrp.statics.clone()]).any(|goods| {
        let twice = |one: &AddressSpec| !addresses.insert((one.interface.clone(), one.cidr.addr));
        let routes = goods
            .routes
            .iter()
            .map(|one| format!("{:?} {:?}", one.destination, one.table));
        let rules = goods
            .rules
            .iter()
            .map(|one| format!("{:?} {:?}", one.from, one.preference));
        goods.addresses.iter().any(twice) || routes.chain(rules).any(|one| !others.insert(one))
    })
}
