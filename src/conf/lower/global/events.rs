//! FIFOs for events, and the scripts of the daemon's own start and end.

use super::Cx;
use crate::conf::config::{Fifo, FifoSettings, FifosSettings, LifeScripts, Spanned};
use crate::conf::diag::Topic;
use crate::conf::keyword::Block;
use crate::conf::tree::Statement;
use crate::script::config::{Command, RunAs};
use std::time::Duration;

/// FIFOs. `false`: `statement` is none of these.
pub(super) fn fifo(cx: &mut Cx<'_>, fifos: &mut FifosSettings, statement: &Statement) -> bool {
    match statement.keyword() {
        "notify_fifo" => path(cx, &mut fifos.all, statement),
        "vrrp_notify_fifo" => path(cx, &mut fifos.vrrp, statement),
        "lvs_notify_fifo" => path(cx, &mut fifos.lvs, statement),
        "notify_fifo_script" => once(cx, &mut fifos.all.script, statement),
        "vrrp_notify_fifo_script" => once(cx, &mut fifos.vrrp.script, statement),
        "lvs_notify_fifo_script" => once(cx, &mut fifos.lvs.script, statement),
        "vrrp_notify_priority_changes" => {
            fifos.notify_priority_changes = cx.boolean(statement).or(fifos.notify_priority_changes);
        }
        "fifo_write_vrrp_states_on_reload" => fifos.write_vrrp_states_on_reload = true,
        _ => return false,
    }
    true
}

/// `startup_script` and its kin. `false`: `statement` is none of these.
pub(super) fn life(cx: &mut Cx<'_>, scripts: &mut LifeScripts, statement: &Statement) -> bool {
    let seconds = |cx: &mut Cx<'_>| cx.unsigned(Block::GlobalDefs, statement).map(Duration::from_secs);
    match statement.keyword() {
        "startup_script" => once(cx, &mut scripts.startup, statement),
        "shutdown_script" => once(cx, &mut scripts.shutdown, statement),
        "startup_script_timeout" => scripts.startup_timeout = seconds(cx).or(scripts.startup_timeout),
        "shutdown_script_timeout" => scripts.shutdown_timeout = seconds(cx).or(scripts.shutdown_timeout),
        _ => return false,
    }
    true
}

fn once(cx: &mut Cx<'_>, slot: &mut Option<Spanned<Command>>, statement: &Statement) {
    cx.script_once(slot, statement, "");
}

fn path(cx: &mut Cx<'_>, settings: &mut FifoSettings, statement: &Statement) {
    let name = statement.keyword();
    let Some(path) = Cx::word(statement) else {
        cx.error(statement, format!("No {name} name specified"));
        return;
    };
    if settings.fifo.is_some() {
        let message = format!("{name} already specified - ignoring {path}");
        cx.error_about(Topic::DuplicateDefinition, statement, message);
        return;
    }
    let owner = statement.args().get(1).map(|user| RunAs {
        user: user.text.clone(),
        group: statement.args().get(2).map(|group| group.text.clone()),
    });
    settings.fifo = Some(Fifo { path, owner });
}
