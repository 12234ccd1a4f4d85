//! Processes counted in a `/proc` of files, messages as the kernel writes them, and the kernel's own where it is permitted.

use super::count::{Census, Tally};
use super::events::{Connector, Message, ProcessEvent, parse};
use super::{ProcFs, ProcessWatcher};
use crate::clock::Instant;
use crate::track::config::{ParamMatch, ProcessConfig, ReceiveBuffer};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// A `/proc` of files.
struct Fake(PathBuf);

impl Fake {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("steadfast-proc-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("self")).unwrap();
        Self(root)
    }

    fn set(&self, pid: u32, name: &str, state: char, command: &str) {
        let directory = self.0.join(pid.to_string());
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("stat"), format!("{pid} ({name}) {state} 1 1")).unwrap();
        fs::write(directory.join("cmdline"), command).unwrap();
    }

    fn proc(&self) -> ProcFs {
        ProcFs::new(&self.0)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn config(name: &str, words: &[&str], param_match: Option<ParamMatch>) -> ProcessConfig {
    let mut words = words.iter().map(ToString::to_string);
    ProcessConfig {
        name: name.into(),
        program: words.next().unwrap(),
        parameters: words.collect(),
        param_match,
        full_command: false,
        weight: 0,
        reverse: false,
        quorum: 1,
        quorum_max: None,
        terminate_delay: Duration::ZERO,
        fork_delay: Duration::ZERO,
    }
}

fn census(proc: &ProcFs, configs: &[ProcessConfig]) -> Census {
    let mut census = Census::default();
    census.configure(configs, proc.limit(configs));
    census.count(proc);
    census
}

fn current(census: &Census, name: &str) -> u32 {
    census.tallies()[name].current
}

fn at(seconds: u64) -> Instant {
    Instant::from_micros(seconds * 1_000_000)
}

/// Names are the kernel's, of 15 octets; with parameters, `param_match` or `full_command` the command line decides.
///
/// Facts: 14.11
#[test]
fn a_process_is_counted_by_its_name_or_by_its_command_line() {
    let fake = Fake::new("match");
    fake.set(1, "a-very-long-nam", 'S', "/opt/a-very-long-name\0");
    fake.set(2, "worker) S (x", 'R', "/opt/w\0-a\0-b\0");
    fake.set(3, "w", 'S', "/opt/w\0-a\0");
    fake.set(4, "w", 'S', "/opt/w\0");
    fake.set(5, "w", 'Z', "/opt/w\0");
    fake.set(6, "w", 'S', "/opt/w\0-alpha\0");
    fake.set(7, "kthread", 'S', "");
    let (exact, initial, partial) = (ParamMatch::Exact, ParamMatch::Initial, ParamMatch::Partial);
    let full = ProcessConfig {
        full_command: true,
        ..config("", &["/opt/w"], None)
    };
    for (config, expected) in [
        (config("", &["a-very-long-name"], None), 1),
        (config("", &["/opt/a-very-long-name"], None), 1),
        (config("", &["a-very-long"], None), 0),
        (config("", &["worker) S (x"], None), 1),
        // The one that has ended is not counted.
        (config("", &["w"], None), 3),
        (config("", &["kthread"], None), 1),
        (full, 4),
        (config("", &["/opt/w"], Some(exact)), 1),
        (config("", &["w"], Some(exact)), 0),
        (config("", &["/opt/w", "-a"], None), 1),
        (config("", &["/opt/w", "-a"], Some(initial)), 2),
        (config("", &["/opt/w", "-a"], Some(partial)), 2),
        (config("", &["/opt/w", "-a", "-b"], None), 1),
        (config("", &["/opt/w", "-b"], None), 0),
    ] {
        let proc = fake.proc();
        let counted = current(&census(&proc, std::slice::from_ref(&config)), "");
        assert_eq!(counted, expected, "{config:?}");
    }
}

/// Facts: 14.11
#[test]
fn new_ended_and_renamed_processes_change_the_count() {
    let fake = Fake::new("events");
    let proc = fake.proc();
    let mut census = census(&proc, &[config("p", &["daemon"], None)]);
    assert_eq!(census.begin(), [("p".into(), false)]);
    fake.set(10, "sh", 'S', "sh\0");
    census.look(&proc, 10);
    assert_eq!(census.judge(at(1)), []);
    fake.set(10, "daemon", 'S', "daemon\0");
    census.look(&proc, 10);
    // Told twice, counted once.
    census.look(&proc, 10);
    assert_eq!(current(&census, "p"), 1);
    assert_eq!(census.judge(at(2)), [("p".into(), true)]);
    fake.set(10, "other", 'S', "daemon\0");
    census.look(&proc, 10);
    assert_eq!(census.judge(at(3)), [("p".into(), false)]);
    fake.set(11, "daemon", 'S', "");
    census.count(&proc);
    assert_eq!(census.judge(at(4)), [("p".into(), true)]);
    census.gone(11);
    census.gone(11);
    assert_eq!(census.judge(at(5)), [("p".into(), false)]);
    // It was gone before it could be looked at.
    census.look(&proc, 99);
    assert_eq!(current(&census, "p"), 0);
}

/// Facts: 14.11
#[test]
fn a_quorum_has_a_least_and_a_most() {
    let fake = Fake::new("quorum");
    let proc = fake.proc();
    let bounds = |quorum, quorum_max| ProcessConfig {
        quorum,
        quorum_max,
        ..config("p", &["d"], None)
    };
    for (count, quorum, most, good) in [
        (0, 1, None, false),
        (1, 1, None, true),
        (1, 2, None, false),
        (2, 2, Some(2), true),
        (3, 2, Some(2), false),
        (0, 1, Some(0), true),
        (1, 1, Some(0), false),
    ] {
        let mut census = census(&proc, &[bounds(quorum, most)]);
        for pid in 1..=count {
            fake.set(pid, "d", 'S', "");
            census.look(&proc, pid);
        }
        assert_eq!(census.begin(), [("p".into(), good)], "{count} {quorum} {most:?}");
        for pid in 1..=count {
            fs::remove_dir_all(fake.0.join(pid.to_string())).unwrap();
        }
    }
}

/// Facts: 14.11
#[test]
fn gains_wait_for_the_fork_delay_and_losses_for_the_terminate_delay() {
    let fake = Fake::new("delay");
    let proc = fake.proc();
    fake.set(1, "d", 'S', "");
    let delayed = ProcessConfig {
        terminate_delay: Duration::from_secs(5),
        fork_delay: Duration::from_secs(2),
        ..config("p", &["d"], None)
    };
    let mut census = census(&proc, std::slice::from_ref(&delayed));
    assert_eq!(census.begin(), [("p".into(), true)]);
    census.gone(1);
    assert_eq!(census.judge(at(10)), []);
    assert_eq!(census.next_deadline(), Some(at(15)));
    let losing = Tally {
        current: 0,
        have_quorum: true,
        gaining: false,
        losing: true,
    };
    assert_eq!(census.tallies()["p"], losing);
    // Back in time: nothing was seen.
    census.look(&proc, 1);
    assert_eq!(census.judge(at(14)), []);
    assert_eq!(census.next_deadline(), None);
    census.gone(1);
    assert_eq!(census.judge(at(20)), []);
    // A reload does not cut the delay short.
    fs::remove_dir_all(fake.0.join("1")).unwrap();
    census.configure(std::slice::from_ref(&delayed), None);
    census.count(&proc);
    assert_eq!(census.begin(), [("p".into(), true)]);
    assert_eq!(census.judge(at(24)), []);
    assert_eq!(census.judge(at(25)), [("p".into(), false)]);
    fake.set(1, "d", 'S', "");
    census.look(&proc, 1);
    assert_eq!(census.judge(at(30)), []);
    assert_eq!(census.judge(at(32)), [("p".into(), true)]);
}

fn message(what: u32, numbers: &[u32]) -> Vec<u8> {
    let mut out = vec![0; 16];
    for number in [1, 1, 0, 0, 0, what, 0, 7, 7] {
        out.extend(u32::to_ne_bytes(number));
    }
    out.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
    out
}

#[test]
fn messages_of_processes_are_read_and_those_of_threads_are_not() {
    let event = |event| Some(Message::Event(event));
    let (changed, gone) = (ProcessEvent::Changed, ProcessEvent::Gone);
    assert_eq!(parse(&message(1, &[5, 5, 9, 9])), event(changed(9)));
    assert_eq!(parse(&message(1, &[5, 5, 9, 5])), None);
    assert_eq!(parse(&message(2, &[9, 9])), event(changed(9)));
    assert_eq!(parse(&message(0x200, &[9, 9, 0, 0, 0, 0])), event(changed(9)));
    assert_eq!(parse(&message(0x8000_0000, &[9, 9, 0, 0])), event(gone(9)));
    assert_eq!(parse(&message(0x8000_0000, &[9, 5, 0, 0])), None);
    assert_eq!(parse(&message(0, &[13])), Some(Message::Answer(13)));
    assert_eq!(parse(&message(4, &[9, 9, 0, 0])), None);
    let fork = message(1, &[5, 5, 9, 9]);
    for end in 0..fork.len() {
        assert_eq!(parse(&fork[..end]), None, "{end}");
    }
    let mut other = fork;
    other[16] = 2;
    assert_eq!(parse(&other), None);
}

/// Where the kernel tells of no processes they are counted every second.
///
/// Facts: 14.11
#[tokio::test(start_paused = true)]
async fn without_events_processes_are_counted_again_and_again() {
    let world = Fake::new("counted");
    world.set(10, "httpd", 'S', "/usr/sbin/httpd\0");
    let mut watcher = ProcessWatcher {
        proc: world.proc(),
        ..ProcessWatcher::default()
    };
    let first = watcher.follow(
        &[config("p", &["httpd"], None), config("q", &["nginx"], None)],
        None,
    );
    let good: Vec<bool> = first.iter().map(|report| report.good).collect();
    assert_eq!(good, [true, false]);
    world.set(11, "nginx", 'S', "nginx\0");
    let told = watcher.next().await;
    assert_eq!((told.name.as_str(), told.good), ("q", true));
    fs::remove_dir_all(world.0.join("10")).unwrap();
    let told = watcher.next().await;
    assert_eq!((told.name.as_str(), told.good), ("p", false));
    fs::remove_dir_all(world.0.join("11")).unwrap();
    assert!(watcher.follow(&[], None).is_empty());
    let limit = Duration::from_secs(30);
    assert!(tokio::time::timeout(limit, watcher.next()).await.is_err());
}

/// The kernel's own events; says so where it may not run.
///
/// Facts: 14.11
#[tokio::test]
async fn the_kernel_tells_of_processes() {
    if let Err(error) = Connector::open(ReceiveBuffer::default(), None) {
        eprintln!("NOT RUN: process events are not available here: {error}");
        return;
    }
    let own = std::process::id().to_string();
    let sleeper = ["sleep", "86399", &own];
    let wanted = config("p", &sleeper, None);
    let mut watcher = ProcessWatcher::default();
    let buffer = ReceiveBuffer {
        size: Some(1 << 20),
        force: true,
    };
    let first = watcher.apply(std::slice::from_ref(&wanted), buffer, None);
    assert_eq!(first.len(), 1);
    assert!(!first[0].good);
    let mut child = Command::new("sleep").args(&sleeper[1..]).spawn().unwrap();
    let limit = Duration::from_secs(20);
    let gained = tokio::time::timeout(limit, watcher.next()).await.unwrap();
    assert!(gained.good);
    assert_eq!(watcher.tallies()["p"].current, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let lost = tokio::time::timeout(limit, watcher.next()).await.unwrap();
    assert!(!lost.good);
    // What runs already is counted at once.
    let mut child = Command::new("sleep").args(&sleeper[1..]).spawn().unwrap();
    let again = tokio::time::timeout(limit, watcher.next()).await.unwrap();
    assert!(again.good);
    let mut other = ProcessWatcher::default();
    assert!(other.apply(&[wanted], ReceiveBuffer::default(), None)[0].good);
    child.kill().unwrap();
    child.wait().unwrap();
}
