//! `filter` of an `LDAP_CHECK` (RFC 4515): read once, so that a wrong one is told where it stands.

/// A filter that was understood, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapFilter {
    /// As it was written.
    pub text: String,
    /// What it says.
    pub test: LdapTest,
}

/// What an entry is tested for. Values are octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LdapTest {
    /// `(&(…)(…))`
    And(Vec<Self>),
    /// `(|(…)(…))`
    Or(Vec<Self>),
    /// `(!(…))`
    Not(Box<Self>),
    /// `(attribute=*)`
    Present(String),
    /// `(attribute=value)` and its like.
    Compare(LdapComparison, String, Vec<u8>),
    /// `(attribute=first*any*last)`: the parts, of which the first and the last may be empty.
    Substrings(String, Vec<Vec<u8>>),
    /// `(attribute:dn:rule:=value)`
    Extensible {
        /// Empty: any.
        attribute: String,
        /// Whether the parts of the entry's name count too.
        dn: bool,
        /// The matching rule.
        rule: Option<String>,
        /// What it is compared with.
        value: Vec<u8>,
    },
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LdapComparison {
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `~=`
    About,
}

/// The deepest nesting; a sensible filter is far from it.
const DEEPEST: usize = 16;
/// The longest text.
const LONGEST: usize = 4096;

impl LdapFilter {
    /// Reads a filter; why it is none otherwise. The outermost parentheses may be missing.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("longer than {LONGEST} octets"));
        }
        let whole = if text.starts_with('(') {
            text.to_owned()
        } else {
            format!("({text})")
        };
        let (test, rest) = filter(&whole, DEEPEST)?;
        if !rest.is_empty() {
            return Err(format!("'{rest}' is behind its end"));
        }
        Ok(Self {
            text: text.to_owned(),
            test,
        })
    }

    /// `(objectClass=*)`: any entry.
    pub fn any() -> LdapTest {
        LdapTest::Present("objectClass".to_owned())
    }
}

/// A filter in parentheses, and what is behind it.
fn filter(text: &str, depth: usize) -> Result<(LdapTest, &str), String> {
    if depth == 0 {
        return Err(format!("nested deeper than {DEEPEST} times"));
    }
    let Some(inner) = text.strip_prefix('(') else {
        return Err(format!("'(' is missing before '{text}'"));
    };
    let (test, rest) = if let Some(inner) = inner.strip_prefix('&') {
        let (all, rest) = list(inner, depth)?;
        (LdapTest::And(all), rest)
    } else if let Some(inner) = inner.strip_prefix('|') {
        let (any, rest) = list(inner, depth)?;
        (LdapTest::Or(any), rest)
    } else if let Some(inner) = inner.strip_prefix('!') {
        let (not, rest) = filter(inner, depth - 1)?;
        (LdapTest::Not(Box::new(not)), rest)
    } else {
        let end = inner.find(['(', ')']).unwrap_or(inner.len());
        let (item, rest) = inner.split_at(end);
        (self::item(item)?, rest)
    };
    match rest.strip_prefix(')') {
        Some(rest) => Ok((test, rest)),
        None => Err("')' is missing".to_owned()),
    }
}

fn list(mut text: &str, depth: usize) -> Result<(Vec<LdapTest>, &str), String> {
    let mut out = Vec::new();
    while text.starts_with('(') {
        let (test, rest) = filter(text, depth - 1)?;
        out.push(test);
        text = rest;
    }
    if out.is_empty() {
        return Err("'&' and '|' want filters behind them".to_owned());
    }
    Ok((out, text))
}

fn item(text: &str) -> Result<LdapTest, String> {
    let Some((left, value)) = text.split_once('=') else {
        return Err(format!("'=' is missing in '{text}'"));
    };
    if let Some(left) = left.strip_suffix(':') {
        return extensible(left, value);
    }
    for (sign, comparison) in [
        ('>', LdapComparison::AtLeast),
        ('<', LdapComparison::AtMost),
        ('~', LdapComparison::About),
    ] {
        if let Some(left) = left.strip_suffix(sign) {
            return Ok(LdapTest::Compare(comparison, attribute(left)?, octets(value)?));
        }
    }
    let attribute = attribute(left)?;
    if value == "*" {
        return Ok(LdapTest::Present(attribute));
    }
    let parts = value.split('*').map(octets).collect::<Result<Vec<_>, _>>()?;
    match <[Vec<u8>; 1]>::try_from(parts) {
        Ok([value]) => Ok(LdapTest::Compare(LdapComparison::Equal, attribute, value)),
        Err(parts) => {
            let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
            if inner.iter().any(Vec::is_empty) {
                return Err(format!("nothing is between the '*' of '{value}'"));
            }
            Ok(LdapTest::Substrings(attribute, parts))
        }
    }
}

fn extensible(left: &str, value: &str) -> Result<LdapTest, String> {
    let mut words = left.split(':');
    let name = words.next().unwrap_or_default();
    let mut dn = false;
    let mut rule = None;
    for word in words {
        if word.eq_ignore_ascii_case("dn") && !dn && rule.is_none() {
            dn = true;
        } else if rule.is_none() {
            rule = Some(attribute(word)?);
        } else {
            return Err(format!("'{word}' is too much in '{left}:='"));
        }
    }
    if name.is_empty() && rule.is_none() {
        return Err("':=' wants an attribute or a rule before it".to_owned());
    }
    Ok(LdapTest::Extensible {
        attribute: if name.is_empty() {
            String::new()
        } else {
            attribute(name)?
        },
        dn,
        rule,
        value: octets(value)?,
    })
}

/// The name of an attribute, with its options, or of a rule.
fn attribute(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';' | '_');
    if text.is_empty() || !text.chars().all(good) {
        return Err(format!("'{text}' is no name of an attribute"));
    }
    Ok(text.to_owned())
}

/// A value: `\` and two hexadecimal digits stand for an octet.
fn octets(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        match octet {
            b'\\' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let octet = digit()
                    .zip(digit())
                    .and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
                out.push(octet.ok_or_else(|| format!("'\\' wants two hexadecimal digits in '{text}'"))?);
            }
            b'*' => return Err(format!("'*' in '{text}' is \\2a")),
            octet => out.push(octet),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn equal(attribute: &str, value: &str) -> LdapTest {
        LdapTest::Compare(LdapComparison::Equal, attribute.into(), value.into())
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let read = |text: &str| LdapFilter::read(text).unwrap().test;
        assert_eq!(read("(cn=Babs Jensen)"), equal("cn", "Babs Jensen"));
        assert_eq!(read("cn=Babs"), equal("cn", "Babs"));
        assert_eq!(
            read("(!(cn=Tim Howes))"),
            LdapTest::Not(Box::new(equal("cn", "Tim Howes")))
        );
        assert_eq!(
            read("(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))"),
            LdapTest::And(vec![
                equal("objectClass", "Person"),
                LdapTest::Or(vec![
                    equal("sn", "Jensen"),
                    LdapTest::Substrings("cn".into(), vec![b"Babs J".to_vec(), Vec::new()])
                ])
            ])
        );
        assert_eq!(
            read("(o=univ*of*mich*)"),
            LdapTest::Substrings("o".into(), ["univ", "of", "mich", ""].map(Into::into).to_vec())
        );
        assert_eq!(read("(seeAlso=)"), equal("seeAlso", ""));
        assert_eq!(read("(seeAlso=*)"), LdapTest::Present("seeAlso".into()));
        assert_eq!(
            read("(age>=3)"),
            LdapTest::Compare(LdapComparison::AtLeast, "age".into(), b"3".to_vec())
        );
        assert_eq!(
            read("(cn:1.2.3:=Wilma)"),
            LdapTest::Extensible {
                attribute: "cn".into(),
                dn: false,
                rule: Some("1.2.3".into()),
                value: b"Wilma".to_vec()
            }
        );
        assert_eq!(
            read("(:DN:2.4.6:=Dino)"),
            LdapTest::Extensible {
                attribute: String::new(),
                dn: true,
                rule: Some("2.4.6".into()),
                value: b"Dino".to_vec()
            }
        );
        assert_eq!(
            read(r"(bin=\00\fF\2a)"),
            LdapTest::Compare(LdapComparison::Equal, "bin".into(), vec![0, 0xff, b'*'])
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, words) in [
            ("", "'=' is missing"),
            ("(cn=a", "')' is missing"),
            ("(cn=a)x", "'x' is behind its end"),
            ("(&)", "want filters"),
            ("(!cn=a)", "'(' is missing"),
            ("(cn=a(b)", "')' is missing"),
            ("(c n=a)", "'c n' is no name"),
            (r"(cn=\0)", "two hexadecimal digits"),
            ("(cn>=a*)", "is \\2a"),
            ("(cn=a**b)", "nothing is between"),
            ("(:=a)", "wants an attribute or a rule"),
            ("(a:b:c:=a)", "'c' is too much"),
        ] {
            let found = LdapFilter::read(text).unwrap_err();
            assert!(found.contains(words), "{text}: {found}");
        }
        let deep = format!("{}(a=b){}", "(!".repeat(20), ")".repeat(20));
        assert!(LdapFilter::read(&deep).unwrap_err().contains("deeper"));
        let long = format!("(a={})", "x".repeat(5000));
        assert!(LdapFilter::read(&long).unwrap_err().contains("longer"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[()&|!=*:\\\\a-c0~<>é]{0,40}") {
            let _ = LdapFilter::read(&text);
        }
    }
}
