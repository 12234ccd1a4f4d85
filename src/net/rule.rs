//! Policy rules: what a line of `virtual_rules` or `static_rules` asks for.

use super::{Cidr, Family, IfName, Realms};

/// What is done with what a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleAction {
    /// `table`: that table is looked into.
    Table(u32),
    /// `l3mdev`: the table of the interface's L3 master is looked into.
    L3mdev,
    /// `goto`: on with the rule of that preference.
    Goto(u32),
    /// `nop`
    Nop,
    /// `blackhole`
    Blackhole,
    /// `unreachable`
    Unreachable,
    /// `prohibit`
    Prohibit,
}

/// `fwmark`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FwMark {
    /// The mark.
    pub mark: u32,
    /// Which bits of it count; `None`: all.
    pub mask: Option<u32>,
}

/// A policy rule with everything the kernel is told about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Of what it matches.
    pub family: Family,
    /// What is done.
    pub action: RuleAction,
    /// `preference`: lower ones come first.
    pub preference: u32,
    /// `not`: what does not match is meant.
    pub inverted: bool,
    /// `from`; `None` is anywhere.
    pub from: Option<Cidr>,
    /// `to`; `None` is anywhere.
    pub to: Option<Cidr>,
    /// `tos`
    pub tos: Option<u8>,
    /// `fwmark`
    pub fwmark: Option<FwMark>,
    /// `realms`, IPv4.
    pub realms: Option<Realms>,
    /// `suppress_prefixlength`
    pub suppress_prefixlength: Option<u32>,
    /// `suppress_ifgroup`
    pub suppress_group: Option<u32>,
    /// `dev`, `iif`
    pub iif: Option<IfName>,
    /// `oif`
    pub oif: Option<IfName>,
    /// `tunnel-id`
    pub tunnel_id: Option<u64>,
    /// `uidrange`: the first and the last.
    pub uids: Option<(u32, u32)>,
    /// `protocol`: its origin. A rule that is watched has [`super::PROTOCOL_KEEPALIVED`].
    pub protocol: Option<u8>,
    /// `ipproto`
    pub ip_protocol: Option<u8>,
    /// `sport`: the first and the last.
    pub source_ports: Option<(u16, u16)>,
    /// `dport`: the first and the last.
    pub destination_ports: Option<(u16, u16)>,
    /// Its loss has consequences: no `no_track`.
    pub watched: bool,
    /// `track_group`: the static track group that it belongs to.
    pub track_group: Option<String>,
}

impl Rule {
    /// Whether `other` is the same to the kernel, which is not told whether anybody minds that it goes.
    pub fn is(&self, other: &Self) -> bool {
        let seen = |one: &Self| Self {
            watched: true,
            track_group: None,
            ..one.clone()
        };
        self == other || seen(self) == seen(other)
    }

    /// A rule for everything of `family`.
    pub const fn new(family: Family, action: RuleAction, preference: u32) -> Self {
        Self {
            family,
            action,
            preference,
            inverted: false,
            from: None,
            to: None,
            tos: None,
            fwmark: None,
            realms: None,
            suppress_prefixlength: None,
            suppress_group: None,
            iif: None,
            oif: None,
            tunnel_id: None,
            uids: None,
            protocol: Some(super::PROTOCOL_KEEPALIVED),
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            watched: true,
            track_group: None,
        }
    }
}
