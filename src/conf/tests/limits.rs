//! Every limit of reading, met: it is said once, what is beyond is ignored, and the end comes soon.

use super::grammar::{options, tree_of};
use super::*;
use crate::conf::{expand, sequence, source};

/// The messages of a reading of `text` that say `words`, and the statements that came of it.
fn met(text: &str, words: &str) -> (usize, usize) {
    let options = ReadOptions {
        alone: true,
        ..options()
    };
    let mut reader = Reader::new(&options);
    reader.open_bytes(Path::new("t"), text.as_bytes());
    let (tree, said) = tree_of(reader, &options);
    (
        said.iter().filter(|said| said.contains(words)).count(),
        tree.matches(';').count(),
    )
}

#[test]
fn lines() {
    let text = "a\n".repeat(expand::MAX_LINES + 10);
    assert_eq!(met(&text, "more than 1000000 lines"), (1, expand::MAX_LINES));
}

#[test]
fn made_lines() {
    let half = expand::MAX_MADE / 4;
    let text = format!("~SEQ(A, {half}) a\n").repeat(6);
    assert_eq!(met(&text, "make more than 200000 lines"), (1, 4 * half));
}

#[test]
fn steps_of_one_repetition() {
    let most = sequence::MAX_STEPS;
    assert_eq!(met(&format!("~SEQ(A, {most}) a"), "Invalid"), (0, most));
    assert_eq!(
        met(&format!("~SEQ(A, {}) a", most + 1), "Invalid ~SEQ values"),
        (1, 0)
    );
}

#[test]
fn definitions() {
    let mut text = String::new();
    for number in 0..expand::MAX_DEFINITIONS + 10 {
        text.push_str(&format!("$A{number}=b\n"));
    }
    text.push_str("$A0=c\nx ${A0}\n");
    assert_eq!(met(&text, "more than 100000 definitions"), (1, 1));
}

#[test]
fn replacements() {
    let chain = |count: usize| {
        let mut text = format!("$A{count}=end\n");
        for number in 0..count {
            text.push_str(&format!("$A{number}=${{A{}}}\n", number + 1));
        }
        text + "x ${A0}\n"
    };
    let most = expand::MAX_REPLACEMENTS;
    assert_eq!(met(&chain(most - 1), "without end"), (0, 1));
    assert_eq!(met(&chain(most), "without end"), (1, 1));
}

#[test]
fn copies() {
    let mut text = String::from("$E=\n");
    let line = format!("{} {}\n", "x".repeat(520), "$E ".repeat(160));
    for _ in 0..expand::MAX_COPIED / (160 * 700) + 2_000 {
        text.push_str(&line);
    }
    let (said, _) = met(&text, "more often than can be followed");
    assert_eq!(said, 1);
}

#[test]
fn includes_within_includes() {
    let dir = TempDir::new();
    for number in 0..source::MAX_DEPTH + 5 {
        let next = number + 1;
        dir.file(&format!("f{number}"), &format!("a{number}\ninclude f{next}\n"));
    }
    let options = options();
    let mut reader = Reader::new(&options);
    reader.open_top(&dir.path("f0"), false);
    let (tree, said) = tree_of(reader, &options);
    assert_eq!(tree.matches(';').count(), source::MAX_DEPTH + 1);
    assert_eq!(
        said,
        ["General includes are nested more than 32 deep - ignoring 'f33'"]
    );
}

#[test]
fn many_files_of_one_pattern_nest_no_deeper() {
    let dir = TempDir::new();
    dir.file("other", "b\n");
    for number in 0..100 {
        dir.file(&format!("d/{number:03}"), "include ../other\n");
    }
    let top = dir.file("top", "include d/*\n");
    let options = options();
    let mut reader = Reader::new(&options);
    reader.open_top(&top, false);
    let (tree, said) = tree_of(reader, &options);
    assert_eq!((tree.matches(';').count(), said), (100, Vec::new()));
}

#[test]
fn files_and_their_size() {
    let dir = TempDir::new();
    dir.file("small", "");
    let top = dir.file("top", &"include small\n".repeat(source::MAX_FILES + 1));
    let reading = read(&top, &options());
    assert_eq!(reading.sources.files.len(), source::MAX_FILES);
    let said = messages(&reading);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0]
            .1
            .starts_with("more than 10000 configuration files - skipping")
    );

    // A file with holes, which takes no room.
    let size = |name: &str, size: u64| {
        let path = dir.file(name, "");
        fs::OpenOptions::new()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(size)
            .unwrap();
    };
    size("large", source::MAX_FILE_SIZE + 1);
    let top = dir.file("top", "include large\n");
    let reading = read(&top, &options());
    let said = messages(&reading);
    assert_eq!((reading.sources.files.len(), said.len()), (1, 1));
    assert!(
        said[0].1.ends_with("is larger than 64 MiB - skipping"),
        "{said:?}"
    );
}

#[test]
fn all_files_together() {
    let dir = TempDir::new();
    let path = dir.file("large", "");
    let most = source::MAX_FILE_SIZE;
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(most)
        .unwrap();
    let count = usize::try_from(source::MAX_TOTAL_SIZE / most).unwrap();
    let top = dir.file("top", &"include large\n".repeat(count + 1));
    let reading = read(&top, &options());
    // The top file counts as well.
    assert_eq!(reading.sources.files.len(), count);
    let said = messages(&reading);
    let over = said
        .iter()
        .filter(|(_, said)| said.contains("together are larger than 256 MiB"));
    assert_eq!(over.count(), 2, "{said:?}");
}

#[test]
fn patterns() {
    let dir = TempDir::new();
    let top = dir.file("top", &format!("include {}\n", "{a,b}".repeat(11)));
    let said = messages(&read(&top, &options()));
    assert_eq!(said.len(), 1);
    assert!(
        said[0]
            .1
            .ends_with("has more than 1024 alternatives - ignoring it"),
        "{said:?}"
    );

    let deep = "./".repeat(400);
    let top = dir.file(
        "top",
        &format!("include {deep}*x*y\n").repeat(source::MAX_LOOKUPS / 400 + 2),
    );
    let said = messages(&read(&top, &options()));
    let over = said
        .iter()
        .filter(|(_, said)| said.contains("names were looked at for includes"));
    assert_eq!(over.count(), 1);
}

#[test]
fn blocks_within_blocks() {
    let (said, _) = met(
        &format!("frob {}", "{\na\n".repeat(1_000)),
        "Unexpected '{' - ignoring",
    );
    assert_eq!(said, 1_000 - 32);
}

#[test]
fn a_file_that_would_wait_does_not() {
    // No regular file: it is not opened at all.
    let dir = TempDir::new();
    let pipe = dir.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let top = dir.file("top", "include pipe\n");
    let said = messages(&read(&top, &options()));
    assert!(
        said[0]
            .1
            .ends_with("is not a regular non-executable file - skipping"),
        "{said:?}"
    );
}
