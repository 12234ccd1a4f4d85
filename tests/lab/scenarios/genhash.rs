//! `genhash` beside keepalived's: the same requests, the same output, of HTTP and HTTPS servers, good and bad.

use std::io::{Read as _, Write as _};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::site::{Daemon, Mode, Node, Server};
use crate::timeline::note;

/// Where requests are recorded.
const RECORDED: u16 = 8000;
/// Where a connection ends without an answer.
const SILENT: u16 = 8001;

/// What is asked, each with and without `-v`.
const CASES: &[&str] = &[
    "-s 127.0.0.1 -p 80 -u /",
    "-s ::1 -p 80 -u /",
    "-s 127.0.0.1 -p 443 -S -u /",
    "-s ::1 -p 443 -S -I -V www.example.com -u /",
    "--use-ssl --use-sni --server 127.0.0.1 --port 443 --url /a --use-virtualhost www.example.com --protocol 1.1",
    "-s 127.0.0.1 -p 8000 -u /a?b=c -P 1.0",
    "-s 127.0.0.1 -p 8000 -u no-slash -P 1.0c -t 5",
    "-s ::1 -p 8000 -u /a -P 1.1",
    "-s ::1 -p 8000 -u /a -P 1.1 -V url.example.com:8080 -m 7",
];

/// LVS facts: 21.1, 21.2, 21.3, 21.4
pub fn beside_keepalived() {
    let node = Node::new("host");
    node.ip("link set lo up\n");
    let requests = Requests::default();
    record(&node, &requests);
    end(&node);
    let server = Server::new(node);
    server.with_tls();

    for mode in [
        Mode::Fine,
        Mode::Status(503),
        Mode::Body("1234567\u{1}é and a second line of the page".into()),
        Mode::Body("x".repeat(16)),
    ] {
        server.set(mode);
        for case in CASES {
            for verbose in ["", " -v"] {
                let line = format!("{case}{verbose}");
                let [theirs, ours] = both(&server, &line);
                assert_eq!(printed(&ours), printed(&theirs), "{line}");
                assert_eq!((ours.status.code(), theirs.status.code()), (Some(0), Some(0)));
                assert!(!theirs.stdout.is_empty());
            }
        }
    }
    let requests = requests.lock().expect("requests");
    for pair in requests.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert_eq!(requests.len(), 4 * 4 * 2 * 2);
    note("lab", format!("{} requests are alike", requests.len()));
    drop(requests);

    server.set(Mode::Refuse);
    // The server needs a moment for it.
    crate::timeline::wait_for("refusal".to_owned(), Duration::from_secs(5), || {
        server.within(|| TcpStream::connect("127.0.0.1:80")).err()
    });
    for (line, said) in [
        ("-s 127.0.0.1 -p 80 -u /", "Connection failed\n"),
        ("-s 127.0.0.1 -p 80 -S -u /", "Connection failed\n"),
        ("-s 127.0.0.1 -p 8001 -u /", ""),
        (
            "-s 127.0.0.1 -p 8001 -S -u /",
            "SSL handshake/communication error connecting to\n",
        ),
    ] {
        let [theirs, ours] = both(&server, line);
        assert_eq!(printed(&theirs).0, said, "{line}");
        assert_eq!(printed(&ours).0, said, "{line}");
        // There is no MD5: here the status says so.
        assert_eq!((theirs.status.code(), ours.status.code()), (Some(0), Some(1)));
    }
    let [theirs, ours] = both(&server, "-s 127.0.0.1 -p 8001 -u /");
    assert_eq!(ours.stderr, theirs.stderr);
    assert_eq!(
        String::from_utf8_lossy(&ours.stderr),
        "no data received from remote webserver\n"
    );

    for line in [
        "",
        "-h",
        "-s web -p 80 -u /",
        "-s ::1 -p 0 -u /",
        "-s ::1 -p 80 -u / -P 2",
        "-s ::1 -p 80",
    ] {
        let [theirs, ours] = both(&server, line);
        assert_eq!(printed(&ours), printed(&theirs), "{line}");
        assert_eq!(
            (ours.status.code(), theirs.status.code()),
            (Some(1), Some(1)),
            "{line}"
        );
        assert!(!ours.stderr.is_empty());
    }
}

/// What keepalived's genhash and ours make of a command line.
fn both(node: &Node, line: &str) -> [Output; 2] {
    note("host", format!("genhash {line}"));
    ["/usr/bin/genhash", Daemon::under_test().program()].map(|program| {
        node.within(|| {
            let mut command = Command::new(program);
            command.arg0("genhash").args(line.split_ascii_whitespace());
            command.output().expect("genhash")
        })
    })
}

/// Both outputs, without the time that it took.
fn printed(output: &Output) -> (String, String) {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let timeless: Vec<String> = stdout
        .split_inclusive('\n')
        .map(|line| match line.split_once("] = ") {
            Some((head, time)) if line.starts_with("Global response time for [") => {
                format!(
                    "{head}] ={}",
                    time.trim_start_matches(|c: char| c.is_ascii_digit())
                )
            }
            _ => line.to_owned(),
        })
        .collect();
    (
        timeless.concat(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

type Requests = Arc<Mutex<Vec<String>>>;

fn listen(node: &Node, port: u16, answer: impl Fn(TcpStream) + Send + 'static) {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let listener = node.within(|| TcpListener::bind(any)).expect("a listener");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream);
        }
    });
}

fn record(node: &Node, requests: &Requests) {
    let requests = requests.clone();
    listen(node, RECORDED, move |mut stream| {
        let request = read(&mut stream);
        requests.lock().expect("requests").push(request);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine, and more");
    });
}

fn end(node: &Node) {
    listen(node, SILENT, |mut stream| {
        read(&mut stream);
    });
}

/// To the empty line, or until it is no request.
fn read(stream: &mut TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a limit");
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(length) if length > 0 => request.extend_from_slice(&part[..length]),
            _ => break,
        }
        // TLS.
        if request.first() == Some(&22) {
            break;
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}
