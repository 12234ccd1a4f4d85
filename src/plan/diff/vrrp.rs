//! Virtual routers, sync groups, links and static entries.

use super::found::Found;
use super::moves::{Ledger, Thing, mark_came, mark_went};
use super::{Fate, Kind};
use crate::change::{Changed, Changes, Effect, Show, What};
use crate::net::{AddressSpec, Keywords};
use crate::notify::config::NotifyScripts;
use crate::plan::Plan;
use crate::vrrp::config::{
    EXCLUDED, LinkConfig, Matched, OwnLinkKind, RouterConfig, StaticGroup, SyncGroupConfig, VIRTUAL,
    match_routers,
};
use std::collections::{BTreeMap, BTreeSet};

const STATIC: Keywords = Keywords {
    addresses: "static_ipaddress",
    routes: "static_routes",
    rules: "static_rules",
};

/// All of it.
pub(super) fn all(found: &mut Found, old: &Plan, new: &Plan) {
    statics(found, old, new);
    links(found, &old.vrrp.links, &new.vrrp.links);
    let names = routers(found, old, new);
    groups(found, old, new, &names);
}

/// What is held whoever is MASTER, and the groups that tie it to instances.
fn statics(found: &mut Found, old: &Plan, new: &Plan) {
    let mut changes = old.vrrp.statics.absorb(&new.vrrp.statics, STATIC);
    let groups = |plan: &Plan| -> Vec<StaticGroup> { plan.vrrp.track_groups.clone() };
    changes.list("track_group", &groups(old), &groups(new));
    let is_there = |plan: &Plan| !(plan.vrrp.statics.is_empty() && plan.vrrp.track_groups.is_empty());
    if is_there(old) || is_there(new) {
        found.stays(Kind::Static, || "static entries".to_owned(), changes);
    }
}

/// A link that cannot become the other one under its name is made anew, and what was on it is gone.
fn links(found: &mut Found, old: &[LinkConfig], new: &[LinkConfig]) {
    let mut before: BTreeMap<&str, &LinkConfig> = old.iter().map(|link| (link.name.as_str(), link)).collect();
    let kept: Vec<_> = new
        .iter()
        .map(|link| (before.remove(link.name.as_str()), link))
        .collect();
    for link in old.iter().filter(|link| before.contains_key(link.name.as_str())) {
        found.goes(Kind::Link, link.name.to_string());
    }
    for (old, new) in kept {
        let name = new.name.to_string();
        match old {
            None => found.comes(Kind::Link, name),
            Some(old) if old.becomes(new) => found.stays(Kind::Link, || name, old.absorb(new)),
            Some(old) => {
                let why = if old.parent == new.parent {
                    "a link of another kind has to be made".to_owned()
                } else {
                    format!("interface: {} -> {}", old.parent, new.parent)
                };
                found.begins_anew(Kind::Link, name, why);
            }
        }
    }
}

/// How a router of the new plan was called before, if it is the same.
type Names<'a> = BTreeMap<&'a str, &'a str>;

/// Two routers that are one, or one that goes or comes.
struct Pair<'a> {
    old: Option<&'a RouterConfig>,
    new: Option<&'a RouterConfig>,
    fate: Fate,
}

fn routers<'a>(found: &mut Found, old: &'a Plan, new: &'a Plan) -> Names<'a> {
    let before: Vec<&RouterConfig> = old.vrrp.routers.iter().collect();
    let matched = match_routers(&before, &new.vrrp.routers);
    let mut pairs = pair(matched, &before, &new.vrrp.routers);
    for pair in &mut pairs {
        if let (Some(router), Some(other), Fate::Changes(changes)) = (pair.old, pair.new, &mut pair.fate) {
            *changes = router.absorb(other);
            let scripts = |plan: &'a Plan, name: &str| plan.notify.instances.get(name);
            let (before, after) = (scripts(old, &router.name), scripts(new, &other.name));
            let scripts = absorb_scripts(before, after);
            // Without a script it says another word to FIFOs.
            if scripts.iter().any(|changed| changed.keyword == "notify_deleted") {
                changes.forget("notify_deleted");
            }
            changes.extend(scripts);
            say_link(changes, (old, router), (new, other));
        }
    }
    say_moves(&mut pairs);
    let mut names = Names::new();
    for Pair { old, new, fate } in pairs {
        if let (Some(old), Some(new), Fate::Changes(_)) = (old, new, &fate) {
            names.insert(&old.name, &new.name);
        }
        let Some(router) = new.or(old) else { continue };
        match fate {
            Fate::Changes(changes) => found.stays(Kind::VrrpInstance, || router.name.clone(), changes),
            fate => found.push(Kind::VrrpInstance, router.name.clone(), fate),
        }
    }
    names
}

/// Two links with one MAC cannot be on one interface: the new one waits until the old one is gone, and its router with it.
fn say_link(
    changes: &mut Changes,
    (old, before): (&Plan, &RouterConfig),
    (new, after): (&Plan, &RouterConfig),
) {
    let link = |plan: &'_ Plan, router: &RouterConfig| -> Option<LinkConfig> {
        let name = &router.link.as_ref()?.name;
        plan.vrrp.links.iter().find(|link| link.name == *name).cloned()
    };
    let (Some(from), Some(to)) = (link(old, before), link(new, after)) else {
        return;
    };
    let clashes = match (&from.kind, &to.kind) {
        (OwnLinkKind::Vmac(mac), OwnLinkKind::Vmac(other)) => mac == other && from.parent == to.parent,
        (OwnLinkKind::Vmac(_) | OwnLinkKind::Ipvlan { .. }, _) => false,
    };
    let named = |changed: &&mut Changed| {
        changed.keyword == "use_vmac" && from.name != to.name && matches!(changed.what, What::Value { .. })
    };
    if let Some(changed) = changes.iter_mut().find(named).filter(|_| clashes) {
        changed.effect = Effect::Flaps;
        changed.why = Some("the old link has to go first, the router is in FAULT meanwhile".into());
    }
}

/// First those that go, then the others in their new order. One that has the name of another router begins anew.
fn pair<'a>(matched: Matched, old: &[&'a RouterConfig], new: &'a [RouterConfig]) -> Vec<Pair<'a>> {
    let Matched { before, gone } = matched;
    let gone: Vec<&RouterConfig> = gone.into_iter().filter_map(|at| old.get(at).copied()).collect();
    let mut named: BTreeMap<&str, &RouterConfig> = gone
        .iter()
        .map(|router| (router.name.as_str(), *router))
        .collect();
    let mut stay = Vec::new();
    for (before, new) in before.into_iter().zip(new) {
        let old = before.and_then(|at| old.get(at).copied());
        let fate_and_old = match old {
            Some(old) => (Fate::Changes(Changes::default()), Some(old)),
            None => match named.remove(new.name.as_str()) {
                Some(old) => {
                    let (why, effect) = (old.differs(new), Effect::Flaps);
                    (Fate::BeginsAnew { why, effect }, Some(old))
                }
                None => (Fate::Comes(Changes::default()), None),
            },
        };
        let (fate, old) = fate_and_old;
        stay.push(Pair {
            old,
            new: Some(new),
            fate,
        });
    }
    let left: BTreeSet<&str> = named.into_keys().collect();
    let gone = gone
        .into_iter()
        .filter(|router| left.contains(router.name.as_str()));
    let gone = gone.map(|router| Pair {
        old: Some(router),
        new: None,
        fate: Fate::Goes(Changes::default()),
    });
    gone.chain(stay).collect()
}

/// Scripts and mail of an instance or a group.
fn absorb_scripts(old: Option<&NotifyScripts>, new: Option<&NotifyScripts>) -> Changes {
    let nothing = NotifyScripts::default();
    old.unwrap_or(&nothing).absorb(new.unwrap_or(&nothing))
}

/// An address, a route or a rule that was one router's and is another's.
fn say_moves(pairs: &mut [Pair<'_>]) {
    let mut ledger = Ledger::default();
    for (at, pair) in pairs.iter().enumerate() {
        // Most routers keep what they hold.
        let same = match (pair.old, pair.new) {
            (Some(old), Some(new)) => hold_the_same(old, new),
            _ => false,
        };
        if !same {
            ledger.compare((at, things(pair.old)), (at, things(pair.new)));
        }
    }
    let name = |router: Option<&RouterConfig>| router.map(|router| router.name.clone()).unwrap_or_default();
    for moved in ledger.moves() {
        let from = pairs
            .get(moved.from)
            .map(|pair| name(pair.old))
            .unwrap_or_default();
        let to = pairs.get(moved.to).map(|pair| name(pair.new)).unwrap_or_default();
        if let Some(changes) = pairs.get_mut(moved.from).and_then(Pair::changes) {
            mark_went(changes, &moved.went, &to);
        }
        if let Some(changes) = pairs.get_mut(moved.to).and_then(Pair::changes) {
            mark_came(changes, &moved.came, &from, Effect::Flaps);
        }
    }
}

fn hold_the_same(old: &RouterConfig, new: &RouterConfig) -> bool {
    old.vips == new.vips && old.excluded == new.excluded && old.routes == new.routes && old.rules == new.rules
}

/// What a router holds.
fn things(router: Option<&RouterConfig>) -> Vec<Thing> {
    let Some(router) = router else { return Vec::new() };
    let address = |keyword: &'static str| {
        move |one: &AddressSpec| Thing {
            keyword,
            key: one.cidr.addr.to_string(),
            text: one.show(),
        }
    };
    let way = |keyword: &'static str, text: String| Thing {
        keyword,
        key: format!("{keyword} {text}"),
        text,
    };
    let vips = router.vips.iter().map(address(VIRTUAL.addresses));
    let excluded = router.excluded.iter().map(address(EXCLUDED));
    let routes = router.routes.iter().map(|one| way(VIRTUAL.routes, one.show()));
    let rules = router.rules.iter().map(|one| way(VIRTUAL.rules, one.show()));
    vips.chain(excluded).chain(routes).chain(rules).collect()
}

impl Pair<'_> {
    /// Where it is said what comes and goes; one that begins anew has said all.
    const fn changes(&mut self) -> Option<&mut Changes> {
        match &mut self.fate {
            Fate::Comes(changes) | Fate::Goes(changes) | Fate::Changes(changes) => Some(changes),
            Fate::BeginsAnew { .. } => None,
        }
    }
}

/// A group is known by its name; one with another name and the same members is renamed.
fn groups(found: &mut Found, old: &Plan, new: &Plan, names: &Names<'_>) {
    // Members that are called otherwise are the same.
    let renamed = |group: &SyncGroupConfig| SyncGroupConfig {
        members: (group.members.iter())
            .map(|name| {
                names
                    .get(name.as_str())
                    .map_or(name.as_str(), |new| *new)
                    .to_owned()
            })
            .collect(),
        ..group.clone()
    };
    let before: Vec<SyncGroupConfig> = old.vrrp.groups.iter().map(renamed).collect();
    let mut free: Vec<&SyncGroupConfig> = before.iter().collect();
    let mut kept: Vec<(Option<&SyncGroupConfig>, &SyncGroupConfig)> = Vec::new();
    for group in &new.vrrp.groups {
        let at = free.iter().position(|old| old.name == group.name);
        kept.push((at.map(|at| free.remove(at)), group));
    }
    for (old, group) in kept.iter_mut().filter(|(old, _)| old.is_none()) {
        let at = free.iter().position(|old| old.members == group.members);
        *old = at.map(|at| free.remove(at));
    }
    for gone in free {
        found.goes(Kind::VrrpSyncGroup, &gone.name);
    }
    for (before, group) in kept {
        let Some(before) = before else {
            found.comes(Kind::VrrpSyncGroup, &group.name);
            continue;
        };
        let mut changes = before.absorb(group);
        let scripts = (
            old.notify.groups.get(&before.name),
            new.notify.groups.get(&group.name),
        );
        changes.extend(absorb_scripts(scripts.0, scripts.1));
        found.stays(Kind::VrrpSyncGroup, || group.name.clone(), changes);
    }
}
