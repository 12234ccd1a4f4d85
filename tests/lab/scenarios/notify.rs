//! Notifications: which scripts run on a transition, and with exactly which words.

use nix::sys::signal::Signal;

use super::conf::{GLOBAL, Instance};
use super::expect::SOON;
use crate::site::{self, Director};
use crate::timeline::{note, wait_for};

/// One line a run: the number of words after the script's own, and each of them in brackets.
const TELL: &str = r#"line="$#"; for word in "$@"; do line="$line [$word]"; done; echo "$line" >>/run/told"#;

const SCRIPTS: &str = r#"notify "/etc/keepalived/tell any 'two words'"
    notify_master "/etc/keepalived/tell master 1 2"
    notify_backup "/etc/keepalived/tell backup"
    notify_fault "/etc/keepalived/tell fault"
    notify_stop "/etc/keepalived/tell stop""#;

/// Words of instance and group scripts over a whole life: backup, master, fault, backup, master, stop.
/// Facts: 12.2
pub fn scripts() {
    let (site, mut d1, _d2) = site::pair(0);
    d1.script("/etc/keepalived/tell", TELL);
    let instance = Instance {
        priority: 150,
        more: SCRIPTS,
        ..Instance::default()
    };
    let group = format!(
        "vrrp_sync_group G {{\n    group {{\n        VI_1\n    }}\n    {}\n}}\n",
        SCRIPTS.replace("tell ", "tell group ")
    );
    d1.run_with(&format!("{GLOBAL}{group}{instance}"));

    let life = |state: &str, own: &str| -> Vec<String> {
        let words: Vec<&str> = own.split(' ').collect();
        let own = words.iter().map(|word| format!(" [{word}]")).collect::<String>();
        vec![
            format!("{}{own}", words.len()),
            format!("{} [group]{own}", words.len() + 1),
            format!("6 [any] [two words] [INSTANCE] [VI_1] [{state}] [150]"),
            format!("7 [group] [any] [two words] [GROUP] [G] [{state}] [0]"),
        ]
    };
    // A script may take longer to say a word than a backup waits for adverts.
    let rise = || [life("BACKUP", "backup"), life("MASTER", "master 1 2")].concat();
    told(&d1, rise());
    site.switch.unplug("d1");
    told(&d1, life("FAULT", "fault"));
    site.switch.replug("d1");
    told(&d1, rise());
    d1.signal(Signal::SIGTERM);
    told(&d1, life("STOP", "stop"));
    assert_eq!(d1.ended(SOON), Some(0), "exit code");
}

/// Waits for these lines, in whatever order the scripts came to write them, and clears the slate.
#[track_caller]
fn told(director: &Director, mut wanted: Vec<String>) {
    wanted.sort();
    let mut lines = Vec::new();
    wait_for("the scripts' words", 2 * SOON, || {
        lines = director
            .read("/run/told")
            .lines()
            .map(ToOwned::to_owned)
            .collect();
        (lines.len() >= wanted.len()).then_some(())
    });
    note(&director.name, format!("scripts said {}", lines.join(", ")));
    lines.sort();
    assert_eq!(lines, wanted);
    director.write("/run/told", "");
}
