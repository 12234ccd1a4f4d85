//! Conversations with LDAP.

use super::super::testing::{Said, TLS, converse, drip, hostile, login};
use super::*;
use crate::check::config::LdapScope;

fn ldap(base: Option<&str>, filter: Option<&str>, starttls: bool) -> Ldap {
    let search = base.map(|base| LdapSearch {
        base: base.to_owned(),
        scope: LdapScope::Base,
        filter: filter.map(|text| LdapFilter::read(text).unwrap()),
    });
    Ldap::new(&login(None, None), search.as_ref(), starttls)
}

fn answer(number: u8, tag: u8, code: u8, text: &str) -> Vec<u8> {
    let body = [
        ber::small(ENUMERATED, code),
        write(OCTETS, &[]),
        write(OCTETS, &[text.as_bytes()]),
    ]
    .concat();
    write(SEQUENCE, &[&ber::small(INTEGER, number), &write(tag, &[&body])])
}

fn entry(number: u8) -> Vec<u8> {
    let body = [write(OCTETS, &[b"dc=example"]), write(SEQUENCE, &[])].concat();
    write(
        SEQUENCE,
        &[&ber::small(INTEGER, number), &write(operation::ENTRY, &[&body])],
    )
}

#[test]
fn a_bind_without_a_name_is_enough() {
    let ended = drip(ldap(None, None, false), &[answer(1, operation::BOUND, 0, "")]);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(
        ended.sent[0],
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"
    );
    assert_eq!(ended.sent[1], b"\x30\x05\x02\x01\x02\x42\x00");
}

#[test]
fn a_bind_with_a_name() {
    let named = || Ldap::new(&login(Some("cn=me"), Some("pw")), None, false);
    let ended = drip(named(), &[answer(1, operation::BOUND, 0, "")]);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(
        ended.sent[0],
        b"\x30\x13\x02\x01\x01\x60\x0e\x02\x01\x03\x04\x05cn=me\x80\x02pw"
    );
    for (code, text, words) in [
        (49, "", "bind: result 49 invalidCredentials"),
        (
            13,
            "TLS\nfirst",
            "bind: result 13 confidentialityRequired TLS first",
        ),
        (99, "what", "bind: result 99 what"),
    ] {
        let ended = drip(named(), &[answer(1, operation::BOUND, code, text)]);
        assert_eq!(ended.failure(), words);
    }
}

#[test]
fn a_search_finds_an_entry() {
    let bound = answer(1, operation::BOUND, 0, "");
    let reference = write(
        SEQUENCE,
        &[&ber::small(INTEGER, 2), &write(operation::REFERENCE, &[])],
    );
    let new = || ldap(Some("dc=x"), None, false);
    for answers in [
        vec![bound.clone(), entry(2), answer(2, operation::SEARCHED, 0, "")],
        vec![bound.clone(), [reference, entry(2)].concat()],
    ] {
        let ended = drip(new(), &answers);
        assert_eq!(ended.outcome, Ok(()));
        assert_eq!(
            ended.sent[1],
            [
                &b"\x30\x2e\x02\x01\x02\x63\x29\x04\x04dc=x\x0a\x01\x00\x0a\x01\x00\x02\x01\x01\x02\x01\x00\x01\x01\x00"[..],
                b"\x87\x0bobjectClass\x30\x05\x04\x031.1"
            ]
            .concat()
        );
    }
    for (code, words) in [
        (0, "the search finds no entry"),
        (32, "search: result 32 noSuchObject"),
        (4, "search: result 4 sizeLimitExceeded"),
    ] {
        let ended = drip(new(), &[bound.clone(), answer(2, operation::SEARCHED, code, "")]);
        assert_eq!(ended.failure(), words);
    }
}

#[test]
fn filters_are_encoded() {
    for (text, wanted) in [
        ("(a=b)", &b"\xa3\x06\x04\x01a\x04\x01b"[..]),
        ("(!(a>=b))", b"\xa2\x08\xa5\x06\x04\x01a\x04\x01b"),
        ("(&(a=*)(b=*))", b"\xa0\x06\x87\x01a\x87\x01b"),
        (
            "(|(a<=b)(a~=b))",
            b"\xa1\x10\xa6\x06\x04\x01a\x04\x01b\xa8\x06\x04\x01a\x04\x01b",
        ),
        (
            "(a=b*c*d)",
            b"\xa4\x0e\x04\x01a\x30\x09\x80\x01b\x81\x01c\x82\x01d",
        ),
        ("(a=*c*)", b"\xa4\x08\x04\x01a\x30\x03\x81\x01c"),
        (
            "(a:dn:1.2:=b)",
            b"\xa9\x0e\x81\x031.2\x82\x01a\x83\x01b\x84\x01\xff",
        ),
    ] {
        assert_eq!(encode(&LdapFilter::read(text).unwrap().test), wanted, "{text}");
    }
}

#[test]
fn tls_begins_before_the_bind() {
    let good = [
        answer(1, operation::DID_EXTENDED, 0, ""),
        answer(2, operation::BOUND, 0, ""),
    ];
    let ended = drip(ldap(None, None, true), &good);
    assert_eq!(ended.outcome, Ok(()));
    assert!(ended.sent[0].ends_with(b"\x77\x18\x80\x161.3.6.1.4.1.1466.20037"));
    assert_eq!(ended.sent[1], TLS);
    let ended = converse(
        ldap(None, None, true),
        &[answer(1, operation::DID_EXTENDED, 2, "unsupported")],
    );
    assert_eq!(ended.failure(), "no TLS: result 2 protocolError unsupported");
    assert_eq!(ended.sent.len(), 1, "and no password");
}

#[test]
fn what_is_wrong_is_told() {
    let new = || ldap(None, None, false);
    for (octets, words) in [
        (
            answer(0, operation::DID_EXTENDED, 52, "going down"),
            "it ends the connection: result 52 unavailable going down",
        ),
        (answer(2, operation::BOUND, 0, ""), "an answer to no request"),
        (
            answer(1, operation::SEARCHED, 0, ""),
            "an answer to another question",
        ),
        (b"220 mail\r\n".to_vec(), "an answer that is none of LDAP"),
        (b"\x30\x80".to_vec(), "an answer that is none of LDAP"),
        (b"\x30\x03abc".to_vec(), "an answer that is none of LDAP"),
        (
            b"\x30\x84\xff\xff\xff\xff".to_vec(),
            "a message of 4294967295 octets",
        ),
    ] {
        assert_eq!(converse(new(), &[&octets]).failure(), words);
        assert_eq!(drip(new(), &[&octets]).failure(), words);
    }
    let cut = &answer(1, operation::BOUND, 0, "")[..8];
    assert_eq!(converse(new(), &[cut]).outcome, Err(Said::Unfinished));
}

#[test]
fn a_hostile_server_gets_nowhere() {
    hostile(|| ldap(Some("dc=x"), Some("(a=b)"), false));
    hostile(|| ldap(None, None, true));
}
