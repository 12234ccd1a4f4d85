//! What the engine hears and what it wants done. The edges and the plane's driver speak only these values.

use super::RouterId;
use super::ah::{self, AH_LEN};
use super::claim::Manner;
use crate::net::{Family, Good, Goods, IfIndex, IfName, InterfaceStatus, Mac};
use crate::script::config::ScriptOutcome;
use std::net::IpAddr;

/// What VRRP packets travel in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// IP alone: protocol 112.
    #[default]
    Plain,
    /// IPsec AH over IPv4: protocol 51.
    Ah,
}

impl Carrier {
    /// IP's number for it (fact 5.1).
    pub const fn protocol(self) -> u8 {
        match self {
            Self::Plain => 112,
            Self::Ah => 51,
        }
    }

    /// Octets before the VRRP packet.
    pub const fn header_len(self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Ah => AH_LEN,
        }
    }
}

/// A received IP datagram, before any check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The interface it came in by.
    pub interface: IfIndex,
    /// IP source.
    pub source: IpAddr,
    /// IP destination: a group for multicast, one of our addresses for unicast.
    pub destination: IpAddr,
    /// TTL or hop limit, where the kernel told it.
    pub ttl: Option<u8>,
    /// IPv4: "total length" of the header less the header's length; IPv6: the payload's length.
    pub claimed_len: usize,
    /// IPv4: identification.
    pub id: u16,
    /// Plain or with AH.
    pub carrier: Carrier,
    /// What follows the IP header, Ethernet padding included.
    pub payload: Vec<u8>,
}

impl Datagram {
    /// The VRRP packet in it; empty when there is none.
    pub fn pdu(&self) -> &[u8] {
        self.payload.get(self.carrier.header_len()..).unwrap_or_default()
    }
}

/// What the engine hears.
#[derive(Clone, Debug)]
pub enum Event {
    /// A packet arrived.
    Datagram(Datagram),
    /// An interface appeared or changed in any way: its whole state.
    Interface(InterfaceStatus),
    /// An interface is gone.
    InterfaceGone(IfName),
    /// Somebody else removed an address. Never sent for removals that this daemon made.
    AddressRemoved {
        /// From this interface.
        interface: IfName,
        /// The address.
        address: IpAddr,
    },
    /// Somebody else removed a route or a rule that a router holds. Never sent for removals that this daemon made.
    Lost {
        /// Whose.
        router: RouterId,
        /// What.
        good: Good,
    },
    /// A track script ended.
    Script {
        /// Its name.
        name: String,
        /// How.
        outcome: ScriptOutcome,
    },
    /// The addresses of a [`Action::Hold`] are there, as far as they could be; its routes and rules are on their way, and
    /// [`Event::Held`] comes when they are done. Not sent for an order of addresses alone.
    Placed(Completion),
    /// A tracked file has another number than before, or is looked at for the first time.
    File {
        /// The name of its `track_file`.
        name: String,
        /// The number in it; 0 when there is none.
        value: i32,
    },
    /// A tracked process gained or lost its quorum, or was counted for the first time.
    Process {
        /// The name of its `vrrp_track_process`.
        name: String,
        /// Whether there is a quorum.
        good: bool,
    },
    /// A BFD session went up or down.
    Bfd {
        /// The name of its `bfd_instance`.
        name: String,
        /// Whether it is Up.
        up: bool,
    },
    /// A [`Action::Hold`] was carried out, as far as it could be.
    Held(Completion),
    /// A [`Action::Release`] was carried out, as far as it could be.
    Released(Completion),
}

/// The answer to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Whose.
    pub router: RouterId,
    /// The generation of the order; an old one is of no interest any more.
    pub generation: u64,
    /// What the kernel refused, each with its reason. "Exists already" and "not there" are no failures.
    pub failed: Vec<(Good, String)>,
}

/// What the engine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send an advert.
    Send(Transmit),
    /// Install addresses, routes and rules.
    Hold(Order),
    /// Remove them.
    Release(Order),
    /// Send one round: one gratuitous ARP or neighbour advertisement for each address, now.
    Announce(Announcement),
    /// Tell scripts, FIFOs and mail.
    Notify(Notification),
    /// Tell the log.
    Tell(super::telling::Line),
}

/// An advert on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Whose.
    pub router: RouterId,
    /// It leaves here.
    pub interface: IfIndex,
    /// IP source.
    pub source: IpAddr,
    /// IP destination: the group or a peer.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// IPv4: identification, never 0; that of all copies of an advert is the same (fact 5.8).
    pub id: u16,
    /// Plain or with AH.
    pub carrier: Carrier,
    /// Peers have the old checksum of unicast, and this is one (fact 5.6).
    pub old_checksum: bool,
    /// The VRRP packet, behind AH's header and before the trailer of `auth_hmac`. The checksum of IPv6 is left to the
    /// kernel (fact 5.5) and zero here.
    pub payload: Vec<u8>,
    /// Of an authenticated advert: the same with priority 0, to be sent with the same identification should its sender
    /// die. Without authentication nobody needs the sender for that.
    pub goodbye: Option<Vec<u8>>,
}

impl Transmit {
    /// The VRRP packet in it.
    pub fn pdu(&self) -> &[u8] {
        self.payload.get(self.carrier.header_len()..).unwrap_or_default()
    }

    /// What the next advert has to be like, for who has heard this one.
    pub fn manner(&self) -> Manner {
        let sequence = match self.carrier {
            Carrier::Plain => None,
            Carrier::Ah => ah::sequence(&self.payload),
        };
        Manner {
            ah_sequence: sequence.unwrap_or_default(),
            old_checksum: self.old_checksum,
        }
    }

    /// The priority that it says.
    pub fn priority(&self) -> Option<u8> {
        self.pdu().get(2).copied()
    }
}

/// What is to be installed or removed for a router. Orders of a router are carried out in the order given; a
/// Hold that a newer Release overtook must not be carried out any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// For whom.
    pub router: RouterId,
    /// Counts up with every order of this router.
    pub generation: u64,
    /// Everything.
    pub goods: Goods,
}

/// One round of announcements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// For whom.
    pub router: RouterId,
    /// Each address with the interface it is on, that interface's index and its MAC.
    pub targets: Vec<AnnounceTarget>,
    /// All of these have just been announced: where many wait, the first announcements of others come before.
    pub repeated: bool,
}

/// An address to be announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceTarget {
    /// The address.
    pub address: IpAddr,
    /// The interface's index.
    pub interface: IfIndex,
    /// The MAC that shall be learned.
    pub mac: Mac,
    /// IPv6: set the router flag, because the interface forwards. The engine leaves it false; who knows sets it.
    pub router_flag: bool,
}

impl AnnounceTarget {
    /// ARP or neighbour discovery.
    pub const fn family(&self) -> Family {
        Family::of(&self.address)
    }
}

/// Who a notification is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A `vrrp_instance`, by name.
    Instance(String),
    /// A `vrrp_sync_group`, by name.
    Group(String),
}

impl Subject {
    /// The two words that scripts and FIFOs get for it.
    pub const fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Instance(name) => ("INSTANCE", name.as_str()),
            Self::Group(name) => ("GROUP", name.as_str()),
        }
    }
}

/// What scripts, FIFOs and mail are told: states, and what else happens in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotifyState {
    /// MASTER
    Master,
    /// BACKUP
    Backup,
    /// FAULT
    Fault,
    /// STOP: the daemon ends.
    Stop,
    /// DELETED: a reload ended it.
    Deleted,
    /// MASTER_RX_LOWER_PRI: as MASTER it heard a lower priority (fact 4.2).
    MasterRxLowerPri,
    /// MASTER_PRIORITY: another priority as MASTER.
    MasterPriority,
    /// BACKUP_PRIORITY: another priority in any other state.
    BackupPriority,
}

impl NotifyState {
    /// The word that scripts get.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
            Self::Deleted => "DELETED",
            Self::MasterRxLowerPri => "MASTER_RX_LOWER_PRI",
            Self::MasterPriority => "MASTER_PRIORITY",
            Self::BackupPriority => "BACKUP_PRIORITY",
        }
    }
}

/// Why something is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// It has just become so.
    #[default]
    Change,
    /// A reload ended the subject: the configuration that it was told by is the old one (fact 12.8).
    Departure,
    /// A reload left it as it is, and the FIFOs are to hear it again (fact 12.12).
    Reminder,
}

/// Something that scripts, FIFOs and mail are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Whose.
    pub subject: Subject,
    /// Which.
    pub state: NotifyState,
    /// The effective priority; 0 for groups.
    pub priority: u8,
    /// Why.
    pub occasion: Occasion,
}
