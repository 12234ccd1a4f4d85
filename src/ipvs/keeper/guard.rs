//! The drift guard: what others do to what is ours in the table is seen, and put right.
//!
//! The kernel tells nobody of changes of IPVS, so it is looked at, twice a second while anything of ours is there: all
//! services in one request, and after that the destinations of as many services as a look has room for, the others in the
//! next ones. A large table is looked at less often, and so is one that takes much processor time.
//!
//! What is gone is put back. What somebody has changed (`ipvsadm -e -w 0` drains a server) is told once, and put back only
//! to repair; otherwise it stays until something else is wanted of it, as under keepalived. Destinations that others have
//! added to a service of ours are left alone, and so is every service that nobody wanted.

mod words;

use super::super::diff::Op;
use super::super::io::{Refusal, TalkError};
use super::super::model::{Destination, ServiceKey, VirtualService, Wanted};
use super::super::patience::{LONGEST, MOST_REPAIRS, PATIENT, exceeded, grown};
use super::{Worker, joined};
use crate::clock::Instant;
use crate::sys::clock::{Cost, now, thread_time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use words::Told;

/// Services, and destinations, that may be read at that pace: for twice as many it takes twice as long.
pub(super) const MOST: usize = 1000;
/// Whatever a look costs: it has at most one of so many parts of the thread's time.
const SHARE: u32 = 20;
/// The processor time after which a look reads no more destinations.
const MOST_TIME: Duration = Duration::from_millis(20);
/// Destinations of others that are remembered.
const MOST_FOREIGN: usize = 65_536;

/// What the guard has put back since the start.
#[derive(Debug, Default)]
pub struct PutBack {
    services: AtomicU64,
    servers: AtomicU64,
    edits: AtomicU64,
}

impl PutBack {
    /// Services that were gone, destinations that were gone, and what others had changed of either.
    pub fn counts(&self) -> [u64; 3] {
        [&self.services, &self.servers, &self.edits].map(|count| count.load(Ordering::Relaxed))
    }
}

/// What the guard remembers between two looks.
pub(super) struct Guard {
    /// How long a pause is at least.
    pace: Duration,
    /// When to look next, and from when on at destinations too.
    due: Instant,
    servers_due: Instant,
    /// The service whose destinations were read last.
    last: Option<ServiceKey>,
    /// What others have changed, as it was found.
    edited: BTreeMap<Target, Edited>,
    /// Destinations of others in services of ours.
    foreign: BTreeSet<(ServiceKey, SocketAddr)>,
    /// What others have changed is put back.
    pub(super) repair: bool,
    /// Looks in a row that had something to put back.
    busy: u32,
    /// Looks in a row that broke off.
    broken: u32,
    /// Of a look.
    cost: Cost,
    pub(super) put_back: Arc<PutBack>,
}

/// A service, or a destination of it.
type Target = (ServiceKey, Option<SocketAddr>);

/// As others have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Setting {
    Service(VirtualService),
    Server(Destination),
}

struct Edited {
    found: Setting,
    /// How often it was put back.
    repairs: u32,
}

/// What one look has found.
#[derive(Default)]
struct Found {
    /// What puts it right.
    ops: Vec<Op>,
    /// What was changed by others, and is not put back.
    edits: Vec<String>,
}

impl Guard {
    pub(super) fn new(pace: Duration) -> Self {
        Self {
            pace,
            due: now(),
            servers_due: now(),
            last: None,
            edited: BTreeMap::new(),
            foreign: BTreeSet::new(),
            repair: false,
            busy: 0,
            broken: 0,
            cost: Cost::default(),
            put_back: Arc::default(),
        }
    }

    /// The pause after so many were read.
    fn pace_for(&self, count: usize) -> Duration {
        let times = u32::try_from(count.div_ceil(MOST)).unwrap_or(u32::MAX);
        self.pace.saturating_mul(times.max(1)).min(LONGEST.max(self.pace))
    }

    /// Whether a destination was found to be somebody else's.
    pub(super) fn is_foreign(&self, key: &ServiceKey, address: &SocketAddr) -> bool {
        self.foreign.contains(&(*key, *address))
    }

    /// Nothing is remembered of services that are not `ours` any more.
    fn forget_others(&mut self, ours: &BTreeMap<ServiceKey, Vec<Arc<Wanted>>>) {
        self.edited.retain(|(key, _), _| ours.contains_key(key));
        self.foreign.retain(|(key, _)| ours.contains_key(key));
    }

    /// Something of ours is as it was wanted (`None`), or as others have made it. Whether to put it back; what is to be
    /// told goes into `edits`.
    fn judge(&mut self, target: Target, found: Option<(Setting, String)>, edits: &mut Vec<String>) -> bool {
        let Some((found, change)) = found else {
            self.edited.remove(&target);
            return false;
        };
        let known = self.edited.get(&target);
        let fresh = known.is_none_or(|known| known.found != found);
        let repairs = known.filter(|_| !fresh).map_or(0, |known| known.repairs);
        let repair = self.repair && repairs < MOST_REPAIRS;
        if fresh || repair {
            edits.push(change);
        }
        let repairs = repairs + u32::from(repair);
        self.edited.insert(target, Edited { found, repairs });
        repair
    }
}

impl Worker {
    /// When the guard wants to look; never while nothing of ours is there.
    pub(super) fn look_due(&self) -> Option<Instant> {
        let guarded = !self.known.is_empty() || self.has_marks();
        guarded.then_some(self.guard.due)
    }

    /// One look of the guard.
    pub(super) fn look(&mut self) {
        let before = thread_time();
        self.guard.forget_others(&self.known);
        let needed = !self.known.is_empty();
        if needed && self.kernel.is_none() {
            // Not the first contact: who cannot open it says so, and it is tried again.
            self.open();
        }
        let broken = match self.compare() {
            Ok(()) => needed && self.kernel.is_none(),
            Err(TalkError::Restless) => false,
            Err(error) => {
                tracing::error!(target: "check", "IPVS: {error}");
                self.kernel = None;
                true
            }
        };
        self.guard.broken = if broken {
            self.guard.broken.saturating_add(1)
        } else {
            0
        };
        self.look_at_marks();
        let insisted = exceeded(self.guard.busy).max(self.guard.broken);
        let pause = grown(self.guard.pace_for(self.known.len()), insisted);
        let cost = self.guard.cost.of(thread_time().saturating_sub(before));
        self.guard.due = now() + pause.max(cost * SHARE).min(LONGEST.max(self.guard.pace));
    }

    /// Compares what is there with what is known to be wanted, and puts right what differs.
    fn compare(&mut self) -> Result<(), TalkError> {
        let (mut found, mut edits) = (Found::default(), Vec::new());
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        let mut services = kernel.services()?;
        let ours = self.known.keys().filter(|key| !self.wrong.contains(*key));
        let mut gone: BTreeSet<ServiceKey> =
            ours.filter(|key| !services.contains_key(*key)).copied().collect();
        if !gone.is_empty() {
            // A table that changes while it is read may be read with holes.
            services = kernel.services()?;
            gone.retain(|key| !services.contains_key(key));
        }
        for key in &gone {
            self.make_anew(key, &mut found);
        }
        for (key, wants) in self.known.iter().filter(|(key, _)| !self.wrong.contains(*key)) {
            let (Some(is), Some(first)) = (services.get(key), wants.first()) else {
                continue;
            };
            let other = (first.settings != *is).then(|| first.settings.of(key.family()));
            let other = other.filter(|wanted| wanted != is);
            let change = other.as_ref().map(|wanted| {
                let change = words::of_service(key, wanted, is);
                (Setting::Service(is.clone()), change)
            });
            if self.guard.judge((*key, None), change, &mut edits)
                && let Some(wanted) = other
            {
                found.ops.push(Op::EditService(*key, wanted));
            }
        }
        found.edits = edits;
        self.read_servers(&gone, &mut found)?;
        self.put_back(found)
    }

    /// A service is gone, with all its servers.
    fn make_anew(&self, key: &ServiceKey, found: &mut Found) {
        let wanted = self.known.get(key).and_then(|wants| joined(key, wants));
        super::diff_service(key, wanted.as_ref(), None, &mut found.ops);
    }

    /// Destinations are read, of one service after the other, as far as there is room and time in this look.
    fn read_servers(&mut self, gone: &BTreeSet<ServiceKey>, found: &mut Found) -> Result<(), TalkError> {
        if self.guard.servers_due > now() {
            return Ok(());
        }
        let begun = thread_time();
        let mut count = 0;
        for key in self.in_turn() {
            if gone.contains(&key) || self.wrong.contains(&key) {
                continue;
            }
            self.guard.last = Some(key);
            count += self.read_servers_of(&key, found)?.max(1);
            if count >= MOST || thread_time().saturating_sub(begun) >= MOST_TIME {
                break;
            }
        }
        // The pace of looks is enough for as many as there is room for.
        if count >= 2 * MOST {
            self.guard.servers_due = now() + self.guard.pace_for(count);
        }
        Ok(())
    }

    /// All services, those first that follow the one whose destinations were read last.
    fn in_turn(&self) -> Vec<ServiceKey> {
        let Some(last) = self.guard.last else {
            return self.known.keys().copied().collect();
        };
        let behind = self.known.range((Excluded(last), Unbounded));
        let before = self.known.range(..=last);
        behind.chain(before).map(|(key, _)| *key).take(MOST).collect()
    }

    /// How many destinations there were.
    fn read_servers_of(&mut self, key: &ServiceKey, found: &mut Found) -> Result<usize, TalkError> {
        let wanted = self.known.get(key).and_then(|wants| joined(key, wants));
        let (Some(kernel), Some(wanted)) = (&mut self.kernel, wanted) else {
            return Ok(0);
        };
        let mut servers = kernel.destinations(key)?;
        if !wanted
            .destinations
            .keys()
            .all(|address| servers.contains_key(address))
        {
            // Of a service that is gone there are none; and holes, as above.
            if !kernel.services()?.contains_key(key) {
                self.make_anew(key, found);
                return Ok(0);
            }
            servers = kernel.destinations(key)?;
        }
        for (address, wanted) in &wanted.destinations {
            let Some(is) = servers.get(address) else {
                found.ops.push(Op::AddDestination(*key, *address, *wanted));
                continue;
            };
            let change = (is != wanted).then(|| {
                let change = words::of_server(key, address, wanted, is);
                (Setting::Server(*is), change)
            });
            if self.guard.judge((*key, Some(*address)), change, &mut found.edits) {
                found.ops.push(Op::EditDestination(*key, *address, *wanted));
            }
        }
        self.note_foreign(key, &servers, &wanted.destinations);
        Ok(servers.len())
    }

    /// Destinations that are not ours stay what they are, also when the service is looked up again.
    fn note_foreign(
        &mut self,
        key: &ServiceKey,
        servers: &BTreeMap<SocketAddr, Destination>,
        ours: &BTreeMap<SocketAddr, Destination>,
    ) {
        let foreign = &mut self.guard.foreign;
        let known = foreign.range((*key, LOWEST)..).take_while(|(of, _)| of == key);
        let over: Vec<_> = known
            .filter(|(_, address)| ours.contains_key(address) || !servers.contains_key(address))
            .copied()
            .collect();
        for one in &over {
            foreign.remove(one);
        }
        for address in servers.keys().filter(|address| !ours.contains_key(address)) {
            if foreign.len() < MOST_FOREIGN && foreign.insert((*key, *address)) {
                let name = words::server(key, address);
                tracing::debug!(target: "check", "IPVS: {name} was added by others, and is left alone");
            }
        }
    }

    /// Carries it out, and says what others have done.
    fn put_back(&mut self, found: Found) -> Result<(), TalkError> {
        let Found { ops, edits } = found;
        words::tell_edits(&edits, self.guard.repair);
        if ops.is_empty() {
            self.guard.busy = 0;
            return Ok(());
        }
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        let refusals = kernel.carry_out(&ops)?;
        let refused = |op: &&Op| refusals.iter().any(|it: &Refusal| it.op == **op);
        let done: Vec<&Op> = ops.iter().filter(|op| !refused(op)).collect();
        let told = Told::of(&done);
        told.say();
        self.guard.busy = self.guard.busy.saturating_add(1);
        if self.guard.busy == PATIENT {
            tracing::warn!(target: "check", "IPVS: others go on changing it: it is looked at less often");
        }
        let counts = &self.guard.put_back;
        counts.services.fetch_add(told.services, Ordering::Relaxed);
        counts.servers.fetch_add(told.servers, Ordering::Relaxed);
        counts.edits.fetch_add(told.edits, Ordering::Relaxed);
        let round: BTreeSet<ServiceKey> = ops.iter().map(|op| *op.service()).collect();
        self.refused(&Vec::from_iter(round), refusals);
        if !self.wrong.is_empty() && self.retry.is_none() {
            self.try_later();
        }
        Ok(())
    }
}

/// No address is before it.
const LOWEST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);
