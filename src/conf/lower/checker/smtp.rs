//! `SMTP_CHECK` with its `host` blocks.

use super::Common;
use crate::conf::config::{CheckerKind, RealServer, SmtpSettings};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// One checker, or one for each `host` block: what such a block does not say it has from the checker around it. Since its
/// 2.2.8 keepalived lets the last block overwrite the checker instead, and adds some that always fail (fact 9.26).
pub(super) fn lower(
    cx: &mut Cx<'_>,
    mut common: Common,
    real: &mut RealServer,
    header: &Statement,
    body: &[Statement],
) {
    let mut smtp = SmtpSettings::default();
    for statement in body {
        match statement.keyword() {
            "helo_name" => {
                let name = cx.text(statement, || "SMTP_CHECK helo name missing".to_owned());
                smtp.helo_name = name.or_else(|| smtp.helo_name.take());
            }
            "host" => {
                let message = "The SMTP_CHECK host block is deprecated. Please define additional checkers.";
                let found = Diagnostic::new(Class::Note, Some(statement.place()), message);
                cx.diagnostics.push(found.about(Topic::Deprecated));
            }
            _ => common.keyword(cx, statement),
        }
    }
    let mut alone = true;
    for host in body.iter().filter(|statement| statement.keyword() == "host") {
        alone = false;
        let mut common = common.clone();
        for statement in host.body.as_deref().unwrap_or_default() {
            common.keyword(cx, statement);
        }
        real.checkers
            .push(common.checker(host, CheckerKind::Smtp(smtp.clone())));
    }
    if alone {
        real.checkers
            .push(common.checker(header, CheckerKind::Smtp(smtp)));
    }
}
