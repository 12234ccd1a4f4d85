//! Scripts: how long they may take, and who else could change them.

use super::view::seconds;
use super::{Code, Finding, Node};
use crate::conf::config::{CheckerKind, Spanned};
use crate::script::config::Command;
use std::collections::HashSet;
use std::time::Duration;

/// `interval` of a script that gives none.
const INTERVAL: Duration = Duration::from_secs(1);
/// A script that may hang as long as this without anybody noticing should have a limit.
const LONG: Duration = Duration::from_secs(30);

pub(super) fn look(node: &Node, found: &mut Vec<Finding>) {
    times(node, found);
    writable(node, found);
}

/// A run that is still going when its turn comes is skipped; a run that hangs fails at its limit (facts 14).
fn times(node: &Node, found: &mut Vec<Finding>) {
    let used: HashSet<&String> = node
        .plan
        .track_scripts
        .iter()
        .map(|script| &script.name)
        .collect();
    let mut seen = HashSet::new();
    for script in &node.config.scripts {
        let name = &script.name.value;
        if !seen.insert(name) || !used.contains(name) {
            continue;
        }
        let about = format!("vrrp_script {name}");
        let interval = script.interval.unwrap_or(INTERVAL);
        match script.timeout {
            Some(timeout) if timeout > interval => {
                let message = format!(
                    "{name}: timeout {} is longer than interval {}",
                    seconds(timeout),
                    seconds(interval)
                );
                found.push(
                    Finding::new(Code::ScriptTimeoutOverInterval, about, &script.name.place, message)
                        .effect(format!(
                            "a script that hangs is noticed after {} seconds, and the runs in between are left out",
                            seconds(timeout)
                        ))
                        .fix(format!("write timeout {} or less", seconds(interval))),
                );
            }
            None if interval >= LONG => {
                let message = format!(
                    "{name}: without a timeout a run may take the whole interval of {} seconds",
                    seconds(interval)
                );
                found.push(
                    Finding::new(Code::ScriptWithoutTimeout, about, &script.name.place, message)
                        .effect(format!(
                            "a script that hangs counts as well for {} seconds",
                            seconds(interval)
                        ))
                        .fix("write a timeout of what the script needs at most, such as 5"),
                );
            }
            Some(_) | None => {}
        }
    }
}

/// Every command with its place, in the order of the blocks.
fn commands(node: &Node) -> Vec<&Spanned<Command>> {
    let config = &node.config;
    let mut out: Vec<&Spanned<Command>> = config
        .scripts
        .iter()
        .filter_map(|script| script.script.as_ref())
        .collect();
    let instances = config.instances.iter().map(|instance| &instance.notify);
    for notify in instances.chain(config.groups.iter().map(|group| &group.notify)) {
        let all = [
            &notify.master,
            &notify.backup,
            &notify.fault,
            &notify.stop,
            &notify.any,
        ];
        out.extend(all.into_iter().flatten());
    }
    for server in &config.servers {
        out.extend([&server.quorum_up, &server.quorum_down].into_iter().flatten());
        for real in &server.real_servers {
            out.extend([&real.notify_up, &real.notify_down].into_iter().flatten());
            out.extend(real.checkers.iter().filter_map(|checker| match &checker.kind {
                CheckerKind::Misc(misc) => Some(&misc.misc_path),
                _ => None,
            }));
        }
    }
    out
}

fn writable(node: &Node, found: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    for command in commands(node) {
        let program = command.value.program();
        let Some(writable) = node.host.writable.get(program) else {
            continue;
        };
        if !seen.insert(program) {
            continue;
        }
        let message = format!("root runs {}, which others can change", writable.path);
        found.push(
            Finding::new(
                Code::ScriptWritable,
                format!("script {program}"),
                &command.place,
                message,
            )
            .effect("whoever can write there runs commands as root")
            .fix(format!(
                "{}; or run it as somebody else with script_user in global_defs",
                writable.offences
            )),
        );
    }
}
