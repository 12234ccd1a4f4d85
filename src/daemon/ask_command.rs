//! Commands that ask the daemon that runs: `steadfast reload`, and `steadfast plan` of what runs.

use super::exit::FAILED;
use super::socket::protocol::{Answer, Request};
use super::socket::{beside, client};
use crate::cli::reload::{Daemon, Wanted};
use crate::cli::{self, Format};
use serde_json::Value;
use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where daemons have their main pid files, unless told otherwise: without and with a directory of their own.
const USUAL: (&str, &str) = ("/run/keepalived.sock", "/run/keepalived");

/// `steadfast reload`: has it done, and gives the exit status.
pub(super) fn reload(wanted: &Wanted) -> ExitCode {
    let request = Request::Reload {
        require_hitless: wanted.require_hitless,
        wait: wanted.wait,
    };
    ask(&wanted.daemon, &request, wanted.format)
}

/// Asks, shows the answer, and gives its status.
pub(super) fn ask(daemon: &Daemon, request: &Request, format: Format) -> ExitCode {
    let answer = socket_of(daemon).and_then(|path| client::ask(&path, request));
    let shown = answer.and_then(|answer| {
        let shown = match format {
            Format::Json => match answer
                .get("plan")
                .filter(|_| matches!(request, Request::Plan { .. }))
            {
                // The document that there is between two files.
                Some(plan) => {
                    writeln!(io::stdout(), "{plan:#}").and_then(|()| complain(&answer, &mut io::stderr()))
                }
                None => io::stdout().write_all(answer.document().as_bytes()),
            },
            Format::Text => show(&answer, &mut io::stdout(), &mut io::stderr()),
        };
        shown
            .map(|()| answer.status())
            .map_err(|error| format!("The answer cannot be written: {error}"))
    });
    ExitCode::from(shown.unwrap_or_else(|why| {
        cli::print("", &format!("{why}\n"));
        FAILED
    }))
}

/// What came of it on `out`; what is wrong on `err`.
fn show(answer: &Answer, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    err.write_all(answer.text("messages").unwrap_or_default().as_bytes())?;
    out.write_all(answer.text("text").unwrap_or_default().as_bytes())?;
    for transition in list(answer, "transitions") {
        let word = |name: &str| transition.get(name).and_then(Value::as_str).unwrap_or_default();
        writeln!(out, "{}: {} -> {}", word("instance"), word("from"), word("to"))?;
    }
    for failure in list(answer, "failures") {
        let word = |name: &str| failure.get(name).and_then(Value::as_str).unwrap_or_default();
        writeln!(err, "refused: {}: {}", word("what"), word("why"))?;
    }
    complain(answer, err)
}

fn complain(answer: &Answer, err: &mut dyn Write) -> io::Result<()> {
    match answer.text("error") {
        Some(why) => writeln!(err, "{why}"),
        None => Ok(()),
    }
}

fn list<'a>(answer: &'a Answer, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The socket of the daemon that is meant.
fn socket_of(daemon: &Daemon) -> Result<PathBuf, String> {
    if let Some(socket) = &daemon.socket {
        return Ok(socket.clone());
    }
    if let Some(pid_file) = &daemon.pid_file {
        return Ok(beside(pid_file));
    }
    let (plain, directory) = USUAL;
    only_one(Path::new(plain), Path::new(directory))
}

/// The one socket at these places that somebody listens to.
fn only_one(plain: &Path, directory: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let others = entries.map(|entry| entry.path());
    let others = others.filter(|path| path.extension().is_some_and(|end| end == "sock"));
    let mut found: Vec<_> = std::iter::once(plain.to_owned())
        .chain(others)
        .filter(|path| is_heard(path))
        .collect();
    found.sort();
    match (found.pop(), found.as_slice()) {
        (None, _) => Ok(plain.to_owned()),
        (Some(one), []) => Ok(one),
        (Some(last), others) => {
            let all = others
                .iter()
                .chain([&last])
                .map(|path| path.display().to_string());
            Err(format!(
                "Several daemons run here: --socket says which is meant: {}",
                all.collect::<Vec<_>>().join(", ")
            ))
        }
    }
}

/// Whether there is somebody, who may yet be of no use to us.
fn is_heard(path: &Path) -> bool {
    match UnixStream::connect(path) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::TempDir;
    use serde_json::json;
    use std::os::unix::net::UnixListener;

    #[test]
    fn the_daemon_that_runs_is_found_and_of_several_one_must_be_named() {
        let dir = TempDir::new();
        let (plain, other) = (dir.path("keepalived.sock"), dir.path("of/keepalived_one.sock"));
        dir.file("of/keepalived_one.pid", "1");
        let find = || only_one(&plain, &dir.path("of"));
        assert_eq!(find(), Ok(plain.clone()), "to say that nobody is there");
        // Left by one that was killed.
        drop(UnixListener::bind(&plain).unwrap());
        let _one = UnixListener::bind(&other).unwrap();
        assert_eq!(find(), Ok(other.clone()));
        std::fs::remove_file(&plain).unwrap();
        let _two = UnixListener::bind(&plain).unwrap();
        let why = find().unwrap_err();
        assert!(
            why.contains(plain.to_str().unwrap()) && why.contains(other.to_str().unwrap()),
            "{why}"
        );
        let given = |pid_file: Option<&str>, socket: Option<&str>| {
            let (pid_file, socket) = (pid_file.map(Into::into), socket.map(Into::into));
            socket_of(&Daemon { pid_file, socket }).unwrap()
        };
        assert_eq!(given(Some("/x/one.pid"), None), Path::new("/x/one.sock"));
        assert_eq!(given(None, Some("/x/two")), Path::new("/x/two"));
    }

    #[test]
    fn people_are_shown_what_happened_and_what_did_not() {
        let answer = Answer::new(1)
            .with("messages", "warning: odd\n")
            .with("text", "one object changes\n")
            .with(
                "transitions",
                json!([{ "instance": "VI_1", "from": "BACKUP", "to": "MASTER" }]),
            )
            .with(
                "failures",
                json!([{ "part": "vrrp", "what": "192.0.2.1/24", "why": "no" }]),
            )
            .with("error", "a part was refused");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        show(&answer, &mut out, &mut err).unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        assert_eq!(text(out), "one object changes\nVI_1: BACKUP -> MASTER\n");
        assert_eq!(
            text(err),
            "warning: odd\nrefused: 192.0.2.1/24: no\na part was refused\n"
        );
        let document: Value = serde_json::from_str(&answer.document()).unwrap();
        assert!(document.get("text").is_none() && document.get("failures").is_some());
    }
}
