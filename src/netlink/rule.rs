//! Requests that install and remove policy rules. Pure: makes messages, sends none.

use super::message::Request;
use crate::net::{Family, FwMark, Realms, Rule, RuleAction};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use rtnetlink::packet_route::route::RouteRealm;
use rtnetlink::packet_route::rule::{
    RuleAction as Kind, RuleAttribute, RuleFlags, RuleMessage, RulePortRange, RuleUidRange,
};
use rtnetlink::packet_route::{AddressFamily, IpProtocol, RouteNetlinkMessage};

/// The request that installs `rule`.
pub fn add(rule: &Rule) -> Request {
    Request {
        message: RouteNetlinkMessage::NewRule(message(rule)),
        flags: NLM_F_CREATE | NLM_F_EXCL,
    }
}

/// The request that removes `rule`.
pub fn delete(rule: &Rule) -> Request {
    Request {
        message: RouteNetlinkMessage::DelRule(message(rule)),
        flags: 0,
    }
}

/// The request for all rules of the same family.
pub fn question(rule: &Rule) -> RouteNetlinkMessage {
    let mut question = RuleMessage::default();
    question.header.family = message(rule).header.family;
    RouteNetlinkMessage::GetRule(question)
}

/// Whether the kernel's message is about `rule`: what the kernel adds by itself does not matter.
pub fn is(rule: &Rule, told: &RuleMessage) -> bool {
    let ours = message(rule);
    let flags = ours.header.flags & RuleFlags::Invert == told.header.flags & RuleFlags::Invert;
    let mut attributes = ours.attributes.iter();
    ours.header.family == told.header.family
        && ours.header.action == told.header.action
        && ours.header.tos == told.header.tos
        && flags
        && attributes.all(|attribute| told.attributes.contains(attribute) || is_default(attribute))
}

/// What the kernel does not tell, for it goes without saying.
fn is_default(attribute: &RuleAttribute) -> bool {
    matches!(
        attribute,
        RuleAttribute::Goto(_) | RuleAttribute::L3MDev(_) | RuleAttribute::FwMask(_)
    )
}

fn message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = match rule.family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    };
    header.tos = rule.tos.unwrap_or(0);
    header.flags.set(RuleFlags::Invert, rule.inverted);
    let attributes = &mut message.attributes;
    header.action = match rule.action {
        RuleAction::Table(table) => {
            header.table = u8::try_from(table).unwrap_or(0);
            attributes.push(RuleAttribute::Table(table));
            Kind::ToTable
        }
        RuleAction::L3mdev => {
            attributes.push(RuleAttribute::L3MDev(true));
            Kind::ToTable
        }
        RuleAction::Goto(preference) => {
            attributes.push(RuleAttribute::Goto(preference));
            Kind::Goto
        }
        RuleAction::Nop => Kind::Nop,
        RuleAction::Blackhole => Kind::Blackhole,
        RuleAction::Unreachable => Kind::Unreachable,
        RuleAction::Prohibit => Kind::Prohibit,
    };
    attributes.push(RuleAttribute::Priority(rule.preference));
    if let Some(from) = rule.from {
        header.src_len = from.prefix;
        attributes.push(RuleAttribute::Source(from.addr));
    }
    if let Some(to) = rule.to {
        header.dst_len = to.prefix;
        attributes.push(RuleAttribute::Destination(to.addr));
    }
    select(rule, attributes);
    message
}

/// What it matches beside addresses and type of service.
fn select(rule: &Rule, attributes: &mut Vec<RuleAttribute>) {
    if let Some(FwMark { mark, mask }) = rule.fwmark {
        attributes.push(RuleAttribute::FwMark(mark));
        attributes.extend(mask.map(RuleAttribute::FwMask));
    }
    if let Some(Realms { source, destination }) = rule.realms {
        attributes.push(RuleAttribute::Realm(RouteRealm {
            source: source.into(),
            destination: destination.into(),
        }));
    }
    attributes.extend(rule.suppress_prefixlength.map(RuleAttribute::SuppressPrefixLen));
    attributes.extend(rule.suppress_group.map(RuleAttribute::SuppressIfGroup));
    let name = |name: &crate::net::IfName| name.as_str().to_owned();
    attributes.extend(rule.iif.as_ref().map(name).map(RuleAttribute::Iifname));
    attributes.extend(rule.oif.as_ref().map(name).map(RuleAttribute::Oifname));
    attributes.extend(rule.tunnel_id.map(RuleAttribute::TunId));
    if let Some((start, end)) = rule.uids {
        attributes.push(RuleAttribute::UidRange(RuleUidRange { start, end }));
    }
    attributes.extend(rule.protocol.map(|number| RuleAttribute::Protocol(number.into())));
    let protocol = rule.ip_protocol.map(|number| IpProtocol::from(i32::from(number)));
    attributes.extend(protocol.map(RuleAttribute::IpProtocol));
    let ports = |(start, end)| RulePortRange { start, end };
    attributes.extend(rule.source_ports.map(ports).map(RuleAttribute::SourcePortRange));
    let destination = rule.destination_ports.map(ports);
    attributes.extend(destination.map(RuleAttribute::DestinationPortRange));
}

#[cfg(test)]
mod tests;
