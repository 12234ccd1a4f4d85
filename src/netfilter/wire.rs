//! nftables over netlink: tables, chains, rules and sets as messages. Pure.
//!
//! Numbers are the kernel's interface, `linux/netfilter/nf_tables.h`; those of attributes are in network order, what is in
//! registers is as the packet or the host has it.

use netlink_packet_core::{
    Emitable, NLA_F_NESTED, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, NetlinkHeader,
    NetlinkMessage, NetlinkPayload, NetlinkSerializable, Nla,
};

/// The family of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableFamily {
    /// `ip`
    Ip,
    /// `ip6`
    Ip6,
}

impl TableFamily {
    const fn number(self) -> u8 {
        match self {
            Self::Ip => 2,
            Self::Ip6 => 10,
        }
    }
}

/// Where a chain hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// What comes to this host.
    Input,
    /// What this host sends.
    Output,
}

/// One message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    kind: u16,
    flags: u16,
    family: u8,
    /// The subsystem of a batch's begin and end; otherwise 0.
    resource: u16,
    attributes: Vec<Attribute>,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    kind: u16,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Octets(Vec<u8>),
    Nested(Vec<Attribute>),
}

/// A member of a set, or of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Element {
    /// What is looked for.
    pub key: Vec<u8>,
    /// In a set of ranges: its last key; the other is the first.
    pub end: Option<Vec<u8>>,
    /// A map's: what is found.
    pub data: Option<Vec<u8>>,
}

/// A set to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetShape {
    /// Its name.
    pub name: &'static str,
    /// The type of its keys, and their octets.
    pub key: (Datatype, u32),
    /// A map's: the type of its data, and their octets.
    pub data: Option<(Datatype, u32)>,
    /// It never changes.
    pub constant: bool,
    /// Its elements are ranges of keys of several fields: the octets of each field.
    pub ranges: &'static [u32],
    /// Its elements count.
    pub counters: bool,
}

/// A type by the number that `nft` knows it by; the kernel only keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datatype(u32);

impl Datatype {
    /// `ipv4_addr`
    pub const IPV4: Self = Self(7);
    /// `ipv6_addr`
    pub const IPV6: Self = Self(8);
    /// `inet_service`
    pub const PORT: Self = Self(13);
    /// `mark`
    pub const MARK: Self = Self(19);
    /// `iface_index`
    pub const IFINDEX: Self = Self(20);
    /// `icmpv6_type`
    pub const ICMPV6_TYPE: Self = Self(29);
    /// `ifname`
    pub const IFNAME: Self = Self(41);

    /// Both, one after the other.
    pub const fn then(self, next: Self) -> Self {
        Self(self.0 << 6 | next.0)
    }
}

/// A step of a rule. Registers 1 to 4 have 16 octets each and lie side by side; 8 to 23 are the same with 4 octets each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named as what they are")]
pub enum Step {
    /// Takes octets of the network header into register 1.
    Network { offset: u32, length: u32 },
    /// Takes octets of the transport header into a register.
    Transport { offset: u32, length: u32, register: u32 },
    /// Takes what is known beside the packet into a register.
    Meta { key: Meta, register: u32 },
    /// Goes on if the register is this.
    Equal { register: u32, value: Vec<u8> },
    /// Keeps the bits of register 1 that the mask has.
    Mask(Vec<u8>),
    /// Goes on if register 1 (and what lies behind it) is in the set.
    In(&'static str),
    /// Goes on if the register is in the set.
    RegisterIn { register: u32, set: &'static str },
    /// Replaces the register by what the map has for it; goes on if there is something.
    Map { register: u32, map: &'static str },
    /// Sends a copy to the address in register 1 by the interface in register 2.
    Duplicate,
    /// Gives the packet the mark in register 1.
    Mark,
    /// Counts.
    Counter,
    /// Ends.
    Verdict(Verdict),
}

/// What is known beside a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as nft names them")]
pub enum Meta {
    Iif,
    Oif,
    IifName,
    OifName,
    L4Proto,
    OifKind,
}

/// How a rule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `drop`
    Drop,
    /// `accept`
    Accept,
    /// `goto` this chain.
    Goto(&'static str),
    /// `return`: what the chain does at its end.
    Return,
}

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = 0;
const GET_TABLE: u16 = 1;
const DEL_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_ELEMENT: u16 = 12;
const DEL_ELEMENT: u16 = 14;
/// `NFT_META_MARK`
const MARK: u32 = 3;
/// `NFTA_LIST_ELEM`
const LIST_ELEMENT: u16 = 1;
/// `NFT_SET_CONSTANT`, `…_INTERVAL`, `…_MAP`, `…_CONCAT`
const CONSTANT: u32 = 2;
const INTERVAL: u32 = 4;
const MAP: u32 = 8;
const CONCAT: u32 = 0x80;

/// Makes a table, unless it is there.
pub fn new_table(family: TableFamily, table: &str) -> Message {
    Message::new(NEW_TABLE, NLM_F_CREATE, family, vec![text(1, table)])
}

/// Asks whether a table is there; not for a batch.
pub fn get_table(family: TableFamily, table: &str) -> Message {
    Message::new(GET_TABLE, 0, family, vec![text(1, table)])
}

/// Removes a table with all that is in it.
pub fn delete_table(family: TableFamily, table: &str) -> Message {
    Message::new(DEL_TABLE, 0, family, vec![text(1, table)])
}

/// Makes a chain that packets come to by themselves, and that lets them pass.
pub fn base_chain(family: TableFamily, table: &str, name: &str, hook: Hook, priority: i32) -> Message {
    let number = match hook {
        Hook::Input => 1,
        Hook::Output => 3,
    };
    let hook = vec![u32_be(1, number), octets(2, &priority.to_be_bytes())];
    const ACCEPT: u32 = 1;
    let attributes = vec![
        text(1, table),
        text(3, name),
        nested(4, hook),
        u32_be(5, ACCEPT),
        text(7, "filter"),
    ];
    Message::new(NEW_CHAIN, NLM_F_CREATE, family, attributes)
}

/// Makes a chain that rules send packets to.
pub fn chain(family: TableFamily, table: &str, name: &str) -> Message {
    Message::new(
        NEW_CHAIN,
        NLM_F_CREATE,
        family,
        vec![text(1, table), text(3, name)],
    )
}

/// Makes an empty set. `id` tells it from others of the batch.
pub fn new_set(family: TableFamily, table: &str, shape: &SetShape, id: u32) -> Message {
    let mut flags = if shape.constant { CONSTANT } else { 0 };
    let (key_type, key_length) = shape.key;
    let mut attributes = vec![text(1, table), text(2, shape.name)];
    let mut rest = vec![u32_be(4, key_type.0), u32_be(5, key_length)];
    if let Some((data_type, data_length)) = shape.data {
        flags |= MAP;
        rest.extend([u32_be(6, data_type.0), u32_be(7, data_length)]);
    }
    if !shape.ranges.is_empty() {
        flags |= INTERVAL | CONCAT;
    }
    attributes.push(u32_be(3, flags));
    attributes.append(&mut rest);
    attributes.push(u32_be(10, id));
    if !shape.ranges.is_empty() {
        let field = |octets: &u32| nested(LIST_ELEMENT, vec![u32_be(1, *octets)]);
        let fields = shape.ranges.iter().map(field).collect();
        attributes.push(nested(9, vec![nested(2, fields)]));
    }
    attributes.extend(byte_orders(shape));
    if shape.counters {
        attributes.push(nested(17, Step::Counter.attributes()));
    }
    Message::new(NEW_SET, NLM_F_CREATE, family, attributes)
}

/// For `nft`, which shows numbers of interfaces and marks: they are as the host has them. keepalived says so of ranges
/// too.
fn byte_orders(shape: &SetShape) -> Option<Attribute> {
    const HOST: u32 = 1;
    let sides = [Some(shape.key), shape.data];
    let mut notes = Vec::new();
    for (side, _) in (0_u8..).zip(sides).filter(|(_, side)| {
        side.is_some_and(|(kind, _)| kind == Datatype::IFINDEX || !shape.ranges.is_empty())
    }) {
        notes.extend([side, 4]);
        notes.extend(HOST.to_ne_bytes());
    }
    (!notes.is_empty()).then(|| octets(13, &notes))
}

/// Puts elements into a set.
pub fn add_elements(family: TableFamily, table: &str, set: &str, elements: &[Element]) -> Message {
    Message::new(NEW_ELEMENT, NLM_F_CREATE, family, members(table, set, elements))
}

/// Takes elements out of a set.
pub fn delete_elements(family: TableFamily, table: &str, set: &str, elements: &[Element]) -> Message {
    Message::new(DEL_ELEMENT, 0, family, members(table, set, elements))
}

/// Adds a rule at the end of a chain, or at its beginning.
pub fn new_rule(family: TableFamily, table: &str, chain: &str, last: bool, steps: &[Step]) -> Message {
    let steps = steps.iter().map(|step| nested(LIST_ELEMENT, step.attributes()));
    let attributes = vec![text(1, table), text(2, chain), nested(4, steps.collect())];
    let flags = NLM_F_CREATE | if last { NLM_F_APPEND } else { 0 };
    Message::new(NEW_RULE, flags, family, attributes)
}

/// The datagram that has `messages` carried out all or none, and the numbers of its first and last message: those are
/// what answers name. Only the last is answered when all is well.
pub fn batch(messages: &[Message], first: u32) -> (Vec<u8>, u32) {
    let mut datagram = Vec::new();
    let mut sequence = first;
    let mut append = |message: &Message, flags: u16| {
        datagram.append(&mut framed(message, flags, sequence));
        sequence = sequence.wrapping_add(1);
    };
    append(&Message::border(BATCH_BEGIN), 0);
    for (at, message) in messages.iter().enumerate() {
        let last = at + 1 == messages.len();
        append(message, if last { NLM_F_ACK } else { 0 });
    }
    append(&Message::border(BATCH_END), 0);
    (datagram, sequence.wrapping_sub(2))
}

/// The datagram that asks a question, which is answered and acknowledged under its number.
pub fn question(message: &Message, sequence: u32) -> Vec<u8> {
    framed(message, NLM_F_ACK, sequence)
}

fn framed(message: &Message, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | message.flags | flags;
    header.sequence_number = sequence;
    let mut framed = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message.clone()));
    framed.finalize();
    let mut bytes = vec![0; framed.buffer_len().next_multiple_of(4)];
    framed.serialize(&mut bytes);
    bytes
}

impl Message {
    const fn new(kind: u16, flags: u16, family: TableFamily, attributes: Vec<Attribute>) -> Self {
        Self {
            kind: SUBSYSTEM << 8 | kind,
            flags,
            family: family.number(),
            resource: 0,
            attributes,
        }
    }

    const fn border(kind: u16) -> Self {
        Self {
            kind,
            flags: 0,
            family: 0,
            resource: SUBSYSTEM,
            attributes: Vec::new(),
        }
    }
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        HEADER + self.attributes.as_slice().buffer_len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let [high, low] = self.resource.to_be_bytes();
        let Some((header, rest)) = buffer.split_first_chunk_mut::<HEADER>() else {
            return;
        };
        *header = [self.family, 0, high, low];
        self.attributes.as_slice().emit(rest);
    }
}

/// `nfgenmsg`
const HEADER: usize = 4;

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        match &self.value {
            Value::Octets(octets) => octets.len(),
            Value::Nested(attributes) => attributes.as_slice().buffer_len(),
        }
    }

    fn kind(&self) -> u16 {
        match &self.value {
            Value::Octets(_) => self.kind,
            Value::Nested(_) => self.kind | NLA_F_NESTED,
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match &self.value {
            Value::Octets(octets) => buffer.copy_from_slice(octets),
            Value::Nested(attributes) => attributes.as_slice().emit(buffer),
        }
    }
}

impl Step {
    /// Its name and its settings.
    fn attributes(&self) -> Vec<Attribute> {
        let (name, settings) = match self {
            Self::Network { offset, length } => ("payload", payload(1, *offset, *length, 1)),
            Self::Transport {
                offset,
                length,
                register,
            } => ("payload", payload(2, *offset, *length, *register)),
            Self::Meta { key, register } => ("meta", vec![u32_be(1, *register), u32_be(2, key.number())]),
            Self::Equal { register, value } => {
                let settings = vec![u32_be(1, *register), u32_be(2, 0), data(3, value)];
                ("cmp", settings)
            }
            Self::Mask(mask) => {
                let length = u32::try_from(mask.len()).unwrap_or(0);
                let nothing = vec![0; mask.len()];
                let settings = vec![u32_be(1, 1), u32_be(2, 1), u32_be(3, length)];
                let masks = [data(4, mask), data(5, &nothing)];
                ("bitwise", settings.into_iter().chain(masks).collect())
            }
            Self::In(set) => ("lookup", vec![text(1, set), u32_be(2, 1)]),
            Self::RegisterIn { register, set } => ("lookup", vec![text(1, set), u32_be(2, *register)]),
            Self::Map { register, map } => {
                let settings = vec![text(1, map), u32_be(2, *register), u32_be(3, *register)];
                ("lookup", settings)
            }
            Self::Duplicate => ("dup", vec![u32_be(1, 1), u32_be(2, 2)]),
            Self::Mark => ("meta", vec![u32_be(2, MARK), u32_be(3, 1)]),
            Self::Counter => ("counter", Vec::new()),
            Self::Verdict(verdict) => {
                let verdict = nested(2, verdict.attributes());
                ("immediate", vec![u32_be(1, 0), nested(2, vec![verdict])])
            }
        };
        vec![text(1, name), nested(2, settings)]
    }
}

impl Meta {
    const fn number(self) -> u32 {
        match self {
            Self::Iif => 4,
            Self::Oif => 5,
            Self::IifName => 6,
            Self::OifName => 7,
            Self::L4Proto => 16,
            Self::OifKind => 27,
        }
    }
}

impl Verdict {
    fn attributes(self) -> Vec<Attribute> {
        const GOTO: i32 = -4;
        const RETURN: i32 = -5;
        match self {
            Self::Drop => vec![u32_be(1, 0)],
            Self::Accept => vec![u32_be(1, 1)],
            Self::Goto(chain) => vec![octets(1, &GOTO.to_be_bytes()), text(2, chain)],
            Self::Return => vec![octets(1, &RETURN.to_be_bytes())],
        }
    }
}

fn payload(base: u32, offset: u32, length: u32, register: u32) -> Vec<Attribute> {
    vec![
        u32_be(1, register),
        u32_be(2, base),
        u32_be(3, offset),
        u32_be(4, length),
    ]
}

fn members(table: &str, set: &str, elements: &[Element]) -> Vec<Attribute> {
    let one = |element: &Element| {
        let mut parts = vec![data(1, &element.key)];
        parts.extend(element.end.as_deref().map(|end| data(10, end)));
        parts.extend(element.data.as_deref().map(|value| data(2, value)));
        nested(LIST_ELEMENT, parts)
    };
    let all = elements.iter().map(one).collect();
    vec![text(1, table), text(2, set), nested(3, all)]
}

/// `NFTA_DATA_VALUE` in an attribute.
fn data(kind: u16, value: &[u8]) -> Attribute {
    nested(kind, vec![octets(1, value)])
}

const fn nested(kind: u16, attributes: Vec<Attribute>) -> Attribute {
    Attribute {
        kind,
        value: Value::Nested(attributes),
    }
}

fn octets(kind: u16, octets: &[u8]) -> Attribute {
    Attribute {
        kind,
        value: Value::Octets(octets.to_vec()),
    }
}

fn u32_be(kind: u16, number: u32) -> Attribute {
    octets(kind, &number.to_be_bytes())
}

/// With its closing zero.
fn text(kind: u16, text: &str) -> Attribute {
    let mut value = text.as_bytes().to_vec();
    value.push(0);
    Attribute {
        kind,
        value: Value::Octets(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_framed_numbered_and_answered_once() {
        let messages = [new_table(TableFamily::Ip, "k"), chain(TableFamily::Ip, "k", "in")];
        let (datagram, last) = batch(&messages, 7);
        assert_eq!(last, 9);
        let mut rest = datagram.as_slice();
        let mut seen = Vec::new();
        while let Some(length) = rest.first_chunk::<4>() {
            let length = u32::from_ne_bytes(*length) as usize;
            let half = |at: usize| u16::from_ne_bytes([rest[at], rest[at + 1]]);
            let sequence = u32::from_ne_bytes(*rest[8..].first_chunk().unwrap());
            seen.push((half(4), half(6) & NLM_F_ACK != 0, sequence, rest[16], rest[19]));
            rest = &rest[length.next_multiple_of(4)..];
        }
        assert_eq!(
            seen,
            [
                (0x10, false, 7, 0, 10),
                (0xa00, false, 8, 2, 0),
                (0xa03, true, 9, 2, 0),
                (0x11, false, 10, 0, 10),
            ]
        );
    }

    /// As libnftnl writes it: seen from `nft add table ip k` and a rule.
    #[test]
    fn a_rule_s_octets() {
        let steps = [Step::In("v"), Step::Verdict(Verdict::Drop)];
        let rule = new_rule(TableFamily::Ip, "k", "in", true, &steps);
        let mut bytes = vec![0; NetlinkSerializable::buffer_len(&rule)];
        NetlinkSerializable::serialize(&rule, &mut bytes);
        let lookup = [
            0x24, 0, 1, 0x80, // one step
            11, 0, 1, 0, b'l', b'o', b'o', b'k', b'u', b'p', 0, 0, // its name
            0x14, 0, 2, 0x80, // its settings
            6, 0, 1, 0, b'v', 0, 0, 0, 8, 0, 2, 0, 0, 0, 0, 1,
        ];
        let at = bytes.windows(8).position(|w| w == b"lookup\0\0").unwrap();
        let start = at - 8;
        assert_eq!(bytes[start..start + lookup.len()], lookup);
        assert_eq!(bytes[..4], [2, 0, 0, 0]);
        assert_eq!(bytes[4..12], [6, 0, 1, 0, b'k', 0, 0, 0]);
    }
}
