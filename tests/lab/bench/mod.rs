//! The benchmark: steadfast and Debian's keepalived on the same network, the same configuration, in one run.
//!
//! This is its outer side: it runs the parts (`failover`, `routers`, `pair`), each in a guest of its own, and `reading` here,
//! collects their figures and prints the table. It judges nothing but that a figure could be had. `docs/benchmarks.md` says what the
//! figures mean.

pub mod burden;
pub mod checks;
pub mod death;
pub mod failover;
pub mod figure;
pub mod pair;
pub mod pool;
mod process;
mod rack;
mod reading;
pub mod reload;
pub mod routers;
mod table;
pub mod takeover;

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use figure::Figures;

use crate::host;
use crate::site::{Daemon, Director, Node, Switch};

pub const FAILOVER: &str = "bench-failover";
pub const ROUTERS: &str = "bench-routers";
pub const PAIR: &str = "bench-pair";
pub const BURDEN: &str = "bench-burden";
pub const CHECKS: &str = "bench-checks";
pub const POOL: &str = "bench-pool";
pub const DEATH: &str = "bench-death";
pub const RELOAD: &str = "bench-reload";
pub const TAKEOVER: &str = "bench-takeover";
const READING: &str = "bench-reading";

/// keepalived first: it is the measure.
const DAEMONS: [Daemon; 2] = [Daemon::Keepalived, Daemon::Steadfast];

/// The parts, and what they do.
const PARTS: &[(&str, &str)] = &[
    (FAILOVER, "kills masters"),
    (ROUTERS, "runs 200 routers"),
    (PAIR, "runs a pair that balances"),
    (
        TAKEOVER,
        "kills masters of 1,000 and 4,000 routers, and of 500 addresses",
    ),
    (
        BURDEN,
        "floods the kernel with namespaces and routes, then reads no log",
    ),
    (CHECKS, "makes 1,000 checks a second"),
    (POOL, "starts with 10,000 real servers"),
    (DEATH, "kills real servers"),
    (RELOAD, "reloads a master, and 10,000 real servers"),
    (READING, "reads a large configuration"),
];

/// Runs the parts and prints the table: all parts, or those that `wanted` names.
///
/// `LAB_BINARY` is the steadfast that is compared; the build that tests use would be none to measure.
pub fn side_by_side(wanted: &[&str]) -> ExitCode {
    let Some(subject) = std::env::var_os("LAB_BINARY").map(PathBuf::from) else {
        println!("bench: LAB_BINARY must name a release build of steadfast; make bench sees to that");
        return ExitCode::FAILURE;
    };
    if !subject.is_absolute() || !subject.exists() {
        println!(
            "bench: LAB_BINARY={}: no absolute path of a file",
            subject.display()
        );
        return ExitCode::FAILURE;
    }
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !PARTS.iter().any(|(part, _)| part == *name))
    {
        let known: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        println!("bench: no part is called {unknown}, but {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    let (heading, mut notes) = heading(&subject);
    let (mut figures, mut complete) = (Figures::default(), true);
    for (part, what) in PARTS {
        if !wanted.is_empty() && !wanted.contains(part) {
            continue;
        }
        println!("bench: {what} ({part}) ...");
        let began = Instant::now();
        let (found, verdict) = if *part == READING {
            match reading::measure(&subject) {
                Ok(figures) => (figures, Ok(())),
                Err(why) => (Figures::default(), Err(why)),
            }
        } else {
            measure(part)
        };
        println!("bench: ... {:.0} s", began.elapsed().as_secs_f64());
        figures.add(found);
        if let Err(why) = verdict {
            complete = false;
            println!("bench: {part} FAILED: {why}");
            notes.push(format!("{part} failed: its figures are not complete."));
        } else if *part != READING && !host::runs_on_host(part) {
            notes.push(format!(
                "{part} ran on user-mode Linux: take its times for those of a slow machine."
            ));
        }
    }
    println!("\n{heading}\n");
    print!("{}", table::render(&figures));
    notes.extend(table::doubts(&figures));
    for note in notes {
        println!("Note: {note}");
    }
    if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs one part and reads its figures from the timeline.
fn measure(part: &str) -> (Figures, Result<(), String>) {
    let figures = Mutex::new(Figures::default());
    let verdict = host::follow(part, |line| figures.lock().expect("figures").read(line));
    (figures.into_inner().expect("figures"), verdict)
}

/// Who is compared, and where; with a note if this machine has much else to do.
fn heading(subject: &Path) -> (String, Vec<String>) {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    let load = load.split_whitespace().next().unwrap_or("unknown");
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let busy = load.parse::<f64>().is_ok_and(|load| load > 0.5 * cores as f64);
    let notes = busy.then(|| format!("the machine was busy (load {load}): repeat this when it is not."));
    let heading = format!(
        "{} side by side with {}\non {cores} cores, Linux {}, load {load} at the start",
        version(subject),
        version(Path::new(Daemon::Keepalived.program())),
        kernel.trim(),
    );
    (heading, notes.into_iter().collect())
}

/// The first line of what a daemon says of itself.
fn version(program: &Path) -> String {
    let Ok(output) = Command::new(program).arg("--version").output() else {
        return program.display().to_string();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    // Our first line is keepalived's, for the tools that parse it; who we are follows.
    if let Some((_, own)) = text.split_once("This is ") {
        return own.split(',').next().unwrap_or(own).to_owned();
    }
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("?");
    line.split(" (").next().unwrap_or(line).trim().to_owned()
}

/// Two directors that run `daemon`, alone on a switch that nobody else watches or uses.
fn directors(daemon: Daemon, names: [&str; 2]) -> (Switch, Director, Director) {
    let switch = Switch::new();
    let [first, second] = names.map(Node::new);
    switch.join(&[(&first, 1), (&second, 2)], 1);
    let [mut first, mut second] = [first, second].map(Director::new);
    (first.daemon, second.daemon) = (daemon, daemon);
    (switch, first, second)
}
