//! What the directors of the eventful histories are configured as: four routers on two segments, sync groups, and trackers
//! of every kind, with weights and without.

use crate::rng::Rng;
use crate::setting::{Setting, interface};
use std::net::IpAddr;
use std::time::Duration;
use steadfast::net::{AddressSpec, Cidr, IfName, Route, RouteKind};
use steadfast::vrrp::config::*;
use steadfast::vrrp::{Priority, Vrid};

pub(crate) const ROUTERS: usize = 4;
pub(crate) const SCRIPTS: [&str; 2] = ["s0", "s1"];
pub(crate) const FILES: [&str; 2] = ["f0", "f1"];
pub(crate) const PROCESSES: [&str; 2] = ["p0", "p1"];
pub(crate) const SESSIONS: [&str; 1] = ["b0"];

/// The segment of router `n`.
pub(crate) const fn net_of(n: usize) -> usize {
    n % 2
}

/// What all directors have in common.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) setting: Setting,
    /// Numbers of routers that move together.
    pub(crate) groups: Vec<Vec<usize>>,
}

impl Wish {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut setting = Setting::plain(rng);
        setting.interval = Duration::from_secs(1);
        Self {
            setting,
            groups: groups(rng),
        }
    }

    /// What `node` may be told: by its own mind, but for what the protocol wants to be the same everywhere; with
    /// `loyal` also in the groups of the others.
    pub(crate) fn config(&self, node: usize, rng: &mut Rng, loyal: bool) -> VrrpConfig {
        let groups = if loyal { self.groups.clone() } else { groups(rng) };
        let mut own = self.setting.clone();
        own.priorities[node] = [50, 100, 100, 150, 200, 254][rng.pick(6)];
        own.nopreempt[node] = rng.chance(1, 5);
        if !own.nopreempt[node] && rng.chance(1, 4) {
            own.preempt_delay[node] = Duration::from_millis(rng.below(2_000));
        }
        let mut routers: Vec<_> = (0..ROUTERS).map(|n| router(&own, node, n, rng)).collect();
        let mut configs = Vec::new();
        for (at, members) in groups.iter().enumerate() {
            let mut group = SyncGroupConfig {
                name: format!("G{at}"),
                members: members.iter().map(|n| name(*n)).collect(),
                track_interfaces: Vec::new(),
                track_scripts: Vec::new(),
                objects: TrackedObjects::default(),
            };
            for tracker in trackers(rng) {
                // Members of one priority: only so may a group hope to become MASTER as one.
                if tracker.weight() != 0 || rng.chance(1, 2) {
                    tracker.put(
                        &mut group.track_interfaces,
                        &mut group.track_scripts,
                        &mut group.objects,
                    );
                } else {
                    tracker.put_on(&mut routers[members[rng.pick(members.len())]]);
                }
            }
            configs.push(group);
        }
        for n in (0..ROUTERS).filter(|n| !groups.iter().flatten().any(|m| m == n)) {
            for tracker in trackers(rng) {
                tracker.put_on(&mut routers[n]);
            }
        }
        VrrpConfig {
            routers,
            groups: configs,
            scripts: SCRIPTS.map(script).to_vec(),
            ..VrrpConfig::default()
        }
    }
}

fn groups(rng: &mut Rng) -> Vec<Vec<usize>> {
    match rng.below(5) {
        0 => vec![],
        1 => vec![vec![0, 1]],
        2 => vec![vec![0, 1, 2]],
        3 => vec![vec![0, 1], vec![2, 3]],
        _ => vec![vec![3, 0]],
    }
}

pub(crate) fn name(n: usize) -> String {
    format!("VI_{n}")
}

pub(crate) fn spare() -> IfName {
    interface(2)
}

fn script(name: &str) -> ScriptTracker {
    ScriptTracker {
        name: name.into(),
        rise: 1 + u32::from(name == "s1"),
        fall: 2,
    }
}

fn router(setting: &Setting, node: usize, n: usize, rng: &mut Rng) -> RouterConfig {
    let net = net_of(n);
    let mut router = setting.config(node).routers.swap_remove(net);
    let octet = u8::try_from(n).unwrap();
    router.name = name(n);
    router.vrid = Vrid::new(51 + octet).unwrap();
    router.priority = Priority(setting.priorities[node]);
    router.election.track_src_ip = setting.unicast;
    let vip = IpAddr::from([10, u8::try_from(net).unwrap(), 0, 100 + octet]);
    router.vips = vec![AddressSpec::new(Cidr::host(vip), interface(net))];
    if rng.chance(1, 4) {
        let other = IpAddr::from([10, 9, 0, 100 + octet]);
        router.excluded = vec![AddressSpec::new(Cidr::host(other), interface(rng.pick(3)))];
    }
    if rng.chance(1, 4) {
        let to = Cidr::host(IpAddr::from([192, 0, 2, octet]));
        let mut route = Route::to(RouteKind::UNICAST, to);
        route.interface = Some(interface(net));
        router.routes = vec![route];
    }
    router
}

/// One entry of a `track_…` block.
enum Tracker {
    Interface(TrackedInterface),
    Script(TrackedScript),
    File(Tracked),
    Process(Tracked),
    Session(Tracked),
}

fn trackers(rng: &mut Rng) -> Vec<Tracker> {
    let mut all: Vec<Tracker> = Vec::new();
    for _ in 0..rng.below(4) {
        let weight = [0, 0, 20, -20, 60, -60, 253, -253][rng.pick(8)];
        let reverse = rng.chance(1, 6);
        let kind = rng.below(5);
        let tracked = |name: &str, weight| Tracked {
            name: name.into(),
            weight,
            reverse,
        };
        let tracker = match kind {
            0 => Tracker::Interface(TrackedInterface {
                interface: interface(rng.pick(3)),
                weight,
                reverse,
            }),
            1 => Tracker::Script(TrackedScript {
                script: SCRIPTS[rng.pick(2)].into(),
                weight,
                reverse,
            }),
            2 => Tracker::File(tracked(FILES[rng.pick(2)], [0, 1, -2, 5][rng.pick(4)])),
            3 => Tracker::Process(tracked(PROCESSES[rng.pick(2)], weight)),
            _ => Tracker::Session(tracked(SESSIONS[0], weight)),
        };
        if !all.iter().any(|other| other.subject() == tracker.subject()) {
            all.push(tracker);
        }
    }
    all
}

impl Tracker {
    const fn weight(&self) -> i16 {
        match self {
            Self::Interface(t) => t.weight,
            Self::Script(t) => t.weight,
            Self::File(t) | Self::Process(t) | Self::Session(t) => t.weight,
        }
    }

    /// Nothing is tracked twice in a block.
    fn subject(&self) -> String {
        match self {
            Self::Interface(t) => t.interface.to_string(),
            Self::Script(t) => t.script.clone(),
            Self::File(t) | Self::Process(t) | Self::Session(t) => t.name.clone(),
        }
    }

    fn put(
        self,
        interfaces: &mut Vec<TrackedInterface>,
        scripts: &mut Vec<TrackedScript>,
        objects: &mut TrackedObjects,
    ) {
        match self {
            Self::Interface(t) => interfaces.push(t),
            Self::Script(t) => scripts.push(t),
            Self::File(t) => objects.files.push(t),
            Self::Process(t) => objects.processes.push(t),
            Self::Session(t) => objects.sessions.push(t),
        }
    }

    fn put_on(self, router: &mut RouterConfig) {
        self.put(
            &mut router.track_interfaces,
            &mut router.track_scripts,
            &mut router.objects,
        );
    }
}
