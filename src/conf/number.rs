//! Numbers and booleans as keepalived reads them (grammar 6). Pure.

/// A word that is no number, or one out of range: keepalived's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NumberError {
    /// Not a number.
    #[error("invalid number '{0}'")]
    Invalid(String),
    /// A sign where none may be.
    #[error("negative number '{0}'")]
    Negative(String),
    /// Out of range.
    #[error("number '{0}' outside range [{1}, {2}]")]
    Range(String, String, String),
    /// Beyond 32 bits; which kind of number.
    #[error("number '{0}' outside {1} range")]
    Integer(String, &'static str),
    /// More digits than are kept; it is rounded.
    #[error("number '{0}' has too many decimal places")]
    Places(String),
}

/// A value, and what is to be said about it although it is used.
pub(super) type Read<T> = Result<(T, Option<NumberError>), NumberError>;

/// A whole number from `least` to `most`. With `lenient` what follows the digits is forgiven with a warning.
pub(super) fn int(word: &str, least: i64, most: i64, lenient: bool) -> Read<i64> {
    let invalid = || NumberError::Invalid(word.to_owned());
    let trimmed = word.trim_ascii_start();
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    if negative && least >= 0 {
        return Err(NumberError::Negative(word.to_owned()));
    }
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end).ok_or_else(invalid)?;
    if digits.is_empty() {
        return Err(invalid());
    }
    let value = digits.parse::<i64>().unwrap_or(i64::MAX);
    let value = if negative { -value } else { value };
    if !rest.is_empty() && !lenient {
        return Err(invalid());
    }
    if least >= 0 && most <= i64::from(u32::MAX) && value > i64::from(u32::MAX) {
        return Err(NumberError::Integer(word.to_owned(), "unsigned integer"));
    }
    if i32::try_from(least).is_ok_and(|least| least < 0) && i32::try_from(value).is_err() {
        return Err(NumberError::Integer(word.to_owned(), "integer"));
    }
    if value < least || value > most {
        return Err(NumberError::Range(
            word.to_owned(),
            least.to_string(),
            most.to_string(),
        ));
    }
    Ok((value, (!rest.is_empty()).then(invalid)))
}

/// A decimal in units of 10^-`digits`, from `least` to `most` in those units (grammar 6.3). Digits beyond are
/// rounded half up and reported.
pub(super) fn decimal(word: &str, digits: usize, least: i64, most: i64) -> Read<i64> {
    let invalid = || NumberError::Invalid(word.to_owned());
    let trimmed = word.trim_ascii_start();
    if trimmed.starts_with('-') {
        return Err(NumberError::Negative(word.to_owned()));
    }
    let number = trimmed.strip_prefix('+').unwrap_or(trimmed);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(invalid());
    }
    let used = fraction.get(..digits).unwrap_or(fraction);
    let text = format!("{whole}{used:0<digits$}");
    let mut value = text.parse::<i64>().unwrap_or(i64::MAX);
    let beyond = fraction.as_bytes().get(digits);
    if beyond.is_some_and(|digit| *digit >= b'5') {
        value = value.saturating_add(1);
    }
    if value < least || value > most {
        let scaled = |n: i64| {
            let base = 10_i64.pow(u32::try_from(digits).unwrap_or(0));
            format!("{}.{:0digits$}", n / base, n % base)
        };
        return Err(NumberError::Range(word.to_owned(), scaled(least), scaled(most)));
    }
    Ok((value, beyond.map(|_| NumberError::Places(word.to_owned()))))
}

/// Exactly keepalived's six words (grammar 6.4).
pub(super) fn boolean(word: &str) -> Option<bool> {
    match word {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(int("+5", 0, 9, false), Ok((5, None)));
        assert_eq!(int("-5", -9, 9, false), Ok((-5, None)));
        assert!(matches!(int("5x", 0, 9, false), Err(NumberError::Invalid(_))));
        assert!(matches!(int("5x", 0, 9, true), Ok((5, Some(_)))));
        assert!(matches!(int("-1", 0, 9, true), Err(NumberError::Negative(_))));
        assert!(matches!(int("10", 0, 9, true), Err(NumberError::Range(..))));
        let said = |word, least, most| int(word, least, most, true).unwrap_err().to_string();
        for word in ["99999999999999999999", "4294967296"] {
            assert_eq!(
                said(word, 0, 9),
                format!("number '{word}' outside unsigned integer range")
            );
        }
        assert_eq!(
            said("4294967295", 0, 9),
            "number '4294967295' outside range [0, 9]"
        );
        assert_eq!(
            said("-2147483649", -9, 9),
            "number '-2147483649' outside integer range"
        );
        assert_eq!(said("10", -9, 9), "number '10' outside range [-9, 9]");
        assert!(matches!(int("", 0, 9, true), Err(NumberError::Invalid(_))));
    }

    #[test]
    fn decimals_are_scaled_exactly() {
        let micros = |word| decimal(word, 6, 0, 10_000_000);
        assert_eq!(micros("1"), Ok((1_000_000, None)));
        assert_eq!(micros(".5"), Ok((500_000, None)));
        assert_eq!(micros("5."), Ok((5_000_000, None)));
        assert_eq!(micros("0.000001"), Ok((1, None)));
        assert!(matches!(micros("0.0000015"), Ok((2, Some(_)))));
        assert!(micros("1e3").is_err());
        assert!(micros("-1").is_err());
        assert_eq!(
            micros("11").map_err(|e| e.to_string()),
            Err("number '11' outside range [0.000000, 10.000000]".into())
        );
    }
}
