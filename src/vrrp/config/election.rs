//! Rules of the election that are off unless they are asked for, when it begins, and how densely is announced.

use crate::clock::Instant;
use crate::net::IfName;
use crate::vrrp::Priority;
use std::time::Duration;

/// What makes one router's election differ from the common rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ElectionRules {
    /// `strict_mode`: what it forbids has been taken out when the file was read.
    pub strict: bool,
    /// `owner_ignore_adverts`: an address owner drops what it hears (fact 4.8).
    pub owner_ignores_adverts: bool,
    /// `skip_check_adv_addr`: addresses are compared only when the sender is another one (fact 3.9).
    pub skip_check_adv_addr: bool,
    /// `track_src_ip`: the configured source address must be on the interface.
    pub track_src_ip: bool,
    /// `timer_expired_backup`: a MASTER that was held up for so long that a peer of this priority must have taken over
    /// goes to BACKUP (fact 2.20).
    pub timer_expired_backup: Option<Priority>,
}

/// How long nobody becomes MASTER and adverts are not heard (fact 2.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartDelay {
    /// `vrrp_startup_delay`
    pub after_start: Duration,
    /// `vrrp_delay_after_boot`
    pub after_boot: Duration,
}

impl StartDelay {
    /// When both are over for who began at `started`. The clock counts from the boot.
    pub fn ends(&self, started: Instant) -> Instant {
        let booted = Instant::from_micros(0);
        (started + self.after_start).max(booted + self.after_boot)
    }
}

/// `vrrp_garp_extra_if`, `garp_extra_if`: one announcement by every further interface, every so often (fact 11.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraGarp {
    /// `all`: not only interfaces that the daemon made.
    pub all: bool,
    /// Between two announcements.
    pub interval: Duration,
}

/// `garp_group`: interfaces that share a limit (fact 11.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarpLimit {
    /// `garp_interval`
    pub garp_interval: Option<Duration>,
    /// `gna_interval`
    pub gna_interval: Option<Duration>,
    /// Those that share the limit.
    pub interfaces: Vec<IfName>,
}
