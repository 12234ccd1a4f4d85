//! One history: a configuration runs, things happen, it is edited and reloaded, again and again; after each reload the
//! verdict.

use crate::edits::edit;
use crate::making::configuration;
use crate::net::{Write, seen, seen_good};
use crate::rng::Rng;
use crate::routers::Routers;
use crate::services::{Belief, Services};
use crate::tree::{Node, text};
use crate::untouched::{routers_untouched, servers_quiet, services_untouched, unheard};
use crate::world::{World, plan_of};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use steadfast::check::config::{CheckerConfig, VirtualServerConfig};
use steadfast::check::event::Event as CheckEvent;
use steadfast::check::pool::VirtualServer;
use steadfast::clock::Instant;
use steadfast::ipvs::model::ServiceKey;
use steadfast::net::{Good, Goods};
use steadfast::plan::Plan;
use steadfast::plan::diff::{Fate, Kind, PlanDiff, diff};
use steadfast::vrrp::config::{InstanceKey, RouterConfig};
use steadfast::vrrp::status::{RouterStatus, StateName};

/// A daemon in its world.
struct Daemon {
    routers: Routers,
    services: Services,
    now: Instant,
}

impl Daemon {
    fn start(plan: &Plan, world: &World, now: Instant) -> Self {
        let routers = Routers::start(plan, world, now);
        let (local, masters) = (routers.net.local(), routers.masters());
        let services = Services::start(&plan.check, world, now, local, masters);
        Self {
            routers,
            services,
            now,
        }
    }

    /// What the check plane hears of the VRRP plane.
    fn follow(&mut self, world: &World) {
        let masters = CheckEvent::Masters(Some(Arc::new(self.routers.masters())));
        self.services.tell(masters, world, self.now);
        let local = CheckEvent::Addresses(self.routers.net.local());
        self.services.tell(local, world, self.now);
    }

    fn reload(&mut self, plan: &Plan, world: &World) {
        self.routers.reload(plan, world, self.now);
        let masters = (!self.routers.slow).then(|| self.routers.masters());
        self.services.reload(&plan.check, world, self.now, masters);
        self.follow(world);
    }

    fn run(&mut self, world: &World, time: Duration) {
        let end = self.now + time;
        let mut now = self.now;
        self.routers.run(world, &mut now, end, |_| false);
        self.follow(world);
        self.services.run(world, &mut self.now, end, |_| false);
        self.now = end;
    }

    /// Until all rests, in the time that both take.
    fn settle(&mut self, world: &World) {
        let mut now = self.now;
        self.routers.settle(world, &mut now);
        self.follow(world);
        self.services.settle(world, &mut self.now);
        self.now = self.now.max(now);
        let mut now = self.now;
        self.routers.run(world, &mut now, self.now, |_| false);
        self.follow(world);
    }
}

pub(crate) fn run(seed: u64, steps: u64) {
    let mut rng = Rng::new(seed ^ 0x7e10_ad00);
    let mut world = World::new(&mut rng);
    let (mut blocks, mut plan) = loop {
        let blocks = configuration(&mut rng);
        if let Some(plan) = plan_of(&blocks) {
            break (blocks, plan);
        }
    };
    let mut former = blocks.clone();
    let mut daemon = Daemon::start(&plan, &world, Instant::from_micros(1_000_000_000));
    for step in 0..steps {
        live(&mut daemon, &mut world, &mut rng);
        let (next, edits, new) = edited(&blocks, &former, &plan, &mut rng);
        let told = format!(
            "seed {seed}, reload {step}: {edits:?}\n---- before\n{}---- after\n{}----",
            text(&blocks),
            text(&next)
        );
        reloaded(&mut daemon, &plan, &new, &world, &told);
        former = std::mem::replace(&mut blocks, next);
        plan = new;
    }
}

/// Some time passes, and things happen.
fn live(daemon: &mut Daemon, world: &mut World, rng: &mut Rng) {
    for _ in 0..rng.below(3) {
        if rng.chance(1, 3) {
            daemon.routers.better_master(world, daemon.now, rng);
        }
        let events = world.change(rng);
        let now = daemon.now;
        daemon.routers.tell_interfaces(world, now);
        daemon.routers.carry_out(world, now);
        for event in events {
            daemon.routers.tell(event, world, now);
        }
        daemon.services.tell_files(world, now);
        daemon.services.tell_sessions(world, now);
        daemon.run(world, Duration::from_millis(rng.below(4_000)));
    }
    daemon.routers.slow = rng.chance(1, 5);
    daemon.run(world, Duration::from_millis(rng.below(3_000)));
}

/// Another configuration: an edited one, or the one before.
fn edited(blocks: &[Node], former: &[Node], plan: &Plan, rng: &mut Rng) -> (Vec<Node>, Vec<String>, Plan) {
    if rng.chance(1, 20) {
        return (blocks.to_vec(), vec!["the same".into()], plan.clone());
    }
    if rng.chance(1, 5)
        && let Some(plan) = plan_of(former)
    {
        return (former.to_vec(), vec!["back".into()], plan);
    }
    for _ in 0..8 {
        let mut next = blocks.to_vec();
        let edits = edit(&mut next, rng);
        if let Some(new) = plan_of(&next) {
            return (next, edits, new);
        }
    }
    (blocks.to_vec(), vec!["nothing".into()], plan.clone())
}

fn reloaded(daemon: &mut Daemon, old: &Plan, new: &Plan, world: &World, told: &str) {
    let differs = diff(old, new);
    assert!(diff(new, new).is_empty(), "{told}\nit differs from itself");
    let before = daemon.routers.engine.status(daemon.now);
    daemon.routers.take_writes();
    daemon.services.take_ops();
    let beliefs = daemon.services.beliefs(daemon.now);
    let masters_before = daemon.routers.masters();
    let services_before = daemon.services.engine.status(daemon.now);
    daemon.routers.notified.clear();
    let busy = daemon.routers.slow || daemon.routers.waits();
    daemon.reload(new, world);

    let at_once = daemon.routers.engine.status(daemon.now);
    let services_at_once = daemon.services.engine.status(daemon.now);
    let untouched = routers_untouched(&before, &at_once, old, new, told);
    // What waits for the kernel is told when that has answered, which it does during a reload.
    if !busy {
        unheard(&daemon.routers.notified, &untouched, told);
    }
    services_untouched(&services_before, &services_at_once, old, new, told);
    let ops = daemon.services.take_ops();
    let kept = kept(&daemon.services.beliefs(daemon.now), &beliefs);
    assert!(kept.is_empty(), "{told}\nwhat checkers know is lost: {kept:?}");
    let quiet = quiet_services(old, new, &masters_before, &daemon.routers.masters());
    for op in &ops {
        let key = op.service();
        assert!(
            !quiet.contains(key),
            "{told}\n{op:?}: it is the same before and after"
        );
    }
    servers_quiet(&ops, &services_before, &services_at_once, old, new, told);
    daemon.services.judge(daemon.now, told);

    daemon.settle(world);
    let writes = daemon.routers.take_writes();
    let mut cold = Daemon::start(new, world, daemon.now);
    cold.settle(world);
    let after = daemon.routers.engine.status(daemon.now);
    let fresh = cold.routers.engine.status(cold.now);
    let stay = stayed(
        &before.routers,
        &at_once.routers,
        &after.routers,
        &fresh.routers,
        old,
        new,
        told,
    );
    zero_writes(&writes, &stay, old, new, told);
    agrees(&differs, &stay, new, !ops.is_empty(), told);

    for (a, b) in after.routers.iter().zip(&fresh.routers) {
        let told = format!("{told}\n{}", a.config.name);
        assert_eq!(a.config, b.config, "{told}");
        assert_eq!(a.faults, b.faults, "{told}");
        assert_eq!(a.state, b.state, "{told}");
        assert_eq!(a.effective_priority, b.effective_priority, "{told}");
        assert_eq!(a.source, b.source, "{told}");
        assert_eq!(a.holding, b.holding, "{told}");
    }
    assert_eq!(after.routers.len(), new.vrrp.routers.len(), "{told}");
    for (a, b) in after.groups.iter().zip(&fresh.groups) {
        assert_eq!(
            (&a.name, a.state, &a.members),
            (&b.name, b.state, &b.members),
            "{told}"
        );
    }
    let (a, b) = (&daemon.routers.net, &cold.routers.net);
    let addresses = |net: &crate::net::Net| net.addresses.values().cloned().collect::<Vec<_>>();
    same(&addresses(a), &addresses(b), told);
    same(&a.routes, &b.routes, told);
    same(&a.rules, &b.rules, told);
    let links = |net: &crate::net::Net| {
        net.links
            .values()
            .map(|(link, _)| link.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(links(a), links(b), "{told}\nlinks");
    same(&a.sockets, &b.sockets, told);

    let (mut table, mut cold_table) = (daemon.services.table(), cold.services.table());
    let (a, b) = (
        daemon.services.engine.status(daemon.now),
        cold.services.engine.status(cold.now),
    );
    assert_eq!(a.virtual_servers.len(), b.virtual_servers.len(), "{told}");
    for (a, b) in a.virtual_servers.iter().zip(&b.virtual_servers) {
        let told = format!("{told}\n{}", a.name);
        assert_eq!(a.config, b.config, "{told}");
        assert_eq!((a.suspended, a.absent), (b.suspended, b.absent), "{told}");
        if a.suspended || within_hysteresis(a, b) {
            for key in a.config.target.keys() {
                table.services.remove(key);
                cold_table.services.remove(key);
            }
        } else {
            assert_eq!(a.quorum_up, b.quorum_up, "{told}");
        }
        if a.suspended {
            // Its state is what it was when its checkers began to rest.
            continue;
        }
        for (a, b) in a.real_servers.iter().zip(&b.real_servers) {
            assert_eq!((a.alive, a.weight), (b.alive, b.weight), "{told}: {}", a.names.rs);
            let of = |rs: &steadfast::check::pool::RealServer| {
                let all = rs.checkers.iter();
                all.map(|it| (it.config().clone(), it.is_up()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(of(a), of(b), "{told}: {}", a.names.rs);
        }
    }
    assert_eq!(table, cold_table, "{told}\nIPVS");
    daemon.services.judge(daemon.now, told);
}

/// A weight at which a quorum that is up stays so, and one that is down stays so too: it is a state that survives.
fn within_hysteresis(a: &VirtualServer, b: &VirtualServer) -> bool {
    let rests = |vs: &VirtualServer| vs.quorum().judge(vs.quorum_up, vs.live_weight()).is_none();
    a.quorum_up && !b.quorum_up && rests(a) && rests(b)
}

fn same<T: PartialEq + std::fmt::Debug>(a: &[T], b: &[T], told: &str) {
    let missing: Vec<_> = b.iter().filter(|one| !a.contains(one)).collect();
    let left: Vec<_> = a.iter().filter(|one| !b.contains(one)).collect();
    assert!(
        missing.is_empty() && left.is_empty() && a.len() == b.len(),
        "{told}\nmissing {missing:?}, left {left:?}"
    );
}

/// Beliefs of checkers that are the same in both files and have forgotten something.
fn kept(now: &[(String, CheckerConfig, Belief)], before: &[(String, CheckerConfig, Belief)]) -> Vec<String> {
    let mut lost = Vec::new();
    for (place, config, belief) in before {
        let same = |(p, c, _): &&(String, _, _)| p == place && c == config;
        let twins = before.iter().filter(same).count();
        let found: Vec<_> = now.iter().filter(same).collect();
        if twins == 1
            && let [(_, _, found)] = found[..]
            && found != belief
        {
            lost.push(format!("{place}: {belief:?} became {found:?}"));
        }
    }
    lost
}

/// The services that are wanted by the same virtual servers before and after, whatever the instances that they follow are
/// called.
fn quiet_services(
    old: &Plan,
    new: &Plan,
    masters_before: &BTreeSet<String>,
    masters_after: &BTreeSet<String>,
) -> BTreeSet<ServiceKey> {
    type Owners = BTreeMap<ServiceKey, Vec<(VirtualServerConfig, bool)>>;
    let owners = |plan: &Plan, masters: &BTreeSet<String>| {
        let mut all = Owners::new();
        for service in &plan.check.services {
            let mut service = service.clone();
            let followed = service.while_master.take();
            let there = followed.is_none_or(|name| masters.contains(&*name));
            for key in service.target.keys() {
                all.entry(*key).or_default().push((service.clone(), there));
            }
        }
        all
    };
    let new = owners(new, masters_after);
    let old = owners(old, masters_before).into_iter();
    let same = old.filter(|(key, owners)| new.get(key) == Some(owners));
    same.map(|(key, _)| key).collect()
}

pub(crate) fn by_key(plan: &Plan) -> BTreeMap<InstanceKey, &RouterConfig> {
    plan.vrrp
        .routers
        .iter()
        .map(|router| (router.key(), router))
        .collect()
}

/// The routers that were MASTER, are the same by their key, and have no reason to cease to be: they must not. Their keys.
fn stayed(
    before: &[RouterStatus],
    at_once: &[RouterStatus],
    after: &[RouterStatus],
    fresh: &[RouterStatus],
    old: &Plan,
    new: &Plan,
    told: &str,
) -> BTreeSet<InstanceKey> {
    let (was, is) = (by_key(old), by_key(new));
    let old_by_key: BTreeMap<_, _> = before
        .iter()
        .map(|router| (router.config.key(), router))
        .collect();
    let unique = is.len() == new.vrrp.routers.len() && was.len() == old.vrrp.routers.len();
    let mut stay = BTreeSet::new();
    if !unique {
        return stay;
    }
    // A MASTER that has no fault in the new configuration.
    let sound = |name: &str| {
        let found = fresh.iter().position(|router| router.config.name == name);
        let Some(at) = found else { return true };
        let key = fresh[at].config.key();
        let was_master = old_by_key.get(&key).is_some_and(|r| r.state == StateName::Master);
        let blameless = [at_once, after, fresh]
            .iter()
            .all(|all| all[at].faults.is_empty());
        was_master && blameless && !remade(old, new, was[&key], is[&key])
    };
    for (at, router) in after.iter().enumerate() {
        let name = &router.config.name;
        let group = new.vrrp.groups.iter().find(|group| group.members.contains(name));
        let alone = [name.clone()];
        let team = group.map_or(&alone[..], |group| &group.members);
        if !team.iter().all(|name| sound(name)) {
            continue;
        }
        let key = router.config.key();
        let old = old_by_key[&key];
        assert_eq!(
            at_once[at].state,
            StateName::Master,
            "{told}\n{name} is MASTER no more"
        );
        assert_eq!(
            old.counters.release_master, router.counters.release_master,
            "{told}\n{name} has ceased to be MASTER"
        );
        assert_eq!(old.last_transition, router.last_transition, "{told}\n{name}");
        // Who waits for the kernel does not have everything yet.
        if old.holding {
            stay.insert(key);
        }
    }
    stay
}

/// Whether a link that a router needs is made anew: its addresses go with the old one.
fn remade(old: &Plan, new: &Plan, was: &RouterConfig, is: &RouterConfig) -> bool {
    let names: BTreeSet<_> = [was, is]
        .iter()
        .flat_map(|router| {
            let own = router.link.iter().map(|link| link.name.clone());
            let goods = router.goods().addresses.into_iter().map(|one| one.interface);
            own.chain(goods).collect::<Vec<_>>()
        })
        .collect();
    names.iter().any(|name| {
        let find = |plan: &Plan| plan.vrrp.links.iter().find(|link| link.name == *name).cloned();
        match (find(old), find(new)) {
            (Some(old), Some(new)) => !old.becomes(&new),
            _ => false,
        }
    })
}

/// What is the same in both files was not written.
fn zero_writes(writes: &[Write], stay: &BTreeSet<InstanceKey>, old: &Plan, new: &Plan, told: &str) {
    let (was, is) = (by_key(old), by_key(new));
    let mut quiet: Vec<Good> = Vec::new();
    for key in stay {
        quiet.extend(common(&was[key].goods(), &is[key].goods()));
    }
    quiet.extend(common(&old.vrrp.statics, &new.vrrp.statics));
    for write in writes {
        match write {
            Write::Add(good) | Write::Delete(good) => {
                assert!(
                    !quiet.contains(good),
                    "{told}\n{}: it is the same before and after",
                    words(write)
                );
            }
            Write::Link(name) | Write::NoLink(name) => {
                let find = |plan: &Plan| plan.vrrp.links.iter().find(|link| link.name == *name).cloned();
                let same = find(old).is_some() && find(old) == find(new);
                assert!(!same, "{told}\n{write:?}: it is the same before and after");
            }
            Write::Open(endpoint) | Write::Close(endpoint) => {
                let all = [&old.vrrp, &new.vrrp].map(steadfast::vrrp::endpoints);
                let both = all
                    .iter()
                    .all(|all| all.iter().any(|one| one.same_socket(endpoint)));
                assert!(!both, "{told}\n{write:?}: it is the same before and after");
            }
        }
    }
}

/// What was said before is true: no MASTER that stayed one was to begin anew, and nothing happened of which nothing was said.
fn agrees(differs: &PlanDiff, stay: &BTreeSet<InstanceKey>, new: &Plan, ops: bool, told: &str) {
    for router in new
        .vrrp
        .routers
        .iter()
        .filter(|router| stay.contains(&router.key()))
    {
        let mut objects = differs.objects.iter();
        let begins = objects.find(|object| {
            object.kind == Kind::VrrpInstance
                && object.name == router.name
                && matches!(object.fate, Fate::BeginsAnew { .. })
        });
        assert_eq!(begins, None, "{told}\nit was to begin anew");
    }
    assert!(
        !ops || !differs.is_empty(),
        "{told}\nIPVS was changed, and nothing was said"
    );
}

fn words(write: &Write) -> String {
    match write {
        Write::Add(good) => format!("add {good}"),
        Write::Delete(good) => format!("delete {good}"),
        other => format!("{other:?}"),
    }
}

fn common(a: &Goods, b: &Goods) -> Vec<Good> {
    let all = |goods: &Goods| -> Vec<Good> {
        let addresses = goods.addresses.iter().map(|one| Good::from(seen(one)));
        let routes = goods.routes.iter().cloned().map(Good::from);
        let rules = goods.rules.iter().cloned().map(Good::from);
        let ways = routes.chain(rules).map(|good| seen_good(&good));
        addresses.chain(ways).collect()
    };
    let b = all(b);
    all(a).into_iter().filter(|good| b.contains(good)).collect()
}

/// Reloads two configurations by turns. What the engines hold is counted in their own words: every entry of every map, list
/// and queue has one.
pub(crate) fn there_and_back(seed: u64, times: usize) {
    let mut rng = Rng::new(seed ^ 0x1ea4);
    let world = World::new(&mut rng);
    let some = |rng: &mut Rng| loop {
        if let Some(plan) = plan_of(&configuration(rng)) {
            return plan;
        }
    };
    let (a, b) = (some(&mut rng), some(&mut rng));
    let mut daemon = Daemon::start(&a, &world, Instant::from_micros(1_000_000_000));
    let mut size = None;
    for round in 0..times {
        daemon.reload(&b, &world);
        daemon.run(&world, Duration::from_millis(10));
        daemon.reload(&a, &world);
        daemon.run(&world, Duration::from_millis(10));
        if round == 3 || round + 1 == times {
            daemon.settle(&world);
            // A checker that asks is told of in more words than one that waits.
            while daemon.services.asks() {
                daemon.run(&world, Duration::from_millis(10));
            }
            daemon.routers.take_writes();
            daemon.routers.notified.clear();
            let now = daemon.size();
            assert_eq!(*size.get_or_insert(now), now, "seed {seed}, after {round} rounds");
        }
    }
}

impl Daemon {
    /// How much is held: by the routers, their kernel, the checkers, and the table.
    fn size(&self) -> [usize; 6] {
        let entries = |text: String| text.matches([',', '(']).count();
        let net = &self.routers.net;
        [
            entries(format!("{:?}", self.routers.engine)),
            entries(format!("{:?}", self.services.engine)),
            net.addresses.len() + net.routes.len() + net.rules.len(),
            net.links.len(),
            net.sockets.len(),
            entries(format!("{:?}", self.services.table())),
        ]
    }
}
