//! Reloads: how late a master's adverts get, and what one changed weight among 10,000 real servers costs.
//!
//! One daemon after the other, each alone, in alternation. A reload is over when the kernel's table has what it changes: both
//! daemons show that in the same way.

use std::fs;
use std::io::Read as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::figure::report;
use super::pool;
use super::process::processor_time;
use super::rack::{PORT, Rack, address};
use crate::scenarios::conf::{Instance, vip};
use crate::site::{Daemon, Director};
use crate::timeline::{Stamp, note, wait_for};

/// Milliseconds between two adverts at most, during many reloads.
pub const GAP: &str = "reload-gap";
/// Milliseconds from SIGHUP to the changed weight in the kernel's table.
pub const WRITE: &str = "reload-write";
/// Milliseconds of processor time that a reload takes.
pub const CPU: &str = "reload-cpu";
/// Milliseconds of processor time a second while there is next to nothing to do.
pub const REST: &str = "reload-rest";
/// Milliseconds between adverts.
pub const INTERVAL: u32 = 100;
/// Reloads under which adverts are watched, of each daemon.
pub const RELOADS: usize = 20;
/// Reloads of 10,000 real servers, of each daemon.
pub const ROUNDS: u32 = 3;

/// How much longer than others it may take: keepalived needs most of a minute for each reload of 10,000 servers.
pub const MORE_TIME: Duration = Duration::from_secs(300);

/// Servers beside the instance.
const BESIDE: usize = 1000;
/// Far above any reload.
const LIMIT: Duration = Duration::from_secs(180);
/// Seconds of `delay_loop` where checks are not to be in the figures.
const SELDOM: usize = 600;
/// What a reload sets off is over by then.
const SETTLED: Duration = Duration::from_secs(5);

pub fn run() {
    for daemon in super::DAEMONS {
        adverts(daemon);
    }
    for daemon in super::DAEMONS {
        weights(daemon);
    }
}

/// The longest gap of a master's adverts while it is reloaded again and again.
fn adverts(daemon: Daemon) {
    let (switch, mut director, _) = super::directors(daemon, ["d1", "d2"]);
    let wire = switch.capture_quietly();
    let rack = Rack::beside(&director);
    rack.serve_all();
    let instance = Instance {
        priority: 150,
        interval: INTERVAL,
        ..Instance::default()
    };
    let text = format!("{}{instance}", pool::config(BESIDE / pool::EACH, pool::EVERY));
    director.run_with(&text);
    director.wait_holds(vip(), LIMIT);
    wait_for("every server is asked", LIMIT, || {
        (rack.asked() > BESIDE as u64).then_some(())
    });
    sleep(SETTLED);
    let table = Table::of(&director);
    let began = Stamp::now();
    for number in 0..RELOADS {
        let weight = 2 + number as u32 % 2;
        reload(&director, &table, &text, weight);
        // Whoever is not done with it yet is left some time, as by an operator.
        sleep(Duration::from_millis(500));
    }
    report(GAP, daemon, wire.longest_gap("d1", began, Stamp::now()));
    director.kill();
}

/// One weight among very many.
fn weights(daemon: Daemon) {
    let (_switch, mut director, _) = super::directors(daemon, ["d1", "d2"]);
    let rack = Rack::beside(&director);
    rack.serve_all();
    let text = pool::config(pool::SERVICES, SELDOM);
    director.run_with(&text);
    wait_for("the whole table", LIMIT, || {
        (pool::programmed(&director) == pool::ALL).then_some(())
    });
    let table = Table::of(&director);
    for round in 0..ROUNDS {
        sleep(SETTLED);
        let usual = cpu_of(&director, || sleep(SETTLED));
        report(
            REST,
            daemon,
            1000.0 * usual.0.as_secs_f64() / usual.1.as_secs_f64(),
        );
        let used = cpu_of(&director, || {
            let took = reload(&director, &table, &text, 2 + round);
            report(WRITE, daemon, 1000.0 * took.as_secs_f64());
            sleep(SETTLED);
        });
        // The few checks that go on meanwhile are not the reload's.
        let lasted = used.1.as_secs_f64() / usual.1.as_secs_f64();
        let own = used.0.as_secs_f64() - lasted * usual.0.as_secs_f64();
        report(CPU, daemon, 1000.0 * own);
    }
    director.kill();
}

/// The processor time of a daemon during `what`, and how long that was.
fn cpu_of(director: &Director, what: impl FnOnce()) -> (Duration, Duration) {
    let (began, before) = (Instant::now(), processor_time(director));
    what();
    (processor_time(director) - before, began.elapsed())
}

/// Gives the first server of the table another weight; how long after the signal the kernel has it.
fn reload(director: &Director, table: &Table, text: &str, weight: u32) -> Duration {
    let server = format!(
        "real_server {} {PORT} {{\n        weight 1\n",
        address(table.server)
    );
    let changed = server.replace("weight 1", &format!("weight {weight}"));
    assert!(text.contains(&server), "{server}");
    director.configure(&text.replacen(&server, &changed, 1));
    let began = Instant::now();
    kill(director.main(), Signal::SIGHUP).expect("a running daemon");
    while table.weight(director) != Some(weight) {
        assert!(began.elapsed() < LIMIT, "{:?}: the weight stays", director.daemon);
        sleep(Duration::from_millis(1));
    }
    let took = began.elapsed();
    note("lab", format!("{:?}: {} us", director.daemon, took.as_micros()));
    took
}

/// The first server of the kernel's table, wherever its hashing puts it: to look at it alone is cheap.
struct Table {
    server: usize,
    /// As the kernel writes it.
    shown: String,
}

impl Table {
    fn of(director: &Director) -> Self {
        let head = head(director);
        let shown = head
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("-> "));
        // The heading has such a line, too.
        let shown = shown.filter_map(|line| line.split_whitespace().next()).nth(1);
        let shown = shown.expect("a server").to_owned();
        let digits = shown.split(':').next().expect("an address");
        let digits = u32::from_str_radix(digits, 16).expect("hexadecimal digits");
        let known =
            (0..pool::ALL).find(|number| address(*number) == std::net::IpAddr::from(digits.to_be_bytes()));
        Self {
            server: known.expect("a server of the rack"),
            shown,
        }
    }

    fn weight(&self, director: &Director) -> Option<u32> {
        let head = head(director);
        let line = head.lines().find(|line| line.contains(&self.shown))?;
        line.split_whitespace().nth(3)?.parse().ok()
    }
}

/// The beginning of the kernel's table.
fn head(director: &Director) -> String {
    let mut table = fs::File::open(format!("/proc/{}/net/ip_vs", director.pid())).expect("a table");
    let mut part = [0; 1024];
    // One read gives as many whole services as there is room for, at first the heading alone.
    table.read_exact(&mut part).expect("a table");
    String::from_utf8_lossy(&part).into_owned()
}
