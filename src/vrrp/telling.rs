//! Everything the VRRP engine can say to the log: one enum, in words that a keepalived user recognises.
//!
//! Texts in keepalived's own words are those of the numbered facts and of a running 2.2.7; the few that it has no words
//! for (a named cause of FAULT, an address that the kernel refused) follow its style.

use super::Priority;
use super::accept::Discard;
use super::claim::Refusal;
use crate::net::{AddressSpec, Family, Good, IfName};
use crate::script::config::ScriptOutcome;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// About a virtual router: `(VI_1) …`
    Instance {
        /// Its name.
        instance: String,
        /// What.
        says: Says,
    },
    /// `VRRP_Group(G) Syncing instances to MASTER state`
    GroupSyncing {
        /// The group.
        group: String,
        /// MASTER, BACKUP or FAULT.
        state: &'static str,
    },
    /// ``Script `chk` now returning 1``
    ScriptReturning {
        /// The script.
        script: String,
        /// Its new exit status.
        status: u8,
    },
    /// `VRRP_Script(chk) succeeded`
    ScriptSucceeded {
        /// The script.
        script: String,
    },
    /// `VRRP_Script(chk) failed (exited with status 1)`, `… failed (due to signal 9)`, `… timed_out`
    ScriptFailed {
        /// The script.
        script: String,
        /// How the run ended that made it bad.
        outcome: ScriptOutcome,
    },
    /// `Delaying startup for 10 seconds`
    StartDelayed(Duration),
    /// `Delayed start completed`
    StartCompleted,
    /// `Netlink reports eth0 down`
    InterfaceReported {
        /// The interface.
        interface: IfName,
        /// Up and running.
        up: bool,
    },
    /// `Interface eth0 deleted`
    InterfaceDeleted {
        /// The interface.
        interface: IfName,
    },
    /// `Unknown VRID(7) received on interface(eth0). ignoring...`
    UnknownVrid {
        /// The VRID.
        vrid: u8,
        /// Where it came in.
        interface: IfName,
    },
    /// `Netlink reflector reports IP 10.0.0.1 removed from eth0`
    AddressRemoved {
        /// The interface.
        interface: IfName,
        /// The address, by somebody else.
        address: IpAddr,
    },
}

/// What is said of a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// `Entering MASTER STATE`
    EnteringMaster,
    /// The next line is MASTER, because it was that in an earlier run of the daemon.
    Resumed {
        /// Since its last advert.
        age: Duration,
    },
    /// It was MASTER in an earlier run of the daemon, and is not for this reason.
    NotResumed(Refusal),
    /// `Entering BACKUP STATE`, with `(init)` after the configuration was read.
    EnteringBackup {
        /// First state after start.
        init: bool,
    },
    /// `Entering FAULT STATE`, with `(init)` after the configuration was read.
    EnteringFault {
        /// First state after start.
        init: bool,
    },
    /// `entering FAULT state (interface eth1 is down)`
    FaultCause(String),
    /// `Changing effective priority from 100 to 90`
    EffectivePriority {
        /// Before.
        from: Priority,
        /// Now.
        to: Priority,
    },
    /// `Receive advertisement timeout`
    AdvertTimeout,
    /// `VRRP thread timer expired 5.2 seconds ago`
    TimerExpired(Duration),
    /// `is address owner - ignoring advert from 10.0.0.2`
    OwnerIgnores(IpAddr),
    /// `sent 0 priority`
    SentZero,
    /// `setting VIPs.`
    SettingVips,
    /// `removing VIPs.`
    RemovingVips,
    /// An earlier run has left it, and nobody is to have it any more.
    RemovingStray(AddressSpec),
    /// Somebody else removed a route or a rule.
    Lost(Good),
    /// Somebody else removed an address, a route or a rule, and it is put back (`drift_repair`).
    PuttingBack(Good),
    /// So often that was done within a minute.
    TooManyRepairs(u32),
    /// The kernel refused an address, a route or a rule.
    HoldFailed(Good, String),
    /// The kernel refused to remove one.
    ReleaseFailed(Good, String),
    /// `Sending/queueing gratuitous ARPs on eth0 for 10.0.0.1`
    Announcing(IfName, IpAddr),
    /// `master set to 10.0.0.2`
    MasterSet(IpAddr),
    /// `master changed from 10.0.0.2 to 10.0.0.3`
    MasterChanged(IpAddr, IpAddr),
    /// `advertisement interval updated from 1000ms to 2000ms by master`
    IntervalLearned(Duration, Duration),
    /// `Backup received priority 0 advertisement`
    BackupHeardZero,
    /// `Master received priority 0 message`
    MasterHeardZero,
    /// `received lower priority (90) advert from 10.0.0.2 - discarding`
    LowerDiscarded(Priority, IpAddr),
    /// `start preempt delay (30.000000)`
    PreemptDelayStart(Duration),
    /// `stop preempt delay`
    PreemptDelayStop,
    /// `Received advert from 10.0.0.2 with lower priority 90, ours 100, forcing new election`
    MasterHeardLower {
        /// The sender.
        sender: IpAddr,
        /// Its priority.
        priority: Priority,
        /// Our priority.
        ours: Priority,
        /// Whether we answer.
        election: bool,
    },
    /// `Master received advert from 10.0.0.2 with higher priority 110, ours 100`
    MasterHeardHigher {
        /// The sender.
        sender: IpAddr,
        /// Its priority.
        priority: Priority,
        /// Our priority.
        ours: Priority,
    },
    /// `Master received advert from 10.0.0.2 with same priority 100 but higher IP address than ours`
    MasterHeardEqual {
        /// The sender.
        sender: IpAddr,
        /// Its priority and ours.
        priority: Priority,
    },
    /// `WARNING - equal priority advert received from remote host with our IP address.`
    OurAddress,
    /// Two address owners.
    TwoOwners(IpAddr),
    /// The other owner did not yield.
    OwnerReduces(IpAddr),
    /// The other owner has gone silent.
    RogueOwnerGone,
    /// A packet that did not count.
    Discarded {
        /// The sender.
        sender: IpAddr,
        /// Why.
        why: Discard,
    },
    /// `expected 2 VIPs but received 1`
    AddressCount {
        /// Ours.
        expected: usize,
        /// Theirs.
        received: usize,
    },
    /// `ip address associated with VRID 51 not present in MASTER advert: 10.0.0.1`
    AddressMissing {
        /// VRID.
        vrid: u8,
        /// The address.
        address: IpAddr,
    },
    /// `authentication clock skew …`: more than half the window.
    ClockSkew {
        /// The sender.
        sender: IpAddr,
        /// Seconds that its clock is ahead of ours.
        ahead: i64,
    },
    /// `Setting unicast VRRPv3 checksum to old version`
    OldChecksum,
    /// Version 3: the master announces another interval than ours.
    IntervalDiffers {
        /// The sender.
        sender: IpAddr,
        /// Ours.
        ours: Duration,
        /// Theirs.
        theirs: Duration,
    },
}

impl Line {
    /// Whether keepalived says this only with `-D`.
    pub const fn is_detail(&self) -> bool {
        match self {
            Self::Instance { says, .. } => says.is_detail(),
            Self::StartDelayed(_)
            | Self::StartCompleted
            | Self::GroupSyncing { .. }
            | Self::ScriptReturning { .. }
            | Self::ScriptSucceeded { .. }
            | Self::ScriptFailed { .. }
            | Self::InterfaceReported { .. }
            | Self::InterfaceDeleted { .. }
            | Self::UnknownVrid { .. }
            | Self::AddressRemoved { .. } => false,
        }
    }
}

impl Says {
    const fn is_detail(&self) -> bool {
        match self {
            Self::AdvertTimeout
            | Self::SentZero
            | Self::SettingVips
            | Self::RemovingVips
            | Self::Announcing(..)
            | Self::MasterSet(_)
            | Self::MasterChanged(..)
            | Self::IntervalLearned(..)
            | Self::BackupHeardZero
            | Self::MasterHeardZero
            | Self::PreemptDelayStart(_)
            | Self::PreemptDelayStop => true,
            Self::TimerExpired(_)
            | Self::OwnerIgnores(_)
            | Self::EnteringMaster
            | Self::Resumed { .. }
            | Self::NotResumed(_)
            | Self::EnteringBackup { .. }
            | Self::EnteringFault { .. }
            | Self::FaultCause(_)
            | Self::EffectivePriority { .. }
            | Self::Lost(_)
            | Self::PuttingBack(_)
            | Self::TooManyRepairs(_)
            | Self::HoldFailed(..)
            | Self::ReleaseFailed(..)
            | Self::LowerDiscarded(..)
            | Self::MasterHeardLower { .. }
            | Self::MasterHeardHigher { .. }
            | Self::MasterHeardEqual { .. }
            | Self::OurAddress
            | Self::TwoOwners(_)
            | Self::OwnerReduces(_)
            | Self::RogueOwnerGone
            | Self::Discarded { .. }
            | Self::AddressCount { .. }
            | Self::AddressMissing { .. }
            | Self::ClockSkew { .. }
            | Self::OldChecksum
            | Self::RemovingStray(_)
            | Self::IntervalDiffers { .. } => false,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // keepalived writes this one with a colon.
            Self::Instance {
                instance,
                says: says @ Says::RogueOwnerGone,
            } => write!(f, "({instance}): {says}"),
            Self::Instance { instance, says } => write!(f, "({instance}) {says}"),
            Self::GroupSyncing { group, state } => {
                write!(f, "VRRP_Group({group}) Syncing instances to {state} state")
            }
            Self::ScriptReturning { script, status } => write!(f, "Script `{script}` now returning {status}"),
            Self::ScriptSucceeded { script } => write!(f, "VRRP_Script({script}) succeeded"),
            Self::ScriptFailed { script, outcome } => {
                write!(f, "VRRP_Script({script}) ")?;
                match outcome {
                    ScriptOutcome::Exited(status) => write!(f, "failed (exited with status {status})"),
                    ScriptOutcome::Signalled(signal) => write!(f, "failed (due to signal {signal})"),
                    ScriptOutcome::TimedOut => f.write_str("timed_out"),
                    ScriptOutcome::NotStarted => f.write_str("failed (could not be started)"),
                }
            }
            Self::StartDelayed(time) => write!(f, "Delaying startup for {} seconds", time.as_secs_f64()),
            Self::StartCompleted => f.write_str("Delayed start completed"),
            Self::InterfaceReported { interface, up } => {
                write!(
                    f,
                    "Netlink reports {interface} {}",
                    if *up { "up" } else { "down" }
                )
            }
            Self::InterfaceDeleted { interface } => write!(f, "Interface {interface} deleted"),
            Self::UnknownVrid { vrid, interface } => write!(
                f,
                "Unknown VRID({vrid}) received on interface({interface}). ignoring..."
            ),
            Self::AddressRemoved { interface, address } => {
                write!(
                    f,
                    "Netlink reflector reports IP {address} removed from {interface}"
                )
            }
        }
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let init = |init: &bool| if *init { " (init)" } else { "" };
        match self {
            Self::EnteringMaster => f.write_str("Entering MASTER STATE"),
            Self::Resumed { age } => write!(
                f,
                "taking over MASTER of the previous run, whose last advert left {:.3} s ago",
                age.as_secs_f64()
            ),
            Self::NotResumed(why) => write!(f, "not taking over MASTER of the previous run: {why}"),
            Self::EnteringBackup { init: i } => write!(f, "Entering BACKUP STATE{}", init(i)),
            Self::EnteringFault { init: i } => write!(f, "Entering FAULT STATE{}", init(i)),
            Self::FaultCause(cause) => write!(f, "entering FAULT state ({cause})"),
            Self::EffectivePriority { from, to } => {
                write!(f, "Changing effective priority from {from} to {to}")
            }
            Self::AdvertTimeout => f.write_str("Receive advertisement timeout"),
            Self::TimerExpired(late) => {
                write!(
                    f,
                    "VRRP thread timer expired {:.6} seconds ago",
                    late.as_secs_f64()
                )
            }
            Self::OwnerIgnores(sender) => write!(f, "is address owner - ignoring advert from {sender}"),
            Self::SentZero => f.write_str("sent 0 priority"),
            Self::SettingVips => f.write_str("setting VIPs."),
            Self::RemovingVips => f.write_str("removing VIPs."),
            Self::RemovingStray(stray) => write!(
                f,
                "removing {} dev {} of the previous run, which is not configured any more",
                stray.cidr, stray.interface
            ),
            Self::Lost(good) => write!(f, "{good} has been removed"),
            Self::PuttingBack(good) => write!(f, "{good} has been removed by others, putting it back"),
            Self::TooManyRepairs(most) => write!(
                f,
                "others go on removing what is put back ({most} times within a minute) - falling back"
            ),
            Self::HoldFailed(address, why) => write!(f, "cannot set {address}: {why}"),
            Self::ReleaseFailed(address, why) => write!(f, "cannot remove {address}: {why}"),
            Self::Announcing(interface, address) => {
                let what = match Family::of(address) {
                    Family::V4 => "gratuitous ARPs",
                    Family::V6 => "Unsolicited Neighbour Adverts",
                };
                write!(f, "Sending/queueing {what} on {interface} for {address}")
            }
            Self::MasterSet(master) => write!(f, "master set to {master}"),
            Self::MasterChanged(old, new) => write!(f, "master changed from {old} to {new}"),
            Self::IntervalLearned(old, new) => write!(
                f,
                "advertisement interval updated from {}ms to {}ms by master",
                old.as_millis(),
                new.as_millis()
            ),
            Self::BackupHeardZero => f.write_str("Backup received priority 0 advertisement"),
            Self::MasterHeardZero => f.write_str("Master received priority 0 message"),
            Self::LowerDiscarded(priority, sender) => {
                write!(
                    f,
                    "received lower priority ({priority}) advert from {sender} - discarding"
                )
            }
            Self::PreemptDelayStart(delay) => {
                write!(
                    f,
                    "start preempt delay ({}.{:06})",
                    delay.as_secs(),
                    delay.subsec_micros()
                )
            }
            Self::PreemptDelayStop => f.write_str("stop preempt delay"),
            Self::MasterHeardLower {
                sender,
                priority,
                ours,
                election,
            } => write!(
                f,
                "Received advert from {sender} with lower priority {priority}, ours {ours}{}",
                if *election { ", forcing new election" } else { "" }
            ),
            Self::MasterHeardHigher {
                sender,
                priority,
                ours,
            } => write!(
                f,
                "Master received advert from {sender} with higher priority {priority}, ours {ours}"
            ),
            Self::MasterHeardEqual { sender, priority } => write!(
                f,
                "Master received advert from {sender} with same priority {priority} but higher IP address than ours"
            ),
            Self::OurAddress => {
                f.write_str("WARNING - equal priority advert received from remote host with our IP address.")
            }
            Self::TwoOwners(other) => write!(
                f,
                "CONFIGURATION ERROR: local instance and {other} are both configured as address owner, please resolve"
            ),
            Self::OwnerReduces(other) => write!(
                f,
                "CONFIGURATION ERROR: {other} is still advertising as address owner - reducing our priority"
            ),
            Self::RogueOwnerGone => f.write_str("rogue address owner appears to have stopped advertising"),
            Self::Discarded { sender, why } => why.words(f, *sender),
            Self::AddressCount { expected, received } => {
                write!(f, "expected {expected} VIPs but received {received}")
            }
            Self::AddressMissing { vrid, address } => {
                write!(
                    f,
                    "ip address associated with VRID {vrid} not present in MASTER advert: {address}"
                )
            }
            Self::ClockSkew { sender, ahead } => {
                write!(f, "authentication clock skew of {ahead} seconds with {sender}")
            }
            Self::OldChecksum => f.write_str("Setting unicast VRRPv3 checksum to old version"),
            Self::IntervalDiffers { sender, ours, theirs } => write!(
                f,
                "advertisement interval mismatch with {sender} mine={}ms rcv'd={}ms",
                ours.as_millis(),
                theirs.as_millis()
            ),
        }
    }
}
