use super::*;
use crate::sys::testing::TempDir;
use std::os::unix::net::UnixDatagram;
use tracing::{debug, error, info, trace};

/// A syslog of our own.
struct Server {
    socket: UnixDatagram,
    dir: TempDir,
}

impl Server {
    fn new() -> Self {
        let dir = TempDir::new();
        let socket = UnixDatagram::bind(dir.path("log")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { socket, dir }
    }

    fn settings(&self, detail: u8) -> Settings {
        Settings {
            console: false,
            syslog: Some(3),
            socket: self.dir.path("log"),
            detail,
        }
    }

    /// The next line without time and pid.
    fn next(&self) -> String {
        let mut buffer = [0; 10_000];
        let length = self.socket.recv(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        let (priority, rest) = text.split_at(text.find('>').unwrap() + 1);
        let (tag, message) = rest
            .split_at("Nov 21 12:00:00 ".len())
            .1
            .split_once(": ")
            .unwrap();
        format!("{priority}{}: {message}", tag.split('[').next().unwrap())
    }
}

fn with_log(settings: &Settings, capacity: usize, scene: impl FnOnce(&Guard)) {
    let (layer, guard) = layer(settings, capacity).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || scene(&guard));
}

#[test]
fn identities_levels_and_fields() {
    let server = Server::new();
    with_log(&server.settings(1), 100, |guard| {
        guard.name(Some("blue"), None);
        guard.name(None, Some("never"));
        info!(target: "vrrp", "(VI_1) Entering MASTER STATE");
        error!(target: "check", port = 80, "no\u{1b}[2J way");
        info!(target: "bfd", "(one) Entering Up state");
        debug!("detail");
        trace!("more detail");
        error!(target: "h2::codec", "foreign trouble");
        info!(target: "h2::codec", "foreign chatter");
        info!(target: "daemon", "one\ntwo");
    });
    assert_eq!(
        server.next(),
        "<30>Keepalived_vrrp_blue: (VI_1) Entering MASTER STATE"
    );
    assert_eq!(
        server.next(),
        "<27>Keepalived_healthcheckers_blue: no\\u{1b}[2J way port=80"
    );
    assert_eq!(server.next(), "<30>Keepalived_bfd_blue: (one) Entering Up state");
    assert_eq!(server.next(), "<30>Keepalived_blue: detail");
    assert_eq!(server.next(), "<27>Keepalived_blue: foreign trouble");
    assert_eq!(server.next(), "<30>Keepalived_blue: one");
    assert_eq!(server.next(), "<30>Keepalived_blue: two");
}

#[test]
fn twice_detailed() {
    let server = Server::new();
    with_log(&server.settings(2), 100, |_| trace!("more detail"));
    assert_eq!(server.next(), "<30>Keepalived: more detail");
}

/// The writer stands still (its syslog takes nothing), so the queue overflows: nobody waits, and it is said.
#[test]
fn a_full_queue_drops_and_says_so() {
    let server = Server::new();
    let started = crate::sys::clock::now();
    with_log(&server.settings(0), 8, |guard| {
        // The kernel's queue of a datagram socket is short; the writer waits when it is full.
        for n in 0..5000 {
            info!("line {n}");
        }
        assert!(guard.dropped() > 0);
        assert!(crate::sys::clock::now().since(started) < Duration::from_millis(900));
        let mut seen = 0;
        loop {
            let line = server.next();
            if line.contains("log lines were dropped") {
                assert!(line.starts_with("<28>Keepalived: "), "{line}");
                break;
            }
            seen += 1;
            assert!(seen <= 5000);
        }
    });
}

#[test]
fn the_end_waits_for_the_lines_but_not_for_ever() {
    let server = Server::new();
    with_log(&server.settings(0), 4096, |_| {
        for n in 0..5 {
            info!("line {n}");
        }
    });
    // All of them were written when the guard was gone.
    server.socket.set_nonblocking(true).unwrap();
    for n in 0..5 {
        assert_eq!(server.next(), format!("<30>Keepalived: line {n}"));
    }

    let stuck = Server::new();
    let started = crate::sys::clock::now();
    with_log(&stuck.settings(0), 4096, |_| {
        for n in 0..4000 {
            info!("line {n}");
        }
    });
    assert!(crate::sys::clock::now().since(started) < FLUSH + Duration::from_secs(5));
}

#[test]
fn where_lines_go() {
    let of = |line: &str| {
        let args = line.split(' ').map(std::ffi::OsString::from);
        let settings = Settings::from(&crate::cli::parse(args).unwrap().options);
        (settings.console, settings.syslog, settings.detail)
    };
    assert_eq!(of("steadfast"), (false, Some(3), 0));
    assert_eq!(of("steadfast -l"), (false, Some(3), 0), "a daemon has no console");
    assert_eq!(of("steadfast -nlDD -S 1"), (true, Some(17), 2));
    assert_eq!(of("steadfast -nlG"), (true, None, 0));
    assert_eq!(of("steadfast -nlt"), (false, None, 0));
}
