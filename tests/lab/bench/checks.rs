//! A thousand checks a second: what each costs, and whether a master's adverts are on time meanwhile.
//!
//! One daemon at a time, in alternation: both at once would be more than a slow machine makes. Checks are counted where they arrive.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::figure::report;
use super::process::processor_time;
use super::rack::{PORT, Rack, address};
use crate::scenarios::conf::{GLOBAL, Instance, vip};
use crate::site::{Daemon, Director, Switch};
use crate::timeline::{Stamp, note, wait_for};
use crate::wire::Capture;

/// Microseconds of processor time a check; then comes the kind.
pub const CPU: &str = "check-cpu-";
/// Checks a second that were made.
pub const RATE: &str = "check-rate-";
/// Milliseconds, the interval itself among them.
pub const GAP: &str = "check-gap-";
/// Milliseconds by which our thread of VRRP was late at most, as it says itself; keepalived does not.
pub const LATENESS: &str = "check-lateness-";
/// The kinds, and the settings of each.
pub const KINDS: [(&str, &str); 2] = [
    ("TCP_CHECK", ""),
    ("HTTP_GET", "url {\n path /\n status_code 200\n }\n"),
];
/// Checks a second that are due: so many servers, each asked every second.
pub const DUE: usize = 1000;
/// Milliseconds between adverts.
pub const INTERVAL: u32 = 100;
/// More would mean that checks hold up VRRP: a backup takes over after three intervals. Slow and busy machines
/// delay any thread by some of it.
const MOST_LATE: f64 = 2.0 * INTERVAL as f64;

/// Servers of a virtual server.
const EACH: usize = 100;
/// How long is counted.
const COUNTED: Duration = Duration::from_secs(10);
/// How often, for each kind and daemon.
const ROUNDS: usize = 2;
/// First checks are spread over a second, after another one; connections that were slow at first are over.
const SETTLED: Duration = Duration::from_secs(5);
/// Far above any start.
const LIMIT: Duration = Duration::from_secs(30);

struct Subject {
    /// Its network lasts as long as it.
    _switch: Switch,
    wire: Capture,
    director: Director,
    rack: Rack,
}

pub fn run() {
    for (kind, settings) in KINDS {
        for _ in 0..ROUNDS {
            for daemon in super::DAEMONS {
                let mut subject = Subject::start(daemon, kind, settings);
                sleep(SETTLED);
                subject.measure(kind);
                subject.director.kill();
            }
        }
    }
}

/// In milliseconds, the greatest since the counters were cleared.
fn lateness(director: &Director) -> f64 {
    // SIGRTMIN + 2
    director.signal_number(36);
    let text = wait_for("the JSON dump", LIMIT, || {
        Some(director.read("/tmp/keepalived.json")).filter(|text| text.ends_with('\n'))
    });
    let dump: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let micros = dump["vrrp_thread"]["lateness_max"].as_f64();
    micros.expect("lateness_max") / 1000.0
}

impl Subject {
    fn start(daemon: Daemon, kind: &str, settings: &str) -> Self {
        let (switch, mut director, _) = super::directors(daemon, ["d1", "d2"]);
        let wire = switch.capture_quietly();
        let rack = Rack::beside(&director);
        rack.serve_all();
        director.run_with(&config(kind, settings));
        director.wait_holds(vip(), LIMIT);
        wait_for("every server is asked", LIMIT, || {
            (rack.asked() > DUE as u64).then_some(())
        });
        Self {
            _switch: switch,
            wire,
            director,
            rack,
        }
    }

    fn measure(&self, kind: &str) {
        note("lab", format!("{kind}: counting"));
        let daemon = self.director.daemon;
        if daemon == Daemon::Steadfast {
            // SIGRTMAX - 1: the greatest lateness is measured anew.
            self.director.signal_number(63);
        }
        let so_far = || (self.rack.asked(), processor_time(&self.director));
        let (began, from, before) = (Instant::now(), Stamp::now(), so_far());
        sleep(COUNTED);
        let (after, to) = (so_far(), Stamp::now());
        let checks = (after.0 - before.0) as f64;
        let used = (after.1 - before.1).as_secs_f64();
        report(&format!("{CPU}{kind}"), daemon, 1e6 * used / checks);
        report(
            &format!("{RATE}{kind}"),
            daemon,
            checks / began.elapsed().as_secs_f64(),
        );
        let gap = self.wire.longest_gap("d1", from, to);
        report(&format!("{GAP}{kind}"), daemon, gap);
        if daemon == Daemon::Steadfast {
            let late = lateness(&self.director);
            report(&format!("{LATENESS}{kind}"), daemon, late);
            assert!(late < MOST_LATE, "{kind}: VRRP was {late} ms late");
        }
    }
}

fn config(kind: &str, settings: &str) -> String {
    let router = Instance {
        priority: 150,
        interval: INTERVAL,
        ..Instance::default()
    };
    let checker = format!("{kind} {{\n {settings} connect_timeout 5\n }}");
    let global = GLOBAL.replace("router_id", "json_version 2\n    router_id");
    let mut text = format!("{global}{router}");
    for service in 0..DUE / EACH {
        let servers = (0..EACH).map(|number| address(service * EACH + number));
        let _ = writeln!(
            text,
            "virtual_server 10.65.0.{} 80 {{\n    delay_loop 1\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP",
            service + 1
        );
        for server in servers {
            let _ = writeln!(
                text,
                "    real_server {server} {PORT} {{\n        {checker}\n    }}"
            );
        }
        text.push_str("}\n");
    }
    text
}
