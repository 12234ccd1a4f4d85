//! `DNS_CHECK`.

use super::Common;
use crate::check::config::DnsType;
use crate::conf::config::DnsSettings;
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::lower::Cx;
use crate::conf::tree::Statement;

/// The octets of a label.
const MAX_LABEL: usize = 63;
/// The octets of a name, without its last dot.
const MAX_NAME: usize = 253;

pub(super) fn lower(cx: &mut Cx<'_>, common: &mut Common, body: &[Statement]) -> DnsSettings {
    let mut dns = DnsSettings::default();
    for statement in body {
        match statement.keyword() {
            "type" => dns.kind = kind(cx, statement).unwrap_or(dns.kind),
            "name" => name(cx, &mut dns.name, statement),
            _ => common.keyword(cx, statement),
        }
    }
    dns
}

fn kind(cx: &mut Cx<'_>, statement: &Statement) -> Option<DnsType> {
    let word = statement.arg()?;
    let known = DnsType::ALL
        .into_iter()
        .find(|kind| kind.word().eq_ignore_ascii_case(&word.text));
    if known.is_none() {
        let message = format!("Unknown DNS check type {} - ignoring", word.text);
        let choices = DnsType::ALL.map(DnsType::word);
        cx.choice_error_about(Topic::Other, statement, word, message, &choices);
    }
    known
}

/// The first name counts. One that begins with a label of one character is fine here (keepalived refuses it, fact 9.19),
/// one that no question can carry is not.
fn name(cx: &mut Cx<'_>, slot: &mut Option<String>, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let name = word.text.as_str();
    if slot.is_some() {
        let message = "DNS_CHECK name already specified - ignoring";
        cx.word_error_about(Topic::DuplicateDefinition, statement, word, message);
        return;
    }
    let labels = name.strip_suffix('.').unwrap_or(name);
    let problem = if labels.is_empty() {
        None
    } else if labels.split('.').any(str::is_empty) {
        Some("has empty label".to_owned())
    } else if labels.split('.').any(|label| label.len() > MAX_LABEL) {
        Some(format!("has a label of more than {MAX_LABEL} characters"))
    } else if labels.len() > MAX_NAME {
        Some(format!("has more than {MAX_NAME} characters"))
    } else {
        None
    };
    match problem {
        Some(problem) => {
            let message = format!("DNS_CHECK name '{name}' {problem} - ignoring");
            let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
            cx.diagnostics
                .push(found.with_help("without a name the root is asked for"));
        }
        None if name.is_empty() || name == "." => {}
        None => *slot = Some(name.to_owned()),
    }
}
