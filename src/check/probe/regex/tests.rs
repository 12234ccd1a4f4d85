//! Searches in bodies of every cut, good and hostile.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn regex(pattern: &str, options: &[&'static str]) -> Regex {
    Regex {
        pattern: pattern.to_owned(),
        options: options.iter().copied().collect::<BTreeSet<_>>(),
        ..Regex::default()
    }
}

fn within(pattern: &str, min: u32, max: Option<u32>) -> Regex {
    Regex {
        min_offset: min,
        max_offset: max,
        ..regex(pattern, &[])
    }
}

/// The verdict on a body that comes in pieces of `size`.
fn judge(regex: &Regex, body: &[u8], size: usize) -> SearchVerdict {
    let mut search = Patterns::default().search(regex).unwrap();
    for piece in body.chunks(size) {
        search.take(piece);
        assert!(search.window.len() < 4 * PIECE, "{}", search.window.len());
    }
    search.finish()
}

/// Whether it is found, in whatever pieces.
fn found(regex: &Regex, body: &[u8]) -> bool {
    let all = [1, 7, PIECE - 1, PIECE, PIECE + 1, 100_000].map(|size| judge(regex, body, size));
    for verdict in &all {
        assert_eq!(verdict, &all[0], "{regex:?}");
    }
    match &all[0].result {
        Ok(()) => true,
        Err(Reason::Regex(_)) => false,
        Err(other) => panic!("{regex:?}: {other:?}"),
    }
}

const BODY: &[u8] = b"first line\nsecond line\nthird needle end\n";

/// LVS facts: 10.10
#[test]
fn a_body_is_searched_as_a_whole() {
    for (pattern, options, wanted) in [
        ("first", [].as_slice(), true),
        ("absent", &[], false),
        ("absent|second", &[], true),
        ("^first", &[], true),
        (r"\Afirst", &[], true),
        ("^second", &[], false),
        ("^second", &["multiline"], true),
        ("end$", &[], true),
        ("end$", &["dollar_endonly"], false),
        ("line$", &[], false),
        ("line$", &["multiline"], true),
        (r"end\n\z", &[], true),
        ("FIRST", &[], false),
        ("FIRST", &["caseless"], true),
        ("first.*needle", &[], false),
        ("first.*needle", &["dotall"], true),
        ("fi rst", &["extended"], true),
        ("second", &["firstline"], false),
        ("(?<=first )line", &[], true),
        (r"\bline\b", &[], true),
        (r"\Bine\b", &[], true),
        ("", &[], true),
        (r"first\Kx", &[], false),
        (r"fir\Kst", &[], true),
    ] {
        assert_eq!(
            found(&regex(pattern, options), BODY),
            wanted,
            "{pattern} {options:?}"
        );
    }
    assert!(found(&regex("^$", &[]), b""));
    assert!(!found(&regex("x", &[]), b""));
}

/// LVS facts: 10.10
#[test]
fn offsets_limit_where_a_match_begins() {
    // It stands at 11.
    for (min, max, wanted) in [
        (0, None, true),
        (11, None, true),
        (12, None, false),
        (500, None, false),
        (0, Some(10), false),
        (0, Some(11), true),
        (11, Some(11), true),
        (12, Some(12), false),
    ] {
        let regex = within("second", min, max);
        assert_eq!(found(&regex, BODY), wanted, "{regex:?}");
    }
    assert!(!found(&within("^first", 1, None), BODY));
    let far = [b" ".repeat(3 * PIECE), b"needle".to_vec()].concat();
    let at = u32::try_from(3 * PIECE).unwrap();
    for (min, max, wanted) in [
        (at, Some(at), true),
        (at - 9000, Some(at + 9000), true),
        (at + 1, None, false),
        (0, Some(at - 1), false),
        (u32::MAX, None, false),
    ] {
        let regex = within("needle", min, max);
        assert_eq!(found(&regex, &far), wanted, "{regex:?}");
    }
}

/// LVS facts: 10.10
#[test]
fn the_sense_can_be_reversed() {
    for (pattern, wanted) in [
        ("first", Err(Reason::Regex("the body matches the regex"))),
        ("absent", Ok(())),
    ] {
        let regex = Regex {
            no_match: true,
            ..regex(pattern, &[])
        };
        assert_eq!(judge(&regex, BODY, 7).result, wanted);
    }
    let absent = judge(&regex("absent", &[]), BODY, 7).result;
    assert_eq!(absent, Err(Reason::Regex("the body does not match the regex")));
}

#[test]
fn a_match_may_lie_across_pieces_wherever_it_lies() {
    let needle = regex("<needle>", &[]);
    let behind = regex("(?<=<need)le>", &[]);
    let start = regex("^<|\\A<", &[]);
    let line = regex("^<needle", &["multiline"]);
    for before in PIECE - 12..PIECE + 12 {
        for pieces in [0, 3] {
            let body = [b".".repeat(before + pieces * PIECE), b"<needle>".to_vec()].concat();
            assert!(found(&needle, &body), "{before}");
            assert!(found(&behind, &body), "{before}");
            // Only the beginning of the body is one.
            assert!(!found(&start, &body), "{before}");
            assert!(!found(&line, &body), "{before}");
            let mut lines = body.clone();
            lines[before + pieces * PIECE - 1] = b'\n';
            assert!(found(&line, &lines), "{before}");
        }
    }
}

#[test]
fn characters_may_lie_across_pieces() {
    let regex = regex("é€𝄞x", &["utf"]);
    for before in PIECE - 12..PIECE + 2 {
        let body = [b".".repeat(before), "é€𝄞x".as_bytes().to_vec()].concat();
        assert!(found(&regex, &body), "{before}");
    }
    // What is no UTF-8 matches nothing, and hides nothing.
    for garbage in [b"\x80".as_slice(), b"\xff", b"\xc3", b"\xf0\x9d"] {
        let body = [garbage.repeat(PIECE), "é€𝄞x".as_bytes().to_vec()].concat();
        assert!(found(&regex, &body), "{garbage:?}");
        let cut = ["é€".as_bytes(), garbage, "𝄞x".as_bytes()].concat();
        assert!(!found(&regex, &cut), "{garbage:?}");
    }
}

/// LVS facts: 10.10
#[test]
fn a_match_that_needs_too_much_is_given_up() {
    let across = regex("x.*y", &["dotall"]);
    let body = |between: usize| [b"x".to_vec(), b"z".repeat(between), b"y".to_vec()].concat();
    assert!(found(&across, &body(KEPT - 2)));
    let verdict = judge(&across, &body(3 * PIECE), 1000);
    assert!(verdict.too_long);
    assert_eq!(
        verdict.result,
        Err(Reason::Regex("the body does not match the regex"))
    );
    // The search goes on.
    let later = [body(3 * PIECE), b"xy".to_vec()].concat();
    let verdict = judge(&across, &later, 1000);
    assert_eq!((verdict.result, verdict.too_long), (Ok(()), true));
}

#[test]
fn a_hostile_body_is_given_up() {
    let hungry = regex("(a+)+$", &[]);
    let mut body = b"a".repeat(60);
    body.push(b'b');
    let gave_up = |result: Result<(), Reason>| matches!(result, Err(Reason::RegexGaveUp(_)));
    assert!(gave_up(judge(&hungry, &body, 7).result));
    // Also where nothing was to be found.
    let reversed = Regex {
        no_match: true,
        ..hungry
    };
    assert!(gave_up(judge(&reversed, &body, 7).result));
    // No look is too much, but all of them together are.
    let square = regex("(?:a|b)*?(?:b|a)*?c", &[]);
    let mut search = Patterns::default().search(&square).unwrap();
    let piece = b"ab".repeat(PIECE / 2);
    for _ in 0..1000 {
        search.take(&piece);
    }
    assert!(search.spent < 20 * PROCESSOR, "{:?}", search.spent);
    assert!(search.window.len() < 4 * PIECE);
}

#[test]
fn patterns_are_compiled_once_with_the_largest_stack() {
    let wanted = |pattern: &str| {
        let error = refused(vec![regex("fine", &[]), regex(pattern, &[])]);
        error
            .into_iter()
            .map(|(regex, why)| format!("{} {why}", regex.pattern))
            .collect::<Vec<_>>()
    };
    assert_eq!(wanted("a(b"), ["a(b at offset 3: missing closing parenthesis"]);
    assert_eq!(wanted("also fine"), [""; 0]);
    let text = "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\nHTTP_GET {\n\
        url {\npath /a\nregex a\nregex_stack 2000 3000\n}\nurl {\npath /b\nregex a\nregex_stack 2000 3000\n}\n\
        url {\npath /c\nregex b\nregex_stack 1000 9000\n}\nurl {\npath /d\n}\n}\n}\n}\n";
    let at = std::path::Path::new("site.conf");
    let reading = crate::conf::read_str(at, text, &crate::conf::ReadOptions::default());
    let (plan, _) = crate::plan::build(&reading.config, &crate::plan::Host::default());
    let all = Patterns::of(&plan.check);
    assert_eq!(all.compiled.len(), 2);
    assert_eq!(all.stack, Some((2000, 9000)));
    let mut search = all.search(all.compiled.keys().next().unwrap()).unwrap();
    search.take(b"ab");
    assert_eq!(search.finish().result, Ok(()));
}

proptest! {
    /// However a body is cut, it is as if all of it was there.
    #[test]
    fn pieces_are_as_the_whole(
        pattern in prop::sample::select(vec![
            "a+b", "^a", "b$", r"\bab", "(?<=ab)a", "a.{0,9}b$", "(?<!a)b", "^b+$", "a(?=b)", "ba|ab$", r"a\Kb", "(ab)+c",
        ]),
        options in prop::sample::subsequence(vec!["multiline", "dotall", "caseless", "ungreedy", "utf"], 0..4),
        min in 0_u32..9000,
        max in prop::option::of(0_u32..9000),
        filler in 0..2 * PIECE,
        tail in "[abc\n é]{0,30}",
        size in 1_usize..6000,
    ) {
        let regex = Regex { min_offset: min, max_offset: max, ..regex(pattern, &options) };
        let body = [b" ".repeat(filler), tail.into_bytes()].concat();
        let whole = {
            let pattern = Arc::new(compile(&regex).unwrap());
            let mut searcher = Searcher::new(Arc::clone(&pattern), None).unwrap();
            let limit = regex.max_offset.map(|max| max as usize);
            let mut from = min as usize;
            while pattern.is_utf() && body.get(from).is_some_and(|octet| octet & 0xc0 == 0x80) {
                from += 1;
            }
            let possible = limit.is_none_or(|limit| limit >= from);
            possible && searcher.search(&body, from, limit, Subject::Whole).unwrap() == Found::Match
        };
        prop_assert_eq!(judge(&regex, &body, size).result.is_ok(), whole);
    }

    #[test]
    fn garbage_never_panics(
        pattern in prop::sample::select(vec!["é.", "(*UTF)[^a]+a", r"\X\z", "(?<=.{3})a", r"^.\R"]),
        options in prop::sample::subsequence(vec!["multiline", "dotall", "caseless", "ucp", "utf"], 0..4),
        body in prop::collection::vec(any::<u8>(), 0..10_000),
        size in 1_usize..6000,
    ) {
        let _ = judge(&regex(pattern, &options), &body, size);
    }
}
