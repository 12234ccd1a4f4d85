//! What our tables shall have, and what has to be told to the kernel when that changes. Pure (facts 10.1 to 10.6).
//!
//! A part of a table (its sets and the rules that use them) is made when it is needed first, and stays until the end.

use super::wire::{
    Datatype, Element, Hook, Message, Meta, SetShape, Step, TableFamily, Verdict, add_elements, base_chain,
    chain, delete_elements, delete_table, new_rule, new_set, new_table,
};
use crate::net::{IfIndex, IfName};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

/// How the tables are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name of both tables.
    pub table: String,
    /// Of the base chains.
    pub priority: i32,
    /// Every rule counts.
    pub counters: bool,
    /// IGMP of virtual MACs is left alone: the kernel sends none.
    pub no_igmp: bool,
}

/// An address whose traffic is dropped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blocked {
    /// On every interface.
    Address(IpAddr),
    /// A link-local one, on the interface of this index.
    OnIndex(Ipv6Addr, IfIndex),
    /// A link-local one, on the interface of this name.
    OnName(Ipv6Addr, IfName),
}

/// A virtual MAC's interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vmac {
    /// Its index.
    pub index: IfIndex,
    /// The interface below it.
    pub parent: IfIndex,
    /// It has IPv4 addresses.
    pub v4: bool,
    /// It has IPv6 addresses.
    pub v6: bool,
    /// The link-local address of the interface below, if there is one.
    pub parent_link_local: Option<Ipv6Addr>,
}

/// All that the tables shall have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// What is dropped.
    pub blocked: BTreeSet<Blocked>,
    /// Whose group reports leave elsewhere.
    pub vmacs: BTreeSet<Vmac>,
}

/// The tables as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    settings: Settings,
    made: BTreeSet<Part>,
    sets: Sets,
}

/// Elements of one message: an attribute has 64 KiB at most, and an element up to 72 octets.
const MOST_ELEMENTS: usize = 768;

/// The elements of sets, by the tables' families and their names.
pub(super) type Sets = BTreeMap<(TableFamily, &'static str), BTreeSet<Element>>;

/// A part of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Table(TableFamily),
    Vips(TableFamily),
    Vmacs(TableFamily),
    OnIndex,
    OnName,
}

const V4: TableFamily = TableFamily::Ip;
const V6: TableFamily = TableFamily::Ip6;

const VIPS: &str = "vips";
const VIPS_LINK_LOCAL: &str = "vips_link_local";
const VIPS_LINK_LOCAL_NAME: &str = "vips_link_local_name";
const NEIGHBOR_DISCOVERY: &str = "neighbor-discovery";
const MLD_REPORT: &str = "mld-report";
const VMAC_MAP: &str = "vmac_map";
const VMAC_SET: &str = "vmac_set";
const PARENT_LINK_LOCAL: &str = "parent_link_local";
const IN: &str = "in";
const OUT: &str = "out";
const IN_LINK_LOCAL: &str = "in_link_local";
const OUT_LINK_LOCAL: &str = "out_link_local";

const IGMP: u8 = 2;
const ICMPV6: u8 = 58;
const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const MLD_REPORTS: [u8; 2] = [131, 143];

/// Where the addresses are in the network header.
const SOURCE_V4: Step = Step::Network {
    offset: 12,
    length: 4,
};
const DESTINATION_V4: Step = Step::Network {
    offset: 16,
    length: 4,
};
const SOURCE_V6: Step = Step::Network {
    offset: 8,
    length: 16,
};
const DESTINATION_V6: Step = Step::Network {
    offset: 24,
    length: 16,
};
const ICMPV6_TYPE: Step = Step::Transport {
    offset: 0,
    length: 1,
    register: 1,
};
const NEIGHBOR_TARGET: Step = Step::Transport {
    offset: 8,
    length: 16,
    register: 1,
};

impl Ruleset {
    /// No table yet.
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            made: BTreeSet::new(),
            sets: BTreeMap::new(),
        }
    }

    /// The tables that were made.
    pub fn tables(&self) -> impl Iterator<Item = TableFamily> {
        self.made.iter().filter_map(|part| match part {
            Part::Table(family) => Some(*family),
            Part::Vips(_) | Part::Vmacs(_) | Part::OnIndex | Part::OnName => None,
        })
    }

    /// What has to be told to the kernel so that the tables have `contents`, and how they are then.
    pub fn becoming(&self, contents: &Contents) -> (Vec<Message>, Self) {
        let mut new = self.clone();
        let mut messages = Vec::new();
        for part in self.parts(contents) {
            if new.made.insert(part) {
                self.make(part, &mut messages);
            }
        }
        new.sets = elements(contents, &new.made);
        change_sets(&self.settings.table, &self.sets, &new.sets, &mut messages);
        (messages, new)
    }

    /// The same in the place of whatever the tables have; nothing while none was made. A table is deleted whether it is
    /// there or not, so it is made before.
    pub fn anew(&self, contents: &Contents) -> Option<(Vec<Message>, Self)> {
        let table = &self.settings.table;
        let mut messages: Vec<Message> = self
            .tables()
            .flat_map(|family| [new_table(family, table), delete_table(family, table)])
            .collect();
        if messages.is_empty() {
            return None;
        }
        let (made, new) = Self::new(self.settings.clone()).becoming(contents);
        messages.extend(made);
        Some((messages, new))
    }

    /// The parts that `contents` needs, each after what it stands on.
    fn parts(&self, contents: &Contents) -> Vec<Part> {
        let mut parts = BTreeSet::new();
        for blocked in &contents.blocked {
            match blocked {
                Blocked::Address(IpAddr::V4(_)) => drop(parts.insert(Part::Vips(V4))),
                Blocked::Address(IpAddr::V6(_)) => drop(parts.insert(Part::Vips(V6))),
                Blocked::OnIndex(..) => parts.extend([Part::Vips(V6), Part::OnIndex]),
                Blocked::OnName(..) => parts.extend([Part::Vips(V6), Part::OnName]),
            }
        }
        for vmac in &contents.vmacs {
            if vmac.v4 && !self.settings.no_igmp {
                parts.insert(Part::Vmacs(V4));
            }
            if vmac.v6 {
                parts.insert(Part::Vmacs(V6));
            }
        }
        let tables: BTreeSet<Part> = parts
            .iter()
            .map(|part| match part {
                Part::Table(family) | Part::Vips(family) | Part::Vmacs(family) => Part::Table(*family),
                Part::OnIndex | Part::OnName => Part::Table(V6),
            })
            .collect();
        tables.into_iter().chain(parts).collect()
    }

    fn make(&self, part: Part, out: &mut Vec<Message>) {
        let Settings { table, priority, .. } = &self.settings;
        match part {
            Part::Table(family) => out.extend([
                new_table(family, table),
                base_chain(family, table, OUT, Hook::Output, *priority),
                base_chain(family, table, IN, Hook::Input, *priority),
            ]),
            Part::Vips(TableFamily::Ip) => {
                self.set(out, V4, VIPS, (Datatype::IPV4, 4), None);
                self.rule(out, V4, OUT, &[SOURCE_V4, Step::In(VIPS)], Verdict::Drop);
                self.rule(out, V4, IN, &[DESTINATION_V4, Step::In(VIPS)], Verdict::Drop);
            }
            Part::Vips(TableFamily::Ip6) => self.make_vips_v6(out),
            Part::Vmacs(TableFamily::Ip) => {
                let index = (Datatype::IFINDEX, 4);
                self.set(out, V4, VMAC_MAP, index, Some(index));
                let mut steps = vec![
                    Step::Network { offset: 9, length: 1 },
                    equal(1, &[IGMP]),
                    DESTINATION_V4,
                ];
                steps.extend(to_the_parent());
                out.push(self.first_rule(V4, &steps));
            }
            Part::Vmacs(TableFamily::Ip6) => self.make_vmacs_v6(out),
            Part::OnIndex => {
                let key = (Datatype::IPV6.then(Datatype::IFINDEX), 20);
                self.link_local(out, (VIPS_LINK_LOCAL, key), Meta::Iif, Meta::Oif);
            }
            Part::OnName => {
                let key = (Datatype::IPV6.then(Datatype::IFNAME), 32);
                self.link_local(out, (VIPS_LINK_LOCAL_NAME, key), Meta::IifName, Meta::OifName);
            }
        }
    }

    fn make_vips_v6(&self, out: &mut Vec<Message>) {
        let table = &self.settings.table;
        self.set(out, V6, VIPS, (Datatype::IPV6, 16), None);
        self.constant(
            out,
            NEIGHBOR_DISCOVERY,
            &[NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT],
        );
        out.extend([chain(V6, table, IN_LINK_LOCAL), chain(V6, table, OUT_LINK_LOCAL)]);
        for (base, address, link_local) in [
            (IN, DESTINATION_V6, IN_LINK_LOCAL),
            (OUT, SOURCE_V6, OUT_LINK_LOCAL),
        ] {
            let icmpv6 = Step::Network { offset: 6, length: 1 };
            let discovery = [
                icmpv6,
                equal(1, &[ICMPV6]),
                ICMPV6_TYPE,
                Step::In(NEIGHBOR_DISCOVERY),
            ];
            self.rule(out, V6, base, &discovery, Verdict::Accept);
            // fe80::/10
            let mut mask = vec![0; 16];
            mask.splice(..2, [0xff, 0xc0]);
            let mut network = vec![0; 16];
            network.splice(..2, [0xfe, 0x80]);
            let local = [address.clone(), Step::Mask(mask), equal(1, &network)];
            self.rule(out, V6, base, &local, Verdict::Goto(link_local));
            self.rule(out, V6, base, &[address, Step::In(VIPS)], Verdict::Drop);
        }
    }

    /// Reports leave by the interface below; what would show a real address with a virtual MAC does not leave. These
    /// rules come before the others, so they are put first, the last of them at first.
    fn make_vmacs_v6(&self, out: &mut Vec<Message>) {
        let index = (Datatype::IFINDEX, 4);
        self.set(out, V6, VMAC_MAP, index, Some(index));
        self.set(out, V6, VMAC_SET, index, None);
        let there = (Datatype::IPV6.then(Datatype::IFINDEX), 20);
        self.set(out, V6, PARENT_LINK_LOCAL, there, None);
        self.constant(out, MLD_REPORT, &MLD_REPORTS);
        let icmpv6 = || {
            let proto = Step::Meta {
                key: Meta::L4Proto,
                register: 1,
            };
            vec![proto, equal(1, &[ICMPV6]), ICMPV6_TYPE]
        };
        let oif = Step::Meta {
            key: Meta::Oif,
            register: 2,
        };
        let mut advertisement = icmpv6();
        advertisement.extend([
            equal(1, &[NEIGHBOR_ADVERTISEMENT]),
            NEIGHBOR_TARGET,
            oif.clone(),
            Step::In(PARENT_LINK_LOCAL),
        ]);
        let mut solicitation = icmpv6();
        solicitation.push(equal(1, &[ROUTER_SOLICITATION]));
        solicitation.extend(by_a_macvlan());
        solicitation.extend([
            oif,
            Step::RegisterIn {
                register: 2,
                set: VMAC_SET,
            },
        ]);
        let mut report = icmpv6();
        report.extend([Step::In(MLD_REPORT), DESTINATION_V6]);
        report.extend(to_the_parent());
        for steps in [advertisement, solicitation, report] {
            out.push(self.first_rule(V6, &steps));
        }
    }

    fn link_local(
        &self,
        out: &mut Vec<Message>,
        (set, key): (&'static str, (Datatype, u32)),
        iif: Meta,
        oif: Meta,
    ) {
        self.set(out, V6, set, key, None);
        for (chain, address, key) in [
            (IN_LINK_LOCAL, DESTINATION_V6, iif),
            (OUT_LINK_LOCAL, SOURCE_V6, oif),
        ] {
            let interface = Step::Meta { key, register: 2 };
            self.rule(
                out,
                V6,
                chain,
                &[address, interface, Step::In(set)],
                Verdict::Drop,
            );
        }
    }

    fn set(
        &self,
        out: &mut Vec<Message>,
        family: TableFamily,
        name: &'static str,
        key: (Datatype, u32),
        data: Option<(Datatype, u32)>,
    ) {
        let shape = SetShape {
            name,
            key,
            data,
            constant: false,
            ranges: &[],
            counters: false,
        };
        out.push(self.new_set(family, &shape, out.len()));
    }

    /// A set of types of ICMPv6 that never changes.
    fn constant(&self, out: &mut Vec<Message>, name: &'static str, types: &[u8]) {
        let shape = SetShape {
            name,
            key: (Datatype::ICMPV6_TYPE, 1),
            data: None,
            constant: true,
            ranges: &[],
            counters: false,
        };
        let element = |octet: &u8| Element {
            key: vec![*octet],
            end: None,
            data: None,
        };
        let elements: Vec<Element> = types.iter().map(element).collect();
        out.push(self.new_set(V6, &shape, out.len()));
        out.push(add_elements(V6, &self.settings.table, name, &elements));
    }

    fn new_set(&self, family: TableFamily, shape: &SetShape, at: usize) -> Message {
        // Any number that no other set of the batch has.
        let id = u32::try_from(at).unwrap_or(0).saturating_add(1);
        new_set(family, &self.settings.table, shape, id)
    }

    fn rule(
        &self,
        out: &mut Vec<Message>,
        family: TableFamily,
        chain: &str,
        steps: &[Step],
        verdict: Verdict,
    ) {
        out.push(new_rule(
            family,
            &self.settings.table,
            chain,
            true,
            &self.ending(steps, verdict),
        ));
    }

    /// A rule that drops, at the head of what leaves.
    fn first_rule(&self, family: TableFamily, steps: &[Step]) -> Message {
        new_rule(
            family,
            &self.settings.table,
            OUT,
            false,
            &self.ending(steps, Verdict::Drop),
        )
    }

    fn ending(&self, steps: &[Step], verdict: Verdict) -> Vec<Step> {
        let counter = self.settings.counters.then_some(Step::Counter);
        steps
            .iter()
            .cloned()
            .chain(counter)
            .chain([Step::Verdict(verdict)])
            .collect()
    }
}

/// Makes the elements of sets those of `new`.
pub(super) fn change_sets(table: &str, old: &Sets, new: &Sets, out: &mut Vec<Message>) {
    let nothing = BTreeSet::new();
    for (family, set) in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let was = old.get(&(*family, set)).unwrap_or(&nothing);
        let now = new.get(&(*family, set)).unwrap_or(&nothing);
        let gone: Vec<Element> = was.difference(now).cloned().collect();
        let fresh: Vec<Element> = now.difference(was).cloned().collect();
        let gone = gone.chunks(MOST_ELEMENTS);
        out.extend(gone.map(|part| delete_elements(*family, table, set, part)));
        let fresh = fresh.chunks(MOST_ELEMENTS);
        out.extend(fresh.map(|part| add_elements(*family, table, set, part)));
    }
}

/// What each set shall have.
fn elements(contents: &Contents, made: &BTreeSet<Part>) -> Sets {
    let mut sets = Sets::new();
    let mut put = |family, set, key: Vec<u8>, data| {
        sets.entry((family, set))
            .or_default()
            .insert(Element { key, end: None, data });
    };
    for blocked in &contents.blocked {
        match blocked {
            Blocked::Address(IpAddr::V4(address)) => put(V4, VIPS, address.octets().to_vec(), None),
            Blocked::Address(IpAddr::V6(address)) => put(V6, VIPS, address.octets().to_vec(), None),
            Blocked::OnIndex(address, index) => {
                put(V6, VIPS_LINK_LOCAL, on_index(*address, *index), None);
            }
            Blocked::OnName(address, name) => put(V6, VIPS_LINK_LOCAL_NAME, on_name(*address, name), None),
        }
    }
    for vmac in &contents.vmacs {
        let [index, parent] = [vmac.index, vmac.parent].map(|index| index.0.to_ne_bytes().to_vec());
        if vmac.v4 && made.contains(&Part::Vmacs(V4)) {
            put(V4, VMAC_MAP, index.clone(), Some(parent.clone()));
        }
        if vmac.v6 {
            put(V6, VMAC_MAP, index.clone(), Some(parent));
            put(V6, VMAC_SET, index, None);
            if let Some(address) = vmac.parent_link_local {
                put(V6, PARENT_LINK_LOCAL, on_index(address, vmac.index), None);
            }
        }
    }
    sets
}

fn on_index(address: Ipv6Addr, index: IfIndex) -> Vec<u8> {
    address
        .octets()
        .into_iter()
        .chain(index.0.to_ne_bytes())
        .collect()
}

fn on_name(address: Ipv6Addr, name: &IfName) -> Vec<u8> {
    let mut key: Vec<u8> = address
        .octets()
        .into_iter()
        .chain(name.as_str().bytes())
        .collect();
    key.resize(32, 0);
    key
}

fn equal(register: u32, value: &[u8]) -> Step {
    Step::Equal {
        register,
        value: value.to_vec(),
    }
}

/// What leaves by a macvlan.
fn by_a_macvlan() -> [Step; 2] {
    let mut kind = b"macvlan".to_vec();
    kind.resize(16, 0);
    let meta = Step::Meta {
        key: Meta::OifKind,
        register: 2,
    };
    [meta, equal(2, &kind)]
}

/// What leaves by a macvlan of ours leaves by the interface below instead: its address is in register 1.
fn to_the_parent() -> impl Iterator<Item = Step> {
    let oif = Step::Meta {
        key: Meta::Oif,
        register: 2,
    };
    let parent = Step::Map {
        register: 2,
        map: VMAC_MAP,
    };
    by_a_macvlan().into_iter().chain([oif, parent, Step::Duplicate])
}

#[cfg(test)]
mod tests;
