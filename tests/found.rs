//! What the fuzz targets check (`fuzz/src/checks.rs`), on every sample, and on what was found with them:
//! `tests/conf/found/` holds each input that once broke one. And what they check of back-ends (`fuzz/src/readers.rs`).

#![expect(clippy::expect_used, reason = "a test that fails here has found something")]

#[path = "../fuzz/src/checks.rs"]
#[expect(unreachable_pub, reason = "in the fuzz crate it is reachable")]
mod checks;
#[path = "../fuzz/src/readers.rs"]
#[expect(
    unreachable_pub,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in the fuzz crate it is reachable; it panics when it has found something"
)]
mod readers;

use proptest::prelude::*;
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

/// What is said to each service is tried with what any of them says.
#[test]
fn every_service_is_among_the_readers() {
    // These are spoken by libraries over HTTP; what is read of their answers has tests beside it.
    let elsewhere = ["WEB_CHECK", "GRPC_CHECK"];
    // keepalived's, which have no dialogue of this kind.
    let others = [
        "TCP_CHECK",
        "MISC_CHECK",
        "SMTP_CHECK",
        "DNS_CHECK",
        "UDP_CHECK",
        "PING_CHECK",
        "FILE_CHECK",
        "BFD_CHECK",
    ];
    let checks: BTreeSet<&str> = keyword::all()
        .map(|keyword| keyword.name)
        .filter(|name| name.ends_with("_CHECK"))
        .collect();
    assert!(others.iter().chain(&elsewhere).all(|name| checks.contains(name)));
    for name in checks {
        if !others.contains(&name) && !elsewhere.contains(&name) {
            assert!(
                readers::SERVICES.contains(&format!("{name} {{")),
                "{name} is missing"
            );
        }
    }
}

/// Words of the services' protocols, so that something is understood now and then.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        proptest::sample::select(vec![
            &b"HTTP/1.1 200 OK\r\n"[..],
            b"Content-Length: 5\r\n",
            b"\r\n\r\n",
            b"hello",
            b"220 mx\r\n",
            b"220-mx\r\n",
            b"250 mx\r\n",
            b"+OK\r\n",
            b"+PONG\r\n",
            b"*3\r\n$6\r\nmaster\r\n",
            b"\x14\0\0\0\x0a8.0\0\x01\0\0\0abcdefgh\0\xff\xff",
            // A whole greeting.
            b"\x47\0\0\0\x0a8.0\0\x01\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xff\x15\0\0\0\0\0\0\0\0\0\0\
                ijklmnopqrst\0mysql_native_password\0",
            b"\x01\0\0\x03\x01",
            b"SIP/2.0 100 Trying\r\n\r\n",
            b"SIP/2.0 200 OK\r\n",
            // Of the seed that is all sevens.
            b"Call-ID: 070707070707070707070707\r\n",
            b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
            b"Sec-WebSocket-Protocol: chat\r\n",
            b"\x81\x05world",
            b"\x8a\0",
            b"\x02\x07\0\x14",
            b"\x02\x07\0\x16",
            b"\x07\0\0\x02\0\0\0\x02\0\0\0",
            b"\x05\0\0\x02\xfex\0ab",
            b"R\0\0\0\x08\0\0\0\0",
            b"R\0\0\0\x08\0\0\0\x03",
            b"R\0\0\0\x0c\0\0\0\x05salt",
            b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0",
            b"Z\0\0\0\x05I",
            b"D\0\0\0\x06\0\0",
            b"S",
            b"* OK hello\r\n",
            b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\n",
            b"s1 OK done\r\n",
            b"s2 OK done\r\n",
            b"+ \r\n",
            b"331 who?\r\n",
            b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
            b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
            b"\x30\x07\x02\x01\x02\x64\x02\x04\x00",
            b"230-hi\r\n",
            b"230 hi\r\n",
            b"234 go\r\n",
            b"200 hi\r\n",
            b"382 go\r\n",
            b"381 who?\r\n",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// What back-ends send, in any slices: the first octets choose the checker and the slices.
    #[test]
    fn whatever_a_back_end_sends_is_read_to_its_end(head in any::<[u8; 2]>(), octets in words()) {
        let input = [&head[..], &octets].concat();
        readers::http(&input);
        readers::dialogue(&input);
        readers::dns(&input);
        readers::smtp(&octets);
    }

    #[test]
    fn long_answers_are_read_to_their_end(head in any::<[u8; 2]>(), octet in any::<u8>(), length in 4000_usize..9000) {
        let input = [&head[..], &vec![octet; length]].concat();
        readers::http(&input);
        readers::dialogue(&input);
        readers::smtp(&input);
    }
}
