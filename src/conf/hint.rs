//! What would be right, told from the look of a word that was refused: habits of other languages, of pens and of
//! word processors.

use super::diag::{Class, Diagnostic, Place};
use super::source::Sources;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;

/// Gives every mistake without help the one that its word suggests.
pub fn add(diagnostics: &mut [Diagnostic], sources: &Sources) {
    let mut texts: HashMap<&Path, Vec<&str>> = HashMap::new();
    for diagnostic in diagnostics {
        let (None, Some(place)) = (&diagnostic.help, &diagnostic.place) else {
            continue;
        };
        if place.length == 0 || matches!(diagnostic.class, Class::Note | Class::Unheeded) {
            continue;
        }
        let lines = texts.entry(place.file.as_path()).or_insert_with(|| {
            let file = sources.files.iter().find(|file| file.name == place.file);
            file.map(|file| file.text.lines().collect()).unwrap_or_default()
        });
        let help = line(lines, place).and_then(|line| {
            let word = word(line, place);
            // One that was replaced is told by what stands for it.
            let typed = !word.starts_with('$') || diagnostic.message.contains(word);
            typed.then(|| hint(word, rest(line, place))).flatten()
        });
        if let Some(help) = help {
            diagnostic.help = Some(help);
        }
    }
}

fn line<'t>(lines: &[&'t str], place: &Place) -> Option<&'t str> {
    let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
    lines.get(index).copied()
}

/// The text at the column, at most `length` characters of it.
fn word<'t>(line: &'t str, place: &Place) -> &'t str {
    let rest = rest(line, place);
    let end = usize::try_from(place.length)
        .ok()
        .and_then(|length| rest.char_indices().nth(length))
        .map_or(rest.len(), |(at, _)| at);
    rest.get(..end).unwrap_or_default()
}

/// The text from the column to the end of the line.
fn rest<'t>(line: &'t str, place: &Place) -> &'t str {
    let start = usize::try_from(place.column.saturating_sub(1))
        .ok()
        .and_then(|column| line.char_indices().nth(column))
        .map_or(line.len(), |(at, _)| at);
    line.get(start..).unwrap_or_default()
}

/// What people write behind a time or a size.
const UNITS: &[&str] = &[
    "s", "sec", "secs", "ms", "us", "m", "min", "mins", "h", "d", "k", "M", "%",
];

/// What would be right instead of `word`, which stands at the beginning of `rest`.
fn hint(word: &str, rest: &str) -> Option<String> {
    let is_digit = |c: char| c.is_ascii_digit();
    let say = |help: &str| Some(help.to_owned());
    if rest.contains(['“', '”', '‘', '’']) {
        say("quotes are plain ones here: \"")
    } else if word.ends_with(';') {
        say("a line ends without `;`")
    } else if word == "=" || word.starts_with('=') {
        say("a keyword and its value are separated by blanks, without `=`")
    } else if word.starts_with('$') && word.len() > 1 {
        Some(format!("`{word}` is not defined before"))
    } else if word.ends_with(',') {
        say("words are separated by blanks, and one entry stands on a line, without `,`")
    } else if word.split_once(',').is_some_and(|(a, b)| {
        [a, b]
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(is_digit))
    }) {
        say("fractions are written with a point")
    } else if word.starts_with(is_digit) && UNITS.contains(&word.trim_start_matches(is_digit)) {
        say("a number stands without a unit")
    } else {
        netmask(word)
    }
}

/// A netmask as a prefix length.
fn netmask(word: &str) -> Option<String> {
    let mask = u32::from(word.parse::<Ipv4Addr>().ok()?);
    let length = mask.leading_ones();
    (length > 0 && length.checked_add(mask.trailing_zeros()) == Some(32))
        .then(|| format!("a netmask is written as the address's prefix length: /{length}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_tells_what_was_meant() {
        for (text, wanted) in [
            ("51;", Some("a line ends without `;`")),
            ("$VRID", Some("`$VRID` is not defined before")),
            ("5min", Some("a number stands without a unit")),
            ("2xx", None),
            ("10,5", Some("fractions are written with a point")),
            (
                "255.255.255.0",
                Some("a netmask is written as the address's prefix length: /24"),
            ),
            ("255.0.255.0", None),
            ("192.0.2.1", None),
            ("eth0", None),
            ("300", None),
            ("", None),
        ] {
            assert_eq!(hint(text, text).as_deref(), wanted, "{text}");
        }
        assert!(hint("=", "= 51").is_some());
    }
}
