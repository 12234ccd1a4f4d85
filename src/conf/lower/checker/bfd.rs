//! `BFD_CHECK`.

use super::Common;
use crate::conf::config::{CheckerKind, RealServer, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// Any mistake drops the checker.
pub(super) fn lower(
    cx: &mut Cx<'_>,
    common: &mut Common,
    real: &RealServer,
    header: &Statement,
    body: &[Statement],
) -> Option<Spanned<String>> {
    let mut name: Option<Spanned<String>> = None;
    let mut wrong = false;
    for statement in body {
        if statement.keyword() != "name" {
            common.keyword(cx, statement);
            continue;
        }
        match check_name(cx, real, name.as_ref(), statement) {
            Some(given) => name = Some(given),
            None => wrong = true,
        }
    }
    if name.is_none() && !wrong {
        let message = "BFD_CHECK - no name has been specified - skipping checker";
        report(cx, Diagnostic::new(Class::General, Some(header.place()), message));
    }
    name.filter(|_| !wrong)
}

fn check_name(
    cx: &mut Cx<'_>,
    real: &RealServer,
    before: Option<&Spanned<String>>,
    statement: &Statement,
) -> Option<Spanned<String>> {
    let place = Some(statement.place());
    let [word] = statement.args() else {
        let message = "BFD_CHECK - No or too many names specified - skipping checker";
        report(cx, Diagnostic::new(Class::General, place, message));
        return None;
    };
    let name = &word.text;
    let place = Some(statement.place_of(word));
    if let Some(before) = before {
        let message = format!("BFD_CHECK - BFD {} already specified as {name}", before.value);
        let found = Diagnostic::new(Class::General, place, message);
        report(cx, found.with_related(before.place.clone(), "the first name"));
        return None;
    }
    if !cx.checkable.bfd(name) {
        let message = format!("BFD_CHECK - BFD {name} not configured");
        let found = Diagnostic::new(Class::General, place, message);
        let help = "a block `bfd_instance` with `neighbor_ip` before the virtual server, not for VRRP only";
        report(cx, found.with_help(help));
        return None;
    }
    let same = real.checkers.iter().find_map(|checker| match &checker.kind {
        CheckerKind::Bfd(other) if other.value == *name => Some(other),
        _ => None,
    });
    if let Some(same) = same {
        let message = format!("BFD_CHECK - RS already monitoring {name}");
        let found = Diagnostic::new(Class::General, place, message);
        report(cx, found.with_related(same.place.clone(), "the first"));
        return None;
    }
    Some(Cx::spanned(statement, word, name.clone()))
}

fn report(cx: &mut Cx<'_>, found: Diagnostic) {
    cx.diagnostics.push(found.about(Topic::Bfd));
}
