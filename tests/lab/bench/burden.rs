//! A master that is not left in peace: the longest gap between its adverts while others hold the kernel's network locks, and
//! while nobody reads its log.
//!
//! Both daemons bear the same at the same time, each on a switch of its own.

use std::thread::{scope, sleep};
use std::time::Duration;

use super::figure::report;
use crate::scenarios::conf::{GLOBAL, Instance, vip};
use crate::site::{Daemon, Director, Switch};
use crate::timeline::{Stamp, note};
use crate::wire::Capture;

/// Milliseconds, the interval itself among them.
pub const GAP_CALM: &str = "gap-calm";
pub const GAP_KERNEL: &str = "gap-kernel";
pub const GAP_LOG: &str = "gap-log";

/// Milliseconds between adverts.
pub const INTERVAL: u32 = 100;
/// How long each part takes.
pub const SECONDS: u32 = 10;

const LIMIT: Duration = Duration::from_secs(20);
/// The second burst of announcements is over after this.
const CALM: Duration = Duration::from_secs(7);

/// Something to log every second.
const FLICKER: &str = r#"
vrrp_script flicker {
    script "/etc/keepalived/flicker"
    interval 1
    fall 1
    rise 1
    weight -1
}
"#;
const FLICK: &str = "if test -e /run/on; then rm /run/on; else touch /run/on; exit 1; fi";

/// Namespaces with interfaces come and go.
const NAMESPACES: &str = "while :; do
    unshare --net sh -c 'for n in 1 2 3 4 5 6 7 8; do ip link add d$n type dummy; done'
done";
/// Routes come and go, 2,000 at a time.
const ROUTES: &str = "n=0
while test $n -lt 2000; do
    echo route add 198.18.$((n / 250)).$((n % 250))/32 dev eth0 table 1000
    n=$((n + 1))
done >/run/routes
while :; do
    ip -batch /run/routes
    ip route flush table 1000
done";

struct Master {
    /// Its network lasts as long as it.
    _switch: Switch,
    wire: Capture,
    director: Director,
}

pub fn run() {
    let mut masters = super::DAEMONS.map(Master::start);
    sleep(CALM);
    measure(&masters, GAP_CALM, || sleep(Duration::from_secs(SECONDS.into())));
    measure(&masters, GAP_KERNEL, || {
        scope(|scope| {
            for Master { director, .. } in &masters {
                scope.spawn(|| director.attempt(SECONDS, &["sh", "-c", ROUTES]));
            }
            // In which network it is begun is of no matter: the locks are the kernel's.
            masters[0].director.attempt(SECONDS, &["sh", "-c", NAMESPACES]);
        });
    });
    sleep(CALM);
    measure(&masters, GAP_LOG, || {
        let frozen = masters.each_ref().map(|master| master.director.log.freeze());
        for master in &masters {
            master.clog();
        }
        sleep(Duration::from_secs(SECONDS.into()));
        drop(frozen);
    });
    for master in &mut masters {
        master.director.kill();
    }
}

/// The longest gap of each while `burden` lasts.
fn measure(masters: &[Master; 2], name: &str, burden: impl FnOnce()) {
    note("lab", name);
    let began = Stamp::now();
    burden();
    let ended = Stamp::now();
    for master in masters {
        report(
            name,
            master.director.daemon,
            master.wire.longest_gap("d1", began, ended),
        );
    }
}

impl Master {
    fn start(daemon: Daemon) -> Self {
        let (switch, mut director, _) = super::directors(daemon, ["d1", "d2"]);
        let wire = switch.capture_quietly();
        let instance = Instance {
            priority: 150,
            interval: INTERVAL,
            more: "track_script {\n        flicker\n    }",
            ..Instance::default()
        };
        director.script("/etc/keepalived/flicker", FLICK);
        director.run_with(&format!("{GLOBAL}{FLICKER}{instance}"));
        director.wait_holds(vip(), LIMIT);
        Self {
            _switch: switch,
            wire,
            director,
        }
    }

    /// Fills the pipes to the log's reader, which has been frozen; it may take some of it yet.
    fn clog(&self) {
        let fill = "for output in 1 2; do
                for size in 4096 1; do
                    yes | dd of=/proc/$0/fd/$output oflag=nonblock bs=$size count=131072 2>/dev/null
                done
            done";
        for _ in 0..3 {
            self.director
                .attempt(5, &["sh", "-c", fill, &self.director.main().to_string()]);
            sleep(Duration::from_millis(200));
        }
    }
}
