//! What others remove of a MASTER.

use std::time::Duration;

use super::super::conf::vip;
use super::super::expect::SOON;
use super::{MASTER, beside_keepalived, by_hand, fell, prompt, usual_rules, whole};
use crate::site::v4;
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// What others remove of a MASTER makes it fall back and rise again, as keepalived does; without its own address it is
/// in FAULT.
/// Facts: 2.21
pub fn fallback() {
    let (site, d1, _d2) = beside_keepalived("");
    for command in [
        "ip address delete 192.0.2.101/24 dev eth0",
        "ip route delete 198.51.100.0/24",
        "ip rule flush",
    ] {
        let since = Stamp::now();
        let done = by_hand(&d1, command);
        let zero = wait_for("priority 0", SOON, || fell(&site, "d1", since));
        assert!(
            zero - done <= prompt(done, zero),
            "{command}: only after {:?}",
            zero - done
        );
        wait_for("d1 to be MASTER again", SOON, || {
            let after = site.wire.adverts_after("d1", zero);
            after
                .iter()
                .any(|(_, advert)| advert.priority == MASTER)
                .then_some(())
        });
        if command == "ip rule flush" {
            usual_rules(&d1);
            // As with keepalived the route went without the rules of the host, and comes with the next transition. The
            // first advert may be before the addresses.
            d1.wait_holds(v4(0, 101), SOON);
            by_hand(&d1, "ip address delete 192.0.2.101/24 dev eth0");
        }
        whole(&d1);
        assert!(
            site.wire.adverts_after("d2", since).is_empty(),
            "{command}: d2 took over"
        );
    }
    let since = Stamp::now();
    by_hand(&d1, "ip -4 address flush dev eth0");
    wait_for("priority 0", SOON, || fell(&site, "d1", since));
    d1.wait_state("VI_1", "FAULT", since, SOON);
    site.wire.next_advert("d2", since, SOON);
    let back = by_hand(&d1, "ip address add 192.0.2.1/24 dev eth0");
    // Which waits for the other one to be silent, or lower, for three intervals.
    site.wire.next_advert("d1", back, 3 * SOON);
    whole(&d1);
}

/// With `drift_repair` it is put back within a second and announced, and the MASTER stays; after so many repairs within a
/// minute it falls back.
pub fn repair() {
    let (site, d1, _d2) = beside_keepalived("drift_repair 5\n");
    let since = Stamp::now();
    for (command, told) in [
        (
            "ip address delete 192.0.2.101/24 dev eth0",
            "192.0.2.101/24 dev eth0 scope global has been removed by others, putting it back",
        ),
        ("ip route delete 198.51.100.0/24", "putting it back"),
        ("ip rule flush", "putting it back"),
        ("ip address delete 192.0.2.100/24 dev eth0", "putting it back"),
    ] {
        let before = Stamp::now();
        let done = by_hand(&d1, command);
        let at = d1.log.wait(told, before, SOON);
        note("lab", format!("{command}: told {} after it", ms(at - done)));
        assert!(
            at - done <= prompt(done, at),
            "{command}: only after {:?}",
            at - done
        );
        if command == "ip rule flush" {
            usual_rules(&d1);
        }
        whole(&d1);
        if command.starts_with("ip address") {
            let address = if command.contains(".101") {
                v4(0, 101)
            } else {
                vip()
            };
            site.wire.next_announcement("d1", address, before, SOON);
        }
        // Not one repair together with the next.
        for_the_next(Duration::from_millis(1100), "d1 is MASTER", || d1.holds(vip()));
    }
    assert_eq!(fell(&site, "d1", since), None, "it fell back");
    assert!(site.wire.adverts_after("d2", since).is_empty(), "d2 took over");

    by_hand(&d1, "ip address delete 192.0.2.101/24 dev eth0");
    whole(&d1);
    assert_eq!(fell(&site, "d1", since), None, "the fifth repair");
    let before = Stamp::now();
    by_hand(&d1, "ip address delete 192.0.2.101/24 dev eth0");
    d1.log
        .wait("(5 times within a minute) - falling back", before, SOON);
    wait_for("priority 0", SOON, || fell(&site, "d1", before));
    whole(&d1);
}
