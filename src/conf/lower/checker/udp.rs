//! `UDP_CHECK`.

use super::{Common, hex};
use crate::conf::config::UdpSettings;
use crate::conf::diag::{Class, Diagnostic};
use crate::conf::keyword::Block;
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// `max_reply_length` that nobody set.
const MAX_REPLY: u16 = 255;

pub(super) fn lower(
    cx: &mut Cx<'_>,
    common: &mut Common,
    header: &Statement,
    body: &[Statement],
) -> UdpSettings {
    let block = Block::UdpCheck;
    let mut udp = UdpSettings::default();
    for statement in body {
        match statement.keyword() {
            "payload" => {
                if statement.arg().is_none() {
                    cx.error(statement, "UDP_CHECK payload requires a payload");
                    continue;
                }
                if let Some(octets) = octets(cx, statement, false) {
                    udp.payload = Some(octets.into_iter().map(|(octet, _)| octet).collect());
                }
            }
            "require_reply" => {
                udp.require_reply = true;
                if statement.arg().is_some()
                    && let Some(octets) = octets(cx, statement, true)
                {
                    udp.reply = octets;
                }
            }
            "min_reply_length" => {
                udp.min_reply_length = cx.unsigned(block, statement).unwrap_or(udp.min_reply_length);
            }
            "max_reply_length" => {
                udp.max_reply_length = cx.unsigned(block, statement).or(udp.max_reply_length);
            }
            _ => common.keyword(cx, statement),
        }
    }
    let most = udp.max_reply_length.unwrap_or(MAX_REPLY);
    if udp.min_reply_length > most {
        let message = format!(
            "UDP_CHECK min_reply length {} > max_reply_length {most} - will always fail",
            udp.min_reply_length
        );
        cx.error(header, message);
    }
    udp
}

/// Octets in one word, or in several.
fn octets(cx: &mut Cx<'_>, statement: &Statement, wild: bool) -> Option<Vec<(u8, u8)>> {
    let words: Vec<&str> = statement.args().iter().map(|word| word.text.as_str()).collect();
    let octets = hex(&words.join(" "), wild);
    if octets.is_none() {
        let (what, help) = if wild {
            ("reply", "pairs of hexadecimal digits, `x` for any digit")
        } else {
            ("payload", "pairs of hexadecimal digits")
        };
        let message = format!("Invalid hex string for UDP_CHECK {what}");
        let found = Diagnostic::new(
            Class::General,
            statement.arg().map(|word| statement.place_of(word)),
            message,
        );
        cx.diagnostics.push(found.with_help(help));
    }
    octets
}
