//! Conversations with MySQL.

use super::super::testing::{Said, TLS, converse, drip, hostile, login};
use super::*;

fn greet(plugin: &str, capabilities: u32) -> Vec<u8> {
    let mut out = b"\x0a8.0.36\0".to_vec();
    out.extend([1, 0, 0, 0]);
    out.extend(b"abcdefgh\0");
    let wide = capabilities.to_le_bytes();
    out.extend([wide[0], wide[1], 45, 2, 0, wide[2], wide[3], 21]);
    out.extend([0; 10]);
    out.extend(b"ijklmnopqrst\0");
    out.extend(plugin.as_bytes());
    out.push(0);
    framed(0, &out)
}

const ALL: u32 = 0xffff_ffff;

fn mysql(password: &str, query: Option<&str>, tls: bool) -> Mysql {
    let sql = Sql {
        database: Some("shop".into()),
        query: query.map(str::to_owned),
    };
    Mysql::new(&login(Some("probe"), Some(password)), &sql, tls)
}

fn ok(sequence: u8) -> Vec<u8> {
    framed(sequence, &[0, 0, 0, 2, 0, 0, 0])
}

fn err(sequence: u8, code: u16, text: &str) -> Vec<u8> {
    let code = code.to_le_bytes();
    framed(
        sequence,
        &[&[0xff, code[0], code[1]], b"#28000".as_slice(), text.as_bytes()].concat(),
    )
}

#[test]
fn without_a_user_the_greeting_is_enough() {
    let new = || Mysql::new(&login(None, None), &Sql::default(), false);
    assert_eq!(
        converse(new(), &[greet("mysql_native_password", ALL)]).outcome,
        Ok(())
    );
    assert_eq!(
        drip(new(), &[greet("mysql_native_password", ALL)]).outcome,
        Ok(())
    );
    let blocked = framed(0, b"\xff\x69\x04Host 'x' is blocked");
    assert_eq!(
        converse(new(), &[blocked]).failure(),
        "error 1129: Host 'x' is blocked"
    );
    let ended = converse(new(), &[framed(0, b"SSH-2.0-OpenSSH_9.2")]);
    assert_eq!(ended.failure(), "no greeting of MySQL's protocol 10");
    // Old passwords are not spoken.
    assert!(converse(new(), &[greet("x", 0x200)]).outcome.is_err());
}

#[test]
fn a_login_answers_the_challenge() {
    let ended = drip(
        mysql("hunter2", None, false),
        &[greet("mysql_native_password", ALL), ok(2)],
    );
    assert_eq!(ended.outcome, Ok(()));
    let sent = &ended.sent[0];
    assert_eq!(sent[3], 1, "its number");
    let answer = Plugin::Native.answer("hunter2", b"abcdefghijklmnopqrst");
    let tail = [
        b"probe\0\x14".as_slice(),
        &answer,
        b"shop\0mysql_native_password\0",
    ]
    .concat();
    assert!(sent.ends_with(&tail));
    assert_eq!(ended.sent[1], framed(0, &[COM_QUIT]));
    let denied = err(2, 1045, "Access denied for user 'probe'");
    let ended = converse(
        mysql("wrong", None, false),
        &[greet("mysql_native_password", ALL), denied],
    );
    assert_eq!(ended.failure(), "error 1045: Access denied for user 'probe'");
}

#[test]
fn the_plugin_may_be_changed() {
    let switch = framed(2, b"\xfecaching_sha2_password\0AAAAAAAAAABBBBBBBBBB\0");
    let fast = [
        greet("mysql_native_password", ALL),
        switch.clone(),
        framed(4, &[1, 3]),
        ok(5),
    ];
    let ended = drip(mysql("p", None, false), &fast);
    assert_eq!(ended.outcome, Ok(()));
    let answer = Plugin::CachingSha2.answer("p", b"AAAAAAAAAABBBBBBBBBB");
    assert_eq!(ended.sent[1], framed(3, &answer));
    let full = [greet("caching_sha2_password", ALL), framed(2, &[1, 4]), ok(4)];
    let ended = converse(mysql("p", None, false), &full);
    assert_eq!(
        ended.failure(),
        "caching_sha2_password wants the password itself, which needs TLS"
    );
    let ended = converse(
        mysql("p", None, true),
        &[greet("caching_sha2_password", ALL), framed(3, &[1, 4]), ok(5)],
    );
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.sent[1], TLS);
    assert_eq!(ended.sent[0].len(), 36);
    assert_eq!(ended.sent[2][3], 2, "TLS counts as a packet");
    assert_eq!(ended.sent[3], framed(4, b"p\0"));
    for (name, said) in [
        (
            "client_ed25519",
            "authentication by client_ed25519 is not spoken here",
        ),
        (
            "mysql_clear_password",
            "it wants the password in clear, which needs TLS",
        ),
    ] {
        let switch = framed(2, format!("\u{0}{name}\0").replace('\u{0}', "\0").as_bytes());
        let mut switch = switch;
        switch[4] = 0xfe;
        let ended = converse(mysql("p", None, false), &[greet("x", ALL), switch]);
        assert_eq!(ended.failure(), said);
    }
    let plain = converse(mysql("p", None, true), &[greet("x", ALL & !capability::SSL)]);
    assert_eq!(plain.failure(), "it has no TLS");
}

#[test]
fn a_query_gives_a_row() {
    let start = |rest: &[Vec<u8>]| {
        let mut all = vec![greet("mysql_native_password", ALL), ok(2)];
        all.extend(rest.to_vec());
        all
    };
    let column = framed(2, b"\x03def\0\0\0\x011\0\x0c?\0\x01\0\0\0\x08\x81\0\0\0\0");
    let eof = |sequence| framed(sequence, &[0xfe, 0, 0, 2, 0]);
    let new = || mysql("p", Some("SELECT 1"), false);
    let good = start(&[framed(1, &[1]), column.clone(), eof(3), framed(4, b"\x011")]);
    let ended = drip(new(), &good);
    assert_eq!(ended.outcome, Ok(()));
    assert_eq!(ended.sent[1], framed(0, b"\x03SELECT 1"));
    // The row need not be there as a whole.
    let long = [&[0xff, 0xff, 0xff, 4], b"\xfdx".as_slice()].concat();
    let ended = converse(new(), &start(&[framed(1, &[1]), column.clone(), eof(3), long]));
    assert_eq!(ended.outcome, Ok(()));
    for (rest, said) in [
        (
            vec![framed(1, &[1]), column.clone(), eof(3), eof(4)],
            "the query gives no rows",
        ),
        (vec![ok(1)], "the query gives no rows"),
        (
            vec![err(1, 1146, "Table doesn't exist")],
            "error 1146: Table doesn't exist",
        ),
        (
            vec![framed(1, &[1]), column, eof(3), err(4, 1317, "killed")],
            "error 1317: killed",
        ),
    ] {
        assert_eq!(converse(new(), &start(&rest)).failure(), said);
        assert_eq!(drip(new(), &start(&rest)).failure(), said);
    }
}

#[test]
fn a_hostile_server_gets_nowhere() {
    hostile(|| mysql("p", Some("SELECT 1"), false));
    assert_eq!(
        converse(mysql("p", None, false), &[vec![0xff, 0xff, 0xff, 0]]).failure(),
        "a packet of 16777215 octets"
    );
    let cut = &greet("mysql_native_password", ALL)[..40];
    assert_eq!(
        converse(mysql("p", None, false), &[cut]).outcome,
        Err(Said::Unfinished)
    );
}
