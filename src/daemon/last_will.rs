//! What is left to be done when the VRRP plane dies: say priority 0 for every master and remove what it holds.
//!
//! Kept up to date from the engine's actions by the plane's driver, so that it needs neither the engine nor the plane's
//! sockets. The lock is the plane's alone until the plane is dead.

use crate::net::{AddressSpec, Family, Good, Goods, IfIndex};
use crate::netlink::apply::Refusal;
use crate::netlink::message::Request;
use crate::netlink::{Inventory, NetlinkError, Requests, route, rule};
use crate::vrrp::RouterId;
use crate::vrrp::event::{Carrier, Order, Transmit};
use crate::vrrp::io::{Sender, socket};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last words and the goods of a VRRP plane.
#[derive(Debug, Default)]
pub struct LastWill(Mutex<Testament>);

#[derive(Debug, Default)]
struct Testament {
    /// What each master sent last, to each destination.
    adverts: BTreeMap<(RouterId, IpAddr), Transmit>,
    /// What each router holds.
    held: BTreeMap<RouterId, Goods>,
}

impl LastWill {
    /// An advert leaves: its router is master, or says that it no longer is.
    pub fn sent(&self, packet: &Transmit) {
        let mut will = self.open();
        if packet.priority() == Some(0) {
            will.adverts.retain(|(router, _), _| *router != packet.router);
            return;
        }
        let last = (packet.router, packet.destination);
        will.adverts.insert(last, packet.clone());
    }

    /// Addresses, routes and rules are about to be installed.
    pub fn holds(&self, order: &Order) {
        let mut will = self.open();
        let held = will.held.entry(order.router).or_default();
        held.without(&order.goods);
        held.extend(order.goods.clone());
    }

    /// They are about to be removed. A router that holds none any more is no master.
    pub fn releases(&self, order: &Order) {
        let mut will = self.open();
        let held = will.held.entry(order.router).or_default();
        held.without(&order.goods);
        if held.is_empty() {
            will.held.remove(&order.router);
            will.adverts.retain(|(router, _), _| *router != order.router);
        }
    }

    /// Nothing is left to be done.
    pub fn clear(&self) {
        *self.open() = Testament::default();
    }

    /// Does it, once: priority 0 for every master, then all held addresses are removed. Blocks; needs nothing of the
    /// plane. Failures are logged: there is nobody left to tell.
    pub fn carry_out(&self) {
        let Testament { adverts, held } = std::mem::take(&mut *self.open());
        let goodbyes: Vec<Transmit> = adverts.values().filter_map(goodbye).collect();
        say(&goodbyes);
        let mut all = Goods::default();
        held.into_values().for_each(|goods| all.extend(goods));
        withdraw(all);
    }

    fn open(&self) -> MutexGuard<'_, Testament> {
        // A panic of the plane can leave the lock poisoned; each change is whole all the same.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PRIORITY: usize = 2;
const CHECKSUM: usize = 6;

/// `advert` with priority 0. `None` when it is no advert.
///
/// The checksum is corrected for the one octet (RFC 1624), which is right whatever version and pseudo header it
/// covers; that of IPv6 is the kernel's. What is authenticated brings its own.
pub fn goodbye(advert: &Transmit) -> Option<Transmit> {
    let mut packet = advert.clone();
    if let Some(authentic) = packet.goodbye.take() {
        packet.payload = authentic;
        return Some(packet);
    }
    let priority = packet.payload.get_mut(PRIORITY)?;
    let old = u16::from_be_bytes([std::mem::take(priority), 0]);
    let sum: &mut [u8; 2] = packet.payload.get_mut(CHECKSUM..)?.first_chunk_mut()?;
    match Family::of(&packet.destination) {
        Family::V4 => {
            // HC' = ~(~HC + ~m + m'), with m' of the changed octet 0.
            let total = u32::from(!u16::from_be_bytes(*sum)) + u32::from(!old);
            let folded = (total & 0xffff) + (total >> 16);
            *sum = (!u16::try_from(folded).ok()?).to_be_bytes();
        }
        Family::V6 => {}
    }
    Some(packet)
}

fn say(goodbyes: &[Transmit]) {
    let mut senders: BTreeMap<(Family, Carrier, IfIndex), Option<Sender>> = BTreeMap::new();
    for packet in goodbyes {
        let key = (Family::of(&packet.destination), packet.carrier, packet.interface);
        let sender = senders
            .entry(key)
            .or_insert_with(|| match socket::open_send(key.0, key.1, key.2) {
                Ok(socket) => Some(Sender::new(socket)),
                Err((what, error)) => {
                    tracing::error!(target: "vrrp", "last words: cannot {what}: {error}");
                    None
                }
            });
        if let Some(sender) = sender
            && let Err(error) = sender.send(packet)
        {
            tracing::error!(target: "vrrp", "last words to {}: {error}", packet.destination);
        }
    }
}

/// Rules, then routes, then addresses (fact 16.7).
fn withdraw(goods: Goods) {
    let Goods {
        addresses,
        routes,
        rules,
    } = goods;
    let index = |spec: AddressSpec| {
        let index = nix::net::if_::if_nametoindex(spec.interface.as_str()).ok()?;
        Some((spec, IfIndex(index)))
    };
    let found: Vec<(AddressSpec, IfIndex)> = addresses.into_iter().filter_map(index).collect();
    if !rules.is_empty() || !routes.is_empty() {
        let mut inventory = Inventory::default();
        match Requests::open().and_then(|mut netlink| netlink.dump()) {
            Ok(dump) => inventory.replace(dump),
            Err(error) => tracing::error!(target: "vrrp", "cannot ask for interfaces: {error}"),
        }
        let rules = rules.into_iter().map(|one| (rule::delete(&one), one.into()));
        let routes = routes
            .into_iter()
            .filter_map(|one| Some((route::delete(&one, &inventory).ok()?, one.into())));
        let (changes, goods): (Vec<Request>, Vec<Good>) = rules.chain(routes).unzip();
        remove(&goods, |netlink| netlink.ask(changes));
    }
    let goods: Vec<Good> = found.iter().map(|(spec, _)| spec.clone().into()).collect();
    remove(&goods, |netlink| netlink.delete(&found));
}

fn remove(goods: &[Good], ask: impl FnOnce(&mut Requests) -> Result<Vec<Result<(), Refusal>>, NetlinkError>) {
    if goods.is_empty() {
        return;
    }
    match Requests::open().and_then(|mut netlink| ask(&mut netlink)) {
        Ok(answers) => {
            for (good, answer) in goods.iter().zip(answers) {
                match answer {
                    Ok(()) => {}
                    Err(refusal) if refusal.not_there() => {}
                    Err(refusal) => tracing::error!(target: "vrrp", "cannot remove {good}: {refusal}"),
                }
            }
        }
        Err(error) => tracing::error!(target: "vrrp", "cannot remove addresses, routes and rules: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Cidr, IfName};

    fn advert(router: u32, destination: &str, payload: &[u8]) -> Transmit {
        Transmit {
            router: RouterId(router),
            interface: IfIndex(2),
            source: "10.9.0.1".parse().unwrap(),
            destination: destination.parse().unwrap(),
            ttl: 255,
            id: 1,
            carrier: Carrier::Plain,
            old_checksum: false,
            payload: payload.to_vec(),
            goodbye: None,
        }
    }

    /// Both captured from keepalived 2.2.7, which had computed each afresh.
    #[test]
    fn a_goodbye_is_what_a_stopping_keepalived_sends() {
        let v2 = [
            0x21, 0x33, 0x64, 0x03, 0x01, 0x01, 0x0d, 0x1b, 0x0a, 0x09, 0x00, 0x64, 0x0a, 0x09, 0x00, 0x65,
            0x0a, 0x09, 0x00, 0x66, 0x71, 0x77, 0x61, 0x73, 0x7a, 0x78, 0x00, 0x00,
        ];
        let said = goodbye(&advert(1, "224.0.0.18", &v2)).unwrap().payload;
        assert_eq!(said[..8], [0x21, 0x33, 0x00, 0x03, 0x01, 0x01, 0x71, 0x1b]);
        assert_eq!(said[8..], v2[8..]);
        let v3 = [
            0x31, 0x34, 0x64, 0x01, 0x00, 0x64, 0x75, 0x56, 0x0a, 0x09, 0x00, 0x6e,
        ];
        let said = goodbye(&advert(1, "224.0.0.18", &v3)).unwrap().payload;
        assert_eq!(
            said,
            [
                0x31, 0x34, 0x00, 0x01, 0x00, 0x64, 0xd9, 0x56, 0x0a, 0x09, 0x00, 0x6e
            ]
        );
        let v6 = goodbye(&advert(1, "ff02::12", &[0x31, 0x35, 0x64, 1, 0, 0x64, 0, 0])).unwrap();
        assert_eq!(v6.payload, [0x31, 0x35, 0, 1, 0, 0x64, 0, 0]);
        assert_eq!(goodbye(&advert(1, "224.0.0.18", &[0x31, 0x34])), None);
    }

    fn order(router: u32, addresses: &[&str]) -> Order {
        let eth0 = IfName::new("eth0").unwrap();
        let spec = |address: &&str| AddressSpec::new(Cidr::host(address.parse().unwrap()), eth0.clone());
        Order {
            router: RouterId(router),
            generation: 1,
            goods: Goods {
                addresses: addresses.iter().map(spec).collect(),
                ..Goods::default()
            },
        }
    }

    #[test]
    fn only_masters_have_last_words() {
        let will = LastWill::default();
        let words = |will: &LastWill| will.open().adverts.len();
        let live = [0x31, 0x34, 0x64, 0x01, 0x00, 0x64, 0x75, 0x56];
        will.sent(&advert(1, "10.9.0.2", &live));
        will.sent(&advert(1, "10.9.0.3", &live));
        will.sent(&advert(1, "10.9.0.3", &live));
        will.sent(&advert(2, "10.9.0.3", &live));
        assert_eq!(words(&will), 3, "one for each router and peer");
        // Router 1 stops, by its own words.
        let mut end = live;
        end[2] = 0;
        will.sent(&advert(1, "10.9.0.2", &end));
        assert_eq!(words(&will), 1);
        // Router 2 yields without a word: its addresses go.
        will.holds(&order(2, &["10.9.0.100", "10.9.0.101"]));
        will.releases(&order(2, &["10.9.0.100"]));
        assert_eq!(
            words(&will),
            1,
            "a master that lost one of two addresses to a reload is still master"
        );
        will.releases(&order(2, &["10.9.0.101"]));
        assert_eq!(words(&will), 0);
        assert!(will.open().held.is_empty());
    }
}
