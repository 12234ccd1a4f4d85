//! Conversations with PostgreSQL.

use super::super::testing::{Said, TLS, converse, drip, hostile, login};
use super::*;

const SEED: Seed = [7; 24];

fn pgsql(username: Option<&str>, query: Option<&str>, tls: bool) -> Pgsql {
    let sql = Sql {
        database: Some("shop".into()),
        query: query.map(str::to_owned),
    };
    Pgsql::new(&login(username, Some("hunter2")), &sql, tls, &SEED)
}

fn auth(kind: u32, rest: &[u8]) -> Vec<u8> {
    tagged(b'R', &[&kind.to_be_bytes(), rest].concat())
}

fn fault(code: &str, text: &str) -> Vec<u8> {
    tagged(b'E', format!("SFATAL\0C{code}\0M{text}\0\0").as_bytes())
}

fn ready() -> Vec<u8> {
    [
        tagged(b'S', b"server_version\x0015\0"),
        tagged(b'K', &[0; 8]),
        tagged(b'Z', b"I"),
    ]
    .concat()
}

#[test]
fn without_a_user_readiness_is_asked_for() {
    for good in [
        auth(10, b"SCRAM-SHA-256\0\0"),
        auth(0, b""),
        fault("28000", "no entry in pg_hba.conf"),
    ] {
        let ended = drip(pgsql(None, None, false), &[good]);
        assert_eq!(ended.outcome, Ok(()));
        assert!(ended.sent_text()[0].contains("user\0steadfast\0"));
    }
    let ended = converse(
        pgsql(None, None, false),
        &[fault("57P03", "the database system is starting up")],
    );
    assert_eq!(ended.failure(), "the database system is starting up (57P03)");
    let ended = converse(
        pgsql(None, None, false),
        &[fault("53300", "sorry, too many clients already")],
    );
    assert_eq!(ended.failure(), "sorry, too many clients already (53300)");
}

#[test]
fn md5_hides_the_password() {
    let answers = [auth(5, b"\x01\x02\x03\x04"), [auth(0, b""), ready()].concat()];
    let ended = drip(pgsql(Some("probe"), None, false), &answers);
    assert_eq!(ended.outcome, Ok(()));
    // md5(md5("hunter2" "probe") 01 02 03 04), by md5sum.
    assert_eq!(
        ended.sent_text()[1],
        "p\0\0\0(md5134ffb7ebab6cf28ab758466124d70f8\0"
    );
    let denied = [
        auth(5, b"\x01\x02\x03\x04"),
        fault("28P01", "password authentication failed"),
    ];
    let ended = converse(pgsql(Some("probe"), None, false), &denied);
    assert_eq!(ended.failure(), "password authentication failed (28P01)");
}

#[test]
fn a_password_in_clear_needs_tls() {
    let ended = converse(pgsql(Some("probe"), None, false), &[auth(3, b"")]);
    assert_eq!(ended.failure(), "it wants the password in clear, which needs TLS");
    let answers = [b"S".to_vec(), auth(3, b""), [auth(0, b""), ready()].concat()];
    let ended = converse(pgsql(Some("probe"), None, true), &answers);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.sent[1], TLS);
    assert_eq!(ended.sent[3], password(b"hunter2"));
    assert_eq!(
        converse(pgsql(Some("probe"), None, true), &["N"]).failure(),
        "it has no TLS"
    );
    // Words before the handshake are nobody's.
    assert!(
        converse(pgsql(Some("probe"), None, true), &["SR"])
            .failure()
            .contains("request for TLS")
    );
}

/// A service that knows the password: SCRAM's own arithmetic is tested beside it.
#[test]
fn scram_proves_both_sides() {
    let nonce = base64::encode(&SEED);
    let first = format!("r={nonce}more,s=c2FsdA==,i=4096");
    let (proof, verifier) = Scram::new("", nonce).answer("hunter2", &first).unwrap();
    let offer = auth(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    let good = [
        offer.clone(),
        auth(11, first.as_bytes()),
        [auth(12, verifier.as_bytes()), auth(0, b""), ready()].concat(),
    ];
    let ended = drip(pgsql(Some("probe"), None, false), &good);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.sent[2], tagged(b'p', proof.as_bytes()));
    let liar = [offer.clone(), auth(11, first.as_bytes()), auth(12, b"v=AAAA")];
    let ended = converse(pgsql(Some("probe"), None, false), &liar);
    assert_eq!(ended.failure(), "SCRAM: it does not know the password either");
    // It may not skip its proof.
    let skips = [
        offer,
        auth(11, first.as_bytes()),
        [auth(0, b""), ready()].concat(),
    ];
    assert!(
        converse(pgsql(Some("probe"), None, false), &skips)
            .outcome
            .is_err()
    );
    let other = converse(pgsql(Some("probe"), None, false), &[auth(10, b"OTHER\0\0")]);
    assert_eq!(other.failure(), "it does not speak SCRAM-SHA-256");
    let kerberos = converse(pgsql(Some("probe"), None, false), &[auth(7, b"")]);
    assert_eq!(kerberos.failure(), "authentication of kind 7 is not spoken here");
}

#[test]
fn a_query_gives_a_row() {
    let start = [auth(0, b""), ready()].concat();
    let new = || pgsql(Some("probe"), Some("SELECT 1"), false);
    let row = [tagged(b'T', b"\0\0"), tagged(b'D', b"\0\x01\0\0\0\x011")].concat();
    let ended = drip(new(), &[start.clone(), row]);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.sent[1], tagged(b'Q', b"SELECT 1\0"));
    for (answer, said) in [
        (
            [tagged(b'T', b"\0\0"), tagged(b'C', b"SELECT 0\0")].concat(),
            "the query gives no rows",
        ),
        (tagged(b'I', b""), "the query gives no rows"),
        (
            fault("42P01", "relation does not exist"),
            "relation does not exist (42P01)",
        ),
    ] {
        assert_eq!(converse(new(), &[start.clone(), answer]).failure(), said);
    }
}

#[test]
fn a_hostile_server_gets_nowhere() {
    hostile(|| pgsql(Some("probe"), Some("SELECT 1"), false));
    hostile(|| pgsql(Some("probe"), None, true));
    let new = || pgsql(Some("probe"), None, false);
    assert_eq!(
        converse(new(), &[b"R\xff\xff\xff\xff"]).failure(),
        "a message of 4294967295 octets"
    );
    assert_eq!(
        converse(new(), &[b"R\0\0\0\x03"]).failure(),
        "a message of 3 octets"
    );
    assert_eq!(converse(new(), &[b"R\0\0\0\x08"]).outcome, Err(Said::Unfinished));
    assert!(
        converse(new(), &["HTTP/1.1 400 Bad Request\r\n"])
            .outcome
            .is_err()
    );
}
