//! Requests for rules, octet by octet.

use super::*;
use crate::net::{Cidr, IfName};
use rtnetlink::packet_core::Emitable;

fn bytes(rule: &Rule) -> Vec<u8> {
    let message = message(rule);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

/// Facts: 16.6
#[test]
fn a_rule_says_its_table_preference_source_and_origin() {
    let mut rule = Rule::new(Family::V4, RuleAction::Table(7), 16384);
    rule.from = Cidr::new([10, 30, 0, 0].into(), 16);
    assert_eq!(
        bytes(&rule),
        [
            2, 0, 16, 0, 7, 0, 0, 1, 0, 0, 0, 0, // header: action 1
            8, 0, 15, 0, 7, 0, 0, 0, // FRA_TABLE
            8, 0, 6, 0, 0, 64, 0, 0, // FRA_PRIORITY
            8, 0, 2, 0, 10, 30, 0, 0, // FRA_SRC
            5, 0, 21, 0, 18, 0, 0, 0, // FRA_PROTOCOL
        ]
    );
}

#[test]
fn every_selector_and_action_is_asked_for() {
    let mut rule = Rule::new(Family::V6, RuleAction::Goto(20), 10);
    rule.inverted = true;
    rule.to = Cidr::new("2001:db8::".parse().unwrap(), 32);
    rule.tos = Some(4);
    rule.fwmark = Some(FwMark {
        mark: 1,
        mask: Some(0xff),
    });
    rule.suppress_prefixlength = Some(0);
    rule.suppress_group = Some(3);
    rule.iif = IfName::new("eth0");
    rule.oif = IfName::new("eth1");
    rule.tunnel_id = Some(9);
    rule.uids = Some((1, 2));
    rule.ip_protocol = Some(6);
    rule.source_ports = Some((1, 2));
    rule.destination_ports = Some((3, 4));
    rule.protocol = None;
    let message = message(&rule);
    assert_eq!(
        (message.header.dst_len, message.header.tos, message.header.flags),
        (32, 4, RuleFlags::Invert)
    );
    let ports = |start, end| RulePortRange { start, end };
    assert_eq!(
        message.attributes,
        [
            RuleAttribute::Goto(20),
            RuleAttribute::Priority(10),
            RuleAttribute::Destination("2001:db8::".parse().unwrap()),
            RuleAttribute::FwMark(1),
            RuleAttribute::FwMask(0xff),
            RuleAttribute::SuppressPrefixLen(0),
            RuleAttribute::SuppressIfGroup(3),
            RuleAttribute::Iifname("eth0".into()),
            RuleAttribute::Oifname("eth1".into()),
            RuleAttribute::TunId(9),
            RuleAttribute::UidRange(RuleUidRange { start: 1, end: 2 }),
            RuleAttribute::IpProtocol(IpProtocol::Tcp),
            RuleAttribute::SourcePortRange(ports(1, 2)),
            RuleAttribute::DestinationPortRange(ports(3, 4)),
        ]
    );
    for (action, kind) in [
        (RuleAction::L3mdev, Kind::ToTable),
        (RuleAction::Nop, Kind::Nop),
        (RuleAction::Blackhole, Kind::Blackhole),
        (RuleAction::Unreachable, Kind::Unreachable),
        (RuleAction::Prohibit, Kind::Prohibit),
    ] {
        rule.action = action;
        assert_eq!(super::message(&rule).header.action, kind);
    }
}

/// Facts: 2.21
#[test]
fn a_near_twin_is_not_ours() {
    let mut ours = Rule::new(Family::V4, RuleAction::Table(7), 100);
    ours.from = Cidr::new([10, 30, 0, 0].into(), 16);
    // The kernel tells more than it was asked for.
    let mut told = message(&ours);
    told.attributes.push(RuleAttribute::SuppressPrefixLen(u32::MAX));
    assert!(is(&ours, &told));
    let twins: [fn(&mut Rule); 7] = [
        |rule| rule.action = RuleAction::Table(8),
        |rule| rule.action = RuleAction::Blackhole,
        |rule| rule.preference = 101,
        |rule| rule.from = Cidr::new([10, 31, 0, 0].into(), 16),
        |rule| rule.inverted = true,
        |rule| rule.tos = Some(16),
        |rule| rule.protocol = Some(99),
    ];
    for (number, change) in twins.into_iter().enumerate() {
        let mut twin = ours.clone();
        change(&mut twin);
        assert!(!is(&ours, &message(&twin)), "twin {number}");
    }
}
