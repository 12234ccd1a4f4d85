//! `SSL`: what every SSL_GET shows of itself.

use super::Cx;
use crate::check::config::Password;
use crate::conf::config::{Config, Ssl};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::tree::Statement;

/// A second block takes the place of the first.
pub(super) fn lower(cx: &mut Cx<'_>, config: &mut Config, header: &Statement, body: &[Statement]) {
    if config.ssl.is_some() {
        let message = "SSL context already specified - replacing";
        let found = Diagnostic::new(Class::General, Some(header.place()), message);
        cx.diagnostics.push(found.about(Topic::DuplicateDefinition));
    }
    let mut ssl = Ssl::default();
    for statement in body {
        let (slot, what) = match statement.keyword() {
            "ca" => (&mut ssl.ca, "cafile"),
            "certificate" => (&mut ssl.certificate, "certfile"),
            "key" => (&mut ssl.key, "keyfile"),
            "password" => {
                if let Some(word) = cx.text(statement, || "SSL password missing".to_owned()) {
                    replaced(cx, ssl.password.is_some(), statement, "password");
                    ssl.password = Some(Password(word));
                }
                continue;
            }
            _ => continue,
        };
        if let Some(word) = cx.text(statement, || format!("SSL {what} missing")) {
            replaced(cx, slot.is_some(), statement, what);
            *slot = Some(word);
        }
    }
    config.ssl = Some(ssl);
}

fn replaced(cx: &mut Cx<'_>, before: bool, statement: &Statement, what: &str) {
    if before {
        let message = format!("SSL {what} already specified - replacing");
        cx.error_about(Topic::DuplicateDefinition, statement, message);
    }
}
