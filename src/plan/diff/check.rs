//! Virtual servers, their groups, real servers and checkers, by the identities of the health engine.

use super::found::Found;
use super::moves::{Ledger, Thing, mark_came, mark_went};
use super::{Fate, Kind};
use crate::change::{Changed, Changes, Effect, Show, What};
use crate::check::config::{
    CheckConfig, CheckerConfig, RealServerConfig, ServerGroupConfig, SorryServerConfig, Target,
    VirtualServerConfig,
};
use crate::check::quorum::{Quorum, Turn};
use crate::ipvs::model::{ServerId, real_server_name};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// All of it.
pub(super) fn all(found: &mut Found, old: &CheckConfig, new: &CheckConfig) {
    let name = |group: &ServerGroupConfig| group.name.to_string();
    let kind = Kind::VirtualServerGroup;
    found.named(kind, &old.groups, &new.groups, name, ServerGroupConfig::absorb);
    services(found, &old.services, &new.services);
}

/// Two virtual servers that are one, or one that goes or comes.
struct Pair<'a> {
    old: Option<&'a VirtualServerConfig>,
    new: Option<&'a VirtualServerConfig>,
    changes: Changes,
}

fn services(found: &mut Found, old: &[VirtualServerConfig], new: &[VirtualServerConfig]) {
    let mut before: BTreeMap<ServerId, &VirtualServerConfig> =
        old.iter().map(|service| (service.target.id(), service)).collect();
    let mut stay: Vec<Pair<'_>> = Vec::new();
    for service in new {
        let old = before.remove(&service.target.id());
        if old == Some(service) {
            found.untouched(objects(service));
            continue;
        }
        let mut changes = Changes::default();
        if let Some(old) = old {
            changes = old.absorb(service);
            say_quorum(&mut changes, old, service);
        }
        stay.push(Pair {
            old,
            new: Some(service),
            changes,
        });
    }
    let gone = old
        .iter()
        .filter(|service| before.contains_key(&service.target.id()));
    let gone = gone.map(|service| Pair {
        old: Some(service),
        new: None,
        changes: Changes::default(),
    });
    let mut pairs: Vec<Pair<'_>> = gone.chain(stay).collect();
    say_moves(&mut pairs);
    for Pair { old, new, changes } in pairs {
        let Some(service) = new.or(old) else { continue };
        let name = || service.target.to_string();
        match (old, new) {
            (Some(old), Some(new)) => {
                found.stays(Kind::VirtualServer, name, changes);
                sorry_server(found, old, new);
                real_servers(found, old, new);
            }
            (None, _) => found.push(Kind::VirtualServer, name(), Fate::Comes(changes)),
            (Some(_), None) => found.push(Kind::VirtualServer, name(), Fate::Goes(changes)),
        }
    }
}

/// A virtual server, its servers and their checkers.
fn objects(service: &VirtualServerConfig) -> usize {
    let checkers = service.real_servers.iter().map(|real| real.checkers.len());
    1 + usize::from(service.sorry_server.is_some()) + service.real_servers.len() + checkers.sum::<usize>()
}

/// Whether the servers together can have the quorum decides who serves: they, or the sorry server. Who of them is well the
/// configuration does not say.
fn say_quorum(changes: &mut Changes, old: &VirtualServerConfig, new: &VirtualServerConfig) {
    let Some(had) = has_quorum(old) else { return };
    let has = has_quorum(new).unwrap_or(had);
    let serves = |service: &VirtualServerConfig, has: bool| !has && service.sorry_server.is_some();
    let (effect, why) = match (serves(old, had), serves(new, has)) {
        (false, true) => (Effect::Flaps, "all its servers together are below the quorum"),
        (true, false) => (Effect::Live, "its servers serve again"),
        (false, false) | (true, true) => return,
    };
    let word = |service: &VirtualServerConfig, has: bool| match &service.sorry_server {
        None => "none",
        Some(_) if has => "in reserve",
        Some(_) => "serves",
    };
    changes.add(Changed {
        keyword: "sorry_server",
        what: What::Value {
            from: word(old, had).to_owned(),
            to: word(new, has).to_owned(),
        },
        effect,
        why: Some(why.into()),
    });
}

/// As long as all its servers are well; nothing where it is as it was.
fn has_quorum(service: &VirtualServerConfig) -> Option<bool> {
    let weights = service.real_servers.iter().map(|real| u64::from(real.weight));
    let weight = weights.sum();
    let quorum = Quorum {
        quorum: service.quorum,
        hysteresis: service.hysteresis,
    };
    let gains = quorum.judge(false, weight) == Some(Turn::Gained);
    let loses = quorum.judge(true, weight) == Some(Turn::Lost);
    (gains || loses).then_some(gains)
}

/// A service that was one virtual server's and is another's: it stays in the kernel, with the servers that both have.
fn say_moves(pairs: &mut [Pair<'_>]) {
    let mut ledger = Ledger::default();
    for (at, pair) in pairs.iter().enumerate() {
        let things = |service: Option<&VirtualServerConfig>| -> Vec<Thing> {
            let keys = service.map(|service| service.target.keys()).unwrap_or_default();
            keys.iter()
                .map(|key| Thing {
                    keyword: "virtual_server_group",
                    key: format!("{key:?}"),
                    text: key.show(),
                })
                .collect()
        };
        let same = match (pair.old, pair.new) {
            (Some(old), Some(new)) => old.target.keys() == new.target.keys(),
            _ => false,
        };
        if !same {
            ledger.compare((at, things(pair.old)), (at, things(pair.new)));
        }
    }
    let name = |service: Option<&VirtualServerConfig>| {
        service
            .map(|service| service.target.to_string())
            .unwrap_or_default()
    };
    for moved in ledger.moves() {
        let from = pairs
            .get(moved.from)
            .map(|pair| name(pair.old))
            .unwrap_or_default();
        let to = pairs.get(moved.to).map(|pair| name(pair.new)).unwrap_or_default();
        if let Some(pair) = pairs.get_mut(moved.from) {
            mark_went(&mut pair.changes, &moved.went, &to);
        }
        if let Some(pair) = pairs.get_mut(moved.to) {
            mark_came(&mut pair.changes, &moved.came, &from, Effect::Live);
        }
    }
}

fn sorry_server(found: &mut Found, old: &VirtualServerConfig, new: &VirtualServerConfig) {
    let name = |target: &Target, sorry: &SorryServerConfig| server(target, sorry.address);
    match (&old.sorry_server, &new.sorry_server) {
        (None, None) => {}
        (Some(before), Some(after)) if before.address == after.address => {
            let changes = before.absorb(after, &new.target);
            found.stays(Kind::SorryServer, || name(&new.target, after), changes);
        }
        (before, after) => {
            if let Some(sorry) = before {
                found.goes(Kind::SorryServer, name(&old.target, sorry));
            }
            if let Some(sorry) = after {
                found.comes(Kind::SorryServer, name(&new.target, sorry));
            }
        }
    }
}

fn real_servers(found: &mut Found, old: &VirtualServerConfig, new: &VirtualServerConfig) {
    let mut before: BTreeMap<SocketAddr, &RealServerConfig> =
        old.real_servers.iter().map(|real| (real.address, real)).collect();
    let kept: Vec<(Option<&RealServerConfig>, &RealServerConfig)> = new
        .real_servers
        .iter()
        .map(|real| (before.remove(&real.address), real))
        .collect();
    for real in old
        .real_servers
        .iter()
        .filter(|real| before.contains_key(&real.address))
    {
        found.goes(Kind::RealServer, server(&old.target, real.address));
    }
    for (old, real) in kept {
        let name = || server(&new.target, real.address);
        match old {
            None => found.comes(Kind::RealServer, name()),
            Some(old) if old == real => found.untouched(1 + real.checkers.len()),
            Some(old) => {
                found.stays(Kind::RealServer, name, old.absorb(real, &new.target));
                checkers(found, &old.checkers, &real.checkers, &name());
            }
        }
    }
}

/// keepalived's names of a real server and its virtual server.
fn server(target: &Target, address: SocketAddr) -> String {
    format!("{} of {target}", real_server_name(target.protocol(), address))
}

/// Those with the same question go on; of the others those of one kind are taken for one that begins anew.
fn checkers(found: &mut Found, old: &[CheckerConfig], new: &[CheckerConfig], of: &str) {
    if old == new {
        return found.untouched(new.len());
    }
    let mut free: Vec<&CheckerConfig> = old.iter().collect();
    let mut kept: Vec<(Option<&CheckerConfig>, &CheckerConfig)> = Vec::new();
    for checker in new {
        let wanted = checker.probe.identity();
        let at = free.iter().position(|old| old.probe.identity() == wanted);
        kept.push((at.map(|at| free.remove(at)), checker));
    }
    for (old, checker) in kept {
        let name = || format!("{} of {of}", checker.probe.keyword());
        match old {
            Some(old) => found.stays(Kind::Checker, name, old.absorb(checker)),
            None => {
                let keyword = checker.probe.keyword();
                match free.iter().position(|old| old.probe.keyword() == keyword) {
                    Some(at) => {
                        let why = super::rest::words(&free.remove(at).absorb(checker));
                        // Its server stays as it is meanwhile (fact 16.7).
                        let effect = Effect::Live;
                        found.push(Kind::Checker, name(), Fate::BeginsAnew { why, effect });
                    }
                    None => found.comes(Kind::Checker, name()),
                }
            }
        }
    }
    for gone in free {
        found.goes(Kind::Checker, format!("{} of {of}", gone.probe.keyword()));
    }
}
