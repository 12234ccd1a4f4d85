//! Track scripts with real children.

use super::*;
use crate::script::config::ScriptPolicy;
use crate::script::testing::{LONG, Log, TempDir, is_alive, sh_command, until, until_dead};
use tokio::time::timeout;

/// An interval nobody waits for twice.
const SELDOM: Duration = Duration::from_secs(1000);

fn config(name: &str, text: &str, interval: Duration) -> TrackScriptConfig {
    TrackScriptConfig {
        name: name.into(),
        command: sh_command(text),
        interval,
        timeout: LONG,
        weight: 0,
        reverse: false,
        rise: 1,
        fall: 1,
    }
}

fn apply(runner: &mut TrackRunner, configs: &[TrackScriptConfig]) {
    let commands = configs.iter().map(|config| &config.command);
    let (scripts, _) = Scripts::examine(commands, &ScriptPolicy::default());
    runner.apply(configs, &scripts);
}

async fn next(reports: &mut mpsc::Receiver<ScriptReport>) -> (String, ScriptOutcome) {
    let report = timeout(LONG, reports.recv()).await.unwrap().unwrap();
    (report.name, report.outcome)
}

#[tokio::test]
async fn the_first_run_is_at_once_and_then_every_interval() {
    let (sender, mut reports) = mpsc::channel(9);
    let mut runner = TrackRunner::new(sender);
    let begin = Instant::now();
    apply(
        &mut runner,
        &[
            config("a", "exit 3", Duration::from_millis(300)),
            config("b", "exit 0", SELDOM),
        ],
    );
    let mut first = [next(&mut reports).await, next(&mut reports).await];
    first.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        first,
        [
            ("a".into(), ScriptOutcome::Exited(3)),
            ("b".into(), ScriptOutcome::Exited(0))
        ]
    );
    for turn in 1..4 {
        assert_eq!(next(&mut reports).await, ("a".into(), ScriptOutcome::Exited(3)));
        assert!(begin.elapsed() >= Duration::from_millis(300) * turn);
    }
}

#[tokio::test]
async fn a_run_that_goes_on_lets_its_turns_pass() {
    let said = Log::capture();
    let dir = TempDir::new();
    let log = dir.path("log").display().to_string();
    let (sender, mut reports) = mpsc::channel(9);
    let mut runner = TrackRunner::new(sender);
    let text = format!("echo start >> {log}; sleep 0.5; echo end >> {log}");
    apply(&mut runner, &[config("slow", &text, Duration::from_millis(50))]);
    for _ in 0..3 {
        assert_eq!(
            next(&mut reports).await,
            ("slow".into(), ScriptOutcome::Exited(0))
        );
    }
    drop(runner);
    let lines = dir.lines("log");
    for (n, line) in lines.iter().enumerate() {
        assert_eq!(
            line,
            if n % 2 == 0 { "start" } else { "end" },
            "overlap: {lines:?}"
        );
    }
    let skipped = "Track script slow is already running, expect idle - skipping run";
    assert!(
        said.lines().iter().any(|line| line == skipped),
        "{:?}",
        said.lines()
    );
}

#[tokio::test]
async fn a_run_over_its_time_is_killed_and_failed() {
    let dir = TempDir::new();
    let pids = dir.path("pids").display().to_string();
    let (sender, mut reports) = mpsc::channel(9);
    let mut runner = TrackRunner::new(sender);
    let text = format!("echo $$ >> {pids}; exec sleep 1000");
    apply(
        &mut runner,
        &[TrackScriptConfig {
            timeout: Duration::from_millis(300),
            ..config("long", &text, Duration::from_millis(200))
        }],
    );
    assert_eq!(next(&mut reports).await, ("long".into(), ScriptOutcome::TimedOut));
    let pid = dir.pids("pids", 1).await[0];
    assert!(!is_alive(pid));
    // And it has another turn.
    assert_eq!(next(&mut reports).await, ("long".into(), ScriptOutcome::TimedOut));
}

#[tokio::test]
async fn a_run_that_is_being_killed_lets_its_turns_pass() {
    let said = Log::capture();
    let (sender, mut reports) = mpsc::channel(9);
    let mut runner = TrackRunner::new(sender);
    apply(
        &mut runner,
        &[TrackScriptConfig {
            timeout: Duration::from_millis(200),
            ..config(
                "deaf",
                "trap '' TERM; sleep 1000; sleep 1000",
                Duration::from_millis(500),
            )
        }],
    );
    assert_eq!(next(&mut reports).await, ("deaf".into(), ScriptOutcome::TimedOut));
    let skipped = "Track script deaf is being timed out, expect idle - skipping run";
    assert!(
        said.lines().iter().any(|line| line == skipped),
        "{:?}",
        said.lines()
    );
}

#[tokio::test]
async fn a_refused_script_is_reported_as_not_started() {
    let (sender, mut reports) = mpsc::channel(9);
    let mut runner = TrackRunner::new(sender);
    runner.apply(&[config("x", "exit 0", SELDOM)], &Scripts::default());
    assert_eq!(next(&mut reports).await, ("x".into(), ScriptOutcome::NotStarted));
}

#[tokio::test]
async fn a_reload_disturbs_only_what_changed() {
    let dir = TempDir::new();
    let run = |name: &str| {
        let pids = dir.path(name).display().to_string();
        config(name, &format!("echo $$ >> {pids}; exec sleep 1000"), SELDOM)
    };
    let (sender, mut reports) = mpsc::channel(9);
    let mut runner = TrackRunner::new(sender);
    apply(&mut runner, &[run("kept"), run("gone"), run("changed")]);
    let kept = dir.pids("kept", 1).await[0];
    let gone = dir.pids("gone", 1).await[0];
    let changed = dir.pids("changed", 1).await[0];
    let retimed = TrackScriptConfig {
        interval: Duration::from_millis(50),
        weight: 20,
        ..run("kept")
    };
    apply(&mut runner, &[retimed, config("changed", "exit 4", SELDOM)]);
    until_dead(&[gone, changed]).await;
    assert_eq!(
        next(&mut reports).await,
        ("changed".into(), ScriptOutcome::Exited(4))
    );
    assert!(is_alive(kept));
    assert_eq!(dir.lines("kept").len(), 1);
    // Killed runs are not reported, and nobody runs without a configuration.
    apply(&mut runner, &[]);
    until_dead(&[kept]).await;
    assert_eq!(reports.try_recv(), Err(mpsc::error::TryRecvError::Empty));
}

#[tokio::test]
async fn new_times_hold_for_a_script_that_stays() {
    let (sender, mut reports) = mpsc::channel(9);
    let mut runner = TrackRunner::new(sender);
    apply(&mut runner, &[config("a", "exit 0", SELDOM)]);
    next(&mut reports).await;
    apply(&mut runner, &[config("a", "exit 0", Duration::from_millis(20))]);
    for _ in 0..3 {
        assert_eq!(next(&mut reports).await, ("a".into(), ScriptOutcome::Exited(0)));
    }
}

#[tokio::test]
async fn a_full_queue_loses_nothing_and_piles_nothing_up() {
    let dir = TempDir::new();
    let log = dir.path("log").display().to_string();
    let (sender, mut reports) = mpsc::channel(1);
    let mut runner = TrackRunner::new(sender);
    apply(
        &mut runner,
        &[config(
            "a",
            &format!("echo x >> {log}"),
            Duration::from_millis(10),
        )],
    );
    // One report in the queue, one waiting: no third run.
    dir.wait_for_lines("log", 2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(dir.lines("log").len(), 2);
    for _ in 0..4 {
        next(&mut reports).await;
    }
    drop(runner);
    until("the task has gone", || {
        reports.is_closed() || reports.try_recv().is_err()
    })
    .await;
}
