//! keepalived's verdicts: for every file of a set, `-t` ends with keepalived's exit code and says the same kinds of
//! things.
//!
//! The set of our own is `set/*.conf` with `verdicts.tsv`; the corpus beside the repository is judged where it is
//! present. Each file is tested alone in a directory, in a network namespace with the interfaces that it names; all of
//! it happens in a guest of the lab's, so the host's own files and privileges do not matter. `place` makes the
//! namespaces, `table` reads the verdicts, `classes` says what counts as the same, `scenarios` run a set.
//!
//! `cargo test --test compat -- --record` writes the verdicts of our set anew, as the installed keepalived gives
//! them. Rows whose witness is not a version of keepalived stay as they are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "a test program: a failed expectation is its way to report"
)]

mod classes;
mod place;
mod scenarios;
mod table;

#[path = "../lab/guest.rs"]
mod guest;
#[expect(dead_code, reason = "the lab does more with its guests")]
#[path = "../lab/host.rs"]
mod host;
#[expect(dead_code, reason = "the lab loads more modules")]
#[path = "../lab/modules.rs"]
mod modules;
#[expect(dead_code, reason = "the lab runs more commands")]
#[path = "../lab/sh.rs"]
mod sh;
#[expect(dead_code, reason = "nothing is waited for here")]
#[path = "../lab/timeline.rs"]
mod timeline;

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--guest", order @ ..] => guest::init(order),
        ["--run", scenario] => guest::run(scenario),
        ["--record"] => scenarios::record(),
        _ => trials(),
    }
}

/// One trial a set; the figures are shown as they come, whether it passes or not.
fn trials() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each set uses the processors already.
    arguments.test_threads.get_or_insert(1);
    let present =
        scenarios::all().filter(|scenario| scenario.in_tests && scenarios::data(scenario.name).exists());
    let trials = present.map(|scenario| {
        Trial::test(scenario.name, || {
            host::follow(scenario.name, |line| println!("{line}")).map_err(Failed::from)
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
