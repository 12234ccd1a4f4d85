//! From a server's death to its removal: how late after the moment at which its checker's settings ask for it.
//!
//! A server is asked every `delay_loop`; the first question after its death fails, and so do the retries; with the last
//! failure it is to go. When it was asked last alive, the server itself says. Each daemon has its servers die one by one, some refuse
//! connections from then on, some are silent. Nothing of that depends on the moment of death.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::Duration;

use super::figure::report;
use super::rack::{PORT, Rack, Server};
use crate::scenarios::conf::GLOBAL;
use crate::site::Daemon;
use crate::timeline::{Stamp, note, wait_for};

/// Milliseconds from when it was due.
pub const REFUSED: &str = "death-refused";
pub const SILENT: &str = "death-silent";
/// Milliseconds from the death.
pub const WHOLE: &str = "death-whole";
/// Seconds of `delay_loop`, `connect_timeout` and `delay_before_retry`, and the retries.
pub const SETTINGS: [u32; 4] = [2, 1, 1, 1];
/// Deaths of each kind.
pub const DEATHS: usize = 20;

const SERVERS: usize = 2 * DEATHS;
/// One dies after the other.
const BETWEEN: Duration = Duration::from_millis(330);
/// All have been asked once.
const SETTLED: Duration = Duration::from_secs(6);
const LIMIT: Duration = Duration::from_secs(30);

pub fn run() {
    for daemon in super::DAEMONS {
        measure(daemon);
    }
}

fn measure(daemon: Daemon) {
    let (_switch, mut director, _) = super::directors(daemon, ["d1", "d2"]);
    let rack = Rack::beside(&director);
    let servers = rack.serve(SERVERS);
    director.run_with(&config(&servers));
    wait_for("every server in the table", LIMIT, || {
        (director.ipvs().weights(service()).len() == SERVERS).then_some(())
    });
    sleep(SETTLED);
    note("lab", "servers die");
    let (mut dying, mut next) = (Vec::new(), Stamp::now());
    let mut living = servers.iter().enumerate();
    loop {
        if Stamp::now() >= next
            && let Some((number, server)) = living.next()
        {
            let silent = number % 2 == 1;
            if silent {
                rack.lose(server.address);
            } else {
                server.kill();
            }
            dying.push((server, Stamp::now(), silent));
            next = next + BETWEEN;
        }
        let table = director.ipvs();
        let now = Stamp::now();
        let there = table.weights(service());
        dying.retain(|(server, died, silent)| {
            let gone = there.iter().all(|(address, _)| *address != server.address);
            if gone {
                gone_at(daemon, server, *died, *silent, now);
            }
            !gone
        });
        if there.is_empty() {
            break;
        }
        sleep(Duration::from_millis(1));
    }
    director.kill();
}

fn gone_at(daemon: Daemon, server: &Server, died: Stamp, silent: bool, now: Stamp) {
    let [every, limit, again, retries] = SETTINGS;
    let each = if silent { limit } else { 0 };
    let allowed = every + each + retries * (again + each);
    let last = server.last_asked().expect("a server that was asked");
    let due = last + Duration::from_secs(allowed.into());
    let late = 1000.0 * (now.0.as_secs_f64() - due.0.as_secs_f64());
    report(if silent { SILENT } else { REFUSED }, daemon, late);
    report(WHOLE, daemon, 1000.0 * (now - died).as_secs_f64());
}

fn service() -> SocketAddr {
    "10.65.0.1:80".parse().expect("an address")
}

fn config(servers: &[Server]) -> String {
    let [every, limit, again, retries] = SETTINGS;
    let mut text = format!(
        "{GLOBAL}virtual_server 10.65.0.1 80 {{\n    delay_loop {every}\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n"
    );
    for server in servers {
        let _ = writeln!(
            text,
            "    real_server {} {PORT} {{\n        TCP_CHECK {{\n            connect_timeout {limit}\n            \
             retry {retries}\n            delay_before_retry {again}\n        }}\n    }}",
            server.address
        );
    }
    text.push_str("}\n");
    text
}
