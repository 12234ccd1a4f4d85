//! The packet filter for what is held: addresses of routers that do not accept, and virtual MACs (facts 10).

use super::{Block, Wanted};
use crate::net::{AddressSpec, IfName};
use crate::netfilter::{Blocked, Contents, Firewall, Settings, Vmac};
use crate::netlink::Inventory;
use crate::netlink::sysctl::Sysctls;
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// What is filtered, and the tables of it.
#[derive(Debug, Default)]
pub(super) struct Filter {
    firewall: Option<Firewall>,
    /// What is to be dropped while it is held.
    blocks: Vec<Block>,
    /// The same of the configuration before, which holds it until the new one runs.
    former: Vec<Block>,
    sysctls: Sysctls,
    told: Told,
    /// When to see next whether others have removed the tables.
    look_at: Option<Instant>,
    /// Looks in a row that found them gone.
    busy: u32,
}

/// So often: the kernel tells nobody of it who does not listen to all that is done with nftables.
const PACE: Duration = Duration::from_millis(500);
/// The longest pause for those who insist,
const LONGEST: Duration = Duration::from_secs(30);
/// and who does so: after so many looks in a row that found the tables gone the pauses grow.
const PATIENT: u32 = 10;

/// The refusal that was told last. A kernel without what the tables need refuses every change in the same way, and what is held
/// changes often.
#[derive(Debug, Default)]
struct Told(Option<String>);

impl Told {
    /// Whether the refusal is to be told.
    fn is_news(&mut self, refusal: &io::Error) -> bool {
        let text = refusal.to_string();
        let news = self.0.as_ref() != Some(&text);
        self.0 = Some(text);
        news
    }

    /// There are tables again: the next refusal is to be told, whatever it is.
    fn it_works(&mut self) {
        self.0 = None;
    }
}

/// `disable_local_igmp`
const IGMP: &str = "ipv4/igmp_link_local_mcast_reports";

impl Filter {
    /// The first configuration. What an earlier run has left would drop the traffic of addresses for ever.
    pub(super) fn start(&mut self, wanted: &Wanted) {
        let settings = &wanted.firewall;
        if settings.disable_local_igmp
            && let Err(error) = self.sysctls.borrow(IGMP, IGMP, 0)
        {
            tracing::error!(target: "vrrp", "cannot disable local IGMP: {error}");
        }
        let mut firewall = Firewall::new(Settings {
            table: settings.table.clone(),
            priority: settings.priority,
            counters: settings.counters,
            no_igmp: settings.disable_local_igmp,
        });
        // Asking makes the kernel load the module: where nobody has, there is nothing to be found.
        if wanted.filters || Path::new("/sys/module/nf_tables").exists() {
            for family in firewall.remove_leftovers() {
                tracing::info!(target: "vrrp", "Deleting old {family} {} table", firewall.table());
            }
        }
        self.firewall = Some(firewall);
        self.prepare(wanted);
    }

    /// A new configuration: the tables keep what they were made with (`nftables` is not changed by a reload).
    pub(super) fn prepare(&mut self, wanted: &Wanted) {
        let before = std::mem::replace(&mut self.blocks, wanted.blocks.clone());
        self.former.extend(before);
        if wanted.filters && wanted.firewall.instead_of_iptables {
            tracing::info!(
                target: "vrrp",
                "vrrp_iptables: the rules are in tables {} of nftables instead", wanted.firewall.table,
            );
        }
    }

    /// The configuration runs: nothing of the one before is held.
    pub(super) fn settle(&mut self) {
        self.former.clear();
    }

    /// Makes it so that what is `held` is dropped if it shall be.
    pub(super) fn mind<'a>(
        &mut self,
        inventory: &Inventory,
        vmacs: BTreeSet<Vmac>,
        held: impl Iterator<Item = &'a AddressSpec>,
    ) {
        let Some(firewall) = &mut self.firewall else {
            return;
        };
        // Nothing of what thousands hold is looked at where nothing is to be dropped.
        let to_drop = !(self.blocks.is_empty() && self.former.is_empty());
        let held = held.filter(|_| to_drop);
        let held: BTreeSet<(IpAddr, &IfName)> = held.map(|spec| (spec.cidr.addr, &spec.interface)).collect();
        let blocks = self.blocks.iter().chain(&self.former);
        let blocked = blocks.filter(|block| held.contains(&(block.address, &block.interface)));
        let contents = Contents {
            blocked: blocked.filter_map(|block| entry(block, inventory)).collect(),
            vmacs,
        };
        match firewall.set(&contents) {
            // Where there is nothing to drop nothing is refused either.
            Ok(()) if firewall.is_made() => self.told.it_works(),
            Ok(()) => {}
            Err(error) if self.told.is_news(&error) => {
                tracing::error!(target: "vrrp", "cannot set nftables' tables {}: {error}", firewall.table());
            }
            Err(error) => tracing::debug!(target: "vrrp", "again: {error}"),
        }
    }

    /// When to look at the tables; never while there are none.
    pub(super) fn look_due(&mut self) -> Option<Instant> {
        let made = self.firewall.as_ref().is_some_and(Firewall::is_made);
        self.look_at = made.then(|| self.look_at.unwrap_or_else(|| Instant::now() + PACE));
        self.look_at
    }

    /// Tables that others have removed are made anew.
    pub(super) fn look(&mut self) {
        let Some(firewall) = &mut self.firewall else {
            return;
        };
        let found = firewall.look();
        match &found {
            Ok(false) => {}
            Ok(true) => tracing::warn!(
                target: "vrrp",
                "others have removed nftables' tables {}, put back", firewall.table(),
            ),
            Err(error) if self.told.is_news(error) => tracing::error!(
                target: "vrrp",
                "nftables' tables {} cannot be looked at or put back: {error}", firewall.table(),
            ),
            Err(_) => {}
        }
        self.busy = if matches!(found, Ok(false)) {
            0
        } else {
            self.busy.saturating_add(1)
        };
        let pause = PACE * 2_u32.saturating_pow(self.busy.saturating_sub(PATIENT).min(16));
        self.look_at = Some(Instant::now() + pause.min(LONGEST));
    }

    /// Removes the tables.
    pub(super) fn end(&mut self) {
        if let Some(firewall) = &mut self.firewall
            && let Err(error) = firewall.remove()
        {
            tracing::error!(target: "vrrp", "cannot remove nftables' tables {}: {error}", firewall.table());
        }
        self.sysctls.restore(IGMP);
    }
}

/// A link-local address may be on several interfaces (fact 10.4). One whose interface is not there has no traffic.
fn entry(block: &Block, inventory: &Inventory) -> Option<Blocked> {
    match block.address {
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            local(address, &block.interface, block.by_name, inventory)
        }
        address => Some(Blocked::Address(address)),
    }
}

fn local(address: Ipv6Addr, interface: &IfName, by_name: bool, inventory: &Inventory) -> Option<Blocked> {
    if by_name {
        return Some(Blocked::OnName(address, interface.clone()));
    }
    let index = inventory.index_of(interface)?;
    Some(Blocked::OnIndex(address, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_once_until_it_works_or_is_another() {
        let [unsupported, denied] = [libc::EOPNOTSUPP, libc::EPERM].map(io::Error::from_raw_os_error);
        let mut told = Told::default();
        assert!(told.is_news(&unsupported));
        assert!(!told.is_news(&unsupported));
        assert!(told.is_news(&denied));
        assert!(told.is_news(&unsupported));
        told.it_works();
        assert!(told.is_news(&unsupported));
    }
}
