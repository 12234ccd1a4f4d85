//! Real children: they sleep, ignore signals, fork, and must leave nothing behind.

use super::*;
use crate::script::testing::{LONG, TempDir, is_alive, sh, until_dead};
use crate::sys::child::Credentials;
use nix::sys::signal::kill;
use nix::unistd::Uid;

const SHORT: Duration = Duration::from_millis(100);

fn another(script: Prepared) -> Prepared {
    Prepared {
        who: Credentials {
            uid: 64999,
            gid: 64999,
        },
        ..script
    }
}

#[tokio::test]
async fn how_a_run_ends() {
    assert_eq!(run(&sh("exit 0"), LONG).await, ScriptOutcome::Exited(0));
    assert_eq!(run(&sh("exit 255"), LONG).await, ScriptOutcome::Exited(255));
    assert_eq!(run(&sh("kill -9 $$"), LONG).await, ScriptOutcome::Signalled(9));
    assert_eq!(run(&sh("sleep 1000"), SHORT).await, ScriptOutcome::TimedOut);
    let missing = Prepared {
        program: "/nonexistent".into(),
        ..sh("")
    };
    assert_eq!(run(&missing, LONG).await, ScriptOutcome::NotStarted);
    // Nobody waits for its output.
    assert_eq!(
        run(&sh("exec 0<&- 1>&- 2>&-; exit 3"), LONG).await,
        ScriptOutcome::Exited(3)
    );
}

/// LVS facts: 11.10
#[tokio::test]
async fn what_cannot_be_run_any_more_is_no_success() {
    let dir = TempDir::new();
    let file = dir.path("script");
    let write = |text: &str, mode: &str| {
        sh(&format!(
            "printf '{text}' > {0} && chmod {mode} {0}",
            file.display()
        ))
    };
    let script = Prepared {
        program: file.clone(),
        argv: vec![file.clone().into()],
        who: Credentials::own(),
    };
    assert_eq!(run(&write("exit 0", "755"), LONG).await, ScriptOutcome::Exited(0));
    assert_eq!(run(&script, LONG).await, ScriptOutcome::Exited(0));
    // Nobody can execute it, not even root; the shell does not find what it calls; it is gone.
    assert_eq!(run(&write("exit 0", "644"), LONG).await, ScriptOutcome::Exited(0));
    assert_eq!(run(&script, LONG).await, ScriptOutcome::NotStarted);
    assert_eq!(
        run(&write("/nonexistent/program", "755"), LONG).await,
        ScriptOutcome::Exited(0)
    );
    assert_eq!(run(&script, LONG).await, ScriptOutcome::Exited(127));
    assert_eq!(
        run(&sh(&format!("rm {}", file.display())), LONG).await,
        ScriptOutcome::Exited(0)
    );
    assert_eq!(run(&script, LONG).await, ScriptOutcome::NotStarted);
}

/// Facts: 12.2, 12.14
/// LVS facts: 11.8
#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let dir = TempDir::new();
    let mut script = sh(&format!(
        "printf '%s\\n' \"$0\" \"$@\" > {}",
        dir.path("args").display()
    ));
    script
        .argv
        .extend(["zero", "a b", "", "$(touch /tmp/x); '\"*"].map(Into::into));
    assert_eq!(run(&script, LONG).await, ScriptOutcome::Exited(0));
    assert_eq!(dir.lines("args"), ["zero", "a b", "", "$(touch /tmp/x); '\"*"]);
}

/// Facts: 12.13
/// LVS facts: 11.8, 13.2
#[tokio::test]
async fn a_script_has_its_own_group_and_nothing_of_ours() {
    let dir = TempDir::new();
    // A descriptor without close-on-exec, as one that was inherited would be.
    let leaked = std::fs::File::create(dir.path("leaked")).unwrap();
    nix::fcntl::fcntl(
        &leaked,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .unwrap();
    let out = dir.path("out").display().to_string();
    // Built-in commands only: while it waits for a child the shell blocks SIGCHLD itself.
    let script = sh(&format!(
        "{{ read -r pid name state parent group rest < /proc/$$/stat; echo $$; echo $group; \
         while read -r name value; do case $name in SigBlk:|SigIgn:) echo $value;; esac; done < /proc/$$/status; \
         }} > {out}; ls -l /proc/$$/fd > {out}.fd"
    ));
    assert_eq!(run(&script, LONG).await, ScriptOutcome::Exited(0));
    let lines = dir.lines("out");
    assert_eq!(lines[0], lines[1], "the leader of its group");
    assert_eq!(lines[2], "0000000000000000");
    // Rust ignores SIGPIPE; a script must not.
    assert_eq!(ignored_signals(&format!("SigIgn: {}", lines[3])), 0);
    let descriptors = dir.lines("out.fd").join("\n");
    assert_eq!(descriptors.matches("-> /dev/null").count(), 3, "{descriptors}");
    assert!(!descriptors.contains("leaked"), "{descriptors}");
    drop(leaked);
}

/// Facts: 12.13
/// LVS facts: 13.2
#[tokio::test]
async fn as_somebody_else_it_has_that_user_and_that_group_only() {
    let dir = TempDir::new();
    let script = another(sh(&format!(
        "{{ id -u; id -g; id -G; }} > {}",
        dir.path("id").display()
    )));
    let outcome = run(&script, LONG).await;
    if Uid::effective().is_root() {
        assert_eq!(outcome, ScriptOutcome::Exited(0));
        assert_eq!(dir.lines("id"), ["64999", "64999", "64999"]);
    } else {
        assert_eq!(outcome, ScriptOutcome::NotStarted);
    }
}

/// Set in the second process of the test below.
const SECOND: &str = "STEADFAST_TEST_SECOND_PROCESS";

/// Facts: 12.13
/// LVS facts: 13.1
#[tokio::test]
async fn dangerous_variables_and_ignored_signals_are_not_inherited() {
    if std::env::var_os(SECOND).is_some() {
        return look_at_what_a_script_inherits().await;
    }
    // This process cannot be changed safely: a second one runs this test with variables set and a signal ignored.
    const THIS: &str = "script::run::tests::dangerous_variables_and_ignored_signals_are_not_inherited";
    let second = Command::new("/bin/sh")
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", THIS])
        .envs([
            (SECOND, "kept"),
            ("LD_LIBRARY_PATH", "/nonexistent"),
            ("LD_PRELOAD", ""),
            ("IFS", ":"),
        ])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&second.stdout);
    assert!(second.status.success(), "{said}");
    assert!(said.contains("1 passed"), "it did not look: {said}");
}

async fn look_at_what_a_script_inherits() {
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    assert!(ignored_signals(&own) & 1 != 0, "SIGHUP is not ignored here");
    for dangerous in ["LD_LIBRARY_PATH", "LD_PRELOAD", "IFS"] {
        assert!(std::env::var(dangerous).is_ok(), "{dangerous}");
    }
    let dir = TempDir::new();
    let script = sh(&format!(
        "tr '\\0' '\\n' < /proc/self/environ > {0}; while read -r line; do echo $line; done < /proc/$$/status > {1}",
        dir.path("env").display(),
        dir.path("status").display()
    ));
    assert_eq!(run(&script, LONG).await, ScriptOutcome::Exited(0));
    let names: Vec<String> = dir
        .lines("env")
        .iter()
        .map(|line| line.split('=').next().unwrap().into())
        .collect();
    assert!(names.iter().any(|name| name == SECOND), "{names:?}");
    let dangerous = |name: &String| name.starts_with("LD_") || name == "IFS";
    assert!(!names.iter().any(dangerous), "{names:?}");
    assert_eq!(ignored_signals(&dir.lines("status").join("\n")), 0);
}

/// A script that runs when its daemon is killed gets SIGTERM.
///
/// Facts: 12.13
/// LVS facts: 13.2
#[tokio::test]
async fn a_script_is_told_that_its_parent_has_died() {
    const THIS: &str = "script::run::tests::a_script_is_told_that_its_parent_has_died";
    if let Some(mark) = std::env::var_os(SECOND) {
        // Its sleep gets no signal: the trap runs when that has ended.
        let script = sh("trap 'echo TERM >> $0; exit' TERM; echo $$ >> $0; while :; do sleep 0.02; done");
        let mut script = script;
        script.argv.push(mark);
        run(&script, LONG).await;
        return;
    }
    let dir = TempDir::new();
    let mut second = Command::new(std::env::current_exe().unwrap());
    second.args(["--exact", THIS]).env(SECOND, dir.path("mark"));
    let mut second = second.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let script = dir.pids("mark", 1).await;
    assert!(is_alive(script[0]));
    second.kill().await.unwrap();
    assert_eq!(dir.wait_for_lines("mark", 2).await[1], "TERM");
    until_dead(&script).await;
}

/// The mask of ignored signals; 32 and 33 belong to the C library.
fn ignored_signals(status: &str) -> u64 {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap() & !(3 << 31)
}

/// LVS facts: 11.4
#[tokio::test]
async fn what_ignores_term_is_killed_with_its_grandchildren() {
    let dir = TempDir::new();
    let pids = dir.path("pids").display().to_string();
    let script = sh(&format!(
        "trap '' TERM; echo $$ >> {pids}; (echo $(exec sh -c 'echo $PPID') >> {pids}; sleep 1000) & \
         setsid true; sleep 1000 & echo $! >> {pids}; wait; sleep 1000"
    ));
    let before = Instant::now();
    let outcome = run(&script, Duration::from_millis(500)).await;
    let took = before.elapsed();
    assert_eq!(outcome, ScriptOutcome::TimedOut);
    assert!(took >= KILL_AFTER, "SIGKILL came too early: {took:?}");
    let pids = dir.pids("pids", 3).await;
    until_dead(&pids).await;
}

/// LVS facts: 11.4
#[tokio::test]
async fn a_grandchild_that_ignores_term_dies_though_its_leader_obeyed() {
    let dir = TempDir::new();
    let pids = dir.path("pids").display().to_string();
    let script = sh(&format!(
        "(trap '' TERM; sh -c 'echo $PPID' >> {pids}; while :; do sleep 1; done) & sleep 1000"
    ));
    assert_eq!(
        run(&script, Duration::from_millis(500)).await,
        ScriptOutcome::TimedOut
    );
    until_dead(&dir.pids("pids", 1).await).await;
}

/// One that sleeps in the kernel, or whose disk is gone, dies when that is over: nothing here survives SIGKILL.
///
/// LVS facts: 11.4
#[test]
fn what_survives_sigkill_is_killed_every_ten_seconds() {
    let mut at = 0;
    let told: Vec<_> = orders()
        .take(4)
        .map(|(signal, patience)| {
            let told = (at, signal);
            at += patience.as_secs();
            told
        })
        .collect();
    let kill = |at| (at, Signal::SIGKILL);
    assert_eq!(told, [(0, Signal::SIGTERM), kill(2), kill(12), kill(22)]);
}

#[tokio::test]
async fn a_grandchild_may_clear_up_after_term() {
    let dir = TempDir::new();
    let mark = dir.path("mark").display().to_string();
    // The trap runs when the grandchild's sleep, which gets SIGTERM too, has ended.
    let trap = format!("sleep 0.02; echo bye > {mark}");
    let script = sh(&format!(
        "sh -c 'trap \"{trap}\" TERM; sleep 1000; :' & sleep 1000"
    ));
    // A loaded machine may need more than one chance.
    for _ in 0..5 {
        let outcome = run(&script, Duration::from_millis(300)).await;
        assert_eq!(outcome, ScriptOutcome::TimedOut);
        if dir.lines("mark") == ["bye"] {
            return;
        }
    }
    panic!("killed before it could clear up");
}

#[tokio::test]
async fn what_a_script_leaves_running_stays_when_it_ends_by_itself() {
    let dir = TempDir::new();
    let script = sh(&format!("sleep 1000 & echo $! > {}", dir.path("pid").display()));
    assert_eq!(run(&script, LONG).await, ScriptOutcome::Exited(0));
    let service = dir.pids("pid", 1).await[0];
    assert!(is_alive(service));
    kill(Pid::from_raw(service.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn dropping_a_run_kills_its_group() {
    let dir = TempDir::new();
    let pids = dir.path("pids").display().to_string();
    let script = sh(&format!(
        "trap '' TERM; sleep 1000 & echo $! > {pids}; echo $$ >> {pids}; wait; wait"
    ));
    let task = tokio::spawn(async move { run(&script, LONG).await });
    let pids = dir.pids("pids", 2).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    until_dead(&pids).await;
}

#[tokio::test]
async fn the_end_at_the_very_limit_is_one_end() {
    let dir = TempDir::new();
    let pids = dir.path("pids").display().to_string();
    let script = sh(&format!("echo $$ >> {pids}; exec sleep 0.03"));
    for _ in 0..30 {
        let outcome = run(&script, Duration::from_millis(33)).await;
        assert!(
            matches!(outcome, ScriptOutcome::Exited(0) | ScriptOutcome::TimedOut),
            "{outcome:?}"
        );
    }
    assert!(!dir.lines("pids").iter().any(|pid| is_alive(pid.parse().unwrap())));
}

/// Facts: 12.14
#[tokio::test]
async fn a_file_without_interpreter_is_given_to_the_shell() {
    let dir = TempDir::new();
    let file = dir.path("script");
    // Written by a child: a descriptor of ours that another test's fork holds would make the file busy.
    let write = sh(&format!("echo 'exit 7' > {0} && chmod 755 {0}", file.display()));
    assert_eq!(run(&write, LONG).await, ScriptOutcome::Exited(0));
    let script = Prepared {
        program: file.clone(),
        argv: vec![file.into()],
        who: Credentials::own(),
    };
    assert_eq!(run(&script, LONG).await, ScriptOutcome::Exited(7));
}

/// Facts: 12.13
#[tokio::test]
async fn a_script_dies_with_the_thread_that_started_it() {
    let dir = TempDir::new();
    let script = sh(&format!(
        "echo $$ > {}; exec sleep 1000",
        dir.path("pid").display()
    ));
    let (dir, pid) = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let pid = runtime.block_on(async {
            // Not dropped: only the kernel can end it.
            std::mem::forget(Running::start(&script).unwrap());
            dir.pids("pid", 1).await[0]
        });
        assert!(is_alive(pid));
        (dir, pid)
    })
    .join()
    .unwrap();
    until_dead(&[pid]).await;
    drop(dir);
}
