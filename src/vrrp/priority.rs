//! What trackers and interfaces mean for a router: its causes of FAULT and its effective priority (facts 14, 2.17, 2.18).
//!
//! A pure look at the [`World`]: nothing is counted up and down over time, so no order of events can leave a stale fault
//! behind. Only the rise and fall of a script is memory, and it is in [`Script`].

use super::Priority;
use super::config::{
    RouterConfig, ScriptTracker, SyncGroupConfig, Tracked, TrackedInterface, TrackedObjects, TrackedScript,
};
use super::world::{World, addresses};
use crate::net::IfName;
use crate::script::config::ScriptOutcome;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// One reason to be in FAULT. All must clear (fact 2.17).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Found when the configuration was read; never clears.
    Config(String),
    /// The own interface, or one of a virtual address, does not exist.
    MissingInterface(IfName),
    /// The own interface, or one of a virtual address, is down.
    InterfaceDown(IfName),
    /// There is no address to send from.
    NoSource(IfName),
    /// There was no address to send from yet, but one is under duplicate address detection: waited for as for a script.
    Tentative(IfName),
    /// A tracked interface of weight 0 is down, or up with `reverse`.
    TrackedInterface(IfName),
    /// A tracked script of weight 0 is bad, or good with `reverse`.
    Script(String),
    /// A tracked file of weight 0 has a number, or none with `reverse`; or its number times its weight is −254 or less.
    File(String),
    /// A tracked process of weight 0 has no quorum, or one with `reverse`.
    Process(String),
    /// A tracked BFD session of weight 0 is down, or up with `reverse`.
    Bfd(String),
    /// A script of weight 0 has not said anything since the start (fact 2.7).
    Undecided(String),
}

/// keepalived's words where it has some.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(what) => f.write_str(what),
            Self::MissingInterface(interface) => write!(f, "interface {interface} does not exist"),
            Self::InterfaceDown(interface) => write!(f, "interface {interface} is down"),
            Self::NoSource(interface) => write!(f, "no source address on interface {interface}"),
            Self::Tentative(interface) => {
                write!(
                    f,
                    "the source address on interface {interface} is still tentative"
                )
            }
            Self::TrackedInterface(interface) => write!(f, "tracked interface {interface}"),
            Self::Script(script) => write!(f, "tracked script {script}"),
            Self::File(file) => write!(f, "tracked file {file}"),
            Self::Process(process) => write!(f, "tracked process {process}"),
            Self::Bfd(session) => write!(f, "tracked BFD session {session}"),
            Self::Undecided(script) => write!(f, "tracked script {script} has not returned yet"),
        }
    }
}

/// Whether a router may take part in the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Nothing is wrong.
    Fit,
    /// Nothing is known to be wrong, but a script has yet to say so.
    Undecided,
    /// Something is wrong.
    Faulty,
}

impl Standing {
    /// By the causes.
    pub(super) fn of(causes: &BTreeSet<Cause>) -> Self {
        let each = causes.iter().map(|cause| match cause {
            Cause::Undecided(_) | Cause::Tentative(_) => Self::Undecided,
            Cause::Config(_)
            | Cause::MissingInterface(_)
            | Cause::InterfaceDown(_)
            | Cause::NoSource(_)
            | Cause::TrackedInterface(_)
            | Cause::Script(_)
            | Cause::File(_)
            | Cause::Process(_)
            | Cause::Bfd(_) => Self::Faulty,
        });
        each.max().unwrap_or(Self::Fit)
    }
}

/// The outcome of a look at the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assessment {
    /// Empty: fit.
    pub(super) causes: BTreeSet<Cause>,
    /// Base and weights, limited to 1 to 254; an owner's is 255.
    pub(super) effective: Priority,
    /// The source address, `None` when there is none.
    pub(super) source: Option<IpAddr>,
}

/// Looks at everything that `router`, and the sync group it is in, depends on.
pub(super) fn assess(
    router: &RouterConfig,
    group: Option<&SyncGroupConfig>,
    world: &World,
    source: Option<IpAddr>,
) -> Assessment {
    let mut causes = BTreeSet::new();
    let mut weights = 0;
    let current = source;
    let source = world.source(router, current);
    if let Some(what) = &router.config_fault {
        causes.insert(Cause::Config(what.clone()));
    }
    own_interfaces(router, world, &mut causes);
    let on = router.source_interface();
    if source.is_none() && world.interface(on).is_some() {
        // A router that had a source has lost it: that is a fault at once.
        let cause = if current.is_none() && world.awaits_source(router) {
            Cause::Tentative
        } else {
            Cause::NoSource
        };
        causes.insert(cause(on.clone()));
    }
    match world.has_tracked_source(router) {
        Some(true) => {}
        Some(false) => {
            causes.insert(Cause::NoSource(on.clone()));
        }
        None => {
            causes.insert(Cause::Tentative(on.clone()));
        }
    }
    let (group_interfaces, group_scripts): (&[TrackedInterface], &[TrackedScript]) =
        group.map_or((&[], &[]), |g| (&g.track_interfaces, &g.track_scripts));
    for tracked in group_interfaces.iter().chain(&router.track_interfaces) {
        let good = world.is_up(&tracked.interface);
        if tracked.weight != 0 {
            weights += weigh(tracked.weight, tracked.reverse, good);
        } else if good == tracked.reverse {
            causes.insert(Cause::TrackedInterface(tracked.interface.clone()));
        }
    }
    let statics = world
        .statics(&router.name)
        .filter(|interface| !world.is_up(interface));
    causes.extend(statics.cloned().map(Cause::TrackedInterface));
    // The group's entry wins where both are weighted (fact 14.7).
    let outweighed = |own: &TrackedScript| {
        own.weight != 0
            && group_scripts
                .iter()
                .any(|g| g.script == own.script && g.weight != 0)
    };
    let own_scripts = router.track_scripts.iter().filter(|own| !outweighed(own));
    for tracked in group_scripts.iter().chain(own_scripts) {
        let Some(script) = world.scripts.get(&tracked.script) else {
            continue;
        };
        match script.good() {
            Some(good) if tracked.weight != 0 => weights += weigh(tracked.weight, tracked.reverse, good),
            Some(good) if good == tracked.reverse => {
                causes.insert(Cause::Script(tracked.script.clone()));
            }
            None if tracked.weight == 0 && script.holds => {
                causes.insert(Cause::Undecided(tracked.script.clone()));
            }
            Some(_) | None => {}
        }
    }
    for objects in group.map(|g| &g.objects).into_iter().chain([&router.objects]) {
        weights += look_at_objects(objects, world, &mut causes);
    }
    Assessment {
        causes,
        effective: effective(router.priority, weights),
        source,
    }
}

/// What files, processes and BFD sessions add to the priority; those at fault go to `causes`.
fn look_at_objects(objects: &TrackedObjects, world: &World, causes: &mut BTreeSet<Cause>) -> i32 {
    let mut weights = 0;
    for tracked in &objects.files {
        let value = world.files.get(&tracked.name).copied().unwrap_or(0);
        match file_effect(tracked, value) {
            Some(effect) => weights += effect,
            None => {
                causes.insert(Cause::File(tracked.name.clone()));
            }
        }
    }
    let mut judge = |tracked: &Tracked, good: bool, cause: fn(String) -> Cause| {
        if tracked.weight != 0 {
            weights += weigh(tracked.weight, tracked.reverse, good);
        } else if good == tracked.reverse {
            causes.insert(cause(tracked.name.clone()));
        }
    };
    for tracked in &objects.processes {
        // One that cannot be watched has no effect (fact 14.11).
        if let Some(good) = world.processes.get(&tracked.name) {
            judge(tracked, *good, Cause::Process);
        }
    }
    for tracked in &objects.sessions {
        let up = world.sessions.get(&tracked.name).copied().unwrap_or(false);
        judge(tracked, up, Cause::Bfd);
    }
    weights
}

/// What the number in a file adds; `None`: it is a fault (fact 14.9).
fn file_effect(tracked: &Tracked, value: i32) -> Option<i32> {
    if tracked.weight == 0 {
        return ((value == 0) != tracked.reverse).then_some(0);
    }
    let sign = if tracked.reverse { -1 } else { 1 };
    let product = i64::from(value) * i64::from(tracked.weight) * sign;
    let effect = i32::try_from(product.clamp(-254, 253)).unwrap_or(0);
    (effect > -254).then_some(effect)
}

/// The own interface with the link on it (unless `dont_track_primary`) and those of the addresses (fact 14.12).
fn own_interfaces(router: &RouterConfig, world: &World, causes: &mut BTreeSet<Cause>) {
    let own: Vec<&IfName> = router
        .link
        .iter()
        .map(|link| &link.name)
        .chain([&router.interface])
        .collect();
    let others: BTreeSet<&IfName> = addresses(router)
        .map(|a| &a.interface)
        .filter(|i| !own.contains(i))
        .collect();
    for interface in others.into_iter().chain(own.iter().copied()) {
        match world.interface(interface) {
            None => {
                causes.insert(Cause::MissingInterface(interface.clone()));
            }
            Some(status) if !status.up && (!own.contains(&interface) || !router.dont_track_primary) => {
                causes.insert(Cause::InterfaceDown(interface.clone()));
            }
            Some(_) => {}
        }
    }
}

/// What a weight adds: a positive one while good, a negative one while bad; `reverse` negates the effect (fact 14.1).
fn weigh(weight: i16, reverse: bool, good: bool) -> i32 {
    let applies = if weight > 0 { good } else { !good };
    let effect = if reverse {
        -i32::from(weight)
    } else {
        i32::from(weight)
    };
    if applies { effect } else { 0 }
}

fn effective(base: Priority, weights: i32) -> Priority {
    if base.is_owner() {
        return base;
    }
    let total = (i32::from(base.0) + weights).clamp(1, 254);
    Priority(u8::try_from(total).unwrap_or(base.0))
}

/// A track script's memory: how often it must agree before it changes its verdict (fact 14.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Script {
    rise: u32,
    fall: u32,
    /// 0 to rise + fall − 1; good from `rise` on.
    result: u32,
    decided: bool,
    last_status: u8,
    /// Whether routers wait for its first outcome: those that exist since the start do (facts 2.7, 18.8).
    pub(super) holds: bool,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The exit status, when it is another than before.
    pub(super) status: Option<u8>,
    /// Good or bad, when it is another than before.
    pub(super) good: Option<bool>,
}

impl Script {
    /// Undecided, one success short of good.
    pub(super) fn new(tracker: &ScriptTracker, holds: bool) -> Self {
        let rise = tracker.rise.max(1);
        Self {
            rise,
            fall: tracker.fall.max(1),
            result: rise - 1,
            decided: false,
            last_status: 0,
            holds,
        }
    }

    /// The same verdict under another rise and fall.
    pub(super) fn retuned(self, tracker: &ScriptTracker) -> Self {
        let mut script = Self {
            decided: self.decided,
            last_status: self.last_status,
            ..Self::new(tracker, false)
        };
        if (script.rise, script.fall) == (self.rise, self.fall) {
            script.result = self.result;
        } else if let Some(good) = self.good() {
            script.result = if good { script.top() } else { 0 };
        }
        script
    }

    /// Takes in how a run ended.
    pub(super) fn ended(&mut self, outcome: ScriptOutcome) -> Verdict {
        let before = self.good();
        if outcome.is_success() {
            self.result = if self.result + 1 < self.rise {
                self.result + 1
            } else {
                self.top()
            };
        } else {
            self.result = if self.result > self.rise {
                self.result - 1
            } else {
                0
            };
        }
        self.decided = true;
        let status = match outcome {
            ScriptOutcome::Exited(status) if status != self.last_status => {
                self.last_status = status;
                Some(status)
            }
            ScriptOutcome::Exited(_)
            | ScriptOutcome::Signalled(_)
            | ScriptOutcome::TimedOut
            | ScriptOutcome::NotStarted => None,
        };
        Verdict {
            status,
            good: self.good().filter(|now| before != Some(*now)),
        }
    }

    /// `None` before the first outcome.
    pub(super) fn good(&self) -> Option<bool> {
        self.decided.then_some(self.result >= self.rise)
    }

    /// For dumps.
    pub(super) const fn result(&self) -> u32 {
        self.result
    }

    const fn top(&self) -> u32 {
        self.rise + self.fall - 1
    }
}

#[cfg(test)]
mod tests;
