//! `MISC_CHECK`.

use super::Common;
use crate::conf::config::{MiscSettings, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;
use crate::script::config::Command;
use std::time::Duration;

pub(super) fn lower(
    cx: &mut Cx<'_>,
    common: &mut Common,
    header: &Statement,
    body: &[Statement],
) -> Option<MiscSettings> {
    let mut path = None;
    let mut unreadable = false;
    let mut timeout = None;
    let mut dynamic = false;
    let mut user = None;
    for statement in body {
        match statement.keyword() {
            "misc_path" => match misc_path(cx, statement) {
                Ok(command) => path = command.or(path),
                Err(Said) => unreadable = true,
            },
            "misc_timeout" => {
                // 0 means the default.
                if let Some(time) = cx.seconds(Block::MiscCheck, statement) {
                    timeout = Some(time).filter(|time: &Duration| !time.is_zero());
                }
            }
            "misc_dynamic" => dynamic = true,
            "user" => match statement.arg() {
                Some(_) => user = Cx::run_as(statement),
                None => cx.error(statement, "No user specified for misc checker script"),
            },
            _ => common.keyword(cx, statement),
        }
    }
    let Some(misc_path) = path else {
        if !unreadable {
            let message = "No script path has been specified for MISC_CHECKER - skipping";
            let found = Diagnostic::new(Class::General, Some(header.place()), message);
            cx.diagnostics.push(
                found
                    .about(Topic::MiscCheckerEmpty)
                    .with_help("misc_path COMMAND"),
            );
        }
        return None;
    };
    Some(MiscSettings {
        misc_path,
        misc_timeout: timeout,
        misc_dynamic: dynamic,
        user,
    })
}

/// What is wrong with a line has been said.
struct Said;

/// The command of `misc_path`: words after it on the line are dropped (fact 11.9).
fn misc_path(cx: &mut Cx<'_>, statement: &Statement) -> Result<Option<Spanned<Command>>, Said> {
    if statement.arg().is_none_or(|word| word.text.is_empty()) {
        // What a quote without end has left of the line is nothing.
        return match statement.unmatched {
            Some(_) => cx.script(statement).map(Some).ok_or(Said),
            None => Ok(None),
        };
    }
    let mut command = cx.script(statement).ok_or(Said)?;
    command.value.user = None;
    if let Some(dropped) = statement
        .args()
        .get(1)
        .filter(|_| !statement.text.as_str().contains(['"', '\'']))
    {
        let message = format!("'{}' and what follows it is dropped", dropped.text);
        let found = Diagnostic::new(Class::Note, Some(statement.place_of(dropped)), message);
        let help = "a command with arguments stands in quotes; `user` names who runs it";
        cx.diagnostics.push(found.with_help(help));
    }
    Ok(Some(command))
}
