//! What both kinds of histories have in common: what is to come in the order of its time, and packets and interfaces as
//! an engine is told of them.

use crate::setting::address;
use std::collections::BTreeMap;
use steadfast::clock::Instant;
use steadfast::net::*;
use steadfast::vrrp::Engine;
use steadfast::vrrp::event::{Datagram, Transmit};

/// What will happen; of one moment in the order in which it was planned.
pub(crate) struct Agenda<T> {
    coming: BTreeMap<(Instant, u64), T>,
    sequence: u64,
}

/// What comes first.
pub(crate) enum Next<T> {
    Coming(T),
    Deadline(usize),
    Wake(usize),
}

impl<T> Agenda<T> {
    pub(crate) fn new() -> Self {
        Self {
            coming: BTreeMap::new(),
            sequence: 0,
        }
    }

    pub(crate) fn plan(&mut self, at: Instant, coming: T) {
        self.sequence += 1;
        self.coming.insert((at, self.sequence), coming);
    }

    /// The next thing until `end`, if there is one: what was planned, an engine's deadline, or the end of its pause.
    pub(crate) fn next<'e>(
        &mut self,
        end: Instant,
        daemons: impl Iterator<Item = (Option<&'e Engine>, Option<Instant>)>,
    ) -> Option<(Instant, Next<T>)> {
        let wakes = daemons.enumerate().filter_map(|(node, daemon)| match daemon {
            (_, Some(until)) => Some((until, Next::Wake(node))),
            (engine, None) => Some((engine?.next_deadline()?, Next::Deadline(node))),
        });
        let wake = wakes.min_by_key(|(at, _)| *at).filter(|(at, _)| *at <= end);
        let planned = self.coming.first_entry().filter(|first| first.key().0 <= end);
        match (planned, wake) {
            // What arrives at the moment of a deadline was there before it.
            (Some(first), wake) if wake.as_ref().is_none_or(|(at, _)| first.key().0 <= *at) => {
                Some((first.key().0, Next::Coming(first.remove())))
            }
            (_, wake) => wake,
        }
    }

    /// Takes out what is `wanted` of all that is planned.
    pub(crate) fn take(&mut self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let all = std::mem::take(&mut self.coming).into_iter();
        let (taken, left): (BTreeMap<_, _>, _) = all.partition(|(_, coming)| wanted(coming));
        self.coming = left;
        taken.into_values().collect()
    }
}

/// What arrives of `transmit`.
pub(crate) fn arrived(transmit: &Transmit) -> Datagram {
    Datagram {
        interface: transmit.interface,
        source: transmit.source,
        destination: transmit.destination,
        ttl: Some(transmit.ttl),
        claimed_len: transmit.payload.len(),
        id: transmit.id,
        carrier: transmit.carrier,
        payload: transmit.payload.clone(),
    }
}

/// An interface of `node` on segment `net`, with its own address if it is `addressed`, and with those `held`.
pub(crate) fn interface_status(
    (net, node): (usize, usize),
    (name, index): (IfName, IfIndex),
    (up, addressed): (bool, bool),
    held: impl Iterator<Item = Cidr>,
) -> InterfaceStatus {
    let own = addressed.then(|| Cidr::host(address(net, node)));
    let addresses = own.into_iter().chain(held).map(|cidr| InterfaceAddress {
        cidr,
        tentative: false,
    });
    let octet = |n: usize| u8::try_from(n).unwrap();
    InterfaceStatus {
        name,
        index,
        mac: Some(Mac([2, 0, 0, 0, octet(net), octet(node)])),
        mtu: 1500,
        up,
        multicast: true,
        noarp: false,
        loopback: false,
        addresses: addresses.collect(),
        made: LinkTraits::default(),
    }
}
