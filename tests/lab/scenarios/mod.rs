//! The scenarios: what must happen on a real network, one file a scenario or a small family.

mod auth;
mod bfd;
mod chaos;
pub mod conf;
mod daemon;
mod demo;
mod drift;
mod dumps;
mod elect;
mod expect;
mod failover;
mod families;
mod filter;
mod garp;
mod genhash;
mod health;
mod hitless;
mod http;
mod interop;
mod ipvs;
mod kept;
mod killed;
mod life;
mod list {
    //! What there is, room by room.

    pub mod daemon;
    pub mod lvs;
    pub mod tools;
    pub mod vrrp;
}
mod marks;
mod mastership;
mod namespace;
mod net;
mod notify;
mod operator;
mod outlet;
mod planned;
mod preempt;
mod probes;
mod refusals;
mod reload_leaks;
mod reloads;
mod restart;
mod resumed;
mod run;
mod settings;
mod shapes;
mod start;
mod stranger;
mod sync;
mod tables;
mod tell;
mod track;
mod traffic;
mod vectors;
mod vmac;
mod watchdog;
mod web;

use std::path::Path;
use std::time::Duration;

pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether it is a test, rather than a service of the lab.
    pub in_tests: bool,
    /// Whether it needs IPVS; without, a privileged host's own kernel will do.
    pub ipvs: bool,
    pub run: fn(),
}

/// All scenarios, room by room.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    let rooms = [
        list::vrrp::ALL,
        list::lvs::ALL,
        list::daemon::ALL,
        list::tools::ALL,
    ];
    rooms.into_iter().flatten()
}

/// The scenario that takes as long as one likes.
pub const CHAOS: &str = "chaos";

/// What a guest needs of the host.
pub fn bring(scenario: &str, shared: &Path) {
    match scenario {
        CHAOS => chaos::bring(shared),
        "reload-leaks" => reload_leaks::bring(shared),
        _ => {}
    }
}

/// How much longer than others it may take.
pub fn more_time(scenario: &str) -> Duration {
    match scenario {
        "reload-leaks" => reload_leaks::more_time(),
        crate::bench::RELOAD => crate::bench::reload::MORE_TIME,
        _ => Duration::ZERO,
    }
}

pub fn named(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

/// What needs more of a kernel than that of user-mode Linux has: for root, on the host's.
const fn on_host(name: &'static str, about: &'static str, run: fn()) -> Scenario {
    Scenario {
        name,
        about,
        in_tests: false,
        ipvs: false,
        run,
    }
}

const fn test(name: &'static str, about: &'static str, run: fn()) -> Scenario {
    Scenario {
        name,
        about,
        in_tests: true,
        ipvs: true,
        run,
    }
}

const fn tool(name: &'static str, about: &'static str, run: fn()) -> Scenario {
    Scenario {
        name,
        about,
        in_tests: false,
        ipvs: true,
        run,
    }
}
