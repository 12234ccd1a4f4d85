//! `interface_up_down_delays`: a link counts as up or down when it has been so for a while (facts 1.21, 14.13).
//!
//! The engine is shown the old state until then, so a change back in time was never there.

use super::config::VrrpConfig;
use crate::clock::Instant;
use crate::net::IfName;
use std::collections::BTreeMap;
use std::time::Duration;

/// The delays, and what waits for them.
#[derive(Debug, Default)]
pub(super) struct Debounce {
    delays: BTreeMap<IfName, Delay>,
    waiting: BTreeMap<IfName, Waiting>,
}

#[derive(Debug)]
struct Delay {
    down: Duration,
    up: Duration,
    /// The interface that the delays were given for: itself, or the one below a link that this daemon made.
    base: IfName,
}

/// A change that is not seen yet.
#[derive(Debug)]
struct Waiting {
    up: bool,
    since: Instant,
    until: Instant,
}

impl Debounce {
    /// Takes over what `config` says. What waits does so by the new delays.
    pub(super) fn configure(&mut self, config: &VrrpConfig) {
        self.delays.clear();
        for delay in &config.link_delays {
            let above = config.links.iter().filter(|link| link.parent == delay.interface);
            for name in [&delay.interface].into_iter().chain(above.map(|link| &link.name)) {
                // Of two lines for one interface the last counts.
                let of = Delay {
                    down: delay.down,
                    up: delay.up,
                    base: delay.interface.clone(),
                };
                self.delays.insert(name.clone(), of);
            }
        }
        for (name, waiting) in &mut self.waiting {
            let delay = self.delays.get(name).map(|delay| delay.of(waiting.up));
            waiting.until = waiting.since + delay.unwrap_or_default();
        }
    }

    /// `name` is said to be up or not, and is seen as `seen`: whether it goes on to be seen so. `limit` is the longest
    /// delay that the routers of an interface allow.
    pub(super) fn holds_back(
        &mut self,
        now: Instant,
        name: &IfName,
        (seen, up): (bool, bool),
        limit: impl FnOnce(&IfName) -> Option<Duration>,
    ) -> bool {
        if seen == up {
            self.waiting.remove(name);
            return false;
        }
        if let Some(waiting) = self.waiting.get(name) {
            let waits = waiting.until > now;
            if !waits {
                self.waiting.remove(name);
            }
            return waits;
        }
        let Some(delay) = self.delays.get(name) else {
            return false;
        };
        let longest = delay.of(up);
        let wait = limit(&delay.base).map_or(longest, |limit| limit.min(longest));
        let until = now + wait;
        if until > now {
            let since = now;
            self.waiting.insert(name.clone(), Waiting { up, since, until });
        }
        until > now
    }

    /// A router of `base` allows no longer delay than `limit`.
    pub(super) fn cut(&mut self, base: &IfName, limit: Duration) {
        for (name, waiting) in &mut self.waiting {
            if self.delays.get(name).is_some_and(|delay| delay.base == *base) {
                waiting.until = waiting.until.min(waiting.since + limit);
            }
        }
    }

    /// The interface is gone, and what was said of it with it.
    pub(super) fn forget(&mut self, name: &IfName) {
        self.waiting.remove(name);
    }

    /// What has waited long enough, in the order of its time.
    pub(super) fn due(&self, now: Instant) -> Vec<IfName> {
        let mut due: Vec<(Instant, IfName)> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.until <= now)
            .map(|(name, waiting)| (waiting.until, name.clone()))
            .collect();
        due.sort();
        due.into_iter().map(|(_, name)| name).collect()
    }

    /// When something has waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.until).min()
    }

    /// Whether nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Delay {
    const fn of(&self, up: bool) -> Duration {
        if up { self.up } else { self.down }
    }
}
