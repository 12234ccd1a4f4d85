//! Lines of `virtual_ipaddress` and `virtual_ipaddress_excluded`.

use super::Cx;
use crate::conf::config::{AddressLine, Spanned};
use crate::conf::diag::Class;
use crate::conf::keyword::{self, Block};
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::net::{Cidr, Scope};
use std::net::{IpAddr, Ipv4Addr};

/// The longest `label`, in octets.
const MAX_LABEL: usize = 15;

/// The entries of a block. What is no address is skipped.
pub(super) fn lines(cx: &mut Cx<'_>, body: &[Statement]) -> Vec<Spanned<AddressLine>> {
    body.iter().filter_map(|statement| line(cx, statement)).collect()
}

/// `ADDRESS[/PREFIX]`
pub(super) fn cidr(text: &str) -> Option<Cidr> {
    match text.split_once('/') {
        None => text.parse().ok().map(Cidr::host),
        Some((address, prefix)) => {
            let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
            Cidr::new(address.parse().ok()?, prefix.parse().ok().filter(|_| digits)?)
        }
    }
}

fn line(cx: &mut Cx<'_>, statement: &Statement) -> Option<Spanned<AddressLine>> {
    let first = statement.words.first()?;
    let Some(cidr) = cidr(&first.text) else {
        let message = format!("VRRP parsed invalid IP {}. skipping IP...", first.text);
        cx.word_error(statement, first, message);
        return None;
    };
    let mut out = AddressLine {
        cidr,
        dev: None,
        scope: Scope::GLOBAL,
        label: None,
        broadcast: None,
    };
    let mut words = statement.args().iter();
    while let Some(word) = words.next() {
        if keyword::find(Block::AddressEntry, &word.text).is_none() {
            let message = format!(
                "Unknown configuration entry '{}' for ip address - ignoring",
                word.text
            );
            cx.word_error(statement, word, message);
            continue;
        }
        match word.text.as_str() {
            "home" | "-nodad" | "mngtmpaddr" | "noprefixroute" | "autojoin" | "no_track" | "use_vmac" => {
                let message = format!("accepted, no effect yet: {}", word.text);
                cx.report(Class::Note, statement.place_of(word), message);
                continue;
            }
            _ => {}
        }
        let Some(value) = words.next() else {
            let message = format!("{} has no value", word.text);
            cx.word_error(statement, word, message);
            break;
        };
        option(cx, &mut out, statement, word, value);
    }
    Some(Cx::spanned(statement, first, out))
}

/// An option that takes a value.
fn option(cx: &mut Cx<'_>, out: &mut AddressLine, statement: &Statement, word: &Word, value: &Word) {
    let v4 = out.cidr.addr.is_ipv4();
    match word.text.as_str() {
        "dev" if out.dev.is_some() => {
            let message = format!("dev {} already specified - ignoring", value.text);
            cx.word_error(statement, value, message);
        }
        "dev" => out.dev = Some(Cx::spanned(statement, value, value.text.clone())),
        "scope" | "label" | "brd" | "broadcast" if !v4 => {
            let message = format!("Cannot specify {} for IPv6 addresses ({})", word.text, out.cidr);
            cx.word_error(statement, word, message);
        }
        "scope" => match scope(&value.text) {
            Some(scope) => out.scope = scope,
            None => cx.word_error(statement, value, format!("Invalid scope '{}'", value.text)),
        },
        "label" if value.text.len() > MAX_LABEL => {
            let message = format!(
                "label {} is longer than {MAX_LABEL} characters - ignoring",
                value.text
            );
            cx.word_error(statement, value, message);
        }
        "label" => out.label = Some(value.text.clone()),
        "brd" | "broadcast" => match broadcast(&out.cidr, &value.text) {
            Some(address) => out.broadcast = Some(address),
            None => {
                let message = format!("VRRP VIP {} : invalid broadcast address {}", out.cidr, value.text);
                cx.word_error(statement, value, message);
            }
        },
        name => {
            let message = format!("accepted, no effect yet: {name}");
            cx.report(Class::Note, statement.place_of(word), message);
        }
    }
}

/// A scope by name or number.
fn scope(text: &str) -> Option<Scope> {
    Some(match text {
        "global" => Scope::GLOBAL,
        "site" => Scope(200),
        "link" => Scope::LINK,
        "host" => Scope::HOST,
        "nowhere" => Scope(255),
        number => Scope(number.parse().ok()?),
    })
}

/// An address, `+` (host bits set) or `-` (host bits clear).
fn broadcast(cidr: &Cidr, text: &str) -> Option<Ipv4Addr> {
    let IpAddr::V4(address) = cidr.addr else {
        return None;
    };
    let host_bits = u32::MAX.checked_shr(u32::from(cidr.prefix)).unwrap_or(0);
    match text {
        "+" | "-" if cidr.prefix > 30 => None,
        "+" => Some(Ipv4Addr::from_bits(address.to_bits() | host_bits)),
        "-" => Some(Ipv4Addr::from_bits(address.to_bits() & !host_bits)),
        address => address.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_broadcasts() {
        let network = cidr("10.1.2.3/24").unwrap();
        assert_eq!(broadcast(&network, "+"), Some(Ipv4Addr::new(10, 1, 2, 255)));
        assert_eq!(broadcast(&network, "-"), Some(Ipv4Addr::new(10, 1, 2, 0)));
        assert_eq!(broadcast(&cidr("10.1.2.3").unwrap(), "+"), None);
        for bad in [
            "10.1.2.3/33",
            "10.1.2",
            "10.1.2.3/",
            "10.1.2.3/+4",
            "fe80::1/129",
            "x",
        ] {
            assert_eq!(cidr(bad), None, "{bad}");
        }
        assert_eq!(cidr("fd00::5/64").unwrap().to_string(), "fd00::5/64");
    }
}
