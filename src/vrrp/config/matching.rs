//! Which virtual router of a new configuration is which one of the old (fact 18.4).

use super::{InstanceKey, RouterConfig, Transport};
use std::collections::BTreeMap;

/// The routers of two configurations, by their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// For each of the new ones the old one that it is, if it is one.
    pub before: Vec<Option<usize>>,
    /// The old ones that are no more.
    pub gone: Vec<usize>,
}

/// For each of `new` the one of `old` with the same key. Where several have the same key (unicast routers told apart by their
/// peers), the name decides, then the number of common peers.
pub fn match_routers(old: &[&RouterConfig], new: &[RouterConfig]) -> Matched {
    let mut free: BTreeMap<InstanceKey, Vec<usize>> = BTreeMap::new();
    for (at, router) in old.iter().enumerate() {
        free.entry(router.key()).or_default().push(at);
    }
    let mut before: Vec<Option<usize>> = vec![None; new.len()];
    let config = |at: &usize| old.get(*at).copied();
    for (config_of_new, slot) in new.iter().zip(&mut before) {
        let Some(candidates) = free.get_mut(&config_of_new.key()) else {
            continue;
        };
        let named = |at: &usize| config(at).is_some_and(|old| old.name == config_of_new.name);
        *slot = candidates.iter().position(named).map(|at| candidates.remove(at));
    }
    for (new, slot) in new.iter().zip(&mut before).filter(|(_, slot)| slot.is_none()) {
        let Some(candidates) = free.get_mut(&new.key()) else {
            continue;
        };
        let likeness = |(_, at): &(usize, &usize)| config(at).map(|old| common_peers(old, new));
        let best = candidates.iter().enumerate().max_by_key(likeness);
        *slot = best.map(|(place, _)| place).map(|place| candidates.remove(place));
    }
    let mut gone: Vec<usize> = free.into_values().flatten().collect();
    gone.sort_unstable();
    Matched { before, gone }
}

fn common_peers(a: &RouterConfig, b: &RouterConfig) -> usize {
    match (&a.transport, &b.transport) {
        (Transport::Unicast { peers: a, .. }, Transport::Unicast { peers: b, .. }) => {
            a.iter().filter(|peer| b.contains(peer)).count()
        }
        (Transport::Multicast { .. }, _) | (_, Transport::Multicast { .. }) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::testing::{ip, router};

    fn unicast(name: &str, peers: &[&str]) -> RouterConfig {
        RouterConfig {
            transport: Transport::Unicast {
                peers: peers.iter().map(|peer| ip(peer)).collect(),
                ttl: 255,
            },
            ..router(name, 1)
        }
    }

    /// Facts: 18.4
    #[test]
    fn the_key_decides_then_the_name_then_the_peers() {
        let old = [
            router("A", 1),
            router("B", 2),
            unicast("C", &["10.0.0.1", "10.0.0.2"]),
            unicast("D", &["10.0.0.3", "10.0.0.4"]),
        ];
        let old: Vec<&RouterConfig> = old.iter().collect();
        // A is called B, and B is gone; C and D have both another name, and D's peers come first.
        let new = [
            router("B", 1),
            unicast("E", &["10.0.0.3", "10.0.0.9"]),
            unicast("F", &["10.0.0.1"]),
        ];
        let found = match_routers(&old, &new);
        assert_eq!(found.before, [Some(0), Some(3), Some(2)]);
        assert_eq!(found.gone, [1]);
        // A name goes before peers, wherever its router stands.
        let new = [
            unicast("E", &["10.0.0.3", "10.0.0.4"]),
            unicast("D", &["10.0.0.9"]),
        ];
        assert_eq!(match_routers(&old, &new).before, [Some(2), Some(3)]);
    }
}
