//! Others remove the link of a virtual MAC, beside keepalived, as the table of docs/drift.md has it.

use std::time::Duration;

use super::super::conf::{GLOBAL, Instance, vip};
use super::super::expect::SOON;
use super::documented::{self, Outcome, columns};
use super::{beside, beside_ipvs, by_hand, prompt};
use crate::site;
use crate::timeline::{Stamp, ms, note, wait_for};

pub const ROW: &str = "the link of a virtual MAC is removed (`ip link delete`)";

/// Facts: 14.14
pub fn removed() {
    let columns = columns();
    let (site, mut d1, _d2) = site::pair(0);
    let instance = Instance {
        more: "use_vmac",
        ..Instance::default()
    };
    let mut seen = Vec::new();
    for column in &columns {
        note("lab", format!("-- column {}", column.name));
        d1.daemon = column.daemon;
        let global = GLOBAL.replacen('{', &format!("{{\n    {}", column.global), 1);
        let start = Stamp::now();
        d1.run_with(&format!("{global}{instance}"));
        d1.wait_state("VI_1", "MASTER", start, 2 * SOON);
        d1.wait_holds(vip(), SOON);
        let since = Stamp::now();
        let done = by_hand(&d1, "ip link delete vrrp.51");
        let at = d1.wait_state("VI_1", "FAULT", since, SOON);
        note("lab", format!("FAULT {} after it", ms(at - done)));
        assert!(at - done <= prompt(done, at), "FAULT only after {:?}", at - done);
        seen.push(Outcome::Fault);
        let made = wait_for("the link to be there again", SOON, || {
            let text = d1.run(&["sh", "-c", "ip link show; ip -4 -o address"]);
            text.contains("vrrp.51").then(Stamp::now)
        });
        note("lab", format!("made again {} after it", ms(made - done)));
        let (again, _) = site.wire.next_advert("d1", at, 2 * SOON);
        note("lab", format!("MASTER again {} after it", ms(again - done)));
        let due = instance.down_time() + Duration::from_secs(1) + prompt(done, again);
        assert!(again - done <= due, "MASTER after {:?}", again - done);
        d1.wait_holds(vip(), SOON);
        assert_eq!(d1.stop(), Some(0), "exit code");
    }
    let others = beside::EVENTS.iter().map(|event| event.row);
    let others = others.chain(beside_ipvs::EVENTS.iter().map(|event| event.row));
    documented::compare(&[(ROW, seen)], &columns, &Vec::from_iter(others));
}
