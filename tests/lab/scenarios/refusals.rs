//! What a kernel refuses is said in keepalived's words, and a kernel without IPVS ends the daemon.

use std::fs;

use super::conf::GLOBAL;
use super::expect::SOON;
use super::ipvs::both;
use super::tables::{DOWN, Field, server};
use crate::modules;
use crate::site::{Daemon, Director};
use crate::timeline::{Stamp, note, wait_for};

/// Services that the kernel refused: a guest has had a scheduler taken away, and no kernel has this engine.
const REFUSED: &str = "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) ";

/// The lines of a log with these words, sorted.
fn lines(director: &Director, words: &str) -> Vec<String> {
    let lines = director.log.lines().into_iter().map(|(_, line)| line);
    let found = lines.filter_map(|line| line.find(words).map(|at| line[at..].to_owned()));
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

/// A scheduler or a persistence engine that is not there: the same lines as keepalived's, each once, and not those that
/// follow from them; the others are served. What comes later is taken. What is there already is taken over, and what is
/// gone already is gone, without a word.
///
/// LVS facts: 2.19
pub fn refusals() {
    let guest = modules::remove(&["ip_vs_fo"]);
    let mut field = Field::new();
    for director in &field.directors {
        director.run(&["ipvsadm", "-A", "-t", "192.0.2.102:80", "-s", "wlc"]);
    }
    let head = "lb_kind DR\nprotocol TCP\nlb_algo";
    let engine = format!("{head} rr\npersistence_timeout 5\npersistence_engine dns");
    let fo = format!("{head} fo");
    let one = [("198.51.100.1 80", "")];
    let conf = [
        "virtual_server_group V {\n192.0.2.120 80\n}\n".to_owned(),
        server("192.0.2.100 80", &fo, &one),
        server("192.0.2.101 80", &engine, &one),
        server("192.0.2.102 80", &format!("{head} rr"), &one),
        server("192.0.2.103 80", &format!("{head} rr"), &one),
        server(
            "192.0.2.104 80",
            &format!("{head} rr"),
            &[("198.51.100.1 80", DOWN)],
        ),
        server("2001:db8::100 80", &fo, &[("2001:db8::1 80", "")]),
        server("fwmark 5", "lb_kind DR\nlb_algo fo", &[("198.51.100.1", "")]),
        server("group V", &fo, &one),
    ];
    field.start(&conf.concat());
    let refused = if guest { 5 } else { 1 };
    for director in &field.directors {
        wait_for(
            format!("{refused} refusals of {}", director.name),
            2 * SOON,
            || (lines(director, REFUSED).len() >= refused).then_some(()),
        );
    }
    let ours = &field.directors[1];
    if ours.daemon == Daemon::Steadfast {
        // It has tried again by then.
        wait_for("a later attempt", 2 * SOON, || {
            (lines(ours, "IPVS: ")
                .iter()
                .filter(|line| line.ends_with(" changes"))
                .count()
                > 3)
            .then_some(())
        });
        assert_eq!(
            lines(ours, "IP_VS_SO_SET_ADDDEST"),
            [""; 0],
            "they follow from the others"
        );
        assert_eq!(lines(ours, "already exists"), [""; 0], "it is taken over");
    }
    let [theirs, ours] = field
        .directors
        .each_ref()
        .map(|director| lines(director, REFUSED));
    assert_eq!(theirs.len(), refused, "{theirs:?}");
    assert_eq!(theirs, ours);
    if guest {
        modules::load(&["ip_vs_fo"]);
    }
    if field.directors[1].daemon == Daemon::Steadfast {
        wait_for("the services that were refused", 4 * SOON, || {
            let [_, ours] = field.tables();
            let served = ours
                .iter()
                .filter(|line| line.contains("scheduler fo") && line.contains(" -> "));
            (served.count() == 4).then_some(())
        });
        let again = "is as it should be again";
        let ours = &field.directors[1];
        wait_for("the end of refusals", SOON, || {
            (!guest || lines(ours, again).len() == 4).then_some(())
        });
    }
    for director in &field.directors {
        director.run(&["ipvsadm", "-C"]);
    }
    field.stop();
    if field.directors[1].daemon == Daemon::Steadfast {
        for gone in ["IP_VS_SO_SET_DEL(", "IP_VS_SO_SET_DELDEST"] {
            assert_eq!(lines(&field.directors[1], gone), [""; 0]);
        }
    }
}

/// Without IPVS a daemon that needs it says so and ends with 1, and one that does not need it lives. On a host's own kernel
/// nothing can be taken away. Before it says so it has the host's `modprobe` load the module.
///
/// LVS facts: 2.18
pub fn missing() {
    let schedulers = [
        "rr", "wrr", "lc", "wlc", "sh", "mh", "dh", "sed", "nq", "fo", "ovf", "lblc", "lblcr", "pe_sip",
    ];
    let modules = schedulers.map(|name| format!("ip_vs_{name}"));
    let mut modules: Vec<_> = modules.iter().map(String::as_str).collect();
    modules.push("ip_vs");
    if !modules::remove(&modules) {
        note("lab", "this is no guest: IPVS stays");
        return;
    }
    let settings = "lb_kind DR\nprotocol TCP\nlb_algo rr";
    let conf = server("192.0.2.100 80", settings, &[("198.51.100.1 80", "")]);
    const LOADER: &str = "/proc/sys/kernel/modprobe";
    let loader = fs::read_to_string(LOADER).expect("the kernel's loader");
    fs::write(LOADER, "/etc/keepalived/modprobe\n").expect("another loader");
    for mut director in both() {
        director.script("/etc/keepalived/modprobe", "echo \"$@\" >>/run/loaded; exit 1");
        director.run_with(&format!("{GLOBAL}{conf}"));
        assert_eq!(director.ended(2 * SOON), Some(1), "{}", director.name);
        let began = director.started();
        director.log.wait("IPVS: Can't initialize ipvs: ", began, SOON);
        let loaded = director.read("/run/loaded");
        assert!(loaded.lines().any(|line| line.ends_with(" ip_vs")), "{loaded}");
        if director.daemon == Daemon::Steadfast {
            let since = Stamp::now();
            director.run_with(GLOBAL);
            director.log.wait("Startup complete", since, SOON);
            assert_eq!(director.stop(), Some(0));
            assert_eq!(lines(&director, "initialize ipvs").len(), 1, "not again");
        }
    }
    fs::write(LOADER, loader).expect("the loader of before");
}
