//! UDP_CHECK against back-ends on the loopback.

use super::*;
use crate::check::probe::testing::{LONG, SHORT, answering, connection};

fn config(destination: std::net::SocketAddr, timeout: std::time::Duration) -> UdpConfig {
    UdpConfig {
        connection: connection(destination, timeout),
        payload: None,
        reply: None,
        min_reply_length: 0,
        max_reply_length: 255,
    }
}

fn wanting(pattern: &[(u8, u8)], min: u16, max: u16) -> UdpConfig {
    UdpConfig {
        reply: Some(ReplyPattern(pattern.to_vec())),
        min_reply_length: min,
        max_reply_length: max,
        ..config(([127, 0, 0, 1], 9).into(), SHORT)
    }
}

/// LVS facts: 9.4, 9.5
#[tokio::test]
async fn silence_is_good_where_no_reply_is_wanted() {
    let silent = answering(|_| None).await;
    assert_eq!(ask(&config(silent, SHORT)).await, Ok(()));
    let mut wanting = config(silent, SHORT);
    wanting.reply = Some(ReplyPattern::default());
    assert_eq!(ask(&wanting).await, Err(Reason::AnswerTimedOut));
    // Nobody listens: the network says so at once.
    let unused = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(ask(&config(unused, LONG)).await, Err(Reason::Refused));
}

/// LVS facts: 9.4
#[tokio::test]
async fn the_payload_is_sent_as_it_is() {
    let only = |wanted: &'static [u8]| move |asked: &[u8]| (asked == wanted).then(|| b"x".to_vec());
    let mut probe = config(answering(only(b"keepalived check - keepalived ch")).await, LONG);
    probe.reply = Some(ReplyPattern::default());
    assert_eq!(ask(&probe).await, Ok(()));
    probe.connection.destination = answering(only(b"\x01\xff")).await;
    probe.payload = Some(vec![0x01, 0xff]);
    assert_eq!(ask(&probe).await, Ok(()));
}

/// LVS facts: 9.6, 9.7
#[test]
fn a_reply_is_compared_over_the_shorter_length() {
    let pattern = [(0xab, 0xff), (0xc0, 0xf0), (0x0d, 0x0f)];
    let judged = |config: &UdpConfig, reply: &[u8]| judge(config, reply);
    let probe = wanting(&pattern, 0, 5);
    assert_eq!(judged(&probe, b"\xab\xcd\xed"), Ok(()));
    assert_eq!(judged(&probe, b"\xab\xcd"), Ok(()));
    assert_eq!(judged(&probe, b""), Ok(()));
    assert_eq!(judged(&probe, b"\xab\xcd\xed12"), Ok(()));
    for (reply, how) in [
        (&b"\xab\xcd\xed123"[..], "too long"),
        (b"\xac", "other octets"),
        (b"\xab\xdd", "other octets"),
        (b"\xab\xcd\xee", "other octets"),
    ] {
        assert_eq!(judged(&probe, reply), Err(Reason::Mismatch(how)), "{reply:x?}");
    }
    assert_eq!(
        judged(&wanting(&pattern, 3, 5), b"\xab\xcd"),
        Err(Reason::Mismatch("too short"))
    );
    // Lengths count with a pattern only.
    assert_eq!(judged(&wanting(&[], 3, 5), b"1234567"), Ok(()));
}

/// LVS facts: 9.6
#[tokio::test]
async fn replies_of_any_length_are_taken_whole_or_named_too_long() {
    let long = answering(|_| Some(vec![7; 60_000])).await;
    let mut probe = config(long, LONG);
    assert_eq!(ask(&probe).await, Ok(()));
    probe.reply = Some(ReplyPattern(vec![(7, 0xff)]));
    assert_eq!(ask(&probe).await, Err(Reason::Mismatch("too long")));
    probe.max_reply_length = u16::MAX;
    assert_eq!(ask(&probe).await, Ok(()));
}

/// LVS facts: 9.8, 9.9
#[tokio::test]
async fn what_cannot_be_done_here_counts_as_a_failure() {
    let at = answering(|_| None).await;
    let mut foreign = config(at, LONG);
    foreign.connection.source = Some((Some([192, 0, 2, 1].into()), 0));
    let mut elsewhere = config(at, LONG);
    elsewhere.connection.interface = crate::net::IfName::new("nosuchif0");
    for probe in [foreign, elsewhere] {
        let outcome = ask(&probe).await;
        assert!(matches!(outcome, Err(Reason::NotSent(_))), "{outcome:?}");
    }
}
