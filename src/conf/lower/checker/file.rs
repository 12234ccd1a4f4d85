//! `FILE_CHECK`.

use crate::conf::config::{FileCheckSettings, FileWeight, Spanned};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::lower::Cx;
use crate::conf::number;
use crate::conf::tree::Statement;

/// The greatest weight either way.
const MAX_WEIGHT: i32 = i32::MAX;

pub(super) fn lower(cx: &mut Cx<'_>, header: &Statement, body: &[Statement]) -> Option<FileCheckSettings> {
    let mut file: Option<Spanned<String>> = None;
    let mut unknown = false;
    let mut weight = None;
    for statement in body {
        match statement.keyword() {
            "track_file" => {
                let Some(word) = statement.arg() else { continue };
                if cx.checkable.file(&word.text) {
                    file = Some(Cx::spanned(statement, word, word.text.clone()));
                } else {
                    unknown = true;
                    let message = format!("track_file {} not found", word.text);
                    let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
                    cx.diagnostics.push(
                        found
                            .about(Topic::TrackObjectMissing)
                            .with_help("a block `track_file` with a `file` before the virtual server"),
                    );
                }
            }
            "weight" => weight = self::weight(cx, statement).or(weight),
            _ => {}
        }
    }
    if file.is_none() && !unknown {
        let message = "FILE_CHECK has no track_file specified - ignoring";
        cx.error_about(Topic::TrackObjectEmpty, header, message);
    }
    Some(FileCheckSettings {
        track_file: file?,
        weight,
    })
}

/// N [reverse|noreverse]
fn weight(cx: &mut Cx<'_>, statement: &Statement) -> Option<FileWeight> {
    let Some(word) = statement.arg() else {
        cx.error(statement, "track file weight missing");
        return None;
    };
    let most = i64::from(MAX_WEIGHT);
    let Ok((weight, _)) = number::int(&word.text, -most, most, false) else {
        let message =
            format!("weight for track file must be in [-{MAX_WEIGHT}..{MAX_WEIGHT}] inclusive. Ignoring...");
        let found = Diagnostic::new(Class::InvalidNumber, Some(statement.place_of(word)), message);
        cx.diagnostics.push(found);
        return None;
    };
    let reverse = match statement.args().get(1) {
        None => false,
        Some(option) => match option.text.as_str() {
            "reverse" => true,
            "noreverse" => false,
            other => {
                let message = format!("unknown track file weight option {other} - ignoring");
                cx.choice_error_about(
                    Topic::Other,
                    statement,
                    option,
                    message,
                    &["reverse", "noreverse"],
                );
                return None;
            }
        },
    };
    Some(FileWeight {
        weight: i32::try_from(weight).ok()?,
        reverse,
    })
}
