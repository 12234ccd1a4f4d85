//! Sites of other shapes: three segments, many routers, kinds of interfaces, a router between the directors.

use std::net::IpAddr;
use std::time::Duration;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::{EARLY, SOON, late};
use crate::site::{self, Daemon, Director, v4};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// Three instances of a group on three segments, and faults of one member at a time, and of one on each side.
///
/// Facts: 15.2, 15.3
pub fn three() {
    let (site, mut d1, mut d2) = site::pair_on(0, 3);
    let all = [v4(0, 100), v4(1, 100), v4(2, 100)];
    let config = |priority| {
        let member = |name, interface, vrid, addresses| Instance {
            name,
            interface,
            vrid,
            addresses,
            priority,
            ..Instance::default()
        };
        let members = [
            member("A", "eth0", 51, &["192.0.2.100/24"]),
            member("B", "eth1", 52, &["198.51.100.100/24"]),
            member("C", "eth2", 53, &["203.0.113.100/24"]),
        ];
        let members: String = members.iter().map(ToString::to_string).collect();
        format!(
            "{GLOBAL}vrrp_sync_group G {{\n    group {{\n        A\n        B\n        C\n    }}\n}}\n{members}"
        )
    };
    let count = |director: &Director| {
        let held = director.addresses();
        all.iter().filter(|address| held.contains(address)).count()
    };
    let whole = |holder: &Director, other: &Director| {
        wait_for(
            format!("all three addresses on {} alone", holder.name),
            2 * SOON,
            || (count(holder) == 3 && count(other) == 0).then_some(()),
        );
        note(&holder.name, "has all three addresses");
    };
    d1.run_with(&config(150));
    d2.run_with(&config(100));
    whole(&d1, &d2);
    for (port, name) in [("d1", "A"), ("d1.1", "B"), ("d1.2", "C")] {
        let failed = Stamp::now();
        site.switch.unplug(port);
        for member in ["A", "B", "C"] {
            d1.wait_state(member, "FAULT", failed, SOON);
        }
        note("lab", format!("the fault of {name} is everybody's"));
        whole(&d2, &d1);
        site.switch.replug(port);
        whole(&d1, &d2);
    }

    note("lab", "each side has a fault, on another segment");
    site.switch.unplug("d1.1");
    whole(&d2, &d1);
    let failed = Stamp::now();
    site.switch.unplug("d2.2");
    for member in ["A", "B", "C"] {
        d2.wait_state(member, "FAULT", failed, SOON);
    }
    wait_for("no address anywhere", SOON, || {
        (count(&d1) == 0 && count(&d2) == 0).then_some(())
    });
    for_the_next(Duration::from_secs(3), "half a group rules nowhere", || {
        count(&d1) == 0 && count(&d2) == 0
    });
    site.switch.replug("d2.2");
    whole(&d2, &d1);
    site.switch.replug("d1.1");
    whole(&d1, &d2);
}

/// As many routers on an interface as fit beside each other are taken over after a kill, every one of them.
pub fn crowd() {
    const ROUTERS: u8 = 250;
    const NETWORK: &str = "203.0.113.";
    let (site, mut d1, mut d2) = site::pair(0);
    let address = |router: u8| -> IpAddr { format!("{NETWORK}{router}").parse().expect("an address") };
    let instance = |router: u8, priority| -> String {
        Instance {
            name: &format!("VI_{router}"),
            vrid: router,
            interval: 1000,
            priority,
            addresses: &[&format!("{NETWORK}{router}/32")],
            ..Instance::default()
        }
        .to_string()
    };
    let config = |priority| {
        let routers: String = (1..=ROUTERS).map(|router| instance(router, priority)).collect();
        format!("{GLOBAL}{routers}")
    };
    let count = |director: &Director| {
        let held = director.addresses();
        (1..=ROUTERS)
            .filter(|router| held.contains(&address(*router)))
            .count()
    };
    d1.run_with(&config(150));
    d2.run_with(&config(100));
    wait_for("all routers on d1", 3 * SOON, || {
        (count(&d1) == usize::from(ROUTERS) && count(&d2) == 0).then_some(())
    });
    let lost = Stamp::now();
    site.lose(&mut d1);
    wait_for("all routers on d2", 3 * SOON, || {
        (count(&d2) == usize::from(ROUTERS)).then_some(())
    });
    let mut last = lost;
    for router in 1..=ROUTERS {
        let (at, _) = site.wire.next_announcement("d2", address(router), lost, SOON);
        last = last.max(at);
    }
    note(
        "d2",
        format!(
            "announced the last of {ROUTERS} {} after the kill",
            ms(last - lost)
        ),
    );
}

/// VLAN, bond and dummy carry a router as an Ethernet interface does, with keepalived as the other half.
pub fn kinds() {
    let (site, mut d1, mut d2) = site::pair_on(0, 2);
    d2.daemon = Daemon::Keepalived;
    for (director, number) in [(&d1, 1), (&d2, 2)] {
        director.ip(&format!(
            "link add link eth0 name vlan7 type vlan id 7\n\
             link set vlan7 up\n\
             address add 203.0.113.{number}/24 dev vlan7\n\
             address flush dev eth1\n\
             link set eth1 down\n\
             link add bond0 type bond mode active-backup miimon 100\n\
             link set eth1 master bond0\n\
             link set bond0 up\n\
             address add 198.51.100.{number}/24 dev bond0\n\
             link add dummy0 type dummy\n\
             link set dummy0 multicast on up\n\
             address add 10.7.0.{number}/24 dev dummy0\n"
        ));
    }
    let config = |priority| {
        let member = |name, interface, vrid, addresses| Instance {
            name,
            interface,
            vrid,
            addresses,
            priority,
            ..Instance::default()
        };
        let members = [
            member("VLAN", "vlan7", 51, &["203.0.113.100/24"]),
            member("BOND", "bond0", 52, &["198.51.100.100/24"]),
            member("DUMMY", "dummy0", 53, &["10.7.0.100/24"]),
        ];
        let members: String = members.iter().map(ToString::to_string).collect();
        format!("{GLOBAL}{members}")
    };
    let (vlan, bond, dummy): (IpAddr, IpAddr, IpAddr) = (v4(2, 100), v4(1, 100), [10, 7, 0, 100].into());
    d1.run_with(&config(150));
    d2.run_with(&config(100));
    let rules = |director: &Director, other: &Director| {
        wait_for(
            format!("{} to rule on all kinds", director.name),
            2 * SOON,
            || {
                let (here, there) = (director.addresses(), other.addresses());
                [vlan, bond]
                    .iter()
                    .all(|address| here.contains(address) && !there.contains(address))
                    .then_some(())
            },
        );
    };
    rules(&d1, &d2);
    // Behind a dummy there is nobody: each is its own master.
    d1.wait_holds(dummy, SOON);
    d2.wait_holds(dummy, SOON);
    assert_eq!(d1.stop(), Some(0), "exit code");
    rules(&d2, &d1);
    d1.wait_lacks(dummy, SOON);
    d1.start();
    rules(&d1, &d2);
    note("lab", "the bond loses its only port");
    let failed = Stamp::now();
    site.switch.unplug("d1.1");
    d1.wait_state("BOND", "FAULT", failed, SOON);
    d2.wait_holds(bond, SOON);
    d1.wait_lacks(bond, SOON);
    assert!(d1.holds(vlan), "the others stay");
    site.switch.replug("d1.1");
    rules(&d1, &d2);
}

/// Unicast through a router: the peers are on different segments, and an advert has lost a hop when it comes.
///
/// Facts: 6.4
pub fn routed() {
    let (site, mut d1, mut d2) = site::pair_on(0, 2);
    d2.daemon = Daemon::Keepalived;
    site.client
        .run(&["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    d1.ip("link set eth1 down\nroute add 198.51.100.0/24 via 192.0.2.9\n");
    d2.ip("link set eth0 down\nroute add 192.0.2.0/24 via 198.51.100.9\n");
    // A backup waits longer than a busy machine stands still.
    let instance = |interface, priority, more| Instance {
        interval: 1000,
        interface,
        priority,
        more,
        addresses: &["192.0.2.100/32"],
        ..Instance::default()
    };
    let master = instance(
        "eth0",
        150,
        "unicast_src_ip 192.0.2.1\n    unicast_peer {\n        198.51.100.2\n    }",
    );
    let backup = instance(
        "eth1",
        100,
        "unicast_src_ip 198.51.100.2\n    unicast_peer {\n        192.0.2.1\n    }",
    );
    d1.run_with(&format!("{GLOBAL}{master}"));
    d2.run_with(&format!("{GLOBAL}{backup}"));
    let alone = |here: &Director, there: &Director| {
        wait_for(format!("{} to be master alone", here.name), 2 * SOON, || {
            (here.holds(vip()) && !there.holds(vip())).then_some(())
        });
        note(&here.name, "is master alone");
    };
    alone(&d1, &d2);
    for_the_next(2 * backup.down_time(), "d2 hears d1", || !d2.holds(vip()));
    assert_eq!(d1.stop(), Some(0), "exit code");
    alone(&d2, &d1);
    d1.start();
    alone(&d1, &d2);
    let lost = Stamp::now();
    d1.kill();
    let (taken, _) = site.wire.next_advert("d2.1", lost, SOON);
    assert!(
        taken - lost <= EARLY + backup.down_time() + late(lost, taken),
        "d2 took over only after {:?}",
        taken - lost
    );
    let restarted = Stamp::now();
    d1.start();
    d1.wait_state("VI_1", "MASTER", restarted, 2 * SOON);
    alone(&d1, &d2);
}
