//! What a configuration wants of the host, whoever is MASTER: sockets, links, packet filters.

use crate::net::{Goods, IfName};
use crate::vrrp::VrrpConfig;
use crate::vrrp::config::{FirewallConfig, LinkConfig};
use crate::vrrp::endpoint::{Endpoint, endpoints};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What the host shall have for a configuration.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The sockets.
    pub endpoints: Vec<Endpoint>,
    /// The links.
    pub links: Vec<LinkConfig>,
    /// The addresses of routers, which are no link's own, even where an earlier run has left them.
    pub virtuals: BTreeSet<(IfName, IpAddr)>,
    /// The packet filter.
    pub firewall: FirewallConfig,
    /// Something is to be filtered.
    pub filters: bool,
    /// The addresses whose traffic is dropped while they are held.
    pub blocks: Vec<Block>,
    /// Static entries.
    pub statics: Goods,
    /// What is static and was left by an earlier run stays: whoever goes on as MASTER may depend on it.
    pub resumes: bool,
    /// Some router puts back what others remove, watched or not.
    pub repairs: bool,
    /// Interfaces whose secondary addresses outlive their primary one.
    pub promote_secondaries: Vec<IfName>,
}

/// An address of a router that does not accept (`no_accept`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The address.
    pub address: IpAddr,
    /// Where it is held.
    pub interface: IfName,
    /// A link-local one is known by the name of its interface, not by its number (fact 10.4).
    pub by_name: bool,
}

impl Wanted {
    /// What `config` needs.
    pub fn of(config: &VrrpConfig) -> Self {
        Self {
            endpoints: endpoints(config),
            links: config.links.clone(),
            virtuals: config
                .routers
                .iter()
                .flat_map(|router| router.vips.iter().chain(&router.excluded))
                .map(|spec| (spec.interface.clone(), spec.cidr.addr))
                .collect(),
            statics: config.statics.clone(),
            resumes: false,
            repairs: config.routers.iter().any(|router| router.drift_repair.is_some()),
            promote_secondaries: config.promote_secondaries.clone(),
            firewall: config.firewall.clone(),
            filters: config.uses_firewall(),
            blocks: config
                .routers
                .iter()
                .filter(|router| router.no_accept)
                .flat_map(|router| {
                    let by_name = router.dont_track_primary && !config.firewall.by_index;
                    router.vips.iter().chain(&router.excluded).map(move |spec| Block {
                        address: spec.cidr.addr,
                        interface: spec.interface.clone(),
                        by_name,
                    })
                })
                .collect(),
        }
    }
}
