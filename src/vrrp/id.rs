//! The numbers that name a virtual router and rank its directors.

use std::fmt;
use std::num::NonZeroU8;

/// A virtual router's identifier on its segment: 1 to 255 (`virtual_router_id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// `None` for 0.
    pub const fn new(vrid: u8) -> Option<Self> {
        match NonZeroU8::new(vrid) {
            Some(vrid) => Some(Self(vrid)),
            None => None,
        }
    }

    /// As on the wire.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A rank in the election: 1 to 254, 255 for the address owner, 0 to say "I release" (RFC 5798 §5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub u8);

impl Priority {
    /// The owner of the addresses; trackers never change it.
    pub const OWNER: Self = Self(255);
    /// RFC default of a backup.
    pub const DEFAULT: Self = Self(100);
    /// "I stop being master": the backups wait the skew time only.
    pub const RELEASE: Self = Self(0);

    /// Whether this is the address owner's priority.
    pub const fn is_owner(self) -> bool {
        self.0 == Self::OWNER.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The engine's number of a virtual router: given once, never used again for another, stable over a reload for
/// a router that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(pub u32);
