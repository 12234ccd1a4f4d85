//! Lines of `virtual_routes` and `static_routes`.

use super::line::Line;
use super::{Cx, encap, metric, statics};
use crate::conf::config::{RouteLine, Spanned, TrackGroup};
use crate::conf::diag::{Class, Topic};
use crate::conf::keyword::Block;
use crate::conf::names;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::net::{
    Cidr, Family, IfName, Insertion, NextHop, PROTOCOL_KEEPALIVED, Realms, Route, RouteKind, Scope,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The greatest 32-bit number.
const U32: i64 = u32::MAX as i64;

/// A route: of an instance without `groups`, static with them. `None` when it is of no use, which has been said.
pub(super) fn line(
    cx: &mut Cx<'_>,
    statement: &Statement,
    groups: Option<&[TrackGroup]>,
) -> Option<Spanned<RouteLine>> {
    let mut line = Line::new(statement, Topic::RouteRule);
    let mut reader = Reader {
        out: RouteLine {
            route: Route::to(
                RouteKind::UNICAST,
                Cidr {
                    addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    prefix: 0,
                },
            ),
            interfaces: Vec::new(),
            vrf: None,
        },
        groups,
        family: None,
        addressed: false,
        destination: None,
        insertion: None,
        protocol: None,
        second: None,
    };
    while let Some(word) = line.next() {
        reader.word(cx, &mut line, word)?;
    }
    reader.finish(cx, &line)?;
    let first = statement.words.first()?;
    Some(Cx::spanned(statement, first, reader.out))
}

/// Where a route leads.
#[derive(Clone, Copy)]
enum Destination {
    /// Anywhere; the family is that of the rest.
    Default,
    /// There.
    Prefix(Cidr),
}

struct Reader<'g> {
    out: RouteLine,
    groups: Option<&'g [TrackGroup]>,
    /// What the words so far make it.
    family: Option<Family>,
    /// An address was among them.
    addressed: bool,
    destination: Option<Destination>,
    insertion: Option<Insertion>,
    protocol: Option<u8>,
    /// `or`
    second: Option<IpAddr>,
}

impl Reader<'_> {
    fn word(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let route = &mut self.out.route;
        match word.text.as_str() {
            "onlink" => route.onlink = true,
            "no_track" => route.watched = false,
            "add" => self.insertion = Some(Insertion::Add),
            "append" => self.insertion = Some(Insertion::Append),
            "prepend" => self.insertion = Some(Insertion::Prepend),
            "encap" => route.encap = Some(encap::encap(cx, line, word)?),
            "nexthop" => self.nexthops(cx, line)?,
            "to" => {
                let value = line.value(cx, word)?;
                self.destination(cx, line, value)?;
            }
            "default6" => {
                self.fix(cx, line, word, Family::V6)?;
                self.destination = Some(Destination::Prefix(default_of(Family::V6)));
            }
            "inet" | "inet6" => {
                swallowed(cx, line, word);
                let family = family_of(&word.text);
                self.fix(cx, line, word, family)?;
            }
            "as" => {
                line.take("to");
                line.value(cx, word)?;
                line.mistake(cx, word, "\"as to\" for MPLS only - ignoring");
            }
            "src" | "via" | "gw" | "from" | "or" => self.address(cx, line, word)?,
            "track_group" if self.groups.is_some() => {
                let value = line.value(cx, word)?;
                let (groups, statement) = (self.groups.unwrap_or_default(), line.statement);
                statics::group(
                    cx,
                    &mut route.track_group,
                    groups,
                    Topic::RouteRule,
                    statement,
                    value,
                );
            }
            "track_group" => return self.destination(cx, line, word),
            "tos" | "dsfield" | "table" | "protocol" | "scope" | "metric" | "priority" | "preference"
            | "dev" | "oif" | "vrf" | "expires" | "realms" | "pref" | "ttl-propagate" => {
                self.value(cx, line, word)?;
            }
            _ if metric::is_one(&word.text) => metric::read(cx, &mut route.metrics, line, word)?,
            _ => self.destination(cx, line, word)?,
        }
        Some(())
    }

    /// The family that an address fixes.
    fn fix_by_address(
        &mut self,
        cx: &mut Cx<'_>,
        line: &Line<'_>,
        word: &Word,
        address: &IpAddr,
    ) -> Option<()> {
        self.addressed = true;
        self.fix(cx, line, word, Family::of(address))
    }

    /// The family that a word fixes.
    fn fix(&mut self, cx: &mut Cx<'_>, line: &Line<'_>, word: &Word, family: Family) -> Option<()> {
        if self.family.is_some_and(|known| known != family) {
            let message = "Cannot mix IPv4 and IPv6 addresses for route";
            cx.word_error_about(Topic::AddressFamilyMismatch, line.statement, word, message);
            return None;
        }
        self.family = Some(family);
        Some(())
    }

    /// `[TYPE] PREFIX`
    fn destination(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, first: &Word) -> Option<()> {
        let mut word = first;
        if let Some(kind) = kind(&word.text) {
            self.out.route.kind = kind;
            word = line.value(cx, word)?;
        }
        if matches!(word.text.as_str(), "default" | "any" | "all") {
            if self.addressed {
                let message = format!(
                    "Cannot mix IPv4 and IPv6 addresses for route ({}): it stands before all other addresses",
                    word.text
                );
                cx.word_error_about(Topic::AddressFamilyMismatch, line.statement, word, message);
                return None;
            }
            self.destination = Some(match self.family {
                Some(family) => Destination::Prefix(default_of(family)),
                None => Destination::Default,
            });
            return Some(());
        }
        let Some(prefix) = line.cidr(cx, word) else {
            line.not_an_address(cx, word);
            let message = format!("unknown route keyword {}", word.text);
            line.unknown(cx, Block::RouteEntry, word, message);
            return None;
        };
        self.fix_by_address(cx, line, word, &prefix.addr)?;
        self.destination = Some(Destination::Prefix(prefix));
        Some(())
    }

    /// `src`, `via`, `gw`, `or`: an address; `from`: a prefix.
    fn address(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let name = match word.text.as_str() {
            "gw" => {
                let message = "\"gw\" for routes is deprecated. Please use \"via\"";
                cx.report(Class::Deprecated, line.statement.place_of(word), message);
                "via"
            }
            "or" => {
                let message = "\"or\" for routes is deprecated. Please use \"nexthop\"";
                cx.report(Class::Deprecated, line.statement.place_of(word), message);
                "or"
            }
            name => name,
        };
        if name == "from" {
            return self.from(cx, line, word);
        }
        let said = (name == "via").then(|| line.family_word()).flatten();
        let value = line.value(cx, word)?;
        let address = line.address(cx, value, |text| match name {
            "or" => format!("Invalid \"or\" address {text}"),
            name => format!("invalid route {name} address {text}"),
        })?;
        if let Some(said) = said {
            self.fix(cx, line, value, said)?;
        }
        self.fix_by_address(cx, line, value, &address)?;
        match name {
            "src" => self.out.route.preferred_source = Some(address),
            "via" => self.out.route.gateway = Some(address),
            _ if self.second.is_some() => {
                line.mistake(cx, word, "\"or\" route already specified - ignoring subsequent");
            }
            _ => self.second = Some(address),
        }
        Some(())
    }

    fn from(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let value = line.value(cx, word)?;
        let Some(prefix) = line.cidr(cx, value) else {
            line.not_an_address(cx, value);
            line.mistake(cx, value, format!("invalid route from address {}", value.text));
            return None;
        };
        if prefix.family() == Family::V4 {
            let message = format!("route from address only supported with IPv6 ({})", value.text);
            line.mistake(cx, value, message);
            return None;
        }
        self.fix_by_address(cx, line, value, &prefix.addr)?;
        self.out.route.from = Some(prefix);
        Some(())
    }

    /// A keyword with one value.
    fn value(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<()> {
        let value = line.value(cx, word)?;
        let text = value.text.as_str();
        let route = &mut self.out.route;
        let found = match word.text.as_str() {
            "tos" | "dsfield" => set(&mut route.tos, cx.names.dsfield(text)),
            "table" => set(&mut route.table, cx.names.table(text)),
            "protocol" => set(&mut self.protocol, cx.names.proto(text)),
            "scope" => {
                let scope = cx.names.scope(text).map(Scope);
                route.scope = scope.unwrap_or_default();
                scope.is_some()
            }
            "realms" => set(&mut route.realms, realms(cx, text)),
            "dev" | "oif" => {
                route.interface = IfName::new(text);
                let name = Cx::spanned(line.statement, value, value.text.clone());
                self.out.interfaces.push(name);
                true
            }
            "vrf" => {
                route.vrf = IfName::new(text);
                self.out.vrf = Some(Cx::spanned(line.statement, value, value.text.clone()));
                true
            }
            "metric" | "priority" | "preference" => {
                let invalid = |text: &str| format!("Invalid metric {text} specified for route");
                route.metric = Some(line.number(cx, value, (0, U32), invalid)?);
                true
            }
            "expires" => {
                let invalid = |text: &str| format!("Invalid expires time {text} specified for route");
                route.expires = Some(line.number(cx, value, (0, U32), invalid)?);
                true
            }
            "pref" => {
                route.preference = Some(preference(cx, line, value)?);
                true
            }
            // `ttl-propagate`: what is neither is left out, and the route stays.
            _ => {
                match text {
                    "enabled" => route.ttl_propagate = Some(true),
                    "disabled" => route.ttl_propagate = Some(false),
                    _ => line.mistake(cx, value, format!("ttl-propagate value {text} not recognised")),
                }
                true
            }
        };
        if !found {
            let message = match word.text.as_str() {
                "tos" | "dsfield" => format!("TOS value {text} is invalid"),
                "table" => format!("Routing table {text} not found for route"),
                "protocol" => format!("Protocol {text} not found or invalid for route"),
                "scope" => format!("Scope {text} not found or invalid for route"),
                _ => format!("Invalid realms {text} for route"),
            };
            line.mistake(cx, value, message);
        }
        found.then_some(())
    }

    /// All that is left of the line: its ways.
    fn nexthops(&mut self, cx: &mut Cx<'_>, line: &mut Line<'_>) -> Option<()> {
        let mut way = NextHop::default();
        while let Some(word) = line.next() {
            match word.text.as_str() {
                "nexthop" => self.out.route.nexthops.push(std::mem::take(&mut way)),
                "via" => {
                    let said = line.family_word();
                    let value = line.value(cx, word)?;
                    let invalid = |text: &str| format!("invalid nexthop address {text}");
                    let address = line.address(cx, value, invalid)?;
                    let family = Family::of(&address);
                    if said.is_some_and(|said| said != family) || self.family.is_some_and(|f| f != family) {
                        let message = "Address family mismatch for next hop";
                        cx.word_error_about(Topic::AddressFamilyMismatch, line.statement, value, message);
                        return None;
                    }
                    self.family = Some(family);
                    way.gateway = Some(address);
                }
                "dev" | "oif" => {
                    let value = line.value(cx, word)?;
                    way.interface = IfName::new(&value.text);
                    let name = Cx::spanned(line.statement, value, value.text.clone());
                    self.out.interfaces.push(name);
                }
                "weight" => way.weight = weight(cx, line, word)?,
                "onlink" => way.onlink = true,
                "encap" => way.encap = Some(encap::encap(cx, line, word)?),
                "realms" => {
                    let value = line.value(cx, word)?;
                    way.realms = realms(cx, &value.text);
                    if way.realms.is_none() {
                        let message = format!("Invalid realms {} for route", value.text);
                        line.mistake(cx, value, message);
                        return None;
                    }
                }
                other => {
                    let message = format!("Route has trailing nonsense after nexthops - {other}");
                    line.mistake(cx, word, message);
                    while line.next().is_some() {}
                }
            }
        }
        self.out.route.nexthops.push(way);
        Some(())
    }

    /// What the words mean together.
    fn finish(&mut self, cx: &mut Cx<'_>, line: &Line<'_>) -> Option<()> {
        let first = line.statement.words.first()?;
        let Some(destination) = self.destination else {
            line.mistake(cx, first, "Route must have a destination");
            return None;
        };
        let family = self.family.unwrap_or(Family::V4);
        let route = &mut self.out.route;
        route.destination = match destination {
            Destination::Default => default_of(family),
            Destination::Prefix(prefix) => prefix,
        };
        for (given, wanted, what) in [
            (route.expires.is_some(), Family::V6, "expires is"),
            (route.preference.is_some(), Family::V6, "pref is"),
            (route.realms.is_some(), Family::V4, "realms are"),
        ] {
            if given && family != wanted {
                line.mistake(cx, first, format!("{what} only valid for {wanted}"));
                return None;
            }
        }
        if let Some(second) = self.second {
            let way = |gateway| NextHop {
                gateway: Some(gateway),
                ..NextHop::default()
            };
            let ways = route.gateway.take().into_iter().chain([second]).map(way);
            route.nexthops = ways.chain(std::mem::take(&mut route.nexthops)).collect();
        }
        route.insertion = self.insertion.unwrap_or(match route.kind {
            RouteKind::UNICAST => Insertion::Prepend,
            _ => Insertion::Add,
        });
        route.protocol = origin(cx, line, self.protocol, route.watched, "Route");
        if route.track_group.is_some() && self.out.interfaces.is_empty() {
            line.mistake(
                cx,
                first,
                "Static route cannot have track group if no oif specified",
            );
            route.track_group = None;
        }
        Some(())
    }
}

/// What is watched must be recognised, so its origin is keepalived's.
pub(super) fn origin(
    cx: &mut Cx<'_>,
    line: &Line<'_>,
    wanted: Option<u8>,
    watched: bool,
    what: &str,
) -> Option<u8> {
    if !watched {
        return wanted;
    }
    if wanted.is_some_and(|wanted| wanted != PROTOCOL_KEEPALIVED)
        && let Some(first) = line.statement.words.first()
    {
        let message = format!(
            "{what} cannot be tracked if protocol is not RTPROT_KEEPALIVED({PROTOCOL_KEEPALIVED}), resetting protocol"
        );
        line.mistake(cx, first, message);
    }
    Some(PROTOCOL_KEEPALIVED)
}

/// keepalived takes the word after `inet` and `inet6` with them, so that it is lost. Here it is not, but is told.
pub(super) fn swallowed(cx: &mut Cx<'_>, line: &Line<'_>, word: &Word) {
    if let Some(next) = line.peek() {
        let message = format!(
            "'{}' before '{next}': keepalived does not read the word that follows '{}'",
            word.text, word.text
        );
        line.mistake(cx, word, message);
    }
}

/// `[SRC/]DST`
pub(super) fn realms(cx: &Cx<'_>, text: &str) -> Option<Realms> {
    let realm = |text: &str| cx.names.realm(text).and_then(|realm| u8::try_from(realm).ok());
    let (source, destination) = match text.split_once('/') {
        Some((source, destination)) => (realm(source)?, destination),
        None => (0, text),
    };
    Some(Realms {
        source,
        destination: realm(destination)?,
    })
}

impl Line<'_> {
    /// `inet` or `inet6` before an address.
    fn family_word(&mut self) -> Option<Family> {
        if self.take("inet6") {
            Some(Family::V6)
        } else {
            self.take("inet").then_some(Family::V4)
        }
    }
}

pub(super) fn family_of(word: &str) -> Family {
    if word == "inet6" { Family::V6 } else { Family::V4 }
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let found = value.is_some();
    *slot = value;
    found
}

/// A kind by name or number.
fn kind(text: &str) -> Option<RouteKind> {
    let number = || names::c_number(text).and_then(|number| u8::try_from(number).ok());
    RouteKind::named(text).or_else(|| number().map(RouteKind))
}

const fn default_of(family: Family) -> Cidr {
    let addr = match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    Cidr { addr, prefix: 0 }
}

/// 1 to 256; keepalived's bounds have a 0 that it refuses by itself.
fn weight(cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word) -> Option<u16> {
    let value = line.value(cx, word)?;
    let invalid = |text: &str| format!("Invalid weight {text} specified for route");
    let weight: u16 = line.number(cx, value, (0, 256), invalid)?;
    if weight == 0 {
        line.mistake(cx, value, invalid("0"));
        return None;
    }
    Some(weight)
}

/// `low`, `medium`, `high` or a number, as the kernel counts them.
fn preference(cx: &mut Cx<'_>, line: &Line<'_>, value: &Word) -> Option<u8> {
    match value.text.as_str() {
        "medium" => Some(0),
        "high" => Some(1),
        "low" => Some(3),
        _ => {
            let invalid = |text: &str| format!("Invalid pref value {text} specified for route");
            line.number(cx, value, (0, 255), invalid)
        }
    }
}
