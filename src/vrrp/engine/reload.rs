//! A new configuration for a running engine: routers are matched by the protocol's key, and keep their state.
//!
//! The order over everything is: what goes is released, then what stays changes, then what comes is held. So an address
//! that moves from one router to another is held exactly once afterwards. Facts 18.4 to 18.8.

use super::{Engine, Phase};
use crate::clock::Instant;
use crate::vrrp::RouterId;
use crate::vrrp::config::{Matched, RouterConfig, VrrpConfig, match_routers};
use crate::vrrp::event::{Action, Notification, NotifyState, Occasion, Subject};
use crate::vrrp::router::VirtualRouter;
use crate::vrrp::status::StateName;
use crate::vrrp::telling::Line;
use std::collections::BTreeMap;

impl Engine {
    /// Runs `config` from now on. A MASTER stays MASTER through every change that leaves its key alone; its new addresses
    /// are held and announced, its old ones released. What is the same in both configurations is not touched.
    pub fn reload(&mut self, now: Instant, config: VrrpConfig) {
        match self.phase {
            Phase::Waiting | Phase::Running => {}
            Phase::Stopping(_) => return,
        }
        let running = self.phase == Phase::Running;
        if running {
            self.forget_claims(now);
        }
        let (matched, gone) = self.match_routers(&config.routers);
        for id in gone {
            self.dismiss(now, id, running);
        }
        for (id, new) in matched
            .iter()
            .zip(&config.routers)
            .filter_map(|(id, new)| Some(((*id)?, new)))
        {
            self.with(now, id, |router, cx| router.release_unwanted(cx, new));
        }
        let masters: Vec<RouterId> = self.in_state(StateName::Master);

        self.world.configure(&config, running);
        self.debounce.configure(&config);
        self.order.clear();
        let mut fresh = Vec::new();
        for (id, new) in matched.into_iter().zip(&config.routers) {
            let id = match id {
                Some(id) => {
                    self.with(now, id, |router, _| router.reconfigure(now, new.clone()));
                    id
                }
                None => {
                    let id = self.take_id();
                    self.routers.insert(id, VirtualRouter::new(id, new.clone()));
                    fresh.push(id);
                    id
                }
            };
            self.order.push(id);
        }
        self.config = config;
        self.form_teams();
        // Groups have their new names by now, and nobody was told anything since.
        let before = self.told();
        self.order.clone().into_iter().for_each(|id| self.cut_delays(id));
        if !running {
            return;
        }
        self.move_start(now);

        self.assess_all(now, false);
        self.release_leftovers(now, &fresh);
        self.settle_all(now, true);
        let still: Vec<RouterId> = self.in_state(StateName::Master);
        for id in masters.into_iter().filter(|id| still.contains(id)) {
            self.with(now, id, |router, cx| {
                router.send_advert(cx);
                router.hold_missing(cx);
            });
        }
        if self.config.states_on_reload {
            self.remind(now, &before);
        }
    }

    /// For each of `new` the router that it is already, and those that are no more.
    fn match_routers(&self, new: &[RouterConfig]) -> (Vec<Option<RouterId>>, Vec<RouterId>) {
        let routers: Vec<&VirtualRouter> = (self.order.iter())
            .filter_map(|id| self.routers.get(id))
            .collect();
        let old: Vec<&RouterConfig> = routers.iter().map(|router| &router.config).collect();
        let Matched { before, gone } = match_routers(&old, new);
        let id = |at: usize| routers.get(at).map(|router| router.id);
        (
            before.into_iter().map(|at| id(at?)).collect(),
            gone.into_iter().filter_map(id).collect(),
        )
    }

    /// What every router and group was told last.
    fn told(&self) -> Told {
        let groups = self.teams.iter().filter_map(|team| team.group.as_ref());
        Told {
            routers: self
                .routers
                .values()
                .filter_map(|router| Some((router.id, router.notified()?)))
                .collect(),
            groups: groups
                .filter_map(|group| Some((group.config.name.clone(), group.notified?)))
                .collect(),
        }
    }

    /// Tells the FIFOs what has not changed (fact 12.12): groups, then routers.
    fn remind(&mut self, now: Instant, before: &Told) {
        for group in self.teams.iter().filter_map(|team| team.group.as_ref()) {
            let name = &group.config.name;
            if let Some(state) = group
                .notified
                .filter(|state| before.groups.get(name) == Some(state))
            {
                self.actions.push_back(Action::Notify(Notification {
                    subject: Subject::Group(name.clone()),
                    state,
                    priority: 0,
                    occasion: Occasion::Reminder,
                }));
            }
        }
        for id in self.order.clone() {
            self.with(now, id, |router, cx| {
                let state = router.notified();
                if let Some(state) = state.filter(|state| before.routers.get(&id) == Some(state)) {
                    router.tell(cx, state, Occasion::Reminder);
                }
            });
        }
    }

    /// A router that the new configuration does not know: it hands over and goes (facts 12.8, 18.7).
    fn dismiss(&mut self, now: Instant, id: RouterId, running: bool) {
        if running {
            self.with(now, id, |router, cx| {
                router.abdicate(cx);
                router.release_all(cx);
                router.notify_departure(cx);
            });
        }
        self.routers.remove(&id);
        self.index.set_deadline(id, None);
        self.pacer.dismiss(id);
    }

    /// A start delay that still lasts becomes that of the new configuration (fact 2.8).
    fn move_start(&mut self, now: Instant) {
        let Some(before) = self.delayed_until else { return };
        let end = self.config.start_delay.ends(self.started).max(now);
        if end == before {
            return;
        }
        self.delayed_until = Some(end);
        if end > now {
            self.actions
                .push_back(Action::Tell(Line::StartDelayed(end.since(now))));
        }
        for id in self.order.clone() {
            self.with(now, id, |router, _| router.move_start(before, end));
        }
    }

    fn in_state(&self, state: StateName) -> Vec<RouterId> {
        let routers = self.order.iter().filter_map(|id| self.routers.get(id));
        routers.filter(|r| r.state() == state).map(|r| r.id).collect()
    }
}

/// What everybody was told last.
struct Told {
    routers: BTreeMap<RouterId, NotifyState>,
    groups: BTreeMap<String, NotifyState>,
}
