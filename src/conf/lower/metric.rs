//! `mtu`, `rtt` and other metrics of a route.

use super::Cx;
use super::line::Line;
use crate::conf::diag::Class;
use crate::conf::number;
use crate::conf::token::Word;
use crate::net::{Lockable, RouteMetrics};

/// The greatest 32-bit number.
const U32: i64 = u32::MAX as i64;
/// Times of the kernel's retransmission are brought within these, in milliseconds.
const TIMES: (i64, i64) = (200, 120_000);

/// Whether `word` is the keyword of a metric.
pub(super) fn is_one(word: &str) -> bool {
    matches!(
        word,
        "mtu"
            | "advmss"
            | "reordering"
            | "cwnd"
            | "ssthresh"
            | "window"
            | "initcwnd"
            | "initrwnd"
            | "hoplimit"
            | "rtt"
            | "rttvar"
            | "rto_min"
            | "features"
            | "quickack"
            | "fastopen_no_cookie"
            | "congctl"
    )
}

/// The metric `word`; `None` when its value is none, which has been said.
pub(super) fn read(
    cx: &mut Cx<'_>,
    metrics: &mut RouteMetrics,
    line: &mut Line<'_>,
    word: &Word,
) -> Option<()> {
    match word.text.as_str() {
        "mtu" => metrics.mtu = Some(number(cx, line, word, "MTU")?),
        "advmss" => metrics.advmss = Some(number(cx, line, word, "advmss value")?),
        "reordering" => metrics.reordering = Some(number(cx, line, word, "reordering value")?),
        "cwnd" => metrics.cwnd = Some(number(cx, line, word, "cwnd value")?),
        "ssthresh" => metrics.ssthresh = Some(number(cx, line, word, "ssthresh value")?),
        "window" => metrics.window = Some(plain(cx, line, word, "window value", U32)?),
        "initcwnd" => metrics.initcwnd = Some(plain(cx, line, word, "initcwnd value", U32)?),
        "initrwnd" => metrics.initrwnd = Some(plain(cx, line, word, "initrwnd value", U32)?),
        "hoplimit" => metrics.hoplimit = Some(plain(cx, line, word, "hoplimit", 255)?),
        "quickack" => metrics.quickack = Some(flag(cx, line, word, "quickack value")?),
        "fastopen_no_cookie" => {
            metrics.fastopen_no_cookie = Some(flag(cx, line, word, "fastopen_no_cookie value")?);
        }
        "rtt" => metrics.rtt = Some(time(cx, line, word, 8)?),
        "rttvar" => metrics.rttvar = Some(time(cx, line, word, 4)?),
        "rto_min" => metrics.rto_min = Some(time(cx, line, word, 1)?),
        "features" => {
            let value = line.value(cx, word)?;
            if value.text == "ecn" {
                metrics.ecn = true;
            } else {
                // The route stays.
                line.mistake(cx, value, format!("feature {} not supported", value.text));
            }
        }
        _ => {
            let (value, locked) = lockable(cx, line, word)?;
            metrics.congctl = Some(Lockable {
                value: value.text.clone(),
                locked,
            });
        }
    }
    Some(())
}

/// `[lock] VALUE`
fn lockable<'s>(cx: &mut Cx<'_>, line: &mut Line<'s>, word: &Word) -> Option<(&'s Word, bool)> {
    let value = line.value(cx, word)?;
    if value.text == "lock" {
        Some((line.value(cx, value)?, true))
    } else {
        Some((value, false))
    }
}

/// `[lock] N`
fn number(cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word, what: &str) -> Option<Lockable<u32>> {
    let (value, locked) = lockable(cx, line, word)?;
    let invalid = |text: &str| format!("Invalid {what} {text} specified for route");
    let value = line.number(cx, value, (0, U32), invalid)?;
    Some(Lockable { value, locked })
}

/// `N`
fn plain<T: TryFrom<i64>>(
    cx: &mut Cx<'_>,
    line: &mut Line<'_>,
    word: &Word,
    what: &str,
    most: i64,
) -> Option<T> {
    let value = line.value(cx, word)?;
    let invalid = |text: &str| format!("Invalid {what} {text} specified for route");
    line.number(cx, value, (0, most), invalid)
}

/// `0|1`
fn flag(cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word, what: &str) -> Option<bool> {
    let value: u8 = plain(cx, line, word, what, 1)?;
    Some(value == 1)
}

/// `[lock] TIME[s|ms]` in parts of a millisecond; without a unit it is in those parts already.
fn time(cx: &mut Cx<'_>, line: &mut Line<'_>, word: &Word, parts: i64) -> Option<Lockable<u32>> {
    let (value, locked) = lockable(cx, line, word)?;
    let text = value.text.as_str();
    let most = TIMES.1 * parts;
    let (digits, decimals, unit) = if let Some(digits) = text.strip_suffix("ms") {
        (digits, 0, parts)
    } else if let Some(digits) = text.strip_suffix('s') {
        (digits, 3, parts)
    } else {
        (text, 0, 1)
    };
    match number::decimal(digits, decimals, 0, most) {
        Ok((read, warning)) => {
            if let Some(warning) = warning {
                line.not_a_number(cx, value, &warning);
            }
            let read = read.saturating_mul(unit);
            let clamped = read.clamp(TIMES.0 * parts, most);
            if read != clamped {
                let (which, limit) = if read < clamped {
                    ("below minimum", TIMES.0)
                } else {
                    ("above maximum", TIMES.1)
                };
                let message = format!("{} value {text} {which}, resetting to {limit}ms", word.text);
                cx.report(Class::InvalidNumber, line.statement.place_of(value), message);
            }
            let value = u32::try_from(clamped).ok()?;
            Some(Lockable { value, locked })
        }
        Err(error) => {
            line.not_a_number(cx, value, &error);
            let message = match word.text.as_str() {
                "rto_min" => format!("Invalid rto_min value {text} specified for route"),
                name => format!("Invalid {name} {text} for route"),
            };
            line.mistake(cx, value, message);
            None
        }
    }
}
