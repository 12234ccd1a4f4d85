//! What the fuzz targets check (`fuzz/src/checks.rs`), on every sample, and on what was found with them:
//! `tests/conf/found/` holds each input that once broke one.

#![expect(clippy::expect_used, reason = "a test that fails here has found something")]

#[path = "../fuzz/src/checks.rs"]
#[expect(unreachable_pub, reason = "in the fuzz crate it is reachable")]
mod checks;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use steadfast::conf::keyword;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn what_was_found_stays_mended() {
    let found = files("tests/conf/found");
    let samples = files("tests/conf");
    let texts = samples
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"));
    assert!(!found.is_empty());
    for path in found.iter().chain(texts) {
        let bytes = std::fs::read(path).expect("a file");
        // The name is what a failure is looked up by.
        println!("{}", path.display());
        checks::read(&bytes);
        checks::round_trip(&bytes);
        checks::format(&bytes);
    }
}

/// `fuzz/keywords.dict`, which `UPDATE_GOLDENS=1` writes anew, has the words that are worth trying.
#[test]
fn the_dictionary_has_every_keyword() {
    let marks = [
        " {\\x0a",
        "}\\x0a",
        "\\x0a",
        "\\\"",
        "'",
        "#",
        "!",
        "\\\\\\x0a",
        "@main ",
        "@^main ",
        "$A=",
        "$A ",
        "${A}",
        "${_RANDOM 1 2}",
        "${_PWD}",
        "${_ENV A}",
        "${_HASH}",
        "~SEQ(A, 1, 3) ",
        "~SEQx(A, 8, 12) ",
        "~LST({A,B}, {1,2}) ",
        "include ",
        "192.0.2.1/24 ",
        "2001:db8::1 ",
        "eth0 ",
        "true ",
        "1.5 ",
        "255 ",
        "\\xff",
    ];
    let names: BTreeSet<&str> = keyword::all().map(|keyword| keyword.name).collect();
    let mut text = String::from("# Words of the language, from the table of keywords: see tests/found.rs.\n");
    for word in marks.iter().copied().chain(names) {
        writeln!(text, "\"{word}\"").expect("memory");
    }
    let path = root().join("fuzz/keywords.dict");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, &text).expect("writable");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        wanted == text,
        "{}: UPDATE_GOLDENS=1 writes it anew",
        path.display()
    );
}
