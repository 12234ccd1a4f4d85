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
    columns: Vec<u32>,
}

impl Text {
    /// A whole physical line.
    pub(super) fn of_line(raw: &str) -> Self {
        let mut text = Self::default();
        for (column, c) in (1..).zip(raw.chars()) {
            text.push(c, column);
        }
        text
    }

    /// Appends a character that stands at `column`.
    pub(super) fn push(&mut self, c: char, column: u32) {
        self.text.push(c);
        self.columns.resize(self.text.len(), column);
    }

    /// Appends text all of which was typed at `column` (a reference that was replaced).
    pub(super) fn push_str(&mut self, text: &str, column: u32) {
        self.text.push_str(text);
        self.columns.resize(self.text.len(), column);
    }

    /// Appends another text.
    pub(super) fn append(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.columns.extend_from_slice(&other.columns);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The part in `range`; empty when the range does not fall on characters.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        match (self.text.get(range.clone()), self.columns.get(range)) {
            (Some(text), Some(columns)) => Self {
                text: text.to_owned(),
                columns: columns.to_owned(),
            },
            _ => Self::default(),
        }
    }

    /// Without blanks at either end.
    pub(super) fn trimmed(&self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        self.slice(start..self.text.trim_end().len().max(start))
    }

    /// The column of the byte at `at`; past the end, the one after the last.
    pub(super) fn column(&self, at: usize) -> u32 {
        self.columns
            .get(at)
            .copied()
            .unwrap_or_else(|| self.columns.last().map_or(1, |last| last.saturating_add(1)))
    }

    /// Length in columns of what was typed for the bytes of `range`; at least 1.
    pub(super) fn width(&self, range: &Range<usize>) -> u32 {
        let last = self.column(range.end.saturating_sub(1).max(range.start));
        last.saturating_sub(self.column(range.start)).saturating_add(1)
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
        let text = Text::of_line("\té x").trimmed();
        assert_eq!(text.as_str(), "é x");
        assert_eq!(text.column(0), 2);
        assert_eq!(text.column(3), 4);
        assert_eq!(text.width(&(0..4)), 3);
        assert_eq!(text.column(99), 5);
        assert_eq!(text.slice(1..2), Text::default());
    }
}
