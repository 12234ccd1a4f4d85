//! Where the adverts of a `vrrp_instance` come from and go to: sources, groups, unicast peers.

use super::Cx;
use super::vrrp::set;
use crate::conf::config::{Instance, OldChecksum, Spanned, TtlRange};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use std::net::IpAddr;

/// `false`: `statement` is none of these.
pub(super) fn keyword(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) -> bool {
    match statement.keyword() {
        "mcast_src_ip" => source(cx, instance, statement),
        "unicast_src_ip" => {
            source(cx, instance, statement);
            instance.unicast = Some(statement.place());
        }
        "unicast_peer" => {
            instance.unicast = Some(statement.place());
            for line in statement.body.iter().flatten() {
                peer(cx, instance, line);
            }
        }
        "mcast_dst_ip" => mcast_dst(cx, instance, statement),
        "unicast_ttl" => {
            let place = statement
                .arg()
                .map_or_else(|| statement.place(), |word| statement.place_of(word));
            set(
                &mut instance.unicast_ttl,
                cx.unsigned(Block::Instance, statement),
                place,
            );
        }
        "unicast_fault_no_peer" => instance.unicast_fault_no_peer = true,
        "check_unicast_src" => {
            instance.check_unicast_src = true;
            instance.unicast = Some(statement.place());
        }
        "old_unicast_checksum" => match statement.arg() {
            None => instance.settings.old_unicast_checksum = Some(OldChecksum::Always),
            Some(word) if word.text == "never" => {
                instance.settings.old_unicast_checksum = Some(OldChecksum::Never);
            }
            Some(word) => {
                let name = &instance.name.value;
                let message = format!(
                    "({name}) Unknown old_unicast_chksum mode {} - ignoring",
                    word.text
                );
                cx.choice_error(statement, word, message, &["never", "nothing"]);
            }
        },
        _ => return false,
    }
    true
}

/// An address; what follows a `/` is not looked at, as in keepalived.
fn address(statement: &Statement, word: &Word) -> Option<Spanned<IpAddr>> {
    let text = word.text.split('/').next().unwrap_or_default();
    Some(Cx::spanned(statement, word, text.parse().ok()?))
}

fn source(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    match address(statement, word) {
        Some(address) => instance.source = Some(address),
        None => {
            let message = format!(
                "Configuration error: VRRP instance[{}] malformed src address[{}]. Skipping...",
                instance.name.value, word.text
            );
            cx.word_error_about(Topic::InvalidAddress, statement, word, message);
        }
    }
}

fn mcast_dst(cx: &mut Cx<'_>, instance: &mut Instance, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let name = &instance.name.value;
    let message = match address(statement, word) {
        None => format!("({name}) malformed mcast dest address {}. Skipping...", word.text),
        Some(address) => {
            let link_local = |group: &IpAddr| match group {
                IpAddr::V4(_) => true,
                IpAddr::V6(group) => group.segments()[0] & 0xf == 2,
            };
            if address.value.is_multicast() && link_local(&address.value) {
                instance.mcast_dst = Some(address);
                return;
            }
            let what = if address.value.is_multicast() {
                "link-local multicast"
            } else {
                "multicast"
            };
            format!("({name}) mcast_dst_ip {} not {what}. Skipping...", address.value)
        }
    };
    cx.word_error_about(Topic::InvalidAddress, statement, word, message);
}

/// `ADDRESS [min_ttl TTL] [max_ttl TTL]`
fn peer(cx: &mut Cx<'_>, instance: &mut Instance, line: &Statement) {
    let Some(word) = line.words.first() else { return };
    let name = instance.name.value.clone();
    let Some(address) = address(line, word) else {
        let message = format!(
            "Configuration error: VRRP instance[{name}] malformed unicast peer address[{}]. Skipping...",
            word.text
        );
        cx.word_error_about(Topic::InvalidAddress, line, word, message);
        return;
    };
    if let Some(first) = instance.peers.iter().find(|peer| peer.value == address.value) {
        let message = format!("({name}) duplicate unicast peer {} - ignoring", address.value);
        cx.duplicate(line, word, message, first.place.clone());
        return;
    }
    let peer = address.value;
    instance.peers.push(address);
    let mut range = TtlRange { least: 0, most: 255 };
    let mut options = line.args().iter();
    while let Some(option) = options.next() {
        let Some(value) = options.next() else {
            cx.word_error(
                line,
                option,
                format!("({name}) {} is missing a value", option.text),
            );
            break;
        };
        let slot = match option.text.as_str() {
            "min_ttl" => &mut range.least,
            "max_ttl" => &mut range.most,
            other => {
                let message = format!("({name}) unknown unicast_peer option {other}");
                cx.choice_error(line, option, message, &["min_ttl", "max_ttl"]);
                continue;
            }
        };
        match number::int(&value.text, 0, 255, false) {
            Ok((ttl, _)) => {
                *slot = u8::try_from(ttl).unwrap_or(u8::MAX);
                // A limit turns the check of the source on.
                instance.check_unicast_src = true;
                instance.settings.peer_ttls.insert(peer, range);
                let message = format!("accepted, no effect yet: {}", option.text);
                cx.report(Class::Unheeded, line.place_of(option), message);
            }
            Err(error) => {
                let message = format!("{}: {error}", option.text);
                cx.report(Class::InvalidNumber, line.place_of(value), message);
            }
        }
    }
    if range.least > range.most {
        let message = format!(
            "({name}) min_ttl {} > max_ttl {} - all packets will be discarded",
            range.least, range.most
        );
        cx.diagnostics
            .push(Diagnostic::new(Class::General, Some(line.place()), message));
    }
}
