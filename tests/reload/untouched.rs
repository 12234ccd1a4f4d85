//! What is the same in both configurations has noticed nothing of the reload: not a timer, not a counter, not a word.

use crate::history::by_key;
use std::collections::{BTreeMap, BTreeSet};
use steadfast::check::checker::Phase;
use steadfast::check::config::VirtualServerConfig;
use steadfast::check::pool::VirtualServer;
use steadfast::check::status::CheckStatus;
use steadfast::ipvs::diff::Op;
use steadfast::plan::Plan;
use steadfast::vrrp::config::{InstanceKey, RouterConfig, VrrpConfig};
use steadfast::vrrp::event::{Notification, Occasion, Subject};
use steadfast::vrrp::status::{RouterStatus, StateName, VrrpStatus};

/// Every router that is the same by its key goes on with its counters; one whose settings and group are the same, and whose
/// trackers say the same, with everything. The names of those.
pub(crate) fn routers_untouched(
    before: &VrrpStatus,
    at_once: &VrrpStatus,
    old: &Plan,
    new: &Plan,
    told: &str,
) -> BTreeSet<String> {
    let (was, is) = (by_key(old), by_key(new));
    let mut untouched = BTreeSet::new();
    if was.len() != old.vrrp.routers.len() || is.len() != new.vrrp.routers.len() {
        return untouched;
    }
    // Nobody's trackers, links and addresses are others. Who waits for a script's first word does not after a reload (fact 18.8).
    let waits = |one: &RouterStatus| {
        one.faults
            .iter()
            .any(|fault| fault.ends_with("has not returned yet"))
    };
    let around = surroundings(old) == surroundings(new) && !before.routers.iter().any(waits);
    let earlier: BTreeMap<InstanceKey, &RouterStatus> =
        before.routers.iter().map(|one| (one.config.key(), one)).collect();
    for now in &at_once.routers {
        let key = now.config.key();
        let Some(then) = earlier.get(&key) else { continue };
        let told = format!("{told}\n{}", now.config.name);
        assert_eq!(then.id, now.id, "{told}: it is another one");
        let grown = numbers(&then.counters).into_iter().zip(numbers(&now.counters));
        assert!(
            grown.into_iter().all(|(then, now)| then <= now),
            "{told}: counters begin anew: {:?}, {:?}",
            then.counters,
            now.counters
        );
        let calm = was[&key] == is[&key]
            && team(old, was[&key]) == team(new, is[&key])
            && (around
                || (then.faults == now.faults
                    && then.effective_priority == now.effective_priority
                    && then.source == now.source));
        let mates = team(new, is[&key]).1.into_iter();
        let mates_calm = mates.into_iter().all(|mate| {
            let find = |all: &VrrpStatus| {
                let found = all.routers.iter().find(|one| one.config.name == mate);
                found.map(|one| (one.config.clone(), one.faults.clone(), one.effective_priority))
            };
            let config = |all: &VrrpStatus| find(all).map(|(config, ..)| config);
            config(before) == config(at_once) && (around || find(before) == find(at_once))
        });
        if calm && mates_calm {
            untouched.insert(now.config.name.clone());
            same_router(then, now, &told);
        }
    }
    untouched
}

/// What is around the routers: all of the plan that VRRP has but them and their groups.
fn surroundings(plan: &Plan) -> VrrpConfig {
    VrrpConfig {
        routers: Vec::new(),
        groups: Vec::new(),
        ..plan.vrrp.clone()
    }
}

/// A MASTER says one advert more; whoever waits to preempt begins to wait anew.
fn same_router(then: &RouterStatus, now: &RouterStatus, told: &str) {
    let mut expected = (*then).clone();
    let master = then.state == StateName::Master;
    if master {
        expected.last_advert_sent = now.last_advert_sent;
        expected.deadline = now.deadline;
        expected.counters.advert_sent = now.counters.advert_sent;
        assert!(
            now.counters.advert_sent - then.counters.advert_sent <= 1,
            "{told}"
        );
    }
    // The kernel may have answered meanwhile.
    expected.holding = then.holding || now.holding;
    if !then.config.preempt_delay.is_zero() {
        expected.deadline = now.deadline;
    }
    expected.announced.clone_from(&now.announced);
    let shown = |status: &RouterStatus| format!("{status:#?}");
    assert!(
        shown(&expected) == shown(now),
        "{told} is the same before and after, and something has become of it\n{}",
        differing(&shown(&expected), &shown(now))
    );
}

/// The lines in which two texts differ.
fn differing(a: &str, b: &str) -> String {
    let lines = a.lines().zip(b.lines());
    let lines = lines.filter(|(a, b)| a != b);
    lines.map(|(a, b)| format!("{a} -> {b}\n")).collect()
}

/// The settings of a router's group and all of its members; of one alone only its name.
fn team(plan: &Plan, router: &RouterConfig) -> (String, Vec<String>) {
    let name = &router.name;
    let mut groups = plan.vrrp.groups.iter();
    match groups.find(|group| group.members.contains(name)) {
        Some(group) => (format!("{group:?}"), group.members.clone()),
        None => (name.clone(), vec![name.clone()]),
    }
}

/// Every number in a value's own words.
fn numbers(value: &impl std::fmt::Debug) -> Vec<u64> {
    let text = format!("{value:?}");
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter_map(|word| word.parse().ok()).collect()
}

/// Nobody was told anything of them, but what `fifo_write_vrrp_states_on_reload` wants.
pub(crate) fn unheard(notified: &[Notification], untouched: &BTreeSet<String>, told: &str) {
    for one in notified {
        if let Subject::Instance(name) = &one.subject {
            assert!(
                one.occasion == Occasion::Reminder || !untouched.contains(name),
                "{told}\n{one:?}: it is the same before and after"
            );
        }
    }
}

/// A virtual server that is the same, with all of its servers and checkers, is exactly what it was: verdicts, counters, moments.
pub(crate) fn services_untouched(
    before: &CheckStatus,
    at_once: &CheckStatus,
    old: &Plan,
    new: &Plan,
    told: &str,
) {
    let earlier = by_target(before);
    for service in &new.check.services {
        let target = service.target.id();
        let same = old.check.services.iter().any(|other| other == service);
        let (Some(then), Some(now)) = (earlier.get(&target), find(at_once, service)) else {
            continue;
        };
        if same && rests(then) == rests(now) && !follows(now) {
            let (then, now) = (format!("{then:#?}"), format!("{now:#?}"));
            assert!(
                then == now,
                "{told}\n{}: it is the same before and after, and something has become of it\n{}",
                service.target,
                differing(&then, &now)
            );
        }
    }
}

fn by_target(status: &CheckStatus) -> BTreeMap<steadfast::ipvs::model::ServerId, &VirtualServer> {
    let all = status.virtual_servers.iter();
    all.map(|service| (service.config.target.id(), service)).collect()
}

fn find<'a>(status: &'a CheckStatus, service: &VirtualServerConfig) -> Option<&'a VirtualServer> {
    let mut all = status.virtual_servers.iter();
    all.find(|one| one.config.target.id() == service.target.id())
}

/// Whether it has checkers that follow what is reported: all reports are made again at a reload.
fn follows(service: &VirtualServer) -> bool {
    let mut checkers = service.real_servers.iter().flat_map(|real| &real.checkers);
    checkers.any(|checker| checker.phase() == Phase::Following)
}

/// What others decide of it: this host's addresses, and who is MASTER.
const fn rests(service: &VirtualServer) -> (bool, bool, bool) {
    (service.suspended, service.absent, service.unjudged)
}

/// A virtual server of which only real servers have changed: its service is not written, nor is a real server that is the
/// same.
pub(crate) fn servers_quiet(
    ops: &[Op],
    before: &CheckStatus,
    at_once: &CheckStatus,
    old: &Plan,
    new: &Plan,
    told: &str,
) {
    let alone = |service: &VirtualServerConfig| VirtualServerConfig {
        real_servers: Vec::new(),
        ..service.clone()
    };
    let owners = |plan: &Plan| {
        let mut owners = BTreeMap::new();
        for key in plan.check.services.iter().flat_map(|one| one.target.keys()) {
            *owners.entry(*key).or_insert(0) += 1;
        }
        owners
    };
    let (owned_before, owned) = (owners(old), owners(new));
    let earlier = by_target(before);
    for service in &new.check.services {
        let mut olds = old.check.services.iter();
        let Some(other) = olds.find(|other| alone(other) == alone(service)) else {
            continue;
        };
        let (Some(then), Some(now)) = (earlier.get(&service.target.id()), find(at_once, service)) else {
            continue;
        };
        if rests(then) != rests(now) || then.quorum_up != now.quorum_up {
            continue;
        }
        let mine = ops.iter().filter(|op| {
            let key = op.service();
            service.target.keys().contains(key)
                && (owned_before.get(key), owned.get(key)) == (Some(&1), Some(&1))
        });
        for op in mine {
            let quiet = match op {
                Op::AddService(..) | Op::EditService(..) | Op::DeleteService(_) => true,
                Op::AddDestination(_, address, _)
                | Op::EditDestination(_, address, _)
                | Op::DeleteDestination(_, address) => {
                    let of = |one: &VirtualServerConfig| {
                        let found = one.real_servers.iter().find(|real| real.address == *address);
                        found.cloned()
                    };
                    of(service).is_some() && of(other) == of(service)
                }
            };
            assert!(!quiet, "{told}\n{op:?}: it is the same before and after");
        }
    }
}
