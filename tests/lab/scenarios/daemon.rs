//! The daemon in trouble: a plane that panics, files that cannot be run, a stop in the middle of its checks.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, PATIENT_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use super::failover::{Pair, pair};
use crate::site::{self, CONFIG, Daemon, Director, Mode, v4};
use crate::timeline::{Stamp, for_the_next, ms, note, wait_for};

/// The VRRP plane panics: it hands over with priority 0 and withdraws, and the daemon ends.
/// Facts: 18.14
pub fn plane_panic() {
    let Pair {
        site,
        mut d1,
        d2,
        probe,
        backup,
    } = pair("");
    let told = Stamp::now();
    // Debug builds take this signal for an order to panic.
    d1.signal_number(libc::SIGRTMAX());
    assert_eq!(d1.ended(SOON), Some(70), "exit code");
    expect::handed_over(&site.wire, "d1");
    let taken = expect::takeover(&site.wire, "d1", "d2", backup.skew(), vip());
    assert!(!d1.holds(vip()), "d1 withdraws what it holds");
    assert!(
        d1.ipvs().services.is_empty(),
        "d1 empties the IPVS table: {:?}",
        d1.ipvs()
    );
    // The log says why.
    d1.log.wait("told to", told, SOON);
    d2.wait_holds(vip(), SOON);
    expect::served_by(&site.client, &probe, vip(), site::mac(0, 2), &site.servers, taken);
    note(
        "client",
        format!("was without service for {}", ms(probe.gap(told))),
    );
}

/// A file that cannot be run changes nothing, and the log says where the mistake is; the next good one is taken.
/// Facts: 18.9
pub fn bad_reload() {
    let (site, mut d1) = site::single(1);
    d1.daemon = Daemon::Steadfast;
    let service = SocketAddr::new(vip(), 80);
    let servers = expect::addresses(&site);
    let lvs = virtual_server(vip(), 80, &servers, PATIENT_CHECK, "");
    let router = Instance {
        interval: 200,
        ..Instance::default()
    };
    let good = format!("{GLOBAL}{router}{lvs}");
    d1.run_with(&good);
    d1.wait_holds(vip(), SOON);
    expect::weights(&d1, service, &[(servers[0], 1)]);
    let settled = Stamp::now();

    let undisturbed = |d1: &Director| {
        assert!(d1.holds(vip()), "the address stays");
        assert_eq!(d1.ipvs().weights(service), [(servers[0], 1)], "the table stays");
        let adverts = site.wire.adverts_after("d1", settled);
        let priorities: Vec<u8> = adverts.iter().map(|(_, advert)| advert.priority).collect();
        assert!(
            priorities.iter().all(|priority| *priority == 100),
            "the master stays master: {priorities:?}"
        );
    };
    let line = |text: &str| 1 + good.lines().position(|line| line.trim() == text).expect(text);
    let instance = line("vrrp_instance VI_1 {");
    let priority = line("priority 100");
    let cases = [
        (
            "an argument is missing",
            Some(good.replace("priority 100", "priority")),
            format!("({CONFIG}: Line {priority})"),
        ),
        (
            "the instance has no router id",
            Some(good.replace("    virtual_router_id 51\n", "")),
            format!("({CONFIG}: Line {instance})"),
        ),
        (
            "it was cut off while it was written",
            Some(good[..good.find("TCP_CHECK").expect("a block")].to_owned()),
            format!("({CONFIG}: Line {})", line("real_server 192.0.2.11 80 {")),
        ),
        (
            "a quote is not closed",
            Some(good.replace("router_id lab", "router_id \"lab")),
            format!("({CONFIG}: Line {})", line("router_id lab")),
        ),
        ("it is empty", Some(String::new()), format!("({CONFIG})")),
        ("it is gone", None, format!("'{CONFIG}'")),
    ];
    for (mistake, text, place) in cases {
        note("d1", format!("a new configuration: {mistake}"));
        match text {
            Some(text) => d1.configure(&text),
            None => fs::remove_file(d1.path(CONFIG)).expect("the file"),
        }
        let reloaded = Stamp::now();
        d1.signal(Signal::SIGHUP);
        d1.log.wait("the running one is kept", reloaded, SOON);
        d1.log.wait(&place, reloaded, SOON);
        for_the_next(router.down_time(), "nothing has changed", || {
            undisturbed(&d1);
            true
        });
    }

    note(
        "d1",
        "a good configuration, with a second address and another server",
    );
    let second = Instance {
        addresses: &["192.0.2.100/24", "192.0.2.101/24"],
        ..router.clone()
    };
    let fresh = Stamp::now();
    d1.configure(&format!(
        "{GLOBAL}{second}{}",
        lvs.replace("weight 1", "weight 3")
    ));
    d1.signal(Signal::SIGHUP);
    d1.log.wait("Reload complete", fresh, SOON);
    d1.wait_holds(v4(0, 101), SOON);
    expect::weights(&d1, service, &[(servers[0], 3)]);
    assert!(d1.holds(vip()));
    assert_eq!(d1.stop(), Some(0), "exit code");
}

/// A stop does not wait for checks that hang: in a connection, in an answer, in a script.
pub fn stop_busy() {
    let (site, mut d1) = site::single(2);
    let [hanging, slow] = site.servers.as_slice() else {
        panic!("two servers")
    };
    let hour = "connect_timeout 60\n            retry 1\n            delay_before_retry 1";
    let tcp = virtual_server(
        vip(),
        80,
        &[v4(0, 11)],
        &format!("TCP_CHECK {{ \n{hour}\n }}"),
        "",
    );
    let http = virtual_server(
        v4(0, 101),
        80,
        &[v4(0, 12)],
        &format!("HTTP_GET {{\n url {{\n path /\n status_code 200\n }}\n {hour}\n }}"),
        "",
    );
    let misc = virtual_server(
        v4(0, 102),
        80,
        &[v4(0, 12)],
        "MISC_CHECK {\n misc_path /etc/keepalived/misc\n misc_timeout 60\n }",
        "",
    );
    d1.script(
        "/etc/keepalived/misc",
        "echo $$ >/run/misc.new\nmv /run/misc.new /run/misc\nexec sleep 60",
    );
    // The carrier stays, so the connection hangs rather than fails.
    site.client.resolve(v4(0, 11));
    slow.set(Mode::Slow(Duration::from_secs(60)));
    d1.ip("neighbour add 192.0.2.11 lladdr 02:00:00:00:00:0b dev eth0\n");
    site.switch.cut(&hanging.name);
    d1.run_with(&format!("{GLOBAL}{}{tcp}{http}{misc}", Instance::default()));
    d1.wait_holds(vip(), SOON);
    let script = wait_for("the script to run", 2 * SOON, || {
        d1.read("/run/misc").trim().parse::<u32>().ok()
    });
    for peer in ["192.0.2.11:80", "192.0.2.12:80"] {
        wait_for(format!("a connection to {peer} in flight"), SOON, || {
            connected(&d1, peer).then_some(())
        });
    }
    wait_for("all services", SOON, || {
        (d1.ipvs().services.len() == 3).then_some(())
    });

    let told = Stamp::now();
    assert_eq!(d1.stop(), Some(0), "exit code");
    let ended = Stamp::now();
    let took = ended - told;
    note("d1", format!("ended within {}", ms(took)));
    // A second is what it takes at most, and the machine may be slow; those checks take a minute.
    assert!(
        took <= Duration::from_secs(3) + expect::late(told, ended),
        "the stop took {took:?}"
    );
    assert!(d1.ipvs().services.is_empty(), "left over: {:?}", d1.ipvs());
    assert!(!d1.holds(vip()));
    wait_for("the end of the check's script", SOON, || {
        (!fs::exists(format!("/proc/{script}")).unwrap_or(true)).then_some(())
    });
}

/// Whether a connection to `peer` exists or is being made.
fn connected(d1: &Director, peer: &str) -> bool {
    d1.run(&["ss", "--tcp", "--numeric", "--no-header", "--all"])
        .lines()
        .any(|line| line.split_whitespace().nth(4) == Some(peer))
}
