//! How events become transitions: the world is assessed, each sync group settles, and its scripts are told.
//!
//! The decision is `sync`'s and the steps are `router`'s; here is the order in which they are taken.

use super::{Engine, Group, Team};
use crate::clock::Instant;
use crate::net::Goods;
use crate::vrrp::RouterId;
use crate::vrrp::event::{Action, Notification, NotifyState, Occasion, Subject};
use crate::vrrp::priority::assess;
use crate::vrrp::router::{Fall, VirtualRouter};
use crate::vrrp::status::StateName;
use crate::vrrp::sync::{Order, settle};
use crate::vrrp::telling::Line;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Looks at the world anew for those that something concerns, and lets their groups follow.
    pub(super) fn reassess_some(&mut self, now: Instant, concerned: &[RouterId]) {
        let mut teams = BTreeSet::new();
        for id in concerned {
            self.assess(now, *id, false);
            teams.extend(self.team_of.get(id).copied());
        }
        for at in teams {
            self.settle(now, at, None, false);
        }
    }

    pub(super) fn assess_all(&mut self, now: Instant, silently: bool) {
        for at in 0..self.teams.len() {
            for id in self.members(at) {
                self.assess(now, id, silently);
            }
        }
    }

    fn assess(&mut self, now: Instant, id: RouterId, silently: bool) {
        let team = self.team_of.get(&id).and_then(|at| self.teams.get(*at));
        let group = team.and_then(|team| team.group.as_ref()).map(|g| &g.config);
        let Some(router) = self.routers.get(&id) else {
            return;
        };
        let assessment = assess(&router.config, group, &self.world, router.source());
        self.with(now, id, |router, cx| {
            if silently {
                router.assessed_silently(assessment);
            } else {
                router.assessed(cx, assessment);
            }
        });
    }

    /// What a crash left behind goes (fact 1.31). Address owners that are about to be MASTER would only put it back:
    /// they take it over.
    pub(super) fn release_leftovers(&mut self, now: Instant, newcomers: &[RouterId]) {
        let mut in_use = Goods::default();
        for router in self.routers.values() {
            in_use.extend(router.claims().clone());
        }
        // Nor is it left over by an earlier run what another router just lets go.
        for action in &self.actions {
            if let Action::Release(order) = action {
                in_use.extend(order.goods.clone());
            }
        }
        for id in newcomers {
            let team = self
                .team_of
                .get(id)
                .map(|at| self.members(*at))
                .unwrap_or_default();
            let mut team = team.iter().filter_map(|id| self.routers.get(id));
            let rises = team.clone().all(VirtualRouter::rises_at_once) && self.delayed_until.is_none();
            let adopt = rises || team.all(VirtualRouter::is_heir);
            self.with(now, *id, |router, cx| router.clean_up(cx, &in_use, adopt));
        }
    }

    pub(super) fn settle_all(&mut self, now: Instant, init: bool) {
        for at in 0..self.teams.len() {
            self.settle(now, at, None, init);
        }
    }

    pub(super) fn settle_around(&mut self, now: Instant, id: RouterId) {
        if let Some(at) = self.team_of.get(&id) {
            self.settle(now, *at, Some(id), false);
        }
    }

    /// Lets the members of a team go where they may, at once: the one that set it off first, then its group in order.
    fn settle(&mut self, now: Instant, at: usize, cause: Option<RouterId>, init: bool) {
        self.judge_claims_of(now, at);
        let members = self.members(at);
        let views: Vec<_> = members
            .iter()
            .filter_map(|id| Some(self.routers.get(id)?.member()))
            .collect();
        let mut steps: Vec<_> = members.iter().copied().zip(settle(&views)).zip(views).collect();
        steps.retain(|((_, order), _)| *order != Order::Stay);
        steps.sort_by_key(|((id, order), view)| (Some(*id) != cause, !view.goes_by_itself(*order)));
        let alone = members.len() == 1
            || members
                .iter()
                .filter_map(|id| self.routers.get(id))
                .all(|r| r.config.priority.is_owner());
        let robbed = members
            .iter()
            .filter_map(|id| self.routers.get(id))
            .any(VirtualRouter::is_robbed);
        let dragged = if robbed { Fall::Robbed } else { Fall::Dragged };
        let before = self.actions.len();
        for (n, ((id, order), view)) in steps.iter().copied().enumerate() {
            let init = init && view.state == StateName::Init;
            self.with(now, id, |router, cx| match order {
                Order::Stay => {}
                Order::Master => router.become_master(cx),
                Order::Backup if view.state == StateName::Master => router.fall_back(cx, dragged),
                Order::Backup => router.become_backup(cx, init, alone),
                Order::Fault => router.fail(cx, init),
            });
            if n == 0 && !init {
                self.tell_syncing(at, order);
            }
        }
        let after = self.actions.len();
        self.notify_settled_group(at);
        if init && self.actions.len() > after {
            // At start keepalived tells the group's scripts first (fact 15.4).
            let is_notify = |a: &Action| matches!(a, Action::Notify(_));
            let first = self
                .actions
                .iter()
                .skip(before)
                .position(is_notify)
                .map_or(after, |n| before + n);
            if let Some(group) = self.actions.pop_back() {
                self.actions.insert(first, group);
            }
        }
    }

    fn tell_syncing(&mut self, at: usize, order: Order) {
        let state = match order {
            Order::Stay => return,
            Order::Master => "MASTER",
            Order::Backup => "BACKUP",
            Order::Fault => "FAULT",
        };
        if let Some(group) = self.teams.get(at).and_then(|team| team.group.as_ref()) {
            let group = group.config.name.clone();
            self.actions
                .push_back(Action::Tell(Line::GroupSyncing { group, state }));
        }
    }

    /// The group's scripts are told after its members' (fact 15.4), which for MASTER means: when all of them hold
    /// their addresses.
    fn notify_settled_group(&mut self, at: usize) {
        let Some(team) = self.teams.get(at) else {
            return;
        };
        let state = match self.team_state(team) {
            StateName::Init => return,
            StateName::Backup => NotifyState::Backup,
            StateName::Fault => NotifyState::Fault,
            StateName::Master => NotifyState::Master,
        };
        let told = |id: &RouterId| self.routers.get(id).is_some_and(|r| r.notified() == Some(state));
        if team.members.iter().all(told) {
            self.notify_group(at, state);
        }
    }

    pub(super) fn notify_group(&mut self, at: usize, state: NotifyState) {
        if let Some(group) = self.teams.get_mut(at).and_then(|team| team.group.as_mut())
            && group.notified != Some(state)
        {
            group.notified = Some(state);
            self.actions.push_back(Action::Notify(Notification {
                subject: Subject::Group(group.config.name.clone()),
                state,
                priority: 0,
                occasion: Occasion::Change,
            }));
        }
    }

    /// All members are in one state after settling; the least of them otherwise.
    pub(super) fn team_state(&self, team: &Team) -> StateName {
        let mut states = team
            .members
            .iter()
            .filter_map(|id| Some(self.routers.get(id)?.state()));
        let first = states.next().unwrap_or(StateName::Init);
        if states.all(|s| s == first) {
            first
        } else {
            StateName::Init
        }
    }

    /// Sorts the routers into groups; scripts of a group that stays are not told again, nor those of one that has only another
    /// name.
    pub(super) fn form_teams(&mut self) {
        let old = std::mem::take(&mut self.teams);
        let by_name: BTreeMap<&str, RouterId> = self
            .routers
            .values()
            .map(|r| (r.config.name.as_str(), r.id))
            .collect();
        let named: BTreeMap<&str, &Team> = (old.iter())
            .filter_map(|team| Some((team.name()?, team)))
            .collect();
        let mut renamed: BTreeMap<&[RouterId], &Team> =
            named.values().map(|team| (&team.members[..], *team)).collect();
        for config in &self.config.groups {
            if let Some(team) = named.get(config.name.as_str()) {
                renamed.remove(&team.members[..]);
            }
        }
        let mut grouped = BTreeSet::new();
        for config in &self.config.groups {
            let ids = config
                .members
                .iter()
                .filter_map(|name| by_name.get(name.as_str()).copied());
            let members: Vec<_> = ids.filter(|id| grouped.insert(*id)).collect();
            if !members.is_empty() {
                let same = named
                    .get(config.name.as_str())
                    .or_else(|| renamed.get(&members[..]));
                let group = Group {
                    notified: same.and_then(|team| team.group.as_ref()?.notified),
                    config: config.clone(),
                };
                self.teams.push(Team {
                    members,
                    group: Some(group),
                });
            }
        }
        let single = self.order.iter().filter(|id| !grouped.contains(id));
        self.teams.extend(single.map(|id| Team {
            members: vec![*id],
            group: None,
        }));
        let places = self.teams.iter().enumerate();
        self.team_of = places
            .flat_map(|(at, team)| team.members.iter().map(move |id| (*id, at)))
            .collect();
        self.index.clear();
        for team in &self.teams {
            let group = team.group.as_ref().map(|group| &group.config);
            for id in &team.members {
                if let Some(router) = self.routers.get(id) {
                    self.index.add(*id, &router.config, group, &self.world);
                }
            }
        }
    }

    pub(super) fn members(&self, at: usize) -> Vec<RouterId> {
        self.teams
            .get(at)
            .map(|team| team.members.clone())
            .unwrap_or_default()
    }
}
