//! Conversations over a stream, in virtual time: slow, cut, endless.

use super::super::testing::{LONG, SHORT, connection, serve};
use super::super::{Kit, Prober};
use super::*;
use crate::check::config::{CheckConfig, Login, Password, Question, ServiceSettings, ServiceTls};
use crate::check::event::ProbeOutcome;
use std::sync::Arc;
use tokio::io::duplex;

const LIMIT: Duration = Duration::from_secs(5);

fn redis() -> ServiceSettings {
    asking(Question::Redis { role: None })
}

fn asking(question: Question) -> ServiceSettings {
    ServiceSettings {
        question,
        login: Login {
            username: None,
            password: Some(Password("hunter2".into())),
        },
        tls: None,
    }
}

/// Converses with a service that sends the octets so far apart, then keeps silent or hangs up.
async fn with(answer: &'static [u8], apart: Duration, hangs_up: bool) -> Result<Next, Reason> {
    let (near, mut far) = duplex(64);
    let service = tokio::spawn(async move {
        for octet in answer {
            tokio::time::sleep(apart).await;
            if far.write_all(&[*octet]).await.is_err() {
                return;
            }
        }
        let mut sink = [0; 64];
        while !hangs_up && far.read(&mut sink).await.is_ok_and(|count| count > 0) {}
    });
    let mut dialogue = dialogue::begin(&redis(), &Seed::default()).unwrap();
    let mut stream = Patient::new(near, LIMIT);
    let ended = Conversation::default()
        .run(&mut stream, &mut *dialogue, broken)
        .await;
    drop(stream);
    service.await.unwrap();
    ended
}

#[tokio::test(start_paused = true)]
async fn an_octet_a_second_is_slow_but_good() {
    let began = Instant::now();
    assert_eq!(
        with(b"+OK\r\n+PONG\r\n", Duration::from_secs(1), false).await,
        Ok(Next::Over)
    );
    assert_eq!(began.elapsed().as_secs(), 12);
}

/// The answers to three questions, before the first was asked.
#[tokio::test]
async fn an_answer_before_its_question_is_none() {
    for in_turn in [true, false] {
        let (near, mut far) = duplex(64);
        far.write_all(b"+OK\r\n+PONG\r\n").await.unwrap();
        let mut dialogue = dialogue::begin(&redis(), &Seed::default()).unwrap();
        let mut conversation = Conversation {
            in_turn,
            ..Conversation::default()
        };
        let ended = conversation
            .run(&mut Patient::new(near, LIMIT), &mut *dialogue, broken)
            .await;
        let unasked = Err(Reason::Answer("an answer that nobody asked for".into()));
        assert_eq!(ended, if in_turn { unasked } else { Ok(Next::Over) });
    }
    assert!(dialogue::in_turn(&redis()));
}

/// The beginnings of a line and of a message with its length before it, whose ends never come.
const BEGINNINGS: [(Question, &[u8]); 2] = [
    (Question::Pop3, b"+OK "),
    // An envelope of 60,000 octets.
    (
        Question::Ldap(None),
        &[0x30, 0x82, 0xea, 0x60, 2, 1, 1, 0x61, 0x82, 0xea, 0x59, 4],
    ),
];

/// Each octet comes within `connect_timeout`, so that no single wait is too long.
#[tokio::test(start_paused = true)]
async fn an_octet_now_and_then_lasts_until_the_limit_for_the_whole() {
    for (question, beginning) in BEGINNINGS {
        let (near, mut far) = duplex(64);
        let service = tokio::spawn(async move {
            let mut said = beginning;
            while far.write_all(said).await.is_ok() {
                said = b"x";
                tokio::time::sleep(LIMIT - Duration::from_secs(1)).await;
            }
        });
        let settings = asking(question);
        let mut dialogue = dialogue::begin(&settings, &Seed::default()).unwrap();
        let mut stream = Patient::new(near, LIMIT);
        let mut conversation = Conversation::default();
        let began = Instant::now();
        let talk = conversation.run(&mut stream, &mut *dialogue, broken);
        assert_eq!(within(limit(LIMIT), talk).await, Err(Reason::Overdue));
        assert_eq!(began.elapsed(), Duration::from_secs(60));
        drop(stream);
        service.await.unwrap();
    }
}

/// The same over the network, as it is asked.
#[tokio::test]
async fn who_is_asked_has_a_limit_for_the_whole() {
    for (question, beginning) in BEGINNINGS {
        let at = serve("127.0.0.1:0", move |mut stream| async move {
            let mut said = beginning;
            while stream.write_all(said).await.is_ok() {
                said = b"x";
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let config = ServiceConfig {
            connection: connection(at, LONG),
            settings: asking(question),
        };
        let asked = ask_within(SHORT, &Contexts::default(), &config).await;
        assert_eq!(asked.result, Err(Reason::Overdue));
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_too_long_after_the_limit() {
    let began = Instant::now();
    assert_eq!(
        with(b"+OK\r\n+PO", Duration::ZERO, false).await,
        Err(Reason::AnswerTimedOut)
    );
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_end_before_the_end_is_told() {
    let Err(Reason::Answer(why)) = with(b"+OK\r\n+PO", Duration::from_secs(1), true).await else {
        panic!();
    };
    assert_eq!(why, "it closed the connection before the end");
}

#[tokio::test]
async fn nobody_there() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let config = ServiceConfig {
        connection: connection(unused, LIMIT),
        settings: redis(),
    };
    assert_eq!(
        ask(&Contexts::default(), &config).await.result,
        Err(Reason::Refused)
    );
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = ServiceConfig {
        connection: connection(listener.local_addr().unwrap(), LIMIT),
        settings: ServiceSettings {
            tls: Some(ServiceTls {
                verify: true,
                ca: Some("/no/such/ca.pem".into()),
                ..ServiceTls::default()
            }),
            ..redis()
        },
    };
    let Err(Reason::Tls(why)) = ask(&Contexts::default(), &config).await.result else {
        panic!();
    };
    assert!(why.starts_with("/no/such/ca.pem cannot be used: "), "{why}");
}

/// As Redis says again what it was told, when `AUTH` was taken from it.
#[tokio::test]
async fn a_password_that_comes_back_is_in_no_reason() {
    let refused = "-ERR unknown command 'AUTH', with args beginning with: 'probe' 'hunter2'\r\n";
    let imap = "s2 BAD what is AHByb2JlAGh1bnRlcjI=\r\n";
    for (question, answers) in [
        (Question::Redis { role: None }, vec!["", refused]),
        (
            Question::Pop3,
            vec!["+OK\r\n", "+OK\r\n", "-ERR what is PASS hunter2\r\n"],
        ),
        (
            Question::Imap,
            vec![
                "* OK\r\n",
                "* CAPABILITY IMAP4 AUTH=PLAIN\r\ns1 OK\r\n",
                "+ \r\n",
                imap,
            ],
        ),
    ] {
        let at = serve("127.0.0.1:0", move |mut stream| {
            let answers = answers.clone();
            async move {
                for answer in answers {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    let _ = stream.read(&mut [0; 512]).await;
                }
            }
        })
        .await;
        let mut settings = redis();
        settings.login.username = Some("probe".into());
        settings.question = question;
        let config = ServiceConfig {
            connection: connection(at, LIMIT),
            settings,
        };
        let kit = Kit::of(&CheckConfig::default()).unwrap();
        let prober = Prober::new(Arc::default(), Arc::new(kit));
        let ProbeOutcome::Failure(Reason::Answer(why)) = prober.service(&config).await.outcome else {
            panic!();
        };
        assert!(why.contains("********"), "{why}");
        assert!(!why.contains("hunter2") && !why.contains("AHByb2Jl"), "{why}");
    }
}
