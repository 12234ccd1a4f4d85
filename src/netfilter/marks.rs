//! Firewall marks for what is sent to ranges of addresses: tables of the two families as they shall be, and the messages
//! that make them so (LVS fact 2.26). Pure.
//!
//! A table has a chain for what comes in, and for each transport a map from address and port to mark, which a rule looks
//! into. A map and its rule are made when they are needed first, and go with the table, when nothing is marked any more.

mod cover;

use super::ruleset::{Sets, change_sets};
use super::wire::{
    Datatype, Element, Hook, Message, Meta, SetShape, Step, TableFamily, Verdict, base_chain, delete_table,
    new_rule, new_set, new_table,
};
use cover::{Range, Square};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How the tables are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkSettings {
    /// The name of both tables.
    pub table: String,
    /// Of the base chains.
    pub priority: i32,
    /// Rules and elements count.
    pub counters: bool,
}

/// What ports belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they name themselves")]
pub enum Transport {
    Tcp,
    Udp,
    Sctp,
}

impl Transport {
    const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    const fn map(self) -> &'static str {
        match self {
            Self::Tcp => "tcp_map",
            Self::Udp => "udp_map",
            Self::Sctp => "sctp_map",
        }
    }
}

/// What is sent to these addresses gets a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// What it is sent by.
    pub transport: Transport,
    /// The first address.
    pub first: IpAddr,
    /// The last, of the same family.
    pub last: IpAddr,
    /// 0: every port.
    pub port: u16,
    /// The mark.
    pub mark: u32,
}

/// The tables as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkTables {
    settings: MarkSettings,
    /// The tables that were made, each with its maps.
    made: BTreeMap<TableFamily, BTreeSet<Transport>>,
    sets: Sets,
}

const IN: &str = "in";

impl MarkTables {
    /// No table yet.
    pub const fn new(settings: MarkSettings) -> Self {
        Self {
            settings,
            made: BTreeMap::new(),
            sets: BTreeMap::new(),
        }
    }

    /// The name of both tables.
    pub fn name(&self) -> &str {
        &self.settings.table
    }

    /// Whether that table was made.
    pub fn has(&self, family: TableFamily) -> bool {
        self.made.contains_key(&family)
    }

    /// Whether any was made.
    pub fn are_made(&self) -> bool {
        !self.made.is_empty()
    }

    /// What the kernel has is unknown: the tables will be made anew.
    pub fn forget(&mut self) {
        self.made.clear();
        self.sets.clear();
    }

    /// What has to be told to the kernel so that this is marked, and how the tables are then. The kernel refuses ranges
    /// that overlap, so what an earlier one of `marked` has is not in a later one; and a port of its own goes before every
    /// port, as among the services of IPVS.
    pub fn becoming(&self, marked: &[Marked]) -> (Vec<Message>, Self) {
        let mut new = self.clone();
        new.sets = elements(marked);
        let mut messages = Vec::new();
        if marked.is_empty() {
            messages.extend(new.made.keys().map(|family| delete_table(*family, self.name())));
            new.made.clear();
            return (messages, new);
        }
        let mut wanted: BTreeSet<(TableFamily, Transport)> = BTreeSet::new();
        wanted.extend(marked.iter().map(|it| (family(it.first), it.transport)));
        for (family, transport) in wanted {
            let maps = new.made.entry(family).or_insert_with(|| {
                self.make_table(family, &mut messages);
                BTreeSet::new()
            });
            if maps.insert(transport) {
                self.make_map(family, transport, &mut messages);
            }
        }
        change_sets(self.name(), &self.sets, &new.sets, &mut messages);
        (messages, new)
    }

    /// In the place of one that an earlier run has left. It is deleted whether it is there or not, so it is made before.
    fn make_table(&self, family: TableFamily, out: &mut Vec<Message>) {
        let table = self.name();
        out.extend([
            new_table(family, table),
            delete_table(family, table),
            new_table(family, table),
            base_chain(family, table, IN, Hook::Input, self.settings.priority),
        ]);
    }

    fn make_map(&self, family: TableFamily, transport: Transport, out: &mut Vec<Message>) {
        let (address, port, key, ranges): (_, _, _, &[u32]) = match family {
            TableFamily::Ip => (
                Step::Network {
                    offset: 16,
                    length: 4,
                },
                // The second of the small registers that register 1 is made of.
                9,
                (Datatype::IPV4.then(Datatype::PORT), 8),
                &[4, 2],
            ),
            TableFamily::Ip6 => (
                Step::Network {
                    offset: 24,
                    length: 16,
                },
                2,
                (Datatype::IPV6.then(Datatype::PORT), 20),
                &[16, 2],
            ),
        };
        let shape = SetShape {
            name: transport.map(),
            key,
            data: Some((Datatype::MARK, 4)),
            constant: false,
            ranges,
            counters: self.settings.counters,
        };
        // Any number that no other map of the batch has.
        let id = u32::try_from(out.len()).unwrap_or(0).saturating_add(1);
        out.push(new_set(family, self.name(), &shape, id));
        let mut steps = vec![
            Step::Meta {
                key: Meta::L4Proto,
                register: 1,
            },
            Step::Equal {
                register: 1,
                value: vec![transport.number()],
            },
            address,
            Step::Transport {
                offset: 2,
                length: 2,
                register: port,
            },
            Step::Map {
                register: 1,
                map: transport.map(),
            },
            Step::Mark,
        ];
        steps.extend(self.settings.counters.then_some(Step::Counter));
        steps.push(Step::Verdict(Verdict::Return));
        out.push(new_rule(family, self.name(), IN, true, &steps));
    }
}

const fn family(address: IpAddr) -> TableFamily {
    match address {
        IpAddr::V4(_) => TableFamily::Ip,
        IpAddr::V6(_) => TableFamily::Ip6,
    }
}

/// What each map shall have.
fn elements(marked: &[Marked]) -> Sets {
    let mut ranges: BTreeMap<(TableFamily, Transport), Vec<Range>> = BTreeMap::new();
    for it in marked {
        let of = ranges.entry((family(it.first), it.transport)).or_default();
        of.push(Range {
            first: bits(it.first),
            last: bits(it.last),
            port: it.port,
            mark: it.mark,
        });
    }
    let of = |((family, transport), ranges): ((TableFamily, Transport), Vec<Range>)| {
        let squares = cover::disjoint(&ranges).into_iter();
        let elements = squares.map(|square| element(family, &square)).collect();
        ((family, transport.map()), elements)
    };
    ranges.into_iter().map(of).collect()
}

fn element(family: TableFamily, square: &Square) -> Element {
    let key = |address: u128, port: u16| {
        let mut key = match family {
            TableFamily::Ip => {
                let bits = u32::try_from(address).unwrap_or(u32::MAX);
                Ipv4Addr::from_bits(bits).octets().to_vec()
            }
            TableFamily::Ip6 => Ipv6Addr::from_bits(address).octets().to_vec(),
        };
        key.extend(port.to_be_bytes());
        // A field fills registers of four octets.
        key.extend([0, 0]);
        key
    };
    Element {
        key: key(square.addresses.0, square.ports.0),
        end: Some(key(square.addresses.1, square.ports.1)),
        data: Some(square.mark.to_ne_bytes().to_vec()),
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests;
