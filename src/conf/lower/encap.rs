//! `encap` of a route: what its packets are wrapped in.

use super::Cx;
use super::line::Line;
use crate::conf::names;
use crate::conf::number;
use crate::conf::token::Word;
use crate::net::{Encap, Tunnel};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The greatest MPLS label.
const MAX_LABEL: u32 = 0xf_ffff;
/// Labels that one route may have.
const MAX_LABELS: usize = 15;

/// What follows `encap`; `None` when it is no good, which has been said.
pub(super) fn encap(cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<Encap> {
    let Some(kind) = line.next() else {
        line.mistake(cx, word, "Missing encap type");
        return None;
    };
    match kind.text.as_str() {
        "ip" => tunnel::<Ipv4Addr>(cx, line, kind).map(Encap::Ip),
        "ip6" => tunnel::<Ipv6Addr>(cx, line, kind).map(Encap::Ip6),
        "mpls" => mpls(cx, line, kind),
        "ila" => ila(cx, line, kind),
        other => {
            line.mistake(cx, kind, format!("Unknown encap type - {other}"));
            None
        }
    }
}

/// The addresses of a tunnel.
trait Outer: Sized {
    /// How `encap` calls it, and its keyword for the hops.
    const NAME: &'static str;
    const TOS: &'static str;
    const TTL: &'static str;

    fn of(address: IpAddr) -> Option<Self>;
}

impl Outer for Ipv4Addr {
    const NAME: &'static str = "ip";
    const TOS: &'static str = "tos";
    const TTL: &'static str = "ttl";

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }
}

impl Outer for Ipv6Addr {
    const NAME: &'static str = "ip6";
    const TOS: &'static str = "tc";
    const TTL: &'static str = "hoplimit";

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(address),
        }
    }
}

/// `ip` and `ip6`: options in any order, up to a word that is none.
fn tunnel<A: Outer>(cx: &mut Cx<'_>, line: &mut Line<'_>, kind: &Word) -> Option<Tunnel<A>> {
    let mut out = Tunnel::<A>::default();
    let name = A::NAME;
    while let Some(next) = line.peek() {
        let known = matches!(next, "id" | "dst" | "src" | "flags") || next == A::TOS || next == A::TTL;
        if !known {
            break;
        }
        let word = line.next()?;
        let value = line.value(cx, word)?;
        match word.text.as_str() {
            "id" => out.id = Some(id(cx, line, value)?),
            "dst" => out.destination = Some(outer(cx, line, word, value)?),
            "src" => out.source = Some(outer(cx, line, word, value)?),
            "flags" => {
                let invalid = |text: &str| format!("flags {text} is not valid for {name} encapsulation");
                out.flags = Some(line.number(cx, value, (0, 0xffff), invalid)?);
            }
            option if option == A::TOS => {
                let Some(tos) = cx.names.dsfield(&value.text) else {
                    let message = format!("{option} {} not valid for {name} encapsulation", value.text);
                    line.mistake(cx, value, message);
                    return None;
                };
                out.tos = Some(tos);
            }
            option => {
                let invalid = |text: &str| format!("{option} {text} is not valid for {name} encapsulation");
                out.ttl = Some(line.number(cx, value, (0, 255), invalid)?);
            }
        }
    }
    if out.id.is_none() && out.destination.is_none() && out.source.is_none() {
        line.mistake(
            cx,
            kind,
            format!("address or id missing for {name} encapsulation"),
        );
        return None;
    }
    Some(out)
}

/// 64 bits, read strictly.
fn id(cx: &mut Cx<'_>, line: &Line<'_>, word: &Word) -> Option<u64> {
    let invalid = |text: &str| format!("encap id {text} value is invalid");
    wide(cx, line, word, invalid)
}

/// A number of 64 bits, read strictly.
pub(super) fn wide(
    cx: &mut Cx<'_>,
    line: &Line<'_>,
    word: &Word,
    message: impl FnOnce(&str) -> String,
) -> Option<u64> {
    let digits = word.text.strip_prefix('+').unwrap_or(&word.text);
    let value = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok());
    if let Some(Some(value)) = value {
        return Some(value);
    }
    let text = word.text.clone();
    let error = if value.is_some() && !digits.is_empty() {
        number::NumberError::Integer(text, "unsigned 64 bit")
    } else if text.starts_with('-') {
        number::NumberError::Negative(text)
    } else {
        number::NumberError::Invalid(text)
    };
    line.not_a_number(cx, word, &error);
    line.mistake(cx, word, message(&word.text));
    None
}

fn outer<A: Outer>(cx: &mut Cx<'_>, line: &Line<'_>, option: &Word, value: &Word) -> Option<A> {
    let name = A::NAME;
    let invalid = |text: &str| format!("Invalid encap {name} {} {text}", option.text);
    let address = line.address(cx, value, invalid)?;
    let found = A::of(address);
    if found.is_none() {
        let family = crate::net::Family::of(&address);
        let message = format!("{family} address {address} not valid for {name} encapsulation");
        line.mistake(cx, value, message);
    }
    found
}

/// `LABEL[/LABEL…]`
fn mpls(cx: &mut Cx<'_>, line: &mut Line<'_>, kind: &Word) -> Option<Encap> {
    let Some(word) = line.next() else {
        line.mistake(cx, kind, "missing address for MPLS encapsulation");
        return None;
    };
    let label = |text: &str| {
        let value = names::c_number(text).and_then(|value| u32::try_from(value).ok());
        value.filter(|value| *value <= MAX_LABEL)
    };
    let labels: Option<Vec<u32>> = word.text.split('/').map(label).collect();
    let labels = labels.filter(|labels| labels.len() <= MAX_LABELS);
    if labels.is_none() {
        let message = format!("invalid mpls address {} for encapsulation", word.text);
        line.mistake(cx, word, message);
    }
    labels.map(Encap::Mpls)
}

/// Four groups of up to four hexadecimal digits.
fn ila(cx: &mut Cx<'_>, line: &mut Line<'_>, kind: &Word) -> Option<Encap> {
    let word = line.value(cx, kind)?;
    let group = |text: &str| {
        let clean = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        clean.then(|| u16::from_str_radix(text, 16).ok()).flatten()
    };
    let groups: Option<Vec<u16>> = word.text.split(':').map(group).collect();
    let locator = groups.filter(|groups| groups.len() == 4).map(|groups| {
        groups
            .into_iter()
            .fold(0_u64, |locator, group| (locator << 16) | u64::from(group))
    });
    if locator.is_none() {
        let message = format!("invalid locator {} for ila encapsulation", word.text);
        line.mistake(cx, word, message);
    }
    locator.map(Encap::Ila)
}
