//! FIFOs on a real file system, with real readers.

use super::*;
use crate::script::config::{Command, ScriptPolicy};
use crate::script::testing::{LONG, Log, TempDir, is_alive, sh_command, until};
use crate::vrrp::event::{NotifyState, Occasion, Subject};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};

fn fifo(dir: &TempDir, name: &str, script: Option<Command>) -> FifoConfig {
    FifoConfig {
        path: dir.path(name),
        owner: None,
        script,
        hears: Hears {
            vrrp: true,
            health: false,
        },
    }
}

fn master(name: &str) -> Notification {
    Notification {
        subject: Subject::Instance(name.into()),
        state: NotifyState::Master,
        priority: 106,
        occasion: Occasion::Change,
    }
}

fn opened(configs: &[FifoConfig]) -> Fifos {
    let commands: Vec<_> = configs
        .iter()
        .filter_map(|config| config.script.as_ref())
        .collect();
    let (scripts, _) = Scripts::examine(commands, &ScriptPolicy::default());
    let mut fifos = Fifos::default();
    fifos.apply(configs, &scripts);
    fifos
}

/// What is in a FIFO at the moment.
fn content(path: &Path) -> String {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .unwrap();
    let mut text = String::new();
    // Ends with an error where the writer is still there.
    let _ = file.read_to_string(&mut text);
    text
}

/// Facts: 12.3, 12.4
#[tokio::test]
async fn lines_are_keepalived_s() {
    let dir = TempDir::new();
    let (one, two) = (fifo(&dir, "one", None), fifo(&dir, "two", None));
    let mut fifos = opened(&[one.clone(), two.clone()]);
    let group = Subject::Group("G 1".into());
    for (subject, state, priority) in [
        (Subject::Instance("VI_1".into()), NotifyState::Backup, 100),
        (Subject::Instance("VI_1".into()), NotifyState::BackupPriority, 106),
        (Subject::Instance("VI_1".into()), NotifyState::MasterPriority, 106),
        (
            Subject::Instance("VI_1".into()),
            NotifyState::MasterRxLowerPri,
            106,
        ),
        (Subject::Instance("VI_1".into()), NotifyState::Deleted, 106),
        (group, NotifyState::Stop, 0),
    ] {
        fifos.notify(&Notification {
            subject,
            state,
            priority,
            occasion: Occasion::Change,
        });
    }
    let lines = "INSTANCE \"VI_1\" BACKUP 100\n\
                 INSTANCE \"VI_1\" BACKUP_PRIORITY 106\n\
                 INSTANCE \"VI_1\" MASTER_PRIORITY 106\n\
                 INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 106\n\
                 INSTANCE \"VI_1\" DELETED 106\n\
                 GROUP \"G 1\" STOP 0\n";
    assert_eq!(content(&one.path), lines);
    assert_eq!(content(&two.path), lines);
}

/// Facts: 12.10
/// LVS facts: 14.5, 17.5
#[tokio::test]
async fn what_was_made_is_removed_and_what_was_there_stays() {
    let dir = TempDir::new();
    let (made, there) = (fifo(&dir, "made", None), fifo(&dir, "there", None));
    mkfifo(&there.path, Mode::from_bits_truncate(0o600)).unwrap();
    let fifos = opened(&[made.clone(), there.clone()]);
    let status = std::fs::symlink_metadata(&made.path).unwrap();
    assert!(status.file_type().is_fifo());
    assert_eq!(status.permissions().mode() & 0o777 & !0o644, 0);
    assert_eq!(status.uid(), Credentials::own().uid);
    fifos.close(LONG).await;
    assert_eq!(dir.names(), ["there"]);

    let mut fifos = opened(std::slice::from_ref(&made));
    assert_eq!(dir.names(), ["made", "there"]);
    fifos.apply(&[], &Scripts::default());
    assert_eq!(dir.names(), ["there"], "a reload without it");
}

/// Facts: 12.10
/// LVS facts: 14.3
#[tokio::test]
async fn what_is_no_fifo_of_ours_is_left_alone() {
    let dir = TempDir::new();
    let log = Log::capture();
    mkfifo(&dir.path("target"), Mode::from_bits_truncate(0o600)).unwrap();
    std::os::unix::fs::symlink(dir.path("target"), dir.path("link")).unwrap();
    dir.file("file", "text");
    let (file, link, nowhere) = (
        fifo(&dir, "file", None),
        fifo(&dir, "link", None),
        fifo(&dir, "no/where", None),
    );
    let mut fifos = opened(&[file, link, nowhere]);
    fifos.notify(&master("VI"));
    assert_eq!(fifos.lost(), 3);
    drop(fifos);
    assert_eq!(dir.names(), ["file", "link", "target"]);
    assert_eq!(dir.lines("file"), ["text"]);
    assert_eq!(content(&dir.path("target")), "");
    let said = log.lines();
    assert_eq!(said.len(), 3, "{said:?}");
    for (line, name) in said.iter().zip(["file", "link"]) {
        let wanted = format!("{} is not a fifo we own - not using", dir.path(name).display());
        assert!(line.starts_with(&wanted), "{line}");
    }
    assert!(said[2].starts_with("Unable to create notify fifo"), "{said:?}");
}

/// Facts: 12.10
/// LVS facts: 14.3
#[test]
fn whose_fifo_is_used() {
    let fifo = |owner| Fifo {
        config: FifoConfig {
            path: "/run/f".into(),
            owner: None,
            script: None,
            hears: Hears::default(),
        },
        owner: Credentials {
            uid: owner,
            gid: owner,
        },
        script: None,
        open: None,
        made: false,
        reader: None,
        losing: 0,
    };
    let dir = TempDir::new();
    mkfifo(&dir.path("f"), Mode::from_bits_truncate(0o600)).unwrap();
    let mut status = lstat(&dir.path("f")).unwrap();
    assert_eq!(fifo(4711).check(&status), Ok(()), "our own");
    status.st_uid = 4711;
    assert_eq!(fifo(4711).check(&status), Ok(()), "its user's");
    assert!(fifo(4712).check(&status).is_err(), "somebody else's");
}

/// Facts: 12.5
#[tokio::test]
async fn a_full_fifo_loses_lines_and_they_are_counted() {
    let dir = TempDir::new();
    let log = Log::capture();
    let config = fifo(&dir, "fifo", None);
    let mut fifos = opened(std::slice::from_ref(&config));
    while fifos.lost() < 3 {
        fifos.notify(&master("VI"));
    }
    let text = content(&config.path);
    assert!(text.ends_with("\"VI\" MASTER 106\n"), "whole lines only");
    fifos.notify(&master("later"));
    assert_eq!(content(&config.path), "INSTANCE \"later\" MASTER 106\n");
    assert_eq!(fifos.lost(), 3);
    fifos.notify(&master(&"long".repeat(1024)));
    assert_eq!(
        (fifos.lost(), content(&config.path)),
        (4, String::new()),
        "in one piece or not at all"
    );
    let path = config.path.display();
    assert_eq!(
        log.lines(),
        [
            format!("notify fifo {path}: a line is lost: it is full"),
            format!("notify fifo {path} takes lines again; 3 were lost"),
            format!("notify fifo {path}: a line is lost: the line is too long for one piece"),
        ]
    );
}

#[tokio::test]
async fn a_fifo_that_was_replaced_is_opened_again() {
    let dir = TempDir::new();
    let config = fifo(&dir, "fifo", None);
    let mut fifos = opened(std::slice::from_ref(&config));
    fifos.notify(&master("before"));
    unlink(&config.path).unwrap();
    mkfifo(&config.path, Mode::from_bits_truncate(0o600)).unwrap();
    fifos.notify(&master("VI"));
    assert_eq!(content(&config.path), "INSTANCE \"VI\" MASTER 106\n");
    fifos.close(LONG).await;
    assert_eq!(dir.names(), ["fifo"], "it is somebody else's now");
}

/// Facts: 12.11
/// LVS facts: 14.4
#[tokio::test]
async fn its_script_reads_to_the_end_and_survives_a_reload() {
    let dir = TempDir::new();
    let log = dir.path("log").display().to_string();
    let mut command = sh_command(&format!("echo $$ >> {log}; exec cat \"$1\" >> {log}"));
    command.argv.push("argv0".into());
    let config = fifo(&dir, "fifo", Some(command.clone()));
    let (scripts, _) = Scripts::examine([&command], &ScriptPolicy::default());
    let mut fifos = Fifos::default();
    fifos.apply(std::slice::from_ref(&config), &scripts);
    fifos.notify(&master("one"));
    dir.wait_for_lines("log", 2).await;
    fifos.apply(std::slice::from_ref(&config), &scripts);
    fifos.notify(&master("two"));
    fifos.close(LONG).await;
    let lines = dir.lines("log");
    let pid: u32 = lines[0].parse().unwrap();
    assert_eq!(
        lines[1..],
        ["INSTANCE \"one\" MASTER 106", "INSTANCE \"two\" MASTER 106"],
        "the last line too, and the FIFO was its last argument"
    );
    assert!(!is_alive(pid));
}

/// Facts: 12.11
#[tokio::test]
async fn a_reader_that_ends_comes_back_with_a_reload_only() {
    let dir = TempDir::new();
    let said = Log::capture();
    let log = dir.path("log").display().to_string();
    let command = sh_command(&format!("echo run >> {log}"));
    let config = fifo(&dir, "fifo", Some(command.clone()));
    let (scripts, _) = Scripts::examine([&command], &ScriptPolicy::default());
    let mut fifos = Fifos::default();
    fifos.apply(std::slice::from_ref(&config), &scripts);
    until("its end is said", || {
        said.lines().iter().any(|line| line.contains("has ended"))
    })
    .await;
    fifos.notify(&master("one"));
    assert_eq!(dir.lines("log"), ["run"]);
    fifos.apply(std::slice::from_ref(&config), &scripts);
    dir.wait_for_lines("log", 2).await;
}

/// LVS facts: 14.1, 14.2
#[tokio::test]
async fn each_fifo_hears_what_it_is_for() {
    let dir = TempDir::new();
    let hears = |name: &str, vrrp, health| FifoConfig {
        hears: Hears { vrrp, health },
        ..fifo(&dir, name, None)
    };
    let mut fifos = opened(&[
        hears("all", true, true),
        hears("vrrp", true, false),
        hears("lvs", false, true),
    ]);
    fifos.notify(&master("VI_1"));
    fifos.health("VS [10.0.0.1]:tcp:80 UP\n");
    let read = |name: &str| content(&dir.path(name));
    let (vrrp, lvs) = ("INSTANCE \"VI_1\" MASTER 106\n", "VS [10.0.0.1]:tcp:80 UP\n");
    assert_eq!(read("all"), format!("{vrrp}{lvs}"));
    assert_eq!(read("vrrp"), vrrp);
    assert_eq!(read("lvs"), lvs);
}
