//! What a message tells of traffic. Kernels from 4.1 on count in 64 bits; older ones have counters that begin anew.

use super::{Attribute, Message, attr, first32, number32, parse_all, value};
use crate::ipvs::stats::{Figures, Load, Traffic};

/// Attributes of a service.
mod svc {
    pub(super) const STATS: u16 = 10;
    pub(super) const STATS64: u16 = 12;
}

/// Attributes of a destination.
mod dest {
    pub(super) const ACTIVE: u16 = 7;
    pub(super) const INACTIVE: u16 = 8;
    pub(super) const PERSISTENT: u16 = 9;
    pub(super) const STATS: u16 = 10;
    pub(super) const STATS64: u16 = 12;
}

/// Attributes of statistics: five totals, then five rates.
const TOTALS: [u16; 5] = [1, 2, 3, 4, 5];
const RATES: [u16; 5] = [6, 7, 8, 9, 10];

impl Message {
    /// The traffic of the service that this message describes; zeros where it tells nothing.
    pub fn service_traffic(&self) -> Traffic {
        let service = self.inner(attr::SERVICE).unwrap_or_default();
        traffic(&service, svc::STATS64, svc::STATS)
    }

    /// The same of a destination, with its connections.
    pub fn destination_load(&self) -> Load {
        let server = self.inner(attr::DEST).unwrap_or_default();
        let count = |kind| number32(&server, kind).map_or(0, u64::from);
        Load {
            traffic: traffic(&server, dest::STATS64, dest::STATS),
            active: count(dest::ACTIVE),
            inactive: count(dest::INACTIVE),
            persistent: count(dest::PERSISTENT),
        }
    }
}

fn traffic(of: &[Attribute], wide: u16, narrow: u16) -> Traffic {
    let stats = value(of, wide).or_else(|| value(of, narrow));
    let stats = stats
        .and_then(|octets| parse_all(octets).ok())
        .unwrap_or_default();
    let figures = |kinds: [u16; 5]| Figures::of(kinds.map(|kind| number(&stats, kind)));
    Traffic {
        total: figures(TOTALS),
        rate: figures(RATES),
    }
}

/// A number of 64 bits or of 32: the older attribute has both.
fn number(stats: &[Attribute], kind: u16) -> u64 {
    let octets = value(stats, kind).unwrap_or_default();
    match octets.first_chunk() {
        Some(whole) => u64::from_ne_bytes(*whole),
        None => first32(octets).map_or(0, u64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipvs::wire::{command, nested};

    fn wide(first: u64) -> Vec<Attribute> {
        let kinds = TOTALS.into_iter().chain(RATES);
        kinds
            .zip(first..)
            .map(|(kind, number)| Attribute::new(kind, number.to_ne_bytes().into()))
            .collect()
    }

    /// As an old kernel has them: octets are 64 bits wide, all else is 32.
    fn narrow(first: u32) -> Vec<Attribute> {
        let kinds = TOTALS.into_iter().chain(RATES);
        let attribute = |(kind, number): (u16, u32)| match kind {
            4 | 5 => Attribute::new(kind, u64::from(number).to_ne_bytes().into()),
            _ => Attribute::new(kind, number.to_ne_bytes().into()),
        };
        kinds.zip(first..).map(attribute).collect()
    }

    fn message(kind: u16, inner: &[Attribute]) -> Message {
        Message {
            command: command::NEW_DEST,
            attributes: vec![nested(kind, inner)],
        }
    }

    fn counted(first: u64) -> Traffic {
        let of = |n: u64| Figures::of([n, n + 1, n + 2, n + 3, n + 4]);
        Traffic {
            total: of(first),
            rate: of(first + 5),
        }
    }

    #[test]
    fn wide_counters_come_first_and_narrow_ones_where_there_are_no_others() {
        let beyond = u64::from(u32::MAX) + 1;
        let both = [
            nested(svc::STATS, &narrow(7)),
            nested(svc::STATS64, &wide(beyond)),
        ];
        assert_eq!(message(attr::SERVICE, &both).service_traffic(), counted(beyond));
        let old = [nested(svc::STATS, &narrow(7))];
        assert_eq!(message(attr::SERVICE, &old).service_traffic(), counted(7));
        assert_eq!(message(attr::SERVICE, &[]).service_traffic(), Traffic::default());
        // Of the other thing.
        assert_eq!(message(attr::DEST, &both).service_traffic(), Traffic::default());
    }

    #[test]
    fn a_destination_has_its_connections_too() {
        let count = |kind, number: u32| Attribute::new(kind, number.to_ne_bytes().into());
        let inner = [
            count(dest::ACTIVE, 3),
            count(dest::INACTIVE, 4),
            count(dest::PERSISTENT, 5),
            nested(dest::STATS64, &wide(20)),
        ];
        let load = Load {
            traffic: counted(20),
            active: 3,
            inactive: 4,
            persistent: 5,
        };
        assert_eq!(message(attr::DEST, &inner).destination_load(), load);
    }

    #[test]
    fn what_is_cut_short_counts_for_nothing() {
        let short = [nested(svc::STATS64, &[Attribute::new(1, vec![1, 2])])];
        assert_eq!(
            message(attr::SERVICE, &short).service_traffic(),
            Traffic::default()
        );
        let broken = [Attribute::new(svc::STATS64, vec![9, 0, 1])];
        assert_eq!(
            message(attr::SERVICE, &broken).service_traffic(),
            Traffic::default()
        );
    }
}
