//! `~SEQ(…)` and `~LST(…)`: the values that a repeated line takes (grammar 9). Pure.

use nom::branch::alt;
use nom::bytes::complete::take_till;
use nom::character::complete::{char, multispace0};
use nom::combinator::{all_consuming, map, not};
use nom::error::Error;
use nom::multi::separated_list1;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

/// More repetitions than this in one specification are refused.
pub(super) const MAX_STEPS: usize = 65_536;

/// One repetition: the variables it sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) settings: Vec<(String, String)>,
}

/// What is wrong with a specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SequenceError {
    /// Malformed.
    #[error("Invalid {0} specification '{1}'")]
    Specification(&'static str, String),
    /// Step zero or of the wrong sign, a number that is none, or too many values.
    #[error("Invalid ~SEQ values '{0}'")]
    Values(String),
    /// More values than variables.
    #[error("~LST specification has too many values '{0}'")]
    TooMany(String),
}

/// The repetitions of `spec`: `~SEQ(VAR, …)`, `~SEQx(VAR, …)` or `~LST(…)`, up to the closing parenthesis.
pub(super) fn steps(spec: &str) -> Result<Vec<Step>, SequenceError> {
    if let Some(rest) = spec.strip_prefix("~LST") {
        let inner = inside(rest).ok_or_else(|| SequenceError::Specification("~LST", spec.to_owned()))?;
        return list(inner, spec);
    }
    let malformed = || SequenceError::Specification("~SEQ", spec.to_owned());
    let rest = spec.strip_prefix("~SEQ").ok_or_else(malformed)?;
    let (hex, rest) = rest.strip_prefix('x').map_or((false, rest), |rest| (true, rest));
    let inner = inside(rest).ok_or_else(malformed)?;
    let mut words = inner.split(',').map(str::trim);
    let name = words
        .next()
        .filter(|name| super::expand::is_name(name))
        .ok_or_else(malformed)?;
    let wrong = || SequenceError::Values(spec.to_owned());
    let numbers: Vec<i64> = words.map(number).collect::<Option<_>>().ok_or_else(wrong)?;
    let (start, step, end) = match *numbers.as_slice() {
        [end] if end < 0 => (-1, -1, end),
        [end] => (1, if end < 1 { -1 } else { 1 }, end),
        [start, end] => (start, if end < start { -1 } else { 1 }, end),
        [start, step, end] => (start, step, end),
        _ => return Err(malformed()),
    };
    let negative = hex && (start < 0 || end < 0);
    if step == 0 || (step > 0 && end < start) || (step < 0 && end > start) || negative {
        return Err(wrong());
    }
    let mut out = Vec::new();
    let mut value = start;
    while (step > 0 && value <= end) || (step < 0 && value >= end) {
        if out.len() >= MAX_STEPS {
            return Err(wrong());
        }
        let text = if hex {
            format!("{value:x}")
        } else {
            value.to_string()
        };
        out.push(Step {
            settings: vec![(name.to_owned(), text)],
        });
        value = value.checked_add(step).ok_or_else(wrong)?;
    }
    Ok(out)
}

fn inside(text: &str) -> Option<&str> {
    text.trim().strip_prefix('(')?.strip_suffix(')')
}

/// Decimal, `0x` hexadecimal or leading-0 octal, with a sign.
fn number(word: &str) -> Option<i64> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word.strip_prefix('+').unwrap_or(word)),
    };
    let value = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    value
        .ok()
        .filter(|value| *value >= 0 && *value <= i64::from(u32::MAX))
        .map(|value| sign * value)
}

fn list(inner: &str, spec: &str) -> Result<Vec<Step>, SequenceError> {
    let malformed = || SequenceError::Specification("~LST", spec.to_owned());
    let mut items = split(inner).ok_or_else(malformed)?.into_iter();
    let names = items
        .next()
        .filter(|names| !names.is_empty())
        .ok_or_else(malformed)?;
    if !names.iter().all(|name| super::expand::is_name(name)) {
        return Err(malformed());
    }
    items
        .map(|values| {
            if values.len() > names.len() {
                return Err(SequenceError::TooMany(spec.to_owned()));
            }
            let values = values.into_iter().chain(std::iter::repeat(String::new()));
            Ok(Step {
                settings: names.iter().cloned().zip(values).collect(),
            })
        })
        .collect()
}

/// Splits at commas outside braces; a braced item is a list itself.
fn split(text: &str) -> Option<Vec<Vec<String>>> {
    fn value<'t>(end: &[char]) -> impl Parser<&'t str, Output = String, Error = Error<&'t str>> {
        map(take_till(move |c| end.contains(&c)), |value: &str| {
            value.trim().to_owned()
        })
    }
    let braced = delimited(
        char('{'),
        separated_list1(char(','), value(&[',', '}'])),
        char('}'),
    );
    let bare = map(preceded(not(char('{')), value(&[','])), |value| vec![value]);
    let item = delimited(multispace0, alt((braced, bare)), multispace0);
    let read: IResult<&str, _> = all_consuming(separated_list1(char(','), item)).parse(text);
    read.ok().map(|(_, items)| items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        assert!(matches!(steps("~SEQ(A)"), Err(SequenceError::Specification(..))));
        assert!(matches!(
            steps("~SEQ(1, 2)"),
            Err(SequenceError::Specification(..))
        ));
        assert!(matches!(steps("~SEQ(A, 5, 1, 2)"), Err(SequenceError::Values(_))));
        assert!(matches!(steps("~SEQx(A, -5)"), Err(SequenceError::Values(_))));
        assert!(matches!(
            steps("~SEQ(A, 4000000000)"),
            Err(SequenceError::Values(_))
        ));
        assert!(matches!(
            steps("~LST({A}, {1,2})"),
            Err(SequenceError::TooMany(_))
        ));
    }

    #[test]
    fn lists_of_values() {
        let split =
            |text| split(text).map(|items| items.into_iter().map(|item| item.join("+")).collect::<Vec<_>>());
        for (text, wanted) in [
            ("A, b c ,", Some(vec!["A", "b c", ""])),
            ("{A, B}, {1,2} ,3", Some(vec!["A+B", "1+2", "3"])),
            ("{ }", Some(vec![""])),
            ("{A, B", None),
            ("{A} B, 1", None),
        ] {
            let wanted = wanted.map(|items| items.into_iter().map(str::to_owned).collect());
            assert_eq!(split(text), wanted, "{text}");
        }
    }

    #[test]
    fn octal_and_hexadecimal_numbers() {
        let values: Vec<String> = steps("~SEQ(A, 010, 0xa)")
            .unwrap()
            .into_iter()
            .flat_map(|step| step.settings)
            .map(|(_, value)| value)
            .collect();
        assert_eq!(values, ["8", "9", "10"]);
    }
}
