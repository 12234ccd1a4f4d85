//! Text that is put together of words.

use super::Lockable;
use std::fmt::{Display, Write};

/// A text of words, each with a blank before it but the first.
#[derive(Default)]
pub struct Words(pub String);

impl Words {
    /// Adds `word`.
    pub fn push(&mut self, word: impl Display) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{word}");
    }

    /// Adds `word` if `on`.
    pub fn flag(&mut self, word: &str, on: bool) {
        if on {
            self.push(word);
        }
    }

    /// Adds `word` and the value, if there is one.
    pub fn some<T: Display>(&mut self, word: &str, value: Option<T>) {
        if let Some(value) = value {
            self.push(format_args!("{word} {value}"));
        }
    }

    /// Adds `word`, `lock` where it is locked, and the value with its unit, if there is one.
    pub fn lockable<T: Display>(&mut self, word: &str, value: Option<&Lockable<T>>, unit: &str) {
        if let Some(Lockable { value, locked }) = value {
            let lock = if *locked { "lock " } else { "" };
            self.push(format_args!("{word} {lock}{value}{unit}"));
        }
    }
}
