//! Inside: the guest's first process, and the process that runs the scenario.
//!
//! The root becomes an overlay, a tmpfs above the host's file system, so a scenario may write wherever it likes and
//! nothing of it reaches the host. The verdict goes into a file of the host's; the timeline, to the console.

use std::fs::{self, File};
use std::io::Write as _;
use std::panic;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::thread::{self, sleep};
use std::time::Duration;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::wait;
use nix::unistd::{Pid, chdir, pivot_root};

use crate::{host, modules, scenarios, sh, timeline};

/// Where the guest finds the directory that it shares with the host.
pub const SHARED: &str = "/run/lab/shared";
/// Where every node finds the daemon under test, wherever the host has built it.
pub const STEADFAST: &str = "/usr/local/sbin/steadfast";
/// The verdict of a scenario that passed.
pub const PASSED: &str = "passed";

const LAB: &str = "/usr/local/sbin/lab";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The first process: makes the place, runs the scenario, collects the dead, ends the guest.
///
/// `order` is: `uml` or `host`, the scenario, the directory shared with the host, the daemon under test
/// and the program that is steadfast.
pub fn init(order: &[&str]) -> ExitCode {
    let [place, scenario, shared, daemon, binary, ..] = order else {
        panic!("what should this guest do? {order:?}")
    };
    let uml = *place == "uml";
    private_root(uml, shared, binary);
    if uml {
        modules::load(modules::SITE);
    }
    sh::run(&["ip", "link", "set", "lo", "up"]);
    #[expect(
        clippy::zombie_processes,
        reason = "waited for below, with all the others that die here"
    )]
    let child = Command::new(LAB)
        .args(["--run", scenario])
        .env_clear()
        .envs([
            ("PATH", PATH),
            ("HOME", "/root"),
            ("LAB_DAEMON", daemon),
            ("RUST_BACKTRACE", "0"),
        ])
        .spawn()
        .expect("the scenario's process");
    let child = Pid::from_raw(child.id() as i32);
    if uml {
        // A guest whose host process is gone ends nevertheless.
        let limit = fs::read_to_string(Path::new(SHARED).join(host::LIMIT_FILE)).expect("a limit");
        let limit = Duration::from_secs(limit.parse().expect("seconds"));
        thread::spawn(move || {
            sleep(limit);
            power_off();
        });
    }
    let ended = loop {
        match wait() {
            Ok(ended) if ended.pid() == Some(child) => break ended,
            _ => {}
        }
    };
    // It leaves one whenever it can.
    leave_verdict(&format!(
        "the scenario's process ended without a verdict: {ended:?}"
    ));
    if uml {
        power_off();
    }
    ExitCode::SUCCESS
}

fn power_off() {
    // Whoever still runs when this kernel goes down may go on without it, as a process of the host.
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    while wait().is_ok() {}
    nix::unistd::sync();
    reboot(RebootMode::RB_POWER_OFF).expect("power off");
}

/// The scenario's process: runs it and leaves the verdict.
pub fn run(name: &str) -> ExitCode {
    timeline::begin();
    panic::set_hook(Box::new(|failure| {
        let place = failure.location().map(ToString::to_string).unwrap_or_default();
        let payload = failure.payload();
        let literal = payload.downcast_ref::<&str>().copied();
        let text = literal
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("panicked");
        timeline::note("FAILED", text);
        // The first failure is the cause, later ones are its consequences.
        leave_verdict(FAILURE.get_or_init(|| format!("{text}\n(at {place})")));
    }));
    let scenario = scenarios::named(name).unwrap_or_else(|| panic!("no scenario is called {name}"));
    let passed = panic::catch_unwind(scenario.run).is_ok();
    // A failure of a helper thread is a failure too, and one in a node's mount namespace has left no verdict.
    match FAILURE.get() {
        Some(failure) => leave_verdict(failure),
        None => leave_verdict(PASSED),
    }
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What failed first.
static FAILURE: OnceLock<String> = OnceLock::new();

/// The verdict, unless there is one already.
fn leave_verdict(text: &str) {
    if let Ok(mut verdict) = File::create_new(Path::new(SHARED).join("verdict")) {
        let _ = verdict.write_all(text.as_bytes());
    }
}

/// Replaces the root by an overlay of it, with fresh proc, sys, run and tmp, and the shared directory.
fn private_root(uml: bool, shared: &str, binary: &str) {
    let none = None::<&str>;
    if uml {
        modules::load(modules::ROOT);
    } else {
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private mounts");
    }
    tmpfs("/mnt", "0755");
    for directory in ["/mnt/upper", "/mnt/work", "/mnt/root"] {
        fs::create_dir(directory).expect(directory);
    }
    let layers = "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work";
    mount(
        Some("overlay"),
        "/mnt/root",
        Some("overlay"),
        MsFlags::empty(),
        Some(layers),
    )
    .expect("overlay root");
    chdir("/mnt/root").expect("new root");
    for directory in ["proc", "sys", "dev", "run", "tmp"] {
        fs::create_dir_all(directory).expect(directory);
    }
    mount(
        Some("/dev"),
        "dev",
        none,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        none,
    )
    .expect("dev");
    tmpfs("run", "0755");
    tmpfs("tmp", "1777");
    fs::create_dir_all("run/lab/shared").expect("shared directory");
    if uml {
        mount(
            Some("none"),
            "run/lab/shared",
            Some("hostfs"),
            MsFlags::empty(),
            Some(shared),
        )
        .expect("shared directory");
    } else {
        mount(Some(shared), "run/lab/shared", none, MsFlags::MS_BIND, none).expect("shared directory");
    }
    fs::create_dir_all("usr/local/sbin").expect("a place for the daemon");
    for (built, seen) in [(binary, STEADFAST), (own_path().as_str(), LAB)] {
        let seen = seen.trim_start_matches('/');
        File::create(seen).expect(seen);
        mount(Some(built), seen, none, MsFlags::MS_BIND, none).expect(seen);
    }
    mount(Some("proc"), "proc", Some("proc"), MsFlags::empty(), none).expect("proc");
    mount(Some("sysfs"), "sys", Some("sysfs"), MsFlags::empty(), none).expect("sysfs");
    pivot_root(".", ".").expect("pivot root");
    umount2(".", MntFlags::MNT_DETACH).expect("leave the old root");
    chdir("/").expect("root");
}

/// This program as it was started; proc is not there yet.
fn own_path() -> String {
    std::env::args().next().expect("own path")
}

fn tmpfs(at: &str, mode: &str) {
    let mode = format!("mode={mode}");
    mount(
        Some("tmpfs"),
        at,
        Some("tmpfs"),
        MsFlags::empty(),
        Some(mode.as_str()),
    )
    .expect(at);
}
