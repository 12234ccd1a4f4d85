//! What protocols of lines have in common: line after line, commands, and answers with a code.

use super::{Step, take_line};

/// Gives `line` what has come, a line at a time, until one of them leads to something.
pub(super) fn each(input: &mut Vec<u8>, mut line: impl FnMut(&[u8]) -> Step) -> Step {
    loop {
        match take_line(input) {
            Ok(Some(text)) => match line(&text) {
                Step::More => {}
                step => return step,
            },
            Ok(None) => return Step::More,
            Err(step) => return step,
        }
    }
}

/// A line that is sent. No word of it can begin another one.
pub(super) fn command(words: &[&str]) -> Vec<u8> {
    let mut out = words.join(" ");
    out.retain(|c| !c.is_control());
    out.push_str("\r\n");
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_no_other_line() {
        assert_eq!(command(&["USER", "a\r\nDELE 1\0"]), b"USER aDELE 1\r\n");
    }
}
