//! `config fmt`: the same configuration in its usual form.
//!
//! Four blanks a block, one between words, `{` behind its keyword, `}` alone. Comments, groups of lines, definitions, `@ID`
//! lines, includes and quotes stay. [`rows`] takes the text apart, this file finds how deep each row stands and puts
//! them together. Nothing is expanded: where an expansion could make something else of a line, the line stays as it is
//! but for its indentation.

mod rows;
#[cfg(test)]
mod tests;

use rows::{Condition, Row, Shape};
use std::collections::BTreeSet;

/// Octets of a line that is read (grammar 2.1).
const MAX_LINE: usize = 1_023;
/// Identities whose lines open or close blocks: each costs a look at every line.
const MAX_IDENTITIES: usize = 100;
/// One level.
const INDENT: &str = "    ";

/// Why a text cannot be formatted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Refused {
    /// The line, from 1.
    pub line: usize,
    /// What is the matter with it.
    pub reason: &'static str,
}

/// `text` in its usual form. Formatting that again changes nothing, and what it means is what `text` means.
///
/// # Errors
/// When braces do not match, or a line cannot be read as it stands or would become too long.
pub fn format(text: &str) -> Result<String, Refused> {
    let rows = rows::read(text)?;
    let depths = depths(&rows)?;
    let mut out = String::with_capacity(text.len());
    // A group of lines never begins or ends a block.
    let mut fresh = true;
    let mut gap = false;
    for (row, depth) in rows.iter().zip(depths) {
        if row.shape == Shape::Blank {
            gap = true;
            continue;
        }
        if gap && !fresh && row.shape != Shape::Close {
            out.push('\n');
        }
        gap = false;
        put(&mut out, row, depth)?;
        fresh = row.opens() || row.ends_blank();
    }
    // The end of the file ends a definition as a blank line does.
    let end = out.trim_end_matches('\n').len();
    out.truncate(end);
    if !out.is_empty() {
        out.push('\n');
    }
    Ok(out)
}

/// Appends a row with the lines that belong to it.
fn put(out: &mut String, row: &Row, depth: usize) -> Result<(), Refused> {
    let mut line = |depth: usize, text: &str| {
        // Without its indentation a long line may still fit.
        let indent = INDENT.repeat(depth);
        if indent.len() + text.len() < MAX_LINE && !text.is_empty() {
            out.push_str(&indent);
        } else if text.len() >= MAX_LINE {
            return Err(Refused {
                line: row.line,
                reason: "it would be too long",
            });
        }
        out.push_str(text);
        out.push('\n');
        Ok(())
    };
    line(depth, &row.to_string())?;
    row.more.iter().try_for_each(|text| line(depth + 1, text))
}

/// How deep each row stands. Conditional lines may open and close blocks, so it is found out for every identity that
/// has such lines and for one that has none; those whose braces match decide.
fn depths(rows: &[Row]) -> Result<Vec<usize>, Refused> {
    let mut ids: BTreeSet<Option<&str>> = BTreeSet::from([None]);
    for row in rows.iter().filter(|row| !row.braces.is_empty()) {
        if let Some(condition) = &row.condition {
            ids.insert(Some(condition.id.as_str()));
            if ids.len() > MAX_IDENTITIES {
                return Err(unmatched(
                    row,
                    "there are too many identities whose lines open blocks",
                ));
            }
        }
    }
    let mut found: Vec<Option<usize>> = vec![None; rows.len()];
    let mut first_error = None;
    for id in ids {
        match depths_for(rows, id) {
            Ok(depths) => {
                for (best, depth) in found.iter_mut().zip(depths) {
                    *best = (*best).max(depth);
                }
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    rows.iter()
        .zip(found)
        .map(|(row, depth)| {
            let refused = || unmatched(row, "its braces do not match");
            depth.ok_or_else(|| first_error.clone().unwrap_or_else(refused))
        })
        .collect()
}

/// How deep each row stands for one identity; `None` for braces that are not for it.
fn depths_for(rows: &[Row], id: Option<&str>) -> Result<Vec<Option<usize>>, Refused> {
    let mut open: Vec<&Row> = Vec::new();
    let mut depths = Vec::with_capacity(rows.len());
    for row in rows {
        let own = row.condition.as_ref().is_none_or(|condition| condition.holds(id));
        if !own {
            depths.push(row.braces.is_empty().then_some(open.len()));
            continue;
        }
        let mut depth = None;
        for &opens in &row.braces {
            if opens {
                depth = depth.or(Some(open.len()));
                open.push(row);
            } else if open.pop().is_none() {
                return Err(unmatched(row, "there is no '{' for this '}'"));
            }
        }
        depths.push(depth.or(Some(open.len())));
    }
    match open.pop() {
        Some(row) => Err(unmatched(row, "there is no '}' for this '{'")),
        None => Ok(depths),
    }
}

const fn unmatched(row: &Row, reason: &'static str) -> Refused {
    Refused {
        line: row.line,
        reason,
    }
}

impl Condition {
    /// Whether the line is for this identity (grammar 7.1).
    fn holds(&self, id: Option<&str>) -> bool {
        (id == Some(self.id.as_str())) != self.negated
    }
}
