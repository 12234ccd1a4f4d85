//! Virtual MACs and other links of the daemon's own, with the kernel's settings that belong to them.

use std::net::IpAddr;

use super::conf::{GLOBAL, Instance, vip};
use super::expect::SOON;
use super::filter::answers;
use crate::site::{self, Daemon, Director, Node, Site, v4, v6};
use crate::timeline::{Stamp, note, wait_for};
use crate::wire::{Content, Mac};

/// The station that a virtual router of VRID 51 is at.
const VIRTUAL_V4: Mac = Mac([0, 0, 0x5e, 0, 1, 51]);
const VIRTUAL_V6: Mac = Mac([0, 0, 0x5e, 0, 2, 51]);

/// A pair with virtual MACs, of both families: the station stays the same whoever is master.
///
/// Facts: 9.1, 9.2, 9.7, 9.8, 9.9, 9.10
pub fn pair() {
    meet(Daemon::under_test(), Daemon::under_test());
}

/// keepalived hands over to the daemon under test, and the other way round.
///
/// Facts: 9.1, 9.8
pub fn interop() {
    meet(Daemon::Keepalived, Daemon::under_test());
}

fn meet(first: Daemon, second: Daemon) {
    let (site, mut d1, mut d2) = site::pair(0);
    (d1.daemon, d2.daemon) = (first, second);
    let vip6 = v6(0, 100);
    let instances = |priority| {
        let four = Instance {
            priority,
            more: "use_vmac",
            ..Instance::default()
        };
        let six = Instance {
            name: "VI_6",
            addresses: &["fe80::100", "2001:db8::100/64"],
            ..four.clone()
        };
        (four, six)
    };
    let conf = |priority| {
        let (four, six) = instances(priority);
        format!("{GLOBAL}{four}{six}")
    };
    strict_reverse_paths(&d1);
    strict_reverse_paths(&d2);
    d1.run_with(&conf(150));
    d2.run_with(&conf(100));
    let down = instances(100).0.down_time();
    held(&d1, &d2, &[vip(), vip6]);
    reached(&site, &[(vip(), VIRTUAL_V4), (vip6, VIRTUAL_V6)]);
    wire(&site, "d1", v4(0, 1));

    assert_eq!(d1.stop(), Some(0), "exit code");
    held(&d2, &d1, &[vip(), vip6]);
    reached(&site, &[(vip(), VIRTUAL_V4), (vip6, VIRTUAL_V6)]);
    wire(&site, "d2", v4(0, 2));
    assert!(!has_link(&d1, "vrrp.51"), "removed at the end");

    d1.start();
    held(&d1, &d2, &[vip(), vip6]);
    site.lose(&mut d1);
    note("lab", format!("{down:?} are due"));
    d2.wait_holds(vip(), down + SOON);
    d2.wait_holds(vip6, down + SOON);
    reached(&site, &[(vip(), VIRTUAL_V4), (vip6, VIRTUAL_V6)]);
}

/// Reverse paths are checked on all interfaces, as some distributions do.
fn strict_reverse_paths(director: &Director) {
    for name in ["all", "eth0"] {
        setting(director, name, "rp_filter", Some("1"));
    }
}

/// Reads, or writes, a setting of IPv4.
fn setting(node: &Node, interface: &str, name: &str, value: Option<&str>) -> String {
    let path = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
    node.within(|| {
        if let Some(value) = value {
            std::fs::write(&path, value).expect(&path);
        }
        std::fs::read_to_string(&path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    })
}

#[track_caller]
fn held(master: &Director, backup: &Director, addresses: &[IpAddr]) {
    for address in addresses {
        master.wait_holds(*address, 2 * SOON);
        backup.wait_lacks(*address, 2 * SOON);
    }
}

/// The client finds each address at its virtual station, and is answered.
#[track_caller]
fn reached(site: &Site, addresses: &[(IpAddr, Mac)]) {
    for (address, station) in addresses {
        site.client.resolve(*address);
        site.client.wait_neighbour(*address, station, SOON);
        wait_for(format!("an answer from {address}"), 2 * SOON, || {
            answers(&site.client, *address).then_some(())
        });
    }
}

/// Adverts come from the virtual station and a real address.
#[track_caller]
fn wire(site: &Site, port: &str, source: IpAddr) {
    for seen in site.wire.from(port) {
        let Content::Advert(advert) = seen.content else {
            continue;
        };
        let station = Mac(*seen.bytes[6..].first_chunk().expect("a station"));
        if advert.source.is_ipv4() {
            assert_eq!((station, advert.source), (VIRTUAL_V4, source), "{port}");
        } else {
            assert_eq!(station, VIRTUAL_V6, "{port}");
        }
    }
}

fn has_link(node: &Node, name: &str) -> bool {
    node.attempt(5, &["ip", "link", "show", name]).status == Some(0)
}

fn link(node: &Node, name: &str) -> String {
    node.run(&["ip", "-d", "link", "show", name])
}

/// What an earlier run has left is put right; what somebody removes is made again; nothing is left.
///
/// Facts: 9.3, 9.4, 9.5, 9.6, 9.11, 2.17
pub fn care() {
    let (_site, mut d1) = site::single(0);
    d1.ip("link add base0 type veth peer name base1\nlink set base0 up group 7\nlink set base1 up\naddr add 198.51.100.1/24 dev base0\n\
         link add link eth0 name wrongmac type macvlan mode private\n\
         link add link eth0 name elsewhere type macvlan mode private\n");
    strict_reverse_paths(&d1);
    let on = |name: &'static str, vrid, interface, addresses: &'static [&'static str], more| Instance {
        name,
        vrid,
        interface,
        addresses,
        more,
        ..Instance::default()
    };
    let right = on("RIGHT", 61, "eth0", &["192.0.2.161/24"], "use_vmac wrongmac");
    let moved = on("MOVED", 62, "base0", &["198.51.100.162/24"], "use_vmac elsewhere");
    let global = GLOBAL.replace("router_id", "dynamic_interfaces\n    router_id");
    let conf = format!("{global}{right}{moved}");
    d1.run_with(&conf);
    let addresses = [v4(0, 161), IpAddr::from([198, 51, 100, 162])];
    addresses
        .iter()
        .for_each(|address| d1.wait_holds(*address, 2 * SOON));
    assert!(link(&d1, "wrongmac").contains("00:00:5e:00:01:3d"), "put right");
    let elsewhere = link(&d1, "elsewhere");
    assert!(
        elsewhere.contains("elsewhere@base0") && elsewhere.contains("00:00:5e:00:01:3e"),
        "made anew: {elsewhere}"
    );
    assert!(elsewhere.contains("group 7"), "its parent's group: {elsewhere}");
    for (name, wanted) in [
        ("arp_ignore", "1"),
        ("accept_local", "1"),
        ("rp_filter", "0"),
        ("promote_secondaries", "1"),
    ] {
        assert_eq!(setting(&d1, "elsewhere", name, None), wanted, "{name}");
    }
    let of = |name| {
        [
            setting(&d1, "all", name, None),
            setting(&d1, "eth0", name, None),
            setting(&d1, "base0", name, None),
        ]
    };
    assert_eq!(of("rp_filter"), ["0", "1", "1"], "given to each interface");
    assert_eq!(of("arp_filter")[1..], ["1", "1"]);

    note("lab", "a VMAC is deleted by hand");
    let since = Stamp::now();
    d1.ip("link del wrongmac\n");
    d1.log.wait("(RIGHT) Entering FAULT STATE", since, SOON);
    d1.log.wait("(RIGHT) Entering MASTER STATE", since, 2 * SOON);
    d1.wait_holds(addresses[0], SOON);
    assert!(link(&d1, "wrongmac").contains("00:00:5e:00:01:3d"));

    note("lab", "the interface below a VMAC is deleted, and comes back");
    let since = Stamp::now();
    d1.ip("link del base0\n");
    d1.log.wait("(MOVED) Entering FAULT STATE", since, SOON);
    d1.ip("link add base0 type veth peer name base1\nlink set base0 up\nlink set base1 up\naddr add 198.51.100.1/24 dev base0\n");
    d1.log.wait("(MOVED) Entering MASTER STATE", since, 2 * SOON);
    d1.wait_holds(addresses[1], SOON);

    note("lab", "a reload needs one of them no more");
    let since = Stamp::now();
    d1.configure(&format!("{global}{right}"));
    d1.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for("the link to be gone", SOON, || {
        (!has_link(&d1, "elsewhere")).then_some(())
    });
    assert!(d1.holds(addresses[0]), "the other stays");
    assert_eq!(
        d1.log.count_since("(RIGHT) Entering", since),
        0,
        "{}",
        d1.log.text()
    );

    assert_eq!(d1.stop(), Some(0), "exit code");
    assert!(!has_link(&d1, "wrongmac"), "removed at the end");
    let of = |name| [setting(&d1, "all", name, None), setting(&d1, "eth0", name, None)];
    assert_eq!(of("rp_filter"), ["1", "1"], "as before");
    assert_eq!(of("arp_filter"), ["0", "0"]);
    assert_eq!(of("arp_ignore"), ["0", "0"]);
}

/// Adverts by the interface below, ipvlans, and virtual MACs for addresses on other interfaces.
///
/// Facts: 9.2, 9.8, 9.10, 9.12
pub fn kinds() {
    let (site, mut d1, mut d2) = site::pair_on(0, 2);
    let instance = |name, vrid, priority, addresses, more| Instance {
        name,
        vrid,
        priority,
        addresses,
        more,
        ..Instance::default()
    };
    let conf = |priority, ipvlan: &'static str| {
        let base = instance(
            "BASE",
            51,
            priority,
            &["192.0.2.100/24"],
            "use_vmac\n    vmac_xmit_base",
        );
        let ip = instance("IPVLAN", 52, priority, &["198.51.100.152/24"], ipvlan);
        let ip = Instance {
            interface: "eth1",
            ..ip
        };
        format!("{GLOBAL}{base}{ip}")
    };
    d1.run_with(&conf(150, "use_ipvlan 198.51.100.201/24"));
    d2.run_with(&conf(100, "use_ipvlan 198.51.100.202/24"));
    let ip = v4(1, 152);
    held(&d1, &d2, &[vip(), ip]);
    reached(&site, &[(vip(), VIRTUAL_V4)]);
    for seen in site.wire.from("d1") {
        if let Content::Advert(advert) = seen.content
            && advert.vrid == 51
        {
            let station = Mac(*seen.bytes[6..].first_chunk().expect("a station"));
            assert_eq!(station, site::mac(0, 1), "by the interface below");
        }
    }
    let ipvlan = link(&d1, "vrrp.52");
    assert!(ipvlan.contains("ipvlan") && ipvlan.contains("l2"), "{ipvlan}");
    assert!(d1.holds(v4(1, 201)), "the ipvlan's own address");
    assert_eq!(d1.stop(), Some(0), "exit code");
    held(&d2, &d1, &[vip(), ip]);
    assert!(!d1.holds(v4(1, 201)) && !has_link(&d1, "vrrp.52"));

    note("lab", "addresses on another interface and of the other family");
    assert_eq!(d2.stop(), Some(0), "exit code");
    let instance = instance(
        "VI_1",
        51,
        150,
        &["192.0.2.100/24", "198.51.100.100/24 dev eth1"],
        "use_vmac\n    use_vmac_addr\n    virtual_ipaddress_excluded {\n        2001:db8::100/64\n    }",
    );
    d1.run_with(&format!("{GLOBAL}{instance}"));
    held(&d1, &d2, &[vip(), v4(1, 100), v6(0, 100)]);
    let on = |address: &str| {
        let text = d1.run(&["ip", "-o", "addr", "show", "to", address]);
        text.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    let names = [on("192.0.2.100"), on("198.51.100.100"), on("2001:db8::100")];
    assert_eq!(names, ["vrrp.51", "vrrp1.51", "vrrp6.51"]);
    let station = |name: &str, station: &str| assert!(link(&d1, name).contains(station), "{name}");
    station("vrrp1.51", "00:00:5e:00:01:33");
    station("vrrp6.51", "00:00:5e:00:02:33");
    reached(&site, &[(v4(1, 100), VIRTUAL_V4)]);
}

/// A daemon that dies leaves links without addresses; the next one takes them over.
///
/// Facts: 9.3, 1.31
pub fn leftover() {
    let (site, mut d1) = site::single(0);
    let instance = Instance {
        more: "use_vmac",
        ..Instance::default()
    };
    d1.run_with(&format!("{GLOBAL}{instance}"));
    d1.wait_holds(vip(), 2 * SOON);
    d1.kill();
    assert!(d1.holds(vip()), "left over by a crash");
    let before = link(&d1, "vrrp.51");
    let since = Stamp::now();
    d1.start();
    d1.wait_state("VI_1", "MASTER", since, 2 * SOON);
    d1.wait_holds(vip(), SOON);
    let index = |text: &str| text.split(':').next().map(str::to_owned);
    assert_eq!(index(&link(&d1, "vrrp.51")), index(&before), "the same link");
    reached(&site, &[(vip(), VIRTUAL_V4)]);
    assert_eq!(d1.stop(), Some(0), "exit code");
    assert!(!has_link(&d1, "vrrp.51"));
}
