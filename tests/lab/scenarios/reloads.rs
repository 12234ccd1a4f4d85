//! Reloads: files that are tested first, files whose time comes, and hundreds that are broken.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance, TCP_CHECK, vip, virtual_server};
use super::expect::{self, SOON};
use crate::site::{self, CONFIG, Daemon, Director, Log, Mode};
use crate::timeline::{Stamp, note, wait_for};

fn with(global: &str) -> String {
    GLOBAL.replacen('{', &format!("{{\n    {global}"), 1)
}

/// With `reload_check_config` a file in which anything is wrong is not taken, and what is wrong is in the log file; both
/// daemons. A file that is gone ends keepalived; ours goes on.
///
/// Facts: 18.9
/// LVS facts: 16.13
pub fn check_config() {
    let (_site, mut d1) = site::single(0);
    let good = format!(
        "{}{}",
        with("reload_check_config /run/found"),
        Instance::default()
    );
    d1.run_with(&good);
    d1.wait_holds(vip(), SOON);
    let reload = |text: &str, line: &str| {
        d1.configure(text);
        let asked = Stamp::now();
        d1.signal(Signal::SIGHUP);
        d1.log.wait("validate conf before Reload", asked, SOON);
        d1.log.wait(line, asked, SOON);
        asked
    };
    let refused = "New config failed validation";
    for (mistake, named) in [
        ("priority 100\n    nonsense", "nonsense"),
        ("priority", "priority"),
        ("priority 100\n    interface eth77", "eth77"),
    ] {
        let asked = reload(&good.replace("priority 100", mistake), refused);
        let found = d1.read("/run/found");
        assert!(found.contains(named), "{named}: {found}");
        assert_eq!(d1.log.count_since("Reload complete", asked), 0, "{mistake}");
    }
    reload(&good, "Reload complete");
    assert_eq!(d1.read("/run/found"), "", "only of the last test");
    assert!(d1.holds(vip()));
    if d1.daemon == Daemon::Steadfast {
        fs::remove_file(d1.path(CONFIG)).expect("the file");
        let asked = Stamp::now();
        d1.signal(Signal::SIGHUP);
        d1.log.wait("the running one is kept", asked, SOON);
        d1.configure(&good);
    }
    // The new setting counts from the next reload on.
    let untested = format!("{GLOBAL}{}", Instance::default());
    reload(&untested, "Reload complete");
    let asked = Stamp::now();
    d1.configure(&untested.replace("priority 100", "priority 100\n    nonsense"));
    d1.signal(Signal::SIGHUP);
    d1.log.wait("Reload complete", asked, SOON);
    assert!(d1.holds(vip()));
    assert_eq!(d1.stop(), Some(0));
}

/// A file that holds a time reloads both daemons when it comes, and is gone then.
///
/// Facts: 18.10
pub fn time_file() {
    let (_site, mut d1) = site::single(0);
    let text = format!("{}{}", with("reload_time_file /run/when"), Instance::default());
    d1.run_with(&text);
    d1.wait_holds(vip(), SOON);
    let asked = Stamp::now();
    d1.run(&["sh", "-c", "date +%H:%M:%S -d '+1 hour' >/run/when"]);
    d1.log.wait("Scheduling reload for", asked, SOON);
    // Not so soon that it were past when it is read.
    d1.run(&[
        "sh",
        "-c",
        "date '+%Y-%m-%d %H:%M:%S' -d '+6 sec' >/run/other; cp /run/other /run/due; mv /run/other /run/when",
    ]);
    let due = d1.read("/run/due");
    d1.log.wait("Reload time updated from", asked, SOON);
    d1.log.wait("Reload complete", asked, 2 * SOON);
    let now = d1.run(&["date", "+%Y-%m-%d %H:%M:%S"]);
    if d1.daemon == Daemon::Steadfast {
        // keepalived is up to a second early.
        assert!(now.trim() >= due.trim(), "{now} is not before {due}");
    }
    assert!(!d1.path("/run/when").exists(), "it is gone");
    let again = Stamp::now();
    d1.run(&["sh", "-c", "echo soon >/run/when"]);
    d1.log
        .wait("Invalid reload time 'soon' specified - ignoring", again, SOON);
    d1.run(&["sh", "-c", "echo 23:59:59 >/run/when"]);
    d1.log.wait("Scheduling reload for", again, SOON);
    d1.run(&["rm", "/run/when"]);
    d1.log.wait("Cancelling reload scheduled for", again, SOON);
    assert_eq!(d1.log.count_since("Reloading ...", again), 0);
    assert!(d1.holds(vip()));
    assert_eq!(d1.stop(), Some(0));
}

/// A script that stands before `script_user` is run as that user, after a reload as before it. keepalived's own reload
/// runs it as root, or forgets it when scripts have to be safe: then the instance no longer tracks it.
///
/// Facts: 13.1
/// LVS facts: 16.15
pub fn script_users() {
    for security in ["", "enable_script_security"] {
        let (_site, mut d1) = site::single(0);
        d1.script("/etc/keepalived/who", "id -un >>/run/who");
        d1.run(&["sh", "-c", "touch /run/who; chmod 666 /run/who"]);
        let instance = Instance {
            more: "track_script {\n        S\n    }",
            ..Instance::default()
        };
        // Who is slow on a busy machine has not failed.
        let script = "vrrp_script S {\n    script /etc/keepalived/who\n    interval 1\n    timeout 20\n}\n";
        d1.run_with(&format!(
            "{script}{instance}global_defs {{\n    {security}\n    script_user nobody\n}}\n"
        ));
        let runs_as = |user: &str| {
            d1.run(&["sh", "-c", ": >/run/who"]);
            wait_for(format!("two runs as {user}"), 2 * SOON, || {
                let lines = d1.read("/run/who");
                assert!(lines.lines().all(|line| line == user), "{user}: {lines}");
                (lines.lines().count() > 1).then_some(())
            });
        };
        d1.wait_holds(vip(), 2 * SOON);
        runs_as("nobody");
        let asked = Stamp::now();
        d1.signal(Signal::SIGHUP);
        d1.log.wait("Reload complete", asked, SOON);
        match (d1.daemon, security) {
            (Daemon::Steadfast, _) => runs_as("nobody"),
            (Daemon::Keepalived, "") => wait_for("a run as root", 2 * SOON, || {
                d1.read("/run/who").contains("root").then_some(())
            }),
            (Daemon::Keepalived, _) => {
                d1.log.wait("track script S not found", asked, SOON);
            }
        }
        assert_eq!(d1.stop(), Some(0));
    }
}

/// So many mutations of each file of these folders, beside our examples of mistakes.
const MUTATED: [(&str, usize); 5] = [
    ("lab/dumps/vrrp", 4),
    ("lab/dumps/lvs", 4),
    ("lab/scenarios/ipvs", 4),
    ("lint", 3),
    ("compat/set", 3),
];
/// At least so many are mutated.
const MUTATIONS: usize = 1000;

/// What nobody can run stands at the beginning of every file that is not broken enough by itself.
const FATAL: &str = "vrrp_instance BROKEN {\n    interface eth0\n    virtual_router_id\n}\n";

/// Every file with a diagnosis, and more than a thousand mutated ones, one after another: each is refused, and nothing else happens. The address is never away, the
/// adverts go on, checks go on, and neither memory nor descriptors nor threads grow.
///
/// Facts: 18.9
/// LVS facts: 16.14
pub fn broken() {
    let (site, mut d1) = site::single(1);
    d1.daemon = Daemon::Steadfast;
    let servers = expect::addresses(&site);
    let service = (vip(), 80).into();
    // As far from each other as they can be, so that a backup waits for nearly four seconds: a busy machine is not silent so
    // long.
    let router = Instance {
        priority: 254,
        interval: 1000,
        ..Instance::default()
    };
    let backup = Instance {
        priority: 1,
        ..router.clone()
    };
    let good = format!(
        "{GLOBAL}{router}{}",
        virtual_server(vip(), 80, &servers, TCP_CHECK, "")
    );
    let started = Stamp::now();
    d1.run_with(&good);
    d1.wait_holds(vip(), 2 * SOON);
    // The address is there before the log tells.
    d1.wait_state("VI_1", "MASTER", started, SOON);
    expect::weights(&d1, service, &[(servers[0], 1)]);
    let mut monitor = d1.spawn(&["ip", "-o", "monitor", "address"]);
    let addresses = Log::default();
    addresses.follow("d1", monitor.stdout.take().expect("a pipe"));

    let files = broken_files(&good);
    let mut usage = None;
    let settled = Stamp::now();
    for (number, (name, text)) in files.iter().enumerate() {
        fs::write(d1.path(CONFIG), text).expect("the configuration");
        let asked = Stamp::now();
        d1.signal(Signal::SIGHUP);
        wait_for(format!("{name} to be refused"), 3 * SOON, || {
            let lines = d1.log.count_since("the running one is kept", asked);
            assert_eq!(
                d1.log.count_since("Reload complete", asked),
                0,
                "{name} was taken"
            );
            (lines > 0).then_some(())
        });
        // What is allocated once is there by then.
        if number == files.len() / 4 {
            usage = Some(Usage::settled(&d1));
        }
    }
    note("lab", format!("{} files were refused", files.len()));
    let (before, mut after) = (usage.expect("a measure"), Usage::settled(&d1));
    // What is only on its way ends; a leak does not.
    let since = Stamp::now();
    while after.is_beyond(&before) && since.elapsed() < 2 * SOON {
        after = after.least(&Usage::of(&d1));
        sleep(Duration::from_millis(50));
    }
    assert!(!after.is_beyond(&before), "{before:?} {after:?}");

    assert!(d1.holds(vip()));
    assert_eq!(d1.log.count_since("Entering", settled), 0, "the state stays");
    let adverts = site.wire.adverts_after("d1", settled);
    assert!(
        adverts
            .iter()
            .all(|(_, advert)| advert.priority == router.priority)
    );
    let silence = adverts.windows(2).map(|pair| pair[1].0 - pair[0].0).max();
    let silence = silence.expect("adverts");
    assert!(silence < backup.down_time(), "it was silent for {silence:?}");
    site.servers[0].set(Mode::Refuse);
    expect::weights(&d1, service, &[]);
    site.servers[0].set(Mode::Fine);
    expect::weights(&d1, service, &[(servers[0], 1)]);
    let gone = format!("inet {}", vip());
    assert_eq!(addresses.count_since(&gone, settled), 0, "{}", addresses.text());

    // The next good one is taken, and whoever watches the addresses sees that they go.
    d1.configure(&good.replace("priority 254", "priority 253"));
    let asked = Stamp::now();
    d1.signal(Signal::SIGHUP);
    d1.log.wait("Reload complete", asked, 2 * SOON);
    assert_eq!(d1.stop(), Some(0));
    wait_for("the address to be seen going", SOON, || {
        (addresses.count_since(&gone, asked) > 0).then_some(())
    });
    monitor.kill().expect("the monitor");
    monitor.wait().expect("the monitor");
}

/// What a daemon takes of the host.
#[derive(Debug)]
struct Usage {
    kilobytes: u64,
    descriptors: usize,
    threads: u64,
}

impl Usage {
    fn of(director: &Director) -> Self {
        let process = PathBuf::from(format!("/proc/{}", director.main()));
        let status = fs::read_to_string(process.join("status")).expect("a status");
        let number = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|word| word.parse().ok()).expect(key)
        };
        Self {
            kilobytes: number("VmRSS:"),
            descriptors: fs::read_dir(process.join("fd")).expect("descriptors").count(),
            threads: number("Threads:"),
        }
    }

    /// The least of what is seen for a while: the sockets of checks come and go.
    fn settled(director: &Director) -> Self {
        let mut least = Self::of(director);
        for _ in 0..20 {
            sleep(Duration::from_millis(50));
            least = least.least(&Self::of(director));
        }
        least
    }

    fn least(&self, now: &Self) -> Self {
        Self {
            kilobytes: self.kilobytes.min(now.kilobytes),
            descriptors: self.descriptors.min(now.descriptors),
            threads: self.threads.min(now.threads),
        }
    }

    /// Whether it is more than what refusals may have added to what there was `before`.
    fn is_beyond(&self, before: &Self) -> bool {
        self.kilobytes >= before.kilobytes + 4096
            || self.descriptors > before.descriptors
            // One that is lent for reading comes and goes.
            || self.threads > before.threads + 1
    }
}

/// Files that no daemon may take, by name: our own examples of mistakes, mutations of files as people write them, and
/// `good` cut off in the middle of a block.
fn broken_files(good: &str) -> Vec<(String, Vec<u8>)> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut chance = Chance(0x005e_ed0f_u64);
    let mut files = Vec::new();
    for path in configurations(&tests.join("conf")) {
        let text = fs::read(&path).expect("a file");
        files.push((path.display().to_string(), [FATAL.as_bytes(), &text].concat()));
    }
    let paths = MUTATED.iter().flat_map(|(folder, count)| {
        let paths = configurations(&tests.join(folder)).into_iter();
        paths.flat_map(|path| (0..*count).map(move |number| (number, path.clone())))
    });
    let paths: Vec<_> = paths.collect();
    assert!(paths.len() >= MUTATIONS, "{}", paths.len());
    for (number, path) in paths {
        let mut mutated = fs::read(&path).expect("a file");
        for _ in 0..=chance.below(8) {
            mutate(&mut mutated, &mut chance);
        }
        let name = format!("mutation {number} of {}", path.display());
        files.push((name, [FATAL.as_bytes(), &mutated].concat()));
    }
    let depth = |end: usize| {
        let count = |brace| good[..end].matches(brace).count();
        count('{') - count('}')
    };
    let cuts = (0..good.len()).step_by(11).filter(|end| depth(*end) > 0);
    files.extend(cuts.map(|end| (format!("the first {end} octets"), good.as_bytes()[..end].to_vec())));
    files
}

/// The configurations of a folder, in order.
fn configurations(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of configurations");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "conf"));
    paths.sort();
    assert!(!paths.is_empty(), "{}", folder.display());
    paths
}

/// Numbers of a fixed seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// One mistake, as of a hand, an editor, a disk or a hostile mind.
fn mutate(text: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(text.len() + 1);
    let to = (at + chance.below(40)).min(text.len());
    let odd: &[&[u8]] = &[
        b"{",
        b"}",
        b"\"",
        b"'",
        b"!",
        b"#",
        b"\\",
        b"\0",
        b"\xff\xfe",
        b"$X",
        b"~SEQ(A,1,9)",
        b"@^x ",
        b"\n",
        b" -1 ",
        b" 99999999999999999999 ",
        b"include /etc/keepalived/keepalived.conf\n",
        b" 1.2.3.4.5/99 ",
    ];
    match chance.below(6) {
        0 => drop(text.drain(at..to)),
        1 => {
            let copy = text[at..to].to_vec();
            text.splice(at..at, copy);
        }
        2 => text.truncate(at.max(1)),
        3 => {
            let other = chance.below(256) as u8;
            if let Some(byte) = text.get_mut(at) {
                *byte = other;
            }
        }
        _ => {
            let word = odd[chance.below(odd.len())];
            text.splice(at..at, word.iter().copied());
        }
    }
}
