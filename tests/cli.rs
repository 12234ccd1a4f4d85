//! The program's command line as tools see it: what it prints where, and its exit status (facts cli 1, 2).

#![expect(clippy::expect_used, reason = "a test that cannot go on")]

use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

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

#[test]
fn genhash_by_its_name() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
    let output = command
        .arg0("/usr/bin/genhash")
        .args(["-s", "x"])
        .output()
        .expect("the program starts");
    let (code, _, stderr) = split(&output);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("genhash"));
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

/// A daemon that took the host's own network for that of its namespace would fight for addresses with another one.
#[test]
fn a_configured_namespace_is_entered_or_nothing_is_done() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("namespace.conf");
    std::fs::write(&file, "net_namespace no-such-namespace\n").expect("written");
    let file = file.to_str().expect("text");
    let (code, stdout, stderr) = run(&["-t", "-f", file]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(
        stderr.starts_with("Unable to enter network namespace no-such-namespace: "),
        "{stderr}"
    );
}
