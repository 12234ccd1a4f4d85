//! What the kernel's IPVS counts, as values.

use super::model::ServiceKey;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Five figures of the same traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Connections.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets to clients; none where servers answer directly.
    pub packets_out: u64,
    /// Octets from clients.
    pub bytes_in: u64,
    /// Octets to clients.
    pub bytes_out: u64,
}

impl Figures {
    /// All in the order of the kernel's attributes.
    pub const fn of([connections, packets_in, packets_out, bytes_in, bytes_out]: [u64; 5]) -> Self {
        Self {
            connections,
            packets_in,
            packets_out,
            bytes_in,
            bytes_out,
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            connections: self.connections.saturating_add(other.connections),
            packets_in: self.packets_in.saturating_add(other.packets_in),
            packets_out: self.packets_out.saturating_add(other.packets_out),
            bytes_in: self.bytes_in.saturating_add(other.bytes_in),
            bytes_out: self.bytes_out.saturating_add(other.bytes_out),
        }
    }
}

/// Of a service or a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Since it is there, or was set to zero.
    pub total: Figures,
    /// In a second, as the kernel estimates it.
    pub rate: Figures,
}

impl Traffic {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            total: self.total.plus(other.total),
            rate: self.rate.plus(other.rate),
        }
    }
}

/// Of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Its traffic.
    pub traffic: Traffic,
    /// Connections that are established.
    pub active: u64,
    /// The others: those that end, and all of a protocol without connections.
    pub inactive: u64,
    /// Clients that stay with it.
    pub persistent: u64,
}

impl Load {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            traffic: self.traffic.plus(other.traffic),
            active: self.active.saturating_add(other.active),
            inactive: self.inactive.saturating_add(other.inactive),
            persistent: self.persistent.saturating_add(other.persistent),
        }
    }
}

/// Of a service and its destinations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceStats {
    /// Of the service.
    pub traffic: Traffic,
    /// Of its destinations, as the kernel finds them.
    pub destinations: BTreeMap<SocketAddr, Load>,
}

/// Of all services that were asked for and are there.
pub type Statistics = BTreeMap<ServiceKey, ServiceStats>;
