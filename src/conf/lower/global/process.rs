//! What concerns keepalived's processes: names, priorities, scheduling, memory, processors.

use super::Cx;
use crate::conf::config::{ProcessSettings, ProcessesSettings};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::number;
use crate::conf::tree::Statement;
use std::time::Duration;

/// The longest name of a process, in octets: the kernel's.
const MAX_NAME: usize = 15;
/// The realtime priorities of `SCHED_RR`.
const RT_PRIORITIES: (i64, i64) = (1, 99);
/// Processors that the kernel's sets can name.
const MAX_CPU: i64 = 1_023;

/// `false`: `statement` is none of these.
pub(super) fn keyword(cx: &mut Cx<'_>, all: &mut ProcessesSettings, statement: &Statement) -> bool {
    match statement.keyword() {
        "process_names" => all.process_names = true,
        "process_name" => all.process_name = name(cx, statement).or_else(|| all.process_name.take()),
        // The old name of the checker's.
        "lvs_process_name" => {
            all.checker.process_name = name(cx, statement).or_else(|| all.checker.process_name.take());
        }
        "max_auto_priority" => {
            all.max_auto_priority = if statement.arg().is_none() {
                i8::try_from(RT_PRIORITIES.1).ok()
            } else {
                cx.unsigned(Block::GlobalDefs, statement)
                    .or(all.max_auto_priority)
            };
        }
        "min_auto_priority_delay" => {
            let delay = cx
                .unsigned(Block::GlobalDefs, statement)
                .map(Duration::from_micros);
            all.min_auto_priority_delay = delay.or(all.min_auto_priority_delay);
        }
        prefixed => {
            let one = [
                ("vrrp_", &mut all.vrrp),
                ("checker_", &mut all.checker),
                ("bfd_", &mut all.bfd),
            ];
            for (prefix, process) in one {
                if let Some(setting) = prefixed.strip_prefix(prefix) {
                    return of_one(cx, process, statement, setting);
                }
            }
            return false;
        }
    }
    true
}

fn of_one(cx: &mut Cx<'_>, process: &mut ProcessSettings, statement: &Statement, setting: &str) -> bool {
    let block = Block::GlobalDefs;
    match setting {
        "process_name" => process.process_name = name(cx, statement).or_else(|| process.process_name.take()),
        "priority" => process.priority = cx.unsigned(block, statement).or(process.priority),
        "no_swap" => process.no_swap = true,
        "rt_priority" => process.rt_priority = rt_priority(cx, statement).or(process.rt_priority),
        "cpu_affinity" => process.cpu_affinity = cpus(cx, statement),
        "rlimit_rttime" | "rlimit_rtime" => {
            let limit: Option<u64> = cx.unsigned(block, statement);
            // Less than two would be none at all.
            let limit = limit.map(|limit| Duration::from_micros(limit.max(2)));
            process.rlimit_rttime = limit.or(process.rlimit_rttime);
        }
        _ => return false,
    }
    true
}

fn name(cx: &mut Cx<'_>, statement: &Statement) -> Option<String> {
    let word = statement.arg()?;
    if word.text.len() <= MAX_NAME {
        return Some(word.text.clone());
    }
    let message = format!(
        "Process name {} more than {MAX_NAME} characters, truncating",
        word.text
    );
    cx.word_error_about(Topic::NameTooLong, statement, word, message);
    let mut end = MAX_NAME;
    while !word.text.is_char_boundary(end) {
        end -= 1;
    }
    word.text.get(..end).map(str::to_owned)
}

/// One that is too great or too small is put right with a message.
fn rt_priority(cx: &mut Cx<'_>, statement: &Statement) -> Option<u8> {
    let word = statement.arg()?;
    let read = number::int(
        &word.text,
        i64::from(i32::MIN),
        i64::from(i32::MAX),
        !cx.options.test,
    );
    let wanted = match read {
        Ok(_) => cx.number(statement, word, read)?,
        Err(error) => {
            let place = statement.place_of(word);
            let message = format!("{}: {error}", statement.keyword());
            let diagnostic = Diagnostic::new(Class::InvalidNumber, Some(place), message);
            cx.diagnostics.push(diagnostic.about(Topic::PriorityInvalid));
            return None;
        }
    };
    let (least, most) = RT_PRIORITIES;
    let process = statement.keyword().split('_').next().unwrap_or_default();
    let topic = if process == "bfd" {
        Topic::Bfd
    } else {
        Topic::Other
    };
    if wanted > most {
        let message = format!(
            "{process} process real-time priority {wanted} greater than maximum {most} - setting to maximum"
        );
        cx.word_error_about(topic, statement, word, message);
    } else if wanted < least {
        let message = format!(
            "{process} process real-time priority {wanted} less than minimum {least} - setting to minimum"
        );
        cx.word_error_about(topic, statement, word, message);
    }
    u8::try_from(wanted.clamp(least, most)).ok()
}

/// A set with one that cannot be is no set.
fn cpus(cx: &mut Cx<'_>, statement: &Statement) -> Vec<u32> {
    let mut out = Vec::new();
    for word in statement.args() {
        let read = number::int(&word.text, 0, MAX_CPU, !cx.options.test);
        match read.map(|(cpu, _)| u32::try_from(cpu)) {
            Ok(Ok(cpu)) => out.push(cpu),
            Ok(Err(_)) | Err(_) => {
                let process = statement.keyword().split('_').next().unwrap_or_default();
                let message = format!("Invalid cpu_id:{} specified for {process} process", word.text);
                cx.report(Class::InvalidNumber, statement.place_of(word), message);
                return Vec::new();
            }
        }
    }
    out
}
