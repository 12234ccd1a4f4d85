//! Lines of `virtual_ipaddress`, `virtual_ipaddress_excluded` and `static_ipaddress`.

use super::line::Line;
use super::{Cx, statics};
use crate::conf::config::{AddressLine, Spanned, TrackGroup};
use crate::conf::diag::{Class, Topic};
use crate::conf::keyword::{self, Block, Status};
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::net::{AddressOptions, Cidr, Family, Lifetime, Scope};
use std::net::{IpAddr, Ipv4Addr};

/// The longest `label`, in octets.
const MAX_LABEL: usize = 15;
/// The greatest number of seconds.
const MAX_SECONDS: i64 = u32::MAX as i64;

/// The entries of a block of an instance. What is no address is skipped.
pub(super) fn lines(cx: &mut Cx<'_>, body: &[Statement]) -> Vec<Spanned<AddressLine>> {
    body.iter()
        .filter_map(|statement| line(cx, statement, None))
        .collect()
}

/// An entry: of an instance without `groups`, static with them.
pub(super) fn line(
    cx: &mut Cx<'_>,
    statement: &Statement,
    groups: Option<&[TrackGroup]>,
) -> Option<Spanned<AddressLine>> {
    let mut line = Line::new(statement, Topic::AddressOption);
    let first = line.next()?;
    let Some(cidr) = line.cidr(cx, first) else {
        line.not_an_address(cx, first);
        return None;
    };
    let mut entry = Entry {
        out: AddressLine {
            cidr,
            dev: None,
            scope: Scope::GLOBAL,
            label: None,
            broadcast: None,
            options: AddressOptions::of(&cidr),
        },
        line,
        groups,
        lifetime: None,
    };
    while let Some(word) = entry.line.next() {
        entry.word(cx, word)?;
    }
    entry.finish(cx, first);
    Some(Cx::spanned(statement, first, entry.out))
}

struct Entry<'s, 'g> {
    line: Line<'s>,
    out: AddressLine,
    groups: Option<&'g [TrackGroup]>,
    lifetime: Option<Lifetime>,
}

impl Entry<'_, '_> {
    /// One option; `None` when the whole address is of no use, which has been said.
    fn word(&mut self, cx: &mut Cx<'_>, word: &Word) -> Option<()> {
        let name = word.text.as_str();
        let is_static = self.groups.is_some();
        let known = match name {
            "track_group" => is_static,
            "use_vmac" => !is_static,
            name => keyword::find(Block::AddressEntry, name).is_some(),
        };
        if !known {
            self.unknown(cx, word);
            return Some(());
        }
        if !is_static {
            unheeded(cx, self.line.statement, word);
        }
        let options = &mut self.out.options;
        match name {
            "home" => options.home = true,
            "-nodad" => options.dad = true,
            "mngtmpaddr" => options.mngtmpaddr = true,
            "noprefixroute" => options.noprefixroute = true,
            "autojoin" => options.autojoin = true,
            "no_track" => options.watched = false,
            "use_vmac" => options.use_vmac = true,
            _ => {
                let Some(value) = self.line.next() else {
                    let message = format!("No {name} parameter specified for {}", self.out.cidr);
                    self.line.mistake(cx, word, message);
                    return None;
                };
                return self.option(cx, word, value);
            }
        }
        Some(())
    }

    fn unknown(&mut self, cx: &mut Cx<'_>, word: &Word) {
        let message = format!(
            "Unknown configuration entry '{}' for ip address - ignoring",
            word.text
        );
        let meant = self.line.unknown(cx, Block::AddressEntry, word, message);
        // Then what follows is its value, and no mistake of its own.
        if meant
            .and_then(|meant| keyword::find(Block::AddressEntry, meant))
            .is_some_and(|keyword| keyword.args.mandatory())
        {
            self.line.next();
        }
    }

    /// An option that takes a value.
    fn option(&mut self, cx: &mut Cx<'_>, word: &Word, value: &Word) -> Option<()> {
        let name = word.text.as_str();
        let v6 = self.out.cidr.family() == Family::V6;
        let cidr = self.out.cidr;
        match name {
            "dev" if self.out.dev.is_some() => {
                let message = format!("Cannot specify ipaddress device more than once for {cidr}");
                self.line.mistake(cx, value, message);
                return None;
            }
            "dev" => self.out.dev = Some(Cx::spanned(self.line.statement, value, value.text.clone())),
            "scope" => match cx.names.scope(&value.text) {
                Some(_) if v6 => self.not_for_v6(cx, word),
                Some(scope) => self.out.scope = Scope(scope),
                None => {
                    let message = format!("Invalid scope '{}' specified for {cidr} - ignoring", value.text);
                    self.line.mistake(cx, value, message);
                }
            },
            "label" if v6 => self.not_for_v6(cx, word),
            "label" if value.text.len() > MAX_LABEL => {
                let message = format!(
                    "Address label {} is longer than maximum length {MAX_LABEL} - removing address",
                    value.text
                );
                self.line.mistake(cx, value, message);
                return None;
            }
            "label" => self.out.label = Some(value.text.clone()),
            "brd" | "broadcast" => return self.broadcast(cx, word, value),
            "peer" => self.peer(cx, value),
            "preferred_lft" => self.lifetime = self.preferred(cx, value).or(self.lifetime),
            _ => {
                let topic = Topic::AddressOption;
                let (statement, groups) = (self.line.statement, self.groups.unwrap_or_default());
                statics::group(
                    cx,
                    &mut self.out.options.track_group,
                    groups,
                    topic,
                    statement,
                    value,
                );
            }
        }
        Some(())
    }

    fn not_for_v6(&self, cx: &mut Cx<'_>, word: &Word) {
        let name = &word.text;
        let message = format!(
            "Cannot specify {name} for IPv6 addresses ({}) - ignoring {name}",
            self.out.cidr
        );
        self.line.mistake(cx, word, message);
    }

    fn broadcast(&mut self, cx: &mut Cx<'_>, word: &Word, value: &Word) -> Option<()> {
        let IpAddr::V4(address) = self.out.cidr.addr else {
            let message = format!(
                "VRRP is trying to assign a broadcast {} to the IPv6 address {}. skipping VIP...",
                word.text, self.out.cidr
            );
            self.line.mistake(cx, word, message);
            return None;
        };
        let prefix = self.out.cidr.prefix;
        self.out.broadcast = match value.text.as_str() {
            "+" | "-" if prefix > 30 => {
                let message = format!("Address prefix length {prefix} too long for broadcast");
                self.line.mistake(cx, value, message);
                None
            }
            "+" => Some(Ipv4Addr::from_bits(address.to_bits() | host_bits(prefix))),
            "-" => Some(Ipv4Addr::from_bits(address.to_bits() & !host_bits(prefix))),
            text => {
                let Ok(broadcast) = text.parse() else {
                    let message =
                        format!("VRRP is trying to assign invalid broadcast {text}. skipping VIP...");
                    cx.word_error_about(Topic::InvalidAddress, self.line.statement, value, message);
                    return None;
                };
                Some(broadcast)
            }
        };
        Some(())
    }

    fn peer(&mut self, cx: &mut Cx<'_>, value: &Word) {
        let invalid = |text: &str| format!("Invalid peer address {text}");
        let Some(peer) = self.line.address(cx, value, invalid) else {
            return;
        };
        if Family::of(&peer) != self.out.cidr.family() {
            let message = format!("Peer address {peer} does not match address family");
            cx.word_error_about(Topic::AddressFamilyMismatch, self.line.statement, value, message);
            return;
        }
        self.out.options.peer = Some(peer);
    }

    fn preferred(&self, cx: &mut Cx<'_>, value: &Word) -> Option<Lifetime> {
        if value.text == "forever" {
            return Some(Lifetime::Forever);
        }
        let invalid = |text: &str| format!("preferred_lft {text} is invalid");
        let seconds = self.line.number(cx, value, (0, MAX_SECONDS), invalid)?;
        Some(Lifetime::Seconds(seconds))
    }

    /// What options mean together.
    fn finish(&mut self, cx: &mut Cx<'_>, first: &Word) {
        let out = &mut self.out;
        if out.options.peer.is_some() {
            let host = Cidr::host(out.cidr.addr);
            if out.cidr != host {
                let message = "Cannot specify address prefix when specifying peer address - ignoring";
                self.line.mistake(cx, first, message);
                out.cidr = host;
            }
            if out.broadcast.take().is_some() {
                let message = "Cannot specify broadcast and peer addresses - ignoring broadcast address";
                self.line.mistake(cx, first, message);
            }
        }
        if out.cidr.family() == Family::V6 {
            let default = AddressOptions::of(&out.cidr).preferred;
            out.options.preferred = self.lifetime.or(default);
        }
    }
}

/// Says that nothing comes of an option yet.
fn unheeded(cx: &mut Cx<'_>, statement: &Statement, word: &Word) {
    let not_yet = keyword::find(Block::AddressEntry, &word.text)
        .is_some_and(|keyword| keyword.status == Status::NotYet);
    if not_yet {
        let message = format!("accepted, no effect yet: {}", word.text);
        cx.report(Class::Unheeded, statement.place_of(word), message);
    }
}

fn host_bits(prefix: u8) -> u32 {
    u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0)
}
