//! Commands: run one, and say all about it when it fails.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// Runs `words` and gives what it printed; panics with everything known if it fails.
#[track_caller]
pub fn run<S: AsRef<OsStr>>(words: &[S]) -> String {
    let (program, arguments) = words.split_first().expect("a program");
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", show(words)));
    assert!(
        output.status.success(),
        "{} failed: {}\n{}",
        show(words),
        output.status,
        printed(&output)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs `words` with `input`; panics with everything known if it fails.
#[track_caller]
pub fn feed<S: AsRef<OsStr>>(words: &[S], input: &str) {
    let (program, arguments) = words.split_first().expect("a program");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", show(words)));
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes())
        .expect("command input");
    let output = child.wait_with_output().expect("command output");
    assert!(
        output.status.success(),
        "{} failed: {}\n{}\ninput:\n{input}",
        show(words),
        output.status,
        printed(&output)
    );
}

fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn show<S: AsRef<OsStr>>(words: &[S]) -> String {
    words
        .iter()
        .map(|word| word.as_ref().to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
