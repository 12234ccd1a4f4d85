//! Words, quotes and braces of a logical line (grammar 3 to 5).
//!
//! Owns comment removal, the cut at braces, ordinary words, and the shell-like words of script keywords
//! (grammar 4.5). Knows no keyword.

use super::text::Text;
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

/// A quote that is never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unmatched {
    /// Its column.
    pub(super) column: u32,
}

/// What separates words (grammar 2.6).
pub(super) const fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// Every `#` and `!` outside double quotes, and whether a backslash protects it (grammar 3.1 to 3.4).
fn marks(text: &str) -> impl Iterator<Item = (usize, bool)> + '_ {
    let mut quoted = false;
    let mut escaped = false;
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        if std::mem::take(&mut escaped) {
            return (!quoted && matches!(byte, b'#' | b'!')).then_some((at, true));
        }
        match byte {
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'#' | b'!' if !quoted => return Some((at, false)),
            _ => {}
        }
        None
    })
}

/// Where the comment of `text` begins.
pub(super) fn comment_start(text: &str) -> Option<usize> {
    marks(text).find(|(_, escaped)| !escaped).map(|(at, _)| at)
}

/// Cuts the comment off (grammar 3.1 to 3.4): `!` or `#` outside double quotes. One after a backslash stays, with the
/// backslash: see [`settle`].
pub(super) fn strip_comment(text: Text) -> Text {
    if !text.as_str().bytes().any(|byte| matches!(byte, b'#' | b'!')) {
        return text;
    }
    match comment_start(text.as_str()) {
        Some(at) => text.until(at),
        None => text,
    }
}

/// What `\#` and `\!` mean at last (grammar 3.3). Where keepalived's parent reads (`kept`), the character itself; its
/// children read what the parent wrote down, and to them it begins a comment. The second value says whether one did.
pub(super) fn settle(text: Text, kept: bool) -> (Text, bool) {
    if !text.as_str().contains('\\') {
        return (text, false);
    }
    let places = marks(text.as_str()).filter(|(_, escaped)| *escaped);
    let places: Vec<usize> = places.filter_map(|(at, _)| at.checked_sub(1)).collect();
    match places.first() {
        None => (text, false),
        Some(first) if !kept => {
            let first = *first;
            (text.until(first), true)
        }
        Some(_) => (text.without(&places), false),
    }
}

/// The first brace that cuts `text` (grammar 5.1): outside double quotes, and none of a `${NAME}` that nothing was put
/// in for, which would fall apart (grammar 5.2) and turn one mistake into many.
pub(super) fn brace(text: &str) -> Option<(usize, char)> {
    if !text.bytes().any(|byte| matches!(byte, b'{' | b'}')) {
        return None;
    }
    let mut quoted = false;
    let mut skip = 0;
    for (at, c) in text.char_indices() {
        match c {
            _ if at < skip => {}
            '"' => quoted = !quoted,
            '$' if !quoted => {
                if let Some(reference) = text.get(at..).and_then(braced_reference) {
                    skip = at + reference.len();
                }
            }
            '{' | '}' if !quoted => return Some((at, c)),
            _ => {}
        }
    }
    None
}

/// The places of the references outside double quotes that are still in `text`.
pub(super) fn references(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut quoted = false;
    text.char_indices().filter_map(move |(at, c)| {
        quoted ^= c == '"';
        let reference = (c == '$' && !quoted).then(|| text.get(at..).and_then(braced_reference))??;
        Some(at..at + reference.len())
    })
}

/// `${NAME}` or `${NAME ARGUMENTS}` at the start of `text`.
pub(super) fn braced_reference(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("${")?;
    let (inside, _) = inside.split_once('}')?;
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let mut words = inside.split([' ', '\t']).filter(|word| !word.is_empty());
    let name = words.next()?;
    (super::expand::is_name(name)
        && inside.starts_with(name)
        && words.all(word)
        && !inside.ends_with([' ', '\t']))
    .then(|| text.get(..inside.len() + 3))
    .flatten()
}

/// The ordinary words of a line (grammar 4.1 to 4.4). After a quote without end the rest is dropped.
pub(super) fn words(text: &Text) -> (Vec<Word>, Option<Unmatched>) {
    let whole = text.as_str();
    let mut out = Vec::with_capacity(whole.split_ascii_whitespace().count());
    let mut start = 0;
    while let Some(rest) = whole.get(start..)
        && let Some(skip) = rest.bytes().position(|byte| !blank(char::from(byte)))
    {
        start += skip;
        let rest = rest.get(skip..).unwrap_or_default();
        let (word, length) = if let Some(quoted) = rest.strip_prefix('"') {
            let Some((word, _)) = quoted.split_once('"') else {
                let column = text.column(start);
                return (out, Some(Unmatched { column }));
            };
            (word, word.len() + 2)
        } else {
            let ends = |byte: u8| byte == b'"' || blank(char::from(byte));
            let length = rest.bytes().position(ends).unwrap_or(rest.len());
            (rest.get(..length).unwrap_or_default(), length)
        };
        let range = start..start + length;
        start = range.end;
        out.push(Word {
            text: word.to_owned(),
            column: text.column(range.start),
            length: text.width(&range),
        });
    }
    (out, None)
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

/// What `text` is split into; bytes that escapes make are joined to characters when they are UTF-8.
fn finished(word: Vec<u8>) -> String {
    String::from_utf8(word).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Shell-like words: both quotes, parts that join, and, with `escapes`, backslashes (grammar 4.5).
pub(super) fn shell_words(text: &str, escapes: bool) -> Result<Vec<String>, ShellError> {
    let mut out = Vec::new();
    let mut current: Option<Vec<u8>> = None;
    let mut quote: Option<u8> = None;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) => {
                let word = current.get_or_insert_default();
                if escapes {
                    word.push(escape(&mut bytes).ok_or_else(|| ShellError::Escape(text.to_owned()))?);
                } else {
                    // The second splitting will want to see it; it only must not end a quote here.
                    word.push(byte);
                    word.extend(bytes.next());
                }
            }
            (byte, Some(end)) if byte == end => quote = None,
            (byte, Some(_)) => current.get_or_insert_default().push(byte),
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                current.get_or_insert_default();
            }
            (byte, None) if blank(char::from(byte)) => out.extend(current.take().map(finished)),
            (byte, None) => current.get_or_insert_default().push(byte),
        }
    }
    if let Some(end) = quote {
        return Err(ShellError::Quote(text.to_owned(), char::from(end)));
    }
    out.extend(current.map(finished));
    Ok(out)
}

/// The byte that the escape after a backslash means; `None` at the end of the text.
fn escape(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>) -> Option<u8> {
    let byte = bytes.next()?;
    Some(match byte {
        b'a' => 0x07,
        b'b' => 0x08,
        b'E' => 0x1b,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'x' if bytes.peek().is_some_and(u8::is_ascii_hexdigit) => digits(bytes, 16, 2, 0),
        b'c' if bytes.peek().is_some() => bytes.next()? & 0x1f,
        b'0'..=b'7' => digits(bytes, 8, 2, byte - b'0'),
        other => other,
    })
}

/// A number of at most `most` digits more; what is beyond a byte is lost.
fn digits(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>, base: u8, most: u32, first: u8) -> u8 {
    let mut value = first;
    for _ in 0..most {
        let digit = bytes
            .peek()
            .and_then(|byte| char::from(*byte).to_digit(u32::from(base)))
            .and_then(|digit| u8::try_from(digit).ok());
        let Some(digit) = digit else { break };
        value = value.wrapping_mul(base).wrapping_add(digit);
        bytes.next();
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
            let stripped = strip_comment(Text::of_line(line));
            assert_eq!(settle(stripped, true).0.as_str(), wanted, "{line}");
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
        for (line, wanted) in [
            ("url{ path \"/{\" }", Some((3, '{'))),
            (" path \"/{\" }", Some((11, '}'))),
            ("a \"b{", None),
            ("a ${NO} {", Some((8, '{'))),
            ("a ${NO THING}}", Some((13, '}'))),
            ("a ${NO } x", Some((3, '{'))),
            ("a ${1} x", Some((3, '{'))),
            ("${A${B}", Some((1, '{'))),
        ] {
            assert_eq!(brace(line), wanted, "{line}");
        }
    }

    #[test]
    fn an_escaped_mark_is_one_or_begins_a_comment() {
        for (line, kept, cut) in [
            ("a\\#b\\!c d", "a#b!c d", "a"),
            ("a\\\\#b", "a\\\\", "a\\\\"),
            ("\"a\\#b\" x", "\"a\\#b\" x", "\"a\\#b\" x"),
            ("a\\", "a\\", "a\\"),
            ("\"a\\\" # b\"", "\"a\\\" # b\"", "\"a\\\" # b\""),
        ] {
            let text = strip_comment(Text::of_line(line));
            assert_eq!(settle(text.clone(), true).0.as_str(), kept, "{line}");
            assert_eq!(settle(text, false).0.as_str(), cut, "{line}");
        }
    }

    #[test]
    fn scripts_are_split_as_a_shell_would() {
        let split = |text| shell_words(text, true).unwrap();
        assert_eq!(split("/bin/a 'b c'\"d\" e\\ f"), ["/bin/a", "b cd", "e f"]);
        assert_eq!(split("\\x41\\102\\t\\cA"), ["AB\t\x01"]);
        assert_eq!(
            split("\\a\\b\\E\\f\\n\\r\\v\\q\\x4\\xg \\0601"),
            ["\x07\x08\x1b\x0c\n\r\x0bq\x04xg", "01"]
        );
        assert_eq!(split("\\xc3\\xa9 é"), ["é", "é"]);
        assert_eq!(
            shell_words("a 'b", true),
            Err(ShellError::Quote("a 'b".into(), '\''))
        );
        assert_eq!(shell_words("a\\", true), Err(ShellError::Escape("a\\".into())));
    }
}
