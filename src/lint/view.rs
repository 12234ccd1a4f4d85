//! Looking at a director: a router's resolved values beside what was written, and where it was written.

use super::Node;
use crate::conf::config::{Instance, SyncGroup};
use crate::conf::diag::Place;
use crate::vrrp::config::{InitialState, RouterConfig, SyncGroupConfig};
use std::collections::HashMap;
use std::time::Duration;

/// A router of a director.
#[derive(Clone, Copy)]
pub(super) struct Router<'a> {
    /// The director.
    pub(super) node: &'a Node,
    /// What it does.
    pub(super) does: &'a RouterConfig,
    /// What was written.
    pub(super) written: &'a Instance,
    /// The group it is in.
    pub(super) group: Option<(&'a SyncGroupConfig, &'a SyncGroup)>,
}

impl Node {
    /// Its routers, in the order of the file.
    pub(super) fn routers(&self) -> Vec<Router<'_>> {
        let mut instances: HashMap<&str, &Instance> = HashMap::new();
        for written in &self.config.instances {
            instances.entry(&written.name.value).or_insert(written);
        }
        let groups: HashMap<&str, &SyncGroup> = self
            .config
            .groups
            .iter()
            .map(|written| (written.name.value.as_str(), written))
            .collect();
        let mut group_of = HashMap::new();
        for group in &self.plan.vrrp.groups {
            if let Some(written) = groups.get(group.name.as_str()) {
                group_of.extend(
                    group
                        .members
                        .iter()
                        .map(|member| (member.as_str(), (group, *written))),
                );
            }
        }
        let routers = self.plan.vrrp.routers.iter();
        routers
            .filter_map(|does| {
                Some(Router {
                    node: self,
                    does,
                    written: instances.get(does.name.as_str())?,
                    group: group_of.get(does.name.as_str()).copied(),
                })
            })
            .collect()
    }
}

impl<'a> Router<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.does.name
    }

    /// The block, in words.
    pub(super) fn about(&self) -> String {
        format!("vrrp_instance {}", self.name())
    }

    pub(super) fn place(&self) -> &'a Place {
        &self.written.name.place
    }

    pub(super) fn vrid_place(&self) -> &'a Place {
        self.written
            .vrid
            .as_ref()
            .map_or_else(|| self.place(), |vrid| &vrid.place)
    }

    pub(super) fn priority_place(&self) -> &'a Place {
        self.written
            .priority
            .as_ref()
            .map_or_else(|| self.place(), |priority| &priority.place)
    }

    pub(super) fn advert_int_place(&self) -> &'a Place {
        self.written
            .advert_int
            .as_ref()
            .map_or_else(|| self.place(), |interval| &interval.place)
    }

    pub(super) fn vips_place(&self) -> &'a Place {
        let mut all = self.written.vips.iter().chain(&self.written.excluded);
        all.next().map_or_else(|| self.place(), |vip| &vip.place)
    }

    pub(super) fn source_place(&self) -> &'a Place {
        self.written
            .source
            .as_ref()
            .map_or_else(|| self.place(), |source| &source.place)
    }

    /// Where its `nopreempt` stands, when it counts.
    pub(super) fn nopreempt_place(&self) -> Option<&'a Place> {
        self.written.nopreempt.as_ref().filter(|_| self.does.nopreempt)
    }

    /// The written `state`, where it says MASTER.
    pub(super) fn state_master(&self) -> Option<&'a Place> {
        self.written
            .state
            .as_ref()
            .filter(|state| state.value == InitialState::Master)
            .map(|state| &state.place)
    }

    /// Its priority, as it would be written.
    pub(super) fn priority(&self) -> i32 {
        i32::from(self.does.priority.0)
    }
}

/// Seconds, as they are written in a configuration.
pub(super) fn seconds(duration: Duration) -> String {
    let text = format!("{:.6}", duration.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `a, b and c`; of more than five the first ones and how many more.
pub(super) fn list<T: ToString>(items: &[T]) -> String {
    const MOST: usize = 5;
    let mut words: Vec<String> = items.iter().take(MOST).map(ToString::to_string).collect();
    if items.len() > MOST {
        words.push(format!("{} more", items.len() - MOST));
    }
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
