//! Every checker that asks over a network, against back-ends that mean it ill: each is asked as a configuration says, and
//! whatever is said to it, it ends in time, has read no more than it must, names a reason, and leaves nothing behind.
//!
//! What is healthy for each is in `hostile/healthy.rs`; `hostile/back_end.rs` twists it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails here has found something"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "back-ends are slow here, and what is asked takes real time"
)]

#[path = "hostile/back_end.rs"]
mod back_end;
#[path = "hostile/healthy.rs"]
mod healthy;

use back_end::{BackEnd, Twist, Way};
use healthy::Kind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use steadfast::check::CheckerId;
use steadfast::check::config::{CheckConfig, Connection, MiscConfig, ProbeConfig};
use steadfast::check::event::{ProbeOrder, ProbeOutcome, Reason};
use steadfast::check::probe::{Kit, Prober};
use steadfast::check::telling::Names;
use steadfast::conf::{self, ReadOptions};
use steadfast::plan::{self, Host};
use steadfast::script::Scripts;
use steadfast::script::config::{Command, ScriptPolicy};

/// `connect_timeout` where a wait is meant to be too long.
const SHORT: Duration = Duration::from_millis(250);
/// And where it is not, on a busy machine either.
const LONG: Duration = Duration::from_secs(30);

/// Who asks, as the configuration has it.
struct Checker {
    probe: ProbeConfig,
    prober: Prober,
    runtime: tokio::runtime::Runtime,
}

impl Checker {
    fn of(kind: &Kind) -> Self {
        let text = format!(
            "virtual_server 192.0.2.1 80 {{\nlvs_sched rr\nlvs_method DR\nprotocol {}\n\
             real_server 192.0.2.2 80 {{\n{}\n}}\n}}\n",
            if kind.way == Way::Stream { "TCP" } else { "UDP" },
            kind.checker
        );
        let options = ReadOptions {
            alone: true,
            ..ReadOptions::default()
        };
        let reading = conf::read_bytes(Path::new("hostile.conf"), text.as_bytes(), &options);
        let (plan, more) = plan::build(&reading.config, &Host::default());
        let told: Vec<_> = reading.diagnostics.iter().chain(&more).collect();
        assert!(told.is_empty(), "{}: {told:?}", kind.name);
        let kit = Kit::of(&plan.check).expect("a kit");
        let service = plan.check.services.first().expect("a virtual server");
        let server = service.real_servers.first().expect("a real server");
        let checker = server.checkers.first().expect("a checker");
        Self {
            probe: ProbeConfig::clone(&checker.probe),
            prober: Prober::new(Arc::default(), Arc::new(kit)),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    /// Asks whoever is at `destination`.
    fn ask(&self, destination: SocketAddr, timeout: Duration) -> Told {
        let mut probe = self.probe.clone();
        let connection = connection(&mut probe).expect("it asks over a network");
        connection.destination = destination;
        connection.timeout = timeout;
        let order = order(probe);
        let began = Instant::now();
        let outcome = self.runtime.block_on(self.prober.ask(&order)).outcome;
        let took = began.elapsed();
        // What was spawned for it ends with it.
        self.runtime.block_on(async {
            let until = Instant::now() + LONG;
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
                assert!(Instant::now() < until, "a task goes on");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        Told { outcome, took }
    }
}

fn order(probe: ProbeConfig) -> ProbeOrder {
    ProbeOrder {
        checker: CheckerId(1),
        probe: Arc::new(probe),
        url: 0,
        number: 1,
        names: Names {
            rs: "RS".into(),
            vs: "VS".into(),
        },
    }
}

fn connection(probe: &mut ProbeConfig) -> Option<&mut Connection> {
    match probe {
        ProbeConfig::Tcp(connection) | ProbeConfig::Ping(connection) => Some(connection),
        ProbeConfig::Http(config) => Some(&mut config.connection),
        ProbeConfig::Smtp(config) => Some(&mut config.connection),
        ProbeConfig::Dns(config) => Some(&mut config.connection),
        ProbeConfig::Udp(config) => Some(&mut config.connection),
        ProbeConfig::Service(config) => Some(&mut config.connection),
        ProbeConfig::Misc(_) | ProbeConfig::File(_) | ProbeConfig::Bfd(_) => None,
    }
}

/// What a checker told, and after how long.
#[derive(Debug)]
struct Told {
    outcome: ProbeOutcome,
    took: Duration,
}

impl Told {
    /// It failed for a reason that may stand in a log, and that is the back-end's.
    fn reason(&self, what: &str) -> &Reason {
        let ProbeOutcome::Failure(reason) = &self.outcome else {
            panic!("{what}: it is taken for healthy");
        };
        assert!(reason.is_verdict(), "{what}: {reason}");
        assert!(
            !matches!(reason, Reason::Panicked | Reason::Overdue),
            "{what}: {reason}"
        );
        let text = reason.to_string();
        assert!(!text.is_empty() && text.len() < 600, "{what}: {text}");
        assert!(!text.contains(char::is_control), "{what}: {text:?}");
        reason
    }

    /// It failed so, and did not wait for that.
    fn at_once(&self, what: &str, names: &[&str]) {
        let reason = self.reason(what);
        assert!(names.contains(&reason.name()), "{what}: {reason:?}");
        assert!(self.took < LONG / 2, "{what}: {:?}", self.took);
    }

    /// It waited for an answer, once.
    fn late(&self, what: &str) {
        let reason = self.reason(what);
        assert!(
            matches!(reason, Reason::AnswerTimedOut | Reason::ConnectTimedOut),
            "{what}: {reason:?}"
        );
        assert!(
            self.took >= SHORT && self.took < LONG / 2,
            "{what}: {:?}",
            self.took
        );
    }
}

static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Runs all `kinds` of a way with `trial`; no descriptor is left, on neither side. One test at a time: they count.
fn each(way: Way, trial: impl Fn(&Kind, &Checker)) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut seen = 0;
    for kind in healthy::KINDS.iter().filter(|kind| kind.way == way) {
        let checker = Checker::of(kind);
        // Libraries open what they keep when they are used for the first time.
        checker.ask(back_end::nobody(way), SHORT);
        let before = descriptors();
        trial(kind, &checker);
        let until = Instant::now() + LONG;
        while descriptors() > before {
            assert!(Instant::now() < until, "{}: descriptors are left", kind.name);
            std::thread::sleep(Duration::from_millis(5));
        }
        seen += 1;
    }
    assert!(seen > 0);
}

/// What the kernel's buffers of both sides may take beside what is read.
fn buffers() -> u64 {
    let most = |name: &str| -> u64 {
        let text =
            std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).expect("the kernel's limits");
        let most = text.split_whitespace().nth(2).expect("least, usual, most");
        most.parse().expect("a number")
    };
    most("tcp_rmem") + most("tcp_wmem")
}

fn children() -> String {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads");
    let paths = tasks.flatten().map(|task| task.path().join("children"));
    // A thread may end meanwhile.
    paths
        .map(|path| std::fs::read_to_string(path).unwrap_or_default())
        .collect()
}

/// Scripts that print, fork, do not obey, hang or cannot be run: nothing of them is left here, no descriptor and no process
/// that nobody waits for.
#[test]
fn scripts_leave_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let texts = [
        "exit 0",
        "exec yes",
        "yes >&2 & wait",
        "exec 3<&0 4>&1 5>&2; sleep 1000 & exit 3",
        "trap '' TERM HUP INT; while :; do sleep 1; done",
        "kill -STOP $$; sleep 1000",
        "kill -KILL $$",
        "exec /no/such/program",
    ];
    let commands = texts.map(|text| Command {
        argv: vec!["/bin/sh".into(), "-c".into(), text.into()],
        user: None,
    });
    let (scripts, _) = Scripts::examine(&commands, &ScriptPolicy::default());
    let kit = Kit::of(&CheckConfig::default()).expect("a kit");
    let prober = Prober::new(Arc::new(scripts), Arc::new(kit));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ask = |command: &Command| {
        let config = MiscConfig {
            command: command.clone(),
            timeout: SHORT,
            dynamic: false,
        };
        runtime
            .block_on(prober.ask(&order(ProbeConfig::Misc(config))))
            .outcome
    };
    // What is opened once, for all scripts, is.
    ask(&commands[0]);
    let before = descriptors();
    for _ in 0..3 {
        for command in &commands {
            ask(command);
        }
        // One that is given up while it runs.
        let config = MiscConfig {
            command: commands[4].clone(),
            timeout: LONG,
            dynamic: false,
        };
        let probe = prober.ask(&order(ProbeConfig::Misc(config)));
        runtime.block_on(async { tokio::time::timeout(SHORT, probe).await.expect_err("it hangs") });
    }
    let until = Instant::now() + LONG;
    while descriptors() > before || !children().trim().is_empty() {
        assert!(
            Instant::now() < until,
            "{} descriptors, there were {before}; children: {}",
            descriptors(),
            children()
        );
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
    }
}

/// LVS facts: 9.1, 9.21
#[test]
fn a_healthy_back_end_is_healthy_however_slow_it_speaks() {
    for way in [Way::Stream, Way::Datagrams] {
        each(way, |kind, checker| {
            for twist in [Twist::None, Twist::Slow] {
                let Some(back_end) = BackEnd::healthy(kind, twist) else {
                    continue;
                };
                let told = checker.ask(back_end.at, LONG);
                let fine = told.outcome == ProbeOutcome::OK;
                assert!(fine, "{} {twist:?}: {told:?}", kind.name);
            }
        });
    }
}

#[test]
fn nobody_and_silence_are_told() {
    for way in [Way::Stream, Way::Datagrams] {
        each(way, |kind, checker| {
            let name = kind.name;
            checker
                .ask(back_end::nobody(way), LONG)
                .at_once(&format!("{name}, nobody"), &["refused"]);
            if !kind.connecting_is_enough {
                let silent = BackEnd::start(kind, Twist::Silent);
                checker.ask(silent.at, SHORT).late(&format!("{name}, silent"));
            }
        });
    }
}

/// Cut off, broken off, or silent after any octet of what a healthy one says: no part is taken for the whole.
#[test]
fn a_part_of_a_conversation_is_not_the_whole() {
    each(Way::Stream, |kind, checker| {
        let Some(whole) = BackEnd::healthy(kind, Twist::None) else {
            return;
        };
        assert_eq!(checker.ask(whole.at, LONG).outcome, ProbeOutcome::OK);
        let length = whole.sent().saturating_sub(kind.idle);
        drop(whole);
        if kind.connecting_is_enough {
            return;
        }
        assert!(length > 4, "{}: {length}", kind.name);
        let step = length / 40 + 1;
        let last = length - 1;
        for after in (0..length)
            .step_by(usize::try_from(step).unwrap_or(1))
            .chain([last])
        {
            let cut = BackEnd::start(kind, Twist::Cut(after));
            let what = format!("{}, cut after {after}", kind.name);
            let names = [
                "no_data",
                "answer",
                "broken",
                "bad_status_line",
                "status",
                "greeting",
            ];
            checker.ask(cut.at, LONG).at_once(&what, &names);
            let reset = BackEnd::start(kind, Twist::Reset(after));
            let what = format!("{}, reset after {after}", kind.name);
            // What is sent to a connection that is broken off tells it as well.
            let names = ["broken", "not_sent", "answer", "no_data"];
            checker.ask(reset.at, LONG).at_once(&what, &names);
        }
        for after in [1, length / 2, last] {
            let held = BackEnd::start(kind, Twist::Hold(after));
            checker
                .ask(held.at, SHORT)
                .late(&format!("{}, silent after {after}", kind.name));
        }
    });
}

/// Endless answers, of what could be the beginning of a good one too, and with lengths that nobody has.
#[test]
fn endless_answers_are_given_up() {
    let floods: &[&[u8]] = &[
        b"\0",
        b"\xff",
        b"x",
        b"\r\n",
        b"220-x\r\n",
        b"* x\r\n",
        b"+",
        b"HTTP/1.1 200 OK\r\nA: ",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ];
    each(Way::Stream, |kind, checker| {
        if kind.connecting_is_enough {
            return;
        }
        for flood in kind.waits_for {
            let back_end = BackEnd::start(kind, Twist::Answer(flood));
            let what = format!("{}, endless {:?}", kind.name, String::from_utf8_lossy(flood));
            checker.ask(back_end.at, SHORT).late(&what);
        }
        for flood in floods.iter().chain(kind.floods) {
            // Whether it begins before the question is out is a matter of luck.
            if kind.waits_for.contains(flood) {
                continue;
            }
            let back_end = BackEnd::start(kind, Twist::Flood(flood));
            let told = checker.ask(back_end.at, LONG);
            let what = format!("{}, endless {:?}", kind.name, String::from_utf8_lossy(flood));
            let reason = told.reason(&what);
            assert!(reason.name() != "answer_timeout", "{what}: {reason:?}");
            assert!(told.took < LONG / 2, "{what}: {:?}", told.took);
            let sent = back_end.sent();
            assert!(sent < kind.most + buffers(), "{what}: {sent} octets were taken");
        }
    });
}

/// The same noise in each run, of several kinds.
#[test]
fn noise_is_no_answer() {
    for way in [Way::Stream, Way::Datagrams] {
        each(way, |kind, checker| {
            if kind.connecting_is_enough {
                return;
            }
            // Most datagrams that are no answer are waited behind.
            let seeds = if way == Way::Stream { 24 } else { 4 };
            for seed in 0..seeds {
                let back_end = BackEnd::start(kind, Twist::Noise(seed));
                let timeout = if way == Way::Stream { LONG } else { SHORT };
                let told = checker.ask(back_end.at, timeout);
                let what = format!("{}, noise {seed}", kind.name);
                told.reason(&what);
                assert!(told.took < LONG / 2, "{what}: {:?}", told.took);
            }
        });
    }
}

/// What comes from somebody else, of another question, or in part, is not listened to; and an endless number of those
/// makes no wait longer.
#[test]
fn datagrams_that_are_no_answer_make_no_wait_longer() {
    each(Way::Datagrams, |kind, checker| {
        let name = kind.name;
        let foreign = BackEnd::start(kind, Twist::Foreign);
        let told = checker.ask(foreign.at, SHORT);
        told.late(&format!("{name}, from somebody else"));
        let whole = BackEnd::healthy(kind, Twist::None).expect("a healthy one");
        assert_eq!(checker.ask(whole.at, LONG).outcome, ProbeOutcome::OK);
        let length = whole.sent().saturating_sub(kind.idle);
        let step = usize::try_from(length / 4 + 1).unwrap_or(1);
        for after in (0..length).step_by(step).chain([length - 1]) {
            let cut = BackEnd::start(kind, Twist::Cut(after));
            let told = checker.ask(cut.at, SHORT);
            let what = format!("{name}, cut after {after}");
            told.reason(&what);
            assert!(told.took < LONG / 2, "{what}: {:?}", told.took);
        }
        for flood in [&b""[..], b"\0", &[0xff; 1400]].iter().chain(kind.floods) {
            let endless = BackEnd::start(kind, Twist::Flood(flood));
            let told = checker.ask(endless.at, SHORT);
            let what = format!("{name}, endless {:?}", String::from_utf8_lossy(flood));
            told.reason(&what);
            assert!(told.took < LONG / 2, "{what}: {:?}", told.took);
        }
    });
}
