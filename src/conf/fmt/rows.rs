//! A text as rows: what stands on a line of its own once it is formatted.

use super::{MAX_LINE, Refused};
use crate::conf::expand::is_name;
use crate::conf::keyword::{self, Args};
use crate::conf::text::Text;
use crate::conf::token;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One or more empty lines.
    Blank,
    /// A comment that has its line to itself.
    Comment,
    /// A keyword or an entry, and what follows it.
    Words,
    /// `{` that cannot stand behind its keyword.
    Open,
    /// `}`
    Close,
    /// A line that stays as it was typed, braces included.
    Whole,
}

/// `@ID` or `@^ID`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) negated: bool,
    pub(super) id: String,
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) shape: Shape,
    pub(super) condition: Option<Condition>,
    text: String,
    comment: Option<String>,
    /// The further lines of a definition.
    pub(super) more: Vec<String>,
    /// Its braces in their order; `true` opens.
    pub(super) braces: Vec<bool>,
    /// Where it was found, from 1.
    pub(super) line: usize,
}

impl Row {
    fn new(shape: Shape, line: usize, condition: Option<&Condition>, text: impl Into<String>) -> Self {
        Self {
            shape,
            condition: condition.cloned(),
            text: text.into(),
            comment: None,
            more: Vec::new(),
            braces: match shape {
                Shape::Open => vec![true],
                Shape::Close => vec![false],
                _ => Vec::new(),
            },
            line,
        }
    }

    /// Whether a block begins after it.
    pub(super) fn opens(&self) -> bool {
        self.braces.last() == Some(&true)
    }

    /// Whether its last line is empty: that of a definition that an empty line ends.
    pub(super) fn ends_blank(&self) -> bool {
        self.more.last().is_some_and(String::is_empty)
    }
}

/// Its first line, without indentation.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Condition { negated, id }) = &self.condition {
            write!(f, "@{}{id} ", if *negated { "^" } else { "" })?;
        }
        f.write_str(&self.text)?;
        if self.shape == Shape::Words && self.opens() {
            f.write_str(" {")?;
        }
        match &self.comment {
            Some(comment) => write!(f, " {comment}"),
            None => Ok(()),
        }
    }
}

const fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// The rows of `text`.
pub(super) fn read(text: &str) -> Result<Vec<Row>, Refused> {
    let mut reader = Reader {
        rows: Vec::new(),
        scripts: keyword::all()
            .filter(|k| k.args == Args::Script)
            .map(|k| k.name)
            .collect(),
        plain: Plain::of(text),
    };
    let mut lines = (1..).zip(text.split('\n'));
    while let Some((number, raw)) = lines.next() {
        let line = readable(number, raw)?;
        if !reader.definition(number, line) {
            reader.line(number, line);
            continue;
        }
        // A value that ends in `\` goes on, up to an empty line (grammar 8.6).
        let mut part = token::strip_comment(Text::of_line(line));
        while part.as_str().ends_with('\\') {
            let Some((number, raw)) = lines.next() else { break };
            let line = readable(number, raw)?;
            part = token::strip_comment(Text::of_line(line));
            if let Some(row) = reader.rows.last_mut() {
                row.more.push(line.to_owned());
            }
        }
    }
    Ok(reader.rows)
}

/// A line without blanks at its ends, if it is read at all (grammar 2.1, 2.2).
fn readable(line: usize, raw: &str) -> Result<&str, Refused> {
    let reason = if raw.len() >= MAX_LINE {
        "it is too long to be read"
    } else if raw.contains('\0') {
        "it contains a NUL"
    } else {
        return Ok(raw
            .trim_start_matches([' ', '\t'])
            .trim_end_matches([' ', '\t', '\r']));
    };
    Err(Refused { line, reason })
}

/// A line in parts.
struct Parts<'t> {
    condition: Option<Condition>,
    /// What it says.
    code: &'t str,
    comment: Option<&'t str>,
    /// Code and comment, as they were typed.
    rest: &'t str,
}

impl<'t> Parts<'t> {
    fn of(line: &'t str) -> Self {
        let (mut code, comment) = line.split_at(token::comment_start(line).unwrap_or(line.len()));
        code = code.trim_matches([' ', '\t']);
        let mut condition = None;
        if let Some(words) = code.strip_prefix('@')
            && let Some((id, words)) = words.split_once([' ', '\t'])
        {
            let (negated, id) = id.strip_prefix('^').map_or((false, id), |id| (true, id));
            condition = Some(Condition {
                negated,
                id: id.to_owned(),
            });
            code = words.trim_matches([' ', '\t']);
        }
        let start = line.find(code).unwrap_or(0);
        Self {
            condition,
            code,
            comment: (!comment.is_empty()).then_some(comment),
            rest: line.get(start..).unwrap_or(line),
        }
    }
}

/// The name that is defined here, and its value (grammar 8.1).
fn defined(code: &str) -> Option<(&str, &str)> {
    let (name, value) = code.strip_prefix('$')?.split_once('=')?;
    is_name(name).then_some((name, value))
}

/// The braces outside quotes: where, and whether it opens (grammar 5.1).
fn braces(code: &str) -> impl Iterator<Item = (usize, bool)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let (at, brace) = token::brace(code.get(from..)?)?;
        let at = from + at;
        from = at + 1;
        Some((at, brace == '{'))
    })
}

/// The keyword or first word.
fn first_word(code: &str) -> &str {
    code.split([' ', '\t', '"']).next().unwrap_or_default()
}

/// One blank between words; quotes as they are. After `keyword` alone if what follows is a shell's.
fn spaced(words: &str, shell: bool) -> String {
    let mut out = String::with_capacity(words.len());
    let (mut quoted, mut gap) = (false, false);
    for (at, c) in words.char_indices() {
        if blank(c) && !quoted {
            gap = true;
            continue;
        }
        if gap {
            out.push(' ');
            if shell {
                out.push_str(words.get(at..).unwrap_or_default());
                return out;
            }
        }
        gap = false;
        quoted ^= c == '"';
        out.push(c);
    }
    out
}

struct Reader {
    rows: Vec<Row>,
    /// Keywords whose words are those of a shell.
    scripts: HashSet<&'static str>,
    plain: Plain,
}

impl Reader {
    /// Takes the first line of a definition.
    fn definition(&mut self, number: usize, line: &str) -> bool {
        let Parts {
            condition,
            code,
            rest,
            ..
        } = Parts::of(line);
        if defined(code).is_none() {
            return false;
        }
        self.rows
            .push(Row::new(Shape::Whole, number, condition.as_ref(), rest));
        true
    }

    /// Takes any other line.
    fn line(&mut self, number: usize, line: &str) {
        let Parts {
            condition,
            code,
            comment,
            ..
        } = Parts::of(line);
        let condition = condition.as_ref();
        if code.is_empty() {
            self.rows.push(match comment {
                Some(comment) => Row::new(Shape::Comment, number, None, comment),
                None => Row::new(Shape::Blank, number, None, ""),
            });
            return;
        }
        let last = match self.counted_if_whole(number, condition, code) {
            Some(counted) => {
                let mut row = Row::new(Shape::Whole, number, condition, code);
                row.braces = braces(counted).map(|(_, opens)| opens).collect();
                self.push(row)
            }
            None => self.split(number, condition, code),
        };
        let Some(comment) = comment else { return };
        match self.rows.get_mut(last) {
            Some(row) if row.comment.is_none() => row.comment = Some(comment.to_owned()),
            // The brace went to a line that has one already.
            _ => self.rows.push(Row::new(Shape::Comment, number, None, comment)),
        }
    }

    fn push(&mut self, row: Row) -> usize {
        self.rows.push(row);
        self.rows.len() - 1
    }

    /// For a line that is not to be taken apart: the part of it in which braces count. Those are lines that are read
    /// before braces are looked for, or of which a part would be read so if it began a line; and lines in which
    /// a definition could bring quotes, braces or further lines.
    fn counted_if_whole<'t>(
        &self,
        number: usize,
        condition: Option<&Condition>,
        code: &'t str,
    ) -> Option<&'t str> {
        if code.starts_with('~') {
            return code.split_once(')').map_or(Some(code), |(_, text)| Some(text));
        }
        let word = code.split([' ', '\t']).next().unwrap_or_default();
        let dropped = condition.is_none() && code.starts_with('@');
        if INCLUDES.contains(&word) || dropped {
            return Some("");
        }
        let special = |part: &str| {
            part.trim_start_matches(blank).starts_with(['@', '~', '$'])
                || part.trim_start_matches(blank).starts_with("include")
        };
        let parts = braces(code).filter_map(|(at, _)| code.get(at + 1..));
        let whole = special(code)
            || parts.into_iter().any(special)
            // Blanks between words that are none where a line begins.
            || code.contains(['\\', '\r', '\x0b', '\x0c'])
            || code.matches('"').count() % 2 == 1
            || first_word(code).contains('$')
            || !self.plain.all(number, code);
        whole.then_some(code)
    }

    /// Cuts a line at its braces; gives the row that the last part of it went to.
    fn split(&mut self, number: usize, condition: Option<&Condition>, code: &str) -> usize {
        let mut start = 0;
        let mut last = 0;
        let mut until = 0;
        for (at, opens) in braces(code) {
            // `${NAME}` is no block.
            if opens && code.get(..at).is_some_and(|before| before.ends_with('$')) {
                until = code
                    .get(at..)
                    .and_then(|rest| rest.find('}'))
                    .map_or(at, |more| at + more);
            }
            if at <= until && until > 0 {
                continue;
            }
            self.words(number, condition, code.get(start..at));
            last = if opens {
                self.open(number, condition)
            } else {
                self.push(Row::new(Shape::Close, number, condition, "}"))
            };
            start = at + 1;
        }
        self.words(number, condition, code.get(start..)).unwrap_or(last)
    }

    fn words(&mut self, number: usize, condition: Option<&Condition>, words: Option<&str>) -> Option<usize> {
        let words = words
            .map(|words| words.trim_matches(blank))
            .filter(|words| !words.is_empty())?;
        let text = spaced(words, self.scripts.contains(first_word(words)));
        Some(self.push(Row::new(Shape::Words, number, condition, text)))
    }

    /// A `{` goes to its keyword, past comments.
    fn open(&mut self, number: usize, condition: Option<&Condition>) -> usize {
        let between = |row: &Row| matches!(row.shape, Shape::Blank | Shape::Comment);
        let header = self.rows.iter().rposition(|row| !between(row));
        if let Some(at) = header
            && let Some(row) = self.rows.get_mut(at)
            && row.shape == Shape::Words
            && row.braces.is_empty()
            && row.condition.as_ref() == condition
        {
            row.braces.push(true);
            while self.rows.last().is_some_and(|row| row.shape == Shape::Blank) {
                self.rows.pop();
            }
            return at;
        }
        self.push(Row::new(Shape::Open, number, condition, "{"))
    }
}

/// Keywords after which braces are a pattern's.
const INCLUDES: [&str; 6] = [
    "include", "includer", "includem", "includew", "includeb", "includea",
];

/// The definitions of which it is certain that they are one line of nothing but ordinary characters.
struct Plain {
    /// The first line that gives a name such a value; `None` when another one gives it another value.
    names: HashMap<String, Option<usize>>,
    /// From here on other files may have changed all of them.
    until: usize,
}

impl Plain {
    fn of(text: &str) -> Self {
        let mut plain = Self {
            names: HashMap::new(),
            until: usize::MAX,
        };
        for (number, line) in (1..).zip(text.split('\n')) {
            let code = Parts::of(line).code;
            if code.contains("include") {
                plain.until = plain.until.min(number);
            }
            // Its variables may have any value.
            if code.contains("~LST") {
                plain.until = 0;
            }
            // A definition may stand in another one's lines.
            for (at, _) in code.match_indices('$') {
                let Some((name, value)) = code.get(at..).and_then(defined) else {
                    continue;
                };
                let ordinary = !value.contains(['"', '\\', '{', '}', '#', '!', '$']);
                let known = plain.names.entry(name.to_owned()).or_insert(Some(number));
                *known = known.filter(|_| ordinary);
            }
        }
        plain
    }

    /// Whether all that could be references in this line are to such definitions.
    fn all(&self, number: usize, code: &str) -> bool {
        code.match_indices('$').all(|(at, _)| {
            let rest = code.get(at + 1..).unwrap_or_default();
            let name = match rest.strip_prefix('{') {
                Some(inside) => inside.split('}').next().unwrap_or_default(),
                None => {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
                }
            };
            match self.names.get(name) {
                Some(Some(defined)) => *defined < number && number < self.until,
                Some(None) => false,
                // A sign among others.
                None => !rest.starts_with('{') && !is_name(name),
            }
        })
    }
}
