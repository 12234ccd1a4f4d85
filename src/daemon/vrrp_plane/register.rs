//! Who is MASTER and when the last advert of each left: set on the plane's thread, read by whoever writes it down.
//!
//! The plane waits for nobody here: an advert is one store into an atomic number.

use crate::clock::Instant;
use crate::vrrp::RouterId;
use crate::vrrp::claim::{Estate, Manner};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use tokio::sync::watch;

/// A router that may be MASTER.
#[derive(Debug)]
pub struct Seat {
    /// What there is to be written of it.
    pub estate: Estate,
    /// When its last advert left, in microseconds; 0 while it is not MASTER.
    advert: AtomicU64,
    /// Its [`Manner`]: the sequence number, and above it whether the checksum is the old one.
    manner: AtomicU64,
}

impl Seat {
    /// Of a router that is not MASTER.
    pub const fn new(estate: Estate) -> Self {
        Self {
            estate,
            advert: AtomicU64::new(0),
            manner: AtomicU64::new(0),
        }
    }

    /// An advert of a MASTER has left.
    pub fn sent(&self, now: Instant, manner: Manner) {
        let Manner {
            ah_sequence,
            old_checksum,
        } = manner;
        let manner = u64::from(ah_sequence) | u64::from(old_checksum) << u32::BITS;
        self.manner.store(manner, Relaxed);
        self.advert.store(now.as_micros(), Relaxed);
    }

    /// When its last advert left, while it is MASTER.
    pub fn advert_at(&self) -> Option<Instant> {
        let micros = self.advert.load(Relaxed);
        (micros != 0).then_some(Instant::from_micros(micros))
    }

    /// What that one was like.
    pub fn manner(&self) -> Manner {
        let manner = self.manner.load(Relaxed);
        Manner {
            ah_sequence: u32::try_from(manner & u64::from(u32::MAX)).unwrap_or_default(),
            old_checksum: manner >> u32::BITS != 0,
        }
    }
}

/// All of them, as the others see them.
#[derive(Debug, Default)]
pub struct Register {
    seats: watch::Sender<Arc<Vec<Arc<Seat>>>>,
    listener: OnceLock<Thread>,
}

impl Register {
    /// The routers of the configuration that runs.
    pub fn seats(&self) -> Arc<Vec<Arc<Seat>>> {
        Arc::clone(&self.seats.borrow())
    }

    /// These are the routers from now on.
    pub fn publish(&self, seats: Vec<Arc<Seat>>) {
        self.seats.send_replace(Arc::new(seats));
        self.wake();
    }

    /// Waits for nobody: at most a thread that sleeps is made to run.
    fn wake(&self) {
        if let Some(listener) = self.listener.get() {
            listener.unpark();
        }
    }

    /// Who is to be woken when a router becomes MASTER or ceases to be. The first one is.
    pub fn tell(&self, listener: Thread) {
        let _ = self.listener.set(listener);
    }
}

/// The plane's own side.
#[derive(Debug)]
pub(super) struct Seats {
    register: Arc<Register>,
    by_router: BTreeMap<RouterId, Arc<Seat>>,
    by_name: BTreeMap<String, Arc<Seat>>,
}

impl Seats {
    pub(super) fn new(register: Arc<Register>, estates: impl Iterator<Item = Estate>) -> Self {
        let mut seats = Self {
            register,
            by_router: BTreeMap::new(),
            by_name: BTreeMap::new(),
        };
        seats.arrange(estates);
        seats
    }

    /// The configuration is another one: who is MASTER stays it.
    pub(super) fn arrange(&mut self, estates: impl Iterator<Item = Estate>) {
        let old = std::mem::take(&mut self.by_router);
        let seats = estates.map(|estate| {
            let before = old.get(&estate.router);
            let of = |number: fn(&Seat) -> &AtomicU64| {
                AtomicU64::new(before.map_or(0, |seat| number(seat).load(Relaxed)))
            };
            let (advert, manner) = (of(|seat| &seat.advert), of(|seat| &seat.manner));
            let seat = Seat {
                estate,
                advert,
                manner,
            };
            (seat.estate.router, Arc::new(seat))
        });
        self.by_router = seats.collect();
        let all = self.by_router.values();
        self.by_name = all
            .map(|seat| (seat.estate.name.clone(), Arc::clone(seat)))
            .collect();
        self.register.publish(self.by_router.values().cloned().collect());
    }

    /// An advert of a MASTER has left.
    pub(super) fn sent(&self, router: RouterId, now: Instant, manner: Manner) {
        if let Some(seat) = self.by_router.get(&router) {
            seat.sent(now, manner);
        }
    }

    /// These are MASTER from now on, or are not.
    pub(super) fn turned(&self, turns: &[(String, bool)]) {
        for (name, _) in turns.iter().filter(|(_, master)| !master) {
            if let Some(seat) = self.by_name.get(name) {
                seat.advert.store(0, Relaxed);
            }
        }
        if !turns.is_empty() {
            self.register.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Family, IfName};
    use crate::vrrp::Vrid;
    use crate::vrrp::config::InstanceKey;
    use std::time::Duration;

    fn estate(number: u8, name: &str) -> Estate {
        Estate {
            router: RouterId(number.into()),
            name: name.into(),
            key: InstanceKey {
                vrid: Vrid::new(number).unwrap(),
                family: Family::V4,
                interface: IfName::new("eth0").unwrap(),
                endpoint: None,
                unicast: false,
            },
            patience: Duration::from_secs(3),
            advert_int: Duration::from_secs(1),
            holds: Vec::new(),
        }
    }

    #[test]
    fn a_reload_keeps_who_is_master_and_forgets_who_is_gone() {
        let register = Arc::new(Register::default());
        let mut seats = Seats::new(
            Arc::clone(&register),
            [estate(1, "A"), estate(2, "B")].into_iter(),
        );
        let told = || -> Vec<(String, Option<u64>)> {
            let seats = register.seats();
            let told = seats.iter();
            let told = told.map(|seat| (seat.estate.name.clone(), seat.advert_at().map(Instant::as_micros)));
            told.collect()
        };
        let at = |name: &str, micros: Option<u64>| (name.to_owned(), micros);
        let manner = Manner {
            ah_sequence: u32::MAX,
            old_checksum: true,
        };
        seats.sent(RouterId(1), Instant::from_micros(7), manner);
        seats.sent(RouterId(9), Instant::from_micros(8), manner);
        assert_eq!(told(), [at("A", Some(7)), at("B", None)]);
        seats.arrange([estate(1, "Z"), estate(3, "C")].into_iter());
        assert_eq!(told(), [at("Z", Some(7)), at("C", None)]);
        let manners: Vec<Manner> = register.seats().iter().map(|seat| seat.manner()).collect();
        assert_eq!(manners, [manner, Manner::default()]);
        seats.sent(RouterId(3), Instant::from_micros(9), Manner::default());
        seats.turned(&[("Z".to_owned(), false), ("C".to_owned(), true)]);
        assert_eq!(told(), [at("Z", None), at("C", Some(9))]);
    }
}
