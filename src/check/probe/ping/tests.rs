//! PING_CHECK: what is a good reply, and the loopback's, where this host allows the socket.

use super::*;
use crate::check::probe::testing::{LONG, SHORT, answering, connection};

/// LVS facts: 9.11
#[test]
fn a_request_has_its_number_and_the_text_four_times() {
    let request = echo(8, [1, 2]);
    assert_eq!(
        (request.len(), &request[..8]),
        (136, &[8, 0, 0, 0, 0, 0, 1, 2][..])
    );
    let text = "keepalived check - keepalived ch";
    assert_eq!(request[8..], *[text; 4].concat().as_bytes());
}

/// LVS facts: 9.12
#[test]
fn a_reply_has_our_number() {
    let reply = |kind, number: [u8; 2]| {
        let [high, low] = number;
        judge([kind, 0, 1, 2, 3, 4, high, low], 0, [1, 2])
    };
    assert_eq!(reply(0, [1, 2]), Ok(()));
    assert_eq!(
        reply(0, [1, 3]),
        Err(Reason::Mismatch("the reply to another request"))
    );
    assert_eq!(reply(3, [1, 2]), Err(Reason::Mismatch("no echo reply")));
}

/// LVS facts: 9.10
#[tokio::test]
async fn the_loopback_answers_where_the_socket_is_permitted() {
    for address in ["127.0.0.1:80", "[::1]:80"] {
        let outcome = ask(&connection(address.parse().unwrap(), LONG), 70_000).await;
        let fine = match &outcome {
            Ok(()) => true,
            // `ping_group_range` forbids it, or there is no IPv6.
            Err(reason) => matches!(reason, Reason::Socket(_) | Reason::Unreachable(_)),
        };
        assert!(fine, "{address}: {outcome:?}");
    }
}

/// LVS facts: 9.14
#[tokio::test]
async fn the_source_and_the_interface_count() {
    let foreign = Connection {
        source: Some((Some([192, 0, 2, 1].into()), 0)),
        ..connection(([127, 0, 0, 1], 0).into(), LONG)
    };
    let elsewhere = Connection {
        interface: crate::net::IfName::new("nosuchif0"),
        ..connection(([127, 0, 0, 1], 0).into(), LONG)
    };
    for connection in [foreign, elsewhere] {
        let outcome = ask(&connection, 1).await;
        assert!(matches!(outcome, Err(Reason::Socket(_))), "{outcome:?}");
    }
}

/// What an address may answer, over a socket of another kind: the kernel keeps out what is nobody's reply.
///
/// LVS facts: 9.12
#[tokio::test]
async fn truncated_foreign_and_wrong_replies_are_told() {
    type Answer = fn(&[u8]) -> Option<Vec<u8>>;
    let cases: [(Answer, Result<(), Reason>); 7] = [
        (|echo| Some([&[0], &echo[1..]].concat()), Ok(())),
        // Its own question back.
        (|echo| Some(echo.to_vec()), Err(Reason::Mismatch("no echo reply"))),
        (
            |echo| Some([&[0], &echo[1..7]].concat()),
            Err(Reason::Mismatch("too short")),
        ),
        (|_| Some(Vec::new()), Err(Reason::Mismatch("too short"))),
        (
            |echo| Some([&[0], &echo[1..7], &[echo[7] ^ 1]].concat()),
            Err(Reason::Mismatch("the reply to another request")),
        ),
        (
            |_| Some(vec![0xff; 60_000]),
            Err(Reason::Mismatch("no echo reply")),
        ),
        (|_| None, Err(Reason::AnswerTimedOut)),
    ];
    for (answer, wanted) in cases {
        let at = answering(answer).await;
        let socket = socket::datagrams(&connection(at, LONG), Protocol::UDP).unwrap();
        let patience = if wanted == Err(Reason::AnswerTimedOut) {
            SHORT
        } else {
            LONG
        };
        assert_eq!(exchange(&socket, patience, (8, 0), 70_001).await, wanted);
    }
}
