//! The lab: the daemon on a real kernel with IPVS, with other directors, real servers and a client around it.
//!
//! One program in several roles. On the host (`cargo test --test lab`) every scenario is a trial that boots a guest of
//! its own; inside, the same program is the guest's init and then the scenario itself. `host` starts guests, `guest`
//! is what runs in them, `site` builds the network, `wire` watches it, `scenarios` say what must happen.

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
    reason = "a test program: a failed expectation is its way to report, and it reads the clocks it measures"
)]

mod guest;
mod host;
mod modules;
mod scenarios;
mod sh;
mod site;
mod timeline;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--guest", order @ ..] => guest::init(order),
        ["--run", scenario] => guest::run(scenario),
        ["--describe"] => host::describe(),
        ["--show", scenario] => host::show(scenario),
        ["--capture-vectors", directory] => host::capture_vectors(directory),
        _ => host::trials(),
    }
}
