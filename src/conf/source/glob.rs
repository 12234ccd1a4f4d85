//! File name patterns of `include` and `-f`: `*`, `?`, `[…]` and brace alternatives (grammar 10.2).
//!
//! Owns brace expansion and matching, as pure functions on names, and the walk over directories.

use std::path::{Path, PathBuf};

/// Alternatives of one pattern.
pub(super) const MAX_ALTERNATIVES: usize = 1024;

/// Whether `pattern` has wildcards.
pub(super) fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// The alternatives of `pattern`, braces resolved from left to right: `a{b,c}` is `ab` and `ac`. `None` when they are
/// too many.
pub(super) fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(next) = open.pop() {
        match split_braces(&next) {
            None => done.push(next),
            // The stack turns the order round once more, so the first alternative comes out first.
            Some(parts) => open.extend(parts.into_iter().rev()),
        }
        if done.len() + open.len() > MAX_ALTERNATIVES {
            return None;
        }
    }
    Some(done)
}

/// Resolves the first brace group of `pattern`; `None` when it has none.
fn split_braces(pattern: &str) -> Option<Vec<String>> {
    let open = pattern.find('{')?;
    let (head, rest) = (pattern.get(..open)?, pattern.get(open + 1..)?);
    let mut depth = 0usize;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                parts.push(rest.get(start..at)?);
                start = at + 1;
            }
            '}' => {
                parts.push(rest.get(start..at)?);
                let tail = rest.get(at + 1..)?;
                return Some(parts.iter().map(|part| format!("{head}{part}{tail}")).collect());
            }
            _ => {}
        }
    }
    None
}

/// Files that match `pattern` (no braces), seen from `dir`, sorted. Every name that is looked at takes one from `lookups`;
/// `None` when they are used up.
pub(super) fn glob(dir: &Path, pattern: &str, lookups: &mut usize) -> Option<Vec<PathBuf>> {
    let mut found = vec![if pattern.starts_with('/') {
        PathBuf::from("/")
    } else {
        dir.to_path_buf()
    }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for base in found {
            *lookups = lookups.checked_sub(1)?;
            if has_wildcard(part) {
                list(&base, part, lookups, &mut next)?;
            } else if let path = base.join(part)
                && path.symlink_metadata().is_ok()
            {
                next.push(path);
            }
        }
        found = next;
    }
    found.sort();
    Some(found)
}

/// Whether `pattern` has wildcards, and the directory in which they begin can be looked into.
pub(super) fn has_directory(dir: &Path, pattern: &str) -> bool {
    let Some(wildcard) = pattern.find(['*', '?', '[']) else {
        return false;
    };
    let before = pattern.get(..wildcard).unwrap_or_default();
    match before.rsplit_once('/') {
        None => true,
        Some(("", _)) => true,
        Some((directory, _)) => dir.join(directory).is_dir(),
    }
}

/// Adds the entries of `dir` that match.
fn list(dir: &Path, pattern: &str, lookups: &mut usize, found: &mut Vec<PathBuf>) -> Option<()> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Some(());
    };
    for entry in entries.filter_map(Result::ok) {
        *lookups = lookups.checked_sub(1)?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| matches(pattern, name)) {
            found.push(entry.path());
        }
    }
    Some(())
}

/// Whether `name` matches `pattern`; a leading period must be matched by one.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when a `*` must take one character more.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), name.get(n)) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((p, n));
                p += 1;
                continue;
            }
            (Some('?'), Some(_)) => Some(1),
            (Some('['), Some(c)) => class(pattern.get(p..).unwrap_or_default(), *c),
            (Some('\\'), Some(c)) if pattern.get(p + 1) == Some(c) => Some(2),
            (Some(want), Some(have)) => (want == have).then_some(1),
            (Some(_), None) | (None, Some(_)) => None,
        };
        match (step, retry) {
            (Some(width), _) => {
                p += width;
                n += 1;
            }
            (None, Some((star, from))) if from < name.len() => {
                retry = Some((star, from + 1));
                p = star + 1;
                n = from + 1;
            }
            (None, _) => return false,
        }
    }
}

/// Whether `c` is in the class that `pattern` begins with; if so, the width of the class.
fn class(pattern: &[char], c: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = if negated { 2 } else { 1 };
    let mut at = first;
    let mut inside = false;
    loop {
        match pattern.get(at..)? {
            [']', ..] if at > first => break,
            [low, '-', high, ..] if *high != ']' => {
                inside |= (*low..=*high).contains(&c);
                at += 3;
            }
            [one, ..] => {
                inside |= *one == c;
                at += 1;
            }
            [] => return (c == '[').then_some(1),
        }
    }
    (inside != negated).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, name, wanted) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", false),
            ("*.conf", "a.cfg", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYb", false),
            ("[", "[", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn braces() {
        let all = |pattern| alternatives(pattern).unwrap();
        assert_eq!(all("a{b,c{d,e}}f"), ["abf", "acdf", "acef"]);
        assert_eq!(all("{b,a}{,x}"), ["b", "bx", "a", "ax"]);
        assert_eq!(all("plain"), ["plain"]);
        assert_eq!(all("open{a,b"), ["open{a,b"]);
        assert_eq!(all(&"{a,b}".repeat(10)).len(), MAX_ALTERNATIVES);
        assert_eq!(alternatives(&"{a,b}".repeat(11)), None);
        assert_eq!(alternatives(&"{a,b}".repeat(200)), None);
    }
}
