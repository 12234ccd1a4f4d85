//! What an earlier run of this daemon has left of its mastership, and when the next one may take that over.
//!
//! A claim is as good as the peers' patience: they wait for the master down interval from its last advert on. It is
//! judged by [`Engine::start`](super::Engine::start); everything that speaks against it has a name here, for the log.

use super::config::{InstanceKey, RouterConfig};
use super::{Priority, RouterId};
use crate::clock::Instant;
use crate::net::IfName;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// An advert takes this long at most to be made, sent and heard: what is left of a claim has to be longer.
const MARGIN: Duration = Duration::from_millis(50);
/// AH adverts that may have left without being written down, beside one for each interval: answers to others.
const UNWRITTEN: u32 = 16;

/// A virtual router that was MASTER when the earlier run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub key: InstanceKey,
    /// When its last advert left.
    pub advert_at: Instant,
    /// How long every peer waits for the next one, by the earlier run's settings: see [`patience`].
    pub patience: Duration,
    /// The addresses that it was to hold.
    pub held: Vec<(IfName, IpAddr)>,
    /// Without which peers would not listen to it.
    pub manner: Manner,
}

/// What peers expect of a master's next advert, because of those before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// The sequence number of the last advert with AH; they discard what is not above it (fact 7.4). 0 without AH.
    pub ah_sequence: u32,
    /// They have the old checksum of unicast (fact 5.6).
    pub old_checksum: bool,
}

/// What is written down of a virtual router, so that it can be claimed later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estate {
    /// Its number, for as long as this configuration runs.
    pub router: RouterId,
    /// Its name, for people.
    pub name: String,
    /// What it is known by.
    pub key: InstanceKey,
    /// As in [`Claim::patience`].
    pub patience: Duration,
    /// Its interval, by which it is worth looking at.
    pub advert_int: Duration,
    /// The addresses that it holds while MASTER.
    pub holds: Vec<(IfName, IpAddr)>,
}

impl Estate {
    /// Of the router of that number and configuration.
    pub fn of(router: RouterId, config: &RouterConfig) -> Self {
        Self {
            router,
            name: config.name.clone(),
            key: config.key(),
            patience: patience(config),
            advert_int: config.advert_int,
            holds: super::world::addresses(config)
                .map(|spec| (spec.interface.clone(), spec.cidr.addr))
                .collect(),
        }
    }
}

/// The silence that every peer with the same settings bears, whatever its priority: the master down interval without the
/// skew, which is nearly nothing for the highest priority.
pub fn patience(config: &RouterConfig) -> Duration {
    config.advert_int * u32::from(config.down_timer_adverts)
}

/// A claim that was not refused yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heritage {
    pub(super) advert_at: Instant,
    /// When it ends.
    pub(super) until: Instant,
    held: Vec<(IfName, IpAddr)>,
    manner: Manner,
    /// The best of those that were heard in the meantime.
    rival: Option<(Priority, IpAddr)>,
}

impl Heritage {
    /// What `claim` is worth to a router with that configuration: no more than by the shorter patience of both.
    pub(super) fn new(claim: Claim, config: &RouterConfig) -> Self {
        let margin = MARGIN.min(config.advert_int / 2);
        let patience = claim.patience.min(patience(config));
        Self {
            advert_at: claim.advert_at,
            until: claim.advert_at + patience.saturating_sub(margin),
            held: claim.held,
            manner: Manner {
                ah_sequence: match claim.manner.ah_sequence {
                    0 => 0,
                    written => written.saturating_add(u32::from(config.down_timer_adverts) + UNWRITTEN),
                },
                ..claim.manner
            },
            rival: None,
        }
    }

    /// How its first advert has to be, for the peers that heard the last one: also the one that was not written down.
    pub(super) const fn manner(&self) -> Manner {
        self.manner
    }

    /// Another one has said that it is master.
    pub(super) fn hear(&mut self, priority: Priority, sender: IpAddr) {
        self.rival = self.rival.max(Some((priority, sender)));
    }

    /// What the earlier run was to hold.
    pub(super) fn held(&self) -> &[(IfName, IpAddr)] {
        &self.held
    }

    /// The best master that was heard.
    pub(super) const fn rival(&self) -> Option<(Priority, IpAddr)> {
        self.rival
    }

    /// Of the addresses that were held and are still configured, one that is not among `there`. Without any that could
    /// be looked for, whoever holds none shows nothing.
    pub(super) fn missing(&self, config: &RouterConfig, there: &[(IfName, IpAddr)]) -> Option<IpAddr> {
        let wanted: Vec<(IfName, IpAddr)> = super::world::addresses(config)
            .map(|spec| (spec.interface.clone(), spec.cidr.addr))
            .collect();
        let mut both = self.held.iter().filter(|held| wanted.contains(held)).peekable();
        if both.peek().is_none() {
            return wanted.first().map(|(_, address)| *address);
        }
        both.find(|held| !there.contains(held))
            .map(|(_, address)| *address)
    }
}

/// Why mastership is not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Peers may have taken over meanwhile.
    TooOld {
        /// How long ago the last advert left.
        age: Duration,
    },
    /// One of its addresses is not there.
    Missing(IpAddr),
    /// It is at fault.
    Fault(String),
    /// Another master was heard that need not yield.
    Rival {
        /// Who.
        sender: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// The start is delayed (fact 2.8).
    StartDelayed,
    /// Others of its sync group cannot be MASTER.
    Group,
    /// Several instances have this key.
    Ambiguous,
    /// The configuration was read anew meanwhile.
    Reloaded,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld { age } => write!(f, "its last advert left {:.3} s ago", age.as_secs_f64()),
            Self::Missing(address) => write!(f, "{address} is not there any more"),
            Self::Fault(cause) => f.write_str(cause),
            Self::Rival { sender, priority } => write!(f, "{sender} is master with priority {priority}"),
            Self::StartDelayed => f.write_str("the start is delayed"),
            Self::Group => f.write_str("not all of its sync group can be MASTER"),
            Self::Ambiguous => f.write_str("several instances have its VRID and interface"),
            Self::Reloaded => f.write_str("the configuration was read anew"),
        }
    }
}
