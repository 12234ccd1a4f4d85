//! The effective configuration: a plan as a keepalived.conf that means the same plan again.
//!
//! Everything inherited and defaulted is spelled out. Passwords are masked unless asked for. This is here and not in
//! `conf`, since `conf` does not know what a plan is.

mod bfd;
mod checker;
mod global;
mod lvs;
mod net;
mod router;
mod vrrp;

use self::router::Further;
use super::Plan;
use crate::net::IfName;
use crate::script::config::{Command, RunAs};
use std::collections::BTreeMap;
use std::time::Duration;

/// What stands for a password.
const MASK: &str = "********";

/// `plan` in the language that it came from.
pub fn print(plan: &Plan, show_secrets: bool) -> String {
    let Plan {
        global,
        vrrp,
        track_scripts,
        track_files,
        track_processes,
        // Printed as it was written.
        process_buffer: _,
        notify,
        check,
        // Printed as it was written.
        ipvs: _,
        bfd,
        shown,
        later,
    } = plan;
    let mut out = Printer {
        text: String::new(),
        depth: 0,
        show_secrets,
        check_unicast_src: global.inherited.check_unicast_src,
        drift_repair: global.inherited.drift_repair,
        links: vrrp
            .links
            .iter()
            .map(|link| (link.name.clone(), link.parent.clone()))
            .collect(),
    };
    out.global(global, &later.global);
    out.statics(&vrrp.statics, &vrrp.track_groups);
    out.net(&later.net, &vrrp.link_delays, &vrrp.garp_groups);
    out.bfd(bfd);
    for script in track_scripts {
        out.track_script(script, later.init_fail.contains(&script.name));
    }
    for file in track_files {
        out.track_file(file);
    }
    for process in track_processes {
        out.track_process(process);
    }
    for group in &vrrp.groups {
        out.group(group, notify.groups.get(&group.name), track_scripts);
    }
    for router in &vrrp.routers {
        let further = Further {
            settings: shown.get(&router.name),
            later: later.instances.get(&router.name),
        };
        out.router(router, notify.instances.get(&router.name), further, track_scripts);
    }
    out.lvs(check, &later.lvs);
    out.text
}

struct Printer {
    text: String,
    depth: usize,
    show_secrets: bool,
    /// Every instance inherits it: its own would be one more unicast keyword.
    check_unicast_src: bool,
    /// Every instance inherits it.
    drift_repair: Option<u32>,
    /// The links that are made, each with the interface below it.
    links: BTreeMap<IfName, IfName>,
}

impl Printer {
    fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn set(&mut self, keyword: &str, value: impl ToString) {
        self.line(&format!("{keyword} {}", value.to_string()));
    }

    fn flag(&mut self, keyword: &str, on: bool) {
        if on {
            self.line(keyword);
        }
    }

    fn boolean(&mut self, keyword: &str, on: bool) {
        self.set(keyword, if on { "true" } else { "false" });
    }

    fn block(&mut self, header: &str, body: impl FnOnce(&mut Self)) {
        self.line(&format!("{header} {{"));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line("}");
        if self.depth == 0 {
            self.text.push('\n');
        }
    }

    fn user(&mut self, command: &Command) {
        if let Some(user) = &command.user {
            self.set("user", run_as(user));
        }
    }

    fn command(&mut self, keyword: &str, command: Option<&Command>) {
        if let Some(command) = command {
            let user = command
                .user
                .as_ref()
                .map_or_else(String::new, |user| format!(" {}", run_as(user)));
            self.set(keyword, format!("{}{user}", argv(command)));
        }
    }
}

/// Seconds, with as many decimals as there are.
fn seconds(time: Duration) -> String {
    match time.subsec_micros() {
        0 => time.as_secs().to_string(),
        micros => format!("{}.{micros:06}", time.as_secs())
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// A word in quotes where it needs them. There is no way to write a quote.
fn word(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                '_' | '-' | '.' | '/' | ':' | '%' | '+' | ',' | '=' | '?' | '&' | '*' | '@'
            )
    };
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('@') {
        text.to_owned()
    } else {
        format!("\"{text}\"")
    }
}

fn run_as(user: &RunAs) -> String {
    match &user.group {
        Some(group) => format!("{} {}", word(&user.user), word(group)),
        None => word(&user.user),
    }
}

/// A command line in script quoting: what a shell, a comment or a definition could take apart is an escape.
fn argv(command: &Command) -> String {
    let words: Vec<String> = command
        .argv
        .iter()
        .map(|word| {
            if word.is_empty() {
                return "''".to_owned();
            }
            let mut out = String::new();
            for c in word.chars() {
                match c {
                    '\\' | '"' | '\'' | '$' | ' ' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                    c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                    c => out.push(c),
                }
            }
            out
        })
        .collect();
    format!("\"{}\"", words.join(" "))
}
