//! DNS_CHECK against back-ends on the loopback.

use super::*;
use crate::check::config::DnsType;
use crate::check::probe::testing::{LONG, SHORT, answering, connection};
use std::net::SocketAddr;
use std::time::Duration;

fn config(destination: SocketAddr, timeout: Duration) -> DnsConfig {
    DnsConfig {
        connection: connection(destination, timeout),
        kind: DnsType::A,
        name: Some("example.com".into()),
    }
}

/// The question as an answer with these flags.
fn with(question: &[u8], third: u8, fourth: u8) -> Vec<u8> {
    let mut answer = question.to_vec();
    (answer[2], answer[3]) = (third, fourth);
    answer
}

/// LVS facts: 9.17
#[tokio::test]
async fn the_response_code_decides() {
    let fine = answering(|asked| Some(with(asked, 0x81, 0x80))).await;
    assert_eq!(ask(&config(fine, LONG)).await, Ok(()));
    let unknown = answering(|asked| Some(with(asked, 0x81, 0x83))).await;
    assert_eq!(ask(&config(unknown, LONG)).await, Err(Reason::Rcode(3)));
    let unused = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(ask(&config(unused, LONG)).await, Err(Reason::Refused));
}

/// LVS facts: 9.17
#[tokio::test]
async fn what_is_no_answer_is_not_listened_to() {
    let silent = answering(|_| None).await;
    let query = answering(|asked| Some(asked.to_vec())).await;
    let short = answering(|asked| Some(with(asked, 0x81, 0x80)[..11].to_vec())).await;
    let other = answering(|asked| {
        let mut answer = with(asked, 0x81, 0x80);
        answer[0] ^= 1;
        Some(answer)
    })
    .await;
    for at in [silent, query, short, other] {
        assert_eq!(ask(&config(at, SHORT)).await, Err(Reason::AnswerTimedOut));
    }
}

/// LVS facts: 9.17
#[tokio::test]
async fn an_answer_after_nonsense_counts() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let server = async {
        let mut buffer = [0; 512];
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let good = with(&buffer[..length], 0x81, 0x80);
        for datagram in [&b""[..], &[0xff; 300], &buffer[..length], &good] {
            socket.send_to(datagram, from).await.unwrap();
        }
    };
    let config = config(at, LONG);
    let (outcome, ()) = tokio::join!(ask(&config), server);
    assert_eq!(outcome, Ok(()));
}

/// LVS facts: 9.20
#[tokio::test]
async fn a_socket_that_cannot_be_bound_is_no_verdict() {
    let mut probe = config(answering(|_| None).await, LONG);
    probe.connection.source = Some((Some([192, 0, 2, 1].into()), 0));
    let Err(reason) = ask(&probe).await else {
        panic!("a foreign source")
    };
    assert!(!reason.is_verdict(), "{reason:?}");
}

/// LVS facts: 9.16
#[test]
fn numbers_of_questions_differ() {
    let numbers: std::collections::BTreeSet<u16> = (0..50).map(|_| random()).collect();
    assert!(numbers.len() > 25, "{numbers:?}");
}
