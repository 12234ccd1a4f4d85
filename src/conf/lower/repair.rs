//! `drift_repair`: in `global_defs` and in `vrrp_instance`.

use super::Cx;
use crate::conf::number;
use crate::conf::tree::Statement;

/// Repairs within a minute, unless a number is given.
const REPAIRS: u32 = 10;
/// The most that can be said.
const MOST: i64 = 1000;

/// How many repairs within a minute; within: none, `off`. `None`: it was a mistake.
pub(super) fn lower(cx: &mut Cx<'_>, statement: &Statement) -> Option<Option<u32>> {
    let Some(word) = statement.arg() else {
        return Some(Some(REPAIRS));
    };
    if word.text == "off" {
        return Some(None);
    }
    let read = number::int(&word.text, 1, MOST, false);
    let repairs = cx.number(statement, word, read)?;
    u32::try_from(repairs).ok().map(Some)
}
