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

/// The last word to a service that is well.
pub(super) fn quit() -> Step {
    Step::Done(command(&["QUIT"]))
}

/// The beginning of a line with a code of three digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// No other line of this answer follows.
    pub(super) last: bool,
}

/// Nothing for a line that has no code.
pub(super) fn reply(line: &[u8]) -> Option<Reply> {
    let (digits, rest) = line.split_first_chunk::<3>()?;
    let last = match rest.first() {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let digit = |octet: &u8| octet.is_ascii_digit().then(|| u16::from(octet - b'0'));
    let code = digits
        .iter()
        .try_fold(0, |code, octet| Some(code * 10 + digit(octet)?))?;
    Some(Reply { code, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_three_digits() {
        for (line, wanted) in [
            ("220 ready", Some((220, true))),
            ("220", Some((220, true))),
            ("220-more", Some((220, false))),
            ("2200", None),
            ("22", None),
            ("2x0 ready", None),
            ("", None),
        ] {
            let wanted = wanted.map(|(code, last)| Reply { code, last });
            assert_eq!(reply(line.as_bytes()), wanted, "{line}");
        }
    }

    #[test]
    fn a_word_is_no_other_line() {
        assert_eq!(command(&["USER", "a\r\nDELE 1\0"]), b"USER aDELE 1\r\n");
    }
}
