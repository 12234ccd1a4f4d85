//! What must hold for any text: reading ends without panic, what is printed means the same plan, and formatting is
//! final and changes no plan.
//!
//! Texts are read alone: no include, no table of names, no environment. The host has one interface, and every script
//! may run.

use std::path::Path;
use steadfast::conf::diag::Diagnostic;
use steadfast::conf::{self, ReadOptions, Reading};
use steadfast::net::{IfIndex, IfName, InterfaceStatus};
use steadfast::plan::{self, Host, Plan};

fn options(id: &str, test: bool) -> ReadOptions {
    ReadOptions {
        config_id: id.to_owned(),
        test,
        alone: true,
        ..ReadOptions::default()
    }
}

fn host() -> Host {
    let interface = |index: u32, name: &str| InterfaceStatus {
        name: IfName::new(name).expect("a name"),
        index: IfIndex(index),
        mac: None,
        mtu: 1500,
        up: true,
        multicast: true,
        noarp: false,
        loopback: name == "lo",
        addresses: Vec::new(),
        made: steadfast::net::LinkTraits::default(),
    };
    Host {
        interfaces: vec![interface(1, "lo"), interface(2, "eth0")],
        ..Host::default()
    }
}

fn load(bytes: &[u8], options: &ReadOptions) -> (Reading, Plan, Vec<Diagnostic>) {
    let reading = conf::read_bytes(Path::new("fuzz.conf"), bytes, options);
    let (plan, more) = plan::build(&reading.config, &host());
    let all = reading.diagnostics.iter().cloned().chain(more).collect();
    (reading, plan, all)
}

/// Reads `bytes` as a file, for `-t` and for the daemon, and says what is wrong with it in every way there is.
pub fn read(bytes: &[u8]) {
    for test in [true, false] {
        let (reading, plan, diagnostics) = load(bytes, &options("main", test));
        let mut out = Vec::new();
        conf::diag::render_terminal(&diagnostics, &reading.sources, &mut out).expect("memory");
        for diagnostic in &diagnostics {
            let line = diagnostic.log_line();
            assert!(!line.is_empty());
        }
        plan::exit_code(&diagnostics);
        plan::print::print(&plan, false);
    }
}

/// Reads, prints and reads again: the plan is the same, and so is its text.
pub fn round_trip(bytes: &[u8]) {
    let (_, plan, _) = load(bytes, &options("main", true));
    let printed = plan::print::print(&plan, true);
    let (_, again, diagnostics) = load(printed.as_bytes(), &options("main", true));
    assert!(plan == again, "{printed}\n{plan:#?}\n{again:#?}\n{diagnostics:?}");
    assert_eq!(plan::print::print(&again, true), printed);
}

/// Formats: twice is once, and the plan stays the same for whoever reads it.
pub fn format(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(formatted) = conf::fmt::format(text) else {
        return;
    };
    assert_eq!(conf::fmt::format(&formatted).as_ref(), Ok(&formatted), "{text:?}");
    for id in ["main", "lb2"] {
        let (_, plan, _) = load(bytes, &options(id, true));
        let (_, again, _) = load(formatted.as_bytes(), &options(id, true));
        assert!(
            plan == again,
            "{id}: {text:?}\n=>\n{formatted:?}\n{plan:#?}\n{again:#?}"
        );
    }
}
