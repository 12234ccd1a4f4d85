//! Letters as values, and against a relay on the loopback interface.

use super::*;
use crate::notify::config::NotifyScripts;
use crate::script::testing::{LONG, until};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

fn mail(port: u16) -> MailConfig {
    MailConfig {
        host: "127.0.0.1".into(),
        port,
        helo_name: Some("me".into()),
        timeout: LONG,
        from: Some("lab@example.com".into()),
        to: vec!["one@example.com".into(), "root".into()],
        router_id: Some("lab".into()),
        no_faults: false,
    }
}

fn sender() -> Sender {
    Sender {
        host: "host".into(),
        user: "keeper".into(),
    }
}

fn without_date(letter: &Letter) -> &str {
    letter.text.split_once("\r\n").unwrap().1
}

/// Facts: 17.2, 17.3, 17.5
#[test]
fn letters_are_keepalived_s() {
    let written = |subject: &Subject, state| {
        let (title, body) = words(subject, state)?;
        let letter = letter(&mail(25), &sender(), wall::now(), &title, body);
        let title = letter.subject.clone();
        let body = letter.text.split_once("\r\n\r\n").unwrap().1.to_owned();
        Some(format!("{title}: {body}"))
    };
    let (vi, group) = (Subject::Instance("VI".into()), Subject::Group("G".into()));
    for (subject, state, wanted) in [
        (
            &vi,
            NotifyState::Master,
            "[lab] VRRP Instance VI - Entering MASTER state: => VRRP Instance is now owning VRRP VIPs <=",
        ),
        (
            &vi,
            NotifyState::Backup,
            "[lab] VRRP Instance VI - Entering BACKUP state: => VRRP Instance is no longer owning VRRP VIPs <=",
        ),
        (
            &vi,
            NotifyState::Fault,
            "[lab] VRRP Instance VI - Entering FAULT state: => VRRP Instance is no longer owning VRRP VIPs <=",
        ),
        (
            &vi,
            NotifyState::Stop,
            "[lab] VRRP Instance VI - Stopping: => VRRP Instance stopping <=",
        ),
        (
            &vi,
            NotifyState::Deleted,
            "[lab] VRRP Instance VI - Deleted: => VRRP Deleted at reload <=",
        ),
        (
            &group,
            NotifyState::Master,
            "[lab] VRRP Group G - Entering MASTER state: => All VRRP group instances are now in MASTER state <=",
        ),
        (
            &group,
            NotifyState::Backup,
            "[lab] VRRP Group G - Entering BACKUP state: => All VRRP group instances are now in BACKUP state <=",
        ),
        (
            &group,
            NotifyState::Fault,
            "[lab] VRRP Group G - Entering FAULT state: => All VRRP group instances are now in FAULT state <=",
        ),
        (
            &group,
            NotifyState::Stop,
            "[lab] VRRP Group G - Stopping: => All VRRP group instances are now stopping <=",
        ),
    ] {
        assert_eq!(written(subject, state), Some(format!("{wanted}\r\n")));
    }
    for state in [
        NotifyState::MasterPriority,
        NotifyState::BackupPriority,
        NotifyState::MasterRxLowerPri,
    ] {
        assert_eq!(written(&vi, state), None);
    }
}

/// Facts: 17.2, 17.5
/// LVS facts: 15.2, 15.7
#[test]
fn headers_and_their_defaults() {
    let with = |change: fn(&mut MailConfig)| {
        let mut mail = mail(25);
        change(&mut mail);
        letter(&mail, &sender(), wall::now(), "title", "body")
    };
    let whole = with(|_| {});
    assert!(whole.text.starts_with("Date: "));
    assert_eq!(
        without_date(&whole),
        "From: lab@example.com\r\nSubject: [lab] title\r\nX-Mailer: Keepalived\r\nTo: one@example.com, root\r\n\r\nbody\r\n"
    );
    let named = with(|mail| {
        mail.from = Some("\"The lab\" <lab@example.com>".into());
        mail.to = vec!["Two <two@example.com>".into()];
    });
    assert_eq!(
        (named.from.as_str(), &named.to[..]),
        ("lab@example.com", &["two@example.com".to_owned()][..])
    );
    assert!(named.text.contains("From: \"The lab\" <lab@example.com>\r\n"));
    assert!(named.text.contains("To: Two <two@example.com>\r\n"));
    let bare = with(|mail| {
        mail.from = None;
        mail.router_id = None;
        mail.helo_name = None;
    });
    assert_eq!((bare.from.as_str(), bare.helo.as_str()), ("keeper@host", "host"));
    assert_eq!(bare.subject, "[host] title");
    let nasty = with(|mail| mail.router_id = Some("x\r\nBcc: all".repeat(100)));
    assert_eq!(nasty.subject.chars().count(), 255);
    assert!(!nasty.text.contains("\r\nBcc"));
    let many = with(|mail| mail.to = vec!["somebody@example.com".into(); 100]);
    assert!(many.text.lines().all(|line| line.len() < 998));
    assert_eq!(many.text.matches("somebody@example.com").count(), 100);
}

/// A relay that answers `RCPT` and `DATA` as told, and keeps what it hears.
#[derive(Clone, Default)]
struct Relay {
    heard: Arc<Mutex<Vec<String>>>,
    /// So many connections are answered with 421 first.
    busy: Arc<Mutex<u32>>,
    /// Said to recipients of this name.
    refuses: &'static str,
}

impl Relay {
    async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let relay = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let relay = relay.clone();
                tokio::spawn(async move { relay.serve(stream).await });
            }
        });
        port
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let busy = {
            let mut left = self.busy.lock().unwrap();
            let busy = *left > 0;
            *left = left.saturating_sub(1);
            busy
        };
        let (read, mut out) = stream.split();
        if busy {
            self.heard.lock().unwrap().push("busy".into());
            return out.write_all(b"421 busy\r\n").await.ok();
        }
        out.write_all(b"220-relay\r\n220 ready\r\n").await.ok()?;
        let mut lines = BufReader::new(read).lines();
        let mut letter = false;
        while let Some(line) = lines.next_line().await.ok()? {
            let answer = match line.as_str() {
                "." => "250 taken\r\n",
                _ if letter => "",
                "DATA" => "354 go on\r\n",
                "QUIT" => "221 bye\r\n",
                _ if !self.refuses.is_empty() && line.contains(self.refuses) => "550 no\r\n",
                _ => "250-well\r\n250 done\r\n",
            };
            letter = (letter || line == "DATA") && line != ".";
            if !line.starts_with("Date: ") {
                self.heard.lock().unwrap().push(line);
            }
            out.write_all(answer.as_bytes()).await.ok()?;
        }
        Some(())
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn count(&self, line: &str) -> usize {
        self.heard()
            .iter()
            .filter(|heard| heard.starts_with(line))
            .count()
    }
}

fn config(mail: MailConfig) -> NotifyConfig {
    let alert = NotifyScripts {
        smtp_alert: true,
        ..NotifyScripts::default()
    };
    NotifyConfig {
        instances: [
            ("VI".to_owned(), alert),
            ("quiet".to_owned(), NotifyScripts::default()),
        ]
        .into(),
        mail: Some(mail),
        ..NotifyConfig::default()
    }
}

fn mailer(mail: MailConfig) -> Mailer {
    let mut mailer = Mailer::default();
    mailer.post.again = [Duration::from_millis(10); 2];
    mailer.apply(config(mail));
    mailer
}

fn of(name: &str, state: NotifyState, occasion: Occasion) -> Notification {
    Notification {
        subject: Subject::Instance(name.into()),
        state,
        priority: 100,
        occasion,
    }
}

/// Facts: 17.4
/// LVS facts: 15.1
#[tokio::test]
async fn the_dialogue() {
    let relay = Relay::default();
    let mut mailer = mailer(mail(relay.listen().await));
    mailer.notify(&of("VI", NotifyState::Master, Occasion::Change));
    mailer.close(LONG).await;
    assert_eq!(
        relay.heard(),
        [
            "EHLO me",
            "MAIL FROM:<lab@example.com>",
            "RCPT TO:<one@example.com>",
            "RCPT TO:<root>",
            "DATA",
            "From: lab@example.com",
            "Subject: [lab] VRRP Instance VI - Entering MASTER state",
            "X-Mailer: Keepalived",
            "To: one@example.com, root",
            "",
            "=> VRRP Instance is now owning VRRP VIPs <=",
            "",
            ".",
            "QUIT",
        ]
    );
}

/// Facts: 17.1
#[tokio::test]
async fn what_is_written_of() {
    let relay = Relay::default();
    let mut mailer = mailer(MailConfig {
        no_faults: true,
        ..mail(relay.listen().await)
    });
    for (name, state, occasion) in [
        ("VI", NotifyState::Backup, Occasion::Change),
        ("VI", NotifyState::BackupPriority, Occasion::Change),
        ("VI", NotifyState::Backup, Occasion::Change),
        ("VI", NotifyState::Backup, Occasion::Reminder),
        ("VI", NotifyState::Fault, Occasion::Change),
        ("quiet", NotifyState::Master, Occasion::Change),
        ("stranger", NotifyState::Master, Occasion::Change),
        ("VI", NotifyState::Backup, Occasion::Change),
        ("VI", NotifyState::Master, Occasion::Change),
    ] {
        mailer.notify(&of(name, state, occasion));
    }
    let mut without = mailer.config.clone();
    without.instances.clear();
    mailer.apply(without);
    mailer.notify(&of("VI", NotifyState::Deleted, Occasion::Departure));
    mailer.close(LONG).await;
    let subjects = relay
        .heard()
        .into_iter()
        .filter(|line| line.starts_with("Subject"));
    assert_eq!(
        subjects.collect::<Vec<_>>(),
        [
            "Subject: [lab] VRRP Instance VI - Entering BACKUP state",
            "Subject: [lab] VRRP Instance VI - Entering MASTER state",
            "Subject: [lab] VRRP Instance VI - Deleted",
        ],
        "once each, no fault, and nothing of what was written last"
    );
}

#[tokio::test]
async fn a_busy_relay_is_asked_again_but_not_for_ever() {
    let relay = Relay {
        busy: Arc::new(Mutex::new(2)),
        ..Relay::default()
    };
    let mut mailer = mailer(mail(relay.listen().await));
    mailer.notify(&of("VI", NotifyState::Master, Occasion::Change));
    until("it is taken at last", || relay.count("QUIT") == 1).await;
    assert_eq!(relay.count("busy"), 2);
    *relay.busy.lock().unwrap() = u32::MAX;
    mailer.notify(&of("VI", NotifyState::Backup, Occasion::Change));
    until("it is given up", || mailer.lost() == 1).await;
    assert_eq!(relay.count("busy"), 5, "three times");
}

#[tokio::test]
async fn a_refused_recipient_does_not_keep_the_others_from_their_mail() {
    let relay = Relay {
        refuses: "root",
        ..Relay::default()
    };
    let mut one = mailer(mail(relay.listen().await));
    one.notify(&of("VI", NotifyState::Master, Occasion::Change));
    one.close(LONG).await;
    assert_eq!(relay.count("=> "), 1);

    let relay = Relay {
        refuses: "RCPT",
        ..Relay::default()
    };
    let mut none = mailer(mail(relay.listen().await));
    none.notify(&of("VI", NotifyState::Master, Occasion::Change));
    until("it is given up at once", || none.lost() == 1).await;
    assert_eq!(
        (relay.count("DATA"), relay.count("QUIT"), relay.count("MAIL")),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn a_relay_that_never_answers_holds_up_neither_the_daemon_nor_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut mailer = mailer(mail(listener.local_addr().unwrap().port()));
    for n in 0..post::MAX_WAITING + 10 {
        mailer.send(&format!("number {n}"), "body");
        // So that the first is on its way.
        tokio::task::yield_now().await;
    }
    assert_eq!(mailer.lost(), 9, "the first is on its way");
    mailer.notify(&of("VI", NotifyState::Stop, Occasion::Change));
    let begun = tokio::time::Instant::now();
    mailer.close(Duration::from_millis(100)).await;
    assert!(begun.elapsed() < LONG / 2);
}
