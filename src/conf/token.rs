//! Words, quotes and braces of a logical line (grammar 3 to 5).
//!
//! Owns comment removal, the cut at braces, ordinary words, and the shell-like words of script keywords
//! (grammar 4.5). Knows no keyword.

use super::text::Text;
use nom::branch::alt;
use nom::bytes::complete::{take_till, take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::map;
use nom::sequence::delimited;
use nom::{IResult, Parser};
use std::ops::Range;

/// A word with its place in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Without quotes.
    pub(super) text: String,
    /// Column, from 1.
    pub(super) column: u32,
    /// Columns, quotes included.
    pub(super) length: u32,
}

/// A logical line is cut at every brace that is not quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Words.
    Words(Text),
    /// `{` at this column.
    Open(u32),
    /// `}` at this column.
    Close(u32),
}

/// A quote that is never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unmatched {
    /// Its column.
    pub(super) column: u32,
}

const fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Cuts the comment off (grammar 3.1 to 3.4): `!` or `#` outside double quotes; a backslash keeps the next one.
pub(super) fn strip_comment(text: &Text) -> Text {
    let mut out = Text::default();
    let mut quoted = false;
    let mut chars = text.as_str().char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let column = text.column(at);
        match c {
            '"' => quoted = !quoted,
            '\\' if !quoted => {
                let kept = chars.next();
                if !matches!(kept, Some((_, '#' | '!'))) {
                    out.push(c, column);
                }
                if let Some((at, kept)) = kept {
                    out.push(kept, text.column(at));
                }
                continue;
            }
            '#' | '!' if !quoted => break,
            _ => {}
        }
        out.push(c, column);
    }
    out.trimmed()
}

/// Cuts a line at its braces (grammar 5.1).
pub(super) fn segments(text: &Text) -> Vec<Segment> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    let words = |range: Range<usize>, out: &mut Vec<Segment>| {
        let part = text.slice(range).trimmed();
        if !part.as_str().is_empty() {
            out.push(Segment::Words(part));
        }
    };
    for (at, c) in text.as_str().char_indices() {
        match c {
            '"' => quoted = !quoted,
            '{' | '}' if !quoted => {
                words(start..at, &mut out);
                let column = text.column(at);
                out.push(if c == '{' {
                    Segment::Open(column)
                } else {
                    Segment::Close(column)
                });
                start = at + 1;
            }
            _ => {}
        }
    }
    words(start..text.as_str().len(), &mut out);
    out
}

fn word(input: &str) -> IResult<&str, &str> {
    let quoted = delimited(char('"'), take_till(|c| c == '"'), char('"'));
    let bare = take_while1(|c| !blank(c) && c != '"');
    alt((quoted, bare)).parse(input)
}

fn spaced_word(input: &str) -> IResult<&str, (usize, &str)> {
    let (rest, _) = take_while(blank)(input)?;
    map(word, |word| (rest.len(), word)).parse(rest)
}

/// The ordinary words of a line (grammar 4.1 to 4.4). After a quote without end the rest is dropped.
pub(super) fn words(text: &Text) -> (Vec<Word>, Option<Unmatched>) {
    let whole = text.as_str();
    let mut out = Vec::new();
    let mut rest = whole;
    while let Ok((next, (from_end, word))) = spaced_word(rest) {
        let range = whole.len() - from_end..whole.len() - next.len();
        out.push(Word {
            text: word.to_owned(),
            column: text.column(range.start),
            length: text.width(&range),
        });
        rest = next;
    }
    let left = rest.trim_start_matches(blank);
    let unmatched = (!left.is_empty()).then(|| Unmatched {
        column: text.column(whole.len() - left.len()),
    });
    (out, unmatched)
}

/// Why shell-like splitting failed (grammar 4.5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShellError {
    /// A quote is not closed.
    #[error("String '{0}': missing terminating {1}")]
    Quote(String, char),
    /// A backslash is the last character.
    #[error("Missing escape char at end: '{0}'")]
    Escape(String),
}

/// Shell-like words: both quotes, parts that join, and, with `escapes`, backslashes (grammar 4.5).
pub(super) fn shell_words(text: &str, escapes: bool) -> Result<Vec<String>, ShellError> {
    let mut out = Vec::new();
    let mut current: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', _) => {
                let word = current.get_or_insert_default();
                if escapes {
                    word.push(escape(&mut chars).ok_or_else(|| ShellError::Escape(text.to_owned()))?);
                } else {
                    // The second splitting will want to see it; it only must not end a quote here.
                    word.push(c);
                    word.extend(chars.next());
                }
            }
            (c, Some(end)) if c == end => quote = None,
            (c, Some(_)) => current.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                current.get_or_insert_default();
            }
            (c, None) if blank(c) => out.extend(current.take()),
            (c, None) => current.get_or_insert_default().push(c),
        }
    }
    if let Some(end) = quote {
        return Err(ShellError::Quote(text.to_owned(), end));
    }
    out.extend(current);
    Ok(out)
}

/// The character that the escape after a backslash means; `None` at the end of the text.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let c = chars.next()?;
    let code = |value: u32| char::from_u32(value & 0xff).unwrap_or('\u{fffd}');
    Some(match c {
        'a' => '\x07',
        'b' => '\x08',
        'E' => '\x1b',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' if chars.peek().is_some_and(char::is_ascii_hexdigit) => code(digits(chars, 16, 2, 0)),
        'c' if chars.peek().is_some() => code(u32::from(chars.next()?) & 0x1f),
        '0'..='7' => code(digits(chars, 8, 2, c.to_digit(8)?)),
        other => other,
    })
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, base: u32, most: u32, first: u32) -> u32 {
    let mut value = first;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(base)) else {
            break;
        };
        value = value * base + digit;
        chars.next();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &str) -> Vec<String> {
        words(&Text::of_line(line))
            .0
            .into_iter()
            .map(|word| word.text)
            .collect()
    }

    #[test]
    fn comments_end_at_any_mark_outside_quotes() {
        for (line, wanted) in [
            ("a#b", "a"),
            ("  x ! y", "x"),
            ("\"a#b\" !c", "\"a#b\""),
            ("a\\#b #c", "a#b"),
            ("a\\nb", "a\\nb"),
            ("'a#b'", "'a"),
        ] {
            assert_eq!(strip_comment(&Text::of_line(line)).as_str(), wanted, "{line}");
        }
    }

    #[test]
    fn quotes_cut_words() {
        assert_eq!(plain("ff\"gg hh\"ii"), ["ff", "gg hh", "ii"]);
        assert_eq!(plain("k \"\" 'a b'"), ["k", "", "'a", "b'"]);
        let (words, unmatched) = words(&Text::of_line("k \"open"));
        assert_eq!(words.len(), 1);
        assert_eq!(unmatched, Some(Unmatched { column: 3 }));
    }

    #[test]
    fn braces_cut_lines() {
        let cut = segments(&Text::of_line("url{ path \"/{\" }"));
        assert!(matches!(
            cut.as_slice(),
            [
                Segment::Words(_),
                Segment::Open(4),
                Segment::Words(_),
                Segment::Close(16)
            ]
        ));
    }

    #[test]
    fn scripts_are_split_as_a_shell_would() {
        let split = |text| shell_words(text, true).unwrap();
        assert_eq!(split("/bin/a 'b c'\"d\" e\\ f"), ["/bin/a", "b cd", "e f"]);
        assert_eq!(split("\\x41\\102\\t\\cA"), ["AB\t\x01"]);
        assert_eq!(
            shell_words("a 'b", true),
            Err(ShellError::Quote("a 'b".into(), '\''))
        );
        assert_eq!(shell_words("a\\", true), Err(ShellError::Escape("a\\".into())));
    }
}
