//! Lateness: how long after the protocol's limit a backup announces the address of a master that was killed.
//!
//! Each daemon has a pair on a switch of its own; the rounds alternate between them. The limit is the last advert that
//! was seen plus the backup's master-down interval (RFC 9568 section 6.1).

use std::thread::sleep;
use std::time::Duration;

use super::figure::report;
use crate::scenarios::conf::{GLOBAL, Instance, vip};
use crate::site::{Daemon, Director, Switch};
use crate::timeline::{Stamp, note, wait_for};
use crate::wire::Capture;

pub const LATENESS: &str = "lateness";

const ROUNDS: u32 = 25;
/// Adverts every tenth of a second.
const INTERVAL: u32 = 100;
/// Far above any takeover or start.
const LIMIT: Duration = Duration::from_secs(10);

struct Pair {
    switch: Switch,
    wire: Capture,
    master: Director,
    backup: Director,
}

pub fn run() {
    let mut pairs = super::DAEMONS.map(Pair::start);
    for round in 0..ROUNDS {
        for pair in &mut pairs {
            pair.settle();
            // So that the kill meets the master at another moment between two adverts each time.
            sleep(Duration::from_millis(u64::from(37 * round % INTERVAL)));
            let late = pair.lose_master();
            report(LATENESS, pair.master.daemon, late);
            pair.restore_master();
        }
    }
    for pair in &mut pairs {
        pair.master.kill();
        pair.backup.kill();
    }
}

impl Pair {
    fn start(daemon: Daemon) -> Self {
        let names = match daemon {
            Daemon::Keepalived => ["k1", "k2"],
            Daemon::Steadfast => ["s1", "s2"],
        };
        let (switch, mut master, mut backup) = super::directors(daemon, names);
        let wire = switch.capture();
        master.run_with(&format!("{GLOBAL}{}", instance(150)));
        backup.run_with(&format!("{GLOBAL}{}", instance(100)));
        Self {
            switch,
            wire,
            master,
            backup,
        }
    }

    /// Waits until the master has been the only one to advertise for a while.
    fn settle(&self) {
        let calm = Duration::from_millis(u64::from(5 * INTERVAL));
        let (master, backup) = (self.master.name.as_str(), self.backup.name.as_str());
        wait_for(format!("{master} alone is master"), LIMIT, || {
            let since = Stamp(Stamp::now().0 - calm);
            let speaks = self.wire.adverts_after(master, since).len() >= 4;
            let silent = self.wire.adverts_after(backup, since).is_empty();
            (speaks && silent).then_some(())
        });
    }

    /// Kills the master's daemon and then cuts its port; how late the backup announced itself, in milliseconds.
    ///
    /// In this order the backup has heard every advert that was captured.
    fn lose_master(&mut self) -> f64 {
        let killed = Stamp::now();
        self.master.kill();
        self.switch.cut(&self.master.name);
        let (announced, _) = self
            .wire
            .next_announcement(&self.backup.name, vip(), killed, LIMIT);
        let (last, _) = self.wire.last_advert(&self.master.name);
        let due = last + instance(100).down_time();
        note(
            &self.backup.name,
            format!("announced itself {:?} after the last advert", announced - last),
        );
        1000.0 * (announced.0.as_secs_f64() - due.0.as_secs_f64())
    }

    fn restore_master(&mut self) {
        self.switch.mend(&self.master.name, 0);
        self.master.start();
    }
}

fn instance(priority: u8) -> Instance<'static> {
    Instance {
        priority,
        interval: INTERVAL,
        ..Instance::default()
    }
}
