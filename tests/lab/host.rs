//! Outside: one trial a scenario, each in a guest of its own, with a time limit and a verdict.
//!
//! Where the host itself has root and IPVS, a scenario runs on its kernel in fresh namespaces; otherwise it runs on
//! the kernel of Debian's `user-mode-linux`, which needs no privilege. A scenario that cannot run fails, and says which
//! package is missing.

use std::fs::{self, read_to_string};
use std::io::{BufRead as _, BufReader, Read, Write as _, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::guest::PASSED;
use crate::scenarios::{self, Scenario};
use crate::timeline::MARK;

/// How long a guest may take: well above the slowest scenario on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);
/// The file that tells a guest its limit in seconds.
pub const LIMIT_FILE: &str = "limit";

/// Guests that run at once on each processor, unless `--test-threads` says otherwise: most wait for timers, but with more
/// of those that reload hundreds of times side by side timers of a tenth of a second are missed.
const GUESTS: usize = 2;

/// What every scenario uses, with the Debian package that has it.
const PROGRAMS: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("keepalived", "keepalived"),
    ("ipvsadm", "ipvsadm"),
    ("openssl", "openssl"),
    ("nginx", "nginx-light"),
];

/// All scenarios as tests.
pub fn trials() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(GUESTS * processors);
    let trial = |scenario: &'static Scenario| {
        Trial::test(scenario.name, move || {
            let outcome = Guest::start(scenario.name)?.outcome(|_| {});
            outcome
                .verdict
                .map_err(|why| Failed::from(format!("{why}\n\n{}", outcome.console)))
        })
    };
    let trials = scenarios::all()
        .filter(|scenario| scenario.in_tests)
        .map(trial)
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One scenario, its timeline as it happens.
pub fn show(name: &str) -> ExitCode {
    let live = |line: &str| {
        if let Some(line) = line.strip_prefix(MARK) {
            // Nobody may be reading any more; the guest goes on to its end.
            let _ = writeln!(stdout(), "{line}");
        }
    };
    let outcome = match Guest::start(name) {
        Ok(guest) => guest.outcome(live),
        Err(why) => Outcome {
            verdict: Err(why),
            console: String::new(),
        },
    };
    match outcome.verdict {
        Ok(()) => {
            let _ = writeln!(stdout(), "{name}: passed");
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(stdout(), "{name}: FAILED\n{why}");
            ExitCode::FAILURE
        }
    }
}

/// The list of scenarios.
pub fn describe() -> ExitCode {
    for scenario in scenarios::all() {
        println!("  {:<18} {}", scenario.name, scenario.about);
    }
    ExitCode::SUCCESS
}

/// Runs keepalived on every vector's configuration and puts the frames it sent beside it.
pub fn capture_vectors(directory: &str) -> ExitCode {
    let guest = Guest::start("capture-vectors").expect("a guest");
    let shared = guest.shared.clone();
    let outcome = guest.outcome(|line| println!("{line}"));
    outcome.verdict.expect("captured vectors");
    for case in fs::read_dir(shared.join("vectors")).expect("vectors").flatten() {
        for file in fs::read_dir(case.path()).expect("a vector").flatten() {
            let target = Path::new(directory).join(case.file_name()).join(file.file_name());
            fs::copy(file.path(), &target).expect("a vector's file");
        }
    }
    ExitCode::SUCCESS
}

/// [`LIMIT`], and what somebody asked for who has time (`make soak`).
fn limit(scenario: &str) -> Duration {
    let asked = std::env::var("LAB_TIME").ok().and_then(|text| text.parse().ok());
    LIMIT + scenarios::more_time(scenario) + Duration::from_secs(asked.unwrap_or(0))
}

/// One scenario, its timeline given to `live` as it happens.
pub fn follow(name: &str, live: impl Fn(&str) + Sync) -> Result<(), String> {
    let live = |line: &str| {
        if let Some(line) = line.strip_prefix(MARK) {
            live(line);
        }
    };
    Guest::start(name)?.outcome(live).verdict
}

/// Whether a scenario runs on the host's own kernel.
pub fn runs_on_host(name: &str) -> bool {
    host_will_do(scenarios::named(name).is_none_or(|scenario| scenario.ipvs))
}

/// A scenario under way.
struct Guest {
    child: Child,
    shared: PathBuf,
    limit: Duration,
}

struct Outcome {
    verdict: Result<(), String>,
    console: String,
}

impl Guest {
    fn start(scenario: &str) -> Result<Self, String> {
        static SERIAL: AtomicUsize = AtomicUsize::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("lab")
            .join(format!("{scenario}-{}-{serial}", std::process::id()));
        fs::create_dir_all(&shared).map_err(|error| format!("{}: {error}", shared.display()))?;
        scenarios::bring(scenario, &shared);
        let limit = limit(scenario);
        fs::write(shared.join(LIMIT_FILE), limit.as_secs().to_string()).map_err(|error| error.to_string())?;
        let uml = !host_will_do(scenarios::named(scenario).is_none_or(|scenario| scenario.ipvs));
        let kernel = if uml {
            &[("linux.uml", "user-mode-linux")][..]
        } else {
            &[]
        };
        for (program, package) in PROGRAMS.iter().chain(kernel) {
            let path = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(|bin| Path::new(bin).join(program));
            if !path.iter().any(|path| path.exists()) {
                return Err(format!(
                    "cannot run: {program} is missing; install the Debian package {package}"
                ));
            }
        }
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = if uml {
            uml_guest(&program, &shared)?
        } else {
            host_namespaces(&program)
        };
        let place = if uml { "uml" } else { "host" };
        let daemon = std::env::var("LAB_DAEMON").unwrap_or_else(|_| "steadfast".into());
        let binary = std::env::var("LAB_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_steadfast").into());
        command
            .args(["--guest", place, scenario])
            .arg(&shared)
            .args([daemon, binary]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Self { child, shared, limit })
    }

    /// Kills the guest with all its helpers: user-mode-linux makes itself the leader of a process group.
    fn kill(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        let _ = self.child.kill();
    }

    /// Waits for the end, giving every line of the console to `live`.
    fn outcome(mut self, live: impl Fn(&str) + Sync) -> Outcome {
        let console = self.child.stdout.take().expect("a pipe");
        let began = Instant::now();
        let (console, in_time) = thread::scope(|scope| {
            let reader = scope.spawn(|| read_console(console, &live));
            let mut in_time = true;
            while self.child.try_wait().is_ok_and(|status| status.is_none()) {
                if began.elapsed() > self.limit {
                    in_time = false;
                    self.kill();
                }
                sleep(Duration::from_millis(20));
            }
            // What a guest's kernel has left behind would hold the console open.
            self.kill();
            (reader.join().unwrap_or_default(), in_time)
        });
        let verdict = match read_to_string(self.shared.join("verdict")) {
            _ if !in_time => Err(format!("no end after {:?}", self.limit)),
            Ok(verdict) if verdict == PASSED => Ok(()),
            Ok(verdict) => Err(format!("{verdict}\nlogs: {}", self.shared.display())),
            Err(_) => Err("the guest ended without a verdict".into()),
        };
        if verdict.is_ok() && !self.shared.join("vectors").exists() {
            let _ = fs::remove_dir_all(&self.shared);
        }
        Outcome { verdict, console }
    }
}

fn read_console(console: impl Read, live: &impl Fn(&str)) -> String {
    let mut text = String::new();
    for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        live(line);
        text.push_str(line.strip_prefix(MARK).unwrap_or(line));
        text.push('\n');
    }
    text
}

/// What lets the guest's kernel run on processors with more state than it knows: see `uml_xstate.c`. Built once.
fn preload() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let library =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("uml_xstate-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/uml_xstate.c");
        let compiled = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(source)
            .output()
            .map_err(|error| format!("cannot run: cc: {error}; install the Debian package gcc"))?;
        if compiled.status.success() {
            Ok(library)
        } else {
            Err(String::from_utf8_lossy(&compiled.stderr).into_owned())
        }
    });
    built.as_deref().map_err(Clone::clone)
}

/// A kernel of our own: this program is its init, the host's file system its root.
fn uml_guest(program: &Path, shared: &Path) -> Result<Command, String> {
    let mut command = Command::new("linux.uml");
    command.env("LD_PRELOAD", preload()?);
    command.args([
        "mem=512M",
        "rootfstype=hostfs",
        "rootflags=/",
        "rw",
        "con=null",
        "con0=fd:0,fd:1",
        "quiet",
    ]);
    command.arg(format!("uml_dir={}/", shared.display()));
    command.arg(format!("init={}", program.display())).arg("--");
    Ok(command)
}

/// The host's kernel, in namespaces that vanish with the scenario.
fn host_namespaces(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child"])
        .arg(program);
    command
}

/// `LAB_PLACE` says which kernel to use, `host` or `uml`; else the host's if it can.
fn host_will_do(ipvs: bool) -> bool {
    match std::env::var("LAB_PLACE").as_deref() {
        Ok(place) => place == "host",
        Err(_) => nix::unistd::geteuid().is_root() && (!ipvs || Path::new("/proc/net/ip_vs").exists()),
    }
}
