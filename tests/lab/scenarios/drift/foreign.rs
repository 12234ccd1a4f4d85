//! Whatever happens to the daemon: the services of others stay.

use nix::sys::signal::Signal;

use super::super::conf::{GLOBAL, Instance, vip};
use super::super::expect::SOON;
use super::super::ipvs::saved;
use super::{BAD, FOREIGN, ipvsadm, services};
use crate::site::{self, CONFIG, Daemon, Director};
use crate::timeline::{Stamp, note, wait_for};

/// Lines of our two services with their servers.
const WHOLE: usize = 6;

/// Reloads of every kind, states of the MASTER, a failing check, a stop that leaves everything, the end of a plane, a
/// SIGKILL and the start after each.
/// LVS facts: 17.6
pub fn survives() {
    let (_site, mut d) = site::single(0);
    d.daemon = Daemon::Steadfast;
    let instance = Instance::default();
    let config = |global: &str, services: &str| {
        let global = GLOBAL.replacen('{', &format!("{{\n    {global}"), 1);
        format!("{global}{instance}{services}")
    };
    let usual = config("", &services());
    FOREIGN.iter().for_each(|words| ipvsadm(&d, words));
    d.run_with(&usual);
    is(&d, "the start", WHOLE);
    d.wait_holds(vip(), SOON);

    let one = services();
    let (one, _) = one.split_at(one.rfind("virtual_server ").expect("two services"));
    let reloads = [
        ("a service goes", config("", one), 3),
        ("it comes back", usual.clone(), WHOLE),
        ("it is the same", usual.clone(), WHOLE),
        (
            "another scheduler",
            config("", &services().replace("lb_algo rr", "lb_algo wlc")),
            WHOLE,
        ),
        (
            "lvs_flush, for starts",
            config("lvs_flush\n    ", &services()),
            WHOLE,
        ),
        ("drift_repair", config("drift_repair\n    ", &services()), WHOLE),
        ("all services go", config("", ""), 0),
        ("and come back", usual.clone(), WHOLE),
    ];
    for (what, text, lines) in reloads {
        d.configure(&text);
        reload(&d);
        is(&d, what, lines);
    }
    // What cannot be run changes nothing.
    let since = Stamp::now();
    std::fs::remove_file(d.path(CONFIG)).expect("the file");
    d.signal(Signal::SIGHUP);
    d.log.wait("the running one is kept", since, SOON);
    is(&d, "no file", WHOLE);
    d.configure(&usual);
    reload(&d);

    d.write(BAD, "");
    is(&d, "the first server fails", WHOLE - 2);
    d.run(&["rm", BAD]);
    is(&d, "and recovers", WHOLE);
    for (what, state) in [("down", "FAULT"), ("up", "MASTER")] {
        let since = Stamp::now();
        d.ip(&format!("link set eth0 {what}\n"));
        d.wait_state("VI_1", state, since, 2 * SOON);
        is(&d, what, WHOLE);
    }

    for _ in 0..2 {
        d.kill();
        is(&d, "SIGKILL", WHOLE);
        again(&mut d, &[]);
    }
    // The VRRP plane dies of a defect (in debug builds, of this signal), and takes ours with it.
    d.signal_number(libc::SIGRTMAX());
    assert_eq!(d.ended(2 * SOON), Some(70), "exit code");
    is(&d, "a plane has died", 0);
    for (options, left) in [
        (&["--dont-release-ipvs"][..], WHOLE),
        (&["--handover=none"], WHOLE),
        (&[], 0),
    ] {
        again(&mut d, options);
        assert_eq!(d.stop(), Some(0), "exit code");
        is(&d, &format!("a stop with {options:?}"), left);
    }
}

/// So many lines of ours are there, and those of others.
#[track_caller]
fn is(d: &Director, what: &str, ours: usize) {
    wait_for(
        format!("{what}: {ours} lines of ours and those of others"),
        2 * SOON,
        || {
            let table = saved(d);
            let theirs = FOREIGN.iter().all(|line| table.iter().any(|one| one == line));
            assert!(theirs, "{what}: what is not ours: {table:?}");
            (table.len() == ours + FOREIGN.len()).then_some(())
        },
    );
    note("lab", format!("{what}: what is not ours is there"));
}

fn reload(d: &Director) {
    let since = Stamp::now();
    d.signal(Signal::SIGHUP);
    d.log.wait("Reload complete", since, 2 * SOON);
}

/// The next start, after which everything is there.
fn again(d: &mut Director, options: &[&str]) {
    let since = Stamp::now();
    d.start_as(&[], options);
    d.log.wait("Startup complete", since, 2 * SOON);
    d.wait_holds(vip(), SOON);
    is(d, "the next start", WHOLE);
}
