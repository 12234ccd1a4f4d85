//! `HTTP_GET` and `SSL_GET` with their urls.

use super::Common;
use crate::check::config::HttpProtocol;
use crate::conf::config::{HttpSettings, Regex, Spanned, Url};
use crate::conf::diag::{Class, Diagnostic, Topic};
use crate::conf::keyword::Block;
use crate::conf::lower::Cx;
use crate::conf::number;
use crate::conf::tree::Statement;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The words of `regex_options`.
const REGEX_OPTIONS: [&str; 24] = [
    "allow_empty_class",
    "alt_bsux",
    "alt_circumflex",
    "alt_verbnames",
    "auto_callout",
    "caseless",
    "dollar_endonly",
    "dotall",
    "dupnames",
    "extended",
    "firstline",
    "match_unset_backref",
    "multiline",
    "never_backslash_c",
    "never_ucp",
    "never_utf",
    "no_auto_capture",
    "no_auto_possess",
    "no_dotstar_anchor",
    "no_start_optimize",
    "ucp",
    "ungreedy",
    "use_offset_limit",
    "utf",
];

/// A checker without a url that can be used is none (fact 10.16).
pub(super) fn lower(
    cx: &mut Cx<'_>,
    common: &mut Common,
    header: &Statement,
    body: &[Statement],
) -> Option<HttpSettings> {
    let mut http = HttpSettings {
        tls: common.block == Block::SslGet,
        ..HttpSettings::default()
    };
    for statement in body {
        match statement.keyword() {
            "http_protocol" => http.http_protocol = protocol(cx, statement).or(http.http_protocol),
            "enable_sni" => http.enable_sni = cx.boolean(statement).unwrap_or(http.enable_sni),
            "tls_compliant" => http.tls_compliant = cx.boolean(statement).unwrap_or(http.tls_compliant),
            "fast_recovery" => http.fast_recovery = cx.boolean(statement).unwrap_or(http.fast_recovery),
            "url" => http.urls.extend(url(cx, statement)),
            _ => common.keyword(cx, statement),
        }
    }
    if http.urls.is_empty() {
        // What is wrong with each has been said.
        if !body.iter().any(|statement| statement.keyword() == "url") {
            let message = "HTTP/SSL_GET checker has no urls specified - ignoring";
            let found = Diagnostic::new(Class::General, Some(header.place()), message);
            cx.diagnostics
                .push(found.with_help("a block `url` with at least `path /`"));
        }
        return None;
    }
    Some(http)
}

fn protocol(cx: &mut Cx<'_>, statement: &Statement) -> Option<HttpProtocol> {
    let Some(word) = statement.arg() else {
        cx.error(statement, "Missing http_protocol version");
        return None;
    };
    match word.text.as_str() {
        "1.0" => Some(HttpProtocol::V10),
        "1.0C" | "1.0c" => Some(HttpProtocol::V10Close),
        "1.1" => Some(HttpProtocol::V11),
        other => {
            let message = format!("Invalid http_protocol version {other}");
            cx.choice_error_about(Topic::Other, statement, word, message, &["1.0", "1.0C", "1.1"]);
            None
        }
    }
}

fn url(cx: &mut Cx<'_>, header: &Statement) -> Option<Url> {
    let mut path = None;
    let mut url = Url {
        path: String::new(),
        virtualhost: None,
        status_code: Vec::new(),
        digest: None,
        regex: None,
        tls_compliant: false,
    };
    let mut regex = Matching::default();
    for statement in header.body.as_deref().unwrap_or_default() {
        match statement.keyword() {
            "path" => path = Cx::word(statement).or(path),
            "virtualhost" => {
                let host = cx.text(statement, || "Missing HTTP_GET virtualhost name".to_owned());
                url.virtualhost = host.or_else(|| url.virtualhost.take());
            }
            "status_code" => status_code(cx, "HTTP_GET", &mut url.status_code, statement),
            "digest" => digest_line(cx, &mut url.digest, statement),
            "tls_compliant" => url.tls_compliant = cx.boolean(statement).unwrap_or(url.tls_compliant),
            _ => regex.keyword(cx, statement),
        }
    }
    url.regex = regex.finish(cx);
    let Some(path) = path else {
        let message = "HTTP/SSL_GET checker url has no path - ignoring";
        let found = Diagnostic::new(Class::General, Some(header.place()), message);
        cx.diagnostics.push(found.with_help("`path /` is the least"));
        return None;
    };
    url.path = path;
    Some(url)
}

/// Adds the codes and ranges of a line.
pub(super) fn status_code(cx: &mut Cx<'_>, owner: &str, ranges: &mut Vec<(u16, u16)>, statement: &Statement) {
    status_codes(cx, owner, 100..=599, ranges, statement);
}

/// The same of another protocol, whose codes are `all`.
pub(super) fn status_codes(
    cx: &mut Cx<'_>,
    owner: &str,
    all: RangeInclusive<u16>,
    ranges: &mut Vec<(u16, u16)>,
    statement: &Statement,
) {
    for word in statement.args() {
        let Some(range) = codes(&word.text, &all) else {
            let message = format!("Invalid {owner} status code '{}'", word.text);
            let found = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
            cx.diagnostics.push(found.with_help(format!(
                "a code or a range such as 200-299, from {} to {}",
                all.start(),
                all.end()
            )));
            continue;
        };
        ranges.push(range);
    }
}

/// The first valid digest counts.
fn digest_line(cx: &mut Cx<'_>, slot: &mut Option<[u8; 16]>, statement: &Statement) {
    let Some(word) = statement.arg() else { return };
    let length = word.text.chars().count();
    match digest(&word.text) {
        Some(_) if slot.is_some() => {
            let message = format!("Digest '{}' is a duplicate", word.text);
            cx.word_error_about(Topic::DuplicateDefinition, statement, word, message);
        }
        Some(value) => *slot = Some(value),
        None if length != 32 => {
            let message = format!(
                "digest '{}' character length should be 32 rather than {length}",
                word.text
            );
            cx.word_error(statement, word, message);
        }
        None => {
            let bad = word
                .text
                .chars()
                .position(|c| !c.is_ascii_hexdigit())
                .unwrap_or(0);
            let message = format!("Unable to interpret hex digit in '{}' at offset {bad}", word.text);
            cx.word_error(statement, word, message);
        }
    }
}

/// `CODE` or `LOW-HIGH`.
fn codes(text: &str, all: &RangeInclusive<u16>) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| all.contains(code));
    let (low, high) = (code(low)?, code(high)?);
    (low <= high).then_some((low, high))
}

/// 32 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 16]> {
    let octets = super::hex(text, false).filter(|_| !text.contains(char::is_whitespace))?;
    let octets: Vec<u8> = octets.into_iter().map(|(octet, _)| octet).collect();
    (text.len() == 32).then_some(octets)?.try_into().ok()
}

/// The `regex` keywords of a url. keepalived's test of a configuration says nothing about any of them.
#[derive(Default)]
struct Matching<'s> {
    /// The line of the pattern.
    pattern: Option<&'s Statement>,
    /// The first of the others.
    other: Option<&'s Statement>,
    regex: Regex,
    min: Option<&'s Statement>,
}

impl<'s> Matching<'s> {
    fn keyword(&mut self, cx: &mut Cx<'_>, statement: &'s Statement) {
        let name = statement.keyword();
        match name {
            "regex" => {
                match statement.arg() {
                    Some(word) => word.text.clone_into(&mut self.regex.pattern),
                    None => return unheeded(cx, statement, "regex has no pattern - ignoring"),
                }
                self.pattern = Some(statement);
                return;
            }
            "regex_no_match" => self.regex.no_match = true,
            "regex_options" => self.options(cx, statement),
            "regex_min_offset" => {
                self.regex.min_offset = offset(cx, statement).unwrap_or(self.regex.min_offset);
                self.min = Some(statement);
            }
            "regex_max_offset" => self.regex.max_offset = offset(cx, statement).or(self.regex.max_offset),
            "regex_stack" => self.regex.stack = stack(cx, statement).or(self.regex.stack),
            _ => return,
        }
        self.other.get_or_insert(statement);
    }

    fn options(&mut self, cx: &mut Cx<'_>, statement: &Statement) {
        let mut options = BTreeSet::new();
        for word in statement.args() {
            match REGEX_OPTIONS.iter().find(|option| **option == word.text) {
                Some(option) => drop(options.insert(*option)),
                None => {
                    let message = format!("regex_options: unknown option {} - ignoring", word.text);
                    let found = Diagnostic::new(Class::Unheeded, Some(statement.place_of(word)), message);
                    cx.diagnostics.push(found.about(Topic::Other));
                }
            }
        }
        self.regex.options.extend(options);
    }

    fn finish(mut self, cx: &mut Cx<'_>) -> Option<Spanned<Regex>> {
        let Some((statement, word)) = self.pattern.and_then(|line| Some((line, line.arg()?))) else {
            if let Some(other) = self.other {
                let message = format!("{} without regex has no effect", other.keyword());
                cx.report(Class::Note, other.place(), message);
            }
            return None;
        };
        // Both are dropped then.
        if let Some(max) = self.regex.max_offset
            && max < self.regex.min_offset
        {
            if let Some(statement) = self.min {
                let message = format!(
                    "regex min offset {} > regex_max_offset {max} - ignoring",
                    self.regex.min_offset
                );
                unheeded(cx, statement, message);
            }
            (self.regex.min_offset, self.regex.max_offset) = (0, None);
        }
        Some(Cx::spanned(statement, word, self.regex))
    }
}

/// Where a match may begin.
fn offset(cx: &mut Cx<'_>, statement: &Statement) -> Option<u32> {
    let name = statement.keyword();
    let Some(word) = statement.arg() else {
        unheeded(cx, statement, format!("{name} has no value - ignoring"));
        return None;
    };
    match number::int(&word.text, 0, i64::from(i32::MAX), false) {
        Ok((value, _)) => u32::try_from(value).ok(),
        Err(error) => {
            let message = format!("{name}: {error} - ignoring");
            let found = Diagnostic::new(Class::Unheeded, Some(statement.place_of(word)), message);
            cx.diagnostics.push(found.about(Topic::InvalidNumber));
            None
        }
    }
}

/// START MAX
fn stack(cx: &mut Cx<'_>, statement: &Statement) -> Option<(u64, u64)> {
    let size = |at: usize| {
        let word = statement.args().get(at)?;
        let (size, _) = number::int(&word.text, 1, i64::MAX, false).ok()?;
        u64::try_from(size).ok()
    };
    let sizes = size(0).zip(size(1)).filter(|(start, most)| start <= most);
    if sizes.is_none() {
        let message = "regex_stack takes two sizes in octets, the first not above the second - ignoring";
        unheeded(cx, statement, message);
    }
    sizes
}

fn unheeded(cx: &mut Cx<'_>, statement: &Statement, message: impl Into<String>) {
    let found = Diagnostic::new(Class::Unheeded, Some(statement.place()), message);
    cx.diagnostics.push(found.about(Topic::Other));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_digests() {
        let codes = |text| codes(text, &(100..=599));
        assert_eq!(codes("200"), Some((200, 200)));
        assert_eq!(codes("200-299"), Some((200, 299)));
        for bad in ["99", "600", "299-200", "2xx", "200-", ""] {
            assert_eq!(codes(bad), None, "{bad}");
        }
        assert_eq!(
            digest("0123456789abcdef0123456789ABCDEF").map(|d| d[1]),
            Some(0x23)
        );
        assert_eq!(digest("0123"), None);
        assert_eq!(digest("zz23456789abcdef0123456789abcdef"), None);
        assert_eq!(digest("01 3456789abcdef0123456789abcdef"), None);
    }

    #[test]
    fn options_are_sorted() {
        assert!(REGEX_OPTIONS.is_sorted());
    }
}
