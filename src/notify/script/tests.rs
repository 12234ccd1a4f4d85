//! Notify scripts with real children.

use super::*;
use crate::script::config::ScriptPolicy;
use crate::script::testing::{LONG, TempDir, is_alive, sh_command, until, until_dead};
use tokio::time::Instant;

fn notification(subject: &Subject, state: NotifyState, priority: u8) -> Notification {
    Notification {
        subject: subject.clone(),
        state,
        priority,
        occasion: Occasion::Change,
    }
}

fn instance(name: &str) -> Subject {
    Subject::Instance(name.into())
}

/// A notifier for the instances and groups given.
fn notifier(instances: &[(&str, NotifyScripts)], groups: &[(&str, NotifyScripts)]) -> Notifier {
    let named = |scripts: &[(&str, NotifyScripts)]| {
        let own = |(name, scripts): &(&str, NotifyScripts)| (String::from(*name), scripts.clone());
        scripts.iter().map(own).collect()
    };
    let config = NotifyConfig {
        instances: named(instances),
        groups: named(groups),
        ..NotifyConfig::default()
    };
    let commands: Vec<&Command> = config
        .instances
        .values()
        .chain(config.groups.values())
        .flat_map(NotifyScripts::commands)
        .collect();
    let (scripts, reports) = Scripts::examine(commands, &ScriptPolicy::default());
    assert!(reports.iter().all(|report| report.verdict.is_ok()), "{reports:?}");
    Notifier::new(config, Arc::new(scripts))
}

/// Appends its name and its arguments to a file.
fn record(dir: &TempDir, name: &str) -> Command {
    let file = dir.path("log").display().to_string();
    let mut command = sh_command(&format!("printf '%s\\n' \"{name} $*\" >> {file}"));
    command.argv.push("argv0".into());
    command
}

fn all(dir: &TempDir) -> NotifyScripts {
    NotifyScripts {
        master: Some(record(dir, "master")),
        backup: Some(record(dir, "backup")),
        fault: Some(record(dir, "fault")),
        stop: Some(record(dir, "stop")),
        deleted: Some(record(dir, "deleted")),
        any: Some(record(dir, "any")),
        master_rx_lower_pri: Some(record(dir, "lower")),
        ..NotifyScripts::default()
    }
}

/// Facts: 12.1, 12.2, 12.9
#[tokio::test]
async fn arguments_and_order_are_keepalived_s() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI_1", all(&dir))], &[("G 1", all(&dir))]);
    let vi = instance("VI_1");
    notifier.notify(&notification(&vi, NotifyState::Backup, 100));
    notifier.notify(&notification(&vi, NotifyState::Master, 102));
    notifier.notify(&notification(&vi, NotifyState::Fault, 0));
    // Nobody to be told.
    notifier.notify(&notification(&instance("VI_2"), NotifyState::Master, 1));
    assert_eq!(
        dir.wait_for_lines("log", 6).await,
        [
            "backup ",
            "any INSTANCE VI_1 BACKUP 100",
            "master ",
            "any INSTANCE VI_1 MASTER 102",
            "fault ",
            "any INSTANCE VI_1 FAULT 0",
        ]
    );
    let group = Subject::Group("G 1".into());
    notifier.notify(&notification(&group, NotifyState::Master, 0));
    assert_eq!(
        dir.wait_for_lines("log", 8).await[6..],
        ["master ", "any GROUP G 1 MASTER 0"]
    );
    notifier.notify(&notification(&vi, NotifyState::Stop, 102));
    notifier.drain(LONG).await;
    let mut last = dir.lines("log")[8..].to_vec();
    // From STOP on they run beside each other.
    last.sort();
    assert_eq!(last, ["any INSTANCE VI_1 STOP 102", "stop "]);
}

/// Facts: 12.2, 12.4, 12.8
#[tokio::test]
async fn what_is_no_state_has_its_own_script_or_none() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI", all(&dir))], &[]);
    let vi = instance("VI");
    for state in [
        NotifyState::MasterPriority,
        NotifyState::BackupPriority,
        NotifyState::MasterRxLowerPri,
    ] {
        notifier.notify(&notification(&vi, state, 100));
    }
    assert_eq!(dir.wait_for_lines("log", 1).await, ["lower "]);
    let occasion = |state, occasion| Notification {
        occasion,
        ..notification(&vi, state, 100)
    };
    // For the FIFOs only.
    notifier.notify(&occasion(NotifyState::Master, Occasion::Reminder));
    let scripts = Arc::clone(&notifier.scripts);
    notifier.apply(NotifyConfig::default(), scripts);
    notifier.notify(&occasion(NotifyState::Deleted, Occasion::Departure));
    notifier.notify(&occasion(NotifyState::Fault, Occasion::Departure));
    assert_eq!(
        dir.wait_for_lines("log", 4).await[1..],
        [
            "deleted ",
            "any INSTANCE VI DELETED 100",
            "any INSTANCE VI FAULT 100"
        ],
        "by the configuration that knew it, and no fault script for what had no fault"
    );
}

/// Marks begin and end of every run, with the state it was told.
fn flapping(dir: &TempDir, pause: &str) -> NotifyScripts {
    let file = dir.path("log").display().to_string();
    let text = format!("echo begin $2 $4 >> {file}; sleep {pause}; echo end $2 $4 >> {file}");
    let mut command = sh_command(&text);
    command.argv.push("argv0".into());
    NotifyScripts {
        any: Some(command),
        ..NotifyScripts::default()
    }
}

#[tokio::test]
async fn a_hundred_flaps_are_told_one_at_a_time_and_the_last_last() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI", flapping(&dir, "0.005"))], &[]);
    let vi = instance("VI");
    for flap in 1..=100_u8 {
        let state = if flap % 2 == 0 {
            NotifyState::Master
        } else {
            NotifyState::Backup
        };
        notifier.notify(&notification(&vi, state, flap));
    }
    until("the last is told", || {
        dir.lines("log").last().is_some_and(|line| line == "end VI 100")
    })
    .await;
    let lines = dir.lines("log");
    let mut told = Vec::new();
    for pair in lines.chunks(2) {
        let told_now: u8 = pair[0].rsplit(' ').next().unwrap().parse().unwrap();
        assert_eq!(pair[1], format!("end VI {told_now}"), "concurrent: {lines:?}");
        told.push(told_now);
    }
    // Nothing had run yet when the queue overflowed.
    assert_eq!(notifier.dropped(), 100 - MAX_PENDING as u64);
    assert_eq!(told, (37..=100).collect::<Vec<u8>>());
}

#[tokio::test]
async fn below_the_bound_every_state_is_told() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI", flapping(&dir, "0"))], &[]);
    for flap in 1..=50 {
        notifier.notify(&notification(&instance("VI"), NotifyState::Master, flap));
    }
    let lines = dir.wait_for_lines("log", 100).await;
    let told: Vec<u8> = lines
        .iter()
        .step_by(2)
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(told, (1..=50).collect::<Vec<u8>>());
    assert_eq!(notifier.dropped(), 0);
}

#[tokio::test]
async fn subjects_do_not_wait_for_each_other() {
    let dir = TempDir::new();
    let slow = flapping(&dir, "1000");
    let fast = flapping(&dir, "0");
    let mut notifier = notifier(&[("slow", slow), ("fast", fast)], &[]);
    notifier.notify(&notification(&instance("slow"), NotifyState::Master, 1));
    dir.wait_for_lines("log", 1).await;
    notifier.notify(&notification(&instance("fast"), NotifyState::Master, 2));
    assert_eq!(
        dir.wait_for_lines("log", 3).await,
        ["begin slow 1", "begin fast 2", "end fast 2"]
    );
}

#[tokio::test]
async fn patience_with_an_overlong_script_ends() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI", flapping(&dir, "1000"))], &[]);
    notifier.patience = Duration::from_millis(200);
    let vi = instance("VI");
    notifier.notify(&notification(&vi, NotifyState::Master, 1));
    notifier.notify(&notification(&vi, NotifyState::Backup, 2));
    // The first still runs.
    assert_eq!(dir.wait_for_lines("log", 2).await, ["begin VI 1", "begin VI 2"]);
}

/// Writes its process id, then sleeps.
fn sleeper(dir: &TempDir, name: &str) -> Command {
    let file = dir.path(name).display().to_string();
    sh_command(&format!("echo $$ >> {file}; exec sleep 1000"))
}

#[tokio::test]
async fn stop_is_told_beside_what_hangs_and_all_of_it_ends_in_time() {
    let dir = TempDir::new();
    let scripts = NotifyScripts {
        master: Some(sleeper(&dir, "hangs")),
        stop: Some(sleeper(&dir, "stop")),
        any: Some(record(&dir, "any")),
        ..NotifyScripts::default()
    };
    let mut notifier = notifier(&[("VI", scripts)], &[]);
    let vi = instance("VI");
    notifier.notify(&notification(&vi, NotifyState::Master, 1));
    let hangs = dir.pids("hangs", 1).await;
    notifier.notify(&notification(&vi, NotifyState::Stop, 1));
    let begin = Instant::now();
    notifier.drain(Duration::from_secs(5)).await;
    assert!(begin.elapsed() < LONG);
    // MASTER's own `notify` was still queued; nothing is left out.
    let mut told = dir.lines("log");
    told.sort();
    assert_eq!(told, ["any INSTANCE VI MASTER 1", "any INSTANCE VI STOP 1"]);
    until_dead(&hangs).await;
    until_dead(&dir.pids("stop", 1).await).await;
}

#[tokio::test]
async fn drain_waits_no_longer_than_needed() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI", all(&dir))], &[]);
    notifier.notify(&notification(&instance("VI"), NotifyState::Backup, 1));
    notifier.notify(&notification(&instance("VI"), NotifyState::Stop, 1));
    let begin = Instant::now();
    notifier.drain(Duration::from_secs(1000)).await;
    assert!(begin.elapsed() < LONG);
    assert_eq!(dir.lines("log").len(), 4);
}

#[tokio::test]
async fn detached_scripts_run_beside_each_other_within_bounds() {
    let dir = TempDir::new();
    let up = sleeper(&dir, "up");
    let (scripts, _) = Scripts::examine([&up], &ScriptPolicy::default());
    let mut notifier = Notifier::new(NotifyConfig::default(), Arc::new(scripts));
    notifier.run_detached(&up);
    notifier.run_detached(&up);
    notifier.run_detached(&sh_command("exit 0 # never examined"));
    let pids = dir.pids("up", 2).await;
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    drop(notifier);
    until_dead(&dir.pids("up", 2).await).await;
}

#[tokio::test]
async fn when_a_rack_fails_every_server_is_told() {
    const SERVERS: usize = MAX_BESIDE + 40;
    let dir = TempDir::new();
    let told = sh_command(&format!("echo $$ >> {}", dir.path("told").display()));
    let hanging = sh_command("exec sleep 1000");
    let mut notifier = notifier(&[], &[]);
    let (scripts, _) = Scripts::examine([&told, &hanging], &ScriptPolicy::default());
    notifier.scripts = Arc::new(scripts);
    notifier.patience = Duration::from_millis(500);
    // All places are taken by scripts that never end; they are waited for no longer than there is patience.
    for _ in 0..MAX_BESIDE {
        notifier.run_detached(&hanging);
    }
    assert_eq!(notifier.places.available_permits(), 0);
    for _ in 0..SERVERS {
        notifier.run_detached(&told);
    }
    assert_eq!(dir.wait_for_lines("told", SERVERS).await.len(), SERVERS);
    assert_eq!(notifier.dropped(), 0);
    for _ in 0..MAX_WAITING {
        notifier.run_detached(&told);
    }
    assert!(notifier.dropped() > 0, "bounded");
}

#[tokio::test]
async fn a_reload_changes_what_is_told_next() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI", all(&dir))], &[]);
    let vi = instance("VI");
    notifier.notify(&notification(&vi, NotifyState::Master, 1));
    notifier.apply(NotifyConfig::default(), Arc::default());
    notifier.notify(&notification(&vi, NotifyState::Backup, 1));
    notifier.drain(LONG).await;
    // While draining they run beside each other.
    let mut told = dir.lines("log");
    told.sort();
    assert_eq!(told, ["any INSTANCE VI MASTER 1", "master "]);
}

#[tokio::test]
async fn a_script_that_cannot_be_started_does_not_stop_the_next() {
    let dir = TempDir::new();
    let mut notifier = notifier(&[("VI", all(&dir))], &[]);
    let broken = notifier.config.instances["VI"].master.clone().unwrap();
    let scripts = Arc::make_mut(&mut notifier.scripts);
    scripts.replace(&broken, |script| script.program = "/nonexistent".into());
    notifier.notify(&notification(&instance("VI"), NotifyState::Master, 1));
    assert_eq!(dir.wait_for_lines("log", 1).await, ["any INSTANCE VI MASTER 1"]);
}
