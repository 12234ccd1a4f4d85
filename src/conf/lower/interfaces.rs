//! `linkbeat_interfaces` and `interface_up_down_delays`.

use super::Cx;
use super::line::Line;
use crate::conf::config::{Config, LinkDelay, Linkbeat, LinkbeatMethod};
use crate::conf::diag::Topic;
use crate::conf::number;
use crate::conf::token::Word;
use crate::conf::tree::Statement;
use std::time::Duration;

/// The longest delay, in microseconds.
const MAX_DELAY: i64 = 255_000_000;

/// `IFACE [MII|ETHTOOL|IOCTL]`
pub(super) fn linkbeat(cx: &mut Cx<'_>, config: &mut Config, body: &[Statement]) {
    for statement in body {
        let mut line = Line::new(statement, Topic::Other);
        let Some(first) = line.next() else { continue };
        let method = match line.peek() {
            Some("MII") => Some(LinkbeatMethod::Mii),
            Some("ETHTOOL") => Some(LinkbeatMethod::Ethtool),
            Some("IOCTL") => Some(LinkbeatMethod::Ioctl),
            _ => None,
        };
        if method.is_some() {
            line.next();
        }
        if let Some(word) = line.next() {
            let message = format!("extra characters {} in linkbeat interface", word.text);
            line.mistake(cx, word, message);
        }
        config.linkbeat.push(Linkbeat {
            interface: Cx::spanned(statement, first, first.text.clone()),
            method,
        });
    }
}

/// `IFACE DOWN [UP]`
pub(super) fn delays(cx: &mut Cx<'_>, config: &mut Config, body: &[Statement]) {
    for statement in body {
        let mut line = Line::new(statement, Topic::Other);
        let Some(first) = line.next() else { continue };
        let down = line.next().map(|word| delay(cx, statement, word));
        let up = line.next().map(|word| delay(cx, statement, word));
        // A line with a number that is none changes nothing.
        let (Some(down), Some(up)) = (
            down.unwrap_or(Some(Duration::ZERO)),
            up.unwrap_or(Some(Duration::ZERO)),
        ) else {
            continue;
        };
        config.link_delays.push(LinkDelay {
            interface: Cx::spanned(statement, first, first.text.clone()),
            down,
            up,
        });
    }
}

/// Seconds.
fn delay(cx: &mut Cx<'_>, statement: &Statement, word: &Word) -> Option<Duration> {
    match number::decimal(&word.text, 6, 0, MAX_DELAY) {
        Ok((micros, warning)) => {
            if let Some(warning) = warning {
                cx.number_error(statement.place_of(word), &warning, warning.to_string());
            }
            u64::try_from(micros).ok().map(Duration::from_micros)
        }
        Err(error) => {
            cx.number_error(statement.place_of(word), &error, error.to_string());
            None
        }
    }
}
