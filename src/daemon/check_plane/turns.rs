//! Whose turn it is to ask: so many connections at a time, and so many scripts. The others wait, in order, and take little:
//! a probe is made when its turn has come.

use crate::check::config::ProbeConfig;
use crate::check::event::ProbeOrder;
use std::collections::VecDeque;

/// What probes wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Connection,
    Script,
}

impl Kind {
    pub(super) const fn of(probe: &ProbeConfig) -> Self {
        match probe {
            ProbeConfig::Misc(_) => Self::Script,
            ProbeConfig::Tcp(_)
            | ProbeConfig::Http(_)
            | ProbeConfig::Smtp(_)
            | ProbeConfig::Dns(_)
            | ProbeConfig::Udp(_)
            | ProbeConfig::Ping(_)
            | ProbeConfig::Service(_)
            // They ask nobody.
            | ProbeConfig::File(_)
            | ProbeConfig::Bfd(_) => Self::Connection,
        }
    }
}

/// The places for probes, and who waits for one.
#[derive(Debug)]
pub(super) struct Turns {
    connections: Places,
    scripts: Places,
}

#[derive(Debug)]
struct Places {
    free: usize,
    /// At most one of each checker.
    waiting: VecDeque<ProbeOrder>,
}

impl Turns {
    /// At least one probe of each kind has a place.
    pub(super) fn new(connections: usize, scripts: usize) -> Self {
        let places = |free: usize| Places {
            free: free.max(1),
            waiting: VecDeque::new(),
        };
        Self {
            connections: places(connections),
            scripts: places(scripts),
        }
    }

    /// Gives `order` its turn; or keeps it until then.
    pub(super) fn enter(&mut self, order: ProbeOrder) -> Option<ProbeOrder> {
        let places = self.places(Kind::of(&order.probe));
        if places.free == 0 {
            places.waiting.push_back(order);
            return None;
        }
        places.free -= 1;
        Some(order)
    }

    /// A probe has ended: whose turn it is now. Of those that wait only who is still `wanted` gets it.
    pub(super) fn leave(&mut self, kind: Kind, wanted: impl Fn(&ProbeOrder) -> bool) -> Option<ProbeOrder> {
        let places = self.places(kind);
        while let Some(order) = places.waiting.pop_front() {
            if wanted(&order) {
                return Some(order);
            }
        }
        places.waiting.shrink_to_fit();
        places.free += 1;
        None
    }

    const fn places(&mut self, kind: Kind) -> &mut Places {
        match kind {
            Kind::Connection => &mut self.connections,
            Kind::Script => &mut self.scripts,
        }
    }
}
