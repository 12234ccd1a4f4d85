//! Diagnostics for tools: one JSON document.

use super::diag::{Class, Diagnostic, Place};
use codespan_reporting::diagnostic::Severity;
use serde_json::{Value, json};

/// The version of the document's form. It grows when a member changes its meaning or goes.
const FORM: u32 = 1;

/// The document of a test: every diagnostic, the exit status, and the effective configuration if it was asked for.
pub fn json(diagnostics: &[Diagnostic], exit: u8, configuration: Option<&str>) -> String {
    let mut document = json!({
        "version": FORM,
        "exit": exit,
        "diagnostics": list(diagnostics),
    });
    if let (Some(text), Some(members)) = (configuration, document.as_object_mut()) {
        members.insert("configuration".to_owned(), text.into());
    }
    format!("{document:#}\n")
}

/// Every diagnostic.
pub fn list(diagnostics: &[Diagnostic]) -> Value {
    diagnostics.iter().map(one).collect()
}

fn one(diagnostic: &Diagnostic) -> Value {
    let related = diagnostic
        .related
        .iter()
        .map(|(other, what)| at(Some(other), &[("message", what.as_str().into())]));
    at(
        diagnostic.place.as_ref(),
        &[
            ("severity", severity(diagnostic.class).into()),
            ("class", code(diagnostic.class).into()),
            ("topic", diagnostic.topic.name().into()),
            ("message", diagnostic.message.as_str().into()),
            ("help", diagnostic.help.as_deref().into()),
            ("related", related.collect()),
        ],
    )
}

/// An object for what is said of a place; without a place its members are null.
fn at(place: Option<&Place>, more: &[(&str, Value)]) -> Value {
    let mut object = json!({
        "file": place.map(|place| place.file.to_string_lossy()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "length": place.map(|place| place.length),
    });
    if let Some(members) = object.as_object_mut() {
        members.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
    }
    object
}

const fn severity(class: Class) -> &'static str {
    match class.severity() {
        Severity::Bug | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note | Severity::Help => "note",
    }
}

/// keepalived's classes by the names of the facts (grammar 11.2), and ours.
const fn code(class: Class) -> &'static str {
    match class {
        Class::Note => "note",
        Class::Unheeded => "unheeded",
        Class::FileNotFound => "file-not-found",
        Class::BadInterface => "bad-interface",
        Class::Fatal => "fatal",
        Class::MultipleFiles => "multiple-files",
        Class::UnknownKeyword => "unknown-keyword",
        Class::UnexpectedOpen => "unexpected-open",
        Class::MissingOpen => "missing-open",
        Class::UnexpectedClose => "unexpected-close",
        Class::MissingClose => "missing-close",
        Class::UnmatchedQuote => "unmatched-quote",
        Class::MissingParameter => "missing-parameter",
        Class::InvalidNumber => "invalid-number",
        Class::General => "general",
        Class::Warning => "warning",
        Class::Deprecated => "deprecated",
        Class::Security => "security",
        Class::IncludeFailed => "include-failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::sync::Arc;

    #[test]
    fn every_member_is_there() {
        let place = Place {
            file: Arc::new(PathBuf::from("a \"b\".conf")),
            line: 3,
            column: 5,
            length: 9,
        };
        let list = [
            Diagnostic::new(
                Class::UnknownKeyword,
                Some(place.clone()),
                "Unknown keyword 'prioritty'",
            )
            .with_help("did you mean `priority`?")
            .with_related(place, "first"),
            Diagnostic::new(Class::Unheeded, None, "ä\u{7}"),
        ];
        let read: Value = serde_json::from_str(&json(&list, 5, None)).unwrap();
        assert_eq!((&read["version"], &read["exit"]), (&json!(1), &json!(5)));
        assert_eq!(
            read["diagnostics"][0],
            json!({
                "file": "a \"b\".conf", "line": 3, "column": 5, "length": 9,
                "severity": "error", "class": "unknown-keyword", "topic": "unknown-keyword",
                "message": "Unknown keyword 'prioritty'", "help": "did you mean `priority`?",
                "related": [{"file": "a \"b\".conf", "line": 3, "column": 5, "length": 9, "message": "first"}],
            })
        );
        assert_eq!(read["diagnostics"][1]["line"], Value::Null);
        assert_eq!(read["diagnostics"][1]["message"], "ä\u{7}");
        assert!(read.get("configuration").is_none());
        let read: Value = serde_json::from_str(&json(&[], 0, Some("x\n"))).unwrap();
        assert_eq!(read["configuration"], "x\n");
    }
}
