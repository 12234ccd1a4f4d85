//! Ranges of addresses and ports without overlaps.

use std::collections::{BTreeMap, BTreeSet};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u128,
    pub(super) last: u128,
    /// 0: every port.
    pub(super) port: u16,
    pub(super) mark: u32,
}

/// All of these ports of all of these addresses, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Square {
    pub(super) addresses: (u128, u128),
    pub(super) ports: (u16, u16),
    pub(super) mark: u32,
}

/// Intervals that do not overlap: the last address and the mark, by the first.
type Intervals = BTreeMap<u128, (u128, u32)>;

/// The same without overlaps: an earlier range goes before a later one, and one of a port before one of every port.
pub(super) fn disjoint(ranges: &[Range]) -> Vec<Square> {
    let mut ports: BTreeMap<u16, Intervals> = BTreeMap::new();
    for range in ranges {
        add(ports.entry(range.port).or_default(), range);
    }
    let every = ports.remove(&0).unwrap_or_default();
    let mut out = Vec::new();
    for (port, intervals) in &ports {
        out.extend(intervals.iter().map(|(first, (last, mark))| Square {
            addresses: (*first, *last),
            ports: (*port, *port),
            mark: *mark,
        }));
    }
    out.extend(between(&every, &ports));
    out
}

/// Adds what is free of a range.
fn add(intervals: &mut Intervals, range: &Range) {
    if range.last < range.first {
        return;
    }
    let mut free = Vec::new();
    let mut next = Some(range.first);
    let before = intervals.range(..range.first).next_back();
    let from = before.map_or(range.first, |(first, _)| *first);
    for (first, (last, _)) in intervals.range(from..=range.last) {
        let Some(start) = next else { break };
        if *first > start {
            free.push((start, first - 1));
        }
        if *last >= start {
            next = last.checked_add(1);
        }
    }
    if let Some(start) = next.filter(|start| *start <= range.last) {
        free.push((start, range.last));
    }
    intervals.extend(free.into_iter().map(|(first, last)| (first, (last, range.mark))));
}

/// Every port of `every`, but for those that have intervals of their own.
fn between(every: &Intervals, ports: &BTreeMap<u16, Intervals>) -> Vec<Square> {
    // Where a port's own interval begins, and where one has ended.
    let mut turns: BTreeMap<u128, Vec<(u16, bool)>> = BTreeMap::new();
    for (port, intervals) in ports {
        for (first, (last, _)) in intervals {
            turns.entry(*first).or_default().push((*port, true));
            if let Some(behind) = last.checked_add(1) {
                turns.entry(behind).or_default().push((*port, false));
            }
        }
    }
    let mut turns = turns.into_iter().peekable();
    let mut taken: BTreeSet<u16> = BTreeSet::new();
    let mut out = Vec::new();
    for (first, (last, mark)) in every {
        let mut start = *first;
        while let Some((at, changes)) = turns.next_if(|(at, _)| at <= last) {
            if at > start {
                gaps(&taken, (start, at - 1), *mark, &mut out);
                start = at;
            }
            // Ends come first: an interval may begin where another of the same port has ended.
            for (port, _) in changes.iter().filter(|(_, begins)| !begins) {
                taken.remove(port);
            }
            taken.extend(
                changes
                    .iter()
                    .filter(|(_, begins)| *begins)
                    .map(|(port, _)| *port),
            );
        }
        gaps(&taken, (start, *last), *mark, &mut out);
    }
    out
}

/// The ports between those that are taken.
fn gaps(taken: &BTreeSet<u16>, addresses: (u128, u128), mark: u32, out: &mut Vec<Square>) {
    let mut push = |ports: (u16, u16)| {
        out.push(Square {
            addresses,
            ports,
            mark,
        });
    };
    let mut next = Some(0_u16);
    for port in taken {
        let Some(start) = next else { break };
        if *port > start {
            push((start, port - 1));
        }
        next = port.checked_add(1);
    }
    if let Some(start) = next {
        push((start, u16::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(first: u128, last: u128, port: u16, mark: u32) -> Range {
        Range {
            first,
            last,
            port,
            mark,
        }
    }

    fn square(addresses: (u128, u128), ports: (u16, u16), mark: u32) -> Square {
        Square {
            addresses,
            ports,
            mark,
        }
    }

    #[test]
    fn what_does_not_overlap_is_left_alone() {
        let ranges = [range(1, 1, 80, 7), range(10, 20, 81, 7), range(1, 1, 81, 8)];
        assert_eq!(
            disjoint(&ranges),
            [
                square((1, 1), (80, 80), 7),
                square((1, 1), (81, 81), 8),
                square((10, 20), (81, 81), 7),
            ]
        );
        assert_eq!(
            disjoint(&[range(0, u128::MAX, 0, 1)]),
            [square((0, u128::MAX), (0, u16::MAX), 1)]
        );
    }

    #[test]
    fn a_port_of_its_own_goes_before_every_port() {
        let ranges = [range(1, 9, 0, 7), range(5, 5, 80, 8)];
        assert_eq!(
            disjoint(&ranges),
            [
                square((5, 5), (80, 80), 8),
                square((1, 4), (0, u16::MAX), 7),
                square((5, 5), (0, 79), 7),
                square((5, 5), (81, u16::MAX), 7),
                square((6, 9), (0, u16::MAX), 7),
            ]
        );
    }

    /// What `ranges` say of an address and a port.
    fn said(ranges: &[Range], address: u128, port: u16) -> Option<u32> {
        let mut here = ranges
            .iter()
            .filter(|it| it.first <= address && address <= it.last);
        let own = here.clone().find(|it| it.port == port && port != 0);
        own.or_else(|| here.find(|it| it.port == 0)).map(|it| it.mark)
    }

    proptest! {
        #[test]
        fn every_address_and_port_has_the_mark_of_the_first_range_once(
            ranges in prop::collection::vec((0..12_u128, 0..6_u128, 0..4_u16, 1..5_u32), 0..12)
        ) {
            let ranges: Vec<Range> = ranges
                .into_iter()
                .map(|(first, more, port, mark)| range(first, first + more, port, mark))
                .collect();
            let squares = disjoint(&ranges);
            for address in 0..20 {
                for port in [0, 1, 2, 3, 4, u16::MAX] {
                    let hits: Vec<u32> = squares
                        .iter()
                        .filter(|it| it.addresses.0 <= address && address <= it.addresses.1)
                        .filter(|it| it.ports.0 <= port && port <= it.ports.1)
                        .map(|it| it.mark)
                        .collect();
                    prop_assert_eq!(hits, Vec::from_iter(said(&ranges, address, port)));
                }
            }
        }
    }
}
