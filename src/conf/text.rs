//! Text that knows its place: what the stages of reading hand to each other.
//!
//! Owns [`Text`] (characters with the column each came from) and [`Line`]. Substitution moves text about; the
//! columns move with it, so a mistake in an expanded line still points at what was typed.

use super::diag::Place;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A string with the column in the file, from 1, of each of its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    text: String,
    columns: Columns,
}

/// Where the bytes of a text stood. Nearly every line is ASCII as it was typed: then one number says it all.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Columns {
    /// One after another from here.
    Run(u32),
    /// All at one column: the value of a reference.
    At(u32),
    /// Each at its own.
    Each(Vec<u32>),
}

impl Default for Columns {
    fn default() -> Self {
        Self::Run(1)
    }
}

impl Columns {
    fn get(&self, at: usize) -> Option<u32> {
        match self {
            Self::Run(first) => Some(first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))),
            Self::At(column) => Some(*column),
            Self::Each(columns) => columns.get(at).copied(),
        }
    }

    /// The column of each of `length` bytes.
    fn spell_out(&self, length: usize) -> Vec<u32> {
        match self {
            Self::Run(first) => (*first..).take(length).collect(),
            Self::At(column) => vec![*column; length],
            Self::Each(columns) => columns.clone(),
        }
    }
}

const fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

impl Text {
    /// A whole physical line without the blanks at its ends and what ends it (grammar 2.3, 2.4).
    pub(super) fn of_line(raw: &str) -> Self {
        let shown = raw.trim_start_matches(blank);
        let first = u32::try_from(raw.len() - shown.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let shown = shown.trim_end_matches([' ', '\t', '\r']);
        let columns = if shown.is_ascii() {
            Columns::Run(first)
        } else {
            let columns = (first..).zip(shown.chars());
            Columns::Each(
                columns
                    .flat_map(|(column, c)| std::iter::repeat_n(column, c.len_utf8()))
                    .collect(),
            )
        };
        Self {
            text: shown.to_owned(),
            columns,
        }
    }

    /// Text all of which was typed at `column`: the value of a reference.
    pub(super) fn at(column: u32, text: &str) -> Self {
        Self {
            text: text.to_owned(),
            columns: Columns::At(column),
        }
    }

    /// Appends another text.
    pub(super) fn append(&mut self, other: &Self) {
        let mut columns = match std::mem::take(&mut self.columns) {
            Columns::Each(columns) => columns,
            few => few.spell_out(self.text.len()),
        };
        match &other.columns {
            Columns::Each(more) => columns.extend_from_slice(more),
            few => columns.extend(few.spell_out(other.text.len())),
        }
        self.columns = Columns::Each(columns);
        self.text.push_str(&other.text);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// The part in `range`; empty when the range does not fall on characters.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let Some(text) = self.text.get(range.clone()) else {
            return Self::default();
        };
        let columns = match &self.columns {
            Columns::Each(columns) => Columns::Each(columns.get(range).unwrap_or_default().to_vec()),
            Columns::Run(_) => Columns::Run(self.column(range.start)),
            Columns::At(column) => Columns::At(*column),
        };
        Self {
            text: text.to_owned(),
            columns,
        }
    }

    /// Without blanks at either end (grammar 2.4).
    pub(super) fn trimmed(self) -> Self {
        if !self.text.starts_with(blank) && !self.text.ends_with(blank) {
            return self;
        }
        let start = self.text.len() - self.text.trim_start_matches(blank).len();
        let end = self.text.trim_end_matches(blank).len().max(start);
        self.slice(start..end)
    }

    /// What stands before the byte at `end`, without blanks at its ends.
    pub(super) fn until(mut self, end: usize) -> Self {
        if self.text.is_char_boundary(end) {
            self.text.truncate(end);
            if let Columns::Each(columns) = &mut self.columns {
                columns.truncate(end);
            }
        }
        self.trimmed()
    }

    /// Without the bytes at `places`, which are ASCII characters in order.
    pub(super) fn without(self, places: &[usize]) -> Self {
        if places.is_empty() {
            return self;
        }
        let mut out = Self {
            text: String::new(),
            columns: Columns::Each(Vec::new()),
        };
        let mut start = 0;
        for place in places.iter().copied().chain([self.text.len()]) {
            out.append(&self.slice(start..place));
            start = place.saturating_add(1);
        }
        out
    }

    /// The column of the byte at `at`; past the end, the one after the last.
    pub(super) fn column(&self, at: usize) -> u32 {
        let length = self.text.len();
        let column = if at < length { self.columns.get(at) } else { None };
        column.unwrap_or_else(|| {
            let last = length.checked_sub(1).and_then(|last| self.columns.get(last));
            match (last, &self.columns) {
                (Some(last), _) => last.saturating_add(1),
                (None, Columns::Run(first)) => *first,
                (None, Columns::At(_) | Columns::Each(_)) => 1,
            }
        })
    }

    /// Length in columns of what was typed for the bytes of `range`; at least 1.
    pub(super) fn width(&self, range: &Range<usize>) -> u32 {
        let last = self.column(range.end.saturating_sub(1).max(range.start));
        last.saturating_sub(self.column(range.start)).saturating_add(1)
    }

    /// Whether something of it is no UTF-8 in the file.
    pub(super) fn is_damaged(&self) -> bool {
        matches!(self.columns, Columns::Each(_)) && self.text.contains(char::REPLACEMENT_CHARACTER)
    }
}

/// A logical line: what is left of a physical one when comments, conditions and definitions are gone.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its file.
    pub(super) file: Arc<PathBuf>,
    /// Its number, from 1.
    pub(super) number: u32,
    /// Its text.
    pub(super) text: Text,
}

impl Line {
    /// The place of the bytes of `range`.
    pub(super) fn place(&self, range: &Range<usize>) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line: self.number,
            column: self.text.column(range.start),
            length: self.text.width(range),
        }
    }

    /// The place of the whole line.
    pub(super) fn whole(&self) -> Place {
        self.place(&(0..self.text.as_str().len()))
    }

    /// A line at the same place with other text.
    pub(super) fn with(&self, text: Text) -> Self {
        Self {
            file: Arc::clone(&self.file),
            number: self.number,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_survive_slicing() {
        let text = Text::of_line("\té x \t");
        assert_eq!(text.as_str(), "é x");
        assert_eq!(text.column(0), 2);
        assert_eq!(text.column(3), 4);
        assert_eq!(text.width(&(0..4)), 3);
        assert_eq!(text.column(99), 5);
        assert_eq!(text.slice(1..2), Text::default());
        let plain = Text::of_line("  a bc");
        assert_eq!((plain.column(0), plain.column(3), plain.column(9)), (3, 6, 7));
        let cut = plain.slice(1..4).trimmed();
        assert_eq!((cut.as_str(), cut.column(0), cut.column(1)), ("bc", 5, 6));
        let mut joined = Text::of_line("x ");
        joined.append(&Text::at(7, "yz"));
        joined.append(&cut);
        assert_eq!(joined.as_str(), "xyzbc");
        let columns: Vec<u32> = (0..6).map(|at| joined.column(at)).collect();
        assert_eq!(columns, [1, 7, 7, 5, 6, 7]);
        let without = joined.without(&[0, 2]);
        assert_eq!(
            (without.as_str(), without.column(0), without.column(1)),
            ("ybc", 7, 5)
        );
        assert_eq!(Text::of_line("ab # c").until(3).as_str(), "ab");
        assert_eq!(Text::of_line("").column(0), 1);
    }
}
