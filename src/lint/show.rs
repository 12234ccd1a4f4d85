//! Findings for people, with the lines they are about, and for tools.

use super::{Code, Finding, Severity};
use crate::conf::Sources;
use crate::conf::diag::{self, Excerpt, Level, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;

/// The version of the document's form. It grows when a member changes its meaning or goes.
const FORM: u32 = 1;

/// More of one kind are counted for people, not shown: they are mostly of one making.
const MOST: usize = 10;

/// Writes the findings with its code, the lines of all its places, what comes of it and what would be right.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn text(findings: &[Finding], sources: &Sources, out: &mut dyn io::Write) -> io::Result<()> {
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    let shown = findings.iter().filter(|finding| {
        let count = counts.entry(finding.code).or_default();
        *count += 1;
        *count <= MOST
    });
    let excerpts = shown.map(|finding| Excerpt {
        level: match finding.code.severity() {
            Severity::Note => Level::Note,
            Severity::Warning => Level::Warning,
            Severity::Error => Level::Error,
        },
        code: Some(finding.code.name()),
        message: finding.message.clone(),
        place: finding.place.as_ref(),
        label: &finding.label,
        related: &finding.related,
        notes: vec![
            format!("effect: {}", finding.effect),
            format!("fix: {}", finding.fix),
        ],
    });
    diag::render(excerpts, sources, out)?;
    for (code, count) in counts {
        if let Some(more) = count.checked_sub(MOST).filter(|more| *more > 0) {
            writeln!(out, "{code}: {more} more, which --format json shows")?;
        }
    }
    Ok(())
}

/// One JSON document of all findings and the exit status.
pub fn json(findings: &[Finding], exit: u8) -> String {
    let document = json!({
        "version": FORM,
        "exit": exit,
        "findings": findings.iter().map(one).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn one(finding: &Finding) -> Value {
    let related = finding
        .related
        .iter()
        .map(|(place, what)| at(Some(place), &[("message", what)]));
    let mut object = at(
        finding.place.as_ref(),
        &[
            ("severity", finding.code.severity().name()),
            ("code", finding.code.name()),
            ("about", &finding.about),
            ("message", &finding.message),
            ("effect", &finding.effect),
            ("fix", &finding.fix),
        ],
    );
    if let Some(members) = object.as_object_mut() {
        members.insert("related".to_owned(), related.collect());
    }
    object
}

/// An object for what is said of a place, as in the document of `-t`.
fn at(place: Option<&Place>, more: &[(&str, &str)]) -> Value {
    let mut object = json!({
        "file": place.map(|place| place.file.to_string_lossy()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "length": place.map(|place| place.length),
    });
    if let Some(members) = object.as_object_mut() {
        members.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into())),
        );
    }
    object
}
