//! SMTP_CHECK against back-ends on the loopback.

use super::*;
use crate::check::probe::testing::{LONG, SHORT, connection, serve};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncBufReadExt;

/// A server that says each part after it has heard a line, the first at once, and then does nothing for `hold`.
async fn saying(parts: &'static [&'static str], hold: Duration) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let at = serve("127.0.0.1:0", move |stream| {
        let told = told.clone();
        async move {
            let mut stream = tokio::io::BufReader::new(stream);
            for (n, part) in parts.iter().enumerate() {
                if n > 0 {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.unwrap();
                    told.lock().unwrap().push(line);
                }
                stream.write_all(part.as_bytes()).await.unwrap();
            }
            tokio::time::sleep(hold).await;
        }
    })
    .await;
    (at, heard)
}

fn config(destination: SocketAddr, timeout: Duration) -> SmtpConfig {
    SmtpConfig {
        connection: connection(destination, timeout),
        helo_name: "director.example.com".into(),
    }
}

/// LVS facts: 9.21
#[tokio::test]
async fn a_good_server_hears_helo_and_quit() {
    let (at, heard) = saying(&["220 mx\r\n", "250 hello\r\n", "221 bye\r\n"], Duration::ZERO).await;
    assert_eq!(ask(&config(at, LONG)).await, Ok(()));
    assert_eq!(
        *heard.lock().unwrap(),
        ["HELO director.example.com\r\n", "QUIT\r\n"]
    );
}

/// LVS facts: 9.22, 9.24
#[tokio::test]
async fn each_way_to_fail_has_its_reason() {
    let never = Duration::from_secs(3600);
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut outcomes = vec![(ask(&config(unused, LONG)).await, Reason::Refused)];
    for (parts, hold, reason) in [
        (&["550 no\r\n"][..], never, Reason::Greeting),
        (&["220 mx\r\n", "550 who\r\n"], never, Reason::Helo),
        (&[], Duration::ZERO, Reason::NoData),
        (&["220 mx"], Duration::ZERO, Reason::NoData),
        (&["\x00\x7f\n"], never, Reason::Greeting),
    ] {
        let (at, _) = saying(parts, hold).await;
        outcomes.push((ask(&config(at, LONG)).await, reason));
    }
    for (parts, reason) in [
        (&[][..], Reason::AnswerTimedOut),
        (&["220 mx"], Reason::AnswerTimedOut),
        (&["220 mx\r\n", "250-more\r\n"], Reason::AnswerTimedOut),
        (&["220 mx\r\n", "250 x\r\n", ""], Reason::AnswerTimedOut),
    ] {
        let (at, _) = saying(parts, never).await;
        outcomes.push((ask(&config(at, SHORT)).await, reason));
    }
    for (outcome, reason) in outcomes {
        assert_eq!(outcome, Err(reason));
    }
}

/// LVS facts: 9.21, 9.23
#[tokio::test]
async fn slow_and_endless_servers_end() {
    // An octet now and then is no more than silence.
    let at = serve("127.0.0.1:0", |mut stream| async move {
        while stream.write_all(b"2").await.is_ok() {
            tokio::time::sleep(SHORT / 8).await;
        }
    })
    .await;
    assert_eq!(ask(&config(at, SHORT)).await, Err(Reason::AnswerTimedOut));
    let at = serve("127.0.0.1:0", |mut stream| async move {
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    assert_eq!(ask(&config(at, LONG)).await, Err(Reason::Greeting));
}

/// LVS facts: 9.23, 9.24
#[tokio::test]
async fn words_that_are_not_taken_have_their_time() {
    let (mut ours, theirs) = tokio::io::duplex(4);
    assert_eq!(say(&mut ours, "QUIT\r\n", SHORT).await, Err(Reason::NotTaken));
    drop(theirs);
    let outcome = say(&mut ours, "QUIT\r\n", LONG).await;
    assert!(matches!(outcome, Err(Reason::NotSent(_))), "{outcome:?}");
}
