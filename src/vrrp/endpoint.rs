//! Which sockets a configuration needs: one endpoint for each (family, interface, group or source), shared (fact 5.10).
//!
//! Owns the grouping. Opens nothing: `vrrp::io` does, and compares the endpoints of two configurations at a reload.

use super::Vrid;
use super::config::{RouterConfig, RxBuffer, Transport, VrrpConfig};
use super::event::Carrier;
use crate::net::{Family, IfName};
use std::net::IpAddr;

/// The TTL or hop limit of multicast adverts (RFC 5798 §5.1.1.3, §5.1.2.3).
pub const MULTICAST_TTL: u8 = 255;

/// A pair of sockets, one to receive and one to send, shared by all routers that can.
///
/// Two endpoints of one configuration never receive the same packet: they differ in family, interface, carrier, or kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Adverts leave and arrive here.
    pub interface: IfName,
    /// Plain or with AH: another protocol, another socket.
    pub carrier: Carrier,
    /// What makes it multicast or unicast.
    pub kind: EndpointKind,
    /// The routers' identifiers, ascending, each once: what the packet filter lets through.
    pub vrids: Vec<Vrid>,
    /// The receive buffer, for all its routers together (fact 5.11).
    pub rx_buffer: RxBuffer,
}

/// Multicast or unicast.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// Joins the group on the interface; sends to it.
    Multicast {
        /// 224.0.0.18 or ff02::12 unless configured.
        group: IpAddr,
    },
    /// Joins nothing; sends to peers.
    Unicast {
        /// The configured source address; `None`: the first one of the interface, as the engine finds it.
        source: Option<IpAddr>,
    },
}

impl Endpoint {
    /// Whether `other` needs the same sockets, whatever their filter and buffer.
    pub fn same_socket(&self, other: &Self) -> bool {
        self.family == other.family
            && self.carrier == other.carrier
            && self.interface == other.interface
            && self.kind == other.kind
    }

    fn of(router: &RouterConfig) -> Self {
        let kind = match &router.transport {
            Transport::Multicast { group } => EndpointKind::Multicast { group: *group },
            Transport::Unicast { .. } => EndpointKind::Unicast {
                source: router.source,
            },
        };
        Self {
            family: router.family,
            carrier: router.carrier(),
            interface: router.wire().clone(),
            kind,
            vrids: vec![router.vrid],
            rx_buffer: router.packets.rx_buffer,
        }
    }
}

/// The endpoints that `config` needs, in the order of the routers that need them first.
pub fn endpoints(config: &VrrpConfig) -> Vec<Endpoint> {
    let mut all: Vec<Endpoint> = Vec::new();
    for router in &config.routers {
        let wanted = Endpoint::of(router);
        match all.iter_mut().find(|e| e.same_socket(&wanted)) {
            Some(shared) => {
                shared.rx_buffer = shared.rx_buffer.with(wanted.rx_buffer);
                if let Err(at) = shared.vrids.binary_search(&router.vrid) {
                    shared.vrids.insert(at, router.vrid);
                }
            }
            None => all.push(wanted),
        }
    }
    if config.log_unknown_vrids {
        // Those of others are to be told (fact 6.1), so the filter lets them in.
        for endpoint in &mut all {
            endpoint.vrids = (1..=u8::MAX).filter_map(Vrid::new).collect();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::config::Auth;
    use crate::vrrp::testing::{ip, name, one, router};

    /// What is the same but for the VRID shares its sockets; every other property takes sockets of its own.
    /// Facts: 5.10
    #[test]
    fn who_shares_sockets() {
        let vary = |vrid: u8, change: fn(&mut RouterConfig)| {
            let mut config = router(&format!("V{vrid}"), vrid);
            change(&mut config);
            config
        };
        let unicast = |config: &mut RouterConfig, source: Option<&str>, peer: &str| {
            config.source = source.map(ip);
            config.transport = Transport::Unicast {
                peers: vec![ip(peer)],
                ttl: 255,
            };
        };
        let mut peers = [52, 53, 54, 55, 56].map(|vrid| router(&format!("U{vrid}"), vrid));
        for (config, (source, peer)) in peers.iter_mut().zip([
            (Some("10.0.0.1"), "10.0.0.2"),
            (Some("10.0.0.1"), "10.0.0.3"),
            (Some("10.0.0.9"), "10.0.0.2"),
            (None, "10.0.0.2"),
            (None, "10.0.0.4"),
        ]) {
            unicast(config, source, peer);
        }
        let mut routers = vec![
            vary(3, |_| {}),
            vary(1, |config| config.source = Some(ip("10.0.0.7"))),
            vary(2, |config| config.version = crate::vrrp::config::Version::V3),
            vary(10, |config| config.family = Family::V6),
            vary(11, |config| config.interface = name("eth1")),
            vary(12, |config| config.auth = Auth::Ah([0; 8])),
            vary(13, |config| {
                config.transport = Transport::Multicast {
                    group: ip("224.0.0.99"),
                };
            }),
            vary(14, |config| config.auth = Auth::Pass([0; 8])),
        ];
        routers.extend(peers);
        let mut config = one(router("first", 7));
        config.routers.extend(routers);
        let shared: Vec<Vec<u8>> = endpoints(&config)
            .iter()
            .map(|endpoint| endpoint.vrids.iter().map(|vrid| vrid.get()).collect())
            .collect();
        assert_eq!(
            shared,
            [
                vec![1, 2, 3, 7, 14],
                vec![10],
                vec![11],
                vec![12],
                vec![13],
                vec![52, 53],
                vec![54],
                vec![55, 56],
            ]
        );
    }
}
