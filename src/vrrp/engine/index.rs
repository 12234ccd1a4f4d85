//! Who is concerned by what, so that an event costs what it concerns and not what there is: thousands of routers may
//! share one engine.

use crate::clock::Instant;
use crate::net::{Family, IfName};
use crate::vrrp::config::{RouterConfig, SyncGroupConfig};
use crate::vrrp::world::{World, addresses};
use crate::vrrp::{RouterId, Vrid};
use std::collections::{BTreeMap, BTreeSet};

/// What may be tracked besides interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    Script,
    File,
    Process,
    Session,
}

/// Made anew with every configuration, but for the deadlines.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By where adverts arrive.
    by_wire: BTreeMap<(IfName, Family, Vrid), Vec<RouterId>>,
    by_interface: BTreeMap<IfName, Vec<RouterId>>,
    by_object: BTreeMap<(Object, String), Vec<RouterId>>,
    deadlines: BTreeSet<(Instant, RouterId)>,
    deadline_of: BTreeMap<RouterId, Instant>,
}

impl Index {
    /// Forgets all but the deadlines.
    pub(super) fn clear(&mut self) {
        self.by_wire.clear();
        self.by_interface.clear();
        self.by_object.clear();
    }

    /// Notes what `id` depends on.
    pub(super) fn add(
        &mut self,
        id: RouterId,
        router: &RouterConfig,
        group: Option<&SyncGroupConfig>,
        world: &World,
    ) {
        let wire = (router.wire().clone(), router.family, router.vrid);
        self.by_wire.entry(wire).or_default().push(id);
        let groups = || group.into_iter();
        let tracked = router.track_interfaces.iter();
        let tracked = tracked.chain(groups().flat_map(|group| &group.track_interfaces));
        let interfaces: BTreeSet<&IfName> = [&router.interface, router.wire(), router.source_interface()]
            .into_iter()
            .chain(router.link.iter().map(|link| &link.name))
            .chain(addresses(router).map(|a| &a.interface))
            .chain(tracked.map(|tracked| &tracked.interface))
            .chain(world.statics(&router.name))
            .collect();
        for interface in interfaces {
            self.by_interface.entry(interface.clone()).or_default().push(id);
        }
        let scripts = router.track_scripts.iter();
        let scripts = scripts.chain(groups().flat_map(|group| &group.track_scripts));
        let mut objects: BTreeSet<(Object, &str)> = scripts
            .map(|tracked| (Object::Script, tracked.script.as_str()))
            .collect();
        for tracked in [&router.objects]
            .into_iter()
            .chain(groups().map(|group| &group.objects))
        {
            for (kind, entries) in [
                (Object::File, &tracked.files),
                (Object::Process, &tracked.processes),
                (Object::Session, &tracked.sessions),
            ] {
                objects.extend(entries.iter().map(|entry| (kind, entry.name.as_str())));
            }
        }
        for (kind, name) in objects {
            let key = (kind, name.to_owned());
            self.by_object.entry(key).or_default().push(id);
        }
    }

    /// Those whose adverts arrive by `interface`.
    pub(super) fn on_wire(&self, interface: &IfName, family: Family, vrid: Vrid) -> &[RouterId] {
        let found = self.by_wire.get(&(interface.clone(), family, vrid));
        found.map_or(&[], Vec::as_slice)
    }

    /// Those that `interface` means something to.
    pub(super) fn on_interface(&self, interface: &IfName) -> &[RouterId] {
        self.by_interface.get(interface).map_or(&[], Vec::as_slice)
    }

    /// Those that track the object of that kind and name.
    pub(super) fn on_object(&self, kind: Object, name: &str) -> &[RouterId] {
        let found = self.by_object.get(&(kind, name.to_owned()));
        found.map_or(&[], Vec::as_slice)
    }

    /// The next thing that `id` has to do is at `deadline`.
    pub(super) fn set_deadline(&mut self, id: RouterId, deadline: Option<Instant>) {
        let before = match deadline {
            Some(at) => self.deadline_of.insert(id, at),
            None => self.deadline_of.remove(&id),
        };
        if before == deadline {
            return;
        }
        if let Some(before) = before {
            self.deadlines.remove(&(before, id));
        }
        if let Some(at) = deadline {
            self.deadlines.insert((at, id));
        }
    }

    /// The earliest deadline of all.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The first `most` of those that have something to do by `now`, in the order of their deadlines.
    pub(super) fn due(&self, now: Instant, most: usize) -> Vec<RouterId> {
        let due = self.deadlines.iter().take_while(|(at, _)| *at <= now).take(most);
        due.map(|(_, id)| *id).collect()
    }
}
