//! `track_file` and `vrrp_track_process`.

use super::{Cx, track};
use crate::conf::config::{Config, InitFile, ParamMatch, TrackFile, TrackProcess};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use std::path::{Path, PathBuf};

/// What the value of a file can change a priority by.
const MAX_WEIGHT: i64 = 254;

/// A `track_file` block; of two with one name the first is used (fact 1.29).
pub(super) fn file(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(word) = statement.arg() else { return };
    let called = format!("track_file {}", word.text);
    let mut file = TrackFile {
        name: Cx::spanned(statement, word, word.text.clone()),
        file: None,
        weight: 1,
        reverse: false,
        init_file: None,
    };
    for statement in body {
        match statement.keyword() {
            "file" => {
                let Some(word) = statement.arg() else { continue };
                if let Some(first) = &file.file {
                    let name = &file.name.value;
                    let message = format!("File already set for track file {name} - ignoring {}", word.text);
                    cx.duplicate(statement, word, message, first.place.clone());
                } else if !word.text.is_empty() {
                    file.file = Some(Cx::spanned(statement, word, beside(statement, &word.text)));
                }
            }
            "weight" => {
                if let Some((weight, reverse)) = track::own_weight(cx, statement, MAX_WEIGHT, &called) {
                    (file.weight, file.reverse) = (weight, reverse);
                }
            }
            "init_file" => file.init_file = Some(init_file(cx, statement, &file.name.value)),
            _ => {}
        }
    }
    if cx.first(Block::TrackFile, statement, word).is_none() {
        config.track_files.push(file);
    }
}

/// `path`, which is relative to the file that names it (grammar 10.3).
pub(super) fn beside(statement: &Statement, path: &str) -> PathBuf {
    let directory = statement.file.parent().unwrap_or_else(|| Path::new(""));
    directory.join(path)
}

/// `[VALUE] [overwrite]`
fn init_file(cx: &mut Cx<'_>, statement: &Statement, name: &str) -> InitFile {
    let mut out = InitFile::default();
    let limits = (i64::from(i32::MIN), i64::from(i32::MAX));
    for word in statement.args() {
        if word.text == "overwrite" {
            out.overwrite = true;
            continue;
        }
        match number::int(&word.text, limits.0, limits.1, false) {
            Ok((value, _)) => {
                out.value = i32::try_from(value).unwrap_or(0);
                if value.abs() > MAX_WEIGHT {
                    let message = format!(
                        "Track file {name} init value {value} is outside sensible range [-{MAX_WEIGHT}, {MAX_WEIGHT}]"
                    );
                    cx.report(Class::General, statement.place_of(word), message);
                }
            }
            Err(_) => {
                let message = format!("Unknown track file init option {}", word.text);
                cx.choice_error(statement, word, message, &["a number", "overwrite"]);
            }
        }
    }
    out
}

/// A `vrrp_track_process` block; of two with one name the first is used (fact 1.29).
pub(super) fn process(cx: &mut Cx<'_>, config: &mut Config, statement: &Statement, body: &[Statement]) {
    let Some(word) = statement.arg() else { return };
    let mut process = TrackProcess {
        name: Cx::spanned(statement, word, word.text.clone()),
        process: None,
        param_match: None,
        weight: None,
        reverse: false,
        quorum: None,
        quorum_max: None,
        terminate_delay: None,
        fork_delay: None,
        full_command: false,
    };
    for statement in body {
        process_keyword(cx, &mut process, statement);
    }
    if let (Some(quorum), Some(most)) = (process.quorum, process.quorum_max)
        && most > 0
        && quorum > most
    {
        let message = format!(
            "vrrp_track_process {}: quorum_max is less than quorum - ignoring",
            word.text
        );
        cx.report(Class::General, statement.place_of(word), message);
        process.quorum_max = None;
    }
    if cx.first(Block::TrackProcess, statement, word).is_none() {
        config.track_processes.push(process);
    }
}

fn process_keyword(cx: &mut Cx<'_>, process: &mut TrackProcess, statement: &Statement) {
    let block = Block::TrackProcess;
    let name = process.name.value.clone();
    match statement.keyword() {
        "process" => {
            let Some(word) = statement.arg() else { return };
            if let Some(first) = &process.process {
                let message = format!(
                    "Process already set for track process {name} - ignoring {}",
                    word.text
                );
                cx.duplicate(statement, word, message, first.place.clone());
            } else if !word.text.is_empty() {
                let words = statement.args().iter().map(|word| word.text.clone());
                process.process = Some(Cx::spanned(statement, word, words.collect()));
            }
        }
        "param_match" => {
            let Some(word) = statement.arg() else {
                process.param_match = Some(ParamMatch::Exact);
                return;
            };
            match word.text.as_str() {
                "initial" => process.param_match = Some(ParamMatch::Initial),
                "partial" => process.param_match = Some(ParamMatch::Partial),
                other => {
                    let message = format!("Invalid param_match type {other} - ignoring");
                    cx.choice_error(statement, word, message, &["initial", "partial"]);
                }
            }
        }
        "weight" => {
            let called = format!("vrrp_track_process {name}");
            if let Some((weight, reverse)) = track::own_weight(cx, statement, MAX_WEIGHT, &called) {
                if process.weight.is_some() {
                    let message = format!("Weight already set for track process {name} - ignoring {weight}");
                    let diagnostic = Diagnostic::new(Class::General, Some(statement.place()), message);
                    cx.diagnostics.push(diagnostic.about(Topic::DuplicateDefinition));
                } else {
                    (process.weight, process.reverse) = (Some(weight), reverse);
                }
            }
        }
        "quorum" => process.quorum = cx.unsigned(block, statement).or(process.quorum),
        "quorum_max" => process.quorum_max = cx.unsigned(block, statement).or(process.quorum_max),
        "delay" => {
            if let Some(delay) = cx.seconds(block, statement) {
                (process.terminate_delay, process.fork_delay) = (Some(delay), Some(delay));
            }
        }
        "terminate_delay" => {
            process.terminate_delay = cx.seconds(block, statement).or(process.terminate_delay);
        }
        "fork_delay" => process.fork_delay = cx.seconds(block, statement).or(process.fork_delay),
        "full_command" => process.full_command = true,
        _ => {}
    }
}
