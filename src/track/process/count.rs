//! Who is counted for a tracked process, and what the count means over time (fact 14.11). Pure: processes are looked at
//! through [`Look`], time is passed in.

use crate::clock::Instant;
use crate::track::config::{ParamMatch, ProcessConfig};
use std::collections::BTreeMap;

/// The kernel's name of a process has so many octets.
const NAME: usize = 15;

/// One process as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The kernel's name.
    pub name: Vec<u8>,
    /// The words of its command line, as far as they were asked for; none of a kernel thread.
    pub command: Vec<Vec<u8>>,
}

/// How processes are looked at.
pub trait Look {
    /// All that there are.
    fn all(&self) -> Vec<u32>;
    /// One of them, with at most `limit` octets of its command line; `None` when it is no more.
    fn one(&self, pid: u32, limit: Option<usize>) -> Option<Seen>;
}

/// How a tracked process stands, for dumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many there are.
    pub current: u32,
    /// What was said last.
    pub have_quorum: bool,
    /// A gain is waiting for `fork_delay`.
    pub gaining: bool,
    /// A loss is waiting for `terminate_delay`.
    pub losing: bool,
}

/// All tracked processes.
#[derive(Debug, Default)]
pub struct Census {
    tracked: Vec<Tracked>,
    /// The places in `tracked` for which a process counts; one that counts for none is not here.
    counted: BTreeMap<u32, Vec<usize>>,
    /// How much of a command line decides; `None`: nothing of it.
    limit: Option<usize>,
}

#[derive(Debug)]
struct Tracked {
    config: ProcessConfig,
    current: u32,
    /// What was said last.
    good: bool,
    /// When the contrary may be said.
    turns_at: Option<Instant>,
    /// Nothing was said yet.
    new: bool,
}

impl Census {
    /// Counts for these from now on; the counts are 0. One that was followed already keeps what was said of it: its delays
    /// go on.
    pub fn configure(&mut self, processes: &[ProcessConfig], limit: Option<usize>) {
        self.counted.clear();
        self.limit = limit;
        let old = std::mem::take(&mut self.tracked);
        let new = processes.iter().map(|config| {
            let before = old.iter().find(|before| before.config == *config);
            Tracked {
                config: config.clone(),
                current: 0,
                good: before.is_some_and(|before| before.good),
                turns_at: before.and_then(|before| before.turns_at),
                new: before.is_none(),
            }
        });
        self.tracked = new.collect();
    }

    /// Counts all of them anew.
    pub fn count(&mut self, world: &impl Look) {
        self.counted.clear();
        for tracked in &mut self.tracked {
            tracked.current = 0;
        }
        if self.tracked.is_empty() {
            return;
        }
        for pid in world.all() {
            self.look(world, pid);
        }
    }

    /// A process is new, runs another program or has another name.
    pub fn look(&mut self, world: &impl Look, pid: u32) {
        self.gone(pid);
        let Some(seen) = world.one(pid, self.limit) else {
            return;
        };
        let mut places = Vec::new();
        for (place, tracked) in self.tracked.iter_mut().enumerate() {
            if matches(&tracked.config, &seen) {
                tracked.current = tracked.current.saturating_add(1);
                places.push(place);
            }
        }
        if !places.is_empty() {
            self.counted.insert(pid, places);
        }
    }

    /// A process has ended.
    pub fn gone(&mut self, pid: u32) {
        for place in self.counted.remove(&pid).unwrap_or_default() {
            if let Some(tracked) = self.tracked.get_mut(place) {
                tracked.current = tracked.current.saturating_sub(1);
            }
        }
    }

    /// Which have a quorum. That of a new one counts at once: delays are for changes.
    pub fn begin(&mut self) -> Vec<(String, bool)> {
        let said = self.tracked.iter_mut().map(|tracked| {
            if std::mem::take(&mut tracked.new) {
                tracked.good = tracked.has_quorum();
            }
            (tracked.config.name.clone(), tracked.good)
        });
        said.collect()
    }

    /// Which have gained or lost their quorum, and for long enough.
    pub fn judge(&mut self, now: Instant) -> Vec<(String, bool)> {
        let mut said = Vec::new();
        for tracked in &mut self.tracked {
            let good = tracked.has_quorum();
            if good == tracked.good {
                tracked.turns_at = None;
                continue;
            }
            let delay = if good {
                tracked.config.fork_delay
            } else {
                tracked.config.terminate_delay
            };
            if *tracked.turns_at.get_or_insert(now + delay) <= now {
                tracked.turns_at = None;
                tracked.good = good;
                said.push((tracked.config.name.clone(), good));
            }
        }
        said
    }

    /// When [`Self::judge`] may have something new to say without a change.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.tracked.iter().filter_map(|tracked| tracked.turns_at).min()
    }

    /// How each stands.
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        let all = self.tracked.iter().map(|tracked| {
            let waits = tracked.turns_at.is_some();
            let tally = Tally {
                current: tracked.current,
                have_quorum: tracked.good,
                gaining: waits && !tracked.good,
                losing: waits && tracked.good,
            };
            (tracked.config.name.clone(), tally)
        });
        all.collect()
    }
}

impl Tracked {
    fn has_quorum(&self) -> bool {
        let most = self.config.quorum_max.unwrap_or(u32::MAX);
        // `quorum_max 0` wants none at all, whatever the quorum.
        self.current >= self.config.quorum.min(most) && self.current <= most
    }
}

/// Whether the command line decides, not the kernel's name.
pub fn by_command(config: &ProcessConfig) -> bool {
    config.full_command || config.param_match.is_some() || !config.parameters.is_empty()
}

fn matches(config: &ProcessConfig, seen: &Seen) -> bool {
    if !by_command(config) {
        let program = config.program.as_bytes();
        let file = program.rsplit(|octet| *octet == b'/').next();
        let is = |name: &[u8]| !name.is_empty() && name.iter().take(NAME).eq(seen.name.iter());
        return is(program) || file.is_some_and(is);
    }
    let Some((first, parameters)) = seen.command.split_first() else {
        return false;
    };
    if first.as_slice() != config.program.as_bytes() {
        return false;
    }
    let mode = match config.param_match {
        Some(mode) => mode,
        None if config.parameters.is_empty() => return true,
        None => ParamMatch::Exact,
    };
    let wanted: Vec<&[u8]> = config.parameters.iter().map(String::as_bytes).collect();
    let mut has = parameters.iter().map(Vec::as_slice);
    match mode {
        ParamMatch::Exact => has.eq(wanted),
        ParamMatch::Initial => wanted.into_iter().all(|parameter| has.next() == Some(parameter)),
        ParamMatch::Partial => {
            let Some((last, before)) = wanted.split_last() else {
                return parameters.is_empty();
            };
            before.iter().all(|parameter| has.next() == Some(parameter))
                && has.next().is_some_and(|parameter| parameter.starts_with(last))
                && has.next().is_none()
        }
    }
}
