//! `interface_up_down_delays` (facts 1.21, 14.13).

use crate::net::InterfaceStatus;
use crate::vrrp::config::*;
use crate::vrrp::event::Event;
use crate::vrrp::testing::*;

fn eth0() -> InterfaceStatus {
    interface("eth0", 1, &["10.0.0.1"])
}

/// With the milliseconds that eth0 must be down, and up.
fn delayed(router: RouterConfig, down: u64, up: u64) -> VrrpConfig {
    VrrpConfig {
        link_delays: vec![LinkDelay {
            interface: name("eth0"),
            down: ms(down),
            up: ms(up),
        }],
        ..one(router)
    }
}

/// What is said of the link in the next three seconds, with the microseconds until then.
fn reports(bench: &mut Bench) -> Vec<String> {
    let mut said = bench.pass(ms(3_000));
    said.retain(|line| line.contains("Netlink reports"));
    said
}

/// Facts: 14.13
#[test]
fn a_change_counts_after_its_delay() {
    let mut bench = Bench::master(delayed(router("A", 51), 500, 1_500));
    assert_eq!(bench.link(eth0(), false), [""; 0]);
    assert_eq!(bench.state("A"), "MASTER");
    assert_eq!(reports(&mut bench), ["+500000 log Netlink reports eth0 down"]);
    assert_eq!(bench.state("A"), "FAULT");
    assert_eq!(bench.link(eth0(), true), [""; 0]);
    assert_eq!(
        bench.engine.next_deadline(),
        Some(bench.now + ms(1_500)),
        "there is nothing else to wait for"
    );
    assert_eq!(reports(&mut bench), ["+1500000 log Netlink reports eth0 up"]);
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 14.13
#[test]
fn a_change_back_in_time_is_not_seen() {
    let mut bench = Bench::master(delayed(router("A", 51), 500, 0));
    bench.link(eth0(), false);
    bench.pass(ms(499));
    assert_eq!(bench.link(eth0(), true), [""; 0]);
    assert_eq!(reports(&mut bench), [""; 0]);
    assert_eq!(bench.state("A"), "MASTER");
    // The next one has the whole delay; what else changes meanwhile does not begin it anew.
    bench.link(eth0(), false);
    bench.pass(ms(400));
    bench.link(interface("eth0", 1, &["10.0.0.1", "10.0.0.7"]), false);
    assert_eq!(reports(&mut bench), ["+100000 log Netlink reports eth0 down"]);
    assert_ne!(
        bench.link(eth0(), true),
        [""; 0],
        "up has no delay: it counts at once"
    );
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 14.13
#[test]
fn what_is_told_late_counts_once() {
    let mut bench = Bench::master(delayed(router("A", 51), 500, 0));
    bench.link(eth0(), false);
    // The timeout has not been handled yet.
    bench.now += ms(600);
    let said = bench.link(eth0(), false);
    assert_eq!(
        said.first().map(String::as_str),
        Some("log Netlink reports eth0 down")
    );
    assert_eq!(reports(&mut bench), [""; 0]);
    assert_eq!(bench.state("A"), "FAULT");
}

/// Facts: 14.13
#[test]
fn an_interface_that_goes_or_is_another_is_not_waited_for() {
    let mut bench = Bench::master(delayed(router("A", 51), 500, 500));
    bench.link(eth0(), false);
    bench.handle(Event::InterfaceGone(name("eth0")));
    assert_eq!(bench.state("A"), "FAULT");
    assert_eq!(bench.engine.next_deadline(), None);
    bench.handle(Event::Interface(interface("eth0", 9, &["10.0.0.1"])));
    assert_eq!(bench.state("A"), "BACKUP");
}

/// Facts: 14.13
#[test]
fn the_links_above_wait_with_their_interface() {
    let mut own = router("A", 51);
    own.track_interfaces = vec![TrackedInterface {
        interface: name("vrrp.51"),
        weight: 0,
        reverse: false,
    }];
    let mut config = delayed(own, 500, 0);
    config.links = vec![LinkConfig {
        name: name("vrrp.51"),
        router: "A".into(),
        parent: name("eth0"),
        kind: OwnLinkKind::Vmac(crate::net::Mac([0, 0, 0x5e, 0, 1, 51])),
        family: crate::net::Family::V4,
        both: false,
        link_local: None,
        group: None,
        notify_parent: false,
    }];
    let mut bench = Bench::idle(config);
    bench.handle(Event::Interface(interface("vrrp.51", 7, &[])));
    bench.start();
    bench.pass(ms(5_000));
    assert_eq!(bench.state("A"), "MASTER");
    bench.link(interface("vrrp.51", 7, &[]), false);
    assert_eq!(reports(&mut bench), ["+500000 log Netlink reports vrrp.51 down"]);
}

/// Facts: 1.21
#[test]
fn delays_are_cut_to_what_the_interval_allows() {
    let after = |down_timer_adverts, expected: &[&str]| {
        let mut own = router("A", 51);
        own.down_timer_adverts = down_timer_adverts;
        let mut bench = Bench::master(delayed(own, 20_000, 0));
        let at_once = bench.link(eth0(), false).iter().any(|l| l.contains("eth0 down"));
        assert_eq!(at_once, expected.is_empty());
        assert_eq!(reports(&mut bench), expected);
    };
    after(3, &["+1996093 log Netlink reports eth0 down"]);
    after(2, &["+996093 log Netlink reports eth0 down"]);
    after(1, &[]);
}

/// Facts: 1.21
#[test]
fn a_masters_shorter_interval_cuts_them_more() {
    let fast = version_3(router("A", 51), 100);
    let config = delayed(version_3(router("A", 51), 1_000), 20_000, 0);
    let mut bench = Bench::new(config.clone());
    bench.hear(advert(&fast, 150, "10.0.0.2"));
    bench.link(eth0(), false);
    let said = reports(&mut bench);
    assert_eq!(said, ["+199609 log Netlink reports eth0 down"], "learned before");
    let mut bench = Bench::new(config);
    bench.link(eth0(), false);
    bench.pass(ms(50));
    bench.hear(advert(&fast, 150, "10.0.0.2"));
    let said = reports(&mut bench);
    assert_eq!(
        said,
        ["+149609 log Netlink reports eth0 down"],
        "learned meanwhile"
    );
}

/// Facts: 14.13
#[test]
fn a_reload_changes_what_is_waited_for() {
    let config = |down| delayed(router("A", 51), down, 0);
    let mut bench = Bench::master(config(1_500));
    bench.link(eth0(), false);
    bench.pass(ms(100));
    bench.engine.reload(bench.now, config(300));
    bench.drain();
    assert_eq!(reports(&mut bench), ["+200000 log Netlink reports eth0 down"]);
    bench.link(eth0(), true);
    bench.link(eth0(), false);
    bench.pass(ms(100));
    bench.engine.reload(bench.now, one(router("A", 51)));
    bench.drain();
    assert_eq!(reports(&mut bench), ["+0 log Netlink reports eth0 down"]);
}
