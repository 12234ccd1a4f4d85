//! How long `-t` takes for a large configuration: 100,000 lines, 10,000 real servers, each with a checker.
//!
//! Needs neither network nor guest: both programs are run in turn on the same file, on this machine.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::DAEMONS;
use super::figure::Figures;
use crate::site::Daemon;

pub const WALL: &str = "reading-wall";
pub const CPU: &str = "reading-cpu";
pub const LINES: usize = SERVICES * 100;
pub const REAL_SERVERS: usize = SERVICES * EACH;
const SERVICES: usize = 1_000;
const EACH: usize = 10;
/// Odd, so that the median is one of them.
const RUNS: usize = 21;

/// Runs both in turn; what one says of the file, or a status other than 0, is a failure.
pub fn measure(subject: &Path) -> Result<Figures, String> {
    let folder = std::env::temp_dir().join(format!("steadfast-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let measured = in_turn(subject, &folder);
    let _ = fs::remove_dir_all(&folder);
    measured
}

fn in_turn(subject: &Path, folder: &Path) -> Result<Figures, String> {
    let config = folder.join("large.conf");
    fs::write(&config, configuration()).map_err(|error| error.to_string())?;
    let mut figures = Figures::default();
    // The first run of each finds program and file not yet in memory.
    for round in 0..=RUNS {
        for daemon in DAEMONS {
            let program = match daemon {
                Daemon::Steadfast => subject,
                Daemon::Keepalived => Path::new(daemon.program()),
            };
            let (wall, cpu) = run(program, &config, &folder.join("said"))?;
            if round > 0 {
                figures.push(WALL, daemon, wall.as_secs_f64() * 1000.0);
                figures.push(CPU, daemon, cpu.as_secs_f64() * 1000.0);
            }
        }
    }
    Ok(figures)
}

fn run(program: &Path, config: &Path, said: &Path) -> Result<(Duration, Duration), String> {
    let out = File::create(said).map_err(|error| error.to_string())?;
    let (before, began) = (children()?, Instant::now());
    let status = Command::new(program)
        .arg("-t")
        .arg("-f")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(out)
        .status()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let (wall, after) = (began.elapsed(), children()?);
    let words = fs::read_to_string(said).unwrap_or_default();
    if !status.success() || !words.is_empty() {
        let first = words.lines().next().unwrap_or_default();
        return Err(format!("{}: {status}: {first}", program.display()));
    }
    Ok((wall, after.saturating_sub(before)))
}

/// Processor time of all children so far.
fn children() -> Result<Duration, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}

/// As an operator's tool would write it: one virtual server after the other, 100 lines each.
fn configuration() -> String {
    let mut text = String::new();
    for service in 0..SERVICES {
        let (high, low) = (service / 250, service % 250);
        let _ = write!(
            text,
            "virtual_server 10.0.{high}.{low} 80 {{\n    delay_loop 6\n    lvs_sched wrr\n    lvs_method NAT\n    \
             persistence_timeout 50\n    protocol TCP\n    quorum 2\n\n"
        );
        for server in 1..=EACH {
            let _ = write!(
                text,
                "    real_server 172.16.{low}.{server} {port} {{\n        weight 1\n        TCP_CHECK {{\n            \
                 connect_timeout 3\n            connect_port {port}\n            retry 2\n            \
                 delay_before_retry 1\n        }}\n    }}\n",
                port = 8000 + high
            );
        }
        text.push_str("}\n\n");
    }
    assert_eq!(
        text.lines().count(),
        LINES,
        "the file is as large as it is said to be"
    );
    text
}
