//! How options are spelled: getopt's rules, over the options of a clap table (fact cli 1.1).
//!
//! Bundled short options, values glued on or in the next word, long options cut to a unique prefix, optional values only
//! as `--opt=VALUE` or `-oVALUE`, options after other words, `--` as the end of options. clap alone would stop at the first
//! bad option and take a word after an optional value's option for the value.

use clap::{Arg, Command};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The option that begins another command line.
const GENHASH: &str = super::genhash::NAME;

/// A piece of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word<'t> {
    /// An option of the table, by its full long name.
    Option {
        /// Its name.
        long: &'t str,
        /// Its value.
        value: Option<OsString>,
    },
    /// The option that makes all that follow words of genhash.
    Genhash {
        /// As it was written.
        spelled: &'static str,
        /// What follows.
        rest: Vec<OsString>,
    },
    /// No option.
    Stray(OsString),
    /// No option that we know, or one without its value: the complaint.
    Bad(String),
}

/// One spelling that clap reads without doubt: `--name` or `--name=value`.
pub(super) fn canonical(long: &str, value: Option<OsString>) -> OsString {
    let mut word = OsString::from("--");
    word.push(long);
    if let Some(value) = value {
        word.push("=");
        word.push(value);
    }
    word
}

/// Takes the arguments (without the program's name) apart, in their order.
pub(super) fn scan<'t>(table: &'t Command, args: impl Iterator<Item = OsString>) -> Vec<Word<'t>> {
    let mut args: VecDeque<OsString> = args.collect();
    let mut words = Vec::new();
    while let Some(arg) = args.pop_front() {
        match arg.as_bytes() {
            b"--" => words.extend(args.drain(..).map(Word::Stray)),
            [b'-', b'-', name @ ..] => words.push(match long(table, name, &mut args) {
                Word::Option { long: GENHASH, .. } => Word::Genhash {
                    spelled: GENHASH,
                    rest: args.drain(..).collect(),
                },
                word => word,
            }),
            [b'-', cluster @ ..] if !cluster.is_empty() => short(table, cluster, &mut args, &mut words),
            _ => words.push(Word::Stray(arg)),
        }
    }
    words
}

/// Whether an option takes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arity {
    None,
    Optional,
    Mandatory,
}

fn arity(arg: &Arg) -> Arity {
    if !arg.get_action().takes_values() {
        Arity::None
    } else if arg.get_num_args().is_some_and(|range| range.min_values() == 0) {
        Arity::Optional
    } else {
        Arity::Mandatory
    }
}

/// `--name`, `--name=value` or `--name` and its value in the next word; `spelled` is without the dashes.
fn long<'t>(table: &'t Command, spelled: &[u8], args: &mut VecDeque<OsString>) -> Word<'t> {
    let unknown = || Word::Bad(format!("Unknown option --{}", String::from_utf8_lossy(spelled)));
    let (name, glued) = match spelled.iter().position(|&byte| byte == b'=') {
        Some(at) => {
            let (name, value) = spelled.split_at(at);
            (
                name,
                Some(OsString::from_vec(value.iter().skip(1).copied().collect())),
            )
        }
        None => (spelled, None),
    };
    let Some(arg) = find_long(table, name) else {
        return unknown();
    };
    let Some(long) = arg.get_long() else {
        return unknown();
    };
    let missing = || Word::Bad(format!("Missing parameter for option --{long}"));
    match (arity(arg), glued) {
        (Arity::None, Some(_)) => unknown(),
        (Arity::None | Arity::Optional, None) => Word::Option { long, value: None },
        (Arity::Optional, Some(value)) if value.is_empty() => Word::Option { long, value: None },
        (Arity::Optional | Arity::Mandatory, Some(value)) if !value.is_empty() => Word::Option {
            long,
            value: Some(value),
        },
        (Arity::Optional | Arity::Mandatory, Some(_)) => missing(),
        (Arity::Mandatory, None) => match args.pop_front() {
            Some(value) if !value.is_empty() => Word::Option {
                long,
                value: Some(value),
            },
            Some(_) | None => missing(),
        },
    }
}

/// The option of this name, or the only one whose name begins so.
fn find_long<'t>(table: &'t Command, name: &[u8]) -> Option<&'t Arg> {
    let longs = || {
        table
            .get_arguments()
            .filter_map(|arg| Some((arg, arg.get_long()?.as_bytes())))
    };
    if let Some((exact, _)) = longs().find(|(_, long)| *long == name) {
        return Some(exact);
    }
    let mut candidates = longs()
        .filter(|(arg, long)| long.starts_with(name) && !super::table::OURS.contains(&arg.get_id().as_str()));
    match (candidates.next(), candidates.next()) {
        (Some((only, _)), None) => Some(only),
        _ => None,
    }
}

/// `-abc`, where the first option that takes a value takes the rest, or the next word.
fn short<'t>(table: &'t Command, cluster: &[u8], args: &mut VecDeque<OsString>, words: &mut Vec<Word<'t>>) {
    let mut rest = cluster;
    while let Some((&letter, after)) = rest.split_first() {
        rest = after;
        let letter = char::from(letter);
        let known = table.get_arguments().find(|arg| arg.get_short() == Some(letter));
        let Some((arg, long)) = known.and_then(|arg| Some((arg, arg.get_long()?))) else {
            words.push(Word::Bad(format!("Unknown option -{letter}")));
            continue;
        };
        if long == GENHASH {
            if !after.is_empty() {
                args.push_front(OsString::from_vec([b"-", after].concat()));
            }
            words.push(Word::Genhash {
                spelled: "-T",
                rest: args.drain(..).collect(),
            });
            return;
        }
        let glued = || (!after.is_empty()).then(|| OsStr::from_bytes(after).to_owned());
        let value = match arity(arg) {
            Arity::None => {
                words.push(Word::Option { long, value: None });
                continue;
            }
            Arity::Optional => glued(),
            Arity::Mandatory => match glued()
                .or_else(|| args.pop_front())
                .filter(|value| !value.is_empty())
            {
                Some(value) => Some(value),
                None => {
                    words.push(Word::Bad(format!("Missing parameter for option -{letter}")));
                    return;
                }
            },
        };
        words.push(Word::Option { long, value });
        return;
    }
}
