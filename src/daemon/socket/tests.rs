//! The socket, its file and its language, over real connections.

use super::protocol::{Answer, MOST, Request};
use super::server::Limits;
use super::{ControlSocket, client};
use crate::daemon::exit::FAILED;
use crate::sys::testing::TempDir;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as Listener;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn quick() -> Limits {
    Limits {
        connections: 3,
        request: Duration::from_millis(300),
        answer: Duration::from_millis(300),
        reading: Duration::from_millis(300),
    }
}

/// A socket whose requests are answered with what they are.
fn parrot(path: &Path, limits: Limits) -> tokio::task::JoinHandle<()> {
    let mut socket = ControlSocket::open_with(path, limits).unwrap();
    tokio::spawn(async move {
        loop {
            let asked = socket.next().await;
            let answer = Answer::new(0).with("heard", format!("{:?}", asked.request));
            let _ = asked.reply.send(answer);
        }
    })
}

/// What a client hears that says `text` and then nothing more.
async fn say(path: &Path, text: &[u8]) -> Vec<Value> {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // One that is turned away may not be able to say all of it.
    let _ = stream.write_all(text).await;
    let _ = stream.shutdown().await;
    let mut heard = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.unwrap();
    // What was said in vain resets the connection, after what was answered before.
    drop(read);
    let lines = heard
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn error(answer: &Value) -> &str {
    assert_eq!(
        (&answer["schema"], &answer["status"]),
        (&1.into(), &FAILED.into()),
        "{answer}"
    );
    answer["error"].as_str().unwrap()
}

#[test]
fn what_is_asked_is_understood_as_a_whole() {
    let all = [
        Request::Plan {
            file: None,
            brief: false,
        },
        Request::Plan {
            file: Some("/etc/a b\"c.conf".into()),
            brief: true,
        },
        Request::Reload {
            require_hitless: true,
            wait: false,
        },
        Request::Reload {
            require_hitless: false,
            wait: true,
        },
    ];
    for request in all {
        assert_eq!(Request::read(request.line().unwrap().as_bytes()), Ok(request));
    }
    let reload = Request::Reload {
        require_hitless: false,
        wait: false,
    };
    assert_eq!(Request::read(b" {\"command\":\"reload\"}\r\n"), Ok(reload));
    for (text, why) in [
        ("", "no JSON"),
        ("reload", "no JSON"),
        ("[]", "no JSON object"),
        ("{}", "\"command\" is missing"),
        ("{\"command\":7}", "\"command\" is no text"),
        (
            "{\"command\":\"rel\\u0007oad\"}",
            "Unknown command \"rel\\u0007oad\"",
        ),
        (
            "{\"command\":\"reload\",\"wait\":1}",
            "\"wait\" is neither true nor false",
        ),
        (
            "{\"command\":\"reload\",\"force\":true}",
            "reload takes no \"force\"",
        ),
        (
            "{\"command\":\"reload\",\"file\":\"/x\"}",
            "reload takes no \"file\"",
        ),
        (
            "{\"command\":\"plan\",\"file\":\"x\"}",
            "\"file\" is no absolute path",
        ),
        (
            "{\"command\":\"plan\",\"file\":\"/x\\u0000\"}",
            "\"file\" is no absolute path",
        ),
        (
            "{\"command\":\"plan\",\"file\":[]}",
            "\"file\" is no absolute path",
        ),
    ] {
        let said = Request::read(text.as_bytes()).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
    let deep = "[".repeat(MOST);
    assert!(Request::read(deep.as_bytes()).is_err(), "no stack overflows");
    let long = format!("{{\"command\":\"{}\"}}", "x".repeat(60_000));
    assert!(Request::read(long.as_bytes()).unwrap_err().len() < 100);
}

#[tokio::test]
async fn requests_are_answered_one_after_another() {
    let dir = TempDir::new();
    let path = dir.path("one.sock");
    let parrot = parrot(&path, Limits::default());
    let heard = say(
        &path,
        b"{\"command\":\"reload\"}\n{\"command\":\"plan\"}\nnonsense\n{\"command\":\"plan\"}",
    )
    .await;
    let words: Vec<_> = heard
        .iter()
        .map(|answer| answer["heard"].as_str().unwrap_or("error"))
        .collect();
    let plan = "Plan { file: None, brief: false }";
    assert_eq!(
        words,
        [
            "Reload { require_hitless: false, wait: false }",
            plan,
            "error",
            plan
        ]
    );
    let request = Request::Reload {
        require_hitless: true,
        wait: true,
    };
    let answer = tokio::task::spawn_blocking(move || client::ask(&path, &request))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.status(), 0);
    assert_eq!(
        answer.text("heard"),
        Some("Reload { require_hitless: true, wait: true }")
    );
    parrot.abort();
}

#[tokio::test]
async fn hostile_clients_are_told_off_and_others_served() {
    let dir = TempDir::new();
    let path = dir.path("one.sock");
    let parrot = parrot(&path, quick());
    let good = b"{\"command\":\"reload\"}\n";
    let zeros = vec![0; MOST / 2];
    let endless = vec![b'{'; 3 * MOST];
    let bad: [&[u8]; 6] = [
        b"\n",
        b"\xff\xfe\n",
        &zeros,
        &endless,
        b"GET / HTTP/1.0\r\n\r\n",
        b"{\"command\":",
    ];
    for text in bad {
        for answer in say(&path, text).await {
            error(&answer);
        }
        assert_eq!(say(&path, good).await[0]["status"], 0);
    }
    assert_eq!(error(&say(&path, &endless).await[0]), "The request is too long");
    // Who says nothing, or half a line, is not waited for.
    for half in [&b""[..], b"{\"comm"] {
        let mut silent = UnixStream::connect(&path).await.unwrap();
        silent.write_all(half).await.unwrap();
        let mut heard = String::new();
        timeout(PATIENCE, silent.read_to_string(&mut heard))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            error(&serde_json::from_str(&heard).unwrap()),
            "The request takes too long"
        );
    }
    // Who never reads is hung up on.
    let mut deaf = UnixStream::connect(&path).await.unwrap();
    let flood = async { while deaf.write_all(b"{\"command\":\"nonsense\"}\n").await.is_ok() {} };
    timeout(PATIENCE, flood).await.unwrap();
    assert_eq!(say(&path, good).await[0]["status"], 0);
    parrot.abort();
}

#[tokio::test]
async fn no_more_talk_at_a_time_than_there_are_seats() {
    let dir = TempDir::new();
    let path = dir.path("one.sock");
    let limits = Limits {
        request: PATIENCE,
        ..quick()
    };
    let parrot = parrot(&path, limits);
    let mut seated = Vec::new();
    for _ in 0..limits.connections {
        let mut stream = BufReader::new(UnixStream::connect(&path).await.unwrap());
        stream.write_all(b"{\"command\":\"plan\"}\n").await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert!(line.contains("heard"));
        seated.push(stream);
    }
    let turned_away = async |path: &Path| {
        let heard = say(path, b"{\"command\":\"plan\"}\n").await;
        // The word may be lost with the connection.
        heard.first().is_none_or(|answer| answer.get("error").is_some())
    };
    assert!(turned_away(&path).await);
    seated.pop();
    while turned_away(&path).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    parrot.abort();
}

#[tokio::test]
async fn who_asks_hears_when_nobody_answers() {
    let dir = TempDir::new();
    let path = dir.path("one.sock");
    let mut socket = ControlSocket::open_with(&path, quick()).unwrap();
    let (heard, asked) = tokio::join!(say(&path, b"{\"command\":\"plan\"}\n"), socket.next());
    assert_eq!(error(&heard[0]), "The daemon takes too long");
    drop(asked);
    let forgotten = async { drop(socket.next().await) };
    let (heard, ()) = tokio::join!(say(&path, b"{\"command\":\"plan\"}\n"), forgotten);
    assert_eq!(
        error(&heard[0]),
        "The daemon has not answered: it may be stopping"
    );
    // At the end of the daemon everybody is hung up on.
    let mut waiting = UnixStream::connect(&path).await.unwrap();
    waiting.write_all(b"{\"command\":\"plan\"}\n").await.unwrap();
    drop(socket.next().await.request);
    drop(socket);
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, waiting.read_to_end(&mut rest)).await.unwrap();
    let request = Request::Plan {
        file: None,
        brief: false,
    };
    let why = client::ask(&path, &request).unwrap_err();
    assert!(why.starts_with("No daemon runs here"), "{why}");
}

#[tokio::test]
async fn the_file_is_the_owners_alone_and_goes_with_the_daemon() {
    let dir = TempDir::new();
    let path = dir.path("one.sock");
    let socket = ControlSocket::open(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Another instance does not take it away.
    let why = ControlSocket::open(&path).unwrap_err();
    assert_eq!(why.kind(), std::io::ErrorKind::AddrInUse);
    assert!(path.exists());
    drop(socket);
    assert_eq!(dir.names(), [""; 0]);
}

#[tokio::test]
async fn an_orphan_is_replaced_and_nothing_else_is_touched() {
    let dir = TempDir::new();
    let path = dir.path("one.sock");
    drop(Listener::bind(&path).unwrap());
    assert!(std::os::unix::net::UnixStream::connect(&path).is_err());
    let socket = ControlSocket::open(&path).unwrap();
    assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
    // What has taken its place meanwhile is not ours to remove.
    std::fs::rename(&path, dir.path("moved")).unwrap();
    dir.file("one.sock", "mine");
    drop(socket);
    assert_eq!(dir.lines("one.sock"), ["mine"]);
    assert!(ControlSocket::open(&path).is_err(), "a file");
    assert_eq!(dir.lines("one.sock"), ["mine"]);
    std::fs::remove_file(&path).unwrap();
    for target in ["moved", "none"] {
        std::os::unix::fs::symlink(dir.path(target), &path).unwrap();
        assert!(ControlSocket::open(&path).is_err(), "a link to {target}");
        assert!(path.is_symlink());
        std::fs::remove_file(&path).unwrap();
    }
    assert!(dir.path("moved").exists());
    std::fs::create_dir(&path).unwrap();
    assert!(ControlSocket::open(&path).is_err(), "a directory");
    let long = dir.path(&"x".repeat(200));
    assert!(
        ControlSocket::open(&long).is_err(),
        "a name that no socket can have"
    );
}

/// The kernel says who asks; the file's mode is one more lock.
#[tokio::test]
async fn the_peer_is_told_by_the_kernel() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let dir = TempDir::new();
    let path = dir.path("one.sock");
    let parrot = parrot(&path, Limits::default());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let script = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(999).decode())";
    let mut command = tokio::process::Command::new("python3");
    command.args(["-c", script]).arg(&path).uid(65534);
    let Ok(output) = timeout(PATIENCE, command.output()).await.unwrap() else {
        return;
    };
    let heard: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error(&heard), "Only root and the user of the daemon may ask");
    parrot.abort();
}
