//! What single options do to a daemon and to `-t`.

use super::{Dir, run, run_owned, split, terminate, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// A daemon in the foreground that ends with the test.
struct Foreground(Child);

impl Foreground {
    fn start(dir: &Dir, words: &[String], more: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_steadfast"))
            .args(words)
            .arg("--dont-fork")
            .args(more)
            .env("TMPDIR", &dir.0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.0.join("stderr")).expect("a file"))
            .spawn();
        let running = Self(child.expect("the program starts"));
        let own = format!("{}\n", running.0.id());
        wait_for("the pid file", || (dir.read("main.pid") == own).then_some(()));
        running
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("a running daemon");
    }

    fn ends(mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.0.wait().expect("an end").code()
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn the_console_hears_the_log_in_the_foreground_only_and_with_its_date() {
    let dir = Dir::new("console");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    assert_eq!(Foreground::start(&dir, &words, &[]).ends(), Some(0));
    assert_eq!(dir.read("stderr"), "", "without -l");
    assert_eq!(Foreground::start(&dir, &words, &["-l"]).ends(), Some(0));
    let lines = dir.read("stderr");
    for line in lines.lines() {
        // `Thu Nov 26 21:59:01 2026: text`
        let (date, text) = line.split_once(": ").expect("a date and a text");
        assert!(date.split_whitespace().count() == 5 && !text.is_empty(), "{line}");
    }
    assert!(lines.contains(": Startup complete\n"), "{lines}");
    // In the background nobody listens.
    assert_eq!(
        run_owned(&words, &["-l"]),
        (Some(0), String::new(), String::new())
    );
    let own = wait_for("a pid", || {
        Some(dir.read("main.pid")).filter(|text| text.ends_with('\n'))
    });
    terminate(&own);
    wait_for("the end", || (!dir.0.join("main.pid").exists()).then_some(()));
}

#[test]
fn dumps_are_created_with_the_mask() {
    let dir = Dir::new("umask");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    for (options, wanted) in [
        (vec![], 0o600),
        (vec!["-u", "027"], 0o640),
        (vec!["--umask=0x12"], 0o644),
    ] {
        let running = Foreground::start(&dir, &words, &options);
        running.signal(Signal::SIGUSR1);
        let dump = "keepalived_parent.data";
        wait_for("a dump", || (!dir.read(dump).is_empty()).then_some(()));
        assert_eq!(mode(&dir.path(dump)), wanted, "{options:?}");
        assert_eq!(mode(&dir.path("main.pid")), 0o644, "not of pid files");
        assert_eq!(running.ends(), Some(0));
        fs::remove_file(dir.path(dump)).expect("the dump");
    }
}

#[test]
fn an_interrupt_stops_unless_it_is_to_be_ignored() {
    let dir = Dir::new("sigint");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    let mut running = Foreground::start(&dir, &words, &["--ignore-sigint"]);
    running.signal(Signal::SIGINT);
    // The dump that is asked for later comes, so the interrupt was taken.
    running.signal(Signal::SIGUSR1);
    wait_for("a dump", || {
        (!dir.read("keepalived_parent.data").is_empty()).then_some(())
    });
    assert!(running.0.try_wait().expect("a child").is_none(), "it goes on");
    assert_eq!(running.ends(), Some(0));
    let mut running = Foreground::start(&dir, &words, &[]);
    running.signal(Signal::SIGINT);
    assert_eq!(running.0.wait().expect("an end").code(), Some(0));
}

#[test]
fn core_dumps_are_allowed_on_demand() {
    let dir = Dir::new("core");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    // Below the hard limit, so that there is something to lift.
    let limited = |options: &str| {
        let script = format!("ulimit -S -c 0; exec \"$0\" \"$@\" {options}");
        let child = Command::new("/bin/sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_steadfast")])
            .args(&words)
            .arg("--dont-fork")
            .spawn();
        let running = Foreground(child.expect("the program starts"));
        let own = format!("{}\n", running.0.id());
        wait_for("the pid file", || (dir.read("main.pid") == own).then_some(()));
        let limits = fs::read_to_string(format!("/proc/{}/limits", running.0.id())).expect("its limits");
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .expect("a line");
        let fields: Vec<&str> = line.split_whitespace().collect();
        let values = (fields[4].to_owned(), fields[5].to_owned());
        assert_eq!(running.ends(), Some(0));
        values
    };
    let (soft, hard) = limited("");
    assert_eq!(soft, "0");
    assert_eq!(limited("-m"), (hard.clone(), hard));
}

#[test]
fn bfd_has_a_pid_file_unless_it_is_forbidden() {
    let dir = Dir::new("bfd");
    let mut words = dir.daemon(&dir.write("empty.conf", ""));
    words.extend(["-b".to_owned(), dir.path("bfd.pid")]);
    let running = Foreground::start(&dir, &words, &[]);
    assert!(!dir.0.join("bfd.pid").exists(), "--no_bfd");
    assert_eq!(running.ends(), Some(0));
    // `--all` undoes it.
    let running = Foreground::start(&dir, &words, &["--all"]);
    wait_for("its pid file", || dir.0.join("bfd.pid").exists().then_some(()));
    assert_eq!(running.ends(), Some(0));
}

#[test]
fn what_has_no_effect_is_named_at_the_start() {
    let dir = Dir::new("effect");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    let running = Foreground::start(
        &dir,
        &words,
        &["-l", "-x", "-A", "unix:/x", "--config-fd", "3", "-R", "-X"],
    );
    assert_eq!(running.ends(), Some(0));
    let log = dir.read("stderr");
    for option in ["-x (--snmp)", "-A (--snmp-agent-socket)", "--config-fd"] {
        let line = format!("Option {option} is accepted, no effect yet");
        assert!(log.contains(&line), "{line}: {log}");
    }
    assert_eq!(log.matches("no effect yet").count(), 3, "{log}");
}

#[test]
fn a_namespace_of_the_command_line_is_entered_or_nothing_is_done() {
    let dir = Dir::new("namespace");
    let file = dir.write("a.conf", "net_namespace other\n");
    let (code, _, stderr) = run(&["-t", "-s", "no-such-namespace", "-f", &file]);
    assert_eq!(code, Some(0));
    assert!(
        stderr.starts_with("Unable to enter network namespace no-such-namespace: "),
        "{stderr}"
    );
    let words = dir.daemon(&file);
    assert_eq!(run_owned(&words, &["-n", "-s", "no-such-namespace"]).0, Some(1));
}

#[test]
fn lines_are_for_an_identity() {
    let dir = Dir::new("id");
    let file = dir.write(
        "a.conf",
        "global_defs {\n    @lb1 prioritty 1\n    @^lb1 router_id other\n}\n",
    );
    assert_eq!(run(&["-t", "-i", "lb1", "-f", &file]).0, Some(5));
    let (code, printed, _) = run(&["-t", "-d", "-i", "lb2", "-f", &file]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("router_id other"), "{printed}");
    assert_eq!(run(&["-t", "-d", "--config-id=lb2", "-f", &file]).1, printed);
}

#[test]
fn missing_files_count_with_all_config() {
    let dir = Dir::new("missing");
    let include = dir.write("a.conf", "include none.conf\n");
    for (file, without, with) in [(dir.path("none"), 0, 4), (dir.path(""), 0, 4), (include, 0, 6)] {
        assert_eq!(run(&["-t", "-f", &file]).0, Some(without), "{file}");
        let (code, _, stderr) = run(&["-t", "-e", "-f", &file]);
        assert_eq!(code, Some(with), "{file}: {stderr}");
        assert!(!stderr.is_empty(), "{file}");
    }
}

#[test]
fn a_relative_file_is_that_of_the_working_directory() {
    let dir = Dir::new("relative");
    dir.write("a.conf", "global_defs {\n    router_id here\n}\n");
    let output = Command::new(env!("CARGO_BIN_EXE_steadfast"))
        .args(["-dt", "-f", "a.conf"])
        .current_dir(&dir.0)
        .output();
    let (code, stdout, _) = split(&output.expect("the program starts"));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("router_id here"), "{stdout}");
}

#[test]
fn the_test_appends_to_its_log_file() {
    let dir = Dir::new("log");
    let file = dir.write("a.conf", "frob 1\n");
    let log = dir.path("log");
    for times in 1..=2 {
        assert_eq!(
            run(&[&format!("-t{log}"), "-f", &file]),
            (Some(5), String::new(), String::new())
        );
        assert_eq!(dir.read("log").matches("Unknown keyword 'frob'").count(), times);
    }
    assert_eq!(mode(&log), 0o644);
    let nowhere = format!("--config-test={}", dir.path("none/log"));
    let (code, _, stderr) = run(&[&nowhere, "-f", &file]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("none/log"), "{stderr}");
}

/// Whether a daemon runs does not matter to the test, and it leaves nothing.
#[test]
fn the_test_starts_and_writes_nothing() {
    let dir = Dir::new("tested");
    let words = dir.daemon(&dir.write("empty.conf", ""));
    assert_eq!(run_owned(&words, &["-t"]).0, Some(0));
    assert!(!dir.0.join("main.pid").exists());
    let running = Foreground::start(&dir, &words, &[]);
    let before = dir.read("main.pid");
    assert_eq!(
        run_owned(&words, &["-t"]),
        (Some(0), String::new(), String::new())
    );
    assert_eq!(dir.read("main.pid"), before);
    assert_eq!(running.ends(), Some(0));
}

#[test]
fn the_test_has_keepaliveds_exit_status() {
    let dir = Dir::new("verdict");
    let script = "vrrp_script s {\n    script /bin/true\n}\n";
    let instance = "vrrp_instance A {\n    interface no-such\n    virtual_router_id 1\n    virtual_ipaddress {\n        192.0.2.9\n    \
        }\n    track_script {\n        s\n    }\n}\n";
    let (missing, none) = (dir.path("none"), dir.path("none.conf"));
    for (text, status) in [
        (String::new(), 0),
        ("frob 1\n".to_owned(), 5),
        ("vrrp_script\n".to_owned(), 2),
        // An interface that is missing is fatal and warned about: 5 wins over 4.
        (instance.to_owned(), 5),
        // Scripts without security: 6 wins over both.
        (
            format!("frob 1\n{script}{}", instance.replace("no-such", "lo")),
            6,
        ),
    ] {
        let file = dir.write("a.conf", &text);
        let (code, _, stderr) = run(&["-t", "-f", &file]);
        assert_eq!(code, Some(status), "{text}\n{stderr}");
    }
    for file in [missing, none] {
        assert_eq!(run(&["-t", "-f", &file, "-e"]).0, Some(4));
    }
}

#[test]
fn a_number_with_something_behind_it_is_refused_by_the_test_alone() {
    let dir = Dir::new("number");
    let file = dir.write("a.conf", "global_defs {\n    vrrp_garp_master_repeat 7x\n}\n");
    assert_eq!(run(&["-t", "-f", &file]).0, Some(5));
    let running = Foreground::start(&dir, &dir.daemon(&file), &["-l"]);
    assert_eq!(running.ends(), Some(0));
    assert!(
        dir.read("stderr").contains("WARNING - "),
        "{}",
        dir.read("stderr")
    );
}
