//! Lines of `virtual_ipaddress` and `virtual_ipaddress_excluded`.

use super::Cx;
use crate::conf::config::{AddressLine, Spanned};
use crate::conf::diag::{Class, Diagnostic};
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

/// `ADDRESS[/PREFIX]`, and whether the prefix is none, so that the host's is used.
fn cidr(text: &str) -> Option<(Cidr, bool)> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().ok()?;
    let Some(prefix) = prefix else {
        return Some((Cidr::host(address), false));
    };
    let digits = prefix.bytes().all(|b| b.is_ascii_digit());
    let cidr = prefix
        .parse()
        .ok()
        .filter(|_| digits)
        .and_then(|prefix| Cidr::new(address, prefix));
    Some(cidr.map_or_else(|| (Cidr::host(address), true), |cidr| (cidr, false)))
}

fn line(cx: &mut Cx<'_>, statement: &Statement) -> Option<Spanned<AddressLine>> {
    let first = statement.words.first()?;
    let Some((cidr, bad_prefix)) = cidr(&first.text) else {
        let message = format!("VRRP parsed invalid IP {}. skipping IP...", first.text);
        cx.word_error(statement, first, message);
        return None;
    };
    if bad_prefix {
        let most = cidr.family().host_prefix();
        let message = format!(
            "Invalid address prefix len for address {} - using {most}",
            first.text
        );
        cx.report(Class::InvalidNumber, statement.place_of(first), message);
    }
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
            let meant = keyword::nearest(Block::AddressEntry, &word.text);
            let mut diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
            diagnostic.help = meant.map(|meant| format!("did you mean `{meant}`?"));
            cx.diagnostics.push(diagnostic);
            // Then what follows is its value, and no mistake of its own.
            if meant
                .and_then(|meant| keyword::find(Block::AddressEntry, meant))
                .is_some_and(|k| k.args.mandatory())
            {
                words.next();
            }
            continue;
        }
        match word.text.as_str() {
            "home" | "-nodad" | "mngtmpaddr" | "noprefixroute" | "autojoin" | "no_track" | "use_vmac" => {
                let message = format!("accepted, no effect yet: {}", word.text);
                cx.report(Class::Unheeded, statement.place_of(word), message);
                continue;
            }
            _ => {}
        }
        let Some(value) = words.next() else {
            let message = format!("No {} parameter specified for {}", word.text, out.cidr);
            cx.word_error(statement, word, message);
            break;
        };
        if !option(cx, &mut out, statement, word, value) {
            return None;
        }
    }
    Some(Cx::spanned(statement, first, out))
}

/// An option that takes a value; `false` when the whole address is of no use.
fn option(cx: &mut Cx<'_>, out: &mut AddressLine, statement: &Statement, word: &Word, value: &Word) -> bool {
    let v4 = out.cidr.addr.is_ipv4();
    let name = word.text.as_str();
    match name {
        "dev" if out.dev.is_some() => {
            let message = format!("dev {} already specified - ignoring", value.text);
            cx.word_error(statement, value, message);
        }
        "dev" => out.dev = Some(Cx::spanned(statement, value, value.text.clone())),
        "scope" | "label" | "brd" | "broadcast" if !v4 => {
            let message = format!(
                "Cannot specify {name} for IPv6 addresses ({}) - ignoring {name}",
                out.cidr
            );
            cx.word_error(statement, word, message);
        }
        "scope" => match cx.names.scope(&value.text) {
            Some(scope) => out.scope = Scope(scope),
            None => cx.word_error(statement, value, format!("Invalid scope '{}'", value.text)),
        },
        "label" if value.text.len() > MAX_LABEL => {
            let message = format!(
                "Address label {} is longer than maximum length {MAX_LABEL} - removing address",
                value.text
            );
            cx.word_error(statement, value, message);
            return false;
        }
        "label" => out.label = Some(value.text.clone()),
        "brd" | "broadcast" => match broadcast(&out.cidr, &value.text) {
            Some(address) => out.broadcast = Some(address),
            None => {
                let message = format!(
                    "VRRP is trying to assign invalid broadcast {}. skipping VIP...",
                    value.text
                );
                cx.word_error(statement, value, message);
                return false;
            }
        },
        name => {
            let message = format!("accepted, no effect yet: {name}");
            cx.report(Class::Unheeded, statement.place_of(word), message);
        }
    }
    true
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
        let network = cidr("10.1.2.3/24").unwrap().0;
        assert_eq!(broadcast(&network, "+"), Some(Ipv4Addr::new(10, 1, 2, 255)));
        assert_eq!(broadcast(&network, "-"), Some(Ipv4Addr::new(10, 1, 2, 0)));
        assert_eq!(broadcast(&cidr("10.1.2.3").unwrap().0, "+"), None);
        for bad in ["10.1.2", "x", "", "/24"] {
            assert_eq!(cidr(bad), None, "{bad}");
        }
        for (text, address) in [
            ("10.1.2.3/33", "10.1.2.3"),
            ("10.1.2.3/", "10.1.2.3"),
            ("fe80::1/+4", "fe80::1"),
        ] {
            assert_eq!(
                cidr(text),
                Some((Cidr::host(address.parse().unwrap()), true)),
                "{text}"
            );
        }
        assert_eq!(cidr("fd00::5/64").unwrap().0.to_string(), "fd00::5/64");
    }
}
