//! A plane that stands still: the log names it, the JSON dump counts it, and the service manager's watchdog is not fed until
//! it turns again.

use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::libc;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::dumps::JSON;
use super::expect::{self, SOON};
use crate::site::{self, Daemon, Director};
use crate::timeline::{Stamp, wait_for};

/// Seconds within which the watchdog wants to be fed.
const LIMIT: Duration = Duration::from_secs(8);
/// How long a plane stands still when it is told to, as debug builds have it.
const STILL: Duration = Duration::from_secs(15);

/// Fed at half its time while all is well, also during reloads; not while a plane stands still.
pub fn starved() {
    let (site, mut d1) = site::single(1);
    d1.daemon = Daemon::Steadfast;
    let global = GLOBAL.replacen('{', "{\n    json_version 2", 1);
    let servers = expect::addresses(&site);
    let checks = virtual_server(vip(), 80, &servers, TCP_CHECK, "");
    let both = format!("{global}{}{checks}", Instance::default());
    let only_checks = format!("{global}{checks}");
    for (text, name, key) in [
        (&both, "VRRP plane", "vrrp"),
        (&only_checks, "healthcheck plane", "check"),
    ] {
        let meals = Meals::of(&d1);
        d1.configure(text);
        let micros = format!("WATCHDOG_USEC={}", LIMIT.as_micros());
        d1.start_as(&["env", "NOTIFY_SOCKET=/run/manager", &micros], &[]);
        expect::weights(&d1, (vip(), 80).into(), &[(servers[0], 1)]);
        let well = Stamp::now();
        wait_for("four meals", LIMIT * 4, || {
            (meals.after(well).len() >= 4).then_some(())
        });
        for pair in meals.after(well).windows(2) {
            assert!(pair[1] - pair[0] < LIMIT, "{} {}", pair[0], pair[1]);
        }
        assert_eq!(d1.log.count_since("has not turned", well), 0);

        let told = Stamp::now();
        d1.signal_number(libc::SIGRTMAX() - 2);
        let line = format!("The {name} has not turned for 5 s: the service manager's watchdog is not fed");
        let starved = d1.log.wait(&line, told, STILL);
        // What was sent before the line is on its way.
        let late = Duration::from_secs(1);
        let again = d1
            .log
            .wait(&format!("The {name} turns again, after"), told, 2 * STILL);
        let hungry = meals
            .after(starved + late)
            .into_iter()
            .filter(|at| *at + late < again);
        assert_eq!(hungry.count(), 0, "from {starved} to {again}");
        assert!(again - starved > Duration::from_secs(5), "{starved} {again}");
        wait_for("the watchdog to be fed again", 2 * SOON, || {
            meals.after(again).pop()
        });
        assert_eq!(d1.log.count_since(&line, told), 1);
        let thread = &json(&d1)["threads"][key];
        assert_eq!((&thread["still"], &thread["standstills"]), (&0.into(), &1.into()));
        assert!(thread["longest"].as_u64() >= Some(9), "{thread}");
        assert_eq!(d1.stop(), Some(0), "exit code");
        std::fs::remove_file(d1.path("/run/manager")).expect("the socket");
    }
}

/// When the watchdog was fed.
#[derive(Clone, Default)]
struct Meals(Arc<Mutex<Vec<Stamp>>>);

impl Meals {
    /// A service manager that hears of them from now on.
    fn of(director: &Director) -> Self {
        let socket = director.within(|| UnixDatagram::bind("/run/manager"));
        let socket = socket.expect("a notify socket");
        let meals = Self::default();
        let kept = meals.clone();
        thread::spawn(move || {
            let mut text = [0; 512];
            while let Ok(length) = socket.recv(&mut text) {
                let text = String::from_utf8_lossy(&text[..length]);
                if text.trim_end() == "WATCHDOG=1" {
                    kept.0.lock().expect("meals").push(Stamp::now());
                }
            }
        });
        meals
    }

    fn after(&self, began: Stamp) -> Vec<Stamp> {
        let meals = self.0.lock().expect("meals");
        meals.iter().copied().filter(|at| *at > began).collect()
    }
}

fn json(director: &Director) -> serde_json::Value {
    let _ = std::fs::remove_file(director.path(JSON));
    director.signal_number(libc::SIGRTMIN() + 2);
    wait_for("the JSON dump", 2 * SOON, || {
        serde_json::from_str(&director.read(JSON)).ok()
    })
}
