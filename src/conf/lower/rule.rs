//! Lines of `virtual_rules` and `static_rules`.

use super::line::Line;
use super::route::{family_of, origin, realms, swallowed};
use super::{Cx, encap, statics};
use crate::conf::config::{RuleLine, Spanned, TrackGroup};
use crate::conf::diag::Topic;
use crate::conf::keyword::Block;
use crate::conf::names;
use crate::conf::number::NumberError;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::net::{Cidr, Family, FwMark, IfName, Rule, RuleAction};
use std::str::FromStr;

/// Preferences that are given to rules without one start here and go down, in each family.
pub(super) const FIRST_PREFERENCE: u32 = 16_384;
const U32: i64 = u32::MAX as i64;
const I32: i64 = i32::MAX as i64;

/// A rule: of an instance without `groups`, static with them. `None` when it is of no use, which has been said.
pub(super) fn line(
    cx: &mut Cx<'_>,
    statement: &Statement,
    groups: Option<&[TrackGroup]>,
) -> Option<Spanned<RuleLine>> {
    let mut line = Line::new(statement, Topic::RouteRule);
    let mut reader = Reader {
        rule: Rule::new(Family::V4, RuleAction::Nop, 0),
        interfaces: Vec::new(),
        groups,
        family: None,
        action: None,
        preference: None,
        protocol: None,
    };
    while let Some(word) = line.next() {
        reader.word(cx, &mut line, word)?;
    }
    reader.finish(cx, &line)?;
    let out = RuleLine {
        rule: reader.rule,
        interfaces: reader.interfaces,
    };
    let first = statement.words.first()?;
    Some(Cx::spanned(statement, first, out))
}

struct Reader<'g> {
    rule: Rule,
    interfaces: Vec<Spanned<String>>,
    groups: Option<&'g [TrackGroup]>,
    family: Option<Family>,
    action: Option<RuleAction>,
    preference: Option<u32>,
    protocol: Option<u8>,
}

impl Reader<'_> {
    fn word(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        match word.text.as_str() {
            "not" => self.rule.inverted = true,
            "no_track" => self.rule.watched = false,
            "inet" | "inet6" => {
                swallowed(cx, line, word);
                self.fix(cx, line, word, family_of(&word.text))?;
            }
            "type" => {
                let value = line.value(cx, word)?;
                if !is_action(&value.text) {
                    self.unknown(cx, line, value);
                    return None;
                }
                self.act(cx, line, value)?;
            }
            name if is_action(name) || matches!(name, "table" | "lookup" | "l3mdev") => {
                self.act(cx, line, word)?;
            }
            "from" | "to" => self.prefix(cx, line, word)?,
            "fwmark" | "realms" | "tos" | "dsfield" | "suppress_ifgroup" | "sup_group" | "ipproto" => {
                self.named(cx, line, word)?;
            }
            "dev" | "iif" | "oif" => {
                let value = line.value(cx, word)?;
                let name = IfName::new(&value.text);
                if word.text == "oif" {
                    self.rule.oif = name;
                } else {
                    self.rule.iif = name;
                }
                let name = Cx::spanned(line.statement, value, value.text.clone());
                self.interfaces.push(name);
            }
            "track_group" if self.groups.is_some() => {
                let value = line.value(cx, word)?;
                let (groups, statement) = (self.groups.unwrap_or_default(), line.statement);
                let slot = &mut self.rule.track_group;
                statics::group(cx, slot, groups, Topic::RouteRule, statement, value);
            }
            "preference"
            | "order"
            | "priority"
            | "tunnel-id"
            | "protocol"
            | "suppress_prefixlength"
            | "sup_pl"
            | "uidrange"
            | "sport"
            | "dport" => self.number(cx, line, word)?,
            _ => {
                self.unknown(cx, line, word);
                return None;
            }
        }
        Some(())
    }

    fn unknown(&self, cx: &mut Cx<'_>, line: &Line<'_>, word: &Word) {
        let message = format!("Unknown rule option {}", word.text);
        line.unknown(cx, Block::RuleEntry, word, message);
    }

    fn fix(&mut self, cx: &mut Cx<'_>, line: &Line<'_>, word: &Word, family: Family) -> Option<()> {
        if self.family.is_some_and(|known| known != family) {
            let message = "rule specification has mixed IPv4 and IPv6";
            cx.word_error_about(Topic::AddressFamilyMismatch, line.statement, word, message);
            return None;
        }
        self.family = Some(family);
        Some(())
    }

    /// `from` and `to`: a prefix of no length is anywhere, and says the family.
    fn prefix(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let value = line.value(cx, word)?;
        let prefix = match value.text.as_str() {
            "any" | "all" | "default" => None,
            text => {
                let Some(prefix) = line.cidr(cx, value) else {
                    line.not_an_address(cx, value);
                    let message = format!("Invalid rule {} address {text}", word.text);
                    line.mistake(cx, value, message);
                    return None;
                };
                self.fix(cx, line, value, prefix.family())?;
                Some(prefix).filter(|prefix: &Cidr| prefix.prefix > 0)
            }
        };
        if word.text == "from" {
            self.rule.from = prefix;
        } else {
            self.rule.to = prefix;
        }
        Some(())
    }

    /// What is done with what matches; only one thing.
    fn act(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let name = word.text.as_str();
        if self.action.is_some() {
            let message = if name == "l3mdev" {
                "Cannot specify l3mdev with other action"
            } else {
                "Cannot specify more than one of table/nop/goto/blackhole/prohibit/unreachable/l3mdev for rule"
            };
            line.mistake(cx, word, message);
            return None;
        }
        let action = match name {
            "l3mdev" => RuleAction::L3mdev,
            "nop" => RuleAction::Nop,
            "blackhole" => RuleAction::Blackhole,
            "unreachable" => RuleAction::Unreachable,
            "prohibit" => RuleAction::Prohibit,
            "goto" => {
                let value = line.value(cx, word)?;
                let invalid = |text: &str| format!("Invalid target {text} specified");
                RuleAction::Goto(line.number(cx, value, (0, U32), invalid)?)
            }
            _ => {
                let value = line.value(cx, word)?;
                let text = &value.text;
                let message = match cx.names.table(text) {
                    Some(0) => "Table 0 is not valid".to_owned(),
                    Some(table) => {
                        self.action = Some(RuleAction::Table(table));
                        return Some(());
                    }
                    None => format!("Routing table {text} not found for rule"),
                };
                line.mistake(cx, value, message);
                return None;
            }
        };
        self.action = Some(action);
        Some(())
    }

    /// Values that are names, marks or pairs.
    fn named(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let value = line.value(cx, word)?;
        let text = value.text.as_str();
        let rule = &mut self.rule;
        let (found, message) = match word.text.as_str() {
            "fwmark" => {
                rule.fwmark = mark(text);
                (
                    rule.fwmark.is_some(),
                    format!("Invalid rule fwmark {text} specified"),
                )
            }
            "realms" => {
                rule.realms = realms(cx, text);
                (rule.realms.is_some(), format!("invalid realms {text} for rule"))
            }
            "tos" | "dsfield" => {
                rule.tos = cx.names.dsfield(text);
                (rule.tos.is_some(), format!("TOS value {text} is invalid"))
            }
            "ipproto" => {
                rule.ip_protocol = ip_protocol(text);
                (rule.ip_protocol.is_some(), format!("Invalid ipproto {text}"))
            }
            _ => {
                rule.suppress_group = cx.names.group(text);
                let message = format!("suppress_group {text} is invalid");
                (rule.suppress_group.is_some(), message)
            }
        };
        if !found {
            line.mistake(cx, value, message);
        }
        found.then_some(())
    }

    /// Values that are numbers and ranges of them.
    fn number(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let name = word.text.as_str();
        let value = line.value(cx, word)?;
        let text = value.text.as_str();
        let invalid = |_: &str| format!("Invalid {name} {text} specified");
        match name {
            "tunnel-id" => self.rule.tunnel_id = Some(encap::wide(cx, line, value, invalid)?),
            "suppress_prefixlength" | "sup_pl" => {
                self.rule.suppress_prefixlength = Some(line.number(cx, value, (0, I32), invalid)?);
            }
            "protocol" => {
                let invalid = |text: &str| format!("Invalid protocol {text}");
                self.protocol = Some(line.number(cx, value, (0, 255), invalid)?);
            }
            "uidrange" => {
                let uids = range(text);
                if uids.is_none() {
                    line.mistake(cx, value, invalid(text));
                }
                self.rule.uids = Some(uids?);
            }
            "sport" | "dport" => {
                let ports = range(text);
                if ports.is_none() {
                    line.mistake(cx, value, format!("invalid {name} range {text}"));
                }
                if name == "sport" {
                    self.rule.source_ports = Some(ports?);
                } else {
                    self.rule.destination_ports = Some(ports?);
                }
            }
            _ => self.preference = Some(preference(cx, line, value)?),
        }
        Some(())
    }

    /// What the words mean together.
    fn finish(&mut self, cx: &mut Cx<'_>, line: &Line<'_>) -> Option<()> {
        let first = line.statement.words.first()?;
        let rule = &mut self.rule;
        let Some(action) = self.action else {
            line.mistake(cx, first, "No action specified for rule - ignoring");
            return None;
        };
        rule.action = action;
        rule.family = self.family.unwrap_or(Family::V4);
        if rule.realms.is_some() && rule.family == Family::V6 {
            line.mistake(cx, first, "realms is only valid for IPv4");
            return None;
        }
        let suppresses =
            rule.realms.is_some() || rule.suppress_prefixlength.is_some() || rule.suppress_group.is_some();
        if suppresses && !matches!(action, RuleAction::Table(_) | RuleAction::L3mdev) {
            let message = "suppressor/realm specified for non table action - skipping";
            line.mistake(cx, first, message);
            return None;
        }
        if let RuleAction::Goto(target) = action {
            let message = match self.preference {
                None => format!("Invalid rule - goto target {target} specified without preference"),
                Some(preference) if preference >= target => {
                    format!("Invalid rule - preference {preference} >= goto target {target}")
                }
                Some(_) => String::new(),
            };
            if !message.is_empty() {
                line.mistake(cx, first, message);
                return None;
            }
        }
        rule.preference = match self.preference {
            Some(preference) => preference,
            None => {
                let preference = cx.free_preference(rule.family);
                let message = format!(
                    "Rule has no preference specified - setting to {preference}. This is probably not what you want."
                );
                line.mistake(cx, first, message);
                preference
            }
        };
        rule.protocol = origin(cx, line, self.protocol, rule.watched, "Rule");
        if rule.track_group.is_some() && rule.iif.is_none() {
            let message = "Static rule cannot have track_group if dev/iif not specified";
            line.mistake(cx, first, message);
            rule.track_group = None;
        }
        Some(())
    }
}

impl Cx<'_> {
    /// The next preference of rules that have none.
    fn free_preference(&mut self, family: Family) -> u32 {
        let next = match family {
            Family::V4 => &mut self.preferences.0,
            Family::V6 => &mut self.preferences.1,
        };
        let preference = *next;
        *next = next.saturating_sub(1);
        preference
    }
}

/// Words that are actions after `type` and without it.
fn is_action(word: &str) -> bool {
    matches!(word, "goto" | "nop" | "blackhole" | "unreachable" | "prohibit")
}

/// A preference, in any base of C.
fn preference(cx: &mut Cx<'_>, line: &Line<'_>, word: &Word) -> Option<u32> {
    let text = word.text.as_str();
    let number = names::c_number(text);
    if let Some(value) = number.and_then(|number| u32::try_from(number).ok()) {
        return Some(value);
    }
    let text = text.to_owned();
    let error = if number.is_some() {
        NumberError::Integer(text, "unsigned integer")
    } else if text.starts_with('-') {
        NumberError::Negative(text)
    } else {
        NumberError::Invalid(text)
    };
    line.not_a_number(cx, word, &error);
    line.mistake(
        cx,
        word,
        format!("Invalid rule preference {} specified", word.text),
    );
    None
}

/// `MARK[/MASK]`, in any base of C.
fn mark(text: &str) -> Option<FwMark> {
    let number = |text: &str| names::c_number(text).and_then(|number| u32::try_from(number).ok());
    let (mark, mask) = match text.split_once('/') {
        Some((mark, mask)) => (mark, Some(number(mask)?)),
        None => (text, None),
    };
    Some(FwMark {
        mark: number(mark)?,
        mask,
    })
}

/// `FIRST-LAST`
fn range<T: FromStr + PartialOrd>(text: &str) -> Option<(T, T)> {
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<T>().ok()).flatten()
    };
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

/// A protocol above IP by number, in any base of C, or by the names that everybody has.
fn ip_protocol(text: &str) -> Option<u8> {
    let named = match text.to_ascii_lowercase().as_str() {
        "ip" => 0,
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" => 4,
        "tcp" => 6,
        "egp" => 8,
        "udp" => 17,
        "dccp" => 33,
        "ipv6" => 41,
        "rsvp" => 46,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmpv6" | "ipv6-icmp" => 58,
        "ospf" | "ospfigp" => 89,
        "ipip" => 94,
        "pim" => 103,
        "vrrp" => 112,
        "l2tp" => 115,
        "sctp" => 132,
        "udplite" => 136,
        "mpls-in-ip" => 137,
        _ => {
            let number = names::c_number(text)?;
            return u8::try_from(number).ok();
        }
    };
    Some(named)
}
