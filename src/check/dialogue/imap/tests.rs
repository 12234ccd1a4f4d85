//! Conversations with IMAP.

use super::super::testing::{Said, TLS, converse, drip, hostile, login};
use super::*;

const HELLO: &str = "* OK [CAPABILITY IMAP4rev1] ready\r\n";

fn imap(password: Option<&str>, starttls: bool) -> Imap {
    Imap::new(&login(password.map(|_| "pro\"be"), password), starttls)
}

/// The answer to the command that was `tag`.
fn can(tag: &str, words: &str) -> String {
    format!("* CAPABILITY IMAP4rev1 {words}\r\n{tag} OK done\r\n")
}

#[test]
fn without_a_user_what_it_can_is_enough() {
    for answers in [
        [HELLO.to_owned(), can("s1", "IDLE")],
        ["* PREAUTH hello\r\n".to_owned(), can("s1", "IDLE")],
        [
            HELLO.to_owned(),
            "* capability imap4REV1\r\n* 3 EXISTS\r\ns1 ok\u{20}\r\n".to_owned(),
        ],
    ] {
        let ended = drip(imap(None, false), &answers);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(ended.sent_text(), ["s1 CAPABILITY\r\n", "s2 LOGOUT\r\n"]);
    }
}

#[test]
fn a_login_in_the_way_that_it_has() {
    let good = [
        HELLO.to_owned(),
        can("s1", "AUTH=PLAIN"),
        "+ \r\n".to_owned(),
        "* CAPABILITY IMAP4rev1 MOVE\r\ns2 OK logged in\r\n".to_owned(),
    ];
    let ended = drip(imap(Some("hünter2"), false), &good);
    assert_eq!(ended.outcome, Ok(()));
    let coded = base64::encode("\0pro\"be\0hünter2".as_bytes());
    assert_eq!(
        ended.sent_text(),
        [
            "s1 CAPABILITY\r\n",
            "s2 AUTHENTICATE PLAIN\r\n",
            &format!("{coded}\r\n"),
            "s3 LOGOUT\r\n"
        ]
    );
    let old = [HELLO.to_owned(), can("s1", ""), "s2 OK logged in\r\n".to_owned()];
    let ended = drip(imap(Some("a\\b c"), false), &old);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.sent_text()[1], "s2 LOGIN \"pro\\\"be\" \"a\\\\b c\"\r\n");
}

#[test]
fn tls_begins_before_anything_is_told() {
    let good = [
        HELLO.to_owned(),
        can("s1", "STARTTLS LOGINDISABLED"),
        "s2 OK go on\r\n".to_owned(),
        can("s3", "AUTH=PLAIN"),
        "+\r\n".to_owned(),
        "s4 OK logged in\r\n".to_owned(),
    ];
    let ended = drip(imap(Some("p"), true), &good);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.sent_text()[1], "s2 STARTTLS\r\n");
    assert_eq!(ended.sent[2], TLS);
    assert_eq!(ended.sent_text()[3], "s3 CAPABILITY\r\n");
    // What it could before TLS counts no more.
    let ended = converse(imap(Some("p"), true), &good[..3]);
    assert_eq!(ended.outcome, Err(Said::Unfinished));
    for (answers, words) in [
        (
            vec![HELLO.to_owned(), can("s1", "AUTH=PLAIN")],
            "it has no STARTTLS",
        ),
        (
            vec!["* PREAUTH hello\r\n".to_owned()],
            "it is logged in by the greeting",
        ),
        (
            vec![
                HELLO.to_owned(),
                can("s1", "STARTTLS"),
                "s2 NO not now\r\n".to_owned(),
            ],
            "NO not now",
        ),
    ] {
        let ended = converse(imap(Some("p"), true), &answers);
        assert_eq!(ended.failure(), words);
        assert!(!ended.sent.iter().any(|sent| sent == TLS));
    }
}

#[test]
fn what_is_wrong_is_told() {
    for (answers, words) in [
        (
            vec!["* BYE too many connections\r\n".to_owned()],
            "too many connections",
        ),
        (
            vec!["220 mail ESMTP\r\n".to_owned()],
            "unexpected answer 220 mail ESMTP",
        ),
        (
            vec!["* PREAUTH hello\r\n".to_owned()],
            "it is logged in by the greeting",
        ),
        (
            vec![HELLO.to_owned(), "s1 OK\r\n".to_owned()],
            "it does not speak IMAP4",
        ),
        (
            vec![HELLO.to_owned(), "s1 OK nothing\r\n".to_owned()],
            "it does not speak IMAP4",
        ),
        (
            vec![HELLO.to_owned(), can("s1", "LOGINDISABLED")],
            "it allows no login without TLS",
        ),
        (
            vec![
                HELLO.to_owned(),
                can("s1", ""),
                "s2 NO [AUTHENTICATIONFAILED] no\r\n".to_owned(),
            ],
            "NO [AUTHENTICATIONFAILED] no",
        ),
        (
            vec![HELLO.to_owned(), "* BYE shutting down\r\n".to_owned()],
            "shutting down",
        ),
        (
            vec![HELLO.to_owned(), "s2 OK that was another one\r\n".to_owned()],
            "unexpected answer s2 OK that was another one",
        ),
        (
            vec![HELLO.to_owned(), "+ go on\r\n".to_owned()],
            "unexpected answer + go on",
        ),
    ] {
        let ended = drip(imap(Some("p"), false), &answers);
        assert_eq!(ended.failure(), words);
    }
}

#[test]
fn a_hostile_server_gets_nowhere() {
    hostile(|| imap(None, false));
    hostile(|| imap(Some("p"), true));
}
