//! Tables of marks as messages, beside keepalived's.

use super::*;
use crate::netfilter::wire::batch;
use std::collections::BTreeMap;

const V4: TableFamily = TableFamily::Ip;
const V6: TableFamily = TableFamily::Ip6;

fn settings(counters: bool) -> MarkSettings {
    MarkSettings {
        table: "marks".into(),
        priority: -7,
        counters,
    }
}

fn marked(transport: Transport, first: &str, last: &str, port: u16, mark: u32) -> Marked {
    Marked {
        transport,
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
        port,
        mark,
    }
}

/// Two groups, the first of them for two protocols.
fn groups() -> Vec<Marked> {
    let first = |transport, mark| {
        [
            marked(transport, "10.0.0.1", "10.0.0.1", 80, mark),
            marked(transport, "10.0.0.10", "10.0.0.20", 81, mark),
            marked(transport, "10.1.0.0", "10.1.0.255", 82, mark),
        ]
    };
    let second = [
        marked(Transport::Tcp, "10.4.0.1", "10.4.0.1", 80, 502),
        marked(Transport::Tcp, "2001:db8:4::1", "2001:db8:4::1", 80, 502),
        marked(Transport::Tcp, "2001:db8::10", "2001:db8::20", 81, 502),
    ];
    let mut all = first(Transport::Udp, 500).to_vec();
    all.extend(first(Transport::Sctp, 501));
    all.extend(second);
    all
}

/// A message: what it does, to which family, with what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    kind: u8,
    family: u8,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    kind: u16,
    octets: Vec<u8>,
    nested: Vec<Self>,
}

/// Reads attributes. Their order means nothing, but for those of one kind.
fn attributes(mut octets: &[u8]) -> Vec<Attribute> {
    let mut out = Vec::new();
    while octets.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([octets[0], octets[1]]));
        let kind = u16::from_ne_bytes([octets[2], octets[3]]);
        let value = &octets[4..length];
        let nested = kind & 0x8000 != 0;
        out.push(Attribute {
            kind: kind & 0x3fff,
            octets: if nested { Vec::new() } else { value.to_vec() },
            nested: if nested { attributes(value) } else { Vec::new() },
        });
        octets = octets.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    out.sort_by_key(|attribute| attribute.kind);
    out
}

/// What is said of the table, element by element, without the numbers by which sets are known within a batch.
fn read(kind: u8, family: u8, octets: &[u8]) -> Vec<Said> {
    let mut attributes = attributes(octets);
    match kind {
        9 => attributes.retain(|it| it.kind != 10),
        12 | 14 => attributes.retain(|it| it.kind != 4),
        6 => attributes
            .iter_mut()
            .filter(|it| it.kind == 4)
            .flat_map(|steps| &mut steps.nested)
            .filter(|step| step.nested[0].octets == b"lookup\0")
            .for_each(|step| step.nested[1].nested.retain(|it| it.kind != 4)),
        _ => {}
    }
    let said = |attributes| Said {
        kind,
        family,
        attributes,
    };
    if kind != 12 && kind != 14 {
        return vec![said(attributes)];
    }
    let at = attributes.iter().position(|it| it.kind == 3).unwrap();
    let list = attributes.remove(at).nested;
    let each = list.into_iter().map(|element| {
        let mut one = attributes.clone();
        one.push(element);
        said(one)
    });
    each.collect()
}

fn sent(messages: &[Message]) -> Vec<Said> {
    let (datagram, _) = batch(messages, 1);
    let mut rest = datagram.as_slice();
    let mut out = Vec::new();
    while rest.len() >= 16 {
        let length = u32::from_ne_bytes(*rest.first_chunk().unwrap()) as usize;
        // The borders of a batch are no messages of nftables.
        if rest[5] == 10 {
            out.extend(read(rest[4], rest[16], &rest[20..length]));
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    out
}

fn keepalived(counters: bool) -> Vec<Said> {
    let text = include_str!("keepalived.txt");
    let (plain, counting) = text.split_once("counters\n0").unwrap();
    let text = if counters {
        format!("0{counting}")
    } else {
        plain.to_owned()
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .flat_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let octet = |at: usize| u8::from_str_radix(&words[2][at..at + 2], 16).unwrap();
            let octets: Vec<u8> = (0..words[2].len()).step_by(2).map(octet).collect();
            read(words[0].parse().unwrap(), words[1].parse().unwrap(), &octets)
        })
        .collect()
}

/// Tables, chains, maps with their types, rules with their steps, elements with their ends.
///
/// LVS facts: 2.26
#[test]
fn tables_are_made_as_keepalived_makes_them() {
    for counters in [false, true] {
        let (messages, _) = MarkTables::new(settings(counters)).becoming(&groups());
        let mut ours = sent(&messages);
        // A table of an earlier run is replaced: keepalived would add to it.
        let deleted: Vec<Said> = ours.iter().filter(|it| it.kind == 2).cloned().collect();
        assert_eq!(deleted.iter().map(|it| it.family).collect::<Vec<_>>(), [2, 10]);
        ours.retain(|it| it.kind != 2);
        ours.sort();
        ours.dedup();
        let mut theirs = keepalived(counters);
        theirs.sort();
        assert_eq!(theirs.len(), 21);
        assert_eq!(ours, theirs, "counters: {counters}");
    }
}

/// How often each kind of message is said.
fn kinds(messages: &[Message]) -> BTreeMap<u8, usize> {
    let mut out = BTreeMap::new();
    for it in sent(messages) {
        *out.entry(it.kind).or_default() += 1;
    }
    out
}

/// LVS facts: 2.26
#[test]
fn a_change_is_told_element_by_element() {
    let (_, tables) = MarkTables::new(settings(false)).becoming(&groups());
    assert_eq!(tables.becoming(&groups()).0, []);
    let mut wider = groups();
    wider[1].last = "10.0.0.30".parse().unwrap();
    let (messages, _) = tables.becoming(&wider);
    assert_eq!(kinds(&messages), BTreeMap::from([(14, 1), (12, 1)]));
    let mut more = groups();
    more.push(marked(Transport::Udp, "2001:db8::7", "2001:db8::7", 53, 503));
    let (messages, _) = tables.becoming(&more);
    assert_eq!(
        kinds(&messages),
        BTreeMap::from([(9, 1), (6, 1), (12, 1)]),
        "a map, its rule"
    );
    let (messages, fewer) = tables.becoming(&groups()[..1]);
    assert_eq!(kinds(&messages), BTreeMap::from([(14, 8)]));
    assert!(fewer.has(V4) && fewer.has(V6));
}

/// LVS facts: 2.26, 17.5
#[test]
fn without_marks_the_tables_go() {
    let (_, tables) = MarkTables::new(settings(false)).becoming(&groups()[..1]);
    let (messages, none) = tables.becoming(&[]);
    let said = sent(&messages);
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].kind, said[0].family), (2, 2));
    assert!(!none.has(V4));
    assert_eq!(none.becoming(&[]).0, []);
    let (again, _) = none.becoming(&groups()[..1]);
    assert_eq!(
        kinds(&again),
        BTreeMap::from([(0, 2), (2, 1), (3, 1), (6, 1), (9, 1), (12, 1)])
    );
}

/// Attributes have lengths of 16 bits.
#[test]
fn many_ranges_take_several_messages() {
    let each = (0..3000_u128).map(|n| {
        let address = Ipv6Addr::from_bits(n * 2).to_string();
        marked(Transport::Tcp, &address, &address, 80, 7)
    });
    let all: Vec<Marked> = each.collect();
    let (messages, full) = MarkTables::new(settings(true)).becoming(&all);
    let (other, _) = full.becoming(&groups());
    for message in messages.iter().chain(&other) {
        let length = netlink_packet_core::NetlinkSerializable::buffer_len(message);
        assert!(length < 1 << 16, "{length}");
    }
    assert_eq!(kinds(&messages)[&12], 3000);
}
