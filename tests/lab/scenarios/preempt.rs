//! Preemption: what a director of higher priority does when it finds a master at work.

use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{self, SOON, late};
use crate::site::{self, Director, Site};
use crate::timeline::{Stamp, for_the_next, ms, note};

/// d2 is master with priority 100 when d1 comes with 150 and `more`.
struct Rivals {
    site: Site,
    d1: Director,
    d2: Director,
    preferred: Instance<'static>,
    /// d1 began to listen after it was started, and before a line that told of it was read.
    started: Stamp,
    came: Stamp,
}

fn rivals(more: &'static str) -> Rivals {
    let (site, mut d1, mut d2) = site::pair(0);
    // A backup waits longer than a busy machine stands still.
    let other = Instance {
        interval: 1000,
        ..Instance::default()
    };
    let preferred = Instance {
        priority: 150,
        more,
        ..other
    };
    d2.run_with(&format!("{GLOBAL}{other}"));
    expect::settled(&site.wire, &d2, &d1, &other, vip());
    let started = Stamp::now();
    d1.run_with(&format!("{GLOBAL}{preferred}"));
    let came = d1.wait_state("VI_1", "BACKUP", started, SOON);
    Rivals {
        site,
        d1,
        d2,
        preferred,
        started,
        came,
    }
}

impl Rivals {
    /// Waits until d1 is master; checks how long that took.
    #[track_caller]
    fn d1_wins(&self, after: Duration) -> Stamp {
        let (won, advert) = self.site.wire.next_advert("d1", self.started, after + SOON);
        let took = won - self.came;
        note(
            "lab",
            format!("d1 took over {} after it came, {} were due", ms(took), ms(after)),
        );
        assert_eq!(advert.priority, 150);
        // The log line of its coming may be read long after the fact.
        assert!(
            won - self.started >= after,
            "d1 took over after {took:?}, earlier than {after:?}"
        );
        assert!(
            took <= after + late(self.came, won),
            "d1 took over after {took:?}, much later than {after:?}"
        );
        won
    }

    /// d2 gave way without a word and without its address.
    #[track_caller]
    fn d2_yields(&self, won: Stamp) {
        let yielded = self.d2.wait_state("VI_1", "BACKUP", won, SOON);
        self.d2.wait_lacks(vip(), SOON);
        self.d1.wait_holds(vip(), SOON);
        // Its own next advert may have been under way before it heard d1.
        let adverts = self.site.wire.adverts_after("d2", won);
        let after = adverts.iter().filter(|(at, _)| *at > yielded).count();
        assert!(adverts.len() <= 1 && after == 0, "d2 still speaks: {adverts:?}");
        assert!(
            self.site
                .wire
                .adverts("d2")
                .iter()
                .all(|(_, advert)| advert.priority == 100),
            "a hand-over by d2"
        );
        expect::announced(&self.site.wire, "d1", vip(), won, won);
    }
}

/// The higher priority takes over after its master-down time.
/// Facts: 2.10, 3.4
pub fn preempt() {
    let rivals = rivals("");
    let won = rivals.d1_wins(rivals.preferred.down_time());
    rivals.d2_yields(won);
}

/// With `nopreempt` the higher priority waits for the master's end.
/// Facts: 3.3
pub fn nopreempt() {
    let mut rivals = rivals("nopreempt");
    let wire = rivals.site.wire.clone();
    for_the_next(2 * rivals.preferred.down_time(), "d1 keeps quiet", || {
        wire.adverts("d1").is_empty()
    });
    rivals.d2.kill();
    expect::takeover(&wire, "d2", "d1", rivals.preferred.down_time(), vip());
    rivals.d1.wait_holds(vip(), SOON);
}

/// With `preempt_delay` it waits that long after the first inferior advert before the master-down time counts.
/// Facts: 3.6
pub fn delay() {
    let rivals = rivals("preempt_delay 3");
    let delay = Duration::from_secs(3);
    let down = rivals.preferred.down_time();
    // The first that it heard is one of these, or between them.
    let wire = &rivals.site.wire;
    let (first, _) = wire.next_advert("d2", rivals.started, SOON);
    let (heard, _) = wire.next_advert("d2", rivals.came, SOON);
    let (won, _) = wire.next_advert("d1", rivals.started, delay + down + SOON);
    let took = won - rivals.came;
    note("lab", format!("d1 took over {} after it came", ms(took)));
    // The last advert that still counted may have come up to an interval before the delay ended.
    let interval = Duration::from_millis(rivals.preferred.interval.into());
    assert!(won - first >= delay + down - interval, "too early: {took:?}");
    assert!(
        won - heard <= delay + down + late(heard, won),
        "too late: {took:?}"
    );
    rivals.d2_yields(won);
}
