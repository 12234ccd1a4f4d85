//! Which routers are MASTER, of those that other planes follow ([`VrrpConfig::followed`](crate::vrrp::VrrpConfig)).

use super::Engine;
use crate::vrrp::router::VirtualRouter;
use std::collections::BTreeSet;

/// The names of followed routers that are MASTER.
#[derive(Debug, Default)]
pub(super) struct Masters {
    names: BTreeSet<String>,
    /// They are others than when they were asked for last.
    new: bool,
}

impl Masters {
    /// A router that is followed became MASTER, or is it no longer.
    pub(super) fn turned(&mut self, router: &VirtualRouter) {
        let name = &router.config.name;
        self.new |= if router.is_master() {
            self.names.insert(name.clone())
        } else {
            self.names.remove(name)
        };
    }
}

impl Engine {
    /// The followed routers that are MASTER, if that has changed since this was called last; none before that.
    pub fn new_masters(&mut self) -> Option<BTreeSet<String>> {
        std::mem::take(&mut self.masters.new).then(|| self.masters.names.clone())
    }

    /// The same for another configuration: names have changed, or who is followed.
    pub(super) fn look_for_masters(&mut self) {
        let masters = self.routers.values().filter(|router| router.is_master());
        let names = masters.map(|router| &router.config.name);
        let names: BTreeSet<String> = names
            .filter(|name| self.config.followed.contains(*name))
            .cloned()
            .collect();
        self.masters.new |= names != self.masters.names;
        self.masters.names = names;
    }
}
