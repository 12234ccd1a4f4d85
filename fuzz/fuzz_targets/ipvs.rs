//! Any octets that come from the kernel's IPVS: services, destinations, verdicts. No panic; what was understood is asked for
//! in the same words, and a table that was read is no different from itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use steadfast::ipvs::datagram::{Part, each};
use steadfast::ipvs::diff::{Op, diff, diff_service};
use steadfast::ipvs::io::TalkError;
use steadfast::ipvs::model::{Protocol, ServiceEntry, ServiceKey, Table};
use steadfast::ipvs::wire::Message;
use steadfast::net::Family;

/// What a family id may be that is none of netlink's own numbers.
const IPVS: u16 = 32;

/// The text's octets as messages: each has its length put right, which no search would find, its kind, and attributes of
/// a service and a destination around what comes.
fn framed(input: &[u8]) -> Vec<u8> {
    /// Services, destinations, the version; errors and the end come raw.
    const COMMANDS: [u8; 4] = [1, 5, 14, 0];
    let mut all = Vec::new();
    let mut rest = input;
    while let [kind, sequence, length, after @ ..] = rest {
        let (body, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        let inner = attributes(body);
        let mut payload = vec![COMMANDS[usize::from(*kind) % COMMANDS.len()], 1, 0, 0];
        payload.extend((inner.len() as u16 + 4).to_ne_bytes());
        payload.extend((u16::from(*kind >> 7) + 1 | 0x8000).to_ne_bytes());
        payload.extend(inner);
        all.extend((16 + payload.len() as u32).to_ne_bytes());
        all.extend(IPVS.to_ne_bytes());
        all.extend(2_u16.to_ne_bytes());
        all.extend(u32::from(*sequence).to_ne_bytes());
        all.extend([0; 4]);
        all.extend(payload);
        all.resize(all.len().next_multiple_of(4), 0);
    }
    all
}

/// Attributes: of each its kind, its length, and its value.
fn attributes(input: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = input;
    while let [kind, length, after @ ..] = rest {
        let (value, after) = after.split_at(usize::from(length % 32).min(after.len()));
        rest = after;
        all.extend((value.len() as u16 + 4).to_ne_bytes());
        all.extend(u16::from(kind % 20).to_ne_bytes());
        all.extend(value);
        all.resize(all.len().next_multiple_of(4), 0);
    }
    all
}

/// A service that is there whatever comes.
fn known() -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: SocketAddr::from(([192, 0, 2, 1], 80)),
    }
}

fn check(datagram: &[u8]) {
    let mut table = Table::default();
    let mut key = known();
    let read = each::<Message, TalkError>(datagram, |_, part| {
        let message = match part {
            Part::Message(message) => message,
            Part::Done | Part::Verdict(_) | Part::Other => return Ok(true),
        };
        let _ = (message.version_told(), message.service_traffic(), message.destination_load());
        if let Some((found, service)) = message.service() {
            let again = Message::change(&Op::AddService(found, service.clone()));
            assert_eq!(again.service(), Some((found, service.clone())));
            key = found;
            let destinations = Default::default();
            table.services.insert(
                found,
                ServiceEntry {
                    service,
                    destinations,
                },
            );
        }
        for family in [Family::V4, Family::V6] {
            if let Some((address, server)) = message.destination(family) {
                let again = Message::change(&Op::AddDestination(key, address, server));
                assert_eq!(again.destination(family), Some((address, server)));
                if let Some(entry) = table.services.get_mut(&key) {
                    entry.destinations.insert(address, server);
                }
            }
        }
        Ok(true)
    });
    if let Err(error) = read {
        assert!(!error.to_string().is_empty());
    }
    let all = table.services.keys().copied().collect();
    assert_eq!(diff(&table, &table, &all), []);
    for (key, entry) in &table.services {
        let mut ops = Vec::new();
        diff_service(key, Some(entry), None, &mut ops);
        let mut empty = Table::default();
        for op in &ops {
            assert_eq!(empty.apply(op), Ok(()));
        }
        assert_eq!(empty.services.get(key), Some(entry));
    }
}

fuzz_target!(|input: &[u8]| {
    check(input);
    check(&framed(input));
});
