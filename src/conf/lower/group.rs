//! `virtual_server_group`: addresses, ranges and marks that one virtual server stands for.

use super::{Cx, server};
use crate::conf::config::{Config, GroupEntry, ServerGroup, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::number;
use crate::conf::tree::Statement;
use crate::net::{Cidr, Family};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A group without a usable entry is none.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, header: &Statement, body: &[Statement]) {
    let Some(word) = header.arg() else { return };
    let group = ServerGroup {
        name: Cx::spanned(header, word, word.text.clone()),
        entries: body
            .iter()
            .filter_map(|statement| entry(cx, &word.text, statement))
            .collect(),
    };
    let problem = if group.entries.is_empty() {
        "has no entries - removing"
    } else if is_ambiguous(&group.entries) {
        "cannot have IPv4, IPv6 and fwmark without family - removing"
    } else {
        config.server_groups.push(group);
        return;
    };
    let message = format!("virtual server group {} {problem}", word.text);
    let found = Diagnostic::new(Class::General, Some(header.place_of(word)), message);
    cx.diagnostics.push(found.about(Topic::LvsGroup));
}

/// Both families, and a mark that does not say which it is of (fact 2.23).
fn is_ambiguous(entries: &[Spanned<GroupEntry>]) -> bool {
    let family = |wanted: Family| entries.iter().any(|entry| entry.value.family() == Some(wanted));
    let unsettled =
        |entry: &Spanned<GroupEntry>| matches!(entry.value, GroupEntry::FwMark { family: None, .. });
    family(Family::V4) && family(Family::V6) && entries.iter().any(unsettled)
}

fn entry(cx: &mut Cx<'_>, group: &str, statement: &Statement) -> Option<Spanned<GroupEntry>> {
    let word = statement.words.first()?;
    let text = word.text.as_str();
    if text == "fwmark" {
        return mark(cx, group, statement);
    }
    let port = match statement.arg() {
        None => 0,
        Some(port) => match server::port(port) {
            Some(port) => port,
            None => {
                let message = format!(
                    "Invalid virtual server group IP address {text} /port/{} - skipping",
                    port.text
                );
                let found = Diagnostic::new(Class::InvalidNumber, Some(statement.place_of(port)), message);
                cx.diagnostics.push(found.with_help("a port from 1 to 65535"));
                return None;
            }
        },
    };
    match addresses(text) {
        Ok((first, last)) => {
            let value = GroupEntry::Addresses { first, last, port };
            Some(Cx::spanned(statement, word, value))
        }
        Err(message) => {
            let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
            let help = "ADDRESS, ADDRESS-LAST, FIRST-LAST, ADDRESS/LENGTH or `fwmark N [inet|inet6]`";
            cx.diagnostics.push(found.about(Topic::LvsGroup).with_help(help));
            None
        }
    }
}

/// `fwmark N [inet|inet6]`
fn mark(cx: &mut Cx<'_>, group: &str, statement: &Statement) -> Option<Spanned<GroupEntry>> {
    let Some(word) = statement.arg() else {
        let message = "*** Configuration line starting `fwmark` is missing a parameter after keyword `fwmark` at word position 2";
        cx.report(Class::MissingParameter, statement.place(), message);
        return None;
    };
    let Some(mark) = number::int(&word.text, 0, i64::from(u32::MAX), false)
        .ok()
        .and_then(|(mark, _)| u32::try_from(mark).ok())
    else {
        let message = format!(
            "({group}): fwmark '{}' must be in [0, 4294967295] - ignoring",
            word.text
        );
        let found = Diagnostic::new(Class::InvalidNumber, Some(statement.place_of(word)), message);
        cx.diagnostics.push(found);
        return None;
    };
    let family = match statement.args().get(1) {
        None => None,
        Some(family) => match family.text.as_str() {
            "inet" => Some(Family::V4),
            "inet6" => Some(Family::V6),
            other => {
                let message = format!("({group}): fwmark '{mark}' family {other} unknown - ignoring");
                cx.choice_error_about(Topic::LvsGroup, statement, family, message, &["inet", "inet6"]);
                return None;
            }
        },
    };
    Some(Cx::spanned(statement, word, GroupEntry::FwMark { mark, family }))
}

/// The first and the last address of an entry, or what is wrong with it.
fn addresses(text: &str) -> Result<(IpAddr, IpAddr), String> {
    let invalid = || format!("Invalid virtual server group IP address {text} - skipping");
    if let Ok(address) = text.parse() {
        return Ok((address, address));
    }
    if let Some((address, length)) = text.split_once('/') {
        return prefix(text, address.parse().map_err(|_| invalid())?, length);
    }
    let (first, end) = text.split_once('-').ok_or_else(invalid)?;
    let first: IpAddr = first.parse().map_err(|_| invalid())?;
    if let Ok(last) = end.parse::<IpAddr>() {
        if first.is_ipv4() != last.is_ipv4() {
            return Err(invalid());
        }
        if last < first {
            return Err(format!(
                "Address range end is less than address range start - {text} - skipping"
            ));
        }
        return Ok((first, last));
    }
    let last = last_of(text, first, end)?;
    if last <= first {
        return Err(format!(
            "Address range end is not greater than address range start - {text} - skipping"
        ));
    }
    Ok((first, last))
}

/// The address whose last octet, or last 16 bits, are `end`.
fn last_of(text: &str, first: IpAddr, end: &str) -> Result<IpAddr, String> {
    let radix = if first.is_ipv4() { 10 } else { 16 };
    let digits = end.find(|c: char| !c.is_digit(radix)).unwrap_or(end.len());
    let (number, rest) = end.split_at_checked(digits).unwrap_or((end, ""));
    if !rest.is_empty() {
        return Err(format!(
            "Virtual server group range '{text}' has extra characters at end '{rest}'"
        ));
    }
    let too_large = || format!("Virtual server group range '{text}' end '{end}' too large");
    let number = match number {
        "" => 0,
        digits => u16::from_str_radix(digits, radix).map_err(|_| too_large())?,
    };
    Ok(match first {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, u8::try_from(number).map_err(|_| too_large())?).into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, _] = address.segments();
            Ipv6Addr::new(a, b, c, d, e, f, g, number).into()
        }
    })
}

/// All addresses of a prefix, the network's and the broadcast's too.
fn prefix(text: &str, address: IpAddr, length: &str) -> Result<(IpAddr, IpAddr), String> {
    let length = number::int(length, 1, 128, false).ok();
    let cidr = length
        .and_then(|(length, _)| u8::try_from(length).ok())
        .and_then(|length| Cidr::new(address, length))
        .ok_or_else(|| format!("Invalid netmask - {text} - skipping"))?;
    let (free, last) = match address {
        IpAddr::V4(address) => {
            let free = u32::MAX.checked_shr(u32::from(cidr.prefix)).unwrap_or(0);
            let bits = address.to_bits();
            (bits & free == 0, IpAddr::from(Ipv4Addr::from_bits(bits | free)))
        }
        IpAddr::V6(address) => {
            let free = u128::MAX.checked_shr(u32::from(cidr.prefix)).unwrap_or(0);
            let bits = address.to_bits();
            (bits & free == 0, IpAddr::from(Ipv6Addr::from_bits(bits | free)))
        }
    };
    if free {
        Ok((address, last))
    } else {
        Err(format!("Address mask bits not empty - {text} - skipping"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What keepalived 2.2.7 takes, and what it says of the others.
    #[test]
    fn entries_are_addresses_ranges_and_prefixes() {
        for (text, first, last) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("192.0.2.1-5", "192.0.2.1", "192.0.2.5"),
            ("192.0.2.250-192.0.3.5", "192.0.2.250", "192.0.3.5"),
            ("192.0.2.1-192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("192.0.2.0/24", "192.0.2.0", "192.0.2.255"),
            ("192.0.2.1/32", "192.0.2.1", "192.0.2.1"),
            ("2001:db8::1-ffff", "2001:db8::1", "2001:db8::ffff"),
            ("2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"),
            ("2001:db8::1-2001:db8::2", "2001:db8::1", "2001:db8::2"),
        ] {
            let wanted = (first.parse().unwrap(), last.parse().unwrap());
            assert_eq!(addresses(text), Ok(wanted), "{text}");
        }
        for (text, wanted) in [
            ("x", "Invalid virtual server group IP address"),
            ("192.0.2", "Invalid virtual server group IP address"),
            ("192.0.2.1-2001:db8::1", "Invalid virtual server group IP address"),
            ("192.0.2.5-1", "not greater"),
            ("192.0.2.5-5", "not greater"),
            ("192.0.2.1-", "not greater"),
            ("2001:db8::5-1", "not greater"),
            ("192.0.2.9-192.0.2.1", "end is less than"),
            ("192.0.2.1-300", "too large"),
            ("2001:db8::1-10000", "too large"),
            ("192.0.2.1-x", "extra characters at end 'x'"),
            ("192.0.2.0/0", "Invalid netmask"),
            ("192.0.2.0/33", "Invalid netmask"),
            ("192.0.2.0/", "Invalid netmask"),
            ("2001:db8::/129", "Invalid netmask"),
            ("192.0.2.1/24", "Address mask bits not empty"),
            ("2001:db8::1/112", "Address mask bits not empty"),
        ] {
            let message = addresses(text).unwrap_err();
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }
}
