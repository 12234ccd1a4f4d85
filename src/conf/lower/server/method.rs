//! `lvs_method`, `lb_kind`: NAT, DR, TUN with its options.

use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::lower::Cx;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use crate::ipvs::model::{ForwardMethod, Tunnel, TunnelChecksum, TunnelKind};

/// The method of a line. A word that is none is `None`; with a wrong option the method counts and its tunnel stays what
/// it was in `before`. `owner` is whose line it is.
pub(super) fn forward(
    cx: &mut Cx<'_>,
    statement: &Statement,
    owner: &str,
    before: Option<ForwardMethod>,
) -> Option<ForwardMethod> {
    let word = statement.arg()?;
    let method = match word.text.as_str() {
        "NAT" => ForwardMethod::Nat,
        "DR" => ForwardMethod::Dr,
        "TUN" => ForwardMethod::Tun(Tunnel::default()),
        other => {
            let message = format!("PARSER : unknown [{other}] routing method for {owner}.");
            let choices = ["NAT", "DR", "TUN"];
            cx.choice_error_about(Topic::LvsRoutingMethod, statement, word, message, &choices);
            return None;
        }
    };
    let options = statement.args().get(1..).unwrap_or_default();
    match (method, options_of(options, owner)) {
        (ForwardMethod::Tun(_), Ok(tunnel)) => return Some(ForwardMethod::Tun(tunnel)),
        (ForwardMethod::Nat | ForwardMethod::Dr, Ok(_)) => {
            if let Some(first) = options.first() {
                let message = format!("{} has no tunnel - its options mean nothing", word.text);
                cx.report(Class::Note, statement.place_of(first), message);
            }
        }
        (_, Err(wrong)) => {
            let place = statement.place_of(wrong.word.unwrap_or(word));
            let found =
                Diagnostic::new(Class::General, Some(place), wrong.message).about(Topic::LvsRoutingMethod);
            let help = "type ipip, type gre [csum], or type gue port PORT [csum|remcsum]";
            cx.diagnostics.push(found.with_help(help));
        }
    }
    Some(match (method, before) {
        (ForwardMethod::Tun(_), Some(before @ ForwardMethod::Tun(_))) => before,
        _ => method,
    })
}

/// The word that an option is misread from, and what is to be said.
struct Wrong<'w> {
    word: Option<&'w Word>,
    message: String,
}

fn options_of<'w>(words: &'w [Word], owner: &str) -> Result<Tunnel, Wrong<'w>> {
    enum Kind {
        Ipip,
        Gue,
        Gre,
    }
    let mut kind = Kind::Ipip;
    let mut port = None;
    let mut checksum = TunnelChecksum::None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let wrong = |message: String| Wrong {
            word: Some(word),
            message,
        };
        match word.text.as_str() {
            "type" => {
                let value = rest
                    .next()
                    .ok_or_else(|| wrong(format!("Missing tunnel type for {owner}.")))?;
                kind = match value.text.as_str() {
                    "ipip" => Kind::Ipip,
                    "gue" => Kind::Gue,
                    "gre" => Kind::Gre,
                    other => {
                        return Err(Wrong {
                            word: Some(value),
                            message: format!("Unknown tunnel type {other} for {owner}."),
                        });
                    }
                };
            }
            "port" => {
                let value = rest
                    .next()
                    .ok_or_else(|| wrong(format!("Missing port for {owner} gue tunnel.")))?;
                let read = number::int(&value.text, 1, 65_535, false);
                port = read.ok().and_then(|(port, _)| u16::try_from(port).ok());
                if port.is_none() {
                    return Err(Wrong {
                        word: Some(value),
                        message: format!("Invalid gue tunnel port {} for {owner}.", value.text),
                    });
                }
            }
            "nocsum" => checksum = TunnelChecksum::None,
            "csum" => checksum = TunnelChecksum::Full,
            "remcsum" => checksum = TunnelChecksum::Remote,
            other => return Err(wrong(format!("Invalid tunnel option {other} for {owner}."))),
        }
    }
    let wrong = |message: &str| Wrong {
        word: words.first(),
        message: message.to_owned(),
    };
    let kind = match (kind, port) {
        (Kind::Gue, Some(port)) => TunnelKind::Gue(port),
        (Kind::Ipip, None) => TunnelKind::Ipip,
        (Kind::Gre, None) => TunnelKind::Gre,
        (Kind::Gue, None) | (Kind::Ipip | Kind::Gre, Some(_)) => {
            return Err(wrong("gue tunnels require port, otherwise cannot have port."));
        }
    };
    match (kind, checksum) {
        (TunnelKind::Ipip, TunnelChecksum::Full | TunnelChecksum::Remote) => {
            Err(wrong("ipip tunnels do not support checksum option."))
        }
        (TunnelKind::Gre, TunnelChecksum::Remote) => {
            Err(wrong("gre tunnels do not support remote checksum option."))
        }
        _ => Ok(Tunnel { kind, checksum }),
    }
}

/// Whether what is forwarded like this goes through a tunnel, which may lead to the other family.
pub(super) const fn tunnelled(method: Option<ForwardMethod>) -> bool {
    matches!(method, Some(ForwardMethod::Tun(_)))
}
