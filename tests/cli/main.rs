//! The program's command line as tools see it: what it prints where, and its exit status (facts cli 1, 2).

#![expect(clippy::expect_used, reason = "a test that cannot go on")]
#![expect(clippy::disallowed_methods, reason = "a test that waits for another process")]

mod facts;
mod options;
mod plan;
mod reload;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(args)
        .stdin(Stdio::null())
        .output();
    split(&output.expect("the program starts"))
}

fn split(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn bad_options_are_named_on_standard_error() {
    assert_eq!(
        run(&["-Z", "--foo"]),
        (
            Some(1),
            String::new(),
            "Unknown option -Z\nUnknown option --foo\n".into()
        )
    );
    assert_eq!(
        run(&["-n", "-f"]),
        (Some(1), String::new(), "Missing parameter for option -f\n".into())
    );
}

/// The Ansible role takes the version from the first line of standard error, the exporter splits it at blanks and
/// wants a second line.
#[test]
fn tools_can_read_the_version() {
    let (code, stdout, stderr) = run(&["-v"]);
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    let words: Vec<_> = stderr.lines().next().expect("a line").split(' ').collect();
    assert_eq!(words.len(), 3);
    assert_eq!(words[0], "Keepalived");
    let version: Vec<u32> = words[1]
        .strip_prefix('v')
        .expect("v")
        .split('.')
        .map(|part| part.parse().expect("number"))
        .collect();
    assert!(version >= vec![2, 0, 4]);
    assert!(stderr.contains("steadfast"));
    assert!(stderr.lines().count() > 1);
}

#[test]
fn the_help_names_options() {
    let (code, stdout, stderr) = run(&["--help"]);
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    assert!(stderr.contains("--dont-fork") && stderr.contains("-t, --config-test"));
}

#[test]
fn signal_numbers_are_those_of_this_system() {
    for (name, number) in [("STOP", "15"), ("RELOAD", "1"), ("DATA", "10"), ("STATS", "12")] {
        assert_eq!(
            run(&["--signum", name]),
            (Some(0), format!("{number}\n"), String::new())
        );
    }
    let (code, stdout, _) = run(&["--signum=STATS_CLEAR"]);
    assert_eq!((code, stdout), (Some(0), format!("{}\n", libc::SIGRTMAX() - 1)));
    assert_eq!(
        run(&["--signum=X"]),
        (Some(1), String::new(), "Unknown sigfunc X\n".into())
    );
}

/// LVS facts: 21.1, 21.2, 21.4
#[test]
fn genhash_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let port = port.to_string();
    let server = std::thread::spawn(move || {
        for stream in listener.incoming().take(3) {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 1024];
            let length = stream.read(&mut request).expect("a request");
            assert!(request[..length].starts_with(b"GET /a HTTP/1.0\r\n"));
            stream
                .write_all(b"HTTP/1.0 503 no\r\n\r\nhello")
                .expect("an answer");
        }
    });
    let genhash = |name: &str, words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
        let output = command.arg0(name).args(words).output();
        split(&output.expect("the program starts"))
    };
    let page = ["-s", "127.0.0.1", "-p", &port, "-u", "/a"];
    let hash = "5d41402abc4b2a76b9719d911017c592\n";
    let good = (Some(0), hash.to_owned(), String::new());
    assert_eq!(genhash("/usr/bin/genhash", &page), good);
    assert_eq!(genhash("steadfast", &[&["genhash"], &page[..]].concat()), good);
    assert_eq!(genhash("steadfast", &[&["-T"], &page[..]].concat()), good);
    server.join().expect("a server");
    // A port that is taken and at which nobody listens: of the listener a process that is just being started by another test
    // may still have a copy.
    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    nobody.bind(&any.into()).expect("a port");
    let taken = nobody.local_addr().ok().and_then(|it| it.as_socket());
    let port = taken.expect("an address").port().to_string();
    let page = ["-s", "127.0.0.1", "-p", &port, "-u", "/a"];
    let (code, stdout, stderr) = genhash("genhash", &page);
    assert_eq!((code, stdout.as_str()), (Some(1), "Connection failed\n"));
    assert_eq!(stderr, "connection refused\n");
    let (code, stdout, stderr) = genhash("genhash", &["-s", "x"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("server should be an IP, not x\nUsage: genhash "));
}

/// Nobody has to listen: a closed pipe is no panic.
#[test]
fn a_closed_pipe_does_not_matter() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .arg("--help")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

/// A directory of a test's own, which goes with it.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("steadfast-cli-{name}-{}", std::process::id()));
        fs::create_dir(&dir).expect("a new directory");
        Self(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).expect("a file");
        self.path(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    /// The daemon on `config` with all its pid files in here.
    fn daemon(&self, config: &str) -> Vec<String> {
        let words = ["--no-syslog", "--no_bfd", "--use-file", config];
        let mut words: Vec<String> = words.map(ToOwned::to_owned).to_vec();
        for (option, file) in [("-p", "main.pid"), ("-r", "vrrp.pid"), ("-c", "checkers.pid")] {
            words.extend([option.to_owned(), self.path(file)]);
        }
        words
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run_owned(args: &[String], more: &[&str]) -> (Option<i32>, String, String) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    run(&[&args[..], more].concat())
}

/// Waits, within reason, until `probe` gives something.
fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "waited in vain for {what}"
        );
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_cannot_be_run_gives_keepaliveds_exit_status() {
    let dir = Dir::new("status");
    let foreground = ["--dont-fork", "--log-console"];
    let (code, _, stderr) = run_owned(&dir.daemon(&dir.path("missing.conf")), &foreground);
    assert_eq!(code, Some(6), "{stderr}");
    assert!(stderr.contains("Config files missing"), "{stderr}");
    let broken = dir.write(
        "broken.conf",
        "global_defs {\n    router_id lab\n}\nvrrp_instance VI_1 {\n    priority\n}\n",
    );
    let (code, _, stderr) = run_owned(&dir.daemon(&broken), &foreground);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains(&format!("({broken}: Line 5)")), "{stderr}");
    // Who starts it for the background is told too.
    assert_eq!(run_owned(&dir.daemon(&broken), &[]).0, Some(2));
    assert!(!dir.0.join("main.pid").exists());
}

/// A daemon with nothing to do needs no privilege.
#[test]
fn one_daemon_for_each_pid_file() {
    let dir = Dir::new("once");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    let mut first = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(&words)
        .arg("--dont-fork")
        .spawn()
        .expect("the program starts");
    let own = format!("{}\n", first.id());
    let files = ["main.pid", "vrrp.pid", "checkers.pid"];
    wait_for("the pid files", || {
        files.iter().all(|file| dir.read(file) == own).then_some(())
    });
    let (code, _, stderr) = run_owned(&words, &["--dont-fork", "--log-console"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("daemon is already running"), "{stderr}");
    assert_eq!(run_owned(&words, &[]).0, Some(0), "for the background");
    assert_eq!(
        files.map(|file| dir.read(file)),
        [own.as_str(); 3],
        "nothing has changed"
    );
    assert!(first.try_wait().expect("a child").is_none(), "the first goes on");

    terminate(&own);
    assert_eq!(first.wait().expect("an end").code(), Some(0));
    for file in files {
        assert!(!dir.0.join(file).exists(), "{file} is left over");
    }
}

#[test]
fn the_starter_of_a_background_daemon_returns() {
    let dir = Dir::new("background");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    assert_eq!(run_owned(&words, &[]), (Some(0), String::new(), String::new()));
    let own = wait_for("a pid", || {
        Some(dir.read("main.pid")).filter(|text| text.ends_with('\n'))
    });
    assert_eq!(dir.read("vrrp.pid"), own);
    terminate(&own);
    wait_for("the end", || (!dir.0.join("main.pid").exists()).then_some(()));
}

/// Sends SIGTERM to the process of a pid file.
fn terminate(content: &str) {
    signal(Signal::SIGTERM, content);
}

fn signal(what: Signal, content: &str) {
    let pid: i32 = content.trim().parse().expect("a pid");
    kill(Pid::from_raw(pid), what).expect("a running daemon");
}

#[test]
fn what_dump_conf_prints_is_a_configuration_that_prints_the_same() {
    let dir = Dir::new("print");
    let text = "global_defs {\n    router_id lab\n}\nvirtual_server 192.0.2.1 80 {\n    delay_loop 3\n    lb_algo wrr\n    \
        lb_kind DR\n    protocol TCP\n    real_server 192.0.2.11 80 {\n        weight 2\n        TCP_CHECK {\n        }\n    }\n}\n";
    let (code, first, stderr) = run(&["-t", "--dump-conf", "-f", &dir.write("a.conf", text)]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(first.contains("192.0.2.11") && first.contains("wrr"), "{first}");
    let (code, second, stderr) = run(&["-t", "--dump-conf", "-f", &dir.write("b.conf", &first)]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(first, second);
}

#[test]
fn a_tool_reads_what_the_test_says() {
    let dir = Dir::new("json");
    let file = dir.write("a.conf", "vrrp_instance A {\n    prioritty 1\n}\n");
    let json = ["-t", "--format", "json", "-f", &file];
    let (code, stdout, stderr) = run(&json);
    assert_eq!((code, stderr.as_str()), (Some(5), ""));
    let read: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(read["exit"], 5);
    let found = read["diagnostics"].as_array().expect("a list");
    let first = found
        .iter()
        .find(|one| one["class"] == "unknown-keyword")
        .expect("it is named");
    assert_eq!(
        (&first["line"], &first["column"], &first["length"]),
        (&2.into(), &5.into(), &9.into())
    );
    assert_eq!(
        (first["class"].as_str(), first["file"].as_str()),
        (Some("unknown-keyword"), Some(file.as_str()))
    );
    // Into the file for messages, if there is one; with the configuration, if that is wanted.
    let log = format!("--config-test={}", dir.path("log"));
    assert_eq!(
        run(&[&log, "-d", "--format", "json", "-f", &file]),
        (Some(5), String::new(), String::new())
    );
    let read: serde_json::Value = serde_json::from_str(&dir.read("log")).expect("JSON");
    assert!(read["configuration"].is_string());
}

#[test]
fn what_only_we_say_counts_when_it_shall() {
    let dir = Dir::new("strict");
    let file = dir.write("a.conf", "global_defs {\n    random_seed 3\n}\n");
    let clean = dir.write("b.conf", "global_defs {\n    router_id lab\n}\n");
    let (code, _, stderr) = run(&["-t", "-f", &file]);
    assert_eq!(code, Some(0));
    assert!(stderr.contains("random_seed"), "{stderr}");
    assert_eq!(run(&["-t", "--strict", "-f", &file]).0, Some(5));
    assert_eq!(run(&["-t", "--strict", "-f", &clean]).0, Some(0));
}

#[test]
fn the_effective_configuration_is_shown() {
    let dir = Dir::new("show");
    let file = dir.write("a.conf", "global_defs {\n    router_id lab\n}\n@lb1 prioritty\n");
    let (code, stdout, stderr) = run(&["config", "show", "-i", "lb2", &file]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("router_id lab"), "{stdout}");
    assert_eq!(run(&["-t", "-d", "-f", &file]).1, stdout);
    let (code, _, stderr) = run(&["config", "show", "-i", "lb1", &file]);
    assert_eq!(code, Some(5));
    assert!(stderr.contains("prioritty"), "{stderr}");
    let (code, _, stderr) = run(&["config", "show", &dir.path("missing")]);
    assert_eq!(code, Some(6));
    assert!(stderr.contains("missing"), "{stderr}");
}

#[test]
fn the_schema_is_one_document() {
    let (code, stdout, stderr) = run(&["config", "schema"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["properties"]["vrrp_instance"].is_object());
}

#[test]
fn files_are_formatted() {
    let dir = Dir::new("fmt");
    let good = dir.write("good.conf", "global_defs {\n    router_id lab\n}\n");
    let wide = dir.write("wide.conf", "global_defs{ router_id   lab }\n");
    let torn = dir.write("torn.conf", "global_defs {\n");
    let text = dir.read("good.conf");
    assert_eq!(
        run(&["config", "fmt", &wide]),
        (Some(0), text.clone(), String::new())
    );
    assert_eq!(
        run(&["config", "fmt", "--check", &good, &wide]),
        (Some(1), format!("{wide}\n"), String::new())
    );
    let (code, stdout, stderr) = run(&["config", "fmt", "--write", &torn, &wide]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert_eq!(
        stderr,
        format!("{torn}: line 1: there is no '}}' for this '{{'\n")
    );
    assert_eq!(
        (dir.read("wide.conf"), dir.read("torn.conf")),
        (text.clone(), "global_defs {\n".into())
    );
    // From standard input.
    let mut child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["config", "fmt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"global_defs\n{\nrouter_id lab\n}").expect("written");
    drop(stdin);
    assert_eq!(split(&child.wait_with_output().expect("an end")).1, text);
}

/// A daemon that took the host's own network for that of its namespace would fight for addresses with another one.
#[test]
fn a_configured_namespace_is_entered_or_nothing_is_done() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("namespace.conf");
    fs::write(&file, "net_namespace no-such-namespace\n").expect("written");
    let file = file.to_str().expect("text");
    let (code, stdout, stderr) = run(&["-t", "-f", file]);
    // keepalived's status here; its daemon would not start either.
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    assert!(
        stderr.starts_with("Unable to enter network namespace no-such-namespace: "),
        "{stderr}"
    );
}
