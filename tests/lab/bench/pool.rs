//! Ten thousand real servers: the time from the start to the complete table, and the memory once all were checked.
//!
//! One daemon after the other, each alone.

use std::fmt::Write as _;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::figure::report;
use super::process::{processor_time, report_memory};
use super::rack::{PORT, Rack, address};
use crate::scenarios::conf::GLOBAL;
use crate::site::{Daemon, Director};
use crate::timeline::note;

/// Milliseconds from the start to the complete table.
pub const TABLE: &str = "pool-table";
/// Milliseconds of processor time that the daemon had by then.
pub const TABLE_CPU: &str = "pool-table-cpu";
pub const MEMORY: &str = "pool-memory";
/// Virtual servers, and real servers of each.
pub const SERVICES: usize = 100;
pub const EACH: usize = 100;
pub const ALL: usize = SERVICES * EACH;
/// Starts of each daemon, in alternation.
pub const STARTS: usize = 3;

/// Seconds of `delay_loop`: 500 checks a second.
pub const EVERY: usize = 20;
/// A table is read this often.
const LOOK: Duration = Duration::from_millis(20);
/// Far above any start.
const LIMIT: Duration = Duration::from_secs(120);

pub fn run() {
    for start in 1..=STARTS {
        for daemon in super::DAEMONS {
            measure(daemon, start == STARTS);
        }
    }
}

fn measure(daemon: Daemon, memory: bool) {
    let (_switch, mut director, _) = super::directors(daemon, ["d1", "d2"]);
    let rack = Rack::beside(&director);
    rack.serve_all();
    director.configure(&config(SERVICES, EVERY));
    let began = Instant::now();
    director.start();
    while programmed(&director) < ALL {
        assert!(
            began.elapsed() < LIMIT,
            "{daemon:?}: {} are there",
            programmed(&director)
        );
        sleep(LOOK);
    }
    report(TABLE, daemon, 1000.0 * began.elapsed().as_secs_f64());
    report(
        TABLE_CPU,
        daemon,
        1000.0 * processor_time(&director).as_secs_f64(),
    );
    if memory {
        let asked = rack.asked();
        while rack.asked() < asked + 2 * ALL as u64 {
            assert!(began.elapsed() < LIMIT, "{daemon:?}: {} checks", rack.asked());
            sleep(Duration::from_millis(200));
        }
        note("lab", format!("{} checks", rack.asked()));
        report_memory(MEMORY, &director);
        assert_eq!(programmed(&director), ALL, "no server has failed");
    }
    director.kill();
}

/// Destinations in the kernel's table.
pub fn programmed(director: &Director) -> usize {
    let path = format!("/proc/{}/net/ip_vs", director.pid());
    let table = fs::read(path).expect("a table");
    // The heading explains two kinds of line.
    table.windows(2).filter(|octets| octets == b"->").count() - 1
}

/// So many virtual servers, whose real servers are checked every so many seconds.
pub fn config(services: usize, every: usize) -> String {
    let mut text = GLOBAL.to_owned();
    for service in 0..services {
        let _ = writeln!(
            text,
            "virtual_server 10.65.0.{} 80 {{\n    delay_loop {every}\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP",
            service + 1
        );
        for server in 0..EACH {
            let _ = writeln!(
                text,
                "    real_server {} {PORT} {{\n        weight 1\n        TCP_CHECK {{\n            \
                 connect_timeout 5\n        }}\n    }}",
                address(service * EACH + server)
            );
        }
        text.push_str("}\n");
    }
    text
}
